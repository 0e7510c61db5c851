/* SPDX-License-Identifier: BSD-3-Clause */
/* pool.c - pooling of a map, window by window, with the channels along the lanes. On the way
 * back the activation's derivative comes in at once: what a window shares out lies in the place
 * of its values, and the map is gone through once. */
#include <string.h>

#include "internal.h"

/* The windows of a map: their size, the distance of rows and of pixels, what is taken of them,
 * and what was done before. */
typedef struct {
    size_t high, wide, row, channels;
    bool average;
    float share;    /* of a pixel in a mean */
    int activation; /* fr_activation */
    float below;    /* its derivative below zero */
} window;

#define LANES 8
#include "pool.inc"
#define LANES 1
#include "pool.inc"

FR_HOT_INLINE void pool_run(const window *w, const float *a, size_t n, float *out)
{
    for (; n > 0; n--, a += w->wide * w->channels, out += w->channels) {
        size_t j = 0;
        for (; j + 8 <= w->channels; j += 8)
            w->average ? mean_8(w, a + j, out + j) : largest_8(w, a + j, out + j);
        for (; j < w->channels; j++)
            w->average ? mean_1(w, a + j, out + j) : largest_1(w, a + j, out + j);
    }
}

FR_HOT_INLINE void unpool_run(const window *w, float *a, const float *stored, size_t n,
                              const float *d)
{
    const size_t step = w->wide * w->channels;
    for (; n > 0; n--, a += step, stored += step, d += w->channels) {
        size_t j = 0;
        for (; j + 8 <= w->channels; j += 8)
            w->average ? to_all_8(w, a + j, stored + j, d + j)
                       : to_largest_8(w, a + j, stored + j, d + j);
        for (; j < w->channels; j++)
            w->average ? to_all_1(w, a + j, stored + j, d + j)
                       : to_largest_1(w, a + j, stored + j, d + j);
    }
}

/* The common window, which the compiler is to see as such. */
FR_HOT_INLINE window two_by_two(const window *w)
{
    window two = *w;
    two.high = two.wide = 2;
    two.average = false;
    return two;
}

static bool is_two_by_two(const window *w)
{
    return w->high == 2 && w->wide == 2 && !w->average;
}

/* n windows side by side. */
FR_HOT static void pool_row(const window *w, const float *a, size_t n, float *out)
{
    const window two = two_by_two(w);
    if (is_two_by_two(w))
        pool_run(&two, a, n, out);
    else
        pool_run(w, a, n, out);
}

FR_HOT static void unpool_row(const window *w, float *a, const float *stored, size_t n,
                              const float *d)
{
    window two = two_by_two(w);
    if (!is_two_by_two(w)) {
        unpool_run(w, a, stored, n, d);
    } else if (w->activation == FR_ACT_RELU) {
        two.activation = FR_ACT_RELU;
        unpool_run(&two, a, stored, n, d);
    } else {
        unpool_run(&two, a, stored, n, d);
    }
}

static window window_of(const fr_network *net, const fr_conv *c)
{
    return (window){.high = c->pool_h,
                    .wide = c->pool_w,
                    .row = (c->width + net->stem.pad_w) * c->out,
                    .channels = c->out,
                    .average = c->average,
                    .share = 1.0f / (float)(c->pool_h * c->pool_w),
                    .activation = net->activation,
                    .below = net->activation == FR_ACT_LEAKY_RELU ? net->negative_slope : 0.0f};
}

void fr_pool_forward(const fr_network *net, const fr_conv *c, const float *a, float *out,
                     size_t out_row)
{
    const window w = window_of(net, c);
    for (size_t y = 0; y < c->out_h; y++)
        pool_row(&w, a + y * c->pool_h * w.row, c->out_w, out + y * out_row);
}

void fr_pool_backward(const fr_network *net, const fr_conv *c, float *a, const float *slope,
                      const float *d, size_t d_row)
{
    const window w = window_of(net, c);
    const float *stored = slope == NULL ? a : slope;
    for (size_t y = 0; y < c->out_h; y++) {
        const size_t at = y * c->pool_h * w.row;
        unpool_row(&w, a + at, stored + at, c->out_w, d + y * d_row);
    }
    for (size_t y = 0; y < c->height; y++) {
        const size_t covered = y < c->out_h * c->pool_h ? c->out_w * c->pool_w * c->out : 0;
        memset(a + y * w.row + covered, 0, (w.row - covered) * sizeof *a);
    }
}
