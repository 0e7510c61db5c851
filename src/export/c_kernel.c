/* SPDX-License-Identifier: BSD-3-Clause */
/* c_kernel.c - a kernel model as one C function of preprocessed inputs. */
#include "foldrank/kernel_ridge.h"
#include "internal.h"

/* C of what a training row x adds to `sum`, and of the kernel's value for it. */
static const char *term(fr_kernel_kind kind)
{
    switch (kind) {
    case FR_KERNEL_RBF:
        return "((double)a[j] - (double)x[j]) * ((double)a[j] - (double)x[j])";
    case FR_KERNEL_LAPLACE:
        return "fabs((double)a[j] - (double)x[j])";
    default:
        return "(double)a[j] * (double)x[j]";
    }
}

static void write_value(const fr_kernel_function *kernel, fr_text *out)
{
    char gamma[FR_NUMBER_SIZE], coef0[FR_NUMBER_SIZE];
    fr_format_double(kernel->gamma, gamma);
    fr_format_double(kernel->coef0, coef0);
    switch ((fr_kernel_kind)kernel->kind) {
    case FR_KERNEL_POLYNOMIAL:
        fr_text_add(out, "pow(%s * sum + %s, %d.0)", gamma, coef0, (int)kernel->degree);
        break;
    case FR_KERNEL_LINEAR:
        fr_text_add(out, "sum");
        break;
    default:
        fr_text_add(out, "exp(-%s * sum)", gamma);
        break;
    }
}

void fr_c_kernel(const fr_model *model, const char *name, fr_text *out)
{
    const fr_kernel_layout l =
        fr_kernel_layout_make(model->n_rows, model->transform.width, model->n_outputs);
    const fr_kernel_function kernel = fr_kernel_function_make(&model->options, l.inputs);
    fr_text_add(
        out,
        "\n/* b = bias + sum over the rows x that it was fitted to of k(a, x) weight */\n"
        "static inline void %s_kernel(const float *a, float *b)\n{\n"
        "    /* (%zu, %zu) */\n",
        name, l.rows, l.inputs);
    fr_c_floats(out, "rows", model->params, l.rows * l.inputs);
    fr_text_add(out, "    /* (%zu, %zu) */\n", l.rows, l.outputs);
    fr_c_floats(out, "weight", model->params + l.weights, l.rows * l.outputs);
    fr_c_floats(out, "bias", model->params + l.bias, l.outputs);
    fr_text_add(out,
                "    double z[%zu];\n    int i, j;\n"
                "    for (j = 0; j < %zu; j++) z[j] = (double)bias[j];\n"
                "    for (i = 0; i < %zu; i++) {\n"
                "        const float *x = rows + (size_t)i * %zu;\n"
                "        double sum = 0.0, k;\n"
                "        for (j = 0; j < %zu; j++) sum += %s;\n"
                "        k = ",
                l.outputs, l.outputs, l.rows, l.inputs, l.inputs,
                term((fr_kernel_kind)kernel.kind));
    write_value(&kernel, out);
    fr_text_add(
        out,
        ";\n        for (j = 0; j < %zu; j++) z[j] += k * (double)weight[i * %zu + j];\n"
        "    }\n    for (j = 0; j < %zu; j++) b[j] = (float)z[j];\n}\n",
        l.outputs, l.outputs, l.outputs);
}
