/* SPDX-License-Identifier: BSD-3-Clause */
/* nested.c - the searches beside the study's own, one for each outer fold of nested
 * cross-validation.
 *
 * Such a search is the study once more, with a seed of its own and folds of the rows without
 * the outer fold, whose rows are its test rows: so all that a run does for a study - suggest,
 * prune, select, train the chosen model, score it on rows that nobody has seen - is done by the
 * same code, and none of it has a way to the rows of the outer fold before the last score. The
 * coordinator hands out the tasks of all searches as one list. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "nested.h"

/* The run's study but for the seed; what it points to is the run's. */
static fr_study study_of(const fr_study *study, uint32_t number)
{
    const uint64_t seed = (uint64_t)study->nested.seed;
    fr_study own = *study;
    fr_rng rng = fr_rng_make((uint64_t)study->search.seed, FR_RNG_OUTER, number, (uint32_t)seed,
                             (uint32_t)(seed >> 32));
    own.search.seed = (int64_t)(fr_rng_u64(&rng) >> 11); /* as large as a study may say */
    return own;
}

fr_status fr_nested_open(fr_run_state *run)
{
    const fr_study *study = run->study;
    const size_t n = (size_t)study->nested.outer_folds;
    if (n == 0) return FR_OK;
    run->outer = fr_alloc(n, sizeof *run->outer);
    if (run->outer == NULL) return FR_ERR_MEMORY;
    run->n_outer = (uint32_t)n;
    run->outer_log.plan = fr_outer_log_plan(&study->nested);
    for (uint32_t k = 0; k < n; k++) {
        fr_outer *outer = &run->outer[k];
        outer->run = run;
        outer->number = k + 1;
        outer->study = study_of(study, k + 1);
        FR_TRY(fr_study_make_outer_folds(study, fr_shared_data_get(run->data), run->folds, k,
                                         &outer->folds));
    }
    return FR_OK;
}

fr_status fr_nested_open_objectives(fr_run_state *run, const fr_objective_place *place)
{
    fr_objective_place with_cache = *place;
    with_cache.sibling = run->objective;
    run->outer_objectives = fr_alloc(run->n_outer, sizeof *run->outer_objectives);
    if (run->outer_objectives == NULL) return FR_ERR_MEMORY;
    for (uint32_t k = 0; k < run->n_outer; k++)
        FR_TRY(fr_objective_create(&run->outer[k].study, fr_shared_data_get(run->data),
                                   run->outer[k].folds, &with_cache,
                                   &run->outer_objectives[k]));
    return FR_OK;
}

static fr_status open_search(fr_outer *outer)
{
    const fr_study *study = &outer->study;
    FR_TRY(fr_study_history(study, fr_folds_count(outer->folds), &outer->history));
    FR_TRY(fr_conclude_valid_share(study, outer->folds, &outer->valid_share));
    fr_run_start_race(study, outer->valid_share, &outer->race, outer->history);
    FR_TRY(fr_search_create(&study->space, &study->search, study->enqueued, study->n_enqueued,
                            &outer->search));
    fr_search_set_solver(outer->search, fr_service_open, outer->run);
    outer->budget = fr_run_make_budget(study);
    return FR_OK;
}

fr_status fr_nested_open_searches(fr_run_state *run)
{
    const size_t n = run->n_outer;
    FR_TRY(fr_nested_create(n, &run->report->nested));
    run->histories = fr_alloc(n + 1, sizeof *run->histories);
    if (run->histories == NULL) return FR_ERR_MEMORY;
    run->histories[0] = run->history;
    for (size_t k = 0; k < n; k++) {
        fr_outer_fold *row = &run->report->nested.folds[k];
        size_t n_train = 0, n_test = 0;
        FR_TRY(open_search(&run->outer[k]));
        run->histories[k + 1] = run->outer[k].history;
        fr_folds_search_rows(run->outer[k].folds, &n_train);
        fr_folds_test_rows(run->outer[k].folds, &n_test);
        row->train_rows = n_train;
        row->test_rows = n_test;
    }
    run->outer_log.n = run->n_outer;
    run->outer_log.histories = run->histories + 1;
    return FR_OK;
}

static fr_status journal_trial(void *context, uint64_t trial, const double *point)
{
    const fr_outer *outer = context;
    return fr_journal_trial(outer->run->journal, outer->number, trial, point,
                            outer->study.space.n);
}

/* A search that ends with nothing to choose is what its outer fold shows, and no failure of the
 * run. */
static fr_status choose(void *context, uint64_t *trial, bool *wanted)
{
    fr_outer *outer = context;
    const fr_run_state *run = outer->run;
    const fr_status st =
        fr_conclude_choose(&outer->study, run->outer_objectives[outer->number - 1],
                           outer->history, outer->valid_share, &outer->selection);
    *wanted = false;
    if (st == FR_ERR_STATE) {
        outer->failure = fr_strdup(fr_status_message());
        return outer->failure == NULL ? FR_ERR_MEMORY : FR_OK;
    }
    FR_TRY(st);
    outer->has_selection = true;
    *trial = outer->selection.chosen;
    *wanted = fr_outer_log_find(&run->outer_log, outer->number, *trial) == NULL;
    return FR_OK;
}

fr_status fr_nested_begin(fr_run_state *run)
{
    for (uint32_t k = 0; k < run->n_outer; k++) {
        fr_outer *outer = &run->outer[k];
        FR_TRY(fr_coordinator_add(run->coordinator,
                                  &(fr_coordinator_search){.search = outer->search,
                                                           .history = outer->history,
                                                           .budget = &outer->budget,
                                                           .on_trial = journal_trial,
                                                           .on_end = choose,
                                                           .context = outer}));
    }
    return FR_OK;
}

fr_history *fr_run_history(const fr_run_state *run, uint32_t search)
{
    return search == 0 ? run->history : run->outer[search - 1].history;
}

fr_status fr_nested_kept_epochs(const fr_run_state *run, fr_assignment task, fr_rung **rungs,
                                size_t *n)
{
    const fr_history *history = fr_run_history(run, task.search);
    const fr_trial *trial = &history->trials[task.trial];
    *rungs = fr_alloc(history->n_folds, sizeof **rungs);
    *n = 0;
    if (*rungs == NULL) return FR_ERR_MEMORY;
    *n = history->n_folds;
    for (uint32_t f = 0; f < history->n_folds; f++)
        (*rungs)[f].epoch = trial->folds[f] == NULL ? 0 : trial->folds[f]->best_epoch;
    return FR_OK;
}

fr_status fr_nested_file(fr_run_state *run, const fr_fold_result *result)
{
    fr_fold_result copy = *result;
    copy.n_curve = 0;
    copy.curve = NULL;
    copy.message = result->message == NULL ? NULL : fr_strdup(result->message);
    if (result->message != NULL && copy.message == NULL) return FR_ERR_MEMORY;
    return fr_outer_log_add(&run->outer_log, &copy);
}

uint64_t fr_nested_fits(const fr_run_state *run)
{
    uint64_t fits = run->outer_log.n_judged;
    for (uint32_t k = 0; k < run->n_outer; k++)
        fits += fr_history_all_work(run->outer[k].history).fits;
    return fits;
}

static double seconds_of(const fr_history *history)
{
    double seconds = 0.0;
    for (size_t t = 0; t < history->n; t++)
        for (uint32_t f = 0; f < history->n_folds; f++) {
            const fr_fold_result *fold = history->trials[t].folds[f];
            if (fold != NULL && fold->state != FR_TRIAL_CANCELLED) seconds += fold->seconds;
        }
    return seconds;
}

static fr_status take_message(const char *message, fr_outer_fold *row)
{
    row->message = message == NULL ? NULL : fr_strdup(message);
    return message != NULL && row->message == NULL ? FR_ERR_MEMORY : FR_OK;
}

static fr_status take_score(const fr_fold_result *judged, fr_outer_fold *row)
{
    row->state = judged->state;
    row->score = judged->score;
    memcpy(row->more, judged->more, sizeof row->more);
    row->seconds += judged->seconds;
    row->fits++;
    return take_message(judged->message, row);
}

static fr_status fill_row(const fr_outer *outer, fr_outer_fold *row)
{
    const fr_history *history = outer->history;
    const size_t n_params = outer->study.space.n;
    fr_outer_fold_reset(row);
    row->trials = history->n;
    row->fits = fr_history_all_work(history).fits;
    row->seconds = seconds_of(history);
    if (outer->failure != NULL) {
        row->state = FR_TRIAL_FAILED;
        return take_message(outer->failure, row);
    }
    if (!outer->has_selection) return FR_OK;
    const fr_trial *trial = &history->trials[outer->selection.chosen];
    row->chosen = outer->selection.chosen;
    row->search_score = trial->score_mean;
    row->point = fr_alloc(n_params, sizeof *row->point);
    if (row->point == NULL) return FR_ERR_MEMORY;
    if (n_params > 0) memcpy(row->point, trial->point, n_params * sizeof *row->point);
    const fr_fold_result *judged =
        fr_outer_log_find(&outer->run->outer_log, outer->number, row->chosen);
    return judged == NULL ? FR_OK : take_score(judged, row);
}

fr_status fr_nested_collect(const fr_run_state *run)
{
    for (uint32_t k = 0; k < run->n_outer; k++)
        FR_TRY(fill_row(&run->outer[k], &run->report->nested.folds[k]));
    return FR_OK;
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

bool fr_nested_is_in(const fr_run_state *run, const fr_nested *earlier)
{
    const fr_nested *now = &run->report->nested;
    if (earlier->n != now->n) return false;
    for (size_t k = 0; k < now->n; k++)
        if (earlier->folds[k].state != now->folds[k].state ||
            earlier->folds[k].chosen != now->folds[k].chosen ||
            earlier->folds[k].trials != now->folds[k].trials ||
            !same_number(earlier->folds[k].score, now->folds[k].score))
            return false;
    return true;
}

void fr_nested_close(fr_run_state *run)
{
    for (uint32_t k = 0; k < run->n_outer; k++) {
        fr_outer *outer = &run->outer[k];
        if (run->outer_objectives != NULL) fr_objective_destroy(&run->outer_objectives[k]);
        fr_selection_clear(&outer->selection);
        fr_search_destroy(&outer->search);
        fr_history_destroy(&outer->history);
        fr_folds_destroy(&outer->folds);
        free(outer->failure);
    }
    fr_outer_log_clear(&run->outer_log);
    free(run->outer_objectives);
    free(run->histories);
    free(run->outer);
    run->outer = NULL;
    run->n_outer = 0;
}
