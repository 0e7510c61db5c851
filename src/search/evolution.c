/* SPDX-License-Identifier: BSD-3-Clause */
/* evolution.c - covariance matrix adaptation with margin.
 *
 * Update: Hansen, "The CMA evolution strategy: a tutorial", arXiv 1604.00772, with its default
 * constants and negative weights; equation numbers are those of version 2. Margin: Hamano,
 * Saito, Nomura and Shirakawa, "CMA-ES with margin", GECCO 2022 (arXiv 2205.13482): in every
 * stepped coordinate the values beside that of the mean keep a probability of 1 / (n lambda).
 * Vectors that come from elsewhere: Hansen, "Injecting external solutions into CMA-ES", arXiv
 * 1110.4181, equation 4. */
#include "evolution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/linalg.h"
#include "foldrank/memory.h"

static const double NARROWEST = 1e-9; /* standard deviation, in unit coordinates */
static const double FLATTEST = 1e-14; /* ratio of the eigenvalues of C */

fr_status fr_evolution_create(const fr_param *const *param, size_t n, fr_evolution **out)
{
    *out = NULL;
    fr_evolution *e = fr_alloc(1, sizeof *e);
    if (e == NULL) return FR_ERR_MEMORY;
    e->n = n;
    e->param = fr_alloc(n, sizeof *e->param);
    e->mean = fr_alloc(5 * n, sizeof *e->mean);
    e->covariance = fr_alloc(2 * n * n, sizeof *e->covariance);
    if (e->param == NULL || e->mean == NULL || e->covariance == NULL) {
        fr_evolution_destroy(&e);
        return FR_ERR_MEMORY;
    }
    e->path_sigma = e->mean + n;
    e->path_c = e->mean + 2 * n;
    e->length = e->mean + 3 * n;
    e->stretch = e->mean + 4 * n;
    e->axes = e->covariance + n * n;
    if (n > 0) memcpy(e->param, param, n * sizeof *param);
    *out = e;
    return FR_OK;
}

void fr_evolution_destroy(fr_evolution **evolution)
{
    fr_evolution *e = *evolution;
    if (e == NULL) return;
    free(e->param);
    free(e->weight);
    free(e->mean);
    free(e->covariance);
    free(e->work);
    free(e);
    *evolution = NULL;
}

static fr_status reserve(fr_evolution *e, size_t population)
{
    if (population <= e->capacity) return FR_OK;
    free(e->weight);
    free(e->work);
    e->capacity = 0;
    e->weight = fr_alloc(population, sizeof *e->weight);
    e->work = fr_alloc((population + 2) * (e->n + 1), sizeof *e->work);
    if (e->weight == NULL || e->work == NULL) return FR_ERR_MEMORY;
    e->capacity = population;
    return FR_OK;
}

/* Squared sum over sum of squares of weights [from, to): how many they stand for. */
static double effective(const double *weight, size_t from, size_t to)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = from; i < to; i++) {
        sum += weight[i];
        squares += weight[i] * weight[i];
    }
    return sum * sum / squares;
}

/* Table 1: weights, then the constants that follow from them. */
static void set_constants(fr_evolution *e, size_t population)
{
    const double n = (double)(e->n > 0 ? e->n : 1), lambda = (double)population;
    e->population = population;
    e->parents = population / 2;
    for (size_t i = 0; i < population; i++)
        e->weight[i] = log((lambda + 1.0) / 2.0) - log((double)i + 1.0);
    const double mu = e->parents_effective = effective(e->weight, 0, e->parents);
    const double others = effective(e->weight, e->parents, population);
    e->c_one = 2.0 / ((n + 1.3) * (n + 1.3) + mu);
    e->c_mu = fmin(1.0 - e->c_one, 2.0 * (mu - 2.0 + 1.0 / mu) / ((n + 2.0) * (n + 2.0) + mu));
    double better = 0.0, worse = 0.0;
    for (size_t i = 0; i < population; i++)
        *(e->weight[i] > 0.0 ? &better : &worse) += fabs(e->weight[i]);
    double share = 1.0 + 2.0 * others / (mu + 2.0);
    if (e->c_mu > 0.0) {
        share = fmin(share, 1.0 + e->c_one / e->c_mu);
        share = fmin(share, (1.0 - e->c_one - e->c_mu) / (n * e->c_mu));
    }
    for (size_t i = 0; i < population; i++)
        e->weight[i] *= e->weight[i] > 0.0 ? 1.0 / better : share / worse;
    e->c_path = (4.0 + mu / n) / (n + 4.0 + 2.0 * mu / n);
    e->c_sigma = (mu + 2.0) / (n + mu + 5.0);
    e->d_sigma = 1.0 + 2.0 * fmax(0.0, sqrt((mu - 1.0) / (n + 1.0)) - 1.0) + e->c_sigma;
    e->chi = sqrt(n) * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));
}

static fr_status find_axes(fr_evolution *e)
{
    const size_t n = e->n;
    if (n == 0) return FR_OK;
    const fr_matrix axes = {.data = e->axes, .rows = n, .cols = n, .ld = n};
    memcpy(e->axes, e->covariance, n * n * sizeof *e->axes);
    FR_TRY(fr_symmetric_eigen(&axes, e->length));
    const double least = FLATTEST * e->length[n - 1];
    if (!(least > 0.0)) return FR_FAIL(FR_ERR_NUMERIC, "the covariance matrix has collapsed");
    /* Never flatter: rounding would make it indefinite. */
    const double lift = fmax(0.0, least - e->length[0]);
    for (size_t i = 0; i < n; i++) {
        e->covariance[i * n + i] += lift;
        e->length[i] = sqrt(e->length[i] + lift);
    }
    return FR_OK;
}

fr_status fr_evolution_start(fr_evolution *e, size_t population, const double *mean,
                             double sigma, const double *covariance)
{
    const size_t n = e->n;
    FR_TRY(reserve(e, population));
    set_constants(e, population);
    e->sigma = sigma;
    e->generations = 0;
    for (size_t j = 0; j < n; j++) {
        e->mean[j] = mean[j];
        e->path_sigma[j] = e->path_c[j] = 0.0;
        e->stretch[j] = 1.0;
        for (size_t k = 0; k < n; k++)
            e->covariance[j * n + k] =
                covariance != NULL ? covariance[j * n + k] : (j == k ? 1.0 : 0.0);
    }
    return find_axes(e);
}

void fr_evolution_draw(const fr_evolution *e, fr_rng *rng, double factor, double *x)
{
    const size_t n = e->n;
    memcpy(x, e->mean, n * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        const double reach = factor * e->sigma * e->length[i] * fr_rng_normal(rng);
        for (size_t j = 0; j < n; j++) x[j] += reach * e->axes[i * n + j];
    }
}

/* Into [0, 1] by mirrors at both ends. */
static double reflect(double x)
{
    const double place = fabs(x - 2.0 * rint(0.5 * x));
    return place <= 1.0 ? place : 1.0; /* NaN too */
}

void fr_evolution_place(const fr_evolution *e, const double *x, double *unit)
{
    for (size_t j = 0; j < e->n; j++) {
        if (isinf(fr_space_cardinality(e->param[j])))
            unit[j] = reflect(x[j]);
        else
            unit[j] = e->mean[j] + e->stretch[j] * (x[j] - e->mean[j]);
    }
}

/* z = C^(-1/2) y in the coordinates of the axes; returns its squared length. */
static double whiten(const fr_evolution *e, const double *y, double *z)
{
    const size_t n = e->n;
    double square = 0.0;
    for (size_t i = 0; i < n; i++) {
        z[i] = 0.0;
        for (size_t j = 0; j < n; j++) z[i] += e->axes[i * n + j] * y[j];
        z[i] /= e->length[i];
        square += z[i] * z[i];
    }
    return square;
}

/* Steps y = (x - m) / sigma, (population, n); into weight[k] what each counts for in the
 * covariance. */
static void take_steps(fr_evolution *e, const double *x, const bool *foreign, double *y,
                       double *z, double *weight)
{
    const double n = (double)e->n, usual = sqrt(n) + 2.0 * n / (n + 2.0);
    for (size_t k = 0; k < e->population; k++) {
        double *step = y + k * e->n;
        for (size_t j = 0; j < e->n; j++) step[j] = (x[k * e->n + j] - e->mean[j]) / e->sigma;
        double square = whiten(e, step, z);
        if (foreign[k] && square > usual * usual) {
            for (size_t j = 0; j < e->n; j++) step[j] *= usual / sqrt(square);
            square = usual * usual;
        }
        weight[k] = e->weight[k];
        if (weight[k] < 0.0) weight[k] *= n / (square + 1e-8);
    }
}

/* Equations 43 to 45 and the mean's 42: the evolution paths. Returns h_sigma. */
static double move(fr_evolution *e, const double *y, double *mean_step, double *z)
{
    const size_t n = e->n;
    const double mu = e->parents_effective;
    for (size_t j = 0; j < n; j++) {
        mean_step[j] = 0.0;
        for (size_t k = 0; k < e->parents; k++) mean_step[j] += e->weight[k] * y[k * n + j];
        e->mean[j] += e->sigma * mean_step[j];
    }
    whiten(e, mean_step, z);
    const double gain = sqrt(e->c_sigma * (2.0 - e->c_sigma) * mu);
    double square = 0.0;
    for (size_t j = 0; j < n; j++) {
        double back = 0.0;
        for (size_t i = 0; i < n; i++) back += e->axes[i * n + j] * z[i];
        e->path_sigma[j] = (1.0 - e->c_sigma) * e->path_sigma[j] + gain * back;
        square += e->path_sigma[j] * e->path_sigma[j];
    }
    const double age = 2.0 * (double)(e->generations + 1);
    const double norm = sqrt(square), settled = sqrt(1.0 - pow(1.0 - e->c_sigma, age));
    const double h = norm / settled < (1.4 + 2.0 / ((double)n + 1.0)) * e->chi ? 1.0 : 0.0;
    const double path_gain = h * sqrt(e->c_path * (2.0 - e->c_path) * mu);
    for (size_t j = 0; j < n; j++)
        e->path_c[j] = (1.0 - e->c_path) * e->path_c[j] + path_gain * mean_step[j];
    e->sigma *= exp(e->c_sigma / e->d_sigma * (norm / e->chi - 1.0));
    return h;
}

/* Equation 47. */
static void adapt(fr_evolution *e, const double *y, const double *weight, double h)
{
    const size_t n = e->n;
    double sum = 0.0;
    for (size_t k = 0; k < e->population; k++) sum += e->weight[k];
    const double keep =
        1.0 + e->c_one * (1.0 - h) * e->c_path * (2.0 - e->c_path) - e->c_one - e->c_mu * sum;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double mu = 0.0;
            for (size_t k = 0; k < e->population; k++)
                mu += weight[k] * y[k * n + i] * y[k * n + j];
            const double c = keep * e->covariance[i * n + j] +
                             e->c_one * e->path_c[i] * e->path_c[j] + e->c_mu * mu;
            e->covariance[i * n + j] = e->covariance[j * n + i] = c;
        }
    }
}

/* ---- margin ---- */

/* P(Z > z) for a standard normal Z, and the z of a probability p in (0, 0.5]: Newton's method
 * on the logarithm of the former, which is concave. */
static double upper_tail(double z)
{
    return 0.5 * erfc(z * 0.70710678118654752);
}

static double upper_quantile(double p)
{
    double z = p < 0.5 ? sqrt(-2.0 * log(2.0 * p)) : 0.0;
    for (int i = 0; i < 50; i++) {
        const double tail = upper_tail(z);
        const double density = 0.39894228040143268 * exp(-0.5 * z * z);
        const double change = tail / density * log(tail / p);
        z += change;
        if (fabs(change) < 1e-14 * (1.0 + z)) break;
    }
    return z > 0.0 ? z : 0.0;
}

/* The mean is in the first or last cell: not so far out that the cells inside lose their
 * margin. */
static void keep_near_edge(fr_evolution *e, size_t j, double edge, double deviation,
                           double margin)
{
    const double distance = deviation * upper_quantile(margin);
    if (fabs(e->mean[j] - edge) > distance)
        e->mean[j] = edge + copysign(distance, e->mean[j] - edge);
}

/* The cells on both sides have probabilities `below` and `above`: lift what is too small, at
 * the cost of the rest, and find the mean and the stretch that go with it. */
static void widen(fr_evolution *e, size_t j, const double edge[2], const double beside[2],
                  double margin)
{
    const double half = 0.5 * margin, inside = 1.0 - beside[0] - beside[1];
    const double lifted[2] = {fmax(beside[0], half), fmax(beside[1], half)};
    const double sum = lifted[0] + lifted[1] + inside;
    double z[2];
    for (int s = 0; s < 2; s++) {
        const double share = (1.0 - sum) * (lifted[s] - half) / (sum - 1.5 * margin);
        z[s] = upper_quantile(fmin(fmax(lifted[s] + share, 1e-10), 0.5 - 1e-10));
    }
    const double deviation = e->sigma * sqrt(e->covariance[j * e->n + j]);
    e->stretch[j] = (edge[1] - edge[0]) / ((z[0] + z[1]) * deviation);
    e->mean[j] = (edge[0] * z[1] + edge[1] * z[0]) / (z[0] + z[1]);
}

static void keep_margins(fr_evolution *e)
{
    const double margin = 1.0 / (double)(e->n * e->population);
    for (size_t j = 0; j < e->n; j++) {
        double edge[2];
        if (isinf(fr_space_cardinality(e->param[j]))) continue;
        const double deviation = e->sigma * e->stretch[j] * sqrt(e->covariance[j * e->n + j]);
        fr_param_cell(e->param[j], e->mean[j], &edge[0], &edge[1]);
        if (edge[0] < 1e-9 || edge[1] > 1.0 - 1e-9) {
            keep_near_edge(e, j, edge[0] < 1e-9 ? edge[1] : edge[0], deviation, margin);
            continue;
        }
        const double beside[2] = {upper_tail((e->mean[j] - edge[0]) / deviation),
                                  upper_tail((edge[1] - e->mean[j]) / deviation)};
        if (fmin(beside[0], beside[1]) < 0.5 * margin) widen(e, j, edge, beside, margin);
    }
}

/* A standard deviation of more than the whole range says nothing more. */
static void hold_within_range(fr_evolution *e)
{
    double widest = 0.0;
    for (size_t j = 0; j < e->n; j++)
        widest = fmax(widest, e->sigma * sqrt(e->covariance[j * e->n + j]));
    if (widest > 1.0) e->sigma /= widest;
}

fr_status fr_evolution_update(fr_evolution *e, const double *x, const bool *foreign)
{
    const size_t n = e->n;
    if (n == 0) return FR_OK;
    double *y = e->work, *mean_step = y + e->population * n, *z = mean_step + n;
    double *weight = z + n;
    take_steps(e, x, foreign, y, z, weight);
    const double h = move(e, y, mean_step, z);
    adapt(e, y, weight, h);
    e->generations++;
    FR_TRY(find_axes(e));
    hold_within_range(e);
    keep_margins(e);
    return FR_OK;
}

bool fr_evolution_converged(const fr_evolution *e)
{
    const size_t n = e->n;
    bool narrow = n > 0;
    for (size_t j = 0; j < n; j++)
        narrow = narrow && e->sigma * sqrt(e->covariance[j * n + j]) < NARROWEST;
    return n > 0 && (narrow || e->length[0] * e->length[0] <=
                                   2.0 * FLATTEST * e->length[n - 1] * e->length[n - 1]);
}
