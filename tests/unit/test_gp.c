/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_gp.c - the regression against what it must be at observed points and far away; the
 * samplers gp and auto against random search, themselves and poor data. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/search/acquire.h"
#include "../../src/search/climb.h"
#include "../../src/search/gaussian.h"
#include "../../src/search/matern.h"
#include "foldrank/linalg.h"
#include "foldrank/memory.h"
#include "foldrank/search.h"

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
        p.n_choices = 2;
        p.choices = fr_alloc(2, sizeof *p.choices);
        p.choices[0] = fr_strdup("a");
        p.choices[1] = fr_strdup("b");
    }
    assert_int_equal(fr_space_add(space, p), FR_OK);
}

static fr_space plane(void)
{
    fr_space s = {0};
    add(&s, "x", (fr_param){.kind = FR_PARAM_FLOAT, .high = 1}, false);
    add(&s, "y", (fr_param){.kind = FR_PARAM_FLOAT, .high = 1}, false);
    return s;
}

/* A choice, a number that matters in its second branch only, one that matters in both. */
static fr_space branches(void)
{
    fr_space s = {0};
    add(&s, "family", (fr_param){.kind = FR_PARAM_CHOICE, .high = 1}, false);
    add(&s, "b.depth", (fr_param){.kind = FR_PARAM_INT, .low = 1, .high = 8, .step = 1}, true);
    add(&s, "rate", (fr_param){.kind = FR_PARAM_LOG, .low = 1e-4, .high = 1}, false);
    return s;
}

static double wave(double x, double y)
{
    return sin(3.0 * x) + y * y;
}

/* Without noise the mean goes through the observations, on an increasing scale, with almost no
 * variance; in between the order of the values is right. */
static void interpolates_a_smooth_function(void **state)
{
    (void)state;
    enum { N = 40, M = 200 };
    fr_space s = plane();
    fr_gaussian *g = NULL;
    double x[2 * M], y[M], mean[M], variance[M];
    fr_rng rng = fr_rng_make(1, FR_RNG_NOISE, 0, 0, 0);
    assert_int_equal(fr_gaussian_create(&s, &g), FR_OK);
    for (int i = 0; i < M; i++) {
        fr_space_draw(&s, &rng, x + (size_t)2 * (size_t)i);
        y[i] = wave(x[2 * i], x[2 * i + 1]);
    }
    assert_int_equal(fr_gaussian_learn(g, x, y, N), FR_OK);
    assert_int_equal(fr_gaussian_fit(g, x, y, N, N), FR_OK);
    assert_int_equal(fr_gaussian_predict(g, x, M, mean, variance), FR_OK);
    size_t wrong = 0, pairs = 0;
    for (int i = 0; i < N; i++) assert_true(variance[i] < 0.02);
    for (int i = N; i < M; i++)
        for (int k = N; k < i; k++, pairs++) wrong += (mean[i] < mean[k]) != (y[i] < y[k]);
    assert_true(wrong < pairs / 20);
    fr_gaussian_destroy(&g);
    fr_space_clear(&s);
}

/* Values that have nothing to do with x: all is noise, the mean stays near 0. */
static void takes_noise_for_noise(void **state)
{
    (void)state;
    enum { N = 60 };
    fr_space s = plane();
    fr_gaussian *g = NULL;
    double x[2 * N], y[N], mean[N], variance[N], squares = 0.0;
    fr_rng rng = fr_rng_make(2, FR_RNG_NOISE, 0, 0, 0);
    assert_int_equal(fr_gaussian_create(&s, &g), FR_OK);
    for (int i = 0; i < N; i++) {
        fr_space_draw(&s, &rng, x + (size_t)2 * (size_t)i);
        y[i] = fr_rng_normal(&rng);
    }
    assert_int_equal(fr_gaussian_learn(g, x, y, N), FR_OK);
    assert_int_equal(fr_gaussian_fit(g, x, y, N, N), FR_OK);
    assert_int_equal(fr_gaussian_predict(g, x, N, mean, variance), FR_OK);
    for (int i = 0; i < N; i++) squares += mean[i] * mean[i] / N;
    assert_true(squares < 0.4); /* the values' own variance is 1 */
    fr_gaussian_destroy(&g);
    fr_space_clear(&s);
}

/* Believing changes no mean, and takes the variance away where it believes. */
static void believing_only_makes_certain(void **state)
{
    (void)state;
    enum { N = 12 };
    fr_space s = plane();
    fr_gaussian *g = NULL;
    double x[2 * N + 4], y[N], mean[2], variance[2], mean2[2], variance2[2];
    fr_rng rng = fr_rng_make(3, FR_RNG_NOISE, 0, 0, 0);
    assert_int_equal(fr_gaussian_create(&s, &g), FR_OK);
    for (int i = 0; i < N + 2; i++) fr_space_draw(&s, &rng, x + (size_t)2 * (size_t)i);
    for (int i = 0; i < N; i++) y[i] = cos(9.0 * x[2 * i]) * cos(7.0 * x[2 * i + 1]);
    double *two = x + (size_t)2 * N;
    assert_int_equal(fr_gaussian_learn(g, x, y, N), FR_OK);
    assert_int_equal(fr_gaussian_fit(g, x, y, N, N), FR_OK);
    assert_int_equal(fr_gaussian_predict(g, two, 2, mean, variance), FR_OK);
    assert_int_equal(fr_gaussian_believe(g, two, 1), FR_OK);
    assert_int_equal(fr_gaussian_predict(g, two, 2, mean2, variance2), FR_OK);
    assert_true(fabs(mean2[0] - mean[0]) < 1e-6 && fabs(mean2[1] - mean[1]) < 1e-6);
    assert_true(variance2[0] < 0.2 * variance[0] && variance2[1] <= variance[1] + 1e-9);
    fr_gaussian_destroy(&g);
    fr_space_clear(&s);
}

/* Equal values, equal points, two observations: nothing to learn, nothing breaks. */
static void degenerate_data_do_no_harm(void **state)
{
    (void)state;
    fr_space s = plane();
    fr_gaussian *g = NULL;
    const double x[6] = {0.5, 0.5, 0.5, 0.5, 0.1, 0.9}, same[3] = {2, 2, 2},
                 huge[3] = {1e300, -1e300, 0.0};
    double mean[3], variance[3];
    assert_int_equal(fr_gaussian_create(&s, &g), FR_OK);
    assert_int_equal(fr_gaussian_learn(g, x, same, 3), FR_OK);
    assert_int_equal(fr_gaussian_fit(g, x, same, 3, 3), FR_OK);
    assert_int_equal(fr_gaussian_predict(g, x, 3, mean, variance), FR_OK);
    for (int i = 0; i < 3; i++) assert_true(fabs(mean[i]) < 1e-9 && variance[i] >= 0.0);
    assert_int_equal(fr_gaussian_learn(g, x, same, 2), FR_OK);
    assert_int_equal(fr_gaussian_fit(g, x, same, 2, 2), FR_OK);
    assert_int_equal(fr_gaussian_learn(g, x, huge, 3), FR_OK);
    assert_int_equal(fr_gaussian_fit(g, x, huge, 3, 3), FR_OK);
    assert_int_equal(fr_gaussian_predict(g, x, 3, mean, variance), FR_OK);
    for (int i = 0; i < 3; i++) assert_true(isfinite(mean[i]));
    fr_gaussian_destroy(&g);
    fr_space_clear(&s);
}

/* ---- gradients ---- */

static void improvement_slopes_are_differences(void **state)
{
    (void)state;
    static const double z[] = {3.0, 0.5, -1.0, -4.9999, -5.0001, -8.0, -40.0};
    for (size_t i = 0; i < sizeof z / sizeof *z; i++) {
        const double variance = 0.37, bar = 0.2, mean = bar - z[i] * sqrt(variance), h = 1e-6;
        double by_mean, by_variance;
        const double value =
            fr_log_improvement_slope(bar, mean, variance, &by_mean, &by_variance);
        assert_true(value == fr_log_improvement(bar, mean, variance));
        const double over_mean = (fr_log_improvement(bar, mean + h, variance) -
                                  fr_log_improvement(bar, mean - h, variance)) /
                                 (2.0 * h);
        const double over_variance = (fr_log_improvement(bar, mean, variance + h) -
                                      fr_log_improvement(bar, mean, variance - h)) /
                                     (2.0 * h);
        /* Where the series takes over, at -5, it is off by a part in 2000. */
        const double near = fabs(z[i] + 5.0) < 1e-3 ? 3e-2 : 1e-5;
        assert_true(fabs(by_mean - over_mean) < near * (1.0 + fabs(over_mean)));
        assert_true(fabs(by_variance - over_variance) < near * (1.0 + fabs(over_variance)));
    }
}

/* Thirty observations of a smooth function of three numbers and a choice, and two beliefs. */
static fr_gaussian *cloud(const fr_space *s)
{
    enum { N = 30 };
    fr_gaussian *g = NULL;
    double x[N * 4], y[N];
    fr_rng rng = fr_rng_make(3, FR_RNG_NOISE, 0, 0, 0);
    for (size_t i = 0; i < N; i++) {
        fr_space_draw(s, &rng, x + i * 4);
        y[i] = sin(5.0 * x[i * 4]) + x[i * 4 + 1] * x[i * 4 + 1] + 0.3 * x[i * 4 + 3];
    }
    assert_int_equal(fr_gaussian_create(s, &g), FR_OK);
    assert_int_equal(fr_gaussian_learn(g, x, y, N), FR_OK);
    assert_int_equal(fr_gaussian_fit(g, x, y, N - 2, N - 2), FR_OK);
    assert_int_equal(fr_gaussian_believe(g, x + (N - 2) * 4, 2), FR_OK);
    return g;
}

static fr_space solid(void)
{
    fr_space s = plane();
    add(&s, "n", (fr_param){.kind = FR_PARAM_INT, .low = 1, .high = 9, .step = 1}, false);
    add(&s, "c", (fr_param){.kind = FR_PARAM_CHOICE, .high = 1}, false);
    return s;
}

static void model_slopes_are_differences(void **state)
{
    (void)state;
    enum { D = 4 };
    fr_space s = solid();
    fr_gaussian *g = cloud(&s);
    double work[64], slopes[2 * D], unused[2 * D], point[D], z[D], mean, variance;
    const double h = 1e-5;
    fr_rng rng = fr_rng_make(5, FR_RNG_NOISE, 0, 0, 0);
    for (int k = 0; k < 20; k++) {
        double m[2], v[2];
        fr_space_draw(&s, &rng, point);
        fr_matern_encode(&s, point, 1, z);
        assert_int_equal(fr_gaussian_slope(g, z, &mean, &variance, slopes, work), FR_OK);
        assert_int_equal(fr_gaussian_predict(g, point, 1, m, v), FR_OK);
        assert_true(fabs(m[0] - mean) < 1e-12 && fabs(v[0] - variance) < 1e-12);
        for (size_t j = 0; j < 3; j++) {
            const double at = z[j];
            for (int side = 0; side < 2; side++) {
                z[j] = side == 0 ? at - h : at + h;
                assert_int_equal(fr_gaussian_slope(g, z, &m[side], &v[side], unused, work),
                                 FR_OK);
            }
            z[j] = at;
            assert_true(fabs((m[1] - m[0]) / (2.0 * h) - slopes[j]) < 1e-5);
            assert_true(fabs((v[1] - v[0]) / (2.0 * h) - slopes[D + j]) < 1e-5);
        }
    }
    fr_gaussian_destroy(&g);
    fr_space_clear(&s);
}

/* Uphill, and where no step to the side leads higher, bounds apart; a choice and a number of
 * few values stay. */
static void climbs_to_a_summit(void **state)
{
    (void)state;
    fr_space s = solid();
    fr_gaussian *g = cloud(&s);
    const double bar = fr_gaussian_least_mean(g);
    fr_rng rng = fr_rng_make(6, FR_RNG_NOISE, 0, 0, 0);
    assert_true(fr_can_climb(&s));
    for (int k = 0; k < 20; k++) {
        double from[4], to[4], mean, variance, before, after;
        fr_space_draw(&s, &rng, from);
        memcpy(to, from, sizeof to);
        assert_int_equal(fr_climb(g, &s, bar, to), FR_OK);
        assert_int_equal(fr_space_check(&s, to), FR_OK);
        assert_true(to[2] == from[2] && to[3] == from[3]);
        assert_int_equal(fr_gaussian_predict(g, from, 1, &mean, &variance), FR_OK);
        before = fr_log_improvement(bar, mean, variance);
        assert_int_equal(fr_gaussian_predict(g, to, 1, &mean, &variance), FR_OK);
        after = fr_log_improvement(bar, mean, variance);
        assert_true(after >= before);
        for (int side = 0; side < 4; side++) {
            double beside[4];
            memcpy(beside, to, sizeof beside);
            beside[side / 2] += side % 2 == 0 ? -1e-3 : 1e-3;
            if (beside[side / 2] < 0.0 || beside[side / 2] > 1.0) continue;
            assert_int_equal(fr_gaussian_predict(g, beside, 1, &mean, &variance), FR_OK);
            assert_true(fr_log_improvement(bar, mean, variance) < after + 1e-3);
        }
    }
    fr_gaussian_destroy(&g);
    fr_space_clear(&s);
}

/* ---- the sampler ---- */

static int method(const char *name)
{
    int m = 0;
    while (strcmp(fr_search_methods[m], name) != 0) m++;
    return m;
}

static double score(const double *x)
{
    const double rate = log10(x[2]) + 2.0;
    if (x[0] == 0.0) return -1.0 - rate * rate;
    return -rate * rate - 0.2 * (x[1] - 5.0) * (x[1] - 5.0);
}

/* A quadratic, and Branin's function, on the unit square. */
static double quadratic(const double *x)
{
    return -(x[0] - 0.3) * (x[0] - 0.3) - 2.0 * (x[1] - 0.8) * (x[1] - 0.8);
}

static double branin(const double *x)
{
    const double a = 15.0 * x[0] - 5.0, b = 15.0 * x[1];
    const double square = b - 5.1 / (4.0 * M_PI * M_PI) * a * a + 5.0 / M_PI * a - 6.0;
    return 0.397887357729739 - square * square - 10.0 * (1.0 - 1.0 / (8.0 * M_PI)) * cos(a) -
           10.0;
}

static double constant(const double *x)
{
    (void)x;
    return 3.0;
}

static double nothing(const double *x)
{
    (void)x;
    return NAN;
}

typedef double function(const double *x);

/* One study on results that arrive as late as `concurrency` allows; returns its best score.
 * Every suggestion is in range and new; with `pure` it is asked for again, also of a search
 * that has seen nothing before. */
static double best_of(const char *name, fr_space s, function *f, fr_search_options options,
                      bool pure)
{
    fr_search *search = NULL, *fresh = NULL;
    fr_history *h = NULL;
    double point[3], again[3], best = -INFINITY;
    bool found;
    options.method = method(name);
    assert_int_equal(fr_search_create(&s, &options, NULL, 0, &search), FR_OK);
    assert_int_equal(fr_history_create(&s, 1, true, &h), FR_OK);
    for (uint64_t t = 0; t < (uint64_t)options.trials; t++) {
        while (h->settled < fr_search_needs(search, t)) {
            fr_fold_result r = {.trial = h->settled, .state = FR_TRIAL_COMPLETE};
            r.score = f(h->trials[h->settled].point);
            if (r.trial % 11 == 5) r.state = FR_TRIAL_FAILED;
            if (r.trial % 13 == 5) r.score = NAN;
            assert_int_equal(fr_history_add_fold(h, &r), FR_OK);
        }
        assert_int_equal(fr_search_suggest(search, h, point, &found), FR_OK);
        assert_true(found);
        assert_int_equal(fr_space_check(&s, point), FR_OK);
        for (size_t i = 0; i < h->n; i++)
            assert_false(fr_space_equal(&s, h->trials[i].point, point));
        for (int k = 0; k < 2 && pure; k++) {
            if (k == 1)
                assert_int_equal(fr_search_create(&s, &options, NULL, 0, &fresh), FR_OK);
            assert_int_equal(fr_search_suggest(k == 0 ? search : fresh, h, again, &found),
                             FR_OK);
            assert_true(fr_space_equal(&s, point, again));
            fr_search_destroy(&fresh);
        }
        assert_int_equal(fr_history_add_trial(h, point), FR_OK);
        best = fmax(best, f(point));
    }
    fr_search_destroy(&search);
    fr_history_destroy(&h);
    fr_space_clear(&s);
    return best;
}

/* Mean over seeds of the logarithm of what is missing to the optimum, 0. */
static double missing(const char *name, bool conditional, function *f, int64_t concurrency)
{
    enum { SEEDS = 6 };
    double mean = 0.0;
    for (int64_t seed = 0; seed < SEEDS; seed++) {
        const fr_search_options options = {
            .trials = 40, .seed = seed, .concurrency = concurrency};
        fr_space s = conditional ? branches() : plane();
        mean += log10(1e-6 - best_of(name, s, f, options, false)) / SEEDS;
    }
    return mean;
}

static void learns_faster_than_random(void **state)
{
    (void)state;
    assert_true(missing("gp", false, quadratic, 1) <
                missing("random", false, quadratic, 1) - 2);
    assert_true(missing("gp", false, quadratic, 6) <
                missing("random", false, quadratic, 6) - 1);
    assert_true(missing("gp", false, branin, 1) < missing("random", false, branin, 1) - 2);
    assert_true(missing("gp", true, score, 1) < missing("random", true, score, 1) - 0.5);
}

static void auto_takes_the_one_that_suits(void **state)
{
    (void)state;
    assert_true(missing("auto", false, branin, 1) == missing("gp", false, branin, 1));
    assert_true(missing("auto", true, score, 1) == missing("tpe", true, score, 1));
}

static void a_suggestion_follows_from_the_history(void **state)
{
    (void)state;
    const fr_search_options one = {.trials = 80, .seed = 3, .concurrency = 1},
                            many = {.trials = 40, .seed = 3, .concurrency = 7};
    best_of("gp", plane(), branin, one, true);
    best_of("gp", branches(), score, many, true);
    best_of("auto", plane(), branin, many, true);
}

static void poor_scores_do_no_harm(void **state)
{
    (void)state;
    const fr_search_options options = {.trials = 25, .seed = 1, .concurrency = 2};
    best_of("gp", plane(), constant, options, true);
    best_of("gp", branches(), constant, options, true);
    best_of("gp", plane(), nothing, options, true);
}

int main(void)
{
    fr_linalg_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interpolates_a_smooth_function),
        cmocka_unit_test(takes_noise_for_noise),
        cmocka_unit_test(believing_only_makes_certain),
        cmocka_unit_test(degenerate_data_do_no_harm),
        cmocka_unit_test(improvement_slopes_are_differences),
        cmocka_unit_test(model_slopes_are_differences),
        cmocka_unit_test(climbs_to_a_summit),
        cmocka_unit_test(learns_faster_than_random),
        cmocka_unit_test(auto_takes_the_one_that_suits),
        cmocka_unit_test(a_suggestion_follows_from_the_history),
        cmocka_unit_test(poor_scores_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
