/* SPDX-License-Identifier: BSD-3-Clause */
/* show_page.c - results for people: aligned tables and a few sentences. */
#include <math.h>
#include <string.h>

#include "cli.h"
#include "foldrank/text.h"
#include "show.h"

/* Digits after the point that suit all scores of a page in objective k; -1: with exponents. */
static int score_digits(const fr_history *history, size_t k)
{
    double largest = 0;
    bool integral = true;
    for (size_t t = 0; t < history->n; t++) {
        const double size = fabs(fr_trial_mean(&history->trials[t], k));
        if (isfinite(size) && size > largest) largest = size;
        if (isfinite(size) && size != rint(size)) integral = false;
    }
    if (integral && largest >= 100 && largest < 1e15) return 0;
    if (largest > 0 && (largest < 0.01 || largest >= 1e7)) return -1;
    return largest < 100 ? 4 : 2;
}

typedef struct {
    int goal[FR_GOALS_MAX];
} page_digits;

static page_digits find_digits(const fr_history *history)
{
    page_digits digits = {{0}};
    for (size_t k = 0; k < history->n_goals; k++) digits.goal[k] = score_digits(history, k);
    return digits;
}

static void add_score(fr_text *text, int digits, double score)
{
    if (isnan(score))
        fr_text_add(text, "-");
    else if (digits < 0)
        fr_text_add(text, "%.4e", score);
    else
        fr_text_add(text, "%.*f", digits, score);
}

/* "0.9812 +- 0.0031" */
static void add_mean(fr_text *text, int digits, double mean, double se)
{
    add_score(text, digits, mean);
    if (isnan(mean) || isnan(se) || (digits == 0 && se == 0)) return;
    fr_text_add(text, " +- ");
    add_score(text, digits, se);
}

static void add_value(fr_text *text, const fr_param *param, double value)
{
    if (param->kind == FR_PARAM_CHOICE || value == rint(value))
        fr_param_format(param, value, text);
    else
        fr_text_add(text, "%.4g", value);
}

static void add_settings(fr_text *text, const fr_space *space, const double *point)
{
    const size_t start = text->length;
    for (size_t p = 0; p < space->n; p++) {
        if (isnan(point[p])) continue;
        fr_text_add(text, "%s%s=", text->length > start ? " " : "", space->params[p].name);
        add_value(text, &space->params[p], point[p]);
    }
}

enum { COLUMNS_MAX = 16 };

/* A row is texts with tabs between; the last column is never padded. */
static size_t split_row(const char *row, const char *cell[COLUMNS_MAX],
                        size_t length[COLUMNS_MAX])
{
    size_t n = 0;
    while (n < COLUMNS_MAX) {
        cell[n] = row;
        length[n] = strcspn(row, "\t\n");
        row += length[n];
        if (*row++ != '\t') return n + 1;
        n++;
    }
    return n;
}

static const char *next_line(const char *row)
{
    const char *end = strchr(row, '\n');
    return end == NULL ? row + strlen(row) : end + 1;
}

/* Print lines of tab-separated cells in columns; align[c] is 'r' for numbers. */
void fr_show_print_table(const char *text, const char *align, FILE *out)
{
    size_t width[COLUMNS_MAX] = {0}, length[COLUMNS_MAX];
    const char *cell[COLUMNS_MAX];
    for (const char *row = text; *row != '\0'; row = next_line(row)) {
        const size_t n = split_row(row, cell, length);
        for (size_t c = 0; c < n; c++)
            if (length[c] > width[c]) width[c] = length[c];
    }
    for (const char *row = text; *row != '\0'; row = next_line(row)) {
        const size_t n = split_row(row, cell, length);
        for (size_t c = 0; c < n; c++) {
            const int pad = c + 1 < n || align[c] == 'r' ? (int)(width[c] - length[c]) : 0;
            fprintf(out, "%s", c > 0 ? "  " : "");
            if (align[c] == 'r') fprintf(out, "%*s", pad, "");
            fwrite(cell[c], 1, length[c], out);
            if (align[c] != 'r') fprintf(out, "%*s", pad, "");
        }
        fputc('\n', out);
    }
}

static void print_states(const fr_results_file *results, FILE *out)
{
    const fr_show_sums sums = fr_show_sum(results->history);
    char fit_time[FR_NUMBER_SIZE], wall_time[FR_NUMBER_SIZE];
    const char *before = ": ";
    fprintf(out, "%zu trials", results->history->n);
    for (int s = FR_TRIAL_PENDING; s <= FR_TRIAL_CANCELLED; s++) {
        if (sums.states[s] == 0) continue;
        fprintf(out, "%s%zu %s", before, sums.states[s],
                fr_trial_state_word((fr_trial_state)s));
        before = ", ";
    }
    fprintf(out, "\n%llu fits", (unsigned long long)sums.work.fits);
    if (sums.work.cancelled > 0)
        fprintf(out, " (%llu folds were cancelled)", (unsigned long long)sums.work.cancelled);
    fprintf(out, ", %s of training, %s from start to end\n",
            fr_format_duration(sums.fit_s, fit_time),
            fr_format_duration(sums.wall_s, wall_time));
}

static void print_end(const fr_results_file *results, FILE *out)
{
    fr_text text = {0};
    fr_cli_describe_end(results->study, results->history, results->end, results->usage, &text);
    if (text.length > 0) fprintf(out, "ended by %s\n", fr_text_get(&text));
    fr_text_clear(&text);
}

static void print_ranks(const fr_results_file *results, FILE *out)
{
    double busy = 0, idle = 0;
    for (int r = 0; r < results->n_ranks; r++) {
        busy += results->ranks[r].busy_s;
        idle += results->ranks[r].idle_s;
    }
    if (results->n_ranks == 0 || !(busy + idle > 0)) return;
    fprintf(out, "%d %s x %d threads, %.1f %% busy\n", results->n_ranks,
            results->n_ranks == 1 ? "rank" : "ranks", results->ranks[0].threads,
            100 * busy / (busy + idle));
}

/* "accuracy 0.9812 +- 0.0031, parameters 650" */
static void add_scores(fr_text *text, const fr_study *study, const page_digits *digits,
                       const fr_trial *trial)
{
    for (size_t k = 0; k < study->n_goals; k++) {
        fr_text_add(text, "%s%s ", k > 0 ? ", " : "", study->goals[k].name);
        add_mean(text, digits->goal[k], fr_trial_mean(trial, k), fr_trial_se(trial, k));
    }
}

/* The selected score was picked as the best of many, so it flatters; the test score does not.
 */
static void add_test(fr_text *text, const page_digits *digits, const fr_results_file *results)
{
    const char *before = "\ntest:   ";
    for (size_t k = 0; k < results->study->n_goals; k++) {
        const double score = fr_show_test_score(results, k);
        const double optimism = fr_show_optimism(results, k);
        if (isnan(score)) continue;
        fr_text_add(text, "%s%s ", before, results->study->goals[k].name);
        add_score(text, digits->goal[k], score);
        fr_text_add(text, " on rows that the search never saw: the selected score was ");
        add_score(text, digits->goal[k], fabs(optimism));
        fr_text_add(text, optimism >= 0 ? " too good" : " too modest");
        before = "\n        ";
    }
}

static void print_selection(const fr_results_file *results, const page_digits *digits,
                            FILE *out)
{
    if (!results->has_selection) {
        fprintf(out, "\nnothing is selected yet: the search is not over\n");
        return;
    }
    const fr_trial *trial = &results->history->trials[results->selection.chosen];
    fr_text text = {0};
    fr_text_add(&text, "\nchosen: trial %zu by rule %s, ", results->selection.chosen,
                fr_show_rule(results));
    add_scores(&text, results->study, digits, trial);
    fr_text_add(&text, "\n        ");
    add_settings(&text, &results->study->space, trial->point);
    add_test(&text, digits, results);
    fr_text_add(&text, "\n");
    fr_cli_describe_calibration(&results->calibration, &text);
    fprintf(out, "%s", fr_text_get(&text));
    fr_text_clear(&text);
}

/* Its own score on the folds flatters, so what is told is that of the procedure, beside that of
 * taking the best trial, both on folds that had no part in the choice. */
static void print_ensemble(const fr_results_file *results, const page_digits *digits, FILE *out)
{
    enum { SHOWN = 8 };
    const fr_ensemble *e = &results->ensemble;
    const int d = digits->goal[0];
    fr_text text = {0};
    if (!results->has_ensemble) return;
    fr_text_add(&text, "\nensemble: the mean of %zu model%s: trial", e->n,
                e->n == 1 ? "" : "s");
    for (size_t m = 0; m < e->n && m < SHOWN; m++)
        fr_text_add(&text, "%s %llu (%.3g)", m == 0 ? "" : ",",
                    (unsigned long long)e->member[m].trial, e->member[m].weight);
    if (e->n > SHOWN) fr_text_add(&text, ", and %zu more", e->n - SHOWN);
    fr_text_add(&text, "\n        on the folds it was chosen by %s ",
                results->study->goals[0].name);
    add_score(&text, d, e->score);
    if (!isnan(e->honest_score)) {
        fr_text_add(&text, "; chosen and scored on different ones ");
        add_score(&text, d, e->honest_score);
        fr_text_add(&text, ", the best trial so ");
        add_score(&text, d, e->honest_single);
    }
    for (size_t k = 0; k < results->study->n_goals; k++) {
        const double score = k == 0 ? e->test_score : e->test_more[k - 1];
        if (isnan(score)) continue;
        fr_text_add(&text, "\n        test %s ", results->study->goals[k].name);
        add_score(&text, digits->goal[k], score);
        fr_text_add(&text, ", trial %zu alone ", results->selection.chosen);
        add_score(&text, digits->goal[k], fr_show_test_score(results, k));
    }
    fr_text_add(&text, "\n        predict takes %s",
                fr_results_prefer_ensemble(results) ? "the ensemble"
                                                    : "the single model, which is better");
    fprintf(out, "%s\n", fr_text_get(&text));
    fr_text_clear(&text);
}

static void print_head(const fr_results_file *results, FILE *out)
{
    const fr_study *study = results->study;
    fprintf(out, "%s: ", study->name);
    for (size_t k = 0; k < study->n_goals; k++)
        fprintf(out, study->n_goals > 1 ? "%s (%s is better), " : "%s, %s is better, ",
                study->goals[k].name, study->goals[k].maximize ? "more" : "less");
    fprintf(out, "%u %s, begun %s\n", results->history->n_folds,
            results->history->n_folds == 1 ? "fold" : "folds", results->created);
}

static void print_front(const fr_show *show, FILE *out)
{
    const fr_fronts *fronts = show->fronts;
    if (fronts == NULL || fronts->n_front == 0) return;
    const fr_study *study = show->results->study;
    fprintf(out, "\nfront: %zu trial%s (+), hypervolume %.6g up to", fronts->n_front,
            fronts->n_front == 1 ? "" : "s", fronts->hypervolume[fronts->n_trials - 1]);
    for (size_t k = 0; k < study->n_goals; k++)
        fprintf(out, "%s %s %.6g", k > 0 ? "," : "", study->goals[k].name,
                fronts->reference[k]);
    fputc('\n', out);
}

static void add_row(fr_text *table, const fr_show *show, const page_digits *digits, size_t t)
{
    const fr_results_file *results = show->results;
    const fr_history *history = results->history;
    const fr_trial *trial = &history->trials[t];
    const fr_show_trial_sums sums = fr_show_trial_sum(history, t);
    const bool chosen = results->has_selection && results->selection.chosen == t;
    const bool on_front = show->fronts != NULL && show->fronts->rank[t] == 1;
    char time[FR_NUMBER_SIZE];
    fr_text_add(table, "%s%s\t%zu\t%s", chosen ? "*" : "", on_front ? "+" : "", t,
                fr_trial_state_word(trial->state));
    for (size_t k = 0; k < history->n_goals; k++) {
        fr_text_add(table, "\t");
        add_mean(table, digits->goal[k], fr_trial_mean(trial, k), fr_trial_se(trial, k));
    }
    fr_text_add(table, "\t%llu\t%s\t", (unsigned long long)sums.work.epochs,
                fr_format_duration(sums.seconds, time));
    add_settings(table, history->space, trial->point);
    fr_text_add(table, "\n");
}

void fr_show_page(const fr_show *show, FILE *out)
{
    static const char *const aligns[FR_GOALS_MAX] = {"lrllrrl", "lrlllrrl", "lrllllrrl",
                                                     "lrlllllrrl"};
    const fr_study *study = show->results->study;
    const page_digits digits = find_digits(show->results->history);
    fr_text table = {0};
    print_head(show->results, out);
    print_states(show->results, out);
    print_end(show->results, out);
    print_ranks(show->results, out);
    fr_text_add(&table, "\ttrial\tstate");
    for (size_t k = 0; k < study->n_goals; k++)
        fr_text_add(&table, "\t%s", study->goals[k].name);
    fr_text_add(&table, "\tepochs\ttime\tsettings\n");
    for (size_t i = 0; i < show->n; i++) add_row(&table, show, &digits, (size_t)show->order[i]);
    if (show->n > 0) {
        fputc('\n', out);
        fr_show_print_table(fr_text_get(&table), aligns[study->n_goals - 1], out);
    }
    fr_text_clear(&table);
    print_front(show, out);
    print_selection(show->results, &digits, out);
    print_ensemble(show->results, &digits, out);
    fr_show_nested(show->results, out);
}

/* First, best and last score of a curve; epochs that were not scored are NaN. */
static void add_curve(fr_text *text, int digits, const fr_history *history,
                      const fr_fold_result *fold)
{
    size_t first = 0;
    while (first < fold->n_curve && isnan(fold->curve[2 * first + 1])) first++;
    if (first == fold->n_curve) return;
    size_t best = first, last = fold->n_curve - 1;
    while (isnan(fold->curve[2 * last + 1])) last--;
    for (size_t e = first + 1; e <= last; e++)
        if (fr_history_better(history, fold->curve[2 * e + 1], fold->curve[2 * best + 1]))
            best = e;
    add_score(text, digits, fold->curve[2 * first + 1]);
    fr_text_add(text, " .. ");
    add_score(text, digits, fold->curve[2 * best + 1]);
    fr_text_add(text, " (epoch %zu) .. ", best + 1);
    add_score(text, digits, fold->curve[2 * last + 1]);
}

static void add_fold(fr_text *text, const page_digits *digits, const fr_history *history,
                     const fr_fold_result *fold)
{
    char time[FR_NUMBER_SIZE];
    fr_text_add(text, "%u\t%s\t", fold->fold, fr_trial_state_word(fold->state));
    for (size_t k = 0; k < history->n_goals; k++) {
        add_score(text, digits->goal[k], fr_fold_score(fold, k));
        fr_text_add(text, "\t");
    }
    add_score(text, digits->goal[0], fold->train_score);
    fr_text_add(text, "\t%.4g\t%u\t%u\t%s\t%u\t", fold->loss, fold->epochs, fold->best_epoch,
                fr_format_duration(fold->seconds, time), fold->rank);
    add_curve(text, digits->goal[0], history, fold);
    fr_text_add(text, "\n");
}

void fr_show_trial_page(const fr_results_file *results, size_t trial, FILE *out)
{
    static const char *const aligns[FR_GOALS_MAX] = {"rlrrrrrrrl", "rlrrrrrrrrl",
                                                     "rlrrrrrrrrrl", "rlrrrrrrrrrrl"};
    const fr_history *history = results->history;
    const fr_trial *shown = &history->trials[trial];
    const fr_study *study = results->study;
    const page_digits digits = find_digits(history);
    fr_text text = {0};
    fr_text_add(&text, "trial %zu of %s: %s, ", trial, study->name,
                fr_trial_state_word(shown->state));
    add_scores(&text, study, &digits, shown);
    fprintf(out, "%s\n", fr_text_get(&text));
    fr_text_clear(&text);

    for (size_t p = 0; p < history->space->n; p++) {
        if (isnan(shown->point[p])) continue;
        fr_text_add(&text, "  %s\t", history->space->params[p].name);
        fr_param_format(&history->space->params[p], shown->point[p], &text);
        fr_text_add(&text, "\n");
    }
    fr_show_print_table(fr_text_get(&text), "ll", out);
    fr_text_clear(&text);

    fr_text_add(&text, "fold\tstate");
    for (size_t k = 0; k < study->n_goals; k++)
        fr_text_add(&text, "\t%s", study->goals[k].name);
    fr_text_add(&text, "\ttraining\tloss\tepochs\tkept\ttime\trank\t"
                       "first .. best .. last epoch\n");
    for (uint32_t f = 0; f < history->n_folds; f++)
        if (shown->folds[f] != NULL) add_fold(&text, &digits, history, shown->folds[f]);
    if (shown->n_done > 0) {
        fputc('\n', out);
        fr_show_print_table(fr_text_get(&text), aligns[study->n_goals - 1], out);
    }
    fr_text_clear(&text);
    for (uint32_t f = 0; f < history->n_folds; f++)
        if (shown->folds[f] != NULL && shown->folds[f]->message != NULL)
            fprintf(out, "fold %u: %s\n", f, shown->folds[f]->message);
}
