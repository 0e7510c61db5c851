/* SPDX-License-Identifier: BSD-3-Clause */
/* c_text.c - words of others inside C source: as comments and as string literals. */
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
