/* SPDX-License-Identifier: BSD-3-Clause */
/* check.c - settings that are fine one by one and wrong together.
 *
 * Whether a key was given is judged by its value, not by its presence: the filled-in text names
 * every key and must pass. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

const fr_node *fr_draft_at(const fr_draft *draft, const char *block, const char *key)
{
    const fr_node *node = fr_node_find(draft->root, block);
    const fr_node *entry = key == NULL ? NULL : fr_node_find(node, key);
    return entry != NULL ? entry : node;
}

static void check_test(fr_draft *draft)
{
    const fr_test_options *test = &draft->study->test;
    const int n =
        (test->fraction > 0) + (test->last > 0) + (test->path != NULL) + (test->column != NULL);
    const fr_node *node = fr_node_find(fr_node_find(draft->root, "data"), "test");
    if (n > 1)
        fr_faults_add(draft->faults, node,
                      "data.test: fraction, last, path and column exclude each other");
    if (test->labels != NULL && test->path == NULL)
        fr_faults_add(draft->faults, node, "data.test.labels needs data.test.path");
}

static bool has_users(const fr_study *study)
{
    return study->data.user != NULL || study->data.group != NULL;
}

/* Whether the test part goes by time or by user, as it says or as the scheme says. */
static void check_test_order(fr_draft *draft)
{
    const fr_study *study = draft->study;
    const fr_test_options *test = &study->test;
    const fr_node *data = fr_node_find(draft->root, "data"), *node = fr_node_find(data, "test");
    const bool drawn = test->fraction > 0 || test->last > 0;
    if (test->by != FR_TEST_BY_AUTO && !drawn)
        fr_faults_add(draft->faults, node,
                      "data.test.by has no effect without data.test.fraction or last");
    if (test->last > 0 && (test->by == FR_TEST_BY_CHANCE || test->by == FR_TEST_BY_TIME))
        fr_faults_add(draft->faults, node, "data.test.last is of each user: it goes by user");
    if (test->by == FR_TEST_BY_TIME && study->data.time == NULL)
        fr_faults_add(draft->faults, node,
                      "data.test.by time needs data.time, the column of the time");
    if ((test->by == FR_TEST_BY_USER || test->last > 0) && !has_users(study))
        fr_faults_add(
            draft->faults, node,
            "data.test by user needs data.user, the column of the users, or data.group "
            "if it is to be no feature");
    const bool ordered = study->validation.scheme == FR_SCHEME_TIME_SERIES ||
                         study->validation.scheme == FR_SCHEME_LEAVE_LAST_OUT ||
                         (drawn && (test->by >= FR_TEST_BY_TIME || test->last > 0));
    if (study->data.time != NULL && !ordered)
        fr_faults_add(
            draft->faults, fr_node_find(data, "time"),
            "data.time has no effect: neither validation.scheme (time_series, "
            "leave_last_out) nor data.test.by (time, user) goes by time; a column that "
            "is only no feature belongs to data.drop");
}

static void check_scheme_columns(fr_draft *draft)
{
    const fr_study *study = draft->study;
    const int scheme = study->validation.scheme;
    const fr_node *where = fr_draft_at(draft, "validation", "scheme");
    if (scheme == FR_SCHEME_GROUP_KFOLD && study->data.group == NULL)
        fr_faults_add(
            draft->faults, where,
            "validation.scheme group_kfold needs data.group, the column of the group");
    if (scheme == FR_SCHEME_COLUMN && study->data.fold == NULL)
        fr_faults_add(draft->faults, where,
                      "validation.scheme column needs data.fold, the column of the fold");
    if (scheme == FR_SCHEME_LEAVE_LAST_OUT && !has_users(study))
        fr_faults_add(
            draft->faults, where,
            "validation.scheme leave_last_out needs data.user, the column of the users, "
            "or data.group if it is to be no feature");
    if (scheme == FR_SCHEME_STRATIFIED_KFOLD && study->data.task == FR_LEARN_REGRESSION)
        fr_faults_add(draft->faults, where,
                      "validation.scheme stratified_kfold is for classification; use kfold");
}

/* Keys that the scheme does not look at. */
static void check_scheme_keys(fr_draft *draft)
{
    const fr_validation_options *v = &draft->study->validation;
    const bool kfolds = v->scheme == FR_SCHEME_KFOLD || v->scheme == FR_SCHEME_GROUP_KFOLD ||
                        v->scheme == FR_SCHEME_STRATIFIED_KFOLD;
    const bool drawn = v->scheme == FR_SCHEME_SHUFFLE_SPLIT || v->scheme == FR_SCHEME_HOLDOUT;
    const bool counted = v->scheme != FR_SCHEME_HOLDOUT && v->scheme != FR_SCHEME_COLUMN &&
                         v->scheme != FR_SCHEME_LEAVE_ONE_OUT &&
                         v->scheme != FR_SCHEME_LEAVE_LAST_OUT;
    const bool last = v->scheme == FR_SCHEME_LEAVE_LAST_OUT;
    const struct {
        const char *key;
        bool used, changed;
    } keys[] = {
        {"folds", counted, v->folds != 5},
        {"repeats", kfolds, v->repeats != 1},
        {"fraction", drawn || (last && v->last == 0), v->fraction != 0.2},
        {"last", last, v->last != 1},
        {"gap", v->scheme == FR_SCHEME_TIME_SERIES, v->gap != 0},
    };
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (keys[k].changed && !keys[k].used)
            fr_faults_add(draft->faults, fr_draft_at(draft, "validation", keys[k].key),
                          "validation.%s has no effect with scheme %s", keys[k].key,
                          fr_scheme_words[v->scheme]);
}

/* A key of a block that only some words of its method or rule look at. */
typedef struct {
    const char *key;
    bool used;
    const char *by; /* who looks at it */
} key_use;

/* `values` is the struct of `block`, `standard` such a struct with the defaults. */
static void check_key_uses(fr_draft *draft, const fr_block *block, const void *values,
                           const void *standard, const key_use *uses, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        const fr_option *row = fr_option_find(block->table, block->n, uses[k].key);
        fr_text given = {0}, usual = {0};
        fr_option_format(row, values, &given);
        fr_option_format(row, standard, &usual);
        if (!uses[k].used && strcmp(fr_text_get(&given), fr_text_get(&usual)) != 0)
            fr_faults_add(draft->faults, fr_draft_at(draft, block->home, row->name),
                          "%s.%s has no effect without %s", block->home, row->name, uses[k].by);
        fr_text_clear(&given);
        fr_text_clear(&usual);
    }
}

static void check_select_keys(fr_draft *draft)
{
    const fr_block block = {
        .home = "select", .table = fr_select_option_table, .n = fr_select_option_count};
    const fr_select_options *o = &draft->study->select;
    const bool dice = o->rule == FR_RULE_DICE;
    const key_use uses[] = {
        {"alpha", o->rule == FR_RULE_PAIRED_TEST, "rule paired_test"},
        {"k", dice, "rule dice"},
        {"rounds", dice, "rule dice"},
        {"seed", dice, "rule dice"},
        {"lower_bound", dice, "rule dice"},
    };
    fr_select_options standard = {0};
    if (fr_faults_check(draft->faults, NULL, "select",
                        fr_option_defaults(block.table, block.n, &standard)))
        check_key_uses(draft, &block, o, &standard, uses, sizeof uses / sizeof *uses);
    fr_option_clear(block.table, block.n, &standard);
}

/* Decision values of different models have no common scale, so they have no mean either. */
static void check_ensemble_families(fr_draft *draft)
{
    const fr_study *study = draft->study;
    if (study->ensemble.size == 0 || study->data.task != FR_LEARN_CLASSIFICATION) return;
    for (int f = 0; f < FR_FAMILY_COUNT; f++)
        if (study->families[f] && fr_family_has_probabilities((fr_family)f)) return;
    fr_faults_add(draft->faults, fr_draft_at(draft, "ensemble", "size"),
                  "ensemble: none of the models has probabilities, whose mean an ensemble "
                  "predicts: decision values (svm, kernel) have no common scale; add softmax, "
                  "mlp, cnn or fm, or take ensemble away");
}

static void check_ensemble(fr_draft *draft)
{
    const fr_block block = {
        .home = "ensemble", .table = fr_ensemble_option_table, .n = fr_ensemble_option_count};
    const fr_ensemble_options *o = &draft->study->ensemble;
    const bool bags = o->size == 0 || o->bags > 1; /* size 0 switches all of it off */
    const key_use uses[] = {
        {"bag_share", bags, "ensemble.bags above 1"},
        {"seed", bags, "ensemble.bags above 1"},
    };
    fr_ensemble_options standard = {0};
    if (fr_faults_check(draft->faults, NULL, "ensemble",
                        fr_option_defaults(block.table, block.n, &standard)))
        check_key_uses(draft, &block, o, &standard, uses, sizeof uses / sizeof *uses);
    check_ensemble_families(draft);
}

static void check_search_keys(fr_draft *draft)
{
    const fr_block block = {
        .home = "search", .table = fr_search_option_table, .n = fr_search_option_count};
    const fr_search_options *o = &draft->study->search;
    const char *method = fr_search_methods[o->method];
    const bool breeds = strcmp(method, "nsga2") == 0 ||
                        (strcmp(method, "auto") == 0 && draft->study->n_goals > 1);
    const key_use uses[] = {
        {"population", breeds, "method nsga2, or auto with several objectives"}};
    fr_search_options standard = {0};
    /* The first method stands in for one that could not be read. */
    const fr_node *given = fr_node_find(fr_node_find(draft->root, "search"), "method");
    if (given != NULL && (given->kind != NODE_SCALAR || strcmp(given->text, method) != 0))
        return;
    if (fr_faults_check(draft->faults, NULL, "search",
                        fr_option_defaults(block.table, block.n, &standard)))
        check_key_uses(draft, &block, o, &standard, uses, sizeof uses / sizeof *uses);
    fr_option_clear(block.table, block.n, &standard);
}

static bool has_one_fold(const fr_study *study)
{
    if (study->objective.type == FR_OBJECTIVE_TRAINING)
        return study->validation.scheme == FR_SCHEME_HOLDOUT ||
               study->validation.scheme == FR_SCHEME_LEAVE_LAST_OUT;
    return study->objective.folds < 2;
}

static void check_resources(fr_draft *draft)
{
    const fr_study *study = draft->study;
    const int64_t ranks = study->resources.ranks_per_trial;
    const fr_node *node = fr_draft_at(draft, "resources", "ranks_per_trial");
    if ((ranks & (ranks - 1)) != 0)
        fr_faults_add(
            draft->faults, node,
            "resources.ranks_per_trial: %lld is not a power of two; allowed: 1, 2, 4, "
            "8, 16",
            (long long)ranks);
    else if (ranks > 1 && study->objective.type != FR_OBJECTIVE_TRAINING)
        fr_faults_add(draft->faults, node,
                      "resources.ranks_per_trial has no effect: this objective trains no model "
                      "whose mini-batches could be shared");
    if (study->resources.gpus > 0 && !fr_objective_is_external(&study->objective))
        fr_faults_add(draft->faults, fr_draft_at(draft, "resources", "gpus"),
                      "resources.gpus goes with objective command, plugin or embedded");
}

static void check_select(fr_draft *draft)
{
    const fr_study *study = draft->study;
    const bool one_fold = has_one_fold(study);
    const bool compares = study->select.rule == FR_RULE_ONE_STANDARD_ERROR ||
                          study->select.rule == FR_RULE_PAIRED_TEST;
    const bool bounds = study->select.rule == FR_RULE_DICE && study->select.lower_bound;
    if (one_fold && (compares || bounds))
        fr_faults_add(draft->faults,
                      fr_draft_at(draft, "select", compares ? "rule" : "lower_bound"),
                      "select.%s needs at least two folds",
                      compares ? "rule one_standard_error or paired_test" : "lower_bound");
}

static void check_pruning_keys(fr_draft *draft)
{
    const fr_block block = {
        .home = "pruning", .table = fr_prune_option_table, .n = fr_prune_option_count};
    const fr_prune_options *o = &draft->study->pruning;
    const unsigned m = draft->study->prune_methods;
    const key_use uses[] = {
        {"first_epoch", (m & ~(unsigned)FR_PRUNE_RACING) != 0,
         "a method that stops fits between epochs"},
        {"reduction", (m & (FR_PRUNE_ASHA | FR_PRUNE_HYPERBAND)) != 0,
         "method asha or hyperband"},
        {"percentile", (m & FR_PRUNE_PERCENTILE) != 0, "method percentile"},
        {"startup_trials", (m & (FR_PRUNE_MEDIAN | FR_PRUNE_PERCENTILE)) != 0,
         "method median or percentile"},
        {"threshold", (m & FR_PRUNE_THRESHOLD) != 0, "method threshold"},
        {"patience", (m & FR_PRUNE_PATIENCE) != 0, "method patience"},
        {"alpha", (m & FR_PRUNE_RACING) != 0, "method racing"},
        {"first_fold", (m & FR_PRUNE_RACING) != 0, "method racing"},
        {"seed", (m & FR_PRUNE_HYPERBAND) != 0, "method hyperband"},
    };
    unsigned methods;
    if (fr_prune_methods(o, &methods) != FR_OK) return; /* noted; any key may be meant */
    fr_prune_options standard = {0};
    if (fr_faults_check(draft->faults, NULL, "pruning",
                        fr_option_defaults(block.table, block.n, &standard)))
        check_key_uses(draft, &block, o, &standard, uses, sizeof uses / sizeof *uses);
    fr_option_clear(block.table, block.n, &standard);
}

/* Rungs and brackets follow from the number of epochs: trials with different numbers would be
 * compared in brackets that they did not train in. */
static void check_hyperband(fr_draft *draft)
{
    const fr_study *study = draft->study;
    const fr_setting *first = NULL;
    for (int f = 0; f < FR_FAMILY_COUNT; f++) {
        if (!study->families[f]) continue;
        if (!fr_family_iterates((fr_family)f)) {
            fr_faults_add(draft->faults, fr_draft_at(draft, "models", fr_family_words[f]),
                          "models.%s has no epochs, from which the brackets of pruning.method "
                          "hyperband follow; use asha, or racing",
                          fr_family_words[f]);
            return;
        }
        const fr_setting *epochs =
            fr_draft_effective(draft, f, f == FR_FAMILY_XGBOOST ? "rounds" : "epochs");
        if (epochs == NULL || epochs->broken) continue;
        if (first == NULL) first = epochs;
        if (epochs->fixed != NULL && first->fixed != NULL &&
            strcmp(epochs->fixed, first->fixed) == 0)
            continue;
        fr_text place = {0};
        fr_setting_place(epochs, &place);
        fr_faults_add(draft->faults, epochs->given,
                      "%s: pruning.method hyperband needs one number of epochs for all trials, "
                      "from which its brackets follow; fix it, or use asha",
                      fr_text_get(&place));
        fr_text_clear(&place);
        return;
    }
}

static void check_pruning(fr_draft *draft)
{
    const fr_study *study = draft->study;
    const bool trains = study->objective.type == FR_OBJECTIVE_TRAINING;
    const bool steps =
        trains || fr_objective_is_external(&study->objective) || study->objective.steps > 0;
    const unsigned by_epoch = study->prune_methods & ~(unsigned)FR_PRUNE_RACING;
    const bool one_fold = has_one_fold(study);
    if (by_epoch != 0 && !steps)
        fr_faults_add(draft->faults, fr_draft_at(draft, "pruning", "method"),
                      "pruning.method stops fits between epochs; this objective has none");
    if ((study->prune_methods & FR_PRUNE_RACING) && one_fold)
        fr_faults_add(draft->faults, fr_draft_at(draft, "pruning", "method"),
                      "pruning.method racing needs at least two folds");
    if ((study->prune_methods & FR_PRUNE_HYPERBAND) && trains) check_hyperband(draft);
    check_pruning_keys(draft);
}

static void check_stop(fr_draft *draft)
{
    const fr_study *study = draft->study;
    const fr_node *where = fr_draft_at(draft, "stop", "epochs");
    if (study->stop.epochs == 0 || study->objective.type == FR_OBJECTIVE_TRAINING) return;
    if (!fr_objective_is_external(&study->objective))
        fr_faults_add(draft->faults, where,
                      "stop.epochs has no effect: this objective trains no epochs");
    else if (study->objective.steps == 0)
        fr_faults_add(draft->faults, where,
                      "stop.epochs needs objective.steps, the most steps that a task reports");
}

/* What only makes sense of a search that goes its own way to its end. */
static void check_nested(fr_draft *draft)
{
    const fr_study *study = draft->study;
    const fr_node *where = fr_draft_at(draft, "nested", "outer_folds");
    if (study->nested.outer_folds == 0) return;
    if (study->nested.outer_folds == 1)
        fr_faults_add(draft->faults, where,
                      "nested.outer_folds: 1 leaves no rows for the search; two are the least");
    if (study->objective.type == FR_OBJECTIVE_TRAINING &&
        study->validation.scheme == FR_SCHEME_LEAVE_LAST_OUT)
        fr_faults_add(draft->faults, where,
                      "nested.outer_folds does not go with validation.scheme leave_last_out: "
                      "each user has one end; time_series has several outer folds by time");
    if (study->stop.wall_s > 0 || study->stop.core_hours > 0)
        fr_faults_add(draft->faults, where,
                      "nested.outer_folds does not go with stop.%s: the clock would end each "
                      "search elsewhere, and none would be the one that is judged; use "
                      "search.trials, stop.fits or stop.epochs",
                      study->stop.wall_s > 0 ? "wall" : "core_hours");
}

static void check_warm_start(fr_draft *draft)
{
    const fr_search_options *o = &draft->study->search;
    if (o->warm_start.n > 0 && !fr_search_method_learns(o->method))
        fr_faults_add(
            draft->faults, fr_draft_at(draft, "search", "warm_start"),
            "search.warm_start has no effect with method %s, which learns nothing from "
            "earlier studies",
            fr_search_methods[o->method]);
}

static void check_grid(fr_draft *draft)
{
    const fr_study *study = draft->study;
    if (strcmp(fr_search_methods[study->search.method], "grid") != 0) return;
    /* The first method stands in for one that could not be read. */
    const fr_node *method = fr_node_find(fr_node_find(draft->root, "search"), "method");
    if (method == NULL || method->kind != NODE_SCALAR || strcmp(method->text, "grid") != 0)
        return;
    for (size_t i = 0; i < draft->n; i++) {
        const fr_setting *s = &draft->settings[i];
        if (s->fixed != NULL || s->broken) continue;
        const fr_param *p = &study->space.params[s->index];
        if (p->grid > 0 || !isinf(fr_space_cardinality(p))) continue;
        fr_text place = {0};
        fr_setting_place(s, &place);
        fr_faults_add(draft->faults, s->given,
                      "%s is continuous, which search.method grid cannot count: say how many "
                      "values to take, such as grid: 5, or use step or choice",
                      fr_text_get(&place));
        fr_text_clear(&place);
    }
}

void fr_draft_look_for(fr_draft *draft, const fr_node *where, const char *key, const char *path,
                       bool or_folder)
{
    struct stat info;
    if (path == NULL) return;
    if (stat(path, &info) != 0)
        fr_faults_add(draft->faults, where, "%s: there is no file `%s`", key, path);
    else if (!S_ISREG(info.st_mode) && !(or_folder && S_ISDIR(info.st_mode)))
        fr_faults_add(draft->faults, where, "%s: `%s` is not a file", key, path);
    else if (access(path, R_OK) != 0)
        fr_faults_add(draft->faults, where, "%s: `%s` cannot be read: no permission", key,
                      path);
}

static void check_files(fr_draft *draft)
{
    const fr_study *study = draft->study;
    const fr_node *data = fr_node_find(draft->root, "data");
    const fr_node *test = fr_node_find(data, "test");
    fr_draft_look_for(draft, fr_node_find(data, "path"), "data.path", study->data.path, true);
    fr_draft_look_for(draft, fr_node_find(data, "labels"), "data.labels", study->data.labels,
                      false);
    fr_draft_look_for(draft, fr_node_find(test, "path"), "data.test.path", study->test.path,
                      true);
    fr_draft_look_for(draft, fr_node_find(test, "labels"), "data.test.labels",
                      study->test.labels, false);
}

void fr_draft_checks(fr_draft *draft, bool look_for_files)
{
    const fr_study *study = draft->study;
    if (study->objective.type == FR_OBJECTIVE_TRAINING) {
        fr_draft_model_checks(draft);
        check_test(draft);
        check_test_order(draft);
        check_scheme_columns(draft);
        check_scheme_keys(draft);
        check_ensemble(draft);
        if (study->data.path == NULL)
            fr_faults_add(draft->faults, fr_node_find(draft->root, "data"),
                          "data.path is missing: name the file with the data");
    } else {
        fr_draft_objective_checks(draft, look_for_files);
    }
    check_select(draft);
    check_resources(draft);
    check_select_keys(draft);
    check_search_keys(draft);
    check_pruning(draft);
    check_stop(draft);
    check_nested(draft);
    check_warm_start(draft);
    check_grid(draft);
    if (look_for_files) check_files(draft);
}
