/* SPDX-License-Identifier: BSD-3-Clause */
/* worth.c - what probabilities and the classes that follow from them are worth. */
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

const char *const fr_worth_words[] = {"log_loss", "brier", "calibration_error", NULL};

static double brier(const fr_unseen *rows)
{
    double sum = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const float *p = rows->output + i * rows->n_classes;
        for (size_t k = rows->n_classes == 2; k < rows->n_classes; k++) {
            const double error = (double)p[k] - (rows->target[i] == (float)k);
            sum += error * error;
        }
    }
    return sum / (double)rows->n;
}

fr_status fr_calibration_curve_of(const fr_unseen *rows, size_t bins, fr_calibration_bin *out,
                                  size_t *n_out, double *error)
{
    const size_t width = rows->n_classes;
    size_t n = 0;
    float *probability = fr_alloc(rows->n, sizeof *probability);
    bool *came_true = fr_alloc(rows->n, sizeof *came_true);
    fr_status st = probability == NULL || came_true == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t i = 0; st == FR_OK && i < rows->n; i++) {
        const float *output = rows->output + i * width;
        const size_t of = width == 2 ? 1 : fr_predicted_class(output, width);
        if (of == width || isnan(output[of])) continue;
        probability[n] = output[of];
        came_true[n++] = rows->target[i] == (float)of;
    }
    if (st == FR_OK)
        st = fr_calibration_curve(probability, came_true, n, bins, out, n_out, error);
    free(probability);
    free(came_true);
    return st;
}

fr_status fr_explain_worth(const fr_calibration *calibration, const fr_unseen *rows,
                           fr_metric metric, size_t bins, double out[FR_WORTHS])
{
    const size_t n = rows->n, k = rows->n_classes;
    size_t n_bins;
    for (size_t w = 0; w < FR_WORTHS; w++) out[w] = NAN;
    if (n == 0) return FR_OK;
    if (metric != FR_METRIC_LOG_LOSS || rows->probable)
        FR_TRY(fr_calibration_score(calibration, metric, rows->target, rows->output, n, k,
                                    &out[FR_WORTH_METRIC]));
    if (!rows->probable) return FR_OK;
    FR_TRY(fr_metric_score(FR_METRIC_LOG_LOSS, rows->target, rows->output, n, k,
                           &out[FR_WORTH_LOG_LOSS]));
    if (isnan(out[FR_WORTH_LOG_LOSS])) return FR_OK;
    out[FR_WORTH_BRIER] = brier(rows);
    fr_calibration_bin *curve = fr_alloc(bins, sizeof *curve);
    if (curve == NULL) return FR_ERR_MEMORY;
    const fr_status st =
        fr_calibration_curve_of(rows, bins, curve, &n_bins, &out[FR_WORTH_ERROR]);
    free(curve);
    return st;
}
