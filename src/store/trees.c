/* SPDX-License-Identifier: BSD-3-Clause */
/* trees.c - the trees of a model, as columns under /model/trees. */
#include "foldrank/memory.h"
#include "internal.h"

#define NODE(field) offsetof(fr_tree_node, field)

static const fr_table_column columns[] = {
    {"/model/trees/input", FR_H5_I32, NODE(input), NULL,
     "input that a node looks at; -1: a leaf"},
    {"/model/trees/value", FR_H5_F32, NODE(value), NULL,
     "an input below it goes to child, others to child + 1; what a leaf adds"},
    {"/model/trees/child", FR_H5_U32, NODE(child), NULL, "node, behind its parent; leaf: 0"},
    {"/model/trees/missing", FR_H5_U32, NODE(missing), NULL,
     "where a missing input goes: child or child + 1; leaf: 0"},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };
static const fr_table nodes = {"/model/trees", columns, N_COLUMNS, N_COLUMNS,
                               sizeof(fr_tree_node)};
static const char root_path[] = "/model/trees/root", base_path[] = "/model/trees/base";

void fr_trees_put(fr_h5_out *out, const fr_trees *trees)
{
    fr_h5_put_group(out, nodes.path);
    for (size_t k = 0; k < N_COLUMNS; k++)
        fr_h5_put_column(out,
                         &(fr_h5_column){.path = columns[k].path,
                                         .type = columns[k].type,
                                         .n = trees->n_nodes,
                                         .data = (const char *)trees->node + columns[k].offset,
                                         .stride = sizeof *trees->node,
                                         .about = columns[k].about});
    fr_h5_put_column(out, &(fr_h5_column){.path = root_path,
                                          .type = FR_H5_U32,
                                          .n = trees->n_trees,
                                          .data = trees->root,
                                          .about = "node that a tree begins with"});
    fr_h5_put_column(out, &(fr_h5_column){.path = base_path,
                                          .type = FR_H5_F32,
                                          .n = trees->n_scores,
                                          .data = trees->base,
                                          .about = "scores before the first tree; tree t adds "
                                                   "to score t modulo their number"});
}

fr_status fr_trees_get(const fr_h5_in *in, size_t n_scores, size_t width, fr_trees *out)
{
    FR_TRY(fr_trees_create(n_scores, out));
    FR_TRY(fr_h5_get_column(in, base_path, FR_H5_F32, n_scores, out->base));
    FR_TRY(fr_table_count(in, root_path, &out->n_trees));
    FR_TRY(fr_h5_get_all(in, root_path, FR_H5_U32, &out->root, &out->n_trees));
    FR_TRY(fr_table_count(in, columns[0].path, &out->n_nodes));
    out->node = fr_alloc(out->n_nodes, sizeof *out->node);
    if (out->node == NULL) return FR_ERR_MEMORY;
    FR_TRY(fr_table_get(in, &nodes, out->node, out->n_nodes));
    if (fr_trees_are_sound(out, width)) return FR_OK;
    return FR_FAIL(FR_ERR_FORMAT, "%s: /model/trees: a tree leads nowhere; the file is damaged",
                   in->path);
}
