/* SPDX-License-Identifier: BSD-3-Clause */
/* model_get.c - a trained model out of a file that anybody may have made: whatever gets through
 * here predicts without reading or writing outside its memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/kernel_ridge.h"
#include "foldrank/memory.h"
#include "foldrank/network.h"
#include "internal.h"

static fr_status unsound(const fr_h5_in *in, const char *what)
{
    return FR_FAIL(FR_ERR_FORMAT, "%s: /model: %s; the file is damaged", in->path, what);
}

/* Index of `word` in the list; -1 when it is not there. */
static int find_word(const char *word, const char *const words[])
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(word, words[i]) == 0) return i;
    return -1;
}

static fr_status get_word(const fr_h5_in *in, const char *path, const char *const words[],
                          int *out)
{
    char *text = NULL;
    FR_TRY(fr_h5_get_scalar_text(in, path, &text));
    *out = find_word(text, words);
    free(text);
    return *out >= 0 ? FR_OK
                     : FR_FAIL(FR_ERR_FORMAT, "%s: %s holds an unknown word", in->path, path);
}

/* Copies of all texts of a column. */
static fr_status get_strings(const fr_h5_in *in, const char *path, fr_strings *out)
{
    fr_h5_block block;
    FR_TRY(fr_h5_get_texts(in, path, &block));
    fr_status st = FR_OK;
    for (size_t i = 0; st == FR_OK && i < block.n; i++)
        st = fr_strings_add(out, fr_h5_text(&block, i));
    free(block.data);
    return st;
}

static fr_status get_options(const fr_h5_in *in, fr_model *model)
{
    int family = 0;
    size_t n_rows = 0;
    FR_TRY(get_word(in, "/model/family", fr_family_words, &family));
    const fr_option *table = fr_model_option_table((fr_family)family, &n_rows);
    fr_strings names = {0}, values = {0};
    fr_status st = fr_option_defaults(table, n_rows, &model->options);
    model->options.family = family;
    if (st == FR_OK) st = get_strings(in, "/model/options/name", &names);
    if (st == FR_OK) st = get_strings(in, "/model/options/value", &values);
    if (st == FR_OK && names.n != values.n) st = unsound(in, "options differ in length");
    for (size_t i = 0; st == FR_OK && i < names.n; i++) {
        const fr_option *row = fr_option_find(table, n_rows, names.item[i]);
        if (row == NULL)
            st = unsound(in, "there is an option that the family does not have");
        else if (fr_option_set(row, values.item[i], &model->options) != FR_OK)
            st = FR_FAIL(FR_ERR_FORMAT, "%s: /model/options: %s: %s", in->path, row->name,
                         fr_status_message());
    }
    fr_strings_clear(&names);
    fr_strings_clear(&values);
    return st;
}

/* Names and kinds of the features. */
static fr_status get_features(const fr_h5_in *in, fr_schema *schema)
{
    fr_h5_block kinds = {0}, names = {0};
    fr_status st = fr_h5_get_texts(in, "/model/features/name", &names);
    if (st == FR_OK) st = fr_h5_get_texts(in, "/model/features/kind", &kinds);
    if (st == FR_OK && names.n != kinds.n) st = unsound(in, "features differ in length");
    if (st != FR_OK) goto out;
    schema->columns = fr_alloc(names.n, sizeof *schema->columns);
    if (schema->columns == NULL) {
        st = FR_ERR_MEMORY;
        goto out;
    }
    schema->cols = names.n;
    for (size_t c = 0; st == FR_OK && c < names.n; c++) {
        const int kind = find_word(fr_h5_text(&kinds, c), fr_column_kind_words);
        schema->columns[c].kind = (fr_column_kind)kind;
        schema->columns[c].name = fr_strdup(fr_h5_text(&names, c));
        if (kind < 0) st = unsound(in, "a feature is of no known kind");
        if (schema->columns[c].name == NULL) st = FR_ERR_MEMORY;
    }
out:
    free(kinds.data);
    free(names.data);
    return st;
}

/* counts[c] levels go to column c, in the order of the table. */
static fr_status share_levels(const fr_h5_in *in, const uint32_t *counts,
                              const uint32_t *owners, const fr_h5_block *names,
                              fr_schema *schema)
{
    size_t at = 0;
    for (size_t c = 0; c < schema->cols; c++) {
        fr_column *column = &schema->columns[c];
        if (counts[c] > names->n - at) return unsound(in, "levels are missing");
        if (column->kind == FR_COLUMN_NUMERIC && counts[c] > 0)
            return unsound(in, "a numeric feature has levels");
        if (counts[c] == 0) continue;
        column->levels = fr_alloc(counts[c], sizeof *column->levels);
        if (column->levels == NULL) return FR_ERR_MEMORY;
        for (; column->n_levels < counts[c]; at++) {
            if (owners[at] != c) return unsound(in, "levels are out of order");
            char *name = fr_strdup(fr_h5_text(names, at));
            if (name == NULL) return FR_ERR_MEMORY;
            column->levels[column->n_levels++] = name;
        }
    }
    return at == names->n ? FR_OK : unsound(in, "there are levels of no feature");
}

static fr_status get_levels(const fr_h5_in *in, fr_schema *schema)
{
    fr_h5_block names = {0};
    void *owners = NULL;
    size_t n_owners = 0;
    uint32_t *counts = fr_alloc(schema->cols, sizeof *counts);
    fr_status st = counts == NULL ? FR_ERR_MEMORY
                                  : fr_h5_get_column(in, "/model/features/levels", FR_H5_U32,
                                                     schema->cols, counts);
    if (st == FR_OK)
        st = fr_h5_get_all(in, "/model/levels/feature", FR_H5_U32, &owners, &n_owners);
    if (st == FR_OK) st = fr_h5_get_texts(in, "/model/levels/name", &names);
    if (st == FR_OK && names.n != n_owners) st = unsound(in, "levels differ in length");
    if (st == FR_OK) st = share_levels(in, counts, owners, &names, schema);
    free(counts);
    free(owners);
    free(names.data);
    return st;
}

static fr_status get_schema(const fr_h5_in *in, fr_model *model)
{
    fr_schema *schema = &model->schema;
    int learn = 0;
    uint32_t outputs = 0;
    fr_strings classes = {0};
    FR_TRY(get_word(in, "/model/task", fr_learn_words, &learn));
    schema->learn = (fr_learn)learn;
    schema->has_target = true;
    FR_TRY(fr_h5_get_scalar_text(in, "/model/target", &schema->target_name));
    fr_status st = get_strings(in, "/model/classes", &classes);
    schema->classes = classes.item;
    schema->n_classes = classes.n;
    FR_TRY(st);
    FR_TRY(fr_h5_get_column(in, "/model/outputs", FR_H5_U32, 1, &outputs));
    model->n_outputs = outputs;
    const bool classifies = learn == FR_LEARN_CLASSIFICATION;
    if (classifies ? schema->n_classes < 2 || outputs != schema->n_classes
                   : schema->n_classes != 0 || outputs != 1)
        return unsound(in, "outputs and classes do not fit");
    FR_TRY(get_features(in, schema));
    return get_levels(in, schema);
}

/* One feature from its row; its places are places[*at ...). */
static fr_status set_feature(const fr_h5_in *in, const fr_column *column,
                             const fr_feature_row *row, const int32_t *places, size_t n_places,
                             fr_feature *out)
{
    out->first = row->first;
    out->width = row->width;
    out->fill = row->fill;
    out->shift = row->shift;
    out->factor = row->factor;
    if (row->places > n_places) return unsound(in, "places are missing");
    if (out->kind != FR_FEATURE_ONEHOT)
        return row->places == 0 && row->width == (out->kind == FR_FEATURE_DROP ? 0u : 1u)
                   ? FR_OK
                   : unsound(in, "a feature has outputs that its kind does not have");
    if (column->kind != FR_COLUMN_CATEGORICAL || row->places != column->n_levels)
        return unsound(in, "places and levels do not fit");
    if (!(row->fill >= -1 && row->fill < (float)(row->places + 1)))
        return unsound(in, "the level for missing cells is none");
    out->place = fr_alloc(row->places, sizeof *out->place);
    if (out->place == NULL) return FR_ERR_MEMORY;
    out->n_place = row->places;
    for (size_t l = 0; l < out->n_place; l++) {
        out->place[l] = places[l];
        if (places[l] < -1 || places[l] >= (int64_t)row->width)
            return unsound(in, "a place is outside its feature");
    }
    return FR_OK;
}

/* Outputs follow one another without holes: the width is their sum. */
static fr_status set_features(const fr_h5_in *in, const fr_h5_block *kinds,
                              const fr_feature_row *rows, const int32_t *places,
                              size_t n_places, fr_model *model)
{
    fr_transform *transform = &model->transform;
    size_t at = 0;
    for (size_t c = 0; c < transform->cols; c++) {
        fr_feature *feature = &transform->features[c];
        feature->kind = find_word(fr_h5_text(kinds, c), fr_feature_kind_words);
        if (feature->kind < 0) return unsound(in, "a feature is treated in no known way");
        FR_TRY(set_feature(in, &model->schema.columns[c], &rows[c], places + at, n_places - at,
                           feature));
        at += feature->n_place;
        if (feature->width > 0 && feature->first != transform->width)
            return unsound(in, "outputs of the preprocessing do not follow one another");
        transform->width += feature->width;
    }
    return at == n_places ? FR_OK : unsound(in, "there are places of no feature");
}

/* The room of the transform checks once more, and prepares what it needs to apply it. */
static fr_status settle_transform(const fr_h5_in *in, fr_transform *transform)
{
    fr_pack bytes = {0};
    fr_transform_pack(transform, &bytes);
    fr_transform_clear(transform);
    fr_unpack from = fr_unpack_make(bytes.data, bytes.size);
    fr_status st = bytes.failed ? FR_ERR_MEMORY : fr_transform_unpack(&from, transform);
    fr_pack_clear(&bytes);
    return st == FR_ERR_FORMAT ? unsound(in, fr_status_message()) : st;
}

static fr_status get_features_transform(const fr_h5_in *in, fr_model *model)
{
    fr_transform *transform = &model->transform;
    const size_t cols = model->schema.cols;
    fr_h5_block kinds = {0};
    void *places = NULL;
    size_t n_places = 0;
    fr_feature_row *rows = fr_alloc(cols, sizeof *rows);
    transform->features = fr_alloc(cols, sizeof *transform->features);
    fr_status st = rows == NULL || transform->features == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) {
        transform->cols = cols;
        st = fr_table_get(in, &fr_feature_table, rows, cols);
    }
    if (st == FR_OK) st = fr_h5_get_texts(in, "/model/preprocessing/kind", &kinds);
    if (st == FR_OK && kinds.n != cols) st = unsound(in, "preprocessing differs in length");
    if (st == FR_OK)
        st = fr_h5_get_all(in, "/model/preprocessing/place", FR_H5_I32, &places, &n_places);
    if (st == FR_OK) st = set_features(in, &kinds, rows, places, n_places, model);
    free(rows);
    free(kinds.data);
    free(places);
    return st;
}

static fr_status get_transform(const fr_h5_in *in, fr_model *model)
{
    fr_transform *transform = &model->transform;
    FR_TRY(get_features_transform(in, model));
    FR_TRY(fr_counts_get(in, model));
    FR_TRY(fr_projection_get(in, transform));
    FR_TRY(fr_h5_get_column(in, "/model/preprocessing/target_shift", FR_H5_F64, 1,
                            &transform->target_shift));
    FR_TRY(fr_h5_get_column(in, "/model/preprocessing/target_factor", FR_H5_F64, 1,
                            &transform->target_factor));
    return settle_transform(in, transform);
}

/* How many rows were kept stands in the file, which has to have them. */
static fr_status get_kernel(const fr_h5_in *in, fr_model *model)
{
    const size_t inputs = model->transform.width, outputs = model->n_outputs;
    const char *bias = "/model/parameters/bias";
    uint64_t rows = 0;
    FR_TRY(fr_h5_get_column(in, "/model/parameters/count", FR_H5_U64, 1, &rows));
    if (rows == 0 || rows > in->bytes / sizeof(float) / (inputs + outputs))
        return unsound(in, "the rows that the model keeps are larger than the file");
    const fr_kernel_layout l = fr_kernel_layout_make((size_t)rows, inputs, outputs);
    model->params = fr_alloc(l.n_params, sizeof *model->params);
    if (model->params == NULL) return FR_ERR_MEMORY;
    model->n_rows = l.rows;
    model->n_params = l.n_params;
    FR_TRY(fr_h5_get_matrix(in, "/model/parameters/rows", l.rows, inputs, model->params));
    FR_TRY(fr_h5_get_matrix(in, "/model/parameters/weight", l.rows, outputs,
                            model->params + l.weights));
    return fr_h5_get_column(in, bias, FR_H5_F32, outputs, model->params + l.bias);
}

static fr_status get_trees(const fr_h5_in *in, fr_model *model)
{
    const size_t scores = fr_trees_scores(model->schema.learn, model->n_outputs);
    FR_TRY(fr_trees_get(in, scores, model->transform.width, &model->trees));
    model->n_params = model->trees.n_nodes;
    return FR_OK;
}

static fr_status get_convolutions(const fr_h5_in *in, const fr_stem *stem, float *params)
{
    for (size_t l = 0; l < stem->n; l++) {
        const fr_conv *c = &stem->conv[l];
        fr_conv_column columns[FR_CONV_COLUMNS];
        char path[64];
        snprintf(path, sizeof path, "/model/parameters/conv%zu/weight", l);
        FR_TRY(fr_h5_get_matrix(in, path, stem->kernel_h * stem->kernel_w * c->in, c->out,
                                params + c->weights));
        for (size_t k = 0, n = fr_conv_columns(stem, c, columns); k < n; k++) {
            snprintf(path, sizeof path, "/model/parameters/conv%zu/%s", l, columns[k].name);
            FR_TRY(fr_h5_get_column(in, path, FR_H5_F32, c->out, params + columns[k].at));
        }
    }
    return FR_OK;
}

/* The shapes follow from options, preprocessing and outputs; the file has to have them. */
static fr_status get_parameters(const fr_h5_in *in, fr_model *model)
{
    fr_network network;
    if (fr_model_check_inputs(&model->options, model->transform.width) != FR_OK)
        return unsound(in, "the convolutions do not fit the inputs");
    fr_network_make(&model->options, model->schema.learn, model->transform.width,
                    model->n_outputs, &network);
    size_t n_weights = network.n_params - network.stem.n_params;
    for (size_t l = 0; l < network.stem.n; l++)
        n_weights += network.stem.conv[l].bias - network.stem.conv[l].weights;
    for (size_t l = 1; l <= network.n_layers; l++) n_weights -= fr_network_biases(&network, l);
    if (n_weights > in->bytes / sizeof(float)) /* matrices are never compressed */
        return unsound(in, "the layers are larger than the file");
    model->params = fr_alloc(network.n_params, sizeof *model->params);
    if (model->params == NULL) return FR_ERR_MEMORY;
    model->n_params = network.n_params;
    FR_TRY(get_convolutions(in, &network.stem, model->params));
    for (size_t l = 1; l <= network.n_layers; l++) {
        char path[64];
        snprintf(path, sizeof path, "/model/parameters/layer%zu/weight", l - 1);
        FR_TRY(fr_h5_get_matrix(in, path, network.width[l - 1], fr_network_cols(&network, l),
                                model->params + network.weights[l]));
        snprintf(path, sizeof path, "/model/parameters/layer%zu/bias", l - 1);
        FR_TRY(fr_h5_get_column(in, path, FR_H5_F32, fr_network_biases(&network, l),
                                model->params + network.bias[l]));
    }
    return FR_OK;
}

fr_status fr_model_get(const fr_h5_in *in, fr_model *out)
{
    *out = (fr_model){0};
    FR_TRY(get_options(in, out));
    FR_TRY(get_schema(in, out));
    if (!fr_family_learns((fr_family)out->options.family, out->schema.learn))
        return unsound(in, "this family cannot do this task");
    FR_TRY(get_transform(in, out));
    if (out->options.family == FR_FAMILY_XGBOOST)
        FR_TRY(get_trees(in, out));
    else
        FR_TRY(out->options.family == FR_FAMILY_KERNEL ? get_kernel(in, out)
                                                       : get_parameters(in, out));
    return fr_calibration_get(in, out);
}
