/* SPDX-License-Identifier: BSD-3-Clause */
/* service.c - all ranks compute root's kernel matrices, when its search asks for that.
 *
 * Root tells the others, and their main threads serve until the search has what it wants. Their
 * compute threads go on training meanwhile; what they finish is filed afterwards. A stop is
 * heeded between two operations on a matrix. */
#include <stdlib.h>

#include "foldrank/clock.h"
#include "foldrank/distributed.h"
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

static void destroy(void *context)
{
    session *s = context;
    s->inner.destroy(s->inner.context);
    fr_log(FR_LOG_DEBUG, "schedule kernel rows=%zu factors=%u ranks=%d wall_s=%.3f", s->rows,
           s->factors, s->run->size, fr_clock_now() - s->begun);
    free(s);
}

static fr_status call_all(fr_run_state *run, fr_gram_solver *out)
{
    if (run->size == 1) return fr_gram_solver_local(out);
    for (int rank = 1; rank < run->size; rank++) {
        fr_pack nothing = {0};
        FR_TRY(fr_mail_send(&run->mail, rank, FR_TAG_SERVE, &nothing));
    }
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
                            .destroy = destroy};
    return FR_OK;
}

fr_status fr_service_join(const fr_run_state *run)
{
    return fr_dist_serve(run->comm, fr_search_kernels, fr_search_kernel_count);
}
