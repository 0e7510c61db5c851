/* SPDX-License-Identifier: BSD-3-Clause */
/* cells.c - the combinations of a space, numbered: for the grid, and for finding what is left
 * when a finite space is nearly used up.
 *
 * Conditions make the number of combinations below a parameter depend on the values before it.
 * It is counted by recursion, branching only at parameters that others depend on: those are few
 * (the family, the optimizer). */
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

/* Branches that are followed before a space counts as too large to be numbered: a millisecond.
 */
#define BRANCHES_MAX UINT64_C(100000)

typedef struct fr_axis {
    uint64_t n;     /* levels */
    double *levels; /* (n); NULL: given by the kind and step of the parameter */
    bool parent;    /* others depend on it */
} axis;

static double level(const fr_cells *cells, size_t j, uint64_t i)
{
    const fr_param *param = &cells->space->params[j];
    if (cells->axes[j].levels != NULL) return cells->axes[j].levels[i];
    if (param->kind == FR_PARAM_CHOICE) return (double)i;
    const double step = param->step > 0 ? param->step : 1.0;
    return fr_param_round(param, param->low + step * (double)i);
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    return b != 0 && a > FR_CELLS_MAX / b ? FR_CELLS_MAX + 1 : a * b;
}

/* Combinations of parameters j .. n-1 when those before have the values in `point`; whatever
 * stands in point[j] and after is overwritten. Above FR_CELLS_MAX, or when `work` branches are
 * used up: FR_CELLS_MAX + 1. */
static uint64_t completions(const fr_cells *cells, size_t j, double *point, uint64_t *work)
{
    uint64_t factor = 1;
    for (; j < cells->space->n; j++) {
        if (!fr_space_active(cells->space, j, point)) {
            point[j] = NAN;
            continue;
        }
        if (cells->axes[j].parent) break;
        point[j] = level(cells, j, 0);
        factor = multiply(factor, cells->axes[j].n);
    }
    if (j == cells->space->n) return factor;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < cells->axes[j].n && sum <= FR_CELLS_MAX; i++) {
        if (*work == 0) return FR_CELLS_MAX + 1;
        --*work;
        point[j] = level(cells, j, i);
        sum += completions(cells, j + 1, point, work);
    }
    return multiply(factor, sum);
}

/* n values spaced equally in the parameter's measure, ends included; on a stepped range those
 * that round to the same value are taken once. */
static fr_status spaced_levels(const fr_param *param, axis *out)
{
    const uint64_t n = (uint64_t)param->grid;
    const bool is_log = param->kind == FR_PARAM_LOG || param->kind == FR_PARAM_INT_LOG;
    const double low = is_log ? log(param->low) : param->low;
    const double high = is_log ? log(param->high) : param->high;
    out->levels = fr_alloc(n, sizeof *out->levels);
    if (out->levels == NULL) return FR_ERR_MEMORY;
    for (uint64_t i = 0; i < n; i++) {
        const double share = n == 1 ? 0.5 : (double)i / (double)(n - 1);
        const double at = low + (high - low) * share;
        const double value = fr_param_round(param, is_log ? exp(at) : at);
        if (out->n == 0 || value > out->levels[out->n - 1]) out->levels[out->n++] = value;
    }
    return FR_OK;
}

static fr_status make_axis(const fr_param *param, bool grid, axis *out)
{
    const double cardinality = fr_space_cardinality(param);
    if (grid && param->kind != FR_PARAM_CHOICE && param->grid > 0 &&
        (double)param->grid < cardinality)
        return spaced_levels(param, out);
    if (isfinite(cardinality) && cardinality <= 0x1p53) {
        out->n = (uint64_t)cardinality;
        return FR_OK;
    }
    if (!grid) return FR_OK;
    return FR_FAIL(FR_ERR_USAGE,
                   "search: a grid needs a number of values for `%s`, which is continuous; add "
                   "`grid: 5` or `step` to it, or take another method",
                   param->name);
}

fr_status fr_cells_create(const fr_space *space, bool grid, fr_cells *out)
{
    *out = (fr_cells){.space = space};
    fr_status st = FR_OK;
    bool finite = true;
    double *point = fr_alloc(space->n, sizeof *point);
    out->axes = fr_alloc(space->n, sizeof *out->axes);
    if (point == NULL || out->axes == NULL) {
        st = FR_ERR_MEMORY;
        goto out;
    }
    for (size_t j = 0; j < space->n; j++) {
        const fr_param *param = &space->params[j];
        if ((st = make_axis(param, grid, &out->axes[j])) != FR_OK) goto out;
        if (out->axes[j].n == 0) finite = false;
        for (size_t c = 0; c < param->n_conditions; c++)
            out->axes[param->conditions[c].parent].parent = true;
    }
    uint64_t work = BRANCHES_MAX;
    out->size = finite ? completions(out, 0, point, &work) : 0;
    if (out->size > FR_CELLS_MAX) out->size = 0;
    if (grid && out->size == 0)
        st = FR_FAIL(FR_ERR_USAGE,
                     "search: the grid has more than %.0e points, or too many conditions to "
                     "count them; take fewer values, or another method",
                     (double)FR_CELLS_MAX);
out:
    free(point);
    if (st != FR_OK) fr_cells_clear(out);
    return st;
}

void fr_cells_clear(fr_cells *cells)
{
    for (size_t j = 0; cells->axes != NULL && j < cells->space->n; j++)
        free(cells->axes[j].levels);
    free(cells->axes);
    *cells = (fr_cells){0};
}

/* A Feistel network permutes the numbers of an even count of bits; those that leave [0, size)
 * go through it again until they are back (Black and Rogaway, "Ciphers with arbitrary finite
 * domains", CT-RSA 2002): fewer than four rounds of it on average. */
uint64_t fr_cells_shuffled(const fr_cells *cells, uint64_t seed, uint64_t i)
{
    enum { ROUNDS = 4, GRID_ORDER = 2 };
    unsigned half = 1;
    while ((cells->size - 1) >> (2 * half) != 0) half++;
    const uint64_t mask = (UINT64_C(1) << half) - 1;
    do {
        uint64_t left = i >> half, right = i & mask;
        for (uint32_t round = 0; round < ROUNDS; round++) {
            fr_rng rng = fr_rng_make(seed, FR_RNG_SUGGEST, right, GRID_ORDER, round);
            const uint64_t next = left ^ (fr_rng_u64(&rng) & mask);
            left = right;
            right = next;
        }
        i = left << half | right;
    } while (i >= cells->size);
    return i;
}

void fr_cells_point(const fr_cells *cells, uint64_t rank, double *point)
{
    uint64_t work = UINT64_MAX; /* the whole was counted: its parts can be */
    for (size_t j = 0; j < cells->space->n; j++) {
        const axis *a = &cells->axes[j];
        if (!fr_space_active(cells->space, j, point)) {
            point[j] = NAN;
            continue;
        }
        if (!a->parent) {
            point[j] = level(cells, j, 0);
            const uint64_t below = completions(cells, j + 1, point, &work);
            point[j] = level(cells, j, rank / below);
            rank %= below;
            continue;
        }
        for (uint64_t i = 0; i < a->n; i++) {
            point[j] = level(cells, j, i);
            const uint64_t below = completions(cells, j + 1, point, &work);
            if (rank < below) break;
            rank -= below;
        }
    }
}

static bool has_level(const fr_cells *cells, size_t j, double value)
{
    const axis *a = &cells->axes[j];
    if (a->levels == NULL) return true;
    for (uint64_t i = 0; i < a->n; i++)
        if (a->levels[i] == value) return true;
    return false;
}

bool fr_cells_contain(const fr_cells *cells, const double *point)
{
    for (size_t j = 0; j < cells->space->n; j++)
        if (!isnan(point[j]) && !has_level(cells, j, point[j])) return false;
    return true;
}
