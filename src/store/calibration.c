/* SPDX-License-Identifier: BSD-3-Clause */
/* calibration.c - what a model has learnt after its training (/model/calibration), and what
 * that was worth (/calibration). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

static const struct {
    const char *path, *about;
    size_t offset; /* of FR_WORTHS numbers in the report */
} columns[] = {
    {"/calibration/out_of_fold_before", "of the rows that it was learnt from",
     offsetof(fr_calibration_report, out_of_fold[0])},
    {"/calibration/out_of_fold_after", "the same after it",
     offsetof(fr_calibration_report, out_of_fold[1])},
    {"/calibration/test_before", "of the test rows", offsetof(fr_calibration_report, test[0])},
    {"/calibration/test_after", "the same after it", offsetof(fr_calibration_report, test[1])},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

void fr_calibration_put(fr_h5_out *out, const fr_calibration *calibration)
{
    const double threshold = calibration->threshold > 0 ? (double)calibration->threshold : 0.5;
    if (calibration->method == FR_CALIBRATE_NONE && !(calibration->threshold > 0)) return;
    fr_h5_put_group(out, "/model/calibration");
    fr_h5_put_scalar_text(out, "/model/calibration/method",
                          fr_calibrate_words[calibration->method]);
    fr_h5_put_scalar(out, "/model/calibration/threshold", FR_H5_F64, &threshold);
    if (calibration->method == FR_CALIBRATE_TEMPERATURE)
        fr_h5_put_scalar(out, "/model/calibration/temperature", FR_H5_F64,
                         &calibration->temperature);
    for (size_t j = 0; j < 2 && calibration->method == FR_CALIBRATE_PLATT; j++)
        fr_h5_put_column(out, &(fr_h5_column){.path = j == 0 ? "/model/calibration/slope"
                                                             : "/model/calibration/intercept",
                                              .type = FR_H5_F64,
                                              .n = calibration->n,
                                              .data = calibration->sigmoid + j,
                                              .stride = 2 * sizeof *calibration->sigmoid});
}

static fr_status unsound(const fr_h5_in *in, const char *what)
{
    return FR_FAIL(FR_ERR_FORMAT, "%s: /model/calibration: %s; the file is damaged", in->path,
                   what);
}

static fr_status get_sigmoid(const fr_h5_in *in, size_t n_classes, fr_calibration *out)
{
    const size_t n = n_classes == 2 ? 1 : n_classes;
    double *line[2] = {fr_alloc(n, sizeof(double)), fr_alloc(n, sizeof(double))};
    out->sigmoid = fr_alloc(2 * n, sizeof *out->sigmoid);
    fr_status st =
        line[0] == NULL || line[1] == NULL || out->sigmoid == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK)
        st = fr_h5_get_column(in, "/model/calibration/slope", FR_H5_F64, n, line[0]);
    if (st == FR_OK)
        st = fr_h5_get_column(in, "/model/calibration/intercept", FR_H5_F64, n, line[1]);
    for (size_t i = 0; st == FR_OK && i < 2 * n; i++) {
        out->sigmoid[i] = line[i % 2][i / 2];
        if (!isfinite(out->sigmoid[i])) st = unsound(in, "a sigmoid is not finite");
    }
    out->n = n;
    free(line[0]);
    free(line[1]);
    return st;
}

static fr_status get_method(const fr_h5_in *in, int *out)
{
    char *word = NULL;
    FR_TRY(fr_h5_get_scalar_text(in, "/model/calibration/method", &word));
    *out = 0;
    while (fr_calibrate_words[*out] != NULL && strcmp(fr_calibrate_words[*out], word) != 0)
        ++*out;
    free(word);
    return fr_calibrate_words[*out] != NULL ? FR_OK : unsound(in, "its method is unknown");
}

fr_status fr_calibration_get(const fr_h5_in *in, fr_model *model)
{
    fr_calibration *c = &model->calibration;
    double threshold = 0.5;
    if (!fr_h5_has(in, "/model/calibration")) return FR_OK;
    FR_TRY(get_method(in, &c->method));
    FR_TRY(fr_h5_get_column(in, "/model/calibration/threshold", FR_H5_F64, 1, &threshold));
    c->log_scores = fr_family_has_probabilities((fr_family)model->options.family);
    if (model->schema.learn != FR_LEARN_CLASSIFICATION)
        return unsound(in, "a regression has none");
    if (!(threshold > 0 && threshold < 1) || (threshold != 0.5 && model->n_outputs != 2))
        return unsound(in, "its threshold is none");
    c->threshold = threshold == 0.5 ? 0 : (float)threshold;
    if (c->method == FR_CALIBRATE_PLATT) return get_sigmoid(in, model->n_outputs, c);
    if (c->method != FR_CALIBRATE_TEMPERATURE) return FR_OK;
    FR_TRY(
        fr_h5_get_column(in, "/model/calibration/temperature", FR_H5_F64, 1, &c->temperature));
    return c->temperature > 0 && isfinite(c->temperature)
               ? FR_OK
               : unsound(in, "its temperature is none");
}

void fr_calibration_report_put(fr_h5_out *out, const fr_calibration_report *report)
{
    const char *measures[FR_WORTHS];
    char name[FR_METRIC_NAME_SIZE];
    if (report->settings[0] == '\0') return;
    for (size_t w = 0; w < FR_WORTH_METRIC; w++) measures[w] = fr_worth_words[w];
    measures[FR_WORTH_METRIC] = fr_metric_name(report->metric, name);
    fr_h5_put_group(out, "/calibration");
    fr_h5_put_scalar_text(out, "/calibration/settings", report->settings);
    fr_h5_put_scalar(out, "/calibration/rows", FR_H5_U64, &report->rows);
    fr_h5_put_scalar(out, "/calibration/test_rows", FR_H5_U64, &report->test_rows);
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/calibration/measure",
                                        .n = FR_WORTHS,
                                        .text = fr_h5_text_of_array,
                                        .context = (void *)measures});
    for (size_t i = 0; i < N_COLUMNS; i++)
        fr_h5_put_column(out, &(fr_h5_column){.path = columns[i].path,
                                              .type = FR_H5_F64,
                                              .n = FR_WORTHS,
                                              .data = (const char *)report + columns[i].offset,
                                              .about = columns[i].about});
}

static fr_status get_measures(const fr_h5_in *in, fr_calibration_report *out)
{
    fr_h5_block names;
    FR_TRY(fr_h5_get_texts(in, "/calibration/measure", &names));
    const char *name = names.n == FR_WORTHS ? fr_h5_text(&names, FR_WORTH_METRIC) : "";
    const bool known = fr_metric_parse(name, &out->metric);
    free(names.data);
    if (known) return FR_OK;
    return FR_FAIL(FR_ERR_FORMAT, "%s: /calibration/measure is unknown", in->path);
}

fr_status fr_calibration_report_get(const fr_h5_in *in, fr_calibration_report *out)
{
    char *settings = NULL;
    *out = (fr_calibration_report){0};
    if (!fr_h5_has(in, "/calibration")) return FR_OK;
    FR_TRY(get_measures(in, out));
    FR_TRY(fr_h5_get_column(in, "/calibration/rows", FR_H5_U64, 1, &out->rows));
    FR_TRY(fr_h5_get_column(in, "/calibration/test_rows", FR_H5_U64, 1, &out->test_rows));
    for (size_t i = 0; i < N_COLUMNS; i++)
        FR_TRY(fr_h5_get_column(in, columns[i].path, FR_H5_F64, FR_WORTHS,
                                (char *)out + columns[i].offset));
    FR_TRY(fr_h5_get_scalar_text(in, "/calibration/settings", &settings));
    snprintf(out->settings, sizeof out->settings, "%s", settings);
    free(settings);
    return FR_OK;
}
