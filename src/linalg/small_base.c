/* SPDX-License-Identifier: BSD-3-Clause */
/* small_base.c - kernels for small products in what every processor of the kind has: SSE on
 * x86-64 (16 registers of 4 floats), NEON on arm64 (32 of them). */
#define LANES 4
#ifdef __aarch64__
#define ROWS 8
#else
#define ROWS 6
#endif
#define TARGET
#define NAME fr_small_gemm_base
#include "small.inc"
