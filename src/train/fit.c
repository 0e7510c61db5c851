/* SPDX-License-Identifier: BSD-3-Clause */
/* fit.c - one training: epochs, scores, when to stop, and what remains of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/clock.h"
#include "foldrank/hot.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

static bool better(fr_metric metric, double a, double b)
{
    if (isnan(a)) return false;
    if (isnan(b)) return true;
    return fr_metric_maximizes(metric) ? a > b : a < b;
}

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

fr_status fr_fit_note(fr_fold_result *result, fr_trial_state state, const fr_text *text)
{
    result->state = state;
    free(result->message);
    result->message = fr_strdup(fr_text_get(text));
    return text->failed || result->message == NULL ? FR_ERR_MEMORY : FR_OK;
}

static fr_status note_divergence(fr_fit_course *c, double train_loss)
{
    const fr_train_options *o = &c->trainer.options;
    char loss[FR_NUMBER_SIZE], rate[FR_NUMBER_SIZE];
    fr_text text = {0};
    fr_text_add(&text,
                "training diverged in epoch %u: loss %s, learning rate %s; try a smaller "
                "learning_rate, or clip_norm",
                c->done, fr_format_double(train_loss, loss),
                fr_format_double(o->learning_rate, rate));
    const fr_status st = fr_fit_note(c->result, FR_TRIAL_DIVERGED, &text);
    fr_text_clear(&text);
    return st;
}

fr_status fr_fit_note_undefined(const fr_fit_request *request, fr_metric metric,
                                fr_fold_result *result)
{
    fr_text text = {0};
    fr_text_add(&text,
                "%s is not defined on the %zu validation rows of this fold: has the fold "
                "rows of more than one class?",
                fr_metric_words[metric], request->n_valid);
    const fr_status st = fr_fit_note(result, FR_TRIAL_FAILED, &text);
    fr_text_clear(&text);
    return st;
}

static bool at_rung(fr_fit_course *c)
{
    const fr_fit_request *r = c->request;
    while (c->next_rung < r->n_rungs && r->rungs[c->next_rung].epoch < c->done) c->next_rung++;
    return c->next_rung < r->n_rungs && r->rungs[c->next_rung].epoch == c->done;
}

static bool score_is_due(fr_fit_course *c)
{
    return c->request->n_valid > 0 &&
           (c->done % (uint64_t)c->trainer.options.score_every == 0 || c->done >= c->epochs ||
            at_rung(c));
}

static fr_status score_epoch(fr_fit_course *c)
{
    fr_trainer *t = &c->trainer;
    const fr_fit_request *r = c->request;
    c->score = c->loss = NAN;
    if (!score_is_due(c)) return FR_OK;
    c->scored++;
    const fr_scored_rows rows = {r->valid,   r->n_valid, t->prepared->valid_x,
                                 t->valid_y, t->outputs, &t->prepared->valid_rows};
    return fr_trainer_score(t, &rows, &c->score, &c->loss);
}

/* Remember the best epoch, with its weights if they are to be kept. */
static void compare_with_best(fr_fit_course *c)
{
    const fr_metric metric = c->request->metric;
    const double step = fr_metric_maximizes(metric) ? 1.0 : -1.0;
    if (better(metric, c->score, c->best)) {
        c->best = c->score;
        c->best_loss = c->loss;
        c->best_epoch = c->done;
        if (c->keep_best)
            memcpy(c->trainer.best, c->trainer.params,
                   c->trainer.network.n_params * sizeof(float));
    }
    if (better(metric, c->score, c->to_beat + step * c->trainer.options.min_delta)) {
        c->to_beat = c->score;
        c->counted_epoch = c->done;
    }
}

static bool beaten_at_rung(fr_fit_course *c)
{
    return at_rung(c) &&
           better(c->request->metric, c->request->rungs[c->next_rung].cutoff, c->best);
}

static bool given_up(const fr_fit_course *c)
{
    const fr_fit_request *r = c->request;
    return r->n_valid > 0 && r->give_up_after > 0 && c->done >= r->give_up_from &&
           c->done - c->best_epoch >= r->give_up_after;
}

/* After an epoch: does the fit end here? Sets the state if so. */
static bool decide(fr_fit_course *c)
{
    const int64_t patience = c->trainer.options.patience;
    if (c->done < c->epochs && beaten_at_rung(c)) {
        c->result->state = FR_TRIAL_PRUNED;
        return true;
    }
    /* Complete: it lost to nobody, and a good fit, too, comes to the end of what it can learn.
     */
    if (given_up(c)) return true;
    if (c->request->n_valid > 0 && patience > 0 && c->done - c->counted_epoch >= patience)
        return true;
    if (c->done >= c->epochs) return true;
    const atomic_bool *stop = c->request->stop;
    if (fr_group_any(c->request->group, stop != NULL && atomic_load(stop))) {
        c->result->state = FR_TRIAL_INTERRUPTED;
        return true;
    }
    return false;
}

static bool is_due(const fr_fit_course *c)
{
    const fr_fit_keeper *keeper = c->request->keeper;
    return keeper != NULL && keeper->due(keeper->context);
}

static fr_status run_epochs(fr_fit_course *c)
{
    fr_trainer *t = &c->trainer;
    fr_fold_result *result = c->result;
    for (;;) {
        const double start = fr_clock_now();
        const double train_loss = fr_trainer_epoch(t, c->done);
        c->training_seconds += fr_clock_now() - start;
        c->done++;
        const bool finite = isfinite(train_loss) && all_finite(t->params, t->network.n_params);
        c->score = NAN;
        if (finite) FR_TRY(score_epoch(c));
        result->curve[2 * result->n_curve] = train_loss;
        result->curve[2 * result->n_curve++ + 1] = c->score;
        if (!finite) return note_divergence(c, train_loss);
        /* A score without a value: outputs beyond float32, or a metric without meaning here. */
        if (score_is_due(c) && isnan(c->score))
            return isfinite(c->loss)
                       ? fr_fit_note_undefined(c->request, c->request->metric, result)
                       : note_divergence(c, c->loss);
        compare_with_best(c);
        const bool ends = decide(c);
        if (ends ? result->state == FR_TRIAL_INTERRUPTED : is_due(c)) fr_fit_save(c);
        if (ends) return FR_OK;
    }
}

static fr_status score_training(fr_fit_course *c)
{
    const fr_fit_request *r = c->request;
    fr_trainer *t = &c->trainer;
    double loss;
    float *y = fr_alloc(r->n_train, sizeof *y);
    float *outputs =
        fr_alloc(r->n_train * t->network.width[t->network.n_layers], sizeof *outputs);
    fr_status st = fr_fit_agree(r->group, y == NULL || outputs == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st != FR_OK) goto out;
    for (size_t i = 0; i < r->n_train; i++) y[i] = r->dataset->y[r->train[i]];
    const fr_scored_rows rows = {r->train, r->n_train, t->prepared->train_x,
                                 y,        outputs,    &t->prepared->train_rows};
    st = fr_trainer_score(t, &rows, &c->result->train_score, &loss);
out:
    free(y);
    free(outputs);
    return st;
}

/* The further metrics, of the weights that are kept. */
static fr_status score_more(fr_fit_course *c)
{
    const fr_fit_request *r = c->request;
    fr_trainer *t = &c->trainer;
    fr_fold_result *result = c->result;
    double score, loss;
    if (r->n_more == 0 || r->n_valid == 0 || result->state != FR_TRIAL_COMPLETE) return FR_OK;
    const fr_scored_rows rows = {r->valid,   r->n_valid, t->prepared->valid_x,
                                 t->valid_y, t->outputs, &t->prepared->valid_rows};
    FR_TRY(fr_trainer_score(t, &rows, &score, &loss));
    result->n_more = r->n_more;
    for (uint32_t k = 0; k < r->n_more; k++) {
        FR_TRY(fr_metric_score(r->more[k], t->valid_y, t->outputs, r->n_valid,
                               t->network.width[t->network.n_layers], &result->more[k]));
        if (isnan(result->more[k])) return fr_fit_note_undefined(r, r->more[k], result);
    }
    return FR_OK;
}

/* Scores of the kept epoch; the weights become its weights. */
static fr_status settle(fr_fit_course *c)
{
    fr_fold_result *result = c->result;
    fr_trainer *t = &c->trainer;
    const bool kept = result->state == FR_TRIAL_COMPLETE || result->state == FR_TRIAL_PRUNED;
    result->score = result->loss = result->train_score = NAN;
    result->epochs = c->done;
    if (!kept) return FR_OK;
    if (c->keep_best && c->best_epoch > 0) {
        memcpy(t->params, t->best, t->network.n_params * sizeof(float));
        result->score = c->best;
        result->loss = c->best_loss;
        result->best_epoch = c->best_epoch;
    } else {
        result->score = c->score;
        result->loss = c->loss;
        result->best_epoch = c->done;
    }
    FR_TRY(fr_fit_agree(c->request->group, score_more(c)));
    return c->request->want_train_score ? score_training(c) : FR_OK;
}

static void measure(fr_fit_course *c, double seconds)
{
    const fr_fit_request *r = c->request;
    const fr_network *net = &c->trainer.network;
    const fr_model_options *m = &r->recipe->model;
    const size_t in = net->factorises ? net->row_values
                                      : fr_row_inputs(c->trainer.prepared, r->dataset),
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

static fr_status make_model(const fr_fit_course *c, fr_model *model)
{
    const fr_trainer *t = &c->trainer;
    FR_TRY(fr_fit_make_model(c->request, &t->prepared->transform, t->network.n_params, model));
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
    if (fr_metric_learn(r->metric) != learn)
        return FR_FAIL(FR_ERR_DATA, "metric %s does not score a %s", fr_metric_words[r->metric],
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
static fr_status keep_best(fr_fit_course *c)
{
    fr_trainer *t = &c->trainer;
    if (t->best == NULL && c->request->give_up_after > 0) {
        t->best = c->own_best = fr_alloc(t->network.n_params, sizeof *c->own_best);
        if (t->best == NULL) return FR_ERR_MEMORY;
    }
    c->keep_best = t->best != NULL && c->request->n_valid > 0;
    return FR_OK;
}

static fr_status create_course(fr_fit_course *c, const fr_prepared *prepared)
{
    const fr_fit_request *r = c->request;
    if (prepared->sparse && r->recipe->model.family == FR_FAMILY_CNN)
        return FR_FAIL(FR_ERR_DATA, "model cnn wants dense rows: set data.storage to dense");
    if (!prepared->sparse)
        FR_TRY(fr_model_check_inputs(&r->recipe->model, prepared->transform.width));
    FR_TRY(fr_trainer_create(r, prepared, &c->trainer));
    c->epochs = (uint32_t)c->trainer.options.epochs;
    if (r->stop_after > 0 && r->stop_after < c->epochs) c->epochs = r->stop_after;
    FR_TRY(keep_best(c));
    c->result->curve = fr_alloc(c->epochs, 2 * sizeof(double));
    return c->result->curve == NULL ? FR_ERR_MEMORY : FR_OK;
}

static fr_status run_fit(fr_fit_course *c, const fr_prepared *prepared, fr_model *model)
{
    FR_TRY(fr_fit_agree(c->request->group, create_course(c, prepared)));
    FR_TRY(fr_fit_resume(c));
    FR_TRY(run_epochs(c));
    FR_TRY(settle(c));
    return model == NULL ? FR_OK : make_model(c, model);
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
    fr_fit_course c = {.request = request,
                       .result = result,
                       .best = NAN,
                       .to_beat = NAN,
                       .started = fr_clock_now()};
    const fr_status st = run_fit(&c, prepared, model);
    if (st == FR_OK) measure(&c, fr_clock_now() - c.started);
    fr_trainer_clear(&c.trainer);
    free(c.own_best);
    return st;
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
        fr_status st =
            fr_prepare(&request->recipe->preprocess, request->dataset, rows, n, &own);
        if (st != FR_OK) return fr_fit_agree(request->group, st);
        prepared = &own;
    }
    const double prepared_s = fr_clock_now() - start;
    *result = (fr_fold_result){
        .trial = request->trial, .fold = request->fold, .state = FR_TRIAL_COMPLETE};
    const bool closed = !fr_family_iterates((fr_family)request->recipe->model.family);
    const fr_status st = closed ? fr_kernel_fit(request, prepared, result, model)
                                : fit_epochs(request, prepared, result, model);
    if (st == FR_OK)
        result->seconds += prepared_s;
    else
        drop_result(result);
    fr_prepared_clear(&own);
    return st;
}
