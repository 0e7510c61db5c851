/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - what the files of train share. */
#ifndef FR_TRAIN_INTERNAL_H
#define FR_TRAIN_INTERNAL_H

#include "foldrank/network.h"
#include "foldrank/text.h"
#include "foldrank/train.h"

enum { FR_STATE_MAX = 3 }; /* arrays of optimizer state */

/* One optimizer step as scalars: what the loop over parameters multiplies with. */
typedef struct {
    fr_optimizer_kind kind;
    bool nesterov, centered, has_momentum;
    float rate;        /* what multiplies the step */
    float base_rate;   /* the learning rate itself */
    float keep1, add1; /* first moment or momentum: m = keep1 m + add1 g */
    float keep2, add2; /* second moment: v = keep2 v + add2 g^2 */
    float root_scale;  /* adam: 1 / sqrt of the bias correction of v */
    float epsilon;
    float decay;  /* g += decay w */
    float shrink; /* w *= shrink: decoupled weight decay */
} fr_update;

/* Parameters with their gradient and state, n of each. */
typedef struct {
    float *w;
    float *state[FR_STATE_MAX]; /* NULL where the optimizer has none */
    const float *g;
    size_t n;
} fr_slice;

/* Arrays of state that the optimizer needs, and what they start from. */
size_t fr_optimizer_states(const fr_train_options *options);
float fr_optimizer_start(const fr_train_options *options);

/* `options` settled; `step` counts from 1. */
fr_update fr_update_make(const fr_train_options *options, double rate, uint64_t step);

/* One step of torch.optim; elementwise, so the same bits however it is cut. */
void fr_update_run(const fr_update *update, const fr_slice *slice);

/* The lasso's proximal step, w = sign(w) max(|w| - threshold, 0), after the gradient step
 * (Duchi and Singer 2009, "forward backward splitting"): weights become exactly 0. */
void fr_soft_threshold(float *w, size_t n, float threshold);

/* Weights of the training rows (n_train) and of the classes, for the caller to free also on
 * failure; both stay NULL where all weigh 1. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_weigh_rows(const fr_fit_request *request, float **class_weight,
                                   float **row_weight);

/* Make the result that of a failed fit: it says `text`; the metric is not defined on the
 * validation rows. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_fit_note(fr_fold_result *result, fr_trial_state state,
                                 const fr_text *text);
FR_CHECKED fr_status fr_fit_note_undefined(const fr_fit_request *request, fr_metric metric,
                                           fr_fold_result *result);

/* The model of a finished fit, without its parameters. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_fit_make_model(const fr_fit_request *request,
                                       const fr_transform *transform, size_t n_params,
                                       fr_model *out);

/* fr_fit of the kernel family and of trees, of prepared rows: `result` has trial and fold
 * already. */
FR_CHECKED fr_status fr_kernel_fit(const fr_fit_request *request, const fr_prepared *prepared,
                                   fr_fold_result *result, fr_model *model);
FR_CHECKED fr_status fr_boost_fit(const fr_fit_request *request, const fr_prepared *prepared,
                                  fr_fold_result *result, fr_model *model);

/* In boost_share.c: append the round's trees to all processes' `trees`; this one has grown
 * `mine`, of the scores that fr_group_bounds gives it. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_boost_share(const fr_fit_group *group, const fr_trees *mine,
                                    fr_trees *trees);

/* In boost_leaf.c: training rows of a regression by the absolute loss. */
typedef struct {
    const fr_tree_inputs *inputs;
    const float *target, *score; /* (n); score NULL: 0 */
    const float *weight;         /* (n), or NULL */
    const float *hessian;        /* (n) above 0: the row was drawn */
} fr_boost_rows;

/* Leaves of the last tree add the medians of target - score, times the learning rate; the
 * median of all. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_boost_leaves(const fr_boost_rows *rows, double learning_rate,
                                     fr_trees *trees);
FR_CHECKED fr_status fr_boost_median(const fr_boost_rows *rows, float *out);

/* The threads that compute one fit together, and which one this is. */
typedef struct {
    size_t index, size;
} fr_team;

/* What becomes of a piece's gradient. */
typedef enum {
    FR_PIECE_WEIGHTS,   /* the optimizer's, with the penalties */
    FR_PIECE_BIAS,      /* the optimizer's */
    FR_PIECE_STATISTIC, /* a running mean takes it in; no gradient at all */
} fr_piece_kind;

/* A piece of the parameters that one thread differentiates and updates: a tile of layer
 * `layer`'s weights, or its bias; layer 0: a stretch of the convolutions' parameters. */
typedef struct {
    size_t layer;
    fr_piece_kind kind;
    fr_tile tile; /* of the weights; else row 0, and all columns or the stretch */
    size_t start; /* of its floats in the collected gradient */
} fr_piece;

/* A factorisation machine's batch by the inputs that it has, numbered by slots. */
typedef struct {
    uint32_t *slot;  /* (inputs) of an input: right if input[slot] is that input */
    uint32_t *input; /* (n) */
    size_t n;
    size_t *first;   /* (n + 1) first place of each */
    uint32_t *row;   /* where it is not 0 ... */
    float *value;    /* ... and what it is there */
    float *gradient; /* (n, 1 + factors), the bias's, losses of rows; or NULL: each slot's is
                        used up where it is computed */
    float clip;
} fr_factor_work;

/* A fit in progress. */
typedef struct {
    const fr_fit_request *request;
    const fr_prepared *prepared;
    fr_train_options options; /* settled */
    fr_network network;
    float l1, l2;
    int threads;

    float *params, *state[FR_STATE_MAX]; /* (n_params) */
    float *best;     /* (n_params) weights of the best epoch, or NULL: not asked for */
    float *gradient; /* (n_params), or NULL: each piece is used up where it is computed */
    void *block;     /* the memory of these */
    float *pass; /* (n_params + rows of a pass) with a group: the gradient of a pass, before and
                    after it is summed, and the rows' losses; else NULL */

    fr_piece *pieces;
    size_t n_pieces;
    double *piece_norm; /* (n_pieces) squared norm of the gradient's pieces */
    float **scratch;    /* (threads) gradients of a piece's shards */
    fr_factor_work factor;

    fr_batch batch;
    size_t batch_rows;     /* of a full step */
    uint32_t *order;       /* (n_train) training rows as places in request->train */
    uint32_t *gathered;    /* (batch capacity) their row numbers; NULL when train_x is used */
    fr_sparse_block input; /* sparse network: rows of the batch */
    fr_sparse_columns columns;    /* the same by columns */
    fr_sparse_block *score_input; /* (threads) rows to score; NULL when they are kept */
    float *row_weight;            /* (n_train), or NULL: all 1 */
    float *class_weight;          /* (classes), or NULL: all 1 */
    uint64_t step;                /* done so far */
    uint64_t steps_per_epoch;
    double loss_sum, weight_sum; /* of the epoch: row losses times weights, and weights */

    fr_batch *score_batches; /* (threads) for scoring */
    float *outputs;          /* (n_valid, n_outputs) */
    float *valid_y;          /* (n_valid) targets in their own unit */
} fr_trainer;

/* The course of a fit in steps, epochs or rounds: what it has scored and when it ends. */
typedef struct {
    const fr_fit_request *request;
    const fr_train_options *options; /* patience, min_delta, score_every; settled */
    fr_fold_result *result;          /* its curve has room for `epochs` */
    double learning_rate;            /* for messages, as the advice */
    const char *advice;              /* what else helps against divergence: ", or clip_norm" */
    uint32_t epochs, done;           /* to train at most; trained */
    size_t next_rung;
    bool keep_best;
    double score, loss; /* of the last epoch */
    double best;        /* score since the beginning, NaN: none yet */
    double best_loss;   /* of that epoch */
    double to_beat;     /* patience: best score that counted as better */
    uint32_t best_epoch, counted_epoch;
    uint32_t scored;         /* epochs whose validation rows were scored */
    double training_seconds; /* in epochs, without scoring [s] */
    double started;          /* fr_clock_now() */
    double earlier_seconds;  /* that the fit took in earlier processes [s] */
} fr_fit_course;

/* What a course leads: a network or trees, `self`. */
typedef struct {
    void *self;
    /* One epoch over the training rows: its mean loss, and whether all weights are numbers. */
    fr_status (*step)(void *self, uint32_t epoch, double *loss, bool *finite);
    /* Metric and mean loss of the validation rows at present; of the training rows. */
    fr_status (*score)(void *self, double *score, double *loss);
    fr_status (*score_training)(void *self, double *score);
    /* The validation rows' targets and what was last said of them. */
    void (*outputs)(void *self, const float **y, const float **outputs, size_t *n_outputs);
    /* Remember what there is at present as the best; go back to it. */
    void (*keep)(void *self);
    void (*take_best)(void *self);
    /* All of it that fr_course_resume is to give back: how many parts. At most FR_PARTS_MAX;
     * the head is there for numbers of its own. */
    size_t (*save)(void *self, fr_pack *head, fr_fit_part *parts);
    /* False: not of this fit, and nothing is changed. The head has been read up to the numbers
     * of its own, and all of them have to be read. */
    bool (*restore)(void *self, fr_unpack *in, uint32_t done);
} fr_learner;

enum { FR_PARTS_MAX = 2 + FR_STATE_MAX };

/* A course at its beginning, with the seconds running and a curve. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_course_begin(const fr_fit_request *request,
                                     const fr_train_options *options, fr_fold_result *result,
                                     fr_fit_course *out);

/* The whole of it: go on from what the request's keeper has, for all of a group; run to the
 * end, save when that is due; take the kept epoch, and its scores. A saved state that does not
 * fit is ignored with a line in the log. */
FR_CHECKED fr_status fr_course_run(fr_fit_course *course, const fr_learner *learner);

/* In fit_state.c. */
void fr_course_save(const fr_fit_course *course, const fr_learner *learner);
FR_CHECKED fr_status fr_course_resume(fr_fit_course *course, const fr_learner *learner);

FR_CHECKED fr_status fr_trainer_create(const fr_fit_request *request,
                                       const fr_prepared *prepared, fr_trainer *out);
void fr_trainer_clear(fr_trainer *trainer);

/* Wait until all of the team are here. */
void fr_team_wait(fr_team team);

/* The pieces and the scratch of a trainer. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_gradient_create(fr_trainer *trainer);
void fr_gradient_clear(fr_trainer *trainer);

/* After a backward pass: differentiate every piece and update it or, where the trainer keeps
 * the whole gradient, add it there; in the end fr_gradient_finish clips and updates. Called by
 * the whole team, which has met at the end. */
void fr_gradient_run(fr_trainer *trainer, fr_team team, bool first_pass,
                     const fr_update *update);
void fr_gradient_finish(fr_trainer *trainer, fr_team team, const fr_update *update);

/* What a process of a group computes of a pass over `rows`: shards [first, end), which are rows
 * [from, to) of the batch; all of it without a group, nothing when the shards do not suffice.
 */
typedef struct {
    size_t first, end;
    size_t from, to;
} fr_part_of_pass;

fr_part_of_pass fr_own_part(const fr_trainer *trainer, size_t rows);

/* Sum what the processes have in `gradient` (n); the rows' losses, for which there is room
 * behind it, come with it and go to loss_sum in their order. By one thread. */
void fr_group_sum(fr_trainer *trainer, float *gradient, size_t n);

/* One step of a factorisation machine on rows first .. first + rows of the epoch's order, by
 * the whole team, which has met at the end. */
FR_CHECKED fr_status fr_factor_create(fr_trainer *trainer);
void fr_factor_clear(fr_trainer *trainer);
void fr_factor_step(fr_trainer *trainer, fr_team team, size_t first, size_t rows,
                    const fr_update *update);

/* Whether any process says so. */
bool fr_group_any(const fr_fit_group *group, bool mine);

/* Things [bounds[k], bounds[k + 1]) of n are process k's; then in bytes, `size` each. */
void fr_group_bounds(const fr_fit_group *group, size_t n, size_t size,
                     size_t bounds[FR_GROUP_MAX + 1]);

/* One pass over the training rows; returns their mean loss before each step. */
double fr_trainer_epoch(fr_trainer *trainer, uint32_t epoch);

/* Rows to score: `x` (n, stride) when they are kept, else they are made from the data set. */
typedef struct {
    const uint32_t *rows;
    size_t n;
    const float *x;
    const float *y;              /* (n) in their own unit */
    float *outputs;              /* (n, n_outputs) scratch */
    const fr_sparse_block *kept; /* sparse network: the rows, if they are kept */
} fr_scored_rows;

/* sparse.c: inputs of a sparse network. Room for those of a batch, and of `score_rows` that are
 * scored by each thread. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_sparse_inputs_create(fr_trainer *trainer, size_t score_rows);
void fr_sparse_inputs_clear(fr_trainer *trainer);
/* Rows first .. first + rows of the epoch's order become the batch's inputs. By one thread. */
void fr_sparse_gather(fr_trainer *trainer, size_t first, size_t rows);
/* The same for the rows from `first` on of those to be scored, as many as the batch has. */
void fr_sparse_score_rows(const fr_trainer *trainer, const fr_scored_rows *rows, size_t first,
                          int thread, fr_batch *batch);

/* Inputs of a row that are not 0, on average; dense rows count all. */
size_t fr_row_inputs(const fr_prepared *prepared, const fr_dataset *dataset);

/* Metric and mean loss of the present weights. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_trainer_score(fr_trainer *trainer, const fr_scored_rows *rows,
                                      double *score, double *loss);

/* Rows that a fit computes at a time. */
size_t fr_pass_rows(size_t batch_rows);

#endif
