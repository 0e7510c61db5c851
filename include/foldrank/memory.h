/* SPDX-License-Identifier: BSD-3-Clause */
/* memory.h - allocation that checks its product and aligns for vectors.
 *
 * Whoever creates, destroys. All blocks come from here or from the C library and are released
 * with free(). */
#ifndef FR_MEMORY_H
#define FR_MEMORY_H

#include <stddef.h>

#include "foldrank/status.h"

enum { FR_ALIGNMENT = 64 }; /* bytes: one cache line, one AVX-512 register */

/* n elements of `size` bytes, zeroed, aligned to FR_ALIGNMENT; n = 0 gives a valid pointer.
 * NULL when memory is short or n * size overflows, with the record set to FR_ERR_MEMORY's
 * sentence. Release with free(). Local. */
void *fr_alloc(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2)));

/* Grow *block from *capacity to at least `needed` elements (doubling), keeping its content. New
 * elements are zero. On failure block and capacity are unchanged. Local. */
FR_CHECKED fr_status fr_grow(void **block, size_t *capacity, size_t needed, size_t size);

/* A copy of `text`; NULL in, NULL out. NULL also when memory is short (then recorded). Local.
 */
char *fr_strdup(const char *text) __attribute__((malloc));

/* The most memory that this process may use [bytes]: the machine's, or less where a limit of
 * the process, of its container or of its batch job says so. Local. */
double fr_memory_limit(void);

#endif
