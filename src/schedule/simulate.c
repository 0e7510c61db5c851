/* SPDX-License-Identifier: BSD-3-Clause */
/* simulate.c - a discrete-event model of a run around the real coordinator.
 *
 * What root computes is computed, and its processor time moves the simulated clock. Modelled
 * are: tasks that only take time; messages with a latency and a bandwidth; the main threads'
 * sleep between two looks at the network (root.c, follower.c), after which a message is
 * noticed; the rule by which a rank sends its results (worker.c); and what MPI and the journal
 * cost root, as constants below. Snapshots of results.h5, for which root may take 2 % of its
 * time, and that rank 0 shares its core with root's main thread, are left out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/clock.h"
#include "foldrank/coordinator.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "foldrank/simulate.h"
#include "heap.h"

/* Root's costs besides what is computed here [s]. */
static const double receive_s = 3e-6, send_s = 2e-6, write_s = 1e-5, sync_s = 5e-3;

/* As in worker.c and in the main threads' loops. */
static const double message_seconds = 0.05, wake_s = 5e-5;
static const double least_sleep_s = 0.0005, most_sleep_s = 0.004;

enum { BATCH = 1024, RESULT_BYTES = 120, TASK_BYTES = 60 };

/* Tasks of a rank in the order of their work: done ones up to `done`, of which `told` are on
 * their way to root or beyond. */
typedef struct {
    fr_assignment *tasks;
    size_t n, capacity, told, done;
    size_t arrived; /* of n: the rank has them */
    double gathered_s;
    double began;  /* the task that runs */
    double looked; /* when its main thread was last busy */
    bool runs;
} sim_rank;

typedef struct {
    const fr_simulation_options *options;
    fr_history *history;
    fr_search *search;
    fr_coordinator *coordinator;
    sim_rank *ranks;
    fr_heap at_ranks, at_root; /* ends of tasks and arriving tasks; arriving results */
    double now;                /* of the event */
    double root_free;          /* when root's turn before ended */
    double busy_s, busy_in_plenty_s;
    double root_s, suggest_s; /* root at work, and in the search */
    double clock_s;           /* that reading the clock twice adds to what is measured */
    double next_sync;
    double queue_sum, wait_sum;
    uint64_t turns;
    bool plenty_over;
    fr_simulation *out;
} simulation;

static double seconds_of(const simulation *s, fr_assignment task)
{
    fr_rng rng = fr_rng_make(1, FR_RNG_NOISE, task.trial, task.fold, 0);
    return s->options->task_s * (1.0 + s->options->spread * (2.0 * fr_rng_uniform(&rng) - 1.0));
}

/* When a main thread that was busy at `busy` and sleeps longer and longer looks again, at
 * `moment` or later. */
static double next_look(double busy, double moment)
{
    double look = busy, sleep_s = least_sleep_s;
    while (look < moment && sleep_s < most_sleep_s) {
        look += sleep_s;
        sleep_s *= 2.0;
    }
    if (look < moment) look += ceil((moment - look) / most_sleep_s) * most_sleep_s;
    return look;
}

static double transport_s(const simulation *s, size_t bytes)
{
    return s->options->latency_s + (double)bytes / s->options->bytes_per_second;
}

/* Processor time of what was computed since `start`. */
static double since(const simulation *s, double start)
{
    return fmax(fr_clock_thread_cpu() - start - s->clock_s, 0.0);
}

/* The least of many readings. */
static double clock_cost(void)
{
    double least = INFINITY;
    for (int i = 0; i < 1000; i++) {
        const double start = fr_clock_thread_cpu();
        least = fmin(least, fr_clock_thread_cpu() - start);
    }
    return least;
}

static fr_status begin_next(simulation *s, size_t rank)
{
    sim_rank *r = &s->ranks[rank];
    r->runs = r->done < r->arrived;
    if (!r->runs) return FR_OK;
    r->began = s->now;
    const double end = s->now + seconds_of(s, r->tasks[r->done]);
    return fr_heap_add(&s->at_ranks, (fr_event){.time = end, .rank = rank, .is_end = true});
}

static fr_status end_task(simulation *s, size_t rank)
{
    sim_rank *r = &s->ranks[rank];
    const double took = seconds_of(s, r->tasks[r->done]);
    const double until = s->plenty_over ? fmin(s->now, s->out->plenty_s) : s->now;
    s->busy_s += took;
    s->busy_in_plenty_s += fmax(until - r->began, 0.0);
    r->gathered_s += took;
    r->done++;
    const size_t results = r->done - r->told, queued = r->arrived - r->done;
    if (r->gathered_s >= message_seconds || queued <= results) {
        const size_t bytes = results * (RESULT_BYTES + 16 * (size_t)s->options->epochs);
        const double sent = s->now + wake_s;
        r->gathered_s = 0;
        r->looked = sent;
        r->told = r->done;
        const double there = sent + (rank == 0 ? 0 : transport_s(s, bytes));
        FR_TRY(fr_heap_add(&s->at_root, (fr_event){there, rank, results, false}));
    }
    return begin_next(s, rank);
}

static fr_status file_results(simulation *s, size_t rank, size_t n)
{
    sim_rank *r = &s->ranks[rank];
    double filed_s = 0;
    for (size_t i = 0; i < n; i++) {
        const fr_assignment task = r->tasks[i];
        fr_rng rng = fr_rng_make(2, FR_RNG_NOISE, task.trial, task.fold, 0);
        fr_fold_result result = {.trial = task.trial,
                                 .fold = task.fold,
                                 .state = FR_TRIAL_COMPLETE,
                                 .score = fr_rng_uniform(&rng),
                                 .seconds = seconds_of(s, task),
                                 .epochs = s->options->epochs};
        const double start = fr_clock_thread_cpu();
        FR_TRY(fr_coordinator_report(s->coordinator, (int)rank, &result));
        filed_s += since(s, start);
    }
    memmove(r->tasks, r->tasks + n, (r->n - n) * sizeof *r->tasks);
    r->n -= n;
    r->done -= n;
    r->told -= n;
    r->arrived -= n;
    s->root_free += filed_s + (rank == 0 ? 0 : receive_s);
    return FR_OK;
}

static fr_status on_trial(void *context, uint64_t trial, const double *point)
{
    (void)context;
    (void)trial;
    (void)point;
    return FR_OK;
}

/* Ask the coordinator for one rank and send what it says. */
static fr_status give(simulation *s, size_t rank)
{
    fr_assignment tasks[BATCH];
    sim_rank *r = &s->ranks[rank];
    size_t n = 0;
    const size_t trials = s->history->n;
    const double start = fr_clock_thread_cpu();
    FR_TRY(fr_coordinator_assign(s->coordinator, (int)rank, tasks, BATCH, &n));
    const double took = since(s, start);
    s->root_free += took;
    if (s->history->n > trials) s->suggest_s += took;
    if (n == 0) return FR_OK;
    void *block = r->tasks;
    FR_TRY(fr_grow(&block, &r->capacity, r->n + n, sizeof *r->tasks));
    r->tasks = block;
    memcpy(r->tasks + r->n, tasks, n * sizeof *tasks);
    r->n += n;
    if (rank == 0) return fr_heap_add(&s->at_ranks, (fr_event){s->root_free, rank, n, false});
    s->root_free += send_s;
    s->out->messages++;
    const double there = s->root_free + transport_s(s, n * TASK_BYTES);
    const double noticed = next_look(r->looked, there);
    return fr_heap_add(&s->at_ranks, (fr_event){noticed, rank, n, false});
}

static void end_plenty(simulation *s)
{
    uint64_t done = 0, total = 0;
    fr_coordinator_progress(s->coordinator, &done, &total);
    uint64_t held = 0;
    for (size_t k = 0; k < s->options->ranks; k++)
        held += fr_coordinator_held(s->coordinator, (int)k);
    if (done + held < total) return;
    s->plenty_over = true;
    s->out->plenty_s = s->root_free;
    s->out->root_share = s->root_s / s->root_free;
    s->out->suggest_share = s->suggest_s / s->root_free;
}

/* Root looks at `look`: takes all that is there, then hands out. */
static fr_status root_turn(simulation *s, double look)
{
    const double begun = fmax(look, s->root_free);
    size_t waiting = 0;
    s->root_free = begun;
    /* What comes while it is at this is taken as well. */
    while (s->at_root.n > 0 && s->at_root.items[0].time <= s->root_free) {
        const fr_event event = fr_heap_take(&s->at_root);
        waiting++;
        s->out->messages += event.rank > 0;
        FR_TRY(file_results(s, event.rank, event.n));
        const double wait = s->root_free - event.time;
        s->wait_sum += wait;
        s->out->wait_most_s = fmax(s->out->wait_most_s, wait);
    }
    int rank = 0;
    while (fr_coordinator_next(s->coordinator, &rank)) FR_TRY(give(s, (size_t)rank));
    s->root_free += write_s;
    if (s->root_free >= s->next_sync) {
        s->root_free += sync_s;
        s->next_sync = s->root_free + 1.0;
    }
    s->turns++;
    s->queue_sum += (double)waiting;
    s->out->queue_most = fmax(s->out->queue_most, (double)waiting);
    s->root_s += s->root_free - begun;
    if (!s->plenty_over) end_plenty(s);
    return FR_OK;
}

static fr_status rank_event(simulation *s)
{
    const fr_event event = fr_heap_take(&s->at_ranks);
    sim_rank *r = &s->ranks[event.rank];
    s->now = event.time;
    if (event.is_end) return end_task(s, event.rank);
    r->arrived += event.n;
    r->looked = s->now;
    return r->runs ? FR_OK : begin_next(s, event.rank);
}

static fr_status run_events(simulation *s)
{
    FR_TRY(root_turn(s, 0.0));
    while (s->at_ranks.n > 0 || s->at_root.n > 0) {
        const double look =
            s->at_root.n > 0 ? next_look(s->root_free, s->at_root.items[0].time) : INFINITY;
        if (s->at_ranks.n > 0 && s->at_ranks.items[0].time <= look)
            FR_TRY(rank_event(s));
        else
            FR_TRY(root_turn(s, look));
    }
    return FR_OK;
}

static fr_status open_simulation(simulation *s)
{
    const fr_simulation_options *o = s->options;
    const fr_study *study = o->study;
    s->ranks = fr_alloc(o->ranks, sizeof *s->ranks);
    if (s->ranks == NULL) return FR_ERR_MEMORY;
    FR_TRY(fr_history_create(&study->space, o->folds, study->maximize, &s->history));
    FR_TRY(fr_search_create(&study->space, &study->search, NULL, 0, &s->search));
    return fr_coordinator_create(s->search, s->history, (int)o->ranks, on_trial, s,
                                 &s->coordinator);
}

fr_status fr_simulate(const fr_simulation_options *options, fr_simulation *out)
{
    simulation s = {.options = options, .out = out, .next_sync = 1.0, .clock_s = clock_cost()};
    *out = (fr_simulation){0};
    fr_status st = open_simulation(&s);
    if (st == FR_OK) st = run_events(&s);
    const double ranks = (double)options->ranks;
    out->tasks = s.history == NULL ? 0 : s.history->n_filed;
    out->wall_s = s.now;
    out->busy_share = s.busy_s / (ranks * s.now);
    out->busy_in_plenty = fmin(s.busy_in_plenty_s / (ranks * out->plenty_s), 1.0);
    out->queue_mean = s.queue_sum / (double)s.turns;
    out->wait_mean_s = s.wait_sum / (double)fmax(s.queue_sum, 1.0);
    for (size_t k = 0; s.ranks != NULL && k < options->ranks; k++) free(s.ranks[k].tasks);
    free(s.ranks);
    free(s.at_ranks.items);
    free(s.at_root.items);
    fr_coordinator_destroy(&s.coordinator);
    fr_search_destroy(&s.search);
    fr_history_destroy(&s.history);
    return st;
}
