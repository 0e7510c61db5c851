/* SPDX-License-Identifier: BSD-3-Clause */
/* importance.h - which hyperparameters mattered: for each, the share of the variance of "this
 * trial is among the best" that its value alone explains.
 *
 * That is the first-order term of a functional analysis of variance (Hutter, Hoos and
 * Leyton-Brown, ICML 2014) of the indicator of the best trials, the quantity of PED-ANOVA
 * (Watanabe, Bansal and Hutter, IJCAI 2023, eq. 6), which needs neither a surrogate model nor
 * the sampler's density. Values of a number are cut into groups of equal size instead of being
 * smoothed by a kernel; then the explained share is a one-way analysis of variance, and what
 * groups explain by chance alone is taken off (epsilon squared: Kelley, PNAS 21, 1935).
 *
 * Read it with care after an adaptive search: parameters that the sampler moved together share
 * their credit, and one that it never varied explains nothing. All functions are Local. */
#ifndef FR_IMPORTANCE_H
#define FR_IMPORTANCE_H

#include <stddef.h>

#include "foldrank/history.h"
#include "foldrank/status.h"

/* share (space->n): 0 = no more than chance, 1 = all of it; a conditional parameter is judged
 * among the trials where it is active, its share is of the whole variance. The shares of
 * independent parameters add up to at most 1 in expectation; the rest is interaction and noise.
 *
 * *n_trials: how many took part, *n_best: how many of them are the best: a tenth, but at least
 * 10, and at most half of the complete ones. Complete trials take part, and those that were
 * pruned or diverged, as never among the best: the first trials of a search are not pruned
 * however bad they are, so being complete is not enough. *n_best is 0, and every share NaN,
 * when nothing can be said: fewer than 8 trials, or fewer than 2 complete. Errors:
 * FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_importance(const fr_history *history, double *share, size_t *n_trials,
                                   size_t *n_best);

#endif
