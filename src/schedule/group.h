/* SPDX-License-Identifier: BSD-3-Clause */
/* group.h - ranks of a node that train a trial together, and what the first of them, the
 * leader, tells the others. */
#ifndef FR_GROUP_H
#define FR_GROUP_H

#include <mpi.h>

#include "foldrank/history.h"
#include "foldrank/objective.h"
#include "foldrank/train.h"

typedef struct fr_group fr_group;

/* All ranks of `comm`, at most FR_GROUP_MAX of one node. `crowded`: the node has more ranks
 * than cores. Errors: FR_ERR_MEMORY. Collective. */
FR_CHECKED fr_status fr_group_create(MPI_Comm comm, bool crowded, fr_group **out);
void fr_group_destroy(fr_group **group); /* Collective. */

/* What fr_fit wants; NULL of NULL. The functions, as all below but fr_group_close, are for the
 * one compute thread of each rank, all ranks of the group in the same order. */
const fr_fit_group *fr_group_hooks(const fr_group *group);

/* The leader's bytes on every rank. */
void fr_group_broadcast(fr_group *group, void *bytes, size_t n);

/* After a failure: nobody waits for the others any more, and what they are given is void. By
 * any thread; NULL is a no-op. */
void fr_group_close(fr_group *group);
bool fr_group_is_closed(const fr_group *group);

/* ---- orders.c ---- */

typedef enum { FR_ORDER_QUIT, FR_ORDER_TASK, FR_ORDER_REFIT } fr_order_kind;

/* A task, or the refit of a trial of which only the point and the kept epochs are known. */
typedef struct {
    fr_order_kind kind;
    fr_task task;   /* rungs and point are the order's */
    fr_trial trial; /* refit: point and folds */
    void *block;    /* the memory of these */
    fr_fold_result **folds;
} fr_order;

/* The leader: everybody begins this, or nobody does. A task's point has n_params values. */
FR_CHECKED fr_status fr_order_task(fr_group *group, const fr_task *task, size_t n_params);
FR_CHECKED fr_status fr_order_refit(fr_group *group, const fr_task *task, const fr_trial *trial,
                                    size_t n_params);
void fr_order_quit(fr_group *group);

/* The others: wait for the next order; cleared by the caller. FR_ORDER_QUIT also when the group
 * is closed. Errors: those of any rank of the group, then nobody has begun. */
FR_CHECKED fr_status fr_order_take(fr_group *group, size_t n_params, fr_order *out);
void fr_order_clear(fr_order *order);

#endif
