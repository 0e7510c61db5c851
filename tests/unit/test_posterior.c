/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_posterior.c - the kernel, the transformation of scores and the two models of gp, against
 * scikit-learn, scipy and plain dense algebra. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/search/gaussian.h"
#include "../../src/search/matern.h"
#include "../../src/search/posterior.h"
#include "../../src/search/warp.h"
#include "foldrank/linalg.h"
#include "foldrank/memory.h"
#include "reference.h"

#define FILE_NAME "sklearn_process.txt"

static void assert_near(double a, double b, double tolerance)
{
    if (fabs(a - b) <= tolerance * fmax(1.0, fabs(b))) return;
    print_error("%.17g is not %.17g\n", a, b);
    fail();
}

static void assert_all_near(const double *a, const double *b, size_t n, double tolerance)
{
    for (size_t i = 0; i < n; i++) assert_near(a[i], b[i], tolerance);
}

/* ---- kernel ---- */

static void kernel_is_that_of_scikit_learn(void **state)
{
    (void)state;
    enum { N = 12, M = 5, D = 3 };
    const reference x = reference_find(FILE_NAME, "x rows=12 cols=3"),
                    y = reference_find(FILE_NAME, "y"),
                    z = reference_find(FILE_NAME, "z rows=5 cols=3"),
                    log_theta = reference_find(FILE_NAME, "log_theta"),
                    gradient = reference_find(FILE_NAME, "gradient");
    double theta[D + 2], alpha[N], slope[D + 2], value, cross[N * M], solved[N * M],
        mean[M] = {0}, variance[M];
    fr_gram_solver solver;
    memcpy(theta, log_theta.value, (D + 1) * sizeof *theta);
    theta[D + 1] = -1e-6; /* takes back the least noise */
    const fr_gram gram = fr_matern_gram(x.value, N, D, theta);
    assert_int_equal(fr_gram_solver_local(&solver), FR_OK);
    assert_int_equal(fr_gram_likelihood(&solver, &gram, y.value, alpha, &value, slope), FR_OK);
    assert_near(value, reference_find(FILE_NAME, "likelihood").value[0], 1e-12);
    assert_all_near(slope, gradient.value, D, 1e-11);
    assert_near(slope[D], gradient.value[D], 1e-11);
    assert_true(slope[D + 1] == 0.0);

    assert_int_equal(fr_gram_likelihood(&solver, &gram, y.value, alpha, &value, NULL), FR_OK);
    const fr_matrix k = {cross, N, M, M}, b = {solved, N, M, M};
    fr_matern_cross(theta, D, x.value, z.value, &k);
    memcpy(solved, cross, sizeof cross);
    assert_int_equal(solver.solve(solver.context, &b), FR_OK);
    for (size_t c = 0; c < M; c++) variance[c] = 1.0;
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < M; c++) {
            mean[c] += cross[i * M + c] * alpha[i];
            variance[c] -= cross[i * M + c] * solved[i * M + c];
        }
    assert_all_near(mean, reference_find(FILE_NAME, "mean").value, M, 1e-12);
    assert_all_near(variance, reference_find(FILE_NAME, "variance").value, M, 1e-11);
    solver.destroy(solver.context);
}

static void add(fr_space *space, const char *name, fr_param p, bool conditional)
{
    p.name = fr_strdup(name);
    if (conditional) {
        p.n_conditions = 1;
        p.conditions = fr_alloc(1, sizeof *p.conditions);
        p.conditions[0] = (fr_condition){.parent = 0, .n_values = 1};
        p.conditions[0].values = fr_alloc(1, sizeof(double));
        p.conditions[0].values[0] = 1.0;
    }
    if (p.kind == FR_PARAM_CHOICE) {
        p.step = 1.0;
        p.n_choices = 3;
        p.high = 2.0;
        p.choices = fr_alloc(3, sizeof *p.choices);
        for (int i = 0; i < 3; i++) p.choices[i] = fr_strdup(i == 0 ? "a" : i == 1 ? "b" : "c");
    }
    assert_int_equal(fr_space_add(space, p), FR_OK);
}

/* A choice, an integer of its second branch, a logarithm and a number. */
static fr_space mixed(void)
{
    fr_space s = {0};
    add(&s, "family", (fr_param){.kind = FR_PARAM_CHOICE}, false);
    add(&s, "b.depth", (fr_param){.kind = FR_PARAM_INT, .low = 1, .high = 8, .step = 1}, true);
    add(&s, "rate", (fr_param){.kind = FR_PARAM_LOG, .low = 1e-4, .high = 1}, false);
    add(&s, "share", (fr_param){.kind = FR_PARAM_FLOAT, .high = 1}, false);
    return s;
}

static double slow_kernel(const fr_space *s, const double *theta, const double *a,
                          const double *b)
{
    double square = 0.0;
    for (size_t j = 0; j < s->n; j++) {
        const fr_param *p = &s->params[j];
        double off = fr_param_to_unit(p, a[j]) - fr_param_to_unit(p, b[j]);
        if (p->kind == FR_PARAM_CHOICE) off = a[j] == b[j] ? 0.0 : 1.0;
        if (isnan(a[j]) || isnan(b[j])) off = isnan(a[j]) && isnan(b[j]) ? 0.0 : 1.0;
        square += 5.0 * off * off / exp(2.0 * theta[j]);
    }
    return (1.0 + sqrt(square) + square / 3.0) * exp(-sqrt(square));
}

/* More points than a tile has rows, so that all tiles are met. */
static void kernel_measures_a_mixed_space(void **state)
{
    (void)state;
    enum { N = 200, D = 4 };
    fr_space s = mixed();
    double *points = fr_alloc(N * D, sizeof *points), *x = fr_alloc(N * D, sizeof *x),
           *k = fr_alloc(N * N, sizeof *k);
    const double theta[D + 2] = {0.3, -0.5, -1.0, 0.1, -3.0, 1e-3};
    const fr_matrix all = {k, N, N, N};
    fr_rng rng = fr_rng_make(4, FR_RNG_NOISE, 0, 0, 0);
    for (size_t i = 0; i < N; i++) fr_space_draw(&s, &rng, points + i * D);
    fr_matern_encode(&s, points, N, x);
    fr_matern_cross(theta, D, x, x, &all);
    for (size_t i = 0; i < N; i++)
        for (size_t c = 0; c < N; c++)
            assert_near(k[i * N + c], slow_kernel(&s, theta, points + i * D, points + c * D),
                        1e-13);
    const fr_gram gram = fr_matern_gram(x, N, D, theta);
    const fr_matrix tile = {k, 100, 90, N};
    fr_matern.fill(&gram, 90, 100, &tile);
    for (size_t i = 0; i < 100; i++)
        for (size_t c = 0; c < 90; c++) {
            const double plain =
                slow_kernel(&s, theta, points + (90 + i) * D, points + (100 + c) * D);
            const double noise = 90 + i == 100 + c ? exp(-3.0) + 1e-6 + 1e-3 : 0.0;
            assert_near(k[i * N + c], plain + noise, 1e-13);
        }
    free(points);
    free(x);
    free(k);
    fr_space_clear(&s);
}

static void scores_are_bent_as_scipy_does(void **state)
{
    (void)state;
    const reference scores = reference_find(FILE_NAME, "scores");
    double work[20];
    assert_int_equal(scores.n, 20);
    const fr_warp warp = fr_warp_fit(scores.value, work, 20);
    assert_near(warp.exponent, reference_find(FILE_NAME, "exponent").value[0], 0.0);
    for (size_t i = 0; i < 20; i++)
        assert_near(fr_warp_apply(&warp, scores.value[i]),
                    reference_find(FILE_NAME, "bent").value[i], 1e-12);
}

/* ---- models ---- */

enum { OBSERVED = 150, LATER = 20, POINTS = 300, SIZE = 4 };

/* Observations, later trials and points, in this order, and scores of the first two. */
typedef struct {
    fr_space space;
    double *points; /* (OBSERVED + POINTS, SIZE); the LATER trials are the first of POINTS */
    double y[OBSERVED + LATER];
} problem;

static problem make_problem(void)
{
    problem p = {.space = mixed(),
                 .points = fr_alloc((OBSERVED + POINTS) * SIZE, sizeof(double))};
    fr_rng rng = fr_rng_make(6, FR_RNG_NOISE, 0, 0, 0);
    for (size_t i = 0; i < OBSERVED + POINTS; i++) {
        double *x = p.points + i * SIZE;
        fr_space_draw(&p.space, &rng, x);
        if (i < OBSERVED + LATER)
            p.y[i] = exp(sin(4.0 * x[3]) + 0.2 * x[0] - 0.3 * log10(x[2])) +
                     0.05 * fr_rng_normal(&rng);
    }
    return p;
}

static void clear_problem(problem *p)
{
    fr_space_clear(&p->space);
    free(p->points);
}

static void rows_one_by_one_are_rows_together(void **state)
{
    (void)state;
    problem p = make_problem();
    fr_gaussian *g[3];
    static double mean[3][POINTS], variance[3][POINTS];
    const double *z = p.points + OBSERVED * SIZE;
    for (int i = 0; i < 3; i++) {
        const size_t base = i == 0 ? OBSERVED : 90;
        assert_int_equal(fr_gaussian_create(&p.space, &g[i]), FR_OK);
        assert_int_equal(fr_gaussian_learn(g[i], p.points, p.y, 60), FR_OK);
        /* The third comes there in steps, with beliefs and other rows on the way. */
        for (size_t n = 100; n < OBSERVED && i == 2; n += 17) {
            assert_int_equal(fr_gaussian_fit(g[i], p.points, p.y, n, base), FR_OK);
            assert_int_equal(fr_gaussian_believe(g[i], z, n / 10), FR_OK);
            assert_int_equal(fr_gaussian_fit(g[i], z, p.y, 99, base), FR_OK);
        }
        assert_int_equal(fr_gaussian_fit(g[i], p.points, p.y, OBSERVED, base), FR_OK);
        assert_int_equal(fr_gaussian_predict(g[i], p.points, OBSERVED, mean[i], variance[i]),
                         FR_OK);
        double least = INFINITY;
        for (size_t k = 0; k < OBSERVED; k++) least = fmin(least, mean[i][k]);
        assert_near(fr_gaussian_least_mean(g[i]), least, 1e-10);
        assert_int_equal(fr_gaussian_believe(g[i], z, 7), FR_OK);
        assert_int_equal(fr_gaussian_predict(g[i], z, POINTS, mean[i], variance[i]), FR_OK);
        assert_all_near(mean[i], mean[0], POINTS, 1e-10);
        assert_all_near(variance[i], variance[0], POINTS, 1e-10);
    }
    assert_memory_equal(mean[1], mean[2], sizeof mean[1]);
    assert_memory_equal(variance[1], variance[2], sizeof variance[1]);
    for (int i = 0; i < 3; i++) fr_gaussian_destroy(&g[i]);
    clear_problem(&p);
}

static const double THETA[SIZE + 2] = {0.5, 0.2, -0.7, -1.1, -3.0, 0.0};

static fr_posterior_data data_of(const problem *p, int evaluations)
{
    return (fr_posterior_data){.x = p->points,
                               .y = p->y,
                               .n = OBSERVED,
                               .points = p->points + OBSERVED * SIZE,
                               .m = POINTS,
                               .theta = THETA,
                               .evaluations = evaluations};
}

/* All at once: the matrix of observations, results (n_results later trials) and beliefs (the
 * others of n_later), with y = NAN for the beliefs. */
static void dense(const problem *p, const fr_posterior_news *news, size_t k, double *mean,
                  double *variance)
{
    const size_t n = OBSERVED + k;
    double *x = fr_alloc(n * SIZE, sizeof *x), *y = fr_alloc(n, sizeof *y);
    double *z = fr_alloc(POINTS * SIZE, sizeof *z);
    double *matrix = fr_alloc(n * n, sizeof *matrix),
           *cross = fr_alloc(n * POINTS, sizeof *cross),
           *solved = fr_alloc(n * POINTS, sizeof *cross);
    double work[OBSERVED];
    size_t with_score = OBSERVED;
    const fr_warp warp = fr_warp_fit(p->y, work, OBSERVED);
    for (size_t i = 0; i < OBSERVED; i++) y[i] = fr_warp_apply(&warp, p->y[i]);
    fr_matern_encode(&p->space, p->points, OBSERVED, x);
    fr_matern_encode(&p->space, p->points + OBSERVED * SIZE, POINTS, z);
    for (size_t j = 0; j < k; j++) {
        memcpy(x + (OBSERVED + j) * SIZE, z + news[j].point * SIZE, SIZE * sizeof *x);
        if (isnan(news[j].score)) continue;
        y[OBSERVED + j] = fr_warp_apply(&warp, news[j].score);
        with_score++;
    }
    const fr_matrix a = {matrix, n, n, n}, lead = {matrix, with_score, with_score, n};
    const fr_matrix alpha = {y, with_score, 1, 1}, b = {solved, n, POINTS, POINTS},
                    c = {cross, n, POINTS, POINTS};
    fr_matern_cross(THETA, SIZE, x, x, &a);
    for (size_t i = 0; i < n; i++) matrix[i * n + i] += exp(THETA[SIZE]) + 1e-6;
    fr_matern_cross(THETA, SIZE, x, z, &c);
    memcpy(solved, cross, n * POINTS * sizeof *cross);
    assert_int_equal(fr_cholesky_factor(&a), FR_OK);
    assert_int_equal(fr_cholesky_solve(&a, &b), FR_OK);
    assert_int_equal(fr_cholesky_solve(&lead, &alpha), FR_OK);
    for (size_t q = 0; q < POINTS; q++) mean[q] = 0.0, variance[q] = 1.0;
    for (size_t i = 0; i < n; i++)
        for (size_t q = 0; q < POINTS; q++) {
            if (i < with_score) mean[q] += cross[i * POINTS + q] * y[i];
            variance[q] -= cross[i * POINTS + q] * solved[i * POINTS + q];
        }
    free(x);
    free(y);
    free(z);
    free(matrix);
    free(cross);
    free(solved);
}

/* Results of the first `results` of the later trials that `kept` says, beliefs of the rest. */
static size_t make_news(const problem *p, size_t results, size_t later, bool skip,
                        fr_posterior_news *news)
{
    size_t k = 0;
    for (size_t j = 0; j < later; j++) {
        if (skip && j % 5 == 3) continue; /* failed */
        news[k++] =
            (fr_posterior_news){.point = j, .score = j < results ? p->y[OBSERVED + j] : NAN};
    }
    return k;
}

static void news_are_conditioned_on(void **state)
{
    (void)state;
    problem p = make_problem();
    fr_gram_solver solver;
    fr_posterior *posterior = NULL, *fresh = NULL;
    fr_posterior_news news[LATER];
    static double mean[POINTS], variance[POINTS];
    const fr_posterior_data data = data_of(&p, 0);
    assert_int_equal(fr_gram_solver_local(&solver), FR_OK);
    assert_int_equal(fr_posterior_create(&p.space, &posterior), FR_OK);
    assert_int_equal(fr_posterior_create(&p.space, &fresh), FR_OK);
    assert_int_equal(fr_posterior_begin(posterior, &solver, &data), FR_OK);
    const struct {
        size_t results, later;
        bool skip;
    } steps[] = {{0, 0, false}, {0, 3, false},   {2, 5, false}, {2, 5, true},
                 {9, 20, true}, {20, 20, false}, {1, 1, false}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const size_t k = make_news(&p, steps[i].results, steps[i].later, steps[i].skip, news);
        assert_int_equal(fr_posterior_condition(posterior, news, k), FR_OK);
        dense(&p, news, k, mean, variance);
        assert_all_near(fr_posterior_mean(posterior), mean, POINTS, 1e-9);
        assert_all_near(fr_posterior_variance(posterior), variance, POINTS, 1e-9);
        /* The same bits as without the steps before. */
        assert_int_equal(fr_posterior_begin(fresh, &solver, &data), FR_OK);
        assert_int_equal(fr_posterior_condition(fresh, news, k), FR_OK);
        assert_memory_equal(fr_posterior_mean(fresh), fr_posterior_mean(posterior),
                            POINTS * sizeof *mean);
        assert_memory_equal(fr_posterior_variance(fresh), fr_posterior_variance(posterior),
                            POINTS * sizeof *mean);
    }
    fr_posterior_destroy(&posterior);
    fr_posterior_destroy(&fresh);
    solver.destroy(solver.context);
    clear_problem(&p);
}

static void learning_raises_the_likelihood(void **state)
{
    (void)state;
    problem p = make_problem();
    fr_gram_solver solver;
    fr_posterior *posterior = NULL;
    double before = 0.0;
    assert_int_equal(fr_gram_solver_local(&solver), FR_OK);
    assert_int_equal(fr_posterior_create(&p.space, &posterior), FR_OK);
    for (int evaluations = 0; evaluations <= 20; evaluations += 20) {
        const fr_posterior_data data = data_of(&p, evaluations);
        assert_int_equal(fr_posterior_begin(posterior, &solver, &data), FR_OK);
        if (evaluations > 0) assert_true(fr_posterior_likelihood(posterior) > before + 5.0);
        before = fr_posterior_likelihood(posterior);
    }
    fr_posterior_destroy(&posterior);
    solver.destroy(solver.context);
    clear_problem(&p);
}

/* ---- solvers that fail ---- */

/* The local solver, whose first `failures` factors fail. */
typedef struct {
    fr_gram_solver inner;
    int failures;
    fr_status status;
    double diagonal; /* added to it when the last matrix was factored */
} weak;

static fr_status weak_factor(void *context, const fr_gram *gram, double *logdet)
{
    weak *w = context;
    if (w->failures-- > 0) return FR_FAIL(w->status, "as the test wants it");
    w->diagonal = fr_matern_noise(gram->theta, gram->d);
    return w->inner.factor(w->inner.context, gram, logdet);
}

static fr_status weak_solve(void *context, const fr_matrix *b)
{
    const weak *w = context;
    return w->inner.solve(w->inner.context, b);
}

static fr_status weak_gradient(void *context, const double *alpha, double *gradient)
{
    const weak *w = context;
    return w->inner.gradient(w->inner.context, alpha, gradient);
}

static fr_status begin_weak(const problem *p, weak *w, int evaluations)
{
    fr_posterior *posterior = NULL;
    const fr_posterior_data data = data_of(p, evaluations);
    const fr_gram_solver solver = {
        .context = w, .factor = weak_factor, .solve = weak_solve, .gradient = weak_gradient};
    assert_int_equal(fr_gram_solver_local(&w->inner), FR_OK);
    assert_int_equal(fr_posterior_create(&p->space, &posterior), FR_OK);
    const fr_status st = fr_posterior_begin(posterior, &solver, &data);
    fr_posterior_destroy(&posterior);
    w->inner.destroy(w->inner.context);
    return st;
}

static void a_matrix_that_is_not_definite_gets_noise(void **state)
{
    (void)state;
    problem p = make_problem();
    weak w = {.failures = 3, .status = FR_ERR_NUMERIC};
    assert_int_equal(begin_weak(&p, &w, 0), FR_OK);
    assert_near(w.diagonal, exp(THETA[SIZE]) + 1e-6 + 1e-4, 1e-15);
    w = (weak){.failures = 1000, .status = FR_ERR_NUMERIC};
    assert_int_equal(begin_weak(&p, &w, 0), FR_ERR_NUMERIC);
    assert_int_equal(w.failures, 1000 - 6);
    clear_problem(&p);
}

static void a_solver_that_stops_ends_learning_at_once(void **state)
{
    (void)state;
    problem p = make_problem();
    weak w = {.failures = 1000, .status = FR_STOPPED};
    assert_int_equal(begin_weak(&p, &w, 10), FR_STOPPED);
    assert_int_equal(w.failures, 999);
    /* Where nothing can be learned, theta stays as it was. */
    w = (weak){.failures = 1, .status = FR_ERR_NUMERIC};
    assert_int_equal(begin_weak(&p, &w, 1), FR_OK);
    assert_near(w.diagonal, exp(THETA[SIZE]) + 1e-6, 1e-15);
    clear_problem(&p);
}

int main(void)
{
    fr_linalg_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernel_is_that_of_scikit_learn),
        cmocka_unit_test(kernel_measures_a_mixed_space),
        cmocka_unit_test(scores_are_bent_as_scipy_does),
        cmocka_unit_test(rows_one_by_one_are_rows_together),
        cmocka_unit_test(news_are_conditioned_on),
        cmocka_unit_test(learning_raises_the_likelihood),
        cmocka_unit_test(a_matrix_that_is_not_definite_gets_noise),
        cmocka_unit_test(a_solver_that_stops_ends_learning_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
