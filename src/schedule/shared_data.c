/* SPDX-License-Identifier: BSD-3-Clause */
/* shared_data.c - the data set once per node.
 *
 * Root reads straight into its node's window, or several ranks do (slabs.c); from there the
 * bytes go to one leader on each other node. The ranks of a node are the first to touch the
 * pages, in turn, so that these lie in all its NUMA domains alike: every rank will read rows
 * from everywhere.
 *
 * A node whose shared memory is too small for the window (containers often allow
 * 64 MiB) would stop a study that fits its memory well, so all nodes then fall back to a copy
 * on every rank, with a warning. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "foldrank/pack.h"
#include "foldrank/text.h"
#include "shared_data.h"

enum { TOUCH_BYTES = 1 << 16 }; /* in a row by one rank */

fr_status fr_shared_data_meet(const fr_shared_data *d)
{
    if (d->window == MPI_WIN_NULL) return FR_OK;
    FR_MPI(MPI_Win_sync(d->window));
    FR_MPI(MPI_Barrier(d->node));
    FR_MPI(MPI_Win_sync(d->window));
    return FR_OK;
}

/* Everything but the cells, from root's source to every rank. */
static fr_status broadcast_schema(MPI_Comm comm, fr_source *source, fr_schema *out)
{
    fr_pack pack = {0};
    if (source != NULL) fr_schema_pack(fr_source_schema(source), &pack);
    fr_status st = fr_broadcast_pack(comm, &pack);
    if (st == FR_OK) {
        fr_unpack in = fr_unpack_make(pack.data, pack.size);
        st = fr_agree(comm, fr_schema_unpack(&in, out));
    }
    fr_pack_clear(&pack);
    return st;
}

static fr_status touch_first(const fr_shared_data *d, size_t bytes)
{
    int rank = 0, size = 1;
    FR_MPI(MPI_Comm_rank(d->node, &rank));
    FR_MPI(MPI_Comm_size(d->node, &size));
    for (size_t at = (size_t)rank * TOUCH_BYTES; at < bytes; at += (size_t)size * TOUCH_BYTES)
        memset((char *)d->block + at, 0, bytes - at < TOUCH_BYTES ? bytes - at : TOUCH_BYTES);
    return fr_shared_data_meet(d);
}

/* The node's window, filled by nobody yet. Not an error when the node refuses: *window stays
 * MPI_WIN_NULL on all its ranks. */
static fr_status open_window(fr_shared_data *d, size_t bytes)
{
    int node_rank = 0, unit = 0;
    MPI_Aint size = 0;
    void *base = NULL;
    FR_MPI(MPI_Comm_rank(d->node, &node_rank));
    const MPI_Aint mine = node_rank == 0 ? (MPI_Aint)(bytes + FR_ALIGNMENT) : 0;
    if (MPI_Win_allocate_shared(mine, 1, MPI_INFO_NULL, d->node, &base, &d->window) !=
        MPI_SUCCESS) {
        d->window = MPI_WIN_NULL;
        return FR_OK;
    }
    FR_MPI(MPI_Win_shared_query(d->window, 0, &size, &unit, &base));
    /* The mapping may start anywhere, but for all ranks at the same place within a page. */
    uint64_t skip = (FR_ALIGNMENT - (uintptr_t)base % FR_ALIGNMENT) % FR_ALIGNMENT;
    FR_MPI(MPI_Bcast(&skip, 1, MPI_UINT64_T, 0, d->node));
    d->block = (char *)base + skip;
    FR_MPI(MPI_Win_lock_all(MPI_MODE_NOCHECK, d->window));
    return touch_first(d, bytes);
}

/* Before anything is allocated: `copies` of the data on this node. */
static fr_status check_memory(size_t bytes, int copies)
{
    char host[64] = "", need[FR_NUMBER_SIZE], have[FR_NUMBER_SIZE];
    const double wanted = (double)bytes * copies, limit = fr_memory_limit();
    if (wanted <= limit) return FR_OK;
    if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
    return FR_FAIL(FR_ERR_DATA, "node %s: the data need %s in %d cop%s; there are %s of memory",
                   host, fr_format_bytes(wanted, need), copies, copies == 1 ? "y" : "ies",
                   fr_format_bytes(limit, have));
}

/* After a refused window: every rank is a leader with memory of its own. */
static fr_status fall_back(fr_shared_data *d, size_t bytes)
{
    fr_log(FR_LOG_WARN,
           "data shared=no: a node gives no shared memory (is /dev/shm large enough?), every "
           "rank holds its own copy, bytes=%zu",
           bytes);
    if (d->window != MPI_WIN_NULL) {
        FR_MPI(MPI_Win_unlock_all(d->window));
        FR_MPI(MPI_Win_free(&d->window));
    }
    int copies = 1;
    FR_MPI(MPI_Comm_size(d->node, &copies));
    FR_MPI(MPI_Comm_free(&d->node));
    FR_MPI(MPI_Comm_dup(MPI_COMM_SELF, &d->node));
    FR_TRY(check_memory(bytes, copies));
    d->private = fr_alloc(bytes, 1);
    d->block = d->private;
    return d->private == NULL ? FR_ERR_MEMORY : FR_OK;
}

static fr_status open_memory(fr_shared_data *d, size_t bytes)
{
    int rank = 0, node_rank = 0, all_shared = 0;
    FR_MPI(MPI_Comm_rank(d->comm, &rank));
    FR_MPI(MPI_Comm_split_type(d->comm, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &d->node));
    FR_MPI(MPI_Comm_set_errhandler(d->node, MPI_ERRORS_RETURN));
    FR_MPI(MPI_Comm_rank(d->node, &node_rank));
    FR_TRY(fr_agree(d->comm, check_memory(bytes, 1)));
    FR_TRY(fr_agree(d->comm, open_window(d, bytes)));
    const int shared = d->window != MPI_WIN_NULL;
    FR_MPI(MPI_Allreduce(&shared, &all_shared, 1, MPI_INT, MPI_MIN, d->comm));
    if (!all_shared) FR_TRY(fr_agree(d->comm, fall_back(d, bytes)));
    const int color = node_rank == 0 || !all_shared ? 0 : MPI_UNDEFINED;
    FR_MPI(MPI_Comm_split(d->comm, color, rank, &d->leaders));
    return FR_OK;
}

/* The file's cells to everyone's memory. */
static fr_status fill(fr_shared_data *d, fr_source *source, const fr_data_options *options,
                      fr_schema *schema)
{
    const size_t all = fr_schema_bytes(schema);
    size_t there = 0;
    fr_status st = FR_OK;
    FR_TRY(fr_shared_data_read_slabs(d, source, options, schema, &there));
    if (source != NULL) {
        st = there > 0 ? fr_source_fill_rest(source, d->block)
                       : fr_source_fill(source, d->block);
        schema->fingerprint = fr_source_schema(source)->fingerprint;
    }
    FR_TRY(fr_agree(d->comm, st));
    FR_MPI(MPI_Bcast(&schema->fingerprint, 1, MPI_UINT64_T, 0, d->comm));
    if (d->leaders != MPI_COMM_NULL)
        FR_TRY(fr_broadcast_bytes(d->leaders, 0, (char *)d->block + there, all - there));
    return fr_shared_data_meet(d);
}

fr_status fr_shared_data_create(MPI_Comm comm, fr_source *source,
                                const fr_data_options *options, fr_shared_data **out)
{
    *out = NULL;
    fr_schema schema = {0};
    fr_shared_data *d = fr_alloc(1, sizeof *d);
    FR_TRY(fr_agree(comm, d == NULL ? FR_ERR_MEMORY : FR_OK));
    *d = (fr_shared_data){
        .comm = comm, .node = MPI_COMM_NULL, .leaders = MPI_COMM_NULL, .window = MPI_WIN_NULL};
    fr_status st = broadcast_schema(comm, source, &schema);
    const size_t bytes = st == FR_OK ? fr_schema_bytes(&schema) : 0;
    if (st == FR_OK) st = open_memory(d, bytes);
    if (st == FR_OK) st = fill(d, source, options, &schema);
    if (st != FR_OK) {
        fr_schema_clear(&schema);
        fr_shared_data_destroy(&d);
        return st;
    }
    fr_dataset_attach(&schema, d->block, &d->dataset);
    *out = d;
    return FR_OK;
}

const fr_dataset *fr_shared_data_get(const fr_shared_data *data)
{
    return &data->dataset;
}

void fr_shared_data_destroy(fr_shared_data **data)
{
    fr_shared_data *d = *data;
    if (d == NULL) return;
    fr_dataset_clear(&d->dataset);
    if (d->window != MPI_WIN_NULL) {
        MPI_Win_unlock_all(d->window);
        MPI_Win_free(&d->window);
    }
    if (d->leaders != MPI_COMM_NULL) MPI_Comm_free(&d->leaders);
    if (d->node != MPI_COMM_NULL) MPI_Comm_free(&d->node);
    free(d->private);
    free(d);
    *data = NULL;
}
