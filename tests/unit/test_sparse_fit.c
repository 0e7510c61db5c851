/* SPDX-License-Identifier: BSD-3-Clause */
/* Training on sparse rows: what dense rows give, up to the order of rounding, and the same bits
 * for any number of threads. */
#include "fit_fixture.h"

#include "foldrank/metric.h"
#include "foldrank/network.h"

enum { ROWS = 700, TRAIN = 600, COLS = 50 };

typedef struct {
    made dense;
    fr_dataset sparse; /* the same cells */
    uint64_t start[ROWS + 1];
    uint32_t column[ROWS * COLS];
    float value[ROWS * COLS];
} twins;

/* Three of four cells become 0, and column 7 altogether. */
static void make_twins(size_t classes, twins *t)
{
    t->dense = make_data(ROWS, COLS, classes);
    fr_rng rng = fr_rng_make(8, FR_RNG_NOISE, 0, 0, 0);
    size_t n = 0;
    for (size_t i = 0; i < ROWS; i++) {
        t->start[i] = n;
        for (uint32_t j = 0; j < COLS; j++) {
            float *x = &t->dense.x[i * COLS + j];
            if (j == 7 || fr_rng_below(&rng, 4) != 0) *x = 0;
            if (*x == 0) continue;
            t->column[n] = j;
            t->value[n++] = *x;
        }
    }
    t->start[ROWS] = n;
    t->sparse = t->dense.dataset;
    t->sparse.x = NULL;
    t->sparse.schema.cell = FR_CELL_SPARSE;
    t->sparse.schema.stored = n;
    t->sparse.sparse = (fr_sparse_rows){ROWS, t->start, t->column, t->value};
}

static float *fit_on(const fr_dataset *dataset, const twins *t, const fr_recipe *recipe,
                     int threads, fr_fold_result *result)
{
    const bool classes = dataset->schema.learn == FR_LEARN_CLASSIFICATION;
    fr_fit_request request =
        request_for(&t->dense, recipe, TRAIN, classes ? FR_METRIC_ACCURACY : FR_METRIC_RMSE);
    request.dataset = dataset;
    request.threads = threads;
    request.want_train_score = true;
    return fit_params(&request, result);
}

static size_t count_params(const fr_recipe *r, size_t outputs)
{
    return fr_model_count_params(&r->model, COLS - 1, outputs);
}

/* The sums over the inputs that are not 0 are those over all: not a bit differs. */
static void compare(const twins *t, fr_recipe *recipe, size_t outputs)
{
    const size_t n = count_params(recipe, outputs);
    fr_fold_result a, b, c;
    recipe->preprocess.scale = FR_SCALE_MAXABS;
    float *dense = fit_on(&t->dense.dataset, t, recipe, 1, &a);
    float *sparse = fit_on(&t->sparse, t, recipe, 1, &b);
    float *threaded = fit_on(&t->sparse, t, recipe, 3, &c);
    assert_memory_equal(sparse, dense, n * sizeof *sparse);
    assert_memory_equal(threaded, sparse, n * sizeof *sparse);
    assert_true(fabs(a.loss - b.loss) <= 1e-4 * (1 + fabs(a.loss)));
    assert_true(b.loss == c.loss && b.score == c.score && b.train_score == c.train_score);
    assert_true(fabs(a.train_score - b.train_score) <= 0.01 * fabs(a.train_score));
    assert_true(b.flops < a.flops || recipe->model.family == FR_FAMILY_MLP);
    free_result(&a);
    free_result(&b);
    free_result(&c);
    free(dense);
    free(sparse);
    free(threaded);
}

static void every_optimizer_every_family(void **state)
{
    (void)state;
    static twins t;
    static const int families[] = {FR_FAMILY_SOFTMAX, FR_FAMILY_SVM, FR_FAMILY_MLP};
    make_twins(3, &t);
    for (size_t f = 0; f < 3; f++) {
        for (int o = FR_OPT_GD; o <= FR_OPT_ADAGRAD; o++) {
            fr_recipe r = make_recipe((fr_family)families[f]);
            r.train.optimizer = o;
            r.train.epochs = 3;
            r.train.learning_rate = o <= FR_OPT_SGD ? 0.1 : 0.01;
            r.train.batch_size = 32;
            compare(&t, &r, 3);
        }
    }
    free_data(&t.dense);
}

/* Settings by which weights move that no row of the batch touches, and paths through the whole
 * gradient. */
static void every_penalty_and_path(void **state)
{
    (void)state;
    static twins t;
    make_twins(5, &t);
    for (int k = 0; k < 7; k++) {
        fr_recipe r = make_recipe(FR_FAMILY_SOFTMAX);
        r.train.optimizer = k == 6 ? FR_OPT_ADAGRAD : FR_OPT_SGD;
        r.train.epochs = 3;
        r.train.learning_rate = 0.1;
        r.train.batch_size = k == 5 ? 512 : 16;
        if (k == 0) r.model.l2 = 0.01;
        if (k == 1) r.model.l1 = 0.003;
        if (k == 2) r.train.weight_decay = 0.02;
        if (k == 3) r.train.momentum = 0.9;
        if (k == 4) r.train.clip_norm = 0.5;
        compare(&t, &r, 5);
    }
    free_data(&t.dense);
}

static void regressions(void **state)
{
    (void)state;
    static twins t;
    make_twins(0, &t);
    for (int family = 0; family < 2; family++) {
        fr_recipe r = make_recipe(family == 0 ? FR_FAMILY_LINEAR : FR_FAMILY_MLP);
        r.train.optimizer = FR_OPT_ADAM;
        r.train.epochs = 5;
        r.train.learning_rate = 0.01;
        r.preprocess.scale_target = true;
        compare(&t, &r, 1);
    }
    free_data(&t.dense);
}

/* A step that is large enough for several threads. */
static void threads_share_a_step(void **state)
{
    (void)state;
    static twins t;
    make_twins(4, &t);
    for (int o = FR_OPT_GD; o <= FR_OPT_ADAM; o++) {
        fr_recipe r = make_recipe(FR_FAMILY_MLP);
        r.train.optimizer = o;
        r.train.epochs = 2;
        r.train.learning_rate = 0.01;
        r.train.batch_size = 600;
        r.model.hidden.value[0] = 1500;
        compare(&t, &r, 4);
    }
    free_data(&t.dense);
}

/* Rows too many to be kept are made for each batch: the same bits. */
static void rows_are_kept_or_made(void **state)
{
    (void)state;
    static twins t;
    make_twins(3, &t);
    fr_recipe r = make_recipe(FR_FAMILY_MLP);
    r.train.epochs = 2;
    fr_prepared prepared;
    const uint32_t *const rows[2] = {t.dense.rows, t.dense.rows + TRAIN};
    const size_t n[2] = {TRAIN, ROWS - TRAIN};
    assert_int_equal(fr_prepare(&r.preprocess, &t.sparse, rows, n, NULL, &prepared), FR_OK);
    assert_true(prepared.sparse && prepared.train_rows.n == TRAIN);
    fr_fit_request request = request_for(&t.dense, &r, TRAIN, FR_METRIC_ACCURACY);
    fr_fold_result a, b;
    request.dataset = &t.sparse;
    request.prepared = &prepared;
    request.want_train_score = true;
    float *kept = fit_params(&request, &a);
    fr_sparse_clear(&prepared.train_rows);
    fr_sparse_clear(&prepared.valid_rows);
    float *made_new = fit_params(&request, &b);
    assert_memory_equal(kept, made_new, count_params(&r, 3) * sizeof *kept);
    assert_true(a.score == b.score && a.train_score == b.train_score);
    free(kept);
    free(made_new);
    free_result(&a);
    free_result(&b);
    fr_prepared_clear(&prepared);
    free_data(&t.dense);
}

/* A model predicts sparse and dense rows alike, however it was trained. */
static void predictions(void **state)
{
    (void)state;
    static twins t;
    make_twins(3, &t);
    for (int scale = FR_SCALE_NONE; scale <= FR_SCALE_STANDARD; scale++) {
        fr_recipe r = make_recipe(FR_FAMILY_SOFTMAX);
        r.train.epochs = 2;
        r.preprocess.scale = scale;
        fr_fit_request request = request_for(&t.dense, &r, TRAIN, FR_METRIC_ACCURACY);
        fr_fold_result result;
        fr_model model;
        float a[ROWS * 3], b[ROWS * 3];
        assert_int_equal(fr_fit(&request, &result, &model), FR_OK);
        assert_int_equal(fr_model_predict(&model, &t.dense.dataset, t.dense.rows, ROWS, a),
                         FR_OK);
        assert_int_equal(fr_model_predict(&model, &t.sparse, t.dense.rows, ROWS, b), FR_OK);
        for (size_t i = 0; i < ROWS * 3; i++) assert_true(fabsf(a[i] - b[i]) < 1e-5f);
        fr_model_clear(&model);
        free_result(&result);
    }
    free_data(&t.dense);
}

/* Columns of a batch: all cells, by column, then by row. */
static void cells_by_column(void **state)
{
    (void)state;
    const uint64_t start[] = {2, 4, 4, 7};
    const uint32_t column[] = {9, 9, 5, 4000000, 0, 5, 2049};
    const float value[] = {9, 9, 1, 2, 3, 4, 5};
    fr_sparse_columns x;
    assert_int_equal(fr_sparse_columns_create(5, &x), FR_OK);
    fr_sparse_columns_make(&(fr_sparse_rows){3, start, column, value}, 4000001, &x);
    const uint32_t want[] = {0, 5, 2049, 4000000}, row[] = {2, 0, 2, 2, 0};
    const size_t from[] = {0, 1, 3, 4, 5};
    const float sorted[] = {3, 1, 4, 5, 2};
    assert_int_equal(x.n, 4);
    assert_memory_equal(x.column, want, sizeof want);
    assert_memory_equal(x.start, from, sizeof from);
    assert_memory_equal(x.row, row, sizeof row);
    assert_memory_equal(x.value, sorted, sizeof sorted);
    assert_int_equal(fr_sparse_columns_find(&x, 6), 2);
    assert_int_equal(fr_sparse_columns_find(&x, 4000001), 4);
    fr_sparse_columns_clear(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_optimizer_every_family),
        cmocka_unit_test(every_penalty_and_path),
        cmocka_unit_test(regressions),
        cmocka_unit_test(threads_share_a_step),
        cmocka_unit_test(rows_are_kept_or_made),
        cmocka_unit_test(predictions),
        cmocka_unit_test(cells_by_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
