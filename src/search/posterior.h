/* SPDX-License-Identifier: BSD-3-Clause */
/* posterior.h - a large Gaussian process, known at a list of points: what is left to do on one
 * rank after many have worked on its kernel matrix.
 *
 * A solver, maybe of many ranks, learns, factors and solves once. From then on the joint
 * distribution of the function at the m points is at hand without the matrix, and is
 * conditioned on what becomes known about them. All Local but fr_posterior_begin, which is what
 * its solver is. */
#ifndef FR_SEARCH_POSTERIOR_H
#define FR_SEARCH_POSTERIOR_H

#include <stddef.h>

#include "foldrank/gram.h"
#include "foldrank/space.h"
#include "foldrank/status.h"

typedef struct fr_posterior fr_posterior;

FR_CHECKED fr_status fr_posterior_create(const fr_space *space, fr_posterior **out);
void fr_posterior_destroy(fr_posterior **posterior);

/* What it is made from; all borrowed for the call. */
typedef struct {
    const double *x, *y; /* (n, space->n), (n) >= 2 observations, finite */
    size_t n;
    const double *points; /* (m, space->n) */
    size_t m;
    const double *theta; /* (space->n + 2) where learning begins, see matern.h */
    int evaluations;     /* of the likelihood; 0: theta is taken as it is */
} fr_posterior_data;

/* Begin anew. A kernel matrix that is not positive definite is given more noise, in steps, up
 * to a hundredth of the process's own variance. Takes n * m numbers.
 * Errors: those of the solver; FR_ERR_NUMERIC when that was not enough; FR_ERR_MEMORY. There is
 * no posterior then. */
FR_CHECKED fr_status fr_posterior_begin(fr_posterior *posterior, const fr_gram_solver *solver,
                                        const fr_posterior_data *data);

/* What is known about one of the points: a score as in data.y, or NaN: believed to give what is
 * predicted. */
typedef struct {
    size_t point;
    double score;
} fr_posterior_news;

/* Take back the news of the call before, take in these: k observations, then beliefs. Where the
 * list begins like the one before, only what follows is computed.
 * Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_posterior_condition(fr_posterior *posterior,
                                            const fr_posterior_news *news, size_t k);

/* Of the function at the points, (m), without noise, on the scale of the transformed
 * observations. Valid until the next call. */
const double *fr_posterior_mean(const fr_posterior *posterior);
const double *fr_posterior_variance(const fr_posterior *posterior);

/* The logarithm of the marginal likelihood of the transformed observations, and theta,
 * (space->n
 * + 2), both as learned. */
double fr_posterior_likelihood(const fr_posterior *posterior);
const double *fr_posterior_theta(const fr_posterior *posterior);

#endif
