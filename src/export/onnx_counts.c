/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_counts.c - tfidf as ONNX nodes: what transform_sparse.c does beside the factors, in its
 * precision: a tree may split at a value that rows have, where the last bit decides. */
#include "onnx_counts.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

enum {
    TYPE_FLOAT = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
    TYPE_DOUBLE = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE,
};

static const char *where(fr_onnx *o, const char *prefix, const char *which, const char *yes,
                         const char *no)
{
    const char *out = fr_onnx_name(o, prefix);
    fr_onnx_op(o, "Where", LIST(which, yes, no), out);
    return out;
}

/* In float64. */
static const char *wide_constant(fr_onnx *o, const char *prefix, float value)
{
    return fr_onnx_cast(o, prefix, fr_onnx_constant(o, prefix, value), TYPE_DOUBLE);
}

const char *fr_onnx_sublinear(fr_onnx *o, const char *prefix, const char *x)
{
    const char *one = wide_constant(o, prefix, 1);
    const char *counted =
        fr_onnx_binary(o, prefix, "Greater", x, fr_onnx_constant(o, prefix, 0));
    /* The logarithm is taken of 1 where there is none. */
    const char *kept = where(o, prefix, counted, fr_onnx_cast(o, prefix, x, TYPE_DOUBLE), one);
    const char *log =
        fr_onnx_binary(o, prefix, "Add", fr_onnx_unary(o, prefix, "Log", kept), one);
    return where(o, prefix, counted, fr_onnx_cast(o, prefix, log, TYPE_FLOAT), x);
}

/* Clip(x, low, high), where an end may be "". */
static const char *clip(fr_onnx *o, const char *prefix, const char *x, const char *low,
                        const char *high)
{
    const char *out = fr_onnx_name(o, prefix);
    fr_onnx_op(o, "Clip", LIST(x, low, high), out);
    return out;
}

const char *fr_onnx_sublinear_counts(fr_onnx *o, const char *prefix, const char *x)
{
    const char *none = fr_onnx_name(o, prefix), *one = fr_onnx_name(o, prefix);
    float *held = fr_onnx_alloc(o, 1, sizeof *held);
    if (held == NULL) return "";
    *held = 1;
    fr_onnx_tensor(o, none, fr_onnx_alloc(o, 1, sizeof *held), NULL, 0);
    fr_onnx_tensor(o, one, held, NULL, 0);
    const char *low = fr_onnx_cast(o, prefix, none, TYPE_DOUBLE),
               *high = fr_onnx_cast(o, prefix, one, TYPE_DOUBLE),
               *wide = fr_onnx_cast(o, prefix, x, TYPE_DOUBLE);
    const char *log = fr_onnx_unary(o, prefix, "Log", clip(o, prefix, wide, high, ""));
    const char *there = clip(o, prefix, wide, low, high);
    return fr_onnx_cast(o, prefix, fr_onnx_binary(o, prefix, "Add", log, there), TYPE_FLOAT);
}

const char *fr_onnx_unit_rows(fr_onnx *o, const char *prefix, const char *x)
{
    const char *zero = wide_constant(o, prefix, 0), *one = wide_constant(o, prefix, 1);
    const char *wide = fr_onnx_cast(o, prefix, x, TYPE_DOUBLE);
    const char *squares = fr_onnx_name(o, prefix);
    int64_t *axes = fr_onnx_alloc(o, 1, sizeof *axes);
    if (axes == NULL) return "";
    *axes = 1;
    fr_onnx_node *node = fr_onnx_op(o, "ReduceSumSquare", LIST(wide), squares);
    fr_onnx_set_ints(o, node, "axes", axes, 1);
    const char *divides = fr_onnx_binary(o, prefix, "Greater", squares, zero);
    const char *length =
        fr_onnx_unary(o, prefix, "Sqrt", where(o, prefix, divides, squares, one));
    const char *factor = fr_onnx_binary(o, prefix, "Div", one, length);
    return fr_onnx_cast(o, prefix, fr_onnx_binary(o, prefix, "Mul", wide, factor), TYPE_FLOAT);
}
