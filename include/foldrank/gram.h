/* SPDX-License-Identifier: BSD-3-Clause */
/* gram.h - kernel (Gram, covariance) matrices K(i, j) = k(x_i, x_j; theta): factor, solve and
 * differentiate them without knowing where they lie.
 *
 * A sampler or a kernel model states its kernel once, as two functions over tiles, and is
 * handed a solver. fr_gram_solver_local() computes on the calling thread; the one of
 * distributed.h spreads the same work over MPI ranks. A Gaussian process is fitted by
 * fr_gram_likelihood(); its posterior at a point z, with k_z(i) = k(x_i, z), is: mean = k_z .
 * alpha; v = k_z; solve(v); variance = k(z, z) - k_z . v. Many points make many columns of one
 * solve.
 *
 * All matrices are as linalg.h has them. */
#ifndef FR_GRAM_H
#define FR_GRAM_H

#include <stddef.h>

#include "foldrank/linalg.h"
#include "foldrank/status.h"

typedef struct fr_gram fr_gram;

/* A kernel. Its functions are pure: they read `gram` and what they are given, nothing else, so
 * that any rank computes the same numbers. */
typedef struct {
    /* tile(i, j) = k(x[row + i], x[col + j]), plus the noise where row + i == col + j. */
    void (*fill)(const fr_gram *gram, size_t row, size_t col, const fr_matrix *tile);
    /* sums[p] += the sum over i, j of weight(i, j) * d k(x[row + i], x[col + j]) / d theta[p],
     * noise included; sums (n_theta). Entries of theta that are no parameters but constants
     * are left alone. NULL: nobody will ask this kernel for a gradient. */
    void (*derive)(const fr_gram *gram, size_t row, size_t col, const fr_matrix *weight,
                   double *sums);
} fr_kernel;

/* K = X X': of rows their Gram matrix, of columns laid in rows what a covariance is made of.
 * No theta, no gradient. */
extern const fr_kernel fr_kernel_product;

/* How a matrix that lies on several ranks is kept and factored. */
typedef enum { FR_PRECISION_DOUBLE, FR_PRECISION_SINGLE } fr_precision;

/* One kernel matrix, by what it is computed from. All arrays are borrowed. */
struct fr_gram {
    const fr_kernel *kernel;
    const double *x;     /* (n, d); what a column means is the kernel's affair */
    const double *theta; /* (n_theta) */
    size_t n, d, n_theta;
    fr_precision precision;
};

/* Tiles that a kernel is asked for are at most this wide and high. */
enum { FR_GRAM_TILE = 128 };

/* Factors kernel matrices, one at a time. Methods are called by one thread; each takes
 * `context` first. */
typedef struct {
    void *context;

    /* K = K(gram) = L L'; *logdet receives the logarithm of its determinant. `gram` and its
     * arrays must stay as they are until the next factor or destroy.
     * Errors: FR_ERR_NUMERIC (not positive definite, or not finite), FR_ERR_ARG (too large),
     * FR_ERR_MEMORY; if distributed FR_ERR_MPI, FR_STOPPED (the run ends: as every method). */
    fr_status (*factor)(void *context, const fr_gram *gram, double *logdet);

    /* K X = B in place of b (n, r). Errors: FR_ERR_STATE (no factor), FR_ERR_ARG (shapes do not
     * fit), FR_ERR_MEMORY, FR_ERR_MPI; FR_ERR_NUMERIC in single precision, where the matrix is
     * too ill-conditioned for it. */
    fr_status (*solve)(void *context, const fr_matrix *b);

    /* diagonal (n): that of K^-1. The cost of factor once more, and the factor is used up.
     * Errors: FR_ERR_STATE (no factor), FR_ERR_NUMERIC, FR_ERR_MEMORY, FR_ERR_MPI. */
    fr_status (*inverse_diagonal)(void *context, double *diagonal);

    /* gradient[p] = (alpha' dK/dtheta[p] alpha - tr(K^-1 dK/dtheta[p])) / 2 for p < n_theta,
     * alpha (n): with alpha = K^-1 y that of the log marginal likelihood. Three times the cost
     * of factor, and the factor is used up.
     * Errors: FR_ERR_STATE (no factor), FR_ERR_MEMORY, FR_ERR_MPI. */
    fr_status (*gradient)(void *context, const double *alpha, double *gradient);

    /* K = K(gram), in double precision, is decomposed: its eigenvalues, ascending, into values
     * (n). About 25 times the cost of factor, and a factor is used up. Errors: those of factor.
     */
    fr_status (*decompose)(void *context, const fr_gram *gram, double *values);

    /* The unit eigenvectors number first, first + 1, ... of the matrix decomposed last, as the
     * rows of `out` (any number, n). Errors: FR_ERR_STATE (none was), FR_ERR_ARG (shapes do not
     * fit), FR_ERR_MEMORY, FR_ERR_MPI. */
    fr_status (*eigenvectors)(void *context, size_t first, const fr_matrix *out);

    /* Free what the solver holds. */
    void (*destroy)(void *context);
} fr_gram_solver;

/* Where solvers come from that are more than the calling thread. */
typedef struct {
    void *context;
    /* To be released by out->destroy(out->context). Errors: FR_STOPPED (the wait for it was
     * ended), FR_ERR_MEMORY, FR_ERR_MPI. */
    fr_status (*open)(void *context, fr_gram_solver *out);
} fr_gram_source;

/* A solver on the calling thread, by LAPACK; to be released by out->destroy(out->context).
 * Errors: FR_ERR_MEMORY. Local. */
FR_CHECKED fr_status fr_gram_solver_local(fr_gram_solver *out);

/* The log marginal likelihood of y (n) under a Gaussian process of zero mean (Rasmussen and
 * Williams, Gaussian Processes for Machine Learning, eq. 2.30),
 *
 *     *value = -(y' alpha + log det K + n log(2 pi)) / 2,  alpha = K^-1 y,
 *
 * and by eq. 5.9 its derivatives by theta, gradient (n_theta). alpha (n) is for the posterior
 * mean. `gradient` may be NULL: then the solver keeps its factor, at a quarter of the cost.
 * Errors: those of the solver's methods; FR_ERR_NUMERIC means that theta is no good. */
FR_CHECKED fr_status fr_gram_likelihood(const fr_gram_solver *solver, const fr_gram *gram,
                                        const double *y, double *alpha, double *value,
                                        double *gradient);

#endif
