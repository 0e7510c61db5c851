/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_projection.c - the matrix that may follow a model's features, as ONNX nodes. */
#include "onnx_projection.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

const char *fr_onnx_projection(fr_onnx *o, const fr_projection *p, const char *prefix,
                               const char *x)
{
    if (p == NULL) return x;
    const char *weight = fr_onnx_text(o, "%sprojection_weight", prefix),
               *bias = fr_onnx_text(o, "%sprojection_bias", prefix),
               *sum = fr_onnx_text(o, "%sprojection_sum", prefix);
    fr_onnx_floats(o, weight, p->weights, p->in, p->out);
    fr_onnx_floats(o, bias, p->bias, p->out, 0);
    fr_onnx_op(o, "Gemm", LIST(x, weight, bias), sum);
    if (p->amplitude == 0) return sum;
    const char *cosine = fr_onnx_text(o, "%sprojection_cosine", prefix),
               *factor = fr_onnx_text(o, "%sprojection_amplitude", prefix),
               *out = fr_onnx_text(o, "%sprojection", prefix);
    fr_onnx_op(o, "Cos", LIST(sum), cosine);
    fr_onnx_floats(o, factor, &p->amplitude, 1, 0);
    fr_onnx_op(o, "Mul", LIST(cosine, factor), out);
    return out;
}
