/* SPDX-License-Identifier: BSD-3-Clause */
/* acquire.c - expected improvement, and the neighbours of a point. */
#include "acquire.h"

#include <math.h>

/* log of phi(z) + z Phi(z); Ament et al., "Unexpected improvements to expected improvement",
 * NeurIPS 2023: where both terms cancel, the asymptotic series. */
static double log_unit_improvement(double z)
{
    const double half_log_2pi = 0.91893853320467274;
    if (z > -5.0) {
        const double density = exp(-0.5 * z * z - half_log_2pi);
        return log(density + z * 0.5 * erfc(-z * 0.70710678118654752));
    }
    const double q = 1.0 / (z * z);
    return -0.5 * z * z - half_log_2pi + log(q) + log1p(-3.0 * q + 15.0 * q * q);
}

double fr_log_improvement(double bar, double mean, double variance)
{
    const double sigma = sqrt(variance);
    return log(sigma) + log_unit_improvement((bar - mean) / sigma);
}

/* Derivative of log_unit_improvement. */
static double log_unit_slope(double z)
{
    if (z > -5.0) {
        const double density = 0.39894228040143268 * exp(-0.5 * z * z);
        const double share = 0.5 * erfc(-z * 0.70710678118654752);
        return share / (density + z * share);
    }
    const double q = 1.0 / (z * z);
    const double series = (6.0 - 60.0 * q) * q / (1.0 - 3.0 * q + 15.0 * q * q);
    return -z + (series - 2.0) / z;
}

double fr_log_improvement_slope(double bar, double mean, double variance, double *by_mean,
                                double *by_variance)
{
    const double sigma = sqrt(variance), z = (bar - mean) / sigma, slope = log_unit_slope(z);
    *by_mean = -slope / sigma;
    *by_variance = 0.5 * (1.0 - z * slope) / variance;
    return log(sigma) + log_unit_improvement(z);
}

void fr_mutate(const fr_space *space, fr_rng *rng, double sigma, const double *from, double *to)
{
    const double share = space->n > 2 ? 2.0 / (double)space->n : 1.0;
    for (size_t j = 0; j < space->n; j++) {
        const fr_param *param = &space->params[j];
        const double chance = fr_rng_uniform(rng), fresh = fr_rng_uniform(rng);
        const double step = sigma * fr_rng_normal(rng);
        to[j] = NAN;
        if (!fr_space_active(space, j, to)) continue;
        to[j] = from[j];
        if (isnan(from[j]) || (param->kind == FR_PARAM_CHOICE && chance < 0.5 * share)) {
            to[j] = fr_param_from_unit(param, fresh);
        } else if (param->kind != FR_PARAM_CHOICE && chance < share) {
            const double cells = fr_space_cardinality(param);
            const double least = isfinite(cells) ? copysign(1.0 / cells, step) : 0.0;
            const double shift = fabs(step) > fabs(least) ? step : least;
            const double unit = fr_param_to_unit(param, from[j]) + shift;
            to[j] = fr_param_from_unit(param, fmin(fmax(unit, 0.0), 1.0));
        }
    }
}

bool fr_ask_may_try(const fr_ask *ask, const double *point)
{
    return ask->options->repeats || !fr_seen_has(ask->seen, point);
}
