/* SPDX-License-Identifier: BSD-3-Clause */
/* letters.h - what the letters of a text are to its n-grams: code points of Unicode. All Local.
 */
#ifndef FR_LETTERS_H
#define FR_LETTERS_H

#include <stddef.h>
#include <stdint.h>

enum { FR_LETTERS = 0x110000, FR_LETTER_BYTES = 4 };

/* Bits of fr_letter_kind. */
enum {
    FR_LETTER_BLANK = 1, /* between words' letters */
    FR_LETTER_WORD = 2,  /* part of a word */
    FR_LETTER_SIGN = 4   /* a word by itself: Chinese, Japanese and Korean */
};
unsigned fr_letter_kind(uint32_t letter);

/* A as a; others as they are. */
uint32_t fr_letter_small(uint32_t letter);

/* The letter that UTF-8 text[0 .. n) begins with, n > 0; returns its bytes, 0 when they are no
 * UTF-8. */
size_t fr_letter_decode(const char *text, size_t n, uint32_t *letter);
/* The same back; returns how many of FR_LETTER_BYTES are used. */
size_t fr_letter_encode(uint32_t letter, char *out);

#endif
