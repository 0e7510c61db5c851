/* SPDX-License-Identifier: BSD-3-Clause */
/* show_nested.c - what the whole search is worth by nested cross-validation: in two lines for
 * the end of a run, as a page, as CSV and as JSON. */
#include <math.h>
#include <string.h>

#include "cli.h"
#include "foldrank/nested.h"
#include "foldrank/plain.h"
#include "foldrank/text.h"
#include "show.h"

/* As many digits as a score of this size is read with. */
static void add_number(fr_text *text, double value)
{
    if (isnan(value))
        fr_text_add(text, "-");
    else
        fr_text_add(text, "%.6g", value);
}

static void add_folds(fr_text *text, const fr_nested *nested, const fr_nested_summary *s)
{
    const size_t n_failed = nested->n - s->n_complete - s->n_pending;
    if (s->n_complete == nested->n)
        fr_text_add(text, "over %zu outer folds", nested->n);
    else
        fr_text_add(text, "over %zu of %zu outer folds", s->n_complete, nested->n);
    if (s->n_pending > 0) fr_text_add(text, ", %zu not yet done", s->n_pending);
    if (n_failed > 0) fr_text_add(text, ", %zu WITHOUT A SCORE", n_failed);
}

static void add_metric(fr_text *text, const fr_study *study, const fr_nested *nested, size_t k)
{
    const fr_nested_summary s = fr_nested_summarize(nested, k);
    fr_text_add(text, "nested %s: ", study->goals[k].name);
    if (s.n_complete == 0) {
        fr_text_add(text, "not known, ");
        add_folds(text, nested, &s);
        fr_text_add(text, "\n");
        return;
    }
    fr_text_add(text, "%.6g", s.mean);
    if (!isnan(s.se)) fr_text_add(text, " +- %.2g", s.se);
    fr_text_add(text, " ");
    add_folds(text, nested, &s);
    if (s.n_complete > 1) fr_text_add(text, " (%.6g to %.6g)", s.low, s.high);
    fr_text_add(text, ": what search and selection give on rows they never saw\n");
    if (k > 0) return;
    const double optimism =
        study->goals[0].maximize ? s.search_score - s.mean : s.mean - s.search_score;
    fr_text_add(text, "their own validation said %.6g: too %s by %.2g\n", s.search_score,
                optimism < 0 ? "pessimistic" : "optimistic", fabs(optimism));
}

void fr_cli_describe_nested(const fr_study *study, const fr_nested *nested, fr_text *out)
{
    for (size_t k = 0; k < study->n_goals && nested->n > 0; k++)
        if (study->goals[k].kind == FR_GOAL_METRIC) add_metric(out, study, nested, k);
}

static void add_value(fr_text *text, const fr_param *param, double value)
{
    if (isnan(value))
        fr_text_add(text, "inactive");
    else if (param->kind == FR_PARAM_CHOICE || value == rint(value))
        fr_param_format(param, value, text);
    else
        fr_text_add(text, "%.4g", value);
}

/* "model  mlp in 4 of 5", "learning_rate  0.001 to 0.02, 43 % of its range". */
static void add_setting(fr_text *text, const fr_nested *nested, const fr_space *space, size_t p)
{
    const fr_param *param = &space->params[p];
    const fr_nested_setting s = fr_nested_agreement(nested, space, p);
    if (s.n_folds == 0) return;
    fr_text_add(text, "  %s\t", param->name);
    if (isnan(s.span)) {
        add_value(text, param, s.most);
        fr_text_add(text, " in %zu of %zu", s.n_most, s.n_folds);
    } else {
        add_value(text, param, s.low);
        fr_text_add(text, " to ");
        add_value(text, param, s.high);
        fr_text_add(text, ", %.0f %% of its range", 100.0 * s.span);
        if (s.n_active < s.n_folds)
            fr_text_add(text, "; active in %zu of %zu", s.n_active, s.n_folds);
    }
    fr_text_add(text, "\n");
}

static void add_row(fr_text *text, const fr_study *study, const fr_outer_fold *fold, size_t k)
{
    char time[FR_NUMBER_SIZE];
    fr_text_add(text, "%zu\t%s\t", k, fr_trial_state_word(fold->state));
    add_number(text, fold->score);
    fr_text_add(text, "\t");
    add_number(text, fold->search_score);
    fr_text_add(text, "\t%llu\t%s\t", (unsigned long long)fold->test_rows,
                fr_format_duration(fold->seconds, time));
    bool any = false;
    for (size_t p = 0; fold->point != NULL && p < study->space.n; p++) {
        if (isnan(fold->point[p])) continue;
        fr_text_add(text, "%s%s=", any ? " " : "", study->space.params[p].name);
        add_value(text, &study->space.params[p], fold->point[p]);
        any = true;
    }
    fr_text_add(text, "\n");
}

void fr_show_nested(const fr_results_file *results, FILE *out)
{
    const fr_nested *nested = &results->nested;
    const fr_study *study = results->study;
    fr_text text = {0};
    if (nested->n == 0) return;
    fr_cli_describe_nested(study, nested, &text);
    fprintf(out, "\n%s", fr_text_get(&text));
    fr_text_clear(&text);
    fr_text_add(&text, "outer\tstate\t%s\tvalidation\trows\ttime\tsettings chosen without it\n",
                study->goals[0].name);
    for (size_t k = 0; k < nested->n; k++) add_row(&text, study, &nested->folds[k], k);
    fr_show_print_table(fr_text_get(&text), "rlrrrrl", out);
    fr_text_clear(&text);
    for (size_t p = 0; p < study->space.n; p++) add_setting(&text, nested, &study->space, p);
    if (text.length > 0) fputs("how far these agree:\n", out);
    fr_show_print_table(fr_text_get(&text), "ll", out);
    fr_text_clear(&text);
    for (size_t k = 0; k < nested->n; k++)
        if (nested->folds[k].message != NULL)
            fprintf(out, "outer fold %zu: %s\n", k, nested->folds[k].message);
}

void fr_show_nested_csv(const fr_results_file *results, FILE *out)
{
    const fr_space *space = &results->study->space;
    fputs("outer,state,score,search_score,chosen,trials,fits,train_rows,test_rows,seconds",
          out);
    for (size_t p = 0; p < space->n; p++) {
        fputc(',', out);
        fr_csv_text(space->params[p].name, out);
    }
    fputs(",message\n", out);
    for (size_t k = 0; k < results->nested.n; k++) {
        const fr_outer_fold *fold = &results->nested.folds[k];
        fprintf(out, "%zu,%s", k, fr_trial_state_word(fold->state));
        fr_csv_number(fold->score, out);
        fr_csv_number(fold->search_score, out);
        const uint64_t counts[] = {fold->chosen, fold->trials, fold->fits, fold->train_rows,
                                   fold->test_rows};
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            fprintf(out, ",%llu", (unsigned long long)counts[i]);
        fr_csv_number(fold->seconds, out);
        for (size_t p = 0; p < space->n; p++) {
            fr_text value = {0};
            if (fold->point != NULL) fr_param_format(&space->params[p], fold->point[p], &value);
            fputc(',', out);
            fr_csv_text(fr_text_get(&value), out);
            fr_text_clear(&value);
        }
        fputc(',', out);
        fr_csv_text(fold->message == NULL ? "" : fold->message, out);
        fputc('\n', out);
    }
}

static void json_outer_fold(const fr_study *study, const fr_outer_fold *fold, size_t k,
                            FILE *out)
{
    fprintf(out, "{\"outer\": %zu, \"state\": \"%s\"", k, fr_trial_state_word(fold->state));
    const fr_json_field fields[] = {
        {"score", fold->score},
        {"search_score", fold->search_score},
        {"chosen", fold->point == NULL ? NAN : (double)fold->chosen},
        {"trials", (double)fold->trials},
        {"fits", (double)fold->fits},
        {"train_rows", (double)fold->train_rows},
        {"test_rows", (double)fold->test_rows},
        {"seconds", fold->seconds}};
    fr_json_fields(fields, sizeof fields / sizeof *fields, out);
    fr_json_key(", ", "params", out);
    if (fold->point == NULL)
        fputs("null", out);
    else
        fr_show_json_params(&study->space, fold->point, out);
    fputc('}', out);
}

void fr_show_nested_json(const fr_results_file *results, FILE *out)
{
    const fr_nested *nested = &results->nested;
    const fr_nested_summary s = fr_nested_summarize(nested, 0);
    if (nested->n == 0) return;
    fr_json_key(",\n ", "nested", out);
    fprintf(out, "{\"outer_folds\": %zu", nested->n);
    const fr_json_field fields[] = {{"complete", (double)s.n_complete},
                                    {"mean", s.mean},
                                    {"sd", s.sd},
                                    {"se", s.se},
                                    {"search_score", s.search_score}};
    fr_json_fields(fields, sizeof fields / sizeof *fields, out);
    fr_json_key(", ", "folds", out);
    for (size_t k = 0; k < nested->n; k++) {
        fputs(k == 0 ? "[\n  " : ",\n  ", out);
        json_outer_fold(results->study, &nested->folds[k], k, out);
    }
    fputs("]}", out);
}
