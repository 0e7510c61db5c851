/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_kernel.c - a kernel model as ONNX nodes, in float64 as fr_kernel_predict computes: the
 * float32 constants are widened in the graph. */
#include "onnx_kernel.h"
#include "foldrank/kernel_ridge.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

typedef struct {
    fr_onnx *o;
    const char *prefix;
    size_t n_names;
} writer;

static const char *new_name(writer *w)
{
    return fr_onnx_text(w->o, "%skernel%zu", w->prefix, w->n_names++);
}

static const char *binary(writer *w, const char *op, const char *a, const char *b)
{
    const char *out = new_name(w);
    fr_onnx_op(w->o, op, LIST(a, b), out);
    return out;
}

static const char *unary(writer *w, const char *op, const char *a)
{
    const char *out = new_name(w);
    fr_onnx_op(w->o, op, LIST(a), out);
    return out;
}

static const char *widen(writer *w, const char *name)
{
    const char *out = new_name(w);
    fr_onnx_node *node = fr_onnx_op(w->o, "Cast", LIST(name), out);
    fr_onnx_set_int(w->o, node, "to", ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE);
    return out;
}

/* Shape (rows, cols), or (rows) when cols is 0. */
static const char *matrix(writer *w, const float *values, size_t rows, size_t cols)
{
    const char *name = new_name(w);
    fr_onnx_floats(w->o, name, values, rows, cols);
    return widen(w, name);
}

/* A number as the sum of two floats: gamma times a large distance shows the rest. */
static const char *constant(writer *w, double value)
{
    float *parts = fr_onnx_alloc(w->o, 2, sizeof *parts);
    if (parts == NULL) return "";
    parts[0] = (float)value;
    parts[1] = (float)(value - (double)parts[0]);
    return binary(w, "Add", matrix(w, parts, 1, 0), matrix(w, parts + 1, 1, 0));
}

static const char *sum(writer *w, const char *name, int64_t axis, bool keep)
{
    int64_t *axes = fr_onnx_alloc(w->o, 1, sizeof *axes);
    const char *list = new_name(w), *out = new_name(w);
    if (axes == NULL) return "";
    *axes = axis;
    fr_onnx_ints(w->o, list, axes, 1);
    fr_onnx_node *node = fr_onnx_op(w->o, "ReduceSum", LIST(name, list), out);
    fr_onnx_set_int(w->o, node, "keepdims", keep);
    return out;
}

/* (N, d) and (n, d) to squared distances (N, n). */
static const char *square_distances(writer *w, const char *x, const char *rows,
                                    const char *products)
{
    const char *own = sum(w, binary(w, "Mul", x, x), 1, true);
    const char *other = sum(w, binary(w, "Mul", rows, rows), 1, false);
    const char *sums = binary(w, "Add", own, other);
    const char *twice = binary(w, "Add", products, products);
    return unary(w, "Relu", binary(w, "Sub", sums, twice));
}

/* To sums of absolute differences. */
static const char *distances(writer *w, const char *x, const char *rows)
{
    int64_t *axis = fr_onnx_alloc(w->o, 1, sizeof *axis);
    const char *list = new_name(w);
    if (axis == NULL) return "";
    *axis = 1;
    fr_onnx_ints(w->o, list, axis, 1);
    const char *apart = binary(w, "Unsqueeze", x, list); /* (N, 1, d) */
    return sum(w, unary(w, "Abs", binary(w, "Sub", apart, rows)), 2, false);
}

static const char *decay(writer *w, double gamma, const char *distance)
{
    return unary(w, "Exp", binary(w, "Mul", distance, constant(w, -gamma)));
}

static const char *power(writer *w, const fr_kernel_function *kernel, const char *products)
{
    const char *scaled = binary(w, "Mul", products, constant(w, kernel->gamma));
    const char *base = binary(w, "Add", scaled, constant(w, kernel->coef0)), *out = base;
    for (int k = 1; k < (int)kernel->degree; k++) out = binary(w, "Mul", out, base);
    return out;
}

static const char *similarities(writer *w, const fr_kernel_function *kernel, const char *x,
                                const char *rows)
{
    if ((fr_kernel_kind)kernel->kind == FR_KERNEL_LAPLACE)
        return decay(w, kernel->gamma, distances(w, x, rows));
    const char *products = binary(w, "MatMul", x, unary(w, "Transpose", rows));
    switch ((fr_kernel_kind)kernel->kind) {
    case FR_KERNEL_RBF:
        return decay(w, kernel->gamma, square_distances(w, x, rows, products));
    case FR_KERNEL_POLYNOMIAL:
        return power(w, kernel, products);
    default:
        return products;
    }
}

void fr_onnx_kernel(fr_onnx *o, const fr_model *model, const char *prefix, const char *x,
                    const char *out)
{
    writer w = {.o = o, .prefix = prefix};
    const fr_kernel_layout l =
        fr_kernel_layout_make(model->n_rows, model->transform.width, model->n_outputs);
    const fr_kernel_function kernel = fr_kernel_function_make(&model->options, l.inputs);
    const char *rows = matrix(&w, model->params, l.rows, l.inputs);
    const char *weights = matrix(&w, model->params + l.weights, l.rows, l.outputs);
    const char *bias = matrix(&w, model->params + l.bias, l.outputs, 0);
    const char *k = similarities(&w, &kernel, widen(&w, x), rows);
    const char *z = binary(&w, "Add", binary(&w, "MatMul", k, weights), bias);
    fr_onnx_node *node = fr_onnx_op(o, "Cast", LIST(z), out);
    fr_onnx_set_int(o, node, "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
}
