/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_tpe.c - the kernel mixtures against identities that any density must fulfil, and the
 * sampler against random search. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/search/mixture.h"
#include "foldrank/memory.h"
#include "foldrank/search.h"

enum { D = 7 };

static void add(fr_space *space, const char *name, fr_param p, size_t parent, double value)
{
    p.name = fr_strdup(name);
    if (parent < space->n) {
        p.n_conditions = 1;
        p.conditions = fr_alloc(1, sizeof *p.conditions);
        p.conditions[0] = (fr_condition){.parent = parent, .n_values = 1};
        p.conditions[0].values = fr_alloc(1, sizeof(double));
        p.conditions[0].values[0] = value;
    }
    if (p.kind == FR_PARAM_CHOICE) {
        p.step = 1.0;
        p.n_choices = (size_t)p.high + 1;
        p.choices = fr_alloc(p.n_choices, sizeof *p.choices);
        for (size_t i = 0; i < p.n_choices; i++) p.choices[i] = fr_strdup(i == 0 ? "a" : "b");
    }
    assert_int_equal(fr_space_add(space, p), FR_OK);
}

/* Every kind, two branches, one of them with a branch of its own. */
static fr_space mixed(void)
{
    fr_space s = {0};
    add(&s, "family", (fr_param){.kind = FR_PARAM_CHOICE, .high = 1}, 9, 0);
    add(&s, "rate", (fr_param){.kind = FR_PARAM_LOG, .low = 1e-4, .high = 1}, 9, 0);
    add(&s, "a.depth", (fr_param){.kind = FR_PARAM_INT, .low = 1, .high = 5, .step = 1}, 0, 0);
    add(&s, "b.width", (fr_param){.kind = FR_PARAM_INT_LOG, .low = 1, .high = 40, .step = 1}, 0,
        1);
    add(&s, "b.drop", (fr_param){.kind = FR_PARAM_FLOAT, .high = 0.5, .step = 0.1}, 0, 1);
    add(&s, "b.rows", (fr_param){.kind = FR_PARAM_INT, .low = 1, .high = 500, .step = 1}, 0, 1);
    add(&s, "a.shift", (fr_param){.kind = FR_PARAM_FLOAT, .low = -1, .high = 1}, 2, 3);
    return s;
}

typedef struct {
    fr_space space;
    fr_axes *axes;
    fr_mixture *mixture;
    float rows[32 * D];
} fixture;

static void set_up(fixture *f, size_t n, const float *weight)
{
    size_t which[32];
    double point[D];
    fr_rng rng = fr_rng_make(3, FR_RNG_NOISE, 0, 0, 0);
    f->space = mixed();
    assert_int_equal(fr_axes_create(&f->space, &f->axes), FR_OK);
    assert_int_equal(fr_mixture_create(f->axes, &f->mixture), FR_OK);
    for (size_t i = 0; i < n; i++) {
        fr_space_draw(&f->space, &rng, point);
        point[1] = pow(10.0, -2.0 - 0.05 * (double)i); /* a narrow kernel */
        fr_axes_coordinates(f->axes, point, f->rows + i * D);
        which[i] = i;
    }
    assert_int_equal(fr_mixture_fit(f->mixture, f->rows, which, weight, n), FR_OK);
}

static void tear_down(fixture *f)
{
    fr_mixture_destroy(&f->mixture);
    fr_axes_destroy(&f->axes);
    fr_space_clear(&f->space);
}

/* The mean of the density over uniform draws is its integral. */
static void density_integrates_to_one(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 7, 20};
    for (size_t k = 0; k < 4; k++) {
        enum { DRAWS = 200000 };
        fixture f;
        double point[D], sum = 0.0, squares = 0.0;
        float at[D];
        fr_rng rng = fr_rng_make(4, FR_RNG_NOISE, 0, 0, 0);
        set_up(&f, sizes[k], NULL);
        for (int i = 0; i < DRAWS; i++) {
            fr_space_draw(&f.space, &rng, point);
            fr_axes_coordinates(f.axes, point, at);
            const double density = exp(fr_mixture_log_density(f.mixture, at));
            sum += density;
            squares += density * density;
        }
        const double mean = sum / DRAWS;
        const double error = sqrt((squares / DRAWS - mean * mean) / DRAWS);
        assert_true(error < 0.02);
        assert_true(fabs(mean - 1.0) < 4.0 * error + 2e-3);
        tear_down(&f);
    }
}

/* Over draws from the mixture the mean of 1 / density is the volume of the space, 1; and the
 * mean of any function divided by the density its uniform mean, here of a.depth = 3. */
static void draws_follow_the_density(void **state)
{
    (void)state;
    enum { DRAWS = 200000 };
    const float weight[20] = {3, 1, 1, 1, 1, 0.1f, 1, 1, 1, 2, 1, 1, 1, 1, 1, 0.5f, 1, 1, 1, 1};
    fixture f;
    double point[D], volume = 0.0, threes = 0.0;
    float at[D];
    fr_rng rng = fr_rng_make(5, FR_RNG_NOISE, 0, 0, 0);
    set_up(&f, 20, weight);
    for (int i = 0; i < DRAWS; i++) {
        fr_mixture_draw(f.mixture, &rng, point);
        assert_int_equal(fr_space_check(&f.space, point), FR_OK);
        fr_axes_coordinates(f.axes, point, at);
        const double inverse = exp(-fr_mixture_log_density(f.mixture, at));
        volume += inverse / DRAWS;
        if (point[2] == 3.0) threes += inverse / DRAWS;
    }
    assert_true(fabs(volume - 1.0) < 0.03);
    assert_true(fabs(threes - 0.5 * 0.2) < 0.01);
    tear_down(&f);
}

/* One kernel of weight 1 beside the uniform one, on one continuous parameter: a closed form.
 * Bandwidth: spread (0 + 1/12) / 1, times 2^(-1/5). */
static void one_kernel_has_a_closed_form(void **state)
{
    (void)state;
    fr_space s = {0};
    add(&s, "x", (fr_param){.kind = FR_PARAM_FLOAT, .high = 1}, 9, 0);
    fr_axes *axes = NULL;
    fr_mixture *m = NULL;
    const size_t rows[1] = {0};
    const float centre[1] = {0.25f};
    assert_int_equal(fr_axes_create(&s, &axes), FR_OK);
    assert_int_equal(fr_mixture_create(axes, &m), FR_OK);
    assert_int_equal(fr_mixture_fit(m, centre, rows, NULL, 1), FR_OK);
    const double sigma = sqrt(1.0 / 12.0) * pow(2.0, -0.2), c = 0.25;
    const double all = 0.5 * (erf((1 - c) / sigma * M_SQRT1_2) + erf(c / sigma * M_SQRT1_2));
    for (int i = 0; i <= 10; i++) {
        const float x = (float)i / 10.0f;
        const double z = ((double)x - c) / sigma;
        const double kernel = exp(-z * z / 2) / (sigma * sqrt(2 * M_PI) * all);
        assert_true(fabs(fr_mixture_log_density(m, &x) - log(0.5 * kernel + 0.5)) < 1e-4);
    }
    fr_mixture_destroy(&m);
    fr_axes_destroy(&axes);
    fr_space_clear(&s);
}

/* ---- the sampler ---- */

static int method(const char *name)
{
    int m = 0;
    while (strcmp(fr_search_methods[m], name) != 0) m++;
    return m;
}

/* Best at family b, rate 1e-2, width 8, drop 0.2; a.* has a worse optimum of its own. */
static double score(const double *x)
{
    const double rate = log10(x[1]) + 2.0;
    if (x[0] == 0.0) return -3.0 - rate * rate - (x[2] - 2.0) * (x[2] - 2.0);
    const double width = log2(x[3]) - 3.0, drop = 10.0 * x[4] - 2.0;
    return -rate * rate - width * width - drop * drop;
}

/* Best score of `trials`, results arriving as late as `concurrency` allows. */
static double best_of(const char *name, int64_t seed, int64_t trials, int64_t concurrency)
{
    fr_space s = mixed();
    const fr_search_options options = {
        .method = method(name), .trials = trials, .seed = seed, .concurrency = concurrency};
    fr_search *search = NULL;
    fr_history *h = NULL;
    double point[D], best = -INFINITY;
    bool found;
    assert_int_equal(fr_search_create(&s, &options, NULL, 0, &search), FR_OK);
    assert_int_equal(fr_history_create(&s, 1, true, &h), FR_OK);
    for (int64_t t = 0; t < trials; t++) {
        while (h->settled < fr_search_needs(search, (uint64_t)t)) {
            fr_fold_result r = {.trial = h->settled, .state = FR_TRIAL_COMPLETE};
            r.score = score(h->trials[h->settled].point);
            if (r.trial % 11 == 5) r.state = FR_TRIAL_FAILED; /* some fail */
            if (r.trial % 13 == 5) r.score = NAN;
            assert_int_equal(fr_history_add_fold(h, &r), FR_OK);
        }
        assert_int_equal(fr_search_suggest(search, h, point, &found), FR_OK);
        assert_true(found);
        assert_int_equal(fr_space_check(&s, point), FR_OK);
        assert_int_equal(fr_history_add_trial(h, point), FR_OK);
        best = fmax(best, score(point));
    }
    fr_search_destroy(&search);
    fr_history_destroy(&h);
    fr_space_clear(&s);
    return best;
}

/* The mean logarithm of what is missing to the optimum, 0. */
static double missing(const char *name, int64_t concurrency)
{
    double mean = 0.0;
    for (int64_t seed = 0; seed < 20; seed++)
        mean += log10(1e-6 - best_of(name, seed, 100, concurrency)) / 20.0;
    return mean;
}

static void learns_faster_than_random(void **state)
{
    (void)state;
    const double by_chance = missing("random", 1);
    assert_true(missing("tpe", 1) < by_chance - 1.0);
    assert_true(missing("tpe", 8) < by_chance - 1.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(density_integrates_to_one),
        cmocka_unit_test(draws_follow_the_density),
        cmocka_unit_test(one_kernel_has_a_closed_form),
        cmocka_unit_test(learns_faster_than_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
