/* SPDX-License-Identifier: BSD-3-Clause */
/* acquire.h - what a model's search for the next point consists of. All Local. */
#ifndef FR_SEARCH_ACQUIRE_H
#define FR_SEARCH_ACQUIRE_H

#include "internal.h"

/* Logarithm of the expected improvement below `bar` of a normal value. */
double fr_log_improvement(double bar, double mean, double variance);

/* The same, and its derivatives with respect to mean and variance. */
double fr_log_improvement_slope(double bar, double mean, double variance, double *by_mean,
                                double *by_variance);

/* A neighbour: about two parameters are changed, numbers by a normal step of `sigma`, at least
 * to the next value, choices to any. What becomes active is drawn. */
void fr_mutate(const fr_space *space, fr_rng *rng, double sigma, const double *from,
               double *to);

/* Whether the point may be suggested. */
bool fr_ask_may_try(const fr_ask *ask, const double *point);

/* What a model makes of points. */
typedef struct {
    /* value[i] of points + i * space->n: the larger the better. */
    fr_status (*score)(void *context, const double *points, size_t n, double *value);
    /* Move a point to where it is larger; NULL: it cannot. */
    fr_status (*climb)(void *context, double *point);
    void *context;
} fr_acquisition;

/* The best new point there is; neighbours of the incumbents, (n_incumbents, space->n), are
 * looked at from the start. Errors: those of `score`, FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_acquisition_maximise(const fr_acquisition *acquisition,
                                             const fr_ask *ask, const double *incumbents,
                                             size_t n_incumbents, double *point);

#endif
