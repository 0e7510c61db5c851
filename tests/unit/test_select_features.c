/* SPDX-License-Identifier: BSD-3-Clause */
/* test_select_features.c - which features preprocessing keeps, and which weights l1 leaves,
 * against scikit-learn. */
#include "fit_fixture.h"

#include "reference.h"

static const char *const FILE_NAME = "sklearn_select.txt";

enum { N = 40, COLS = 8 };

/* The reference's rows; with classes, or with the target of the regression. */
static made reference_rows(bool classes)
{
    made d = make_data(N, COLS, classes ? 3 : 0);
    const reference x = reference_find(FILE_NAME, "x rows=40 cols=8"),
                    y = reference_find(FILE_NAME, classes ? "classes" : "y");
    for (size_t i = 0; i < N * COLS; i++) d.x[i] = (float)x.value[i];
    for (size_t i = 0; i < N; i++) d.y[i] = (float)y.value[i];
    return d;
}

static fr_preprocess_options options_of(fr_select_features select, double features)
{
    fr_preprocess_options o = {0};
    assert_int_equal(
        fr_option_defaults(fr_preprocess_option_table, fr_preprocess_option_count, &o), FR_OK);
    o.select_features = select;
    o.keep_features = features;
    return o;
}

/* Whatever the scaling, the columns of the record are kept, in their order. */
static void check(const made *d, fr_select_features select, const char *word, int features)
{
    char record[64];
    snprintf(record, sizeof record, "kept select=%s features=%d", word, features);
    const reference wanted = reference_find(FILE_NAME, record);
    for (int scale = FR_SCALE_NONE; scale <= FR_SCALE_ROBUST; scale++) {
        fr_preprocess_options o = options_of(select, features);
        fr_transform t;
        size_t next = 0;
        float row[COLS];
        o.scale = scale;
        assert_int_equal(fr_transform_fit(&o, &d->dataset, d->rows, N, &t), FR_OK);
        assert_int_equal(t.width, features);
        fr_transform_apply(&t, &d->dataset, d->rows + 5, 1, row, t.width);
        for (size_t c = 0; c < COLS; c++) {
            const fr_feature *f = &t.features[c];
            if (f->kind == FR_FEATURE_DROP) continue;
            assert_true(next < wanted.n && wanted.value[next] == (double)c);
            assert_int_equal(f->first, next);
            assert_true(row[next++] == (d->x[5 * COLS + c] - f->shift) * f->factor);
        }
        assert_int_equal(next, wanted.n);
        fr_transform_clear(&t);
    }
}

static void test_selection_is_scikit_learns(void **state)
{
    (void)state;
    made classes = reference_rows(true), values = reference_rows(false);
    for (int features = 1; features < COLS; features++) {
        check(&classes, FR_SELECT_F_TEST, "f_test", features);
        check(&classes, FR_SELECT_CHI2, "chi2", features);
        check(&classes, FR_SELECT_VARIANCE, "variance", features);
        check(&values, FR_SELECT_F_TEST, "regression", features);
    }
    free_data(&classes);
    free_data(&values);
}

/* Up to 16 different values are looked at as they are. */
static void test_information_is_scikit_learns(void **state)
{
    (void)state;
    made d = reference_rows(true);
    for (size_t i = 0; i < N * COLS; i++) d.x[i] = fminf(d.x[i], 12);
    for (int features = 1; features < COLS; features++)
        check(&d, FR_SELECT_MUTUAL_INFORMATION, "mutual_information", features);
    free_data(&d);
}

/* Column 2 of 160 different values says all of the target, which changes with every tenth of
 * them: no straight line sees it, 16 parts of 10 rows do. */
static void test_information_of_parts(void **state)
{
    (void)state;
    for (int classes = 0; classes <= 1; classes++) {
        made d = make_data(160, 5, classes ? 2 : 0);
        const fr_preprocess_options o = options_of(FR_SELECT_MUTUAL_INFORMATION, 1);
        fr_transform t;
        for (size_t i = 0; i < 160; i++) {
            const size_t value = i * 7 % 160, part = value / 10;
            d.x[i * 5 + 2] = (float)value * (float)value;
            d.y[i] = (float)(part % 2) + (classes ? 0 : 0.01f * (float)(part * 5 % 16));
        }
        assert_int_equal(fr_transform_fit(&o, &d.dataset, d.rows, 160, &t), FR_OK);
        for (size_t c = 0; c < 5; c++)
            assert_int_equal(t.features[c].kind, c == 2 ? FR_FEATURE_NUMERIC : FR_FEATURE_DROP);
        fr_transform_clear(&t);
        free_data(&d);
    }
}

/* l1 takes weights to 0 itself, where an independent solver has them. */
static void check_l1(fr_family family, const char *record, size_t outputs, size_t epochs)
{
    made d = reference_rows(family == FR_FAMILY_SOFTMAX);
    fr_recipe recipe = make_recipe(family);
    const reference wanted = reference_find(FILE_NAME, record);
    recipe.preprocess.scale = FR_SCALE_STANDARD;
    recipe.train.optimizer = FR_OPT_GD;
    recipe.train.learning_rate = family == FR_FAMILY_SOFTMAX ? 0.5 : 0.1;
    recipe.train.epochs = (int64_t)epochs;
    recipe.model.l1 = reference_number(&wanted, "l1", 0);
    const fr_fit_request request =
        request_for(&d, &recipe, N, outputs > 1 ? FR_METRIC_ACCURACY : FR_METRIC_R2);
    float *w = fit_params(&request, NULL);
    double mean = 0;
    for (size_t k = 0; k < outputs; k++) mean += (double)w[COLS * outputs + k];
    if (outputs == 1) mean = 0;
    assert_int_equal(wanted.n, (COLS + 1) * outputs);
    for (size_t i = 0; i < wanted.n; i++) {
        const double bias = i >= COLS * outputs ? mean / (double)outputs : 0;
        assert_true(fabs((double)w[i] - bias - wanted.value[i]) < 2e-4);
        if (i < COLS * outputs) assert_int_equal(w[i] == 0, wanted.value[i] == 0);
    }
    free(w);
    free_data(&d);
}

static void test_l1_is_scikit_learns(void **state)
{
    (void)state;
    check_l1(FR_FAMILY_LINEAR, "lasso l1=0.5", 1, 1000);
    check_l1(FR_FAMILY_LINEAR, "lasso l1=2.0", 1, 1000);
    check_l1(FR_FAMILY_SOFTMAX, "logistic l1=0.02", 3, 5000);
    check_l1(FR_FAMILY_SOFTMAX, "logistic l1=0.08", 3, 5000);
}

static void test_counts_below_0(void **state)
{
    (void)state;
    made d = reference_rows(true);
    const fr_preprocess_options o = options_of(FR_SELECT_CHI2, 3);
    fr_transform t;
    d.x[7 * COLS + 2] = -1;
    assert_int_equal(fr_transform_fit(&o, &d.dataset, d.rows, N, &t), FR_ERR_DATA);
    assert_non_null(strstr(fr_status_message(), "column x2 has -1"));
    free_data(&d);
}

/* One column of categories: only the levels that tell the classes apart keep a place. */
static void test_levels_are_features(void **state)
{
    (void)state;
    made d = make_data(60, 1, 2);
    fr_column *column = &d.dataset.schema.columns[0];
    column->kind = FR_COLUMN_CATEGORICAL;
    column->n_levels = 4;
    column->levels = fr_alloc(4, sizeof(char *));
    for (size_t l = 0; l < 4; l++) column->levels[l] = fr_strdup("level");
    for (size_t i = 0; i < 60; i++) { /* level 2 is class 1; 0, 1 and 3 are mostly class 0 */
        d.y[i] = (float)(i % 3 == 0);
        d.x[i] = i % 3 == 0 ? 2.0f : (float)(i % 4 == 2 ? 3 : i % 4);
    }
    const fr_preprocess_options o = options_of(FR_SELECT_F_TEST, 0.25);
    fr_transform t, back;
    float out[2];
    const uint32_t rows[2] = {0, 1};
    assert_int_equal(fr_transform_fit(&o, &d.dataset, d.rows, 60, &t), FR_OK);
    assert_int_equal(t.width, 1);
    assert_int_equal(t.features[0].place[2], 0);
    assert_int_equal(t.features[0].place[1], -1);
    fr_pack bytes = {0};
    fr_transform_pack(&t, &bytes);
    fr_unpack in = fr_unpack_make(bytes.data, bytes.size);
    assert_int_equal(fr_transform_unpack(&in, &back), FR_OK);
    fr_transform_apply(&back, &d.dataset, rows, 2, out, 1);
    assert_true(out[0] == 1 && out[1] == 0);
    fr_pack_clear(&bytes);
    fr_transform_clear(&back);
    fr_transform_clear(&t);
    free_data(&d);
}

static void test_share_of_features(void **state)
{
    (void)state;
    const fr_preprocess_options half = options_of(FR_SELECT_F_TEST, 0.5),
                                many = options_of(FR_SELECT_F_TEST, 100),
                                all = options_of(FR_SELECT_ALL, 3);
    assert_int_equal(fr_preprocess_kept(&half, 7), 4);
    assert_int_equal(fr_preprocess_kept(&half, 1), 1);
    assert_int_equal(fr_preprocess_kept(&many, 7), 7);
    assert_int_equal(fr_preprocess_kept(&all, 7), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selection_is_scikit_learns),
        cmocka_unit_test(test_information_is_scikit_learns),
        cmocka_unit_test(test_information_of_parts),
        cmocka_unit_test(test_l1_is_scikit_learns),
        cmocka_unit_test(test_counts_below_0),
        cmocka_unit_test(test_levels_are_features),
        cmocka_unit_test(test_share_of_features),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
