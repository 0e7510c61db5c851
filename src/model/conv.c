/* SPDX-License-Identifier: BSD-3-Clause */
/* conv.c - the three products of a convolution, each one product for each row of the kernel
 * (stem.h says why). They are cut so that all of them run in foldrank's own kernels, which
 * alone allow for the overlapping rows. */
#include "foldrank/linalg.h"
#include "internal.h"

/* Pixels of which a gradient is summed in one product. */
enum { GRADIENT_RUN = 4096 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Rows of a product of (rows, n) over depth k that keep it small. */
static size_t rows_within(size_t n, size_t k)
{
    const size_t rows = (size_t)FR_GEMM_SMALL / (n * k);
    return rows == 0 ? 1 : rows;
}

/* Channels of the two maps, and whether the second is added to. */
typedef struct {
    size_t in, out;
    bool adds;
} channels;

/* out (run, shape.out), from the first pixel on, from the map `in` and w (kernel_h, kernel_w,
 * shape.in, shape.out). */
static void convolve(const fr_stem *s, const fr_conv *c, channels shape, const float *in,
                     const float *w, float *out)
{
    const size_t n = shape.out, depth = s->kernel_w * shape.in, run = fr_map_run(s, c);
    const size_t step = rows_within(n, depth);
    for (size_t first = 0; first < run; first += step)
        for (size_t ky = 0; ky < s->kernel_h; ky++)
            fr_gemm(&(fr_gemm_shape){.m = smaller(step, run - first),
                                     .n = n,
                                     .k = depth,
                                     .lda = shape.in,
                                     .ldb = n,
                                     .ldc = n,
                                     .accumulate = shape.adds || ky > 0},
                    in + (ky * (c->width + s->pad_w) + first) * shape.in, w + ky * depth * n,
                    out + first * n);
}

void fr_conv_forward(const fr_stem *s, const fr_conv *c, const float *params, const float *in,
                     float *out)
{
    const channels shape = {.in = c->in, .out = c->out};
    convolve(s, c, shape, in, params + c->weights, out + fr_map_first(s, c, c->out));
}

/* turned (kernel_h, kernel_w, out, in): both sides of the kernel reversed. */
void fr_conv_turn(const fr_stem *s, const fr_conv *c, const float *params, float *turned)
{
    const size_t taps = s->kernel_h * s->kernel_w, size = c->in * c->out;
    for (size_t t = 0; t < taps; t++) {
        const float *from = params + c->weights + (taps - 1 - t) * size;
        float *to = turned + t * size;
        for (size_t i = 0; i < c->in; i++)
            for (size_t j = 0; j < c->out; j++) to[j * c->in + i] = from[i * c->out + j];
    }
}

void fr_conv_backward(const fr_stem *s, const fr_conv *c, const float *turned,
                      const float *delta, float *in)
{
    const channels shape = {.in = c->out, .out = c->in, .adds = c->adds};
    convolve(s, c, shape, delta, turned, in + fr_map_first(s, c, c->in));
}

void fr_conv_gradient(const fr_stem *s, const fr_conv *c, const float *in, const float *delta,
                      float *sum)
{
    const size_t high = s->kernel_w * c->in, run = fr_map_run(s, c);
    const size_t step = rows_within(c->out, smaller(run, GRADIENT_RUN));
    const float *d = delta + fr_map_first(s, c, c->out);
    for (size_t first = 0; first < run; first += GRADIENT_RUN)
        for (size_t ky = 0; ky < s->kernel_h; ky++)
            for (size_t row = 0; row < high; row += step)
                fr_gemm(&(fr_gemm_shape){.m = smaller(step, high - row),
                                         .n = c->out,
                                         .k = smaller(GRADIENT_RUN, run - first),
                                         .lda = c->in,
                                         .ldb = c->out,
                                         .ldc = c->out,
                                         .transpose_a = true,
                                         .accumulate = true},
                        in + (ky * (c->width + s->pad_w) + first) * c->in + row,
                        d + first * c->out, sum + (ky * high + row) * c->out);
}
