/* SPDX-License-Identifier: BSD-3-Clause */
/* cholesky.c - float64 Cholesky factor and triangular solves for Gaussian processes.
 *
 * LAPACK reads our row-major arrays as their transposes: a symmetric matrix stays itself, and
 * the row-major lower triangle L is a column-major upper triangle U = L'. Right-hand sides B
 * (n, r) are seen as B' (r, n), so L X = B is solved from the right, as X' U = B'. Nothing is
 * copied. */
#include <limits.h>
#include <math.h>

#include "internal.h"

static fr_status check_view(const char *what, const fr_matrix *x)
{
    if (x->rows > INT_MAX || x->cols > INT_MAX || x->ld > INT_MAX)
        return FR_FAIL(FR_ERR_ARG,
                       "%s is %zu x %zu with leading dimension %zu; LAPACK counts to %d", what,
                       x->rows, x->cols, x->ld, INT_MAX);
    if (x->ld < x->cols)
        return FR_FAIL(FR_ERR_ARG, "%s has leading dimension %zu, less than its %zu columns",
                       what, x->ld, x->cols);
    return FR_OK;
}

static fr_status check_square(const char *what, const fr_matrix *x)
{
    if (x->rows != x->cols)
        return FR_FAIL(FR_ERR_ARG, "%s is %zu x %zu, not square", what, x->rows, x->cols);
    return check_view(what, x);
}

fr_status fr_cholesky_factor(const fr_matrix *a)
{
    FR_TRY(check_square("the matrix to factor", a));
    if (a->rows == 0) return FR_OK;

    const int n = (int)a->rows, ld = (int)a->ld;
    int info = 0;
    dpotrf_("U", &n, a->data, &ld, &info);
    if (info > 0)
        return FR_FAIL(FR_ERR_NUMERIC,
                       "the matrix (%d x %d) is not positive definite: pivot %d", n, n,
                       info - 1);
    /* A NaN passes LAPACK's test for a positive pivot; it always ends on the diagonal. */
    for (size_t i = 0; i < a->rows; i++)
        if (!isfinite(a->data[i * a->ld + i]))
            return FR_FAIL(FR_ERR_NUMERIC, "the matrix (%d x %d) is not finite: pivot %zu", n,
                           n, i);
    return FR_OK;
}

fr_status fr_triangle_solve(const fr_matrix *l, bool transpose, const fr_matrix *b)
{
    FR_TRY(check_square("the triangle", l));
    FR_TRY(check_view("the right-hand side", b));
    if (b->rows != l->rows)
        return FR_FAIL(FR_ERR_ARG, "the right-hand side has %zu rows, the triangle %zu",
                       b->rows, l->rows);
    if (b->rows == 0 || b->cols == 0) return FR_OK;

    const int n = (int)l->rows, r = (int)b->cols, ldl = (int)l->ld, ldb = (int)b->ld;
    const double one = 1.0;
    if (r == 1) /* U' x = b is L x = b */
        dtrsv_("U", transpose ? "N" : "T", "N", &n, l->data, &ldl, b->data, &ldb);
    else
        dtrsm_("R", "U", transpose ? "T" : "N", "N", &r, &n, &one, l->data, &ldl, b->data,
               &ldb);
    return FR_OK;
}

fr_status fr_cholesky_solve(const fr_matrix *l, const fr_matrix *b)
{
    FR_TRY(fr_triangle_solve(l, false, b));
    return fr_triangle_solve(l, true, b);
}

fr_status fr_cholesky_invert(const fr_matrix *l)
{
    FR_TRY(check_square("the triangle", l));
    if (l->rows == 0) return FR_OK;

    const int n = (int)l->rows, ld = (int)l->ld;
    int info = 0;
    dpotri_("U", &n, l->data, &ld, &info);
    if (info > 0)
        return FR_FAIL(FR_ERR_NUMERIC, "the factor (%d x %d) has a zero pivot: %d", n, n,
                       info - 1);
    return FR_OK;
}

fr_status fr_triangle_invert(const fr_matrix *l)
{
    FR_TRY(check_square("the triangle", l));
    if (l->rows == 0) return FR_OK;

    const int n = (int)l->rows, ld = (int)l->ld;
    int info = 0;
    dtrtri_("U", "N", &n, l->data, &ld, &info); /* U^-1 is the transpose of L^-1 */
    if (info > 0)
        return FR_FAIL(FR_ERR_NUMERIC, "the triangle (%d x %d) has a zero pivot: %d", n, n,
                       info - 1);
    return FR_OK;
}

double fr_cholesky_logdet(const fr_matrix *l)
{
    double sum = 0;
    for (size_t i = 0; i < l->rows; i++) sum += log(l->data[i * l->ld + i]);
    return 2 * sum;
}
