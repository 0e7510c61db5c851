/* SPDX-License-Identifier: BSD-3-Clause */
/* pool.c - pooling of a map, window by window, with the channels along the lanes. */
#include "internal.h"

/* Channels that are treated at a time. */
enum { LANES = 16 };

/* Where a window begins, and the distance of its rows and of its pixels. */
typedef struct {
    size_t high, wide, row, pixel;
    bool average;
} window;

FR_HOT_INLINE void largest_of(const window *w, const float *a, size_t n, float *restrict out)
{
    for (size_t j = 0; j < n; j++) out[j] = a[j];
    for (size_t y = 0; y < w->high; y++)
        for (size_t x = 0; x < w->wide; x++) {
            const float *from = a + y * w->row + x * w->pixel;
            for (size_t j = 0; j < n; j++) out[j] = from[j] > out[j] ? from[j] : out[j];
        }
}

FR_HOT_INLINE void mean_of(const window *w, const float *a, size_t n, float *restrict out)
{
    const float share = 1.0f / (float)(w->high * w->wide);
    for (size_t j = 0; j < n; j++) out[j] = 0.0f;
    for (size_t y = 0; y < w->high; y++)
        for (size_t x = 0; x < w->wide; x++) {
            const float *from = a + y * w->row + x * w->pixel;
            for (size_t j = 0; j < n; j++) out[j] += from[j];
        }
    for (size_t j = 0; j < n; j++) out[j] *= share;
}

FR_HOT static void pool_window(const window *w, const float *a, size_t channels, float *out)
{
    for (size_t j = 0; j < channels; j += LANES) {
        const size_t n = channels - j < LANES ? channels - j : LANES;
        if (w->average)
            mean_of(w, a + j, n, out + j);
        else if (n == LANES)
            largest_of(w, a + j, LANES, out + j);
        else
            largest_of(w, a + j, n, out + j);
    }
}

/* The first of the largest gets all of it, as in PyTorch. */
FR_HOT_INLINE void give_largest(const window *w, const float *a, const float *d, size_t n,
                                float *restrict delta)
{
    float most[LANES], left[LANES];
    largest_of(w, a, n, most);
    for (size_t j = 0; j < n; j++) left[j] = d[j];
    for (size_t y = 0; y < w->high; y++)
        for (size_t x = 0; x < w->wide; x++) {
            const float *from = a + y * w->row + x * w->pixel;
            float *to = delta + y * w->row + x * w->pixel;
            for (size_t j = 0; j < n; j++) {
                const bool is_most = from[j] == most[j];
                to[j] = is_most ? left[j] : 0.0f;
                left[j] = is_most ? 0.0f : left[j];
            }
        }
}

FR_HOT_INLINE void give_equally(const window *w, const float *d, size_t n,
                                float *restrict delta)
{
    const float share = 1.0f / (float)(w->high * w->wide);
    for (size_t y = 0; y < w->high; y++)
        for (size_t x = 0; x < w->wide; x++)
            for (size_t j = 0; j < n; j++) delta[y * w->row + x * w->pixel + j] = d[j] * share;
}

FR_HOT static void unpool_window(const window *w, const float *a, const float *d,
                                 size_t channels, float *delta)
{
    for (size_t j = 0; j < channels; j += LANES) {
        const size_t n = channels - j < LANES ? channels - j : LANES;
        if (w->average)
            give_equally(w, d + j, n, delta + j);
        else if (n == LANES)
            give_largest(w, a + j, d + j, LANES, delta + j);
        else
            give_largest(w, a + j, d + j, n, delta + j);
    }
}

static window window_of(const fr_stem *s, const fr_conv *c)
{
    return (window){.high = c->pool_h,
                    .wide = c->pool_w,
                    .row = (c->width + s->pad_w) * c->out,
                    .pixel = c->out,
                    .average = c->average};
}

void fr_pool_forward(const fr_stem *s, const fr_conv *c, const float *a, float *out,
                     size_t out_row)
{
    const window w = window_of(s, c);
    for (size_t y = 0; y < c->out_h; y++)
        for (size_t x = 0; x < c->out_w; x++)
            pool_window(&w, a + y * c->pool_h * w.row + x * c->pool_w * w.pixel, c->out,
                        out + y * out_row + x * c->out);
}

void fr_pool_backward(const fr_stem *s, const fr_conv *c, const float *a, const float *d,
                      size_t d_row, float *delta)
{
    const window w = window_of(s, c);
    for (size_t y = 0; y < c->out_h; y++)
        for (size_t x = 0; x < c->out_w; x++) {
            const size_t at = y * c->pool_h * w.row + x * c->pool_w * w.pixel;
            unpool_window(&w, a + at, d + y * d_row + x * c->out, c->out, delta + at);
        }
}
