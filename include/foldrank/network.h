/* SPDX-License-Identifier: BSD-3-Clause */
/* network.h - a chain of dense layers and a loss, with convolutions below it or not: the
 * arithmetic that training and prediction share.
 *
 * Work comes in tiles, each computed by one thread from start to end; a caller that has several
 * threads hands them different tiles. The shape of tiles follows from the network and the batch
 * alone, so the result does not depend on how many threads there are. Passes over elements are
 * done tile by tile, right after the product, while the tile is in cache.
 *
 * Dense layers are numbered 1 .. n_layers; level l is what layer l puts out, level 0 the inputs
 * or, with convolutions, what these put out. A factorisation machine has one layer of another
 * kind (factor.c) between its inputs, which are sparse, and its scores.
 *
 * Nothing here allocates but fr_batch_create. All functions are Local. */
#ifndef FR_NETWORK_H
#define FR_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include "foldrank/model.h"
#include "foldrank/sparse.h"
#include "foldrank/status.h"
#include "foldrank/stem.h"

enum { FR_LEVELS_MAX = FR_INTS_MAX + 2 };

typedef enum {
    FR_HEAD_CROSS_ENTROPY, /* after a softmax */
    FR_HEAD_HINGE, /* sum over classes of max(0, 1 - t z), t = 1 for the class, else -1 */
    FR_HEAD_SQUARED_HINGE,
    FR_HEAD_SQUARED, /* (z - y)^2 */
    FR_HEAD_ABSOLUTE,
    FR_HEAD_HUBER,
} fr_head;

typedef struct {
    size_t n_layers;
    size_t inputs, input_stride;   /* of a row as it comes in */
    size_t width[FR_LEVELS_MAX];   /* units of each level; width[0] = inputs without a stem */
    size_t stride[FR_LEVELS_MAX];  /* floats between two rows of the level, >= width */
    size_t weights[FR_LEVELS_MAX]; /* offset of layer l's weights (in, out) in the block */
    size_t bias[FR_LEVELS_MAX];    /* offset of its bias (out) */
    size_t n_params;
    bool sparse;       /* level 0 is fr_batch.input; set by the caller after fr_network_make */
    bool factorises;   /* a factorisation machine: n_layers is 1, level 0 is fr_batch.sparse */
    size_t factors;    /* of each input, of which a row of weights is {weight, factors} */
    size_t row_values; /* inputs of a row that are not 0, at most: the caller's to set */
    float init_sd, l2, l2_factors;
    fr_head head;
    int activation; /* fr_activation */
    float negative_slope, dropout, huber_delta, label_smoothing;
    fr_stem stem;
} fr_network;

/* Options that do not fit the inputs (fr_model_check_inputs) give a network without its
 * convolutions. */
void fr_network_make(const fr_model_options *options, fr_learn learn, size_t inputs,
                     size_t outputs, fr_network *out);

/* Draw initial parameters (n_params): weights from FR_RNG_INIT, zero for a network without
 * hidden layers, whose loss is convex; biases zero. */
void fr_network_draw(const fr_network *network, int init, uint64_t seed, uint64_t trial,
                     uint32_t fold, float *params);

/* Columns of layer l's weights, and floats of its bias. */
size_t fr_network_cols(const fr_network *network, size_t layer);
size_t fr_network_biases(const fr_network *network, size_t layer);

/* Floats between two rows of a matrix with `width` columns: whole vectors, and not a multiple
 * of 512 bytes, which would crowd a column's elements into a few sets of the cache. One column
 * stays dense. */
size_t fr_network_stride(size_t width);

/* The cells of sparse rows in the order of their columns, as a gradient wants them. */
typedef struct {
    size_t n;         /* columns that occur */
    uint32_t *column; /* (n) ascending */
    size_t *start;    /* (n + 1) first cell of each */
    uint32_t *row;    /* of each cell, ascending within a column */
    float *value;
    size_t capacity; /* cells */
    struct fr_sparse_cell *cell[2];
} fr_sparse_columns;

/* Errors: FR_ERR_MEMORY. Release with fr_sparse_columns_clear. */
FR_CHECKED fr_status fr_sparse_columns_create(size_t capacity, fr_sparse_columns *out);
void fr_sparse_columns_clear(fr_sparse_columns *columns);
/* From rows of `width` columns with no more cells than the capacity. */
void fr_sparse_columns_make(const fr_sparse_rows *rows, size_t width, fr_sparse_columns *out);
/* Number of the first column that is not below `column`. */
size_t fr_sparse_columns_find(const fr_sparse_columns *columns, size_t column);

/* Rows that go through a network together, and everything computed for them. */
typedef struct fr_batch {
    const fr_network *network;          /* borrowed */
    size_t capacity;                    /* rows */
    size_t rows;                        /* in use */
    float *level[FR_LEVELS_MAX];        /* (capacity, stride): activations; the last: scores z.
                                         * level[0] is x without a stem;
                                         * of a sparse network it is not there */
    float *x, *own_x;                   /* (capacity, input_stride): rows as they come */
    fr_sparse_rows input;               /* sparse network: level 0; borrowed */
    const fr_sparse_columns *by_column; /* the same, for the gradient; borrowed */
    float *slope[FR_LEVELS_MAX]; /* (capacity, stride): the activation's derivative, where it
                                  * cannot be told from the activation; else NULL */
    float *delta[FR_LEVELS_MAX]; /* (capacity, stride): d loss / d z; without training the last
                                  * only */
    float *y;                    /* (capacity) targets: class index or value */
    float *weight;               /* (capacity) weight of each row, class weight included */
    float *loss;                 /* (capacity) loss of each row times its weight */
    double total_weight;         /* that the gradient is divided by */
    const float *class_weight;   /* (classes) for label smoothing, or NULL; borrowed */
    uint64_t dropout_key;        /* of the epoch */
    uint64_t first_row;          /* of the batch, in the epoch's order */
    float *maps;                 /* (capacity, or 1 without training; row_floats) of the stem */
    double *statistics;          /* (capacity, 2 n_channels) with batch_norm: of each row and
                                  * channel mean and sum of squares around it */
    float *tiles;                /* (tiles, tile_floats) of the stem */
    uint64_t augment_key;        /* of the epoch */
    double step_rows;            /* of the whole step */
    fr_sparse_block sparse;      /* (capacity) rows of inputs of a factorisation machine */
    float *sums;  /* (capacity, factors) its sum over a row's inputs of factor times input */
    float *block; /* the memory of all these, but of the sparse rows */
} fr_batch;

/* Shards of a batch: a power of two that follows from the number of rows alone. */
size_t fr_shard_count(size_t rows);

/* Errors: FR_ERR_MEMORY. Release with fr_batch_clear. */
FR_CHECKED fr_status fr_batch_create(const fr_network *network, size_t capacity, bool training,
                                     fr_batch *out);
void fr_batch_clear(fr_batch *batch);

/* Let `x` (rows, input_stride) be the input, which is only read; NULL: the batch's own again.
 */
void fr_batch_take(fr_batch *batch, const float *x);

/* Floats that fr_batch_create takes. */
size_t fr_batch_floats(const fr_network *network, size_t capacity, bool training);

typedef struct {
    size_t row, rows, col, cols;
} fr_tile;

/* Tiles begin at multiples of so many rows, whatever the layer. */
enum { FR_TILE_ROWS = 128 };

/* What layer l's products cost beside their output: units below; of sparse rows next to none.
 */
size_t fr_layer_depth(const fr_network *network, size_t layer);

/* Tile number i of a (rows, cols) result that is a product over `depth`; fr_tile_count of them
 * cover it. */
size_t fr_tile_count(size_t rows, size_t cols, size_t depth);
fr_tile fr_tile_at(size_t rows, size_t cols, size_t depth, size_t i);

/* Compute a tile of level l >= 1 from level l - 1: product, bias, activation, and dropout when
 * `training`. */
void fr_layer_forward(fr_batch *batch, const float *params, size_t layer, const fr_tile *tile,
                      bool training);

/* Compute a tile of delta of level l - 1 from that of level l; l is 1 with convolutions only.
 */
void fr_layer_backward(fr_batch *batch, const float *params, size_t layer, const fr_tile *tile);

/* Gradient of a tile of layer l's weights, summed over `rows` of the batch from `first` on:
 * out (tile->rows, tile->cols), dense. */
void fr_layer_gradient(const fr_batch *batch, size_t layer, const fr_tile *tile, size_t first,
                       size_t rows, float *out);

/* The same for its bias: out (width). */
void fr_layer_bias_gradient(const fr_batch *batch, size_t layer, size_t first, size_t rows,
                            float *out);

/* For `rows` of the batch from `first` on: loss[] from the scores and the targets, and the last
 * delta. The definition of weighted means is torch.nn.CrossEntropyLoss's. `out` (rows,
 * outputs), when not NULL, receives what fr_head_output gives. */
void fr_head_run(fr_batch *batch, size_t first, size_t rows, float *out);

/* out (rows, outputs), dense: probabilities for cross-entropy, else the scores as they are. The
 * batch needs no targets; its last delta is overwritten. */
void fr_head_output(fr_batch *batch, float *out);

/* The same without the softmax: the scores as they are. */
void fr_head_scores(const fr_batch *batch, float *out);

/* batch->rows of the data set become level 0, or the sparse rows. */
void fr_batch_load(fr_batch *batch, const fr_transform *transform, const fr_dataset *dataset,
                   const uint32_t *rows);

/* Scores of `rows` of a factorisation machine's batch from `first` on, and their sums. */
void fr_factor_forward(fr_batch *batch, const float *params, size_t first, size_t rows);

/* Inputs' places in a batch: input `j` has value[e] in row[e] for some e, rows ascending. */
typedef struct {
    const uint32_t *row;
    const float *value;
    size_t n;
} fr_occurrences;

/* Gradient of input j's weight and factors, out (1 + factors), as far as it comes from these
 * places; their rows' penalties are in it. The last delta is that of fr_head_run. */
void fr_factor_gradient(const fr_batch *batch, const float *params, size_t j,
                        const fr_occurrences *places, float *out);

/* d loss / d score of row r of a factorisation machine, which has one score. */
float fr_factor_delta(const fr_batch *batch, size_t r);

/* All levels of a batch on the calling thread, without dropout. */
void fr_batch_forward(fr_batch *batch, const float *params);

#endif
