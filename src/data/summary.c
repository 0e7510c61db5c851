/* SPDX-License-Identifier: BSD-3-Clause */
/* summary.c - mean, deviation and what fills the gaps of one column. */
#include <math.h>
#include <stdlib.h>

#include "transform.h"

/* Sums run over LANES numbers side by side: in an order that depends on the rows only, and that
 * vector instructions can follow. */
enum { LANES = 8 };

typedef struct {
    double sum, mean, squares; /* of the values present, about their own mean */
    double low, high;
} moments;

static double add_lanes(const double lane[LANES])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static double sum_values(const float *v, size_t n)
{
    double lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++) lane[j] += v[i + j];
    for (size_t j = 0; i < n; i++, j++) lane[j] += v[i];
    return add_lanes(lane);
}

static double sum_squares(const float *v, size_t n, double mean)
{
    double lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++) lane[j] += (v[i + j] - mean) * (v[i + j] - mean);
    for (size_t j = 0; i < n; i++, j++) lane[j] += (v[i] - mean) * (v[i] - mean);
    return add_lanes(lane);
}

static moments moments_of_values(const float *v, size_t n)
{
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        low = v[i] < low ? v[i] : low;
        high = v[i] > high ? v[i] : high;
    }
    moments m = {.sum = sum_values(v, n), .low = low, .high = high};
    m.mean = n > 0 ? m.sum / (double)n : 0;
    m.squares = sum_squares(v, n, m.mean);
    return m;
}

static moments moments_of_counts(const fr_cells *cells)
{
    size_t first = 0, last = cells->bins - 1;
    while (first < last && cells->count[first] == 0) first++;
    while (last > first && cells->count[last] == 0) last--;
    moments m = {.low = cells->low + (double)first, .high = cells->low + (double)last};
    for (size_t b = first; b <= last; b++)
        m.sum += (double)cells->count[b] * (cells->low + (double)b);
    m.mean = m.sum / (double)cells->n;
    for (size_t b = first; b <= last; b++) {
        const double distance = cells->low + (double)b - m.mean;
        m.squares += (double)cells->count[b] * distance * distance;
    }
    return m;
}

static int compare_floats(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

/* Of several equally frequent ones the smallest. */
static double most_frequent(const fr_cells *cells)
{
    size_t best = 0, best_count = 0, start = 0;
    if (cells->count != NULL) {
        for (size_t b = 1; b < cells->bins; b++)
            if (cells->count[b] > cells->count[best]) best = b;
        return cells->low + (double)best;
    }
    float *v = cells->values;
    qsort(v, cells->n_values, sizeof *v, compare_floats);
    for (size_t i = 0; i < cells->n_values; i++) {
        if (v[i] != v[start]) start = i;
        if (i + 1 - start <= best_count) continue;
        best_count = i + 1 - start;
        best = start;
    }
    return v[best];
}

static double find_fill(const fr_cells *cells, const fr_preprocess_options *options,
                        double mean)
{
    const size_t n = cells->count != NULL ? cells->n : cells->n_values;
    if (options->impute == FR_IMPUTE_CONSTANT) return options->fill_value;
    if (n == 0) return 0;
    if (options->impute == FR_IMPUTE_MEAN) return mean;
    return options->impute == FR_IMPUTE_MEDIAN ? fr_quantile(cells, n, 0.5)
                                               : most_frequent(cells);
}

/* Count the filled rows in: they move the mean, and squares about another centre follow from
 * those about the own one (Steiner). */
static void add_fills(const fr_cells *cells, const moments *m, fr_summary *out)
{
    const double all = (double)cells->n, present = (double)cells->n_values,
                 absent = (double)(cells->n - cells->n_values), fill = out->fill;
    out->mean = (m->sum + absent * fill) / all;
    const double moved = m->mean - out->mean, far = fill - out->mean;
    out->deviation = sqrt((m->squares + present * moved * moved + absent * far * far) / all);
    out->low = cells->n_values > 0 && m->low < fill ? m->low : fill;
    out->high = cells->n_values > 0 && m->high > fill ? m->high : fill;
    for (size_t i = cells->n_values; i < cells->n; i++) cells->values[i] = (float)fill;
}

void fr_cells_summarise(const fr_cells *cells, const fr_preprocess_options *options,
                        fr_summary *out)
{
    const moments m = cells->count != NULL ? moments_of_counts(cells)
                                           : moments_of_values(cells->values, cells->n_values);
    *out = (fr_summary){.fill = find_fill(cells, options, m.mean),
                        .low = m.low,
                        .high = m.high,
                        .mean = m.mean,
                        .deviation = sqrt(m.squares / (double)cells->n)};
    if (cells->count == NULL && cells->n_values < cells->n) add_fills(cells, &m, out);
    out->constant = out->low == out->high;
    if (options->scale != FR_SCALE_ROBUST) return;
    out->q25 = fr_quantile(cells, cells->n, 0.25);
    out->q50 = fr_quantile(cells, cells->n, 0.5);
    out->q75 = fr_quantile(cells, cells->n, 0.75);
}
