/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - what the files of linalg share: the Fortran prototypes of the project, which
 * stand nowhere else, and the kernels for small products. */
#ifndef FR_LINALG_INTERNAL_H
#define FR_LINALG_INTERNAL_H

#include <mpi.h>

#include "foldrank/distributed.h"
#include "foldrank/linalg.h"

/* LAPACK and BLAS, column-major, 32-bit integers (the LP64 interface). gfortran also passes the
 * length of each character argument, after all others; leaving it out is the custom of CBLAS
 * and LAPACKE, and right for arguments of length one. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *lda,
             int *info);
void dtrsm_(const char *side, const char *uplo, const char *trans, const char *diag,
            const int *m, const int *n, const double *alpha, const double *a, const int *lda,
            double *b, const int *ldb);
void dtrsv_(const char *uplo, const char *trans, const char *diag, const int *n,
            const double *a, const int *lda, double *x, const int *incx);

void dsyevd_(const char *job, const char *uplo, const int *n, double *a, const int *lda,
             double *w, double *work, const int *size, int *integers, const int *n_integers,
             int *info);
void dsyev_(const char *job, const char *uplo, const int *n, double *a, const int *lda,
            double *values, double *work, const int *n_work, int *info);

/* BLACS, the message layer of ScaLAPACK, by its Fortran names; `comm` is MPI_Comm_c2f's. A
 * context is a grid of ranks. */
int sys2blacs_handle_(const int *comm);
void free_blacs_system_handle_(const int *handle);
void blacs_gridinit_(int *context, const char *order, const int *rows, const int *cols);
void blacs_gridinfo_(const int *context, int *rows, int *cols, int *row, int *col);
void blacs_gridexit_(const int *context);
void blacs_set_(const int *context, const int *what, const int *value);

/* ScaLAPACK. A matrix is this rank's part of it, column-major, the indices from 1 of its upper
 * left corner, and a descriptor of 9 integers. */
int numroc_(const int *n, const int *block, const int *coordinate, const int *first,
            const int *ranks);
void descinit_(int *descriptor, const int *m, const int *n, const int *block_rows,
               const int *block_cols, const int *first_row, const int *first_col,
               const int *context, const int *ld, int *info);
void pdtrtri_(const char *uplo, const char *diag, const int *n, double *a, const int *ia,
              const int *ja, const int *descriptor, int *info);
void pstrtri_(const char *uplo, const char *diag, const int *n, float *a, const int *ia,
              const int *ja, const int *descriptor, int *info);
void pspotrf_(const char *uplo, const int *n, float *a, const int *ia, const int *ja,
              const int *descriptor, int *info);
void pspotri_(const char *uplo, const int *n, float *a, const int *ia, const int *ja,
              const int *descriptor, int *info);
void pspotrs_(const char *uplo, const int *n, const int *r, const float *a, const int *ia,
              const int *ja, const int *descriptor, float *b, const int *ib, const int *jb,
              const int *descriptor_b, int *info);
void pdpotrf_(const char *uplo, const int *n, double *a, const int *ia, const int *ja,
              const int *descriptor, int *info);
void pdpotri_(const char *uplo, const int *n, double *a, const int *ia, const int *ja,
              const int *descriptor, int *info);
void pdpotrs_(const char *uplo, const int *n, const int *r, const double *a, const int *ia,
              const int *ja, const int *descriptor, double *b, const int *ib, const int *jb,
              const int *descriptor_b, int *info);

void pdsyevd_(const char *job, const char *uplo, const int *n, double *a, const int *ia,
              const int *ja, const int *descriptor, double *values, double *z, const int *iz,
              const int *jz, const int *descriptor_z, double *work, const int *size,
              int *integers, const int *n_integers, int *info);

/* The weights that turn a tile of K^-1 into its share of the gradient, in place: tile(i, j) =
 * (alpha_r alpha_c - tile(i, j)) * {1 below the diagonal, 1/2 on it, 0 above}, with r = row + i
 * and c = col + j; then a sum over the lower triangle alone is half of that over both. Local.
 */
void fr_gram_weigh(const double *alpha, size_t row, size_t col, const fr_matrix *tile);

/* Whether `out` has room for so many eigenvectors from number `first` on, of n. Local. */
FR_CHECKED fr_status fr_eigen_check(size_t n, size_t first, const fr_matrix *out);

/* fr_dist_cholesky_solve with a float32 factor of K(gram), refined to float64; scratch (2, n,
 * r). Errors: those of fr_dist_cholesky_solve; FR_ERR_NUMERIC (K is too ill-conditioned).
 * Collective. */
fr_status fr_dist_solve_refined(fr_dist_matrix *matrix, const fr_gram *gram, const fr_matrix *b,
                                double *scratch);

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
