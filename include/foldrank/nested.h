/* SPDX-License-Identifier: BSD-3-Clause */
/* nested.h - nested cross-validation: what the whole procedure is worth - search, selection and
 * the training of the chosen model - by searches that never saw the rows they are judged on
 * (Cawley and Talbot, "On over-fitting in model selection and subsequent selection bias in
 * performance evaluation", JMLR 11, 2010). Outer fold k = 0, 1, ... has search number k + 1.
 * All Local. */
#ifndef FR_NESTED_H
#define FR_NESTED_H

#include <stddef.h>
#include <stdint.h>

#include "foldrank/history.h"
#include "foldrank/space.h"
#include "foldrank/status.h"

/* What became of one outer fold. */
typedef struct {
    fr_trial_state state;           /* complete; pending: not known yet; else why not */
    double score;                   /* on the outer fold's rows; NaN when there is none */
    double more[FR_GOALS_MAX - 1];  /* in the further objectives; NaN of costs */
    double search_score;            /* what the search thought: the chosen trial's mean */
    uint64_t chosen;                /* number of that trial in its own search */
    uint64_t trials, fits;          /* of the search */
    uint64_t train_rows, test_rows; /* of the search and of the outer fold */
    double seconds;                 /* wall time of its fits, the last one included [s] */
    double *point; /* (space->n) settings of the chosen trial; owned; NULL while
                    * nothing is chosen */
    char *message; /* why there is no score; owned; NULL */
} fr_outer_fold;

typedef struct {
    size_t n; /* outer folds; 0: that was not asked for */
    fr_outer_fold *folds;
} fr_nested;

/* n outer folds, pending. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_nested_create(size_t n, fr_nested *out);
void fr_nested_clear(fr_nested *nested);

/* Forget what became of it, but for the numbers of rows. */
void fr_outer_fold_reset(fr_outer_fold *fold);

/* Over the complete outer folds, in objective k. */
typedef struct {
    size_t n_complete, n_pending;
    double mean;         /* NaN without a complete one */
    double sd, se;       /* standard deviation and standard error; NaN of fewer than two */
    double low, high;    /* least and greatest score */
    double search_score; /* mean of what their searches thought (first objective) */
} fr_nested_summary;

fr_nested_summary fr_nested_summarize(const fr_nested *nested, size_t k);

/* How far the outer folds agree on one setting. */
typedef struct {
    size_t n_folds;  /* with a chosen trial */
    size_t n_active; /* of these, where the setting is active */
    size_t n_most;   /* ... where it has its most frequent value, or is inactive if that is more
                      * frequent than any */
    double most;     /* that value, the lowest one of several; NaN: inactive */
    double low, high; /* of numbers: least and greatest value; NaN without one */
    double span;      /* of numbers: the share of the searched range between these, on the scale
                       * of the search; NaN otherwise */
} fr_nested_setting;

fr_nested_setting fr_nested_agreement(const fr_nested *nested, const fr_space *space,
                                      size_t param);

#endif
