/* SPDX-License-Identifier: BSD-3-Clause */
/* c_network.c - convolutions, dense layers and a factorisation machine as C.
 *
 * Levels take turns between two arrays. A convolution goes window by window of its pooling and
 * keeps only what comes out of it, so that the arrays need to hold no more than the inputs and
 * the pooled maps. */
#include <stdio.h>

#include "internal.h"

size_t fr_c_network_widest(const fr_network *net)
{
    size_t widest = net->stem.n > 0 ? net->inputs : 0;
    for (size_t l = 0; l < net->stem.n; l++) {
        const fr_conv *c = &net->stem.conv[l];
        const size_t pooled = c->out_h * c->out_w * c->out;
        if (pooled > widest) widest = pooled;
    }
    for (size_t l = 0; l <= net->n_layers; l++)
        if (net->width[l] > widest) widest = net->width[l];
    return widest;
}

bool fr_c_network_pairs(const fr_network *net)
{
    return net->factorises && net->factors > 0;
}

/* C of the activation of `v`. */
static void write_activation(const fr_network *net, fr_text *out)
{
    switch (net->activation) {
    case FR_ACT_TANH:
        fr_text_add(out, "tanhf(v)");
        break;
    case FR_ACT_SIGMOID:
        fr_text_add(out, "1.0f / (1.0f + expf(-v))");
        break;
    case FR_ACT_GELU:
        fr_text_add(out, "0.5f * v * erfcf(-0.707106781f * v)");
        break;
    case FR_ACT_LEAKY_RELU:
        fr_text_add(out, "v > 0.0f ? v : v * ");
        fr_c_float(out, net->negative_slope);
        break;
    default:
        fr_text_add(out, "v > 0.0f ? v : 0.0f");
        break;
    }
}

/* ---- functions ---- */

static void write_layer_function(const char *name, fr_text *out)
{
    fr_text_add(out,
                "\n/* out (n_out) = bias + in (n_in) weight (n_in, n_out) */\n"
                "static inline void %s_layer(const float *in, int n_in, const float *weight, "
                "const float *bias,\n                              float *out, int n_out)\n{\n"
                "    int i, j;\n"
                "    for (j = 0; j < n_out; j++) out[j] = bias[j];\n"
                "    for (i = 0; i < n_in; i++, weight += n_out)\n"
                "        for (j = 0; j < n_out; j++) out[j] += in[i] * weight[j];\n}\n",
                name);
}

static void write_convolution_struct(const fr_stem *s, const char *name, fr_text *out)
{
    fr_text_add(out,
                "\n/* A convolution, its activation and its pooling. */\n"
                "struct %s_convolution {\n"
                "    int high, wide, n_in, n_out; /* pixels, channels read and written */\n"
                "    int pool_h, pool_w;          /* pooled window, */\n"
                "    int average, adds;           /* by its mean or its largest; whether the "
                "input is added */\n"
                "    const float *weight;         /* (%zu, %zu, n_in, n_out) */\n"
                "    const float *factor, *summand; /* (n_out), of each channel of the product "
                "*/\n};\n",
                name, s->kernel_h, s->kernel_w);
}

/* z (n_out) of pixel (y, x): the kernel above the pixels that there are. */
static void write_pixel_function(const fr_stem *s, const char *name, fr_text *out)
{
    fr_text_add(
        out,
        "\n/* z (n_out) of one pixel of a convolution over in (high, wide, n_in); 0 is outside "
        "*/\nstatic inline void %s_pixel(const struct %s_convolution *c, const float *in, int "
        "y, int x,\n                              float *z)\n{\n"
        "    const float *weight = c->weight;\n    int i, j, tap;\n"
        "    for (j = 0; j < c->n_out; j++) z[j] = 0.0f;\n"
        "    for (tap = 0; tap < %zu; tap++, weight += c->n_in * c->n_out) {\n"
        "        const int row = y + tap / %zu - %zu, col = x + tap %% %zu - %zu;\n"
        "        if (row < 0 || row >= c->high || col < 0 || col >= c->wide) continue;\n"
        "        for (i = 0; i < c->n_in; i++) {\n"
        "            const float v = in[(row * c->wide + col) * c->n_in + i];\n"
        "            for (j = 0; j < c->n_out; j++) z[j] += v * weight[i * c->n_out + j];\n"
        "        }\n    }\n}\n",
        name, name, s->kernel_h * s->kernel_w, s->kernel_w, s->pad_h, s->kernel_w, s->pad_w);
}

static size_t most_channels(const fr_stem *s)
{
    size_t most = 0;
    for (size_t l = 0; l < s->n; l++)
        if (s->conv[l].out > most) most = s->conv[l].out;
    return most;
}

static void write_convolve_function(const fr_network *net, const char *name, fr_text *out)
{
    fr_text_add(
        out,
        "\n/* in (high, wide, n_in) to out (high / pool_h, wide / pool_w, n_out) */\n"
        "static inline void %s_convolve(const struct %s_convolution *c, const float *in, float "
        "*out)\n{\n"
        "    const int high = c->high / c->pool_h, wide = c->wide / c->pool_w;\n"
        "    const int pixels = c->pool_h * c->pool_w;\n"
        "    float z[%zu], v;\n    int i, j, k;\n"
        "    for (i = 0; i < high * wide; i++, out += c->n_out) {\n"
        "        for (k = 0; k < pixels; k++) {\n"
        "            const int y = i / wide * c->pool_h + k / c->pool_w;\n"
        "            const int x = i %% wide * c->pool_w + k %% c->pool_w;\n"
        "            %s_pixel(c, in, y, x, z);\n"
        "            for (j = 0; j < c->n_out; j++) {\n"
        "                v = z[j] * c->factor[j] + c->summand[j];\n"
        "                if (c->adds) v += in[(y * c->wide + x) * c->n_in + j];\n"
        "                v = ",
        name, name, most_channels(&net->stem), name);
    write_activation(net, out);
    fr_text_add(out, ";\n"
                     "                if (k == 0 || (!c->average && v > out[j]))\n"
                     "                    out[j] = v;\n"
                     "                else if (c->average)\n"
                     "                    out[j] += v;\n"
                     "            }\n        }\n"
                     "        for (j = 0; c->average && j < c->n_out; j++) out[j] /= "
                     "(float)pixels;\n    }\n}\n");
}

void fr_c_network_functions(const fr_network *net, const char *name, fr_text *out)
{
    if (net->stem.n > 0) {
        write_convolution_struct(&net->stem, name, out);
        write_pixel_function(&net->stem, name, out);
        write_convolve_function(net, name, out);
    }
    if (!net->factorises) write_layer_function(name, out);
}

/* ---- constants ---- */

static void write_convolution(const fr_network *net, const fr_model *model, size_t l,
                              fr_text *out)
{
    const fr_stem *s = &net->stem;
    const fr_conv *c = &s->conv[l];
    float affine[2][FR_FILTERS_MAX];
    char name[32];
    fr_conv_affine(s, c, model->params, affine[0], affine[1]);
    snprintf(name, sizeof name, "filters%zu", l);
    fr_text_add(out, "    /* (%zu, %zu, %zu, %zu) */\n", s->kernel_h, s->kernel_w, c->in,
                c->out);
    fr_c_floats(out, name, model->params + c->weights,
                s->kernel_h * s->kernel_w * c->in * c->out);
    snprintf(name, sizeof name, "factor%zu", l);
    fr_c_floats(out, name, affine[0], c->out);
    snprintf(name, sizeof name, "summand%zu", l);
    fr_c_floats(out, name, affine[1], c->out);
}

static void write_convolutions(const fr_network *net, const fr_model *model, const char *name,
                               fr_text *out)
{
    const fr_stem *s = &net->stem;
    for (size_t l = 0; l < s->n; l++) write_convolution(net, model, l, out);
    if (s->n > 0)
        fr_text_add(out, "    static const struct %s_convolution convolution[%zu] = {\n", name,
                    s->n);
    for (size_t l = 0; l < s->n; l++) {
        const fr_conv *c = &s->conv[l];
        fr_text_add(out,
                    "        {%zu, %zu, %zu, %zu, %zu, %zu, %d, %d, filters%zu, factor%zu, "
                    "summand%zu},\n",
                    c->height, c->width, c->in, c->out, c->pool_h, c->pool_w, c->average,
                    c->adds, l, l, l);
    }
    if (s->n > 0) fr_text_add(out, "    };\n");
}

void fr_c_network_constants(const fr_network *net, const fr_model *model, const char *name,
                            fr_text *out)
{
    write_convolutions(net, model, name, out);
    for (size_t l = 1; l <= net->n_layers; l++) {
        char own[32];
        snprintf(own, sizeof own, "weight%zu", l);
        const size_t cols = fr_network_cols(net, l);
        fr_text_add(out, "    /* (%zu, %zu) */\n", net->width[l - 1], cols);
        fr_c_floats(out, own, model->params + net->weights[l], net->width[l - 1] * cols);
        snprintf(own, sizeof own, "bias%zu", l);
        fr_c_floats(out, own, model->params + net->bias[l], fr_network_biases(net, l));
    }
}

/* ---- what is called ---- */

/* A row of weight1 has an input's weight, then its factors. */
static void write_factors(const fr_network *net, bool classifies, fr_text *out)
{
    fr_text_add(out,
                "    v = bias1[0];\n    for (i = 0; i < %zu; i++) v += a[i] * weight1[i * "
                "%zu];\n",
                net->width[0], 1 + net->factors);
    if (net->factors > 0)
        fr_text_add(out,
                    "    for (f = 1; f <= %zu; f++) {\n"
                    "        float before = 0.0f;\n"
                    "        for (i = 0; i < %zu; i++) {\n"
                    "            const float t = a[i] * weight1[i * %zu + f];\n"
                    "            v += t * before;\n"
                    "            before += t;\n        }\n    }\n",
                    net->factors, net->width[0], 1 + net->factors);
    fr_text_add(out, classifies ? "    b[0] = 0.0f;\n    b[1] = v;\n" : "    b[0] = v;\n");
}

char fr_c_network_run(const fr_network *net, const fr_model *model, const char *name,
                      fr_text *out)
{
    char from = 'a', to = 'b';
    if (net->factorises) {
        write_factors(net, model->schema.learn == FR_LEARN_CLASSIFICATION, out);
        return to;
    }
    for (size_t l = 0; l < net->stem.n; l++) {
        fr_text_add(out, "    %s_convolve(&convolution[%zu], %c, %c);\n", name, l, from, to);
        from = to;
        to = from == 'a' ? 'b' : 'a';
    }
    for (size_t l = 1; l <= net->n_layers; l++) {
        fr_text_add(out, "    %s_layer(%c, %zu, weight%zu, bias%zu, %c, %zu);\n", name, from,
                    net->width[l - 1], l, l, to, net->width[l]);
        from = to;
        to = from == 'a' ? 'b' : 'a';
        if (l == net->n_layers) break;
        fr_text_add(out,
                    "    for (i = 0; i < %zu; i++) {\n        v = %c[i];\n        %c[i] = ",
                    net->width[l], from, from);
        write_activation(net, out);
        fr_text_add(out, ";\n    }\n");
    }
    return from;
}
