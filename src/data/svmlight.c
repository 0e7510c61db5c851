/* SPDX-License-Identifier: BSD-3-Clause */
/* svmlight.c - `label [qid:n] index:value ... # comment`, one row a line.
 *
 * Column 0 is the label, column 1 + i the feature with index i, called fi. Indices start at 1
 * or at 0: when 0 never occurs, f0 is not a feature. Rows come out sparse, the label first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

enum { BATCH_VALUES = 1 << 16, COLS_MAX = FR_COLUMNS_MAX };

typedef struct {
    size_t column;
    double value;
} svm_pair;

typedef struct {
    fr_reader base;
    fr_stream stream;
    uint64_t line;
    svm_pair *pair; /* of the line that was parsed last */
    size_t n_pairs, max_pairs;
    size_t *start, *column; /* of the rows that were read last, as in fr_rows */
    double *values;
    size_t max_rows, max_columns, max_values;
} svm_reader;

/* The next line, without its end and comment; length 0 when blank. *more = false at the end. */
static fr_status next_line(svm_reader *svm, fr_span *line, bool *more)
{
    FR_TRY(fr_stream_line(&svm->stream, line, more));
    if (!*more) return FR_OK;
    svm->line++;
    const char *start = line->text, *end = start + line->length;
    const char *comment = memchr(start, '#', line->length);
    if (comment != NULL) end = comment;
    while (end > start && strchr(" \t\r", end[-1]) != NULL) end--;
    *line = (fr_span){start, (size_t)(end - start)};
    return FR_OK;
}

static bool next_word(fr_span *rest, fr_span *word)
{
    const char *p = rest->text, *end = p + rest->length;
    while (p < end && (*p == ' ' || *p == '\t')) p++;
    const char *start = p;
    while (p < end && *p != ' ' && *p != '\t') p++;
    *word = (fr_span){start, (size_t)(p - start)};
    *rest = (fr_span){p, (size_t)(end - p)};
    return word->length > 0;
}

/* index:value. *index = SIZE_MAX for qid:, which says nothing of a feature. */
static fr_status parse_pair(const svm_reader *svm, fr_span word, size_t *index, double *value)
{
    char shown[FR_SHOWN_SIZE];
    const char *colon = memchr(word.text, ':', word.length);
    const size_t before = colon == NULL ? 0 : (size_t)(colon - word.text);
    size_t i = 0, number = 0;
    if (before == 3 && memcmp(word.text, "qid", 3) == 0) {
        *index = SIZE_MAX;
        return FR_OK;
    }
    for (; i < before && (unsigned)(word.text[i] - '0') < 10 && number < COLS_MAX; i++)
        number = number * 10 + (unsigned)(word.text[i] - '0');
    const fr_span rest = {colon + 1, word.length - before - 1};
    if (before == 0 || (i < before && number < COLS_MAX) || !fr_span_number(rest, value))
        return FR_FAIL(FR_ERR_DATA, "%s:%llu: `%s` is not index:value", svm->base.path,
                       (unsigned long long)svm->line, fr_span_show(word, shown));
    if (number >= COLS_MAX)
        return FR_FAIL(FR_ERR_DATA,
                       "%s:%llu: index in `%s` is too large; there can be up to %d features",
                       svm->base.path, (unsigned long long)svm->line, fr_span_show(word, shown),
                       COLS_MAX - 1);
    *index = number;
    return FR_OK;
}

static int by_column(const void *a, const void *b)
{
    const size_t x = ((const svm_pair *)a)->column, y = ((const svm_pair *)b)->column;
    return (x > y) - (x < y);
}

/* One line into svm->pair: the label in column 0, then what is stored, by column. */
static fr_status parse_row(svm_reader *svm, fr_span line)
{
    fr_span word;
    char shown[FR_SHOWN_SIZE];
    double label;
    bool ascends = true;
    if (!next_word(&line, &word) || !fr_span_number(word, &label))
        return FR_FAIL(FR_ERR_DATA, "%s:%llu: label `%s` is not a number", svm->base.path,
                       (unsigned long long)svm->line, fr_span_show(word, shown));
    svm->pair[0] = (svm_pair){0, label};
    svm->n_pairs = 1;
    while (next_word(&line, &word)) {
        size_t index = SIZE_MAX;
        double value = 0;
        FR_TRY(parse_pair(svm, word, &index, &value));
        if (index == SIZE_MAX) continue;
        FR_TRY(
            fr_grow((void **)&svm->pair, &svm->max_pairs, svm->n_pairs + 1, sizeof *svm->pair));
        ascends = ascends && index + 1 > svm->pair[svm->n_pairs - 1].column;
        svm->pair[svm->n_pairs++] = (svm_pair){index + 1, value};
    }
    if (ascends) return FR_OK;
    qsort(svm->pair, svm->n_pairs, sizeof *svm->pair, by_column);
    for (size_t k = 1; k < svm->n_pairs; k++)
        if (svm->pair[k].column == svm->pair[k - 1].column)
            return FR_FAIL(FR_ERR_DATA, "%s:%llu: index %zu occurs twice", svm->base.path,
                           (unsigned long long)svm->line, svm->pair[k].column - 1);
    return FR_OK;
}

static fr_status svm_rewind(fr_reader *reader)
{
    svm_reader *svm = (svm_reader *)reader;
    svm->line = 0;
    return fr_stream_rewind(&svm->stream);
}

/* The parsed row becomes row n of the batch. */
static fr_status keep_row(svm_reader *svm, size_t n)
{
    const size_t first = n == 0 ? 0 : svm->start[n], end = first + svm->n_pairs;
    if (svm->pair[svm->n_pairs - 1].column >= svm->base.cols)
        return FR_FAIL(FR_ERR_DATA, "%s: changed while it was read; run again", svm->base.path);
    FR_TRY(fr_grow((void **)&svm->start, &svm->max_rows, n + 2, sizeof *svm->start));
    FR_TRY(fr_grow((void **)&svm->values, &svm->max_values, end, sizeof *svm->values));
    FR_TRY(fr_grow((void **)&svm->column, &svm->max_columns, end, sizeof *svm->column));
    for (size_t k = 0; k < svm->n_pairs; k++) {
        svm->column[first + k] = svm->pair[k].column;
        svm->values[first + k] = svm->pair[k].value;
    }
    svm->start[n + 1] = end;
    return FR_OK;
}

static fr_status svm_next(fr_reader *reader, fr_rows *rows)
{
    svm_reader *svm = (svm_reader *)reader;
    size_t n = 0;
    *rows = (fr_rows){0};
    while (n == 0 || svm->start[n] < BATCH_VALUES) {
        fr_span line;
        bool more;
        FR_TRY(next_line(svm, &line, &more));
        if (!more) break;
        if (line.length == 0) continue;
        if (n == 0) rows->where = svm->line;
        if (svm->line != rows->where + n) { /* behind a gap: rows of a batch are consecutive */
            svm->stream.at = (size_t)(line.text - svm->stream.buffer);
            svm->line--;
            break;
        }
        FR_TRY(parse_row(svm, line));
        FR_TRY(keep_row(svm, n++));
    }
    rows->n = n;
    rows->values = svm->values;
    rows->start = svm->start;
    rows->column = svm->column;
    return FR_OK;
}

static void svm_close(fr_reader *reader)
{
    svm_reader *svm = (svm_reader *)reader;
    fr_stream_close(&svm->stream);
    free(svm->pair);
    free(svm->start);
    free(svm->column);
    free(svm->values);
}

/* Names for that many columns. */
static fr_status set_columns(svm_reader *svm, size_t cols)
{
    fr_names_free(svm->base.names, svm->base.cols);
    free(svm->base.wanted);
    svm->base.names = NULL;
    svm->base.cols = cols;
    FR_TRY(fr_reader_number_columns(&svm->base));
    for (size_t c = 0; c < cols; c++) {
        char name[64];
        snprintf(name, sizeof name, "f%zu", c - 1);
        free(svm->base.names[c]);
        svm->base.names[c] = fr_strdup(c == 0 ? "label" : name);
        if (svm->base.names[c] == NULL) return FR_ERR_MEMORY;
    }
    return FR_OK;
}

static fr_status learn_columns(svm_reader *svm)
{
    size_t rows = 0, low = SIZE_MAX, high = 0;
    FR_TRY(svm_rewind(&svm->base));
    for (;; rows++) {
        fr_span line = {0};
        bool more = true;
        while (more && line.length == 0) FR_TRY(next_line(svm, &line, &more));
        if (!more) break;
        FR_TRY(parse_row(svm, line));
        if (svm->n_pairs == 1) continue;
        if (svm->pair[1].column - 1 < low) low = svm->pair[1].column - 1;
        if (svm->pair[svm->n_pairs - 1].column - 1 > high)
            high = svm->pair[svm->n_pairs - 1].column - 1;
    }
    if (rows == 0) return FR_FAIL(FR_ERR_DATA, "%s: has no rows", svm->base.path);
    if (low == SIZE_MAX)
        return FR_FAIL(FR_ERR_DATA, "%s: no row has an index:value pair", svm->base.path);
    svm->base.from_one = low > 0;
    return set_columns(svm, high + 2);
}

fr_status fr_svmlight_align(fr_reader *a, fr_reader *b)
{
    fr_reader *narrow = a->cols < b->cols ? a : b;
    const size_t cols = a->cols < b->cols ? b->cols : a->cols;
    return narrow->cols == cols ? FR_OK : set_columns((svm_reader *)narrow, cols);
}

fr_status fr_svmlight_open(const fr_data_options *options, const char *path, fr_reader **out)
{
    static const fr_reader_ops ops = {svm_rewind, svm_next, NULL, NULL, svm_close};
    (void)options;
    svm_reader *svm = fr_alloc(1, sizeof *svm);
    *out = NULL;
    if (svm == NULL) return FR_ERR_MEMORY;
    svm->base = (fr_reader){.ops = &ops, .sparse = true, .named = true, .target = 0};
    fr_reader *reader = &svm->base;
    fr_status st = fr_stream_open(path, &svm->stream);
    if (st == FR_OK && (svm->base.path = fr_strdup(path)) == NULL) st = FR_ERR_MEMORY;
    if (st == FR_OK) st = fr_grow((void **)&svm->pair, &svm->max_pairs, 1, sizeof *svm->pair);
    if (st == FR_OK) st = fr_grow((void **)&svm->start, &svm->max_rows, 1, sizeof *svm->start);
    if (st == FR_OK) st = learn_columns(svm);
    if (st != FR_OK) fr_reader_close(&reader);
    *out = reader;
    return st;
}
