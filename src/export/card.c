/* SPDX-License-Identifier: BSD-3-Clause */
/* card.c - the model card (after Mitchell et al., "Model cards for model reporting", FAT*
 * 2019): what the model is, on which data, how it was chosen, what it is worth, where it ends,
 * and how to make it again. Every number is from the results file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

void fr_card_word(fr_text *out, const char *text)
{
    fr_text clean = {0};
    fr_utf8_clean(text, &clean);
    for (const char *at = fr_text_get(&clean); *at != '\0'; at++) {
        if (strchr("|\\`*<>", *at) != NULL) fr_text_append(out, "\\", 1);
        fr_text_append(out, (unsigned char)*at < 0x20 ? " " : at, 1);
    }
    out->failed = out->failed || clean.failed;
    fr_text_clear(&clean);
}

const char *fr_card_score(double score, char text[FR_NUMBER_SIZE])
{
    snprintf(text, FR_NUMBER_SIZE, "%.5g", score);
    return isnan(score) ? "-" : text;
}

static void add_row(fr_text *out, const char *key, const char *value)
{
    fr_text_add(out, "| ");
    fr_card_word(out, key);
    fr_text_add(out, " | ");
    fr_card_word(out, value);
    fr_text_add(out, " |\n");
}

/* ---- the model ---- */

static void add_options(fr_text *out, const fr_option *table, size_t n, const void *values)
{
    for (size_t i = 0; i < n; i++) {
        fr_text value = {0};
        fr_option_format(&table[i], values, &value);
        add_row(out, table[i].name, fr_text_get(&value));
        fr_text_clear(&value);
    }
}

static void add_model(const fr_results_file *results, fr_text *out)
{
    const fr_model *model = &results->model;
    const fr_schema *schema = &model->schema;
    const char *family = fr_family_words[model->options.family];
    fr_recipe recipe;
    size_t n = 0;
    const fr_option *table = fr_model_option_table((fr_family)model->options.family, &n);
    fr_study_resolve(results->study, results->history->trials[results->selection.chosen].point,
                     &recipe);
    fr_text_add(out, "\n## Model\n\nOf family `%s`, trained by foldrank %s. It predicts ",
                family, results->version);
    fr_card_word(out, schema->target_name == NULL ? "the target" : schema->target_name);
    fr_text_add(out, " (%s", schema->learn == FR_LEARN_REGRESSION ? "a number" : "classes");
    for (size_t k = 0; k < schema->n_classes && k < 50; k++) {
        fr_text_add(out, "%s", k > 0 ? ", " : ": ");
        fr_card_word(out, schema->classes[k]);
    }
    fr_text_add(out,
                ") from %zu columns, by %zu parameters; a prediction takes %.4g floating-"
                "point operations.\n\n| setting | value |\n|---|---|\n",
                schema->cols, model->n_params, fr_model_flops(model));
    add_options(out, table, n, &model->options);
    add_options(out, fr_preprocess_option_table, fr_preprocess_option_count,
                &recipe.preprocess);
    if (!fr_family_iterates((fr_family)model->options.family)) return;
    for (size_t i = 0; i < fr_train_option_count; i++)
        if (fr_train_option_applies(&fr_train_option_table[i],
                                    (fr_family)model->options.family))
            add_options(out, &fr_train_option_table[i], 1, &recipe.train);
}

/* The sections that follow are of the selected model alone. */
static void add_ensemble(const fr_results_file *results, const fr_ensemble *together,
                         fr_text *out)
{
    char text[FR_NUMBER_SIZE];
    fr_text_add(
        out,
        "\n## Ensemble\n\nWhat predicts is the weighted mean of %zu models of the "
        "search, chosen greedily by what their folds' models said of rows that they had "
        "not seen, then trained on all rows but the test rows. The sections below are "
        "of the selected model alone.\n\n| %s | ensemble | one model |\n|---|---|---|\n",
        together->n, fr_export_metric(results->study));
    fr_text_add(out, "| on folds that had no part in the choice | %s |",
                fr_card_score(together->honest_score, text));
    fr_text_add(out, " %s |\n", fr_card_score(together->honest_single, text));
    fr_text_add(out, "| on the test rows | %s |", fr_card_score(together->test_score, text));
    fr_text_add(out, " %s |\n\n| trial | weight | settings |\n|---|---|---|\n",
                fr_card_score(results->test_score, text));
    for (size_t m = 0; m < together->n; m++) {
        const fr_ensemble_member *member = &together->member[m];
        fr_text settings = {0};
        fr_space_format(&results->study->space, results->history->trials[member->trial].point,
                        &settings);
        fr_text_add(out, "| %llu | %.4g | ", (unsigned long long)member->trial, member->weight);
        fr_card_word(out, fr_text_get(&settings));
        fr_text_add(out, " |\n");
        fr_text_clear(&settings);
    }
}

/* ---- the data ---- */

static void describe_column(const fr_column *column, const fr_feature *feature, fr_text *out)
{
    char fill[FR_NUMBER_SIZE];
    switch (feature->kind) {
    case FR_FEATURE_DROP:
        fr_text_add(out, "not used: constant, or not selected");
        break;
    case FR_FEATURE_NUMERIC:
        if (isnan(feature->fill))
            fr_text_add(out, "taken as it is, missing values too");
        else
            fr_text_add(out, "missing values become %s", fr_format_float(feature->fill, fill));
        break;
    default:
        fr_text_add(out, "%zu levels, %s; missing ones and levels that are new ",
                    column->n_levels,
                    feature->kind == FR_FEATURE_ONEHOT ? "one-hot" : "by number");
        if (feature->fill >= 0 && feature->fill < (float)column->n_levels) {
            fr_text_add(out, "count as ");
            fr_card_word(out, column->levels[(size_t)feature->fill]);
        } else {
            fr_text_add(out, "are none of them");
        }
    }
}

static void add_columns(const fr_model *model, fr_text *out)
{
    enum { SHOWN = 100 };
    const fr_schema *schema = &model->schema;
    fr_text_add(out, "\n| column | kind | treatment |\n|---|---|---|\n");
    for (size_t c = 0; c < schema->cols && c < SHOWN; c++) {
        const fr_column *column = &schema->columns[c];
        fr_text_add(out, "| ");
        fr_card_word(out, column->name);
        fr_text_add(out, " | %s | ",
                    column->kind == FR_COLUMN_CATEGORICAL ? "categorical" : "number");
        describe_column(column, &model->transform.features[c], out);
        fr_text_add(out, " |\n");
    }
    if (schema->cols > SHOWN)
        fr_text_add(out, "\nand %zu columns more: see /model/features in the results file.\n",
                    schema->cols - SHOWN);
}

static void add_data(const fr_results_file *results, fr_text *out)
{
    const fr_study *study = results->study;
    fr_text_add(out, "\n## Data\n\n");
    fr_card_word(out, study->data.path == NULL ? "?" : study->data.path);
    if (results->rows > 0)
        fr_text_add(out, ": %llu rows, of which the search never saw %llu",
                    (unsigned long long)results->rows, (unsigned long long)results->test_rows);
    fr_text_add(out, " (fingerprint %016llx).\n",
                (unsigned long long)results->data_fingerprint);
    add_columns(&results->model, out);
}

/* ---- the search ---- */

static void add_search(const fr_results_file *results, fr_text *out)
{
    const fr_study *study = results->study;
    const fr_history *history = results->history;
    const fr_option *method =
        fr_option_find(fr_search_option_table, fr_search_option_count, "method");
    size_t states[FR_TRIAL_CANCELLED + 1] = {0};
    for (size_t t = 0; t < history->n; t++) states[history->trials[t].state]++;
    fr_text word = {0};
    fr_option_format(method, &study->search, &word);
    fr_text_add(out, "\n## How it was found\n\n%zu trials by `%s`", history->n,
                fr_text_get(&word));
    fr_text_clear(&word);
    const char *before = ": ";
    for (int s = FR_TRIAL_PENDING; s <= FR_TRIAL_CANCELLED; s++) {
        if (states[s] == 0) continue;
        fr_text_add(out, "%s%zu %s", before, states[s], fr_trial_state_word((fr_trial_state)s));
        before = ", ";
    }
    fr_text_add(
        out,
        ". Every trial was scored by %s on %u folds (%s). Rule `%s` chose trial %zu, which "
        "was then trained on all rows but the test rows.\n",
        fr_export_metric(study), history->n_folds, fr_scheme_words[study->validation.scheme],
        fr_export_rule(study), results->selection.chosen);
}

/* ---- where it ends ---- */

/* Within a hundredth of the range from an end, on the parameter's own axis. */
static bool at_edge(const fr_param *param, double value)
{
    if (param->kind == FR_PARAM_CHOICE || isnan(value) || param->low == param->high)
        return false;
    const double unit = fr_param_to_unit(param, value);
    return value == param->low || value == param->high || unit < 0.01 || unit > 0.99;
}

static void add_edges(const fr_results_file *results, fr_text *out)
{
    const fr_space *space = &results->study->space;
    const double *point = results->history->trials[results->selection.chosen].point;
    for (size_t j = 0; j < space->n; j++) {
        if (!at_edge(&space->params[j], point[j])) continue;
        char value[FR_NUMBER_SIZE];
        fr_text_add(out, "- ");
        fr_card_word(out, space->params[j].name);
        fr_text_add(out,
                    " = %s lies at the edge of what was searched: better values may lie "
                    "beyond.\n",
                    fr_format_double(point[j], value));
    }
}

static void add_limits(const fr_results_file *results, fr_text *out)
{
    const fr_model *model = &results->model;
    const fr_trial *trial = &results->history->trials[results->selection.chosen];
    const double gap = results->study->maximize ? trial->score_mean - results->test_score
                                                : results->test_score - trial->score_mean;
    char text[FR_NUMBER_SIZE];
    fr_text_add(out, "\n## Limits\n\n");
    if (isnan(results->test_score))
        fr_text_add(out, "- There is no test score: the only figure is the validation score by "
                         "which the model was chosen, and that is too good.\n");
    else
        fr_text_add(out, "- The validation score was %s too %s for the test rows.\n",
                    fr_card_score(fabs(gap), text), gap >= 0 ? "good" : "modest");
    add_edges(results, out);
    fr_text_add(
        out,
        "- The scores hold for rows like those of the data: same columns, same units, "
        "same way of collecting. Nothing is known of others.\n"
        "- The scores are of all rows together%s. Groups of people may fare worse: before "
        "decisions about them, score each group (`foldrank predict` takes any rows).\n",
        results->test.n > 0 && model->schema.learn == FR_LEARN_CLASSIFICATION
            ? ", and of each class"
            : "");
    if (fr_model_has_probabilities(model) && results->test.n == 0 &&
        model->calibration.method == FR_CALIBRATE_NONE)
        fr_text_add(out, "- Probabilities are the network's softmax; their calibration was not "
                         "checked.\n");
    if (model->schema.learn == FR_LEARN_CLASSIFICATION && !fr_model_has_probabilities(model))
        fr_text_add(out, "- Decision values are no probabilities.\n");
}

/* ---- how to make it again ---- */

static fr_status add_origin(const fr_results_file *results, const fr_ensemble *together,
                            fr_text *out)
{
    fr_facts facts;
    FR_TRY(fr_facts_collect(results, together, &facts));
    fr_text_add(out, "\n## Origin\n\n| | |\n|---|---|\n");
    for (size_t i = 0; i < facts.keys.n; i++)
        add_row(out, facts.keys.item[i], facts.values.item[i]);
    fr_facts_clear(&facts);
    const struct {
        const char *name, *value;
    } libraries[] = {{"hdf5", results->hdf5},   {"mpi", results->mpi},
                     {"blas", results->blas},   {"kernels", results->kernels},
                     {"hosts", results->hosts}, {"results", results->path}};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (libraries[i].value[0] != '\0') add_row(out, libraries[i].name, libraries[i].value);
    fr_text_add(
        out,
        "\nThis study on the same data gives the same bits again, on any number of ranks "
        "of the same kind of processor. `foldrank run` takes it as it stands:\n\n"
        "```yaml\n%s%s```\n",
        results->study->text,
        results->study->text[strlen(results->study->text) - 1] == '\n' ? "" : "\n");
    return FR_OK;
}

fr_status fr_export_card(const fr_results_file *results, const fr_ensemble *together,
                         fr_text *out)
{
    FR_TRY(fr_export_check(results));
    fr_text_add(out, "# Model card: ");
    fr_card_word(out, results->study->name);
    fr_text_add(out, "\n");
    if (together != NULL) add_ensemble(results, together, out);
    add_model(results, out);
    add_data(results, out);
    add_search(results, out);
    FR_TRY(fr_card_scores(results, out));
    fr_card_calibration(results, out);
    add_limits(results, out);
    FR_TRY(add_origin(results, together, out));
    return out->failed ? FR_FAIL(FR_ERR_MEMORY, "out of memory for the model card") : FR_OK;
}
