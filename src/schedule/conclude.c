/* SPDX-License-Identifier: BSD-3-Clause */
/* conclude.c - from a full history to the chosen model, and all of it to results.h5. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrating.h"
#include "foldrank/memory.h"
#include "internal.h"
#include "nested.h"

fr_status fr_conclude_valid_share(const fr_study *study, const fr_folds *folds, double *share)
{
    /* Of folds that others make only the number is known: taken as k-fold. */
    const int64_t n_folds = study->objective.folds;
    *share = folds == NULL && n_folds > 1 ? 1.0 / (double)(n_folds - 1) : 1.0;
    if (folds == NULL) return FR_OK;
    uint32_t *train_rows = NULL, *valid_rows = NULL;
    size_t n_train = 0, n_valid = 0;
    FR_TRY(fr_folds_get(folds, 0, &train_rows, &n_train, &valid_rows, &n_valid));
    free(train_rows);
    free(valid_rows);
    *share = (double)n_valid / (double)n_train;
    return FR_OK;
}

/* An earlier run has trained the model of this very trial, with the same settings. */
static bool model_is_there(const fr_run_state *run)
{
    const fr_results_file *earlier = run->earlier;
    return earlier != NULL && earlier->has_model && earlier->has_selection &&
           earlier->study->fingerprint == run->study->fingerprint &&
           earlier->selection.chosen == run->report->selection.chosen;
}

/* And has explained it, as is asked for now. */
static bool explanation_is_there(const fr_run_state *run)
{
    const fr_results_file *earlier = run->earlier;
    if (!run->reuses_model || !earlier->has_explanation) return false;
    fr_text then = {0}, now = {0};
    for (size_t i = 0; i < fr_explain_option_count; i++) {
        if (fr_explain_option_table[i].offset == offsetof(fr_explain_options, when)) continue;
        fr_option_format(&fr_explain_option_table[i], &earlier->study->explain, &then);
        fr_option_format(&fr_explain_option_table[i], &run->study->explain, &now);
        fr_text_add(&then, " ");
        fr_text_add(&now, " ");
    }
    const bool same =
        !then.failed && !now.failed && strcmp(fr_text_get(&then), fr_text_get(&now)) == 0;
    fr_text_clear(&then);
    fr_text_clear(&now);
    return same;
}

/* A file from the midst of a run may have all trials, but still the choice among fewer. */
static bool nothing_new(const fr_run_state *run, bool trains)
{
    const fr_results_file *earlier = run->earlier;
    if (earlier == NULL || !earlier->has_selection || (trains && !run->reuses_model) ||
        run->explains || run->calibrates || run->ensembles ||
        !fr_nested_is_in(run, &earlier->nested) ||
        earlier->selection.n_ranking != run->report->selection.n_ranking ||
        earlier->history->n != run->history->n || earlier->end != run->report->end ||
        strcmp(earlier->study->text, run->study->text) != 0)
        return false;
    for (size_t t = 0; t < run->history->n; t++)
        if (earlier->history->trials[t].state != run->history->trials[t].state) return false;
    return true;
}

/* The earlier choice stands, with its model, until this run has both of its own. Not when the
 * journal does not have its trials: then the file is from elsewhere. */
static bool keeps_earlier(const fr_run_state *run)
{
    const fr_results_file *earlier = run->earlier;
    if (earlier == NULL || !earlier->has_selection ||
        earlier->study->fingerprint != run->study->fingerprint)
        return false;
    if (run->has_selection && (run->has_model || run->reuses_model || !earlier->has_model))
        return false;
    for (size_t i = 0; i < earlier->selection.n_ranking; i++) {
        const uint64_t t = earlier->selection.ranking[i];
        if (t >= run->history->n || run->history->trials[t].state != FR_TRIAL_COMPLETE)
            return false;
    }
    return true;
}

/* Which trials may be chosen, how large their models are, and the choice. */
fr_status fr_conclude_choose(const fr_study *study, fr_objective *objective,
                             const fr_history *history, double valid_share, fr_selection *out)
{
    double *complexity = fr_alloc(history->n, sizeof *complexity);
    bool *allowed = fr_alloc(history->n, sizeof *allowed);
    fr_status st = complexity == NULL || allowed == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t t = 0; st == FR_OK && t < history->n; t++)
        complexity[t] =
            fr_objective_cost(objective, FR_GOAL_PARAMETERS, history->trials[t].point);
    if (st == FR_OK) st = fr_objective_allowed(objective, history, allowed);
    const fr_select_facts facts = {.complexity = complexity,
                                   .allowed = allowed,
                                   .train_rows = 1.0,
                                   .valid_rows = valid_share};
    if (st == FR_OK) st = fr_select_run(history, &study->select, &facts, out);
    free(complexity);
    free(allowed);
    return st;
}

static fr_status choose(fr_run_state *run)
{
    const fr_status st = fr_conclude_choose(run->study, run->objective, run->history,
                                            run->valid_share, &run->report->selection);
    const fr_end end = run->report->end;
    if (st == FR_ERR_STATE && (end == FR_END_WALL || end == FR_END_CORE_HOURS))
        return FR_FAIL(FR_ERR_STATE,
                       "stop.%s ended the study before a trial was complete; raise it, and the "
                       "same command goes on",
                       fr_end_words[end]);
    return st;
}

fr_status fr_conclude_select(fr_run_state *run, bool *refit)
{
    FR_TRY(choose(run));
    FR_TRY(fr_nested_collect(run));
    run->has_selection = true;
    run->reuses_model = model_is_there(run);
    const bool trains = run->study->objective.type == FR_OBJECTIVE_TRAINING;
    bool explains = false;
    if (trains) FR_TRY(fr_explaining_wanted(run, &explains));
    run->calibrates = trains && fr_calibrate_is_due(run);
    run->reuses_explanation = explains && !run->calibrates && explanation_is_there(run);
    run->permutes = explains && !run->reuses_explanation;
    run->explains = run->permutes || (run->calibrates && fr_calibrate_learns(run));
    const bool ensembles = trains && run->study->ensemble.size > 0;
    run->reuses_ensemble = ensembles && fr_ensembling_is_there(run);
    run->ensembles = ensembles && !run->reuses_ensemble;
    run->unchanged = nothing_new(run, trains);
    *refit = trains && !run->reuses_model;
    return FR_OK;
}

/* What the model is worth: this run's, or that of the earlier run which stays. */
static void add_worth(const fr_run_state *run, bool stays, fr_results *out)
{
    out->test_score = run->has_model ? run->refit.test_score
                      : stays        ? run->earlier->test_score
                                     : NAN;
    for (size_t k = 0; k < FR_GOALS_MAX - 1; k++)
        out->test_more[k] = run->has_model ? run->refit.test_more[k]
                            : stays        ? run->earlier->test_more[k]
                                           : NAN;
    out->test = run->has_model ? &run->refit.test : stays ? &run->earlier->test : NULL;
    out->calibration = run->has_model ? &run->calibration
                       : stays        ? &run->earlier->calibration
                                      : NULL;
}

static fr_status write_results(const fr_run_state *run)
{
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    FR_MPI(MPI_Get_library_version(mpi, &length));
    const bool keeps = keeps_earlier(run);
    const bool reuses = keeps || run->reuses_model;
    const fr_selection *selection = run->has_selection ? &run->report->selection : NULL;
    const fr_model *model = run->has_model ? &run->refit.model : NULL;
    const fr_explanation *explanation = run->has_explanation ? &run->explanation : NULL;
    if (keeps) selection = &run->earlier->selection;
    if ((keeps || run->reuses_explanation) && run->earlier->has_explanation)
        explanation = &run->earlier->explanation;
    if (reuses && run->earlier->has_model) model = &run->earlier->model;
    const fr_ensemble *ensemble = run->has_ensemble ? &run->ensemble : NULL;
    if ((keeps && fr_ensembling_may_stay(run)) || run->reuses_ensemble)
        ensemble = &run->earlier->ensemble;
    const bool has_data = run->data != NULL;
    size_t test_rows = 0;
    if (run->folds != NULL) fr_folds_test_rows(run->folds, &test_rows);
    fr_results results = {
        .study = run->study,
        .history = run->history,
        .selection = selection,
        .model = model,
        .explanation = explanation,
        .ensemble = ensemble,
        .nested = run->n_outer > 0 ? &run->report->nested : NULL,
        .ranks = run->report->ranks,
        .n_ranks = run->report->n_ranks,
        .command = run->options->command,
        .mpi_version = mpi,
        .created = fr_journal_created(run->journal),
        .usage = fr_journal_usage(run->journal),
        .n_past = fr_journal_past(run->journal)->n,
        .end = run->report->end,
        .data_fingerprint = has_data ? fr_shared_data_get(run->data)->schema.fingerprint : 0,
        .rows = has_data ? fr_shared_data_get(run->data)->schema.rows : 0,
        .test_rows = test_rows,
        .valid_share = has_data ? run->valid_share : NAN,
    };
    add_worth(run, reuses, &results);
    return fr_results_write(run->study->output, &results);
}

fr_status fr_conclude_write(fr_run_state *run)
{
    FR_TRY(fr_nested_collect(run));
    return write_results(run);
}
