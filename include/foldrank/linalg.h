/* SPDX-License-Identifier: BSD-3-Clause */
/* linalg.h - dense linear algebra: float32 products for training, float64 Cholesky for Gaussian
 * processes, and what the BLAS underneath can do.
 *
 * Matrices are row-major: element (i, j) stands at [i * ld + j], with ld >= columns, counted in
 * elements. All arrays are borrowed for the call; outputs must not overlap inputs. Every
 * function runs on the calling thread alone and may be called from any thread at any time,
 * after one fr_linalg_init(). Sizes and leading dimensions may not exceed INT_MAX, the limit of
 * the BLAS interface. */
#ifndef FR_LINALG_H
#define FR_LINALG_H

#include <stdbool.h>
#include <stddef.h>

#include "foldrank/status.h"

/* Hold the BLAS to one thread per call: the cores belong to OpenMP and to MPI. Once, early,
 * while no other thread computes; again does no harm. Returns the threads it had before, for
 * fr_linalg_end, which a program that uses the same BLAS for itself wants. Local. */
int fr_linalg_init(void);
void fr_linalg_end(int threads);

/* C = op(A) op(B), with C (m, n), op(A) (m, k) and op(B) (k, n). A transposed operand is stored
 * the other way round: A (k, m), B (n, k). */
typedef struct {
    size_t m, n, k;       /* any may be 0 */
    size_t lda, ldb, ldc; /* of the arrays as stored */
    bool transpose_a;
    bool transpose_b;
    bool accumulate; /* C += op(A) op(B) instead of C = op(A) op(B) */
} fr_gemm_shape;

/* One product in float32. Reads and writes nothing outside the matrices, nothing of C between
 * its rows, and allocates nothing. Equal input gives equal bits, whatever the thread, the
 * alignment or the call before. For m * n * k <= FR_GEMM_SMALL moreover each element of C is
 * summed in an order that depends on k alone: a row has the same bits in a batch of any size;
 * and rows of A as stored may overlap (lda below its columns), as those of a convolution do. No
 * errors: sizes above INT_MAX or another leading dimension below its columns are
 * programming errors. Local. */
void fr_gemm(const fr_gemm_shape *shape, const float *a, const float *b, float *c);

/* The same in float64, by the BLAS: equal input and shape give equal bits. Local. */
void fr_gemm_double(const fr_gemm_shape *shape, const double *a, const double *b, double *c);

/* Products up to this volume (m * n * k) run in foldrank's own kernels, larger ones in the
 * BLAS. Measured: see src/linalg/gemm.c. */
enum { FR_GEMM_SMALL = 16 * 1024 * 1024 };

/* The instruction set of the kernels for small products: "avx512", "avx2" or "base". Local. */
const char *fr_gemm_kernel_name(void);

/* The kernel set that the BLAS has chosen, by its own name ("Zen", "SkylakeX", ...). The text
 * lives as long as the program. Local. */
const char *fr_linalg_kernel_name(void);

/* Whether that set is below what the processor can do, because OPENBLAS_CORETYPE or the build
 * of the BLAS says so. `best` may be NULL; otherwise it receives the name of a set that would
 * use the processor (the present name when nothing is lost). Local. */
bool fr_linalg_kernel_is_low(const char **best);

/* The best rate of a square sgemm (256 to 1536) on the calling thread, within about `seconds`
 * [s] of trying, and at least one product of each size; what shares of a peak refer to. [10^9
 * floating-point operations per second]; 0 when memory is short. Local. */
double fr_linalg_peak_gflops(double seconds);

/* A borrowed row-major view of doubles, (rows, cols), element (i, j) at data[i * ld + j]. */
typedef struct {
    double *data;
    size_t rows, cols, ld;
} fr_matrix;

/* Factor the symmetric positive definite a (n, n) = L L' in place: the lower triangle of `a` is
 * read and becomes L; what stands above the diagonal is neither read nor written.
 * Errors: FR_ERR_NUMERIC (not positive definite, or not finite; the message names the pivot,
 * and the lower triangle is then undefined), FR_ERR_ARG (not square, ld < cols, too large).
 * Local. */
FR_CHECKED fr_status fr_cholesky_factor(const fr_matrix *a);

/* Solve A X = B in place of b (n, r), with `l` as fr_cholesky_factor left it.
 * Errors: FR_ERR_ARG (shapes do not fit). Local. */
FR_CHECKED fr_status fr_cholesky_solve(const fr_matrix *l, const fr_matrix *b);

/* Logarithm of the determinant of A = L L'. `l` is square. Local. */
double fr_cholesky_logdet(const fr_matrix *l);

/* Replace the factor L by the lower triangle of the inverse of A = L L', in place; what stands
 * above the diagonal is neither read nor written. Errors: FR_ERR_NUMERIC (L has a zero on its
 * diagonal), FR_ERR_ARG (not square, ld < cols, too large). Local. */
FR_CHECKED fr_status fr_cholesky_invert(const fr_matrix *l);

/* Replace the lower triangle L by its inverse, in place; above the diagonal and errors as in
 * fr_cholesky_invert, which takes twice as long. Local. */
FR_CHECKED fr_status fr_triangle_invert(const fr_matrix *l);

/* Solve L X = B, or L' X = B if `transpose`, in place of b (n, r). Only the lower triangle of
 * `l` is read. Errors: FR_ERR_ARG (shapes do not fit). Local. */
FR_CHECKED fr_status fr_triangle_solve(const fr_matrix *l, bool transpose, const fr_matrix *b);

/* Eigenvalues of the symmetric a (n, n), ascending, into values[0..n); row i of `a` becomes the
 * unit eigenvector of values[i]. Only the lower triangle of `a` is read. Errors: FR_ERR_NUMERIC
 * (not finite; `a` is then undefined), FR_ERR_ARG (not square, ld < cols, too large),
 * FR_ERR_MEMORY. Local. */
FR_CHECKED fr_status fr_symmetric_eigen(const fr_matrix *a, double *values);

#endif
