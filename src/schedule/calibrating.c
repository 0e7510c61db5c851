/* SPDX-License-Identifier: BSD-3-Clause */
/* calibrating.c - what the chosen model learns after the selection: probabilities and a
 * threshold, by what the models of the folds say of rows that they have not seen. The test rows
 * are no part of that; they tell what it was worth. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibrating.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"

/* The model that the run delivers, its own or that of an earlier run, with all that follows. */
typedef struct {
    fr_model *model;
    fr_scored *test;
    double *test_score, *test_more;
    fr_calibration_report *report;
} delivery;

static delivery find_delivery(fr_run_state *run)
{
    if (run->has_model)
        return (delivery){&run->refit.model, &run->refit.test, &run->refit.test_score,
                          run->refit.test_more, &run->calibration};
    fr_results_file *earlier = run->earlier;
    return (delivery){&earlier->model, &earlier->test, &earlier->test_score, earlier->test_more,
                      &earlier->calibration};
}

static void describe(const fr_study *study, char out[sizeof(fr_calibration_report){0}.settings])
{
    fr_text text = {0};
    fr_calibrate_describe(&study->calibrate, study->metric, &text);
    snprintf(out, sizeof(fr_calibration_report){0}.settings, "%s", fr_text_get(&text));
    fr_text_clear(&text);
}

bool fr_calibrate_is_due(const fr_run_state *run)
{
    fr_calibration_report wanted;
    describe(run->study, wanted.settings);
    return strcmp(wanted.settings,
                  run->reuses_model ? run->earlier->calibration.settings : "") != 0;
}

bool fr_calibrate_learns(const fr_run_state *run)
{
    const fr_calibrate_options *options = &run->study->calibrate;
    float threshold;
    bool tunes = false;
    return options->method != FR_CALIBRATE_NONE ||
           (fr_calibrate_threshold(options, &threshold, &tunes) == FR_OK && tunes);
}

static fr_unseen rows_of(const fr_model *model, const fr_scored *scored, const float *output)
{
    return (fr_unseen){.target = scored->target,
                       .output = output,
                       .n = scored->n,
                       .n_classes = model->n_outputs,
                       .probable = fr_model_has_probabilities(model)};
}

/* The threshold by corrected predictions of unseen rows, (n, 2). */
static fr_status decide(const fr_run_state *run, const fr_scored *unseen, const float *output,
                        fr_calibration *out)
{
    const fr_study *study = run->study;
    bool tunes = false;
    FR_TRY(fr_calibrate_threshold(&study->calibrate, &out->threshold, &tunes));
    if (!tunes) return FR_OK;
    float *second = fr_alloc(unseen->n, sizeof *second);
    if (second == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < unseen->n; i++) second[i] = output[2 * i + 1];
    const fr_status st =
        fr_threshold_tune(fr_calibrate_metric(&study->calibrate, study->metric), unseen->target,
                          second, unseen->n, &out->threshold);
    free(second);
    if (out->threshold == 0.5f) out->threshold = 0;
    return st;
}

/* What the model learns from unseen rows; worth before and after of these. */
static fr_status learn(fr_run_state *run, const delivery *d, const fr_scored *unseen)
{
    fr_calibration_report *report = d->report;
    const size_t bins = (size_t)run->study->explain.bins, k = d->model->n_outputs;
    fr_unseen rows = rows_of(d->model, unseen, unseen->output);
    float *output = fr_alloc(unseen->n, k * sizeof *output);
    fr_status st = output == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK)
        st = fr_explain_worth(&d->model->calibration, &rows, report->metric, bins,
                              report->out_of_fold[0]);
    if (st == FR_OK)
        st = fr_calibration_fit((fr_calibrate_method)run->study->calibrate.method, &rows,
                                &d->model->calibration);
    if (st == FR_OK) {
        memcpy(output, unseen->output, unseen->n * k * sizeof *output);
        fr_calibration_correct(&d->model->calibration, output, unseen->n, k);
        st = decide(run, unseen, output, &d->model->calibration);
    }
    rows = rows_of(d->model, unseen, output);
    if (st == FR_OK)
        st = fr_explain_worth(&d->model->calibration, &rows, report->metric, bins,
                              report->out_of_fold[1]);
    report->rows = unseen->n;
    free(output);
    return st;
}

static fr_status score_test(const fr_run_state *run, const delivery *d, double worth[FR_WORTHS])
{
    FR_TRY(fr_objective_score_test(run->objective, d->model, d->test, d->test_score,
                                   d->test_more));
    const fr_unseen rows = rows_of(d->model, d->test, d->test->output);
    d->report->test_rows = d->test->n;
    return fr_explain_worth(&d->model->calibration, &rows, d->report->metric,
                            (size_t)run->study->explain.bins, worth);
}

static fr_status calibrate(fr_run_state *run, const delivery *d, const fr_scored *unseen)
{
    static const fr_scored none = {0};
    fr_calibration_clear(&d->model->calibration);
    *d->report = (fr_calibration_report){
        .metric = fr_calibrate_metric(&run->study->calibrate, run->study->metric)};
    for (size_t w = 0; w < FR_WORTHS; w++)
        d->report->out_of_fold[0][w] = d->report->out_of_fold[1][w] = NAN;
    FR_TRY(score_test(run, d, d->report->test[0]));
    char settings[sizeof d->report->settings];
    describe(run->study, settings);
    if (settings[0] == '\0') return FR_OK;
    if (fr_calibrate_learns(run))
        FR_TRY(learn(run, d, unseen));
    else
        FR_TRY(decide(run, &none, NULL, &d->model->calibration));
    FR_TRY(score_test(run, d, d->report->test[1]));
    memcpy(d->report->settings, settings, sizeof settings);
    return FR_OK;
}

fr_status fr_calibrate_model(fr_run_state *run, const fr_scored *unseen)
{
    const delivery d = find_delivery(run);
    const fr_status st = calibrate(run, &d, unseen);
    if (st == FR_OK) {
        const fr_calibration_report *r = d.report;
        fr_log(FR_LOG_INFO,
               "schedule calibrated rows=%llu log_loss=%.4g before=%.4g test_log_loss=%.4g "
               "before=%.4g",
               (unsigned long long)r->rows, r->out_of_fold[1][FR_WORTH_LOG_LOSS],
               r->out_of_fold[0][FR_WORTH_LOG_LOSS], r->test[1][FR_WORTH_LOG_LOSS],
               r->test[0][FR_WORTH_LOG_LOSS]);
        return FR_OK;
    }
    /* Nothing of it is left: the next run begins anew. */
    fr_calibration_clear(&d.model->calibration);
    d.report->settings[0] = '\0';
    char reason[2048];
    snprintf(reason, sizeof reason, "%s", fr_status_message());
    return FR_FAIL(st, "the model cannot be calibrated: %s; it is saved as it was trained",
                   reason);
}
