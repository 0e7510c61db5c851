/* SPDX-License-Identifier: BSD-3-Clause */
/* test_projection.c - principal components against scikit-learn's, random Fourier features
 * against the kernel that they stand for, and both against products written down naively. */
#include "fit_fixture.h"

#include "reference.h"

static const char *const FILE_NAME = "sklearn_pca.txt";

static fr_preprocess_options defaults(void)
{
    fr_preprocess_options o = {0};
    assert_int_equal(
        fr_option_defaults(fr_preprocess_option_table, fr_preprocess_option_count, &o), FR_OK);
    o.scale = FR_SCALE_NONE;
    return o;
}

static fr_transform fit(const fr_preprocess_options *o, const made *d, size_t rows)
{
    fr_transform t;
    assert_int_equal(fr_transform_fit(o, &d->dataset, d->rows, rows, &t), FR_OK);
    return t;
}

static float *apply(const fr_transform *t, const made *d, size_t rows)
{
    float *out = fr_alloc(rows * t->width, sizeof *out);
    fr_transform_apply(t, &d->dataset, d->rows, rows, out, t->width);
    return out;
}

/* The reference's table. */
static made reference_table(const char *name, size_t rows, size_t cols)
{
    char record[64];
    made d = make_data(rows, cols, 0);
    snprintf(record, sizeof record, "x rows=%zu cols=%zu table=%s", rows, cols, name);
    const reference x = reference_find(FILE_NAME, record);
    for (size_t i = 0; i < rows * cols; i++) d.x[i] = (float)x.value[i];
    return d;
}

static void check_components(const char *name, size_t rows, size_t cols)
{
    static const char *const shares[] = {"0.3", "0.8", "0.99"};
    made d = reference_table(name, rows, cols);
    char record[64];
    for (int whiten = 0; whiten <= 1; whiten++) {
        fr_preprocess_options o = defaults();
        o.pca = 4;
        o.whiten = whiten;
        snprintf(record, sizeof record, "scores rows=%zu cols=4 table=%s whiten=%d", rows, name,
                 whiten);
        const reference wanted = reference_find(FILE_NAME, record);
        fr_transform t = fit(&o, &d, rows);
        float *got = apply(&t, &d, rows);
        assert_int_equal(t.width, 4);
        for (size_t i = 0; i < rows * 4; i++)
            assert_true(fabs((double)got[i] - wanted.value[i]) <
                        1e-5 * (1 + fabs(wanted.value[i])));
        free(got);
        fr_transform_clear(&t);
    }
    for (size_t k = 0; k < 3; k++) {
        fr_preprocess_options o = defaults();
        o.pca = strtod(shares[k], NULL);
        snprintf(record, sizeof record, "enough table=%s share=%s", name, shares[k]);
        fr_transform t = fit(&o, &d, rows);
        assert_true((double)t.width == reference_find(FILE_NAME, record).value[0]);
        fr_transform_clear(&t);
    }
    free_data(&d);
}

static void test_components_are_scikit_learns(void **unused)
{
    (void)unused;
    check_components("tall", 30, 6);
    check_components("wide", 8, 24);
}

/* ---- components by a solver ---- */

static fr_status open_local(void *context, fr_gram_solver *out)
{
    size_t *opened = context;
    ++*opened;
    return fr_gram_solver_local(out);
}

static fr_status open_none(void *context, fr_gram_solver *out)
{
    (void)context;
    (void)out;
    return FR_FAIL(FR_STOPPED, "stopped");
}

/* What a solver finds in the products of all rows, or of all columns, is what comes of blocks.
 */
static void test_shared_components(void **unused)
{
    (void)unused;
    for (int wide = 0; wide <= 1; wide++) {
        const size_t rows = wide ? 40 : 300, cols = wide ? 200 : 30;
        made d = make_data(rows, cols, 0);
        size_t opened = 0;
        const fr_gram_source source = {&opened, open_local}, none = {NULL, open_none};
        fr_preprocess_options o = defaults();
        o.pca = 7;
        o.whiten = wide;
        o.pca_distribute_from = 30; /* m is 40, or 30, which is not more */
        fr_transform here = fit(&o, &d, rows), there = {0};
        for (int64_t from = wide ? 39 : 29; from <= 40; from += wide ? 1 : 11) {
            o.pca_distribute_from = from;
            const bool shared = from < (wide ? 40 : 30);
            opened = 0;
            assert_int_equal(
                fr_transform_fit_shared(&o, &d.dataset, d.rows, rows, &source, &there), FR_OK);
            assert_int_equal(opened, shared);
            assert_int_equal(there.width, 7);
            float *a = apply(&here, &d, rows), *b = apply(&there, &d, rows);
            for (size_t i = 0; i < rows * 7; i++) assert_true(fabsf(a[i] - b[i]) < 1e-5f);
            assert_true(shared || memcmp(a, b, rows * 7 * sizeof *a) == 0);
            free(a);
            free(b);
            fr_transform_clear(&there);
        }
        o.pca_distribute_from = 1;
        assert_int_equal(fr_transform_fit_shared(&o, &d.dataset, d.rows, rows, &none, &there),
                         FR_STOPPED);
        o.pca_distribute_from = 0; /* never */
        assert_int_equal(fr_transform_fit_shared(&o, &d.dataset, d.rows, rows, &none, &there),
                         FR_OK);
        fr_transform_clear(&there);
        fr_transform_clear(&here);
        free_data(&d);
    }
}

/* More components than there are: n rows around their mean have n - 1 directions; equal rows
 * have none. */
static void test_rank(void **unused)
{
    (void)unused;
    made d = make_data(9, 300, 0);
    fr_preprocess_options o = defaults();
    fr_transform t;
    o.pca = 100;
    o.drop_constant = false;
    t = fit(&o, &d, 9);
    assert_int_equal(t.width, 8);
    fr_transform_clear(&t);
    for (size_t i = 0; i < 9 * 300; i++) d.x[i] = (float)(i % 300);
    assert_int_equal(fr_transform_fit(&o, &d.dataset, d.rows, 9, &t), FR_ERR_DATA);
    assert_non_null(strstr(fr_status_message(), "preprocess.pca finds no component"));
    free_data(&d);
}

/* Large numbers with small differences lose none of them. */
static void test_centre(void **unused)
{
    (void)unused;
    made d = make_data(200, 5, 0), far = make_data(200, 5, 0);
    fr_preprocess_options o = defaults();
    o.pca = 3;
    for (size_t i = 0; i < 200 * 5; i++) {
        d.x[i] = roundf(d.x[i] * 64);
        far.x[i] = d.x[i] + 4e6f;
    }
    fr_transform t = fit(&o, &d, 200), u = fit(&o, &far, 200);
    float *a = apply(&t, &d, 200), *b = apply(&u, &far, 200);
    for (size_t i = 0; i < 200 * 3; i++) assert_true(fabsf(a[i] - b[i]) < 0.3f);
    free(a);
    free(b);
    fr_transform_clear(&t);
    fr_transform_clear(&u);
    free_data(&d);
    free_data(&far);
}

/* Features of a transform without its projection, times the matrix, in float64. */
static void check_product(const fr_transform *t, const fr_dataset *dataset,
                          const uint32_t *rows, size_t n, double tolerance)
{
    const fr_projection *p = t->projection;
    fr_transform plain = *t;
    plain.projection = NULL;
    plain.width = p->in;
    float *x = fr_alloc(n * p->in, sizeof *x), *out = fr_alloc(n * (p->out + 3), sizeof *out);
    fr_transform_apply(&plain, dataset, rows, n, x, p->in);
    fr_transform_apply(t, dataset, rows, n, out, p->out + 3);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < p->out; j++) {
            double sum = (double)p->bias[j];
            for (size_t k = 0; k < p->in; k++)
                sum += (double)x[i * p->in + k] * (double)p->weights[k * p->out + j];
            if (p->amplitude > 0) sum = (double)p->amplitude * cos(sum);
            assert_true(fabs((double)out[i * (p->out + 3) + j] - sum) < tolerance);
        }
    for (size_t i = 0; i < n; i++) assert_true(out[i * (p->out + 3) + p->out] == 0);
    for (size_t i = 0; i < n; i++) { /* alone, a row has the same bits */
        float *row = fr_alloc(p->out, sizeof *row);
        fr_transform_apply(t, dataset, rows + i, 1, row, p->out);
        assert_memory_equal(row, out + i * (p->out + 3), p->out * sizeof *row);
        free(row);
    }
    free(x);
    free(out);
}

/* 700 columns: numbers with gaps, constants, missing cells, and two categories between them. */
static made mixed_data(void)
{
    enum { N = 150, COLS = 700 };
    made d = make_data(N, COLS, 3);
    for (size_t c = 5; c < COLS; c += 300) {
        fr_column *column = &d.dataset.schema.columns[c];
        column->kind = FR_COLUMN_CATEGORICAL;
        column->n_levels = 4;
        column->levels = fr_alloc(4, sizeof(char *));
        for (size_t l = 0; l < 4; l++) column->levels[l] = fr_strdup("level");
        for (size_t i = 0; i < N; i++) d.x[i * COLS + c] = (float)(i * i % 3);
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t c = 100; c < 140; c++) d.x[i * COLS + c] = 7; /* dropped */
        d.x[i * COLS + i % 97 + 200] = NAN;
    }
    return d;
}

static void test_projection_is_a_product(void **unused)
{
    (void)unused;
    made d = mixed_data();
    for (int kind = 0; kind < 3; kind++) {
        fr_preprocess_options o = defaults();
        o.scale = FR_SCALE_STANDARD;
        o.pca = kind == 1 ? 0 : 17;
        o.fourier = kind == 0 ? 0 : 1100;
        fr_transform t = fit(&o, &d, 150), copy;
        assert_int_equal(t.width, kind == 0 ? 17 : 1100);
        check_product(&t, &d.dataset, d.rows, 150, 2e-5);
        assert_false(fr_transform_keeps_zeros(&t));
        assert_int_equal(fr_transform_copy(&t, &copy), FR_OK);
        float *a = apply(&t, &d, 20), *b = apply(&copy, &d, 20);
        assert_memory_equal(a, b, 20 * t.width * sizeof *a);
        free(a);
        free(b);
        fr_text name = {0};
        fr_transform_name(&t, &d.dataset.schema, 3, &name);
        assert_string_equal(fr_text_get(&name), kind == 0 ? "component_4" : "fourier_4");
        fr_text_clear(&name);
        fr_transform_clear(&copy);
        fr_transform_clear(&t);
    }
    free_data(&d);
}

/* Sparse rows, as they are and of length 1, say what the same cells say in a table. */
static void test_sparse_rows(void **unused)
{
    (void)unused;
    enum { N = 60, COLS = 40 };
    made d = make_data(N, COLS, 2);
    fr_sparse_block block = {0};
    size_t at = 0;
    assert_int_equal(fr_sparse_reserve(&block, N, N * COLS), FR_OK);
    for (size_t i = 0; i < N; i++) {
        for (size_t c = 0; c < COLS; c++) {
            float *x = &d.x[i * COLS + c];
            *x = (i * 7 + c * 5) % 4 == 0 ? fabsf(*x) : 0;
            if (*x == 0) continue;
            block.column[at] = (uint32_t)c;
            block.value[at++] = *x;
        }
        block.start[i + 1] = at;
    }
    block.n = N;
    fr_dataset sparse = d.dataset;
    sparse.x = NULL;
    sparse.sparse = fr_sparse_view(&block);
    sparse.schema.cell = FR_CELL_SPARSE;
    sparse.schema.stored = at;
    for (int kind = 0; kind < 3; kind++) {
        fr_preprocess_options o = defaults();
        o.scale = kind == 0 ? FR_SCALE_MAXABS : kind == 1 ? FR_SCALE_TFIDF : FR_SCALE_STANDARD;
        o.pca = 6;
        fr_transform t;
        const fr_dataset *fitted = kind == 2 ? &d.dataset : &sparse;
        assert_int_equal(fr_transform_fit(&o, fitted, d.rows, N, &t), FR_OK);
        check_product(&t, &sparse, d.rows, N, 2e-5);
        assert_int_equal(fr_transform_most_values(&t, &sparse, d.rows, N), t.width);
        float *dense = apply(&t, &d, N), *other = fr_alloc(N * t.width, sizeof *other);
        fr_transform_apply(&t, &sparse, d.rows, N, other, t.width);
        fr_sparse_block out = {0};
        assert_int_equal(fr_sparse_reserve(&out, N, N * t.width), FR_OK);
        fr_transform_apply_sparse(&t, &sparse, d.rows, N, &out);
        for (size_t i = 0; i < N * t.width; i++) {
            assert_true(fabsf(dense[i] - other[i]) < 1e-4f);
            assert_true(out.value[i] == other[i] && out.column[i] == i % t.width);
        }
        fr_sparse_clear(&out);
        free(dense);
        free(other);
        fr_transform_clear(&t);
    }
    fr_sparse_clear(&block);
    free_data(&d);
}

/* Mean squared error of z(x) . z(y) as exp(-gamma |x - y|^2), over pairs of rows. */
static double kernel_error(const made *d, const fr_preprocess_options *o)
{
    enum { PAIRS = 40 };
    fr_transform t = fit(o, d, PAIRS);
    float *z = apply(&t, d, PAIRS);
    const size_t cols = d->dataset.schema.cols;
    double sum = 0;
    for (size_t i = 0; i < PAIRS; i++)
        for (size_t k = 0; k < i; k++) {
            double product = 0, square = 0;
            for (size_t j = 0; j < t.width; j++)
                product += (double)z[i * t.width + j] * (double)z[k * t.width + j];
            for (size_t j = 0; j < cols; j++)
                square += pow((double)d->x[i * cols + j] - (double)d->x[k * cols + j], 2);
            sum += pow(product - exp(-o->fourier_gamma * square), 2);
        }
    free(z);
    fr_transform_clear(&t);
    return sum / (PAIRS * (PAIRS - 1) / 2);
}

/* The error of D features has a variance of at most about 1 / D. */
static void test_fourier_features_are_the_kernel(void **unused)
{
    (void)unused;
    made d = make_data(40, 8, 0);
    double plain = 0, orthogonal = 0;
    for (int seed = 0; seed < 5; seed++) {
        fr_preprocess_options o = defaults();
        o.fourier = 2048;
        o.fourier_gamma = 0.03;
        o.fourier_seed = seed;
        plain += kernel_error(&d, &o) / 5;
        o.fourier_orthogonal = true;
        orthogonal += kernel_error(&d, &o) / 5;
        o.fourier_gamma = 0.3;
        assert_true(kernel_error(&d, &o) < 1.5 / 2048);
    }
    assert_true(plain < 1.5 / 2048);
    assert_true(orthogonal < 0.5 * plain);
    free_data(&d);
}

/* Directions of a block are at right angles, of the lengths that they had; each has a cosine
 * and a sine. */
static void test_directions_at_right_angles(void **unused)
{
    (void)unused;
    enum { N = 49, D = 10 };
    made d = make_data(20, D, 0);
    fr_preprocess_options o = defaults();
    o.fourier = N;
    o.fourier_gamma = 0.5;
    fr_transform plain = fit(&o, &d, 20);
    o.fourier_orthogonal = true;
    fr_transform t = fit(&o, &d, 20);
    const float *w = t.projection->weights, *v = plain.projection->weights;
    for (size_t a = 0; a <= N / 2; a++) {
        for (size_t b = a - a % D; b <= a; b++) {
            double product = 0, wanted = 0;
            for (size_t j = 0; j < D; j++) {
                product += (double)w[j * N + 2 * a] * (double)w[j * N + 2 * b];
                if (a == b) wanted += (double)v[j * N + a] * (double)v[j * N + a];
            }
            assert_true(fabs(product - wanted) < 1e-5 * (1 + wanted));
        }
        assert_true(t.projection->bias[2 * a] == 0);
        for (size_t j = 0; j < D && a < N / 2; j++)
            assert_true(w[j * N + 2 * a] == w[j * N + 2 * a + 1]);
    }
    fr_transform_clear(&plain);
    fr_transform_clear(&t);
    free_data(&d);
}

/* A ring around a ball: no plane parts them, their Fourier features do. */
static void test_linear_family_bends(void **unused)
{
    (void)unused;
    made d = make_data(600, 2, 2);
    for (size_t i = 0; i < 600; i++) {
        const double angle = (double)i * 0.7, radius = d.y[i] > 0 ? 3 : 1 + 0.001 * (double)i;
        d.x[2 * i] = (float)(radius * cos(angle));
        d.x[2 * i + 1] = (float)(radius * sin(angle));
    }
    for (int fourier = 0; fourier <= 100; fourier += 100) {
        fr_recipe recipe = make_recipe(FR_FAMILY_SOFTMAX);
        fr_fold_result result;
        recipe.preprocess.fourier = fourier;
        recipe.preprocess.fourier_gamma = 0.5;
        recipe.train.learning_rate = 0.1;
        recipe.train.epochs = 20;
        const fr_fit_request request = request_for(&d, &recipe, 400, FR_METRIC_ACCURACY);
        free(fit_params(&request, &result));
        assert_true(fourier > 0 ? result.score > 0.97 : result.score < 0.75);
        free_result(&result);
    }
    free_data(&d);
}

static void test_damaged_bytes(void **unused)
{
    (void)unused;
    made d = make_data(30, 4, 0);
    fr_preprocess_options o = defaults();
    o.pca = 2;
    fr_transform t = fit(&o, &d, 30), back;
    for (int fault = 0; fault < 4; fault++) {
        fr_pack bytes = {0};
        fr_transform_pack(&t, &bytes);
        const size_t at = bytes.size - (1 + 3 * 8 + (4 * 2 + 2) * 4);
        const float bad = NAN;
        assert_int_equal(bytes.data[at], 1);
        if (fault == 0) bytes.data[at + 1]++;     /* another number of features */
        if (fault == 1) bytes.data[at + 9 + 7]++; /* a large number of outputs */
        if (fault == 2) memcpy(bytes.data + bytes.size - 4, &bad, 4);
        if (fault == 3) bytes.size -= 4;
        fr_unpack in = fr_unpack_make(bytes.data, bytes.size);
        assert_int_equal(fr_transform_unpack(&in, &back), FR_ERR_FORMAT);
        fr_pack_clear(&bytes);
    }
    fr_transform_clear(&t);
    free_data(&d);
}

static void test_width(void **unused)
{
    (void)unused;
    fr_preprocess_options o = defaults();
    assert_int_equal(fr_preprocess_width(&o, 30), 30);
    o.pca = 0.9;
    assert_int_equal(fr_preprocess_width(&o, 30), 30);
    o.pca = 7;
    assert_int_equal(fr_preprocess_width(&o, 30), 7);
    o.fourier = 500;
    assert_int_equal(fr_preprocess_width(&o, 30), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_components_are_scikit_learns),
        cmocka_unit_test(test_shared_components),
        cmocka_unit_test(test_rank),
        cmocka_unit_test(test_centre),
        cmocka_unit_test(test_projection_is_a_product),
        cmocka_unit_test(test_sparse_rows),
        cmocka_unit_test(test_fourier_features_are_the_kernel),
        cmocka_unit_test(test_directions_at_right_angles),
        cmocka_unit_test(test_linear_family_bends),
        cmocka_unit_test(test_damaged_bytes),
        cmocka_unit_test(test_width),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
