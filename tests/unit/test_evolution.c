/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_evolution.c - search with several objectives: nsga2's operators against their densities,
 * what tpe takes for good against a naive twin, and of all methods: legal and new points,
 * suggestions that follow from what may be seen, larger fronts than Sobol points have. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/search/genes.h"
#include "../../src/search/sight.h"
#include "../../src/search/split.h"
#include "foldrank/memory.h"
#include "foldrank/search.h"

enum { DRAWS = 200000, MOST = 600 };

static fr_rng noise(uint64_t seed)
{
    return fr_rng_make(seed, FR_RNG_NOISE, 0, 0, 0);
}

/* P(spread <= s) = s^21 / 2 for s <= 1, far from the ends of the range. */
static void crossover_has_its_density(void **state)
{
    (void)state;
    fr_rng rng = noise(1);
    size_t within[3] = {0}, lower = 0;
    const double limit[3] = {0.9, 0.97, 1.0};
    for (int i = 0; i < DRAWS; i++) {
        const double child = fr_gene_cross(&rng, 0.6, 0.4);
        const double s = fabs(child - 0.5) / 0.1;
        lower += child < 0.5;
        for (int k = 0; k < 3; k++) within[k] += s <= limit[k];
    }
    assert_true(fabs((double)lower / DRAWS - 0.5) < 0.005);
    for (int k = 0; k < 3; k++)
        assert_true(fabs((double)within[k] / DRAWS - pow(limit[k], 21) / 2) < 0.005);
    assert_true(fr_gene_cross(&rng, 0.3, 0.3) == 0.3);
}

/* P(shift <= -s) = ((1 - s)^21 - (1 - x)^21) / 2 / (1 - (1 - x)^21), and alike upwards. */
static void mutation_has_its_density(void **state)
{
    (void)state;
    fr_rng rng = noise(2);
    const double x = 0.05, s = 0.03;
    size_t below = 0, above = 0;
    for (int i = 0; i < DRAWS; i++) {
        const double moved = fr_gene_shift(&rng, x);
        below += moved <= x - s;
        above += moved >= x + s;
    }
    const double low = pow(1 - x, 21), high = pow(x, 21);
    assert_true(fabs((double)below / DRAWS - (pow(1 - s, 21) - low) / 2 / (1 - low)) < 0.005);
    assert_true(fabs((double)above / DRAWS - (pow(1 - s, 21) - high) / 2 / (1 - high)) < 0.005);
}

static void genes_stay_in_range(void **state)
{
    (void)state;
    fr_rng rng = noise(3);
    for (int i = 0; i < DRAWS; i++) {
        const double a = fr_rng_below(&rng, 5) == 0 ? 0.0 : fr_rng_uniform(&rng);
        const double b = fr_rng_below(&rng, 5) == 0 ? 1.0 : fr_rng_uniform(&rng);
        const double child = fr_gene_cross(&rng, a, b), moved = fr_gene_shift(&rng, child);
        assert_true(child >= 0 && child <= 1 && moved >= 0 && moved <= 1);
    }
}

/* ---- spaces, histories ---- */

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
        p.n_choices = (size_t)p.high + 1;
        p.choices = fr_alloc(p.n_choices, sizeof *p.choices);
        for (size_t i = 0; i < p.n_choices; i++) p.choices[i] = fr_strdup("c");
    }
    assert_int_equal(fr_space_add(space, p), FR_OK);
}

/* Every kind; branches within a branch. Without the float a space of a few hundred points. */
static fr_space mixed(bool finite)
{
    fr_space s = {0};
    add(&s, "family", (fr_param){.kind = FR_PARAM_CHOICE, .high = 2}, 99, 0);
    add(&s, "depth", (fr_param){.kind = FR_PARAM_INT, .low = 1, .high = 5, .step = 1}, 99, 0);
    add(&s, "width", (fr_param){.kind = FR_PARAM_INT_LOG, .low = 1, .high = 20, .step = 1}, 0,
        1);
    add(&s, "drop", (fr_param){.kind = FR_PARAM_FLOAT, .high = 0.5, .step = 0.1}, 0, 2);
    add(&s, "kind", (fr_param){.kind = FR_PARAM_CHOICE, .high = 3}, 1, 3);
    if (!finite)
        add(&s, "rate", (fr_param){.kind = FR_PARAM_LOG, .low = 1e-4, .high = 1}, 99, 0);
    return s;
}

static fr_space cube(size_t d)
{
    fr_space s = {0};
    for (size_t j = 0; j < d; j++) {
        char name[32];
        snprintf(name, sizeof name, "x%zu", j);
        add(&s, name, (fr_param){.kind = FR_PARAM_FLOAT, .high = 1}, 99, 0);
    }
    return s;
}

static fr_history *start(const fr_space *space, size_t n_goals)
{
    fr_history *h = NULL;
    const bool maximizes[FR_GOALS_MAX] = {false, true, false, false};
    assert_int_equal(fr_history_create(space, 1, false, &h), FR_OK);
    fr_history_set_goals(h, maximizes, n_goals);
    return h;
}

static void file(fr_history *h, size_t trial, const double *scores)
{
    fr_fold_result r = {.trial = trial, .state = FR_TRIAL_COMPLETE, .score = scores[0]};
    r.n_more = (uint32_t)h->n_goals - 1;
    for (size_t k = 1; k < h->n_goals; k++) r.more[k - 1] = scores[k];
    if (isnan(scores[0])) r.state = FR_TRIAL_FAILED;
    assert_int_equal(fr_history_add_fold(h, &r), FR_OK);
}

/* Something that depends on all parameters; every ninth point fails. */
static void made_up_scores(const fr_space *space, const double *point, double *scores)
{
    fr_rng rng = noise(fr_space_hash(space, point));
    double sum = 0;
    for (size_t j = 0; j < space->n; j++)
        if (!isnan(point[j])) sum += fr_param_to_unit(&space->params[j], point[j]);
    const bool fails = fr_rng_below(&rng, 9) == 0;
    scores[0] = fails ? NAN : sum;
    scores[1] = sqrt(sum) + 0.2 * fr_rng_uniform(&rng);
    scores[2] = floor(4 * fr_rng_uniform(&rng)); /* equal ones */
    scores[3] = fr_rng_uniform(&rng);
}

static int method_called(const char *name)
{
    int m = 0;
    while (strcmp(fr_search_methods[m], name) != 0) m++;
    return m;
}

static const char *const methods[] = {"nsga2", "tpe", "auto"};

static fr_search_options options_of(const char *method, int64_t trials, int64_t concurrency)
{
    return (fr_search_options){.method = method_called(method),
                               .trials = trials,
                               .seed = 5,
                               .concurrency = concurrency,
                               .population = 12};
}

static void points_are_legal_and_new(void **state)
{
    (void)state;
    for (size_t m = 0; m < 3; m++) {
        for (size_t n_goals = 2; n_goals <= FR_GOALS_MAX; n_goals++) {
            const bool finite = n_goals == 3;
            fr_space space = mixed(finite);
            const fr_search_options options = options_of(methods[m], finite ? 0 : 450, 4);
            fr_history *h = start(&space, n_goals);
            fr_search *search = NULL;
            double point[8], scores[FR_GOALS_MAX];
            bool found = true;
            assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
            const size_t all = finite ? (size_t)fr_space_size(&space) : 450;
            assert_true(all < MOST);
            for (size_t t = 0; t < all; t++) {
                assert_int_equal(fr_search_suggest(search, h, point, &found), FR_OK);
                if (!found) break;
                assert_int_equal(fr_space_check(&space, point), FR_OK);
                for (size_t i = 0; i < h->n; i++)
                    assert_false(fr_space_equal(&space, h->trials[i].point, point));
                assert_int_equal(fr_history_add_trial(h, point), FR_OK);
                made_up_scores(&space, point, scores);
                file(h, t, scores);
            }
            assert_int_equal(h->n, all);
            assert_int_equal(fr_search_suggest(search, h, point, &found), FR_OK);
            assert_int_equal(found, !finite); /* every point was tried */
            fr_search_destroy(&search);
            fr_history_destroy(&h);
            fr_space_clear(&space);
        }
    }
}

/* Trial t, suggested with results before `t - concurrency + 1` only, by a search that has been
 * there from the start; results come as late as they may. */
static void suggestions_follow_from_what_is_visible(void **state)
{
    (void)state;
    enum { N = 120, L = 8 };
    for (size_t m = 0; m < 3; m++) {
        fr_space space = mixed(false);
        const fr_search_options options = options_of(methods[m], N, L);
        fr_history *late = start(&space, 2), *early = start(&space, 2);
        fr_search *search = NULL, *fresh = NULL;
        double point[8], again[8], scores[FR_GOALS_MAX];
        bool found;
        assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
        for (size_t t = 0; t < N; t++) {
            if (t >= L) {
                made_up_scores(&space, late->trials[t - L].point, scores);
                file(late, t - L, scores);
            }
            assert_int_equal(fr_search_suggest(search, late, point, &found), FR_OK);
            /* A new search that sees everything at once says the same. */
            assert_int_equal(fr_search_create(&space, &options, NULL, 0, &fresh), FR_OK);
            assert_int_equal(fr_search_suggest(fresh, early, again, &found), FR_OK);
            assert_true(fr_space_equal(&space, point, again));
            fr_search_destroy(&fresh);
            assert_int_equal(fr_history_add_trial(late, point), FR_OK);
            assert_int_equal(fr_history_add_trial(early, point), FR_OK);
            made_up_scores(&space, point, scores);
            file(early, t, scores);
        }
        fr_search_destroy(&search);
        fr_history_destroy(&late);
        fr_history_destroy(&early);
        fr_space_clear(&space);
    }
}

/* Without limit: whatever has arrived, in any order, is taken in. */
static void free_concurrency_takes_what_is_there(void **state)
{
    (void)state;
    fr_space space = mixed(false);
    const fr_search_options options = options_of("nsga2", 200, 0);
    fr_history *h = start(&space, 2);
    fr_search *search = NULL;
    fr_rng rng = noise(8);
    double point[8], scores[FR_GOALS_MAX];
    bool found;
    assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
    for (size_t t = 0; t < 200; t++) {
        for (size_t i = 0; i < h->n; i++) {
            if (h->trials[i].n_done > 0 || fr_rng_below(&rng, 10) > 0) continue;
            made_up_scores(&space, h->trials[i].point, scores);
            file(h, i, scores);
        }
        assert_int_equal(fr_search_suggest(search, h, point, &found), FR_OK);
        assert_true(found);
        assert_int_equal(fr_history_add_trial(h, point), FR_OK);
    }
    fr_search_destroy(&search);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

/* ---- what tpe takes for good ---- */

/* Greedily by recomputing everything at every step. */
static void naive_subset(const fr_costs *costs, size_t n, size_t d, size_t wanted, bool *taken)
{
    const fr_costs end = {{1.1, 1.1, 1.1, 1.1}};
    fr_costs scaled[MOST], chosen[MOST], low, high;
    fr_volume *volume = NULL;
    assert_int_equal(fr_volume_create(d, n, &volume), FR_OK);
    fr_pareto_range(costs, n, d, &low, &high);
    for (size_t i = 0; i < n; i++) {
        scaled[i] = (fr_costs){{0}};
        for (size_t k = 0; k < d; k++)
            scaled[i].v[k] = (costs[i].v[k] - low.v[k]) / (high.v[k] - low.v[k]);
        taken[i] = false;
    }
    for (size_t c = 0; c < wanted; c++) {
        size_t best = n;
        double most = -1;
        for (size_t i = 0; i < n; i++) {
            chosen[c] = scaled[i];
            const double here = taken[i] ? -1 : fr_volume_of(volume, chosen, c + 1, &end);
            if (here > most + 1e-12) {
                most = here;
                best = i;
            }
        }
        taken[best] = true;
        chosen[c] = scaled[best];
    }
    fr_volume_destroy(&volume);
}

static void find_split(const fr_ask *ask, fr_split *split)
{
    fr_sight sight;
    fr_ranking ranking = {0};
    assert_int_equal(fr_sight_open(ask, &sight), FR_OK);
    assert_int_equal(fr_split_find(ask, &sight, &ranking, split), FR_OK);
    fr_sight_clear(&sight);
}

/* 60 trials in front of 60 others, of which 18 (15 %) are good: all from the first front. */
static void good_trials_cover_the_front(void **state)
{
    (void)state;
    enum { FRONT = 60, N = 2 * FRONT, GOOD = 18 };
    for (size_t d = 2; d <= FR_GOALS_MAX; d++) {
        fr_space space = cube(2);
        fr_history *h = start(&space, d);
        fr_costs costs[FRONT];
        bool taken[FRONT];
        fr_rng rng = noise(20 + d);
        const double point[2] = {0.5, 0.5};
        for (size_t t = 0; t < N; t++) {
            double scores[FR_GOALS_MAX], square = 0;
            for (size_t k = 0; k < d; k++) {
                scores[k] = 0.05 + fr_rng_uniform(&rng);
                square += scores[k] * scores[k];
            }
            for (size_t k = 0; k < d; k++) {
                scores[k] *= (t % 2 == 0 ? 1.0 : 5.0) / sqrt(square);
                if (t % 2 == 0) costs[t / 2].v[k] = scores[k];
                if (k == 1) scores[k] = -scores[k]; /* maximised */
            }
            assert_int_equal(fr_history_add_trial(h, point), FR_OK);
            file(h, t, scores);
        }
        const fr_search_options options = options_of("tpe", 0, 1);
        const fr_ask ask = {
            .space = &space, .options = &options, .history = h, .trial = N, .visible = N};
        fr_split split;
        find_split(&ask, &split);
        assert_int_equal(split.n_visible, N);
        assert_int_equal(split.n_ranked, N);
        assert_int_equal(split.n_good, GOOD);
        naive_subset(costs, FRONT, d, GOOD, taken);
        for (size_t i = 0; i < GOOD; i++) {
            assert_true(split.good[i] % 2 == 0 && taken[split.good[i] / 2]);
            assert_true(split.weight[i] >= 0.25f && split.weight[i] < GOOD);
            taken[split.good[i] / 2] = false; /* each once */
        }
        fr_history_destroy(&h);
        fr_space_clear(&space);
    }
}

/* The first front has two trials; of the second, three, one fits: the middle one. */
static void whole_fronts_come_first(void **state)
{
    (void)state;
    static const double front[5][2] = {{0, 3}, {3, 0}, {1, 4}, {2.4, 2.4}, {4, 1}};
    fr_space space = cube(2);
    fr_history *h = start(&space, 2);
    const double point[2] = {0.5, 0.5};
    for (size_t t = 0; t < 20; t++) {
        const double cost[2] = {t % 4 == 1 ? front[t / 4][0] : 5.0 + (double)t,
                                t % 4 == 1 ? front[t / 4][1] : 5.0 + (double)t};
        const double scores[2] = {cost[0], -cost[1]};
        assert_int_equal(fr_history_add_trial(h, point), FR_OK);
        file(h, t, scores);
    }
    const fr_search_options options = options_of("tpe", 0, 1);
    const fr_ask ask = {
        .space = &space, .options = &options, .history = h, .trial = 20, .visible = 20};
    fr_split split;
    find_split(&ask, &split);
    assert_int_equal(split.n_good, 3); /* 15 % of 20 */
    assert_int_equal(split.good[0], 1);
    assert_int_equal(split.good[1], 5);
    assert_int_equal(split.good[2], 13);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

/* ---- does it help? ---- */

/* ZDT1; the second score as its negative, since it is maximised. */
static void zdt1(const double *x, size_t n, double *scores)
{
    double g = 1;
    for (size_t j = 1; j < n; j++) g += 9 * x[j] / (double)(n - 1);
    scores[0] = x[0];
    scores[1] = -g * (1 - sqrt(x[0] / g));
}

static double volume_after(const char *method, int64_t seed, size_t trials)
{
    enum { D = 6 };
    fr_space space = cube(D);
    fr_search_options options = options_of(method, (int64_t)trials, 4);
    options.seed = seed;
    options.population = 24;
    fr_history *h = start(&space, 2);
    fr_search *search = NULL;
    fr_volume *volume = NULL;
    fr_costs costs[MOST];
    const fr_costs end = {{1.1, 11}};
    double point[D], scores[FR_GOALS_MAX];
    bool found;
    assert_int_equal(fr_search_create(&space, &options, NULL, 0, &search), FR_OK);
    for (size_t t = 0; t < trials; t++) {
        assert_int_equal(fr_search_suggest(search, h, point, &found), FR_OK);
        assert_int_equal(fr_history_add_trial(h, point), FR_OK);
        zdt1(point, D, scores);
        file(h, t, scores);
        assert_true(fr_history_costs(h, t, &costs[t]));
    }
    assert_int_equal(fr_volume_create(2, trials, &volume), FR_OK);
    const double result = fr_volume_of(volume, costs, trials, &end);
    fr_volume_destroy(&volume);
    fr_search_destroy(&search);
    fr_history_destroy(&h);
    fr_space_clear(&space);
    return result;
}

/* The whole front would have 11.77; Sobol points have 10.2. */
static void fronts_beat_sobol(void **state)
{
    (void)state;
    double mean[4] = {0};
    const char *const names[4] = {"sobol", "nsga2", "tpe", "auto"};
    for (int m = 0; m < 4; m++)
        for (int64_t seed = 0; seed < 5; seed++)
            mean[m] += volume_after(names[m], seed, 150) / 5;
    assert_true(mean[0] < 10.5);
    assert_true(mean[1] > mean[0] + 0.4);
    assert_true(mean[2] > mean[0] + 0.8);
    assert_true(mean[3] > mean[2]); /* two objectives of numbers: the process */
    assert_true(volume_after("auto", 1, MOST) > 11.6); /* beyond the change of method */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crossover_has_its_density),
        cmocka_unit_test(mutation_has_its_density),
        cmocka_unit_test(genes_stay_in_range),
        cmocka_unit_test(points_are_legal_and_new),
        cmocka_unit_test(suggestions_follow_from_what_is_visible),
        cmocka_unit_test(free_concurrency_takes_what_is_there),
        cmocka_unit_test(good_trials_cover_the_front),
        cmocka_unit_test(whole_fronts_come_first),
        cmocka_unit_test(fronts_beat_sobol),
    };
    return cmocka_run_group_tests_name("evolution", tests, NULL, NULL);
}
