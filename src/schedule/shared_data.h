/* SPDX-License-Identifier: BSD-3-Clause */
/* shared_data.h - what the files that fill a node's window share. */
#ifndef FR_SHARED_DATA_H
#define FR_SHARED_DATA_H

#include "foldrank/schedule.h"

struct fr_shared_data {
    MPI_Comm comm;    /* borrowed */
    MPI_Comm node;    /* ranks that share a block: of this node, or this rank alone */
    MPI_Comm leaders; /* ranks that receive the bytes; MPI_COMM_NULL on the others */
    MPI_Win window;   /* MPI_WIN_NULL after the fallback */
    void *private;    /* the block after the fallback */
    void *block;      /* fr_schema_bytes() */
    fr_dataset dataset;
};

/* Until all that ranks of the node have written is seen by all of them. Collective on node. */
FR_CHECKED fr_status fr_shared_data_meet(const fr_shared_data *data);

/* slabs.c: let many ranks read the cells of the source's first file, and bring them to every
 * node. *bytes: how many of the block, from its beginning, are there now; 0 when the file is
 * not read so. Collective. */
FR_CHECKED fr_status fr_shared_data_read_slabs(const fr_shared_data *data,
                                               const fr_source *source,
                                               const fr_data_options *options,
                                               const fr_schema *schema, size_t *bytes);

#endif
