/* SPDX-License-Identifier: BSD-3-Clause */
/* kernel_ridge.h - the kernel family: ridge regression in the space of a kernel, of values or
 * of
 * +-1 for each class against the rest.
 *
 * f(z) = sum_i k(z, x_i) weight_i + bias over the training rows x_i, which are part of the
 * model, minimises sum_i w_i (y_i - f(x_i))^2 + ridge |f|^2, where w_i is the weight of row i
 * (Saunders et al. 1998; the bias as in the least-squares SVM of Suykens and Vandewalle 1999).
 * With s_i = sqrt(w_i), S = diag(s) and A = S K S + ridge I:
 *
 *     u = A^-1 S y,  v = A^-1 s,  bias = s'u / s'v,  weight = S (u - bias v)
 *
 * and the error of row i in a fit without it is known without that fit: times s_i it is
 * (u - bias v)_i / (A^-1_ii - v_i^2 / s'v) (Cawley 2006). Without an intercept bias = 0 and v
 * drops out. Kernels are computed in float64, the model is kept in float32. All functions are
 * Local. */
#ifndef FR_KERNEL_RIDGE_H
#define FR_KERNEL_RIDGE_H

#include <stddef.h>
#include <stdint.h>

#include "foldrank/gram.h"
#include "foldrank/model.h"
#include "foldrank/status.h"

/* A kernel function with its numbers. */
typedef struct {
    double kind; /* fr_kernel_kind; a double as the others, to be part of a gram's theta */
    double gamma, degree, coef0;
} fr_kernel_function;

fr_kernel_function fr_kernel_function_make(const fr_model_options *options, size_t inputs);

/* tile(i, j) = k(a_i, b_j) of the rows of a (tile->rows, d) and b (tile->cols, d), both with d
 * = a->cols columns. */
void fr_kernel_tile(const fr_kernel_function *kernel, const fr_matrix *a, const fr_matrix *b,
                    const fr_matrix *tile);

/* A as a kernel of gram.h: x (n, inputs + 1) are the training rows, each followed by its s_i;
 * theta is an fr_kernel_function and the ridge. It gives no gradient. */
enum { FR_KERNEL_RIDGE_THETA = 5 };
extern const fr_kernel fr_kernel_ridge;

/* Where the parts of a model are in its block of floats: rows (rows, inputs), weights (rows,
 * outputs), bias (outputs). */
typedef struct {
    size_t rows, inputs, outputs;
    size_t weights, bias, n_params; /* offsets; all floats */
} fr_kernel_layout;

fr_kernel_layout fr_kernel_layout_make(size_t rows, size_t inputs, size_t outputs);

/* Floating-point operations of the products of a prediction of one row; of a fit: the matrix
 * and `steps` factorisations. */
double fr_kernel_flops_predict(size_t rows, size_t inputs, size_t outputs);
double fr_kernel_flops_fit(size_t rows, size_t inputs, size_t steps);

/* fr_model_predict for this family. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_kernel_predict(const fr_model *model, const fr_dataset *dataset,
                                       const uint32_t *rows, size_t n, float *output);

#endif
