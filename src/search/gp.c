/* SPDX-License-Identifier: BSD-3-Clause */
/* gp.c - Bayesian optimisation with a Gaussian process: the point with the largest expected
 * improvement is tried next.
 *
 * The improvement counts from the best posterior mean at an observed point, not from the best
 * observed value, which under noise is mostly luck. It is maximised by sampling: many points of
 * the whole space, then mutations of the best of them in ever smaller steps; this treats
 * numbers, choices and branches alike. Trials in flight are believed to give what the model
 * predicts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "gaussian.h"
#include "internal.h"
#include "sobol.h"

enum {
    OBSERVED_MAX = 500, /* trials in the model: the best half and the newest half */
    LEARNED_MAX = 150,  /* of them, those that length scales are learned from */
    GLOBAL = 384,       /* points of the whole space that are looked at */
    PARENTS = 8,
    CHILDREN = 24, /* mutations of each parent in a round */
    ROUNDS = 8,
};

typedef struct {
    fr_sobol *sobol;
    fr_gaussian *model;
} gp;

static void destroy(void *state)
{
    gp *s = state;
    if (s == NULL) return;
    fr_sobol_destroy(&s->sobol);
    fr_gaussian_destroy(&s->model);
    free(s);
}

static fr_status create(const fr_space *space, const fr_search_options *options, void **state)
{
    *state = NULL;
    gp *s = fr_alloc(1, sizeof *s);
    if (s == NULL) return FR_ERR_MEMORY;
    fr_status st = fr_sobol_create(space->n, (uint64_t)options->seed, true, &s->sobol);
    if (st == FR_OK) st = fr_gaussian_create(space, &s->model);
    if (st != FR_OK)
        destroy(s);
    else
        *state = s;
    return st;
}

/* log of phi(z) + z Phi(z); Ament et al., "Unexpected improvements to expected improvement",
 * NeurIPS 2023: where both terms cancel, the asymptotic series. */
static double log_improvement(double z)
{
    const double half_log_2pi = 0.91893853320467274;
    if (z > -5.0) {
        const double density = exp(-0.5 * z * z - half_log_2pi);
        return log(density + z * 0.5 * erfc(-z * 0.70710678118654752));
    }
    const double q = 1.0 / (z * z);
    return -0.5 * z * z - half_log_2pi + log(q) + log1p(-3.0 * q + 15.0 * q * q);
}

/* Points with their acquisition values. */
typedef struct {
    double *points; /* (capacity, d) */
    double *value;  /* (capacity) */
    double *mean, *variance;
    size_t n, d;
} pool;

enum { POOL_MAX = GLOBAL + PARENTS * (1 + CHILDREN) };

static fr_status make_pool(size_t d, pool *p)
{
    *p = (pool){.d = d};
    p->points = fr_alloc(POOL_MAX * (d == 0 ? 1 : d), sizeof(double));
    p->value = fr_alloc(POOL_MAX, 3 * sizeof(double));
    if (p->points == NULL || p->value == NULL) return FR_ERR_MEMORY;
    p->mean = p->value + POOL_MAX;
    p->variance = p->value + 2 * (size_t)POOL_MAX;
    return FR_OK;
}

static void free_pool(pool *p)
{
    free(p->points);
    free(p->value);
}

/* Acquisition values of the points from `first` on. */
static fr_status score(fr_gaussian *model, double bar, pool *p, size_t first)
{
    FR_TRY(fr_gaussian_predict(model, p->points + first * p->d, p->n - first, p->mean + first,
                               p->variance + first));
    for (size_t i = first; i < p->n; i++) {
        const double sigma = sqrt(p->variance[i]);
        p->value[i] = log(sigma) + log_improvement((bar - p->mean[i]) / sigma);
    }
    return FR_OK;
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

/* A neighbour: about two parameters are changed, numbers by a normal step of `sigma`, at least
 * to the next value, choices to any. What becomes active is drawn. */
static void mutate(const fr_space *space, fr_rng *rng, double sigma, const double *from,
                   double *to)
{
    const double share = space->n > 2 ? 2.0 / (double)space->n : 1.0;
    for (size_t j = 0; j < space->n; j++) {
        const fr_param *param = &space->params[j];
        const double chance = fr_rng_uniform(rng), fresh = fr_rng_uniform(rng);
        const double step = sigma * fr_rng_normal(rng);
        to[j] = NAN;
        if (!fr_space_active(space, j, to)) continue;
        to[j] = from[j];
        if (isnan(from[j]) || (param->kind == FR_PARAM_CHOICE && chance < 0.5 * share)) {
            to[j] = fr_param_from_unit(param, fresh);
        } else if (param->kind != FR_PARAM_CHOICE && chance < share) {
            const double cells = fr_space_cardinality(param);
            const double least = isfinite(cells) ? copysign(1.0 / cells, step) : 0.0;
            const double shift = fabs(step) > fabs(least) ? step : least;
            const double unit = fr_param_to_unit(param, from[j]) + shift;
            to[j] = fr_param_from_unit(param, fmin(fmax(unit, 0.0), 1.0));
        }
    }
}

static bool is_new(const fr_ask *ask, const double *point)
{
    return ask->options->repeats || !fr_seen_has(ask->seen, point);
}

/* The best new point there is. */
static fr_status maximise(const gp *s, const fr_ask *ask, double bar, const double *incumbents,
                          size_t n_incumbents, double *point)
{
    const size_t d = ask->space->n;
    fr_rng rng =
        fr_rng_make((uint64_t)ask->options->seed, FR_RNG_ACQUISITION, ask->trial, 0, 0);
    pool p;
    double *swap = fr_alloc(d, sizeof *swap);
    fr_status st = make_pool(d, &p);
    if (swap == NULL) st = FR_ERR_MEMORY;
    if (st != FR_OK) goto out;
    for (; p.n < GLOBAL; p.n++) {
        double *to = p.points + p.n * d;
        const double sigma = p.n % 2 == 0 ? 0.1 : 0.02;
        if (p.n % 4 == 3 && n_incumbents > 0)
            mutate(ask->space, &rng, sigma, incumbents + p.n / 4 % n_incumbents * d, to);
        else
            fr_space_draw(ask->space, &rng, to);
    }
    st = score(s->model, bar, &p, 0);
    for (int round = 0; round < ROUNDS && st == FR_OK; round++) {
        for (size_t i = 0; i < p.n; i++)
            if (!is_new(ask, p.points + i * d)) p.value[i] = -INFINITY;
        select_front(&p, PARENTS, swap);
        const size_t first = p.n, parents = p.n;
        for (size_t c = 0; c < parents * CHILDREN; c++, p.n++)
            mutate(ask->space, &rng, 0.2 * pow(0.5, round), p.points + c / CHILDREN * d,
                   p.points + p.n * d);
        st = score(s->model, bar, &p, first);
    }
    for (size_t i = 0; i < p.n && st == FR_OK; i++)
        if (!is_new(ask, p.points + i * d)) p.value[i] = -INFINITY;
    if (st == FR_OK) {
        select_front(&p, 1, swap);
        memcpy(point, p.points, d * sizeof *point);
    }
out:
    free_pool(&p);
    free(swap);
    return st;
}

/* ---- what the model learns from ---- */

typedef struct {
    double score; /* smaller is better */
    size_t trial;
} entry;

static int by_score(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

static int by_age(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return (x->trial < y->trial) - (x->trial > y->trial);
}

/* Observed trials before `end`, best first. Of more than `most` the best half and the newest.
 */
static size_t collect(const fr_ask *ask, size_t end, size_t most, entry *out)
{
    const fr_history *h = ask->history;
    size_t n = 0;
    for (size_t t = 0; t < end; t++) {
        const fr_trial *trial = &h->trials[t];
        if (!fr_ask_sees(ask, t) || trial->state != FR_TRIAL_COMPLETE) continue;
        if (!isfinite(trial->score_mean)) continue;
        out[n++] =
            (entry){.score = h->maximize ? -trial->score_mean : trial->score_mean, .trial = t};
    }
    qsort(out, n, sizeof *out, by_score);
    if (n <= most) return n;
    qsort(out + most / 2, n - most / 2, sizeof *out, by_age);
    qsort(out + most / 2, most - most / 2, sizeof *out, by_score);
    return most;
}

/* Copies of the points of the trials in flight, at most OBSERVED_MAX. */
static size_t copy_flying(const fr_ask *ask, double *out)
{
    const size_t d = ask->space->n;
    size_t n = 0;
    for (size_t t = ask->history->n; t-- > 0 && n < OBSERVED_MAX;) {
        if (fr_ask_sees(ask, t)) continue;
        memcpy(out + n++ * d, ask->history->trials[t].point, d * sizeof *out);
    }
    return n;
}

static void copy_observed(const fr_ask *ask, const entry *observed, size_t n, double *x,
                          double *y)
{
    const size_t d = ask->space->n;
    for (size_t i = 0; i < n; i++) {
        memcpy(x + i * d, ask->history->trials[observed[i].trial].point, d * sizeof *x);
        y[i] = observed[i].score;
    }
}

/* Length scales are learned anew when the results are more by a part in 32, and from the trials
 * before that only: so they follow from the history, whoever has been asked before. */
static size_t learning_end(const fr_ask *ask)
{
    const size_t n = ask->options->concurrency > 0 ? ask->visible : ask->history->n;
    const size_t stride = n / 32 + 1;
    return n - n % stride;
}

static fr_status model_suggest(const gp *s, const fr_ask *ask, entry *observed, double *point)
{
    const size_t d = ask->space->n;
    double *x = fr_alloc(2 * OBSERVED_MAX * (d == 0 ? 1 : d), sizeof *x);
    double *y = fr_alloc(OBSERVED_MAX, 2 * sizeof *y),
           *mean = y == NULL ? NULL : y + OBSERVED_MAX;
    fr_status st = x == NULL || y == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st != FR_OK) goto out;
    size_t n = collect(ask, learning_end(ask), LEARNED_MAX, observed);
    copy_observed(ask, observed, n, x, y);
    if (n >= 2) st = fr_gaussian_learn(s->model, x, y, n);
    n = collect(ask, ask->history->n, OBSERVED_MAX, observed);
    copy_observed(ask, observed, n, x, y);
    if (st == FR_OK) st = fr_gaussian_fit(s->model, x, y, n);
    if (st == FR_OK) st = fr_gaussian_predict(s->model, x, n, mean, y);
    if (st != FR_OK) goto out;
    double bar = INFINITY;
    for (size_t i = 0; i < n; i++) bar = fmin(bar, mean[i]);
    st = fr_gaussian_believe(s->model, x + n * d, copy_flying(ask, x + n * d));
    if (st == FR_OK) st = maximise(s, ask, bar, x, n < 5 ? n : 5, point);
out:
    free(x);
    free(y);
    return st;
}

static fr_status suggest(void *state, const fr_ask *ask, double *point)
{
    gp *s = state;
    const size_t d = ask->space->n, start = d < 4 ? 6 : d > 16 ? 18 : d + 2;
    if (ask->attempt > 0) return fr_sampler_random.suggest(NULL, ask, point);
    entry *observed = fr_alloc(ask->history->n, sizeof *observed);
    if (observed == NULL) return FR_ERR_MEMORY;
    fr_status st = FR_ERR_NUMERIC;
    if (collect(ask, ask->history->n, start, observed) >= start)
        st = model_suggest(s, ask, observed, point);
    free(observed);
    /* Before the start, and where a kernel matrix defies factoring: the next Sobol point. */
    if (st != FR_ERR_NUMERIC) return st;
    fr_sobol_point(s->sobol, ask->trial - ask->n_enqueued, point);
    fr_space_from_unit(ask->space, point, point);
    return FR_OK;
}

const fr_sampler fr_sampler_gp = {
    .name = "gp", .adaptive = true, .create = create, .destroy = destroy, .suggest = suggest};
