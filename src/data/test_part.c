/* SPDX-License-Identifier: BSD-3-Clause */
/* test_part.c - which rows are kept for the final test. */
#include <stdlib.h>

#include "foldrank/memory.h"
#include "folds.h"

/* How the test part is chosen, in the end. */
static int chosen_by(const fr_test_options *test, int scheme)
{
    if (test->by != FR_TEST_BY_AUTO) return test->by;
    return scheme == FR_SCHEME_TIME_SERIES                        ? FR_TEST_BY_TIME
           : scheme == FR_SCHEME_LEAVE_LAST_OUT || test->last > 0 ? FR_TEST_BY_USER
                                                                  : FR_TEST_BY_CHANCE;
}

/* The last rows of each user. */
static fr_status mark_test_by_user(const fr_dataset *dataset, const fr_test_options *test,
                                   uint32_t *mark)
{
    const size_t n = dataset->schema.rows;
    size_t held = 0;
    FR_TRY(fr_need_users(dataset, "data.test by user"));
    FR_TRY(fr_mark_last(dataset, NULL, n, (size_t)test->last, test->fraction, mark));
    for (size_t i = 0; i < n; i++) held += mark[i];
    if (held > 0) return FR_OK;
    return FR_FAIL(FR_ERR_DATA,
                   "data.test by user leaves no test rows: no user has a second row");
}

/* The last rows in time; those of one moment stay together, in the search. */
static fr_status mark_test_by_time(const fr_dataset *dataset, size_t wanted, uint32_t *mark)
{
    const size_t n = dataset->schema.rows;
    size_t held = 0;
    FR_TRY(fr_count_earlier(dataset, NULL, n, mark));
    for (size_t i = 0; i < n; i++) held += mark[i] = mark[i] >= n - wanted;
    if (held > 0) return FR_OK;
    return FR_FAIL(
        FR_ERR_DATA,
        "data.test by time leaves no test rows: the last %zu rows, and others, are of "
        "one time",
        wanted);
}

/* mark[i] = 1 for the chosen rows: the last ones, or drawn by group or by class. */
static fr_status draw_test(const fr_dataset *dataset, const fr_test_options *test, int scheme,
                           uint32_t *mark)
{
    const int by = chosen_by(test, scheme);
    if (by == FR_TEST_BY_USER) return mark_test_by_user(dataset, test, mark);
    const size_t n = dataset->schema.rows, wanted = fr_share_of(test->fraction, n);
    if (wanted == 0 || wanted >= n)
        return FR_FAIL(FR_ERR_DATA, "data.test.fraction %g of %zu rows leaves %s",
                       test->fraction, n,
                       wanted == 0 ? "no test rows" : "no rows for the search");
    if (by == FR_TEST_BY_TIME) return mark_test_by_time(dataset, wanted, mark);
    fr_deal deal = {.n = n};
    uint32_t *rows = fr_alloc(n, sizeof *rows), *stratum = NULL;
    const bool grouped = dataset->group != NULL;
    fr_status st = rows == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t i = 0; i < n && st == FR_OK; i++) rows[i] = (uint32_t)i;
    if (st == FR_OK && (grouped || fr_is_classified(dataset)))
        st = fr_take_strata(dataset, rows, n, grouped, &stratum, &deal.n_strata);
    deal.stratum = stratum;
    const fr_rng rng = fr_rng_make((uint64_t)test->seed, FR_RNG_TEST, 0, 0, 0);
    if (st == FR_OK)
        st = grouped ? fr_deal_share_of_groups(&deal, wanted, rng, mark)
                     : fr_deal_share(&deal, wanted, rng, mark);
    free(stratum);
    free(rows);
    return st;
}

fr_status fr_mark_test(const fr_dataset *dataset, const fr_test_options *test, int scheme,
                       uint32_t *mark)
{
    const fr_schema *schema = &dataset->schema;
    if (test->fraction > 0 || test->last > 0) {
        if (schema->test_rows > 0 || dataset->test_mark != NULL)
            return FR_FAIL(
                FR_ERR_USAGE,
                "data.test has a fraction or last rows besides a file or column of test "
                "rows; give one");
        return draw_test(dataset, test, scheme, mark);
    }
    for (size_t i = schema->rows - schema->test_rows; i < schema->rows; i++) mark[i] = 1;
    for (size_t i = 0; dataset->test_mark != NULL && i < schema->rows; i++)
        if (dataset->test_mark[i] != 0) mark[i] = 1;
    return FR_OK;
}
