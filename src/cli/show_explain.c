/* SPDX-License-Identifier: BSD-3-Clause */
/* show_explain.c - `foldrank show --explain`: what the chosen model goes by, where it errs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "foldrank/memory.h"
#include "show.h"

enum { BAR = 24, LINE = 30, SHOWN = 10, CLASSES_MAX = 12 };

/* ---- importance ---- */

typedef struct {
    double importance;
    size_t feature;
} entry;

static int by_importance(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (isnan(x->importance) != isnan(y->importance)) return isnan(x->importance) ? 1 : -1;
    if (!isnan(x->importance) && x->importance != y->importance)
        return x->importance > y->importance ? -1 : 1;
    return (x->feature > y->feature) - (x->feature < y->feature);
}

static void add_feature(const fr_results_file *results, const entry *at, double largest,
                        bool unicode, fr_text *table)
{
    const fr_explained_feature *f = &results->explanation.features[at->feature];
    const double share = largest > 0 && f->importance > 0 ? f->importance / largest : 0.0;
    fr_text_add(table, "  %s\t%.4f\t", results->model.schema.columns[at->feature].name,
                f->importance);
    if (!isnan(f->fold_sd)) fr_text_add(table, "+- %.4f", f->fold_sd);
    fr_text_add(table, "\t");
    fr_chart_bar(share, BAR, unicode, table);
    fr_text_add(table, "\n");
}

static fr_status print_importance(const fr_results_file *results, bool unicode, FILE *out)
{
    const fr_explanation *e = &results->explanation;
    fr_text table = {0};
    entry *entries = fr_alloc(e->n_features, sizeof *entries);
    if (entries == NULL) return FR_ERR_MEMORY;
    for (size_t j = 0; j < e->n_features; j++)
        entries[j] = (entry){e->features[j].importance, j};
    qsort(entries, e->n_features, sizeof *entries, by_importance);
    fprintf(out, "columns: by how much %s gets worse when one is shuffled, +- between folds\n",
            fr_show_metric(results->study));
    size_t shown = 0;
    while (shown < e->n_features && shown < SHOWN && !isnan(entries[shown].importance))
        add_feature(results, &entries[shown++], entries[0].importance, unicode, &table);
    fr_show_print_table(fr_text_get(&table), "lrll", out);
    if (shown == 0)
        fprintf(out, "  not known: no fold has two validation rows and a score\n");
    else if (shown < e->n_features)
        fprintf(out, "  and %zu more with less\n", e->n_features - shown);
    fr_text_clear(&table);
    free(entries);
    return FR_OK;
}

/* ---- partial dependence ---- */

/* Mean output k at points[first .. first + n). */
static void collect(const fr_results_file *results, size_t first, size_t n, size_t k,
                    double *values)
{
    const size_t width = results->model.n_outputs;
    for (size_t i = 0; i < n; i++)
        values[i] = (double)results->explanation.dependence[(first + i) * width + k];
}

static double range_of(const double *values, size_t n)
{
    double low = values[0], high = values[0];
    for (size_t i = 1; i < n; i++) {
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    return high - low;
}

/* The output that moves most; of two classes the second. */
static size_t liveliest(const fr_results_file *results, size_t first, size_t n, double *values)
{
    size_t best = 0;
    double most = -1.0;
    if (results->model.n_outputs == 2) return 1;
    for (size_t k = 0; k < results->model.n_outputs; k++) {
        collect(results, first, n, k, values);
        const double range = range_of(values, n);
        if (!(range > most)) continue;
        most = range;
        best = k;
    }
    return best;
}

static void add_value(const fr_column *column, double value, fr_text *out)
{
    if (column->kind == FR_COLUMN_CATEGORICAL)
        fr_text_add(out, "%s", column->levels[(size_t)value]);
    else
        fr_text_add(out, "%.4g", value);
}

static void add_curve(const fr_results_file *results, size_t first, size_t n, double *values,
                      bool unicode, fr_text *table)
{
    const fr_schema *schema = &results->model.schema;
    const fr_dependence_point *points = results->explanation.points + first;
    const fr_column *column = &schema->columns[points[0].feature];
    const size_t k = liveliest(results, first, n, values);
    collect(results, first, n, k, values);
    fr_text_add(table, "  %s\t", column->name);
    add_value(column, points[0].value, table);
    fr_text_add(table, " .. ");
    add_value(column, points[n - 1].value, table);
    fr_text_add(table, "\t%s\t%.4g .. %.4g\t",
                schema->learn == FR_LEARN_CLASSIFICATION ? schema->classes[k]
                                                         : schema->target_name,
                values[0], values[n - 1]);
    fr_chart_line(values, n, LINE, unicode, table);
    fr_text_add(table, "\n");
}

static fr_status print_dependence(const fr_results_file *results, bool unicode, FILE *out)
{
    const fr_explanation *e = &results->explanation;
    fr_text table = {0};
    if (e->n_points == 0) return FR_OK;
    double *values = fr_alloc(e->n_points, sizeof *values);
    if (values == NULL) return FR_ERR_MEMORY;
    fprintf(out, "\npartial dependence: mean output when all rows have that value\n");
    for (size_t first = 0, end; first < e->n_points; first = end) {
        for (end = first + 1;
             end < e->n_points && e->points[end].feature == e->points[first].feature;)
            end++;
        add_curve(results, first, end - first, values, unicode, &table);
    }
    fr_show_print_table(fr_text_get(&table), "lllll", out);
    fr_text_clear(&table);
    free(values);
    return FR_OK;
}

/* ---- errors ---- */

static void print_confusion(const fr_results_file *results, FILE *out)
{
    const fr_explanation *e = &results->explanation;
    const fr_schema *schema = &results->model.schema;
    uint64_t rows[CLASSES_MAX][CLASSES_MAX] = {{0}};
    char align[CLASSES_MAX + 2] = "l";
    fr_text table = {0};
    if (e->n_confusion == 0 || schema->n_classes > CLASSES_MAX) return;
    for (size_t i = 0; i < e->n_confusion; i++)
        rows[e->confusion[i].truth][e->confusion[i].said] = e->confusion[i].rows;
    for (size_t k = 0; k < schema->n_classes; k++) {
        fr_text_add(&table, "\t%s", schema->classes[k]);
        align[k + 1] = 'r';
    }
    for (size_t k = 0; k < schema->n_classes; k++) {
        fr_text_add(&table, "\n  %s", schema->classes[k]);
        for (size_t j = 0; j < schema->n_classes; j++)
            fr_text_add(&table, "\t%llu", (unsigned long long)rows[k][j]);
    }
    fr_text_add(&table, "\n");
    fprintf(out, "\nout of fold: true class down, predicted class across\n");
    fr_show_print_table(fr_text_get(&table), align, out);
    fr_text_clear(&table);
}

static void print_calibration(const fr_results_file *results, FILE *out)
{
    const fr_explanation *e = &results->explanation;
    const fr_schema *schema = &results->model.schema;
    fr_text table = {0};
    if (e->n_calibration == 0) return;
    fprintf(out, "\ncalibration: probabilities of %s are off by %.4f on average\n",
            schema->n_classes == 2 ? schema->classes[1] : "the predicted class",
            e->calibration_error);
    fr_text_add(&table, "  predicted\tobserved\trows\n");
    for (size_t i = 0; i < e->n_calibration; i++)
        fr_text_add(&table, "%.3f\t%.3f\t%llu\n", e->calibration[i].predicted,
                    e->calibration[i].observed, (unsigned long long)e->calibration[i].rows);
    fr_show_print_table(fr_text_get(&table), "rrr", out);
    fr_text_clear(&table);
}

/* The worst groups first; those without a score last. */
static int by_score(const void *a, const void *b)
{
    const fr_group_score *x = a, *y = b;
    if (isnan(x->score) != isnan(y->score)) return isnan(x->score) ? 1 : -1;
    if (!isnan(x->score) && x->score != y->score) return x->score < y->score ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

static fr_status print_groups(const fr_results_file *results, FILE *out)
{
    const fr_explanation *e = &results->explanation;
    const size_t n = e->n_groups, shown = n < SHOWN ? n : SHOWN;
    fr_text table = {0};
    if (n == 0) return FR_OK;
    fr_group_score *sorted = fr_alloc(n, sizeof *sorted);
    if (sorted == NULL) return FR_ERR_MEMORY;
    memcpy(sorted, e->groups, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_score);
    size_t defined = 0;
    while (defined < n && !isnan(sorted[defined].score)) defined++;
    fprintf(out, "\ngroups of %s: the worst of %zu\n", results->study->data.group, n);
    fr_text_add(&table, "  group\tfirst row\trows\t%s\n", fr_show_metric(results->study));
    for (size_t i = 0; i < shown; i++) {
        /* The best are at the other end when less is better. */
        const size_t at =
            results->study->goals[0].maximize || i >= defined ? i : defined - 1 - i;
        fr_text_add(&table, "%d\t%u\t%llu\t%.5g\n", (int)sorted[at].group,
                    (unsigned)sorted[at].first_row, (unsigned long long)sorted[at].rows,
                    sorted[at].score);
    }
    fr_show_print_table(fr_text_get(&table), "rrrr", out);
    fr_text_clear(&table);
    free(sorted);
    return FR_OK;
}

static void add_target(const fr_schema *schema, float value, fr_text *out)
{
    if (schema->learn == FR_LEARN_REGRESSION)
        fr_text_add(out, "%.5g", (double)value);
    else
        fr_text_add(out, "%s", schema->classes[(size_t)value]);
}

static void add_hard_row(const fr_results_file *results, const fr_hard_row *hard,
                         fr_text *table)
{
    const fr_scored *scored = &results->explanation.out_of_fold;
    const fr_schema *schema = &results->model.schema;
    const size_t width = results->model.n_outputs;
    size_t at = 0;
    while (at < scored->n && scored->row[at] != hard->row) at++;
    fr_text_add(table, "%u\t%.4g", (unsigned)hard->row, hard->loss);
    if (at < scored->n) {
        const float *output = scored->output + at * width;
        const size_t said = fr_predicted_class(output, width);
        fr_text_add(table, "\t");
        add_target(schema, scored->target[at], table);
        fr_text_add(table, "\t");
        if (schema->learn == FR_LEARN_REGRESSION)
            add_target(schema, output[0], table);
        else if (said < width)
            add_target(schema, (float)said, table);
    }
    fr_text_add(table, "\n");
}

static void print_hardest(const fr_results_file *results, FILE *out)
{
    const fr_explanation *e = &results->explanation;
    const size_t shown = e->n_hardest < SHOWN ? e->n_hardest : SHOWN;
    fr_text table = {0};
    if (shown == 0) return;
    fprintf(out, "\nhardest rows, numbered from 0 in the data\n");
    fr_text_add(&table, "  row\tloss\ttrue\tpredicted\n");
    for (size_t i = 0; i < shown; i++) add_hard_row(results, &e->hardest[i], &table);
    fr_show_print_table(fr_text_get(&table), "rrll", out);
    fr_text_clear(&table);
}

fr_status fr_show_explain(const fr_results_file *results, bool ascii, FILE *out)
{
    const bool unicode = !ascii && fr_chart_unicode();
    if (!results->has_explanation)
        return FR_FAIL(FR_ERR_DATA, "%s has no explanations%s", results->path,
                       !results->has_selection ? ": the search is not over"
                       : results->study->objective.type != FR_OBJECTIVE_TRAINING
                           ? ": its objective trains no model"
                           : "; to have them, run the study again with --set "
                             "explain.when=always: only they are computed");
    fprintf(out, "%s: trial %zu explained\n\n", results->study->name,
            results->selection.chosen);
    FR_TRY(print_importance(results, unicode, out));
    FR_TRY(print_dependence(results, unicode, out));
    print_confusion(results, out);
    print_calibration(results, out);
    FR_TRY(print_groups(results, out));
    print_hardest(results, out);
    return FR_OK;
}
