/* SPDX-License-Identifier: BSD-3-Clause */
/* scores.c - what a study with several objectives adds to a results file: the scores in each,
 * the front among the trials, the test scores. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

/* ---- writing ---- */

static const char *goal_name(void *goals, size_t i)
{
    return ((const fr_goal *)goals)[i].name;
}

static const char *goal_direction(void *goals, size_t i)
{
    return ((const fr_goal *)goals)[i].maximize ? "maximize" : "minimize";
}

void fr_goals_put(fr_h5_out *out, const fr_study *study)
{
    fr_h5_put_group(out, "/study/objectives");
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/study/objectives/name",
                                        .n = study->n_goals,
                                        .text = goal_name,
                                        .context = (void *)study->goals,
                                        .about = "what the trials are compared by"});
    fr_h5_put_texts(out, &(fr_h5_texts){.path = "/study/objectives/direction",
                                        .n = study->n_goals,
                                        .text = goal_direction,
                                        .context = (void *)study->goals,
                                        .about = "maximize, minimize"});
}

/* One objective of all trials, or of all folds in their order; slabs come in order. */
typedef struct {
    const fr_history *history;
    size_t goal;
    bool errors;
    size_t trial;
    uint32_t fold;
} score_cursor;

static void next_trials(void *context, size_t first, size_t n, void *out)
{
    const score_cursor *at = context;
    for (size_t i = 0; i < n; i++) {
        const fr_trial *trial = &at->history->trials[first + i];
        ((double *)out)[i] =
            at->errors ? fr_trial_se(trial, at->goal) : fr_trial_mean(trial, at->goal);
    }
}

static void next_folds(void *context, size_t first, size_t n, void *out)
{
    score_cursor *at = context;
    (void)first;
    for (size_t i = 0; i < n;) {
        if (at->fold == at->history->n_folds) {
            at->fold = 0;
            at->trial++;
        }
        const fr_fold_result *fold = at->history->trials[at->trial].folds[at->fold++];
        if (fold != NULL) ((double *)out)[i++] = fr_fold_score(fold, at->goal);
    }
}

static void put_scores(fr_h5_out *out, const fr_results *results, const char *group,
                       fr_h5_column column)
{
    const fr_study *study = results->study;
    fr_h5_put_group(out, group);
    for (size_t k = 0; k < study->n_goals; k++) {
        fr_text path = {0};
        score_cursor at = {.history = results->history,
                           .goal = k,
                           .errors = strcmp(group, "/trials/scores_se") == 0};
        fr_text_add(&path, "%s/%s", group, study->goals[k].name);
        column.path = fr_text_get(&path);
        column.type = FR_H5_F64;
        column.context = &at;
        if (path.failed)
            out->failed = true;
        else
            fr_h5_put_column(out, &column);
        fr_text_clear(&path);
    }
}

void fr_scores_put(fr_h5_out *out, const fr_results *results)
{
    const fr_history *history = results->history;
    size_t n_folds = 0;
    if (results->study->n_goals < 2) return;
    for (size_t t = 0; t < history->n; t++) n_folds += history->trials[t].n_done;
    put_scores(out, results, "/trials/scores",
               (fr_h5_column){.n = history->n,
                              .next = next_trials,
                              .about = "mean over the complete folds"});
    put_scores(out, results, "/trials/scores_se",
               (fr_h5_column){.n = history->n,
                              .next = next_trials,
                              .about = "standard error of the mean"});
    put_scores(
        out, results, "/folds/scores",
        (fr_h5_column){.n = n_folds, .next = next_folds, .about = "score at the kept epoch"});
}

static void put_test_scores(fr_h5_out *out, const fr_results *results)
{
    const fr_study *study = results->study;
    fr_h5_put_group(out, "/selection/test_scores");
    for (size_t k = 0; k < study->n_goals; k++) {
        fr_text path = {0};
        if (study->goals[k].kind != FR_GOAL_METRIC) continue;
        fr_text_add(&path, "/selection/test_scores/%s", study->goals[k].name);
        fr_h5_put_scalar(out, fr_text_get(&path), FR_H5_F64,
                         k == 0 ? &results->test_score : &results->test_more[k - 1]);
        out->failed = out->failed || path.failed;
        fr_text_clear(&path);
    }
}

void fr_fronts_put(fr_h5_out *out, const fr_results *results)
{
    const fr_fronts *fronts = &results->selection->fronts;
    if (results->study->n_goals < 2) return;
    const fr_h5_column columns[] = {
        {.path = "/selection/front",
         .type = FR_H5_U64,
         .n = fronts->n_front,
         .data = fronts->front,
         .about = "trials that no other dominates, best first in the first objective"},
        {.path = "/selection/pareto_rank",
         .type = FR_H5_U32,
         .n = fronts->n_trials,
         .data = fronts->rank,
         .about = "of each trial: 1 = front, 2 = front without these, ...; 0 = not ranked"},
        {.path = "/selection/hypervolume",
         .type = FR_H5_F64,
         .n = fronts->n_trials,
         .data = fronts->hypervolume,
         .about = "dominated by the trials up to each one"},
        {.path = "/selection/reference",
         .type = FR_H5_F64,
         .n = results->study->n_goals,
         .data = fronts->reference,
         .about = "where the hypervolume ends, in each objective"},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        fr_h5_put_column(out, &columns[i]);
    put_test_scores(out, results);
}

/* ---- reading ---- */

/* `path/NAME` of objective k; values[0..n). */
static fr_status get_scores(const fr_h5_in *in, const fr_study *study, const char *group,
                            size_t k, double *values, size_t n)
{
    fr_text path = {0};
    fr_text_add(&path, "%s/%s", group, study->goals[k].name);
    const fr_status st = path.failed
                             ? FR_ERR_MEMORY
                             : fr_h5_get_column(in, fr_text_get(&path), FR_H5_F64, n, values);
    fr_text_clear(&path);
    return st;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* The first objective stands in two places. */
static fr_status check_first(const fr_h5_in *in, const fr_study *study, double twice,
                             double score, size_t row)
{
    if (same(twice, score)) return FR_OK;
    return FR_FAIL(FR_ERR_FORMAT,
                   "%s: scores/%s is not the score (row %zu); the file is damaged", in->path,
                   study->goals[0].name, row);
}

fr_status fr_scores_get_folds(const fr_h5_in *in, const fr_study *study, fr_fold_result *folds,
                              size_t n)
{
    if (study->n_goals < 2) return FR_OK;
    double *values = fr_alloc(n, sizeof *values);
    fr_status st = values == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t k = 0; st == FR_OK && k < study->n_goals; k++) {
        st = get_scores(in, study, "/folds/scores", k, values, n);
        for (size_t i = 0; st == FR_OK && i < n; i++) {
            if (k == 0)
                st = check_first(in, study, values[i], folds[i].score, i);
            else
                folds[i].more[k - 1] = values[i];
        }
    }
    for (size_t i = 0; i < n; i++) folds[i].n_more = (uint32_t)study->n_goals - 1;
    free(values);
    return st;
}

fr_status fr_scores_compare(const fr_h5_in *in, const fr_study *study,
                            const fr_history *history)
{
    if (study->n_goals < 2) return FR_OK;
    const size_t n = history->n;
    double *means = fr_alloc(n, 2 * sizeof *means);
    fr_status st = means == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t k = 0; st == FR_OK && k < study->n_goals; k++) {
        double *errors = means + n;
        st = get_scores(in, study, "/trials/scores", k, means, n);
        if (st == FR_OK) st = get_scores(in, study, "/trials/scores_se", k, errors, n);
        for (size_t t = 0; st == FR_OK && t < n; t++)
            if (!same(means[t], fr_trial_mean(&history->trials[t], k)) ||
                !same(errors[t], fr_trial_se(&history->trials[t], k)))
                st = FR_FAIL(FR_ERR_FORMAT,
                             "%s: /trials/scores/%s does not follow from /folds (row %zu); the "
                             "file is damaged",
                             in->path, study->goals[k].name, t);
    }
    free(means);
    return st;
}

static fr_status get_test_scores(const fr_h5_in *in, fr_results_file *results)
{
    const fr_study *study = results->study;
    double first = results->test_score;
    for (size_t k = 0; k < study->n_goals; k++)
        if (study->goals[k].kind == FR_GOAL_METRIC)
            FR_TRY(get_scores(in, study, "/selection/test_scores", k,
                              k == 0 ? &first : &results->test_more[k - 1], 1));
    return check_first(in, study, first, results->test_score, 0);
}

fr_status fr_fronts_get(const fr_h5_in *in, fr_results_file *results)
{
    fr_fronts *f = &results->selection.fronts;
    const size_t n = results->history->n, n_goals = results->study->n_goals;
    size_t n_rank = 0, n_volume = 0;
    if (n_goals < 2) return FR_OK;
    FR_TRY(fr_h5_get_all(in, "/selection/front", FR_H5_U64, &f->front, &f->n_front));
    FR_TRY(fr_h5_get_all(in, "/selection/pareto_rank", FR_H5_U32, &f->rank, &n_rank));
    FR_TRY(fr_h5_get_all(in, "/selection/hypervolume", FR_H5_F64, &f->hypervolume, &n_volume));
    FR_TRY(fr_h5_get_column(in, "/selection/reference", FR_H5_F64, n_goals, f->reference));
    f->n_trials = n_rank;
    /* A choice of an earlier run may be among fewer trials than there are by now. */
    bool good = n_rank <= n && n_volume == n_rank && f->n_front <= n;
    for (size_t i = 0; good && i < f->n_front; i++) good = f->front[i] < n;
    if (!good)
        return FR_FAIL(FR_ERR_FORMAT, "%s: the front of /selection does not fit its trials",
                       in->path);
    return get_test_scores(in, results);
}
