/* SPDX-License-Identifier: BSD-3-Clause */
/* submit_script.c - the job script of `foldrank submit`. What happens in the job is written
 * once, in jobs/batch.sh; the Makefile makes batch_script.h of it. */
#include <math.h>
#include <string.h>

#include "submit.h"

static const char *const body[] = {
#include "batch_script.h"
};

void fr_shell_quote(const char *word, fr_text *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_-./=:,+@%^";
    if (*word != '\0' && word[strspn(word, plain)] == '\0') {
        fr_text_add(out, "%s", word);
        return;
    }
    fr_text_add(out, "'");
    for (; *word != '\0'; word++)
        if (*word == '\'')
            fr_text_add(out, "'\\''");
        else
            fr_text_append(out, word, 1);
    fr_text_add(out, "'");
}

static void option(fr_text *out, const char *name, const char *value)
{
    if (value == NULL) return;
    fr_text_add(out, "#SBATCH --%s=", name);
    fr_shell_quote(value, out);
    fr_text_add(out, "\n");
}

static void number(fr_text *out, const char *name, int64_t value)
{
    fr_text_add(out, "#SBATCH --%s=%lld\n", name, (long long)value);
}

/* Days-hours:minutes:seconds. */
static void time_limit(fr_text *out, double seconds)
{
    const long long s = (long long)ceil(seconds);
    fr_text_add(out, "#SBATCH --time=%lld-%02lld:%02lld:%02lld\n", s / 86400, s / 3600 % 24,
                s / 60 % 60, s % 60);
}

static void slurm_options(const fr_submit_job *job, fr_text *out)
{
    const fr_submit_values *v = job->values;
    fr_text log = {0};
    fr_text_add(&log, "%s/job-%%j.log", job->output);
    option(out, "job-name", job->name);
    number(out, "nodes", v->nodes);
    number(out, "ntasks-per-node", v->tasks_per_node);
    number(out, "cpus-per-task", v->cpus_per_task);
    time_limit(out, v->time_s);
    option(out, "partition", v->partition);
    option(out, "account", v->account);
    option(out, "chdir", job->directory);
    option(out, "output", fr_text_get(&log));
    for (size_t i = 0; i < v->sbatch.n; i++)
        fr_text_add(out, "#SBATCH %s\n", v->sbatch.item[i]);
    /* Two minutes are enough to end an epoch and to save; in a short job they would be most of
     * it. */
    const double notice = fmin(120.0, ceil(v->time_s / 10.0));
    fr_text_add(out,
                "#SBATCH --signal=B:USR1@%.0f\n#SBATCH --open-mode=append\n#SBATCH --requeue\n",
                notice);
    fr_text_clear(&log);
}

/* What jobs/batch.sh takes from its surroundings. */
static void surroundings(const fr_submit_job *job, fr_text *out)
{
    const fr_submit_values *v = job->values;
    fr_text again = {0};
    fr_text_add(&again, "sbatch ");
    fr_shell_quote(job->script, &again);
    for (size_t i = 0; i < v->modules.n; i++) {
        fr_text_add(out, "module load ");
        fr_shell_quote(v->modules.item[i], out);
        fr_text_add(out, " || exit\n");
    }
    fr_text_add(out, "FOLDRANK=");
    fr_shell_quote(job->program, out);
    fr_text_add(out, "\nFOLDRANK_OUTPUT=");
    fr_shell_quote(job->output, out);
    fr_text_add(out, "\nFOLDRANK_AGAIN=");
    fr_shell_quote(fr_text_get(&again), out);
    fr_text_add(out, "\nset -- ");
    fr_shell_quote(job->study, out);
    for (size_t i = 0; i < v->set.n; i++) {
        fr_text_add(out, " --set ");
        fr_shell_quote(v->set.item[i], out);
    }
    fr_text_add(out, "\n\n");
    out->failed = out->failed || again.failed;
    fr_text_clear(&again);
}

void fr_submit_script(const fr_submit_job *job, fr_text *out)
{
    fr_text_add(out, "#!/usr/bin/env bash\n# Written by `foldrank submit`: study %s.\n",
                job->name);
    slurm_options(job, out);
    surroundings(job, out);
    for (size_t i = 0; i < sizeof body / sizeof *body; i++) fr_text_add(out, "%s\n", body[i]);
}
