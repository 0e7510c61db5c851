/* SPDX-License-Identifier: BSD-3-Clause */
/* goals.c - the objectives: key `metric` of a study that trains, `objective.scores` and
 * `objective.direction` of one that does not. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

enum { COSTS = FR_GOAL_TRAINING_FLOPS - FR_GOAL_PARAMETERS + 1 };

static void add_goal(fr_draft *draft, fr_goal goal, const char *name)
{
    fr_study *study = draft->study;
    goal.name = fr_strdup(name);
    if (goal.name == NULL)
        draft->faults->out_of_memory = true;
    else
        study->goals[study->n_goals++] = goal;
}

static void add_metric(fr_draft *draft, fr_metric metric)
{
    const fr_goal goal = {
        .kind = FR_GOAL_METRIC, .metric = metric, .maximize = fr_metric_maximizes(metric)};
    char name[FR_METRIC_NAME_SIZE];
    add_goal(draft, goal, fr_metric_name(metric, name));
}

/* The cost called `word`; COSTS when there is none. */
static int find_cost(const char *word)
{
    int cost = 0;
    while (cost < COSTS && strcmp(fr_cost_words[cost], word) != 0) cost++;
    return cost;
}

/* The ranking metric whose name begins `word`, which has no number of rows that it could take.
 */
static const char *find_ranking(const char *word)
{
    const size_t n = strcspn(word, "@");
    for (fr_metric m = FR_METRIC_NDCG; m < FR_METRIC_COUNT; m++)
        if (strcspn(fr_metric_words[m], "@") == n && strncmp(fr_metric_words[m], word, n) == 0)
            return fr_metric_words[m];
    return NULL;
}

/* What the n-th objective is called, a metric or a cost; the first has to be a metric. */
static fr_status parse_word(const char *word, size_t n, fr_goal_kind *kind, fr_metric *metric)
{
    int found = 0;
    const char *words[FR_METRIC_COUNT + COSTS + 1] = {NULL};
    fr_option row = fr_study_option_table[1]; /* metric */
    row.words = words;
    row.offset = 0;
    for (int m = 0; m < FR_METRIC_COUNT; m++) words[m] = fr_metric_words[m];
    for (int c = 0; c < COSTS && n > 0; c++) words[FR_METRIC_COUNT + c] = fr_cost_words[c];
    /* They look like a cost, but another machine, or this one at another hour, would choose
     * another model. */
    if (strcmp(word, "seconds") == 0 || strcmp(word, "time") == 0)
        return FR_FAIL(FR_ERR_USAGE,
                       "`%s` is not reproducible; allowed instead: training_flops, the "
                       "arithmetic of the training, or flops, that of one prediction",
                       word);
    if (n == 0 && find_cost(word) < COSTS)
        return FR_FAIL(FR_ERR_USAGE,
                       "`%s` is no score of predictions, which the first objective must be: "
                       "early stopping and curves go by it; such as [accuracy, %s]",
                       word, word);
    *kind = FR_GOAL_METRIC;
    if (fr_metric_parse(word, metric)) return FR_OK;
    if (find_ranking(word) != NULL)
        return FR_FAIL(FR_ERR_USAGE,
                       "`%s` does not say how many rows of a user count: write a number from 1 "
                       "to %d behind the @, such as %s",
                       word, FR_METRIC_K_MAX, find_ranking(word));
    FR_TRY(fr_option_set(&row, word, &found));
    *kind = (fr_goal_kind)(FR_GOAL_PARAMETERS + found - FR_METRIC_COUNT);
    return FR_OK;
}

/* The name in {minimize: name} or {maximize: name}; NULL, with the fault noted, of others. */
static const fr_node *name_of(fr_draft *draft, const fr_node *entry)
{
    const fr_node *child = entry->child;
    if (entry->kind == NODE_SCALAR) return entry;
    if (entry->kind == NODE_MAP && entry->n == 1) {
        if (strcmp(child->key, "minimize") != 0 && strcmp(child->key, "maximize") != 0) {
            fr_faults_unknown(draft->faults, child, "metric", fr_direction_words, 2);
            return NULL;
        }
        if (child->kind == NODE_SCALAR) return child;
    }
    fr_faults_add(draft->faults, entry,
                  "metric: an objective is a name, {minimize: name} or {maximize: name}");
    return NULL;
}

static bool is_named(const fr_study *study, const char *name)
{
    for (size_t k = 0; k < study->n_goals; k++)
        if (strcmp(study->goals[k].name, name) == 0) return true;
    return false;
}

static void read_entry(fr_draft *draft, const fr_node *entry)
{
    const fr_node *node = name_of(draft, entry);
    fr_goal_kind kind = FR_GOAL_METRIC;
    fr_metric metric = 0;
    if (node == NULL ||
        !fr_faults_check(draft->faults, node, "metric",
                         parse_word(node->text, draft->study->n_goals, &kind, &metric)))
        return;
    const bool is_metric = kind == FR_GOAL_METRIC;
    const bool maximize = is_metric && fr_metric_maximizes(metric);
    if (node != entry && (strcmp(node->key, "maximize") == 0) != maximize)
        fr_faults_add(draft->faults, node, "metric: %s of %s is better; write {%s: %s}",
                      maximize ? "more" : "less", node->text,
                      fr_direction_words[maximize ? 1 : 0], node->text);
    else if (is_named(draft->study, node->text))
        fr_faults_add(draft->faults, node, "metric: %s is there twice", node->text);
    else if (is_metric)
        add_metric(draft, metric);
    else
        add_goal(draft, (fr_goal){.kind = kind}, node->text);
}

/* What is first decides wherever there can be only one. */
static void settle(fr_study *study)
{
    if (study->n_goals == 0) return; /* a fault is noted */
    study->metric = study->goals[0].metric;
    study->maximize = study->goals[0].maximize;
}

void fr_draft_metric(fr_draft *draft, const fr_node *metric)
{
    draft->study->metric_line = metric->line;
    if (metric->kind != NODE_LIST)
        read_entry(draft, metric);
    else if (metric->n == 0 || metric->n > FR_GOALS_MAX)
        fr_faults_add(draft->faults, metric, "metric: %zu objectives; allowed: 1 to %d",
                      metric->n, FR_GOALS_MAX);
    else
        for (const fr_node *entry = metric->child; entry != NULL; entry = entry->next)
            read_entry(draft, entry);
    settle(draft->study);
}

void fr_draft_standard_metric(fr_draft *draft)
{
    add_metric(draft, draft->study->data.task == FR_LEARN_CLASSIFICATION ? FR_METRIC_ACCURACY
                                                                         : FR_METRIC_RMSE);
    settle(draft->study);
}

/* ---- of an objective that trains nothing ---- */

/* A name is also a column's, and a data set's in the results. */
static bool is_score_name(const char *name)
{
    if (*name == '\0' || *name == '.' || strlen(name) > 60) return false;
    for (const char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || strchr("/<>=", *c) != NULL) return false;
    return true;
}

static void read_names(fr_draft *draft, const fr_node *where)
{
    const fr_strings *scores = &draft->study->objective.scores;
    if (scores->n > FR_GOALS_MAX)
        fr_faults_add(draft->faults, where, "objective.scores: %zu scores; allowed: 1 to %d",
                      scores->n, FR_GOALS_MAX);
    for (size_t k = 0; k < scores->n && k < FR_GOALS_MAX; k++) {
        const char *name = scores->item[k];
        if (!is_score_name(name))
            fr_faults_add(draft->faults, where,
                          "objective.scores: `%.60s` is not a name; allowed: up to 60 "
                          "characters without / < > =, not a dot first",
                          name);
        else if (is_named(draft->study, name))
            fr_faults_add(draft->faults, where, "objective.scores: %s is there twice", name);
        else
            add_goal(draft, (fr_goal){.kind = FR_GOAL_VALUE}, name);
    }
    const char *metric = draft->study->objective.metric;
    if (scores->n == 0)
        add_goal(draft, (fr_goal){.kind = FR_GOAL_VALUE}, metric != NULL ? metric : "score");
}

static void read_directions(fr_draft *draft, const fr_node *where)
{
    fr_study *study = draft->study;
    const fr_strings *given = &study->objective.direction;
    const fr_option row = {
        .name = "direction", .type = FR_OPTION_WORD, .words = fr_direction_words};
    if (given->n != 1 && given->n != study->n_goals)
        fr_faults_add(draft->faults, where,
                      "objective.direction: %zu directions for %zu score%s; allowed: one for "
                      "all, or one for each",
                      given->n, study->n_goals, study->n_goals == 1 ? "" : "s");
    for (size_t i = 0; i < given->n && i < FR_GOALS_MAX; i++) {
        int found = 0;
        fr_faults_check(draft->faults, where, "objective.direction",
                        fr_option_set(&row, given->item[i], &found));
        for (size_t k = 0; k < study->n_goals; k++)
            if (k == i || given->n == 1) study->goals[k].maximize = found == 1;
    }
}

void fr_draft_scores(fr_draft *draft, const fr_node *objective)
{
    const fr_node *scores = fr_node_find(objective, "scores");
    const fr_node *direction = fr_node_find(objective, "direction");
    read_names(draft, scores != NULL ? scores : objective);
    read_directions(draft, direction != NULL ? direction : objective);
    settle(draft->study);
}

fr_status fr_study_history(const fr_study *study, uint32_t n_folds, fr_history **out)
{
    bool maximizes[FR_GOALS_MAX] = {false};
    for (size_t k = 0; k < study->n_goals; k++) maximizes[k] = study->goals[k].maximize;
    FR_TRY(fr_history_create(&study->space, n_folds, study->maximize, out));
    fr_history_set_goals(*out, maximizes, study->n_goals);
    return FR_OK;
}
