/* SPDX-License-Identifier: BSD-3-Clause */
/* c_text.c - words of others inside C source: as comments and as string literals. */
#include <math.h>
#include <string.h>

#include "internal.h"

void fr_c_comment(const char *text, fr_text *out)
{
    fr_text clean = {0};
    fr_utf8_clean(text, &clean);
    const char *at = fr_text_get(&clean);
    for (char last = '\0'; *at != '\0'; last = *at++) {
        const bool opens = last == '/' && *at == '*', closes = last == '*' && *at == '/';
        if (opens || closes) fr_text_append(out, " ", 1);
        const bool control = (unsigned char)*at < 0x20 || *at == 0x7f;
        /* A backslash may join lines. */
        fr_text_append(out, control || *at == '\\' ? " " : at, 1);
    }
    out->failed = out->failed || clean.failed;
    fr_text_clear(&clean);
}

void fr_c_quote(const char *text, fr_text *out)
{
    fr_text_append(out, "\"", 1);
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\' || c == '?') /* `??` begins a trigraph */
            fr_text_add(out, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            fr_text_add(out, "\\%03o", (unsigned)c);
        else
            fr_text_append(out, text, 1);
    }
    fr_text_append(out, "\"", 1);
}

void fr_c_float(fr_text *out, float value)
{
    char number[FR_NUMBER_SIZE];
    if (isnan(value)) {
        fr_text_add(out, "NAN");
    } else if (isinf(value)) {
        fr_text_add(out, value > 0 ? "INFINITY" : "-INFINITY");
    } else {
        fr_format_float(value, number);
        fr_text_add(out, "%s%sf", number, strpbrk(number, ".e") == NULL ? ".0" : "");
    }
}

void fr_c_floats(fr_text *out, const char *name, const float *values, size_t n)
{
    enum { A_LINE = 6 };
    fr_text_add(out, "    static const float %s[%zu] = {", name, n);
    for (size_t i = 0; i < n; i++) {
        fr_text_add(out, i % A_LINE == 0 ? "\n        " : " ");
        fr_c_float(out, values[i]);
        fr_text_add(out, i + 1 < n ? "," : "");
    }
    fr_text_add(out, "\n    };\n");
}
