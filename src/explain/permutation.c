/* SPDX-License-Identifier: BSD-3-Clause */
/* permutation.c - how much a model loses when a column tells it nothing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "internal.h"

static int by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

fr_status fr_explain_sample(const uint32_t *rows, size_t n, size_t most, uint64_t seed,
                            uint32_t fold, uint32_t **out, size_t *n_out)
{
    fr_rng rng = fr_rng_make(seed, FR_RNG_SAMPLE, 0, fold, 0);
    *n_out = n < most ? n : most;
    *out = fr_alloc(n, sizeof **out);
    if (*out == NULL) return FR_ERR_MEMORY;
    if (n > 0) memcpy(*out, rows, n * sizeof *rows);
    if (n <= most) return FR_OK;
    fr_rng_shuffle(&rng, *out, n);
    qsort(*out, most, sizeof **out, by_number);
    return FR_OK;
}

/* What the scoring of one permutation needs. */
typedef struct {
    const fr_permutation *request;
    fr_scratch scratch;
    uint32_t *order; /* (n) row i gets the cell of row order[i] */
    float *y;        /* (n) */
    float *output;   /* (n, n_outputs) */
} session;

static fr_status score_rows(session *s, double *score)
{
    const fr_permutation *r = s->request;
    FR_TRY(fr_model_predict(r->model, &s->scratch.dataset, s->scratch.rows, r->n, s->output));
    const fr_metric_rows all = {.y = s->y,
                                .output = s->output,
                                .n = r->n,
                                .n_outputs = r->model->n_outputs,
                                .dataset = r->dataset,
                                .row = r->rows};
    return fr_metric_score_rows(r->metric, &all, score);
}

static void deal(session *s, size_t column, size_t repeat)
{
    const fr_permutation *r = s->request;
    fr_rng rng = fr_rng_make(r->seed, FR_RNG_PERMUTE, r->trial, r->fold,
                             (uint32_t)(column * r->repeats + repeat));
    for (size_t i = 0; i < r->n; i++) s->order[i] = (uint32_t)i;
    fr_rng_shuffle(&rng, s->order, r->n);
    for (size_t i = 0; i < r->n; i++)
        fr_scratch_set(&s->scratch, i, column, r->dataset, r->rows[s->order[i]]);
}

static void restore(session *s, size_t column)
{
    const fr_permutation *r = s->request;
    for (size_t i = 0; i < r->n; i++)
        fr_scratch_set(&s->scratch, i, column, r->dataset, r->rows[i]);
}

static fr_status run_columns(session *s, double *drop)
{
    const fr_permutation *r = s->request;
    const double sign = fr_metric_maximizes(r->metric) ? 1.0 : -1.0;
    double base = 0.0, score = 0.0;
    FR_TRY(score_rows(s, &base));
    for (size_t j = r->first; j < r->dataset->schema.cols; j += r->step) {
        if (r->stop != NULL && atomic_load(r->stop))
            return FR_FAIL(FR_STOPPED, "stopped while the model was explained");
        for (size_t k = 0; k < r->repeats; k++) {
            deal(s, j, k);
            FR_TRY(score_rows(s, &score));
            *drop++ = sign * (base - score);
        }
        restore(s, j);
    }
    return FR_OK;
}

fr_status fr_permutation_run(const fr_permutation *request, double *drop)
{
    const size_t n = request->n;
    session s = {.request = request,
                 .order = fr_alloc(n, sizeof *s.order),
                 .y = fr_alloc(n, sizeof *s.y),
                 .output = fr_alloc(n, request->model->n_outputs * sizeof *s.output)};
    fr_status st = s.order == NULL || s.y == NULL || s.output == NULL ? FR_ERR_MEMORY : FR_OK;
    if (n < 2) { /* there is nothing to exchange */
        const size_t cols = request->dataset->schema.cols, step = request->step;
        const size_t n_drop = (cols + step - 1 - request->first) / step * request->repeats;
        for (size_t i = 0; i < n_drop; i++) drop[i] = NAN;
        goto out;
    }
    if (st == FR_OK) st = fr_scratch_create(request->dataset, request->rows, n, &s.scratch);
    for (size_t i = 0; st == FR_OK && i < n; i++)
        s.y[i] = request->dataset->y[request->rows[i]];
    if (st == FR_OK) st = run_columns(&s, drop);
out:
    fr_scratch_clear(&s.scratch);
    free(s.order);
    free(s.y);
    free(s.output);
    return st;
}
