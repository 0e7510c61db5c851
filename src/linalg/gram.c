/* SPDX-License-Identifier: BSD-3-Clause */
/* gram.c - the likelihood by any solver, and the solver on the calling thread: the matrix is
 * filled by tiles that stay in cache, factored by LAPACK, and its (n, n) block kept from one
 * factor to the next. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/gram.h"
#include "foldrank/memory.h"
#include "internal.h"

typedef struct {
    const fr_gram *gram; /* borrowed by factor */
    double *block;       /* (n, n); the lower triangle is used */
    size_t n;
    bool factored, decomposed; /* what the block holds; at most one of them */
} local_solver;

static fr_matrix whole(const local_solver *s)
{
    return (fr_matrix){.data = s->block, .rows = s->n, .cols = s->n, .ld = s->n};
}

static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

static fr_matrix tile_at(const local_solver *s, size_t row, size_t col)
{
    return (fr_matrix){.data = s->block + row * s->n + col,
                       .rows = at_most(s->n - row, FR_GRAM_TILE),
                       .cols = at_most(s->n - col, FR_GRAM_TILE),
                       .ld = s->n};
}

static fr_status reserve(local_solver *s, size_t n)
{
    if (s->block != NULL && s->n == n) return FR_OK;
    free(s->block);
    s->n = 0;
    if (n > SIZE_MAX / sizeof *s->block) {
        s->block = NULL;
        return FR_FAIL(FR_ERR_ARG, "a kernel matrix of %zu rows is beyond any memory", n);
    }
    s->block = fr_alloc(n, n * sizeof *s->block);
    if (s->block == NULL) return FR_ERR_MEMORY;
    s->n = n;
    return FR_OK;
}

/* The block gets the lower triangle of K(gram). */
static fr_status fill_block(local_solver *s, const fr_gram *gram)
{
    s->factored = s->decomposed = false;
    FR_TRY(reserve(s, gram->n));
    for (size_t row = 0; row < s->n; row += FR_GRAM_TILE)
        for (size_t col = 0; col <= row; col += FR_GRAM_TILE) {
            const fr_matrix tile = tile_at(s, row, col);
            gram->kernel->fill(gram, row, col, &tile);
        }
    return FR_OK;
}

static fr_status local_factor(void *context, const fr_gram *gram, double *logdet)
{
    local_solver *s = context;
    FR_TRY(fill_block(s, gram));
    const fr_matrix k = whole(s);
    FR_TRY(fr_cholesky_factor(&k));
    s->gram = gram;
    s->factored = true;
    *logdet = fr_cholesky_logdet(&k);
    return FR_OK;
}

static fr_status local_solve(void *context, const fr_matrix *b)
{
    const local_solver *s = context;
    if (!s->factored) return FR_FAIL(FR_ERR_STATE, "no kernel matrix has been factored");
    const fr_matrix l = whole(s);
    return fr_cholesky_solve(&l, b);
}

/* K^-1 = L^-T L^-1: its diagonal has the squares of the columns of L^-1. */
static fr_status local_inverse_diagonal(void *context, double *diagonal)
{
    local_solver *s = context;
    if (!s->factored) return FR_FAIL(FR_ERR_STATE, "no kernel matrix has been factored");
    const fr_matrix k = whole(s);
    s->factored = false;
    FR_TRY(fr_triangle_invert(&k));
    for (size_t i = 0; i < s->n; i++) diagonal[i] = 0;
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j <= i; j++)
            diagonal[j] += s->block[i * s->n + j] * s->block[i * s->n + j];
    return FR_OK;
}

void fr_gram_weigh(const double *alpha, size_t row, size_t col, const fr_matrix *tile)
{
    for (size_t i = 0; i < tile->rows; i++) {
        double *line = tile->data + i * tile->ld;
        for (size_t j = 0; j < tile->cols; j++) {
            const double weight = alpha[row + i] * alpha[col + j] - line[j];
            if (col + j < row + i)
                line[j] = weight;
            else
                line[j] = col + j == row + i ? weight / 2 : 0;
        }
    }
}

static fr_status local_gradient(void *context, const double *alpha, double *gradient)
{
    local_solver *s = context;
    if (!s->factored) return FR_FAIL(FR_ERR_STATE, "no kernel matrix has been factored");
    const fr_matrix k = whole(s);
    s->factored = false;
    FR_TRY(fr_cholesky_invert(&k));
    for (size_t p = 0; p < s->gram->n_theta; p++) gradient[p] = 0;
    for (size_t row = 0; row < s->n; row += FR_GRAM_TILE)
        for (size_t col = 0; col <= row; col += FR_GRAM_TILE) {
            const fr_matrix tile = tile_at(s, row, col);
            fr_gram_weigh(alpha, row, col, &tile);
            s->gram->kernel->derive(s->gram, row, col, &tile, gradient);
        }
    return FR_OK;
}

static fr_status local_decompose(void *context, const fr_gram *gram, double *values)
{
    local_solver *s = context;
    FR_TRY(fill_block(s, gram));
    const fr_matrix k = whole(s);
    FR_TRY(fr_symmetric_eigen(&k, values));
    s->decomposed = true;
    return FR_OK;
}

static fr_status local_eigenvectors(void *context, size_t first, const fr_matrix *out)
{
    const local_solver *s = context;
    if (!s->decomposed) return FR_FAIL(FR_ERR_STATE, "no kernel matrix has been decomposed");
    FR_TRY(fr_eigen_check(s->n, first, out));
    for (size_t i = 0; i < out->rows; i++)
        memcpy(out->data + i * out->ld, s->block + (first + i) * s->n, s->n * sizeof *s->block);
    return FR_OK;
}

static void local_destroy(void *context)
{
    local_solver *s = context;
    if (s == NULL) return;
    free(s->block);
    free(s);
}

fr_status fr_gram_solver_local(fr_gram_solver *out)
{
    local_solver *s = fr_alloc(1, sizeof *s);
    if (s == NULL) return FR_ERR_MEMORY;
    *out = (fr_gram_solver){.context = s,
                            .factor = local_factor,
                            .solve = local_solve,
                            .inverse_diagonal = local_inverse_diagonal,
                            .gradient = local_gradient,
                            .decompose = local_decompose,
                            .eigenvectors = local_eigenvectors,
                            .destroy = local_destroy};
    return FR_OK;
}

static void fill_products(const fr_gram *gram, size_t row, size_t col, const fr_matrix *tile)
{
    const fr_gemm_shape shape = {.m = tile->rows,
                                 .n = tile->cols,
                                 .k = gram->d,
                                 .lda = gram->d,
                                 .ldb = gram->d,
                                 .ldc = tile->ld,
                                 .transpose_b = true};
    fr_gemm_double(&shape, gram->x + row * gram->d, gram->x + col * gram->d, tile->data);
}

const fr_kernel fr_kernel_product = {.fill = fill_products};

fr_status fr_gram_likelihood(const fr_gram_solver *solver, const fr_gram *gram, const double *y,
                             double *alpha, double *value, double *gradient)
{
    const fr_matrix b = {.data = alpha, .rows = gram->n, .cols = 1, .ld = 1};
    const double log_two_pi = 1.8378770664093454836;
    double logdet = 0, square = 0;

    FR_TRY(solver->factor(solver->context, gram, &logdet));
    for (size_t i = 0; i < gram->n; i++) alpha[i] = y[i];
    FR_TRY(solver->solve(solver->context, &b));
    for (size_t i = 0; i < gram->n; i++) square += y[i] * alpha[i];
    *value = -(square + logdet + (double)gram->n * log_two_pi) / 2;
    if (gradient == NULL) return FR_OK;
    return solver->gradient(solver->context, alpha, gradient);
}
