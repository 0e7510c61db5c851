/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_model.c - a trained model as an ONNX graph.
 *
 * The graph does what fr_model_predict does, in its order. Numbers and ordinal categories that
 * stand side by side go through one Imputer and one Scaler together (which is `(x - shift) *
 * factor`, as in preprocess.h); a one-hot column goes through a LabelEncoder, whose values are
 * the places of the levels, and a OneHotEncoder, to which -1 is no category at all. Columns of
 * text are strings. A categorical column whose levels are numbers comes as a number. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"
#include "onnx_build.h"
#include "onnx_calibration.h"
#include "onnx_counts.h"
#include "onnx_factors.h"
#include "onnx_kernel.h"
#include "onnx_network.h"
#include "onnx_projection.h"
#include "onnx_trees.h"
#include "onnx_words.h"

const char *const fr_export_inputs_words[] = {"auto", "matrix", "columns", NULL};

enum {
    TYPE_FLOAT = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
    TYPE_INT64 = ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
    TYPE_STRING = ONNX__TENSOR_PROTO__DATA_TYPE__STRING,
};

typedef struct {
    fr_onnx o;
    const fr_model *model;       /* the one at work; their columns and classes are the same */
    const fr_ensemble *together; /* NULL: the model alone */
    bool matrix;
    bool *is_text;      /* (cols): the column comes as strings */
    bool counts_words;  /* of one text, which is the input */
    fr_terms terms;     /* of all members; owned */
    const char *prefix; /* of all inner names, so that no column has one of them */
    size_t n_names;
} writer;

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A name that nothing else has. */
static const char *new_name(writer *w, const char *word)
{
    return fr_onnx_text(&w->o, "%s%s%zu", w->prefix, word, w->n_names++);
}

/* The numbers that the levels are, as float32; NULL when one is none, or two become one. */
static float *level_numbers(writer *w, const fr_column *column)
{
    float *numbers = fr_onnx_alloc(&w->o, column->n_levels, sizeof *numbers);
    for (size_t l = 0; numbers != NULL && l < column->n_levels; l++) {
        double value;
        if (!fr_parse_double(column->levels[l], &value) || !isfinite(value)) return NULL;
        numbers[l] = (float)value;
        /* Levels that are numbers are sorted as such: equal ones would be neighbours. */
        if (l > 0 && numbers[l] == numbers[l - 1]) return NULL;
    }
    return numbers;
}

static fr_status find_types(writer *w, fr_export_inputs inputs)
{
    const fr_schema *schema = &w->model->schema;
    const char *text_column = schema->text.column;
    w->counts_words = text_column != NULL;
    w->is_text = fr_onnx_alloc(&w->o, schema->cols, sizeof *w->is_text);
    for (size_t c = 0; !w->o.failed && c < schema->cols; c++) {
        const fr_column *column = &schema->columns[c];
        w->is_text[c] =
            column->kind == FR_COLUMN_CATEGORICAL && level_numbers(w, column) == NULL;
        if (w->is_text[c] && text_column == NULL) text_column = column->name;
    }
    w->matrix = inputs == FR_INPUTS_MATRIX || (inputs == FR_INPUTS_AUTO && text_column == NULL);
    if (w->o.failed || inputs != FR_INPUTS_MATRIX || text_column == NULL) return FR_OK;
    return FR_FAIL(FR_ERR_USAGE,
                   "a matrix of numbers cannot hold column %s, which is text: use columns",
                   text_column);
}

static bool is_column(const fr_schema *schema, const char *name)
{
    if (schema->text.column != NULL && strcmp(schema->text.column, name) == 0) return true;
    for (size_t c = 0; c < schema->cols; c++)
        if (strcmp(schema->columns[c].name, name) == 0) return true;
    return false;
}

static void choose_prefix(writer *w)
{
    const fr_schema *schema = &w->model->schema;
    const char *prefix = "fr_";
    /* Names of terms begin with the name of their column. */
    for (size_t c = 0; !w->matrix && prefix != NULL && c < schema->cols; c++)
        if (strncmp(schema->columns[c].name, prefix, strlen(prefix)) == 0) {
            prefix = fr_onnx_text(&w->o, "%s_", prefix);
            c = (size_t)-1; /* all columns again: unsigned, so the next is 0 */
        }
    w->prefix = prefix == NULL ? "" : prefix;
}

/* "label", or "label_" and so on where a column has that name. */
static const char *output_name(writer *w, const char *name)
{
    while (!w->matrix && name != NULL && is_column(&w->model->schema, name))
        name = fr_onnx_text(&w->o, "%s_", name);
    return name == NULL ? "" : name;
}

static void declare_inputs(writer *w)
{
    const fr_schema *schema = &w->model->schema;
    if (w->matrix) fr_onnx_port(&w->o, FR_ONNX_INPUT, "X", TYPE_FLOAT, schema->cols);
    if (w->counts_words)
        fr_onnx_port(&w->o, FR_ONNX_INPUT, schema->text.column, TYPE_STRING, 1);
    for (size_t c = 0; !w->matrix && !w->counts_words && c < schema->cols; c++)
        fr_onnx_port(&w->o, FR_ONNX_INPUT, schema->columns[c].name,
                     w->is_text[c] ? TYPE_STRING : TYPE_FLOAT, 1);
}

/* n columns of the matrix, in their order. */
static const char *gather(writer *w, const int64_t *index, size_t n)
{
    if (n == w->model->schema.cols) return "X";
    const char *which = new_name(w, "columns"), *out = new_name(w, "part");
    fr_onnx_ints(&w->o, which, index, n);
    fr_onnx_node *node = fr_onnx_op(&w->o, "Gather", LIST("X", which), out);
    fr_onnx_set_int(&w->o, node, "axis", 1);
    return out;
}

/* Columns [first, first + n) of the matrix. */
static const char *gather_run(writer *w, size_t first, size_t n)
{
    int64_t *index = fr_onnx_alloc(&w->o, n, sizeof *index);
    for (size_t i = 0; index != NULL && i < n; i++) index[i] = (int64_t)(first + i);
    return index == NULL ? "" : gather(w, index, n);
}

/* Column c alone, (N, 1). */
static const char *column_input(writer *w, size_t c)
{
    return w->matrix ? gather_run(w, c, 1) : w->model->schema.columns[c].name;
}

/* A LabelEncoder over column c's levels; its values are to be set. */
static fr_onnx_node *encode(writer *w, size_t c, const char *out)
{
    const fr_column *column = &w->model->schema.columns[c];
    fr_onnx_node *node = fr_onnx_ml_op(&w->o, "LabelEncoder", column_input(w, c), out);
    if (w->is_text[c])
        fr_onnx_set_texts(&w->o, node, "keys_strings", column->levels, column->n_levels);
    else
        fr_onnx_set_floats(&w->o, node, "keys_floats", level_numbers(w, column),
                           column->n_levels);
    return node;
}

/* The number of the level, as a float; what is no level is filled in at once. */
static const char *ordinal(writer *w, size_t c)
{
    const size_t n = w->model->schema.columns[c].n_levels;
    float *numbers = fr_onnx_alloc(&w->o, n, sizeof *numbers);
    for (size_t l = 0; numbers != NULL && l < n; l++) numbers[l] = (float)l;
    const char *out = new_name(w, "ordinal");
    fr_onnx_node *node = encode(w, c, out);
    fr_onnx_set_floats(&w->o, node, "values_floats", numbers, n);
    fr_onnx_set_float(&w->o, node, "default_float", w->model->transform.features[c].fill);
    return out;
}

/* (N, width) */
static const char *onehot(writer *w, size_t c)
{
    const fr_feature *feature = &w->model->transform.features[c];
    int64_t *places = fr_onnx_alloc(&w->o, feature->n_place, sizeof *places);
    int64_t *all = fr_onnx_alloc(&w->o, feature->width, sizeof *all);
    for (size_t l = 0; places != NULL && l < feature->n_place; l++)
        places[l] = feature->place[l];
    for (size_t i = 0; all != NULL && i < feature->width; i++) all[i] = (int64_t)i;
    const bool filled = feature->fill >= 0 && feature->fill < (float)feature->n_place;

    const char *place = new_name(w, "place"), *cube = new_name(w, "onehot"),
               *out = new_name(w, "flat");
    fr_onnx_node *node = encode(w, c, place);
    fr_onnx_set_ints(&w->o, node, "values_int64s", places, feature->n_place);
    fr_onnx_set_int(&w->o, node, "default_int64",
                    filled ? feature->place[(size_t)feature->fill] : -1);
    node = fr_onnx_ml_op(&w->o, "OneHotEncoder", place, cube);
    fr_onnx_set_ints(&w->o, node, "cats_int64s", all, feature->width);
    fr_onnx_set_int(&w->o, node, "zeros", 1);
    node = fr_onnx_op(&w->o, "Flatten", LIST(cube), out); /* (N, 1, width) -> (N, width) */
    fr_onnx_set_int(&w->o, node, "axis", 1);
    return out;
}

/* Join (N, n_i) tensors side by side. */
static const char *join(writer *w, const char **parts, size_t n)
{
    if (n == 1) return parts[0];
    const char **list = fr_onnx_alloc(&w->o, n + 1, sizeof *list);
    const char *out = new_name(w, "joined");
    if (list == NULL) return out;
    memcpy(list, parts, n * sizeof *list);
    fr_onnx_node *node = fr_onnx_op(&w->o, "Concat", list, out);
    fr_onnx_set_int(&w->o, node, "axis", 1);
    return out;
}

/* Impute and scale n columns. */
static const char *scale(writer *w, const char *input, const fr_feature *features, size_t n)
{
    float *fill = fr_onnx_alloc(&w->o, n, sizeof *fill);
    float *shift = fr_onnx_alloc(&w->o, n, sizeof *shift);
    float *factor = fr_onnx_alloc(&w->o, n, sizeof *factor);
    bool scales = false;
    if (w->o.failed) return input;
    for (size_t i = 0; i < n; i++) {
        fill[i] = features[i].fill;
        shift[i] = features[i].shift;
        factor[i] = features[i].factor;
        scales = scales || shift[i] != 0 || factor[i] != 1;
    }
    if (w->model->transform.sublinear) input = fr_onnx_sublinear(&w->o, w->prefix, input);
    const char *filled = new_name(w, "filled");
    fr_onnx_node *node = fr_onnx_ml_op(&w->o, "Imputer", input, filled);
    fr_onnx_set_floats(&w->o, node, "imputed_value_floats", fill, n);
    fr_onnx_set_float(&w->o, node, "replaced_value_float", NAN);
    if (!scales) return filled;
    const char *scaled = new_name(w, "scaled");
    node = fr_onnx_ml_op(&w->o, "Scaler", filled, scaled);
    fr_onnx_set_floats(&w->o, node, "offset", shift, n);
    fr_onnx_set_floats(&w->o, node, "scale", factor, n);
    return scaled;
}

static bool is_number(const fr_feature *feature)
{
    return feature->kind == FR_FEATURE_NUMERIC || feature->kind == FR_FEATURE_ORDINAL;
}

/* Columns [first, first + n), all numbers or ordinal. */
static const char *numbers(writer *w, size_t first, size_t n)
{
    const fr_feature *features = w->model->transform.features;
    const char **parts = fr_onnx_alloc(&w->o, n, sizeof *parts);
    size_t n_parts = 0;
    for (size_t c = first; parts != NULL && c < first + n; c++) {
        size_t run = 1;
        if (features[c].kind == FR_FEATURE_ORDINAL) {
            parts[n_parts++] = ordinal(w, c);
            continue;
        }
        while (w->matrix && c + run < first + n && features[c + run].kind == FR_FEATURE_NUMERIC)
            run++;
        parts[n_parts++] = w->matrix ? gather_run(w, c, run) : column_input(w, c);
        c += run - 1;
    }
    return parts == NULL ? "" : scale(w, join(w, parts, n_parts), features + first, n);
}

/* Columns of counts, of which most may be left out: those in use at once. */
static const char *counts(writer *w)
{
    const fr_transform *t = &w->model->transform;
    int64_t *index = fr_onnx_alloc(&w->o, t->cols, sizeof *index);
    const char **parts = fr_onnx_alloc(&w->o, t->cols, sizeof *parts);
    fr_feature *used = fr_onnx_alloc(&w->o, t->cols, sizeof *used);
    size_t n = 0;
    for (size_t c = 0; used != NULL && c < t->cols; c++) {
        if (!is_number(&t->features[c])) continue;
        if (!w->matrix) parts[n] = column_input(w, c);
        index[n] = (int64_t)c;
        used[n++] = t->features[c];
    }
    if (used == NULL) return "";
    return scale(w, w->matrix ? gather(w, index, n) : join(w, parts, n), used, n);
}

/* Columns of every kind. */
static const char *columns(writer *w)
{
    const fr_transform *t = &w->model->transform;
    const char **parts = fr_onnx_alloc(&w->o, t->cols, sizeof *parts);
    size_t n_parts = 0;
    for (size_t c = 0; parts != NULL && c < t->cols; c++) {
        size_t run = 0;
        while (c + run < t->cols && is_number(&t->features[c + run])) run++;
        if (run > 0)
            parts[n_parts++] = numbers(w, c, run);
        else if (t->features[c].kind == FR_FEATURE_ONEHOT)
            parts[n_parts++] = onehot(w, c);
        c += run > 0 ? run - 1 : 0;
    }
    return parts == NULL ? "" : join(w, parts, n_parts);
}

/* All columns to the network's inputs, (N, width). */
static const char *preprocess(writer *w)
{
    const fr_transform *t = &w->model->transform;
    const char *x = w->counts_words ? fr_onnx_words(&w->o, w->model, &w->terms, w->prefix)
                    : t->tfidf      ? counts(w)
                                    : columns(w);
    if (t->tfidf) x = fr_onnx_unit_rows(&w->o, w->prefix, x);
    return fr_onnx_projection(&w->o, t->projection, w->prefix, x);
}

/* From the inputs to the scores; `out` is their name, NULL for an inner one. */
static const char *layers(writer *w, const char *x, const char *out)
{
    const fr_model *model = w->model;
    if (out == NULL) out = new_name(w, "z");
    if (model->options.family == FR_FAMILY_FM)
        fr_onnx_factors(&w->o, model, w->prefix, x, out);
    else if (model->options.family == FR_FAMILY_KERNEL)
        fr_onnx_kernel(&w->o, model, w->prefix, x, out);
    else if (model->options.family == FR_FAMILY_XGBOOST)
        fr_onnx_trees(&w->o, model, w->prefix, x, out);
    else
        fr_onnx_network(&w->o, model, w->prefix, x, out);
    return out;
}

/* What w->model says: values in the target's unit, probabilities or decision values, from the
 * columns to `out`; NULL: to an inner name. */
static const char *outputs(writer *w, const char *out)
{
    const fr_transform *t = &w->model->transform;
    const bool numbers = w->model->schema.learn == FR_LEARN_REGRESSION;
    const bool scaled = numbers && (t->target_factor != 1 || t->target_shift != 0);
    const bool probable = fr_model_has_probabilities(w->model);
    const char *x = preprocess(w);
    if (w->o.failed) return "";
    const char *z = layers(w, x, scaled || probable ? NULL : out);
    if (!scaled && !probable) return z;
    if (out == NULL) out = new_name(w, "said");
    if (probable) {
        fr_onnx_probabilities(&w->o, &w->model->calibration, w->prefix, z, out);
        return out;
    }
    const char *factor = fr_onnx_constant(&w->o, w->prefix, (float)(1 / t->target_factor)),
               *shift = fr_onnx_constant(&w->o, w->prefix, (float)t->target_shift);
    const char *spread = fr_onnx_binary(&w->o, w->prefix, "Mul", z, factor);
    fr_onnx_op(&w->o, "Add", LIST(spread, shift), out);
    return out;
}

/* The same of the model, or of all members, weighted and added. */
static void predict(writer *w, const char *out)
{
    const fr_ensemble *e = w->together;
    const char *prefix = w->prefix, *sum = NULL;
    if (e == NULL) outputs(w, out);
    for (size_t m = 0; e != NULL && m < e->n && !w->o.failed; m++) {
        const bool last = m + 1 == e->n;
        w->model = &e->member[m].model;
        w->prefix = fr_onnx_text(&w->o, "%sm%zu_", prefix, m);
        const char *weight = fr_onnx_constant(&w->o, w->prefix, (float)e->member[m].weight);
        const char *part = fr_onnx_binary(&w->o, w->prefix, "Mul", outputs(w, NULL), weight);
        if (sum == NULL && !last)
            sum = part;
        else if (sum == NULL)
            fr_onnx_op(&w->o, "Identity", LIST(part), out);
        else if (last)
            fr_onnx_op(&w->o, "Add", LIST(sum, part), out);
        else
            sum = fr_onnx_binary(&w->o, w->prefix, "Add", sum, part);
    }
    w->prefix = prefix;
}

static void regression(writer *w)
{
    const char *out = output_name(w, "prediction");
    fr_onnx_port(&w->o, FR_ONNX_OUTPUT, out, TYPE_FLOAT, 1);
    predict(w, out);
}

/* Classes that are all written as integers; NULL when one is not. */
static int64_t *class_numbers(writer *w)
{
    const fr_schema *schema = &w->model->schema;
    int64_t *numbers = fr_onnx_alloc(&w->o, schema->n_classes, sizeof *numbers);
    for (size_t k = 0; numbers != NULL && k < schema->n_classes; k++) {
        char back[FR_NUMBER_SIZE];
        if (!fr_parse_int(schema->classes[k], &numbers[k])) return NULL;
        snprintf(back, sizeof back, "%lld", (long long)numbers[k]);
        if (strcmp(back, schema->classes[k]) != 0) return NULL;
    }
    return numbers;
}

static void classification(writer *w)
{
    const fr_schema *schema = &w->model->schema;
    const bool probable = fr_model_has_probabilities(w->model);
    const char *label = output_name(w, "label");
    const char *values = output_name(w, probable ? "probabilities" : "decision_values");
    int64_t *numbers = class_numbers(w);
    fr_onnx_port(&w->o, FR_ONNX_OUTPUT, label, numbers != NULL ? TYPE_INT64 : TYPE_STRING, 0);
    fr_onnx_port(&w->o, FR_ONNX_OUTPUT, values, TYPE_FLOAT, schema->n_classes);
    const fr_calibration *calibration = &w->model->calibration; /* members have none */
    predict(w, values);
    const char *best = new_name(w, "best"), *classes = new_name(w, "classes");
    fr_onnx_decide(&w->o, calibration, w->prefix, values, best);
    if (numbers != NULL)
        fr_onnx_ints(&w->o, classes, numbers, schema->n_classes);
    else
        fr_onnx_texts(&w->o, classes, schema->classes, schema->n_classes);
    fr_onnx_op(&w->o, "Gather", LIST(classes, best), label);
}

static char *about(writer *w)
{
    const fr_schema *schema = &w->model->schema;
    const char *target = schema->target_name == NULL ? "the target" : schema->target_name;
    if (w->counts_words)
        return fr_onnx_text(&w->o,
                            "Predicts %s from the text in column %s as it is in the data, "
                            "UTF-8. For onnxruntime, whose operator Tokenizer cuts it.",
                            target, schema->text.column);
    return fr_onnx_text(
        &w->o,
        "Predicts %s from %zu columns as they are in the data, preprocessing included; a "
        "missing number is NaN, a text or number that is no category of the training data "
        "counts as missing.%s",
        target, schema->cols,
        w->matrix ? " The columns of X stand in the order of the metadata `columns`." : "");
}

static fr_status describe(writer *w, const fr_results_file *results)
{
    const fr_schema *schema = &w->model->schema;
    fr_facts facts;
    FR_TRY(fr_facts_collect(results, w->together, &facts));
    for (size_t i = 0; i < facts.keys.n; i++)
        fr_onnx_say(&w->o, facts.keys.item[i], facts.values.item[i]);
    fr_facts_clear(&facts);
    if (w->counts_words)
        fr_onnx_say_list(&w->o, "columns", &schema->text.column, 1, sizeof schema->text.column);
    else if (schema->cols > 0)
        fr_onnx_say_list(&w->o, "columns", &schema->columns[0].name, schema->cols,
                         sizeof(fr_column));
    if (schema->n_classes > 0)
        fr_onnx_say_list(&w->o, "classes", schema->classes, schema->n_classes,
                         sizeof *schema->classes);
    w->o.model.producer_name = fr_onnx_text(&w->o, "foldrank");
    w->o.model.producer_version = fr_onnx_text(&w->o, "%s", results->version);
    w->o.model.doc_string = about(w);
    w->o.graph.name = fr_onnx_text(&w->o, "%s", results->study->name);
    return FR_OK;
}

static fr_status write_all(writer *w, const fr_results_file *results, fr_export_inputs inputs)
{
    FR_TRY(find_types(w, inputs));
    choose_prefix(w);
    if (w->o.failed) return FR_OK; /* told when the model is packed */
    declare_inputs(w);
    if (w->model->schema.learn == FR_LEARN_REGRESSION)
        regression(w);
    else
        classification(w);
    return describe(w, results);
}

fr_status fr_export_onnx(const fr_results_file *results, const fr_ensemble *together,
                         fr_export_inputs inputs, void **bytes, size_t *n)
{
    writer w = {.model = together == NULL ? &results->model : &together->member[0].model,
                .together = together};
    *bytes = NULL;
    *n = 0;
    FR_TRY(fr_export_check_form(results, together, "ONNX"));
    fr_onnx_init(&w.o);
    fr_status st = FR_OK;
    if (w.model->schema.text.column != NULL) st = fr_terms_collect(w.model, together, &w.terms);
    if (st == FR_OK) st = write_all(&w, results, inputs);
    if (st == FR_OK) st = fr_onnx_pack(&w.o, bytes, n);
    fr_onnx_clear(&w.o);
    free(w.terms.item);
    return st;
}
