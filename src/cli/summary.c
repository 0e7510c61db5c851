/* SPDX-License-Identifier: BSD-3-Clause */
/* summary.c - what `foldrank run` prints on stdout at the end. */
#include <math.h>

#include "cli.h"
#include "foldrank/text.h"

enum { TOP = 10 };

/* Complete trials by mean score in the first objective when no selection ranks them: a stopped
 * run. */
static size_t rank_so_far(const fr_history *history, uint64_t best[TOP])
{
    size_t n = 0;
    for (size_t t = 0; t < history->n; t++) {
        if (history->trials[t].state != FR_TRIAL_COMPLETE) continue;
        size_t at = n < TOP ? n : TOP;
        while (at > 0 && fr_history_better(history, history->trials[t].score_mean,
                                           history->trials[best[at - 1]].score_mean))
            at--;
        if (at == TOP) continue;
        if (n < TOP) n++;
        for (size_t i = n - 1; i > at; i--) best[i] = best[i - 1];
        best[at] = t;
    }
    return n;
}

/* Values as a reader wants them; the files have all digits. */
static void format_point(const fr_space *space, const double *point, fr_text *out)
{
    for (size_t j = 0; j < space->n; j++) {
        if (!fr_space_active(space, j, point)) continue;
        const fr_param *param = &space->params[j];
        fr_text_add(out, "%s%s=", out->length > 0 ? " " : "", param->name);
        if (param->kind == FR_PARAM_CHOICE)
            fr_param_format(param, point[j], out);
        else
            fr_text_add(out, "%.4g", point[j]);
    }
}

/* "0.97 +- 0.0031"; a cost that is the same in all folds has no error to speak of. */
static void format_score(const fr_trial *trial, size_t k, char out[64])
{
    const double mean = fr_trial_mean(trial, k), se = fr_trial_se(trial, k);
    if (isnan(se) || (k > 0 && se == 0))
        snprintf(out, 64, "%.6g", mean);
    else
        snprintf(out, 64, "%.6g +- %.2g", mean, se);
}

enum { SCORE_WIDTH = 22, MARK_WIDTH = 5 };

static void print_trial(const fr_cli *cli, const fr_study *study, const fr_history *history,
                        const char *mark, uint64_t id)
{
    const fr_trial *trial = &history->trials[id];
    fr_text point = {0};
    format_point(&study->space, trial->point, &point);
    fprintf(cli->out, "%*s %7llu  ", MARK_WIDTH, mark, (unsigned long long)id);
    for (size_t k = 0; k < study->n_goals; k++) {
        char score[64];
        format_score(trial, k, score);
        fprintf(cli->out, "%-*s ", SCORE_WIDTH, score);
    }
    fprintf(cli->out, "%s\n", fr_text_get(&point));
    fr_text_clear(&point);
}

/* The best trials; of several objectives the front, at most TOP of it. */
static void print_trials(const fr_cli *cli, const fr_study *study, const fr_run_report *report)
{
    uint64_t so_far[TOP];
    const fr_selection *selection = &report->selection;
    const bool ranked = selection->ranking != NULL, several = selection->fronts.n_front > 0;
    const uint64_t *best = several  ? selection->fronts.front
                           : ranked ? selection->ranking
                                    : so_far;
    const size_t all = several  ? selection->fronts.n_front
                       : ranked ? selection->n_ranking
                                : rank_so_far(report->history, so_far);
    const size_t n = all < TOP ? all : TOP;
    if (n == 0) return;
    fprintf(cli->out, "%*s %7s  ", MARK_WIDTH, several ? "front" : "place", "trial");
    for (size_t k = 0; k < study->n_goals; k++)
        fprintf(cli->out, "%-*s ", SCORE_WIDTH, study->goals[k].name);
    fprintf(cli->out, "parameters\n");
    for (size_t i = 0; i < n; i++) {
        char mark[32];
        snprintf(mark, sizeof mark, "%zu", i + 1);
        print_trial(cli, study, report->history, mark, best[i]);
    }
    if (several && all > n) fprintf(cli->out, "and %zu more on the front\n", all - n);
    fputc('\n', cli->out);
}

/* The honest score beside the one that the search has seen and chosen by. */
static void print_worth_in(const fr_cli *cli, const fr_study *study,
                           const fr_run_report *report, size_t k)
{
    const char *metric = study->goals[k].name;
    const double seen = fr_trial_mean(&report->history->trials[report->selection.chosen], k);
    const double test = k == 0 ? report->test_score : report->test_more[k - 1];
    if (isnan(test)) {
        fprintf(cli->out, "test %s: not defined on the %zu test rows\n", metric,
                report->n_test_rows);
        return;
    }
    const double optimism = study->goals[k].maximize ? seen - test : test - seen;
    fprintf(cli->out,
            "test %s: %.6g on rows that the search never saw\n"
            "validation %s was %.6g: too %s by %.2g\n",
            metric, test, metric, seen, optimism < 0 ? "pessimistic" : "optimistic",
            fabs(optimism));
}

static void print_calibration(const fr_cli *cli, const fr_run_report *report)
{
    fr_text text = {0};
    fr_cli_describe_calibration(&report->calibration, &text);
    fprintf(cli->out, "%s", fr_text_get(&text));
    fr_text_clear(&text);
}

static void print_worth(const fr_cli *cli, const fr_study *study, const fr_run_report *report)
{
    for (size_t k = 0; k < study->n_goals && report->n_test_rows > 0; k++)
        if (study->goals[k].kind == FR_GOAL_METRIC) print_worth_in(cli, study, report, k);
    if (report->n_test_rows == 0)
        fprintf(cli->out, "test %s: none, the study keeps no test rows\n",
                study->goals[0].name);
    print_calibration(cli, report);
}

static void print_ensemble(const fr_cli *cli, const fr_study *study,
                           const fr_run_report *report)
{
    if (report->n_members == 0) return;
    fprintf(cli->out, "ensemble of %zu model%s", report->n_members,
            report->n_members == 1 ? "" : "s");
    if (!isnan(report->ensemble_test_score))
        fprintf(cli->out, ": test %s %.6g", study->goals[0].name, report->ensemble_test_score);
    fputc('\n', cli->out);
}

static void print_nested(const fr_cli *cli, const fr_study *study, const fr_nested *nested)
{
    fr_text text = {0};
    fr_cli_describe_nested(study, nested, &text);
    fputs(fr_text_get(&text), cli->out);
    fr_text_clear(&text);
}

/* What is behind the choice: with several objectives also how it trades them off. */
static void print_chosen(const fr_cli *cli, const fr_study *study, const fr_run_report *report)
{
    const fr_selection *selection = &report->selection;
    const fr_trial *trial = &report->history->trials[selection->chosen];
    fprintf(cli->out, "chosen: trial %zu", selection->chosen);
    for (size_t k = 0; study->n_goals > 1 && k < study->n_goals; k++)
        fprintf(cli->out, "%s %s %.6g", k == 0 ? ":" : ",", study->goals[k].name,
                fr_trial_mean(trial, k));
    fputc('\n', cli->out);
}

static void print_counts(const fr_cli *cli, const fr_run_report *report)
{
    size_t complete = 0, settled = 0;
    for (size_t t = 0; t < report->history->n; t++) {
        complete += report->history->trials[t].state == FR_TRIAL_COMPLETE;
        settled += report->history->trials[t].state != FR_TRIAL_PENDING;
    }
    double busy = 0.0;
    for (int i = 0; i < report->n_ranks; i++) busy += report->ranks[i].busy_s;
    if (report->fits == 0 && report->resumed && settled == report->history->n) {
        fprintf(cli->out, "all of it was there already: nothing was trained\n");
        return;
    }
    char wall[FR_NUMBER_SIZE];
    fprintf(cli->out, "%zu trials settled, %zu of them complete\n", settled, complete);
    fprintf(cli->out, "%llu fits in %s on %d ranks, which trained %.1f %% of the time\n",
            (unsigned long long)report->fits, fr_format_duration(report->wall_s, wall),
            report->n_ranks, 100.0 * busy / (report->wall_s * report->n_ranks));
    if (report->discarded > 0)
        fprintf(cli->out,
                "%llu more were trained while others showed their trials to be beaten\n",
                (unsigned long long)report->discarded);
}

static void print_end(const fr_cli *cli, const fr_study *study, const fr_run_report *report)
{
    fr_text text = {0};
    fr_cli_describe_end(study, report->history, report->end, report->usage, &text);
    if (text.length > 0) fprintf(cli->out, "ended by %s\n", fr_text_get(&text));
    fr_text_clear(&text);
}

void fr_cli_print_summary(const fr_cli *cli, const fr_study *study, const fr_run_report *report,
                          fr_status status)
{
    print_trials(cli, study, report);
    const bool chosen = report->selection.ranking != NULL;
    if (chosen) print_chosen(cli, study, report);
    if (chosen && status == FR_OK && study->objective.type == FR_OBJECTIVE_TRAINING)
        print_worth(cli, study, report);
    if (chosen && status == FR_OK) print_ensemble(cli, study, report);
    print_nested(cli, study, &report->nested);
    print_counts(cli, report);
    if (status == FR_OK) print_end(cli, study, report);
    fprintf(cli->out, "results: %s/results.h5\n", study->output);
    if (status == FR_STOPPED)
        fprintf(cli->out,
                "stopped early (%s); every finished fit is saved, and %zu in the middle. To go "
                "on, run the same command again.\n",
                fr_status_message(), report->n_saved);
    else if (status == FR_OK)
        fprintf(cli->out, "next: foldrank show %s\n", study->output);
    if (status == FR_OK && study->objective.type == FR_OBJECTIVE_TRAINING)
        fprintf(cli->out, "      foldrank predict %s DATA -o FILE\n", study->output);
}
