/* SPDX-License-Identifier: BSD-3-Clause */
/* facts.c - where a model comes from, in words that all its exported forms repeat. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "foldrank/metric.h"
#include "internal.h"

fr_status fr_export_check(const fr_results_file *results)
{
    if (results->has_model &&
        (!results->has_selection ||
         !fr_metric_scores(results->study->metric, results->model.schema.learn)))
        return FR_FAIL(FR_ERR_FORMAT, "%s: model and study do not fit; the file is damaged",
                       results->path);
    if (results->has_model && results->model.transform.width == 0)
        return FR_FAIL(FR_ERR_STATE, "%s: its model has no input: every column was constant",
                       results->path);
    if (results->has_model) return FR_OK;
    return FR_FAIL(FR_ERR_STATE, "%s: there is no model in it to export: %s", results->path,
                   results->study->objective.type == FR_OBJECTIVE_TRAINING
                       ? "the search is not over; `foldrank run` goes on with it"
                       : "its study trains nothing");
}

static fr_status check_model(const fr_results_file *results, const fr_model *model,
                             const char *form)
{
    const fr_text_settings *text = &model->schema.text;
    if (model->transform.width == 0)
        return FR_FAIL(
            FR_ERR_STATE,
            "%s: nothing to write as %s: a model has no input: every column was constant",
            results->path, form);
    if (text->column == NULL || (text->buckets == 0 && !text->across)) return FR_OK;
    return FR_FAIL(FR_ERR_STATE,
                   "%s: its model counts n-grams of column %s %s, which is not written as %s; "
                   "predict with `foldrank predict`",
                   results->path, text->column,
                   text->buckets > 0 ? "in buckets (data.text_buckets)"
                                     : "across words (data.text_across)",
                   form);
}

fr_status fr_export_check_form(const fr_results_file *results, const fr_ensemble *together,
                               const char *form)
{
    FR_TRY(fr_export_check(results));
    if (together == NULL) return check_model(results, &results->model, form);
    for (size_t m = 0; m < together->n; m++)
        FR_TRY(check_model(results, &together->member[m].model, form));
    return FR_OK;
}

const char *fr_export_metric(const fr_study *study)
{
    return study->goals[0].name;
}

const char *fr_export_rule(const fr_study *study)
{
    const fr_option *row =
        fr_option_find(fr_select_option_table, fr_select_option_count, "rule");
    return row->words[study->select.rule];
}

static fr_status add(fr_facts *facts, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Nothing is said where the value is empty. */
static fr_status add(fr_facts *facts, const char *key, const char *format, ...)
{
    va_list args;
    char value[4096];
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    if (value[0] == '\0') return FR_OK;
    FR_TRY(fr_strings_add(&facts->keys, key));
    return fr_strings_add(&facts->values, value);
}

static fr_status add_number(fr_facts *facts, const char *key, double value)
{
    char number[FR_NUMBER_SIZE];
    return isnan(value) ? FR_OK : add(facts, key, "%s", fr_format_double(value, number));
}

static fr_status add_scores(const fr_results_file *results, fr_facts *facts)
{
    const fr_study *study = results->study;
    FR_TRY(add(facts, "metric", "%s", fr_export_metric(study)));
    FR_TRY(add(facts, "direction", "%s", study->maximize ? "maximize" : "minimize"));
    FR_TRY(add(facts, "folds", "%u", results->history->n_folds));
    const fr_trial *trial = &results->history->trials[results->selection.chosen];
    FR_TRY(add(facts, "trials", "%zu", results->history->n));
    FR_TRY(add(facts, "trial", "%zu", results->selection.chosen));
    FR_TRY(add(facts, "rule", "%s", fr_export_rule(study)));
    fr_text settings = {0};
    fr_space_format(&study->space, trial->point, &settings);
    const fr_status st = add(facts, "settings", "%s", fr_text_get(&settings));
    fr_text_clear(&settings);
    FR_TRY(st);
    FR_TRY(add_number(facts, "validation_score", trial->score_mean));
    FR_TRY(add_number(facts, "validation_score_se", trial->score_se));
    return add_number(facts, "test_score", results->test_score);
}

static fr_status add_origin(const fr_results_file *results, fr_facts *facts)
{
    const fr_study *study = results->study;
    if (study->objective.type == FR_OBJECTIVE_TRAINING) {
        FR_TRY(add(facts, "data", "%s", study->data.path));
        FR_TRY(add(facts, "data_fingerprint", "%016" PRIx64, results->data_fingerprint));
        FR_TRY(add(facts, "validation_seed", "%" PRId64, study->validation.seed));
        FR_TRY(add(facts, "test_seed", "%" PRId64, study->test.seed));
    }
    FR_TRY(add(facts, "search_seed", "%" PRId64, study->search.seed));
    FR_TRY(add(facts, "created", "%s", results->created));
    FR_TRY(add(facts, "command", "%s", results->command));
    FR_TRY(add(facts, "version", "foldrank %s", results->version));
    return add(facts, "git", "%s", results->git);
}

static fr_status add_all(const fr_results_file *results, fr_facts *facts)
{
    const fr_model *model = &results->model;
    FR_TRY(add(facts, "study", "%s", results->study->name));
    FR_TRY(add(facts, "family", "%s", fr_family_words[model->options.family]));
    FR_TRY(add(facts, "target", "%s",
               model->schema.target_name == NULL ? "" : model->schema.target_name));
    FR_TRY(add(facts, "parameters", "%zu", model->n_params));
    FR_TRY(add_scores(results, facts));
    return add_origin(results, facts);
}

/* Beside what is said of the single model. */
static fr_status add_members(const fr_ensemble *together, fr_facts *facts)
{
    fr_text members = {0};
    for (size_t m = 0; m < together->n; m++)
        fr_text_add(&members, "%strial %llu x %.6g", m == 0 ? "" : ", ",
                    (unsigned long long)together->member[m].trial, together->member[m].weight);
    const fr_status st = add(facts, "ensemble", "%s", fr_text_get(&members));
    fr_text_clear(&members);
    FR_TRY(st);
    FR_TRY(add_number(facts, "ensemble_honest_score", together->honest_score));
    FR_TRY(add_number(facts, "ensemble_honest_single", together->honest_single));
    return add_number(facts, "ensemble_test_score", together->test_score);
}

fr_status fr_facts_collect(const fr_results_file *results, const fr_ensemble *together,
                           fr_facts *out)
{
    *out = (fr_facts){0};
    fr_status st = add_all(results, out);
    if (st == FR_OK)
        st = together != NULL ? add_members(together, out)
                              : add(out, "calibrated", "%s", results->calibration.settings);
    if (st != FR_OK) fr_facts_clear(out);
    return st;
}

void fr_facts_clear(fr_facts *facts)
{
    fr_strings_clear(&facts->keys);
    fr_strings_clear(&facts->values);
}
