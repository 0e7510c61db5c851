/* SPDX-License-Identifier: BSD-3-Clause */
/* show_tables.c - every table of a results file as CSV; columns are named as in the file. */
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "foldrank/plain.h"
#include "foldrank/text.h"
#include "show.h"

static bool always(const fr_results_file *results)
{
    (void)results;
    return true;
}

static void write_trials(const fr_results_file *results, FILE *out)
{
    fr_show_csv(&(fr_show){.results = results, .n = results->history->n}, out);
}

static void write_folds(const fr_results_file *results, FILE *out)
{
    const fr_history *history = results->history;
    fputs("trial,", out);
    fr_show_fold_header(results->study, out);
    for (size_t t = 0; t < history->n; t++)
        for (uint32_t f = 0; f < history->n_folds; f++) {
            if (history->trials[t].folds[f] == NULL) continue;
            fprintf(out, "%zu,", t);
            fr_show_fold_csv(results->study, history->trials[t].folds[f], out);
        }
}

static void write_curve(const fr_fold_result *fold, FILE *out)
{
    for (size_t e = 0; e < fold->n_curve; e++) {
        fprintf(out, "%llu,%u,%zu", (unsigned long long)fold->trial, fold->fold, e + 1);
        fr_csv_number(fold->curve[2 * e], out);
        fr_csv_number(fold->curve[2 * e + 1], out);
        fputc('\n', out);
    }
}

static void write_curves(const fr_results_file *results, FILE *out)
{
    const fr_history *history = results->history;
    fputs("trial,fold,epoch,train_loss,score\n", out);
    for (size_t t = 0; t < history->n; t++)
        for (uint32_t f = 0; f < history->n_folds; f++)
            if (history->trials[t].folds[f] != NULL)
                write_curve(history->trials[t].folds[f], out);
}

static bool has_selection(const fr_results_file *results)
{
    return results->has_selection;
}

static void write_selection(const fr_results_file *results, FILE *out)
{
    const fr_selection *s = &results->selection;
    const struct {
        const char *name;
        const double *values;
    } columns[] = {
        {"p_value", s->p_value}, {"difference", s->difference}, {"win_share", s->win_share}};
    enum { N_COLUMNS = sizeof columns / sizeof *columns };
    fputs("place,trial,chosen,score_mean", out);
    for (size_t c = 0; c < N_COLUMNS; c++)
        if (columns[c].values != NULL) fprintf(out, ",%s", columns[c].name);
    fputc('\n', out);
    for (size_t i = 0; i < s->n_ranking; i++) {
        fprintf(out, "%zu,%llu,%d", i + 1, (unsigned long long)s->ranking[i],
                s->ranking[i] == s->chosen);
        fr_csv_number(results->history->trials[s->ranking[i]].score_mean, out);
        for (size_t c = 0; c < N_COLUMNS; c++)
            if (columns[c].values != NULL) fr_csv_number(columns[c].values[i], out);
        fputc('\n', out);
    }
}

static bool has_rounds(const fr_results_file *results)
{
    return results->has_selection && results->selection.round_winner != NULL;
}

static void write_rounds(const fr_results_file *results, FILE *out)
{
    fputs("round,winner\n", out);
    for (size_t i = 0; i < results->selection.n_rounds; i++)
        fprintf(out, "%zu,%llu\n", i + 1,
                (unsigned long long)results->selection.round_winner[i]);
}

static bool has_expected(const fr_results_file *results)
{
    return results->has_selection && results->selection.expected != NULL;
}

static void write_expected(const fr_results_file *results, FILE *out)
{
    fputs("trials,expected\n", out);
    for (size_t k = 0; k < results->selection.n_expected; k++) {
        fprintf(out, "%zu", k + 1);
        fr_csv_number(results->selection.expected[k], out);
        fputc('\n', out);
    }
}

static void csv_float(float value, FILE *out)
{
    char number[FR_NUMBER_SIZE];
    fprintf(out, ",%s", isnan(value) ? "" : fr_format_float(value, number));
}

static bool has_test(const fr_results_file *results)
{
    return results->test.n > 0;
}

/* Of out-of-fold predictions the class is the most probable one: the models of the folds are
 * not calibrated. */
static void write_scored_row(const fr_results_file *results, const fr_scored *scored, size_t i,
                             FILE *out)
{
    static const fr_calibration none = {0};
    const fr_calibration *calibration =
        scored == &results->test ? &results->model.calibration : &none;
    const fr_schema *schema = &results->model.schema;
    const size_t n = results->model.n_outputs;
    const float *output = scored->output + i * n, target = scored->target[i];
    fprintf(out, "%u", scored->row[i]);
    if (schema->learn == FR_LEARN_REGRESSION) {
        csv_float(target, out);
    } else {
        const size_t said = fr_calibration_class(calibration, output, n);
        fputc(',', out);
        if (target >= 0 && target < (float)n) fr_csv_text(schema->classes[(size_t)target], out);
        fputc(',', out);
        if (said < n) fr_csv_text(schema->classes[said], out);
    }
    for (size_t k = 0; k < n; k++) csv_float(output[k], out);
    fputc('\n', out);
}

static void write_scored(const fr_results_file *results, const fr_scored *scored, FILE *out)
{
    const fr_model *model = &results->model;
    const bool probable = scored == &results->test
                              ? fr_model_has_probabilities(model)
                              : fr_family_has_probabilities((fr_family)model->options.family);
    fputs("row,target,prediction", out);
    for (size_t k = 0; k < model->schema.n_classes; k++) {
        fr_text name = {0};
        fr_text_add(&name, "%s%s", probable ? "prob_" : "decision_", model->schema.classes[k]);
        fputc(',', out);
        fr_csv_text(fr_text_get(&name), out);
        fr_text_clear(&name);
    }
    fputc('\n', out);
    for (size_t i = 0; i < scored->n; i++) write_scored_row(results, scored, i, out);
}

static void write_test(const fr_results_file *results, FILE *out)
{
    write_scored(results, &results->test, out);
}

static bool has_ranks(const fr_results_file *results)
{
    return results->n_ranks > 0;
}

static void write_ranks(const fr_results_file *results, FILE *out)
{
    fputs("rank,host,threads,fits,busy_s,idle_s,flops\n", out);
    for (int r = 0; r < results->n_ranks; r++) {
        const fr_rank_record *rank = &results->ranks[r];
        fprintf(out, "%d,", r);
        fr_csv_text(rank->host, out);
        fprintf(out, ",%d,%llu", rank->threads, (unsigned long long)rank->fits);
        fr_csv_number(rank->busy_s, out);
        fr_csv_number(rank->idle_s, out);
        fr_csv_number(rank->flops, out);
        fputc('\n', out);
    }
}

static void write_param(const fr_space *space, const fr_param *param, FILE *out)
{
    fr_text choices = {0}, condition = {0};
    fr_param_describe_choices(param, &choices);
    fr_param_describe_conditions(space, param, &condition);
    fr_csv_text(param->name, out);
    fprintf(out, ",%s", fr_param_kind_words[param->kind]);
    fr_csv_number(param->low, out);
    fr_csv_number(param->high, out);
    fr_csv_number(param->step, out);
    fputc(',', out);
    fr_csv_text(fr_text_get(&choices), out);
    fputc(',', out);
    fr_csv_text(fr_text_get(&condition), out);
    fputc('\n', out);
    fr_text_clear(&choices);
    fr_text_clear(&condition);
}

static void write_space(const fr_results_file *results, FILE *out)
{
    const fr_space *space = &results->study->space;
    fputs("name,kind,low,high,step,choices,condition\n", out);
    for (size_t p = 0; p < space->n; p++) write_param(space, &space->params[p], out);
}

static bool has_explanation(const fr_results_file *results)
{
    return results->has_explanation;
}

static void write_importance(const fr_results_file *results, FILE *out)
{
    const fr_explanation *e = &results->explanation;
    fputs("feature,mean,fold_sd,repeat_sd\n", out);
    for (size_t j = 0; j < e->n_features; j++) {
        fr_csv_text(results->model.schema.columns[j].name, out);
        fr_csv_number(e->features[j].importance, out);
        fr_csv_number(e->features[j].fold_sd, out);
        fr_csv_number(e->features[j].repeat_sd, out);
        fputc('\n', out);
    }
}

static void write_dependence(const fr_results_file *results, FILE *out)
{
    const fr_explanation *e = &results->explanation;
    const fr_schema *schema = &results->model.schema;
    const size_t width = results->model.n_outputs;
    fputs("feature,value,output,mean\n", out);
    for (size_t i = 0; i < e->n_points * width; i++) {
        const fr_dependence_point *point = &e->points[i / width];
        const fr_column *column = &schema->columns[point->feature];
        fr_csv_text(column->name, out);
        if (column->kind == FR_COLUMN_NUMERIC) {
            fr_csv_number(point->value, out);
            fputc(',', out);
        } else {
            fputc(',', out);
            fr_csv_text(column->levels[(size_t)point->value], out);
            fputc(',', out);
        }
        fr_csv_text(schema->learn == FR_LEARN_REGRESSION ? schema->target_name
                                                         : schema->classes[i % width],
                    out);
        csv_float(e->dependence[i], out);
        fputc('\n', out);
    }
}

static void write_confusion(const fr_results_file *results, FILE *out)
{
    const fr_explanation *e = &results->explanation;
    fputs("target,prediction,rows\n", out);
    for (size_t i = 0; i < e->n_confusion; i++) {
        fr_csv_text(results->model.schema.classes[e->confusion[i].truth], out);
        fputc(',', out);
        fr_csv_text(results->model.schema.classes[e->confusion[i].said], out);
        fprintf(out, ",%llu\n", (unsigned long long)e->confusion[i].rows);
    }
}

static void write_calibration(const fr_results_file *results, FILE *out)
{
    const fr_explanation *e = &results->explanation;
    fputs("rows,predicted,observed\n", out);
    for (size_t i = 0; i < e->n_calibration; i++) {
        fprintf(out, "%llu", (unsigned long long)e->calibration[i].rows);
        fr_csv_number(e->calibration[i].predicted, out);
        fr_csv_number(e->calibration[i].observed, out);
        fputc('\n', out);
    }
}

static void write_groups(const fr_results_file *results, FILE *out)
{
    const fr_explanation *e = &results->explanation;
    fputs("group,first_row,rows,score\n", out);
    for (size_t i = 0; i < e->n_groups; i++) {
        fprintf(out, "%d,%u,%llu", (int)e->groups[i].group, (unsigned)e->groups[i].first_row,
                (unsigned long long)e->groups[i].rows);
        fr_csv_number(e->groups[i].score, out);
        fputc('\n', out);
    }
}

static void write_hardest(const fr_results_file *results, FILE *out)
{
    const fr_explanation *e = &results->explanation;
    fputs("row,loss\n", out);
    for (size_t i = 0; i < e->n_hardest; i++) {
        fprintf(out, "%u", (unsigned)e->hardest[i].row);
        fr_csv_number(e->hardest[i].loss, out);
        fputc('\n', out);
    }
}

static bool has_out_of_fold(const fr_results_file *results)
{
    return results->explanation.out_of_fold.n > 0;
}

static void write_out_of_fold(const fr_results_file *results, FILE *out)
{
    write_scored(results, &results->explanation.out_of_fold, out);
}

static bool has_nested(const fr_results_file *results)
{
    return results->nested.n > 0;
}

const fr_show_table fr_show_tables[] = {
    {"trials", always, write_trials},
    {"folds", always, write_folds},
    {"curves", always, write_curves},
    {"selection", has_selection, write_selection},
    {"rounds", has_rounds, write_rounds},
    {"expected", has_expected, write_expected},
    {"ranks", has_ranks, write_ranks},
    {"space", always, write_space},
    {"test", has_test, write_test},
    {"nested", has_nested, fr_show_nested_csv},
    {"importance", has_explanation, write_importance},
    {"dependence", has_explanation, write_dependence},
    {"confusion", has_explanation, write_confusion},
    {"calibration", has_explanation, write_calibration},
    {"groups", has_explanation, write_groups},
    {"hardest", has_explanation, write_hardest},
    {"out_of_fold", has_out_of_fold, write_out_of_fold},
};
const size_t fr_show_table_count = sizeof fr_show_tables / sizeof *fr_show_tables;
