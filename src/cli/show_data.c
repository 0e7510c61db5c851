/* SPDX-License-Identifier: BSD-3-Clause */
/* show_data.c - results for programs: CSV (RFC 4180) and JSON (RFC 8259). */
#include <math.h>
#include <string.h>

#include "foldrank/text.h"
#include "plain.h"
#include "show.h"

static void csv_trial(const fr_history *history, size_t t, FILE *out)
{
    const fr_trial *trial = &history->trials[t];
    const fr_show_trial_sums sums = fr_show_trial_sum(history, t);
    fprintf(out, "%zu,%s", t, fr_trial_state_word(trial->state));
    fr_csv_number(trial->score_mean, out);
    fr_csv_number(trial->score_se, out);
    fprintf(out, ",%u,%llu,%llu", trial->n_done, (unsigned long long)sums.work.cancelled,
            (unsigned long long)sums.work.epochs);
    fr_csv_number(sums.seconds, out);
    for (size_t p = 0; p < history->space->n; p++) {
        fr_text value = {0};
        fr_param_format(&history->space->params[p], trial->point[p], &value);
        fputc(',', out);
        fr_csv_text(fr_text_get(&value), out);
        fr_text_clear(&value);
    }
    fputc(',', out);
    fr_csv_text(sums.message, out);
    fputc('\n', out);
}

void fr_show_csv(const fr_show *show, FILE *out)
{
    const fr_history *history = show->results->history;
    fputs("trial,state,score_mean,score_se,folds_done,folds_cancelled,epochs,seconds", out);
    for (size_t p = 0; p < history->space->n; p++) {
        fputc(',', out);
        fr_csv_text(history->space->params[p].name, out);
    }
    fputs(",message\n", out);
    for (size_t i = 0; i < show->n; i++)
        csv_trial(history, show->order == NULL ? i : (size_t)show->order[i], out);
}

const char fr_show_fold_header[] =
    "fold,state,score,train_score,loss,epochs,best_epoch,seconds,samples_per_second,flops,rank,"
    "start_s,end_s,message\n";

void fr_show_fold_csv(const fr_fold_result *fold, FILE *out)
{
    fprintf(out, "%u,%s", fold->fold, fr_trial_state_word(fold->state));
    fr_csv_number(fold->score, out);
    fr_csv_number(fold->train_score, out);
    fr_csv_number(fold->loss, out);
    fprintf(out, ",%u,%u", fold->epochs, fold->best_epoch);
    fr_csv_number(fold->seconds, out);
    fr_csv_number(fold->samples_per_second, out);
    fr_csv_number(fold->flops, out);
    fprintf(out, ",%u", fold->rank);
    fr_csv_number(fold->start_s, out);
    fr_csv_number(fold->end_s, out);
    fputc(',', out);
    fr_csv_text(fold->message == NULL ? "" : fold->message, out);
    fputc('\n', out);
}

void fr_show_trial_csv(const fr_results_file *results, size_t trial, FILE *out)
{
    const fr_history *history = results->history;
    fputs(fr_show_fold_header, out);
    for (uint32_t f = 0; f < history->n_folds; f++)
        if (history->trials[trial].folds[f] != NULL)
            fr_show_fold_csv(history->trials[trial].folds[f], out);
}

/* Active parameters only. */
static void json_params(const fr_space *space, const double *point, FILE *out)
{
    const char *before = "";
    fputc('{', out);
    for (size_t p = 0; p < space->n; p++) {
        if (isnan(point[p])) continue;
        fr_json_key(before, space->params[p].name, out);
        if (space->params[p].kind == FR_PARAM_CHOICE)
            fr_json_value(space->params[p].choices[(size_t)point[p]], out);
        else
            fr_json_number(point[p], out);
        before = ", ";
    }
    fputc('}', out);
}

static void json_trial_head(const fr_history *history, size_t t, FILE *out)
{
    const fr_trial *trial = &history->trials[t];
    fprintf(out, "{\"trial\": %zu, \"state\": \"%s\"", t, fr_trial_state_word(trial->state));
    const fr_history_work work = fr_history_trial_work(history, t);
    const fr_json_field fields[] = {{"score_mean", trial->score_mean},
                                    {"score_se", trial->score_se},
                                    {"folds_done", trial->n_done},
                                    {"folds_cancelled", (double)work.cancelled}};
    fr_json_fields(fields, sizeof fields / sizeof *fields, out);
    fr_json_key(", ", "params", out);
    json_params(history->space, trial->point, out);
}

static void json_study(const fr_results_file *results, FILE *out)
{
    const fr_show_sums sums = fr_show_sum(results->history);
    const char *before = "{";
    fr_json_key("{", "study", out);
    fr_json_text(results->study->name, out);
    fr_json_key(",\n ", "metric", out);
    fr_json_text(fr_show_metric(results->study), out);
    fr_json_key(", ", "direction", out);
    fr_json_text(results->study->maximize ? "maximize" : "minimize", out);
    fr_json_key(",\n ", "created", out);
    fr_json_text(results->created, out);
    fr_json_key(", ", "version", out);
    fr_json_text(results->version, out);
    fr_json_key(", ", "ended_by", out);
    fr_json_text(fr_end_words[results->end], out);
    const fr_json_field fields[] = {
        {"folds", results->history->n_folds}, {"trials_suggested", (double)results->history->n},
        {"fits", (double)sums.work.fits},     {"cancelled", (double)sums.work.cancelled},
        {"epochs", (double)sums.work.epochs}, {"fit_seconds", sums.fit_s},
        {"wall_seconds", sums.wall_s},        {"ranks", results->n_ranks}};
    fr_json_fields(fields, sizeof fields / sizeof *fields, out);
    fr_json_key(",\n ", "states", out);
    for (int s = FR_TRIAL_PENDING; s <= FR_TRIAL_INTERRUPTED; s++) {
        fr_json_key(before, fr_trial_state_word((fr_trial_state)s), out);
        fprintf(out, "%zu", sums.states[s]);
        before = ", ";
    }
    fputc('}', out);
}

/* Columns of the rule, for whoever wants the whole. */
static void json_selection_lists(const fr_selection *selection, FILE *out)
{
    const struct {
        const char *key;
        const uint64_t *trials;
        const double *values;
        size_t n;
    } lists[] = {
        {"ranking", selection->ranking, NULL, selection->n_ranking},
        {"p_value", NULL, selection->p_value, selection->n_ranking},
        {"difference", NULL, selection->difference, selection->n_ranking},
        {"win_share", NULL, selection->win_share, selection->n_ranking},
        {"round_winner", selection->round_winner, NULL, (size_t)selection->n_rounds},
        {"expected", NULL, selection->expected, selection->n_expected},
    };
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
        if (lists[l].trials == NULL && lists[l].values == NULL) continue;
        fr_json_key(", ", lists[l].key, out);
        fputc('[', out);
        for (size_t i = 0; i < lists[l].n; i++) {
            if (i > 0) fputs(", ", out);
            if (lists[l].trials != NULL)
                fprintf(out, "%llu", (unsigned long long)lists[l].trials[i]);
            else
                fr_json_number(lists[l].values[i], out);
        }
        fputc(']', out);
    }
}

static void json_selection(const fr_results_file *results, bool whole, FILE *out)
{
    fr_json_key(",\n ", "selection", out);
    if (!results->has_selection) {
        fputs("null", out);
        return;
    }
    fr_json_key("{", "rule", out);
    fr_json_text(fr_show_rule(results->study), out);
    const fr_trial *trial = &results->history->trials[results->selection.chosen];
    const fr_json_field fields[] = {{"chosen", (double)results->selection.chosen},
                                    {"score_mean", trial->score_mean},
                                    {"score_se", trial->score_se},
                                    {"test_score", results->test_score},
                                    {"optimism", fr_show_optimism(results)}};
    fr_json_fields(fields, sizeof fields / sizeof *fields, out);
    if (whole) json_selection_lists(&results->selection, out);
    fputc('}', out);
}

void fr_show_json(const fr_show *show, FILE *out)
{
    json_study(show->results, out);
    json_selection(show->results, false, out);
    fr_json_key(",\n ", "trials", out);
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
    fr_json_key(", ", key, out);
    fputc('[', out);
    for (size_t e = 0; e < fold->n_curve; e++) {
        if (e > 0) fputs(", ", out);
        fr_json_number(fold->curve[2 * e + column], out);
    }
    fputc(']', out);
}

static void json_fold(const fr_fold_result *fold, FILE *out)
{
    fprintf(out, "{\"fold\": %u, \"state\": \"%s\"", fold->fold,
            fr_trial_state_word(fold->state));
    const fr_json_field fields[] = {{"score", fold->score},
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
    fr_json_fields(fields, sizeof fields / sizeof *fields, out);
    fr_json_key(", ", "message", out);
    if (fold->message == NULL)
        fputs("null", out);
    else
        fr_json_text(fold->message, out);
    json_curve(fold, "train_loss", 0, out);
    json_curve(fold, "curve", 1, out);
    fputc('}', out);
}

static void json_folds(const fr_history *history, size_t trial, FILE *out)
{
    const char *before = "\n  ";
    fr_json_key(",\n ", "folds", out);
    fputc('[', out);
    for (uint32_t f = 0; f < history->n_folds; f++) {
        if (history->trials[trial].folds[f] == NULL) continue;
        fputs(before, out);
        json_fold(history->trials[trial].folds[f], out);
        before = ",\n  ";
    }
    fputs("]}", out);
}

void fr_show_trial_json(const fr_results_file *results, size_t trial, FILE *out)
{
    json_trial_head(results->history, trial, out);
    json_folds(results->history, trial, out);
    fputc('\n', out);
}

static void json_space(const fr_space *space, FILE *out)
{
    fr_json_key(",\n ", "space", out);
    fputc('[', out);
    for (size_t p = 0; p < space->n; p++) {
        const fr_param *param = &space->params[p];
        fr_text condition = {0};
        fr_param_describe_conditions(space, param, &condition);
        fputs(p > 0 ? ",\n  " : "\n  ", out);
        fr_json_key("{", "name", out);
        fr_json_text(param->name, out);
        fr_json_key(", ", "kind", out);
        fr_json_text(fr_param_kind_words[param->kind], out);
        const fr_json_field fields[] = {
            {"low", param->low}, {"high", param->high}, {"step", param->step}};
        fr_json_fields(fields, sizeof fields / sizeof *fields, out);
        fr_json_key(", ", "choices", out);
        fputc('[', out);
        for (size_t i = 0; i < param->n_choices; i++) {
            if (i > 0) fputs(", ", out);
            fr_json_value(param->choices[i], out);
        }
        fr_json_key("], ", "condition", out);
        fr_json_text(fr_text_get(&condition), out);
        fputc('}', out);
        fr_text_clear(&condition);
    }
    fputc(']', out);
}

static void json_ranks(const fr_results_file *results, FILE *out)
{
    fr_json_key(",\n ", "ranks_used", out);
    fputc('[', out);
    for (int r = 0; r < results->n_ranks; r++) {
        const fr_rank_record *rank = &results->ranks[r];
        fputs(r > 0 ? ",\n  " : "\n  ", out);
        fr_json_key("{", "host", out);
        fr_json_text(rank->host, out);
        const fr_json_field fields[] = {{"threads", rank->threads},
                                        {"busy_s", rank->busy_s},
                                        {"idle_s", rank->idle_s},
                                        {"fits", (double)rank->fits},
                                        {"flops", rank->flops}};
        fr_json_fields(fields, sizeof fields / sizeof *fields, out);
        fputc('}', out);
    }
    fputc(']', out);
}

void fr_show_whole_json(const fr_results_file *results, FILE *out)
{
    json_study(results, out);
    fr_json_key(",\n ", "config", out);
    fr_json_text(results->study->text, out);
    json_space(&results->study->space, out);
    json_selection(results, true, out);
    json_ranks(results, out);
    fr_json_key(",\n ", "trials", out);
    fputc('[', out);
    for (size_t t = 0; t < results->history->n; t++) {
        fputs(t > 0 ? ",\n" : "\n", out);
        json_trial_head(results->history, t, out);
        json_folds(results->history, t, out);
    }
    fputs("]}\n", out);
}
