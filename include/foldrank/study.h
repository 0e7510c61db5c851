/* SPDX-License-Identifier: BSD-3-Clause */
/* study.h - the study file as structs.
 *
 * The keys are those of the option tables, under `data` (with `test`), `preprocess`,
 * `validation`, `nested`, `models` (one block per family), `train`, `search` (with `enqueue`),
 * `pruning` (also short: a method or a list of them), `stop`, `select`, `calibrate` (also
 * short: a method), `explain`, `ensemble`, `objective` and `resources`; besides `study`,
 * `metric` and `output`. A setting of preprocess, models and train is a value, or the
 * distribution of a hyperparameter:
 *
 *   {float: [a, b]}  {log: [a, b]}  {int: [a, b]}  {int_log: [a, b]}  {choice: [...]}
 *
 * with `step` (float and integers), `grid` (float and log: number of values in a grid search)
 * and `when: {name: value or list of values}`; several names must all hold. A name is a key of
 * the same family block, a key of preprocess or train, `model` (the family), or a full name
 * such as mlp.hidden. A family block may also have any key of train, which then is that
 * family's own. The space does not depend on the order of keys.
 *
 * `metric` is a name, or a list of up to FR_GOALS_MAX objectives: names, {minimize: name} or
 * {maximize: name}; the first scores predictions, the others may also be what a model costs.
 *
 * data.task may be left away when the metric or the families decide it. Parsing finds every
 * fault of the file in one pass; the message then has one line per fault, `file:line: what,
 * which value, what is allowed (did you mean ...?)`. A setting is fixed or a hyperparameter;
 * fr_study_resolve turns a point of the space into the settings of one trial. All functions are
 * Local. */
#ifndef FR_STUDY_H
#define FR_STUDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/budget.h"
#include "foldrank/calibrate.h"
#include "foldrank/data.h"
#include "foldrank/ensemble.h"
#include "foldrank/explain.h"
#include "foldrank/folds.h"
#include "foldrank/history.h"
#include "foldrank/metric.h"
#include "foldrank/prune.h"
#include "foldrank/random.h"
#include "foldrank/search.h"
#include "foldrank/select.h"
#include "foldrank/space.h"
#include "foldrank/status.h"
#include "foldrank/train.h"

typedef enum {
    FR_OBJECTIVE_TRAINING, /* no `objective` key: data, models, train */
    FR_OBJECTIVE_FUNCTION,
    FR_OBJECTIVE_TABLE,
    FR_OBJECTIVE_COMMAND,  /* a program that is started for every task */
    FR_OBJECTIVE_PLUGIN,   /* a shared object, see plugin.h */
    FR_OBJECTIVE_EMBEDDED, /* a function of the program around, see tune.h */
} fr_objective_kind;

/* Steps that a task of an external objective may report: its curve has an entry for each. */
enum { FR_OBJECTIVE_STEPS_MAX = 100000 };

/* Study key `objective`, for searches that train nothing themselves. */
typedef struct {
    int type;             /* fr_objective_kind */
    fr_strings scores;    /* names of the scores where there are several; else empty */
    fr_strings direction; /* minimize, maximize: of all scores, or of each */
    char *metric;         /* command, plugin, embedded: name of the score; NULL = not said */
    int64_t steps;        /* the same: most that one task reports; 0 = not said */
    int64_t folds;        /* the same: key validation.folds; tasks of a trial */
    char *run;            /* command: the command line, see command.h */
    bool shell;           /* command: run it by /bin/sh */
    double timeout;       /* command: [s]; 0 = none */
    double grace;         /* command: from SIGTERM to SIGKILL [s] */
    char *options;        /* plugin: text for it; NULL = none */
    char *function;       /* function: its name */
    char *path;           /* table: CSV, plain or gzip; plugin: the shared object */
    fr_strings values;    /* table: score columns; empty = all that are no parameter. Of several
                           * scores: columns of each, as lists; empty = those of their names */
    char *run_time;       /* table: column of the run times [s]; NULL = none */
    double speed;         /* table: by which they are divided */
    double sleep;         /* function: pretended run time [s] */
    double noise;         /* function: standard deviation of added noise */
} fr_objective_options;

/* Study key `resources`. */
typedef struct {
    int64_t threads; /* OpenMP threads of a rank; 0 = the cores of the node / its ranks */
    int64_t ranks_per_trial; /* that share the mini-batches of a fit: a power of two */
    int64_t gpus;            /* command, plugin, embedded: GPUs of a rank */
} fr_resource_options;

/* What a score is. */
typedef enum {
    FR_GOAL_METRIC,         /* a metric of the predictions */
    FR_GOAL_PARAMETERS,     /* trainable parameters of the model, when every category occurs */
    FR_GOAL_FLOPS,          /* floating-point operations of a prediction, likewise */
    FR_GOAL_TRAINING_FLOPS, /* those of the fold's training */
    FR_GOAL_VALUE,          /* of a function or a table */
} fr_goal_kind;

/* One objective of the study. */
typedef struct {
    fr_goal_kind kind;
    fr_metric metric; /* FR_GOAL_METRIC */
    bool maximize;
    char *name; /* "accuracy", "parameters"; "score" of a function or table with one; owned */
} fr_goal;

extern const char *const fr_cost_words[]; /* FR_GOAL_PARAMETERS and on; NULL-terminated */

typedef struct fr_binding fr_binding; /* which parameter feeds which setting; src/config */

typedef struct {
    char *name;   /* key `study` */
    char *path;   /* of the file */
    char *output; /* directory of the results; default results/<name> */
    char *text;   /* the filled-in study, YAML; what study.yaml and /study/config hold */
    fr_objective_options objective;
    fr_data_options data;
    fr_test_options test;
    fr_validation_options validation;
    fr_nested_options nested;
    fr_goal goals[FR_GOALS_MAX]; /* the objectives */
    size_t n_goals;
    fr_metric metric; /* of the first */
    bool maximize;    /* the first */
    fr_search_options search;
    double *enqueued; /* (n_enqueued, space.n) */
    size_t n_enqueued;
    fr_prune_options pruning;
    unsigned prune_methods; /* its methods as bits, see fr_prune_methods */
    fr_stop_options stop;
    fr_select_options select;
    /* Its constraints; `which` is an objective, or after them the costs that follow from the
     * settings alone, FR_GOAL_PARAMETERS and FR_GOAL_FLOPS. */
    fr_constraint *constraints;
    size_t n_constraints;
    fr_calibrate_options calibrate;
    fr_explain_options explain;
    fr_ensemble_options ensemble;
    fr_resource_options resources;
    fr_space space;
    bool families[FR_FAMILY_COUNT];    /* named under `models` */
    fr_recipe base[FR_FAMILY_COUNT];   /* fixed settings of each named family */
    long cnn_line;                     /* where the file has models.cnn.shape, or models.cnn */
    long metric_line;                  /* where it has metric */
    long selection_line;               /* where it has preprocess.select_features */
    long family_line[FR_FAMILY_COUNT]; /* where it has models.<family> */
    fr_binding *bindings;
    size_t n_bindings;
    uint64_t fingerprint; /* of all that decides the trials: not of the study's name, the number
                             of trials and other budgets, the selection, the calibration, the
                             explanations, the ensemble, nested, the output directory, the
                             resources, a command's timeout and grace, nor of where the data
                             files lie (their content has its own fingerprint) */
} fr_study;

/* A block of a study file, for pages about it. */
typedef struct {
    const char *name;  /* "data.test"; "" is the top of the file */
    const char *about; /* what it is for, one sentence */
    const fr_option *table;
    size_t n;
} fr_study_block;

/* Block number i in the order of a filled-in study; false after the last. */
bool fr_study_block_at(size_t i, fr_study_block *out);

/* Read and check a study file. overrides[i] is `key=value` (--set): a dotted key, a YAML value;
 * faults in them are reported as `--set key=value`. Data files are looked for, not read.
 * Errors: FR_ERR_USAGE with all faults, also when the file cannot be opened; FR_ERR_IO when
 * reading fails; FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_study_load(const char *path, const char *const overrides[],
                                   size_t n_overrides, fr_study **out);

/* The same from text, as a rank gets it from root or a results file holds it; `path` is for
 * messages. Data files are not looked for: they may not be here. */
FR_CHECKED fr_status fr_study_parse(const char *text, const char *path,
                                    const char *const overrides[], size_t n_overrides,
                                    fr_study **out);
void fr_study_destroy(fr_study **study);

/* The settings of the trial at `point`; inactive ones have their fixed value or default. */
void fr_study_resolve(const fr_study *study, const double *point, fr_recipe *out);

/* The folds that the study asks for, of its data; a fault names the study's file.
 * Errors: those of fr_folds_create. */
FR_CHECKED fr_status fr_study_make_folds(const fr_study *study, const fr_dataset *dataset,
                                         fr_folds **out);

/* The folds of the search without outer fold number `outer` (study key nested), from those of
 * the study itself; a fault names the study's file. Errors: those of fr_folds_create_outer. */
FR_CHECKED fr_status fr_study_make_outer_folds(const fr_study *study, const fr_dataset *dataset,
                                               const fr_folds *folds, uint32_t outer,
                                               fr_folds **out);

/* The objective evaluates a task by code that is not foldrank's: a trial then has
 * objective.folds tasks, which may report steps. */
bool fr_objective_is_external(const fr_objective_options *objective);

/* It may have validation.folds: these, and tables, whose replicates may be folds. */
bool fr_objective_has_folds(const fr_objective_options *objective);

/* Epochs that one fit of that trial trains at most, steps of an external task; 0: not known. */
uint64_t fr_study_epochs(const fr_study *study, const double *point);

/* The configuration `from` of one study as a point of another's space; false when it lies
 * outside: a value out of range, off its grid, no choice of today. A parameter here that was
 * fixed there has the value that it had; one that was unknown there (an objective's) is drawn
 * from `rng`, so that it says nothing. What is fixed here is not looked at. */
bool fr_study_translate(const fr_study *there, const double *from, fr_rng rng,
                        const fr_study *here, double *to);

/* Whether two studies score the same thing, if their data are the same. */
bool fr_study_same_objective(const fr_study *a, const fr_study *b);

/* An empty history for the study's trials. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_study_history(const fr_study *study, uint32_t n_folds,
                                      fr_history **out);

/* First setting in which two studies differ in a way that changes results (see fingerprint), as
 * a sentence in `out` ("search.seed: 1 there, 2 here"); false when there is none. */
bool fr_study_difference(const fr_study *there, const fr_study *here, fr_text *out);

#endif
