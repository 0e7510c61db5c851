/* SPDX-License-Identifier: BSD-3-Clause */
/* evolution.h - the normal distribution of an evolution strategy, for cmaes: covariance matrix
 * adaptation with margin over the numeric parameters of a space. All Local.
 *
 * A latent vector x, (n), lies anywhere; reflected at 0 and 1, or in steps and integers rounded
 * to a cell, it stands for unit coordinates. Numbers of a generation are updated from latent
 * vectors, which is what keeps the distribution from collapsing onto a bound or into a cell. */
#ifndef FR_SEARCH_EVOLUTION_H
#define FR_SEARCH_EVOLUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "foldrank/random.h"
#include "foldrank/space.h"
#include "foldrank/status.h"

/* Mean m, step size sigma, covariance sigma^2 C; what it takes to update them. Read only. */
typedef struct {
    const fr_param **param; /* (n) numeric parameters of more than one value; borrowed */
    size_t n;
    size_t population, parents; /* lambda, mu */
    double *weight;             /* (population): recombination weights, best first */
    double parents_effective;   /* mu_eff */
    double c_one, c_mu, c_path, c_sigma, d_sigma, chi;
    double sigma;
    double *mean, *path_sigma, *path_c; /* (n) */
    double *covariance;                 /* (n, n): C */
    double *axes;                       /* (n, n): row i is eigenvector i of C */
    double *length;                     /* (n): square roots of the eigenvalues */
    double *stretch;                    /* (n): A, the margin's factor; 1 if continuous */
    double *work;                       /* (population + 2, n) */
    size_t generations;                 /* updates since the start */
    size_t capacity;                    /* population that there is room for */
} fr_evolution;

/* `param` (n) is copied, what it points to is borrowed. */
FR_CHECKED fr_status fr_evolution_create(const fr_param *const *param, size_t n,
                                         fr_evolution **out);
void fr_evolution_destroy(fr_evolution **evolution);

/* Begin anew with a population >= 2 from N(mean, sigma^2 C); covariance (n, n) is C, NULL the
 * identity. Errors: FR_ERR_MEMORY, FR_ERR_NUMERIC (no covariance). */
FR_CHECKED fr_status fr_evolution_start(fr_evolution *evolution, size_t population,
                                        const double *mean, double sigma,
                                        const double *covariance);

/* Draw a latent vector x, (n); its deviation from the mean is `factor` times as long as the
 * distribution has it. */
void fr_evolution_draw(const fr_evolution *evolution, fr_rng *rng, double factor, double *x);

/* The unit coordinates (n) that x stands for. */
void fr_evolution_place(const fr_evolution *evolution, const double *x, double *unit);

/* Learn from a generation: latent vectors x, (population, n), best first. `foreign`
 * (population) marks those that were not drawn from the present distribution; they are
 * shortened to a usual length. Errors: FR_ERR_NUMERIC: the covariance has degenerated, start
 * anew. */
FR_CHECKED fr_status fr_evolution_update(fr_evolution *evolution, const double *x,
                                         const bool *foreign);

/* Whether the distribution has become so narrow, or so flat, that nothing is left to find. */
bool fr_evolution_converged(const fr_evolution *evolution);

#endif
