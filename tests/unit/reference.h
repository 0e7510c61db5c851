/* SPDX-License-Identifier: BSD-3-Clause */
/* reference.h - records of the files in tests/reference; their format is in records.py there.
 * Programs run in the top directory. */
#ifndef FR_TEST_REFERENCE_H
#define FR_TEST_REFERENCE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFERENCE_MAX = 512 };

typedef struct {
    char head[256]; /* name and keys, without " :" */
    double value[REFERENCE_MAX];
    size_t n;
} reference;

static inline FILE *reference_open(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "tests/reference/%s", name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "%s cannot be read: run in the top directory\n", path);
        exit(1);
    }
    return file;
}

static inline bool reference_next(FILE *file, reference *out)
{
    static char line[65536];
    while (fgets(line, sizeof line, file) != NULL) {
        char *colon = strstr(line, " :");
        if (line[0] == '#' || colon == NULL) continue;
        snprintf(out->head, sizeof out->head, "%.*s", (int)(colon - line), line);
        out->n = 0;
        char *at = colon + 2, *end;
        for (double x = strtod(at, &end); end != at && out->n < REFERENCE_MAX;
             x = strtod(at, &end)) {
            out->value[out->n++] = x;
            at = end;
        }
        return true;
    }
    return false;
}

/* The record with exactly this head; the program ends where there is none. */
static inline reference reference_find(const char *name, const char *head)
{
    reference found;
    FILE *file = reference_open(name);
    while (reference_next(file, &found)) {
        if (strcmp(found.head, head) != 0) continue;
        fclose(file);
        return found;
    }
    fprintf(stderr, "tests/reference/%s has no record `%s`\n", name, head);
    exit(1);
}

/* Text behind ` key=` in the head, or NULL. */
static inline const char *reference_key(const reference *record, const char *key)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, " %s=", key);
    const char *at = strstr(record->head, wanted);
    return at == NULL ? NULL : at + strlen(wanted);
}

static inline double reference_number(const reference *record, const char *key, double fallback)
{
    const char *text = reference_key(record, key);
    return text == NULL ? fallback : strtod(text, NULL);
}

#endif
