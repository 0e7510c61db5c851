/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1,2 */
/* test_explain.c - importance, dependence and calibration against scikit-learn on fixed models
 * (tests/reference/explain.py), and where the answer is known. */
#include "fit_fixture.h"
#include "foldrank/explain.h"
#include "foldrank/network.h"
#include "reference.h"

/* The rows of records x and y, as a data set; classes 0: a regression. */
static made read_data(const char *x_head, const char *y_head, size_t cols, size_t classes)
{
    const reference x = reference_find("explain.txt", x_head);
    const reference y = reference_find("explain.txt", y_head);
    made d = make_data(y.n, cols, classes);
    for (size_t i = 0; i < x.n; i++) d.x[i] = (float)x.value[i];
    for (size_t i = 0; i < y.n; i++) d.y[i] = (float)y.value[i];
    return d;
}

/* A model without hidden layers, inputs as they are: weights (cols) and a bias. Of two classes
 * the second's score is that much above the first's. */
static fr_model fixed_model(const made *d, const reference *weights, double bias)
{
    const bool classifies = d->dataset.schema.learn == FR_LEARN_CLASSIFICATION;
    const fr_recipe recipe = make_recipe(classifies ? FR_FAMILY_SOFTMAX : FR_FAMILY_LINEAR);
    const size_t outputs = classifies ? 2 : 1;
    fr_model model = {.options = recipe.model, .n_outputs = outputs};
    fr_network network;
    assert_int_equal(fr_schema_copy(&d->dataset.schema, &model.schema), FR_OK);
    assert_int_equal(fr_transform_fit(&recipe.preprocess, &d->dataset, d->rows,
                                      d->dataset.schema.rows, &model.transform),
                     FR_OK);
    assert_int_equal(model.transform.width, weights->n);
    fr_network_make(&recipe.model, d->dataset.schema.learn, weights->n, outputs, &network);
    model.n_params = network.n_params;
    model.params = fr_alloc(network.n_params, sizeof(float));
    for (size_t j = 0; j < weights->n; j++)
        model.params[network.weights[1] + j * outputs + outputs - 1] = (float)weights->value[j];
    model.params[network.bias[1] + outputs - 1] = (float)bias;
    return model;
}

static fr_explain_options default_options(void)
{
    fr_explain_options options = {0};
    assert_int_equal(
        fr_option_defaults(fr_explain_option_table, fr_explain_option_count, &options), FR_OK);
    return options;
}

static fr_permutation permutation_of(const made *d, const fr_model *model, fr_metric metric)
{
    return (fr_permutation){.model = model,
                            .dataset = &d->dataset,
                            .rows = d->rows,
                            .n = d->dataset.schema.rows,
                            .metric = metric,
                            .seed = 3,
                            .trial = 7,
                            .fold = 1,
                            .repeats = 1,
                            .step = 1};
}

/* Both are means over random shuffles: they agree within five standard errors. */
static void check_importance(const made *d, const fr_model *model, fr_metric metric,
                             const char *head)
{
    enum { REPEATS = 2000 };
    const reference expected = reference_find("explain.txt", head);
    const size_t cols = d->dataset.schema.cols;
    fr_permutation request = permutation_of(d, model, metric);
    request.repeats = REPEATS;
    double *drop = fr_alloc(cols * REPEATS, sizeof *drop);
    assert_int_equal(fr_permutation_run(&request, drop), FR_OK);
    for (size_t j = 0; j < cols; j++) {
        double mean = 0;
        for (size_t r = 0; r < REPEATS; r++) mean += drop[j * REPEATS + r] / REPEATS;
        const double theirs = expected.value[2 * j], error = expected.value[2 * j + 1];
        if (!(fabs(mean - theirs) <= 5 * sqrt(1 + 3000.0 / REPEATS) * error + 1e-6))
            fail_msg("%s column %zu: %g, scikit-learn has %g +- %g", head, j, mean, theirs,
                     error);
    }
    free(drop);
}

static void importance_equals_sklearn(void **state)
{
    (void)state;
    const reference weights = reference_find("explain.txt", "weights");
    const reference bias = reference_find("explain.txt", "bias");
    made d = read_data("x rows=80 cols=4", "y", 4, 0);
    fr_model model = fixed_model(&d, &weights, bias.value[0]);
    check_importance(&d, &model, FR_METRIC_R2, "importance rows=4 cols=2 scoring=r2");
    check_importance(&d, &model, FR_METRIC_RMSE,
                     "importance rows=4 cols=2 scoring=neg_root_mean_squared_error");
    fr_model_clear(&model);
    free_data(&d);
    const reference class_weights = reference_find("explain.txt", "class_weights");
    const reference class_bias = reference_find("explain.txt", "class_bias");
    d = read_data("class_x rows=100 cols=3", "class_y", 3, 2);
    model = fixed_model(&d, &class_weights, class_bias.value[0]);
    check_importance(&d, &model, FR_METRIC_ACCURACY,
                     "class_importance rows=3 cols=2 scoring=accuracy");
    fr_model_clear(&model);
    free_data(&d);
}

/* The same rows stored sparse: the same bits, of importance and of dependence. */
static void sparse_rows_are_rows(void **state)
{
    (void)state;
    enum { ROWS = 80, COLS = 4 };
    static const float zero = 0;
    const reference weights = reference_find("explain.txt", "weights");
    made d = read_data("x rows=80 cols=4", "y", COLS, 0);
    uint64_t start[ROWS + 1] = {0};
    uint32_t column[ROWS * COLS];
    float value[ROWS * COLS];
    for (size_t i = 0; i < ROWS; i++) {
        start[i + 1] = start[i];
        for (size_t j = 0; j < COLS; j++) {
            if (d.x[i * COLS + j] < 0.3f) d.x[i * COLS + j] = zero;
            if (!(d.x[i * COLS + j] > 0)) continue;
            column[start[i + 1]] = (uint32_t)j;
            value[start[i + 1]++] = d.x[i * COLS + j];
        }
    }
    fr_model model = fixed_model(&d, &weights, 1);
    double drop[2][COLS];
    fr_explanation e[2];
    const fr_explain_options options = default_options();
    for (int k = 0; k < 2; k++) {
        fr_permutation request = permutation_of(&d, &model, FR_METRIC_R2);
        assert_int_equal(fr_permutation_run(&request, drop[k]), FR_OK);
        e[k] = (fr_explanation){.features = fr_alloc(COLS, sizeof(fr_explained_feature)),
                                .n_features = COLS};
        assert_int_equal(
            fr_explain_dependence(&options, &model, &d.dataset, d.rows, ROWS, 1, &e[k]), FR_OK);
        d.dataset.schema.cell = FR_CELL_SPARSE;
        d.dataset.x = NULL;
        d.dataset.sparse = (fr_sparse_rows){ROWS, start, column, value};
    }
    assert_memory_equal(drop[0], drop[1], sizeof drop[0]);
    assert_int_equal(e[0].n_points, e[1].n_points);
    assert_memory_equal(e[0].points, e[1].points, e[0].n_points * sizeof *e[0].points);
    assert_memory_equal(e[0].dependence, e[1].dependence, e[0].n_points * sizeof(float));
    fr_explanation_clear(&e[0]);
    fr_explanation_clear(&e[1]);
    fr_model_clear(&model);
    free_data(&d);
}

/* Whoever computes which columns: the same bits; other folds: other shuffles. */
static void parts_make_the_whole(void **state)
{
    (void)state;
    enum { COLS = 4, REPEATS = 3 };
    const reference weights = reference_find("explain.txt", "weights");
    made d = read_data("x rows=80 cols=4", "y", 4, 0);
    fr_model model = fixed_model(&d, &weights, 1);
    double whole[COLS * REPEATS], part[COLS * REPEATS];
    fr_permutation request = permutation_of(&d, &model, FR_METRIC_R2);
    request.repeats = REPEATS;
    assert_int_equal(fr_permutation_run(&request, whole), FR_OK);
    request.step = 3;
    for (request.first = 0; request.first < 3; request.first++) {
        assert_int_equal(fr_permutation_run(&request, part), FR_OK);
        for (size_t j = request.first, i = 0; j < COLS; j += 3, i++)
            assert_memory_equal(&part[i * REPEATS], &whole[j * REPEATS],
                                sizeof(double[REPEATS]));
    }
    request.first = 0;
    request.fold++;
    assert_int_equal(fr_permutation_run(&request, part), FR_OK);
    assert_memory_not_equal(part, whole, sizeof(double[REPEATS]));
    request.n = 1; /* nothing to exchange */
    assert_int_equal(fr_permutation_run(&request, part), FR_OK);
    assert_true(isnan(part[0]) && isnan(part[2 * REPEATS - 1]));
    atomic_bool stop = true;
    request.n = 80;
    request.stop = &stop;
    assert_int_equal(fr_permutation_run(&request, part), FR_STOPPED);
    fr_model_clear(&model);
    free_data(&d);
}

/* A categorical column of three levels becomes three inputs; it is dealt anew as one, so every
 * row keeps exactly one of them. The model counts them: nothing changes. */
static void a_column_of_many_inputs_is_one(void **state)
{
    (void)state;
    made d = make_data(60, 2, 0);
    fr_column *column = &d.dataset.schema.columns[0];
    column->kind = FR_COLUMN_CATEGORICAL;
    column->n_levels = 3;
    column->levels = fr_alloc(3, sizeof(char *));
    for (size_t k = 0; k < 3; k++) column->levels[k] = fr_strdup("level");
    for (size_t i = 0; i < 60; i++) {
        d.x[2 * i] = (float)(i % 3);
        d.y[i] = (float)i;
    }
    reference weights = {.value = {1, 1, 1, 0}, .n = 4};
    fr_model model = fixed_model(&d, &weights, 0);
    double drop[4];
    fr_permutation request = permutation_of(&d, &model, FR_METRIC_RMSE);
    request.repeats = 2;
    assert_int_equal(fr_permutation_run(&request, drop), FR_OK);
    for (size_t i = 0; i < 4; i++) assert_true(drop[i] == 0);
    /* A model that goes by one level does change. */
    model.params[0] = 100;
    assert_int_equal(fr_permutation_run(&request, drop), FR_OK);
    assert_true(drop[0] != 0 && drop[1] != 0 && drop[2] == 0 && drop[3] == 0);
    fr_model_clear(&model);
    free_data(&d);
}

static void dependence_equals_sklearn(void **state)
{
    (void)state;
    const reference weights = reference_find("explain.txt", "weights");
    const reference bias = reference_find("explain.txt", "bias");
    const reference grid = reference_find("explain.txt", "grid");
    const reference expected = reference_find("explain.txt", "dependence");
    made d = read_data("x rows=80 cols=4", "y", 4, 0);
    fr_model model = fixed_model(&d, &weights, bias.value[0]);
    fr_explain_options options = default_options();
    fr_explanation e = {.features = fr_alloc(4, sizeof(fr_explained_feature)), .n_features = 4};
    const double importance[4] = {2, 1, 0.5, NAN};
    for (size_t j = 0; j < 4; j++) e.features[j].importance = importance[j];
    assert_int_equal(fr_explain_dependence(&options, &model, &d.dataset, d.rows, 80, 1, &e),
                     FR_OK);
    assert_int_equal(e.n_points, 3 * 20); /* the fourth has no importance */
    for (size_t i = 0; i < grid.n; i++) {
        assert_int_equal(e.points[i].feature, 0);
        assert_true(e.points[i].value == (double)(float)grid.value[i]);
        assert_true(fabs((double)e.dependence[i] - expected.value[i]) < 1e-5);
    }
    /* Of a linear model: bias, the other columns' means, and the column's own slope. */
    for (size_t i = 0; i < e.n_points; i++) {
        const size_t column = e.points[i].feature;
        double sum = bias.value[0] + weights.value[column] * e.points[i].value;
        for (size_t j = 0; j < 4; j++)
            for (size_t r = 0; r < 80 && j != column; r++)
                sum += weights.value[j] * (double)d.x[r * 4 + j] / 80;
        assert_true(fabs((double)e.dependence[i] - sum) < 1e-5);
    }
    fr_explanation_clear(&e);
    fr_model_clear(&model);
    free_data(&d);
}

/* All levels, or the most frequent ones, by number. */
static void few_values_are_the_grid(void **state)
{
    (void)state;
    made d = make_data(50, 1, 0);
    for (size_t i = 0; i < 50; i++) d.x[i] = i < 20 ? 5.0f : i < 40 ? 1.0f : (float)(i % 5 + 6);
    const reference weights = {.value = {2}, .n = 1};
    fr_model model = fixed_model(&d, &weights, 0);
    fr_explain_options options = default_options();
    const float all[] = {1, 5, 6, 7, 8, 9, 10}, frequent[] = {1, 5};
    for (int few = 0; few < 2; few++) {
        fr_explanation e = {.features = fr_alloc(1, sizeof(fr_explained_feature)),
                            .n_features = 1};
        options.grid = few ? 2 : 20;
        if (few) { /* only levels may be left out so */
            fr_column *column = &d.dataset.schema.columns[0];
            column->kind = FR_COLUMN_CATEGORICAL;
        }
        assert_int_equal(fr_explain_dependence(&options, &model, &d.dataset, d.rows, 50, 1, &e),
                         FR_OK);
        assert_int_equal(e.n_points, few ? 2 : 7);
        for (size_t i = 0; i < e.n_points; i++) {
            const float value = few ? frequent[i] : all[i];
            assert_true(e.points[i].value == (double)value && e.dependence[i] == 2 * value);
        }
        fr_explanation_clear(&e);
    }
    fr_model_clear(&model);
    free_data(&d);
}

static void curves_equal_sklearn(void **state)
{
    (void)state;
    static const struct {
        const char *curve;
        size_t bins;
    } cases[] = {{"curve rows=10 cols=3 case=0 bins=10", 10},
                 {"curve rows=7 cols=3 case=1 bins=7", 7},
                 {"curve rows=10 cols=3 case=2 bins=10", 10}};
    for (size_t c = 0; c < 3; c++) {
        char head[64];
        snprintf(head, sizeof head, "probability case=%zu", c);
        const reference p = reference_find("explain.txt", head);
        snprintf(head, sizeof head, "came_true case=%zu", c);
        const reference y = reference_find("explain.txt", head);
        snprintf(head, sizeof head, "error case=%zu", c);
        const reference off = reference_find("explain.txt", head);
        const reference expected = reference_find("explain.txt", cases[c].curve);
        float probability[REFERENCE_MAX];
        bool came_true[REFERENCE_MAX];
        fr_calibration_bin bins[10];
        size_t n = 0;
        double error = 0;
        for (size_t i = 0; i < p.n; i++) {
            probability[i] = (float)p.value[i];
            came_true[i] = y.value[i] > 0;
        }
        assert_int_equal(
            fr_calibration_curve(probability, came_true, p.n, cases[c].bins, bins, &n, &error),
            FR_OK);
        assert_int_equal(n, expected.n / 3);
        for (size_t b = 0; b < n; b++) {
            assert_true(fabs(bins[b].predicted - expected.value[3 * b]) < 1e-12);
            assert_true(fabs(bins[b].observed - expected.value[3 * b + 1]) < 1e-12);
            assert_int_equal(bins[b].rows, (uint64_t)expected.value[3 * b + 2]);
        }
        assert_true(fabs(error - off.value[0]) < 1e-12);
    }
}

/* Two folds in two parts each, both of which have row 2: the first one counts. */
static void folds_come_together(void **state)
{
    (void)state;
    made d = make_data(5, 3, 2);
    const int32_t group[] = {4, 4, 9, 9, 9};
    const float y[] = {0, 1, 1, 0, 1};
    memcpy(d.y, y, sizeof y);
    d.dataset.group = group;
    uint32_t rows[2][3] = {{0, 2, 3}, {1, 2, 4}};
    float outputs[2][6] = {{0.9f, 0.1f, 0.8f, 0.2f, 0.4f, 0.6f},
                           {0.3f, 0.7f, 0, 1, 0.5f, 0.5f}};
    double drops[2][2][4] = {{{1, 3, 0, 0}, {5, 5}}, {{4, 4, 0, 0}, {NAN, 1}}};
    fr_fold_explanation parts[4];
    for (size_t f = 0; f < 2; f++)
        for (size_t p = 0; p < 2; p++)
            parts[2 * f + p] = (fr_fold_explanation){.fold = (uint32_t)f,
                                                     .part = (uint32_t)p,
                                                     .parts = 2,
                                                     .n = p == 0 ? 3 : 0,
                                                     .n_outputs = p == 0 ? 2 : 0,
                                                     .row = rows[f],
                                                     .output = outputs[f],
                                                     .n_columns = 2 - p,
                                                     .repeats = 2,
                                                     .drop = drops[f][p]};
    fr_explanation e = {0};
    const fr_explain_options options = default_options();
    assert_int_equal(fr_explain_importance(parts, 2, 2, 3, &e), FR_OK);
    assert_true(e.features[0].importance == 3 && e.features[2].importance == 0);
    assert_true(fabs(e.features[0].fold_sd - sqrt(2)) < 1e-12);
    assert_true(fabs(e.features[0].repeat_sd - 1) < 1e-12);
    assert_true(e.features[1].importance == 5); /* the second fold does not say */
    assert_int_equal(fr_explain_out_of_fold(parts, 2, 2, &d.dataset, &e), FR_OK);
    assert_int_equal(e.out_of_fold.n, 5);
    assert_true(e.out_of_fold.output[2 * 2] == 0.8f && e.out_of_fold.row[4] == 4);
    assert_int_equal(fr_explain_errors(&options, &d.dataset, FR_METRIC_ACCURACY, true, &e),
                     FR_OK);
    /* Said 0, 1, 0, 1, 0 (a tie goes to the first) of 0, 1, 1, 0, 1. */
    const fr_confusion_cell cells[] = {{0, 0, 1}, {0, 1, 1}, {1, 0, 2}, {1, 1, 1}};
    assert_int_equal(e.n_confusion, 4);
    assert_memory_equal(e.confusion, cells, sizeof cells);
    assert_int_equal(e.n_groups, 2);
    assert_true(e.groups[0].group == 4 && e.groups[0].rows == 2 && e.groups[0].score == 1);
    assert_true(e.groups[1].first_row == 2 && e.groups[1].rows == 3 && e.groups[1].score == 0);
    assert_true(e.hardest[0].row == 2 && fabs(e.hardest[0].loss + log(0.2)) < 1e-6);
    assert_true(e.hardest[1].row == 3 && e.n_hardest == 5);
    fr_explanation_clear(&e);
    d.dataset.group = NULL;
    free_data(&d);
}

/* Messages come back as they were; broken ones are refused. */
static void messages_survive(void **state)
{
    (void)state;
    uint32_t row[2] = {3, 8};
    float output[4] = {1, 2, 3, 4};
    double drop[6] = {0.5, NAN, 1, 2, 3, 4};
    const fr_fold_explanation sent = {.fold = 2,
                                      .part = 1,
                                      .parts = 4,
                                      .n = 2,
                                      .n_outputs = 2,
                                      .row = row,
                                      .output = output,
                                      .n_columns = 3,
                                      .repeats = 2,
                                      .drop = drop};
    fr_pack pack = {0};
    fr_fold_explanation_pack(&sent, &pack);
    for (size_t size = 0; size <= pack.size; size++) {
        fr_unpack in = fr_unpack_make(pack.data, size);
        fr_fold_explanation got;
        const fr_status st = fr_fold_explanation_unpack(&in, &got);
        assert_int_equal(st, size == pack.size ? FR_OK : FR_ERR_MPI);
        if (st == FR_OK) {
            assert_memory_equal(got.row, row, sizeof row);
            assert_memory_equal(got.output, output, sizeof output);
            assert_memory_equal(got.drop, drop, sizeof drop);
        }
        fr_fold_explanation_clear(&got);
    }
    fr_pack_clear(&pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(importance_equals_sklearn),
        cmocka_unit_test(sparse_rows_are_rows),
        cmocka_unit_test(parts_make_the_whole),
        cmocka_unit_test(a_column_of_many_inputs_is_one),
        cmocka_unit_test(dependence_equals_sklearn),
        cmocka_unit_test(few_values_are_the_grid),
        cmocka_unit_test(curves_equal_sklearn),
        cmocka_unit_test(folds_come_together),
        cmocka_unit_test(messages_survive),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
