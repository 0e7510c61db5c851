/* SPDX-License-Identifier: BSD-3-Clause */
/* trees.h - the model of family xgboost: a sum of regression trees for every score.
 *
 * XGBoost grows the trees (train/grow.h); what it has grown is kept here as plain arrays. So a
 * model is predicted with, stored, exported and read by others without that library, and a file
 * that somebody sends holds nothing that a parser has to be trusted with.
 *
 * Numbers come to the trees as they are in the data: scaling would change no split, and a
 * missing one is told apart from all others: every split says where it goes. All Local. */
#ifndef FR_TREES_H
#define FR_TREES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/data.h"
#include "foldrank/pack.h"
#include "foldrank/preprocess.h"
#include "foldrank/sparse.h"
#include "foldrank/status.h"

typedef struct {
    int32_t input;  /* preprocessed input that is looked at; -1: a leaf */
    float value;    /* an input below it goes to `child`, else to child + 1; what a leaf adds */
    uint32_t child; /* number of a node of the same tree, after this one; leaf: 0 */
    uint32_t missing; /* where a missing input goes: child or child + 1; leaf: 0 */
} fr_tree_node;

/* Start with {0}; release with fr_trees_clear. Tree t adds to score t % n_scores. */
typedef struct {
    fr_tree_node *node; /* (n_nodes) tree after tree, its root first */
    size_t n_nodes, node_capacity;
    uint32_t *root; /* (n_trees) node that tree t begins with */
    size_t n_trees, root_capacity;
    float *base; /* (n_scores) what a score is before the first tree */
    size_t n_scores;
} fr_trees;

/* Scores of a model with so many outputs: two classes share one, the second's log odds. */
size_t fr_trees_scores(fr_learn learn, size_t n_outputs);

/* Without trees, base 0. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_trees_create(size_t n_scores, fr_trees *out);
void fr_trees_clear(fr_trees *trees);
FR_CHECKED fr_status fr_trees_copy(const fr_trees *from, fr_trees *to);

/* Append a tree of n nodes, whose `child` and `missing` count from its own root.
 * Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_trees_append(fr_trees *trees, const fr_tree_node *nodes, size_t n);

/* Keep the first n trees. */
void fr_trees_truncate(fr_trees *trees, size_t n);

/* Whether following the nodes ends, inside the tree, for every row of `width` inputs, and gives
 * a number: to be asked of trees that come from a file. */
bool fr_trees_are_sound(const fr_trees *trees, size_t width);

/* Bytes and back, between processes of one program. Unpack: FR_ERR_FORMAT when they are no
 * sound trees for `width` inputs, FR_ERR_MEMORY; the caller clears *out. */
void fr_trees_pack(const fr_trees *trees, fr_pack *out);
FR_CHECKED fr_status fr_trees_unpack(fr_unpack *in, size_t width, fr_trees *out);

/* Rows as trees take them: NaN is a missing input. */
typedef struct {
    size_t n, width;
    float *x;               /* (n, width), or NULL: */
    fr_sparse_block sparse; /* the inputs that are not 0, */
    float absent;           /* and what all others are */
} fr_tree_inputs;

/* Of rows[0..n) of the data set, by a transform of fr_transform_as_is. `zero_missing`: what is
 * 0 is missing. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_tree_inputs_make(const fr_transform *transform,
                                         const fr_dataset *dataset, const uint32_t *rows,
                                         size_t n, bool zero_missing, fr_tree_inputs *out);
void fr_tree_inputs_clear(fr_tree_inputs *inputs);

/* score (n, n_scores) += trees[first .. end), one after the other: from the base on it does not
 * matter in how many calls. `threads` change nothing. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_trees_add(const fr_trees *trees, size_t first, size_t end,
                                  const fr_tree_inputs *inputs, int threads, float *score);

/* node (n): the leaf of tree t that each row comes to. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_trees_leaves(const fr_trees *trees, size_t t,
                                     const fr_tree_inputs *inputs, uint32_t *node);

/* score (n, n_scores) = base */
void fr_trees_begin(const fr_trees *trees, size_t n, float *score);

/* Outputs (n_outputs) of a row's scores: the score of a regression, probabilities of classes.
 */
void fr_trees_output(const float *score, size_t n_scores, size_t n_outputs, float *output);

/* Comparisons of a prediction, about. */
double fr_trees_flops(const fr_trees *trees);

/* What trees that nobody has grown yet may come to: `rows` of training, so many rounds and so
 * deep. All nodes; comparisons of a prediction. */
typedef struct {
    double nodes, flops;
} fr_trees_bound;
fr_trees_bound fr_trees_at_most(int64_t rounds, int64_t max_depth, int64_t max_leaves,
                                size_t n_scores, size_t rows);

#endif
