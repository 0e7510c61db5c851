/* SPDX-License-Identifier: BSD-3-Clause */
/* distributed.h - one symmetric matrix spread over the ranks of a communicator: factor, solve,
 * determinant, inverse and eigenvectors by ScaLAPACK, for matrices that are too slow or too
 * large for one rank.
 *
 * The matrix is cut into square blocks of FR_DIST_BLOCK rows, dealt out like cards over a grid
 * of ranks that is as square as possible, no wider than high (ScaLAPACK's block-cyclic layout).
 * Ranks that do not fit into the grid - the fifth of 5, and those a small matrix has no blocks
 * for - hold nothing, but call every Collective function like the others.
 *
 * Results depend on the grid, that is on the number of ranks: equal to rounding, not to the
 * bit. On one communicator every rank receives the same bits, and every call with equal input
 * repeats them.
 *
 * Collective functions are called by all ranks of the communicator in the same order and return
 * the same status, with the same message, on each; after a failure on any rank none goes on.
 * A matrix in FR_PRECISION_SINGLE is kept and factored in float32: half the memory, half the
 * time, seven digits. Its elements are given, seen and solved with as doubles all the same. The
 * solver below makes up for the digits: it refines solutions by residuals with the matrix in
 * float64, which it computes anew, until they have what a float64 factor would give them.
 *
 * MPI is called by the calling thread only. The BLAS below runs on that thread alone, see
 * fr_linalg_init(). */
#ifndef FR_DISTRIBUTED_H
#define FR_DISTRIBUTED_H

#include <mpi.h>
#include <stddef.h>

#include "foldrank/gram.h"
#include "foldrank/linalg.h"
#include "foldrank/status.h"

/* Rows and columns of a block. Measured, see src/linalg/distributed.c. */
enum { FR_DIST_BLOCK = 128 };

typedef struct fr_dist_matrix fr_dist_matrix;

/* Space for n x n numbers in all, n^2 / ranks on each. The matrix keeps its own duplicate of
 * `comm`. On success *out is owned by the caller (fr_dist_matrix_destroy); on failure NULL.
 * Errors: FR_ERR_ARG (n above INT_MAX, or more than INT_MAX elements on a rank: the reach of
 * ScaLAPACK's indices; the message says how many ranks would do), FR_ERR_MEMORY (also when the
 * shares of a node's ranks are more than the node has), FR_ERR_MPI. Collective. */
FR_CHECKED fr_status fr_dist_matrix_create(MPI_Comm comm, size_t n, fr_precision precision,
                                           fr_dist_matrix **out);

/* Free and set *matrix to NULL; NULL and *matrix == NULL are no-ops. Collective. */
void fr_dist_matrix_destroy(fr_dist_matrix **matrix);

size_t fr_dist_matrix_size(const fr_dist_matrix *matrix);            /* n. Local. */
fr_precision fr_dist_matrix_precision(const fr_dist_matrix *matrix); /* Local. */

/* Ranks that hold blocks: rows and columns of the grid. Local. */
void fr_dist_matrix_grid(const fr_dist_matrix *matrix, int *rows, int *cols);

/* Write tile(i, j) = A(row + i, col + j) for the whole tile, which is part of this rank's
 * share; col <= row. `context` is the caller's. */
typedef fr_status fr_dist_fill(void *context, size_t row, size_t col, const fr_matrix *tile);

/* Give the matrix its elements: each rank is asked for the tiles of its own share that touch
 * the lower triangle, at most FR_DIST_BLOCK square. `fill` is called on this thread and must
 * compute the same matrix on every rank; it calls no MPI.
 * Errors: those of `fill`, FR_ERR_MPI. Collective. */
FR_CHECKED fr_status fr_dist_matrix_fill(fr_dist_matrix *matrix, fr_dist_fill *fill,
                                         void *context);

/* See a tile of this rank's share; col <= row. Elements with col + j > row + i are undefined
 * once the matrix has been factored. The tile may be overwritten: what is written is what the
 * matrix holds from then on. `sums` as in fr_dist_matrix_sum. */
typedef fr_status fr_dist_visit(void *context, size_t row, size_t col, const fr_matrix *tile,
                                double *sums);

/* Show each rank the tiles of its share that touch the lower triangle; what the visits have
 * added to sums (k), on entry zeroed by this function, is added over the ranks and given to
 * all.
 * Errors: those of `visit`, FR_ERR_ARG (k > INT_MAX), FR_ERR_MPI. Collective. */
FR_CHECKED fr_status fr_dist_matrix_sum(fr_dist_matrix *matrix, fr_dist_visit *visit,
                                        void *context, double *sums, size_t k);

/* The diagonal of what the matrix holds now, diagonal (n), on every rank.
 * Errors: FR_ERR_MPI. Collective. */
FR_CHECKED fr_status fr_dist_matrix_diagonal(fr_dist_matrix *matrix, double *diagonal);

/* A = L L' in place.
 * Errors: FR_ERR_NUMERIC (not positive definite, or not finite; the message names the pivot;
 * the matrix then has to be filled again), FR_ERR_STATE (not filled since it was created or
 * factored), FR_ERR_MEMORY, FR_ERR_MPI. Collective. */
FR_CHECKED fr_status fr_dist_cholesky_factor(fr_dist_matrix *matrix);

/* Logarithm of the determinant of A, found while factoring it; NaN before. Local. */
double fr_dist_cholesky_logdet(const fr_dist_matrix *matrix);

/* Solve A X = B in place of b (n, r), which holds the same numbers on every rank before and
 * after. Takes a copy of at most 256 columns of b.
 * Errors: FR_ERR_ARG (shapes do not fit), FR_ERR_STATE (not factored), FR_ERR_MEMORY,
 * FR_ERR_MPI. Collective. */
FR_CHECKED fr_status fr_dist_cholesky_solve(fr_dist_matrix *matrix, const fr_matrix *b);

/* Replace the factor by the lower triangle of the inverse of A, to be seen by
 * fr_dist_matrix_sum and fr_dist_matrix_diagonal. Twice the cost of factoring.
 * Errors: FR_ERR_STATE (not factored), FR_ERR_MPI. Collective. */
FR_CHECKED fr_status fr_dist_cholesky_invert(fr_dist_matrix *matrix);

/* The diagonal of the inverse of A, diagonal (n), on every rank. The cost of factoring once
 * more, half of inverting, and the factor is used up.
 * Errors: FR_ERR_STATE (not factored), FR_ERR_NUMERIC, FR_ERR_MPI. Collective. */
FR_CHECKED fr_status fr_dist_cholesky_inverse_diagonal(fr_dist_matrix *matrix,
                                                       double *diagonal);

/* Eigenvalues of A, ascending, into values (n), the same bits on every rank; the matrix keeps
 * the eigenvectors in its own place. Takes three further times the memory of the matrix while
 * it lasts. In FR_PRECISION_DOUBLE only.
 * Errors: FR_ERR_NUMERIC (not finite, or not found; the matrix then has to be filled again),
 * FR_ERR_STATE (not filled, or single precision), FR_ERR_ARG (beyond ScaLAPACK's reach),
 * FR_ERR_MEMORY, FR_ERR_MPI. Collective. */
FR_CHECKED fr_status fr_dist_symmetric_eigen(fr_dist_matrix *matrix, double *values);

/* The unit eigenvectors number first, first + 1, ... as the rows of `out` (any number, n), on
 * every rank. Errors: FR_ERR_STATE (there are none), FR_ERR_ARG (shapes do not fit),
 * FR_ERR_MPI. Collective. */
FR_CHECKED fr_status fr_dist_eigenvectors(fr_dist_matrix *matrix, size_t first,
                                          const fr_matrix *out);

/* A kernel solver (gram.h) whose matrices lie on all ranks of `comm`, for a caller on rank 0
 * that knows no MPI: its methods send the inputs to the other ranks, which must be in
 * fr_dist_serve() with an equal list of kernels until the solver is destroyed. Only kernels of
 * that list may be used. Rank 0 calls this, and every method, on the thread that may call MPI.
 * `kernels` is borrowed until destroy; solver->destroy also ends the others' service.
 * Errors: FR_ERR_MEMORY, FR_ERR_MPI; the others' fr_dist_serve() then returns the same.
 * Collective with fr_dist_serve. */
FR_CHECKED fr_status fr_dist_solver_create(MPI_Comm comm, const fr_kernel *const *kernels,
                                           size_t n_kernels, fr_gram_solver *out);

/* Take part in what rank 0's solver computes, until it is destroyed; for every rank of `comm`
 * but 0. Waits without holding a core: an idle server sleeps in steps of up to 1 ms. What fails
 * in one operation is reported to rank 0's caller and does not end the service.
 * Errors: FR_ERR_MEMORY and FR_ERR_MPI of the start and of the connection.
 * Collective with fr_dist_solver_create. */
FR_CHECKED fr_status fr_dist_serve(MPI_Comm comm, const fr_kernel *const *kernels,
                                   size_t n_kernels);

#endif
