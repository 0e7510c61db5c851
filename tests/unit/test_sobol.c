/* SPDX-License-Identifier: BSD-3-Clause */
/* TEST: ranks=1 threads=1 */
/* test_sobol.c - the sequence against scipy 1.17 (stats.qmc.Sobol), and what scrambling must
 * keep. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/search/sobol.h"

/* scipy lists the points in the order of the Gray code. */
static uint64_t gray(uint64_t i)
{
    return i ^ (i >> 1);
}

static void unscrambled_equals_scipy(void **state)
{
    (void)state;
    static const struct {
        uint64_t i;
        size_t d;
        double x;
    } known[] = {{1, 0, 0.5},
                 {3, 5, 0.25},
                 {10, 17, 0.5625},
                 {100, 63, 0.6484375},
                 {777, 99, 0.5107421875},
                 {1023, 127, 0.7001953125},
                 {512, 126, 0.1982421875}};
    static const double point8[7] = {0.1875, 0.3125, 0.9375, 0.4375, 0.5625, 0.3125, 0.4375};
    fr_sobol *s = NULL;
    double x[FR_SOBOL_DIMS];
    assert_int_equal(fr_sobol_create(FR_SOBOL_DIMS, 0, false, &s), FR_OK);
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        fr_sobol_point(s, gray(known[k].i), x);
        assert_true(x[known[k].d] == known[k].x);
    }
    fr_sobol_point(s, gray(8), x);
    assert_memory_equal(x, point8, sizeof point8);
    fr_sobol_destroy(&s);
    assert_null(s);
}

/* Each of the first 2^m intervals of every axis holds exactly one of the first 2^m points. */
static void every_axis_is_stratified(void **state)
{
    (void)state;
    enum { N = 256 };
    for (int scramble = 0; scramble < 2; scramble++) {
        fr_sobol *s = NULL;
        double x[FR_SOBOL_DIMS];
        static unsigned char hit[FR_SOBOL_DIMS][N];
        memset(hit, 0, sizeof hit);
        assert_int_equal(fr_sobol_create(FR_SOBOL_DIMS, 11, scramble == 1, &s), FR_OK);
        for (uint64_t i = 0; i < N; i++) {
            fr_sobol_point(s, i, x);
            for (size_t d = 0; d < FR_SOBOL_DIMS; d++) {
                assert_true(x[d] >= 0.0 && x[d] < 1.0);
                assert_int_equal(hit[d][(size_t)(x[d] * N)]++, 0);
            }
        }
        fr_sobol_destroy(&s);
    }
}

/* The first two dimensions are a (0, m, 2)-net: each of the 2^m elementary boxes, of every
 * shape, holds one of 2^m points; also when scrambled. */
static void the_first_plane_is_a_net(void **state)
{
    (void)state;
    enum { M = 6, N = 1 << M };
    fr_sobol *s = NULL;
    double x[2];
    assert_int_equal(fr_sobol_create(2, 5, true, &s), FR_OK);
    for (int a = 0; a <= M; a++) {
        unsigned char hit[N] = {0};
        for (uint64_t i = 0; i < N; i++) {
            fr_sobol_point(s, i, x);
            const size_t row = (size_t)(x[0] * (1 << a)), col = (size_t)(x[1] * (1 << (M - a)));
            assert_int_equal(hit[(row << (M - a)) + col]++, 0);
        }
    }
    fr_sobol_destroy(&s);
}

static void seeds_give_different_points_of_the_right_mean(void **state)
{
    (void)state;
    enum { SEEDS = 4000 };
    double first = 0.0, mean = 0.0, square = 0.0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        fr_sobol *s = NULL;
        double x[3];
        assert_int_equal(fr_sobol_create(3, seed, true, &s), FR_OK);
        fr_sobol_point(s, 0, x);
        if (seed == 0) first = x[2];
        mean += x[2] / SEEDS;
        square += x[2] * x[2] / SEEDS;
        fr_sobol_destroy(&s);
    }
    assert_true(first != mean);
    assert_true(fabs(mean - 0.5) < 0.02);                       /* 4 standard errors */
    assert_true(fabs(square - mean * mean - 1.0 / 12) < 0.006); /* of a uniform */
}

/* Integration of a smooth product: the error of a net falls much faster than that of chance. */
static void integrates_better_than_chance(void **state)
{
    (void)state;
    enum { N = 4096, D = 5 };
    double worst = 0.0;
    for (uint64_t seed = 0; seed < 5; seed++) {
        fr_sobol *s = NULL;
        double x[D], sum = 0.0;
        assert_int_equal(fr_sobol_create(D, seed, true, &s), FR_OK);
        for (uint64_t i = 0; i < N; i++) {
            double f = 1.0;
            fr_sobol_point(s, i, x);
            for (size_t d = 0; d < D; d++) f *= 1.0 + 0.5 * (x[d] - 0.5);
            sum += f;
        }
        worst = fmax(worst, fabs(sum / N - 1.0));
        fr_sobol_destroy(&s);
    }
    assert_true(worst < 5e-4); /* chance: standard deviation 5e-3 */
}

static void more_dimensions_than_the_table(void **state)
{
    (void)state;
    enum { D = FR_SOBOL_DIMS + 3 };
    fr_sobol *s = NULL;
    double x[D], y[D];
    assert_int_equal(fr_sobol_create(D, 3, true, &s), FR_OK);
    fr_sobol_point(s, 7, x);
    fr_sobol_point(s, 8, y);
    for (size_t d = FR_SOBOL_DIMS; d < D; d++)
        assert_true(x[d] >= 0.0 && x[d] < 1.0 && x[d] != y[d]);
    fr_sobol_destroy(&s);
    assert_int_equal(fr_sobol_create(0, 3, true, &s), FR_OK);
    fr_sobol_point(s, 7, x);
    fr_sobol_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unscrambled_equals_scipy),
        cmocka_unit_test(every_axis_is_stratified),
        cmocka_unit_test(the_first_plane_is_a_net),
        cmocka_unit_test(seeds_give_different_points_of_the_right_mean),
        cmocka_unit_test(integrates_better_than_chance),
        cmocka_unit_test(more_dimensions_than_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
