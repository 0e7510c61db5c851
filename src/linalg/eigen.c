/* SPDX-License-Identifier: BSD-3-Clause */
/* eigen.c - eigenvalues and eigenvectors of a symmetric matrix, float64.
 *
 * LAPACK reads the row-major array as its transpose, which is the same matrix, and leaves the
 * vectors in columns, which are our rows. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "foldrank/memory.h"
#include "internal.h"

enum { SMALL = 64 };

static fr_status decompose(const fr_matrix *a, double *values, int *info)
{
    const int n = (int)a->rows, ld = (int)a->ld, ask = -1;
    double wanted = 0.0;
    dsyev_("V", "U", &n, a->data, &ld, values, &wanted, &ask, info);
    const int size = (int)wanted;
    double *work = fr_alloc((size_t)size, sizeof *work);
    if (work == NULL) return FR_ERR_MEMORY;
    dsyev_("V", "U", &n, a->data, &ld, values, work, &size, info);
    free(work);
    return FR_OK;
}

/* A quarter of the time for several hundred rows. */
static fr_status divide_and_conquer(const fr_matrix *a, double *values, int *info)
{
    const int n = (int)a->rows, ld = (int)a->ld, ask = -1;
    double wanted = 0.0;
    int n_integers = 0;
    dsyevd_("V", "U", &n, a->data, &ld, values, &wanted, &ask, &n_integers, &ask, info);
    if (wanted > INT_MAX)
        return FR_FAIL(FR_ERR_ARG, "no eigenvectors of %d x %d numbers: too many", n, n);
    const int size = (int)wanted;
    double *work = fr_alloc((size_t)size, sizeof *work);
    int *integers = fr_alloc((size_t)n_integers, sizeof *integers);
    const bool good = work != NULL && integers != NULL;
    if (good)
        dsyevd_("V", "U", &n, a->data, &ld, values, work, &size, integers, &n_integers, info);
    free(work);
    free(integers);
    return good ? FR_OK : FR_ERR_MEMORY;
}

fr_status fr_symmetric_eigen(const fr_matrix *a, double *values)
{
    if (a->rows != a->cols || a->ld < a->cols || a->ld > INT_MAX)
        return FR_FAIL(FR_ERR_ARG, "no eigenvectors of a %zu x %zu view, leading dimension %zu",
                       a->rows, a->cols, a->ld);
    if (a->rows == 0) return FR_OK;
    const int n = (int)a->rows;
    int info = 0;
    FR_TRY(n <= SMALL ? decompose(a, values, &info) : divide_and_conquer(a, values, &info));
    if (info != 0 || !isfinite(values[0]) || !isfinite(values[n - 1]))
        return FR_FAIL(FR_ERR_NUMERIC, "the eigenvalues of a %d x %d matrix were not found", n,
                       n);
    return FR_OK;
}

fr_status fr_eigen_check(size_t n, size_t first, const fr_matrix *out)
{
    if (out->cols == n && out->ld >= n && first <= n && out->rows <= n - first) return FR_OK;
    return FR_FAIL(FR_ERR_ARG,
                   "eigenvectors %zu to %zu in %zu numbers each, leading dimension %zu, of a "
                   "matrix of %zu rows",
                   first, first + out->rows, out->cols, out->ld, n);
}
