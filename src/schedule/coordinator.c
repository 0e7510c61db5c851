/* SPDX-License-Identifier: BSD-3-Clause */
/* coordinator.c - a cursor over trials and folds, and a rule for how much a worker gets.
 *
 * Workload: from ten trials of minutes to millions of tasks of microseconds, on 1 to 1,000
 * workers; assign and report are O(1) but for the suggestion itself and one binary search.
 *
 * Invariant: of the history->n * n_folds tasks of the suggested trials, n_done are filed,
 * n_out are with workers, and the rest lies ahead of the cursor or in `returned`. */
#include "foldrank/coordinator.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"

/* Work that one message should carry [s], and the least worth dividing: what a message takes to
 * be noticed by a sleeping main thread. */
static const double batch_seconds = 0.05;
static const double least_seconds = 0.002;

struct fr_coordinator {
    fr_search *search;
    fr_history *history;
    fr_coordinator_on_trial *on_trial;
    void *context;
    double *point;     /* (space->n) scratch */
    uint64_t n_trials; /* in all; less once the space is exhausted */
    size_t n_workers;
    size_t *out;    /* (n_workers) tasks with each worker */
    uint64_t n_out; /* their sum */
    uint64_t n_done;
    size_t cursor_trial; /* next task to look at */
    uint32_t cursor_fold;
    fr_assignment *returned; /* interrupted tasks, to be handed out before the cursor's */
    size_t n_returned, returned_capacity;
    double mean_s; /* running average of the seconds of a task */
    uint64_t n_timed;
};

static void learn_seconds(fr_coordinator *c, double seconds)
{
    if (!(seconds >= 0.0) || isinf(seconds)) return;
    /* The plain mean at first, then a window of about 64 tasks. */
    c->n_timed += c->n_timed < 64;
    c->mean_s += (seconds - c->mean_s) / (double)c->n_timed;
}

static void count_replayed(fr_coordinator *c)
{
    const fr_history *h = c->history;
    for (size_t t = 0; t < h->n; t++) {
        for (uint32_t f = 0; f < h->n_folds; f++) {
            if (h->trials[t].folds[f] == NULL) continue;
            c->n_done++;
            learn_seconds(c, h->trials[t].folds[f]->seconds);
        }
    }
}

fr_status fr_coordinator_create(fr_search *search, fr_history *history, int n_workers,
                                fr_coordinator_on_trial *on_trial, void *context,
                                fr_coordinator **out)
{
    assert(n_workers > 0);
    *out = NULL;
    fr_coordinator *c = fr_alloc(1, sizeof *c);
    if (c == NULL) return FR_ERR_MEMORY;
    *c = (fr_coordinator){.search = search,
                          .history = history,
                          .on_trial = on_trial,
                          .context = context,
                          .n_workers = (size_t)n_workers};
    c->out = fr_alloc(c->n_workers, sizeof *c->out);
    c->point = fr_alloc(history->space->n, sizeof *c->point);
    if (c->out == NULL || c->point == NULL) {
        fr_coordinator_destroy(&c);
        return FR_ERR_MEMORY;
    }
    const uint64_t budget = fr_search_trials(search);
    c->n_trials = budget > history->n ? budget : history->n;
    count_replayed(c);
    *out = c;
    return FR_OK;
}

void fr_coordinator_destroy(fr_coordinator **coordinator)
{
    fr_coordinator *c = *coordinator;
    if (c == NULL) return;
    free(c->out);
    free(c->point);
    free(c->returned);
    free(c);
    *coordinator = NULL;
}

/* Trials that could be suggested now. fr_search_needs grows with the trial number. */
static uint64_t count_suggestible(const fr_coordinator *c)
{
    uint64_t low = c->history->n, high = c->n_trials; /* low .. high-1 are candidates */
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (fr_search_needs(c->search, middle) <= c->history->settled)
            low = middle + 1;
        else
            high = middle;
    }
    return low - c->history->n;
}

/* Tasks that could be handed out now. */
static uint64_t count_ready(const fr_coordinator *c)
{
    const uint64_t folds = c->history->n_folds;
    return c->history->n * folds - c->n_done - c->n_out + count_suggestible(c) * folds;
}

/* Tasks that make `seconds` of work, between 1 and `limit`. */
static size_t tasks_in(const fr_coordinator *c, double seconds, size_t limit)
{
    if (c->n_timed == 0) return 1;
    const double n = seconds / fmax(c->mean_s, 1e-9);
    if (n >= (double)limit) return limit;
    return n < 1.0 ? 1 : (size_t)n;
}

/* How many tasks `worker` should get now. Each hand-out takes at most half of its even share of
 * what is left (guided self-scheduling: Polychronopoulos and Kuck, IEEE Trans. Comput. C-36,
 * 1987), and when there is less than one task for everybody, only a worker that has none. */
static size_t quota(const fr_coordinator *c, size_t worker, size_t capacity)
{
    const size_t held = c->out[worker];
    const size_t batch = tasks_in(c, batch_seconds, capacity);
    if (held > batch) return 0;
    const size_t least = tasks_in(c, least_seconds, batch);
    const uint64_t ready = count_ready(c);
    if (held > 0 && ready < (uint64_t)least * c->n_workers) return 0;
    uint64_t n = ready / (2 * (uint64_t)c->n_workers);
    if (n < least) n = least;
    if (n > 2 * batch - held) n = 2 * batch - held;
    if (n > ready) n = ready;
    return n > capacity ? capacity : (size_t)n;
}

/* Add the next trial to the history; *found is false when none may or can be added. */
static fr_status suggest(fr_coordinator *c, bool *found)
{
    const uint64_t trial = c->history->n;
    *found = false;
    if (trial >= c->n_trials) return FR_OK;
    if (fr_search_needs(c->search, trial) > c->history->settled) return FR_OK;
    FR_TRY(fr_search_suggest(c->search, c->history, c->point, found));
    if (!*found) {
        c->n_trials = trial;
        return FR_OK;
    }
    FR_TRY(c->on_trial(c->context, trial, c->point));
    return fr_history_add_trial(c->history, c->point);
}

/* The next task in trial-major order; *found is false when nothing is ready. */
static fr_status next_task(fr_coordinator *c, fr_assignment *task, bool *found)
{
    *found = true;
    if (c->n_returned > 0) {
        *task = c->returned[--c->n_returned];
        return FR_OK;
    }
    for (;;) {
        if (c->cursor_trial == c->history->n) {
            FR_TRY(suggest(c, found));
            if (!*found) return FR_OK;
        }
        const fr_trial *trial = &c->history->trials[c->cursor_trial];
        while (c->cursor_fold < c->history->n_folds) {
            const uint32_t fold = c->cursor_fold++;
            if (trial->folds[fold] != NULL) continue;
            *task = (fr_assignment){.trial = c->cursor_trial, .fold = fold};
            return FR_OK;
        }
        c->cursor_trial++;
        c->cursor_fold = 0;
    }
}

fr_status fr_coordinator_assign(fr_coordinator *c, int worker, fr_assignment *tasks,
                                size_t capacity, size_t *n)
{
    assert(worker >= 0 && (size_t)worker < c->n_workers);
    const size_t wanted = quota(c, (size_t)worker, capacity);
    *n = 0;
    while (*n < wanted) {
        bool found = false;
        FR_TRY(next_task(c, &tasks[*n], &found));
        if (!found) break;
        ++*n;
        c->out[worker]++;
        c->n_out++;
    }
    return FR_OK;
}

static fr_status give_back(fr_coordinator *c, const fr_fold_result *result)
{
    void *block = c->returned;
    FR_TRY(fr_grow(&block, &c->returned_capacity, c->n_returned + 1, sizeof *c->returned));
    c->returned = block;
    c->returned[c->n_returned++] =
        (fr_assignment){.trial = result->trial, .fold = result->fold};
    return FR_OK;
}

fr_status fr_coordinator_report(fr_coordinator *c, int worker, fr_fold_result *result)
{
    assert(worker >= 0 && (size_t)worker < c->n_workers);
    fr_status st = FR_OK;
    if (c->out[worker] == 0)
        st = FR_FAIL(FR_ERR_ARG, "worker %d reports a task that it was not given", worker);
    else if (result->state == FR_TRIAL_INTERRUPTED)
        st = give_back(c, result);
    if (st != FR_OK || result->state == FR_TRIAL_INTERRUPTED) {
        fr_fold_result_clear(result);
        if (st != FR_OK) return st;
    } else {
        const double seconds = result->seconds;
        FR_TRY(fr_history_add_fold(c->history, result));
        learn_seconds(c, seconds);
        c->n_done++;
    }
    c->out[worker]--;
    c->n_out--;
    return FR_OK;
}

bool fr_coordinator_done(const fr_coordinator *c)
{
    return c->history->settled >= c->n_trials;
}

void fr_coordinator_progress(const fr_coordinator *c, uint64_t *done, uint64_t *total)
{
    *done = c->n_done;
    *total = c->n_trials * c->history->n_folds;
}
