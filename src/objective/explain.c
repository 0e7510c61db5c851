/* SPDX-License-Identifier: BSD-3-Clause */
/* explain.c - a fold trained once more, to be asked what its model goes by. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

static fr_status keep_outputs(const fr_objective *objective, const fr_model *model,
                              const fr_fold_rows *rows, fr_fold_explanation *out)
{
    const size_t n = rows->n_valid;
    out->row = fr_alloc(n, sizeof *out->row);
    out->output = fr_alloc(n, model->n_outputs * sizeof *out->output);
    if (out->row == NULL || out->output == NULL) return FR_ERR_MEMORY;
    memcpy(out->row, rows->valid, n * sizeof *out->row);
    out->n = n;
    out->n_outputs = model->n_outputs;
    return fr_model_predict(model, objective->dataset, rows->valid, n, out->output);
}

static fr_status permute(const fr_objective *objective, const fr_task *task,
                         const fr_model *model, const fr_fold_rows *rows,
                         const atomic_bool *stop, fr_fold_explanation *out)
{
    const fr_study *study = objective->study;
    const size_t cols = objective->dataset->schema.cols;
    const uint64_t seed = (uint64_t)study->search.seed;
    uint32_t *sample = NULL;
    size_t n = 0;
    out->repeats = (size_t)study->explain.repeats;
    out->n_columns = (cols + out->parts - 1 - out->part) / out->parts;
    out->drop = fr_alloc(out->n_columns, out->repeats * sizeof *out->drop);
    fr_status st = out->drop == NULL ? FR_ERR_MEMORY
                                     : fr_explain_sample(rows->valid, rows->n_valid,
                                                         (size_t)study->explain.rows, seed,
                                                         task->fold + 1, &sample, &n);
    const fr_permutation request = {.model = model,
                                    .dataset = objective->dataset,
                                    .rows = sample,
                                    .n = n,
                                    .metric = study->metric,
                                    .seed = seed,
                                    .trial = task->trial,
                                    .fold = task->fold,
                                    .repeats = out->repeats,
                                    .first = out->part,
                                    .step = out->parts,
                                    .stop = stop};
    if (st == FR_OK) st = fr_permutation_run(&request, out->drop);
    free(sample);
    return st;
}

fr_status fr_objective_explain(fr_objective *objective, const fr_task *task,
                               const fr_explain_part *part, const atomic_bool *stop,
                               fr_fold_explanation *out)
{
    const fr_study *study = objective->study;
    const fr_fold_rows *rows = NULL;
    fr_model model = {0};
    fr_recipe recipe;
    *out = (fr_fold_explanation){.fold = task->fold, .part = part->part, .parts = part->parts};
    if (study->objective.type != FR_OBJECTIVE_TRAINING)
        return FR_FAIL(FR_ERR_STATE, "study %s trains nothing that could be explained",
                       study->name);
    fr_study_resolve(study, task->point, &recipe);
    fr_status st = fr_task_rows(objective, task, &recipe, &rows);
    if (st == FR_OK) st = fr_training_again(objective, task, rows, stop, &model);
    if (st == FR_OK && part->keep_outputs) st = keep_outputs(objective, &model, rows, out);
    if (st == FR_OK && part->permutes) st = permute(objective, task, &model, rows, stop, out);
    fr_model_clear(&model);
    if (st != FR_OK) fr_fold_explanation_clear(out);
    return st;
}
