/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_network.c - convolutions and dense layers as ONNX nodes.
 *
 * ONNX wants the channels of an image before its pixels, we have them last (stem.h): a row is
 * turned once on its way into the convolutions and once on its way out. */
#include <math.h>

#include "foldrank/network.h"
#include "onnx_network.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

typedef struct {
    fr_onnx *o;
    const fr_model *model;
    fr_network network;
    const char *prefix;
    size_t n_names;
} writer;

static const char *new_name(writer *w, const char *word)
{
    return fr_onnx_text(w->o, "%snet_%s%zu", w->prefix, word, w->n_names++);
}

static const char *binary(writer *w, const char *op, const char *a, const char *b)
{
    const char *out = new_name(w, "v");
    fr_onnx_op(w->o, op, LIST(a, b), out);
    return out;
}

static const char *constant(writer *w, float value)
{
    float *held = fr_onnx_alloc(w->o, 1, sizeof *held);
    const char *name = new_name(w, "constant");
    if (held != NULL) *held = value;
    fr_onnx_floats(w->o, name, held, 1, 0);
    return name;
}

/* A vector of the model's parameters. */
static const char *vector(writer *w, const char *word, size_t at, size_t n)
{
    const char *name = new_name(w, word);
    fr_onnx_floats(w->o, name, w->model->params + at, n, 0);
    return name;
}

static void set_ints(writer *w, fr_onnx_node *node, const char *name, size_t n,
                     const size_t *values)
{
    int64_t *held = fr_onnx_alloc(w->o, n, sizeof *held);
    if (held == NULL) return;
    for (size_t i = 0; i < n; i++) held[i] = (int64_t)values[i];
    fr_onnx_set_ints(w->o, node, name, held, n);
}

#define SET_INTS(w, node, name, ...)                                                           \
    set_ints(w, node, name, sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t),                  \
             (size_t[]){__VA_ARGS__})

/* z times the normal distribution's integral; opset 13 has no Gelu of its own. */
static const char *gelu(writer *w, const char *z)
{
    const char *erf = new_name(w, "erf");
    const char *inner = binary(w, "Mul", z, constant(w, (float)M_SQRT1_2));
    fr_onnx_op(w->o, "Erf", LIST(inner), erf);
    const char *twice = binary(w, "Add", erf, constant(w, 1));
    return binary(w, "Mul", binary(w, "Mul", z, constant(w, 0.5f)), twice);
}

static const char *activate(writer *w, const char *z)
{
    static const char *const ops[] = {[FR_ACT_RELU] = "Relu",
                                      [FR_ACT_LEAKY_RELU] = "LeakyRelu",
                                      [FR_ACT_TANH] = "Tanh",
                                      [FR_ACT_SIGMOID] = "Sigmoid"};
    const fr_network *network = &w->network;
    if (network->activation == FR_ACT_GELU) return gelu(w, z);
    const char *out = new_name(w, "h");
    fr_onnx_node *node = fr_onnx_op(w->o, ops[network->activation], LIST(z), out);
    if (network->activation == FR_ACT_LEAKY_RELU)
        fr_onnx_set_float(w->o, node, "alpha", network->negative_slope);
    return out;
}

static const char *transpose(writer *w, const char *x, const size_t order[4])
{
    const char *out = new_name(w, "turned");
    fr_onnx_node *node = fr_onnx_op(w->o, "Transpose", LIST(x), out);
    set_ints(w, node, "perm", 4, order);
    return out;
}

/* (N, inputs) to (N, channels, height, width). */
static const char *enter(writer *w, const fr_conv *c, const char *x)
{
    const int64_t shape[] = {-1, (int64_t)c->height, (int64_t)c->width, (int64_t)c->in};
    int64_t *held = fr_onnx_alloc(w->o, 4, sizeof *held);
    const char *list = new_name(w, "shape");
    for (size_t i = 0; held != NULL && i < 4; i++) held[i] = shape[i];
    fr_onnx_ints(w->o, list, held, 4);
    return transpose(w, binary(w, "Reshape", x, list), (size_t[]){0, 3, 1, 2});
}

/* And back, (N, channels, height, width) to (N, height width channels). */
static const char *leave(writer *w, const char *x)
{
    const char *last = transpose(w, x, (size_t[]){0, 2, 3, 1}), *out = new_name(w, "flat");
    fr_onnx_node *node = fr_onnx_op(w->o, "Flatten", LIST(last), out);
    fr_onnx_set_int(w->o, node, "axis", 1);
    return out;
}

/* Weights (kernel_h, kernel_w, in, out) as (out, in, kernel_h, kernel_w). */
static const char *filters(writer *w, const fr_conv *c)
{
    const fr_stem *s = &w->network.stem;
    const size_t taps = s->kernel_h * s->kernel_w;
    const float *from = w->model->params + c->weights;
    float *held = fr_onnx_alloc(w->o, taps * c->in * c->out, sizeof *held);
    const char *name = new_name(w, "filters");
    for (size_t i = 0; held != NULL && i < c->in; i++)
        for (size_t j = 0; j < c->out; j++)
            for (size_t t = 0; t < taps; t++)
                held[(j * c->in + i) * taps + t] = from[(t * c->in + i) * c->out + j];
    fr_onnx_tensor(w->o, name, held, (size_t[]){c->out, c->in, s->kernel_h, s->kernel_w}, 4);
    return name;
}

/* The product, with its bias or normalised. */
static const char *convolve(writer *w, const fr_conv *c, const char *x)
{
    const fr_stem *s = &w->network.stem;
    const char *z = new_name(w, "conv"), *weights = filters(w, c);
    const char *bias = vector(w, "bias", c->bias, c->out);
    fr_onnx_node *node =
        fr_onnx_op(w->o, "Conv", s->batch_norm ? LIST(x, weights) : LIST(x, weights, bias), z);
    SET_INTS(w, node, "kernel_shape", s->kernel_h, s->kernel_w);
    SET_INTS(w, node, "pads", s->pad_h, s->pad_w, s->pad_h, s->pad_w);
    if (!s->batch_norm) return z;
    const char *gain = vector(w, "gain", c->gain, c->out), *y = new_name(w, "norm");
    const char *mean = vector(w, "mean", c->mean, c->out);
    const char *variance = vector(w, "variance", c->variance, c->out);
    node = fr_onnx_op(w->o, "BatchNormalization", LIST(z, gain, bias, mean, variance), y);
    fr_onnx_set_float(w->o, node, "epsilon", (float)FR_NORM_EPSILON);
    return y;
}

static const char *pool(writer *w, const fr_conv *c, const char *x)
{
    const char *out = new_name(w, "pool");
    if (c->pool_h * c->pool_w == 1) return x;
    fr_onnx_node *node = fr_onnx_op(w->o, c->average ? "AveragePool" : "MaxPool", LIST(x), out);
    SET_INTS(w, node, "kernel_shape", c->pool_h, c->pool_w);
    SET_INTS(w, node, "strides", c->pool_h, c->pool_w);
    return out;
}

static const char *convolutions(writer *w, const char *x)
{
    const fr_stem *s = &w->network.stem;
    x = enter(w, &s->conv[0], x);
    for (size_t l = 0; l < s->n; l++) {
        const char *y = convolve(w, &s->conv[l], x);
        if (s->conv[l].adds) y = binary(w, "Add", y, x);
        x = pool(w, &s->conv[l], activate(w, y));
    }
    return leave(w, x);
}

void fr_onnx_network(fr_onnx *o, const fr_model *model, const char *prefix, const char *x,
                     const char *out)
{
    writer w = {.o = o, .model = model, .prefix = prefix};
    const fr_network *net = &w.network;
    fr_network_make(&model->options, model->schema.learn, model->transform.width,
                    model->n_outputs, &w.network);
    if (net->stem.n > 0) x = convolutions(&w, x);
    for (size_t l = 1; l <= net->n_layers; l++) {
        const char *weight = new_name(&w, "weight"),
                   *bias = vector(&w, "bias", net->bias[l], net->width[l]);
        const char *z = l == net->n_layers ? out : new_name(&w, "z");
        fr_onnx_floats(o, weight, model->params + net->weights[l], net->width[l - 1],
                       net->width[l]);
        fr_onnx_op(o, "Gemm", LIST(x, weight, bias), z);
        x = l == net->n_layers ? z : activate(&w, z);
    }
}
