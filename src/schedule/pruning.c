/* SPDX-License-Identifier: BSD-3-Clause */
/* pruning.c - the study's pruning rules on root: cutoffs that travel with a task, and the race
 * over folds that the history runs. */
#include <stdlib.h>

#include "foldrank/prune.h"
#include "foldrank/select.h"
#include "internal.h"
#include "nested.h"

/* Epochs or steps of a task at most. An external objective that does not say has as many as the
 * earlier trials have reported of this fold: beyond there is nothing to compare with. */
static uint32_t most_epochs(const fr_run_state *run, fr_assignment task, uint64_t visible)
{
    const fr_history *history = fr_run_history(run, task.search);
    const uint64_t known = fr_study_epochs(run->study, history->trials[task.trial].point);
    if (known > 0) return (uint32_t)known;
    size_t most = 0;
    for (uint64_t t = 0; t < visible; t++) {
        const fr_fold_result *fold = history->trials[t].folds[task.fold];
        if (fold != NULL && fold->n_curve > most) most = fold->n_curve;
    }
    return (uint32_t)most;
}

fr_status fr_run_rungs(const fr_run_state *run, fr_assignment task, fr_rung **rungs, size_t *n)
{
    const fr_study *study = run->study;
    *rungs = NULL;
    *n = 0;
    if (task.fold == FR_FOLD_OUTER) return fr_nested_kept_epochs(run, task, rungs, n);
    if ((study->prune_methods & FR_PRUNE_BY_CUTOFF) == 0) return FR_OK;
    const uint64_t visible = fr_coordinator_visible(run->coordinator, task);
    const fr_prune_query query = {.trial = task.trial,
                                  .visible = visible,
                                  .fold = task.fold,
                                  .epochs = most_epochs(run, task, visible)};
    return fr_prune_rungs(&study->pruning, fr_run_history(run, task.search), &query, rungs, n);
}

/* A replay of the journal races before there is a coordinator. */
void fr_run_start_race(const fr_study *study, double valid_share, fr_race *race,
                       fr_history *history)
{
    if ((study->prune_methods & FR_PRUNE_RACING) == 0) return;
    *race = (fr_race){.first_fold = (uint32_t)study->pruning.first_fold,
                      .concurrency = (uint64_t)study->search.concurrency,
                      .alpha = study->pruning.alpha,
                      .valid_share = valid_share};
    history->race = fr_race_ask;
    history->race_context = race;
}
