/* SPDX-License-Identifier: BSD-3-Clause */
/* coordinator.c - a cursor over trials and folds, and a rule for how much a worker gets.
 *
 * Workload: from ten trials of minutes to millions of tasks of microseconds, on 1 to 1,000
 * workers; assign and report are O(1) but for the suggestion itself and one binary search.
 *
 * Invariant: of the history->n * n_folds tasks of the suggested trials, history->n_filed are
 * filed, n_out are with workers (a cancelled one counts in both until it comes back), and the
 * rest lies ahead of `handed` or in `returned`. */
#include "foldrank/coordinator.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"

/* Work that one message should carry [s], and the least worth dividing: what a message takes to
 * be noticed by a sleeping main thread. */
static const double batch_seconds = 0.1;
static const double least_seconds = 0.004;

struct fr_coordinator {
    fr_search *search;
    fr_history *history;
    fr_coordinator_on_trial *on_trial;
    void *context;
    double *point;     /* (space->n) of the next trial, when has_point */
    bool has_point;    /* it is suggested and waits for the budget's word */
    uint64_t n_trials; /* in all; less once the space is exhausted */
    size_t n_workers;
    size_t *out;                 /* (n_workers) tasks with each worker */
    int *short_of_work;          /* workers to be asked in the next round, n_short of them */
    bool *is_short;              /* (n_workers) in that list */
    size_t n_short, asked, kept; /* of the round: taken from the list, put back into it */
    bool in_round;
    uint64_t n_out;       /* their sum */
    uint64_t concurrency; /* of pruning: trials in flight; 0 = without pruning, or any number */
    fr_budget *budget;    /* NULL: none */
    fr_end end;           /* what bounds the number of trials */
    double time_left_s;   /* of the clock's budget */
    fr_end time_end;      /* which that is */
    uint32_t *handed; /* (capacity) folds of each trial that were handed out or passed over */
    size_t handed_capacity;
    size_t cursor;           /* trials before it have all their folds handed out */
    fr_assignment *returned; /* interrupted tasks, to be handed out before the cursor's */
    size_t n_returned, returned_capacity;
    double mean_s;  /* running average of the seconds of a task */
    double epoch_s; /* the same of an epoch, where tasks have some */
    uint64_t n_timed;
};

static void learn_seconds(fr_coordinator *c, double seconds, uint32_t epochs)
{
    if (!(seconds >= 0.0) || isinf(seconds)) return;
    /* The plain mean at first, then a window of about 64 tasks. */
    c->n_timed += c->n_timed < 64;
    c->mean_s += (seconds - c->mean_s) / (double)c->n_timed;
    c->epoch_s += (seconds / (epochs > 0 ? epochs : 1) - c->epoch_s) / (double)c->n_timed;
}

static void learn_replayed(fr_coordinator *c)
{
    const fr_history *h = c->history;
    for (size_t t = 0; t < h->n; t++) {
        for (uint32_t f = 0; f < h->n_folds; f++) {
            const fr_fold_result *fold = h->trials[t].folds[f];
            if (fold == NULL || fold->state == FR_TRIAL_CANCELLED) continue;
            learn_seconds(c, fold->seconds, fold->epochs);
        }
    }
}

/* In a round the front of the list is used up before anything is put there. */
static void put_on_list(fr_coordinator *c, size_t worker)
{
    if (c->is_short[worker]) return;
    c->is_short[worker] = true;
    c->short_of_work[c->in_round ? c->kept++ : c->n_short++] = (int)worker;
}

bool fr_coordinator_next(fr_coordinator *c, int *worker)
{
    if (!c->in_round) c->asked = c->kept = 0;
    c->in_round = c->asked < c->n_short;
    if (!c->in_round) {
        c->n_short = c->kept;
        return false;
    }
    *worker = c->short_of_work[c->asked++];
    c->is_short[*worker] = false;
    return true;
}

void fr_coordinator_ask_again(fr_coordinator *c, int worker)
{
    put_on_list(c, (size_t)worker);
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
                          .end = fr_search_end(search),
                          .time_left_s = INFINITY,
                          .n_workers = (size_t)n_workers};
    c->out = fr_alloc(c->n_workers, sizeof *c->out);
    c->short_of_work = fr_alloc(c->n_workers, sizeof *c->short_of_work);
    c->is_short = fr_alloc(c->n_workers, sizeof *c->is_short);
    c->point = fr_alloc(history->space->n, sizeof *c->point);
    if (c->out == NULL || c->short_of_work == NULL || c->is_short == NULL || c->point == NULL) {
        fr_coordinator_destroy(&c);
        return FR_ERR_MEMORY;
    }
    for (size_t worker = 0; worker < c->n_workers; worker++) put_on_list(c, worker);
    const uint64_t budget = fr_search_trials(search);
    c->n_trials = budget > history->n ? budget : history->n;
    learn_replayed(c);
    *out = c;
    return FR_OK;
}

void fr_coordinator_destroy(fr_coordinator **coordinator)
{
    fr_coordinator *c = *coordinator;
    if (c == NULL) return;
    free(c->out);
    free(c->short_of_work);
    free(c->is_short);
    free(c->point);
    free(c->returned);
    free(c->handed);
    free(c);
    *coordinator = NULL;
}

void fr_coordinator_set_pruning(fr_coordinator *c, uint64_t concurrency)
{
    c->concurrency = concurrency;
}

void fr_coordinator_set_budget(fr_coordinator *c, fr_budget *budget)
{
    c->budget = budget;
}

void fr_coordinator_set_time_left(fr_coordinator *c, double seconds, fr_end end)
{
    c->time_left_s = seconds;
    c->time_end = end;
}

double fr_coordinator_time_left(const fr_coordinator *c)
{
    return c->time_left_s;
}

static bool trials_are_done(const fr_coordinator *c)
{
    return c->history->settled >= c->n_trials;
}

fr_end fr_coordinator_end(const fr_coordinator *c)
{
    return c->time_left_s > 0.0 || trials_are_done(c) ? c->end : c->time_end;
}

/* Trials that must have settled before `trial` is suggested, as pruning and a target want it.
 */
static uint64_t results_needed(const fr_coordinator *c, uint64_t trial)
{
    const bool has_target = c->budget != NULL && fr_budget_has_target(c->budget);
    const uint64_t concurrency = has_target ? c->budget->concurrency : c->concurrency;
    return concurrency == 0 ? 0 : fr_history_visible(c->history, concurrency, trial);
}

uint64_t fr_coordinator_visible(const fr_coordinator *c, uint64_t trial)
{
    return fr_history_visible(c->history, c->concurrency, trial);
}

static bool may_suggest(const fr_coordinator *c, uint64_t trial)
{
    return fr_search_needs(c->search, trial) <= c->history->settled &&
           results_needed(c, trial) <= c->history->settled;
}

/* Trials that could be suggested now. What they need grows with the trial number. */
static uint64_t count_suggestible(const fr_coordinator *c)
{
    uint64_t low = c->history->n, high = c->n_trials; /* low .. high-1 are candidates */
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (may_suggest(c, middle))
            low = middle + 1;
        else
            high = middle;
    }
    return low - c->history->n;
}

/* Tasks that could be handed out now; fewer while cancelled ones are with workers. */
static uint64_t count_ready(const fr_coordinator *c)
{
    const uint64_t folds = c->history->n_folds, all = c->history->n * folds;
    const uint64_t gone = c->history->n_filed + c->n_out;
    return (all > gone ? all - gone : 0) + count_suggestible(c) * folds;
}

/* Tasks that make `seconds` of work, between 1 and `limit`. */
static size_t tasks_in(const fr_coordinator *c, double seconds, size_t limit)
{
    if (c->n_timed == 0) return 1;
    const double n = seconds / fmax(c->mean_s, 1e-9);
    if (n >= (double)limit) return limit;
    return n < 1.0 ? 1 : (size_t)n;
}

/* How many tasks `worker` should get now: filled up to two batches when it is down to one. A
 * batch of tasks that take less than a quarter second has at least two, or a run of short ones
 * among longer ones would empty the reserve before a message is back. Towards the end a worker
 * holds at most half its even share of what is left (guided self-scheduling: Polychronopoulos
 * and Kuck, IEEE Trans. Comput. C-36, 1987), and of the last tasks only one that has none. */
static size_t quota(const fr_coordinator *c, size_t worker, size_t capacity)
{
    const size_t held = c->out[worker];
    if (c->time_left_s <= 0.0 || (held > 0 && c->time_left_s < c->mean_s)) return 0;
    size_t batch = tasks_in(c, batch_seconds, capacity);
    if (batch == 1 && c->n_timed > 0 && c->mean_s < 5.0 * batch_seconds) batch = 2;
    if (held > batch) return 0;
    const uint64_t ready = count_ready(c);
    const uint64_t share = ready / (2 * (uint64_t)c->n_workers);
    const size_t least = tasks_in(c, least_seconds, batch);
    size_t target = 2 * batch;
    if (target > share) target = share > least ? (size_t)share : least;
    if (held > target / 2) return 0;
    size_t n = target - held;
    if (n > ready) n = (size_t)ready;
    return n > capacity ? capacity : n;
}

/* There will be no further trial. */
static fr_status end_trials(fr_coordinator *c, fr_end end)
{
    c->n_trials = c->history->n;
    c->end = end;
    if (c->n_trials > 0 || end == FR_END_SPACE) return FR_OK;
    return FR_FAIL(FR_ERR_USAGE, "stop.%s is less than a single trial may take",
                   fr_end_words[end]);
}

/* Add the next trial to the history; *found is false when none may or can be added. */
static fr_status suggest(fr_coordinator *c, bool *found)
{
    const uint64_t trial = c->history->n;
    bool wait = false;
    *found = false;
    if (trial >= c->n_trials) return FR_OK;
    if (!may_suggest(c, trial)) return FR_OK;
    if (!c->has_point) {
        FR_TRY(fr_search_suggest(c->search, c->history, c->point, &c->has_point));
        if (!c->has_point) return end_trials(c, FR_END_SPACE);
    }
    const fr_end end = c->budget == NULL
                           ? FR_END_NOT_YET
                           : fr_budget_judge(c->budget, c->history, c->point, &wait);
    if (end != FR_END_NOT_YET) return end_trials(c, end);
    if (wait) return FR_OK;
    FR_TRY(c->on_trial(c->context, trial, c->point));
    FR_TRY(fr_history_add_trial(c->history, c->point));
    c->has_point = false;
    *found = true;
    return FR_OK;
}

/* First fold of trial t that is neither handed out nor filed; n_folds when there is none. */
static uint32_t next_fold(fr_coordinator *c, size_t t)
{
    while (c->handed[t] < c->history->n_folds &&
           c->history->trials[t].folds[c->handed[t]] != NULL)
        c->handed[t]++;
    return c->handed[t];
}

/* The open trial to go on with: the first one; with pruning the one with the lowest fold, of
 * which there are at most `concurrency`. history->n when all folds are handed out. */
static size_t pick_trial(fr_coordinator *c)
{
    const uint32_t n_folds = c->history->n_folds;
    size_t best = c->history->n;
    uint32_t lowest = n_folds;
    while (c->cursor < c->history->n && next_fold(c, c->cursor) == n_folds) c->cursor++;
    for (size_t t = c->cursor; t < c->history->n && lowest > 0; t++) {
        if (next_fold(c, t) >= lowest) continue;
        best = t;
        lowest = c->handed[t];
        if (c->concurrency == 0) break;
    }
    return best;
}

static bool take_returned(fr_coordinator *c, fr_assignment *task)
{
    while (c->n_returned > 0) {
        *task = c->returned[--c->n_returned];
        if (c->history->trials[task->trial].folds[task->fold] == NULL) return true;
    }
    return false;
}

/* The next task; *found is false when nothing is ready. */
static fr_status next_task(fr_coordinator *c, fr_assignment *task, bool *found)
{
    *found = take_returned(c, task);
    if (*found) return FR_OK;
    void *block = c->handed;
    FR_TRY(fr_grow(&block, &c->handed_capacity, c->history->n + 1, sizeof *c->handed));
    c->handed = block;
    size_t trial = pick_trial(c);
    const bool none = trial == c->history->n;
    if (none || (c->concurrency > 0 && c->handed[trial] > 0)) {
        FR_TRY(suggest(c, found));
        if (*found) trial = c->history->n - 1;
        if (!*found && none) return FR_OK;
    }
    *found = true;
    *task = (fr_assignment){.trial = trial, .fold = c->handed[trial]++};
    return FR_OK;
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
    /* It has a reserve, or will ask for one when it reports; else whatever gives others work
     * may give it some, too. */
    if (*n == 0 && c->out[worker] < 2) put_on_list(c, (size_t)worker);
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
        const uint32_t epochs = result->epochs;
        FR_TRY(fr_history_add_fold(c->history, result));
        learn_seconds(c, seconds, epochs);
    }
    c->out[worker]--;
    c->n_out--;
    put_on_list(c, (size_t)worker);
    return FR_OK;
}

size_t fr_coordinator_held(const fr_coordinator *c, int worker)
{
    assert(worker >= 0 && (size_t)worker < c->n_workers);
    return c->out[worker];
}

bool fr_coordinator_idle(const fr_coordinator *c)
{
    return c->n_out == 0;
}

double fr_coordinator_seconds(const fr_coordinator *c, bool of_epoch)
{
    return of_epoch ? c->epoch_s : c->mean_s;
}

bool fr_coordinator_done(const fr_coordinator *c)
{
    return trials_are_done(c) || (c->time_left_s <= 0.0 && c->n_out == 0);
}

void fr_coordinator_progress(const fr_coordinator *c, uint64_t *done, uint64_t *total)
{
    *done = c->history->n_filed;
    *total = c->n_trials < FR_TRIALS_OPEN ? c->n_trials * c->history->n_folds : 0;
}
