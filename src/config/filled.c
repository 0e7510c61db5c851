/* SPDX-License-Identifier: BSD-3-Clause */
/* filled.c - the study as text with every default, in one fixed order.
 *
 * Blocks are indented, every value is one line in flow form: that is how difference.c tells
 * keys from values. Conditions are written as they were resolved, so that the text reads back
 * to the same study and gives itself. */
#include <string.h>

#include "internal.h"

static void add_block(fr_text *out, const char *indent, const fr_option *table, size_t n,
                      const void *values)
{
    for (size_t i = 0; i < n; i++) {
        fr_text_add(out, "%s%s: ", indent, table[i].name);
        fr_option_format(&table[i], values, out);
        fr_text_add(out, "\n");
    }
}

/* The values of a condition; a list as a value of its own needs brackets around it. */
static void add_values(const fr_param *parent, const fr_condition *condition, fr_text *out)
{
    fr_text first = {0};
    fr_param_format(parent, condition->values[0], &first);
    const bool plain = condition->n_values == 1 && *fr_text_get(&first) != '[';
    fr_text_clear(&first);
    if (!plain) fr_text_add(out, "[");
    for (size_t v = 0; v < condition->n_values; v++) {
        if (v > 0) fr_text_add(out, ", ");
        fr_param_format(parent, condition->values[v], out);
    }
    if (!plain) fr_text_add(out, "]");
}

/* A family's own settings wait for their family without saying so. */
static bool is_said(const fr_draft *draft, const fr_setting *s, const fr_condition *condition)
{
    const char *parent = draft->study->space.params[condition->parent].name;
    return s->family == ALL_FAMILIES || strcmp(parent, "model") != 0;
}

static void add_when(const fr_draft *draft, const fr_setting *s, const fr_param *p,
                     fr_text *out)
{
    bool any = false;
    for (size_t c = 0; c < p->n_conditions; c++) {
        if (!is_said(draft, s, &p->conditions[c])) continue;
        const fr_param *parent = &draft->study->space.params[p->conditions[c].parent];
        fr_text_add(out, any ? ", " : ", when: {");
        fr_flow_quote(parent->name, out);
        fr_text_add(out, ": ");
        add_values(parent, &p->conditions[c], out);
        any = true;
    }
    if (any) fr_text_add(out, "}");
}

static void add_distribution(const fr_draft *draft, const fr_setting *s, fr_text *out)
{
    const fr_param *p = &draft->study->space.params[s->index];
    char low[FR_NUMBER_SIZE], high[FR_NUMBER_SIZE], step[FR_NUMBER_SIZE];
    fr_text_add(out, "{%s: [", fr_param_kind_words[p->kind]);
    if (p->kind == FR_PARAM_CHOICE) {
        for (size_t i = 0; i < p->n_choices; i++)
            fr_text_add(out, "%s%s", i == 0 ? "" : ", ", p->choices[i]);
    } else {
        fr_text_add(out, "%s, %s", fr_format_double(p->low, low),
                    fr_format_double(p->high, high));
    }
    fr_text_add(out, "]");
    const bool is_float = p->kind == FR_PARAM_FLOAT;
    if (p->kind != FR_PARAM_CHOICE && p->step > 0 && (is_float || p->step != 1))
        fr_text_add(out, ", step: %s", fr_format_double(p->step, step));
    if (p->grid > 0) fr_text_add(out, ", grid: %lld", (long long)p->grid);
    add_when(draft, s, p, out);
    fr_text_add(out, "}");
}

static void add_setting(const fr_draft *draft, const fr_setting *s, const char *indent,
                        fr_text *out)
{
    fr_text_add(out, "%s", indent);
    fr_flow_quote(s->row == NULL ? s->name : s->row->name, out);
    fr_text_add(out, ": ");
    if (s->fixed != NULL)
        fr_text_add(out, "%s", s->fixed);
    else
        add_distribution(draft, s, out);
    fr_text_add(out, "\n");
}

static void add_settings(const fr_draft *draft, int family, size_t block, fr_text *out)
{
    for (size_t i = 0; i < draft->n; i++) {
        const fr_setting *s = &draft->settings[i];
        const bool here = family == ALL_FAMILIES ? s->block == block : true;
        if (s->row != NULL && s->family == family && here)
            add_setting(draft, s, family == ALL_FAMILIES ? "  " : "    ", out);
    }
}

/* One objective is a word, several are a list of them: each has only one direction. */
static void add_metric(const fr_study *study, fr_text *out)
{
    const bool several = study->n_goals > 1;
    fr_text_add(out, "metric: %s", several ? "[" : "");
    for (size_t k = 0; k < study->n_goals; k++)
        fr_text_add(out, "%s%s", k == 0 ? "" : ", ", study->goals[k].name);
    fr_text_add(out, several ? "]\n" : "\n");
}

static void add_training(const fr_draft *draft, fr_text *out)
{
    const fr_study *study = draft->study;
    fr_text_add(out, "data:\n");
    add_block(out, "  ", fr_data_option_table, fr_data_option_count, &study->data);
    fr_text_add(out, "  test:\n");
    add_block(out, "    ", fr_test_option_table, fr_test_option_count, &study->test);
    for (size_t i = 0; i < FR_DATA_BLOCKS; i++) {
        const fr_data_block *own = &fr_data_blocks[i];
        fr_text_add(out, "  %s:\n", own->name);
        add_block(out, "    ", own->table, own->n, (const char *)&study->data + own->offset);
    }
    fr_text_add(out, "preprocess:\n");
    add_settings(draft, ALL_FAMILIES, offsetof(fr_recipe, preprocess), out);
    fr_text_add(out, "validation:\n");
    add_block(out, "  ", fr_validation_option_table, fr_validation_option_count,
              &study->validation);
    fr_text_add(out, "nested:\n");
    add_block(out, "  ", fr_nested_option_table, fr_nested_option_count, &study->nested);
    add_metric(study, out);
    fr_text_add(out, "models:\n");
    for (int f = 0; f < FR_FAMILY_COUNT; f++) {
        if (!study->families[f]) continue;
        fr_text_add(out, "  %s:\n", fr_family_words[f]);
        add_settings(draft, f, 0, out);
    }
    fr_text_add(out, "train:\n");
    add_settings(draft, ALL_FAMILIES, offsetof(fr_recipe, train), out);
}

/* What is made of the models once the search is over. */
static void add_outcome(const fr_study *study, fr_text *out)
{
    if (study->objective.type != FR_OBJECTIVE_TRAINING) return;
    fr_text_add(out, "calibrate:\n");
    add_block(out, "  ", fr_calibrate_option_table, fr_calibrate_option_count,
              &study->calibrate);
    fr_text_add(out, "explain:\n");
    add_block(out, "  ", fr_explain_option_table, fr_explain_option_count, &study->explain);
    fr_text_add(out, "ensemble:\n");
    add_block(out, "  ", fr_ensemble_option_table, fr_ensemble_option_count, &study->ensemble);
}

static void add_objective(const fr_draft *draft, fr_text *out)
{
    const fr_objective_options *objective = &draft->study->objective;
    fr_text_add(out, "objective:\n  type: %s\n", fr_objective_words[objective->type - 1]);
    for (size_t i = 0; i < fr_objective_option_count; i++)
        if (fr_objective_uses(objective->type, i))
            add_block(out, "  ", &fr_objective_option_table[i], 1, objective);
    fr_text_add(out, "  parameters:\n");
    for (size_t i = 0; i < draft->n; i++) add_setting(draft, &draft->settings[i], "    ", out);
    if (!fr_objective_has_folds(objective)) return;
    fr_text_add(out, "validation:\n");
    add_block(out, "  ", fr_objective_fold_table, fr_objective_fold_count, objective);
}

static void add_enqueued(const fr_study *study, fr_text *out)
{
    const fr_space *space = &study->space;
    fr_text_add(out, "  enqueue: [");
    for (size_t i = 0; i < study->n_enqueued; i++) {
        const double *point = study->enqueued + i * space->n;
        bool any = false;
        fr_text_add(out, "%s{", i == 0 ? "" : ", ");
        for (size_t j = 0; j < space->n; j++) {
            if (point[j] != point[j]) continue; /* NaN: inactive */
            fr_text_add(out, "%s", any ? ", " : "");
            fr_flow_quote(space->params[j].name, out);
            fr_text_add(out, ": ");
            fr_param_format(&space->params[j], point[j], out);
            any = true;
        }
        fr_text_add(out, "}");
    }
    fr_text_add(out, "]\n");
}

void fr_draft_fill(fr_draft *draft)
{
    fr_study *study = draft->study;
    fr_text out = {0};
    add_block(&out, "", fr_study_option_table, 1, study); /* study */
    if (study->objective.type == FR_OBJECTIVE_TRAINING)
        add_training(draft, &out);
    else
        add_objective(draft, &out);
    fr_text_add(&out, "search:\n");
    add_block(&out, "  ", fr_search_option_table, fr_search_option_count, &study->search);
    add_enqueued(study, &out);
    fr_text_add(&out, "pruning:\n");
    add_block(&out, "  ", fr_prune_option_table, fr_prune_option_count, &study->pruning);
    fr_text_add(&out, "stop:\n");
    add_block(&out, "  ", fr_stop_option_table, fr_stop_option_count, &study->stop);
    fr_text_add(&out, "select:\n");
    add_block(&out, "  ", fr_select_option_table, fr_select_option_count, &study->select);
    add_outcome(study, &out);
    fr_text_add(&out, "resources:\n");
    add_block(&out, "  ", fr_resource_option_table, fr_resource_option_count,
              &study->resources);
    add_block(&out, "", &fr_study_option_table[2], 1, study); /* output */
    if (out.failed) draft->faults->out_of_memory = true;
    study->text = out.data;
}
