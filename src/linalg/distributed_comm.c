/* SPDX-License-Identifier: BSD-3-Clause */
/* distributed_comm.c - how ranks agree and exchange numbers. */
#include <limits.h>
#include <stdio.h>

#include "internal.h"

enum { MESSAGE_SIZE = 1024, CHUNK = 1 << 28 /* doubles; far below the int of MPI's counts */ };

fr_status fr_dist_mpi(int code, const char *what)
{
    char words[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (code == MPI_SUCCESS) return FR_OK;
    if (MPI_Error_string(code, words, &length) != MPI_SUCCESS) words[0] = '\0';
    return FR_FAIL(FR_ERR_MPI, "%s failed: %s", what, words);
}

fr_status fr_dist_agree(MPI_Comm comm, fr_status mine)
{
    struct {
        int code, rank;
    } own = {.code = (int)mine}, worst;
    char message[MESSAGE_SIZE];

    FR_TRY(fr_dist_mpi(MPI_Comm_rank(comm, &own.rank), "MPI_Comm_rank"));
    FR_TRY(fr_dist_mpi(MPI_Allreduce(&own, &worst, 1, MPI_2INT, MPI_MAXLOC, comm),
                       "MPI_Allreduce"));
    if (worst.code == FR_OK) return FR_OK;
    snprintf(message, sizeof message, "%s", fr_status_message());
    FR_TRY(
        fr_dist_mpi(MPI_Bcast(message, MESSAGE_SIZE, MPI_CHAR, worst.rank, comm), "MPI_Bcast"));
    message[MESSAGE_SIZE - 1] = '\0';
    return fr_status_set((fr_status)worst.code, message);
}

static int chunk_of(size_t left)
{
    return left < CHUNK ? (int)left : CHUNK;
}

fr_status fr_dist_broadcast(MPI_Comm comm, double *values, size_t n)
{
    for (size_t done = 0; done < n; done += CHUNK)
        FR_TRY(fr_dist_mpi(MPI_Bcast(values + done, chunk_of(n - done), MPI_DOUBLE, 0, comm),
                           "MPI_Bcast"));
    return FR_OK;
}

/* Not MPI_Allreduce: it may add in another order on each rank, and give each other bits. */
fr_status fr_dist_add(MPI_Comm comm, double *values, size_t n)
{
    int rank = 0;
    FR_TRY(fr_dist_mpi(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank"));
    for (size_t done = 0; done < n; done += CHUNK) {
        double *part = values + done;
        FR_TRY(fr_dist_mpi(MPI_Reduce(rank == 0 ? MPI_IN_PLACE : part, part, chunk_of(n - done),
                                      MPI_DOUBLE, MPI_SUM, 0, comm),
                           "MPI_Reduce"));
    }
    return fr_dist_broadcast(comm, values, n);
}
