/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_factors.c - a factorisation machine as ONNX nodes: x w + b + 1/2 ((x V)^2 - x^2 V^2) 1,
 * and for two classes 0 beside it. The difference loses digits, so it is computed in double. */
#include "onnx_factors.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

enum {
    TYPE_FLOAT = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
    TYPE_DOUBLE = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE,
};

typedef struct {
    fr_onnx *o;
    const fr_model *model;
    const char *prefix;
} writer;

static const char *binary(const writer *w, const char *op, const char *a, const char *b)
{
    return fr_onnx_binary(w->o, w->prefix, op, a, b);
}

static const char *cast(const writer *w, const char *x, int type)
{
    return fr_onnx_cast(w->o, w->prefix, x, type);
}

/* Column `from` and the following ones of the inputs' weights, (width, n). */
static const char *input_weights(const writer *w, size_t from, size_t n)
{
    const size_t inputs = w->model->transform.width,
                 cols = 1 + (size_t)w->model->options.factors;
    const char *name = fr_onnx_name(w->o, w->prefix);
    float *held = fr_onnx_alloc(w->o, inputs * n, sizeof *held);
    for (size_t i = 0; held != NULL && i < inputs * n; i++)
        held[i] = w->model->params[i / n * cols + from + i % n];
    fr_onnx_floats(w->o, name, held, inputs, n);
    return name;
}

/* A matrix (rows, cols) of {even, odd, even, ...}. */
static const char *pattern(const writer *w, size_t rows, size_t cols, float even, float odd)
{
    const char *name = fr_onnx_name(w->o, w->prefix);
    float *held = fr_onnx_alloc(w->o, rows * cols, sizeof *held);
    for (size_t i = 0; held != NULL && i < rows * cols; i++) held[i] = i % 2 == 0 ? even : odd;
    fr_onnx_floats(w->o, name, held, rows, cols);
    return name;
}

/* What all pairs of inputs add. */
static const char *pairs(const writer *w, const char *x, size_t k)
{
    const char *wide = cast(w, x, TYPE_DOUBLE);
    const char *v = cast(w, input_weights(w, 1, k), TYPE_DOUBLE);
    const char *sum = binary(w, "MatMul", wide, v);
    const char *own = binary(w, "MatMul", binary(w, "Mul", wide, wide), binary(w, "Mul", v, v));
    const char *both = binary(w, "Sub", binary(w, "Mul", sum, sum), own);
    const char *half = cast(w, pattern(w, k, 1, 0.5f, 0.5f), TYPE_DOUBLE);
    return cast(w, binary(w, "MatMul", both, half), TYPE_FLOAT);
}

void fr_onnx_factors(fr_onnx *o, const fr_model *model, const char *prefix, const char *x,
                     const char *out)
{
    const writer w = {o, model, prefix};
    const size_t k = (size_t)model->options.factors;
    const char *bias = fr_onnx_name(o, prefix), *z = fr_onnx_name(o, prefix);
    fr_onnx_floats(o, bias, model->params + model->n_params - 1, 1, 0);
    fr_onnx_op(o, "Gemm", LIST(x, input_weights(&w, 0, 1), bias), z);
    if (k > 0) z = binary(&w, "Add", z, pairs(&w, x, k));
    if (model->n_outputs > 1)
        fr_onnx_op(o, "MatMul", LIST(z, pattern(&w, 1, 2, 0, 1)), out);
    else
        fr_onnx_op(o, "Identity", LIST(z), out);
}
