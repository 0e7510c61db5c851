/* SPDX-License-Identifier: BSD-3-Clause */
/* calibration_fit.c - sigmoids and temperatures by maximum likelihood: Newton's method on
 * convex functions of two numbers and of one. Sums run in row order, in double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/calibrate.h"
#include "foldrank/memory.h"
#include "internal.h"

/* Rows with finite outputs, as scores. */
typedef struct {
    float *score;  /* (n, n_classes) */
    size_t *class; /* (n) */
    size_t n, n_classes;
} sample;

static fr_status take_sample(const fr_unseen *rows, sample *out)
{
    const size_t k = rows->n_classes;
    *out = (sample){.n_classes = k,
                    .score = fr_alloc(rows->n, k * sizeof *out->score),
                    .class = fr_alloc(rows->n, sizeof *out->class)};
    if (out->score == NULL || out->class == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < rows->n; i++) {
        const float *own = rows->output + i * k;
        bool finite = true;
        for (size_t c = 0; c < k; c++) finite = finite && isfinite(own[c]);
        if (!finite) continue;
        memcpy(out->score + out->n * k, own, k * sizeof *own);
        out->class[out->n++] = (size_t)rows->target[i];
    }
    if (rows->probable) fr_calibration_logs(out->score, out->n * k);
    return out->n > 0 ? FR_OK
                      : FR_FAIL(FR_ERR_DATA, "there are no out-of-fold predictions to "
                                             "calibrate by");
}

/* ---- Platt ---- */

/* A logistic regression of one input on targets between 0 and 1. */
typedef struct {
    const double *x; /* every `step`-th number */
    size_t step, n;
    const size_t *class;
    size_t positive;
    double scale;     /* of x, so that Newton's steps are about 1 */
    double target[2]; /* of the other rows, and of the positive ones */
    double line[2];   /* slope, intercept */
} logistic;

/* Sum of -t log p - (1 - t) log(1 - p), p = sigmoid(slope x + intercept). */
static double cost_of(const logistic *l, const double line[2])
{
    double sum = 0;
    for (size_t i = 0; i < l->n; i++) {
        const double z = line[0] * l->x[i * l->step] * l->scale + line[1];
        const double t = l->target[l->class[i] == l->positive];
        sum += (z >= 0 ? (1.0 - t) * z : -t * z) + log1p(exp(-fabs(z)));
    }
    return sum;
}

/* Newton's step; returns the square of the slope along it. */
static double newton_step(const logistic *l, double step[2])
{
    double g[2] = {0}, h[3] = {1e-12, 0, 1e-12}; /* never singular */
    for (size_t i = 0; i < l->n; i++) {
        const double x = l->x[i * l->step] * l->scale;
        const double z = l->line[0] * x + l->line[1];
        const double p = z >= 0 ? 1.0 / (1.0 + exp(-z)) : exp(z) / (1.0 + exp(z));
        const double d = p - l->target[l->class[i] == l->positive], w = p * (1.0 - p);
        g[0] += d * x;
        g[1] += d;
        h[0] += w * x * x;
        h[1] += w * x;
        h[2] += w;
    }
    const double det = h[0] * h[2] - h[1] * h[1];
    step[0] = -(h[2] * g[0] - h[1] * g[1]) / det;
    step[1] = -(h[0] * g[1] - h[1] * g[0]) / det;
    return -(g[0] * step[0] + g[1] * step[1]);
}

/* Lin, Lin and Weng (Machine Learning 68, 2007): Newton's method with steps halved until the
 * cost falls enough. */
static void fit_logistic(logistic *l)
{
    enum { STEPS_MAX = 100, HALVINGS_MAX = 40 };
    double cost = cost_of(l, l->line);
    for (int k = 0; k < STEPS_MAX; k++) {
        double step[2], share = 1.0, next[2], new_cost = cost;
        const double decrease = newton_step(l, step);
        if (!(decrease > 1e-14 * (1.0 + cost))) return;
        for (int j = 0; j < HALVINGS_MAX; j++, share /= 2) {
            for (size_t d = 0; d < 2; d++) next[d] = l->line[d] + share * step[d];
            new_cost = cost_of(l, next);
            if (new_cost <= cost - 1e-4 * share * decrease) break;
        }
        if (!(new_cost < cost)) return;
        memcpy(l->line, next, sizeof next);
        cost = new_cost;
    }
}

static void fit_sigmoid(const double *x, size_t step, const sample *s, size_t positive,
                        double out[2])
{
    double most = 0, positives = 0;
    for (size_t i = 0; i < s->n; i++) {
        most = fmax(most, fabs(x[i * step]));
        positives += s->class[i] == positive;
    }
    const double others = (double)s->n - positives;
    logistic l = {.x = x,
                  .step = step,
                  .n = s->n,
                  .class = s->class,
                  .positive = positive,
                  .scale = most > 0 ? 1.0 / most : 1.0,
                  .target = {1.0 / (others + 2.0), (positives + 1.0) / (positives + 2.0)},
                  .line = {0.0, log((positives + 1.0) / (others + 1.0))}};
    fit_logistic(&l);
    out[0] = l.line[0] * l.scale;
    out[1] = l.line[1];
}

static fr_status fit_platt(const sample *s, fr_calibration *out)
{
    const size_t n = s->n_classes == 2 ? 1 : s->n_classes;
    double *feature = fr_alloc(s->n, n * sizeof *feature);
    out->n = n;
    out->sigmoid = fr_alloc(2 * n, sizeof *out->sigmoid);
    if (feature == NULL || out->sigmoid == NULL) {
        free(feature);
        return FR_ERR_MEMORY;
    }
    for (size_t i = 0; i < s->n; i++)
        fr_calibration_features(out->log_scores, s->score + i * s->n_classes, s->n_classes,
                                feature + i * n);
    for (size_t k = 0; k < n; k++)
        fit_sigmoid(feature + k, n, s, n == 1 ? 1 : k, out->sigmoid + 2 * k);
    free(feature);
    return FR_OK;
}

/* ---- temperature ---- */

/* First and second derivative of the mean of -log softmax(beta s) of the class. */
static void slope_at(const sample *s, double beta, double *slope, double *curvature)
{
    *slope = *curvature = 0;
    for (size_t i = 0; i < s->n; i++) {
        const float *z = s->score + i * s->n_classes;
        double most = (double)z[0], sum = 0, mean = 0, square = 0;
        for (size_t k = 1; k < s->n_classes; k++) most = fmax(most, (double)z[k]);
        for (size_t k = 0; k < s->n_classes; k++) {
            const double d = (double)z[k] - most, e = exp(beta * d);
            sum += e;
            mean += e * d;
            square += e * d * d;
        }
        mean /= sum;
        *slope += (mean + most - (double)z[s->class[i]]) / (double)s->n;
        *curvature += (square / sum - mean * mean) / (double)s->n;
    }
}

/* The cost is convex in beta = 1 / temperature: Newton's method, halving the bracket where it
 * leaves it. */
static double fit_temperature(const sample *s)
{
    enum { STEPS_MAX = 200 };
    double low = 1e-3, high = 1e3, beta = 1, slope, curvature;
    for (int k = 0; k < STEPS_MAX && high - low > 1e-13 * high; k++) {
        slope_at(s, beta, &slope, &curvature);
        if (slope == 0) break;
        if (slope > 0)
            high = beta;
        else
            low = beta;
        const double next = beta - slope / curvature;
        const double last = beta;
        beta = next > low && next < high ? next : sqrt(low * high);
        if (fabs(beta - last) <= 1e-14 * beta) break;
    }
    return 1.0 / beta;
}

fr_status fr_calibration_fit(fr_calibrate_method method, const fr_unseen *rows,
                             fr_calibration *out)
{
    sample s = {0};
    *out = (fr_calibration){.method = method, .log_scores = rows->probable};
    if (method == FR_CALIBRATE_NONE) return FR_OK;
    fr_status st = take_sample(rows, &s);
    if (st == FR_OK && method == FR_CALIBRATE_PLATT) st = fit_platt(&s, out);
    if (st == FR_OK && method == FR_CALIBRATE_TEMPERATURE)
        out->temperature = fit_temperature(&s);
    free(s.score);
    free(s.class);
    if (st != FR_OK) fr_calibration_clear(out);
    return st;
}

/* ---- threshold ---- */

typedef struct {
    float probability;
    bool second;
} ranked;

static int by_probability(const void *a, const void *b)
{
    const float x = ((const ranked *)a)->probability, y = ((const ranked *)b)->probability;
    return (x < y) - (x > y);
}

/* One half, or halfway between neighbours that are apart: below the upper one also after
 * rounding. */
static float between(float low, float high)
{
    const float middle =
        low <= 0.5f && high > 0.5f ? 0.5f : (float)(0.5 * ((double)low + (double)high));
    return middle < high ? middle : low;
}

/* From the largest probability down, as many rows as are above the threshold said to be of the
 * second class. */
static float best_threshold(fr_metric metric, const ranked *rows, size_t n, uint64_t seconds)
{
    uint64_t truth[2] = {n - seconds, seconds}, guess[2] = {n, 0}, hit[2] = {n - seconds, 0};
    const fr_class_counts counts = {truth, guess, hit, 2};
    double best = fr_metric_of_counts(metric, &counts);
    float chosen = n > 0 ? between(rows[0].probability, 1.0f) : 0.5f;
    for (size_t i = 0; i < n; i++) {
        guess[0]--;
        guess[1]++;
        hit[rows[i].second] += rows[i].second ? 1 : (uint64_t)-1;
        if (i + 1 < n && rows[i + 1].probability == rows[i].probability) continue;
        const float low = i + 1 < n ? rows[i + 1].probability : 0.0f;
        const float threshold = between(low, rows[i].probability);
        const double score = fr_metric_of_counts(metric, &counts);
        const bool nearer = fabsf(threshold - 0.5f) < fabsf(chosen - 0.5f);
        if (!(threshold > 0) || score < best || (score == best && !nearer)) continue;
        best = score;
        chosen = threshold;
    }
    return chosen;
}

fr_status fr_threshold_tune(fr_metric metric, const float *target, const float *probability,
                            size_t n, float *threshold)
{
    uint64_t seconds = 0;
    size_t kept = 0;
    ranked *rows = fr_alloc(n, sizeof *rows);
    if (rows == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        if (isnan(probability[i])) continue;
        rows[kept] = (ranked){probability[i], target[i] > 0.5f};
        seconds += rows[kept++].second;
    }
    qsort(rows, kept, sizeof *rows, by_probability);
    *threshold = best_threshold(metric, rows, kept, seconds);
    free(rows);
    return FR_OK;
}
