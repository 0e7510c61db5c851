/* SPDX-License-Identifier: BSD-3-Clause */
/* collective.h - how ranks agree, and how root's bytes come to all of them. It stands in the
 * lowest room that knows MPI; all rooms that do go by it. */
#ifndef FR_COLLECTIVE_H
#define FR_COLLECTIVE_H

#include <mpi.h>
#include <stddef.h>

#include "foldrank/pack.h"
#include "foldrank/status.h"

/* FR_ERR_MPI with the library's words, or FR_OK. Local. */
FR_CHECKED fr_status fr_mpi_check(int code, const char *call, const char *file, int line);
#define FR_MPI(call) FR_TRY(fr_mpi_check((call), #call, __FILE__, __LINE__))

/* The worst status of all ranks, with its message, on every rank: call after local work that
 * may fail and before the next collective. Collective. */
FR_CHECKED fr_status fr_agree(MPI_Comm comm, fr_status mine);

/* n bytes of rank `from` on every rank, however many. Collective. */
FR_CHECKED fr_status fr_broadcast_bytes(MPI_Comm comm, int from, void *bytes, size_t n);

/* What rank 0 has packed on every rank; `pack` is {0} on the others before, and everywhere the
 * caller's to clear. The same status on every rank. Collective. */
FR_CHECKED fr_status fr_broadcast_pack(MPI_Comm comm, fr_pack *pack);

/* The sum over all ranks of n doubles, on every rank with the same bits. Collective. */
FR_CHECKED fr_status fr_sum_on_all(MPI_Comm comm, double *values, size_t n);

#endif
