/* SPDX-License-Identifier: BSD-3-Clause */
/* root.c - the main thread of root: hands out, files and journals, and ends the run for all.
 *
 * Stages: TRAINING until the coordinator is done, REFITTING while root's compute thread trains
 * the chosen model and all explain it and make the ensemble, ENDING from the STOP message to
 * the last DONE. An error or a stop goes to ENDING from anywhere. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibrating.h"
#include "foldrank/clock.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "internal.h"
#include "nested.h"

static const double least_sleep_s = 0.0005;
static const double most_sleep_s = 0.004;

/* The first one comes soon, for who looks whether all is well [s]. */
static const double first_snapshot_s = 5.0;

/* Writing a snapshot may take at most this share of root's time. */
static const double snapshot_share = 0.02;

typedef enum { TRAINING, REFITTING, ENDING } stage;

struct fr_root {
    fr_run_state *run;
    stage stage;
    int n_left;     /* ranks that have not sent DONE */
    bool hungry;    /* something was filed since work was last handed out */
    bool held_back; /* the last time, somebody got nothing because too little time is left */
    bool busy;      /* something happened in this turn */
    bool cannot_file;
    fr_status status;
    char message[4096];
    fr_assignment tasks[FR_TASKS_MAX];
    fr_progress progress;
    double next_snapshot;
    bool snapshot_failed; /* and said so */
};

/* ---- the end ---- */

static fr_status send_stop(fr_root *r)
{
    for (int rank = 1; rank < r->run->size; rank++) {
        fr_pack pack = {0};
        fr_pack_u32(&pack, (uint32_t)r->status);
        fr_pack_string(&pack, r->message);
        FR_TRY(fr_mail_send(&r->run->mail, rank, FR_TAG_STOP, &pack));
    }
    return FR_OK;
}

/* For progress lines and snapshots, until DONE brings the worker's own record. */
static void count_result(fr_root *r, int worker, const fr_fold_result *result)
{
    const fr_run_state *run = r->run;
    const double seconds = result->end_s - result->start_s;
    r->progress.busy_s += seconds;
    r->progress.last_end[worker] = result->end_s - run->elapsed_s + run->loop_started;
    r->progress.failed += result->state != FR_TRIAL_COMPLETE &&
                          result->state != FR_TRIAL_PRUNED &&
                          result->state != FR_TRIAL_INTERRUPTED;
    fr_rank_record *record = &run->report->ranks[run->leader_of[worker]];
    record->busy_s += seconds;
    record->flops += result->flops;
    record->fits += result->state != FR_TRIAL_INTERRUPTED;
}

/* File what a worker brings. When that has failed once (a full disk), nothing more is filed. */
static fr_status file_results(fr_root *r, int worker, fr_results_list *list)
{
    fr_run_state *run = r->run;
    if (r->cannot_file) return FR_OK;
    r->cannot_file = true;
    for (size_t i = 0; i < list->n; i++) {
        fr_fold_result *result = &list->items[i];
        if (result->search > run->n_outer)
            return FR_FAIL(FR_ERR_MPI, "a result of search %u, which there is not",
                           (unsigned)result->search);
        count_result(r, worker, result);
        if (result->state != FR_TRIAL_INTERRUPTED) {
            FR_TRY(fr_journal_fold(run->journal, result));
            if (result->fold == FR_FOLD_OUTER) FR_TRY(fr_nested_file(run, result));
        }
        FR_TRY(fr_coordinator_report(run->coordinator, worker, result));
        r->hungry = true;
    }
    r->cannot_file = false;
    return FR_OK;
}

static fr_status collect_own(fr_root *r, bool all)
{
    fr_results_list list = {0};
    fr_status failure = fr_worker_collect(r->run->worker, all, &list);
    fr_status st = file_results(r, 0, &list);
    r->busy = r->busy || list.n > 0;
    fr_results_list_clear(&list);
    return st != FR_OK ? st : failure;
}

/* Begin to end the run, for the reason that the thread's status message tells. */
static fr_status end_run(fr_root *r, fr_status status)
{
    if (r->stage == ENDING) return FR_OK;
    r->stage = ENDING;
    r->status = status;
    snprintf(r->message, sizeof r->message, "%s", status == FR_OK ? "" : fr_status_message());
    FR_TRY(send_stop(r));
    if (status == FR_OK) fr_keeper_close(r->run->keeper);
    fr_worker_stop(r->run->worker, true);
    const fr_status st = collect_own(r, true);
    if (st != FR_OK && st != FR_STOPPED && r->status == FR_STOPPED) {
        r->status = st;
        snprintf(r->message, sizeof r->message, "%s", fr_status_message());
    }
    return FR_OK;
}

/* ---- messages ---- */

static fr_status take_results(fr_root *r, int rank, fr_unpack *in)
{
    fr_results_list list = {0};
    fr_status st = fr_results_list_unpack(in, &list);
    const int worker = r->run->worker_of[rank];
    if (st == FR_OK && list.n > 0 && worker < 0)
        st = FR_FAIL(FR_ERR_MPI, "rank %d, which has no work, sends results", rank);
    if (st == FR_OK && list.n > 0) st = file_results(r, worker, &list);
    fr_results_list_clear(&list);
    return st;
}

/* The record has the last results in it: it replaces what was counted, also for them. */
static fr_status take_done(fr_root *r, int rank, fr_unpack *in)
{
    fr_rank_record record = {0};
    fr_rank_record_unpack(in, &record);
    const fr_status st = take_results(r, rank, in);
    r->run->report->ranks[rank] = record;
    r->n_left--;
    return st;
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

static fr_status handle(fr_root *r, int rank, int tag, fr_unpack *in)
{
    if (tag == FR_TAG_NOTICE) return take_notice(rank, in);
    if (tag == FR_TAG_CALL) {
        r->run->calls[rank] = true;
        return FR_OK;
    }
    if (tag == FR_TAG_MEMBER_DONE)
        return fr_ensembling_take(r->run, r->run->worker_of[rank], in);
    if (tag == FR_TAG_EXPLAINED) return fr_explaining_take(r->run, r->run->worker_of[rank], in);
    return tag == FR_TAG_DONE ? take_done(r, rank, in) : take_results(r, rank, in);
}

static fr_status take_messages(fr_root *r)
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

/* The first n of r->tasks with all that a worker needs for them. */
static fr_status make_parcel(fr_root *r, size_t n, fr_parcel **out)
{
    fr_run_state *run = r->run;
    const size_t n_params = run->study->space.n;
    fr_parcel *parcel = fr_parcel_create(n, n_params);
    fr_status st = parcel == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t i = 0; st == FR_OK && i < n; i++) {
        parcel->tasks[i] = r->tasks[i];
        const fr_history *history = fr_run_history(run, r->tasks[i].search);
        const double *point = history->trials[r->tasks[i].trial].point;
        if (n_params > 0)
            memcpy(parcel->points + i * n_params, point, n_params * sizeof *point);
        st = fr_run_rungs(run, r->tasks[i], &parcel->rungs[i], &parcel->n_rungs[i]);
    }
    if (st != FR_OK) fr_parcel_destroy(&parcel);
    *out = parcel;
    return st;
}

static fr_status give(fr_root *r, int worker, size_t n)
{
    fr_run_state *run = r->run;
    fr_parcel *parcel = NULL;
    FR_TRY(make_parcel(r, n, &parcel));
    if (worker == 0) {
        fr_worker_push(run->worker, parcel);
        return FR_OK;
    }
    fr_pack pack = {0};
    fr_parcel_pack(parcel, &pack);
    fr_parcel_destroy(&parcel);
    return fr_mail_send(&run->mail, run->leader_of[worker], FR_TAG_TASKS, &pack);
}

static fr_status hand_out(fr_root *r, double now)
{
    r->hungry = r->held_back = false;
    int worker = 0;
    while (fr_coordinator_next(r->run->coordinator, &worker)) {
        size_t n = 0;
        if (!fr_run_may_begin(r->run, worker, now)) {
            r->held_back = true;
            fr_coordinator_ask_again(r->run->coordinator, worker);
            continue;
        }
        FR_TRY(fr_coordinator_assign(r->run->coordinator, worker, r->tasks, FR_TASKS_MAX, &n));
        if (n > 0) FR_TRY(give(r, worker, n));
    }
    return FR_OK;
}

static fr_status finish_training(fr_root *r)
{
    bool refit = false;
    r->run->report->end = fr_coordinator_end(r->run->coordinator);
    FR_TRY(fr_conclude_select(r->run, &refit));
    if (r->run->explains) FR_TRY(fr_explaining_begin(r->run));
    if (r->run->ensembles) FR_TRY(fr_ensembling_begin(r->run));
    r->stage = REFITTING;
    if (!refit) return FR_OK;
    const size_t chosen = r->run->report->selection.chosen;
    const fr_history *history = r->run->history;
    fr_worker_push_refit(r->run->worker, &history->trials[chosen], chosen, history->n_folds);
    return FR_OK;
}

/* The model, its explanation and the ensemble, or what is wanted of them. */
static fr_status finish_model(fr_root *r)
{
    fr_run_state *run = r->run;
    bool explained = true, together = true;
    if (fr_worker_refit_result(run->worker, &run->refit)) run->has_model = true;
    if (run->explains) FR_TRY(fr_explaining_advance(run, &explained));
    const bool trains = run->study->objective.type == FR_OBJECTIVE_TRAINING;
    if (run->ensembles && !explained) return FR_OK; /* a worker has one thing at a time */
    if (run->ensembles) FR_TRY(fr_ensembling_advance(run, &together));
    if (!explained || !together || (trains && !run->has_model && !run->reuses_model))
        return FR_OK;
    if (run->ensembles) fr_ensembling_conclude(run);
    if (run->explains)
        FR_TRY(fr_explaining_conclude(run));
    else if (run->calibrates)
        FR_TRY(fr_calibrate_model(run, NULL));
    return end_run(r, FR_OK);
}

static fr_status advance(fr_root *r, double now)
{
    fr_run_state *run = r->run;
    if (r->stage == REFITTING) return finish_model(r);
    if (r->stage != TRAINING) return FR_OK;
    fr_run_watch_clock(run, now);
    if (r->hungry) FR_TRY(hand_out(r, now));
    if (fr_coordinator_done(run->coordinator)) return finish_training(r);
    if (!r->held_back || !fr_coordinator_idle(run->coordinator)) return FR_OK;
    return FR_FAIL(FR_STOPPED, "%.0f s are left, too few to begin another fit",
                   run->deadline - now);
}

/* For snapshots, until DONE brings the rank's own figure: the task that runs counts as busy. */
static void estimate_idle(fr_root *r, double now)
{
    fr_run_report *report = r->run->report;
    for (int rank = 0; rank < report->n_ranks; rank++) {
        const double wall_s = now - r->run->loop_started;
        const int worker = r->run->worker_of[rank];
        double busy_s = report->ranks[rank].busy_s;
        if (worker >= 0 && fr_coordinator_held(r->run->coordinator, worker) > 0)
            busy_s += now - r->progress.last_end[worker];
        report->ranks[rank].idle_s = fmax(wall_s - busy_s, 0.0);
    }
}

/* The journal has all that a snapshot shows, so one that fails ends nothing. */
static void snapshot(fr_root *r, double now)
{
    const double every = r->run->options->snapshot_every_s;
    if (r->stage != TRAINING || every <= 0.0 || now < r->next_snapshot) return;
    estimate_idle(r, now);
    if (fr_conclude_write(r->run) != FR_OK && !r->snapshot_failed) {
        fr_log(FR_LOG_WARN, "schedule snapshot: %s", fr_status_message());
        r->snapshot_failed = true;
    }
    const double took = fr_clock_now() - now;
    r->next_snapshot = now + (took / snapshot_share > every ? took / snapshot_share : every);
}

/* One turn: everything that can be done without waiting. */
static fr_status turn(fr_root *r)
{
    fr_run_state *run = r->run;
    const double now = fr_clock_now();
    r->busy = false;
    FR_TRY(take_messages(r));
    if (r->stage != ENDING) FR_TRY(collect_own(r, false));
    if (r->stage != ENDING) FR_TRY(fr_run_check_stop(run));
    FR_TRY(advance(r, now));
    FR_TRY(fr_mail_settle(&run->mail, false));
    if (r->stage == ENDING) return FR_OK;
    FR_TRY(fr_service_answer(run, &r->busy));
    fr_journal_use(run->journal, fr_run_usage(run, now));
    FR_TRY(fr_journal_sync(run->journal, now, false));
    snapshot(r, now);
    fr_progress_show(&r->progress, now);
    return FR_OK;
}

fr_status fr_root_create(fr_run_state *run, fr_root **out)
{
    const fr_run_options *options = run->options;
    fr_root *r = fr_alloc(1, sizeof *r);
    double *last_end = fr_alloc((size_t)run->n_workers, sizeof *last_end);
    run->calls = fr_alloc((size_t)run->size, sizeof *run->calls);
    *out = r;
    if (r == NULL || last_end == NULL || run->calls == NULL) {
        free(last_end);
        return FR_ERR_MEMORY;
    }
    uint64_t done = 0, total = 0;
    fr_coordinator_progress(run->coordinator, &done, &total);
    for (int worker = 0; worker < run->n_workers; worker++)
        last_end[worker] = run->loop_started;
    r->run = run;
    r->n_left = run->size - 1;
    r->hungry = true;
    r->next_snapshot = run->loop_started + fmin(options->snapshot_every_s, first_snapshot_s);
    r->progress = (fr_progress){.coordinator = run->coordinator,
                                .history = run->history,
                                .started = run->loop_started,
                                .every_s = options->log_every_s,
                                .next_line = run->loop_started + options->log_every_s,
                                .done_before = done,
                                .n_workers = run->n_workers,
                                .last_end = last_end};
    return FR_OK;
}

void fr_root_destroy(fr_root **root)
{
    if (*root == NULL) return;
    free((*root)->progress.last_end);
    free(*root);
    *root = NULL;
}

static void record_own(fr_run_state *run)
{
    fr_rank_record *own = &run->report->ranks[0];
    fr_worker_get_record(run->worker, own);
    own->threads = run->place.threads;
    own->idle_s = fr_clock_now() - run->loop_started - own->busy_s;
}

/* Until the last rank has said DONE. When even the end cannot be told to the others, only an
 * abort is left: FR_ERR_MPI. */
static fr_status turn_until_done(fr_root *r)
{
    double sleep_s = least_sleep_s;
    while (r->stage != ENDING || r->n_left > 0) {
        fr_status st = turn(r);
        if (st != FR_OK && st != FR_ERR_MPI) st = end_run(r, st);
        if (st != FR_OK) return FR_FAIL(FR_ERR_MPI, "%s", fr_status_message());
        sleep_s = r->busy ? least_sleep_s : sleep_s * 2.0;
        if (sleep_s > most_sleep_s) sleep_s = most_sleep_s;
        if (r->stage != ENDING || r->n_left > 0) fr_worker_wait(r->run->worker, sleep_s);
    }
    return fr_mail_settle(&r->run->mail, true);
}

fr_status fr_root_run(fr_root *r)
{
    FR_TRY(turn_until_done(r));
    fr_progress_end();
    record_own(r->run);
    return r->status == FR_OK ? FR_OK : fr_status_set(r->status, r->message);
}
