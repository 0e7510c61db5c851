/* SPDX-License-Identifier: BSD-3-Clause */
/* history_get.c - /trials, /folds and /curves back into a history.
 *
 * The history computes states and means itself from the folds; those in the file must agree. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

/* A study may suggest many trials of many folds before the first fold is in, so the file's size
 * alone does not bound them; memory does: 8 bytes a slot. */
#define SLOTS_MAX ((uint64_t)1 << 26)

static fr_status inconsistent(const fr_h5_in *in, const char *what, size_t row)
{
    return FR_FAIL(FR_ERR_FORMAT, "%s: %s (row %zu); the file is damaged", in->path, what, row);
}

static fr_status add_trials(const fr_h5_in *in, fr_history *history, size_t n)
{
    const fr_space *space = history->space;
    if (n > SLOTS_MAX / history->n_folds)
        return FR_FAIL(FR_ERR_FORMAT, "%s: %zu trials of %u folds are more than can be read",
                       in->path, n, history->n_folds);
    double *points = fr_alloc(n, space->n * sizeof *points);
    if (points == NULL) return FR_ERR_MEMORY;
    fr_status st = fr_points_get(in, "/trials/params", space, n, points);
    for (size_t i = 0; st == FR_OK && i < n; i++) {
        const double *point = points + i * space->n;
        if (fr_space_check(space, point) != FR_OK)
            st = FR_FAIL(FR_ERR_FORMAT, "%s: trial %zu: %s", in->path, i, fr_status_message());
        else
            st = fr_history_add_trial(history, point);
    }
    free(points);
    return st;
}

bool fr_trial_state_find(const char *word, fr_trial_state *out)
{
    for (int s = FR_TRIAL_PENDING; s <= FR_TRIAL_CANCELLED; s++) {
        if (strcmp(word, fr_trial_state_word((fr_trial_state)s)) != 0) continue;
        *out = (fr_trial_state)s;
        return true;
    }
    return false;
}

static fr_status get_fold_texts(const fr_h5_in *in, fr_fold_result *folds, size_t n)
{
    fr_h5_block states = {0}, messages = {0};
    fr_status st = fr_h5_get_texts(in, "/folds/state", &states);
    if (st == FR_OK) st = fr_h5_get_texts(in, "/folds/message", &messages);
    if (st == FR_OK && (states.n != n || messages.n != n))
        st = inconsistent(in, "columns of /folds differ in length", n);
    for (size_t i = 0; st == FR_OK && i < n; i++) {
        const char *message = fr_h5_text(&messages, i);
        if (!fr_trial_state_find(fr_h5_text(&states, i), &folds[i].state)) {
            st = inconsistent(in, "/folds/state holds an unknown word", i);
        } else if (message[0] != '\0') {
            folds[i].message = fr_strdup(message);
            if (folds[i].message == NULL) st = FR_ERR_MEMORY;
        }
    }
    free(states.data);
    free(messages.data);
    return st;
}

/* Columns of /curves, all of n rows. */
typedef struct {
    size_t n;
    uint64_t *trial;
    uint32_t *fold, *epoch;
    double *loss, *score;
} curves;

static void clear_curves(curves *c)
{
    free(c->trial);
    free(c->fold);
    free(c->epoch);
    free(c->loss);
    free(c->score);
}

static fr_status get_curves(const fr_h5_in *in, curves *out)
{
    *out = (curves){0};
    FR_TRY(fr_table_count(in, "/curves/trial", &out->n));
    const struct {
        const char *path;
        fr_h5_type type;
        void *to;
    } columns[] = {
        {"/curves/trial", FR_H5_U64, &out->trial},
        {"/curves/fold", FR_H5_U32, &out->fold},
        {"/curves/epoch", FR_H5_U32, &out->epoch},
        {"/curves/train_loss", FR_H5_F64, &out->loss},
        {"/curves/score", FR_H5_F64, &out->score},
    };
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        size_t n = 0;
        FR_TRY(fr_h5_get_all(in, columns[c].path, columns[c].type, columns[c].to, &n));
        if (n != out->n) return inconsistent(in, "columns of /curves differ in length", n);
    }
    return FR_OK;
}

/* The rows of fold `fold` start at *at: epochs 1, 2, ... */
static fr_status attach_curve(const curves *c, size_t *at, fr_fold_result *fold)
{
    const size_t first = *at;
    while (*at < c->n && c->trial[*at] == fold->trial && c->fold[*at] == fold->fold &&
           c->epoch[*at] == *at - first + 1)
        ++*at;
    const size_t n = *at - first;
    if (n == 0) return FR_OK;
    fold->curve = fr_alloc(n, 2 * sizeof *fold->curve);
    if (fold->curve == NULL) return FR_ERR_MEMORY;
    fold->n_curve = n;
    for (size_t i = 0; i < n; i++) {
        fold->curve[2 * i] = c->loss[first + i];
        fold->curve[2 * i + 1] = c->score[first + i];
    }
    return FR_OK;
}

static fr_status file_folds(const fr_h5_in *in, fr_history *history, fr_fold_result *folds,
                            size_t n)
{
    curves c;
    size_t at = 0;
    fr_status st = get_curves(in, &c);
    for (size_t i = 0; st == FR_OK && i < n; i++) {
        const bool sorted =
            i == 0 || folds[i].trial > folds[i - 1].trial ||
            (folds[i].trial == folds[i - 1].trial && folds[i].fold > folds[i - 1].fold);
        if (!sorted)
            st = inconsistent(in, "/folds is not sorted", i);
        else
            st = attach_curve(&c, &at, &folds[i]);
    }
    if (st == FR_OK && at != c.n) st = inconsistent(in, "/curves fits no fold", at);
    for (size_t i = 0; st == FR_OK && i < n; i++) {
        st = fr_history_add_fold(history, &folds[i]);
        if (st == FR_ERR_ARG)
            st = FR_FAIL(FR_ERR_FORMAT, "%s: /folds: %s", in->path, fr_status_message());
    }
    clear_curves(&c);
    return st;
}

static fr_status add_folds(const fr_h5_in *in, const fr_study *study, fr_history *history)
{
    size_t n = 0;
    FR_TRY(fr_table_count(in, "/folds/trial", &n));
    fr_fold_result *folds = fr_alloc(n, sizeof *folds);
    if (folds == NULL) return FR_ERR_MEMORY;
    fr_status st = fr_table_get(in, &fr_fold_table, folds, n);
    if (st == FR_OK) st = get_fold_texts(in, folds, n);
    if (st == FR_OK) st = fr_scores_get_folds(in, study, folds, n);
    if (st == FR_OK) st = file_folds(in, history, folds, n);
    for (size_t i = 0; i < n; i++) fr_fold_result_clear(&folds[i]);
    free(folds);
    return st;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Whether the file's own summary follows from its folds. */
static fr_status compare(const fr_h5_in *in, const fr_history *history,
                         const fr_trial_row *rows, size_t n)
{
    fr_h5_block states;
    FR_TRY(fr_h5_get_texts(in, "/trials/state", &states));
    fr_status st =
        states.n == n ? FR_OK : inconsistent(in, "columns of /trials differ in length", n);
    for (size_t i = 0; st == FR_OK && i < n; i++) {
        const fr_trial_row row = fr_trial_row_make(history, i);
        if (rows[i].id != i || row.folds_done != rows[i].folds_done ||
            row.epochs != rows[i].epochs || !same(row.score_mean, rows[i].score_mean) ||
            !same(row.score_se, rows[i].score_se) ||
            strcmp(fr_trial_state_word(row.state), fr_h5_text(&states, i)) != 0)
            st = inconsistent(in, "/trials does not follow from /folds", i);
    }
    free(states.data);
    return st;
}

fr_status fr_history_get(const fr_h5_in *in, const fr_study *study, fr_history *history)
{
    size_t n = 0;
    FR_TRY(fr_table_count(in, "/trials/id", &n));
    FR_TRY(add_trials(in, history, n));
    FR_TRY(add_folds(in, study, history));
    fr_trial_row *rows = fr_alloc(n, sizeof *rows);
    if (rows == NULL) return FR_ERR_MEMORY;
    fr_status st = fr_table_get(in, &fr_trial_table, rows, n);
    if (st == FR_OK) st = compare(in, history, rows, n);
    if (st == FR_OK) st = fr_scores_compare(in, study, history);
    free(rows);
    return st;
}
