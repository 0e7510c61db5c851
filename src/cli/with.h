/* SPDX-License-Identifier: BSD-3-Clause */
/* with.h - option --with of `predict` and `export`: the single model or the ensemble. */
#ifndef FR_WITH_H
#define FR_WITH_H

#include "cli.h"
#include "foldrank/store.h"

typedef enum { FR_WITH_AUTO, FR_WITH_ENSEMBLE, FR_WITH_SINGLE } fr_with;

/* The row of the option; the value is an int at `at`. */
extern const char *const fr_with_words[];
#define FR_WITH_OPTION(at)                                                                     \
    {                                                                                          \
        .option = {.name = "with",                                                             \
                   .type = FR_OPTION_WORD,                                                     \
                   .offset = at,                                                               \
                   .fallback = "auto",                                                         \
                   .words = fr_with_words,                                                     \
                   .help = "ensemble, single (the selected model alone), or auto: the "        \
                           "ensemble where it scored better"},                                 \
        .letter = 'w', .value = "WHICH"                                                        \
    }

/* *out is the results' ensemble, or NULL for the single model. Errors: FR_ERR_USAGE when there
 * is no ensemble. Local. */
FR_CHECKED fr_status fr_with_choose(fr_with with, const fr_results_file *results,
                                    const fr_ensemble **out);

#endif
