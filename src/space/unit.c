/* SPDX-License-Identifier: BSD-3-Clause */
/* unit.c - one parameter's values as numbers in [0, 1).
 *
 * Samplers work on the unit interval. Ranges that are split into cells (steps, integers,
 * choices) map every cell to one value, so that rounding never favours the inner values over
 * the two at the ends. */
#include <math.h>

#include "foldrank/space.h"

/* Number of values on the grid. The slack lets [0, 0.3] in steps of 0.1 reach 0.3. */
static double count_steps(const fr_param *p)
{
    return floor((p->high - p->low) / p->step + 1e-9) + 1;
}

static double value_at(const fr_param *p, double index)
{
    return fmin(p->low + index * p->step, p->high);
}

static double clamp(double x, double low, double high)
{
    return x > low ? fmin(x, high) : low; /* NaN becomes low */
}

/* The log axis of int_log, from half a step below the first value to half a step above the
 * last. */
static void log_axis(const fr_param *p, double *low, double *high)
{
    *low = log(p->low - p->step / 2);
    *high = log(value_at(p, count_steps(p) - 1) + p->step / 2);
}

double fr_space_cardinality(const fr_param *p)
{
    return p->step > 0 ? count_steps(p) : p->low == p->high ? 1 : (double)INFINITY;
}

static double int_log_from_unit(const fr_param *p, double unit)
{
    double low, high;
    log_axis(p, &low, &high);
    const double x = exp(low + unit * (high - low));
    const double index = floor((x - p->low) / p->step + 0.5);
    return value_at(p, clamp(index, 0, count_steps(p) - 1));
}

double fr_param_from_unit(const fr_param *p, double unit)
{
    unit = clamp(unit, 0, 1);
    if (p->kind == FR_PARAM_INT_LOG) return int_log_from_unit(p, unit);
    if (p->step == 0 && unit == 0) return p->low; /* exp(log(x)) is not always x */
    if (p->step == 0 && unit == 1) return p->high;
    if (p->kind == FR_PARAM_LOG)
        return clamp(exp(log(p->low) + unit * (log(p->high) - log(p->low))), p->low, p->high);
    if (p->step == 0) return clamp(p->low + unit * (p->high - p->low), p->low, p->high);
    const double n = count_steps(p);
    return value_at(p, fmin(floor(unit * n), n - 1));
}

double fr_param_to_unit(const fr_param *p, double value)
{
    if (isnan(value)) return value;
    value = fr_param_round(p, value);
    if (p->kind == FR_PARAM_INT_LOG) {
        double low, high;
        log_axis(p, &low, &high);
        const double middle = (log(value - p->step / 2) + log(value + p->step / 2)) / 2;
        return (middle - low) / (high - low);
    }
    if (p->step > 0) return (rint((value - p->low) / p->step) + 0.5) / count_steps(p);
    if (p->low == p->high) return 0.5;
    if (p->kind == FR_PARAM_LOG)
        return (log(value) - log(p->low)) / (log(p->high) - log(p->low));
    return (value - p->low) / (p->high - p->low);
}

void fr_param_cell(const fr_param *p, double unit, double *low, double *high)
{
    *low = *high = clamp(unit, 0, 1);
    if (p->step == 0) return;
    const double n = count_steps(p);
    if (p->kind == FR_PARAM_INT_LOG) {
        double first, last;
        const double value = int_log_from_unit(p, unit);
        log_axis(p, &first, &last);
        *low = (log(value - p->step / 2) - first) / (last - first);
        *high = (log(value + p->step / 2) - first) / (last - first);
        return;
    }
    const double index = fmin(floor(*low * n), n - 1);
    *low = index / n;
    *high = (index + 1) / n;
}

double fr_param_round(const fr_param *p, double value)
{
    if (isnan(value)) return value;
    if (p->step == 0) return clamp(value, p->low, p->high);
    const double index = rint((clamp(value, p->low, p->high) - p->low) / p->step);
    return value_at(p, fmin(index, count_steps(p) - 1));
}
