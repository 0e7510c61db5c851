/* SPDX-License-Identifier: BSD-3-Clause */
/* test_prune_best.c - the promise of pruning: over a table of recorded curves that never cross
 * and have no noise, the row that is best in the end is never stopped, by no method and by no
 * combination of them, for any number of trials in flight.
 *
 * The value of row r in fold f after epoch e is base(f, e) + scale(f) quality(r), scale > 0:
 * curves go up and down, folds differ in level and spread, but everywhere the order of the rows
 * is that of their qualities. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/memory.h"
#include "foldrank/prune.h"
#include "foldrank/random.h"
#include "foldrank/select.h"

enum { ROWS = 60, FOLDS = 4, EPOCHS = 13, METHODS = 7, SEEDS = 6 };

static const char *const words[METHODS] = {"median",    "percentile", "asha",  "hyperband",
                                           "threshold", "patience",   "racing"};

typedef struct {
    bool maximize;
    double base[FOLDS][EPOCHS], scale[FOLDS], quality[ROWS];
    size_t best; /* row */
} table;

static table make_table(uint64_t seed)
{
    table t = {.maximize = seed % 2 == 0};
    fr_rng rng = fr_rng_make(seed, FR_RNG_NOISE, 1, 0, 0);
    const double sign = t.maximize ? 1 : -1;
    for (int f = 0; f < FOLDS; f++) {
        t.scale[f] = exp(fr_rng_normal(&rng));
        for (int e = 0; e < EPOCHS; e++) /* learning, with ups and downs */
            t.base[f][e] = sign * (3 * (1 - exp(-e / 4.0)) + 0.3 * fr_rng_normal(&rng));
    }
    for (size_t r = 0; r < ROWS; r++) {
        t.quality[r] = fr_rng_normal(&rng);
        if (sign * t.quality[r] > sign * t.quality[t.best]) t.best = r;
    }
    return t;
}

static double value(const table *t, size_t row, uint32_t fold, uint32_t epoch)
{
    return t->base[fold][epoch - 1] + t->scale[fold] * t->quality[row];
}

/* A score that the best row always reaches, but not by much. */
static double least_of_best(const table *t)
{
    double least = value(t, t->best, 0, 1);
    for (uint32_t f = 0; f < FOLDS; f++)
        for (uint32_t e = 1; e <= EPOCHS; e++) {
            const double v = value(t, t->best, f, e);
            if (t->maximize ? v < least : v > least) least = v;
        }
    return least;
}

typedef struct {
    const table *table;
    const fr_prune_options *options;
    unsigned methods;
    uint64_t concurrency;
    fr_history *history;
} study;

static bool race(const void *context, const fr_history *history, uint64_t trial,
                 uint32_t n_folds)
{
    const study *s = context;
    const uint64_t visible = fr_history_visible(history, s->concurrency, trial);
    return n_folds >= (uint64_t)s->options->first_fold &&
           fr_race_beaten(history, trial, visible, n_folds, s->options->alpha, 0.25);
}

/* One fold as an objective does it: rungs by the best value so far, patience, the last value or
 * with patience the best. */
static fr_fold_result evaluate(const study *s, size_t row, uint32_t fold, const fr_rung *rungs,
                               size_t n_rungs)
{
    const fr_history *h = s->history;
    fr_fold_result r = {.trial = row, .fold = fold, .state = FR_TRIAL_COMPLETE};
    r.curve = malloc(2 * EPOCHS * sizeof *r.curve);
    double best = NAN;
    const bool patient = (s->methods & FR_PRUNE_PATIENCE) != 0;
    for (uint32_t e = 1; e <= EPOCHS; e++) {
        const double v = value(s->table, row, fold, e);
        r.curve[2 * r.n_curve] = NAN;
        r.curve[2 * r.n_curve++ + 1] = v;
        r.epochs = e;
        if (fr_history_better(h, v, best)) {
            best = v;
            r.best_epoch = e;
        }
        for (size_t i = 0; i < n_rungs && e < EPOCHS; i++)
            if (rungs[i].epoch == e && fr_history_better(h, rungs[i].cutoff, best))
                r.state = FR_TRIAL_PRUNED;
        if (r.state == FR_TRIAL_PRUNED) break;
        if (patient && e >= s->options->first_epoch && e - r.best_epoch >= s->options->patience)
            break;
    }
    r.score = patient ? best : value(s->table, row, fold, r.epochs);
    return r;
}

static void run_trial(study *s, size_t row)
{
    const double x = (double)row;
    const uint64_t visible = fr_history_visible(s->history, s->concurrency, row);
    assert_int_equal(fr_history_add_trial(s->history, &x), FR_OK);
    for (uint32_t f = 0; f < FOLDS; f++) {
        const fr_prune_query query = {
            .trial = row, .visible = visible, .fold = f, .epochs = EPOCHS};
        fr_rung *rungs;
        size_t n;
        if (s->history->trials[row].folds[f] != NULL) break; /* cancelled */
        assert_int_equal(fr_prune_rungs(s->options, s->history, &query, &rungs, &n), FR_OK);
        fr_fold_result result = evaluate(s, row, f, rungs, n);
        assert_int_equal(fr_history_add_fold(s->history, &result), FR_OK);
        free(rungs);
    }
}

static fr_prune_options make_options(unsigned subset, const table *t, fr_rng *rng)
{
    fr_prune_options o = {0};
    fr_text list = {0};
    char number[FR_NUMBER_SIZE];
    assert_int_equal(fr_option_defaults(fr_prune_option_table, fr_prune_option_count, &o),
                     FR_OK);
    for (unsigned m = 0; m < METHODS; m++)
        if (subset >> m & 1)
            fr_text_add(&list, "%s%s", list.length == 0 ? "[" : ", ", words[m]);
    fr_text_add(&list, "]");
    const fr_option *row =
        fr_option_find(fr_prune_option_table, fr_prune_option_count, "method");
    assert_int_equal(fr_option_set(row, list.data, &o), FR_OK);
    fr_text_clear(&list);
    o.threshold = fr_strdup(fr_format_double(least_of_best(t), number));
    o.first_epoch = 1 + (int64_t)fr_rng_below(rng, 3);
    o.reduction = 2 + (int64_t)fr_rng_below(rng, 3);
    o.percentile = 5 + 90 * fr_rng_uniform(rng);
    o.startup_trials = 1 + (int64_t)fr_rng_below(rng, 6);
    o.patience = 1 + (int64_t)fr_rng_below(rng, 5);
    o.alpha = 0.01 + 0.4 * fr_rng_uniform(rng);
    o.seed = (int64_t)fr_rng_below(rng, 1000);
    return o;
}

/* Trials that are not the best and did not train all that there is. */
static size_t search_table(unsigned subset, uint64_t seed)
{
    static const uint64_t windows[] = {1, 2, 7, 30};
    const table t = make_table(seed);
    fr_rng rng = fr_rng_make(seed, FR_RNG_NOISE, 2, 0, subset);
    fr_prune_options options = make_options(subset, &t, &rng);
    fr_space space = {0};
    fr_param x = {.name = fr_strdup("x"), .kind = FR_PARAM_INT, .low = 0, .high = ROWS};
    study s = {.table = &t, .options = &options, .concurrency = windows[seed % 4]};
    assert_int_equal(fr_space_add(&space, x), FR_OK);
    assert_int_equal(fr_history_create(&space, FOLDS, t.maximize, &s.history), FR_OK);
    assert_int_equal(fr_prune_methods(&options, &s.methods), FR_OK);
    if (s.methods & FR_PRUNE_RACING) s.history->race = race;
    s.history->race_context = &s;
    size_t pruned = 0;
    for (size_t r = 0; r < ROWS; r++) {
        run_trial(&s, r);
        pruned += s.history->trials[r].state == FR_TRIAL_PRUNED;
    }
    if (s.history->trials[t.best].state != FR_TRIAL_COMPLETE ||
        fr_history_best(s.history, ROWS) != t.best)
        fail_msg("methods %x, seed %d, %d in flight: the best row, %zu, is %s; %zu is chosen",
                 subset, (int)seed, (int)s.concurrency, t.best,
                 fr_trial_state_word(s.history->trials[t.best].state),
                 fr_history_best(s.history, ROWS));
    fr_option_clear(fr_prune_option_table, fr_prune_option_count, &options);
    fr_history_destroy(&s.history);
    fr_space_clear(&space);
    return pruned;
}

static void the_best_row_is_never_pruned(void **state)
{
    (void)state;
    for (unsigned subset = 1; subset < 1u << METHODS; subset++) {
        size_t pruned = 0;
        for (uint64_t seed = 0; seed < SEEDS; seed++)
            pruned += search_table(subset, seed * 97 + subset);
        /* All but patience do stop others: about one row in two or more. */
        if (subset != 1u << 5 && pruned < SEEDS * ROWS / 8)
            fail_msg("methods %x prune %zu of %d rows", subset, pruned, SEEDS * ROWS);
    }
}

/* Many more seeds for each method alone and for what is recommended together. */
static void nor_with_many_seeds(void **state)
{
    (void)state;
    static const unsigned subsets[] = {1, 2, 4, 8, 16, 32, 64, 4 | 64, 8 | 64, 1 | 64};
    for (size_t i = 0; i < sizeof subsets / sizeof *subsets; i++)
        for (uint64_t seed = 1000; seed < 1100; seed++) search_table(subsets[i], seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_row_is_never_pruned),
        cmocka_unit_test(nor_with_many_seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
