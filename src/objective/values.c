/* SPDX-License-Identifier: BSD-3-Clause */
/* values.c - values of parameters as arguments and as JSON (RFC 8259). Choices are YAML flow
 * text, as the study parser writes it: scalars, in quotes where they need them, and lists. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "foldrank/option.h"
#include "internal.h"

void fr_text_json(const char *text, fr_text *out)
{
    fr_text_append(out, "\"", 1);
    for (const char *c = text; *c != '\0'; c++) {
        const unsigned char byte = (unsigned char)*c;
        if (byte == '"' || byte == '\\')
            fr_text_add(out, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f)
            fr_text_add(out, "\\u%04x", byte);
        else
            fr_text_append(out, c, 1);
    }
    fr_text_append(out, "\"", 1);
}

/* A scalar without quotes in the study: a number, a word of JSON's own, or a text. */
static void plain_json(const char *text, fr_text *out)
{
    static const char *const words[] = {"true", "false", "null"};
    char number[FR_NUMBER_SIZE];
    double value;
    int64_t whole;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], text) != 0) continue;
        fr_text_add(out, "%s", text);
        return;
    }
    if (fr_parse_int(text, &whole))
        fr_text_add(out, "%lld", (long long)whole);
    else if (fr_parse_double(text, &value) && isfinite(value))
        fr_text_add(out, "%s", fr_format_double(value, number));
    else
        fr_text_json(text, out);
}

/* The end of the scalar that starts at `at`, quotes included. */
static const char *scalar_end(const char *at)
{
    if (*at != '"') return at + strcspn(at, ",]");
    for (at++; *at != '\0' && *at != '"'; at++)
        if (*at == '\\' && at[1] != '\0') at++;
    return *at == '"' ? at + 1 : at;
}

static void scalar_json(const char *at, const char *end, fr_text *out)
{
    fr_text text = {0};
    fr_strings parsed = {0};
    while (end > at && isspace((unsigned char)end[-1])) end--;
    fr_text_append(&text, at, (size_t)(end - at));
    if (*at != '"')
        plain_json(fr_text_get(&text), out);
    else if (fr_strings_parse(fr_text_get(&text), &parsed) == FR_OK && parsed.n == 1)
        fr_text_json(parsed.item[0], out);
    out->failed = out->failed || text.failed;
    fr_strings_clear(&parsed);
    fr_text_clear(&text);
}

static void flow_json(const char *at, fr_text *out)
{
    while (*at != '\0') {
        if (strchr("[], ", *at) != NULL) {
            fr_text_append(out, at++, 1);
            continue;
        }
        const char *end = scalar_end(at);
        scalar_json(at, end, out);
        at = end;
    }
}

static void number_text(const fr_param *param, double value, fr_text *out)
{
    char number[FR_NUMBER_SIZE];
    if (param->kind == FR_PARAM_INT || param->kind == FR_PARAM_INT_LOG)
        fr_text_add(out, "%.0f", value);
    else
        fr_text_add(out, "%s", fr_format_double(value, number));
}

static const char *choice_of(const fr_param *param, double value)
{
    return param->choices[(size_t)fr_param_round(param, value)];
}

void fr_value_json(const fr_param *param, double value, fr_text *out)
{
    if (param->kind == FR_PARAM_CHOICE)
        flow_json(choice_of(param, value), out);
    else
        number_text(param, value, out);
}

void fr_value_text(const fr_param *param, double value, fr_text *out)
{
    if (param->kind != FR_PARAM_CHOICE) {
        number_text(param, value, out);
        return;
    }
    const char *choice = choice_of(param, value);
    fr_strings parsed = {0};
    if (*choice == '[')
        flow_json(choice, out);
    else if (*choice == '"' && fr_strings_parse(choice, &parsed) == FR_OK && parsed.n == 1)
        fr_text_add(out, "%s", parsed.item[0]);
    else
        fr_text_add(out, "%s", choice);
    fr_strings_clear(&parsed);
}

void fr_point_json(const fr_space *space, const double *point, fr_text *out)
{
    bool any = false;
    fr_text_add(out, "{");
    for (size_t j = 0; j < space->n; j++) {
        if (isnan(point[j])) continue;
        fr_text_add(out, "%s", any ? ", " : "");
        fr_text_json(space->params[j].name, out);
        fr_text_add(out, ": ");
        fr_value_json(&space->params[j], point[j], out);
        any = true;
    }
    fr_text_add(out, "}\n");
}
