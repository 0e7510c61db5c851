/* SPDX-License-Identifier: BSD-3-Clause */
/* node.c - the tree of a study file. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

fr_node *fr_node_create(fr_node_kind kind, const fr_node *like)
{
    fr_node *node = fr_alloc(1, sizeof *node);
    if (node == NULL) return NULL;
    node->kind = kind;
    if (like != NULL) {
        node->line = like->line;
        node->origin = like->origin;
    }
    return node;
}

void fr_node_append(fr_node *parent, fr_node *child)
{
    if (parent->last == NULL)
        parent->child = child;
    else
        parent->last->next = child;
    parent->last = child;
    parent->n++;
}

/* Depth is limited when the tree is made, so the recursion is, too. */
void fr_node_destroy(fr_node *node)
{
    if (node == NULL) return;
    for (fr_node *child = node->child, *next; child != NULL; child = next) {
        next = child->next;
        fr_node_destroy(child);
    }
    free(node->key);
    free(node->text);
    free(node);
}

fr_node *fr_node_find(const fr_node *map, const char *key)
{
    if (map == NULL || map->kind != NODE_MAP) return NULL;
    for (fr_node *child = map->child; child != NULL; child = child->next)
        if (strcmp(child->key, key) == 0) return child;
    return NULL;
}

bool fr_node_is_null(const fr_node *node)
{
    if (node == NULL) return true;
    if (node->kind != NODE_SCALAR || node->quoted) return false;
    return *node->text == '\0' || strcmp(node->text, "null") == 0 ||
           strcmp(node->text, "~") == 0;
}

void fr_node_format(const fr_node *node, fr_text *out)
{
    if (node->kind == NODE_SCALAR) {
        if (fr_node_is_null(node))
            fr_text_add(out, "null");
        else
            fr_flow_quote(node->text, out);
        return;
    }
    fr_text_add(out, "%s", node->kind == NODE_LIST ? "[" : "{");
    for (const fr_node *child = node->child; child != NULL; child = child->next) {
        if (child != node->child) fr_text_add(out, ", ");
        if (node->kind == NODE_MAP) {
            fr_flow_quote(child->key, out);
            fr_text_add(out, ": ");
        }
        fr_node_format(child, out);
    }
    fr_text_add(out, "%s", node->kind == NODE_LIST ? "]" : "}");
}
