/* SPDX-License-Identifier: BSD-3-Clause */
/* search.c - what all samplers have in common: enqueued points first, no configuration twice, a
 * clean end when the space is used up, and what a suggestion may look at.
 *
 * The grid is here too: the numbered cells of the space, each once, in an order that is
 * shuffled by the seed alone: a budget below its size samples every axis, and one that is
 * raised later goes on where it stopped. */
#include "foldrank/search.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "foldrank/memory.h"
#include "internal.h"
#include "matern.h"

enum {
    DEFAULT_TRIALS = 100,
    /* Draws before the remaining points are looked up, and, where a branch of the space is
     * continuous and they cannot be, before the space is called exhausted. */
    FINITE_ATTEMPTS = 64,
    INFINITE_ATTEMPTS = 10000,
};

static fr_status random_suggest(void *state, const fr_ask *ask, double *point)
{
    (void)state;
    fr_rng rng =
        fr_rng_make((uint64_t)ask->options->seed, FR_RNG_SUGGEST, ask->trial, 0, ask->attempt);
    fr_space_draw(ask->space, &rng, point);
    return FR_OK;
}

const fr_sampler fr_sampler_random = {.name = "random", .suggest = random_suggest};
static const fr_sampler grid = {.name = "grid"};

/* In the order of fr_search_methods. */
static const fr_sampler *const samplers[] = {
    &grid,          &fr_sampler_random, &fr_sampler_sobol, &fr_sampler_tpe,
    &fr_sampler_gp, &fr_sampler_cmaes,  &fr_sampler_auto,  &fr_sampler_nsga2};

bool fr_search_takes(int method, size_t n_goals)
{
    const size_t most = samplers[method]->most_goals;
    return most == 0 || n_goals <= most;
}

struct fr_search {
    const fr_space *space;
    const fr_search_options *options;
    const fr_sampler *sampler;
    void *state;
    double *enqueued; /* (n_enqueued, space->n) */
    size_t n_enqueued;
    uint64_t trials;
    fr_end end; /* what bounds them */
    fr_cells cells;
    fr_seen seen;
    fr_search_open_solver *open_solver;
    void *solver_context;
    fr_view view; /* past is NULL: there is none, or the sampler does not learn from it */
};

static fr_status open_local_solver(void *context, fr_gram_solver *out)
{
    (void)context;
    return fr_gram_solver_local(out);
}

/* Copy the enqueued points, leaving out what was there before. */
static fr_status copy_enqueued(fr_search *search, const double *points, size_t n_points)
{
    const size_t n = search->space->n;
    search->enqueued = fr_alloc(n_points, n * sizeof(double));
    if (search->enqueued == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n_points; i++) {
        const double *point = points + i * n;
        FR_TRY(fr_space_check(search->space, point));
        bool known = false;
        for (size_t k = 0; k < search->n_enqueued && !search->options->repeats; k++)
            known = known || fr_space_equal(search->space, search->enqueued + k * n, point);
        if (known) continue;
        memcpy(search->enqueued + search->n_enqueued * n, point, n * sizeof *point);
        search->n_enqueued++;
    }
    return FR_OK;
}

/* Different points that there are to try; 0: no end. */
static uint64_t count_points(const fr_search *search)
{
    const double size = fr_space_size(search->space);
    if (search->cells.size > 0) return search->cells.size;
    return size < 0x1p62 ? (uint64_t)size : 0;
}

static void count_trials(fr_search *search)
{
    const bool is_grid = search->sampler == &grid;
    uint64_t available = count_points(search);
    for (size_t i = 0; i < search->n_enqueued && is_grid; i++) {
        const double *point = search->enqueued + i * search->space->n;
        if (search->options->repeats || !fr_cells_contain(&search->cells, point)) available++;
    }
    const uint64_t asked = (uint64_t)search->options->trials;
    if (asked > 0)
        search->trials = asked;
    else
        search->trials = is_grid                 ? available
                         : search->options->open ? FR_TRIALS_OPEN
                                                 : DEFAULT_TRIALS;
    search->end = is_grid && asked == 0 ? FR_END_SPACE : FR_END_TRIALS;
    if (available == 0 || search->trials < available || search->options->repeats) return;
    search->trials = available;
    search->end = FR_END_SPACE;
}

fr_status fr_search_create(const fr_space *space, const fr_search_options *options,
                           const double *enqueued, size_t n_enqueued, fr_search **out)
{
    *out = NULL;
    const int n_methods = (int)(sizeof samplers / sizeof *samplers);
    if (options->method < 0 || options->method >= n_methods || options->trials < 0 ||
        options->concurrency < 0 || options->population < 0)
        return FR_FAIL(FR_ERR_ARG,
                       "search: method %d, trials %lld, concurrency %lld, population %lld",
                       options->method, (long long)options->trials,
                       (long long)options->concurrency, (long long)options->population);
    fr_search *search = fr_alloc(1, sizeof *search);
    if (search == NULL) return FR_ERR_MEMORY;
    search->space = space;
    search->options = options;
    search->sampler = samplers[options->method];
    search->open_solver = open_local_solver;
    assert(strcmp(search->sampler->name, fr_search_methods[options->method]) == 0);

    fr_status st = fr_cells_create(space, search->sampler == &grid, &search->cells);
    if (st == FR_OK) st = copy_enqueued(search, enqueued, n_enqueued);
    if (st == FR_OK) count_trials(search);
    if (st == FR_OK && search->sampler->create != NULL)
        st = search->sampler->create(space, options, &search->state);
    if (st != FR_OK)
        fr_search_destroy(&search);
    else
        *out = search;
    return st;
}

void fr_search_destroy(fr_search **search)
{
    fr_search *s = *search;
    if (s == NULL) return;
    if (s->sampler->destroy != NULL) s->sampler->destroy(s->state);
    fr_cells_clear(&s->cells);
    fr_view_clear(&s->view);
    fr_seen_clear(&s->seen);
    free(s->enqueued);
    free(s);
    *search = NULL;
}

void fr_search_set_solver(fr_search *search, fr_search_open_solver *open, void *context)
{
    search->open_solver = open;
    search->solver_context = context;
}

const fr_kernel *const fr_search_kernels[] = {&fr_matern};
const size_t fr_search_kernel_count = sizeof fr_search_kernels / sizeof *fr_search_kernels;

bool fr_search_method_learns(int method)
{
    return samplers[method]->learns_from_past;
}

void fr_search_set_past(fr_search *search, const fr_past *past)
{
    search->view.past = past->n > 0 && search->sampler->learns_from_past ? past : NULL;
}

uint64_t fr_search_trials(const fr_search *search)
{
    return search->trials;
}

fr_end fr_search_end(const fr_search *search)
{
    return search->end;
}

bool fr_search_adaptive(const fr_search *search)
{
    return search->sampler->adaptive;
}

uint64_t fr_search_needs(const fr_search *search, uint64_t trial)
{
    const uint64_t concurrency = (uint64_t)search->options->concurrency;
    if (!search->sampler->adaptive || concurrency == 0) return 0;
    return fr_history_visible(NULL, concurrency, trial);
}

bool fr_ask_sees(const fr_ask *ask, size_t t)
{
    if (ask->options->concurrency > 0 && t >= ask->visible) return false;
    return ask->history->trials[t].state != FR_TRIAL_PENDING;
}

bool fr_ask_has_cost(const fr_ask *ask, size_t t)
{
    return fr_ask_sees(ask, t) && isfinite(fr_trial_cost(ask->history, t));
}

/* The first cell from `start` on, around the end, that is not in the history. At most as many
 * are passed over as the history has points. */
static uint64_t next_cell(const fr_search *search, uint64_t start, double *point, bool *found)
{
    const uint64_t size = search->cells.size;
    uint64_t rank = start;
    *found = false;
    for (uint64_t tried = 0; tried < size && !*found; tried++) {
        rank = start + tried < size ? start + tried : start + tried - size;
        fr_cells_point(&search->cells, rank, point);
        *found = search->options->repeats || !fr_seen_has(&search->seen, point);
    }
    return rank;
}

static uint64_t random_cell(const fr_ask *ask, uint64_t size)
{
    fr_rng rng = fr_rng_make((uint64_t)ask->options->seed, FR_RNG_SUGGEST, ask->trial, 1, 0);
    return fr_rng_below(&rng, size);
}

/* The first cell of the order that is not in the history: the cursor is moved to it. */
static void suggest_cell(fr_search *search, const fr_ask *ask, double *point, bool *found)
{
    const fr_cells *cells = &search->cells;
    const uint64_t seed = (uint64_t)ask->options->seed;
    const bool repeats = ask->options->repeats;
    uint64_t *at = &search->seen.cursor;
    if (repeats) *at = (ask->trial - ask->n_enqueued) % cells->size;
    for (*found = false; !*found && *at < cells->size; *at += !*found) {
        fr_cells_point(cells, fr_cells_shuffled(cells, seed, *at), point);
        *found = repeats || !fr_seen_has(&search->seen, point);
    }
}

static fr_status suggest_new(fr_search *search, fr_ask *ask, double *point, bool *found)
{
    const bool finite = search->cells.size > 0, repeats = search->options->repeats;
    const uint32_t attempts = finite ? FINITE_ATTEMPTS : INFINITE_ATTEMPTS;
    *found = false;
    if (finite && !repeats && search->seen.distinct >= search->cells.size) return FR_OK;
    for (; ask->attempt < attempts && !*found; ask->attempt++) {
        FR_TRY(search->sampler->suggest(search->state, ask, point));
        *found = repeats || !fr_seen_has(&search->seen, point);
    }
    if (!*found && finite)
        next_cell(search, random_cell(ask, search->cells.size), point, found);
    return FR_OK;
}

/* Number of trials, from 0 on, that may be looked at. */
static size_t visible_results(const fr_ask *ask)
{
    return ask->options->concurrency > 0 ? (size_t)ask->visible : ask->history->n;
}

fr_status fr_search_suggest(fr_search *search, const fr_history *history, double *point,
                            bool *found)
{
    const size_t n = search->space->n;
    *found = false;
    FR_TRY(fr_seen_update(&search->seen, history));
    if (history->n < search->n_enqueued) {
        memcpy(point, search->enqueued + history->n * n, n * sizeof *point);
        *found = true;
        return FR_OK;
    }
    fr_ask ask = {.space = search->space,
                  .options = search->options,
                  .history = history,
                  .own = history,
                  .seen = &search->seen,
                  .trial = history->n,
                  .n_enqueued = search->n_enqueued,
                  .visible = fr_search_needs(search, history->n),
                  .open_solver = search->open_solver,
                  .solver_context = search->solver_context};
    if (search->view.past != NULL) {
        FR_TRY(fr_view_update(&search->view, history, visible_results(&ask)));
        ask.history = &search->view.history;
        ask.past = search->view.past;
        ask.visible += search->view.past->n;
    }
    if (search->sampler != &grid) return suggest_new(search, &ask, point, found);
    suggest_cell(search, &ask, point, found);
    return FR_OK;
}
