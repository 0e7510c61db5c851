/* SPDX-License-Identifier: BSD-3-Clause */
/* data_fixture.h - files in a temporary directory, and data sets read from them. */
#ifndef TEST_DATA_FIXTURE_H
#define TEST_DATA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "foldrank/data.h"
#include "foldrank/memory.h"

/* A data set and all that it borrows. */
typedef struct {
    fr_data_options options;
    fr_test_options test;
    char dir[64];
    fr_dataset set;
    void *block;
} data_case;

static inline void case_start(data_case *c)
{
    *c = (data_case){0};
    strcpy(c->dir, "/tmp/foldrank-data-XXXXXX");
    assert_non_null(mkdtemp(c->dir));
    assert_int_equal(fr_data_options_defaults(&c->options), FR_OK);
    assert_int_equal(fr_option_defaults(fr_test_option_table, fr_test_option_count, &c->test),
                     FR_OK);
}

static inline void case_forget(data_case *c)
{
    fr_dataset_clear(&c->set);
    free(c->block);
    c->block = NULL;
}

static inline void case_end(data_case *c)
{
    char command[128];
    case_forget(c);
    fr_data_options_clear(&c->options);
    fr_option_clear(fr_test_option_table, fr_test_option_count, &c->test);
    snprintf(command, sizeof command, "rm -rf %s", c->dir);
    assert_int_equal(system(command), 0);
}

/* Set an option; "test.path" and the like are those of the test part. */
static inline void case_set(data_case *c, const char *name, const char *text)
{
    const bool test = strncmp(name, "test.", 5) == 0;
    const fr_option *row =
        test ? fr_option_find(fr_test_option_table, fr_test_option_count, name + 5)
             : fr_option_find(fr_data_option_table, fr_data_option_count, name);
    assert_non_null(row);
    assert_int_equal(fr_option_set(row, text, test ? (void *)&c->test : (void *)&c->options),
                     FR_OK);
}

/* Write a file, gzipped when its name ends so, and make it the option's value. */
static inline void case_bytes(data_case *c, const char *option, const char *name,
                              const void *bytes, size_t n)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", c->dir, name);
    const bool zip = strlen(name) > 3 && strcmp(name + strlen(name) - 3, ".gz") == 0;
    gzFile file = gzopen(path, zip ? "wb" : "wbT");
    assert_non_null(file);
    assert_int_equal(n == 0 ? 0 : gzwrite(file, bytes, (unsigned)n), n);
    assert_int_equal(gzclose(file), Z_OK);
    case_set(c, option, path);
}

static inline void case_text(data_case *c, const char *name, const char *text)
{
    case_bytes(c, "path", name, text, strlen(text));
}

static inline void case_test_text(data_case *c, const char *name, const char *text)
{
    case_bytes(c, "test.path", name, text, strlen(text));
}

static inline fr_status case_try(data_case *c)
{
    case_forget(c);
    return fr_dataset_read(&c->options, &c->test, &c->block, &c->set);
}

static inline void case_read(data_case *c)
{
    const fr_status st = case_try(c);
    if (st != FR_OK) print_message("%s\n", fr_status_message());
    assert_int_equal(st, FR_OK);
}

/* Reading fails with a sentence that holds `part`. */
static inline void case_fails(data_case *c, fr_status status, const char *part)
{
    const fr_status st = case_try(c);
    if (st != status || strstr(fr_status_message(), part) == NULL)
        print_message("wanted `%s`, got `%s`\n", part,
                      st == FR_OK ? "ok" : fr_status_message());
    assert_int_equal(st, status);
    assert_non_null(strstr(fr_status_message(), part));
    assert_null(c->block);
}

static inline float case_cell(const data_case *c, size_t row, size_t column)
{
    const size_t i = row * c->set.schema.cols + column;
    switch (c->set.schema.cell) {
    case FR_CELL_U8:
        return ((const uint8_t *)c->set.x)[i];
    case FR_CELL_I16:
        return ((const int16_t *)c->set.x)[i];
    default:
        return ((const float *)c->set.x)[i];
    }
}

#endif
