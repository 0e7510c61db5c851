/* SPDX-License-Identifier: BSD-3-Clause */
/* gemm.c - float32 products: which kernel multiplies.
 *
 * FR_GEMM_SMALL, measured with AVX2 against OpenBLAS 0.3.21 (ours / BLAS): 1.4 at (32, 128,
 * 64), 1.16 at (32, 512, 512), 1.10 at 256 cubed, 1.01 at 512 cubed, 0.95 at (32, 1024, 1024),
 * whose operands have left the second-level cache. */
#include <assert.h>
#include <limits.h>

#include <cblas.h>

#include "internal.h"

/* No state: the compiler's own record of the processor answers in a nanosecond. */
fr_small_kernel fr_small_kernel_at(size_t i)
{
    fr_small_kernel found[4] = {{NULL, NULL}};
    size_t n = 0;
#ifdef __x86_64__
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    if (avx2 && avx512) found[n++] = (fr_small_kernel){"avx512", fr_small_gemm_avx512};
    if (avx2) found[n++] = (fr_small_kernel){"avx2", fr_small_gemm_avx2};
#endif
    found[n++] = (fr_small_kernel){"base", fr_small_gemm_base};
    return i < n ? found[i] : (fr_small_kernel){NULL, NULL};
}

const char *fr_gemm_kernel_name(void)
{
    return fr_small_kernel_at(0).name;
}

static bool is_small(const fr_gemm_shape *s)
{
    return (double)s->m * (double)s->n * (double)s->k <= FR_GEMM_SMALL;
}

static void check_shape(const fr_gemm_shape *s)
{
    assert(s->lda >= (s->transpose_a ? s->m : s->k) || (s->lda > 0 && is_small(s)));
    assert(s->ldb >= (s->transpose_b ? s->k : s->n));
    assert(s->ldc >= s->n);
    assert(s->m <= INT_MAX && s->n <= INT_MAX && s->k <= INT_MAX);
    assert(s->lda <= INT_MAX && s->ldb <= INT_MAX && s->ldc <= INT_MAX);
    (void)s;
}

void fr_gemm(const fr_gemm_shape *s, const float *a, const float *b, float *c)
{
    check_shape(s);
    if (is_small(s)) {
        fr_small_kernel_at(0).run(s, a, b, c);
        return;
    }
    cblas_sgemm(CblasRowMajor, s->transpose_a ? CblasTrans : CblasNoTrans,
                s->transpose_b ? CblasTrans : CblasNoTrans, (int)s->m, (int)s->n, (int)s->k,
                1.0f, a, (int)s->lda, b, (int)s->ldb, s->accumulate ? 1.0f : 0.0f, c,
                (int)s->ldc);
}

void fr_gemm_double(const fr_gemm_shape *s, const double *a, const double *b, double *c)
{
    check_shape(s);
    cblas_dgemm(CblasRowMajor, s->transpose_a ? CblasTrans : CblasNoTrans,
                s->transpose_b ? CblasTrans : CblasNoTrans, (int)s->m, (int)s->n, (int)s->k,
                1.0, a, (int)s->lda, b, (int)s->ldb, s->accumulate ? 1.0 : 0.0, c, (int)s->ldc);
}
