/* SPDX-License-Identifier: BSD-3-Clause */
/* tables.c - the columns of every table of structs, once for writing and reading. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

const char *const fr_feature_kind_words[] = {"drop", "numeric", "onehot", "ordinal", NULL};
const char *const fr_column_kind_words[] = {"numeric", "categorical", NULL};
const char *const fr_learn_words[] = {"classification", "regression", NULL};

#define AT(type, field) offsetof(type, field)

static const fr_table_column trial_columns[] = {
    {"/trials/id", FR_H5_U64, AT(fr_trial_row, id), NULL, "number of the trial"},
    {"/trials/score_mean", FR_H5_F64, AT(fr_trial_row, score_mean), NULL,
     "mean score over the complete folds"},
    {"/trials/score_se", FR_H5_F64, AT(fr_trial_row, score_se), NULL,
     "standard error of the mean"},
    {"/trials/folds_done", FR_H5_U32, AT(fr_trial_row, folds_done), NULL,
     "folds with a final state, cancelled ones included"},
    {"/trials/epochs", FR_H5_U64, AT(fr_trial_row, epochs), "epoch",
     "trained, all folds together"},
    {"/trials/seconds", FR_H5_F64, AT(fr_trial_row, seconds), "s",
     "wall time of its fits, added up"},
    {"/trials/folds_cancelled", FR_H5_U32, AT(fr_trial_row, folds_cancelled), NULL,
     "folds done that were not needed after pruning; the others are its fits"},
};
enum { TRIAL_COLUMNS_ALWAYS = 6 };

static const fr_table_column fold_columns[] = {
    {"/folds/trial", FR_H5_U64, AT(fr_fold_result, trial), NULL, "number of the trial"},
    {"/folds/fold", FR_H5_U32, AT(fr_fold_result, fold), NULL, "number of the fold"},
    {"/folds/score", FR_H5_F64, AT(fr_fold_result, score), NULL,
     "metric on the validation rows at the kept epoch"},
    {"/folds/train_score", FR_H5_F64, AT(fr_fold_result, train_score), NULL,
     "the same on the training rows"},
    {"/folds/loss", FR_H5_F64, AT(fr_fold_result, loss), NULL,
     "validation loss at the kept epoch"},
    {"/folds/epochs", FR_H5_U32, AT(fr_fold_result, epochs), "epoch", "trained"},
    {"/folds/best_epoch", FR_H5_U32, AT(fr_fold_result, best_epoch), "epoch",
     "the kept epoch, from 1; 0 = none"},
    {"/folds/seconds", FR_H5_F64, AT(fr_fold_result, seconds), "s", "wall time of the fit"},
    {"/folds/samples_per_second", FR_H5_F64, AT(fr_fold_result, samples_per_second), "1/s",
     "training rows times epochs by wall time"},
    {"/folds/flops", FR_H5_F64, AT(fr_fold_result, flops), "FLOP",
     "floating-point operations of the matrix products"},
    {"/folds/rank", FR_H5_U32, AT(fr_fold_result, rank), NULL, "rank that computed it"},
    {"/folds/start_s", FR_H5_F64, AT(fr_fold_result, start_s), "s",
     "since the start of the study's first run"},
    {"/folds/end_s", FR_H5_F64, AT(fr_fold_result, end_s), "s",
     "since the start of the study's first run"},
};

static const fr_table_column rank_columns[] = {
    {"/ranks/threads", FR_H5_I32, AT(fr_rank_record, threads), NULL, "OpenMP threads"},
    {"/ranks/busy_s", FR_H5_F64, AT(fr_rank_record, busy_s), "s", "training"},
    {"/ranks/idle_s", FR_H5_F64, AT(fr_rank_record, idle_s), "s", "waiting for work"},
    {"/ranks/fits", FR_H5_U64, AT(fr_rank_record, fits), NULL, "folds trained"},
    {"/ranks/flops", FR_H5_F64, AT(fr_rank_record, flops), "FLOP",
     "floating-point operations of the matrix products"},
};

static const fr_table_column feature_columns[] = {
    {"/model/preprocessing/first", FR_H5_U32, AT(fr_feature_row, first), NULL,
     "its first output"},
    {"/model/preprocessing/width", FR_H5_U32, AT(fr_feature_row, width), NULL,
     "number of its outputs"},
    {"/model/preprocessing/fill", FR_H5_F32, AT(fr_feature_row, fill), NULL,
     "value of a missing cell"},
    {"/model/preprocessing/shift", FR_H5_F32, AT(fr_feature_row, shift), NULL,
     "output = (x - shift) * factor"},
    {"/model/preprocessing/factor", FR_H5_F32, AT(fr_feature_row, factor), NULL,
     "output = (x - shift) * factor"},
    {"/model/preprocessing/places", FR_H5_U32, AT(fr_feature_row, places), NULL,
     "its entries of place"},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
const fr_table fr_trial_table = {"/trials", trial_columns, COUNT(trial_columns),
                                 TRIAL_COLUMNS_ALWAYS, sizeof(fr_trial_row)};
const fr_table fr_fold_table = {"/folds", fold_columns, COUNT(fold_columns),
                                COUNT(fold_columns), sizeof(fr_fold_result)};
const fr_table fr_rank_table = {"/ranks", rank_columns, COUNT(rank_columns),
                                COUNT(rank_columns), sizeof(fr_rank_record)};
const fr_table fr_feature_table = {"/model/preprocessing", feature_columns,
                                   COUNT(feature_columns), COUNT(feature_columns),
                                   sizeof(fr_feature_row)};

typedef struct {
    const void *const *rows;
    size_t offset, size;
} field_source;

static void next_fields(void *context, size_t first, size_t n, void *out)
{
    const field_source *from = context;
    for (size_t i = 0; i < n; i++)
        memcpy((char *)out + i * from->size, (const char *)from->rows[first + i] + from->offset,
               from->size);
}

void fr_table_put(fr_h5_out *out, const fr_table *table, const void *const rows[], size_t n)
{
    for (size_t c = 0; c < table->n_columns; c++) {
        const fr_table_column *column = &table->columns[c];
        field_source from = {
            .rows = rows, .offset = column->offset, .size = fr_h5_type_size(column->type)};
        fr_h5_put_column(out, &(fr_h5_column){.path = column->path,
                                              .type = column->type,
                                              .n = n,
                                              .next = next_fields,
                                              .context = &from,
                                              .unit = column->unit,
                                              .about = column->about});
    }
}

fr_status fr_table_count(const fr_h5_in *in, const char *path, size_t *n)
{
    /* Scores and times do not compress: a table has several bytes a row in the file. */
    enum { ROWS_FREE = 100000, ROWS_PER_BYTE = 4 };
    FR_TRY(fr_h5_get_count(in, path, n));
    if (*n > ROWS_FREE + ROWS_PER_BYTE * in->bytes)
        return FR_FAIL(FR_ERR_FORMAT, "%s: %s claims %zu rows in a file of %llu bytes",
                       in->path, path, *n, (unsigned long long)in->bytes);
    return FR_OK;
}

fr_status fr_table_get(const fr_h5_in *in, const fr_table *table, void *rows, size_t n)
{
    char *buffer = fr_alloc(n, sizeof(double));
    if (buffer == NULL) return FR_ERR_MEMORY;
    fr_status st = FR_OK;
    for (size_t c = 0; st == FR_OK && c < table->n_columns; c++) {
        const fr_table_column *column = &table->columns[c];
        const size_t size = fr_h5_type_size(column->type);
        if (c >= table->n_always && !fr_h5_has(in, column->path)) continue;
        st = fr_h5_get_column(in, column->path, column->type, n, buffer);
        for (size_t i = 0; st == FR_OK && i < n; i++)
            memcpy((char *)rows + i * table->row_size + column->offset, buffer + i * size,
                   size);
    }
    free(buffer);
    return st;
}

fr_trial_row fr_trial_row_make(const fr_history *history, size_t i)
{
    const fr_trial *trial = &history->trials[i];
    const fr_history_work work = fr_history_trial_work(history, i);
    fr_trial_row row = {.id = i,
                        .folds_done = trial->n_done,
                        .folds_cancelled = (uint32_t)work.cancelled,
                        .epochs = work.epochs,
                        .score_mean = trial->score_mean,
                        .score_se = trial->score_se,
                        .state = trial->state};
    for (uint32_t f = 0; f < history->n_folds; f++) {
        const fr_fold_result *fold = trial->folds[f];
        if (fold == NULL) continue;
        row.seconds += fold->seconds;
        if (row.message == NULL) row.message = fold->message;
    }
    return row;
}
