/* SPDX-License-Identifier: BSD-3-Clause */
/* folds.h - between folds.c, which keeps lists of rows, and splits.c, which deals rows out. */
#ifndef FR_DATA_FOLDS_H
#define FR_DATA_FOLDS_H

#include "foldrank/folds.h"
#include "foldrank/random.h"

/* Dealing happens over 0 .. n-1, positions in a list of rows. A stratum is a class, or a group,
 * or fold number from the file; NULL = all are alike. */
typedef struct {
    size_t n;
    const uint32_t *stratum; /* (n) 0 .. n_strata-1, or NULL */
    size_t n_strata;
} fr_deal;

/* part[i] = fold of position i. Shuffled; strata are spread evenly. */
FR_CHECKED fr_status fr_deal_folds(const fr_deal *deal, size_t folds, fr_rng rng,
                                   uint32_t *part);
/* The same with every stratum in one fold. `exact`: strictly largest first, which leaves little
 * to chance; else sizes are compared by powers of two. */
FR_CHECKED fr_status fr_deal_groups(const fr_deal *deal, size_t folds, fr_rng rng, bool exact,
                                    uint32_t *part);
/* part[i] = 1 for `wanted` positions, 0 for the others; strata are spread evenly. */
FR_CHECKED fr_status fr_deal_share(const fr_deal *deal, size_t wanted, fr_rng rng,
                                   uint32_t *part);
/* Whole strata, until `wanted` positions are reached or nearly so. */
FR_CHECKED fr_status fr_deal_share_of_groups(const fr_deal *deal, size_t wanted, fr_rng rng,
                                             uint32_t *part);

#endif
