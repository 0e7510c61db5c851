/* SPDX-License-Identifier: BSD-3-Clause */
/* plain.c - the words of CSV and JSON, onto a stream. */
#include "foldrank/plain.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "foldrank/option.h"
#include "foldrank/text.h"

/* `text` as `quote` writes it. */
static void put_quoted(void (*quote)(const char *, fr_text *), const char *text, FILE *out)
{
    fr_text quoted = {0};
    quote(text, &quoted);
    fputs(fr_text_get(&quoted), out);
    fr_text_clear(&quoted);
}

void fr_csv_text(const char *text, FILE *out)
{
    put_quoted(fr_csv_quote, text, out);
}

void fr_csv_number(double value, FILE *out)
{
    char number[FR_NUMBER_SIZE];
    fprintf(out, ",%s", isnan(value) ? "" : fr_format_double(value, number));
}

void fr_json_text(const char *text, FILE *out)
{
    put_quoted(fr_json_quote, text, out);
}

void fr_json_number(double value, FILE *out)
{
    char number[FR_NUMBER_SIZE];
    fputs(isfinite(value) ? fr_format_double(value, number) : "null", out);
}

void fr_json_key(const char *before, const char *key, FILE *out)
{
    fputs(before, out);
    fr_json_text(key, out);
    fputs(": ", out);
}

/* A quoted YAML scalar, quotes taken off; false when it is none. */
static bool json_quoted(const char *text, FILE *out)
{
    fr_strings items = {0};
    const bool quoted = (text[0] == '"' || text[0] == '\'') &&
                        fr_strings_parse(text, &items) == FR_OK && items.n == 1;
    if (quoted) fr_json_text(items.item[0], out);
    fr_strings_clear(&items);
    return quoted;
}

void fr_json_scalar(const char *text, FILE *out)
{
    double value;
    if (json_quoted(text, out)) return;
    if (fr_parse_double(text, &value) && isfinite(value))
        fr_json_number(value, out);
    else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ||
             strcmp(text, "null") == 0)
        fputs(text, out);
    else
        fr_json_text(text, out);
}

void fr_json_value(const char *text, FILE *out)
{
    fr_strings items = {0};
    if (text[0] != '[' || fr_strings_parse(text, &items) != FR_OK) {
        fr_json_scalar(text, out);
        return;
    }
    fputc('[', out);
    for (size_t i = 0; i < items.n; i++) {
        if (i > 0) fputs(", ", out);
        fr_json_scalar(items.item[i], out);
    }
    fputc(']', out);
    fr_strings_clear(&items);
}

void fr_json_fields(const fr_json_field *fields, size_t n, FILE *out)
{
    for (size_t i = 0; i < n; i++) {
        fr_json_key(", ", fields[i].key, out);
        fr_json_number(fields[i].value, out);
    }
}
