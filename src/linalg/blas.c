/* SPDX-License-Identifier: BSD-3-Clause */
/* blas.c - the BLAS underneath: its threads, its kernels, its speed. */
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "foldrank/clock.h"
#include "foldrank/memory.h"
#include "internal.h"

int fr_linalg_init(void)
{
    const int threads = openblas_get_num_threads();
    openblas_set_num_threads(1);
    return threads;
}

void fr_linalg_end(int threads)
{
    openblas_set_num_threads(threads);
}

const char *fr_linalg_kernel_name(void)
{
    return openblas_get_corename();
}

/* OpenBLAS's names for x86-64 kernels without AVX-512, by what they use; a name that stands in
 * neither list is AVX-512, or of another architecture, or newer than this table. */
static const char *const WITHOUT_AVX2[] = {
    "Unknown",      "Generic",   "Prescott",    "Core2",      "Penryn",
    "Dunnington",   "Atom",      "Nano",        "Nehalem",    "Opteron",
    "Opteron_SSE3", "Barcelona", "Sandybridge", "Bulldozer",  "Piledriver",
    "Northwood",    "Banias",    "Bobcat",      "Steamroller"};
static const char *const WITH_AVX2[] = {"Haswell", "Zen", "Excavator"};

static bool is_listed(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, list[i]) == 0) return true;
    return false;
}

/* The kernels for this processor's widest vectors, or NULL where the baseline is all it has. */
static const char *widest_kernels(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
    return NULL;
}

bool fr_linalg_kernel_is_low(const char **best)
{
    const char *name = fr_linalg_kernel_name(), *widest = widest_kernels();
    bool low = false;

    if (widest != NULL) {
        low = is_listed(name, WITHOUT_AVX2, sizeof WITHOUT_AVX2 / sizeof *WITHOUT_AVX2);
        if (strcmp(widest, "SkylakeX") == 0)
            low = low || is_listed(name, WITH_AVX2, sizeof WITH_AVX2 / sizeof *WITH_AVX2);
    }
    if (best != NULL) *best = low ? widest : name;
    return low;
}

/* Seconds of one n x n product; the block holds three matrices. */
static double time_square(float *block, int n)
{
    const size_t area = (size_t)n * (size_t)n;
    const double start = fr_clock_now();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0f, block, n,
                block + area, n, 0.0f, block + 2 * area, n);
    return fr_clock_now() - start;
}

double fr_linalg_peak_gflops(double seconds)
{
    static const int SIZES[] = {256, 384, 512, 768, 1024, 1536};
    enum { KINDS = sizeof SIZES / sizeof *SIZES, LARGEST = 1536 };
    const size_t elements = (size_t)3 * LARGEST * LARGEST;
    double best = 0;
    float *block = fr_alloc(elements, sizeof *block);

    if (block == NULL) return 0;
    /* Ordinary numbers: zeros would let some processors draw less power and clock higher. */
    for (size_t i = 0; i < elements; i++) block[i] = 0.5f + (float)(i % 1021) / 1021;

    /* Round after round over all sizes, so that a noisy moment hits none of them alone. */
    const double start = fr_clock_now();
    do {
        for (size_t i = 0; i < KINDS; i++) {
            const double n = SIZES[i], spent = time_square(block, SIZES[i]);
            const double rate = 2e-9 * n * n * n / spent;
            if (spent > 0 && rate > best) best = rate;
        }
    } while (fr_clock_now() - start < seconds);
    free(block);
    return best;
}
