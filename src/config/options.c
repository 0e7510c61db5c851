/* SPDX-License-Identifier: BSD-3-Clause */
/* options.c - settings that belong to the study itself. */
#include <math.h>
#include <stddef.h>

#include "internal.h"

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))

const fr_option fr_study_option_table[] = {
    {.name = "study",
     .type = FR_OPTION_STRING,
     .offset = offsetof(fr_study, name),
     .help = "name of the study; default: the file's name without its ending"},
    {.name = "metric",
     .type = FR_OPTION_WORD,
     .offset = offsetof(fr_study, metric),
     .words = fr_metric_words,
     .help =
         "score of a model, or a list of objectives; ndcg@10, recall@10, precision@10, "
         "map@10 (any number) are means over the users of data.user: gain is the target, "
         "tied predictions count as the mean of their orders, a user without a relevant row "
         "is left out; default: accuracy for classes, rmse for numbers"},
    {.name = "output",
     .type = FR_OPTION_STRING,
     .offset = offsetof(fr_study, output),
     .help = "directory of the results; default: results/ and the study's name"},
};

const char *const fr_objective_words[] = {"function", "table",    "command",
                                          "plugin",   "embedded", NULL};
const char *const fr_cost_words[] = {"parameters", "flops", "training_flops", NULL};
const char *const fr_direction_words[] = {"minimize", "maximize", NULL};

enum {
    FUNCTION = 1u << FR_OBJECTIVE_FUNCTION,
    TABLE = 1u << FR_OBJECTIVE_TABLE,
    COMMAND = 1u << FR_OBJECTIVE_COMMAND,
    PLUGIN = 1u << FR_OBJECTIVE_PLUGIN,
    EMBEDDED = 1u << FR_OBJECTIVE_EMBEDDED,
    EXTERNAL = COMMAND | PLUGIN | EMBEDDED,
    ALL = FUNCTION | TABLE | EXTERNAL,
};

#define AT(field) .offset = offsetof(fr_objective_options, field)
const fr_option fr_objective_option_table[] = {
    {.name = "scores",
     .type = FR_OPTION_STRINGS,
     AT(scores),
     .fallback = "[]",
     .help = "names of the scores, where there are several"},
    {.name = "direction",
     .type = FR_OPTION_STRINGS,
     AT(direction),
     .fallback = "minimize",
     .help = "minimize or maximize: for all scores, or a list with one for each; default: as "
             "the metric, if foldrank knows it"},
    {.name = "metric",
     .type = FR_OPTION_STRING,
     AT(metric),
     .help = "command, plugin, embedded: what the score is called"},
    {.name = "steps",
     .type = FR_OPTION_INT,
     AT(steps),
     .fallback = "0",
     .low = 0,
     .high = FR_OBJECTIVE_STEPS_MAX,
     .help = "command, plugin, embedded: most steps that a task reports; 0: not known; table: "
             "scores are recorded after steps 1 .. steps, in columns NAME@STEP; 0: at the end"},
    {.name = "run",
     .type = FR_OPTION_STRING,
     AT(run),
     .help = "command: program and arguments, with {name} for the value of a parameter"},
    {.name = "shell",
     .type = FR_OPTION_BOOL,
     AT(shell),
     .fallback = "false",
     .help = "command: let /bin/sh run it"},
    {.name = "timeout",
     .type = FR_OPTION_DURATION,
     AT(timeout),
     .fallback = "0",
     .low = 0,
     .high = 1e9,
     .help = "command: a task that takes longer is ended; 0: no limit"},
    {.name = "grace",
     .type = FR_OPTION_DURATION,
     AT(grace),
     .fallback = "10s",
     .low = 0,
     .high = 3600,
     .help = "command: from SIGTERM to SIGKILL when a task is ended early"},
    {.name = "options",
     .type = FR_OPTION_STRING,
     AT(options),
     .help = "plugin: a text that it is given at its start"},
    {.name = "function",
     .type = FR_OPTION_STRING,
     AT(function),
     .help = "function: its name, such as sphere or branin"},
    {.name = "path",
     .type = FR_OPTION_STRING,
     AT(path),
     .help = "table: CSV file, plain or gzip, with one column for each parameter; plugin: the "
             "shared object"},
    {.name = "values",
     .type = FR_OPTION_STRINGS,
     AT(values),
     .fallback = "[]",
     .help = "table: columns of the scores, averaged, or with validation.folds one for each "
             "fold; of several scores a list for each; none: all that are no parameter, of "
             "several scores the columns called so"},
    {.name = "run_time",
     .type = FR_OPTION_STRING,
     AT(run_time),
     .help = "table: column of the run times [s], which evaluations then pretend to take"},
    {.name = "speed",
     .type = FR_OPTION_DOUBLE,
     AT(speed),
     .fallback = "1",
     .low = 0,
     .open_low = true,
     .high = 1e12,
     .help = "table: how many times shorter than run_time that is"},
    {.name = "sleep",
     .type = FR_OPTION_DOUBLE,
     AT(sleep),
     .fallback = "0",
     .low = 0,
     .high = 1e6,
     .help = "function: pretended run time of an evaluation [s]"},
    {.name = "noise",
     .type = FR_OPTION_DOUBLE,
     AT(noise),
     .fallback = "0",
     .low = 0,
     .high = 1e12,
     .help = "function: standard deviation of added noise"},
};
const size_t fr_objective_option_count = COUNT_OF(fr_objective_option_table);

/* In the order of the table. */
static const unsigned users[] = {
    FUNCTION | TABLE, ALL,     EXTERNAL, EXTERNAL | TABLE, COMMAND, COMMAND, COMMAND,
    COMMAND,          PLUGIN,  FUNCTION, TABLE | PLUGIN,   TABLE,   TABLE,   TABLE,
    FUNCTION,         FUNCTION};
_Static_assert(COUNT_OF(users) == COUNT_OF(fr_objective_option_table), "one entry per row");

bool fr_objective_uses(int type, size_t row)
{
    return (users[row] >> type & 1u) != 0;
}

bool fr_objective_is_external(const fr_objective_options *objective)
{
    return ((unsigned)EXTERNAL >> objective->type & 1u) != 0;
}

bool fr_objective_has_folds(const fr_objective_options *objective)
{
    return ((unsigned)(EXTERNAL | TABLE) >> objective->type & 1u) != 0;
}

const fr_option fr_objective_fold_table[] = {
    {.name = "folds",
     .type = FR_OPTION_INT,
     AT(folds),
     .fallback = "1",
     .low = 1,
     .high = 1e6,
     .help = "tasks of a trial, each is told which one it is; table: a score column for each"},
};
const size_t fr_objective_fold_count = COUNT_OF(fr_objective_fold_table);
#undef AT

const fr_option fr_resource_option_table[] = {
    {.name = "threads",
     .type = FR_OPTION_INT,
     .offset = offsetof(fr_resource_options, threads),
     .fallback = "0",
     .low = 0,
     .high = 4096,
     .help = "OpenMP threads of a rank; 0: the cores of the node shared by its ranks"},
    {.name = "ranks_per_trial",
     .type = FR_OPTION_INT,
     .offset = offsetof(fr_resource_options, ranks_per_trial),
     .fallback = "1",
     .low = 1,
     .high = FR_GROUP_MAX,
     .help = "ranks that share the mini-batches of a fit: 1, 2, 4, 8 or 16"},
    {.name = "gpus",
     .type = FR_OPTION_INT,
     .offset = offsetof(fr_resource_options, gpus),
     .fallback = "0",
     .low = 0,
     .high = 1024,
     .help = "objective command, plugin or embedded: GPUs of its own for each rank"},
};
const size_t fr_resource_option_count = COUNT_OF(fr_resource_option_table);
