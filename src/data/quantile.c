/* SPDX-License-Identifier: BSD-3-Clause */
/* quantile.c - order statistics in linear time: counts where there are, else selection by the
 * bits of the numbers, 11, 11 and 10 at a time, without a branch that data decide. */
#include <string.h>

#include "transform.h"

/* Unsigned integers in the order of the floats. */
static uint32_t key_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 31 ? ~bits : bits | UINT32_C(0x80000000);
}

static float value_of(uint32_t key)
{
    const uint32_t bits = key >> 31 ? key & UINT32_C(0x7FFFFFFF) : ~key;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Keep the keys that share `width` bits at `shift` with the k-th smallest; *k becomes its place
 * among them. */
static size_t narrow(const uint32_t *from, size_t n, unsigned shift, uint32_t *to, size_t *k)
{
    uint32_t count[2048] = {0};
    for (size_t i = 0; i < n; i++) count[from[i] >> shift & 2047]++;
    uint32_t digit = 0;
    for (; *k >= count[digit]; digit++) *k -= count[digit];
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        to[kept] = from[i];
        kept += (from[i] >> shift & 2047) == digit;
    }
    return kept;
}

static float kth_value(const fr_cells *cells, size_t n, size_t k)
{
    uint32_t *key = cells->key[0], *other = cells->key[1];
    for (size_t i = 0; i < n; i++) key[i] = key_of(cells->values[i]);
    n = narrow(key, n, 21, other, &k);
    n = narrow(other, n, 10, key, &k);
    narrow(key, n, 0, other, &k); /* bits 10 are equal by now */
    return value_of(other[0]);
}

/* The value that follows v, the k-th, in sorted order. */
static float next_value(const fr_cells *cells, size_t n, size_t k, float v)
{
    size_t not_above = 0;
    float above = 0;
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        const float x = cells->values[i];
        not_above += x <= v;
        if (x > v && (!found || x < above)) {
            above = x;
            found = true;
        }
    }
    return not_above > k + 1 || !found ? v : above;
}

static double between(double left, double right, double share)
{
    return left + (right - left) * share;
}

static double quantile_of_counts(const fr_cells *cells, size_t k, size_t n, double share)
{
    size_t left = 0, before = 0;
    while (before + cells->count[left] <= k) before += cells->count[left++];
    size_t right = left;
    if (before + cells->count[left] == k + 1 && k + 1 < n) do {
            right++;
        } while (cells->count[right] == 0);
    return cells->low + between((double)left, (double)right, share);
}

double fr_quantile(const fr_cells *cells, size_t n, double q)
{
    const double position = q * (double)(n - 1);
    const size_t k = (size_t)position;
    const double share = position - (double)k;
    if (cells->count != NULL) return quantile_of_counts(cells, k, n, share);
    const float left = kth_value(cells, n, k);
    if (share == 0) return left;
    return between(left, next_value(cells, n, k, left), share);
}
