/* SPDX-License-Identifier: BSD-3-Clause */
/* sobol.c - the Sobol sequence, and the sampler that walks along it.
 *
 * A point is the exclusive or of one direction number for each one bit of its index, so any
 * point is had on its own, without those before it. */
#include "sobol.h"

#include <stdlib.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "internal.h"

struct fr_sobol {
    size_t dims;
    uint64_t seed;
    uint32_t *direction; /* (min(dims, FR_SOBOL_DIMS), FR_SOBOL_BITS) */
    uint32_t *shift;     /* (min(dims, FR_SOBOL_DIMS)) */
};

/* Direction numbers from the recurrence over the primitive polynomial (Bratley and Fox,
 * Algorithm 659, eq. 2). The first dimension is van der Corput's. */
static void directions(size_t dim, uint32_t v[FR_SOBOL_BITS])
{
    const fr_sobol_row *row = &fr_sobol_rows[dim];
    int degree = 0;
    while (row->polynomial >> (degree + 1) != 0) degree++;
    for (int i = 0; i < FR_SOBOL_BITS; i++) {
        if (degree == 0) {
            v[i] = UINT32_C(1) << (31 - i);
            continue;
        }
        if (i < degree) {
            v[i] = (uint32_t)row->m[i] << (31 - i);
            continue;
        }
        v[i] = v[i - degree] ^ (v[i - degree] >> degree);
        for (int k = 1; k < degree; k++)
            if (row->polynomial >> (degree - k) & 1) v[i] ^= v[i - k];
    }
}

static uint32_t parity(uint32_t x)
{
    return (uint32_t)__builtin_parity(x);
}

/* Multiply by a random lower triangular binary matrix with ones on the diagonal: digit r of the
 * result depends on digits 0 .. r of the number. */
static void scramble_dimension(fr_rng *rng, uint32_t v[FR_SOBOL_BITS])
{
    uint32_t rows[FR_SOBOL_BITS];
    for (int r = 0; r < FR_SOBOL_BITS; r++) {
        const uint32_t diagonal = UINT32_C(1) << (31 - r);
        const uint32_t left = ~(diagonal | (diagonal - 1));
        rows[r] = (fr_rng_u32(rng) & left) | diagonal;
    }
    for (int i = 0; i < FR_SOBOL_BITS; i++) {
        uint32_t mixed = 0;
        for (int r = 0; r < FR_SOBOL_BITS; r++) mixed |= parity(rows[r] & v[i]) << (31 - r);
        v[i] = mixed;
    }
}

fr_status fr_sobol_create(size_t dims, uint64_t seed, bool scramble, fr_sobol **out)
{
    *out = NULL;
    fr_sobol *sobol = fr_alloc(1, sizeof *sobol);
    if (sobol == NULL) return FR_ERR_MEMORY;
    const size_t listed = dims < FR_SOBOL_DIMS ? dims : FR_SOBOL_DIMS;
    sobol->dims = dims;
    sobol->seed = seed;
    sobol->direction = fr_alloc(listed, FR_SOBOL_BITS * sizeof *sobol->direction);
    sobol->shift = fr_alloc(listed, sizeof *sobol->shift);
    if (sobol->direction == NULL || sobol->shift == NULL) {
        fr_sobol_destroy(&sobol);
        return FR_ERR_MEMORY;
    }
    for (size_t d = 0; d < listed; d++) {
        uint32_t *v = sobol->direction + d * FR_SOBOL_BITS;
        directions(d, v);
        if (!scramble) continue;
        fr_rng rng = fr_rng_make(seed, FR_RNG_SOBOL, d, 0, 0);
        scramble_dimension(&rng, v);
        sobol->shift[d] = fr_rng_u32(&rng);
    }
    *out = sobol;
    return FR_OK;
}

void fr_sobol_destroy(fr_sobol **sobol)
{
    if (*sobol == NULL) return;
    free((*sobol)->direction);
    free((*sobol)->shift);
    free(*sobol);
    *sobol = NULL;
}

void fr_sobol_point(const fr_sobol *sobol, uint64_t index, double *out)
{
    for (size_t d = 0; d < sobol->dims; d++) {
        if (d >= FR_SOBOL_DIMS) {
            fr_rng rng = fr_rng_make(sobol->seed, FR_RNG_SOBOL, d, 1, (uint32_t)index);
            out[d] = fr_rng_uniform(&rng);
            continue;
        }
        const uint32_t *v = sobol->direction + d * FR_SOBOL_BITS;
        uint32_t x = sobol->shift[d];
        uint32_t bits = (uint32_t)index;
        for (int i = 0; bits != 0; i++, bits >>= 1)
            if (bits & 1) x ^= v[i];
        out[d] = x * 0x1p-32;
    }
}

void fr_sobol_start(const fr_sobol *sobol, uint64_t index, double *out)
{
    for (size_t j = 0; j < sobol->dims && index == 0; j++) out[j] = 0.5;
    if (index > 0) fr_sobol_point(sobol, index - 1, out);
}

static fr_status create(const fr_space *space, const fr_search_options *options, void **state)
{
    fr_sobol *sobol = NULL;
    FR_TRY(fr_sobol_create(space->n, (uint64_t)options->seed, true, &sobol));
    *state = sobol;
    return FR_OK;
}

static void destroy(void *state)
{
    fr_sobol *sobol = state;
    fr_sobol_destroy(&sobol);
}

/* A point that was tried already (a coarse space, an enqueued one) is replaced by a random one:
 * skipping along the sequence would make trial t depend on how often that has happened. */
static fr_status suggest(void *state, const fr_ask *ask, double *point)
{
    if (ask->attempt > 0) return fr_sampler_random.suggest(NULL, ask, point);
    fr_sobol_point(state, ask->trial - ask->n_enqueued, point);
    fr_space_from_unit(ask->space, point, point);
    return FR_OK;
}

const fr_sampler fr_sampler_sobol = {
    .name = "sobol", .create = create, .destroy = destroy, .suggest = suggest};
