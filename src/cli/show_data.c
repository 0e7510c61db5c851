/* SPDX-License-Identifier: BSD-3-Clause */
/* show_data.c - results for programs: CSV (RFC 4180) and JSON (RFC 8259). */
#include <math.h>
#include <string.h>

#include "foldrank/plain.h"
#include "foldrank/text.h"
#include "show.h"

/* All scores, also the first, which has columns of its own, and the rank. */
static void csv_goals(const fr_show *show, const fr_trial *trial, size_t t, FILE *out)
{
    const size_t n = show->results->history->n_goals;
    if (show->fronts == NULL) return;
    for (size_t k = 0; k < n; k++) fr_csv_number(fr_trial_mean(trial, k), out);
    for (size_t k = 0; k < n; k++) fr_csv_number(fr_trial_se(trial, k), out);
    const uint32_t rank = show->fronts->rank[t];
    fr_csv_number(rank == 0 ? NAN : (double)rank, out);
}

static void csv_trial(const fr_show *show, size_t t, FILE *out)
{
    const fr_history *history = show->results->history;
    const fr_trial *trial = &history->trials[t];
    const fr_show_trial_sums sums = fr_show_trial_sum(history, t);
    fprintf(out, "%zu,%s", t, fr_trial_state_word(trial->state));
    fr_csv_number(trial->score_mean, out);
    fr_csv_number(trial->score_se, out);
    csv_goals(show, trial, t, out);
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

/* A column for each objective. */
static void csv_names(const char *before, const fr_study *study, FILE *out)
{
    for (size_t k = 0; k < study->n_goals; k++) {
        fr_text name = {0};
        fr_text_add(&name, "%s.%s", before, study->goals[k].name);
        fputc(',', out);
        fr_csv_text(fr_text_get(&name), out);
        fr_text_clear(&name);
    }
}

void fr_show_csv(const fr_show *show, FILE *out)
{
    const fr_history *history = show->results->history;
    fputs("trial,state,score_mean,score_se", out);
    if (show->fronts != NULL) {
        csv_names("scores", show->results->study, out);
        csv_names("scores_se", show->results->study, out);
        fputs(",pareto_rank", out);
    }
    fputs(",folds_done,folds_cancelled,epochs,seconds", out);
    for (size_t p = 0; p < history->space->n; p++) {
        fputc(',', out);
        fr_csv_text(history->space->params[p].name, out);
    }
    fputs(",message\n", out);
    for (size_t i = 0; i < show->n; i++)
        csv_trial(show, show->order == NULL ? i : (size_t)show->order[i], out);
}

void fr_show_fold_header(const fr_study *study, FILE *out)
{
    fputs("fold,state,score", out);
    if (study->n_goals > 1) csv_names("scores", study, out);
    fputs(",train_score,loss,epochs,best_epoch,seconds,samples_per_second,flops,rank,start_s,"
          "end_s,message\n",
          out);
}

void fr_show_fold_csv(const fr_study *study, const fr_fold_result *fold, FILE *out)
{
    fprintf(out, "%u,%s", fold->fold, fr_trial_state_word(fold->state));
    fr_csv_number(fold->score, out);
    for (size_t k = 0; study->n_goals > 1 && k < study->n_goals; k++)
        fr_csv_number(fr_fold_score(fold, k), out);
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
    fr_show_fold_header(results->study, out);
    for (uint32_t f = 0; f < history->n_folds; f++)
        if (history->trials[trial].folds[f] != NULL)
            fr_show_fold_csv(results->study, history->trials[trial].folds[f], out);
}

/* Active parameters only. */
void fr_show_json_params(const fr_space *space, const double *point, FILE *out)
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

/* `"key": {"accuracy": 0.97, ...}` */
static void json_goals(const char *key, const fr_study *study, const double *values, FILE *out)
{
    fr_json_key(", ", key, out);
    for (size_t k = 0; k < study->n_goals; k++) {
        fr_json_key(k == 0 ? "{" : ", ", study->goals[k].name, out);
        fr_json_number(values[k], out);
    }
    fputc('}', out);
}

static void json_scores(const fr_study *study, const fr_trial *trial, FILE *out)
{
    double means[FR_GOALS_MAX], errors[FR_GOALS_MAX];
    if (study->n_goals < 2) return;
    for (size_t k = 0; k < study->n_goals; k++) {
        means[k] = fr_trial_mean(trial, k);
        errors[k] = fr_trial_se(trial, k);
    }
    json_goals("scores", study, means, out);
    json_goals("scores_se", study, errors, out);
}

static void json_trial_head(const fr_results_file *results, size_t t, FILE *out)
{
    const fr_history *history = results->history;
    const fr_trial *trial = &history->trials[t];
    fprintf(out, "{\"trial\": %zu, \"state\": \"%s\"", t, fr_trial_state_word(trial->state));
    const fr_history_work work = fr_history_trial_work(history, t);
    const fr_json_field fields[] = {{"score_mean", trial->score_mean},
                                    {"score_se", trial->score_se},
                                    {"folds_done", trial->n_done},
                                    {"folds_cancelled", (double)work.cancelled}};
    fr_json_fields(fields, sizeof fields / sizeof *fields, out);
    json_scores(results->study, trial, out);
    fr_json_key(", ", "params", out);
    fr_show_json_params(history->space, trial->point, out);
}

static void json_objectives(const fr_study *study, FILE *out)
{
    fr_json_key(",\n ", "objectives", out);
    for (size_t k = 0; k < study->n_goals; k++) {
        fr_json_key(k == 0 ? "[{" : ", {", "name", out);
        fr_json_text(study->goals[k].name, out);
        fr_json_key(", ", "direction", out);
        fr_json_text(study->goals[k].maximize ? "maximize" : "minimize", out);
        fputc('}', out);
    }
    fputc(']', out);
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
    json_objectives(results->study, out);
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

static void json_test_scores(const fr_results_file *results, FILE *out)
{
    double scores[FR_GOALS_MAX];
    if (results->study->n_goals < 2) return;
    for (size_t k = 0; k < results->study->n_goals; k++)
        scores[k] = fr_show_test_score(results, k);
    json_scores(results->study, &results->history->trials[results->selection.chosen], out);
    json_goals("test_scores", results->study, scores, out);
}

/* Of several objectives: the front as it is now, chosen from or not. */
static void json_front(const fr_study *study, const fr_fronts *fronts, FILE *out)
{
    if (fronts == NULL) return;
    fr_json_key(",\n ", "front", out);
    fputc('[', out);
    for (size_t i = 0; i < fronts->n_front; i++)
        fprintf(out, "%s%llu", i == 0 ? "" : ", ", (unsigned long long)fronts->front[i]);
    fputc(']', out);
    fr_json_key(", ", "hypervolume", out);
    fr_json_number(fronts->n_trials == 0 ? NAN : fronts->hypervolume[fronts->n_trials - 1],
                   out);
    json_goals("reference", study, fronts->reference, out);
}

static void json_selection(const fr_results_file *results, bool whole, FILE *out)
{
    fr_json_key(",\n ", "selection", out);
    if (!results->has_selection) {
        fputs("null", out);
        return;
    }
    fr_json_key("{", "rule", out);
    fr_json_text(fr_show_rule(results), out);
    const fr_trial *trial = &results->history->trials[results->selection.chosen];
    const fr_json_field fields[] = {{"chosen", (double)results->selection.chosen},
                                    {"score_mean", trial->score_mean},
                                    {"score_se", trial->score_se},
                                    {"test_score", results->test_score},
                                    {"optimism", fr_show_optimism(results, 0)}};
    fr_json_fields(fields, sizeof fields / sizeof *fields, out);
    json_test_scores(results, out);
    if (whole) json_selection_lists(&results->selection, out);
    fputc('}', out);
}

/* null where there is none. */
static void json_ensemble(const fr_results_file *results, FILE *out)
{
    const fr_ensemble *e = &results->ensemble;
    fr_json_key(",\n ", "ensemble", out);
    if (!results->has_ensemble) {
        fputs("null", out);
        return;
    }
    fr_json_key("{", "members", out);
    for (size_t m = 0; m < e->n; m++) {
        fprintf(out, "%s{\"trial\": %llu", m == 0 ? "[" : ", ",
                (unsigned long long)e->member[m].trial);
        fr_json_fields(&(fr_json_field){"weight", e->member[m].weight}, 1, out);
        fputc('}', out);
    }
    fputc(']', out);
    const fr_json_field fields[] = {{"score", e->score},
                                    {"honest_score", e->honest_score},
                                    {"honest_single", e->honest_single},
                                    {"test_score", e->test_score}};
    fr_json_fields(fields, sizeof fields / sizeof *fields, out);
    fputc('}', out);
}

static void json_rank(uint32_t rank, FILE *out)
{
    fr_json_key(", ", "pareto_rank", out);
    fr_json_number(rank == 0 ? NAN : (double)rank, out);
}

void fr_show_json(const fr_show *show, FILE *out)
{
    json_study(show->results, out);
    json_selection(show->results, false, out);
    fr_show_calibration_json(show->results, out);
    json_ensemble(show->results, out);
    json_front(show->results->study, show->fronts, out);
    fr_show_nested_json(show->results, out);
    fr_json_key(",\n ", "trials", out);
    fputc('[', out);
    for (size_t i = 0; i < show->n; i++) {
        fputs(i > 0 ? ",\n  " : "\n  ", out);
        json_trial_head(show->results, (size_t)show->order[i], out);
        if (show->fronts != NULL) json_rank(show->fronts->rank[show->order[i]], out);
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

static void json_fold(const fr_study *study, const fr_fold_result *fold, FILE *out)
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
    double scores[FR_GOALS_MAX];
    for (size_t k = 0; k < study->n_goals; k++) scores[k] = fr_fold_score(fold, k);
    if (study->n_goals > 1) json_goals("scores", study, scores, out);
    fr_json_key(", ", "message", out);
    if (fold->message == NULL)
        fputs("null", out);
    else
        fr_json_text(fold->message, out);
    json_curve(fold, "train_loss", 0, out);
    json_curve(fold, "curve", 1, out);
    fputc('}', out);
}

static void json_folds(const fr_results_file *results, size_t trial, FILE *out)
{
    const fr_history *history = results->history;
    const char *before = "\n  ";
    fr_json_key(",\n ", "folds", out);
    fputc('[', out);
    for (uint32_t f = 0; f < history->n_folds; f++) {
        if (history->trials[trial].folds[f] == NULL) continue;
        fputs(before, out);
        json_fold(results->study, history->trials[trial].folds[f], out);
        before = ",\n  ";
    }
    fputs("]}", out);
}

void fr_show_trial_json(const fr_results_file *results, size_t trial, FILE *out)
{
    json_trial_head(results, trial, out);
    json_folds(results, trial, out);
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
    json_ensemble(results, out);
    fr_show_nested_json(results, out);
    json_ranks(results, out);
    fr_json_key(",\n ", "trials", out);
    fputc('[', out);
    for (size_t t = 0; t < results->history->n; t++) {
        fputs(t > 0 ? ",\n" : "\n", out);
        json_trial_head(results, t, out);
        json_folds(results, t, out);
    }
    fputs("]}\n", out);
}
