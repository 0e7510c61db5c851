/* SPDX-License-Identifier: BSD-3-Clause */
/* batch_norm.c - batch normalisation (Ioffe and Szegedy 2015) over the rows of a shard: so its
 * statistics follow from the batch alone, whoever computes which shard. The sums of a row are
 * made where its convolution is, and put together in the order of the rows, in double. */
#include <math.h>

#include "internal.h"

FR_HOT static void add_pixels(const float *z, size_t n, size_t channels, double *restrict sum)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < channels; j++) sum[j] += (double)z[i * channels + j];
}

FR_HOT static void add_squares(const float *z, size_t n, size_t channels,
                               const double *restrict mean, double *restrict sum)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < channels; j++) {
            const double d = (double)z[i * channels + j] - mean[j];
            sum[j] += d * d;
        }
}

void fr_norm_measure(const fr_stem *s, const fr_conv *c, const float *z, double *statistics)
{
    double *mean = statistics + 2 * c->statistics_at, *squares = mean + c->out;
    const size_t step = (c->width + s->pad_w) * c->out;
    for (size_t j = 0; j < c->out; j++) mean[j] = squares[j] = 0;
    for (size_t y = 0; y < c->height; y++) add_pixels(z + y * step, c->width, c->out, mean);
    for (size_t j = 0; j < c->out; j++) mean[j] /= (double)(c->height * c->width);
    for (size_t y = 0; y < c->height; y++)
        add_squares(z + y * step, c->width, c->out, mean, squares);
}

void fr_norm_combine(const fr_stem *s, const fr_conv *c, const double *statistics, size_t rows,
                     double *mean, double *variance)
{
    const double pixels = (double)(c->height * c->width), n = (double)rows;
    const double *first = statistics + 2 * c->statistics_at;
    const size_t step = 2 * s->n_channels;
    for (size_t j = 0; j < c->out; j++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < rows; i++) sum += first[i * step + j];
        mean[j] = sum / n;
        for (size_t i = 0; i < rows; i++) {
            const double d = first[i * step + j] - mean[j];
            squares += first[i * step + c->out + j] + pixels * d * d;
        }
        variance[j] = squares / (n * pixels);
    }
}

fr_norm fr_norm_make(const fr_conv *c, const float *params, double mean, double variance,
                     size_t j)
{
    const double rate = 1.0 / sqrt(variance + FR_NORM_EPSILON);
    const double factor = (double)params[c->gain + j] * rate;
    return (fr_norm){.factor = (float)factor,
                     .summand = (float)((double)params[c->bias + j] - mean * factor),
                     .mean = (float)mean,
                     .rate = (float)rate};
}

void fr_conv_affine(const fr_stem *s, const fr_conv *c, const float *params, float *factor,
                    float *summand)
{
    for (size_t j = 0; j < c->out; j++) {
        fr_norm norm = {.factor = 1, .summand = params[c->bias + j]};
        if (s->batch_norm)
            norm = fr_norm_make(c, params, (double)params[c->mean + j],
                                (double)params[c->variance + j], j);
        factor[j] = norm.factor;
        summand[j] = norm.summand;
    }
}

FR_HOT void fr_norm_scale(const float *restrict z, size_t n, size_t channels,
                          const float *restrict factor, float *restrict out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < channels; j++)
            out[i * channels + j] = z[i * channels + j] * factor[j];
}

FR_HOT void fr_norm_sums(const float *restrict delta, const float *restrict z, size_t n,
                         size_t channels, const fr_norm_sum *sum)
{
    const float *restrict mean = sum->mean, *restrict rate = sum->rate;
    float *restrict shift = sum->shift, *restrict gain = sum->gain;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < channels; j++) {
            const float d = delta[i * channels + j];
            shift[j] += d;
            gain[j] += d * ((z[i * channels + j] - mean[j]) * rate[j]);
        }
}

/* d loss / d z = gain rate (d - mean of d - x mean of d x), x the normalised z; shift and gain
 * hold the means. */
FR_HOT void fr_norm_backward(const float *restrict delta, float *restrict z, size_t n,
                             size_t channels, const fr_norm_sum *sum)
{
    const float *restrict mean = sum->mean, *restrict rate = sum->rate,
                          *restrict factor = sum->factor;
    const float *restrict shift = sum->shift, *restrict gain = sum->gain;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < channels; j++) {
            const float x = (z[i * channels + j] - mean[j]) * rate[j];
            z[i * channels + j] =
                factor[j] * (delta[i * channels + j] - shift[j] - x * gain[j]);
        }
}
