/* SPDX-License-Identifier: BSD-3-Clause */
/* stem_shape.c - the shapes of the convolutions, where they lie in memory, what they begin with
 * and what they cost. */
#include <math.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "internal.h"

/* Coordinate of the initial weights' random numbers, apart from those of dense layers. */
enum { FIRST_INIT = 0x100 };

static size_t at_most(const fr_ints *list, size_t i)
{
    return (size_t)list->value[i < list->n ? i : list->n - 1];
}

static fr_status check_lists(const fr_model_options *o)
{
    if (o->filters.n == 0)
        return FR_FAIL(FR_ERR_DATA,
                       "filters: a cnn has at least one convolution; else use mlp");
    if (o->pool.n == 0 || o->pool.n > o->filters.n)
        return FR_FAIL(FR_ERR_DATA, "pool has %zu numbers for %zu convolution%s; 1 means none",
                       o->pool.n, o->filters.n, o->filters.n == 1 ? "" : "s");
    if (o->shape.n == 1 || o->shape.n > 3)
        return FR_FAIL(FR_ERR_DATA,
                       "shape has %zu number%s; give [height, width, channels], or [length, "
                       "channels] of a sequence",
                       o->shape.n, o->shape.n == 1 ? "" : "s");
    return FR_OK;
}

/* Height, width and channels: as given, or a square picture of one channel. */
static fr_status find_shape(const fr_model_options *o, size_t inputs, size_t shape[3])
{
    if (o->shape.n == 0) {
        const size_t side = (size_t)lround(sqrt((double)inputs));
        shape[0] = shape[1] = side;
        shape[2] = 1;
        if (side * side == inputs) return FR_OK;
        return FR_FAIL(
            FR_ERR_DATA,
            "shape is not given and the rows' %zu inputs are no square picture of "
            "one channel; give [height, width, channels], or [length, channels] of a "
            "sequence",
            inputs);
    }
    shape[0] = o->shape.n == 2 ? 1 : (size_t)o->shape.value[0];
    for (size_t i = 0; i < 2; i++) shape[1 + i] = (size_t)o->shape.value[o->shape.n - 2 + i];
    if ((double)shape[0] * (double)shape[1] * (double)shape[2] == (double)inputs) return FR_OK;
    return FR_FAIL(FR_ERR_DATA,
                   "shape: %zu x %zu x %zu are %.0f numbers, but a row has %zu inputs",
                   shape[0], shape[1], shape[2],
                   (double)shape[0] * (double)shape[1] * (double)shape[2], inputs);
}

size_t fr_map_floats(const fr_stem *s, const fr_conv *c, size_t channels)
{
    return ((c->height + 2 * s->pad_h) * (c->width + s->pad_w) + s->pad_w) * channels;
}

size_t fr_map_first(const fr_stem *s, const fr_conv *c, size_t channels)
{
    return (s->pad_h * (c->width + s->pad_w) + s->pad_w) * channels;
}

size_t fr_map_run(const fr_stem *s, const fr_conv *c)
{
    return (c->height - 1) * (c->width + s->pad_w) + c->width;
}

/* Pooling of convolution i. */
static fr_status set_pool(const fr_model_options *o, size_t i, fr_conv *c)
{
    const bool global = o->global_pool != FR_GLOBAL_NONE && i + 1 == o->filters.n;
    const size_t side = at_most(&o->pool, i);
    c->pool_h = o->shape.n == 2 ? 1 : side;
    c->pool_w = side;
    c->average = o->pooling == FR_POOL_AVERAGE;
    if (global) {
        c->pool_h = c->height;
        c->pool_w = c->width;
        c->average = o->global_pool == FR_GLOBAL_AVERAGE;
    }
    c->out_h = c->height / c->pool_h;
    c->out_w = c->width / c->pool_w;
    if (c->out_h > 0 && c->out_w > 0) return FR_OK;
    return FR_FAIL(
        FR_ERR_DATA,
        "pool: %zu after convolution %zu leaves nothing of its %zu x %zu pixels; use "
        "fewer or smaller ones",
        side, i + 1, c->height, c->width);
}

static size_t take(size_t *next, size_t floats)
{
    enum { VECTOR = FR_ALIGNMENT / sizeof(float) };
    const size_t at = *next;
    *next += (floats + VECTOR - 1) / VECTOR * VECTOR;
    return at;
}

static void place_params(fr_stem *s, fr_conv *c)
{
    c->weights = s->n_params;
    c->bias = c->weights + s->kernel_h * s->kernel_w * c->in * c->out;
    s->n_params = c->bias + c->out;
    if (!s->batch_norm) return;
    c->gain = s->n_params;
    c->mean = c->gain + c->out;
    c->variance = c->mean + c->out;
    s->n_params = c->variance + c->out;
    s->n_statistics += 2 * c->out;
}

static void place_maps(fr_stem *s, fr_conv *c, bool keeps_slope)
{
    const size_t out = fr_map_floats(s, c, c->out);
    c->in_at = take(&s->row_floats, fr_map_floats(s, c, c->in));
    c->out_at = take(&s->row_floats, out);
    if (s->batch_norm) c->raw_at = take(&s->row_floats, out);
    if (keeps_slope) c->slope_at = take(&s->row_floats, out);
    c->statistics_at = s->n_channels;
    s->n_channels += c->out;
}

/* A tile has its gradient; the turned weights of a convolution; and what the normalisation
 * multiplies with. */
static void place_tile(fr_stem *s)
{
    size_t weights = 0, channels = 0;
    for (size_t i = 0; i < s->n; i++) {
        const fr_conv *c = &s->conv[i];
        const size_t turned = c->bias - c->weights;
        if (i > 0 && turned > weights) weights = turned;
        if (c->out > channels) channels = c->out;
    }
    s->tile_floats = 0;
    take(&s->tile_floats, s->n_params);
    s->turned_at = take(&s->tile_floats, weights);
    s->affine_at = take(&s->tile_floats, 4 * channels);
}

fr_status fr_stem_make(const fr_model_options *o, size_t inputs, fr_stem *out)
{
    size_t shape[3];
    out->n = 0;
    if (o->family != FR_FAMILY_CNN) return FR_OK;
    FR_TRY(check_lists(o));
    FR_TRY(find_shape(o, inputs, shape));
    const size_t side = 1 + 2 * (size_t)o->kernel_side;
    fr_stem s = {.kernel_h = o->shape.n == 2 ? 1 : side,
                 .kernel_w = side,
                 .batch_norm = o->batch_norm,
                 .shift = (size_t)o->shift,
                 .flip = o->flip,
                 .noise = (float)o->noise};
    s.pad_h = s.kernel_h / 2;
    s.pad_w = s.kernel_w / 2;
    for (; s.n < o->filters.n; s.n++) {
        fr_conv *c = &s.conv[s.n];
        *c = (fr_conv){.height = s.n == 0 ? shape[0] : c[-1].out_h,
                       .width = s.n == 0 ? shape[1] : c[-1].out_w,
                       .in = s.n == 0 ? shape[2] : c[-1].out,
                       .out = (size_t)o->filters.value[s.n]};
        FR_TRY(set_pool(o, s.n, c));
        c->adds = o->residual && c->in == c->out;
        place_params(&s, c);
        place_maps(&s, c, o->activation == FR_ACT_GELU);
        s.outputs = c->out_h * c->out_w * c->out;
    }
    place_tile(&s);
    *out = s;
    return FR_OK;
}

fr_status fr_model_check_inputs(const fr_model_options *options, size_t inputs)
{
    fr_stem stem;
    return fr_stem_make(options, inputs, &stem);
}

void fr_stem_draw(const fr_stem *s, bool he, uint64_t seed, uint64_t trial, uint32_t fold,
                  float *params)
{
    for (size_t k = 0; k < s->n; k++) {
        const fr_conv *c = &s->conv[k];
        const double area = (double)(s->kernel_h * s->kernel_w);
        const double in = area * (double)c->in, out = area * (double)c->out;
        const double bound = sqrt(6.0 / (he ? in : in + out));
        fr_rng rng = fr_rng_make(seed, FR_RNG_INIT, trial, fold, (uint32_t)(FIRST_INIT + k));
        for (size_t i = c->weights; i < c->bias; i++)
            params[i] = (float)(bound * (2.0 * (0x1p-32 * fr_rng_u32(&rng)) - 1.0));
        for (size_t j = 0; s->batch_norm && j < c->out; j++)
            params[c->gain + j] = params[c->variance + j] = 1.0f;
    }
}

static double conv_flops(const fr_stem *s, const fr_conv *c)
{
    return 2.0 * (double)(c->height * c->width) * (double)(s->kernel_h * s->kernel_w) *
           (double)(c->in * c->out);
}

double fr_stem_flops_predict(const fr_stem *s)
{
    double flops = 0;
    for (size_t i = 0; i < s->n; i++) flops += conv_flops(s, &s->conv[i]);
    return flops;
}

/* Forward, gradient of the weights, and gradient of the level below where that is no input. */
double fr_stem_flops_training(const fr_stem *s)
{
    return s->n == 0 ? 0 : 3.0 * fr_stem_flops_predict(s) - conv_flops(s, &s->conv[0]);
}
