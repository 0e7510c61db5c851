/* SPDX-License-Identifier: BSD-3-Clause */
/* explaining.c - after the selection: the models of the chosen trial's folds are trained once
 * more by the workers and asked what they go by, and what they say of rows that they have not
 * seen, by which the model is calibrated; root trains the final model meanwhile.
 *
 * A task is a fold; with more workers than folds, a part of its columns. What is found does not
 * depend on the cut, so it is the same for any number of ranks; and nothing of it is
 * journalled: a run that was killed meanwhile explains anew. A worker has one task at a time.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrating.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "internal.h"

struct fr_explaining {
    uint32_t n_parts;
    size_t n_tasks, next, n_done;
    bool keep_outputs, permutes, failed;
    fr_fold_explanation *parts; /* (folds, n_parts) */
    bool *busy;                 /* (n_workers) */
};

/* Floating-point operations of the search so far, and of the chosen trial alone. */
static void sum_flops(const fr_run_state *run, double *all, double *chosen)
{
    const fr_history *history = run->history;
    *all = *chosen = 0.0;
    for (size_t t = 0; t < history->n; t++)
        for (uint32_t f = 0; f < history->n_folds; f++) {
            const fr_fold_result *fold = history->trials[t].folds[f];
            if (fold == NULL || !isfinite(fold->flops)) continue;
            *all += fold->flops;
            if (t == run->report->selection.chosen) *chosen += fold->flops;
        }
}

/* Of all predictions that importance takes; what is copied and scaled counts a little, too. */
static fr_status importance_flops(const fr_run_state *run, double *flops)
{
    const fr_explain_options *options = &run->study->explain;
    const fr_trial *trial = &run->history->trials[run->report->selection.chosen];
    const double cols = (double)fr_shared_data_get(run->data)->schema.cols;
    uint32_t *train = NULL, *valid = NULL;
    size_t n_train = 0, n_valid = 0;
    FR_TRY(fr_folds_get(run->folds, 0, &train, &n_train, &valid, &n_valid));
    free(train);
    free(valid);
    const double rows = fmin((double)n_valid, (double)options->rows);
    const double of_row = fr_objective_cost(run->objective, FR_GOAL_FLOPS, trial->point);
    *flops = (double)run->history->n_folds * cols * (double)options->repeats * rows *
             (of_row + 4.0 * cols);
    return FR_OK;
}

fr_status fr_explaining_wanted(const fr_run_state *run, bool *wanted)
{
    const int when = run->study->explain.when;
    double all, cost, importance = 0.0;
    *wanted = when == FR_EXPLAIN_ALWAYS;
    if (when != FR_EXPLAIN_AUTO) return FR_OK;
    sum_flops(run, &all, &cost);
    FR_TRY(importance_flops(run, &importance));
    cost += importance;
    *wanted = cost <= FR_EXPLAIN_FREE || cost <= FR_EXPLAIN_SHARE * all;
    if (!*wanted)
        fr_log(
            FR_LOG_INFO,
            "schedule explain=no share_of_search=%.2g: what explanations would cost; to have "
            "them, --set explain.when=always",
            cost / all);
    return FR_OK;
}

fr_status fr_explaining_begin(fr_run_state *run)
{
    const fr_dataset *dataset = fr_shared_data_get(run->data);
    const fr_schema *schema = &dataset->schema;
    const size_t n_folds = run->history->n_folds, n_workers = (size_t)run->n_workers;
    const size_t width = schema->learn == FR_LEARN_CLASSIFICATION ? schema->n_classes : 1;
    size_t n_parts = n_workers / n_folds, n_rows = 0;
    fr_folds_search_rows(run->folds, &n_rows);
    if (n_parts > schema->cols) n_parts = schema->cols;
    if (n_parts < 1 || !run->permutes) n_parts = 1;
    fr_explaining *e = fr_alloc(1, sizeof *e);
    run->explaining = e;
    if (e == NULL) return FR_ERR_MEMORY;
    *e = (fr_explaining){.n_parts = (uint32_t)n_parts,
                         .n_tasks = n_folds * n_parts,
                         .keep_outputs =
                             run->calibrates || n_rows <= FR_EXPLAIN_OUTPUTS_MAX / width,
                         .permutes = run->permutes,
                         .parts = fr_alloc(n_folds * n_parts, sizeof *e->parts),
                         .busy = fr_alloc(n_workers, sizeof *e->busy)};
    return e->parts == NULL || e->busy == NULL ? FR_ERR_MEMORY : FR_OK;
}

void fr_explaining_destroy(fr_explaining **explaining)
{
    fr_explaining *e = *explaining;
    if (e == NULL) return;
    for (size_t i = 0; e->parts != NULL && i < e->n_tasks; i++)
        fr_fold_explanation_clear(&e->parts[i]);
    free(e->parts);
    free(e->busy);
    free(e);
    *explaining = NULL;
}

/* Whether the part is one that was asked for, and has what it was asked for. */
static bool fits(const fr_run_state *run, const fr_fold_explanation *part)
{
    const fr_explaining *e = run->explaining;
    const fr_schema *schema = &fr_shared_data_get(run->data)->schema;
    if (e == NULL || part->parts != e->n_parts || part->part >= e->n_parts ||
        part->fold >= run->history->n_folds)
        return false;
    const size_t columns = (schema->cols + e->n_parts - 1 - part->part) / e->n_parts;
    if (part->repeats != (e->permutes ? (size_t)run->study->explain.repeats : 0) ||
        part->n_columns != (e->permutes ? columns : 0))
        return false;
    for (size_t i = 0; i < part->n; i++)
        if (part->row[i] >= schema->rows) return false;
    return true;
}

/* Takes over *part. One that could not be had leaves all of them without use. */
static fr_status file_part(fr_run_state *run, int worker, fr_fold_explanation *part)
{
    fr_explaining *e = run->explaining;
    if (part->parts != 0 && !fits(run, part)) {
        fr_fold_explanation_clear(part);
        return FR_FAIL(FR_ERR_MPI, "worker %d sends an explanation that nobody asked for",
                       worker);
    }
    if (e == NULL) return FR_OK;
    e->busy[worker] = false;
    e->n_done++;
    if (part->parts == 0) {
        e->failed = true;
    } else {
        fr_fold_explanation *slot = &e->parts[part->fold * e->n_parts + part->part];
        fr_fold_explanation_clear(slot);
        *slot = *part;
    }
    return FR_OK;
}

fr_status fr_explaining_take(fr_run_state *run, int worker, fr_unpack *in)
{
    fr_fold_explanation part = {0};
    fr_status st = fr_fold_explanation_unpack(in, &part);
    if (st == FR_OK && worker < 0) st = FR_FAIL(FR_ERR_MPI, "a rank without work explains");
    if (st == FR_OK) return file_part(run, worker, &part);
    fr_fold_explanation_clear(&part);
    return st;
}

/* Task number `task` to a worker. */
static fr_status give(fr_run_state *run, int worker, size_t task)
{
    const fr_explaining *e = run->explaining;
    const uint64_t chosen = run->report->selection.chosen;
    const double *point = run->history->trials[chosen].point;
    const size_t n_params = run->study->space.n;
    const uint32_t fold = (uint32_t)(task / e->n_parts), part = (uint32_t)(task % e->n_parts);
    const bool keeps = e->keep_outputs && part == 0;
    if (worker == 0) {
        fr_explain_order order = {.trial = chosen,
                                  .fold = fold,
                                  .file_fold = run->history->n_folds + 1 + fold,
                                  .part = {part, e->n_parts, keeps, e->permutes},
                                  .point = fr_alloc(n_params, sizeof *order.point)};
        if (order.point == NULL) return FR_ERR_MEMORY;
        if (n_params > 0) memcpy(order.point, point, n_params * sizeof *point);
        fr_worker_push_explain(run->worker, &order);
        return FR_OK;
    }
    fr_pack pack = {0};
    fr_pack_u64(&pack, chosen);
    fr_pack_u32(&pack, fold);
    fr_pack_u32(&pack, run->history->n_folds + 1 + fold);
    fr_pack_u32(&pack, part);
    fr_pack_u32(&pack, e->n_parts);
    fr_pack_u8(&pack, keeps);
    fr_pack_u8(&pack, e->permutes);
    fr_pack_doubles(&pack, point, n_params);
    return fr_mail_send(&run->mail, run->leader_of[worker], FR_TAG_EXPLAIN, &pack);
}

fr_status fr_explaining_advance(fr_run_state *run, bool *done)
{
    fr_explaining *e = run->explaining;
    fr_fold_explanation own = {0};
    const bool refits = !run->has_model && !run->reuses_model;
    if (fr_worker_explanation(run->worker, &own)) FR_TRY(file_part(run, 0, &own));
    for (int worker = refits ? 1 : 0; worker < run->n_workers; worker++) {
        if (e->busy[worker] || e->next == e->n_tasks || e->failed) continue;
        FR_TRY(give(run, worker, e->next++));
        e->busy[worker] = true;
    }
    *done = e->n_done == e->next && (e->failed || e->next == e->n_tasks);
    return FR_OK;
}

static fr_status put_together(fr_run_state *run)
{
    const fr_explaining *e = run->explaining;
    const fr_study *study = run->study;
    const fr_dataset *dataset = fr_shared_data_get(run->data);
    const fr_model *model = run->has_model ? &run->refit.model : &run->earlier->model;
    const size_t n_folds = run->history->n_folds;
    size_t n_all = 0;
    const uint32_t *all = fr_folds_search_rows(run->folds, &n_all);
    fr_explanation *out = &run->explanation;
    FR_TRY(fr_explain_importance(e->parts, n_folds, e->n_parts, dataset->schema.cols, out));
    FR_TRY(fr_explain_errors(&study->explain, dataset, study->metric,
                             fr_family_has_probabilities((fr_family)model->options.family),
                             out));
    return fr_explain_dependence(&study->explain, model, dataset, all, n_all,
                                 (uint64_t)study->search.seed, out);
}

/* What the folds' models say of rows that they have not seen. */
static fr_status take_out_of_fold(fr_run_state *run)
{
    const fr_explaining *e = run->explaining;
    if (e->failed)
        return FR_FAIL(FR_ERR_STATE, "not all folds of trial %zu could be trained again",
                       run->report->selection.chosen);
    if (!e->keep_outputs) return FR_OK;
    return fr_explain_out_of_fold(e->parts, run->history->n_folds, e->n_parts,
                                  fr_shared_data_get(run->data), &run->explanation);
}

fr_status fr_explaining_conclude(fr_run_state *run)
{
    fr_status st = take_out_of_fold(run);
    if (st == FR_OK && run->calibrates)
        st = fr_calibrate_model(run, &run->explanation.out_of_fold);
    if (st != FR_OK && run->calibrates) return st;
    if (st == FR_OK && run->permutes) st = put_together(run);
    run->has_explanation = st == FR_OK && run->permutes;
    if (st != FR_OK) fr_log(FR_LOG_WARN, "schedule explain=no: %s", fr_status_message());
    fr_explaining_destroy(&run->explaining);
    return FR_OK;
}

fr_status fr_explaining_accept(fr_run_state *run, fr_unpack *in)
{
    const size_t n_params = run->study->space.n;
    fr_explain_order order = {.trial = fr_unpack_u64(in)};
    order.fold = fr_unpack_u32(in);
    order.file_fold = fr_unpack_u32(in);
    order.part.part = fr_unpack_u32(in);
    order.part.parts = fr_unpack_u32(in);
    order.part.keep_outputs = fr_unpack_u8(in) != 0;
    order.part.permutes = fr_unpack_u8(in) != 0;
    order.point = fr_alloc(n_params, sizeof *order.point);
    if (order.point == NULL) return FR_ERR_MEMORY;
    fr_unpack_doubles(in, order.point, n_params);
    if (in->failed || order.part.part >= order.part.parts ||
        order.fold >= fr_folds_count(run->folds)) {
        free(order.point);
        return FR_FAIL(FR_ERR_MPI, "a message with an explanation's task is damaged");
    }
    fr_worker_push_explain(run->worker, &order);
    return FR_OK;
}

fr_status fr_explaining_send(fr_run_state *run)
{
    fr_fold_explanation own = {0};
    fr_pack pack = {0};
    if (!fr_worker_explanation(run->worker, &own)) return FR_OK;
    fr_fold_explanation_pack(&own, &pack);
    fr_fold_explanation_clear(&own);
    return fr_mail_send(&run->mail, 0, FR_TAG_EXPLAINED, &pack);
}
