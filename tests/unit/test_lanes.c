/* SPDX-License-Identifier: BSD-3-Clause */
/* test_lanes.c - several searches behind one coordinator: every task once, each search in its
 * own order, what comes after its trials, and nobody idle while another search has work. */
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

/* A sampler that needs trial - L + 1 settled trials, in the place of the library's. */
struct fr_search {
    uint64_t trials, window;
    bool too_early;
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
    return trial < search->window ? 0 : trial - search->window + 1;
}

fr_status fr_search_suggest(fr_search *search, const fr_history *history, double *point,
                            bool *found)
{
    if (fr_search_needs(search, history->n) > history->settled) search->too_early = true;
    *point = (double)history->n;
    *found = true;
    return FR_OK;
}

enum { FOLDS = 3, TRIALS = 30, WINDOW = 2, MAX_LANES = 6, WORKERS = 8, CAPACITY = 64 };

typedef struct {
    fr_search search;
    fr_history *history;
    uint64_t announced;
    int ends;       /* calls of on_end */
    int last_given; /* last tasks handed out */
    bool has_last;  /* on_end asks for one */
} lane;

typedef struct {
    fr_space space;
    lane lanes[MAX_LANES];
    uint32_t n;
    fr_coordinator *coordinator;
} fixture;

static fr_status on_trial(void *context, uint64_t trial, const double *point)
{
    lane *l = context;
    assert_int_equal(trial, l->announced++);
    assert_true(*point == (double)trial);
    return FR_OK;
}

static fr_status on_end(void *context, uint64_t *trial, bool *wanted)
{
    lane *l = context;
    assert_int_equal(l->history->settled, l->search.trials);
    l->ends++;
    *trial = 7;
    *wanted = l->has_last;
    return FR_OK;
}

static void open_lanes(fixture *f, uint32_t n, int workers)
{
    *f = (fixture){.n = n};
    fr_param param = {.name = fr_strdup("x"), .kind = FR_PARAM_FLOAT, .low = 0, .high = 1e9};
    assert_int_equal(fr_space_add(&f->space, param), FR_OK);
    for (uint32_t i = 0; i < n; i++) {
        lane *l = &f->lanes[i];
        l->search = (fr_search){.trials = TRIALS, .window = WINDOW};
        l->has_last = i > 0 && i != 2; /* of search 2 nothing can be chosen */
        assert_int_equal(fr_history_create(&f->space, FOLDS, true, &l->history), FR_OK);
        if (i == 0) {
            assert_int_equal(fr_coordinator_create(&l->search, l->history, workers, on_trial, l,
                                                   &f->coordinator),
                             FR_OK);
            continue;
        }
        const fr_coordinator_search search = {.search = &l->search,
                                              .history = l->history,
                                              .on_trial = on_trial,
                                              .on_end = on_end,
                                              .context = l};
        assert_int_equal(fr_coordinator_add(f->coordinator, &search), FR_OK);
    }
}

static void close_lanes(fixture *f)
{
    fr_coordinator_destroy(&f->coordinator);
    for (uint32_t i = 0; i < f->n; i++) fr_history_destroy(&f->lanes[i].history);
    fr_space_clear(&f->space);
}

static double seconds_of(fr_assignment task)
{
    fr_rng rng = fr_rng_make(task.search, FR_RNG_NOISE, task.trial, task.fold, 0);
    return 0.5 + fr_rng_uniform(&rng);
}

/* A worker and the tasks that it holds, first of them at work. */
typedef struct {
    fr_assignment queue[CAPACITY];
    size_t n;
    double ends; /* the first one */
} worker;

static void feed(fixture *f, worker *workers, int n_workers, double now)
{
    for (int w = 0; w < n_workers; w++) {
        worker *one = &workers[w];
        size_t n = 0;
        assert_int_equal(fr_coordinator_assign(f->coordinator, w, one->queue + one->n,
                                               CAPACITY - one->n, &n),
                         FR_OK);
        if (one->n == 0 && n > 0) one->ends = now + seconds_of(one->queue[0]);
        for (size_t i = 0; i < n; i++) {
            const fr_assignment *task = &one->queue[one->n + i];
            assert_true(task->search < f->n);
            if (task->fold == FR_FOLD_OUTER) f->lanes[task->search].last_given++;
        }
        one->n += n;
    }
}

static void finish_first(fixture *f, worker *one, int w)
{
    const fr_assignment task = one->queue[0];
    fr_fold_result result = {.trial = task.trial,
                             .fold = task.fold,
                             .search = task.search,
                             .state = FR_TRIAL_COMPLETE,
                             .score = 0.5,
                             .seconds = seconds_of(task)};
    assert_int_equal(fr_coordinator_report(f->coordinator, w, &result), FR_OK);
    one->n--;
    for (size_t i = 0; i < one->n; i++) one->queue[i] = one->queue[i + 1];
    if (one->n > 0) one->ends += seconds_of(one->queue[0]);
}

/* To the end; returns when that is, and the time that all workers were at work. */
static double simulate(fixture *f, int n_workers, double *busy)
{
    worker workers[WORKERS] = {0};
    double now = 0.0;
    *busy = 0.0;
    feed(f, workers, n_workers, now);
    while (!fr_coordinator_done(f->coordinator)) {
        int next = -1;
        for (int w = 0; w < n_workers; w++)
            if (workers[w].n > 0 && (next < 0 || workers[w].ends < workers[next].ends))
                next = w;
        assert_true(next >= 0); /* somebody always has work until it is done */
        now = workers[next].ends;
        *busy += seconds_of(workers[next].queue[0]);
        finish_first(f, &workers[next], next);
        feed(f, workers, n_workers, now);
    }
    return now;
}

static void every_search_has_its_own_course(void **state)
{
    (void)state;
    fixture f;
    double busy;
    open_lanes(&f, MAX_LANES, 5);
    simulate(&f, 5, &busy);
    uint64_t done = 0, total = 0;
    fr_coordinator_progress(f.coordinator, &done, &total);
    assert_int_equal(done, total);
    assert_int_equal(total, MAX_LANES * TRIALS * FOLDS + MAX_LANES - 1);
    for (uint32_t i = 0; i < f.n; i++) {
        const lane *l = &f.lanes[i];
        assert_int_equal(l->history->settled, TRIALS);
        assert_int_equal(l->history->n_filed, TRIALS * FOLDS);
        assert_false(l->search.too_early);
        assert_int_equal(l->ends, i > 0);
        assert_int_equal(l->last_given, l->has_last);
    }
    close_lanes(&f);
}

/* Two trials of three folds in flight leave eight workers idle a quarter of the time; with five
 * further searches they are not, and no search makes a pause at the end of another. */
static void nobody_waits_at_the_end_of_a_search(void **state)
{
    (void)state;
    fixture f;
    double alone_busy, busy;
    open_lanes(&f, 1, WORKERS);
    const double alone = simulate(&f, WORKERS, &alone_busy);
    close_lanes(&f);
    open_lanes(&f, MAX_LANES, WORKERS);
    const double together = simulate(&f, WORKERS, &busy);
    close_lanes(&f);
    assert_true(alone_busy / (alone * WORKERS) < 0.75);
    if (busy / (together * WORKERS) < 0.97)
        fail_msg("busy %.3f of the time", busy / (together * WORKERS));
    assert_true(together < 0.8 * MAX_LANES * alone);
}

/* Interrupted tasks come again, a last one, too; strangers are refused. */
static void what_comes_back(void **state)
{
    (void)state;
    fixture f;
    open_lanes(&f, 2, 1);
    fr_assignment task = {0};
    size_t n = 0;
    int interrupted = 0;
    for (int turns = 0; !fr_coordinator_done(f.coordinator) && turns < 1000; turns++) {
        assert_int_equal(fr_coordinator_assign(f.coordinator, 0, &task, 1, &n), FR_OK);
        assert_int_equal(n, 1);
        fr_fold_result stranger = {.search = 9, .state = FR_TRIAL_COMPLETE};
        assert_int_equal(fr_coordinator_report(f.coordinator, 0, &stranger), FR_ERR_ARG);
        const bool stop = task.fold == FR_FOLD_OUTER ? interrupted++ < 2 : turns % 7 == 3;
        fr_fold_result result = {.trial = task.trial,
                                 .fold = task.fold,
                                 .search = task.search,
                                 .state = stop ? FR_TRIAL_INTERRUPTED : FR_TRIAL_COMPLETE};
        assert_int_equal(fr_coordinator_report(f.coordinator, 0, &result), FR_OK);
    }
    assert_true(fr_coordinator_done(f.coordinator));
    assert_int_equal(interrupted, 3);
    assert_int_equal(f.lanes[1].ends, 1);
    close_lanes(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_search_has_its_own_course),
        cmocka_unit_test(nobody_waits_at_the_end_of_a_search),
        cmocka_unit_test(what_comes_back),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
