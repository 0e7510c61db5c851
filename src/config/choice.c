/* SPDX-License-Identifier: BSD-3-Clause */
/* choice.c - what the number of objectives decides: how the model is chosen, within which
 * bounds, and which methods can serve. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

static const fr_node *at(const fr_draft *draft, const char *block, const char *key)
{
    const fr_node *node = fr_node_find(draft->root, block);
    const fr_node *entry = fr_node_find(node, key);
    return entry != NULL ? entry : node;
}

enum { BOUNDED_MAX = FR_GOALS_MAX + 2 };

/* What a constraint may bound: the objectives, and of a model what its settings tell; with the
 * numbers that study.h gives them. Returns how many. */
static size_t list_bounded(const fr_study *study, const char *names[BOUNDED_MAX],
                           size_t which[BOUNDED_MAX])
{
    static const fr_goal_kind costs[] = {FR_GOAL_FLOPS, FR_GOAL_PARAMETERS};
    size_t n = 0;
    for (; n < study->n_goals; n++) {
        names[n] = study->goals[n].name;
        which[n] = n;
    }
    for (size_t c = 0; c < 2 && study->objective.type == FR_OBJECTIVE_TRAINING; c++) {
        bool known = false;
        for (size_t k = 0; k < study->n_goals; k++)
            known = known || study->goals[k].kind == costs[c];
        if (known) continue;
        names[n] = fr_cost_words[costs[c] - FR_GOAL_PARAMETERS];
        which[n++] = study->n_goals + (size_t)(costs[c] - FR_GOAL_PARAMETERS);
    }
    return n;
}

static void read_constraints(fr_draft *draft)
{
    fr_study *study = draft->study;
    const fr_strings *texts = &study->select.constraints;
    const char *names[BOUNDED_MAX];
    size_t which[BOUNDED_MAX];
    const size_t n_names = list_bounded(study, names, which);
    study->constraints = fr_alloc(texts->n, sizeof *study->constraints);
    if (study->constraints == NULL) draft->faults->out_of_memory = true;
    for (size_t c = 0; c < texts->n && study->constraints != NULL; c++) {
        fr_constraint parsed;
        if (!fr_faults_check(draft->faults, at(draft, "select", "constraints"),
                             "select.constraints",
                             fr_constraint_parse(texts->item[c], names, n_names, &parsed)))
            continue;
        parsed.which = which[parsed.which];
        study->constraints[study->n_constraints++] = parsed;
    }
}

static void check_single(fr_draft *draft)
{
    const fr_select_options *o = &draft->study->select;
    if (o->rule == FR_RULE_KNEE)
        fr_faults_add(draft->faults, at(draft, "select", "rule"),
                      "select.rule knee needs several objectives, such as metric: [accuracy, "
                      "parameters]");
    if (o->reference.n > 0)
        fr_faults_add(draft->faults, at(draft, "select", "reference"),
                      "select.reference has no effect with one objective");
}

static void refuse_method(fr_draft *draft)
{
    const fr_study *study = draft->study;
    fr_text allowed = {0};
    for (int m = 0; fr_search_methods[m] != NULL; m++)
        if (fr_search_takes(m, study->n_goals))
            fr_text_add(&allowed, "%s%s", allowed.length == 0 ? "" : ", ",
                        fr_search_methods[m]);
    fr_faults_add(draft->faults, at(draft, "search", "method"),
                  "search.method %s cannot follow %zu objectives; allowed: %s",
                  fr_search_methods[study->search.method], study->n_goals,
                  fr_text_get(&allowed));
    fr_text_clear(&allowed);
}

/* To be beaten in the first objective says nothing about the others. */
static void check_several(fr_draft *draft)
{
    const fr_study *study = draft->study;
    double reference[FR_GOALS_MAX];
    size_t n;
    fr_faults_check(draft->faults, at(draft, "select", "reference"), "select.reference",
                    fr_select_reference(&study->select, study->n_goals, reference, &n));
    if (study->prune_methods & FR_PRUNE_COMPARING)
        fr_faults_add(draft->faults, at(draft, "pruning", "method"),
                      "pruning.method: median, percentile, asha, hyperband and racing compare "
                      "trials by one score, and who is worse in it may be better in another "
                      "objective; allowed with several: threshold, patience");
    if (!fr_search_takes(study->search.method, study->n_goals)) refuse_method(draft);
}

/* Columns of a table with several scores. */
static void check_values(fr_draft *draft)
{
    const fr_objective_options *o = &draft->study->objective;
    const fr_node *where = at(draft, "objective", "values");
    if (o->scores.n > 0 && o->values.n > 0 && o->values.n != o->scores.n)
        fr_faults_add(draft->faults, where,
                      "objective.values: %zu entries for %zu scores; allowed: a column, or a "
                      "list of columns, for each",
                      o->values.n, o->scores.n);
    for (size_t i = 0; i < o->values.n && o->scores.n == 0; i++)
        if (o->values.item[i][0] == '[')
            fr_faults_add(draft->faults, where,
                          "objective.values: lists of columns need names: give "
                          "objective.scores, such as [error, size]");
}

void fr_draft_choice(fr_draft *draft)
{
    fr_study *study = draft->study;
    const fr_node *select = fr_node_find(draft->root, "select");
    if (study->n_goals == 0) return; /* a fault is noted */
    if (study->n_goals > 1 && fr_node_find(select, "rule") == NULL)
        study->select.rule = FR_RULE_KNEE;
    read_constraints(draft);
    check_values(draft);
    if (study->n_goals == 1)
        check_single(draft);
    else
        check_several(draft);
}
