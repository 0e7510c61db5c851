/* SPDX-License-Identifier: BSD-3-Clause */
/* orders.c - what the leader of a group tells the others: which task comes next.
 *
 * First goes the length, 0 for the end; then, when all have room, the bytes; then all agree
 * that they understood, so that none is missing when they begin. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/pack.h"
#include "group.h"

/* Takes over the pack. */
static fr_status give(fr_group *group, fr_pack *pack)
{
    const fr_fit_group *hooks = fr_group_hooks(group);
    uint64_t length = pack->failed ? 0 : pack->size;
    fr_status st = FR_ERR_MEMORY;
    if (length > 0) {
        fr_group_broadcast(group, &length, sizeof length);
        st = fr_fit_agree(hooks, FR_OK);
        if (st == FR_OK) {
            fr_group_broadcast(group, pack->data, length);
            st = fr_fit_agree(hooks, FR_OK);
        }
    }
    fr_pack_clear(pack);
    return st;
}

static void pack_task(const fr_task *task, size_t n_params, fr_order_kind kind, fr_pack *out)
{
    fr_pack_u8(out, (uint8_t)kind);
    fr_pack_u64(out, task->trial);
    fr_pack_u32(out, task->fold);
    fr_pack_u32(out, task->search);
    fr_pack_doubles(out, task->point, n_params);
    fr_pack_u64(out, task->n_rungs);
    for (size_t i = 0; i < task->n_rungs; i++) {
        fr_pack_u32(out, task->rungs[i].epoch);
        fr_pack_double(out, task->rungs[i].cutoff);
    }
}

fr_status fr_order_task(fr_group *group, const fr_task *task, size_t n_params)
{
    fr_pack pack = {0};
    pack_task(task, n_params, FR_ORDER_TASK, &pack);
    return give(group, &pack);
}

fr_status fr_order_refit(fr_group *group, const fr_task *task, const fr_trial *trial,
                         size_t n_params)
{
    fr_pack pack = {0};
    pack_task(task, n_params, FR_ORDER_REFIT, &pack);
    for (uint32_t f = 0; f < task->fold; f++)
        fr_pack_u32(&pack, trial->folds[f] == NULL ? 0 : trial->folds[f]->best_epoch);
    return give(group, &pack);
}

void fr_order_quit(fr_group *group)
{
    uint64_t nothing = 0;
    fr_group_broadcast(group, &nothing, sizeof nothing);
}

/* Kept epochs of the folds that have some, as the refit looks them up. */
static fr_status unpack_folds(fr_unpack *in, fr_order *out)
{
    const uint32_t n = out->task.fold;
    out->folds = fr_alloc(n, sizeof *out->folds);
    if (out->folds == NULL) return FR_ERR_MEMORY;
    for (uint32_t f = 0; f < n; f++) {
        out->folds[f] = fr_alloc(1, sizeof **out->folds);
        if (out->folds[f] == NULL) return FR_ERR_MEMORY;
        out->folds[f]->best_epoch = fr_unpack_u32(in);
    }
    out->trial.folds = out->folds;
    return FR_OK;
}

static fr_status unpack_order(fr_unpack *in, size_t n_params, fr_order *out)
{
    out->kind = (fr_order_kind)fr_unpack_u8(in);
    out->task.trial = fr_unpack_u64(in);
    out->task.fold = fr_unpack_u32(in);
    out->task.search = fr_unpack_u32(in);
    double *point = fr_alloc(n_params, sizeof *point);
    out->task.point = out->trial.point = point;
    if (point == NULL) return FR_ERR_MEMORY;
    fr_unpack_doubles(in, point, n_params);
    out->task.n_rungs = (size_t)fr_unpack_u64(in);
    fr_rung *rungs = fr_alloc(out->task.n_rungs, sizeof *rungs);
    out->task.rungs = rungs;
    if (rungs == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < out->task.n_rungs; i++) {
        rungs[i].epoch = fr_unpack_u32(in);
        rungs[i].cutoff = fr_unpack_double(in);
    }
    return out->kind == FR_ORDER_REFIT ? unpack_folds(in, out) : FR_OK;
}

fr_status fr_order_take(fr_group *group, size_t n_params, fr_order *out)
{
    const fr_fit_group *hooks = fr_group_hooks(group);
    uint64_t length = 0;
    *out = (fr_order){.kind = FR_ORDER_QUIT};
    fr_group_broadcast(group, &length, sizeof length);
    if (length == 0 || fr_group_is_closed(group)) return FR_OK;
    unsigned char *bytes = fr_alloc(length, 1);
    fr_status st = fr_fit_agree(hooks, bytes == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st == FR_OK) {
        fr_group_broadcast(group, bytes, length);
        fr_unpack in = fr_unpack_make(bytes, length);
        st = fr_fit_agree(hooks, unpack_order(&in, n_params, out));
    }
    free(bytes);
    if (st == FR_OK) out->task.group = hooks;
    return st;
}

void fr_order_clear(fr_order *order)
{
    for (uint32_t f = 0; order->folds != NULL && f < order->task.fold; f++)
        free(order->folds[f]);
    free(order->folds);
    free(order->trial.point);
    free((void *)(uintptr_t)order->task.rungs);
    *order = (fr_order){0};
}
