/* SPDX-License-Identifier: BSD-3-Clause */
/* training.c - a task that trains, and the refit of the trial that was chosen. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/clock.h"
#include "foldrank/memory.h"
#include "internal.h"

/* The one pruning rule that needs no other trial. */
static uint32_t patience_of(const fr_study *study)
{
    const bool wanted = (study->prune_methods & FR_PRUNE_PATIENCE) != 0;
    return wanted ? (uint32_t)study->pruning.patience : 0;
}

/* The metrics beside the first; returns how many. */
static uint32_t further_metrics(const fr_study *study, fr_metric out[FR_GOALS_MAX])
{
    uint32_t n = 0;
    for (size_t k = 1; k < study->n_goals; k++)
        if (study->goals[k].kind == FR_GOAL_METRIC) out[n++] = study->goals[k].metric;
    return n;
}

/* Scores in the study's order from the further metrics and from what the model costs. */
static void order_scores(const fr_objective *objective, const double *point,
                         fr_fold_result *result)
{
    const fr_study *study = objective->study;
    const fr_fold_result given = *result;
    uint32_t next = 0;
    for (size_t k = 1; k < study->n_goals; k++) {
        const fr_goal_kind kind = study->goals[k].kind;
        result->more[k - 1] = kind == FR_GOAL_METRIC ? given.more[next++]
                              : kind == FR_GOAL_TRAINING_FLOPS
                                  ? given.flops
                                  : fr_objective_cost(objective, kind, point);
    }
}

/* What a search and an explanation share. */
fr_fit_request fr_training_request(const fr_objective *objective, const fr_task *task,
                                   const fr_fold_rows *rows, const fr_recipe *recipe,
                                   const atomic_bool *stop)
{
    const fr_study *study = objective->study;
    return (fr_fit_request){.dataset = objective->dataset,
                            .train = rows->train,
                            .valid = rows->valid,
                            .n_train = rows->n_train,
                            .n_valid = rows->n_valid,
                            .recipe = recipe,
                            .prepared = &rows->prepared,
                            .metric = study->metric,
                            .seed = (uint64_t)study->search.seed,
                            .trial = task->trial,
                            .fold = task->fold,
                            .threads = objective->place.threads,
                            .give_up_after = patience_of(study),
                            .give_up_from = (uint32_t)study->pruning.first_epoch,
                            .stop = stop,
                            .keeper = task->keeper,
                            .group = task->group,
                            .solvers = task->solvers};
}

fr_status fr_task_rows(fr_objective *objective, const fr_task *task, const fr_recipe *recipe,
                       const fr_fold_rows **out)
{
    return fr_fold_cache_get(objective->cache, objective->folds, task->fold,
                             &recipe->preprocess, task->group == NULL ? task->solvers : NULL,
                             out);
}

fr_status fr_training_evaluate(fr_objective *objective, const fr_task *task,
                               const atomic_bool *stop, fr_fold_result *result)
{
    const fr_study *study = objective->study;
    const double start = fr_clock_now();
    const fr_fold_rows *rows;
    fr_metric more[FR_GOALS_MAX];
    fr_recipe recipe;
    fr_study_resolve(study, task->point, &recipe);
    fr_status st = fr_task_rows(objective, task, &recipe, &rows);
    const double prepared_s = fr_clock_now() - start;
    if (st == FR_OK) {
        fr_fit_request request = fr_training_request(objective, task, rows, &recipe, stop);
        request.more = more;
        request.n_more = further_metrics(study, more);
        request.rungs = task->rungs;
        request.n_rungs = task->n_rungs;
        request.want_train_score = true;
        st = fr_fit(&request, result, NULL);
    } else {
        st = fr_fit_agree(task->group, st);
    }
    if (st == FR_OK) {
        if (result->state == FR_TRIAL_COMPLETE) order_scores(objective, task->point, result);
        result->seconds += prepared_s;
        return FR_OK;
    }
    /* A model too large for the memory is the point's fault: the search goes on without it. */
    *result = (fr_fold_result){.trial = task->trial,
                               .fold = task->fold,
                               .train_score = NAN,
                               .loss = NAN,
                               .seconds = fr_clock_now() - start};
    if (st == FR_STOPPED) {
        result->state = FR_TRIAL_INTERRUPTED;
        result->score = NAN;
        return FR_OK;
    }
    return fr_task_fail(result, fr_status_message());
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Whether a fold kept its best epoch rather than its last. */
static bool keeps_best_epoch(const fr_study *study, const fr_train_options *options)
{
    return options->keep_best || options->patience > 0 || patience_of(study) > 0;
}

/* Median of the folds' kept epochs (of two middle ones the mean, rounded up). */
static fr_status epochs_to_train(const fr_trial *trial, uint32_t n_folds, uint32_t *out)
{
    size_t n = 0;
    *out = 0;
    uint32_t *kept = fr_alloc(n_folds, sizeof *kept);
    if (kept == NULL) return FR_ERR_MEMORY;
    for (uint32_t f = 0; f < n_folds; f++)
        if (trial->folds[f] != NULL && trial->folds[f]->best_epoch > 0)
            kept[n++] = trial->folds[f]->best_epoch;
    if (n > 0) {
        qsort(kept, n, sizeof *kept, by_value);
        *out = (kept[(n - 1) / 2] + kept[n / 2] + 1) / 2;
    }
    free(kept);
    return FR_OK;
}

fr_status fr_objective_test(const fr_objective *objective, const fr_ensemble *ensemble,
                            fr_scored *out, double scores[FR_GOALS_MAX])
{
    const fr_study *study = objective->study;
    const size_t n_outputs = ensemble->member[0].model.n_outputs;
    size_t n;
    const uint32_t *rows = fr_folds_test_rows(objective->folds, &n);
    for (size_t k = 0; k < FR_GOALS_MAX; k++) scores[k] = NAN;
    if (n == 0) return FR_OK;
    out->row = fr_alloc(n, sizeof *out->row);
    out->target = fr_alloc(n, sizeof *out->target);
    out->output = fr_alloc(n * n_outputs, sizeof *out->output);
    if (out->row == NULL || out->target == NULL || out->output == NULL) return FR_ERR_MEMORY;
    out->n = n;
    memcpy(out->row, rows, n * sizeof *rows);
    for (size_t i = 0; i < n; i++) out->target[i] = objective->dataset->y[rows[i]];
    FR_TRY(fr_ensemble_predict(ensemble, objective->dataset, rows, n, out->output));
    const fr_metric_rows all = {.y = out->target,
                                .output = out->output,
                                .n = n,
                                .n_outputs = n_outputs,
                                .dataset = objective->dataset,
                                .row = rows};
    for (size_t k = 0; k < study->n_goals; k++)
        if (study->goals[k].kind == FR_GOAL_METRIC)
            FR_TRY(fr_calibration_score_rows(&ensemble->member[0].model.calibration,
                                             study->goals[k].metric, &all, &scores[k]));
    return FR_OK;
}

fr_status fr_objective_score_test(const fr_objective *objective, const fr_model *model,
                                  fr_scored *test, double *score, double *more)
{
    fr_ensemble_member alone = {.weight = 1.0, .model = *model}; /* borrowed */
    const fr_ensemble one = {.n = 1, .member = &alone};
    double scores[FR_GOALS_MAX];
    fr_scored_clear(test);
    FR_TRY(fr_objective_test(objective, &one, test, scores));
    *score = scores[0];
    memcpy(more, scores + 1, (FR_GOALS_MAX - 1) * sizeof *more);
    return FR_OK;
}

static fr_status finish_refit(fr_objective *objective, const fr_fold_result *result,
                              fr_refit *out)
{
    if (result->state == FR_TRIAL_INTERRUPTED)
        return FR_FAIL(FR_STOPPED, "stopped while the chosen model was trained");
    if (result->state != FR_TRIAL_COMPLETE)
        return FR_FAIL(FR_ERR_NUMERIC, "the chosen model cannot be trained on all rows: %s",
                       result->message == NULL ? "it diverged" : result->message);
    out->train_score = result->train_score;
    out->epochs = result->epochs;
    out->seconds = result->seconds;
    return fr_objective_score_test(objective, &out->model, &out->test, &out->test_score,
                                   out->test_more);
}

fr_status fr_objective_refit(fr_objective *objective, const fr_task *task,
                             const fr_trial *trial, const atomic_bool *stop, fr_refit *out)
{
    const fr_study *study = objective->study;
    fr_fold_result result = {0};
    fr_recipe recipe;
    *out = (fr_refit){.test_score = NAN, .test_more = {NAN, NAN, NAN}, .train_score = NAN};
    if (study->objective.type != FR_OBJECTIVE_TRAINING)
        return FR_FAIL(FR_ERR_STATE, "study %s trains nothing: there is no model to refit",
                       study->name);
    fr_study_resolve(study, trial->point, &recipe);
    fr_fit_request request = {.dataset = objective->dataset,
                              .recipe = &recipe,
                              .metric = study->metric,
                              .seed = (uint64_t)study->search.seed,
                              .trial = task->trial,
                              .fold = fr_folds_count(objective->folds),
                              .threads = objective->place.threads,
                              .stop = stop,
                              .keeper = task->keeper,
                              .group = task->group,
                              .solvers = task->solvers,
                              .want_train_score = true};
    request.train = fr_folds_search_rows(objective->folds, &request.n_train);
    fr_status st = FR_OK;
    if (keeps_best_epoch(objective->study, &recipe.train))
        st = epochs_to_train(trial, request.fold, &request.stop_after);
    FR_TRY(fr_fit_agree(task->group, st));
    st = fr_fit(&request, &result, &out->model);
    if (st == FR_OK) st = finish_refit(objective, &result, out);
    free(result.curve);
    free(result.message);
    if (st != FR_OK) fr_refit_clear(out);
    return st;
}

void fr_refit_clear(fr_refit *refit)
{
    fr_model_clear(&refit->model);
    fr_scored_clear(&refit->test);
    *refit = (fr_refit){0};
}
