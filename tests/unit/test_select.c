/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_select.c - the rules, the corrected test against scipy, the dice against enumeration. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/select/internal.h"
#include "foldrank/memory.h"
#include "foldrank/select.h"

static bool close_to(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * fmax(1e-300, fabs(b));
}

static fr_space one_float(void)
{
    fr_space space = {0};
    const fr_param x = {
        .name = fr_strdup("x"), .kind = FR_PARAM_FLOAT, .low = 0.0, .high = 1.0};
    assert_int_equal(fr_space_add(&space, x), FR_OK);
    return space;
}

/* `scores` is (trials, folds). */
static fr_history *history_of(const fr_space *space, const double *scores, size_t trials,
                              uint32_t folds, bool maximize)
{
    fr_history *h = NULL;
    assert_int_equal(fr_history_create(space, folds, maximize, &h), FR_OK);
    for (size_t t = 0; t < trials; t++) {
        const double x = 0.5;
        assert_int_equal(fr_history_add_trial(h, &x), FR_OK);
        for (uint32_t f = 0; f < folds; f++) {
            fr_fold_result r = {.trial = t, .fold = f, .score = scores[t * folds + f]};
            r.state = isnan(r.score) ? FR_TRIAL_FAILED : FR_TRIAL_COMPLETE;
            assert_int_equal(fr_history_add_fold(h, &r), FR_OK);
        }
    }
    return h;
}

static fr_status choose(const fr_history *h, const fr_select_options *options,
                        const double *complexity, double train_rows, double valid_rows,
                        fr_selection *out)
{
    const fr_select_facts facts = {
        .complexity = complexity, .train_rows = train_rows, .valid_rows = valid_rows};
    return fr_select_run(h, options, &facts, out);
}

/* 2 * scipy.stats.t.sf(|t|, df), scipy 1.17. */
static void student_equals_scipy(void **state)
{
    (void)state;
    static const struct {
        double t, freedom, p;
    } known[] = {
        {0.0, 3, 1},
        {0.5, 1, 0.70483276469913347},
        {1.0, 4, 0.37390096630005887},
        {2.0, 9, 0.076552823770701009},
        {2.776445105, 4, 0.050000000010119457},
        {-3.5, 2, 0.072827350054469331},
        {10, 5, 0.00017094757574296363},
        {0.001, 7, 0.99923001724499882},
        {1.96, 1000, 0.050273184955748736},
        {40, 3, 3.4380680789158506e-05},
        {5.0, 99, 2.4813960130409489e-06},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(close_to(fr_student_tail(known[i].t, known[i].freedom), known[i].p, 1e-12));
    assert_true(fr_student_tail(INFINITY, 4) == 0.0);
    assert_true(isnan(fr_student_tail(NAN, 4)));
    /* One degree of freedom is Cauchy's distribution: p = 1 - 2/pi atan(t), also far out. */
    for (double t = 1e-8; t < 1e140; t *= 1e3)
        assert_true(
            close_to(fr_student_tail(t, 1), atan(1.0 / t) * 0.63661977236758134, 1e-10));
}

static void paired_test_is_corrected(void **state)
{
    (void)state;
    const double d[5] = {0.02, -0.01, 0.03, 0.015, 0.005}, zero[3] = {0, 0, 0};
    const double equal[3] = {0.5, 0.5, 0.5};
    assert_true(close_to(fr_paired_test(d, 5, 0, 0), 0.15325877700281718, 1e-12));
    assert_true(close_to(fr_paired_test(d, 5, 80, 20), 0.30581680803983724, 1e-12));
    assert_true(close_to(fr_paired_test(d, 5, 90, 10), 0.23108924052855667, 1e-12));
    assert_true(fr_paired_test(zero, 3, 80, 20) == 1.0);
    assert_true(fr_paired_test(equal, 3, 80, 20) == 0.0);
    assert_true(isnan(fr_paired_test(d, 1, 80, 20)));
    assert_true(isnan(fr_paired_test(d, 0, 80, 20)));
}

/* scipy.stats: t.ppf and binomtest(...).proportion_ci(method="wilson"). */
static void intervals_equal_scipy(void **state)
{
    (void)state;
    const double score[] = {0.91, 0.93, 0.90, 0.95, 0.92}, two[] = {1, 4};
    assert_true(close_to(fr_score_half_width(score, 5, 0, 0.95), 0.023883883880999775, 1e-9));
    assert_true(close_to(fr_score_half_width(score, 5, NAN, 0.95), 0.023883883880999775, 1e-9));
    assert_true(
        close_to(fr_score_half_width(score, 5, 0.25, 0.95), 0.035825825821499666, 1e-9));
    assert_true(close_to(fr_score_half_width(two, 2, 0, 0.90), 9.470627272012555, 1e-9));
    assert_true(isnan(fr_score_half_width(score, 1, 0.25, 0.95)));
    double range[2];
    fr_share_interval(110.0 / 114.0, 114, 0.95, range);
    assert_true(close_to(range[0], 0.9132415849113642, 1e-9));
    assert_true(close_to(range[1], 0.9862720587655023, 1e-9));
    fr_share_interval(0, 10, 0.95, range);
    assert_true(range[0] == 0 && close_to(range[1], 0.27753279986288926, 1e-9));
    fr_share_interval(1, 20, 0.90, range);
    assert_true(range[1] == 1 && close_to(range[0], 0.8808421626390355, 1e-9));
}

static void best_is_the_best_complete_trial(void **state)
{
    (void)state;
    const double scores[10] = {0.8, 0.8, 0.9, 0.9, NAN, 1.0, 0.9, 0.9, 0.7, 0.7};
    fr_space space = one_float();
    const fr_select_options options = {.rule = FR_RULE_BEST};
    fr_selection s;
    fr_history *h = history_of(&space, scores, 5, 2, true);
    assert_int_equal(choose(h, &options, NULL, 80, 20, &s), FR_OK);
    assert_int_equal(s.chosen, 1);
    assert_int_equal(s.n_ranking, 4);
    const uint64_t up[4] = {1, 3, 0, 4};
    assert_memory_equal(s.ranking, up, sizeof up);
    fr_selection_clear(&s);
    fr_history_destroy(&h);

    h = history_of(&space, scores, 5, 2, false);
    assert_int_equal(choose(h, &options, NULL, 80, 20, &s), FR_OK);
    const uint64_t down[4] = {4, 0, 1, 3};
    assert_memory_equal(s.ranking, down, sizeof down);
    fr_selection_clear(&s);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

static void nothing_complete_is_an_error(void **state)
{
    (void)state;
    fr_space space = one_float();
    const double scores[2] = {NAN, NAN};
    for (size_t n = 0; n <= 2; n += 2)
        for (int rule = FR_RULE_BEST; rule <= FR_RULE_DICE; rule++) {
            const fr_select_options options = {.rule = rule, .alpha = 0.05, .rounds = 3};
            fr_selection s;
            fr_history *h = history_of(&space, scores, n, 1, true);
            assert_int_equal(choose(h, &options, NULL, 1, 1, &s), FR_ERR_STATE);
            fr_history_destroy(&h);
        }
    fr_space_clear(&space);
}

/* Best 0.90 with standard error 0.01: 0.891 is within, 0.889 is not. */
static void one_standard_error_takes_the_smallest_within(void **state)
{
    (void)state;
    const double scores[8] = {0.89, 0.91, 0.881, 0.901, 0.879, 0.899, 0.893, 0.903};
    const double size[4] = {1000, 10, 1, 10}, unknown[4] = {NAN, NAN, 1, 500};
    const fr_select_options options = {.rule = FR_RULE_ONE_STANDARD_ERROR};
    fr_space space = one_float();
    fr_history *h = history_of(&space, scores, 4, 2, true);
    fr_selection s;
    assert_int_equal(choose(h, &options, size, 80, 20, &s), FR_OK);
    assert_int_equal(s.chosen, 3); /* as small as trial 1, but better */
    fr_selection_clear(&s);
    assert_int_equal(choose(h, &options, unknown, 80, 20, &s), FR_OK);
    assert_int_equal(s.chosen, 3);
    fr_selection_clear(&s);
    assert_int_equal(choose(h, &options, NULL, 80, 20, &s), FR_OK);
    assert_int_equal(s.chosen, 0);
    fr_selection_clear(&s);
    fr_history_destroy(&h);

    /* One fold: no standard error, so only equals of the best compete. */
    h = history_of(&space, scores, 4, 1, true);
    assert_int_equal(choose(h, &options, size, 80, 20, &s), FR_OK);
    assert_int_equal(s.chosen, 1);
    fr_selection_clear(&s);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

static void paired_test_takes_the_smallest_not_told_apart(void **state)
{
    (void)state;
    const double scores[15] = {0.90, 0.91, 0.92, 0.93, 0.94,  /* best */
                               0.89, 0.92, 0.90, 0.93, 0.935, /* within its noise */
                               0.80, 0.81, 0.82, 0.83, 0.841};
    const double size[3] = {100, 50, 1};
    for (int minimize = 0; minimize < 2; minimize++) {
        double signed_scores[15];
        for (int i = 0; i < 15; i++) signed_scores[i] = minimize ? -scores[i] : scores[i];
        fr_space space = one_float();
        fr_history *h = history_of(&space, signed_scores, 3, 5, !minimize);
        const fr_select_options options = {.rule = FR_RULE_PAIRED_TEST, .alpha = 0.05};
        fr_selection s;
        assert_int_equal(choose(h, &options, size, 80, 20, &s), FR_OK);
        assert_int_equal(s.chosen, 1);
        assert_true(s.p_value[0] == 1.0 && s.difference[0] == 0.0);
        assert_true(s.p_value[1] > 0.05 && s.p_value[2] < 1e-6);
        assert_true(close_to(s.difference[2], minimize ? 0.0998 : -0.0998, 1e-9));
        fr_selection_clear(&s);
        fr_history_destroy(&h);
        fr_space_clear(&space);
    }
}

/* All C(6, k) subsets, by bit masks. */
static void expected_best_equals_enumeration(void **state)
{
    (void)state;
    const double scores[6] = {0.3, -1.0, 2.5, 2.5, 0.0, 1.0};
    for (size_t k = 1; k <= 6; k++)
        for (int maximize = 0; maximize < 2; maximize++) {
            double sum = 0.0;
            int count = 0;
            for (unsigned set = 0; set < 64; set++) {
                if ((size_t)__builtin_popcount(set) != k) continue;
                double best = maximize ? -INFINITY : INFINITY;
                for (int i = 0; i < 6; i++)
                    if (set >> i & 1)
                        best = maximize ? fmax(best, scores[i]) : fmin(best, scores[i]);
                sum += best;
                count++;
            }
            assert_true(fabs(fr_expected_best(scores, 6, k, maximize == 1) - sum / count) <
                        1e-14);
        }
    assert_true(isnan(fr_expected_best(scores, 6, 0, true)));
    assert_true(isnan(fr_expected_best(scores, 6, 7, true)));
}

/* Without replacement the trial of rank i (from 1) of n wins a round with probability
 * C(n - i, k - 1) / C(n, k): here 10/20, 6/20, 3/20, 1/20, 0, 0. */
static void dice_win_as_often_as_they_must(void **state)
{
    (void)state;
    const double scores[6] = {0.1, 0.6, 0.3, 0.5, 0.2, 0.4};
    const uint64_t ranking[6] = {1, 3, 5, 2, 4, 0};
    const double share[6] = {0.5, 0.3, 0.15, 0.05, 0.0, 0.0};
    fr_space space = one_float();
    fr_history *h = history_of(&space, scores, 6, 1, true);
    const fr_select_options options = {
        .rule = FR_RULE_DICE, .k = 3, .rounds = 20000, .seed = 8};
    fr_selection s, again;
    assert_int_equal(choose(h, &options, NULL, 80, 20, &s), FR_OK);
    assert_memory_equal(s.ranking, ranking, sizeof ranking);
    assert_int_equal(s.chosen, 1);
    assert_int_equal(s.n_rounds, 20000);
    size_t wins = 0;
    for (uint64_t r = 0; r < s.n_rounds; r++) wins += s.round_winner[r] == 3;
    assert_true(close_to(s.win_share[1], (double)wins / 20000.0, 1e-12));
    for (size_t i = 0; i < 6; i++) assert_true(fabs(s.win_share[i] - share[i]) < 0.015);
    assert_int_equal(s.n_expected, 6);
    for (size_t k = 1; k <= 6; k++)
        assert_true(close_to(s.expected[k - 1], fr_expected_best(scores, 6, k, true), 1e-13));
    assert_true(close_to(s.expected[0], 0.35, 1e-13) && s.expected[5] == 0.6);
    assert_int_equal(choose(h, &options, NULL, 80, 20, &again), FR_OK);
    assert_memory_equal(s.round_winner, again.round_winner, 20000 * sizeof(uint64_t));
    fr_selection_clear(&again);
    fr_selection_clear(&s);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

/* k = all is rule best; k = 1 is a plain draw; round r is the same whatever the number. */
static void dice_at_their_ends(void **state)
{
    (void)state;
    const double scores[5] = {5, 4, 3, 2, 1};
    fr_space space = one_float();
    fr_history *h = history_of(&space, scores, 5, 1, false);
    fr_select_options options = {.rule = FR_RULE_DICE, .k = 0, .rounds = 50};
    fr_selection all, one, few;
    assert_int_equal(choose(h, &options, NULL, 1, 1, &all), FR_OK);
    assert_int_equal(all.chosen, 4);
    assert_true(all.win_share[0] == 1.0);
    options.k = 1;
    options.rounds = 5000;
    assert_int_equal(choose(h, &options, NULL, 1, 1, &one), FR_OK);
    for (size_t i = 0; i < 5; i++) assert_true(fabs(one.win_share[i] - 0.2) < 0.03);
    options.rounds = 7;
    assert_int_equal(choose(h, &options, NULL, 1, 1, &few), FR_OK);
    assert_memory_equal(few.round_winner, one.round_winner, 7 * sizeof(uint64_t));
    fr_selection_clear(&few);
    fr_selection_clear(&one);
    fr_selection_clear(&all);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

/* The better mean has the wider error: the lower bound prefers the other. */
static void dice_may_look_at_the_lower_bound(void **state)
{
    (void)state;
    const double scores[4] = {0.7, 1.1, 0.89, 0.89};
    for (int minimize = 0; minimize < 2; minimize++) {
        double signed_scores[4];
        for (int i = 0; i < 4; i++) signed_scores[i] = minimize ? -scores[i] : scores[i];
        fr_space space = one_float();
        fr_history *h = history_of(&space, signed_scores, 2, 2, !minimize);
        fr_select_options options = {.rule = FR_RULE_DICE, .k = 2, .rounds = 5};
        fr_selection s;
        assert_int_equal(choose(h, &options, NULL, 1, 1, &s), FR_OK);
        assert_int_equal(s.chosen, 0);
        fr_selection_clear(&s);
        options.lower_bound = true;
        assert_int_equal(choose(h, &options, NULL, 1, 1, &s), FR_OK);
        assert_int_equal(s.chosen, 1);
        assert_int_equal(s.ranking[0], 0);
        fr_selection_clear(&s);
        fr_history_destroy(&h);
        fr_space_clear(&space);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(student_equals_scipy),
        cmocka_unit_test(paired_test_is_corrected),
        cmocka_unit_test(intervals_equal_scipy),
        cmocka_unit_test(best_is_the_best_complete_trial),
        cmocka_unit_test(nothing_complete_is_an_error),
        cmocka_unit_test(one_standard_error_takes_the_smallest_within),
        cmocka_unit_test(paired_test_takes_the_smallest_not_told_apart),
        cmocka_unit_test(expected_best_equals_enumeration),
        cmocka_unit_test(dice_win_as_often_as_they_must),
        cmocka_unit_test(dice_at_their_ends),
        cmocka_unit_test(dice_may_look_at_the_lower_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
