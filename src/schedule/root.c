/* SPDX-License-Identifier: BSD-3-Clause */
/* root.c - the main thread of root: hands out, files and journals, and ends the run for all.
 *
 * Stages: TRAINING until the coordinator is done, REFITTING while root's compute thread trains
 * the chosen model, ENDING from the STOP message to the last DONE. An error or a stop goes to
 * ENDING from anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/clock.h"
#include "foldrank/log.h"
#include "internal.h"

static const double least_sleep_s = 0.0001;
static const double most_sleep_s = 0.002;

/* Writing a snapshot may take at most this share of root's time. */
static const double snapshot_share = 0.02;

typedef enum { TRAINING, REFITTING, ENDING } stage;

typedef struct {
    fr_run_state *run;
    stage stage;
    int n_left;  /* ranks that have not sent DONE */
    bool hungry; /* something was filed since work was last handed out */
    bool busy;   /* something happened in this turn */
    bool cannot_file;
    fr_status status;
    char message[4096];
    fr_assignment tasks[FR_TASKS_MAX];
    fr_progress progress;
    double next_snapshot;
} root;

/* ---- the end ---- */

static fr_status send_stop(root *r)
{
    for (int rank = 1; rank < r->run->size; rank++) {
        fr_pack pack = {0};
        fr_pack_u32(&pack, (uint32_t)r->status);
        fr_pack_string(&pack, r->message);
        FR_TRY(fr_mail_send(&r->run->mail, rank, FR_TAG_STOP, &pack));
    }
    return FR_OK;
}

/* File what a worker brings. When that has failed once (a full disk), nothing more is filed. */
static fr_status file_results(root *r, int worker, fr_results_list *list)
{
    fr_run_state *run = r->run;
    if (r->cannot_file) return FR_OK;
    r->cannot_file = true;
    for (size_t i = 0; i < list->n; i++) {
        fr_fold_result *result = &list->items[i];
        r->progress.busy_s += result->end_s - result->start_s;
        if (result->state != FR_TRIAL_INTERRUPTED) {
            r->progress.failed += result->state != FR_TRIAL_COMPLETE;
            FR_TRY(fr_journal_fold(run->journal, result));
        }
        FR_TRY(fr_coordinator_report(run->coordinator, worker, result));
        r->hungry = true;
    }
    r->cannot_file = false;
    return FR_OK;
}

static fr_status collect_own(root *r, bool all)
{
    fr_results_list list = {0};
    fr_status failure = fr_worker_collect(r->run->worker, all, &list);
    fr_status st = file_results(r, 0, &list);
    r->busy = r->busy || list.n > 0;
    fr_results_list_clear(&list);
    return st != FR_OK ? st : failure;
}

/* Begin to end the run, for the reason that the thread's status message tells. */
static fr_status end_run(root *r, fr_status status)
{
    if (r->stage == ENDING) return FR_OK;
    r->stage = ENDING;
    r->status = status;
    snprintf(r->message, sizeof r->message, "%s", status == FR_OK ? "" : fr_status_message());
    FR_TRY(send_stop(r));
    fr_worker_stop(r->run->worker, true);
    const fr_status st = collect_own(r, true);
    if (st != FR_OK && st != FR_STOPPED && r->status == FR_STOPPED) {
        r->status = st;
        snprintf(r->message, sizeof r->message, "%s", fr_status_message());
    }
    return FR_OK;
}

/* ---- messages ---- */

static fr_status take_done(root *r, int rank, fr_unpack *in)
{
    fr_rank_record_unpack(in, &r->run->report->ranks[rank]);
    r->n_left--;
    return FR_OK;
}

static fr_status take_notice(int rank, fr_unpack *in)
{
    const fr_status status = (fr_status)fr_unpack_u32(in);
    char *sentence = fr_unpack_string(in);
    const char *words = sentence != NULL ? sentence : "no reason given";
    fr_status st = status == FR_STOPPED ? FR_FAIL(FR_STOPPED, "%s", words)
                                        : FR_FAIL(status, "rank %d: %s", rank, words);
    free(sentence);
    return st;
}

static fr_status handle(root *r, int rank, int tag, fr_unpack *in)
{
    if (tag == FR_TAG_NOTICE) return take_notice(rank, in);
    if (tag == FR_TAG_DONE) FR_TRY(take_done(r, rank, in));
    fr_results_list list = {0};
    fr_status st = fr_results_list_unpack(in, &list);
    if (st == FR_OK) st = file_results(r, rank, &list);
    fr_results_list_clear(&list);
    return st;
}

static fr_status take_messages(root *r)
{
    for (;;) {
        int rank = 0, tag = 0;
        unsigned char *bytes = NULL;
        size_t size = 0;
        fr_status st = fr_mail_take(&r->run->mail, &rank, &tag, &bytes, &size);
        if (st != FR_OK || tag == 0) {
            free(bytes);
            return st;
        }
        fr_unpack in = fr_unpack_make(bytes, size);
        st = handle(r, rank, tag, &in);
        free(bytes);
        r->busy = true;
        if (st != FR_OK) return st;
    }
}

/* ---- work ---- */

static fr_status give(root *r, int worker, size_t n)
{
    fr_run_state *run = r->run;
    const size_t n_params = run->study->space.n;
    fr_parcel *parcel = fr_parcel_create(n, n_params);
    if (parcel == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        parcel->tasks[i] = r->tasks[i];
        const double *point = run->history->trials[r->tasks[i].trial].point;
        if (n_params > 0)
            memcpy(parcel->points + i * n_params, point, n_params * sizeof *point);
    }
    if (worker == 0) {
        fr_worker_push(run->worker, parcel);
        return FR_OK;
    }
    fr_pack pack = {0};
    fr_parcel_pack(parcel, &pack);
    fr_parcel_destroy(&parcel);
    return fr_mail_send(&run->mail, worker, FR_TAG_TASKS, &pack);
}

static fr_status hand_out(root *r)
{
    r->hungry = false;
    for (int worker = 0; worker < r->run->size; worker++) {
        size_t n = 0;
        FR_TRY(fr_coordinator_assign(r->run->coordinator, worker, r->tasks, FR_TASKS_MAX, &n));
        if (n > 0) FR_TRY(give(r, worker, n));
    }
    return FR_OK;
}

static fr_status finish_training(root *r)
{
    bool refit = false;
    FR_TRY(fr_conclude_select(r->run, &refit));
    if (!refit) return end_run(r, FR_OK);
    const size_t chosen = r->run->report->selection.chosen;
    fr_worker_push_refit(r->run->worker, &r->run->history->trials[chosen], chosen);
    r->stage = REFITTING;
    return FR_OK;
}

static fr_status advance(root *r)
{
    fr_run_state *run = r->run;
    if (r->stage == REFITTING && fr_worker_refit_result(run->worker, &run->refit)) {
        run->has_model = true;
        return end_run(r, FR_OK);
    }
    if (r->stage != TRAINING) return FR_OK;
    if (r->hungry) FR_TRY(hand_out(r));
    return fr_coordinator_done(run->coordinator) ? finish_training(r) : FR_OK;
}

static fr_status check_time(const root *r, double now)
{
    const fr_run_options *options = r->run->options;
    if (r->stage == ENDING) return FR_OK;
    if (fr_signals_raised()) return FR_FAIL(FR_STOPPED, "a signal came");
    if (options->time_limit_s > 0.0 && now - options->started >= options->time_limit_s)
        return FR_FAIL(FR_STOPPED, "the time limit of %.6g s has passed",
                       options->time_limit_s);
    return FR_OK;
}

static fr_status snapshot(root *r, double now)
{
    const double every = r->run->options->snapshot_every_s;
    if (r->stage != TRAINING || every <= 0.0 || now < r->next_snapshot) return FR_OK;
    FR_TRY(fr_conclude_write(r->run));
    const double took = fr_clock_now() - now;
    r->next_snapshot = now + (took / snapshot_share > every ? took / snapshot_share : every);
    return FR_OK;
}

/* One turn: everything that can be done without waiting. */
static fr_status turn(root *r)
{
    fr_run_state *run = r->run;
    const double now = fr_clock_now();
    r->busy = false;
    FR_TRY(take_messages(r));
    if (r->stage != ENDING) FR_TRY(collect_own(r, false));
    FR_TRY(check_time(r, now));
    FR_TRY(advance(r));
    FR_TRY(fr_mail_settle(&run->mail, false));
    if (r->stage == ENDING) return FR_OK;
    FR_TRY(fr_journal_sync(run->journal, now, false));
    FR_TRY(snapshot(r, now));
    fr_progress_show(&r->progress, run->coordinator, run->history, now);
    return FR_OK;
}

static void start(root *r, fr_run_state *run)
{
    r->run = run;
    r->n_left = run->size - 1;
    r->hungry = true;
    r->next_snapshot = run->loop_started + run->options->snapshot_every_s;
    r->progress = (fr_progress){.started = run->loop_started,
                                .every_s = run->options->log_every_s,
                                .next_line = run->loop_started + run->options->log_every_s,
                                .n_ranks = run->size};
    uint64_t total = 0;
    fr_coordinator_progress(run->coordinator, &r->progress.done_before, &total);
}

static void record_own(fr_run_state *run)
{
    fr_rank_record *own = &run->report->ranks[0];
    fr_worker_get_record(run->worker, own);
    own->threads = run->place.threads;
    own->idle_s = fr_clock_now() - run->loop_started - own->busy_s;
    run->has_records = true;
}

fr_status fr_run_root(fr_run_state *run)
{
    root *r = calloc(1, sizeof *r);
    if (r == NULL) return FR_FAIL(FR_ERR_MEMORY, "out of memory for the list of tasks");
    start(r, run);
    double sleep_s = least_sleep_s;
    fr_status st = FR_OK;
    while (r->stage != ENDING || r->n_left > 0) {
        st = turn(r);
        if (st == FR_ERR_MPI) break;
        if (st != FR_OK) st = end_run(r, st);
        if (st != FR_OK) break;
        sleep_s = r->busy ? least_sleep_s : sleep_s * 2.0;
        if (sleep_s > most_sleep_s) sleep_s = most_sleep_s;
        if (r->stage != ENDING || r->n_left > 0) fr_worker_wait(run->worker, sleep_s);
    }
    fr_progress_end();
    record_own(run);
    if (st == FR_OK) st = fr_mail_settle(&run->mail, true);
    if (st == FR_OK && r->status != FR_OK) st = fr_status_set(r->status, r->message);
    free(r);
    return st;
}
