/* SPDX-License-Identifier: BSD-3-Clause */
/* sparse.c - memory of sparse rows. */
#include "foldrank/sparse.h"

#include <stdlib.h>

#include "foldrank/memory.h"

fr_status fr_sparse_reserve(fr_sparse_block *block, size_t rows, size_t values)
{
    fr_sparse_clear(block);
    block->start = fr_alloc(rows + 1, sizeof *block->start);
    block->column = fr_alloc(values, sizeof *block->column);
    block->value = fr_alloc(values, sizeof *block->value);
    if (block->start == NULL || block->column == NULL || block->value == NULL) {
        fr_sparse_clear(block);
        return FR_ERR_MEMORY;
    }
    block->max_rows = rows;
    block->max_values = values;
    return FR_OK;
}

void fr_sparse_clear(fr_sparse_block *block)
{
    free(block->start);
    free(block->column);
    free(block->value);
    *block = (fr_sparse_block){0};
}

fr_sparse_rows fr_sparse_view(const fr_sparse_block *block)
{
    return (fr_sparse_rows){block->n, block->start, block->column, block->value};
}

size_t fr_sparse_bytes(size_t rows, size_t values)
{
    return (rows + 1) * sizeof(uint64_t) + values * (sizeof(uint32_t) + sizeof(float));
}
