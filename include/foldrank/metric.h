/* SPDX-License-Identifier: BSD-3-Clause */
/* metric.h - scores of predictions. Definitions are scikit-learn's functions of the same name.
 * All Local. */
#ifndef FR_METRIC_H
#define FR_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/data.h"
#include "foldrank/status.h"

typedef enum {
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
    FR_METRIC_COUNT,
} fr_metric;

extern const char *const fr_metric_words[]; /* "accuracy", ...; NULL-terminated */

bool fr_metric_maximizes(fr_metric metric);
fr_learn fr_metric_learn(fr_metric metric);

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
 * class, any output that is not finite. Bytes of scratch come from the heap: not for inner
 * loops of one row. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_metric_score(fr_metric metric, const float *y, const float *output,
                                     size_t n, size_t n_outputs, double *score);

#endif
