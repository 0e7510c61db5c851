/* SPDX-License-Identifier: BSD-3-Clause */
/* lane.c - the tasks of one search in order: what was interrupted, the folds of its trials, and
 * when these have settled the task that comes after them. */
#include "lane.h"

#include <stdlib.h>

#include "foldrank/memory.h"

fr_status fr_lane_open(const fr_coordinator_search *search, uint32_t number, fr_lane *lane)
{
    const uint64_t budget = fr_search_trials(search->search);
    *lane = (fr_lane){.own = *search,
                      .number = number,
                      .point = fr_alloc(search->history->space->n, sizeof *lane->point),
                      .n_trials = budget > search->history->n ? budget : search->history->n,
                      .end = fr_search_end(search->search)};
    return lane->point == NULL ? FR_ERR_MEMORY : FR_OK;
}

void fr_lane_clear(fr_lane *lane)
{
    free(lane->point);
    free(lane->returned);
    free(lane->handed);
    *lane = (fr_lane){0};
}

bool fr_lane_trials_are_done(const fr_lane *lane)
{
    return lane->own.history->settled >= lane->n_trials;
}

static bool has_end_to_come(const fr_lane *lane)
{
    return lane->own.on_end != NULL && !lane->ended && fr_lane_trials_are_done(lane);
}

bool fr_lane_is_done(const fr_lane *lane)
{
    if (!fr_lane_trials_are_done(lane)) return false;
    if (lane->own.on_end == NULL) return true;
    return lane->ended && (lane->last_stage == LAST_NONE || lane->last_stage == LAST_FILED);
}

/* Trials that must have settled before `trial` is suggested, as pruning and a target want it.
 */
static uint64_t results_needed(const fr_lane *lane, uint64_t trial)
{
    const fr_budget *budget = lane->own.budget;
    const bool has_target = budget != NULL && fr_budget_has_target(budget);
    const uint64_t concurrency = has_target ? budget->concurrency : lane->concurrency;
    return concurrency == 0 ? 0 : fr_history_visible(lane->own.history, concurrency, trial);
}

static bool may_suggest(const fr_lane *lane, uint64_t trial)
{
    const uint64_t settled = lane->own.history->settled;
    return fr_search_needs(lane->own.search, trial) <= settled &&
           results_needed(lane, trial) <= settled;
}

/* Trials that could be suggested now. What they need grows with the trial number. */
static uint64_t count_suggestible(const fr_lane *lane)
{
    const uint64_t n = lane->own.history->n;
    uint64_t low = n, high = lane->n_trials; /* low .. high-1 are candidates */
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (may_suggest(lane, middle))
            low = middle + 1;
        else
            high = middle;
    }
    return low - n;
}

uint64_t fr_lane_ready(const fr_lane *lane)
{
    const fr_history *history = lane->own.history;
    const uint64_t folds = history->n_folds, all = history->n * folds;
    const uint64_t gone = history->n_filed + lane->n_out;
    const bool after = lane->last_stage == LAST_READY || has_end_to_come(lane);
    return (all > gone ? all - gone : 0) + count_suggestible(lane) * folds + after;
}

uint64_t fr_lane_progress(const fr_lane *lane)
{
    const fr_history *history = lane->own.history;
    return (history->n_filed + lane->n_out) / history->n_folds;
}

/* There will be no further trial. */
static fr_status end_trials(fr_lane *lane, fr_end end)
{
    lane->n_trials = lane->own.history->n;
    lane->end = end;
    if (lane->n_trials > 0 || end == FR_END_SPACE) return FR_OK;
    return FR_FAIL(FR_ERR_USAGE, "stop.%s is less than a single trial may take",
                   fr_end_words[end]);
}

/* Add the next trial to the history; *found is false when none may or can be added. */
static fr_status suggest(fr_lane *lane, bool *found)
{
    const fr_coordinator_search *own = &lane->own;
    const uint64_t trial = own->history->n;
    bool wait = false;
    *found = false;
    if (trial >= lane->n_trials || !may_suggest(lane, trial)) return FR_OK;
    if (!lane->has_point) {
        FR_TRY(fr_search_suggest(own->search, own->history, lane->point, &lane->has_point));
        if (!lane->has_point) return end_trials(lane, FR_END_SPACE);
    }
    const fr_end end = own->budget == NULL
                           ? FR_END_NOT_YET
                           : fr_budget_judge(own->budget, own->history, lane->point, &wait);
    if (end != FR_END_NOT_YET) return end_trials(lane, end);
    if (wait) return FR_OK;
    FR_TRY(own->on_trial(own->context, trial, lane->point));
    FR_TRY(fr_history_add_trial(own->history, lane->point));
    lane->has_point = false;
    *found = true;
    return FR_OK;
}

/* First fold of trial t that is neither handed out nor filed; n_folds when there is none. */
static uint32_t next_fold(fr_lane *lane, size_t t)
{
    const fr_history *history = lane->own.history;
    while (lane->handed[t] < history->n_folds &&
           history->trials[t].folds[lane->handed[t]] != NULL)
        lane->handed[t]++;
    return lane->handed[t];
}

/* The open trial to go on with: the first one; with pruning the one with the lowest fold, of
 * which there are at most `concurrency`. history->n when all folds are handed out. */
static size_t pick_trial(fr_lane *lane)
{
    const size_t n = lane->own.history->n;
    const uint32_t n_folds = lane->own.history->n_folds;
    size_t best = n;
    uint32_t lowest = n_folds;
    while (lane->cursor < n && next_fold(lane, lane->cursor) == n_folds) lane->cursor++;
    for (size_t t = lane->cursor; t < n && lowest > 0; t++) {
        if (next_fold(lane, t) >= lowest) continue;
        best = t;
        lowest = lane->handed[t];
        if (lane->concurrency == 0) break;
    }
    return best;
}

static bool take_returned(fr_lane *lane, fr_assignment *task)
{
    while (lane->n_returned > 0) {
        *task = lane->returned[--lane->n_returned];
        if (lane->own.history->trials[task->trial].folds[task->fold] == NULL) return true;
    }
    return false;
}

/* A fold of a trial, the trial's first one where it has to be suggested for that. */
static fr_status next_fold_task(fr_lane *lane, fr_assignment *task, bool *found)
{
    const fr_history *history = lane->own.history;
    *found = take_returned(lane, task);
    if (*found) return FR_OK;
    void *block = lane->handed;
    FR_TRY(fr_grow(&block, &lane->handed_capacity, history->n + 1, sizeof *lane->handed));
    lane->handed = block;
    size_t trial = pick_trial(lane);
    const bool none = trial == history->n;
    if (none || (lane->concurrency > 0 && lane->handed[trial] > 0)) {
        FR_TRY(suggest(lane, found));
        if (*found) trial = history->n - 1;
        if (!*found && none) return FR_OK;
    }
    *found = true;
    *task = (fr_assignment){.trial = trial, .fold = lane->handed[trial]++};
    return FR_OK;
}

/* What comes after the trials, once. */
static fr_status next_last_task(fr_lane *lane, fr_assignment *task, bool *found)
{
    if (has_end_to_come(lane)) {
        bool wanted = false;
        lane->last = (fr_assignment){.search = lane->number, .fold = FR_FOLD_OUTER};
        FR_TRY(lane->own.on_end(lane->own.context, &lane->last.trial, &wanted));
        lane->ended = true;
        if (wanted) lane->last_stage = LAST_READY;
    }
    *found = lane->last_stage == LAST_READY;
    if (!*found) return FR_OK;
    *task = lane->last;
    lane->last_stage = LAST_OUT;
    return FR_OK;
}

fr_status fr_lane_next(fr_lane *lane, fr_assignment *task, bool *found)
{
    FR_TRY(next_fold_task(lane, task, found));
    if (!*found) return next_last_task(lane, task, found);
    task->search = lane->number;
    lane->n_out++;
    return FR_OK;
}

static fr_status give_back(fr_lane *lane, const fr_fold_result *result)
{
    void *block = lane->returned;
    FR_TRY(fr_grow(&block, &lane->returned_capacity, lane->n_returned + 1,
                   sizeof *lane->returned));
    lane->returned = block;
    lane->returned[lane->n_returned++] =
        (fr_assignment){.search = lane->number, .trial = result->trial, .fold = result->fold};
    return FR_OK;
}

static fr_status file_last(fr_lane *lane, fr_fold_result *result)
{
    const bool again = result->state == FR_TRIAL_INTERRUPTED;
    const bool known = lane->last_stage == LAST_OUT && result->trial == lane->last.trial;
    fr_fold_result_clear(result);
    if (!known) return FR_FAIL(FR_ERR_ARG, "a last task comes back that was not given");
    lane->last_stage = again ? LAST_READY : LAST_FILED;
    return FR_OK;
}

fr_status fr_lane_file(fr_lane *lane, fr_fold_result *result)
{
    if (result->fold == FR_FOLD_OUTER) return file_last(lane, result);
    fr_status st;
    if (result->state == FR_TRIAL_INTERRUPTED) {
        st = give_back(lane, result);
        fr_fold_result_clear(result);
    } else {
        st = fr_history_add_fold(lane->own.history, result);
    }
    if (st == FR_OK) lane->n_out--;
    return st;
}

void fr_lane_count(const fr_lane *lane, uint64_t *done, uint64_t *total)
{
    const fr_history *history = lane->own.history;
    const bool has_last = lane->own.on_end != NULL;
    const bool last_done = has_last && fr_lane_is_done(lane);
    *done = history->n_filed + last_done;
    *total = lane->n_trials < FR_TRIALS_OPEN ? lane->n_trials * history->n_folds + has_last : 0;
}
