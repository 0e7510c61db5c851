/* SPDX-License-Identifier: BSD-3-Clause */
/* distributed_eigen.c - eigenvalues and eigenvectors of a matrix over a grid of ranks, by
 * ScaLAPACK's divide and conquer (Tisseur and Dongarra, "A parallel divide and conquer
 * algorithm for the symmetric eigenvalue problem on distributed memory architectures", 1999).
 *
 * The vectors stay where they are found, one a column, and are fetched some at a time: nobody
 * wants all of them, and how many are wanted follows from the values. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "dist_matrix.h"
#include "foldrank/collective.h"
#include "foldrank/memory.h"

enum {
    COPIES = 4, /* of the matrix: itself, the vectors, and twice as much to work with */
    PANEL = 256 /* vectors that travel together: bounds the copy */
};

typedef struct {
    double *vectors; /* as the matrix's part */
    double *work;
    int *integers;
    int n_work, n_integers;
} workspace;

static void decompose(const fr_dist_matrix *m, workspace *w, double *work, int *integers,
                      double *values, int *info)
{
    static const int ONE = 1;
    const int n = (int)m->n;
    pdsyevd_("V", "U", &n, m->part, &ONE, &ONE, m->descriptor, values, w->vectors, &ONE, &ONE,
             m->descriptor, work, &w->n_work, integers, &w->n_integers, info);
}

/* What pdormtr, which turns the vectors back, needs by its own page; pdsyevd of ScaLAPACK 2.2
 * forgets it when it is asked, and small matrices on few ranks have not enough. */
static double room_to_turn(const fr_dist_matrix *m)
{
    const double block = FR_DIST_BLOCK;
    return ((double)m->rows + (double)m->cols + 4 * block) * block;
}

/* Ranks outside the grid need nothing. Collective over the grid. */
static fr_status reserve(const fr_dist_matrix *m, double *values, workspace *w)
{
    double work = 0;
    int integers = 0, info = 0;
    if (m->context < 0) return FR_OK;
    w->n_work = w->n_integers = -1; /* asks, of all ranks of the grid together */
    decompose(m, w, &work, &integers, values, &info);
    work += room_to_turn(m);
    /* What it says is reckoned in integers of 32 bits: 1 + 8 n + 2 rows cols. */
    const double least = 8.0 * (double)m->n + 2.0 * (double)m->rows * (double)m->cols;
    if (info != 0 || !(fmax(work, least + room_to_turn(m)) < INT_MAX))
        return FR_FAIL(FR_ERR_ARG,
                       "the eigenvectors of a matrix of %zu rows on %d ranks are beyond what "
                       "ScaLAPACK counts to; use more ranks",
                       m->n, m->grid_rows * m->grid_cols);
    w->n_work = (int)work;
    w->n_integers = integers;
    w->vectors = fr_alloc(m->cols, m->ld * sizeof *w->vectors);
    w->work = fr_alloc((size_t)w->n_work, sizeof *w->work);
    w->integers = fr_alloc((size_t)w->n_integers, sizeof *w->integers);
    const bool allocated = w->vectors != NULL && w->work != NULL && w->integers != NULL;
    return allocated ? FR_OK : FR_ERR_MEMORY;
}

static fr_status count_faults(void *context, size_t row, size_t col, const fr_matrix *tile,
                              double *sums)
{
    (void)context;
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols && col + j <= row + i; j++)
            sums[0] += !isfinite(tile->data[i * tile->ld + j]);
    return FR_OK;
}

/* What ScaLAPACK would make of a NaN nobody has promised. Collective. */
static fr_status check_finite(fr_dist_matrix *m)
{
    double faults = 0;
    FR_TRY(fr_dist_matrix_sum(m, count_faults, NULL, &faults, 1));
    if (faults == 0) return FR_OK;
    return FR_FAIL(FR_ERR_NUMERIC, "the matrix (%zu x %zu) is not finite", m->n, m->n);
}

static fr_status check_state(const fr_dist_matrix *m)
{
    if (m->state == FR_DIST_FILLED && m->precision == FR_PRECISION_DOUBLE) return FR_OK;
    return FR_FAIL(FR_ERR_STATE,
                   "a distributed matrix (%zu rows) is decomposed once it has been filled, in "
                   "double precision",
                   m->n);
}

/* Of the grid's values those of rank 0, which is in every grid; to the bit everywhere. */
static fr_status run(fr_dist_matrix *m, workspace *w, double *values)
{
    int info = 0;
    fr_status st = FR_OK;
    m->state = FR_DIST_EMPTY;
    if (m->context >= 0) {
        decompose(m, w, w->work, w->integers, values, &info);
        free(m->part);
        m->part = w->vectors;
        w->vectors = NULL;
    }
    if (info != 0)
        st = FR_FAIL(FR_ERR_NUMERIC, "the eigenvalues of a %zu x %zu matrix were not found",
                     m->n, m->n);
    FR_TRY(fr_agree(m->comm, st));
    FR_TRY(fr_broadcast_bytes(m->comm, 0, values, m->n * sizeof *values));
    m->state = FR_DIST_DECOMPOSED;
    return FR_OK;
}

fr_status fr_dist_symmetric_eigen(fr_dist_matrix *m, double *values)
{
    workspace w = {0};
    FR_TRY(check_state(m));
    FR_TRY(fr_agree(m->comm, fr_dist_check_nodes(m, COPIES)));
    FR_TRY(check_finite(m));
    fr_status st = fr_agree(m->comm, m->n > 0 ? reserve(m, values, &w) : FR_OK);
    if (st == FR_OK && m->n > 0) st = run(m, &w, values);
    free(w.vectors);
    free(w.work);
    free(w.integers);
    return st;
}

/* This rank's elements of vectors [first, first + count) into all (count, n). */
static void take_own(const fr_dist_matrix *m, size_t first, size_t count, double *all)
{
    const double *part = m->part;
    for (size_t j = 0; m->context >= 0 && j < m->cols; j++) {
        const size_t vector = fr_dist_index(j, m->my_col, m->grid_cols);
        if (vector < first || vector - first >= count) continue;
        double *row = all + (vector - first) * m->n;
        for (size_t i = 0; i < m->rows; i++)
            row[fr_dist_index(i, m->my_row, m->grid_rows)] = part[j * m->ld + i];
    }
}

fr_status fr_dist_eigenvectors(fr_dist_matrix *m, size_t first, const fr_matrix *out)
{
    const size_t width = out->rows < PANEL ? out->rows : PANEL;
    fr_status st = FR_OK;
    if (m->state != FR_DIST_DECOMPOSED)
        st = FR_FAIL(FR_ERR_STATE, "the distributed matrix (%zu rows) has not been decomposed",
                     m->n);
    if (st == FR_OK) st = fr_eigen_check(m->n, first, out);
    FR_TRY(fr_agree(m->comm, st));
    double *all = fr_alloc(width, m->n * sizeof *all);
    st = fr_agree(m->comm, all == NULL ? FR_ERR_MEMORY : FR_OK);
    for (size_t v = 0; st == FR_OK && v < out->rows; v += PANEL) {
        const size_t count = out->rows - v < PANEL ? out->rows - v : PANEL;
        for (size_t i = 0; i < count * m->n; i++) all[i] = 0;
        take_own(m, first + v, count, all);
        /* Each element stands on one rank and is zero on the others. */
        st = fr_sum_on_all(m->comm, all, count * m->n);
        for (size_t r = 0; st == FR_OK && r < count; r++)
            for (size_t i = 0; i < m->n; i++)
                out->data[(v + r) * out->ld + i] = all[r * m->n + i];
    }
    free(all);
    return st;
}
