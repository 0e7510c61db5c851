/* SPDX-License-Identifier: BSD-3-Clause */
/* front.c - several objectives: who is on which front, how the front grew, where its knee is.
 */
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "foldrank/pareto.h"
#include "internal.h"

/* A front of three or more objectives beyond this many trials would take long to measure
 * after every trial. */
enum { MEASURED_MAX = 2000 };

/* The trials that are compared. */
typedef struct {
    const fr_history *history;
    size_t n;
    size_t *trial;   /* (n) ascending */
    fr_costs *costs; /* (n) */
    uint32_t *rank;  /* (n) */
} field;

static void clear_field(field *f)
{
    free(f->trial);
    free(f->costs);
    free(f->rank);
}

static fr_status make_field(const fr_history *history, const bool *allowed, field *f)
{
    *f = (field){.history = history};
    f->trial = fr_alloc(history->n, sizeof *f->trial);
    f->costs = fr_alloc(history->n, sizeof *f->costs);
    f->rank = fr_alloc(history->n, sizeof *f->rank);
    if (f->trial == NULL || f->costs == NULL || f->rank == NULL) return FR_ERR_MEMORY;
    for (size_t t = 0; t < history->n; t++) {
        if (allowed != NULL && !allowed[t]) continue;
        if (fr_history_costs(history, t, &f->costs[f->n])) f->trial[f->n++] = t;
    }
    return fr_pareto_ranks(f->costs, f->n, history->n_goals, f->rank);
}

typedef struct {
    double cost;
    uint64_t trial;
} entry;

static int by_cost(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->cost != y->cost) return x->cost < y->cost ? -1 : 1;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

static fr_status list_front(const field *f, fr_fronts *out)
{
    entry *entries = fr_alloc(f->n, sizeof *entries);
    if (entries == NULL) return FR_ERR_MEMORY;
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        if (f->rank[i] == 1) entries[n++] = (entry){f->costs[i].v[0], f->trial[i]};
    qsort(entries, n, sizeof *entries, by_cost);
    out->front = fr_alloc(n, sizeof *out->front);
    out->n_front = n;
    for (size_t i = 0; i < n && out->front != NULL; i++) out->front[i] = entries[i].trial;
    free(entries);
    return out->front == NULL ? FR_ERR_MEMORY : FR_OK;
}

/* The costs of the front, in the order of the trials; owned by the caller. */
static fr_status copy_front(const field *f, fr_costs **front, size_t *n)
{
    *n = 0;
    *front = fr_alloc(f->n, sizeof **front);
    if (*front == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < f->n; i++)
        if (f->rank[i] == 1) (*front)[(*n)++] = f->costs[i];
    return FR_OK;
}

/* A tenth of the front's extent beyond its worst, so that its ends count, too; where it has no
 * extent a tenth of the value, or of 1. */
static fr_status place_reference(const field *f, fr_costs *out)
{
    fr_costs *front = NULL, best, worst;
    size_t n = 0;
    *out = (fr_costs){{0}};
    FR_TRY(copy_front(f, &front, &n));
    if (n > 0) fr_pareto_range(front, n, f->history->n_goals, &best, &worst);
    free(front);
    for (size_t k = 0; n > 0 && k < f->history->n_goals; k++) {
        double extent = worst.v[k] - best.v[k];
        if (!(extent > 0)) extent = worst.v[k] != 0 ? fabs(worst.v[k]) : 1.0;
        out->v[k] = worst.v[k] + 0.1 * extent;
    }
    return FR_OK;
}

/* The front so far, as it grows. */
typedef struct {
    fr_volume *volume;
    fr_costs *rows;
    size_t n;
    double measure; /* NaN: too many to be measured */
} growth;

static void grow(growth *g, const fr_costs *added, size_t d, const fr_costs *reference)
{
    size_t left = 0;
    for (size_t i = 0; i < g->n; i++) {
        bool covers = true;
        for (size_t k = 0; k < d; k++) covers = covers && g->rows[i].v[k] <= added->v[k];
        if (covers) return; /* nothing new */
    }
    if (d > 2 && g->n >= MEASURED_MAX) g->measure = NAN;
    if (!isnan(g->measure))
        g->measure += fr_volume_gain(g->volume, g->rows, g->n, added, reference);
    for (size_t i = 0; i < g->n; i++)
        if (!fr_pareto_dominates(added, &g->rows[i])) g->rows[left++] = g->rows[i];
    g->rows[left] = *added;
    g->n = left + 1;
}

static fr_status measure_growth(const field *f, const fr_costs *reference, fr_fronts *out)
{
    const size_t d = f->history->n_goals;
    growth g = {.rows = fr_alloc(f->n + 1, sizeof *g.rows)};
    if (g.rows == NULL) return FR_ERR_MEMORY;
    const fr_status st = fr_volume_create(d, f->n + 1, &g.volume);
    size_t i = 0;
    for (size_t t = 0; st == FR_OK && t < out->n_trials; t++) {
        if (i < f->n && f->trial[i] == t) grow(&g, &f->costs[i++], d, reference);
        out->hypervolume[t] = g.measure;
    }
    fr_volume_destroy(&g.volume);
    free(g.rows);
    return st;
}

static fr_status fill_fronts(const field *f, const double *reference, size_t n_reference,
                             fr_fronts *out)
{
    const fr_history *h = f->history;
    fr_costs end = {{0}};
    out->n_trials = h->n;
    out->rank = fr_alloc(h->n, sizeof *out->rank);
    out->hypervolume = fr_alloc(h->n, sizeof *out->hypervolume);
    if (out->rank == NULL || out->hypervolume == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < f->n; i++) out->rank[f->trial[i]] = f->rank[i];
    FR_TRY(place_reference(f, &end));
    for (size_t k = 0; k < h->n_goals; k++) {
        if (n_reference > 0) end.v[k] = h->maximizes[k] ? -reference[k] : reference[k];
        out->reference[k] = h->maximizes[k] ? -end.v[k] : end.v[k];
    }
    FR_TRY(measure_growth(f, &end, out));
    return list_front(f, out);
}

fr_status fr_fronts_find(const fr_history *history, const bool *allowed,
                         const double *reference, size_t n_reference, fr_fronts *out)
{
    field f;
    *out = (fr_fronts){0};
    fr_status st = make_field(history, allowed, &f);
    if (st == FR_OK) st = fill_fronts(&f, reference, n_reference, out);
    clear_field(&f);
    if (st != FR_OK) fr_fronts_clear(out);
    return st;
}

void fr_fronts_clear(fr_fronts *fronts)
{
    free(fronts->front);
    free(fronts->rank);
    free(fronts->hypervolume);
    *fronts = (fr_fronts){0};
}

/* The plane's equation is: sum of the brought values = 1; its distance goes with the sum. */
size_t fr_fronts_knee(const fr_history *history, const fr_fronts *fronts)
{
    const size_t d = history->n_goals;
    fr_costs best = {{0}}, worst = {{0}}, costs;
    double least = INFINITY;
    size_t knee = (size_t)fronts->front[0];
    for (size_t i = 0; i < fronts->n_front; i++) {
        if (!fr_history_costs(history, (size_t)fronts->front[i], &costs)) continue;
        for (size_t k = 0; k < d; k++) {
            best.v[k] = i == 0 ? costs.v[k] : fmin(best.v[k], costs.v[k]);
            worst.v[k] = i == 0 ? costs.v[k] : fmax(worst.v[k], costs.v[k]);
        }
    }
    for (size_t i = 0; i < fronts->n_front; i++) {
        double sum = 0;
        if (!fr_history_costs(history, (size_t)fronts->front[i], &costs)) continue;
        for (size_t k = 0; k < d; k++) {
            const double extent = worst.v[k] - best.v[k];
            if (extent > 0) sum += (costs.v[k] - best.v[k]) / extent;
        }
        if (!(sum < least)) continue;
        least = sum;
        knee = (size_t)fronts->front[i];
    }
    return knee;
}
