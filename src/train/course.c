/* SPDX-License-Identifier: BSD-3-Clause */
/* course.c - a fit in steps: when it is scored, which epoch is the best, when it stops and what
 * remains of it. What the steps do is the learner's. */
#include <math.h>
#include <stdlib.h>

#include "foldrank/clock.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

static bool better(fr_metric metric, double a, double b)
{
    if (isnan(a)) return false;
    if (isnan(b)) return true;
    return fr_metric_maximizes(metric) ? a > b : a < b;
}

fr_status fr_fit_note(fr_fold_result *result, fr_trial_state state, const fr_text *text)
{
    result->state = state;
    free(result->message);
    result->message = fr_strdup(fr_text_get(text));
    return text->failed || result->message == NULL ? FR_ERR_MEMORY : FR_OK;
}

static fr_status note_divergence(const fr_fit_course *c, double train_loss)
{
    char loss[FR_NUMBER_SIZE], rate[FR_NUMBER_SIZE];
    fr_text text = {0};
    fr_text_add(&text,
                "training diverged in epoch %u: loss %s, learning rate %s; try a smaller "
                "learning_rate%s",
                c->done, fr_format_double(train_loss, loss),
                fr_format_double(c->learning_rate, rate), c->advice);
    const fr_status st = fr_fit_note(c->result, FR_TRIAL_DIVERGED, &text);
    fr_text_clear(&text);
    return st;
}

fr_status fr_fit_note_undefined(const fr_fit_request *request, fr_metric metric,
                                fr_fold_result *result)
{
    fr_text text = {0};
    char name[FR_METRIC_NAME_SIZE];
    fr_text_add(&text, "%s is not defined on the %zu validation rows of this fold: has %s?",
                fr_metric_name(metric, name), request->n_valid,
                fr_metric_ranks(metric) ? "any user a row there that is relevant to him"
                                        : "the fold rows of more than one class");
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
    return c->request->n_valid > 0 && (c->done % (uint64_t)c->options->score_every == 0 ||
                                       c->done >= c->epochs || at_rung(c));
}

static fr_status score_epoch(fr_fit_course *c, const fr_learner *learner)
{
    c->score = c->loss = NAN;
    if (!score_is_due(c)) return FR_OK;
    c->scored++;
    return learner->score(learner->self, &c->score, &c->loss);
}

/* Remember the best epoch, with its weights if they are to be kept. */
static void compare_with_best(fr_fit_course *c, const fr_learner *learner)
{
    const fr_metric metric = c->request->metric;
    const double step = fr_metric_maximizes(metric) ? 1.0 : -1.0;
    if (better(metric, c->score, c->best)) {
        c->best = c->score;
        c->best_loss = c->loss;
        c->best_epoch = c->done;
        if (c->keep_best) learner->keep(learner->self);
    }
    if (better(metric, c->score, c->to_beat + step * c->options->min_delta)) {
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
    const int64_t patience = c->options->patience;
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

static fr_status run_epochs(fr_fit_course *c, const fr_learner *learner)
{
    fr_fold_result *result = c->result;
    for (;;) {
        double train_loss = NAN;
        bool finite = false;
        const double start = fr_clock_now();
        FR_TRY(learner->step(learner->self, c->done, &train_loss, &finite));
        c->training_seconds += fr_clock_now() - start;
        c->done++;
        finite = finite && isfinite(train_loss);
        c->score = NAN;
        if (finite) FR_TRY(score_epoch(c, learner));
        result->curve[2 * result->n_curve] = train_loss;
        result->curve[2 * result->n_curve++ + 1] = c->score;
        if (!finite) return note_divergence(c, train_loss);
        /* A score without a value: outputs beyond float32, or a metric without meaning here. */
        if (score_is_due(c) && isnan(c->score))
            return isfinite(c->loss)
                       ? fr_fit_note_undefined(c->request, c->request->metric, result)
                       : note_divergence(c, c->loss);
        compare_with_best(c, learner);
        const bool ends = decide(c);
        if (ends ? result->state == FR_TRIAL_INTERRUPTED : is_due(c))
            fr_course_save(c, learner);
        if (ends) return FR_OK;
    }
}

/* The further metrics, of the weights that are kept. */
static fr_status score_more(const fr_fit_course *c, const fr_learner *learner)
{
    const fr_fit_request *r = c->request;
    fr_fold_result *result = c->result;
    double score, loss;
    fr_metric_rows all = {.n = r->n_valid, .dataset = r->dataset, .row = r->valid};
    if (r->n_more == 0 || r->n_valid == 0 || result->state != FR_TRIAL_COMPLETE) return FR_OK;
    FR_TRY(learner->score(learner->self, &score, &loss));
    learner->outputs(learner->self, &all.y, &all.output, &all.n_outputs);
    result->n_more = r->n_more;
    for (uint32_t k = 0; k < r->n_more; k++) {
        FR_TRY(fr_metric_score_rows(r->more[k], &all, &result->more[k]));
        if (isnan(result->more[k])) return fr_fit_note_undefined(r, r->more[k], result);
    }
    return FR_OK;
}

/* Scores of the kept epoch; the weights become its weights. */
static fr_status settle(fr_fit_course *c, const fr_learner *learner)
{
    fr_fold_result *result = c->result;
    const bool kept = result->state == FR_TRIAL_COMPLETE || result->state == FR_TRIAL_PRUNED;
    result->score = result->loss = result->train_score = NAN;
    result->epochs = c->done;
    if (!kept) return FR_OK;
    if (c->keep_best && c->best_epoch > 0) {
        learner->take_best(learner->self);
        result->score = c->best;
        result->loss = c->best_loss;
        result->best_epoch = c->best_epoch;
    } else {
        result->score = c->score;
        result->loss = c->loss;
        result->best_epoch = c->done;
    }
    FR_TRY(fr_fit_agree(c->request->group, score_more(c, learner)));
    return c->request->want_train_score
               ? learner->score_training(learner->self, &result->train_score)
               : FR_OK;
}

fr_status fr_course_begin(const fr_fit_request *request, const fr_train_options *options,
                          fr_fold_result *result, fr_fit_course *out)
{
    fr_fit_course *c = out;
    *c = (fr_fit_course){.request = request,
                         .options = options,
                         .result = result,
                         .learning_rate = options->learning_rate,
                         .advice = "",
                         .epochs = (uint32_t)options->epochs,
                         .score = NAN,
                         .loss = NAN,
                         .best = NAN,
                         .to_beat = NAN,
                         .started = fr_clock_now()};
    if (request->stop_after > 0 && request->stop_after < c->epochs)
        c->epochs = request->stop_after;
    result->curve = fr_alloc(c->epochs, 2 * sizeof(double));
    return result->curve == NULL ? FR_ERR_MEMORY : FR_OK;
}

fr_status fr_course_run(fr_fit_course *course, const fr_learner *learner)
{
    FR_TRY(fr_course_resume(course, learner));
    FR_TRY(run_epochs(course, learner));
    return settle(course, learner);
}
