/* SPDX-License-Identifier: BSD-3-Clause */
/* generation.c - a list of points, a model of them, and who has been tried since.
 *
 * The points of the model are, in this order: the best trials, whose means set the bar for an
 * improvement; the trials in flight when the generation began; the candidates. A later trial
 * that is none of them - a random point in place of one that had been tried - is left to the
 * next generation. */
#include "generation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "acquire.h"
#include "cost.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "posterior.h"

enum {
    TRACKED = 16,      /* best trials */
    GLOBAL = 512,      /* candidates in the whole space */
    NEIGHBOURS = 1024, /* candidates around the best trials */
    SCALES = 8,        /* of the steps to them, each half the one before */
    EVALUATIONS = 12,  /* of the likelihood with all results */
};
static const double WIDEST = 0.2;

/* Where a trial stands in the model. */
enum { UNKNOWN = 0, OBSERVED, ELSEWHERE, FIRST_POINT };

struct fr_generation {
    const fr_space *space;
    fr_posterior *posterior;
    uint64_t start, serial; /* serial 0: none has begun */
    bool failed;
    double *points; /* (n_points, space->n) */
    size_t n_points, n_tracked, first_candidate;
    size_t *places; /* (capacity) of each trial: above, or FIRST_POINT + its point */
    size_t capacity;
    fr_posterior_news *news; /* (news_capacity) */
    size_t n_news, news_capacity;
};

fr_status fr_generation_create(const fr_space *space, fr_generation **out)
{
    *out = NULL;
    fr_generation *g = fr_alloc(1, sizeof *g);
    if (g == NULL) return FR_ERR_MEMORY;
    g->space = space;
    const fr_status st = fr_posterior_create(space, &g->posterior);
    if (st != FR_OK)
        fr_generation_destroy(&g);
    else
        *out = g;
    return st;
}

void fr_generation_destroy(fr_generation **generation)
{
    fr_generation *g = *generation;
    if (g == NULL) return;
    fr_posterior_destroy(&g->posterior);
    free(g->points);
    free(g->places);
    free(g->news);
    free(g);
    *generation = NULL;
}

bool fr_generation_is_current(const fr_generation *g, const fr_ask *ask, uint64_t start)
{
    return g->serial == ask->seen->serial && g->start == start;
}

static void add_point(fr_generation *g, const double *point)
{
    const size_t d = g->space->n;
    if (d > 0) memcpy(g->points + g->n_points * d, point, d * sizeof *point);
    g->n_points++;
}

/* Trials in flight: those that were suggested before the first one of this generation, known to
 * all who ask, and, where anything may be looked at, those that are running now. */
static bool is_carried(const fr_ask *ask, uint64_t start, size_t trial)
{
    const uint64_t concurrency = (uint64_t)ask->options->concurrency;
    const uint64_t n_past = ask->past != NULL ? ask->past->n : 0;
    if (concurrency == 0) return ask->history->trials[trial].state == FR_TRIAL_PENDING;
    uint64_t first = start == n_past ? 0 : start - n_past + concurrency - 1;
    if (first < ask->n_enqueued) first = ask->n_enqueued;
    return trial >= start && trial < n_past + first;
}

static void draw_candidates(fr_generation *g, const fr_ask *ask)
{
    const size_t d = g->space->n;
    fr_rng rng = fr_rng_make((uint64_t)ask->options->seed, FR_RNG_ACQUISITION, g->start, 1, 0);
    for (size_t c = 0; c < GLOBAL; c++)
        fr_space_draw(g->space, &rng, g->points + g->n_points++ * d);
    for (size_t c = 0; c < NEIGHBOURS; c++) {
        const double sigma = ldexp(WIDEST, -(int)(c / g->n_tracked % SCALES));
        fr_mutate(g->space, &rng, sigma, g->points + c % g->n_tracked * d,
                  g->points + g->n_points++ * d);
    }
}

static fr_status make_points(fr_generation *g, const fr_ask *ask,
                             const fr_generation_data *data)
{
    const fr_history *h = ask->history;
    size_t n_carried = 0;
    for (size_t t = 0; t < h->n; t++) n_carried += is_carried(ask, g->start, t);
    free(g->points);
    g->n_points = 0;
    g->points =
        fr_alloc(TRACKED + n_carried + GLOBAL + NEIGHBOURS, g->space->n * sizeof *g->points);
    if (g->points == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < TRACKED && i < data->n; i++)
        add_point(g, h->trials[data->trials[i]].point);
    g->n_tracked = g->n_points;
    for (size_t t = 0; t < h->n; t++)
        if (is_carried(ask, g->start, t)) add_point(g, h->trials[t].point);
    g->first_candidate = g->n_points;
    draw_candidates(g, ask);
    return FR_OK;
}

/* Room for the places of the trials there are. */
static fr_status reserve_places(fr_generation *g, const fr_history *history)
{
    void *block = g->places;
    FR_TRY(fr_grow(&block, &g->capacity, history->n + 1, sizeof *g->places));
    g->places = block;
    return FR_OK;
}

static fr_status make_posterior(fr_generation *g, const fr_ask *ask,
                                const fr_generation_data *data)
{
    const size_t d = g->space->n;
    double *x = fr_alloc(data->n, d * sizeof *x);
    fr_gram_solver solver;
    fr_status st = x == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) st = ask->open_solver(ask->solver_context, &solver);
    if (st != FR_OK) goto out;
    for (size_t i = 0; i < data->n && d > 0; i++)
        memcpy(x + i * d, ask->history->trials[data->trials[i]].point, d * sizeof *x);
    const fr_posterior_data all = {.x = x,
                                   .y = data->scores,
                                   .n = data->n,
                                   .points = g->points,
                                   .m = g->n_points,
                                   .theta = data->theta,
                                   .evaluations = EVALUATIONS};
    st = fr_posterior_begin(g->posterior, &solver, &all);
    solver.destroy(solver.context);
out:
    free(x);
    return st;
}

fr_status fr_generation_begin(fr_generation *g, const fr_ask *ask,
                              const fr_generation_data *data)
{
    g->serial = 0;
    g->start = data->start;
    g->n_news = 0;
    FR_TRY(reserve_places(g, ask->history));
    memset(g->places, 0, g->capacity * sizeof *g->places);
    for (size_t i = 0; i < data->n; i++) g->places[data->trials[i]] = OBSERVED;
    FR_TRY(make_points(g, ask, data));
    const fr_status st = make_posterior(g, ask, data);
    g->failed = st == FR_ERR_NUMERIC;
    if (st == FR_OK || g->failed) g->serial = ask->seen->serial;
    return st;
}

/* ---- suggestions ---- */

static size_t find_place(const fr_generation *g, const double *point)
{
    const size_t d = g->space->n;
    for (size_t c = g->n_tracked; c < g->n_points; c++)
        if (fr_space_equal(g->space, g->points + c * d, point)) return FIRST_POINT + c;
    return ELSEWHERE;
}

static bool is_flying(const fr_ask *ask, size_t t)
{
    return !fr_ask_sees(ask, t);
}

/* Add what is known of the later trials of one kind, in their order. */
static fr_status add_news(fr_generation *g, const fr_ask *ask,
                          bool (*of_kind)(const fr_ask *, size_t))
{
    const fr_history *h = ask->history;
    const size_t first = ask->options->concurrency == 0 ? 0 : g->start;
    for (size_t t = first; t < h->n; t++) {
        if (!of_kind(ask, t)) continue;
        if (g->places[t] == UNKNOWN) g->places[t] = find_place(g, h->trials[t].point);
        if (g->places[t] < FIRST_POINT) continue;
        void *block = g->news;
        FR_TRY(fr_grow(&block, &g->news_capacity, g->n_news + 1, sizeof *g->news));
        g->news = block;
        g->news[g->n_news] = (fr_posterior_news){.point = g->places[t] - FIRST_POINT};
        g->news[g->n_news].score = is_flying(ask, t) ? (double)NAN : fr_trial_cost(h, t);
        g->n_news++;
    }
    return FR_OK;
}

/* The smallest mean where a result is known. */
static double find_bar(const fr_generation *g)
{
    const double *mean = fr_posterior_mean(g->posterior);
    double bar = INFINITY;
    for (size_t c = 0; c < g->n_tracked; c++) bar = fmin(bar, mean[c]);
    for (size_t k = 0; k < g->n_news; k++)
        if (!isnan(g->news[k].score)) bar = fmin(bar, mean[g->news[k].point]);
    return bar;
}

fr_status fr_generation_suggest(fr_generation *g, const fr_ask *ask, double *point)
{
    const size_t d = g->space->n;
    if (g->failed) return FR_FAIL(FR_ERR_NUMERIC, "this generation has no model");
    FR_TRY(reserve_places(g, ask->history));
    g->n_news = 0;
    FR_TRY(add_news(g, ask, fr_ask_has_cost));
    FR_TRY(add_news(g, ask, is_flying));
    FR_TRY(fr_posterior_condition(g->posterior, g->news, g->n_news));
    const double bar = find_bar(g), *mean = fr_posterior_mean(g->posterior);
    const double *variance = fr_posterior_variance(g->posterior);
    size_t best = g->first_candidate;
    double best_value = -INFINITY;
    for (size_t c = g->first_candidate; c < g->n_points; c++) {
        const double value = fr_log_improvement(bar, mean[c], variance[c]);
        if (!(value > best_value) || !fr_ask_may_try(ask, g->points + c * d)) continue;
        best = c;
        best_value = value;
    }
    if (d > 0) memcpy(point, g->points + best * d, d * sizeof *point);
    return FR_OK;
}
