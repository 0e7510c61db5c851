/* SPDX-License-Identifier: BSD-3-Clause */
/* condition.c - what `when` means.
 *
 * A name stands for a sibling of the same family block, else for a setting of preprocess or
 * train, else for a full name such as mlp.hidden. What it names may be a hyperparameter, or
 * fixed: then the condition is decided here. As a family may have its own value of a key of
 * train, that is asked for each family apart; `open` below are the families for which the
 * setting can still be active. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

typedef struct {
    fr_draft *draft;
    fr_setting *setting;
    bool open[FR_FAMILY_COUNT];
} query;

static void add_fault(query *q, const fr_node *where, fr_status st)
{
    fr_setting_refuse(q->draft, q->setting, where, st);
}

/* A general setting is not used for a family that has its own, one of `train` not for a family
 * to which it says nothing. */
static void open_families(query *q)
{
    const bool of_train = q->setting->block == offsetof(fr_recipe, train);
    for (int f = 0; f < FR_FAMILY_COUNT; f++) {
        const bool own = q->setting->family == f;
        const bool general =
            q->setting->family == ALL_FAMILIES &&
            (!of_train || fr_train_option_applies(q->setting->row, (fr_family)f)) &&
            fr_draft_override(q->draft, f, q->setting) == NULL;
        q->open[f] = q->draft->families[f] && (own || general);
    }
}

/* What `name` stands for in family f; NULL when f has no such setting. */
static fr_setting *find_target(const query *q, const char *name, int f)
{
    fr_setting *found = NULL;
    if (q->setting->family >= 0) found = fr_draft_find(q->draft, q->setting->family, name);
    if (found != NULL) return found;
    found = fr_draft_find(q->draft, ALL_FAMILIES, name);
    if (found != NULL) {
        fr_setting *own = fr_draft_override(q->draft, f, found);
        return own != NULL ? own : found;
    }
    for (size_t i = 0; i < q->draft->n; i++) {
        fr_setting *s = &q->draft->settings[i];
        if (s->family == f && strcmp(s->name, name) == 0) return s;
    }
    return NULL;
}

/* Whether `name` stands for something in any family. */
static bool is_known(query *q, const fr_node *entry)
{
    for (int f = 0; f < FR_FAMILY_COUNT; f++)
        if (q->draft->families[f] && find_target(q, entry->key, f) != NULL) return true;
    const char **names = fr_alloc(q->draft->n, sizeof *names);
    if (names == NULL) {
        q->draft->faults->out_of_memory = true;
        return false;
    }
    for (size_t i = 0; i < q->draft->n; i++) names[i] = q->draft->settings[i].name;
    const char *near = fr_nearest(entry->key, names, q->draft->n);
    add_fault(q, entry,
              FR_FAIL(FR_ERR_USAGE, "when names `%.60s`, which is no setting%s%s%s", entry->key,
                      near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
                      near == NULL ? "" : "?"));
    free(names);
    return false;
}

/* One value of a `when` entry in the target's canonical form; false with a fault noted. */
static bool read_value(query *q, const fr_setting *target, const fr_node *value, fr_text *out)
{
    fr_text raw = {0};
    fr_status st = FR_OK;
    if (value->kind == NODE_MAP)
        st = FR_FAIL(FR_ERR_USAGE, "when needs a value or a list of values");
    else
        fr_node_format(value, &raw);
    if (st == FR_OK) st = fr_setting_canonical(target, fr_text_get(&raw), out);
    fr_text_clear(&raw);
    if (st != FR_OK) add_fault(q, value, st);
    return st == FR_OK;
}

static const fr_node *first_value(const fr_node *entry)
{
    return entry->kind == NODE_LIST ? entry->child : entry;
}

static const fr_node *next_value(const fr_node *entry, const fr_node *value)
{
    return entry->kind == NODE_LIST ? value->next : NULL;
}

/* Whether a fixed target has one of the values. */
static bool matches_fixed(query *q, const fr_setting *target, const fr_node *entry)
{
    bool matches = false;
    for (const fr_node *v = first_value(entry); v != NULL; v = next_value(entry, v)) {
        fr_text text = {0};
        if (read_value(q, target, v, &text) && strcmp(fr_text_get(&text), target->fixed) == 0)
            matches = true;
        fr_text_clear(&text);
    }
    return matches;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Keep of into->values what `from` has as well; both ascending. */
static void intersect(fr_condition *into, const fr_condition *from)
{
    size_t kept = 0;
    for (size_t i = 0; i < into->n_values; i++)
        for (size_t k = 0; k < from->n_values; k++)
            if (into->values[i] == from->values[k]) {
                into->values[kept++] = into->values[i];
                break;
            }
    into->n_values = kept;
}

/* Add a condition to the setting's parameter, by parent. Takes over condition.values. */
static void add_condition(query *q, fr_condition condition)
{
    fr_param *p = &q->setting->param;
    size_t at = 0, distinct = 0;
    qsort(condition.values, condition.n_values, sizeof *condition.values, by_value);
    for (size_t i = 0; i < condition.n_values; i++)
        if (i == 0 || condition.values[i] != condition.values[i - 1])
            condition.values[distinct++] = condition.values[i];
    condition.n_values = distinct;
    while (at < p->n_conditions && p->conditions[at].parent < condition.parent) at++;
    if (at < p->n_conditions && p->conditions[at].parent == condition.parent) {
        intersect(&p->conditions[at], &condition);
        free(condition.values);
        return;
    }
    fr_condition *grown = realloc(p->conditions, (p->n_conditions + 1) * sizeof *grown);
    if (grown == NULL) {
        q->draft->faults->out_of_memory = true;
        free(condition.values);
        return;
    }
    p->conditions = grown;
    memmove(grown + at + 1, grown + at, (p->n_conditions - at) * sizeof *grown);
    grown[at] = condition;
    p->n_conditions++;
}

/* The setting waits for a hyperparameter. */
static void wait_for(query *q, const fr_setting *target, const fr_node *entry)
{
    const fr_param *parent = &q->draft->study->space.params[target->index];
    fr_condition condition = {.parent = target->index};
    if (isinf(fr_space_cardinality(parent))) {
        add_fault(q, entry,
                  FR_FAIL(FR_ERR_USAGE,
                          "when needs a parameter with countable values; %s is continuous",
                          target->name));
        return;
    }
    condition.values = fr_alloc(entry->n + 1, sizeof *condition.values);
    if (condition.values == NULL) {
        q->draft->faults->out_of_memory = true;
        return;
    }
    for (const fr_node *v = first_value(entry); v != NULL; v = next_value(entry, v)) {
        fr_text text = {0};
        double value = 0;
        if (read_value(q, target, v, &text)) {
            const fr_status st = fr_param_parse(parent, fr_text_get(&text), &value);
            if (st == FR_OK)
                condition.values[condition.n_values++] = value;
            else
                add_fault(q, v, st);
        }
        fr_text_clear(&text);
    }
    add_condition(q, condition);
}

/* `model: [softmax, mlp]` */
static void restrict_families(query *q, const fr_node *entry)
{
    bool named[FR_FAMILY_COUNT] = {false};
    for (const fr_node *v = first_value(entry); v != NULL; v = next_value(entry, v)) {
        int f = 0;
        while (f < FR_FAMILY_COUNT &&
               (v->kind != NODE_SCALAR || strcmp(v->text, fr_family_words[f]) != 0))
            f++;
        if (f < FR_FAMILY_COUNT && q->draft->families[f])
            named[f] = true;
        else
            add_fault(q, v,
                      FR_FAIL(FR_ERR_USAGE, "when: `%.60s` is none of the families in models",
                              v->kind == NODE_SCALAR ? v->text : "[...]"));
    }
    for (int f = 0; f < FR_FAMILY_COUNT; f++) q->open[f] = q->open[f] && named[f];
}

/* Close the families for which a fixed target fails. Returns the hyperparameter that the
 * setting has to wait for, NULL when none; *n_static families need none. */
static fr_setting *decide_fixed(query *q, const fr_node *entry, int *n_static, int *conflict)
{
    fr_setting *waits = NULL;
    *n_static = 0;
    *conflict = -1;
    for (int f = 0; f < FR_FAMILY_COUNT; f++) {
        if (!q->open[f]) continue;
        fr_setting *target = find_target(q, entry->key, f);
        if (target != NULL) fr_draft_place(q->draft, target);
        if (target != NULL && target->broken) {
            q->setting->broken = true; /* its own fault is noted already */
            continue;
        }
        if (target == NULL || (target->fixed != NULL && !matches_fixed(q, target, entry))) {
            q->open[f] = false;
            continue;
        }
        if (target->fixed != NULL) {
            (*n_static)++;
            if (waits != NULL) *conflict = f;
        } else {
            if ((waits != NULL && waits != target) || *n_static > 0) *conflict = f;
            waits = target;
        }
    }
    return waits;
}

static void read_entry(query *q, const fr_node *entry)
{
    int n_static, conflict;
    if (!is_known(q, entry)) return;
    const fr_setting *waits = decide_fixed(q, entry, &n_static, &conflict);
    if (q->setting->broken) return;
    if (conflict >= 0)
        add_fault(q, entry,
                  FR_FAIL(FR_ERR_USAGE,
                          "when: the families do not share one %s; give each its own %s in "
                          "models.%s or leave `when` away",
                          entry->key, q->setting->row->name, fr_family_words[conflict]));
    else if (waits != NULL)
        wait_for(q, waits, entry);
}

/* No value of some parent is left, or no family. */
static bool never_active(const query *q)
{
    const fr_param *p = &q->setting->param;
    bool any = false;
    for (int f = 0; f < FR_FAMILY_COUNT; f++) any = any || q->open[f];
    for (size_t c = 0; c < p->n_conditions; c++) any = any && p->conditions[c].n_values > 0;
    return !any;
}

static void wait_for_families(query *q)
{
    const fr_setting *model = fr_draft_find(q->draft, ALL_FAMILIES, "model");
    fr_condition condition = {0};
    if (q->draft->n_families < 2 || q->setting == model) return;
    condition.parent = model->index;
    condition.values = fr_alloc(FR_FAMILY_COUNT, sizeof *condition.values);
    if (condition.values == NULL) {
        q->draft->faults->out_of_memory = true;
        return;
    }
    size_t k = 0;
    for (int f = 0; f < FR_FAMILY_COUNT; f++) {
        if (q->open[f]) condition.values[condition.n_values++] = (double)k;
        k += q->draft->families[f];
    }
    if (condition.n_values < q->draft->n_families)
        add_condition(q, condition);
    else
        free(condition.values);
}

static void give_up(query *q)
{
    fr_setting *s = q->setting;
    if (s->row == NULL) {
        add_fault(q, s->when, FR_FAIL(FR_ERR_USAGE, "when can never hold"));
        return;
    }
    fr_text text = {0};
    const fr_status st = fr_setting_canonical(s, s->row->fallback, &text);
    if (st != FR_OK) add_fault(q, s->when, st);
    s->fixed = text.data;
}

void fr_draft_conditions(fr_draft *draft, fr_setting *setting)
{
    query q = {.draft = draft, .setting = setting};
    const fr_node *when = setting->when;
    const bool is_training = draft->study->objective.type == FR_OBJECTIVE_TRAINING;
    const fr_node *model = is_training ? fr_node_find(when, "model") : NULL;
    open_families(&q);
    if (when != NULL && when->kind != NODE_MAP) {
        add_fault(&q, when,
                  FR_FAIL(FR_ERR_USAGE, "when must be a mapping such as {optimizer: sgd}"));
        return;
    }
    if (model != NULL) restrict_families(&q, model);
    if (when != NULL)
        for (const fr_node *entry = when->child; entry != NULL; entry = entry->next)
            if (entry != model) read_entry(&q, entry);
    if (setting->broken) return;
    wait_for_families(&q);
    if (never_active(&q)) give_up(&q);
}
