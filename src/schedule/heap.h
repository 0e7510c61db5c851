/* SPDX-License-Identifier: BSD-3-Clause */
/* heap.h - things that happen, the earliest first. All Local. */
#ifndef FR_HEAP_H
#define FR_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "foldrank/status.h"

typedef struct {
    double time;
    size_t rank, n;
    bool is_end; /* of a task; else n tasks have reached the rank, or n results root */
} fr_event;

/* Start with {0}; release with free(items). */
typedef struct {
    fr_event *items; /* a binary heap */
    size_t n, capacity;
} fr_heap;

FR_CHECKED fr_status fr_heap_add(fr_heap *heap, fr_event event);

/* Take the earliest; there must be one. */
fr_event fr_heap_take(fr_heap *heap);

#endif
