/* SPDX-License-Identifier: BSD-3-Clause */
/* options.c - study key `explain`. */
#include <stddef.h>

#include "foldrank/explain.h"

#define FIELD(name) offsetof(fr_explain_options, name)

/* In the order of fr_explain_when. */
static const char *const when_words[] = {"auto", "always", "never", NULL};

const fr_option fr_explain_option_table[] = {
    {.name = "when",
     .type = FR_OPTION_WORD,
     .offset = FIELD(when),
     .fallback = "auto",
     .words = when_words,
     .help = "whether the chosen model is explained; auto: when that costs at most a twentieth "
             "of the search, or next to nothing"},
    {.name = "repeats",
     .type = FR_OPTION_INT,
     .offset = FIELD(repeats),
     .fallback = "5",
     .low = 1,
     .high = 1000,
     .help = "importance: times that a column is shuffled in each fold"},
    {.name = "rows",
     .type = FR_OPTION_INT,
     .offset = FIELD(rows),
     .fallback = "1000",
     .low = 10,
     .high = 1e9,
     .help = "most validation rows of a fold for importance, and most rows for partial "
             "dependence"},
    {.name = "features",
     .type = FR_OPTION_INT,
     .offset = FIELD(features),
     .fallback = "5",
     .low = 0,
     .high = 1e6,
     .help = "columns with partial dependence, the most important ones"},
    {.name = "grid",
     .type = FR_OPTION_INT,
     .offset = FIELD(grid),
     .fallback = "20",
     .low = 2,
     .high = 1000,
     .help = "most values of a column at which its partial dependence is computed"},
    {.name = "bins",
     .type = FR_OPTION_INT,
     .offset = FIELD(bins),
     .fallback = "10",
     .low = 2,
     .high = 1000,
     .help = "bins of the calibration curve, with about as many rows in each"},
    {.name = "hardest",
     .type = FR_OPTION_INT,
     .offset = FIELD(hardest),
     .fallback = "20",
     .low = 0,
     .high = 1e6,
     .help = "rows with the largest out-of-fold loss that are listed"},
};
const size_t fr_explain_option_count =
    sizeof fr_explain_option_table / sizeof *fr_explain_option_table;
