/* SPDX-License-Identifier: BSD-3-Clause */
/* memory.c - checked, aligned allocation. */
#include "foldrank/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *out_of_memory(size_t n, size_t size)
{
    (void)FR_FAIL(FR_ERR_MEMORY, "out of memory: cannot get %zu x %zu bytes", n, size);
    return NULL;
}

void *fr_alloc(size_t n, size_t size)
{
    if (size != 0 && n > (SIZE_MAX - FR_ALIGNMENT) / size) return out_of_memory(n, size);
    size_t bytes = n * size == 0 ? FR_ALIGNMENT : n * size;
    bytes = (bytes + FR_ALIGNMENT - 1) / FR_ALIGNMENT * FR_ALIGNMENT;
    void *block = aligned_alloc(FR_ALIGNMENT, bytes);
    if (block == NULL) return out_of_memory(n, size);
    return memset(block, 0, bytes);
}

fr_status fr_grow(void **block, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity) return FR_OK;
    size_t wanted = *capacity < 8 ? 8 : *capacity;
    while (wanted < needed) {
        if (wanted > SIZE_MAX / 2) {
            wanted = needed;
            break;
        }
        wanted *= 2;
    }
    if (size != 0 && wanted > SIZE_MAX / size) {
        out_of_memory(wanted, size);
        return FR_ERR_MEMORY;
    }
    char *grown = realloc(*block, wanted * size);
    if (grown == NULL) {
        out_of_memory(wanted, size);
        return FR_ERR_MEMORY;
    }
    memset(grown + *capacity * size, 0, (wanted - *capacity) * size);
    *block = grown;
    *capacity = wanted;
    return FR_OK;
}

char *fr_strdup(const char *text)
{
    if (text == NULL) return NULL;
    size_t bytes = strlen(text) + 1;
    char *copy = malloc(bytes);
    if (copy == NULL) return out_of_memory(bytes, 1);
    return memcpy(copy, text, bytes);
}
