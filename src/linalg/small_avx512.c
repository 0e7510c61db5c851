/* SPDX-License-Identifier: BSD-3-Clause */
/* small_avx512.c - kernels for small products on x86-64-v4: 32 registers of 16 floats. */
#ifdef __x86_64__
#define LANES  16
#define ROWS   8
#define TARGET __attribute__((target("avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")))
#define NAME   fr_small_gemm_avx512
#include "small.inc"
#else
#include "internal.h"
#endif
