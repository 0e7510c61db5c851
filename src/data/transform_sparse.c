/* SPDX-License-Identifier: BSD-3-Clause */
/* transform_sparse.c - transforms of sparse data, and transforms whose outputs are kept sparse.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "transform.h"

/* What the training rows store of one column. */
typedef struct {
    size_t n;
    float low, high;
} stored_cells;

static void note(stored_cells *s, float value)
{
    if (s->n++ == 0) s->low = s->high = value;
    if (value < s->low) s->low = value;
    if (value > s->high) s->high = value;
}

static void fit_stored(const fr_preprocess_options *options, const stored_cells *s, size_t n,
                       fr_feature *feature)
{
    const bool constant = s->n == 0 || (s->n == n && s->low == s->high);
    const bool counted = s->n > 0 || options->scale == FR_SCALE_TFIDF;
    const bool rare = counted && s->n < (size_t)options->min_rows;
    const bool common = (double)s->n > options->max_share * (double)n;
    const double largest = fmax(fabs((double)s->low), fabs((double)s->high));
    const bool scales = options->scale == FR_SCALE_MAXABS && !constant;
    const bool drop = (constant && options->drop_constant) || rare || common;
    feature->kind = drop ? FR_FEATURE_DROP : FR_FEATURE_NUMERIC;
    feature->width = !drop;
    feature->factor = scales ? (float)(1.0 / largest) : 1.0f;
    if (options->scale == FR_SCALE_TFIDF && options->idf)
        feature->factor = (float)(log((1.0 + (double)n) / (1.0 + (double)s->n)) + 1.0);
}

fr_status fr_transform_fit_sparse(const fr_preprocess_options *options,
                                  const fr_dataset *dataset, const uint32_t *rows, size_t n,
                                  fr_transform *out)
{
    const fr_sparse_rows *x = &dataset->sparse;
    if (options->scale != FR_SCALE_NONE && options->scale != FR_SCALE_MAXABS &&
        options->scale != FR_SCALE_TFIDF)
        return FR_FAIL(FR_ERR_DATA, "%s", fr_transform_no_shift);
    stored_cells *stored = fr_alloc(out->cols, sizeof *stored);
    if (stored == NULL) return FR_ERR_MEMORY;
    for (size_t r = 0; r < n; r++)
        for (uint64_t k = x->start[rows[r]]; k < x->start[rows[r] + 1]; k++)
            note(&stored[x->column[k]], x->value[k]);
    out->tfidf = options->scale == FR_SCALE_TFIDF;
    out->sublinear = out->tfidf && options->sublinear;
    const fr_schema *schema = &dataset->schema;
    const bool all = schema->text.column == NULL || fr_transform_has_all_terms(options);
    for (size_t c = 0; c < out->cols; c++) {
        fr_feature *feature = &out->features[c];
        fit_stored(options, &stored[c], n, feature);
        if (!all && !fr_transform_has_term(options, &schema->text, schema->columns[c].name))
            *feature = (fr_feature){.kind = FR_FEATURE_DROP, .factor = 1};
        out->features[c].first = out->width;
        out->width += out->features[c].width;
    }
    free(stored);
    if (out->width == 0 && dataset->schema.text.column != NULL)
        return FR_FAIL(
            FR_ERR_DATA,
            "column `%s`: none of its %zu n-grams is left of %zu training rows: "
            "preprocess.min_rows is %lld, max_share %g, and what all rows have alike "
            "says nothing",
            dataset->schema.text.column, out->cols, n, (long long)options->min_rows,
            options->max_share);
    return FR_OK;
}

const char fr_transform_no_shift[] =
    "the data are stored sparse, and this scaling moves 0, which would fill them; set "
    "preprocess.scale to maxabs, tfidf or none, or data.storage to dense if the memory allows";

bool fr_transform_features_keep_zeros(const fr_transform *transform)
{
    for (size_t c = 0; c < transform->cols; c++) {
        const fr_feature *f = &transform->features[c];
        const bool number = f->kind == FR_FEATURE_NUMERIC || f->kind == FR_FEATURE_ORDINAL;
        if (f->kind == FR_FEATURE_ONEHOT || (number && f->shift != 0)) return false;
    }
    return true;
}

bool fr_transform_keeps_zeros(const fr_transform *transform)
{
    return transform->projection == NULL && fr_transform_features_keep_zeros(transform);
}

bool fr_transform_cell(const fr_feature *f, float cell, size_t *output, float *value)
{
    const bool missing = cell != cell;
    if (f->kind == FR_FEATURE_DROP) return false;
    *output = f->first;
    if (f->kind != FR_FEATURE_ONEHOT) {
        *value = ((missing ? f->fill : cell) - f->shift) * f->factor;
        return *value != 0;
    }
    const float level = missing || cell < 0 ? f->fill : cell;
    const int32_t place =
        level >= 0 && level < (float)f->n_place ? f->place[(size_t)level] : -1;
    *output += (size_t)(place < 0 ? 0 : place);
    *value = 1;
    return place >= 0;
}

/* Rows of length 1, but for those without anything. */
static void make_unit(float *value, size_t n)
{
    double squares = 0;
    for (size_t k = 0; k < n; k++) squares += (double)value[k] * (double)value[k];
    const double factor = squares > 0 ? 1.0 / sqrt(squares) : 1.0;
    for (size_t k = 0; k < n; k++) value[k] = (float)((double)value[k] * factor);
}

float fr_transform_weigh(const fr_transform *t, float cell)
{
    return t->sublinear && cell > 0 ? (float)(1.0 + log((double)cell)) : cell;
}

static void put_cell(const fr_feature *f, float cell, float *row)
{
    size_t output;
    float value;
    memset(row + f->first, 0, f->width * sizeof *row);
    if (fr_transform_cell(f, cell, &output, &value)) row[output] = value;
}

float fr_dense_cell(const fr_dataset *dataset, size_t i)
{
    switch (dataset->schema.cell) {
    case FR_CELL_U8:
        return ((const uint8_t *)dataset->x)[i];
    case FR_CELL_I16:
        return ((const int16_t *)dataset->x)[i];
    default:
        return ((const float *)dataset->x)[i];
    }
}

void fr_transform_apply_tfidf(const fr_transform *transform, const fr_dataset *dataset,
                              const uint32_t *rows, size_t n, float *out, size_t stride)
{
    for (size_t r = 0; r < n; r++) {
        float *row = out + r * stride;
        memset(row, 0, stride * sizeof *row);
        for (size_t c = 0; c < transform->cols; c++)
            put_cell(&transform->features[c],
                     fr_transform_weigh(transform,
                                        fr_dense_cell(dataset, rows[r] * transform->cols + c)),
                     row);
        make_unit(row, transform->width);
    }
}

void fr_transform_expand(const fr_transform *transform, const fr_dataset *dataset,
                         const uint32_t *rows, size_t n, float *out, size_t stride)
{
    const fr_sparse_rows *x = &dataset->sparse;
    const bool zeros = fr_transform_keeps_zeros(transform);
    for (size_t r = 0; r < n; r++) {
        float *row = out + r * stride;
        memset(row, 0, stride * sizeof *row);
        for (size_t c = 0; !zeros && c < transform->cols; c++)
            put_cell(&transform->features[c], 0, row);
        for (uint64_t k = x->start[rows[r]]; k < x->start[rows[r] + 1]; k++)
            put_cell(&transform->features[x->column[k]],
                     fr_transform_weigh(transform, x->value[k]), row);
        if (transform->tfidf) make_unit(row, transform->width);
    }
}

size_t fr_transform_most_values(const fr_transform *transform, const fr_dataset *dataset,
                                const uint32_t *rows, size_t n)
{
    const fr_sparse_rows *x = &dataset->sparse;
    size_t most = 0;
    if (transform->projection != NULL) return transform->width;
    if (dataset->schema.cell != FR_CELL_SPARSE) {
        for (size_t c = 0; c < transform->cols; c++) most += transform->features[c].width > 0;
        return most;
    }
    for (size_t r = 0; r < n; r++) {
        const size_t values = (size_t)(x->start[rows[r] + 1] - x->start[rows[r]]);
        if (values > most) most = values;
    }
    return most;
}

/* Values of a dense row behind `at`; returns where they end. */
static size_t gather_dense(const fr_transform *transform, const fr_dataset *dataset, size_t row,
                           fr_sparse_block *out, size_t at)
{
    for (size_t c = 0; c < transform->cols; c++) {
        size_t output;
        const float cell = fr_dense_cell(dataset, row * transform->cols + c);
        if (!fr_transform_cell(&transform->features[c], fr_transform_weigh(transform, cell),
                               &output, &out->value[at]))
            continue;
        out->column[at++] = (uint32_t)output;
    }
    return at;
}

static size_t gather_stored(const fr_transform *transform, const fr_sparse_rows *x, size_t row,
                            fr_sparse_block *out, size_t at)
{
    const struct fr_transform_plan *plan = transform->plan;
    for (uint64_t k = x->start[row]; k < x->start[row + 1]; k++) {
        const int32_t to = plan->to[x->column[k]];
        if (to < 0) continue;
        out->column[at] = (uint32_t)to;
        out->value[at++] =
            fr_transform_weigh(transform, x->value[k]) * plan->factor[x->column[k]];
    }
    return at;
}

/* Nothing of it is 0. */
static size_t gather_projected(const fr_transform *transform, const fr_dataset *dataset,
                               uint32_t row, fr_sparse_block *out, size_t at)
{
    fr_transform_project(transform, dataset, &row, 1, out->value + at, transform->width);
    for (size_t j = 0; j < transform->width; j++) out->column[at + j] = (uint32_t)j;
    return at + transform->width;
}

void fr_transform_apply_sparse(const fr_transform *transform, const fr_dataset *dataset,
                               const uint32_t *rows, size_t n, fr_sparse_block *out)
{
    const bool sparse = dataset->schema.cell == FR_CELL_SPARSE;
    size_t at = 0;
    assert(transform->cols == dataset->schema.cols && n <= out->max_rows);
    out->n = n;
    out->start[0] = 0;
    for (size_t r = 0; r < n; r++) {
        if (transform->projection != NULL)
            at = gather_projected(transform, dataset, rows[r], out, at);
        else if (sparse)
            at = gather_stored(transform, &dataset->sparse, rows[r], out, at);
        else
            at = gather_dense(transform, dataset, rows[r], out, at);
        if (transform->tfidf && transform->projection == NULL)
            make_unit(out->value + out->start[r], at - (size_t)out->start[r]);
        out->start[r + 1] = at;
    }
    assert(at <= out->max_values);
}
