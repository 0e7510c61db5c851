/* SPDX-License-Identifier: BSD-3-Clause */
/* chances.h - a probability for each value of each choice, learned from generations; for cmaes,
 * beside the normal distribution of the numbers. All Local. */
#ifndef FR_SEARCH_CHANCES_H
#define FR_SEARCH_CHANCES_H

#include <stddef.h>

#include "foldrank/random.h"
#include "foldrank/status.h"

/* Read only. */
typedef struct {
    size_t n;       /* choices */
    size_t *values; /* (n): of each, >= 2 */
    size_t *first;  /* (n): where its probabilities begin in the rows below */
    size_t total;   /* sum of `values` */
    double *chance; /* (total) */
    double *path;   /* (total): s, evolution path of the gradient */
    double *work;   /* (2, total) */
    double gamma;   /* expected square of the path if the gradients were noise */
    double step;    /* delta: length of a step in the measure of the Fisher information */
    double caution; /* Delta: 1 / the next step */
} fr_chances;

/* `values` (n) are copied. */
FR_CHECKED fr_status fr_chances_create(const size_t *values, size_t n, fr_chances **out);
void fr_chances_destroy(fr_chances **chances);

/* Begin anew. `chance` (total) is NULL for equal ones; the margin is put in. */
void fr_chances_start(fr_chances *chances, const double *chance);

/* Draw a value of choice number i. */
size_t fr_chances_draw(const fr_chances *chances, size_t i, fr_rng *rng);

/* Learn from the best `parents` of a generation with their weights, sum 1: values (parents, n),
 * NaN where a choice was inactive and so says nothing. */
void fr_chances_update(fr_chances *chances, const double *weight, const double *values,
                       size_t parents);

#endif
