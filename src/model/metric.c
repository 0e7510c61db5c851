/* SPDX-License-Identifier: BSD-3-Clause */
/* metric.c - scores of predictions, as scikit-learn defines them. Counting and summing run in
 * row order, in double. */
#include "foldrank/metric.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"

const char *const fr_metric_words[] = {"accuracy",
                                       "balanced_accuracy",
                                       "f1_macro",
                                       "f1_weighted",
                                       "log_loss",
                                       "roc_auc",
                                       "mcc",
                                       "rmse",
                                       "mae",
                                       "r2",
                                       "explained_variance",
                                       "ndcg@10",
                                       "recall@10",
                                       "precision@10",
                                       "map@10",
                                       NULL};

/* The kind is in the low bits. */
enum { K_SHIFT = 8 };

fr_metric fr_metric_at(fr_metric kind, uint32_t k)
{
    return kind | k << K_SHIFT;
}

fr_metric fr_metric_kind(fr_metric metric)
{
    return metric & ((1U << K_SHIFT) - 1);
}

uint32_t fr_metric_k(fr_metric metric)
{
    return metric >> K_SHIFT;
}

bool fr_metric_ranks(fr_metric metric)
{
    return fr_metric_kind(metric) >= FR_METRIC_NDCG;
}

/* Letters of the word before its number; all of them where it has none. */
static size_t stem_of(const char *word)
{
    const char *at = strchr(word, '@');
    return at == NULL ? strlen(word) : (size_t)(at - word) + 1;
}

bool fr_metric_parse(const char *word, fr_metric *out)
{
    const size_t stem = stem_of(word);
    int64_t k = 0;
    for (fr_metric m = 0; m < FR_METRIC_COUNT; m++) {
        if (stem_of(fr_metric_words[m]) != stem || strncmp(word, fr_metric_words[m], stem) != 0)
            continue;
        if (fr_metric_ranks(m) &&
            !(fr_parse_int(word + stem, &k) && k >= 1 && k <= FR_METRIC_K_MAX))
            return false;
        *out = fr_metric_at(m, (uint32_t)k);
        return true;
    }
    return false;
}

const char *fr_metric_name(fr_metric metric, char out[FR_METRIC_NAME_SIZE])
{
    const char *word = fr_metric_words[fr_metric_kind(metric)];
    if (!fr_metric_ranks(metric)) return word;
    snprintf(out, FR_METRIC_NAME_SIZE, "%.*s%u", (int)stem_of(word), word,
             (unsigned)fr_metric_k(metric));
    return out;
}

bool fr_metric_maximizes(fr_metric metric)
{
    return metric != FR_METRIC_LOG_LOSS && metric != FR_METRIC_RMSE && metric != FR_METRIC_MAE;
}

bool fr_metric_scores(fr_metric metric, fr_learn learn)
{
    return fr_metric_ranks(metric) ||
           (metric < FR_METRIC_RMSE) == (learn == FR_LEARN_CLASSIFICATION);
}

/* No comparison can rank NaN: it would count as class 0, and look like a score. */
static bool all_finite(const float *output, size_t n)
{
    bool finite = true;
    for (size_t i = 0; i < n; i++) finite &= isfinite(output[i]) != 0;
    return finite;
}

size_t fr_predicted_class(const float *outputs, size_t n)
{
    size_t best = n;
    for (size_t c = 0; c < n; c++)
        if (!isnan(outputs[c]) && (best == n || outputs[c] > outputs[best])) best = c;
    return best;
}

static double accuracy(const float *y, const float *output, size_t n, size_t n_outputs)
{
    size_t hits = 0;
    for (size_t i = 0; i < n; i++)
        hits += fr_predicted_class(output + i * n_outputs, n_outputs) == (size_t)y[i];
    return (double)hits / (double)n;
}

/* Probabilities are kept away from 0 and 1 by the precision of their type, as sklearn does. */
static double log_loss(const float *y, const float *output, size_t n, size_t n_outputs)
{
    const double nearest = (double)FLT_EPSILON;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double p = (double)output[i * n_outputs + (size_t)y[i]];
        sum -= log(p < nearest ? nearest : p > 1.0 - nearest ? 1.0 - nearest : p);
    }
    return sum / (double)n;
}

/* Mean recall over the classes that have rows. */
static double balanced_accuracy(const fr_class_counts *c)
{
    double sum = 0, present = 0;
    for (size_t j = 0; j < c->k; j++) {
        if (c->truth[j] == 0) continue;
        sum += (double)c->hit[j] / (double)c->truth[j];
        present++;
    }
    return sum / present;
}

/* 2 hits / (rows + predictions); classes with neither do not take part. */
static double f1(const fr_class_counts *c, bool weighted)
{
    double sum = 0, weights = 0;
    for (size_t j = 0; j < c->k; j++) {
        const double both = (double)(c->truth[j] + c->guess[j]);
        if (both == 0) continue;
        const double weight = weighted ? (double)c->truth[j] : 1.0;
        sum += weight * 2.0 * (double)c->hit[j] / both;
        weights += weight;
    }
    return sum / weights;
}

/* Gorodkin's R_K (2004); 0 where it is 0 / 0. */
static double mcc(const fr_class_counts *c)
{
    double n = 0, hits = 0, product = 0, truth2 = 0, guess2 = 0;
    for (size_t j = 0; j < c->k; j++) {
        const double t = (double)c->truth[j], g = (double)c->guess[j];
        n += t;
        hits += (double)c->hit[j];
        product += t * g;
        truth2 += t * t;
        guess2 += g * g;
    }
    const double under = (n * n - guess2) * (n * n - truth2);
    return under == 0 ? 0 : (hits * n - product) / sqrt(under);
}

static double share_of_hits(const fr_class_counts *c)
{
    uint64_t hits = 0, rows = 0;
    for (size_t j = 0; j < c->k; j++) {
        hits += c->hit[j];
        rows += c->truth[j];
    }
    return (double)hits / (double)rows;
}

double fr_metric_of_counts(fr_metric metric, const fr_class_counts *counts)
{
    switch (metric) {
    case FR_METRIC_BALANCED_ACCURACY:
        return balanced_accuracy(counts);
    case FR_METRIC_MCC:
        return mcc(counts);
    case FR_METRIC_F1_MACRO:
    case FR_METRIC_F1_WEIGHTED:
        return f1(counts, metric == FR_METRIC_F1_WEIGHTED);
    default:
        return share_of_hits(counts);
    }
}

static fr_status score_counts(fr_metric metric, const float *y, const float *output, size_t n,
                              size_t n_outputs, double *score)
{
    uint64_t *counts = fr_alloc(n_outputs, 3 * sizeof *counts);
    if (counts == NULL) return FR_ERR_MEMORY;
    const fr_class_counts c = {counts, counts + n_outputs, counts + 2 * n_outputs, n_outputs};
    for (size_t i = 0; i < n; i++) {
        const size_t truth = (size_t)y[i],
                     guess = fr_predicted_class(output + i * n_outputs, n_outputs);
        c.truth[truth]++;
        c.guess[guess]++;
        if (truth == guess) c.hit[truth]++;
    }
    *score = fr_metric_of_counts(metric, &c);
    free(counts);
    return FR_OK;
}

typedef struct {
    float output;
    bool positive;
} ranked;

static int by_output(const void *a, const void *b)
{
    const float x = ((const ranked *)a)->output, y = ((const ranked *)b)->output;
    return (x > y) - (x < y);
}

/* Mann-Whitney: of all pairs of a positive and a negative row, the share in which the positive
 * one has the greater output; ties count half. NaN without either. */
static double auc(ranked *rows, size_t n)
{
    double positives = 0, negatives = 0, ordered = 0;
    qsort(rows, n, sizeof *rows, by_output);
    for (size_t i = 0, end; i < n; i = end) {
        double tied_positives = rows[i].positive;
        for (end = i + 1; end < n && rows[end].output == rows[i].output; end++)
            tied_positives += rows[end].positive;
        const double tied_negatives = (double)(end - i) - tied_positives;
        ordered += tied_positives * (negatives + 0.5 * tied_negatives);
        positives += tied_positives;
        negatives += tied_negatives;
    }
    return ordered / (positives * negatives);
}

static fr_status roc_auc(const float *y, const float *output, size_t n, size_t n_outputs,
                         double *score)
{
    double sum = 0, present = 0;
    ranked *rows = fr_alloc(n, sizeof *rows);
    if (rows == NULL) return FR_ERR_MEMORY;
    for (size_t c = n_outputs == 2 ? 1 : 0; c < n_outputs; c++) {
        bool seen = false;
        for (size_t i = 0; i < n; i++) {
            rows[i] = (ranked){output[i * n_outputs + c], (size_t)y[i] == c};
            seen = seen || rows[i].positive;
        }
        if (!seen && n_outputs > 2) continue;
        sum += auc(rows, n);
        present++;
    }
    *score = sum / present;
    free(rows);
    return FR_OK;
}

/* Errors e = y - prediction: their squares and sizes; spread of y and of e about their means.
 */
static double regression(fr_metric metric, const float *y, const float *output, size_t n)
{
    const double count = (double)n;
    double mean_y = 0, mean_e = 0, e2 = 0, size = 0, y_spread = 0, e_spread = 0;
    for (size_t i = 0; i < n; i++) {
        const double e = (double)y[i] - (double)output[i];
        mean_y += (double)y[i] / count;
        mean_e += e / count;
        e2 += e * e;
        size += fabs(e);
    }
    if (metric == FR_METRIC_RMSE) return sqrt(e2 / count);
    if (metric == FR_METRIC_MAE) return size / count;
    for (size_t i = 0; i < n; i++) {
        const double of_y = (double)y[i] - mean_y;
        const double of_e = (double)y[i] - (double)output[i] - mean_e;
        y_spread += of_y * of_y;
        e_spread += of_e * of_e;
    }
    const double left = metric == FR_METRIC_R2 ? e2 : e_spread;
    if (y_spread == 0) return left == 0 ? 1.0 : 0.0;
    return 1.0 - left / y_spread;
}

fr_status fr_metric_score(fr_metric metric, const float *y, const float *output, size_t n,
                          size_t n_outputs, double *score)
{
    *score = NAN;
    if (n == 0 || fr_metric_ranks(metric) || !all_finite(output, n * n_outputs)) return FR_OK;
    switch (metric) {
    case FR_METRIC_ACCURACY:
        *score = accuracy(y, output, n, n_outputs);
        return FR_OK;
    case FR_METRIC_LOG_LOSS:
        *score = log_loss(y, output, n, n_outputs);
        return FR_OK;
    case FR_METRIC_ROC_AUC:
        return roc_auc(y, output, n, n_outputs, score);
    case FR_METRIC_BALANCED_ACCURACY:
    case FR_METRIC_F1_MACRO:
    case FR_METRIC_F1_WEIGHTED:
    case FR_METRIC_MCC:
        return score_counts(metric, y, output, n, n_outputs, score);
    default:
        *score = regression(metric, y, output, n);
        return FR_OK;
    }
}

fr_status fr_metric_score_rows(fr_metric metric, const fr_metric_rows *p, double *score)
{
    if (!fr_metric_ranks(metric))
        return fr_metric_score(metric, p->y, p->output, p->n, p->n_outputs, score);
    *score = NAN;
    if (p->n == 0 || !all_finite(p->output, p->n * p->n_outputs)) return FR_OK;
    return fr_ranking_score(metric, p, score);
}
