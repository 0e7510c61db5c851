/* SPDX-License-Identifier: BSD-3-Clause */
/* cost.c - where a trial that was stopped early would have come out.
 *
 * Under heavy pruning few trials are complete: a sampler that learns from these alone knows
 * next to nothing. On letter, 192 of 200 trials were stopped, tpe never had the 10 results that
 * its model starts with, and the search stayed a Sobol sequence. */
#include "cost.h"

#include <math.h>
#include <stdbool.h>

enum {
    REFERENCES = 64, /* complete trials to compare with, the latest before it */
    LOOK_BACK = 4096 /* trials to look for them in */
};

/* The best score of a fold up to an epoch. */
static double score_up_to(const fr_history *h, const fr_fold_result *fold, uint32_t epoch)
{
    double best = NAN;
    for (size_t e = 0; e < fold->n_curve && e < epoch; e++)
        if (fr_history_better(h, fold->curve[2 * e + 1], best)) best = fold->curve[2 * e + 1];
    return fold->n_curve > 0 ? best : fold->score;
}

/* Mean cost of `trial` over the folds and epochs that `stopped` has trained. */
static double cost_where_stopped(const fr_history *h, const fr_trial *stopped,
                                 const fr_trial *trial)
{
    double sum = 0.0;
    size_t n = 0;
    for (uint32_t f = 0; f < h->n_folds; f++) {
        const fr_fold_result *end = stopped->folds[f], *fold = trial->folds[f];
        if (end == NULL || end->state == FR_TRIAL_CANCELLED) continue;
        if (fold == NULL) return NAN;
        sum += end->state == FR_TRIAL_PRUNED ? score_up_to(h, fold, end->epochs) : fold->score;
        n++;
    }
    const double mean = sum / (double)n;
    return h->maximize ? -mean : mean;
}

typedef struct {
    double early, final; /* costs */
} reference;

/* Complete trials before t, sorted by their cost where t was stopped. */
static size_t find_references(const fr_history *h, size_t t, reference *out)
{
    size_t n = 0;
    for (size_t i = t; i-- > 0 && t - i <= LOOK_BACK && n < REFERENCES;) {
        const fr_trial *trial = &h->trials[i];
        if (trial->state != FR_TRIAL_COMPLETE || trial->folds == NULL) continue;
        const reference r = {cost_where_stopped(h, &h->trials[t], trial),
                             h->maximize ? -trial->score_mean : trial->score_mean};
        if (!isfinite(r.early) || !isfinite(r.final)) continue;
        size_t at = n++;
        for (; at > 0 && r.early < out[at - 1].early; at--) out[at] = out[at - 1];
        out[at] = r;
    }
    return n;
}

/* Sort the final costs alone: the k-th best early then stands beside the k-th best final. */
static void match_ranks(reference *r, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const double final = r[i].final;
        size_t at = i;
        for (; at > 0 && final < r[at - 1].final; at--) r[at].final = r[at - 1].final;
        r[at].final = final;
    }
}

static double estimate(const fr_history *h, size_t t)
{
    reference r[REFERENCES];
    const double early = cost_where_stopped(h, &h->trials[t], &h->trials[t]);
    const size_t n = find_references(h, t, r);
    size_t better = 0;
    if (n == 0 || !isfinite(early)) return NAN;
    match_ranks(r, n);
    while (better < n && r[better].early < early) better++;
    if (better == 0) return r[0].final;
    if (better == n) return r[n - 1].final;
    const reference *above = &r[better - 1], *below = &r[better];
    const double way = (early - above->early) / (below->early - above->early);
    return above->final + way * (below->final - above->final);
}

double fr_trial_cost(const fr_history *history, size_t t)
{
    const fr_trial *trial = &history->trials[t];
    if (trial->state == FR_TRIAL_PRUNED && trial->folds != NULL && history->n_goals == 1)
        return estimate(history, t);
    if (trial->state != FR_TRIAL_COMPLETE || !isfinite(trial->score_mean)) return NAN;
    return history->maximize ? -trial->score_mean : trial->score_mean;
}
