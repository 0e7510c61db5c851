/* SPDX-License-Identifier: BSD-3-Clause */
/* objective.c - one handle for whatever a study evaluates. */
#include <math.h>
#include <stdlib.h>

#include "foldrank/clock.h"
#include "foldrank/memory.h"
#include "internal.h"

static fr_status create_kind(fr_objective *o)
{
    switch ((fr_objective_kind)o->study->objective.type) {
    case FR_OBJECTIVE_FUNCTION:
        return fr_function_check(o->study);
    case FR_OBJECTIVE_TABLE:
        return fr_score_table_read(o->study, &o->table);
    default:
        return fr_fold_cache_create(o->dataset, o->folds, &o->cache);
    }
}

fr_status fr_objective_create(const fr_study *study, const fr_dataset *dataset,
                              const fr_folds *folds, int threads, fr_objective **out)
{
    fr_objective *o = fr_alloc(1, sizeof *o);
    *out = NULL;
    if (o == NULL) return FR_ERR_MEMORY;
    *o = (fr_objective){study, dataset, folds, threads, NULL, NULL};
    const fr_status st = create_kind(o);
    if (st == FR_OK)
        *out = o;
    else
        fr_objective_destroy(&o);
    return st;
}

void fr_objective_destroy(fr_objective **objective)
{
    if (*objective == NULL) return;
    fr_fold_cache_destroy(&(*objective)->cache);
    fr_score_table_destroy(&(*objective)->table);
    free(*objective);
    *objective = NULL;
}

fr_status fr_task_fail(fr_fold_result *result, const char *message)
{
    free(result->message);
    result->state = FR_TRIAL_FAILED;
    result->score = NAN;
    result->message = fr_strdup(message);
    return result->message == NULL ? FR_ERR_MEMORY : FR_OK;
}

fr_status fr_objective_evaluate(fr_objective *objective, const fr_task *task,
                                const atomic_bool *stop, fr_fold_result *result)
{
    const double start = fr_clock_now();
    fr_status st;
    *result = (fr_fold_result){.trial = task->trial,
                               .fold = task->fold,
                               .state = FR_TRIAL_COMPLETE,
                               .score = NAN,
                               .train_score = NAN,
                               .loss = NAN};
    switch ((fr_objective_kind)objective->study->objective.type) {
    case FR_OBJECTIVE_FUNCTION:
        st = fr_function_evaluate(objective, task, stop, result);
        break;
    case FR_OBJECTIVE_TABLE:
        st = fr_score_table_evaluate(objective->table, task, result);
        break;
    default: /* counts the seconds of earlier processes, too */
        return fr_training_evaluate(objective, task, stop, result);
    }
    result->seconds = fr_clock_now() - start;
    return st;
}

/* Inputs after preprocessing when every level occurs. */
static size_t input_width(const fr_schema *schema, const fr_preprocess_options *options)
{
    size_t width = 0;
    for (size_t j = 0; j < schema->cols; j++) {
        const fr_column *column = &schema->columns[j];
        const bool onehot =
            column->kind == FR_COLUMN_CATEGORICAL && options->encode == FR_ENCODE_ONEHOT;
        width += onehot ? column->n_levels : 1;
    }
    return width;
}

double fr_objective_complexity(const fr_objective *objective, const double *point)
{
    if (objective->study->objective.type != FR_OBJECTIVE_TRAINING || objective->dataset == NULL)
        return NAN;
    const fr_schema *schema = &objective->dataset->schema;
    const size_t outputs = schema->learn == FR_LEARN_CLASSIFICATION ? schema->n_classes : 1;
    fr_recipe recipe;
    fr_study_resolve(objective->study, point, &recipe);
    return (double)fr_model_count_params(&recipe.model, input_width(schema, &recipe.preprocess),
                                         outputs);
}
