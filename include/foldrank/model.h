/* SPDX-License-Identifier: BSD-3-Clause */
/* model.h - model families, their settings, and a trained model that predicts.
 *
 * Most families here are a chain of dense layers with a loss on top, trained in epochs: linear
 * regression, softmax and the linear SVM have none hidden, the MLP any number, the CNN
 * convolutions below them (stem.h). The factorisation machine (fm) has products of pairs of its
 * inputs instead, which it takes sparse; the kernel family has a closed form (kernel_ridge.h);
 * xgboost is a sum of trees (trees.h), grown a round at a time, which counts as an epoch.
 * Parameters of a model, but for trees, are one aligned flat float32 block; layers are offsets
 * into it. All functions are Local. */
#ifndef FR_MODEL_H
#define FR_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/calibrate.h"
#include "foldrank/data.h"
#include "foldrank/option.h"
#include "foldrank/pack.h"
#include "foldrank/preprocess.h"
#include "foldrank/status.h"
#include "foldrank/trees.h"

typedef enum {
    FR_FAMILY_LINEAR,
    FR_FAMILY_SOFTMAX,
    FR_FAMILY_SVM,
    FR_FAMILY_MLP,
    FR_FAMILY_CNN,
    FR_FAMILY_FM,
    FR_FAMILY_KERNEL,
    FR_FAMILY_XGBOOST,
    FR_FAMILY_COUNT
} fr_family;
extern const char *const fr_family_words[]; /* NULL-terminated */

typedef enum {
    FR_ACT_RELU,
    FR_ACT_LEAKY_RELU,
    FR_ACT_TANH,
    FR_ACT_SIGMOID,
    FR_ACT_GELU
} fr_activation;
typedef enum {
    FR_INIT_AUTO,
    FR_INIT_HE,
    FR_INIT_GLOROT
} fr_init; /* auto: He for the relu kind and gelu */
/* What a classifier minimises follows from its family: cross-entropy, for the svm a hinge. */
typedef enum { FR_LOSS_SQUARED, FR_LOSS_ABSOLUTE, FR_LOSS_HUBER } fr_regression_loss;
typedef enum { FR_HINGE_LINEAR, FR_HINGE_SQUARED } fr_hinge; /* both one-vs-rest */
typedef enum {
    FR_KERNEL_RBF,
    FR_KERNEL_LAPLACE,
    FR_KERNEL_POLYNOMIAL,
    FR_KERNEL_LINEAR
} fr_kernel_kind;
typedef enum { FR_POOL_MAX, FR_POOL_AVERAGE } fr_pooling;
typedef enum { FR_GLOBAL_NONE, FR_GLOBAL_MAX, FR_GLOBAL_AVERAGE } fr_global_pool;
typedef enum { FR_FLIP_NONE, FR_FLIP_HORIZONTAL, FR_FLIP_VERTICAL, FR_FLIP_BOTH } fr_flip;
typedef enum { FR_CLASS_WEIGHT_NONE, FR_CLASS_WEIGHT_BALANCED } fr_class_weight;
typedef enum { FR_TREE_HIST, FR_TREE_EXACT } fr_tree_method;
typedef enum { FR_GROW_DEPTHWISE, FR_GROW_LOSSGUIDE } fr_grow_policy;
typedef enum { FR_MISSING_NAN, FR_MISSING_ZERO } fr_missing;

/* Settings of family xgboost, named as that library names them. */
typedef struct {
    int64_t rounds;
    double learning_rate;
    int64_t max_depth, max_leaves; /* 0: as many as there are */
    int grow_policy;               /* fr_grow_policy */
    double min_child_weight, gamma, lambda, alpha, max_delta_step;
    double subsample, colsample_bytree, colsample_bylevel, colsample_bynode;
    int tree_method; /* fr_tree_method */
    int64_t max_bin;
    int missing; /* fr_missing; a model of sparse data has FR_MISSING_ZERO */
} fr_boost_options;

/* A family's block in the study. Each may be a hyperparameter. */
typedef struct {
    int family;            /* fr_family */
    fr_ints hidden;        /* mlp, cnn: units of each hidden dense layer */
    int activation;        /* mlp, cnn: fr_activation */
    double negative_slope; /* mlp, cnn: leaky_relu */
    double dropout;        /* mlp, cnn: after every hidden dense layer */
    int init;              /* fr_init */
    int loss;              /* linear, mlp, cnn, fm on a regression: fr_regression_loss */
    int hinge;             /* svm (key `loss`): fr_hinge */
    double huber_delta;    /* residual from which Huber's loss is linear */
    double label_smoothing;
    int class_weight; /* fr_class_weight */
    double l1, l2;    /* penalties on the weights, not on biases: l1 |w|, l2/2 w^2 */
    fr_ints shape;    /* cnn: of a row: height, width, channels; or length, channels */
    fr_ints filters;  /* cnn: channels of each convolution */
    int kernel_side;  /* cnn: 1 + 2 kernel_side */
    fr_ints pool;     /* cnn: side of each convolution's pooling; the last for all further */
    int pooling;      /* cnn: fr_pooling */
    int global_pool;  /* cnn: fr_global_pool in the place of the last pooling */
    bool batch_norm, residual;  /* cnn */
    int64_t shift;              /* cnn, augmentation [pixels] */
    int flip;                   /* cnn, augmentation: fr_flip */
    double noise;               /* cnn, augmentation: standard deviation */
    int64_t factors;            /* fm: of each input */
    double l2_factors, init_sd; /* fm: penalty on them; of their initial values */
    int kernel;                 /* kernel: fr_kernel_kind */
    double gamma;               /* kernel: 0 = 1 / inputs */
    int64_t degree;             /* kernel: polynomial */
    double coef0;               /* kernel: polynomial */
    double ridge;               /* kernel: what is added to the diagonal */
    int64_t ridge_steps;        /* kernel: values tried, each 10 times the one before */
    int64_t distribute_from;    /* kernel: fits to more rows are all ranks' work; 0 = never */
    int precision;              /* kernel: fr_precision of a matrix of all ranks */
    bool intercept;             /* kernel: a constant that the ridge does not penalise */
    fr_boost_options boost;     /* xgboost */
} fr_model_options;

/* Whether the family can learn this task. */
bool fr_family_learns(fr_family family, fr_learn learn);

/* Whether the family trains in epochs or rounds; else it has a closed form, `train` says
 * nothing to it, and its fit counts as one epoch. */
bool fr_family_iterates(fr_family family);

/* Whether the outputs of a classifier of the family are probabilities. */
bool fr_family_has_probabilities(fr_family family);

/* The rows of the table that this family has. `name` and `offset` as in option.h. */
const fr_option *fr_model_option_table(fr_family family, size_t *n);

/* A trained model: all that predict needs. */
typedef struct {
    fr_model_options options;
    fr_schema schema;       /* columns, classes, target; no rows; owned */
    fr_transform transform; /* owned */
    size_t n_outputs;       /* classes, or 1 */
    size_t n_rows;          /* kernel: training rows that are part of the model; else 0 */
    size_t n_params;        /* floats in the stored block; xgboost: nodes of its trees */
    float *params;  /* owned; layer after layer: weights (in, out) row-major, then bias; of the
                     * kernel family as kernel_ridge.h has them; NULL for trees */
    fr_trees trees; /* xgboost; owned */
    fr_calibration calibration; /* owned; {0}: outputs are those of the family */
} fr_model;

void fr_model_clear(fr_model *model);

/* All of it as bytes, for messages between ranks of one program. Unpack: FR_ERR_FORMAT when the
 * bytes make no sense, FR_ERR_MEMORY; the caller clears *out. */
void fr_model_pack(const fr_model *model, fr_pack *out);
FR_CHECKED fr_status fr_model_unpack(fr_unpack *in, fr_model *out);

/* Rows with known targets and what a model says of them. Start with {0}. */
typedef struct {
    size_t n;
    uint32_t *row; /* (n) number in the data set; owned, as all arrays here */
    float *target; /* (n) class index, or value */
    float *output; /* (n, n_outputs) of fr_model_predict */
} fr_scored;

void fr_scored_clear(fr_scored *scored);

/* As bytes. Unpack: FR_ERR_FORMAT when they make no sense; the caller clears *out. */
void fr_scored_pack(const fr_scored *scored, size_t n_outputs, fr_pack *out);
FR_CHECKED fr_status fr_scored_unpack(fr_unpack *in, size_t n_outputs, fr_scored *out);

/* Whether a model of these settings can take rows of `inputs` numbers; only the cnn can not.
 * Errors: FR_ERR_DATA. */
FR_CHECKED fr_status fr_model_check_inputs(const fr_model_options *options, size_t inputs);

/* Number of trainable parameters for these settings, input width and output count, of a
 * family that trains in epochs. The size of a kernel model is in kernel_ridge.h. */
size_t fr_model_count_params(const fr_model_options *options, size_t inputs, size_t outputs);

/* Floating-point operations of the products of one training step over one row, and of one
 * prediction of a row. `inputs` of an fm: those that are not 0. */
double fr_model_flops_training(const fr_model_options *options, size_t inputs, size_t outputs);
double fr_model_flops_predict(const fr_model_options *options, size_t inputs, size_t outputs);

/* The same of a prediction by this model. */
double fr_model_flops(const fr_model *model);

/* Whether outputs are probabilities (softmax, mlp, cnn and fm classifier; every calibrated one)
 * or decision values (svm, kernel). */
bool fr_model_has_probabilities(const fr_model *model);

/* output (n, n_outputs) row-major for rows[0..n) of a data set that has the model's schema
 * (fr_source_open_like): probabilities, decision values, or values in the target's unit.
 * Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_model_predict(const fr_model *model, const fr_dataset *dataset,
                                      const uint32_t *rows, size_t n, float *output);

#endif
