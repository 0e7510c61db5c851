/* SPDX-License-Identifier: BSD-3-Clause */
/* transform_fit.c - learn from the training rows what becomes of each column.
 *
 * Rows are far apart in memory, so several columns are gathered at a time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "transform.h"

enum {
    U8_BINS = 256,
    I16_BINS = 65536,
    I16_COUNTED = 8192,    /* rows from which counting pays for clearing the bins */
    TILE_COLUMNS = 64,     /* bytes of a cache line */
    TILE_VALUES = 1 << 20, /* floats gathered at a time, at most, unless one column has more */
};

typedef struct {
    const fr_preprocess_options *options;
    const fr_dataset *dataset;
    const uint32_t *rows;
    size_t n;
    size_t tile;      /* columns gathered at a time */
    size_t bins;      /* of each column that is counted; 0 = values */
    uint32_t *count;  /* (tile, bins) */
    float *values;    /* (tile, n) */
    uint32_t *key[2]; /* (n) */
    size_t *n_values; /* (tile) */
    uint32_t *seen;   /* (levels of the largest categorical column) */
} fit_state;

static fr_status plan_tiles(fit_state *fit)
{
    const fr_schema *schema = &fit->dataset->schema;
    size_t n_levels = 0;
    for (size_t c = 0; c < schema->cols; c++)
        if (schema->columns[c].n_levels > n_levels) n_levels = schema->columns[c].n_levels;
    if (schema->cell == FR_CELL_U8) fit->bins = U8_BINS;
    if (schema->cell == FR_CELL_I16 && fit->n >= I16_COUNTED) fit->bins = I16_BINS;
    const size_t room = fit->bins > 0 ? I16_BINS / fit->bins : TILE_VALUES / fit->n;
    fit->tile = room < 1 ? 1 : room > TILE_COLUMNS ? TILE_COLUMNS : room;
    const size_t n = fit->bins > 0 ? 0 : fit->n;
    fit->count = fr_alloc(fit->tile * fit->bins, sizeof *fit->count);
    fit->values = fr_alloc(fit->tile * n, sizeof *fit->values);
    fit->key[0] = fr_alloc(n, sizeof *fit->key[0]);
    fit->key[1] = fr_alloc(n, sizeof *fit->key[1]);
    fit->n_values = fr_alloc(fit->tile, sizeof *fit->n_values);
    fit->seen = fr_alloc(n_levels, sizeof *fit->seen);
    const bool good = fit->count != NULL && fit->values != NULL && fit->key[0] != NULL &&
                      fit->key[1] != NULL && fit->n_values != NULL && fit->seen != NULL;
    return good ? FR_OK : FR_ERR_MEMORY;
}

static void free_tiles(fit_state *fit)
{
    free(fit->count);
    free(fit->values);
    free(fit->key[0]);
    free(fit->key[1]);
    free(fit->n_values);
    free(fit->seen);
}

static void count_u8(const fit_state *fit, size_t first, size_t n_columns)
{
    const size_t cols = fit->dataset->schema.cols;
    for (size_t r = 0; r < fit->n; r++) {
        const uint8_t *x = (const uint8_t *)fit->dataset->x + fit->rows[r] * cols + first;
        for (size_t t = 0; t < n_columns; t++) fit->count[t * U8_BINS + x[t]]++;
    }
}

static void count_i16(const fit_state *fit, size_t first)
{
    const size_t cols = fit->dataset->schema.cols;
    const int16_t *x = (const int16_t *)fit->dataset->x + first;
    for (size_t r = 0; r < fit->n; r++) fit->count[x[fit->rows[r] * cols] - INT16_MIN]++;
}

/* Values that are not missing, in row order. */
static void gather_values(const fit_state *fit, size_t first, size_t n_columns)
{
    const size_t cols = fit->dataset->schema.cols;
    const bool narrow = fit->dataset->schema.cell == FR_CELL_I16;
    for (size_t r = 0; r < fit->n; r++) {
        const size_t at = fit->rows[r] * cols + first;
        for (size_t t = 0; t < n_columns; t++) {
            const float value = narrow ? ((const int16_t *)fit->dataset->x)[at + t]
                                       : ((const float *)fit->dataset->x)[at + t];
            fit->values[t * fit->n + fit->n_values[t]] = value;
            fit->n_values[t] += value == value;
        }
    }
}

static void gather_tile(const fit_state *fit, size_t first, size_t n_columns)
{
    memset(fit->n_values, 0, fit->tile * sizeof *fit->n_values);
    memset(fit->count, 0, fit->tile * fit->bins * sizeof *fit->count);
    if (fit->bins == U8_BINS)
        count_u8(fit, first, n_columns);
    else if (fit->bins == I16_BINS)
        count_i16(fit, first);
    else
        gather_values(fit, first, n_columns);
}

static fr_cells cells_of(const fit_state *fit, size_t t)
{
    fr_cells cells = {.n = fit->n, .n_values = fit->n};
    if (fit->bins > 0) {
        cells.count = fit->count + t * fit->bins;
        cells.bins = fit->bins;
        cells.low = fit->bins == I16_BINS ? INT16_MIN : 0;
    } else {
        cells.values = fit->values + t * fit->n;
        cells.n_values = fit->n_values[t];
        cells.key[0] = fit->key[0];
        cells.key[1] = fit->key[1];
    }
    return cells;
}

/* Shift and spread of the scaling; spread 0 means there is nothing to divide by. */
static void scale_feature(int scale, const fr_summary *summary, fr_feature *feature)
{
    double shift = 0, spread = 1;
    switch (scale) {
    case FR_SCALE_STANDARD:
        shift = summary->mean;
        spread = summary->deviation;
        break;
    case FR_SCALE_MINMAX:
        shift = summary->low;
        spread = summary->high - summary->low;
        break;
    case FR_SCALE_MAXABS:
        spread = fmax(fabs(summary->low), fabs(summary->high));
        break;
    case FR_SCALE_ROBUST:
        shift = summary->q50;
        spread = summary->q75 - summary->q25;
        break;
    default:
        break;
    }
    /* Rounding leaves a constant column a deviation that is not quite 0. */
    feature->shift = (float)shift;
    feature->factor = summary->constant || spread == 0 ? 1.0f : (float)(1.0 / spread);
    feature->fill = (float)summary->fill;
}

static void fit_number(const fr_cells *cells, const fr_preprocess_options *options,
                       fr_feature_kind kind, fr_feature *feature)
{
    fr_summary summary;
    fr_cells_summarise(cells, options, &summary);
    scale_feature(options->scale, &summary, feature);
    feature->kind = (int)(summary.constant && options->drop_constant ? FR_FEATURE_DROP : kind);
    feature->width = feature->kind != FR_FEATURE_DROP;
}

/* How often each level occurs. */
static void count_levels(const fit_state *fit, const fr_cells *cells, size_t n_levels)
{
    memset(fit->seen, 0, n_levels * sizeof *fit->seen);
    if (cells->count != NULL)
        memcpy(fit->seen, cells->count - cells->low, n_levels * sizeof *fit->seen);
    else
        for (size_t i = 0; i < cells->n_values; i++) fit->seen[(size_t)cells->values[i]]++;
}

static fr_status fit_onehot(const fit_state *fit, const fr_cells *cells, size_t n_levels,
                            fr_feature *feature)
{
    const fr_preprocess_options *options = fit->options;
    count_levels(fit, cells, n_levels);
    feature->place = fr_alloc(n_levels, sizeof *feature->place);
    if (feature->place == NULL) return FR_ERR_MEMORY;
    feature->n_place = n_levels;
    size_t best = 0;
    for (size_t level = 0; level < n_levels; level++) {
        const bool seen = fit->seen[level] > 0;
        feature->place[level] = seen ? (int32_t)feature->width : -1;
        feature->width += seen;
        if (fit->seen[level] > fit->seen[best]) best = level;
    }
    const bool imputed = options->impute == FR_IMPUTE_MOST_FREQUENT && cells->n_values > 0;
    const bool constant = feature->width == 1 && (cells->n_values == fit->n || imputed);
    feature->fill = imputed ? (float)best : -1.0f;
    feature->factor = 1;
    feature->kind = FR_FEATURE_ONEHOT;
    if (feature->width > 0 && !(constant && options->drop_constant)) return FR_OK;
    feature->kind = FR_FEATURE_DROP;
    feature->width = feature->n_place = 0;
    free(feature->place);
    feature->place = NULL;
    return FR_OK;
}

static fr_status fit_column(const fit_state *fit, const fr_column *column, size_t t,
                            fr_feature *feature)
{
    const fr_cells cells = cells_of(fit, t);
    fr_preprocess_options ordinal = *fit->options;
    ordinal.impute = FR_IMPUTE_MOST_FREQUENT;
    if (column->kind == FR_COLUMN_NUMERIC)
        fit_number(&cells, fit->options, FR_FEATURE_NUMERIC, feature);
    else if (fit->options->encode == FR_ENCODE_ONEHOT)
        return fit_onehot(fit, &cells, column->n_levels, feature);
    else
        fit_number(&cells, &ordinal, FR_FEATURE_ORDINAL, feature);
    return FR_OK;
}

static fr_status fit_columns(const fit_state *fit, fr_transform *out)
{
    const fr_schema *schema = &fit->dataset->schema;
    for (size_t c = 0; c < out->cols; c++) {
        const size_t t = c % fit->tile, left = out->cols - c;
        if (t == 0) gather_tile(fit, c, left < fit->tile ? left : fit->tile);
        fr_feature *feature = &out->features[c];
        FR_TRY(fit_column(fit, &schema->columns[c], t, feature));
        feature->first = out->width;
        out->width += feature->width;
    }
    return FR_OK;
}

static void fit_target(const fit_state *fit, fr_transform *out)
{
    const fr_dataset *dataset = fit->dataset;
    out->target_factor = 1;
    if (dataset->schema.learn != FR_LEARN_REGRESSION || !fit->options->scale_target ||
        dataset->y == NULL)
        return;
    double sum = 0, squares = 0;
    for (size_t r = 0; r < fit->n; r++) sum += dataset->y[fit->rows[r]];
    out->target_shift = sum / (double)fit->n;
    for (size_t r = 0; r < fit->n; r++) {
        const double distance = dataset->y[fit->rows[r]] - out->target_shift;
        squares += distance * distance;
    }
    if (squares > 0) out->target_factor = 1 / sqrt(squares / (double)fit->n);
}

fr_status fr_transform_fit_shared(const fr_preprocess_options *options,
                                  const fr_dataset *dataset, const uint32_t *rows, size_t n,
                                  const fr_gram_source *solvers, fr_transform *out)
{
    fit_state fit = {.options = options, .dataset = dataset, .rows = rows, .n = n};
    const size_t cols = dataset->schema.cols;
    *out = (fr_transform){0};
    if (n == 0) return FR_FAIL(FR_ERR_DATA, "no training rows to learn the preprocessing from");
    const bool sparse = dataset->schema.cell == FR_CELL_SPARSE;
    if (!sparse && options->scale == FR_SCALE_TFIDF)
        return FR_FAIL(FR_ERR_DATA,
                       "preprocess.scale is tfidf, which is for counts that are "
                       "stored sparse: of data.text, or with data.storage: sparse");
    fr_status st = sparse ? FR_OK : plan_tiles(&fit);
    if (st == FR_OK && (out->features = fr_alloc(cols, sizeof *out->features)) == NULL)
        st = FR_ERR_MEMORY;
    if (st == FR_OK) {
        out->cols = cols;
        st = sparse ? fr_transform_fit_sparse(options, dataset, rows, n, out)
                    : fit_columns(&fit, out);
    }
    if (st == FR_OK) fit_target(&fit, out);
    if (st == FR_OK) st = fr_transform_make_plan(out);
    if (st == FR_OK) st = fr_transform_select(options, dataset, rows, n, out);
    if (st == FR_OK) st = fr_projection_fit(options, dataset, rows, n, solvers, out);
    if (st != FR_OK) fr_transform_clear(out);
    free_tiles(&fit);
    return st;
}

fr_status fr_transform_fit(const fr_preprocess_options *options, const fr_dataset *dataset,
                           const uint32_t *rows, size_t n, fr_transform *out)
{
    return fr_transform_fit_shared(options, dataset, rows, n, NULL, out);
}
