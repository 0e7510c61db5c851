/* SPDX-License-Identifier: BSD-3-Clause */
/* small_avx2.c - kernels for small products on x86-64-v3: 16 registers of 8 floats. */
#ifdef __x86_64__
#define LANES  8
#define ROWS   6
#define TARGET __attribute__((target("avx2,fma")))
#define NAME   fr_small_gemm_avx2
#include "small.inc"
#else
#include "internal.h"
#endif
