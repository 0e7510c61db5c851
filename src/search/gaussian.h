/* SPDX-License-Identifier: BSD-3-Clause */
/* gaussian.h - Gaussian process regression over a conditional, mixed space, for gp. All Local.
 */
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

/* Condition on n >= 2 observations, which need not be those that were learned from; what is
 * predicted is on the scale of these values after the transformation, mean 0 and variance 1.
 * Errors: FR_ERR_MEMORY, FR_ERR_NUMERIC. */
FR_CHECKED fr_status fr_gaussian_fit(fr_gaussian *gaussian, const double *x, const double *y,
                                     size_t n);

/* Go on as if the m points x, (m, space->n), had been observed with the values predicted for
 * them: their surroundings become certain, nothing else changes. */
FR_CHECKED fr_status fr_gaussian_believe(fr_gaussian *gaussian, const double *x, size_t m);

/* Posterior mean and variance (of the function, without noise) at m points x, (m, space->n). */
FR_CHECKED fr_status fr_gaussian_predict(fr_gaussian *gaussian, const double *x, size_t m,
                                         double *mean, double *variance);

#endif
