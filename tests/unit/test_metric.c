/* SPDX-License-Identifier: BSD-3-Clause */
/* test_metric.c - metrics against scikit-learn's numbers, and at the edges. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "foldrank/metric.h"
#include "reference.h"

static const char FILE_NAME[] = "sklearn_metrics.txt";

static double score(fr_metric metric, const float *y, const float *output, size_t n,
                    size_t n_outputs)
{
    double out;
    assert_int_equal(fr_metric_score(metric, y, output, n, n_outputs, &out), FR_OK);
    return out;
}

static void expect(const char *head, double value, double tolerance)
{
    const reference r = reference_find(FILE_NAME, head);
    if (!(fabs(value - r.value[0]) <= tolerance))
        fail_msg("%s: %.17g, scikit-learn %.17g", head, value, r.value[0]);
}

static size_t load(const char *head, float *out)
{
    const reference r = reference_find(FILE_NAME, head);
    for (size_t i = 0; i < r.n; i++) out[i] = (float)r.value[i];
    return r.n;
}

static void test_several_classes(void **unused)
{
    (void)unused;
    float y[REFERENCE_MAX], p[REFERENCE_MAX];
    const size_t n = load("y_true task=multi", y);
    assert_int_equal(load("proba rows=40 cols=3 task=multi", p), 3 * n);
    expect("accuracy task=multi", score(FR_METRIC_ACCURACY, y, p, n, 3), 1e-15);
    expect("balanced_accuracy task=multi", score(FR_METRIC_BALANCED_ACCURACY, y, p, n, 3),
           1e-15);
    expect("f1 task=multi average=macro", score(FR_METRIC_F1_MACRO, y, p, n, 3), 1e-15);
    expect("f1 task=multi average=weighted", score(FR_METRIC_F1_WEIGHTED, y, p, n, 3), 1e-15);
    expect("mcc task=multi", score(FR_METRIC_MCC, y, p, n, 3), 1e-15);
    expect("log_loss task=multi", score(FR_METRIC_LOG_LOSS, y, p, n, 3), 1e-7); /* float32 */
    expect("roc_auc_ovr task=multi average=macro", score(FR_METRIC_ROC_AUC, y, p, n, 3), 1e-15);
}

/* Scores of one class become two columns, as models give them. */
static size_t load_binary(const char *head, float *y, float *p)
{
    float positive[REFERENCE_MAX];
    const size_t n = load("y_true task=binary", y);
    assert_int_equal(load(head, positive), n);
    for (size_t i = 0; i < n; i++) {
        p[2 * i] = (float)(1.0 - (double)positive[i]);
        p[2 * i + 1] = positive[i];
        /* The reference predicts 1 at exactly 1/2; of two equal outputs we take the first. */
        if (positive[i] == 0.5f) p[2 * i] = nextafterf(0.5f, 0.0f);
    }
    return n;
}

static void test_two_classes(void **unused)
{
    (void)unused;
    float y[REFERENCE_MAX], p[REFERENCE_MAX];
    const size_t n = load_binary("score task=binary", y, p);
    expect("accuracy task=binary", score(FR_METRIC_ACCURACY, y, p, n, 2), 1e-15);
    expect("balanced_accuracy task=binary", score(FR_METRIC_BALANCED_ACCURACY, y, p, n, 2),
           1e-15);
    expect("f1 task=binary average=macro", score(FR_METRIC_F1_MACRO, y, p, n, 2), 1e-15);
    expect("f1 task=binary average=weighted", score(FR_METRIC_F1_WEIGHTED, y, p, n, 2), 1e-15);
    expect("mcc task=binary", score(FR_METRIC_MCC, y, p, n, 2), 1e-15);
    expect("log_loss task=binary", score(FR_METRIC_LOG_LOSS, y, p, n, 2), 1e-7);
    expect("roc_auc task=binary", score(FR_METRIC_ROC_AUC, y, p, n, 2), 1e-15);
}

static void test_one_class_predicted(void **unused)
{
    (void)unused;
    float y[REFERENCE_MAX], p[REFERENCE_MAX];
    const size_t n = load_binary("y_pred task=constant", y, p);
    expect("accuracy task=constant", score(FR_METRIC_ACCURACY, y, p, n, 2), 1e-15);
    expect("balanced_accuracy task=constant", score(FR_METRIC_BALANCED_ACCURACY, y, p, n, 2),
           1e-15);
    expect("f1 task=constant average=macro", score(FR_METRIC_F1_MACRO, y, p, n, 2), 1e-15);
    expect("f1 task=constant average=weighted", score(FR_METRIC_F1_WEIGHTED, y, p, n, 2),
           1e-15);
    expect("mcc task=constant", score(FR_METRIC_MCC, y, p, n, 2), 0);
}

static void test_regression(void **unused)
{
    (void)unused;
    float y[REFERENCE_MAX], p[REFERENCE_MAX];
    const size_t n = load("y_true task=regression", y);
    assert_int_equal(load("y_pred task=regression", p), n);
    expect("rmse task=regression", score(FR_METRIC_RMSE, y, p, n, 1), 1e-14);
    expect("mae task=regression", score(FR_METRIC_MAE, y, p, n, 1), 1e-14);
    expect("r2 task=regression", score(FR_METRIC_R2, y, p, n, 1), 1e-14);
    expect("explained_variance task=regression",
           score(FR_METRIC_EXPLAINED_VARIANCE, y, p, n, 1), 1e-14);
}

static void test_edges(void **unused)
{
    (void)unused;
    const float y[3] = {1, 1, 1}, sure[6] = {0, 1, 0, 1, 0, 1}, wrong[6] = {1, 0, 1, 0, 1, 0};
    const float none[9] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN}, same[3] = {2, 2, 2};
    for (fr_metric m = 0; m < FR_METRIC_COUNT; m++) assert_true(isnan(score(m, y, sure, 0, 2)));
    assert_true(isnan(score(FR_METRIC_ROC_AUC, y, sure, 3, 2)));         /* one class only */
    assert_true(isfinite(score(FR_METRIC_ROC_AUC, y, none, 3, 3)) == 0); /* and it returns */
    assert_true(score(FR_METRIC_LOG_LOSS, y, sure, 3, 2) < 1e-6);
    assert_true(fabs(score(FR_METRIC_LOG_LOSS, y, wrong, 3, 2) - 15.942385) < 1e-5);
    assert_true(score(FR_METRIC_R2, same, same, 3, 1) == 1.0); /* no spread, no error */
    assert_true(score(FR_METRIC_R2, same, y, 3, 1) == 0.0);
    assert_true(score(FR_METRIC_RMSE, y, same, 3, 1) == 1.0);
}

/* One output of one row is enough, wherever it stands. */
static void test_outputs_that_are_not_finite(void **unused)
{
    (void)unused;
    const float y[3] = {0, 1, 0}, bad[3] = {NAN, INFINITY, -INFINITY};
    for (fr_metric m = 0; m < FR_METRIC_NDCG; m++) {
        const size_t n_outputs = m < FR_METRIC_RMSE ? 2 : 1;
        float output[6] = {0.75f, 0.25f, 0.5f, 0.125f, 0.875f, 0.25f};
        assert_true(isfinite(score(m, y, output, 3, n_outputs)));
        for (size_t i = 0; i < 3 * n_outputs; i++) {
            const float good = output[i];
            for (size_t b = 0; b < 3; b++) {
                output[i] = bad[b];
                assert_true(isnan(score(m, y, output, 3, n_outputs)));
            }
            output[i] = good;
        }
    }
}

static void test_words_and_directions(void **unused)
{
    (void)unused;
    size_t n = 0;
    while (fr_metric_words[n] != NULL) n++;
    assert_int_equal(n, FR_METRIC_COUNT);
    assert_string_equal(fr_metric_words[FR_METRIC_EXPLAINED_VARIANCE], "explained_variance");
    assert_false(fr_metric_maximizes(FR_METRIC_LOG_LOSS));
    assert_true(fr_metric_maximizes(FR_METRIC_R2));
    assert_true(fr_metric_scores(FR_METRIC_MCC, FR_LEARN_CLASSIFICATION));
    assert_false(fr_metric_scores(FR_METRIC_MCC, FR_LEARN_REGRESSION));
    assert_true(fr_metric_scores(FR_METRIC_RMSE, FR_LEARN_REGRESSION));
    assert_false(fr_metric_scores(FR_METRIC_RMSE, FR_LEARN_CLASSIFICATION));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_classes),
        cmocka_unit_test(test_two_classes),
        cmocka_unit_test(test_one_class_predicted),
        cmocka_unit_test(test_regression),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_outputs_that_are_not_finite),
        cmocka_unit_test(test_words_and_directions),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
