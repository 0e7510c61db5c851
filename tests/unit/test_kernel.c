/* SPDX-License-Identifier: BSD-3-Clause */
/* test_kernel.c - the kernel family against scikit-learn's numbers and against fits without the
 * row that is left out. */
#include "fit_fixture.h"

#include "foldrank/kernel_ridge.h"
#include "reference.h"

static const char *const FILE_NAME = "sklearn_kernel.txt";

enum { N = 20, TRAIN = 14, COLS = 3 };

static made reference_rows(void)
{
    made d = make_data(N, COLS, 0);
    const reference x = reference_find(FILE_NAME, "x rows=20 cols=3"),
                    y = reference_find(FILE_NAME, "y"), w = reference_find(FILE_NAME, "weight");
    assert_int_equal(x.n, N * COLS);
    for (size_t i = 0; i < N * COLS; i++) d.x[i] = (float)x.value[i];
    for (size_t i = 0; i < N; i++) d.y[i] = (float)y.value[i];
    for (size_t i = 0; i < N; i++) d.weight[i] = (float)w.value[i];
    return d;
}

static fr_recipe kernel_recipe(fr_kernel_kind kind, bool intercept)
{
    fr_recipe r = make_recipe(FR_FAMILY_KERNEL);
    r.model.kernel = kind;
    r.model.gamma = 0.5;
    r.model.ridge = 0.25;
    r.model.intercept = intercept;
    return r;
}

/* Largest difference between the predicted rows and a record. */
static double distance(const made *d, const fr_recipe *recipe, const char *record)
{
    const reference wanted = reference_find(FILE_NAME, record);
    fr_fit_request request = request_for(d, recipe, TRAIN, FR_METRIC_RMSE);
    fr_fold_result result;
    fr_model model;
    float outputs[N - TRAIN];
    double worst = 0;
    assert_int_equal(fr_fit(&request, &result, &model), FR_OK);
    assert_int_equal(result.state, FR_TRIAL_COMPLETE);
    assert_int_equal(model.n_rows, TRAIN);
    assert_int_equal(fr_model_predict(&model, &d->dataset, d->rows + TRAIN, N - TRAIN, outputs),
                     FR_OK);
    for (size_t i = 0; i < N - TRAIN; i++)
        worst = fmax(worst, fabs((double)outputs[i] - wanted.value[i]));
    fr_model_clear(&model);
    free_result(&result);
    return worst;
}

static void test_predictions_are_scikit_learns(void **state)
{
    (void)state;
    static const char *const words[] = {"rbf", "laplace", "polynomial", "linear"};
    made d = reference_rows();
    for (int kind = 0; kind < 4; kind++)
        for (int weighted = 0; weighted < 2; weighted++) {
            const fr_recipe recipe = kernel_recipe((fr_kernel_kind)kind, false);
            char record[64];
            snprintf(record, sizeof record, "prediction kernel=%s%s", words[kind],
                     weighted ? " weighted=1" : "");
            d.dataset.weight = weighted ? d.weight : NULL;
            assert_true(distance(&d, &recipe, record) < 2e-6);
        }
    free_data(&d);
}

static void test_intercept_is_that_of_ridge(void **state)
{
    (void)state;
    made d = reference_rows();
    const fr_recipe recipe = kernel_recipe(FR_KERNEL_LINEAR, true);
    assert_true(distance(&d, &recipe, "intercept") < 2e-6);
    d.dataset.weight = d.weight;
    assert_true(distance(&d, &recipe, "intercept weighted=1") < 2e-6);
    free_data(&d);
}

/* The ridge value that a fit chooses. */
static double chosen(const made *d, fr_kernel_kind kind, double first, int64_t steps)
{
    fr_recipe recipe = kernel_recipe(kind, true);
    recipe.model.ridge = first;
    recipe.model.ridge_steps = steps;
    fr_fit_request request = request_for(d, &recipe, TRAIN, FR_METRIC_RMSE);
    fr_fold_result result;
    fr_model model;
    assert_int_equal(fr_fit(&request, &result, &model), FR_OK);
    const double ridge = model.options.ridge;
    assert_int_equal(model.options.ridge_steps, 1);
    fr_model_clear(&model);
    free_result(&result);
    return ridge;
}

static double reference_loo(const char *kernel, double ridge)
{
    char record[64];
    snprintf(record, sizeof record, "loo kernel=%s ridge=%g", kernel, ridge);
    if (ridge == 1) snprintf(record, sizeof record, "loo kernel=%s ridge=1.0", kernel);
    if (ridge == 10) snprintf(record, sizeof record, "loo kernel=%s ridge=10.0", kernel);
    return reference_find(FILE_NAME, record).value[0];
}

/* Between any two values the one is chosen whose refits, row by row, err less. */
static void test_leave_one_out_chooses_the_ridge(void **state)
{
    (void)state;
    static const double ridges[] = {0.001, 0.01, 0.1, 1, 10};
    static const char *const words[] = {"rbf", "laplace"};
    made d = reference_rows();
    for (int kind = 0; kind < 2; kind++) {
        size_t best = 0;
        for (size_t i = 0; i < 5; i++)
            if (reference_loo(words[kind], ridges[i]) <
                reference_loo(words[kind], ridges[best]))
                best = i;
        assert_true(fabs(chosen(&d, (fr_kernel_kind)kind, 0.001, 5) / ridges[best] - 1) < 1e-9);
        for (size_t i = 0; i + 1 < 5; i++) {
            const bool second = reference_loo(words[kind], ridges[i + 1]) <
                                reference_loo(words[kind], ridges[i]);
            const double wanted = ridges[i + second];
            assert_true(fabs(chosen(&d, (fr_kernel_kind)kind, ridges[i], 2) / wanted - 1) <
                        1e-9);
        }
    }
    free_data(&d);
}

static void test_classes_scores_and_threads(void **state)
{
    (void)state;
    made d = make_data(700, 8, 3);
    fr_recipe recipe = kernel_recipe(FR_KERNEL_RBF, true);
    recipe.model.gamma = 0;
    recipe.model.class_weight = FR_CLASS_WEIGHT_BALANCED;
    fr_fit_request request = request_for(&d, &recipe, 500, FR_METRIC_ACCURACY);
    fr_fold_result result;
    float *one = fit_params(&request, &result);
    assert_int_equal(result.epochs, 1);
    assert_int_equal(result.n_curve, 1);
    assert_true(result.score > 0.8 && result.curve[1] == result.score);
    assert_true(isfinite(result.loss) && isfinite(result.curve[0]));
    free_result(&result);
    request.threads = 3;
    float *many = fit_params(&request, NULL);
    const fr_kernel_layout layout = fr_kernel_layout_make(500, 8, 3);
    assert_memory_equal(one, many, layout.n_params * sizeof *one);
    free(one);
    free(many);
    free_data(&d);
}

static void test_a_matrix_that_has_no_factor_fails_the_trial(void **state)
{
    (void)state;
    made d = make_data(60, 3, 0);
    fr_recipe recipe = kernel_recipe(FR_KERNEL_POLYNOMIAL, true);
    recipe.model.degree = 1; /* rank 4 of 40, and nothing is left of the ridge */
    recipe.model.coef0 = 1e6;
    recipe.model.ridge = 1e-300;
    fr_fit_request request = request_for(&d, &recipe, 40, FR_METRIC_RMSE);
    fr_fold_result result;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_OK);
    assert_int_equal(result.state, FR_TRIAL_FAILED);
    assert_non_null(strstr(result.message, "larger ridge"));
    free_result(&result);
    recipe.model.ridge = 1e-12; /* the larger ones of these will do */
    recipe.model.ridge_steps = 16;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_OK);
    assert_int_equal(result.state, FR_TRIAL_COMPLETE);
    free_result(&result);
    free_data(&d);
}

static void test_stop_before_the_start(void **state)
{
    (void)state;
    made d = make_data(60, 3, 0);
    const fr_recipe recipe = kernel_recipe(FR_KERNEL_RBF, true);
    fr_fit_request request = request_for(&d, &recipe, 40, FR_METRIC_RMSE);
    const atomic_bool stop = true;
    request.stop = &stop;
    fr_fold_result result;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_OK);
    assert_int_equal(result.state, FR_TRIAL_INTERRUPTED);
    free_result(&result);
    free_data(&d);
}

/* A solver of all ranks that is none, and says FR_STOPPED at its factor number `stop_at`. */
typedef struct {
    fr_gram_solver inner;
    int opened, released, factors, stop_at;
} watched;

static fr_status watched_factor(void *context, const fr_gram *gram, double *logdet)
{
    watched *w = context;
    if (++w->factors == w->stop_at) return FR_FAIL(FR_STOPPED, "the run ends");
    return w->inner.factor(w->inner.context, gram, logdet);
}

static fr_status watched_solve(void *context, const fr_matrix *b)
{
    watched *w = context;
    return w->inner.solve(w->inner.context, b);
}

static fr_status watched_diagonal(void *context, double *diagonal)
{
    watched *w = context;
    return w->inner.inverse_diagonal(w->inner.context, diagonal);
}

static void watched_release(void *context)
{
    watched *w = context;
    w->inner.destroy(w->inner.context);
    w->released++;
}

static fr_status watched_open(void *context, fr_gram_solver *out)
{
    watched *w = context;
    w->opened++;
    *out = (fr_gram_solver){.context = w,
                            .factor = watched_factor,
                            .solve = watched_solve,
                            .inverse_diagonal = watched_diagonal,
                            .destroy = watched_release};
    return fr_gram_solver_local(&w->inner);
}

static void test_large_fits_use_the_ranks(void **state)
{
    (void)state;
    made d = make_data(60, 3, 0);
    fr_recipe recipe = kernel_recipe(FR_KERNEL_RBF, true);
    recipe.model.ridge_steps = 3;
    fr_fit_request request = request_for(&d, &recipe, 40, FR_METRIC_RMSE);
    float *alone = fit_params(&request, NULL);
    watched w = {0};
    const fr_gram_source source = {&w, watched_open};
    request.solvers = &source;
    recipe.model.distribute_from = 40; /* as many rows as there are */
    free(fit_params(&request, NULL));
    recipe.model.distribute_from = 0; /* never */
    free(fit_params(&request, NULL));
    assert_int_equal(w.opened, 0);
    recipe.model.distribute_from = 39;
    float *together = fit_params(&request, NULL);
    assert_int_equal(w.opened, 1);
    assert_int_equal(w.released, 1);
    assert_int_equal(w.factors, 3);
    assert_memory_equal(alone, together,
                        fr_kernel_layout_make(40, 3, 1).n_params * sizeof *alone);
    free(alone);
    free(together);
    free_data(&d);
}

static void test_stop_while_the_ranks_compute(void **state)
{
    (void)state;
    made d = make_data(60, 3, 0);
    fr_recipe recipe = kernel_recipe(FR_KERNEL_RBF, true);
    recipe.model.ridge_steps = 3;
    recipe.model.distribute_from = 10;
    watched w = {.stop_at = 2};
    const fr_gram_source source = {&w, watched_open};
    fr_fit_request request = request_for(&d, &recipe, 40, FR_METRIC_RMSE);
    request.solvers = &source;
    fr_fold_result result;
    assert_int_equal(fr_fit(&request, &result, NULL), FR_OK);
    assert_int_equal(result.state, FR_TRIAL_INTERRUPTED);
    assert_int_equal(w.factors, 2);
    assert_int_equal(w.released, 1);
    free_result(&result);
    free_data(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_predictions_are_scikit_learns),
        cmocka_unit_test(test_intercept_is_that_of_ridge),
        cmocka_unit_test(test_leave_one_out_chooses_the_ridge),
        cmocka_unit_test(test_classes_scores_and_threads),
        cmocka_unit_test(test_a_matrix_that_has_no_factor_fails_the_trial),
        cmocka_unit_test(test_stop_before_the_start),
        cmocka_unit_test(test_large_fits_use_the_ranks),
        cmocka_unit_test(test_stop_while_the_ranks_compute),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
