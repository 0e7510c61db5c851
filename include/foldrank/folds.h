/* SPDX-License-Identifier: BSD-3-Clause */
/* folds.h - which rows train and which validate. Deterministic in (options, labels, groups);
 * the same on every rank without talking. All Local. */
#ifndef FR_FOLDS_H
#define FR_FOLDS_H

#include <stddef.h>
#include <stdint.h>

#include "foldrank/data.h"
#include "foldrank/option.h"
#include "foldrank/status.h"

typedef enum {
    FR_SCHEME_KFOLD,
    FR_SCHEME_STRATIFIED_KFOLD,
    FR_SCHEME_GROUP_KFOLD,
    FR_SCHEME_TIME_SERIES,   /* rows by data.time, else in file order; training always before
                              * validation */
    FR_SCHEME_SHUFFLE_SPLIT, /* stratified for classification */
    FR_SCHEME_LEAVE_ONE_OUT,
    FR_SCHEME_COLUMN, /* data.fold names the fold of every row */
    FR_SCHEME_HOLDOUT,
    FR_SCHEME_LEAVE_LAST_OUT, /* each user's last rows validate */
} fr_scheme;
extern const char *const fr_scheme_words[]; /* "kfold", ...; NULL-terminated */

/* Study key `validation`. */
typedef struct {
    int scheme; /* fr_scheme */
    int64_t folds;
    int64_t repeats; /* shuffled anew */
    int64_t seed;
    double fraction; /* shuffle_split, holdout: share of the validation rows, rounded up; also
                      * leave_last_out, of each user's rows, when `last` is 0 */
    int64_t last;    /* leave_last_out: rows of each user that validate */
    int64_t gap;     /* time_series: rows left out between training and validation */
} fr_validation_options;

extern const fr_option fr_validation_option_table[];
extern const size_t fr_validation_option_count;

/* Study key `nested`: how good the whole search is, by searches that never see a part of the
 * rows. */
typedef struct {
    int64_t outer_folds; /* 0: that is not asked for */
    int64_t seed;        /* of the outer folds, and of the random numbers of their searches */
} fr_nested_options;

extern const fr_option fr_nested_option_table[];
extern const size_t fr_nested_option_count;

typedef struct fr_folds fr_folds;

/* Split the rows of the data set: first test rows from the rest (fraction, mark or separate
 * file), then the rest into folds. Memory is O(rows), not O(rows x folds). The data set is
 * needed only during the call.
 *
 * kfold, stratified_kfold: shuffled; sizes, and the shares of each class, differ by at most one
 * row between folds. group_kfold: no group is in two folds; large groups are placed first, each
 * into the smallest fold. time_series: scikit-learn's TimeSeriesSplit. shuffle_split: `folds`
 * independent draws; holdout: one. column: one fold for each value of the column; `folds` is
 * not used. leave_last_out: one fold, in which each user's last rows validate, in the order of
 * data.time, else of the file; he keeps one to train on. repeats: kfold, stratified_kfold,
 * group_kfold and shuffle_split.
 *
 * The test fraction is drawn like a holdout: by class for classification, whole groups when the
 * data have groups. With time_series, or test.by time, it is the last rows, by data.time or
 * else of the file; with leave_last_out, test.by user or test.last the last ones of each user.
 * Rows of one time are never on both sides of a split by time: what trains is strictly earlier.
 *
 * Errors: FR_ERR_DATA when the data cannot be split so: more folds than rows, a class with
 * fewer rows than folds (its name and count), fewer groups than folds, a scheme without its
 * column; FR_ERR_USAGE: repeats or gap with a scheme that has none, or two kinds of test part.
 */
FR_CHECKED fr_status fr_folds_create(const fr_dataset *dataset, const fr_test_options *test,
                                     const fr_validation_options *options, fr_folds **out);
void fr_folds_destroy(fr_folds **folds);

/* The folds of a search that does not see outer fold number `outer`. The rows of the search of
 * `folds` are split by its scheme into options->outer_folds parts (a holdout: so many draws;
 * leave_one_out: k-fold, by class where there are classes; repeats do not count). Those that
 * train there are the rows of this search, split anew by the options of `folds`; those that
 * validate are its test rows. The data set is needed only during the call. Errors: those of
 * fr_folds_create, which name the outer fold; FR_ERR_DATA: scheme column with another number of
 * values than outer_folds. */
FR_CHECKED fr_status fr_folds_create_outer(const fr_folds *folds, const fr_dataset *dataset,
                                           const fr_nested_options *options, uint32_t outer,
                                           fr_folds **out);

/* Number of folds in all, repeats included. */
uint32_t fr_folds_count(const fr_folds *folds);

/* Row lists of one fold, ascending, as new arrays owned by the caller (free). */
FR_CHECKED fr_status fr_folds_get(const fr_folds *folds, uint32_t fold, uint32_t **train,
                                  size_t *n_train, uint32_t **valid, size_t *n_valid);

/* All rows that are not test rows, and the test rows; ascending; borrowed. */
const uint32_t *fr_folds_search_rows(const fr_folds *folds, size_t *n);
const uint32_t *fr_folds_test_rows(const fr_folds *folds, size_t *n);

#endif
