/* SPDX-License-Identifier: BSD-3-Clause */
/* past_get.c - trials of earlier results files as observations of today's study. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "internal.h"

/* The files that were read, for the group of the next one. */
typedef struct {
    const fr_study *study; /* today's */
    uint64_t data_fingerprint;
    fr_results_file **files; /* (n) */
    uint32_t *groups;        /* (n) */
    size_t n;
    uint32_t n_groups;
} sources;

static void add_goal(const fr_goal *goal, fr_text *out)
{
    fr_text_add(out, "%s%s (%s is better)", out->length > 0 ? ", " : "", goal->name,
                goal->maximize ? "more" : "less");
}

/* Which objective there is objective k here. A study may have further ones there. */
static fr_status match_goals(const fr_study *study, const fr_results_file *file,
                             size_t match[FR_GOALS_MAX])
{
    const fr_study *there = file->study;
    bool good = true;
    for (size_t k = 0; k < study->n_goals; k++) {
        match[k] = 0;
        while (match[k] < there->n_goals &&
               (strcmp(there->goals[match[k]].name, study->goals[k].name) != 0 ||
                there->goals[match[k]].maximize != study->goals[k].maximize))
            match[k]++;
        good = good && match[k] < there->n_goals;
    }
    if (good) return FR_OK;
    fr_text theirs = {0}, ours = {0};
    for (size_t k = 0; k < there->n_goals; k++) add_goal(&there->goals[k], &theirs);
    for (size_t k = 0; k < study->n_goals; k++) add_goal(&study->goals[k], &ours);
    const fr_status st = FR_FAIL(FR_ERR_USAGE,
                                 "search.warm_start: %s has metric %s; this study has %s: "
                                 "nothing can be learned from it",
                                 file->path, fr_text_get(&theirs), fr_text_get(&ours));
    fr_text_clear(&theirs);
    fr_text_clear(&ours);
    return st;
}

/* Whether scores of two studies compare. */
static bool same_scores(const fr_study *a, uint64_t a_data, const fr_study *b, uint64_t b_data)
{
    return a_data == b_data && fr_study_same_objective(a, b);
}

static uint32_t group_of(sources *s, const fr_results_file *file)
{
    if (same_scores(s->study, s->data_fingerprint, file->study, file->data_fingerprint))
        return 0;
    for (size_t i = 0; i < s->n; i++)
        if (same_scores(s->files[i]->study, s->files[i]->data_fingerprint, file->study,
                        file->data_fingerprint))
            return s->groups[i];
    return s->n_groups++;
}

/* Whether a trial says anything: failed ones and those that are not over do not. Pruned and
 * diverged ones have no scores. */
static bool get_scores(const fr_trial *trial, const size_t *match, size_t n, double *scores)
{
    const bool complete = trial->state == FR_TRIAL_COMPLETE;
    bool finite = true;
    for (size_t k = 0; k < n; k++) {
        scores[k] = complete ? fr_trial_mean(trial, match[k]) : (double)NAN;
        finite = finite && isfinite(scores[k]);
    }
    return complete ? finite
                    : trial->state == FR_TRIAL_PRUNED || trial->state == FR_TRIAL_DIVERGED;
}

/* Add the trials of file number `place`. */
static fr_status add_trials(const sources *s, size_t place, const size_t *match, fr_past *out)
{
    const fr_results_file *file = s->files[place];
    const fr_history *history = file->history;
    double scores[FR_GOALS_MAX];
    size_t known = 0, outside = 0;
    double *point = fr_alloc(s->study->space.n, sizeof *point);
    fr_status st = point == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t t = 0; st == FR_OK && t < history->n; t++) {
        const fr_trial *trial = &history->trials[t];
        if (!get_scores(trial, match, s->study->n_goals, scores)) continue;
        const fr_rng rng =
            fr_rng_make((uint64_t)s->study->search.seed, FR_RNG_PAST, t, (uint32_t)place, 0);
        if (fr_study_translate(file->study, trial->point, rng, s->study, point)) {
            st = fr_past_add(out, point, scores, s->groups[place]);
            known++;
        } else {
            outside++;
        }
    }
    free(point);
    if (st == FR_OK)
        fr_log(FR_LOG_INFO, "store warm_start=%s trials=%zu learned_from=%zu outside=%zu%s",
               file->path, history->n, known, outside,
               s->groups[place] > 0 ? " data=other: scores count within it only" : "");
    return st;
}

fr_status fr_past_read(const fr_study *study, uint64_t data_fingerprint, fr_past *out)
{
    const fr_strings *paths = &study->search.warm_start;
    sources s = {.study = study, .data_fingerprint = data_fingerprint, .n_groups = 1};
    size_t match[FR_GOALS_MAX];
    *out = (fr_past){.n_params = study->space.n, .n_goals = study->n_goals};
    s.files = fr_alloc(paths->n, sizeof *s.files);
    s.groups = fr_alloc(paths->n, sizeof *s.groups);
    fr_status st = s.files == NULL || s.groups == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t i = 0; st == FR_OK && i < paths->n; i++) {
        st = fr_results_open(paths->item[i], false, &s.files[i]);
        if (st == FR_OK) st = match_goals(study, s.files[i], match);
        if (st != FR_OK) break;
        s.groups[i] = group_of(&s, s.files[i]);
        s.n++;
        st = add_trials(&s, i, match, out);
    }
    for (size_t i = 0; s.files != NULL && i < paths->n; i++) fr_results_close(&s.files[i]);
    free(s.files);
    free(s.groups);
    return st;
}
