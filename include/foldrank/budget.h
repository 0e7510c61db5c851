/* SPDX-License-Identifier: BSD-3-Clause */
/* budget.h - when a study has had enough: study key `stop`.
 *
 * A target score and budgets in fits and epochs are judged by results, but never by their order
 * of arrival. Trial t begins if what trials 0 .. t-1 took and all that t may take fit into the
 * budget. A trial that has not settled is charged with all it may take: if that is too much, t
 * waits; it is refused only when all before it have settled. So a study ends after the same
 * trial on any number of ranks, no budget is ever exceeded, and less than one trial is left of
 * it. A target is looked for among the trials that t may look at (fr_history_visible).
 * Budgets in core-hours and wall time go by a clock, which this room does not have: the
 * schedule ends a study by them, and where it ends cannot be reproduced. All functions are
 * Local. */
#ifndef FR_BUDGET_H
#define FR_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/history.h"
#include "foldrank/option.h"
#include "foldrank/status.h"

/* Study key `stop`; 0 = no such budget. Fits as in fr_history_work. */
typedef struct {
    char *score;       /* end when a complete trial is as good, as text; NULL = no target */
    int64_t fits;      /* in all */
    int64_t epochs;    /* trained in all */
    double core_hours; /* ranks x threads x time, of all runs of the study */
    double wall_s;     /* time of all its runs [s] */
} fr_stop_options;

extern const fr_option fr_stop_option_table[];
extern const size_t fr_stop_option_count;

/* The target; NaN when there is none. FR_ERR_USAGE: it is no number. */
FR_CHECKED fr_status fr_stop_target(const fr_stop_options *options, double *target);

/* FR_ERR_USAGE: the fits are fewer than the folds of a single trial. */
FR_CHECKED fr_status fr_stop_check(const fr_stop_options *options, uint32_t n_folds);

/* Whether anything but the number of trials bounds the study. */
bool fr_stop_is_budget(const fr_stop_options *options);

/* What ended a study. The words are part of the results' format. */
#define FR_END_LIST(X)                                                                         \
    X(FR_END_NOT_YET, "")                                                                      \
    X(FR_END_TRIALS, "trials") /* search.trials */                                             \
    X(FR_END_SPACE, "space")   /* every configuration was tried */                             \
    X(FR_END_SCORE, "score")                                                                   \
    X(FR_END_FITS, "fits")                                                                     \
    X(FR_END_EPOCHS, "epochs")                                                                 \
    X(FR_END_CORE_HOURS, "core_hours")                                                         \
    X(FR_END_WALL, "wall")

typedef enum {
#define X(name, word) name,
    FR_END_LIST(X)
#undef X
        FR_END_COUNT
} fr_end;

extern const char *const fr_end_words[]; /* by fr_end; NULL-terminated */

/* Epochs that one fit at `point` trains at most. */
typedef uint64_t fr_budget_epochs(const void *context, const double *point);

/* Sums over a history that only grows. Start with the first four set, the others zero. */
typedef struct {
    const fr_stop_options *options; /* borrowed, as all pointers here */
    uint64_t concurrency;           /* search.concurrency */
    fr_budget_epochs *epochs_at_most;
    const void *context;
    uint64_t counted;      /* settled trials whose results are in the sums */
    uint64_t charged;      /* trials that are, or were, charged with all they may take */
    uint64_t fits, epochs; /* that trials 0 .. counted-1 took */
    uint64_t due_fits, due_epochs; /* that trials counted .. charged-1 may take */
    uint64_t looked;               /* trials that `best` is among */
    double best;                   /* their best score; NaN when there is none */
} fr_budget;

/* A target is set: trial t waits until the trials that it may look at have settled. */
bool fr_budget_has_target(const fr_budget *budget);

/* Whether trial history->n, at `point`, may begin: FR_END_NOT_YET, with *wait when that cannot
 * be said before more trials have settled; else why the study ends here. O(1) on average. */
fr_end fr_budget_judge(fr_budget *budget, const fr_history *history, const double *point,
                       bool *wait);

#endif
