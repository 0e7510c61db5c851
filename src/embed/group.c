/* SPDX-License-Identifier: BSD-3-Clause */
/* group.c - ranks that evaluate a trial together. */
#include <math.h>
#include <stdlib.h>

#include "internal.h"

/* What members learn of a task; its point follows. */
typedef struct {
    uint64_t trial;
    uint32_t fold, folds, seed, steps;
    uint32_t over; /* there will be no more */
} task_header;

fr_status fr_embed_group_create(MPI_Comm comm, int ranks, fr_embed_group *group, bool *in)
{
    int rank = 0, size = 0;
    FR_MPI(MPI_Comm_rank(comm, &rank));
    FR_MPI(MPI_Comm_size(comm, &size));
    *in = rank < size / ranks * ranks;
    FR_MPI(MPI_Comm_split(comm, *in ? rank / ranks : MPI_UNDEFINED, rank, &group->comm));
    if (!*in) return FR_OK;
    FR_MPI(MPI_Comm_dup(group->comm, &group->channel));
    FR_MPI(MPI_Comm_rank(group->comm, &group->rank));
    FR_MPI(MPI_Comm_size(group->comm, &group->size));
    return FR_OK;
}

void fr_embed_group_clear(fr_embed_group *group)
{
    free(group->point);
    if (group->channel != MPI_COMM_NULL) MPI_Comm_free(&group->channel);
    if (group->comm != MPI_COMM_NULL) MPI_Comm_free(&group->comm);
}

/* Any number may come from a function: what is no status of ours becomes one. */
static fr_status call_function(const fr_embed_group *group, const fr_tune_trial *trial,
                               double *score)
{
    const fr_embed_function *f = &group->function;
    fr_status_set(FR_OK, ""); /* of an earlier trial */
    const int st = f->c != NULL ? (int)f->c(trial, group->comm, score)
                                : f->fortran(trial, MPI_Comm_c2f(group->comm), score);
    if (st == FR_OK) return FR_OK;
    if (st < 0 || st > (int)FR_STOPPED)
        return FR_FAIL(FR_ERR_STATE, "the function returned %d", st);
    if (*fr_status_message() != '\0') return (fr_status)st;
    return FR_FAIL((fr_status)st, "the function returned status %s",
                   fr_status_word((fr_status)st));
}

/* On all ranks of the group, unless one is not ready; how it went for all. */
static fr_status call(const fr_embed_group *group, fr_status ready, const fr_plugin_task *task,
                      double *score, bool *reported)
{
    const fr_tune_trial trial = {.group = group, .task = task, .reported = reported};
    if (group->size == 1) return call_function(group, &trial, score);
    FR_TRY(fr_agree(group->channel, ready));
    return fr_agree(group->channel, call_function(group, &trial, score));
}

static fr_status send_task(fr_embed_group *group, const fr_plugin_task *task)
{
    const size_t n = task->n_values;
    task_header header = {.trial = task->trial,
                          .fold = task->fold,
                          .folds = task->folds,
                          .seed = task->seed,
                          .steps = task->steps};
    for (size_t j = 0; j < n; j++) group->point[j] = task->values[j].number;
    FR_TRY(fr_embed_broadcast(group, &header, sizeof header, false));
    return fr_embed_broadcast(group, group->point, n * sizeof *group->point, false);
}

static int evaluate(void *state, const fr_plugin_task *task, double *value)
{
    fr_embed_group *group = state;
    bool reported = false;
    fr_status st = group->size > 1 ? send_task(group, task) : FR_OK;
    if (st == FR_OK) st = call(group, FR_OK, task, value, &reported);
    if (st == FR_OK) return isnan(*value) && reported ? FR_PLUGIN_REPORTED : FR_PLUGIN_DONE;
    task->fail(task, fr_status_message());
    return FR_PLUGIN_FAILED;
}

const fr_plugin fr_embed_plugin = {.abi = FR_PLUGIN_ABI, .evaluate = evaluate};

fr_status fr_embed_dismiss(fr_embed_group *group)
{
    task_header header = {.over = 1};
    return fr_embed_broadcast(group, &header, sizeof header, false);
}

/* One task of a member; *over when there are no more. Its own failure is the group's: that is
 * agreed upon in call(). */
static fr_status serve_one(const fr_embed_group *group, bool *over)
{
    const size_t n = group->study->space.n;
    task_header header = {0};
    FR_TRY(fr_embed_broadcast(group, &header, sizeof header, true));
    *over = header.over != 0;
    if (*over) return FR_OK;
    FR_TRY(fr_embed_broadcast(group, group->point, n * sizeof *group->point, false));
    fr_plugin_value *values = NULL;
    double score = NAN;
    bool reported = false;
    fr_status st = fr_plugin_values_create(&group->study->space, group->point, &values);
    const fr_plugin_task task = {.trial = header.trial,
                                 .fold = header.fold,
                                 .folds = header.folds,
                                 .seed = header.seed,
                                 .steps = header.steps,
                                 .values = values,
                                 .n_values = n};
    st = call(group, st, &task, &score, &reported);
    fr_plugin_values_destroy(&values, n);
    return st == FR_ERR_MPI ? st : FR_OK;
}

fr_status fr_embed_serve(fr_embed_group *group)
{
    bool over = false;
    while (!over) FR_TRY(serve_one(group, &over));
    return FR_OK;
}
