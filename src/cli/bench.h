/* SPDX-License-Identifier: BSD-3-Clause */
/* bench.h - what `foldrank bench search` is made of. All Local. */
#ifndef FR_CLI_BENCH_H
#define FR_CLI_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "foldrank/objective.h"
#include "foldrank/option.h"
#include "foldrank/search.h"
#include "foldrank/status.h"
#include "foldrank/study.h"

/* An objective that costs nothing, and the scale of its scores. */
typedef struct {
    char *name;
    fr_study *study;
    fr_objective *objective;
    double best, median;
} fr_bench_problem;

typedef struct {
    fr_bench_problem *item;
    size_t n, capacity;
} fr_bench_problems;

/* Append what `operand` names: a test function as NAME:DIMENSIONS, a study file whose objective
 * is a function or a table, or a directory with such files (*.yaml, in the order of their
 * names). Errors: FR_ERR_USAGE, FR_ERR_DATA, FR_ERR_IO, FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_bench_problems_add(fr_bench_problems *problems, const char *operand);
void fr_bench_problems_clear(fr_bench_problems *problems);

/* A study of `problem` whose results come in order, as late as the options' concurrency allows:
 * the best score among the first marks[i] trials into best[i], NaN for none; processor time of
 * all suggestions [s] is added to *seconds. */
FR_CHECKED fr_status fr_bench_search(const fr_bench_problem *problem,
                                     const fr_search_options *options, const size_t *marks,
                                     size_t n_marks, double *best, double *seconds);

/* Print what a suggestion costs after so and so many trials, and the memory of a history. */
FR_CHECKED fr_status fr_bench_cost(FILE *out, const fr_strings *samplers);

/* Index of the sampler in fr_search_methods. Errors: FR_ERR_USAGE. */
FR_CHECKED fr_status fr_bench_method(const char *name, int *method);

#endif
