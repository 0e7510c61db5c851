/* SPDX-License-Identifier: BSD-3-Clause */
/* metric.h - scores of predictions. Definitions are scikit-learn's functions of the same name;
 * of the ranking metrics see ranking.c. All Local. */
#ifndef FR_METRIC_H
#define FR_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/data.h"
#include "foldrank/status.h"

/* A kind; of the ranking ones also how many rows of a user count: see fr_metric_at. */
typedef uint32_t fr_metric;
enum {
    FR_METRIC_ACCURACY,
    FR_METRIC_BALANCED_ACCURACY,
    FR_METRIC_F1_MACRO,
    FR_METRIC_F1_WEIGHTED,
    FR_METRIC_LOG_LOSS,
    FR_METRIC_ROC_AUC, /* binary; several classes: one-vs-rest, mean over the classes present */
    FR_METRIC_MCC,
    FR_METRIC_RMSE,
    FR_METRIC_MAE,
    FR_METRIC_R2,
    FR_METRIC_EXPLAINED_VARIANCE,
    /* Ranking metrics: over the first k rows of each user, a mean over the users. */
    FR_METRIC_NDCG, /* gain: the target itself, as in scikit-learn */
    FR_METRIC_RECALL,
    FR_METRIC_PRECISION,
    FR_METRIC_MAP,
    FR_METRIC_COUNT,
};

/* "accuracy", ..., "ndcg@10", ... (of other k alike); NULL-terminated. */
extern const char *const fr_metric_words[];

enum { FR_METRIC_K_MAX = 1000000, FR_METRIC_NAME_SIZE = 32 };

fr_metric fr_metric_at(fr_metric kind, uint32_t k); /* k in 1..FR_METRIC_K_MAX */
fr_metric fr_metric_kind(fr_metric metric);         /* without k */
uint32_t fr_metric_k(fr_metric metric);             /* 0 of those that do not rank */
bool fr_metric_ranks(fr_metric metric);

/* "ndcg@20" to a metric; false: there is no such. And back; returns `out`. */
bool fr_metric_parse(const char *word, fr_metric *out);
const char *fr_metric_name(fr_metric metric, char out[FR_METRIC_NAME_SIZE]);

bool fr_metric_maximizes(fr_metric metric);
bool fr_metric_scores(fr_metric metric, fr_learn learn); /* whether it is for such targets */

/* The class with the largest output; n when all are NaN. Ties go to the lower index. */
size_t fr_predicted_class(const float *outputs, size_t n);

/* Rows of each class, predictions of each class, and hits of each class: (k) each. */
typedef struct {
    uint64_t *truth, *guess, *hit;
    size_t k;
} fr_class_counts;

/* Score of such counts, of a metric that depends on predicted classes alone. */
double fr_metric_of_counts(fr_metric metric, const fr_class_counts *counts);

/* Score of n predictions. `y` (n): class index or value. `output` (n, n_outputs) row-major:
 * class probabilities, or decision values where the model has no probabilities (then log_loss
 * is not defined), or (n, 1) predicted values. NaN when undefined: without rows, AUC with one
 * class, any output that is not finite, a ranking metric (which has to know whose the rows
 * are). Bytes of scratch come from the heap: not for inner loops of one row. Errors:
 * FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_metric_score(fr_metric metric, const float *y, const float *output,
                                     size_t n, size_t n_outputs, double *score);

/* Predictions of rows of a data set. */
typedef struct {
    const float *y;      /* (n) as above */
    const float *output; /* (n, n_outputs) */
    size_t n, n_outputs;
    const fr_dataset *dataset;
    const uint32_t *row; /* (n) in the data set; NULL: its first n */
} fr_metric_rows;

/* The same of any metric. NaN of a ranking one also without users in the data, when no user has
 * a row that counts (a gain above 0; a relevant row), of three or more classes, and of NDCG
 * when a target is below 0. Rows of unknown users are left out. */
FR_CHECKED fr_status fr_metric_score_rows(fr_metric metric, const fr_metric_rows *predictions,
                                          double *score);

/* fr_metric_score_rows of a ranking metric, of finite outputs; ranking.c. */
FR_CHECKED fr_status fr_ranking_score(fr_metric metric, const fr_metric_rows *predictions,
                                      double *score);

#endif
