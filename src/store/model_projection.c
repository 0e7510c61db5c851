/* SPDX-License-Identifier: BSD-3-Clause */
/* model_projection.c - the matrix that follows a model's features; only in files whose model
 * has one. */
#include "internal.h"

void fr_projection_put(fr_h5_out *out, const fr_projection *p)
{
    if (p == NULL) return;
    fr_h5_put_group(out, "/model/projection");
    fr_h5_put_matrix(out, "/model/projection/weight", p->weights, p->in, p->out);
    fr_h5_put_column(out, &(fr_h5_column){.path = "/model/projection/bias",
                                          .type = FR_H5_F32,
                                          .n = p->out,
                                          .data = p->bias});
    fr_h5_put_scalar(out, "/model/projection/amplitude", FR_H5_F32, &p->amplitude);
}

fr_status fr_projection_get(const fr_h5_in *in, fr_transform *transform)
{
    const char *bias = "/model/projection/bias";
    const size_t inputs = transform->width;
    size_t outputs;
    if (!fr_h5_has(in, bias)) return FR_OK;
    FR_TRY(fr_h5_get_count(in, bias, &outputs));
    if (inputs == 0 || outputs == 0 || outputs > in->bytes / sizeof(float) / inputs)
        return FR_FAIL(FR_ERR_FORMAT,
                       "%s: /model/projection: its shape cannot be right; the file is damaged",
                       in->path);
    FR_TRY(fr_projection_create(inputs, outputs, &transform->projection));
    fr_projection *p = transform->projection;
    transform->width = outputs;
    FR_TRY(fr_h5_get_matrix(in, "/model/projection/weight", inputs, outputs, p->weights));
    FR_TRY(fr_h5_get_column(in, bias, FR_H5_F32, outputs, p->bias));
    return fr_h5_get_column(in, "/model/projection/amplitude", FR_H5_F32, 1, &p->amplitude);
}
