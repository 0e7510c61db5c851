/* SPDX-License-Identifier: BSD-3-Clause */
/* threads.c - how many OpenMP threads a rank trains with, and on what machine. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/text.h"
#include "internal.h"

/* First entry of OMP_NUM_THREADS, which may be a list for nested teams; 0 when not set. */
static int from_environment(void)
{
    const char *text = getenv("OMP_NUM_THREADS");
    char word[16] = "";
    int64_t value = 0;
    if (text == NULL) return 0;
    const size_t length = strcspn(text, ",");
    if (length >= sizeof word) return 0;
    memcpy(word, text, length);
    return fr_parse_int(word, &value) && value > 0 && value < 1 << 16 ? (int)value : 0;
}

fr_status fr_run_place(MPI_Comm comm, int64_t wanted, fr_run_place_info *out)
{
    cpu_set_t mine, all;
    MPI_Comm node = MPI_COMM_NULL;
    int node_rank = 0, node_size = 1;
    FR_MPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
    FR_MPI(MPI_Comm_rank(node, &node_rank));
    FR_MPI(MPI_Comm_size(node, &node_size));
    const int first = node_rank == 0;
    out->local_rank = node_rank;
    out->local_ranks = node_size;
    FR_MPI(MPI_Allreduce(&first, &out->n_hosts, 1, MPI_INT, MPI_SUM, comm));

    /* A launcher may bind every rank to cores of its own: the node's are their union. */
    CPU_ZERO(&mine);
    if (sched_getaffinity(0, sizeof mine, &mine) != 0) CPU_SET(0, &mine);
    FR_MPI(MPI_Allreduce(&mine, &all, (int)sizeof mine, MPI_BYTE, MPI_BOR, node));
    FR_MPI(MPI_Comm_free(&node));
    const int share = CPU_COUNT(&all) / node_size;
    out->own_cores = CPU_COUNT(&mine);
    out->threads = wanted > 0 ? (int)wanted : from_environment();
    if (out->threads == 0) out->threads = share > 1 ? share : 1;
    return FR_OK;
}
