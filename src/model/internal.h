/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - the passes over elements that the files of model share. */
#ifndef FR_MODEL_INTERNAL_H
#define FR_MODEL_INTERNAL_H

#include "foldrank/network.h"

/* A block of rows and columns of a level. */
typedef struct {
    float *a;     /* z without its bias; becomes the activation */
    float *slope; /* receives the derivative, or NULL */
    const float *bias;
    size_t rows, cols, stride;
} fr_pass;

/* z (tile, stride of level 1) += inputs times weights, of sparse inputs. */
void fr_sparse_forward(const fr_batch *batch, const float *params, const fr_tile *tile,
                       float *z);

/* fr_layer_gradient of layer 1, of sparse inputs. */
void fr_sparse_gradient(const fr_batch *batch, const fr_tile *tile, size_t first, size_t rows,
                        float *out);

/* a = f(a + bias), slope = f'(a + bias). */
void fr_activation_forward(const fr_network *network, const fr_pass *pass);

/* delta *= f', from the slope if there is one, else from the activation. All have the same
 * stride. */
void fr_activation_backward(const fr_network *network, const fr_pass *pass, float *delta);

/* Drop units: a and slope times 0 or 1 / (1 - p). Which ones follows from `key`, the row's
 * number `first_row` + i, the level and the unit. */
void fr_dropout(const fr_network *network, const fr_pass *pass, size_t first_unit, uint64_t key,
                uint64_t first_row);

/* Row by row: probabilities p of scores z, both (rows, stride), and ln sum_j e^(z_j). shape =
 * {width, stride}; the stride is a multiple of 8, and what pads a row of z very negative. p may
 * be z. */
void fr_softmax(const float *z, size_t rows, const size_t shape[2], float *p, float *log_sum);

/* Operations of a factorisation machine over one row with width[0] inputs. */
double fr_factor_flops(const fr_network *network, bool training);

/* The pad of a row of scores: its exponential is nothing. */
#define FR_SCORE_PAD (-1e30f)

#endif
