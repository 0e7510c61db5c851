/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - the passes over elements that the files of model share. */
#ifndef FR_MODEL_INTERNAL_H
#define FR_MODEL_INTERNAL_H

#include "foldrank/hot.h"
#include "foldrank/network.h"

enum { FR_TILE_COLS = 128 }; /* of a tile, at most; FR_TILE_ROWS is in network.h */

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

/* A map of a convolution's size (stem.h) with so many channels: its floats; where its first
 * pixel lies; pixels from there to the last one, with the zeros between rows. */
size_t fr_map_floats(const fr_stem *stem, const fr_conv *conv, size_t channels);
size_t fr_map_first(const fr_stem *stem, const fr_conv *conv, size_t channels);
size_t fr_map_run(const fr_stem *stem, const fr_conv *conv);

/* Map `in` to map `out`, without a bias. What is between the rows of `out` is not defined. */
void fr_conv_forward(const fr_stem *stem, const fr_conv *conv, const float *params,
                     const float *in, float *out);

/* The weights turned around, and with them map `delta` to map `in`, which is added to if the
 * convolution's input is, too. */
void fr_conv_turn(const fr_stem *stem, const fr_conv *conv, const float *params, float *turned);
void fr_conv_backward(const fr_stem *stem, const fr_conv *conv, const float *turned,
                      const float *delta, float *in);

/* Add the gradient of the weights. */
void fr_conv_gradient(const fr_stem *stem, const fr_conv *conv, const float *in,
                      const float *delta, float *sum);

/* Pool a map of activations from its first pixel `a` on; rows of `out` are out_row floats
 * apart. Backwards: what comes in as `d` is shared out and multiplied with the activation's
 * derivative, which is `slope` where that is stored (else NULL), in the place of `a`; the rest
 * of the map's rows and what lies between them become 0. */
void fr_pool_forward(const fr_network *network, const fr_conv *conv, const float *a, float *out,
                     size_t out_row);
void fr_pool_backward(const fr_network *network, const fr_conv *conv, float *a,
                      const float *slope, const float *d, size_t d_row);

/* What a channel is normalised with: y = factor z + summand, x = (z - mean) rate. */
typedef struct {
    float factor, summand, mean, rate;
} fr_norm;

fr_norm fr_norm_make(const fr_conv *conv, const float *params, double mean, double variance,
                     size_t channel);

/* Statistics of one row's map z (from its first pixel on), of all its convolutions; and those
 * of a shard's rows from theirs: mean, variance (out). */
void fr_norm_measure(const fr_stem *stem, const fr_conv *conv, const float *z,
                     double *statistics);
void fr_norm_combine(const fr_stem *stem, const fr_conv *conv, const double *statistics,
                     size_t rows, double *mean, double *variance);

/* n pixels of all channels. out = factor z; sums of delta and of delta x are added to; z
 * becomes its own derivative. */
typedef struct {
    const float *mean, *rate, *factor; /* (channels) */
    float *shift, *gain;               /* (channels) */
} fr_norm_sum;

void fr_norm_scale(const float *z, size_t n, size_t channels, const float *factor, float *out);
void fr_norm_sums(const float *delta, const float *z, size_t n, size_t channels,
                  const fr_norm_sum *sum);
void fr_norm_backward(const float *delta, float *z, size_t n, size_t channels,
                      const fr_norm_sum *sum);

/* Settings of family xgboost; words of class_weight, which most families have. */
extern const fr_option fr_boost_option_table[];
extern const size_t fr_boost_option_count;
extern const char *const fr_class_weight_words[];

/* fr_model_predict of trees. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_trees_predict(const fr_model *model, const fr_dataset *dataset,
                                      const uint32_t *rows, size_t n, float *output);

/* Operations of a factorisation machine over one row with width[0] inputs. */
double fr_factor_flops(const fr_network *network, bool training);

/* Of a row's scores what Platt's sigmoids take: one number of two classes, else one of each. */
void fr_calibration_features(bool log_scores, const float *scores, size_t n_classes,
                             double *out);

/* Logarithms in the place of n probabilities. */
void fr_calibration_logs(float *probability, size_t n);

/* The pad of a row of scores: its exponential is nothing. */
#define FR_SCORE_PAD (-1e30f)

#endif
