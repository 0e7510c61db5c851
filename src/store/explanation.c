/* SPDX-License-Identifier: BSD-3-Clause */
/* explanation.c - /explain: what the chosen model goes by and where it errs. */
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

#define AT(type, field) offsetof(type, field)
#define COUNT(array)    (sizeof(array) / sizeof(array)[0])
#define TABLE(path, columns, type)                                                             \
    {                                                                                          \
        path, columns, COUNT(columns), COUNT(columns), sizeof(type)                            \
    }

static const fr_table_column feature_columns[] = {
    {"/explain/importance/mean", FR_H5_F64, AT(fr_explained_feature, importance), NULL,
     "loss of score when the column is shuffled: mean over folds and repeats"},
    {"/explain/importance/fold_sd", FR_H5_F64, AT(fr_explained_feature, fold_sd), NULL,
     "standard deviation of the folds' means"},
    {"/explain/importance/repeat_sd", FR_H5_F64, AT(fr_explained_feature, repeat_sd), NULL,
     "standard deviation of the repeats in a fold"},
};
static const fr_table_column point_columns[] = {
    {"/explain/dependence/feature", FR_H5_U32, AT(fr_dependence_point, feature), NULL,
     "number of the input column"},
    {"/explain/dependence/value", FR_H5_F64, AT(fr_dependence_point, value), NULL,
     "that all rows are given in it; of a categorical column the number of the level"},
};
static const fr_table_column confusion_columns[] = {
    {"/explain/confusion/target", FR_H5_U32, AT(fr_confusion_cell, truth), NULL,
     "number of the true class"},
    {"/explain/confusion/prediction", FR_H5_U32, AT(fr_confusion_cell, said), NULL,
     "number of the predicted class"},
    {"/explain/confusion/rows", FR_H5_U64, AT(fr_confusion_cell, rows), NULL, "how many"},
};
static const fr_table_column calibration_columns[] = {
    {"/explain/calibration/predicted", FR_H5_F64, AT(fr_calibration_bin, predicted), NULL,
     "mean probability"},
    {"/explain/calibration/observed", FR_H5_F64, AT(fr_calibration_bin, observed), NULL,
     "share of the rows where it came true"},
    {"/explain/calibration/rows", FR_H5_U64, AT(fr_calibration_bin, rows), NULL, "how many"},
};
static const fr_table_column group_columns[] = {
    {"/explain/groups/group", FR_H5_I32, AT(fr_group_score, group), NULL,
     "number of the group"},
    {"/explain/groups/first_row", FR_H5_U32, AT(fr_group_score, first_row), NULL,
     "number of a row of the data that belongs to it"},
    {"/explain/groups/rows", FR_H5_U64, AT(fr_group_score, rows), NULL, "how many it has"},
    {"/explain/groups/score", FR_H5_F64, AT(fr_group_score, score), NULL, "the metric on them"},
};
static const fr_table_column hardest_columns[] = {
    {"/explain/hardest/row", FR_H5_U32, AT(fr_hard_row, row), NULL,
     "number of the row in the data"},
    {"/explain/hardest/loss", FR_H5_F64, AT(fr_hard_row, loss), NULL,
     "of its out-of-fold prediction"},
};

typedef enum { FEATURES, POINTS, CONFUSION, CALIBRATION, GROUPS, HARDEST, N_PARTS } part;

static const fr_table tables[N_PARTS] = {
    [FEATURES] = TABLE("/explain/importance", feature_columns, fr_explained_feature),
    [POINTS] = TABLE("/explain/dependence", point_columns, fr_dependence_point),
    [CONFUSION] = TABLE("/explain/confusion", confusion_columns, fr_confusion_cell),
    [CALIBRATION] = TABLE("/explain/calibration", calibration_columns, fr_calibration_bin),
    [GROUPS] = TABLE("/explain/groups", group_columns, fr_group_score),
    [HARDEST] = TABLE("/explain/hardest", hardest_columns, fr_hard_row),
};

/* ---- writing ---- */

/* A table of n structs that lie one behind the other; nothing when there are none. */
static void put_part(fr_h5_out *out, const fr_table *table, const void *rows, size_t n)
{
    if (n == 0) return;
    const void **list = fr_alloc(n, sizeof *list);
    if (list == NULL) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++) list[i] = (const char *)rows + i * table->row_size;
    fr_h5_put_group(out, table->path);
    fr_table_put(out, table, list, n);
    free(list);
}

void fr_explanation_put(fr_h5_out *out, const fr_explanation *e, const fr_model *model)
{
    fr_h5_put_group(out, "/explain");
    put_part(out, &tables[FEATURES], e->features, e->n_features);
    put_part(out, &tables[POINTS], e->points, e->n_points);
    if (e->n_points > 0)
        fr_h5_put_matrix(out, "/explain/dependence/output", e->dependence, e->n_points,
                         model->n_outputs);
    put_part(out, &tables[CONFUSION], e->confusion, e->n_confusion);
    put_part(out, &tables[CALIBRATION], e->calibration, e->n_calibration);
    if (e->n_calibration > 0)
        fr_h5_put_scalar(out, "/explain/calibration/error", FR_H5_F64, &e->calibration_error);
    put_part(out, &tables[GROUPS], e->groups, e->n_groups);
    put_part(out, &tables[HARDEST], e->hardest, e->n_hardest);
    fr_scored_put(out, "/explain/out_of_fold", &e->out_of_fold, model->n_outputs);
}

/* ---- reading ---- */

/* Rows of a table, in *rows, which is the explanation's; *n is 0 when it is not there. */
static fr_status get_part(const fr_h5_in *in, const fr_table *table, void *rows, size_t *n)
{
    if (!fr_h5_has(in, table->path)) return FR_OK;
    FR_TRY(fr_table_count(in, table->columns[0].path, n));
    void *list = fr_alloc(*n, table->row_size);
    *(void **)rows = list;
    if (list == NULL) return FR_ERR_MEMORY;
    return fr_table_get(in, table, list, *n);
}

static fr_status get_dependence(const fr_h5_in *in, const fr_model *model, fr_explanation *out)
{
    if (out->n_points == 0) return FR_OK;
    if (out->n_points > FR_EXPLAIN_OUTPUTS_MAX / model->n_outputs)
        return FR_FAIL(FR_ERR_FORMAT, "%s: /explain/dependence has %zu points", in->path,
                       out->n_points);
    out->dependence = fr_alloc(out->n_points * model->n_outputs, sizeof *out->dependence);
    if (out->dependence == NULL) return FR_ERR_MEMORY;
    return fr_h5_get_matrix(in, "/explain/dependence/output", out->n_points, model->n_outputs,
                            out->dependence);
}

/* Whether columns and classes are those of the model. */
static bool fits_model(const fr_explanation *e, const fr_model *model)
{
    const size_t cols = model->schema.cols, n_classes = model->schema.n_classes;
    bool good = e->n_features == cols;
    for (size_t i = 0; good && i < e->n_points; i++) {
        good = e->points[i].feature < cols;
        if (!good || model->schema.columns[e->points[i].feature].kind == FR_COLUMN_NUMERIC)
            continue;
        const double level = e->points[i].value;
        const size_t n = model->schema.columns[e->points[i].feature].n_levels;
        good = level >= 0 && level < (double)n;
    }
    for (size_t i = 0; good && i < e->n_confusion; i++)
        good = e->confusion[i].truth < n_classes && e->confusion[i].said < n_classes;
    return good;
}

fr_status fr_explanation_get(const fr_h5_in *in, const fr_model *model, fr_explanation *out)
{
    *out = (fr_explanation){.calibration_error = NAN};
    FR_TRY(get_part(in, &tables[FEATURES], &out->features, &out->n_features));
    FR_TRY(get_part(in, &tables[POINTS], &out->points, &out->n_points));
    FR_TRY(get_dependence(in, model, out));
    FR_TRY(get_part(in, &tables[CONFUSION], &out->confusion, &out->n_confusion));
    FR_TRY(get_part(in, &tables[CALIBRATION], &out->calibration, &out->n_calibration));
    if (out->n_calibration > 0)
        FR_TRY(fr_h5_get_column(in, "/explain/calibration/error", FR_H5_F64, 1,
                                &out->calibration_error));
    FR_TRY(get_part(in, &tables[GROUPS], &out->groups, &out->n_groups));
    FR_TRY(get_part(in, &tables[HARDEST], &out->hardest, &out->n_hardest));
    if (!fits_model(out, model))
        return FR_FAIL(FR_ERR_FORMAT, "%s: /explain does not fit /model; the file is damaged",
                       in->path);
    return fr_scored_get(in, "/explain/out_of_fold", model, &out->out_of_fold);
}
