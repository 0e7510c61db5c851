/* SPDX-License-Identifier: BSD-3-Clause */
/* folds.c - test rows, search rows, and the rows of each fold.
 *
 * Folds are not stored: a fold is dealt again from its random numbers whenever somebody asks,
 * which costs less than the first step of training on it. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "folds.h"

struct fr_folds {
    fr_validation_options options;
    uint32_t count;
    uint32_t *search, *test; /* rows, ascending */
    size_t n_search, n_test;
    /* (n_search) class, group or fold of the column; rows that are earlier, of time_series by a
     * column; 1 where leave_last_out validates; or NULL */
    uint32_t *stratum;
    size_t n_strata;
    bool grouped; /* strata are groups */
};

void fr_folds_destroy(fr_folds **folds)
{
    if (*folds == NULL) return;
    free((*folds)->search);
    free((*folds)->test);
    free((*folds)->stratum);
    free(*folds);
    *folds = NULL;
}

uint32_t fr_folds_count(const fr_folds *folds)
{
    return folds->count;
}

const uint32_t *fr_folds_search_rows(const fr_folds *folds, size_t *n)
{
    *n = folds->n_search;
    return folds->search;
}

const uint32_t *fr_folds_test_rows(const fr_folds *folds, size_t *n)
{
    *n = folds->n_test;
    return folds->test;
}

fr_status fr_take_strata(const fr_dataset *dataset, const uint32_t *rows, size_t n,
                         bool grouped, uint32_t **out, size_t *n_strata)
{
    *out = fr_alloc(n, sizeof **out);
    *n_strata = 0;
    if (*out == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        (*out)[i] = grouped ? (uint32_t)dataset->group[rows[i]] : (uint32_t)dataset->y[rows[i]];
        if ((*out)[i] >= *n_strata) *n_strata = (*out)[i] + (size_t)1;
    }
    return FR_OK;
}

bool fr_is_classified(const fr_dataset *dataset)
{
    return dataset->schema.learn == FR_LEARN_CLASSIFICATION && dataset->y != NULL;
}

/* Lists of the positions with and without a mark. */
static fr_status split_by_mark(const uint32_t *mark, const uint32_t *rows, size_t n,
                               uint32_t value, uint32_t *lists[2], size_t counts[2])
{
    counts[0] = counts[1] = 0;
    for (size_t i = 0; i < n; i++) counts[mark[i] == value]++;
    lists[0] = fr_alloc(counts[0], sizeof **lists);
    lists[1] = fr_alloc(counts[1], sizeof **lists);
    if (lists[0] == NULL || lists[1] == NULL) {
        free(lists[0]);
        free(lists[1]);
        lists[0] = lists[1] = NULL;
        return FR_ERR_MEMORY;
    }
    counts[0] = counts[1] = 0;
    for (size_t i = 0; i < n; i++) {
        const bool hit = mark[i] == value;
        lists[hit][counts[hit]++] = rows == NULL ? (uint32_t)i : rows[i];
    }
    return FR_OK;
}

static fr_status split_test(fr_folds *folds, const fr_dataset *dataset,
                            const fr_test_options *test)
{
    const size_t n = dataset->schema.rows;
    uint32_t *lists[2] = {0};
    size_t counts[2] = {0};
    uint32_t *mark = fr_alloc(n, sizeof *mark);
    if (mark == NULL) return FR_ERR_MEMORY;
    fr_status st = fr_mark_test(dataset, test, folds->options.scheme, mark);
    if (st == FR_OK) st = split_by_mark(mark, NULL, n, 1, lists, counts);
    folds->search = lists[0];
    folds->test = lists[1];
    folds->n_search = counts[0];
    folds->n_test = counts[1];
    free(mark);
    if (st == FR_OK && folds->n_search < 2)
        st = FR_FAIL(FR_ERR_DATA, "%zu row%s for the search: there is nothing to split",
                     folds->n_search, folds->n_search == 1 ? "" : "s");
    return st;
}

/* Folds of the file, renumbered: a fold may have test rows only. */
static fr_status take_fold_column(fr_folds *folds, const fr_dataset *dataset)
{
    if (dataset->fold == NULL)
        return FR_FAIL(FR_ERR_DATA,
                       "validation.scheme column needs data.fold, the column that names "
                       "the fold of every row");
    folds->stratum = fr_alloc(folds->n_search, sizeof *folds->stratum);
    if (folds->stratum == NULL) return FR_ERR_MEMORY;
    size_t highest = 0;
    for (size_t i = 0; i < folds->n_search; i++) {
        folds->stratum[i] = (uint32_t)dataset->fold[folds->search[i]];
        if (folds->stratum[i] > highest) highest = folds->stratum[i];
    }
    uint32_t *number = fr_alloc(highest + 1, sizeof *number);
    if (number == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < folds->n_search; i++) number[folds->stratum[i]] = 1;
    for (size_t f = 0; f <= highest; f++)
        number[f] = number[f] == 0 ? 0 : (uint32_t)folds->n_strata++;
    for (size_t i = 0; i < folds->n_search; i++) folds->stratum[i] = number[folds->stratum[i]];
    free(number);
    if (folds->n_strata < 2)
        return FR_FAIL(FR_ERR_DATA,
                       "data.fold has one value in all rows of the search; two folds "
                       "are the least");
    return FR_OK;
}

/* Every class needs a row in every fold; every fold a group. */
static fr_status check_strata(const fr_folds *folds, const fr_schema *schema, size_t least,
                              const char *reason)
{
    size_t *count = fr_alloc(folds->n_strata, sizeof *count), present = 0;
    fr_status st = FR_OK;
    if (count == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < folds->n_search; i++) count[folds->stratum[i]]++;
    for (size_t s = 0; s < folds->n_strata; s++) present += count[s] > 0;
    if (folds->grouped && present < least)
        st = FR_FAIL(FR_ERR_DATA,
                     "data.group has %zu group%s in the rows of the search, fewer than "
                     "the %zu that %s",
                     present, present == 1 ? "" : "s", least, reason);
    for (size_t s = 0; s < folds->n_strata && !folds->grouped && st == FR_OK; s++)
        if (count[s] < least)
            st = FR_FAIL(FR_ERR_DATA,
                         "class `%s` has %zu row%s for the search, fewer than the %zu "
                         "that %s",
                         schema->classes[s], count[s], count[s] == 1 ? "" : "s", least, reason);
    free(count);
    return st;
}

static fr_status need_strata(fr_folds *folds, const fr_dataset *dataset, bool grouped,
                             size_t least, const char *reason)
{
    folds->grouped = grouped;
    FR_TRY(fr_take_strata(dataset, folds->search, folds->n_search, grouped, &folds->stratum,
                          &folds->n_strata));
    if (!grouped) folds->n_strata = dataset->schema.n_classes;
    return check_strata(folds, &dataset->schema, least, reason);
}

static fr_status check_time_series(const fr_folds *folds)
{
    const fr_validation_options *o = &folds->options;
    const uint64_t n = folds->n_search, k = (uint64_t)o->folds, size = n / (k + 1);
    if (size == 0)
        return FR_FAIL(FR_ERR_DATA,
                       "time_series with %llu folds needs at least %llu rows, there are "
                       "%llu",
                       (unsigned long long)k, (unsigned long long)k + 1, (unsigned long long)n);
    if ((uint64_t)o->gap >= n - k * size)
        return FR_FAIL(FR_ERR_DATA,
                       "time_series with a gap of %lld leaves nothing to train on in the "
                       "first fold: it has %llu rows before it",
                       (long long)o->gap, (unsigned long long)(n - k * size));
    return FR_OK;
}

/* Rows that train and that validate in a fold of rows by time. */
static void count_moments(const fr_folds *folds, size_t fold, size_t n_part[2])
{
    const size_t n = folds->n_search, k = (size_t)folds->options.folds, size = n / (k + 1);
    const size_t start = n - (k - fold) * size;
    n_part[0] = n_part[1] = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t at = folds->stratum[i];
        n_part[0] += at + (size_t)folds->options.gap < start;
        n_part[1] += at >= start && at < start + size;
    }
}

/* In the order of a column, where rows may have the same time. */
static fr_status prepare_moments(fr_folds *folds, const fr_dataset *dataset)
{
    folds->stratum = fr_alloc(folds->n_search, sizeof *folds->stratum);
    if (folds->stratum == NULL) return FR_ERR_MEMORY;
    FR_TRY(fr_count_earlier(dataset, folds->search, folds->n_search, folds->stratum));
    for (size_t f = 0; f < (size_t)folds->options.folds; f++) {
        size_t n_part[2];
        count_moments(folds, f, n_part);
        if (n_part[0] == 0 || n_part[1] == 0)
            return FR_FAIL(
                FR_ERR_DATA,
                "time_series: fold %zu has no %s rows, as too many rows of data.time "
                "are of one time; take fewer folds than %lld",
                f, n_part[0] == 0 ? "training" : "validation", (long long)folds->options.folds);
    }
    return FR_OK;
}

/* One fold: each user's last rows validate. */
static fr_status prepare_last(fr_folds *folds, const fr_dataset *dataset)
{
    const fr_validation_options *o = &folds->options;
    size_t held = 0;
    FR_TRY(fr_need_users(dataset, "validation.scheme leave_last_out"));
    folds->stratum = fr_alloc(folds->n_search, sizeof *folds->stratum);
    if (folds->stratum == NULL) return FR_ERR_MEMORY;
    FR_TRY(fr_mark_last(dataset, folds->search, folds->n_search, (size_t)o->last, o->fraction,
                        folds->stratum));
    for (size_t i = 0; i < folds->n_search; i++) held += folds->stratum[i];
    if (held > 0) return FR_OK;
    return FR_FAIL(FR_ERR_DATA,
                   "validation.scheme leave_last_out: no user has a second row for the search");
}

static fr_status check_share(const fr_folds *folds)
{
    const size_t wanted = fr_share_of(folds->options.fraction, folds->n_search);
    if (wanted > 0 && wanted < folds->n_search) return FR_OK;
    return FR_FAIL(FR_ERR_DATA, "validation.fraction %g of %zu rows leaves nothing to train on",
                   folds->options.fraction, folds->n_search);
}

static fr_status prepare_folds(fr_folds *folds, const fr_dataset *dataset)
{
    const size_t k = (size_t)folds->options.folds;
    switch (folds->options.scheme) {
    case FR_SCHEME_STRATIFIED_KFOLD:
        if (!fr_is_classified(dataset))
            return FR_FAIL(FR_ERR_DATA, "validation.scheme stratified_kfold needs classes; for "
                                        "numbers use kfold");
        return need_strata(folds, dataset, false, k, "validation.folds asks for");
    case FR_SCHEME_GROUP_KFOLD:
        if (dataset->group == NULL)
            return FR_FAIL(FR_ERR_DATA,
                           "validation.scheme group_kfold needs data.group, the column "
                           "of the groups");
        return need_strata(folds, dataset, true, k, "validation.folds asks for");
    case FR_SCHEME_TIME_SERIES:
        FR_TRY(check_time_series(folds));
        return dataset->time == NULL ? FR_OK : prepare_moments(folds, dataset);
    case FR_SCHEME_LEAVE_LAST_OUT:
        return prepare_last(folds, dataset);
    case FR_SCHEME_SHUFFLE_SPLIT:
    case FR_SCHEME_HOLDOUT:
        FR_TRY(check_share(folds));
        if (dataset->group == NULL && !fr_is_classified(dataset)) return FR_OK;
        return need_strata(folds, dataset, dataset->group != NULL, 2,
                           "training and validation need");
    case FR_SCHEME_COLUMN:
        return take_fold_column(folds, dataset);
    default:
        return FR_OK;
    }
}

static fr_status count_folds(fr_folds *folds)
{
    const fr_validation_options *o = &folds->options;
    const char *word = fr_scheme_words[o->scheme];
    const bool repeats =
        o->scheme <= FR_SCHEME_GROUP_KFOLD || o->scheme == FR_SCHEME_SHUFFLE_SPLIT;
    size_t count = (size_t)o->folds;
    if (o->repeats > 1 && !repeats)
        return FR_FAIL(FR_ERR_USAGE,
                       "validation.repeats %lld: scheme %s gives the same folds every "
                       "time; leave it out",
                       (long long)o->repeats, word);
    if (o->gap > 0 && o->scheme != FR_SCHEME_TIME_SERIES)
        return FR_FAIL(FR_ERR_USAGE,
                       "validation.gap %lld: only scheme time_series has one, not %s",
                       (long long)o->gap, word);
    if (o->scheme == FR_SCHEME_LEAVE_ONE_OUT) count = folds->n_search;
    if (o->scheme == FR_SCHEME_COLUMN) count = folds->n_strata;
    if (o->scheme == FR_SCHEME_HOLDOUT || o->scheme == FR_SCHEME_LEAVE_LAST_OUT) count = 1;
    if (o->scheme <= FR_SCHEME_GROUP_KFOLD && count > folds->n_search)
        return FR_FAIL(FR_ERR_DATA, "validation.folds %zu, but only %zu rows to split", count,
                       folds->n_search);
    if (count > UINT32_MAX / (size_t)o->repeats)
        return FR_FAIL(FR_ERR_USAGE, "validation: %zu folds x %lld repeats are too many", count,
                       (long long)o->repeats);
    folds->count = (uint32_t)(count * (size_t)o->repeats);
    return FR_OK;
}

fr_status fr_folds_create(const fr_dataset *dataset, const fr_test_options *test,
                          const fr_validation_options *options, fr_folds **out)
{
    *out = NULL;
    if (options->folds < 2 || options->repeats < 1)
        return FR_FAIL(FR_ERR_ARG, "validation: %lld folds x %lld repeats",
                       (long long)options->folds, (long long)options->repeats);
    fr_folds *folds = fr_alloc(1, sizeof *folds);
    if (folds == NULL) return FR_ERR_MEMORY;
    folds->options = *options;
    fr_status st = split_test(folds, dataset, test);
    if (st == FR_OK) st = prepare_folds(folds, dataset);
    if (st == FR_OK) st = count_folds(folds);
    if (st != FR_OK) fr_folds_destroy(&folds);
    *out = folds;
    return st;
}

enum { LEFT_OUT = 2 }; /* neither training nor validation */

/* part[i] = 1 where row i of the search validates in this fold, 0 where it trains. */
static fr_status deal_fold(const fr_folds *folds, uint32_t fold, uint32_t *part)
{
    const fr_validation_options *o = &folds->options;
    const size_t n = folds->n_search, k = (size_t)o->folds;
    const fr_deal deal = {n, folds->stratum, folds->n_strata};
    const uint32_t round = fold / (uint32_t)k, which = fold % (uint32_t)k;
    const bool draws = o->scheme == FR_SCHEME_SHUFFLE_SPLIT || o->scheme == FR_SCHEME_HOLDOUT;
    const fr_rng rng = fr_rng_make((uint64_t)o->seed, FR_RNG_FOLDS, draws ? fold : round, 0, 0);
    const size_t wanted = fr_share_of(o->fraction, n);
    if (draws)
        return folds->grouped ? fr_deal_share_of_groups(&deal, wanted, rng, part)
                              : fr_deal_share(&deal, wanted, rng, part);
    if (o->scheme <= FR_SCHEME_GROUP_KFOLD) {
        FR_TRY(folds->grouped ? fr_deal_groups(&deal, k, rng, o->repeats == 1, part)
                              : fr_deal_folds(&deal, k, rng, part));
        for (size_t i = 0; i < n; i++) part[i] = part[i] == which;
        return FR_OK;
    }
    const size_t size = n / (k + 1), start = n - (k - fold) * size;
    for (size_t i = 0; i < n; i++) {
        const size_t at = o->scheme == FR_SCHEME_TIME_SERIES && folds->stratum != NULL
                              ? folds->stratum[i]
                              : i;
        if (o->scheme == FR_SCHEME_LEAVE_ONE_OUT)
            part[i] = i == fold;
        else if (o->scheme == FR_SCHEME_LEAVE_LAST_OUT)
            part[i] = folds->stratum[i];
        else if (o->scheme == FR_SCHEME_COLUMN)
            part[i] = folds->stratum[i] == fold;
        else
            part[i] = at >= start && at < start + size ? 1
                      : at + (size_t)o->gap < start    ? 0
                                                       : LEFT_OUT;
    }
    return FR_OK;
}

fr_status fr_folds_get(const fr_folds *folds, uint32_t fold, uint32_t **train, size_t *n_train,
                       uint32_t **valid, size_t *n_valid)
{
    assert(fold < folds->count);
    uint32_t *part = fr_alloc(folds->n_search, sizeof *part);
    *train = fr_alloc(folds->n_search, sizeof **train);
    *valid = fr_alloc(folds->n_search, sizeof **valid);
    *n_train = *n_valid = 0;
    fr_status st = part == NULL || *train == NULL || *valid == NULL
                       ? FR_ERR_MEMORY
                       : deal_fold(folds, fold, part);
    for (size_t i = 0; i < folds->n_search && st == FR_OK; i++) {
        if (part[i] == 0) (*train)[(*n_train)++] = folds->search[i];
        if (part[i] == 1) (*valid)[(*n_valid)++] = folds->search[i];
    }
    free(part);
    if (st == FR_OK) return FR_OK;
    free(*train);
    free(*valid);
    *train = *valid = NULL;
    return st;
}

/* The split of the search's rows into outer folds. */
static fr_validation_options outer_options(const fr_folds *folds, const fr_dataset *dataset,
                                           const fr_nested_options *nested)
{
    fr_validation_options o = folds->options;
    o.folds = nested->outer_folds;
    o.seed = nested->seed;
    o.repeats = 1;
    if (o.scheme == FR_SCHEME_HOLDOUT) o.scheme = FR_SCHEME_SHUFFLE_SPLIT;
    if (o.scheme == FR_SCHEME_LEAVE_ONE_OUT)
        o.scheme = fr_is_classified(dataset) ? FR_SCHEME_STRATIFIED_KFOLD : FR_SCHEME_KFOLD;
    return o;
}

/* Folds of given rows; takes over the lists, also on failure. */
static fr_status split_rows(const fr_dataset *dataset, const fr_validation_options *options,
                            uint32_t *lists[2], const size_t counts[2], fr_folds **out)
{
    fr_folds *folds = fr_alloc(1, sizeof *folds);
    *out = NULL;
    if (folds == NULL || lists[0] == NULL || lists[1] == NULL) {
        free(lists[0]);
        free(lists[1]);
        free(folds);
        return FR_ERR_MEMORY;
    }
    *folds = (fr_folds){.options = *options,
                        .search = lists[0],
                        .test = lists[1],
                        .n_search = counts[0],
                        .n_test = counts[1]};
    fr_status st = prepare_folds(folds, dataset);
    if (st == FR_OK) st = count_folds(folds);
    if (st != FR_OK) fr_folds_destroy(&folds);
    *out = folds;
    return st;
}

/* Rows of outer fold `outer`: lists[0] train, lists[1] validate. */
static fr_status take_outer(const fr_folds *folds, const fr_dataset *dataset,
                            const fr_nested_options *nested, uint32_t outer, uint32_t *lists[2],
                            size_t counts[2])
{
    const fr_validation_options options = outer_options(folds, dataset, nested);
    uint32_t *all[2] = {fr_alloc(folds->n_search, sizeof **all), fr_alloc(1, sizeof **all)};
    fr_folds *split = NULL;
    if (all[0] != NULL) memcpy(all[0], folds->search, folds->n_search * sizeof *all[0]);
    fr_status st =
        split_rows(dataset, &options, all, (const size_t[2]){folds->n_search, 0}, &split);
    if (st == FR_OK && split->count != (uint64_t)nested->outer_folds)
        st = FR_FAIL(FR_ERR_DATA,
                     "data.fold has %u values, and each is an outer fold: set it to "
                     "%u",
                     (unsigned)split->count, (unsigned)split->count);
    if (st == FR_OK)
        st = fr_folds_get(split, outer, &lists[0], &counts[0], &lists[1], &counts[1]);
    fr_folds_destroy(&split);
    return st;
}

fr_status fr_folds_create_outer(const fr_folds *folds, const fr_dataset *dataset,
                                const fr_nested_options *options, uint32_t outer,
                                fr_folds **out)
{
    uint32_t *lists[2] = {0};
    size_t counts[2] = {0};
    char message[1024];
    *out = NULL;
    fr_status st = take_outer(folds, dataset, options, outer, lists, counts);
    if (st == FR_OK) st = split_rows(dataset, &folds->options, lists, counts, out);
    if (st != FR_ERR_DATA && st != FR_ERR_USAGE) return st;
    snprintf(message, sizeof message, "%s", fr_status_message());
    return FR_FAIL(st, "nested.outer_folds %lld: without outer fold %u: %s",
                   (long long)options->outer_folds, (unsigned)outer, message);
}
