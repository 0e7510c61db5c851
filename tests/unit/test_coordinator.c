/* SPDX-License-Identifier: BSD-3-Clause */
/* test_coordinator.c - who gets what, with a search of known demands and simulated workers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "foldrank/coordinator.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"

/* A sampler that suggests the trial's number and needs trial - L + 1 settled trials, taking the
 * place of the library's. */
struct fr_search {
    uint64_t trials, window; /* window 0: not adaptive */
    uint64_t exhausted_at;
    bool too_early; /* it was asked before its needs were met */
};

uint64_t fr_search_trials(const fr_search *search)
{
    return search->trials;
}

fr_end fr_search_end(const fr_search *search)
{
    (void)search;
    return FR_END_TRIALS;
}

uint64_t fr_search_needs(const fr_search *search, uint64_t trial)
{
    if (search->window == 0 || trial < search->window) return 0;
    return trial - search->window + 1;
}

fr_status fr_search_suggest(fr_search *search, const fr_history *history, double *point,
                            bool *found)
{
    if (fr_search_needs(search, history->n) > history->settled) search->too_early = true;
    *found = history->n < search->exhausted_at;
    *point = (double)history->n;
    return FR_OK;
}

typedef struct {
    fr_space space;
    fr_search search;
    fr_history *history;
    fr_coordinator *coordinator;
    size_t announced; /* calls of on_trial */
} fixture;

static fr_status on_trial(void *context, uint64_t trial, const double *point)
{
    fixture *f = context;
    assert_int_equal(trial, f->announced);
    assert_true(*point == (double)trial);
    f->announced++;
    return FR_OK;
}

static void open_history(fixture *f, uint64_t trials, uint64_t window, uint32_t folds)
{
    *f = (fixture){.search = {.trials = trials, .window = window, .exhausted_at = UINT64_MAX}};
    fr_param param = {.name = fr_strdup("x"), .kind = FR_PARAM_FLOAT, .low = 0, .high = 1e9};
    assert_int_equal(fr_space_add(&f->space, param), FR_OK);
    assert_int_equal(fr_history_create(&f->space, folds, true, &f->history), FR_OK);
}

static void open_coordinator(fixture *f, int workers)
{
    f->announced = f->history->n;
    assert_int_equal(
        fr_coordinator_create(&f->search, f->history, workers, on_trial, f, &f->coordinator),
        FR_OK);
}

static void close_all(fixture *f)
{
    fr_coordinator_destroy(&f->coordinator);
    fr_history_destroy(&f->history);
    fr_space_clear(&f->space);
}

static fr_fold_result result_of(fr_assignment task, double seconds)
{
    return (fr_fold_result){.trial = task.trial,
                            .fold = task.fold,
                            .state = FR_TRIAL_COMPLETE,
                            .score = 0.5,
                            .seconds = seconds};
}

static void report(fixture *f, int worker, fr_assignment task, double seconds)
{
    fr_fold_result result = result_of(task, seconds);
    assert_int_equal(fr_coordinator_report(f->coordinator, worker, &result), FR_OK);
}

static size_t assign(fixture *f, int worker, fr_assignment *tasks, size_t capacity)
{
    size_t n = 0;
    assert_int_equal(fr_coordinator_assign(f->coordinator, worker, tasks, capacity, &n), FR_OK);
    assert_true(n <= capacity);
    return n;
}

/* Simulated workers: each has a queue; one task ends at a time, in order of its end. */
enum { CAPACITY = 256, MAX_WORKERS = 8, MAX_QUEUE = 4 * CAPACITY };

typedef struct {
    fr_assignment queue[MAX_QUEUE];
    size_t first, n;
    double now, busy; /* its clock: when the task before ended; time spent in tasks */
} sim_worker;

typedef double sim_seconds(fr_assignment task);

static double alike(fr_assignment task)
{
    (void)task;
    return 0.2;
}

static double short_ones(fr_assignment task)
{
    return 1e-4 * (1.0 + (double)(task.trial % 7));
}

static double very_different(fr_assignment task)
{
    fr_rng rng = fr_rng_make(5, FR_RNG_NOISE, task.trial, task.fold, 0);
    return 0.01 * exp(3.0 * fr_rng_uniform(&rng));
}

static void feed(fixture *f, sim_worker *workers, int n_workers, double now)
{
    fr_assignment tasks[CAPACITY];
    for (int w = 0; w < n_workers; w++) {
        sim_worker *sim = &workers[w];
        const size_t n = assign(f, w, tasks, CAPACITY);
        if (sim->n == 0 && n > 0 && sim->now < now) sim->now = now;
        for (size_t i = 0; i < n; i++)
            sim->queue[(sim->first + sim->n++) % MAX_QUEUE] = tasks[i];
        assert_true(sim->n < MAX_QUEUE);
    }
}

/* Run to the end; every task comes exactly once. Returns the share of the time that the workers
 * were busy. */
static double simulate(fixture *f, int n_workers, sim_seconds *seconds)
{
    sim_worker *workers = calloc((size_t)n_workers, sizeof *workers);
    assert_non_null(workers);
    double end = 0.0, busy = 0.0;
    feed(f, workers, n_workers, 0.0);
    while (!fr_coordinator_done(f->coordinator)) {
        int next = -1;
        double at = INFINITY;
        for (int w = 0; w < n_workers; w++) {
            if (workers[w].n == 0) continue;
            const double ends =
                workers[w].now + seconds(workers[w].queue[workers[w].first % MAX_QUEUE]);
            if (ends < at) {
                at = ends;
                next = w;
            }
        }
        assert_true(next >= 0); /* somebody always has work until it is done */
        sim_worker *sim = &workers[next];
        const fr_assignment task = sim->queue[sim->first++ % MAX_QUEUE];
        sim->n--;
        sim->now = end = at;
        sim->busy += seconds(task);
        report(f, next, task, seconds(task));
        feed(f, workers, n_workers, at);
    }
    for (int w = 0; w < n_workers; w++) {
        assert_int_equal(workers[w].n, 0);
        busy += workers[w].busy;
    }
    free(workers);
    return busy / (end * n_workers);
}

static void check_finished(const fixture *f, uint64_t trials)
{
    uint64_t done = 0, total = 0;
    fr_coordinator_progress(f->coordinator, &done, &total);
    assert_int_equal(done, total);
    assert_int_equal(total, trials * f->history->n_folds);
    assert_int_equal(f->history->n, trials);
    assert_int_equal(f->history->settled, trials);
    assert_false(f->search.too_early);
    for (size_t t = 0; t < f->history->n; t++)
        assert_true(f->history->trials[t].point[0] == (double)t);
}

static void tasks_are_trial_major(void **state)
{
    (void)state;
    fixture f;
    open_history(&f, 3, 0, 2);
    open_coordinator(&f, 1);
    fr_assignment task;
    for (uint64_t i = 0; i < 6; i++) {
        assert_int_equal(assign(&f, 0, &task, 1), 1);
        assert_int_equal(task.trial, i / 2);
        assert_int_equal(task.fold, i % 2);
        assert_int_equal(f.announced, i / 2 + 1);
        report(&f, 0, task, 1.0);
    }
    assert_int_equal(assign(&f, 0, &task, 1), 0);
    check_finished(&f, 3);
    close_all(&f);
}

static void everything_is_done_once_and_workers_are_busy(void **state)
{
    (void)state;
    static const struct {
        uint64_t trials, window;
        uint32_t folds;
        int workers;
        sim_seconds *seconds;
        double busy; /* at least */
    } cases[] = {
        {64, 0, 5, 2, alike, 0.99},
        {64, 0, 5, 3, alike, 0.99},
        {64, 0, 5, 2, very_different, 0.98},
        {64, 0, 5, 7, very_different, 0.93},
        {200, 16, 5, 8, very_different, 0.93},
        {4000, 0, 1, 2, short_ones, 0.98},
        {4001, 0, 5, 5, short_ones, 0.98},
        {50, 1, 1, 3, alike, 0.33},
        {7, 2, 3, 5, alike, 0.5},
        {1, 0, 1, 8, alike, 0.1},
        {2, 0, 3, 8, alike, 0.7},
        {0, 0, 5, 2, alike, NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;
        open_history(&f, cases[i].trials, cases[i].window, cases[i].folds);
        open_coordinator(&f, cases[i].workers);
        const double busy = simulate(&f, cases[i].workers, cases[i].seconds);
        check_finished(&f, cases[i].trials);
        if (busy < cases[i].busy)
            fail_msg("case %zu: busy %.3f of the time, %.3f wanted", i, busy, cases[i].busy);
        close_all(&f);
    }
}

/* With long tasks a worker holds one in reserve, but not when others have none at all. */
static void a_reserve_of_one_batch(void **state)
{
    (void)state;
    fixture f;
    fr_assignment tasks[16];
    open_history(&f, 100, 0, 1);
    open_coordinator(&f, 2);
    assert_int_equal(assign(&f, 0, tasks, 16), 2);
    assert_int_equal(assign(&f, 0, tasks + 2, 16), 0);
    report(&f, 0, tasks[0], 3.0);
    assert_int_equal(assign(&f, 0, tasks, 16), 1);
    close_all(&f);

    open_history(&f, 3, 0, 1);
    open_coordinator(&f, 3);
    for (int w = 0; w < 3; w++) assert_int_equal(assign(&f, w, tasks + w, 16), 1);
    close_all(&f);
}

static void batches_of_short_tasks(void **state)
{
    (void)state;
    fixture f;
    fr_assignment tasks[CAPACITY];
    open_history(&f, 100000, 0, 1);
    open_coordinator(&f, 2);
    size_t n = assign(&f, 0, tasks, CAPACITY);
    for (size_t i = 0; i < n; i++) report(&f, 0, tasks[i], 0.001);
    n = assign(&f, 0, tasks, CAPACITY);
    assert_in_range(n, 199, 201); /* 100 ms of work, twice */
    for (size_t i = 0; i < n; i++) report(&f, 0, tasks[i], 0.0);
    while ((n = assign(&f, 0, tasks, CAPACITY)) < CAPACITY)
        for (size_t i = 0; i < n; i++) report(&f, 0, tasks[i], 0.0);
    close_all(&f);
}

static void replayed_work_is_not_done_again(void **state)
{
    (void)state;
    fixture f;
    open_history(&f, 10, 4, 3);
    /* Trial 0 is finished, trial 1 has fold 1 only, trial 2 nothing. */
    for (size_t t = 0; t < 3; t++) {
        const double point = (double)t;
        assert_int_equal(fr_history_add_trial(f.history, &point), FR_OK);
    }
    static const fr_assignment had[] = {{0, 0, 0}, {0, 1, 0}, {0, 2, 0}, {1, 1, 0}};
    for (size_t i = 0; i < 4; i++) {
        fr_fold_result result = result_of(had[i], 0.2);
        assert_int_equal(fr_history_add_fold(f.history, &result), FR_OK);
    }
    open_coordinator(&f, 1);
    static const fr_assignment expected[] = {{1, 0, 0}, {1, 2, 0}, {2, 0, 0},
                                             {2, 1, 0}, {2, 2, 0}, {3, 0, 0}};
    for (size_t i = 0; i < 6; i++) {
        fr_assignment task;
        assert_int_equal(assign(&f, 0, &task, 1), 1);
        assert_int_equal(task.trial, expected[i].trial);
        assert_int_equal(task.fold, expected[i].fold);
        report(&f, 0, task, 0.2);
    }
    assert_int_equal(f.announced, 4);
    simulate(&f, 1, alike);
    check_finished(&f, 10);
    close_all(&f);
}

static void more_trials_than_asked_for_are_finished(void **state)
{
    (void)state;
    fixture f;
    open_history(&f, 2, 0, 1);
    for (size_t t = 0; t < 4; t++) {
        const double point = (double)t;
        assert_int_equal(fr_history_add_trial(f.history, &point), FR_OK);
    }
    open_coordinator(&f, 2);
    simulate(&f, 2, alike);
    check_finished(&f, 4);
    close_all(&f);
}

static void interrupted_tasks_come_back(void **state)
{
    (void)state;
    fixture f;
    open_history(&f, 2, 0, 2);
    open_coordinator(&f, 2);
    fr_assignment task, again;
    assert_int_equal(assign(&f, 0, &task, 1), 1);
    fr_fold_result result = result_of(task, 0.1);
    result.state = FR_TRIAL_INTERRUPTED;
    assert_int_equal(fr_coordinator_report(f.coordinator, 0, &result), FR_OK);
    assert_int_equal(assign(&f, 1, &again, 1), 1);
    assert_int_equal(again.trial, task.trial);
    assert_int_equal(again.fold, task.fold);
    report(&f, 1, again, 0.1);
    simulate(&f, 2, alike);
    check_finished(&f, 2);
    close_all(&f);
}

static void an_exhausted_space_ends_the_search(void **state)
{
    (void)state;
    fixture f;
    open_history(&f, 50, 0, 2);
    f.search.exhausted_at = 9;
    open_coordinator(&f, 3);
    simulate(&f, 3, alike);
    check_finished(&f, 9);
    close_all(&f);
}

static void wrong_reports_are_refused(void **state)
{
    (void)state;
    fixture f;
    open_history(&f, 2, 0, 2);
    open_coordinator(&f, 2);
    fr_assignment task;
    fr_fold_result result = {.state = FR_TRIAL_COMPLETE};
    assert_int_equal(fr_coordinator_report(f.coordinator, 0, &result), FR_ERR_ARG);
    assert_int_equal(assign(&f, 0, &task, 1), 1);
    result = result_of((fr_assignment){.trial = 7}, 0.1);
    assert_int_equal(fr_coordinator_report(f.coordinator, 0, &result), FR_ERR_ARG);
    report(&f, 0, task, 0.1);
    assert_int_equal(assign(&f, 0, &task, 1), 1);
    result = result_of((fr_assignment){.trial = 0, .fold = 0}, 0.1);
    assert_int_equal(fr_coordinator_report(f.coordinator, 0, &result), FR_ERR_ARG);
    close_all(&f);
}

static void pruning_takes_the_lowest_fold_first(void **state)
{
    (void)state;
    static const uint32_t order[][2] = {{0, 0}, {1, 0}, {0, 1}, {2, 0},
                                        {1, 1}, {3, 0}, {2, 1}, {3, 1}};
    fixture f;
    open_history(&f, 4, 0, 2);
    open_coordinator(&f, 1);
    fr_coordinator_set_pruning(f.coordinator, 2); /* trial t waits for trial t - 2 */
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        fr_assignment task;
        assert_int_equal(assign(&f, 0, &task, 1), 1);
        assert_int_equal(task.trial, order[i][0]);
        assert_int_equal(task.fold, order[i][1]);
        const uint64_t visible = fr_coordinator_visible(f.coordinator, task);
        assert_int_equal(visible, task.trial < 2 ? 0 : task.trial - 1);
        assert_true(f.history->settled >= visible);
        report(&f, 0, task, 1.0);
    }
    check_finished(&f, 4);
    close_all(&f);
}

/* A fold that is cancelled while a worker has it: dropped when it comes back, finished or not.
 */
static void cancelled_folds_are_not_handed_out_again(void **state)
{
    (void)state;
    for (int finished = 0; finished < 2; finished++) {
        fixture f;
        fr_assignment task[3];
        open_history(&f, 1, 0, 3);
        open_coordinator(&f, 3);
        for (int w = 0; w < 3; w++) assert_int_equal(assign(&f, w, &task[w], 1), 1);
        fr_fold_result pruned = {.fold = 0, .state = FR_TRIAL_PRUNED};
        assert_int_equal(fr_coordinator_report(f.coordinator, 0, &pruned), FR_OK);
        assert_true(fr_coordinator_done(f.coordinator));
        for (int w = 1; w < 3; w++) {
            fr_fold_result late = {.fold = task[w].fold,
                                   .state =
                                       finished ? FR_TRIAL_COMPLETE : FR_TRIAL_INTERRUPTED};
            assert_int_equal(fr_coordinator_report(f.coordinator, w, &late), FR_OK);
        }
        assert_int_equal(assign(&f, 0, task, 3), 0);
        assert_int_equal(f.history->trials[0].state, FR_TRIAL_PRUNED);
        close_all(&f);
    }
}

/* Who is asked in a round: all at first, then those that reported, and those that went short.
 */
static void rounds_ask_whom_it_concerns(void **state)
{
    (void)state;
    fixture f;
    fr_assignment tasks[CAPACITY], held[4] = {{0}};
    size_t n = 0;
    int worker = -1;
    open_history(&f, 1000, 2, 1); /* two trials in flight, one task each */
    open_coordinator(&f, 4);
    for (int k = 0; k < 4; k++) {
        assert_true(fr_coordinator_next(f.coordinator, &worker));
        assert_int_equal(worker, k);
        n = assign(&f, worker, tasks, CAPACITY);
        assert_int_equal(n, k < 2 ? 1 : 0);
        held[k] = tasks[0];
    }
    assert_false(fr_coordinator_next(f.coordinator, &worker));
    /* Nothing has changed: the two that went short are asked again, in vain. */
    for (int k = 2; k < 4; k++) {
        assert_true(fr_coordinator_next(f.coordinator, &worker));
        assert_int_equal(worker, k);
        assert_int_equal(assign(&f, worker, tasks, CAPACITY), 0);
    }
    assert_false(fr_coordinator_next(f.coordinator, &worker));
    /* What worker 0 reports lets one of them begin; it was there before. */
    report(&f, 0, held[0], 1.0);
    static const int order[] = {2, 3, 0};
    for (int k = 0; k < 3; k++) {
        assert_true(fr_coordinator_next(f.coordinator, &worker));
        assert_int_equal(worker, order[k]);
        assert_int_equal(assign(&f, worker, tasks, CAPACITY), k == 0 ? 1 : 0);
    }
    assert_false(fr_coordinator_next(f.coordinator, &worker));
    /* Worker 3 is put off, 0 asked; 1 and 2 are at work. */
    assert_true(fr_coordinator_next(f.coordinator, &worker));
    assert_int_equal(worker, 3);
    fr_coordinator_ask_again(f.coordinator, worker);
    assert_true(fr_coordinator_next(f.coordinator, &worker));
    assert_int_equal(worker, 0);
    assert_int_equal(assign(&f, worker, tasks, CAPACITY), 0);
    assert_false(fr_coordinator_next(f.coordinator, &worker));
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_ask_whom_it_concerns),
        cmocka_unit_test(tasks_are_trial_major),
        cmocka_unit_test(pruning_takes_the_lowest_fold_first),
        cmocka_unit_test(cancelled_folds_are_not_handed_out_again),
        cmocka_unit_test(everything_is_done_once_and_workers_are_busy),
        cmocka_unit_test(a_reserve_of_one_batch),
        cmocka_unit_test(batches_of_short_tasks),
        cmocka_unit_test(replayed_work_is_not_done_again),
        cmocka_unit_test(more_trials_than_asked_for_are_finished),
        cmocka_unit_test(interrupted_tasks_come_back),
        cmocka_unit_test(an_exhausted_space_ends_the_search),
        cmocka_unit_test(wrong_reports_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
