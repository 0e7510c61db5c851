/* SPDX-License-Identifier: BSD-3-Clause */
/* text.h - growing text, strict parsing of numbers, "did you mean". All Local. */
#ifndef FR_TEXT_H
#define FR_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/status.h"

/* Text that grows. Start with {0}; `data` is NUL-terminated once anything was added, else NULL.
 * When memory runs out `failed` is set and further additions do nothing: check it once, at the
 * end. Release with fr_text_clear. */
typedef struct {
    char *data;
    size_t length;
    size_t capacity;
    bool failed;
} fr_text;

void fr_text_add(fr_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fr_text_append(fr_text *text, const char *bytes, size_t n);
void fr_text_clear(fr_text *text);

/* The content, "" when nothing was added. */
const char *fr_text_get(const fr_text *text);

/* Append `text` as a cell of CSV (RFC 4180) and as a string of JSON (RFC 8259, quotes included;
 * a byte that is no UTF-8 becomes U+FFFD). */
void fr_csv_quote(const char *text, fr_text *out);
void fr_json_quote(const char *text, fr_text *out);

/* Append `text`, every byte that is no UTF-8 as U+FFFD. */
void fr_utf8_clean(const char *text, fr_text *out);

/* Whole-string conversions, independent of the locale; false when anything is left over or out
 * of range. fr_parse_double takes decimal and exponent forms, inf and nan; no hexadecimal. */
bool fr_parse_double(const char *text, double *out);
bool fr_parse_int(const char *text, int64_t *out);

/* "90", "90s", "55m", "1h30m", "2d", "01:30:00", "10:00" (minutes:seconds), "2-12:00:00" (days)
 * -> seconds. */
bool fr_parse_duration(const char *text, double *seconds);

/* Shortest decimal form that reads back to the same double; "nan", "inf", "-inf" otherwise.
 * Integral values below 1e15 come without a decimal point. `out` has FR_NUMBER_SIZE bytes. */
enum { FR_NUMBER_SIZE = 32 };
const char *fr_format_double(double value, char out[FR_NUMBER_SIZE]);

/* The same for a float: at least 7 digits, where there are so many. */
const char *fr_format_float(float value, char out[FR_NUMBER_SIZE]);

/* 1536 -> "1.5 KiB"; 90061 s -> "1d01h". `out` has FR_NUMBER_SIZE bytes. */
const char *fr_format_bytes(double bytes, char out[FR_NUMBER_SIZE]);
const char *fr_format_duration(double seconds, char out[FR_NUMBER_SIZE]);

/* The entry of names[0..n) nearest to `word` (edit distance with transpositions, case-blind),
 * or NULL when none is near enough to be meant. */
const char *fr_nearest(const char *word, const char *const names[], size_t n);

#endif
