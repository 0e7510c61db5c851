/* SPDX-License-Identifier: BSD-3-Clause */
/* agree.c - one status for all ranks, and MPI's errors as ours. */
#include <string.h>

#include "foldrank/schedule.h"

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
