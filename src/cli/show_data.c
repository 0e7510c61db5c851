/* SPDX-License-Identifier: BSD-3-Clause */
/* show_data.c - results for programs: CSV (RFC 4180) and JSON (RFC 8259). */
#include <math.h>
#include <string.h>

#include "foldrank/option.h"
#include "foldrank/text.h"
#include "show.h"

/* `text` as `quote` writes it. */
static void put_quoted(void (*quote)(const char *, fr_text *), const char *text, FILE *out)
{
    fr_text quoted = {0};
    quote(text, &quoted);
    fputs(fr_text_get(&quoted), out);
    fr_text_clear(&quoted);
}

static void csv_text(const char *text, FILE *out)
{
    put_quoted(fr_csv_quote, text, out);
}

static void csv_number(double value, FILE *out)
{
    char number[FR_NUMBER_SIZE];
    fprintf(out, ",%s", isnan(value) ? "" : fr_format_double(value, number));
}

static void csv_trial(const fr_history *history, size_t t, FILE *out)
{
    const fr_trial *trial = &history->trials[t];
    const fr_show_trial_sums sums = fr_show_trial_sum(history, t);
    fprintf(out, "%zu,%s", t, fr_trial_state_word(trial->state));
    csv_number(trial->score_mean, out);
    csv_number(trial->score_se, out);
    fprintf(out, ",%u,%llu,%llu", trial->n_done, (unsigned long long)sums.work.cancelled,
            (unsigned long long)sums.work.epochs);
    csv_number(sums.seconds, out);
    for (size_t p = 0; p < history->space->n; p++) {
        fr_text value = {0};
        fr_param_format(&history->space->params[p], trial->point[p], &value);
        fputc(',', out);
        csv_text(fr_text_get(&value), out);
        fr_text_clear(&value);
    }
    fputc(',', out);
    csv_text(sums.message, out);
    fputc('\n', out);
}

void fr_show_csv(const fr_show *show, FILE *out)
{
    const fr_history *history = show->results->history;
    fputs("trial,state,score_mean,score_se,folds_done,folds_cancelled,epochs,seconds", out);
    for (size_t p = 0; p < history->space->n; p++) {
        fputc(',', out);
        csv_text(history->space->params[p].name, out);
    }
    fputs(",message\n", out);
    for (size_t i = 0; i < show->n; i++) csv_trial(history, (size_t)show->order[i], out);
}

void fr_show_trial_csv(const fr_results_file *results, size_t trial, FILE *out)
{
    const fr_history *history = results->history;
    fputs("fold,state,score,train_score,loss,epochs,best_epoch,seconds,samples_per_second,"
          "flops,rank,start_s,end_s,message\n",
          out);
    for (uint32_t f = 0; f < history->n_folds; f++) {
        const fr_fold_result *fold = history->trials[trial].folds[f];
        if (fold == NULL) continue;
        fprintf(out, "%u,%s", f, fr_trial_state_word(fold->state));
        csv_number(fold->score, out);
        csv_number(fold->train_score, out);
        csv_number(fold->loss, out);
        fprintf(out, ",%u,%u", fold->epochs, fold->best_epoch);
        csv_number(fold->seconds, out);
        csv_number(fold->samples_per_second, out);
        csv_number(fold->flops, out);
        fprintf(out, ",%u", fold->rank);
        csv_number(fold->start_s, out);
        csv_number(fold->end_s, out);
        fputc(',', out);
        csv_text(fold->message == NULL ? "" : fold->message, out);
        fputc('\n', out);
    }
}

static void json_text(const char *text, FILE *out)
{
    put_quoted(fr_json_quote, text, out);
}

static void json_number(double value, FILE *out)
{
    char number[FR_NUMBER_SIZE];
    fputs(isfinite(value) ? fr_format_double(value, number) : "null", out);
}

static void json_key(const char *before, const char *key, FILE *out)
{
    fputs(before, out);
    json_text(key, out);
    fputs(": ", out);
}

/* A YAML scalar as the JSON value that it means. */
static void json_scalar(const char *text, FILE *out)
{
    double value;
    if (fr_parse_double(text, &value) && isfinite(value))
        json_number(value, out);
    else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ||
             strcmp(text, "null") == 0)
        fputs(text, out);
    else
        json_text(text, out);
}

static void json_choice(const char *text, FILE *out)
{
    fr_strings items = {0};
    if (text[0] != '[' || fr_strings_parse(text, &items) != FR_OK) {
        json_scalar(text, out);
        return;
    }
    fputc('[', out);
    for (size_t i = 0; i < items.n; i++) {
        if (i > 0) fputs(", ", out);
        json_scalar(items.item[i], out);
    }
    fputc(']', out);
    fr_strings_clear(&items);
}

/* Active parameters only. */
static void json_params(const fr_space *space, const double *point, FILE *out)
{
    const char *before = "";
    fputc('{', out);
    for (size_t p = 0; p < space->n; p++) {
        if (isnan(point[p])) continue;
        json_key(before, space->params[p].name, out);
        if (space->params[p].kind == FR_PARAM_CHOICE)
            json_choice(space->params[p].choices[(size_t)point[p]], out);
        else
            json_number(point[p], out);
        before = ", ";
    }
    fputc('}', out);
}

/* `"key": number`, for each of n. */
typedef struct {
    const char *key;
    double value;
} json_field;

static void json_fields(const json_field *fields, size_t n, FILE *out)
{
    for (size_t i = 0; i < n; i++) {
        json_key(", ", fields[i].key, out);
        json_number(fields[i].value, out);
    }
}

static void json_trial_head(const fr_history *history, size_t t, FILE *out)
{
    const fr_trial *trial = &history->trials[t];
    fprintf(out, "{\"trial\": %zu, \"state\": \"%s\"", t, fr_trial_state_word(trial->state));
    const fr_history_work work = fr_history_trial_work(history, t);
    const json_field fields[] = {{"score_mean", trial->score_mean},
                                 {"score_se", trial->score_se},
                                 {"folds_done", trial->n_done},
                                 {"folds_cancelled", (double)work.cancelled}};
    json_fields(fields, sizeof fields / sizeof *fields, out);
    json_key(", ", "params", out);
    json_params(history->space, trial->point, out);
}

static void json_study(const fr_results_file *results, FILE *out)
{
    const fr_show_sums sums = fr_show_sum(results->history);
    const char *before = "{";
    json_key("{", "study", out);
    json_text(results->study->name, out);
    json_key(",\n ", "metric", out);
    json_text(fr_show_metric(results->study), out);
    json_key(", ", "direction", out);
    json_text(results->study->maximize ? "maximize" : "minimize", out);
    json_key(",\n ", "created", out);
    json_text(results->created, out);
    json_key(", ", "version", out);
    json_text(results->version, out);
    json_key(", ", "ended_by", out);
    json_text(fr_end_words[results->end], out);
    const json_field fields[] = {
        {"folds", results->history->n_folds}, {"trials_suggested", (double)results->history->n},
        {"fits", (double)sums.work.fits},     {"cancelled", (double)sums.work.cancelled},
        {"epochs", (double)sums.work.epochs}, {"fit_seconds", sums.fit_s},
        {"wall_seconds", sums.wall_s},        {"ranks", results->n_ranks}};
    json_fields(fields, sizeof fields / sizeof *fields, out);
    json_key(",\n ", "states", out);
    for (int s = FR_TRIAL_PENDING; s <= FR_TRIAL_INTERRUPTED; s++) {
        json_key(before, fr_trial_state_word((fr_trial_state)s), out);
        fprintf(out, "%zu", sums.states[s]);
        before = ", ";
    }
    fputc('}', out);
}

static void json_selection(const fr_results_file *results, FILE *out)
{
    json_key(",\n ", "selection", out);
    if (!results->has_selection) {
        fputs("null", out);
        return;
    }
    json_key("{", "rule", out);
    json_text(fr_show_rule(results->study), out);
    const fr_trial *trial = &results->history->trials[results->selection.chosen];
    const json_field fields[] = {{"chosen", (double)results->selection.chosen},
                                 {"score_mean", trial->score_mean},
                                 {"score_se", trial->score_se},
                                 {"test_score", results->test_score},
                                 {"optimism", fr_show_optimism(results)}};
    json_fields(fields, sizeof fields / sizeof *fields, out);
    fputc('}', out);
}

void fr_show_json(const fr_show *show, FILE *out)
{
    json_study(show->results, out);
    json_selection(show->results, out);
    json_key(",\n ", "trials", out);
    fputc('[', out);
    for (size_t i = 0; i < show->n; i++) {
        fputs(i > 0 ? ",\n  " : "\n  ", out);
        json_trial_head(show->results->history, (size_t)show->order[i], out);
        fputc('}', out);
    }
    fputs("]}\n", out);
}

static void json_curve(const fr_fold_result *fold, const char *key, size_t column, FILE *out)
{
    json_key(", ", key, out);
    fputc('[', out);
    for (size_t e = 0; e < fold->n_curve; e++) {
        if (e > 0) fputs(", ", out);
        json_number(fold->curve[2 * e + column], out);
    }
    fputc(']', out);
}

static void json_fold(const fr_fold_result *fold, FILE *out)
{
    fprintf(out, "{\"fold\": %u, \"state\": \"%s\"", fold->fold,
            fr_trial_state_word(fold->state));
    const json_field fields[] = {{"score", fold->score},
                                 {"train_score", fold->train_score},
                                 {"loss", fold->loss},
                                 {"epochs", fold->epochs},
                                 {"best_epoch", fold->best_epoch},
                                 {"seconds", fold->seconds},
                                 {"flops", fold->flops},
                                 {"samples_per_second", fold->samples_per_second},
                                 {"rank", fold->rank},
                                 {"start_s", fold->start_s},
                                 {"end_s", fold->end_s}};
    json_fields(fields, sizeof fields / sizeof *fields, out);
    json_key(", ", "message", out);
    if (fold->message == NULL)
        fputs("null", out);
    else
        json_text(fold->message, out);
    json_curve(fold, "train_loss", 0, out);
    json_curve(fold, "curve", 1, out);
    fputc('}', out);
}

void fr_show_trial_json(const fr_results_file *results, size_t trial, FILE *out)
{
    const fr_history *history = results->history;
    const char *before = "\n  ";
    json_trial_head(history, trial, out);
    json_key(",\n ", "folds", out);
    fputc('[', out);
    for (uint32_t f = 0; f < history->n_folds; f++) {
        if (history->trials[trial].folds[f] == NULL) continue;
        fputs(before, out);
        json_fold(history->trials[trial].folds[f], out);
        before = ",\n  ";
    }
    fputs("]}\n", out);
}
