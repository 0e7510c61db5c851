/* SPDX-License-Identifier: BSD-3-Clause */
/* nested.h - the searches of a run beside the study's own: those that do not see an outer fold.
 */
#ifndef FR_SCHEDULE_NESTED_H
#define FR_SCHEDULE_NESTED_H

#include "internal.h"

/* The search that does not see an outer fold of nested cross-validation. */
struct fr_outer {
    fr_run_state *run;
    uint32_t number; /* of the search: 1, 2, ... */
    fr_study study;  /* the run's with a seed of its own; what it points to is borrowed */
    fr_folds *folds; /* the outer fold's rows are their test rows */

    /* root only */
    fr_history *history;
    fr_search *search;
    fr_budget budget;
    fr_race race;
    double valid_share;
    fr_selection selection;
    bool has_selection;
    char *failure; /* why nothing could be chosen; NULL */
};

/* The searches of the study's outer folds, once the run has its folds. Errors: those of
 * fr_folds_create_outer. */
FR_CHECKED fr_status fr_nested_open(fr_run_state *run);
/* Their objectives, beside the run's. */
FR_CHECKED fr_status fr_nested_open_objectives(fr_run_state *run,
                                               const fr_objective_place *place);
void fr_nested_close(fr_run_state *run);

/* Root: what it has of them, before the journal is opened; with n_outer = 0 as well. Then give
 * them to the coordinator, after it. */
FR_CHECKED fr_status fr_nested_open_searches(fr_run_state *run);
FR_CHECKED fr_status fr_nested_begin(fr_run_state *run);

/* The history of a search by its number. Root. */
fr_history *fr_run_history(const fr_run_state *run, uint32_t search);

/* For a task of FR_FOLD_OUTER: the kept epochs of the trial's folds; *rungs is the caller's.
 * Root. */
FR_CHECKED fr_status fr_nested_kept_epochs(const fr_run_state *run, fr_assignment task,
                                           fr_rung **rungs, size_t *n);

/* What came of such a task. Root. */
FR_CHECKED fr_status fr_nested_file(fr_run_state *run, const fr_fold_result *result);

/* Fits of all these searches so far. Root. */
uint64_t fr_nested_fits(const fr_run_state *run);

/* Put what is known into the report; whether an earlier file has the same. Root. */
FR_CHECKED fr_status fr_nested_collect(const fr_run_state *run);
bool fr_nested_is_in(const fr_run_state *run, const fr_nested *earlier);

#endif
