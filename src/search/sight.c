/* SPDX-License-Identifier: BSD-3-Clause */
/* sight.c - trials in sight. */
#include "sight.h"

#include <stdlib.h>

#include "foldrank/memory.h"

/* Where everything is settled, so that no trial needs to be asked. */
static size_t settled_end(const fr_ask *ask)
{
    if (ask->options->concurrency > 0) return (size_t)ask->visible;
    return ask->past == NULL ? ask->history->settled : 0;
}

fr_status fr_sight_open(const fr_ask *ask, fr_sight *out)
{
    const size_t n = ask->history->n;
    *out = (fr_sight){.end = settled_end(ask)};
    if (ask->options->concurrency > 0 || out->end >= n) return FR_OK;
    out->late = fr_alloc(n - out->end, sizeof *out->late);
    if (out->late == NULL) return FR_ERR_MEMORY;
    for (size_t t = out->end; t < n; t++)
        if (fr_ask_sees(ask, t)) out->late[out->n_late++] = t;
    return FR_OK;
}

void fr_sight_clear(fr_sight *sight)
{
    free(sight->late);
    *sight = (fr_sight){0};
}

size_t fr_sight_count(const fr_sight *sight)
{
    return sight->end + sight->n_late;
}

size_t fr_sight_trial(const fr_sight *sight, size_t place)
{
    return place < sight->end ? place : sight->late[place - sight->end];
}

size_t fr_sight_place(const fr_sight *sight, size_t trial)
{
    size_t place = 0;
    if (trial < sight->end) return trial;
    while (place < sight->n_late && sight->late[place] < trial) place++;
    return sight->end + place;
}
