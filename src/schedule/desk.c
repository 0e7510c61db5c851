/* SPDX-License-Identifier: BSD-3-Clause */
/* desk.c - where the compute thread of a rank orders kernel matrices of all ranks.
 *
 * The compute thread calls no MPI: it asks here for the ranks, then hands every operation on
 * the matrix over the desk to the main thread, and waits for the answer. The main thread calls
 * the ranks together (service.c) and stands behind the desk until the solver is given back. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

typedef enum {
    FREE,   /* nobody wants anything */
    WANTED, /* the compute thread waits for the ranks ... */
    CALLED, /* ... and root knows */
    SERVED  /* the ranks are there */
} desk_stage;

/* An operation, in the thread that may call MPI. */
typedef fr_status operation(const fr_gram_solver *solver, const void *arguments);

struct fr_desk {
    fr_gram_source source;
    pthread_mutex_t mutex; /* guards all that follows */
    pthread_cond_t changed;
    desk_stage stage;
    bool closed;
    operation *run; /* ordered and not answered */
    const void *arguments;
    fr_status status; /* the answer */
    char message[1024];
};

/* ---- the compute thread ---- */

static fr_status order(fr_desk *d, operation *run, const void *arguments)
{
    pthread_mutex_lock(&d->mutex);
    d->run = run;
    d->arguments = arguments;
    pthread_cond_broadcast(&d->changed);
    while (d->run != NULL) pthread_cond_wait(&d->changed, &d->mutex);
    const fr_status st = d->status == FR_OK ? FR_OK : fr_status_set(d->status, d->message);
    pthread_mutex_unlock(&d->mutex);
    return st;
}

typedef struct {
    const fr_gram *gram;
    double *logdet;
} factor_arguments;

static fr_status run_factor(const fr_gram_solver *s, const void *arguments)
{
    const factor_arguments *a = arguments;
    return s->factor(s->context, a->gram, a->logdet);
}

static fr_status factor(void *context, const fr_gram *gram, double *logdet)
{
    const factor_arguments a = {gram, logdet};
    return order(context, run_factor, &a);
}

static fr_status run_solve(const fr_gram_solver *s, const void *arguments)
{
    return s->solve(s->context, arguments);
}

static fr_status solve(void *context, const fr_matrix *b)
{
    return order(context, run_solve, b);
}

static fr_status run_diagonal(const fr_gram_solver *s, const void *arguments)
{
    double *const *diagonal = arguments;
    return s->inverse_diagonal(s->context, *diagonal);
}

static fr_status inverse_diagonal(void *context, double *diagonal)
{
    return order(context, run_diagonal, &diagonal);
}

typedef struct {
    const double *alpha;
    double *gradient;
} gradient_arguments;

static fr_status run_gradient(const fr_gram_solver *s, const void *arguments)
{
    const gradient_arguments *a = arguments;
    return s->gradient(s->context, a->alpha, a->gradient);
}

static fr_status gradient(void *context, const double *alpha, double *out)
{
    const gradient_arguments a = {alpha, out};
    return order(context, run_gradient, &a);
}

typedef struct {
    const fr_gram *gram;
    double *values;
} decompose_arguments;

static fr_status run_decompose(const fr_gram_solver *s, const void *arguments)
{
    const decompose_arguments *a = arguments;
    return s->decompose(s->context, a->gram, a->values);
}

static fr_status decompose(void *context, const fr_gram *gram, double *values)
{
    const decompose_arguments a = {gram, values};
    return order(context, run_decompose, &a);
}

typedef struct {
    size_t first;
    const fr_matrix *out;
} vectors_arguments;

static fr_status run_vectors(const fr_gram_solver *s, const void *arguments)
{
    const vectors_arguments *a = arguments;
    return s->eigenvectors(s->context, a->first, a->out);
}

static fr_status eigenvectors(void *context, size_t first, const fr_matrix *out)
{
    const vectors_arguments a = {first, out};
    return order(context, run_vectors, &a);
}

static void leave(void *context)
{
    fr_desk *d = context;
    pthread_mutex_lock(&d->mutex);
    d->stage = FREE;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
}

static fr_status arrive(void *context, fr_gram_solver *out)
{
    fr_desk *d = context;
    pthread_mutex_lock(&d->mutex);
    d->stage = WANTED;
    while (d->stage != SERVED && !d->closed) pthread_cond_wait(&d->changed, &d->mutex);
    const bool served = d->stage == SERVED;
    if (!served) d->stage = FREE;
    pthread_mutex_unlock(&d->mutex);
    if (!served) return FR_FAIL(FR_STOPPED, "stopped while a fit waited for all ranks");
    *out = (fr_gram_solver){.context = d,
                            .factor = factor,
                            .solve = solve,
                            .inverse_diagonal = inverse_diagonal,
                            .gradient = gradient,
                            .decompose = decompose,
                            .eigenvectors = eigenvectors,
                            .destroy = leave};
    return FR_OK;
}

/* ---- the main thread ---- */

fr_status fr_desk_create(fr_desk **out)
{
    fr_desk *d = fr_alloc(1, sizeof *d);
    *out = d;
    if (d == NULL) return FR_ERR_MEMORY;
    d->source = (fr_gram_source){.context = d, .open = arrive};
    pthread_mutex_init(&d->mutex, NULL);
    pthread_cond_init(&d->changed, NULL);
    return FR_OK;
}

void fr_desk_destroy(fr_desk **desk)
{
    fr_desk *d = *desk;
    if (d == NULL) return;
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->mutex);
    free(d);
    *desk = NULL;
}

const fr_gram_source *fr_desk_source(const fr_desk *d)
{
    return d == NULL ? NULL : &d->source;
}

bool fr_desk_calls(fr_desk *d)
{
    pthread_mutex_lock(&d->mutex);
    const bool calls = d->stage == WANTED && !d->closed;
    if (calls) d->stage = CALLED;
    pthread_mutex_unlock(&d->mutex);
    return calls;
}

void fr_desk_close(fr_desk *d)
{
    if (d == NULL) return;
    pthread_mutex_lock(&d->mutex);
    d->closed = true;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->mutex);
}

/* Without the mutex: nobody but the compute thread wants it, and that waits. */
static void answer(fr_desk *d, const fr_run_state *run, const fr_gram_solver *solver)
{
    pthread_mutex_unlock(&d->mutex);
    fr_status st = fr_run_check_stop(run);
    if (st == FR_OK) st = d->run(solver, d->arguments);
    pthread_mutex_lock(&d->mutex);
    d->status = st;
    if (st != FR_OK) snprintf(d->message, sizeof d->message, "%s", fr_status_message());
    d->run = NULL;
    pthread_cond_broadcast(&d->changed);
}

fr_status fr_desk_serve(fr_desk *d, const fr_run_state *run, const fr_gram_solver *solver)
{
    fr_status connection = FR_OK;
    pthread_mutex_lock(&d->mutex);
    if (d->stage == CALLED && !d->closed) d->stage = SERVED;
    pthread_cond_broadcast(&d->changed);
    while (d->stage == SERVED) {
        if (d->run == NULL)
            pthread_cond_wait(&d->changed, &d->mutex);
        else
            answer(d, run, solver);
        if (d->status == FR_ERR_MPI) connection = FR_ERR_MPI;
    }
    d->status = FR_OK;
    if (connection != FR_OK) connection = fr_status_set(FR_ERR_MPI, d->message);
    pthread_mutex_unlock(&d->mutex);
    return connection;
}
