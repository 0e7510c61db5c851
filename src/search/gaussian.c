/* SPDX-License-Identifier: BSD-3-Clause */
/* gaussian.c - Matern-5/2 kernel with one length scale a parameter; maximum a posteriori.
 *
 * Distance in one parameter: of the unit coordinates for numbers; 0 or 1 for choices; 1 between
 * an active and an inactive value, 0 between two inactive ones, so that branches of a
 * conditional space share what they have in common. The prior of the length scales grows with
 * the dimension (Hvarfner, Hellsten and Nardi, "Vanilla Bayesian optimization performs great in
 * high dimensions", ICML 2024); output scale 1 on standardised values. */
#include "gaussian.h"

#include <math.h>
#include <nlopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/linalg.h"
#include "foldrank/memory.h"

static const double NOISE_MEAN = -6.0, NOISE_SPREAD = 2.0; /* of log noise variance */
static const double LEAST_NOISE = 1e-6;
enum { EVALUATIONS = 40 }; /* of the likelihood, from each start */

struct fr_gaussian {
    const fr_space *space;
    size_t n, capacity;
    double *u;        /* (capacity, space->n): unit coordinate, choice, NaN */
    double *y;        /* (capacity): warped and standardised */
    double *alpha;    /* (capacity): K^-1 y */
    double *kernel;   /* (capacity, capacity): K, then its factor */
    double *work;     /* (capacity, capacity) */
    double *theta;    /* (space->n + 1): log length scales, log noise variance */
    double *rate;     /* (space->n): 1 / length scale squared */
    uint64_t learned; /* key of the observations behind theta; 0: none */
    fr_status status; /* first failure inside the optimiser */
};

void fr_gaussian_destroy(fr_gaussian **gaussian)
{
    fr_gaussian *g = *gaussian;
    if (g == NULL) return;
    free(g->u);
    free(g->y);
    free(g->alpha);
    free(g->kernel);
    free(g->work);
    free(g->theta);
    free(g->rate);
    free(g);
    *gaussian = NULL;
}

fr_status fr_gaussian_create(const fr_space *space, fr_gaussian **out)
{
    *out = NULL;
    fr_gaussian *g = fr_alloc(1, sizeof *g);
    if (g == NULL) return FR_ERR_MEMORY;
    g->space = space;
    g->theta = fr_alloc(space->n + 1, sizeof *g->theta);
    g->rate = fr_alloc(space->n, sizeof *g->rate);
    if (g->theta == NULL || g->rate == NULL) {
        fr_gaussian_destroy(&g);
        return FR_ERR_MEMORY;
    }
    *out = g;
    return FR_OK;
}

/* Room for n observations; what is there is kept but for the matrices. */
static fr_status reserve(fr_gaussian *g, size_t n)
{
    const size_t d = g->space->n == 0 ? 1 : g->space->n;
    if (n <= g->capacity) return FR_OK;
    const size_t capacity = n + n / 4 + 16;
    double *u = fr_alloc(capacity * d, sizeof *u), *y = fr_alloc(capacity, sizeof *y);
    double *alpha = fr_alloc(capacity, sizeof *alpha);
    double *kernel = fr_alloc(capacity * capacity, sizeof *kernel);
    double *work = fr_alloc(capacity * capacity, sizeof *work);
    if (u == NULL || y == NULL || alpha == NULL || kernel == NULL || work == NULL) {
        free(u);
        free(y);
        free(alpha);
        free(kernel);
        free(work);
        return FR_ERR_MEMORY;
    }
    if (g->n > 0) {
        memcpy(u, g->u, g->n * d * sizeof *u);
        memcpy(y, g->y, g->n * sizeof *y);
    }
    free(g->u);
    free(g->y);
    free(g->alpha);
    free(g->kernel);
    free(g->work);
    g->u = u;
    g->y = y;
    g->alpha = alpha;
    g->kernel = kernel;
    g->work = work;
    g->capacity = capacity;
    return FR_OK;
}

static void coordinates(const fr_space *space, const double *point, double *u)
{
    for (size_t j = 0; j < space->n; j++) {
        const fr_param *param = &space->params[j];
        u[j] = param->kind == FR_PARAM_CHOICE ? point[j] : fr_param_to_unit(param, point[j]);
    }
}

/* Squared distance in parameter j. */
static inline double square(const fr_space *space, size_t j, double a, double b)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b) ? 0.0 : 1.0;
    if (space->params[j].kind == FR_PARAM_CHOICE) return a == b ? 0.0 : 1.0;
    return (a - b) * (a - b);
}

static double scaled_distance(const fr_gaussian *g, const double *a, const double *b)
{
    double sum = 0.0;
    for (size_t j = 0; j < g->space->n; j++)
        sum += g->rate[j] * square(g->space, j, a[j], b[j]);
    return sqrt(5.0 * sum);
}

static double matern(double a)
{
    return (1.0 + a + a * a / 3.0) * exp(-a);
}

static void set_rates(fr_gaussian *g)
{
    for (size_t j = 0; j < g->space->n; j++) g->rate[j] = exp(-2.0 * g->theta[j]);
}

static fr_matrix square_matrix(double *data, size_t n)
{
    return (fr_matrix){.data = data, .rows = n, .cols = n, .ld = n};
}

/* Factor the kernel matrix and find alpha. Above the diagonal, which the factor leaves alone,
 * stands what likelihood_gradient needs of every pair. */
static fr_status factor(fr_gaussian *g)
{
    const size_t n = g->n, d = g->space->n;
    const double noise = exp(g->theta[d]) + LEAST_NOISE;
    set_rates(g);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            const double a = scaled_distance(g, g->u + i * d, g->u + k * d), e = exp(-a);
            g->kernel[i * n + k] = (1.0 + a + a * a / 3.0) * e;
            g->kernel[k * n + i] = (1.0 + a) * e;
        }
        g->kernel[i * n + i] = 1.0 + noise;
    }
    const fr_matrix lower = square_matrix(g->kernel, n);
    FR_TRY(fr_cholesky_factor(&lower));
    memcpy(g->alpha, g->y, n * sizeof *g->alpha);
    const fr_matrix column = {.data = g->alpha, .rows = n, .cols = 1, .ld = 1};
    return fr_cholesky_solve(&lower, &column);
}

/* Gradient of the log likelihood: half the trace of (alpha alpha' - K^-1) dK / dtheta
 * (Rasmussen and Williams, eq. 5.9). */
static fr_status likelihood_gradient(fr_gaussian *g, double *gradient)
{
    const size_t n = g->n, d = g->space->n;
    const fr_matrix inverse = square_matrix(g->work, n);
    memcpy(g->work, g->kernel, n * n * sizeof *g->work);
    FR_TRY(fr_cholesky_invert(&inverse));
    for (size_t j = 0; j <= d; j++) gradient[j] = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double *a = g->u + i * d;
        for (size_t k = 0; k < i; k++) {
            const double *b = g->u + k * d;
            const double outer = g->alpha[i] * g->alpha[k] - g->work[i * n + k];
            const double slope = outer * 5.0 / 3.0 * g->kernel[k * n + i];
            for (size_t j = 0; j < d; j++)
                gradient[j] += slope * g->rate[j] * square(g->space, j, a[j], b[j]);
        }
        gradient[d] +=
            0.5 * exp(g->theta[d]) * (g->alpha[i] * g->alpha[i] - g->work[i * n + i]);
    }
    return FR_OK;
}

static double prior_mean(const fr_space *space)
{
    return sqrt(2.0) + 0.5 * log((double)space->n);
}

/* Log posterior of theta and its gradient, for NLopt. Where the matrix cannot be factored the
 * value is very low. */
static double log_posterior(unsigned n_theta, const double *theta, double *gradient, void *data)
{
    fr_gaussian *g = data;
    const size_t n = g->n, d = g->space->n;
    memcpy(g->theta, theta, n_theta * sizeof *theta);
    if (factor(g) != FR_OK) {
        if (gradient != NULL) memset(gradient, 0, n_theta * sizeof *gradient);
        return -1e10;
    }
    const fr_matrix lower = square_matrix(g->kernel, n);
    double value = -0.5 * fr_cholesky_logdet(&lower);
    for (size_t i = 0; i < n; i++) value -= 0.5 * g->y[i] * g->alpha[i];
    if (gradient != NULL && g->status == FR_OK) g->status = likelihood_gradient(g, gradient);
    for (size_t j = 0; j <= d; j++) {
        const double mean = j < d ? prior_mean(g->space) : NOISE_MEAN;
        const double variance = j < d ? 3.0 : NOISE_SPREAD * NOISE_SPREAD;
        value -= 0.5 * (theta[j] - mean) * (theta[j] - mean) / variance;
        if (gradient != NULL) gradient[j] -= (theta[j] - mean) / variance;
    }
    return value;
}

/* Two starts: the prior's mean and short scales, since the posterior often has a smooth mode
 * that takes everything for noise, and a rough one. */
static fr_status maximise(fr_gaussian *g)
{
    const size_t d = g->space->n;
    double *theta = fr_alloc(d + 1, 2 * sizeof *theta), *best = theta + d + 1;
    nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, (unsigned)(d + 1));
    fr_status st = theta == NULL || opt == NULL ? FR_ERR_MEMORY : FR_OK;
    double best_value = -INFINITY;
    if (st != FR_OK) goto out;
    nlopt_set_max_objective(opt, log_posterior, g);
    nlopt_set_lower_bounds1(opt, -7.0);
    nlopt_set_upper_bounds1(opt, 7.0);
    nlopt_set_lower_bound(opt, (int)d, -14.0);
    nlopt_set_upper_bound(opt, (int)d, 0.0);
    nlopt_set_ftol_abs(opt, 1e-3);
    nlopt_set_maxeval(opt, EVALUATIONS);
    for (int start = 0; start < 2; start++) {
        double value = -INFINITY;
        for (size_t j = 0; j < d; j++) theta[j] = start == 0 ? prior_mean(g->space) : -1.0;
        theta[d] = start == 0 ? NOISE_MEAN : -7.0;
        if (start == 0) memcpy(best, theta, (d + 1) * sizeof *best);
        /* Whatever the stop was for, theta is the best place it has seen. */
        const nlopt_result result = nlopt_optimize(opt, theta, &value);
        if (result == NLOPT_OUT_OF_MEMORY) st = FR_ERR_MEMORY;
        if (!(value > best_value)) continue;
        best_value = value;
        memcpy(best, theta, (d + 1) * sizeof *best);
    }
    memcpy(g->theta, best, (d + 1) * sizeof *best);
out:
    nlopt_destroy(opt);
    free(theta);
    return st;
}

static double yeo_johnson(double y, double lambda)
{
    if (y >= 0.0) return fabs(lambda) < 1e-9 ? log1p(y) : (pow(1.0 + y, lambda) - 1.0) / lambda;
    const double l = 2.0 - lambda;
    return fabs(l) < 1e-9 ? -log1p(-y) : -(pow(1.0 - y, l) - 1.0) / l;
}

static void standardise(double *y, size_t n)
{
    double mean = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) mean += y[i] / (double)n;
    for (size_t i = 0; i < n; i++) squares += (y[i] - mean) * (y[i] - mean);
    const double deviation = sqrt(squares / (double)n);
    for (size_t i = 0; i < n; i++) y[i] = deviation > 0.0 ? (y[i] - mean) / deviation : 0.0;
}

/* Yeo and Johnson, "A new family of power transformations", Biometrika 87, 2000, eq. 3.1: the
 * likeliest of a row of exponents. */
static void warp(double *y, double *work, size_t n)
{
    double best = 1.0, best_value = -INFINITY;
    standardise(y, n);
    for (int k = -20; k <= 40; k++) {
        const double lambda = (double)k / 10.0;
        double mean = 0.0, squares = 0.0, jacobian = 0.0;
        for (size_t i = 0; i < n; i++) {
            work[i] = yeo_johnson(y[i], lambda);
            mean += work[i] / (double)n;
            jacobian += copysign(log1p(fabs(y[i])), y[i]);
        }
        for (size_t i = 0; i < n; i++) squares += (work[i] - mean) * (work[i] - mean);
        const double value =
            (lambda - 1.0) * jacobian - 0.5 * (double)n * log(squares / (double)n);
        if (!(value > best_value)) continue;
        best = lambda;
        best_value = value;
    }
    for (size_t i = 0; i < n; i++) y[i] = yeo_johnson(y[i], best);
    standardise(y, n);
}

static fr_status take(fr_gaussian *g, const double *x, const double *y, size_t n)
{
    const size_t d = g->space->n;
    g->n = 0;
    g->status = FR_OK;
    FR_TRY(reserve(g, n));
    g->n = n;
    for (size_t i = 0; i < n; i++) coordinates(g->space, x + i * d, g->u + i * d);
    memcpy(g->y, y, n * sizeof *y);
    warp(g->y, g->alpha, n);
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

fr_status fr_gaussian_learn(fr_gaussian *g, const double *x, const double *y, size_t n)
{
    const uint64_t key = hash(hash(n + 1, x, n * g->space->n), y, n);
    if (key == g->learned) return FR_OK;
    g->learned = 0;
    FR_TRY(take(g, x, y, n));
    FR_TRY(maximise(g));
    FR_TRY(g->status);
    g->learned = key;
    return FR_OK;
}

fr_status fr_gaussian_fit(fr_gaussian *g, const double *x, const double *y, size_t n)
{
    FR_TRY(take(g, x, y, n));
    return factor(g);
}

/* Kernel between the m points x and the observations, transposed: (n, m). */
static fr_status cross_kernel(const fr_gaussian *g, const double *x, size_t m, double *out)
{
    const size_t d = g->space->n;
    double *u = fr_alloc(d, sizeof *u);
    if (u == NULL) return FR_ERR_MEMORY;
    for (size_t k = 0; k < m; k++) {
        coordinates(g->space, x + k * d, u);
        for (size_t i = 0; i < g->n; i++)
            out[i * m + k] = matern(scaled_distance(g, g->u + i * d, u));
    }
    free(u);
    return FR_OK;
}

fr_status fr_gaussian_predict(fr_gaussian *g, const double *x, size_t m, double *mean,
                              double *variance)
{
    double *cross = fr_alloc(g->n * m, sizeof *cross);
    if (cross == NULL) return FR_ERR_MEMORY;
    const fr_matrix lower = square_matrix(g->kernel, g->n);
    const fr_matrix right = {.data = cross, .rows = g->n, .cols = m, .ld = m};
    fr_status st = cross_kernel(g, x, m, cross);
    for (size_t k = 0; k < m; k++) mean[k] = 0.0, variance[k] = 1.0;
    for (size_t i = 0; i < g->n && st == FR_OK; i++)
        for (size_t k = 0; k < m; k++) mean[k] += cross[i * m + k] * g->alpha[i];
    if (st == FR_OK) st = fr_triangle_solve(&lower, false, &right);
    for (size_t i = 0; i < g->n && st == FR_OK; i++)
        for (size_t k = 0; k < m; k++) variance[k] -= cross[i * m + k] * cross[i * m + k];
    for (size_t k = 0; k < m; k++) variance[k] = fmax(variance[k], 1e-12);
    free(cross);
    return st;
}

fr_status fr_gaussian_believe(fr_gaussian *g, const double *x, size_t m)
{
    const size_t d = g->space->n;
    if (m == 0) return FR_OK;
    double *moments = fr_alloc(m, 2 * sizeof *moments);
    if (moments == NULL) return FR_ERR_MEMORY;
    fr_status st = fr_gaussian_predict(g, x, m, moments, moments + m);
    if (st == FR_OK) st = reserve(g, g->n + m);
    if (st == FR_OK) {
        for (size_t k = 0; k < m; k++) coordinates(g->space, x + k * d, g->u + (g->n + k) * d);
        memcpy(g->y + g->n, moments, m * sizeof *moments);
        g->n += m;
        st = factor(g);
    }
    free(moments);
    return st;
}
