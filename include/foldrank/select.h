/* SPDX-License-Identifier: BSD-3-Clause */
/* select.h - which of the finished trials is the model: rules and cross-validation statistics.
 * All Local. */
#ifndef FR_SELECT_H
#define FR_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/history.h"
#include "foldrank/option.h"
#include "foldrank/status.h"

typedef enum {
    FR_RULE_BEST,               /* best mean score */
    FR_RULE_ONE_STANDARD_ERROR, /* smallest model within one standard error of the best */
    FR_RULE_PAIRED_TEST, /* smallest model that the corrected t-test cannot tell from it */
    FR_RULE_DICE,        /* draw k at random, keep the best; repeated */
    FR_RULE_KNEE,        /* of several objectives: where the front bulges most */
} fr_rule;

typedef struct {
    int rule;               /* fr_rule */
    double alpha;           /* paired_test: significance level */
    int64_t k;              /* dice: models drawn a round; 0 = all */
    int64_t rounds;         /* dice */
    int64_t seed;           /* dice */
    bool lower_bound;       /* dice: rank by mean - standard error instead of the mean */
    fr_strings constraints; /* "parameters <= 10000": only trials that meet all are chosen */
    fr_strings reference;   /* hypervolume: a value of each objective; empty = by the front */
} fr_select_options;

extern const fr_option fr_select_option_table[];
extern const size_t fr_select_option_count;

/* Several objectives: who is dominated by whom among the ranked trials. All 0 and NULL with one
 * objective. */
typedef struct {
    size_t n_front;  /* trials that no other dominates */
    uint64_t *front; /* best first in the first objective, ties to the lower index */
    size_t n_trials;
    uint32_t *rank;      /* (n_trials) 1 = front, 2 = front without these ...; 0 = not ranked */
    double *hypervolume; /* (n_trials) of trials 0 .. t; NaN: too many to be reckoned */
    double reference[FR_GOALS_MAX]; /* where it ends, in the objectives' own units */
} fr_fronts;

/* Reckon the fronts of all complete trials with a score that `allowed` (NULL: all) admits.
 * Without a reference of its own (n_reference = 0) the hypervolume ends a tenth of the front's
 * extent beyond its worst value in each objective. Release with fr_fronts_clear.
 * Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_fronts_find(const fr_history *history, const bool *allowed,
                                    const double *reference, size_t n_reference,
                                    fr_fronts *out);
void fr_fronts_clear(fr_fronts *fronts);

/* The knee of the front: with each objective brought to 0 (best on the front) .. 1 (worst), the
 * trial farthest below the plane through the points that have one objective at its worst and
 * the others at their best; of two objectives the line through the ends (Das, "On
 * characterizing the `knee' of the Pareto curve", Structural Optimization 18, 1999). Ties go to
 * the earlier in `front`. n_front >= 1. */
size_t fr_fronts_knee(const fr_history *history, const fr_fronts *fronts);

/* The numbers of options->reference: n of them, 0 when it is empty. FR_ERR_USAGE: another
 * number than `n_goals`, or no numbers. */
FR_CHECKED fr_status fr_select_reference(const fr_select_options *options, size_t n_goals,
                                         double out[FR_GOALS_MAX], size_t *n);

/* "name <= bound": <, <=, >, >=. */
typedef struct {
    size_t which;  /* index of the name */
    bool at_most;  /* < or <= */
    bool strictly; /* < or > */
    double bound;
} fr_constraint;

/* FR_ERR_USAGE says what is allowed (did you mean ...?). */
FR_CHECKED fr_status fr_constraint_parse(const char *text, const char *const names[], size_t n,
                                         fr_constraint *out);

/* NaN meets nothing. */
bool fr_constraint_holds(const fr_constraint *constraint, double value);

/* Sizes are those of `ranking` where not said otherwise. */
typedef struct {
    int rule;               /* fr_rule that chose */
    size_t chosen;          /* trial index */
    size_t n_ranking;       /* complete trials that may be chosen */
    uint64_t *ranking;      /* best first by mean score, ties to the lower index */
    double *p_value;        /* paired_test: of each ranked trial against the best; else NULL */
    double *difference;     /* paired_test: mean score minus that of the best; else NULL */
    uint64_t n_rounds;      /* dice */
    uint64_t *round_winner; /* (n_rounds) trial index; else NULL */
    double *win_share;      /* dice: share of the rounds won by each ranked trial; else NULL */
    size_t n_expected;      /* dice: length of expected, at most 1,000 */
    double *expected; /* dice: expected best mean score of k = 1 .. n_expected random trials
                       * (Dodge et al., EMNLP 2019, eq. 2, without replacement) */
    fr_fronts fronts; /* of several objectives */
} fr_selection;

/* What a choice needs to know besides the scores. */
typedef struct {
    const double
        *complexity;     /* one number per trial: parameters of the model; NULL: all equal */
    const bool *allowed; /* one per trial: may be chosen; NULL: all may */
    double train_rows, valid_rows; /* of one fold, for the test's correction */
} fr_select_facts;

/* Choose among the complete trials that may be chosen. All rules but knee go by the first
 * objective. Errors: FR_ERR_STATE when there is no such trial. Release with fr_selection_clear.
 */
FR_CHECKED fr_status fr_select_run(const fr_history *history, const fr_select_options *options,
                                   const fr_select_facts *facts, fr_selection *out);
void fr_selection_clear(fr_selection *selection);

/* Nadeau and Bengio's corrected resampled t-test ("Inference for the generalization error",
 * Machine Learning 52, 2003, section 3): two-sided p value that the mean of difference[0..n) is
 * zero, the variance widened by 1/n + valid_rows/train_rows. 1 when all differences are 0; NaN
 * for n < 2. */
double fr_paired_test(const double *difference, size_t n, double train_rows, double valid_rows);

/* Half the width of the interval around the mean of score[0..n), one number per fold, that
 * covers the expected score with probability `level`: Student's t with the same widened
 * variance. NaN for n < 2. */
double fr_score_half_width(const double *score, size_t n, double valid_share, double level);

/* Wilson's score interval of a share among n > 0 (J. Am. Stat. Assoc. 22, 1927), such as an
 * accuracy on n rows: out[0] <= share <= out[1]. */
void fr_share_interval(double share, double n, double level, double out[2]);

/* Expected maximum (or minimum) of k of scores[0..n) drawn without replacement. 1 <= k <= n. */
double fr_expected_best(const double *scores, size_t n, size_t k, bool maximize);

/* Racing over folds: whether `trial`, of which folds 0 .. n_folds-1 are complete, is already
 * beaten by the best complete trial among 0 .. visible-1: a one-sided paired test on the same
 * folds at level alpha (Maron and Moore, "Hoeffding races", NIPS 1993, with the corrected
 * t-test in place of the bound). valid_share is validation rows / training rows of a fold.
 * False for n_folds < 2, without such a trial, and whenever the trial's mean is not worse. */
bool fr_race_beaten(const fr_history *history, uint64_t trial, uint64_t visible,
                    uint32_t n_folds, double alpha, double valid_share);

/* The race of a study, for fr_history: `race` is an fr_race. */
typedef struct {
    uint32_t first_fold;  /* folds that have to be complete */
    uint64_t concurrency; /* of the search */
    double alpha, valid_share;
} fr_race;

bool fr_race_ask(const void *race, const fr_history *history, uint64_t trial, uint32_t n_folds);

#endif
