/* SPDX-License-Identifier: BSD-3-Clause */
/* gaussian.c - a Gaussian process whose factor grows with its observations.
 *
 * Workload: a suggestion adds one observation and a few beliefs to up to a few thousand, and
 * predicts at some two thousand points. Rows of the factor depend on points alone, so new
 * values cost one solve; a new point costs one row. Beliefs are a block of rows below, made
 * anew by every call: they take part in variances only, since their weights would be 0. */
#include "gaussian.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/linalg.h"
#include "foldrank/memory.h"
#include "matern.h"
#include "warp.h"

enum { EVALUATIONS = 40 }; /* of the likelihood, from each start */
static const double GAIN = 1e-3;

struct fr_gaussian {
    const fr_space *space;
    fr_gram_solver solver; /* for learning */
    size_t d;
    size_t n;        /* rows of the factor: observations, then beliefs */
    size_t observed; /* of them */
    size_t base;     /* of them, those that were factored together; 0: there is no factor */
    size_t capacity;
    double *x;        /* (capacity, d) encoded */
    double *y;        /* (capacity): warped */
    double *alpha;    /* (capacity): K^-1 y, of the observations */
    double *factor;   /* (capacity, capacity): L below and on the diagonal */
    double *theta;    /* (d + 2) */
    uint64_t learned; /* key of the observations behind theta; 0: none */
};

static void free_rows(fr_gaussian *g)
{
    free(g->x);
    free(g->y);
    free(g->alpha);
    free(g->factor);
}

void fr_gaussian_destroy(fr_gaussian **gaussian)
{
    fr_gaussian *g = *gaussian;
    if (g == NULL) return;
    if (g->solver.destroy != NULL) g->solver.destroy(g->solver.context);
    free_rows(g);
    free(g->theta);
    free(g);
    *gaussian = NULL;
}

fr_status fr_gaussian_create(const fr_space *space, fr_gaussian **out)
{
    *out = NULL;
    fr_gaussian *g = fr_alloc(1, sizeof *g);
    if (g == NULL) return FR_ERR_MEMORY;
    g->space = space;
    g->d = space->n;
    g->theta = fr_alloc(fr_matern_n_theta(g->d), sizeof *g->theta);
    fr_status st = g->theta == NULL ? FR_ERR_MEMORY : fr_gram_solver_local(&g->solver);
    if (st != FR_OK) {
        fr_gaussian_destroy(&g);
        return st;
    }
    *out = g;
    return FR_OK;
}

/* Room for n rows; what is there is kept. */
static fr_status reserve(fr_gaussian *g, size_t n)
{
    if (n <= g->capacity) return FR_OK;
    const size_t capacity = n + n / 4 + 16;
    fr_gaussian grown = *g;
    grown.x = fr_alloc(capacity * g->d, sizeof *grown.x);
    grown.y = fr_alloc(capacity, sizeof *grown.y);
    grown.alpha = fr_alloc(capacity, sizeof *grown.alpha);
    grown.factor = fr_alloc(capacity, capacity * sizeof *grown.factor);
    if (grown.x == NULL || grown.y == NULL || grown.alpha == NULL || grown.factor == NULL) {
        free_rows(&grown);
        return FR_ERR_MEMORY;
    }
    for (size_t i = 0; i < g->n; i++) {
        memcpy(grown.x + i * g->d, g->x + i * g->d, g->d * sizeof *g->x);
        memcpy(grown.factor + i * capacity, g->factor + i * g->capacity,
               (i + 1) * sizeof *g->factor);
        grown.y[i] = g->y[i];
        grown.alpha[i] = g->alpha[i];
    }
    free_rows(g);
    grown.capacity = capacity;
    *g = grown;
    return FR_OK;
}

static uint64_t hash(uint64_t h, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, values + i, sizeof bits);
        h = (h ^ bits) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h;
}

/* Two starts: the posterior often has a smooth mode that takes everything for noise, and a
 * rough one. */
static fr_status learn(fr_gaussian *g, const fr_gram *gram, const double *y)
{
    const size_t n_theta = fr_matern_n_theta(g->d);
    double *theta = fr_alloc(n_theta, sizeof *theta), best = -INFINITY;
    fr_status st = theta == NULL ? FR_ERR_MEMORY : FR_OK;
    fr_matern_start(g->d, false, g->theta);
    for (int rough = 0; rough < 2 && st == FR_OK; rough++) {
        double value = -INFINITY;
        fr_matern_start(g->d, rough == 1, theta);
        st = fr_matern_learn(&g->solver, gram, y, EVALUATIONS, GAIN, theta, &value);
        if (!(value > best)) continue;
        best = value;
        memcpy(g->theta, theta, n_theta * sizeof *theta);
    }
    free(theta);
    return st;
}

fr_status fr_gaussian_learn(fr_gaussian *g, const double *x, const double *y, size_t n)
{
    const uint64_t key = hash(hash(n + 1, x, n * g->d), y, n);
    if (key == g->learned) return FR_OK;
    g->learned = 0;
    g->base = 0;
    double *encoded = fr_alloc(n * g->d, sizeof *encoded);
    double *values = fr_alloc(n, sizeof *values);
    fr_status st = encoded == NULL || values == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) {
        const fr_warp warp = fr_warp_fit(y, values, n);
        for (size_t i = 0; i < n; i++) values[i] = fr_warp_apply(&warp, y[i]);
        fr_matern_encode(g->space, x, n, encoded);
        const fr_gram gram = fr_matern_gram(encoded, n, g->d, g->theta);
        st = learn(g, &gram, values);
    }
    free(encoded);
    free(values);
    if (st == FR_OK) g->learned = key;
    return st;
}

const double *fr_gaussian_theta(const fr_gaussian *gaussian)
{
    return gaussian->theta;
}

static fr_matrix leading(const fr_gaussian *g, size_t n)
{
    return (fr_matrix){.data = g->factor, .rows = n, .cols = n, .ld = g->capacity};
}

static fr_status factor_base(fr_gaussian *g, size_t base)
{
    const fr_gram gram = fr_matern_gram(g->x, base, g->d, g->theta);
    const fr_matrix whole = leading(g, base);
    g->base = 0;
    for (size_t row = 0; row < base; row += FR_GRAM_TILE)
        for (size_t col = 0; col <= row; col += FR_GRAM_TILE) {
            const size_t rows = base - row, cols = base - col;
            const fr_matrix tile = {.data = g->factor + row * g->capacity + col,
                                    .rows = rows < FR_GRAM_TILE ? rows : FR_GRAM_TILE,
                                    .cols = cols < FR_GRAM_TILE ? cols : FR_GRAM_TILE,
                                    .ld = g->capacity};
            fr_matern.fill(&gram, row, col, &tile);
        }
    FR_TRY(fr_cholesky_factor(&whole));
    g->base = g->n = base;
    return FR_OK;
}

/* Row g->n of the factor: l solves L l = k, and its pivot is what remains of the diagonal. */
static fr_status add_row(fr_gaussian *g)
{
    const size_t n = g->n, d = g->d;
    double *row = g->factor + n * g->capacity;
    const fr_matrix l = leading(g, n), line = {row, 1, n, n}, column = {row, n, 1, 1};
    fr_matern_cross(g->theta, d, g->x + n * d, g->x, &line);
    FR_TRY(fr_triangle_solve(&l, false, &column));
    double pivot = 1.0 + fr_matern_noise(g->theta, d);
    for (size_t i = 0; i < n; i++) pivot -= row[i] * row[i];
    if (!(pivot > 0.0))
        return FR_FAIL(FR_ERR_NUMERIC, "the kernel matrix is not positive definite: row %zu",
                       n);
    row[n] = sqrt(pivot);
    g->n++;
    return FR_OK;
}

/* Take over the encoded points x (n, d); *same of them, from the first on, were there. */
static fr_status take_points(fr_gaussian *g, const double *x, size_t n, size_t *same)
{
    const size_t d = g->d;
    double *encoded = fr_alloc(n * d, sizeof *encoded);
    if (encoded == NULL) return FR_ERR_MEMORY;
    fr_matern_encode(g->space, x, n, encoded);
    g->n = g->observed;
    for (*same = 0; *same < n && *same < g->n; ++*same)
        if (memcmp(encoded + *same * d, g->x + *same * d, d * sizeof *encoded) != 0) break;
    g->n = *same;
    const fr_status st = reserve(g, n);
    if (st == FR_OK && n * d > 0) memcpy(g->x, encoded, n * d * sizeof *encoded);
    free(encoded);
    return st;
}

fr_status fr_gaussian_fit(fr_gaussian *g, const double *x, const double *y, size_t n,
                          size_t base)
{
    size_t same = 0;
    const size_t had = g->base;
    g->base = 0; /* until all has gone well */
    FR_TRY(take_points(g, x, n, &same));
    g->observed = 0;
    if (had != base || same < base) FR_TRY(factor_base(g, base));
    g->base = 0;
    while (g->n < n) FR_TRY(add_row(g));
    const fr_warp warp = fr_warp_fit(y, g->alpha, n);
    for (size_t i = 0; i < n; i++) g->alpha[i] = g->y[i] = fr_warp_apply(&warp, y[i]);
    const fr_matrix l = leading(g, n), column = {g->alpha, n, 1, 1};
    FR_TRY(fr_cholesky_solve(&l, &column));
    g->base = base;
    g->observed = n;
    return FR_OK;
}

/* The mean at the observed points is (K - noise) alpha, and K alpha = y. */
double fr_gaussian_least_mean(const fr_gaussian *g)
{
    const double noise = fr_matern_noise(g->theta, g->d);
    double least = INFINITY;
    for (size_t i = 0; i < g->observed; i++) least = fmin(least, g->y[i] - noise * g->alpha[i]);
    return least;
}

/* Kernel between the rows and the m points x, and their solution by L: both (n, m). */
static fr_status project(const fr_gaussian *g, const double *x, size_t m, double *kernel,
                         double *solved)
{
    double *encoded = fr_alloc(m * g->d, sizeof *encoded);
    if (encoded == NULL) return FR_ERR_MEMORY;
    const fr_matrix l = leading(g, g->n), k = {kernel, g->n, m, m}, b = {solved, g->n, m, m};
    fr_matern_encode(g->space, x, m, encoded);
    fr_matern_cross(g->theta, g->d, g->x, encoded, &k);
    free(encoded);
    memcpy(solved, kernel, g->n * m * sizeof *solved);
    return fr_triangle_solve(&l, false, &b);
}

fr_status fr_gaussian_predict(fr_gaussian *g, const double *x, size_t m, double *mean,
                              double *variance)
{
    double *kernel = fr_alloc(g->n * m, sizeof *kernel);
    double *solved = fr_alloc(g->n * m, sizeof *solved);
    fr_status st = kernel == NULL || solved == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) st = project(g, x, m, kernel, solved);
    for (size_t k = 0; k < m; k++) mean[k] = 0.0, variance[k] = 1.0;
    for (size_t i = 0; i < g->observed && st == FR_OK; i++)
        for (size_t k = 0; k < m; k++) mean[k] += kernel[i * m + k] * g->alpha[i];
    for (size_t i = 0; i < g->n && st == FR_OK; i++)
        for (size_t k = 0; k < m; k++) variance[k] -= solved[i * m + k] * solved[i * m + k];
    for (size_t k = 0; k < m; k++) variance[k] = fmax(variance[k], 1e-12);
    free(kernel);
    free(solved);
    return st;
}

size_t fr_gaussian_rows(const fr_gaussian *g)
{
    return g->n;
}

fr_status fr_gaussian_slope(const fr_gaussian *g, const double *z, double *mean,
                            double *variance, double *slopes, double *work)
{
    const size_t n = g->n, d = g->d;
    double *kernel = work, *solved = work + n;
    const fr_matrix l = leading(g, n), k = {kernel, n, 1, 1}, b = {solved, n, 1, 1};
    fr_matern_cross(g->theta, d, g->x, z, &k);
    memcpy(solved, kernel, n * sizeof *solved);
    FR_TRY(fr_triangle_solve(&l, false, &b));
    *mean = 0.0;
    *variance = 1.0;
    for (size_t i = 0; i < g->observed; i++) *mean += kernel[i] * g->alpha[i];
    for (size_t i = 0; i < n; i++) *variance -= solved[i] * solved[i];
    *variance = fmax(*variance, 1e-12);
    FR_TRY(fr_triangle_solve(&l, true, &b));
    fr_matern_slope(g->theta, d, g->x, g->observed, z, g->alpha, slopes);
    fr_matern_slope(g->theta, d, g->x, n, z, solved, slopes + d);
    for (size_t j = 0; j < d; j++) slopes[d + j] *= -2.0;
    return FR_OK;
}

/* The rows of m points below the n that are there: Z' with L Z = K(rows, points), and the
 * factor of what Z leaves of the points' own kernel. `solved` is Z, (n, m). */
static fr_status add_block(fr_gaussian *g, const double *solved, size_t m)
{
    const size_t n = g->n;
    const fr_gram gram = fr_matern_gram(g->x + n * g->d, m, g->d, g->theta);
    const fr_matrix corner = {g->factor + n * g->capacity + n, m, m, g->capacity};
    const double noise = fr_matern_noise(g->theta, g->d);
    fr_matern_cross(g->theta, g->d, gram.x, gram.x, &corner);
    for (size_t k = 0; k < m; k++) corner.data[k * corner.ld + k] += noise;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++) {
            double *line = corner.data + k * corner.ld;
            const double z = solved[i * m + k];
            for (size_t c = 0; c <= k; c++) line[c] -= z * solved[i * m + c];
            g->factor[(n + k) * g->capacity + i] = z;
        }
    FR_TRY(fr_cholesky_factor(&corner));
    g->n += m;
    return FR_OK;
}

fr_status fr_gaussian_believe(fr_gaussian *g, const double *x, size_t m)
{
    if (m == 0) return FR_OK;
    FR_TRY(reserve(g, g->n + m));
    double *kernel = fr_alloc(g->n * m, sizeof *kernel);
    double *solved = fr_alloc(g->n * m, sizeof *solved);
    fr_status st = kernel == NULL || solved == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) st = project(g, x, m, kernel, solved);
    if (st == FR_OK) {
        fr_matern_encode(g->space, x, m, g->x + g->n * g->d);
        st = add_block(g, solved, m);
    }
    free(kernel);
    free(solved);
    return st;
}
