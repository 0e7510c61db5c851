/* SPDX-License-Identifier: BSD-3-Clause */
/* cell.c - what the text of a cell means. Reading numbers is most of the time of reading CSV:
 * nearly all are short enough to be exact products of two doubles. */
#include <ctype.h>
#include <string.h>

#include "foldrank/text.h"
#include "internal.h"

bool fr_span_is(fr_span span, const char *word, bool any_case)
{
    if (strlen(word) != span.length) return false;
    for (size_t i = 0; i < span.length; i++) {
        const int a = (unsigned char)span.text[i], b = (unsigned char)word[i];
        if (a != b && !(any_case && tolower(a) == tolower(b))) return false;
    }
    return true;
}

/* Digits of an integer part or a fraction, into the mantissa; returns how many. */
static size_t read_digits(const char **text, const char *end, uint64_t *mantissa)
{
    const char *p = *text;
    uint64_t m = *mantissa;
    while (p < end && (unsigned)(*p - '0') < 10) m = m * 10 + (unsigned)(*p++ - '0');
    const size_t n = (size_t)(p - *text);
    *text = p;
    *mantissa = m;
    return n;
}

static bool read_exponent(const char **text, const char *end, int *exponent)
{
    const char *p = *text + 1; /* behind the e */
    const bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    uint64_t value = 0;
    const size_t n = read_digits(&p, end, &value);
    *text = p;
    *exponent = negative ? -(int)value : (int)value;
    return n > 0 && n < 5;
}

/* Exact when the mantissa is below 2^53 and the power of ten is itself a double: one correctly
 * rounded operation (Clinger, "How to read floating point numbers accurately", 1990). False:
 * not of that kind, which says nothing of whether it is a number. */
static bool read_short_number(fr_span span, double *out)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *p = span.text, *end = span.text + span.length;
    const bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    uint64_t mantissa = 0;
    size_t digits = read_digits(&p, end, &mantissa), fraction = 0;
    int exponent = 0;
    if (p < end && *p == '.') {
        p++;
        fraction = read_digits(&p, end, &mantissa);
    }
    digits += fraction;
    if (digits == 0 || digits > 18 || mantissa >> 53 != 0) return false;
    if (p < end && (*p == 'e' || *p == 'E') && !read_exponent(&p, end, &exponent)) return false;
    exponent -= (int)fraction;
    if (p != end || exponent > 22 || exponent < -22) return false;
    const double m = (double)mantissa;
    const double value = exponent < 0 ? m / power[-exponent] : m * power[exponent];
    *out = negative ? -value : value;
    return true;
}

bool fr_span_number(fr_span span, double *out)
{
    if (read_short_number(span, out)) return true;
    char text[512]; /* the longest double in full has fewer digits that matter */
    if (span.length == 0 || span.length >= sizeof text) return false;
    if (memchr(span.text, '\0', span.length) != NULL) return false;
    memcpy(text, span.text, span.length);
    text[span.length] = '\0';
    double value;
    if (!fr_parse_double(text, &value) || value != value) return false;
    *out = value;
    return true;
}

bool fr_span_missing(fr_span span, const fr_strings *more)
{
    static const char *const words[] = {"?", "NA", "N/A", "NaN", "null"};
    if (span.length == 0) return true;
    if (span.text[0] == '?' || span.text[0] == 'N' || span.text[0] == 'n')
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            if (fr_span_is(span, words[w], w >= 3)) return true;
    for (size_t i = 0; i < more->n; i++)
        if (fr_span_is(span, more->item[i], false)) return true;
    return false;
}

int fr_span_mark(fr_span span)
{
    static const char *const words[2][4] = {{"0", "false", "no", "train"},
                                            {"1", "true", "yes", "test"}};
    double value;
    if (fr_span_number(span, &value)) return value == 1 ? 1 : value == 0 ? 0 : -1;
    for (int mark = 0; mark < 2; mark++)
        for (int w = 1; w < 4; w++)
            if (fr_span_is(span, words[mark][w], true)) return mark;
    return -1;
}

const char *fr_span_show(fr_span span, char out[FR_SHOWN_SIZE])
{
    enum { LIMIT = 40 };
    size_t n = span.length < LIMIT ? span.length : LIMIT;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)span.text[i];
        out[i] = c < ' ' || c == 127 ? '?' : (char)c;
    }
    if (span.length > LIMIT) n += (size_t)(stpcpy(out + n, "...") - (out + n));
    out[n] = '\0';
    return out;
}
