/* SPDX-License-Identifier: BSD-3-Clause */
/* show_page.c - results for people: aligned tables and a few sentences. */
#include <math.h>
#include <string.h>

#include "cli.h"
#include "foldrank/text.h"
#include "show.h"

/* Digits after the point that suit all scores of a page; -1: with exponents. */
static int score_digits(const fr_history *history)
{
    double largest = 0;
    for (size_t t = 0; t < history->n; t++) {
        const double size = fabs(history->trials[t].score_mean);
        if (isfinite(size) && size > largest) largest = size;
    }
    if (largest > 0 && (largest < 0.01 || largest >= 1e7)) return -1;
    return largest < 100 ? 4 : 2;
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
    if (isnan(mean) || isnan(se)) return;
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

enum { COLUMNS_MAX = 12 };

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
static void print_table(const char *text, const char *align, FILE *out)
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
        fprintf(out, " (%llu more were cancelled)", (unsigned long long)sums.work.cancelled);
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

/* The selected score was picked as the best of many, so it flatters; the test score does not.
 */
static void print_selection(const fr_results_file *results, FILE *out)
{
    if (!results->has_selection) {
        fprintf(out, "\nnothing is selected yet: the search is not over\n");
        return;
    }
    const fr_trial *trial = &results->history->trials[results->selection.chosen];
    const int digits = score_digits(results->history);
    const double optimism = fr_show_optimism(results);
    const char *metric = fr_show_metric(results->study);
    fr_text text = {0};
    fr_text_add(&text, "\nchosen: trial %zu by rule %s, %s ", results->selection.chosen,
                fr_show_rule(results->study), metric);
    add_mean(&text, digits, trial->score_mean, trial->score_se);
    fr_text_add(&text, "\n        ");
    add_settings(&text, &results->study->space, trial->point);
    if (!isnan(results->test_score)) {
        fr_text_add(&text, "\ntest:   %s ", metric);
        add_score(&text, digits, results->test_score);
        fr_text_add(&text, " on rows that the search never saw: the selected score was ");
        add_score(&text, digits, fabs(optimism));
        fr_text_add(&text, optimism >= 0 ? " too good" : " too modest");
    }
    fprintf(out, "%s\n", fr_text_get(&text));
    fr_text_clear(&text);
}

void fr_show_page(const fr_show *show, FILE *out)
{
    const fr_results_file *results = show->results;
    const fr_history *history = results->history;
    const fr_study *study = results->study;
    const int digits = score_digits(history);
    fr_text table = {0};
    fprintf(out, "%s: %s, %s, %u %s, begun %s\n", study->name, fr_show_metric(study),
            study->maximize ? "more is better" : "less is better", history->n_folds,
            history->n_folds == 1 ? "fold" : "folds", results->created);
    print_states(results, out);
    print_end(results, out);
    print_ranks(results, out);
    fr_text_add(&table, "\ttrial\tstate\t%s\tepochs\ttime\tsettings\n", fr_show_metric(study));
    for (size_t i = 0; i < show->n; i++) {
        const size_t t = (size_t)show->order[i];
        const fr_trial *trial = &history->trials[t];
        const fr_show_trial_sums sums = fr_show_trial_sum(history, t);
        char time[FR_NUMBER_SIZE];
        const bool chosen = results->has_selection && results->selection.chosen == t;
        fr_text_add(&table, "%s\t%zu\t%s\t", chosen ? "*" : "", t,
                    fr_trial_state_word(trial->state));
        add_mean(&table, digits, trial->score_mean, trial->score_se);
        fr_text_add(&table, "\t%llu\t%s\t", (unsigned long long)sums.work.epochs,
                    fr_format_duration(sums.seconds, time));
        add_settings(&table, history->space, trial->point);
        fr_text_add(&table, "\n");
    }
    if (show->n > 0) {
        fputc('\n', out);
        print_table(fr_text_get(&table), "lrllrrl", out);
    }
    fr_text_clear(&table);
    print_selection(results, out);
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

static void add_fold(fr_text *text, int digits, const fr_history *history,
                     const fr_fold_result *fold)
{
    char time[FR_NUMBER_SIZE];
    fr_text_add(text, "%u\t%s\t", fold->fold, fr_trial_state_word(fold->state));
    add_score(text, digits, fold->score);
    fr_text_add(text, "\t");
    add_score(text, digits, fold->train_score);
    fr_text_add(text, "\t%.4g\t%u\t%u\t%s\t%u\t", fold->loss, fold->epochs, fold->best_epoch,
                fr_format_duration(fold->seconds, time), fold->rank);
    add_curve(text, digits, history, fold);
    fr_text_add(text, "\n");
}

void fr_show_trial_page(const fr_results_file *results, size_t trial, FILE *out)
{
    const fr_history *history = results->history;
    const fr_trial *shown = &history->trials[trial];
    const int digits = score_digits(history);
    const char *metric = fr_show_metric(results->study);
    fr_text text = {0};
    fr_text_add(&text, "trial %zu of %s: %s, %s ", trial, results->study->name,
                fr_trial_state_word(shown->state), metric);
    add_mean(&text, digits, shown->score_mean, shown->score_se);
    fprintf(out, "%s\n", fr_text_get(&text));
    fr_text_clear(&text);

    for (size_t p = 0; p < history->space->n; p++) {
        if (isnan(shown->point[p])) continue;
        fr_text_add(&text, "  %s\t", history->space->params[p].name);
        fr_param_format(&history->space->params[p], shown->point[p], &text);
        fr_text_add(&text, "\n");
    }
    print_table(fr_text_get(&text), "ll", out);
    fr_text_clear(&text);

    fr_text_add(&text,
                "fold\tstate\t%s\ttraining\tloss\tepochs\tkept\ttime\trank\t"
                "first .. best .. last epoch\n",
                metric);
    for (uint32_t f = 0; f < history->n_folds; f++)
        if (shown->folds[f] != NULL) add_fold(&text, digits, history, shown->folds[f]);
    if (shown->n_done > 0) {
        fputc('\n', out);
        print_table(fr_text_get(&text), "rlrrrrrrrl", out);
    }
    fr_text_clear(&text);
    for (uint32_t f = 0; f < history->n_folds; f++)
        if (shown->folds[f] != NULL && shown->folds[f]->message != NULL)
            fprintf(out, "fold %u: %s\n", f, shown->folds[f]->message);
}
