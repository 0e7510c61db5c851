/* SPDX-License-Identifier: BSD-3-Clause */
/* past.c - observations of earlier studies, and what a sampler sees of them: one history in
 * which they come first, so that samplers need not know. */
#include "foldrank/past.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

static fr_status grow(fr_past *past)
{
    const size_t n = past->n + 1;
    void *block = past->points;
    fr_status st =
        fr_grow(&block, &past->points_capacity, n * past->n_params, sizeof *past->points);
    past->points = block;
    FR_TRY(st);
    block = past->scores;
    st = fr_grow(&block, &past->scores_capacity, n * past->n_goals, sizeof *past->scores);
    past->scores = block;
    FR_TRY(st);
    block = past->groups;
    st = fr_grow(&block, &past->groups_capacity, n, sizeof *past->groups);
    past->groups = block;
    return st;
}

fr_status fr_past_add(fr_past *past, const double *point, const double *scores, uint32_t group)
{
    FR_TRY(grow(past));
    if (past->n_params > 0)
        memcpy(past->points + past->n * past->n_params, point, past->n_params * sizeof *point);
    memcpy(past->scores + past->n * past->n_goals, scores, past->n_goals * sizeof *scores);
    past->groups[past->n++] = group;
    if (group >= past->n_groups) past->n_groups = group + 1;
    return FR_OK;
}

void fr_past_clear(fr_past *past)
{
    free(past->points);
    free(past->scores);
    free(past->groups);
    *past = (fr_past){0};
}

void fr_past_pack(const fr_past *past, fr_pack *out)
{
    fr_pack_u64(out, past->n);
    fr_pack_u32(out, (uint32_t)past->n_params);
    fr_pack_u32(out, (uint32_t)past->n_goals);
    for (size_t i = 0; i < past->n; i++) {
        fr_pack_u32(out, past->groups[i]);
        fr_pack_doubles(out, past->scores + i * past->n_goals, past->n_goals);
        fr_pack_doubles(out, past->points + i * past->n_params, past->n_params);
    }
}

fr_status fr_past_unpack(fr_unpack *in, const fr_space *space, size_t n_goals, fr_past *out)
{
    const uint64_t n = fr_unpack_u64(in);
    const uint32_t n_params = fr_unpack_u32(in), n_scores = fr_unpack_u32(in);
    const uint64_t row = 4 + sizeof(double) * (uint64_t)(space->n + n_goals);
    *out = (fr_past){.n_params = space->n, .n_goals = n_goals};
    if (in->failed || n_params != space->n || n_scores != n_goals || n_goals > FR_GOALS_MAX ||
        n != fr_unpack_left(in) / row || fr_unpack_left(in) % row != 0)
        return FR_FAIL(FR_ERR_FORMAT,
                       "%llu earlier trials of %u parameters and %u scores in %zu bytes",
                       (unsigned long long)n, n_params, n_scores, fr_unpack_left(in));
    double *point = fr_alloc(space->n, sizeof *point), scores[FR_GOALS_MAX];
    fr_status st = point == NULL ? FR_ERR_MEMORY : FR_OK;
    for (uint64_t i = 0; st == FR_OK && i < n; i++) {
        const uint32_t group = fr_unpack_u32(in);
        bool good = group <= n;
        fr_unpack_doubles(in, scores, n_goals);
        fr_unpack_doubles(in, point, space->n);
        for (size_t k = 0; k < n_goals; k++) good = good && !isinf(scores[k]);
        if (!good || fr_space_check(space, point) != FR_OK)
            st = FR_FAIL(FR_ERR_FORMAT, "earlier trial %llu is none of this study",
                         (unsigned long long)i);
        else
            st = fr_past_add(out, point, scores, group);
    }
    free(point);
    return st;
}

/* ---- what a sampler sees ---- */

/* A group's scores in units in which groups compare. */
typedef struct {
    double n, sum, squares; /* of the deviations from the mean */
} moments;

static double standardise(const moments *m, double score)
{
    const double spread = m->n > 1 ? sqrt(m->squares / (m->n - 1)) : 0;
    return m->n > 0 ? (score - m->sum / m->n) / (spread > 0 ? spread : 1) : score;
}

/* Scores of objective k of the trials of each group that may be looked at, in two passes. The
 * own ones are behind the earlier ones. */
static void measure(const fr_view *view, size_t end, size_t k, moments *groups)
{
    const fr_past *past = view->past;
    for (uint32_t g = 0; g < past->n_groups; g++) groups[g] = (moments){0};
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < end; i++) {
            const fr_trial *trial = &view->history.trials[i];
            moments *m = &groups[i < past->n ? past->groups[i] : 0];
            const double score = fr_trial_mean(trial, k);
            if (trial->state != FR_TRIAL_COMPLETE || !isfinite(score)) continue;
            if (pass == 0) {
                m->n += 1;
                m->sum += score;
            } else {
                m->squares += (score - m->sum / m->n) * (score - m->sum / m->n);
            }
        }
    }
}

static fr_status make_comparable(fr_view *view, size_t end)
{
    const fr_past *past = view->past;
    moments *groups = fr_alloc(past->n_groups, sizeof *groups);
    if (groups == NULL) return FR_ERR_MEMORY;
    for (size_t k = 0; k < past->n_goals; k++) {
        measure(view, end, k, groups);
        for (size_t i = 0; i < view->history.n; i++) {
            fr_trial *trial = &view->history.trials[i];
            const uint32_t group = i < past->n ? past->groups[i] : 0;
            double *mean = k == 0 ? &trial->score_mean : &trial->more_mean[k - 1];
            *mean = standardise(&groups[group], *mean);
        }
    }
    free(groups);
    return FR_OK;
}

static fr_trial make_trial(const fr_past *past, size_t i)
{
    const double *scores = past->scores + i * past->n_goals;
    fr_trial trial = {.point = past->points + i * past->n_params,
                      .state = isnan(scores[0]) ? FR_TRIAL_PRUNED : FR_TRIAL_COMPLETE,
                      .score_mean = scores[0],
                      .score_se = NAN};
    for (size_t k = 1; k < FR_GOALS_MAX; k++) {
        trial.more_mean[k - 1] = k < past->n_goals ? scores[k] : (double)NAN;
        trial.more_se[k - 1] = NAN;
    }
    return trial;
}

fr_status fr_view_update(fr_view *view, const fr_history *own, size_t visible)
{
    const fr_past *past = view->past;
    const size_t n = past->n + own->n;
    void *block = view->history.trials;
    FR_TRY(fr_grow(&block, &view->capacity, n, sizeof(fr_trial)));
    view->history = *own;
    view->history.trials = block;
    view->history.n = n;
    view->history.settled += past->n;
    for (size_t i = 0; i < past->n; i++) view->history.trials[i] = make_trial(past, i);
    if (own->n > 0)
        memcpy(view->history.trials + past->n, own->trials, own->n * sizeof *own->trials);
    return past->n_groups > 1 ? make_comparable(view, past->n + visible) : FR_OK;
}

void fr_view_clear(fr_view *view)
{
    free(view->history.trials);
    *view = (fr_view){0};
}
