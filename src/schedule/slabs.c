/* SPDX-License-Identifier: BSD-3-Clause */
/* slabs.c - the cells of one HDF5 file, read by up to eight ranks of every node.
 *
 * Each reads a stretch of rows straight into its node's window; then the nodes exchange what
 * they have, so the file system gives every byte once, and unpacking, which takes most of the
 * time with a compressed file, is shared. The bytes are those that root alone would have read.
 * Where a rank cannot (a file that only root's node has), root reads everything. */
#include <stdlib.h>

#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "shared_data.h"

enum { MOST_READERS = 8, LEAST_BYTES = 1 << 20 };

/* Readers on this node: numbers first .. first + n - 1 of `all`. */
typedef struct {
    int first, n, all;
} readers;

static fr_status count_readers(const fr_shared_data *d, readers *out)
{
    int size = 0;
    FR_MPI(MPI_Comm_size(d->node, &size));
    *out = (readers){.n = size < MOST_READERS ? size : MOST_READERS};
    if (d->leaders != MPI_COMM_NULL) {
        int rank = 0;
        FR_MPI(MPI_Comm_rank(d->leaders, &rank));
        FR_MPI(MPI_Exscan(&out->n, &out->first, 1, MPI_INT, MPI_SUM, d->leaders));
        FR_MPI(MPI_Allreduce(&out->n, &out->all, 1, MPI_INT, MPI_SUM, d->leaders));
        if (rank == 0) out->first = 0; /* MPI_Exscan leaves it undefined there */
    }
    FR_MPI(MPI_Bcast(out, (int)sizeof *out, MPI_BYTE, 0, d->node));
    return FR_OK;
}

static fr_status read_own(const fr_shared_data *d, const fr_data_options *options,
                          const fr_schema *schema, const fr_slabs *slabs, const readers *r)
{
    int rank = 0;
    size_t first = 0, n = 0;
    FR_MPI(MPI_Comm_rank(d->node, &rank));
    if (rank >= r->n) return FR_OK;
    fr_slabs_share(slabs, (size_t)(r->first + rank), (size_t)r->all, &first, &n);
    return n == 0 ? FR_OK : fr_slab_read(options, schema, first, n, d->block);
}

/* What each node's readers have read, to the other nodes. */
static fr_status exchange(const fr_shared_data *d, const fr_schema *schema,
                          const fr_slabs *slabs, const readers *mine)
{
    const size_t row_bytes = fr_schema_row_bytes(schema);
    int n = 0;
    FR_MPI(MPI_Comm_size(d->leaders, &n));
    readers *all = fr_alloc((size_t)n, sizeof *all);
    FR_TRY(fr_agree(d->leaders, all == NULL ? FR_ERR_MEMORY : FR_OK));
    fr_status st = fr_mpi_check(MPI_Allgather(mine, (int)sizeof *mine, MPI_BYTE, all,
                                              (int)sizeof *mine, MPI_BYTE, d->leaders),
                                "MPI_Allgather", __FILE__, __LINE__);
    for (int k = 0; k < n && st == FR_OK; k++) {
        size_t first = 0, last = 0, rows = 0, ignored = 0;
        fr_slabs_share(slabs, (size_t)all[k].first, (size_t)mine->all, &first, &ignored);
        fr_slabs_share(slabs, (size_t)(all[k].first + all[k].n - 1), (size_t)mine->all, &last,
                       &rows);
        st = fr_broadcast_bytes(d->leaders, k, (char *)d->block + first * row_bytes,
                                (last + rows - first) * row_bytes);
    }
    free(all);
    return st;
}

fr_status fr_shared_data_read_slabs(const fr_shared_data *d, const fr_source *source,
                                    const fr_data_options *options, const fr_schema *schema,
                                    size_t *bytes)
{
    int size = 0, all_read = 0;
    readers r;
    fr_slabs slabs = {0};
    *bytes = 0;
    FR_MPI(MPI_Comm_size(d->comm, &size));
    if (source != NULL && options != NULL && size > 1) slabs = fr_source_slabs(source);
    FR_MPI(MPI_Bcast(&slabs, (int)sizeof slabs, MPI_BYTE, 0, d->comm));
    if (slabs.rows * fr_schema_row_bytes(schema) < LEAST_BYTES) return FR_OK;
    FR_TRY(fr_agree(d->comm, count_readers(d, &r)));
    const fr_status st = read_own(d, options, schema, &slabs, &r);
    const int read = st == FR_OK;
    if (!read) fr_log_all(FR_LOG_DEBUG, "data slab=no: %s", fr_status_message());
    FR_MPI(MPI_Allreduce(&read, &all_read, 1, MPI_INT, MPI_MIN, d->comm));
    if (!all_read) return FR_OK;
    FR_TRY(fr_shared_data_meet(d));
    if (d->leaders != MPI_COMM_NULL) FR_TRY(exchange(d, schema, &slabs, &r));
    FR_TRY(fr_shared_data_meet(d));
    *bytes = slabs.rows * fr_schema_row_bytes(schema);
    fr_log(FR_LOG_DEBUG, "data readers=%d bytes=%zu", r.all, *bytes);
    return FR_OK;
}
