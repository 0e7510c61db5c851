/* SPDX-License-Identifier: BSD-3-Clause */
// TEST: ranks=1 threads=1,2,3
/* Every path of fr_gemm against a naive twin in double, with guards around every matrix; the
 * Cholesky wrappers against products of their own results. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/linalg/internal.h"

/* A matrix inside a block of its exact size plus guards: a stray write hits a guard, a stray
 * read brings a NaN into the result (or leaves the block, where ASan sees it). */
typedef struct {
    size_t rows, cols, ld, size; /* size: elements of the block */
    float *data; /* (rows, cols) at leading dimension ld; NaN between the rows */
} guarded;

static uint32_t random_state = 1;

static float random_float(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (float)(random_state >> 8) / (float)(1 << 23) - 1.0f;
}

static guarded guarded_create(size_t rows, size_t cols, size_t pad)
{
    guarded g = {.rows = rows, .cols = cols, .ld = cols + pad};
    g.size = rows == 0 ? 0 : (rows - 1) * g.ld + cols;
    g.data = malloc(g.size > 0 ? g.size * sizeof *g.data : 1);
    assert_non_null(g.data);
    for (size_t i = 0; i < g.size; i++) g.data[i] = i % g.ld < cols ? random_float() : NAN;
    return g;
}

static guarded guarded_copy(const guarded *from)
{
    guarded g = *from;
    g.data = malloc(g.size > 0 ? g.size * sizeof *g.data : 1);
    assert_non_null(g.data);
    memcpy(g.data, from->data, g.size * sizeof *g.data);
    return g;
}

static double naive(const fr_gemm_shape *s, const float *a, const float *b, size_t i, size_t j)
{
    double sum = 0;
    for (size_t p = 0; p < s->k; p++)
        sum += (double)a[s->transpose_a ? p * s->lda + i : i * s->lda + p] *
               (double)b[s->transpose_b ? j * s->ldb + p : p * s->ldb + j];
    return sum;
}

/* Elements of C that are wrong: off the twin by more than rounding, or changed between rows. */
static size_t count_wrong(const fr_gemm_shape *s, const guarded *a, const guarded *b,
                          const guarded *before, const guarded *after)
{
    const double tolerance = 1e-6 * ((double)s->k + 2);
    size_t wrong = 0;
    for (size_t q = 0; q < after->size; q++) {
        const size_t i = q / after->ld, j = q % after->ld;
        if (j >= s->n) {
            wrong += memcmp(&before->data[q], &after->data[q], sizeof(float)) != 0;
            continue;
        }
        const double start = s->accumulate ? (double)before->data[q] : 0;
        const double want = start + naive(s, a->data, b->data, i, j);
        wrong += !(fabs(want - (double)after->data[q]) <= tolerance);
    }
    return wrong;
}

static void check_product(fr_small_gemm *run, fr_gemm_shape s, size_t pad)
{
    guarded a = s.transpose_a ? guarded_create(s.k, s.m, pad) : guarded_create(s.m, s.k, pad);
    guarded b = s.transpose_b ? guarded_create(s.n, s.k, pad) : guarded_create(s.k, s.n, pad);
    guarded before = guarded_create(s.m, s.n, pad), c = guarded_copy(&before);
    guarded again = guarded_copy(&before);
    s.lda = a.ld;
    s.ldb = b.ld;
    s.ldc = c.ld;

    run(&s, a.data, b.data, c.data);
    run(&s, a.data, b.data, again.data);
    const size_t wrong = count_wrong(&s, &a, &b, &before, &c);
    if (wrong > 0)
        fail_msg("%zu of %zu wrong: m=%zu n=%zu k=%zu ta=%d tb=%d acc=%d pad=%zu", wrong,
                 s.m * s.n, s.m, s.n, s.k, s.transpose_a, s.transpose_b, s.accumulate, pad);
    if (c.size > 0) assert_memory_equal(c.data, again.data, c.size * sizeof *c.data);
    free(a.data);
    free(b.data);
    free(before.data);
    free(c.data);
    free(again.data);
}

/* All eight combinations of the flags, tight and padded. */
static void check_shape(fr_small_gemm *run, size_t m, size_t n, size_t k)
{
    for (unsigned flags = 0; flags < 16; flags++)
        check_product(run,
                      (fr_gemm_shape){.m = m,
                                      .n = n,
                                      .k = k,
                                      .transpose_a = flags & 1,
                                      .transpose_b = flags & 2,
                                      .accumulate = flags & 4},
                      flags & 8 ? 3 : 0);
}

static void check_edges(fr_small_gemm *run)
{
    static const size_t ROWS[] = {0, 1, 2, 5, 6, 7, 13, 16, 31, 49};
    static const size_t DEPTHS[] = {0, 1, 2, 7, 16};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        for (size_t n = 0; n <= 67; n++)
            for (size_t p = 0; p < sizeof DEPTHS / sizeof *DEPTHS; p++)
                check_shape(run, ROWS[i], n, DEPTHS[p]);
}

/* Shapes of real layers, and depths around the block of 256. */
static void check_layers(fr_small_gemm *run)
{
    static const size_t SHAPES[][3] = {
        {32, 128, 64}, {64, 128, 32}, {32, 10, 128},  {128, 10, 32}, {32, 128, 10},
        {10, 128, 32}, {32, 1, 64},   {64, 1, 32},    {96, 48, 33},  {37, 41, 43},
        {33, 17, 255}, {32, 24, 256}, {61, 10, 257},  {48, 3, 600},  {101, 53, 523},
        {1, 1, 1000},  {1, 100, 300}, {127, 127, 127}};
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
        check_shape(run, SHAPES[i][0], SHAPES[i][1], SHAPES[i][2]);
}

static void every_kernel_matches_its_twin(void **state)
{
    (void)state;
    for (size_t i = 0; fr_small_kernel_at(i).run != NULL; i++) {
        print_message("# kernel %s\n", fr_small_kernel_at(i).name);
        check_edges(fr_small_kernel_at(i).run);
        check_layers(fr_small_kernel_at(i).run);
    }
}

static void large_products_match_too(void **state)
{
    (void)state;
    check_shape(fr_gemm, 31, 29, 37);
    assert_true(311.0 * 211 * 263 > FR_GEMM_SMALL);
    check_shape(fr_gemm, 311, 211, 263);
    check_shape(fr_gemm, 4100, 64, 67);
}

/* The promise that lets `predict` score a row alone. */
static void rows_do_not_depend_on_the_batch(void **state)
{
    enum { BATCH = 70, IN = 300, LARGEST_OUT = 40 };
    (void)state;
    for (size_t n = 1; n <= LARGEST_OUT; n++) {
        guarded a = guarded_create(BATCH, IN, 0), b = guarded_create(IN, n, 0);
        guarded all = guarded_create(BATCH, n, 0), row = guarded_create(1, n, 0);
        fr_gemm_shape s = {.m = BATCH, .n = n, .k = IN, .lda = IN, .ldb = n, .ldc = n};
        fr_gemm(&s, a.data, b.data, all.data);
        s.m = 1;
        for (size_t i = 0; i < BATCH; i++) {
            fr_gemm(&s, a.data + i * IN, b.data, row.data);
            assert_memory_equal(row.data, all.data + i * n, n * sizeof(float));
        }
        free(a.data);
        free(b.data);
        free(all.data);
        free(row.data);
    }
}

/* Many threads, each with its own C, at every alignment: the bits of one thread's result. */
static void threads_and_alignment_do_not_matter(void **state)
{
    enum { M = 33, N = 43, K = 64, AREA = M * N, CALLS = 16 };
    (void)state;
    guarded a = guarded_create(M, K, 0), b = guarded_create(K, N, 0);
    float *c = malloc((AREA + 1) * CALLS * sizeof *c);
    size_t different = 0;
    assert_non_null(c);

#pragma omp parallel for default(none) shared(a, b, c) schedule(static, 1)
    for (int i = 0; i < CALLS; i++) {
        const fr_gemm_shape s = {.m = M, .n = N, .k = K, .lda = K, .ldb = N, .ldc = N};
        fr_gemm(&s, a.data, b.data, c + i * (AREA + 1));
    }
    for (size_t i = 1; i < CALLS; i++)
        different += memcmp(c, c + i * (AREA + 1), AREA * sizeof *c) != 0;
    assert_int_equal(different, 0);
    free(a.data);
    free(b.data);
    free(c);
}

static void not_a_number_comes_through(void **state)
{
    (void)state;
    float a[6] = {1, 2, 3, 4, NAN, 6}, b[6] = {0, 0, 0, 0, 0, 0}, c[4] = {0};
    const fr_gemm_shape s = {.m = 2, .n = 2, .k = 3, .lda = 3, .ldb = 2, .ldc = 2};
    fr_gemm(&s, a, b, c);
    assert_true(c[0] == 0 && c[1] == 0 && isnan(c[2]) && isnan(c[3]));
}

static void kernels_are_named(void **state)
{
    const char *best = NULL;
    (void)state;
    assert_true(strlen(fr_linalg_kernel_name()) > 0);
    assert_string_equal(fr_gemm_kernel_name(), fr_small_kernel_at(0).name);
    const bool low = fr_linalg_kernel_is_low(&best);
    assert_non_null(best);
    assert_int_equal(low, strcmp(best, fr_linalg_kernel_name()) != 0);
    assert_int_equal(low, fr_linalg_kernel_is_low(NULL));
    assert_true(fr_linalg_peak_gflops(0) > 0);
}

/* A = G G' + n I, so that its smallest eigenvalue is at least n. The upper triangle is NaN. */
static void make_definite(const fr_matrix *a)
{
    const size_t n = a->rows;
    float *g = malloc((n * n + 1) * sizeof *g);
    assert_non_null(g);
    for (size_t i = 0; i < n * n; i++) g[i] = random_float();
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < a->ld && i * a->ld + j < (n - 1) * a->ld + n; j++) {
            double sum = i == j ? (double)n : 0;
            if (j > i) sum = (double)NAN;
            for (size_t p = 0; j <= i && p < n; p++)
                sum += (double)g[i * n + p] * (double)g[j * n + p];
            a->data[i * a->ld + j] = sum;
        }
    free(g);
}

/* Element (i, j) of the symmetric matrix whose lower triangle is in `a`. */
static double symmetric(const double *a, size_t ld, size_t i, size_t j)
{
    return i >= j ? a[i * ld + j] : a[j * ld + i];
}

static void check_solve(size_t n, size_t r, size_t pad)
{
    const size_t ld = n + pad, ldb = r + pad;
    double *copy = malloc(n * ld * sizeof *copy);
    fr_matrix a = {malloc(n * ld * sizeof(double)), n, n, ld};
    fr_matrix b = {malloc(n * ldb * sizeof(double)), n, r, ldb};
    assert_true(copy != NULL && a.data != NULL && b.data != NULL);
    make_definite(&a);
    memcpy(copy, a.data, ((n - 1) * ld + n) * sizeof *copy);
    for (size_t i = 0; i < n * ldb; i++) b.data[i] = cos((double)i);

    assert_int_equal(fr_cholesky_factor(&a), FR_OK);
    assert_int_equal(fr_cholesky_solve(&a, &b), FR_OK);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) assert_true(isnan(a.data[i * ld + j]));
        for (size_t j = 0; j < r; j++) {
            double sum = 0;
            for (size_t p = 0; p < n; p++)
                sum += symmetric(copy, ld, i, p) * b.data[p * ldb + j];
            assert_true(fabs(sum - cos((double)(i * ldb + j))) < 1e-12 * (double)(n + 1));
        }
        for (size_t j = r; j < ldb; j++)
            assert_true(b.data[i * ldb + j] == cos((double)(i * ldb + j)));
    }
    free(copy);
    free(a.data);
    free(b.data);
}

static void cholesky_solves(void **state)
{
    static const size_t SIZES[] = {1, 2, 3, 17, 64, 130};
    (void)state;
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++)
        for (size_t r = 1; r <= 7; r += 3)
            for (size_t pad = 0; pad <= 2; pad += 2) check_solve(SIZES[i], r, pad);
}

static void triangle_and_determinant_by_hand(void **state)
{
    /* A = [4 2; 2 10], L = [2 0; 1 3], det A = 36. */
    double a[4] = {4, -7, 2, 10}, b[2] = {2, 7};
    const fr_matrix l = {a, 2, 2, 2}, x = {b, 2, 1, 1};
    (void)state;
    assert_int_equal(fr_cholesky_factor(&l), FR_OK);
    assert_true(a[0] == 2 && a[1] == -7 && a[2] == 1 && a[3] == 3);
    assert_true(fabs(fr_cholesky_logdet(&l) - log(36)) < 1e-15);
    assert_int_equal(fr_triangle_solve(&l, false, &x), FR_OK);
    assert_true(b[0] == 1 && b[1] == 2);
    assert_int_equal(fr_triangle_solve(&l, true, &x), FR_OK);
    assert_true(fabs(b[1] - 2.0 / 3) < 1e-15 && fabs(b[0] - (1 - 2.0 / 3) / 2) < 1e-15);
}

/* A v = lambda v, vectors orthonormal, values ascending; [2 1; 1 2] by hand. */
static void eigenvectors_are_kept_in_direction(void **state)
{
    enum { N = 23, LD = N + 2 };
    double copy[N * LD], data[N * LD], values[N], pair[4] = {2, -9, 1, 2};
    const fr_matrix a = {data, N, N, LD}, two = {pair, 2, 2, 2};
    (void)state;
    make_definite(&a);
    memcpy(copy, data, sizeof copy);
    assert_int_equal(fr_symmetric_eigen(&a, values), FR_OK);
    for (size_t k = 0; k < N; k++) {
        const double *v = data + k * LD;
        assert_true(k == 0 || values[k] >= values[k - 1]);
        for (size_t i = 0; i < N; i++) {
            double image = 0, product = 0;
            for (size_t j = 0; j < N; j++) {
                image += symmetric(copy, LD, i, j) * v[j];
                product += v[j] * data[i * LD + j];
            }
            assert_true(fabs(image - values[k] * v[i]) < 1e-12 * values[N - 1]);
            assert_true(fabs(product - (i == k)) < 1e-12);
        }
    }
    assert_int_equal(fr_symmetric_eigen(&two, values), FR_OK);
    assert_true(fabs(values[0] - 1) < 1e-14 && fabs(values[1] - 3) < 1e-14);
    assert_true(fabs(pair[2] - pair[3]) < 1e-14 && fabs(pair[0] + pair[1]) < 1e-14);
}

static void bad_matrices_are_refused(void **state)
{
    double indefinite[4] = {1, 0, 2, 1}, poisoned[4] = {1, 0, (double)NAN, 1}, b[3] = {1, 2, 3};
    const fr_matrix first = {indefinite, 2, 2, 2}, second = {poisoned, 2, 2, 2};
    const fr_matrix oblong = {indefinite, 1, 2, 2}, tight = {indefinite, 2, 2, 1};
    const fr_matrix tall = {b, 3, 1, 1}, empty = {NULL, 0, 0, 0};
    (void)state;
    assert_int_equal(fr_cholesky_factor(&first), FR_ERR_NUMERIC);
    assert_non_null(strstr(fr_status_message(), "pivot 1"));
    assert_int_equal(fr_cholesky_factor(&second), FR_ERR_NUMERIC);
    assert_int_equal(fr_cholesky_factor(&oblong), FR_ERR_ARG);
    assert_int_equal(fr_cholesky_factor(&tight), FR_ERR_ARG);
    assert_int_equal(fr_cholesky_solve(&first, &tall), FR_ERR_ARG);
    assert_int_equal(fr_cholesky_factor(&empty), FR_OK);
    assert_int_equal(fr_cholesky_solve(&empty, &empty), FR_OK);
    assert_true(fr_cholesky_logdet(&empty) == 0);
    assert_int_equal(fr_symmetric_eigen(&oblong, b), FR_ERR_ARG);
    assert_int_equal(fr_symmetric_eigen(&second, b), FR_ERR_NUMERIC);
    assert_int_equal(fr_symmetric_eigen(&empty, b), FR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_matches_its_twin),
        cmocka_unit_test(large_products_match_too),
        cmocka_unit_test(rows_do_not_depend_on_the_batch),
        cmocka_unit_test(threads_and_alignment_do_not_matter),
        cmocka_unit_test(not_a_number_comes_through),
        cmocka_unit_test(kernels_are_named),
        cmocka_unit_test(cholesky_solves),
        cmocka_unit_test(triangle_and_determinant_by_hand),
        cmocka_unit_test(eigenvectors_are_kept_in_direction),
        cmocka_unit_test(bad_matrices_are_refused),
    };
    fr_linalg_init();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
