/* SPDX-License-Identifier: BSD-3-Clause */
/* posterior.c - at the points z: the weights W = K^-1 K(x, z) give the covariance between any
 * two of them, S(p, c) = k(z_p, z_c) - W_p . k(x, z_c). Conditioning on a point takes away from
 * S what it explains, one rank at a time: a pivoted Cholesky factor in the order of the news.
 *
 * Numbers: 5,000 observations and 1,600 points make 64 MB of weights, which one new point reads
 * once (20 ms); all else is small. Sums run over the observations in order, in the same way for
 * one point or many, so the bits do not depend on what was asked together. */
#include "posterior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "matern.h"
#include "warp.h"

enum {
    SOLVED = 256, /* points in one solve */
    TOGETHER = 8, /* covariances that share one passage through the weights */
    WIDTH = 512,  /* of a piece of the weights' rows that stays in cache */
};

/* Learning ends when the logarithm of the density rises by less. */
static const double GAIN = 0.01;

/* Added to the noise of a matrix that is not positive definite, relative to the process. */
static const double jitters[] = {0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2};

/* A column of the factor: what one point explains of all others. */
typedef struct {
    size_t point;
    double pivot;
    double *column; /* (m), divided by the pivot */
} part;

struct fr_posterior {
    const fr_space *space;
    size_t n, d, m;
    double *x;       /* (n, d) encoded */
    double *z;       /* (m, d) encoded */
    double *y;       /* (n) transformed */
    double *alpha;   /* (n) K^-1 y */
    double *weights; /* (n, m) */
    double *theta;   /* (d + 2) */
    double value, noise;
    fr_warp warp;
    double *start;           /* (2, m): mean and variance before any news */
    double *mean, *variance; /* (m) */

    double **covariance; /* (m) S(., c), each (m), of the points c that there were news of */
    part *parts;         /* (capacity) those of the news are the first n_news */
    size_t n_news, capacity;
};

static void forget_news(fr_posterior *p)
{
    for (size_t j = 0; j < p->capacity; j++) free(p->parts[j].column);
    for (size_t c = 0; p->covariance != NULL && c < p->m; c++) free(p->covariance[c]);
    free(p->covariance);
    free(p->parts);
    p->covariance = NULL;
    p->parts = NULL;
    p->n_news = p->capacity = 0;
}

static void clear(fr_posterior *p)
{
    forget_news(p);
    free(p->x);
    free(p->z);
    free(p->y);
    free(p->alpha);
    free(p->weights);
    free(p->theta);
    free(p->start);
    free(p->mean);
    free(p->variance);
    *p = (fr_posterior){.space = p->space, .d = p->d};
}

fr_status fr_posterior_create(const fr_space *space, fr_posterior **out)
{
    fr_posterior *p = fr_alloc(1, sizeof *p);
    *out = p;
    if (p == NULL) return FR_ERR_MEMORY;
    p->space = space;
    p->d = space->n;
    return FR_OK;
}

void fr_posterior_destroy(fr_posterior **posterior)
{
    if (*posterior == NULL) return;
    clear(*posterior);
    free(*posterior);
    *posterior = NULL;
}

static fr_status take(fr_posterior *p, const fr_posterior_data *data)
{
    const size_t n = data->n, m = data->m, d = p->d, n_theta = fr_matern_n_theta(d);
    p->n = n;
    p->m = m;
    p->x = fr_alloc(n * d, sizeof *p->x);
    p->z = fr_alloc(m * d, sizeof *p->z);
    p->y = fr_alloc(n, sizeof *p->y);
    p->alpha = fr_alloc(n, sizeof *p->alpha);
    p->weights = fr_alloc(n, m * sizeof *p->weights);
    p->theta = fr_alloc(n_theta, sizeof *p->theta);
    p->start = fr_alloc(2 * m, sizeof *p->start);
    p->mean = fr_alloc(m, sizeof *p->mean);
    p->variance = fr_alloc(m, sizeof *p->variance);
    p->covariance = fr_alloc(m, sizeof *p->covariance);
    if (p->x == NULL || p->z == NULL || p->y == NULL || p->alpha == NULL ||
        p->weights == NULL || p->theta == NULL || p->start == NULL || p->mean == NULL ||
        p->variance == NULL || p->covariance == NULL)
        return FR_ERR_MEMORY;
    fr_matern_encode(p->space, data->x, n, p->x);
    fr_matern_encode(p->space, data->points, m, p->z);
    p->warp = fr_warp_fit(data->y, p->y, n);
    for (size_t i = 0; i < n; i++) p->y[i] = fr_warp_apply(&p->warp, data->y[i]);
    memcpy(p->theta, data->theta, n_theta * sizeof *p->theta);
    return FR_OK;
}

static fr_status learn(fr_posterior *p, const fr_gram_solver *solver, int evaluations)
{
    const fr_gram gram = fr_matern_gram(p->x, p->n, p->d, p->theta);
    double value;
    if (evaluations == 0) return FR_OK;
    return fr_matern_learn(solver, &gram, p->y, evaluations, GAIN, p->theta, &value);
}

/* The factor stays with the solver. */
static fr_status factor(fr_posterior *p, const fr_gram_solver *solver)
{
    const fr_gram gram = fr_matern_gram(p->x, p->n, p->d, p->theta);
    fr_status st = FR_ERR_NUMERIC;
    for (size_t i = 0; i < sizeof jitters / sizeof *jitters && st == FR_ERR_NUMERIC; i++) {
        p->theta[p->d + 1] = jitters[i];
        st = fr_gram_likelihood(solver, &gram, p->y, p->alpha, &p->value, NULL);
    }
    p->noise = fr_matern_noise(p->theta, p->d);
    return st;
}

/* The weights, and mean and variance, of the points from `first` on; scratch (n, SOLVED). */
static fr_status solve_panel(fr_posterior *p, const fr_gram_solver *solver, size_t first,
                             double *scratch)
{
    const size_t n = p->n, m = p->m, r = m - first < SOLVED ? m - first : SOLVED;
    const fr_matrix kernel = {scratch, n, r, r}, panel = {p->weights + first, n, r, m};
    double *mean = p->start + first, *variance = p->start + m + first;
    fr_matern_cross(p->theta, p->d, p->x, p->z + first * p->d, &kernel);
    for (size_t i = 0; i < n; i++)
        memcpy(panel.data + i * m, scratch + i * r, r * sizeof *scratch);
    FR_TRY(solver->solve(solver->context, &panel));
    for (size_t c = 0; c < r; c++) mean[c] = 0.0, variance[c] = 1.0;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < r; c++) {
            mean[c] += scratch[i * r + c] * p->alpha[i];
            variance[c] -= scratch[i * r + c] * panel.data[i * m + c];
        }
    return FR_OK;
}

static fr_status solve(fr_posterior *p, const fr_gram_solver *solver)
{
    double *scratch = fr_alloc(p->n, SOLVED * sizeof *scratch);
    fr_status st = scratch == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t c = 0; c < p->m && st == FR_OK; c += SOLVED)
        st = solve_panel(p, solver, c, scratch);
    free(scratch);
    return st;
}

fr_status fr_posterior_begin(fr_posterior *p, const fr_gram_solver *solver,
                             const fr_posterior_data *data)
{
    clear(p);
    fr_status st = take(p, data);
    if (st == FR_OK) st = learn(p, solver, data->evaluations);
    if (st == FR_OK) st = factor(p, solver);
    if (st == FR_OK) st = solve(p, solver);
    if (st == FR_OK) st = fr_posterior_condition(p, NULL, 0);
    if (st != FR_OK) clear(p);
    return st;
}

/* ---- news ---- */

/* out[q][k] -= the sum over the observations of W(i, first + k) kernel(i, q), k < width. */
static void explain(const fr_posterior *p, const double *kernel, double *const *out, size_t r,
                    size_t first)
{
    const size_t width = p->m - first < WIDTH ? p->m - first : WIDTH;
    for (size_t i = 0; i < p->n; i++) {
        const double *w = p->weights + i * p->m + first;
        for (size_t q = 0; q < r; q++) {
            const double k = kernel[i * r + q];
            double *line = out[q] + first;
            for (size_t c = 0; c < width; c++) line[c] -= w[c] * k;
        }
    }
}

/* S(., c) of r <= TOGETHER points c into out[q], each (m). */
static fr_status covariances(const fr_posterior *p, const size_t *points, size_t r,
                             double *const *out)
{
    const size_t d = p->d;
    double *z = fr_alloc(TOGETHER * d, sizeof *z);
    double *kernel = fr_alloc(p->n, TOGETHER * sizeof *kernel);
    const fr_status st = z == NULL || kernel == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t q = 0; q < r && st == FR_OK; q++) {
        const fr_matrix line = {out[q], 1, p->m, p->m};
        if (d > 0) memcpy(z + q * d, p->z + points[q] * d, d * sizeof *z);
        fr_matern_cross(p->theta, d, z + q * d, p->z, &line);
    }
    if (st == FR_OK) {
        const fr_matrix block = {kernel, p->n, r, r};
        fr_matern_cross(p->theta, d, p->x, z, &block);
        for (size_t first = 0; first < p->m; first += WIDTH) explain(p, kernel, out, r, first);
    }
    free(z);
    free(kernel);
    return st;
}

/* Make the covariances of the news that have none. */
static fr_status prepare(fr_posterior *p, const fr_posterior_news *news, size_t k)
{
    size_t points[TOGETHER], r = 0;
    double *out[TOGETHER];
    for (size_t j = 0; j < k; j++) {
        double **slot = &p->covariance[news[j].point];
        if (*slot == NULL) {
            *slot = fr_alloc(p->m, sizeof **slot);
            if (*slot == NULL) return FR_ERR_MEMORY;
            points[r] = news[j].point;
            out[r++] = *slot;
        }
        if (r == 0 || (r < TOGETHER && j + 1 < k)) continue;
        const fr_status st = covariances(p, points, r, out);
        for (size_t q = 0; q < r && st != FR_OK; q++) {
            free(p->covariance[points[q]]);
            p->covariance[points[q]] = NULL;
        }
        FR_TRY(st);
        r = 0;
    }
    return FR_OK;
}

/* One more column: what those before leave of S(., c), by the root of its pivot. */
static fr_status add_part(fr_posterior *p, size_t c)
{
    void *block = p->parts;
    FR_TRY(fr_grow(&block, &p->capacity, p->n_news + 1, sizeof *p->parts));
    p->parts = block;
    part *new = &p->parts[p->n_news];
    if (new->column == NULL) new->column = fr_alloc(p->m, sizeof *new->column);
    if (new->column == NULL) return FR_ERR_MEMORY;
    memcpy(new->column, p->covariance[c], p->m * sizeof *new->column);
    for (size_t i = 0; i < p->n_news; i++) {
        const double *other = p->parts[i].column, share = other[c];
        for (size_t q = 0; q < p->m; q++) new->column[q] -= share *other[q];
    }
    new->point = c;
    new->pivot = sqrt(fmax(new->column[c], 0.0) + p->noise);
    for (size_t q = 0; q < p->m; q++) new->column[q] /= new->pivot;
    p->n_news++;
    return FR_OK;
}

fr_status fr_posterior_condition(fr_posterior *p, const fr_posterior_news *news, size_t k)
{
    const size_t bytes = p->m * sizeof *p->mean;
    size_t same = 0;
    while (same < p->n_news && same < k && p->parts[same].point == news[same].point) same++;
    p->n_news = same;
    FR_TRY(prepare(p, news, k));
    while (p->n_news < k) FR_TRY(add_part(p, news[p->n_news].point));
    memcpy(p->mean, p->start, bytes);
    memcpy(p->variance, p->start + p->m, bytes);
    for (size_t j = 0; j < k; j++) {
        const part *known = &p->parts[j];
        for (size_t q = 0; q < p->m; q++) p->variance[q] -= known->column[q] * known->column[q];
        if (isnan(news[j].score)) continue;
        const double off = fr_warp_apply(&p->warp, news[j].score) - p->mean[news[j].point];
        const double step = off / known->pivot;
        for (size_t q = 0; q < p->m; q++) p->mean[q] += step * known->column[q];
    }
    for (size_t q = 0; q < p->m; q++) p->variance[q] = fmax(p->variance[q], 1e-12);
    return FR_OK;
}

const double *fr_posterior_mean(const fr_posterior *posterior)
{
    return posterior->mean;
}

const double *fr_posterior_variance(const fr_posterior *posterior)
{
    return posterior->variance;
}

double fr_posterior_likelihood(const fr_posterior *posterior)
{
    return posterior->value;
}

const double *fr_posterior_theta(const fr_posterior *posterior)
{
    return posterior->theta;
}
