/* SPDX-License-Identifier: BSD-3-Clause */
/* transform.h - between the files that fit, apply and store a transform. */
#ifndef FR_DATA_TRANSFORM_H
#define FR_DATA_TRANSFORM_H

#include "foldrank/preprocess.h"

/* Neighbouring columns that become neighbouring outputs. */
typedef struct {
    size_t from, to, n; /* first column, first output, how many */
} fr_run;

/* All numbers by runs; then the one-hot columns. */
struct fr_transform_plan {
    float *fill, *shift, *factor; /* (cols) */
    fr_run *runs;
    size_t n_runs;
    size_t *onehot; /* their columns */
    size_t n_onehot;
};

FR_CHECKED fr_status fr_transform_make_plan(fr_transform *transform);

/* The training rows' cells of one column: as how often each value occurs (narrow integers), or
 * as values. */
typedef struct {
    const uint32_t *count; /* (bins) of the values low, low + 1, ...; or NULL */
    size_t bins;
    int low;
    float *values; /* (n): those that are not missing, in row order; get overwritten */
    size_t n_values;
    size_t n;         /* rows */
    uint32_t *key[2]; /* (n) scratch, with values */
} fr_cells;

/* What a column of numbers looks like after imputing. */
typedef struct {
    bool constant;
    double fill;
    double low, high, mean, deviation; /* of all rows, filled */
    double q25, q50, q75;              /* for robust scaling; as numpy's linear quantiles */
} fr_summary;

void fr_cells_summarise(const fr_cells *cells, const fr_preprocess_options *options,
                        fr_summary *out);
/* n > 0 values; q in [0, 1]. */
double fr_quantile(const fr_cells *cells, size_t n, double q);

#endif
