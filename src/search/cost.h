/* SPDX-License-Identifier: BSD-3-Clause */
/* cost.h - the one number that samplers learn from. Local. */
#ifndef FR_SEARCH_COST_H
#define FR_SEARCH_COST_H

#include <stddef.h>

#include "foldrank/history.h"

/* Of a complete trial its mean score, negated where more is better. Of a pruned one an estimate
 * of what that would have become: its rank, where it was stopped, among complete trials before
 * it is taken for its final rank among these; between two of them it is interpolated. It
 * follows from trials 0 .. t alone: once these have settled it does not change. NaN: failed,
 * pending, or nothing to compare with, or pruned in a study with several objectives. O(folds x
 * epochs), bounded. */
double fr_trial_cost(const fr_history *history, size_t t);

#endif
