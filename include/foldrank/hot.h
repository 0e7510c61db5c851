/* SPDX-License-Identifier: BSD-3-Clause */
/* hot.h - one loop compiled for several levels of the instruction set.
 *
 * The default build runs on any x86-64; a function marked FR_HOT is compiled for x86-64-v3
 * (AVX2) and v4 (AVX-512) as well, and the loader picks the best that the processor has.
 * Without contraction of a * b + c, and where sums over a loop are written as sums of a fixed
 * number of lanes, all levels give the same bits. Sanitizers cannot start a program with such
 * functions, and other compilers or processors do without.
 *
 * Including this header also tells GCC, for the rest of the file, that nobody looks at
 * floating-point exception flags: otherwise it turns `a > b ? c : d * e` into a branch, and a
 * loop that has one is not vectorised. No result changes, NaN and infinity included. Nor does
 * it turn a loop that copies a row of a few vectors into a call of memcpy. */
#ifndef FR_HOT_H
#define FR_HOT_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                         \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FR_HOT __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#pragma GCC optimize("no-trapping-math", "no-tree-loop-distribute-patterns")
#else
#define FR_HOT
#endif

/* Helpers of such functions: compiled into each of their copies. */
#define FR_HOT_INLINE static inline __attribute__((always_inline))

#endif
