/* SPDX-License-Identifier: BSD-3-Clause */
/* seen.c - hash index over the points of a history: open addressing, linear probing, at most
 * half full. One look-up costs one hash and, nearly always, one comparison. */
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

typedef struct fr_seen_slot {
    uint64_t hash;
    size_t trial; /* + 1; 0 = empty */
} slot;

/* The slot of an equal point, or the empty one where it would go. */
static slot *find(const fr_seen *seen, uint64_t hash, const double *point)
{
    const size_t mask = seen->n_slots - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        slot *s = &seen->slots[i];
        if (s->trial == 0) return s;
        const fr_history *h = seen->history;
        if (s->hash == hash && fr_space_equal(h->space, h->trials[s->trial - 1].point, point))
            return s;
    }
}

static fr_status grow(fr_seen *seen, size_t n)
{
    size_t wanted = seen->n_slots < 64 ? 64 : seen->n_slots;
    while (wanted / 2 < n) wanted *= 2;
    if (wanted == seen->n_slots) return FR_OK;
    slot *slots = fr_alloc(wanted, sizeof *slots);
    if (slots == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < seen->n_slots; i++) {
        if (seen->slots[i].trial == 0) continue;
        size_t at = (size_t)seen->slots[i].hash & (wanted - 1);
        while (slots[at].trial != 0) at = (at + 1) & (wanted - 1);
        slots[at] = seen->slots[i];
    }
    free(seen->slots);
    seen->slots = slots;
    seen->n_slots = wanted;
    return FR_OK;
}

static bool is_current(const fr_seen *seen, const fr_history *history)
{
    if (seen->history != history || seen->n > history->n) return false;
    if (seen->n == 0) return true;
    const double *last = history->trials[seen->n - 1].point;
    return fr_space_hash(history->space, last) == seen->last_hash;
}

fr_status fr_seen_update(fr_seen *seen, const fr_history *history)
{
    if (!is_current(seen, history)) {
        const uint64_t serial = seen->serial + 1;
        fr_seen_clear(seen);
        seen->serial = serial;
    }
    seen->history = history;
    FR_TRY(grow(seen, history->n + 1));
    for (; seen->n < history->n; seen->n++) {
        const double *point = history->trials[seen->n].point;
        const uint64_t hash = fr_space_hash(history->space, point);
        slot *s = find(seen, hash, point);
        seen->last_hash = hash;
        if (s->trial != 0) continue;
        *s = (slot){.hash = hash, .trial = seen->n + 1};
        seen->distinct++;
    }
    return FR_OK;
}

bool fr_seen_has(const fr_seen *seen, const double *point)
{
    if (seen->n == 0) return false;
    return find(seen, fr_space_hash(seen->history->space, point), point)->trial != 0;
}

void fr_seen_clear(fr_seen *seen)
{
    free(seen->slots);
    *seen = (fr_seen){0};
}
