/* SPDX-License-Identifier: BSD-3-Clause */
/* connect.c - fit the columns of another file to the fields: by name where both have names, by
 * position where they have not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

typedef struct {
    const char *name;
    size_t index;
} named_index;

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const named_index *)left)->name, ((const named_index *)right)->name);
}

static bool is_wanted(const fr_field *field)
{
    return field->role != FR_ROLE_DROP;
}

static bool is_generated(const fr_source *source)
{
    for (size_t f = 0; f < source->n_fields; f++) {
        size_t number;
        char rest;
        if (source->field[f].role == FR_ROLE_FEATURE &&
            sscanf(source->field[f].name, "c%zu%c", &number, &rest) != 1)
            return false;
    }
    return true;
}

static void connect_features(fr_source *source, fr_part *part)
{
    size_t c = 0;
    for (size_t f = 0; f < source->n_fields; f++) {
        if (source->field[f].role != FR_ROLE_FEATURE) continue;
        if ((ptrdiff_t)c == part->reader->target) c++;
        part->field[c++] = (ptrdiff_t)f;
    }
}

/* Nameless columns go by position when there are as many as features, or as in the first file.
 */
static bool connect_by_position(fr_source *source, fr_part *part)
{
    const fr_reader *reader = part->reader;
    if (reader->sparse || (reader->named && !is_generated(source))) return false;
    if (fr_reader_features(reader) == source->schema.cols) {
        connect_features(source, part);
        return true;
    }
    if (source->like || reader->cols != source->part[0].reader->cols) return false;
    for (size_t c = 0; c < reader->cols; c++)
        part->field[c] = is_wanted(&source->field[c]) ? (ptrdiff_t)c : -1;
    return true;
}

static fr_status connect_by_name(fr_source *source, fr_part *part)
{
    const fr_reader *reader = part->reader;
    named_index *order = fr_alloc(source->n_fields, sizeof *order);
    if (order == NULL) return FR_ERR_MEMORY;
    for (size_t f = 0; f < source->n_fields; f++)
        order[f] = (named_index){source->field[f].name, f};
    qsort(order, source->n_fields, sizeof *order, compare_names);
    for (size_t c = 0; c < reader->cols; c++) {
        const named_index key = {reader->names[c], 0};
        const named_index *hit =
            bsearch(&key, order, source->n_fields, sizeof *order, compare_names);
        if (hit != NULL && is_wanted(&source->field[hit->index]))
            part->field[c] = (ptrdiff_t)hit->index;
    }
    free(order);
    return FR_OK;
}

static ptrdiff_t target_field(const fr_source *source)
{
    for (size_t f = 0; f < source->n_fields; f++)
        if (source->field[f].role == FR_ROLE_TARGET) return (ptrdiff_t)f;
    return -1;
}

/* The target that labels, or the format itself, keep apart. */
static void connect_target(fr_source *source, fr_part *part)
{
    const ptrdiff_t target = target_field(source);
    const bool own = part->reader->target >= 0 && part->labels == NULL;
    bool found = target < 0;
    for (size_t c = 0; c < part->reader->cols; c++) {
        if (part->field[c] != target) continue;
        if (part->labels != NULL) part->field[c] = -1;
        found = true;
    }
    if (part->labels != NULL) part->labels_field[0] = target;
    if (own && !found) part->field[part->reader->target] = target;
}

static fr_status check_complete(const fr_source *source, const fr_part *part)
{
    bool *seen = fr_alloc(source->n_fields, sizeof *seen);
    if (seen == NULL) return FR_ERR_MEMORY;
    for (size_t c = 0; c < part->reader->cols; c++)
        if (part->field[c] >= 0) seen[part->field[c]] = true;
    if (part->labels != NULL && part->labels_field[0] >= 0) seen[part->labels_field[0]] = true;
    fr_text missing = {0}, present = {0};
    size_t n = 0;
    for (size_t f = 0; f < source->n_fields; f++) {
        const fr_role role = source->field[f].role;
        const bool needed = role == FR_ROLE_FEATURE
                                ? !part->reader->sparse
                                : is_wanted(&source->field[f]) && !source->like;
        if (seen[f] || !needed) continue;
        if (n < 20) fr_text_add(&missing, "%s`%s`", n > 0 ? ", " : "", source->field[f].name);
        n++;
    }
    for (size_t c = 0; c < part->reader->cols && c < 20; c++)
        fr_text_add(&present, "%s`%s`", c > 0 ? ", " : "", part->reader->names[c]);
    fr_status st = FR_OK;
    if (n > 0)
        st = FR_FAIL(FR_ERR_DATA, "%s: lacks %zu column%s: %s%s; it has %zu: %s%s",
                     part->reader->path, n, n > 1 ? "s" : "", fr_text_get(&missing),
                     n > 20 ? " ..." : "", part->reader->cols, fr_text_get(&present),
                     part->reader->cols > 20 ? " ..." : "");
    fr_text_clear(&missing);
    fr_text_clear(&present);
    free(seen);
    return st;
}

fr_status fr_fields_connect(fr_source *source, fr_part *part)
{
    const size_t cols = part->reader->cols;
    part->field = fr_alloc(cols, sizeof *part->field);
    part->labels_field = fr_alloc(1, sizeof *part->labels_field);
    if (part->field == NULL || part->labels_field == NULL) return FR_ERR_MEMORY;
    part->labels_field[0] = -1;
    for (size_t c = 0; c < cols; c++) part->field[c] = -1;
    if (!connect_by_position(source, part)) FR_TRY(connect_by_name(source, part));
    connect_target(source, part);
    const bool other_base = source->like && part->reader->sparse &&
                            part->reader->n_plain == 0 && !part->reader->from_one && cols > 1 &&
                            part->field[1] < 0;
    if (other_base)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: its indices start at 0, those that the model was trained "
                       "on at 1",
                       part->reader->path);
    return check_complete(source, part);
}

char *const *fr_reader_levels(const fr_reader *reader, size_t column, size_t *n)
{
    if (reader->levels != NULL && reader->levels[column].n_levels > 0) {
        *n = reader->levels[column].n_levels;
        return reader->levels[column].levels;
    }
    const bool target = (ptrdiff_t)column == reader->target;
    *n = target ? reader->n_classes : 0;
    return target ? reader->classes : NULL;
}

fr_status fr_reader_key(const fr_reader *reader, size_t column, double value, uint64_t where,
                        fr_key *key)
{
    size_t n;
    char *const *names = fr_reader_levels(reader, column, &n);
    *key = fr_key_of_number(value);
    if (names == NULL) return FR_OK;
    char place[FR_PLACE_SIZE], number[FR_NUMBER_SIZE];
    if (!(value >= 0 && value < (double)n) || value != (double)(size_t)value)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: column `%s` has %s, but only values 0 to %zu have names",
                       fr_reader_place(reader, where, place), reader->names[column],
                       fr_format_double(value, number), n - 1);
    const char *name = names[(size_t)value];
    *key = fr_key_of_text((fr_span){name, strlen(name)});
    return FR_OK;
}
