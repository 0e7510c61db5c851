/* SPDX-License-Identifier: BSD-3-Clause */
/* fill.c - the second reading: cells into the block. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/checksum.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

typedef struct {
    fr_source *source;
    const fr_reader *reader;
    fr_layout to;
    size_t row;
    uint64_t where;
    size_t stored; /* sparse: cells that are in the block */
    size_t *other; /* (n_other) sparse: columns that are looked at in every row */
    size_t n_other;
} fill_place;

static fr_status changed(const fr_reader *reader)
{
    return FR_FAIL(FR_ERR_DATA, "%s: changed while it was read; run again", reader->path);
}

/* False: the value does not fit, so the file is not what it was when it was looked at. */
static bool put_cell(const fill_place *at, size_t feature, double value)
{
    const size_t i = at->row * at->source->schema.cols + feature;
    switch (at->source->schema.cell) {
    case FR_CELL_U8:
        if (!(value >= 0 && value <= UINT8_MAX)) return false;
        ((uint8_t *)at->to.x)[i] = (uint8_t)value;
        return true;
    case FR_CELL_I16:
        if (!(value >= INT16_MIN && value <= INT16_MAX)) return false;
        ((int16_t *)at->to.x)[i] = (int16_t)value;
        return true;
    default:
        ((float *)at->to.x)[i] = (float)value;
        return true;
    }
}

/* NaN stands for a missing value throughout. */
static fr_status put(const fill_place *at, const fr_field *field, double value)
{
    const bool missing = isnan(value);
    switch (field->role) {
    case FR_ROLE_FEATURE:
        return put_cell(at, field->feature, value) ? FR_OK : changed(at->reader);
    case FR_ROLE_TARGET:
        at->to.y[at->row] = (float)value;
        return missing && !at->source->like ? changed(at->reader) : FR_OK;
    case FR_ROLE_GROUP:
    case FR_ROLE_FOLD:
    case FR_ROLE_TIME:
    case FR_ROLE_TEST: {
        int32_t *list = field->role == FR_ROLE_GROUP  ? at->to.group
                        : field->role == FR_ROLE_FOLD ? at->to.fold
                        : field->role == FR_ROLE_TIME ? at->to.time
                                                      : at->to.test_mark;
        if (missing) return changed(at->reader);
        list[at->row] = (int32_t)value;
        return FR_OK;
    }
    case FR_ROLE_WEIGHT:
        at->to.weight[at->row] = (float)value;
        return missing ? changed(at->reader) : FR_OK;
    default:
        return FR_OK;
    }
}

static double code_of(const fr_field *field, fr_key key)
{
    uint32_t index;
    return fr_dict_find(&field->dict, key, &index) ? (double)field->dict.rank[index] : NAN;
}

static fr_status fill_text(const fill_place *at, const fr_field *field, fr_span cell)
{
    double value = NAN;
    if (fr_span_missing(cell, &at->source->missing)) return put(at, field, NAN);
    if (field->coded) return put(at, field, code_of(field, fr_key_of_text(cell)));
    if (field->role == FR_ROLE_TEST)
        value = fr_test_mark(&at->source->marks, fr_key_of_text(cell));
    else if (!fr_span_number(cell, &value))
        return changed(at->reader);
    return put(at, field, value);
}

static fr_status fill_number(const fill_place *at, const fr_field *field, size_t column,
                             double value)
{
    const bool test = field->role == FR_ROLE_TEST;
    if (isnan(value) || (!field->coded && !test)) return put(at, field, value);
    fr_key key;
    FR_TRY(fr_reader_key(at->reader, column, value, at->where, &key));
    if (test) return put(at, field, fr_test_mark(&at->source->marks, key));
    return put(at, field, code_of(field, key));
}

static fr_status fill_rows(fill_place *at, const ptrdiff_t *map, const fr_rows *rows)
{
    const fr_reader *reader = at->reader;
    for (size_t r = 0; r < rows->n; r++, at->row++) {
        at->where = rows->where + r;
        for (size_t c = 0; c < reader->cols; c++) {
            if (!reader->wanted[c]) continue;
            const fr_field *field = &at->source->field[map[c]];
            FR_TRY(rows->texts != NULL
                       ? fill_text(at, field, rows->texts[c])
                       : fill_number(at, field, c, rows->values[r * reader->cols + c]));
        }
    }
    return FR_OK;
}

/* A cell of a plain feature: 0 is what the block holds already. */
static fr_status store_cell(fill_place *at, size_t feature, double value)
{
    const fr_schema *schema = &at->source->schema;
    if (schema->cell != FR_CELL_SPARSE)
        return put_cell(at, feature, value) ? FR_OK : changed(at->reader);
    if ((float)value == 0) return FR_OK;
    if (at->stored >= schema->stored) return changed(at->reader);
    ((float *)at->to.x)[at->stored] = (float)value;
    at->to.column[at->stored++] = (uint32_t)feature;
    return FR_OK;
}

/* A file that is read for a model may name its features in another order. */
static void order_row(const fill_place *at, size_t first)
{
    uint32_t *column = at->to.column;
    float *value = at->to.x;
    for (size_t i = first + 1; i < at->stored; i++)
        for (size_t k = i; k > first && column[k] < column[k - 1]; k--) {
            const uint32_t c = column[k];
            const float v = value[k];
            column[k] = column[k - 1];
            value[k] = value[k - 1];
            column[k - 1] = c;
            value[k - 1] = v;
        }
}

static bool is_number_feature(const fr_field *field)
{
    return field->role == FR_ROLE_FEATURE && !field->coded;
}

/* What is not a plain feature (target, groups, categories) gets its zeros, too. */
static fr_status fill_other(const fill_place *at, const ptrdiff_t *map, const fr_rows *rows,
                            size_t r)
{
    size_t k = rows->start[r];
    for (size_t i = 0; i < at->n_other; i++) {
        const size_t c = at->other[i];
        const fr_field *field = &at->source->field[map[c]];
        if (c < at->reader->n_plain) {
            FR_TRY(fill_text(at, field, rows->texts[c]));
            continue;
        }
        while (k < rows->start[r + 1] && rows->column[k] < c) k++;
        const bool there = k < rows->start[r + 1] && rows->column[k] == c;
        FR_TRY(fill_number(at, field, c, there ? rows->values[k] : 0));
    }
    return FR_OK;
}

static fr_status fill_sparse_rows(fill_place *at, const ptrdiff_t *map, const fr_rows *rows)
{
    for (size_t r = 0; r < rows->n; r++, at->row++) {
        const size_t first = at->stored;
        at->where = rows->where + r;
        for (size_t k = rows->start[r]; k < rows->start[r + 1]; k++) {
            const size_t c = rows->column[k];
            if (!at->reader->wanted[c]) continue;
            const fr_field *field = &at->source->field[map[c]];
            if (is_number_feature(field))
                FR_TRY(store_cell(at, field->feature, rows->values[k]));
        }
        if (at->source->schema.cell == FR_CELL_SPARSE) {
            order_row(at, first);
            at->to.start[at->row + 1] = at->stored;
        }
        FR_TRY(fill_other(at, map, rows, r));
    }
    return FR_OK;
}

static fr_status list_others(fill_place *at, const ptrdiff_t *map)
{
    const fr_reader *reader = at->reader;
    at->other = fr_alloc(reader->cols, sizeof *at->other);
    if (at->other == NULL) return FR_ERR_MEMORY;
    for (size_t c = 0; c < reader->cols; c++)
        if (reader->wanted[c] && !is_number_feature(&at->source->field[map[c]]))
            at->other[at->n_other++] = c;
    return FR_OK;
}

static fr_status fill_all_rows(fill_place *at, fr_reader *reader, const ptrdiff_t *map,
                               size_t n_rows)
{
    const size_t first = at->row;
    fr_rows rows;
    FR_TRY(reader->ops->rewind(reader));
    for (;;) {
        FR_TRY(reader->ops->next(reader, &rows));
        if (rows.n > n_rows - (at->row - first)) return changed(reader);
        if (rows.n == 0) break;
        FR_TRY(rows.start != NULL ? fill_sparse_rows(at, map, &rows)
                                  : fill_rows(at, map, &rows));
    }
    return at->row - first == n_rows ? FR_OK : changed(reader);
}

static fr_status fill_reader(fill_place *at, fr_reader *reader, const ptrdiff_t *map,
                             size_t n_rows)
{
    at->reader = reader;
    fr_status st = reader->sparse ? list_others(at, map) : FR_OK;
    if (st == FR_OK) st = fill_all_rows(at, reader, map, n_rows);
    free(at->other);
    at->other = NULL;
    at->n_other = 0;
    return st;
}

/* All feature columns go into the block as they are. */
static bool is_plain(const fr_source *source, const fr_part *part)
{
    const size_t n = fr_reader_features(part->reader);
    if (part->reader->ops->cells == NULL || n != source->schema.cols) return false;
    for (size_t c = 0; c < n; c++) {
        if (part->field[c] < 0) return false;
        const fr_field *field = &source->field[part->field[c]];
        if (field->role != FR_ROLE_FEATURE || field->coded || field->feature != c) return false;
    }
    return true;
}

/* `done`: the cells of the features are in the block already. */
static fr_status fill_part(fr_source *source, const fr_part *part, const fr_layout *to,
                           size_t first_row, bool done_cells)
{
    fr_reader *reader = part->reader;
    fill_place at = {.source = source, .reader = reader, .to = *to, .row = first_row};
    if (to->start != NULL && first_row > 0) at.stored = (size_t)to->start[first_row];
    const bool plain = is_plain(source, part);
    size_t n_wanted = 0;
    if (plain && !done_cells) {
        const size_t offset =
            first_row * source->schema.cols * fr_cell_size(source->schema.cell);
        FR_TRY(reader->ops->cells(reader, source->schema.cell, 0, part->rows,
                                  (char *)to->x + offset));
    }
    for (size_t c = 0; c < reader->cols; c++) {
        const bool done = plain && c < source->schema.cols;
        reader->wanted[c] = part->field[c] >= 0 && !done;
        n_wanted += reader->wanted[c];
    }
    if (n_wanted > 0) FR_TRY(fill_reader(&at, reader, part->field, part->rows));
    at.row = first_row;
    if (part->labels == NULL || part->labels_field[0] < 0) return FR_OK;
    part->labels->wanted[0] = true;
    return fill_reader(&at, part->labels, part->labels_field, part->rows);
}

/* Element types are trusted without a look at the cells; infinities are found here. */
static fr_status check_finite(const fr_source *source, const float *x)
{
    const fr_schema *schema = &source->schema;
    if (schema->cell != FR_CELL_F32) return FR_OK; /* sparse cells were all looked at */
    for (size_t i = 0; i < schema->rows * schema->cols; i++)
        if (isinf(x[i]))
            return FR_FAIL(FR_ERR_DATA,
                           "%s: row %zu: column `%s` is infinite or too large for "
                           "float32",
                           source->part[0].reader->path, i / schema->cols,
                           schema->columns[i % schema->cols].name);
    return FR_OK;
}

static uint64_t fingerprint(const fr_schema *schema, const fr_layout *at)
{
    const size_t n = schema->rows;
    uint64_t hash = FR_FINGERPRINT_START;
    fr_pack pack = {0};
    fr_schema_pack(schema, &pack);
    hash = fr_fingerprint(hash, pack.data, pack.size);
    fr_pack_clear(&pack);
    const bool sparse = schema->cell == FR_CELL_SPARSE;
    const size_t cells = sparse ? schema->stored : n * schema->cols;
    hash = fr_fingerprint(hash, at->x, cells * fr_cell_size(schema->cell));
    if (sparse) hash = fr_fingerprint(hash, at->column, cells * sizeof *at->column);
    if (sparse) hash = fr_fingerprint(hash, at->start, (n + 1) * sizeof *at->start);
    if (at->y != NULL) hash = fr_fingerprint(hash, at->y, n * sizeof *at->y);
    if (at->group != NULL) hash = fr_fingerprint(hash, at->group, n * sizeof *at->group);
    if (at->fold != NULL) hash = fr_fingerprint(hash, at->fold, n * sizeof *at->fold);
    if (at->time != NULL) hash = fr_fingerprint(hash, at->time, n * sizeof *at->time);
    if (at->weight != NULL) hash = fr_fingerprint(hash, at->weight, n * sizeof *at->weight);
    if (at->test_mark != NULL)
        hash = fr_fingerprint(hash, at->test_mark, n * sizeof *at->test_mark);
    return hash == 0 ? 1 : hash; /* 0 means: not filled */
}

static fr_status fill_all(fr_source *source, void *block, bool has_slabs)
{
    fr_layout at;
    fr_schema *schema = &source->schema;
    (void)fr_schema_layout(schema, block, &at);
    size_t row = 0;
    if (at.start != NULL) at.start[0] = 0;
    for (size_t p = 0; p < source->n_parts; p++) {
        if (source->part[p].reader->sparse && schema->cell != FR_CELL_SPARSE)
            memset((char *)at.x + row * schema->cols * fr_cell_size(schema->cell), 0,
                   source->part[p].rows * schema->cols * fr_cell_size(schema->cell));
        FR_TRY(fill_part(source, &source->part[p], &at, row, has_slabs && p == 0));
        row += source->part[p].rows;
    }
    if (at.start != NULL && at.start[row] != schema->stored)
        return changed(source->part[0].reader);
    FR_TRY(check_finite(source, at.x));
    schema->fingerprint = 0;
    schema->fingerprint = fingerprint(schema, &at);
    return FR_OK;
}

fr_status fr_source_fill(fr_source *source, void *block)
{
    return fill_all(source, block, false);
}

fr_status fr_source_fill_rest(fr_source *source, void *block)
{
    return fill_all(source, block, true);
}

fr_slabs fr_source_slabs(const fr_source *source)
{
    const fr_part *first = &source->part[0];
    if (!is_plain(source, first) || first->rows == 0) return (fr_slabs){0};
    return (fr_slabs){.rows = first->rows,
                      .together = first->reader->ops->together(first->reader)};
}

void fr_slabs_share(const fr_slabs *slabs, size_t index, size_t parts, size_t *first, size_t *n)
{
    const size_t units = (slabs->rows + slabs->together - 1) / slabs->together;
    const size_t from = units * index / parts * slabs->together,
                 to = units * (index + 1) / parts * slabs->together;
    *first = from < slabs->rows ? from : slabs->rows;
    *n = (to < slabs->rows ? to : slabs->rows) - *first;
}

size_t fr_schema_row_bytes(const fr_schema *schema)
{
    return schema->cols * fr_cell_size(schema->cell);
}

fr_status fr_slab_read(const fr_data_options *options, const fr_schema *schema, size_t first,
                       size_t n, void *block)
{
    fr_layout at;
    fr_reader *reader = NULL;
    (void)fr_schema_layout(schema, block, &at);
    fr_status st = fr_reader_open(options, options->path, &reader);
    if (st == FR_OK &&
        (reader->ops->cells == NULL || fr_reader_features(reader) != schema->cols ||
         first > reader->rows || n > reader->rows - first))
        st = changed(reader);
    if (st == FR_OK)
        st = reader->ops->cells(reader, schema->cell, first, n,
                                (char *)at.x + first * fr_schema_row_bytes(schema));
    fr_reader_close(&reader);
    return st;
}
