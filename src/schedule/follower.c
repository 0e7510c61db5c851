/* SPDX-License-Identifier: BSD-3-Clause */
/* follower.c - the main thread of every rank but root: carries work in and results out. */
#include <stdlib.h>

#include "foldrank/clock.h"
#include "foldrank/log.h"
#include "internal.h"

/* Sleep between two looks at the network [s]. Nobody waits for this thread while its compute
 * thread has a batch in reserve, and it wakes at once when that runs dry. */
static const double least_sleep_s = 0.0005;
static const double most_sleep_s = 0.004;

typedef struct {
    bool noticed; /* root knows that this rank wants to end */
    bool ended;
    fr_status status; /* root's, with its sentence */
    char *message;
} follower;

static fr_status send_results(fr_run_state *run, bool all)
{
    fr_results_list list = {0};
    const fr_status failure = fr_worker_collect(run->worker, all, &list);
    fr_status st = FR_OK;
    if (list.n > 0) {
        fr_pack pack = {0};
        fr_results_list_pack(&list, &pack);
        st = fr_mail_send(&run->mail, 0, FR_TAG_RESULTS, &pack);
    }
    fr_results_list_clear(&list);
    return st != FR_OK ? st : failure;
}

/* Tell root, once, that this rank wants the run to end. */
static fr_status send_notice(fr_run_state *run, follower *me, fr_status why)
{
    if (me->noticed) return FR_OK;
    me->noticed = true;
    fr_pack pack = {0};
    fr_pack_u32(&pack, (uint32_t)why);
    fr_pack_string(&pack, fr_status_message());
    return fr_mail_send(&run->mail, 0, FR_TAG_NOTICE, &pack);
}

/* Everything that is left, and the record: the last message of this rank. */
static fr_status send_done(fr_run_state *run)
{
    fr_worker_stop(run->worker, true);
    fr_results_list list = {0};
    if (fr_worker_collect(run->worker, true, &list) != FR_OK)
        fr_log_all(FR_LOG_DEBUG, "schedule late_failure=%s", fr_status_message());
    fr_rank_record record = {0};
    fr_worker_get_record(run->worker, &record);
    record.threads = run->place.threads;
    record.idle_s = fr_clock_now() - run->loop_started - record.busy_s;
    fr_pack pack = {0};
    fr_rank_record_pack(&record, &pack);
    fr_results_list_pack(&list, &pack);
    fr_results_list_clear(&list);
    return fr_mail_send(&run->mail, 0, FR_TAG_DONE, &pack);
}

static fr_status handle(fr_run_state *run, follower *me, int tag, fr_unpack *in)
{
    if (tag == FR_TAG_TASKS) {
        fr_parcel *parcel = NULL;
        FR_TRY(fr_parcel_unpack(in, run->study->space.n, &parcel));
        fr_worker_push(run->worker, parcel);
        return FR_OK;
    }
    if (tag == FR_TAG_SERVE) return fr_service_join(run, in);
    if (tag == FR_TAG_EXPLAIN) return fr_explaining_accept(run, in);
    if (tag == FR_TAG_MEMBER) return fr_ensembling_accept(run, in);
    me->ended = true;
    me->status = (fr_status)fr_unpack_u32(in);
    me->message = fr_unpack_string(in);
    if (me->status == FR_OK) fr_keeper_close(run->keeper);
    return FR_OK;
}

/* Take all messages that are there. *busy when there was one. */
static fr_status take_messages(fr_run_state *run, follower *me, bool *busy)
{
    fr_status st = FR_OK;
    while (st == FR_OK && !me->ended) {
        int from = 0, tag = 0;
        unsigned char *bytes = NULL;
        size_t size = 0;
        st = fr_mail_take(&run->mail, &from, &tag, &bytes, &size);
        if (tag == 0) break;
        fr_unpack in = fr_unpack_make(bytes, size);
        if (st == FR_OK) st = handle(run, me, tag, &in);
        free(bytes);
        *busy = true;
    }
    return st;
}

/* Tell root that the fit under way wants all ranks. */
static fr_status send_call(fr_run_state *run)
{
    fr_pack nothing = {0};
    return fr_desk_calls(run->desk) ? fr_mail_send(&run->mail, 0, FR_TAG_CALL, &nothing)
                                    : FR_OK;
}

static fr_status look_around(fr_run_state *run, follower *me, bool *busy)
{
    FR_TRY(take_messages(run, me, busy));
    if (me->ended) return FR_OK;
    FR_TRY(send_results(run, false));
    FR_TRY(send_call(run));
    FR_TRY(fr_explaining_send(run));
    FR_TRY(fr_ensembling_send(run));
    FR_TRY(fr_mail_settle(&run->mail, false));
    if (fr_signals_raised() && !me->noticed)
        return FR_FAIL(FR_STOPPED, "a signal came to rank %d", run->rank);
    return FR_OK;
}

fr_status fr_follower_run(fr_run_state *run)
{
    follower me = {.status = FR_OK};
    double sleep_s = least_sleep_s;
    fr_status st = FR_OK;
    while (!me.ended && st == FR_OK) {
        bool busy = false;
        st = look_around(run, &me, &busy);
        if (st != FR_OK && st != FR_ERR_MPI) st = send_notice(run, &me, st);
        sleep_s = busy ? least_sleep_s : sleep_s * 2.0;
        if (sleep_s > most_sleep_s) sleep_s = most_sleep_s;
        if (!me.ended) fr_worker_wait(run->worker, sleep_s);
    }
    if (st == FR_OK) st = send_done(run);
    if (st == FR_OK) st = fr_mail_settle(&run->mail, true);
    if (st != FR_OK) /* root cannot be told any more: only an abort is left */
        st = FR_FAIL(FR_ERR_MPI, "%s", fr_status_message());
    else if (me.status != FR_OK)
        st = fr_status_set(me.status, me.message != NULL ? me.message : "");
    free(me.message);
    return st;
}
