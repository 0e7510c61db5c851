/* SPDX-License-Identifier: BSD-3-Clause */
/* options.c - study key `ensemble`. */
#include <stddef.h>

#include "foldrank/ensemble.h"

#define FIELD(name) offsetof(fr_ensemble_options, name)

const fr_option fr_ensemble_option_table[] = {
    {.name = "size",
     .type = FR_OPTION_INT,
     .offset = FIELD(size),
     .fallback = "0",
     .low = 0,
     .high = 1000,
     .help = "most members, a model that comes twice counts double; 0: no ensemble"},
    {.name = "candidates",
     .type = FR_OPTION_INT,
     .offset = FIELD(candidates),
     .fallback = "20",
     .low = 1,
     .high = 10000,
     .help = "best trials that members are chosen from; their folds are trained once more"},
    {.name = "initial",
     .type = FR_OPTION_INT,
     .offset = FIELD(initial),
     .fallback = "5",
     .low = 1,
     .high = 1000,
     .help = "begin with the best so many trials, or with fewer where these score better"},
    {.name = "bags",
     .type = FR_OPTION_INT,
     .offset = FIELD(bags),
     .fallback = "1",
     .low = 1,
     .high = 1000,
     .help = "selections that are added up, each from a random share of the candidates; 1: one "
             "from all of them"},
    {.name = "bag_share",
     .type = FR_OPTION_DOUBLE,
     .offset = FIELD(bag_share),
     .fallback = "0.5",
     .low = 0,
     .high = 1,
     .open_low = true,
     .help = "candidates that a bag is selected from"},
    {.name = "seed",
     .type = FR_OPTION_INT,
     .offset = FIELD(seed),
     .fallback = "0",
     .help = "bags: start of the random numbers"},
};
const size_t fr_ensemble_option_count =
    sizeof fr_ensemble_option_table / sizeof *fr_ensemble_option_table;
