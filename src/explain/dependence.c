/* SPDX-License-Identifier: BSD-3-Clause */
/* dependence.c - how the outputs move with one column, the others being as they are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

/* A value of the column: in which row it stands, and how many rows have it. */
typedef struct {
    float value;
    uint32_t row;
    size_t rows;
} level;

static int by_value(const void *a, const void *b)
{
    const level *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static int by_count(const void *a, const void *b)
{
    const level *x = a, *y = b;
    if (x->rows != y->rows) return x->rows > y->rows ? -1 : 1;
    return by_value(a, b);
}

/* The cells that are not missing, ascending; *n_distinct: how many different values. */
static level *sort_cells(const fr_dataset *dataset, const uint32_t *rows, size_t n,
                         size_t column, size_t *n_cells, size_t *n_distinct)
{
    level *cells = fr_alloc(n, sizeof *cells);
    *n_cells = *n_distinct = 0;
    if (cells == NULL) return NULL;
    for (size_t i = 0; i < n; i++) {
        const float value = fr_cell_value(dataset, rows[i], column);
        if (!isnan(value)) cells[(*n_cells)++] = (level){value, rows[i], 1};
    }
    qsort(cells, *n_cells, sizeof *cells, by_value);
    for (size_t i = 0; i < *n_cells; i++)
        *n_distinct += i == 0 || cells[i].value != cells[i - 1].value;
    return cells;
}

/* Equal neighbours made one; returns how many are left. */
static size_t merge_levels(level *cells, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && cells[kept - 1].value == cells[i].value)
            cells[kept - 1].rows += cells[i].rows;
        else
            cells[kept++] = cells[i];
    }
    return kept;
}

/* The cells at, or next below, evenly spaced places from 5 % to 95 %; the caller's (free). */
static level *take_quantiles(const level *cells, size_t n, size_t grid, size_t *n_grid)
{
    static const double low = 0.05, high = 0.95;
    level *taken = fr_alloc(grid, sizeof *taken);
    for (size_t g = 0; taken != NULL && g < grid; g++) {
        const double q = low + (high - low) * (double)g / (double)(grid - 1);
        taken[g] = cells[(size_t)(q * (double)(n - 1))];
    }
    *n_grid = taken == NULL ? 0 : merge_levels(taken, grid);
    return taken;
}

/* The column's grid; the caller's (free). */
static level *make_grid(const fr_dataset *dataset, const uint32_t *rows, size_t n,
                        size_t column, size_t grid, size_t *n_grid)
{
    size_t n_cells = 0, n_distinct = 0;
    level *cells = sort_cells(dataset, rows, n, column, &n_cells, &n_distinct);
    const bool is_number = dataset->schema.columns[column].kind == FR_COLUMN_NUMERIC;
    *n_grid = 0;
    if (cells == NULL) return NULL;
    if (n_distinct > grid && is_number) {
        level *taken = take_quantiles(cells, n_cells, grid, n_grid);
        free(cells);
        return taken;
    }
    *n_grid = merge_levels(cells, n_cells);
    if (*n_grid > grid) {
        qsort(cells, *n_grid, sizeof *cells, by_count);
        qsort(cells, *n_grid = grid, sizeof *cells, by_value);
    }
    return cells;
}

/* The most important columns first; those without a number last. */
typedef struct {
    double importance;
    uint32_t feature;
} ranked;

static int by_importance(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (isnan(x->importance) != isnan(y->importance)) return isnan(x->importance) ? 1 : -1;
    if (!isnan(x->importance) && x->importance != y->importance)
        return x->importance > y->importance ? -1 : 1;
    return (x->feature > y->feature) - (x->feature < y->feature);
}

static ranked *rank_features(const fr_explanation *explanation)
{
    ranked *list = fr_alloc(explanation->n_features, sizeof *list);
    for (size_t j = 0; list != NULL && j < explanation->n_features; j++)
        list[j] = (ranked){explanation->features[j].importance, (uint32_t)j};
    if (list != NULL) qsort(list, explanation->n_features, sizeof *list, by_importance);
    return list;
}

/* Where the points of all columns are computed. */
typedef struct {
    const fr_model *model;
    const fr_dataset *dataset;
    fr_scratch scratch;
    const uint32_t *rows; /* (scratch.n) of the data set */
    float *output;        /* (scratch.n, n_outputs) */
    fr_explanation *out;
} session;

/* Append the point of the column at one value. The column is left so. */
static fr_status add_point(session *s, uint32_t column, const level *at)
{
    const size_t width = s->model->n_outputs, n = s->scratch.n;
    fr_explanation *out = s->out;
    float *mean = out->dependence + out->n_points * width;
    for (size_t i = 0; i < n; i++) fr_scratch_set(&s->scratch, i, column, s->dataset, at->row);
    FR_TRY(fr_model_predict(s->model, &s->scratch.dataset, s->scratch.rows, n, s->output));
    for (size_t k = 0; k < width; k++) {
        double sum = 0.0;
        for (size_t i = 0; i < n; i++) sum += (double)s->output[i * width + k];
        mean[k] = (float)(sum / (double)n);
    }
    out->points[out->n_points++] = (fr_dependence_point){column, (double)at->value};
    return FR_OK;
}

static fr_status add_column(session *s, uint32_t column, const level *grid, size_t n_grid)
{
    for (size_t g = 0; g < n_grid; g++) FR_TRY(add_point(s, column, &grid[g]));
    for (size_t i = 0; i < s->scratch.n; i++)
        fr_scratch_set(&s->scratch, i, column, s->dataset, s->rows[i]);
    return FR_OK;
}

static fr_status open_session(session *s, const fr_explain_options *options, size_t n)
{
    const size_t most = (size_t)options->features * (size_t)options->grid;
    const size_t width = s->model->n_outputs;
    s->output = fr_alloc(n, width * sizeof *s->output);
    s->out->points = fr_alloc(most, sizeof *s->out->points);
    s->out->dependence = fr_alloc(most, width * sizeof *s->out->dependence);
    if (s->output == NULL || s->out->points == NULL || s->out->dependence == NULL)
        return FR_ERR_MEMORY;
    return fr_scratch_create(s->dataset, s->rows, n, &s->scratch);
}

fr_status fr_explain_dependence(const fr_explain_options *options, const fr_model *model,
                                const fr_dataset *dataset, const uint32_t *all, size_t n_all,
                                uint64_t seed, fr_explanation *out)
{
    const size_t grid = (size_t)options->grid, n_features = out->n_features;
    size_t n = 0;
    uint32_t *rows = NULL;
    session s = {.model = model, .dataset = dataset, .out = out};
    ranked *order = rank_features(out);
    fr_explain_options bounded = *options;
    if ((size_t)bounded.features > n_features) bounded.features = (int64_t)n_features;
    fr_status st = order == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK)
        st = fr_explain_sample(all, n_all, (size_t)options->rows, seed, 0, &rows, &n);
    s.rows = rows;
    if (st == FR_OK) st = open_session(&s, &bounded, n);
    for (size_t j = 0; st == FR_OK && j < (size_t)bounded.features; j++) {
        if (isnan(order[j].importance)) break;
        size_t n_grid = 0;
        level *values = make_grid(dataset, all, n_all, order[j].feature, grid, &n_grid);
        st = values == NULL ? FR_ERR_MEMORY : add_column(&s, order[j].feature, values, n_grid);
        free(values);
    }
    fr_scratch_clear(&s.scratch);
    free(s.output);
    free(order);
    free(rows);
    return st;
}
