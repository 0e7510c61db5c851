/* SPDX-License-Identifier: BSD-3-Clause */
/* prune.h - which fits are stopped early, as a table that travels with the task.
 *
 * A decision about trial t compares with settled trials 0 .. visible-1 only, where visible is
 * what search.concurrency grants (fr_search_needs). These results exist when t starts, so the
 * scores that t has to reach are known beforehand: fr_prune_rungs writes them down per epoch,
 * and the rank that trains decides alone, the same on any machine. Folds are compared with the
 * same fold of other trials, never across folds; there a trial that an earlier fold has shown
 * to be beaten counts as worse than all that came so far, and halving lets through what its
 * rungs leave of all trials in the first fold: the few good ones that are left are not halved
 * again in every fold. Racing over whole folds is in select.h.
 *
 * The value of a trial at epoch e is its best validation score up to e. All functions are
 * Local. */
#ifndef FR_PRUNE_H
#define FR_PRUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/history.h"
#include "foldrank/option.h"
#include "foldrank/status.h"

/* Methods combine; a fit goes on only while all of them let it. */
typedef enum {
    FR_PRUNE_MEDIAN = 1,     /* worse than the median of the earlier trials at this epoch
                              * (Golovin et al., "Google Vizier", KDD 2017, section 3.2.2) */
    FR_PRUNE_PERCENTILE = 2, /* not among the best `percentile` percent */
    FR_PRUNE_ASHA = 4,       /* at epochs first_epoch * reduction^k, not among the best
                              * 1/reduction (Li et al., MLSys 2020; the stopping variant) */
    FR_PRUNE_HYPERBAND = 8,  /* ASHA in brackets with different first rungs (Li et al., JMLR
                              * 2018); a trial competes within its bracket. Brackets follow
                              * from the number of epochs, which must be the same for all
                              * trials: the study parser refuses to search it */
    FR_PRUNE_THRESHOLD = 16, /* worse than a fixed score */
    FR_PRUNE_PATIENCE = 32, /* no better score for `patience` epochs: the fit ends with its best
                             * epoch's score and weights. It counts as complete, so the trial
                             * goes on with its other folds and can be selected */
    FR_PRUNE_RACING = 64,   /* over folds: a paired test against the best trial (select.h) */
    /* those that give cutoffs */
    FR_PRUNE_BY_CUTOFF = FR_PRUNE_MEDIAN | FR_PRUNE_PERCENTILE | FR_PRUNE_ASHA |
                         FR_PRUNE_HYPERBAND | FR_PRUNE_THRESHOLD,
    /* those that look at earlier trials, so that search.concurrency limits the trials at once
     */
    FR_PRUNE_COMPARING = FR_PRUNE_MEDIAN | FR_PRUNE_PERCENTILE | FR_PRUNE_ASHA |
                         FR_PRUNE_HYPERBAND | FR_PRUNE_RACING,
} fr_prune_method;

/* Study key `pruning`. */
typedef struct {
    fr_strings method;      /* words of the methods; empty = none */
    int64_t first_epoch;    /* no decision before this epoch */
    int64_t reduction;      /* asha, hyperband: eta */
    double percentile;      /* percentile: share that goes on [%] */
    int64_t startup_trials; /* median, percentile: earlier trials needed */
    char *threshold;        /* threshold: the score, as text; NULL = not given */
    int64_t patience;       /* patience: epochs */
    double alpha;           /* racing: level of the one-sided test */
    int64_t first_fold;     /* racing: folds done before the first test, at least 2 */
    int64_t seed;           /* hyperband: brackets */
} fr_prune_options;

extern const fr_option fr_prune_option_table[];
extern const size_t fr_prune_option_count;

/* The methods as bits. FR_ERR_USAGE: an unknown word, or threshold without a score. */
FR_CHECKED fr_status fr_prune_methods(const fr_prune_options *options, unsigned *methods);

/* Stop a fit at `epoch` (1-based) when its value is worse than `cutoff`. */
typedef struct {
    uint32_t epoch;
    double cutoff;
} fr_rung;

typedef struct {
    uint64_t trial, visible; /* compare with trials 0 .. visible-1 */
    uint32_t fold;
    uint32_t epochs; /* that the trial would train at most */
} fr_prune_query;

/* Cutoffs for one task, ascending epochs below query->epochs; *rungs is the caller's (free),
 * NULL when *n is 0. O(visible x epochs). */
FR_CHECKED fr_status fr_prune_rungs(const fr_prune_options *options, const fr_history *history,
                                    const fr_prune_query *query, fr_rung **rungs, size_t *n);

/* Number of hyperband's brackets for fits of `epochs`, and the bracket of a trial: bracket b
 * has its first rung at first_epoch * reduction^b. */
uint32_t fr_prune_brackets(const fr_prune_options *options, uint32_t epochs);
uint32_t fr_prune_bracket(const fr_prune_options *options, uint64_t trial, uint32_t epochs);

#endif
