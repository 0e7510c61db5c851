/* SPDX-License-Identifier: BSD-3-Clause */
/* worker.c - the thread that trains. It knows no MPI: work comes in batches, results wait in a
 * list until the main thread fetches them. The main thread sleeps on the same lock and is woken
 * when there is a message's worth of results, not for every fold: both threads share one core.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "foldrank/clock.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "internal.h"

/* Work that is worth a message [s]. */
static const double message_seconds = 0.05;

/* Of a refit, of an explanation, of an errand. */
typedef enum { STAGE_NONE, STAGE_QUEUED, STAGE_DONE } extra_stage;

struct fr_worker {
    fr_worker_options options;
    pthread_t thread;
    bool started;
    atomic_bool stop; /* what a fit looks at between epochs */

    pthread_mutex_t mutex;   /* guards all that follows */
    pthread_cond_t has_work; /* for the thread */
    pthread_cond_t has_news; /* for the main thread */
    fr_parcel *first, *last; /* first is being worked on */
    size_t at;               /* next task of first */
    size_t queued;           /* tasks not begun */
    bool quit;
    fr_results_list results;
    double gathered_s; /* work in results */
    extra_stage refit_stage;
    fr_trial refit_trial; /* copy; its arrays are the history's */
    uint64_t refit_id;
    uint32_t refit_fold;
    fr_refit refit;
    extra_stage explain_stage;
    fr_errand *errand; /* queued or done */
    extra_stage errand_stage;
    fr_explain_order order; /* queued */
    fr_fold_explanation explanation;
    fr_status failure;
    bool failure_told; /* collect has returned it */
    char failure_message[1024];
    fr_rank_record record;
};

/* Results are worth a message when they were much work, or when less is left to do than was
 * done since the last one: short tasks among long ones would empty the reserve unseen. */
static bool has_news(const fr_worker *w)
{
    return (w->failure != FR_OK && !w->failure_told) || w->refit_stage == STAGE_DONE ||
           w->explain_stage == STAGE_DONE || w->errand_stage == STAGE_DONE ||
           (w->results.n > 0 &&
            (w->gathered_s >= message_seconds || w->queued <= w->results.n));
}

/* Both with the mutex held. */
static void fail(fr_worker *w, fr_status status)
{
    if (w->failure != FR_OK) return;
    w->failure = status;
    snprintf(w->failure_message, sizeof w->failure_message, "%s", fr_status_message());
    w->quit = true;
}

static void file_result(fr_worker *w, fr_fold_result *result)
{
    const double seconds = result->end_s - result->start_s;
    w->record.busy_s += seconds;
    w->record.flops += result->flops;
    w->record.fits += result->state != FR_TRIAL_INTERRUPTED;
    w->gathered_s += seconds;
    fr_status st = fr_results_list_add(&w->results, result);
    if (st != FR_OK) fail(w, st);
}

/* Take the next task off the queue, its point into `point`. Its rungs are the caller's. */
static fr_task next_task(fr_worker *w, double *point)
{
    fr_parcel *parcel = w->first;
    const size_t i = w->at++;
    for (size_t j = 0; j < w->options.n_params; j++)
        point[j] = parcel->points[i * w->options.n_params + j];
    const fr_task task = {.trial = parcel->tasks[i].trial,
                          .fold = parcel->tasks[i].fold,
                          .search = parcel->tasks[i].search,
                          .point = point,
                          .rungs = parcel->rungs[i],
                          .n_rungs = parcel->n_rungs[i]};
    parcel->rungs[i] = NULL;
    w->queued--;
    if (w->at == parcel->n) {
        w->first = parcel->next;
        if (w->first == NULL) w->last = NULL;
        w->at = 0;
        fr_parcel_destroy(&parcel);
    }
    return task;
}

/* Whether the next task would be stopped in its middle, and lost. With the mutex held. */
static bool is_too_late(const fr_worker *w)
{
    const double fits = (double)w->record.fits;
    return w->options.keeper == NULL && fits > 0 &&
           fr_clock_now() + w->record.busy_s / fits > w->options.deadline;
}

static void return_task(fr_worker *w, const fr_task *task)
{
    const double now = fr_clock_now() + w->options.clock_offset_s;
    fr_fold_result result = {.trial = task->trial,
                             .fold = task->fold,
                             .search = task->search,
                             .rank = w->options.rank,
                             .state = FR_TRIAL_INTERRUPTED,
                             .start_s = now,
                             .end_s = now};
    file_result(w, &result);
}

static void do_task(fr_worker *w, fr_task *task)
{
    fr_fold_result result = {0};
    const bool news = has_news(w);
    pthread_mutex_unlock(&w->mutex);
    task->keeper = fr_keeper_begin(w->options.keeper, task);
    /* Without the mutex, which the main thread would only wait for on this very core. */
    if (news) pthread_cond_signal(&w->has_news);
    const double start = fr_clock_now();
    task->group = fr_group_hooks(w->options.group);
    task->solvers = fr_desk_source(w->options.desk);
    fr_status st = w->options.group == NULL
                       ? FR_OK
                       : fr_order_task(w->options.group, task, w->options.n_params);
    if (st == FR_OK)
        st = fr_objective_evaluate(fr_worker_objective(&w->options, task), task, &w->stop,
                                   &result);
    result.search = task->search;
    result.trial = task->trial;
    result.fold = task->fold;
    result.rank = w->options.rank;
    result.start_s = start + w->options.clock_offset_s;
    result.end_s = fr_clock_now() + w->options.clock_offset_s;
    pthread_mutex_lock(&w->mutex);
    if (st == FR_OK) {
        file_result(w, &result);
    } else {
        fr_fold_result_clear(&result);
        fail(w, st);
    }
}

static void do_refit(fr_worker *w)
{
    fr_refit refit = {0};
    pthread_mutex_unlock(&w->mutex);
    const double start = fr_clock_now();
    fr_task task = {.trial = w->refit_id,
                    .fold = w->refit_fold,
                    .point = w->refit_trial.point,
                    .group = fr_group_hooks(w->options.group),
                    .solvers = fr_desk_source(w->options.desk)};
    task.keeper = fr_keeper_begin(w->options.keeper, &task);
    fr_status st = FR_OK;
    if (w->options.group != NULL)
        st = fr_order_refit(w->options.group, &task, &w->refit_trial, w->options.n_params);
    if (st == FR_OK)
        st = fr_objective_refit(w->options.objective, &task, &w->refit_trial, &w->stop, &refit);
    const double seconds = fr_clock_now() - start;
    pthread_mutex_lock(&w->mutex);
    w->record.busy_s += seconds;
    w->refit_stage = st == FR_OK ? STAGE_DONE : STAGE_NONE;
    if (st == FR_OK)
        w->refit = refit;
    else
        fail(w, st);
}

/* What cannot be explained does not spoil a run that has all else. The rank does it alone also
 * in a group: the bits are the same. */
static void do_explain(fr_worker *w)
{
    fr_explain_order order = w->order;
    fr_fold_explanation found = {0};
    w->order.point = NULL;
    pthread_mutex_unlock(&w->mutex);
    const double start = fr_clock_now();
    fr_task task = {.trial = order.trial,
                    .fold = order.fold,
                    .point = order.point,
                    .solvers = fr_desk_source(w->options.desk)};
    const fr_task file = {.trial = order.trial, .fold = order.file_fold, .point = order.point};
    if (order.part.part == 0) /* the others train the same fold */
        task.keeper = fr_keeper_begin(w->options.keeper, &file);
    const fr_status st =
        fr_objective_explain(w->options.objective, &task, &order.part, &w->stop, &found);
    if (st != FR_OK && st != FR_STOPPED)
        fr_log_all(FR_LOG_WARN, "schedule explain=no fold=%u: %s", (unsigned)order.fold,
                   fr_status_message());
    free(order.point);
    const double seconds = fr_clock_now() - start;
    pthread_mutex_lock(&w->mutex);
    w->record.busy_s += seconds;
    w->explanation = found;
    w->explain_stage = st == FR_STOPPED ? STAGE_NONE : STAGE_DONE;
}

static void do_errand(fr_worker *w)
{
    fr_errand *errand = w->errand;
    w->errand = NULL;
    pthread_mutex_unlock(&w->mutex);
    const double start = fr_clock_now();
    const fr_status st = errand->run(errand, &w->options, &w->stop);
    const double seconds = fr_clock_now() - start;
    if (st != FR_OK) {
        errand->destroy(errand);
        errand = NULL;
    }
    pthread_mutex_lock(&w->mutex);
    w->record.busy_s += seconds;
    w->errand = errand;
    w->errand_stage = errand == NULL ? STAGE_NONE : STAGE_DONE;
}

static void wait_for_work(fr_worker *w)
{
    if (has_news(w)) pthread_cond_signal(&w->has_news);
    pthread_cond_wait(&w->has_work, &w->mutex);
}

/* Do as the leader does; what comes of it is the leader's to tell. */
static fr_status follow_order(fr_worker *w, const fr_order *order)
{
    fr_fold_result result = {0};
    fr_refit refit = {0};
    const double start = fr_clock_now();
    if (order->kind == FR_ORDER_TASK)
        FR_TRY(fr_objective_evaluate(fr_worker_objective(&w->options, &order->task),
                                     &order->task, &w->stop, &result));
    else if (fr_objective_refit(w->options.objective, &order->task, &order->trial, &w->stop,
                                &refit) != FR_OK)
        fr_log_all(FR_LOG_DEBUG, "schedule refit=%s", fr_status_message());
    pthread_mutex_lock(&w->mutex);
    w->record.busy_s += fr_clock_now() - start;
    pthread_mutex_unlock(&w->mutex);
    fr_fold_result_clear(&result);
    fr_refit_clear(&refit);
    return FR_OK;
}

/* The thread of a rank whose group another one leads. It ends when the leader says so. */
static void *follow(void *argument)
{
    fr_worker *w = argument;
    for (bool ends = false; !ends;) {
        fr_order order;
        fr_status st = fr_order_take(w->options.group, w->options.n_params, &order);
        ends = st == FR_OK && order.kind == FR_ORDER_QUIT;
        order.task.solvers = fr_desk_source(w->options.desk);
        if (st == FR_OK && !ends) st = follow_order(w, &order);
        fr_order_clear(&order);
        if (st == FR_OK) continue;
        pthread_mutex_lock(&w->mutex);
        fail(w, st);
        pthread_cond_signal(&w->has_news);
        pthread_mutex_unlock(&w->mutex);
    }
    return NULL;
}

static void *compute(void *argument)
{
    fr_worker *w = argument;
    double *point = fr_alloc(w->options.n_params, sizeof *point);
    pthread_mutex_lock(&w->mutex);
    if (point == NULL) fail(w, FR_ERR_MEMORY);
    while (!atomic_load(&w->stop) && w->failure == FR_OK) {
        /* The refit comes when all that counts is done: folds still queued are cancelled. */
        if (w->refit_stage == STAGE_QUEUED)
            do_refit(w);
        else if (w->explain_stage == STAGE_QUEUED)
            do_explain(w);
        else if (w->errand_stage == STAGE_QUEUED)
            do_errand(w);
        else if (w->first != NULL) {
            fr_task task = next_task(w, point);
            if (is_too_late(w))
                return_task(w, &task);
            else
                do_task(w, &task);
            free((void *)task.rungs);
        } else if (w->quit)
            break;
        else
            wait_for_work(w);
    }
    pthread_cond_signal(&w->has_news);
    pthread_mutex_unlock(&w->mutex);
    if (w->options.group != NULL) fr_order_quit(w->options.group);
    free(point);
    return NULL;
}

static fr_status start(fr_worker *w)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->has_work, NULL);
    pthread_cond_init(&w->has_news, &attributes);
    pthread_condattr_destroy(&attributes);
    const fr_fit_group *group = fr_group_hooks(w->options.group);
    const bool follows = group != NULL && group->index > 0;
    w->started = pthread_create(&w->thread, NULL, follows ? follow : compute, w) == 0;
    return w->started ? FR_OK : FR_FAIL(FR_ERR_MEMORY, "cannot start a thread to train in");
}

fr_status fr_worker_create(const fr_worker_options *options, fr_worker **out)
{
    *out = NULL;
    fr_worker *w = fr_alloc(1, sizeof *w);
    if (w == NULL) return FR_ERR_MEMORY;
    w->options = *options;
    atomic_init(&w->stop, false);
    fr_status st = start(w);
    if (st != FR_OK)
        fr_worker_destroy(&w);
    else
        *out = w;
    return st;
}

void fr_worker_push(fr_worker *w, fr_parcel *parcel)
{
    if (parcel->n == 0) {
        fr_parcel_destroy(&parcel);
        return;
    }
    pthread_mutex_lock(&w->mutex);
    parcel->next = NULL;
    if (w->last != NULL)
        w->last->next = parcel;
    else
        w->first = parcel;
    w->last = parcel;
    w->queued += parcel->n;
    pthread_cond_signal(&w->has_work);
    pthread_mutex_unlock(&w->mutex);
}

void fr_worker_push_refit(fr_worker *w, const fr_trial *trial, uint64_t trial_id,
                          uint32_t n_folds)
{
    pthread_mutex_lock(&w->mutex);
    w->refit_trial = *trial;
    w->refit_id = trial_id;
    w->refit_fold = n_folds;
    w->refit_stage = STAGE_QUEUED;
    pthread_cond_signal(&w->has_work);
    pthread_mutex_unlock(&w->mutex);
}

bool fr_worker_refit_result(fr_worker *w, fr_refit *out)
{
    pthread_mutex_lock(&w->mutex);
    const bool there = w->refit_stage == STAGE_DONE && w->failure == FR_OK;
    if (there) {
        *out = w->refit;
        w->refit = (fr_refit){0};
        w->refit_stage = STAGE_NONE;
    }
    pthread_mutex_unlock(&w->mutex);
    return there;
}

void fr_worker_push_explain(fr_worker *w, const fr_explain_order *order)
{
    pthread_mutex_lock(&w->mutex);
    w->order = *order;
    w->explain_stage = STAGE_QUEUED;
    pthread_cond_signal(&w->has_work);
    pthread_mutex_unlock(&w->mutex);
}

bool fr_worker_explanation(fr_worker *w, fr_fold_explanation *out)
{
    pthread_mutex_lock(&w->mutex);
    const bool there = w->explain_stage == STAGE_DONE;
    if (there) {
        *out = w->explanation;
        w->explanation = (fr_fold_explanation){0};
        w->explain_stage = STAGE_NONE;
    }
    pthread_mutex_unlock(&w->mutex);
    return there;
}

void fr_worker_push_errand(fr_worker *w, fr_errand *errand)
{
    pthread_mutex_lock(&w->mutex);
    w->errand = errand;
    w->errand_stage = STAGE_QUEUED;
    pthread_cond_signal(&w->has_work);
    pthread_mutex_unlock(&w->mutex);
}

fr_errand *fr_worker_errand(fr_worker *w)
{
    fr_errand *done = NULL;
    pthread_mutex_lock(&w->mutex);
    if (w->errand_stage == STAGE_DONE) {
        done = w->errand;
        w->errand = NULL;
        w->errand_stage = STAGE_NONE;
    }
    pthread_mutex_unlock(&w->mutex);
    return done;
}

fr_status fr_worker_collect(fr_worker *w, bool all, fr_results_list *out)
{
    pthread_mutex_lock(&w->mutex);
    if (all || has_news(w)) {
        *out = w->results;
        w->results = (fr_results_list){0};
        w->gathered_s = 0.0;
    }
    w->failure_told = w->failure != FR_OK;
    const fr_status st =
        w->failure == FR_OK ? FR_OK : fr_status_set(w->failure, w->failure_message);
    pthread_mutex_unlock(&w->mutex);
    return st;
}

void fr_worker_wait(fr_worker *w, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(seconds * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&w->mutex);
    if (!has_news(w)) pthread_cond_timedwait(&w->has_news, &w->mutex, &until);
    pthread_mutex_unlock(&w->mutex);
}

void fr_worker_stop(fr_worker *w, bool at_once)
{
    if (!w->started) return;
    if (at_once) {
        atomic_store(&w->stop, true);
        fr_desk_close(w->options.desk);
    }
    pthread_mutex_lock(&w->mutex);
    w->quit = true;
    pthread_cond_signal(&w->has_work);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    w->started = false;
}

void fr_worker_get_record(const fr_worker *w, fr_rank_record *out)
{
    *out = w->record;
    if (gethostname(out->host, sizeof out->host - 1) != 0) out->host[0] = '\0';
}

void fr_worker_destroy(fr_worker **worker)
{
    fr_worker *w = *worker;
    if (w == NULL) return;
    fr_worker_stop(w, true);
    while (w->first != NULL) {
        fr_parcel *parcel = w->first;
        w->first = parcel->next;
        fr_parcel_destroy(&parcel);
    }
    fr_results_list_clear(&w->results);
    fr_refit_clear(&w->refit);
    fr_fold_explanation_clear(&w->explanation);
    free(w->order.point);
    if (w->errand != NULL) w->errand->destroy(w->errand);
    pthread_cond_destroy(&w->has_news);
    pthread_cond_destroy(&w->has_work);
    pthread_mutex_destroy(&w->mutex);
    free(w);
    *worker = NULL;
}
