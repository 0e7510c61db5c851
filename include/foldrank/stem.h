/* SPDX-License-Identifier: BSD-3-Clause */
/* stem.h - the convolutions of a network: what stands between the inputs and its dense layers.
 *
 * One convolution after the other, each with stride 1 and as many pixels out as in:
 *
 *   z = conv(x) [+ bias]    y = batch_norm(z) [+ x, residual]    a = f(y)    x' = pool(a)
 *
 * A map (height, width, channels) lies in memory with the zeros that a kernel needs around it,
 * pad_h rows above and below, pad_w pixels before each row, which are those behind the row
 * before, and pad_w at the end. Then the pixels under a kernel's row are one stretch of memory,
 * the stretch of the next pixel begins `channels` floats later, and a convolution is one matrix
 * product for each row of the kernel, with overlapping rows and no copy of anything. The
 * gradient by the inputs is a convolution too, with the kernel turned around.
 *
 * Work comes in tiles of rows of one shard. What is summed over rows (gradients, statistics of
 * batch normalisation) is summed in a tile, then over the tiles of a shard in their order. */
#ifndef FR_STEM_H
#define FR_STEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/model.h"
#include "foldrank/status.h"

/* Channels of a convolution. */
enum { FR_FILTERS_MAX = 1024 };

/* What batch normalisation adds to a variance: PyTorch's. */
#define FR_NORM_EPSILON 1e-5

/* One convolution. `weights`, `bias` (beta of a normalised one), `gain`, `mean`, `variance` are
 * offsets in the block of parameters. */
typedef struct {
    size_t height, width, in, out; /* pixels, channels read, channels written */
    size_t pool_h, pool_w;         /* window and step of the pooling */
    size_t out_h, out_w;           /* pixels after it; what fills no window is left out */
    bool average;                  /* the mean of a window, else its largest value */
    bool adds;                     /* its input is added to what it puts out */
    size_t weights;                /* (kernel_h, kernel_w, in, out) */
    size_t bias;                   /* (out) */
    size_t gain;                   /* (out) with batch_norm, as are the two running statistics,
                                    * which are stored like parameters: */
    size_t mean, variance;
    size_t in_at, out_at, raw_at, slope_at; /* its maps in the memory of a row */
    size_t statistics_at;                   /* its channels in the statistics of a row */
} fr_conv;

typedef struct {
    size_t n; /* 0: no convolutions, nothing else here is looked at */
    fr_conv conv[FR_INTS_MAX];
    size_t kernel_h, kernel_w, pad_h, pad_w;
    bool batch_norm;
    size_t n_params; /* of all convolutions, from the block's beginning; statistics included */
    size_t n_statistics; /* of these */
    size_t n_channels;   /* channels out of all convolutions */
    size_t outputs;      /* pixels x channels after the last one */
    size_t row_floats;   /* of a row's maps */
    size_t tile_floats;  /* of a tile's sums and scratch: first its gradient (n_params), */
    size_t turned_at, affine_at; /* then what is needed on the way */
    size_t shift;                /* augmentation: pixels at most */
    int flip;                    /* fr_flip */
    float noise;                 /* standard deviation */
} fr_stem;

/* The convolutions of `options` for rows of `inputs` numbers; out->n is 0 for families without.
 * Errors: FR_ERR_DATA (the shape does not fit the inputs, or pooling leaves nothing; then too
 * out->n is 0). */
FR_CHECKED fr_status fr_stem_make(const fr_model_options *options, size_t inputs, fr_stem *out);

/* Draw the weights; gains and variances are 1. `he` as for dense layers. */
void fr_stem_draw(const fr_stem *stem, bool he, uint64_t seed, uint64_t trial, uint32_t fold,
                  float *params);

/* Operations of the products over one row: of a prediction, and of a training step. */
double fr_stem_flops_predict(const fr_stem *stem);
double fr_stem_flops_training(const fr_stem *stem);

struct fr_batch;

/* Tiles of one shard of a batch with so many rows and shards. */
size_t fr_stem_tiles(size_t rows, size_t shards);

/* A training pass goes through fr_stem_phases() phases forwards, after all tiles of each the
 * next; then the same number backwards. Forwards leads from batch->x to level 0, backwards
 * from its delta to the tiles' gradients. */
size_t fr_stem_phases(const fr_stem *stem);
void fr_stem_forward(struct fr_batch *batch, const float *params, size_t phase, size_t tile);
void fr_stem_backward(struct fr_batch *batch, const float *params, size_t phase, size_t tile);

/* Gradient of parameters [first, first + n), summed over shard number `shard`: out (n). That of
 * a running statistic is the statistic of the shard, weighted by its share of the step's rows,
 * so that a sum over shards is their mean. */
void fr_stem_gradient(const struct fr_batch *batch, size_t first, size_t n, size_t shard,
                      float *out);

/* Row number `row` from batch->x to level 0, by the running statistics. */
void fr_stem_predict(struct fr_batch *batch, const float *params, size_t row);

/* The factor and the summand (out) of each channel that batch_norm is by its running
 * statistics, or 1 and the bias without it. */
void fr_conv_affine(const fr_stem *stem, const fr_conv *conv, const float *params,
                    float *factor, float *summand);

#endif
