/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_show.c - `foldrank show`: look into a results file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "show.h"

typedef enum { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON } show_format;

typedef struct {
    int64_t top;
    int format; /* show_format */
    char *trial;
    char *sort;
    bool explain;
    bool ascii;
} show_values;

static const char *const format_words[] = {"table", "csv", "json", NULL};

static const fr_cli_option options[] = {
    {.option = {.name = "top",
                .type = FR_OPTION_INT,
                .offset = offsetof(show_values, top),
                .fallback = "0",
                .low = 0,
                .high = 1e9,
                .help = "trials to list; 0: 10 in a table, all in csv and json"},
     .letter = 'n',
     .value = "N"},
    {.option = {.name = "format",
                .type = FR_OPTION_WORD,
                .offset = offsetof(show_values, format),
                .fallback = "table",
                .words = format_words,
                .help = "table for people, csv and json for programs"},
     .letter = 'f',
     .value = "FORMAT"},
    {.option = {.name = "trial",
                .type = FR_OPTION_STRING,
                .offset = offsetof(show_values, trial),
                .help = "one trial: settings, folds, curves, message"},
     .letter = 't',
     .value = "ID"},
    {.option = {.name = "sort",
                .type = FR_OPTION_STRING,
                .offset = offsetof(show_values, sort),
                .help = "order by score, an objective, trial, seconds, epochs or a parameter"},
     .letter = 's',
     .value = "KEY"},
    {.option = {.name = "explain",
                .type = FR_OPTION_BOOL,
                .offset = offsetof(show_values, explain),
                .fallback = "false",
                .help = "what the chosen model goes by and where it errs"},
     .letter = 'e'},
    {.option = {.name = "ascii",
                .type = FR_OPTION_BOOL,
                .offset = offsetof(show_values, ascii),
                .fallback = "false",
                .help = "charts without Unicode, as in a locale that is not UTF-8"}},
};

fr_show_sums fr_show_sum(const fr_history *history)
{
    fr_show_sums sums = {.work = fr_history_all_work(history)};
    for (size_t t = 0; t < history->n; t++) {
        const fr_trial *trial = &history->trials[t];
        sums.states[trial->state]++;
        for (uint32_t f = 0; f < history->n_folds; f++) {
            const fr_fold_result *fold = trial->folds[f];
            if (fold == NULL) continue;
            if (isfinite(fold->seconds)) sums.fit_s += fold->seconds;
            if (fold->end_s > sums.wall_s) sums.wall_s = fold->end_s;
        }
    }
    return sums;
}

fr_show_trial_sums fr_show_trial_sum(const fr_history *history, size_t trial)
{
    fr_show_trial_sums sums = {.work = fr_history_trial_work(history, trial), .message = ""};
    for (uint32_t f = 0; f < history->n_folds; f++) {
        const fr_fold_result *fold = history->trials[trial].folds[f];
        if (fold == NULL) continue;
        sums.seconds += fold->seconds;
        if (sums.message[0] == '\0' && fold->message != NULL) sums.message = fold->message;
    }
    return sums;
}

const char *fr_show_metric(const fr_study *study)
{
    return study->goals[0].name;
}

const char *fr_show_rule(const fr_results_file *results)
{
    const fr_option *row =
        fr_option_find(fr_select_option_table, fr_select_option_count, "rule");
    return row->words[results->selection.rule];
}

double fr_show_test_score(const fr_results_file *results, size_t k)
{
    return k == 0 ? results->test_score : results->test_more[k - 1];
}

double fr_show_optimism(const fr_results_file *results, size_t k)
{
    if (!results->has_selection) return NAN;
    const fr_trial *chosen = &results->history->trials[results->selection.chosen];
    const double gap = fr_trial_mean(chosen, k) - fr_show_test_score(results, k);
    return results->study->goals[k].maximize ? gap : -gap;
}

/* A trial with the numbers it is sorted by: small first, NaN last; then the second ones. */
typedef struct {
    double key, tie;
    uint64_t trial;
} sort_item;

static int compare_keys(double x, double y)
{
    if (isnan(x) || isnan(y)) return (isnan(x) != 0) - (isnan(y) != 0);
    return (x > y) - (x < y);
}

static int compare_items(const void *a, const void *b)
{
    const sort_item *x = a, *y = b;
    const int by_key = compare_keys(x->key, y->key), by_tie = compare_keys(x->tie, y->tie);
    if (by_key != 0) return by_key;
    if (by_tie != 0) return by_tie;
    return x->trial < y->trial ? -1 : 1;
}

typedef enum { KEY_SCORE, KEY_TRIAL, KEY_SECONDS, KEY_EPOCHS, KEY_GOAL, KEY_PARAM } sort_kind;
enum { N_KEY_WORDS = KEY_GOAL };
static const char *const key_words[N_KEY_WORDS] = {"score", "trial", "seconds", "epochs"};

static double cost_of(const fr_history *history, size_t t, size_t goal)
{
    const fr_trial *trial = &history->trials[t];
    if (trial->state != FR_TRIAL_COMPLETE) return NAN;
    const double mean = fr_trial_mean(trial, goal);
    return history->maximizes[goal] ? -mean : mean;
}

/* `which`: the objective or the parameter. */
static double key_of(const fr_history *history, size_t t, sort_kind kind, size_t which)
{
    switch (kind) {
    case KEY_SCORE:
    case KEY_GOAL:
        return cost_of(history, t, which);
    case KEY_TRIAL:
        return (double)t;
    case KEY_SECONDS:
        return fr_show_trial_sum(history, t).seconds;
    case KEY_EPOCHS:
        return (double)fr_show_trial_sum(history, t).work.epochs;
    case KEY_PARAM:
        break;
    }
    return history->trials[t].point[which];
}

static fr_status unknown_key(const fr_study *study, const char *word)
{
    const fr_space *space = &study->space;
    size_t n = 0;
    const char **names = fr_alloc(N_KEY_WORDS + FR_GOALS_MAX + space->n, sizeof *names);
    if (names == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < N_KEY_WORDS; i++) names[n++] = key_words[i];
    for (size_t k = 0; k < study->n_goals; k++) names[n++] = study->goals[k].name;
    for (size_t p = 0; p < space->n; p++) names[n++] = space->params[p].name;
    const char *nearest = fr_nearest(word, names, n);
    const fr_status st =
        FR_FAIL(FR_ERR_USAGE,
                "show: --sort %s: there is no such key%s%s%s; give score, trial, seconds, "
                "epochs, the name of an objective or of a parameter",
                word, nearest != NULL ? " (did you mean " : "", nearest != NULL ? nearest : "",
                nearest != NULL ? "?)" : "");
    free(names);
    return st;
}

static fr_status find_key(const fr_study *study, const char *word, sort_kind *kind,
                          size_t *which)
{
    *kind = KEY_SCORE;
    *which = 0;
    if (word == NULL) return FR_OK;
    for (int k = 0; k < N_KEY_WORDS; k++) {
        if (strcmp(word, key_words[k]) != 0) continue;
        *kind = (sort_kind)k;
        return FR_OK;
    }
    for (size_t k = 0; k < study->n_goals; k++) {
        if (strcmp(word, study->goals[k].name) != 0) continue;
        *kind = KEY_GOAL;
        *which = k;
        return FR_OK;
    }
    *kind = KEY_PARAM;
    *which = fr_space_find(&study->space, word);
    return *which < study->space.n ? FR_OK : unknown_key(study, word);
}

/* Numbers of all trials, sorted; owned by the caller. With several objectives the front comes
 * first when nothing is asked for. */
static fr_status sort_trials(const fr_results_file *results, const fr_fronts *fronts,
                             const char *word, uint64_t **order)
{
    const fr_history *history = results->history;
    sort_kind kind;
    size_t which;
    *order = NULL;
    FR_TRY(find_key(results->study, word, &kind, &which));
    sort_item *items = fr_alloc(history->n, sizeof *items);
    *order = fr_alloc(history->n, sizeof **order);
    if (items == NULL || *order == NULL) {
        free(items);
        free(*order);
        *order = NULL;
        return FR_ERR_MEMORY;
    }
    for (size_t t = 0; t < history->n; t++) {
        const double key = key_of(history, t, kind, which);
        const bool ranks = word == NULL && fronts != NULL;
        const uint32_t rank = ranks ? fronts->rank[t] : 0;
        items[t] = (sort_item){.key = !ranks      ? key
                                      : rank == 0 ? NAN
                                                  : (double)rank,
                               .tie = ranks ? key : 0,
                               .trial = t};
    }
    qsort(items, history->n, sizeof *items, compare_items);
    for (size_t t = 0; t < history->n; t++) (*order)[t] = items[t].trial;
    free(items);
    return FR_OK;
}

static fr_status show_trial(const fr_results_file *results, const show_values *values,
                            FILE *out)
{
    int64_t trial = -1;
    if (!fr_parse_int(values->trial, &trial) || trial < 0 ||
        (uint64_t)trial >= results->history->n) {
        if (results->history->n == 0)
            return FR_FAIL(FR_ERR_USAGE, "show: --trial %s: no trial has been suggested yet",
                           values->trial);
        return FR_FAIL(FR_ERR_USAGE,
                       "show: --trial %s: there is no such trial; allowed: 0 to %zu",
                       values->trial, results->history->n - 1);
    }
    switch ((show_format)values->format) {
    case FORMAT_TABLE:
        fr_show_trial_page(results, (size_t)trial, out);
        break;
    case FORMAT_CSV:
        fr_show_trial_csv(results, (size_t)trial, out);
        break;
    case FORMAT_JSON:
        fr_show_trial_json(results, (size_t)trial, out);
        break;
    }
    return FR_OK;
}

static fr_status print_study(const fr_show *show, const show_values *values, FILE *out)
{
    switch ((show_format)values->format) {
    case FORMAT_TABLE:
        fr_show_page(show, out);
        return fr_show_charts(show->results, values->ascii, out);
    case FORMAT_CSV:
        fr_show_csv(show, out);
        break;
    case FORMAT_JSON:
        fr_show_json(show, out);
        break;
    }
    return FR_OK;
}

/* The fronts of the selection; those of now while there is none, or of fewer trials. */
static fr_status find_fronts(const fr_results_file *results, fr_fronts *own,
                             const fr_fronts **fronts)
{
    const fr_fronts *chosen = &results->selection.fronts;
    *fronts = NULL;
    if (results->study->n_goals < 2) return FR_OK;
    *fronts = chosen;
    if (results->has_selection && chosen->n_trials == results->history->n) return FR_OK;
    *fronts = own;
    return fr_fronts_find(results->history, NULL, NULL, 0, own);
}

static fr_status show_study(const fr_results_file *results, const show_values *values,
                            FILE *out)
{
    enum { TABLE_ROWS = 10 };
    uint64_t *order = NULL;
    fr_fronts own = {0};
    const fr_fronts *fronts = NULL;
    fr_status st = find_fronts(results, &own, &fronts);
    if (st == FR_OK) st = sort_trials(results, fronts, values->sort, &order);
    const bool is_table = values->format == FORMAT_TABLE;
    size_t n = values->top > 0 ? (size_t)values->top : is_table ? TABLE_ROWS : SIZE_MAX;
    if (n > results->history->n) n = results->history->n;
    const fr_show show = {.results = results, .order = order, .n = n, .fronts = fronts};
    if (st == FR_OK) st = print_study(&show, values, out);
    fr_fronts_clear(&own);
    free(order);
    return st;
}

static fr_status run(const fr_cli *cli, void *values)
{
    const show_values *wanted = values;
    fr_results_file *results = NULL;
    fr_results_quiet_exit();
    if (wanted->explain && (wanted->trial != NULL || wanted->format != FORMAT_TABLE))
        return FR_FAIL(FR_ERR_USAGE,
                       "show: --explain is a page of its own, without --trial and --format; "
                       "foldrank export RESULTS --csv DIR writes its tables");
    FR_TRY(fr_results_open(cli->operands[0], wanted->explain, &results));
    const fr_status st = wanted->explain ? fr_show_explain(results, wanted->ascii, cli->out)
                         : wanted->trial != NULL ? show_trial(results, wanted, cli->out)
                                                 : show_study(results, wanted, cli->out);
    fr_results_close(&results);
    return st;
}

const fr_cli_command fr_cmd_show = {
    .name = "show",
    .operands = "RESULTS",
    .summary = "look into a results file",
    .details = "RESULTS is a results.h5, or the directory of a run, also while it goes on:\n"
               "then the last checkpoint is shown. Without --sort the best trials come\n"
               "first. A trial marked * is the chosen one; of several objectives those\n"
               "marked + are the front: no other trial is better in one and as good in all.",
    .example = "  foldrank show results/digits              the ten best trials\n"
               "  foldrank show results/digits --trial 17   everything about one\n"
               "  foldrank show results/digits --explain    what the model goes by\n"
               "  foldrank show results/digits -f csv       all trials, to read elsewhere",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .values_size = sizeof(show_values),
    .run = run,
};
