/* SPDX-License-Identifier: BSD-3-Clause */
/* mixture.h - kernel densities over a conditional, mixed space, for tpe.
 *
 * A kernel is one past trial as a whole: the product over parameters of a truncated normal
 * (numbers), of cell masses of one (steps, integers) or of a smoothed point mass (choices).
 * What is inactive in the kernel's trial is uniform there, so one mixture covers all branches
 * of the space jointly. Densities are relative to the uniform one, in unit coordinates. All
 * Local.
 */
#ifndef FR_SEARCH_MIXTURE_H
#define FR_SEARCH_MIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "foldrank/random.h"
#include "foldrank/space.h"
#include "foldrank/status.h"

/* What the space looks like to the model: made once. */
typedef struct fr_axes fr_axes;

FR_CHECKED fr_status fr_axes_create(const fr_space *space, fr_axes **out);
void fr_axes_destroy(fr_axes **axes);

/* Coordinates of a point, (space->n): unit position, or number of the cell where a parameter
 * has few values; NaN where inactive. */
void fr_axes_coordinates(const fr_axes *axes, const double *point, float *out);

typedef struct fr_mixture fr_mixture;

FR_CHECKED fr_status fr_mixture_create(const fr_axes *axes, fr_mixture **out);
void fr_mixture_destroy(fr_mixture **mixture);

/* Fit to n rows of `coordinates`, (.., space->n): those numbered rows[0..n), with weights
 * weight[0..n) (NULL: all 1), beside one uniform kernel of weight 1. */
FR_CHECKED fr_status fr_mixture_fit(fr_mixture *mixture, const float *coordinates,
                                    const size_t *rows, const float *weight, size_t n);

/* Draw a point. */
void fr_mixture_draw(const fr_mixture *mixture, fr_rng *rng, double *point);

/* Logarithm of the density at `coordinates`, (space->n). Uses the mixture's work space. */
double fr_mixture_log_density(fr_mixture *mixture, const float *coordinates);

#endif
