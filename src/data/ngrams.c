/* SPDX-License-Identifier: BSD-3-Clause */
/* ngrams.c - cut a text into n-grams as scikit-learn's CountVectorizer does: analyzer "word"
 * (words of two letters or more, joined by blanks), "char_wb" (letters of a word with a blank
 * on either side) and "char" (letters of the whole text). Chinese, Japanese and Korean signs
 * are words of their own, whatever their neighbours: such texts have no blanks. */
#include "ngrams.h"

#include <stdlib.h>
#include <string.h>

#include "foldrank/letters.h"
#include "foldrank/memory.h"

enum { SHORTEST_WORD = 2, MAX_UTF8 = 4 };

/* The next code point of text[0 .. n); returns its bytes, 0 when they are no UTF-8 (too long a
 * form, a surrogate, or beyond U+10FFFF included). */
static size_t decode(const unsigned char *text, size_t n, uint32_t *out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t bytes = text[0] < 0x80         ? 1
                         : text[0] >> 5 == 0x06 ? 2
                         : text[0] >> 4 == 0x0e ? 3
                         : text[0] >> 3 == 0x1e ? 4
                                                : 0;
    if (bytes == 0 || bytes > n) return 0;
    uint32_t letter = bytes == 1 ? text[0] : text[0] & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if (text[i] >> 6 != 2) return 0;
        letter = letter << 6 | (text[i] & 0x3f);
    }
    const bool surrogate = letter >= 0xd800 && letter <= 0xdfff;
    if (letter < least[bytes] || letter > 0x10ffff || surrogate) return 0;
    *out = letter;
    return bytes;
}

static size_t encode(uint32_t letter, char *out)
{
    unsigned char *to = (unsigned char *)out;
    const size_t bytes = letter < 0x80 ? 1 : letter < 0x800 ? 2 : letter < 0x10000 ? 3 : 4;
    if (bytes == 1) {
        to[0] = (unsigned char)letter;
        return 1;
    }
    for (size_t i = bytes - 1; i > 0; i--, letter >>= 6)
        to[i] = (unsigned char)(0x80 | (letter & 0x3f));
    to[0] = (unsigned char)((0xf00u >> bytes & 0xf0) | letter);
    return bytes;
}

/* Of the Latin, Greek and Cyrillic scripts. */
static uint32_t small_letter(uint32_t c)
{
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c >= 0xc0 && c <= 0xde) return c == 0xd7 ? c : c + 32;
    if ((c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) || (c >= 0x14a && c <= 0x177))
        return c | 1;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e)) return c + (c & 1);
    if (c >= 0x391 && c <= 0x3ab && c != 0x3a2) return c + 32;
    if (c >= 0x410 && c <= 0x42f) return c + 32;
    return c >= 0x400 && c <= 0x40f ? c + 80 : c;
}

static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f) || c == 0x85 ||
           c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* A word by itself. */
static bool is_ideograph(uint32_t c)
{
    return (c >= 0x3040 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x4dbf) ||
           (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff);
}

static bool is_word_letter(uint32_t c)
{
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '_';
    if (c < 0xc0)
        return c == 0xaa || c == 0xb2 || c == 0xb3 || c == 0xb5 || c == 0xb9 || c == 0xba ||
               (c >= 0xbc && c <= 0xbe);
    return c != 0xd7 && c != 0xf7 && !(c >= 0x2000 && c <= 0x2bff) &&
           !(c >= 0x3000 && c <= 0x303f) && !(c >= 0xe000 && c <= 0xf8ff) &&
           !(c >= 0xfe00 && c <= 0xfe6f) && !(c >= 0xff00 && c <= 0xff0f) &&
           !(c >= 0xff1a && c <= 0xff20) && !(c >= 0xff3b && c <= 0xff40) &&
           !(c >= 0xff5b && c <= 0xff65) && !(c >= 0x1f000 && c <= 0x1faff);
}

static fr_status read_letters(fr_ngrams *g, fr_span text, bool *good)
{
    const unsigned char *bytes = (const unsigned char *)text.text;
    g->n_letters = 0;
    FR_TRY(fr_grow((void **)&g->letter, &g->max_letters, text.length, sizeof *g->letter));
    for (size_t at = 0; at < text.length;) {
        uint32_t letter = 0;
        const size_t used = decode(bytes + at, text.length - at, &letter);
        *good = used > 0;
        if (!*good) return FR_OK;
        g->letter[g->n_letters++] = g->settings->lower ? small_letter(letter) : letter;
        at += used;
    }
    *good = true;
    return FR_OK;
}

static fr_status add_word(fr_ngrams *g, size_t first, size_t end)
{
    FR_TRY(fr_grow((void **)&g->word, &g->max_words, g->n_words + 1, sizeof *g->word));
    g->word[g->n_words++] = (fr_letters){first, end - first};
    return FR_OK;
}

static fr_status find_words(fr_ngrams *g)
{
    g->n_words = 0;
    for (size_t i = 0; i < g->n_letters;) {
        const size_t first = i;
        if (is_ideograph(g->letter[i])) {
            FR_TRY(add_word(g, first, ++i));
            continue;
        }
        while (i < g->n_letters && is_word_letter(g->letter[i]) && !is_ideograph(g->letter[i]))
            i++;
        if (i - first >= SHORTEST_WORD) FR_TRY(add_word(g, first, i));
        if (i == first) i++;
    }
    return FR_OK;
}

static fr_status find_pieces(fr_ngrams *g)
{
    g->n_words = 0;
    for (size_t i = 0; i < g->n_letters; i++) {
        const size_t first = i;
        while (i < g->n_letters && !is_blank(g->letter[i])) i++;
        if (i > first) FR_TRY(add_word(g, first, i));
    }
    return FR_OK;
}

/* "column:", where a term begins; room for so many letters behind it. */
static fr_status start_term(fr_ngrams *g, char mark, size_t letters, size_t *used)
{
    const size_t name = strlen(g->settings->column);
    FR_TRY(fr_grow((void **)&g->term, &g->max_term, name + 1 + MAX_UTF8 * letters, 1));
    memcpy(g->term, g->settings->column, name);
    g->term[name] = mark;
    *used = name + 1;
    return FR_OK;
}

static fr_status give_words(fr_ngrams *g, size_t n, fr_ngram_sink *sink, void *context)
{
    for (size_t i = 0; i + n <= g->n_words; i++) {
        size_t letters = n, used = 0;
        for (size_t k = i; k < i + n; k++) letters += g->word[k].n;
        FR_TRY(start_term(g, ':', letters, &used));
        for (size_t k = i; k < i + n; k++) {
            if (k > i) g->term[used++] = ' ';
            for (size_t j = 0; j < g->word[k].n; j++)
                used += encode(g->letter[g->word[k].first + j], g->term + used);
        }
        FR_TRY(sink(context, (fr_span){g->term, used}));
    }
    return FR_OK;
}

/* Letter i of a piece with a blank on either side. */
static uint32_t padded(const fr_ngrams *g, fr_letters piece, size_t i)
{
    return i == 0 || i > piece.n ? ' ' : g->letter[piece.first + i - 1];
}

/* Of one piece; one that is shorter than n is given once, whole. */
static fr_status give_piece(fr_ngrams *g, fr_letters piece, size_t n, fr_ngram_sink *sink,
                            void *context)
{
    const size_t all = piece.n + 2, length = n < all ? n : all;
    for (size_t i = 0; i + length <= all; i++) {
        size_t used = 0;
        FR_TRY(start_term(g, '~', length, &used));
        for (size_t j = 0; j < length; j++)
            used += encode(padded(g, piece, i + j), g->term + used);
        FR_TRY(sink(context, (fr_span){g->term, used}));
    }
    return FR_OK;
}

/* Two blanks and more become one. */
static void join_blanks(fr_ngrams *g)
{
    size_t used = 0;
    for (size_t i = 0; i < g->n_letters;) {
        size_t end = i;
        while (end < g->n_letters && is_blank(g->letter[end])) end++;
        g->letter[used++] = end > i + 1 ? ' ' : g->letter[i];
        i = end > i + 1 ? end : i + 1;
    }
    g->n_letters = used;
}

/* Of the whole text; what words there are is lost. */
static fr_status give_across(fr_ngrams *g, size_t n, fr_ngram_sink *sink, void *context)
{
    for (size_t i = 0; i + n <= g->n_letters; i++) {
        size_t used = 0;
        FR_TRY(start_term(g, '~', n, &used));
        for (size_t j = 0; j < n; j++) used += encode(g->letter[i + j], g->term + used);
        FR_TRY(sink(context, (fr_span){g->term, used}));
    }
    return FR_OK;
}

static fr_status give_letters(fr_ngrams *g, fr_ngram_sink *sink, void *context)
{
    const fr_ints *chars = &g->settings->chars;
    if (g->settings->across) {
        join_blanks(g);
        for (size_t k = 0; k < chars->n; k++)
            FR_TRY(give_across(g, (size_t)chars->value[k], sink, context));
        return FR_OK;
    }
    FR_TRY(find_pieces(g));
    for (size_t i = 0; i < g->n_words; i++)
        for (size_t k = 0; k < chars->n; k++) {
            const size_t n = (size_t)chars->value[k], all = g->word[i].n + 2;
            if (k > 0 && (size_t)chars->value[k - 1] >= all) break; /* given already */
            FR_TRY(give_piece(g, g->word[i], n, sink, context));
        }
    return FR_OK;
}

fr_status fr_ngrams_run(fr_ngrams *g, fr_span text, fr_ngram_sink *sink, void *context,
                        bool *good)
{
    FR_TRY(read_letters(g, text, good));
    if (!*good) return FR_OK;
    FR_TRY(find_words(g));
    for (size_t k = 0; k < g->settings->words.n; k++)
        FR_TRY(give_words(g, (size_t)g->settings->words.value[k], sink, context));
    return g->settings->chars.n > 0 ? give_letters(g, sink, context) : FR_OK;
}

void fr_ngrams_clear(fr_ngrams *ngrams)
{
    free(ngrams->letter);
    free(ngrams->word);
    free(ngrams->term);
    *ngrams = (fr_ngrams){0};
}

unsigned fr_letter_kind(uint32_t letter)
{
    return (is_blank(letter) ? FR_LETTER_BLANK : 0u) |
           (is_word_letter(letter) ? FR_LETTER_WORD : 0u) |
           (is_ideograph(letter) ? FR_LETTER_SIGN : 0u);
}

uint32_t fr_letter_small(uint32_t letter)
{
    return small_letter(letter);
}

size_t fr_letter_decode(const char *text, size_t n, uint32_t *letter)
{
    return decode((const unsigned char *)text, n, letter);
}

size_t fr_letter_encode(uint32_t letter, char *out)
{
    return encode(letter, out);
}
