/* SPDX-License-Identifier: BSD-3-Clause */
/* difference.c - what makes two studies give different results: their filled-in texts compared
 * key by key.
 *
 * Left out are the name, the number of trials and other budgets, the rule of selection (trials
 * can be chosen from anew), the explanations, the ensemble, nested cross-validation (whose
 * records name what they belong to), the output directory, the resources
 * and the times that a command may take and a table pretends to. Of the data files only whether
 * they are named counts: a study may go on where its data lie elsewhere, and what they contain
 * has a fingerprint of its own. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/checksum.h"
#include "foldrank/memory.h"
#include "internal.h"

typedef struct {
    char *key;   /* "search.seed" */
    char *value; /* flow text */
} leaf;

typedef struct {
    leaf *list;
    size_t n, capacity;
    bool failed;
} leaves;

static bool is_ignored(const char *key)
{
    return strcmp(key, "study") == 0 || strcmp(key, "output") == 0 ||
           strcmp(key, "search.trials") == 0 || strncmp(key, "stop.", 5) == 0 ||
           strncmp(key, "select.", 7) == 0 || strncmp(key, "explain.", 8) == 0 ||
           strncmp(key, "nested.", 7) == 0 || strncmp(key, "ensemble.", 9) == 0 ||
           strncmp(key, "calibrate.", 10) == 0 || strncmp(key, "resources", 9) == 0 ||
           strcmp(key, "objective.timeout") == 0 || strcmp(key, "objective.grace") == 0 ||
           strcmp(key, "objective.speed") == 0;
}

static bool is_place(const char *key)
{
    return strcmp(key, "data.path") == 0 || strcmp(key, "data.labels") == 0 ||
           strcmp(key, "data.test.path") == 0 || strcmp(key, "data.test.labels") == 0;
}

static void add_leaf(leaves *out, const char *key, const fr_node *node)
{
    fr_text value = {0};
    void *block = out->list;
    if (is_place(key))
        fr_text_add(&value, "%s", fr_node_is_null(node) ? "null" : "a file");
    else
        fr_node_format(node, &value);
    if (value.failed ||
        fr_grow(&block, &out->capacity, out->n + 1, sizeof *out->list) != FR_OK) {
        out->failed = true;
        fr_text_clear(&value);
        return;
    }
    out->list = block;
    out->list[out->n++] = (leaf){.key = fr_strdup(key), .value = value.data};
    if (out->list[out->n - 1].key == NULL) out->failed = true;
}

static void collect(leaves *out, const char *prefix, const fr_node *node)
{
    for (const fr_node *child = node->child; child != NULL && !out->failed;
         child = child->next) {
        fr_text key = {0};
        fr_text_add(&key, "%s%s%s", prefix, *prefix == '\0' ? "" : ".", child->key);
        if (key.failed)
            out->failed = true;
        else if (child->kind == NODE_MAP && !child->flow)
            collect(out, key.data, child);
        else if (!is_ignored(key.data))
            add_leaf(out, key.data, child);
        fr_text_clear(&key);
    }
}

static void clear(leaves *all)
{
    for (size_t i = 0; i < all->n; i++) {
        free(all->list[i].key);
        free(all->list[i].value);
    }
    free(all->list);
    *all = (leaves){0};
}

/* The leaves of a filled-in text; `failed` is set when memory is short. */
static leaves leaves_of(const char *text)
{
    leaves out = {0};
    fr_faults faults = {.path = "study"};
    fr_node *root = fr_node_parse(text, NULL, &faults);
    if (root == NULL)
        out.failed = true;
    else
        collect(&out, "", root);
    fr_node_destroy(root);
    fr_faults_clear(&faults);
    return out;
}

uint64_t fr_study_text_fingerprint(const char *text, fr_faults *faults)
{
    leaves all = leaves_of(text);
    uint64_t hash = FR_FINGERPRINT_START;
    for (size_t i = 0; i < all.n && !all.failed; i++) {
        hash = fr_fingerprint(hash, all.list[i].key, strlen(all.list[i].key) + 1);
        hash = fr_fingerprint(hash, all.list[i].value, strlen(all.list[i].value) + 1);
    }
    if (all.failed) faults->out_of_memory = true;
    clear(&all);
    return hash;
}

static const char *value_of(const leaves *all, const char *key)
{
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->list[i].key, key) == 0) return all->list[i].value;
    return NULL;
}

/* First key of `from` whose value `in` has not, or has otherwise. */
static const char *first_difference(const leaves *from, const leaves *in)
{
    for (size_t i = 0; i < from->n; i++) {
        const char *other = value_of(in, from->list[i].key);
        if (other == NULL || strcmp(other, from->list[i].value) != 0) return from->list[i].key;
    }
    return NULL;
}

bool fr_study_difference(const fr_study *there, const fr_study *here, fr_text *out)
{
    leaves a = leaves_of(there->text), b = leaves_of(here->text);
    const char *key = first_difference(&a, &b);
    if (key == NULL) key = first_difference(&b, &a);
    if (a.failed || b.failed) {
        fr_text_add(out, "the studies cannot be compared: out of memory");
    } else if (key != NULL) {
        const char *x = value_of(&a, key), *y = value_of(&b, key);
        fr_text_add(out, "%s: %s there, %s here", key, x == NULL ? "nothing" : x,
                    y == NULL ? "nothing" : y);
    }
    const bool differ = key != NULL || a.failed || b.failed;
    clear(&a);
    clear(&b);
    return differ;
}
