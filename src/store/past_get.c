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

static fr_status check_metric(const fr_study *study, const fr_results_file *file)
{
    const fr_study *there = file->study;
    if (strcmp(there->goals[0].name, study->goals[0].name) == 0 &&
        there->maximize == study->maximize)
        return FR_OK;
    return FR_FAIL(
        FR_ERR_USAGE,
        "search.warm_start: %s has metric %s, %s is better; this study has metric %s, "
        "%s is better: nothing can be learned from it",
        file->path, there->goals[0].name, there->maximize ? "more" : "less",
        study->goals[0].name, study->maximize ? "more" : "less");
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

/* Add the trials of file number `place`; failed ones and those that are not over say nothing.
 */
static fr_status add_trials(const sources *s, size_t place, fr_past *out)
{
    const fr_results_file *file = s->files[place];
    const fr_history *history = file->history;
    size_t known = 0, outside = 0;
    double *point = fr_alloc(s->study->space.n, sizeof *point);
    fr_status st = point == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t t = 0; st == FR_OK && t < history->n; t++) {
        const fr_trial *trial = &history->trials[t];
        const bool scored = trial->state == FR_TRIAL_COMPLETE && isfinite(trial->score_mean);
        const bool bad = trial->state == FR_TRIAL_PRUNED || trial->state == FR_TRIAL_DIVERGED;
        if (!scored && !bad) continue;
        const fr_rng rng =
            fr_rng_make((uint64_t)s->study->search.seed, FR_RNG_PAST, t, (uint32_t)place, 0);
        if (fr_study_translate(file->study, trial->point, rng, s->study, point)) {
            st = fr_past_add(out, point, scored ? trial->score_mean : NAN, s->groups[place]);
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
    *out = (fr_past){.n_params = study->space.n};
    s.files = fr_alloc(paths->n, sizeof *s.files);
    s.groups = fr_alloc(paths->n, sizeof *s.groups);
    fr_status st = s.files == NULL || s.groups == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t i = 0; st == FR_OK && i < paths->n; i++) {
        st = fr_results_open(paths->item[i], false, &s.files[i]);
        if (st == FR_OK) st = check_metric(study, s.files[i]);
        if (st != FR_OK) break;
        s.groups[i] = group_of(&s, s.files[i]);
        s.n++;
        st = add_trials(&s, i, out);
    }
    for (size_t i = 0; s.files != NULL && i < paths->n; i++) fr_results_close(&s.files[i]);
    free(s.files);
    free(s.groups);
    return st;
}
