/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_fronts.c - choosing with several objectives: the front, how its hypervolume grew, the
 * knee, and constraints, also with one objective. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/memory.h"
#include "foldrank/select.h"

enum { TRIALS = 7 };

/* One fold, two objectives: the first is maximised. Trial 3 fails. By hand: 0, 2, 5 and 6 are
 * the front; 1 is dominated by 0, 4 by 1 and 2. */
static const double scores[TRIALS][2] = {{0.9, 100}, {0.8, 110}, {0.7, 20},   {NAN, NAN},
                                         {0.7, 120}, {0.5, 10},  {0.95, 1010}};
static fr_space space;
static fr_history *history;

static int setup(void **state)
{
    (void)state;
    const bool maximizes[2] = {true, false};
    const fr_param x = {
        .name = fr_strdup("x"), .kind = FR_PARAM_FLOAT, .low = 0.0, .high = 1.0};
    assert_int_equal(fr_space_add(&space, x), FR_OK);
    assert_int_equal(fr_history_create(&space, 1, true, &history), FR_OK);
    fr_history_set_goals(history, maximizes, 2);
    for (size_t t = 0; t < TRIALS; t++) {
        const double point = (double)t / TRIALS;
        fr_fold_result r = {.trial = t, .score = scores[t][0], .more = {scores[t][1]}};
        r.n_more = 1;
        r.state = isnan(r.score) ? FR_TRIAL_FAILED : FR_TRIAL_COMPLETE;
        assert_int_equal(fr_history_add_trial(history, &point), FR_OK);
        assert_int_equal(fr_history_add_fold(history, &r), FR_OK);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fr_history_destroy(&history);
    fr_space_clear(&space);
    return 0;
}

static bool close_to(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(1.0, fabs(b));
}

static void fronts_by_hand(void **state)
{
    (void)state;
    fr_fronts f;
    assert_int_equal(fr_fronts_find(history, NULL, NULL, 0, &f), FR_OK);
    const uint64_t front[4] = {6, 0, 2, 5};
    const uint32_t rank[TRIALS] = {1, 2, 1, 0, 3, 1, 1};
    assert_int_equal(f.n_front, 4);
    assert_memory_equal(f.front, front, sizeof front);
    assert_memory_equal(f.rank, rank, sizeof rank);
    /* The front's accuracy reaches from 0.5 to 0.95, its size from 10 to 1,010. */
    assert_true(close_to(f.reference[0], 0.5 - 0.045));
    assert_true(close_to(f.reference[1], 1010 + 100));
    fr_fronts_clear(&f);
    assert_null(f.front);
}

static void hypervolume_grows_by_what_is_new(void **state)
{
    (void)state;
    fr_fronts f;
    const double reference[2] = {0.6, 200}, far[2] = {0.0, 2000};
    assert_int_equal(fr_fronts_find(history, NULL, reference, 2, &f), FR_OK);
    const double first = 0.3 * 100, third = first + 0.1 * 80;
    /* Dominated, failed, or beyond the reference: nothing new. */
    const double wanted[TRIALS] = {first, first, third, third, third, third, third};
    for (size_t t = 0; t < TRIALS; t++) assert_true(close_to(f.hypervolume[t], wanted[t]));
    assert_true(f.reference[0] == 0.6 && f.reference[1] == 200);
    fr_fronts_clear(&f);
    assert_int_equal(fr_fronts_find(history, NULL, far, 2, &f), FR_OK);
    const double all = 0.5 * 10 + 0.7 * 80 + 0.9 * 910 + 0.95 * 990;
    assert_true(close_to(f.hypervolume[TRIALS - 1], all));
    fr_fronts_clear(&f);
}

static void only_what_may_be_chosen_is_ranked(void **state)
{
    (void)state;
    fr_fronts f;
    const bool allowed[TRIALS] = {false, true, false, true, true, true, false};
    assert_int_equal(fr_fronts_find(history, allowed, NULL, 0, &f), FR_OK);
    const uint32_t rank[TRIALS] = {0, 1, 0, 0, 2, 1, 0};
    assert_memory_equal(f.rank, rank, sizeof rank);
    assert_int_equal(f.n_front, 2);
    fr_fronts_clear(&f);
}

/* Brought to 0 .. 1, trial 6 is (0, 1), 0 is (0.111, 0.09), 2 is (0.556, 0.01), 5 is (1, 0). */
static void the_knee_bulges_most(void **state)
{
    (void)state;
    const fr_select_options options = {.rule = FR_RULE_KNEE};
    const bool without[TRIALS] = {false, true, true, true, true, true, true};
    fr_select_facts facts = {.train_rows = 1, .valid_rows = 1};
    fr_selection s;
    assert_int_equal(fr_select_run(history, &options, &facts, &s), FR_OK);
    assert_int_equal(s.chosen, 0);
    assert_int_equal(s.rule, FR_RULE_KNEE);
    assert_int_equal(s.n_ranking, 6);
    assert_int_equal(s.ranking[0], 6);
    fr_selection_clear(&s);
    /* Then 6, 1, 2, 5: 1 is (0.333, 0.1), 2 is (0.556, 0.01). */
    facts.allowed = without;
    assert_int_equal(fr_select_run(history, &options, &facts, &s), FR_OK);
    assert_int_equal(s.chosen, 1);
    fr_selection_clear(&s);
}

/* The best score among those that are small enough; the other rules keep to them, too. */
static void rules_keep_to_what_is_allowed(void **state)
{
    (void)state;
    const bool small[TRIALS] = {false, false, true, true, false, true, false};
    const bool none[TRIALS] = {false};
    fr_select_facts facts = {.allowed = small, .train_rows = 1, .valid_rows = 1};
    fr_selection s;
    for (int rule = FR_RULE_BEST; rule <= FR_RULE_DICE; rule++) {
        const fr_select_options options = {.rule = rule, .alpha = 0.05, .rounds = 3};
        assert_int_equal(fr_select_run(history, &options, &facts, &s), FR_OK);
        assert_int_equal(s.chosen, 2);
        assert_int_equal(s.n_ranking, 2);
        fr_selection_clear(&s);
        facts.allowed = none;
        assert_int_equal(fr_select_run(history, &options, &facts, &s), FR_ERR_STATE);
        assert_non_null(strstr(fr_status_message(), "none of 6 complete trials meets"));
        facts.allowed = small;
    }
}

static void one_point_is_a_front(void **state)
{
    (void)state;
    fr_fronts f;
    const bool allowed[TRIALS] = {false, false, true}, none[TRIALS] = {false};
    assert_int_equal(fr_fronts_find(history, allowed, NULL, 0, &f), FR_OK);
    assert_int_equal(f.n_front, 1);
    assert_true(close_to(f.reference[0], 0.63) && close_to(f.reference[1], 22));
    assert_true(f.hypervolume[1] == 0 && close_to(f.hypervolume[2], 0.07 * 2));
    assert_int_equal(fr_fronts_knee(history, &f), 2);
    fr_fronts_clear(&f);
    assert_int_equal(fr_fronts_find(history, none, NULL, 0, &f), FR_OK);
    assert_int_equal(f.n_front, 0);
    fr_fronts_clear(&f);
}

static void constraints_are_tested(void **state)
{
    (void)state;
    static const char *const names[] = {"accuracy", "model size"};
    static const struct {
        const char *text;
        size_t which;
        double value;
        bool holds;
    } good[] = {
        {"accuracy <= 0.5", 0, 0.5, true},     {"accuracy<0.5", 0, 0.5, false},
        {"accuracy >= 0.5", 0, 0.5, true},     {"accuracy  >  -5e-1", 0, -0.5, false},
        {"model size<=1e4", 1, 9999, true},    {"model size <= 1e4", 1, 10001, false},
        {"model size > 10000", 1, NAN, false}, {"model size < 10000", 1, NAN, false},
    };
    fr_constraint c;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(fr_constraint_parse(good[i].text, names, 2, &c), FR_OK);
        assert_int_equal(c.which, good[i].which);
        assert_int_equal(fr_constraint_holds(&c, good[i].value), good[i].holds);
    }
    static const char *const bad[] = {
        "",  "accuracy", "accuracy <=",     "<= 3",         "accuracy <= 3 4",
        "<", "acc <= 1", "accuracy <= inf", "accuracy == 3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(fr_constraint_parse(bad[i], names, 2, &c), FR_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fronts_by_hand),
        cmocka_unit_test(hypervolume_grows_by_what_is_new),
        cmocka_unit_test(only_what_may_be_chosen_is_ranked),
        cmocka_unit_test(the_knee_bulges_most),
        cmocka_unit_test(rules_keep_to_what_is_allowed),
        cmocka_unit_test(one_point_is_a_front),
        cmocka_unit_test(constraints_are_tested),
    };
    return cmocka_run_group_tests_name("fronts", tests, setup, teardown);
}
