/* SPDX-License-Identifier: BSD-3-Clause */
/* faults.c - everything that is wrong with a study, told at once and in the order of lines. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

enum {
    REPORT_BYTES = 3900, /* a status message has room for 4096 */
    KEPT_MAX = 1000,     /* beyond, faults are only counted */
};

static void add_place(const fr_faults *faults, const fr_node *where, fr_text *out)
{
    if (where != NULL && where->origin != NULL)
        fr_text_add(out, "--set %.200s: ", where->origin);
    else if (where != NULL)
        fr_text_add(out, "%s:%ld: ", faults->path, where->line);
    else
        fr_text_add(out, "%s: ", faults->path);
}

static bool is_known(const fr_faults *faults, const char *text)
{
    for (size_t i = 0; i < faults->n; i++)
        if (strcmp(faults->list[i].text, text) == 0) return true;
    return false;
}

static void keep(fr_faults *faults, const fr_node *where, fr_text *text)
{
    void *block = faults->list;
    if (faults->n == KEPT_MAX) {
        faults->n_more++;
        fr_text_clear(text);
        return;
    }
    if (text->failed ||
        fr_grow(&block, &faults->capacity, faults->n + 1, sizeof *faults->list) != FR_OK) {
        faults->out_of_memory = true;
        fr_text_clear(text);
        return;
    }
    faults->list = block;
    if (is_known(faults, fr_text_get(text))) { /* a value that an anchor repeats */
        fr_text_clear(text);
        return;
    }
    const long rank = where == NULL ? 0 : where->origin != NULL ? LONG_MAX : where->line;
    faults->list[faults->n++] = (fr_fault){.rank = rank, .text = text->data};
}

void fr_faults_add(fr_faults *faults, const fr_node *where, const char *format, ...)
{
    fr_text text = {0};
    char sentence[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    add_place(faults, where, &text);
    fr_text_add(&text, "%s", sentence);
    keep(faults, where, &text);
}

bool fr_faults_check(fr_faults *faults, const fr_node *where, const char *key, fr_status status)
{
    if (status == FR_OK) return true;
    if (status == FR_ERR_MEMORY)
        faults->out_of_memory = true;
    else
        fr_faults_add(faults, where, "%s: %s", key, fr_status_message());
    return false;
}

void fr_faults_unknown(fr_faults *faults, const fr_node *where, const char *home,
                       const char *const names[], size_t n)
{
    fr_text allowed = {0};
    for (size_t i = 0; i < n; i++) fr_text_add(&allowed, "%s%s", i == 0 ? "" : ", ", names[i]);
    const char *near = fr_nearest(where->key, names, n);
    fr_faults_add(faults, where, "unknown key %.60s%s%s; allowed: %s%s%s%s", where->key,
                  *home == '\0' ? "" : " in ", home, fr_text_get(&allowed),
                  near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
                  near == NULL ? "" : "?");
    fr_text_clear(&allowed);
}

static int by_rank(const void *a, const void *b)
{
    const fr_fault *x = a, *y = b;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Insertion sort: stable, and the list is short and nearly in order. */
static void sort(fr_faults *faults)
{
    for (size_t i = 1; i < faults->n; i++) {
        const fr_fault moving = faults->list[i];
        size_t at = i;
        for (; at > 0 && by_rank(&faults->list[at - 1], &moving) > 0; at--)
            faults->list[at] = faults->list[at - 1];
        faults->list[at] = moving;
    }
}

fr_status fr_faults_report(fr_faults *faults)
{
    if (faults->out_of_memory) return FR_FAIL(FR_ERR_MEMORY, "out of memory for the study");
    if (faults->n == 0) return FR_OK;
    sort(faults);
    fr_text all = {0};
    size_t told = 0;
    while (told < faults->n && all.length + strlen(faults->list[told].text) < REPORT_BYTES)
        fr_text_add(&all, "%s%s", told == 0 ? "" : "\n", faults->list[told].text), told++;
    const size_t more = faults->n - told + faults->n_more;
    if (more > 0) fr_text_add(&all, "\n%s: and %zu more faults", faults->path, more);
    const fr_status st = FR_FAIL(FR_ERR_USAGE, "%s", fr_text_get(&all));
    fr_text_clear(&all);
    return st;
}

void fr_faults_clear(fr_faults *faults)
{
    for (size_t i = 0; i < faults->n; i++) free(faults->list[i].text);
    free(faults->list);
    *faults = (fr_faults){0};
}
