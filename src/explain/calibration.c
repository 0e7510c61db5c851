/* SPDX-License-Identifier: BSD-3-Clause */
/* calibration.c - whether probabilities mean what they say. */
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

typedef struct {
    float probability;
    bool came_true;
} entry;

static int by_probability(const void *a, const void *b)
{
    const float x = ((const entry *)a)->probability, y = ((const entry *)b)->probability;
    return (x > y) - (x < y);
}

/* numpy's linear percentile of sorted entries: share q of the way from first to last. */
static double edge_at(const entry *sorted, size_t n, double q)
{
    const double at = q * (double)(n - 1);
    const size_t below = (size_t)at, above = below + 1 < n ? below + 1 : below;
    const double low = (double)sorted[below].probability;
    return low + (at - (double)below) * ((double)sorted[above].probability - low);
}

static void close_bin(fr_calibration_bin *bin, size_t *n_out, double *error)
{
    if (bin->rows == 0) return;
    bin->predicted /= (double)bin->rows;
    bin->observed /= (double)bin->rows;
    *error += fabs(bin->predicted - bin->observed) * (double)bin->rows;
    ++*n_out;
}

fr_status fr_calibration_curve(const float *probability, const bool *came_true, size_t n,
                               size_t bins, fr_calibration_bin *out, size_t *n_out,
                               double *error)
{
    size_t at = 0;
    entry *sorted = fr_alloc(n, sizeof *sorted);
    *n_out = 0;
    *error = n > 0 ? 0.0 : NAN;
    if (sorted == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) sorted[i] = (entry){probability[i], came_true[i]};
    qsort(sorted, n, sizeof *sorted, by_probability);
    /* A bin ends with its upper edge, so that equal probabilities stay together. */
    for (size_t b = 0; n > 0 && b < bins; b++) {
        const double edge = edge_at(sorted, n, (double)(b + 1) / (double)bins);
        fr_calibration_bin *bin = &out[*n_out];
        *bin = (fr_calibration_bin){0};
        for (; at < n && (b + 1 == bins || (double)sorted[at].probability <= edge); at++) {
            bin->predicted += (double)sorted[at].probability;
            bin->observed += sorted[at].came_true;
            bin->rows++;
        }
        close_bin(bin, n_out, error);
    }
    if (n > 0) *error /= (double)n;
    free(sorted);
    return FR_OK;
}
