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

bool fr_is_classified(const fr_dataset *dataset);

/* Classes or groups of the listed rows, numbered as in the data set; owned by the caller. */
FR_CHECKED fr_status fr_take_strata(const fr_dataset *dataset, const uint32_t *rows, size_t n,
                                    bool grouped, uint32_t **out, size_t *n_strata);

/* test_part.c. mark[i] = 1 for the test rows, of a mark of 0; `scheme` decides what the options
 * leave open. Errors: FR_ERR_DATA, FR_ERR_USAGE. */
FR_CHECKED fr_status fr_mark_test(const fr_dataset *dataset, const fr_test_options *test,
                                  int scheme, uint32_t *mark);

/* Rows of n that are this fraction, rounded up. */
size_t fr_share_of(double fraction, size_t n);

/* FR_ERR_DATA: it is not known whose the rows are, which `what` has to know. */
FR_CHECKED fr_status fr_need_users(const fr_dataset *dataset, const char *what);

/* last.c. Of n listed rows (NULL: the first n), in the order of dataset->time, or of the list
 * when there is none. */

/* earlier[i] = number of listed rows before row i; of one time none is before another. */
FR_CHECKED fr_status fr_count_earlier(const fr_dataset *dataset, const uint32_t *rows, size_t n,
                                      uint32_t *earlier);

/* mark[i] = 1 for the `last` rows of each user, or with `last` 0 for that fraction of his rows;
 * each keeps his first row, and rows of unknown users are not marked. */
FR_CHECKED fr_status fr_mark_last(const fr_dataset *dataset, const uint32_t *rows, size_t n,
                                  size_t last, double fraction, uint32_t *mark);

#endif
