/* SPDX-License-Identifier: BSD-3-Clause */
/* c_projection.c - the matrix that may follow a model's features, as statements of C. */
#include "internal.h"

void fr_c_projection_constants(const fr_projection *p, fr_text *out)
{
    if (p == NULL) return;
    fr_text_add(out, "    /* (%zu, %zu) */\n", p->in, p->out);
    fr_c_floats(out, "projection", p->weights, p->in * p->out);
    fr_c_floats(out, "projected", p->bias, p->out);
}

void fr_c_projection(const fr_projection *p, fr_text *out)
{
    if (p == NULL) return;
    fr_text_add(out,
                "    for (j = 0; j < %zu; j++) b[j] = projected[j];\n"
                "    for (i = 0; i < %zu; i++)\n"
                "        for (j = 0; j < %zu; j++) b[j] += a[i] * projection[i * %zu + j];\n"
                "    for (j = 0; j < %zu; j++) a[j] = ",
                p->out, p->in, p->out, p->out, p->out);
    if (p->amplitude > 0) {
        fr_c_float(out, p->amplitude);
        fr_text_add(out, " * cosf(b[j]);\n");
    } else {
        fr_text_add(out, "b[j];\n");
    }
}
