/* SPDX-License-Identifier: BSD-3-Clause */
/* gp.c - Bayesian optimisation with a Gaussian process: the point with the largest expected
 * improvement is tried next.
 *
 * The improvement counts from the best posterior mean at an observed point, not from the best
 * observed value, which under noise is mostly luck. Trials in flight are believed to give what
 * the model predicts.
 *
 * All results are in the model, up to `search.observations`. From more than
 * `search.distribute_from` of them on it is made once in a generation, see generation.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "acquire.h"
#include "climb.h"
#include "cost.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "gaussian.h"
#include "generation.h"
#include "gp_front.h"
#include "internal.h"
#include "sobol.h"

enum {
    LEARNED_MAX = 150, /* trials that length scales are learned from: the best half and the
                          newest half */
    FLYING_MAX = 500,  /* trials in flight that are thought of: the newest */
    INCUMBENTS = 5,    /* best trials whose neighbours are looked at from the start */
};

typedef struct {
    fr_sobol *sobol;
    fr_gaussian *model;
    fr_generation *generation;
    fr_view view;       /* of an earlier moment */
    fr_gp_front *front; /* several objectives */
} gp;

static void destroy(void *state)
{
    gp *s = state;
    if (s == NULL) return;
    fr_sobol_destroy(&s->sobol);
    fr_gaussian_destroy(&s->model);
    fr_generation_destroy(&s->generation);
    fr_view_clear(&s->view);
    fr_gp_front_destroy(&s->front);
    free(s);
}

static fr_status create(const fr_space *space, const fr_search_options *options, void **state)
{
    *state = NULL;
    gp *s = fr_alloc(1, sizeof *s);
    if (s == NULL) return FR_ERR_MEMORY;
    fr_status st = fr_sobol_create(space->n, (uint64_t)options->seed, true, &s->sobol);
    if (st == FR_OK) st = fr_gaussian_create(space, &s->model);
    if (st == FR_OK) st = fr_generation_create(space, &s->generation);
    if (st == FR_OK) st = fr_gp_front_create(space, &s->front);
    if (st != FR_OK)
        destroy(s);
    else
        *state = s;
    return st;
}

/* Expected improvement on `bar`. */
typedef struct {
    fr_gaussian *model;
    const fr_space *space;
    double bar;
} improvement;

static fr_status score(void *context, const double *points, size_t n, double *value)
{
    const improvement *on = context;
    double *variance = fr_alloc(n, sizeof *variance);
    if (variance == NULL) return FR_ERR_MEMORY;
    const fr_status st = fr_gaussian_predict(on->model, points, n, value, variance);
    for (size_t i = 0; st == FR_OK && i < n; i++)
        value[i] = fr_log_improvement(on->bar, value[i], variance[i]);
    free(variance);
    return st;
}

static fr_status climb(void *context, double *point)
{
    const improvement *on = context;
    return fr_climb(on->model, on->space, on->bar, point);
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

static int newest_first(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return (x->trial < y->trial) - (x->trial > y->trial);
}

static int oldest_first(const void *a, const void *b)
{
    return newest_first(b, a);
}

static size_t count_observed(const fr_ask *ask, size_t end)
{
    size_t n = 0;
    for (size_t t = 0; t < end; t++) n += fr_ask_has_cost(ask, t);
    return n;
}

/* Observed trials before `end`, best first. Of more than `most` the best half and the newest.
 */
static size_t collect(const fr_ask *ask, size_t end, size_t most, entry *out)
{
    const fr_history *h = ask->history;
    size_t n = 0;
    for (size_t t = 0; t < end; t++) {
        const double cost = fr_ask_sees(ask, t) ? fr_trial_cost(h, t) : (double)NAN;
        if (isfinite(cost)) out[n++] = (entry){.score = cost, .trial = t};
    }
    qsort(out, n, sizeof *out, by_score);
    if (n <= most) return n;
    qsort(out + most / 2, n - most / 2, sizeof *out, newest_first);
    qsort(out + most / 2, most - most / 2, sizeof *out, by_score);
    return most;
}

/* Copies of the points of the trials in flight, at most FLYING_MAX. */
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

static void copy_observed(const fr_ask *ask, const entry *observed, size_t n, double *x,
                          double *y)
{
    const size_t d = ask->space->n;
    for (size_t i = 0; i < n; i++) {
        memcpy(x + i * d, ask->history->trials[observed[i].trial].point, d * sizeof *x);
        y[i] = observed[i].score;
    }
}

/* Trials whose results may be looked at. */
static size_t visible(const fr_ask *ask)
{
    return ask->options->concurrency > 0 ? ask->visible : ask->history->n;
}

/* Results that the model takes. */
static size_t most_observations(const fr_ask *ask)
{
    return ask->options->observations > 0 ? (size_t)ask->options->observations : SIZE_MAX;
}

/* Length scales are learned anew when the results are more by a part in 32, and from the trials
 * before that only: so they follow from the history, whoever has been asked before. */
static size_t learning_end(const fr_ask *ask)
{
    const size_t n = visible(ask), stride = n / 32 + 1;
    return n - n % stride;
}

/* The same question with the scores as they were when the trials before `end` could be looked
 * at: beside those of earlier studies they are on a scale that changes with every result, and
 * what is learned once must not. */
static fr_status ask_as_of(gp *s, const fr_ask *ask, size_t end, fr_ask *out)
{
    *out = *ask;
    if (ask->past == NULL) return FR_OK;
    s->view.past = ask->past;
    FR_TRY(fr_view_update(&s->view, ask->own, end > ask->past->n ? end - ask->past->n : 0));
    out->history = &s->view.history;
    return FR_OK;
}

/* Learn from the trials before `end`; from all when these are too few. */
static fr_status learn(gp *s, const fr_ask *now, size_t end, entry *observed)
{
    const size_t d = now->space->n;
    fr_ask then, *ask = &then;
    FR_TRY(ask_as_of(s, now, end, &then));
    size_t n = collect(ask, end, LEARNED_MAX, observed);
    if (n < 2) n = collect(ask, ask->history->n, LEARNED_MAX, observed);
    double *x = fr_alloc(n * d, sizeof *x), *y = fr_alloc(n, sizeof *y);
    fr_status st = x == NULL || y == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) {
        copy_observed(ask, observed, n, x, y);
        st = fr_gaussian_learn(s->model, x, y, n);
    }
    free(x);
    free(y);
    return st;
}

/* ---- one rank's model ---- */

/* Condition on the n `observed`, best first, which are then in the order of their trials: those
 * that were there when it was learned are factored together, unless some of them are left out
 * of the model now. x (n, d), y (n) are scratch. */
static fr_status fit(const gp *s, const fr_ask *ask, entry *observed, size_t n, double *x,
                     double *y)
{
    const size_t end = learning_end(ask);
    size_t base = 0;
    qsort(observed, n, sizeof *observed, oldest_first);
    while (base < n && observed[base].trial < end) base++;
    if (base < 2 || n == most_observations(ask)) base = n;
    copy_observed(ask, observed, n, x, y);
    return fr_gaussian_fit(s->model, x, y, n, base);
}

static fr_status model_suggest(gp *s, const fr_ask *ask, entry *observed, double *point)
{
    const size_t d = ask->space->n, rows = ask->history->n + FLYING_MAX + INCUMBENTS;
    improvement on = {.model = s->model, .space = ask->space};
    const fr_acquisition acquisition = {
        .score = score, .climb = fr_can_climb(ask->space) ? climb : NULL, .context = &on};
    double *x = fr_alloc(rows, d * sizeof *x), *y = fr_alloc(ask->history->n, sizeof *y);
    fr_status st = x == NULL || y == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) st = learn(s, ask, learning_end(ask), observed);
    if (st != FR_OK) goto out;
    const size_t n = collect(ask, ask->history->n, most_observations(ask), observed);
    const size_t n_incumbents = n < INCUMBENTS ? n : INCUMBENTS;
    double *incumbents = x + n * d, *flying = incumbents + n_incumbents * d;
    copy_observed(ask, observed, n_incumbents, incumbents, y);
    st = fit(s, ask, observed, n, x, y);
    if (st == FR_OK) on.bar = fr_gaussian_least_mean(s->model);
    if (st == FR_OK) st = fr_gaussian_believe(s->model, flying, copy_flying(ask, flying));
    if (st == FR_OK)
        st = fr_acquisition_maximise(&acquisition, ask, incumbents, n_incumbents, point);
out:
    free(x);
    free(y);
    return st;
}

/* ---- all ranks' model ---- */

/* The last trial at which a generation may begin. They are counted from this study's first. */
static size_t generation_start(const fr_ask *ask)
{
    const size_t every = (size_t)ask->options->generation, n = visible(ask);
    const size_t n_past = ask->past != NULL ? ask->past->n : 0;
    return every > 0 ? n - (n - n_past) % every : n;
}

static bool is_large(const fr_ask *ask)
{
    const size_t most = most_observations(ask), from = (size_t)ask->options->distribute_from;
    if (from == 0 || most <= from) return false;
    return count_observed(ask, generation_start(ask)) > from;
}

static fr_status begin_generation(gp *s, const fr_ask *ask, entry *observed)
{
    fr_generation_data data = {.start = generation_start(ask)};
    data.n = collect(ask, data.start, most_observations(ask), observed);
    data.theta = fr_gaussian_theta(s->model);
    size_t *trials = fr_alloc(data.n, sizeof *trials);
    double *scores = fr_alloc(data.n, sizeof *scores);
    fr_status st = trials == NULL || scores == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) {
        for (size_t i = 0; i < data.n; i++) {
            trials[i] = observed[i].trial;
            scores[i] = observed[i].score;
        }
        data.trials = trials;
        data.scores = scores;
        st = fr_generation_begin(s->generation, ask, &data);
    }
    free(trials);
    free(scores);
    return st;
}

static fr_status generation_suggest(gp *s, const fr_ask *now, entry *observed, double *point)
{
    const size_t start = generation_start(now);
    const bool current = fr_generation_is_current(s->generation, now, start);
    fr_ask ask;
    if (!current) FR_TRY(learn(s, now, start, observed));
    FR_TRY(ask_as_of(s, now, start, &ask));
    if (!current) FR_TRY(begin_generation(s, &ask, observed));
    return fr_generation_suggest(s->generation, &ask, point);
}

static fr_status suggest(void *state, const fr_ask *ask, double *point)
{
    gp *s = state;
    const size_t d = ask->space->n, start = d < 4 ? 6 : d > 16 ? 18 : d + 2;
    if (ask->attempt > 0) return fr_sampler_random.suggest(NULL, ask, point);
    entry *observed = fr_alloc(ask->history->n, sizeof *observed);
    if (observed == NULL) return FR_ERR_MEMORY;
    fr_status st = FR_ERR_NUMERIC;
    const bool several = ask->history->n_goals > 1;
    if (!several && is_large(ask))
        st = generation_suggest(s, ask, observed, point);
    else if (count_observed(ask, ask->history->n) >= start)
        st = several ? fr_gp_front_suggest(s->front, ask, point)
                     : model_suggest(s, ask, observed, point);
    free(observed);
    /* Before the start, and where a kernel matrix defies factoring: the next of the design. */
    if (st != FR_ERR_NUMERIC) return st;
    fr_sobol_start(s->sobol, ask->trial - ask->n_enqueued, point);
    fr_space_from_unit(ask->space, point, point);
    return FR_OK;
}

const fr_sampler fr_sampler_gp = {.name = "gp",
                                  .adaptive = true,
                                  .learns_from_past = true,
                                  .most_goals = 2,
                                  .create = create,
                                  .destroy = destroy,
                                  .suggest = suggest};
