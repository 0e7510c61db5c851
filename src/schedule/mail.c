/* SPDX-License-Identifier: BSD-3-Clause */
/* mail.c - buffered non-blocking sends, probed receives. Two ranks that send to each other at
 * once can never wait for each other, whatever the size at which MPI stops buffering. */
#include <limits.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

fr_status fr_mail_send(fr_mail *mail, int rank, fr_tag tag, fr_pack *pack)
{
    fr_status st = FR_OK;
    void *block = mail->sent;
    if (pack->failed || pack->size > INT_MAX)
        st = FR_FAIL(FR_ERR_MEMORY, "no memory for a message of %zu bytes", pack->size);
    if (st == FR_OK)
        st = fr_grow(&block, &mail->capacity, mail->n_sent + 1, sizeof *mail->sent);
    mail->sent = block;
    MPI_Request request = MPI_REQUEST_NULL;
    if (st == FR_OK)
        st = fr_mpi_check(MPI_Isend(pack->data, (int)pack->size, MPI_BYTE, rank, (int)tag,
                                    mail->comm, &request),
                          "MPI_Isend", __FILE__, __LINE__);
    if (st == FR_OK) {
        mail->sent[mail->n_sent].request = request;
        mail->sent[mail->n_sent++].bytes = pack->data;
        *pack = (fr_pack){0};
    }
    fr_pack_clear(pack);
    return st;
}

fr_status fr_mail_settle(fr_mail *mail, bool all)
{
    size_t kept = 0;
    for (size_t i = 0; i < mail->n_sent; i++) {
        int arrived = 1;
        if (all)
            FR_MPI(MPI_Wait(&mail->sent[i].request, MPI_STATUS_IGNORE));
        else
            FR_MPI(MPI_Test(&mail->sent[i].request, &arrived, MPI_STATUS_IGNORE));
        if (arrived)
            free(mail->sent[i].bytes);
        else
            mail->sent[kept++] = mail->sent[i];
    }
    mail->n_sent = kept;
    if (all) {
        free(mail->sent);
        mail->sent = NULL;
        mail->capacity = 0;
    }
    return FR_OK;
}

fr_status fr_mail_take(fr_mail *mail, int *rank, int *tag, unsigned char **bytes, size_t *size)
{
    int there = 0, count = 0;
    MPI_Status status;
    *tag = 0;
    *bytes = NULL;
    *size = 0;
    FR_MPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, mail->comm, &there, &status));
    if (!there) return FR_OK;
    FR_MPI(MPI_Get_count(&status, MPI_BYTE, &count));
    *bytes = fr_alloc((size_t)count, 1);
    if (*bytes == NULL) return FR_ERR_MEMORY;
    *rank = status.MPI_SOURCE;
    *tag = status.MPI_TAG;
    *size = (size_t)count;
    FR_MPI(MPI_Recv(*bytes, count, MPI_BYTE, *rank, *tag, mail->comm, MPI_STATUS_IGNORE));
    return FR_OK;
}
