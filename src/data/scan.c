/* SPDX-License-Identifier: BSD-3-Clause */
/* scan.c - the first reading: how many rows, what kind of column, which values.
 *
 * A column is categorical when a cell of it is a text. Its numbers before that text are values
 * of it too; when there were any, the files are read once more. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

/* A column with more numbers than this share has typing errors, not categories. */
static const double SURELY_NUMERIC = 0.95;

typedef struct {
    fr_source *source;
    const fr_reader *reader;
    size_t part;
    uint64_t where;
} scan_place;

static bool is_needed(const fr_field *field)
{
    return field->role != FR_ROLE_FEATURE && field->role != FR_ROLE_DROP;
}

static fr_status note_missing(const scan_place *at, fr_field *field)
{
    static const char *const what[] = {
        [FR_ROLE_TARGET] = "target", [FR_ROLE_GROUP] = "group",   [FR_ROLE_FOLD] = "fold",
        [FR_ROLE_TIME] = "time",     [FR_ROLE_WEIGHT] = "weight", [FR_ROLE_TEST] = "test mark"};
    field->n_missing++;
    if (!is_needed(field) || at->source->like) return FR_OK;
    char place[FR_PLACE_SIZE];
    return FR_FAIL(FR_ERR_DATA, "%s: no value in column `%s`, the %s; %s",
                   fr_reader_place(at->reader, at->where, place), field->name,
                   what[field->role],
                   at->reader->row_names != NULL
                       ? "data.pattern says how the names of files tell it, a list names it"
                       : "remove the row or fill it in");
}

static fr_status note_number(const scan_place *at, fr_field *field, double value)
{
    char place[FR_PLACE_SIZE], number[FR_NUMBER_SIZE];
    const bool weight = field->role == FR_ROLE_WEIGHT && value < 0,
               mark = field->role == FR_ROLE_TEST && value != 0 && value != 1;
    if (fabs(value) > FLT_MAX || weight || mark)
        return FR_FAIL(FR_ERR_DATA, "%s: column `%s` has %s; %s",
                       fr_reader_place(at->reader, at->where, place), field->name,
                       fr_format_double(value, number),
                       weight ? "a weight must be 0 or more"
                       : mark ? "a test mark must be 0 or 1"
                              : "numbers must be finite and fit float32");
    if (field->n_numbers++ == 0) {
        field->low = field->high = value;
        field->whole = true;
    }
    if (value < field->low) field->low = value;
    if (value > field->high) field->high = value;
    field->whole = field->whole && (fabs(value) > 0x1p52 || value == (double)(int64_t)value);
    return FR_OK;
}

static fr_status too_many_values(const scan_place *at, const fr_field *field)
{
    if (field->role == FR_ROLE_TARGET)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: target `%s` has more than %d different values; for "
                       "numbers set data.task: regression",
                       at->reader->path, field->name, FR_VALUES_MAX);
    return FR_FAIL(FR_ERR_DATA,
                   "%s: column `%s` has more than %d different values, as an "
                   "identifier has; name it in data.drop",
                   at->reader->path, field->name, FR_VALUES_MAX);
}

/* Whether the order of such texts is that of their letters: whole fields with all their digits,
 * as ISO 8601 has them, in one time zone. */
static bool is_date(fr_span text)
{
    static const char pattern[] = "dddd-dd-ddTdd:dd:dd";
    size_t length = text.length;
    if (length > 10 && text.text[length - 1] == 'Z') length--;
    for (size_t i = 0; i < length; i++) {
        const char c = text.text[i], want = i < sizeof pattern - 1 ? pattern[i] : 'd';
        const bool digit = c >= '0' && c <= '9';
        if (i == sizeof pattern - 1 ? c != '.'
            : want == 'd'           ? !digit
            : want == 'T'           ? c != 'T' && c != ' '
                                    : c != want)
            return false;
    }
    return length == 7 || length == 10 || length == 16 || length == 19 || length > 20;
}

/* Times have an order: all are numbers, or dates. */
static fr_status check_time(const scan_place *at, const fr_field *field, fr_key key)
{
    char place[FR_PLACE_SIZE], shown[FR_SHOWN_SIZE], number[FR_NUMBER_SIZE];
    const bool alike = key.is_number == field->dict.entry[0].is_number;
    if (alike && (key.is_number || is_date(key.text))) return FR_OK;
    return FR_FAIL(FR_ERR_DATA,
                   "%s: column `%s`, the time, has `%s`; times are all numbers, or all dates "
                   "such as 2024-05-31 or 2024-05-31T12:00:00",
                   fr_reader_place(at->reader, at->where, place), field->name,
                   key.is_number && key.text.length == 0 ? fr_format_double(key.number, number)
                                                         : fr_span_show(key.text, shown));
}

static fr_status note_key(const scan_place *at, fr_field *field, fr_key key)
{
    uint32_t index;
    if (field->overflowed) return FR_OK;
    if (field->fixed) {
        field->n_missing += !fr_dict_find(&field->dict, key, &index);
        return FR_OK;
    }
    const size_t before = field->dict.n;
    FR_TRY(fr_dict_add(&field->dict, key, &index));
    const bool fresh = field->dict.n > before;
    if (fresh && field->role == FR_ROLE_TARGET && at->part > 0) {
        char place[FR_PLACE_SIZE], shown[FR_SHOWN_SIZE], number[FR_NUMBER_SIZE];
        return FR_FAIL(FR_ERR_DATA, "%s: class `%s` occurs in the test file only",
                       fr_reader_place(at->reader, at->where, place),
                       key.text.length > 0 ? fr_span_show(key.text, shown)
                                           : fr_format_double(key.number, number));
    }
    if (fresh && field->role == FR_ROLE_TIME) FR_TRY(check_time(at, field, key));
    if (field->dict.n <= FR_VALUES_MAX || field->role == FR_ROLE_GROUP ||
        field->role == FR_ROLE_TIME)
        return FR_OK;
    if (field->coded) return too_many_values(at, field);
    field->overflowed = true;
    return FR_OK;
}

/* A text where so far only numbers were. */
static fr_status note_text(const scan_place *at, fr_field *field, fr_span cell)
{
    char place[FR_PLACE_SIZE], shown[FR_SHOWN_SIZE];
    fr_reader_place(at->reader, at->where, place);
    fr_span_show(cell, shown);
    if (field->role == FR_ROLE_TARGET)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: target `%s` is `%s`, not a number, but data.task is "
                       "regression",
                       place, field->name, shown);
    if (is_needed(field) || at->source->like)
        return FR_FAIL(FR_ERR_DATA, "%s: column `%s` is `%s`, not a number", place, field->name,
                       shown);
    if (field->n_texts++ == 0) {
        fr_text text = {0};
        fr_text_add(&text, "%s: column `%s` is `%s`", place, field->name, shown);
        if (text.failed) return FR_ERR_MEMORY;
        free(field->first_text);
        field->first_text = text.data;
        field->numbers_before = field->n_numbers;
    }
    return note_key(at, field, fr_key_of_text(cell));
}

static fr_status scan_text(const scan_place *at, fr_field *field, fr_span cell)
{
    double value;
    if (fr_span_missing(cell, &at->source->missing)) return note_missing(at, field);
    if (field->coded) return note_key(at, field, fr_key_of_text(cell));
    if (field->role == FR_ROLE_TEST) {
        const int mark = fr_test_mark(&at->source->marks, fr_key_of_text(cell));
        return mark < 0 ? note_text(at, field, cell) : note_number(at, field, mark);
    }
    if (!fr_span_number(cell, &value)) return note_text(at, field, cell);
    FR_TRY(note_number(at, field, value));
    return field->n_texts > 0 ? note_key(at, field, fr_key_of_text(cell)) : FR_OK;
}

static fr_status scan_number(const scan_place *at, fr_field *field, size_t column, double value)
{
    if (isnan(value)) return note_missing(at, field);
    const bool test = field->role == FR_ROLE_TEST;
    if (!field->coded && !test) return note_number(at, field, value);
    fr_key key;
    FR_TRY(fr_reader_key(at->reader, column, value, at->where, &key));
    if (test) {
        const int mark = fr_test_mark(&at->source->marks, key);
        if (mark >= 0) return note_number(at, field, mark);
        return key.is_number ? note_number(at, field, value) : note_text(at, field, key.text);
    }
    return note_key(at, field, key);
}

static bool wants_scan(const fr_source *source, const fr_reader *reader, const ptrdiff_t *map,
                       size_t column)
{
    if (map[column] < 0) return false;
    const fr_field *field = &source->field[map[column]];
    return !reader->typed || field->coded || field->role != FR_ROLE_FEATURE;
}

/* Cells that sparse rows do not store are zeros: one look at a zero does for all of a column.
 * stored: (cols) how many cells of each column were there. */
static fr_status scan_stored(scan_place *at, const ptrdiff_t *map, const fr_rows *rows,
                             size_t *stored)
{
    for (size_t r = 0; r < rows->n; r++) {
        at->where = rows->where + r;
        for (size_t c = 0; c < at->reader->n_plain; c++)
            if (at->reader->wanted[c])
                FR_TRY(scan_text(at, &at->source->field[map[c]], rows->texts[c]));
        for (size_t k = rows->start[r]; k < rows->start[r + 1]; k++) {
            const size_t c = rows->column[k];
            if (!at->reader->wanted[c]) continue;
            fr_field *field = &at->source->field[map[c]];
            stored[c]++;
            at->source->stored += field->role == FR_ROLE_FEATURE && (float)rows->values[k] != 0;
            FR_TRY(scan_number(at, field, c, rows->values[k]));
        }
    }
    return FR_OK;
}

static fr_status scan_zeros(scan_place *at, const ptrdiff_t *map, const size_t *stored,
                            size_t n_rows)
{
    for (size_t c = at->reader->n_plain; c < at->reader->cols; c++)
        if (at->reader->wanted[c] && stored[c] < n_rows)
            FR_TRY(scan_number(at, &at->source->field[map[c]], c, 0));
    return FR_OK;
}

static fr_status scan_sparse(scan_place *at, fr_reader *reader, const ptrdiff_t *map,
                             size_t *n_rows)
{
    fr_rows rows;
    size_t *stored = fr_alloc(reader->cols, sizeof *stored);
    if (stored == NULL) return FR_ERR_MEMORY;
    fr_status st = reader->ops->rewind(reader);
    do {
        if (st == FR_OK) st = reader->ops->next(reader, &rows);
        if (st == FR_OK) st = scan_stored(at, map, &rows, stored);
        if (st == FR_OK) *n_rows += rows.n;
    } while (st == FR_OK && rows.n > 0);
    if (st == FR_OK) st = scan_zeros(at, map, stored, *n_rows);
    free(stored);
    return st;
}

static fr_status scan_rows(scan_place *at, const ptrdiff_t *map, const fr_rows *rows)
{
    const size_t cols = at->reader->cols;
    for (size_t r = 0; r < rows->n; r++) {
        at->where = rows->where + r;
        for (size_t c = 0; c < cols; c++) {
            if (!at->reader->wanted[c]) continue;
            fr_field *field = &at->source->field[map[c]];
            FR_TRY(rows->texts != NULL ? scan_text(at, field, rows->texts[c])
                                       : scan_number(at, field, c, rows->values[r * cols + c]));
        }
    }
    return FR_OK;
}

static fr_status scan_reader(fr_source *source, size_t p, fr_reader *reader,
                             const ptrdiff_t *map, size_t *n_rows)
{
    size_t n_wanted = 0;
    for (size_t c = 0; c < reader->cols; c++) {
        reader->wanted[c] = wants_scan(source, reader, map, c);
        n_wanted += reader->wanted[c];
    }
    *n_rows = reader->rows;
    if (reader->typed && n_wanted == 0) return FR_OK;
    scan_place at = {.source = source, .reader = reader, .part = p};
    fr_rows rows;
    *n_rows = 0;
    if (reader->sparse) return scan_sparse(&at, reader, map, n_rows);
    FR_TRY(reader->ops->rewind(reader));
    do {
        FR_TRY(reader->ops->next(reader, &rows));
        FR_TRY(scan_rows(&at, map, &rows));
        *n_rows += rows.n;
    } while (rows.n > 0);
    return FR_OK;
}

static fr_status scan_parts(fr_source *source)
{
    for (size_t p = 0; p < source->n_parts; p++) {
        fr_part *part = &source->part[p];
        FR_TRY(scan_reader(source, p, part->reader, part->field, &part->rows));
        if (part->rows == 0) return FR_FAIL(FR_ERR_DATA, "%s: has no rows", part->reader->path);
        if (part->labels == NULL) continue;
        size_t labels;
        FR_TRY(scan_reader(source, p, part->labels, part->labels_field, &labels));
        if (labels != part->rows)
            return FR_FAIL(FR_ERR_DATA, "%s: has %zu labels for the %zu rows of %s%s",
                           part->labels->path, labels, part->rows, part->reader->path,
                           labels == part->rows + 1
                               ? "; if its first line is a name, set data.header: true"
                               : "");
    }
    return FR_OK;
}

/* Is a column with texts categorical, or does it have a mistake? *again: its values were not
 * all noted. */
static fr_status settle_kind(fr_field *field, bool *again)
{
    const double numbers = (double)field->n_numbers, texts = (double)field->n_texts;
    if (field->coded || field->n_texts == 0) return FR_OK;
    if (numbers > SURELY_NUMERIC * (numbers + texts))
        return FR_FAIL(
            FR_ERR_DATA,
            "%s, where %llu other cells are numbers; correct it, or name the text in "
            "data.missing, or the column in data.categorical",
            field->first_text, (unsigned long long)field->n_numbers);
    if (field->overflowed)
        return FR_FAIL(FR_ERR_DATA,
                       "%s, and it has more than %d different values, as an "
                       "identifier has; name the column in data.drop",
                       field->first_text, FR_VALUES_MAX);
    if (field->n_numbers > 0)
        fr_log(FR_LOG_WARN,
               "data mixed_column text=\"%s\" texts=%llu numbers=%llu taken_as=categories",
               field->first_text, (unsigned long long)field->n_texts,
               (unsigned long long)field->n_numbers);
    field->coded = true;
    *again |= field->numbers_before > 0;
    return FR_OK;
}

static fr_status check_marks(const fr_source *source, const fr_field *field)
{
    if (source->marks.n == 0 || field->high > 0) return FR_OK;
    return FR_FAIL(
        FR_ERR_DATA, "%s: no row has one of the %zu data.test.values (`%s` ...) in column `%s`",
        source->part[0].reader->path, source->marks.n, source->marks.item[0], field->name);
}

static void forget(fr_field *field)
{
    if (!field->fixed) fr_dict_clear(&field->dict);
    field->n_numbers = field->n_texts = field->n_missing = field->numbers_before = 0;
}

fr_status fr_scan(fr_source *source)
{
    bool again = false;
    source->stored = 0;
    FR_TRY(scan_parts(source));
    for (size_t f = 0; f < source->n_fields; f++)
        if (source->field[f].role == FR_ROLE_FEATURE)
            FR_TRY(settle_kind(&source->field[f], &again));
        else if (source->field[f].role == FR_ROLE_TEST)
            FR_TRY(check_marks(source, &source->field[f]));
    if (again) {
        for (size_t f = 0; f < source->n_fields; f++) forget(&source->field[f]);
        source->stored = 0;
        FR_TRY(scan_parts(source));
    }
    for (size_t f = 0; f < source->n_fields; f++)
        if (source->field[f].coded && !source->field[f].fixed)
            FR_TRY(fr_dict_order(&source->field[f].dict));
    return FR_OK;
}
