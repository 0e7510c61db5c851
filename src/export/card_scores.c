/* SPDX-License-Identifier: BSD-3-Clause */
/* card_scores.c - the part of the model card that says what the model is worth: scores with
 * their intervals, and where on the test rows it errs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/metric.h"
#include "foldrank/random.h"
#include "internal.h"

static const double level = 0.95;

static void add_interval(fr_text *out, double low, double high)
{
    char a[FR_NUMBER_SIZE], b[FR_NUMBER_SIZE];
    if (isnan(low) || isnan(high))
        fr_text_add(out, "- |\n");
    else
        fr_text_add(out, "%s to %s |\n", fr_card_score(low, a), fr_card_score(high, b));
}

/* Scores of the trial's complete folds; returns how many. */
static size_t fold_scores(const fr_trial *trial, uint32_t n_folds, double *scores)
{
    size_t n = 0;
    for (uint32_t f = 0; f < n_folds; f++)
        if (trial->folds[f] != NULL && trial->folds[f]->state == FR_TRIAL_COMPLETE)
            scores[n++] = trial->folds[f]->score;
    return n;
}

static fr_status add_validation(const fr_results_file *results, fr_text *out)
{
    const fr_history *history = results->history;
    const fr_trial *trial = &history->trials[results->selection.chosen];
    char text[FR_NUMBER_SIZE];
    double *scores = fr_alloc(history->n_folds, sizeof *scores);
    if (scores == NULL) return FR_ERR_MEMORY;
    const size_t n = fold_scores(trial, history->n_folds, scores);
    const double half = fr_score_half_width(scores, n, results->valid_share, level);
    fr_text_add(out, "| validation, mean of %zu folds | %s | ", n,
                fr_card_score(trial->score_mean, text));
    add_interval(out, trial->score_mean - half, trial->score_mean + half);
    for (size_t i = 0; i < n; i++)
        fr_text_add(out, "| validation, fold %zu | %s | - |\n", i,
                    fr_card_score(scores[i], text));
    free(scores);
    return FR_OK;
}

/* What the whole search is worth, where outer folds were kept from it. */
static void add_nested(const fr_results_file *results, fr_text *out)
{
    const fr_nested *nested = &results->nested;
    const fr_nested_summary s = fr_nested_summarize(nested, 0);
    char text[FR_NUMBER_SIZE];
    if (nested->n == 0 || s.n_complete == 0) return;
    fr_text_add(out, "| nested cross-validation, mean of %zu of %zu outer folds | %s |",
                s.n_complete, nested->n, fr_card_score(s.mean, text));
    if (isnan(s.se))
        fr_text_add(out, " - |\n");
    else
        fr_text_add(out, " standard error %s |\n", fr_card_score(s.se, text));
}

/* ---- the interval of the test score ---- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One draw of n rows with replacement, scored. */
static fr_status draw_score(const fr_results_file *results, fr_rng *rng, float *target,
                            float *output, double *score)
{
    const fr_scored *test = &results->test;
    const size_t width = results->model.n_outputs;
    for (size_t i = 0; i < test->n; i++) {
        const size_t from = (size_t)fr_rng_below(rng, test->n);
        target[i] = test->target[from];
        memcpy(output + i * width, test->output + from * width, width * sizeof *output);
    }
    return fr_calibration_score(&results->model.calibration, results->study->metric, target,
                                output, test->n, width, score);
}

/* Percentiles of the scores of rows drawn anew (Efron, Ann. Stat. 7, 1979). NaN when the metric
 * is often not defined on such draws. */
static fr_status bootstrap(const fr_results_file *results, double range[2])
{
    enum { DRAWS_MAX = 1000, DRAWS_MIN = 100, ROWS_MAX = 20000000 };
    const fr_scored *test = &results->test;
    size_t draws = ROWS_MAX / test->n, n = 0;
    draws = draws > DRAWS_MAX ? DRAWS_MAX : draws < DRAWS_MIN ? DRAWS_MIN : draws;
    fr_rng rng = fr_rng_make((uint64_t)results->study->search.seed, FR_RNG_BOOTSTRAP, 0, 0, 0);
    double *scores = fr_alloc(draws, sizeof *scores);
    float *target = fr_alloc(test->n, sizeof *target);
    float *output = fr_alloc(test->n, results->model.n_outputs * sizeof *output);
    fr_status st = scores == NULL || target == NULL || output == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t i = 0; st == FR_OK && i < draws; i++) {
        st = draw_score(results, &rng, target, output, &scores[n]);
        n += st == FR_OK && !isnan(scores[n]);
    }
    if (st == FR_OK && n >= draws - draws / 20) {
        qsort(scores, n, sizeof *scores, by_value);
        range[0] = scores[(size_t)((1 - level) / 2 * (double)(n - 1))];
        range[1] = scores[(size_t)((1 + level) / 2 * (double)(n - 1) + 0.5)];
    }
    free(scores);
    free(target);
    free(output);
    return st;
}

/* Which interval the test score has, in words; "" for none. */
static fr_status test_interval(const fr_results_file *results, double range[2],
                               const char **method)
{
    const double score = results->test_score;
    *method = "";
    range[0] = range[1] = NAN;
    if (results->study->metric == FR_METRIC_ACCURACY && results->test_rows > 0 && score >= 0 &&
        score <= 1) {
        fr_share_interval(score, (double)results->test_rows, level, range);
        *method = "Wilson's (1927)";
    } else if (results->test.n > 1 && !fr_metric_ranks(results->study->metric)) {
        FR_TRY(bootstrap(results, range));
        *method = "from rows drawn anew (bootstrap percentiles, Efron 1979)";
    }
    return FR_OK;
}

static fr_status add_test(const fr_results_file *results, fr_text *out, const char **method)
{
    char text[FR_NUMBER_SIZE];
    double range[2];
    *method = "";
    if (isnan(results->test_score)) return FR_OK;
    FR_TRY(test_interval(results, range, method));
    fr_text_add(out, "| **test");
    if (results->test_rows > 0)
        fr_text_add(out, ", %llu rows", (unsigned long long)results->test_rows);
    fr_text_add(out, "** | **%s** | ", fr_card_score(results->test_score, text));
    add_interval(out, range[0], range[1]);
    return FR_OK;
}

/* ---- by class ---- */

/* counts (classes, classes): rows of each class by the class that the model says. */
static void count_classes(const fr_results_file *results, size_t *counts)
{
    const size_t n_classes = results->model.n_outputs;
    const fr_scored *test = &results->test;
    for (size_t i = 0; i < test->n; i++) {
        const float target = test->target[i];
        const size_t said = fr_calibration_class(&results->model.calibration,
                                                 test->output + i * n_classes, n_classes);
        if (target >= 0 && target < (float)n_classes && said < n_classes)
            counts[(size_t)target * n_classes + said]++;
    }
}

static void add_share(fr_text *out, size_t part, size_t all)
{
    if (all == 0)
        fr_text_add(out, " - |");
    else
        fr_text_add(out, " %.4f |", (double)part / (double)all);
}

static void add_class(const fr_results_file *results, const size_t *counts, size_t k,
                      fr_text *out)
{
    const size_t n = results->model.n_outputs;
    size_t rows = 0, said = 0;
    for (size_t j = 0; j < n; j++) {
        rows += counts[k * n + j];
        said += counts[j * n + k];
    }
    const size_t hits = counts[k * n + k];
    fr_text_add(out, "| ");
    fr_card_word(out, results->model.schema.classes[k]);
    fr_text_add(out, " | %zu |", rows);
    add_share(out, hits, said);
    add_share(out, hits, rows);
    add_share(out, 2 * hits, rows + said);
    fr_text_add(out, "\n");
}

static void add_confusion(const fr_results_file *results, const size_t *counts, fr_text *out)
{
    const size_t n = results->model.n_outputs;
    fr_text_add(out, "\nRows are the true class, columns what the model says:\n\n| |");
    for (size_t k = 0; k < n; k++) {
        fr_text_add(out, " ");
        fr_card_word(out, results->model.schema.classes[k]);
        fr_text_add(out, " |");
    }
    fr_text_add(out, "\n|---|");
    for (size_t k = 0; k < n; k++) fr_text_add(out, "---|");
    for (size_t k = 0; k < n; k++) {
        fr_text_add(out, "\n| ");
        fr_card_word(out, results->model.schema.classes[k]);
        fr_text_add(out, " |");
        for (size_t j = 0; j < n; j++) fr_text_add(out, " %zu |", counts[k * n + j]);
    }
    fr_text_add(out, "\n");
}

/* How far the probability of the predicted class is from how often it is right: the expected
 * calibration error over ten bins (Guo et al., ICML 2017, eq. 3). */
static void add_calibration(const fr_results_file *results, fr_text *out)
{
    enum { BINS = 10 };
    const size_t n_classes = results->model.n_outputs;
    const fr_scored *test = &results->test;
    double surplus[BINS] = {0}, error = 0; /* sums of probability minus right */
    size_t n = 0;
    for (size_t i = 0; i < test->n; i++) {
        const float *output = test->output + i * n_classes;
        const size_t said = fr_predicted_class(output, n_classes);
        if (said == n_classes) continue;
        const double p = fmin(fmax((double)output[said], 0), 1);
        surplus[p < 1 ? (size_t)(p * BINS) : BINS - 1] += p - (test->target[i] == (float)said);
        n++;
    }
    for (size_t b = 0; b < BINS; b++) error += fabs(surplus[b]);
    if (n > 0)
        fr_text_add(
            out,
            "\nProbabilities of the predicted class are off by %.4f on average (expected "
            "calibration error over ten bins, Guo et al. 2017).\n",
            error / (double)n);
}

static fr_status add_classes(const fr_results_file *results, fr_text *out)
{
    enum { CLASSES_MAX = 100, CONFUSION_MAX = 12 };
    const size_t n = results->model.n_outputs;
    if (n > CLASSES_MAX) return FR_OK;
    size_t *counts = fr_alloc(n * n, sizeof *counts);
    if (counts == NULL) return FR_ERR_MEMORY;
    count_classes(results, counts);
    fr_text_add(out,
                "\nBy class, on the test rows:\n\n| class | rows | precision | recall | F1 "
                "|\n|---|---|---|---|---|\n");
    for (size_t k = 0; k < n; k++) add_class(results, counts, k, out);
    if (n <= CONFUSION_MAX) add_confusion(results, counts, out);
    free(counts);
    if (fr_model_has_probabilities(&results->model)) add_calibration(results, out);
    return FR_OK;
}

/* ---- of a regression ---- */

static fr_status add_errors(const fr_results_file *results, fr_text *out)
{
    const fr_scored *test = &results->test;
    char mean[FR_NUMBER_SIZE], middle[FR_NUMBER_SIZE], most[FR_NUMBER_SIZE],
        worst[FR_NUMBER_SIZE];
    double sum = 0;
    double *size = fr_alloc(test->n, sizeof *size);
    if (size == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < test->n; i++) {
        const double error = (double)test->output[i] - (double)test->target[i];
        sum += error;
        size[i] = fabs(error);
    }
    qsort(size, test->n, sizeof *size, by_value);
    fr_text_add(
        out,
        "\nErrors on the test rows, predicted minus true: mean %s; half of them are "
        "smaller than %s, nine in ten than %s, the largest is %s.\n",
        fr_card_score(sum / (double)test->n, mean), fr_card_score(size[test->n / 2], middle),
        fr_card_score(size[test->n * 9 / 10], most), fr_card_score(size[test->n - 1], worst));
    free(size);
    return FR_OK;
}

/* ---- */

fr_status fr_card_scores(const fr_results_file *results, fr_text *out)
{
    const fr_study *study = results->study;
    const char *method = "";
    fr_text_add(
        out,
        "\n## What it is worth\n\n%s, %s is better.\n\n| rows | score | %.0f %% interval "
        "|\n|---|---|---|\n",
        fr_export_metric(study), study->maximize ? "more" : "less", 100 * level);
    FR_TRY(add_test(results, out, &method));
    FR_TRY(add_validation(results, out));
    add_nested(results, out);
    fr_text_add(
        out,
        "\nThe interval of the mean widens the variance of the folds for the training rows "
        "that they share (Nadeau and Bengio 2003)%s%s. The selected trial is the best of "
        "many, so its validation score flatters; the test score does not.\n",
        method[0] != '\0' ? "; that of the test score is " : "", method);
    if (results->nested.n > 0)
        fr_text_add(out, "Nested cross-validation judges search and selection, not this one "
                         "model: each outer fold by a search that never saw its rows.\n");
    if (results->test.n == 0) return FR_OK;
    return results->model.schema.learn == FR_LEARN_REGRESSION ? add_errors(results, out)
                                                              : add_classes(results, out);
}
