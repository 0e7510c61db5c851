/* SPDX-License-Identifier: BSD-3-Clause */
/* cost.c - what a model costs, and which trials are within the bounds that the study sets. */
#include <math.h>
#include <stdlib.h>

#include "foldrank/kernel_ridge.h"
#include "foldrank/memory.h"
#include "internal.h"

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
    return fr_preprocess_width(options, width);
}

/* A kernel model keeps the rows that it is fitted to: in the end all of the search. */
static double kernel_cost(const fr_objective *objective, fr_goal_kind kind, size_t inputs,
                          size_t outputs)
{
    size_t rows;
    fr_folds_search_rows(objective->folds, &rows);
    return kind == FR_GOAL_FLOPS
               ? fr_kernel_flops_predict(rows, inputs, outputs)
               : (double)fr_kernel_layout_make(rows, inputs, outputs).n_params;
}

/* Trees end where that is no gain: known is what they come to at most. */
static double trees_cost(const fr_objective *objective, fr_goal_kind kind,
                         const fr_boost_options *options, size_t outputs)
{
    size_t rows;
    fr_folds_search_rows(objective->folds, &rows);
    const fr_trees_bound most =
        fr_trees_at_most(options->rounds, options->max_depth, options->max_leaves,
                         fr_trees_scores(objective->dataset->schema.learn, outputs), rows);
    return kind == FR_GOAL_FLOPS ? most.flops : most.nodes;
}

double fr_objective_cost(const fr_objective *objective, fr_goal_kind kind, const double *point)
{
    if (objective->study->objective.type != FR_OBJECTIVE_TRAINING || objective->dataset == NULL)
        return NAN;
    const fr_schema *schema = &objective->dataset->schema;
    const size_t outputs = schema->learn == FR_LEARN_CLASSIFICATION ? schema->n_classes : 1;
    fr_recipe recipe;
    fr_study_resolve(objective->study, point, &recipe);
    const size_t inputs = input_width(schema, &recipe.preprocess);
    if (recipe.model.family == FR_FAMILY_KERNEL)
        return kernel_cost(objective, kind, inputs, outputs);
    if (recipe.model.family == FR_FAMILY_XGBOOST)
        return trees_cost(objective, kind, &recipe.model.boost, outputs);
    const bool fm = recipe.model.family == FR_FAMILY_FM;
    const bool sparse = schema->cell == FR_CELL_SPARSE;
    const size_t used = sparse ? schema->stored / schema->rows + 1 : inputs;
    return kind == FR_GOAL_FLOPS
               ? fr_model_flops_predict(&recipe.model, fm && !sparse ? schema->cols : used,
                                        outputs)
               : (double)fr_model_count_params(&recipe.model, inputs, outputs);
}

/* The value of a trial that the constraint bounds. */
static double bounded_value(const fr_objective *objective, const fr_trial *trial, size_t which)
{
    const size_t n = objective->study->n_goals;
    if (which < n) return fr_trial_mean(trial, which);
    return fr_objective_cost(objective, FR_GOAL_PARAMETERS + (fr_goal_kind)(which - n),
                             trial->point);
}

/* All constraints with what comes nearest to each: "parameters <= 100 (nearest: 650)". */
static fr_status say_nearest(const fr_objective *objective, const fr_history *history,
                             size_t complete)
{
    const fr_study *study = objective->study;
    fr_text list = {0};
    for (size_t c = 0; c < study->n_constraints; c++) {
        const fr_constraint *rule = &study->constraints[c];
        char number[FR_NUMBER_SIZE];
        double nearest = NAN;
        for (size_t t = 0; t < history->n; t++) {
            const fr_trial *trial = &history->trials[t];
            if (trial->state != FR_TRIAL_COMPLETE) continue;
            const double value = bounded_value(objective, trial, rule->which);
            if (isnan(nearest) || (rule->at_most ? value < nearest : value > nearest))
                nearest = value;
        }
        fr_text_add(&list, "%s%s (nearest: %s)", c == 0 ? "" : ", ",
                    study->select.constraints.item[c], fr_format_double(nearest, number));
    }
    const fr_status st = FR_FAIL(
        FR_ERR_STATE,
        "no model can be selected: none of %zu complete trials meets select.constraints: %s; "
        "loosen them (--set select.constraints=...) and run again: nothing is trained twice",
        complete, fr_text_get(&list));
    fr_text_clear(&list);
    return st;
}

fr_status fr_objective_allowed(const fr_objective *objective, const fr_history *history,
                               bool *allowed)
{
    const fr_study *study = objective->study;
    size_t complete = 0, n = 0;
    for (size_t t = 0; t < history->n; t++) {
        const fr_trial *trial = &history->trials[t];
        allowed[t] = trial->state == FR_TRIAL_COMPLETE;
        complete += allowed[t];
        for (size_t c = 0; allowed[t] && c < study->n_constraints; c++)
            allowed[t] = fr_constraint_holds(
                &study->constraints[c],
                bounded_value(objective, trial, study->constraints[c].which));
        n += allowed[t];
    }
    return n == 0 && complete > 0 ? say_nearest(objective, history, complete) : FR_OK;
}
