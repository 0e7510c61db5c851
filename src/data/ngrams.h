/* SPDX-License-Identifier: BSD-3-Clause */
/* ngrams.h - the words and letters of a text in short sequences. */
#ifndef FR_DATA_NGRAMS_H
#define FR_DATA_NGRAMS_H

#include "internal.h"

/* A stretch of letters. */
typedef struct {
    size_t first, n;
} fr_letters;

/* Called for each n-gram, in the order of the text; `term` is UTF-8, "text:two words" or
 * "text~ lett", with the column's name in front. */
typedef fr_status fr_ngram_sink(void *context, fr_span term);

/* What cuts texts, with memory that it uses again. Start with {0} and the settings. */
typedef struct {
    const fr_text_settings *settings; /* borrowed */
    uint32_t *letter;                 /* of the text, in small letters if so set */
    size_t n_letters, max_letters;
    fr_letters *word; /* stretches of letters */
    size_t n_words, max_words;
    char *term;
    size_t max_term;
} fr_ngrams;

/* All n-grams of a text. *good = false: it is not UTF-8. */
FR_CHECKED fr_status fr_ngrams_run(fr_ngrams *ngrams, fr_span text, fr_ngram_sink *sink,
                                   void *context, bool *good);
void fr_ngrams_clear(fr_ngrams *ngrams);

#endif
