/* SPDX-License-Identifier: BSD-3-Clause */
/* protocol.c - lines by which a program reports:
 *
 *   foldrank step=3 value=0.91       after a step
 *   foldrank value=0.92              of the whole task; without it the last step's value counts
 *
 * Fields are separated by blanks; the study's metric may stand for `value`; `loss=` is kept
 * with a step; other fields are the program's own business. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "foldrank/text.h"
#include "internal.h"

static const char prefix[] = "foldrank ";
enum { FIELD_SIZE = 128, SHOWN = 100 };

typedef struct {
    int64_t step;
    double value, loss;
    bool has_step, has_value;
} fields;

static bool is_value(const char *key, const char *metric)
{
    return strcmp(key, "value") == 0 || (metric != NULL && strcmp(key, metric) == 0);
}

/* Steps may come as 3.0 from programs that know one kind of number. */
static bool parse_step(const char *text, int64_t *out)
{
    double number;
    if (fr_parse_int(text, out)) return true;
    if (!fr_parse_double(text, &number) || number != rint(number) || fabs(number) > 1e15)
        return false;
    *out = (int64_t)number;
    return true;
}

/* One `key=value`; false when its value is not what the key needs. */
static bool read_field(char *field, const char *metric, fields *out)
{
    char *equals = strchr(field, '=');
    if (equals == NULL) return true;
    const char *text = equals + 1;
    *equals = '\0';
    if (strcmp(field, "step") == 0) return out->has_step = parse_step(text, &out->step);
    if (strcmp(field, "loss") == 0) return fr_parse_double(text, &out->loss);
    if (is_value(field, metric)) return out->has_value = fr_parse_double(text, &out->value);
    return true;
}

static bool read_fields(const char *at, const char *metric, fields *out)
{
    while (*at != '\0') {
        char field[FIELD_SIZE];
        at += strspn(at, " \t");
        const size_t length = strcspn(at, " \t");
        if (length > 0 && length < sizeof field) {
            memcpy(field, at, length);
            field[length] = '\0';
            if (!read_field(field, metric, out)) return false;
        }
        at += length;
    }
    return true;
}

fr_status fr_reports_read(fr_reports *reports, const char *line, const char *metric,
                          bool *understood)
{
    fields f = {.loss = NAN};
    *understood = true;
    if (strncmp(line, prefix, sizeof prefix - 1) != 0) return FR_OK;
    if (!read_fields(line + sizeof prefix - 1, metric, &f)) {
        char text[SHOWN + 64];
        snprintf(text, sizeof text, "the line `%.*s` has a number that cannot be read", SHOWN,
                 line);
        return fr_reports_refuse(reports, text);
    }
    *understood = f.has_value;
    if (!f.has_value) return FR_OK;
    return f.has_step ? fr_reports_add(reports, f.step, f.value, f.loss)
                      : fr_reports_finish(reports, f.value);
}
