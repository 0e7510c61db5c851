/* SPDX-License-Identifier: BSD-3-Clause */
/* scored.c - /test: the rows that the search never saw, and what the model says of them. */
#include <math.h>

#include "foldrank/memory.h"
#include "internal.h"

enum { OUTPUTS_MAX = 1 << 24 }; /* 64 MiB */

void fr_scored_put(fr_h5_out *out, const fr_scored *scored, size_t n_outputs)
{
    if (scored->n == 0 || scored->n > OUTPUTS_MAX / n_outputs) return;
    const fr_h5_column columns[] = {
        {.path = "/test/row",
         .type = FR_H5_U32,
         .n = scored->n,
         .data = scored->row,
         .about = "number of the row in the data"},
        {.path = "/test/target",
         .type = FR_H5_F32,
         .n = scored->n,
         .data = scored->target,
         .about = "number of the class, or the value"},
    };
    fr_h5_put_group(out, "/test");
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        fr_h5_put_column(out, &columns[i]);
    fr_h5_put_matrix(out, "/test/output", scored->output, scored->n, n_outputs);
}

/* Targets are classes of the model, or values. */
static bool targets_fit(const fr_scored *scored, const fr_model *model)
{
    const float n_classes = (float)model->schema.n_classes;
    for (size_t i = 0; i < scored->n; i++) {
        const float target = scored->target[i];
        const bool is_class = target >= 0 && target < n_classes && target == truncf(target);
        if (model->schema.learn == FR_LEARN_CLASSIFICATION ? !is_class : !isfinite(target))
            return false;
    }
    return true;
}

fr_status fr_scored_get(const fr_h5_in *in, const fr_model *model, fr_scored *out)
{
    const size_t n_outputs = model->n_outputs;
    *out = (fr_scored){0};
    if (!fr_h5_has(in, "/test")) return FR_OK;
    size_t n = 0;
    FR_TRY(fr_h5_get_all(in, "/test/row", FR_H5_U32, &out->row, &n));
    if (n > OUTPUTS_MAX / n_outputs)
        return FR_FAIL(FR_ERR_FORMAT, "%s: /test has %zu rows; it never has so many", in->path,
                       n);
    out->target = fr_alloc(n, sizeof *out->target);
    out->output = fr_alloc(n * n_outputs, sizeof *out->output);
    if (out->target == NULL || out->output == NULL) return FR_ERR_MEMORY;
    out->n = n;
    FR_TRY(fr_h5_get_column(in, "/test/target", FR_H5_F32, n, out->target));
    if (!targets_fit(out, model))
        return FR_FAIL(FR_ERR_FORMAT,
                       "%s: /test/target has what is no class; the file is damaged", in->path);
    return fr_h5_get_matrix(in, "/test/output", n, n_outputs, out->output);
}
