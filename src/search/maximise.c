/* SPDX-License-Identifier: BSD-3-Clause */
/* maximise.c - the point that a model makes most of, by sampling: many points of the whole
 * space, then mutations of the best of them in ever smaller steps; this treats numbers, choices
 * and branches alike. Where the model has a gradient, the best climb along it before and after.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "acquire.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"

enum {
    GLOBAL = 384, /* points of the whole space that are looked at */
    PARENTS = 8,
    CHILDREN = 24, /* mutations of each parent in a round */
    ROUNDS = 8,
    CLIMBS = 4, /* of the best points before the first round */
};

/* Points with their acquisition values. */
typedef struct {
    double *points; /* (capacity, d) */
    double *value;  /* (capacity) */
    size_t n, d;
} pool;

enum { POOL_MAX = GLOBAL + (PARENTS + CLIMBS) * (1 + CHILDREN) };

static fr_status make_pool(size_t d, pool *p)
{
    *p = (pool){.d = d};
    p->points = fr_alloc(POOL_MAX * (d == 0 ? 1 : d), sizeof(double));
    p->value = fr_alloc(POOL_MAX, sizeof(double));
    if (p->points == NULL || p->value == NULL) return FR_ERR_MEMORY;
    return FR_OK;
}

static void free_pool(pool *p)
{
    free(p->points);
    free(p->value);
}

/* Move the best `keep` points to the front, best first; equal ones in their order. */
static void select_front(pool *p, size_t keep, double *swap)
{
    for (size_t k = 0; k < keep && k < p->n; k++) {
        size_t best = k;
        for (size_t i = k + 1; i < p->n; i++)
            if (p->value[i] > p->value[best]) best = i;
        if (best == k) continue;
        double *a = p->points + k * p->d, *b = p->points + best * p->d;
        memcpy(swap, a, p->d * sizeof *a);
        memcpy(a, b, p->d * sizeof *a);
        memcpy(b, swap, p->d * sizeof *a);
        const double value = p->value[k];
        p->value[k] = p->value[best];
        p->value[best] = value;
    }
    if (p->n > keep) p->n = keep;
}

/* Leave out what was tried before and keep the best few. */
static void select_new(const fr_ask *ask, pool *p, size_t keep, double *swap)
{
    for (size_t i = 0; i < p->n; i++)
        if (!fr_ask_may_try(ask, p->points + i * p->d)) p->value[i] = -INFINITY;
    select_front(p, keep, swap);
}

static fr_status score_from(const fr_acquisition *a, size_t first, pool *p)
{
    return a->score(a->context, p->points + first * p->d, p->n - first, p->value + first);
}

/* Points of the whole space, and neighbours of the incumbents. */
static fr_status scatter(const fr_acquisition *a, const fr_ask *ask, fr_rng *rng,
                         const double *incumbents, size_t n_incumbents, pool *p)
{
    for (; p->n < GLOBAL; p->n++) {
        double *to = p->points + p->n * p->d;
        const double sigma = p->n % 2 == 0 ? 0.1 : 0.02;
        if (p->n % 4 == 3 && n_incumbents > 0)
            fr_mutate(ask->space, rng, sigma, incumbents + p->n / 4 % n_incumbents * p->d, to);
        else
            fr_space_draw(ask->space, rng, to);
    }
    return score_from(a, 0, p);
}

/* Add what the best `n` points climb to. */
static fr_status climb(const fr_acquisition *a, size_t n, pool *p)
{
    const size_t first = p->n;
    if (a->climb == NULL) return FR_OK;
    for (size_t i = 0; i < n && i < first; i++, p->n++) {
        double *to = p->points + p->n * p->d;
        memcpy(to, p->points + i * p->d, p->d * sizeof *to);
        FR_TRY(a->climb(a->context, to));
    }
    return score_from(a, first, p);
}

/* Add mutations of all points. */
static fr_status breed(const fr_acquisition *a, const fr_ask *ask, fr_rng *rng, double sigma,
                       pool *p)
{
    const size_t parents = p->n;
    for (size_t c = 0; c < parents * CHILDREN; c++, p->n++)
        fr_mutate(ask->space, rng, sigma, p->points + c / CHILDREN * p->d,
                  p->points + p->n * p->d);
    return score_from(a, parents, p);
}

fr_status fr_acquisition_maximise(const fr_acquisition *acquisition, const fr_ask *ask,
                                  const double *incumbents, size_t n_incumbents, double *point)
{
    const size_t d = ask->space->n;
    fr_rng rng =
        fr_rng_make((uint64_t)ask->options->seed, FR_RNG_ACQUISITION, ask->trial, 0, 0);
    pool p;
    double *swap = fr_alloc(d, sizeof *swap);
    fr_status st = make_pool(d, &p);
    if (swap == NULL) st = FR_ERR_MEMORY;
    if (st == FR_OK) st = scatter(acquisition, ask, &rng, incumbents, n_incumbents, &p);
    for (int round = 0; round < ROUNDS && st == FR_OK; round++) {
        select_new(ask, &p, PARENTS, swap);
        if (round == 0) st = climb(acquisition, CLIMBS, &p);
        if (st == FR_OK) st = breed(acquisition, ask, &rng, 0.2 * pow(0.5, round), &p);
    }
    if (st == FR_OK) {
        select_new(ask, &p, 1, swap);
        st = climb(acquisition, 1, &p);
    }
    if (st == FR_OK) {
        select_new(ask, &p, 1, swap);
        memcpy(point, p.points, d * sizeof *point);
    }
    free_pool(&p);
    free(swap);
    return st;
}
