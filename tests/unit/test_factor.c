/* SPDX-License-Identifier: BSD-3-Clause */
/* test_factor.c - factorisation machines: scores by the definition, gradients by differences,
 * trainings by PyTorch, rows with inputs that training has not seen. */
#include "fit_fixture.h"
#include "foldrank/network.h"
#include "reference.h"

enum { INPUTS = 7, ROWS = 6 };

/* b + sum_j w_j x_j + sum_(i < j) <v_i, v_j> x_i x_j, in double. */
static double score_of(const double *params, size_t factors, const double *x)
{
    const size_t cols = 1 + factors;
    double z = params[INPUTS * cols];
    for (size_t i = 0; i < INPUTS; i++) {
        z += params[i * cols] * x[i];
        for (size_t j = 0; j < i; j++)
            for (size_t f = 1; f <= factors; f++)
                z += params[i * cols + f] * params[j * cols + f] * x[i] * x[j];
    }
    return z;
}

/* Mean over rows of the squared error and the penalties of the inputs that the row has. */
static double loss_of(const double *params, const fr_model_options *o, const double *x,
                      const float *y)
{
    const size_t factors = (size_t)o->factors, cols = 1 + factors;
    double sum = 0;
    for (size_t r = 0; r < ROWS; r++) {
        const double e = score_of(params, factors, x + r * INPUTS) - (double)y[r];
        sum += e * e;
        for (size_t j = 0; j < INPUTS; j++) {
            if (x[r * INPUTS + j] == 0) continue;
            for (size_t k = 0; k < cols; k++)
                sum += (k == 0 ? o->l2 : o->l2_factors) / 2 * params[j * cols + k] *
                       params[j * cols + k];
        }
    }
    return sum / ROWS;
}

static void fill_batch(fr_batch *b, double *x)
{
    fr_rng rng = fr_rng_make(8, FR_RNG_NOISE, 0, 0, 0);
    size_t k = 0;
    b->rows = b->sparse.n = ROWS;
    for (size_t r = 0; r < ROWS; r++) {
        b->y[r] = (float)fr_rng_normal(&rng);
        b->weight[r] = 1;
        for (size_t j = 0; j < INPUTS; j++) {
            const double value = fr_rng_below(&rng, 2) ? fr_rng_normal(&rng) : 0;
            x[r * INPUTS + j] = (double)(float)value;
            if (value == 0) continue;
            b->sparse.column[k] = (uint32_t)j;
            b->sparse.value[k++] = (float)value;
        }
        b->sparse.start[r + 1] = k;
    }
    b->total_weight = ROWS;
}

/* The places of input j in the batch, rows ascending. */
static fr_occurrences places_of(const fr_batch *b, size_t j, uint32_t *row, float *value)
{
    fr_occurrences places = {row, value, 0};
    for (size_t r = 0; r < b->rows; r++)
        for (size_t e = b->sparse.start[r]; e < b->sparse.start[r + 1]; e++)
            if (b->sparse.column[e] == j) {
                row[places.n] = (uint32_t)r;
                value[places.n++] = b->sparse.value[e];
            }
    return places;
}

static void check_gradient(const fr_batch *b, const fr_model_options *o, const double *x,
                           double *params)
{
    const size_t cols = 1 + (size_t)o->factors;
    float single[INPUTS * 20 + 1], out[20], value[ROWS];
    uint32_t row[ROWS];
    for (size_t i = 0; i <= INPUTS * cols; i++) single[i] = (float)params[i];
    for (size_t j = 0; j < INPUTS; j++) {
        const fr_occurrences places = places_of(b, j, row, value);
        fr_factor_gradient(b, single, j, &places, out);
        for (size_t k = 0; k < cols; k++) {
            const double h = 1e-5, at = params[j * cols + k];
            params[j * cols + k] = at + h;
            const double up = loss_of(params, o, x, b->y);
            params[j * cols + k] = at - h;
            const double down = loss_of(params, o, x, b->y);
            params[j * cols + k] = at;
            assert_true(fabs((up - down) / (2 * h) - (double)out[k]) < 2e-5);
        }
    }
}

static void scores_and_gradients(void **state)
{
    (void)state;
    static const int64_t factors[] = {0, 1, 7, 8, 9, 16, 19};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        const fr_model_options o = {.family = FR_FAMILY_FM,
                                    .factors = factors[i],
                                    .l2 = 0.2,
                                    .l2_factors = 0.3,
                                    .init_sd = 0.4};
        fr_network net;
        fr_batch b;
        float single[INPUTS * 20 + 1];
        double params[INPUTS * 20 + 1], x[ROWS * INPUTS];
        fr_network_make(&o, FR_LEARN_REGRESSION, INPUTS, 1, &net);
        assert_int_equal(net.n_params, INPUTS * (1 + factors[i]) + 1);
        assert_int_equal(fr_batch_create(&net, ROWS, true, &b), FR_OK);
        fr_network_draw(&net, 0, 3, 1, 0, single);
        single[1 + factors[i]] = 0.75f;
        single[net.bias[1]] = -0.5f;
        for (size_t k = 0; k < net.n_params; k++) params[k] = (double)single[k];
        fill_batch(&b, x);
        fr_batch_forward(&b, single);
        for (size_t r = 0; r < ROWS; r++)
            assert_true(fabs(score_of(params, net.factors, x + r * INPUTS) -
                             (double)b.level[1][r]) < 1e-5);
        fr_head_run(&b, 0, ROWS, NULL);
        check_gradient(&b, &o, x, params);
        fr_batch_clear(&b);
    }
}

/* ---- whole trainings against PyTorch ---- */

static made read_problem(bool binary)
{
    const reference inputs = reference_find("torch_factors.txt", "inputs");
    const reference x = reference_find("torch_factors.txt", "x");
    const reference y = reference_find("torch_factors.txt", "y");
    made d = make_ratings(y.n, 5, 4, binary);
    for (size_t i = 0; i < y.n; i++) {
        d.x[3 * i] = (float)inputs.value[2 * i];
        d.x[3 * i + 1] = (float)inputs.value[2 * i + 1] - 5;
        d.x[3 * i + 2] = (float)x.value[i];
        d.y[i] = binary ? y.value[i] > 0 : (float)y.value[i];
    }
    return d;
}

static void check_training(int optimizer, const char *name, bool binary)
{
    char head[64];
    snprintf(head, sizeof head, "end optimizer=%s binary=%d", name, binary);
    const reference want = reference_find("torch_factors.txt", head);
    made d = read_problem(binary);
    fr_recipe recipe = make_recipe(FR_FAMILY_FM);
    recipe.model.factors = 3;
    recipe.model.init_sd = 0.5;
    recipe.model.l2 = 0.1;
    recipe.model.l2_factors = 0.3;
    recipe.train.optimizer = optimizer;
    recipe.train.learning_rate = 0.05;
    recipe.train.batch_size = 4;
    recipe.train.epochs = 3;
    recipe.train.shuffle = false;
    const fr_metric metric = binary ? FR_METRIC_ACCURACY : FR_METRIC_RMSE;
    fr_fit_request request = request_for(&d, &recipe, d.dataset.schema.rows, metric);
    float *params = fit_params(&request, NULL);
    for (size_t i = 0; i < want.n; i++)
        if (fabs(want.value[i] - (double)params[i]) > 1e-5)
            fail_msg("%s: parameter %zu is %g, not %g", head, i, (double)params[i],
                     want.value[i]);
    assert_int_equal(want.n, fr_model_count_params(&recipe.model, 10, 1));
    free(params);
    free_data(&d);
}

static void trains_as_pytorch(void **state)
{
    (void)state;
    for (int binary = 0; binary < 2; binary++) {
        check_training(FR_OPT_SGD, "sgd", binary);
        check_training(FR_OPT_ADAGRAD, "adagrad", binary);
        check_training(FR_OPT_ADAM, "adam", binary);
    }
}

/* ---- what it learns ---- */

static void finds_a_product_of_factors(void **state)
{
    (void)state;
    made d = make_ratings(6000, 40, 30, false), c = make_ratings(6000, 40, 30, true);
    fr_recipe recipe = make_recipe(FR_FAMILY_FM);
    recipe.preprocess.scale_target = true;
    recipe.preprocess.scale = FR_SCALE_STANDARD;
    recipe.train.learning_rate = 0.02;
    recipe.train.epochs = 30;
    fr_fold_result with, without, classes;
    fr_fit_request request = request_for(&d, &recipe, 5000, FR_METRIC_RMSE);
    free(fit_params(&request, &with));
    assert_true(with.score < 0.15); /* the noise is 0.05, a rating's deviation 1.2 */
    recipe.model.factors = 0;
    free(fit_params(&request, &without));
    assert_true(without.score > 0.6);
    recipe.model.factors = 8;
    request = request_for(&c, &recipe, 5000, FR_METRIC_ROC_AUC);
    free(fit_params(&request, &classes));
    assert_true(classes.score > 0.97);
    free_result(&with);
    free_result(&without);
    free_result(&classes);
    free_data(&d);
    free_data(&c);
}

/* A user and an item that training has not seen have no weights and no factors. */
static void strangers_get_the_mean(void **state)
{
    (void)state;
    made d = make_ratings(400, 20, 10, false);
    fr_recipe recipe = make_recipe(FR_FAMILY_FM);
    recipe.preprocess.scale_target = true;
    recipe.train.epochs = 3;
    for (size_t i = 0; i < 300; i++) { /* the last user and the last item never train */
        if (d.x[3 * i] == 19) d.x[3 * i] = 0;
        if (d.x[3 * i + 1] == 9) d.x[3 * i + 1] = 0;
    }
    for (size_t i = 0; i < 400; i++) d.x[3 * i + 2] = 0;
    d.x[3 * 300] = 19;
    d.x[3 * 300 + 1] = 9;
    fr_fit_request request = request_for(&d, &recipe, 300, FR_METRIC_RMSE);
    fr_fold_result result;
    fr_model model;
    float output;
    assert_int_equal(fr_fit(&request, &result, &model), FR_OK);
    assert_int_equal(fr_model_predict(&model, &d.dataset, d.rows + 300, 1, &output), FR_OK);
    const double mean =
        model.transform.target_shift +
        (double)model.params[model.n_params - 1] / model.transform.target_factor;
    assert_true(fabs((double)output - mean) < 1e-5);
    fr_model_clear(&model);
    free_result(&result);
    free_data(&d);
}

static void more_than_two_classes_are_told(void **state)
{
    (void)state;
    made d = make_data(60, 3, 3);
    fr_recipe recipe = make_recipe(FR_FAMILY_FM);
    fr_fit_request request = request_for(&d, &recipe, 50, FR_METRIC_ACCURACY);
    fr_fold_result result;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_ERR_DATA);
    assert_non_null(strstr(fr_status_message(), "model fm tells two classes apart, not 3"));
    free_data(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_and_gradients),
        cmocka_unit_test(trains_as_pytorch),
        cmocka_unit_test(finds_a_product_of_factors),
        cmocka_unit_test(strangers_get_the_mean),
        cmocka_unit_test(more_than_two_classes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
