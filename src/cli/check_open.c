/* SPDX-License-Identifier: BSD-3-Clause */
/* check_open.c - everything that a run would read, and what it would find wrong. */
#include <stdlib.h>

#include "check.h"
#include "foldrank/store.h"

/* The folds of every search that nested cross-validation makes: the data may have too few rows
 * of something once an outer fold is missing. */
static fr_status check_outer_folds(const fr_check *c)
{
    for (uint32_t k = 0; k < (uint32_t)c->study->nested.outer_folds; k++) {
        fr_folds *folds = NULL;
        FR_TRY(fr_study_make_outer_folds(c->study, &c->dataset, c->folds, k, &folds));
        fr_folds_destroy(&folds);
    }
    return FR_OK;
}

fr_status fr_check_open(fr_check *c)
{
    const fr_study *study = c->study;
    if (c->nodes > c->ranks)
        return FR_FAIL(FR_ERR_USAGE, "%zu ranks cannot fill %zu nodes; use --ranks", c->ranks,
                       c->nodes);
    if (study->resources.ranks_per_trial > (int64_t)((c->ranks + c->nodes - 1) / c->nodes))
        return FR_FAIL(
            FR_ERR_USAGE,
            "resources.ranks_per_trial is %lld, but %zu rank%s on %zu node%s make no "
            "group of so many on one of them; use --ranks",
            (long long)study->resources.ranks_per_trial, c->ranks, c->ranks == 1 ? "" : "s",
            c->nodes, c->nodes == 1 ? "" : "s");
    if (study->objective.type == FR_OBJECTIVE_TRAINING) {
        FR_TRY(fr_dataset_read(&study->data, &study->test, &c->block, &c->dataset));
        FR_TRY(fr_study_make_folds(study, &c->dataset, &c->folds));
        FR_TRY(check_outer_folds(c));
    }
    FR_TRY(fr_stop_check(&study->stop, fr_check_folds(c)));
    const fr_objective_place place = {.threads = 1};
    FR_TRY(fr_objective_create(study, c->folds == NULL ? NULL : &c->dataset, c->folds, &place,
                               &c->objective));
    c->goes_on = fr_journal_exists(study->output);
    if (!c->goes_on) FR_TRY(fr_past_read(study, c->dataset.schema.fingerprint, &c->past));
    return fr_search_create(&study->space, &study->search, study->enqueued, study->n_enqueued,
                            &c->search);
}

uint32_t fr_check_folds(const fr_check *c)
{
    return c->folds == NULL ? (uint32_t)c->study->objective.folds : fr_folds_count(c->folds);
}

double fr_check_searches(const fr_check *c)
{
    return 1.0 + (double)c->study->nested.outer_folds;
}

void fr_check_close(fr_check *c)
{
    fr_search_destroy(&c->search);
    fr_past_clear(&c->past);
    fr_objective_destroy(&c->objective);
    fr_folds_destroy(&c->folds);
    fr_dataset_clear(&c->dataset);
    free(c->block);
    c->block = NULL;
}
