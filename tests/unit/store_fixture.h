/* SPDX-License-Identifier: BSD-3-Clause */
/* store_fixture.h - studies, histories with every kind of trial, and their comparison, for the
 * tests of the store. Include after cmocka.h. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "foldrank/history.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "foldrank/study.h"

#define STUDY_TEXT                                                                             \
    "study: fixture\n"                                                                         \
    "data: {path: data/digits.csv.gz, target: digit, task: classification}\n"                  \
    "validation: {scheme: stratified_kfold, folds: 3}\n"                                       \
    "metric: accuracy\n"                                                                       \
    "models:\n"                                                                                \
    "  softmax: {l2: {log: [1.0e-6, 1.0e-1]}}\n"                                               \
    "  mlp:\n"                                                                                 \
    "    hidden: {choice: [[64], [128], [128, 64]]}\n"                                         \
    "    activation: {choice: [relu, tanh]}\n"                                                 \
    "    dropout: {float: [0.0, 0.5]}\n"                                                       \
    "train:\n"                                                                                 \
    "  optimizer: {choice: [sgd, adam]}\n"                                                     \
    "  learning_rate: {log: [1.0e-4, 1.0e-1]}\n"                                               \
    "  momentum: {float: [0.0, 0.99], when: {optimizer: sgd}}\n"                               \
    "  batch_size: {choice: [32, 64, 128]}\n"                                                  \
    "  epochs: {int: [2, 40]}\n"                                                               \
    "search: {method: random, trials: 200, seed: 1}\n"

enum { FIXTURE_FOLDS = 3 };

static char fixture_dir[64];

static inline int fixture_setup(void **state)
{
    (void)state;
    fr_log_setup(0, FR_LOG_ERROR);
    /* Thousands of syncs: in memory where there is such a place. */
    strcpy(fixture_dir, "/dev/shm/fr_store_XXXXXX");
    if (mkdtemp(fixture_dir) != NULL) return 0;
    strcpy(fixture_dir, "/tmp/fr_store_XXXXXX");
    return mkdtemp(fixture_dir) == NULL;
}

static inline int fixture_teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", fixture_dir);
    return system(command);
}

static inline const char *fixture_path(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", fixture_dir, name);
    return path;
}

/* A study with one override, or none. */
static inline fr_study *fixture_study(const char *override)
{
    fr_study *study = NULL;
    const char *const overrides[] = {override};
    const fr_status st =
        fr_study_parse(STUDY_TEXT, "fixture.yaml", overrides, override != NULL, &study);
    if (st != FR_OK) fail_msg("%s", fr_status_message());
    return study;
}

/* What fold `fold` of trial `trial` gave: complete, pruned with the rest cancelled, failed with
 * a message, diverged, timed out; with a curve of 0 to 6 points. */
static inline fr_fold_result fixture_fold(uint64_t trial, uint32_t fold)
{
    static const fr_trial_state by_trial[] = {FR_TRIAL_COMPLETE, FR_TRIAL_COMPLETE,
                                              FR_TRIAL_PRUNED,   FR_TRIAL_FAILED,
                                              FR_TRIAL_DIVERGED, FR_TRIAL_TIMEOUT};
    fr_rng rng = fr_rng_make(99, FR_RNG_NOISE, trial, fold, 0);
    fr_fold_result r = {.trial = trial, .fold = fold, .state = by_trial[trial % 6]};
    if (r.state == FR_TRIAL_PRUNED && fold > 0) r.state = FR_TRIAL_CANCELLED;
    r.score = r.state == FR_TRIAL_COMPLETE ? fr_rng_uniform(&rng) : NAN;
    r.train_score = trial % 4 == 0 ? NAN : fr_rng_uniform(&rng);
    r.loss = r.state == FR_TRIAL_DIVERGED ? INFINITY : fr_rng_uniform(&rng);
    r.epochs = (uint32_t)fr_rng_below(&rng, 7);
    r.best_epoch = r.epochs / 2;
    r.seconds = fr_rng_uniform(&rng);
    r.samples_per_second = 1e5 * fr_rng_uniform(&rng);
    r.flops = 1e9 * fr_rng_uniform(&rng);
    r.rank = (uint32_t)(trial % 5);
    r.start_s = (double)trial + fr_rng_uniform(&rng);
    r.end_s = r.start_s + r.seconds;
    r.n_curve = r.epochs;
    if (r.n_curve > 0) r.curve = fr_alloc(r.n_curve, 2 * sizeof(double));
    for (size_t e = 0; e < 2 * r.n_curve; e++) r.curve[e] = fr_rng_normal(&rng);
    if (r.state == FR_TRIAL_FAILED)
        r.message = fr_strdup("out of luck: \xc3\xa4, \"b\"\nline 2");
    return r;
}

/* Every eleventh trial misses its last fold. */
static inline bool fixture_is_in(uint64_t trial, uint32_t fold)
{
    return trial % 11 != 10 || fold + 1 < FIXTURE_FOLDS;
}

static inline void fixture_add_trial(fr_history *history)
{
    double point[64];
    fr_rng rng = fr_rng_make(7, FR_RNG_SUGGEST, history->n, 0, 0);
    assert_true(history->space->n <= 64);
    fr_space_draw(history->space, &rng, point);
    assert_int_equal(fr_history_add_trial(history, point), FR_OK);
}

/* Scores in the study's further objectives. */
static inline void fixture_score_more(const fr_history *history, fr_fold_result *r)
{
    fr_rng rng = fr_rng_make(3, FR_RNG_NOISE, r->trial, r->fold, 9);
    r->n_more = (uint32_t)history->n_goals - 1;
    for (uint32_t k = 0; k < r->n_more; k++)
        r->more[k] = r->state == FR_TRIAL_COMPLETE ? fr_rng_uniform(&rng) : NAN;
}

static inline fr_history *fixture_history(const fr_study *study, size_t n)
{
    fr_history *history = NULL;
    assert_int_equal(fr_study_history(study, FIXTURE_FOLDS, &history), FR_OK);
    for (size_t t = 0; t < n; t++) {
        fixture_add_trial(history);
        for (uint32_t f = 0; f < FIXTURE_FOLDS; f++) {
            fr_fold_result result = fixture_fold(t, f);
            fixture_score_more(history, &result);
            if (fixture_is_in(t, f))
                assert_int_equal(fr_history_add_fold(history, &result), FR_OK);
            fr_fold_result_clear(&result);
        }
    }
    return history;
}

/* Bits, so that NaN equals NaN. */
static inline void assert_same_bits(double a, double b)
{
    assert_memory_equal(&a, &b, sizeof a);
}

static inline void assert_same_fold(const fr_fold_result *a, const fr_fold_result *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a == NULL) return;
    assert_int_equal(a->trial, b->trial);
    assert_int_equal(a->fold, b->fold);
    assert_int_equal(a->state, b->state);
    assert_same_bits(a->score, b->score);
    assert_same_bits(a->train_score, b->train_score);
    assert_same_bits(a->loss, b->loss);
    assert_int_equal(a->epochs, b->epochs);
    assert_int_equal(a->best_epoch, b->best_epoch);
    assert_same_bits(a->seconds, b->seconds);
    assert_same_bits(a->samples_per_second, b->samples_per_second);
    assert_same_bits(a->flops, b->flops);
    assert_int_equal(a->rank, b->rank);
    assert_same_bits(a->start_s, b->start_s);
    assert_same_bits(a->end_s, b->end_s);
    assert_int_equal(a->n_curve, b->n_curve);
    if (a->n_curve > 0)
        assert_memory_equal(a->curve, b->curve, 2 * a->n_curve * sizeof(double));
    assert_int_equal(a->message == NULL, b->message == NULL);
    if (a->message != NULL) assert_string_equal(a->message, b->message);
}

static inline void assert_same_history(const fr_history *a, const fr_history *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->n_folds, b->n_folds);
    assert_int_equal(a->settled, b->settled);
    for (size_t t = 0; t < a->n; t++) {
        const fr_trial *x = &a->trials[t], *y = &b->trials[t];
        assert_true(fr_space_equal(a->space, x->point, y->point));
        assert_int_equal(x->state, y->state);
        assert_same_bits(x->score_mean, y->score_mean);
        assert_same_bits(x->score_se, y->score_se);
        for (uint32_t f = 0; f < a->n_folds; f++) assert_same_fold(x->folds[f], y->folds[f]);
    }
}

/* A whole file; the caller frees it. */
static inline unsigned char *fixture_read(const char *name, size_t *size)
{
    FILE *file = fopen(fixture_path(name), "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static inline void fixture_write(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(fixture_path(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

#endif
