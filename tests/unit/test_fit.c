/* SPDX-License-Identifier: BSD-3-Clause */
/* test_fit.c - whole trainings on made-up data: the same bits for any number of threads, and
 * closed forms where there are some. */
#include "fit_fixture.h"

static void check_threads(const made *d, const fr_recipe *recipe, size_t n_train,
                          fr_metric metric, size_t n_params)
{
    fr_fit_request request = request_for(d, recipe, n_train, metric);
    fr_fold_result first, other;
    request.want_train_score = true;
    float *one = fit_params(&request, &first);
    for (int threads = 2; threads <= 3; threads++) {
        request.threads = threads;
        float *many = fit_params(&request, &other);
        assert_memory_equal(one, many, n_params * sizeof *one);
        assert_memory_equal(&first.score, &other.score, sizeof first.score);
        assert_memory_equal(&first.train_score, &other.train_score, sizeof first.score);
        assert_memory_equal(first.curve, other.curve, 2 * first.n_curve * sizeof(double));
        free(many);
        free_result(&other);
    }
    free(one);
    free_result(&first);
}

static void test_bits_do_not_depend_on_threads(void **unused)
{
    (void)unused;
    made d = make_data(1501, 61, 5), r = make_data(5003, 61, 0);
    fr_recipe mlp = make_recipe(FR_FAMILY_MLP);
    mlp.model.hidden = (fr_ints){{257, 131}, 2};
    mlp.model.dropout = 0.3;
    mlp.model.l1 = 1e-4;
    mlp.model.l2 = 1e-3;
    mlp.train.batch_size = 600; /* four shards, several tiles */
    mlp.train.epochs = 2;
    const size_t n = fr_model_count_params(&mlp.model, 61, 5);
    check_threads(&d, &mlp, 1301, FR_METRIC_LOG_LOSS, n);
    mlp.train.clip_norm = 0.1;
    mlp.model.activation = FR_ACT_GELU;
    mlp.model.class_weight = FR_CLASS_WEIGHT_BALANCED;
    mlp.model.label_smoothing = 0.1;
    check_threads(&d, &mlp, 1301, FR_METRIC_ACCURACY, n);
    mlp.train.clip_norm = 0;
    mlp.train.optimizer = FR_OPT_GD; /* 5001 rows: three passes */
    mlp.train.learning_rate = 1e-3;
    check_threads(&r, &mlp, 5001, FR_METRIC_RMSE, fr_model_count_params(&mlp.model, 61, 1));
    free_data(&d);
    free_data(&r);
}

static void test_prepared_rows_change_nothing(void **unused)
{
    (void)unused;
    made d = make_data(300, 7, 3);
    fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
    recipe.preprocess.scale = FR_SCALE_STANDARD;
    recipe.train.epochs = 3;
    fr_fit_request request = request_for(&d, &recipe, 250, FR_METRIC_ACCURACY);
    const size_t n = fr_model_count_params(&recipe.model, 7, 3);
    const uint32_t *const rows[2] = {request.train, request.valid};
    const size_t counts[2] = {250, 50};
    fr_prepared prepared;
    float *own = fit_params(&request, NULL);
    assert_int_equal(fr_prepare(&recipe.preprocess, &d.dataset, rows, counts, NULL, &prepared),
                     FR_OK);
    assert_non_null(prepared.train_x);
    request.prepared = &prepared;
    float *kept = fit_params(&request, NULL);
    assert_memory_equal(own, kept, n * sizeof *own);
    free(kept);
    free(prepared.train_x); /* as for data that are too large to be kept */
    free(prepared.valid_x);
    prepared.train_x = prepared.valid_x = NULL;
    kept = fit_params(&request, NULL);
    assert_memory_equal(own, kept, n * sizeof *own);
    free(own);
    free(kept);
    fr_prepared_clear(&prepared);
    free_data(&d);
}

static void test_seed_trial_and_fold_matter(void **unused)
{
    (void)unused;
    made d = make_data(200, 5, 3);
    fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
    recipe.train.epochs = 2;
    const size_t n = fr_model_count_params(&recipe.model, 5, 3);
    fr_fit_request request = request_for(&d, &recipe, 150, FR_METRIC_ACCURACY);
    float *base = fit_params(&request, NULL), *again = fit_params(&request, NULL);
    assert_memory_equal(base, again, n * sizeof *base);
    for (int what = 0; what < 3; what++) {
        fr_fit_request other = request;
        other.seed += what == 0;
        other.trial += what == 1;
        other.fold += what == 2;
        float *changed = fit_params(&other, NULL);
        assert_memory_not_equal(base, changed, n * sizeof *base);
        free(changed);
    }
    free(base);
    free(again);
    free_data(&d);
}

/* Solve (X'X / n + l2/2 I) w = X'y / n with a bias column that is not penalised, by Gauss. */
static void ridge(const made *d, size_t n, double l2, double *w)
{
    enum { COLS = 4, ALL = COLS + 1 };
    double a[ALL][ALL + 1] = {{0}};
    for (size_t i = 0; i < n; i++) {
        double x[ALL] = {0};
        for (size_t j = 0; j < COLS; j++) x[j] = (double)d->x[i * COLS + j];
        x[COLS] = 1;
        for (size_t j = 0; j < ALL; j++) {
            for (size_t k = 0; k < ALL; k++) a[j][k] += x[j] * x[k] / (double)n;
            a[j][ALL] += x[j] * (double)d->y[i] / (double)n;
        }
    }
    for (size_t j = 0; j < COLS; j++) a[j][j] += l2 / 2;
    for (size_t p = 0; p < ALL; p++)
        for (size_t j = 0; j < ALL; j++) {
            const double factor = a[j][p] / a[p][p];
            for (size_t k = p; j != p && k <= ALL; k++) a[j][k] -= factor * a[p][k];
        }
    for (size_t j = 0; j < ALL; j++) w[j] = a[j][ALL] / a[j][j];
}

static void test_gradient_descent_finds_the_ridge_solution(void **unused)
{
    (void)unused;
    made d = make_data(3000, 4, 0); /* two passes of the whole batch */
    fr_recipe recipe = make_recipe(FR_FAMILY_LINEAR);
    double exact[5];
    recipe.model.l2 = 0.3;
    recipe.train.optimizer = FR_OPT_GD;
    recipe.train.learning_rate = 0.2;
    recipe.train.epochs = 200;
    fr_fit_request request = request_for(&d, &recipe, 2900, FR_METRIC_R2);
    ridge(&d, 2900, 0.3, exact);
    float *w = fit_params(&request, NULL);
    for (size_t j = 0; j < 5; j++) assert_true(fabs((double)w[j] - exact[j]) < 1e-5);
    free(w);
    request.n_train = 1000; /* one pass, used up piece by piece */
    ridge(&d, 1000, 0.3, exact);
    w = fit_params(&request, NULL);
    for (size_t j = 0; j < 5; j++) assert_true(fabs((double)w[j] - exact[j]) < 1e-5);
    free(w);
    recipe.train.clip_norm = 1e6; /* collected, for a clip that never acts */
    w = fit_params(&request, NULL);
    for (size_t j = 0; j < 5; j++) assert_true(fabs((double)w[j] - exact[j]) < 1e-5);
    free(w);
    free_data(&d);
}

/* One step from zero is the gradient times the rate: its norm is the clip, its direction kept.
 */
static void test_clipping(void **unused)
{
    (void)unused;
    made d = make_data(400, 4, 0);
    fr_recipe recipe = make_recipe(FR_FAMILY_LINEAR);
    recipe.train.optimizer = FR_OPT_GD;
    recipe.train.learning_rate = 0.5;
    recipe.train.epochs = 1;
    fr_fit_request request = request_for(&d, &recipe, 300, FR_METRIC_R2);
    float *full = fit_params(&request, NULL);
    recipe.train.clip_norm = 0.01;
    float *clipped = fit_params(&request, NULL);
    double norm = 0, norm_full = 0, product = 0;
    for (size_t j = 0; j < 5; j++) {
        norm += (double)clipped[j] * (double)clipped[j];
        norm_full += (double)full[j] * (double)full[j];
        product += (double)clipped[j] * (double)full[j];
    }
    assert_true(fabs(sqrt(norm) - 0.5 * 0.01) < 1e-8);
    assert_true(product > 0.999999 * sqrt(norm * norm_full));
    free(clipped);
    recipe.train.clip_norm = 1.5 * sqrt(norm_full) / 0.5; /* above the norm: nothing happens */
    clipped = fit_params(&request, NULL);
    for (size_t j = 0; j < 5; j++) assert_true(fabsf(clipped[j] - full[j]) < 1e-6f);
    free(full);
    free(clipped);
    free_data(&d);
}

/* A strong l1 removes every weight; a weak one the smallest only. y = .5 + sum (j - 1.5) x_j.
 */
static void test_lasso_gives_zeros(void **unused)
{
    (void)unused;
    made d = make_data(2000, 4, 0);
    fr_recipe recipe = make_recipe(FR_FAMILY_LINEAR);
    recipe.train.optimizer = FR_OPT_GD;
    recipe.train.learning_rate = 0.2;
    recipe.train.epochs = 200;
    recipe.model.l1 = 1.5; /* 2 |w| < 1.5 for the two middle weights */
    fr_fit_request request = request_for(&d, &recipe, 1900, FR_METRIC_R2);
    float *w = fit_params(&request, NULL);
    assert_true(w[1] == 0.0f && w[2] == 0.0f);
    assert_true(fabsf(w[0] + 0.75f) < 0.1f && fabsf(w[3] - 0.75f) < 0.1f);
    free(w);
    recipe.model.l1 = 100;
    w = fit_params(&request, NULL);
    for (size_t j = 0; j < 4; j++) assert_true(w[j] == 0.0f);
    assert_true(fabsf(w[4] - 0.5f) < 0.2f); /* the bias is free */
    free(w);
    free_data(&d);
}

/* Row weight 2 is the row twice. */
static void test_row_weights(void **unused)
{
    (void)unused;
    made once = make_data(60, 4, 0), twice = make_data(90, 4, 0);
    for (size_t i = 0; i < 30; i++) {
        once.weight[i] = 2.0f;
        for (size_t k = 0; k < 2; k++) {
            memcpy(twice.x + (2 * i + k) * 4, once.x + i * 4, 4 * sizeof(float));
            twice.y[2 * i + k] = once.y[i];
        }
    }
    memcpy(twice.x + 60 * 4, once.x + 30 * 4, 30 * 4 * sizeof(float));
    memcpy(twice.y + 60, once.y + 30, 30 * sizeof(float));
    once.dataset.weight = once.weight;
    fr_recipe recipe = make_recipe(FR_FAMILY_LINEAR);
    recipe.train.optimizer = FR_OPT_GD;
    recipe.train.learning_rate = 0.1;
    fr_fit_request a = request_for(&once, &recipe, 60, FR_METRIC_R2);
    fr_fit_request b = request_for(&twice, &recipe, 90, FR_METRIC_R2);
    float *w = fit_params(&a, NULL), *v = fit_params(&b, NULL);
    for (size_t j = 0; j < 5; j++) assert_true(fabsf(w[j] - v[j]) < 1e-5f);
    free(w);
    free(v);
    free_data(&once);
    free_data(&twice);
}

static double score_of(const made *d, const fr_recipe *recipe, size_t n_train, fr_metric metric)
{
    fr_fold_result result;
    fr_fit_request request = request_for(d, recipe, n_train, metric);
    assert_int_equal(fr_fit(&request, &result, NULL), FR_OK);
    assert_int_equal(result.state, FR_TRIAL_COMPLETE);
    assert_int_equal(result.n_curve, result.epochs);
    assert_true(result.curve[2 * result.n_curve - 2] < result.curve[0]);
    assert_true(result.flops > 0 && result.seconds > 0 && result.samples_per_second > 0);
    const double score = result.score;
    free_result(&result);
    return score;
}

static void test_every_family_learns(void **unused)
{
    (void)unused;
    made d = make_data(1200, 6, 4), r = make_data(1200, 6, 0);
    for (int family = FR_FAMILY_SOFTMAX; family <= FR_FAMILY_MLP; family++) {
        fr_recipe recipe = make_recipe((fr_family)family);
        recipe.train.learning_rate = 0.01;
        recipe.train.epochs = 15;
        assert_true(score_of(&d, &recipe, 1000, FR_METRIC_ACCURACY) > 0.75);
        assert_true(score_of(&d, &recipe, 1000, FR_METRIC_ROC_AUC) > 0.95);
    }
    for (int optimizer = FR_OPT_SGD; optimizer <= FR_OPT_ADAGRAD; optimizer++)
        for (int schedule = FR_LR_CONSTANT; schedule <= FR_LR_ONE_CYCLE; schedule++) {
            fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
            recipe.train.optimizer = optimizer;
            recipe.train.schedule = schedule;
            recipe.train.learning_rate = optimizer == FR_OPT_SGD ? 0.1 : 0.02;
            recipe.train.gamma = 0.8;
            recipe.train.warmup_epochs = 0.5;
            assert_true(score_of(&d, &recipe, 1000, FR_METRIC_ACCURACY) > 0.75);
        }
    for (int loss = FR_LOSS_SQUARED; loss <= FR_LOSS_HUBER; loss++) {
        fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
        recipe.model.loss = loss;
        recipe.preprocess.scale_target = true;
        recipe.train.learning_rate = 0.01;
        assert_true(score_of(&r, &recipe, 1000, FR_METRIC_R2) > 0.95);
    }
    free_data(&d);
    free_data(&r);
}

/* Predictions come in the target's own unit, and equal what the fit scored. */
static void test_predictions(void **unused)
{
    (void)unused;
    made d = make_data(700, 6, 0);
    for (size_t i = 0; i < 700; i++) d.y[i] = 1000.0f + 50.0f * d.y[i];
    fr_recipe recipe = make_recipe(FR_FAMILY_MLP);
    recipe.preprocess.scale_target = true;
    recipe.preprocess.scale = FR_SCALE_STANDARD;
    recipe.train.learning_rate = 0.01;
    fr_fit_request request = request_for(&d, &recipe, 500, FR_METRIC_RMSE);
    fr_fold_result result;
    fr_model model;
    float output[200];
    double score;
    assert_int_equal(fr_fit(&request, &result, &model), FR_OK);
    assert_int_equal(model.n_params, fr_model_count_params(&recipe.model, 6, 1));
    assert_int_equal(fr_model_predict(&model, &d.dataset, d.rows + 500, 200, output), FR_OK);
    assert_int_equal(fr_metric_score(FR_METRIC_RMSE, d.y + 500, output, 200, 1, &score), FR_OK);
    assert_true(fabs(score - result.score) < 1e-6 * score);
    assert_true(score < 60);
    assert_false(fr_model_has_probabilities(&model));
    free_result(&result);
    fr_model_clear(&model);
    free_data(&d);
}

static void test_probabilities(void **unused)
{
    (void)unused;
    made d = make_data(400, 6, 3);
    fr_recipe recipe = make_recipe(FR_FAMILY_SOFTMAX);
    fr_fit_request request = request_for(&d, &recipe, 300, FR_METRIC_LOG_LOSS);
    fr_fold_result result;
    fr_model model;
    float output[3 * 400];
    assert_int_equal(fr_fit(&request, &result, &model), FR_OK);
    assert_true(fr_model_has_probabilities(&model));
    assert_int_equal(fr_model_predict(&model, &d.dataset, d.rows, 400, output), FR_OK);
    for (size_t i = 0; i < 400; i++)
        assert_true(fabsf(output[3 * i] + output[3 * i + 1] + output[3 * i + 2] - 1) < 1e-5f);
    assert_int_equal(fr_model_predict(&model, &d.dataset, d.rows, 0, output), FR_OK);
    free_result(&result);
    fr_model_clear(&model);
    free_data(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits_do_not_depend_on_threads),
        cmocka_unit_test(test_prepared_rows_change_nothing),
        cmocka_unit_test(test_seed_trial_and_fold_matter),
        cmocka_unit_test(test_gradient_descent_finds_the_ridge_solution),
        cmocka_unit_test(test_clipping),
        cmocka_unit_test(test_lasso_gives_zeros),
        cmocka_unit_test(test_row_weights),
        cmocka_unit_test(test_every_family_learns),
        cmocka_unit_test(test_predictions),
        cmocka_unit_test(test_probabilities),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
