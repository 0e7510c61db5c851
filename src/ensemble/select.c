/* SPDX-License-Identifier: BSD-3-Clause */
/* select.c - greedy selection from a library of out-of-fold predictions.
 *
 * Sums of predictions are float64, the mean that is scored is float32, as predictions are. The
 * order of candidates breaks ties, so the better trial wins them; of equal scores on the way
 * the smaller ensemble stands. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/ensemble.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"

typedef struct {
    const fr_ensemble_library *library;
    const fr_ensemble_options *options;
    bool (*stopped)(void);
    const bool *uses;  /* (n_folds) those that decide */
    double **sum;      /* (n_folds) (rows, outputs): of what the members say */
    float *mean;       /* room for the largest fold's */
    size_t *best;      /* (n_candidates) all, best alone first */
    double best_score; /* of that one alone */
    uint32_t *order;   /* (n_candidates) what a bag may take, best first */
    size_t n;          /* of order */
    size_t *count;     /* (n_candidates) how often each is in */
    size_t total;      /* members */
} selection;

static const fr_scored *said(const selection *s, size_t candidate, size_t fold)
{
    return &s->library->scored[candidate * s->library->n_folds + fold];
}

static size_t numbers_of(const selection *s, size_t fold)
{
    return said(s, 0, fold)->n * s->library->n_outputs;
}

static bool is_better(const selection *s, double a, double b)
{
    if (isnan(a) || isnan(b)) return !isnan(a) && isnan(b);
    return s->library->maximize ? a > b : a < b;
}

/* Score of mean[] on a fold. */
static fr_status score_mean(const selection *s, size_t fold, double *score)
{
    const fr_scored *rows = said(s, 0, fold);
    const fr_metric_rows all = {.y = rows->target,
                                .output = s->mean,
                                .n = rows->n,
                                .n_outputs = s->library->n_outputs,
                                .dataset = s->library->dataset,
                                .row = rows->row};
    return fr_metric_score_rows(s->library->metric, &all, score);
}

/* Mean over the folds that decide of the score of members and one candidate more. */
static fr_status score_with(selection *s, size_t candidate, double *score)
{
    const double members = (double)(s->total + 1);
    size_t n_folds = 0;
    *score = 0.0;
    for (size_t f = 0; f < s->library->n_folds; f++) {
        if (!s->uses[f]) continue;
        const float *own = said(s, candidate, f)->output;
        double here;
        for (size_t i = 0, n = numbers_of(s, f); i < n; i++)
            s->mean[i] = (float)((s->sum[f][i] + (double)own[i]) / members);
        FR_TRY(score_mean(s, f, &here));
        *score += here;
        n_folds++;
    }
    *score /= (double)n_folds;
    return FR_OK;
}

static void start_anew(selection *s)
{
    for (size_t f = 0; f < s->library->n_folds; f++)
        memset(s->sum[f], 0, numbers_of(s, f) * sizeof *s->sum[f]);
    memset(s->count, 0, s->library->n_candidates * sizeof *s->count);
    s->total = 0;
}

static void add(selection *s, size_t candidate)
{
    for (size_t f = 0; f < s->library->n_folds; f++) {
        const float *own = said(s, candidate, f)->output;
        for (size_t i = 0, n = numbers_of(s, f); i < n; i++) s->sum[f][i] += (double)own[i];
    }
    s->count[candidate]++;
    s->total++;
}

/* The candidate that helps most; its score with the members. */
static fr_status find_next(selection *s, size_t *next, double *best)
{
    *best = NAN;
    *next = s->order[0];
    for (size_t i = 0; i < s->n; i++) {
        double score;
        if (s->stopped != NULL && s->stopped())
            return FR_FAIL(FR_STOPPED, "stopped while the ensemble was selected");
        FR_TRY(score_with(s, s->order[i], &score));
        if (!is_better(s, score, *best)) continue;
        *best = score;
        *next = s->order[i];
    }
    return FR_OK;
}

/* One bag's members added to weight[], which gets `share` in all. */
static fr_status select_bag(selection *s, double share, double *weight)
{
    const size_t n_candidates = s->library->n_candidates;
    const size_t size = (size_t)s->options->size;
    size_t initial = (size_t)s->options->initial, *kept;
    double best = NAN, score;
    if (initial > s->n) initial = s->n;
    if (initial > size) initial = size;
    if ((kept = fr_alloc(n_candidates, sizeof *kept)) == NULL) return FR_ERR_MEMORY;
    fr_status st = FR_OK;
    size_t n_kept = 0, start = 0;
    start_anew(s);
    for (size_t k = 0; st == FR_OK && k < initial; k++) { /* of the k + 1 best */
        st = score_with(s, s->order[k], &score);
        add(s, s->order[k]);
        if (k > 0 && !is_better(s, score, best)) continue;
        best = score;
        start = k + 1;
    }
    start_anew(s);
    for (size_t k = 0; k < start; k++) add(s, s->order[k]);
    while (st == FR_OK) {
        size_t next = 0;
        if (n_kept == 0 || is_better(s, score, best)) {
            if (n_kept > 0) best = score;
            memcpy(kept, s->count, n_candidates * sizeof *kept);
            n_kept = s->total;
        }
        if (s->total >= size) break;
        st = find_next(s, &next, &score);
        if (st == FR_OK) add(s, next);
    }
    for (size_t c = 0; st == FR_OK && c < n_candidates; c++)
        weight[c] += share * (double)kept[c] / (double)n_kept;
    free(kept);
    return st;
}

typedef struct {
    double score;
    size_t candidate;
    bool maximize;
} ranked;

static int by_score(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->score != y->score) return (x->score > y->score) == x->maximize ? -1 : 1;
    return (x->candidate > y->candidate) - (x->candidate < y->candidate);
}

/* All candidates by their own score on the folds that decide. */
static fr_status rank_candidates(selection *s)
{
    const size_t n = s->library->n_candidates;
    ranked *list = fr_alloc(n, sizeof *list);
    if (list == NULL) return FR_ERR_MEMORY;
    fr_status st = FR_OK;
    start_anew(s);
    for (size_t c = 0; st == FR_OK && c < n; c++) {
        list[c] = (ranked){.candidate = c, .maximize = s->library->maximize};
        st = score_with(s, c, &list[c].score);
        if (isnan(list[c].score)) list[c].score = s->library->maximize ? -INFINITY : INFINITY;
    }
    if (st == FR_OK) {
        qsort(list, n, sizeof *list, by_score);
        for (size_t i = 0; i < n; i++) s->best[i] = list[i].candidate;
        s->best_score = list[0].score;
    }
    free(list);
    return st;
}

/* The candidates of a bag, best first: all, or a random share. */
static fr_status fill_bag(selection *s, uint64_t bag)
{
    const size_t n = s->library->n_candidates;
    s->n = n;
    for (size_t i = 0; i < n; i++) s->order[i] = (uint32_t)s->best[i];
    if (s->options->bags == 1) return FR_OK;
    uint32_t *places = fr_alloc(n, sizeof *places);
    bool *drawn = fr_alloc(n, sizeof *drawn);
    if (places != NULL && drawn != NULL) {
        fr_rng rng = fr_rng_make((uint64_t)s->options->seed, FR_RNG_ENSEMBLE, bag, 0, 0);
        const size_t n_drawn = (size_t)ceil(s->options->bag_share * (double)n);
        for (size_t i = 0; i < n; i++) places[i] = (uint32_t)i;
        fr_rng_shuffle(&rng, places, n);
        for (size_t i = 0; i < n_drawn; i++) drawn[places[i]] = true;
        s->n = 0;
        for (size_t i = 0; i < n; i++)
            if (drawn[s->best[i]]) s->order[s->n++] = (uint32_t)s->best[i];
    }
    const bool good = places != NULL && drawn != NULL;
    free(places);
    free(drawn);
    return good ? FR_OK : FR_ERR_MEMORY;
}

/* weight (n_candidates) of a selection by the folds in s->uses. */
static fr_status select_weights(selection *s, double *weight)
{
    const double share = 1.0 / (double)s->options->bags;
    memset(weight, 0, s->library->n_candidates * sizeof *weight);
    FR_TRY(rank_candidates(s));
    for (int64_t bag = 0; bag < s->options->bags; bag++) {
        FR_TRY(fill_bag(s, (uint64_t)bag));
        FR_TRY(select_bag(s, share, weight));
    }
    return FR_OK;
}

/* Of the weighted mean on one fold. */
static fr_status score_weighted(selection *s, const double *weight, size_t fold, double *score)
{
    const size_t n = numbers_of(s, fold);
    double *sum = s->sum[fold];
    memset(sum, 0, n * sizeof *sum);
    for (size_t c = 0; c < s->library->n_candidates; c++)
        for (size_t i = 0; weight[c] > 0 && i < n; i++)
            sum[i] += weight[c] * (double)said(s, c, fold)->output[i];
    for (size_t i = 0; i < n; i++) s->mean[i] = (float)sum[i];
    return score_mean(s, fold, score);
}

/* ---- honest scores ---- */

/* More folds than this that share no rows are left out in so many parts. */
enum { PARTS = 10 };

/* Folds in parts; a fold that shares rows with a part that is left out is left out, too. */
typedef struct {
    size_t n;
    bool disjoint;
    bool *seen; /* (rows of the data) */
} partition;

static size_t part_of(const fr_ensemble_library *library, const partition *p, size_t fold)
{
    return fold * p->n / library->n_folds;
}

/* Marks the fold's rows; whether one of them was marked before. */
static bool mark(const fr_scored *fold, bool *seen, bool as)
{
    bool before = false;
    for (size_t i = 0; i < fold->n; i++) {
        before = before || seen[fold->row[i]];
        seen[fold->row[i]] = as;
    }
    return before;
}

static fr_status make_partition(const fr_ensemble_library *library, partition *out)
{
    size_t last = 0;
    for (size_t f = 0; f < library->n_folds; f++)
        for (size_t i = 0; i < library->scored[f].n; i++)
            if (library->scored[f].row[i] > last) last = library->scored[f].row[i];
    *out = (partition){.disjoint = true, .seen = fr_alloc(last + 1, sizeof *out->seen)};
    if (out->seen == NULL) return FR_ERR_MEMORY;
    for (size_t f = 0; f < library->n_folds; f++)
        if (mark(&library->scored[f], out->seen, true)) out->disjoint = false;
    memset(out->seen, 0, (last + 1) * sizeof *out->seen);
    out->n = out->disjoint && library->n_folds > PARTS ? PARTS : library->n_folds;
    return FR_OK;
}

/* What decides when a part is left out, in uses[]; returns how many folds. */
static size_t leave_out(const fr_ensemble_library *library, const partition *p, size_t part,
                        bool *uses)
{
    size_t n = 0;
    for (size_t f = 0; f < library->n_folds; f++)
        if (part_of(library, p, f) == part) mark(&library->scored[f], p->seen, true);
    for (size_t f = 0; f < library->n_folds; f++) {
        uses[f] = part_of(library, p, f) != part;
        for (size_t i = 0; !p->disjoint && uses[f] && i < library->scored[f].n; i++)
            uses[f] = !p->seen[library->scored[f].row[i]];
        n += uses[f];
    }
    for (size_t f = 0; f < library->n_folds; f++)
        if (part_of(library, p, f) == part) mark(&library->scored[f], p->seen, false);
    return n;
}

/* The best of the others by the folds in uses[], if it beats the best candidate; n_others: it
 * does not. `own`: the best candidate's score there. */
static size_t best_other(const selection *s, double own)
{
    const fr_ensemble_library *library = s->library;
    size_t best = library->n_others;
    for (size_t o = 0; o < library->n_others; o++) {
        double sum = 0.0;
        size_t n = 0;
        for (size_t f = 0; f < library->n_folds; f++) {
            if (!s->uses[f]) continue;
            sum += library->others[o * library->n_folds + f];
            n++;
        }
        if (!is_better(s, sum / (double)n, own)) continue;
        own = sum / (double)n;
        best = o;
    }
    return best;
}

/* Sum over the part's folds of what `weight` scores there. */
static fr_status score_part(selection *s, const partition *p, size_t part, const double *weight,
                            double *sum)
{
    for (size_t f = 0; f < s->library->n_folds; f++) {
        double score;
        if (part_of(s->library, p, f) != part) continue;
        FR_TRY(score_weighted(s, weight, f, &score));
        *sum += score;
    }
    return FR_OK;
}

/* The same of the single trial that the folds in uses[] tell to be the best; `weight` is room
 * for it. */
static fr_status score_single(selection *s, const partition *p, size_t part, double *weight,
                              double *sum)
{
    const fr_ensemble_library *library = s->library;
    const size_t other = best_other(s, s->best_score);
    memset(weight, 0, library->n_candidates * sizeof *weight);
    weight[s->best[0]] = 1.0;
    if (other == library->n_others) return score_part(s, p, part, weight, sum);
    for (size_t f = 0; f < library->n_folds; f++)
        if (part_of(library, p, f) == part)
            *sum += library->others[other * library->n_folds + f];
    return FR_OK;
}

static fr_status score_honestly(selection *s, bool *uses, double *weight,
                                fr_ensemble_choice *out)
{
    const fr_ensemble_library *library = s->library;
    partition p;
    double together = 0.0, single = 0.0;
    size_t n = 0;
    FR_TRY(make_partition(library, &p));
    fr_status st = FR_OK;
    for (size_t part = 0; st == FR_OK && part < p.n; part++) {
        if (leave_out(library, &p, part, uses) == 0) continue;
        st = select_weights(s, weight);
        if (st == FR_OK) st = score_part(s, &p, part, weight, &together);
        if (st == FR_OK) st = score_single(s, &p, part, weight, &single);
        for (size_t f = 0; f < library->n_folds; f++) n += part_of(library, &p, f) == part;
    }
    free(p.seen);
    if (n == 0) return st;
    out->honest_score = together / (double)n;
    out->honest_single = single / (double)n;
    return st;
}

static fr_status select_all(selection *s, bool *uses, fr_ensemble_choice *out)
{
    const size_t n_folds = s->library->n_folds;
    double *spare = fr_alloc(s->library->n_candidates, sizeof *spare);
    if (spare == NULL) return FR_ERR_MEMORY;
    fr_status st = score_honestly(s, uses, spare, out);
    free(spare);
    for (size_t f = 0; f < n_folds; f++) uses[f] = true;
    if (st == FR_OK) st = select_weights(s, out->weight);
    out->score = 0.0;
    for (size_t f = 0; st == FR_OK && f < n_folds; f++) {
        double score;
        st = score_weighted(s, out->weight, f, &score);
        out->score += score / (double)n_folds;
    }
    return st;
}

static bool make_room(selection *s)
{
    const size_t n = s->library->n_candidates;
    size_t most = 0;
    s->sum = fr_alloc(s->library->n_folds, sizeof *s->sum);
    s->best = fr_alloc(n, sizeof *s->best);
    s->order = fr_alloc(n, sizeof *s->order);
    s->count = fr_alloc(n, sizeof *s->count);
    bool good = s->sum != NULL && s->best != NULL && s->order != NULL && s->count != NULL;
    for (size_t f = 0; good && f < s->library->n_folds; f++) {
        s->sum[f] = fr_alloc(numbers_of(s, f), sizeof *s->sum[f]);
        good = s->sum[f] != NULL;
        if (numbers_of(s, f) > most) most = numbers_of(s, f);
    }
    s->mean = fr_alloc(most, sizeof *s->mean);
    return good && s->mean != NULL;
}

fr_status fr_ensemble_select(const fr_ensemble_library *library,
                             const fr_ensemble_options *options, bool (*stopped)(void),
                             fr_ensemble_choice *out)
{
    *out = (fr_ensemble_choice){.honest_score = NAN, .honest_single = NAN};
    if (library->n_candidates == 0 || options->size < 1)
        return FR_FAIL(FR_ERR_ARG, "an ensemble of nothing");
    bool *uses = fr_alloc(library->n_folds, sizeof *uses);
    selection s = {.library = library, .options = options, .stopped = stopped, .uses = uses};
    out->weight = fr_alloc(library->n_candidates, sizeof *out->weight);
    fr_status st = FR_ERR_MEMORY;
    if (uses != NULL && out->weight != NULL && make_room(&s)) st = select_all(&s, uses, out);
    for (size_t f = 0; s.sum != NULL && f < library->n_folds; f++) free(s.sum[f]);
    free(s.sum);
    free(s.mean);
    free(s.best);
    free(s.order);
    free(s.count);
    free(uses);
    if (st != FR_OK) fr_ensemble_choice_clear(out);
    return st;
}

void fr_ensemble_choice_clear(fr_ensemble_choice *choice)
{
    free(choice->weight);
    *choice = (fr_ensemble_choice){0};
}
