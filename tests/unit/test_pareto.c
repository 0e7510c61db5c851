/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_pareto.c - ranks against their definition, crowding by hand, hypervolumes against
 * inclusion and exclusion and against Optuna 5.0.0. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/pareto.h"
#include "foldrank/random.h"

enum { N_MOST = 200 };

/* Numbers that any language makes alike: a linear congruence, over 2^31. */
static double next_number(uint64_t *x)
{
    *x = (*x * 1103515245u + 12345u) % 2147483648u;
    return (double)*x / 2147483648.0;
}

static void fill(fr_costs *rows, size_t n, size_t d, bool sphere)
{
    uint64_t x = 12345;
    for (size_t i = 0; i < n; i++) {
        double square = 0;
        rows[i] = (fr_costs){{0}};
        for (size_t k = 0; k < d; k++) {
            rows[i].v[k] = next_number(&x);
            square += rows[i].v[k] * rows[i].v[k];
        }
        for (size_t k = 0; k < d && sphere; k++) rows[i].v[k] /= sqrt(square);
    }
}

static bool close_to(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fmax(1.0, fabs(b));
}

static void dominance_needs_one_better(void **state)
{
    (void)state;
    const fr_costs a = {{1, 2}}, b = {{1, 3}}, c = {{0, 4}};
    assert_true(fr_pareto_dominates(&a, &b));
    assert_false(fr_pareto_dominates(&b, &a));
    assert_false(fr_pareto_dominates(&a, &a));
    assert_false(fr_pareto_dominates(&a, &c));
    assert_false(fr_pareto_dominates(&c, &a));
}

/* Peel off what nobody left dominates, round by round. */
static void peel(const fr_costs *rows, size_t n, uint32_t *rank)
{
    memset(rank, 0, n * sizeof *rank);
    size_t left = n;
    for (uint32_t round = 1; left > 0; round++) {
        for (size_t i = 0; i < n; i++) {
            bool free_of = rank[i] == 0;
            for (size_t j = 0; j < n && free_of; j++)
                free_of = !((rank[j] == 0 || rank[j] == round) &&
                            fr_pareto_dominates(&rows[j], &rows[i]));
            if (free_of) rank[i] = round;
        }
        left = 0;
        for (size_t i = 0; i < n; i++) left += rank[i] == 0;
    }
}

static void ranks_are_those_of_the_definition(void **state)
{
    (void)state;
    fr_costs rows[N_MOST];
    uint32_t rank[N_MOST], wanted[N_MOST];
    for (size_t d = 1; d <= FR_GOALS_MAX; d++) {
        for (int coarse = 0; coarse < 2; coarse++) {
            fill(rows, N_MOST, d, false);
            /* Few values: equal rows, equal costs; shifted, so that some are negative or 0. */
            for (size_t i = 0; i < N_MOST && coarse == 1; i++)
                for (size_t k = 0; k < d; k++) rows[i].v[k] = floor(rows[i].v[k] * 5) - 2;
            assert_int_equal(fr_pareto_ranks(rows, N_MOST, d, rank), FR_OK);
            peel(rows, N_MOST, wanted);
            assert_memory_equal(rank, wanted, sizeof rank);
        }
    }
    assert_int_equal(fr_pareto_ranks(rows, 0, 2, rank), FR_OK);
}

static void crowding_is_the_neighbours_distance(void **state)
{
    (void)state;
    const fr_costs rows[5] = {{{4, 0}}, {{0, 10}}, {{1, 6}}, {{2, 5}}, {{2, 5}}};
    double distance[5];
    assert_int_equal(fr_pareto_crowding(rows, 5, 2, distance), FR_OK);
    assert_true(isinf(distance[0]) && isinf(distance[1]));
    assert_true(close_to(distance[2], (2.0 - 0.0) / 4 + (10.0 - 5.0) / 10));
    /* Equal rows in their order: in the first cost 3 stands between 1 and 2, 4 after it. */
    assert_true(close_to(distance[3], (2.0 - 1.0) / 4 + (5.0 - 0.0) / 10));
    assert_true(close_to(distance[4], (4.0 - 2.0) / 4 + (6.0 - 5.0) / 10));
    const fr_costs same[2] = {{{1, 1}}, {{1, 1}}};
    assert_int_equal(fr_pareto_crowding(same, 2, 2, distance), FR_OK);
    assert_true(distance[0] == 0 && distance[1] == 0);
}

/* Sum over all subsets, with alternating sign, of the box below their worst values. */
static double by_inclusion(const fr_costs *rows, size_t n, size_t d, const fr_costs *reference)
{
    double sum = 0;
    for (unsigned set = 1; set < 1u << n; set++) {
        double product = -1;
        for (size_t i = 0; i < n; i++)
            if (set >> i & 1) product = -product;
        for (size_t k = 0; k < d; k++) {
            double worst = -INFINITY;
            for (size_t i = 0; i < n; i++)
                if (set >> i & 1) worst = fmax(worst, rows[i].v[k]);
            product *= fmax(reference->v[k] - worst, 0);
        }
        sum += product;
    }
    return sum;
}

static void volumes_equal_inclusion_and_exclusion(void **state)
{
    (void)state;
    enum { N = 11 };
    fr_costs rows[N];
    for (size_t d = 1; d <= FR_GOALS_MAX; d++) {
        for (int kind = 0; kind < 3; kind++) {
            fr_volume *volume = NULL;
            /* Some rows lie beyond this reference. */
            const fr_costs reference = {{0.9, 0.8, 0.95, 0.85}};
            fill(rows, N, d, kind == 1);
            for (size_t i = 0; i < N && kind == 2; i++)
                for (size_t k = 0; k < d; k++) rows[i].v[k] = floor(rows[i].v[k] * 4) / 4 - 0.5;
            assert_int_equal(fr_volume_create(d, N, &volume), FR_OK);
            assert_true(fr_volume_of(volume, rows, 0, &reference) == 0);
            for (size_t n = 1; n <= N; n++) {
                const double here = fr_volume_of(volume, rows, n, &reference);
                const double before = fr_volume_of(volume, rows, n - 1, &reference);
                assert_true(close_to(here, by_inclusion(rows, n, d, &reference)));
                assert_true(
                    close_to(fr_volume_gain(volume, rows, n - 1, &rows[n - 1], &reference),
                             here - before));
            }
            fr_volume_destroy(&volume);
            assert_null(volume);
        }
    }
}

/* optuna._hypervolume.compute_hypervolume of the same 60 rows, reference 1.1 everywhere. */
static void volumes_equal_optuna(void **state)
{
    (void)state;
    static const double known[3][2] = {{1.1183944512113024, 0.4121059262065502},
                                       {1.0979650095531701, 0.6551264187139966},
                                       {1.0903521002997127, 0.7639070439667426}};
    fr_costs rows[60];
    const fr_costs reference = {{1.1, 1.1, 1.1, 1.1}};
    for (size_t d = 2; d <= 4; d++) {
        for (int sphere = 0; sphere < 2; sphere++) {
            fr_volume *volume = NULL;
            fill(rows, 60, d, sphere == 1);
            assert_int_equal(fr_volume_create(d, 60, &volume), FR_OK);
            assert_true(
                close_to(fr_volume_of(volume, rows, 60, &reference), known[d - 2][sphere]));
            fr_volume_destroy(&volume);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dominance_needs_one_better),
        cmocka_unit_test(ranks_are_those_of_the_definition),
        cmocka_unit_test(crowding_is_the_neighbours_distance),
        cmocka_unit_test(volumes_equal_inclusion_and_exclusion),
        cmocka_unit_test(volumes_equal_optuna),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
