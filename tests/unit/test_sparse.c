/* SPDX-License-Identifier: BSD-3-Clause */
/* Sparse data: read, checked, transformed: the same as dense ones. */
#include "data_fixture.h"

#include <math.h>

#include "foldrank/preprocess.h"
#include "foldrank/random.h"
#include "foldrank/text.h"

enum { ROWS = 40, COLS = 30 };

/* Every fifth cell or so; some rows and columns empty, some rows not in order. */
static char *made_svmlight(void)
{
    fr_text text = {0};
    fr_rng rng = fr_rng_make(5, FR_RNG_NOISE, 0, 0, 0);
    for (int i = 0; i < ROWS; i++) {
        fr_text_add(&text, "%d", i % 3);
        for (int k = 1; k <= COLS; k++) {
            const int j = i % 7 == 3 ? COLS + 1 - k : k;
            const double value = fr_rng_normal(&rng);
            if (i % 11 != 5 && j != 4 && fr_rng_below(&rng, 5) == 0)
                fr_text_add(&text, " %d:%.3f", j, value);
        }
        fr_text_add(&text, i % 2 == 0 ? "\n" : " # no end\n");
    }
    fr_text_add(&text, "1 %d:0 1:2\n", COLS);
    assert_false(text.failed);
    return text.data;
}

static void read_as(data_case *c, const char *text, const char *storage)
{
    case_start(c);
    case_set(c, "format", "svmlight");
    case_set(c, "storage", storage);
    case_text(c, "t.svm", text);
    case_read(c);
}

static void sparse_rows_are_the_dense_ones(void **state)
{
    (void)state;
    char *text = made_svmlight();
    data_case sparse, dense;
    read_as(&sparse, text, "sparse");
    read_as(&dense, text, "dense");
    const fr_schema *s = &sparse.set.schema, *d = &dense.set.schema;
    const fr_sparse_rows *x = &sparse.set.sparse;
    assert_int_equal(s->cell, FR_CELL_SPARSE);
    assert_int_equal(d->cell, FR_CELL_F32);
    assert_true(s->rows == ROWS + 1 && s->cols == d->cols && s->rows == x->n);
    assert_null(sparse.set.x);
    size_t stored = 0;
    for (size_t i = 0; i < s->rows; i++) {
        uint64_t k = x->start[i];
        assert_true(sparse.set.y[i] == dense.set.y[i]);
        for (size_t j = 0; j < s->cols; j++) {
            const float want = case_cell(&dense, i, j);
            const bool there = k < x->start[i + 1] && x->column[k] == j;
            assert_true(there == (want != 0));
            if (there) assert_true(x->value[k++] == want);
            stored += there;
        }
        assert_int_equal(k, x->start[i + 1]);
    }
    assert_int_equal(stored, s->stored);
    assert_true(fr_schema_bytes(s) < fr_schema_bytes(d));
    case_end(&sparse);
    case_end(&dense);
    free(text);
}

static void a_test_file_follows(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_set(&c, "storage", "sparse");
    case_text(&c, "t.svm", "1 2:3\n0 5:1\n");
    case_test_text(&c, "u.svm", "1 9:4 2:1\n0\n");
    case_read(&c);
    const fr_sparse_rows *x = &c.set.sparse;
    assert_int_equal(c.set.schema.cols, 9);
    assert_int_equal(c.set.schema.test_rows, 2);
    const uint64_t start[] = {0, 1, 2, 4, 4};
    const uint32_t column[] = {1, 4, 1, 8};
    const float value[] = {3, 1, 1, 4};
    assert_memory_equal(x->start, start, sizeof start);
    assert_memory_equal(x->column, column, sizeof column);
    assert_memory_equal(x->value, value, sizeof value);
    case_end(&c);
}

/* Small or full data stay dense unless told otherwise. */
static void storage_by_size(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_text(&c, "t.svm", "1 2:3\n0 5:1\n");
    case_read(&c);
    assert_int_equal(c.set.schema.cell, FR_CELL_U8);
    case_text(&c, "t.svm", "1 2:3\n0 400000:0.5\n0\n0\n0\n0\n0\n0\n0\n0\n0 3:1\n");
    case_read(&c);
    assert_int_equal(c.set.schema.cell, FR_CELL_SPARSE);
    case_end(&c);
}

static void what_cannot_be_sparse(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_set(&c, "storage", "sparse");
    case_text(&c, "t.svm", "1 2:3\n0 1:4 5:1 1:2\n");
    case_fails(&c, FR_ERR_DATA, "t.svm:2: index 1 occurs twice");
    case_text(&c, "t.svm", "1 2:1e39\n0 5:1\n");
    case_fails(&c, FR_ERR_DATA, "t.svm:1: column `f2` has 1e+39");
    case_text(&c, "t.svm", "1 2:3\n0 5:1\n");
    case_set(&c, "categorical", "[f2]");
    case_fails(&c, FR_ERR_DATA, "column `f2` is categorical");
    case_set(&c, "categorical", "[]");
    case_set(&c, "target", "y");
    case_text(&c, "t.csv", "a,y\n1,2\n3,4\n");
    case_fails(&c, FR_ERR_DATA, "only SVMlight files are stored so");
    case_end(&c);
}

/* Categories and groups of sparse files have zeros, too. */
static void zeros_that_are_values(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_text(&c, "t.svm", "1 1:2 2:3\n0 3:1\n0 1:2 2:5\n");
    case_set(&c, "categorical", "[f1]");
    case_set(&c, "group", "f2");
    case_read(&c);
    assert_int_equal(c.set.schema.columns[0].n_levels, 2);
    assert_string_equal(c.set.schema.columns[0].levels[0], "0");
    assert_true(case_cell(&c, 0, 0) == 1 && case_cell(&c, 1, 0) == 0);
    assert_true(c.set.group[0] == 1 && c.set.group[1] == 0 && c.set.group[2] == 2);
    case_end(&c);
}

static fr_preprocess_options scaled(int scale)
{
    fr_preprocess_options o = {0};
    assert_int_equal(
        fr_option_defaults(fr_preprocess_option_table, fr_preprocess_option_count, &o), FR_OK);
    o.scale = scale;
    return o;
}

/* Outputs of apply and apply_sparse, cell by cell. */
static void expect_same(const fr_transform *t, const fr_dataset *set, const uint32_t *rows,
                        size_t n, const float *want)
{
    fr_sparse_block block = {0};
    const size_t most = fr_transform_most_values(t, set, rows, n);
    assert_int_equal(fr_sparse_reserve(&block, n, n * most), FR_OK);
    fr_transform_apply_sparse(t, set, rows, n, &block);
    assert_int_equal(block.n, n);
    for (size_t i = 0; i < n; i++) {
        uint64_t k = block.start[i];
        for (size_t j = 0; j < t->width; j++) {
            const bool there = k < block.start[i + 1] && block.column[k] == j;
            assert_true(want[i * t->width + j] == (there ? block.value[k] : 0.0f));
            k += there;
        }
        assert_int_equal(k, block.start[i + 1]);
    }
    fr_sparse_clear(&block);
}

/* scikit-learn's MaxAbsScaler divides by the largest size of each column; drop_constant leaves
 * out what the training rows do not have. */
static void sparse_and_dense_transforms_agree(void **state)
{
    (void)state;
    char *text = made_svmlight();
    data_case sparse, dense;
    uint32_t rows[ROWS];
    read_as(&sparse, text, "sparse");
    read_as(&dense, text, "dense");
    for (uint32_t i = 0; i < ROWS; i++) rows[i] = ROWS - i;
    for (int drop = 0; drop < 2; drop++) {
        fr_preprocess_options options = scaled(FR_SCALE_MAXABS);
        fr_transform a, b;
        options.drop_constant = drop != 0;
        assert_int_equal(fr_transform_fit(&options, &sparse.set, rows, 12, &a), FR_OK);
        assert_int_equal(fr_transform_fit(&options, &dense.set, rows, 12, &b), FR_OK);
        assert_true(a.width == b.width && fr_transform_keeps_zeros(&a));
        assert_true(drop != 0 ? a.width < COLS : a.width == COLS);
        float *x = fr_alloc(ROWS * a.width, sizeof *x),
              *y = fr_alloc(ROWS * a.width, sizeof *y);
        fr_transform_apply(&a, &sparse.set, rows, ROWS, x, a.width);
        fr_transform_apply(&b, &dense.set, rows, ROWS, y, a.width);
        assert_memory_equal(x, y, ROWS * a.width * sizeof *x);
        expect_same(&a, &sparse.set, rows, ROWS, y);
        expect_same(&b, &dense.set, rows, ROWS, y);
        for (size_t j = 0; j < a.width; j++) {
            float most = 0;
            for (size_t i = 0; i < 12; i++) most = fmaxf(most, fabsf(x[i * a.width + j]));
            assert_true(most == 0 || fabsf(most - 1) < 1e-6f);
        }
        free(x);
        free(y);
        fr_transform_clear(&a);
        fr_transform_clear(&b);
    }
    case_end(&sparse);
    case_end(&dense);
    free(text);
}

/* A model that was trained dense and scaled predicts sparse rows through full ones. */
static void sparse_rows_through_a_shifting_transform(void **state)
{
    (void)state;
    char *text = made_svmlight();
    data_case sparse, dense;
    uint32_t rows[ROWS];
    read_as(&sparse, text, "sparse");
    read_as(&dense, text, "dense");
    for (uint32_t i = 0; i < ROWS; i++) rows[i] = i;
    const fr_preprocess_options options = scaled(FR_SCALE_STANDARD);
    fr_transform t, refused;
    float x[ROWS * (COLS + 5)], y[ROWS * (COLS + 5)];
    assert_int_equal(fr_transform_fit(&options, &sparse.set, rows, ROWS, &refused),
                     FR_ERR_DATA);
    assert_non_null(
        strstr(fr_status_message(), "set preprocess.scale to maxabs, tfidf or none"));
    assert_int_equal(fr_transform_fit(&options, &dense.set, rows, ROWS, &t), FR_OK);
    assert_false(fr_transform_keeps_zeros(&t));
    fr_transform_apply(&t, &sparse.set, rows, ROWS, x, t.width + 1);
    fr_transform_apply(&t, &dense.set, rows, ROWS, y, t.width + 1);
    assert_memory_equal(x, y, ROWS * (t.width + 1) * sizeof *x);
    fr_transform_clear(&t);
    case_end(&sparse);
    case_end(&dense);
    free(text);
}

/* Categories as sparse one-hot outputs, beside numbers that are shifted. */
static void dense_tables_become_sparse(void **state)
{
    (void)state;
    data_case c;
    const uint32_t rows[] = {0, 1, 2, 3, 4};
    case_start(&c);
    case_set(&c, "target", "y");
    case_text(&c, "t.csv", "a,k,b,y\n1,u,3,0\n,v,4,1\n3,,5,0\n4,w,3,1\n7,u,9,1\n");
    case_read(&c);
    const fr_preprocess_options options = scaled(FR_SCALE_STANDARD);
    fr_transform t;
    float x[5 * 8];
    assert_int_equal(fr_transform_fit(&options, &c.set, rows, 4, &t), FR_OK);
    assert_int_equal(t.width, 5);
    fr_transform_apply(&t, &c.set, rows, 5, x, t.width);
    assert_int_equal(fr_transform_most_values(&t, &c.set, rows, 5), 3);
    expect_same(&t, &c.set, rows, 5, x);
    fr_transform_clear(&t);
    case_end(&c);
}

/* Root's schema and block as another rank sees them. */
static void a_packed_schema_attaches(void **state)
{
    (void)state;
    data_case c;
    fr_schema copy;
    fr_dataset there;
    case_start(&c);
    case_set(&c, "storage", "sparse");
    case_text(&c, "t.svm", "1 2:3 4:1\n0 5:1\n");
    case_read(&c);
    assert_int_equal(fr_schema_copy(&c.set.schema, &copy), FR_OK);
    assert_true(copy.stored == 3 && copy.fingerprint == c.set.schema.fingerprint);
    fr_dataset_attach(&copy, c.block, &there);
    assert_true(there.sparse.n == 2 && there.sparse.column[2] == 4);
    fr_dataset_clear(&there);
    const uint64_t before = c.set.schema.fingerprint;
    case_text(&c, "t.svm", "1 2:3 4:1\n0 4:1\n1 5:0\n");
    case_read(&c);
    assert_true(before != c.set.schema.fingerprint);
    case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sparse_rows_are_the_dense_ones),
        cmocka_unit_test(a_test_file_follows),
        cmocka_unit_test(storage_by_size),
        cmocka_unit_test(what_cannot_be_sparse),
        cmocka_unit_test(zeros_that_are_values),
        cmocka_unit_test(sparse_and_dense_transforms_agree),
        cmocka_unit_test(sparse_rows_through_a_shifting_transform),
        cmocka_unit_test(dense_tables_become_sparse),
        cmocka_unit_test(a_packed_schema_attaches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
