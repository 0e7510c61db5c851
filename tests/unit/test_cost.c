/* SPDX-License-Identifier: BSD-3-Clause */
/* test_cost.c - what samplers make of trials that were stopped early. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/search/cost.h"
#include "foldrank/memory.h"
#include "foldrank/prune.h"
#include "foldrank/search.h"

enum { EPOCHS = 9 };

typedef struct {
    fr_space space;
    fr_history *history;
} fixture;

static void fixture_open(fixture *f, uint32_t n_folds, bool maximize)
{
    *f = (fixture){0};
    for (int j = 0; j < 2; j++) {
        fr_param x = {
            .name = fr_strdup(j == 0 ? "x" : "y"), .kind = FR_PARAM_FLOAT, .low = 0, .high = 1};
        assert_int_equal(fr_space_add(&f->space, x), FR_OK);
    }
    assert_int_equal(fr_history_create(&f->space, n_folds, maximize, &f->history), FR_OK);
}

static void fixture_close(fixture *f)
{
    fr_history_destroy(&f->history);
    fr_space_clear(&f->space);
}

static void add_fold(fixture *f, uint32_t fold, const double *curve, uint32_t epochs,
                     fr_trial_state state)
{
    fr_fold_result r = {.trial = f->history->n - 1,
                        .fold = fold,
                        .state = state,
                        .score = curve[epochs - 1],
                        .epochs = epochs,
                        .n_curve = epochs,
                        .curve = malloc(2 * epochs * sizeof(double))};
    for (uint32_t e = 0; e < epochs; e++) {
        r.curve[2 * e] = NAN;
        r.curve[2 * e + 1] = curve[e];
    }
    assert_int_equal(fr_history_add_fold(f->history, &r), FR_OK);
}

static void add_trial(fixture *f)
{
    const double point[2] = {0.5, 0.5};
    assert_int_equal(fr_history_add_trial(f->history, point), FR_OK);
}

/* One fold, three epochs. */
static void add_curve(fixture *f, double a, double b, double c)
{
    add_trial(f);
    add_fold(f, 0, (double[]){a, b, c}, 3, FR_TRIAL_COMPLETE);
}

static void its_rank_where_it_stopped_is_its_rank_in_the_end(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, 1, true);
    add_trial(&f);
    add_fold(&f, 0, (double[]){0.3, 0.4}, 2, FR_TRIAL_PRUNED);
    assert_true(isnan(fr_trial_cost(f.history, 0))); /* nothing before it */
    add_curve(&f, 0.1, 0.2, 0.5);
    add_curve(&f, 0.3, 0.6, 0.7); /* best after two epochs, not in the end */
    add_curve(&f, 0.5, 0.4, 0.9); /* its best after two epochs is 0.5 */
    assert_true(fr_trial_cost(f.history, 3) == -0.9);
    assert_true(isnan(fr_trial_cost(f.history, 0))); /* what comes later changes nothing */

    const struct {
        double at_two, cost;
    } want[] = {{0.55, -0.8}, /* half way from 0.5 to 0.6: so from 0.7 to 0.9 */
                {0.5, -0.7},  /* equal to the second there */
                {0.35, -0.6}, /* half way from 0.2 to 0.5: so from 0.5 to 0.7 */
                {0.1, -0.5},  /* worse than all: as the worst */
                {0.8, -0.9}}; /* better than all: as the best */
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        add_trial(&f);
        add_fold(&f, 0, (double[]){0.0, want[i].at_two}, 2, FR_TRIAL_PRUNED);
        assert_float_equal(fr_trial_cost(f.history, f.history->n - 1), want[i].cost, 1e-12);
    }
    fixture_close(&f);
}

static void folds_before_the_last_count_whole(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, 3, false);
    const double curves[2][3][3] = {{{5, 3, 1}, {6, 4, 2}, {7, 5, 3}},
                                    {{9, 7, 5}, {8, 8, 8}, {9, 8, 8}}};
    for (int t = 0; t < 2; t++) {
        add_trial(&f);
        for (uint32_t fold = 0; fold < 3; fold++)
            add_fold(&f, fold, curves[t][fold], 3, FR_TRIAL_COMPLETE);
    }
    /* Stopped in the second fold at epoch 2: there the two have (1 + 4) / 2 and (5 + 8) / 2. */
    add_trial(&f);
    add_fold(&f, 0, (double[]){9, 8, 4}, 3, FR_TRIAL_COMPLETE);
    add_fold(&f, 1, (double[]){9, 5}, 2, FR_TRIAL_PRUNED);
    assert_int_equal(f.history->trials[2].state, FR_TRIAL_PRUNED);
    assert_float_equal(fr_trial_cost(f.history, 2), 2 + 0.5 * 5, 1e-12);
    add_trial(&f);
    add_fold(&f, 0, (double[]){NAN, NAN, NAN}, 3, FR_TRIAL_DIVERGED);
    assert_true(isnan(fr_trial_cost(f.history, 3)));
    fixture_close(&f);
}

/* Nearly all trials are stopped, as the first ones are as good as it gets; the searches see
 * what stopped the others and go where the good ones are. */
static void searches_learn_from_stopped_trials(void **state)
{
    (void)state;
    static const char *const methods[] = {"tpe", "gp", "cmaes"};
    for (int m = 0; m < 3; m++) {
        fixture f;
        fr_search_options o = {0};
        fr_search *search;
        fixture_open(&f, 1, false);
        assert_int_equal(fr_option_defaults(fr_search_option_table, fr_search_option_count, &o),
                         FR_OK);
        const fr_option *row =
            fr_option_find(fr_search_option_table, fr_search_option_count, "method");
        assert_int_equal(fr_option_set(row, methods[m], &o), FR_OK);
        o.concurrency = 1;
        o.trials = 120;
        assert_int_equal(fr_search_create(&f.space, &o, NULL, 0, &search), FR_OK);
        double far = 0.0;
        size_t n_late = 0;
        for (uint64_t t = 0; t < 120; t++) {
            double point[2], curve[EPOCHS];
            bool found;
            assert_int_equal(fr_search_suggest(search, f.history, point, &found), FR_OK);
            assert_true(found);
            assert_int_equal(fr_history_add_trial(f.history, point), FR_OK);
            const double d = hypot(point[0] - 0.3, point[1] - 0.8);
            for (int e = 0; e < EPOCHS; e++) curve[e] = d + 1.0 / (e + 1);
            const bool whole = t < 4;
            add_fold(&f, 0, curve, whole ? EPOCHS : 2,
                     whole ? FR_TRIAL_COMPLETE : FR_TRIAL_PRUNED);
            if (t >= 80) {
                far += d;
                n_late++;
            }
        }
        if (!(far / (double)n_late < 0.25))
            fail_msg("%s: the last ones are %g from the best on average; at random 0.5",
                     methods[m], far / (double)n_late);
        fr_search_destroy(&search);
        fr_option_clear(fr_search_option_table, fr_search_option_count, &o);
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_rank_where_it_stopped_is_its_rank_in_the_end),
        cmocka_unit_test(folds_before_the_last_count_whole),
        cmocka_unit_test(searches_learn_from_stopped_trials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
