/* SPDX-License-Identifier: BSD-3-Clause */
/* splits.c - deal positions out: into folds, or into a drawn part and the rest. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "folds.h"

size_t fr_share_of(double fraction, size_t n)
{
    return (size_t)ceil(fraction * (double)n - 1e-9);
}

/* Shuffled positions, stratum after stratum: an even step through this list takes an even share
 * of each stratum. */
static fr_status order_by_stratum(const fr_deal *deal, fr_rng rng, uint32_t **out)
{
    uint32_t *shuffled = fr_alloc(deal->n, sizeof *shuffled);
    uint32_t *order = fr_alloc(deal->n, sizeof *order);
    size_t *start = fr_alloc(deal->n_strata + 1, sizeof *start);
    if (shuffled == NULL || order == NULL || start == NULL) {
        free(shuffled);
        free(order);
        free(start);
        return FR_ERR_MEMORY;
    }
    for (size_t i = 0; i < deal->n; i++) shuffled[i] = (uint32_t)i;
    fr_rng_shuffle(&rng, shuffled, deal->n);
    if (deal->stratum == NULL) {
        memcpy(order, shuffled, deal->n * sizeof *order);
    } else {
        for (size_t i = 0; i < deal->n; i++) start[deal->stratum[i] + 1]++;
        for (size_t s = 1; s <= deal->n_strata; s++) start[s] += start[s - 1];
        for (size_t i = 0; i < deal->n; i++)
            order[start[deal->stratum[shuffled[i]]]++] = shuffled[i];
    }
    free(shuffled);
    free(start);
    *out = order;
    return FR_OK;
}

fr_status fr_deal_folds(const fr_deal *deal, size_t folds, fr_rng rng, uint32_t *part)
{
    uint32_t *order;
    FR_TRY(order_by_stratum(deal, rng, &order));
    for (size_t i = 0; i < deal->n; i++) part[order[i]] = (uint32_t)(i % folds);
    free(order);
    return FR_OK;
}

fr_status fr_deal_share(const fr_deal *deal, size_t wanted, fr_rng rng, uint32_t *part)
{
    uint32_t *order;
    FR_TRY(order_by_stratum(deal, rng, &order));
    for (size_t i = 0; i < deal->n; i++)
        part[order[i]] = (uint64_t)(i + 1) * wanted / deal->n > (uint64_t)i * wanted / deal->n;
    free(order);
    return FR_OK;
}

typedef struct {
    uint64_t rank; /* larger comes first */
    uint32_t order;
    uint32_t group;
    size_t size;
} sized_group;

static int compare_groups(const void *left, const void *right)
{
    const sized_group *a = left, *b = right;
    if (a->rank != b->rank) return a->rank > b->rank ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static unsigned bit_length(size_t value)
{
    unsigned bits = 0;
    for (; value > 0; value >>= 1) bits++;
    return bits;
}

/* The groups that occur, shuffled; with `by_size` the large ones first. */
static fr_status list_groups(const fr_deal *deal, fr_rng rng, bool by_size, bool exact,
                             sized_group **out, size_t *n)
{
    sized_group *list = fr_alloc(deal->n_strata, sizeof *list);
    uint32_t *order = fr_alloc(deal->n_strata, sizeof *order);
    if (list == NULL || order == NULL) {
        free(list);
        free(order);
        return FR_ERR_MEMORY;
    }
    for (size_t g = 0; g < deal->n_strata; g++) order[g] = (uint32_t)g;
    fr_rng_shuffle(&rng, order, deal->n_strata);
    for (size_t g = 0; g < deal->n_strata; g++) {
        list[g].group = (uint32_t)g;
        list[g].order = order[g];
    }
    for (size_t i = 0; i < deal->n; i++) list[deal->stratum[i]].size++;
    *n = 0;
    for (size_t g = 0; g < deal->n_strata; g++) {
        if (by_size) list[g].rank = exact ? list[g].size : bit_length(list[g].size);
        if (list[g].size > 0) list[(*n)++] = list[g];
    }
    qsort(list, *n, sizeof *list, compare_groups);
    free(order);
    *out = list;
    return FR_OK;
}

fr_status fr_deal_groups(const fr_deal *deal, size_t folds, fr_rng rng, bool exact,
                         uint32_t *part)
{
    sized_group *list;
    size_t n;
    FR_TRY(list_groups(deal, rng, true, exact, &list, &n));
    size_t *size = fr_alloc(folds, sizeof *size);
    uint32_t *fold = fr_alloc(deal->n_strata, sizeof *fold);
    if (size != NULL && fold != NULL) {
        for (size_t i = 0; i < n; i++) {
            size_t smallest = 0;
            for (size_t f = 1; f < folds; f++)
                if (size[f] < size[smallest]) smallest = f;
            size[smallest] += list[i].size;
            fold[list[i].group] = (uint32_t)smallest;
        }
        for (size_t i = 0; i < deal->n; i++) part[i] = fold[deal->stratum[i]];
    }
    const bool good = size != NULL && fold != NULL;
    free(list);
    free(size);
    free(fold);
    return good ? FR_OK : FR_ERR_MEMORY;
}

/* A group is taken when that brings the number nearer to `wanted`; one is taken and one is left
 * in any case. */
fr_status fr_deal_share_of_groups(const fr_deal *deal, size_t wanted, fr_rng rng,
                                  uint32_t *part)
{
    sized_group *list;
    size_t n, taken = 0, n_taken = 0;
    FR_TRY(list_groups(deal, rng, false, false, &list, &n));
    bool *chosen = fr_alloc(deal->n_strata, sizeof *chosen);
    for (size_t i = 0; i < n && chosen != NULL; i++) {
        const bool nearer =
            taken + list[i].size <= wanted || taken + list[i].size - wanted < wanted - taken;
        if (taken >= wanted || !nearer || n_taken + 1 >= n) continue;
        chosen[list[i].group] = true;
        taken += list[i].size;
        n_taken++;
    }
    if (chosen != NULL && n_taken == 0) chosen[list[n - 1].group] = true;
    for (size_t i = 0; i < deal->n && chosen != NULL; i++) part[i] = chosen[deal->stratum[i]];
    const bool good = chosen != NULL;
    free(list);
    free(chosen);
    return good ? FR_OK : FR_ERR_MEMORY;
}
