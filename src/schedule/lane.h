/* SPDX-License-Identifier: BSD-3-Clause */
/* lane.h - one search of those that a coordinator hands out tasks of. All Local. */
#ifndef FR_SCHEDULE_LANE_H
#define FR_SCHEDULE_LANE_H

#include "foldrank/coordinator.h"

/* Which tasks of a search are next: a cursor over its trials and their folds.
 *
 * Invariant: of the history->n * n_folds tasks of the suggested trials, history->n_filed are
 * filed, n_out are with workers (a cancelled one counts in both until it comes back), and the
 * rest lies ahead of `handed` or in `returned`. */
typedef struct {
    fr_coordinator_search own; /* pointers are borrowed */
    uint32_t number;
    double *point;        /* (space->n) of the next trial, when has_point */
    bool has_point;       /* it is suggested and waits for the budget's word */
    uint64_t n_trials;    /* in all; less once the space is exhausted */
    uint64_t concurrency; /* of pruning: trials in flight; 0 = without pruning, or any number */
    fr_end end;           /* what bounds the number of trials */
    uint64_t n_out;       /* tasks with workers, the last one not among them */
    uint32_t *handed; /* (capacity) folds of each trial that were handed out or passed over */
    size_t handed_capacity;
    size_t cursor;           /* trials before it have all their folds handed out */
    fr_assignment *returned; /* interrupted tasks, to be handed out before the cursor's */
    size_t n_returned, returned_capacity;

    /* What comes after the trials, where own.on_end is set. */
    bool ended;         /* it was asked for */
    fr_assignment last; /* the task that it gave */
    enum { LAST_NONE, LAST_READY, LAST_OUT, LAST_FILED } last_stage;
} fr_lane;

/* The caller clears *lane, also on failure. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_lane_open(const fr_coordinator_search *search, uint32_t number,
                                  fr_lane *lane);
void fr_lane_clear(fr_lane *lane);

/* All trials have settled; and nothing comes after them any more. */
bool fr_lane_trials_are_done(const fr_lane *lane);
bool fr_lane_is_done(const fr_lane *lane);

/* Tasks that could be handed out now; fewer while cancelled ones are with workers. */
uint64_t fr_lane_ready(const fr_lane *lane);

/* Trials whose folds are handed out: by this searches are kept level. */
uint64_t fr_lane_progress(const fr_lane *lane);

/* The next task; *found is false when nothing is ready. */
FR_CHECKED fr_status fr_lane_next(fr_lane *lane, fr_assignment *task, bool *found);

/* A task came back: file it, or hand it out again. Takes over the result's memory. */
FR_CHECKED fr_status fr_lane_file(fr_lane *lane, fr_fold_result *result);

/* Tasks finished, and in all as far as is known: 0 when only budgets bound the search. */
void fr_lane_count(const fr_lane *lane, uint64_t *done, uint64_t *total);

#endif
