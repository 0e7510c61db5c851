/* SPDX-License-Identifier: BSD-3-Clause */
/* nested.c - outer folds: their sums, and how far the settings agree that they chose. */
#include "foldrank/nested.h"

#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"

void fr_outer_fold_reset(fr_outer_fold *fold)
{
    free(fold->point);
    free(fold->message);
    *fold = (fr_outer_fold){.state = FR_TRIAL_PENDING,
                            .score = NAN,
                            .search_score = NAN,
                            .train_rows = fold->train_rows,
                            .test_rows = fold->test_rows};
    for (size_t k = 0; k < FR_GOALS_MAX - 1; k++) fold->more[k] = NAN;
}

fr_status fr_nested_create(size_t n, fr_nested *out)
{
    *out = (fr_nested){.folds = fr_alloc(n, sizeof *out->folds)};
    if (out->folds == NULL) return FR_ERR_MEMORY;
    out->n = n;
    for (size_t k = 0; k < n; k++) fr_outer_fold_reset(&out->folds[k]);
    return FR_OK;
}

void fr_nested_clear(fr_nested *nested)
{
    for (size_t k = 0; k < nested->n; k++) fr_outer_fold_reset(&nested->folds[k]);
    free(nested->folds);
    *nested = (fr_nested){0};
}

static double score_of(const fr_outer_fold *fold, size_t k)
{
    return k == 0 ? fold->score : fold->more[k - 1];
}

fr_nested_summary fr_nested_summarize(const fr_nested *nested, size_t k)
{
    fr_nested_summary s = {.mean = NAN, .sd = NAN, .se = NAN, .low = NAN, .high = NAN};
    double sum = 0, squares = 0, thought = 0;
    for (size_t i = 0; i < nested->n; i++) {
        const fr_outer_fold *fold = &nested->folds[i];
        if (fold->state == FR_TRIAL_PENDING) s.n_pending++;
        if (fold->state != FR_TRIAL_COMPLETE) continue;
        const double score = score_of(fold, k);
        s.n_complete++;
        sum += score;
        thought += fold->search_score;
        s.low = fmin(s.low, score); /* of NaN and a number: the number */
        s.high = fmax(s.high, score);
    }
    const double n = (double)s.n_complete;
    s.search_score = s.n_complete > 0 ? thought / n : NAN;
    if (s.n_complete > 0) s.mean = sum / n;
    for (size_t i = 0; i < nested->n; i++) {
        const double off = score_of(&nested->folds[i], k) - s.mean;
        if (nested->folds[i].state == FR_TRIAL_COMPLETE) squares += off * off;
    }
    if (s.n_complete > 1) {
        s.sd = sqrt(squares / (n - 1));
        s.se = s.sd / sqrt(n);
    }
    return s;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Outer folds that chose this value. */
static size_t count_value(const fr_nested *nested, size_t param, double value)
{
    size_t n = 0;
    for (size_t i = 0; i < nested->n; i++) {
        const double *point = nested->folds[i].point;
        if (point != NULL && same(point[param], value)) n++;
    }
    return n;
}

fr_nested_setting fr_nested_agreement(const fr_nested *nested, const fr_space *space,
                                      size_t param)
{
    const fr_param *p = &space->params[param];
    fr_nested_setting s = {.most = NAN, .low = NAN, .high = NAN, .span = NAN};
    for (size_t i = 0; i < nested->n; i++) {
        if (nested->folds[i].point == NULL) continue;
        const double value = nested->folds[i].point[param];
        const size_t n = count_value(nested, param, value);
        s.n_folds++;
        if (!isnan(value)) s.n_active++;
        if (n > s.n_most || (n == s.n_most && value < s.most)) {
            s.n_most = n;
            s.most = value;
        }
        if (p->kind == FR_PARAM_CHOICE) continue;
        s.low = fmin(s.low, value);
        s.high = fmax(s.high, value);
    }
    if (p->kind != FR_PARAM_CHOICE)
        s.span = fr_param_to_unit(p, s.high) - fr_param_to_unit(p, s.low);
    return s;
}
