/* SPDX-License-Identifier: BSD-3-Clause */
/* collective.c - one status for all ranks, MPI's errors as ours, and root's bytes everywhere.
 */
#include "foldrank/collective.h"

#include <string.h>

#include "foldrank/memory.h"

enum { PIECE = 1 << 29 }; /* bytes of one broadcast or sum: far below the int of MPI's counts */

fr_status fr_mpi_check(int code, const char *call, const char *file, int line)
{
    if (code == MPI_SUCCESS) return FR_OK;
    char words[MPI_MAX_ERROR_STRING] = "unknown error";
    int length = 0;
    MPI_Error_string(code, words, &length);
    return fr_status_record(FR_ERR_MPI, file, line, "%.*s failed: %s", (int)strcspn(call, "("),
                            call, words);
}

/* Errors count more than a stop, a stop more than success. */
static int severity(fr_status status)
{
    if (status == FR_OK) return 0;
    return status == FR_STOPPED ? 1 : 2 + (int)status;
}

static fr_status from_severity(int value)
{
    if (value == 0) return FR_OK;
    return value == 1 ? FR_STOPPED : (fr_status)(value - 2);
}

fr_status fr_agree(MPI_Comm comm, fr_status mine)
{
    enum { MESSAGE_SIZE = 4096 };
    struct {
        int severity, rank;
    } own = {.severity = severity(mine)}, worst;
    FR_MPI(MPI_Comm_rank(comm, &own.rank));
    FR_MPI(MPI_Allreduce(&own, &worst, 1, MPI_2INT, MPI_MAXLOC, comm));
    const fr_status status = from_severity(worst.severity);
    if (status == FR_OK) return FR_OK;
    char message[MESSAGE_SIZE] = "";
    if (own.rank == worst.rank)
        memcpy(message, fr_status_message(), strnlen(fr_status_message(), MESSAGE_SIZE - 1));
    FR_MPI(MPI_Bcast(message, MESSAGE_SIZE, MPI_CHAR, worst.rank, comm));
    return own.rank == worst.rank ? status : fr_status_set(status, message);
}

fr_status fr_broadcast_bytes(MPI_Comm comm, int from, void *bytes, size_t n)
{
    char *at = bytes;
    while (n > 0) {
        const int piece = n < PIECE ? (int)n : PIECE;
        FR_MPI(MPI_Bcast(at, piece, MPI_BYTE, from, comm));
        at += piece;
        n -= (size_t)piece;
    }
    return FR_OK;
}

fr_status fr_broadcast_pack(MPI_Comm comm, fr_pack *pack)
{
    int rank = 0;
    FR_MPI(MPI_Comm_rank(comm, &rank));
    FR_TRY(fr_agree(comm, pack->failed ? FR_FAIL(FR_ERR_MEMORY, "out of memory for a message")
                                       : FR_OK));
    uint64_t size = pack->size;
    FR_MPI(MPI_Bcast(&size, 1, MPI_UINT64_T, 0, comm));
    fr_status st = FR_OK;
    if (rank != 0) {
        pack->data = fr_alloc((size_t)size, 1);
        pack->size = pack->capacity = (size_t)size;
        if (pack->data == NULL) st = FR_ERR_MEMORY;
    }
    FR_TRY(fr_agree(comm, st));
    return fr_broadcast_bytes(comm, 0, pack->data, (size_t)size);
}

/* Not MPI_Allreduce: it may add in another order on each rank, and give each other bits. */
fr_status fr_sum_on_all(MPI_Comm comm, double *values, size_t n)
{
    enum { MOST = PIECE / (int)sizeof(double) };
    int rank = 0;
    FR_MPI(MPI_Comm_rank(comm, &rank));
    for (size_t done = 0; done < n; done += MOST) {
        double *part = values + done;
        const int count = n - done < MOST ? (int)(n - done) : MOST;
        FR_MPI(MPI_Reduce(rank == 0 ? MPI_IN_PLACE : part, part, count, MPI_DOUBLE, MPI_SUM, 0,
                          comm));
    }
    return fr_broadcast_bytes(comm, 0, values, n * sizeof *values);
}
