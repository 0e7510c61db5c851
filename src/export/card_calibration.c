/* SPDX-License-Identifier: BSD-3-Clause */
/* card_calibration.c - the part of the model card that says what study key `calibrate` did. */
#include <math.h>

#include "internal.h"

static void add_source(const fr_results_file *results, fr_text *out)
{
    const fr_calibration_report *report = &results->calibration;
    const fr_model *model = &results->model;
    fr_text_add(out, "\n## Calibration\n\nAfter the selection: %s. ", report->settings);
    if (report->rows > 0)
        fr_text_add(out,
                    "Learnt from %llu out-of-fold predictions of the chosen trial, by models "
                    "that had not seen these rows. ",
                    (unsigned long long)report->rows);
    if (model->calibration.threshold > 0) {
        fr_card_word(out, model->schema.classes[1]);
        fr_text_add(out, " is said where its probability is above %.4g. ",
                    (double)model->calibration.threshold);
    }
    fr_text_add(out, "The test rows had no part in it; validation scores, here and elsewhere, "
                     "are of models without it.\n");
}

static void add_cell(fr_text *out, double value)
{
    char text[FR_NUMBER_SIZE];
    fr_text_add(out, " %s |", isnan(value) ? "-" : fr_card_score(value, text));
}

void fr_card_calibration(const fr_results_file *results, fr_text *out)
{
    const fr_calibration_report *report = &results->calibration;
    char name[FR_METRIC_NAME_SIZE];
    if (report->settings[0] == '\0') return;
    add_source(results, out);
    if (report->rows == 0 && report->test_rows == 0) return;
    fr_text_add(out, "\n| | out of fold, before | after | test rows, before | after |\n"
                     "|---|---|---|---|---|\n");
    for (size_t w = 0; w < FR_WORTHS; w++) {
        if (w == FR_WORTH_METRIC && report->metric == FR_METRIC_LOG_LOSS) continue;
        fr_text_add(out, "| %s |",
                    w < FR_WORTH_METRIC ? fr_worth_words[w]
                                        : fr_metric_name(report->metric, name));
        add_cell(out, report->out_of_fold[0][w]);
        add_cell(out, report->out_of_fold[1][w]);
        add_cell(out, report->test[0][w]);
        add_cell(out, report->test[1][w]);
        fr_text_add(out, "\n");
    }
}
