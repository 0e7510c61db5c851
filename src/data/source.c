/* SPDX-License-Identifier: BSD-3-Clause */
/* source.c - open the files of a data set, learn its schema. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

static fr_status open_part(fr_source *source, const fr_data_options *options, const char *path,
                           const char *labels)
{
    fr_part *part = &source->part[source->n_parts];
    FR_TRY(fr_reader_open(options, path, &part->reader));
    source->n_parts++;
    if (labels == NULL) return FR_OK;
    fr_data_options plain = *options;
    plain.format = FR_FORMAT_AUTO;
    plain.text.column = NULL;
    plain.target = NULL;
    FR_TRY(fr_reader_open(&plain, labels, &part->labels));
    if (part->labels->cols != 1)
        return FR_FAIL(FR_ERR_DATA, "%s: has %zu columns; a file of labels has one", labels,
                       part->labels->cols);
    return FR_OK;
}

static fr_status open_files(fr_source *source, const fr_data_options *options,
                            const fr_test_options *test)
{
    const bool test_file = test != NULL && test->path != NULL;
    if (options->path == NULL)
        return FR_FAIL(FR_ERR_DATA, "data.path is missing: which file holds the data?");
    if (test != NULL && (test->fraction > 0) + test_file + (test->column != NULL) > 1)
        return FR_FAIL(FR_ERR_DATA, "data.test has more than one of fraction, path and column; "
                                    "give one");
    if (test != NULL && test->labels != NULL && !test_file)
        return FR_FAIL(FR_ERR_DATA, "data.test.labels needs data.test.path");
    if (test_file && (options->labels != NULL) != (test->labels != NULL))
        return FR_FAIL(FR_ERR_DATA, "data.labels and data.test.labels: give both or neither");
    for (size_t i = 0; i < options->missing.n; i++)
        FR_TRY(fr_strings_add(&source->missing, options->missing.item[i]));
    if (test != NULL && test->values.n > 0 && test->column == NULL)
        return FR_FAIL(FR_ERR_DATA, "data.test.values needs data.test.column");
    for (size_t i = 0; test != NULL && i < test->values.n; i++)
        FR_TRY(fr_strings_add(&source->marks, test->values.item[i]));
    FR_TRY(open_part(source, options, options->path, options->labels));
    if (!test_file) return FR_OK;
    FR_TRY(open_part(source, options, test->path, test->labels));
    fr_reader *first = source->part[0].reader, *second = source->part[1].reader;
    const bool numbered = first->sparse && second->sparse && options->text.column == NULL;
    return numbered ? fr_svmlight_align(first, second) : FR_OK;
}

static bool has_role(const fr_source *source, fr_role role)
{
    for (size_t p = 0; p < source->n_parts; p++) {
        const fr_part *part = &source->part[p];
        for (size_t c = 0; c < part->reader->cols; c++)
            if (part->field[c] >= 0 && source->field[part->field[c]].role == role) return true;
        const bool labels = part->labels != NULL && part->labels_field[0] >= 0;
        if (labels && source->field[part->labels_field[0]].role == role) return true;
    }
    return false;
}

/* The narrowest cell that holds the field; `typed` is what element types ask for already. */
static fr_cell cell_of(const fr_field *field, fr_cell typed)
{
    if (field->n_missing > 0) return FR_CELL_F32;
    double low = 0, high = field->coded ? (double)field->dict.n - 1 : 0;
    if (!field->coded && field->n_numbers > 0) {
        if (!field->whole) return FR_CELL_F32;
        low = field->low;
        high = field->high;
    }
    const fr_cell needed = low >= 0 && high <= UINT8_MAX           ? FR_CELL_U8
                           : low >= INT16_MIN && high <= INT16_MAX ? FR_CELL_I16
                                                                   : FR_CELL_F32;
    return needed > typed ? needed : typed;
}

static fr_status take_column(const fr_field *field, fr_column *column)
{
    column->name = fr_strdup(field->name);
    if (column->name == NULL) return FR_ERR_MEMORY;
    if (!field->coded) return FR_OK;
    column->kind = FR_COLUMN_CATEGORICAL;
    FR_TRY(fr_dict_names(&field->dict, &column->levels));
    column->n_levels = field->dict.n;
    return FR_OK;
}

static fr_status take_target(fr_source *source, const fr_field *field)
{
    fr_schema *schema = &source->schema;
    schema->target_name = fr_strdup(field->name);
    if (schema->target_name == NULL) return FR_ERR_MEMORY;
    if (!field->coded) return FR_OK;
    FR_TRY(fr_dict_names(&field->dict, &schema->classes));
    schema->n_classes = field->dict.n;
    if (schema->n_classes < 2 && !source->like)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: target `%s` is `%s` in all rows; there is nothing to "
                       "learn",
                       source->part[0].reader->path, field->name, schema->classes[0]);
    return FR_OK;
}

/* A data set of sparse files is stored so when it is asked for, or when that saves much: small
 * data train faster dense. */
static fr_status choose_storage(const fr_source *source, fr_schema *schema)
{
    enum { LEAST_BYTES = 16 << 20, LEAST_ZEROS = 10 }; /* dense; cells for each that is not 0 */
    const char *path = source->part[0].reader->path;
    bool sparse = true;
    const fr_column *coded = NULL;
    for (size_t p = 0; p < source->n_parts; p++)
        sparse = sparse && source->part[p].reader->sparse;
    for (size_t c = 0; c < schema->cols && coded == NULL; c++)
        if (schema->columns[c].kind != FR_COLUMN_NUMERIC) coded = &schema->columns[c];
    if (source->storage == FR_STORAGE_SPARSE && !sparse)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: data.storage is sparse, but only SVMlight files are stored so; "
                       "leave it out",
                       path);
    if (source->storage == FR_STORAGE_SPARSE && coded != NULL)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: data.storage is sparse, but column `%s` is categorical; take it "
                       "out of data.categorical, or set data.storage: dense",
                       path, coded->name);
    const double cells = (double)schema->rows * (double)schema->cols;
    const bool pays = (double)source->stored * LEAST_ZEROS <= cells &&
                      cells * (double)fr_cell_size(schema->cell) > LEAST_BYTES;
    if (!sparse || coded != NULL || source->storage == FR_STORAGE_DENSE) return FR_OK;
    if (source->storage == FR_STORAGE_AUTO && !pays && source->part[0].reader->n_plain == 0)
        return FR_OK;
    schema->cell = FR_CELL_SPARSE;
    schema->stored = source->stored;
    return FR_OK;
}

static fr_status make_schema(fr_source *source)
{
    fr_schema *schema = &source->schema;
    for (size_t p = 0; p < source->n_parts; p++) {
        const fr_reader *reader = source->part[p].reader;
        schema->rows += source->part[p].rows;
        if (reader->typed && reader->cell > schema->cell) schema->cell = reader->cell;
    }
    schema->test_rows = source->n_parts > 1 ? source->part[1].rows : 0;
    schema->columns = fr_alloc(schema->cols, sizeof *schema->columns);
    if (schema->columns == NULL) return FR_ERR_MEMORY;
    for (size_t f = 0; f < source->n_fields; f++) {
        const fr_field *field = &source->field[f];
        if (field->role == FR_ROLE_TARGET) FR_TRY(take_target(source, field));
        if (field->role != FR_ROLE_FEATURE) continue;
        schema->cell = cell_of(field, schema->cell);
        FR_TRY(take_column(field, &schema->columns[field->feature]));
    }
    schema->has_target = has_role(source, FR_ROLE_TARGET);
    schema->has_group = has_role(source, FR_ROLE_GROUP);
    schema->has_fold = has_role(source, FR_ROLE_FOLD);
    schema->has_time = has_role(source, FR_ROLE_TIME);
    schema->has_weight = has_role(source, FR_ROLE_WEIGHT);
    schema->has_test_mark = has_role(source, FR_ROLE_TEST);
    return choose_storage(source, schema);
}

/* More than there is: say so instead of swapping, or of being killed by the system. */
static fr_status check_size(const fr_source *source, size_t rows, size_t cols, fr_cell cell)
{
    const char *path = source->part[0].reader->path;
    const size_t index = cell == FR_CELL_SPARSE ? sizeof(uint32_t) : 0;
    const double bytes =
        (double)rows * ((double)cols * (double)(fr_cell_size(cell) + index) + 4);
    char need[FR_NUMBER_SIZE], have[FR_NUMBER_SIZE];
    if (rows > UINT32_MAX)
        return FR_FAIL(FR_ERR_DATA, "%s: %zu rows; at most %u can be used", path, rows,
                       UINT32_MAX);
    if (bytes > fr_memory_limit())
        return FR_FAIL(FR_ERR_DATA, "%s: %zu rows x %zu %s, need %s; there are %s of memory",
                       path, rows, cols,
                       cell == FR_CELL_SPARSE ? "values" : "columns, stored dense",
                       fr_format_bytes(bytes, need), fr_format_bytes(fr_memory_limit(), have));
    return FR_OK;
}

/* Some formats tell before their rows are read. */
static fr_status check_promise(const fr_source *source)
{
    const fr_reader *first = source->part[0].reader;
    size_t rows = 0;
    if (!first->typed) return FR_OK;
    for (size_t p = 0; p < source->n_parts; p++) rows += source->part[p].reader->rows;
    return check_size(source, rows, fr_reader_features(first), first->cell);
}

static fr_status learn_schema(fr_source *source)
{
    FR_TRY(check_promise(source));
    FR_TRY(fr_scan(source));
    FR_TRY(make_schema(source));
    const fr_schema *schema = &source->schema;
    const size_t per_row = schema->stored / schema->rows + 1;
    return check_size(source, schema->rows,
                      schema->cell == FR_CELL_SPARSE ? per_row : schema->cols, schema->cell);
}

fr_status fr_source_open(const fr_data_options *options, const fr_test_options *test,
                         fr_source **out)
{
    *out = NULL;
    fr_source *source = fr_alloc(1, sizeof *source);
    if (source == NULL) return FR_ERR_MEMORY;
    fr_status st = open_files(source, options, test);
    if (st == FR_OK) st = fr_text_settings_copy(&options->text, &source->schema.text);
    source->schema.learn = (fr_learn)options->task;
    source->schema.relevant = options->relevant;
    source->storage = (fr_storage)options->storage;
    if (st == FR_OK) st = fr_fields_assign(source, options, test);
    if (st == FR_OK && source->n_parts > 1) st = fr_fields_connect(source, &source->part[1]);
    if (st == FR_OK) st = learn_schema(source);
    if (st != FR_OK) fr_source_close(&source);
    *out = source;
    return st;
}

fr_status fr_source_open_like(const fr_data_options *options, const fr_schema *schema,
                              fr_source **out)
{
    *out = NULL;
    fr_source *source = fr_alloc(1, sizeof *source);
    if (source == NULL) return FR_ERR_MEMORY;
    source->like = true;
    source->schema.learn = schema->learn;
    source->schema.has_user = schema->has_user;
    source->schema.user = schema->user;
    source->schema.relevant = schema->relevant;
    source->storage = (fr_storage)options->storage;
    source->schema.cols = schema->cols;
    fr_data_options own = *options;
    own.text = schema->text;
    fr_status st = open_files(source, &own, NULL);
    if (st == FR_OK) st = fr_text_settings_copy(&schema->text, &source->schema.text);
    if (st == FR_OK) st = fr_fields_from_schema(source, schema);
    if (st == FR_OK) st = fr_fields_connect(source, &source->part[0]);
    if (st == FR_OK) st = learn_schema(source);
    if (st != FR_OK) fr_source_close(&source);
    *out = source;
    return st;
}

void fr_source_close(fr_source **source)
{
    fr_source *s = *source;
    if (s == NULL) return;
    for (size_t p = 0; p < sizeof s->part / sizeof *s->part; p++) {
        fr_reader_close(&s->part[p].reader);
        fr_reader_close(&s->part[p].labels);
        free(s->part[p].field);
        free(s->part[p].labels_field);
    }
    for (size_t f = 0; f < s->n_fields; f++) fr_field_clear(&s->field[f]);
    free(s->field);
    fr_strings_clear(&s->missing);
    fr_strings_clear(&s->marks);
    fr_schema_clear(&s->schema);
    free(s);
    *source = NULL;
}

const fr_schema *fr_source_schema(const fr_source *source)
{
    return &source->schema;
}

fr_status fr_dataset_read(const fr_data_options *options, const fr_test_options *test,
                          void **block, fr_dataset *out)
{
    fr_source *source = NULL;
    fr_schema schema = {0};
    *block = NULL;
    *out = (fr_dataset){0};
    FR_TRY(fr_source_open(options, test, &source));
    fr_status st = FR_OK;
    *block = fr_alloc(fr_schema_bytes(&source->schema), 1);
    if (*block == NULL) st = FR_ERR_MEMORY;
    if (st == FR_OK) st = fr_source_fill(source, *block);
    if (st == FR_OK) st = fr_schema_copy(&source->schema, &schema);
    if (st == FR_OK) {
        fr_dataset_attach(&schema, *block, out);
    } else {
        free(*block);
        *block = NULL;
    }
    fr_source_close(&source);
    return st;
}
