/* SPDX-License-Identifier: BSD-3-Clause */
/* front_function.c - test functions with several scores, all to be minimised, whose fronts are
 * known: Zitzler, Deb and Thiele, "Comparison of multiobjective evolutionary algorithms", Evol.
 * Comput. 8, 2000 (zdt); Deb et al., "Scalable test problems for evolutionary multiobjective
 * optimization", 2005 (dtlz). x in [0, 1]. */
#include <math.h>

#include "internal.h"

#define PI 3.14159265358979323846

static double mean(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return n == 0 ? 0 : sum / (double)n;
}

/* Front: f2 = 1 - sqrt(f1). */
void fr_function_zdt1(const double *x, size_t n, double *f, size_t n_scores)
{
    (void)n_scores;
    const double g = 1.0 + 9.0 * mean(x + 1, n - 1);
    f[0] = x[0];
    f[1] = g * (1.0 - sqrt(x[0] / g));
}

/* Front: f2 = 1 - f1^2, hollow. */
void fr_function_zdt2(const double *x, size_t n, double *f, size_t n_scores)
{
    (void)n_scores;
    const double g = 1.0 + 9.0 * mean(x + 1, n - 1);
    f[0] = x[0];
    f[1] = g * (1.0 - (x[0] / g) * (x[0] / g));
}

/* Front: the best parts of 1 - sqrt(f1) - f1 sin(10 pi f1), five pieces. */
void fr_function_zdt3(const double *x, size_t n, double *f, size_t n_scores)
{
    (void)n_scores;
    const double g = 1.0 + 9.0 * mean(x + 1, n - 1);
    f[0] = x[0];
    f[1] = g * (1.0 - sqrt(x[0] / g) - x[0] / g * sin(10.0 * PI * x[0]));
}

/* Front: the part of the unit sphere where all scores are positive. */
void fr_function_dtlz2(const double *x, size_t n, double *f, size_t n_scores)
{
    double g = 0;
    for (size_t i = n_scores - 1; i < n; i++) g += (x[i] - 0.5) * (x[i] - 0.5);
    for (size_t k = 0; k < n_scores; k++) {
        f[k] = 1.0 + g;
        for (size_t i = 0; i + 1 < n_scores - k; i++) f[k] *= cos(x[i] * PI / 2.0);
        if (k > 0) f[k] *= sin(x[n_scores - 1 - k] * PI / 2.0);
    }
}
