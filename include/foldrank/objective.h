/* SPDX-License-Identifier: BSD-3-Clause */
/* objective.h - what a task does: train and validate one fold, evaluate a test function or a
 * table of recorded trainings, run a command or a plug-in. All functions are Local and, for one
 * objective, called by one thread at a time. */
#ifndef FR_OBJECTIVE_H
#define FR_OBJECTIVE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/data.h"
#include "foldrank/ensemble.h"
#include "foldrank/explain.h"
#include "foldrank/folds.h"
#include "foldrank/history.h"
#include "foldrank/pack.h"
#include "foldrank/plugin.h"
#include "foldrank/status.h"
#include "foldrank/study.h"
#include "foldrank/text.h"
#include "foldrank/train.h"

/* One unit of work. */
typedef struct {
    uint64_t trial;
    uint32_t fold;   /* FR_FOLD_OUTER: train on all rows of the search, score the test rows */
    uint32_t search; /* whose task it is; the objective does not look at it */
    const double *point;  /* (space.n) */
    const fr_rung *rungs; /* of FR_FOLD_OUTER: the kept epochs of the trial's folds */
    size_t n_rungs;
    const fr_fit_keeper *keeper;   /* of the task's own state; NULL: none */
    const fr_fit_group *group;     /* of processes that do it together; NULL: this one */
    const fr_gram_source *solvers; /* for large kernel matrices; NULL: this process alone */
} fr_task;

typedef struct fr_objective fr_objective;

/* Where the objective works. Strings are borrowed until destroy. */
typedef struct {
    const fr_pack *files;        /* of fr_objective_read_files; NULL: it reads them itself */
    int threads;                 /* OpenMP threads for a task */
    int rank;                    /* of the run */
    int local_rank, local_ranks; /* on this node; 0 ranks: nothing will be run here */
    const fr_objective *sibling; /* over the same data, used by the same thread and destroyed
                                    later: prepared folds are kept in common; NULL: none */
    const char *guard;           /* foldrank program to start commands by; NULL: itself */
    const fr_plugin *embedded;   /* type embedded: the program's own function ... */
    void *embedded_state;        /* ... and the state that it gets; no init, no finalize */
} fr_objective_place;

/* What an objective reads from files at its start, as bytes for all ranks; nothing for most.
 * Errors: FR_ERR_DATA, FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_objective_read_files(const fr_study *study, fr_pack *out);

/* `dataset` and `folds` are NULL for an objective that has no data. Both, and `study`, are
 * borrowed until destroy.
 * Errors: FR_ERR_DATA (table), FR_ERR_USAGE (plug-in, GPUs), FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_objective_create(const fr_study *study, const fr_dataset *dataset,
                                         const fr_folds *folds, const fr_objective_place *place,
                                         fr_objective **out);
void fr_objective_destroy(fr_objective **objective);

/* Do one task. `result` is complete but for rank, start and end. A failure of the task itself
 * is FR_OK with a state and a message, also when a model and its rows need more memory than
 * there is; FR_ERR_MEMORY: not even the message can be had. Commands: FR_ERR_IO when their
 * files cannot be written, FR_ERR_USAGE, FR_ERR_STATE when they cannot be started. */
FR_CHECKED fr_status fr_objective_evaluate(fr_objective *objective, const fr_task *task,
                                           const atomic_bool *stop, fr_fold_result *result);

/* FR_GOAL_PARAMETERS or FR_GOAL_FLOPS of the model at `point`; NaN when there is none. */
double fr_objective_cost(const fr_objective *objective, fr_goal_kind kind, const double *point);

/* Which complete trials satisfy select.constraints: allowed[history->n]. Errors: FR_ERR_STATE
 * when trials are complete but none does: how near they come. */
FR_CHECKED fr_status fr_objective_allowed(const fr_objective *objective,
                                          const fr_history *history, bool *allowed);

/* A point as a plug-in gets it. Errors: FR_ERR_MEMORY; *out is to be destroyed also then. */
FR_CHECKED fr_status fr_plugin_values_create(const fr_space *space, const double *point,
                                             fr_plugin_value **out);
void fr_plugin_values_destroy(fr_plugin_value **values, size_t n);

/* What the selected model is worth. */
typedef struct {
    fr_model model;
    double test_score;                  /* NaN without test rows */
    double test_more[FR_GOALS_MAX - 1]; /* the same in the further objectives; NaN of costs */
    fr_scored test;                     /* the test rows, and what the model says of them */
    double train_score;
    uint32_t epochs;
    double seconds;
} fr_refit;

/* Train the chosen trial on all search rows, for the median of its folds' kept epochs when
 * these stopped early, and score it once on the test rows. Errors: FR_ERR_STATE when the
 * objective trains nothing, FR_STOPPED (saved, if there is a keeper). */
FR_CHECKED fr_status fr_objective_refit(fr_objective *objective, const fr_task *task,
                                        const fr_trial *trial, const atomic_bool *stop,
                                        fr_refit *out);
void fr_refit_clear(fr_refit *refit);

/* What a model says of the test rows, in the place of what *test held, and its scores in the
 * study's metrics: *score and more[FR_GOALS_MAX - 1]; NaN without such rows, and of costs.
 * Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_objective_score_test(const fr_objective *objective,
                                             const fr_model *model, fr_scored *test,
                                             double *score, double *more);

/* Which part of a fold's explanation. */
typedef struct {
    uint32_t part, parts; /* columns part, part + parts, ... */
    bool keep_outputs;    /* part 0: the predictions of the validation rows */
    bool permutes;        /* else these predictions are all that is wanted */
} fr_explain_part;

/* Train the task's fold as it was trained when the trial was evaluated (task->rungs do not
 * count: the trial is complete) and explain its model. What it gives depends on (trial, fold)
 * alone. Errors: FR_ERR_STATE when the objective trains nothing, FR_ERR_NUMERIC, FR_STOPPED
 * (saved, if there is a keeper), FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_objective_explain(fr_objective *objective, const fr_task *task,
                                          const fr_explain_part *part, const atomic_bool *stop,
                                          fr_fold_explanation *out);

/* Train the task's fold in the same way for what its model says of the validation rows. The
 * caller clears *out. Errors: as fr_objective_explain. */
FR_CHECKED fr_status fr_objective_outputs(fr_objective *objective, const fr_task *task,
                                          const atomic_bool *stop, fr_scored *out,
                                          size_t *n_outputs);

/* What models together say of the test rows, and its score in every objective that scores
 * predictions; NaN without test rows, and of costs. The caller clears *out. */
FR_CHECKED fr_status fr_objective_test(const fr_objective *objective,
                                       const fr_ensemble *ensemble, fr_scored *out,
                                       double scores[FR_GOALS_MAX]);

/* ---- problems to measure searches with ---- */

/* Append the text of a study over a test function: `NAME:DIMENSIONS`. The minimum lies off the
 * centre, at 0.2 + 0.6 frac(0.618... j) of the range of parameter j = 1, 2, ...; branin and
 * hartmann6 have their usual boxes; mixed takes floats, integers, choices and logarithms in
 * turn; conditional has two families of so many numbers, the second with another choice and its
 * branches inside. Errors: FR_ERR_USAGE. */
FR_CHECKED fr_status fr_problem_text(const char *problem, fr_text *out);

/* The best and the median score of all points, for regrets that compare across problems: of the
 * rows of a table, of 100,000 random points of a function whose minimum is known. Errors:
 * FR_ERR_USAGE (an objective that trains), FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_problem_scale(fr_objective *objective, double *best, double *median);

#endif
