/* SPDX-License-Identifier: BSD-3-Clause */
/* journal_read.c - a journal's bytes back into a history.
 *
 * The file was written by us, but by a process or a machine that may have died, on a disk that
 * may have lost something. What lies before a mark has been on that disk: there the file may
 * not be broken. What lies behind the last one may: it is dropped from the first broken record
 * on. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/checksum.h"
#include "internal.h"

enum { HEADER_FIXED = 16 };

static uint32_t word_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static fr_status broken_header(const char *path)
{
    return FR_FAIL(FR_ERR_FORMAT,
                   "the header of %s is damaged; restore the file from a copy, or give another "
                   "output directory (--output)",
                   path);
}

void fr_journal_state_clear(fr_journal_state *state)
{
    fr_past_clear(&state->past);
    free(state->study_path);
    free(state->study_text);
    *state = (fr_journal_state){0};
}

fr_status fr_journal_read_header(const unsigned char *bytes, size_t size, const char *path,
                                 fr_journal_state *out)
{
    *out = (fr_journal_state){0};
    if (size < HEADER_FIXED || memcmp(bytes, fr_journal_magic, sizeof fr_journal_magic) != 0)
        return FR_FAIL(FR_ERR_FORMAT, "%s is not a foldrank journal, or its header is damaged",
                       path);
    const uint32_t version = word_at(bytes + 8), length = word_at(bytes + 12);
    if (version > FR_JOURNAL_VERSION)
        return FR_FAIL(FR_ERR_FORMAT,
                       "%s has journal version %u; this foldrank reads up to version %d: use a "
                       "newer one",
                       path, version, FR_JOURNAL_VERSION);
    if (version == 0 || size - HEADER_FIXED < 4 || length > size - HEADER_FIXED - 4)
        return broken_header(path);
    const size_t end = (size_t)HEADER_FIXED + length;
    if (fr_crc32c(0, bytes, end) != word_at(bytes + end)) return broken_header(path);

    fr_unpack in = fr_unpack_make(bytes + HEADER_FIXED, length);
    out->study_fingerprint = fr_unpack_u64(&in);
    out->data_fingerprint = fr_unpack_u64(&in);
    out->created = fr_unpack_double(&in);
    free(fr_unpack_string(&in)); /* the version that wrote it */
    out->study_path = fr_unpack_string(&in);
    out->study_text = fr_unpack_string(&in);
    out->version = version;
    out->records_at = out->end = end + 4;
    return in.failed ? broken_header(path) : FR_OK;
}

/* Length of the payload of the whole record at `at`; 0 when there is none. */
static size_t whole_record(const unsigned char *bytes, size_t size, size_t at)
{
    if (size - at < FR_JOURNAL_FRAME + FR_JOURNAL_PAYLOAD_MIN) return 0;
    const uint32_t length = word_at(bytes + at);
    const unsigned char *payload = bytes + at + FR_JOURNAL_FRAME;
    if (length < FR_JOURNAL_PAYLOAD_MIN || length > FR_JOURNAL_PAYLOAD_MAX ||
        length > size - at - FR_JOURNAL_FRAME)
        return 0;
    if (payload[0] < FR_JOURNAL_TRIAL || payload[0] > FR_JOURNAL_OUTER) return 0;
    return fr_journal_record_crc(length, payload) == word_at(bytes + at + 4) ? length : 0;
}

/* Whether what is broken at `at` had been on the disk: a mark follows it, or in version 1,
 * which has none, any record. A damaged length cannot be trusted to find the next record, so
 * look for one at every byte. Nearly all places fail on length or type, before any sum is
 * computed. */
static bool was_synced(const unsigned char *bytes, size_t size, size_t at, uint32_t version)
{
    for (size_t next = at + 1; next < size; next++)
        if (whole_record(bytes, size, next) > 0 &&
            (version == 1 || bytes[next + FR_JOURNAL_FRAME] == FR_JOURNAL_MARK))
            return true;
    return false;
}

static fr_status replay_trial(fr_unpack *in, fr_history *history)
{
    const uint64_t trial = fr_unpack_u64(in);
    const uint32_t n = fr_unpack_u32(in);
    if (trial != history->n)
        return FR_FAIL(FR_ERR_FORMAT, "trial %llu stands where trial %zu is due",
                       (unsigned long long)trial, history->n);
    if (n != history->space->n || fr_unpack_left(in) != n * sizeof(double))
        return FR_FAIL(FR_ERR_FORMAT, "trial %llu has %u parameters; the study has %zu",
                       (unsigned long long)trial, n, history->space->n);
    double *point = malloc((n + 1) * sizeof *point);
    if (point == NULL) return FR_FAIL(FR_ERR_MEMORY, "out of memory for a point");
    fr_unpack_doubles(in, point, n);
    fr_status st = fr_history_add_trial(history, point);
    free(point);
    return st;
}

static fr_status replay_fold(fr_unpack *in, fr_history *history, double *elapsed_s)
{
    fr_fold_result result = {0};
    fr_status st = fr_fold_result_unpack(in, &result);
    if (st == FR_OK && fr_unpack_left(in) != 0)
        st = FR_FAIL(FR_ERR_FORMAT, "it is longer than its content");
    if (st == FR_OK && result.trial >= history->n)
        st = FR_FAIL(FR_ERR_FORMAT, "a fold of trial %llu stands before that trial",
                     (unsigned long long)result.trial);
    const double end_s = result.end_s;
    if (st == FR_OK) st = fr_history_add_fold(history, &result);
    if (st == FR_OK && end_s > *elapsed_s) *elapsed_s = end_s;
    fr_fold_result_clear(&result);
    return st;
}

/* A fold, or what came of a search's last task. */
static fr_status replay_outer_fold(fr_unpack *in, uint32_t search, fr_journal_state *state,
                                   double *elapsed_s)
{
    fr_unpack ahead = *in;
    fr_fold_result result = {0};
    fr_status st = fr_fold_result_unpack(&ahead, &result);
    const bool judges = result.fold == FR_FOLD_OUTER;
    if (st == FR_OK && !judges && state->outer->histories != NULL) {
        fr_fold_result_clear(&result);
        return replay_fold(in, state->outer->histories[search - 1], elapsed_s);
    }
    if (st == FR_OK && fr_unpack_left(&ahead) != 0)
        st = FR_FAIL(FR_ERR_FORMAT, "it is longer than its content");
    if (st != FR_OK) {
        fr_fold_result_clear(&result);
        return st;
    }
    if (result.end_s > *elapsed_s) *elapsed_s = result.end_s;
    if (!judges) {
        state->outer->n_counted++;
        fr_fold_result_clear(&result);
        return FR_OK;
    }
    result.search = search;
    return fr_outer_log_add(state->outer, &result);
}

/* Of another plan, or with nobody to ask for it, it is passed over. */
static fr_status replay_outer(fr_unpack *in, fr_journal_state *state, double *elapsed_s)
{
    const uint64_t plan = fr_unpack_u64(in);
    const uint32_t search = fr_unpack_u32(in);
    const fr_outer_log *outer = state->outer;
    if (outer == NULL || plan != outer->plan) return FR_OK;
    if (search == 0 || search > outer->n)
        return FR_FAIL(FR_ERR_FORMAT, "there is no search %u", (unsigned)search);
    switch (fr_unpack_u8(in)) {
    case FR_JOURNAL_TRIAL:
        return outer->histories == NULL ? FR_OK
                                        : replay_trial(in, outer->histories[search - 1]);
    case FR_JOURNAL_FOLD:
        return replay_outer_fold(in, search, state, elapsed_s);
    default:
        return FR_FAIL(FR_ERR_FORMAT, "an outer search has no such record");
    }
}

static fr_status replay_mark(fr_unpack *in, fr_usage *usage)
{
    fr_usage read;
    read.wall_s = fr_unpack_double(in);
    read.core_s = fr_unpack_double(in);
    if (in->failed || fr_unpack_left(in) != 0 || !(read.wall_s >= 0) || !(read.core_s >= 0))
        return FR_FAIL(FR_ERR_FORMAT, "a mark that is none");
    *usage = read;
    return FR_OK;
}

/* It stands before everything that depends on it. */
static fr_status replay_past(fr_unpack *in, const fr_history *history, fr_past *past)
{
    if (past->n > 0 || history->n > 0)
        return FR_FAIL(FR_ERR_FORMAT, "earlier trials come after what was learned from them");
    return fr_past_unpack(in, history->space, history->n_goals, past);
}

static fr_status replay_record(const unsigned char *payload, size_t length, fr_history *history,
                               fr_journal_state *state, double *elapsed_s)
{
    fr_unpack in = fr_unpack_make(payload, length);
    switch (fr_unpack_u8(&in)) {
    case FR_JOURNAL_TRIAL:
        return replay_trial(&in, history);
    case FR_JOURNAL_FOLD:
        return replay_fold(&in, history, elapsed_s);
    case FR_JOURNAL_PAST:
        return replay_past(&in, history, &state->past);
    case FR_JOURNAL_OUTER:
        return replay_outer(&in, state, elapsed_s);
    default:
        return replay_mark(&in, &state->usage);
    }
}

fr_status fr_journal_replay(const unsigned char *bytes, size_t size, const char *path,
                            fr_history *history, fr_journal_state *state, double *elapsed_s)
{
    size_t at = state->records_at;
    while (at < size) {
        const size_t length = whole_record(bytes, size, at);
        if (length == 0) {
            if (!was_synced(bytes, size, at, state->version)) break;
            return FR_FAIL(FR_ERR_FORMAT,
                           "%s: the record at offset %zu is damaged, though it was safe on the "
                           "disk; restore the file from a copy, or give another output "
                           "directory (--output)",
                           path, at);
        }
        const fr_status st =
            replay_record(bytes + at + FR_JOURNAL_FRAME, length, history, state, elapsed_s);
        if (st == FR_ERR_MEMORY) return st;
        if (st != FR_OK)
            return FR_FAIL(FR_ERR_FORMAT, "%s: the record at offset %zu makes no sense: %s",
                           path, at, fr_status_message());
        at += FR_JOURNAL_FRAME + length;
    }
    state->end = at;
    return FR_OK;
}
