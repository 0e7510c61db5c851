/* SPDX-License-Identifier: BSD-3-Clause */
/* summary.c - what `foldrank run` prints on stdout at the end. */
#include <math.h>

#include "cli.h"
#include "foldrank/text.h"

enum { TOP = 10 };

/* Complete trials by mean score when no selection ranks them: a stopped run. */
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

static void print_trial(const fr_cli *cli, const fr_study *study, const fr_history *history,
                        size_t place, uint64_t id)
{
    const fr_trial *trial = &history->trials[id];
    char score[64];
    fr_text point = {0};
    if (isnan(trial->score_se))
        snprintf(score, sizeof score, "%.6g", trial->score_mean);
    else
        snprintf(score, sizeof score, "%.6g +- %.2g", trial->score_mean, trial->score_se);
    format_point(&study->space, trial->point, &point);
    fprintf(cli->out, "%5zu %7llu  %-22s %s\n", place, (unsigned long long)id, score,
            fr_text_get(&point));
    fr_text_clear(&point);
}

static void print_trials(const fr_cli *cli, const fr_study *study, const fr_run_report *report)
{
    uint64_t so_far[TOP];
    const bool ranked = report->selection.ranking != NULL;
    const uint64_t *best = ranked ? report->selection.ranking : so_far;
    size_t n = ranked ? report->selection.n_ranking : rank_so_far(report->history, so_far);
    if (n > TOP) n = TOP;
    if (n == 0) return;
    const bool trains = study->objective.type == FR_OBJECTIVE_TRAINING;
    fprintf(cli->out, "%5s %7s  %-22s %s\n", "place", "trial",
            trains ? fr_metric_words[study->metric] : "value", "parameters");
    for (size_t i = 0; i < n; i++) print_trial(cli, study, report->history, i + 1, best[i]);
    fputc('\n', cli->out);
}

/* The honest score beside the one that the search has seen and chosen by. */
static void print_worth(const fr_cli *cli, const fr_study *study, const fr_run_report *report)
{
    const char *metric = fr_metric_words[study->metric];
    const double seen = report->history->trials[report->selection.chosen].score_mean;
    if (report->n_test_rows == 0) {
        fprintf(cli->out, "test %s: none, the study keeps no test rows\n", metric);
        return;
    }
    if (isnan(report->test_score)) {
        fprintf(cli->out, "test %s: not defined on the %zu test rows\n", metric,
                report->n_test_rows);
        return;
    }
    const double optimism =
        study->maximize ? seen - report->test_score : report->test_score - seen;
    fprintf(cli->out,
            "test %s: %.6g on rows that the search never saw\n"
            "validation %s was %.6g: too %s by %.2g\n",
            metric, report->test_score, metric, seen,
            optimism < 0 ? "pessimistic" : "optimistic", fabs(optimism));
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
    if (chosen) fprintf(cli->out, "chosen: trial %zu\n", report->selection.chosen);
    if (chosen && status == FR_OK && study->objective.type == FR_OBJECTIVE_TRAINING)
        print_worth(cli, study, report);
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
