/* SPDX-License-Identifier: BSD-3-Clause */
/* test_last.c - splits by time and by each user's last rows: nothing of the future trains. */
#include "data_fixture.h"

#include "foldrank/folds.h"
#include "foldrank/random.h"

enum { ROWS = 400, USERS = 23, TIMES = 97 };

/* Rows of users at times, many of them tied, in the disorder of a file. */
typedef struct {
    fr_dataset set;
    float y[ROWS];
    int32_t user[ROWS], time[ROWS];
    fr_validation_options options;
    fr_test_options test;
    fr_folds *folds;
} plan;

static void start(plan *p, bool timed)
{
    fr_rng rng = fr_rng_make(7, FR_RNG_NOISE, 0, 0, 0);
    *p = (plan){.set.schema = {.rows = ROWS, .learn = FR_LEARN_REGRESSION}};
    assert_int_equal(
        fr_option_defaults(fr_validation_option_table, fr_validation_option_count, &p->options),
        FR_OK);
    for (size_t r = 0; r < ROWS; r++) {
        const double u = fr_rng_uniform(&rng);
        p->user[r] = (int32_t)(u * u * USERS); /* some have few rows */
        p->time[r] = timed ? (int32_t)fr_rng_below(&rng, TIMES) : (int32_t)r;
    }
    p->user[17] = USERS; /* one has a single row */
    p->set.y = p->y;
    p->set.group = p->user;
    if (timed) p->set.time = p->time;
}

static void make(plan *p)
{
    fr_folds_destroy(&p->folds);
    const fr_status st = fr_folds_create(&p->set, &p->test, &p->options, &p->folds);
    if (st != FR_OK) print_message("%s\n", fr_status_message());
    assert_int_equal(st, FR_OK);
}

/* Whether row a is before row b; `strict`: in time, not only in the file. */
static bool is_before(const plan *p, uint32_t a, uint32_t b, bool strict)
{
    return p->time[a] != p->time[b] ? p->time[a] < p->time[b] : !strict && a < b;
}

/* All of a before all of b: of each user, or of everybody. */
static void check_before(const plan *p, const uint32_t *a, size_t n_a, const uint32_t *b,
                         size_t n_b, bool by_user)
{
    for (size_t i = 0; i < n_a; i++)
        for (size_t j = 0; j < n_b; j++)
            if (!by_user || p->user[a[i]] == p->user[b[j]])
                assert_true(is_before(p, a[i], b[j], !by_user));
}

static size_t count_user(const plan *p, const uint32_t *rows, size_t n, int32_t user)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += p->user[rows[i]] == user;
    return count;
}

static void check_time_series(plan *p, int64_t folds, double test_share)
{
    size_t n_search, n_test, last = 0;
    p->options.scheme = FR_SCHEME_TIME_SERIES;
    p->options.folds = folds;
    p->test.fraction = test_share;
    make(p);
    const uint32_t *search = fr_folds_search_rows(p->folds, &n_search);
    const uint32_t *test = fr_folds_test_rows(p->folds, &n_test);
    check_before(p, search, n_search, test, n_test, false);
    assert_true(n_test > 0 && (double)n_test <= test_share * ROWS + 1);
    for (uint32_t f = 0; f < fr_folds_count(p->folds); f++) {
        uint32_t *train, *valid;
        size_t n_train, n_valid;
        assert_int_equal(fr_folds_get(p->folds, f, &train, &n_train, &valid, &n_valid), FR_OK);
        assert_true(n_train > last && n_valid > 0);
        check_before(p, train, n_train, valid, n_valid, false);
        last = n_train;
        free(train);
        free(valid);
    }
}

static void time_series_by_a_column(void **state)
{
    (void)state;
    plan p;
    start(&p, true);
    for (int64_t folds = 2; folds < 8; folds++) check_time_series(&p, folds, 0.25);
    p.options.gap = 20;
    check_time_series(&p, 4, 0.1);
    fr_folds_destroy(&p.folds);
}

/* A column of distinct times, in the order of the file, changes nothing. */
static void times_in_order_are_the_file(void **state)
{
    (void)state;
    plan with, without;
    start(&with, false);
    start(&without, false);
    with.set.time = with.time;
    with.options.scheme = without.options.scheme = FR_SCHEME_TIME_SERIES;
    with.options.gap = without.options.gap = 3;
    with.test.fraction = without.test.fraction = 0.2;
    make(&with);
    make(&without);
    for (uint32_t f = 0; f < 5; f++) {
        uint32_t *rows[2][2];
        size_t n[2][2];
        assert_int_equal(
            fr_folds_get(with.folds, f, &rows[0][0], &n[0][0], &rows[0][1], &n[0][1]), FR_OK);
        assert_int_equal(
            fr_folds_get(without.folds, f, &rows[1][0], &n[1][0], &rows[1][1], &n[1][1]),
            FR_OK);
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(n[0][k], n[1][k]);
            assert_memory_equal(rows[0][k], rows[1][k], n[0][k] * sizeof **rows[0]);
            free(rows[0][k]);
            free(rows[1][k]);
        }
    }
    fr_folds_destroy(&with.folds);
    fr_folds_destroy(&without.folds);
}

/* Training, validation, test: in this order for each user. `last` 0: by fraction. */
static void check_last(plan *p, int64_t last)
{
    uint32_t *train, *valid;
    size_t n_search, n_test, n_train, n_valid;
    p->options.scheme = FR_SCHEME_LEAVE_LAST_OUT;
    p->options.last = p->test.last = last;
    p->options.fraction = 0.3;
    p->test.fraction = last > 0 ? 0 : 0.3;
    make(p);
    assert_int_equal(fr_folds_count(p->folds), 1);
    const uint32_t *search = fr_folds_search_rows(p->folds, &n_search);
    const uint32_t *test = fr_folds_test_rows(p->folds, &n_test);
    assert_int_equal(n_search + n_test, ROWS);
    assert_int_equal(fr_folds_get(p->folds, 0, &train, &n_train, &valid, &n_valid), FR_OK);
    assert_int_equal(n_train + n_valid, n_search);
    check_before(p, search, n_search, test, n_test, true);
    check_before(p, train, n_train, valid, n_valid, true);
    for (int32_t u = 0; u <= USERS; u++) {
        const size_t own = count_user(p, search, n_search, u);
        const size_t held = count_user(p, valid, n_valid, u);
        const size_t wanted = last > 0 ? (size_t)last : (own * 3 + 9) / 10;
        assert_int_equal(held, own == 0 ? 0 : wanted < own ? wanted : own - 1);
        assert_int_equal(count_user(p, train, n_train, u), own - held);
    }
    assert_int_equal(count_user(p, train, n_train, USERS), 1); /* his only row trains */
    free(train);
    free(valid);
}

static void last_rows_of_each_user(void **state)
{
    (void)state;
    for (int timed = 0; timed < 2; timed++) {
        plan p;
        start(&p, timed == 1);
        check_last(&p, 1);
        check_last(&p, 3);
        check_last(&p, 0);
        fr_folds_destroy(&p.folds);
    }
}

static void fails(plan *p, const char *part)
{
    fr_folds_destroy(&p->folds);
    assert_int_equal(fr_folds_create(&p->set, &p->test, &p->options, &p->folds), FR_ERR_DATA);
    if (strstr(fr_status_message(), part) == NULL) fail_msg("%s", fr_status_message());
}

static void what_cannot_be_split_is_said(void **state)
{
    (void)state;
    plan p;
    start(&p, true);
    for (size_t r = 0; r < ROWS; r++) p.time[r] = r < 10;
    p.options.scheme = FR_SCHEME_TIME_SERIES;
    fails(&p, "fold 0 has no validation rows");
    p.test.fraction = 0.01;
    p.test.by = FR_TEST_BY_TIME;
    fails(&p, "data.test by time leaves no test rows");
    p.test = (fr_test_options){0};
    p.options.scheme = FR_SCHEME_LEAVE_LAST_OUT;
    for (size_t r = 0; r < ROWS; r++) p.user[r] = (int32_t)r;
    fails(&p, "no user has a second row");
    p.set.group = NULL;
    fails(&p, "leave_last_out needs data.user");
}

static void times_are_numbers_or_dates(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_set(&c, "target", "y");
    case_set(&c, "time", "t");
    case_set(&c, "user", "u");
    case_text(&c, "dates.csv",
              "u,t,y\n7,2024-02-01,a\n9,2023-12-31T23:59,b\n7,2024-01-15,a\n,2024-02-01,b\n");
    case_read(&c);
    assert_int_equal(c.set.schema.cols, 1);
    static const int32_t dates[] = {2, 0, 1, 2}, users[] = {0, 1, 0, -1};
    assert_memory_equal(c.set.time, dates, sizeof dates);
    for (size_t r = 0; r < 4; r++) assert_true(fr_dataset_user(&c.set, r) == users[r]);
    case_text(&c, "stamps.csv", "u,t,y\nx,1260759144,a\nx,99,b\ny,1260759143.5,a\ny,-3,b\n");
    case_read(&c);
    static const int32_t stamps[] = {3, 1, 2, 0};
    assert_memory_equal(c.set.time, stamps, sizeof stamps);
    case_text(&c, "mixed.csv", "u,t,y\nx,2024,a\nx,2024-01-01,b\n");
    case_fails(&c, FR_ERR_DATA,
               "column `t`, the time, has `2024-01-01`; times are all numbers");
    case_text(&c, "american.csv", "u,t,y\nx,1/2/2024,a\nx,2/1/2024,b\n");
    case_fails(&c, FR_ERR_DATA, "american.csv:2: column `t`, the time, has `1/2/2024`");
    case_text(&c, "short.csv", "u,t,y\nx,2024-05-10,a\nx,2024-05-2,b\n");
    case_fails(&c, FR_ERR_DATA, "short.csv:3: column `t`, the time, has `2024-05-2`");
    case_text(&c, "zone.csv", "u,t,y\nx,2024-05-10T09:00:00+02:00,a\nx,2024-05-10,b\n");
    case_fails(&c, FR_ERR_DATA, "has `2024-05-10T09:00:00+02:00`");
    case_text(&c, "none.csv", "u,t,y\nx,5,a\nx,,b\n");
    case_fails(&c, FR_ERR_DATA, "no value in column `t`, the time");
    case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_series_by_a_column),
        cmocka_unit_test(times_in_order_are_the_file),
        cmocka_unit_test(last_rows_of_each_user),
        cmocka_unit_test(what_cannot_be_split_is_said),
        cmocka_unit_test(times_are_numbers_or_dates),
    };
    return cmocka_run_group_tests_name("last", tests, NULL, NULL);
}
