/* SPDX-License-Identifier: BSD-3-Clause */
/* test_prune.c - cutoffs against naive twins, the race over folds, and what the history makes
 * of both. That the best trial is never stopped: test_prune_best.c. */
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

enum { EPOCHS = 27, FOLDS = 3 };

typedef struct {
    fr_space space;
    fr_history *history;
} fixture;

static void fixture_open(fixture *f, bool maximize)
{
    *f = (fixture){0};
    fr_param x = {.name = fr_strdup("x"), .kind = FR_PARAM_FLOAT, .low = 0, .high = 1};
    assert_int_equal(fr_space_add(&f->space, x), FR_OK);
    assert_int_equal(fr_history_create(&f->space, FOLDS, maximize, &f->history), FR_OK);
}

static void fixture_close(fixture *f)
{
    fr_history_destroy(&f->history);
    fr_space_clear(&f->space);
}

/* A learning curve that gets better towards `quality` and crosses no curve of another quality.
 */
static double curve(const fixture *f, double quality, uint32_t epoch)
{
    const double rest = exp(-(double)epoch / 9);
    return quality * (f->history->maximize ? 1 - rest : 1 + rest);
}

static void add_fold(fixture *f, uint64_t trial, uint32_t fold, double quality, uint32_t epochs)
{
    const bool cut = epochs < EPOCHS;
    fr_fold_result r = {.trial = trial,
                        .fold = fold,
                        .state = cut ? FR_TRIAL_PRUNED : FR_TRIAL_COMPLETE,
                        .score = curve(f, quality, epochs),
                        .epochs = epochs,
                        .n_curve = epochs};
    r.curve = malloc(2 * epochs * sizeof *r.curve);
    for (uint32_t e = 0; e < epochs; e++) {
        r.curve[2 * e] = NAN;
        r.curve[2 * e + 1] = curve(f, quality, e + 1);
    }
    assert_int_equal(fr_history_add_fold(f->history, &r), FR_OK);
}

static void add_trial(fixture *f, double quality, uint32_t epochs)
{
    assert_int_equal(fr_history_add_trial(f->history, &quality), FR_OK);
    for (uint32_t fold = 0; fold < FOLDS; fold++)
        add_fold(f, f->history->n - 1, fold, quality, epochs);
}

static fr_prune_options defaults(const char *method)
{
    fr_prune_options o = {0};
    assert_int_equal(fr_option_defaults(fr_prune_option_table, fr_prune_option_count, &o),
                     FR_OK);
    const fr_option *row =
        fr_option_find(fr_prune_option_table, fr_prune_option_count, "method");
    assert_int_equal(fr_option_set(row, method, &o), FR_OK);
    return o;
}

static void clear(fr_prune_options *o)
{
    fr_option_clear(fr_prune_option_table, fr_prune_option_count, o);
}

/* The epoch at which a trial of `quality` is stopped; EPOCHS when it is not. */
static uint32_t stopped_at(fixture *f, const fr_prune_options *o, double quality)
{
    const fr_prune_query query = {
        .trial = f->history->n, .visible = f->history->n, .fold = 0, .epochs = EPOCHS};
    fr_rung *rungs;
    size_t n;
    uint32_t end = EPOCHS;
    assert_int_equal(fr_prune_rungs(o, f->history, &query, &rungs, &n), FR_OK);
    for (size_t i = 0; i < n; i++) {
        assert_true(rungs[i].epoch >= 1 && rungs[i].epoch < EPOCHS);
        assert_true(i == 0 || rungs[i].epoch > rungs[i - 1].epoch);
        if (end == EPOCHS &&
            fr_history_better(f->history, rungs[i].cutoff, curve(f, quality, rungs[i].epoch)))
            end = rungs[i].epoch;
    }
    free(rungs);
    return end;
}

static void median_is_the_middle(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, true);
    fr_prune_options o = defaults("median");
    for (int i = 1; i <= 4; i++) add_trial(&f, i, EPOCHS);
    assert_int_equal(stopped_at(&f, &o, 0.1), EPOCHS); /* four trials: too few to judge */
    add_trial(&f, 5, EPOCHS);
    assert_int_equal(stopped_at(&f, &o, 3.0), EPOCHS); /* not worse than the median, 3 */
    assert_int_equal(stopped_at(&f, &o, 2.9), 1);
    o.first_epoch = 7;
    assert_int_equal(stopped_at(&f, &o, 2.9), 7);
    clear(&o);
    fixture_close(&f);
}

static void percentile_keeps_its_share(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, false); /* lower is better: quality 1 is the best */
    fr_prune_options o = defaults("percentile");
    for (int i = 1; i <= 8; i++) add_trial(&f, i, EPOCHS);
    assert_int_equal(stopped_at(&f, &o, 2.0), EPOCHS);
    assert_int_equal(stopped_at(&f, &o, 2.1), 1);
    clear(&o);
    fixture_close(&f);
}

static void asha_goes_by_rungs(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, true);
    fr_prune_options o = defaults("asha");
    add_trial(&f, 5, EPOCHS);
    assert_int_equal(stopped_at(&f, &o, 0.1), EPOCHS); /* two trials: fewer than reduction */
    add_trial(&f, 3, EPOCHS);
    assert_int_equal(stopped_at(&f, &o, 5.0), EPOCHS);
    assert_int_equal(stopped_at(&f, &o, 4.9), 1);
    /* Trials that were stopped at epoch 1 count at rung 1 and not at rung 3. */
    for (int i = 0; i < 12; i++) add_trial(&f, 1, 1);
    assert_int_equal(stopped_at(&f, &o, 3.5), 3);
    assert_int_equal(stopped_at(&f, &o, 0.5), 1);
    clear(&o);
    fixture_close(&f);
}

static void a_later_fold_keeps_what_the_first_let_through(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, true);
    fr_prune_options o = defaults("[asha, median]");
    for (int i = 1; i <= 80; i++) add_trial(&f, i, i > 40 && i < 70 ? 1 : EPOCHS);
    fr_prune_query q = {.trial = 80, .visible = 80, .fold = 0, .epochs = EPOCHS};
    fr_rung *rungs;
    size_t n;
    assert_int_equal(fr_prune_rungs(&o, f.history, &q, &rungs, &n), FR_OK);
    assert_true(n > 0 && rungs[0].epoch == 1 && rungs[0].cutoff == curve(&f, 54, 1));
    free(rungs);
    /* 51 of 80 came so far, and three rungs let one in 27 of 80 through: the best three. */
    q.fold = 1;
    assert_int_equal(fr_prune_rungs(&o, f.history, &q, &rungs, &n), FR_OK);
    for (size_t i = 0; i < n; i++)
        if (rungs[i].epoch == 1 || rungs[i].epoch == 3 || rungs[i].epoch == 9)
            assert_true(rungs[i].cutoff == curve(&f, 78, rungs[i].epoch));
    assert_int_equal(rungs[0].epoch, 1);
    /* 51 of 80 are more than half: the median is the 40th of all, with the beaten ones last. */
    assert_true(rungs[1].epoch == 2 && rungs[1].cutoff == curve(&f, 12, 2));
    free(rungs);
    clear(&o);
    fixture_close(&f);
}

/* Curves that go up and down, with gaps (NaN), of different lengths, some cancelled. */
static void add_ragged_trial(fixture *f, fr_rng *rng)
{
    const double x = fr_rng_uniform(rng);
    assert_int_equal(fr_history_add_trial(f->history, &x), FR_OK);
    for (uint32_t fold = 0; fold < FOLDS; fold++) {
        const uint32_t n = (uint32_t)fr_rng_below(rng, EPOCHS + 1);
        if (f->history->trials[f->history->n - 1].folds[fold] != NULL) break; /* cancelled */
        fr_fold_result r = {.trial = f->history->n - 1,
                            .fold = fold,
                            .state = FR_TRIAL_COMPLETE,
                            .epochs = n,
                            .n_curve = n,
                            .curve = n > 0 ? malloc(2 * n * sizeof *r.curve) : NULL};
        const uint64_t fate = fr_rng_below(rng, 8);
        if (fate < 3) r.state = fate == 0 ? FR_TRIAL_DIVERGED : FR_TRIAL_PRUNED;
        for (uint32_t e = 0; e < n; e++) {
            r.curve[2 * e] = NAN;
            r.curve[2 * e + 1] = fr_rng_below(rng, 3) == 0 ? NAN : fr_rng_normal(rng);
        }
        assert_int_equal(fr_history_add_fold(f->history, &r), FR_OK);
    }
}

/* The k-th best value at `epoch`, everything from the start; NaN without k values. share: of
 * the values, rounded up; 0: one in `one_in` of one more than there are. A cancelled fold is
 * that of a trial which was beaten before: the worst there is. */
static double naive_cutoff(const fixture *f, const fr_prune_query *q, uint32_t epoch,
                           double share, size_t one_in)
{
    double value[64];
    size_t n = 0, n_beaten = 0;
    for (uint64_t t = 0; t < q->visible; t++) {
        const fr_fold_result *r = f->history->trials[t].folds[q->fold];
        double best = NAN;
        n_beaten += r->state == FR_TRIAL_CANCELLED;
        if (r->state == FR_TRIAL_CANCELLED || r->n_curve < epoch) continue;
        for (uint32_t e = 0; e < epoch; e++)
            if (fr_history_better(f->history, r->curve[2 * e + 1], best))
                best = r->curve[2 * e + 1];
        if (!isnan(best)) value[n++] = best;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            if (fr_history_better(f->history, value[j], value[i])) {
                const double swap = value[i];
                value[i] = value[j];
                value[j] = swap;
            }
    const size_t all = n + n_beaten;
    const size_t k = share > 0 ? (size_t)ceil(share * (double)all) : (all + 1) / one_in;
    const bool enough = share > 0 ? all >= 5 : all > 0;
    return enough && k > 0 && k <= n ? value[k - 1] : NAN;
}

static void cutoffs_equal_those_of_a_naive_twin(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 40; round++) {
        fixture f;
        fixture_open(&f, round % 2 == 0);
        fr_rng rng = fr_rng_make(round, FR_RNG_NOISE, 5, 0, 0);
        const bool halves = round % 4 < 2;
        fr_prune_options o = defaults(halves ? "asha" : "median");
        o.first_epoch = 1 + (int64_t)fr_rng_below(&rng, 4);
        for (uint64_t t = 0; t < round; t++) add_ragged_trial(&f, &rng);
        const fr_prune_query q = {.trial = round,
                                  .visible = round - round / 4,
                                  .fold = (uint32_t)(round % FOLDS),
                                  .epochs = EPOCHS};
        fr_rung *rungs;
        size_t n, next = 0;
        assert_int_equal(fr_prune_rungs(&o, f.history, &q, &rungs, &n), FR_OK);
        uint32_t rung = (uint32_t)o.first_epoch;
        for (uint32_t e = rung; e < EPOCHS; e++) {
            if (halves && e != rung) continue;
            if (halves) rung *= (uint32_t)o.reduction;
            size_t one_in = 3; /* in later folds what all rungs below EPOCHS multiply to */
            for (int64_t r = 3 * o.first_epoch; q.fold > 0 && r < EPOCHS; r *= 3) one_in *= 3;
            const double want = naive_cutoff(&f, &q, e, halves ? 0 : 0.5, one_in);
            if (isnan(want)) continue;
            assert_true(next < n && rungs[next].epoch == e && rungs[next].cutoff == want);
            next++;
        }
        assert_int_equal(next, n);
        free(rungs);
        clear(&o);
        fixture_close(&f);
    }
}

static void threshold_and_unknown_words(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, true);
    fr_prune_options o = defaults("threshold");
    unsigned methods;
    assert_int_equal(fr_prune_methods(&o, &methods), FR_ERR_USAGE);
    char score[FR_NUMBER_SIZE];
    o.threshold = fr_strdup(fr_format_double(curve(&f, 2, 10), score));
    o.first_epoch = 10;
    assert_int_equal(stopped_at(&f, &o, 2.0), EPOCHS);
    assert_int_equal(stopped_at(&f, &o, 1.9), 10);
    clear(&o);
    o = defaults("[asha, raceing]");
    assert_int_equal(fr_prune_methods(&o, &methods), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "did you mean racing"));
    clear(&o);
    fixture_close(&f);
}

static void brackets_are_dealt_by_their_sizes(void **state)
{
    (void)state;
    fr_prune_options o = defaults("hyperband");
    const uint32_t n = fr_prune_brackets(&o, EPOCHS);
    assert_int_equal(n, 3); /* first rungs 1, 3, 9 */
    enum { N = 30000 };
    double seen[3] = {0};
    for (uint64_t t = 0; t < N; t++) seen[fr_prune_bracket(&o, t, EPOCHS)]++;
    const double weight[3] = {9.0 / 3, 3.0 / 2, 1}; /* eta^s / (s + 1), s = 2, 1, 0 */
    for (int b = 0; b < 3; b++) {
        const double share = weight[b] / 5.5;
        assert_true(fabs(seen[b] / N - share) < 5 * sqrt(share * (1 - share) / N));
    }
    clear(&o);
}

static void racing_needs_evidence(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, true);
    add_trial(&f, 5, EPOCHS);
    assert_false(
        fr_race_beaten(f.history, 0, 0, FOLDS, 0.1, 0.25)); /* nobody to compare with */
    add_trial(&f, 4, EPOCHS);
    assert_true(
        fr_race_beaten(f.history, 1, 1, 2, 0.1, 0.25)); /* worse by the same each time */
    assert_false(fr_race_beaten(f.history, 1, 1, 1, 0.1, 0.25));
    const double noisy = 6;
    assert_int_equal(fr_history_add_trial(f.history, &noisy), FR_OK);
    add_fold(&f, 2, 0, 3.0, EPOCHS);
    add_fold(&f, 2, 1, 5.1, EPOCHS);
    assert_false(fr_race_beaten(f.history, 2, 2, 2, 0.1, 0.25)); /* one bad fold of two */
    fixture_close(&f);
}

static bool race_at_two(const void *context, const fr_history *history, uint64_t trial,
                        uint32_t n_folds)
{
    (void)context;
    return n_folds == 2 && history->trials[trial].folds[1]->score < 1;
}

/* Folds of one trial, filed in every order: what is kept must be the same. fold_states[i] is
 * what fold i gives when nobody cancels it. */
static void file_in_every_order(const fr_trial_state fold_states[FOLDS], bool race,
                                const fr_trial_state want[FOLDS])
{
    static const uint32_t orders[6][FOLDS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                              {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int o = 0; o < 6; o++) {
        fixture f;
        fixture_open(&f, true);
        if (race) f.history->race = race_at_two;
        const double x = 0;
        assert_int_equal(fr_history_add_trial(f.history, &x), FR_OK);
        for (int i = 0; i < FOLDS; i++) {
            const uint32_t fold = orders[o][i];
            fr_fold_result r = {
                .fold = fold, .state = fold_states[fold], .score = 0.5, .epochs = 3};
            assert_int_equal(fr_history_add_fold(f.history, &r), FR_OK);
        }
        for (int i = 0; i < FOLDS; i++) {
            assert_int_equal(f.history->trials[0].folds[i]->state, want[i]);
            if (want[i] == FR_TRIAL_CANCELLED)
                assert_int_equal(f.history->trials[0].folds[i]->epochs, 0);
        }
        assert_int_equal(f.history->trials[0].state, FR_TRIAL_PRUNED);
        assert_int_equal(f.history->settled, 1);
        assert_int_equal(f.history->n_filed, FOLDS);
        fixture_close(&f);
    }
}

static void a_pruned_fold_cancels_the_later_ones(void **state)
{
    (void)state;
    const fr_trial_state C = FR_TRIAL_COMPLETE, P = FR_TRIAL_PRUNED, X = FR_TRIAL_CANCELLED;
    const struct {
        fr_trial_state gives[FOLDS], want[FOLDS];
        bool race;
    } cases[] = {
        {{P, C, C}, {P, X, X}, false}, {{C, P, C}, {C, P, X}, false},
        {{P, P, P}, {P, X, X}, false}, {{C, C, P}, {C, C, P}, false},
        {{C, C, C}, {C, C, X}, true},  {{C, P, C}, {C, P, X}, true},
        {{C, C, P}, {C, C, X}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        file_in_every_order(cases[i].gives, cases[i].race, cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(median_is_the_middle),
        cmocka_unit_test(percentile_keeps_its_share),
        cmocka_unit_test(asha_goes_by_rungs),
        cmocka_unit_test(a_later_fold_keeps_what_the_first_let_through),
        cmocka_unit_test(cutoffs_equal_those_of_a_naive_twin),
        cmocka_unit_test(threshold_and_unknown_words),
        cmocka_unit_test(brackets_are_dealt_by_their_sizes),
        cmocka_unit_test(racing_needs_evidence),
        cmocka_unit_test(a_pruned_fold_cancels_the_later_ones),
    };
    return cmocka_run_group_tests_name("prune", tests, NULL, NULL);
}
