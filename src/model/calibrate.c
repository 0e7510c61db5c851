/* SPDX-License-Identifier: BSD-3-Clause */
/* calibrate.c - study key `calibrate`, and what a model does with what it has learnt by it. */
#include "foldrank/calibrate.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

/* In the order of fr_calibrate_method. */
const char *const fr_calibrate_words[] = {"none", "platt", "temperature", NULL};

static const char *const metric_words[] = {
    "study", "accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "mcc", NULL};
static const fr_metric metrics[] = {
    FR_METRIC_COUNT,    FR_METRIC_ACCURACY,    FR_METRIC_BALANCED_ACCURACY,
    FR_METRIC_F1_MACRO, FR_METRIC_F1_WEIGHTED, FR_METRIC_MCC};

#define AT(field) .offset = offsetof(fr_calibrate_options, field)
const fr_option fr_calibrate_option_table[] = {
    {.name = "method",
     .type = FR_OPTION_WORD,
     AT(method),
     .fallback = "none",
     .words = fr_calibrate_words,
     .help = "how the model's probabilities are corrected, by the out-of-fold predictions of "
             "the chosen trial; svm and kernel, which have none, get them so"},
    {.name = "threshold",
     .type = FR_OPTION_STRING,
     AT(threshold),
     .fallback = "0.5",
     .help = "two classes: probability above which the second is said; tune: the best one for "
             "`metric` out of fold"},
    {.name = "metric",
     .type = FR_OPTION_WORD,
     AT(metric),
     .fallback = "study",
     .words = metric_words,
     .help = "what `threshold: tune` maximises; study: the study's metric"},
};
const size_t fr_calibrate_option_count =
    sizeof fr_calibrate_option_table / sizeof *fr_calibrate_option_table;
#undef AT

fr_status fr_calibrate_threshold(const fr_calibrate_options *options, float *threshold,
                                 bool *tunes)
{
    const char *text = options->threshold == NULL ? "0.5" : options->threshold;
    char *end = NULL;
    *threshold = 0;
    *tunes = strcmp(text, "tune") == 0;
    if (*tunes) return FR_OK;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > 0 && value < 1))
        return FR_FAIL(FR_ERR_USAGE,
                       "`%.60s` is no threshold; allowed: tune, or a probability 0 < x < 1",
                       text);
    *threshold = value == 0.5 ? 0 : (float)value;
    return FR_OK;
}

fr_metric fr_calibrate_metric(const fr_calibrate_options *options, fr_metric of_study)
{
    return options->metric == 0 ? of_study : metrics[options->metric];
}

bool fr_metric_is_of_classes(fr_metric metric)
{
    return fr_metric_scores(metric, FR_LEARN_CLASSIFICATION) && !fr_metric_ranks(metric) &&
           metric != FR_METRIC_LOG_LOSS && metric != FR_METRIC_ROC_AUC;
}

void fr_calibrate_describe(const fr_calibrate_options *options, fr_metric of_study,
                           fr_text *out)
{
    float threshold = 0;
    bool tunes = false;
    const fr_status st = fr_calibrate_threshold(options, &threshold, &tunes);
    if (st != FR_OK || (options->method == FR_CALIBRATE_NONE && !tunes && threshold == 0))
        return;
    fr_text_add(out, "method %s", fr_calibrate_words[options->method]);
    char name[FR_METRIC_NAME_SIZE];
    if (tunes)
        fr_text_add(out, ", threshold tuned for %s",
                    fr_metric_name(fr_calibrate_metric(options, of_study), name));
    else
        fr_text_add(out, ", threshold %g", threshold == 0 ? 0.5 : (double)threshold);
}

void fr_calibration_clear(fr_calibration *calibration)
{
    free(calibration->sigmoid);
    *calibration = (fr_calibration){0};
}

void fr_calibration_pack(const fr_calibration *calibration, fr_pack *out)
{
    fr_pack_u8(out, (uint8_t)calibration->method);
    fr_pack_u8(out, calibration->log_scores);
    fr_pack_double(out, calibration->temperature);
    fr_pack_double(out, (double)calibration->threshold);
    fr_pack_u64(out, calibration->n);
    fr_pack_doubles(out, calibration->sigmoid, 2 * calibration->n);
}

fr_status fr_calibration_unpack(fr_unpack *in, fr_calibration *out)
{
    *out = (fr_calibration){.method = fr_unpack_u8(in)};
    out->log_scores = fr_unpack_u8(in) != 0;
    out->temperature = fr_unpack_double(in);
    out->threshold = (float)fr_unpack_double(in);
    out->n = fr_unpack_u64(in);
    if (in->failed || out->n > fr_unpack_left(in) / (2 * sizeof(double)))
        return FR_FAIL(FR_ERR_FORMAT, "the model's calibration arrived incomplete");
    out->sigmoid = fr_alloc(2 * out->n, sizeof *out->sigmoid);
    if (out->sigmoid == NULL) return FR_ERR_MEMORY;
    fr_unpack_doubles(in, out->sigmoid, 2 * out->n);
    return FR_OK;
}

/* ---- what it makes of scores ---- */

/* Log odds of one class against all others never exceed -ln of this. */
static const double least_rest = 1e-12;

/* What the feature of each class depends on beside its own score. */
typedef struct {
    size_t n_classes, top; /* the class with the greatest score, */
    double most, rest;     /* this score, and the sum of exp(score - most) of the others */
    bool log_scores;
} surroundings;

static surroundings survey(bool log_scores, const float *scores, size_t n_classes)
{
    surroundings s = {.n_classes = n_classes, .log_scores = log_scores};
    for (size_t k = 1; k < n_classes; k++)
        if (scores[k] > scores[s.top]) s.top = k;
    s.most = (double)scores[s.top];
    for (size_t k = 0; k < n_classes && log_scores; k++)
        if (k != s.top) s.rest += exp((double)scores[k] - s.most);
    return s;
}

/* Log odds of class k, or its decision value. */
static double feature_of(const surroundings *s, float score, size_t k)
{
    if (!s->log_scores) return (double)score;
    const double own = (double)score - s->most;
    return own - log((k == s->top ? s->rest : 1.0 + s->rest - exp(own)) + least_rest);
}

void fr_calibration_features(bool log_scores, const float *scores, size_t n_classes,
                             double *out)
{
    const surroundings s = survey(log_scores, scores, n_classes);
    if (n_classes == 2)
        out[0] = (double)scores[1] - (double)scores[0];
    else
        for (size_t k = 0; k < n_classes; k++) out[k] = feature_of(&s, scores[k], k);
}

static double sigmoid(double x)
{
    return x >= 0 ? 1.0 / (1.0 + exp(-x)) : exp(x) / (1.0 + exp(x));
}

static void apply_platt(const fr_calibration *c, float *scores, size_t n_classes)
{
    const double *line = c->sigmoid;
    double sum = 0;
    if (n_classes == 2) {
        const double x = line[0] * ((double)scores[1] - (double)scores[0]) + line[1];
        scores[0] = (float)sigmoid(-x);
        scores[1] = (float)sigmoid(x);
        return;
    }
    const surroundings s = survey(c->log_scores, scores, n_classes);
    for (size_t k = 0; k < n_classes; k++)
        sum += sigmoid(line[2 * k] * feature_of(&s, scores[k], k) + line[2 * k + 1]);
    for (size_t k = 0; k < n_classes; k++) {
        const double x = line[2 * k] * feature_of(&s, scores[k], k) + line[2 * k + 1];
        scores[k] = (float)(sum > 0 ? sigmoid(x) / sum : 1.0 / (double)n_classes);
    }
}

static void apply_temperature(const fr_calibration *c, float *scores, size_t n_classes)
{
    double most = (double)scores[0], sum = 0;
    for (size_t k = 1; k < n_classes; k++) most = fmax(most, (double)scores[k]);
    for (size_t k = 0; k < n_classes; k++)
        sum += exp(((double)scores[k] - most) / c->temperature);
    for (size_t k = 0; k < n_classes; k++)
        scores[k] = (float)(exp(((double)scores[k] - most) / c->temperature) / sum);
}

void fr_calibration_apply(const fr_calibration *calibration, float *scores, size_t n,
                          size_t n_classes)
{
    for (size_t i = 0; i < n; i++, scores += n_classes) {
        if (calibration->method == FR_CALIBRATE_PLATT)
            apply_platt(calibration, scores, n_classes);
        else if (calibration->method == FR_CALIBRATE_TEMPERATURE)
            apply_temperature(calibration, scores, n_classes);
    }
}

void fr_calibration_logs(float *probability, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isnan(probability[i])) probability[i] = logf(fmaxf(probability[i], FLT_MIN));
}

void fr_calibration_correct(const fr_calibration *calibration, float *output, size_t n,
                            size_t n_classes)
{
    if (calibration->method == FR_CALIBRATE_NONE) return;
    if (calibration->log_scores) fr_calibration_logs(output, n * n_classes);
    fr_calibration_apply(calibration, output, n, n_classes);
}

/* ---- the class that is said ---- */

size_t fr_calibration_class(const fr_calibration *calibration, const float *output, size_t n)
{
    const bool decides = calibration->threshold > 0 && n == 2;
    if (!decides || isnan(output[0]) || isnan(output[1])) return fr_predicted_class(output, n);
    return output[1] > calibration->threshold;
}

fr_status fr_calibration_score(const fr_calibration *calibration, fr_metric metric,
                               const float *target, const float *output, size_t n,
                               size_t n_outputs, double *score)
{
    if (!(calibration->threshold > 0) || n_outputs != 2 || !fr_metric_is_of_classes(metric))
        return fr_metric_score(metric, target, output, n, n_outputs, score);
    float *said = fr_alloc(n, 2 * sizeof *said);
    if (said == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const float *own = output + 2 * i;
        const bool finite = isfinite(own[0]) && isfinite(own[1]);
        said[2 * i + fr_calibration_class(calibration, own, 2)] = finite ? 1.0f : NAN;
    }
    const fr_status st = fr_metric_score(metric, target, said, n, 2, score);
    free(said);
    return st;
}

fr_status fr_calibration_score_rows(const fr_calibration *calibration, fr_metric metric,
                                    const fr_metric_rows *rows, double *score)
{
    if (fr_metric_ranks(metric)) return fr_metric_score_rows(metric, rows, score);
    return fr_calibration_score(calibration, metric, rows->y, rows->output, rows->n,
                                rows->n_outputs, score);
}
