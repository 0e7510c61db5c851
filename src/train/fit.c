/* SPDX-License-Identifier: BSD-3-Clause */
/* fit.c - one training, of any family; the epochs of a network. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/clock.h"
#include "foldrank/hot.h"
#include "foldrank/memory.h"
#include "internal.h"

/* A network's fit. */
typedef struct {
    fr_fit_course course;
    fr_trainer trainer;
    float *own_best; /* trainer.best when only give_up_after asks for one; NULL else */
} epoch_fit;

FR_HOT static bool all_finite(const float *x, size_t n)
{
    /* x - x is 0 for numbers only, and a sum of NaN stays NaN. */
    enum { LANES = 16 };
    float lane[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) lane[k] += x[i + k] - x[i + k];
    for (; i < n; i++) lane[0] += x[i] - x[i];
    for (size_t k = 0; k < LANES; k++) sum += lane[k];
    return sum == 0.0f;
}

static fr_status step(void *self, uint32_t epoch, double *loss, bool *finite)
{
    fr_trainer *t = &((epoch_fit *)self)->trainer;
    *loss = fr_trainer_epoch(t, epoch);
    *finite = all_finite(t->params, t->network.n_params);
    return FR_OK;
}

static size_t outputs_of(const fr_trainer *t)
{
    return t->network.width[t->network.n_layers];
}

static fr_status score(void *self, double *out, double *loss)
{
    fr_trainer *t = &((epoch_fit *)self)->trainer;
    const fr_fit_request *r = t->request;
    const fr_scored_rows rows = {r->valid,   r->n_valid, t->prepared->valid_x,
                                 t->valid_y, t->outputs, &t->prepared->valid_rows};
    return fr_trainer_score(t, &rows, out, loss);
}

static fr_status score_training(void *self, double *out)
{
    fr_trainer *t = &((epoch_fit *)self)->trainer;
    const fr_fit_request *r = t->request;
    double loss;
    float *y = fr_alloc(r->n_train, sizeof *y);
    float *outputs = fr_alloc(r->n_train * outputs_of(t), sizeof *outputs);
    fr_status st = fr_fit_agree(r->group, y == NULL || outputs == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st != FR_OK) goto out;
    for (size_t i = 0; i < r->n_train; i++) y[i] = r->dataset->y[r->train[i]];
    const fr_scored_rows rows = {r->train, r->n_train, t->prepared->train_x,
                                 y,        outputs,    &t->prepared->train_rows};
    st = fr_trainer_score(t, &rows, out, &loss);
out:
    free(y);
    free(outputs);
    return st;
}

static void outputs(void *self, const float **y, const float **out, size_t *n_outputs)
{
    const fr_trainer *t = &((epoch_fit *)self)->trainer;
    *y = t->valid_y;
    *out = t->outputs;
    *n_outputs = outputs_of(t);
}

static void keep(void *self)
{
    fr_trainer *t = &((epoch_fit *)self)->trainer;
    memcpy(t->best, t->params, t->network.n_params * sizeof *t->best);
}

static void take_best(void *self)
{
    fr_trainer *t = &((epoch_fit *)self)->trainer;
    memcpy(t->params, t->best, t->network.n_params * sizeof *t->best);
}

/* The arrays of n_params floats that the next epoch depends on. */
static size_t list_arrays(const fr_trainer *t, float *arrays[FR_PARTS_MAX])
{
    size_t n = 0;
    arrays[n++] = t->params;
    for (size_t k = 0; k < FR_STATE_MAX; k++)
        if (t->state[k] != NULL) arrays[n++] = t->state[k];
    if (t->best != NULL) arrays[n++] = t->best;
    return n;
}

static size_t save(void *self, fr_pack *head, fr_fit_part *parts)
{
    const fr_trainer *t = &((epoch_fit *)self)->trainer;
    float *arrays[FR_PARTS_MAX];
    const size_t n = list_arrays(t, arrays);
    fr_pack_u64(head, t->network.n_params);
    fr_pack_u64(head, n);
    for (size_t i = 0; i < n; i++)
        parts[i] = (fr_fit_part){arrays[i], t->network.n_params * sizeof(float)};
    return n;
}

static bool restore(void *self, fr_unpack *in, uint32_t done)
{
    fr_trainer *t = &((epoch_fit *)self)->trainer;
    float *arrays[FR_PARTS_MAX];
    const size_t n = list_arrays(t, arrays), bytes = t->network.n_params * sizeof(float);
    if (fr_unpack_u64(in) != t->network.n_params || fr_unpack_u64(in) != n ||
        fr_unpack_left(in) != n * bytes)
        return false;
    for (size_t i = 0; i < n; i++) memcpy(arrays[i], fr_unpack_bytes(in, bytes), bytes);
    t->step = done * t->steps_per_epoch;
    return true;
}

static void measure(const epoch_fit *f, double seconds)
{
    const fr_fit_course *c = &f->course;
    const fr_fit_request *r = c->request;
    const fr_network *net = &f->trainer.network;
    const fr_model_options *m = &r->recipe->model;
    const size_t in = net->factorises ? net->row_values
                                      : fr_row_inputs(f->trainer.prepared, r->dataset),
                 out = net->width[net->n_layers];
    const double trained = (double)r->n_train * c->done,
                 scored = (double)r->n_valid * c->scored;
    c->result->seconds = c->earlier_seconds + seconds;
    c->result->samples_per_second = c->training_seconds > 0 ? trained / c->training_seconds : 0;
    c->result->flops = trained * fr_model_flops_training(m, in, out) +
                       scored * fr_model_flops_predict(m, in, out);
}

fr_status fr_fit_make_model(const fr_fit_request *request, const fr_transform *transform,
                            size_t n_params, fr_model *out)
{
    const fr_schema *schema = &request->dataset->schema;
    *out = (fr_model){.options = request->recipe->model,
                      .n_outputs =
                          schema->learn == FR_LEARN_CLASSIFICATION ? schema->n_classes : 1,
                      .n_params = n_params};
    fr_status st = fr_schema_copy(schema, &out->schema);
    if (st == FR_OK) st = fr_transform_copy(transform, &out->transform);
    if (st == FR_OK && (out->params = fr_alloc(n_params, sizeof(float))) == NULL)
        st = FR_ERR_MEMORY;
    if (st != FR_OK) fr_model_clear(out);
    return st;
}

static fr_status make_model(const fr_trainer *t, fr_model *model)
{
    FR_TRY(fr_fit_make_model(t->request, &t->prepared->transform, t->network.n_params, model));
    memcpy(model->params, t->params, model->n_params * sizeof *model->params);
    return FR_OK;
}

static fr_status check_request(const fr_fit_request *r)
{
    const fr_learn learn = r->dataset->schema.learn;
    const fr_family family = (fr_family)r->recipe->model.family;
    if (r->n_train == 0) return FR_FAIL(FR_ERR_DATA, "there are no rows to train on");
    if (!fr_family_learns(family, learn))
        return FR_FAIL(FR_ERR_DATA, "model %s cannot learn a %s", fr_family_words[family],
                       learn == FR_LEARN_REGRESSION ? "regression" : "classification");
    if (family == FR_FAMILY_FM && r->dataset->schema.n_classes > 2)
        return FR_FAIL(FR_ERR_DATA,
                       "model fm tells two classes apart, not %zu; take softmax or mlp",
                       r->dataset->schema.n_classes);
    if (!fr_metric_scores(r->metric, learn))
        return FR_FAIL(FR_ERR_DATA, "metric %s does not score a %s",
                       fr_metric_words[fr_metric_kind(r->metric)],
                       learn == FR_LEARN_REGRESSION ? "regression" : "classification");
    if (r->metric == FR_METRIC_LOG_LOSS && !fr_family_has_probabilities(family))
        return FR_FAIL(FR_ERR_DATA,
                       "metric log_loss needs probabilities, which model %s does not give; "
                       "take accuracy or roc_auc",
                       fr_family_words[family]);
    return FR_OK;
}

/* A fit that may be given up keeps its best epoch even if it is not: scores of last epochs and
 * of best epochs do not compare. */
static fr_status keep_best(epoch_fit *f)
{
    fr_trainer *t = &f->trainer;
    const fr_fit_request *r = f->course.request;
    if (t->best == NULL && r->give_up_after > 0) {
        t->best = f->own_best = fr_alloc(t->network.n_params, sizeof *f->own_best);
        if (t->best == NULL) return FR_ERR_MEMORY;
    }
    f->course.keep_best = t->best != NULL && r->n_valid > 0;
    return FR_OK;
}

static fr_status create_fit(epoch_fit *f, const fr_fit_request *r, const fr_prepared *prepared,
                            fr_fold_result *result)
{
    if (prepared->sparse && r->recipe->model.family == FR_FAMILY_CNN)
        return FR_FAIL(FR_ERR_DATA, "model cnn wants dense rows: set data.storage to dense");
    if (!prepared->sparse)
        FR_TRY(fr_model_check_inputs(&r->recipe->model, prepared->transform.width));
    FR_TRY(fr_trainer_create(r, prepared, &f->trainer));
    FR_TRY(fr_course_begin(r, &f->trainer.options, result, &f->course));
    f->course.advice = ", or clip_norm";
    return keep_best(f);
}

static fr_status run_fit(epoch_fit *f, const fr_fit_request *request,
                         const fr_prepared *prepared, fr_fold_result *result, fr_model *model)
{
    const fr_learner learner = {f,    step,      score, score_training, outputs,
                                keep, take_best, save,  restore};
    FR_TRY(fr_fit_agree(request->group, create_fit(f, request, prepared, result)));
    FR_TRY(fr_course_run(&f->course, &learner));
    return model == NULL ? FR_OK : make_model(&f->trainer, model);
}

static void drop_result(fr_fold_result *result)
{
    free(result->curve);
    free(result->message);
    *result = (fr_fold_result){0};
}

static fr_status fit_epochs(const fr_fit_request *request, const fr_prepared *prepared,
                            fr_fold_result *result, fr_model *model)
{
    epoch_fit f = {0};
    const double start = fr_clock_now();
    const fr_status st = run_fit(&f, request, prepared, result, model);
    if (st == FR_OK) measure(&f, fr_clock_now() - start);
    fr_trainer_clear(&f.trainer);
    free(f.own_best);
    return st;
}

typedef fr_status fit_function(const fr_fit_request *, const fr_prepared *, fr_fold_result *,
                               fr_model *);

static fit_function *fit_of(fr_family family)
{
    if (family == FR_FAMILY_XGBOOST) return fr_boost_fit;
    return fr_family_iterates(family) ? fit_epochs : fr_kernel_fit;
}

fr_status fr_fit(const fr_fit_request *request, fr_fold_result *result, fr_model *model)
{
    const double start = fr_clock_now();
    const uint32_t *const rows[2] = {request->train, request->valid};
    const size_t n[2] = {request->n_train, request->n_valid};
    const fr_prepared *prepared = request->prepared;
    fr_prepared own = {0};
    FR_TRY(check_request(request));
    if (prepared == NULL) {
        fr_status st = fr_prepare(&request->recipe->preprocess, request->dataset, rows, n,
                                  request->group == NULL ? request->solvers : NULL, &own);
        if (st != FR_OK) return fr_fit_agree(request->group, st);
        prepared = &own;
    }
    const double prepared_s = fr_clock_now() - start;
    *result = (fr_fold_result){
        .trial = request->trial, .fold = request->fold, .state = FR_TRIAL_COMPLETE};
    const fr_status st =
        fit_of((fr_family)request->recipe->model.family)(request, prepared, result, model);
    if (st == FR_OK)
        result->seconds += prepared_s;
    else
        drop_result(result);
    fr_prepared_clear(&own);
    return st;
}
