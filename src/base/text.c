/* SPDX-License-Identifier: BSD-3-Clause */
/* text.c - growing text and the nearest word. */
#include "foldrank/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"

static bool reserve(fr_text *text, size_t more)
{
    if (text->failed) return false;
    void *block = text->data;
    text->failed =
        fr_grow(&block, &text->capacity, text->length + more + 1, sizeof(char)) != FR_OK;
    text->data = block;
    return !text->failed;
}

void fr_text_append(fr_text *text, const char *bytes, size_t n)
{
    if (!reserve(text, n)) return;
    memcpy(text->data + text->length, bytes, n);
    text->length += n;
    text->data[text->length] = '\0';
}

void fr_text_add(fr_text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0 && reserve(text, (size_t)n)) {
        vsnprintf(text->data + text->length, (size_t)n + 1, format, again);
        text->length += (size_t)n;
    }
    va_end(again);
}

void fr_text_clear(fr_text *text)
{
    free(text->data);
    *text = (fr_text){0};
}

const char *fr_text_get(const fr_text *text)
{
    return text->data == NULL ? "" : text->data;
}

enum { WORD_LIMIT = 64 };

/* Optimal string alignment: insert, delete, replace, swap two neighbours. */
static size_t edit_distance(const char *a, const char *b)
{
    const size_t na = strlen(a), nb = strlen(b);
    if (na > WORD_LIMIT || nb > WORD_LIMIT) return WORD_LIMIT;
    size_t row[3][WORD_LIMIT + 1]; /* the two rows before and the one being filled */
    for (size_t j = 0; j <= nb; j++) row[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t *now = row[i % 3];
        const size_t *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            const int ca = tolower((unsigned char)a[i - 1]),
                      cb = tolower((unsigned char)b[j - 1]);
            size_t best = last[j - 1] + (ca != cb);
            if (last[j] + 1 < best) best = last[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            const bool swapped = i > 1 && j > 1 && tolower((unsigned char)a[i - 2]) == cb &&
                                 ca == tolower((unsigned char)b[j - 2]);
            if (swapped && before[j - 2] + 1 < best) best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[na % 3][nb];
}

const char *fr_nearest(const char *word, const char *const names[], size_t n)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2; /* farther than this is another word */
    for (size_t i = 0; i < n; i++) {
        const size_t distance = edit_distance(word, names[i]);
        if (distance < best_distance && distance < strlen(names[i])) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}
