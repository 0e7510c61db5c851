/* SPDX-License-Identifier: BSD-3-Clause */
/* sparse.h - rows of which only the values that are not 0 are stored (compressed sparse rows).
 * All functions are Local. */
#ifndef FR_SPARSE_H
#define FR_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#include "foldrank/status.h"

/* Row i holds value[k] in column[k] for k from start[i] to start[i + 1]; columns ascend within
 * a row. start[0] need not be 0: rows [first, first + n) of others are {n, start + first,
 * column, value}. All borrowed. */
typedef struct {
    size_t n;
    const uint64_t *start; /* (n + 1) */
    const uint32_t *column;
    const float *value;
} fr_sparse_rows;

/* Rows with memory of their own. Start with {0}; release with fr_sparse_clear. */
typedef struct {
    size_t n;        /* rows in use */
    uint64_t *start; /* (max_rows + 1) */
    uint32_t *column;
    float *value;
    size_t max_rows, max_values;
} fr_sparse_block;

/* Room for so many rows and values in all; what the block held is lost. FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_sparse_reserve(fr_sparse_block *block, size_t rows, size_t values);
void fr_sparse_clear(fr_sparse_block *block);

/* The rows of a block, until it is written to again. */
fr_sparse_rows fr_sparse_view(const fr_sparse_block *block);

/* Bytes that fr_sparse_reserve takes. */
size_t fr_sparse_bytes(size_t rows, size_t values);

#endif
