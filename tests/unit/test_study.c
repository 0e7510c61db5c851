/* SPDX-License-Identifier: BSD-3-Clause */
/* test_study.c - good study files: settings, hyperparameters, families, conditions, the
 * filled-in text, differences. Broken ones: test_study_faults.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "foldrank/study.h"

static fr_study *parse_with(const char *text, const char *const overrides[], size_t n)
{
    fr_study *study = NULL;
    if (fr_study_parse(text, "jobs/digits.yaml", overrides, n, &study) != FR_OK)
        fail_msg("%s\n%s", fr_status_message(), text);
    return study;
}

static fr_study *parse(const char *text)
{
    return parse_with(text, NULL, 0);
}

/* "name distribution | conditions" of every parameter, one a line. */
static void assert_space(const fr_study *study, const char *expected)
{
    fr_text text = {0};
    for (size_t j = 0; j < study->space.n; j++) {
        const fr_param *p = &study->space.params[j];
        fr_text_add(&text, "%s ", p->name);
        fr_param_describe(p, &text);
        if (p->n_conditions > 0) fr_text_add(&text, " | ");
        fr_param_describe_conditions(&study->space, p, &text);
        fr_text_add(&text, "\n");
    }
    assert_string_equal(fr_text_get(&text), expected);
    fr_text_clear(&text);
}

static bool same_recipe(const fr_recipe *a, const fr_recipe *b)
{
    const struct {
        const fr_option *table;
        size_t n, block;
    } blocks[] = {
        {fr_preprocess_option_table, fr_preprocess_option_count,
         offsetof(fr_recipe, preprocess)},
        {fr_train_option_table, fr_train_option_count, offsetof(fr_recipe, train)},
    };
    fr_text x = {0}, y = {0};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < blocks[k].n; i++) {
            fr_option_format(&blocks[k].table[i], (const char *)a + blocks[k].block, &x);
            fr_option_format(&blocks[k].table[i], (const char *)b + blocks[k].block, &y);
        }
    size_t n = 0;
    const fr_option *model = fr_model_option_table((fr_family)a->model.family, &n);
    for (size_t i = 0; i < n; i++) {
        fr_option_format(&model[i], &a->model, &x);
        fr_option_format(&model[i], &b->model, &y);
    }
    const bool same =
        a->model.family == b->model.family && strcmp(fr_text_get(&x), fr_text_get(&y)) == 0;
    fr_text_clear(&x);
    fr_text_clear(&y);
    return same;
}

/* parse(text(study)) is the same study, and its text is the same text. */
static void assert_reads_back(const fr_study *study)
{
    fr_study *again = parse(study->text);
    fr_text difference = {0};
    assert_string_equal(again->text, study->text);
    assert_true(again->fingerprint == study->fingerprint);
    assert_int_equal(again->space.n, study->space.n);
    assert_int_equal(again->n_enqueued, study->n_enqueued);
    assert_false(fr_study_difference(study, again, &difference));
    fr_rng rng = fr_rng_make(5, FR_RNG_NOISE, 0, 0, 0);
    for (int i = 0; i < 20; i++) {
        double *point = fr_alloc(study->space.n, sizeof *point);
        fr_recipe a, b;
        fr_space_draw(&study->space, &rng, point);
        assert_int_equal(fr_space_check(&again->space, point), FR_OK);
        fr_study_resolve(study, point, &a);
        fr_study_resolve(again, point, &b);
        assert_true(same_recipe(&a, &b));
        free(point);
    }
    for (size_t i = 0; i < study->n_enqueued; i++)
        assert_true(fr_space_equal(&study->space, study->enqueued + i * study->space.n,
                                   again->enqueued + i * study->space.n));
    fr_study_destroy(&again);
}

#define DIGITS                                                                                 \
    "study: digits\n"                                                                          \
    "data: {path: data/digits.csv.gz, target: digit, task: classification, "                   \
    "test: {fraction: 0.2, seed: 7}}\n"                                                        \
    "preprocess: {impute: median, scale: standard, encode: onehot}\n"                          \
    "validation: {scheme: stratified_kfold, folds: 5, repeats: 1, seed: 0}\n"                  \
    "metric: accuracy\n"                                                                       \
    "models:\n"                                                                                \
    "  softmax: {l2: {log: [1.0e-6, 1.0e-1]}}\n"                                               \
    "  mlp:\n"                                                                                 \
    "    hidden:     {choice: [[64], [128], [128, 64]]}\n"                                     \
    "    activation: {choice: [relu, tanh]}\n"                                                 \
    "    dropout:    {float: [0.0, 0.5]}\n"                                                    \
    "train:\n"                                                                                 \
    "  optimizer:     {choice: [sgd, adam]}\n"                                                 \
    "  learning_rate: {log: [1.0e-4, 1.0e-1]}\n"                                               \
    "  momentum:      {float: [0.0, 0.99], when: {optimizer: sgd}}\n"                          \
    "  batch_size:    {choice: [32, 64, 128]}\n"                                               \
    "  epochs: 30\n"                                                                           \
    "search:  {method: random, trials: 200, seed: 1, concurrency: 16}\n"                       \
    "select:  {rule: best}\n"                                                                  \
    "output: results/digits\n"

static void the_documented_study_is_read(void **state)
{
    (void)state;
    fr_study *s = parse(DIGITS);
    assert_string_equal(s->name, "digits");
    assert_string_equal(s->output, "results/digits");
    assert_string_equal(s->data.path, "data/digits.csv.gz");
    assert_true(s->test.fraction == 0.2 && s->test.seed == 7);
    assert_int_equal(s->metric, FR_METRIC_ACCURACY);
    assert_true(s->maximize);
    assert_int_equal(s->search.trials, 200);
    assert_int_equal(s->search.concurrency, 16);
    assert_int_equal(s->objective.type, FR_OBJECTIVE_TRAINING);
    assert_true(s->families[FR_FAMILY_SOFTMAX] && s->families[FR_FAMILY_MLP]);
    assert_false(s->families[FR_FAMILY_SVM]);
    assert_space(s, "model choice [softmax, mlp]\n"
                    "softmax.l2 log [1e-06, 0.1] | model = softmax\n"
                    "mlp.hidden choice [[64], [128], [128, 64]] | model = mlp\n"
                    "mlp.activation choice [relu, tanh] | model = mlp\n"
                    "mlp.dropout float [0, 0.5] | model = mlp\n"
                    "optimizer choice [sgd, adam]\n"
                    "learning_rate log [0.0001, 0.1]\n"
                    "momentum float [0, 0.99] | optimizer = sgd\n"
                    "batch_size choice [32, 64, 128]\n");
    assert_reads_back(s);
    fr_study_destroy(&s);
}

static void points_become_settings(void **state)
{
    (void)state;
    fr_study *s = parse(DIGITS);
    fr_recipe r;
    const double mlp[] = {1, NAN, 2, 1, 0.25, 0, 0.01, 0.5, 2};
    assert_int_equal(fr_space_check(&s->space, mlp), FR_OK);
    fr_study_resolve(s, mlp, &r);
    assert_int_equal(r.model.family, FR_FAMILY_MLP);
    assert_int_equal(r.model.hidden.n, 2);
    assert_int_equal(r.model.hidden.value[1], 64);
    assert_int_equal(r.model.activation, FR_ACT_TANH);
    assert_true(r.model.dropout == 0.25 && r.train.learning_rate == 0.01);
    assert_int_equal(r.train.optimizer, FR_OPT_SGD);
    assert_true(r.train.momentum == 0.5);
    assert_int_equal(r.train.batch_size, 128);
    assert_int_equal(r.train.epochs, 30);
    assert_int_equal(r.preprocess.scale, FR_SCALE_STANDARD);
    const double softmax[] = {0, 1e-3, NAN, NAN, NAN, 1, 0.1, NAN, 0};
    fr_study_resolve(s, softmax, &r);
    assert_int_equal(r.model.family, FR_FAMILY_SOFTMAX);
    assert_true(r.model.l2 == 1e-3 && r.train.momentum == 0);
    assert_int_equal(r.train.optimizer, FR_OPT_ADAM);
    fr_study_destroy(&s);
}

static void the_order_of_keys_changes_nothing(void **state)
{
    (void)state;
    fr_study *a = parse(DIGITS);
    fr_study *b =
        parse("output: results/digits\nsearch: {concurrency: 16, seed: 1, "
              "trials: 200, method: random}\n"
              "train: {momentum: {when: {optimizer: [sgd]}, float: [0, 99e-2]}, "
              "epochs: 30, batch_size: {choice: [32, 64, 128]}, "
              "learning_rate: {log: [0.0001, 1e-1]}, optimizer: {choice: [sgd, adam]}}\n"
              "models: {mlp: {dropout: {float: [0, 0.5]}, activation: {choice: [relu, "
              "tanh]}, hidden: {choice: [64, [128], [128,64]]}}, "
              "softmax: {l2: {log: [1e-6, .1]}}}\n"
              "data: {test: {seed: 7, fraction: 0.2}, target: \"digit\", path: "
              "data/digits.csv.gz}\nmetric: accuracy\nstudy: digits\n");
    assert_string_equal(a->text, b->text);
    fr_study_destroy(&a);
    fr_study_destroy(&b);
}

static void defaults_follow_from_task_and_columns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int task, metric, scheme;
    } rows[] = {
        {"data: {path: d}\nmodels: {softmax: }\n", FR_LEARN_CLASSIFICATION, FR_METRIC_ACCURACY,
         FR_SCHEME_STRATIFIED_KFOLD},
        {"data: {path: d}\nmodels: {linear: {}}\n", FR_LEARN_REGRESSION, FR_METRIC_RMSE,
         FR_SCHEME_KFOLD},
        {"data: {path: d}\nmodels: {mlp: {}}\nmetric: mae\n", FR_LEARN_REGRESSION,
         FR_METRIC_MAE, FR_SCHEME_KFOLD},
        {"data: {path: d, task: regression}\nmodels: {mlp: {}}\n", FR_LEARN_REGRESSION,
         FR_METRIC_RMSE, FR_SCHEME_KFOLD},
        {"data: {path: d, group: g}\nmodels: {svm: {}}\n", FR_LEARN_CLASSIFICATION,
         FR_METRIC_ACCURACY, FR_SCHEME_GROUP_KFOLD},
        {"data: {path: d, fold: f}\nmodels: {svm: {}}\n", FR_LEARN_CLASSIFICATION,
         FR_METRIC_ACCURACY, FR_SCHEME_COLUMN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fr_study *s = parse(rows[i].text);
        assert_int_equal(s->data.task, rows[i].task);
        assert_int_equal(s->metric, rows[i].metric);
        assert_int_equal(s->validation.scheme, rows[i].scheme);
        assert_string_equal(s->name, "digits"); /* from the file's name */
        assert_string_equal(s->output, "results/digits");
        assert_int_equal(s->space.n, 0);
        assert_reads_back(s);
        fr_study_destroy(&s);
    }
}

#define PATH "data: {path: d}\n"

static void a_single_family_needs_no_choice(void **state)
{
    (void)state;
    fr_study *s =
        parse(PATH "models: {svm: {loss: {choice: [hinge, squared_hinge]}, "
                   "epochs: {int: [1, 9], step: 2}}}\n"
                   "train: {epochs: {int: [5, 50]}, momentum: {float: [0, 0.5], when: "
                   "{model: svm, svm.loss: hinge}}}\n");
    assert_space(s, "svm.loss choice [hinge, squared_hinge]\n"
                    "svm.epochs int [1, 9] step 2\n"
                    "momentum float [0, 0.5] | svm.loss = hinge\n");
    fr_recipe r;
    fr_study_resolve(s, (double[]){1, 7, NAN}, &r);
    assert_int_equal(r.model.hinge, FR_HINGE_SQUARED);
    assert_int_equal(r.train.epochs, 7);
    assert_reads_back(s);
    fr_study_destroy(&s);
}

static void families_override_train(void **state)
{
    (void)state;
    fr_study *s = parse(PATH "models: {softmax: {epochs: 7, momentum: 0.5}, svm: {}, "
                             "mlp: {learning_rate: {log: [0.1, 1]}, optimizer: sgd}}\n"
                             "train: {epochs: {int: [1, 3]}, learning_rate: 0.25, "
                             "optimizer: {choice: [adam, sgd]}}\n");
    assert_space(s, "model choice [softmax, svm, mlp]\n"
                    "mlp.learning_rate log [0.1, 1] | model = mlp\n"
                    "optimizer choice [adam, sgd] | model in softmax, svm\n"
                    "epochs int [1, 3] | model in svm, mlp\n");
    fr_recipe r;
    fr_study_resolve(s, (double[]){0, NAN, 0, NAN}, &r);
    assert_int_equal(r.train.epochs, 7);
    assert_true(r.train.momentum == 0.5 && r.train.learning_rate == 0.25);
    fr_study_resolve(s, (double[]){2, 0.5, NAN, 3}, &r);
    assert_int_equal(r.train.epochs, 3);
    assert_int_equal(r.train.optimizer, FR_OPT_SGD);
    assert_true(r.train.momentum == 0 && r.train.learning_rate == 0.5);
    assert_reads_back(s);
    fr_study_destroy(&s);
}

/* A condition asks each family for the value that the family itself uses. */
static void conditions_follow_overrides(void **state)
{
    (void)state;
    fr_study *s = parse(PATH "models: {softmax: {optimizer: adam}, svm: {}, mlp: {}}\n"
                             "train: {optimizer: {choice: [sgd, adam]}, "
                             "momentum: {float: [0, 0.5], when: {optimizer: sgd}}}\n");
    assert_space(s, "model choice [softmax, svm, mlp]\n"
                    "optimizer choice [sgd, adam] | model in svm, mlp\n"
                    "momentum float [0, 0.5] | model in svm, mlp and optimizer = sgd\n");
    assert_reads_back(s);
    fr_study_destroy(&s);
    s = parse(PATH "models: {softmax: {optimizer: sgd}, svm: {optimizer: gd}, mlp: {}}\n"
                   "train: {momentum: {float: [0, 0.5], when: {optimizer: sgd}}}\n");
    assert_space(s, "model choice [softmax, svm, mlp]\n"
                    "momentum float [0, 0.5] | model = softmax\n");
    assert_reads_back(s);
    fr_study_destroy(&s);
}

/* A parameter that every family overrides is none. */
static void a_train_setting_that_nobody_uses_goes(void **state)
{
    (void)state;
    fr_study *s = parse(PATH "models: {softmax: {epochs: 7}, svm: {epochs: {int: [1, 2]}}}\n"
                             "train: {epochs: {int: [1, 3]}}\n");
    assert_space(s, "model choice [softmax, svm]\nsvm.epochs int [1, 2] | model = svm\n");
    assert_reads_back(s);
    fr_study_destroy(&s);
}

static void conditions_on_fixed_settings_are_decided(void **state)
{
    (void)state;
    static const char text[] = PATH
        "models: {mlp: {activation: leaky_relu, negative_slope: {float: [0, 0.1], when: "
        "{activation: [leaky_relu, relu]}}, dropout: {float: [0, 0.5], when: "
        "{activation: tanh}}}}\n"
        "metric: accuracy\ntrain: {momentum: {float: [0, 1e-1], when: {optimizer: sgd}}}\n";
    fr_study *s = parse(text);
    assert_space(s, "mlp.negative_slope float [0, 0.1]\n");
    assert_reads_back(s);
    fr_study_destroy(&s);
    static const char *const overrides[] = {"train.optimizer=sgd",
                                            "models.mlp.activation=tanh"};
    s = parse_with(text, overrides, 2);
    assert_space(s, "mlp.dropout float [0, 0.5]\nmomentum float [0, 0.1]\n");
    fr_study_destroy(&s);
}

static void conditions_chain_and_come_in_any_order(void **state)
{
    (void)state;
    fr_study *s = parse(
        PATH "models: {softmax: {}, mlp: {dropout: {float: [0, 0.5], when: {activation: gelu, "
             "epochs: [3, 5], scale: none}}, activation: {choice: [relu, gelu], when: "
             "{hidden: [[64], 32]}}, l1: {int: [0, 1], when: {hidden: [[128, 64]]}}, hidden: "
             "{choice: [[64], [32], [128, 64]]}}}\n"
             "preprocess: {scale: {choice: [none, standard]}}\n"
             "train: {epochs: {int: [1, 9], step: 2}, gamma: {float: [0.1, 1], when: "
             "{model: mlp, momentum: 0.5}}, momentum: {float: [0, 0.75], step: 0.25}}\n");
    assert_space(
        s, "model choice [softmax, mlp]\n"
           "scale choice [none, standard]\n"
           "mlp.hidden choice [[64], [32], [128, 64]] | model = mlp\n"
           "mlp.activation choice [relu, gelu] | model = mlp and mlp.hidden in [64], [32]\n"
           "epochs int [1, 9] step 2\n"
           "mlp.dropout float [0, 0.5] | model = mlp and scale = none and "
           "mlp.activation = gelu and epochs in 3, 5\n"
           "mlp.l1 int [0, 1] | model = mlp and mlp.hidden = [128, 64]\n"
           "momentum float [0, 0.75] step 0.25\n"
           "gamma float [0.1, 1] | model = mlp and momentum = 0.5\n");
    assert_reads_back(s);
    fr_study_destroy(&s);
}

/* One softmax, three layouts of which two choose among two activations: (1 + 5) * 5 epochs. */
static void sizes_count_conditions(void **state)
{
    (void)state;
    fr_study *s =
        parse(PATH "models: {softmax: {}, mlp: {hidden: {choice: [1, 2, 3]}, activation: "
                   "{choice: [relu, tanh], when: {hidden: [1, 3]}}}}\n"
                   "train: {epochs: {int: [1, 9], step: 2}}\n");
    assert_true(fr_space_size(&s->space) == 30);
    fr_study_destroy(&s);
}

static void every_distribution_is_read(void **state)
{
    (void)state;
    fr_study *s =
        parse(PATH "models: {softmax: {l1: {int: [0, 3]}, l2: {float: [0, 1], grid: 5}}}\n"
                   "preprocess: {drop_constant: {choice: [yes, no]}}\n"
                   "train: {learning_rate: {log: [1e-4, 1], grid: 3}, batch_size: "
                   "{int_log: [16, 256], step: 16}, epochs: {int_log: [1, 100]}, "
                   "momentum: {float: [0, 0.9], step: 0.3}}\n"
                   "search: {method: grid}\n");
    assert_space(s, "drop_constant choice [true, false]\n"
                    "softmax.l1 int [0, 3]\n"
                    "softmax.l2 float [0, 1] grid 5\n"
                    "learning_rate log [0.0001, 1] grid 3\n"
                    "momentum float [0, 0.9] step 0.3\n"
                    "batch_size int_log [16, 256] step 16\n"
                    "epochs int_log [1, 100]\n");
    fr_recipe r;
    fr_study_resolve(s, (double[]){1, 2, 0.5, 0.1, 0.3, 48, 17}, &r);
    assert_false(r.preprocess.drop_constant);
    assert_true(r.model.l1 == 2 && r.model.l2 == 0.5 && r.train.momentum == 0.3);
    assert_int_equal(r.train.batch_size, 48);
    assert_int_equal(r.train.epochs, 17);
    assert_reads_back(s);
    fr_study_destroy(&s);
}

static void enqueued_configurations_are_points(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "search.enqueue=[{model: softmax, softmax.l2: 1e-3, optimizer: adam, learning_rate: "
        "0.01, batch_size: 64}, {model: mlp, mlp.hidden: [128,64], mlp.activation: tanh, "
        "mlp.dropout: 0, optimizer: sgd, learning_rate: 0.1, momentum: 0.9, batch_size: 32}]"};
    fr_study *s = parse_with(DIGITS, overrides, 1);
    const double expected[] = {0, 1e-3, NAN, NAN, NAN, 1, 0.01, NAN, 1,
                               1, NAN,  2,   1,   0,   0, 0.1,  0.9, 0};
    assert_int_equal(s->n_enqueued, 2);
    assert_true(fr_space_equal(&s->space, s->enqueued, expected));
    assert_true(fr_space_equal(&s->space, s->enqueued + 9, expected + 9));
    assert_reads_back(s);
    fr_study_destroy(&s);
}

static void overrides_replace_and_create(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "train.epochs=5",       "train.learning_rate={log: [1e-3, 1e-1]}",
        "search.trials=10",     "models.svm.l2=0.5",
        "output=elsewhere/x y", "data.test.fraction=0",
        "train.epochs=6",       "search.concurrency=free"};
    fr_study *s = parse_with(DIGITS, overrides, 8);
    assert_int_equal(s->base[FR_FAMILY_MLP].train.epochs, 6);
    assert_int_equal(s->search.trials, 10);
    assert_int_equal(s->search.concurrency, 0);
    assert_true(s->families[FR_FAMILY_SVM] && s->base[FR_FAMILY_SVM].model.l2 == 0.5);
    assert_string_equal(s->output, "elsewhere/x y");
    assert_true(s->test.fraction == 0);
    const size_t rate = fr_space_find(&s->space, "learning_rate");
    assert_true(s->space.params[rate].low == 1e-3);
    assert_reads_back(s);
    fr_study_destroy(&s);
}

static void objectives_take_the_place_of_training(void **state)
{
    (void)state;
    fr_study *s = parse(
        "objective:\n  type: table\n  path: t.csv\n  direction: maximize\n  values: [s 1, s2]\n"
        "  parameters:\n    n: {int: [1, 3], when: {kind: [a]}}\n"
        "    kind: {choice: [a, b c, 'null', [1, 2]]}\n    max.depth: {choice: [1, 2]}\n"
        "search: {method: grid, enqueue: [{kind: b c, max.depth: 2}]}\n");
    assert_int_equal(s->objective.type, FR_OBJECTIVE_TABLE);
    assert_true(s->maximize);
    assert_int_equal(s->objective.values.n, 2);
    assert_space(s, "kind choice [a, \"b c\", \"null\", [1, 2]]\n"
                    "n int [1, 3] | kind = a\n"
                    "max.depth choice [1, 2]\n");
    assert_true(fr_space_size(&s->space) == 12);
    assert_true(fr_space_equal(&s->space, s->enqueued, (double[]){1, NAN, 1}));
    fr_study *again = parse(s->text);
    assert_string_equal(again->text, s->text);
    assert_true(again->fingerprint == s->fingerprint);
    fr_study_destroy(&again);
    fr_study_destroy(&s);
}

static void commands_have_folds_and_a_metric(void **state)
{
    (void)state;
    fr_study *s =
        parse("objective:\n  type: command\n  run: \"python3 t.py --lr {lr} \\\"a b\\\"\"\n"
              "  metric: accuracy\n  timeout: 30m\n  parameters: {lr: {log: [0.01, 1]}}\n"
              "validation: {folds: 5}\npruning: [asha, racing]\nresources: {gpus: 2}\n");
    assert_int_equal(s->objective.type, FR_OBJECTIVE_COMMAND);
    assert_true(fr_objective_is_external(&s->objective));
    assert_true(s->maximize);
    assert_int_equal(s->objective.folds, 5);
    assert_true(s->objective.timeout == 1800);
    assert_string_equal(s->objective.run, "python3 t.py --lr {lr} \"a b\"");
    assert_string_equal(s->goals[0].name, "accuracy");
    fr_study *again = parse(s->text);
    assert_string_equal(again->text, s->text);
    fr_study_destroy(&again);
    /* Times that a command may take decide nothing; what is run does. */
    const char *more[] = {"objective.timeout=1h", "objective.grace=1s"};
    again = parse_with(s->text, more, 2);
    assert_true(again->fingerprint == s->fingerprint);
    fr_study_destroy(&again);
    const char *other = "objective.run=b";
    again = parse_with(s->text, &other, 1);
    assert_true(again->fingerprint != s->fingerprint);
    fr_study_destroy(&again);
    fr_study_destroy(&s);
}

static void assert_difference(const char *override, const char *expected)
{
    fr_text text = {0};
    fr_study *a = parse(DIGITS), *b = parse_with(DIGITS, &override, 1);
    assert_int_equal(fr_study_difference(a, b, &text), *expected != '\0');
    assert_string_equal(fr_text_get(&text), expected);
    assert_int_equal(a->fingerprint != b->fingerprint, *expected != '\0');
    fr_text_clear(&text);
    fr_study_destroy(&a);
    fr_study_destroy(&b);
}

static void differences_are_named(void **state)
{
    (void)state;
    assert_difference("search.seed=2", "search.seed: 1 there, 2 here");
    assert_difference("search.seed=1", "");
    assert_difference("train.learning_rate=1e-1",
                      "train.learning_rate: {log: [0.0001, 0.1]} there, 0.1 here");
    assert_difference("train.momentum.when={}",
                      "train.momentum: {float: [0, 0.99], when: {optimizer: sgd}} there, "
                      "{float: [0, 0.99]} here");
    assert_difference("models.mlp.epochs=3", "models.mlp.epochs: nothing there, 3 here");
    assert_difference("models.svm={}", "models.svm.loss: nothing there, squared_hinge here");
    assert_difference("data.labels=t.csv", "data.labels: null there, a file here");
    assert_difference("data.test={path: t.csv}", "data.test.fraction: 0.2 there, 0 here");
    assert_difference("data.drop=[a]", "data.drop: [] there, [a] here");
    assert_difference("search.concurrency=8", "search.concurrency: 16 there, 8 here");
    /* these change no result */
    assert_difference("search.trials=7", "");
    assert_difference("stop={score: 0.9, fits: 7, epochs: 8, core_hours: 9, wall: 10h}", "");
    assert_difference("output=x", "");
    assert_difference("study=x", "");
    assert_difference("resources.threads=3", "");
    assert_difference("data.path=/elsewhere/digits.csv.gz", "");
}

static void budgets_are_read(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "stop={score: 0.98, fits: 1000, epochs: 20000, core_hours: 1.5, wall: 2h30m}"};
    fr_study *s = parse_with(DIGITS, overrides, 1);
    assert_string_equal(s->stop.score, "0.98");
    assert_int_equal(s->stop.fits, 1000);
    assert_int_equal(s->stop.epochs, 20000);
    assert_true(s->stop.core_hours == 1.5);
    assert_true(s->stop.wall_s == 9000);
    assert_true(s->search.open);
    assert_reads_back(s);
    const double point[16] = {0};
    assert_int_equal(fr_study_epochs(s, point), 30);
    fr_study_destroy(&s);
}

static uint64_t below(fr_rng *rng, uint64_t n)
{
    return fr_rng_below(rng, n);
}

/* One of a few settings of train with one of a few values, perhaps conditional. */
static void add_random_setting(fr_rng *rng, size_t which, fr_text *out)
{
    static const char *const settings[][4] = {
        {"optimizer", "adam", "{choice: [sgd, adam]", "{choice: [adam, sgd, rmsprop]"},
        {"schedule", "step", "{choice: [constant, step]", "{choice: [step, cosine]"},
        {"epochs", "9", "{int: [1, 9]", "{int_log: [1, 50]"},
        {"batch_size", "64", "{choice: [64, 128]", "{int: [64, 256], step: 64"},
        {"nesterov", "false", "{choice: [no, yes]", "{choice: [true, false]"},
        {"momentum", "0.5", "{float: [0, 0.9]", "{float: [0, 0.5], step: 0.25"},
        {"gamma", "0.5", "{float: [0.1, 0.9], grid: 4", "{log: [0.1, 1]"},
    };
    static const char *const conditions[] = {
        "optimizer: sgd", "optimizer: [adam, sgd]", "schedule: step",
        "epochs: [9, 5]", "batch_size: 64",         "nesterov: [false]",
        "model: mlp",     "scale: standard",        "mlp.activation: relu"};
    const size_t n_conditions = sizeof conditions / sizeof *conditions;
    const uint64_t form = below(rng, 3);
    fr_text_add(out, "%s: %s", settings[which][0], settings[which][form + 1]);
    if (form > 0 && below(rng, 2) == 0)
        fr_text_add(out, ", when: {%s}", conditions[below(rng, n_conditions)]);
    if (form > 0 && below(rng, 9) == 0) /* twice `when`: a fault that must not do harm */
        fr_text_add(out, ", when: {%s}", conditions[below(rng, n_conditions)]);
    fr_text_add(out, form > 0 ? "}" : "");
}

static void add_random_block(fr_rng *rng, const char *more, fr_text *out)
{
    fr_text_add(out, "{%s", more);
    bool any = *more != '\0';
    for (size_t i = 0; i < 7; i++) {
        if (below(rng, 3) != 0) continue;
        fr_text_add(out, any ? ", " : "");
        add_random_setting(rng, i, out);
        any = true;
    }
    fr_text_add(out, "}");
}

static void random_studies_read_back(void **state)
{
    (void)state;
    size_t good = 0;
    for (uint64_t round = 0; round < 1000; round++) {
        fr_rng rng = fr_rng_make(21, FR_RNG_NOISE, round, 0, 0);
        fr_text text = {0};
        fr_study *study = NULL;
        fr_text_add(&text, "data: {path: d}\nmetric: accuracy\nmodels:\n  mlp: ");
        add_random_block(&rng, below(&rng, 2) ? "activation: {choice: [relu, tanh]}" : "",
                         &text);
        if (below(&rng, 3) > 0) {
            fr_text_add(&text, "\n  svm: ");
            add_random_block(&rng, "", &text);
        }
        fr_text_add(&text, "\npreprocess: %s\ntrain: ",
                    below(&rng, 2) ? "{}" : "{scale: {choice: [none, standard]}}");
        add_random_block(&rng, "", &text);
        const fr_status st = fr_study_parse(fr_text_get(&text), "s", NULL, 0, &study);
        assert_true(st == FR_OK || st == FR_ERR_USAGE);
        if (st == FR_OK) assert_reads_back(study);
        good += st == FR_OK;
        fr_study_destroy(&study);
        fr_text_clear(&text);
    }
    assert_true(good > 300 && good < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_study_is_read),
        cmocka_unit_test(points_become_settings),
        cmocka_unit_test(the_order_of_keys_changes_nothing),
        cmocka_unit_test(defaults_follow_from_task_and_columns),
        cmocka_unit_test(a_single_family_needs_no_choice),
        cmocka_unit_test(families_override_train),
        cmocka_unit_test(conditions_follow_overrides),
        cmocka_unit_test(a_train_setting_that_nobody_uses_goes),
        cmocka_unit_test(conditions_on_fixed_settings_are_decided),
        cmocka_unit_test(conditions_chain_and_come_in_any_order),
        cmocka_unit_test(sizes_count_conditions),
        cmocka_unit_test(every_distribution_is_read),
        cmocka_unit_test(enqueued_configurations_are_points),
        cmocka_unit_test(overrides_replace_and_create),
        cmocka_unit_test(objectives_take_the_place_of_training),
        cmocka_unit_test(budgets_are_read),
        cmocka_unit_test(commands_have_folds_and_a_metric),
        cmocka_unit_test(differences_are_named),
        cmocka_unit_test(random_studies_read_back),
    };
    return cmocka_run_group_tests_name("study", tests, NULL, NULL);
}
