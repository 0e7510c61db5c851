/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_run.c - `foldrank run`: a study from its file to a table of what was found. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "foldrank/memory.h"
#include "foldrank/schedule.h"
#include "foldrank/text.h"

typedef struct {
    fr_strings set;
    char *output;
    double time_s;
    double log_every_s;
    double snapshot_every_s;
    double checkpoint_every_s;
} run_values;

#define FIELD(name) offsetof(run_values, name)

static const fr_cli_option options[] = {
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
    {.option = {.name = "time",
                .type = FR_OPTION_DURATION,
                .offset = FIELD(time_s),
                .fallback = "0",
                .low = 0,
                .high = 1e9,
                .help = "stop after so long, saved; 90s, 55m, 1h30m; 0: no limit"},
     .letter = 't',
     .value = "TIME"},
    {.option = {.name = "log-every",
                .type = FR_OPTION_DURATION,
                .offset = FIELD(log_every_s),
                .fallback = "30s",
                .low = 0.1,
                .high = 1e6,
                .help = "between two progress lines when stderr is no terminal"},
     .value = "TIME"},
    {.option = {.name = "snapshot-every",
                .type = FR_OPTION_DURATION,
                .offset = FIELD(snapshot_every_s),
                .fallback = "60s",
                .low = 0,
                .high = 1e6,
                .help = "between two results.h5 while running; 0: at the end only"},
     .value = "TIME"},
    {.option = {.name = "checkpoint-every",
                .type = FR_OPTION_DURATION,
                .offset = FIELD(checkpoint_every_s),
                .fallback = "10m",
                .low = 0,
                .high = 1e6,
                .help = "between two saves of a long fit; 0: when it is stopped only"},
     .value = "TIME"},
};

static fr_status read_file(const fr_cli *cli, run_values *values, fr_study **study)
{
    FR_TRY(fr_cli_set_output(&values->set, values->output));
    return fr_study_load(cli->operands[0], (const char *const *)values->set.item, values->set.n,
                         study);
}

/* Root reads the file; the others parse what it understood. */
static fr_status load_study(const fr_cli *cli, run_values *values, fr_study **study)
{
    return fr_study_share(cli->comm, cli->rank == 0 ? read_file(cli, values, study) : FR_OK,
                          study);
}

static fr_status run(const fr_cli *cli, void *parsed)
{
    run_values *values = parsed;
    fr_study *study = NULL;
    fr_run_report report = {0};
    const fr_run_options run_options = {.job_left_s =
                                            cli->rank == 0 ? fr_job_seconds_left() : INFINITY,
                                        .time_limit_s = values->time_s,
                                        .log_every_s = values->log_every_s,
                                        .snapshot_every_s = values->snapshot_every_s,
                                        .checkpoint_every_s = values->checkpoint_every_s,
                                        .command = cli->typed,
                                        .started = cli->started};
    fr_status st = load_study(cli, values, &study);
    if (st == FR_OK) st = fr_run(cli->comm, study, &run_options, &report);
    if (cli->rank == 0 && report.history != NULL) fr_cli_print_summary(cli, study, &report, st);
    fr_run_report_clear(&report);
    fr_study_destroy(&study);
    return st;
}

const fr_cli_command fr_cmd_run = {
    .name = "run",
    .operands = "STUDY",
    .summary = "run a study, or go on where it stopped",
    .details =
        "Searches the hyperparameters that the study file names, trains every trial on\n"
        "every fold, selects a model, trains it on all rows but the test rows and\n"
        "scores it once on these. All ranks train. Everything is kept in the output\n"
        "directory: run the same command again to go on after a stop or a crash, or\n"
        "with more trials.\n\n"
        "SIGUSR1, SIGTERM, Ctrl-C and --time stop at the next epoch; the program saves,\n"
        "also the fits that are under way, and exits with code 75; the next run goes on\n"
        "at their epoch. Other exit codes: 0 done, 1 failed, 2 the study, the\n"
        "data or the command line is wrong.",
    .example = "  foldrank run jobs/digits.yaml\n"
               "  mpirun -n 4 foldrank run jobs/digits.yaml --set search.trials=200 --time 55m",
    .min_operands = 1,
    .max_operands = 1,
    .parallel = true,
    .stops = true,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .values_size = sizeof(run_values),
    .run = run,
};
