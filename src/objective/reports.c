/* SPDX-License-Identifier: BSD-3-Clause */
/* reports.c - what external code says while it works: steps with values, to the curve, the
 * decisions and the score that a training task has, too.
 *
 * Everything is judged in the order in which it was said, and nothing after the first decision:
 * how far the code had run ahead when it was told to end changes nothing. The value at a step
 * is the best one up to it, and a step that is left out counts as one that brought nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

void fr_reports_init(fr_reports *r, const fr_study *study, const fr_task *task,
                     fr_fold_result *result)
{
    const bool patience = (study->prune_methods & FR_PRUNE_PATIENCE) != 0;
    *r = (fr_reports){.task = task,
                      .result = result,
                      .maximize = study->maximize,
                      .give_up_after = patience ? (uint32_t)study->pruning.patience : 0,
                      .give_up_from = (uint32_t)study->pruning.first_epoch,
                      .steps = (uint32_t)study->objective.steps,
                      .best = NAN,
                      .last = NAN,
                      .final = NAN};
}

static bool better(const fr_reports *r, double a, double b)
{
    if (isnan(a) || isnan(b)) return !isnan(a);
    return r->maximize ? a > b : a < b;
}

/* End with a state and a sentence. */
static fr_status conclude(fr_reports *r, fr_report_verdict verdict, fr_trial_state state,
                          const char *message)
{
    r->verdict = verdict;
    FR_TRY(fr_task_fail(r->result, message));
    r->result->state = state;
    return FR_OK;
}

fr_status fr_reports_refuse(fr_reports *r, const char *message)
{
    if (r->verdict != FR_REPORT_GO_ON) return FR_OK;
    return conclude(r, FR_REPORT_REFUSED, FR_TRIAL_FAILED, message);
}

static fr_status diverge(fr_reports *r, double value)
{
    char number[FR_NUMBER_SIZE], text[128];
    if (r->last_step > 0)
        snprintf(text, sizeof text, "the value is %s at step %u",
                 fr_format_double(value, number), (unsigned)r->last_step);
    else
        snprintf(text, sizeof text, "the value is %s", fr_format_double(value, number));
    return conclude(r, FR_REPORT_REFUSED, FR_TRIAL_DIVERGED, text);
}

/* Rungs up to `limit`, judged by the best value so far. */
static bool beaten(fr_reports *r, uint32_t limit)
{
    const fr_task *task = r->task;
    for (; r->next_rung < task->n_rungs && task->rungs[r->next_rung].epoch <= limit;
         r->next_rung++)
        if (!isnan(r->best) && better(r, task->rungs[r->next_rung].cutoff, r->best))
            return true;
    return false;
}

static fr_status add_to_curve(fr_reports *r, uint32_t step, double value, double loss)
{
    fr_fold_result *result = r->result;
    void *block = result->curve;
    const fr_status st = fr_grow(&block, &r->capacity, 2 * (size_t)step, sizeof *result->curve);
    result->curve = block;
    FR_TRY(st);
    for (; result->n_curve < step; result->n_curve++)
        result->curve[2 * result->n_curve] = result->curve[2 * result->n_curve + 1] = NAN;
    result->curve[2 * (step - 1)] = loss;
    result->curve[2 * (step - 1) + 1] = value;
    return FR_OK;
}

/* Steps count from 1; whoever begins with 0 counts from 0. *step = 0: nothing new. */
static fr_status place_step(fr_reports *r, int64_t said, uint32_t *step)
{
    char text[160];
    const int64_t base = r->last_step == 0 ? said == 0 : r->base, at = said + base;
    *step = 0;
    if (r->last_step > 0 && at == r->last_step) return FR_OK; /* every process says it */
    if (said < 0 || at > FR_OBJECTIVE_STEPS_MAX) {
        snprintf(text, sizeof text,
                 "step=%lld is not from 0 to %d: count epochs, or every so many batches",
                 (long long)said, FR_OBJECTIVE_STEPS_MAX);
        return fr_reports_refuse(r, text);
    }
    if (r->steps > 0 && at > r->steps) {
        snprintf(text, sizeof text, "step=%lld is more than objective.steps, %u",
                 (long long)said, (unsigned)r->steps);
        return fr_reports_refuse(r, text);
    }
    if (at < r->last_step) {
        snprintf(text, sizeof text, "step=%lld comes after step=%lld", (long long)said,
                 (long long)(r->last_step - r->base));
        return fr_reports_refuse(r, text);
    }
    r->base = base;
    *step = (uint32_t)at;
    return FR_OK;
}

fr_status fr_reports_add(fr_reports *r, int64_t said, double value, double loss)
{
    uint32_t step = 0;
    if (r->verdict != FR_REPORT_GO_ON) return FR_OK;
    FR_TRY(place_step(r, said, &step));
    if (step == 0) return FR_OK;
    const bool is_last = r->steps > 0 && step >= r->steps;
    const bool was_beaten = beaten(r, step - 1);
    r->last_step = step;
    r->result->epochs = step;
    FR_TRY(add_to_curve(r, step, value, loss));
    if (!isfinite(value)) return diverge(r, value);
    r->last = value;
    if (better(r, value, r->best)) {
        r->best = value;
        r->best_step = step;
    }
    if (!is_last && (was_beaten || beaten(r, step))) {
        r->verdict = FR_REPORT_PRUNED;
        r->result->state = FR_TRIAL_PRUNED;
    } else if (r->give_up_after > 0 && step >= r->give_up_from &&
               step - r->best_step >= r->give_up_after) {
        r->verdict = FR_REPORT_ENOUGH;
    }
    return FR_OK;
}

fr_status fr_reports_finish(fr_reports *r, double value)
{
    if (r->verdict != FR_REPORT_GO_ON) return FR_OK;
    if (!isfinite(value)) return diverge(r, value);
    r->has_final = true;
    r->final = value;
    return FR_OK;
}

bool fr_reports_settle(fr_reports *r)
{
    fr_fold_result *result = r->result;
    if (result->state != FR_TRIAL_COMPLETE && result->state != FR_TRIAL_PRUNED) return true;
    if (r->has_final && r->verdict == FR_REPORT_GO_ON) {
        result->score = r->final;
        result->best_epoch = r->last_step;
        return true;
    }
    if (isnan(r->last)) return false;
    const bool keep_best = r->give_up_after > 0;
    result->score = keep_best ? r->best : r->last;
    result->best_epoch = keep_best ? r->best_step : r->last_step;
    return true;
}
