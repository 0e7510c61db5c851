/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_history.c - trials, states, statistics, and fold results as bytes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/history.h"
#include "foldrank/memory.h"

static fr_space one_float(void)
{
    fr_space space = {0};
    const fr_param x = {
        .name = fr_strdup("x"), .kind = FR_PARAM_FLOAT, .low = 0.0, .high = 1.0};
    assert_int_equal(fr_space_add(&space, x), FR_OK);
    return space;
}

static fr_history *start(const fr_space *space, uint32_t folds, size_t trials, bool maximize)
{
    fr_history *h = NULL;
    assert_int_equal(fr_history_create(space, folds, maximize, &h), FR_OK);
    for (size_t t = 0; t < trials; t++) {
        const double x = (double)t / 10.0;
        assert_int_equal(fr_history_add_trial(h, &x), FR_OK);
    }
    return h;
}

static fr_status file(fr_history *h, uint64_t trial, uint32_t fold, fr_trial_state state,
                      double score)
{
    fr_fold_result result = {.trial = trial, .fold = fold, .state = state, .score = score};
    return fr_history_add_fold(h, &result);
}

/* Mean 2, deviations -1, 0, 1: standard error 1 / sqrt(3). */
static void mean_and_error_do_not_depend_on_arrival(void **state)
{
    (void)state;
    fr_space space = one_float();
    fr_history *h = start(&space, 3, 2, true);
    const double score[3] = {1.0, 2.0, 3.0};
    const uint32_t order[2][3] = {{0, 1, 2}, {2, 0, 1}};
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(h->trials[t].state, FR_TRIAL_PENDING);
            const uint32_t f = order[t][i];
            assert_int_equal(file(h, t, f, FR_TRIAL_COMPLETE, score[f] / 7.0), FR_OK);
        }
    assert_int_equal(h->trials[0].state, FR_TRIAL_COMPLETE);
    assert_memory_equal(&h->trials[0].score_mean, &h->trials[1].score_mean, sizeof(double));
    assert_memory_equal(&h->trials[0].score_se, &h->trials[1].score_se, sizeof(double));
    assert_true(fabs(h->trials[0].score_mean - 2.0 / 7.0) < 1e-15);
    assert_true(fabs(h->trials[0].score_se - 1.0 / 7.0 / sqrt(3.0)) < 1e-15);
    assert_int_equal(h->settled, 2);
    fr_history_destroy(&h);
    assert_null(h);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

static void settled_is_a_prefix(void **state)
{
    (void)state;
    fr_space space = one_float();
    fr_history *h = start(&space, 1, 3, true);
    assert_int_equal(file(h, 1, 0, FR_TRIAL_COMPLETE, 1.0), FR_OK);
    assert_int_equal(h->settled, 0);
    assert_int_equal(file(h, 0, 0, FR_TRIAL_FAILED, NAN), FR_OK);
    assert_int_equal(h->settled, 2);
    assert_int_equal(file(h, 2, 0, FR_TRIAL_INTERRUPTED, NAN), FR_OK);
    assert_int_equal(h->settled, 2);
    assert_int_equal(h->trials[2].n_done, 0);
    assert_true(isnan(h->trials[1].score_se));
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

static void one_fold_decides_the_state(void **state)
{
    (void)state;
    static const struct {
        fr_trial_state folds[3], trial;
    } cases[] = {
        {{FR_TRIAL_COMPLETE, FR_TRIAL_COMPLETE, FR_TRIAL_COMPLETE}, FR_TRIAL_COMPLETE},
        {{FR_TRIAL_COMPLETE, FR_TRIAL_PRUNED, FR_TRIAL_CANCELLED}, FR_TRIAL_PRUNED},
        {{FR_TRIAL_CANCELLED, FR_TRIAL_COMPLETE, FR_TRIAL_COMPLETE}, FR_TRIAL_PRUNED},
        {{FR_TRIAL_DIVERGED, FR_TRIAL_PRUNED, FR_TRIAL_COMPLETE}, FR_TRIAL_DIVERGED},
        {{FR_TRIAL_TIMEOUT, FR_TRIAL_DIVERGED, FR_TRIAL_FAILED}, FR_TRIAL_FAILED},
        {{FR_TRIAL_TIMEOUT, FR_TRIAL_COMPLETE, FR_TRIAL_PRUNED}, FR_TRIAL_TIMEOUT},
    };
    fr_space space = one_float();
    fr_history *h = start(&space, 3, 6, false);
    for (size_t t = 0; t < 6; t++) {
        for (uint32_t f = 0; f < 3; f++)
            assert_int_equal(file(h, t, f, cases[t].folds[f], 5.0), FR_OK);
        assert_int_equal(h->trials[t].state, cases[t].trial);
    }
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

static void wrong_folds_are_refused_and_released(void **state)
{
    (void)state;
    fr_space space = one_float();
    fr_history *h = start(&space, 2, 1, true);
    fr_fold_result result = {.trial = 0, .fold = 2, .state = FR_TRIAL_COMPLETE};
    result.message = fr_strdup("owned");
    assert_int_equal(fr_history_add_fold(h, &result), FR_ERR_ARG);
    assert_null(result.message);
    assert_int_equal(file(h, 1, 0, FR_TRIAL_COMPLETE, 1.0), FR_ERR_ARG);
    assert_int_equal(file(h, 0, 0, FR_TRIAL_PENDING, 1.0), FR_ERR_ARG);
    assert_int_equal(file(h, 0, 0, FR_TRIAL_COMPLETE, 1.0), FR_OK);
    assert_int_equal(file(h, 0, 0, FR_TRIAL_COMPLETE, 1.0), FR_ERR_ARG);
    assert_non_null(strstr(fr_status_message(), "twice"));
    assert_int_equal(h->trials[0].n_done, 1);
    fr_history_destroy(&h);
    assert_int_equal(fr_history_create(&space, 0, true, &h), FR_ERR_ARG);
    fr_space_clear(&space);
}

static void best_takes_the_first_of_equals_and_no_nan(void **state)
{
    (void)state;
    fr_space space = one_float();
    for (int maximize = 0; maximize < 2; maximize++) {
        fr_history *h = start(&space, 1, 5, maximize == 1);
        const double sign = maximize == 1 ? 1.0 : -1.0;
        assert_int_equal(fr_history_best(h, 5), 5);
        assert_int_equal(file(h, 0, 0, FR_TRIAL_COMPLETE, NAN), FR_OK);
        assert_int_equal(fr_history_best(h, 5), 5);
        assert_int_equal(file(h, 1, 0, FR_TRIAL_COMPLETE, sign * 1.0), FR_OK);
        assert_int_equal(file(h, 2, 0, FR_TRIAL_COMPLETE, sign * 3.0), FR_OK);
        assert_int_equal(file(h, 3, 0, FR_TRIAL_COMPLETE, sign * 3.0), FR_OK);
        assert_int_equal(file(h, 4, 0, FR_TRIAL_PRUNED, sign * 9.0), FR_OK);
        assert_int_equal(fr_history_best(h, 5), 2);
        assert_int_equal(fr_history_best(h, 2), 1);
        assert_int_equal(fr_history_best(h, 0), 5);
        assert_false(fr_history_better(h, NAN, NAN));
        assert_true(fr_history_better(h, 0.0, NAN));
        assert_false(fr_history_better(h, 1.0, 1.0));
        fr_history_destroy(&h);
    }
    fr_space_clear(&space);
}

static fr_fold_result sample(void)
{
    fr_fold_result r = {.trial = UINT64_C(1) << 40,
                        .fold = 3,
                        .state = FR_TRIAL_TIMEOUT,
                        .score = 0.25,
                        .train_score = NAN,
                        .loss = -1.5,
                        .epochs = 30,
                        .best_epoch = 17,
                        .seconds = 1.25,
                        .samples_per_second = 1e6,
                        .flops = 1e12,
                        .rank = 7,
                        .start_s = 2.0,
                        .end_s = 3.25,
                        .n_curve = 2};
    r.curve = malloc(4 * sizeof(double));
    for (int i = 0; i < 4; i++) r.curve[i] = i + 0.5;
    r.message = fr_strdup("took too long");
    return r;
}

static void bytes_read_back(void **state)
{
    (void)state;
    fr_fold_result r = sample(), back;
    fr_pack pack = {0};
    fr_fold_result_pack(&r, &pack);
    assert_false(pack.failed);
    fr_unpack in = fr_unpack_make(pack.data, pack.size);
    assert_int_equal(fr_fold_result_unpack(&in, &back), FR_OK);
    assert_int_equal(fr_unpack_left(&in), 0);
    assert_int_equal(back.trial, r.trial);
    assert_int_equal(back.fold, r.fold);
    assert_int_equal(back.state, r.state);
    assert_memory_equal(&back.score, &r.score, sizeof(double));
    assert_true(isnan(back.train_score));
    assert_int_equal(back.best_epoch, 17);
    assert_int_equal(back.rank, 7);
    assert_memory_equal(&back.end_s, &r.end_s, sizeof(double));
    assert_int_equal(back.n_curve, 2);
    assert_memory_equal(back.curve, r.curve, 4 * sizeof(double));
    assert_string_equal(back.message, r.message);
    fr_fold_result_clear(&back);
    fr_fold_result_clear(&r);
    fr_pack_clear(&pack);
}

/* Every shorter prefix is refused; every single broken byte is refused or gives a result that
 * can be cleared. Under the address sanitizer this also proves that nothing is read beyond. */
static void broken_bytes_do_no_harm(void **state)
{
    (void)state;
    fr_fold_result r = sample(), back;
    fr_pack pack = {0};
    fr_fold_result_pack(&r, &pack);
    for (size_t n = 0; n < pack.size; n++) {
        unsigned char *copy = malloc(n + 1);
        memcpy(copy, pack.data, n);
        fr_unpack in = fr_unpack_make(copy, n);
        assert_int_equal(fr_fold_result_unpack(&in, &back), FR_ERR_FORMAT);
        fr_fold_result_clear(&back);
        free(copy);
    }
    for (size_t i = 0; i < pack.size; i++) {
        pack.data[i] ^= 0xFF;
        fr_unpack in = fr_unpack_make(pack.data, pack.size);
        const fr_status st = fr_fold_result_unpack(&in, &back);
        assert_true(st == FR_OK || st == FR_ERR_FORMAT);
        fr_fold_result_clear(&back);
        pack.data[i] ^= 0xFF;
    }
    fr_fold_result_clear(&r);
    fr_pack_clear(&pack);
}

static void states_have_words(void **state)
{
    (void)state;
    assert_string_equal(fr_trial_state_word(FR_TRIAL_PENDING), "pending");
    assert_string_equal(fr_trial_state_word(FR_TRIAL_CANCELLED), "cancelled");
    assert_string_equal(fr_trial_state_word((fr_trial_state)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_and_error_do_not_depend_on_arrival),
        cmocka_unit_test(settled_is_a_prefix),
        cmocka_unit_test(one_fold_decides_the_state),
        cmocka_unit_test(wrong_folds_are_refused_and_released),
        cmocka_unit_test(best_takes_the_first_of_equals_and_no_nan),
        cmocka_unit_test(bytes_read_back),
        cmocka_unit_test(broken_bytes_do_no_harm),
        cmocka_unit_test(states_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
