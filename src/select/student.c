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
    /* x = freedom / (freedom + t^2), in a form that does not overflow. */
    const double r = t / sqrt(freedom);
    const double x = 1.0 / (1.0 + r * r);
    const double rest = fabs(r) > 1.0 ? 1.0 / (1.0 + 1.0 / (r * r)) : r * r / (1.0 + r * r);
    return beta_regularised(freedom / 2.0, 0.5, x, rest);
}

double fr_paired_test(const double *difference, size_t n, double train_rows, double valid_rows)
{
    if (n < 2) return NAN;
    double mean = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) mean += difference[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) squares += (difference[i] - mean) * (difference[i] - mean);
    if (isnan(squares)) return NAN;
    const double variance = squares / (double)(n - 1);
    /* An objective without data has no shared rows to correct for. */
    const double overlap = train_rows > 0.0 && valid_rows > 0.0 ? valid_rows / train_rows : 0.0;
    if (mean == 0.0) return 1.0;
    const double t = mean / sqrt((1.0 / (double)n + overlap) * variance);
    return fr_student_tail(t, (double)(n - 1));
}
