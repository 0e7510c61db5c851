/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ensemble.c - greedy selection against numpy, and what it owes its users. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "foldrank/ensemble.h"
#include "foldrank/memory.h"
#include "reference.h"

enum { FOLDS = 4, CANDIDATES = 6, ROWS_MAX = 16, OUTPUTS_MAX = 3 };

#define assert_near(a, b, error) assert_true(fabs((a) - (b)) <= (error))

/* One case of tests/reference/ensemble.txt. */
typedef struct {
    fr_ensemble_library library;
    fr_ensemble_options options;
    fr_scored scored[CANDIDATES * FOLDS];
    uint32_t row[FOLDS][ROWS_MAX];
    float target[FOLDS][ROWS_MAX];
    float output[CANDIDATES * FOLDS][ROWS_MAX * OUTPUTS_MAX];
    int count[CANDIDATES];
    double score, honest, single;
} example;

static void next_word(FILE *file, const char *expected)
{
    char word[64];
    assert_int_equal(fscanf(file, "%63s", word), 1);
    assert_string_equal(word, expected);
}

static double next_number(FILE *file)
{
    double value;
    assert_int_equal(fscanf(file, "%lf", &value), 1);
    return value;
}

static void read_fold(FILE *file, example *e, size_t fold, uint32_t *first)
{
    next_word(file, "rows");
    const size_t n = (size_t)next_number(file), n_outputs = e->library.n_outputs;
    next_word(file, "target");
    for (size_t i = 0; i < n; i++) {
        e->target[fold][i] = (float)next_number(file);
        e->row[fold][i] = (*first)++;
    }
    for (size_t c = 0; c < CANDIDATES; c++) {
        float *output = e->output[c * FOLDS + fold];
        next_word(file, "said");
        for (size_t i = 0; i < n * n_outputs; i++) output[i] = (float)next_number(file) / 64;
        e->scored[c * FOLDS + fold] = (fr_scored){
            .n = n, .row = e->row[fold], .target = e->target[fold], .output = output};
    }
}

static void read_example(FILE *file, example *e)
{
    char name[64];
    uint32_t first = 0;
    next_word(file, "case");
    assert_int_equal(fscanf(file, "%63s", name), 1);
    *e = (example){.options = {.bags = 1, .bag_share = 0.5}};
    e->library = (fr_ensemble_library){.n_candidates = CANDIDATES,
                                       .n_folds = FOLDS,
                                       .n_outputs = (size_t)next_number(file),
                                       .scored = e->scored};
    while (strcmp(fr_metric_words[e->library.metric], name) != 0) e->library.metric++;
    e->library.maximize = fr_metric_maximizes(e->library.metric);
    e->options.size = (int64_t)next_number(file);
    e->options.initial = (int64_t)next_number(file);
    for (size_t f = 0; f < FOLDS; f++) read_fold(file, e, f, &first);
    next_word(file, "counts");
    for (size_t c = 0; c < CANDIDATES; c++) e->count[c] = (int)next_number(file);
    next_word(file, "score");
    e->score = next_number(file);
    next_word(file, "honest");
    e->honest = next_number(file);
    e->single = next_number(file);
}

static FILE *open_examples(void)
{
    FILE *file = reference_open("ensemble.txt");
    char line[256];
    assert_non_null(fgets(line, sizeof line, file));
    return file;
}

static example *first_example(void)
{
    static example e;
    FILE *file = open_examples();
    read_example(file, &e);
    fclose(file);
    return &e;
}

static fr_ensemble_choice select_members(const example *e)
{
    fr_ensemble_choice choice;
    assert_int_equal(fr_ensemble_select(&e->library, &e->options, NULL, &choice), FR_OK);
    return choice;
}

static void test_reference(void **state)
{
    (void)state;
    enum { CASES = 3 };
    static example e;
    FILE *file = open_examples();
    for (int i = 0; i < CASES; i++) {
        int total = 0;
        read_example(file, &e);
        fr_ensemble_choice choice = select_members(&e);
        for (size_t c = 0; c < CANDIDATES; c++) total += e.count[c];
        for (size_t c = 0; c < CANDIDATES; c++)
            assert_near(choice.weight[c], (double)e.count[c] / (double)total, 1e-12);
        assert_near(choice.score, e.score, 1e-6);
        assert_near(choice.honest_score, e.honest, 1e-6);
        assert_near(choice.honest_single, e.single, 1e-6);
        fr_ensemble_choice_clear(&choice);
    }
    fclose(file);
}

/* The scale on which trials are compared. */
static void test_one_member_has_its_own_score(void **state)
{
    (void)state;
    example *e = first_example();
    double own = 0;
    e->library.n_candidates = 1;
    for (size_t f = 0; f < FOLDS; f++) {
        const fr_scored *s = &e->scored[f];
        double score;
        assert_int_equal(fr_metric_score(e->library.metric, s->target, s->output, s->n,
                                         e->library.n_outputs, &score),
                         FR_OK);
        own += score / FOLDS;
    }
    fr_ensemble_choice choice = select_members(e);
    assert_near(choice.weight[0], 1.0, 0);
    assert_near(choice.score, own, 1e-15);
    assert_near(choice.honest_score, choice.honest_single, 1e-15);
    fr_ensemble_choice_clear(&choice);
}

static void test_bags(void **state)
{
    (void)state;
    example *e = first_example();
    e->options.bags = 7;
    e->options.initial = 1;
    fr_ensemble_choice one = select_members(e), again = select_members(e);
    double sum = 0;
    for (size_t c = 0; c < CANDIDATES; c++) {
        assert_memory_equal(&one.weight[c], &again.weight[c], sizeof(double));
        sum += one.weight[c];
    }
    assert_near(sum, 1.0, 1e-12);
    /* A bag of one candidate has that candidate alone: each weight is a number of bags. */
    e->options.bag_share = 1e-9;
    fr_ensemble_choice small = select_members(e);
    for (size_t c = 0; c < CANDIDATES; c++)
        assert_near(small.weight[c] * 7, rint(small.weight[c] * 7), 1e-12);
    fr_ensemble_choice_clear(&one);
    fr_ensemble_choice_clear(&again);
    fr_ensemble_choice_clear(&small);
}

/* A trial that cannot be a member is what the ensemble is compared with, when it is better. */
static void test_others(void **state)
{
    (void)state;
    example *e = first_example();
    const double others[2 * FOLDS] = {0.1, 0.1, 0.1, 0.1, 1.0, 1.0, 1.0, 0.96};
    e->library.n_others = 2;
    e->library.others = others;
    fr_ensemble_choice choice = select_members(e);
    assert_near(choice.honest_score, e->honest, 1e-6);
    assert_near(choice.honest_single, 0.99, 1e-12);
    fr_ensemble_choice_clear(&choice);
}

/* Folds 0 and 2, 1 and 3 validate the same rows, as repeats do: the score on one must not come
 * from a choice that has seen the other. */
static void test_shared_rows(void **state)
{
    (void)state;
    example *e = first_example();
    fr_ensemble_library alone = e->library;
    memcpy(e->row[2], e->row[0], 8 * sizeof **e->row);
    memcpy(e->row[3], e->row[1], 8 * sizeof **e->row);
    fr_ensemble_choice choice = select_members(e);
    double expected = 0;
    for (size_t f = 0; f < FOLDS; f++) { /* by the two others alone, on this one */
        fr_scored part[CANDIDATES * 2], left[CANDIDATES];
        for (size_t c = 0; c < CANDIDATES; c++) {
            part[c * 2] = e->scored[c * FOLDS + (f + 1) % FOLDS];
            part[c * 2 + 1] = e->scored[c * FOLDS + (f + 3) % FOLDS];
            left[c] = e->scored[c * FOLDS + f];
        }
        alone.scored = part;
        alone.n_folds = 2;
        fr_ensemble_choice by_others;
        assert_int_equal(fr_ensemble_select(&alone, &e->options, NULL, &by_others), FR_OK);
        float mean[ROWS_MAX * OUTPUTS_MAX] = {0};
        for (size_t i = 0; i < left[0].n * alone.n_outputs; i++) {
            double sum = 0;
            for (size_t c = 0; c < CANDIDATES; c++)
                sum += by_others.weight[c] * (double)left[c].output[i];
            mean[i] = (float)sum;
        }
        double score;
        assert_int_equal(fr_metric_score(alone.metric, left[0].target, mean, left[0].n,
                                         alone.n_outputs, &score),
                         FR_OK);
        expected += score / FOLDS;
        fr_ensemble_choice_clear(&by_others);
    }
    assert_near(choice.honest_score, expected, 1e-12);
    fr_ensemble_choice_clear(&choice);
}

/* With one fold, and with folds that all share a row, nothing honest can be said. */
static void test_nothing_to_leave_out(void **state)
{
    (void)state;
    example *e = first_example();
    fr_scored first[CANDIDATES];
    for (size_t c = 0; c < CANDIDATES; c++) first[c] = e->scored[c * FOLDS];
    for (size_t f = 1; f < FOLDS; f++) e->row[f][0] = 0;
    fr_ensemble_choice choice = select_members(e);
    assert_true(isnan(choice.honest_score) && isnan(choice.honest_single));
    assert_true(isfinite(choice.score) != 0);
    fr_ensemble_choice_clear(&choice);
    e->library.scored = first;
    e->library.n_folds = 1;
    choice = select_members(e);
    assert_true(isnan(choice.honest_score));
    fr_ensemble_choice_clear(&choice);
}

static bool at_once(void)
{
    return true;
}

static void test_stop(void **state)
{
    (void)state;
    example *e = first_example();
    fr_ensemble_choice choice;
    assert_int_equal(fr_ensemble_select(&e->library, &e->options, at_once, &choice),
                     FR_STOPPED);
    assert_null(choice.weight);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),   cmocka_unit_test(test_one_member_has_its_own_score),
        cmocka_unit_test(test_bags),        cmocka_unit_test(test_others),
        cmocka_unit_test(test_shared_rows), cmocka_unit_test(test_nothing_to_leave_out),
        cmocka_unit_test(test_stop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
