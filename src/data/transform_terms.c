/* SPDX-License-Identifier: BSD-3-Clause */
/* transform_terms.c - which n-grams of a text are features: told by the names of their columns
 * (ngrams.h), so that a search tries lengths on counts that were made once. */
#include <string.h>

#include "transform.h"

static bool is_all(const fr_ints *lengths)
{
    return lengths->n == 1 && lengths->value[0] == 0;
}

static bool has(const fr_ints *lengths, size_t n)
{
    for (size_t i = 0; i < lengths->n; i++)
        if (lengths->value[i] == (int64_t)n) return true;
    return false;
}

static size_t count_words(const char *term)
{
    size_t n = 1;
    for (; *term != '\0'; term++) n += *term == ' ';
    return n;
}

static size_t count_letters(const char *term)
{
    size_t n = 0;
    for (; *term != '\0'; term++) n += ((unsigned char)*term & 0xc0) != 0x80;
    return n;
}

/* A word that is shorter than an n-gram, with its blanks, is one as it is. */
static bool stands_for_longer(const fr_ints *lengths, const char *term, size_t n)
{
    enum { SHORTEST = 3 };
    const bool whole = n >= SHORTEST && term[0] == ' ' && term[strlen(term) - 1] == ' ';
    return whole && lengths->n > 0 && (int64_t)n < lengths->value[lengths->n - 1];
}

bool fr_transform_has_term(const fr_preprocess_options *options, const fr_text_settings *text,
                           const char *name)
{
    const size_t mark = strlen(text->column);
    const char *term = name + mark + 1;
    if (name[mark] == ':')
        return is_all(&options->text_words) || has(&options->text_words, count_words(term));
    const size_t n = count_letters(term);
    return is_all(&options->text_chars) || has(&options->text_chars, n) ||
           (!text->across && stands_for_longer(&options->text_chars, term, n));
}

bool fr_transform_has_all_terms(const fr_preprocess_options *options)
{
    return is_all(&options->text_words) && is_all(&options->text_chars);
}
