/* SPDX-License-Identifier: BSD-3-Clause */
/* train.h - optimisers, schedules and the training loop.
 *
 * Deterministic: the same request gives the same bits for any number of OpenMP threads. Nothing
 * is allocated, logged or locked inside a step. All functions are Local. */
#ifndef FR_TRAIN_H
#define FR_TRAIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/data.h"
#include "foldrank/gram.h"
#include "foldrank/history.h"
#include "foldrank/metric.h"
#include "foldrank/model.h"
#include "foldrank/option.h"
#include "foldrank/preprocess.h"
#include "foldrank/prune.h"
#include "foldrank/sparse.h"
#include "foldrank/status.h"

typedef enum {
    FR_OPT_GD,
    FR_OPT_SGD,
    FR_OPT_ADAM,
    FR_OPT_ADAMW,
    FR_OPT_RMSPROP,
    FR_OPT_ADAGRAD
} fr_optimizer_kind;
typedef enum {
    FR_LR_CONSTANT,
    FR_LR_STEP,
    FR_LR_EXPONENTIAL,
    FR_LR_COSINE,
    FR_LR_ONE_CYCLE
} fr_schedule_kind;

/* Study key `train`; each may be a hyperparameter. Definitions and defaults are those of
 * PyTorch's torch.optim class of the same name; gd is sgd over the full batch. */
typedef struct {
    int optimizer; /* fr_optimizer_kind */
    double learning_rate;
    double momentum, dampening; /* sgd, rmsprop */
    bool nesterov;
    double weight_decay;          /* sgd, adam: L2 in the gradient; adamw: decoupled */
    double beta1, beta2, epsilon; /* adam, adamw, rmsprop (epsilon), adagrad (epsilon) */
    double alpha;                 /* rmsprop: smoothing constant */
    bool centered;                /* rmsprop */
    double lr_decay;              /* adagrad */
    double initial_accumulator;   /* adagrad */
    int64_t batch_size;
    int64_t epochs;
    double clip_norm;     /* 0 = no clipping */
    int schedule;         /* fr_schedule_kind */
    int64_t step_epochs;  /* step: epochs between two reductions */
    double gamma;         /* step, exponential: factor (per step, per epoch) */
    double final_factor;  /* cosine: last rate / first rate */
    double warmup_epochs; /* linear warm-up from 0, before any schedule; 0 = none */
    int64_t
        patience; /* early stopping after so many epochs without a better score; 0 = never */
    double min_delta;    /* improvement of the score that counts */
    bool keep_best;      /* keep the weights of the best epoch; needs patience > 0 or true */
    int64_t score_every; /* epochs between two scores of the validation rows */
    bool shuffle;
} fr_train_options;

extern const fr_option fr_train_option_table[];
extern const size_t fr_train_option_count;

/* Put PyTorch's defaults in the place of "the optimizer's own" values. */
void fr_train_options_settle(fr_train_options *options);

/* Learning rate of step number `step` (0-based, over all epochs) of a fit that has `per_epoch`
 * steps in an epoch. Step, exponential and cosine change once per epoch, as PyTorch's
 * schedulers do when stepped so; one_cycle every step (its defaults: 30 % rise from 1/25, fall
 * to 1/25e4; momentum is left alone). Warm-up step k has (k + 1) / (warm-up steps) of the rate;
 * the schedule's own time starts after it. */
double fr_learning_rate(const fr_train_options *options, uint64_t step, uint64_t per_epoch);

/* Everything that makes one fit: settings of one trial. */
typedef struct {
    fr_preprocess_options preprocess;
    fr_model_options model;
    fr_train_options train;
} fr_recipe;

/* The rows of one fold, preprocessed: made once, used by every fit that agrees on rows and
 * preprocess options. */
typedef struct {
    fr_transform transform;
    size_t stride;  /* floats between two rows below */
    float *train_x; /* (n_train, stride), or NULL: too large to keep, made per batch */
    float *valid_x; /* (n_valid, stride), or NULL */
    float *train_y; /* (n_train) targets in training's unit */
    bool sparse;    /* zeros are left out: rows are kept here, where there are not too many */
    fr_sparse_block train_rows, valid_rows;
    size_t bytes; /* of the arrays */
} fr_prepared;

/* Largest size of train_x and valid_x together [bytes]: what the caches hold anyway. */
enum { FR_PREPARED_MAX = 2 << 20 };

/* rows[0], n[0]: training; rows[1], n[1]: validation, may be NULL and 0; solvers may be NULL.
 * Errors: FR_ERR_MEMORY, and those of fr_transform_fit_shared. */
FR_CHECKED fr_status fr_prepare(const fr_preprocess_options *options, const fr_dataset *dataset,
                                const uint32_t *const rows[2], const size_t n[2],
                                const fr_gram_source *solvers, fr_prepared *out);
void fr_prepared_clear(fr_prepared *prepared);

/* A stretch of bytes. */
typedef struct {
    const void *data;
    size_t size;
} fr_fit_part;

/* Where a fit is kept between two processes. A fit that goes on from its saved state gives the
 * same bits as one that nobody disturbed. The functions are called by the thread that fits,
 * between epochs. */
typedef struct {
    void *context;
    /* What `save` has kept of this fit: *bytes is the caller's (free); false: nothing. */
    bool (*load)(void *context, void **bytes, size_t *size);
    /* Whether the state is to be saved now although the fit goes on. */
    bool (*due)(void *context);
    /* Keep the state, in n parts. What cannot be kept is lost, and no failure of the fit. */
    void (*save)(void *context, const fr_fit_part *parts, size_t n);
} fr_fit_keeper;

/* Processes that train one model together: all of them call fr_fit with the same request but
 * for this, `keeper` (process 0 alone has one) and `threads`, and get the same result. Each
 * computes its shards of every mini-batch; the bits are those of a single process. */
typedef struct {
    void *context;
    size_t index, size; /* size: a power of two, at most FR_GROUP_MAX */
    /* values[n] of the first `active` processes, a power of two, added in a binary tree of
     * neighbours; the sum comes to all. */
    void (*sum)(void *context, float *values, size_t n, size_t active);
    /* Of bytes[bounds[size]], process k has those from bounds[k] to bounds[k + 1]; afterwards
     * all have all. */
    void (*share)(void *context, void *bytes, const size_t *bounds);
} fr_fit_group;

enum {
    FR_GROUP_MAX = 16,
    FR_GROUP_ROWS = 128
}; /* rows of a batch that make one process's share */

/* FR_OK when all processes bring that; FR_ERR_MEMORY where another one failed. NULL: mine. */
FR_CHECKED fr_status fr_fit_agree(const fr_fit_group *group, fr_status mine);

typedef struct {
    const fr_dataset *dataset;
    const uint32_t *train, *valid; /* row numbers; valid may be NULL (refit) */
    size_t n_train, n_valid;
    const fr_recipe *recipe;
    const fr_prepared *prepared; /* of these rows; NULL: fr_fit makes its own */
    fr_metric metric;
    const fr_metric *more; /* (n_more) further metrics, of the kept epoch only */
    uint32_t n_more;
    uint64_t seed, trial;
    uint32_t fold;
    int threads;          /* OpenMP threads to use; never changes a result */
    const fr_rung *rungs; /* stop when worse than the cutoff; ascending epochs */
    size_t n_rungs;
    uint32_t give_up_after; /* ends after so many epochs without a better score ... */
    uint32_t give_up_from;  /* ... but not before this epoch; give_up_after 0 = never */
    uint32_t stop_after;    /* end after this epoch, the schedule's horizon unchanged; 0 = no */
    const atomic_bool *stop;       /* looked at between epochs; NULL = never */
    const fr_fit_keeper *keeper;   /* NULL: an interrupted fit is lost */
    const fr_fit_group *group;     /* NULL: this process alone */
    const fr_gram_source *solvers; /* for matrices beyond a distribute_from; NULL: LAPACK */
    bool want_train_score;
} fr_fit_request;

/* Train. `result` gets state, scores (those in `more` when it is complete), epochs, curve and
 * timings (its trial, fold, rank, start and end are the caller's; the seconds are those of all
 * processes that had a part in it). The validation rows are scored every score_every epochs, at
 * rungs and in the last epoch; the curve's score of other epochs is NaN. `model`, when not
 * NULL, gets the trained model (owned by the caller). A diverged fit is FR_OK with state
 * FR_TRIAL_DIVERGED. A raised *stop ends after the epoch with state FR_TRIAL_INTERRUPTED, saved
 * if there is a keeper. Errors: FR_ERR_MEMORY, FR_ERR_DATA. */
FR_CHECKED fr_status fr_fit(const fr_fit_request *request, fr_fold_result *result,
                            fr_model *model);

/* The library that grows the trees of family xgboost, such as "XGBoost 1.7.4"; NULL: this build
 * has none, and a fit of that family is FR_ERR_STATE. How a build gets it, as half a sentence.
 */
const char *fr_boost_library(void);
extern const char fr_boost_how_to_get[];

/* Whether a setting of `train` says anything to a family: all do where it trains by gradients,
 * none where it has a closed form; boosting knows when to stop and what to keep. */
bool fr_train_option_applies(const fr_option *row, fr_family family);

/* What training reaches of the machine: two networks trained by fr_fit on made-up data, on one
 * thread. */
typedef struct {
    const char *name; /* "64-128-10, batch 32, adam" */
    double gflops;    /* products of the training steps / time [10^9 / s] */
    double samples_per_second;
} fr_training_rate;

enum { FR_TRAINING_RATES = 2 };

/* Best of as many fits as fit into about `seconds` [s] for each network, at least one.
 * Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_bench_training(double seconds, fr_training_rate out[FR_TRAINING_RATES]);

#endif
