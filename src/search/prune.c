/* SPDX-License-Identifier: BSD-3-Clause */
/* prune.c - cutoffs from the curves of earlier trials. */
#include "foldrank/prune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"

static const struct {
    const char *word;
    fr_prune_method method;
} method_words[] = {
    {"median", FR_PRUNE_MEDIAN},       {"percentile", FR_PRUNE_PERCENTILE},
    {"asha", FR_PRUNE_ASHA},           {"hyperband", FR_PRUNE_HYPERBAND},
    {"threshold", FR_PRUNE_THRESHOLD}, {"patience", FR_PRUNE_PATIENCE},
    {"racing", FR_PRUNE_RACING},
};
enum { N_METHODS = sizeof method_words / sizeof *method_words };

fr_status fr_prune_methods(const fr_prune_options *options, unsigned *methods)
{
    const char *words[N_METHODS];
    for (size_t m = 0; m < N_METHODS; m++) words[m] = method_words[m].word;
    *methods = 0;
    for (size_t i = 0; i < options->method.n; i++) {
        const char *word = options->method.item[i];
        size_t m = 0;
        while (m < N_METHODS && strcmp(words[m], word) != 0) m++;
        if (m == N_METHODS) {
            const char *near = fr_nearest(word, words, N_METHODS);
            return FR_FAIL(FR_ERR_USAGE,
                           "method %s is unknown; allowed: median, percentile, asha, "
                           "hyperband, threshold, patience, racing%s%s%s",
                           word, near ? " (did you mean " : "", near ? near : "",
                           near ? "?)" : "");
        }
        *methods |= (unsigned)method_words[m].method;
    }
    double score;
    if ((*methods & FR_PRUNE_THRESHOLD) &&
        (options->threshold == NULL || !fr_parse_double(options->threshold, &score)))
        return FR_FAIL(FR_ERR_USAGE, "method threshold needs `threshold: SCORE`, a number");
    return FR_OK;
}

uint32_t fr_prune_brackets(const fr_prune_options *options, uint32_t epochs)
{
    uint32_t n = 1;
    for (double rung = (double)options->first_epoch * (double)options->reduction; rung < epochs;
         rung *= (double)options->reduction)
        n++;
    return n;
}

/* Bracket b halves n-1-b times. Trials are dealt out by the sizes that Hyperband's algorithm 1
 * gives its brackets: n / (s + 1) * eta^s for s halvings. */
uint32_t fr_prune_bracket(const fr_prune_options *options, uint64_t trial, uint32_t epochs)
{
    const uint32_t n = fr_prune_brackets(options, epochs);
    double total = 0;
    for (uint32_t s = 0; s < n; s++) total += pow((double)options->reduction, s) / (s + 1.0);
    fr_rng rng = fr_rng_make((uint64_t)options->seed, FR_RNG_BRACKET, trial, 0, 0);
    double draw = fr_rng_uniform(&rng) * total;
    for (uint32_t s = n - 1; s > 0; s--) {
        draw -= pow((double)options->reduction, s) / (s + 1.0);
        if (draw < 0) return n - 1 - s;
    }
    return n - 1;
}

/* The k-th best (1-based) of values[0..n); reorders them. Hoare's selection. */
static double kth_best(const fr_history *history, double *values, size_t n, size_t k)
{
    size_t low = 0, high = n - 1;
    while (low < high) {
        const double pivot = values[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;;) {
            while (fr_history_better(history, values[i], pivot)) i++;
            while (fr_history_better(history, pivot, values[j])) j--;
            if (i >= j) break;
            const double swap = values[i];
            values[i++] = values[j];
            values[j--] = swap;
        }
        /* Left of i nothing is worse than the pivot, right of j nothing better. */
        if (k - 1 <= j)
            high = j;
        else
            low = j + 1;
    }
    return values[k - 1];
}

typedef struct {
    const fr_prune_options *options;
    const fr_history *history;
    const fr_prune_query *query;
    unsigned methods;
    uint32_t bracket; /* of the trial; 0 without hyperband */
    uint32_t seen;    /* epochs that `best` covers */
    double *best;     /* (visible) best score up to epoch `seen`, NaN: none yet */
    double *values;   /* (visible) scratch */
} pruning;

/* NULL: the earlier trial has not trained this fold for `epoch` epochs. */
static const fr_fold_result *trained(const pruning *p, uint64_t trial, uint32_t epoch)
{
    const fr_fold_result *fold = p->history->trials[trial].folds[p->query->fold];
    const bool reached =
        fold != NULL && fold->state != FR_TRIAL_CANCELLED && fold->n_curve >= epoch;
    return reached ? fold : NULL;
}

/* Each point of each curve is looked at once per query, however many epochs ask. */
static void advance(pruning *p, uint32_t epoch)
{
    for (uint64_t t = 0; p->seen < epoch && t < p->query->visible; t++) {
        const fr_fold_result *fold = trained(p, t, epoch);
        if (fold == NULL) continue; /* it reaches no higher epoch either */
        for (uint32_t e = p->seen; e < epoch; e++)
            if (fr_history_better(p->history, fold->curve[2 * e + 1], p->best[t]))
                p->best[t] = fold->curve[2 * e + 1];
    }
    p->seen = epoch;
}

/* What there is to compare with at an epoch. */
typedef struct {
    size_t values; /* in p->values */
    size_t all;    /* those, and trials that an earlier fold has shown to be beaten */
} field;

static field collect(pruning *p, uint32_t epoch, bool same_bracket)
{
    field f = {0};
    advance(p, epoch);
    for (uint64_t t = 0; t < p->query->visible; t++) {
        const fr_fold_result *fold = p->history->trials[t].folds[p->query->fold];
        const bool beaten = fold != NULL && fold->state == FR_TRIAL_CANCELLED;
        if (!beaten && (trained(p, t, epoch) == NULL || isnan(p->best[t]))) continue;
        if (same_bracket && fr_prune_bracket(p->options, t, p->query->epochs) != p->bracket)
            continue;
        if (!beaten) p->values[f.values++] = p->best[t];
        f.all++;
    }
    return f;
}

/* first, first * eta, first * eta^2, ... */
static bool is_rung(const fr_prune_options *options, uint32_t epoch, uint32_t bracket)
{
    double rung = (double)options->first_epoch * pow((double)options->reduction, bracket);
    while (rung < epoch) rung *= (double)options->reduction;
    return rung == epoch;
}

/* How many of `all` go on at a rung: of the first fold one in eta of those that came so far; of
 * a later one as many as the rungs of a whole fit leave of all that there were. */
static size_t quota(const pruning *p, size_t all, uint32_t bracket)
{
    const fr_prune_options *o = p->options;
    const uint32_t left = fr_prune_brackets(o, p->query->epochs) - bracket;
    const double share = pow((double)o->reduction, p->query->fold == 0 ? 1.0 : left);
    return (size_t)((double)(all + 1) / share);
}

/* Raise *cutoff to the k-th best of n values, if there are as many. */
static void demand(const pruning *p, size_t n, size_t k, double *cutoff)
{
    if (k == 0 || k > n) return;
    const double value = kth_best(p->history, p->values, n, k);
    if (fr_history_better(p->history, value, *cutoff)) *cutoff = value;
}

/* With n earlier values the new one is among the best share of n + 1 exactly when it is not
 * worse than the k-th best of the n; k >= 1, so a new best always goes on. */
static double cutoff_at(pruning *p, uint32_t epoch)
{
    const fr_prune_options *o = p->options;
    double cutoff = NAN;
    if (p->methods & FR_PRUNE_THRESHOLD) (void)fr_parse_double(o->threshold, &cutoff);

    const bool shares[] = {(p->methods & FR_PRUNE_MEDIAN) != 0,
                           (p->methods & FR_PRUNE_PERCENTILE) != 0};
    const double percent[] = {50.0, o->percentile};
    for (int m = 0; m < 2; m++) {
        if (!shares[m]) continue;
        const field f = collect(p, epoch, false);
        const size_t k = (size_t)ceil(percent[m] / 100 * (double)f.all);
        if (f.all >= (size_t)o->startup_trials) demand(p, f.values, k, &cutoff);
    }
    const unsigned halving[] = {FR_PRUNE_ASHA, FR_PRUNE_HYPERBAND};
    for (int m = 0; m < 2; m++) {
        const bool brackets = halving[m] == FR_PRUNE_HYPERBAND;
        if (!(p->methods & halving[m]) || !is_rung(o, epoch, brackets ? p->bracket : 0))
            continue;
        const field f = collect(p, epoch, brackets);
        demand(p, f.values, quota(p, f.all, brackets ? p->bracket : 0), &cutoff);
    }
    return cutoff;
}

fr_status fr_prune_rungs(const fr_prune_options *options, const fr_history *history,
                         const fr_prune_query *query, fr_rung **rungs, size_t *n)
{
    *rungs = NULL;
    *n = 0;
    pruning p = {.options = options, .history = history, .query = query};
    FR_TRY(fr_prune_methods(options, &p.methods));
    if ((p.methods & FR_PRUNE_BY_CUTOFF) == 0) return FR_OK;
    if (p.methods & FR_PRUNE_HYPERBAND)
        p.bracket = fr_prune_bracket(options, query->trial, query->epochs);

    fr_rung *out = fr_alloc(query->epochs, sizeof *out);
    p.best = fr_alloc((size_t)query->visible, sizeof *p.best);
    p.values = fr_alloc((size_t)query->visible, sizeof *p.values);
    const bool allocated = out != NULL && p.best != NULL && p.values != NULL;
    fr_status st = allocated ? FR_OK : FR_ERR_MEMORY;
    for (uint64_t t = 0; st == FR_OK && t < query->visible; t++) p.best[t] = NAN;
    for (uint32_t e = (uint32_t)options->first_epoch; st == FR_OK && e < query->epochs; e++) {
        const double cutoff = cutoff_at(&p, e);
        if (!isnan(cutoff)) out[(*n)++] = (fr_rung){e, cutoff};
    }
    free(p.best);
    free(p.values);
    if (*n == 0) {
        free(out);
        out = NULL;
    }
    *rungs = out;
    return st;
}

#define FIELD(name) offsetof(fr_prune_options, name)

const fr_option fr_prune_option_table[] = {
    {.name = "method",
     .type = FR_OPTION_STRINGS,
     .offset = FIELD(method),
     .fallback = "[]",
     .help = "median, percentile, asha, hyperband, threshold, patience, racing; any together"},
    {.name = "first_epoch",
     .type = FR_OPTION_INT,
     .offset = FIELD(first_epoch),
     .fallback = "1",
     .low = 1,
     .high = 1e9,
     .help = "no fit is stopped before this epoch"},
    {.name = "reduction",
     .type = FR_OPTION_INT,
     .offset = FIELD(reduction),
     .fallback = "3",
     .low = 2,
     .high = 1000,
     .help = "asha, hyperband: one in so many goes on at a rung"},
    {.name = "percentile",
     .type = FR_OPTION_DOUBLE,
     .offset = FIELD(percentile),
     .fallback = "25",
     .low = 0,
     .high = 100,
     .open_low = true,
     .help = "percentile: share of the fits that goes on [%]"},
    {.name = "startup_trials",
     .type = FR_OPTION_INT,
     .offset = FIELD(startup_trials),
     .fallback = "5",
     .low = 1,
     .high = 1e9,
     .help = "median, percentile: earlier trials needed to compare with"},
    {.name = "threshold",
     .type = FR_OPTION_STRING,
     .offset = FIELD(threshold),
     .help = "threshold: a fit with a worse score is stopped"},
    {.name = "patience",
     .type = FR_OPTION_INT,
     .offset = FIELD(patience),
     .fallback = "10",
     .low = 1,
     .high = 1e9,
     .help = "patience: a fit ends, complete, after so many epochs without a better score"},
    {.name = "alpha",
     .type = FR_OPTION_DOUBLE,
     .offset = FIELD(alpha),
     .fallback = "0.1",
     .low = 0,
     .high = 0.5,
     .open_low = true,
     .help = "racing: level of the one-sided test"},
    {.name = "first_fold",
     .type = FR_OPTION_INT,
     .offset = FIELD(first_fold),
     .fallback = "2",
     .low = 2,
     .high = 1e6,
     .help = "racing: folds done before the first test"},
    {.name = "seed",
     .type = FR_OPTION_INT,
     .offset = FIELD(seed),
     .fallback = "0",
     .help = "hyperband: which trial goes to which bracket"},
};
const size_t fr_prune_option_count =
    sizeof fr_prune_option_table / sizeof *fr_prune_option_table;
