/* SPDX-License-Identifier: BSD-3-Clause */
/* quote.c - texts as cells of CSV, as strings of JSON, as UTF-8. */
#include <string.h>

#include "foldrank/text.h"

void fr_csv_quote(const char *text, fr_text *out)
{
    const size_t plain = strcspn(text, ",\"\r\n");
    if (text[plain] == '\0') {
        fr_text_append(out, text, plain);
        return;
    }
    fr_text_append(out, "\"", 1);
    for (; *text != '\0'; text++) {
        if (*text == '"') fr_text_append(out, "\"", 1);
        fr_text_append(out, text, 1);
    }
    fr_text_append(out, "\"", 1);
}

/* Bytes of the UTF-8 character at `text`; 0 when it is none (RFC 3629, section 4). */
static size_t utf8_length(const unsigned char *text)
{
    const unsigned char lead = text[0];
    size_t n = lead < 0x80                    ? 1
               : lead >= 0xC2 && lead <= 0xDF ? 2
               : lead >= 0xE0 && lead <= 0xEF ? 3
               : lead >= 0xF0 && lead <= 0xF4 ? 4
                                              : 0;
    for (size_t i = 1; i < n; i++)
        if ((text[i] & 0xC0) != 0x80) return 0;
    const bool overlong = (lead == 0xE0 && text[1] < 0xA0) || (lead == 0xF0 && text[1] < 0x90);
    const bool outside = (lead == 0xED && text[1] > 0x9F) || (lead == 0xF4 && text[1] > 0x8F);
    return n > 1 && (overlong || outside) ? 0 : n;
}

void fr_json_quote(const char *text, fr_text *out)
{
    const unsigned char *at = (const unsigned char *)text;
    fr_text_append(out, "\"", 1);
    while (*at != '\0') {
        const size_t n = utf8_length(at);
        if (n == 0)
            fr_text_append(out, "\\ufffd", 6);
        else if (*at == '"' || *at == '\\')
            fr_text_add(out, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            fr_text_add(out, "\\u%04x", *at);
        else
            fr_text_append(out, (const char *)at, n);
        at += n == 0 ? 1 : n;
    }
    fr_text_append(out, "\"", 1);
}

void fr_utf8_clean(const char *text, fr_text *out)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        const size_t n = utf8_length(at);
        fr_text_append(out, n == 0 ? "\xEF\xBF\xBD" : (const char *)at, n == 0 ? 3 : n);
        at += n == 0 ? 1 : n;
    }
}
