/* SPDX-License-Identifier: BSD-3-Clause */
/* share_study.c - one study on all ranks: files are read once, by root. */
#include <stdlib.h>

#include "foldrank/pack.h"
#include "foldrank/schedule.h"

/* Root's text, every default filled in, must mean the same here as there. */
static fr_status parse_text(const fr_pack *pack, int rank, fr_study **study)
{
    fr_unpack in = fr_unpack_make(pack->data, pack->size);
    const uint64_t fingerprint = fr_unpack_u64(&in);
    char *text = fr_unpack_string(&in), *path = fr_unpack_string(&in);
    fr_status st = in.failed ? FR_ERR_MEMORY : fr_study_parse(text, path, NULL, 0, study);
    if (st == FR_OK && (*study)->fingerprint != fingerprint)
        st = FR_FAIL(FR_ERR_STATE,
                     "rank %d reads the study differently from rank 0: are all ranks the same "
                     "program?",
                     rank);
    free(text);
    free(path);
    return st;
}

fr_status fr_study_share(MPI_Comm comm, fr_status mine, fr_study **study)
{
    fr_pack pack = {0};
    int rank = 0;
    FR_MPI(MPI_Comm_rank(comm, &rank));
    FR_TRY(fr_agree(comm, mine));
    if (rank == 0) {
        fr_pack_u64(&pack, (*study)->fingerprint);
        fr_pack_string(&pack, (*study)->text);
        fr_pack_string(&pack, (*study)->path);
    }
    fr_status st = fr_broadcast_pack(comm, &pack);
    if (st == FR_OK) st = fr_agree(comm, rank == 0 ? FR_OK : parse_text(&pack, rank, study));
    fr_pack_clear(&pack);
    return st;
}
