/* SPDX-License-Identifier: BSD-3-Clause */
/* test_fit_file.c - files of fits under way: what comes back is what was kept, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "foldrank/store.h"
#include "store_fixture.h"

static size_t sweep(const fr_history *history, bool all)
{
    const fr_history *const both[] = {history, history}; /* the study's search, and search 1 */
    return fr_fit_files_sweep(fixture_dir, both, 2, all);
}

static const fr_fit_id fit = {.trial = 12, .fold = 3, .key = 0x1234567890abcdef};

static const char *file_of(const char *name)
{
    static char path[64];
    snprintf(path, sizeof path, "fits/%s", name);
    return fixture_path(path);
}

static bool is_there(const char *name)
{
    return access(file_of(name), F_OK) == 0;
}

/* Three parts, one of them empty, that make `size` bytes. */
static void keep(const fr_fit_id *id, size_t size)
{
    unsigned char *bytes = fr_alloc(size, 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) bytes[i] = (unsigned char)(i * 7 + size);
    const fr_fit_part parts[] = {
        {bytes, size / 3}, {NULL, 0}, {bytes + size / 3, size - size / 3}};
    assert_int_equal(fr_fit_file_write(fixture_dir, id, parts, 3), FR_OK);
    free(bytes);
}

static void expect(const fr_fit_id *id, size_t size)
{
    void *bytes = NULL;
    size_t n = 0;
    assert_int_equal(fr_fit_file_read(fixture_dir, id, &bytes, &n), FR_OK);
    assert_non_null(bytes);
    assert_int_equal(n, size);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(((unsigned char *)bytes)[i], (unsigned char)(i * 7 + size));
    free(bytes);
}

static void refuse(const fr_fit_id *id, const char *words)
{
    void *bytes = NULL;
    size_t n = 0;
    assert_int_equal(fr_fit_file_read(fixture_dir, id, &bytes, &n), FR_ERR_FORMAT);
    assert_null(bytes);
    if (strstr(fr_status_message(), words) == NULL)
        print_message("wanted `%s`, got `%s`\n", words, fr_status_message());
    assert_non_null(strstr(fr_status_message(), words));
}

static void comes_back_as_it_was(void **state)
{
    (void)state;
    void *bytes = NULL;
    size_t n = 1;
    assert_int_equal(fr_fit_file_read(fixture_dir, &fit, &bytes, &n), FR_OK);
    assert_null(bytes);
    static const size_t sizes[] = {1, 0, 1000, 999983, 17};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        keep(&fit, sizes[i]);
        expect(&fit, sizes[i]);
    }
    assert_true(is_there("12-3"));
    assert_false(is_there("12-3.tmp"));
    fr_fit_file_remove(fixture_dir, &fit);
    assert_false(is_there("12-3"));
    fr_fit_file_remove(fixture_dir, &fit);
}

static void flip(unsigned char *bytes, size_t size, size_t at)
{
    bytes[at] ^= 0x10;
    fixture_write("fits/12-3", bytes, size);
}

/* At every length shorter than the whole, and with every byte damaged. */
static void torn_or_damaged_is_refused(void **state)
{
    (void)state;
    keep(&fit, 50);
    size_t size = 0;
    unsigned char *bytes = fixture_read("fits/12-3", &size);
    for (size_t at = 0; at < size; at++) {
        flip(bytes, size, at);
        refuse(&fit, "12-3");
        flip(bytes, size, at);
    }
    expect(&fit, 50);
    for (size_t cut = size; cut-- > 0;) {
        fixture_write("fits/12-3", bytes, cut);
        refuse(&fit, cut < 8 ? "not the state of a fit" : "12-3");
    }
    bytes[size] = 0; /* the fixture leaves room for one more */
    fixture_write("fits/12-3", bytes, size + 1);
    refuse(&fit, "torn");
    free(bytes);
    fr_fit_file_remove(fixture_dir, &fit);
}

static void of_another_is_refused(void **state)
{
    (void)state;
    fr_fit_id other = fit;
    keep(&fit, 50);
    other.key++;
    refuse(&other, "another study");
    other = fit;
    other.trial++;
    char from[128];
    strcpy(from, file_of("12-3"));
    assert_int_equal(rename(from, file_of("13-3")), 0);
    refuse(&other, "another study");
    assert_int_equal(sweep(&(fr_history){0}, true), 0);
}

static void cannot_be_written_leaves_the_old_one(void **state)
{
    (void)state;
    keep(&fit, 50);
    assert_int_equal(mkdir(file_of("12-3.tmp"), 0777), 0); /* in the way, also of root */
    const fr_fit_part part = {"abc", 3};
    assert_int_equal(fr_fit_file_write(fixture_dir, &fit, &part, 1), FR_ERR_IO);
    expect(&fit, 50);
    assert_int_equal(rmdir(file_of("12-3.tmp")), 0);
    fr_fit_file_remove(fixture_dir, &fit);
}

static void touch(const char *name)
{
    FILE *file = fopen(file_of(name), "w");
    assert_non_null(file);
    fclose(file);
}

/* What the histories have goes, what is under way stays, strangers' files are left alone. */
static void sweeping(void **state)
{
    (void)state;
    fr_study *study = fixture_study(NULL);
    fr_history *history = NULL;
    assert_int_equal(fr_history_create(&study->space, FIXTURE_FOLDS, true, &history), FR_OK);
    double *point = fr_alloc(study->space.n, sizeof *point);
    assert_non_null(point);
    for (int t = 0; t < 2; t++) assert_int_equal(fr_history_add_trial(history, point), FR_OK);
    fr_fold_result filed = {.trial = 1, .fold = 2, .state = FR_TRIAL_COMPLETE, .score = 1};
    assert_int_equal(fr_history_add_fold(history, &filed), FR_OK);

    keep(&fit, 5);
    static const char *const gone[] = {"1-2", "0-0.tmp", "1-1.tmp", "1-1-2"};
    static const char *const kept[] = {"0-0", "1-1", "1-3", "2-0", "12-3", "2-1-2"};
    static const char *const strange[] = {"notes.txt", "1-2.bak", "01-2", "0-1-2"};
    for (size_t i = 0; i < 4; i++) touch(gone[i]);
    for (size_t i = 0; i < 6; i++) touch(kept[i]);
    for (size_t i = 0; i < 4; i++) touch(strange[i]);
    assert_int_equal(sweep(history, false), 6);
    for (size_t i = 0; i < 4; i++) assert_false(is_there(gone[i]));
    for (size_t i = 0; i < 6; i++) assert_true(is_there(kept[i]));
    assert_int_equal(sweep(history, true), 0);
    for (size_t i = 0; i < 6; i++) assert_false(is_there(kept[i]));
    for (size_t i = 0; i < 4; i++) {
        assert_true(is_there(strange[i]));
        assert_int_equal(unlink(file_of(strange[i])), 0);
    }
    assert_int_equal(sweep(history, true), 0);
    assert_int_not_equal(access(file_of(""), F_OK), 0);
    assert_int_equal(sweep(history, true), 0);
    free(point);
    fr_history_destroy(&history);
    fr_study_destroy(&study);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(torn_or_damaged_is_refused),
        cmocka_unit_test(of_another_is_refused),
        cmocka_unit_test(cannot_be_written_leaves_the_old_one),
        cmocka_unit_test(sweeping),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
