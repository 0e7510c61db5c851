/* SPDX-License-Identifier: BSD-3-Clause */
/* network.c - shapes, memory and initial parameters of a network. */
#include "foldrank/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"

size_t fr_network_stride(size_t width)
{
    enum { VECTOR = FR_ALIGNMENT / sizeof(float), CROWD = 128 };
    if (width == 1) return 1;
    const size_t stride = (width + VECTOR - 1) / VECTOR * VECTOR;
    return stride % CROWD == 0 ? stride + VECTOR : stride;
}

static fr_head head_of(const fr_model_options *o, fr_learn learn)
{
    if (learn == FR_LEARN_REGRESSION)
        return o->loss == FR_LOSS_HUBER      ? FR_HEAD_HUBER
               : o->loss == FR_LOSS_ABSOLUTE ? FR_HEAD_ABSOLUTE
                                             : FR_HEAD_SQUARED;
    if (o->family == FR_FAMILY_SVM)
        return o->hinge == FR_HINGE_LINEAR ? FR_HEAD_HINGE : FR_HEAD_SQUARED_HINGE;
    return FR_HEAD_CROSS_ENTROPY;
}

void fr_network_make(const fr_model_options *options, fr_learn learn, size_t inputs,
                     size_t outputs, fr_network *out)
{
    const bool has_hidden =
        options->family == FR_FAMILY_MLP || options->family == FR_FAMILY_CNN;
    const size_t n_hidden = has_hidden ? options->hidden.n : 0;
    const bool factorises = options->family == FR_FAMILY_FM;
    *out = (fr_network){.n_layers = n_hidden + 1,
                        .factorises = factorises,
                        .factors = factorises ? (size_t)options->factors : 0,
                        .row_values = inputs,
                        .init_sd = (float)options->init_sd,
                        .l2 = (float)options->l2,
                        .l2_factors = (float)options->l2_factors,
                        .head = head_of(options, learn),
                        .activation = options->activation,
                        .negative_slope = (float)options->negative_slope,
                        .dropout = (float)options->dropout,
                        .huber_delta = (float)options->huber_delta,
                        .label_smoothing = (float)options->label_smoothing};
    if (fr_stem_make(options, inputs, &out->stem) != FR_OK) out->stem.n = 0;
    out->inputs = inputs;
    out->input_stride = fr_network_stride(inputs);
    out->width[0] = out->stem.n > 0 ? out->stem.outputs : inputs;
    out->n_params = out->stem.n > 0 ? out->stem.n_params : 0;
    for (size_t l = 1; l <= n_hidden; l++) out->width[l] = (size_t)options->hidden.value[l - 1];
    out->width[out->n_layers] = outputs;
    for (size_t l = 0; l <= out->n_layers; l++) {
        out->stride[l] = fr_network_stride(out->width[l]);
        if (l == 0) continue;
        out->weights[l] = out->n_params;
        out->bias[l] = out->n_params + out->width[l - 1] * fr_network_cols(out, l);
        out->n_params = out->bias[l] + fr_network_biases(out, l);
    }
}

size_t fr_network_cols(const fr_network *network, size_t layer)
{
    return network->factorises ? 1 + network->factors : network->width[layer];
}

size_t fr_network_biases(const fr_network *network, size_t layer)
{
    return network->factorises ? 1 : network->width[layer];
}

/* Weights of a factorisation machine are a convex problem and start at 0; factors at 0 would
 * stay there. */
static void draw_factors(const fr_network *network, fr_rng *rng, float *params)
{
    const size_t cols = fr_network_cols(network, 1);
    for (size_t j = 0; j < network->width[0]; j++)
        for (size_t f = 1; f < cols; f++)
            params[j * cols + f] = (float)((double)network->init_sd * fr_rng_normal(rng));
}

/* Uniform on +- bound. He: variance 2 / inputs (He et al. 2015, eq. 10). Glorot: bound sqrt(6 /
 * (inputs + outputs)) (Glorot and Bengio 2010, eq. 16). The last layer has no activation behind
 * it and is always Glorot's. */
void fr_network_draw(const fr_network *network, int init, uint64_t seed, uint64_t trial,
                     uint32_t fold, float *params)
{
    const bool saturates =
        network->activation == FR_ACT_TANH || network->activation == FR_ACT_SIGMOID;
    const bool he = init == FR_INIT_HE || (init == FR_INIT_AUTO && !saturates);
    memset(params, 0, network->n_params * sizeof *params);
    if (network->factorises) {
        fr_rng rng = fr_rng_make(seed, FR_RNG_INIT, trial, fold, 1);
        draw_factors(network, &rng, params);
    }
    if (network->n_layers == 1 && network->stem.n == 0) return;
    fr_stem_draw(&network->stem, he, seed, trial, fold, params);
    for (size_t l = 1; l <= network->n_layers; l++) {
        const double in = (double)network->width[l - 1], out = (double)network->width[l];
        const double bound = sqrt(6.0 / (he && l < network->n_layers ? in : in + out));
        float *w = params + network->weights[l];
        fr_rng rng = fr_rng_make(seed, FR_RNG_INIT, trial, fold, (uint32_t)l);
        for (size_t i = 0, n = network->bias[l] - network->weights[l]; i < n; i++)
            w[i] = (float)(bound * (2.0 * (0x1p-32 * fr_rng_u32(&rng)) - 1.0));
    }
}

static bool needs_slope(const fr_network *network, size_t l)
{
    return l >= 1 && l < network->n_layers &&
           (network->dropout > 0 || network->activation == FR_ACT_GELU);
}

static bool needs_delta(const fr_network *network, size_t l, bool training)
{
    return l == network->n_layers || (training && (l > 0 || network->stem.n > 0));
}

static bool needs_level(const fr_network *network, size_t l)
{
    return l > 0 || !network->factorises;
}

/* Floats of a part, rounded up so that the next one is aligned. */
static size_t part(size_t floats)
{
    enum { VECTOR = FR_ALIGNMENT / sizeof(float) };
    return (floats + VECTOR - 1) / VECTOR * VECTOR;
}

enum { SHARD_ROWS = 128, MAX_SHARDS = 16, FLOATS_OF_DOUBLE = sizeof(double) / sizeof(float) };

size_t fr_shard_count(size_t rows)
{
    size_t shards = 1;
    while (shards < MAX_SHARDS && rows >= 2 * shards * SHARD_ROWS) shards *= 2;
    return shards;
}

/* What the convolutions need of a batch: floats of the inputs, of the rows' maps, of their
 * statistics, of the tiles. */
typedef struct {
    size_t input, maps, statistics, tiles;
} stem_parts;

static stem_parts parts_of_stem(const fr_network *network, size_t capacity, bool training)
{
    const fr_stem *stem = &network->stem;
    if (stem->n == 0) return (stem_parts){0};
    const size_t shards = fr_shard_count(capacity);
    const size_t tiles = training ? shards * fr_stem_tiles(capacity, shards) : 1;
    const size_t statistics =
        training && stem->batch_norm ? capacity * 2 * stem->n_channels : 0;
    return (stem_parts){.input = part(capacity * network->input_stride),
                        .maps = (training ? capacity : 1) * stem->row_floats,
                        .statistics = part(statistics * FLOATS_OF_DOUBLE),
                        .tiles = tiles * stem->tile_floats};
}

size_t fr_batch_floats(const fr_network *network, size_t capacity, bool training)
{
    const stem_parts stem = parts_of_stem(network, capacity, training);
    size_t floats = 3 * part(capacity) + stem.input + stem.maps + stem.statistics + stem.tiles;
    floats += part(capacity * network->factors);
    if (network->factorises)
        floats += fr_sparse_bytes(capacity, capacity * network->row_values) / sizeof(float);
    for (size_t l = network->sparse; l <= network->n_layers; l++) {
        const size_t level = part(capacity * network->stride[l]);
        if (needs_level(network, l)) floats += level;
        if (needs_delta(network, l, training)) floats += level;
        if (training && needs_slope(network, l)) floats += level;
    }
    return floats;
}

fr_status fr_batch_create(const fr_network *network, size_t capacity, bool training,
                          fr_batch *out)
{
    *out = (fr_batch){.network = network, .capacity = capacity};
    out->block = fr_alloc(fr_batch_floats(network, capacity, training), sizeof(float));
    if (out->block == NULL) return FR_ERR_MEMORY;
    float *next = out->block;
    out->sums = next;
    next += part(capacity * network->factors);
    for (size_t l = network->sparse; l <= network->n_layers; l++) {
        const size_t level = part(capacity * network->stride[l]);
        if (needs_level(network, l)) {
            out->level[l] = next;
            if (l == 0) out->own_x = next; /* without convolutions */
            next += level;
        }
        if (needs_delta(network, l, training)) {
            out->delta[l] = next;
            next += level;
        }
        if (training && needs_slope(network, l)) {
            out->slope[l] = next;
            next += level;
        }
    }
    out->y = next;
    out->weight = next + part(capacity);
    out->loss = next + 2 * part(capacity);
    next += 3 * part(capacity);
    if (network->stem.n > 0) {
        const stem_parts stem = parts_of_stem(network, capacity, training);
        out->maps = next + stem.input;
        out->statistics = (double *)(void *)(out->maps + stem.maps);
        out->tiles = out->maps + stem.maps + stem.statistics;
        out->own_x = next;
    }
    fr_batch_take(out, NULL);
    if (!network->factorises) return FR_OK;
    const fr_status st =
        fr_sparse_reserve(&out->sparse, capacity, capacity * network->row_values);
    if (st != FR_OK) fr_batch_clear(out);
    return st;
}

void fr_batch_take(fr_batch *batch, const float *x)
{
    batch->x = x == NULL ? batch->own_x : (float *)(uintptr_t)x; /* only read */
    if (batch->network->stem.n == 0) batch->level[0] = batch->x;
}

void fr_batch_clear(fr_batch *batch)
{
    fr_sparse_clear(&batch->sparse);
    free(batch->block);
    *batch = (fr_batch){0};
}

void fr_batch_load(fr_batch *batch, const fr_transform *transform, const fr_dataset *dataset,
                   const uint32_t *rows)
{
    if (batch->network->factorises)
        fr_transform_apply_sparse(transform, dataset, rows, batch->rows, &batch->sparse);
    else
        fr_transform_apply(transform, dataset, rows, batch->rows, batch->x,
                           batch->network->input_stride);
}
