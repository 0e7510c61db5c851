/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_generation.c - gp beyond the number of results that one rank factors, through the
 * interface of searches, with a solver that counts and can be made to fail. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/linalg.h"
#include "foldrank/memory.h"
#include "foldrank/past.h"
#include "foldrank/search.h"

enum { FROM = 24, EVERY = 8, SIZE_MAX_SPACE = 4 };

static int gp(void)
{
    int m = 0;
    while (strcmp(fr_search_methods[m], "gp") != 0) m++;
    return m;
}

static fr_search_options options_of(int64_t trials, int64_t concurrency)
{
    return (fr_search_options){.method = gp(),
                               .trials = trials,
                               .seed = 3,
                               .concurrency = concurrency,
                               .distribute_from = FROM,
                               .generation = EVERY};
}

/* ---- a solver that can be watched ---- */

typedef struct {
    fr_gram_solver inner;
    int opened, closed, factors;
    size_t least_rows;
    fr_status failure; /* of every factor from now on; FR_OK: none */
} watch;

static fr_status watch_factor(void *context, const fr_gram *gram, double *logdet)
{
    watch *w = context;
    w->factors++;
    if (w->least_rows == 0 || gram->n < w->least_rows) w->least_rows = gram->n;
    assert_ptr_equal(gram->kernel, fr_search_kernels[0]);
    if (w->failure != FR_OK) return FR_FAIL(w->failure, "as the test wants it");
    return w->inner.factor(w->inner.context, gram, logdet);
}

static fr_status watch_solve(void *context, const fr_matrix *b)
{
    const watch *w = context;
    return w->inner.solve(w->inner.context, b);
}

static fr_status watch_gradient(void *context, const double *alpha, double *gradient)
{
    const watch *w = context;
    return w->inner.gradient(w->inner.context, alpha, gradient);
}

static void watch_destroy(void *context)
{
    watch *w = context;
    w->inner.destroy(w->inner.context);
    w->closed++;
}

static fr_status watch_open(void *context, fr_gram_solver *out)
{
    watch *w = context;
    w->opened++;
    *out = (fr_gram_solver){.context = w,
                            .factor = watch_factor,
                            .solve = watch_solve,
                            .gradient = watch_gradient,
                            .destroy = watch_destroy};
    return fr_gram_solver_local(&w->inner);
}

/* ---- spaces and functions ---- */

static void add(fr_space *space, const char *name, fr_param p)
{
    p.name = fr_strdup(name);
    assert_int_equal(fr_space_add(space, p), FR_OK);
}

static fr_space cube(void)
{
    fr_space s = {0};
    add(&s, "x", (fr_param){.kind = FR_PARAM_FLOAT, .high = 1});
    add(&s, "y", (fr_param){.kind = FR_PARAM_FLOAT, .high = 1});
    add(&s, "z", (fr_param){.kind = FR_PARAM_FLOAT, .high = 1});
    return s;
}

/* 60 points: fewer than a generation has candidates. */
static fr_space small(void)
{
    fr_space s = {0};
    add(&s, "i", (fr_param){.kind = FR_PARAM_INT, .high = 5, .step = 1});
    add(&s, "k", (fr_param){.kind = FR_PARAM_INT, .high = 9, .step = 1});
    return s;
}

static double bowl(const double *x, size_t n)
{
    static const double place[3] = {0.31, 0.77, 0.52};
    double sum = 0.0;
    for (size_t j = 0; j < n; j++) {
        const double off = (n == 2 ? x[j] / 9.0 : x[j]) - place[j];
        sum += (1.0 + (double)j) * off * off;
    }
    return sum;
}

/* ---- a study ---- */

typedef struct {
    fr_space space;
    fr_search_options options;
    fr_search *search;
    fr_history *history;
    watch watch;
    const double *enqueued;
    size_t n_enqueued;
} study;

static void open_study(study *s, fr_space space, fr_search_options options,
                       const double *enqueued, size_t n_enqueued)
{
    *s = (study){
        .space = space, .options = options, .enqueued = enqueued, .n_enqueued = n_enqueued};
    assert_int_equal(fr_search_create(&s->space, &s->options, enqueued, n_enqueued, &s->search),
                     FR_OK);
    fr_search_set_solver(s->search, watch_open, &s->watch);
    assert_int_equal(fr_history_create(&s->space, 1, false, &s->history), FR_OK);
}

static void close_study(study *s)
{
    assert_int_equal(s->watch.opened, s->watch.closed);
    fr_search_destroy(&s->search);
    fr_history_destroy(&s->history);
    fr_space_clear(&s->space);
}

static void finish(study *s, uint64_t trial)
{
    fr_fold_result r = {.trial = trial, .state = FR_TRIAL_COMPLETE};
    r.score = bowl(s->history->trials[trial].point, s->space.n);
    if (trial % 11 == 5) r.state = FR_TRIAL_FAILED;
    if (trial % 17 == 6) r.state = FR_TRIAL_PRUNED;
    assert_int_equal(fr_history_add_fold(s->history, &r), FR_OK);
}

/* Results as late as they may come; with `early` as soon as they can. */
static void finish_needed(study *s, bool early)
{
    fr_history *h = s->history;
    const uint64_t needed = early ? h->n : fr_search_needs(s->search, h->n);
    while (h->settled < needed) finish(s, h->settled);
}

static void assert_fresh(const study *s, const double *point)
{
    assert_int_equal(fr_space_check(&s->space, point), FR_OK);
    for (size_t i = 0; i < s->history->n; i++)
        assert_false(fr_space_equal(&s->space, s->history->trials[i].point, point));
}

/* Enough for a large model from the start, some of it of data with other scores. */
static fr_past make_past(size_t n)
{
    fr_past past = {.n_params = 3, .n_goals = 1};
    fr_space s = cube();
    double point[3];
    fr_rng rng = fr_rng_make(8, FR_RNG_NOISE, 0, 0, 0);
    for (size_t i = 0; i < n; i++) {
        fr_space_draw(&s, &rng, point);
        const double raw = bowl(point, 3), score = i % 3 == 0 ? raw : 7.0 + 3.0 * raw;
        assert_int_equal(fr_past_add(&past, point, &score, i % 3 == 0 ? 0 : 1), FR_OK);
    }
    fr_space_clear(&s);
    return past;
}

static void assert_same_when_asked_anew(const study *s, const fr_past *past,
                                        const double *point)
{
    double again[SIZE_MAX_SPACE];
    fr_search *fresh = NULL;
    bool found;
    assert_int_equal(
        fr_search_create(&s->space, &s->options, s->enqueued, s->n_enqueued, &fresh), FR_OK);
    fr_search_set_past(fresh, past);
    assert_int_equal(fr_search_suggest(fresh, s->history, again, &found), FR_OK);
    assert_true(fr_space_equal(&s->space, point, again));
    fr_search_destroy(&fresh);
}

/* Every suggestion is that of a search that has seen nothing before, whose ranks compute from
 * the history alone. */
static void a_suggestion_follows_from_the_history(void **state)
{
    (void)state;
    static const double enqueued[2 * 3] = {0.1, 0.2, 0.3, 0.7, 0.6, 0.5};
    static const struct {
        int64_t concurrency, trials;
        size_t past, enqueued;
    } cases[] = {{1, 80, 0, 0},
                 {5, 80, 0, 0},
                 {12, 80, 0, 0}, /* more than a generation */
                 {5, 30, 3 * FROM + 5, 0},
                 {5, 30, 40, 2},
                 {1, 50, FROM - 6, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        study s;
        fr_past past = make_past(cases[i].past);
        double point[SIZE_MAX_SPACE];
        bool found;
        open_study(&s, cube(), options_of(cases[i].trials, cases[i].concurrency), enqueued,
                   cases[i].enqueued);
        fr_search_set_past(s.search, &past);
        for (int64_t t = 0; t < s.options.trials; t++) {
            finish_needed(&s, t % 7 == 0);
            assert_int_equal(fr_search_suggest(s.search, s.history, point, &found), FR_OK);
            assert_true(found);
            assert_fresh(&s, point);
            if (s.watch.opened > 0 && (t % 3 == 0 || t < 10))
                assert_same_when_asked_anew(&s, &past, point);
            assert_int_equal(fr_history_add_trial(s.history, point), FR_OK);
        }
        assert_true(s.watch.opened > 2);
        if (past.n > FROM) assert_int_equal(s.watch.least_rows, past.n);
        close_study(&s);
        fr_past_clear(&past);
    }
}

/* The ranks are asked once in a generation, and never for what one can do. */
static void the_ranks_are_asked_once_in_a_generation(void **state)
{
    (void)state;
    study s;
    double point[SIZE_MAX_SPACE];
    bool found;
    open_study(&s, cube(), options_of(100, 1), NULL, 0);
    for (int64_t t = 0; t < 100; t++) {
        const int before = s.watch.opened;
        finish_needed(&s, false);
        assert_int_equal(fr_search_suggest(s.search, s.history, point, &found), FR_OK);
        if (s.watch.opened > before) assert_int_equal(t % EVERY, 0);
        assert_int_equal(fr_history_add_trial(s.history, point), FR_OK);
    }
    assert_true(s.watch.least_rows > FROM && s.watch.least_rows <= FROM + EVERY);
    /* 24 results at 28 trials: from 32 on. */
    assert_int_equal(s.watch.opened, (100 - 32 + EVERY - 1) / EVERY);
    assert_true(s.watch.factors <= s.watch.opened * 20);
    close_study(&s);

    fr_search_options never = options_of(60, 1);
    never.observations = FROM; /* the model is never large */
    open_study(&s, cube(), never, NULL, 0);
    for (int64_t t = 0; t < 60; t++) {
        finish_needed(&s, false);
        assert_int_equal(fr_search_suggest(s.search, s.history, point, &found), FR_OK);
        assert_int_equal(fr_history_add_trial(s.history, point), FR_OK);
    }
    assert_int_equal(s.watch.opened, 0);
    close_study(&s);
}

/* Until nothing is left; then a clean end. */
static void a_small_space_is_used_up(void **state)
{
    (void)state;
    for (int64_t concurrency = 0; concurrency <= 4; concurrency += 2) {
        study s;
        double point[SIZE_MAX_SPACE];
        bool found = true;
        open_study(&s, small(), options_of(1000, concurrency), NULL, 0);
        while (found) {
            finish_needed(&s, concurrency == 0 && s.history->n % 5 == 0);
            assert_int_equal(fr_search_suggest(s.search, s.history, point, &found), FR_OK);
            if (!found) break;
            assert_fresh(&s, point);
            assert_int_equal(fr_history_add_trial(s.history, point), FR_OK);
        }
        assert_int_equal(s.history->n, 60);
        assert_true(s.watch.opened > 1);
        close_study(&s);
    }
}

static double best_of(fr_search_options options)
{
    study s;
    double point[SIZE_MAX_SPACE], best = INFINITY;
    bool found;
    open_study(&s, cube(), options, NULL, 0);
    for (int64_t t = 0; t < options.trials; t++) {
        finish_needed(&s, false);
        assert_int_equal(fr_search_suggest(s.search, s.history, point, &found), FR_OK);
        assert_int_equal(fr_history_add_trial(s.history, point), FR_OK);
        best = fmin(best, bowl(point, 3));
    }
    close_study(&s);
    return best;
}

/* Generations go on from where the model of one rank was, not as far as that would get. */
static void generations_go_on_learning(void **state)
{
    (void)state;
    double before = 0.0, after = 0.0;
    for (int64_t seed = 0; seed < 4; seed++) {
        fr_search_options options = options_of(FROM, 4);
        options.seed = seed;
        before += log10(best_of(options)) / 4;
        options.trials = 90;
        after += log10(best_of(options)) / 4;
    }
    assert_true(after < before - 1.5);
}

/* The status of the ranks' solver, and what comes after. */
static void a_solver_that_fails(void **state)
{
    (void)state;
    study s;
    double point[SIZE_MAX_SPACE];
    bool found;
    open_study(&s, cube(), options_of(60, 1), NULL, 0);
    for (int64_t t = 0; t < 60; t++) {
        finish_needed(&s, false);
        if (t == 32) { /* a stop: nothing is suggested, and the next time it is */
            s.watch.failure = FR_STOPPED;
            for (int i = 0; i < 2; i++)
                assert_int_equal(fr_search_suggest(s.search, s.history, point, &found),
                                 FR_STOPPED);
            assert_int_equal(s.watch.opened, 2);
            s.watch.failure = FR_OK;
        }
        /* No matrix can be factored: points are found without, and the ranks are left alone
         * until the next generation. */
        if (t == 40) s.watch.failure = FR_ERR_NUMERIC;
        if (t == 48) assert_int_equal(s.watch.opened, 4);
        if (t == 48) s.watch.failure = FR_OK;
        assert_int_equal(fr_search_suggest(s.search, s.history, point, &found), FR_OK);
        assert_true(found);
        assert_fresh(&s, point);
        assert_int_equal(fr_history_add_trial(s.history, point), FR_OK);
    }
    assert_int_equal(s.watch.opened, 6);
    close_study(&s);
}

int main(void)
{
    fr_linalg_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_suggestion_follows_from_the_history),
        cmocka_unit_test(the_ranks_are_asked_once_in_a_generation),
        cmocka_unit_test(a_small_space_is_used_up),
        cmocka_unit_test(generations_go_on_learning),
        cmocka_unit_test(a_solver_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
