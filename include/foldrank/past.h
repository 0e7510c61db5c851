/* SPDX-License-Identifier: BSD-3-Clause */
/* past.h - what earlier studies found (search.warm_start): samplers learn from it as from
 * trials before trial 0. It is never evaluated again, selected or counted.
 *
 * Scores of other data do not compare: a 0.9 there may be a 0.7 here. Observations are in
 * groups, and a sampler that is shown more than one sees every score as its distance from the
 * mean of its group in standard deviations (Yogatama and Mann, "Efficient transfer learning
 * method for automatic hyperparameter tuning", AISTATS 2014). Group 0 is this study's own. All
 * functions are Local. */
#ifndef FR_PAST_H
#define FR_PAST_H

#include <stddef.h>
#include <stdint.h>

#include "foldrank/pack.h"
#include "foldrank/space.h"
#include "foldrank/status.h"

/* Start with {.n_params = space->n, .n_goals = objectives}; release with fr_past_clear. */
typedef struct {
    size_t n_params, n_goals;
    size_t n;
    double *points;    /* (n, n_params) of the space of today's study */
    double *scores;    /* (n, n_goals) mean scores; NaN: pruned or diverged */
    uint32_t *groups;  /* (n) */
    uint32_t n_groups; /* at least 1, if only of this study's trials; 0 while empty */
    size_t points_capacity, scores_capacity, groups_capacity;
} fr_past;

/* A trial with its n_goals scores. */
FR_CHECKED fr_status fr_past_add(fr_past *past, const double *point, const double *scores,
                                 uint32_t group);
void fr_past_clear(fr_past *past);

/* As bytes, for the journal. Unpack: FR_ERR_FORMAT when the bytes do not make sense, a point
 * that is not of the space or another number of objectives included; the caller clears *out. */
void fr_past_pack(const fr_past *past, fr_pack *out);
FR_CHECKED fr_status fr_past_unpack(fr_unpack *in, const fr_space *space, size_t n_goals,
                                    fr_past *out);

#endif
