/* SPDX-License-Identifier: BSD-3-Clause */
/* sight.h - the trials whose results a suggestion may look at, numbered without a pass over the
 * history; for tpe. All Local. */
#ifndef FR_SEARCH_SIGHT_H
#define FR_SEARCH_SIGHT_H

#include <stddef.h>

#include "internal.h"

/* All trials before `end`, and those listed, which with free concurrency have settled before
 * others. A place numbers them in their order. */
typedef struct {
    size_t end, n_late;
    size_t *late; /* (n_late), ascending */
} fr_sight;

/* Released by fr_sight_clear, also on failure. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_sight_open(const fr_ask *ask, fr_sight *out);
void fr_sight_clear(fr_sight *sight);

size_t fr_sight_count(const fr_sight *sight);
size_t fr_sight_trial(const fr_sight *sight, size_t place);

/* The place of a trial that is in sight. */
size_t fr_sight_place(const fr_sight *sight, size_t trial);

#endif
