/* SPDX-License-Identifier: BSD-3-Clause */
/* random.h - counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 *
 * There is no shared stream. A generator is made from what it is for - (seed, purpose, trial,
 * fold, epoch) - so any rank or thread makes the same numbers without asking, in any order. It
 * is a small value: copy it, keep it on the stack. Never failing, all Local. */
#ifndef FR_RANDOM_H
#define FR_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* What the numbers are for. Part of the file format: results depend on these values, so new
 * purposes are added at the end. */
typedef enum {
    FR_RNG_SUGGEST = 1, /* random search and every sampler's draws */
    FR_RNG_SOBOL,       /* scrambling */
    FR_RNG_FOLDS,       /* validation splits */
    FR_RNG_TEST,        /* the hold-out test part */
    FR_RNG_INIT,        /* initial weights */
    FR_RNG_SHUFFLE,     /* order of the rows in an epoch */
    FR_RNG_DROPOUT,
    FR_RNG_DICE, /* selection rule dice */
    FR_RNG_AUGMENT,
    FR_RNG_NOISE,       /* test objectives */
    FR_RNG_ACQUISITION, /* starts of acquisition optimisers */
    FR_RNG_BRACKET,     /* hyperband: which trial goes to which bracket */
    FR_RNG_PAST,        /* parameters that an earlier study did not have */
    FR_RNG_BOOTSTRAP,   /* rows drawn anew for the interval of a test score */
    FR_RNG_TASK,        /* the seed that an external task is given */
    FR_RNG_PERMUTE,     /* explanations: cells of a column dealt anew to the rows ... */
    FR_RNG_SAMPLE,      /* ... and the rows that they look at */
    FR_RNG_SUBSAMPLE,   /* boosting: the rows of a round ... */
    FR_RNG_COLUMNS,     /* ... and the seeds by which its trees draw columns */
    FR_RNG_ENSEMBLE,    /* candidates that a bag of an ensemble's selection sees */
    FR_RNG_FOURIER,     /* directions of random Fourier features */
    FR_RNG_OUTER,       /* the seed of the search without an outer fold */
} fr_rng_purpose;

typedef struct {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4]; /* current output */
    unsigned used;     /* words of block given out; 4 = empty */
} fr_rng;

/* A generator for one purpose; unused coordinates are 0. */
fr_rng fr_rng_make(uint64_t seed, fr_rng_purpose purpose, uint64_t trial, uint32_t fold,
                   uint32_t epoch);

uint32_t fr_rng_u32(fr_rng *rng);
uint64_t fr_rng_u64(fr_rng *rng);
double fr_rng_uniform(fr_rng *rng);                 /* [0, 1), 53 bits */
double fr_rng_normal(fr_rng *rng);                  /* mean 0, variance 1 (Box-Muller) */
uint64_t fr_rng_below(fr_rng *rng, uint64_t limit); /* [0, limit), unbiased; limit > 0 */

/* Fisher-Yates over idx[0..n). */
void fr_rng_shuffle(fr_rng *rng, uint32_t *idx, size_t n);

/* out[0..n) = the four-word blocks number first, first+1, ... of the generator, without moving
 * it: for masks that are computed in pieces by different threads. n is a multiple of 4. */
void fr_rng_block_fill(const fr_rng *rng, uint32_t first, uint32_t *out, size_t n);

#endif
