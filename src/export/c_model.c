/* SPDX-License-Identifier: BSD-3-Clause */
/* c_model.c - a trained model as C source: constants, and one function that reads like
 * fr_model_predict for one row. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

typedef struct {
    const fr_results_file *results;
    const fr_ensemble *together; /* NULL: the model alone */
    const fr_model *model;       /* the one at work; their columns and classes are the same */
    fr_network network;
    size_t widest; /* units of the widest level */
    bool classifies;
    char name[64], upper[64]; /* what every identifier begins with */
    const char *counts;       /* a name that is the same for all members */
    fr_terms terms;           /* of all members; owned */
    bool text;                /* the input is a text, not columns */
    fr_text *out;
} writer;

enum { NAME_MOST = 40 }; /* leaves room for the number of a member */

/* The study's name, as far as C allows it. */
static void name_model(writer *w)
{
    const char *study = w->results->study->name;
    size_t n = 0;
    if (!isalpha((unsigned char)study[0])) memcpy(w->name, "model_", n = 6);
    for (; *study != '\0' && n < NAME_MOST; study++) {
        const unsigned char c = (unsigned char)*study;
        w->name[n++] = isalnum(c) && c < 0x80 ? (char)tolower(c) : '_';
    }
    w->name[n] = '\0';
    for (size_t i = 0; i <= n; i++) w->upper[i] = (char)toupper((unsigned char)w->name[i]);
}

static void survey(writer *w)
{
    const fr_model *model = w->model;
    fr_network_make(&model->options, model->schema.learn, model->transform.width,
                    model->n_outputs, &w->network);
    w->classifies = model->schema.learn == FR_LEARN_CLASSIFICATION;
    w->widest = fr_c_network_widest(&w->network);
    if (w->widest < fr_transform_features(&model->transform))
        w->widest = fr_transform_features(&model->transform);
    w->text = model->schema.text.column != NULL;
}

static bool has_categories(const writer *w)
{
    for (size_t c = 0; c < w->model->schema.cols; c++)
        if (w->model->schema.columns[c].kind == FR_COLUMN_CATEGORICAL) return true;
    return false;
}

static const char *input_name(const writer *w)
{
    return w->text ? "text" : "x";
}

/* The head of `name`_predict. */
static void open_function(const writer *w)
{
    fr_text_add(w->out, "\nstatic inline %s %s_predict(const %s *%s%s)\n{\n",
                w->classifies ? "int" : "float", w->name, w->text ? "char" : "float",
                input_name(w), w->classifies ? ", float *out" : "");
}

/* ---- the opening comment ---- */

static void say_call(const writer *w)
{
    fr_text_add(w->out, " * To predict one row:\n *\n");
    if (w->text)
        fr_text_add(w->out, " *     const char *text = \"...\";\n");
    else
        fr_text_add(w->out, " *     float x[%s_INPUTS];\n", w->upper);
    if (!w->classifies) {
        fr_text_add(w->out, " *     float value = %s_predict(%s);\n", w->name, input_name(w));
        return;
    }
    fr_text_add(w->out,
                " *     float out[%s_CLASSES];\n"
                " *     int k = %s_predict(%s, out);  the class, whose name is %s_class(k)\n",
                w->upper, w->name, input_name(w), w->name);
    fr_text_add(w->out, " *\n * out receives the %s of every class: ",
                fr_model_has_probabilities(w->model) ? "probability" : "decision value");
    for (size_t k = 0; k < w->model->schema.n_classes; k++) {
        fr_text_add(w->out, "%s%zu ", k > 0 ? ", " : "", k);
        fr_c_comment(w->model->schema.classes[k], w->out);
    }
    fr_text_add(w->out, ".\n");
}

static void say_levels(const writer *w, const fr_column *column)
{
    enum { SHOWN = 12 };
    fr_text_add(w->out, "a category:");
    for (size_t l = 0; l < column->n_levels && l < SHOWN; l++) {
        fr_text_add(w->out, "%s%zu ", l > 0 ? ", " : " ", l);
        fr_c_comment(column->levels[l], w->out);
    }
    if (column->n_levels > SHOWN) fr_text_add(w->out, " ... (%zu in all)", column->n_levels);
}

static void say_text(const writer *w)
{
    fr_text_add(w->out, " *\n * text is the cell of column ");
    fr_c_comment(w->model->schema.text.column, w->out);
    fr_text_add(w->out,
                " as it is in the data: UTF-8. For what is not UTF-8 %s.\n"
                " * It is cut into %zu known n-grams.\n",
                w->classifies ? "k is -1 and out NAN" : "value is NAN", w->terms.n);
}

static void say_inputs(const writer *w)
{
    const fr_schema *schema = &w->model->schema;
    if (w->text) {
        say_text(w);
        return;
    }
    fr_text_add(w->out,
                " *\n * x holds the columns as they are in the data, in this order; NAN "
                "where there is no value:\n");
    for (size_t c = 0; c < schema->cols; c++) {
        fr_text_add(w->out, " *     x[%zu]  ", c);
        fr_c_comment(schema->columns[c].name, w->out);
        fr_text_add(w->out, "  ");
        if (schema->columns[c].kind == FR_COLUMN_CATEGORICAL)
            say_levels(w, &schema->columns[c]);
        else
            fr_text_add(w->out, "a number");
        if (w->model->transform.features[c].kind == FR_FEATURE_DROP)
            fr_text_add(w->out, " (not used: constant, or not selected)");
        fr_text_add(w->out, "\n");
    }
    if (has_categories(w))
        fr_text_add(
            w->out,
            " * A category is the number of its text, %s_category(column, text): NAN for "
            "a text that\n * the training data did not have.\n",
            w->name);
}

static fr_status say_facts(const writer *w)
{
    fr_facts facts;
    FR_TRY(fr_facts_collect(w->results, w->together, &facts));
    fr_text_add(w->out, " *\n");
    for (size_t i = 0; i < facts.keys.n; i++) {
        fr_text_add(w->out, " * %s: ", facts.keys.item[i]);
        fr_c_comment(facts.values.item[i], w->out);
        fr_text_add(w->out, "\n");
    }
    fr_facts_clear(&facts);
    return FR_OK;
}

static size_t bytes_of(const fr_model *model)
{
    const fr_projection *p = model->transform.projection;
    return (p == NULL ? 0 : (p->in + 1) * p->out * sizeof(float)) +
           model->n_params *
               (model->params == NULL ? sizeof(fr_tree_node) : sizeof *model->params);
}

static fr_status write_comment(const writer *w)
{
    size_t bytes = w->together == NULL ? bytes_of(w->model) : 0;
    for (size_t m = 0; w->together != NULL && m < w->together->n; m++)
        bytes += bytes_of(&w->together->member[m].model);
    fr_text_add(w->out, "/* %s - ", w->name);
    fr_c_comment(w->results->study->name, w->out);
    fr_text_add(w->out,
                ": a trained model as plain C99 (good C++, too), written by foldrank.\n");
    if (w->together != NULL)
        fr_text_add(w->out, " * It is the weighted mean of %zu models.\n", w->together->n);
    fr_text_add(w->out, " *\n");
    say_call(w);
    say_inputs(w);
    fr_text_add(w->out,
                " *\n * No malloc, no state: any number of threads may call it. It takes about "
                "%zu bytes of stack and\n * %zu bytes of constants. Link with -lm. Do not use "
                "-ffast-math: it takes NAN for a number.\n",
                2 * w->widest * sizeof(float), bytes);
    FR_TRY(say_facts(w));
    fr_text_add(w->out, " */\n");
    return FR_OK;
}

/* ---- names of classes and categories ---- */

static void write_texts(const writer *w, char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fr_text_add(w->out, "        ");
        fr_c_quote(texts[i], w->out);
        fr_text_add(w->out, ",\n");
    }
}

static void write_class(const writer *w)
{
    const fr_schema *schema = &w->model->schema;
    fr_text_add(w->out,
                "\n/* Name of class k; \"\" when there is no such class. */\n"
                "static inline const char *%s_class(int k)\n{\n"
                "    static const char *const names[%s_CLASSES] = {\n",
                w->name, w->upper);
    write_texts(w, schema->classes, schema->n_classes);
    fr_text_add(w->out, "    };\n    return k >= 0 && k < %s_CLASSES ? names[k] : \"\";\n}\n",
                w->upper);
}

static void write_category(const writer *w)
{
    const fr_schema *schema = &w->model->schema;
    size_t n = 0;
    fr_text_add(w->out,
                "\n/* What x[column] is for this text; NAN when the training data did not have "
                "it. */\nstatic inline float %s_category(int column, const char *text)\n{\n"
                "    static const char *const names[] = {\n",
                w->name);
    for (size_t c = 0; c < schema->cols; c++)
        write_texts(w, schema->columns[c].levels, schema->columns[c].n_levels);
    fr_text_add(w->out, "    };\n    int i, first = 0, n = 0;\n    switch (column) {\n");
    for (size_t c = 0; c < schema->cols; c++) {
        const fr_column *column = &schema->columns[c];
        if (column->kind == FR_COLUMN_CATEGORICAL)
            fr_text_add(w->out, "    case %zu: first = %zu; n = %zu; break;\n", c, n,
                        column->n_levels);
        n += column->n_levels;
    }
    fr_text_add(w->out, "    default: break;\n    }\n"
                        "    for (i = 0; i < n; i++)\n"
                        "        if (strcmp(names[first + i], text) == 0) return (float)i;\n"
                        "    return NAN;\n}\n");
}

/* ---- the function ---- */

static void write_preprocessing(const writer *w)
{
    const fr_transform *t = &w->model->transform;
    if (w->text)
        fr_c_words(w->model, w->counts, w->out);
    else
        fr_c_columns(t, w->out);
    if (t->tfidf) fr_c_unit_row(fr_transform_features(t), w->out);
    fr_c_projection(t->projection, w->out);
}

static void write_constants(const writer *w)
{
    if (w->text)
        fr_c_words_constants(w->model, &w->terms, w->out);
    else
        fr_c_columns_constants(&w->model->transform, w->out);
    fr_c_projection_constants(w->model->transform.projection, w->out);
}

static void write_head(const writer *w, char scores)
{
    char factor[FR_NUMBER_SIZE], shift[FR_NUMBER_SIZE];
    if (!w->classifies) {
        fr_text_add(w->out, "    return (float)((double)%c[0] / %s + %s);\n}\n", scores,
                    fr_format_double(w->model->transform.target_factor, factor),
                    fr_format_double(w->model->transform.target_shift, shift));
        return;
    }
    fr_text_add(w->out, "    for (i = 0; i < %s_CLASSES; i++) out[i] = %c[i];\n", w->upper,
                scores);
    if (w->model->calibration.method != FR_CALIBRATE_NONE)
        fr_text_add(w->out, "    %s_calibrate(out);\n", w->name);
    else if (fr_model_has_probabilities(w->model))
        fr_text_add(w->out,
                    "    v = out[0];\n"
                    "    for (i = 1; i < %s_CLASSES; i++)\n"
                    "        if (out[i] > v) v = out[i];\n"
                    "    for (i = 0; i < %s_CLASSES; i++) sum += out[i] = expf(out[i] - v);\n"
                    "    for (i = 0; i < %s_CLASSES; i++) out[i] /= sum;\n",
                    w->upper, w->upper, w->upper);
    if (w->model->calibration.threshold > 0) {
        fr_text_add(w->out, "    return out[1] > ");
        fr_c_float(w->out, w->model->calibration.threshold);
        fr_text_add(w->out, ";\n}\n");
        return;
    }
    fr_text_add(w->out,
                "    for (i = 1; i < %s_CLASSES; i++)\n"
                "        if (out[i] > out[best]) best = i;\n"
                "    return best;\n}\n",
                w->upper);
}

static void write_function(const writer *w)
{
    const fr_calibration *calibration = &w->model->calibration;
    const bool calibrates = calibration->method != FR_CALIBRATE_NONE;
    const bool sums = w->classifies && !calibrates && fr_model_has_probabilities(w->model);
    const bool compares = w->classifies && !(calibration->threshold > 0);
    const bool kernel = w->model->options.family == FR_FAMILY_KERNEL;
    const bool trees = w->model->options.family == FR_FAMILY_XGBOOST;
    const bool pairs = fr_c_network_pairs(&w->network);
    char scores = 'b';
    if (kernel)
        fr_c_kernel(w->model, w->name, w->out);
    else if (trees)
        fr_c_trees(w->model, w->name, w->out);
    else
        fr_c_network_functions(&w->network, w->name, w->out);
    if (calibrates) fr_c_calibration(w->model, w->name, w->out);
    open_function(w);
    write_constants(w);
    if (!kernel && !trees) fr_c_network_constants(&w->network, w->model, w->name, w->out);
    fr_text_add(w->out, "    float a[%zu], b[%zu], v%s;\n    int i%s%s%s;\n", w->widest,
                w->widest, sums ? ", sum = 0.0f" : "", compares ? ", best = 0" : "",
                pairs ? ", f" : "", w->model->transform.projection != NULL ? ", j" : "");
    write_preprocessing(w);
    if (kernel || trees)
        fr_text_add(w->out, "    %s_%s(a, b);\n", w->name, kernel ? "kernel" : "trees");
    else
        scores = fr_c_network_run(&w->network, w->model, w->name, w->out);
    write_head(w, scores);
}

/* Adds them to `sum`, in double as foldrank does. */
static void call_members(const writer *w)
{
    for (size_t m = 0; m < w->together->n; m++) {
        char weight[FR_NUMBER_SIZE];
        fr_format_double(w->together->member[m].weight, weight);
        if (w->classifies)
            fr_text_add(w->out,
                        "    %s%s_m%zu_predict(%s, out)%s;\n"
                        "    for (i = 0; i < %s_CLASSES; i++) sum[i] += %s * (double)out[i];\n",
                        w->text ? "if (" : "", w->name, m, input_name(w),
                        w->text ? " < 0) return -1" : "", w->upper, weight);
        else
            fr_text_add(w->out, "    sum += %s * (double)%s_m%zu_predict(%s);\n", weight,
                        w->name, m, input_name(w));
    }
}

/* A function for each member, and one for their mean. */
static void write_members(const writer *w)
{
    for (size_t m = 0; m < w->together->n; m++) {
        writer member = {.results = w->results,
                         .model = &w->together->member[m].model,
                         .counts = w->name,
                         .terms = w->terms,
                         .out = w->out};
        snprintf(member.name, sizeof member.name, "%.*s_m%u", NAME_MOST, w->name, (unsigned)m);
        memcpy(member.upper, w->upper, sizeof member.upper);
        survey(&member);
        write_function(&member);
    }
    if (!w->classifies) {
        open_function(w);
        fr_text_add(w->out, "    double sum = 0.0;\n");
        call_members(w);
        fr_text_add(w->out, "    return (float)sum;\n}\n");
        return;
    }
    open_function(w);
    fr_text_add(w->out, "    double sum[%s_CLASSES] = {0.0};\n    int i, best = 0;\n",
                w->upper);
    call_members(w);
    fr_text_add(w->out,
                "    for (i = 0; i < %s_CLASSES; i++) out[i] = (float)sum[i];\n"
                "    for (i = 1; i < %s_CLASSES; i++)\n"
                "        if (out[i] > out[best]) best = i;\n"
                "    return best;\n}\n",
                w->upper, w->upper);
}

static fr_status write_all(writer *w)
{
    const bool texts = w->text || has_categories(w);
    FR_TRY(write_comment(w));
    fr_text_add(w->out,
                "#ifndef FOLDRANK_%s_H\n#define FOLDRANK_%s_H\n\n#include <math.h>\n"
                "#include <stddef.h>\n%s\n",
                w->upper, w->upper, texts ? "#include <string.h>\n" : "");
    if (!w->text)
        fr_text_add(w->out, "enum { %s_INPUTS = %zu };\n", w->upper, w->model->schema.cols);
    if (w->classifies)
        fr_text_add(w->out, "enum { %s_CLASSES = %zu };\n", w->upper, w->model->n_outputs);
    if (w->classifies) write_class(w);
    if (has_categories(w)) write_category(w);
    if (w->text) fr_c_words_functions(&w->model->schema.text, &w->terms, w->name, w->out);
    if (w->together != NULL)
        write_members(w);
    else
        write_function(w);
    fr_text_add(w->out, "\n#endif\n");
    return w->out->failed ? FR_FAIL(FR_ERR_MEMORY, "out of memory for the model as C") : FR_OK;
}

fr_status fr_export_c(const fr_results_file *results, const fr_ensemble *together, fr_text *out)
{
    writer w = {.results = results,
                .together = together,
                .model = together == NULL ? &results->model : &together->member[0].model,
                .out = out};
    FR_TRY(fr_export_check_form(results, together, "C source"));
    name_model(&w);
    w.counts = w.name;
    survey(&w);
    fr_status st = w.text ? fr_terms_collect(w.model, together, &w.terms) : FR_OK;
    if (st == FR_OK) st = write_all(&w);
    free(w.terms.item);
    return st;
}
