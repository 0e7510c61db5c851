/* SPDX-License-Identifier: BSD-3-Clause */
/* with.c - which of a study's models is meant. */
#include "with.h"

const char *const fr_with_words[] = {"auto", "ensemble", "single", NULL};

fr_status fr_with_choose(fr_with with, const fr_results_file *results, const fr_ensemble **out)
{
    const bool together =
        with == FR_WITH_AUTO ? fr_results_prefer_ensemble(results) : with == FR_WITH_ENSEMBLE;
    *out = together ? &results->ensemble : NULL;
    if (!together || results->has_ensemble) return FR_OK;
    return FR_FAIL(FR_ERR_USAGE,
                   "--with ensemble: there is none in %s; `foldrank run` with --set "
                   "ensemble.size=10 adds one",
                   results->path);
}
