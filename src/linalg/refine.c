/* SPDX-License-Identifier: BSD-3-Clause */
/* refine.c - solutions with the digits of float64 from a factor in float32.
 *
 * Iterative refinement (Wilkinson; Higham, Accuracy and Stability of Numerical Algorithms,
 * chapter 12): x += K~^-1 (b - K x), where K~ is what float32 has factored and K, which nobody
 * could keep, is computed anew for each residual: n^2 / 2 kernel values beside the n^3 / 3
 * operations of the factor. An iteration gains about as many digits as 1e7 has more than the
 * condition number, which for a kernel matrix is at most (n + ridge) / ridge; where it gains
 * none, the ridge is too small for single precision. */
#include <math.h>
#include <string.h>

#include "internal.h"

enum { ITERATIONS = 50 };
static const double ENOUGH = 1e-13; /* |b - K x| / |b|: what float64 has itself */
static const double AT_LEAST = 1e-9;

typedef struct {
    const fr_gram *gram;
    const fr_matrix *x; /* (n, r) */
} product;

/* sums (n, r) += this tile of K times x, and its mirror image. */
static fr_status multiply_tile(void *context, size_t row, size_t col, const fr_matrix *held,
                               double *sums)
{
    const product *p = context;
    const fr_matrix *x = p->x;
    const size_t r = x->cols;
    double values[FR_DIST_BLOCK * FR_DIST_BLOCK];
    const fr_matrix tile = {values, held->rows, held->cols, held->cols};
    p->gram->kernel->fill(p->gram, row, col, &tile);
    for (size_t i = 0; i < tile.rows; i++)
        for (size_t j = 0; j < tile.cols && col + j <= row + i; j++) {
            const double k = values[i * tile.ld + j];
            const double *xi = x->data + (row + i) * x->ld, *xj = x->data + (col + j) * x->ld;
            double *yi = sums + (row + i) * r, *yj = sums + (col + j) * r;
            for (size_t c = 0; c < r; c++) yi[c] += k * xj[c];
            for (size_t c = 0; c < r && col + j < row + i; c++) yj[c] += k * xi[c];
        }
    return FR_OK;
}

/* The largest |column of residual| / |the same of b|; NaN if there is one. */
static double relative_size(const double *residual, const double *b, size_t n, size_t r)
{
    double worst = 0;
    for (size_t c = 0; c < r; c++) {
        double above = 0, below = 0;
        for (size_t i = 0; i < n; i++) {
            above += residual[i * r + c] * residual[i * r + c];
            below += b[i * r + c] * b[i * r + c];
        }
        const double size = below > 0 ? sqrt(above / below) : sqrt(above);
        if (!(size <= worst)) worst = size;
    }
    return worst;
}

/* residual (n, r) = b - K x. */
static fr_status find_residual(fr_dist_matrix *matrix, const fr_gram *gram, const fr_matrix *x,
                               const double *b, double *residual)
{
    const size_t n = x->rows, r = x->cols;
    product p = {gram, x};
    FR_TRY(fr_dist_matrix_sum(matrix, multiply_tile, &p, residual, n * r));
    for (size_t i = 0; i < n * r; i++) residual[i] = b[i] - residual[i];
    return FR_OK;
}

/* x holds K~^-1 b on entry. Every rank has the same numbers, so all decide alike. */
static fr_status refine(fr_dist_matrix *matrix, const fr_gram *gram, const fr_matrix *x,
                        const double *b, double *residual)
{
    const size_t n = x->rows, r = x->cols;
    const fr_matrix step = {residual, n, r, r};
    double last = INFINITY;
    for (int k = 0; k < ITERATIONS; k++) {
        FR_TRY(find_residual(matrix, gram, x, b, residual));
        const double size = relative_size(residual, b, n, r);
        if (size <= ENOUGH || (size <= AT_LEAST && size > last / 2)) return FR_OK;
        if (!(size < last)) break;
        last = size;
        FR_TRY(fr_dist_cholesky_solve(matrix, &step));
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < r; c++) x->data[i * x->ld + c] += residual[i * r + c];
    }
    return FR_FAIL(FR_ERR_NUMERIC,
                   "the matrix (%zu x %zu) is too ill-conditioned for single precision: what "
                   "is left of the right-hand side does not fall below %.2g of it",
                   n, n, last);
}

fr_status fr_dist_solve_refined(fr_dist_matrix *matrix, const fr_gram *gram, const fr_matrix *b,
                                double *scratch)
{
    const size_t n = b->rows, r = b->cols;
    for (size_t i = 0; i < n; i++)
        memcpy(scratch + i * r, b->data + i * b->ld, r * sizeof *scratch);
    FR_TRY(fr_dist_cholesky_solve(matrix, b));
    return refine(matrix, gram, b, scratch, scratch + n * r);
}
