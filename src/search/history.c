/* SPDX-License-Identifier: BSD-3-Clause */
/* history.c - trials, their folds, and the statistics that are kept up to date with them.
 *
 * Statistics are recomputed in fold order whenever a fold arrives: the same bits whatever the
 * order of arrival. */
#include "foldrank/history.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"

const char *fr_trial_state_word(fr_trial_state state)
{
    switch (state) {
#define X(name, value, word)                                                                   \
    case name:                                                                                 \
        return word;
        FR_TRIAL_STATE_LIST(X)
#undef X
    }
    return "unknown";
}

fr_status fr_history_create(const fr_space *space, uint32_t n_folds, bool maximize,
                            fr_history **out)
{
    *out = NULL;
    if (n_folds == 0) return FR_FAIL(FR_ERR_ARG, "a history needs at least one fold a trial");
    fr_history *history = fr_alloc(1, sizeof *history);
    if (history == NULL) return FR_ERR_MEMORY;
    history->space = space;
    history->n_folds = n_folds;
    fr_history_set_goals(history, &maximize, 1);
    *out = history;
    return FR_OK;
}

void fr_history_set_goals(fr_history *history, const bool *maximizes, size_t n)
{
    assert(history->n == 0 && n >= 1 && n <= FR_GOALS_MAX);
    history->maximize = maximizes[0];
    history->n_goals = n;
    for (size_t k = 0; k < n; k++) history->maximizes[k] = maximizes[k];
}

static void clear_trial(fr_trial *trial, uint32_t n_folds)
{
    for (uint32_t f = 0; trial->folds != NULL && f < n_folds; f++) {
        if (trial->folds[f] != NULL) fr_fold_result_clear(trial->folds[f]);
        free(trial->folds[f]);
    }
    free(trial->folds);
    free(trial->point);
}

void fr_history_destroy(fr_history **history)
{
    fr_history *h = *history;
    if (h == NULL) return;
    for (size_t t = 0; t < h->n; t++) clear_trial(&h->trials[t], h->n_folds);
    free(h->trials);
    free(h);
    *history = NULL;
}

fr_status fr_history_add_trial(fr_history *history, const double *point)
{
    const size_t n_params = history->space->n;
    void *block = history->trials;
    FR_TRY(fr_grow(&block, &history->capacity, history->n + 1, sizeof(fr_trial)));
    history->trials = block;

    fr_trial trial = {.state = FR_TRIAL_PENDING, .score_mean = NAN, .score_se = NAN};
    for (size_t k = 0; k < FR_GOALS_MAX - 1; k++) trial.more_mean[k] = trial.more_se[k] = NAN;
    trial.point = malloc((n_params == 0 ? 1 : n_params) * sizeof(double));
    trial.folds = calloc(history->n_folds, sizeof *trial.folds);
    if (trial.point == NULL || trial.folds == NULL) {
        clear_trial(&trial, history->n_folds);
        return FR_FAIL(FR_ERR_MEMORY, "out of memory for trial %zu", history->n);
    }
    if (n_params > 0) memcpy(trial.point, point, n_params * sizeof(double));
    history->trials[history->n++] = trial;
    return FR_OK;
}

/* One bad fold decides: an error explains more than a divergence, that more than a timeout,
 * and any of them more than having been beaten. */
static fr_trial_state final_state(const fr_trial *trial, uint32_t n_folds)
{
    static const fr_trial_state by_weight[] = {FR_TRIAL_FAILED, FR_TRIAL_DIVERGED,
                                               FR_TRIAL_TIMEOUT, FR_TRIAL_PRUNED,
                                               FR_TRIAL_CANCELLED};
    for (size_t i = 0; i < sizeof by_weight / sizeof *by_weight; i++)
        for (uint32_t f = 0; f < n_folds; f++)
            if (trial->folds[f]->state == by_weight[i])
                return by_weight[i] == FR_TRIAL_CANCELLED ? FR_TRIAL_PRUNED : by_weight[i];
    return FR_TRIAL_COMPLETE;
}

double fr_fold_score(const fr_fold_result *fold, size_t k)
{
    return k == 0 ? fold->score : fold->more[k - 1];
}

double fr_trial_mean(const fr_trial *trial, size_t k)
{
    return k == 0 ? trial->score_mean : trial->more_mean[k - 1];
}

double fr_trial_se(const fr_trial *trial, size_t k)
{
    return k == 0 ? trial->score_se : trial->more_se[k - 1];
}

/* Mean and standard error over the complete folds, in two passes. */
static void summarize(const fr_trial *trial, uint32_t n_folds, size_t k, double *mean,
                      double *se)
{
    double sum = 0.0, squares = 0.0;
    uint32_t n = 0;
    for (uint32_t f = 0; f < n_folds; f++) {
        const fr_fold_result *fold = trial->folds[f];
        if (fold == NULL || fold->state != FR_TRIAL_COMPLETE) continue;
        sum += fr_fold_score(fold, k);
        n++;
    }
    *mean = n > 0 ? sum / n : NAN;
    for (uint32_t f = 0; f < n_folds; f++) {
        const fr_fold_result *fold = trial->folds[f];
        if (fold == NULL || fold->state != FR_TRIAL_COMPLETE) continue;
        const double deviation = fr_fold_score(fold, k) - *mean;
        squares += deviation * deviation;
    }
    *se = n > 1 ? sqrt(squares / (n - 1) / n) : NAN;
}

static void update_scores(const fr_history *history, fr_trial *trial)
{
    const uint32_t n_folds = history->n_folds;
    summarize(trial, n_folds, 0, &trial->score_mean, &trial->score_se);
    for (size_t k = 1; k < history->n_goals; k++)
        summarize(trial, n_folds, k, &trial->more_mean[k - 1], &trial->more_se[k - 1]);
}

static fr_status check_fold(const fr_history *history, const fr_fold_result *result)
{
    if (result->trial >= history->n)
        return FR_FAIL(FR_ERR_ARG, "a fold of trial %llu came back, but only %zu trials exist",
                       (unsigned long long)result->trial, history->n);
    if (result->fold >= history->n_folds)
        return FR_FAIL(FR_ERR_ARG, "fold %u of trial %llu came back, but a trial has %u folds",
                       (unsigned)result->fold, (unsigned long long)result->trial,
                       (unsigned)history->n_folds);
    if (result->state <= FR_TRIAL_PENDING || result->state > FR_TRIAL_CANCELLED)
        return FR_FAIL(FR_ERR_ARG, "fold %u of trial %llu came back with state %d (%s)",
                       (unsigned)result->fold, (unsigned long long)result->trial,
                       (int)result->state, fr_trial_state_word(result->state));
    if (result->n_more + 1 != history->n_goals)
        return FR_FAIL(FR_ERR_ARG,
                       "fold %u of trial %llu came back with %u scores; the study has %zu "
                       "objectives",
                       (unsigned)result->fold, (unsigned long long)result->trial,
                       (unsigned)result->n_more + 1, history->n_goals);
    const fr_fold_result *there = history->trials[result->trial].folds[result->fold];
    if (there != NULL && there->state != FR_TRIAL_CANCELLED)
        return FR_FAIL(FR_ERR_ARG, "fold %u of trial %llu came back twice",
                       (unsigned)result->fold, (unsigned long long)result->trial);
    return FR_OK;
}

/* Put *result into its slot. */
static fr_status fill_slot(fr_history *history, const fr_fold_result *result)
{
    fr_trial *trial = &history->trials[result->trial];
    fr_fold_result **slot = &trial->folds[result->fold];
    if (*slot == NULL) {
        *slot = malloc(sizeof **slot);
        if (*slot == NULL) return FR_FAIL(FR_ERR_MEMORY, "out of memory for a fold result");
        trial->n_done++;
        history->n_filed++;
    } else {
        fr_fold_result_clear(*slot);
    }
    **slot = *result;
    return FR_OK;
}

static fr_status cancel_from(fr_history *history, uint64_t trial, uint32_t first)
{
    for (uint32_t f = first; f < history->n_folds; f++) {
        const fr_fold_result cancelled = {.trial = trial,
                                          .fold = f,
                                          .state = FR_TRIAL_CANCELLED,
                                          .score = NAN,
                                          .more = {NAN, NAN, NAN},
                                          .n_more = (uint32_t)history->n_goals - 1,
                                          .train_score = NAN,
                                          .loss = NAN};
        FR_TRY(fill_slot(history, &cancelled));
    }
    return FR_OK;
}

/* Shorter prefixes of complete folds are asked about first: a fold that arrives late decides as
 * if it had come in order. */
static fr_status run_race(fr_history *history, uint64_t trial)
{
    fr_fold_result *const *folds = history->trials[trial].folds;
    for (uint32_t n = 1; n < history->n_folds; n++) {
        if (folds[n - 1] == NULL || folds[n - 1]->state != FR_TRIAL_COMPLETE) break;
        if (history->race(history->race_context, history, trial, n))
            return cancel_from(history, trial, n);
    }
    return FR_OK;
}

static void update_trial(fr_history *history, fr_trial *trial)
{
    update_scores(history, trial);
    if (trial->n_done == history->n_folds) trial->state = final_state(trial, history->n_folds);
    while (history->settled < history->n &&
           history->trials[history->settled].state != FR_TRIAL_PENDING)
        history->settled++;
}

fr_status fr_history_add_fold(fr_history *history, fr_fold_result *result)
{
    fr_status st = FR_OK;
    if (result->state == FR_TRIAL_INTERRUPTED) goto out;
    if ((st = check_fold(history, result)) != FR_OK) goto out;
    const uint64_t id = result->trial;
    fr_trial *trial = &history->trials[id];
    if (trial->folds[result->fold] != NULL) goto out; /* cancelled meanwhile */

    const bool pruned = result->state == FR_TRIAL_PRUNED;
    const uint32_t next_fold = result->fold + 1;
    if ((st = fill_slot(history, result)) != FR_OK) goto out;
    *result = (fr_fold_result){0};
    if (pruned)
        st = cancel_from(history, id, next_fold);
    else if (history->race != NULL)
        st = run_race(history, id);
    update_trial(history, trial);
out:
    fr_fold_result_clear(result);
    return st;
}

uint64_t fr_history_visible(const fr_history *history, uint64_t concurrency, uint64_t trial)
{
    if (concurrency == 0) return history->settled < trial ? history->settled : trial;
    return trial < concurrency ? 0 : trial - concurrency + 1;
}

bool fr_history_costs(const fr_history *history, size_t trial, fr_costs *out)
{
    const fr_trial *t = &history->trials[trial];
    *out = (fr_costs){{0}};
    if (t->state != FR_TRIAL_COMPLETE) return false;
    for (size_t k = 0; k < history->n_goals; k++) {
        const double mean = fr_trial_mean(t, k);
        if (!isfinite(mean)) return false;
        out->v[k] = history->maximizes[k] ? -mean : mean;
    }
    return true;
}

bool fr_history_better(const fr_history *history, double a, double b)
{
    if (isnan(a)) return false;
    if (isnan(b)) return true;
    return history->maximize ? a > b : a < b;
}

size_t fr_history_best(const fr_history *history, size_t limit)
{
    size_t best = history->n;
    double best_score = NAN;
    for (size_t t = 0; t < limit && t < history->n; t++) {
        const fr_trial *trial = &history->trials[t];
        if (trial->state != FR_TRIAL_COMPLETE) continue;
        if (!fr_history_better(history, trial->score_mean, best_score)) continue;
        best = t;
        best_score = trial->score_mean;
    }
    return best;
}

fr_history_work fr_history_trial_work(const fr_history *history, uint64_t trial)
{
    fr_history_work work = {0};
    for (uint32_t f = 0; f < history->n_folds; f++) {
        const fr_fold_result *fold = history->trials[trial].folds[f];
        if (fold == NULL) continue;
        work.fits += fold->state != FR_TRIAL_CANCELLED;
        work.cancelled += fold->state == FR_TRIAL_CANCELLED;
        work.epochs += fold->epochs;
    }
    return work;
}

fr_history_work fr_history_all_work(const fr_history *history)
{
    fr_history_work all = {0};
    for (uint64_t t = 0; t < history->n; t++) {
        const fr_history_work work = fr_history_trial_work(history, t);
        all.fits += work.fits;
        all.cancelled += work.cancelled;
        all.epochs += work.epochs;
    }
    return all;
}
