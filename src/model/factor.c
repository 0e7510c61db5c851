/* SPDX-License-Identifier: BSD-3-Clause */
/* factor.c - factorisation machines of degree 2 (Rendle, "Factorization machines", 2010).
 *
 * The score of a row x is
 *   z = b + sum_j w_j x_j + sum_(i < j) <v_i, v_j> x_i x_j
 *     = b + sum_j w_j x_j + sum_f sum_j v_jf x_j (sum_(i < j) v_if x_i),
 * so it costs as much as there are inputs that are not 0. (The usual difference of squares
 * costs the same and loses digits where one input is large.) With two one-hot columns, users
 * and items, it is matrix factorisation with biases (Koren, Bell and Volinsky 2009): b + w_u +
 * w_i
 * + <v_u, v_i>. Of two classes the first has score 0 and the second z; softmax makes the
 * logistic function of that.
 *
 * What is made for is tens of factors and few inputs: an input's weight and factors lie
 * together, so that it costs one or two lines of cache. The penalty belongs to the rows: each
 * has l2/2 w_j^2 + l2_factors/2 |v_j|^2 of the inputs that it has in its loss, so an input is
 * penalised in proportion to its rows, and its gradient is 0 in a batch that it is not in. */
#include <string.h>

#include "foldrank/hot.h"
#include "internal.h"

/* Sums over factors run in so many lanes, which are joined in a fixed order. */
enum { LANES = 8 };

/* An input with all that came before it: lane += (x v) sum, sum += x v. */
FR_HOT_INLINE void add_input(const float *restrict v, float x, size_t factors,
                             float *restrict sum, float *restrict lane)
{
    size_t f = 0;
    for (; f + LANES <= factors; f += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            const float t = x * v[f + k];
            lane[k] += t * sum[f + k];
            sum[f + k] += t;
        }
    }
    for (size_t k = 0; f + k < factors; k++) {
        const float t = x * v[f + k];
        lane[k] += t * sum[f + k];
        sum[f + k] += t;
    }
}

/* Scores z of some rows; `factors` is a constant in the copies for common numbers of them. */
FR_HOT_INLINE void score_rows(const fr_sparse_rows *x, const float *params, float bias,
                              size_t factors, float *sums, float *z)
{
    const size_t cols = 1 + factors;
    for (size_t r = 0; r < x->n; r++) {
        float lane[LANES] = {0}, linear = bias;
        float *sum = sums + r * factors;
        for (size_t f = 0; f < factors; f++) sum[f] = 0;
        for (size_t e = x->start[r]; e < x->start[r + 1]; e++) {
            const float *row = params + x->column[e] * cols;
            linear += x->value[e] * row[0];
            add_input(row + 1, x->value[e], factors, sum, lane);
        }
        for (size_t k = 0; k < LANES; k++) linear += lane[k];
        z[r] = linear;
    }
}

FR_HOT static void score_any(const fr_sparse_rows *x, const float *params, float bias,
                             size_t factors, float *sums, float *z)
{
    if (factors == 8)
        score_rows(x, params, bias, 8, sums, z);
    else if (factors == 16)
        score_rows(x, params, bias, 16, sums, z);
    else
        score_rows(x, params, bias, factors, sums, z);
}

/* One score beside that of the first class, which is 0, in rows that a softmax takes. */
static void spread_scores(const fr_network *net, size_t rows, float *level)
{
    const size_t stride = net->stride[1], width = net->width[1];
    for (size_t r = rows; r-- > 0;) {
        const float z = level[r];
        float *row = level + r * stride;
        for (size_t k = width; k < stride; k++) row[k] = FR_SCORE_PAD;
        row[0] = 0;
        row[1] = z;
    }
}

void fr_factor_forward(fr_batch *batch, const float *params, size_t first, size_t rows)
{
    const fr_network *net = batch->network;
    const fr_sparse_rows all = fr_sparse_view(&batch->sparse);
    const fr_sparse_rows x = {rows, all.start + first, all.column, all.value};
    float *level = batch->level[1] + first * net->stride[1];
    score_any(&x, params, params[net->bias[1]], net->factors,
              batch->sums + first * net->factors, level);
    if (net->width[1] > 1) spread_scores(net, rows, level);
}

float fr_factor_delta(const fr_batch *batch, size_t r)
{
    const fr_network *net = batch->network;
    return batch->delta[1][r * net->stride[1] + net->width[1] - 1];
}

/* out += d x (s - x v) + c v */
FR_HOT_INLINE void add_gradient(const float *restrict v, const float *restrict sum,
                                size_t factors, const float dxc[3], float *restrict out)
{
    const float dx = dxc[0] * dxc[1], own = dxc[2] - dx * dxc[1];
    for (size_t f = 0; f < factors; f++) out[f] += dx * sum[f] + own * v[f];
}

FR_HOT void fr_factor_gradient(const fr_batch *batch, const float *params, size_t j,
                               const fr_occurrences *places, float *out)
{
    const fr_network *net = batch->network;
    const size_t factors = net->factors;
    const float *row = params + j * (1 + factors);
    const float scale = (float)(1.0 / batch->total_weight);
    memset(out, 0, (1 + factors) * sizeof *out);
    for (size_t e = 0; e < places->n; e++) {
        const size_t r = places->row[e];
        const float x = places->value[e], d = fr_factor_delta(batch, r);
        const float share = scale * batch->weight[r];
        out[0] += d * x + share * net->l2 * row[0];
        add_gradient(row + 1, batch->sums + r * factors, factors,
                     (const float[3]){d, x, share * net->l2_factors}, out + 1);
    }
}

double fr_factor_flops(const fr_network *network, bool training)
{
    const double inputs = (double)network->width[0], factors = (double)network->factors;
    const double forward = inputs * (2 + 4 * factors) + 2 * factors;
    return training ? forward + inputs * (4 + 4 * factors) : forward;
}
