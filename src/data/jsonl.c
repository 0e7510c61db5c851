/* SPDX-License-Identifier: BSD-3-Clause */
/* jsonl.c - JSON lines: an object a line, its keys are columns.
 *
 * A row comes out as texts, so that a column means what it would in CSV: a number in its
 * shortest form, `true` and `false` as such words, null or a key that is not there as an empty
 * cell. The columns are the keys of all lines, in the order they come; a first reading collects
 * them. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

typedef char number_text[FR_NUMBER_SIZE];

typedef struct {
    fr_reader base;
    fr_stream stream;
    uint64_t line;
    json_t *object; /* of the line that was read last; owns the texts of its cells */
    fr_dict keys;
    fr_span *cell;       /* (cols) */
    number_text *number; /* (cols) */
} jsonl_reader;

static const char *kind_of(const json_t *value)
{
    return json_is_array(value)    ? "a list"
           : json_is_object(value) ? "an object"
           : json_is_string(value) ? "a string"
           : json_is_number(value) ? "a number"
                                   : "no value";
}

static fr_status bad_json(const jsonl_reader *j, const json_error_t *error)
{
    const unsigned long long line = (unsigned long long)j->line;
    if (json_error_code(error) == json_error_invalid_utf8)
        return FR_FAIL(FR_ERR_DATA,
                       "%s:%llu: is not UTF-8; convert the file (iconv -f LATIN1 -t UTF-8)",
                       j->base.path, line);
    return FR_FAIL(FR_ERR_DATA,
                   "%s:%llu: is not JSON, at column %d: %s; each line is one object",
                   j->base.path, line, error->column, error->text);
}

static fr_status parse_line(jsonl_reader *j, fr_span line)
{
    json_error_t error;
    if (j->line == 1 && line.text[0] == '[')
        return FR_FAIL(FR_ERR_DATA,
                       "%s: is one list of JSON, not lines; write an object a line: jq -c "
                       "'.[]' FILE",
                       j->base.path);
    json_decref(j->object);
    j->object =
        json_loadb(line.text, line.length,
                   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    if (j->object == NULL) return bad_json(j, &error);
    if (json_is_object(j->object)) return FR_OK;
    return FR_FAIL(FR_ERR_DATA, "%s:%llu: is %s, not an object such as {\"text\": \"...\"}",
                   j->base.path, (unsigned long long)j->line, kind_of(j->object));
}

/* The next line with an object; *more = false at the end. */
static fr_status next_object(jsonl_reader *j, bool *more)
{
    for (;;) {
        fr_span line;
        FR_TRY(fr_stream_line(&j->stream, &line, more));
        if (!*more) return FR_OK;
        if (j->line++ == 0 && line.length >= 3 && memcmp(line.text, "\xEF\xBB\xBF", 3) == 0)
            line = (fr_span){line.text + 3, line.length - 3};
        while (line.length > 0 && strchr(" \t\r", line.text[line.length - 1]) != NULL)
            line.length--;
        if (line.length > 0) return parse_line(j, line);
    }
}

static fr_status take_value(jsonl_reader *j, const char *key, const json_t *value)
{
    uint32_t c = 0;
    if (!fr_dict_find(&j->keys, (fr_key){.text = {key, strlen(key)}}, &c))
        return FR_FAIL(FR_ERR_DATA, "%s: changed while it was read; run again", j->base.path);
    if (!j->base.wanted[c] || json_is_null(value)) return FR_OK;
    if (json_is_string(value)) {
        j->cell[c] = (fr_span){json_string_value(value), json_string_length(value)};
    } else if (json_is_number(value)) {
        fr_format_double(json_number_value(value), j->number[c]);
        j->cell[c] = (fr_span){j->number[c], strlen(j->number[c])};
    } else if (json_is_boolean(value)) {
        j->cell[c] = json_is_true(value) ? (fr_span){"true", 4} : (fr_span){"false", 5};
    } else {
        return FR_FAIL(
            FR_ERR_DATA,
            "%s:%llu: `%s` is %s; a cell is a number, a string, true, false or null: "
            "write its parts as keys of their own, or name it in data.drop",
            j->base.path, (unsigned long long)j->line, key, kind_of(value));
    }
    return FR_OK;
}

static fr_status jsonl_next(fr_reader *reader, fr_rows *rows)
{
    jsonl_reader *j = (jsonl_reader *)reader;
    bool more;
    const char *key;
    json_t *value;
    FR_TRY(next_object(j, &more));
    *rows = (fr_rows){.n = more, .texts = j->cell, .where = j->line};
    if (!more) return FR_OK;
    for (size_t c = 0; c < reader->cols; c++) j->cell[c] = (fr_span){"", 0};
    json_object_foreach(j->object, key, value) FR_TRY(take_value(j, key, value));
    return FR_OK;
}

static fr_status jsonl_rewind(fr_reader *reader)
{
    jsonl_reader *j = (jsonl_reader *)reader;
    j->line = 0;
    return fr_stream_rewind(&j->stream);
}

static void jsonl_close(fr_reader *reader)
{
    jsonl_reader *j = (jsonl_reader *)reader;
    fr_stream_close(&j->stream);
    json_decref(j->object);
    fr_dict_clear(&j->keys);
    free(j->cell);
    free(j->number);
}

static fr_status learn_keys(jsonl_reader *j)
{
    const char *key;
    json_t *value;
    for (;;) {
        bool more;
        FR_TRY(next_object(j, &more));
        if (!more) break;
        json_object_foreach(j->object, key, value)
        {
            uint32_t index;
            FR_TRY(fr_dict_add(&j->keys, (fr_key){.text = {key, strlen(key)}}, &index));
        }
        if (j->keys.n > FR_COLUMNS_MAX)
            return FR_FAIL(FR_ERR_DATA, "%s:%llu: more than %d different keys", j->base.path,
                           (unsigned long long)j->line, FR_COLUMNS_MAX);
    }
    if (j->keys.n > 0) return FR_OK;
    return FR_FAIL(FR_ERR_DATA, "%s: is empty", j->base.path);
}

static fr_status name_columns(jsonl_reader *j)
{
    fr_reader *r = &j->base;
    r->cols = j->keys.n;
    FR_TRY(fr_reader_number_columns(r));
    for (size_t c = 0; c < r->cols; c++) {
        free(r->names[c]);
        r->names[c] = fr_strdup(j->keys.entry[c].text.text);
        if (r->names[c] == NULL) return FR_ERR_MEMORY;
    }
    j->cell = fr_alloc(r->cols, sizeof *j->cell);
    j->number = fr_alloc(r->cols, sizeof *j->number);
    return j->cell == NULL || j->number == NULL ? FR_ERR_MEMORY : FR_OK;
}

fr_status fr_jsonl_open(const fr_data_options *options, const char *path, fr_reader **out)
{
    static const fr_reader_ops ops = {jsonl_rewind, jsonl_next, NULL, NULL, jsonl_close};
    (void)options;
    *out = NULL;
    jsonl_reader *j = fr_alloc(1, sizeof *j);
    if (j == NULL) return FR_ERR_MEMORY;
    j->base = (fr_reader){.ops = &ops, .named = true, .target = -1};
    fr_reader *reader = &j->base;
    fr_status st = fr_stream_open(path, &j->stream);
    if (st == FR_OK && (j->base.path = fr_strdup(path)) == NULL) st = FR_ERR_MEMORY;
    if (st == FR_OK) st = learn_keys(j);
    if (st == FR_OK) st = name_columns(j);
    if (st != FR_OK) fr_reader_close(&reader);
    *out = reader;
    return st;
}
