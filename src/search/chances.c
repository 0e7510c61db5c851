/* SPDX-License-Identifier: BSD-3-Clause */
/* chances.c - the categorical part of CatCMA: Hamano, Saito, Nomura, Uchida and Shirakawa,
 * "CatCMA: stochastic optimization for mixed-category problems", GECCO 2024 (arXiv 2405.09962).
 *
 * Probabilities move along the natural gradient in steps whose size follows from the signal in
 * it: Akimoto, Shirakawa, Yoshinari, Uchida, Saito and Nishida, "Adaptive stochastic natural
 * gradient method for one-shot neural architecture search", ICML 2019. None falls below a
 * margin that keeps every value in play. */
#include "chances.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"

static const double UNDISTURBED = 0.73; /* share of draws that are no choice's margin */
static const double ALPHA = 1.5;        /* ASNG: target of the signal */

fr_status fr_chances_create(const size_t *values, size_t n, fr_chances **out)
{
    *out = NULL;
    fr_chances *c = fr_alloc(1, sizeof *c);
    if (c == NULL) return FR_ERR_MEMORY;
    c->n = n;
    for (size_t i = 0; i < n; i++) c->total += values[i];
    c->values = fr_alloc(2 * n, sizeof *c->values);
    c->chance = fr_alloc(4 * c->total, sizeof *c->chance);
    if (c->values == NULL || c->chance == NULL) {
        fr_chances_destroy(&c);
        return FR_ERR_MEMORY;
    }
    c->first = c->values + n;
    c->path = c->chance + c->total;
    c->work = c->chance + 2 * c->total;
    if (n > 0) memcpy(c->values, values, n * sizeof *values);
    for (size_t i = 1; i < n; i++) c->first[i] = c->first[i - 1] + values[i - 1];
    *out = c;
    return FR_OK;
}

void fr_chances_destroy(fr_chances **chances)
{
    fr_chances *c = *chances;
    if (c == NULL) return;
    free(c->values);
    free(c->chance);
    free(c);
    *chances = NULL;
}

static void keep_margin(fr_chances *c, size_t i)
{
    const size_t k = c->values[i];
    const double least = (1.0 - pow(UNDISTURBED, 1.0 / (double)c->n)) / (double)(k - 1);
    double *chance = c->chance + c->first[i], sum = 0.0;
    for (size_t v = 0; v < k; v++) {
        chance[v] = fmax(chance[v], least);
        sum += chance[v];
    }
    const double spare = sum - least * (double)k;
    for (size_t v = 0; v < k && spare > 0.0; v++)
        chance[v] -= (sum - 1.0) * (chance[v] - least) / spare;
    sum = 0.0;
    for (size_t v = 0; v < k; v++) sum += chance[v];
    for (size_t v = 0; v < k; v++) chance[v] /= sum;
}

void fr_chances_start(fr_chances *c, const double *chance)
{
    c->gamma = 0.0;
    c->step = c->caution = 1.0;
    for (size_t i = 0; i < c->n; i++) {
        for (size_t v = c->first[i]; v < c->first[i] + c->values[i]; v++) {
            c->chance[v] = chance != NULL ? chance[v] : 1.0 / (double)c->values[i];
            c->path[v] = 0.0;
        }
        keep_margin(c, i);
    }
}

size_t fr_chances_draw(const fr_chances *c, size_t i, fr_rng *rng)
{
    const double *chance = c->chance + c->first[i];
    double u = fr_rng_uniform(rng);
    size_t v = 0;
    for (; v + 1 < c->values[i] && u >= chance[v]; v++) u -= chance[v];
    return v;
}

/* The natural gradient of the weighted log likelihood, (total), and the same in the measure of
 * the Fisher information, of which each choice's last entry is 0. Returns the latter's length.
 */
static double find_gradient(const fr_chances *c, const double *weight, const double *values,
                            size_t parents, double *gradient, double *measured)
{
    double square = 0.0;
    for (size_t i = 0; i < c->n; i++) {
        const size_t k = c->values[i], last = k - 1;
        const double *q = c->chance + c->first[i];
        double *g = gradient + c->first[i], *m = measured + c->first[i], rest = 0.0;
        for (size_t v = 0; v < k; v++) g[v] = 0.0;
        for (size_t p = 0; p < parents; p++) {
            const double value = values[p * c->n + i];
            for (size_t v = 0; v < k && !isnan(value); v++)
                g[v] += weight[p] * ((v == (size_t)value ? 1.0 : 0.0) - q[v]);
        }
        for (size_t v = 0; v < last; v++) rest += g[v];
        for (size_t v = 0; v < last; v++) {
            m[v] = g[v] / sqrt(q[v]) + sqrt(q[v]) * rest / (q[last] + sqrt(q[last]));
            square += m[v] * m[v];
        }
        m[last] = 0.0;
    }
    return sqrt(square) + 1e-30;
}

void fr_chances_update(fr_chances *c, const double *weight, const double *values,
                       size_t parents)
{
    if (c->n == 0) return;
    double *gradient = c->work, *measured = c->work + c->total, square = 0.0;
    const double length = find_gradient(c, weight, values, parents, gradient, measured);
    for (size_t v = 0; v < c->total; v++) c->chance[v] += c->step / length * gradient[v];
    c->step = 1.0 / c->caution;
    const double beta = fmin(1.0, c->step / sqrt((double)(c->total - c->n)));
    for (size_t v = 0; v < c->total; v++) {
        c->path[v] =
            (1.0 - beta) * c->path[v] + sqrt(beta * (2.0 - beta)) * measured[v] / length;
        square += c->path[v] * c->path[v];
    }
    c->gamma = (1.0 - beta) * (1.0 - beta) * c->gamma + beta * (2.0 - beta);
    c->caution *= exp(beta * (c->gamma - square / ALPHA));
    for (size_t i = 0; i < c->n; i++) keep_margin(c, i);
}
