/* SPDX-License-Identifier: BSD-3-Clause */
/* dist_matrix.h - a matrix over a grid of ranks, between the files that compute with it. */
#ifndef FR_LINALG_DIST_MATRIX_H
#define FR_LINALG_DIST_MATRIX_H

#include "internal.h"

typedef enum {
    FR_DIST_EMPTY,
    FR_DIST_FILLED,
    FR_DIST_FACTORED,
    FR_DIST_INVERTED,
    FR_DIST_DECOMPOSED /* `part` holds the eigenvectors, one a column */
} fr_dist_state;

struct fr_dist_matrix {
    MPI_Comm comm;
    size_t n;
    fr_dist_state state;
    double logdet;
    int handle;  /* of comm, in BLACS; valid while comm is */
    int context; /* the grid in BLACS; -1 on a rank outside */
    int grid_rows, grid_cols, my_row, my_col;
    size_t rows, cols; /* of this rank's part, as ScaLAPACK sees it */
    size_t ld;         /* of the part: rows, but at least 1 */
    fr_precision precision;
    void *part; /* column-major (rows, cols) */
    int descriptor[9];
};

/* Where local row or column i of coordinate `mine` among `ranks` stands in the matrix. */
static inline size_t fr_dist_index(size_t i, int mine, int ranks)
{
    return (i / FR_DIST_BLOCK * (size_t)ranks + (size_t)mine) * FR_DIST_BLOCK +
           i % FR_DIST_BLOCK;
}

/* So many copies of the shares of the ranks of each node against what the node has. Few bytes
 * are not worth the question. Errors: FR_ERR_MEMORY, FR_ERR_MPI. Collective. */
FR_CHECKED fr_status fr_dist_check_nodes(const fr_dist_matrix *matrix, double copies);

#endif
