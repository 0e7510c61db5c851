/* SPDX-License-Identifier: BSD-3-Clause */
/* flow.c - lists of texts in YAML flow form, and the quoting that goes with them.
 *
 * Nested brackets stay as they are: an item of `[[64], [128, 64]]` is the text "[128, 64]". */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/option.h"

fr_status fr_strings_add(fr_strings *strings, const char *item)
{
    char **grown = realloc(strings->item, (strings->n + 1) * sizeof *grown);
    if (grown == NULL) return FR_FAIL(FR_ERR_MEMORY, "out of memory for a list of texts");
    strings->item = grown;
    char *copy = fr_strdup(item);
    if (copy == NULL) return FR_ERR_MEMORY;
    strings->item[strings->n++] = copy;
    return FR_OK;
}

void fr_strings_clear(fr_strings *strings)
{
    for (size_t i = 0; i < strings->n; i++) free(strings->item[i]);
    free(strings->item);
    *strings = (fr_strings){0};
}

static bool reads_as_null(const char *text)
{
    return *text == '\0' || strcmp(text, "null") == 0 || strcmp(text, "~") == 0;
}

/* Narrower than YAML: whatever might be read differently in flow form is quoted. */
static bool is_plain(const char *text)
{
    double number;
    if (reads_as_null(text)) return false;
    if (fr_parse_double(text, &number)) return true;
    const unsigned char first = (unsigned char)*text;
    if (!isalnum(first) && first != '_' && first != '.' && first != '/' && first < 0x80)
        return false;
    for (const char *c = text; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("_./+-=%@", *c) == NULL &&
            (unsigned char)*c < 0x80)
            return false;
    return true;
}

void fr_flow_quote(const char *text, fr_text *out)
{
    if (is_plain(text)) {
        fr_text_append(out, text, strlen(text));
        return;
    }
    fr_text_append(out, "\"", 1);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            fr_text_add(out, "\\%c", *c);
        else if ((unsigned char)*c < 0x20 || *c == 0x7f)
            fr_text_add(out, "\\x%02x", (unsigned)*c);
        else
            fr_text_append(out, c, 1);
    }
    fr_text_append(out, "\"", 1);
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/* `at` is behind a backslash; returns the place behind the escape. */
static const char *unescape(const char *at, fr_text *out)
{
    char byte = *at;
    if (*at == 'n') byte = '\n';
    if (*at == 't') byte = '\t';
    if (*at == 'x' && hex_value(at[1]) >= 0 && hex_value(at[2]) >= 0) {
        byte = (char)(hex_value(at[1]) * 16 + hex_value(at[2]));
        at += 2;
    }
    fr_text_append(out, &byte, 1);
    return at + 1;
}

/* A quoted text that starts at `at`: its content goes to `out`. Returns the place behind the
 * closing quote, NULL when there is none. */
static const char *read_quoted(const char *at, fr_text *out)
{
    const char quote = *at++;
    while (*at != '\0') {
        if (*at == quote && quote == '\'' && at[1] == '\'') {
            fr_text_append(out, "'", 1);
            at += 2;
        } else if (*at == quote) {
            return at + 1;
        } else if (*at == '\\' && quote == '"' && at[1] != '\0') {
            at = unescape(at + 1, out);
        } else {
            fr_text_append(out, at++, 1);
        }
    }
    return NULL;
}

/* Behind the quoted text that starts at `at`, NULL when it does not end. */
static const char *skip_quoted(const char *at)
{
    fr_text ignored = {0};
    const char *end = read_quoted(at, &ignored);
    fr_text_clear(&ignored);
    return end;
}

/* The end of a plain or bracketed item: the first comma or closing bracket outside of all
 * brackets that open in it. NULL when brackets or quotes do not match. */
static const char *item_end(const char *at)
{
    size_t depth = 0;
    bool fresh = true; /* a quote opens only at the start of an item */
    while (*at != '\0') {
        if ((*at == '"' || *at == '\'') && fresh) {
            if ((at = skip_quoted(at)) == NULL) return NULL;
            fresh = false;
            continue;
        }
        if (depth == 0 && (*at == ',' || *at == ']' || *at == '}')) return at;
        if (*at == '[' || *at == '{') depth++;
        if (*at == ']' || *at == '}') depth--;
        fresh = strchr("[{,: ", *at) != NULL;
        at++;
    }
    return depth == 0 ? at : NULL;
}

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\n");
}

/* One item; *at moves behind it and the space after it. */
static fr_status read_item(const char *whole, const char **at, fr_strings *out)
{
    fr_text item = {0};
    const char *end = NULL;
    if (**at == '"' || **at == '\'') {
        end = read_quoted(*at, &item);
    } else if ((end = item_end(*at)) != NULL) {
        size_t length = (size_t)(end - *at);
        while (length > 0 && isspace((unsigned char)(*at)[length - 1])) length--;
        fr_text_append(&item, *at, length);
    }
    fr_status st = FR_OK;
    if (end == NULL)
        st = FR_FAIL(FR_ERR_USAGE, "`%.60s` is not a list: a bracket or quote does not close",
                     whole);
    else if (item.failed)
        st = FR_ERR_MEMORY;
    else
        st = fr_strings_add(out, fr_text_get(&item));
    fr_text_clear(&item);
    if (st == FR_OK) *at = skip_space(end);
    return st;
}

static fr_status read_list(const char *whole, const char *at, fr_strings *out)
{
    at = skip_space(at + 1);
    while (*at != ']') {
        FR_TRY(read_item(whole, &at, out));
        if (*at == ',')
            at = skip_space(at + 1);
        else if (*at != ']')
            return FR_FAIL(FR_ERR_USAGE,
                           "`%.60s` is not a list: expected , or ] before `%.20s`", whole, at);
    }
    if (*skip_space(at + 1) != '\0')
        return FR_FAIL(FR_ERR_USAGE, "`%.60s` is not a list: something follows the ]", whole);
    return FR_OK;
}

fr_status fr_strings_parse(const char *text, fr_strings *out)
{
    fr_strings items = {0};
    const char *at = skip_space(text);
    fr_status st = FR_OK;
    if (*at == '[') {
        st = read_list(text, at, &items);
    } else if (*at != '\0') {
        st = read_item(text, &at, &items);
        if (st == FR_OK && *at != '\0')
            st = FR_FAIL(FR_ERR_USAGE, "`%.60s` is not a list: write it as [...]", text);
    }
    if (st == FR_OK)
        *out = items;
    else
        fr_strings_clear(&items);
    return st;
}
