/* SPDX-License-Identifier: BSD-3-Clause */
/* judge.c - the last task of a search that did not see an outer fold: train the chosen trial on
 * all rows that it saw, and score the model once on the others. */
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

/* The trial as fr_objective_refit looks at it: its folds with nothing but their kept epochs. */
static fr_status rebuild_trial(const fr_task *task, uint32_t n_folds, fr_trial *out)
{
    fr_fold_result *folds = fr_alloc(n_folds, sizeof *folds);
    fr_fold_result **list = fr_alloc(n_folds, sizeof *list);
    *out = (fr_trial){.point = (double *)(uintptr_t)task->point, .folds = list};
    if (folds == NULL || list == NULL) {
        free(folds);
        free(list);
        return FR_ERR_MEMORY;
    }
    for (uint32_t f = 0; f < n_folds; f++) {
        folds[f].best_epoch = f < task->n_rungs ? task->rungs[f].epoch : 0;
        list[f] = &folds[f];
    }
    return FR_OK;
}

static void clear_trial(fr_trial *trial)
{
    if (trial->folds != NULL) free(trial->folds[0]); /* one block of them all */
    free(trial->folds);
}

static void take_scores(const fr_objective *objective, const fr_refit *refit,
                        fr_fold_result *result)
{
    const fr_study *study = objective->study;
    result->state = FR_TRIAL_COMPLETE;
    result->score = refit->test_score;
    result->train_score = refit->train_score;
    result->epochs = result->best_epoch = refit->epochs;
    result->seconds = refit->seconds;
    for (size_t k = 1; k < study->n_goals; k++) result->more[k - 1] = refit->test_more[k - 1];
}

fr_status fr_training_judge(fr_objective *objective, const fr_task *task,
                            const atomic_bool *stop, fr_fold_result *result)
{
    fr_trial trial = {0};
    fr_refit refit = {0};
    FR_TRY(rebuild_trial(task, fr_folds_count(objective->folds), &trial));
    const fr_status st = fr_objective_refit(objective, task, &trial, stop, &refit);
    clear_trial(&trial);
    if (st == FR_STOPPED) {
        result->state = FR_TRIAL_INTERRUPTED;
        return FR_OK;
    }
    if (st != FR_OK) return fr_task_fail(result, fr_status_message());
    take_scores(objective, &refit, result);
    fr_refit_clear(&refit);
    if (isnan(result->score))
        return fr_task_fail(result, "the metric is not defined on the rows of the outer fold");
    return FR_OK;
}
