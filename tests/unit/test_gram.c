/* SPDX-License-Identifier: BSD-3-Clause */
// TEST: ranks=1 threads=1
/* The local solver against a naive Gaussian elimination and finite differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "foldrank/gram.h"
#include "foldrank/memory.h"

enum { D = 2, P = D + 3 }; /* theta: length scales, amplitude, noise, a constant */

/* amplitude * Matern-5/2 + noise; the last entry of theta is no parameter. */
static double matern(const fr_gram *g, size_t i, size_t j, double *derivative)
{
    double square = 0, share[D];
    for (size_t k = 0; k < D; k++) {
        const double z = (g->x[i * D + k] - g->x[j * D + k]) / exp(g->theta[k]);
        share[k] = z * z;
        square += z * z;
    }
    const double r = sqrt(5 * square), e = exp(g->theta[D] - r);
    const double noise = i == j ? exp(g->theta[D + 1]) : 0;
    if (derivative != NULL) {
        for (size_t k = 0; k < D; k++) derivative[k] = e * (1 + r) * share[k] * 5 / 3;
        derivative[D] = e * (1 + r + r * r / 3);
        derivative[D + 1] = noise;
    }
    return e * (1 + r + r * r / 3) + noise;
}

static void matern_fill(const fr_gram *g, size_t row, size_t col, const fr_matrix *tile)
{
    assert_true(tile->rows <= FR_GRAM_TILE && tile->cols <= FR_GRAM_TILE);
    assert_true(row + tile->rows <= g->n && col + tile->cols <= g->n);
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols; j++)
            tile->data[i * tile->ld + j] = matern(g, row + i, col + j, NULL);
}

static void matern_derive(const fr_gram *g, size_t row, size_t col, const fr_matrix *weight,
                          double *sums)
{
    double derivative[P];
    for (size_t i = 0; i < weight->rows; i++)
        for (size_t j = 0; j < weight->cols; j++) {
            matern(g, row + i, col + j, derivative);
            for (size_t p = 0; p < P - 1; p++)
                sums[p] += weight->data[i * weight->ld + j] * derivative[p];
        }
}

static const fr_kernel MATERN = {matern_fill, matern_derive};

typedef struct {
    fr_gram gram;
    fr_gram_solver solver;
    double *x, *y, *alpha, theta[P];
} process;

static void assert_near(double value, double expected, double tolerance)
{
    if (fabs(value - expected) <= tolerance) return;
    print_error("%.17g, expected %.17g +- %g\n", value, expected, tolerance);
    fail();
}

static double uniform(size_t i)
{
    return fmod((double)(i + 1) * 0.6180339887498949, 1.0);
}

static void process_create(size_t n, process *s)
{
    *s = (process){.theta = {-0.7, -0.2, 0.3, -2.5, 42}};
    s->x = fr_alloc(n * D, sizeof *s->x);
    s->y = fr_alloc(n, sizeof *s->y);
    s->alpha = fr_alloc(n, sizeof *s->alpha);
    for (size_t i = 0; i < n * D; i++) s->x[i] = uniform(3 * i * i + 1);
    for (size_t i = 0; i < n; i++) s->y[i] = sin(6 * s->x[i * D]) + uniform(i) / 4;
    s->gram = (fr_gram){
        .kernel = &MATERN, .x = s->x, .theta = s->theta, .n = n, .d = D, .n_theta = P};
    assert_int_equal(fr_gram_solver_local(&s->solver), FR_OK);
}

static void process_clear(process *s)
{
    s->solver.destroy(s->solver.context);
    free(s->x);
    free(s->y);
    free(s->alpha);
}

/* By elimination without pivots: alpha into x (n), the log-determinant as result. */
static double naive_solve(const fr_gram *g, const double *y, double *x)
{
    const size_t n = g->n;
    double *a = fr_alloc(n * n, sizeof *a), logdet = 0;
    for (size_t i = 0; i < n; i++) x[i] = y[i];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) a[i * n + j] = matern(g, i, j, NULL);
    for (size_t k = 0; k < n; k++) {
        logdet += log(a[k * n + k]);
        for (size_t i = k + 1; i < n; i++) {
            const double factor = a[i * n + k] / a[k * n + k];
            for (size_t j = k; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
            x[i] -= factor * x[k];
        }
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t j = i + 1; j < n; j++) x[i] -= a[i * n + j] * x[j];
        x[i] /= a[i * n + i];
    }
    free(a);
    return logdet;
}

static void test_likelihood(void **state)
{
    static const size_t SIZES[] = {0, 1, 2, 127, 128, 129, 300};
    (void)state;
    for (size_t k = 0; k < sizeof SIZES / sizeof *SIZES; k++) {
        const size_t n = SIZES[k];
        process s;
        process_create(n, &s);
        double value = NAN, square = 0, *alpha = fr_alloc(n, sizeof *alpha);
        assert_int_equal(fr_gram_likelihood(&s.solver, &s.gram, s.y, s.alpha, &value, NULL),
                         FR_OK);
        const double logdet = naive_solve(&s.gram, s.y, alpha);
        for (size_t i = 0; i < n; i++) {
            assert_near(s.alpha[i], alpha[i], 1e-8);
            square += alpha[i] * s.y[i];
        }
        const double pi = acos(-1);
        assert_near(value, -(square + logdet + (double)n * log(2 * pi)) / 2,
                    1e-9 * (double)(n + 1));
        free(alpha);
        process_clear(&s);
    }
}

static double likelihood(process *s)
{
    double value = NAN;
    assert_int_equal(fr_gram_likelihood(&s->solver, &s->gram, s->y, s->alpha, &value, NULL),
                     FR_OK);
    return value;
}

static void test_gradient(void **state)
{
    static const size_t SIZES[] = {1, 2, 127, 129, 300};
    const double step = 1e-5;
    (void)state;
    for (size_t k = 0; k < sizeof SIZES / sizeof *SIZES; k++) {
        process s;
        process_create(SIZES[k], &s);
        double value = NAN, gradient[P];
        assert_int_equal(fr_gram_likelihood(&s.solver, &s.gram, s.y, s.alpha, &value, gradient),
                         FR_OK);
        for (size_t p = 0; p < P; p++) {
            const double theta = s.theta[p];
            s.theta[p] = theta + step;
            const double above = likelihood(&s);
            s.theta[p] = theta - step;
            const double below = likelihood(&s);
            s.theta[p] = theta;
            const double expected = (above - below) / (2 * step);
            assert_near(gradient[p], expected, 1e-6 * (1 + fabs(expected)));
        }
        assert_true(gradient[P - 1] == 0);
        process_clear(&s);
    }
}

static void test_states(void **state)
{
    process s;
    double one = 1, logdet = 0, gradient[P];
    const fr_matrix b = {&one, 1, 1, 1};
    (void)state;
    process_create(10, &s);
    assert_int_equal(s.solver.solve(s.solver.context, &b), FR_ERR_STATE);
    assert_int_equal(s.solver.gradient(s.solver.context, s.y, gradient), FR_ERR_STATE);
    assert_int_equal(s.solver.factor(s.solver.context, &s.gram, &logdet), FR_OK);
    assert_int_equal(s.solver.solve(s.solver.context, &b), FR_ERR_ARG);
    assert_int_equal(s.solver.gradient(s.solver.context, s.y, gradient), FR_OK);
    assert_int_equal(s.solver.gradient(s.solver.context, s.y, gradient), FR_ERR_STATE);
    s.x[3] = NAN;
    assert_int_equal(s.solver.factor(s.solver.context, &s.gram, &logdet), FR_ERR_NUMERIC);
    assert_int_equal(s.solver.solve(s.solver.context, &b), FR_ERR_STATE);
    s.gram.n = SIZE_MAX / 4;
    assert_int_equal(s.solver.factor(s.solver.context, &s.gram, &logdet), FR_ERR_ARG);
    process_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_likelihood),
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_states),
    };
    fr_linalg_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
