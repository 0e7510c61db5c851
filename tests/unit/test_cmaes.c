/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_cmaes.c - the updates of the distributions against the package `cmaes` over the same
 * generations, margins against the probabilities they promise, restarts, and the sampler
 * against its own fresh replay, random search and poor data. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/search/chances.h"
#include "../../src/search/evolution.h"
#include "../../src/search/restart.h"
#include "foldrank/linalg.h"
#include "foldrank/memory.h"
#include "foldrank/search.h"
#include "reference.h"

#define REFERENCES "cmaes_updates.txt"

static const fr_param SMOOTH = {.name = (char *)"x", .kind = FR_PARAM_FLOAT, .high = 1.0};

static fr_param steps(double n)
{
    return (fr_param){
        .name = (char *)"n", .kind = FR_PARAM_INT, .low = 1, .high = n, .step = 1};
}

/* ---- updates ---- */

/* The record of one generation of a run. */
static reference find(const char *name, const char *kind, size_t generation)
{
    char head[128];
    snprintf(head, sizeof head, "%s kind=%s generation=%zu", name, kind, generation);
    return reference_find(REFERENCES, head);
}

static void agree(const char *name, const char *kind, size_t generation, const double *ours,
                  size_t n)
{
    const reference theirs = find(name, kind, generation);
    assert_int_equal(theirs.n, n);
    for (size_t i = 0; i < n; i++)
        if (!(fabs(ours[i] - theirs.value[i]) <= 1e-9 * (1.0 + fabs(theirs.value[i]))))
            fail_msg("%s of %s, generation %zu, number %zu: %.15g, not %.15g", name, kind,
                     generation, i, ours[i], theirs.value[i]);
}

static void follow(const char *kind, size_t population, const fr_param *const *param,
                   size_t generations, bool margin)
{
    enum { N = 4 };
    char head[64];
    const bool foreign[16] = {false};
    fr_evolution *e = NULL;
    snprintf(head, sizeof head, "start kind=%s dims=4 population=%zu", kind, population);
    const reference start = reference_find(REFERENCES, head);
    assert_int_equal(fr_evolution_create(param, N, &e), FR_OK);
    assert_int_equal(fr_evolution_start(e, population, start.value, start.value[N], NULL),
                     FR_OK);
    for (size_t g = 0; g < generations; g++) {
        const reference x = find("x", kind, g);
        assert_int_equal(x.n, population * N);
        assert_int_equal(fr_evolution_update(e, x.value, foreign), FR_OK);
        agree("mean", kind, g, e->mean, N);
        agree("sigma", kind, g, &e->sigma, 1);
        agree("covariance", kind, g, e->covariance, N * N);
        if (margin) agree("stretch", kind, g, e->stretch, N);
    }
    fr_evolution_destroy(&e);
    assert_null(e);
}

static void updates_are_those_of_the_tutorial(void **state)
{
    (void)state;
    const fr_param *const plain[4] = {&SMOOTH, &SMOOTH, &SMOOTH, &SMOOTH};
    follow("plain", 9, plain, 12, false);
}

static void margins_are_those_of_the_paper(void **state)
{
    (void)state;
    const fr_param five = steps(5), two = steps(2), forty = steps(40);
    const fr_param *const stepped[4] = {&SMOOTH, &five, &two, &forty};
    follow("margin", 8, stepped, 24, true);
}

static void chances_follow_the_natural_gradient(void **state)
{
    (void)state;
    const size_t values[3] = {3, 2, 4};
    const double parameters = log(4.5);
    double weight[4], sum = 0.0;
    fr_chances *c = NULL;
    for (int i = 0; i < 4; i++) sum += weight[i] = parameters - log(i + 1.0);
    for (int i = 0; i < 4; i++) weight[i] /= sum;
    assert_int_equal(fr_chances_create(values, 3, &c), FR_OK);
    fr_chances_start(c, NULL);
    for (size_t g = 0; g < 24; g++) {
        const reference taken = find("values", "chances", g);
        assert_int_equal(taken.n, 12);
        fr_chances_update(c, weight, taken.value, 4);
        agree("chance", "chances", g, c->chance, 9);
    }
    fr_chances_destroy(&c);
    assert_null(c);
}

/* ---- promises ---- */

/* How bad a latent vector is: the value of its stepped coordinate should be 5. */
static double misses(const fr_evolution *e, const double *x)
{
    double unit[2];
    fr_evolution_place(e, x, unit);
    return fabs(fr_param_from_unit(e->param[1], unit[1]) - 5.0);
}

/* However long selection pulls towards one value, others are drawn. */
static void a_step_never_freezes(void **state)
{
    (void)state;
    enum { LAMBDA = 8, DRAWS = 20000 };
    const fr_param nine = steps(9);
    const fr_param *const param[2] = {&SMOOTH, &nine};
    const double middle[2] = {0.5, 0.5};
    const bool foreign[LAMBDA] = {false};
    fr_evolution *e = NULL;
    double x[LAMBDA * 2], unit[2];
    assert_int_equal(fr_evolution_create(param, 2, &e), FR_OK);
    assert_int_equal(fr_evolution_start(e, LAMBDA, middle, 0.2, NULL), FR_OK);
    fr_rng rng = fr_rng_make(1, FR_RNG_NOISE, 0, 0, 0);
    for (int g = 0; g < 300 && e->sigma > 1e-4; g++) {
        for (int i = 0; i < LAMBDA; i++) {
            double drawn[2];
            int at = i;
            fr_evolution_draw(e, &rng, 1.0, drawn);
            drawn[0] = 0.5 + 0.8 * (drawn[0] - 0.5); /* so that the step size shrinks */
            for (; at > 0 && misses(e, x + at * 2 - 2) > misses(e, drawn); at--)
                memcpy(x + at * 2, x + at * 2 - 2, sizeof drawn);
            memcpy(x + at * 2, drawn, sizeof drawn);
        }
        assert_int_equal(fr_evolution_update(e, x, foreign), FR_OK);
    }
    assert_true(e->sigma * sqrt(e->covariance[3]) < 0.02); /* the cell is 0.11 wide */
    int below = 0, above = 0;
    for (int i = 0; i < DRAWS; i++) {
        fr_evolution_draw(e, &rng, 1.0, x);
        fr_evolution_place(e, x, unit);
        below += fr_param_from_unit(&nine, unit[1]) < 5;
        above += fr_param_from_unit(&nine, unit[1]) > 5;
    }
    /* Half of 1 / (n lambda) on either side. */
    const double half = 0.5 / (2 * LAMBDA), spread = 4.0 * sqrt(half / DRAWS);
    assert_true(below / (double)DRAWS > half - spread);
    assert_true(above / (double)DRAWS > half - spread);
    assert_true((below + above) / (double)DRAWS < 0.2);
    fr_evolution_destroy(&e);
}

/* A vector from far away pulls like a usual one, not by its distance. */
static void strangers_are_shortened(void **state)
{
    (void)state;
    enum { LAMBDA = 6 };
    const fr_param *const param[2] = {&SMOOTH, &SMOOTH};
    const double middle[2] = {0.5, 0.5};
    bool foreign[LAMBDA] = {true};
    double x[LAMBDA * 2], moved[2];
    for (int shy = 0; shy < 2; shy++) {
        fr_evolution *e = NULL;
        assert_int_equal(fr_evolution_create(param, 2, &e), FR_OK);
        assert_int_equal(fr_evolution_start(e, LAMBDA, middle, 0.01, NULL), FR_OK);
        for (int i = 0; i < LAMBDA * 2; i++) x[i] = 0.5;
        x[0] = 0.9;
        foreign[0] = shy == 1;
        assert_int_equal(fr_evolution_update(e, x, foreign), FR_OK);
        moved[shy] = e->mean[0] - 0.5;
        fr_evolution_destroy(&e);
    }
    const double usual = 0.01 * (sqrt(2.0) + 1.0);
    assert_true(moved[0] > 0.2);
    assert_true(moved[1] > 0.1 * usual && moved[1] < usual);
}

/* Flat scores end a run; large runs double, small ones take as many trials as large ones. */
static void runs_are_followed_by_others(void **state)
{
    (void)state;
    fr_restart r = {0};
    fr_rng rng = fr_rng_make(4, FR_RNG_NOISE, 0, 0, 0);
    double flat[4096];
    size_t largest = 0, n_small = 0;
    for (size_t i = 0; i < 4096; i++) flat[i] = 1.0;
    assert_int_equal(fr_restart_begin(&r, 8), FR_OK);
    assert_int_equal(r.population, 10);
    for (int run = 0; run < 40; run++) {
        size_t generations = 1;
        while (!fr_restart_due(&r, flat)) generations++;
        assert_int_equal(generations, 20 + 480 / r.population);
        assert_int_equal(fr_restart_next(&r, &rng), FR_OK);
        assert_true(r.population >= 10 && r.population < 4096);
        assert_true(r.narrowing > 0.009 && r.narrowing <= 1.0);
        if (!r.is_small) {
            assert_true(largest == 0 || r.population == 2 * largest);
            assert_true(r.narrowing == 1.0);
            largest = r.population;
        }
        n_small += r.is_small;
    }
    assert_true(n_small > 20);
    assert_true(r.spent[1] < 2 * r.spent[0] && r.spent[0] < 4 * r.spent[1]);
    fr_restart_clear(&r);
}

/* Scores that go on getting better do not. */
static void a_run_that_learns_goes_on(void **state)
{
    (void)state;
    fr_restart r = {0};
    double scores[10];
    assert_int_equal(fr_restart_begin(&r, 8), FR_OK);
    for (int g = 0; g < 1000; g++) {
        for (int i = 0; i < 10; i++) scores[i] = (1.0 + 0.1 * i) * pow(0.99, g);
        assert_false(fr_restart_due(&r, scores));
    }
    fr_restart_clear(&r);
}

/* ---- the sampler ---- */

static void add(fr_space *space, const char *name, fr_param p, size_t parent)
{
    p.name = fr_strdup(name);
    if (parent < space->n) {
        p.n_conditions = 1;
        p.conditions = fr_alloc(1, sizeof *p.conditions);
        p.conditions[0] = (fr_condition){.parent = parent, .n_values = 1};
        p.conditions[0].values = fr_alloc(1, sizeof(double));
    }
    if (p.kind == FR_PARAM_CHOICE) {
        p.n_choices = 3;
        p.choices = fr_alloc(3, sizeof *p.choices);
        for (size_t i = 0; i < 3; i++)
            p.choices[i] = fr_strdup(i == 0 ? "a" : i == 1 ? "b" : "c");
    }
    assert_int_equal(fr_space_add(space, p), FR_OK);
}

enum { SMOOTH_DIMS = 5, MIXED_DIMS = 6 };

static fr_space smooth(void)
{
    static const char *const names[SMOOTH_DIMS] = {"a", "b", "c", "d", "e"};
    fr_space s = {0};
    for (size_t j = 0; j < SMOOTH_DIMS; j++) add(&s, names[j], SMOOTH, 99);
    return s;
}

static fr_space mixed(void)
{
    fr_space s = {0};
    add(&s, "kind", (fr_param){.kind = FR_PARAM_CHOICE}, 99);
    add(&s, "rate", (fr_param){.kind = FR_PARAM_LOG, .low = 1e-5, .high = 1}, 99);
    add(&s, "width", (fr_param){.kind = FR_PARAM_INT_LOG, .low = 1, .high = 300, .step = 1},
        99);
    add(&s, "a.depth", steps(9), 0);
    add(&s, "share", (fr_param){.kind = FR_PARAM_FLOAT, .high = 1, .step = 0.125}, 99);
    add(&s, "fixed", (fr_param){.kind = FR_PARAM_FLOAT, .low = 3, .high = 3}, 99);
    return s;
}

/* Scores with their best, 0, inside: an ill-conditioned bowl; one for every kind. */
static double bowl(const double *x)
{
    double sum = 0.0;
    for (int j = 0; j < SMOOTH_DIMS; j++) {
        const double off = x[j] - 0.2 - 0.13 * j;
        sum -= pow(10.0, 0.5 * j) * off * off;
    }
    return sum;
}

static double every_kind(const double *x)
{
    const double rate = log10(x[1]) + 3.0, width = log2(x[2]) - 5.0, share = x[4] - 0.75;
    const double depth = isnan(x[3]) ? 0.0 : x[3] - 7.0;
    return -x[0] - rate * rate - width * width - 10.0 * share * share - 0.1 * depth * depth;
}

static double flat(const double *x)
{
    return 0.0 * x[1];
}

static double nothing(const double *x)
{
    return x[0] > 2.0 ? 0.0 : (double)NAN;
}

typedef double function(const double *x);

static int method(const char *name)
{
    int m = 0;
    while (strcmp(fr_search_methods[m], name) != 0) m++;
    return m;
}

/* Some trials fail, some are stopped; with `clean` none. */
static void settle(fr_history *h, function *f, bool clean)
{
    const size_t t = h->settled;
    fr_fold_result r = {.trial = t, .state = FR_TRIAL_COMPLETE, .epochs = (uint32_t)(t % 4)};
    r.score = f(h->trials[t].point);
    if (!clean && t % 11 == 5) r.state = FR_TRIAL_FAILED;
    if (!clean && t % 5 == 2) r.state = FR_TRIAL_PRUNED;
    assert_int_equal(fr_history_add_fold(h, &r), FR_OK);
}

/* One study; every `fresh_every`-th suggestion is asked for again, of a search that has seen
 * nothing before. Returns the best score. */
static double study(fr_space s, function *f, fr_search_options options, size_t fresh_every)
{
    fr_search *search = NULL, *fresh = NULL;
    fr_history *h = NULL;
    double point[8], again[8], best = -INFINITY;
    bool found;
    assert_int_equal(fr_search_create(&s, &options, NULL, 0, &search), FR_OK);
    assert_int_equal(fr_history_create(&s, 1, true, &h), FR_OK);
    for (uint64_t t = 0; t < (uint64_t)options.trials; t++) {
        while (h->settled < fr_search_needs(search, t)) settle(h, f, fresh_every == 0);
        assert_int_equal(fr_search_suggest(search, h, point, &found), FR_OK);
        assert_true(found);
        assert_int_equal(fr_space_check(&s, point), FR_OK);
        if (fresh_every > 0 && t % fresh_every == fresh_every - 1) {
            assert_int_equal(fr_search_create(&s, &options, NULL, 0, &fresh), FR_OK);
            assert_int_equal(fr_search_suggest(fresh, h, again, &found), FR_OK);
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

/* Mean over seeds of the logarithm of what is missing to the optimum. */
static double missing(const char *name, fr_space make(void), function *f, int64_t trials,
                      int64_t concurrency)
{
    enum { SEEDS = 10 };
    double mean = 0.0;
    for (int64_t seed = 0; seed < SEEDS; seed++) {
        const fr_search_options options = {
            .method = method(name), .trials = trials, .seed = seed, .concurrency = concurrency};
        mean += log10(1e-12 - study(make(), f, options, 0)) / SEEDS;
    }
    return mean;
}

static void learns_faster_than_random(void **state)
{
    (void)state;
    const double random_bowl = missing("random", smooth, bowl, 400, 1);
    assert_true(missing("cmaes", smooth, bowl, 400, 1) < random_bowl - 3.0);
    assert_true(missing("cmaes", smooth, bowl, 400, 16) < random_bowl - 1.2);
    const double random_mixed = missing("random", mixed, every_kind, 400, 1);
    assert_true(missing("cmaes", mixed, every_kind, 400, 1) < random_mixed - 3.0);
    assert_true(missing("cmaes", mixed, every_kind, 400, 16) < random_mixed - 2.0);
}

static void what_is_cached_is_what_a_replay_finds(void **state)
{
    (void)state;
    const fr_search_options one = {
        .method = method("cmaes"), .trials = 3000, .seed = 3, .concurrency = 1};
    fr_search_options many = one;
    many.concurrency = 23;
    study(smooth(), bowl, one, 97);
    study(mixed(), every_kind, one, 97);
    study(smooth(), bowl, many, 97);
    study(mixed(), every_kind, many, 97);
}

static void poor_scores_do_no_harm(void **state)
{
    (void)state;
    fr_search_options options = {
        .method = method("cmaes"), .trials = 1500, .seed = 1, .concurrency = 2};
    study(smooth(), flat, options, 500);
    study(mixed(), flat, options, 500);
    study(mixed(), nothing, options, 500);
    options.repeats = true;
    study(mixed(), every_kind, options, 100);
    options.concurrency = 0;
    study(mixed(), every_kind, options, 0);
}

/* What is enqueued is where the search begins. */
static void enqueued_points_are_begun_with(void **state)
{
    (void)state;
    const double corner[SMOOTH_DIMS] = {0.03, 0.97, 0.03, 0.97, 0.03};
    fr_space s = smooth();
    const fr_search_options options = {
        .method = method("cmaes"), .trials = 9, .concurrency = 1};
    fr_search *search = NULL;
    fr_history *h = NULL;
    double point[SMOOTH_DIMS], off = 0.0;
    bool found;
    assert_int_equal(fr_search_create(&s, &options, corner, 1, &search), FR_OK);
    assert_int_equal(fr_history_create(&s, 1, true, &h), FR_OK);
    for (int t = 0; t < 9; t++) {
        assert_int_equal(fr_search_suggest(search, h, point, &found), FR_OK);
        assert_int_equal(fr_history_add_trial(h, point), FR_OK);
        settle(h, bowl, true);
        for (int j = 0; j < SMOOTH_DIMS && t > 0; j++)
            off += fabs(point[j] - corner[j]) / (8.0 * SMOOTH_DIMS);
    }
    assert_true(off > 0.01 && off < 0.2);
    fr_search_destroy(&search);
    fr_history_destroy(&h);
    fr_space_clear(&s);
}

/* After 500 trials, whoever suggested them, auto goes on from the best of them with cmaes:
 * three digits more in 500 trials, the same from a search that has seen nothing before. */
static void auto_ends_with_it(void **state)
{
    (void)state;
    const fr_search_options options = {
        .method = method("auto"), .trials = 1000, .seed = 4, .concurrency = 3};
    fr_rng rng = fr_rng_make(1, FR_RNG_NOISE, 0, 0, 0);
    fr_space s = smooth();
    fr_search *search = NULL, *fresh = NULL;
    fr_history *h = NULL;
    double point[SMOOTH_DIMS], again[SMOOTH_DIMS], best[2] = {-INFINITY, -INFINITY};
    bool found;
    assert_int_equal(fr_search_create(&s, &options, NULL, 0, &search), FR_OK);
    assert_int_equal(fr_history_create(&s, 1, true, &h), FR_OK);
    for (int64_t t = 0; t < options.trials; t++) {
        if (t < 503)
            fr_space_draw(&s, &rng, point);
        else
            assert_int_equal(fr_search_suggest(search, h, point, &found), FR_OK);
        if (t % 166 == 37 && t > 503) {
            assert_int_equal(fr_search_create(&s, &options, NULL, 0, &fresh), FR_OK);
            assert_int_equal(fr_search_suggest(fresh, h, again, &found), FR_OK);
            assert_true(fr_space_equal(&s, point, again));
            fr_search_destroy(&fresh);
        }
        assert_int_equal(fr_history_add_trial(h, point), FR_OK);
        while (h->settled + 3 <= h->n) settle(h, bowl, true);
        best[t >= 503] = fmax(best[t >= 503], bowl(point));
    }
    assert_true(best[1] > 1e-3 * best[0]);
    fr_search_destroy(&search);
    fr_history_destroy(&h);
    fr_space_clear(&s);
}

int main(void)
{
    fr_linalg_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_are_those_of_the_tutorial),
        cmocka_unit_test(margins_are_those_of_the_paper),
        cmocka_unit_test(chances_follow_the_natural_gradient),
        cmocka_unit_test(a_step_never_freezes),
        cmocka_unit_test(strangers_are_shortened),
        cmocka_unit_test(runs_are_followed_by_others),
        cmocka_unit_test(a_run_that_learns_goes_on),
        cmocka_unit_test(learns_faster_than_random),
        cmocka_unit_test(what_is_cached_is_what_a_replay_finds),
        cmocka_unit_test(poor_scores_do_no_harm),
        cmocka_unit_test(enqueued_points_are_begun_with),
        cmocka_unit_test(auto_ends_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
