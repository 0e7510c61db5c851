/* SPDX-License-Identifier: BSD-3-Clause */
/* warp.h - scores made more normal, for models that take them for normal. All Local. */
#ifndef FR_SEARCH_WARP_H
#define FR_SEARCH_WARP_H

#include <stddef.h>

/* y -> (bend((y - shift) / scale) - mean) / deviation, an increasing function. */
typedef struct {
    double shift, scale;    /* scale 0: all values are equal, and become 0 */
    double exponent;        /* of the bend */
    double mean, deviation; /* likewise */
} fr_warp;

/* The transformation that makes y (n) most normal, with mean 0 and variance 1; work (n). */
fr_warp fr_warp_fit(const double *y, double *work, size_t n);

double fr_warp_apply(const fr_warp *warp, double y);

#endif
