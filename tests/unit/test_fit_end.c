/* SPDX-License-Identifier: BSD-3-Clause */
/* test_fit_end.c - when a fit is scored, and every way in which it ends. */
#include "fit_fixture.h"

/* Scoring less often changes no weight; the last epoch and rungs are scored all the same, and
 * what is not scored is NaN in the curve. */
static void test_scores_when_asked(void **unused)
{
    (void)unused;
    made d = make_data(300, 6, 3);
    fr_recipe recipe = make_recipe(FR_FAMILY_SOFTMAX);
    const size_t size = fr_model_count_params(&recipe.model, 6, 3) * sizeof(float);
    const fr_rung rungs[2] = {{4, NAN}, {11, 0.0}};
    fr_fit_request request = request_for(&d, &recipe, 200, FR_METRIC_ACCURACY);
    fr_fold_result always, seldom;
    recipe.train.epochs = 17;
    request.rungs = rungs;
    request.n_rungs = 2;
    float *expected = fit_params(&request, &always);
    recipe.train.score_every = 5;
    float *params = fit_params(&request, &seldom);
    assert_memory_equal(params, expected, size);
    assert_true(seldom.score == always.score);
    assert_int_equal(seldom.n_curve, 17);
    for (uint32_t e = 1; e <= 17; e++) {
        const bool scored = e % 5 == 0 || e == 4 || e == 11 || e == 17;
        const double score = seldom.curve[2 * (e - 1) + 1];
        assert_true(seldom.curve[2 * (e - 1)] == always.curve[2 * (e - 1)]);
        assert_true(scored ? score == always.curve[2 * (e - 1) + 1] : isnan(score));
    }
    assert_true(seldom.flops < always.flops);
    free(params);
    free(expected);
    free_result(&seldom);
    free_result(&always);
    free_data(&d);
}

static void test_divergence_is_a_result(void **unused)
{
    (void)unused;
    made d = make_data(300, 6, 0);
    fr_recipe recipe = make_recipe(FR_FAMILY_LINEAR);
    recipe.train.optimizer = FR_OPT_SGD;
    recipe.train.learning_rate = 1e6;
    fr_fit_request request = request_for(&d, &recipe, 200, FR_METRIC_RMSE);
    fr_fold_result result;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_OK);
    assert_int_equal(result.state, FR_TRIAL_DIVERGED);
    assert_true(isnan(result.score));
    assert_non_null(strstr(result.message, "epoch 1"));
    assert_non_null(strstr(result.message, "1000000"));
    free_result(&result);
    free_data(&d);
}

static void test_early_stopping_keeps_the_best(void **unused)
{
    (void)unused;
    made d = make_data(160, 20, 4);
    for (size_t i = 0; i < 160; i += 3) d.y[i] = (float)(i % 4); /* noise to overfit */
    fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
    recipe.train.learning_rate = 0.02;
    recipe.train.epochs = 200;
    recipe.train.patience = 5;
    fr_fit_request request = request_for(&d, &recipe, 100, FR_METRIC_LOG_LOSS);
    fr_fold_result result, shorter;
    float *best = fit_params(&request, &result);
    assert_int_equal(result.state, FR_TRIAL_COMPLETE);
    assert_true(result.epochs < 200);
    assert_int_equal(result.epochs, result.best_epoch + 5);
    assert_true(result.score == result.curve[2 * (result.best_epoch - 1) + 1]);
    for (size_t e = 0; e < result.n_curve; e++)
        assert_true(result.score <= result.curve[2 * e + 1]);
    /* A fit of exactly that many epochs has the same weights. */
    recipe.train.patience = 0;
    request.stop_after = result.best_epoch;
    float *last = fit_params(&request, &shorter);
    assert_int_equal(shorter.epochs, result.best_epoch);
    assert_memory_equal(best, last, fr_model_count_params(&recipe.model, 20, 4) * sizeof *best);
    free(best);
    free(last);
    free_result(&result);
    free_result(&shorter);
    free_data(&d);
}

static void test_rungs_and_signals(void **unused)
{
    (void)unused;
    made d = make_data(300, 6, 3);
    fr_recipe recipe = make_recipe(FR_FAMILY_SOFTMAX);
    fr_fit_request request = request_for(&d, &recipe, 200, FR_METRIC_ACCURACY);
    const fr_rung never[2] = {{2, 0.0}, {4, NAN}}, second[2] = {{2, 0.0}, {5, 1.1}};
    atomic_bool stop;
    fr_fold_result result;
    request.rungs = never;
    request.n_rungs = 2;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_OK);
    assert_int_equal(result.state, FR_TRIAL_COMPLETE);
    assert_int_equal(result.epochs, 20);
    free_result(&result);
    request.rungs = second;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_OK);
    assert_int_equal(result.state, FR_TRIAL_PRUNED);
    assert_int_equal(result.epochs, 5);
    assert_true(result.score == result.curve[9]);
    free_result(&result);
    request.n_rungs = 0;
    atomic_init(&stop, true);
    request.stop = &stop;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_OK);
    assert_int_equal(result.state, FR_TRIAL_INTERRUPTED);
    assert_int_equal(result.epochs, 1);
    free_result(&result);
    free_data(&d);
}

/* Given up is complete: score and weights of the best epoch, with and without train.keep_best,
 * and a fit that reaches its last epoch keeps its best one all the same. */
static void test_given_up_is_complete(void **unused)
{
    (void)unused;
    made d = make_data(300, 6, 3);
    for (size_t i = 200; i < 300; i++) d.y[i] = (float)(i % 3); /* nothing to learn */
    fr_recipe recipe = make_recipe(FR_FAMILY_SOFTMAX);
    const size_t size = fr_model_count_params(&recipe.model, 6, 3) * sizeof(float);
    for (int run = 0; run < 3; run++) {
        fr_fit_request request = request_for(&d, &recipe, 200, FR_METRIC_ACCURACY);
        fr_fold_result result, shorter;
        request.give_up_after = run < 2 ? 3 : 1000;
        request.give_up_from = 7;
        request.want_train_score = true;
        recipe.train.keep_best = run == 1;
        float *best = fit_params(&request, &result);
        assert_int_equal(result.state, FR_TRIAL_COMPLETE);
        if (run < 2)
            assert_true(result.epochs >= 7 && result.epochs < 20);
        else
            assert_int_equal(result.epochs, 20);
        assert_true(run == 2 || result.best_epoch + 3 <= result.epochs);
        assert_true(result.best_epoch < result.epochs);
        assert_true(result.score == result.curve[2 * (result.best_epoch - 1) + 1]);
        for (size_t e = 0; e < result.n_curve; e++)
            assert_true(result.curve[2 * e + 1] <= result.score);

        recipe.train.keep_best = false;
        request.give_up_after = 0;
        request.stop_after = result.best_epoch;
        float *last = fit_params(&request, &shorter);
        assert_memory_equal(best, last, size);
        assert_true(shorter.train_score == result.train_score);
        free(best);
        free(last);
        free_result(&result);
        free_result(&shorter);
    }
    free_data(&d);
}

static void test_impossible_requests(void **unused)
{
    (void)unused;
    made d = make_data(50, 3, 2);
    fr_recipe recipe = make_recipe(FR_FAMILY_LINEAR);
    fr_fold_result result;
    fr_fit_request request = request_for(&d, &recipe, 40, FR_METRIC_ACCURACY);
    assert_int_equal(fr_fit(&request, &result, NULL), FR_ERR_DATA);
    recipe = make_recipe(FR_FAMILY_SVM);
    request.metric = FR_METRIC_LOG_LOSS;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_ERR_DATA);
    request.metric = FR_METRIC_RMSE;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_ERR_DATA);
    request.metric = FR_METRIC_ACCURACY;
    request.n_train = 0;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_ERR_DATA);
    /* One class among the validation rows has no ROC: the trial fails, with a reason. */
    for (size_t i = 40; i < 50; i++) d.y[i] = 1.0f;
    request = request_for(&d, &recipe, 40, FR_METRIC_ROC_AUC);
    assert_int_equal(fr_fit(&request, &result, NULL), FR_OK);
    assert_int_equal(result.state, FR_TRIAL_FAILED);
    assert_non_null(strstr(result.message, "roc_auc"));
    free_result(&result);
    free_data(&d);
}

static void test_small_sizes(void **unused)
{
    (void)unused;
    made d = make_data(7, 1, 2);
    fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
    fr_fold_result result;
    recipe.model.hidden = (fr_ints){{1}, 1};
    for (size_t n = 1; n <= 7; n++)
        for (int64_t batch = 1; batch <= 8; batch += 7) {
            recipe.train.batch_size = batch;
            fr_fit_request request = request_for(&d, &recipe, n, FR_METRIC_ACCURACY);
            request.want_train_score = true;
            assert_int_equal(fr_fit(&request, &result, NULL), FR_OK);
            assert_int_equal(result.state, FR_TRIAL_COMPLETE);
            assert_true(isnan(result.score) == (n == 7));
            free_result(&result);
        }
    free_data(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_when_asked),
        cmocka_unit_test(test_divergence_is_a_result),
        cmocka_unit_test(test_early_stopping_keeps_the_best),
        cmocka_unit_test(test_rungs_and_signals),
        cmocka_unit_test(test_given_up_is_complete),
        cmocka_unit_test(test_impossible_requests),
        cmocka_unit_test(test_small_sizes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
