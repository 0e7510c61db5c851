/* SPDX-License-Identifier: BSD-3-Clause */
/* calibrated.c - what calibration did to the chosen model, for `run` and `show`: in lines, and
 * as JSON. */
#include <math.h>

#include "cli.h"
#include "foldrank/plain.h"
#include "show.h"

/* `name` is room for it. */
static const char *word_of(const fr_calibration_report *report, size_t worth,
                           char name[FR_METRIC_NAME_SIZE])
{
    return worth < FR_WORTH_METRIC ? fr_worth_words[worth]
                                   : fr_metric_name(report->metric, name);
}

/* The metric of the report is one of the measures before it. */
static bool repeats(const fr_calibration_report *report, size_t worth)
{
    return worth == FR_WORTH_METRIC && report->metric == FR_METRIC_LOG_LOSS;
}

/* Rows of the comparison, and those where it says something. */
static void add_worth(const fr_calibration_report *report, const double worth[2][FR_WORTHS],
                      const char *rows, fr_text *out)
{
    bool any = false;
    char name[FR_METRIC_NAME_SIZE];
    for (size_t w = 0; w < FR_WORTHS; w++) {
        if (isnan(worth[1][w]) || repeats(report, w)) continue;
        fr_text_add(out, "%s%s ", any ? ", " : rows, word_of(report, w, name));
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

static void json_before_after(const char *joint, const char *key,
                              const double worth[2][FR_WORTHS], size_t w, FILE *out)
{
    fr_json_key(joint, key, out);
    fputc('[', out);
    fr_json_number(worth[0][w], out);
    fputs(", ", out);
    fr_json_number(worth[1][w], out);
    fputc(']', out);
}

void fr_show_calibration_json(const fr_results_file *results, FILE *out)
{
    const fr_calibration_report *report = &results->calibration;
    char name[FR_METRIC_NAME_SIZE];
    if (report->settings[0] == '\0') return;
    fr_json_key(",\n ", "calibration", out);
    fr_json_key("{", "settings", out);
    fr_json_text(report->settings, out);
    const fr_json_field rows[] = {{"rows", (double)report->rows},
                                  {"test_rows", (double)report->test_rows}};
    fr_json_fields(rows, sizeof rows / sizeof *rows, out);
    for (size_t w = 0; w < FR_WORTHS; w++) {
        if (repeats(report, w)) continue;
        fr_json_key(", ", word_of(report, w, name), out);
        json_before_after("{", "out_of_fold", report->out_of_fold, w, out);
        json_before_after(", ", "test", report->test, w, out);
        fputc('}', out);
    }
    fputc('}', out);
}
