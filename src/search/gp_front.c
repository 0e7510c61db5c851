/* SPDX-License-Identifier: BSD-3-Clause */
/* gp_front.c - Gaussian processes for two objectives: one for each, and the point that is
 * expected to enlarge the dominated area most is tried next.
 *
 * The expectation is exact: cut into strips between the costs of the front, the area is a sum
 * of products of improvements, and the processes are independent (as in Emmerich, Deutz and
 * Klinkenberg, "Hypervolume-based expected improvement", CEC 2011). Costs are on the models'
 * scale, and the front is that of the posterior means, which are not lucky. The area ends a
 * quarter of all that was observed beyond the front: nearer by, a front that is short yet would
 * hardly be made longer (measured on ZDT2 and ZDT3). */
#include "gp_front.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acquire.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "gaussian.h"

enum {
    GOALS = 2,
    OBSERVED_MAX = 400, /* trials in the models: the best half and the newest half */
    LEARNED_MAX = 120,  /* of them, those that length scales are learned from */
    FLYING_MAX = 200,   /* trials in flight that are thought of: the newest */
    INCUMBENTS = 12,    /* members of the front whose neighbours are looked at from the start */
};

static const double BEYOND = 0.25; /* of what was observed: where the area ends */

struct fr_gp_front {
    fr_gaussian *model[GOALS];
};

void fr_gp_front_destroy(fr_gp_front **front)
{
    if (*front == NULL) return;
    for (size_t k = 0; k < GOALS; k++) fr_gaussian_destroy(&(*front)->model[k]);
    free(*front);
    *front = NULL;
}

fr_status fr_gp_front_create(const fr_space *space, fr_gp_front **out)
{
    fr_gp_front *front = fr_alloc(1, sizeof *front);
    *out = NULL;
    if (front == NULL) return FR_ERR_MEMORY;
    fr_status st = FR_OK;
    for (size_t k = 0; k < GOALS && st == FR_OK; k++)
        st = fr_gaussian_create(space, &front->model[k]);
    if (st != FR_OK)
        fr_gp_front_destroy(&front);
    else
        *out = front;
    return st;
}

/* ---- what the models learn from ---- */

typedef struct {
    uint32_t rank;
    size_t trial;
    fr_costs costs;
} entry;

static int by_rank(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    return (x->trial < y->trial) - (x->trial > y->trial);
}

static int by_age(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

static int newest_first(const void *a, const void *b)
{
    return by_age(b, a);
}

/* Complete trials before `end`, in their order. Of more than `most` the best half, by fronts,
 * and of the others the newest. */
static fr_status collect(const fr_ask *ask, size_t end, size_t most, entry *out, size_t *n)
{
    const fr_history *h = ask->history;
    *n = 0;
    for (size_t t = 0; t < end; t++) {
        out[*n].trial = t;
        if (fr_ask_sees(ask, t) && fr_history_costs(h, t, &out[*n].costs)) ++*n;
    }
    if (*n <= most) return FR_OK;
    fr_costs *costs = fr_alloc(*n, sizeof *costs);
    uint32_t *rank = fr_alloc(*n, sizeof *rank);
    fr_status st = costs == NULL || rank == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t i = 0; st == FR_OK && i < *n; i++) costs[i] = out[i].costs;
    if (st == FR_OK) st = fr_pareto_ranks(costs, *n, h->n_goals, rank);
    for (size_t i = 0; st == FR_OK && i < *n; i++) out[i].rank = rank[i];
    free(costs);
    free(rank);
    qsort(out, *n, sizeof *out, by_rank);
    qsort(out + most / 2, *n - most / 2, sizeof *out, newest_first);
    *n = most;
    qsort(out, *n, sizeof *out, by_age);
    return st;
}

/* As in gp.c: length scales are learned anew when the results are more by a part in 32. */
static size_t learning_end(const fr_ask *ask)
{
    const size_t n = ask->options->concurrency > 0 ? ask->visible : ask->history->n;
    const size_t stride = n / 32 + 1;
    return n - n % stride;
}

static void copy_entries(const fr_ask *ask, const entry *entries, size_t n, double *x)
{
    const size_t d = ask->space->n;
    for (size_t i = 0; i < n; i++)
        memcpy(x + i * d, ask->history->trials[entries[i].trial].point, d * sizeof *x);
}

static void copy_costs(const entry *entries, size_t n, size_t goal, double *y)
{
    for (size_t i = 0; i < n; i++) y[i] = entries[i].costs.v[goal];
}

static size_t copy_flying(const fr_ask *ask, double *out)
{
    const size_t d = ask->space->n;
    size_t n = 0;
    for (size_t t = ask->history->n; t-- > 0 && n < FLYING_MAX;) {
        if (fr_ask_sees(ask, t)) continue;
        memcpy(out + n++ * d, ask->history->trials[t].point, d * sizeof *out);
    }
    return n;
}

/* ---- the front on the models' scale ---- */

typedef struct {
    fr_gp_front *s;
    fr_costs *front; /* (n) ascending in the first */
    size_t n;
    fr_costs end; /* of the area */
} target;

static int by_first(const void *a, const void *b)
{
    const double x = ((const fr_costs *)a)->v[0], y = ((const fr_costs *)b)->v[0];
    return (x > y) - (x < y);
}

/* Expected shortfall below `bar` of a normal value. */
static double improvement(double bar, double mean, double sigma)
{
    const double z = (bar - mean) / sigma;
    const double density = 0.3989422804014327 * exp(-0.5 * z * z);
    const double below = 0.5 * erfc(-0.7071067811865476 * z);
    return fmax(sigma * (density + z * below), 0.0);
}

/* A strip ends at the first cost of the next member of the front, and reaches up to the second
 * of the last one. */
static double expected_gain(const target *t, const fr_costs *mean, const fr_costs *sigma)
{
    double sum = 0.0, left = 0.0;
    for (size_t i = 0; i <= t->n; i++) {
        const double edge = i < t->n ? t->front[i].v[0] : t->end.v[0];
        const double height = i > 0 ? t->front[i - 1].v[1] : t->end.v[1];
        const double right = improvement(edge, mean->v[0], sigma->v[0]);
        sum += fmax(right - left, 0.0) * improvement(height, mean->v[1], sigma->v[1]);
        left = right;
    }
    return sum;
}

/* How far a point would have to fall in both costs to be of use. */
static double shortfall(const target *t, const fr_costs *mean)
{
    double least = INFINITY;
    for (size_t i = 0; i <= t->n; i++) {
        const double edge = i < t->n ? t->front[i].v[0] : t->end.v[0];
        const double height = i > 0 ? t->front[i - 1].v[1] : t->end.v[1];
        least = fmin(least, fmax(mean->v[0] - edge, mean->v[1] - height));
    }
    return least;
}

static double value_of(const target *t, const fr_costs *mean, const fr_costs *sigma)
{
    const double gain = expected_gain(t, mean, sigma);
    return gain > 1e-200 ? log(gain) : -1e3 - shortfall(t, mean);
}

/* Posterior means at n points, and standard deviations unless NULL. */
static fr_status predict(const fr_gp_front *s, const double *points, size_t n, fr_costs *mean,
                         fr_costs *sigma)
{
    double *moments = fr_alloc(n, 2 * sizeof *moments);
    fr_status st = moments == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t k = 0; st == FR_OK && k < GOALS; k++) {
        st = fr_gaussian_predict(s->model[k], points, n, moments, moments + n);
        for (size_t i = 0; st == FR_OK && i < n; i++) {
            mean[i].v[k] = moments[i];
            if (sigma != NULL) sigma[i].v[k] = sqrt(moments[n + i]);
        }
    }
    free(moments);
    return st;
}

static fr_status score(void *context, const double *points, size_t n, double *value)
{
    const target *t = context;
    fr_costs *mean = fr_alloc(n, 2 * sizeof *mean);
    if (mean == NULL) return FR_ERR_MEMORY;
    const fr_status st = predict(t->s, points, n, mean, mean + n);
    for (size_t i = 0; st == FR_OK && i < n; i++)
        value[i] = value_of(t, &mean[i], &mean[n + i]);
    free(mean);
    return st;
}

/* The front and the end of the area, from the n observed points x; member[0..t->n) are the
 * rows of those on the front. */
static fr_status find_front(target *t, const double *x, size_t n, size_t *member)
{
    fr_costs *means = fr_alloc(n, sizeof *means), low, high, best, worst;
    uint32_t *rank = fr_alloc(n, sizeof *rank);
    fr_status st = means == NULL || rank == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) st = predict(t->s, x, n, means, NULL);
    if (st == FR_OK) st = fr_pareto_ranks(means, n, GOALS, rank);
    for (size_t i = 0; st == FR_OK && i < n; i++) {
        if (rank[i] != 1) continue;
        member[t->n] = i;
        t->front[t->n++] = means[i];
    }
    if (st == FR_OK) {
        fr_pareto_range(means, n, GOALS, &low, &high);
        fr_pareto_range(t->front, t->n, GOALS, &best, &worst);
        for (size_t k = 0; k < GOALS; k++)
            t->end.v[k] = worst.v[k] + BEYOND * (high.v[k] - low.v[k]);
        qsort(t->front, t->n, sizeof *t->front, by_first);
    }
    free(means);
    free(rank);
    return st;
}

/* Learn, then condition on the *n observed whose points are x: those that were there when it
 * was learned are factored together, as in gp.c. */
static fr_status learn_and_fit(fr_gp_front *s, const fr_ask *ask, entry *entries, double *x,
                               double *y, size_t *n)
{
    const size_t end = learning_end(ask);
    size_t base = 0;
    FR_TRY(collect(ask, end, LEARNED_MAX, entries, n));
    if (*n < 2) FR_TRY(collect(ask, ask->history->n, LEARNED_MAX, entries, n));
    copy_entries(ask, entries, *n, x);
    for (size_t k = 0; k < GOALS; k++) {
        copy_costs(entries, *n, k, y);
        FR_TRY(fr_gaussian_learn(s->model[k], x, y, *n));
    }
    FR_TRY(collect(ask, ask->history->n, OBSERVED_MAX, entries, n));
    while (base < *n && entries[base].trial < end) base++;
    if (base < 2 || *n == OBSERVED_MAX) base = *n;
    copy_entries(ask, entries, *n, x);
    for (size_t k = 0; k < GOALS; k++) {
        copy_costs(entries, *n, k, y);
        FR_TRY(fr_gaussian_fit(s->model[k], x, y, *n, base));
    }
    return FR_OK;
}

/* Members of the front, drawn by lot, as starts of the search. */
static size_t copy_incumbents(const fr_ask *ask, const double *x, size_t *member, size_t n,
                              double *out)
{
    const size_t d = ask->space->n;
    fr_rng rng =
        fr_rng_make((uint64_t)ask->options->seed, FR_RNG_ACQUISITION, ask->trial, 1, 0);
    size_t count = 0;
    for (; count < INCUMBENTS && count < n; count++) {
        const size_t j = count + (size_t)fr_rng_below(&rng, n - count);
        const size_t drawn = member[j];
        member[j] = member[count];
        member[count] = drawn;
        memcpy(out + count * d, x + drawn * d, d * sizeof *out);
    }
    return count;
}

/* Believe in the trials in flight, and find the best point. x (n, space->n) is followed by room
 * for what is in flight and for the incumbents. */
static fr_status maximise(const target *t, const fr_ask *ask, double *x, size_t n,
                          size_t *member, double *point)
{
    double *flying = x + n * ask->space->n, *incumbents = flying + FLYING_MAX * ask->space->n;
    const size_t n_flying = copy_flying(ask, flying);
    const size_t n_incumbents = copy_incumbents(ask, x, member, t->n, incumbents);
    const fr_acquisition acquisition = {.score = score, .context = (void *)(uintptr_t)t};
    for (size_t k = 0; k < GOALS; k++)
        FR_TRY(fr_gaussian_believe(t->s->model[k], flying, n_flying));
    return fr_acquisition_maximise(&acquisition, ask, incumbents, n_incumbents, point);
}

fr_status fr_gp_front_suggest(fr_gp_front *s, const fr_ask *ask, double *point)
{
    const size_t d = ask->space->n, rows = ask->history->n;
    size_t n = 0, *member = fr_alloc(rows, sizeof *member);
    entry *entries = fr_alloc(rows + 1, sizeof *entries);
    double *x = fr_alloc(rows + FLYING_MAX + INCUMBENTS, d * sizeof *x);
    double *y = fr_alloc(rows, sizeof *y);
    target t = {.s = s, .front = fr_alloc(rows, sizeof *t.front)};
    const bool enough = entries != NULL && member != NULL && x != NULL && y != NULL;
    fr_status st = enough && t.front != NULL ? FR_OK : FR_ERR_MEMORY;
    if (st == FR_OK) st = learn_and_fit(s, ask, entries, x, y, &n);
    if (st == FR_OK) st = find_front(&t, x, n, member);
    if (st == FR_OK) st = maximise(&t, ask, x, n, member, point);
    free(entries);
    free(member);
    free(x);
    free(y);
    free(t.front);
    return st;
}
