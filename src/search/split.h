/* SPDX-License-Identifier: BSD-3-Clause */
/* split.h - which trials tpe takes for good. All Local. */
#ifndef FR_SEARCH_SPLIT_H
#define FR_SEARCH_SPLIT_H

#include <stddef.h>

#include "internal.h"
#include "sight.h"

enum { FR_GOOD_MAX = 25 };

typedef struct {
    size_t n_visible, n_ranked; /* trials with a result; those of them with a cost */
    size_t n_good;
    size_t good[FR_GOOD_MAX]; /* trials */
    float weight[FR_GOOD_MAX];
} fr_split;

/* The best of the first `n` trials of a history, kept from one suggestion to the next. Start
 * with {0}. */
typedef struct {
    uint64_t serial; /* of the index of points that it belongs to */
    size_t n, n_ranked;
    struct {
        double score; /* smaller is better */
        size_t trial;
    } best[FR_GOOD_MAX + 1]; /* best first */
    size_t n_best;
} fr_ranking;

/* `ranking` only saves time. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_split_find(const fr_ask *ask, const fr_sight *sight,
                                   fr_ranking *ranking, fr_split *out);

#endif
