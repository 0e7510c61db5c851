/* SPDX-License-Identifier: BSD-3-Clause */
/* vmath.h - elementary functions without branches or calls, so that a loop over an array
 * becomes vector instructions (the C library's are calls, one number each).
 *
 * Polynomials are minimax fits of our own (Lawson's reweighted least squares on 4000 Chebyshev
 * nodes, in double). Errors as measured by tests/unit/test_layer.c: a few units in the last
 * place, relative; for the error function 2e-7, absolute. */
#ifndef FR_VMATH_H
#define FR_VMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "foldrank/hot.h"

FR_HOT_INLINE float vfloat_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

FR_HOT_INLINE uint32_t vbits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* e^r for |r| <= ln 2 / 2, as 1 + r + r^2 P(r). */
FR_HOT_INLINE float vexp_near(float r)
{
    float p = 1.39504768e-3f;
    p = p * r + 8.36888243e-3f;
    p = p * r + 4.1666206e-2f;
    p = p * r + 1.66665189e-1f;
    p = p * r + 0.50000001f;
    return (p * r) * r + r + 1.0f;
}

/* x = n ln 2 + r with n = round(x / ln 2): adding 1.5 * 2^23 drops the fraction. */
#define FR_EXP_ROUND 12582912.0f
#define FR_EXP_LOW   (-87.33654f)
FR_HOT_INLINE float vexp_rest(float x, float n)
{
    return (x - n * 0.693359375f) + n * 2.12194440e-4f; /* ln 2 in two parts */
}

/* e^x; below -87.3 the smallest normal number, above 88.7 the value there; NaN stays NaN. */
FR_HOT_INLINE float vexp(float x)
{
    const float high = 88.72f;
    x = x < FR_EXP_LOW ? FR_EXP_LOW : x;
    x = x > high ? high : x;
    const float shifted = x * 1.44269504f + FR_EXP_ROUND;
    const float p = vexp_near(vexp_rest(x, shifted - FR_EXP_ROUND));
    /* 2^n in two factors: n may be 128, which no single exponent holds. */
    const int32_t whole = (int32_t)(vbits_of_float(shifted) - vbits_of_float(FR_EXP_ROUND));
    const int32_t half = whole >> 1;
    return p * vfloat_of_bits((uint32_t)(half + 127) << 23) *
           vfloat_of_bits((uint32_t)(whole - half + 127) << 23);
}

/* The same for x <= 0, or NaN: n >= -126 is one exponent. */
FR_HOT_INLINE float vexp_below(float x)
{
    x = x < FR_EXP_LOW ? FR_EXP_LOW : x;
    const float shifted = x * 1.44269504f + FR_EXP_ROUND;
    const float p = vexp_near(vexp_rest(x, shifted - FR_EXP_ROUND));
    return p * vfloat_of_bits((vbits_of_float(shifted) + 127) << 23);
}

/* ln x for normal x > 0; NaN for infinity and NaN, which x - x lets through. With x = 2^n (1 +
 * t), 1 + t in [sqrt 1/2, sqrt 2). */
FR_HOT_INLINE float vlog(float x)
{
    const uint32_t bits = vbits_of_float(x);
    const int32_t n = (int32_t)(bits - 0x3f3504f3u) >> 23;
    const float t = vfloat_of_bits(bits - ((uint32_t)n << 23)) - 1.0f, whole = (float)n;
    float p = 0.0691536798f;
    p = p * t - 0.117898077f;
    p = p * t + 0.118729763f;
    p = p * t - 0.123843485f;
    p = p * t + 0.142186581f;
    p = p * t - 0.166692508f;
    p = p * t + 0.200022266f;
    p = p * t - 0.249999866f;
    p = p * t + 0.333333104f;
    const float tail = p * t * t * t - 0.5f * t * t - whole * 2.12194440e-4f;
    return (t + tail) + whole * 0.693359375f + (x - x);
}

FR_HOT_INLINE float vsigmoid(float x)
{
    return 1.0f / (1.0f + vexp(-x));
}

/* Near 0 a polynomial: 1 - 2 / (e^2x + 1) would lose the digits of small x. */
FR_HOT_INLINE float vtanh(float x)
{
    const float size = fabsf(x), q = x * x;
    float p = -0.00590586063f;
    p = p * q + 0.0208053776f;
    p = p * q - 0.0537866814f;
    p = p * q + 0.133319582f;
    p = p * q - 0.333332993f;
    const float near = x + x * q * p;
    const float far = copysignf(1.0f - 2.0f / (vexp(2.0f * size) + 1.0f), x);
    return size < 0.6f ? near : far;
}

/* The normal distribution's integral up to x: 1/2 erfc(-x / sqrt 2), with erfc(u) = e^(-u P(u))
 * for u in [0, 4], and the value at 4 (1.5e-8) beyond. */
FR_HOT_INLINE float vnormal_cdf(float x)
{
    float u = fabsf(x) * 0.707106781f;
    u = u > 4.0f ? 4.0f : u;
    float p = -7.99869967e-08f;
    p = p * u + 2.10025323e-06f;
    p = p * u - 2.45204275e-05f;
    p = p * u + 0.000166220573f;
    p = p * u - 0.000701993511f;
    p = p * u + 0.00168078255f;
    p = p * u - 7.4326398e-05f;
    p = p * u - 0.0192670561f;
    p = p * u + 0.102838972f;
    p = p * u + 0.636605133f;
    p = p * u + 1.12838025f;
    const float half = 0.5f * vexp(-(p * u));
    return x > 0.0f ? 1.0f - half : half;
}

FR_HOT_INLINE float vnormal_density(float x)
{
    return 0.398942280f * vexp(-0.5f * x * x);
}

#endif
