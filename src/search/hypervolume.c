/* SPDX-License-Identifier: BSD-3-Clause */
/* hypervolume.c - how much of the space of costs a set of trials dominates.
 *
 * Slicing by exclusive volumes: with the rows in descending order of the last cost, the part of
 * a row's box that the later ones cover is the boxes of the later ones, each cut back to it,
 * and these all have the row's own last cost. So a set of n rows in d costs comes down to n
 * sets in d - 1, most of which shrink to a few rows; two costs are a sweep. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/pareto.h"

struct fr_volume {
    size_t d, capacity;
    fr_costs *level[FR_GOALS_MAX + 1]; /* level[k]: the set that is measured in k costs */
};

void fr_volume_destroy(fr_volume **volume)
{
    if (*volume == NULL) return;
    for (size_t k = 0; k <= FR_GOALS_MAX; k++) free((*volume)->level[k]);
    free(*volume);
    *volume = NULL;
}

fr_status fr_volume_create(size_t d, size_t capacity, fr_volume **out)
{
    fr_volume *volume = fr_alloc(1, sizeof *volume);
    *out = NULL;
    if (volume == NULL) return FR_ERR_MEMORY;
    volume->d = d;
    volume->capacity = capacity;
    for (size_t k = 1; k <= d; k++) {
        volume->level[k] = fr_alloc(capacity, sizeof(fr_costs));
        if (volume->level[k] != NULL) continue;
        fr_volume_destroy(&volume);
        return FR_ERR_MEMORY;
    }
    *out = volume;
    return FR_OK;
}

static int compare(double x, double y)
{
    return (x > y) - (x < y);
}

static int by_first(const void *a, const void *b)
{
    return compare(((const fr_costs *)a)->v[0], ((const fr_costs *)b)->v[0]);
}

static int by_third_down(const void *a, const void *b)
{
    return compare(((const fr_costs *)b)->v[2], ((const fr_costs *)a)->v[2]);
}

static int by_fourth_down(const void *a, const void *b)
{
    return compare(((const fr_costs *)b)->v[3], ((const fr_costs *)a)->v[3]);
}

/* Area under a staircase. */
static double sweep(fr_costs *rows, size_t n, const fr_costs *reference)
{
    double area = 0.0, lowest = reference->v[1];
    qsort(rows, n, sizeof *rows, by_first);
    for (size_t i = 0; i < n; i++) {
        if (rows[i].v[1] >= lowest) continue;
        area += (reference->v[0] - rows[i].v[0]) * (lowest - rows[i].v[1]);
        lowest = rows[i].v[1];
    }
    return area;
}

static bool covers(const fr_costs *a, const fr_costs *b, size_t d)
{
    for (size_t k = 0; k < d; k++)
        if (a->v[k] > b->v[k]) return false;
    return true;
}

/* Move the rows that no other covers to the front; of equal ones the first stays. */
static size_t keep_front(fr_costs *rows, size_t n, size_t d)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const fr_costs row = rows[i];
        bool covered = false;
        for (size_t j = 0; j < kept && !covered; j++) covered = covers(&rows[j], &row, d);
        if (covered) continue;
        size_t left = 0;
        for (size_t j = 0; j < kept; j++)
            if (!covers(&row, &rows[j], d)) rows[left++] = rows[j];
        rows[left] = row;
        kept = left + 1;
    }
    return kept;
}

static double box(const fr_costs *row, const fr_costs *reference, size_t d)
{
    double product = 1.0;
    for (size_t k = 0; k < d; k++) product *= reference->v[k] - row->v[k];
    return product;
}

/* The boxes of rows[0..n) cut back to that of `corner`, in the first d costs. */
static void cut_back(const fr_costs *rows, size_t n, const fr_costs *corner, size_t d,
                     fr_costs *out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < d; k++)
            out[i].v[k] = rows[i].v[k] > corner->v[k] ? rows[i].v[k] : corner->v[k];
}

/* Of level[d][0..n), all within the reference; their order changes. */
static double measure(fr_volume *volume, size_t n, size_t d, const fr_costs *reference)
{
    fr_costs *rows = volume->level[d];
    if (n == 0) return 0.0;
    if (d == 1) {
        double least = rows[0].v[0];
        for (size_t i = 1; i < n; i++) least = fmin(least, rows[i].v[0]);
        return reference->v[0] - least;
    }
    if (d == 2) return sweep(rows, n, reference);
    n = keep_front(rows, n, d);
    qsort(rows, n, sizeof *rows, d == 3 ? by_third_down : by_fourth_down);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        cut_back(rows + i + 1, n - i - 1, &rows[i], d - 1, volume->level[d - 1]);
        const double slice =
            box(&rows[i], reference, d - 1) - measure(volume, n - i - 1, d - 1, reference);
        sum += slice * (reference->v[d - 1] - rows[i].v[d - 1]);
    }
    return sum;
}

static bool is_within(const fr_costs *row, const fr_costs *reference, size_t d)
{
    for (size_t k = 0; k < d; k++)
        if (!(row->v[k] < reference->v[k])) return false;
    return true;
}

/* Copies the rows within the reference to the top level. */
static size_t load(fr_volume *volume, const fr_costs *costs, size_t n,
                   const fr_costs *reference)
{
    size_t kept = 0;
    for (size_t i = 0; i < n && kept < volume->capacity; i++)
        if (is_within(&costs[i], reference, volume->d))
            volume->level[volume->d][kept++] = costs[i];
    return kept;
}

double fr_volume_of(fr_volume *volume, const fr_costs *costs, size_t n,
                    const fr_costs *reference)
{
    return measure(volume, load(volume, costs, n, reference), volume->d, reference);
}

double fr_volume_gain(fr_volume *volume, const fr_costs *costs, size_t n, const fr_costs *added,
                      const fr_costs *reference)
{
    const size_t d = volume->d;
    fr_costs *rows = volume->level[d];
    if (!is_within(added, reference, d)) return 0.0;
    const size_t kept = load(volume, costs, n, reference);
    cut_back(rows, kept, added, d, rows);
    return fmax(box(added, reference, d) - measure(volume, kept, d, reference), 0.0);
}
