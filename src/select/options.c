/* SPDX-License-Identifier: BSD-3-Clause */
/* options.c - study key `select`. */
#include <stddef.h>

#include "foldrank/select.h"

#define FIELD(name) offsetof(fr_select_options, name)

/* In the order of fr_rule. */
static const char *const rules[] = {"best", "one_standard_error", "paired_test", "dice", "knee",
                                    NULL};

const fr_option fr_select_option_table[] = {
    {.name = "rule",
     .type = FR_OPTION_WORD,
     .offset = FIELD(rule),
     .fallback = "best",
     .words = rules,
     .help = "how the model is chosen among the finished trials; default with several "
             "objectives: knee"},
    {.name = "constraints",
     .type = FR_OPTION_STRINGS,
     .offset = FIELD(constraints),
     .fallback = "[]",
     .help = "what it must satisfy, such as parameters <= 10000"},
    {.name = "reference",
     .type = FR_OPTION_STRINGS,
     .offset = FIELD(reference),
     .fallback = "[]",
     .help = "several objectives: where the hypervolume ends, a number for each; none: a tenth "
             "of the front's extent beyond its worst"},
    {.name = "alpha",
     .type = FR_OPTION_DOUBLE,
     .offset = FIELD(alpha),
     .fallback = "0.05",
     .low = 0,
     .high = 1,
     .open_low = true,
     .open_high = true,
     .help = "paired_test: significance level"},
    {.name = "k",
     .type = FR_OPTION_INT,
     .offset = FIELD(k),
     .fallback = "10",
     .low = 0,
     .high = 1e9,
     .help = "dice: trials drawn in a round; 0: all"},
    {.name = "rounds",
     .type = FR_OPTION_INT,
     .offset = FIELD(rounds),
     .fallback = "1000",
     .low = 1,
     .high = 1e7,
     .help = "dice: number of rounds"},
    {.name = "seed",
     .type = FR_OPTION_INT,
     .offset = FIELD(seed),
     .fallback = "0",
     .help = "dice: start of the random numbers"},
    {.name = "lower_bound",
     .type = FR_OPTION_BOOL,
     .offset = FIELD(lower_bound),
     .fallback = "false",
     .help = "dice: rank by the mean less one standard error (plus, when minimising)"},
};
const size_t fr_select_option_count =
    sizeof fr_select_option_table / sizeof *fr_select_option_table;
