/* SPDX-License-Identifier: BSD-3-Clause */
/* split.h - which trials tpe takes for good. All Local. */
#ifndef FR_SEARCH_SPLIT_H
#define FR_SEARCH_SPLIT_H

#include <stddef.h>

#include "internal.h"

enum { FR_GOOD_MAX = 25 };

typedef struct {
    size_t n_visible, n_complete; /* trials with a result; complete ones of them */
    size_t n_good;
    size_t good[FR_GOOD_MAX]; /* trials */
    float weight[FR_GOOD_MAX];
} fr_split;

/* Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_split_find(const fr_ask *ask, fr_split *out);

#endif
