/* SPDX-License-Identifier: BSD-3-Clause */
/* select.c - ranking of the complete trials, and the rules that choose from it. */
#include "foldrank/select.h"

#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

typedef struct {
    double key; /* smaller is better */
    uint64_t trial;
} entry;

static int by_score(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

/* Complete trials with a score that may be chosen, best first. */
static fr_status rank_trials(const fr_history *history, const bool *allowed, fr_selection *out)
{
    entry *entries = fr_alloc(history->n, sizeof *entries);
    if (entries == NULL) return FR_ERR_MEMORY;
    size_t n = 0, complete = 0;
    for (size_t t = 0; t < history->n; t++) {
        const fr_trial *trial = &history->trials[t];
        if (trial->state != FR_TRIAL_COMPLETE || isnan(trial->score_mean)) continue;
        complete++;
        if (allowed != NULL && !allowed[t]) continue;
        const double key = history->maximize ? -trial->score_mean : trial->score_mean;
        entries[n++] = (entry){.key = key, .trial = t};
    }
    qsort(entries, n, sizeof *entries, by_score);
    out->n_ranking = n;
    out->ranking = fr_alloc(n, sizeof *out->ranking);
    for (size_t i = 0; i < n && out->ranking != NULL; i++) out->ranking[i] = entries[i].trial;
    free(entries);
    if (out->ranking == NULL) return FR_ERR_MEMORY;
    if (n > 0) return FR_OK;
    if (complete > 0)
        return FR_FAIL(FR_ERR_STATE,
                       "no model can be selected: none of %zu complete trials meets "
                       "select.constraints",
                       complete);
    return FR_FAIL(FR_ERR_STATE,
                   "no model can be selected: none of %zu trials is complete with a score",
                   history->n);
}

/* Position of the smallest model among those marked; the better mean where equal. A model of
 * unknown size counts as larger than any. */
static size_t smallest(const fr_selection *selection, const bool *allowed,
                       const double *complexity)
{
    size_t chosen = 0;
    for (size_t i = 1; i < selection->n_ranking && complexity != NULL; i++) {
        const double here = complexity[selection->ranking[i]];
        const double least = complexity[selection->ranking[chosen]];
        if (allowed[i] && (here < least || (isnan(least) && !isnan(here)))) chosen = i;
    }
    return chosen;
}

static void mark_one_standard_error(const fr_history *history, const fr_selection *selection,
                                    bool *allowed)
{
    const fr_trial *best = &history->trials[selection->ranking[0]];
    const double se = isnan(best->score_se) ? 0.0 : best->score_se;
    for (size_t i = 0; i < selection->n_ranking; i++) {
        const double score = history->trials[selection->ranking[i]].score_mean;
        allowed[i] = fabs(score - best->score_mean) <= se;
    }
}

static fr_status mark_paired_test(const fr_history *history, double alpha,
                                  const fr_select_facts *facts, fr_selection *out,
                                  bool *allowed)
{
    const uint32_t folds = history->n_folds;
    double *difference = fr_alloc(folds, sizeof *difference);
    out->p_value = fr_alloc(out->n_ranking, sizeof *out->p_value);
    out->difference = fr_alloc(out->n_ranking, sizeof *out->difference);
    if (difference == NULL || out->p_value == NULL || out->difference == NULL) {
        free(difference);
        return FR_ERR_MEMORY;
    }
    const fr_trial *best = &history->trials[out->ranking[0]];
    for (size_t i = 0; i < out->n_ranking; i++) {
        const fr_trial *trial = &history->trials[out->ranking[i]];
        for (uint32_t f = 0; f < folds; f++)
            difference[f] = trial->folds[f]->score - best->folds[f]->score;
        out->difference[i] = trial->score_mean - best->score_mean;
        out->p_value[i] =
            fr_paired_test(difference, folds, facts->train_rows, facts->valid_rows);
        /* With one fold there is no test (NaN): only an equal score is not told apart. */
        allowed[i] = i == 0 || out->p_value[i] >= alpha ||
                     (isnan(out->p_value[i]) && out->difference[i] == 0.0);
    }
    free(difference);
    return FR_OK;
}

static fr_status find_fronts(const fr_history *history, const fr_select_options *options,
                             const bool *allowed, fr_selection *out)
{
    double reference[FR_GOALS_MAX];
    size_t n = 0;
    if (history->n_goals < 2) return FR_OK;
    FR_TRY(fr_select_reference(options, history->n_goals, reference, &n));
    return fr_fronts_find(history, allowed, reference, n, &out->fronts);
}

/* Where in the ranking the rule's choice stands. */
static fr_status apply_rule(const fr_history *history, const fr_select_options *options,
                            const fr_select_facts *facts, fr_selection *out, size_t *position)
{
    fr_status st = FR_OK;
    bool *allowed = fr_alloc(out->n_ranking, sizeof *allowed);
    if (allowed == NULL) return FR_ERR_MEMORY;
    *position = 0;
    switch ((fr_rule)options->rule) {
    case FR_RULE_BEST:
        break;
    case FR_RULE_ONE_STANDARD_ERROR:
        mark_one_standard_error(history, out, allowed);
        *position = smallest(out, allowed, facts->complexity);
        break;
    case FR_RULE_PAIRED_TEST:
        st = mark_paired_test(history, options->alpha, facts, out, allowed);
        if (st == FR_OK) *position = smallest(out, allowed, facts->complexity);
        break;
    case FR_RULE_DICE:
        st = fr_dice_run(history, options, out, position);
        break;
    case FR_RULE_KNEE:
        if (out->fronts.n_front == 0) break; /* of one objective the best is the whole front */
        const size_t knee = fr_fronts_knee(history, &out->fronts);
        while (out->ranking[*position] != knee) ++*position;
        break;
    }
    free(allowed);
    return st;
}

fr_status fr_select_run(const fr_history *history, const fr_select_options *options,
                        const fr_select_facts *facts, fr_selection *out)
{
    size_t position = 0;
    *out = (fr_selection){.rule = options->rule};
    fr_status st = rank_trials(history, facts->allowed, out);
    if (st == FR_OK) st = find_fronts(history, options, facts->allowed, out);
    if (st == FR_OK) st = apply_rule(history, options, facts, out, &position);
    if (st == FR_OK)
        out->chosen = (size_t)out->ranking[position];
    else
        fr_selection_clear(out);
    return st;
}

void fr_selection_clear(fr_selection *selection)
{
    free(selection->ranking);
    free(selection->p_value);
    free(selection->difference);
    free(selection->round_winner);
    free(selection->win_share);
    free(selection->expected);
    fr_fronts_clear(&selection->fronts);
    *selection = (fr_selection){0};
}
