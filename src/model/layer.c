/* SPDX-License-Identifier: BSD-3-Clause */
/* layer.c - dense layers, a tile at a time: the product, and while its result is in cache what
 * is done to every element of it. */
#include <string.h>

#include "foldrank/hot.h"
#include "foldrank/linalg.h"
#include "internal.h"

/* A tile is at most FR_TILE_ROWS x FR_TILE_COLS, narrower where the product is deep: foldrank's
 * own kernels stop at FR_GEMM_SMALL. 64 columns are four panels of those kernels; a network of
 * the size of 64-128-10 with 32 rows is one tile per layer. */
enum { TILE_VOLUME = 8 * 1024 * 1024, NARROWEST = 16 };
enum { MOST_PADS = 32 }; /* of fr_network_stride */

static size_t tile_cols(size_t rows, size_t depth)
{
    size_t cols = FR_TILE_COLS;
    while (cols > NARROWEST &&
           (rows < FR_TILE_ROWS ? rows : FR_TILE_ROWS) * depth * cols > TILE_VOLUME)
        cols /= 2;
    return cols;
}

static size_t pieces(size_t length, size_t piece)
{
    return (length + piece - 1) / piece;
}

size_t fr_tile_count(size_t rows, size_t cols, size_t depth)
{
    return pieces(rows, FR_TILE_ROWS) * pieces(cols, tile_cols(rows, depth));
}

fr_tile fr_tile_at(size_t rows, size_t cols, size_t depth, size_t i)
{
    const size_t wide = tile_cols(rows, depth), across = pieces(cols, wide);
    const size_t row = i / across * FR_TILE_ROWS, col = i % across * wide;
    return (fr_tile){.row = row,
                     .rows = rows - row < FR_TILE_ROWS ? rows - row : FR_TILE_ROWS,
                     .col = col,
                     .cols = cols - col < wide ? cols - col : wide};
}

size_t fr_layer_depth(const fr_network *network, size_t layer)
{
    return layer == 1 && network->sparse ? 1 : network->width[layer - 1];
}

/* Scores start from the bias, and what pads a row is nothing to a softmax. */
FR_HOT static void start_scores(const fr_network *net, const float *bias, const fr_tile *tile,
                                float *restrict z)
{
    const size_t width = net->width[net->n_layers], stride = net->stride[net->n_layers];
    const size_t pads = tile->col + tile->cols == width ? stride - width : 0;
    const size_t cols = tile->cols + pads;
    float row[FR_TILE_COLS + MOST_PADS];
    for (size_t j = 0; j < cols; j++) row[j] = j < tile->cols ? bias[j] : FR_SCORE_PAD;
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < cols; j++) z[i * stride + j] = row[j];
}

/* z is what the level below gives; for the last layer it is added to z. */
static void multiply(const fr_batch *batch, const float *params, size_t layer,
                     const fr_tile *tile, float *z)
{
    const fr_network *net = batch->network;
    const bool last = layer == net->n_layers;
    const size_t stride = net->stride[layer];
    if (layer == 1 && net->sparse) {
        for (size_t i = 0; !last && i < tile->rows; i++)
            memset(z + i * stride, 0, tile->cols * sizeof *z);
        fr_sparse_forward(batch, params, tile, z);
        return;
    }
    fr_gemm(&(fr_gemm_shape){.m = tile->rows,
                             .n = tile->cols,
                             .k = net->width[layer - 1],
                             .lda = net->stride[layer - 1],
                             .ldb = net->width[layer],
                             .ldc = stride,
                             .accumulate = last},
            batch->level[layer - 1] + tile->row * net->stride[layer - 1],
            params + net->weights[layer] + tile->col, z);
}

void fr_layer_forward(fr_batch *batch, const float *params, size_t layer, const fr_tile *tile,
                      bool training)
{
    const fr_network *net = batch->network;
    const bool last = layer == net->n_layers;
    const size_t stride = net->stride[layer];
    const size_t place = tile->row * stride + tile->col;
    const float *bias = params + net->bias[layer] + tile->col;
    float *z = batch->level[layer] + place;

    if (last) start_scores(net, bias, tile, z);
    multiply(batch, params, layer, tile, z);
    if (last) return;

    const bool store = batch->slope[layer] != NULL && training;
    const fr_pass pass = {.a = z,
                          .slope = store ? batch->slope[layer] + place : NULL,
                          .bias = bias,
                          .rows = tile->rows,
                          .cols = tile->cols,
                          .stride = stride};
    fr_activation_forward(net, &pass);
    if (training && net->dropout > 0)
        fr_dropout(net, &pass, tile->col, batch->dropout_key + layer,
                   batch->first_row + tile->row);
}

void fr_layer_backward(fr_batch *batch, const float *params, size_t layer, const fr_tile *tile)
{
    const fr_network *net = batch->network;
    const size_t below = layer - 1, stride = net->stride[below], out = net->width[layer];
    const size_t place = tile->row * stride + tile->col;
    fr_gemm(&(fr_gemm_shape){.m = tile->rows,
                             .n = tile->cols,
                             .k = out,
                             .lda = net->stride[layer],
                             .ldb = out,
                             .ldc = stride,
                             .transpose_b = true},
            batch->delta[layer] + tile->row * net->stride[layer],
            params + net->weights[layer] + tile->col * out, batch->delta[below] + place);
    if (below == 0) return; /* what the convolutions put out is their own affair */
    const fr_pass pass = {.a = batch->level[below] + place,
                          .slope = batch->slope[below] ? batch->slope[below] + place : NULL,
                          .rows = tile->rows,
                          .cols = tile->cols,
                          .stride = stride};
    fr_activation_backward(net, &pass, batch->delta[below] + place);
}

void fr_layer_gradient(const fr_batch *batch, size_t layer, const fr_tile *tile, size_t first,
                       size_t rows, float *out)
{
    const fr_network *net = batch->network;
    const size_t lda = net->stride[layer - 1], ldb = net->stride[layer];
    if (layer == 1 && net->sparse) {
        fr_sparse_gradient(batch, tile, first, rows, out);
        return;
    }
    fr_gemm(&(fr_gemm_shape){.m = tile->rows,
                             .n = tile->cols,
                             .k = rows,
                             .lda = lda,
                             .ldb = ldb,
                             .ldc = tile->cols,
                             .transpose_a = true},
            batch->level[layer - 1] + first * lda + tile->row,
            batch->delta[layer] + first * ldb + tile->col, out);
}

/* A line of the cache at a time, whose sums stay in registers; what pads a row is read, too. */
FR_HOT static void sum_rows(const float *from, size_t rows, size_t cols, size_t stride,
                            float *restrict out)
{
    enum { LANES = 16 };
    for (size_t j = 0; j < cols; j += LANES) {
        float sum[LANES] = {0};
        if (stride == 1)
            for (size_t i = 0; i < rows; i++) sum[0] += from[i];
        else
            for (size_t i = 0; i < rows; i++)
                for (size_t k = 0; k < LANES; k++) sum[k] += from[i * stride + j + k];
        for (size_t k = 0; k < LANES && j + k < cols; k++) out[j + k] = sum[k];
    }
}

void fr_layer_bias_gradient(const fr_batch *batch, size_t layer, size_t first, size_t rows,
                            float *out)
{
    const fr_network *net = batch->network;
    sum_rows(batch->delta[layer] + first * net->stride[layer], rows, net->width[layer],
             net->stride[layer], out);
}

void fr_batch_forward(fr_batch *batch, const float *params)
{
    const fr_network *net = batch->network;
    if (net->factorises) {
        fr_factor_forward(batch, params, 0, batch->rows);
        return;
    }
    for (size_t i = 0; net->stem.n > 0 && i < batch->rows; i++)
        fr_stem_predict(batch, params, i);
    for (size_t l = 1; l <= net->n_layers; l++) {
        const size_t cols = net->width[l], depth = fr_layer_depth(net, l);
        for (size_t i = 0, n = fr_tile_count(batch->rows, cols, depth); i < n; i++) {
            const fr_tile tile = fr_tile_at(batch->rows, cols, depth, i);
            fr_layer_forward(batch, params, l, &tile, false);
        }
    }
}
