/* SPDX-License-Identifier: BSD-3-Clause */
/* mutual_information.c - how much each feature alone says about the target, in nats:
 *
 *   I(X; Y) = sum over bins x and classes y of p(x, y) log(p(x, y) / (p(x) p(y)))
 *
 * with p the shares of the training rows. A feature of at most BINS different values has them
 * for bins: then this is scikit-learn's mutual_info_classif with discrete_features. Another one
 * is cut into BINS parts of as many rows each, as far as equal values, which stay together,
 * allow; so is the target of a regression. Sums run in a fixed order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "transform.h"

enum { BINS = 16, ROWS = 128, TILE_FLOATS = 1 << 23 };

typedef struct {
    const fr_transform *transform;
    const fr_dataset *dataset;
    const uint32_t *rows;
    size_t n, width;
    size_t tile;     /* features looked at together */
    float *block;    /* (ROWS, width) */
    float *values;   /* (tile, n) */
    float *sorted;   /* (n) */
    uint32_t *group; /* (n) class, or bin of the target */
    size_t groups;
    uint64_t *count; /* (BINS, groups) */
} counting;

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Values in [from[i - 1], from[i]) are in bin i - 1; returns the number of bins. */
static size_t find_bins(const float *values, size_t n, float *sorted, float from[BINS])
{
    size_t distinct = 0, bins = 0;
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    for (size_t i = 0; i < n && distinct <= BINS; i++)
        distinct += i == 0 || sorted[i] != sorted[i - 1];
    for (size_t i = 0, part = 0; i < n; i++) {
        if (i > 0 && sorted[i] == sorted[i - 1]) continue;
        const bool opens = distinct <= BINS || i * BINS / n >= part;
        if (!opens) continue;
        from[bins++] = sorted[i];
        part = i * BINS / n + 1;
    }
    return bins;
}

static size_t bin_of(const float *from, size_t bins, float value)
{
    size_t b = bins - 1;
    while (b > 0 && value < from[b]) b--;
    return b;
}

static fr_status counting_create(counting *c)
{
    c->tile = TILE_FLOATS / c->n < c->width ? TILE_FLOATS / c->n + 1 : c->width;
    c->block = fr_alloc(ROWS * c->width, sizeof *c->block);
    c->values = fr_alloc(c->tile * c->n, sizeof *c->values);
    c->sorted = fr_alloc(c->n, sizeof *c->sorted);
    c->group = fr_alloc(c->n, sizeof *c->group);
    const fr_schema *schema = &c->dataset->schema;
    const bool classes = schema->learn == FR_LEARN_CLASSIFICATION;
    c->groups = classes ? schema->n_classes : BINS;
    c->count = fr_alloc(BINS * c->groups, sizeof *c->count);
    const bool good = c->block != NULL && c->values != NULL && c->sorted != NULL &&
                      c->group != NULL && c->count != NULL;
    if (!good) return FR_ERR_MEMORY;
    float from[BINS];
    for (size_t i = 0; i < c->n; i++) c->values[i] = c->dataset->y[c->rows[i]];
    const size_t bins = classes ? 0 : find_bins(c->values, c->n, c->sorted, from);
    for (size_t i = 0; i < c->n; i++)
        c->group[i] =
            (uint32_t)(classes ? (size_t)c->values[i] : bin_of(from, bins, c->values[i]));
    return FR_OK;
}

static void counting_clear(counting *c)
{
    free(c->block);
    free(c->values);
    free(c->sorted);
    free(c->group);
    free(c->count);
}

/* Features [first, first + n) of all rows, each in one piece. */
static void gather_features(counting *c, size_t first, size_t n)
{
    for (size_t row = 0; row < c->n; row += ROWS) {
        const size_t rows = c->n - row < ROWS ? c->n - row : ROWS;
        fr_transform_apply(c->transform, c->dataset, c->rows + row, rows, c->block, c->width);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < n; j++)
                c->values[j * c->n + row + i] = c->block[i * c->width + first + j];
    }
}

static double information(counting *c, const float *values)
{
    float from[BINS];
    const size_t bins = find_bins(values, c->n, c->sorted, from), groups = c->groups;
    double sum = 0;
    memset(c->count, 0, BINS * groups * sizeof *c->count);
    for (size_t i = 0; i < c->n; i++)
        c->count[bin_of(from, bins, values[i]) * groups + c->group[i]]++;
    for (size_t b = 0; b < bins; b++)
        for (size_t g = 0; g < groups; g++) {
            const double both = (double)c->count[b * groups + g];
            double of_bin = 0, of_group = 0;
            if (both == 0) continue;
            for (size_t k = 0; k < groups; k++) of_bin += (double)c->count[b * groups + k];
            for (size_t k = 0; k < bins; k++) of_group += (double)c->count[k * groups + g];
            sum += both * log(both * (double)c->n / (of_bin * of_group));
        }
    return sum / (double)c->n;
}

fr_status fr_mutual_information(const fr_transform *transform, const fr_dataset *dataset,
                                const uint32_t *rows, size_t n, double *score)
{
    counting c = {.transform = transform,
                  .dataset = dataset,
                  .rows = rows,
                  .n = n,
                  .width = transform->width};
    const fr_status st = counting_create(&c);
    for (size_t first = 0; st == FR_OK && first < c.width; first += c.tile) {
        const size_t left = c.width - first, features = left < c.tile ? left : c.tile;
        gather_features(&c, first, features);
        for (size_t j = 0; j < features; j++)
            score[first + j] = information(&c, c.values + j * n);
    }
    counting_clear(&c);
    return st;
}
