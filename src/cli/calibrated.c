/* SPDX-License-Identifier: BSD-3-Clause */
/* calibrated.c - what calibration did to the chosen model, for `run` and `show`. */
#include <math.h>

#include "cli.h"

/* Rows of the comparison, and those where it says something. */
static void add_worth(const fr_calibration_report *report, const double worth[2][FR_WORTHS],
                      const char *rows, fr_text *out)
{
    bool any = false;
    for (size_t w = 0; w < FR_WORTHS; w++) {
        const bool repeats = w == FR_WORTH_METRIC && report->metric == FR_METRIC_LOG_LOSS;
        if (isnan(worth[1][w]) || repeats) continue;
        fr_text_add(out, "%s%s ", any ? ", " : rows,
                    w < FR_WORTH_METRIC ? fr_worth_words[w] : fr_metric_words[report->metric]);
        if (isnan(worth[0][w]))
            fr_text_add(out, "%.4g", worth[1][w]);
        else
            fr_text_add(out, "%.4g -> %.4g", worth[0][w], worth[1][w]);
        any = true;
    }
    if (any) fr_text_add(out, "\n");
}

void fr_cli_describe_calibration(const fr_calibration_report *report, fr_text *out)
{
    if (report->settings[0] == '\0') return;
    fr_text_add(out, "calibrated: %s", report->settings);
    if (report->rows > 0)
        fr_text_add(out, "; by %llu out-of-fold predictions", (unsigned long long)report->rows);
    fr_text_add(out, "\n");
    add_worth(report, report->out_of_fold, "  out of fold: ", out);
    add_worth(report, report->test, "  test rows:   ", out);
}
