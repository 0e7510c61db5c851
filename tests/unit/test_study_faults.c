/* SPDX-License-Identifier: BSD-3-Clause */
/* test_study_faults.c - broken study files: every kind of fault with its exact message, all of
 * them in one pass, and hostile input that must be refused without harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "foldrank/study.h"

/* Two good lines that most cases continue: faults begin in line 3. */
#define DATA    "data: {path: d.csv, target: y, task: classification}\n"
#define START   DATA "models: {softmax: {}}\n"
#define COMMAND "objective: {type: command, parameters: {rate: {float: [0, 1]}}, "
#define TRAIN_KEYS                                                                             \
    "optimizer, learning_rate, momentum, dampening, nesterov, weight_decay, beta1, beta2, "    \
    "epsilon, alpha, centered, lr_decay, initial_accumulator, batch_size, epochs, clip_norm, " \
    "schedule, step_epochs, gamma, final_factor, warmup_epochs, patience, min_delta, "         \
    "keep_best, score_every, shuffle"
#define TOP_KEYS                                                                               \
    "study, data, preprocess, validation, nested, metric, models, train, search, pruning, "    \
    "stop, "                                                                                   \
    "select, calibrate, objective, explain, ensemble, resources, output"
#define KIND_KEYS "float, log, int, int_log, choice, step, grid, when"

static const struct {
    const char *text, *message;
} cases[] = {
    /* YAML itself */
    {"", "study.yaml:1: a study is a mapping of keys such as data, models, train"},
    {"- a\n", "study.yaml:1: a study is a mapping of keys such as data, models, train"},
    {START "train: {epochs: 5\n",
     "study.yaml:4: not YAML: did not find expected ',' or '}' while parsing a flow mapping"},
    {START "\ttrain: 1\n",
     "study.yaml:3: not YAML: found character that cannot start any token while scanning for "
     "the next token"},
    {START "train: {epochs: 5}\nselect: {}\ntrain: {}\n",
     "study.yaml:5: key train is there twice, first in line 3"},
    {START "? [a]\n: b\n", "study.yaml:3: a key must be a plain text"},
    {START "train: *other\n", "study.yaml:3: the anchor &other is not known here"},
    {START "train: &a {epochs: *a}\n", "study.yaml:3: the anchor &a is not known here"},
    {START "---\na: b\n", "study.yaml:3: a second document starts here; a study is one"},
    {START "output: !!python/object x\n",
     "study.yaml:3: the tag tag:yaml.org,2002:python/object has no meaning here"},
    {START "output: \"a\\0b\"\n", "study.yaml:3: a text must not contain the NUL character"},
    {START "output: \xff\n", "study.yaml:3: not YAML: invalid leading UTF-8 octet"},

    /* keys */
    {START "serch: {}\n",
     "study.yaml:3: unknown key serch; allowed: " TOP_KEYS "; did you mean search?"},
    {START "stopping: {method: asha}\n",
     "study.yaml:3: unknown key stopping; allowed: " TOP_KEYS},
    {START "train:\n  learning_rat: 0.1\n",
     "study.yaml:4: unknown key learning_rat in train; allowed: " TRAIN_KEYS
     "; did you mean learning_rate?"},
    {DATA "models: {sofmax: {}}\n", "study.yaml:2: unknown key sofmax in models; allowed: "
                                    "linear, softmax, svm, mlp, cnn, fm, kernel, "
                                    "xgboost; did you mean softmax?"},
    {DATA "models: {softmax: {hiden: 3}}\n",
     "study.yaml:2: unknown key hiden in models.softmax; allowed: label_smoothing, "
     "class_weight, l1, l2, " TRAIN_KEYS},
    {START "validation: {fold: 3}\n",
     "study.yaml:3: unknown key fold in validation; allowed: scheme, folds, repeats, seed, "
     "fraction, last, gap; did you mean folds?"},
    {START "train: {l: {flaot: [0, 1]}}\n",
     "study.yaml:3: unknown key l in train; allowed: " TRAIN_KEYS},
    {START "train: {learning_rate: {lgo: [0.1, 1]}}\n",
     "study.yaml:3: unknown key lgo in train.learning_rate; allowed: " KIND_KEYS
     "; did you mean log?"},

    /* missing parts, wrong shapes */
    {"models: {softmax: {}}\n",
     "study.yaml: data.path is missing: name the file with the data"},
    {DATA,
     "study.yaml: models is missing: name at least one of linear, softmax, svm, mlp, cnn, fm, "
     "kernel, xgboost"},
    {DATA "models: [mlp]\n",
     "study.yaml:2: models must be a mapping of families, such as {mlp: {hidden: [64]}}"},
    {"data: {path: d.csv}\nmodels: {mlp: {}}\n",
     "study.yaml:1: data.task is missing; allowed: classification, regression"},
    {START "train: fast\n", "study.yaml:3: train must be a mapping of settings"},
    {START "search: random\n", "study.yaml:3: search must be a mapping, such as {method: ...}"},
    {START "search: {seed: {int: [0, 9]}}\n",
     "study.yaml:3: search.seed: is not a hyperparameter: it needs one value"},
    {START "search: {seed: {a: b}}\n",
     "study.yaml:3: search.seed: needs a value, not a mapping"},
    {START "study: a/b\n",
     "study.yaml:3: study: `a/b` is not a name; allowed: characters without /"},

    /* values */
    {START "train: {epochs: many}\n",
     "study.yaml:3: train.epochs: `many` is not an integer; allowed: 1 <= x <= 1000000"},
    {START "train: {epochs: 2.5}\n",
     "study.yaml:3: train.epochs: `2.5` is not an integer; allowed: 1 <= x <= 1000000"},
    {START "train: {epochs: 0}\n",
     "study.yaml:3: train.epochs: `0` is not in range; allowed: 1 <= x <= 1000000"},
    {START "train: {nesterov: maybe}\n",
     "study.yaml:3: train.nesterov: `maybe` is not true or false; allowed: true, false"},
    {START "train: {optimizer: adma}\n",
     "study.yaml:3: train.optimizer: `adma` is not known; allowed: gd, sgd, adam, adamw, "
     "rmsprop, adagrad (did you mean adam?)"},
    {START "metric: acuracy\n",
     "study.yaml:3: metric: `acuracy` is not known; allowed: accuracy, balanced_accuracy, "
     "f1_macro, f1_weighted, log_loss, roc_auc, mcc, rmse, mae, r2, explained_variance, "
     "ndcg@10, recall@10, precision@10, map@10 (did "
     "you mean accuracy?)"},
    {DATA "models: {mlp: {hidden: [64, 0]}}\n",
     "study.yaml:2: models.mlp.hidden: `0` is not in range; allowed: 1 <= x <= 65536"},

    /* distributions */
    {START "train: {momentum: {float: [0.5, 0.1]}}\n",
     "study.yaml:3: train.momentum: float [0.5, 0.1] is empty: low must be below high"},
    {START "train: {momentum: {float: [0.5]}}\n",
     "study.yaml:3: train.momentum: float needs two numbers: float: [low, high]"},
    {START "train: {momentum: {float: [a, 1]}}\n",
     "study.yaml:3: train.momentum: low must be a number"},
    {START "train: {momentum: {float: [0, 1.5]}}\n",
     "study.yaml:3: train.momentum: `1.5` is not in range; allowed: 0 <= x < 1"},
    {START "train: {learning_rate: {log: [0, 0.1]}}\n",
     "study.yaml:3: train.learning_rate: log [0, 0.1]: low must be above 0"},
    {START "train: {epochs: {float: [1, 5]}}\n",
     "study.yaml:3: train.epochs: float gives fractions; use int or int_log"},
    {START "train: {epochs: {int: [1.5, 5]}}\n",
     "study.yaml:3: train.epochs: int [1.5, 5]: the bounds must be whole numbers"},
    {START "train: {optimizer: {int: [0, 2]}}\n",
     "study.yaml:3: train.optimizer: int is for numbers; use choice"},
    {START "train: {epochs: {int: [1, 5], step: 9}}\n",
     "study.yaml:3: train.epochs: step must be above 0 and at most high - low"},
    {START "train: {epochs: {int: [1, 5], step: 0.5}}\n",
     "study.yaml:3: train.epochs: step must be a whole number"},
    {START "train: {epochs: {int_log: [1, 9], step: 2}}\n",
     "study.yaml:3: train.epochs: step of int_log must be below 2 * low"},
    {START "train: {learning_rate: {log: [0.1, 1], step: 0.1}}\n",
     "study.yaml:3: train.learning_rate: step goes with float, int and int_log only"},
    {START "train: {epochs: {int: [1, 5], grid: 3}}\n",
     "study.yaml:3: train.epochs: grid goes with float and log without step only"},
    {START "train: {momentum: {float: [0, 0.5], grid: 1}}\n",
     "study.yaml:3: train.momentum: grid must be a whole number of values from 2 to 1000000"},
    {START "train: {optimizer: {choice: []}}\n",
     "study.yaml:3: train.optimizer: choice needs a list of values"},
    {START "train: {optimizer: {choice: [sgd, sdg]}}\n",
     "study.yaml:3: train.optimizer: `sdg` is not known; allowed: gd, sgd, adam, adamw, "
     "rmsprop, adagrad (did you mean sgd?)"},
    {START "train: {momentum: {choice: [0.1, 1e-1]}}\n",
     "study.yaml:3: train.momentum: choice has `0.1` twice"},
    {START "train: {momentum: {float: [0, 0.5], log: [0.1, 0.5]}}\n",
     "study.yaml:3: train.momentum: float and log exclude each other"},
    {START "train: {momentum: {step: 1}}\n",
     "study.yaml:3: train.momentum: a hyperparameter needs one of float, log, int, int_log, "
     "choice"},

    /* conditions */
    {START "train: {momentum: {float: [0, 0.5], when: {optimiser: sgd}}}\n",
     "study.yaml:3: train.momentum: when names `optimiser`, which is no setting; did you mean "
     "optimizer?"},
    {START "train: {momentum: {float: [0, 0.5], when: sgd}}\n",
     "study.yaml:3: train.momentum: when must be a mapping such as {optimizer: sgd}"},
    {START "train:\n  optimizer: {choice: [sgd, adam]}\n"
           "  momentum: {float: [0, 0.5], when: {optimizer: gd}}\n",
     "study.yaml:5: train.momentum: `gd` is not a choice of optimizer; allowed: choice [sgd, "
     "adam] (did you mean sgd?)"},
    {START "train:\n  learning_rate: {log: [0.1, 1]}\n"
           "  momentum: {float: [0, 0.5], when: {learning_rate: 0.5}}\n",
     "study.yaml:5: train.momentum: when needs a parameter with countable values; "
     "learning_rate is continuous"},
    {START "train:\n  optimizer: {choice: [sgd, gd], when: {nesterov: true}}\n"
           "  nesterov: {choice: [true, false], when: {optimizer: sgd}}\n",
     "study.yaml:4: train.optimizer: when leads in a circle back to itself"},
    {START "train: {momentum: {float: [0, 0.5], when: {model: mlp}}}\n",
     "study.yaml:3: train.momentum: when: `mlp` is none of the families in models"},
    {DATA "models: {softmax: {}, mlp: {optimizer: sgd}}\ntrain:\n"
          "  optimizer: {choice: [sgd, adam]}\n"
          "  momentum: {float: [0, 0.5], when: {optimizer: sgd}}\n",
     "study.yaml:5: train.momentum: when: the families do not share one optimizer; give each "
     "its own momentum in models.mlp or leave `when` away"},

    /* things that do not go together */
    {START "metric: rmse\n",
     "study.yaml:3: metric: rmse is not for classification; allowed: accuracy, "
     "balanced_accuracy, f1_macro, f1_weighted, log_loss, roc_auc, mcc, ndcg@10, recall@10, "
     "precision@10, map@10"},
    {DATA "models: {linear: {}}\n", "study.yaml:2: models.linear is not for classification"},
    {DATA "models: {svm: {}}\nmetric: log_loss\n",
     "study.yaml:2: models.svm gives no probabilities, which metric log_loss needs"},
    {DATA "models: {mlp: {loss: huber}}\n",
     "study.yaml:2: models.mlp.loss has no effect in classification"},
    {START "train: {optimizer: gd, batch_size: 64}\n",
     "study.yaml:3: train.batch_size has no effect with optimizer gd, which takes all rows at "
     "once"},
    {START "train: {optimizer: sgd, nesterov: true}\n",
     "study.yaml:3: nesterov needs a momentum above 0"},
    {START "train: {optimizer: sgd, nesterov: true, momentum: 0.9, dampening: 0.1}\n",
     "study.yaml:3: nesterov needs dampening 0"},
    {START "validation: {scheme: group_kfold}\n",
     "study.yaml:3: validation.scheme group_kfold needs data.group, the column of the group"},
    {START "validation: {scheme: column}\n",
     "study.yaml:3: validation.scheme column needs data.fold, the column of the fold"},
    {START "validation: {scheme: time_series, repeats: 2}\n",
     "study.yaml:3: validation.repeats has no effect with scheme time_series"},
    {START "validation: {gap: 2}\n",
     "study.yaml:3: validation.gap has no effect with scheme stratified_kfold"},
    {START "validation: {scheme: time_series, folds: 1}\n",
     "study.yaml:3: validation.folds: `1` is not in range; allowed: 2 <= x <= 1000000"},
    {"data: {path: d.csv, task: regression}\nmodels: {linear: {}}\n"
     "validation: {scheme: stratified_kfold}\n",
     "study.yaml:3: validation.scheme stratified_kfold is for classification; use kfold"},
    {START "validation: {scheme: holdout}\nselect: {rule: paired_test}\n",
     "study.yaml:4: select.rule one_standard_error or paired_test needs at least two folds"},
    {"data: {path: d.csv, task: classification, test: {fraction: 0.2, path: t.csv}}\n"
     "models: {softmax: {}}\n",
     "study.yaml:1: data.test: fraction, last, path and column exclude each other"},
    {START "train: {momentum: {float: [0, 0.5]}}\nsearch: {method: grid}\n",
     "study.yaml:3: train.momentum is continuous, which search.method grid cannot count: say "
     "how many values to take, such as grid: 5, or use step or choice"},

    /* enqueued configurations */
    {START "train: {momentum: {float: [0, 0.5]}}\nsearch: {enqueue: {momentum: 0}}\n",
     "study.yaml:4: search.enqueue must be a list of configurations, such as "
     "[{learning_rate: 0.01}]"},
    {START "train: {momentum: {float: [0, 0.5]}}\nsearch: {enqueue: [{momentun: 0}, {}]}\n",
     "study.yaml:4: unknown key momentun in search.enqueue; allowed: momentum; did you mean "
     "momentum?\n"
     "study.yaml:4: search.enqueue, item 1: momentum has no value\n"
     "study.yaml:4: search.enqueue, item 2: momentum has no value"},
    {START "train: {momentum: {float: [0, 0.5]}}\nsearch: {enqueue: [{momentum: 0.7}]}\n",
     "study.yaml:4: search.enqueue, item 1: `0.7` is not a value of momentum; allowed: float "
     "[0, 0.5]"},
    {START "train:\n  optimizer: {choice: [sgd, adam]}\n"
           "  momentum: {choice: [0, 0.5], when: {optimizer: sgd}}\n"
           "search: {enqueue: [{optimizer: adam, momentum: 0}]}\n",
     "study.yaml:6: search.enqueue, item 1: momentum is not used here: its condition fails"},
    {START "train: {momentum: {float: [0, 0.5]}}\n"
           "search: {enqueue: [{momentum: 0.1}, {momentum: 1e-1}]}\n",
     "study.yaml:4: search.enqueue, item 2: is the same as item 1"},
    {START "train: {momentum: {float: [0, 0.5]}}\n"
           "search: {trials: 1, enqueue: [{momentum: 0.1}, {momentum: 0.2}]}\n",
     "study.yaml:4: search.enqueue has 2 configurations, but search.trials is 1"},

    /* A broken method is one fault, not also those of the method that stands in for it. */
    {START "train: {momentum: {float: [0, 0.5]}}\nsearch: {method: tpee}\n",
     "study.yaml:4: search.method: `tpee` is not known; allowed: grid, random, sobol, tpe, gp, "
     "cmaes, "
     "auto, nsga2 (did you mean tpe?)"},

    /* calibrate */
    {START "calibrate: {method: plat, threshold: 1.5}\n",
     "study.yaml:3: calibrate.method: `plat` is not known; allowed: none, platt, temperature "
     "(did you mean platt?)\n"
     "study.yaml:3: calibrate.threshold: `1.5` is no threshold; allowed: tune, or a "
     "probability "
     "0 < x < 1"},
    {START "metric: roc_auc\ncalibrate: {threshold: tune}\n",
     "study.yaml:4: calibrate.threshold: tune does not move roc_auc, which looks at no "
     "predicted "
     "class; set calibrate.metric, to f1_macro or balanced_accuracy"},
    {START "calibrate: {metric: mcc}\n",
     "study.yaml:3: calibrate.metric has no effect without threshold: tune"},
    {DATA "models: {svm: {}, mlp: {}}\ncalibrate: {threshold: 0.3}\n",
     "study.yaml:3: calibrate.threshold is a probability, and models.svm gives none; "
     "calibrate.method platt makes them"},
    {"data: {path: d.csv, target: y, task: regression}\nmodels: {mlp: {}}\ncalibrate: platt\n",
     "study.yaml:3: calibrate is for classification: a regression has no probabilities"},

    /* stop */
    {START "stop: {score: high, fits: -1, epoch: 3, wall: 5x, trials: 3}\n",
     "study.yaml:3: unknown key epoch in stop; allowed: score, fits, epochs, core_hours, wall, "
     "trials; did you mean epochs?\n"
     "study.yaml:3: stop.fits: `-1` is not in range; allowed: 0 <= x <= 1e+15\n"
     "study.yaml:3: stop.wall: `5x` is not a time; allowed: a time such as 90s, 55m, "
     "1h30m with 0 <= x <= 1000000000000\n"
     "study.yaml:3: stop.trials: the number of trials is search.trials\n"
     "study.yaml:3: stop: score `high` is not a finite number"},

    /* pruning */
    {START "pruning: ascha\n",
     "study.yaml:3: pruning: method ascha is unknown; allowed: median, percentile, asha, "
     "hyperband, threshold, patience, racing (did you mean asha?)"},
    {START "pruning: {method: threshold}\n",
     "study.yaml:3: pruning: method threshold needs `threshold: SCORE`, a number"},
    {START "validation: {scheme: holdout}\npruning: [asha, racing]\n",
     "study.yaml:4: pruning.method racing needs at least two folds"},
    {START "pruning:\n  method: asha\n  percentile: 30\n  startup_trials: 9\n"
           "  threshold: 0.5\n  patience: 4\n  alpha: 0.2\n  first_fold: 3\n  seed: 2\n",
     "study.yaml:5: pruning.percentile has no effect without method percentile\n"
     "study.yaml:6: pruning.startup_trials has no effect without method median or percentile\n"
     "study.yaml:7: pruning.threshold has no effect without method threshold\n"
     "study.yaml:8: pruning.patience has no effect without method patience\n"
     "study.yaml:9: pruning.alpha has no effect without method racing\n"
     "study.yaml:10: pruning.first_fold has no effect without method racing\n"
     "study.yaml:11: pruning.seed has no effect without method hyperband"},
    {START "pruning:\n  method: racing\n  first_epoch: 2\n  reduction: 4\n",
     "study.yaml:5: pruning.first_epoch has no effect without a method that stops fits between "
     "epochs\n"
     "study.yaml:6: pruning.reduction has no effect without method asha or hyperband"},
    {START "pruning: {patience: 4}\n",
     "study.yaml:3: pruning.patience has no effect without method patience"},
    {START "select:\n  alpha: 0.1\n  k: 3\n  rounds: 9\n  seed: 1\n  lower_bound: true\n",
     "study.yaml:4: select.alpha has no effect without rule paired_test\n"
     "study.yaml:5: select.k has no effect without rule dice\n"
     "study.yaml:6: select.rounds has no effect without rule dice\n"
     "study.yaml:7: select.seed has no effect without rule dice\n"
     "study.yaml:8: select.lower_bound has no effect without rule dice"},
    {START "train: {epochs: {int: [5, 9]}}\npruning: hyperband\n",
     "study.yaml:3: train.epochs: pruning.method hyperband needs one number of epochs for all "
     "trials, from which its brackets follow; fix it, or use asha"},
    {DATA "models: {softmax: {}, mlp: {epochs: 9}}\ntrain: {epochs: 8}\n"
          "pruning: [hyperband, median]\n",
     "study.yaml:2: models.mlp.epochs: pruning.method hyperband needs one number of epochs for "
     "all trials, from which its brackets follow; fix it, or use asha"},
    {"objective: {type: function, function: sphere, parameters: {x: {float: [0, 1]}}}\n"
     "pruning: {method: median}\n",
     "study.yaml:2: pruning.method stops fits between epochs; this objective has none"},

    {"objective: {type: function, function: sphere, parameters: {x: {float: [0, 1]}}}\n"
     "stop: {epochs: 100}\n",
     "study.yaml:2: stop.epochs has no effect: this objective trains no epochs"},

    /* objectives */
    {"objective: {function: sphere, parameters: {x: {float: [0, 1]}}}\n",
     "study.yaml:1: objective.type is missing; allowed: function, table, command, plugin, "
     "embedded"},
    {"objective: {type: comand, parameters: {x: {float: [0, 1]}}, function: f}\n",
     "study.yaml:1: objective.type: `comand` is not known; allowed: function, table, command, "
     "plugin, embedded (did you mean command?)"},
    {"objective: {type: table, parameters: {x: {int: [0, 1]}}}\n",
     "study.yaml:1: objective.path is missing"},
    {"objective: {type: table, path: t.csv, values: [a, b], steps: 3, speed: 2, "
     "parameters: {x: {int: [0, 1]}}}\nvalidation: {folds: 3}\n",
     "study.yaml:1: objective.values: 2 columns, but validation.folds is 3: name one for each "
     "fold\n"
     "study.yaml:1: objective.speed has no effect without objective.run_time"},
    {"objective: {type: table, path: t.csv, steps: 3, parameters: {x: {int: [0, 1]}}}\n",
     "study.yaml:1: objective.values is missing: with objective.steps it names the scores, "
     "whose "
     "columns are NAME@1, NAME@2, ..."},
    {"objective: {type: function, function: sphere}\n",
     "study.yaml:1: objective.parameters must name parameters, such as {x: {float: [0, 1]}}"},
    {"objective: {type: function, function: sphere, parameters: {x: 1}}\n",
     "study.yaml:1: objective.parameters.x: a parameter needs a distribution; to fix it, write "
     "{choice: [value]}"},
    {"objective: {type: function, function: sphere, parameters: {a/b: {int: [0, 1]}}}\n",
     "study.yaml:1: objective.parameters: `a/b` is not a name; allowed: up to 100 characters "
     "without /"},
    {"objective: {type: function, function: sphere, parameters: {x: {int: [0, 1]}}}\n"
     "train: {}\n",
     "study.yaml:2: train does not go with objective, which takes its place"},
    {"objective: {type: function, function: f, path: t.csv, parameters: {x: {int: [0, 1]}}}\n",
     "study.yaml:1: objective.path goes with type table or plugin"},
    {COMMAND "run: true, sleep: 1, path: x}\n",
     "study.yaml:1: objective.path goes with type table or plugin\n"
     "study.yaml:1: objective.sleep goes with type function"},
    {COMMAND "shell: no}\n", "study.yaml:1: objective.run is missing"},
    {COMMAND "run: \" \"}\n", "study.yaml:1: objective.run: is empty: name a program"},
    {COMMAND "run: \"a 'b\"}\n", "study.yaml:1: objective.run: a quote (') does not close"},
    {COMMAND "run: \"a {rte} {{x}} {} { x }\"}\n",
     "study.yaml:1: objective.run: {rte} is no parameter; allowed: rate, trial, fold, folds, "
     "seed, steps, rank, local_rank, gpus, parameters, directory (did you mean rate?); write "
     "{{rte}} for the braces themselves"},
    {COMMAND "run: a > b}\n",
     "study.yaml:1: objective.run: `>` is for a shell, and the command is started without one; "
     "add `shell: true`, or quote it"},
    {COMMAND "run: \"awk '{rate}'\", shell: true}\n",
     "study.yaml:1: objective.run: {rate} stands in single quotes, in which a shell sees no "
     "values; use double quotes, or {{rate}} for the braces themselves"},
    {COMMAND "run: a, timeout: soon}\n",
     "study.yaml:1: objective.timeout: `soon` is not a time; allowed: a time such as 90s, 55m, "
     "1h30m with 0 <= x <= 1000000000"},
    {COMMAND "run: a, metric: a b}\n",
     "study.yaml:1: objective.metric: `a b` is not a name; allowed: letters, digits and _ . - "
     "@, and neither step nor loss"},
    {COMMAND "run: a}\nvalidation: {scheme: kfold}\n",
     "study.yaml:2: unknown key scheme in validation; allowed: folds"},
    {COMMAND "run: a}\npruning: [hyperband, racing]\n",
     "study.yaml:2: pruning.method threshold and hyperband need objective.steps, the most "
     "steps "
     "that a task reports\n"
     "study.yaml:2: pruning.method racing needs at least two folds"},
    {"objective: {type: command, run: a, parameters: {a.b: {int: [0, 1]}, a_b: {int: [0, "
     "1]}}}\n",
     "study.yaml:1: objective.parameters: a.b and a_b would share the environment variable "
     "FOLDRANK_PARAM_a_b"},
    {START "resources: {gpus: 1}\n",
     "study.yaml:3: resources.gpus goes with objective command, plugin or embedded"},
};

static void every_fault_has_its_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fr_study *study = NULL;
        const fr_status st = fr_study_parse(cases[i].text, "study.yaml", NULL, 0, &study);
        if (st != FR_ERR_USAGE) fail_msg("accepted (%d): %s", (int)st, cases[i].text);
        assert_null(study);
        assert_string_equal(fr_status_message(), cases[i].message);
    }
}

/* Each key with a method or rule that looks at it; the filled-in text, which names every key,
 * is accepted, too. */
static void keys_in_use_are_accepted(void **state)
{
    (void)state;
    static const char *const good[] = {
        "pruning: {method: asha, first_epoch: 2, reduction: 4}\n",
        "pruning: {method: hyperband, reduction: 4, seed: 1}\n",
        "pruning: {method: median, startup_trials: 9}\n",
        "pruning: {method: percentile, startup_trials: 9, percentile: 30}\n",
        "pruning: {method: threshold, threshold: 0.5}\n",
        "pruning: {method: patience, patience: 4, first_epoch: 3}\n",
        "pruning: {method: racing, alpha: 0.2, first_fold: 3}\n",
        "pruning: {patience: 10, percentile: 25.0}\n",
        "train: {epochs: {int: [5, 9]}}\npruning: asha\n",
        "select: {rule: paired_test, alpha: 0.1}\n",
        "select: {rule: dice, k: 3, rounds: 9, seed: 1, lower_bound: true}\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        fr_study *study = NULL, *again = NULL;
        fr_text text = {0};
        fr_text_add(&text, "%s%s", START, good[i]);
        if (fr_study_parse(fr_text_get(&text), "s", NULL, 0, &study) != FR_OK ||
            fr_study_parse(study->text, "s", NULL, 0, &again) != FR_OK)
            fail_msg("%s: %s", good[i], fr_status_message());
        fr_text_clear(&text);
        fr_study_destroy(&study);
        fr_study_destroy(&again);
    }
}

static void all_faults_come_at_once_by_line(void **state)
{
    (void)state;
    static const char text[] = DATA "models: {softmax: {l2: -1}}\n"
                                    "train:\n"
                                    "  epochs: x\n"
                                    "  momentum: {float: [1, 0]}\n"
                                    "select: {rule: worst}\n"
                                    "metric: mae\n"
                                    "sarch: {}\n";
    static const char *const overrides[] = {"search.trials=-1", "train.shuffle=2", "nothing"};
    fr_study *study = NULL;
    assert_int_equal(fr_study_parse(text, "d/s.yaml", overrides, 3, &study), FR_ERR_USAGE);
    assert_string_equal(
        fr_status_message(),
        "d/s.yaml:2: models.softmax.l2: `-1` is not in range; allowed: 0 <= x <= 1000000\n"
        "d/s.yaml:4: train.epochs: `x` is not an integer; allowed: 1 <= x <= 1000000\n"
        "d/s.yaml:5: train.momentum: float [1, 0] is empty: low must be below high\n"
        "d/s.yaml:6: select.rule: `worst` is not known; allowed: best, one_standard_error, "
        "paired_test, dice, knee\n"
        "d/s.yaml:7: metric: mae is not for classification; allowed: accuracy, "
        "balanced_accuracy, f1_macro, f1_weighted, log_loss, roc_auc, mcc, ndcg@10, recall@10, "
        "precision@10, map@10\n"
        "d/s.yaml:8: unknown key sarch; allowed: " TOP_KEYS "; did you mean search?\n"
        "--set nothing: write key=value, such as train.epochs=5\n"
        "--set search.trials=-1: search.trials: `-1` is not in range; allowed: 0 <= x <= "
        "1000000000\n"
        "--set train.shuffle=2: train.shuffle: `2` is not true or false; allowed: true, false");
}

static void faults_beyond_a_message_are_counted(void **state)
{
    (void)state;
    fr_text text = {0};
    fr_study *study = NULL;
    fr_text_add(&text, "%s", START);
    for (int i = 0; i < 1500; i++) fr_text_add(&text, "zzzzzzzz%d: 1\n", i);
    assert_int_equal(fr_study_parse(fr_text_get(&text), "s", NULL, 0, &study), FR_ERR_USAGE);
    const char *end = strrchr(fr_status_message(), '\n');
    size_t lines = 1;
    for (const char *c = fr_status_message(); *c != '\0'; c++) lines += *c == '\n';
    char expected[64];
    snprintf(expected, sizeof expected, "\ns: and %zu more faults", 1500 - (lines - 1));
    assert_string_equal(end, expected);
    fr_text_clear(&text);
}

static void hostile_text_is_refused(void **state)
{
    (void)state;
    fr_study *study = NULL;
    fr_text text = {0};
    fr_text_add(&text, "a: ");
    for (int i = 0; i < 5000; i++) fr_text_add(&text, "[");
    assert_int_equal(fr_study_parse(fr_text_get(&text), "s", NULL, 0, &study), FR_ERR_USAGE);
    assert_string_equal(fr_status_message(), "s:1: nested more than 32 deep");
    fr_text_clear(&text);

    fr_text_add(&text, "a: &a [x, x, x, x, x, x, x, x, x, x]\n"); /* a billion laughs */
    for (char c = 'b'; c <= 'j'; c++)
        fr_text_add(&text, "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c,
                    c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
    assert_int_equal(fr_study_parse(fr_text_get(&text), "s", NULL, 0, &study), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "the study is too large: more than 20000"));
    fr_text_clear(&text);
}

static void set_faults_name_the_override(void **state)
{
    (void)state;
    static const struct {
        const char *override, *message;
    } sets[] = {
        {"train.epochs.x=1", "--set train.epochs.x=1: train.epochs is not a mapping"},
        {"train..x=1", "--set train..x=1: a key is empty"},
        {"=1", "--set =1: write key=value, such as train.epochs=5"},
        {"train.epochs={int: [1", "--set train.epochs={int: [1: not YAML: did not find "
                                  "expected ',' or ']' while parsing "
                                  "a flow sequence"},
        {"train.epoch=3",
         "--set train.epoch=3: unknown key epoch in train; allowed: " TRAIN_KEYS
         "; did you mean epochs?"},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        fr_study *study = NULL;
        assert_int_equal(
            fr_study_parse(START "train: {epochs: 3}\n", "s", &sets[i].override, 1, &study),
            FR_ERR_USAGE);
        assert_string_equal(fr_status_message(), sets[i].message);
    }
}

static void write_file(const char *path, const char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void files_are_looked_for(void **state)
{
    (void)state;
    char dir[] = "/tmp/foldrank-study-XXXXXX", path[64], expected[256];
    fr_study *study = NULL;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s.yaml", dir);
    assert_int_equal(fr_study_load(path, NULL, 0, &study), FR_ERR_USAGE);
    snprintf(expected, sizeof expected, "there is no study file %s", path);
    assert_string_equal(fr_status_message(), expected);
    assert_int_equal(fr_study_load(dir, NULL, 0, &study), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "is a directory, not a study file"));

    write_file(path, "a\0b", 3);
    assert_int_equal(fr_study_load(path, NULL, 0, &study), FR_ERR_USAGE);
    assert_non_null(strstr(fr_status_message(), "it contains the NUL character"));

    static const char text[] = "data: {path: /no/such.csv, task: classification}\n"
                               "models: {softmax: }\n";
    write_file(path, text, strlen(text));
    assert_int_equal(fr_study_load(path, NULL, 0, &study), FR_ERR_USAGE);
    snprintf(expected, sizeof expected, "%s:1: data.path: there is no file `/no/such.csv`",
             path);
    assert_string_equal(fr_status_message(), expected);

    char override[96];
    const char *overrides[] = {override};
    snprintf(override, sizeof override, "data.labels=%s", dir);
    assert_int_equal(fr_study_load(path, overrides, 1, &study), FR_ERR_USAGE);
    snprintf(expected, sizeof expected, "--set %s: data.labels: `%s` is not a file", override,
             dir);
    assert_non_null(strstr(fr_status_message(), expected));

    snprintf(override, sizeof override, "data.path=%s", path);
    if (fr_study_load(path, overrides, 1, &study) != FR_OK) fail_msg("%s", fr_status_message());
    assert_string_equal(study->name, "s");
    assert_string_equal(study->output, "results/s");
    fr_study_destroy(&study);
    unlink(path);
    rmdir(dir);
}

/* Flipped, dropped and doubled bytes: refused or understood, never a crash or a leak. */
static void damaged_text_does_no_harm(void **state)
{
    (void)state;
    static const char good[] =
        "study: s\ndata: {path: d.csv, target: y, task: classification, test: {fraction: "
        "0.2}}\n"
        "preprocess: {scale: {choice: [none, standard]}}\n"
        "models:\n  softmax: &a {l2: {log: [1e-6, 0.1]}, optimizer: adam}\n"
        "  svm: *a\n"
        "  mlp:\n    hidden: {choice: [[64], [128, 64]]}\n"
        "    dropout: {float: [0, 0.5], step: 0.1, when: {hidden: [[64]]}}\n"
        "train:\n  optimizer: {choice: [sgd, adam]}\n"
        "  momentum: {float: [0, 0.9], when: {optimizer: sgd, model: [mlp]}}\n"
        "  epochs: {int_log: [1, 30]}\n"
        "search: {method: random, trials: 20, enqueue: [{model: svm, scale: none, epochs: 3, "
        "svm.l2: 0.01}]}\n";
    enum { LENGTH = sizeof good - 1, ROUNDS = 6000 };
    size_t accepted = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        fr_rng rng = fr_rng_make(11, FR_RNG_NOISE, round, 0, 0);
        char text[LENGTH + 1];
        memcpy(text, good, sizeof good);
        const uint64_t n = round == 0 ? 0 : 1 + fr_rng_below(&rng, 4);
        for (uint64_t k = 0; k < n; k++) {
            const size_t at = fr_rng_below(&rng, LENGTH);
            const size_t from = fr_rng_below(&rng, LENGTH);
            if (fr_rng_below(&rng, 3) == 0) /* another byte of the text, or any byte at all */
                text[at] = (char)(1 + fr_rng_below(&rng, 255));
            else if (fr_rng_below(&rng, 2) == 0)
                text[at] = good[from];
            else
                memmove(text + at, text + at + 1, LENGTH - at);
        }
        fr_study *study = NULL;
        const fr_status st = fr_study_parse(text, "s", NULL, 0, &study);
        assert_true(st == FR_OK || st == FR_ERR_USAGE);
        assert_true((st == FR_OK) == (study != NULL));
        accepted += st == FR_OK;
        fr_study_destroy(&study);
        if (round == 0 && st != FR_OK) fail_msg("%s", fr_status_message());
    }
    assert_true(accepted > ROUNDS / 100 && accepted < ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_its_message),
        cmocka_unit_test(keys_in_use_are_accepted),
        cmocka_unit_test(all_faults_come_at_once_by_line),
        cmocka_unit_test(faults_beyond_a_message_are_counted),
        cmocka_unit_test(hostile_text_is_refused),
        cmocka_unit_test(set_faults_name_the_override),
        cmocka_unit_test(files_are_looked_for),
        cmocka_unit_test(damaged_text_does_no_harm),
    };
    return cmocka_run_group_tests_name("study faults", tests, NULL, NULL);
}
