/* SPDX-License-Identifier: BSD-3-Clause */
/* enqueue.c - search.enqueue: configurations that are tried first, written by name. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

typedef struct {
    fr_draft *draft;
    const fr_node *entry; /* one configuration */
    size_t number;        /* from 1 */
    double *point;
} row;

static void add_fault(const row *r, const fr_node *where, fr_status st)
{
    char key[48];
    snprintf(key, sizeof key, "search.enqueue, item %zu", r->number);
    fr_faults_check(r->draft->faults, where, key, st);
}

static const fr_setting *setting_of(const fr_draft *draft, size_t param)
{
    const char *name = draft->study->space.params[param].name;
    for (size_t i = 0; i < draft->n; i++)
        if (strcmp(draft->settings[i].name, name) == 0) return &draft->settings[i];
    return NULL;
}

static void refuse_unknown(const row *r)
{
    const fr_space *space = &r->draft->study->space;
    const char **names = fr_alloc(space->n, sizeof *names);
    if (names == NULL) {
        r->draft->faults->out_of_memory = true;
        return;
    }
    for (size_t j = 0; j < space->n; j++) names[j] = space->params[j].name;
    for (const fr_node *value = r->entry->child; value != NULL; value = value->next)
        if (fr_space_find(space, value->key) == space->n)
            fr_faults_unknown(r->draft->faults, value, "search.enqueue", names, space->n);
    free(names);
}

static void read_value(const row *r, size_t j, const fr_node *node)
{
    const fr_param *p = &r->draft->study->space.params[j];
    const fr_setting *setting = setting_of(r->draft, j);
    fr_text raw = {0}, text = {0};
    fr_node_format(node, &raw);
    fr_status st = fr_setting_canonical(setting, fr_text_get(&raw), &text);
    if (st == FR_OK) st = fr_param_parse(p, fr_text_get(&text), &r->point[j]);
    if (st != FR_OK) add_fault(r, node, st);
    fr_text_clear(&raw);
    fr_text_clear(&text);
}

static void read_row(const row *r)
{
    const fr_space *space = &r->draft->study->space;
    refuse_unknown(r);
    for (size_t j = 0; j < space->n; j++) {
        const char *name = space->params[j].name;
        const fr_node *node = fr_node_find(r->entry, name);
        const bool active = fr_space_active(space, j, r->point);
        r->point[j] = (double)NAN;
        if (active && node != NULL)
            read_value(r, j, node);
        else if (active)
            add_fault(r, r->entry, FR_FAIL(FR_ERR_USAGE, "%s has no value", name));
        else if (node != NULL)
            add_fault(r, node,
                      FR_FAIL(FR_ERR_USAGE, "%s is not used here: its condition fails", name));
    }
}

static void refuse_repeats(const row *r)
{
    const fr_study *study = r->draft->study;
    for (size_t i = 0; i + 1 < r->number && !study->search.repeats; i++)
        if (fr_space_equal(&study->space, study->enqueued + i * study->space.n, r->point))
            add_fault(r, r->entry, FR_FAIL(FR_ERR_USAGE, "is the same as item %zu", i + 1));
}

void fr_draft_enqueue(fr_draft *draft, const fr_node *list)
{
    fr_study *study = draft->study;
    if (fr_node_is_null(list)) return;
    if (list->kind != NODE_LIST) {
        fr_faults_add(draft->faults, list,
                      "search.enqueue must be a list of configurations, such as "
                      "[{learning_rate: 0.01}]");
        return;
    }
    study->enqueued = fr_alloc(list->n * (study->space.n + 1), sizeof *study->enqueued);
    if (study->enqueued == NULL) {
        draft->faults->out_of_memory = true;
        return;
    }
    for (const fr_node *entry = list->child; entry != NULL; entry = entry->next) {
        row r = {.draft = draft, .entry = entry, .number = ++study->n_enqueued};
        r.point = study->enqueued + (r.number - 1) * study->space.n;
        if (entry->kind != NODE_MAP) {
            add_fault(&r, entry,
                      FR_FAIL(FR_ERR_USAGE, "must be a mapping of parameters to values"));
            continue;
        }
        const size_t before = draft->faults->n;
        read_row(&r);
        if (draft->faults->n == before) refuse_repeats(&r);
    }
    if (study->search.trials > 0 && (size_t)study->search.trials < study->n_enqueued)
        fr_faults_add(draft->faults, list,
                      "search.enqueue has %zu configurations, but search.trials is %lld",
                      study->n_enqueued, (long long)study->search.trials);
}
