/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - rows that may be changed: a private copy of some rows of a data set. All Local.
 */
#ifndef FR_EXPLAIN_INTERNAL_H
#define FR_EXPLAIN_INTERNAL_H

#include "foldrank/explain.h"

/* Looks like a data set of n rows, numbered from 0. */
typedef struct {
    fr_dataset dataset; /* schema borrowed from the original */
    unsigned char *cells;
    uint32_t *rows; /* (n) 0, 1, 2, ... */
    size_t n;
    size_t cell_bytes, row_bytes;
} fr_scratch;

FR_CHECKED fr_status fr_scratch_create(const fr_dataset *dataset, const uint32_t *rows,
                                       size_t n, fr_scratch *out);
void fr_scratch_clear(fr_scratch *scratch);

/* Column `column` of row i := that of `row` of another data set of the same schema. */
void fr_scratch_set(fr_scratch *scratch, size_t i, size_t column, const fr_dataset *from,
                    uint32_t row);

/* The curve of two classes' second one's probability, of more of the predicted class's. */
FR_CHECKED fr_status fr_calibration_curve_of(const fr_unseen *rows, size_t bins,
                                             fr_calibration_bin *out, size_t *n_out,
                                             double *error);

/* A cell as a number; NaN where missing. */
float fr_cell_value(const fr_dataset *dataset, size_t row, size_t column);

#endif
