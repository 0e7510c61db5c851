/* SPDX-License-Identifier: BSD-3-Clause */
/* test_simulate.c - a simulated run does all its work, and the model answers to what it is
 * told: more latency, shorter tasks and too few trials in flight cost what they should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "foldrank/simulate.h"

/* `trials` of 5 folds, by `method`, `concurrency` in flight. */
static fr_simulation run(const char *method, int trials, int concurrency,
                         fr_simulation_options options)
{
    char text[512];
    fr_study *study = NULL;
    fr_simulation out;
    snprintf(text, sizeof text,
             "objective: {type: function, function: sphere,\n"
             "            parameters: {x: {float: [0, 1]}, y: {float: [0, 1]}}}\n"
             "search: {method: %s, trials: %d, concurrency: %d}\n",
             method, trials, concurrency);
    assert_int_equal(fr_study_parse(text, "test", NULL, 0, &study), FR_OK);
    options.study = study;
    options.folds = 5;
    options.epochs = 10;
    if (options.bytes_per_second <= 0) options.bytes_per_second = 1e9;
    assert_int_equal(fr_simulate(&options, &out), FR_OK);
    fr_study_destroy(&study);
    assert_int_equal(out.tasks, 5 * trials);
    assert_true(out.busy_share > 0 && out.busy_share <= 1.0);
    assert_true(out.busy_in_plenty <= 1.0 && out.plenty_s <= out.wall_s);
    assert_true(out.root_share >= out.suggest_share);
    return out;
}

/* 200 tasks of exactly 1 s on 10 ranks: 20 s and a little. */
static void one_round_after_the_other(void **state)
{
    (void)state;
    const fr_simulation s =
        run("random", 40, 10, (fr_simulation_options){.ranks = 10, .task_s = 1.0});
    assert_true(s.wall_s > 20.0 && s.wall_s < 20.2);
    assert_true(s.busy_share > 0.99);
    /* Root's own rank sends nothing; the others' tasks and results. */
    assert_in_range(s.messages, 180, 2 * 180);
}

static void a_single_rank_waits_for_nobody(void **state)
{
    (void)state;
    const fr_simulation s =
        run("random", 4, 4, (fr_simulation_options){.ranks = 1, .task_s = 0.5});
    assert_true(s.wall_s > 10.0 && s.wall_s < 10.1);
    assert_int_equal(s.messages, 0);
}

/* A task a message, and a reserve that is gone before the next is there. */
static void latency_costs_what_the_reserve_does_not_hide(void **state)
{
    (void)state;
    const fr_simulation_options near = {.ranks = 50, .task_s = 1.0, .spread = 0.3};
    fr_simulation_options far = near;
    far.latency_s = 2.0;
    const fr_simulation a = run("random", 200, 20, near), b = run("random", 200, 20, far);
    assert_true(a.busy_in_plenty > 0.98);
    assert_true(b.busy_in_plenty < 0.7);
    assert_true(b.busy_in_plenty > 0.2);
}

/* An adaptive search with 2 trials of 5 folds in flight keeps at most 10 of 40 ranks at work.
 */
static void too_few_trials_in_flight(void **state)
{
    (void)state;
    const fr_simulation_options options = {.ranks = 40, .task_s = 1.0, .spread = 0.2};
    const fr_simulation few = run("tpe", 60, 2, options), enough = run("tpe", 120, 16, options);
    assert_true(few.busy_share < 10.0 / 40.0 + 0.01);
    assert_true(enough.busy_in_plenty > 0.9);
    assert_true(enough.suggest_share > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_round_after_the_other),
        cmocka_unit_test(a_single_rank_waits_for_nobody),
        cmocka_unit_test(latency_costs_what_the_reserve_does_not_hide),
        cmocka_unit_test(too_few_trials_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
