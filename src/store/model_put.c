/* SPDX-License-Identifier: BSD-3-Clause */
/* model_put.c - the trained model as typed data sets under /model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/kernel_ridge.h"
#include "foldrank/memory.h"
#include "foldrank/network.h"
#include "foldrank/text.h"
#include "internal.h"

static void put_strings(fr_h5_out *out, const char *path, const fr_strings *strings,
                        const char *about)
{
    fr_h5_put_texts(out, &(fr_h5_texts){.path = path,
                                        .n = strings->n,
                                        .text = fr_h5_text_of_array,
                                        .context = strings->item,
                                        .about = about});
}

static void put_options(fr_h5_out *out, const fr_model *model)
{
    size_t n = 0;
    const fr_option *table = fr_model_option_table((fr_family)model->options.family, &n);
    fr_strings names = {0}, values = {0};
    for (size_t i = 0; i < n; i++) {
        fr_text value = {0};
        fr_option_format(&table[i], &model->options, &value);
        if (value.failed || fr_strings_add(&names, table[i].name) != FR_OK ||
            fr_strings_add(&values, fr_text_get(&value)) != FR_OK)
            out->failed = true;
        fr_text_clear(&value);
    }
    fr_h5_put_group(out, "/model/options");
    put_strings(out, "/model/options/name", &names, "setting of the family");
    put_strings(out, "/model/options/value", &values, "as in a study file");
    fr_strings_clear(&names);
    fr_strings_clear(&values);
}

static const char *column_name(void *schema, size_t i)
{
    return ((const fr_schema *)schema)->columns[i].name;
}

static const char *column_kind(void *schema, size_t i)
{
    return fr_column_kind_words[((const fr_schema *)schema)->columns[i].kind];
}

static void put_levels(fr_h5_out *out, const fr_schema *schema)
{
    size_t n = 0;
    for (size_t c = 0; c < schema->cols; c++) n += schema->columns[c].n_levels;
    uint32_t *counts = fr_alloc(schema->cols, sizeof *counts);
    uint32_t *owners = fr_alloc(n, sizeof *owners);
    char **names = fr_alloc(n, sizeof *names); /* borrowed from the schema */
    if (counts == NULL || owners == NULL || names == NULL) {
        out->failed = true;
        goto out;
    }
    size_t at = 0;
    for (size_t c = 0; c < schema->cols; c++) {
        counts[c] = (uint32_t)schema->columns[c].n_levels;
        for (size_t l = 0; l < schema->columns[c].n_levels; l++) {
            owners[at] = (uint32_t)c;
            names[at++] = schema->columns[c].levels[l];
        }
    }
    fr_h5_put_column(out, &(fr_h5_column){.path = "/model/features/levels",
                                          .type = FR_H5_U32,
                                          .n = schema->cols,
                                          .data = counts,
                                          .about = "number of levels; 0 = numeric"});
    fr_h5_put_group(out, "/model/levels");
    fr_h5_put_column(out, &(fr_h5_column){.path = "/model/levels/feature",
                                          .type = FR_H5_U32,
                                          .n = n,
                                          .data = owners,
                                          .about = "number of the feature"});
    put_strings(out, "/model/levels/name", &(fr_strings){names, n}, "text of the level");
out:
    free(counts);
    free(owners);
    free(names);
}

static void put_schema(fr_h5_out *out, const fr_schema *schema)
{
    fr_h5_put_scalar_text(out, "/model/task", fr_learn_words[schema->learn]);
    fr_h5_put_scalar_text(out, "/model/target",
                          schema->target_name == NULL ? "" : schema->target_name);
    put_strings(out, "/model/classes", &(fr_strings){schema->classes, schema->n_classes},
                "in the order of the outputs");
    fr_h5_put_group(out, "/model/features");
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/model/features/name",
                                        .n = schema->cols,
                                        .text = column_name,
                                        .context = (void *)schema});
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/model/features/kind",
                                        .n = schema->cols,
                                        .text = column_kind,
                                        .context = (void *)schema});
    put_levels(out, schema);
}

static const char *feature_kind(void *transform, size_t i)
{
    return fr_feature_kind_words[((const fr_transform *)transform)->features[i].kind];
}

static void put_places(fr_h5_out *out, const fr_transform *transform)
{
    size_t n = 0, at = 0;
    for (size_t c = 0; c < transform->cols; c++) n += transform->features[c].n_place;
    int32_t *places = fr_alloc(n, sizeof *places);
    if (places == NULL) {
        out->failed = true;
        return;
    }
    for (size_t c = 0; c < transform->cols; c++) {
        const fr_feature *feature = &transform->features[c];
        if (feature->n_place > 0)
            memcpy(places + at, feature->place, feature->n_place * sizeof *places);
        at += feature->n_place;
    }
    fr_h5_put_column(out, &(fr_h5_column){.path = "/model/preprocessing/place",
                                          .type = FR_H5_I32,
                                          .n = n,
                                          .data = places,
                                          .about = "output of each level; -1 = none"});
    free(places);
}

static void put_transform(fr_h5_out *out, const fr_transform *transform)
{
    const size_t n = transform->cols;
    fr_feature_row *rows = fr_alloc(n, sizeof *rows);
    const void **list = fr_alloc(n, sizeof *list);
    if (rows == NULL || list == NULL) {
        out->failed = true;
        goto out;
    }
    for (size_t c = 0; c < n; c++) {
        const fr_feature *f = &transform->features[c];
        rows[c] = (fr_feature_row){.first = (uint32_t)f->first,
                                   .width = (uint32_t)f->width,
                                   .places = (uint32_t)f->n_place,
                                   .fill = f->fill,
                                   .shift = f->shift,
                                   .factor = f->factor};
        list[c] = &rows[c];
    }
    fr_h5_put_group(out, fr_feature_table.path);
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/model/preprocessing/kind",
                                        .n = n,
                                        .text = feature_kind,
                                        .context = (void *)transform});
    fr_table_put(out, &fr_feature_table, list, n);
    put_places(out, transform);
    fr_h5_put_scalar(out, "/model/preprocessing/target_shift", FR_H5_F64,
                     &transform->target_shift);
    fr_h5_put_scalar(out, "/model/preprocessing/target_factor", FR_H5_F64,
                     &transform->target_factor);
out:
    free(rows);
    free(list);
}

static void put_input_names(fr_h5_out *out, const fr_model *model)
{
    fr_strings names = {0};
    for (size_t j = 0; j < model->transform.width; j++) {
        fr_text name = {0};
        fr_transform_name(&model->transform, &model->schema, j, &name);
        if (name.failed || fr_strings_add(&names, fr_text_get(&name)) != FR_OK)
            out->failed = true;
        fr_text_clear(&name);
    }
    put_strings(out, "/model/inputs", &names, "names of the preprocessed inputs");
    fr_strings_clear(&names);
}

static void put_column(fr_h5_out *out, const char *path, const float *values, size_t n)
{
    fr_h5_put_column(out,
                     &(fr_h5_column){.path = path, .type = FR_H5_F32, .n = n, .data = values});
}

static void put_kernel(fr_h5_out *out, const fr_model *model)
{
    const fr_kernel_layout l =
        fr_kernel_layout_make(model->n_rows, model->transform.width, model->n_outputs);
    const uint64_t rows = l.rows;
    fr_h5_put_scalar(out, "/model/parameters/count", FR_H5_U64, &rows);
    fr_h5_put_matrix(out, "/model/parameters/rows", model->params, l.rows, l.inputs);
    fr_h5_put_matrix(out, "/model/parameters/weight", model->params + l.weights, l.rows,
                     l.outputs);
    put_column(out, "/model/parameters/bias", model->params + l.bias, l.outputs);
}

static void put_convolutions(fr_h5_out *out, const fr_stem *stem, const float *params)
{
    for (size_t l = 0; l < stem->n; l++) {
        const fr_conv *c = &stem->conv[l];
        fr_conv_column columns[FR_CONV_COLUMNS];
        char path[64];
        snprintf(path, sizeof path, "/model/parameters/conv%zu", l);
        fr_h5_put_group(out, path);
        snprintf(path, sizeof path, "/model/parameters/conv%zu/weight", l);
        fr_h5_put_matrix(out, path, params + c->weights,
                         stem->kernel_h * stem->kernel_w * c->in, c->out);
        for (size_t k = 0, n = fr_conv_columns(stem, c, columns); k < n; k++) {
            snprintf(path, sizeof path, "/model/parameters/conv%zu/%s", l, columns[k].name);
            put_column(out, path, params + columns[k].at, c->out);
        }
    }
}

static void put_parameters(fr_h5_out *out, const fr_model *model)
{
    fr_network network;
    fr_h5_put_group(out, "/model/parameters");
    if (model->options.family == FR_FAMILY_KERNEL) {
        put_kernel(out, model);
        return;
    }
    fr_network_make(&model->options, model->schema.learn, model->transform.width,
                    model->n_outputs, &network);
    put_convolutions(out, &network.stem, model->params);
    for (size_t l = 1; l <= network.n_layers; l++) {
        char path[64];
        snprintf(path, sizeof path, "/model/parameters/layer%zu", l - 1);
        fr_h5_put_group(out, path);
        snprintf(path, sizeof path, "/model/parameters/layer%zu/weight", l - 1);
        fr_h5_put_matrix(out, path, model->params + network.weights[l], network.width[l - 1],
                         fr_network_cols(&network, l));
        snprintf(path, sizeof path, "/model/parameters/layer%zu/bias", l - 1);
        put_column(out, path, model->params + network.bias[l], fr_network_biases(&network, l));
    }
}

size_t fr_conv_columns(const fr_stem *stem, const fr_conv *conv,
                       fr_conv_column out[FR_CONV_COLUMNS])
{
    out[0] = (fr_conv_column){"bias", conv->bias};
    out[1] = (fr_conv_column){"gain", conv->gain};
    out[2] = (fr_conv_column){"mean", conv->mean};
    out[3] = (fr_conv_column){"variance", conv->variance};
    return stem->batch_norm ? FR_CONV_COLUMNS : 1;
}

void fr_model_put(fr_h5_out *out, const fr_model *model)
{
    const uint32_t outputs = (uint32_t)model->n_outputs;
    fr_h5_put_group(out, "/model");
    fr_h5_put_scalar_text(out, "/model/family", fr_family_words[model->options.family]);
    fr_h5_put_scalar(out, "/model/outputs", FR_H5_U32, &outputs);
    put_options(out, model);
    put_schema(out, &model->schema);
    put_transform(out, &model->transform);
    fr_counts_put(out, model);
    fr_projection_put(out, model->transform.projection);
    put_input_names(out, model);
    if (model->options.family == FR_FAMILY_XGBOOST)
        fr_trees_put(out, &model->trees);
    else
        put_parameters(out, model);
    fr_calibration_put(out, &model->calibration);
}
