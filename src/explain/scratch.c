/* SPDX-License-Identifier: BSD-3-Clause */
/* scratch.c - a private copy of some rows, whose cells can be exchanged. Sparse rows become
 * dense ones in it: a column that is exchanged has its values elsewhere afterwards. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

static size_t bytes_of_cell(fr_cell cell)
{
    return cell == FR_CELL_U8    ? sizeof(uint8_t)
           : cell == FR_CELL_I16 ? sizeof(int16_t)
                                 : sizeof(float);
}

static void copy_row(const fr_dataset *dataset, uint32_t row, size_t row_bytes, void *to)
{
    const fr_sparse_rows *sparse = &dataset->sparse;
    if (dataset->schema.cell != FR_CELL_SPARSE) {
        memcpy(to, (const unsigned char *)dataset->x + row * row_bytes, row_bytes);
        return;
    }
    for (uint64_t k = sparse->start[row]; k < sparse->start[row + 1]; k++)
        ((float *)to)[sparse->column[k]] = sparse->value[k];
}

fr_status fr_scratch_create(const fr_dataset *dataset, const uint32_t *rows, size_t n,
                            fr_scratch *out)
{
    const size_t cell = bytes_of_cell(dataset->schema.cell);
    *out = (fr_scratch){.dataset = *dataset,
                        .n = n,
                        .cell_bytes = cell,
                        .row_bytes = cell * dataset->schema.cols};
    out->cells = fr_alloc(n, out->row_bytes);
    out->rows = fr_alloc(n, sizeof *out->rows);
    if (out->cells == NULL || out->rows == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        out->rows[i] = (uint32_t)i;
        copy_row(dataset, rows[i], out->row_bytes, out->cells + i * out->row_bytes);
    }
    if (dataset->schema.cell == FR_CELL_SPARSE) out->dataset.schema.cell = FR_CELL_F32;
    out->dataset.sparse = (fr_sparse_rows){0};
    out->dataset.x = out->cells;
    out->dataset.schema.rows = n;
    return FR_OK;
}

void fr_scratch_clear(fr_scratch *scratch)
{
    free(scratch->cells);
    free(scratch->rows);
    *scratch = (fr_scratch){0};
}

void fr_scratch_set(fr_scratch *scratch, size_t i, size_t column, const fr_dataset *from,
                    uint32_t row)
{
    const size_t at = column * scratch->cell_bytes;
    unsigned char *to = scratch->cells + i * scratch->row_bytes + at;
    if (from->schema.cell == FR_CELL_SPARSE) {
        const float value = fr_cell_value(from, row, column);
        memcpy(to, &value, sizeof value);
        return;
    }
    memcpy(to, (const unsigned char *)from->x + row * scratch->row_bytes + at,
           scratch->cell_bytes);
}

static float stored_value(const fr_sparse_rows *sparse, size_t row, size_t column)
{
    uint64_t low = sparse->start[row], high = sparse->start[row + 1];
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (sparse->column[middle] == column) return sparse->value[middle];
        if (sparse->column[middle] < column)
            low = middle + 1;
        else
            high = middle;
    }
    return 0.0f;
}

float fr_cell_value(const fr_dataset *dataset, size_t row, size_t column)
{
    const size_t at = row * dataset->schema.cols + column;
    switch (dataset->schema.cell) {
    case FR_CELL_U8:
        return ((const uint8_t *)dataset->x)[at];
    case FR_CELL_I16:
        return ((const int16_t *)dataset->x)[at];
    case FR_CELL_SPARSE:
        return stored_value(&dataset->sparse, row, column);
    case FR_CELL_F32:
        break;
    }
    return ((const float *)dataset->x)[at];
}
