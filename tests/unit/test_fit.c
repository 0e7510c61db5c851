/* SPDX-License-Identifier: BSD-3-Clause */
/* test_fit.c - whole trainings on made-up data: the same bits for any number of threads, closed
 * forms where there are some, and every way in which a fit ends. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "foldrank/train.h"

typedef struct {
    fr_dataset dataset;
    float *x, *y, *weight;
    uint32_t *rows;
} made;

/* Classes around corners of a cube, or a linear function of the features, both with noise. */
static made make_data(size_t rows, size_t cols, size_t classes)
{
    made d = {.x = fr_alloc(rows * cols, sizeof(float)),
              .y = fr_alloc(rows, sizeof(float)),
              .weight = fr_alloc(rows, sizeof(float)),
              .rows = fr_alloc(rows, sizeof(uint32_t))};
    fr_rng rng = fr_rng_make(3, FR_RNG_NOISE, rows, 0, 0);
    d.dataset.schema =
        (fr_schema){.rows = rows,
                    .cols = cols,
                    .cell = FR_CELL_F32,
                    .columns = fr_alloc(cols, sizeof(fr_column)),
                    .learn = classes > 0 ? FR_LEARN_CLASSIFICATION : FR_LEARN_REGRESSION,
                    .n_classes = classes,
                    .has_target = true};
    for (size_t j = 0; j < cols; j++) {
        char name[32];
        snprintf(name, sizeof name, "x%zu", j);
        d.dataset.schema.columns[j].name = fr_strdup(name);
    }
    d.dataset.schema.target_name = fr_strdup("y");
    d.dataset.schema.classes = fr_alloc(classes, sizeof(char *));
    for (size_t c = 0; c < classes; c++) d.dataset.schema.classes[c] = fr_strdup("class");
    for (size_t i = 0; i < rows; i++) {
        const size_t k = classes > 0 ? fr_rng_below(&rng, classes) : 0;
        double sum = 0.5;
        d.rows[i] = (uint32_t)i;
        d.weight[i] = 1.0f;
        for (size_t j = 0; j < cols; j++) {
            const double corner = classes > 0 && (k >> j % 4 & 1) ? 1.0 : -1.0;
            const double x = fr_rng_normal(&rng) + (classes > 0 ? corner : 0);
            d.x[i * cols + j] = (float)x;
            sum += x * ((double)j - 1.5);
        }
        d.y[i] = classes > 0 ? (float)k : (float)(sum + 0.1 * fr_rng_normal(&rng));
    }
    d.dataset.x = d.x;
    d.dataset.y = d.y;
    return d;
}

static void free_data(made *d)
{
    fr_schema_clear(&d->dataset.schema);
    free(d->x);
    free(d->y);
    free(d->weight);
    free(d->rows);
}

static fr_recipe make_recipe(fr_family family)
{
    size_t n;
    fr_recipe r;
    memset(&r, 0, sizeof r);
    const fr_option *table = fr_model_option_table(family, &n);
    assert_int_equal(fr_option_defaults(table, n, &r.model), FR_OK);
    assert_int_equal(fr_option_defaults(fr_train_option_table, fr_train_option_count, &r.train),
                     FR_OK);
    assert_int_equal(fr_option_defaults(fr_preprocess_option_table, fr_preprocess_option_count,
                                        &r.preprocess),
                     FR_OK);
    r.model.family = family;
    r.preprocess.scale = FR_SCALE_NONE;
    r.preprocess.scale_target = false;
    return r;
}

/* The first `n_train` rows train, the others validate. */
static fr_fit_request request_for(const made *d, const fr_recipe *recipe, size_t n_train,
                                  fr_metric metric)
{
    return (fr_fit_request){.dataset = &d->dataset,
                            .train = d->rows,
                            .valid = d->rows + n_train,
                            .n_train = n_train,
                            .n_valid = d->dataset.schema.rows - n_train,
                            .recipe = recipe,
                            .metric = metric,
                            .seed = 11,
                            .trial = 4,
                            .fold = 2,
                            .threads = 1};
}

static void free_result(fr_fold_result *r)
{
    free(r->curve);
    free(r->message);
}

/* Parameters after a fit, to be freed. */
static float *fit_params(const fr_fit_request *request, fr_fold_result *result)
{
    fr_model model;
    fr_fold_result own;
    assert_int_equal(fr_fit(request, &own, &model), FR_OK);
    float *params = model.params;
    model.params = NULL;
    fr_model_clear(&model);
    if (result != NULL)
        *result = own;
    else
        free_result(&own);
    return params;
}

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
    assert_int_equal(fr_prepare(&recipe.preprocess, &d.dataset, rows, counts, &prepared),
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
