/* SPDX-License-Identifier: BSD-3-Clause */
/* acquire.h - what a model's search for the next point consists of. All Local. */
#ifndef FR_SEARCH_ACQUIRE_H
#define FR_SEARCH_ACQUIRE_H

#include "internal.h"

/* Logarithm of the expected improvement below `bar` of a normal value. */
double fr_log_improvement(double bar, double mean, double variance);

/* A neighbour: about two parameters are changed, numbers by a normal step of `sigma`, at least
 * to the next value, choices to any. What becomes active is drawn. */
void fr_mutate(const fr_space *space, fr_rng *rng, double sigma, const double *from,
               double *to);

/* Whether the point may be suggested. */
bool fr_ask_may_try(const fr_ask *ask, const double *point);

#endif
