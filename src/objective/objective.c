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
        if (o->place.files == NULL) return fr_score_table_read(o->study, &o->table);
        return fr_score_table_unpack(o->place.files, o->study, &o->table);
    case FR_OBJECTIVE_COMMAND:
    case FR_OBJECTIVE_PLUGIN:
    case FR_OBJECTIVE_EMBEDDED:
        return fr_external_create(o->study, &o->place, &o->external);
    default:
        if (o->place.sibling == NULL) return fr_fold_cache_create(o->dataset, &o->cache);
        o->cache = o->place.sibling->cache;
        return FR_OK;
    }
}

fr_status fr_objective_read_files(const fr_study *study, fr_pack *out)
{
    fr_score_table *table = NULL;
    if (study->objective.type != FR_OBJECTIVE_TABLE) return FR_OK;
    FR_TRY(fr_score_table_read(study, &table));
    fr_score_table_pack(table, out);
    fr_score_table_destroy(&table);
    return out->failed ? FR_FAIL(FR_ERR_MEMORY, "out of memory for %s", study->objective.path)
                       : FR_OK;
}

fr_status fr_objective_create(const fr_study *study, const fr_dataset *dataset,
                              const fr_folds *folds, const fr_objective_place *place,
                              fr_objective **out)
{
    fr_objective *o = fr_alloc(1, sizeof *o);
    *out = NULL;
    if (o == NULL) return FR_ERR_MEMORY;
    *o = (fr_objective){study, dataset, folds, *place, NULL, NULL, NULL};
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
    if ((*objective)->place.sibling == NULL) fr_fold_cache_destroy(&(*objective)->cache);
    fr_score_table_destroy(&(*objective)->table);
    fr_external_destroy(&(*objective)->external);
    free(*objective);
    *objective = NULL;
}

bool fr_pretend_to_work(double seconds, const atomic_bool *stop)
{
    const double end = fr_clock_now() + seconds;
    for (double left = seconds; left > 0; left = end - fr_clock_now()) {
        if (stop != NULL && atomic_load(stop)) return false;
        fr_clock_sleep(left < 0.05 ? left : 0.05);
    }
    return true;
}

fr_status fr_task_fail(fr_fold_result *result, const char *message)
{
    free(result->message);
    result->state = FR_TRIAL_FAILED;
    result->score = NAN;
    result->message = fr_strdup(message);
    return result->message == NULL ? FR_ERR_MEMORY : FR_OK;
}

/* A task that is not complete has no further scores, but room for them. */
static void settle_scores(size_t n_goals, fr_fold_result *result)
{
    result->n_more = (uint32_t)n_goals - 1;
    for (size_t k = 0; k < FR_GOALS_MAX - 1; k++)
        if (result->state != FR_TRIAL_COMPLETE || k >= result->n_more) result->more[k] = NAN;
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
                               .more = {NAN, NAN, NAN},
                               .train_score = NAN,
                               .loss = NAN};
    switch ((fr_objective_kind)objective->study->objective.type) {
    case FR_OBJECTIVE_FUNCTION:
        st = fr_function_evaluate(objective, task, stop, result);
        break;
    case FR_OBJECTIVE_TABLE:
        st = fr_score_table_evaluate(objective, task, stop, result);
        break;
    case FR_OBJECTIVE_COMMAND:
        st = fr_command_evaluate(objective->external, task, stop, result);
        break;
    case FR_OBJECTIVE_PLUGIN:
    case FR_OBJECTIVE_EMBEDDED:
        st = fr_plugin_evaluate(objective->external, task, stop, result);
        break;
    default:
        st = task->fold == FR_FOLD_OUTER ? fr_training_judge(objective, task, stop, result)
                                         : fr_training_evaluate(objective, task, stop, result);
        break;
    }
    settle_scores(objective->study->n_goals, result);
    /* A training counts the seconds of earlier processes, too. */
    if (objective->study->objective.type != FR_OBJECTIVE_TRAINING)
        result->seconds = fr_clock_now() - start;
    return st;
}
