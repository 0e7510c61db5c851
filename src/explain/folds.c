/* SPDX-License-Identifier: BSD-3-Clause */
/* folds.c - what the folds' models gave, as messages and put together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

void fr_fold_explanation_clear(fr_fold_explanation *fold)
{
    free(fold->row);
    free(fold->output);
    free(fold->drop);
    *fold = (fr_fold_explanation){0};
}

void fr_fold_explanation_pack(const fr_fold_explanation *fold, fr_pack *out)
{
    fr_pack_u32(out, fold->fold);
    fr_pack_u32(out, fold->part);
    fr_pack_u32(out, fold->parts);
    fr_pack_u64(out, fold->n);
    fr_pack_u64(out, fold->n_outputs);
    fr_pack_u64(out, fold->n_columns);
    fr_pack_u64(out, fold->repeats);
    for (size_t i = 0; i < fold->n; i++) fr_pack_u32(out, fold->row[i]);
    fr_pack_bytes(out, fold->output, fold->n * fold->n_outputs * sizeof *fold->output);
    fr_pack_doubles(out, fold->drop, fold->n_columns * fold->repeats);
}

/* Whether n times m things of `size` bytes can still be there. */
static bool fits(const fr_unpack *in, size_t n, size_t m, size_t size)
{
    const size_t left = fr_unpack_left(in) / size;
    return n == 0 || m == 0 || (n <= left && m <= left / n);
}

fr_status fr_fold_explanation_unpack(fr_unpack *in, fr_fold_explanation *out)
{
    *out = (fr_fold_explanation){.fold = fr_unpack_u32(in), .part = fr_unpack_u32(in)};
    out->parts = fr_unpack_u32(in);
    out->n = fr_unpack_u64(in);
    out->n_outputs = fr_unpack_u64(in);
    out->n_columns = fr_unpack_u64(in);
    out->repeats = fr_unpack_u64(in);
    if (in->failed || !fits(in, out->n, 1, sizeof *out->row) ||
        !fits(in, out->n, out->n_outputs, sizeof *out->output) ||
        !fits(in, out->n_columns, out->repeats, sizeof *out->drop))
        return FR_FAIL(FR_ERR_MPI, "a message with an explanation is damaged");
    const size_t n_output = out->n * out->n_outputs, n_drop = out->n_columns * out->repeats;
    out->row = fr_alloc(out->n, sizeof *out->row);
    out->output = fr_alloc(n_output, sizeof *out->output);
    out->drop = fr_alloc(n_drop, sizeof *out->drop);
    if (out->row == NULL || out->output == NULL || out->drop == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < out->n; i++) out->row[i] = fr_unpack_u32(in);
    const void *bytes = fr_unpack_bytes(in, n_output * sizeof *out->output);
    if (bytes != NULL && n_output > 0)
        memcpy(out->output, bytes, n_output * sizeof *out->output);
    fr_unpack_doubles(in, out->drop, n_drop);
    return in->failed ? FR_FAIL(FR_ERR_MPI, "a message with an explanation is damaged") : FR_OK;
}

static double mean_of(const double *values, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += values[i];
    return n > 0 ? sum / (double)n : NAN;
}

/* Mean square distance from the mean, n - 1 in the denominator; NaN with one value. */
static double variance_of(const double *values, size_t n)
{
    const double mean = mean_of(values, n);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += (values[i] - mean) * (values[i] - mean);
    return n > 1 ? sum / (double)(n - 1) : NAN;
}

fr_status fr_explain_importance(const fr_fold_explanation *parts, size_t n_folds,
                                size_t n_parts, size_t n_features, fr_explanation *out)
{
    double *means = fr_alloc(n_folds, sizeof *means);
    double *squares = fr_alloc(n_folds, sizeof *squares);
    out->features = fr_alloc(n_features, sizeof *out->features);
    const bool good = means != NULL && squares != NULL && out->features != NULL;
    out->n_features = good ? n_features : 0;
    for (size_t j = 0; j < out->n_features; j++) {
        size_t n = 0; /* folds where the score is defined */
        for (size_t f = 0; f < n_folds; f++) {
            const fr_fold_explanation *part = &parts[f * n_parts + j % n_parts];
            const double *drop = part->drop + j / n_parts * part->repeats;
            means[n] = mean_of(drop, part->repeats);
            squares[n] = variance_of(drop, part->repeats);
            if (!isnan(means[n])) n++;
        }
        out->features[j] = (fr_explained_feature){.importance = mean_of(means, n),
                                                  .fold_sd = sqrt(variance_of(means, n)),
                                                  .repeat_sd = sqrt(mean_of(squares, n))};
    }
    free(means);
    free(squares);
    return good ? FR_OK : FR_ERR_MEMORY;
}

/* Which prediction a row has: number of the fold plus one, and its place there. */
typedef struct {
    uint32_t fold;
    size_t at;
} origin;

static origin *find_origins(const fr_fold_explanation *parts, size_t n_folds, size_t n_parts,
                            size_t n_rows, size_t *n)
{
    origin *from = fr_alloc(n_rows, sizeof *from);
    *n = 0;
    for (size_t f = 0; from != NULL && f < n_folds; f++) {
        const fr_fold_explanation *part = &parts[f * n_parts];
        for (size_t i = 0; i < part->n; i++) {
            origin *o = &from[part->row[i]];
            if (o->fold != 0) continue;
            *o = (origin){(uint32_t)f + 1, i};
            ++*n;
        }
    }
    return from;
}

fr_status fr_explain_out_of_fold(const fr_fold_explanation *parts, size_t n_folds,
                                 size_t n_parts, const fr_dataset *dataset, fr_explanation *out)
{
    fr_scored *scored = &out->out_of_fold;
    const size_t n_rows = dataset->schema.rows, width = parts[0].n_outputs;
    size_t n = 0;
    origin *from = find_origins(parts, n_folds, n_parts, n_rows, &n);
    scored->row = fr_alloc(n, sizeof *scored->row);
    scored->target = fr_alloc(n, sizeof *scored->target);
    scored->output = fr_alloc(n, width * sizeof *scored->output);
    fr_status st =
        from == NULL || scored->row == NULL || scored->target == NULL || scored->output == NULL
            ? FR_ERR_MEMORY
            : FR_OK;
    for (size_t i = 0; st == FR_OK && i < n_rows; i++) {
        if (from[i].fold == 0) continue;
        const fr_fold_explanation *part = &parts[(from[i].fold - 1) * n_parts];
        scored->row[scored->n] = (uint32_t)i;
        scored->target[scored->n] = dataset->y[i];
        memcpy(scored->output + scored->n * width, part->output + from[i].at * width,
               width * sizeof *scored->output);
        scored->n++;
    }
    free(from);
    return st;
}

void fr_explanation_clear(fr_explanation *explanation)
{
    fr_scored_clear(&explanation->out_of_fold);
    free(explanation->features);
    free(explanation->points);
    free(explanation->dependence);
    free(explanation->confusion);
    free(explanation->calibration);
    free(explanation->groups);
    free(explanation->hardest);
    *explanation = (fr_explanation){0};
}
