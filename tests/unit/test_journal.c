/* SPDX-License-Identifier: BSD-3-Clause */
/* test_journal.c - what was synced comes back, whatever happens to the process, the disk or the
 * file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../src/store/internal.h"
#include "foldrank/checksum.h"
#include "foldrank/clock.h"
#include "store_fixture.h"

enum { DATA = 0x1234 };

/* The study without overrides, parsed once for thousands of openings. */
static fr_study *plain_study;

/* An open journal with what it brought back. */
typedef struct {
    fr_study *study;
    fr_history *history;
    fr_journal *journal;
    double elapsed_s;
} session;

static fr_status session_open(session *s, const char *override, uint64_t data)
{
    *s = (session){.study = override == NULL ? plain_study : fixture_study(override)};
    assert_int_equal(
        fr_history_create(&s->study->space, FIXTURE_FOLDS, s->study->maximize, &s->history),
        FR_OK);
    return fr_journal_open(fixture_dir, s->study, data, s->history, &s->elapsed_s, &s->journal);
}

static void session_close(session *s)
{
    assert_int_equal(fr_journal_close(&s->journal), FR_OK);
    assert_null(s->journal);
    fr_history_destroy(&s->history);
    if (s->study != plain_study) fr_study_destroy(&s->study);
}

/* Trials first .. last-1 with their folds, in a scrambled order within the trial. */
static void write_trials(fr_journal *journal, fr_history *history, size_t last)
{
    while (history->n < last) {
        const size_t t = history->n;
        fixture_add_trial(history);
        assert_int_equal(
            fr_journal_trial(journal, 0, t, history->trials[t].point, history->space->n),
            FR_OK);
        for (uint32_t i = 0; i < FIXTURE_FOLDS; i++) {
            const uint32_t f = (uint32_t)(i + t) % FIXTURE_FOLDS;
            fr_fold_result result = fixture_fold(t, f);
            if (fixture_is_in(t, f)) {
                assert_int_equal(fr_journal_fold(journal, &result), FR_OK);
                assert_int_equal(fr_history_add_fold(history, &result), FR_OK);
            }
            fr_fold_result_clear(&result);
        }
    }
}

static void write_journal(size_t n)
{
    session s;
    assert_int_equal(session_open(&s, NULL, DATA), FR_OK);
    assert_int_equal(s.history->n, 0);
    assert_true(s.elapsed_s == 0);
    write_trials(s.journal, s.history, n);
    session_close(&s);
}

static void expect_history(size_t n)
{
    session s;
    assert_int_equal(session_open(&s, NULL, DATA), FR_OK);
    fr_history *expected = fixture_history(s.study, n);
    assert_same_history(expected, s.history);
    fr_history_destroy(&expected);
    session_close(&s);
}

static void test_comes_back(void **state)
{
    (void)state;
    session s;
    write_journal(23);
    expect_history(23);
    assert_int_equal(session_open(&s, NULL, DATA), FR_OK);
    double last = 0;
    for (size_t t = 0; t < s.history->n; t++)
        for (uint32_t f = 0; f < FIXTURE_FOLDS; f++)
            if (s.history->trials[t].folds[f] != NULL)
                last = fmax(last, s.history->trials[t].folds[f]->end_s);
    assert_same_bits(s.elapsed_s, last);
    assert_true(fabs(fr_journal_created(s.journal) - fr_clock_epoch()) < 60);
    const double created = fr_journal_created(s.journal);
    write_trials(s.journal, s.history, 31);
    session_close(&s);
    expect_history(31);
    assert_int_equal(session_open(&s, NULL, DATA), FR_OK);
    assert_same_bits(fr_journal_created(s.journal), created);
    session_close(&s);
}

/* Offsets where records end, by the format's description alone. */
static size_t find_ends(const unsigned char *bytes, size_t size, size_t *ends)
{
    size_t n = 0;
    uint32_t length;
    memcpy(&length, bytes + 12, 4);
    ends[n] = 16 + (size_t)length + 4;
    while (ends[n] < size) {
        memcpy(&length, bytes + ends[n], 4);
        ends[n + 1] = ends[n] + 8 + length;
        n++;
    }
    assert_int_equal(ends[n], size);
    return n;
}

/* Of the first n records those that are no marks: what a history is made of. */
static size_t without_marks(const unsigned char *bytes, const size_t *ends, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += bytes[ends[i] + FR_JOURNAL_FRAME] != FR_JOURNAL_MARK;
    return count;
}

/* The history of the first n records that write_trials writes. */
static fr_history *history_of_records(size_t n)
{
    fr_history *history = NULL;
    assert_int_equal(
        fr_history_create(&plain_study->space, FIXTURE_FOLDS, plain_study->maximize, &history),
        FR_OK);
    for (size_t t = 0; n > 0; t++) {
        fixture_add_trial(history);
        n--;
        for (uint32_t i = 0; i < FIXTURE_FOLDS && n > 0; i++) {
            const uint32_t f = (uint32_t)(i + t) % FIXTURE_FOLDS;
            if (!fixture_is_in(t, f)) continue;
            fr_fold_result result = fixture_fold(t, f);
            assert_int_equal(fr_history_add_fold(history, &result), FR_OK);
            n--;
        }
    }
    return history;
}

static void expect_records(const fr_history *got, size_t n)
{
    fr_history *expected = history_of_records(n);
    assert_same_history(expected, got);
    fr_history_destroy(&expected);
}

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    size_t size, ends[64];
    write_journal(4);
    unsigned char *bytes = fixture_read("journal.bin", &size);
    const size_t n = find_ends(bytes, size, ends);
    assert_true(n > 12);
    for (size_t cut = 0; cut <= size; cut++) {
        session s;
        fixture_write("journal.bin", bytes, cut);
        const fr_status st = session_open(&s, NULL, DATA);
        assert_int_equal(st, cut < ends[0] ? FR_ERR_FORMAT : FR_OK);
        if (st == FR_OK) {
            size_t whole = 0;
            while (whole < n && ends[whole + 1] <= cut) whole++;
            expect_records(s.history, without_marks(bytes, ends, whole));
            /* Appending goes on right there. */
            write_trials(s.journal, s.history, s.history->n + 1);
            assert_int_equal(fr_journal_sync(s.journal, 0, true), FR_OK);
            session again;
            assert_int_equal(session_open(&again, NULL, DATA), FR_OK);
            assert_same_history(s.history, again.history);
            session_close(&again);
        }
        session_close(&s);
    }
    free(bytes);
}

static void test_flip_every_byte(void **state)
{
    (void)state;
    size_t size, ends[64];
    write_journal(4);
    unsigned char *bytes = fixture_read("journal.bin", &size);
    const size_t n = find_ends(bytes, size, ends);
    assert_int_equal(without_marks(bytes, ends, n), n - 1);
    for (size_t at = 0; at < size; at++) {
        session s;
        const unsigned char mask = (unsigned char)(at % 3 == 0 ? 0xff : 1u << at % 8);
        bytes[at] ^= mask;
        fixture_write("journal.bin", bytes, size);
        bytes[at] ^= mask;
        const fr_status st = session_open(&s, NULL, DATA);
        if (at >= ends[n - 1]) { /* in the mark at the end: dropped */
            assert_int_equal(st, FR_OK);
            expect_records(s.history, n - 1);
        } else {
            assert_int_equal(st, FR_ERR_FORMAT);
        }
        if (at >= ends[0] && at < ends[n - 1]) {
            size_t record = 0;
            char where[64];
            while (ends[record + 1] <= at) record++;
            snprintf(where, sizeof where, "offset %zu ", ends[record]);
            assert_non_null(strstr(fr_status_message(), where));
        }
        session_close(&s);
    }
    free(bytes);
}

/* A journal with `synced` trials before its mark and two more behind it, as a machine may leave
 * it that dies within the second: the bytes are the caller's. *safe is where the mark ends. */
static unsigned char *unsynced_journal(size_t synced, size_t *size, size_t *safe)
{
    session s;
    const double now = fr_clock_now();
    assert_int_equal(session_open(&s, NULL, DATA), FR_OK);
    write_trials(s.journal, s.history, synced);
    assert_int_equal(fr_journal_sync(s.journal, now, true), FR_OK);
    free(fixture_read("journal.bin", safe));
    for (size_t t = synced + 1; t <= synced + 2; t++) {
        write_trials(s.journal, s.history, t);
        assert_int_equal(fr_journal_sync(s.journal, now + 0.1, false), FR_OK);
    }
    unsigned char *bytes = fixture_read("journal.bin", size);
    session_close(&s);
    return bytes;
}

/* Pages that had not reached the disk read as zeros, in the middle or at the end: what is whole
 * before them comes back, what is behind them is dropped. Before the mark they are damage. */
static void test_hole_of_a_machine_crash(void **state)
{
    (void)state;
    size_t size, safe, ends[64];
    unsigned char *bytes = unsynced_journal(3, &size, &safe);
    const size_t n = find_ends(bytes, size, ends);
    unsigned char *holed = malloc(size);
    for (size_t at = ends[0]; at < size; at++) {
        session s;
        size_t whole = 0;
        memcpy(holed, bytes, size);
        memset(holed + at, 0, size - at < 50 ? size - at : 50);
        while (whole < n && memcmp(holed, bytes, ends[whole + 1]) == 0) whole++;
        fixture_write("journal.bin", holed, size);
        const fr_status st = session_open(&s, NULL, DATA);
        const bool mark_is_there = memcmp(holed + safe - 25, bytes + safe - 25, 25) == 0;
        if (ends[whole] < safe && mark_is_there) {
            char where[64];
            snprintf(where, sizeof where, "offset %zu ", ends[whole]);
            assert_int_equal(st, FR_ERR_FORMAT);
            assert_non_null(strstr(fr_status_message(), where));
        } else {
            assert_int_equal(st, FR_OK);
            expect_records(s.history, without_marks(bytes, ends, whole));
            write_trials(s.journal, s.history, s.history->n + 1);
        }
        session_close(&s);
    }
    free(holed);
    free(bytes);
}

/* Version 1 had no marks: a broken record with a whole one after it is damage. */
static void test_version_1(void **state)
{
    (void)state;
    size_t size, ends[64];
    session s;
    write_journal(4);
    unsigned char *bytes = fixture_read("journal.bin", &size);
    const size_t n = find_ends(bytes, size, ends) - 1; /* without the mark */
    bytes[8] = 1;
    const uint32_t crc = fr_crc32c(0, bytes, ends[0] - 4);
    memcpy(bytes + ends[0] - 4, &crc, 4);
    fixture_write("journal.bin", bytes, ends[n]);
    expect_history(4);
    fixture_write("journal.bin", bytes, ends[n] - 1);
    assert_int_equal(session_open(&s, NULL, DATA), FR_OK);
    expect_records(s.history, n - 1);
    session_close(&s);
    bytes[ends[n - 2] + 10] ^= 1;
    fixture_write("journal.bin", bytes, ends[n]);
    assert_int_equal(session_open(&s, NULL, DATA), FR_ERR_FORMAT);
    session_close(&s);
    free(bytes);
}

static void test_usage_adds_up(void **state)
{
    (void)state;
    session s;
    assert_int_equal(session_open(&s, NULL, DATA), FR_OK);
    const double now = fr_clock_now();
    assert_true(fr_journal_usage(s.journal).wall_s == 0);
    fr_journal_use(s.journal, (fr_usage){.wall_s = 5, .core_s = 20});
    assert_int_equal(fr_journal_sync(s.journal, now, false), FR_OK);
    size_t before, after;
    free(fixture_read("journal.bin", &before));
    assert_int_equal(fr_journal_sync(s.journal, now + 11, false), FR_OK);
    free(fixture_read("journal.bin", &after));
    assert_int_equal(after, before + 25); /* nothing else to journal: a mark for the time */
    fr_journal_use(s.journal, (fr_usage){.wall_s = 6, .core_s = 24});
    session_close(&s);
    assert_int_equal(session_open(&s, NULL, DATA), FR_OK);
    assert_true(fr_journal_usage(s.journal).wall_s == 6);
    assert_true(fr_journal_usage(s.journal).core_s == 24);
    session_close(&s);
}

static void test_tail_of_zeros_or_noise(void **state)
{
    (void)state;
    size_t size;
    write_journal(3);
    unsigned char *bytes = fixture_read("journal.bin", &size);
    unsigned char *longer = calloc(size + 5000, 1);
    for (int noise = 0; noise < 2; noise++) {
        memcpy(longer, bytes, size);
        for (size_t i = 0; i < 5000; i++)
            longer[size + i] = (unsigned char)(noise ? i * 37 + i / 251 : 0);
        fixture_write("journal.bin", longer, size + 5000);
        expect_history(3);
        expect_history(3);
        free(fixture_read("journal.bin", &size));
    }
    free(longer);
    free(bytes);
}

static void test_newer_version_and_other_files(void **state)
{
    (void)state;
    size_t size;
    session s;
    write_journal(1);
    unsigned char *bytes = fixture_read("journal.bin", &size);
    bytes[8] = FR_JOURNAL_VERSION + 1;
    fixture_write("journal.bin", bytes, size);
    assert_int_equal(session_open(&s, NULL, DATA), FR_ERR_FORMAT);
    assert_non_null(strstr(fr_status_message(), "reads up to version"));
    session_close(&s);
    free(bytes);
    fixture_write("journal.bin", "study: a\ndata: b, c, d\n", 22);
    assert_int_equal(session_open(&s, NULL, DATA), FR_ERR_FORMAT);
    session_close(&s);
    assert_int_equal(unlink(fixture_path("journal.bin")), 0);
    assert_int_equal(mkdir(fixture_path("journal.bin"), 0755), 0);
    assert_int_not_equal(session_open(&s, NULL, DATA), FR_OK);
    session_close(&s);
}

static void test_other_study_other_data(void **state)
{
    (void)state;
    session s;
    write_journal(2);
    assert_int_equal(session_open(&s, "search.seed=2", DATA), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "search.seed"));
    session_close(&s);
    assert_int_equal(session_open(&s, "train.learning_rate=0.5", DATA), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "learning_rate"));
    session_close(&s);
    assert_int_equal(session_open(&s, NULL, DATA + 1), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "other data"));
    session_close(&s);
    assert_int_equal(session_open(&s, "search.trials=900", DATA), FR_OK);
    write_trials(s.journal, s.history, 5);
    session_close(&s);
    expect_history(5);
}

/* A whole record of this payload behind the journal. */
static void append_record(const fr_pack *payload)
{
    unsigned char word[4];
    fr_pack record = {0};
    for (int i = 0; i < 4; i++) word[i] = (unsigned char)(payload->size >> (8 * i));
    fr_pack_bytes(&record, word, 4);
    fr_pack_u32(&record, fr_crc32c(fr_crc32c(0, word, 4), payload->data, payload->size));
    fr_pack_bytes(&record, payload->data, payload->size);
    FILE *file = fopen(fixture_path("journal.bin"), "ab");
    assert_non_null(file);
    assert_int_equal(fwrite(record.data, 1, record.size, file), record.size);
    fclose(file);
    fr_pack_clear(&record);
}

/* Sums that are right do not make the content right. */
static void test_whole_records_without_sense(void **state)
{
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        session s;
        fr_pack payload = {0};
        write_journal(1);
        fr_fold_result result = fixture_fold(kind == 0 ? 5 : 0, 0); /* no such trial; twice */
        if (kind == 2) result.fold = FIXTURE_FOLDS;
        if (kind < 3) {
            fr_pack_u8(&payload, 2);
            fr_fold_result_pack(&result, &payload);
        } else { /* trial 7 after trial 0; a point of another space */
            fr_pack_u8(&payload, 1);
            fr_pack_u64(&payload, kind == 3 ? 7 : 1);
            fr_pack_u32(&payload, kind == 3 ? 9 : 1);
            for (int i = 0; i < (kind == 3 ? 9 : 1); i++) fr_pack_double(&payload, 0.5);
        }
        append_record(&payload);
        assert_int_equal(session_open(&s, NULL, DATA), FR_ERR_FORMAT);
        assert_non_null(strstr(fr_status_message(), "offset"));
        session_close(&s);
        fr_fold_result_clear(&result);
        fr_pack_clear(&payload);
        assert_int_equal(unlink(fixture_path("journal.bin")), 0);
    }
}

static size_t file_size(void)
{
    struct stat info;
    assert_int_equal(stat(fixture_path("journal.bin"), &info), 0);
    return (size_t)info.st_size;
}

/* The disk is waited for once a second only; the operating system has every record at once, so
 * that a killed process loses nothing. */
static void test_written_at_every_call(void **state)
{
    (void)state;
    session s;
    assert_int_equal(session_open(&s, NULL, DATA), FR_OK);
    const double now = fr_clock_now();
    size_t before = file_size();
    for (int i = 0; i < 4; i++) {
        write_trials(s.journal, s.history, (size_t)i + 1);
        assert_int_equal(file_size(), before); /* a record alone costs no system call */
        assert_int_equal(fr_journal_sync(s.journal, now + 0.1 * i, i == 3), FR_OK);
        assert_true(file_size() > before);
        before = file_size();
        assert_int_equal(fr_journal_sync(s.journal, now + 0.1 * i, false), FR_OK);
        assert_int_equal(file_size(), before);
    }
    session_close(&s);
}

/* A limit on the size of files fails a write just as a full disk does: part of it gets there.
 */
static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void **state)
{
    (void)state;
    session s;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(session_open(&s, NULL, DATA), FR_OK);
    write_trials(s.journal, s.history, 2);
    assert_int_equal(fr_journal_sync(s.journal, 0, true), FR_OK);
    const size_t good = file_size();
    for (int attempt = 0; attempt < 3; attempt++) {
        write_trials(s.journal, s.history, s.history->n + 2);
        limit_file_size(good + 100);
        assert_int_equal(fr_journal_sync(s.journal, 0, true), FR_ERR_IO);
        limit_file_size(RLIM_INFINITY);
        assert_non_null(strstr(fr_status_message(), "journal.bin"));
        assert_int_equal(file_size(), good);
    }
    assert_int_equal(fr_journal_sync(s.journal, 0, true), FR_OK);
    session_close(&s);
    expect_history(8);
}

/* Whatever whole records lie in the file are the history, to the last one: a kill may part a
 * trial from its folds. */
static void expect_all_records(void)
{
    size_t size;
    session s;
    assert_int_equal(session_open(&s, NULL, DATA), FR_OK); /* cuts a torn end off */
    session_close(&s);
    unsigned char *bytes = fixture_read("journal.bin", &size);
    size_t *ends = malloc((size / FR_JOURNAL_FRAME + 1) * sizeof *ends);
    assert_non_null(ends);
    const size_t n = find_ends(bytes, size, ends);
    assert_int_equal(session_open(&s, NULL, DATA), FR_OK);
    expect_records(s.history, without_marks(bytes, ends, n));
    session_close(&s);
    free(ends);
    free(bytes);
}

static void test_killed_in_the_middle(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        int ends[2];
        char go;
        assert_int_equal(pipe(ends), 0);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) { /* anew: another trial would go on where the last kill parted one */
            session s;
            if (round > 0 && unlink(fixture_path("journal.bin")) != 0) _exit(4);
            if (session_open(&s, NULL, DATA) != FR_OK) _exit(1);
            for (;;) {
                write_trials(s.journal, s.history, s.history->n + 3);
                if (fr_journal_sync(s.journal, 0, true) != FR_OK) _exit(2);
                if (write(ends[1], "x", 1) != 1) _exit(3);
            }
        }
        close(ends[1]);
        size_t synced = 0;
        for (int i = 0; i < 4 + round && read(ends[0], &go, 1) == 1; i++) synced += 3;
        kill(child, SIGKILL);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        close(ends[0]);
        session s;
        assert_int_equal(session_open(&s, NULL, DATA), FR_OK);
        assert_true(s.history->n >= synced);
        session_close(&s);
        expect_all_records();
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_comes_back),
        T(test_cut_at_every_byte),
        T(test_flip_every_byte),
        T(test_hole_of_a_machine_crash),
        T(test_version_1),
        T(test_usage_adds_up),
        T(test_tail_of_zeros_or_noise),
        T(test_newer_version_and_other_files),
        T(test_other_study_other_data),
        T(test_whole_records_without_sense),
        T(test_written_at_every_call),
        T(test_full_disk),
        T(test_killed_in_the_middle),
    };
#undef T
    plain_study = fixture_study(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fr_study_destroy(&plain_study);
    return failed;
}
