/* SPDX-License-Identifier: BSD-3-Clause */
/* sparse.c - the first layer on sparse rows: only the weights of inputs that are not 0 are
 * read, only they have a gradient. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/hot.h"
#include "foldrank/memory.h"
#include "foldrank/network.h"
#include "internal.h"

enum { DIGIT = 11, BUCKETS = 1 << DIGIT, AHEAD = 4 };

struct fr_sparse_cell {
    uint32_t column, row;
    float value;
};

fr_status fr_sparse_columns_create(size_t capacity, fr_sparse_columns *out)
{
    *out = (fr_sparse_columns){.capacity = capacity};
    out->column = fr_alloc(capacity, sizeof *out->column);
    out->start = fr_alloc(capacity + 1, sizeof *out->start);
    out->row = fr_alloc(capacity, sizeof *out->row);
    out->value = fr_alloc(capacity, sizeof *out->value);
    for (size_t i = 0; i < 2; i++) out->cell[i] = fr_alloc(capacity, sizeof *out->cell[i]);
    const bool good = out->column != NULL && out->start != NULL && out->row != NULL &&
                      out->value != NULL && out->cell[0] != NULL && out->cell[1] != NULL;
    if (!good) fr_sparse_columns_clear(out);
    return good ? FR_OK : FR_ERR_MEMORY;
}

void fr_sparse_columns_clear(fr_sparse_columns *columns)
{
    free(columns->column);
    free(columns->start);
    free(columns->row);
    free(columns->value);
    free(columns->cell[0]);
    free(columns->cell[1]);
    *columns = (fr_sparse_columns){0};
}

/* By one digit of the column; cells of equal digits keep their order. */
static void sort_digit(const struct fr_sparse_cell *from, size_t n, unsigned shift,
                       struct fr_sparse_cell *to)
{
    size_t place[BUCKETS] = {0}, next = 0;
    for (size_t i = 0; i < n; i++) place[from[i].column >> shift & (BUCKETS - 1)]++;
    for (size_t b = 0; b < BUCKETS; b++) {
        const size_t count = place[b];
        place[b] = next;
        next += count;
    }
    for (size_t i = 0; i < n; i++)
        to[place[from[i].column >> shift & (BUCKETS - 1)]++] = from[i];
}

void fr_sparse_columns_make(const fr_sparse_rows *rows, size_t width, fr_sparse_columns *out)
{
    struct fr_sparse_cell *from = out->cell[0], *to = out->cell[1];
    size_t n = 0;
    for (size_t i = 0; i < rows->n; i++)
        for (uint64_t k = rows->start[i]; k < rows->start[i + 1]; k++)
            from[n++] = (struct fr_sparse_cell){rows->column[k], (uint32_t)i, rows->value[k]};
    for (unsigned shift = 0; shift < 32 && (width - 1) >> shift > 0; shift += DIGIT) {
        sort_digit(from, n, shift, to);
        struct fr_sparse_cell *sorted = to;
        to = from;
        from = sorted;
    }
    out->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || from[i].column != from[i - 1].column) {
            out->column[out->n] = from[i].column;
            out->start[out->n++] = i;
        }
        out->row[i] = from[i].row;
        out->value[i] = from[i].value;
    }
    out->start[out->n] = n;
}

size_t fr_sparse_columns_find(const fr_sparse_columns *columns, size_t column)
{
    size_t low = 0, high = columns->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (columns->column[middle] < column)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* z (tile rows, stride) += x w. Each sum is made from 0 and in the order of the columns, as
 * that of a dense product is; so leaving out zeros changes no bit. */
FR_HOT static void add_products(const fr_sparse_rows *x, const fr_tile *tile,
                                const float *weights, size_t width, float *z, size_t stride)
{
    float sum[FR_TILE_COLS];
    for (size_t i = 0; i < tile->rows; i++) {
        const uint64_t end = x->start[tile->row + i + 1];
        float *restrict out = z + i * stride;
        memset(sum, 0, tile->cols * sizeof *sum);
        for (uint64_t k = x->start[tile->row + i]; k < end; k++) {
            const float *restrict w = weights + x->column[k] * width;
            const float value = x->value[k];
            if (k + AHEAD < end) __builtin_prefetch(weights + x->column[k + AHEAD] * width);
            for (size_t j = 0; j < tile->cols; j++) sum[j] += value * w[j];
        }
        for (size_t j = 0; j < tile->cols; j++) out[j] += sum[j];
    }
}

void fr_sparse_forward(const fr_batch *batch, const float *params, const fr_tile *tile,
                       float *z)
{
    const fr_network *net = batch->network;
    add_products(&batch->input, tile, params + net->weights[1] + tile->col, net->width[1], z,
                 net->stride[1]);
}

FR_HOT void fr_sparse_gradient(const fr_batch *batch, const fr_tile *tile, size_t first,
                               size_t rows, float *out)
{
    const fr_network *net = batch->network;
    const fr_sparse_columns *x = batch->by_column;
    const float *delta = batch->delta[1] + tile->col;
    const size_t stride = net->stride[1], cols = tile->cols;
    memset(out, 0, tile->rows * cols * sizeof *out);
    for (size_t c = fr_sparse_columns_find(x, tile->row);
         c < x->n && x->column[c] < tile->row + tile->rows; c++) {
        float *restrict sum = out + (x->column[c] - tile->row) * cols;
        for (size_t k = x->start[c]; k < x->start[c + 1]; k++) {
            if (x->row[k] < first || x->row[k] >= first + rows) continue;
            const float *restrict d = delta + x->row[k] * stride;
            const float value = x->value[k];
            for (size_t j = 0; j < cols; j++) sum[j] += value * d[j];
        }
    }
}
