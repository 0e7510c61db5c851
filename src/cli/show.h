/* SPDX-License-Identifier: BSD-3-Clause */
/* show.h - what the pages of `foldrank show` have in common. All Local. */
#ifndef FR_SHOW_H
#define FR_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "foldrank/store.h"

/* What is asked for. */
typedef struct {
    const fr_results_file *results;
    const uint64_t *order;   /* trials to list, in this order; NULL: by number */
    size_t n;                /* how many of them */
    const fr_fronts *fronts; /* NULL with one objective */
} fr_show;

/* Sums over all trials. */
typedef struct {
    size_t states[FR_TRIAL_CANCELLED + 1]; /* trials in each state */
    fr_history_work work;                  /* fits, cancelled folds, epochs */
    double fit_s;                          /* their wall time, added up [s] */
    double wall_s;                         /* from the study's start to the last fold's end */
} fr_show_sums;

fr_show_sums fr_show_sum(const fr_history *history);

/* Sums over the folds of one trial. */
typedef struct {
    fr_history_work work;
    double seconds;
    const char *message; /* of the first fold that has one; "" */
} fr_show_trial_sums;

fr_show_trial_sums fr_show_trial_sum(const fr_history *history, size_t trial);

/* Name of the first objective: the metric, or "score" where nothing is trained. */
const char *fr_show_metric(const fr_study *study);
const char *fr_show_rule(const fr_results_file *results);

/* How much better the chosen trial's mean score in objective k was than the test score; NaN
 * when there is no test score. */
double fr_show_optimism(const fr_results_file *results, size_t k);
double fr_show_test_score(const fr_results_file *results, size_t k);

/* For people. */
void fr_show_page(const fr_show *show, FILE *out);
void fr_show_trial_page(const fr_results_file *results, size_t trial, FILE *out);

/* How the search went and what mattered, as small charts; in ASCII when asked to, or when the
 * user's locale is not one of UTF-8. */
FR_CHECKED fr_status fr_show_charts(const fr_results_file *results, bool ascii, FILE *out);

/* What the chosen model goes by. Errors: FR_ERR_DATA when the file does not say. */
FR_CHECKED fr_status fr_show_explain(const fr_results_file *results, bool ascii, FILE *out);

/* Lines of cells that tabs separate, as columns; align[c] is l or r. */
void fr_show_print_table(const char *text, const char *align, FILE *out);

/* What the whole search is worth, and how far the outer folds agree; nothing when the study did
 * not ask. */
void fr_show_nested(const fr_results_file *results, FILE *out);

/* For programs: CSV with a header line; one JSON object. A number that is not there is an empty
 * field, and null. */
void fr_show_csv(const fr_show *show, FILE *out);
void fr_show_trial_csv(const fr_results_file *results, size_t trial, FILE *out);
void fr_show_json(const fr_show *show, FILE *out);
void fr_show_trial_json(const fr_results_file *results, size_t trial, FILE *out);

void fr_show_nested_csv(const fr_results_file *results, FILE *out);
/* `, "nested": {...}`; nothing when the file has none. */
void fr_show_nested_json(const fr_results_file *results, FILE *out);
/* `, "calibration": {...}`, each measure before and after; nothing when there is none. */
void fr_show_calibration_json(const fr_results_file *results, FILE *out);
/* Active parameters as an object. */
void fr_show_json_params(const fr_space *space, const double *point, FILE *out);

/* Everything in the file but the model: one JSON object; CSV tables. */
void fr_show_whole_json(const fr_results_file *results, FILE *out);

typedef struct {
    const char *name; /* "folds" */
    bool (*is_there)(const fr_results_file *results);
    void (*write)(const fr_results_file *results, FILE *out); /* with a header line */
} fr_show_table;

extern const fr_show_table fr_show_tables[];
extern const size_t fr_show_table_count;

/* A row of a fold and the header above it; both begin with the fold's number. */
void fr_show_fold_header(const fr_study *study, FILE *out);
void fr_show_fold_csv(const fr_study *study, const fr_fold_result *fold, FILE *out);

#endif
