/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_submit.c - `foldrank submit`: a study as a Slurm job, checked before it waits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "cli.h"
#include "foldrank/ask.h"
#include "foldrank/directory.h"
#include "foldrank/memory.h"
#include "foldrank/store.h"
#include "submit.h"

#define FIELD(name) offsetof(fr_submit_values, name)

static const fr_cli_option options[] = {
    {.option = {.name = "nodes",
                .type = FR_OPTION_INT,
                .offset = FIELD(nodes),
                .fallback = "1",
                .low = 1,
                .high = 1e6,
                .help = "nodes of the job"},
     .letter = 'N',
     .value = "N"},
    {.option = {.name = "ntasks-per-node",
                .type = FR_OPTION_INT,
                .offset = FIELD(tasks_per_node),
                .fallback = "0",
                .low = 0,
                .high = 1e5,
                .help = "ranks on a node, usually its cores; has to be given"},
     .letter = 'n',
     .value = "N"},
    {.option = {.name = "cpus-per-task",
                .type = FR_OPTION_INT,
                .offset = FIELD(cpus_per_task),
                .fallback = "1",
                .low = 1,
                .high = 1e5,
                .help = "cores of a rank: its threads"},
     .letter = 'c',
     .value = "N"},
    {.option = {.name = "time",
                .type = FR_OPTION_DURATION,
                .offset = FIELD(time_s),
                .fallback = "1h",
                .low = 60,
                .high = 1e9,
                .help = "limit of each start, as 12:00:00 or 90m"},
     .letter = 't',
     .value = "TIME"},
    {.option = {.name = "partition",
                .type = FR_OPTION_STRING,
                .offset = FIELD(partition),
                .help = "partition of the cluster"},
     .letter = 'p',
     .value = "NAME"},
    {.option = {.name = "account",
                .type = FR_OPTION_STRING,
                .offset = FIELD(account),
                .help = "account that pays"},
     .letter = 'A',
     .value = "NAME"},
    {.option = {.name = "module",
                .type = FR_OPTION_STRINGS,
                .offset = FIELD(modules),
                .fallback = "[]",
                .help = "environment module to load"},
     .letter = 'm',
     .value = "NAME"},
    {.option = {.name = "sbatch",
                .type = FR_OPTION_STRINGS,
                .offset = FIELD(sbatch),
                .fallback = "[]",
                .help = "another option of sbatch, as --sbatch=--gres=gpu:4"},
     .value = "OPTION"},
    {.option = {.name = "set",
                .type = FR_OPTION_STRINGS,
                .offset = FIELD(set),
                .fallback = "[]",
                .help = "change a setting of the study, as search.trials=100"},
     .letter = 's',
     .value = "KEY=VALUE"},
    {.option = {.name = "output",
                .type = FR_OPTION_STRING,
                .offset = FIELD(output),
                .help = "directory of the results, instead of the study's"},
     .letter = 'o',
     .value = "DIR"},
    {.option = {.name = "dry-run",
                .type = FR_OPTION_BOOL,
                .offset = FIELD(dry_run),
                .fallback = "false",
                .help = "print the script, write and submit nothing"}},
};

/* An absolute path; owned by the caller, NULL when memory is short. */
static char *absolute(const char *directory, const char *path)
{
    fr_text text = {0};
    fr_text_add(&text, "%s%s%s", path[0] == '/' ? "" : directory, path[0] == '/' ? "" : "/",
                path);
    char *out = text.failed ? NULL : fr_strdup(fr_text_get(&text));
    fr_text_clear(&text);
    return out;
}

/* What is in the output directory must be of this study: the run would refuse anything else. */
static fr_status check_output(const fr_study *study)
{
    fr_text path = {0}, words = {0};
    fr_study *there = NULL;
    fr_status st = FR_OK;
    fr_text_add(&path, "%s/study.yaml", study->output);
    if (!path.failed && access(fr_text_get(&path), R_OK) == 0 &&
        fr_study_load(fr_text_get(&path), NULL, 0, &there) == FR_OK &&
        there->fingerprint != study->fingerprint && fr_study_difference(there, study, &words))
        st = FR_FAIL(FR_ERR_USAGE,
                     "%s has the results of another study: %s; give another output directory "
                     "(--output)",
                     study->output, fr_text_get(&words));
    fr_study_destroy(&there);
    fr_text_clear(&words);
    fr_text_clear(&path);
    return st;
}

/* All that `check` finds, and ranks that would have nothing to do. */
static fr_status check(const fr_study *study, const fr_submit_values *values)
{
    fr_check c = {.study = study,
                  .ranks = (size_t)(values->nodes * values->tasks_per_node),
                  .nodes = (size_t)values->nodes};
    fr_status st = fr_check_open(&c);
    if (st == FR_OK) st = check_output(study);
    if (st == FR_OK && fr_check_idle_ranks(&c) > 0)
        fprintf(stderr,
                "foldrank: %zu of %zu ranks would have nothing to do: %.0f fits run at once "
                "(see: foldrank check %s -n %zu)\n",
                fr_check_idle_ranks(&c), c.ranks, fr_check_tasks_at_once(&c), study->path,
                c.ranks);
    fr_check_close(&c);
    return st;
}

/* The answer of sbatch: "1234" or "1234;cluster". */
static fr_status submit_script(const char *path, char *answer, size_t size)
{
    const char *const question[] = {"sbatch", "--parsable", path, NULL};
    const int status = fr_ask(question, false, answer, size);
    answer[strcspn(answer, ";\n")] = '\0';
    if (status < 0)
        return FR_FAIL(
            FR_ERR_STATE,
            "there is no sbatch here; the script is %s: submit it where Slurm is, or "
            "see it with --dry-run",
            path);
    if (status != 0 || answer[0] == '\0')
        return FR_FAIL(FR_ERR_STATE, "sbatch did not take %s (see above)", path);
    return FR_OK;
}

static void print_submitted(const fr_cli *cli, const fr_submit_job *job, const char *id)
{
    const fr_submit_values *v = job->values;
    fr_text output = {0}, script = {0};
    fr_shell_quote(job->output, &output);
    fr_shell_quote(job->script, &script);
    fprintf(cli->out, "job %s: %lld node%s, %lld rank%s on each, %lld thread%s a rank\n\n", id,
            (long long)v->nodes, v->nodes == 1 ? "" : "s", (long long)v->tasks_per_node,
            v->tasks_per_node == 1 ? "" : "s", (long long)v->cpus_per_task,
            v->cpus_per_task == 1 ? "" : "s");
    fprintf(cli->out,
            "queue    squeue -j %s\n"
            "log      tail -F %s/job-%s.log\n"
            "results  foldrank show %s\n"
            "end it   scancel %s\n"
            "script   %s\n",
            id, fr_text_get(&output), id, fr_text_get(&output), id, fr_text_get(&script));
    fr_text_clear(&output);
    fr_text_clear(&script);
}

static fr_status write_and_submit(const fr_cli *cli, const fr_submit_job *job, const char *text)
{
    char id[64] = "";
    FR_TRY(fr_make_dir(job->output));
    FR_TRY(fr_store_write_text(job->output, "submit.sh", text));
    if (chmod(job->script, 0755) != 0)
        return FR_FAIL(FR_ERR_IO, "cannot make %s executable: %s", job->script,
                       strerror(errno));
    FR_TRY(submit_script(job->script, id, sizeof id));
    print_submitted(cli, job, id);
    return FR_OK;
}

static fr_status make_job(const fr_cli *cli, const fr_study *study,
                          const fr_submit_values *values)
{
    enum { PATH_SIZE = 4096 };
    char program[PATH_SIZE] = "", directory[PATH_SIZE] = "";
    fr_text text = {0}, script = {0};
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0 || getcwd(directory, sizeof directory) == NULL)
        return FR_FAIL(FR_ERR_IO, "cannot tell where foldrank is: %s", strerror(errno));
    char *output = absolute(directory, study->output);
    fr_text_add(&script, "%s/submit.sh", output == NULL ? "" : output);
    const fr_submit_job job = {.values = values,
                               .name = study->name,
                               .study = cli->operands[0],
                               .output = output,
                               .program = program,
                               .directory = directory,
                               .script = fr_text_get(&script)};
    fr_status st = output == NULL || script.failed ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) fr_submit_script(&job, &text);
    if (st == FR_OK && text.failed) st = FR_FAIL(FR_ERR_MEMORY, "out of memory for a script");
    if (st == FR_OK && values->dry_run)
        fprintf(cli->out, "%s", fr_text_get(&text));
    else if (st == FR_OK)
        st = write_and_submit(cli, &job, fr_text_get(&text));
    fr_text_clear(&text);
    fr_text_clear(&script);
    free(output);
    return st;
}

static fr_status submit(const fr_cli *cli, void *parsed)
{
    fr_submit_values *values = parsed;
    fr_study *study = NULL;
    if (values->tasks_per_node == 0)
        return FR_FAIL(FR_ERR_USAGE, "submit: how many ranks on a node? --ntasks-per-node N, "
                                     "usually its cores, divided by --cpus-per-task");
    fr_status st = fr_cli_set_output(&values->set, values->output);
    if (st == FR_OK)
        st = fr_study_load(cli->operands[0], (const char *const *)values->set.item,
                           values->set.n, &study);
    if (st == FR_OK) st = check(study, values);
    if (st == FR_OK) st = make_job(cli, study, values);
    fr_study_destroy(&study);
    return st;
}

const fr_cli_command fr_cmd_submit = {
    .name = "submit",
    .operands = "STUDY",
    .summary = "run a study as a Slurm job",
    .details = "Checks the study and its data as `foldrank check` does, writes a batch script\n"
               "beside the results and submits it. Before its time limit the job saves and\n"
               "queues again, and so it does when a node dies, until the study is done.\n"
               "Exits with 2 when the study, the data or an option is wrong, with 1 when\n"
               "Slurm does not take the job.",
    .example = "  foldrank submit jobs/digits.yaml --nodes 4 --ntasks-per-node 64 "
               "--time 12:00:00\n"
               "  foldrank submit jobs/digits.yaml -n 16 -c 4 -m openmpi -m hdf5 --dry-run",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .values_size = sizeof(fr_submit_values),
    .run = submit,
};
