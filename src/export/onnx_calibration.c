/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_calibration.c - from scores to probabilities, calibrated or not, and to the class that
 * is said, as ONNX nodes. Sums of which a part is taken away are computed in float64. */
#include "onnx_calibration.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

typedef struct {
    fr_onnx *o;
    const char *prefix;
    size_t n_names;
} writer;

static const char *new_name(writer *w)
{
    return fr_onnx_text(w->o, "%scalibrate%zu", w->prefix, w->n_names++);
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

static const char *cast(writer *w, const char *name, int type)
{
    const char *out = new_name(w);
    fr_onnx_node *node = fr_onnx_op(w->o, "Cast", LIST(name), out);
    fr_onnx_set_int(w->o, node, "to", type);
    return out;
}

static const char *widen(writer *w, const char *name)
{
    return cast(w, name, ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE);
}

/* (rows, cols) of values that are `step` apart. */
static const char *matrix(writer *w, const double *values, size_t rows, size_t cols,
                          size_t step)
{
    const char *name = new_name(w);
    float *held = fr_onnx_alloc(w->o, rows * cols, sizeof *held);
    for (size_t i = 0; held != NULL && i < rows * cols; i++) held[i] = (float)values[i * step];
    fr_onnx_floats(w->o, name, held, rows, cols);
    return name;
}

static const char *constant(writer *w, double value)
{
    const char *name = new_name(w);
    float *held = fr_onnx_alloc(w->o, 1, sizeof *held);
    if (held != NULL) *held = (float)value;
    fr_onnx_floats(w->o, name, held, 1, 0);
    return name;
}

/* (n, 1) of ones: what sums a row. */
static const char *ones(writer *w, size_t n)
{
    const char *name = new_name(w);
    float *held = fr_onnx_alloc(w->o, n, sizeof *held);
    for (size_t i = 0; held != NULL && i < n; i++) held[i] = 1;
    fr_onnx_floats(w->o, name, held, n, 1);
    return name;
}

/* Softmax of {0, slope (s_1 - s_0) + intercept}. */
static void sigmoid(writer *w, const fr_calibration *c, const char *scores, const char *out)
{
    static const double difference[] = {-1, 1};
    const double slope[] = {0, c->sigmoid[0]}, intercept[] = {0, c->sigmoid[1]};
    const char *x = binary(w, "MatMul", scores, matrix(w, difference, 2, 1, 1));
    const char *z = binary(w, "MatMul", x, matrix(w, slope, 1, 2, 1));
    fr_onnx_op(w->o, "Softmax", LIST(binary(w, "Add", z, matrix(w, intercept, 1, 2, 1))), out);
}

/* Log odds of each class against the rest. */
static const char *log_odds(writer *w, size_t n, const char *scores)
{
    const char *most = new_name(w);
    int64_t *axes = fr_onnx_alloc(w->o, 1, sizeof *axes);
    if (axes == NULL) return "";
    *axes = 1;
    fr_onnx_set_ints(w->o, fr_onnx_op(w->o, "ReduceMax", LIST(scores), most), "axes", axes, 1);
    const char *own = widen(w, binary(w, "Sub", scores, most));
    const char *mass = unary(w, "Exp", own);
    const char *sum = binary(w, "MatMul", mass, widen(w, ones(w, n)));
    const char *others = binary(w, "Sub", sum, mass);
    const char *kept = binary(w, "Add", unary(w, "Relu", others), widen(w, constant(w, 1e-12)));
    const char *odds = binary(w, "Sub", own, unary(w, "Log", kept));
    return cast(w, odds, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
}

static void sigmoids(writer *w, const fr_calibration *c, const char *scores, const char *out)
{
    const char *x = c->log_scores ? log_odds(w, c->n, scores) : scores;
    const char *steep = binary(w, "Mul", x, matrix(w, c->sigmoid, 1, c->n, 2));
    const char *p =
        unary(w, "Sigmoid", binary(w, "Add", steep, matrix(w, c->sigmoid + 1, 1, c->n, 2)));
    fr_onnx_op(w->o, "Div", LIST(p, binary(w, "MatMul", p, ones(w, c->n))), out);
}

void fr_onnx_probabilities(fr_onnx *o, const fr_calibration *calibration, const char *prefix,
                           const char *scores, const char *out)
{
    writer w = {o, prefix, 0};
    if (calibration->method == FR_CALIBRATE_NONE)
        fr_onnx_op(o, "Softmax", LIST(scores), out); /* over the last axis */
    else if (calibration->method == FR_CALIBRATE_TEMPERATURE)
        fr_onnx_op(o, "Softmax",
                   LIST(binary(&w, "Div", scores, constant(&w, calibration->temperature))),
                   out);
    else if (calibration->n == 1)
        sigmoid(&w, calibration, scores, out);
    else
        sigmoids(&w, calibration, scores, out);
}

void fr_onnx_decide(fr_onnx *o, const fr_calibration *calibration, const char *prefix,
                    const char *values, const char *out)
{
    if (!(calibration->threshold > 0)) {
        fr_onnx_node *node = fr_onnx_op(o, "ArgMax", LIST(values), out);
        fr_onnx_set_int(o, node, "axis", 1);
        fr_onnx_set_int(o, node, "keepdims", 0);
        return;
    }
    writer w = {o, fr_onnx_text(o, "%sthreshold", prefix), 0};
    int64_t *column = fr_onnx_alloc(o, 1, sizeof *column);
    const char *index = new_name(&w), *second = new_name(&w), *flat = new_name(&w);
    if (column == NULL) return;
    *column = 1;
    fr_onnx_ints(o, index, column, 1);
    fr_onnx_node *node = fr_onnx_op(o, "Gather", LIST(values, index), second); /* (N, 1) */
    fr_onnx_set_int(o, node, "axis", 1);
    fr_onnx_op(o, "Squeeze", LIST(second, index), flat);
    const char *bound = constant(&w, (double)calibration->threshold);
    const char *above = binary(&w, "Greater", flat, bound);
    node = fr_onnx_op(o, "Cast", LIST(above), out);
    fr_onnx_set_int(o, node, "to", ONNX__TENSOR_PROTO__DATA_TYPE__INT64);
}
