/* SPDX-License-Identifier: BSD-3-Clause */
/* boost_share.c - a round whose trees are grown by several processes: each grows those of a
 * stretch of the scores, and all get all of them, in the order of the scores. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "grow.h"
#include "internal.h"

static size_t nodes_of(const fr_trees *trees, size_t t)
{
    const size_t end = t + 1 < trees->n_trees ? trees->root[t + 1] : trees->n_nodes;
    return end - trees->root[t];
}

/* Nodes of a tree, numbered from its own root as fr_trees_append wants them. */
static void take_out(const fr_trees *trees, size_t t, fr_tree_node *out)
{
    const uint32_t root = trees->root[t];
    for (size_t i = 0, n = nodes_of(trees, t); i < n; i++) {
        out[i] = trees->node[root + i];
        if (out[i].input < 0) continue;
        out[i].child -= root;
        out[i].missing -= root;
    }
}

/* All nodes of the round, by process, into `nodes`; this process's are there already. */
static void share_nodes(const fr_fit_group *group, const uint64_t *count, const size_t *scores,
                        fr_tree_node *nodes)
{
    size_t bounds[FR_GROUP_MAX + 1] = {0};
    for (size_t p = 0; p < group->size; p++) {
        bounds[p + 1] = bounds[p];
        for (size_t k = scores[p]; k < scores[p + 1]; k++)
            bounds[p + 1] += (size_t)count[k] * sizeof *nodes;
    }
    group->share(group->context, nodes, bounds);
}

fr_status fr_boost_share(const fr_fit_group *group, const fr_trees *mine, fr_trees *trees)
{
    const size_t n_scores = trees->n_scores;
    size_t scores[FR_GROUP_MAX + 1], bytes[FR_GROUP_MAX + 1], total = 0, at = 0;
    fr_tree_node *nodes = NULL;
    uint64_t *count = fr_alloc(n_scores, sizeof *count);
    fr_status st = fr_fit_agree(group, count == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st != FR_OK) goto out;
    fr_group_bounds(group, n_scores, 1, scores);
    fr_group_bounds(group, n_scores, sizeof *count, bytes);
    for (size_t t = 0; t < mine->n_trees; t++)
        count[scores[group->index] + t] = nodes_of(mine, t);
    group->share(group->context, count, bytes);

    for (size_t k = 0; k < n_scores; k++) total += (size_t)count[k];
    nodes = fr_alloc(total, sizeof *nodes);
    st = fr_fit_agree(group, nodes == NULL ? FR_ERR_MEMORY : FR_OK);
    if (st != FR_OK) goto out;
    for (size_t k = 0; k < scores[group->index]; k++) at += (size_t)count[k];
    for (size_t t = 0; t < mine->n_trees; at += nodes_of(mine, t++))
        take_out(mine, t, nodes + at);
    share_nodes(group, count, scores, nodes);
    at = 0;
    for (size_t k = 0; st == FR_OK && k < n_scores; at += (size_t)count[k++])
        st = fr_trees_append(trees, nodes + at, (size_t)count[k]);
out:
    free(nodes);
    free(count);
    return st;
}
