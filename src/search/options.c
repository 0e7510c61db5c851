/* SPDX-License-Identifier: BSD-3-Clause */
/* options.c - study key `search`. */
#include <stddef.h>

#include "foldrank/search.h"

/* The order is that of the samplers in search.c. */
const char *const fr_search_methods[] = {"grid",  "random", "sobol", "tpe", "gp",
                                         "cmaes", "auto",   "nsga2", NULL};

#define FIELD(name) offsetof(fr_search_options, name)

const fr_option fr_search_option_table[] = {
    {.name = "method",
     .type = FR_OPTION_WORD,
     .offset = FIELD(method),
     .fallback = "auto",
     .words = fr_search_methods,
     .help = "how configurations are chosen"},
    {.name = "trials",
     .type = FR_OPTION_INT,
     .offset = FIELD(trials),
     .fallback = "0",
     .low = 0,
     .high = 1e9,
     .help = "configurations to try; 0: the whole grid; else 100, or no limit if `stop` has a "
             "budget"},
    {.name = "seed",
     .type = FR_OPTION_INT,
     .offset = FIELD(seed),
     .fallback = "0",
     .help = "start of the random numbers"},
    {.name = "concurrency",
     .type = FR_OPTION_INT,
     .offset = FIELD(concurrency),
     .fallback = "8",
     .low = 0,
     .high = 1e6,
     .help = "trials in flight that an adaptive method allows for; 0: any, not reproducible"},
    {.name = "repeats",
     .type = FR_OPTION_BOOL,
     .offset = FIELD(repeats),
     .fallback = "false",
     .help = "allow a configuration to be evaluated more than once"},
    {.name = "observations",
     .type = FR_OPTION_INT,
     .offset = FIELD(observations),
     .fallback = "10000",
     .low = 0,
     .high = 1e6,
     .help = "gp: most results in the model, of more the best half and the newest; 0: all"},
    {.name = "distribute_from",
     .type = FR_OPTION_INT,
     .offset = FIELD(distribute_from),
     .fallback = "2000",
     .low = 0,
     .high = 1e6,
     .help = "gp: with more results than this in the model all ranks compute it together, "
             "once in a generation; 0: never"},
    {.name = "generation",
     .type = FR_OPTION_INT,
     .offset = FIELD(generation),
     .fallback = "64",
     .low = 1,
     .high = 1024,
     .help = "gp: trials from one such model to the next"},
    {.name = "warm_start",
     .type = FR_OPTION_STRINGS,
     .offset = FIELD(warm_start),
     .fallback = "[]",
     .help = "results of earlier studies to learn from: directories or results.h5 files"},
    {.name = "population",
     .type = FR_OPTION_INT,
     .offset = FIELD(population),
     .fallback = "24",
     .low = 4,
     .high = 10000,
     .help = "nsga2, auto with several objectives: trials that the next ones are bred from"},
};
const size_t fr_search_option_count =
    sizeof fr_search_option_table / sizeof *fr_search_option_table;
