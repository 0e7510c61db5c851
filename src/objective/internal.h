/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - the kinds of objective behind one handle. */
#ifndef FR_OBJECTIVE_INTERNAL_H
#define FR_OBJECTIVE_INTERNAL_H

#include "foldrank/objective.h"

typedef struct fr_fold_cache fr_fold_cache;
typedef struct fr_score_table fr_score_table;

struct fr_objective {
    const fr_study *study;     /* borrowed */
    const fr_dataset *dataset; /* borrowed; NULL without data */
    const fr_folds *folds;     /* borrowed; NULL without data */
    int threads;
    fr_fold_cache *cache;  /* training */
    fr_score_table *table; /* table */
};

/* Record a failed task: state and message. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_task_fail(fr_fold_result *result, const char *message);

/* The rows of a fold, and their preprocessed form. */
typedef struct {
    uint32_t *train, *valid;
    size_t n_train, n_valid;
    fr_prepared prepared;
} fr_fold_rows;

/* A cache of folds, bounded in bytes: trials come fold by fold, and most agree on how to
 * preprocess. Everything is borrowed until destroy. */
FR_CHECKED fr_status fr_fold_cache_create(const fr_dataset *dataset, const fr_folds *folds,
                                          fr_fold_cache **out);
void fr_fold_cache_destroy(fr_fold_cache **cache);

/* *out is borrowed until the next call. Errors: those of fr_folds_get and fr_prepare. */
FR_CHECKED fr_status fr_fold_cache_get(fr_fold_cache *cache, uint32_t fold,
                                       const fr_preprocess_options *options,
                                       const fr_fold_rows **out);

FR_CHECKED fr_status fr_training_evaluate(fr_objective *objective, const fr_task *task,
                                          const atomic_bool *stop, fr_fold_result *result);

/* Several scores of numeric parameters x[0..n), each with its known front. */
void fr_function_zdt1(const double *x, size_t n, double *f, size_t n_scores);
void fr_function_zdt2(const double *x, size_t n, double *f, size_t n_scores);
void fr_function_zdt3(const double *x, size_t n, double *f, size_t n_scores);
void fr_function_dtlz2(const double *x, size_t n, double *f, size_t n_scores);

/* FR_ERR_USAGE: no such function, or not the parameters and scores it needs. */
FR_CHECKED fr_status fr_function_check(const fr_study *study);
FR_CHECKED fr_status fr_function_evaluate(const fr_objective *objective, const fr_task *task,
                                          const atomic_bool *stop, fr_fold_result *result);

FR_CHECKED fr_status fr_score_table_read(const fr_study *study, fr_score_table **out);
void fr_score_table_destroy(fr_score_table **table);
FR_CHECKED fr_status fr_score_table_evaluate(const fr_score_table *table, const fr_task *task,
                                             fr_fold_result *result);

#endif
