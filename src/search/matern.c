/* SPDX-License-Identifier: BSD-3-Clause */
/* matern.c - Matern-5/2, k = (1 + a + a^2/3) exp(-a) with a^2 = 5 sum_j distance_j / scale_j^2,
 * by tiles. Squared distances are summed parameter by parameter over a whole tile, which the
 * compiler turns into vector instructions; the order of every sum is fixed. */
#include "matern.h"

#include <math.h>

enum { TILE = FR_GRAM_TILE };

static const double LEAST_NOISE = 1e-6;

/* Farther than 1 from every unit coordinate and from every index. */
static const double INACTIVE = -2.0;

void fr_matern_encode(const fr_space *space, const double *points, size_t n, double *x)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < space->n; j++) {
            const fr_param *param = &space->params[j];
            const double value = points[i * space->n + j];
            double *to = &x[i * space->n + j];
            if (isnan(value))
                *to = INACTIVE;
            else
                *to = param->kind == FR_PARAM_CHOICE ? value : fr_param_to_unit(param, value);
        }
    }
}

fr_gram fr_matern_gram(const double *x, size_t n, size_t d, const double *theta)
{
    return (fr_gram){.kernel = &fr_matern,
                     .x = x,
                     .theta = theta,
                     .n = n,
                     .d = d,
                     .n_theta = fr_matern_n_theta(d)};
}

double fr_matern_noise(const double *theta, size_t d)
{
    return exp(theta[d]) + LEAST_NOISE + theta[d + 1];
}

static inline double distance(double a, double b)
{
    const double square = (a - b) * (a - b);
    return square < 1.0 ? square : 1.0;
}

static double rate(const double *theta, size_t j)
{
    return exp(-2.0 * theta[j]);
}

/* column[k] = z[k * d] for one parameter of the points of a tile. */
static void take_column(const double *z, size_t d, size_t n, double *column)
{
    for (size_t k = 0; k < n; k++) column[k] = z[k * d];
}

/* tile(i, k) = a^2 between x_i and z_k. */
static void squares(const double *theta, size_t d, const double *x, const double *z,
                    const fr_matrix *tile)
{
    double column[TILE];
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t k = 0; k < tile->cols; k++) tile->data[i * tile->ld + k] = 0.0;
    for (size_t j = 0; j < d; j++) {
        const double weight = 5.0 * rate(theta, j);
        take_column(z + j, d, tile->cols, column);
        for (size_t i = 0; i < tile->rows; i++) {
            double *line = tile->data + i * tile->ld;
            const double a = x[i * d + j];
            for (size_t k = 0; k < tile->cols; k++) line[k] += weight * distance(a, column[k]);
        }
    }
}

static void matern_tile(const double *theta, size_t d, const double *x, const double *z,
                        const fr_matrix *tile)
{
    squares(theta, d, x, z, tile);
    for (size_t i = 0; i < tile->rows; i++) {
        double *line = tile->data + i * tile->ld;
        for (size_t k = 0; k < tile->cols; k++) {
            const double a = sqrt(line[k]);
            line[k] = (1.0 + a + line[k] / 3.0) * exp(-a);
        }
    }
}

static size_t at_most(size_t n)
{
    return n < TILE ? n : TILE;
}

void fr_matern_cross(const double *theta, size_t d, const double *x, const double *z,
                     const fr_matrix *out)
{
    for (size_t row = 0; row < out->rows; row += TILE)
        for (size_t col = 0; col < out->cols; col += TILE) {
            const fr_matrix tile = {.data = out->data + row * out->ld + col,
                                    .rows = at_most(out->rows - row),
                                    .cols = at_most(out->cols - col),
                                    .ld = out->ld};
            matern_tile(theta, d, x + row * d, z + col * d, &tile);
        }
}

void fr_matern_slope(const double *theta, size_t d, const double *x, size_t n, const double *z,
                     const double *weight, double *slope)
{
    for (size_t j = 0; j < d; j++) slope[j] = 0.0;
    for (size_t i = 0; i < n; i++) {
        double square = 0.0;
        for (size_t j = 0; j < d; j++)
            square += 5.0 * rate(theta, j) * distance(x[i * d + j], z[j]);
        const double a = sqrt(square), pull = weight[i] * 5.0 / 3.0 * (1.0 + a) * exp(-a);
        for (size_t j = 0; j < d; j++) {
            const double apart = x[i * d + j] - z[j];
            if (fabs(apart) < 1.0) slope[j] += pull * apart;
        }
    }
    for (size_t j = 0; j < d; j++) slope[j] *= rate(theta, j);
}

static void fill(const fr_gram *gram, size_t row, size_t col, const fr_matrix *tile)
{
    const size_t d = gram->d;
    const double noise = fr_matern_noise(gram->theta, d);
    matern_tile(gram->theta, d, gram->x + row * d, gram->x + col * d, tile);
    for (size_t i = 0; i < tile->rows; i++)
        if (row + i >= col && row + i - col < tile->cols)
            tile->data[i * tile->ld + row + i - col] += noise;
}

/* slope(i, k) = weight(i, k) * dk / d(distance_j / scale_j^2) * -2, for every parameter j. */
static void slopes(const fr_matrix *weight, const fr_matrix *slope)
{
    for (size_t i = 0; i < slope->rows; i++) {
        double *line = slope->data + i * slope->ld;
        const double *w = weight->data + i * weight->ld;
        for (size_t k = 0; k < slope->cols; k++) {
            if (w[k] == 0.0) { /* the half of a tile that is not asked for */
                line[k] = 0.0;
                continue;
            }
            const double a = sqrt(line[k]);
            line[k] = w[k] * 5.0 / 3.0 * (1.0 + a) * exp(-a);
        }
    }
}

static double weighted_distances(const fr_matrix *slope, const double *x, const double *z,
                                 size_t d)
{
    double column[TILE], sums[TILE] = {0}, sum = 0.0;
    take_column(z, d, slope->cols, column);
    for (size_t i = 0; i < slope->rows; i++) {
        const double *line = slope->data + i * slope->ld;
        const double a = x[i * d];
        for (size_t k = 0; k < slope->cols; k++) sums[k] += line[k] * distance(a, column[k]);
    }
    for (size_t k = 0; k < slope->cols; k++) sum += sums[k];
    return sum;
}

static void derive(const fr_gram *gram, size_t row, size_t col, const fr_matrix *weight,
                   double *sums)
{
    double block[TILE * TILE];
    const size_t d = gram->d;
    const double *x = gram->x + row * d, *z = gram->x + col * d;
    const fr_matrix slope = {block, weight->rows, weight->cols, TILE};
    squares(gram->theta, d, x, z, &slope);
    slopes(weight, &slope);
    for (size_t j = 0; j < d; j++)
        sums[j] += rate(gram->theta, j) * weighted_distances(&slope, x + j, z + j, d);
    for (size_t i = 0; i < weight->rows; i++)
        if (row + i >= col && row + i - col < weight->cols)
            sums[d] += exp(gram->theta[d]) * weight->data[i * weight->ld + row + i - col];
}

const fr_kernel fr_matern = {fill, derive};
