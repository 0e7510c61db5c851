/* SPDX-License-Identifier: BSD-3-Clause */
/* activation.c - hidden units: bias, activation and its derivative in one pass; dropout. */
#include "internal.h"

#include "vmath.h"

FR_HOT static void relu(const fr_pass *p, float negative_slope)
{
    for (size_t i = 0; i < p->rows; i++) {
        float *restrict a = p->a + i * p->stride;
        const float *restrict bias = p->bias;
        for (size_t j = 0; j < p->cols; j++) {
            const float z = a[j] + bias[j], below = negative_slope * z;
            a[j] = z > 0.0f ? z : below; /* a choice of two values is no branch */
        }
    }
}

FR_HOT static void hyperbolic_tangent(const fr_pass *p)
{
    for (size_t i = 0; i < p->rows; i++) {
        float *restrict a = p->a + i * p->stride;
        const float *restrict bias = p->bias;
        for (size_t j = 0; j < p->cols; j++) a[j] = vtanh(a[j] + bias[j]);
    }
}

FR_HOT static void sigmoid(const fr_pass *p)
{
    for (size_t i = 0; i < p->rows; i++) {
        float *restrict a = p->a + i * p->stride;
        const float *restrict bias = p->bias;
        for (size_t j = 0; j < p->cols; j++) a[j] = vsigmoid(a[j] + bias[j]);
    }
}

/* x times the normal distribution's integral (Hendrycks and Gimpel 2016); its derivative needs
 * x itself, so it is stored now. */
FR_HOT static void gelu(const fr_pass *p)
{
    for (size_t i = 0; i < p->rows; i++) {
        float *restrict a = p->a + i * p->stride;
        const float *restrict bias = p->bias;
        for (size_t j = 0; j < p->cols; j++) {
            const float z = a[j] + bias[j];
            a[j] = z * vnormal_cdf(z);
        }
    }
}

FR_HOT static void gelu_with_slope(const fr_pass *p)
{
    for (size_t i = 0; i < p->rows; i++) {
        float *restrict a = p->a + i * p->stride;
        float *restrict slope = p->slope + i * p->stride;
        const float *restrict bias = p->bias;
        for (size_t j = 0; j < p->cols; j++) {
            const float z = a[j] + bias[j], cdf = vnormal_cdf(z);
            a[j] = z * cdf;
            slope[j] = cdf + z * vnormal_density(z);
        }
    }
}

/* f' as a function of f. PyTorch's convention at 0: the relu has none. */
FR_HOT_INLINE float slope_of(int activation, float negative_slope, float a)
{
    switch (activation) {
    case FR_ACT_TANH:
        return 1.0f - a * a;
    case FR_ACT_SIGMOID:
        return a * (1.0f - a);
    default:
        return a > 0.0f ? 1.0f : negative_slope;
    }
}

/* `activation` is a constant where this is called, so the loop has no choice in it. */
FR_HOT_INLINE void multiply_by_slope(int activation, float negative_slope, const fr_pass *p,
                                     float *delta)
{
    for (size_t i = 0; i < p->rows; i++) {
        float *restrict d = delta + i * p->stride;
        const float *restrict a = p->a + i * p->stride;
        for (size_t j = 0; j < p->cols; j++) d[j] *= slope_of(activation, negative_slope, a[j]);
    }
}

FR_HOT static void backward_relu(const fr_pass *p, float negative_slope, float *delta)
{
    multiply_by_slope(FR_ACT_RELU, negative_slope, p, delta);
}

FR_HOT static void backward_tanh(const fr_pass *p, float *delta)
{
    multiply_by_slope(FR_ACT_TANH, 0, p, delta);
}

FR_HOT static void backward_sigmoid(const fr_pass *p, float *delta)
{
    multiply_by_slope(FR_ACT_SIGMOID, 0, p, delta);
}

FR_HOT static void backward_stored(const fr_pass *p, float *delta)
{
    for (size_t i = 0; i < p->rows; i++) {
        float *restrict d = delta + i * p->stride;
        const float *restrict slope = p->slope + i * p->stride;
        for (size_t j = 0; j < p->cols; j++) d[j] *= slope[j];
    }
}

/* Dropout scales the activation, so the derivative must be taken before it. */
FR_HOT_INLINE void store_slope(int activation, float negative_slope, const fr_pass *p)
{
    for (size_t i = 0; i < p->rows; i++) {
        float *restrict slope = p->slope + i * p->stride;
        const float *restrict a = p->a + i * p->stride;
        for (size_t j = 0; j < p->cols; j++)
            slope[j] = slope_of(activation, negative_slope, a[j]);
    }
}

FR_HOT static void store_slope_of(int activation, float negative_slope, const fr_pass *p)
{
    if (activation == FR_ACT_TANH)
        store_slope(FR_ACT_TANH, 0, p);
    else if (activation == FR_ACT_SIGMOID)
        store_slope(FR_ACT_SIGMOID, 0, p);
    else
        store_slope(FR_ACT_RELU, negative_slope, p);
}

static float slope_below_zero(const fr_network *network)
{
    return network->activation == FR_ACT_LEAKY_RELU ? network->negative_slope : 0.0f;
}

void fr_activation_forward(const fr_network *network, const fr_pass *pass)
{
    switch (network->activation) {
    case FR_ACT_TANH:
        hyperbolic_tangent(pass);
        break;
    case FR_ACT_SIGMOID:
        sigmoid(pass);
        break;
    case FR_ACT_GELU:
        if (pass->slope != NULL)
            gelu_with_slope(pass);
        else
            gelu(pass);
        return;
    default:
        relu(pass, slope_below_zero(network));
        break;
    }
    if (pass->slope != NULL)
        store_slope_of(network->activation, slope_below_zero(network), pass);
}

void fr_activation_backward(const fr_network *network, const fr_pass *pass, float *delta)
{
    if (pass->slope != NULL)
        backward_stored(pass, delta);
    else if (network->activation == FR_ACT_TANH)
        backward_tanh(pass, delta);
    else if (network->activation == FR_ACT_SIGMOID)
        backward_sigmoid(pass, delta);
    else
        backward_relu(pass, slope_below_zero(network), delta);
}

/* Mixing of 64 bits into 64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", 2014: the finisher of SplitMix64). */
static uint64_t mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* One hash per unit from a row's seed: two rounds of xor-shift and multiply pass the avalanche
 * tests, cost a cycle per unit as vectors, and the mask needs no better. */
FR_HOT static void drop_row(float *restrict a, float *restrict slope, size_t n, uint32_t first,
                            uint32_t seed, float dropout)
{
    const float keep = 1.0f / (1.0f - dropout);
    const uint32_t limit = (uint32_t)((double)dropout * 0x1p24);
    for (size_t j = 0; j < n; j++) {
        uint32_t h = (first + (uint32_t)j) * 0x9E3779B9u ^ seed;
        h = (h ^ h >> 16) * 0x7FEB352Du;
        h = (h ^ h >> 15) * 0x846CA68Bu;
        const float factor = (int32_t)((h ^ h >> 16) >> 8) < (int32_t)limit ? 0.0f : keep;
        a[j] *= factor;
        slope[j] *= factor;
    }
}

void fr_dropout(const fr_network *network, const fr_pass *pass, size_t first_unit, uint64_t key,
                uint64_t first_row)
{
    for (size_t i = 0; i < pass->rows; i++)
        drop_row(pass->a + i * pass->stride, pass->slope + i * pass->stride, pass->cols,
                 (uint32_t)first_unit, (uint32_t)mix64(key + mix64(first_row + i)),
                 network->dropout);
}
