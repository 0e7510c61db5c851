/* SPDX-License-Identifier: BSD-3-Clause */
/* cmaes.c - covariance matrix adaptation evolution strategy over a mixed, conditional space.
 *
 * Numbers come from a normal distribution (evolution.h), choices from probabilities of their
 * values (chances.h). What is inactive is drawn all the same and does not matter, so it drifts
 * without harm. The first distribution lies around the centre of the space, or is fitted to the
 * best of the trials before it: those that are enqueued, or that another sampler has suggested.
 *
 * A generation is the next `population` trials in their order. A trial comes from the newest
 * distribution whose generations may be seen when it is due, and waits for none: with many
 * trials in flight a generation holds some that were drawn from an older one, and they count
 * with shortened steps. So does a trial that came from elsewhere. */
#include "cmaes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chances.h"
#include "cost.h"
#include "evolution.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "restart.h"

enum { ATTEMPTS = 64 };

/* Standard deviations in unit coordinates: around the centre; around the best trials, beside
 * their own; around a random place. */
static const double AROUND_CENTRE = 0.15, AROUND_BEST = 0.1, AROUND_ANY = 0.25;
static const double GOOD_SHARE =
    0.1; /* of the trials that the first distribution is fitted to */

#define FOREIGN SIZE_MAX /* origin of a latent vector that no distribution has given */

typedef struct {
    const fr_space *space;
    fr_evolution *numbers;
    fr_chances *choices;
    size_t *slot;   /* (space->n): number among the numbers or choices; SIZE_MAX: one value */
    uint64_t start; /* results before the first distribution */
    double *unit;   /* (numbers->n) work space */

    /* What follows from trials 0 .. next-1 and their results. */
    uint64_t serial; /* of the index of points that it belongs to */
    bool running;
    uint64_t next;
    uint64_t begin; /* first trial of the generation that is being collected */
    double *latent; /* (next - begin, numbers->n) */
    size_t *origin; /* (next - begin): number of the generation drawn from, or FOREIGN */
    size_t latent_capacity, origin_capacity;
    fr_restart restart;
} cmaes;

/* ---- making ---- */

static void destroy(void *state)
{
    cmaes *s = state;
    if (s == NULL) return;
    fr_evolution_destroy(&s->numbers);
    fr_chances_destroy(&s->choices);
    fr_restart_clear(&s->restart);
    free(s->slot);
    free(s->unit);
    free(s->latent);
    free(s->origin);
    free(s);
}

/* Sort the parameters into numbers and choices; those with one value are neither. */
static fr_status make_distributions(cmaes *s)
{
    const fr_space *space = s->space;
    size_t n_numbers = 0, n_choices = 0;
    const fr_param **number = fr_alloc(space->n, sizeof *number);
    size_t *values = fr_alloc(space->n, sizeof *values);
    s->slot = fr_alloc(space->n, sizeof *s->slot);
    fr_status st = number == NULL || values == NULL || s->slot == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t j = 0; j < space->n && st == FR_OK; j++) {
        const fr_param *param = &space->params[j];
        s->slot[j] = SIZE_MAX;
        if (fr_space_cardinality(param) < 2.0) continue;
        if (param->kind == FR_PARAM_CHOICE) {
            values[n_choices] = param->n_choices;
            s->slot[j] = n_choices++;
        } else {
            number[n_numbers] = param;
            s->slot[j] = n_numbers++;
        }
    }
    if (st == FR_OK) st = fr_evolution_create(number, n_numbers, &s->numbers);
    if (st == FR_OK) st = fr_chances_create(values, n_choices, &s->choices);
    if (st == FR_OK) s->unit = fr_alloc(n_numbers, sizeof *s->unit);
    if (st == FR_OK && s->unit == NULL) st = FR_ERR_MEMORY;
    free(number);
    free(values);
    return st;
}

fr_status fr_cmaes_create(const fr_space *space, uint64_t start, void **state)
{
    *state = NULL;
    cmaes *s = fr_alloc(1, sizeof *s);
    if (s == NULL) return FR_ERR_MEMORY;
    s->space = space;
    s->start = start;
    const fr_status st = make_distributions(s);
    if (st != FR_OK)
        destroy(s);
    else
        *state = s;
    return st;
}

static fr_status create(const fr_space *space, const fr_search_options *options, void **state)
{
    (void)options;
    return fr_cmaes_create(space, 0, state);
}

/* ---- points and latent vectors ---- */

static bool is_choice(const cmaes *s, size_t j)
{
    return s->space->params[j].kind == FR_PARAM_CHOICE;
}

/* Draw trial t. Later attempts reach farther, to points that have not been tried. */
static void draw(cmaes *s, const fr_ask *ask, uint64_t t, uint32_t attempt, double *latent,
                 double *point)
{
    fr_rng rng = fr_rng_make((uint64_t)ask->options->seed, FR_RNG_SUGGEST, t, 2, attempt);
    fr_evolution_draw(s->numbers, &rng, 1.0 + 0.1 * attempt, latent);
    fr_evolution_place(s->numbers, latent, s->unit);
    for (size_t j = 0; j < s->space->n; j++) {
        const fr_param *param = &s->space->params[j];
        const size_t slot = s->slot[j];
        if (slot == SIZE_MAX)
            point[j] = fr_param_from_unit(param, 0.5);
        else if (is_choice(s, j))
            point[j] = (double)fr_chances_draw(s->choices, slot, &rng);
        else
            point[j] = fr_param_from_unit(param, s->unit[slot]);
        if (!fr_space_active(s->space, j, point)) point[j] = NAN;
    }
}

/* The latent vector of a trial that is in the history: the draw that gave its point, or the
 * point itself when none did, with the first draw's values where it is inactive. */
static fr_status remember(cmaes *s, const fr_ask *ask, uint64_t t)
{
    const size_t n = s->numbers->n, row = (size_t)(t - s->begin), d = s->space->n;
    const double *point = ask->own->trials[t].point;
    void *block = s->latent;
    FR_TRY(fr_grow(&block, &s->latent_capacity, (row + 1) * n, sizeof *s->latent));
    s->latent = block;
    block = s->origin;
    FR_TRY(fr_grow(&block, &s->origin_capacity, row + 1, sizeof *s->origin));
    s->origin = block;
    double *drawn = fr_alloc(d, sizeof *drawn), *latent = s->latent + row * n;
    if (drawn == NULL) return FR_ERR_MEMORY;
    const uint32_t attempts = ask->options->repeats || t < ask->n_enqueued ? 1 : ATTEMPTS;
    uint32_t attempt = 0;
    bool found = false;
    for (; attempt < attempts && !found; attempt++) {
        draw(s, ask, t, attempt, latent, drawn);
        found = fr_space_equal(s->space, drawn, point);
    }
    s->origin[row] = found && attempt == 1 ? s->numbers->generations : FOREIGN;
    if (!found) draw(s, ask, t, 0, latent, drawn);
    for (size_t j = 0; j < d && !found; j++)
        if (s->slot[j] != SIZE_MAX && !is_choice(s, j) && !isnan(point[j]))
            latent[s->slot[j]] = fr_param_to_unit(&s->space->params[j], point[j]);
    free(drawn);
    return FR_OK;
}

/* ---- what generations are learned from ---- */

/* Where a trial stands: by its cost, then those that were stopped with nothing to compare with,
 * by how far they had come, then those that failed. */
typedef struct {
    int rank;
    double score; /* smaller is better */
    uint64_t trial;
} standing;

static standing stand(const fr_history *h, uint64_t t)
{
    const fr_trial *trial = &h->trials[t];
    const double cost = fr_trial_cost(h, t);
    if (isfinite(cost)) return (standing){0, cost, t};
    if (trial->state != FR_TRIAL_PRUNED) return (standing){2, 0.0, t};
    double epochs = 0.0;
    for (uint32_t f = 0; f < h->n_folds; f++)
        if (trial->folds[f] != NULL) epochs += trial->folds[f]->epochs;
    return (standing){1, -epochs, t};
}

static int by_standing(const void *a, const void *b)
{
    const standing *x = a, *y = b;
    if (x->rank != y->rank) return x->rank - y->rank;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

/* Trials [from, from + n), best first; NULL without memory. */
static standing *order(const fr_history *h, uint64_t from, size_t n)
{
    standing *list = fr_alloc(n, sizeof *list);
    for (size_t i = 0; list != NULL && i < n; i++) list[i] = stand(h, from + i);
    if (list != NULL) qsort(list, n, sizeof *list, by_standing);
    return list;
}

/* Values of the choices of the best `n` trials of a list, (n, choices->n). */
static void copy_choices(const cmaes *s, const fr_history *h, const standing *list, size_t n,
                         double *out)
{
    for (size_t j = 0; j < s->space->n; j++)
        if (s->slot[j] != SIZE_MAX && is_choice(s, j))
            for (size_t i = 0; i < n; i++)
                out[i * s->choices->n + s->slot[j]] = h->trials[list[i].trial].point[j];
}

/* Unit coordinates of the numbers of the best `n` trials of a list, (n, numbers->n). */
static void copy_numbers(const cmaes *s, const fr_history *h, const standing *list, size_t n,
                         double *out)
{
    for (size_t j = 0; j < s->space->n; j++)
        if (s->slot[j] != SIZE_MAX && !is_choice(s, j))
            for (size_t i = 0; i < n; i++)
                out[i * s->numbers->n + s->slot[j]] =
                    fr_param_to_unit(&s->space->params[j], h->trials[list[i].trial].point[j]);
}

/* One generation: the trials from s->begin on. *over: the run has nothing left to find. */
static fr_status learn(cmaes *s, const fr_history *h, bool *over)
{
    const size_t n = s->numbers->n, population = s->numbers->population;
    const size_t parents = s->numbers->parents;
    standing *list = order(h, s->begin, population);
    double *x = fr_alloc(population * (n + 1), sizeof *x), *scores = x + population * n;
    double *values = fr_alloc(parents * s->choices->n, sizeof *values);
    bool *foreign = fr_alloc(population, sizeof *foreign);
    fr_status st = FR_OK;
    if (list == NULL || x == NULL || values == NULL || foreign == NULL) {
        st = FR_ERR_MEMORY;
        goto out;
    }
    for (size_t i = 0; i < population; i++) {
        const size_t row = (size_t)(list[i].trial - s->begin);
        memcpy(x + i * n, s->latent + row * n, n * sizeof *x);
        foreign[i] = s->origin[row] != s->numbers->generations;
        scores[i] = list[i].rank == 0 ? list[i].score : INFINITY;
    }
    copy_choices(s, h, list, parents, values);
    fr_chances_update(s->choices, s->numbers->weight, values, parents);
    st = fr_evolution_update(s->numbers, x, foreign);
    const bool stuck = fr_restart_due(&s->restart, scores);
    *over = stuck || st == FR_ERR_NUMERIC || fr_evolution_converged(s->numbers);
    if (st == FR_ERR_NUMERIC) st = FR_OK;
    const size_t left = (size_t)(s->next - s->begin) - population;
    memmove(s->latent, s->latent + population * n, left * n * sizeof *s->latent);
    memmove(s->origin, s->origin + population, left * sizeof *s->origin);
    s->begin += population;
out:
    free(list);
    free(x);
    free(values);
    free(foreign);
    return st;
}

/* ---- the first distribution of a run ---- */

/* Mean and covariance of the rows x, (rows, n); where a coordinate is NaN it says nothing.
 * After Nomura, Watanabe, Akimoto, Ozaki and Onishi, "Warm starting CMA-ES for hyperparameter
 * optimization", AAAI 2021. */
static void fit_normal(double *x, size_t rows, size_t n, double spread, double *mean,
                       double *covariance)
{
    for (size_t j = 0; j < n; j++) {
        double sum = 0.0, count = 0.0;
        for (size_t i = 0; i < rows; i++) {
            if (isnan(x[i * n + j])) continue;
            sum += x[i * n + j];
            count += 1.0;
        }
        mean[j] = count > 0.0 ? sum / count : 0.5;
        for (size_t i = 0; i < rows; i++)
            x[i * n + j] = isnan(x[i * n + j]) ? 0.0 : x[i * n + j] - mean[j];
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < n; k++) {
            double sum = j == k ? spread * spread : 0.0;
            for (size_t i = 0; i < rows; i++) sum += x[i * n + j] * x[i * n + k] / (double)rows;
            covariance[j * n + k] = sum;
        }
    }
}

/* Shares of the values among the rows, one more counted for each. */
static void fit_chances(const fr_chances *c, const double *values, size_t rows, double *chance)
{
    for (size_t i = 0; i < c->n; i++) {
        double *of = chance + c->first[i], sum = 0.0;
        for (size_t v = 0; v < c->values[i]; v++) of[v] = 1.0;
        for (size_t k = 0; k < rows; k++)
            if (!isnan(values[k * c->n + i])) of[(size_t)values[k * c->n + i]] += 1.0;
        for (size_t v = 0; v < c->values[i]; v++) sum += of[v];
        for (size_t v = 0; v < c->values[i]; v++) of[v] /= sum;
    }
}

/* The first run begins around the best of the trials before `end`, or in the centre. */
static fr_status begin_first(cmaes *s, const fr_history *h, uint64_t end)
{
    const size_t n = s->numbers->n, m = s->choices->n;
    const size_t rows = (size_t)ceil(GOOD_SHARE * (double)end);
    standing *list = order(h, 0, (size_t)end);
    double *x = fr_alloc((rows + n + 1) * n, sizeof *x);
    double *values = fr_alloc(rows * m + s->choices->total, sizeof *values);
    fr_status st = FR_ERR_MEMORY;
    if (list == NULL || x == NULL || values == NULL) goto out;
    double *mean = x + rows * n, *covariance = mean + n, *chance = values + rows * m;
    copy_numbers(s, h, list, rows, x);
    copy_choices(s, h, list, rows, values);
    fit_normal(x, rows, n, rows > 0 ? AROUND_BEST : AROUND_CENTRE, mean, covariance);
    fit_chances(s->choices, values, rows, chance);
    st = fr_restart_begin(&s->restart, n + m);
    if (st == FR_OK)
        st = fr_evolution_start(s->numbers, s->restart.population, mean, 1.0, covariance);
    fr_chances_start(s->choices, chance);
out:
    free(list);
    free(x);
    free(values);
    return st;
}

/* The next run begins anywhere. */
static fr_status begin_next(cmaes *s, const fr_ask *ask, uint64_t trial)
{
    fr_rng rng = fr_rng_make((uint64_t)ask->options->seed, FR_RNG_SUGGEST, trial, 3, 0);
    FR_TRY(fr_restart_next(&s->restart, &rng));
    for (size_t j = 0; j < s->numbers->n; j++) s->unit[j] = fr_rng_uniform(&rng);
    fr_chances_start(s->choices, NULL);
    return fr_evolution_start(s->numbers, s->restart.population, s->unit,
                              AROUND_ANY * s->restart.narrowing, NULL);
}

/* ---- replay ---- */

/* Trials whose results trial t may look at. */
static uint64_t visible_at(const fr_ask *ask, uint64_t t)
{
    return fr_history_visible(ask->own, (uint64_t)ask->options->concurrency, t);
}

/* Bring the distribution to where it is for trial t, which is s->next: every generation that
 * may be seen has been learned from. */
static fr_status advance(cmaes *s, const fr_ask *ask, uint64_t t)
{
    const uint64_t visible = visible_at(ask, t);
    if (!s->running) {
        if (t < ask->n_enqueued || visible < s->start) return FR_OK;
        FR_TRY(begin_first(s, ask->own, visible));
        s->running = true;
        s->begin = t;
    }
    while (s->begin + s->numbers->population <= visible) {
        bool over = false;
        FR_TRY(learn(s, ask->own, &over));
        if (!over) continue;
        FR_TRY(begin_next(s, ask, t));
        s->begin = t;
    }
    return FR_OK;
}

/* Take in the trials that are new since the last call. */
static fr_status replay(cmaes *s, const fr_ask *ask)
{
    if (s->serial != ask->seen->serial) {
        s->running = false;
        s->next = 0;
    }
    s->serial = ask->seen->serial;
    for (; s->next < ask->trial; s->next++) {
        FR_TRY(advance(s, ask, s->next));
        if (s->running) FR_TRY(remember(s, ask, s->next));
    }
    return advance(s, ask, ask->trial);
}

bool fr_cmaes_is_due(const void *state, const fr_ask *ask)
{
    const cmaes *s = state;
    return visible_at(ask, ask->trial) >= s->start;
}

static fr_status suggest(void *state, const fr_ask *ask, double *point)
{
    cmaes *s = state;
    if (ask->attempt > 0) return fr_sampler_random.suggest(NULL, ask, point);
    FR_TRY(replay(s, ask));
    double *latent = fr_alloc(s->numbers->n, sizeof *latent);
    if (latent == NULL) return FR_ERR_MEMORY;
    const uint32_t attempts = ask->options->repeats ? 1 : ATTEMPTS;
    bool found = false;
    for (uint32_t attempt = 0; attempt < attempts && !found; attempt++) {
        draw(s, ask, ask->trial, attempt, latent, point);
        found = !fr_seen_has(ask->seen, point);
    }
    free(latent);
    return FR_OK;
}

const fr_sampler fr_sampler_cmaes = {.name = "cmaes",
                                     .adaptive = true,
                                     .most_goals = 1,
                                     .create = create,
                                     .destroy = destroy,
                                     .suggest = suggest};
