/* SPDX-License-Identifier: BSD-3-Clause */
/* score.c - what the present weights are worth on rows that did or did not train them. */
#include <omp.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

/* Outputs and loss of rows first .. first + batch->rows; returns the sum of their losses. */
static double score_chunk(const fr_trainer *t, const fr_scored_rows *s, size_t first,
                          fr_batch *b)
{
    const fr_network *net = &t->network;
    const fr_transform *transform = &t->prepared->transform;
    const bool regression = t->request->dataset->schema.learn == FR_LEARN_REGRESSION;
    float *out = s->outputs + first * net->width[net->n_layers];
    double sum = 0;

    if (net->sparse)
        fr_sparse_score_rows(t, s, first, omp_get_thread_num(), b);
    else if (s->x == NULL || net->factorises)
        fr_batch_load(b, transform, t->request->dataset, s->rows + first);
    else
        fr_batch_take(b, s->x + first * net->input_stride);
    for (size_t i = 0; i < b->rows; i++)
        b->y[i] = (float)(((double)s->y[first + i] - transform->target_shift) *
                          transform->target_factor);
    b->total_weight = (double)b->rows;
    fr_batch_forward(b, t->params);
    fr_head_run(b, 0, b->rows, out);
    fr_batch_take(b, NULL);
    for (size_t i = 0; i < b->rows; i++) sum += (double)b->loss[i];
    for (size_t i = 0; regression && i < b->rows; i++)
        out[i] = (float)((double)out[i] / transform->target_factor + transform->target_shift);
    return sum;
}

/* Each process has computed its chunks: outputs and sums of the others. */
static void share_scores(const fr_trainer *t, const fr_scored_rows *s, double *sums, size_t n)
{
    const fr_fit_group *group = t->request->group;
    const size_t chunk = t->score_batches[0].capacity;
    const size_t row_bytes = t->network.width[t->network.n_layers] * sizeof *s->outputs;
    size_t bounds[FR_GROUP_MAX + 1];
    fr_group_bounds(group, n, sizeof *sums, bounds);
    group->share(group->context, sums, bounds);
    fr_group_bounds(group, n, chunk * row_bytes, bounds);
    for (size_t k = 0; k <= group->size; k++)
        if (bounds[k] > s->n * row_bytes) bounds[k] = s->n * row_bytes;
    group->share(group->context, s->outputs, bounds);
}

fr_status fr_trainer_score(fr_trainer *t, const fr_scored_rows *s, double *score, double *loss)
{
    const size_t chunk = t->score_batches[0].capacity, n = (s->n + chunk - 1) / chunk;
    const fr_fit_group *group = t->request->group;
    size_t own[FR_GROUP_MAX + 1], first = 0, end = n;
    double *sums = fr_alloc(n, sizeof *sums);
    const fr_status st = fr_fit_agree(group, sums == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st != FR_OK) {
        free(sums);
        return st;
    }
    if (group != NULL) {
        fr_group_bounds(group, n, 1, own);
        first = own[group->index];
        end = own[group->index + 1];
    }
#pragma omp parallel for num_threads(t->threads) if (t->threads > 1) default(none)             \
    schedule(static) firstprivate(t, s, sums, first, end, chunk)
    for (size_t c = first; c < end; c++) {
        fr_batch *b = &t->score_batches[omp_get_thread_num()];
        b->rows = s->n - c * chunk < chunk ? s->n - c * chunk : chunk;
        sums[c] = score_chunk(t, s, c * chunk, b);
    }
    if (group != NULL) share_scores(t, s, sums, n);
    *loss = 0;
    for (size_t c = 0; c < n; c++) *loss += sums[c];
    *loss /= (double)s->n;
    free(sums);
    const fr_metric_rows all = {.y = s->y,
                                .output = s->outputs,
                                .n = s->n,
                                .n_outputs = t->network.width[t->network.n_layers],
                                .dataset = t->request->dataset,
                                .row = s->rows};
    return fr_fit_agree(group, fr_metric_score_rows(t->request->metric, &all, score));
}
