/* SPDX-License-Identifier: BSD-3-Clause */
/* kernel_ridge.c - kernel functions by tiles, and what a kernel model says about new rows. */
#include "foldrank/kernel_ridge.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"

enum { CHUNK = 128 }; /* rows and training rows of a tile: it stays in the second-level cache */

fr_kernel_function fr_kernel_function_make(const fr_model_options *options, size_t inputs)
{
    const double usual = 1.0 / (double)(inputs > 0 ? inputs : 1);
    return (fr_kernel_function){.kind = options->kernel,
                                .gamma = options->gamma > 0 ? options->gamma : usual,
                                .degree = (double)options->degree,
                                .coef0 = options->coef0};
}

static double square(const double *x, size_t d)
{
    double sum = 0;
    for (size_t j = 0; j < d; j++) sum += x[j] * x[j];
    return sum;
}

static void multiply(const fr_matrix *a, const fr_matrix *b, const fr_matrix *tile)
{
    const fr_gemm_shape shape = {.m = tile->rows,
                                 .n = tile->cols,
                                 .k = a->cols,
                                 .lda = a->ld,
                                 .ldb = b->ld,
                                 .ldc = tile->ld,
                                 .transpose_b = true};
    fr_gemm_double(&shape, a->data, b->data, tile->data);
}

/* |x - z|^2 = |x|^2 + |z|^2 - 2 x.z, whose rounding may fall below 0. */
static void rbf(double gamma, const fr_matrix *a, const fr_matrix *b, const fr_matrix *tile)
{
    double squares[CHUNK];
    multiply(a, b, tile);
    for (size_t first = 0; first < tile->cols; first += CHUNK) {
        const size_t n = tile->cols - first < CHUNK ? tile->cols - first : CHUNK;
        for (size_t j = 0; j < n; j++)
            squares[j] = square(b->data + (first + j) * b->ld, a->cols);
        for (size_t i = 0; i < tile->rows; i++) {
            const double own = square(a->data + i * a->ld, a->cols);
            double *line = tile->data + i * tile->ld + first;
            for (size_t j = 0; j < n; j++)
                line[j] = exp(-gamma * fmax(own + squares[j] - 2 * line[j], 0));
        }
    }
}

static void laplace(double gamma, const fr_matrix *a, const fr_matrix *b, const fr_matrix *tile)
{
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols; j++) {
            const double *x = a->data + i * a->ld, *z = b->data + j * b->ld;
            double sum = 0;
            for (size_t k = 0; k < a->cols; k++) sum += fabs(x[k] - z[k]);
            tile->data[i * tile->ld + j] = exp(-gamma * sum);
        }
}

static void polynomial(const fr_kernel_function *kernel, const fr_matrix *tile)
{
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols; j++) {
            double *value = &tile->data[i * tile->ld + j];
            const double base = kernel->gamma * *value + kernel->coef0;
            double power = base;
            for (int k = 1; k < (int)kernel->degree; k++) power *= base;
            *value = power;
        }
}

void fr_kernel_tile(const fr_kernel_function *kernel, const fr_matrix *a, const fr_matrix *b,
                    const fr_matrix *tile)
{
    switch ((fr_kernel_kind)kernel->kind) {
    case FR_KERNEL_RBF:
        rbf(kernel->gamma, a, b, tile);
        break;
    case FR_KERNEL_LAPLACE:
        laplace(kernel->gamma, a, b, tile);
        break;
    case FR_KERNEL_POLYNOMIAL:
        multiply(a, b, tile);
        polynomial(kernel, tile);
        break;
    case FR_KERNEL_LINEAR:
        multiply(a, b, tile);
        break;
    }
}

/* Rows of a gram from `first` on, without the root of their weight. */
static fr_matrix rows_of(const fr_gram *gram, size_t first, size_t n)
{
    return (fr_matrix){.data = (double *)(uintptr_t)(gram->x + first * gram->d), /* read */
                       .rows = n,
                       .cols = gram->d - 1,
                       .ld = gram->d};
}

static void fill(const fr_gram *gram, size_t row, size_t col, const fr_matrix *tile)
{
    const fr_kernel_function kernel = {gram->theta[0], gram->theta[1], gram->theta[2],
                                       gram->theta[3]};
    const fr_matrix a = rows_of(gram, row, tile->rows), b = rows_of(gram, col, tile->cols);
    fr_kernel_tile(&kernel, &a, &b, tile);
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols; j++) {
            const double s = a.data[i * a.ld + a.cols] * b.data[j * b.ld + b.cols];
            double *value = &tile->data[i * tile->ld + j];
            *value = s * *value + (row + i == col + j ? gram->theta[4] : 0);
        }
}

const fr_kernel fr_kernel_ridge = {.fill = fill};

fr_kernel_layout fr_kernel_layout_make(size_t rows, size_t inputs, size_t outputs)
{
    fr_kernel_layout layout = {.rows = rows, .inputs = inputs, .outputs = outputs};
    layout.weights = rows * inputs;
    layout.bias = layout.weights + rows * outputs;
    layout.n_params = layout.bias + outputs;
    return layout;
}

double fr_kernel_flops_predict(size_t rows, size_t inputs, size_t outputs)
{
    return 2.0 * (double)rows * (double)(inputs + outputs);
}

double fr_kernel_flops_fit(size_t rows, size_t inputs, size_t steps)
{
    const double n = (double)rows, factor = n * n * n / 3, invert = steps > 1 ? factor : 0;
    return (n * n * (double)inputs + factor + invert) * (double)steps;
}

/* What one thread needs: a chunk of rows, a chunk of training rows, and their tile. */
typedef struct {
    const fr_model *model;
    fr_kernel_layout layout;
    fr_kernel_function kernel;
    float *gathered; /* (CHUNK, inputs) */
    double *rows;    /* (CHUNK, inputs) */
    double *known;   /* (CHUNK, inputs) */
    double *tile;    /* (CHUNK, CHUNK) */
    double *sums;    /* (CHUNK, outputs) */
    double *weights; /* (CHUNK, outputs) */
} bench;

static void widen(const float *from, size_t n, double *to)
{
    for (size_t i = 0; i < n; i++) to[i] = (double)from[i];
}

/* sums += k(rows, training rows [first, first + n)) weights. */
static void add_chunk(bench *b, size_t n_rows, size_t first, size_t n)
{
    const size_t d = b->layout.inputs, m = b->layout.outputs;
    const float *params = b->model->params;
    widen(params + first * d, n * d, b->known);
    widen(params + b->layout.weights + first * m, n * m, b->weights);
    const fr_matrix rows = {b->rows, n_rows, d, d}, known = {b->known, n, d, d};
    const fr_matrix tile = {b->tile, n_rows, n, CHUNK};
    fr_kernel_tile(&b->kernel, &rows, &known, &tile);
    const fr_gemm_shape shape = {
        .m = n_rows, .n = m, .k = n, .lda = CHUNK, .ldb = m, .ldc = m, .accumulate = true};
    fr_gemm_double(&shape, b->tile, b->weights, b->sums);
}

static void predict_chunk(bench *b, const fr_dataset *dataset, const uint32_t *rows, size_t n,
                          float *output)
{
    const size_t d = b->layout.inputs, m = b->layout.outputs;
    const fr_transform *t = &b->model->transform;
    const float *bias = b->model->params + b->layout.bias;
    fr_transform_apply(t, dataset, rows, n, b->gathered, d);
    widen(b->gathered, n * d, b->rows);
    for (size_t i = 0; i < n; i++) widen(bias, m, b->sums + i * m);
    for (size_t first = 0; first < b->layout.rows; first += CHUNK) {
        const size_t left = b->layout.rows - first;
        add_chunk(b, n, first, left < CHUNK ? left : CHUNK);
    }
    for (size_t i = 0; i < n * m; i++)
        output[i] = (float)(b->sums[i] / t->target_factor + t->target_shift);
}

static fr_status bench_create(const fr_model *model, bench *out)
{
    const fr_kernel_layout l =
        fr_kernel_layout_make(model->n_rows, model->transform.width, model->n_outputs);
    *out = (bench){.model = model,
                   .layout = l,
                   .kernel = fr_kernel_function_make(&model->options, l.inputs),
                   .gathered = fr_alloc(CHUNK * l.inputs, sizeof(float)),
                   .rows = fr_alloc(CHUNK * l.inputs, sizeof(double)),
                   .known = fr_alloc(CHUNK * l.inputs, sizeof(double)),
                   .tile = fr_alloc(CHUNK * CHUNK, sizeof(double)),
                   .sums = fr_alloc(CHUNK * l.outputs, sizeof(double)),
                   .weights = fr_alloc(CHUNK * l.outputs, sizeof(double))};
    const bool good = out->gathered != NULL && out->rows != NULL && out->known != NULL &&
                      out->tile != NULL && out->sums != NULL && out->weights != NULL;
    return good ? FR_OK : FR_ERR_MEMORY;
}

static void bench_clear(bench *b)
{
    free(b->gathered);
    free(b->rows);
    free(b->known);
    free(b->tile);
    free(b->sums);
    free(b->weights);
}

fr_status fr_kernel_predict(const fr_model *model, const fr_dataset *dataset,
                            const uint32_t *rows, size_t n, float *output)
{
    const size_t n_chunks = (n + CHUNK - 1) / CHUNK, most = (size_t)omp_get_max_threads();
    const size_t team = n_chunks < most ? n_chunks : most;
    fr_status st = FR_OK;
    if (n == 0) return FR_OK;
    bench *benches = fr_alloc(team, sizeof *benches);
    if (benches == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < team && st == FR_OK; i++) st = bench_create(model, &benches[i]);
    if (st != FR_OK) goto out;

#pragma omp parallel for num_threads((int)team) if (team > 1) default(none) schedule(static)   \
    shared(benches) firstprivate(model, dataset, rows, n, output, n_chunks)
    for (size_t c = 0; c < n_chunks; c++) {
        const size_t first = c * CHUNK, count = n - first < CHUNK ? n - first : CHUNK;
        predict_chunk(&benches[omp_get_thread_num()], dataset, rows + first, count,
                      output + first * model->n_outputs);
    }
out:
    for (size_t i = 0; i < team; i++) bench_clear(&benches[i]);
    free(benches);
    return st;
}
