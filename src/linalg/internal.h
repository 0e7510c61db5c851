/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - what the files of linalg share: the Fortran prototypes of the project, which
 * stand nowhere else, and the kernels for small products. */
#ifndef FR_LINALG_INTERNAL_H
#define FR_LINALG_INTERNAL_H

#include "foldrank/linalg.h"

/* LAPACK and BLAS, column-major, 32-bit integers (the LP64 interface). gfortran also passes the
 * length of each character argument, after all others; leaving it out is the custom of CBLAS
 * and LAPACKE, and right for arguments of length one. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dtrsm_(const char *side, const char *uplo, const char *trans, const char *diag,
            const int *m, const int *n, const double *alpha, const double *a, const int *lda,
            double *b, const int *ldb);
void dtrsv_(const char *uplo, const char *trans, const char *diag, const int *n,
            const double *a, const int *lda, double *x, const int *incx);

/* A kernel set for small products: fr_gemm's contract, for any shape. */
typedef void fr_small_gemm(const fr_gemm_shape *shape, const float *a, const float *b,
                           float *c);

fr_small_gemm fr_small_gemm_base;
fr_small_gemm fr_small_gemm_avx2;
fr_small_gemm fr_small_gemm_avx512;

typedef struct {
    const char *name;
    fr_small_gemm *run;
} fr_small_kernel;

/* The i-th kernel set that this processor can run, best first; .run is NULL past the last. */
fr_small_kernel fr_small_kernel_at(size_t i);

#endif
