/* SPDX-License-Identifier: BSD-3-Clause */
/* explain.h - why the chosen model says what it says, and where it errs.
 *
 * Two kinds of explanation, both after the selection:
 *   of the folds' models, each on the validation rows that it has not seen: permutation
 *     importance of the data's columns (Breiman, Machine Learning 45, 2001) with its spread
 * over the folds, and the out-of-fold predictions, from which follow confusion, calibration,
 *     scores by group and the hardest rows;
 *   of the model that was trained on all rows: partial dependence (Friedman, Ann. Stat. 29,
 *     2001) of the columns that matter most.
 * The model of a fold is trained anew, with the bits that it had. Columns are those of the
 * data: a column that preprocessing turns into many inputs is permuted and set as one. All
 * random numbers follow from (seed, trial, fold, column, repeat), so the result does not depend
 * on who computes which part. All functions are Local. */
#ifndef FR_EXPLAIN_H
#define FR_EXPLAIN_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/data.h"
#include "foldrank/metric.h"
#include "foldrank/model.h"
#include "foldrank/option.h"
#include "foldrank/pack.h"
#include "foldrank/status.h"

typedef enum { FR_EXPLAIN_AUTO, FR_EXPLAIN_ALWAYS, FR_EXPLAIN_NEVER } fr_explain_when;

/* Study key `explain`. */
typedef struct {
    int when;         /* fr_explain_when */
    int64_t repeats;  /* shuffles of a column */
    int64_t rows;     /* most rows for importance (of each fold) and for partial dependence */
    int64_t features; /* columns with partial dependence */
    int64_t grid;     /* most values of such a column */
    int64_t bins;     /* of the calibration curve */
    int64_t hardest;  /* rows listed */
} fr_explain_options;

extern const fr_option fr_explain_option_table[];
extern const size_t fr_explain_option_count;

/* With `auto`: a share of the search's floating-point operations that explanations may cost, or
 * so many of them, which is a fraction of a second. */
#define FR_EXPLAIN_SHARE 0.05
#define FR_EXPLAIN_FREE  1e9

/* Out-of-fold predictions are kept up to so many numbers: 64 MiB. */
enum { FR_EXPLAIN_OUTPUTS_MAX = 1 << 24 };

/* ---- of a fold ---- */

/* Which columns' importance: first, first + step, ... */
typedef struct {
    const fr_model *model;     /* of the fold */
    const fr_dataset *dataset; /* has the model's schema */
    const uint32_t *rows;      /* (n) validation rows */
    size_t n;
    fr_metric metric;
    uint64_t seed, trial;
    uint32_t fold;
    size_t repeats, first, step;
    const atomic_bool *stop; /* looked at between columns; NULL = never */
} fr_permutation;

/* drop (columns asked for, repeats) row-major: how much worse the score gets when the column's
 * cells are dealt anew to the rows; positive = worse, whatever the metric's direction. NaN
 * where a score is not defined, or there are fewer than two rows. Errors: FR_ERR_MEMORY,
 * FR_STOPPED. */
FR_CHECKED fr_status fr_permutation_run(const fr_permutation *request, double *drop);

/* At most `most` of rows[0..n): all of them, or a random choice, ascending. *out is the
 * caller's (free). */
FR_CHECKED fr_status fr_explain_sample(const uint32_t *rows, size_t n, size_t most,
                                       uint64_t seed, uint32_t fold, uint32_t **out,
                                       size_t *n_out);

/* What one task gives: of one fold's model, part number `part` of `parts` of the columns. */
typedef struct {
    uint32_t fold, part, parts;
    size_t n, n_outputs;       /* of part 0, where they are to be kept; else 0 */
    uint32_t *row;             /* (n) validation rows; owned, as all arrays here */
    float *output;             /* (n, n_outputs) */
    size_t n_columns, repeats; /* columns part, part + parts, ... */
    double *drop;              /* (n_columns, repeats) */
} fr_fold_explanation;

void fr_fold_explanation_clear(fr_fold_explanation *fold);
void fr_fold_explanation_pack(const fr_fold_explanation *fold, fr_pack *out);
/* Errors: FR_ERR_MPI when the bytes make no sense; FR_ERR_MEMORY. The caller clears *out. */
FR_CHECKED fr_status fr_fold_explanation_unpack(fr_unpack *in, fr_fold_explanation *out);

/* ---- the whole ---- */

typedef struct {
    double importance; /* mean over folds of the mean over repeats; NaN: defined in none */
    double fold_sd;    /* standard deviation of the folds' means; NaN with one fold */
    double repeat_sd;  /* of the repeats in a fold, root of the mean square; NaN with one */
} fr_explained_feature;

typedef struct {
    uint32_t feature; /* column of the data */
    double value;     /* that all rows are given in it: a number, or the level's number */
} fr_dependence_point;

typedef struct {
    uint32_t truth, said; /* classes */
    uint64_t rows;
} fr_confusion_cell;

typedef struct {
    double predicted; /* mean probability */
    double observed;  /* share of the rows where it came true */
    uint64_t rows;
} fr_calibration_bin;

typedef struct {
    int32_t group;      /* its number */
    uint32_t first_row; /* of the data that belongs to it */
    uint64_t rows;
    double score; /* NaN when not defined on them */
} fr_group_score;

typedef struct {
    uint32_t row;
    double loss;
} fr_hard_row;

/* Everything owned; start with {0}, release with fr_explanation_clear. */
typedef struct {
    fr_scored out_of_fold; /* each row as the first fold that validates it says; ascending */
    fr_explained_feature *features; /* (n_features) columns of the data */
    size_t n_features;
    fr_dependence_point *points; /* (n_points), the most important column first */
    float *dependence;           /* (n_points, model's outputs): mean output */
    size_t n_points;
    fr_confusion_cell *confusion; /* (n_confusion) those that are not 0, by truth, then said */
    size_t n_confusion;
    fr_calibration_bin *calibration; /* (n_calibration) by probability; 0: no probabilities */
    size_t n_calibration;
    double calibration_error; /* mean |predicted - observed|, weighted by rows; NaN without */
    fr_group_score *groups;   /* (n_groups) by number */
    size_t n_groups;
    fr_hard_row *hardest; /* (n_hardest) largest loss first */
    size_t n_hardest;
} fr_explanation;

void fr_explanation_clear(fr_explanation *explanation);

/* Mean and spread of the parts of n_folds folds, parts[fold * n_parts + part], into
 * features[0..n_features). Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_explain_importance(const fr_fold_explanation *parts, size_t n_folds,
                                           size_t n_parts, size_t n_features,
                                           fr_explanation *out);

/* The folds' predictions as one list. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_explain_out_of_fold(const fr_fold_explanation *parts, size_t n_folds,
                                            size_t n_parts, const fr_dataset *dataset,
                                            fr_explanation *out);

/* From the out-of-fold predictions: confusion and calibration of a classifier, scores by group
 * where the data have groups, the hardest rows: by -log of the probability of the true class,
 * the margin by which a decision value beats it, or |predicted - true|.
 * Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_explain_errors(const fr_explain_options *options,
                                       const fr_dataset *dataset, fr_metric metric,
                                       bool has_probabilities, fr_explanation *out);

/* Curve of n probabilities against how often they came true. Bins of equal counts, up to
 * `bins`: numpy's linear percentiles are their edges, as in scikit-learn's calibration_curve
 * with strategy quantile; empty ones are left out. out (bins). Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_calibration_curve(const float *probability, const bool *came_true,
                                          size_t n, size_t bins, fr_calibration_bin *out,
                                          size_t *n_out, double *error);

/* What predictions of known rows are worth: log loss, Brier score (of two classes the mean
 * square of the second one's error, of more the sum over the classes, as scikit-learn has it),
 * the error of the calibration curve, and a metric. */
enum { FR_WORTH_LOG_LOSS, FR_WORTH_BRIER, FR_WORTH_ERROR, FR_WORTH_METRIC, FR_WORTHS };
extern const char *const fr_worth_words[]; /* of all but the metric; NULL-terminated */

/* What study key `calibrate` did to the chosen model. */
typedef struct {
    char settings[128]; /* of fr_calibrate_describe; "": nothing */
    fr_metric metric;   /* of FR_WORTH_METRIC */
    uint64_t rows, test_rows;
    double out_of_fold[2]
                      [FR_WORTHS]; /* before and after, of the rows that it was learnt from */
    double test[2][FR_WORTHS];     /* and of test rows; NaN where not defined */
} fr_calibration_report;

/* Worth of outputs that have gone through the calibration. NaN where there are no rows, no
 * probabilities, or one output is not finite. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_explain_worth(const fr_calibration *calibration, const fr_unseen *rows,
                                      fr_metric metric, size_t bins, double out[FR_WORTHS]);

/* Partial dependence of the most important columns, one after the other: for each value of a
 * grid the mean output over the rows, all with that value in the column. Columns whose
 * importance is not known have none. A column of numbers
 * has quantiles of `all` rows from 5 % to 95 %, or all of its values when they are no more than
 * `grid`; a categorical one its levels, the most frequent ones. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_explain_dependence(const fr_explain_options *options,
                                           const fr_model *model, const fr_dataset *dataset,
                                           const uint32_t *all, size_t n_all, uint64_t seed,
                                           fr_explanation *out);

#endif
