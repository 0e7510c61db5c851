/* SPDX-License-Identifier: BSD-3-Clause */
/* student.c - Student's t distribution, and the corrected test that rests on it. */
#include <math.h>

#include "internal.h"

/* Continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method as
 * modified by Thompson and Barnett (J. Comput. Phys. 64, 1986). Converges fast for
 * x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    enum { TERMS = 10000 };
    const double tiny = 1e-300, precision = 1e-16;
    double c = 1.0, d = 1.0 - (a + b) * x / (a + 1.0);
    if (fabs(d) < tiny) d = tiny;
    d = 1.0 / d;
    double value = d;
    for (int m = 1; m <= TERMS; m++) {
        const double am = a + 2.0 * m;
        const double even = m * (b - m) * x / ((am - 1.0) * am);
        const double odd = -(a + m) * (a + b + m) * x / (am * (am + 1.0));
        double change = 1.0;
        for (int half = 0; half < 2; half++) {
            const double term = half == 0 ? even : odd;
            d = 1.0 + term * d;
            c = 1.0 + term / c;
            if (fabs(d) < tiny) d = tiny;
            if (fabs(c) < tiny) c = tiny;
            d = 1.0 / d;
            change = c * d;
            value *= change;
        }
        if (fabs(change - 1.0) <= precision) break;
    }
    return value;
}

/* Regularised incomplete beta function I_x(a, b), given 1 - x as well: it may be tiny. */
static double beta_regularised(double a, double b, double x, double one_minus_x)
{
    if (x <= 0.0) return 0.0;
    if (one_minus_x <= 0.0) return 1.0;
    const double front =
        exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(one_minus_x));
    if (x < (a + 1.0) / (a + b + 2.0)) return front * beta_fraction(a, b, x) / a;
    return 1.0 - front * beta_fraction(b, a, one_minus_x) / b;
}

double fr_student_tail(double t, double freedom)
{
    if (isnan(t)) return NAN;
    if (isinf(t)) return 0.0;
    if (isinf(freedom)) return erfc(fabs(t) / sqrt(2.0)); /* the normal distribution */
    /* x = freedom / (freedom + t^2), in a form that does not overflow. */
    const double r = t / sqrt(freedom);
    const double x = 1.0 / (1.0 + r * r);
    const double rest = fabs(r) > 1.0 ? 1.0 / (1.0 + 1.0 / (r * r)) : r * r / (1.0 + r * r);
    return beta_regularised(freedom / 2.0, 0.5, x, rest);
}

/* Mean of value[0..n), n > 1, and its standard error with the variance widened by the overlap.
 */
static double corrected_error(const double *value, size_t n, double overlap, double *mean)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) sum += value[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += (value[i] - *mean) * (value[i] - *mean);
    return sqrt((1.0 / (double)n + overlap) * (squares / (double)(n - 1)));
}

double fr_paired_test(const double *difference, size_t n, double train_rows, double valid_rows)
{
    if (n < 2) return NAN;
    double mean = 0.0;
    /* An objective without data has no shared rows to correct for. */
    const double overlap = train_rows > 0.0 && valid_rows > 0.0 ? valid_rows / train_rows : 0.0;
    const double error = corrected_error(difference, n, overlap, &mean);
    if (isnan(error)) return NAN;
    if (mean == 0.0) return 1.0;
    return fr_student_tail(mean / error, (double)(n - 1));
}

/* |t| that is exceeded with probability `tail`, both sides together: the tail falls with t, so
 * halving the interval finds it. */
static double student_quantile(double tail, double freedom)
{
    double low = 0.0, high = 1.0;
    while (fr_student_tail(high, freedom) > tail && high < 1e12) high *= 2.0;
    for (int i = 0; i < 100; i++) {
        const double middle = 0.5 * (low + high);
        if (fr_student_tail(middle, freedom) > tail)
            low = middle;
        else
            high = middle;
    }
    return high;
}

double fr_score_half_width(const double *score, size_t n, double valid_share, double level)
{
    double mean = 0.0;
    if (n < 2) return NAN;
    const double overlap = valid_share > 0.0 ? valid_share : 0.0;
    return student_quantile(1.0 - level, (double)(n - 1)) *
           corrected_error(score, n, overlap, &mean);
}

void fr_share_interval(double share, double n, double level, double out[2])
{
    const double z = student_quantile(1.0 - level, INFINITY);
    const double middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
    const double half =
        z / (1.0 + z * z / n) * sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n));
    out[0] = fmax(middle - half, 0.0);
    out[1] = fmin(middle + half, 1.0);
}
