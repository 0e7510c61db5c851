/* SPDX-License-Identifier: BSD-3-Clause */
/* submit.h - what `foldrank submit` asks of Slurm. */
#ifndef FR_SUBMIT_H
#define FR_SUBMIT_H

#include "foldrank/option.h"
#include "foldrank/text.h"

typedef struct {
    fr_strings set;
    char *output;
    int64_t nodes, tasks_per_node, cpus_per_task;
    double time_s;
    char *partition, *account;
    fr_strings modules; /* `module load` */
    fr_strings sbatch;  /* more options of sbatch, as they are */
    bool dry_run;
} fr_submit_values;

/* What a job script says, all paths absolute but for those in the study. */
typedef struct {
    const fr_submit_values *values;
    const char *name, *study, *output;        /* of the study; its file; its results */
    const char *program, *directory, *script; /* foldrank; where to run it; the script's path */
} fr_submit_job;

/* Append the script: head and options of this job, then the body of jobs/batch.sh. Local. */
void fr_submit_script(const fr_submit_job *job, fr_text *out);

/* Append a word as the shell reads it back. Local. */
void fr_shell_quote(const char *word, fr_text *out);

#endif
