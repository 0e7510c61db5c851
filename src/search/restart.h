/* SPDX-License-Identifier: BSD-3-Clause */
/* restart.h - when a run of an evolution strategy is over, and what the next one is like; for
 * cmaes. All Local. */
#ifndef FR_SEARCH_RESTART_H
#define FR_SEARCH_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/random.h"
#include "foldrank/status.h"

typedef struct {
    size_t dims;
    size_t population; /* of the present run */
    double narrowing;  /* what its first step size is multiplied by */
    size_t smallest, largest;
    bool is_small;           /* the present run is of the small kind */
    uint64_t spent[2];       /* trials of large and of small runs */
    double *best, *median;   /* (window): scores of the last generations, circular */
    size_t window, capacity; /* what is looked at, what there is room for */
    size_t generations;      /* of the present run */
    double range;            /* of the scores of the run's first generation */
} fr_restart;

/* Start with {0}; fr_restart_begin makes it ready for the first run; release with
 * fr_restart_clear. `dims` parameters are searched. */
FR_CHECKED fr_status fr_restart_begin(fr_restart *restart, size_t dims);
void fr_restart_clear(fr_restart *restart);

/* Note the sorted scores, smaller is better, INFINITY where there is none, of the generation
 * that has just been learned from. True when the run is over: nothing moves any more, or
 * neither the best nor the median has become better for long. */
bool fr_restart_due(fr_restart *restart, const double *scores);

/* Choose population and narrowing of the next run; the random numbers decide how small a small
 * one is. */
FR_CHECKED fr_status fr_restart_next(fr_restart *restart, fr_rng *rng);

#endif
