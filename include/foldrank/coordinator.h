/* SPDX-License-Identifier: BSD-3-Clause */
/* coordinator.h - who trains what next: the state machine behind a run.
 *
 * No MPI, no threads, no files: it is told what finished, and asked for work. Trials are
 * suggested in order, each as soon as the results it may look at are in and a worker wants it;
 * a trial is cut into one task per fold. Finished work that comes back from a journal is never
 * handed out again; what is missing of it goes first.
 *
 * There may be several searches: number 0, and others whose tasks go out whenever it has none
 * ready, so that nobody waits at the end of one for the next. Each has a history of its own, so
 * none depends on how far the others are.
 * All functions are Local and called by one thread. */
#ifndef FR_COORDINATOR_H
#define FR_COORDINATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/budget.h"
#include "foldrank/history.h"
#include "foldrank/search.h"
#include "foldrank/status.h"

typedef struct fr_coordinator fr_coordinator;

/* Called once for every newly suggested trial, before any of its tasks is handed out: the place
 * to journal it. */
typedef fr_status fr_coordinator_on_trial(void *context, uint64_t trial, const double *point);

/* Called once when all trials of a search have settled: whether a task comes after them, and
 * its trial. */
typedef fr_status fr_coordinator_on_end(void *context, uint64_t *trial, bool *wanted);

/* One unit of work: a fold of a trial; FR_FOLD_OUTER where on_end asked for it. */
typedef struct {
    uint64_t trial;
    uint32_t fold;
    uint32_t search; /* number */
} fr_assignment;

/* A search beside the first. All pointers are borrowed until the coordinator is destroyed. */
typedef struct {
    fr_search *search;
    fr_history *history; /* may hold replayed trials, as the first one's */
    fr_budget *budget;   /* NULL: none */
    fr_coordinator_on_trial *on_trial;
    fr_coordinator_on_end *on_end; /* NULL: nothing comes after the trials */
    void *context;                 /* of both */
} fr_coordinator_search;

/* `history` may hold replayed trials, also more than the search makes: then all of them are
 * brought to an end. All pointers are borrowed until destroy. `n_workers` is the number of
 * ranks that train. */
FR_CHECKED fr_status fr_coordinator_create(fr_search *search, fr_history *history,
                                           int n_workers, fr_coordinator_on_trial *on_trial,
                                           void *context, fr_coordinator **out);
void fr_coordinator_destroy(fr_coordinator **coordinator);

/* Add a search; it has the next number. Of those beside the first the one with the fewest
 * trials goes first: so they end together. Before the first assignment; pruning that is set
 * holds for it, too. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_coordinator_add(fr_coordinator *coordinator,
                                        const fr_coordinator_search *search);

/* Trials are pruned by comparison with others: trial t waits until trials 0 .. t - concurrency
 * have settled, and of the open trials the one with the fewest folds handed out comes first, so
 * that a beaten trial costs little. 0 (free): neither; comparisons are with whatever is there.
 * Before the first assignment. */
void fr_coordinator_set_pruning(fr_coordinator *coordinator, uint64_t concurrency);

/* No trial of the first search begins that `budget` does not allow; borrowed. Before the first
 * assignment. */
void fr_coordinator_set_budget(fr_coordinator *coordinator, fr_budget *budget);

/* The clock's budget: `end` comes in so many seconds. Nothing is handed out when none are left,
 * and no reserve when they are fewer than a task takes; once all that was handed out is back,
 * the study is done, with trials that lack folds if it must be. */
void fr_coordinator_set_time_left(fr_coordinator *coordinator, double seconds, fr_end end);
double
fr_coordinator_time_left(const fr_coordinator *coordinator); /* INFINITY: no such budget */

/* What ended the first search, or will if nothing else comes first. */
fr_end fr_coordinator_end(const fr_coordinator *coordinator);

/* Number of trials of its search, from 0 on, that decisions about the task may look at. */
uint64_t fr_coordinator_visible(const fr_coordinator *coordinator, fr_assignment task);

/* Up to `capacity` tasks for `worker`, so many that it has one batch to work on and one in
 * reserve. A batch is about 100 ms of work by the running average of task times. Towards the
 * end less: nobody is given what others could begin sooner. *n = 0: the worker has enough, or
 * nothing is ready (others still run what suggestions wait for), or all is handed out. */
FR_CHECKED fr_status fr_coordinator_assign(fr_coordinator *coordinator, int worker,
                                           fr_assignment *tasks, size_t capacity, size_t *n);

/* A round over the workers that may need something, each once: those that reported since they
 * were asked last, and those that went short then; in the first round all. They are to be
 * assigned to, or put off. False ends the round. So a turn of root costs what has happened, not
 * what there is. */
bool fr_coordinator_next(fr_coordinator *coordinator, int *worker);

/* Put `worker` off to the next round. */
void fr_coordinator_ask_again(fr_coordinator *coordinator, int worker);

/* A task of `worker` came back: files it in the history of its search (taking over its memory);
 * what came of a last task the caller has filed. An interrupted one is handed out again.
 * FR_ERR_ARG when the worker has no task, or the slot is filled or does not exist. */
FR_CHECKED fr_status fr_coordinator_report(fr_coordinator *coordinator, int worker,
                                           fr_fold_result *result);

/* Tasks that `worker` has and has not reported. */
size_t fr_coordinator_held(const fr_coordinator *coordinator, int worker);

/* No worker has a task. */
bool fr_coordinator_idle(const fr_coordinator *coordinator);

/* What a task takes, or one epoch of it, by the mean of about the last 64, replayed ones
 * included [s]; 0 while nothing is known. */
double fr_coordinator_seconds(const fr_coordinator *coordinator, bool of_epoch);

/* All trials of all searches have settled and the last tasks are back, or the time is up and
 * nobody has work any more. */
bool fr_coordinator_done(const fr_coordinator *coordinator);

/* For progress: tasks finished (this run and before), tasks in all as far as is known: 0 when
 * only budgets bound the study. */
void fr_coordinator_progress(const fr_coordinator *coordinator, uint64_t *done,
                             uint64_t *total);

#endif
