/* SPDX-License-Identifier: BSD-3-Clause */
/* split.c - the good trials and their weights.
 *
 * One objective: the best of all visible trials by their cost (cost.h), each with the weight of
 * its improvement. Several (Ozaki et al., "Multiobjective tree-structured Parzen estimator",
 * JAIR 73, 2022): whole fronts, best first, as long as they fit; of the first that does not,
 * those that together dominate most, found greedily. The weight of one is what it alone
 * dominates. */
#include "split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "foldrank/memory.h"
#include "foldrank/pareto.h"

/* Share of the visible trials that is good, and the least weight of a good one, whose mean is
 * 1 (Watanabe, arXiv 2304.11127). */
static const double GOOD_SHARE = 0.15, LEAST_WEIGHT = 0.25;

enum { CANDIDATES = 100 }; /* of a front that does not fit, the least crowded */

static size_t count_good(size_t n_visible, size_t n_ranked)
{
    const size_t share = (size_t)ceil(GOOD_SHARE * (double)n_visible);
    const size_t n = share < FR_GOOD_MAX ? share : FR_GOOD_MAX;
    return n < n_ranked ? n : n_ranked;
}

/* Each good trial weighs as much as it improves on the best of the others, which makes the
 * ratio of the densities proportional to the expected improvement; but none so little that one
 * lucky trial is all that is left. The ranking holds the good ones and one more if
 * there is one. */
static void weigh(const fr_ranking *r, fr_split *out)
{
    const size_t n_good = out->n_good;
    const double bar = r->best[r->n_best > n_good ? n_good : n_good - 1].score;
    double mean = 0.0;
    for (size_t i = 0; i < n_good; i++) mean += (bar - r->best[i].score) / (double)n_good;
    for (size_t i = 0; i < n_good; i++)
        out->weight[i] = mean > 0.0 && isfinite(mean)
                             ? (float)fmax((bar - r->best[i].score) / mean, LEAST_WEIGHT)
                             : 1.0f;
}

/* Put a trial where it belongs; ties go to the lower index. */
static void rank(const fr_history *h, size_t t, fr_ranking *r)
{
    const double score = fr_trial_cost(h, t);
    if (isnan(score)) return;
    r->n_ranked++;
    if (r->n_best == FR_GOOD_MAX + 1 && !(score < r->best[r->n_best - 1].score)) return;
    size_t at = r->n_best < FR_GOOD_MAX + 1 ? r->n_best++ : r->n_best - 1;
    for (; at > 0 && score < r->best[at - 1].score; at--) r->best[at] = r->best[at - 1];
    r->best[at].score = score;
    r->best[at].trial = t;
}

/* What earlier studies found is compared anew each time: its scores are relative to the own. */
static void split_by_score(const fr_ask *ask, const fr_sight *sight, fr_ranking *kept,
                           fr_split *out)
{
    if (kept->serial != ask->seen->serial || ask->past != NULL || kept->n > sight->end)
        *kept = (fr_ranking){.serial = ask->seen->serial};
    for (; kept->n < sight->end; kept->n++) rank(ask->history, kept->n, kept);
    fr_ranking r = *kept;
    for (size_t i = 0; i < sight->n_late; i++) rank(ask->history, sight->late[i], &r);
    out->n_visible = fr_sight_count(sight);
    out->n_ranked = r.n_ranked;
    out->n_good = count_good(out->n_visible, out->n_ranked);
    if (out->n_good == 0) return;
    for (size_t i = 0; i < out->n_good; i++) out->good[i] = r.best[i].trial;
    weigh(&r, out);
}

/* ---- several objectives ---- */

/* The complete trials that are visible. */
typedef struct {
    size_t n, d;
    size_t *trial;
    fr_costs *costs;
    uint32_t *rank;
    /* Work space: one front. */
    size_t *member; /* index into the above */
    fr_costs *front;
    double *distance;
} field;

static void clear_field(field *f)
{
    free(f->trial);
    free(f->costs);
    free(f->rank);
    free(f->member);
    free(f->front);
    free(f->distance);
}

static fr_status make_field(const fr_ask *ask, field *f, fr_split *out)
{
    const size_t n = ask->history->n;
    *f = (field){.d = ask->history->n_goals};
    f->trial = fr_alloc(n, sizeof *f->trial);
    f->costs = fr_alloc(n, sizeof *f->costs);
    f->rank = fr_alloc(n, sizeof *f->rank);
    f->member = fr_alloc(n, sizeof *f->member);
    f->front = fr_alloc(n, sizeof *f->front);
    f->distance = fr_alloc(n, sizeof *f->distance);
    if (f->trial == NULL || f->costs == NULL || f->rank == NULL || f->member == NULL ||
        f->front == NULL || f->distance == NULL)
        return FR_ERR_MEMORY;
    for (size_t t = 0; t < n; t++) {
        if (!fr_ask_sees(ask, t)) continue;
        out->n_visible++;
        if (fr_history_costs(ask->history, t, &f->costs[f->n])) f->trial[f->n++] = t;
    }
    out->n_ranked = f->n;
    return fr_pareto_ranks(f->costs, f->n, f->d, f->rank);
}

static size_t list_members(field *f, uint32_t rank)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        if (f->rank[i] == rank) f->member[n++] = i;
    return n;
}

/* Leave the `most` least crowded of n members, in order of their distance. */
static fr_status thin_out(field *f, size_t *n, size_t most)
{
    for (size_t i = 0; i < *n; i++) f->front[i] = f->costs[f->member[i]];
    if (*n <= most) return FR_OK;
    FR_TRY(fr_pareto_crowding(f->front, *n, f->d, f->distance));
    for (size_t k = 0; k < most; k++) {
        size_t far = k;
        for (size_t i = k + 1; i < *n; i++)
            if (f->distance[i] > f->distance[far]) far = i;
        const size_t member = f->member[far];
        const double distance = f->distance[far];
        f->member[far] = f->member[k];
        f->distance[far] = f->distance[k];
        f->member[k] = member;
        f->distance[k] = distance;
    }
    *n = most;
    for (size_t i = 0; i < *n; i++) f->front[i] = f->costs[f->member[i]];
    return FR_OK;
}

/* Volumes are reckoned with costs brought to 0 .. 1, up to here. */
static const fr_costs end = {{1.1, 1.1, 1.1, 1.1}};

static void normalize(fr_costs *costs, size_t n, size_t d)
{
    fr_costs best, worst;
    fr_pareto_range(costs, n, d, &best, &worst);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < d; k++) {
            const double extent = worst.v[k] - best.v[k];
            costs[i].v[k] = extent > 0 ? (costs[i].v[k] - best.v[k]) / extent : 0.0;
        }
    }
}

/* Of n members the `wanted` that enlarge the dominated volume most, one after the other. What a
 * member adds only shrinks as others are taken, so an old figure is a bound: it is reckoned
 * anew only where it could still be the largest. */
static fr_status take_greedily(field *f, size_t n, size_t wanted, fr_split *out)
{
    fr_costs taken[FR_GOOD_MAX];
    size_t fresh[CANDIDATES] = {0}, n_taken = 0; /* fresh: how many were taken at that time */
    fr_volume *volume = NULL;
    FR_TRY(thin_out(f, &n, CANDIDATES));
    FR_TRY(fr_volume_create(f->d, FR_GOOD_MAX, &volume));
    normalize(f->front, n, f->d);
    for (size_t i = 0; i < n; i++)
        f->distance[i] = fr_volume_gain(volume, taken, 0, &f->front[i], &end);
    while (n_taken < wanted) {
        size_t best = 0;
        for (size_t i = 1; i < n; i++)
            if (f->distance[i] > f->distance[best]) best = i;
        if (fresh[best] < n_taken) {
            f->distance[best] = fr_volume_gain(volume, taken, n_taken, &f->front[best], &end);
            fresh[best] = n_taken;
            continue;
        }
        taken[n_taken++] = f->front[best];
        out->good[out->n_good++] = f->trial[f->member[best]];
        f->distance[best] = -1.0;
        fresh[best] = SIZE_MAX;
    }
    fr_volume_destroy(&volume);
    return FR_OK;
}

static fr_status weigh_by_volume(const fr_ask *ask, fr_split *out)
{
    const size_t n = out->n_good, d = ask->history->n_goals;
    fr_costs costs[FR_GOOD_MAX], others[FR_GOOD_MAX];
    double own[FR_GOOD_MAX], mean = 0.0;
    fr_volume *volume = NULL;
    if (n == 0) return FR_OK;
    FR_TRY(fr_volume_create(d, FR_GOOD_MAX, &volume));
    for (size_t i = 0; i < n; i++)
        if (!fr_history_costs(ask->history, out->good[i], &costs[i])) costs[i] = end;
    normalize(costs, n, d);
    for (size_t i = 0; i < n; i++) {
        size_t n_others = 0;
        for (size_t j = 0; j < n; j++)
            if (j != i) others[n_others++] = costs[j];
        own[i] = fr_volume_gain(volume, others, n_others, &costs[i], &end);
        mean += own[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++)
        out->weight[i] = mean > 0.0 ? (float)fmax(own[i] / mean, LEAST_WEIGHT) : 1.0f;
    fr_volume_destroy(&volume);
    return FR_OK;
}

static fr_status split_by_fronts(const fr_ask *ask, fr_split *out)
{
    field f;
    fr_status st = make_field(ask, &f, out);
    const size_t wanted = count_good(out->n_visible, out->n_ranked);
    for (uint32_t rank = 1; st == FR_OK && out->n_good < wanted; rank++) {
        const size_t n = list_members(&f, rank), room = wanted - out->n_good;
        if (n > room)
            st = take_greedily(&f, n, room, out);
        else
            for (size_t i = 0; i < n; i++) out->good[out->n_good++] = f.trial[f.member[i]];
    }
    clear_field(&f);
    return st == FR_OK ? weigh_by_volume(ask, out) : st;
}

fr_status fr_split_find(const fr_ask *ask, const fr_sight *sight, fr_ranking *ranking,
                        fr_split *out)
{
    *out = (fr_split){0};
    if (ask->history->n_goals > 1) return split_by_fronts(ask, out);
    split_by_score(ask, sight, ranking, out);
    return FR_OK;
}
