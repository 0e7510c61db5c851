/* SPDX-License-Identifier: BSD-3-Clause */
/* trees.c - sums of trees: rows go from a root to a leaf. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/model.h"
#include "internal.h"

size_t fr_trees_scores(fr_learn learn, size_t n_outputs)
{
    return learn == FR_LEARN_CLASSIFICATION && n_outputs == 2 ? 1 : n_outputs;
}

fr_status fr_trees_create(size_t n_scores, fr_trees *out)
{
    *out = (fr_trees){.base = fr_alloc(n_scores, sizeof *out->base), .n_scores = n_scores};
    return out->base == NULL ? FR_ERR_MEMORY : FR_OK;
}

void fr_trees_clear(fr_trees *trees)
{
    free(trees->node);
    free(trees->root);
    free(trees->base);
    *trees = (fr_trees){0};
}

static fr_status reserve(fr_trees *trees, size_t nodes, size_t roots)
{
    void *node = trees->node, *root = trees->root;
    fr_status st = fr_grow(&node, &trees->node_capacity, nodes, sizeof *trees->node);
    trees->node = node;
    if (st == FR_OK) st = fr_grow(&root, &trees->root_capacity, roots, sizeof *trees->root);
    trees->root = root;
    return st;
}

fr_status fr_trees_copy(const fr_trees *from, fr_trees *to)
{
    fr_status st = fr_trees_create(from->n_scores, to);
    if (st == FR_OK) st = reserve(to, from->n_nodes, from->n_trees);
    if (st != FR_OK) {
        fr_trees_clear(to);
        return st;
    }
    memcpy(to->base, from->base, from->n_scores * sizeof *to->base);
    if (from->n_trees > 0) {
        memcpy(to->node, from->node, from->n_nodes * sizeof *to->node);
        memcpy(to->root, from->root, from->n_trees * sizeof *to->root);
    }
    to->n_nodes = from->n_nodes;
    to->n_trees = from->n_trees;
    return FR_OK;
}

fr_status fr_trees_append(fr_trees *trees, const fr_tree_node *nodes, size_t n)
{
    const size_t at = trees->n_nodes;
    if (at + n > UINT32_MAX)
        return FR_FAIL(FR_ERR_MEMORY, "the trees have more than %u nodes: grow fewer",
                       UINT32_MAX);
    FR_TRY(reserve(trees, at + n, trees->n_trees + 1));
    for (size_t i = 0; i < n; i++) {
        fr_tree_node *node = &trees->node[at + i];
        *node = nodes[i];
        if (node->input < 0) continue;
        node->child += (uint32_t)at;
        node->missing += (uint32_t)at;
    }
    trees->root[trees->n_trees++] = (uint32_t)at;
    trees->n_nodes += n;
    return FR_OK;
}

void fr_trees_truncate(fr_trees *trees, size_t n)
{
    if (n >= trees->n_trees) return;
    trees->n_nodes = trees->root[n];
    trees->n_trees = n;
}

static bool node_is_sound(const fr_tree_node *node, size_t self, size_t end, size_t width)
{
    if (!isfinite(node->value)) return false;
    if (node->input < 0) return node->input == -1;
    return (size_t)node->input < width && node->child > self && end - node->child >= 2 &&
           node->child < end &&
           (node->missing == node->child || node->missing == node->child + 1);
}

bool fr_trees_are_sound(const fr_trees *trees, size_t width)
{
    if (trees->n_scores == 0 || trees->n_trees % trees->n_scores != 0) return false;
    if (trees->n_trees == 0) return trees->n_nodes == 0;
    for (size_t t = 0; t < trees->n_trees; t++) {
        const size_t first = trees->root[t],
                     end = t + 1 < trees->n_trees ? trees->root[t + 1] : trees->n_nodes;
        if ((t == 0 && first != 0) || first >= end || end > trees->n_nodes) return false;
        for (size_t i = first; i < end; i++)
            if (!node_is_sound(&trees->node[i], i, end, width)) return false;
    }
    for (size_t k = 0; k < trees->n_scores; k++)
        if (!isfinite(trees->base[k])) return false;
    return true;
}

void fr_trees_pack(const fr_trees *trees, fr_pack *out)
{
    fr_pack_u64(out, trees->n_scores);
    fr_pack_u64(out, trees->n_trees);
    fr_pack_u64(out, trees->n_nodes);
    fr_pack_bytes(out, trees->base, trees->n_scores * sizeof *trees->base);
    fr_pack_bytes(out, trees->root, trees->n_trees * sizeof *trees->root);
    fr_pack_bytes(out, trees->node, trees->n_nodes * sizeof *trees->node);
}

static bool unpack_array(fr_unpack *in, void *to, size_t bytes)
{
    const void *from = fr_unpack_bytes(in, bytes);
    if (from != NULL && bytes > 0) memcpy(to, from, bytes);
    return from != NULL;
}

fr_status fr_trees_unpack(fr_unpack *in, size_t width, fr_trees *out)
{
    *out = (fr_trees){0};
    const uint64_t scores = fr_unpack_u64(in), roots = fr_unpack_u64(in),
                   nodes = fr_unpack_u64(in), left = fr_unpack_left(in);
    const bool fits = scores <= left / sizeof *out->base && roots <= left / sizeof *out->root &&
                      nodes <= left / sizeof *out->node;
    if (in->failed || !fits) return FR_FAIL(FR_ERR_FORMAT, "the trees are incomplete");
    FR_TRY(fr_trees_create((size_t)scores, out));
    FR_TRY(reserve(out, (size_t)nodes, (size_t)roots));
    out->n_trees = (size_t)roots;
    out->n_nodes = (size_t)nodes;
    const bool whole = unpack_array(in, out->base, out->n_scores * sizeof *out->base) &&
                       unpack_array(in, out->root, out->n_trees * sizeof *out->root) &&
                       unpack_array(in, out->node, out->n_nodes * sizeof *out->node);
    return whole && fr_trees_are_sound(out, width)
               ? FR_OK
               : FR_FAIL(FR_ERR_FORMAT, "the trees are damaged");
}

/* ---- rows ---- */

static fr_status make_sparse(const fr_transform *transform, const fr_dataset *dataset,
                             const uint32_t *rows, fr_tree_inputs *out)
{
    size_t values = 0;
    for (size_t i = 0; i < out->n; i++)
        values += (size_t)(dataset->sparse.start[rows[i] + 1] - dataset->sparse.start[rows[i]]);
    FR_TRY(fr_sparse_reserve(&out->sparse, out->n, values));
    fr_transform_apply_sparse(transform, dataset, rows, out->n, &out->sparse);
    return FR_OK;
}

fr_status fr_tree_inputs_make(const fr_transform *transform, const fr_dataset *dataset,
                              const uint32_t *rows, size_t n, bool zero_missing,
                              fr_tree_inputs *out)
{
    *out =
        (fr_tree_inputs){.n = n, .width = transform->width, .absent = zero_missing ? NAN : 0};
    if (dataset->schema.cell == FR_CELL_SPARSE && fr_transform_keeps_zeros(transform))
        return make_sparse(transform, dataset, rows, out);
    out->x = fr_alloc(n * out->width, sizeof *out->x);
    if (out->x == NULL) return FR_ERR_MEMORY;
    fr_transform_apply(transform, dataset, rows, n, out->x, out->width);
    for (size_t i = 0; zero_missing && i < n * out->width; i++)
        if (out->x[i] == 0) out->x[i] = NAN;
    return FR_OK;
}

void fr_tree_inputs_clear(fr_tree_inputs *inputs)
{
    free(inputs->x);
    fr_sparse_clear(&inputs->sparse);
    *inputs = (fr_tree_inputs){0};
}

static uint32_t leaf(const fr_tree_node *node, uint32_t at, const float *x)
{
    while (node[at].input >= 0) {
        const fr_tree_node *n = &node[at];
        const float value = x[n->input];
        at = value != value ? n->missing : (value < n->value ? n->child : n->child + 1);
    }
    return at;
}

static void add_row(const fr_trees *trees, size_t first, size_t end, const float *x,
                    float *score)
{
    for (size_t t = first; t < end; t++)
        score[t % trees->n_scores] += trees->node[leaf(trees->node, trees->root[t], x)].value;
}

/* A sparse row is spread out for the time of its way. */
static void spread_out(const fr_tree_inputs *in, size_t i, float *spread)
{
    const fr_sparse_block *s = &in->sparse;
    for (uint64_t k = s->start[i]; k < s->start[i + 1]; k++) spread[s->column[k]] = s->value[k];
}

static void take_in(const fr_tree_inputs *in, size_t i, float *spread)
{
    const fr_sparse_block *s = &in->sparse;
    for (uint64_t k = s->start[i]; k < s->start[i + 1]; k++) spread[s->column[k]] = in->absent;
}

/* (team, width) where rows are sparse, else nothing. */
static float *make_spread(const fr_tree_inputs *in, size_t team)
{
    const size_t n = in->x == NULL ? team * in->width : 0;
    float *spread = fr_alloc(n, sizeof *spread);
    for (size_t j = 0; spread != NULL && j < n; j++) spread[j] = in->absent;
    return spread;
}

fr_status fr_trees_add(const fr_trees *trees, size_t first, size_t end,
                       const fr_tree_inputs *in, int threads, float *score)
{
    const size_t n_scores = trees->n_scores;
    const int team = threads < 1 || in->n < 1024 ? 1 : threads;
    float *spread = make_spread(in, (size_t)team);
    if (spread == NULL) return FR_ERR_MEMORY;
#pragma omp parallel for num_threads(team) if (team > 1) default(none) schedule(static)        \
    firstprivate(trees, first, end, in, score, spread, n_scores)
    for (size_t i = 0; i < in->n; i++) {
        float *own = spread + (size_t)omp_get_thread_num() * in->width;
        if (in->x != NULL) {
            add_row(trees, first, end, in->x + i * in->width, score + i * n_scores);
            continue;
        }
        spread_out(in, i, own);
        add_row(trees, first, end, own, score + i * n_scores);
        take_in(in, i, own);
    }
    free(spread);
    return FR_OK;
}

fr_status fr_trees_leaves(const fr_trees *trees, size_t t, const fr_tree_inputs *in,
                          uint32_t *node)
{
    float *spread = make_spread(in, 1);
    if (spread == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < in->n; i++) {
        if (in->x == NULL) spread_out(in, i, spread);
        node[i] =
            leaf(trees->node, trees->root[t], in->x != NULL ? in->x + i * in->width : spread);
        if (in->x == NULL) take_in(in, i, spread);
    }
    free(spread);
    return FR_OK;
}

void fr_trees_begin(const fr_trees *trees, size_t n, float *score)
{
    for (size_t i = 0; i < n; i++)
        memcpy(score + i * trees->n_scores, trees->base, trees->n_scores * sizeof *score);
}

void fr_trees_output(const float *score, size_t n_scores, size_t n_outputs, float *output)
{
    if (n_outputs == 1) {
        output[0] = score[0];
        return;
    }
    if (n_scores == 1) {
        const double p = 1 / (1 + exp(-(double)score[0]));
        output[0] = (float)(1 - p);
        output[1] = (float)p;
        return;
    }
    double top = (double)score[0], sum = 0;
    for (size_t k = 1; k < n_scores; k++) top = fmax(top, (double)score[k]);
    for (size_t k = 0; k < n_scores; k++) sum += exp((double)score[k] - top);
    for (size_t k = 0; k < n_scores; k++)
        output[k] = (float)(exp((double)score[k] - top) / sum);
}

double fr_trees_flops(const fr_trees *trees)
{
    if (trees->n_trees == 0) return 0;
    return (double)trees->n_trees * (1 + log2((double)trees->n_nodes / (double)trees->n_trees));
}

fr_trees_bound fr_trees_at_most(int64_t rounds, int64_t max_depth, int64_t max_leaves,
                                size_t n_scores, size_t rows)
{
    const double trees = (double)rounds * (double)n_scores;
    double leaves = fmin(exp2((double)max_depth), fmax((double)rows, 1));
    if (max_leaves > 0) leaves = fmin(leaves, (double)max_leaves);
    return (fr_trees_bound){trees * (2 * leaves - 1), trees * (1 + (double)max_depth)};
}

/* ---- a model ---- */

/* What the scores of a row become: predictions in the target's unit, or probabilities. */
static void say(const fr_model *model, const float *score, float *out)
{
    const size_t n_scores = model->trees.n_scores, n_outputs = model->n_outputs;
    const fr_transform *t = &model->transform;
    if (model->calibration.method == FR_CALIBRATE_NONE) {
        fr_trees_output(score, n_scores, n_outputs, out);
    } else {
        out[0] = 0; /* of two classes with one score, which is the second one's */
        memcpy(out + (n_outputs - n_scores), score, n_scores * sizeof *out);
        fr_calibration_apply(&model->calibration, out, 1, n_outputs);
    }
    if (n_outputs == 1) out[0] = (float)((double)out[0] / t->target_factor + t->target_shift);
}

fr_status fr_trees_predict(const fr_model *model, const fr_dataset *dataset,
                           const uint32_t *rows, size_t n, float *output)
{
    /* Rows at a time: their inputs are to stay small beside the data. */
    enum { MOST_FLOATS = 1 << 22, LEAST_ROWS = 128 };
    const fr_trees *trees = &model->trees;
    const fr_transform *t = &model->transform;
    const size_t width = t->width > 0 ? t->width : 1, n_outputs = model->n_outputs;
    size_t chunk = MOST_FLOATS / width;
    if (chunk < LEAST_ROWS) chunk = LEAST_ROWS;
    if (chunk > n) chunk = n;
    float *score = fr_alloc(chunk * trees->n_scores, sizeof *score);
    fr_status st = score == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t first = 0; st == FR_OK && first < n; first += chunk) {
        const size_t m = n - first < chunk ? n - first : chunk;
        const bool zero_missing = model->options.boost.missing == FR_MISSING_ZERO;
        fr_tree_inputs in;
        st = fr_tree_inputs_make(t, dataset, rows + first, m, zero_missing, &in);
        fr_trees_begin(trees, m, score);
        if (st == FR_OK)
            st = fr_trees_add(trees, 0, trees->n_trees, &in, omp_get_max_threads(), score);
        for (size_t i = 0; st == FR_OK && i < m; i++)
            say(model, score + i * trees->n_scores, output + (first + i) * n_outputs);
        fr_tree_inputs_clear(&in);
    }
    free(score);
    return st;
}
