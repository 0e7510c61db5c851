/* SPDX-License-Identifier: BSD-3-Clause */
/* gaussian.h - Gaussian process regression over a conditional, mixed space on the calling
 * thread, for gp. All Local. */
#ifndef FR_SEARCH_GAUSSIAN_H
#define FR_SEARCH_GAUSSIAN_H

#include <stddef.h>

#include "foldrank/space.h"
#include "foldrank/status.h"

typedef struct fr_gaussian fr_gaussian;

FR_CHECKED fr_status fr_gaussian_create(const fr_space *space, fr_gaussian **out);
void fr_gaussian_destroy(fr_gaussian **gaussian);

/* Find length scales and noise from n >= 2 observations: points x, (n, space->n), as in
 * space.h, and finite values y, (n). The values are made more normal by Yeo and Johnson's
 * transformation first. The same observations twice in a row are learned from once.
 * Errors: FR_ERR_MEMORY, FR_ERR_NUMERIC. */
FR_CHECKED fr_status fr_gaussian_learn(fr_gaussian *gaussian, const double *x, const double *y,
                                       size_t n);

/* What has been learned: theta of matern.h, (space->n + 2). */
const double *fr_gaussian_theta(const fr_gaussian *gaussian);

/* Condition on n >= 2 observations, which need not be those that were learned from; what is
 * predicted is on the scale of these values after the transformation, mean 0 and variance 1.
 * The first `base` points are factored together, the others are added one by one, n^2
 * operations each; rows of the last call with the same base and the same points are not
 * computed again. So the bits follow from the arguments, and the price from what is new.
 * Errors: FR_ERR_MEMORY, FR_ERR_NUMERIC. */
FR_CHECKED fr_status fr_gaussian_fit(fr_gaussian *gaussian, const double *x, const double *y,
                                     size_t n, size_t base);

/* The smallest posterior mean at an observed point. */
double fr_gaussian_least_mean(const fr_gaussian *gaussian);

/* Go on as if the m points x, (m, space->n), had been observed with the values predicted for
 * them: their surroundings become certain, nothing else changes. Once, until the next fit. */
FR_CHECKED fr_status fr_gaussian_believe(fr_gaussian *gaussian, const double *x, size_t m);

/* Posterior mean and variance (of the function, without noise) at m points x, (m, space->n). */
FR_CHECKED fr_status fr_gaussian_predict(fr_gaussian *gaussian, const double *x, size_t m,
                                         double *mean, double *variance);

/* The same at one encoded point z, (space->n) as in matern.h, with the gradients of both,
 * (2, space->n), mean first; `work` is (2, fr_gaussian_rows). */
FR_CHECKED fr_status fr_gaussian_slope(const fr_gaussian *gaussian, const double *z,
                                       double *mean, double *variance, double *slopes,
                                       double *work);

/* Observations and beliefs. */
size_t fr_gaussian_rows(const fr_gaussian *gaussian);

#endif
