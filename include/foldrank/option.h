/* SPDX-License-Identifier: BSD-3-Clause */
/* option.h - one table row says everything about one setting.
 *
 * A room that has settings has a plain struct for them and a table of fr_option rows. The study
 * parser, the filled-in echo, range checks, "did you mean" and the help pages all read the
 * table; nothing about a setting is written down twice.
 *
 * Values travel as text in YAML flow form: `0.1`, `relu`, `[128, 64]`, `true`. All Local. */
#ifndef FR_OPTION_H
#define FR_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/status.h"
#include "foldrank/text.h"

/* The C type of the field that the row describes. */
typedef enum {
    FR_OPTION_BOOL,     /* bool */
    FR_OPTION_INT,      /* int64_t */
    FR_OPTION_DOUBLE,   /* double */
    FR_OPTION_WORD,     /* int: index into `words` */
    FR_OPTION_STRING,   /* char *, owned by the struct; NULL = not given */
    FR_OPTION_STRINGS,  /* fr_strings, owned by the struct */
    FR_OPTION_INTS,     /* fr_ints, inside the struct */
    FR_OPTION_DURATION, /* double, in seconds; written 90s, 55m, 1h30m */
} fr_option_type;

enum { FR_INTS_MAX = 16 };

typedef struct {
    int64_t value[FR_INTS_MAX];
    size_t n;
} fr_ints;

typedef struct {
    char **item;
    size_t n;
} fr_strings;

typedef struct {
    const char *name; /* as in the study file */
    fr_option_type type;
    size_t offset;            /* of the field */
    const char *fallback;     /* the default, as text; NULL: a string that may be absent */
    double low, high;         /* allowed range, both ends included; both 0 = no limit */
    bool open_low;            /* low itself is not allowed */
    bool open_high;           /* high itself is not allowed */
    const char *const *words; /* FR_OPTION_WORD: NULL-terminated */
    const char *help;         /* one line, with the unit */
} fr_option;

/* Set every field of `values` to its row's default. `values` is zeroed or cleared before. */
FR_CHECKED fr_status fr_option_defaults(const fr_option *table, size_t n, void *values);

/* Parse `text` into the row's field. On failure the field is unchanged and the status message
 * is
 * "`text` is not ...; allowed: ... (did you mean ...?)" without file or line, which the caller
 * puts in front. FR_ERR_USAGE or FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_option_set(const fr_option *row, const char *text, void *values);

/* Append the field as text that fr_option_set reads back; `null` for an absent string. */
void fr_option_format(const fr_option *row, const void *values, fr_text *out);

/* Append what the row allows, for messages and help: "0 <= x < 1", "relu, tanh". */
void fr_option_describe(const fr_option *row, fr_text *out);

/* Copy one field from struct to struct. Not for strings, which have an owner. */
void fr_option_copy(const fr_option *row, const void *from, void *to);

/* Row called `name`, or NULL. */
const fr_option *fr_option_find(const fr_option *table, size_t n, const char *name);

/* Free owned strings and zero the fields named in the table. */
void fr_option_clear(const fr_option *table, size_t n, void *values);

/* Split flow text `[a, b, "c, d"]` (or a lone scalar) into items; quotes are taken off. Release
 * with fr_strings_clear. FR_ERR_USAGE when brackets or quotes do not match. */
FR_CHECKED fr_status fr_strings_parse(const char *text, fr_strings *out);
FR_CHECKED fr_status fr_strings_add(fr_strings *strings, const char *item);
void fr_strings_clear(fr_strings *strings);

/* Append `text` as one flow scalar, quoted where it would be read as something else. */
void fr_flow_quote(const char *text, fr_text *out);

#endif
