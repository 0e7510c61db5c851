/* SPDX-License-Identifier: BSD-3-Clause */
/* boost_leaf.c - leaves of the absolute loss, whose second derivatives say nothing: a leaf adds
 * the median of what its rows lack (Friedman 2001, "LAD_TreeBoost"), as XGBoost's
 * reg:absoluteerror does. */
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "grow.h"
#include "internal.h"

typedef struct {
    uint32_t leaf;
    float lack, weight;
} member;

static int by_leaf(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->leaf != y->leaf) return x->leaf < y->leaf ? -1 : 1;
    return (x->lack > y->lack) - (x->lack < y->lack);
}

/* Of members in the order of what they lack: the middle, or halfway between two; with weights
 * the first at which half of the weight is reached. */
static double median(const member *m, size_t n, bool weighted)
{
    double total = 0, sum = 0;
    if (!weighted)
        return n % 2 == 1 ? (double)m[n / 2].lack
                          : ((double)m[n / 2 - 1].lack + (double)m[n / 2].lack) / 2;
    for (size_t i = 0; i < n; i++) total += (double)m[i].weight;
    for (size_t i = 0; i < n; i++)
        if ((sum += (double)m[i].weight) >= total / 2) return (double)m[i].lack;
    return (double)m[n - 1].lack;
}

/* Members of the rows that were drawn, sorted; returns how many. */
static size_t gather(const fr_boost_rows *rows, const uint32_t *leaf, member *out)
{
    size_t n = 0;
    for (size_t i = 0; i < rows->inputs->n; i++)
        if (rows->hessian[i] > 0)
            out[n++] = (member){leaf == NULL ? 0 : leaf[i],
                                rows->target[i] - (rows->score == NULL ? 0 : rows->score[i]),
                                rows->weight == NULL ? 1 : rows->weight[i]};
    qsort(out, n, sizeof *out, by_leaf);
    return n;
}

fr_status fr_boost_leaves(const fr_boost_rows *rows, double learning_rate, fr_trees *trees)
{
    const size_t all = rows->inputs->n;
    uint32_t *leaf = fr_alloc(all, sizeof *leaf);
    member *m = fr_alloc(all, sizeof *m);
    fr_status st = leaf == NULL || m == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) st = fr_trees_leaves(trees, trees->n_trees - 1, rows->inputs, leaf);
    const size_t n = st == FR_OK ? gather(rows, leaf, m) : 0;
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && m[end].leaf == m[first].leaf;) end++;
        trees->node[m[first].leaf].value =
            (float)(learning_rate * median(m + first, end - first, rows->weight != NULL));
    }
    free(leaf);
    free(m);
    return st;
}

fr_status fr_boost_median(const fr_boost_rows *rows, float *out)
{
    member *m = fr_alloc(rows->inputs->n, sizeof *m);
    if (m == NULL) return FR_ERR_MEMORY;
    const size_t n = gather(rows, NULL, m);
    *out = n == 0 ? 0 : (float)median(m, n, rows->weight != NULL);
    free(m);
    return FR_OK;
}
