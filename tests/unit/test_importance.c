/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_importance.c - importance of hyperparameters against scipy's analysis of variance, and
 * where the answer is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/importance.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "reference.h"

static char **three_choices(void)
{
    char **choices = fr_alloc(3, sizeof *choices);
    for (size_t i = 0; i < 3; i++) choices[i] = fr_strdup((const char *[]){"a", "b", "c"}[i]);
    return choices;
}

/* x in [0, 1]; code of 3 choices; when_a in 1 .. 5 while code is a. */
static fr_space test_space(void)
{
    fr_space space = {0};
    const fr_param x = {.name = fr_strdup("x"), .kind = FR_PARAM_FLOAT, .low = 0, .high = 1};
    const fr_param code = {.name = fr_strdup("code"),
                           .kind = FR_PARAM_CHOICE,
                           .high = 2,
                           .choices = three_choices(),
                           .n_choices = 3};
    fr_condition *condition = fr_alloc(1, sizeof *condition);
    condition->parent = 1;
    condition->values = fr_alloc(1, sizeof(double));
    condition->n_values = 1;
    const fr_param when_a = {.name = fr_strdup("when_a"),
                             .kind = FR_PARAM_INT,
                             .low = 1,
                             .high = 5,
                             .step = 1,
                             .conditions = condition,
                             .n_conditions = 1};
    assert_int_equal(fr_space_add(&space, x), FR_OK);
    assert_int_equal(fr_space_add(&space, code), FR_OK);
    assert_int_equal(fr_space_add(&space, when_a), FR_OK);
    return space;
}

static void add_trial(fr_history *h, const double *point, fr_trial_state state, double score)
{
    fr_fold_result r = {.trial = h->n, .state = state, .score = score};
    assert_int_equal(fr_history_add_trial(h, point), FR_OK);
    assert_int_equal(fr_history_add_fold(h, &r), FR_OK);
}

static void shares_equal_scipy(void **state)
{
    (void)state;
    static const int sizes[] = {24, 90, 120};
    for (size_t s = 0; s < 3; s++)
        for (int sign = -1; sign <= 1; sign += 2) {
            char head[64];
            snprintf(head, sizeof head, "trials rows=%d cols=4 n=%d", sizes[s], sizes[s]);
            const reference rows = reference_find("importance.txt", head);
            snprintf(head, sizeof head, "share n=%d", sizes[s]);
            const reference wanted = reference_find("importance.txt", head);
            fr_space space = test_space();
            fr_history *h = NULL;
            assert_int_equal(fr_history_create(&space, 1, sign < 0, &h), FR_OK);
            for (size_t t = 0; t < rows.n / 4; t++)
                add_trial(h, &rows.value[4 * t], FR_TRIAL_COMPLETE,
                          sign * rows.value[4 * t + 3]);
            double share[3];
            size_t n = 0, best = 0;
            assert_int_equal(fr_importance(h, share, &n, &best), FR_OK);
            assert_int_equal(n, sizes[s]);
            assert_int_equal(best, s == 2 ? 12 : 10);
            for (size_t j = 0; j < 3; j++)
                assert_true(fabs(share[j] - wanted.value[j]) < 1e-12);
            fr_history_destroy(&h);
            fr_space_clear(&space);
        }
}

/* Only code matters, fully: exactly the trials with code b are good. */
static void what_decides_has_all_and_noise_has_none(void **state)
{
    (void)state;
    fr_space space = test_space();
    fr_history *h = NULL;
    fr_rng rng = fr_rng_make(1, FR_RNG_SUGGEST, 0, 0, 0);
    assert_int_equal(fr_history_create(&space, 1, false, &h), FR_OK);
    for (size_t t = 0; t < 1000; t++) {
        const double point[] = {fr_rng_uniform(&rng), t % 10 == 0 ? 1 : 2, NAN};
        add_trial(h, point, FR_TRIAL_COMPLETE, t % 10 == 0 ? 0.1 : 0.9);
    }
    double share[3];
    size_t n = 0, best = 0;
    assert_int_equal(fr_importance(h, share, &n, &best), FR_OK);
    assert_int_equal(best, 100);
    assert_true(share[1] == 1.0);
    assert_true(share[0] < 0.02 && share[2] == 0.0);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

/* A pruned or diverged trial is not among the best, one that failed for another reason says
 * nothing. */
static void beaten_trials_count_and_failed_ones_do_not(void **state)
{
    (void)state;
    fr_space space = test_space();
    fr_history *h = NULL;
    assert_int_equal(fr_history_create(&space, 1, true, &h), FR_OK);
    for (size_t t = 0; t < 40; t++) {
        const fr_trial_state bad[] = {FR_TRIAL_PRUNED, FR_TRIAL_DIVERGED, FR_TRIAL_FAILED,
                                      FR_TRIAL_TIMEOUT};
        const double point[] = {t < 20 ? 0.9 : 0.1, 2, NAN};
        add_trial(h, point, t < 20 ? FR_TRIAL_COMPLETE : bad[t % 4], t < 20 ? 1.0 : 2.0);
    }
    double share[3];
    size_t n = 0, best = 0;
    assert_int_equal(fr_importance(h, share, &n, &best), FR_OK);
    assert_int_equal(n, 30);
    assert_int_equal(best, 10);
    /* F of 10 among 20 against none among 10, by hand: between 5/3, within 5. */
    assert_true(fabs(share[0] - (5.0 / 3 - 5.0 / 28) / (20.0 / 3)) < 1e-12);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

static void too_few_say_nothing(void **state)
{
    (void)state;
    fr_space space = test_space();
    for (size_t trials = 0; trials < 8; trials++) {
        fr_history *h = NULL;
        assert_int_equal(fr_history_create(&space, 1, true, &h), FR_OK);
        for (size_t t = 0; t < trials; t++)
            add_trial(h, (const double[]){0.1 * (double)t, 2, NAN}, FR_TRIAL_COMPLETE, 1.0);
        double share[3];
        size_t n = 0, best = 1;
        assert_int_equal(fr_importance(h, share, &n, &best), FR_OK);
        assert_true(n == trials && best == 0 && isnan(share[0]) && isnan(share[2]));
        fr_history_destroy(&h);
    }
    fr_space_clear(&space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_equal_scipy),
        cmocka_unit_test(what_decides_has_all_and_noise_has_none),
        cmocka_unit_test(beaten_trials_count_and_failed_ones_do_not),
        cmocka_unit_test(too_few_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
