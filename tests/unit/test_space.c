/* SPDX-License-Identifier: BSD-3-Clause */
/* test_space.c - parameters, conditions, points: cells, round trips, counting against
 * enumeration, messages. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/memory.h"
#include "foldrank/space.h"

static fr_param choice_of(const char *name, const char *const *values, size_t n)
{
    fr_param p = {.name = fr_strdup(name), .kind = FR_PARAM_CHOICE, .n_choices = n};
    p.choices = fr_alloc(n, sizeof *p.choices);
    for (size_t i = 0; i < n; i++) p.choices[i] = fr_strdup(values[i]);
    p.high = (double)n - 1;
    p.step = 1;
    return p;
}

static fr_param letters(const char *name, size_t n)
{
    static const char *const words[] = {"a", "b", "c", "d", "e", "f"};
    return choice_of(name, words, n);
}

static fr_param range(const char *name, fr_param_kind kind, double low, double high,
                      double step)
{
    return (fr_param){
        .name = fr_strdup(name), .kind = kind, .low = low, .high = high, .step = step};
}

/* Active while parameter `parent` has `value` (or `also`, when it is not negative). */
static fr_param when(fr_param p, size_t parent, double value, double also)
{
    const size_t n = p.n_conditions++;
    p.conditions = realloc(p.conditions, p.n_conditions * sizeof *p.conditions);
    fr_condition *c = &p.conditions[n];
    *c = (fr_condition){.parent = parent, .n_values = also < 0 ? 1 : 2};
    c->values = fr_alloc(2, sizeof *c->values);
    c->values[0] = value;
    c->values[1] = also;
    return p;
}

static void add(fr_space *space, fr_param p)
{
    if (fr_space_add(space, p) != FR_OK) fail_msg("%s", fr_status_message());
}

static const struct {
    fr_param_kind kind;
    double low, high, step;
    double cardinality;
} ranges[] = {
    {FR_PARAM_FLOAT, 0, 1, 0, INFINITY},
    {FR_PARAM_FLOAT, -3, 7, 0, INFINITY},
    {FR_PARAM_FLOAT, 0, 0.3, 0.1, 4},
    {FR_PARAM_FLOAT, 0, 1, 0.3, 4},
    {FR_PARAM_FLOAT, -1, 1, 1e-3, 2001},
    {FR_PARAM_LOG, 1e-6, 1e-1, 0, INFINITY},
    {FR_PARAM_LOG, 1e-300, 1e300, 0, INFINITY},
    {FR_PARAM_INT, 0, 0, 1, 1},
    {FR_PARAM_INT, -2, 4, 1, 7},
    {FR_PARAM_INT, 16, 128, 16, 8},
    {FR_PARAM_INT, 0, 10, 4, 3},
    {FR_PARAM_INT, 0, 1e15, 1, 1e15 + 1},
    {FR_PARAM_INT_LOG, 1, 1000, 1, 1000},
    {FR_PARAM_INT_LOG, 1, 2, 1, 2},
    {FR_PARAM_INT_LOG, 8, 512, 8, 64},
    {FR_PARAM_CHOICE, 0, 4, 1, 5},
};
enum { N_RANGES = sizeof ranges / sizeof *ranges };

static fr_param nth_range(size_t i)
{
    return (fr_param){.name = (char *)"x",
                      .kind = ranges[i].kind,
                      .low = ranges[i].low,
                      .high = ranges[i].high,
                      .step = ranges[i].step};
}

static void cardinalities_are_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_RANGES; i++) {
        const fr_param p = nth_range(i);
        assert_true(fr_space_cardinality(&p) == ranges[i].cardinality);
    }
}

/* Every unit number gives an allowed value, and a value's own unit number gives it back. */
static void unit_round_trips(void **state)
{
    (void)state;
    fr_rng rng = fr_rng_make(1, FR_RNG_NOISE, 0, 0, 0);
    for (size_t i = 0; i < N_RANGES; i++) {
        const fr_param p = nth_range(i);
        const double edges[] = {0, 0.5, 1, -1, 2, nextafter(1, 0), NAN, INFINITY, -INFINITY};
        for (size_t k = 0; k < 2000; k++) {
            const double u = k < sizeof edges / sizeof *edges ? edges[k] : fr_rng_uniform(&rng);
            const double x = fr_param_from_unit(&p, u);
            assert_true(x >= p.low && x <= p.high);
            assert_true(fr_param_round(&p, x) == x);
            const double back = fr_param_to_unit(&p, x);
            assert_true(back >= 0 && back <= 1);
            const double again = fr_param_from_unit(&p, back);
            if (p.step > 0 && p.high < 1e12)
                assert_true(again == x);
            else
                assert_true(fabs(again - x) <= 1e-9 * fmax(fabs(x), p.high - p.low));
        }
    }
}

/* The share of the unit interval that leads to each value, found by bisection. */
static double cell_end(const fr_param *p, double value)
{
    double low = fr_param_to_unit(p, value), high = 1;
    if (fr_param_from_unit(p, high) == value) return 1;
    for (int i = 0; i < 60; i++) {
        const double middle = (low + high) / 2;
        if (fr_param_from_unit(p, middle) > value)
            high = middle;
        else
            low = middle;
    }
    return low;
}

static void steps_have_equal_cells(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_RANGES; i++) {
        const fr_param p = nth_range(i);
        if (p.step == 0 || p.kind == FR_PARAM_INT_LOG || ranges[i].cardinality > 3000) continue;
        double start = 0;
        const double n = fr_space_cardinality(&p);
        for (double k = 0; k < n; k++) {
            const double end = cell_end(&p, fmin(p.low + k * p.step, p.high));
            assert_true(fabs((end - start) * n - 1) < 1e-9);
            start = end;
        }
        assert_true(start == 1);
    }
}

/* The cell that a unit number lies in: from its low to its high end all give the same value,
 * and the next one begins where it ends. */
static void cells_join(void **state)
{
    (void)state;
    double low, high;
    for (size_t i = 0; i < N_RANGES; i++) {
        const fr_param p = nth_range(i);
        if (!(ranges[i].cardinality <= 3000)) continue;
        double end = 0;
        for (double k = 0; k < ranges[i].cardinality; k++) {
            const double value = fr_param_round(&p, fmin(p.low + k * p.step, p.high));
            fr_param_cell(&p, fr_param_to_unit(&p, value), &low, &high);
            assert_true(fabs(low - end) < 1e-12);
            assert_true(fr_param_from_unit(&p, low + 1e-9) == value);
            assert_true(fr_param_from_unit(&p, high - 1e-9) == value);
            end = high;
        }
        assert_true(fabs(end - 1) < 1e-12);
    }
    const fr_param smooth = nth_range(0), stepped = nth_range(8);
    fr_param_cell(&smooth, 0.3, &low, &high);
    assert_true(low == 0.3 && high == 0.3);
    fr_param_cell(&stepped, 7.5, &low, &high);
    assert_true(high == 1 && fabs(low - 6.0 / 7) < 1e-12);
    fr_param_cell(&stepped, -7.5, &low, &high);
    assert_true(low == 0 && fabs(high - 1.0 / 7) < 1e-12);
}

/* Cell of v on a log axis from low - 1/2 to high + 1/2. */
static void log_integers_have_log_cells(void **state)
{
    (void)state;
    const fr_param p = {
        .name = (char *)"n", .kind = FR_PARAM_INT_LOG, .low = 1, .high = 1000, .step = 1};
    const double width = log(1000.5 / 0.5);
    double start = 0;
    for (double v = 1; v <= 1000; v++) {
        const double end = cell_end(&p, v);
        assert_true(fabs((end - start) - log((v + 0.5) / (v - 0.5)) / width) < 1e-9);
        start = end;
    }
    assert_true(start == 1);
}

static void log_range_is_uniform_in_the_exponent(void **state)
{
    (void)state;
    const fr_param p = {.name = (char *)"x", .kind = FR_PARAM_LOG, .low = 1e-6, .high = 1e-2};
    assert_true(fr_param_from_unit(&p, 0) == 1e-6 && fr_param_from_unit(&p, 1) == 1e-2);
    assert_true(fabs(fr_param_from_unit(&p, 0.5) / 1e-4 - 1) < 1e-12);
    assert_true(fabs(fr_param_to_unit(&p, 1e-5) - 0.25) < 1e-12);
}

static void rounding_finds_the_nearest(void **state)
{
    (void)state;
    const fr_param p = {
        .name = (char *)"x", .kind = FR_PARAM_INT, .low = 0, .high = 10, .step = 4};
    assert_true(fr_param_round(&p, -5) == 0);
    assert_true(fr_param_round(&p, 5.9) == 4);
    assert_true(fr_param_round(&p, 6.1) == 8);
    assert_true(fr_param_round(&p, 100) == 8); /* 10 is not on the grid */
    assert_true(isnan(fr_param_round(&p, NAN)));
}

static void random_space(fr_rng *rng, size_t n, fr_space *space)
{
    for (size_t j = 0; j < n; j++) {
        char name[32];
        snprintf(name, sizeof name, "p%zu", j);
        fr_param p = fr_rng_below(rng, 2) == 0
                         ? letters(name, 1 + fr_rng_below(rng, 4))
                         : range(name, FR_PARAM_INT, 0, (double)fr_rng_below(rng, 4), 1);
        for (size_t parent = 0; parent < j; parent++) {
            if (fr_rng_below(rng, 4) != 0) continue;
            const double n_values = fr_space_cardinality(&space->params[parent]);
            const double value = (double)fr_rng_below(rng, (uint64_t)n_values);
            const double also = (double)fr_rng_below(rng, (uint64_t)n_values);
            p = when(p, parent, value, also == value ? -1 : also);
        }
        add(space, p);
    }
}

static double enumerate(const fr_space *space, double *point, size_t j)
{
    if (j == space->n) return 1;
    point[j] = NAN;
    if (!fr_space_active(space, j, point)) return enumerate(space, point, j + 1);
    double total = 0;
    for (double v = space->params[j].low; v <= space->params[j].high; v++) {
        point[j] = v;
        total += enumerate(space, point, j + 1);
    }
    return total;
}

static void sizes_equal_enumeration(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 400; round++) {
        fr_rng rng = fr_rng_make(7, FR_RNG_NOISE, round, 0, 0);
        fr_space space = {0};
        double point[8];
        random_space(&rng, fr_rng_below(&rng, 8), &space);
        assert_true(fr_space_size(&space) == enumerate(&space, point, 0));
        fr_space_clear(&space);
    }
}

/* One family with twenty switches, each with a child: 2 * 3^20 points, never enumerated. */
static void big_trees_are_counted_fast(void **state)
{
    (void)state;
    fr_space space = {0};
    char name[32];
    add(&space, letters("model", 2));
    for (size_t k = 0; k < 20; k++) {
        snprintf(name, sizeof name, "switch%zu", k);
        add(&space, when(letters(name, 2), 0, 1, -1));
        snprintf(name, sizeof name, "child%zu", k);
        add(&space, when(letters(name, 2), space.n - 1, 1, -1));
    }
    assert_true(fr_space_size(&space) == 1 + pow(3, 20));
    fr_space_clear(&space);

    add(&space, letters("root", 2));
    for (size_t k = 1; k < 60; k++) { /* each waits for all before it */
        snprintf(name, sizeof name, "p%zu", k);
        fr_param p = letters(name, 2);
        for (size_t parent = 0; parent < k; parent++) p = when(p, parent, 1, -1);
        add(&space, p);
    }
    assert_true(fr_space_size(&space) == 61);
    fr_space_clear(&space);

    fr_param last = letters("last", 2); /* waits for forty others at once */
    for (size_t k = 0; k < 40; k++) {
        snprintf(name, sizeof name, "p%zu", k);
        add(&space, letters(name, 2));
        last = when(last, k, 1, -1);
    }
    add(&space, last);
    assert_true(fr_space_size(&space) == 0x1p40 + 1);
    fr_space_clear(&space);
}

static void continuous_parameters_make_it_infinite(void **state)
{
    (void)state;
    fr_space space = {0};
    assert_true(fr_space_size(&space) == 1);
    add(&space, letters("model", 2));
    add(&space, when(range("x", FR_PARAM_FLOAT, 0, 1, 0), 0, 1, -1));
    assert_true(isinf(fr_space_size(&space)));
    fr_space_clear(&space);
}

static void draws_are_valid_and_uniform(void **state)
{
    (void)state;
    fr_space space = {0};
    add(&space, letters("model", 3));
    add(&space, when(range("n", FR_PARAM_INT, 1, 4, 1), 0, 0, 2));
    add(&space, when(range("rate", FR_PARAM_LOG, 1e-4, 1, 0), 1, 4, -1));
    fr_rng rng = fr_rng_make(3, FR_RNG_SUGGEST, 0, 0, 0);
    enum { DRAWS = 60000 };
    size_t model[3] = {0}, n[5] = {0}, rate = 0;
    for (int i = 0; i < DRAWS; i++) {
        double point[3];
        fr_space_draw(&space, &rng, point);
        assert_int_equal(fr_space_check(&space, point), FR_OK);
        model[(size_t)point[0]]++;
        assert_int_equal(isnan(point[1]), point[0] == 1);
        assert_int_equal(!isnan(point[2]), point[1] == 4);
        if (!isnan(point[1])) n[(size_t)point[1]]++;
        rate += !isnan(point[2]) && point[2] < 1e-2;
    }
    /* Five standard deviations of a binomial count. */
    for (size_t k = 0; k < 3; k++)
        assert_true(fabs((double)model[k] - DRAWS / 3.0) < 5 * sqrt(DRAWS * 2 / 9.0));
    for (size_t k = 1; k < 5; k++)
        assert_true(fabs((double)n[k] - DRAWS / 6.0) < 5 * sqrt(DRAWS * 5 / 36.0));
    assert_true(fabs((double)rate - DRAWS / 12.0) < 5 * sqrt(DRAWS * 11 / 144.0));
    fr_space_clear(&space);
}

static void equality_and_hash_agree(void **state)
{
    (void)state;
    fr_space space = {0};
    add(&space, range("x", FR_PARAM_FLOAT, -1, 1, 0));
    add(&space, range("y", FR_PARAM_FLOAT, -1, 1, 0));
    const double a[] = {0.0, NAN}, b[] = {-0.0, -NAN}, c[] = {0.0, 0.0};
    assert_true(fr_space_equal(&space, a, b));
    assert_true(fr_space_hash(&space, a) == fr_space_hash(&space, b));
    assert_false(fr_space_equal(&space, a, c));
    assert_true(fr_space_hash(&space, a) != fr_space_hash(&space, c));
    fr_space_clear(&space);
}

static void bad_points_are_named(void **state)
{
    (void)state;
    fr_space space = {0};
    add(&space, letters("kind", 2));
    add(&space, when(range("n", FR_PARAM_INT, 0, 10, 2), 0, 1, -1));
    const struct {
        double point[2];
        const char *message;
    } cases[] = {
        {{2, NAN}, "parameter kind: 2 is not an allowed value"},
        {{NAN, NAN}, "parameter kind: nan is not an allowed value"},
        {{0, 2}, "parameter n has a value but its condition fails"},
        {{1, NAN}, "parameter n: nan is not an allowed value"},
        {{1, 3}, "parameter n: 3 is not an allowed value"},
        {{1, 12}, "parameter n: 12 is not an allowed value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(fr_space_check(&space, cases[i].point), FR_ERR_ARG);
        assert_string_equal(fr_status_message(), cases[i].message);
    }
    const double good[] = {1, 4};
    assert_int_equal(fr_space_check(&space, good), FR_OK);
    fr_space_clear(&space);
}

static void assert_refused(fr_space *space, fr_param p, const char *message)
{
    const size_t before = space->n;
    assert_int_equal(fr_space_add(space, p), FR_ERR_ARG);
    assert_string_equal(fr_status_message(), message);
    assert_int_equal(space->n, before);
}

static void bad_parameters_are_refused(void **state)
{
    (void)state;
    fr_space space = {0};
    add(&space, letters("a", 2));
    assert_refused(&space, letters("a", 2), "there are two parameters called a");
    assert_refused(&space, letters("a/b", 2), "a parameter needs a name without /");
    assert_refused(&space, letters("c", 0), "parameter c has an empty or endless range");
    assert_refused(&space, range("x", FR_PARAM_FLOAT, 1, 0, 0),
                   "parameter x has an empty or endless range");
    assert_refused(&space, range("x", FR_PARAM_FLOAT, 0, INFINITY, 0),
                   "parameter x has an empty or endless range");
    assert_refused(&space, range("x", FR_PARAM_LOG, 0, 1, 0),
                   "parameter x has a log range that reaches 0");
    assert_refused(&space, range("x", FR_PARAM_LOG, 1, 2, 0.5),
                   "parameter x cannot have this step");
    assert_refused(&space, range("x", FR_PARAM_INT, 0.5, 2, 1),
                   "parameter x needs whole numbers and a step of at least 1");
    assert_refused(&space, range("x", FR_PARAM_INT_LOG, 1, 9, 2),
                   "parameter x has a step that reaches 0");
    assert_refused(&space, when(letters("x", 2), 1, 0, -1),
                   "parameter x depends on one that does not come before");
    assert_refused(&space, when(letters("x", 2), 0, 7, -1),
                   "parameter x waits for a value that a never has");
    fr_space_clear(&space);
}

static void assert_parses(const fr_param *p, const char *text, double expected)
{
    double value = -1;
    if (fr_param_parse(p, text, &value) != FR_OK) fail_msg("%s", fr_status_message());
    assert_true(value == expected);
}

static void assert_unparsed(const fr_param *p, const char *text, const char *message)
{
    double value = -1;
    assert_int_equal(fr_param_parse(p, text, &value), FR_ERR_USAGE);
    assert_string_equal(fr_status_message(), message);
    assert_true(value == -1);
}

static void values_travel_as_text(void **state)
{
    (void)state;
    static const char *const layers[] = {"[64]", "[128, 64]"};
    fr_space space = {0};
    add(&space, choice_of("hidden", layers, 2));
    add(&space, range("rate", FR_PARAM_LOG, 1e-4, 0.1, 0));
    add(&space, when(range("drop", FR_PARAM_FLOAT, 0, 0.3, 0.1), 0, 1, -1));
    const fr_param *hidden = &space.params[0], *rate = &space.params[1],
                   *drop = &space.params[2];
    assert_parses(hidden, "[128, 64]", 1);
    assert_parses(rate, "1e-2", 0.01);
    assert_parses(drop, "0.3", 0.3);
    assert_parses(drop, "0.2", 0.2);
    assert_unparsed(hidden, "[32]",
                    "`[32]` is not a choice of hidden; allowed: choice [[64], [128, 64]] (did "
                    "you mean [64]?)");
    assert_unparsed(rate, "1", "`1` is not a value of rate; allowed: log [0.0001, 0.1]");
    assert_unparsed(rate, "nan", "`nan` is not a value of rate; allowed: log [0.0001, 0.1]");
    assert_unparsed(rate, "", "`` is not a value of rate; allowed: log [0.0001, 0.1]");
    assert_unparsed(drop, "0.15",
                    "`0.15` is not a value of drop; allowed: float [0, 0.3] step 0.1");
    fr_text text = {0};
    fr_space_format(&space, (double[]){1, 0.01, 0.1}, &text);
    assert_string_equal(fr_text_get(&text), "hidden=[128, 64] rate=0.01 drop=0.1");
    fr_text_clear(&text);
    fr_space_format(&space, (double[]){0, 0.01, NAN}, &text);
    assert_string_equal(fr_text_get(&text), "hidden=[64] rate=0.01");
    fr_text_clear(&text);
    fr_param_describe_conditions(&space, drop, &text);
    assert_string_equal(fr_text_get(&text), "hidden = [128, 64]");
    fr_text_clear(&text);
    fr_space_clear(&space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cardinalities_are_counted),
        cmocka_unit_test(unit_round_trips),
        cmocka_unit_test(steps_have_equal_cells),
        cmocka_unit_test(cells_join),
        cmocka_unit_test(log_integers_have_log_cells),
        cmocka_unit_test(log_range_is_uniform_in_the_exponent),
        cmocka_unit_test(rounding_finds_the_nearest),
        cmocka_unit_test(sizes_equal_enumeration),
        cmocka_unit_test(big_trees_are_counted_fast),
        cmocka_unit_test(continuous_parameters_make_it_infinite),
        cmocka_unit_test(draws_are_valid_and_uniform),
        cmocka_unit_test(equality_and_hash_agree),
        cmocka_unit_test(bad_points_are_named),
        cmocka_unit_test(bad_parameters_are_refused),
        cmocka_unit_test(values_travel_as_text),
    };
    return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}
