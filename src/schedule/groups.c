/* SPDX-License-Identifier: BSD-3-Clause */
/* groups.c - which ranks train together: as many groups on every node as its ranks make.
 * Neighbours on a node are one group, so that a launcher that puts neighbours near each other
 * puts groups into NUMA domains. */
#include <stdlib.h>
#include <unistd.h>

#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "group.h"
#include "internal.h"

/* What a rank is, as root learns it. */
enum { IDLE = -2, MEMBER = -1 }; /* else: a leader */

/* Put this rank into a group of its node; *role says which place it has. */
static fr_status join_group(fr_run_state *run, int per_trial, int *role)
{
    MPI_Comm node = MPI_COMM_NULL, group = MPI_COMM_NULL;
    int rank = 0, size = 0;
    FR_MPI(
        MPI_Comm_split_type(run->comm, MPI_COMM_TYPE_SHARED, run->rank, MPI_INFO_NULL, &node));
    FR_MPI(MPI_Comm_rank(node, &rank));
    FR_MPI(MPI_Comm_size(node, &size));
    const bool idle = rank >= size / per_trial * per_trial;
    *role = idle ? IDLE : rank % per_trial == 0 ? run->rank : MEMBER;
    FR_MPI(MPI_Comm_split(node, idle ? MPI_UNDEFINED : rank / per_trial, rank, &group));
    FR_MPI(MPI_Comm_free(&node));
    if (idle) return FR_OK;
    const bool crowded = size > sysconf(_SC_NPROCESSORS_ONLN);
    const fr_status st = fr_group_create(group, crowded, &run->group);
    MPI_Comm_free(&group);
    return st;
}

/* Root numbers the leaders: these are the workers that it deals with. */
static fr_status number_workers(fr_run_state *run, const int *role)
{
    int members = 0, idle = 0;
    for (int rank = 0; rank < run->size; rank++) {
        run->worker_of[rank] = role[rank] >= 0 ? run->n_workers : role[rank];
        if (role[rank] >= 0) run->leader_of[run->n_workers++] = rank;
        members += role[rank] == MEMBER;
        idle += role[rank] == IDLE;
    }
    const long long per_trial = (long long)run->study->resources.ranks_per_trial;
    if (run->n_workers == 0)
        return FR_FAIL(FR_ERR_USAGE,
                       "resources.ranks_per_trial is %lld, but no node has so many of the %d "
                       "ranks; start more ranks on a node, or ask for fewer",
                       per_trial, run->size);
    if (members > 0)
        fr_log(FR_LOG_INFO, "schedule groups=%d ranks_per_trial=%lld", run->n_workers,
               per_trial);
    if (idle > 0)
        fr_log(FR_LOG_WARN,
               "schedule idle_ranks=%d: they make no group of ranks_per_trial=%lld on their "
               "node; start a multiple of it on every node",
               idle, per_trial);
    return FR_OK;
}

fr_status fr_run_form_groups(fr_run_state *run)
{
    const int per_trial = (int)run->study->resources.ranks_per_trial;
    int mine = run->rank, *role = NULL;
    fr_status st = FR_OK;
    if (per_trial > 1) st = join_group(run, per_trial, &mine);
    if (run->rank == 0) {
        role = fr_alloc((size_t)run->size, sizeof *role);
        run->leader_of = fr_alloc((size_t)run->size, sizeof *run->leader_of);
        run->worker_of = fr_alloc((size_t)run->size, sizeof *run->worker_of);
        if (role == NULL || run->leader_of == NULL || run->worker_of == NULL)
            st = FR_ERR_MEMORY;
    }
    st = fr_agree(run->comm, st);
    if (st == FR_OK)
        st = fr_mpi_check(MPI_Gather(&mine, 1, MPI_INT, role, 1, MPI_INT, 0, run->comm),
                          "MPI_Gather", __FILE__, __LINE__);
    if (st == FR_OK && run->rank == 0) st = number_workers(run, role);
    free(role);
    return fr_agree(run->comm, st);
}
