/* SPDX-License-Identifier: BSD-3-Clause */
/* objective.c - the key `objective`: reading, and what goes wrong with it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/command.h"
#include "foldrank/memory.h"
#include "internal.h"

int fr_objective_type_of(const fr_node *objective)
{
    const fr_node *type = fr_node_find(objective, "type");
    for (int w = 0; fr_objective_words[w] != NULL; w++)
        if (type != NULL && type->kind == NODE_SCALAR &&
            strcmp(fr_objective_words[w], type->text) == 0)
            return w + 1;
    return FR_OBJECTIVE_TRAINING;
}

/* A metric that foldrank knows says which scores are better. */
static void follow_metric(fr_draft *draft)
{
    fr_objective_options *objective = &draft->study->objective;
    fr_metric metric;
    const bool maximize = objective->metric != NULL &&
                          fr_metric_parse(objective->metric, &metric) &&
                          fr_metric_maximizes(metric);
    if (!maximize || objective->direction.n != 1) return;
    free(objective->direction.item[0]);
    objective->direction.item[0] = fr_strdup(fr_direction_words[1]);
    if (objective->direction.item[0] == NULL) draft->faults->out_of_memory = true;
}

static void read_type(fr_draft *draft, const fr_node *node)
{
    const fr_option type = {.name = "type",
                            .type = FR_OPTION_WORD,
                            .fallback = fr_objective_words[0],
                            .words = fr_objective_words};
    const fr_node *given = fr_node_find(node, "type");
    int word = 0;
    if (given == NULL) {
        fr_text words = {0};
        fr_option_describe(&type, &words);
        fr_faults_add(draft->faults, node, "objective.type is missing; allowed: %s",
                      fr_text_get(&words));
        fr_text_clear(&words);
    }
    fr_draft_value(draft, given, "objective", &type, &word);
    draft->study->objective.type = word + 1;
}

void fr_draft_objective(fr_draft *draft, const fr_node *node)
{
    static const char *const extra[] = {"type", "parameters"};
    fr_objective_options *objective = &draft->study->objective;
    const fr_block block = {.home = "objective",
                            .table = fr_objective_option_table,
                            .n = fr_objective_option_count,
                            .extra = extra,
                            .n_extra = 2};
    const fr_block folds = {
        .home = "validation", .table = fr_objective_fold_table, .n = fr_objective_fold_count};
    fr_draft_block(draft, node, &block, objective);
    read_type(draft, node);
    if (fr_node_find(node, "direction") == NULL) follow_metric(draft);
    const bool has_folds = fr_objective_has_folds(objective);
    fr_draft_block(draft, has_folds ? fr_node_find(draft->root, "validation") : NULL, &folds,
                   objective);
    fr_draft_scores(draft, node);
    draft->families[0] = true;
    draft->n_families = 1;
    fr_draft_free_parameters(draft, fr_node_find(node, "parameters"));
}

/* The types that look at a row, in words. */
static void add_users(size_t row, fr_text *out)
{
    bool any = false;
    for (int w = 0; fr_objective_words[w] != NULL; w++) {
        if (!fr_objective_uses(w + 1, row)) continue;
        fr_text_add(out, "%s%s", any ? " or " : "", fr_objective_words[w]);
        any = true;
    }
}

/* Settings of other types, unless they are what they are when nobody mentions them. */
static void check_users(fr_draft *draft)
{
    const fr_objective_options *o = &draft->study->objective;
    fr_objective_options standard = {0};
    if (!fr_faults_check(draft->faults, NULL, "objective",
                         fr_option_defaults(fr_objective_option_table,
                                            fr_objective_option_count, &standard)))
        return;
    for (size_t i = 0; i < fr_objective_option_count; i++) {
        const fr_option *row = &fr_objective_option_table[i];
        fr_text given = {0}, usual = {0}, users = {0};
        fr_option_format(row, o, &given);
        fr_option_format(row, &standard, &usual);
        add_users(i, &users);
        if (!fr_objective_uses(o->type, i) &&
            strcmp(fr_text_get(&given), fr_text_get(&usual)) != 0)
            fr_faults_add(draft->faults, fr_draft_at(draft, "objective", row->name),
                          "objective.%s goes with type %s", row->name, fr_text_get(&users));
        fr_text_clear(&given);
        fr_text_clear(&usual);
        fr_text_clear(&users);
    }
    fr_option_clear(fr_objective_option_table, fr_objective_option_count, &standard);
}

static void check_required(fr_draft *draft)
{
    const fr_objective_options *o = &draft->study->objective;
    const struct {
        const char *key, *value;
    } needs[] = {
        [FR_OBJECTIVE_FUNCTION] = {"function", o->function},
        [FR_OBJECTIVE_TABLE] = {"path", o->path},
        [FR_OBJECTIVE_COMMAND] = {"run", o->run},
        [FR_OBJECTIVE_PLUGIN] = {"path", o->path},
        [FR_OBJECTIVE_EMBEDDED] = {"type", "embedded"},
    };
    if (needs[o->type].value == NULL)
        fr_faults_add(draft->faults, fr_node_find(draft->root, "objective"),
                      "objective.%s is missing", needs[o->type].key);
}

/* It stands before a = in what a program prints. */
static void check_metric(fr_draft *draft)
{
    const char *metric = draft->study->objective.metric;
    if (metric == NULL) return;
    bool good = (isalpha((unsigned char)*metric) || *metric == '_') &&
                strcmp(metric, "step") != 0 && strcmp(metric, "loss") != 0;
    for (const char *c = metric; good && *c != '\0'; c++)
        good = isalnum((unsigned char)*c) || strchr("_.-@", *c) != NULL;
    if (!good)
        fr_faults_add(draft->faults, fr_draft_at(draft, "objective", "metric"),
                      "objective.metric: `%.60s` is not a name; allowed: letters, digits and "
                      "_ . - @, and neither step nor loss",
                      metric);
}

/* Two parameters that a program could not tell apart. */
static void check_variables(fr_draft *draft)
{
    for (size_t i = 0; i < draft->n; i++) {
        fr_text mine = {0};
        fr_command_variable(draft->settings[i].name, &mine);
        for (size_t j = 0; j < i; j++) {
            fr_text other = {0};
            fr_command_variable(draft->settings[j].name, &other);
            if (strcmp(fr_text_get(&mine), fr_text_get(&other)) == 0)
                fr_faults_add(draft->faults, draft->settings[i].given,
                              "objective.parameters: %s and %s would share the environment "
                              "variable %s",
                              draft->settings[j].name, draft->settings[i].name,
                              fr_text_get(&mine));
            fr_text_clear(&other);
        }
        fr_text_clear(&mine);
    }
}

static void check_command(fr_draft *draft, bool look_for_files)
{
    const fr_objective_options *o = &draft->study->objective;
    const fr_node *where = fr_draft_at(draft, "objective", "run");
    fr_command command = {0};
    if (o->run == NULL) return;
    fr_status st = fr_command_parse(o->run, o->shell, &command);
    /* A parameter with a fault of its own is not in the space. */
    bool whole = true;
    for (size_t i = 0; i < draft->n; i++) whole = whole && !draft->settings[i].broken;
    if (st == FR_OK && whole) st = fr_command_check(&command, &draft->study->space);
    if (st == FR_OK && look_for_files && !o->shell) st = fr_command_find_program(&command);
    fr_faults_check(draft->faults, where, "objective.run", st);
    fr_command_clear(&command);
    check_variables(draft);
}

/* Rungs and brackets without a known end. */
static void check_steps(fr_draft *draft)
{
    const unsigned needy = FR_PRUNE_THRESHOLD | FR_PRUNE_HYPERBAND;
    const fr_study *study = draft->study;
    if ((study->prune_methods & needy) == 0 || study->objective.steps > 0) return;
    fr_faults_add(draft->faults, fr_draft_at(draft, "pruning", "method"),
                  "pruning.method threshold and hyperband need objective.steps, the most steps "
                  "that a task reports");
}

/* Replicates that are folds, and scores of steps, are found by the names of their columns. */
static void check_table(fr_draft *draft)
{
    const fr_objective_options *o = &draft->study->objective;
    const fr_node *where = fr_draft_at(draft, "objective", "values");
    if (o->steps > 0 && o->scores.n > 0)
        fr_faults_add(draft->faults, fr_draft_at(draft, "objective", "steps"),
                      "objective.steps of a table goes with one score");
    else if (o->folds > 1 && o->scores.n == 0 && (size_t)o->folds != o->values.n)
        fr_faults_add(
            draft->faults, where,
            "objective.values: %zu columns, but validation.folds is %lld: name one for "
            "each fold",
            o->values.n, (long long)o->folds);
    else if (o->steps > 0 && o->values.n == 0)
        fr_faults_add(draft->faults, where,
                      "objective.values is missing: with objective.steps it names the scores, "
                      "whose columns are NAME@1, NAME@2, ...");
    if (o->run_time == NULL && o->speed != 1)
        fr_faults_add(draft->faults, fr_draft_at(draft, "objective", "speed"),
                      "objective.speed has no effect without objective.run_time");
}

void fr_draft_objective_checks(fr_draft *draft, bool look_for_files)
{
    const fr_study *study = draft->study;
    const fr_objective_options *o = &study->objective;
    /* Without a type nobody knows what the other keys are for. */
    if (fr_objective_type_of(fr_node_find(draft->root, "objective")) != o->type) return;
    check_users(draft);
    check_required(draft);
    check_metric(draft);
    if (fr_objective_is_external(o)) check_steps(draft);
    if (o->type == FR_OBJECTIVE_TABLE) check_table(draft);
    if (o->type == FR_OBJECTIVE_COMMAND) check_command(draft, look_for_files);
    if (look_for_files)
        fr_draft_look_for(draft, fr_draft_at(draft, "objective", "path"), "objective.path",
                          o->path, false);
}
