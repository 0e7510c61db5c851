/* SPDX-License-Identifier: BSD-3-Clause */
/* Preprocessing against scikit-learn's numbers, a naive twin, and itself packed and unpacked.
 */
#include "data_fixture.h"

#include <math.h>

#include "foldrank/preprocess.h"
#include "foldrank/random.h"

/* A data set over an array of floats, narrowed to `cell`; columns are numeric unless levels >
 * 0. */
static void make_set(const float *x, size_t rows, size_t cols, fr_cell cell,
                     const size_t *levels, fr_dataset *out, void **block)
{
    fr_schema schema = {.rows = rows, .cols = cols, .cell = cell};
    schema.columns = fr_alloc(cols, sizeof *schema.columns);
    schema.target_name = fr_strdup("y");
    for (size_t c = 0; c < cols; c++) {
        char name[32];
        snprintf(name, sizeof name, "x%zu", c);
        schema.columns[c].name = fr_strdup(name);
        if (levels == NULL || levels[c] == 0) continue;
        schema.columns[c].kind = FR_COLUMN_CATEGORICAL;
        schema.columns[c].n_levels = levels[c];
        schema.columns[c].levels = fr_alloc(levels[c], sizeof(char *));
        for (size_t l = 0; l < levels[c]; l++) {
            snprintf(name, sizeof name, "L%zu", l);
            schema.columns[c].levels[l] = fr_strdup(name);
        }
    }
    *block = fr_alloc(fr_schema_bytes(&schema), 1);
    for (size_t i = 0; i < rows * cols; i++) {
        if (cell == FR_CELL_U8)
            ((uint8_t *)*block)[i] = (uint8_t)x[i];
        else if (cell == FR_CELL_I16)
            ((int16_t *)*block)[i] = (int16_t)x[i];
        else
            ((float *)*block)[i] = x[i];
    }
    fr_dataset_attach(&schema, *block, out);
}

static fr_preprocess_options defaults(void)
{
    fr_preprocess_options options = {0};
    assert_int_equal(
        fr_option_defaults(fr_preprocess_option_table, fr_preprocess_option_count, &options),
        FR_OK);
    return options;
}

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
        fail_msg("%.9g, not %.9g", got, want);
}

/* scikit-learn 1.9.1, on float32 data in double: make_pipeline(SimpleImputer(strategy,
 * fill_value=-1.5), scaler).fit(X[train]).transform(X[[0, 1, 5, 6, 8]]); impute mean, median,
 * most_frequent, constant by scale none, standard, minmax, robust. */
static const float sklearn[16][10] = {
    {1.5f, 3, 2.97916667f, 7, 2.97916667f, 7, 10.5f, 0, 2.97916667f, 250},
    {-0.398745182f, -0.421213768f, 0, -0.304441634f, 0, -0.304441634f, 2.02742269f,
     -0.508792868f, 0, 6.78946548f},
    {0.294117647f, 0.101851852f, 0.410130719f, 0.138888889f, 0.410130719f, 0.138888889f, 1,
     0.0740740741f, 0.410130719f, 2.38888889f},
    {-0.464052288f, -0.470588235f, 0, 0, 0, 0, 2.35947712f, -0.823529412f, 0, 28.5882353f},
    {1.5f, 3, 2.75f, 7, 2.75f, 7, 10.5f, 0, 2.75f, 250},
    {-0.389828759f, -0.421213768f, -0.052939708f, -0.304441634f, -0.052939708f, -0.304441634f,
     2.03577241f, -0.508792868f, -0.052939708f, 6.78946548f},
    {0.294117647f, 0.101851852f, 0.392156863f, 0.138888889f, 0.392156863f, 0.138888889f, 1,
     0.0740740741f, 0.392156863f, 2.38888889f},
    {-0.392156863f, -0.470588235f, 0, 0, 0, 0, 2.43137255f, -0.823529412f, 0, 28.5882353f},
    {1.5f, 3, 4, 7, 4, 7, 10.5f, 0, 4, 250},
    {-0.436041042f, -0.421213768f, 0.23479133f, -0.304441634f, 0.23479133f, -0.304441634f,
     1.9789555f, -0.508792868f, 0.23479133f, 6.78946548f},
    {0.294117647f, 0.101851852f, 0.490196078f, 0.138888889f, 0.490196078f, 0.138888889f, 1,
     0.0740740741f, 0.490196078f, 2.38888889f},
    {-0.784313725f, -0.470588235f, 0, 0, 0, 0, 2.03921569f, -0.823529412f, 0, 28.5882353f},
    {1.5f, 3, -1.5f, 7, -1.5f, 7, 10.5f, 0, -1.5f, 250},
    {-0.20840984f, -0.421213768f, -0.95336416f, -0.304441634f, -0.95336416f, -0.304441634f,
     2.02645312f, -0.508792868f, -0.95336416f, 6.78946548f},
    {0.294117647f, 0.101851852f, 0.0588235294f, 0.138888889f, 0.0588235294f, 0.138888889f, 1,
     0.0740740741f, 0.0588235294f, 2.38888889f},
    {0, -0.470588235f, -0.64f, 0, -0.64f, 0, 1.92f, -0.823529412f, -0.64f, 28.5882353f},
};

static void agrees_with_scikit_learn(void **state)
{
    (void)state;
    static const float x[] = {1.5f, 3,   NAN, 7,     -2.25f, 7,      4,  100, 4,
                              -8,   NAN, 7,   10.5f, 0,      0.125f, 13, NAN, 250};
    static const uint32_t train[] = {0, 1, 2, 3, 4, 6, 7}, apply[] = {0, 1, 5, 6, 8};
    fr_dataset set;
    void *block;
    make_set(x, 9, 2, FR_CELL_F32, NULL, &set, &block);
    for (int i = 0; i < 16; i++) {
        fr_preprocess_options options = defaults();
        fr_transform transform;
        float out[5 * 4];
        options.impute = i / 4;
        options.scale = i % 4;
        options.fill_value = -1.5;
        assert_int_equal(fr_transform_fit(&options, &set, train, 7, &transform), FR_OK);
        assert_int_equal(transform.width, 2);
        fr_transform_apply(&transform, &set, apply, 5, out, 4);
        for (int k = 0; k < 10; k++) near(out[k / 2 * 4 + k % 2], sklearn[i][k], 1e-6);
        for (int r = 0; r < 5; r++) assert_true(out[r * 4 + 2] == 0 && out[r * 4 + 3] == 0);
        fr_transform_clear(&transform);
    }
    fr_dataset_clear(&set);
    free(block);
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double sorted_quantile(const double *v, size_t n, double q)
{
    const double position = q * (double)(n - 1);
    const size_t k = (size_t)position;
    return k + 1 < n ? v[k] + (v[k + 1] - v[k]) * (position - (double)k) : v[k];
}

/* What the default options make of column c at row `at`, the simplest way. */
static double naive(const float *x, size_t cols, size_t c, const uint32_t *rows, size_t n,
                    int scale, size_t at)
{
    double *v = malloc((n + 1) * sizeof *v), mean = 0, square = 0, result;
    size_t m = 0;
    for (size_t r = 0; r < n; r++)
        if (!isnan(x[rows[r] * cols + c])) v[m++] = x[rows[r] * cols + c];
    qsort(v, m, sizeof *v, compare_doubles);
    const double fill = sorted_quantile(v, m, 0.5);
    while (m < n) v[m++] = fill;
    qsort(v, n, sizeof *v, compare_doubles);
    for (size_t i = 0; i < n; i++) mean += v[i] / (double)n;
    for (size_t i = 0; i < n; i++) square += (v[i] - mean) * (v[i] - mean) / (double)n;
    const double value = isnan(x[at * cols + c]) ? fill : x[at * cols + c];
    if (scale == FR_SCALE_STANDARD)
        result = (value - mean) / sqrt(square);
    else if (scale == FR_SCALE_MINMAX)
        result = (value - v[0]) / (v[n - 1] - v[0]);
    else
        result = (value - sorted_quantile(v, n, 0.5)) /
                 (sorted_quantile(v, n, 0.75) - sorted_quantile(v, n, 0.25));
    free(v);
    return result;
}

/* Widths around the sizes of blocks, constant columns between, every cell type, many rows. */
static void agrees_with_a_naive_twin(void **state)
{
    (void)state;
    static const size_t widths[] = {1, 2, 3, 5, 8, 13, 16, 17, 31, 61, 64, 67, 1100};
    fr_rng rng = fr_rng_make(7, FR_RNG_NOISE, 0, 0, 0);
    for (size_t w = 0; w < 3 * sizeof widths / sizeof *widths; w++) {
        const size_t cols = widths[w / 3], rows = cols == 5 ? 9000 : 23, n = rows - rows / 5;
        const fr_cell cell = (fr_cell)(w % 3);
        float *x = malloc(rows * cols * sizeof *x),
              *out = malloc(rows * (cols + 3) * sizeof *out);
        uint32_t *train = malloc(rows * sizeof *train), *all = malloc(rows * sizeof *all);
        for (size_t r = 0; r < rows; r++) train[r] = all[r] = (uint32_t)r;
        fr_rng_shuffle(&rng, train, rows);
        for (size_t i = 0; i < rows * cols; i++) {
            const double u = fr_rng_uniform(&rng);
            x[i] = cell == FR_CELL_U8    ? (float)(int)(u * 256)
                   : cell == FR_CELL_I16 ? (float)(int)(u * 65536 - 32768)
                   : u < 0.1             ? NAN
                                         : (float)(u * 10 - 5);
            if (i % cols % 7 == 3) x[i] = 4;
        }
        fr_dataset set;
        void *block;
        make_set(x, rows, cols, cell, NULL, &set, &block);
        fr_preprocess_options options = defaults();
        options.scale = FR_SCALE_STANDARD + (int)(w % 3);
        fr_transform transform;
        assert_int_equal(fr_transform_fit(&options, &set, train, n, &transform), FR_OK);
        fr_transform_apply(&transform, &set, all, rows, out, cols + 3);
        size_t j = 0;
        for (size_t c = 0; c < cols; c++) {
            if (c % 7 == 3) {
                assert_int_equal(transform.features[c].kind, FR_FEATURE_DROP);
                continue;
            }
            for (size_t r = 0; r<rows; r += rows> 100 ? 1000 : 1)
                near(out[r * (cols + 3) + j], naive(x, cols, c, train, n, options.scale, r),
                     2e-5);
            j++;
        }
        assert_int_equal(transform.width, j);
        fr_transform_clear(&transform);
        fr_dataset_clear(&set);
        free(block);
        free(x);
        free(out);
        free(train);
        free(all);
    }
}

/* Columns: numeric, categorical of 4 levels (L2 only outside the training rows), numeric. */
static const float mixed[] = {1, 0, 5, 2, 1, 6, 3, 1, 7, 4, NAN, 8, 5, 2, 9, 6, 3, 9};
static const size_t mixed_levels[] = {0, 4, 0};
static const uint32_t first_four[] = {0, 1, 2, 3}, every_row[] = {0, 1, 2, 3, 4, 5};

static void names_pass_over_dropped_columns(void **state)
{
    (void)state;
    static const float x[] = {7, 1, 7, 7, 2, 7, 7, 2, 7, 7, 1, 7};
    static const char *const names[] = {"x1", "x4", ""};
    fr_dataset set;
    void *block;
    fr_transform transform;
    make_set(x, 2, 6, FR_CELL_F32, NULL, &set, &block);
    const fr_preprocess_options options = defaults();
    assert_int_equal(fr_transform_fit(&options, &set, first_four, 2, &transform), FR_OK);
    assert_int_equal(transform.width, 2);
    for (size_t j = 0; j < 3; j++) {
        fr_text name = {0};
        fr_transform_name(&transform, &set.schema, j, &name);
        assert_string_equal(fr_text_get(&name), names[j]);
        fr_text_clear(&name);
    }
    fr_transform_clear(&transform);
    fr_dataset_clear(&set);
    free(block);
}

static void one_hot_knows_the_training_levels_only(void **state)
{
    (void)state;
    fr_dataset set;
    void *block;
    fr_transform transform;
    fr_text name = {0};
    float out[6 * 4];
    make_set(mixed, 6, 3, FR_CELL_F32, mixed_levels, &set, &block);
    fr_preprocess_options options = defaults();
    options.scale = FR_SCALE_NONE;
    assert_int_equal(fr_transform_fit(&options, &set, first_four, 4, &transform), FR_OK);
    assert_int_equal(transform.width, 4);
    fr_transform_apply(&transform, &set, every_row, 6, out, 4);
    const float want[] = {1, 1, 0, 5, 2, 0, 1, 6, 3, 0, 1, 7,
                          4, 0, 0, 8, 5, 0, 0, 9, 6, 0, 0, 9};
    for (int i = 0; i < 24; i++) assert_true(out[i] == want[i]);
    fr_transform_name(&transform, &set.schema, 2, &name);
    assert_string_equal(fr_text_get(&name), "x1=L1");
    fr_text_clear(&name);
    fr_transform_name(&transform, &set.schema, 3, &name);
    assert_string_equal(fr_text_get(&name), "x2");
    fr_text_clear(&name);
    fr_transform_clear(&transform);
    options.impute = FR_IMPUTE_MOST_FREQUENT;
    assert_int_equal(fr_transform_fit(&options, &set, first_four, 4, &transform), FR_OK);
    fr_transform_apply(&transform, &set, every_row, 6, out, 4);
    assert_true(out[3 * 4 + 1] == 0 && out[3 * 4 + 2] == 1);
    fr_transform_clear(&transform);
    options.encode = FR_ENCODE_ORDINAL;
    assert_int_equal(fr_transform_fit(&options, &set, first_four, 4, &transform), FR_OK);
    assert_int_equal(transform.width, 3);
    fr_transform_apply(&transform, &set, every_row, 6, out, 3);
    assert_true(out[0 * 3 + 1] == 0 && out[3 * 3 + 1] == 1 && out[5 * 3 + 1] == 3);
    fr_transform_clear(&transform);
    fr_dataset_clear(&set);
    free(block);
}

/* Cells outside the training rows may be anything: nothing of them is learned. */
static void nothing_leaks_from_other_rows(void **state)
{
    (void)state;
    float spoiled[18];
    memcpy(spoiled, mixed, sizeof spoiled);
    for (int i = 12; i < 18; i++) spoiled[i] = i % 3 == 1 ? 0 : 1e6f;
    fr_pack bytes[2] = {{0}};
    for (int k = 0; k < 2; k++) {
        fr_dataset set;
        void *block;
        fr_transform transform;
        const fr_preprocess_options options = defaults();
        make_set(k == 0 ? mixed : spoiled, 6, 3, FR_CELL_F32, mixed_levels, &set, &block);
        assert_int_equal(fr_transform_fit(&options, &set, first_four, 4, &transform), FR_OK);
        fr_transform_pack(&transform, &bytes[k]);
        fr_transform_clear(&transform);
        fr_dataset_clear(&set);
        free(block);
    }
    assert_int_equal(bytes[0].size, bytes[1].size);
    assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].size);
    fr_pack_clear(&bytes[0]);
    fr_pack_clear(&bytes[1]);
}

static void constant_and_empty_columns(void **state)
{
    (void)state;
    static const float x[] = {2, NAN, 1, 2, NAN, 2, 2, NAN, 3};
    static const uint32_t rows[] = {0, 1, 2};
    fr_dataset set;
    void *block;
    make_set(x, 3, 3, FR_CELL_F32, NULL, &set, &block);
    for (int keep = 0; keep < 2; keep++) {
        fr_transform transform;
        float out[9];
        fr_preprocess_options options = defaults();
        options.drop_constant = keep == 0;
        assert_int_equal(fr_transform_fit(&options, &set, rows, 3, &transform), FR_OK);
        assert_int_equal(transform.width, keep == 0 ? 1 : 3);
        fr_transform_apply(&transform, &set, rows, 3, out, transform.width);
        if (keep == 1) assert_true(out[0] == 0 && out[1] == 0 && out[7] == 0);
        fr_transform_clear(&transform);
    }
    fr_transform none;
    const fr_preprocess_options options = defaults();
    assert_int_equal(fr_transform_fit(&options, &set, rows, 0, &none), FR_ERR_DATA);
    fr_dataset_clear(&set);
    free(block);
}

static void target_is_standardised_for_regression(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_text(&c, "t.csv", "a,y\n1,10\n2,20\n3,60\n4,1000\n");
    case_set(&c, "target", "y");
    case_set(&c, "task", "regression");
    case_read(&c);
    fr_preprocess_options options = defaults();
    fr_transform transform;
    assert_int_equal(fr_transform_fit(&options, &c.set, every_row, 3, &transform), FR_OK);
    near(transform.target_shift, 30, 1e-12);
    near(transform.target_factor, 1 / sqrt(1400.0 / 3), 1e-12);
    fr_transform_clear(&transform);
    options.scale_target = false;
    assert_int_equal(fr_transform_fit(&options, &c.set, every_row, 3, &transform), FR_OK);
    assert_true(transform.target_shift == 0 && transform.target_factor == 1);
    fr_transform_clear(&transform);
    case_end(&c);
}

/* Packed and unpacked it does the same; any damaged byte is refused or harmless. */
static void packs_and_survives_damage(void **state)
{
    (void)state;
    fr_dataset set;
    void *block;
    fr_transform first, second;
    fr_pack pack = {0}, again = {0};
    const fr_preprocess_options options = defaults();
    make_set(mixed, 6, 3, FR_CELL_F32, mixed_levels, &set, &block);
    assert_int_equal(fr_transform_fit(&options, &set, first_four, 4, &first), FR_OK);
    fr_transform_pack(&first, &pack);
    fr_unpack in = fr_unpack_make(pack.data, pack.size);
    assert_int_equal(fr_transform_unpack(&in, &second), FR_OK);
    fr_transform_pack(&second, &again);
    assert_int_equal(pack.size, again.size);
    assert_memory_equal(pack.data, again.data, pack.size);
    fr_transform_clear(&second);
    for (size_t at = 0; at < pack.size; at++) {
        static const unsigned char damage[] = {1, 0x80, 0xff};
        for (size_t d = 0; d < sizeof damage; d++) {
            pack.data[at] ^= damage[d];
            in = fr_unpack_make(pack.data, pack.size - (d == 2 ? at : 0));
            if (fr_transform_unpack(&in, &second) == FR_OK && second.cols == 3 &&
                second.width < 1000) {
                float *out = malloc(6 * second.width * sizeof *out + 1);
                fr_transform_apply(&second, &set, every_row, 6, out, second.width);
                free(out);
            }
            fr_transform_clear(&second);
            pack.data[at] ^= damage[d];
        }
    }
    fr_transform_clear(&first);
    fr_pack_clear(&pack);
    fr_pack_clear(&again);
    fr_dataset_clear(&set);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_scikit_learn),
        cmocka_unit_test(agrees_with_a_naive_twin),
        cmocka_unit_test(names_pass_over_dropped_columns),
        cmocka_unit_test(one_hot_knows_the_training_levels_only),
        cmocka_unit_test(nothing_leaks_from_other_rows),
        cmocka_unit_test(constant_and_empty_columns),
        cmocka_unit_test(target_is_standardised_for_regression),
        cmocka_unit_test(packs_and_survives_damage),
    };
    return cmocka_run_group_tests_name("preprocess", tests, NULL, NULL);
}
