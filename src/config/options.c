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
     .help = "score of a model, or a list of objectives; default: accuracy for classes, rmse "
             "for numbers"},
    {.name = "output",
     .type = FR_OPTION_STRING,
     .offset = offsetof(fr_study, output),
     .help = "directory of the results; default: results/ and the study's name"},
};

const char *const fr_objective_words[] = {"function", "table", NULL};
const char *const fr_cost_words[] = {"parameters", "flops", "training_flops", NULL};
const char *const fr_direction_words[] = {"minimize", "maximize", NULL};

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
     .help = "minimize or maximize: for all scores, or a list with one for each"},
    {.name = "function",
     .type = FR_OPTION_STRING,
     AT(function),
     .help = "function: its name, such as sphere or branin"},
    {.name = "path",
     .type = FR_OPTION_STRING,
     AT(path),
     .help = "table: CSV file, plain or gzip, with one column for each parameter"},
    {.name = "values",
     .type = FR_OPTION_STRINGS,
     AT(values),
     .fallback = "[]",
     .help = "table: columns that are averaged, of several scores a list for each; none: all "
             "that are no parameter, of several scores the columns called so"},
    {.name = "sleep",
     .type = FR_OPTION_DOUBLE,
     AT(sleep),
     .fallback = "0",
     .low = 0,
     .high = 1e6,
     .help = "pretended run time of an evaluation [s]"},
    {.name = "noise",
     .type = FR_OPTION_DOUBLE,
     AT(noise),
     .fallback = "0",
     .low = 0,
     .high = 1e12,
     .help = "function: standard deviation of added noise"},
};
const size_t fr_objective_option_count = COUNT_OF(fr_objective_option_table);
#undef AT

const fr_option fr_resource_option_table[] = {
    {.name = "threads",
     .type = FR_OPTION_INT,
     .offset = offsetof(fr_resource_options, threads),
     .fallback = "0",
     .low = 0,
     .high = 4096,
     .help = "OpenMP threads of a rank; 0: the cores of the node shared by its ranks"},
};
const size_t fr_resource_option_count = COUNT_OF(fr_resource_option_table);
