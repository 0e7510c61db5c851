/* SPDX-License-Identifier: BSD-3-Clause */
/* sparse.c - the inputs of a fit on sparse rows: kept for the whole fit, or made for each
 * batch.
 */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

/* Values that `rows` of these n rows can have together. */
static size_t most_together(const fr_trainer *t, const uint32_t *all, size_t n, size_t rows)
{
    const fr_dataset *dataset = t->request->dataset;
    const size_t most =
        fr_transform_most_values(&t->prepared->transform, dataset, all, n) * rows;
    return most < dataset->schema.stored ? most : dataset->schema.stored;
}

static size_t most_kept(const fr_sparse_block *kept, size_t rows)
{
    uint64_t most = 0;
    for (size_t i = 0; i < kept->n; i++)
        if (kept->start[i + 1] - kept->start[i] > most)
            most = kept->start[i + 1] - kept->start[i];
    return (size_t)most * rows;
}

fr_status fr_sparse_inputs_create(fr_trainer *t, size_t score_rows)
{
    const fr_fit_request *r = t->request;
    const size_t rows = t->batch.capacity;
    const bool kept = t->prepared->train_rows.n > 0;
    const size_t values = kept ? most_kept(&t->prepared->train_rows, rows)
                               : most_together(t, r->train, r->n_train, rows);
    FR_TRY(fr_sparse_reserve(&t->input, rows, values));
    FR_TRY(fr_sparse_columns_create(values, &t->columns));
    t->batch.by_column = &t->columns;
    if (kept) return FR_OK;
    const size_t trained = most_together(t, r->train, r->n_train, score_rows),
                 valid = most_together(t, r->valid, r->n_valid, score_rows);
    t->score_input = fr_alloc((size_t)t->threads, sizeof *t->score_input);
    if (t->score_input == NULL) return FR_ERR_MEMORY;
    for (int k = 0; k < t->threads; k++)
        FR_TRY(fr_sparse_reserve(&t->score_input[k], score_rows,
                                 trained > valid ? trained : valid));
    return FR_OK;
}

void fr_sparse_inputs_clear(fr_trainer *t)
{
    fr_sparse_clear(&t->input);
    fr_sparse_columns_clear(&t->columns);
    for (int k = 0; t->score_input != NULL && k < t->threads; k++)
        fr_sparse_clear(&t->score_input[k]);
    free(t->score_input);
}

static void copy_row(const fr_sparse_block *from, size_t row, fr_sparse_block *to, size_t i)
{
    const size_t n = (size_t)(from->start[row + 1] - from->start[row]);
    memcpy(to->column + to->start[i], from->column + from->start[row], n * sizeof *to->column);
    memcpy(to->value + to->start[i], from->value + from->start[row], n * sizeof *to->value);
    to->start[i + 1] = to->start[i] + n;
}

void fr_sparse_gather(fr_trainer *t, size_t first, size_t rows)
{
    const fr_prepared *p = t->prepared;
    const uint32_t *order = t->order + first;
    if (p->train_rows.n > 0) {
        t->input.n = rows;
        for (size_t i = 0; i < rows; i++) copy_row(&p->train_rows, order[i], &t->input, i);
    } else {
        for (size_t i = 0; i < rows; i++) t->gathered[i] = t->request->train[order[i]];
        fr_transform_apply_sparse(&p->transform, t->request->dataset, t->gathered, rows,
                                  &t->input);
    }
    t->batch.input = fr_sparse_view(&t->input);
    fr_sparse_columns_make(&t->batch.input, t->network.width[0], &t->columns);
}

void fr_sparse_score_rows(const fr_trainer *t, const fr_scored_rows *s, size_t first,
                          int thread, fr_batch *batch)
{
    if (s->kept != NULL && s->kept->n > 0) {
        batch->input = fr_sparse_view(s->kept);
        batch->input.start += first;
        batch->input.n = batch->rows;
        return;
    }
    fr_sparse_block *block = &t->score_input[thread];
    fr_transform_apply_sparse(&t->prepared->transform, t->request->dataset, s->rows + first,
                              batch->rows, block);
    batch->input = fr_sparse_view(block);
}
