/* SPDX-License-Identifier: BSD-3-Clause */
/* restart.c - two kinds of runs that share the trials: Hansen, "Benchmarking a BI-population
 * CMA-ES on the BBOB-2009 function testbed", GECCO 2009 workshops. Large ones double their
 * population each time and see the coarse shape of the function; small ones look for narrow
 * basins from many places. */
#include "restart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"

static const double FLAT = 1e-12; /* range of scores, relative to the first generation's */

static fr_status prepare(fr_restart *r, size_t population, double narrowing)
{
    const size_t window = 20 + 60 * r->dims / population;
    r->population = population;
    r->narrowing = narrowing;
    r->generations = 0;
    r->window = window;
    if (window <= r->capacity) return FR_OK;
    free(r->best);
    r->capacity = 0;
    r->best = fr_alloc(2 * window, sizeof *r->best);
    if (r->best == NULL) return FR_ERR_MEMORY;
    r->capacity = window;
    r->median = r->best + window;
    return FR_OK;
}

fr_status fr_restart_begin(fr_restart *r, size_t dims)
{
    r->dims = dims;
    r->smallest = r->largest = 4 + (size_t)(3.0 * log((double)(dims > 1 ? dims : 1)));
    r->is_small = false;
    r->spent[0] = r->spent[1] = 0;
    return prepare(r, r->smallest, 1.0);
}

void fr_restart_clear(fr_restart *r)
{
    free(r->best);
    *r = (fr_restart){0};
}

static double lowest(const double *values, size_t window, size_t first, size_t n)
{
    double least = INFINITY;
    for (size_t i = first; i < first + n; i++) least = fmin(least, values[i % window]);
    return least;
}

bool fr_restart_due(fr_restart *r, const double *scores)
{
    const size_t n = r->population, at = r->generations % r->window;
    size_t scored = n;
    while (scored > 0 && isinf(scores[scored - 1])) scored--;
    const double range = scored > 1 ? scores[scored - 1] - scores[0] : 0.0;
    if (r->generations == 0) r->range = range;
    r->best[at] = scores[0];
    r->median[at] = scores[n / 2];
    r->generations++;
    r->spent[r->is_small] += n;
    if (r->generations < r->window) return false;
    double highest = -INFINITY;
    for (size_t i = 0; i < r->window; i++) highest = fmax(highest, r->best[i]);
    const size_t oldest = r->generations % r->window, half = r->window / 2;
    const double least = lowest(r->best, r->window, oldest, r->window);
    if (range <= FLAT * r->range && highest - least <= FLAT * r->range) return true;
    return lowest(r->best, r->window, oldest, half) <=
               lowest(r->best, r->window, oldest + half, r->window - half) &&
           lowest(r->median, r->window, oldest, half) <=
               lowest(r->median, r->window, oldest + half, r->window - half);
}

fr_status fr_restart_next(fr_restart *r, fr_rng *rng)
{
    const double u = fr_rng_uniform(rng), v = fr_rng_uniform(rng);
    r->is_small = r->largest > r->smallest && r->spent[1] < r->spent[0];
    if (!r->is_small) {
        r->largest *= 2;
        return prepare(r, r->largest, 1.0);
    }
    const double growth = 0.5 * (double)r->largest / (double)r->smallest;
    const double population = (double)r->smallest * pow(growth, u * u);
    return prepare(r, (size_t)population, pow(10.0, -2.0 * v));
}
