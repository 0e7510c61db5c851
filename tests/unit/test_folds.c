/* SPDX-License-Identifier: BSD-3-Clause */
/* Folds: every scheme keeps its promises for many sizes; errors name what is short. */
#include "data_fixture.h"

#include "foldrank/folds.h"
#include "foldrank/random.h"

/* Rows with a class, a group and a fold of the file; cells do not matter. */
typedef struct {
    fr_dataset set;
    float *y;
    int32_t *group, *fold, *mark;
    fr_validation_options options;
    fr_test_options test;
    fr_folds *folds;
} plan;

static void plan_start(plan *p, size_t rows, size_t n_classes, size_t n_groups)
{
    *p = (plan){0};
    fr_rng rng = fr_rng_make(rows, FR_RNG_NOISE, n_classes, 0, 0);
    assert_int_equal(
        fr_option_defaults(fr_validation_option_table, fr_validation_option_count, &p->options),
        FR_OK);
    p->y = fr_alloc(rows, sizeof *p->y);
    p->group = fr_alloc(rows, sizeof *p->group);
    p->fold = fr_alloc(rows, sizeof *p->fold);
    p->mark = fr_alloc(rows, sizeof *p->mark);
    fr_schema *schema = &p->set.schema;
    schema->rows = rows;
    schema->learn = n_classes > 0 ? FR_LEARN_CLASSIFICATION : FR_LEARN_REGRESSION;
    schema->n_classes = n_classes;
    schema->classes = fr_alloc(n_classes, sizeof *schema->classes);
    for (size_t c = 0; c < n_classes; c++) {
        char name[32];
        snprintf(name, sizeof name, "k%zu", c);
        schema->classes[c] = fr_strdup(name);
    }
    for (size_t r = 0; r < rows; r++) {
        const double u = fr_rng_uniform(&rng);
        p->y[r] = n_classes > 0 ? (float)(int)(u * u * (double)n_classes) : (float)u;
        p->group[r] = n_groups > 0 ? (int32_t)fr_rng_below(&rng, n_groups) : 0;
        p->fold[r] = (int32_t)(r % 3);
    }
    p->set.y = p->y;
    if (n_groups > 0) p->set.group = p->group;
}

static void plan_end(plan *p)
{
    fr_folds_destroy(&p->folds);
    fr_schema_clear(&p->set.schema);
    free(p->y);
    free(p->group);
    free(p->fold);
    free(p->mark);
}

static void plan_make(plan *p)
{
    fr_folds_destroy(&p->folds);
    const fr_status st = fr_folds_create(&p->set, &p->test, &p->options, &p->folds);
    if (st != FR_OK) print_message("%s\n", fr_status_message());
    assert_int_equal(st, FR_OK);
}

static void plan_fails(plan *p, fr_status status, const char *part)
{
    fr_folds_destroy(&p->folds);
    assert_int_equal(fr_folds_create(&p->set, &p->test, &p->options, &p->folds), status);
    if (strstr(fr_status_message(), part) == NULL) fail_msg("%s", fr_status_message());
    assert_null(p->folds);
}

/* seen[row] += 1 for training, += 100 for validation rows; lists ascend and do not overlap. */
static void tally(const plan *p, uint32_t fold, int *seen, size_t *n_train, size_t *n_valid)
{
    uint32_t *train, *valid;
    assert_int_equal(fr_folds_get(p->folds, fold, &train, n_train, &valid, n_valid), FR_OK);
    for (size_t i = 0; i < *n_train; i++) seen[train[i]] += 1;
    for (size_t i = 0; i < *n_valid; i++) seen[valid[i]] += 100;
    for (size_t i = 1; i < *n_train; i++) assert_true(train[i - 1] < train[i]);
    for (size_t i = 1; i < *n_valid; i++) assert_true(valid[i - 1] < valid[i]);
    assert_true(*n_train > 0 && *n_valid > 0);
    free(train);
    free(valid);
}

/* Test and search rows are a partition of all rows. Returns the search rows. */
static size_t check_parts(const plan *p, bool *is_test)
{
    size_t n_search, n_test;
    const uint32_t *search = fr_folds_search_rows(p->folds, &n_search);
    const uint32_t *test = fr_folds_test_rows(p->folds, &n_test);
    const size_t rows = p->set.schema.rows;
    assert_int_equal(n_search + n_test, rows);
    for (size_t r = 0; r < rows; r++) is_test[r] = false;
    for (size_t i = 0; i < n_test; i++) is_test[test[i]] = true;
    for (size_t i = 0; i < n_search; i++) assert_false(is_test[search[i]]);
    for (size_t i = 1; i < n_search; i++) assert_true(search[i - 1] < search[i]);
    return n_search;
}

/* kfold kinds: in each repeat every search row validates once and trains in the other folds. */
static void check_kfold(plan *p)
{
    const size_t rows = p->set.schema.rows, k = (size_t)p->options.folds;
    int *seen = fr_alloc(rows, sizeof *seen);
    bool *is_test = fr_alloc(rows, sizeof *is_test);
    const size_t n = check_parts(p, is_test);
    assert_int_equal(fr_folds_count(p->folds), k * (size_t)p->options.repeats);
    for (uint32_t f = 0; f < fr_folds_count(p->folds); f++) {
        size_t n_train, n_valid;
        if (f % k == 0) memset(seen, 0, rows * sizeof *seen);
        tally(p, f, seen, &n_train, &n_valid);
        assert_int_equal(n_train + n_valid, n);
        if (p->options.scheme != FR_SCHEME_GROUP_KFOLD)
            assert_true(n_valid == n / k || n_valid == n / k + 1);
        for (size_t r = 0; r < rows && f % k == k - 1; r++)
            assert_int_equal(seen[r], is_test[r] ? 0 : 100 + (int)k - 1);
    }
    free(seen);
    free(is_test);
}

static void kfolds_are_partitions(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 3, 5, 7, 10, 97, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int64_t folds = 2; folds <= (int64_t)sizes[i] && folds < 12; folds += 3) {
            plan p;
            plan_start(&p, sizes[i], 0, 0);
            p.options.folds = folds;
            p.options.repeats = 3;
            plan_make(&p);
            check_kfold(&p);
            plan_end(&p);
        }
}

static void stratified_folds_keep_class_shares(void **state)
{
    (void)state;
    for (size_t n_classes = 2; n_classes <= 7; n_classes++)
        for (int64_t folds = 2; folds <= 10; folds += 4) {
            plan p;
            plan_start(&p, 503, n_classes, 0);
            p.options.scheme = FR_SCHEME_STRATIFIED_KFOLD;
            p.options.folds = folds;
            p.options.repeats = 2;
            plan_make(&p);
            check_kfold(&p);
            for (uint32_t f = 0; f < fr_folds_count(p.folds); f++) {
                size_t n_train, n_valid, total[7] = {0}, here[7] = {0};
                uint32_t *train, *valid;
                assert_int_equal(fr_folds_get(p.folds, f, &train, &n_train, &valid, &n_valid),
                                 FR_OK);
                for (size_t r = 0; r < 503; r++) total[(size_t)p.y[r]]++;
                for (size_t v = 0; v < n_valid; v++) here[(size_t)p.y[valid[v]]]++;
                for (size_t c = 0; c < n_classes; c++)
                    assert_true(here[c] == total[c] / (size_t)folds ||
                                here[c] == total[c] / (size_t)folds + 1);
                free(train);
                free(valid);
            }
            plan_end(&p);
        }
}

/* No group on both sides; sizes within the largest group of one another. */
static void check_purity(const plan *p, size_t n_groups)
{
    bool *trains = fr_alloc(n_groups, sizeof *trains);
    for (uint32_t f = 0; f < fr_folds_count(p->folds); f++) {
        size_t n_train, n_valid;
        uint32_t *train, *valid;
        assert_int_equal(fr_folds_get(p->folds, f, &train, &n_train, &valid, &n_valid), FR_OK);
        memset(trains, 0, n_groups * sizeof *trains);
        for (size_t i = 0; i < n_train; i++) trains[p->group[train[i]]] = true;
        for (size_t i = 0; i < n_valid; i++) assert_false(trains[p->group[valid[i]]]);
        free(train);
        free(valid);
    }
    free(trains);
}

static void groups_stay_together(void **state)
{
    (void)state;
    static const size_t groups[] = {5, 6, 23, 200};
    static const int schemes[] = {FR_SCHEME_GROUP_KFOLD, FR_SCHEME_SHUFFLE_SPLIT,
                                  FR_SCHEME_HOLDOUT};
    for (size_t i = 0; i < 12; i++) {
        plan p;
        size_t n_test;
        plan_start(&p, 601, 3, groups[i / 3]);
        p.options.scheme = schemes[i % 3];
        p.options.folds = 3;
        p.options.repeats = schemes[i % 3] == FR_SCHEME_HOLDOUT ? 1 : 2;
        p.test.fraction = 0.2;
        p.test.seed = (int64_t)i;
        plan_make(&p);
        if (i % 3 == 0) check_kfold(&p);
        check_purity(&p, groups[i / 3]);
        const uint32_t *test = fr_folds_test_rows(p.folds, &n_test);
        bool in_test[200] = {false};
        for (size_t t = 0; t < n_test; t++) in_test[p.group[test[t]]] = true;
        size_t whole = 0, size[200] = {0}, largest = 0;
        for (size_t r = 0; r < 601; r++) {
            whole += in_test[p.group[r]];
            if (++size[p.group[r]] > largest) largest = size[p.group[r]];
        }
        assert_int_equal(whole, n_test);
        assert_true(2 * (n_test > 121 ? n_test - 121 : 121 - n_test) <= largest);
        plan_end(&p);
    }
}

static void group_folds_are_balanced(void **state)
{
    (void)state;
    plan p;
    plan_start(&p, 1000, 0, 60);
    p.options.scheme = FR_SCHEME_GROUP_KFOLD;
    plan_make(&p);
    for (uint32_t f = 0; f < 5; f++) {
        int seen[1000] = {0};
        size_t n_train, n_valid;
        tally(&p, f, seen, &n_train, &n_valid);
        assert_in_range(n_valid, 195, 205);
    }
    plan_end(&p);
}

/* TimeSeriesSplit(n_splits=3, gap=2) of scikit-learn over 14 rows: train 0..2 | test 5..7,
 * 0..5 | 8..10, 0..8 | 11..13. */
static void time_series_is_scikit_learns(void **state)
{
    (void)state;
    plan p;
    plan_start(&p, 14, 0, 0);
    p.options.scheme = FR_SCHEME_TIME_SERIES;
    p.options.folds = 3;
    p.options.gap = 2;
    plan_make(&p);
    assert_int_equal(fr_folds_count(p.folds), 3);
    for (uint32_t f = 0; f < 3; f++) {
        int seen[14] = {0};
        size_t n_train, n_valid;
        tally(&p, f, seen, &n_train, &n_valid);
        for (int r = 0; r < 14; r++)
            assert_int_equal(seen[r], r < 3 + 3 * (int)f                          ? 1
                                      : r >= 5 + 3 * (int)f && r < 8 + 3 * (int)f ? 100
                                                                                  : 0);
    }
    p.test.fraction = 0.25;
    plan_make(&p);
    size_t n_test;
    const uint32_t *test = fr_folds_test_rows(p.folds, &n_test);
    assert_int_equal(n_test, 4);
    assert_int_equal(test[0], 10);
    p.options.gap = 4;
    plan_fails(&p, FR_ERR_DATA, "a gap of 4");
    plan_end(&p);
}

static void shares_are_drawn_by_class(void **state)
{
    (void)state;
    for (int scheme = 0; scheme < 2; scheme++) {
        plan p;
        plan_start(&p, 1009, 4, 0);
        p.options.scheme = scheme == 0 ? FR_SCHEME_SHUFFLE_SPLIT : FR_SCHEME_HOLDOUT;
        p.options.fraction = 0.3;
        p.test.fraction = 0.2;
        plan_make(&p);
        bool is_test[1009];
        const size_t n = check_parts(&p, is_test);
        assert_int_equal(n, 1009 - 202);
        assert_int_equal(fr_folds_count(p.folds), scheme == 0 ? 5 : 1);
        for (uint32_t f = 0; f < fr_folds_count(p.folds); f++) {
            int seen[1009] = {0};
            size_t n_train, n_valid, total[4] = {0}, here[4] = {0};
            tally(&p, f, seen, &n_train, &n_valid);
            assert_int_equal(n_valid, 243);
            assert_int_equal(n_train + n_valid, n);
            for (size_t r = 0; r < 1009; r++) {
                assert_true(is_test[r] ? seen[r] == 0 : seen[r] == 1 || seen[r] == 100);
                total[(size_t)p.y[r]] += !is_test[r];
                here[(size_t)p.y[r]] += seen[r] == 100;
            }
            for (size_t c = 0; c < 4; c++)
                assert_true(here[c] + 1 >= total[c] * 243 / n &&
                            here[c] <= total[c] * 243 / n + 1);
        }
        plan_end(&p);
    }
}

static void columns_files_and_single_rows(void **state)
{
    (void)state;
    plan p;
    plan_start(&p, 12, 2, 0);
    p.options.scheme = FR_SCHEME_COLUMN;
    plan_fails(&p, FR_ERR_DATA, "needs data.fold");
    p.set.fold = p.fold;
    p.set.test_mark = p.mark;
    for (int r = 0; r < 12; r += 3) p.mark[r] = 1; /* all of fold 0 */
    plan_make(&p);
    assert_int_equal(fr_folds_count(p.folds), 2);
    int seen[12] = {0};
    size_t n_train, n_valid;
    tally(&p, 0, seen, &n_train, &n_valid);
    for (int r = 0; r < 12; r++)
        assert_int_equal(seen[r], r % 3 == 0 ? 0 : r % 3 == 1 ? 100 : 1);
    p.set.test_mark = NULL;
    p.set.schema.test_rows = 4;
    p.options.scheme = FR_SCHEME_LEAVE_ONE_OUT;
    plan_make(&p);
    assert_int_equal(fr_folds_count(p.folds), 8);
    memset(seen, 0, sizeof seen);
    tally(&p, 5, seen, &n_train, &n_valid);
    for (int r = 0; r < 12; r++) assert_int_equal(seen[r], r >= 8 ? 0 : r == 5 ? 100 : 1);
    p.test.fraction = 0.1;
    plan_fails(&p, FR_ERR_USAGE, "besides a file or column");
    plan_end(&p);
}

static void seeds_and_repeats_change_folds(void **state)
{
    (void)state;
    plan p;
    int first[100] = {0}, other[100];
    size_t n_train, n_valid;
    plan_start(&p, 100, 2, 0);
    p.options.repeats = 2;
    plan_make(&p);
    tally(&p, 0, first, &n_train, &n_valid);
    for (int way = 0; way < 3; way++) {
        memset(other, 0, sizeof other);
        p.options.seed = way == 1;
        plan_make(&p);
        tally(&p, way == 2 ? 5 : 0, other, &n_train, &n_valid);
        assert_int_equal(memcmp(first, other, sizeof first) == 0, way == 0);
    }
    plan_end(&p);
}

static void what_cannot_be_split_is_said(void **state)
{
    (void)state;
    plan p;
    plan_start(&p, 30, 2, 3);
    for (int r = 0; r < 30; r++) p.y[r] = r == 7 || r == 8;
    p.options.scheme = FR_SCHEME_STRATIFIED_KFOLD;
    plan_fails(&p, FR_ERR_DATA, "class `k1` has 2 rows for the search, fewer than the 5");
    p.options.scheme = FR_SCHEME_GROUP_KFOLD;
    plan_fails(&p, FR_ERR_DATA,
               "data.group has 3 groups in the rows of the search, fewer than the 5");
    p.options.scheme = FR_SCHEME_KFOLD;
    p.options.folds = 31;
    plan_fails(&p, FR_ERR_DATA, "validation.folds 31, but only 30 rows");
    p.options.folds = 5;
    p.options.gap = 1;
    plan_fails(&p, FR_ERR_USAGE, "only scheme time_series has one, not kfold");
    p.options.gap = 0;
    p.options.repeats = 2;
    p.options.scheme = FR_SCHEME_HOLDOUT;
    plan_fails(&p, FR_ERR_USAGE, "scheme holdout gives the same folds every time");
    p.options.repeats = 1;
    p.set.group = NULL;
    p.options.scheme = FR_SCHEME_GROUP_KFOLD;
    plan_fails(&p, FR_ERR_DATA, "needs data.group");
    p.options.scheme = FR_SCHEME_TIME_SERIES;
    p.options.folds = 30;
    plan_fails(&p, FR_ERR_DATA, "needs at least 31 rows");
    p.set.schema.learn = FR_LEARN_REGRESSION;
    p.options.scheme = FR_SCHEME_STRATIFIED_KFOLD;
    plan_fails(&p, FR_ERR_DATA, "for numbers use kfold");
    plan_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kfolds_are_partitions),
        cmocka_unit_test(stratified_folds_keep_class_shares),
        cmocka_unit_test(groups_stay_together),
        cmocka_unit_test(group_folds_are_balanced),
        cmocka_unit_test(time_series_is_scikit_learns),
        cmocka_unit_test(shares_are_drawn_by_class),
        cmocka_unit_test(columns_files_and_single_rows),
        cmocka_unit_test(seeds_and_repeats_change_folds),
        cmocka_unit_test(what_cannot_be_split_is_said),
    };
    return cmocka_run_group_tests_name("folds", tests, NULL, NULL);
}
