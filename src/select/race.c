/* SPDX-License-Identifier: BSD-3-Clause */
/* race.c - a trial that the folds so far show to be worse need not train the rest. */
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "foldrank/select.h"

bool fr_race_beaten(const fr_history *history, uint64_t trial, uint64_t visible,
                    uint32_t n_folds, double alpha, double valid_share)
{
    const size_t best = fr_history_best(history, (size_t)visible);
    if (n_folds < 2 || best >= visible) return false;
    double *difference = fr_alloc(n_folds, sizeof *difference);
    if (difference == NULL) return false; /* training on is always right, only slower */
    double sum = 0;
    for (uint32_t f = 0; f < n_folds; f++) {
        difference[f] =
            history->trials[trial].folds[f]->score - history->trials[best].folds[f]->score;
        sum += history->maximize ? difference[f] : -difference[f];
    }
    const double p = fr_paired_test(difference, n_folds, 1.0, valid_share);
    free(difference);
    return sum < 0 && p / 2 < alpha;
}

bool fr_race_ask(const void *race, const fr_history *history, uint64_t trial, uint32_t n_folds)
{
    const fr_race *r = race;
    if (n_folds < r->first_fold) return false;
    return fr_race_beaten(history, trial, fr_history_visible(history, r->concurrency, trial),
                          n_folds, r->alpha, r->valid_share);
}
