/* SPDX-License-Identifier: BSD-3-Clause */
/* coordinator.c - which search is next, and a rule for how much a worker gets; the tasks of one
 * search are lane.c's.
 *
 * Workload: from ten trials of minutes to millions of tasks of microseconds, on 1 to 1,000
 * workers; assign and report are O(1) in them but for the suggestion itself and one binary
 * search; with many searches they are O(searches). */
#include "foldrank/coordinator.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "lane.h"

/* Work that one message should carry [s], and the least worth dividing: what a message takes to
 * be noticed by a sleeping main thread. */
static const double batch_seconds = 0.1;
static const double least_seconds = 0.004;

struct fr_coordinator {
    fr_lane *lanes; /* (n_lanes) the searches, by number */
    size_t n_lanes, lanes_capacity;
    size_t n_workers;
    size_t *out;                 /* (n_workers) tasks with each worker */
    int *short_of_work;          /* workers to be asked in the next round, n_short of them */
    bool *is_short;              /* (n_workers) in that list */
    size_t n_short, asked, kept; /* of the round: taken from the list, put back into it */
    bool in_round;
    uint64_t n_out;       /* their sum */
    uint64_t concurrency; /* of pruning */
    double time_left_s;   /* of the clock's budget */
    fr_end time_end;      /* which that is */
    double mean_s;        /* running average of the seconds of a task */
    double epoch_s;       /* the same of an epoch, where tasks have some */
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

static void learn_replayed(fr_coordinator *c, const fr_history *h)
{
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

fr_status fr_coordinator_add(fr_coordinator *c, const fr_coordinator_search *search)
{
    void *block = c->lanes;
    FR_TRY(fr_grow(&block, &c->lanes_capacity, c->n_lanes + 1, sizeof *c->lanes));
    c->lanes = block;
    fr_lane *lane = &c->lanes[c->n_lanes];
    FR_TRY(fr_lane_open(search, (uint32_t)c->n_lanes, lane));
    lane->concurrency = c->concurrency;
    c->n_lanes++;
    learn_replayed(c, search->history);
    return FR_OK;
}

fr_status fr_coordinator_create(fr_search *search, fr_history *history, int n_workers,
                                fr_coordinator_on_trial *on_trial, void *context,
                                fr_coordinator **out)
{
    assert(n_workers > 0);
    *out = NULL;
    fr_coordinator *c = fr_alloc(1, sizeof *c);
    if (c == NULL) return FR_ERR_MEMORY;
    *c = (fr_coordinator){.time_left_s = INFINITY, .n_workers = (size_t)n_workers};
    c->out = fr_alloc(c->n_workers, sizeof *c->out);
    c->short_of_work = fr_alloc(c->n_workers, sizeof *c->short_of_work);
    c->is_short = fr_alloc(c->n_workers, sizeof *c->is_short);
    const fr_coordinator_search first = {
        .search = search, .history = history, .on_trial = on_trial, .context = context};
    if (c->out == NULL || c->short_of_work == NULL || c->is_short == NULL ||
        fr_coordinator_add(c, &first) != FR_OK) {
        fr_coordinator_destroy(&c);
        return FR_ERR_MEMORY;
    }
    for (size_t worker = 0; worker < c->n_workers; worker++) put_on_list(c, worker);
    *out = c;
    return FR_OK;
}

void fr_coordinator_destroy(fr_coordinator **coordinator)
{
    fr_coordinator *c = *coordinator;
    if (c == NULL) return;
    for (size_t i = 0; i < c->n_lanes; i++) fr_lane_clear(&c->lanes[i]);
    free(c->lanes);
    free(c->out);
    free(c->short_of_work);
    free(c->is_short);
    free(c);
    *coordinator = NULL;
}

void fr_coordinator_set_pruning(fr_coordinator *c, uint64_t concurrency)
{
    c->concurrency = concurrency;
    for (size_t i = 0; i < c->n_lanes; i++) c->lanes[i].concurrency = concurrency;
}

void fr_coordinator_set_budget(fr_coordinator *c, fr_budget *budget)
{
    c->lanes[0].own.budget = budget;
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

static bool all_is_done(const fr_coordinator *c)
{
    for (size_t i = 0; i < c->n_lanes; i++)
        if (!fr_lane_is_done(&c->lanes[i])) return false;
    return true;
}

fr_end fr_coordinator_end(const fr_coordinator *c)
{
    return c->time_left_s > 0.0 || all_is_done(c) ? c->lanes[0].end : c->time_end;
}

uint64_t fr_coordinator_visible(const fr_coordinator *c, fr_assignment task)
{
    return fr_history_visible(c->lanes[task.search].own.history, c->concurrency, task.trial);
}

static uint64_t count_ready(const fr_coordinator *c)
{
    uint64_t ready = 0;
    for (size_t i = 0; i < c->n_lanes; i++) ready += fr_lane_ready(&c->lanes[i]);
    return ready;
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

/* The search to go on with, of those beside the first: the one that is least far and has
 * something ready; n_lanes when none has. */
static size_t pick_lane(const fr_coordinator *c)
{
    size_t best = c->n_lanes;
    uint64_t least = UINT64_MAX;
    for (size_t i = 1; i < c->n_lanes; i++) {
        const uint64_t progress = fr_lane_progress(&c->lanes[i]);
        if (progress >= least || fr_lane_ready(&c->lanes[i]) == 0) continue;
        best = i;
        least = progress;
    }
    return best;
}

/* The next task; *found is false when nothing is ready. What seems ready may turn out not to
 * be: a trial that the budget refuses, a search after which nothing comes. */
static fr_status next_task(fr_coordinator *c, fr_assignment *task, bool *found)
{
    FR_TRY(fr_lane_next(&c->lanes[0], task, found));
    if (*found || c->n_lanes == 1) return FR_OK;
    const size_t best = pick_lane(c);
    if (best < c->n_lanes) FR_TRY(fr_lane_next(&c->lanes[best], task, found));
    for (size_t i = 1; i < c->n_lanes && !*found; i++)
        FR_TRY(fr_lane_next(&c->lanes[i], task, found));
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

fr_status fr_coordinator_report(fr_coordinator *c, int worker, fr_fold_result *result)
{
    assert(worker >= 0 && (size_t)worker < c->n_workers);
    const double seconds = result->seconds;
    const uint32_t epochs = result->epochs;
    const bool counts = result->state != FR_TRIAL_INTERRUPTED && result->fold != FR_FOLD_OUTER;
    if (c->out[worker] == 0 || result->search >= c->n_lanes) {
        fr_fold_result_clear(result);
        return FR_FAIL(FR_ERR_ARG, "worker %d reports a task that it was not given", worker);
    }
    FR_TRY(fr_lane_file(&c->lanes[result->search], result));
    if (counts) learn_seconds(c, seconds, epochs);
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
    return all_is_done(c) || (c->time_left_s <= 0.0 && c->n_out == 0);
}

void fr_coordinator_progress(const fr_coordinator *c, uint64_t *done, uint64_t *total)
{
    bool open = false;
    *done = *total = 0;
    for (size_t i = 0; i < c->n_lanes; i++) {
        uint64_t lane_done, lane_total;
        fr_lane_count(&c->lanes[i], &lane_done, &lane_total);
        *done += lane_done;
        *total += lane_total;
        open = open || lane_total == 0;
    }
    if (open) *total = 0;
}
