/* SPDX-License-Identifier: BSD-3-Clause */
/* errand.c - one piece of work for an ensemble, as a message and by the worker's thread: a fold
 * of a candidate trained again for what it says out of fold, or a member on all rows.
 *
 * Fits of the search have files 0 .. n_folds - 1 of their trial, the refit of the chosen one
 * has number n_folds, explanations those that follow; behind them come those of ensembles. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "internal.h"

typedef struct {
    fr_errand base; /* first: the one is the other */
    fr_member_order order;
    fr_pack found;
} member_errand;

uint32_t fr_member_file_of(uint32_t fold, uint32_t n_folds, bool found)
{
    return (found ? 3 * n_folds + 2 : 2 * n_folds + 1) + fold;
}

void fr_member_order_clear(fr_member_order *order)
{
    free(order->point);
    free(order->kept);
    *order = (fr_member_order){0};
}

static fr_status make_room(fr_member_order *order, size_t n_params)
{
    order->point = fr_alloc(n_params, sizeof *order->point);
    order->kept = fr_alloc(order->n_folds, sizeof *order->kept);
    return order->point == NULL || order->kept == NULL ? FR_ERR_MEMORY : FR_OK;
}

fr_status fr_member_order_make(const fr_history *history, uint64_t trial, uint32_t fold,
                               fr_member_order *out)
{
    const fr_trial *from = &history->trials[trial];
    *out = (fr_member_order){.trial = trial, .fold = fold, .n_folds = history->n_folds};
    const fr_status st = make_room(out, history->space->n);
    if (st != FR_OK) {
        fr_member_order_clear(out);
        return st;
    }
    if (history->space->n > 0)
        memcpy(out->point, from->point, history->space->n * sizeof *out->point);
    for (uint32_t f = 0; f < out->n_folds; f++)
        out->kept[f] = from->folds[f] == NULL ? 0 : from->folds[f]->best_epoch;
    return FR_OK;
}

void fr_member_order_pack(const fr_member_order *order, size_t n_params, fr_pack *out)
{
    fr_pack_u64(out, order->trial);
    fr_pack_u32(out, order->fold);
    fr_pack_u32(out, order->n_folds);
    fr_pack_doubles(out, order->point, n_params);
    for (uint32_t f = 0; f < order->n_folds; f++) fr_pack_u32(out, order->kept[f]);
}

fr_status fr_member_order_unpack(fr_unpack *in, size_t n_params, fr_member_order *out)
{
    *out = (fr_member_order){.trial = fr_unpack_u64(in)};
    out->fold = fr_unpack_u32(in);
    out->n_folds = fr_unpack_u32(in);
    if (in->failed || out->fold > out->n_folds || out->n_folds > fr_unpack_left(in)) {
        *out = (fr_member_order){0};
        return FR_FAIL(FR_ERR_MPI, "a message with a task for an ensemble is damaged");
    }
    FR_TRY(make_room(out, n_params));
    fr_unpack_doubles(in, out->point, n_params);
    for (uint32_t f = 0; f < out->n_folds; f++) out->kept[f] = fr_unpack_u32(in);
    return FR_OK;
}

/* ---- by the worker's thread ---- */

static fr_status find_outputs(const fr_worker_options *worker, const fr_task *task,
                              const atomic_bool *stop, fr_pack *out)
{
    fr_scored said = {0};
    size_t n_outputs = 0;
    const fr_status st = fr_objective_outputs(worker->objective, task, stop, &said, &n_outputs);
    if (st == FR_OK) fr_scored_pack(&said, n_outputs, out);
    fr_scored_clear(&said);
    return st;
}

/* The refit looks up the kept epochs in the trial's folds. */
static fr_status find_model(const member_errand *e, const fr_worker_options *worker,
                            const fr_task *task, const atomic_bool *stop, fr_pack *out)
{
    const uint32_t n = e->order.n_folds;
    fr_refit refit = {0};
    fr_fold_result *results = fr_alloc(n, sizeof *results);
    fr_fold_result **folds = fr_alloc(n, sizeof *folds);
    const fr_trial trial = {.point = e->order.point, .folds = folds};
    fr_status st = results == NULL || folds == NULL ? FR_ERR_MEMORY : FR_OK;
    for (uint32_t f = 0; st == FR_OK && f < n; f++) {
        results[f].best_epoch = e->order.kept[f];
        folds[f] = &results[f];
    }
    if (st == FR_OK) st = fr_objective_refit(worker->objective, task, &trial, stop, &refit);
    if (st == FR_OK) fr_model_pack(&refit.model, out);
    fr_refit_clear(&refit);
    free(results);
    free(folds);
    return st;
}

static void begin(member_errand *e, bool good)
{
    fr_pack_u64(&e->found, e->order.trial);
    fr_pack_u32(&e->found, e->order.fold);
    fr_pack_u8(&e->found, good);
}

static fr_status run(fr_errand *errand, const fr_worker_options *worker,
                     const atomic_bool *stop)
{
    member_errand *e = (member_errand *)errand;
    const fr_member_order *order = &e->order;
    const uint32_t file = fr_member_file_of(order->fold, order->n_folds, false);
    const fr_task kept = {.trial = order->trial, .fold = file, .point = order->point};
    fr_task task = {.trial = order->trial, .fold = order->fold, .point = order->point};
    task.keeper = fr_keeper_begin(worker->keeper, &kept);
    begin(e, true);
    fr_status st = order->fold == order->n_folds ? find_model(e, worker, &task, stop, &e->found)
                                                 : find_outputs(worker, &task, stop, &e->found);
    if (st == FR_OK && e->found.failed)
        st = FR_FAIL(FR_ERR_MEMORY, "no memory for what was found");
    if (st == FR_OK || st == FR_STOPPED) return st;
    fr_log_all(FR_LOG_WARN, "schedule ensemble=no trial=%llu: %s",
               (unsigned long long)order->trial, fr_status_message());
    fr_pack_clear(&e->found);
    begin(e, false);
    return FR_OK;
}

static void destroy(fr_errand *errand)
{
    member_errand *e = (member_errand *)errand;
    fr_member_order_clear(&e->order);
    fr_pack_clear(&e->found);
    free(e);
}

fr_status fr_member_errand_create(fr_member_order *order, fr_errand **out)
{
    member_errand *e = fr_alloc(1, sizeof *e);
    *out = NULL;
    if (e == NULL) {
        fr_member_order_clear(order);
        return FR_ERR_MEMORY;
    }
    e->base = (fr_errand){.run = run, .destroy = destroy};
    e->order = *order;
    *order = (fr_member_order){0};
    *out = &e->base;
    return FR_OK;
}

const fr_pack *fr_member_errand_found(const fr_errand *errand)
{
    return &((const member_errand *)errand)->found;
}
