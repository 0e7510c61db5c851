/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_calibrate.c - Platt's sigmoids, temperatures and thresholds against scikit-learn and
 * scipy (tests/reference/sklearn_calibrate.py), and at the edges. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "foldrank/calibrate.h"
#include "foldrank/explain.h"
#include "foldrank/memory.h"
#include "reference.h"

static const char FILE_NAME[] = "sklearn_calibrate.txt";

/* A case of the reference: scores, and what a model with that softmax says. */
typedef struct {
    float score[REFERENCE_MAX], output[REFERENCE_MAX], y[REFERENCE_MAX];
    fr_unseen rows;
} fixture;

static void softmax(const float *z, size_t k, float *p)
{
    double sum = 0;
    for (size_t c = 0; c < k; c++) sum += exp((double)z[c]);
    for (size_t c = 0; c < k; c++) p[c] = (float)(exp((double)z[c]) / sum);
}

static void load(const char *name, size_t k, bool probable, fixture *out)
{
    char head[128];
    snprintf(head, sizeof head, "y case=%s", name);
    const reference y = reference_find(FILE_NAME, head);
    snprintf(head, sizeof head, "scores rows=%zu cols=%zu case=%s", y.n, k, name);
    const reference s = reference_find(FILE_NAME, head);
    for (size_t i = 0; i < s.n; i++) out->score[i] = out->output[i] = (float)s.value[i];
    for (size_t i = 0; i < y.n; i++) out->y[i] = (float)y.value[i];
    for (size_t i = 0; i < y.n && probable; i++)
        softmax(out->score + i * k, k, out->output + i * k);
    out->rows = (fr_unseen){out->y, out->output, y.n, k, probable};
}

static void expect_floats(const reference *wanted, const float *got, double tolerance)
{
    for (size_t i = 0; i < wanted->n; i++)
        if (!(fabs((double)got[i] - wanted->value[i]) <= tolerance))
            fail_msg("%s [%zu]: %.9g, reference %.9g", wanted->head, i, (double)got[i],
                     wanted->value[i]);
}

static void check_platt(const char *name, size_t k, const char *input)
{
    static fixture f;
    char head[128];
    fr_calibration c;
    const size_t lines = k == 2 ? 1 : k;
    load(name, k, strcmp(input, "log_odds") == 0, &f);
    assert_int_equal(fr_calibration_fit(FR_CALIBRATE_PLATT, &f.rows, &c), FR_OK);
    assert_int_equal(c.n, lines);
    for (int theirs = 0; theirs < 2; theirs++) {
        snprintf(head, sizeof head, "%s rows=%zu cols=2 case=%s input=%s",
                 theirs ? "sklearn" : "platt", lines, name, input);
        const reference r = reference_find(FILE_NAME, head);
        for (size_t i = 0; i < r.n; i++)
            if (!(fabs(c.sigmoid[i] - r.value[i]) <= 2e-6 * fmax(fabs(r.value[i]), 0.1)))
                fail_msg("%s [%zu]: %.12g, reference %.12g", head, i, c.sigmoid[i], r.value[i]);
    }
    snprintf(head, sizeof head, "calibrated rows=%zu cols=%zu case=%s input=%s", f.rows.n, k,
             name, input);
    const reference wanted = reference_find(FILE_NAME, head);
    fr_calibration_correct(&c, f.output, f.rows.n, k);
    expect_floats(&wanted, f.output, 2e-6);
    fr_calibration_apply(&c, f.score, f.rows.n, k);
    expect_floats(&wanted, f.score, 2e-6);
    fr_calibration_clear(&c);
}

static void test_platt(void **unused)
{
    (void)unused;
    check_platt("two", 2, "log_odds");
    check_platt("three", 3, "log_odds");
    check_platt("margins", 3, "margin");
}

static void check_temperature(const char *name, size_t k)
{
    static fixture f;
    char head[128];
    fr_calibration c;
    load(name, k, true, &f);
    assert_int_equal(fr_calibration_fit(FR_CALIBRATE_TEMPERATURE, &f.rows, &c), FR_OK);
    snprintf(head, sizeof head, "temperature case=%s", name);
    const reference t = reference_find(FILE_NAME, head);
    if (!(fabs(c.temperature - t.value[0]) <= 1e-5 * t.value[0]))
        fail_msg("%s: %.12g, scipy %.12g", head, c.temperature, t.value[0]);
    snprintf(head, sizeof head, "warmed rows=%zu cols=%zu case=%s", f.rows.n, k, name);
    const reference warmed = reference_find(FILE_NAME, head);
    fr_calibration_apply(&c, f.score, f.rows.n, k);
    expect_floats(&warmed, f.score, 2e-6);
    fr_calibration_clear(&c);
}

static void test_temperature(void **unused)
{
    (void)unused;
    check_temperature("two", 2);
    check_temperature("three", 3);
}

/* No error at all: the temperature ends at its least, and stays a number. */
static void test_without_errors(void **unused)
{
    (void)unused;
    const float p[] = {0.9f, 0.1f, 0.2f, 0.8f, 1.0f, 0.0f}, y[] = {0, 1, 0};
    const fr_unseen rows = {y, p, 3, 2, true};
    fr_calibration c;
    assert_int_equal(fr_calibration_fit(FR_CALIBRATE_TEMPERATURE, &rows, &c), FR_OK);
    assert_true(c.temperature >= 0.9e-3 && c.temperature < 0.1);
    fr_calibration_clear(&c);
    assert_int_equal(fr_calibration_fit(FR_CALIBRATE_PLATT, &rows, &c), FR_OK);
    assert_true(isfinite(c.sigmoid[0]) && isfinite(c.sigmoid[1]) && c.sigmoid[0] > 0);
    fr_calibration_clear(&c);
}

static void test_no_rows(void **unused)
{
    (void)unused;
    const float p[] = {NAN, NAN}, y[] = {0};
    const fr_unseen rows = {y, p, 1, 2, true};
    fr_calibration c;
    assert_int_equal(fr_calibration_fit(FR_CALIBRATE_PLATT, &rows, &c), FR_ERR_DATA);
}

/* What the threshold says is as good as the best of all, and not below that of one half. */
static void test_threshold(void **unused)
{
    (void)unused;
    static const fr_metric metrics[] = {FR_METRIC_ACCURACY, FR_METRIC_BALANCED_ACCURACY,
                                        FR_METRIC_F1_MACRO, FR_METRIC_MCC};
    const reference p = reference_find(FILE_NAME, "p"),
                    y = reference_find(FILE_NAME, "p_class");
    float second[REFERENCE_MAX], both[2 * REFERENCE_MAX], target[REFERENCE_MAX];
    for (size_t i = 0; i < p.n; i++) {
        both[2 * i + 1] = second[i] = (float)p.value[i];
        both[2 * i] = 1.0f - second[i];
        target[i] = (float)y.value[i];
    }
    for (size_t m = 0; m < 4; m++) {
        char head[64];
        double score;
        fr_calibration c = {0};
        snprintf(head, sizeof head, "best metric=%s", fr_metric_words[metrics[m]]);
        const reference best = reference_find(FILE_NAME, head);
        assert_int_equal(fr_calibration_score(&c, metrics[m], target, both, p.n, 2, &score),
                         FR_OK);
        assert_float_equal(score, best.value[1], 1e-12);
        assert_int_equal(fr_threshold_tune(metrics[m], target, second, p.n, &c.threshold),
                         FR_OK);
        assert_int_equal(fr_calibration_score(&c, metrics[m], target, both, p.n, 2, &score),
                         FR_OK);
        assert_float_equal(score, best.value[0], 1e-12);
    }
}

static void test_worth(void **unused)
{
    (void)unused;
    static fixture f;
    static const char *const names[] = {"two", "three"};
    const fr_calibration none = {0};
    for (size_t i = 0; i < 2; i++) {
        char head[64];
        double worth[FR_WORTHS];
        load(names[i], i + 2, true, &f);
        snprintf(head, sizeof head, "worth case=%s", names[i]);
        const reference wanted = reference_find(FILE_NAME, head);
        assert_int_equal(fr_explain_worth(&none, &f.rows, FR_METRIC_ACCURACY, 10, worth),
                         FR_OK);
        assert_float_equal(worth[FR_WORTH_LOG_LOSS], wanted.value[0], 1e-6);
        assert_float_equal(worth[FR_WORTH_BRIER], wanted.value[1], 1e-6);
        f.rows.probable = false;
        assert_int_equal(fr_explain_worth(&none, &f.rows, FR_METRIC_ACCURACY, 10, worth),
                         FR_OK);
        assert_true(isnan(worth[FR_WORTH_BRIER]) && isnan(worth[FR_WORTH_ERROR]));
    }
}

/* The threshold that says the second class of rows that tie is one half. */
static void test_class(void **unused)
{
    (void)unused;
    const float low[] = {0.7f, 0.3f}, even[] = {0.5f, 0.5f}, broken[] = {NAN, 0.9f};
    fr_calibration c = {0};
    assert_int_equal(fr_calibration_class(&c, low, 2), 0);
    assert_int_equal(fr_calibration_class(&c, even, 2), 0);
    c.threshold = 0.29f;
    assert_int_equal(fr_calibration_class(&c, low, 2), 1);
    assert_int_equal(fr_calibration_class(&c, broken, 2), 1); /* as fr_predicted_class */
    c.threshold = 0.3f;
    assert_int_equal(fr_calibration_class(&c, low, 2), 0);
}

static void test_pack(void **unused)
{
    (void)unused;
    double lines[] = {0.5, -1, 2, 0.25};
    const fr_calibration c = {FR_CALIBRATE_PLATT, true, 2, lines, 0, 0.25f};
    fr_calibration back;
    fr_pack pack = {0};
    fr_calibration_pack(&c, &pack);
    fr_unpack in = fr_unpack_make(pack.data, pack.size);
    assert_int_equal(fr_calibration_unpack(&in, &back), FR_OK);
    assert_memory_equal(back.sigmoid, lines, sizeof lines);
    assert_true(back.method == FR_CALIBRATE_PLATT && back.log_scores && back.n == 2);
    assert_true(back.threshold == 0.25f);
    fr_calibration_clear(&back);
    in = fr_unpack_make(pack.data, pack.size - 1);
    assert_int_equal(fr_calibration_unpack(&in, &back), FR_ERR_FORMAT);
    fr_calibration_clear(&back);
    fr_pack_clear(&pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_platt),          cmocka_unit_test(test_temperature),
        cmocka_unit_test(test_without_errors), cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_threshold),      cmocka_unit_test(test_worth),
        cmocka_unit_test(test_class),          cmocka_unit_test(test_pack),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
