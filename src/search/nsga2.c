/* SPDX-License-Identifier: BSD-3-Clause */
/* nsga2.c - evolution of a front: NSGA-II (Deb et al., "A fast and elitist multiobjective
 * genetic algorithm: NSGA-II", IEEE Trans. Evol. Comput. 6, 2002) for any number of objectives.
 *
 * Steady state (Durillo et al., "On the effect of the steady-state selection scheme in
 * multi-objective genetic algorithms", EMO 2009): the population takes in one result at a time,
 * in the order of the trials, and gives up its worst member: of the last front the most
 * crowded. So it is a function of the visible results, without generations that would wait for
 * their last trial. A trial is bred from two members, each the better of two drawn: numbers by
 * simulated binary crossover and polynomial mutation on the parameter's own scale, choices from
 * either parent and now and then anew; what only one parent has is inherited from it, what
 * neither has is drawn. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/pareto.h"
#include "foldrank/random.h"
#include "genes.h"
#include "internal.h"
#include "sobol.h"

static const double CROSSOVER = 0.9; /* share of the children that have two parents */

typedef struct {
    fr_sobol *sobol;
    size_t capacity; /* of the population */
    /* The population, of n; one more has room. */
    size_t n, *trial;
    fr_costs *costs;
    uint32_t *rank;
    double *crowding;
    /* Which trials it has taken in: follows from the history alone. */
    unsigned char *taken;
    size_t taken_capacity;
    size_t first;    /* all trials before it are taken in */
    uint64_t serial; /* of the index that the history had */
} nsga2;

static void destroy(void *state)
{
    nsga2 *s = state;
    if (s == NULL) return;
    fr_sobol_destroy(&s->sobol);
    free(s->trial);
    free(s->costs);
    free(s->rank);
    free(s->crowding);
    free(s->taken);
    free(s);
}

static fr_status create(const fr_space *space, const fr_search_options *options, void **state)
{
    *state = NULL;
    nsga2 *s = fr_alloc(1, sizeof *s);
    if (s == NULL) return FR_ERR_MEMORY;
    const size_t n = s->capacity = options->population < 2 ? 2 : (size_t)options->population;
    s->trial = fr_alloc(n + 1, sizeof *s->trial);
    s->costs = fr_alloc(n + 1, sizeof *s->costs);
    s->rank = fr_alloc(n + 1, sizeof *s->rank);
    s->crowding = fr_alloc(n + 1, 3 * sizeof *s->crowding);
    fr_status st =
        s->trial == NULL || s->costs == NULL || s->rank == NULL || s->crowding == NULL
            ? FR_ERR_MEMORY
            : fr_sobol_create(space->n, (uint64_t)options->seed, true, &s->sobol);
    if (st != FR_OK)
        destroy(s);
    else
        *state = s;
    return st;
}

/* Ranks of all members, and within each front their crowding distances. */
static fr_status judge(nsga2 *s, size_t d)
{
    FR_TRY(fr_pareto_ranks(s->costs, s->n, d, s->rank));
    double *distance = s->crowding + s->capacity + 1;
    size_t done = 0;
    fr_costs *front = fr_alloc(s->n, sizeof *front);
    if (front == NULL) return FR_ERR_MEMORY;
    fr_status st = FR_OK;
    for (uint32_t rank = 1; st == FR_OK && done < s->n; rank++) {
        size_t n = 0, next = 0;
        for (size_t i = 0; i < s->n; i++)
            if (s->rank[i] == rank) front[n++] = s->costs[i];
        st = fr_pareto_crowding(front, n, d, distance);
        for (size_t i = 0; st == FR_OK && i < s->n; i++)
            if (s->rank[i] == rank) s->crowding[i] = distance[next++];
        done += n;
    }
    free(front);
    return st;
}

/* Member a is the better one; of equals the older. */
static bool is_better(const nsga2 *s, size_t a, size_t b)
{
    if (s->rank[a] != s->rank[b]) return s->rank[a] < s->rank[b];
    if (s->crowding[a] != s->crowding[b]) return s->crowding[a] > s->crowding[b];
    return s->trial[a] < s->trial[b];
}

static fr_status take_in(nsga2 *s, const fr_ask *ask, size_t trial)
{
    fr_costs costs;
    if (!fr_history_costs(ask->history, trial, &costs)) return FR_OK;
    s->trial[s->n] = trial;
    s->costs[s->n++] = costs;
    FR_TRY(judge(s, ask->history->n_goals));
    if (s->n <= s->capacity) return FR_OK;
    size_t worst = 0;
    for (size_t i = 1; i < s->n; i++)
        if (is_better(s, worst, i)) worst = i;
    s->n--;
    for (size_t i = worst; i < s->n; i++) {
        s->trial[i] = s->trial[i + 1];
        s->costs[i] = s->costs[i + 1];
    }
    return judge(s, ask->history->n_goals);
}

static fr_status update(nsga2 *s, const fr_ask *ask)
{
    void *block = s->taken;
    FR_TRY(fr_grow(&block, &s->taken_capacity, ask->history->n, sizeof *s->taken));
    s->taken = block;
    if (s->serial != ask->seen->serial) {
        s->serial = ask->seen->serial;
        s->n = s->first = 0;
        if (s->taken_capacity > 0) memset(s->taken, 0, s->taken_capacity);
    }
    for (size_t t = s->first; t < ask->history->n; t++) {
        if (!s->taken[t] && fr_ask_sees(ask, t)) {
            FR_TRY(take_in(s, ask, t));
            s->taken[t] = 1;
        }
        if (t == s->first && s->taken[t]) s->first++;
    }
    return FR_OK;
}

static size_t tournament(const nsga2 *s, fr_rng *rng)
{
    const size_t a = (size_t)fr_rng_below(rng, s->n), b = (size_t)fr_rng_below(rng, s->n);
    return is_better(s, a, b) ? a : b;
}

/* A gene from two parents, at least one of which has it. */
static double inherit(const fr_param *param, fr_rng *rng, double a, double b, bool crosses)
{
    const bool mixes = fr_rng_uniform(rng) < 0.5;
    if (isnan(a)) return b;
    if (isnan(b) || !crosses || !mixes) return a;
    if (param->kind == FR_PARAM_CHOICE) return b;
    const double x = fr_gene_cross(rng, fr_param_to_unit(param, a), fr_param_to_unit(param, b));
    return fr_param_from_unit(param, x);
}

/* Another value: a choice any other; a number a step away, at least to the next value. */
static double mutate(const fr_param *param, fr_rng *rng, double value)
{
    const double values = fr_space_cardinality(param);
    if (values <= 1.0) return value;
    if (param->kind == FR_PARAM_CHOICE) {
        const uint64_t other = fr_rng_below(rng, (uint64_t)values - 1);
        return (double)(other >= (uint64_t)value ? other + 1 : other);
    }
    const double x = fr_param_to_unit(param, value), moved = fr_gene_shift(rng, x);
    const double result = fr_param_from_unit(param, moved);
    if (result != value || isinf(values)) return result;
    const double step = copysign(1.0 / values, moved - x);
    return fr_param_from_unit(param, x + step < 0.0 || x + step > 1.0 ? x - step : x + step);
}

static void breed(const nsga2 *s, const fr_ask *ask, double *point)
{
    const fr_space *space = ask->space;
    fr_rng rng =
        fr_rng_make((uint64_t)ask->options->seed, FR_RNG_SUGGEST, ask->trial, 2, ask->attempt);
    const fr_trial *trials = ask->history->trials;
    const double *a = trials[s->trial[tournament(s, &rng)]].point;
    const double *b = trials[s->trial[tournament(s, &rng)]].point;
    const bool crosses = fr_rng_uniform(&rng) < CROSSOVER;
    for (size_t j = 0; j < space->n; j++) {
        const fr_param *param = &space->params[j];
        const bool mutates = fr_rng_uniform(&rng) * (double)space->n < 1.0;
        point[j] = NAN;
        if (!fr_space_active(space, j, point)) continue;
        if (isnan(a[j]) && isnan(b[j])) {
            point[j] = fr_param_from_unit(param, fr_rng_uniform(&rng));
            continue;
        }
        point[j] = inherit(param, &rng, a[j], b[j], crosses);
        if (mutates) point[j] = mutate(param, &rng, point[j]);
    }
}

static fr_status suggest(void *state, const fr_ask *ask, double *point)
{
    nsga2 *s = state;
    FR_TRY(update(s, ask));
    if (s->n == s->capacity) {
        breed(s, ask, point);
    } else if (ask->attempt > 0) {
        return fr_sampler_random.suggest(NULL, ask, point);
    } else {
        fr_sobol_point(s->sobol, ask->trial - ask->n_enqueued, point);
        fr_space_from_unit(ask->space, point, point);
    }
    return FR_OK;
}

const fr_sampler fr_sampler_nsga2 = {.name = "nsga2",
                                     .adaptive = true,
                                     .create = create,
                                     .destroy = destroy,
                                     .suggest = suggest};
