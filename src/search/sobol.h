/* SPDX-License-Identifier: BSD-3-Clause */
/* sobol.h - scrambled Sobol points; for the sampler of that name and for the starts and
 * candidates of the model-based ones. All Local. */
#ifndef FR_SEARCH_SOBOL_H
#define FR_SEARCH_SOBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/status.h"

enum { FR_SOBOL_DIMS = 128, FR_SOBOL_DEGREE = 10, FR_SOBOL_BITS = 32 };

/* One dimension: the polynomial with its bits as coefficients, and m_1 .. m_degree. */
typedef struct {
    uint16_t polynomial;
    uint16_t m[FR_SOBOL_DEGREE];
} fr_sobol_row;

extern const fr_sobol_row fr_sobol_rows[FR_SOBOL_DIMS];

typedef struct fr_sobol fr_sobol;

/* A sequence in `dims` dimensions. Scrambled: a random linear matrix and a digital shift
 * (Matousek, "On the L2-discrepancy for anchored boxes", J. Complexity 14, 1998), which keep
 * the net property and make every point uniform. Dimensions beyond FR_SOBOL_DIMS are plain
 * random numbers. */
FR_CHECKED fr_status fr_sobol_create(size_t dims, uint64_t seed, bool scramble, fr_sobol **out);
void fr_sobol_destroy(fr_sobol **sobol);

/* Point number `index` of a start design, which knows nothing yet: the centre of the space,
 * which is nearest to everything, then the sequence. */
void fr_sobol_start(const fr_sobol *sobol, uint64_t index, double *out);

/* Point number `index` (from 0, below 2^32), (dims), each in [0, 1). */
void fr_sobol_point(const fr_sobol *sobol, uint64_t index, double *out);

#endif
