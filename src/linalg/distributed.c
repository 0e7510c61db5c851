/* SPDX-License-Identifier: BSD-3-Clause */
/* distributed.c - a symmetric matrix over a grid of ranks, and ScaLAPACK on it.
 *
 * ScaLAPACK reads each rank's part column-major, that is as the transpose of what our row-major
 * tiles say. The matrix is symmetric, so nothing is turned: our lower triangle is ScaLAPACK's
 * upper one, the rows of our tiles are dealt over the columns of the grid and the other way
 * round.
 *
 * ScaLAPACK and BLACS have no error return for a lack of memory or a broken connection: they
 * end the MPI job. What can be checked is checked before they are called. */
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "dist_matrix.h"
#include "foldrank/collective.h"
#include "foldrank/distributed.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"

/* Right-hand sides that travel together: bounds the copy, and is wide enough for level 3. */
enum { PANEL = 256 };

/* What blacs_set sets (SGET_TOPSREPEAT): partial sums are added in a fixed order, and not in
 * that of arrival. */
static const int TOPS_REPEAT = 15;

static const int ONE = 1, ZERO = 0, BLOCK = FR_DIST_BLOCK;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t cell_size(const fr_dist_matrix *m)
{
    return m->precision == FR_PRECISION_SINGLE ? sizeof(float) : sizeof(double);
}

/* Number i of an array of the matrix's precision. */
static double cell_get(const fr_dist_matrix *m, const void *cells, size_t i)
{
    if (m->precision == FR_PRECISION_SINGLE) return (double)((const float *)cells)[i];
    return ((const double *)cells)[i];
}

static void cell_put(const fr_dist_matrix *m, void *cells, size_t i, double value)
{
    if (m->precision == FR_PRECISION_SINGLE)
        ((float *)cells)[i] = (float)value;
    else
        ((double *)cells)[i] = value;
}

/* As square as the ranks allow, and no larger than the number of blocks. Tall rather than wide:
 * to factor the upper triangle, ScaLAPACK works on a row of blocks at a time, and ranks above
 * each other share it. Measured, 3000 rows in blocks of 64 and of 128, seconds to factor and to
 * invert:
 *
 *   2 ranks, 2 x 1   0.64 + 1.27   0.44 + 1.05      1 x 2   1.49 + 1.47   1.01 + 1.25
 *   3 ranks, 3 x 1   0.33 + 1.09   0.39 + 0.99      1 x 3   1.07 + 1.62   0.73 + 1.14 */
static void grid_choose(fr_dist_matrix *m, int ranks)
{
    const size_t blocks = m->n == 0 ? 1 : (m->n - 1) / FR_DIST_BLOCK + 1;
    int side = 1;
    while ((side + 1) * (side + 1) <= ranks) side++;
    m->grid_cols = (int)least((size_t)side, blocks);
    m->grid_rows = (int)least((size_t)(ranks / m->grid_cols), blocks);
}

/* The same answer on every rank: it looks at the largest part. */
static fr_status check_reach(const fr_dist_matrix *m)
{
    const double blocks = ceil((double)m->n / FR_DIST_BLOCK);
    const double rows = ceil(blocks / m->grid_rows) * FR_DIST_BLOCK;
    const double cols = ceil(blocks / m->grid_cols) * FR_DIST_BLOCK;
    if (m->n > INT_MAX)
        return FR_FAIL(FR_ERR_ARG, "a matrix of %zu rows; ScaLAPACK counts to %d", m->n,
                       INT_MAX);
    if (rows * cols > INT_MAX) {
        const double side = ceil(blocks / floor(sqrt(INT_MAX) / FR_DIST_BLOCK));
        return FR_FAIL(FR_ERR_ARG,
                       "a matrix of %zu rows gives %.0f elements to one of %d ranks, where "
                       "ScaLAPACK counts to %d; use at least %.0f ranks",
                       m->n, rows * cols, m->grid_rows * m->grid_cols, INT_MAX, side * side);
    }
    return FR_OK;
}

/* The duplicate of the communicator and the grid on it. Collective. */
static fr_status grid_open(fr_dist_matrix *m, MPI_Comm comm)
{
    int ranks = 0, rows = 0, cols = 0, info = 0;
    FR_MPI(MPI_Comm_size(comm, &ranks));
    grid_choose(m, ranks);
    FR_TRY(check_reach(m));
    FR_MPI(MPI_Comm_dup(comm, &m->comm));
    FR_MPI(MPI_Comm_set_errhandler(m->comm, MPI_ERRORS_RETURN));

    const int fortran = (int)MPI_Comm_c2f(m->comm);
    m->handle = sys2blacs_handle_(&fortran);
    m->context = m->handle;
    blacs_gridinit_(&m->context, "R", &m->grid_rows, &m->grid_cols);
    if (m->context < 0) return FR_OK;
    blacs_set_(&m->context, &TOPS_REPEAT, &ONE);

    const int n = (int)m->n;
    blacs_gridinfo_(&m->context, &rows, &cols, &m->my_row, &m->my_col);
    m->rows = (size_t)numroc_(&n, &BLOCK, &m->my_row, &ZERO, &m->grid_rows);
    m->cols = (size_t)numroc_(&n, &BLOCK, &m->my_col, &ZERO, &m->grid_cols);
    m->ld = m->rows > 0 ? m->rows : 1;
    const int ld = (int)m->ld;
    descinit_(m->descriptor, &n, &n, &BLOCK, &BLOCK, &ZERO, &ZERO, &m->context, &ld, &info);
    assert(info == 0);
    return FR_OK;
}

fr_status fr_dist_check_nodes(const fr_dist_matrix *m, double copies)
{
    static const double SMALL = 1e9; /* [bytes] */
    const double cell = copies * (double)cell_size(m);
    const double whole = (double)m->n * (double)m->n * cell;
    const double own = (double)m->rows * (double)m->cols * cell, limit = fr_memory_limit();
    char all[FR_NUMBER_SIZE], here[FR_NUMBER_SIZE], there[FR_NUMBER_SIZE];
    MPI_Comm node = MPI_COMM_NULL;
    double shares = 0;
    int ranks = 0;
    if (whole <= SMALL) return FR_OK;
    FR_MPI(MPI_Comm_split_type(m->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
    FR_MPI(MPI_Comm_size(node, &ranks));
    FR_MPI(MPI_Allreduce(&own, &shares, 1, MPI_DOUBLE, MPI_SUM, node));
    FR_MPI(MPI_Comm_free(&node));
    if (shares <= limit) return FR_OK;
    return FR_FAIL(FR_ERR_MEMORY,
                   "a matrix of %zu rows%s takes %s, %s of it on a node with %d ranks that has "
                   "%s: spread the ranks over more nodes, or take fewer rows%s",
                   m->n, copies > 1 ? " and its eigenvectors" : "", fr_format_bytes(whole, all),
                   fr_format_bytes(shares, here), ranks, fr_format_bytes(limit, there),
                   m->precision == FR_PRECISION_DOUBLE && copies == 1 ? ", or single precision"
                                                                      : "");
}

fr_status fr_dist_matrix_create(MPI_Comm comm, size_t n, fr_precision precision,
                                fr_dist_matrix **out)
{
    fr_dist_matrix *m = fr_alloc(1, sizeof *m);
    *out = NULL;
    fr_status st = fr_agree(comm, m == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st != FR_OK) {
        free(m);
        return st;
    }
    *m = (fr_dist_matrix){
        .comm = MPI_COMM_NULL, .n = n, .precision = precision, .logdet = NAN, .context = -1};
    st = fr_agree(comm, grid_open(m, comm));
    if (st == FR_OK) st = fr_agree(comm, fr_dist_check_nodes(m, 1));
    if (st == FR_OK) {
        m->part = fr_alloc(m->cols, m->rows * cell_size(m));
        st = fr_agree(comm, m->part == NULL ? FR_ERR_MEMORY : FR_OK);
    }
    if (st == FR_OK)
        *out = m;
    else
        fr_dist_matrix_destroy(&m);
    return st;
}

void fr_dist_matrix_destroy(fr_dist_matrix **matrix)
{
    if (matrix == NULL || *matrix == NULL) return;
    fr_dist_matrix *m = *matrix;
    if (m->context >= 0) blacs_gridexit_(&m->context);
    if (m->comm != MPI_COMM_NULL) {
        free_blacs_system_handle_(&m->handle);
        MPI_Comm_free(&m->comm);
    }
    free(m->part);
    free(m);
    *matrix = NULL;
}

size_t fr_dist_matrix_size(const fr_dist_matrix *m)
{
    return m->n;
}

fr_precision fr_dist_matrix_precision(const fr_dist_matrix *m)
{
    return m->precision;
}

void fr_dist_matrix_grid(const fr_dist_matrix *m, int *rows, int *cols)
{
    *rows = m->grid_rows;
    *cols = m->grid_cols;
}

/* The tile at number `at` of the part as doubles: itself, or a copy in `wide`. */
static fr_matrix tile_open(const fr_dist_matrix *m, size_t at, fr_matrix tile, double *wide)
{
    if (m->precision == FR_PRECISION_DOUBLE) {
        tile.data = (double *)m->part + at;
        tile.ld = m->ld;
        return tile;
    }
    tile.data = wide;
    tile.ld = FR_DIST_BLOCK;
    for (size_t i = 0; i < tile.rows; i++)
        for (size_t j = 0; j < tile.cols; j++)
            wide[i * tile.ld + j] = cell_get(m, m->part, at + i * m->ld + j);
    return tile;
}

static void tile_close(const fr_dist_matrix *m, size_t at, const fr_matrix *tile)
{
    if (m->precision == FR_PRECISION_DOUBLE) return;
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols; j++)
            cell_put(m, m->part, at + i * m->ld + j, tile->data[i * tile->ld + j]);
}

static fr_status each_tile(fr_dist_matrix *m, fr_dist_visit *visit, void *context, double *sums)
{
    double wide[FR_DIST_BLOCK * FR_DIST_BLOCK]; /* 128 KiB */
    for (size_t j = 0; j < m->cols; j += FR_DIST_BLOCK) {
        const size_t row = fr_dist_index(j, m->my_col, m->grid_cols);
        for (size_t i = 0; i < m->rows; i += FR_DIST_BLOCK) {
            const size_t col = fr_dist_index(i, m->my_row, m->grid_rows), at = j * m->ld + i;
            if (col > row) break;
            const fr_matrix shape = {.rows = least(FR_DIST_BLOCK, m->cols - j),
                                     .cols = least(FR_DIST_BLOCK, m->rows - i)};
            const fr_matrix tile = tile_open(m, at, shape, wide);
            FR_TRY(visit(context, row, col, &tile, sums));
            tile_close(m, at, &tile);
        }
    }
    return FR_OK;
}

typedef struct {
    fr_dist_fill *fill;
    void *context;
} fill_call;

static fr_status fill_visit(void *context, size_t row, size_t col, const fr_matrix *tile,
                            double *sums)
{
    const fill_call *call = context;
    (void)sums;
    return call->fill(call->context, row, col, tile);
}

fr_status fr_dist_matrix_fill(fr_dist_matrix *m, fr_dist_fill *fill, void *context)
{
    fill_call call = {fill, context};
    m->state = FR_DIST_EMPTY;
    m->logdet = NAN;
    FR_TRY(fr_agree(m->comm, each_tile(m, fill_visit, &call, NULL)));
    m->state = FR_DIST_FILLED;
    return FR_OK;
}

fr_status fr_dist_matrix_sum(fr_dist_matrix *m, fr_dist_visit *visit, void *context,
                             double *sums, size_t k)
{
    for (size_t p = 0; p < k; p++) sums[p] = 0;
    FR_TRY(fr_agree(m->comm, each_tile(m, visit, context, sums)));
    return fr_sum_on_all(m->comm, sums, k);
}

static fr_status diagonal_visit(void *context, size_t row, size_t col, const fr_matrix *tile,
                                double *sums)
{
    (void)context;
    if (row == col)
        for (size_t i = 0; i < tile->rows; i++) sums[row + i] = tile->data[i * tile->ld + i];
    return FR_OK;
}

fr_status fr_dist_matrix_diagonal(fr_dist_matrix *m, double *diagonal)
{
    return fr_dist_matrix_sum(m, diagonal_visit, NULL, diagonal, m->n);
}

static fr_status require(const fr_dist_matrix *m, fr_dist_state state)
{
    if (m->state == state) return FR_OK;
    return FR_FAIL(FR_ERR_STATE, "the distributed matrix (%zu rows) has not been %s", m->n,
                   state == FR_DIST_FILLED ? "filled" : "factored");
}

/* A NaN passes ScaLAPACK's test for a positive pivot; it always ends on the diagonal. */
static fr_status logdet_of(fr_dist_matrix *m, const double *diagonal)
{
    double sum = 0;
    for (size_t i = 0; i < m->n; i++) {
        if (!isfinite(diagonal[i]))
            return FR_FAIL(FR_ERR_NUMERIC, "the matrix (%zu x %zu) is not finite: pivot %zu",
                           m->n, m->n, i);
        sum += log(diagonal[i]);
    }
    m->logdet = 2 * sum;
    return FR_OK;
}

fr_status fr_dist_cholesky_factor(fr_dist_matrix *m)
{
    FR_TRY(require(m, FR_DIST_FILLED));
    const int n = (int)m->n;
    int info = 0;
    fr_status st = FR_OK;
    double *diagonal = fr_alloc(m->n, sizeof *diagonal);

    st = fr_agree(m->comm, diagonal == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st != FR_OK) goto out;
    m->state = FR_DIST_EMPTY;
    if (m->context >= 0 && m->precision == FR_PRECISION_SINGLE)
        pspotrf_("U", &n, m->part, &ONE, &ONE, m->descriptor, &info);
    else if (m->context >= 0)
        pdpotrf_("U", &n, m->part, &ONE, &ONE, m->descriptor, &info);
    if (info != 0)
        st = FR_FAIL(FR_ERR_NUMERIC, "the matrix (%d x %d) is not positive definite: pivot %d",
                     n, n, info - 1);
    if ((st = fr_agree(m->comm, st)) != FR_OK) goto out;
    if ((st = fr_dist_matrix_diagonal(m, diagonal)) != FR_OK) goto out;
    if ((st = logdet_of(m, diagonal)) == FR_OK) m->state = FR_DIST_FACTORED;
out:
    free(diagonal);
    return st;
}

double fr_dist_cholesky_logdet(const fr_dist_matrix *m)
{
    return m->logdet;
}

fr_status fr_dist_cholesky_invert(fr_dist_matrix *m)
{
    FR_TRY(require(m, FR_DIST_FACTORED));
    const int n = (int)m->n;
    int info = 0;
    fr_status st = FR_OK;

    m->state = FR_DIST_EMPTY;
    if (m->context >= 0 && m->precision == FR_PRECISION_SINGLE)
        pspotri_("U", &n, m->part, &ONE, &ONE, m->descriptor, &info);
    else if (m->context >= 0)
        pdpotri_("U", &n, m->part, &ONE, &ONE, m->descriptor, &info);
    if (info != 0)
        st = FR_FAIL(FR_ERR_NUMERIC, "the factor (%d x %d) has a zero pivot: %d", n, n,
                     info - 1);
    FR_TRY(fr_agree(m->comm, st));
    m->state = FR_DIST_INVERTED;
    return FR_OK;
}

/* A^-1 = L^-T L^-1: its diagonal has the squares of the columns of L^-1. */
static fr_status square_visit(void *context, size_t row, size_t col, const fr_matrix *tile,
                              double *sums)
{
    (void)context;
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols && col + j <= row + i; j++)
            sums[col + j] += tile->data[i * tile->ld + j] * tile->data[i * tile->ld + j];
    return FR_OK;
}

fr_status fr_dist_cholesky_inverse_diagonal(fr_dist_matrix *m, double *diagonal)
{
    FR_TRY(require(m, FR_DIST_FACTORED));
    const int n = (int)m->n;
    int info = 0;
    fr_status st = FR_OK;

    m->state = FR_DIST_EMPTY;
    if (m->context >= 0 && m->precision == FR_PRECISION_SINGLE)
        pstrtri_("U", "N", &n, m->part, &ONE, &ONE, m->descriptor, &info);
    else if (m->context >= 0)
        pdtrtri_("U", "N", &n, m->part, &ONE, &ONE, m->descriptor, &info);
    if (info != 0)
        st = FR_FAIL(FR_ERR_NUMERIC, "the factor (%d x %d) has a zero pivot: %d", n, n,
                     info - 1);
    FR_TRY(fr_agree(m->comm, st));
    return fr_dist_matrix_sum(m, square_visit, NULL, diagonal, m->n);
}

/* Some columns of right-hand sides, and this rank's part of them. */
typedef struct {
    size_t r;          /* columns, at most PANEL */
    size_t block;      /* columns per column of the grid */
    size_t first, own; /* this rank's columns */
    void *part;        /* column-major (rows, own), in the matrix's precision */
    double *all;       /* (n, r) */
} panel;

static void panel_place(const fr_dist_matrix *m, size_t r, panel *p)
{
    const size_t coordinate = (size_t)m->my_col;
    p->r = r;
    p->block = (r - 1) / (size_t)m->grid_cols + 1;
    p->first = least(coordinate * p->block, r);
    p->own = least(p->block, r - p->first);
}

static void panel_solve(const fr_dist_matrix *m, const panel *p, const fr_matrix *b)
{
    const int n = (int)m->n, r = (int)p->r, block = (int)p->block, ld = (int)m->ld;
    int descriptor[9], info = 0;

    for (size_t c = 0; c < p->own; c++)
        for (size_t i = 0; i < m->rows; i++)
            cell_put(m, p->part, c * m->ld + i,
                     b->data[fr_dist_index(i, m->my_row, m->grid_rows) * b->ld + p->first + c]);
    descinit_(descriptor, &n, &r, &BLOCK, &block, &ZERO, &ZERO, &m->context, &ld, &info);
    assert(info == 0);
    if (m->precision == FR_PRECISION_SINGLE)
        pspotrs_("U", &n, &r, m->part, &ONE, &ONE, m->descriptor, p->part, &ONE, &ONE,
                 descriptor, &info);
    else
        pdpotrs_("U", &n, &r, m->part, &ONE, &ONE, m->descriptor, p->part, &ONE, &ONE,
                 descriptor, &info);
    assert(info == 0);
    for (size_t c = 0; c < p->own; c++)
        for (size_t i = 0; i < m->rows; i++)
            p->all[fr_dist_index(i, m->my_row, m->grid_rows) * p->r + p->first + c] =
                cell_get(m, p->part, c * m->ld + i);
}

static fr_status panel_run(fr_dist_matrix *m, panel *p, const fr_matrix *b)
{
    panel_place(m, b->cols, p);
    for (size_t i = 0; i < m->n * p->r; i++) p->all[i] = 0;
    if (m->context >= 0) panel_solve(m, p, b);
    /* Each element stands on one rank and is zero on the others. */
    FR_TRY(fr_sum_on_all(m->comm, p->all, m->n * p->r));
    for (size_t i = 0; i < m->n; i++)
        for (size_t c = 0; c < p->r; c++) b->data[i * b->ld + c] = p->all[i * p->r + c];
    return FR_OK;
}

fr_status fr_dist_cholesky_solve(fr_dist_matrix *m, const fr_matrix *b)
{
    fr_status st = require(m, FR_DIST_FACTORED);
    panel p = {0};

    if (st == FR_OK && (b->rows != m->n || b->ld < b->cols))
        st = FR_FAIL(FR_ERR_ARG,
                     "the right-hand side is %zu x %zu with leading dimension %zu, the matrix "
                     "has %zu rows",
                     b->rows, b->cols, b->ld, m->n);
    if (st == FR_OK) {
        const size_t width = least(b->cols, PANEL);
        p.part = fr_alloc(width, m->ld * cell_size(m));
        p.all = fr_alloc(width, m->n * sizeof *p.all);
        if (p.part == NULL || p.all == NULL) st = FR_ERR_MEMORY;
    }
    st = fr_agree(m->comm, st);
    for (size_t c = 0; st == FR_OK && m->n > 0 && c < b->cols; c += PANEL) {
        const fr_matrix some = {.data = b->data + c,
                                .rows = b->rows,
                                .cols = least(b->cols - c, PANEL),
                                .ld = b->ld};
        st = panel_run(m, &p, &some);
    }
    free(p.part);
    free(p.all);
    return st;
}
