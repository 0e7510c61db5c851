/* SPDX-License-Identifier: BSD-3-Clause */
/* genes.c - simulated binary crossover and polynomial mutation. */
#include "genes.h"

#include <math.h>
#include <stdbool.h>

static const double INDEX = 20.0; /* Deb's eta: larger = nearer to the parents */

static double within(double x)
{
    return fmin(fmax(x, 0.0), 1.0);
}

/* How far a child lies from the middle of its parents, as a multiple of their half distance;
 * `room` is what lies beyond the parent on its side, as a multiple of the whole. */
static double spread(fr_rng *rng, double room)
{
    const double power = 1.0 / (INDEX + 1.0);
    const double alpha = 2.0 - pow(1.0 + 2.0 * room, -(INDEX + 1.0));
    const double u = fr_rng_uniform(rng) * alpha;
    return u <= 1.0 ? pow(u, power) : pow(1.0 / (2.0 - u), power);
}

double fr_gene_cross(fr_rng *rng, double a, double b)
{
    const double low = fmin(a, b), high = fmax(a, b), distance = high - low;
    const bool lower = fr_rng_uniform(rng) < 0.5;
    if (!(distance > 1e-14)) return a;
    const double half = 0.5 * distance * spread(rng, (lower ? low : 1.0 - high) / distance);
    return within(0.5 * (low + high) + (lower ? -half : half));
}

double fr_gene_shift(fr_rng *rng, double x)
{
    const double u = fr_rng_uniform(rng), power = 1.0 / (INDEX + 1.0);
    if (u < 0.5)
        return within(x - 1.0 +
                      pow(2.0 * u + (1.0 - 2.0 * u) * pow(1.0 - x, INDEX + 1.0), power));
    return within(x + 1.0 -
                  pow(2.0 * (1.0 - u) + (2.0 * u - 1.0) * pow(x, INDEX + 1.0), power));
}
