/* SPDX-License-Identifier: BSD-3-Clause */
/* csv.c - the reader of tables in text. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

typedef struct {
    fr_reader base;
    fr_splitter splitter;
    bool header;
    uint64_t first_line; /* of the record that set the number of columns */
} csv_reader;

static fr_status csv_rewind(fr_reader *reader)
{
    csv_reader *csv = (csv_reader *)reader;
    FR_TRY(fr_splitter_rewind(&csv->splitter));
    return csv->header ? fr_splitter_next(&csv->splitter) : FR_OK;
}

static fr_status csv_next(fr_reader *reader, fr_rows *rows)
{
    csv_reader *csv = (csv_reader *)reader;
    fr_splitter *s = &csv->splitter;
    FR_TRY(fr_splitter_next(s));
    if (reader->pads && s->n != 0) FR_TRY(fr_splitter_pad(s, reader->cols));
    if (s->n != 0 && s->n != reader->cols)
        return FR_FAIL(FR_ERR_DATA, "%s:%llu: has %zu cells where line %llu has %zu",
                       reader->path, (unsigned long long)s->line, s->n,
                       (unsigned long long)csv->first_line, reader->cols);
    *rows = (fr_rows){.n = s->n != 0, .texts = s->cell, .where = s->line};
    return FR_OK;
}

static void csv_close(fr_reader *reader)
{
    csv_reader *csv = (csv_reader *)reader;
    fr_stream_close(&csv->splitter.stream);
    free(csv->splitter.cell);
    free(csv->splitter.doubled);
}

typedef struct {
    const char *name;
    size_t position; /* from 1 */
} placed_name;

static int compare_names(const void *left, const void *right)
{
    const placed_name *a = left, *b = right;
    const int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->position > b->position) - (a->position < b->position);
}

/* Two columns of one name: nobody could say which is meant. */
static fr_status check_unique(const csv_reader *csv)
{
    const size_t cols = csv->base.cols;
    placed_name *order = fr_alloc(cols, sizeof *order);
    if (order == NULL) return FR_ERR_MEMORY;
    for (size_t c = 0; c < cols; c++) order[c] = (placed_name){csv->base.names[c], c + 1};
    qsort(order, cols, sizeof *order, compare_names);
    fr_status st = FR_OK;
    for (size_t i = 1; i < cols && st == FR_OK; i++)
        if (strcmp(order[i - 1].name, order[i].name) == 0)
            st = FR_FAIL(FR_ERR_DATA, "%s:%llu: columns %zu and %zu are both called `%s`",
                         csv->base.path, (unsigned long long)csv->first_line,
                         order[i - 1].position, order[i].position, order[i].name);
    free(order);
    return st;
}

/* Names from the header; a column without one, as pandas writes its index, is c0, c1, ... */
static fr_status take_names(csv_reader *csv)
{
    for (size_t c = 0; c < csv->base.cols; c++) {
        const fr_span cell = csv->splitter.cell[c];
        if (cell.length == 0) continue;
        char *name = malloc(cell.length + 1);
        if (name == NULL) return FR_FAIL(FR_ERR_MEMORY, "out of memory");
        memcpy(name, cell.text, cell.length);
        name[cell.length] = '\0';
        free(csv->base.names[c]);
        csv->base.names[c] = name;
    }
    return check_unique(csv);
}

static fr_status look_at_start(csv_reader *csv, const fr_data_options *options)
{
    fr_splitter *s = &csv->splitter;
    FR_TRY(fr_csv_sniff(s, options, &csv->header));
    FR_TRY(fr_splitter_next(s));
    if (s->n == 0) return FR_FAIL(FR_ERR_DATA, "%s: is empty", csv->base.path);
    csv->base.cols = s->n;
    csv->base.named = csv->header;
    csv->first_line = s->line;
    FR_TRY(fr_reader_number_columns(&csv->base));
    return csv->header ? take_names(csv) : FR_OK;
}

fr_status fr_csv_open(const fr_data_options *options, const char *path, fr_reader **out)
{
    static const fr_reader_ops ops = {csv_rewind, csv_next, NULL, NULL, csv_close};
    csv_reader *csv = fr_alloc(1, sizeof *csv);
    if (csv == NULL) return FR_ERR_MEMORY;
    csv->base.ops = &ops;
    csv->base.target = -1;
    fr_reader *reader = &csv->base;
    fr_status st = fr_stream_open(path, &csv->splitter.stream);
    if (st == FR_OK && (csv->base.path = fr_strdup(path)) == NULL) st = FR_ERR_MEMORY;
    if (st == FR_OK) st = look_at_start(csv, options);
    if (st != FR_OK) fr_reader_close(&reader);
    *out = reader;
    return st;
}
