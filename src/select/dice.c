/* SPDX-License-Identifier: BSD-3-Clause */
/* dice.c - best of k trials drawn at random: how often each wins, and what k buys.
 *
 * Each round has a generator of its own, made from (seed, round): any round can be thrown again
 * by itself, and the winners are kept. */
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "internal.h"

/* The expectation of the best of k of n without replacement is the sum over ranks of score x
 * probability that it is the best: C(n - i, k - 1) / C(n, k) for rank i = 1, 2, ... from the
 * best. Each probability follows from the one before by a ratio; no binomials. */
double fr_expected_best_sorted(const double *scores, size_t n, size_t k)
{
    double probability = (double)k / (double)n, sum = 0.0;
    for (size_t i = 1; i <= n - k + 1 && probability > 0.0; i++) {
        sum += probability * scores[i - 1];
        probability *= (double)(n - i - (k - 1)) / (double)(n - i);
    }
    return sum;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double fr_expected_best(const double *scores, size_t n, size_t k, bool maximize)
{
    if (k < 1 || k > n) return NAN;
    double *sorted = fr_alloc(n, sizeof *sorted);
    if (sorted == NULL) return NAN;
    for (size_t i = 0; i < n; i++) sorted[i] = maximize ? -scores[i] : scores[i];
    qsort(sorted, n, sizeof *sorted, ascending);
    const double best = fr_expected_best_sorted(sorted, n, k);
    free(sorted);
    return maximize ? -best : best;
}

/* Rank of each ranked trial by what the dice compare, 0 = best; ties keep the ranking's order.
 */
typedef struct {
    double key;
    size_t position;
} entry;

static int by_key(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

static fr_status rank_keys(const fr_history *history, bool lower_bound,
                           const fr_selection *selection, size_t *rank)
{
    const size_t n = selection->n_ranking;
    entry *entries = fr_alloc(n, sizeof *entries);
    if (entries == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const fr_trial *trial = &history->trials[selection->ranking[i]];
        double key = history->maximize ? -trial->score_mean : trial->score_mean;
        if (lower_bound && !isnan(trial->score_se)) key += trial->score_se;
        entries[i] = (entry){.key = key, .position = i};
    }
    qsort(entries, n, sizeof *entries, by_key);
    for (size_t i = 0; i < n; i++) rank[entries[i].position] = i;
    free(entries);
    return FR_OK;
}

/* Draw k of the n positions by the first k steps of a shuffle, which are undone afterwards: the
 * next round starts from the same order. `swaps` has k entries. */
static size_t throw_dice(fr_rng *rng, size_t *order, size_t n, size_t k, const size_t *rank,
                         size_t *swaps)
{
    size_t winner = SIZE_MAX;
    for (size_t i = 0; i < k; i++) {
        const size_t j = i + (size_t)fr_rng_below(rng, n - i);
        const size_t drawn = order[j];
        order[j] = order[i];
        order[i] = drawn;
        swaps[i] = j;
        if (winner == SIZE_MAX || rank[drawn] < rank[winner]) winner = drawn;
    }
    for (size_t i = k; i-- > 0;) {
        const size_t back = order[i];
        order[i] = order[swaps[i]];
        order[swaps[i]] = back;
    }
    return winner;
}

static fr_status expected_curve(const fr_history *history, fr_selection *out)
{
    const size_t n = out->n_ranking;
    double *scores = fr_alloc(n, sizeof *scores);
    if (scores == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) scores[i] = history->trials[out->ranking[i]].score_mean;
    for (size_t k = 1; k <= out->n_expected; k++)
        out->expected[k - 1] = fr_expected_best_sorted(scores, n, k);
    free(scores);
    return FR_OK;
}

static fr_status allocate(fr_selection *out, uint64_t rounds)
{
    enum { CURVE_MAX = 1000 }; /* the curve is flat long before, and each point costs O(n) */
    out->n_rounds = rounds;
    out->n_expected = out->n_ranking < CURVE_MAX ? out->n_ranking : CURVE_MAX;
    out->round_winner = fr_alloc(rounds, sizeof *out->round_winner);
    out->win_share = fr_alloc(out->n_ranking, sizeof *out->win_share);
    out->expected = fr_alloc(out->n_expected, sizeof *out->expected);
    if (out->round_winner == NULL || out->win_share == NULL || out->expected == NULL)
        return FR_ERR_MEMORY;
    return FR_OK;
}

fr_status fr_dice_run(const fr_history *history, const fr_select_options *options,
                      fr_selection *out, size_t *winner)
{
    const size_t n = out->n_ranking;
    const size_t k = options->k == 0 || (uint64_t)options->k > n ? n : (size_t)options->k;
    FR_TRY(allocate(out, (uint64_t)options->rounds));
    size_t *work = fr_alloc(n, 3 * sizeof *work);
    if (work == NULL) return FR_ERR_MEMORY;
    size_t *rank = work, *order = work + n, *swaps = work + 2 * n;
    fr_status st = rank_keys(history, options->lower_bound, out, rank);
    if (st == FR_OK) st = expected_curve(history, out);
    if (st != FR_OK) goto out;

    for (size_t i = 0; i < n; i++) order[i] = i;
    for (uint64_t round = 0; round < out->n_rounds; round++) {
        fr_rng rng = fr_rng_make((uint64_t)options->seed, FR_RNG_DICE, round, 0, 0);
        const size_t won = throw_dice(&rng, order, n, k, rank, swaps);
        out->round_winner[round] = out->ranking[won];
        out->win_share[won] += 1.0;
    }
    *winner = 0;
    for (size_t i = 1; i < n; i++)
        if (out->win_share[i] > out->win_share[*winner]) *winner = i;
    for (size_t i = 0; i < n; i++) out->win_share[i] /= (double)out->n_rounds;
out:
    free(work);
    return st;
}
