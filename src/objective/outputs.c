/* SPDX-License-Identifier: BSD-3-Clause */
/* outputs.c - a fold trained once more, for its model or for what that says of the validation
 * rows. Models and predictions of folds are not kept during a search: nobody knows which trials
 * will matter, and all of them would be more than the data. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

fr_status fr_training_again(fr_objective *objective, const fr_task *task,
                            const fr_fold_rows *rows, const atomic_bool *stop, fr_model *model)
{
    fr_recipe recipe;
    fr_fold_result result = {0};
    fr_study_resolve(objective->study, task->point, &recipe);
    const fr_fit_request request = fr_training_request(objective, task, rows, &recipe, stop);
    fr_status st = fr_fit(&request, &result, model);
    if (st == FR_OK && result.state == FR_TRIAL_INTERRUPTED)
        st = FR_FAIL(FR_STOPPED, "stopped while a fold was trained again");
    else if (st == FR_OK && result.state != FR_TRIAL_COMPLETE)
        st = FR_FAIL(FR_ERR_NUMERIC, "fold %u of trial %llu cannot be trained again: %s",
                     (unsigned)task->fold, (unsigned long long)task->trial,
                     result.message == NULL ? "it diverged" : result.message);
    fr_fold_result_clear(&result);
    return st;
}

static fr_status say(const fr_objective *objective, const fr_model *model,
                     const fr_fold_rows *rows, fr_scored *out)
{
    const size_t n = rows->n_valid;
    out->row = fr_alloc(n, sizeof *out->row);
    out->target = fr_alloc(n, sizeof *out->target);
    out->output = fr_alloc(n, model->n_outputs * sizeof *out->output);
    if (out->row == NULL || out->target == NULL || out->output == NULL) return FR_ERR_MEMORY;
    memcpy(out->row, rows->valid, n * sizeof *out->row);
    for (size_t i = 0; i < n; i++) out->target[i] = objective->dataset->y[rows->valid[i]];
    out->n = n;
    return fr_model_predict(model, objective->dataset, rows->valid, n, out->output);
}

fr_status fr_objective_outputs(fr_objective *objective, const fr_task *task,
                               const atomic_bool *stop, fr_scored *out, size_t *n_outputs)
{
    const fr_fold_rows *rows = NULL;
    fr_model model = {0};
    fr_recipe recipe;
    *out = (fr_scored){0};
    if (objective->study->objective.type != FR_OBJECTIVE_TRAINING)
        return FR_FAIL(FR_ERR_STATE, "study %s trains nothing that could predict",
                       objective->study->name);
    fr_study_resolve(objective->study, task->point, &recipe);
    fr_status st = fr_task_rows(objective, task, &recipe, &rows);
    if (st == FR_OK) st = fr_training_again(objective, task, rows, stop, &model);
    if (st == FR_OK) st = say(objective, &model, rows, out);
    *n_outputs = model.n_outputs;
    fr_model_clear(&model);
    if (st != FR_OK) fr_scored_clear(out);
    return st;
}
