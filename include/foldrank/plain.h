/* SPDX-License-Identifier: BSD-3-Clause */
/* plain.h - the words of CSV (RFC 4180) and JSON (RFC 8259), for pages that programs read. A
 * number that is not there is an empty field, and null. All Local. */
#ifndef FR_PLAIN_H
#define FR_PLAIN_H

#include <stddef.h>
#include <stdio.h>

void fr_csv_text(const char *text, FILE *out);
void fr_csv_number(double value, FILE *out); /* with the comma before it */

void fr_json_text(const char *text, FILE *out);
void fr_json_number(double value, FILE *out);
/* `before`, then `"key": `. */
void fr_json_key(const char *before, const char *key, FILE *out);
/* A YAML scalar as the JSON value that it means. */
void fr_json_scalar(const char *text, FILE *out);
/* A YAML scalar or list, such as a choice, as the JSON value that it means. */
void fr_json_value(const char *text, FILE *out);

/* `, "key": number`, for each of n. */
typedef struct {
    const char *key;
    double value;
} fr_json_field;

void fr_json_fields(const fr_json_field *fields, size_t n, FILE *out);

#endif
