/* SPDX-License-Identifier: BSD-3-Clause */
/* prepare.c - the rows of a fold, preprocessed and, when they are few, kept so. Training on
 * kept rows copies 256 bytes a row where it would otherwise convert and scale 64 cells. */
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

static float *transformed(const fr_transform *transform, const fr_dataset *dataset,
                          const uint32_t *rows, size_t n, size_t stride)
{
    float *x = fr_alloc(n * stride, sizeof *x);
    if (x != NULL) fr_transform_apply(transform, dataset, rows, n, x, stride);
    return x;
}

static size_t stored_values(const fr_dataset *dataset, const uint32_t *rows, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += dataset->sparse.start[rows[i] + 1] - dataset->sparse.start[rows[i]];
    return (size_t)sum;
}

/* Sparse rows of a fold, when they are few. */
static fr_status keep_sparse(const fr_dataset *dataset, const uint32_t *const rows[2],
                             const size_t n[2], fr_prepared *p)
{
    fr_sparse_block *const kept[2] = {&p->train_rows, &p->valid_rows};
    size_t values[2], bytes = 0;
    for (size_t k = 0; k < 2; k++) {
        values[k] = stored_values(dataset, rows[k], n[k]);
        bytes += fr_sparse_bytes(n[k], values[k]);
    }
    if (bytes > FR_PREPARED_MAX) return FR_OK;
    for (size_t k = 0; k < 2; k++) {
        FR_TRY(fr_sparse_reserve(kept[k], n[k], values[k]));
        fr_transform_apply_sparse(&p->transform, dataset, rows[k], n[k], kept[k]);
    }
    p->bytes += bytes;
    return FR_OK;
}

size_t fr_row_inputs(const fr_prepared *prepared, const fr_dataset *dataset)
{
    const fr_schema *schema = &dataset->schema;
    if (!prepared->sparse) return prepared->transform.width;
    return schema->stored / schema->rows + 1;
}

fr_status fr_prepare(const fr_preprocess_options *options, const fr_dataset *dataset,
                     const uint32_t *const rows[2], const size_t n[2],
                     const fr_gram_source *solvers, fr_prepared *out)
{
    fr_prepared p = {0};
    FR_TRY(fr_transform_fit_shared(options, dataset, rows[0], n[0], solvers, &p.transform));
    p.stride = fr_network_stride(p.transform.width);
    p.bytes = n[0] * sizeof(float);
    p.train_y = fr_alloc(n[0], sizeof(float));
    if (p.train_y == NULL) goto failed;
    for (size_t i = 0; i < n[0]; i++)
        p.train_y[i] = (float)(((double)dataset->y[rows[0][i]] - p.transform.target_shift) *
                               p.transform.target_factor);

    const size_t row_bytes = p.stride * sizeof(float);
    p.sparse = dataset->schema.cell == FR_CELL_SPARSE && p.transform.projection == NULL;
    if (p.sparse) {
        if (keep_sparse(dataset, rows, n, &p) != FR_OK) goto failed;
    } else if (row_bytes > 0 && n[0] + n[1] <= FR_PREPARED_MAX / row_bytes) {
        p.train_x = transformed(&p.transform, dataset, rows[0], n[0], p.stride);
        p.valid_x = transformed(&p.transform, dataset, rows[1], n[1], p.stride);
        if (p.train_x == NULL || p.valid_x == NULL) goto failed;
        p.bytes += (n[0] + n[1]) * row_bytes;
    }
    *out = p;
    return FR_OK;

failed:
    fr_prepared_clear(&p);
    return FR_ERR_MEMORY;
}

void fr_prepared_clear(fr_prepared *prepared)
{
    fr_transform_clear(&prepared->transform);
    fr_sparse_clear(&prepared->train_rows);
    fr_sparse_clear(&prepared->valid_rows);
    free(prepared->train_x);
    free(prepared->valid_x);
    free(prepared->train_y);
    *prepared = (fr_prepared){0};
}
