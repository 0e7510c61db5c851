/* SPDX-License-Identifier: BSD-3-Clause */
/* importance.c - one-way analyses of variance, one per hyperparameter. */
#include "foldrank/importance.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "foldrank/memory.h"

enum { TRIALS_MIN = 8, BEST_MIN = 10, BEST_PART = 10, GROUPS_MAX = 10, GROUP_TRIALS = 10 };

typedef struct {
    double key;   /* to sort by: a score (small is good), a value */
    size_t trial; /* number of the trial */
    bool best;
} entry;

static int by_key(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

/* Trials that say something about their parameters, sorted, the best first and marked. */
static size_t rank_trials(const fr_history *history, entry *entries, size_t *n_best)
{
    size_t n = 0, n_complete = 0;
    for (size_t t = 0; t < history->n; t++) {
        const fr_trial *trial = &history->trials[t];
        const bool complete = trial->state == FR_TRIAL_COMPLETE && !isnan(trial->score_mean);
        if (!complete && trial->state != FR_TRIAL_PRUNED && trial->state != FR_TRIAL_DIVERGED)
            continue;
        n_complete += complete;
        const double score = history->maximize ? -trial->score_mean : trial->score_mean;
        entries[n++] = (entry){.key = complete ? score : INFINITY, .trial = t};
    }
    qsort(entries, n, sizeof *entries, by_key);
    const size_t tenth = (n + BEST_PART - 1) / BEST_PART;
    size_t best = tenth > BEST_MIN ? tenth : BEST_MIN;
    if (best > n_complete / 2) best = n_complete / 2;
    if (n < TRIALS_MIN) best = 0;
    for (size_t i = 0; i < best; i++) entries[i].best = true;
    *n_best = best;
    return n;
}

/* Number of the group of each of n sorted entries: by how many are smaller, so that equal
 * values stay together. Choices are groups as they are. */
static size_t group_of(const fr_param *param, const entry *sorted, size_t n, size_t first_equal)
{
    if (param->kind == FR_PARAM_CHOICE) return (size_t)sorted[first_equal].key;
    size_t groups = n / GROUP_TRIALS;
    if (groups < 2) groups = 2;
    if (groups > GROUPS_MAX) groups = GROUPS_MAX;
    return first_equal * groups / n;
}

/* Sum of squares of the indicator that the groups of n sorted entries explain, less what they
 * would by chance: the same number of degrees of freedom of the squares they leave. */
static double explained(const fr_param *param, const entry *sorted, size_t n)
{
    double between = 0.0, best = 0.0;
    size_t n_groups = 0;
    for (size_t i = 0, first_equal = 0; i < n;) {
        const size_t group = group_of(param, sorted, n, first_equal);
        double members = 0.0, best_here = 0.0;
        while (i < n) {
            if (sorted[i].key != sorted[first_equal].key) {
                first_equal = i;
                if (group_of(param, sorted, n, first_equal) != group) break;
            }
            members += 1.0;
            best_here += sorted[i].best;
            i++;
        }
        between += best_here * best_here / members;
        best += best_here;
        n_groups++;
    }
    if (n_groups < 2 || n_groups >= n) return 0.0;
    between -= best * best / (double)n;
    const double within = best - best * best / (double)n - between;
    const double freedom = (double)(n_groups - 1);
    return fmax(between - freedom * within / (double)(n - n_groups), 0.0);
}

/* The entries where parameter j is active, sorted by its value, into `active`. */
static size_t sort_active(const fr_history *history, const entry *ranked, size_t n, size_t j,
                          entry *active)
{
    size_t n_active = 0;
    for (size_t i = 0; i < n; i++) {
        const double value = history->trials[ranked[i].trial].point[j];
        if (isnan(value)) continue;
        active[n_active] = ranked[i];
        active[n_active++].key = value;
    }
    qsort(active, n_active, sizeof *active, by_key);
    return n_active;
}

fr_status fr_importance(const fr_history *history, double *share, size_t *n_trials,
                        size_t *n_best)
{
    entry *ranked = fr_alloc(history->n, sizeof *ranked);
    entry *active = fr_alloc(history->n, sizeof *active);
    fr_status st = ranked == NULL || active == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st != FR_OK) goto out;
    const size_t n = rank_trials(history, ranked, n_best);
    const double best = (double)*n_best;
    *n_trials = n;
    for (size_t j = 0; j < history->space->n; j++) {
        share[j] = NAN;
        if (*n_best == 0) continue;
        const size_t n_active = sort_active(history, ranked, n, j, active);
        share[j] = explained(&history->space->params[j], active, n_active) /
                   (best - best * best / (double)n);
    }
out:
    free(ranked);
    free(active);
    return st;
}
