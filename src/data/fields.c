/* SPDX-License-Identifier: BSD-3-Clause */
/* fields.c - which column plays which role, and how the columns of a second file fit the first.
 */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

static const char *const role_keys[] = {"a feature",        "data.target", "data.group",
                                        "data.fold",        "data.time",   "data.weight",
                                        "data.test.column", "data.drop"};

void fr_field_clear(fr_field *field)
{
    free(field->name);
    free(field->first_text);
    fr_dict_clear(&field->dict);
    *field = (fr_field){0};
}

/* "`a`, `b`, ... and 12 more", for messages. */
static void list_names(char *const *names, size_t n, fr_text *out)
{
    enum { SHOWN = 20 };
    for (size_t i = 0; i < n && i < SHOWN; i++)
        fr_text_add(out, "%s`%s`", i > 0 ? ", " : "", names[i]);
    if (n > SHOWN) fr_text_add(out, " and %zu more", n - SHOWN);
}

static fr_status no_such_column(const fr_reader *reader, const char *key, const char *column)
{
    fr_text list = {0};
    list_names(reader->names, reader->cols, &list);
    const char *near = fr_nearest(column, (const char *const *)reader->names, reader->cols);
    fr_status st = FR_FAIL(FR_ERR_DATA, "%s: has no column `%s` (%s)%s%s%s; columns: %s%s%s",
                           reader->path, column, key, near != NULL ? "; did you mean `" : "",
                           near != NULL ? near : "", near != NULL ? "`?" : "",
                           fr_text_get(&list), reader->contents != NULL ? "; " : "",
                           reader->contents != NULL ? reader->contents : "");
    fr_text_clear(&list);
    return st;
}

/* A name goes before a number: some tables call their columns 0, 1, 2. */
fr_status fr_reader_find_column(const fr_reader *reader, const char *key, const char *column,
                                size_t *out)
{
    for (*out = 0; *out < reader->cols; ++*out)
        if (strcmp(reader->names[*out], column) == 0) return FR_OK;
    int64_t number;
    const int64_t cols = (int64_t)reader->cols;
    if (!fr_parse_int(column, &number) || number >= cols || number < -cols)
        return no_such_column(reader, key, column);
    *out = (size_t)(number < 0 ? number + cols : number);
    return FR_OK;
}

static fr_status give_role(fr_source *source, const char *column, fr_role role)
{
    if (column == NULL) return FR_OK;
    const fr_reader *reader = source->part[0].reader;
    size_t c;
    FR_TRY(fr_reader_find_column(reader, role_keys[role], column, &c));
    fr_field *field = &source->field[c];
    if (field->role != FR_ROLE_FEATURE && field->role != role)
        return FR_FAIL(FR_ERR_DATA, "%s: column `%s` is both %s and %s", reader->path,
                       field->name, role_keys[field->role], role_keys[role]);
    field->role = role;
    return FR_OK;
}

static fr_status make_fields(fr_source *source)
{
    const fr_reader *reader = source->part[0].reader, *labels = source->part[0].labels;
    source->field = fr_alloc(reader->cols + 1, sizeof *source->field);
    if (source->field == NULL) return FR_ERR_MEMORY;
    source->n_fields = reader->cols + (labels != NULL);
    for (size_t f = 0; f < source->n_fields; f++) {
        const char *name = f < reader->cols ? reader->names[f]
                           : labels->named  ? labels->names[0]
                                            : "label";
        source->field[f].name = fr_strdup(name);
        if (source->field[f].name == NULL) return FR_ERR_MEMORY;
    }
    return FR_OK;
}

static fr_status assign_target(fr_source *source, const fr_data_options *options)
{
    const fr_reader *reader = source->part[0].reader;
    const bool labels = source->part[0].labels != NULL;
    if (labels && options->target != NULL)
        return FR_FAIL(FR_ERR_DATA,
                       "data.target `%s` and data.labels `%s` both name the target; "
                       "give one",
                       options->target, options->labels);
    if (options->target != NULL) FR_TRY(give_role(source, options->target, FR_ROLE_TARGET));
    if (labels) source->field[reader->cols].role = FR_ROLE_TARGET;
    if (reader->target >= 0) {
        fr_field *own = &source->field[reader->target];
        const bool other = labels || (options->target != NULL && own->role != FR_ROLE_TARGET);
        own->role = other ? FR_ROLE_DROP : FR_ROLE_TARGET;
    } else if (!labels && options->target == NULL) {
        fr_text list = {0};
        list_names(reader->names, reader->cols, &list);
        fr_status st =
            FR_FAIL(FR_ERR_DATA,
                    "%s: which column is to be predicted? Give data.target, or "
                    "data.labels if the targets are in another file; columns: %s%s%s",
                    reader->path, fr_text_get(&list), reader->contents != NULL ? "; " : "",
                    reader->contents != NULL ? reader->contents : "");
        fr_text_clear(&list);
        return st;
    }
    return FR_OK;
}

/* Values whose names the file keeps are known before a cell is read. */
static fr_status add_stored_levels(fr_source *source)
{
    const fr_reader *reader = source->part[0].reader;
    for (size_t c = 0; c < reader->cols; c++) {
        size_t n;
        char *const *names = fr_reader_levels(reader, c, &n);
        fr_field *field = &source->field[c];
        const bool number = field->role == FR_ROLE_TARGET && !field->coded;
        if (names == NULL || field->role == FR_ROLE_DROP || field->role == FR_ROLE_TEST)
            continue;
        if ((number && reader->row_names != NULL) || field->role == FR_ROLE_WEIGHT)
            return FR_FAIL(FR_ERR_DATA,
                           "%s: column `%s` (%s) has the value `%s`, not a number%s",
                           reader->path, field->name, role_keys[field->role], names[n - 1],
                           number ? ", but data.task is regression" : "");
        if (number) continue;
        field->coded = true;
        for (size_t i = 0; i < n; i++) {
            uint32_t index;
            const fr_span span = {names[i], strlen(names[i])};
            FR_TRY(fr_dict_add(&field->dict, fr_key_of_text(span), &index));
        }
    }
    return FR_OK;
}

static fr_status assign_coding(fr_source *source, const fr_data_options *options)
{
    const fr_reader *reader = source->part[0].reader;
    for (size_t i = 0; i < options->categorical.n; i++) {
        size_t c;
        FR_TRY(fr_reader_find_column(reader, "data.categorical", options->categorical.item[i],
                                     &c));
        source->field[c].coded = true;
    }
    if (options->user != NULL) {
        size_t c;
        FR_TRY(fr_reader_find_column(reader, "data.user", options->user, &c));
        source->field[c].coded = true;
    }
    for (size_t f = 0; f < source->n_fields; f++) {
        fr_field *field = &source->field[f];
        if (field->role == FR_ROLE_GROUP || field->role == FR_ROLE_FOLD ||
            field->role == FR_ROLE_TIME)
            field->coded = true;
        if (field->role == FR_ROLE_WEIGHT || field->role == FR_ROLE_TEST) field->coded = false;
        if (field->role == FR_ROLE_TARGET)
            field->coded = options->task == FR_LEARN_CLASSIFICATION;
    }
    return add_stored_levels(source);
}

static fr_status connect_first(fr_source *source)
{
    fr_part *part = &source->part[0];
    part->field = fr_alloc(part->reader->cols, sizeof *part->field);
    part->labels_field = fr_alloc(1, sizeof *part->labels_field);
    if (part->field == NULL || part->labels_field == NULL) return FR_ERR_MEMORY;
    for (size_t c = 0; c < part->reader->cols; c++) part->field[c] = (ptrdiff_t)c;
    part->labels_field[0] = (ptrdiff_t)part->reader->cols;
    size_t n = 0;
    for (size_t f = 0; f < source->n_fields; f++) {
        if (source->field[f].role == FR_ROLE_FEATURE) source->field[f].feature = n++;
        if (source->field[f].role == FR_ROLE_DROP && f < part->reader->cols)
            part->field[f] = -1;
    }
    source->schema.cols = n;
    if (n == 0)
        return FR_FAIL(FR_ERR_DATA, "%s: no column is left as a feature", part->reader->path);
    return FR_OK;
}

/* A user is a level: he stays a feature, as a factorisation machine needs him. */
static fr_status assign_user(fr_source *source, const fr_data_options *options)
{
    const fr_reader *reader = source->part[0].reader;
    size_t c;
    if (options->user == NULL) return FR_OK;
    FR_TRY(fr_reader_find_column(reader, "data.user", options->user, &c));
    fr_field *field = &source->field[c];
    if (field->role != FR_ROLE_FEATURE)
        return FR_FAIL(
            FR_ERR_DATA, "%s: column `%s` is both %s and data.user, which is a feature%s",
            reader->path, field->name, role_keys[field->role],
            field->role == FR_ROLE_GROUP ? "; without data.user the group is the user" : "");
    if (reader->sparse)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: data.user is for tables; of an SVMlight file no column is a user",
                       reader->path);
    source->schema.has_user = true;
    source->schema.user = field->feature;
    return FR_OK;
}

fr_status fr_fields_assign(fr_source *source, const fr_data_options *options,
                           const fr_test_options *test)
{
    FR_TRY(make_fields(source));
    FR_TRY(assign_target(source, options));
    FR_TRY(give_role(source, options->group, FR_ROLE_GROUP));
    FR_TRY(give_role(source, options->fold, FR_ROLE_FOLD));
    FR_TRY(give_role(source, options->time, FR_ROLE_TIME));
    FR_TRY(give_role(source, options->weight, FR_ROLE_WEIGHT));
    if (test != NULL) FR_TRY(give_role(source, test->column, FR_ROLE_TEST));
    for (size_t i = 0; i < options->drop.n; i++)
        FR_TRY(give_role(source, options->drop.item[i], FR_ROLE_DROP));
    const fr_reader *reader = source->part[0].reader;
    const bool from_one =
        reader->from_one && (source->n_parts < 2 || source->part[1].reader->from_one);
    if (reader->sparse && from_one && reader->cols > 2) source->field[1].role = FR_ROLE_DROP;
    for (size_t c = 0; c < reader->n_plain; c++)
        if (source->field[c].role == FR_ROLE_FEATURE) source->field[c].role = FR_ROLE_DROP;
    for (size_t c = reader->cols - reader->n_side; c < reader->cols; c++)
        if (source->field[c].role == FR_ROLE_FEATURE) source->field[c].role = FR_ROLE_DROP;
    FR_TRY(assign_coding(source, options));
    FR_TRY(connect_first(source));
    return assign_user(source, options);
}

static fr_status field_of_level_list(fr_field *field, char *const *levels, size_t n)
{
    field->coded = field->fixed = true;
    for (size_t i = 0; i < n; i++) {
        uint32_t index;
        const fr_span span = {levels[i], strlen(levels[i])};
        FR_TRY(fr_dict_add(&field->dict, fr_key_of_text(span), &index));
        if (index != i)
            return FR_FAIL(FR_ERR_DATA, "column `%s`: value `%s` is listed twice", field->name,
                           levels[i]);
    }
    field->dict.rank = fr_alloc(n, sizeof *field->dict.rank);
    if (field->dict.rank == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) field->dict.rank[i] = (uint32_t)i;
    return FR_OK;
}

fr_status fr_fields_from_schema(fr_source *source, const fr_schema *schema)
{
    source->field = fr_alloc(schema->cols + 1, sizeof *source->field);
    if (source->field == NULL) return FR_ERR_MEMORY;
    source->n_fields = schema->cols + 1;
    for (size_t f = 0; f < schema->cols; f++) {
        const fr_column *column = &schema->columns[f];
        fr_field *field = &source->field[f];
        field->feature = f;
        if ((field->name = fr_strdup(column->name)) == NULL) return FR_ERR_MEMORY;
        if (column->kind == FR_COLUMN_CATEGORICAL)
            FR_TRY(field_of_level_list(field, column->levels, column->n_levels));
    }
    fr_field *target = &source->field[schema->cols];
    target->role = FR_ROLE_TARGET;
    target->name = fr_strdup(schema->target_name == NULL ? "" : schema->target_name);
    if (target->name == NULL) return FR_ERR_MEMORY;
    if (schema->learn == FR_LEARN_CLASSIFICATION)
        FR_TRY(field_of_level_list(target, schema->classes, schema->n_classes));
    return FR_OK;
}
