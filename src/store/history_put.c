/* SPDX-License-Identifier: BSD-3-Clause */
/* history_put.c - /trials, /folds and /curves of a results file, sorted by trial and fold. */
#include <stdlib.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

static void put_params(fr_h5_out *out, const fr_history *history)
{
    const double **points = fr_alloc(history->n, sizeof *points);
    if (points == NULL) {
        out->failed = true;
        return;
    }
    for (size_t t = 0; t < history->n; t++) points[t] = history->trials[t].point;
    fr_points_put(out, "/trials/params", history->space, points, history->n);
    free(points);
}

static const char *trial_state(void *rows, size_t i)
{
    return fr_trial_state_word(((const fr_trial_row *const *)rows)[i]->state);
}

static const char *trial_message(void *rows, size_t i)
{
    return ((const fr_trial_row *const *)rows)[i]->message;
}

static void put_trials(fr_h5_out *out, const fr_history *history)
{
    fr_trial_row *rows = fr_alloc(history->n, sizeof *rows);
    const fr_trial_row **list = fr_alloc(history->n, sizeof *list);
    if (rows == NULL || list == NULL) {
        out->failed = true;
        goto out;
    }
    for (size_t i = 0; i < history->n; i++) {
        rows[i] = fr_trial_row_make(history, i);
        list[i] = &rows[i];
    }
    fr_h5_put_group(out, "/trials");
    fr_table_put(out, &fr_trial_table, (const void *const *)list, history->n);
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/trials/state",
                                        .n = history->n,
                                        .text = trial_state,
                                        .context = list,
                                        .about = "how it ended"});
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/trials/message",
                                        .n = history->n,
                                        .text = trial_message,
                                        .context = list,
                                        .limit = FR_STORE_MESSAGE_MAX,
                                        .about = "why its first failed fold failed"});
    put_params(out, history);
out:
    free(rows);
    free(list);
}

static const char *fold_state(void *rows, size_t i)
{
    return fr_trial_state_word(((const fr_fold_result *const *)rows)[i]->state);
}

static const char *fold_message(void *rows, size_t i)
{
    return ((const fr_fold_result *const *)rows)[i]->message;
}

/* One column of the curves; the slabs come in order, so a cursor is enough to find them. */
typedef struct {
    const fr_fold_result *const *folds;
    size_t fold, epoch; /* of the next row */
    enum { CURVE_TRIAL, CURVE_FOLD, CURVE_EPOCH, CURVE_LOSS, CURVE_SCORE } column;
} curve_cursor;

static void next_points(void *context, size_t first, size_t n, void *out)
{
    curve_cursor *at = context;
    (void)first;
    for (size_t i = 0; i < n; i++) {
        while (at->epoch == at->folds[at->fold]->n_curve) {
            at->fold++;
            at->epoch = 0;
        }
        const fr_fold_result *fold = at->folds[at->fold];
        const double *point = fold->curve + 2 * at->epoch++;
        switch (at->column) {
        case CURVE_TRIAL:
            ((uint64_t *)out)[i] = fold->trial;
            break;
        case CURVE_FOLD:
            ((uint32_t *)out)[i] = fold->fold;
            break;
        case CURVE_EPOCH:
            ((uint32_t *)out)[i] = (uint32_t)at->epoch;
            break;
        case CURVE_LOSS:
            ((double *)out)[i] = point[0];
            break;
        case CURVE_SCORE:
            ((double *)out)[i] = point[1];
            break;
        }
    }
}

static void put_curves(fr_h5_out *out, const fr_fold_result *const *folds, size_t n_folds)
{
    static const struct {
        const char *path;
        fr_h5_type type;
        const char *unit, *about;
    } columns[] = {
        [CURVE_TRIAL] = {"/curves/trial", FR_H5_U64, NULL, "number of the trial"},
        [CURVE_FOLD] = {"/curves/fold", FR_H5_U32, NULL, "number of the fold"},
        [CURVE_EPOCH] = {"/curves/epoch", FR_H5_U32, "epoch", "from 1"},
        [CURVE_LOSS] = {"/curves/train_loss", FR_H5_F64, NULL, "mean loss in training"},
        [CURVE_SCORE] = {"/curves/score", FR_H5_F64, NULL, "metric on the validation rows"},
    };
    size_t n = 0;
    for (size_t i = 0; i < n_folds; i++) n += folds[i]->n_curve;
    fr_h5_put_group(out, "/curves");
    for (int c = CURVE_TRIAL; c <= CURVE_SCORE; c++) {
        curve_cursor at = {.folds = folds, .column = c};
        fr_h5_put_column(out, &(fr_h5_column){.path = columns[c].path,
                                              .type = columns[c].type,
                                              .n = n,
                                              .next = next_points,
                                              .context = &at,
                                              .unit = columns[c].unit,
                                              .about = columns[c].about});
    }
}

static void put_folds(fr_h5_out *out, const fr_history *history)
{
    size_t n = 0;
    for (size_t t = 0; t < history->n; t++) n += history->trials[t].n_done;
    const fr_fold_result **list = fr_alloc(n, sizeof *list);
    if (list == NULL) {
        out->failed = true;
        return;
    }
    size_t at = 0;
    for (size_t t = 0; t < history->n; t++)
        for (uint32_t f = 0; f < history->n_folds && at < n; f++)
            if (history->trials[t].folds[f] != NULL) list[at++] = history->trials[t].folds[f];
    fr_h5_put_group(out, "/folds");
    fr_table_put(out, &fr_fold_table, (const void *const *)list, at);
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/folds/state",
                                        .n = at,
                                        .text = fold_state,
                                        .context = list,
                                        .about = "how it ended"});
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/folds/message",
                                        .n = at,
                                        .text = fold_message,
                                        .context = list,
                                        .limit = FR_STORE_MESSAGE_MAX,
                                        .about = "why it failed"});
    put_curves(out, list, at);
    free(list);
}

void fr_history_put(fr_h5_out *out, const fr_history *history)
{
    put_trials(out, history);
    put_folds(out, history);
}
