/* SPDX-License-Identifier: BSD-3-Clause */
/* stem.c - a row's way through the convolutions and back.
 *
 * A row has a map of what each convolution reads and one of what it puts out. On the way back
 * the deltas take the places of the values that are not needed any more: that of a
 * convolution's output its output's, that of its input, once the gradient is taken, its
 * input's. Without batch_norm a row goes all the way at once, while it is in cache; with it all
 * rows of a shard have to be as far before the next convolution can begin. */
#include <string.h>

#include "foldrank/random.h"
#include "internal.h"

/* Rows that are worth a tile, and tiles of a shard: what many threads can share. */
enum { TILE_ROWS = 4, MAX_TILES = 8 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t fr_stem_tiles(size_t rows, size_t shards)
{
    return smaller((rows / shards + TILE_ROWS - 1) / TILE_ROWS, MAX_TILES);
}

size_t fr_stem_phases(const fr_stem *s)
{
    return s->batch_norm ? s->n + 1 : 1;
}

/* Rows of a shard, and of one of its tiles. */
typedef struct {
    size_t shard, tile; /* the tile's number in its shard */
    size_t tiles;       /* of each shard */
    size_t from, to, shard_from, shard_to;
} rows_of_tile;

static rows_of_tile find_rows(const fr_batch *b, size_t tile)
{
    const size_t shards = fr_shard_count(b->rows), tiles = fr_stem_tiles(b->rows, shards);
    rows_of_tile r = {.shard = tile / tiles, .tile = tile % tiles, .tiles = tiles};
    r.shard_from = b->rows * r.shard / shards;
    r.shard_to = b->rows * (r.shard + 1) / shards;
    r.from = r.shard_from + (r.shard_to - r.shard_from) * r.tile / tiles;
    r.to = r.shard_from + (r.shard_to - r.shard_from) * (r.tile + 1) / tiles;
    return r;
}

static float *tile_of(const fr_batch *b, size_t tile)
{
    return b->tiles + tile * b->network->stem.tile_floats;
}

static float *maps_of(const fr_batch *b, size_t row)
{
    return b->maps + row * b->network->stem.row_floats;
}

/* Map at `at` of a row, from its first pixel on. */
static float *first_of(const fr_stem *s, const fr_conv *c, float *maps, size_t at,
                       size_t channels)
{
    return maps + at + fr_map_first(s, c, channels);
}

/* The zeros between the rows of a map. */
static void clear_gaps(const fr_stem *s, const fr_conv *c, float *first, size_t channels)
{
    const size_t gap = s->pad_w * channels, step = (c->width + s->pad_w) * channels;
    for (size_t y = 1; y < c->height; y++)
        memset(first + y * step - gap, 0, gap * sizeof *first);
}

/* A dense row (height, width, channels). Picture element (y, x) comes from (down + y or its
 * mirror image, right + x or its mirror image); 0 comes in from outside. */
static void place_pixels(const fr_conv *c, const float *from, const ptrdiff_t move[2],
                         const bool turn[2], size_t step, float *to)
{
    const ptrdiff_t height = (ptrdiff_t)c->height, width = (ptrdiff_t)c->width;
    for (ptrdiff_t y = 0; y < height; y++) {
        const ptrdiff_t row = (turn[0] ? height - 1 - y : y) + move[0];
        float *line = to + (size_t)y * step;
        memset(line, 0, c->width * c->in * sizeof *line);
        if (row < 0 || row >= height) continue;
        for (ptrdiff_t x = 0; x < width; x++) {
            const ptrdiff_t col = (turn[1] ? width - 1 - x : x) + move[1];
            if (col < 0 || col >= width) continue;
            memcpy(line + (size_t)x * c->in, from + (size_t)(row * width + col) * c->in,
                   c->in * sizeof *line);
        }
    }
}

static void place_as_it_is(const fr_conv *c, const float *from, size_t step, float *to)
{
    const size_t line = c->width * c->in;
    for (size_t y = 0; y < c->height; y++)
        memcpy(to + y * step, from + y * line, line * sizeof *to);
}

static ptrdiff_t draw_move(fr_rng *rng, size_t shift)
{
    return (ptrdiff_t)fr_rng_below(rng, 2 * shift + 1) - (ptrdiff_t)shift;
}

/* The random numbers of a row follow from the epoch and the row's number in it. */
static void place_augmented(const fr_batch *b, size_t row, const float *from, size_t step,
                            float *to)
{
    const fr_stem *s = &b->network->stem;
    const fr_conv *c = &s->conv[0];
    fr_rng rng = fr_rng_make(b->augment_key, FR_RNG_AUGMENT, b->first_row + row, 0, 0);
    const ptrdiff_t right = draw_move(&rng, s->shift);
    const ptrdiff_t down = draw_move(&rng, c->height == 1 ? 0 : s->shift);
    const uint32_t coins = fr_rng_u32(&rng);
    const bool turn[2] = {
        (s->flip == FR_FLIP_VERTICAL || s->flip == FR_FLIP_BOTH) && (coins & 1),
        (s->flip == FR_FLIP_HORIZONTAL || s->flip == FR_FLIP_BOTH) && (coins & 2)};
    place_pixels(c, from, (ptrdiff_t[]){down, right}, turn, step, to);
    for (size_t y = 0; s->noise > 0 && y < c->height; y++)
        for (size_t i = 0; i < c->width * c->in; i++)
            to[y * step + i] += s->noise * (float)fr_rng_normal(&rng);
}

/* Put a row of inputs into the map of the first convolution. */
static void place_row(const fr_batch *b, size_t row, bool training, float *maps)
{
    const fr_stem *s = &b->network->stem;
    const fr_conv *c = &s->conv[0];
    const float *from = b->x + row * b->network->input_stride;
    const size_t step = (c->width + s->pad_w) * c->in;
    float *to = first_of(s, c, maps, c->in_at, c->in);
    if (training && (s->shift > 0 || s->flip != FR_FLIP_NONE || s->noise > 0))
        place_augmented(b, row, from, step, to);
    else
        place_as_it_is(c, from, step, to);
}

FR_HOT static void add_to(float *restrict sum, const float *restrict other, size_t n)
{
    for (size_t i = 0; i < n; i++) sum[i] += other[i];
}

/* Where convolution l's pooled output goes, or its delta comes from: the next one's map, or
 * level 0. */
static float *above(const fr_batch *b, size_t l, size_t row, float *maps, size_t *step)
{
    const fr_stem *s = &b->network->stem;
    const fr_conv *next = &s->conv[l + 1];
    if (l + 1 < s->n) {
        *step = (next->width + s->pad_w) * next->in;
        return first_of(s, next, maps, next->in_at, next->in);
    }
    *step = s->conv[l].out_w * s->conv[l].out;
    return b->level[0] + row * b->network->stride[0];
}

/* From what convolution l put out to what is above it. affine: factor and summand (out). */
static void finish_row(const fr_batch *b, size_t l, size_t row, float *maps,
                       const float *affine, bool training)
{
    const fr_network *net = b->network;
    const fr_stem *s = &net->stem;
    const fr_conv *c = &s->conv[l];
    const size_t run = fr_map_run(s, c);
    float *a = first_of(s, c, maps, c->out_at, c->out);
    if (s->batch_norm)
        fr_norm_scale(first_of(s, c, maps, c->raw_at, c->out), run, c->out, affine, a);
    if (c->adds) add_to(a, first_of(s, c, maps, c->in_at, c->in), run * c->out);
    const bool slope = training && net->activation == FR_ACT_GELU;
    fr_activation_forward(
        net, &(fr_pass){.a = a,
                        .slope = slope ? first_of(s, c, maps, c->slope_at, c->out) : NULL,
                        .bias = affine + c->out,
                        .rows = run,
                        .cols = c->out,
                        .stride = c->out});
    size_t step;
    float *to = above(b, l, row, maps, &step);
    fr_pool_forward(net, c, a, to, step);
    if (l + 1 < s->n) clear_gaps(s, &s->conv[l + 1], to, c->out);
}

static void convolve_row(const fr_batch *b, const float *params, size_t l, float *maps)
{
    const fr_stem *s = &b->network->stem;
    const fr_conv *c = &s->conv[l];
    fr_conv_forward(s, c, params, maps + c->in_at,
                    maps + (s->batch_norm ? c->raw_at : c->out_at));
}

/* What convolution l's channels are normalised with in a shard: factor, summand, mean and rate
 * (out) each. */
static void normalise_shard(const fr_batch *b, const float *params, const fr_conv *c,
                            const rows_of_tile *r, float *tile)
{
    const fr_stem *s = &b->network->stem;
    const size_t rows = r->shard_to - r->shard_from;
    double mean[FR_FILTERS_MAX], variance[FR_FILTERS_MAX];
    float *affine = tile + s->affine_at;
    fr_norm_combine(s, c, b->statistics + r->shard_from * 2 * s->n_channels, rows, mean,
                    variance);
    for (size_t j = 0; j < c->out; j++) {
        const fr_norm norm = fr_norm_make(c, params, mean[j], variance[j], j);
        affine[j] = norm.factor;
        affine[c->out + j] = norm.summand;
        affine[2 * c->out + j] = norm.mean;
        affine[3 * c->out + j] = norm.rate;
    }
    if (r->tile > 0) return;
    /* PyTorch's running variance is that of a sample. */
    const double share = (double)rows / b->step_rows;
    const double n = (double)(rows * c->height * c->width), unbiased = n > 1 ? n / (n - 1) : 1;
    for (size_t j = 0; j < c->out; j++) {
        tile[c->mean + j] = (float)(share * mean[j]);
        tile[c->variance + j] = (float)(share * unbiased * variance[j]);
    }
}

static const float *affine_without_norm(const fr_stem *s, const fr_conv *c, const float *params)
{
    return s->batch_norm ? NULL : params + c->bias - c->out; /* the factors are not looked at */
}

static void forward_row(fr_batch *b, const float *params, size_t row, float *maps)
{
    const fr_stem *s = &b->network->stem;
    place_row(b, row, true, maps);
    for (size_t l = 0; l < s->n; l++) {
        convolve_row(b, params, l, maps);
        finish_row(b, l, row, maps, affine_without_norm(s, &s->conv[l], params), true);
    }
}

/* With batch_norm: convolution number `phase`, after what is to be done to the output of the
 * one before. */
static void forward_phase(fr_batch *b, const float *params, size_t phase, size_t row,
                          const float *affine)
{
    const fr_stem *s = &b->network->stem;
    float *maps = maps_of(b, row);
    if (phase == 0)
        place_row(b, row, true, maps);
    else
        finish_row(b, phase - 1, row, maps, affine, true);
    if (phase == s->n) return;
    const fr_conv *c = &s->conv[phase];
    convolve_row(b, params, phase, maps);
    fr_norm_measure(s, c, first_of(s, c, maps, c->raw_at, c->out),
                    b->statistics + row * 2 * s->n_channels);
}

void fr_stem_forward(fr_batch *b, const float *params, size_t phase, size_t number)
{
    const fr_stem *s = &b->network->stem;
    const rows_of_tile r = find_rows(b, number);
    float *tile = tile_of(b, number);
    if (phase == 0) memset(tile, 0, s->n_params * sizeof *tile);
    if (phase > 0) normalise_shard(b, params, &s->conv[phase - 1], &r, tile);
    for (size_t row = r.from; row < r.to; row++) {
        if (s->batch_norm)
            forward_phase(b, params, phase, row, tile + s->affine_at);
        else
            forward_row(b, params, row, maps_of(b, row));
    }
}

void fr_stem_predict(fr_batch *b, const float *params, size_t row)
{
    const fr_stem *s = &b->network->stem;
    float *affine = b->tiles + s->affine_at;
    place_row(b, row, false, b->maps);
    for (size_t l = 0; l < s->n; l++) {
        const fr_conv *c = &s->conv[l];
        fr_conv_affine(s, c, params, affine, affine + c->out);
        convolve_row(b, params, l, b->maps);
        finish_row(b, l, row, b->maps, affine, false);
    }
}

FR_HOT static void sum_pixels(const float *delta, size_t n, size_t channels,
                              float *restrict sum)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < channels; j++) sum[j] += delta[i * channels + j];
}

/* The delta of y of convolution l, from that of what is above it, in the place of its output;
 * and the sums that need no more. */
static void unfinish_row(const fr_batch *b, size_t l, size_t row, float *maps, float *tile)
{
    const fr_network *net = b->network;
    const fr_stem *s = &net->stem;
    const fr_conv *c = &s->conv[l];
    const size_t run = fr_map_run(s, c);
    float *a = first_of(s, c, maps, c->out_at, c->out);
    const bool stored = net->activation == FR_ACT_GELU;
    size_t step;
    const float *d = above(b, l, row, maps, &step);
    if (l + 1 == s->n) d = b->delta[0] + row * net->stride[0];
    fr_pool_backward(net, c, a, stored ? first_of(s, c, maps, c->slope_at, c->out) : NULL, d,
                     step);
    if (!s->batch_norm) {
        sum_pixels(a, run, c->out, tile + c->bias);
        return;
    }
    const float *affine = tile + s->affine_at;
    fr_norm_sums(a, first_of(s, c, maps, c->raw_at, c->out), run, c->out,
                 &(fr_norm_sum){.mean = affine + 2 * c->out,
                                .rate = affine + 3 * c->out,
                                .shift = tile + c->bias,
                                .gain = tile + c->gain});
}

/* From the delta of y, or of z with batch_norm, to the gradient of the weights and the delta of
 * what convolution l read. */
static void unconvolve_row(const fr_batch *b, size_t l, float *maps, float *tile)
{
    const fr_stem *s = &b->network->stem;
    const fr_conv *c = &s->conv[l];
    const float *delta = maps + (s->batch_norm ? c->raw_at : c->out_at);
    fr_conv_gradient(s, c, maps + c->in_at, delta, tile + c->weights);
    if (l == 0) return;
    if (c->adds)
        memcpy(first_of(s, c, maps, c->in_at, c->in), first_of(s, c, maps, c->out_at, c->out),
               fr_map_run(s, c) * c->out * sizeof *maps);
    fr_conv_backward(s, c, tile + s->turned_at, delta, maps + c->in_at);
}

/* The delta of z in the place of z: shift and gain hold the means over the shard. */
static void unnormalise_row(const fr_batch *b, size_t l, float *maps, const fr_norm_sum *sum)
{
    const fr_stem *s = &b->network->stem;
    const fr_conv *c = &s->conv[l];
    float *z = first_of(s, c, maps, c->raw_at, c->out);
    fr_norm_backward(first_of(s, c, maps, c->out_at, c->out), z, fr_map_run(s, c), c->out, sum);
    clear_gaps(s, c, z, c->out);
}

/* Means over a shard of what its tiles have summed. */
static void mean_of_tiles(const fr_batch *b, const fr_conv *c, const rows_of_tile *r,
                          size_t first, float *out)
{
    const double n = (double)((r->shard_to - r->shard_from) * c->height * c->width);
    fr_stem_gradient(b, first, c->out, r->shard, out);
    for (size_t j = 0; j < c->out; j++) out[j] = (float)((double)out[j] / n);
}

/* With batch_norm: convolution l from the delta of y on. */
static void resolve_tile(fr_batch *b, const float *params, size_t l, size_t number)
{
    const fr_stem *s = &b->network->stem;
    const fr_conv *c = &s->conv[l];
    const rows_of_tile r = find_rows(b, number);
    float *tile = tile_of(b, number), *affine = tile + s->affine_at;
    float shift[FR_FILTERS_MAX], gain[FR_FILTERS_MAX];
    normalise_shard(b, params, c, &r, tile);
    mean_of_tiles(b, c, &r, c->bias, shift);
    mean_of_tiles(b, c, &r, c->gain, gain);
    const fr_norm_sum sum = {.factor = affine,
                             .mean = affine + 2 * c->out,
                             .rate = affine + 3 * c->out,
                             .shift = shift,
                             .gain = gain};
    if (l > 0) fr_conv_turn(s, c, params, tile + s->turned_at);
    for (size_t row = r.from; row < r.to; row++) {
        unnormalise_row(b, l, maps_of(b, row), &sum);
        unconvolve_row(b, l, maps_of(b, row), tile);
    }
}

/* All rows of a tile through one convolution after the other: the weights are turned once. */
static void backward_tile(fr_batch *b, const float *params, size_t number)
{
    const fr_stem *s = &b->network->stem;
    const rows_of_tile r = find_rows(b, number);
    float *tile = tile_of(b, number);
    for (size_t l = s->n; l-- > 0;) {
        if (l > 0) fr_conv_turn(s, &s->conv[l], params, tile + s->turned_at);
        for (size_t row = r.from; row < r.to; row++) {
            unfinish_row(b, l, row, maps_of(b, row), tile);
            unconvolve_row(b, l, maps_of(b, row), tile);
        }
    }
}

void fr_stem_backward(fr_batch *b, const float *params, size_t phase, size_t number)
{
    const fr_stem *s = &b->network->stem;
    const rows_of_tile r = find_rows(b, number);
    float *tile = tile_of(b, number);
    if (!s->batch_norm) {
        backward_tile(b, params, number);
        return;
    }
    if (phase > 0) resolve_tile(b, params, s->n - phase, number);
    if (phase == s->n) return;
    const size_t l = s->n - 1 - phase;
    normalise_shard(b, params, &s->conv[l], &r, tile);
    for (size_t row = r.from; row < r.to; row++) unfinish_row(b, l, row, maps_of(b, row), tile);
}

void fr_stem_gradient(const fr_batch *b, size_t first, size_t n, size_t shard, float *out)
{
    const size_t tiles = fr_stem_tiles(b->rows, fr_shard_count(b->rows));
    memcpy(out, tile_of(b, shard * tiles) + first, n * sizeof *out);
    for (size_t k = 1; k < tiles; k++) add_to(out, tile_of(b, shard * tiles + k) + first, n);
}
