/* SPDX-License-Identifier: BSD-3-Clause */
/* transform_project.c - features through the projection that may follow them.
 *
 * Features are never all laid out: the numbers of some rows and columns stand in a small table
 * and are multiplied from there; a level of a category adds its row of the weights, and so does
 * a cell of a sparse row. Sums over features run in the same order whatever rows come together,
 * so a row has the same bits in any batch. */
#include <math.h>
#include <string.h>

#include "foldrank/hot.h"
#include "foldrank/linalg.h"
#include "transform.h"

enum {
    ROWS = 64,
    COLUMNS = 256,
    OUTPUTS = FR_GEMM_SMALL / (ROWS * COLUMNS) /* of one product: see fr_gemm */
};

/* Rows that are projected. */
typedef struct {
    const fr_transform *transform;
    const fr_projection *projection;
    const fr_dataset *dataset;
    const uint32_t *rows;
    size_t n;
    float *out; /* (n, stride) */
    size_t stride;
} strip;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

FR_HOT static void add_row(const fr_projection *p, size_t feature, float value,
                           float *restrict out)
{
    const float *restrict w = p->weights + feature * p->out;
    for (size_t j = 0; j < p->out; j++) out[j] += value * w[j];
}

/* out += table (rows, lda) from column `from` on, which are the features of the run. */
static void add_product(const strip *s, const fr_run *run, const float *table, size_t lda,
                        float *out, size_t rows)
{
    const fr_projection *p = s->projection;
    for (size_t j = 0; j < p->out; j += OUTPUTS) {
        const fr_gemm_shape shape = {.m = rows,
                                     .n = least(OUTPUTS, p->out - j),
                                     .k = run->n,
                                     .lda = lda,
                                     .ldb = p->out,
                                     .ldc = s->stride,
                                     .accumulate = true};
        fr_gemm(&shape, table, p->weights + run->to * p->out + j, out + j);
    }
}

/* Columns [first, first + n) that are numbers. */
static void add_numbers(const strip *s, size_t first, size_t n)
{
    float table[ROWS * COLUMNS];
    const struct fr_transform_plan *plan = s->transform->plan;
    for (size_t r = 0; r < s->n; r += ROWS) {
        const size_t rows = least(ROWS, s->n - r);
        fr_transform_numbers(s->transform, s->dataset, s->rows + r, rows,
                             &(fr_run){.from = first, .n = n}, table);
        for (size_t i = 0; i < plan->n_runs; i++) {
            const fr_run *run = &plan->runs[i];
            const size_t from = run->from > first ? run->from : first,
                         end = least(run->from + run->n, first + n);
            if (from >= end) continue;
            const fr_run part = {.to = run->to + (from - run->from), .n = end - from};
            add_product(s, &part, table + (from - first), n, s->out + r * s->stride, rows);
        }
    }
}

static void add_levels(const strip *s, size_t column)
{
    const fr_feature *feature = &s->transform->features[column];
    for (size_t r = 0; r < s->n; r++) {
        size_t output;
        float value;
        const float cell = fr_dense_cell(s->dataset, s->rows[r] * s->transform->cols + column);
        if (fr_transform_cell(feature, cell, &output, &value))
            add_row(s->projection, output, value, s->out + r * s->stride);
    }
}

static void project_dense(const strip *s)
{
    const struct fr_transform_plan *plan = s->transform->plan;
    if (plan->n_runs > 0) {
        const fr_run *last = &plan->runs[plan->n_runs - 1];
        const size_t end = last->from + last->n;
        for (size_t c = plan->runs[0].from; c < end; c += COLUMNS)
            add_numbers(s, c, least(COLUMNS, end - c));
    }
    for (size_t i = 0; i < plan->n_onehot; i++) add_levels(s, plan->onehot[i]);
}

static size_t count_cells(const strip *s, size_t row)
{
    const fr_sparse_rows *x = &s->dataset->sparse;
    if (s->dataset->schema.cell != FR_CELL_SPARSE) return s->transform->cols;
    return (size_t)(x->start[row + 1] - x->start[row]);
}

/* Feature and value of cell k of a row; false: nothing to add. */
static bool find_cell(const strip *s, size_t row, size_t k, size_t *feature, float *value)
{
    const fr_transform *t = s->transform;
    const fr_sparse_rows *x = &s->dataset->sparse;
    const bool sparse = s->dataset->schema.cell == FR_CELL_SPARSE;
    const size_t at = sparse ? (size_t)x->start[row] + k : 0, c = sparse ? x->column[at] : k;
    const float cell = sparse ? x->value[at] : fr_dense_cell(s->dataset, row * t->cols + c);
    return fr_transform_cell(&t->features[c], fr_transform_weigh(t, cell), feature, value);
}

/* What a stored cell is instead of: the value of 0. */
static void take_zeros(const strip *s, size_t row, float *out)
{
    const fr_transform *t = s->transform;
    const fr_sparse_rows *x = &s->dataset->sparse;
    size_t feature;
    float value;
    for (size_t c = 0; c < t->cols; c++)
        if (fr_transform_cell(&t->features[c], 0, &feature, &value))
            add_row(s->projection, feature, value, out);
    for (uint64_t k = x->start[row]; k < x->start[row + 1]; k++)
        if (fr_transform_cell(&t->features[x->column[k]], 0, &feature, &value))
            add_row(s->projection, feature, -value, out);
}

/* Rows cell by cell: those that are sparse, or get length 1 first. */
static void project_cells(const strip *s)
{
    const bool zeros = s->dataset->schema.cell != FR_CELL_SPARSE ||
                       fr_transform_features_keep_zeros(s->transform);
    for (size_t r = 0; r < s->n; r++) {
        const size_t row = s->rows[r], n = count_cells(s, row);
        double squares = 0, factor = 1;
        size_t feature;
        float value, *out = s->out + r * s->stride;
        if (!zeros) take_zeros(s, row, out);
        for (size_t k = 0; s->transform->tfidf && k < n; k++)
            if (find_cell(s, row, k, &feature, &value))
                squares += (double)value * (double)value;
        if (squares > 0) factor = 1.0 / sqrt(squares);
        for (size_t k = 0; k < n; k++)
            if (find_cell(s, row, k, &feature, &value))
                add_row(s->projection, feature, (float)((double)value * factor), out);
    }
}

void fr_transform_project(const fr_transform *transform, const fr_dataset *dataset,
                          const uint32_t *rows, size_t n, float *out, size_t stride)
{
    const fr_projection *p = transform->projection;
    const strip s = {transform, p, dataset, rows, n, out, stride};
    for (size_t r = 0; r < n; r++) {
        memcpy(out + r * stride, p->bias, p->out * sizeof *out);
        memset(out + r * stride + p->out, 0, (stride - p->out) * sizeof *out);
    }
    if (dataset->schema.cell == FR_CELL_SPARSE || transform->tfidf)
        project_cells(&s);
    else
        project_dense(&s);
    for (size_t r = 0; r < n && p->amplitude > 0; r++)
        for (size_t j = 0; j < p->out; j++)
            out[r * stride + j] = p->amplitude * cosf(out[r * stride + j]);
}
