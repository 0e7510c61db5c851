/* SPDX-License-Identifier: BSD-3-Clause */
/* pareto.c - who dominates whom. */
#include "foldrank/pareto.h"

#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"

bool fr_pareto_dominates(const fr_costs *a, const fr_costs *b)
{
    bool better = false;
    for (size_t k = 0; k < FR_GOALS_MAX; k++) {
        if (a->v[k] > b->v[k]) return false;
        better = better || a->v[k] < b->v[k];
    }
    return better;
}

void fr_pareto_range(const fr_costs *costs, size_t n, size_t d, fr_costs *best, fr_costs *worst)
{
    *best = *worst = costs[0];
    for (size_t i = 1; i < n; i++) {
        for (size_t k = 0; k < d; k++) {
            best->v[k] = fmin(best->v[k], costs[i].v[k]);
            worst->v[k] = fmax(worst->v[k], costs[i].v[k]);
        }
    }
}

typedef struct {
    fr_costs costs;
    size_t row;
} entry;

static int by_costs(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    for (size_t k = 0; k < FR_GOALS_MAX; k++)
        if (x->costs.v[k] != y->costs.v[k]) return x->costs.v[k] < y->costs.v[k] ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Fronts as lists: the entry that came in last, and from each entry the one before it. */
typedef struct {
    const entry *entries;
    size_t *last, *before; /* entry + 1; 0 = none */
    size_t n_fronts;
    size_t d;
} fronts;

/* The latest members are nearest, so they are asked first. Of two objectives the second falls
 * along a front: who came last is the best in it, and answers for all. */
static bool is_dominated(const fronts *f, size_t front, size_t i)
{
    for (size_t at = f->last[front]; at != 0; at = f->before[at - 1]) {
        if (fr_pareto_dominates(&f->entries[at - 1].costs, &f->entries[i].costs)) return true;
        if (f->d == 2) return false;
    }
    return false;
}

/* Rows in lexicographic order: none can be dominated by a later one. Who is dominated in one
 * front is so in all before it, hence the binary search (Zhang et al., "An efficient approach
 * to nondominated sorting", IEEE Trans. Evol. Comput. 19, 2015). */
static size_t front_of(const fronts *f, size_t i)
{
    size_t low = 0, high = f->n_fronts;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (is_dominated(f, middle, i))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

fr_status fr_pareto_ranks(const fr_costs *costs, size_t n, size_t d, uint32_t *rank)
{
    entry *entries = fr_alloc(n, sizeof *entries);
    size_t *links = fr_alloc(n, 2 * sizeof *links);
    if (entries == NULL || links == NULL) {
        free(entries);
        free(links);
        return FR_ERR_MEMORY;
    }
    fronts f = {.entries = entries, .last = links, .before = links + n, .d = d};
    for (size_t i = 0; i < n; i++) entries[i] = (entry){.costs = costs[i], .row = i};
    qsort(entries, n, sizeof *entries, by_costs);
    for (size_t i = 0; i < n; i++) {
        const size_t front = front_of(&f, i);
        if (front == f.n_fronts) f.last[f.n_fronts++] = 0;
        f.before[i] = f.last[front];
        f.last[front] = i + 1;
        rank[entries[i].row] = (uint32_t)front + 1;
    }
    free(entries);
    free(links);
    return FR_OK;
}

typedef struct {
    double value;
    size_t row;
} place;

static int by_value(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

fr_status fr_pareto_crowding(const fr_costs *costs, size_t n, size_t d, double *distance)
{
    place *places = fr_alloc(n, sizeof *places);
    if (places == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) distance[i] = 0.0;
    for (size_t k = 0; k < d && n > 0; k++) {
        for (size_t i = 0; i < n; i++) places[i] = (place){costs[i].v[k], i};
        qsort(places, n, sizeof *places, by_value);
        const double extent = places[n - 1].value - places[0].value;
        if (!(extent > 0.0)) continue; /* nothing to tell apart here */
        distance[places[0].row] = distance[places[n - 1].row] = INFINITY;
        for (size_t i = 1; i + 1 < n; i++)
            distance[places[i].row] += (places[i + 1].value - places[i - 1].value) / extent;
    }
    free(places);
    return FR_OK;
}
