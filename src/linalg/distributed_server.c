/* SPDX-License-Identifier: BSD-3-Clause */
/* distributed_server.c - a kernel solver on rank 0 whose work all ranks share.
 *
 * Every operation is one order, broadcast by rank 0, and then one function that all ranks run
 * alike: it allocates, agrees, receives what only rank 0 has, and calls the collective algebra
 * of distributed.c. Its status is agreed, so rank 0 hands it to its caller and the others wait
 * for the next order. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/clock.h"
#include "foldrank/collective.h"
#include "foldrank/distributed.h"
#include "foldrank/memory.h"
#include "internal.h"

_Static_assert((int)FR_DIST_BLOCK <= (int)FR_GRAM_TILE, "a block is a tile that kernels allow");

enum { PANEL = 256 }; /* columns per message, as many as fr_dist_cholesky_solve takes at once */

typedef enum {
    ORDER_STOP,
    ORDER_FACTOR,
    ORDER_SOLVE,
    ORDER_DIAGONAL,
    ORDER_GRADIENT,
    ORDER_DECOMPOSE,
    ORDER_VECTORS
} order_kind;

typedef struct {
    uint64_t kind;
    uint64_t kernel, n, d, n_theta, precision; /* factor, decompose */
    uint64_t r;                                /* solve: columns; vectors: how many ... */
    uint64_t first;                            /* ... from which on */
} order;
enum { ORDER_WORDS = sizeof(order) / sizeof(uint64_t) };

/* One rank's side of the service. */
typedef struct {
    MPI_Comm comm;
    int rank;
    const fr_kernel *const *kernels; /* (n_kernels), borrowed */
    size_t n_kernels;
    fr_gram gram;           /* rank 0: as its caller gave it; elsewhere: over `inputs` */
    double *inputs;         /* x (n, d), then theta; NULL on rank 0 */
    fr_dist_matrix *matrix; /* kept from one factor to the next of equal size */
} crew;

static fr_status crew_open(crew *c, MPI_Comm comm)
{
    FR_MPI(MPI_Comm_dup(comm, &c->comm));
    FR_MPI(MPI_Comm_set_errhandler(c->comm, MPI_ERRORS_RETURN));
    FR_MPI(MPI_Comm_rank(c->comm, &c->rank));
    return FR_OK;
}

static fr_status crew_create(MPI_Comm comm, const fr_kernel *const *kernels, size_t n_kernels,
                             crew **out)
{
    crew *c = fr_alloc(1, sizeof *c);
    *out = NULL;
    fr_status st = fr_agree(comm, c == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st != FR_OK) goto out;
    *c = (crew){.comm = MPI_COMM_NULL, .kernels = kernels, .n_kernels = n_kernels};
    st = crew_open(c, comm);
    if (c->comm == MPI_COMM_NULL) goto out;
    st = fr_agree(c->comm, st);
out:
    if (st == FR_OK) {
        *out = c;
    } else if (c != NULL) {
        if (c->comm != MPI_COMM_NULL) MPI_Comm_free(&c->comm);
        free(c);
    }
    return st;
}

static void crew_destroy(crew *c)
{
    fr_dist_matrix_destroy(&c->matrix);
    MPI_Comm_free(&c->comm);
    free(c->inputs);
    free(c);
}

/* Elsewhere than on rank 0: memory for the inputs of one kernel matrix. */
static fr_status inputs_reserve(crew *c, const order *o)
{
    free(c->inputs);
    c->inputs = fr_alloc(o->n * o->d + o->n_theta, sizeof *c->inputs);
    if (c->inputs == NULL) return FR_ERR_MEMORY;
    c->gram = (fr_gram){.kernel = c->kernels[o->kernel],
                        .x = c->inputs,
                        .theta = c->inputs + o->n * o->d,
                        .n = o->n,
                        .d = o->d,
                        .n_theta = o->n_theta,
                        .precision = (fr_precision)o->precision};
    return FR_OK;
}

static fr_status fill_tile(void *context, size_t row, size_t col, const fr_matrix *tile)
{
    const fr_gram *gram = context;
    gram->kernel->fill(gram, row, col, tile);
    return FR_OK;
}

static fr_status fill_matrix(crew *c, const order *o)
{
    const fr_precision precision = (fr_precision)o->precision;
    if (c->matrix != NULL && (fr_dist_matrix_size(c->matrix) != o->n ||
                              fr_dist_matrix_precision(c->matrix) != precision))
        fr_dist_matrix_destroy(&c->matrix);
    if (c->matrix == NULL) FR_TRY(fr_dist_matrix_create(c->comm, o->n, precision, &c->matrix));
    FR_TRY(fr_agree(c->comm, c->rank == 0 ? FR_OK : inputs_reserve(c, o)));
    /* Rank 0's are the caller's arrays; to send from them does not write. */
    FR_TRY(fr_broadcast_bytes(c->comm, 0, (double *)(uintptr_t)c->gram.x,
                              o->n * o->d * sizeof(double)));
    FR_TRY(fr_broadcast_bytes(c->comm, 0, (double *)(uintptr_t)c->gram.theta,
                              o->n_theta * sizeof(double)));
    return fr_dist_matrix_fill(c->matrix, fill_tile, &c->gram);
}

/* After a failure there is no matrix, so that none is mistaken for the factor asked for. */
static fr_status run_factor(crew *c, const order *o)
{
    fr_status st = fill_matrix(c, o);
    if (st == FR_OK) st = fr_dist_cholesky_factor(c->matrix);
    if (st != FR_OK) fr_dist_matrix_destroy(&c->matrix);
    return st;
}

/* values (n) is rank 0's; NULL elsewhere. */
static fr_status run_decompose(crew *c, const order *o, double *values)
{
    double *all = fr_alloc(o->n, sizeof *all);
    fr_status st = fr_agree(c->comm, all == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st == FR_OK) st = fill_matrix(c, o);
    if (st == FR_OK) st = fr_dist_symmetric_eigen(c->matrix, all);
    if (st == FR_OK && values != NULL) memcpy(values, all, o->n * sizeof *all);
    if (st != FR_OK) fr_dist_matrix_destroy(&c->matrix);
    free(all);
    return st;
}

/* out (r, n) is rank 0's; NULL elsewhere. */
static fr_status run_vectors(crew *c, const order *o, const fr_matrix *out)
{
    const size_t n = c->gram.n;
    double *block = fr_alloc(out == NULL ? o->r : 0, n * sizeof *block);
    fr_status st = fr_agree(c->comm, block == NULL ? FR_ERR_MEMORY : FR_OK);
    const fr_matrix own = {.data = block, .rows = o->r, .cols = n, .ld = n};
    if (st == FR_OK) st = fr_dist_eigenvectors(c->matrix, o->first, out == NULL ? &own : out);
    free(block);
    return st;
}

/* b (n, r) is rank 0's; NULL elsewhere. */
static fr_status run_solve(crew *c, const order *o, const fr_matrix *b)
{
    const size_t n = c->gram.n, r = o->r;
    const bool refined = c->gram.precision == FR_PRECISION_SINGLE;
    double *block = fr_alloc(refined ? 3 * r : r, n * sizeof *block);
    fr_status st = fr_agree(c->comm, block == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st != FR_OK) goto out;
    const fr_matrix all = {.data = block, .rows = n, .cols = r, .ld = r};

    for (size_t i = 0; b != NULL && i < n; i++)
        memcpy(block + i * r, b->data + i * b->ld, r * sizeof *block);
    if ((st = fr_broadcast_bytes(c->comm, 0, block, n * r * sizeof *block)) != FR_OK) goto out;
    st = refined ? fr_dist_solve_refined(c->matrix, &c->gram, &all, block + n * r)
                 : fr_dist_cholesky_solve(c->matrix, &all);
    if (st != FR_OK) goto out;
    for (size_t i = 0; b != NULL && i < n; i++)
        memcpy(b->data + i * b->ld, block + i * r, r * sizeof *block);
out:
    free(block);
    return st;
}

/* diagonal (n) is rank 0's; NULL elsewhere. */
static fr_status run_diagonal(crew *c, double *diagonal)
{
    double *all = fr_alloc(c->gram.n, sizeof *all);
    fr_status st = fr_agree(c->comm, all == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st == FR_OK) st = fr_dist_cholesky_inverse_diagonal(c->matrix, all);
    if (st == FR_OK && diagonal != NULL) memcpy(diagonal, all, c->gram.n * sizeof *all);
    free(all);
    return st;
}

typedef struct {
    const fr_gram *gram;
    const double *alpha;
} derivation;

static fr_status derive_tile(void *context, size_t row, size_t col, const fr_matrix *tile,
                             double *sums)
{
    const derivation *d = context;
    fr_gram_weigh(d->alpha, row, col, tile);
    d->gram->kernel->derive(d->gram, row, col, tile, sums);
    return FR_OK;
}

/* alpha (n) and gradient (n_theta) are rank 0's; NULL elsewhere. */
static fr_status run_gradient(crew *c, const double *alpha, double *gradient)
{
    const size_t n = c->gram.n, n_theta = c->gram.n_theta;
    double *block = fr_alloc(n + n_theta, sizeof *block); /* alpha, then the gradient */
    fr_status st = fr_agree(c->comm, block == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st != FR_OK) goto out;
    derivation d = {.gram = &c->gram, .alpha = block};

    if (alpha != NULL) memcpy(block, alpha, n * sizeof *block);
    if ((st = fr_broadcast_bytes(c->comm, 0, block, n * sizeof *block)) != FR_OK) goto out;
    if ((st = fr_dist_cholesky_invert(c->matrix)) != FR_OK) goto out;
    st = fr_dist_matrix_sum(c->matrix, derive_tile, &d, block + n, n_theta);
    if (st == FR_OK && gradient != NULL)
        memcpy(gradient, block + n, n_theta * sizeof *gradient);
out:
    free(block);
    return st;
}

/* Rank 0. Not MPI_Bcast: the others receive by MPI_Ibcast, and the two do not match. */
static fr_status order_send(crew *c, order *o)
{
    MPI_Request request;
    FR_MPI(MPI_Ibcast(o, ORDER_WORDS, MPI_UINT64_T, 0, c->comm, &request));
    FR_MPI(MPI_Wait(&request, MPI_STATUS_IGNORE));
    return FR_OK;
}

/* The others. Orders of one fit follow each other closely, so the core is held for a
 * millisecond, and then given to whoever can use it. */
static fr_status order_receive(crew *c, order *o)
{
    static const double AWAKE_S = 1e-3, FIRST_NAP_S = 5e-5, LONGEST_NAP_S = 1e-3;
    MPI_Request request;
    int there = 0;
    double nap = FIRST_NAP_S;
    const double start = fr_clock_now();

    FR_MPI(MPI_Ibcast(o, ORDER_WORDS, MPI_UINT64_T, 0, c->comm, &request));
    for (;;) {
        FR_MPI(MPI_Test(&request, &there, MPI_STATUS_IGNORE));
        if (there) return FR_OK;
        if (fr_clock_now() - start < AWAKE_S) continue;
        fr_clock_sleep(nap);
        nap = 2 * nap < LONGEST_NAP_S ? 2 * nap : LONGEST_NAP_S;
    }
}

/* Order something of a matrix that is to be filled first. */
static fr_status order_matrix(crew *c, order_kind kind, const fr_gram *gram, order *out)
{
    order o = {.kind = kind,
               .n = gram->n,
               .d = gram->d,
               .n_theta = gram->n_theta,
               .precision = gram->precision};
    while (o.kernel < c->n_kernels && c->kernels[o.kernel] != gram->kernel) o.kernel++;
    if (o.kernel == c->n_kernels)
        return FR_FAIL(FR_ERR_ARG,
                       "the kernel is none of the %zu that the other ranks know; give it to "
                       "fr_dist_solver_create and fr_dist_serve",
                       c->n_kernels);
    c->gram = *gram;
    *out = o;
    return order_send(c, &o);
}

static fr_status solver_factor(void *context, const fr_gram *gram, double *logdet)
{
    crew *c = context;
    order o;
    FR_TRY(order_matrix(c, ORDER_FACTOR, gram, &o));
    FR_TRY(run_factor(c, &o));
    *logdet = fr_dist_cholesky_logdet(c->matrix);
    return FR_OK;
}

static fr_status solver_decompose(void *context, const fr_gram *gram, double *values)
{
    crew *c = context;
    order o;
    FR_TRY(order_matrix(c, ORDER_DECOMPOSE, gram, &o));
    return run_decompose(c, &o, values);
}

static fr_status solver_eigenvectors(void *context, size_t first, const fr_matrix *out)
{
    crew *c = context;
    if (c->matrix == NULL) return FR_FAIL(FR_ERR_STATE, "no kernel matrix has been decomposed");
    FR_TRY(fr_eigen_check(c->gram.n, first, out));
    for (size_t row = 0; row < out->rows; row += PANEL) {
        fr_matrix some = *out;
        some.data += row * out->ld;
        some.rows = out->rows - row < PANEL ? out->rows - row : PANEL;
        order o = {.kind = ORDER_VECTORS, .r = some.rows, .first = first + row};
        FR_TRY(order_send(c, &o));
        FR_TRY(run_vectors(c, &o, &some));
    }
    return FR_OK;
}

static fr_status solver_solve(void *context, const fr_matrix *b)
{
    crew *c = context;
    if (c->matrix == NULL) return FR_FAIL(FR_ERR_STATE, "no kernel matrix has been factored");
    if (b->rows != c->gram.n || b->ld < b->cols)
        return FR_FAIL(FR_ERR_ARG,
                       "the right-hand side is %zu x %zu with leading dimension %zu, the "
                       "kernel matrix has %zu rows",
                       b->rows, b->cols, b->ld, c->gram.n);
    for (size_t col = 0; col < b->cols; col += PANEL) {
        fr_matrix some = *b;
        some.data += col;
        some.cols = b->cols - col < PANEL ? b->cols - col : PANEL;
        order o = {.kind = ORDER_SOLVE, .r = some.cols};
        FR_TRY(order_send(c, &o));
        FR_TRY(run_solve(c, &o, &some));
    }
    return FR_OK;
}

static fr_status solver_diagonal(void *context, double *diagonal)
{
    crew *c = context;
    order o = {.kind = ORDER_DIAGONAL};
    if (c->matrix == NULL) return FR_FAIL(FR_ERR_STATE, "no kernel matrix has been factored");
    FR_TRY(order_send(c, &o));
    return run_diagonal(c, diagonal);
}

static fr_status solver_gradient(void *context, const double *alpha, double *gradient)
{
    crew *c = context;
    order o = {.kind = ORDER_GRADIENT};
    if (c->matrix == NULL) return FR_FAIL(FR_ERR_STATE, "no kernel matrix has been factored");
    FR_TRY(order_send(c, &o));
    return run_gradient(c, alpha, gradient);
}

static void solver_destroy(void *context)
{
    crew *c = context;
    order o = {.kind = ORDER_STOP};
    if (c == NULL) return;
    /* A connection that cannot carry this order has ended the others' service as well. */
    if (order_send(c, &o) == FR_OK) crew_destroy(c);
}

fr_status fr_dist_solver_create(MPI_Comm comm, const fr_kernel *const *kernels,
                                size_t n_kernels, fr_gram_solver *out)
{
    crew *c = NULL;
    FR_TRY(crew_create(comm, kernels, n_kernels, &c));
    assert(c->rank == 0);
    *out = (fr_gram_solver){.context = c,
                            .factor = solver_factor,
                            .solve = solver_solve,
                            .inverse_diagonal = solver_diagonal,
                            .gradient = solver_gradient,
                            .decompose = solver_decompose,
                            .eigenvectors = solver_eigenvectors,
                            .destroy = solver_destroy};
    return FR_OK;
}

fr_status fr_dist_serve(MPI_Comm comm, const fr_kernel *const *kernels, size_t n_kernels)
{
    crew *c = NULL;
    fr_status st = FR_OK;
    order o = {.kind = ORDER_STOP};

    FR_TRY(crew_create(comm, kernels, n_kernels, &c));
    assert(c->rank != 0);
    do {
        if ((st = order_receive(c, &o)) != FR_OK) break;
        if (o.kind == ORDER_FACTOR) st = run_factor(c, &o);
        if (o.kind == ORDER_SOLVE) st = run_solve(c, &o, NULL);
        if (o.kind == ORDER_DIAGONAL) st = run_diagonal(c, NULL);
        if (o.kind == ORDER_GRADIENT) st = run_gradient(c, NULL, NULL);
        if (o.kind == ORDER_DECOMPOSE) st = run_decompose(c, &o, NULL);
        if (o.kind == ORDER_VECTORS) st = run_vectors(c, &o, NULL);
    } while (o.kind != ORDER_STOP && st != FR_ERR_MPI);
    crew_destroy(c);
    return st == FR_ERR_MPI ? st : FR_OK;
}
