/* SPDX-License-Identifier: BSD-3-Clause */
/* warp.c - Yeo and Johnson, "A new family of power transformations", Biometrika 87, 2000: eq.
 * 2.1, with the likeliest (eq. 3.1) of a row of exponents. */
#include "warp.h"

#include <math.h>

static double yeo_johnson(double y, double lambda)
{
    if (y >= 0.0) return fabs(lambda) < 1e-9 ? log1p(y) : (pow(1.0 + y, lambda) - 1.0) / lambda;
    const double l = 2.0 - lambda;
    return fabs(l) < 1e-9 ? -log1p(-y) : -(pow(1.0 - y, l) - 1.0) / l;
}

static double standardised(double y, double mean, double deviation)
{
    return deviation > 0.0 ? (y - mean) / deviation : 0.0;
}

static void moments(const double *y, size_t n, double *mean, double *deviation)
{
    double squares = 0.0;
    *mean = 0.0;
    for (size_t i = 0; i < n; i++) *mean += y[i] / (double)n;
    for (size_t i = 0; i < n; i++) squares += (y[i] - *mean) * (y[i] - *mean);
    *deviation = sqrt(squares / (double)n);
}

/* Log likelihood of the exponent for standardised values, up to a constant; `jacobian` is that
 * of lambda = 2. The variance in one pass, since the powers are what takes time (Welford,
 * Technometrics 4, 1962). */
static double likelihood(const double *y, size_t n, double jacobian, double lambda)
{
    double mean = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double bent = yeo_johnson(y[i], lambda), off = bent - mean;
        mean += off / (double)(i + 1);
        squares += off * (bent - mean);
    }
    return (lambda - 1.0) * jacobian - 0.5 * (double)n * log(squares / (double)n);
}

fr_warp fr_warp_fit(const double *y, double *work, size_t n)
{
    fr_warp w = {.exponent = 1.0};
    double best = -INFINITY, jacobian = 0.0;
    moments(y, n, &w.shift, &w.scale);
    for (size_t i = 0; i < n; i++) work[i] = standardised(y[i], w.shift, w.scale);
    for (size_t i = 0; i < n; i++) jacobian += copysign(log1p(fabs(work[i])), work[i]);
    for (int k = -20; k <= 40; k++) {
        const double value = likelihood(work, n, jacobian, (double)k / 10.0);
        if (!(value > best)) continue;
        best = value;
        w.exponent = (double)k / 10.0;
    }
    for (size_t i = 0; i < n; i++) work[i] = yeo_johnson(work[i], w.exponent);
    moments(work, n, &w.mean, &w.deviation);
    return w;
}

double fr_warp_apply(const fr_warp *warp, double y)
{
    const double bent = yeo_johnson(standardised(y, warp->shift, warp->scale), warp->exponent);
    return standardised(bent, warp->mean, warp->deviation);
}
