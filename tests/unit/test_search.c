/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_search.c - what holds for every sampler: enqueued points first, no configuration twice,
 * a clean end, purity; and the order of the grid. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/clock.h"
#include "foldrank/memory.h"
#include "foldrank/search.h"

static void add(fr_space *space, fr_param param, const char *name)
{
    param.name = fr_strdup(name);
    assert_int_equal(fr_space_add(space, param), FR_OK);
}

static void add_choice(fr_space *space, const char *name, size_t n)
{
    fr_param p = {.kind = FR_PARAM_CHOICE, .high = (double)n - 1, .n_choices = n};
    p.choices = malloc(n * sizeof *p.choices);
    for (size_t i = 0; i < n; i++) {
        char word[32];
        snprintf(word, sizeof word, "c%zu", i);
        p.choices[i] = fr_strdup(word);
    }
    add(space, p, name);
}

/* Active while `parent` is `value`. */
static fr_param when(fr_param p, size_t parent, double value)
{
    p.conditions = malloc(sizeof *p.conditions);
    p.n_conditions = 1;
    p.conditions[0] = (fr_condition){.parent = parent, .n_values = 1};
    p.conditions[0].values = malloc(sizeof(double));
    p.conditions[0].values[0] = value;
    return p;
}

static const fr_param INTEGER = {.kind = FR_PARAM_INT, .step = 1.0};

static fr_param integers(double low, double high)
{
    fr_param p = INTEGER;
    p.low = low;
    p.high = high;
    return p;
}

static int method(const char *name)
{
    for (int m = 0; fr_search_methods[m] != NULL; m++)
        if (strcmp(fr_search_methods[m], name) == 0) return m;
    fail_msg("no method %s", name);
    return -1;
}

static int n_methods(void)
{
    int m = 0;
    while (fr_search_methods[m] != NULL) m++;
    return m;
}

/* A smooth score with its best inside, so that adaptive samplers have something to learn. */
static double score_of(const fr_space *space, const double *point)
{
    double score = 0.0;
    for (size_t j = 0; j < space->n; j++) {
        if (isnan(point[j])) continue;
        const double d = fr_param_to_unit(&space->params[j], point[j]) - 0.3;
        score -= d * d;
    }
    return score;
}

static void settle(fr_history *h, size_t trial)
{
    fr_fold_result r = {.trial = trial, .state = FR_TRIAL_COMPLETE};
    r.score = score_of(h->space, h->trials[trial].point);
    assert_int_equal(fr_history_add_fold(h, &r), FR_OK);
}

/* Ask for up to `most` trials, each settled at once; returns the number found. */
static size_t drive(fr_search *search, fr_history *h, size_t most)
{
    double *point = malloc((h->space->n + 1) * sizeof *point);
    bool found = true;
    size_t n = 0;
    while (n < most) {
        assert_int_equal(fr_search_suggest(search, h, point, &found), FR_OK);
        if (!found) break;
        assert_int_equal(fr_space_check(h->space, point), FR_OK);
        assert_int_equal(fr_history_add_trial(h, point), FR_OK);
        settle(h, h->n - 1);
        n++;
    }
    free(point);
    return n;
}

static void all_differ(const fr_history *h)
{
    for (size_t a = 0; a < h->n; a++)
        for (size_t b = a + 1; b < h->n; b++)
            assert_false(fr_space_equal(h->space, h->trials[a].point, h->trials[b].point));
}

static fr_history *empty_history(const fr_space *space)
{
    fr_history *h = NULL;
    assert_int_equal(fr_history_create(space, 1, true, &h), FR_OK);
    return h;
}

/* family {a, b}; a has x in 1..3; b has y in 1..4, and z in 1..2 while y = 2.
 * In order: a1 a2 a3 b1 b2,1 b2,2 b3 b4. */
static fr_space conditional(void)
{
    fr_space space = {0};
    add_choice(&space, "family", 2);
    add(&space, when(integers(1, 3), 0, 0), "a.x");
    add(&space, when(integers(1, 4), 0, 1), "b.y");
    add(&space, when(integers(1, 2), 2, 2), "b.z");
    return space;
}

/* Every row of `expected`, (n, space->n), is a trial, once, in whatever order. */
static void expect_points(const fr_history *h, const double *expected, size_t n)
{
    assert_int_equal(h->n, n);
    for (size_t i = 0; i < n; i++) {
        size_t times = 0;
        for (size_t t = 0; t < n; t++) {
            bool same = true;
            for (size_t j = 0; j < h->space->n; j++) {
                const double a = expected[i * h->space->n + j], b = h->trials[t].point[j];
                same = same && (isnan(a) ? isnan(b) : fabs(a - b) <= 1e-12 * fabs(a));
            }
            times += same;
        }
        assert_int_equal(times, 1);
    }
}

static void grid_has_every_point_of_a_conditional_space(void **state)
{
    (void)state;
    static const double expected[8][4] = {{0, 1, NAN, NAN}, {0, 2, NAN, NAN}, {0, 3, NAN, NAN},
                                          {1, NAN, 1, NAN}, {1, NAN, 2, 1},   {1, NAN, 2, 2},
                                          {1, NAN, 3, NAN}, {1, NAN, 4, NAN}};
    fr_space space = conditional();
    const fr_search_options options = {.method = method("grid")};
    fr_search *search = NULL;
    fr_history *h = empty_history(&space);
    assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
    assert_int_equal(fr_search_trials(search), 8);
    assert_int_equal(drive(search, h, 100), 8);
    expect_points(h, expected[0], 8);
    fr_search_destroy(&search);
    assert_null(search);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

static void grid_takes_equal_steps_of_continuous_ranges(void **state)
{
    (void)state;
    fr_space space = {0};
    add(&space, (fr_param){.kind = FR_PARAM_LOG, .low = 1e-4, .high = 1.0, .grid = 3}, "l");
    add(&space, (fr_param){.kind = FR_PARAM_FLOAT, .high = 1.0, .step = 0.5}, "s");
    const fr_search_options options = {.method = method("grid")};
    fr_search *search = NULL;
    fr_history *h = empty_history(&space);
    double expected[9][2];
    for (size_t t = 0; t < 9; t++) {
        expected[t][0] = pow(10.0, -4.0 + 2.0 * (double)(t / 3));
        expected[t][1] = 0.5 * (double)(t % 3);
    }
    assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
    assert_int_equal(drive(search, h, 100), 9);
    expect_points(h, expected[0], 9);
    fr_search_destroy(&search);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

/* With 5, 40, all or more trials the first ones are the same; another seed has another order.
 */
static void the_order_of_the_grid_is_the_seeds_alone(void **state)
{
    (void)state;
    static const int64_t trials[] = {0, 5, 40, 60, 1000};
    fr_space space = {0};
    add(&space, integers(0, 11), "x");
    add_choice(&space, "c", 5);
    const double queue[2] = {7, 3};
    for (size_t n_queue = 0; n_queue < 2; n_queue++) {
        fr_history *whole = NULL;
        for (size_t k = 0; k < sizeof trials / sizeof *trials; k++) {
            const fr_search_options options = {
                .method = method("grid"), .trials = trials[k], .seed = 3};
            fr_search *search = NULL;
            fr_history *h = empty_history(&space);
            assert_int_equal(fr_search_create(&space, &options, queue, n_queue, &search),
                             FR_OK);
            const size_t n = drive(search, h, fr_search_trials(search));
            assert_int_equal(n, trials[k] == 0 || trials[k] > 60 ? 60 : trials[k]);
            all_differ(h);
            if (k == 0) whole = h;
            for (size_t t = 0; t < n; t++)
                assert_true(fr_space_equal(&space, h->trials[t].point, whole->trials[t].point));
            fr_search_destroy(&search);
            if (k > 0) fr_history_destroy(&h);
        }
        const fr_search_options other = {.method = method("grid"), .seed = 4};
        fr_search *search = NULL;
        fr_history *h = empty_history(&space);
        assert_int_equal(fr_search_create(&space, &other, NULL, 0, &search), FR_OK);
        drive(search, h, 60);
        size_t same = 0;
        for (size_t t = 0; t < 60; t++)
            same += fr_space_equal(&space, h->trials[t].point, whole->trials[t].point);
        assert_true(same < 10);
        fr_search_destroy(&search);
        fr_history_destroy(&h);
        fr_history_destroy(&whole);
    }
    fr_space_clear(&space);
}

static void grid_refuses_a_continuous_axis(void **state)
{
    (void)state;
    fr_space space = {0};
    add_choice(&space, "c", 2);
    add(&space, (fr_param){.kind = FR_PARAM_FLOAT, .high = 1.0}, "momentum");
    const fr_search_options options = {.method = method("grid")};
    fr_search *search = NULL;
    assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "momentum"));
    assert_null(search);
    fr_space_clear(&space);
}

static void a_small_budget_spreads_over_the_grid(void **state)
{
    (void)state;
    fr_space space = {0};
    add(&space, integers(0, 9), "x");
    add(&space, integers(0, 99), "y");
    const fr_search_options options = {.method = method("grid"), .trials = 60};
    fr_search *search = NULL;
    fr_history *h = empty_history(&space);
    assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
    assert_int_equal(fr_search_trials(search), 60);
    assert_int_equal(drive(search, h, 60), 60);
    all_differ(h);
    size_t per_x[10] = {0};
    for (size_t t = 0; t < 60; t++) per_x[(size_t)h->trials[t].point[0]]++;
    for (size_t x = 0; x < 10; x++) assert_true(per_x[x] >= 1 && per_x[x] <= 15);
    fr_search_destroy(&search);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

static void every_method_exhausts_a_finite_space(void **state)
{
    (void)state;
    for (int m = 0; m < n_methods(); m++) {
        fr_space space = conditional();
        const fr_search_options options = {.method = m, .trials = 50, .seed = 4};
        fr_search *search = NULL;
        fr_history *h = empty_history(&space);
        assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
        assert_int_equal(fr_search_trials(search), 8);
        assert_int_equal(drive(search, h, 100), 8);
        all_differ(h);
        fr_search_destroy(&search);
        fr_history_destroy(&h);
        fr_space_clear(&space);
    }
}

/* 1,200 points, 1,000 suggestions, none twice. */
static void every_method_avoids_repeats(void **state)
{
    (void)state;
    for (int m = 0; m < n_methods(); m++) {
        /* gp takes a minute for this; test_gp.c compares its suggestions. */
        if (strcmp(fr_search_methods[m], "gp") == 0) continue;
        fr_space space = {0};
        add_choice(&space, "c", 3);
        add(&space, integers(1, 20), "x");
        add(&space, (fr_param){.kind = FR_PARAM_FLOAT, .low = 0.0, .high = 9.5, .step = 0.5},
            "y");
        const fr_search_options options = {
            .method = m, .trials = 1000, .seed = 1, .concurrency = 1};
        fr_search *search = NULL;
        fr_history *h = empty_history(&space);
        assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
        assert_int_equal(drive(search, h, 1000), 1000);
        all_differ(h);
        assert_int_equal(drive(search, h, 1000), 200);
        fr_search_destroy(&search);
        fr_history_destroy(&h);
        fr_space_clear(&space);
    }
}

static void enqueued_come_first_and_once(void **state)
{
    (void)state;
    const double queue[4][4] = {
        {1, NAN, 2, 2}, {0, 2, NAN, NAN}, {1, NAN, 2, 2}, {1, NAN, 4, NAN}};
    for (int m = 0; m < n_methods(); m++) {
        fr_space space = conditional();
        const fr_search_options options = {.method = m, .trials = 8};
        fr_search *search = NULL;
        fr_history *h = empty_history(&space);
        assert_int_equal(fr_search_create(&space, &options, queue[0], 4, &search), FR_OK);
        assert_int_equal(drive(search, h, 100), 8);
        assert_true(fr_space_equal(&space, h->trials[0].point, queue[0]));
        assert_true(fr_space_equal(&space, h->trials[1].point, queue[1]));
        assert_true(fr_space_equal(&space, h->trials[2].point, queue[3]));
        all_differ(h);
        fr_search_destroy(&search);
        fr_history_destroy(&h);
        fr_space_clear(&space);
    }
}

static void an_enqueued_point_beside_the_grid_is_added(void **state)
{
    (void)state;
    fr_space space = {0};
    add(&space, (fr_param){.kind = FR_PARAM_FLOAT, .high = 1.0, .grid = 3}, "x");
    const double queue[2] = {0.3, 0.5}, wrong = 1.5;
    const fr_search_options options = {.method = method("grid")};
    fr_search *search = NULL;
    fr_history *h = empty_history(&space);
    assert_int_equal(fr_search_create(&space, &options, &wrong, 1, &search), FR_ERR_ARG);
    assert_int_equal(fr_search_create(&space, &options, queue, 2, &search), FR_OK);
    assert_int_equal(fr_search_trials(search), 4);
    assert_int_equal(drive(search, h, 100), 4);
    assert_true(h->trials[0].point[0] == 0.3 && h->trials[1].point[0] == 0.5);
    assert_true(h->trials[2].point[0] + h->trials[3].point[0] == 1.0); /* 0 and 1 */
    fr_search_destroy(&search);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

static fr_space mixed(void)
{
    fr_space space = {0};
    add(&space, (fr_param){.kind = FR_PARAM_LOG, .low = 1e-5, .high = 1.0}, "rate");
    add_choice(&space, "family", 3);
    add(&space, when((fr_param){.kind = FR_PARAM_FLOAT, .high = 1.0}, 1, 2), "momentum");
    add(&space, (fr_param){.kind = FR_PARAM_INT_LOG, .low = 1, .high = 500, .step = 1},
        "width");
    return space;
}

/* A search made for the occasion, and one that has seen it all and is shown another history of
 * the same length in between, suggest the same. */
static void suggestions_are_pure(void **state)
{
    (void)state;
    for (int m = 0; m < n_methods(); m++) {
        fr_space space = mixed();
        for (size_t j = 0; j < space.n; j++) space.params[j].grid = 4;
        const fr_search_options options = {
            .method = m, .trials = 40, .seed = 9, .concurrency = 3};
        fr_search *once = NULL, *used = NULL;
        fr_history *h = empty_history(&space), *other = empty_history(&space);
        double a[4], b[4];
        bool found;
        assert_int_equal(fr_search_create(&space, &options, NULL, 0, &used), FR_OK);
        for (size_t t = 0; t < 40; t++) {
            assert_int_equal(fr_search_create(&space, &options, NULL, 0, &once), FR_OK);
            assert_int_equal(fr_search_suggest(once, h, a, &found), FR_OK);
            assert_int_equal(fr_search_suggest(used, other, b, &found), FR_OK);
            assert_int_equal(fr_search_suggest(used, h, b, &found), FR_OK);
            assert_true(found);
            assert_memory_equal(a, b, sizeof a);
            assert_int_equal(fr_history_add_trial(h, a), FR_OK);
            settle(h, t);
            fr_rng rng = fr_rng_make(77, FR_RNG_NOISE, t, 0, 0);
            fr_space_draw(&space, &rng, b);
            assert_int_equal(fr_history_add_trial(other, b), FR_OK);
            settle(other, t);
            fr_search_destroy(&once);
        }
        fr_search_destroy(&used);
        fr_history_destroy(&other);
        fr_history_destroy(&h);
        fr_space_clear(&space);
    }
}

/* Results of trials that may not be seen do not matter, not even whether they are in. */
static void only_visible_results_matter(void **state)
{
    (void)state;
    for (int m = 0; m < n_methods(); m++) {
        fr_space space = mixed();
        for (size_t j = 0; j < space.n; j++) space.params[j].grid = 4;
        const fr_search_options options = {
            .method = m, .trials = 60, .seed = 2, .concurrency = 5};
        fr_search *search = NULL;
        fr_history *prompt = empty_history(&space), *late = empty_history(&space);
        double a[4], b[4];
        bool found;
        assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
        for (size_t t = 0; t < 60; t++) {
            const uint64_t needs = fr_search_needs(search, t);
            assert_int_equal(needs, fr_search_adaptive(search) && t >= 5 ? t - 4 : 0);
            while (late->settled < needs) settle(late, late->settled);
            assert_int_equal(fr_search_suggest(search, prompt, a, &found), FR_OK);
            assert_int_equal(fr_search_suggest(search, late, b, &found), FR_OK);
            assert_memory_equal(a, b, sizeof a);
            assert_int_equal(fr_history_add_trial(prompt, a), FR_OK);
            assert_int_equal(fr_history_add_trial(late, a), FR_OK);
            settle(prompt, t);
        }
        fr_search_destroy(&search);
        fr_history_destroy(&prompt);
        fr_history_destroy(&late);
        fr_space_clear(&space);
    }
}

static void repeats_are_allowed_when_asked_for(void **state)
{
    (void)state;
    for (int m = 0; m < n_methods(); m++) {
        fr_space space = conditional();
        const fr_search_options options = {.method = m, .trials = 30, .repeats = true};
        fr_search *search = NULL;
        fr_history *h = empty_history(&space);
        assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
        assert_int_equal(fr_search_trials(search), 30);
        assert_int_equal(drive(search, h, 30), 30);
        fr_search_destroy(&search);
        fr_history_destroy(&h);
        fr_space_clear(&space);
    }
}

static void a_space_without_parameters_has_one_point(void **state)
{
    (void)state;
    for (int m = 0; m < n_methods(); m++) {
        fr_space space = {0};
        const fr_search_options options = {.method = m};
        fr_search *search = NULL;
        fr_history *h = empty_history(&space);
        assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
        assert_int_equal(fr_search_trials(search), 1);
        assert_int_equal(drive(search, h, 5), 1);
        fr_search_destroy(&search);
        fr_history_destroy(&h);
        fr_space_clear(&space);
    }
}

static void a_large_grid_is_walked_quickly(void **state)
{
    (void)state;
    fr_space space = {0};
    add(&space, integers(1, 1000), "x");
    add(&space, integers(1, 1000), "y");
    const fr_search_options options = {.method = method("grid")};
    fr_search *search = NULL;
    fr_history *h = empty_history(&space);
    assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
    assert_int_equal(fr_search_trials(search), 1000000);
    const double start = fr_clock_thread_cpu();
    assert_int_equal(drive(search, h, 20000), 20000);
    assert_true(fr_clock_thread_cpu() - start < 5.0); /* 0.02 s; quadratic would be minutes */
    fr_search_destroy(&search);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grid_has_every_point_of_a_conditional_space),
        cmocka_unit_test(the_order_of_the_grid_is_the_seeds_alone),
        cmocka_unit_test(grid_takes_equal_steps_of_continuous_ranges),
        cmocka_unit_test(grid_refuses_a_continuous_axis),
        cmocka_unit_test(a_small_budget_spreads_over_the_grid),
        cmocka_unit_test(every_method_exhausts_a_finite_space),
        cmocka_unit_test(every_method_avoids_repeats),
        cmocka_unit_test(enqueued_come_first_and_once),
        cmocka_unit_test(an_enqueued_point_beside_the_grid_is_added),
        cmocka_unit_test(suggestions_are_pure),
        cmocka_unit_test(only_visible_results_matter),
        cmocka_unit_test(repeats_are_allowed_when_asked_for),
        cmocka_unit_test(a_space_without_parameters_has_one_point),
        cmocka_unit_test(a_large_grid_is_walked_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
