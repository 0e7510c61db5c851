/* SPDX-License-Identifier: BSD-3-Clause */
/* history.h - every trial and fold so far: what samplers learn from, pruners compare with,
 * selection rules choose from and the results file stores.
 *
 * Trials are numbered 0, 1, 2, ... in the order of suggestion. A trial has `n_folds` slots, one
 * per fold, filled in any order. A study with several objectives has as many scores: the first
 * is `score`, the others are in `more`, in the study's order. All functions are Local; the
 * history owns what it holds. */
#ifndef FR_HISTORY_H
#define FR_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/pack.h"
#include "foldrank/pareto.h"
#include "foldrank/space.h"
#include "foldrank/status.h"

/* Values are part of the journal's format. */
#define FR_TRIAL_STATE_LIST(X)                                                                 \
    X(FR_TRIAL_PENDING, 0, "pending") /* not all folds are in */                               \
    X(FR_TRIAL_COMPLETE, 1, "complete")                                                        \
    X(FR_TRIAL_PRUNED, 2, "pruned")     /* stopped because it was beaten */                    \
    X(FR_TRIAL_FAILED, 3, "failed")     /* the objective reported an error */                  \
    X(FR_TRIAL_DIVERGED, 4, "diverged") /* NaN or overflow */                                  \
    X(FR_TRIAL_TIMEOUT, 5, "timeout")                                                          \
    X(FR_TRIAL_INTERRUPTED, 6, "interrupted") /* the run was stopped; to be done again */      \
    X(FR_TRIAL_CANCELLED, 7, "cancelled")     /* a fold not needed after pruning */

typedef enum {
#define X(name, value, word) name = value,
    FR_TRIAL_STATE_LIST(X)
#undef X
} fr_trial_state;

const char *fr_trial_state_word(fr_trial_state state);

/* In place of a fold's number: the trial is trained on all rows of its search and scored on
 * rows that were kept from it. No history has a slot for that. */
#define FR_FOLD_OUTER UINT32_MAX

/* What one (trial, fold) gave. */
typedef struct {
    uint64_t trial;
    uint32_t fold;
    uint32_t search; /* 0: the study's own; a number of nested.h. No part of the bytes below */
    fr_trial_state state;
    double score; /* validation metric at the kept epoch; NaN when there is none */
    double more[FR_GOALS_MAX - 1]; /* scores in the further objectives */
    uint32_t n_more;               /* how many: one less than the study has objectives */
    double train_score;  /* the same metric on the training rows; NaN when not computed */
    double loss;         /* validation loss at the kept epoch */
    uint32_t epochs;     /* trained */
    uint32_t best_epoch; /* the kept one, 1-based; 0 when none */
    double seconds;      /* wall time of the fit [s] */
    double samples_per_second;
    double flops;          /* floating-point operations of the products */
    uint32_t rank;         /* that computed it */
    double start_s, end_s; /* since the start of the study's first run [s] */
    size_t n_curve;        /* epochs with a curve point */
    double *curve;         /* (n_curve, 2): training loss, validation score; owned */
    char *message;         /* why it failed; NULL when it did not; owned */
} fr_fold_result;

typedef struct {
    double *point; /* (space->n) */
    fr_trial_state state;
    double score_mean; /* over the complete folds, fold order, in double */
    double score_se;   /* standard error of the mean; NaN with one fold */
    double more_mean[FR_GOALS_MAX - 1], more_se[FR_GOALS_MAX - 1]; /* further objectives */
    uint32_t n_done;        /* folds with a final state */
    fr_fold_result **folds; /* (n_folds), NULL where not in yet */
} fr_trial;

typedef struct fr_history fr_history;

/* Whether `trial`, whose folds 0 .. n_folds-1 are complete, is beaten: a function of these and
 * of trials that had settled when it was suggested, so that it gives the same in a replay. */
typedef bool fr_history_race(const void *context, const fr_history *history, uint64_t trial,
                             uint32_t n_folds);

struct fr_history {
    const fr_space *space; /* borrowed */
    uint32_t n_folds;
    bool maximize;                /* direction of the score */
    size_t n_goals;               /* objectives; 1 unless fr_history_set_goals said otherwise */
    bool maximizes[FR_GOALS_MAX]; /* direction of each; the first is `maximize` */
    fr_trial *trials;
    size_t n, capacity;
    size_t settled;        /* trials 0 .. settled-1 all have a final state */
    uint64_t n_filed;      /* folds with a final state, cancelled ones included */
    fr_history_race *race; /* asked after every complete fold; NULL: no racing over folds */
    const void *race_context;
};

FR_CHECKED fr_status fr_history_create(const fr_space *space, uint32_t n_folds, bool maximize,
                                       fr_history **out);
void fr_history_destroy(fr_history **history);

/* Have n objectives, 1 .. FR_GOALS_MAX, with these directions. Before the first trial. */
void fr_history_set_goals(fr_history *history, const bool *maximizes, size_t n);

/* Append trial history->n with a copy of `point`. */
FR_CHECKED fr_status fr_history_add_trial(fr_history *history, const double *point);

/* File a fold result; takes over `result`'s curve and message (also on failure; *result is
 * zeroed). A slot that is filled already or does not exist, or another number of scores than
 * there are objectives, is FR_ERR_ARG. A result with state
 * FR_TRIAL_INTERRUPTED is dropped. A pruned fold, and one after which the trial is beaten in
 * the race, cancels the trial's later folds: what they gave is dropped, also when it comes only
 * then, so that the history does not depend on the order of arrival. Updates mean, error, state
 * and `settled`. */
FR_CHECKED fr_status fr_history_add_fold(fr_history *history, fr_fold_result *result);

/* Number of trials, from 0 on, whose results a decision about `trial` may look at when
 * `concurrency` trials may be in flight: all but the last concurrency - 1 before it. 0 (free):
 * those that have settled by now; only then `history` is looked at. Samplers, pruners and races
 * all go by this. */
uint64_t fr_history_visible(const fr_history *history, uint64_t concurrency, uint64_t trial);

/* Score of a fold, mean score of a trial and its standard error in objective k. */
double fr_fold_score(const fr_fold_result *fold, size_t k);
double fr_trial_mean(const fr_trial *trial, size_t k);
double fr_trial_se(const fr_trial *trial, size_t k);

/* Mean scores of a trial as costs. False when it is not complete or a score is not finite. */
bool fr_history_costs(const fr_history *history, size_t trial, fr_costs *out);

/* True when `a` is strictly better than `b`; NaN is worse than everything. */
bool fr_history_better(const fr_history *history, double a, double b);

/* Index of the best complete trial among trials[0..limit), in the first objective; history->n
 * when there is none. Ties go to the lower index. */
size_t fr_history_best(const fr_history *history, size_t limit);

/* What was done: of one trial, of all. A fit is a fold that was trained and counts, whatever
 * its state; a cancelled fold is none, though somebody may have trained it before that was
 * known. */
typedef struct {
    uint64_t fits, cancelled, epochs;
} fr_history_work;

fr_history_work fr_history_trial_work(const fr_history *history, uint64_t trial);
fr_history_work fr_history_all_work(const fr_history *history);

void fr_fold_result_clear(fr_fold_result *result);

/* Bytes of one result, for messages and the journal. Unpack: FR_ERR_FORMAT when the bytes do
 * not make sense; the caller clears *out. */
void fr_fold_result_pack(const fr_fold_result *result, fr_pack *out);
FR_CHECKED fr_status fr_fold_result_unpack(fr_unpack *in, fr_fold_result *out);

#endif
