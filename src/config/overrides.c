/* SPDX-License-Identifier: BSD-3-Clause */
/* overrides.c - `--set a.b.c=value`: the value takes the place of what the file says. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

typedef struct {
    fr_faults *faults;
    fr_node where;   /* origin: "--set key=value" */
    const char *all; /* "key=value" */
} override;

/* The entry of `map` called key[0..length), made as an empty one when absent. */
static fr_node *enter(override *o, fr_node *map, const char *key, size_t length)
{
    char *name = malloc(length + 1);
    fr_node *child = NULL;
    if (name == NULL) goto fail;
    memcpy(name, key, length);
    name[length] = '\0';
    child = fr_node_find(map, name);
    if (child != NULL) {
        free(name);
        return child;
    }
    child = fr_node_create(NODE_MAP, &o->where);
    if (child == NULL) goto fail;
    child->key = name;
    fr_node_append(map, child);
    return child;
fail:
    free(name);
    o->faults->out_of_memory = true;
    return NULL;
}

/* `node` becomes what `value` is; key and place among its siblings stay. Empties *value. */
static void replace(fr_node *node, fr_node *value)
{
    fr_node old = *node;
    *node = *value;
    node->key = old.key;
    node->next = old.next;
    *value = (fr_node){.child = old.child, .text = old.text};
}

/* Fetch the node that the dotted key names. */
static fr_node *find(override *o, fr_node *root, const char *end)
{
    fr_node *node = root;
    for (const char *at = o->all; at < end;) {
        const size_t length = strcspn(at, ".=");
        if (length == 0) {
            fr_faults_add(o->faults, &o->where, "a key is empty");
            return NULL;
        }
        if (fr_node_is_null(node)) {
            free(node->text);
            node->text = NULL;
            node->kind = NODE_MAP;
        }
        if (node->kind != NODE_MAP) {
            fr_faults_add(o->faults, &o->where, "%.*s is not a mapping", (int)(at - o->all) - 1,
                          o->all);
            return NULL;
        }
        node = enter(o, node, at, length);
        if (node == NULL) return NULL;
        at += length + 1;
    }
    return node;
}

static void apply(fr_node *root, const char *text, fr_faults *faults)
{
    override o = {.faults = faults, .all = text, .where = {.origin = text}};
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        fr_faults_add(faults, &o.where, "write key=value, such as train.epochs=5");
        return;
    }
    fr_node *value = fr_node_parse(equals + 1, text, faults);
    fr_node *node = value == NULL ? NULL : find(&o, root, equals);
    if (node != NULL) replace(node, value);
    fr_node_destroy(value);
}

void fr_node_override(fr_node *root, const char *const overrides[], size_t n, fr_faults *faults)
{
    for (size_t i = 0; i < n; i++) apply(root, overrides[i], faults);
}
