/* SPDX-License-Identifier: BSD-3-Clause */
/* journal.c - appending to the journal; format in data/FORMAT.md.
 *
 * Records are packed into memory and written together, one pwrite for all that came since the
 * last turn of the scheduler and one fdatasync a second, so that 20,000 results a second cost
 * little more than one. `end` is the length of the file that
 * is known to be whole: a batch that fails to get there stays in memory and is written again,
 * at the same place.
 *
 * Between two syncs a machine that dies may have kept later pages and lost earlier ones. A mark
 * is written when all before it has reached the disk, marks included: so a hole with a mark
 * after it is damage, and one without is work of the last second. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "foldrank/checksum.h"
#include "foldrank/clock.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "foldrank/version.h"
#include "internal.h"

struct fr_journal {
    int fd;
    char *path;
    off_t end;
    double created;
    double synced;   /* fr_clock_now() of the last sync */
    bool dirty;      /* records were written and not synced */
    bool mark_dirty; /* a mark was */
    bool used;       /* the last mark does not have the usage */
    fr_usage usage;
    fr_past past;
    uint64_t plan; /* of the outer searches */
    fr_pack pending;
    fr_pack payload; /* scratch of one record */
};

const unsigned char fr_journal_magic[8] = {0x89, 'F', 'R', 'J', '\r', '\n', 0x1A, '\n'};

uint32_t fr_journal_record_crc(uint32_t length, const void *payload)
{
    unsigned char word[4];
    for (int i = 0; i < 4; i++) word[i] = (unsigned char)(length >> (8 * i));
    return fr_crc32c(fr_crc32c(0, word, sizeof word), payload, length);
}

/* Append a record with this payload. All or nothing: half a frame would make the file
 * unreadable.
 */
static fr_status frame(const fr_pack *payload, fr_pack *out)
{
    const size_t before = out->size;
    const uint32_t length = (uint32_t)payload->size;
    if (payload->failed) return FR_ERR_MEMORY;
    if (payload->size > FR_JOURNAL_PAYLOAD_MAX)
        return FR_FAIL(FR_ERR_ARG, "a journal record of %zu bytes is too long; at most %d",
                       payload->size, FR_JOURNAL_PAYLOAD_MAX);
    fr_pack_u32(out, length);
    fr_pack_u32(out, fr_journal_record_crc(length, payload->data));
    fr_pack_bytes(out, payload->data, payload->size);
    if (!out->failed) return FR_OK;
    out->size = before;
    out->failed = false;
    return FR_ERR_MEMORY;
}

static void pack_mark(fr_usage usage, fr_pack *payload)
{
    fr_pack_reset(payload);
    fr_pack_u8(payload, FR_JOURNAL_MARK);
    fr_pack_double(payload, usage.wall_s);
    fr_pack_double(payload, usage.core_s);
}

static void pack_header(const fr_study *study, uint64_t data_fingerprint, fr_pack *file)
{
    fr_pack body = {0};
    fr_pack_u64(&body, study->fingerprint);
    fr_pack_u64(&body, data_fingerprint);
    fr_pack_double(&body, fr_clock_epoch());
    fr_pack_string(&body, FR_VERSION);
    fr_pack_string(&body, study->path);
    fr_pack_string(&body, study->text);

    fr_pack_bytes(file, fr_journal_magic, sizeof fr_journal_magic);
    fr_pack_u32(file, FR_JOURNAL_VERSION);
    fr_pack_u32(file, (uint32_t)body.size);
    fr_pack_bytes(file, body.data, body.size);
    fr_pack_u32(file, fr_crc32c(0, file->data, file->size));
    file->failed = file->failed || body.failed;
    fr_pack_clear(&body);
}

/* What earlier studies found, and a mark, for the file comes to the disk whole. */
static fr_status frame_past(const fr_past *past, fr_pack *file)
{
    fr_pack payload = {0};
    fr_pack_u8(&payload, FR_JOURNAL_PAST);
    fr_past_pack(past, &payload);
    fr_status st = frame(&payload, file);
    pack_mark((fr_usage){0}, &payload);
    if (st == FR_OK) st = frame(&payload, file);
    fr_pack_clear(&payload);
    return st;
}

static fr_status create_file(const char *dir, const fr_study *study, uint64_t data_fingerprint)
{
    fr_pack file = {0};
    fr_past past;
    fr_status st = fr_past_read(study, data_fingerprint, &past);
    if (st == FR_OK) pack_header(study, data_fingerprint, &file);
    if (st == FR_OK && study->search.warm_start.n > 0) st = frame_past(&past, &file);
    if (st == FR_OK && file.failed) st = FR_ERR_MEMORY;
    if (st == FR_OK) st = fr_store_replace(dir, "journal.bin", file.data, file.size);
    fr_past_clear(&past);
    fr_pack_clear(&file);
    return st;
}

/* What sets this journal apart from the study at hand, or FR_OK. A study that differs only in
 * what may differ (more trials, more time) has the same fingerprint, or no first difference. */
static fr_status check_owner(const fr_journal_state *state, const char *path,
                             const fr_study *study, uint64_t data_fingerprint)
{
    fr_study *there = NULL;
    fr_text words = {0};
    fr_status st = FR_OK;
    if (state->study_fingerprint != study->fingerprint) {
        const bool readable =
            fr_study_parse(state->study_text, state->study_path, NULL, 0, &there) == FR_OK;
        if (!readable || fr_study_difference(there, study, &words))
            st = FR_FAIL(FR_ERR_USAGE,
                         "%s belongs to another study%s%s; give another output directory "
                         "(--output), or remove this one to start anew",
                         path, readable ? ": " : "", fr_text_get(&words));
    }
    if (st == FR_OK && state->data_fingerprint != data_fingerprint)
        st = FR_FAIL(
            FR_ERR_USAGE,
            "%s belongs to the same study on other data: the data set has changed since; "
            "give another output directory (--output), or remove this one to start anew",
            path);
    fr_text_clear(&words);
    fr_study_destroy(&there);
    return st;
}

static fr_status load(fr_journal *journal, const fr_study *study, uint64_t data_fingerprint,
                      fr_history *history, fr_outer_log *outer, double *elapsed_s)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    fr_journal_state state = {0};
    fr_status st = fr_store_read_from(journal->fd, journal->path, 0, &bytes, &size);
    if (st == FR_OK) st = fr_journal_read_header(bytes, size, journal->path, &state);
    if (st == FR_OK) st = check_owner(&state, journal->path, study, data_fingerprint);
    state.outer = outer;
    if (st == FR_OK)
        st = fr_journal_replay(bytes, size, journal->path, history, &state, elapsed_s);
    if (st != FR_OK) goto out;

    journal->end = (off_t)state.end;
    journal->created = state.created;
    journal->usage = state.usage;
    journal->past = state.past;
    state.past = (fr_past){0};
    if (state.end == size) goto out;
    fr_log(FR_LOG_WARN, "store journal torn_record=dropped file=%s offset=%zu bytes=%zu",
           journal->path, state.end, size - state.end);
    if (ftruncate(journal->fd, journal->end) != 0)
        st = FR_FAIL(FR_ERR_IO, "cannot cut %s back to its last whole record: %s",
                     journal->path, strerror(errno));
out:
    fr_journal_state_clear(&state);
    free(bytes);
    return st;
}

static void discard(fr_journal *journal)
{
    if (journal->fd >= 0) close(journal->fd);
    fr_pack_clear(&journal->pending);
    fr_pack_clear(&journal->payload);
    fr_past_clear(&journal->past);
    free(journal->path);
    free(journal);
}

bool fr_journal_exists(const char *dir)
{
    char *path = fr_store_path(dir, "journal.bin");
    const bool exists = path != NULL && access(path, F_OK) == 0;
    free(path);
    return exists;
}

fr_status fr_journal_open(const char *dir, const fr_study *study, uint64_t data_fingerprint,
                          fr_history *history, double *elapsed_s, fr_journal **out)
{
    return fr_journal_open_nested(dir, study, data_fingerprint, history, NULL, elapsed_s, out);
}

fr_status fr_journal_open_nested(const char *dir, const fr_study *study,
                                 uint64_t data_fingerprint, fr_history *history,
                                 fr_outer_log *outer, double *elapsed_s, fr_journal **out)
{
    *out = NULL;
    *elapsed_s = 0;
    fr_journal *journal = fr_alloc(1, sizeof *journal);
    if (journal == NULL) return FR_ERR_MEMORY;
    journal->fd = -1;
    fr_status st = FR_OK;
    if ((journal->path = fr_store_path(dir, "journal.bin")) == NULL) {
        st = FR_ERR_MEMORY;
        goto out;
    }
    journal->fd = open(journal->path, O_RDWR | O_CLOEXEC);
    if (journal->fd < 0 && errno == ENOENT) {
        if ((st = create_file(dir, study, data_fingerprint)) != FR_OK) goto out;
        journal->fd = open(journal->path, O_RDWR | O_CLOEXEC);
    }
    if (journal->fd < 0) {
        st = FR_FAIL(FR_ERR_IO, "cannot open %s: %s", journal->path, strerror(errno));
        goto out;
    }
    st = load(journal, study, data_fingerprint, history, outer, elapsed_s);
    if (st != FR_OK) goto out;
    journal->plan = outer != NULL ? outer->plan : 0;
    journal->synced = fr_clock_now();
    *out = journal;
out:
    if (st != FR_OK) discard(journal);
    return st;
}

const fr_past *fr_journal_past(const fr_journal *journal)
{
    return &journal->past;
}

double fr_journal_created(const fr_journal *journal)
{
    return journal->created;
}

fr_usage fr_journal_usage(const fr_journal *journal)
{
    return journal->usage;
}

void fr_journal_use(fr_journal *journal, fr_usage usage)
{
    journal->usage = usage;
    journal->used = true;
}

/* Put the payload behind what waits. */
static fr_status append(fr_journal *journal)
{
    const fr_status st = frame(&journal->payload, &journal->pending);
    if (journal->payload.failed) fr_pack_clear(&journal->payload);
    return st;
}

/* Begin a payload; records of outer searches say whose they are. */
static void begin(fr_journal *journal, uint32_t search)
{
    fr_pack_reset(&journal->payload);
    if (search == 0) return;
    fr_pack_u8(&journal->payload, FR_JOURNAL_OUTER);
    fr_pack_u64(&journal->payload, journal->plan);
    fr_pack_u32(&journal->payload, search);
}

fr_status fr_journal_trial(fr_journal *journal, uint32_t search, uint64_t trial,
                           const double *point, size_t n)
{
    begin(journal, search);
    fr_pack_u8(&journal->payload, FR_JOURNAL_TRIAL);
    fr_pack_u64(&journal->payload, trial);
    fr_pack_u32(&journal->payload, (uint32_t)n);
    fr_pack_doubles(&journal->payload, point, n);
    return append(journal);
}

fr_status fr_journal_fold(fr_journal *journal, const fr_fold_result *result)
{
    begin(journal, result->search);
    fr_pack_u8(&journal->payload, FR_JOURNAL_FOLD);
    fr_fold_result_pack(result, &journal->payload);
    return append(journal);
}

/* To the operating system: safe from now on if the process dies. */
static fr_status write_pending(fr_journal *journal)
{
    fr_pack *pending = &journal->pending;
    if (pending->size == 0) return FR_OK;
    if (!fr_store_write_at(journal->fd, pending->data, pending->size, journal->end)) {
        const int why = errno;
        /* Best effort: what is left of the batch would be read as a torn record anyway. */
        const bool cut = ftruncate(journal->fd, journal->end) == 0;
        return FR_FAIL(FR_ERR_IO, "cannot write %s: %s; %zu bytes of results wait in memory%s",
                       journal->path, strerror(why), pending->size,
                       cut ? "" : " (and the file could not be cut back)");
    }
    journal->end += (off_t)pending->size;
    journal->dirty = true;
    fr_pack_reset(pending);
    return FR_OK;
}

/* Bring all that was written to the disk, then say so behind it. */
static fr_status sync_and_mark(fr_journal *journal, double now)
{
    journal->synced = now;
    if ((journal->dirty || journal->mark_dirty) && fdatasync(journal->fd) != 0)
        return FR_FAIL(FR_ERR_IO, "cannot bring %s to the disk: %s", journal->path,
                       strerror(errno));
    journal->dirty = journal->mark_dirty = false;
    pack_mark(journal->usage, &journal->payload);
    FR_TRY(append(journal));
    FR_TRY(write_pending(journal));
    journal->dirty = false;
    journal->mark_dirty = true;
    journal->used = false;
    return FR_OK;
}

fr_status fr_journal_sync(fr_journal *journal, double now, bool force)
{
    const double since = now - journal->synced;
    FR_TRY(write_pending(journal));
    const bool due = (journal->dirty && (force || since >= 1.0)) ||
                     (journal->used && (force || since >= 10.0));
    return due ? sync_and_mark(journal, now) : FR_OK;
}

fr_status fr_journal_close(fr_journal **journal)
{
    if (*journal == NULL) return FR_OK;
    const fr_status st = fr_journal_sync(*journal, fr_clock_now(), true);
    discard(*journal);
    *journal = NULL;
    return st;
}
