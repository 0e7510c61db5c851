/* SPDX-License-Identifier: BSD-3-Clause */
/* matern.h - the kernel of the Gaussian process over a conditional, mixed space, its parameters
 * and how they are learned. All Local; what takes a solver does what the solver does.
 *
 * Points are encoded, (n, d), so that the distance in every parameter is min((a - b)^2, 1): a
 * number by its unit coordinate, a choice by its index, an inactive parameter by a value far
 * from both. Choices are 0 or 1 apart; an inactive value is 1 from an active one and 0 from
 * another inactive one, so that branches of a conditional space share what they have in common.
 *
 * theta, (d + 2): logarithms of the d length scales and of the noise variance, which are
 * learned; then a variance that is added to the noise as it is, 0 unless a matrix needs it. */
#ifndef FR_SEARCH_MATERN_H
#define FR_SEARCH_MATERN_H

#include <stddef.h>

#include "foldrank/gram.h"
#include "foldrank/space.h"
#include "foldrank/status.h"

/* Matern-5/2 with one length scale a parameter and output scale 1, and noise. */
extern const fr_kernel fr_matern;

static inline size_t fr_matern_n_theta(size_t d)
{
    return d + 2;
}

/* x (n, d) of the points (n, d). */
void fr_matern_encode(const fr_space *space, const double *points, size_t n, double *x);

/* The kernel matrix of n encoded points; all arrays are borrowed. */
fr_gram fr_matern_gram(const double *x, size_t n, size_t d, const double *theta);

/* out(i, k) = k(x_i, z_k) for the encoded points x (out->rows, d) and z (out->cols, d), without
 * noise. */
void fr_matern_cross(const double *theta, size_t d, const double *x, const double *z,
                     const fr_matrix *out);

/* slope (d) = the gradient with respect to z (d) of sum_i weight_i k(x_i, z), for the encoded
 * points x (n, d); what it says of choices means nothing. */
void fr_matern_slope(const double *theta, size_t d, const double *x, size_t n, const double *z,
                     const double *weight, double *slope);

/* All that stands on the diagonal of a kernel matrix besides 1. */
double fr_matern_noise(const double *theta, size_t d);

/* The two places, (d + 2), where learning begins: the mean of the prior, and short scales. */
void fr_matern_start(size_t d, bool rough, double *theta);

/* Climb from theta, (d + 2), to where the posterior density of theta given the standardised
 * values y (gram->n) at gram->x is largest, in about `evaluations` of it and until it rises by
 * less than `gain`; gram->theta is not looked at. *value receives its logarithm, up to a
 * constant; -INFINITY when no matrix on the way could be factored, theta then is the start.
 * Errors: those of the solver but FR_ERR_NUMERIC; FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_matern_learn(const fr_gram_solver *solver, const fr_gram *gram,
                                     const double *y, int evaluations, double gain,
                                     double *theta, double *value);

#endif
