/* SPDX-License-Identifier: BSD-3-Clause */
/* heap.c - a binary heap of events. */
#include "heap.h"

#include "foldrank/memory.h"

fr_status fr_heap_add(fr_heap *heap, fr_event event)
{
    void *block = heap->items;
    FR_TRY(fr_grow(&block, &heap->capacity, heap->n + 1, sizeof *heap->items));
    heap->items = block;
    size_t i = heap->n++;
    for (; i > 0 && heap->items[(i - 1) / 2].time > event.time; i = (i - 1) / 2)
        heap->items[i] = heap->items[(i - 1) / 2];
    heap->items[i] = event;
    return FR_OK;
}

fr_event fr_heap_take(fr_heap *heap)
{
    const fr_event first = heap->items[0], last = heap->items[--heap->n];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < heap->n && heap->items[child + 1].time < heap->items[child].time)
            child++;
        if (child >= heap->n || heap->items[child].time >= last.time) break;
        heap->items[i] = heap->items[child];
        i = child;
    }
    if (heap->n > 0) heap->items[i] = last;
    return first;
}
