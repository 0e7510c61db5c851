/* SPDX-License-Identifier: BSD-3-Clause */
/* service.c - all ranks compute kernel matrices: of root's search, and of fits that are too
 * large for a rank.
 *
 * Root tells the others, and their main threads serve until the search, or the fit of one rank,
 * has what it wants. There is one such computation at a time, as root has ordered them, so that
 * no two ranks wait for each other. Compute threads go on training meanwhile; what they finish
 * is filed afterwards. A stop is heeded between two operations on a matrix: the longest takes
 * n^3 / 3 operations to factor n rows, twice as many to invert, 25 times to decompose. */
#include <stdlib.h>

#include "foldrank/clock.h"
#include "foldrank/distributed.h"
#include "foldrank/kernel_ridge.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "internal.h"

/* A solver that looks up between operations. */
typedef struct {
    const fr_run_state *run;
    fr_gram_solver inner;
    double begun;
    size_t rows;
    unsigned factors;
} session;

static fr_status factor(void *context, const fr_gram *gram, double *logdet)
{
    session *s = context;
    FR_TRY(fr_run_check_stop(s->run));
    s->rows = gram->n;
    s->factors++;
    return s->inner.factor(s->inner.context, gram, logdet);
}

static fr_status solve(void *context, const fr_matrix *b)
{
    session *s = context;
    FR_TRY(fr_run_check_stop(s->run));
    return s->inner.solve(s->inner.context, b);
}

static fr_status inverse_diagonal(void *context, double *out)
{
    session *s = context;
    FR_TRY(fr_run_check_stop(s->run));
    return s->inner.inverse_diagonal(s->inner.context, out);
}

static fr_status gradient(void *context, const double *alpha, double *out)
{
    session *s = context;
    FR_TRY(fr_run_check_stop(s->run));
    return s->inner.gradient(s->inner.context, alpha, out);
}

static fr_status decompose(void *context, const fr_gram *gram, double *values)
{
    session *s = context;
    FR_TRY(fr_run_check_stop(s->run));
    return s->inner.decompose(s->inner.context, gram, values);
}

static fr_status eigenvectors(void *context, size_t first, const fr_matrix *out)
{
    session *s = context;
    FR_TRY(fr_run_check_stop(s->run));
    return s->inner.eigenvectors(s->inner.context, first, out);
}

static void destroy(void *context)
{
    session *s = context;
    s->inner.destroy(s->inner.context);
    fr_log(FR_LOG_DEBUG, "schedule kernel rows=%zu factors=%u ranks=%d wall_s=%.3f", s->rows,
           s->factors, s->run->size, fr_clock_now() - s->begun);
    free(s);
}

/* Whose computation it is. */
typedef enum { OF_SEARCH, OF_FIT } service_kind;

static fr_status tell_all(fr_run_state *run, service_kind kind, int leader)
{
    for (int rank = 1; rank < run->size; rank++) {
        fr_pack pack = {0};
        fr_pack_u8(&pack, (uint8_t)kind);
        fr_pack_u32(&pack, (uint32_t)leader);
        FR_TRY(fr_mail_send(&run->mail, rank, FR_TAG_SERVE, &pack));
    }
    return FR_OK;
}

static fr_status call_all(fr_run_state *run, fr_gram_solver *out)
{
    if (run->size == 1) return fr_gram_solver_local(out);
    FR_TRY(tell_all(run, OF_SEARCH, 0));
    return fr_dist_solver_create(run->comm, fr_search_kernels, fr_search_kernel_count, out);
}

fr_status fr_service_open(void *context, fr_gram_solver *out)
{
    fr_run_state *run = context;
    /* Nothing is filed until the end: what is there now has to be safe. */
    FR_TRY(fr_journal_sync(run->journal, fr_clock_now(), true));
    session *s = fr_alloc(1, sizeof *s);
    if (s == NULL) return FR_ERR_MEMORY;
    *s = (session){.run = run, .begun = fr_clock_now()};
    const fr_status st = call_all(run, &s->inner);
    if (st != FR_OK) {
        free(s);
        return st;
    }
    if (!run->served && run->size > 1)
        fr_log(FR_LOG_INFO,
               "schedule kernel ranks=%d: the model is all ranks' work from here on; what is "
               "tried depends, to rounding, on their number",
               run->size);
    run->served = true;
    *out = (fr_gram_solver){.context = s,
                            .factor = factor,
                            .solve = solve,
                            .inverse_diagonal = inverse_diagonal,
                            .gradient = gradient,
                            .decompose = decompose,
                            .eigenvectors = eigenvectors,
                            .destroy = destroy};
    return FR_OK;
}

/* ---- the fit of a rank ---- */

static const fr_kernel *const fit_kernels[] = {&fr_kernel_ridge, &fr_kernel_product};
enum { N_FIT_KERNELS = sizeof fit_kernels / sizeof *fit_kernels };

/* The leader, rank 0 of `comm`. */
static fr_status lead(fr_run_state *run, MPI_Comm comm)
{
    const double begun = fr_clock_now();
    fr_gram_solver solver;
    FR_TRY(fr_dist_solver_create(comm, fit_kernels, N_FIT_KERNELS, &solver));
    const fr_status st = fr_desk_serve(run->desk, run, &solver);
    solver.destroy(solver.context);
    fr_log_all(FR_LOG_DEBUG, "schedule kernel fit_of_rank=%d ranks=%d wall_s=%.3f", run->rank,
               run->size, fr_clock_now() - begun);
    return st;
}

/* The leader is rank 0 of a communicator of its own; the grid, and so every number, is the same
 * whoever leads. Collective. */
static fr_status serve_fit(fr_run_state *run, int leader)
{
    MPI_Comm comm = MPI_COMM_NULL;
    const int place = (run->rank - leader + run->size) % run->size;
    FR_MPI(MPI_Comm_split(run->comm, 0, place, &comm));
    FR_MPI(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN));
    const fr_status st =
        place == 0 ? lead(run, comm) : fr_dist_serve(comm, fit_kernels, N_FIT_KERNELS);
    if (st != FR_ERR_MPI) MPI_Comm_free(&comm);
    return st;
}

/* The rank whose turn it is among those that wait; -1: none does. */
static int take_call(fr_run_state *run)
{
    for (int k = 0; k < run->size; k++) {
        const int rank = (run->next_call + k) % run->size;
        if (!run->calls[rank]) continue;
        run->calls[rank] = false;
        run->next_call = rank + 1;
        return rank;
    }
    return -1;
}

fr_status fr_service_answer(fr_run_state *run, bool *answered)
{
    if (fr_desk_calls(run->desk)) run->calls[0] = true;
    const int leader = take_call(run);
    if (leader < 0) return FR_OK;
    *answered = true;
    /* Nothing is filed until the end: what is there now has to be safe. */
    FR_TRY(fr_journal_sync(run->journal, fr_clock_now(), true));
    if (!run->answered && run->size > 1)
        fr_log(FR_LOG_INFO,
               "schedule kernel ranks=%d: kernel matrices and principal components beyond "
               "distribute_from are all ranks' work; what comes of them depends, to rounding, "
               "on their number",
               run->size);
    run->answered = true;
    FR_TRY(tell_all(run, OF_FIT, leader));
    return serve_fit(run, leader);
}

fr_status fr_service_join(fr_run_state *run, fr_unpack *in)
{
    const uint8_t kind = fr_unpack_u8(in);
    const uint32_t leader = fr_unpack_u32(in);
    if (kind == OF_FIT) return serve_fit(run, (int)leader);
    return fr_dist_serve(run->comm, fr_search_kernels, fr_search_kernel_count);
}
