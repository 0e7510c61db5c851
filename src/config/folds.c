/* SPDX-License-Identifier: BSD-3-Clause */
/* folds.c - the folds that a study asks for, and what else only the data can tell. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* So many classes, and more than one in so many rows: they are numbers, not names. */
enum { MANY_CLASSES = 20, ROWS_PER_CLASS = 20 };

static bool moves_zero(const char *scale)
{
    return strcmp(scale, "none") != 0 && strcmp(scale, "maxabs") != 0 &&
           strcmp(scale, "tfidf") != 0;
}

static bool is_chi2(const char *select)
{
    return strcmp(select, "chi2") == 0;
}

/* A value that a word of `preprocess` may take in this study and that is bad, or NULL. */
static const char *find_bad(const fr_study *study, const char *key,
                            bool (*bad)(const char *value))
{
    const fr_option *row =
        fr_option_find(fr_preprocess_option_table, fr_preprocess_option_count, key);
    const size_t j = fr_space_find(&study->space, row->name);
    if (j < study->space.n) {
        const fr_param *p = &study->space.params[j];
        for (size_t k = 0; k < p->n_choices; k++)
            if (bad(p->choices[k])) return p->choices[k];
        return NULL;
    }
    for (int f = 0; f < FR_FAMILY_COUNT; f++) {
        const char *block = (const char *)&study->base[f].preprocess;
        const char *value = row->words[*(const int *)(const void *)(block + row->offset)];
        if (study->families[f] && bad(value)) return value;
    }
    return NULL;
}

static fr_status check_scaling(const fr_study *study, const fr_dataset *dataset)
{
    const bool sparse = dataset->schema.cell == FR_CELL_SPARSE;
    const char *scale = sparse ? find_bad(study, "scale", moves_zero) : NULL;
    if (scale == NULL) return FR_OK;
    return FR_FAIL(
        FR_ERR_DATA,
        "%s: preprocess.scale is %s, which moves 0: it would fill the sparse cells of "
        "%s; set it to maxabs, tfidf or none, or data.storage to dense if the memory allows",
        study->path, scale, study->data.path);
}

/* Chi-squared means nothing of numbers below 0: told before anything trains. */
static fr_status check_counts(const fr_study *study, const fr_dataset *dataset,
                              const fr_folds *folds)
{
    size_t n;
    fr_negative found;
    const uint32_t *rows = fr_folds_search_rows(folds, &n);
    if (find_bad(study, "select_features", is_chi2) == NULL ||
        !fr_dataset_find_negative(dataset, rows, n, &found))
        return FR_OK;
    return FR_FAIL(FR_ERR_DATA,
                   "%s:%ld: preprocess.select_features chi2 is for counts and categories; "
                   "column %s of %s has %g, which is below 0 (row %u of the data): take f_test "
                   "or mutual_information",
                   study->path, study->selection_line,
                   dataset->schema.columns[found.column].name, study->data.path,
                   (double)found.value, (unsigned)found.row + 1);
}

static bool is_searched(const fr_study *study, const char *key)
{
    for (size_t i = 0; i < study->n_bindings; i++)
        if (study->bindings[i].family == FR_FAMILY_CNN &&
            strcmp(study->bindings[i].row->name, key) == 0)
            return true;
    return false;
}

/* Whether rows of numbers have the shape that the study gives them, as far as it is fixed. */
static fr_status check_shape(const fr_study *study, const fr_schema *schema)
{
    fr_model_options options = study->base[FR_FAMILY_CNN].model;
    if (!study->families[FR_FAMILY_CNN] || is_searched(study, "shape")) return FR_OK;
    if (schema->cell == FR_CELL_SPARSE)
        return FR_FAIL(FR_ERR_DATA,
                       "%s:%ld: models.cnn wants dense rows: set data.storage to dense",
                       study->path, study->cnn_line);
    for (size_t c = 0; c < schema->cols; c++)
        if (schema->columns[c].kind != FR_COLUMN_NUMERIC) return FR_OK; /* known in a fold */
    if (is_searched(study, "filters") || is_searched(study, "pool"))
        options.filters = options.pool = (fr_ints){{1}, 1};
    const fr_status st = fr_model_check_inputs(&options, schema->cols);
    if (st != FR_ERR_DATA) return st;
    char message[1024];
    snprintf(message, sizeof message, "%s", fr_status_message());
    return FR_FAIL(st, "%s:%ld: models.cnn: %s", study->path, study->cnn_line, message);
}

/* The results of such a study can be read, and predicted with, without the library. */
static fr_status check_library(const fr_study *study)
{
    if (!study->families[FR_FAMILY_XGBOOST] || fr_boost_library() != NULL) return FR_OK;
    return FR_FAIL(FR_ERR_USAGE, "%s:%ld: models.xgboost: %s", study->path,
                   study->family_line[FR_FAMILY_XGBOOST], fr_boost_how_to_get);
}

/* A factorisation machine has one output: a number, or one class against another. */
static fr_status check_factors(const fr_study *study, const fr_schema *schema)
{
    if (!study->families[FR_FAMILY_FM] || schema->n_classes <= 2) return FR_OK;
    return FR_FAIL(FR_ERR_DATA,
                   "%s:%ld: models.fm tells two classes apart, and %s of %s has %zu: take "
                   "softmax or mlp, or data.task: regression if the classes are grades",
                   study->path, study->family_line[FR_FAMILY_FM], schema->target_name,
                   study->data.path, schema->n_classes);
}

static fr_status check_threshold(const fr_study *study, const fr_schema *schema)
{
    float threshold = 0;
    bool tunes = false;
    FR_TRY(fr_calibrate_threshold(&study->calibrate, &threshold, &tunes));
    if (schema->n_classes <= 2 || !(tunes || threshold > 0)) return FR_OK;
    return FR_FAIL(
        FR_ERR_DATA,
        "%s: calibrate.threshold is between two classes, and there are %zu; leave it "
        "out, or weigh the classes by class_weight of the models",
        study->path, schema->n_classes);
}

/* What a ranking metric cannot be taken of. */
static fr_status check_ranking(const fr_study *study, const fr_dataset *dataset,
                               fr_metric metric)
{
    const fr_schema *schema = &dataset->schema;
    const bool graded = fr_metric_kind(metric) == FR_METRIC_NDCG;
    char name[FR_METRIC_NAME_SIZE];
    bool all_relevant = schema->learn == FR_LEARN_REGRESSION;
    size_t below = schema->rows;
    for (size_t i = 0; i < schema->rows; i++) {
        all_relevant = all_relevant && fr_schema_relevant(schema, (double)dataset->y[i]);
        if (dataset->y[i] < 0 && below == schema->rows) below = i;
    }
    if (schema->n_classes > 2)
        return FR_FAIL(
            FR_ERR_DATA,
            "%s:%ld: metric %s ranks by a number or by one of two classes, and %s of "
            "%s has %zu: say data.task: regression if they are grades",
            study->path, study->metric_line, fr_metric_name(metric, name), schema->target_name,
            study->data.path, schema->n_classes);
    if (graded && below < schema->rows)
        return FR_FAIL(FR_ERR_DATA,
                       "%s:%ld: metric %s takes the target for a gain, and %s is %g in row %zu "
                       "of %s: gains are 0 or more",
                       study->path, study->metric_line, fr_metric_name(metric, name),
                       schema->target_name, (double)dataset->y[below], below + 1,
                       study->data.path);
    if (!graded && all_relevant)
        return FR_FAIL(FR_ERR_DATA,
                       "%s:%ld: metric %s wants to know which rows are relevant, and all rows "
                       "of %s are: set data.relevant to the %s from which on they are",
                       study->path, study->metric_line, fr_metric_name(metric, name),
                       study->data.path, schema->target_name);
    return FR_OK;
}

static fr_status check_rankings(const fr_study *study, const fr_dataset *dataset)
{
    for (size_t k = 0; k < study->n_goals; k++)
        if (study->goals[k].kind == FR_GOAL_METRIC && fr_metric_ranks(study->goals[k].metric))
            FR_TRY(check_ranking(study, dataset, study->goals[k].metric));
    return FR_OK;
}

/* Whether any of the rows has an n-gram. */
static bool has_words(const fr_dataset *dataset, const uint32_t *rows, size_t n)
{
    const uint64_t *start = dataset->sparse.start;
    for (size_t i = 0; i < n; i++)
        if (start[rows[i] + 1] > start[rows[i]]) return true;
    return false;
}

/* A fold without a word to train on: told before anything trains. */
static fr_status check_texts(const fr_study *study, const fr_dataset *dataset,
                             const fr_folds *folds)
{
    const fr_schema *schema = &dataset->schema;
    if (schema->text.column == NULL || schema->cell != FR_CELL_SPARSE) return FR_OK;
    for (uint32_t f = 0; f < fr_folds_count(folds); f++) {
        uint32_t *train, *valid;
        size_t n_train, n_valid;
        FR_TRY(fr_folds_get(folds, f, &train, &n_train, &valid, &n_valid));
        const bool any = has_words(dataset, train, n_train);
        free(train);
        free(valid);
        if (!any)
            return FR_FAIL(FR_ERR_DATA,
                           "%s: %s: column `%s` has no words in the %zu training rows of fold "
                           "%u; shuffle the folds, or see what data.text and data.fold name",
                           study->path, study->data.path, schema->text.column, n_train, f);
    }
    return FR_OK;
}

fr_status fr_study_make_folds(const fr_study *study, const fr_dataset *dataset, fr_folds **out)
{
    FR_TRY(check_library(study));
    FR_TRY(check_scaling(study, dataset));
    FR_TRY(check_shape(study, &dataset->schema));
    FR_TRY(check_factors(study, &dataset->schema));
    FR_TRY(check_threshold(study, &dataset->schema));
    FR_TRY(check_rankings(study, dataset));
    fr_status st = fr_folds_create(dataset, &study->test, &study->validation, out);
    if (st == FR_OK) {
        st = check_counts(study, dataset, *out);
        if (st == FR_OK) st = check_texts(study, dataset, *out);
        if (st != FR_OK) fr_folds_destroy(out);
        return st;
    }
    if (st != FR_ERR_DATA) return st;
    const fr_schema *schema = &dataset->schema;
    char hint[256] = "";
    if (schema->n_classes > MANY_CLASSES && schema->n_classes > schema->rows / ROWS_PER_CLASS)
        snprintf(hint, sizeof hint,
                 "; %.100s has %zu different values in %zu rows: if they are numbers, say "
                 "data.task: regression",
                 schema->target_name, schema->n_classes, schema->rows);
    char message[2048];
    snprintf(message, sizeof message, "%s", fr_status_message());
    return FR_FAIL(st, "%s: %s: %s%s", study->path, study->data.path, message, hint);
}

fr_status fr_study_make_outer_folds(const fr_study *study, const fr_dataset *dataset,
                                    const fr_folds *folds, uint32_t outer, fr_folds **out)
{
    const fr_status st = fr_folds_create_outer(folds, dataset, &study->nested, outer, out);
    if (st != FR_ERR_DATA && st != FR_ERR_USAGE) return st;
    char message[2048];
    snprintf(message, sizeof message, "%s", fr_status_message());
    return FR_FAIL(st, "%s: %s: %s", study->path, study->data.path, message);
}
