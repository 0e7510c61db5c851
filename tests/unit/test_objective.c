/* SPDX-License-Identifier: BSD-3-Clause */
/* test_objective.c - test functions at their minima, tables of recorded scores, and training
 * tasks on the digits that come with foldrank. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "foldrank/clock.h"
#include "foldrank/objective.h"

static const fr_objective_place place = {.threads = 1, .local_ranks = 1};

static fr_study *parse(const char *text)
{
    fr_study *study = NULL;
    if (fr_study_parse(text, "test.yaml", NULL, 0, &study) != FR_OK)
        fail_msg("%s", fr_status_message());
    return study;
}

static fr_objective *create(const fr_study *study, const fr_dataset *dataset,
                            const fr_folds *folds)
{
    fr_objective *objective = NULL;
    if (fr_objective_create(study, dataset, folds, &place, &objective) != FR_OK)
        fail_msg("%s", fr_status_message());
    return objective;
}

static fr_fold_result evaluate(fr_objective *objective, uint64_t trial, uint32_t fold,
                               const double *point)
{
    fr_fold_result result;
    const fr_task task = {.trial = trial, .fold = fold, .point = point};
    assert_int_equal(fr_objective_evaluate(objective, &task, NULL, &result), FR_OK);
    assert_int_equal(result.trial, trial);
    assert_int_equal(result.fold, fold);
    return result;
}

static void check_function(const char *name, const double *x, size_t n, double expected)
{
    char text[2048];
    int at = snprintf(text, sizeof text,
                      "study: f\nobjective:\n  type: function\n  function: %s\n"
                      "  parameters:\n",
                      name);
    for (size_t i = 0; i < n; i++)
        at +=
            snprintf(text + at, sizeof text - (size_t)at, "    x%zu: {float: [-50, 50]}\n", i);
    snprintf(text + at, sizeof text - (size_t)at, "search: {method: random, trials: 1}\n");
    fr_study *study = parse(text);
    fr_objective *objective = create(study, NULL, NULL);
    fr_fold_result result = evaluate(objective, 0, 0, x);
    assert_int_equal(result.state, FR_TRIAL_COMPLETE);
    if (fabs(result.score - expected) > 1e-4)
        fail_msg("%s: %g instead of %g", name, result.score, expected);
    assert_true(isnan(fr_objective_cost(objective, FR_GOAL_PARAMETERS, x)));
    fr_fold_result_clear(&result);
    fr_objective_destroy(&objective);
    fr_study_destroy(&study);
}

/* Values from the literature, and by hand away from the minima. */
static void test_functions(void **unused)
{
    (void)unused;
    const double zero[6] = {0}, one[6] = {1, 1, 1, 1, 1, 1}, pi[2] = {3.14159265, 2.275};
    const double hartmann[6] = {0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573};
    const double two[2] = {2, 3}, half[1] = {0.5}, levy[1] = {3};
    check_function("sphere", zero, 6, 0);
    check_function("sphere", two, 2, 13);
    check_function("rosenbrock", one, 6, 0);
    check_function("rosenbrock", two, 2, 101);
    check_function("rastrigin", zero, 6, 0);
    check_function("rastrigin", half, 1, 20.25);
    check_function("ackley", zero, 6, 0);
    check_function("ackley", one, 6, 20 - 20 * exp(-0.2));
    check_function("branin", pi, 2, 0.397887);
    check_function("hartmann6", hartmann, 6, -3.32237);
    check_function("levy", one, 6, 0);
    check_function("levy", levy, 1, 1 + 0.25);
    check_function("griewank", zero, 6, 0);
    check_function("griewank", two, 2, 13.0 / 4000 - cos(2) * cos(3 / sqrt(2)) + 1);
}

static const char MIXED[] = "study: f\nobjective:\n  type: function\n  function: %s\n%s"
                            "  parameters:\n    kind: {choice: [a, b, c]}\n"
                            "    x: {float: [0, 10]}\n"
                            "    n: {int: [1, 5], when: {kind: [a]}}\n"
                            "search: {method: random, trials: 1, seed: 8}\n";

static void test_functions_of_the_whole_point(void **unused)
{
    (void)unused;
    char text[1024];
    const double best[3] = {0, 3, 2}, branch[3] = {1, 7, NAN}, mixed[3] = {1, 3, NAN};
    snprintf(text, sizeof text, MIXED, "conditional", "");
    fr_study *study = parse(text);
    fr_objective *objective = create(study, NULL, NULL);
    assert_true(fabs(evaluate(objective, 0, 0, best).score) < 1e-12);
    assert_true(fabs(evaluate(objective, 0, 0, branch).score - 0.1) < 1e-12);
    fr_objective_destroy(&objective);
    fr_study_destroy(&study);
    snprintf(text, sizeof text, MIXED, "mixed", "");
    study = parse(text);
    objective = create(study, NULL, NULL);
    assert_true(fabs(evaluate(objective, 0, 0, mixed).score) < 1e-12);
    fr_objective_destroy(&objective);
    fr_study_destroy(&study);
}

static void test_noise_sleep_and_stop(void **unused)
{
    (void)unused;
    char text[1024];
    const double point[3] = {0, 5, 3};
    snprintf(text, sizeof text, MIXED, "conditional", "  noise: 0.5\n  sleep: 0.03\n");
    fr_study *study = parse(text);
    fr_objective *objective = create(study, NULL, NULL);
    const double start = fr_clock_now(), a = evaluate(objective, 1, 0, point).score;
    assert_true(fr_clock_now() - start >= 0.03);
    assert_true(a != 0);
    assert_true(a == evaluate(objective, 1, 0, point).score);
    assert_true(a != evaluate(objective, 2, 0, point).score);
    atomic_bool stop;
    atomic_init(&stop, true);
    fr_fold_result result;
    assert_int_equal(
        fr_objective_evaluate(objective, &(fr_task){.point = point}, &stop, &result), FR_OK);
    assert_int_equal(result.state, FR_TRIAL_INTERRUPTED);
    fr_objective_destroy(&objective);
    fr_study_destroy(&study);
}

static void test_wrong_functions(void **unused)
{
    (void)unused;
    char text[1024];
    fr_objective *objective = NULL;
    snprintf(text, sizeof text, MIXED, "sfere", "");
    fr_study *study = parse(text);
    assert_int_equal(fr_objective_create(study, NULL, NULL, &place, &objective), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "did you mean sphere?"));
    fr_study_destroy(&study);
    snprintf(text, sizeof text, MIXED, "hartmann6", "");
    study = parse(text);
    assert_int_equal(fr_objective_create(study, NULL, NULL, &place, &objective), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "6"));
    fr_study_destroy(&study);
}

/* A table in a file of its own; *study and *status are of an objective on it. */
static fr_status with_table(const char *content, const char *settings, fr_study **study,
                            fr_objective **objective)
{
    char path[] = "/tmp/foldrank_table_XXXXXX", text[1024];
    const int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, content, strlen(content)), strlen(content));
    close(file);
    snprintf(text, sizeof text,
             "study: t\nobjective:\n  type: table\n  path: %s\n%s"
             "  parameters:\n    rate: {float: [0.1, 0.5], step: 0.1}\n"
             "    kind: {choice: [a, b]}\n    n: {int: [1, 9], when: {kind: [b]}}\n"
             "search: {method: grid}\n",
             path, settings);
    *study = parse(text);
    const fr_status st = fr_objective_create(*study, NULL, NULL, &place, objective);
    remove(path);
    return st;
}

static void test_table(void **unused)
{
    (void)unused;
    fr_study *study;
    fr_objective *objective;
    assert_int_equal(with_table("n,rate,kind,s1,s2\n"
                                ",0.3,a,1,2\n"
                                "4,0.3,b,5,\n"
                                "4,0.30,b,6,10\n" /* the same point again */
                                ",0.2,a,,\n"
                                "7,99,b,1,1\n", /* outside the space */
                                "", &study, &objective),
                     FR_OK);
    const fr_space *space = &study->space;
    double point[3];
    const size_t rate = fr_space_find(space, "rate"), kind = fr_space_find(space, "kind");
    const size_t n = fr_space_find(space, "n");
    point[rate] = 0.3; /* not the double that 0.1 + 2 * 0.1 is */
    point[kind] = 0;
    point[n] = NAN;
    fr_fold_result result = evaluate(objective, 3, 0, point);
    assert_true(result.score == 1.5);
    fr_fold_result_clear(&result);
    point[kind] = 1;
    point[n] = 4;
    result = evaluate(objective, 3, 0, point);
    assert_true(result.score == 7.0); /* mean of 5, 6 and 10 */
    fr_fold_result_clear(&result);
    point[n] = 5; /* no such row */
    result = evaluate(objective, 3, 0, point);
    assert_int_equal(result.state, FR_TRIAL_FAILED);
    assert_non_null(strstr(result.message, "n=5"));
    fr_fold_result_clear(&result);
    point[rate] = 0.2; /* a row without scores */
    point[kind] = 0;
    point[n] = NAN;
    result = evaluate(objective, 3, 0, point);
    assert_int_equal(result.state, FR_TRIAL_FAILED);
    fr_fold_result_clear(&result);
    fr_objective_destroy(&objective);
    fr_study_destroy(&study);
}

/* Curves of two folds in columns NAME@STEP, with a hole at an end, and run times. */
static const char CURVES[] = "rate,kind,n,a@1,a@2,a@3,b@1,b@2,b@3,t\n"
                             "0.1,a,,5,3,4,50,40,30,0.06\n"
                             "0.2,a,,9,8,7,90,80,,0\n"
                             "0.3,a,,,,,1,1,1,0\n";
static const char CURVE_KEYS[] = "  values: [a, b]\n  steps: 3\n  run_time: t\n  speed: 2\n";

static void check_curves(const fr_study *study, fr_objective *objective)
{
    double point[3] = {NAN, NAN, NAN};
    const size_t rate = fr_space_find(&study->space, "rate");
    point[fr_space_find(&study->space, "kind")] = 0;
    point[rate] = 0.1;
    const double start = fr_clock_now();
    fr_fold_result r = evaluate(objective, 0, 0, point);
    assert_true(fr_clock_now() - start >= 0.03); /* half the run time */
    assert_int_equal(r.state, FR_TRIAL_COMPLETE);
    assert_int_equal(r.n_curve, 3);
    assert_int_equal(r.epochs, 3);
    assert_int_equal(r.best_epoch, 3);
    assert_true(r.curve[1] == 5 && r.curve[3] == 3 && r.curve[5] == 4 && r.score == 4);
    fr_fold_result_clear(&r);
    r = evaluate(objective, 0, 1, point);
    assert_true(r.score == 30);
    fr_fold_result_clear(&r);
    /* Stopped at a rung: 3 is the best value after two steps. */
    const fr_rung rungs[] = {{1, 5}, {2, 2.5}};
    const fr_task task = {.fold = 0, .point = point, .rungs = rungs, .n_rungs = 2};
    assert_int_equal(fr_objective_evaluate(objective, &task, NULL, &r), FR_OK);
    assert_int_equal(r.state, FR_TRIAL_PRUNED);
    assert_int_equal(r.epochs, 2);
    fr_fold_result_clear(&r);
    point[rate] = 0.2; /* recorded for two steps only */
    r = evaluate(objective, 0, 1, point);
    assert_int_equal(r.state, FR_TRIAL_COMPLETE);
    assert_int_equal(r.epochs, 2);
    assert_true(r.score == 80);
    fr_fold_result_clear(&r);
    point[rate] = 0.3; /* nothing recorded of this fold */
    r = evaluate(objective, 0, 0, point);
    assert_int_equal(r.state, FR_TRIAL_FAILED);
    fr_fold_result_clear(&r);
}

/* From the file, and from the bytes that root sends when the file is gone. */
static void test_table_of_curves(void **unused)
{
    (void)unused;
    fr_study *study;
    fr_objective *objective;
    fr_pack files = {0};
    char path[] = "/tmp/foldrank_curves_XXXXXX", text[1024];
    const int file = mkstemp(path);
    assert_int_equal(write(file, CURVES, strlen(CURVES)), strlen(CURVES));
    close(file);
    snprintf(text, sizeof text,
             "objective:\n  type: table\n  path: %s\n%s"
             "  parameters:\n    rate: {float: [0.1, 0.5], step: 0.1}\n"
             "    kind: {choice: [a, b]}\n    n: {int: [1, 9], when: {kind: [b]}}\n"
             "validation: {folds: 2}\nsearch: {method: grid}\npruning: [asha, racing]\n",
             path, CURVE_KEYS);
    study = parse(text);
    objective = create(study, NULL, NULL);
    check_curves(study, objective);
    fr_objective_destroy(&objective);
    assert_int_equal(fr_objective_read_files(study, &files), FR_OK);
    remove(path);
    const fr_objective_place sent = {.threads = 1, .files = &files};
    assert_int_equal(fr_objective_create(study, NULL, NULL, &sent, &objective), FR_OK);
    check_curves(study, objective);
    fr_objective_destroy(&objective);
    for (size_t n = 0; n < files.size; n++) { /* every shorter message is refused */
        const fr_pack cut = {.data = files.data, .size = n};
        const fr_objective_place broken = {.threads = 1, .files = &cut};
        assert_int_equal(fr_objective_create(study, NULL, NULL, &broken, &objective),
                         FR_ERR_FORMAT);
    }
    fr_pack_clear(&files);
    fr_study_destroy(&study);
}

static void test_table_columns(void **unused)
{
    (void)unused;
    static const struct {
        const char *content, *settings, *message;
    } wrong[] = {
        {"rate,kind,s\n0.1,a,1\n", "", "no column for parameter `n`"},
        {"rate,kind,n\n0.1,a,\n", "", "none holds scores"},
        {"rate,kind,n,s\n0.1,a,,1\n", "  values: [t]\n", "no column for value `t`"},
        {"rate,kind,n,s\n0.1,a,,x\n", "", ":2: score `x` is not a number"},
        {"rate,kind,n,s\n7,a,,1\n", "", "no row lies inside"},
        {"rate,kind,n,s\n0.1,a,,1\n", "  run_time: t\n", "no column for run_time `t`"},
        {"rate,kind,n,s,t\n0.1,a,,1,-3\n", "  run_time: t\n",
         ":2: run time `-3` is not a number of seconds"},
        {"rate,kind,n,s@1\n0.1,a,,1\n", "  values: [s]\n  steps: 2\n",
         "no column for value `s@2`"},
    };
    fr_study *study;
    fr_objective *objective;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(with_table(wrong[i].content, wrong[i].settings, &study, &objective),
                         FR_ERR_DATA);
        if (strstr(fr_status_message(), wrong[i].message) == NULL)
            fail_msg("`%s` does not say `%s`", fr_status_message(), wrong[i].message);
        fr_study_destroy(&study);
    }
    assert_int_equal(with_table("rate,kind,n,s,note\n0.1,a,,1,text\n", "  values: [s]\n",
                                &study, &objective),
                     FR_OK);
    fr_objective_destroy(&objective);
    fr_study_destroy(&study);
}

static const char DIGITS[] =
    "study: d\n"
    "data: {path: data/digits.csv.gz, target: digit, task: classification,"
    " test: {fraction: 0.2, seed: 7}}\n"
    "preprocess: {scale: {choice: [standard, minmax]}}\n"
    "validation: {scheme: stratified_kfold, folds: 3}\n"
    "metric: accuracy\n"
    "models:\n  softmax: {l2: {log: [1.0e-6, 1.0e-1]}}\n"
    "  mlp: {hidden: {choice: [[16], [32, 8]]}}\n"
    "train: {optimizer: adam, learning_rate: {log: [1.0e-4, 1.0e-1]}, epochs: 8%s}\n"
    "search: {method: random, trials: 4}\n";

typedef struct {
    fr_study *study;
    fr_dataset dataset;
    void *block;
    fr_folds *folds;
    fr_objective *objective;
    double point[16];
} digits;

/* The objective borrows the data set: *d must stay where it is. */
static void open_digits(digits *d, const char *extra)
{
    char text[2048];
    memset(d, 0, sizeof *d);
    snprintf(text, sizeof text, DIGITS, extra);
    d->study = parse(text);
    if (fr_dataset_read(&d->study->data, &d->study->test, &d->block, &d->dataset) != FR_OK ||
        fr_folds_create(&d->dataset, &d->study->test, &d->study->validation, &d->folds) !=
            FR_OK)
        fail_msg("%s", fr_status_message());
    d->objective = create(d->study, &d->dataset, d->folds);
    const fr_space *space = &d->study->space;
    assert_true(space->n <= 16);
    for (size_t j = 0; j < space->n; j++) d->point[j] = NAN;
    d->point[fr_space_find(space, "model")] = 1; /* mlp */
    d->point[fr_space_find(space, "mlp.hidden")] = 1;
    d->point[fr_space_find(space, "learning_rate")] = 0.01;
    for (size_t j = 0; j < space->n; j++)
        if (strstr(space->params[j].name, "scale") != NULL) d->point[j] = 0;
}

static void close_digits(digits *d)
{
    fr_objective_destroy(&d->objective);
    fr_folds_destroy(&d->folds);
    fr_dataset_clear(&d->dataset);
    free(d->block);
    fr_study_destroy(&d->study);
}

static void test_training(void **unused)
{
    (void)unused;
    digits d;
    open_digits(&d, "");
    fr_fold_result first = evaluate(d.objective, 5, 1, d.point);
    fr_fold_result again = evaluate(d.objective, 5, 1, d.point); /* from the cache */
    assert_int_equal(first.state, FR_TRIAL_COMPLETE);
    assert_true(first.score > 0.85);
    assert_true(first.train_score >= first.score);
    assert_int_equal(first.n_curve, 8);
    assert_memory_equal(first.curve, again.curve, 16 * sizeof(double));
    fr_fold_result other = evaluate(d.objective, 5, 2, d.point);
    assert_memory_not_equal(first.curve, other.curve, 16 * sizeof(double));
    assert_true(fr_objective_cost(d.objective, FR_GOAL_PARAMETERS, d.point) ==
                64 * 32 + 32 + 32 * 8 + 8 + 8 * 10 + 10);
    fr_fold_result_clear(&first);
    fr_fold_result_clear(&again);
    fr_fold_result_clear(&other);
    close_digits(&d);
}

/* The trial fails, not the run; and the objective goes on with the next one. */
static void test_model_larger_than_memory(void **unused)
{
    (void)unused;
    digits d;
    open_digits(&d, "");
    const size_t n_classes = d.dataset.schema.n_classes;
    d.dataset.schema.n_classes = SIZE_MAX / 64; /* refused on machines of any size */
    fr_fold_result result = evaluate(d.objective, 5, 1, d.point);
    d.dataset.schema.n_classes = n_classes;
    assert_int_equal(result.state, FR_TRIAL_FAILED);
    assert_true(isnan(result.score) && isnan(result.train_score) && isnan(result.loss));
    assert_non_null(strstr(result.message, "out of memory"));
    fr_fold_result_clear(&result);
    result = evaluate(d.objective, 6, 1, d.point);
    assert_int_equal(result.state, FR_TRIAL_COMPLETE);
    fr_fold_result_clear(&result);
    close_digits(&d);
}

static void test_refit(void **unused)
{
    (void)unused;
    digits d;
    open_digits(&d, ", keep_best: true");
    fr_fold_result results[3] = {{.best_epoch = 2}, {.best_epoch = 7}, {.best_epoch = 5}};
    fr_fold_result *folds[3] = {&results[0], &results[1], &results[2]};
    const fr_trial trial = {.point = d.point, .folds = folds};
    fr_refit refit;
    const fr_task task = {.trial = 5, .point = trial.point};
    assert_int_equal(fr_objective_refit(d.objective, &task, &trial, NULL, &refit), FR_OK);
    assert_int_equal(refit.epochs, 5); /* the median */
    assert_true(refit.test_score > 0.85 && refit.train_score >= refit.test_score);
    assert_int_equal(refit.model.n_outputs, 10);
    fr_refit_clear(&refit);
    atomic_bool stop;
    atomic_init(&stop, true);
    assert_int_equal(fr_objective_refit(d.objective, &task, &trial, &stop, &refit), FR_STOPPED);
    close_digits(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_functions_of_the_whole_point),
        cmocka_unit_test(test_noise_sleep_and_stop),
        cmocka_unit_test(test_wrong_functions),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_of_curves),
        cmocka_unit_test(test_table_columns),
        cmocka_unit_test(test_training),
        cmocka_unit_test(test_model_larger_than_memory),
        cmocka_unit_test(test_refit),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
