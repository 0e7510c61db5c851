/* SPDX-License-Identifier: BSD-3-Clause */
/* block.c - blocks of plain settings, read through their tables. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

bool fr_is_distribution(const fr_node *node)
{
    for (size_t k = 0; fr_param_kind_words[k] != NULL; k++)
        if (fr_node_find(node, fr_param_kind_words[k]) != NULL) return true;
    return false;
}

void fr_draft_value(fr_draft *draft, const fr_node *node, const char *home,
                    const fr_option *row, void *values)
{
    fr_text key = {0}, text = {0};
    fr_text_add(&key, "%s%s%s", home, *home == '\0' ? "" : ".", row->name);
    fr_status st = FR_OK;
    if (node == NULL) {
        if (row->fallback != NULL) st = fr_option_set(row, row->fallback, values);
    } else if (node->kind == NODE_MAP) {
        st = fr_is_distribution(node)
                 ? FR_FAIL(FR_ERR_USAGE, "is not a hyperparameter: it needs one value")
                 : FR_FAIL(FR_ERR_USAGE, "needs a value, not a mapping");
    } else {
        fr_node_format(node, &text);
        st = text.failed ? FR_ERR_MEMORY : fr_option_set(row, fr_text_get(&text), values);
    }
    fr_faults_check(draft->faults, node, fr_text_get(&key), st);
    fr_text_clear(&key);
    fr_text_clear(&text);
}

static bool is_among(const char *key, const char *const names[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], key) == 0) return true;
    return false;
}

static void refuse_unknown(fr_draft *draft, const fr_node *node, const char *home,
                           const char *const names[], size_t n)
{
    for (const fr_node *child = node->child; child != NULL; child = child->next)
        if (!is_among(child->key, names, n))
            fr_faults_unknown(draft->faults, child, home, names, n);
}

void fr_draft_block(fr_draft *draft, const fr_node *node, const fr_block *block, void *values)
{
    const size_t n = block->n + block->n_extra;
    const char **names = fr_alloc(n, sizeof *names);
    if (names == NULL) {
        draft->faults->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        names[i] = i < block->n ? block->table[i].name : block->extra[i - block->n];
    if (!fr_node_is_null(node) && node->kind != NODE_MAP)
        fr_faults_add(draft->faults, node, "%s must be a mapping, such as {%s: ...}",
                      block->home, names[0]);
    else if (node != NULL)
        refuse_unknown(draft, node, block->home, names, n);
    for (size_t i = 0; i < block->n; i++)
        fr_draft_value(draft, fr_node_find(node, block->table[i].name), block->home,
                       &block->table[i], values);
    free(names);
}
