/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - the kinds of objective behind one handle. */
#ifndef FR_OBJECTIVE_INTERNAL_H
#define FR_OBJECTIVE_INTERNAL_H

#include "foldrank/command.h"
#include "foldrank/objective.h"

typedef struct fr_fold_cache fr_fold_cache;
typedef struct fr_score_table fr_score_table;
typedef struct fr_external fr_external;
typedef struct fr_plugin_kit fr_plugin_kit;

struct fr_objective {
    const fr_study *study;     /* borrowed */
    const fr_dataset *dataset; /* borrowed; NULL without data */
    const fr_folds *folds;     /* borrowed; NULL without data */
    fr_objective_place place;
    fr_fold_cache *cache;  /* training; that of place.sibling if there is one */
    fr_score_table *table; /* table */
    fr_external *external; /* command, plugin */
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
FR_CHECKED fr_status fr_fold_cache_create(const fr_dataset *dataset, fr_fold_cache **out);
void fr_fold_cache_destroy(fr_fold_cache **cache);

/* *out is borrowed until the next call; solvers may be NULL. Errors: those of fr_folds_get and
 * fr_prepare. */
FR_CHECKED fr_status fr_fold_cache_get(fr_fold_cache *cache, const fr_folds *folds,
                                       uint32_t fold, const fr_preprocess_options *options,
                                       const fr_gram_source *solvers, const fr_fold_rows **out);

/* The fold of a task from the objective's cache, preprocessed as the recipe says. A group's
 * processes have caches of their own, which need not hold the same folds: each computes alone
 * what it has not. Errors: those of fr_fold_cache_get. */
FR_CHECKED fr_status fr_task_rows(fr_objective *objective, const fr_task *task,
                                  const fr_recipe *recipe, const fr_fold_rows **out);

FR_CHECKED fr_status fr_training_evaluate(fr_objective *objective, const fr_task *task,
                                          const atomic_bool *stop, fr_fold_result *result);

/* A task of FR_FOLD_OUTER; a model that cannot be trained is a failed task. */
FR_CHECKED fr_status fr_training_judge(fr_objective *objective, const fr_task *task,
                                       const atomic_bool *stop, fr_fold_result *result);

/* How a task's fold is trained; `rows` and `recipe` are borrowed by it. */
fr_fit_request fr_training_request(const fr_objective *objective, const fr_task *task,
                                   const fr_fold_rows *rows, const fr_recipe *recipe,
                                   const atomic_bool *stop);

/* The task's fold with the bits that it had. Errors: FR_STOPPED, FR_ERR_NUMERIC when it cannot
 * be trained any more, those of fr_fit. */
FR_CHECKED fr_status fr_training_again(fr_objective *objective, const fr_task *task,
                                       const fr_fold_rows *rows, const atomic_bool *stop,
                                       fr_model *model);

/* Several scores of numeric parameters x[0..n), each with its known front. */
void fr_function_zdt1(const double *x, size_t n, double *f, size_t n_scores);
void fr_function_zdt2(const double *x, size_t n, double *f, size_t n_scores);
void fr_function_zdt3(const double *x, size_t n, double *f, size_t n_scores);
void fr_function_dtlz2(const double *x, size_t n, double *f, size_t n_scores);

/* A test function and where to look for its minimum: a box of `width` around the coordinate
 * `best` for functions of any number of parameters, else a box whose last range holds for all
 * that follow. */
typedef struct {
    const char *name;
    size_t fewest, most; /* numeric parameters */
    /* One of these, of the numeric parameters, of all parameters, or of several scores. */
    double (*value)(const double *x, size_t n);
    double (*whole)(const fr_space *space, const double *point);
    void (*values)(const double *x, size_t n, double *f, size_t n_scores);
    size_t most_scores; /* 0: one */
    double minimum;     /* of one score */
    double best, width;
    double box[2][2];
} fr_test_function;

/* NULL when there is none of that name; then the other one says so, FR_ERR_USAGE. */
const fr_test_function *fr_test_function_find(const char *name);
FR_CHECKED fr_status fr_test_function_unknown(const char *name);

/* The scores at a point, (study->n_goals), without noise. Inactive parameters have no value and
 * no place among the numbers. False when too few are active. */
bool fr_function_values(const fr_study *study, const double *point, double *out);

/* FR_ERR_USAGE: no such function, or not the parameters and scores it needs. */
FR_CHECKED fr_status fr_function_check(const fr_study *study);
FR_CHECKED fr_status fr_function_evaluate(const fr_objective *objective, const fr_task *task,
                                          const atomic_bool *stop, fr_fold_result *result);

/* Sleep in short pieces; false when told to stop. */
bool fr_pretend_to_work(double seconds, const atomic_bool *stop);

/* ---- table_read.c, table.c ---- */

/* Rows of recorded trainings. A row has a cell for each fold, step and score, in this order. */
struct fr_score_table {
    const fr_space *space; /* borrowed from the study, as the path */
    const char *path;
    size_t steps, n_goals; /* steps of a fold, at least 1; scores */
    size_t n_cells;        /* folds x steps x scores */
    size_t n;              /* rows */
    double *points;        /* (n, space->n) */
    double *sums;          /* (n, n_cells) of the replicates */
    double *times;         /* (n) run time [s] */
    uint32_t *counts;      /* (n, n_cells) replicates */
    size_t points_capacity, sums_capacity, times_capacity, counts_capacity;
    size_t *slots; /* (n_slots) row number + 1, 0 = free; open addressing */
    size_t n_slots;
};

FR_CHECKED fr_status fr_score_table_read(const fr_study *study, fr_score_table **out);

/* Without rows. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_score_table_create(const fr_study *study, fr_score_table **out);
void fr_score_table_destroy(fr_score_table **table);

/* The row of a point, which is made when there is none; sums, counts and time are 0 then. */
FR_CHECKED fr_status fr_score_table_row(fr_score_table *table, const double *point,
                                        size_t *row);

/* As bytes, for ranks that do not read the file. */
void fr_score_table_pack(const fr_score_table *table, fr_pack *out);
FR_CHECKED fr_status fr_score_table_unpack(const fr_pack *pack, const fr_study *study,
                                           fr_score_table **out);
FR_CHECKED fr_status fr_score_table_evaluate(const fr_objective *objective, const fr_task *task,
                                             const atomic_bool *stop, fr_fold_result *result);
/* Score of every row that is recorded to the end in all folds, (*n); the caller frees *scores.
 */
FR_CHECKED fr_status fr_score_table_scores(const fr_objective *objective, double **scores,
                                           size_t *n);

/* ---- reports.c: steps and values of external code ---- */

typedef enum {
    FR_REPORT_GO_ON,
    FR_REPORT_PRUNED,
    FR_REPORT_ENOUGH,  /* patience: complete, with the best value */
    FR_REPORT_REFUSED, /* not a number, or not what can be understood: state and message are set
                        */
} fr_report_verdict;

typedef struct {
    const fr_task *task;    /* borrowed */
    fr_fold_result *result; /* borrowed */
    bool maximize;
    uint32_t give_up_after, give_up_from; /* patience; 0 = never */
    uint32_t steps;                       /* most there are; 0 = not known */
    fr_report_verdict verdict; /* anything but GO_ON: the code is to end, and is not listened to
                                */
    double best, last;         /* NaN: none yet */
    uint32_t best_step, last_step; /* from 1; 0 = none */
    int64_t base;                  /* 1 when the code counts from 0 */
    double final;
    bool has_final;
    size_t next_rung, capacity;
} fr_reports;

void fr_reports_init(fr_reports *reports, const fr_study *study, const fr_task *task,
                     fr_fold_result *result);

/* A value after a step; `loss` may be NaN. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_reports_add(fr_reports *reports, int64_t step, double value,
                                    double loss);

/* The value of the whole task. */
FR_CHECKED fr_status fr_reports_finish(fr_reports *reports, double value);

/* What was said cannot be understood: the task failed. */
FR_CHECKED fr_status fr_reports_refuse(fr_reports *reports, const char *message);

/* Put the score into a result that is complete or pruned; false when there is no value. */
bool fr_reports_settle(fr_reports *reports);

/* One line of output. Lines that do not begin with `foldrank` and a blank are not for us.
 * `metric` (NULL: none) may stand for `value`. *understood: it had a value. */
FR_CHECKED fr_status fr_reports_read(fr_reports *reports, const char *line, const char *metric,
                                     bool *understood);

/* ---- values.c: values of parameters for people's programs ---- */

/* As an argument: numbers in shortest form, texts without quotes, lists as JSON. */
void fr_value_text(const fr_param *param, double value, fr_text *out);
void fr_value_json(const fr_param *param, double value, fr_text *out);
void fr_text_json(const char *text, fr_text *out); /* in quotes */

/* All active parameters as one JSON object. */
void fr_point_json(const fr_space *space, const double *point, fr_text *out);

/* ---- gpus.c ---- */

/* Which GPUs this rank has to itself: names as in CUDA_VISIBLE_DEVICES. FR_ERR_USAGE when there
 * are too few for the node's ranks. */
FR_CHECKED fr_status fr_gpus_choose(const fr_objective_place *place, int64_t wanted,
                                    fr_strings *out);

/* ---- external.c: what commands and plug-ins share ---- */

struct fr_external {
    const fr_study *study; /* borrowed */
    fr_objective_place place;
    char *output;          /* output directory, absolute */
    fr_text gpus;          /* "2,3"; empty without */
    fr_command command;    /* type command: its words */
    fr_plugin_kit *plugin; /* type plugin */
};

FR_CHECKED fr_status fr_external_create(const fr_study *study, const fr_objective_place *place,
                                        fr_external **out);
void fr_external_destroy(fr_external **external);

/* Seed of a task, the same wherever it runs: 0 .. 2^31 - 1. */
uint32_t fr_external_seed(const fr_external *external, const fr_task *task);

/* Append the directory of a task, and make it. Errors: FR_ERR_IO. */
FR_CHECKED fr_status fr_external_directory(const fr_external *external, const fr_task *task,
                                           fr_text *out);

/* ---- arguments.c: what a program is started with ---- */

/* A task, and what foldrank says of it. Texts are borrowed by the functions below. */
typedef struct {
    const fr_external *external;
    const fr_task *task;
    const char *directory, *parameters; /* of the task; the JSON file in it */
} fr_command_call;

/* Program and arguments. An argument with the value of an inactive parameter is left out, and
 * so is an option (-x, --name) right before it that is nothing else. */
FR_CHECKED fr_status fr_command_arguments(const fr_command_call *call, fr_strings *out);

/* The environment: this process's without what a launcher has put there for it, and ours. */
FR_CHECKED fr_status fr_command_environment(const fr_command_call *call, fr_strings *out);

/* ---- command.c ---- */

FR_CHECKED fr_status fr_command_evaluate(const fr_external *external, const fr_task *task,
                                         const atomic_bool *stop, fr_fold_result *result);

/* ---- plugin.c ---- */

/* Load and start what the study names; *out is to be closed also on failure.
 * Errors: FR_ERR_USAGE. */
FR_CHECKED fr_status fr_plugin_open(const fr_external *external, fr_plugin_kit **out);
void fr_plugin_close(fr_plugin_kit **kit);
FR_CHECKED fr_status fr_plugin_evaluate(const fr_external *external, const fr_task *task,
                                        const atomic_bool *stop, fr_fold_result *result);

#endif
