/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_trees.c - a sum of trees as one TreeEnsembleRegressor with a target for each score, also
 * of classes: it is their scores that are added up, and softmax follows. */
#include <math.h>

#include "onnx_trees.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What the operator wants to know of n nodes, and of those that are leaves. */
typedef struct {
    size_t n, n_leaves;
    int64_t *tree, *id, *input, *yes, *no, *missing_is_yes;
    char **mode;
    float *value;
    int64_t *leaf_tree, *leaf_id, *leaf_score;
    float *leaf_value;
} ensemble;

static bool allocate(fr_onnx *o, size_t n, ensemble *e)
{
    int64_t **const lists[] = {&e->tree,      &e->id,      &e->input,
                               &e->yes,       &e->no,      &e->missing_is_yes,
                               &e->leaf_tree, &e->leaf_id, &e->leaf_score};
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
        *lists[k] = fr_onnx_alloc(o, n, sizeof **lists[k]);
    e->mode = fr_onnx_alloc(o, n, sizeof *e->mode);
    e->value = fr_onnx_alloc(o, n, sizeof *e->value);
    e->leaf_value = fr_onnx_alloc(o, n, sizeof *e->leaf_value);
    return !o->failed;
}

static void add_node(const fr_trees *trees, size_t t, size_t i, ensemble *e)
{
    static char branch[] = "BRANCH_LT", leaf[] = "LEAF";
    const fr_tree_node *node = &trees->node[i];
    const int64_t root = trees->root[t];
    e->tree[e->n] = (int64_t)t;
    e->id[e->n] = (int64_t)i - root;
    if (node->input >= 0) {
        e->mode[e->n] = branch;
        e->input[e->n] = node->input;
        e->value[e->n] = node->value;
        e->yes[e->n] = (int64_t)node->child - root;
        e->no[e->n] = (int64_t)node->child + 1 - root;
        e->missing_is_yes[e->n] = node->missing == node->child;
    } else {
        e->mode[e->n] = leaf;
        e->leaf_tree[e->n_leaves] = (int64_t)t;
        e->leaf_id[e->n_leaves] = (int64_t)i - root;
        e->leaf_score[e->n_leaves] = (int64_t)(t % trees->n_scores);
        e->leaf_value[e->n_leaves++] = node->value;
    }
    e->n++;
}

static void add_ensemble(fr_onnx *o, const fr_trees *trees, const char *x, const char *out)
{
    ensemble e = {0};
    if (!allocate(o, trees->n_nodes, &e)) return;
    for (size_t t = 0; t < trees->n_trees; t++) {
        const size_t end = t + 1 < trees->n_trees ? trees->root[t + 1] : trees->n_nodes;
        for (size_t i = trees->root[t]; i < end; i++) add_node(trees, t, i, &e);
    }
    fr_onnx_node *node = fr_onnx_ml_op(o, "TreeEnsembleRegressor", x, out);
    fr_onnx_set_int(o, node, "n_targets", (int64_t)trees->n_scores);
    fr_onnx_set_floats(o, node, "base_values", trees->base, trees->n_scores);
    fr_onnx_set_ints(o, node, "nodes_treeids", e.tree, e.n);
    fr_onnx_set_ints(o, node, "nodes_nodeids", e.id, e.n);
    fr_onnx_set_texts(o, node, "nodes_modes", e.mode, e.n);
    fr_onnx_set_ints(o, node, "nodes_featureids", e.input, e.n);
    fr_onnx_set_floats(o, node, "nodes_values", e.value, e.n);
    fr_onnx_set_ints(o, node, "nodes_truenodeids", e.yes, e.n);
    fr_onnx_set_ints(o, node, "nodes_falsenodeids", e.no, e.n);
    fr_onnx_set_ints(o, node, "nodes_missing_value_tracks_true", e.missing_is_yes, e.n);
    fr_onnx_set_ints(o, node, "target_treeids", e.leaf_tree, e.n_leaves);
    fr_onnx_set_ints(o, node, "target_nodeids", e.leaf_id, e.n_leaves);
    fr_onnx_set_ints(o, node, "target_ids", e.leaf_score, e.n_leaves);
    fr_onnx_set_floats(o, node, "target_weights", e.leaf_value, e.n_leaves);
}

static const char *constant(fr_onnx *o, const char *name, float a, float b, size_t cols)
{
    float *held = fr_onnx_alloc(o, 2, sizeof *held);
    if (held == NULL) return name;
    held[0] = a;
    held[1] = b;
    fr_onnx_floats(o, name, held, 1, cols);
    return name;
}

/* What is 0 is missing. */
static const char *forget_zeros(fr_onnx *o, const char *prefix, const char *x)
{
    const char *zero = constant(o, fr_onnx_text(o, "%stree_zero", prefix), 0, 0, 0);
    const char *nan = constant(o, fr_onnx_text(o, "%stree_nan", prefix), NAN, 0, 0);
    const char *is_zero = fr_onnx_text(o, "%stree_is_zero", prefix);
    const char *out = fr_onnx_text(o, "%stree_inputs", prefix);
    fr_onnx_op(o, "Equal", LIST(x, zero), is_zero);
    fr_onnx_op(o, "Where", LIST(is_zero, nan, x), out);
    return out;
}

void fr_onnx_trees(fr_onnx *o, const fr_model *model, const char *prefix, const char *x,
                   const char *out)
{
    if (model->options.boost.missing == FR_MISSING_ZERO) x = forget_zeros(o, prefix, x);
    if (model->trees.n_scores == model->n_outputs) {
        add_ensemble(o, &model->trees, x, out);
        return;
    }
    /* Log odds z of the second of two classes: scores 0 and z. */
    const char *z = fr_onnx_text(o, "%stree_sum", prefix);
    const char *second = constant(o, fr_onnx_text(o, "%stree_second", prefix), 0, 1, 2);
    add_ensemble(o, &model->trees, x, z);
    fr_onnx_op(o, "MatMul", LIST(z, second), out);
}
