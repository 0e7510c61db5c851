/* SPDX-License-Identifier: BSD-3-Clause */
/* schema.c - the description of a data set: layout of its block, copies, bytes for other ranks.
 */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

size_t fr_cell_size(fr_cell cell)
{
    return cell == FR_CELL_U8    ? sizeof(uint8_t)
           : cell == FR_CELL_I16 ? sizeof(int16_t)
                                 : sizeof(float);
}

/* Place n bytes at *at, and the next part on a 64-byte boundary. */
static void *place(char *block, size_t *at, bool present, size_t bytes)
{
    if (!present) return NULL;
    void *here = block == NULL ? NULL : block + *at;
    *at += (bytes + FR_ALIGNMENT - 1) / FR_ALIGNMENT * FR_ALIGNMENT;
    return here;
}

size_t fr_schema_layout(const fr_schema *schema, void *block, fr_layout *out)
{
    const size_t n = schema->rows;
    size_t at = 0;
    const bool sparse = schema->cell == FR_CELL_SPARSE;
    const size_t cells = sparse ? schema->stored : n * schema->cols;
    out->x = place(block, &at, true, cells * fr_cell_size(schema->cell));
    out->column = place(block, &at, sparse, cells * sizeof *out->column);
    out->start = place(block, &at, sparse, (n + 1) * sizeof *out->start);
    out->y = place(block, &at, schema->has_target, n * sizeof *out->y);
    out->group = place(block, &at, schema->has_group, n * sizeof *out->group);
    out->fold = place(block, &at, schema->has_fold, n * sizeof *out->fold);
    out->time = place(block, &at, schema->has_time, n * sizeof *out->time);
    out->weight = place(block, &at, schema->has_weight, n * sizeof *out->weight);
    out->test_mark = place(block, &at, schema->has_test_mark, n * sizeof *out->test_mark);
    return at;
}

size_t fr_schema_bytes(const fr_schema *schema)
{
    fr_layout unused;
    return fr_schema_layout(schema, NULL, &unused);
}

fr_status fr_text_settings_copy(const fr_text_settings *from, fr_text_settings *to)
{
    *to = *from;
    to->column = fr_strdup(from->column);
    return from->column != NULL && to->column == NULL ? FR_ERR_MEMORY : FR_OK;
}

static void pack_ints(const fr_ints *ints, fr_pack *out)
{
    fr_pack_u64(out, ints->n);
    for (size_t i = 0; i < ints->n; i++) fr_pack_u64(out, (uint64_t)ints->value[i]);
}

static bool unpack_ints(fr_unpack *in, fr_ints *ints)
{
    const uint64_t n = fr_unpack_u64(in);
    if (n > FR_INTS_MAX) return false;
    ints->n = (size_t)n;
    for (size_t i = 0; i < ints->n; i++) ints->value[i] = (int64_t)fr_unpack_u64(in);
    return true;
}

static void pack_text(const fr_text_settings *text, fr_pack *out)
{
    fr_pack_u8(out, text->column != NULL);
    if (text->column == NULL) return;
    fr_pack_string(out, text->column);
    pack_ints(&text->words, out);
    pack_ints(&text->chars, out);
    fr_pack_u8(out, text->lower);
    fr_pack_u8(out, text->across);
    fr_pack_u8(out, text->alternate);
    fr_pack_u64(out, (uint64_t)text->buckets);
}

static bool unpack_text(fr_unpack *in, fr_text_settings *text)
{
    if (fr_unpack_u8(in) == 0) return true;
    text->column = fr_unpack_string(in);
    if (text->column == NULL || !unpack_ints(in, &text->words) ||
        !unpack_ints(in, &text->chars))
        return false;
    text->lower = fr_unpack_u8(in) != 0;
    text->across = fr_unpack_u8(in) != 0;
    text->alternate = fr_unpack_u8(in) != 0;
    text->buckets = (int64_t)fr_unpack_u64(in);
    return true;
}

void fr_schema_clear(fr_schema *schema)
{
    for (size_t c = 0; schema->columns != NULL && c < schema->cols; c++) {
        free(schema->columns[c].name);
        fr_names_free(schema->columns[c].levels, schema->columns[c].n_levels);
    }
    free(schema->columns);
    free(schema->target_name);
    free(schema->text.column);
    fr_names_free(schema->classes, schema->n_classes);
    *schema = (fr_schema){0};
}

static void pack_names(char *const *names, size_t n, fr_pack *out)
{
    fr_pack_u64(out, n);
    for (size_t i = 0; i < n; i++) fr_pack_string(out, names[i]);
}

void fr_schema_pack(const fr_schema *schema, fr_pack *out)
{
    fr_pack_u64(out, schema->rows);
    fr_pack_u64(out, schema->test_rows);
    fr_pack_u64(out, schema->cols);
    fr_pack_u8(out, (uint8_t)schema->cell);
    fr_pack_u8(out, (uint8_t)schema->learn);
    const bool flags[] = {schema->has_target, schema->has_group,     schema->has_fold,
                          schema->has_weight, schema->has_test_mark, schema->has_time};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) fr_pack_u8(out, flags[i]);
    fr_pack_u64(out, schema->has_user ? schema->user + 1 : 0);
    fr_pack_double(out, schema->relevant);
    if (schema->cell == FR_CELL_SPARSE) {
        fr_pack_u64(out, schema->stored);
        pack_text(&schema->text, out);
    }
    fr_pack_u64(out, schema->fingerprint);
    fr_pack_string(out, schema->target_name);
    pack_names(schema->classes, schema->n_classes, out);
    for (size_t c = 0; c < schema->cols; c++) {
        const fr_column *column = &schema->columns[c];
        fr_pack_string(out, column->name);
        fr_pack_u8(out, (uint8_t)column->kind);
        pack_names(column->levels, column->n_levels, out);
    }
}

/* A packed string has at least its length: a count beyond what is left is a lie, found before
 * memory is asked for. */
static bool unpack_names(fr_unpack *in, char ***names, size_t *n)
{
    const uint64_t count = fr_unpack_u64(in);
    if (count > fr_unpack_left(in) / sizeof(uint32_t)) return false;
    if (count == 0) return true;
    *names = fr_alloc((size_t)count, sizeof **names);
    if (*names == NULL) return false;
    *n = (size_t)count;
    for (size_t i = 0; i < *n; i++) {
        (*names)[i] = fr_unpack_string(in);
        if ((*names)[i] == NULL) return false;
    }
    return true;
}

static bool unpack_columns(fr_unpack *in, fr_schema *out)
{
    const uint64_t cols = fr_unpack_u64(in);
    if (cols > fr_unpack_left(in)) return false;
    const uint8_t cell = fr_unpack_u8(in), learn = fr_unpack_u8(in);
    bool *const flags[] = {&out->has_target, &out->has_group,     &out->has_fold,
                           &out->has_weight, &out->has_test_mark, &out->has_time};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) *flags[i] = fr_unpack_u8(in) != 0;
    const uint64_t user = fr_unpack_u64(in);
    out->relevant = fr_unpack_double(in);
    if (user > cols) return false;
    out->has_user = user > 0;
    out->user = out->has_user ? (size_t)user - 1 : 0;
    if (cell == FR_CELL_SPARSE) {
        out->stored = (size_t)fr_unpack_u64(in);
        if (!unpack_text(in, &out->text)) return false;
    }
    out->fingerprint = fr_unpack_u64(in);
    out->target_name = fr_unpack_string(in);
    if (cell > FR_CELL_SPARSE || learn > FR_LEARN_REGRESSION || out->target_name == NULL)
        return false;
    out->cell = (fr_cell)cell;
    out->learn = (fr_learn)learn;
    if (!unpack_names(in, &out->classes, &out->n_classes)) return false;
    out->columns = fr_alloc((size_t)cols, sizeof *out->columns);
    if (out->columns == NULL) return false;
    out->cols = (size_t)cols;
    for (size_t c = 0; c < out->cols; c++) {
        fr_column *column = &out->columns[c];
        column->name = fr_unpack_string(in);
        const uint8_t kind = fr_unpack_u8(in);
        if (column->name == NULL || kind > FR_COLUMN_CATEGORICAL) return false;
        column->kind = (fr_column_kind)kind;
        if (!unpack_names(in, &column->levels, &column->n_levels)) return false;
    }
    return !in->failed;
}

/* rows x cols x cells must be addressable, with room for the other parts. */
static bool is_addressable(const fr_schema *schema)
{
    const size_t other = 6 * (sizeof(float) + FR_ALIGNMENT);
    const size_t limit = SIZE_MAX / 2 / sizeof(float);
    const size_t cols = schema->cell == FR_CELL_SPARSE ? 0 : schema->cols;
    return schema->rows <= limit / (cols + other) && schema->rows <= UINT32_MAX &&
           schema->stored <= limit / 4 && schema->test_rows <= schema->rows;
}

fr_status fr_schema_unpack(fr_unpack *in, fr_schema *out)
{
    *out = (fr_schema){0};
    out->rows = (size_t)fr_unpack_u64(in);
    out->test_rows = (size_t)fr_unpack_u64(in);
    if (unpack_columns(in, out) && is_addressable(out)) return FR_OK;
    fr_schema_clear(out);
    return FR_FAIL(FR_ERR_FORMAT, "the description of a data set is damaged");
}

fr_status fr_schema_copy(const fr_schema *from, fr_schema *to)
{
    *to = (fr_schema){0};
    fr_pack pack = {0};
    fr_schema_pack(from, &pack);
    fr_status st = FR_OK;
    if (pack.failed) {
        st = FR_FAIL(FR_ERR_MEMORY, "out of memory for the description of a data set");
    } else {
        fr_unpack in = fr_unpack_make(pack.data, pack.size);
        st = fr_schema_unpack(&in, to);
    }
    fr_pack_clear(&pack);
    return st;
}

void fr_dataset_attach(fr_schema *schema, const void *block, fr_dataset *out)
{
    fr_layout at;
    (void)fr_schema_layout(schema, (void *)(uintptr_t)block, &at);
    *out = (fr_dataset){.schema = *schema,
                        .x = at.start == NULL ? at.x : NULL,
                        .sparse = {at.start == NULL ? 0 : schema->rows, at.start, at.column,
                                   at.start == NULL ? NULL : at.x},
                        .y = at.y,
                        .group = at.group,
                        .fold = at.fold,
                        .time = at.time,
                        .weight = at.weight,
                        .test_mark = at.test_mark};
    *schema = (fr_schema){0};
}

void fr_dataset_clear(fr_dataset *dataset)
{
    fr_schema_clear(&dataset->schema);
    *dataset = (fr_dataset){0};
}
