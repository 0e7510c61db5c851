/* SPDX-License-Identifier: BSD-3-Clause */
/* test_budget.c - a study ends after the same trial whoever works on it and whatever arrives
 * first: the coordinator, with simulated workers, against the rule applied to the finished
 * history, one trial after the other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/budget.h"
#include "foldrank/coordinator.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"

enum { FOLDS = 4, TRIALS = 400, MOST_WORKERS = 7, QUEUE = 4096 };

/* Suggests the trial's number, at once. */
struct fr_search {
    uint64_t trials;
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
    (void)search;
    (void)trial;
    return 0;
}

fr_status fr_search_suggest(fr_search *search, const fr_history *history, double *point,
                            bool *found)
{
    (void)search;
    *point = (double)history->n;
    *found = true;
    return FR_OK;
}

static fr_status on_trial(void *context, uint64_t trial, const double *point)
{
    (void)context;
    assert_true(*point == (double)trial);
    return FR_OK;
}

/* A fit of trial t trains 5, 10 or 15 epochs at most. */
static uint64_t epochs_at_most(const void *context, const double *point)
{
    (void)context;
    return 5 * (1 + (uint64_t)*point % 3);
}

/* One fold in four is pruned, and cancels those after it; one in eight fails early. */
static fr_fold_result result_of(fr_assignment task)
{
    fr_rng rng = fr_rng_make(1, FR_RNG_NOISE, task.trial, task.fold, 0);
    const double point = (double)task.trial, kind = fr_rng_uniform(&rng);
    const uint32_t most = (uint32_t)epochs_at_most(NULL, &point);
    fr_fold_result r = {.trial = task.trial,
                        .fold = task.fold,
                        .state = kind < 0.25    ? FR_TRIAL_PRUNED
                                 : kind < 0.375 ? FR_TRIAL_FAILED
                                                : FR_TRIAL_COMPLETE,
                        .epochs = most};
    if (r.state != FR_TRIAL_COMPLETE) r.epochs = (uint32_t)fr_rng_below(&rng, most);
    r.score = r.state == FR_TRIAL_COMPLETE ? fr_rng_uniform(&rng) : NAN;
    r.seconds = 1;
    return r;
}

typedef struct {
    fr_space space;
    fr_history *history;
    fr_coordinator *coordinator;
    fr_budget budget;
} study;

static void study_open(study *s, const fr_stop_options *stop, fr_search *search, int workers)
{
    *s = (study){
        .budget = {.options = stop, .concurrency = 5, .epochs_at_most = epochs_at_most}};
    fr_param x = {.name = fr_strdup("x"), .kind = FR_PARAM_FLOAT, .low = 0, .high = 1e9};
    assert_int_equal(fr_space_add(&s->space, x), FR_OK);
    assert_int_equal(fr_history_create(&s->space, FOLDS, true, &s->history), FR_OK);
    assert_int_equal(
        fr_coordinator_create(search, s->history, workers, on_trial, NULL, &s->coordinator),
        FR_OK);
    fr_coordinator_set_budget(s->coordinator, &s->budget);
}

/* The same history, another coordinator and another budget: a run that was killed. */
static void study_reopen(study *s, fr_search *search, int workers)
{
    fr_coordinator_destroy(&s->coordinator);
    s->budget = (fr_budget){.options = s->budget.options,
                            .concurrency = s->budget.concurrency,
                            .epochs_at_most = epochs_at_most};
    assert_int_equal(
        fr_coordinator_create(search, s->history, workers, on_trial, NULL, &s->coordinator),
        FR_OK);
    fr_coordinator_set_budget(s->coordinator, &s->budget);
}

static void study_close(study *s)
{
    fr_coordinator_destroy(&s->coordinator);
    fr_history_destroy(&s->history);
    fr_space_clear(&s->space);
}

/* Tasks end in an order that `seed` shuffles. After `most` of them, or when it is done, the
 * rest is dropped. */
static void work(study *s, int workers, uint64_t seed, size_t most)
{
    static struct {
        fr_assignment task;
        int worker;
    } queue[QUEUE];
    size_t n = 0;
    for (size_t done = 0; done < most && !fr_coordinator_done(s->coordinator); done++) {
        for (int w = 0; w < workers; w++) {
            fr_assignment tasks[64];
            size_t got = 0;
            assert_int_equal(fr_coordinator_assign(s->coordinator, w, tasks, 64, &got), FR_OK);
            assert_true(n + got <= QUEUE);
            for (size_t i = 0; i < got; i++) {
                queue[n].task = tasks[i];
                queue[n++].worker = w;
            }
        }
        if (n == 0) break;
        fr_rng rng = fr_rng_make(seed, FR_RNG_NOISE, done, 0, 0);
        const size_t pick = (size_t)fr_rng_below(&rng, n);
        fr_fold_result r = result_of(queue[pick].task);
        const int worker = queue[pick].worker;
        queue[pick] = queue[--n];
        assert_int_equal(fr_coordinator_report(s->coordinator, worker, &r), FR_OK);
    }
}

/* The first trial that the rule refuses, from a history that has it and all before it. */
static uint64_t refused(const fr_history *h, const fr_stop_options *stop, fr_end *end)
{
    uint64_t fits = 0, epochs = 0;
    double target;
    assert_int_equal(fr_stop_target(stop, &target), FR_OK);
    for (uint64_t t = 0; t < h->n; t++) {
        const uint64_t visible = t < 5 ? 0 : t - 4;
        *end = FR_END_NOT_YET;
        for (uint64_t v = 0; v < visible; v++)
            if (h->trials[v].state == FR_TRIAL_COMPLETE && h->trials[v].score_mean >= target)
                *end = FR_END_SCORE;
        if (*end != FR_END_NOT_YET) return t;
        *end = FR_END_FITS;
        if (stop->fits > 0 && fits + FOLDS > (uint64_t)stop->fits) return t;
        *end = FR_END_EPOCHS;
        const double point = (double)t;
        const uint64_t most = FOLDS * epochs_at_most(NULL, &point);
        if (stop->epochs > 0 && epochs + most > (uint64_t)stop->epochs) return t;
        const fr_history_work work = fr_history_trial_work(h, t);
        fits += work.fits;
        epochs += work.epochs;
    }
    *end = FR_END_TRIALS;
    return h->n;
}

static const fr_stop_options stops[] = {
    {.fits = 4},       {.fits = 5},
    {.fits = 301},     {.epochs = 20},
    {.epochs = 777},   {.epochs = 5000},
    {.score = "0.65"}, {.score = "0.1"},
    {.score = "5"},    {.score = "0.7", .fits = 200, .epochs = 4000},
    {.fits = 1000000}, {.core_hours = 1, .wall_s = 1},
};
enum { STOPS = sizeof stops / sizeof *stops };

/* All trials, whoever works: results do not depend on it. */
static void open_whole(study *s, fr_search *search)
{
    static const fr_stop_options none;
    study_open(s, &none, search, 1);
    work(s, 1, 0, SIZE_MAX);
    assert_int_equal(s->history->n, TRIALS);
}

static void ends_after_the_same_trial(void **state)
{
    (void)state;
    fr_search search = {.trials = TRIALS};
    study whole;
    open_whole(&whole, &search);
    for (size_t i = 0; i < STOPS; i++) {
        fr_end end;
        const uint64_t n = refused(whole.history, &stops[i], &end);
        for (int workers = 1; workers <= MOST_WORKERS; workers += 2) {
            for (uint64_t seed = 0; seed < 5; seed++) {
                study s;
                study_open(&s, &stops[i], &search, workers);
                work(&s, workers, seed, SIZE_MAX);
                assert_true(fr_coordinator_done(s.coordinator));
                assert_int_equal(s.history->n, n);
                assert_int_equal(s.history->settled, n);
                assert_int_equal(fr_coordinator_end(s.coordinator), end);
                study_close(&s);
            }
        }
    }
    study_close(&whole);
}

/* Killed at any time and gone on with, also with more of a budget. */
static void ends_there_after_a_kill_too(void **state)
{
    (void)state;
    fr_search search = {.trials = TRIALS};
    study whole;
    open_whole(&whole, &search);
    for (size_t i = 0; i < STOPS; i++) {
        fr_end end;
        const uint64_t n = refused(whole.history, &stops[i], &end);
        for (size_t kill = 0; kill < 60; kill += 7) {
            fr_stop_options less = stops[i];
            if (kill % 2 == 1) less.fits = less.fits / 2 > 4 ? less.fits / 2 : less.fits;
            study s;
            study_open(&s, &less, &search, 3);
            work(&s, 3, kill, kill);
            s.budget.options = &stops[i];
            study_reopen(&s, &search, 5);
            work(&s, 5, kill + 1, kill);
            study_reopen(&s, &search, 2);
            work(&s, 2, kill + 2, SIZE_MAX);
            assert_int_equal(s.history->n, n);
            study_close(&s);
        }
    }
    study_close(&whole);
}

static void too_little_for_one_trial_is_said(void **state)
{
    (void)state;
    static const fr_stop_options small[] = {{.fits = 3}, {.epochs = 19}};
    static const char *const words[] = {"stop.fits", "stop.epochs"};
    fr_search search = {.trials = TRIALS};
    for (size_t i = 0; i < 2; i++) {
        study s;
        fr_assignment task;
        size_t n;
        study_open(&s, &small[i], &search, 1);
        assert_int_equal(fr_coordinator_assign(s.coordinator, 0, &task, 1, &n), FR_ERR_USAGE);
        assert_non_null(strstr(fr_status_message(), words[i]));
        study_close(&s);
    }
}

/* When the time is up nothing more is handed out, and the study ends once all is back. */
static void the_clock_ends_a_study(void **state)
{
    (void)state;
    static const fr_stop_options none;
    fr_search search = {.trials = TRIALS};
    study s;
    fr_assignment tasks[2], more;
    size_t n;
    study_open(&s, &none, &search, 2);
    for (int w = 0; w < 2; w++) {
        assert_int_equal(fr_coordinator_assign(s.coordinator, w, &tasks[w], 1, &n), FR_OK);
        assert_int_equal(n, 1);
    }
    fr_coordinator_set_time_left(s.coordinator, 10, FR_END_WALL);
    assert_int_equal(fr_coordinator_end(s.coordinator), FR_END_TRIALS);
    fr_fold_result r = result_of(tasks[0]);
    r.seconds = 100;
    assert_int_equal(fr_coordinator_report(s.coordinator, 0, &r), FR_OK);
    /* A task takes longer than is left: none in reserve, but one for who has nothing. */
    assert_int_equal(fr_coordinator_assign(s.coordinator, 1, &more, 1, &n), FR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(fr_coordinator_assign(s.coordinator, 0, &more, 1, &n), FR_OK);
    assert_int_equal(n, 1);
    fr_coordinator_set_time_left(s.coordinator, -1, FR_END_WALL);
    assert_false(fr_coordinator_done(s.coordinator));
    assert_int_equal(fr_coordinator_end(s.coordinator), FR_END_WALL);
    r = result_of(tasks[1]);
    assert_int_equal(fr_coordinator_report(s.coordinator, 1, &r), FR_OK);
    assert_int_equal(fr_coordinator_assign(s.coordinator, 1, &tasks[1], 1, &n), FR_OK);
    assert_int_equal(n, 0);
    r = result_of(more);
    assert_int_equal(fr_coordinator_report(s.coordinator, 0, &r), FR_OK);
    assert_true(fr_coordinator_done(s.coordinator));
    study_close(&s);
}

static void fewer_fits_than_folds_are_refused(void **state)
{
    (void)state;
    const fr_stop_options none = {.fits = 0}, few = {.fits = 4}, enough = {.fits = 5};
    assert_int_equal(fr_stop_check(&none, 5), FR_OK);
    assert_int_equal(fr_stop_check(&enough, 5), FR_OK);
    assert_int_equal(fr_stop_check(&few, 5), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "4 is less than the 5 folds"));
}

static void targets_are_numbers(void **state)
{
    (void)state;
    double target;
    assert_int_equal(fr_stop_target(&(fr_stop_options){.score = NULL}, &target), FR_OK);
    assert_true(isnan(target));
    assert_int_equal(fr_stop_target(&(fr_stop_options){.score = "-0.5"}, &target), FR_OK);
    assert_true(target == -0.5);
    assert_int_equal(fr_stop_target(&(fr_stop_options){.score = "nan"}, &target), FR_ERR_USAGE);
    assert_int_equal(fr_stop_target(&(fr_stop_options){.score = "high"}, &target),
                     FR_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_after_the_same_trial),
        cmocka_unit_test(ends_there_after_a_kill_too),
        cmocka_unit_test(too_little_for_one_trial_is_said),
        cmocka_unit_test(the_clock_ends_a_study),
        cmocka_unit_test(fewer_fits_than_folds_are_refused),
        cmocka_unit_test(targets_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
