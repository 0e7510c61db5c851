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
} fr_rule;

typedef struct {
    int rule;         /* fr_rule */
    double alpha;     /* paired_test: significance level */
    int64_t k;        /* dice: models drawn a round; 0 = all */
    int64_t rounds;   /* dice */
    int64_t seed;     /* dice */
    bool lower_bound; /* dice: rank by mean - standard error instead of the mean */
} fr_select_options;

extern const fr_option fr_select_option_table[];
extern const size_t fr_select_option_count;

/* Sizes are those of `ranking` where not said otherwise. */
typedef struct {
    size_t chosen;          /* trial index */
    size_t n_ranking;       /* complete trials */
    uint64_t *ranking;      /* best first by mean score, ties to the lower index */
    double *p_value;        /* paired_test: of each ranked trial against the best; else NULL */
    double *difference;     /* paired_test: mean score minus that of the best; else NULL */
    uint64_t n_rounds;      /* dice */
    uint64_t *round_winner; /* (n_rounds) trial index; else NULL */
    double *win_share;      /* dice: share of the rounds won by each ranked trial; else NULL */
    size_t n_expected;      /* dice: length of expected, at most 1,000 */
    double *expected; /* dice: expected best mean score of k = 1 .. n_expected random trials
                       * (Dodge et al., EMNLP 2019, eq. 2, without replacement) */
} fr_selection;

/* Choose. `train_rows` and `valid_rows` are the sizes of one fold, for the test's correction;
 * `complexity` has one number per trial (parameters of the model), NULL when all are equal.
 * Errors: FR_ERR_STATE when no trial is complete. Release with fr_selection_clear. */
FR_CHECKED fr_status fr_select_run(const fr_history *history, const fr_select_options *options,
                                   const double *complexity, double train_rows,
                                   double valid_rows, fr_selection *out);
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
