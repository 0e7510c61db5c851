/* SPDX-License-Identifier: BSD-3-Clause */
/* option.c - settings from and to text, driven by their table rows.
 *
 * A new field type is added in three places only: parse, format and clear below. */
#include "foldrank/option.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "foldrank/memory.h"

enum { SHOWN_MAX = 60 }; /* bytes of a refused text that a message repeats */

static void *field_of(const fr_option *row, void *values)
{
    return (char *)values + row->offset;
}

static const void *const_field_of(const fr_option *row, const void *values)
{
    return (const char *)values + row->offset;
}

static bool is_limited(const fr_option *row)
{
    return row->low != 0 || row->high != 0;
}

/* "0 <= x < 1", "x >= 1", "any number". */
static void describe_range(const fr_option *row, fr_text *out)
{
    char low[FR_NUMBER_SIZE], high[FR_NUMBER_SIZE];
    const bool has_low = is_limited(row) && isfinite(row->low);
    const bool has_high = is_limited(row) && isfinite(row->high);
    fr_format_double(row->low, low);
    fr_format_double(row->high, high);
    const char *below = row->open_low ? "<" : "<=", *above = row->open_low ? ">" : ">=";
    const char *top = row->open_high ? "<" : "<=";
    if (has_low && has_high)
        fr_text_add(out, "%s %s x %s %s", low, below, top, high);
    else if (has_low)
        fr_text_add(out, "x %s %s", above, low);
    else if (has_high)
        fr_text_add(out, "x %s %s", top, high);
    else
        fr_text_add(out, "any");
}

static bool in_range(const fr_option *row, double value)
{
    if (!is_limited(row)) return true;
    if (row->open_low ? value <= row->low : value < row->low) return false;
    return row->open_high ? value < row->high : value <= row->high;
}

static size_t count_words(const fr_option *row)
{
    size_t n = 0;
    while (row->words != NULL && row->words[n] != NULL) n++;
    return n;
}

void fr_option_describe(const fr_option *row, fr_text *out)
{
    switch (row->type) {
    case FR_OPTION_BOOL:
        fr_text_add(out, "true, false");
        break;
    case FR_OPTION_WORD:
        for (size_t w = 0; w < count_words(row); w++)
            fr_text_add(out, "%s%s", w == 0 ? "" : ", ", row->words[w]);
        break;
    case FR_OPTION_DURATION:
        fr_text_add(out, "a time such as 90s, 55m, 1h30m");
        if (is_limited(row)) fr_text_add(out, " with ");
        if (is_limited(row)) describe_range(row, out);
        break;
    case FR_OPTION_INT:
    case FR_OPTION_DOUBLE:
    case FR_OPTION_INTS:
        describe_range(row, out);
        break;
    case FR_OPTION_STRING:
    case FR_OPTION_STRINGS:
        break;
    }
}

/* FR_ERR_USAGE: "`text` is not <what>; allowed: ... (did you mean ...?)". */
static fr_status refuse(const fr_option *row, const char *text, const char *what)
{
    fr_text allowed = {0};
    fr_option_describe(row, &allowed);
    const char *near =
        row->type == FR_OPTION_WORD ? fr_nearest(text, row->words, count_words(row)) : NULL;
    const fr_status st = FR_FAIL(FR_ERR_USAGE, "`%.*s%s` is not %s; allowed: %s%s%s%s",
                                 SHOWN_MAX, text, strlen(text) > SHOWN_MAX ? "..." : "", what,
                                 fr_text_get(&allowed), near == NULL ? "" : " (did you mean ",
                                 near == NULL ? "" : near, near == NULL ? "" : "?)");
    fr_text_clear(&allowed);
    return st;
}

static fr_status set_bool(const fr_option *row, const char *text, void *values)
{
    bool *field = field_of(row, values);
    const bool yes = strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0;
    const bool no = strcasecmp(text, "false") == 0 || strcasecmp(text, "no") == 0;
    if (!yes && !no) return refuse(row, text, "true or false");
    *field = yes;
    return FR_OK;
}

static fr_status parse_int(const fr_option *row, const char *text, int64_t *out)
{
    int64_t value;
    if (!fr_parse_int(text, &value)) return refuse(row, text, "an integer");
    if (!in_range(row, (double)value)) return refuse(row, text, "in range");
    *out = value;
    return FR_OK;
}

static fr_status set_double(const fr_option *row, const char *text, void *values)
{
    double value;
    if (!fr_parse_double(text, &value) || !isfinite(value))
        return refuse(row, text, "a finite number");
    if (!in_range(row, value)) return refuse(row, text, "in range");
    *(double *)field_of(row, values) = value;
    return FR_OK;
}

static fr_status set_duration(const fr_option *row, const char *text, void *values)
{
    double value;
    if (!fr_parse_duration(text, &value)) return refuse(row, text, "a time");
    if (!in_range(row, value)) return refuse(row, text, "in range");
    *(double *)field_of(row, values) = value;
    return FR_OK;
}

static fr_status set_word(const fr_option *row, const char *text, void *values)
{
    for (size_t w = 0; w < count_words(row); w++) {
        if (strcmp(text, row->words[w]) != 0) continue;
        *(int *)field_of(row, values) = (int)w;
        return FR_OK;
    }
    return refuse(row, text, "known");
}

static fr_status set_string(const fr_option *row, const char *text, void *values)
{
    char **field = field_of(row, values), *copy = NULL;
    fr_strings items = {0};
    if (strcmp(text, "null") == 0 || strcmp(text, "~") == 0) {
        free(*field);
        *field = NULL;
        return FR_OK;
    }
    if (*text == '"' || *text == '\'') {
        FR_TRY(fr_strings_parse(text, &items));
        if (items.n == 1) {
            copy = items.item[0];
            items.item[0] = NULL;
        }
        fr_strings_clear(&items);
    } else if (*text == '[' || *text == '{') {
        return FR_FAIL(FR_ERR_USAGE, "`%s` is not a text; allowed: one value", text);
    }
    if (copy == NULL) copy = fr_strdup(text);
    if (copy == NULL) return FR_ERR_MEMORY;
    free(*field);
    *field = copy;
    return FR_OK;
}

static fr_status set_strings(const fr_option *row, const char *text, void *values)
{
    fr_strings parsed = {0};
    if (strcmp(text, "null") != 0 && strcmp(text, "~") != 0)
        FR_TRY(fr_strings_parse(text, &parsed));
    fr_strings *field = field_of(row, values);
    fr_strings_clear(field);
    *field = parsed;
    return FR_OK;
}

static fr_status set_ints(const fr_option *row, const char *text, void *values)
{
    fr_strings items = {0};
    fr_ints parsed = {.n = 0};
    fr_status st = fr_strings_parse(text, &items);
    if (st == FR_OK && items.n > FR_INTS_MAX)
        st = FR_FAIL(FR_ERR_USAGE, "`%s` is not short enough; allowed: %d values at most", text,
                     FR_INTS_MAX);
    for (size_t i = 0; i < items.n && st == FR_OK; i++)
        st = parse_int(row, items.item[i], &parsed.value[i]);
    if (st == FR_OK) {
        parsed.n = items.n;
        *(fr_ints *)field_of(row, values) = parsed;
    }
    fr_strings_clear(&items);
    return st;
}

fr_status fr_option_set(const fr_option *row, const char *text, void *values)
{
    switch (row->type) {
    case FR_OPTION_BOOL:
        return set_bool(row, text, values);
    case FR_OPTION_INT:
        return parse_int(row, text, field_of(row, values));
    case FR_OPTION_DOUBLE:
        return set_double(row, text, values);
    case FR_OPTION_WORD:
        return set_word(row, text, values);
    case FR_OPTION_STRING:
        return set_string(row, text, values);
    case FR_OPTION_STRINGS:
        return set_strings(row, text, values);
    case FR_OPTION_INTS:
        return set_ints(row, text, values);
    case FR_OPTION_DURATION:
        return set_duration(row, text, values);
    }
    return FR_FAIL(FR_ERR_ARG, "option %s has no type", row->name);
}

fr_status fr_option_defaults(const fr_option *table, size_t n, void *values)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i].fallback == NULL) continue;
        FR_TRY(fr_option_set(&table[i], table[i].fallback, values));
    }
    return FR_OK;
}

static void format_strings(const fr_strings *strings, fr_text *out)
{
    fr_text_add(out, "[");
    for (size_t i = 0; i < strings->n; i++) {
        if (i > 0) fr_text_add(out, ", ");
        fr_flow_quote(strings->item[i], out);
    }
    fr_text_add(out, "]");
}

static void format_ints(const fr_ints *ints, fr_text *out)
{
    fr_text_add(out, "[");
    for (size_t i = 0; i < ints->n; i++)
        fr_text_add(out, "%s%lld", i == 0 ? "" : ", ", (long long)ints->value[i]);
    fr_text_add(out, "]");
}

void fr_option_format(const fr_option *row, const void *values, fr_text *out)
{
    const void *field = const_field_of(row, values);
    char number[FR_NUMBER_SIZE];
    const char *string;
    switch (row->type) {
    case FR_OPTION_BOOL:
        fr_text_add(out, "%s", *(const bool *)field ? "true" : "false");
        break;
    case FR_OPTION_INT:
        fr_text_add(out, "%lld", (long long)*(const int64_t *)field);
        break;
    case FR_OPTION_DOUBLE:
        fr_text_add(out, "%s", fr_format_double(*(const double *)field, number));
        break;
    case FR_OPTION_DURATION:
        fr_text_add(out, "%ss", fr_format_double(*(const double *)field, number));
        break;
    case FR_OPTION_WORD:
        fr_text_add(out, "%s", row->words[*(const int *)field]);
        break;
    case FR_OPTION_STRING:
        string = *(char *const *)field;
        if (string == NULL)
            fr_text_add(out, "null");
        else
            fr_flow_quote(string, out);
        break;
    case FR_OPTION_STRINGS:
        format_strings(field, out);
        break;
    case FR_OPTION_INTS:
        format_ints(field, out);
        break;
    }
}

const fr_option *fr_option_find(const fr_option *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}

static size_t field_size(fr_option_type type)
{
    switch (type) {
    case FR_OPTION_BOOL:
        return sizeof(bool);
    case FR_OPTION_INT:
        return sizeof(int64_t);
    case FR_OPTION_DOUBLE:
    case FR_OPTION_DURATION:
        return sizeof(double);
    case FR_OPTION_WORD:
        return sizeof(int);
    case FR_OPTION_STRING:
        return sizeof(char *);
    case FR_OPTION_STRINGS:
        return sizeof(fr_strings);
    case FR_OPTION_INTS:
        return sizeof(fr_ints);
    }
    return 0;
}

void fr_option_copy(const fr_option *row, const void *from, void *to)
{
    memcpy(field_of(row, to), const_field_of(row, from), field_size(row->type));
}

void fr_option_clear(const fr_option *table, size_t n, void *values)
{
    for (size_t i = 0; i < n; i++) {
        void *field = field_of(&table[i], values);
        if (table[i].type == FR_OPTION_STRING) free(*(char **)field);
        if (table[i].type == FR_OPTION_STRINGS) fr_strings_clear(field);
        memset(field, 0, field_size(table[i].type));
    }
}
