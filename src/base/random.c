/* SPDX-License-Identifier: BSD-3-Clause */
/* random.c - Philox4x32-10 and what is drawn from it. */
#include "foldrank/random.h"

#include <math.h>

enum { ROUNDS = 10 };

/* One bijection of the counter; constants from the paper, section 5.2. */
static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* Counter word 0 counts blocks; the other coordinates are folded into key and words 1 to 3 by
 * one philox pass, so that neighbouring trials, folds and epochs share nothing. */
fr_rng fr_rng_make(uint64_t seed, fr_rng_purpose purpose, uint64_t trial, uint32_t fold,
                   uint32_t epoch)
{
    const uint32_t where[4] = {(uint32_t)trial, (uint32_t)(trial >> 32), fold, epoch};
    const uint32_t who[2] = {(uint32_t)seed,
                             (uint32_t)(seed >> 32) ^ ((uint32_t)purpose << 24)};
    uint32_t mixed[4];
    philox(where, who, mixed);
    fr_rng rng = {.key = {mixed[0], mixed[1]},
                  .counter = {0, mixed[2], mixed[3], (uint32_t)purpose},
                  .used = 4};
    return rng;
}

uint32_t fr_rng_u32(fr_rng *rng)
{
    if (rng->used == 4) {
        philox(rng->counter, rng->key, rng->block);
        rng->counter[0]++;
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

uint64_t fr_rng_u64(fr_rng *rng)
{
    const uint64_t high = fr_rng_u32(rng);
    return high << 32 | fr_rng_u32(rng);
}

double fr_rng_uniform(fr_rng *rng)
{
    return (double)(fr_rng_u64(rng) >> 11) * 0x1p-53;
}

double fr_rng_normal(fr_rng *rng)
{
    const double u = 1.0 - fr_rng_uniform(rng); /* (0, 1]: the logarithm is finite */
    const double angle = 6.283185307179586 * fr_rng_uniform(rng);
    return sqrt(-2.0 * log(u)) * cos(angle);
}

/* Rejection on the top bits: the remainder of 2^64 by `limit` would be over-represented. */
uint64_t fr_rng_below(fr_rng *rng, uint64_t limit)
{
    const uint64_t reject_below = (0 - limit) % limit;
    uint64_t draw;
    do {
        draw = fr_rng_u64(rng);
    } while (draw < reject_below);
    return draw % limit;
}

/* The same with 32 bits and, nearly always, without a division (Lemire, "Fast random integer
 * generation in an interval", 2019): every epoch shuffles all rows. */
static uint32_t below32(fr_rng *rng, uint32_t limit)
{
    uint64_t product = (uint64_t)fr_rng_u32(rng) * limit;
    if ((uint32_t)product < limit) {
        const uint32_t reject_below = (0 - limit) % limit;
        while ((uint32_t)product < reject_below) product = (uint64_t)fr_rng_u32(rng) * limit;
    }
    return (uint32_t)(product >> 32);
}

void fr_rng_shuffle(fr_rng *rng, uint32_t *idx, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const uint32_t j = below32(rng, (uint32_t)i);
        const uint32_t swap = idx[i - 1];
        idx[i - 1] = idx[j];
        idx[j] = swap;
    }
}

void fr_rng_block_fill(const fr_rng *rng, uint32_t first, uint32_t *out, size_t n)
{
    uint32_t counter[4] = {first, rng->counter[1], rng->counter[2], rng->counter[3]};
    for (size_t i = 0; i + 4 <= n; i += 4, counter[0]++) philox(counter, rng->key, out + i);
}
