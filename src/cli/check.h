/* SPDX-License-Identifier: BSD-3-Clause */
/* check.h - what `foldrank check` knows of a study. */
#ifndef FR_CHECK_H
#define FR_CHECK_H

#include <stddef.h>
#include <stdio.h>

#include "foldrank/data.h"
#include "foldrank/folds.h"
#include "foldrank/objective.h"
#include "foldrank/past.h"
#include "foldrank/search.h"
#include "foldrank/study.h"
#include "foldrank/text.h"

typedef struct {
    const fr_study *study;
    void *block; /* of the data set */
    fr_dataset dataset;
    fr_folds *folds; /* NULL: nothing is trained */
    fr_objective *objective;
    fr_search *search;
    bool goes_on; /* there is a journal of it */
    fr_past past; /* what earlier studies found, when it does not go on */
    size_t ranks, nodes;
} fr_check;

/* Read everything that the run of c->study on c->ranks and c->nodes would read. Errors: those
 * of the study and its data. The caller closes *c in any case. Local. */
FR_CHECKED fr_status fr_check_open(fr_check *c);
void fr_check_close(fr_check *c);

/* Folds of a trial, once the study is open. */
uint32_t fr_check_folds(const fr_check *c);

/* Searches of a run: the study's own, and one for each outer fold. */
double fr_check_searches(const fr_check *c);

/* Tasks that may run at the same time, and ranks that then have nothing to do. Local. */
double fr_check_tasks_at_once(const fr_check *check);
size_t fr_check_idle_ranks(const fr_check *check);

/* The page of `foldrank check`. Errors: FR_ERR_MEMORY, FR_ERR_DATA. Local. */
FR_CHECKED fr_status fr_check_print(const fr_check *check, FILE *out);

/* Append the filled-in study, with a comment behind each key of a block. Local. */
void fr_check_text(const fr_study *study, fr_text *out);

/* Bytes that the largest fit of the study takes besides the shared data, and the number of
 * parameters of the largest model; rows of the smallest batch: over many random configurations.
 * Errors: FR_ERR_MEMORY. */
typedef struct {
    size_t inputs; /* features after preprocessing, at most */
    double params;
    double fit_bytes;    /* on a rank, with its share of a matrix that all share */
    double spread_bytes; /* that matrix, over all ranks; 0: none */
    size_t spread_rows;
    double least_batch; /* rows */
} fr_check_size;
FR_CHECKED fr_status fr_check_largest(const fr_check *check, fr_check_size *out);

#endif
