/* SPDX-License-Identifier: BSD-3-Clause */
/* pack.c - trained models and what they say as bytes, from one rank to another. */
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/model.h"

void fr_model_pack(const fr_model *model, fr_pack *out)
{
    fr_pack_bytes(out, &model->options, sizeof model->options);
    fr_pack_u64(out, model->n_outputs);
    fr_pack_u64(out, model->n_rows);
    fr_pack_u64(out, model->n_params);
    fr_schema_pack(&model->schema, out);
    fr_transform_pack(&model->transform, out);
    fr_calibration_pack(&model->calibration, out);
    if (model->options.family == FR_FAMILY_XGBOOST)
        fr_trees_pack(&model->trees, out);
    else
        fr_pack_bytes(out, model->params, model->n_params * sizeof *model->params);
}

fr_status fr_model_unpack(fr_unpack *in, fr_model *out)
{
    const void *settings = fr_unpack_bytes(in, sizeof out->options);
    *out = (fr_model){0};
    if (settings != NULL) memcpy(&out->options, settings, sizeof out->options);
    out->n_outputs = fr_unpack_u64(in);
    out->n_rows = fr_unpack_u64(in);
    out->n_params = fr_unpack_u64(in);
    FR_TRY(fr_schema_unpack(in, &out->schema));
    FR_TRY(fr_transform_unpack(in, &out->transform));
    FR_TRY(fr_calibration_unpack(in, &out->calibration));
    if (out->options.family == FR_FAMILY_XGBOOST)
        return fr_trees_unpack(in, out->transform.width, &out->trees);
    const void *params = NULL;
    if (out->n_params <= fr_unpack_left(in) / sizeof *out->params)
        params = fr_unpack_bytes(in, out->n_params * sizeof *out->params);
    if (params == NULL) return FR_FAIL(FR_ERR_FORMAT, "the model arrived incomplete");
    out->params = fr_alloc(out->n_params, sizeof *out->params);
    if (out->params == NULL) return FR_ERR_MEMORY;
    memcpy(out->params, params, out->n_params * sizeof *out->params);
    return FR_OK;
}

void fr_scored_pack(const fr_scored *scored, size_t n_outputs, fr_pack *out)
{
    fr_pack_u64(out, scored->n);
    fr_pack_u64(out, n_outputs);
    fr_pack_bytes(out, scored->row, scored->n * sizeof *scored->row);
    fr_pack_bytes(out, scored->target, scored->n * sizeof *scored->target);
    fr_pack_bytes(out, scored->output, scored->n * n_outputs * sizeof *scored->output);
}

fr_status fr_scored_unpack(fr_unpack *in, size_t n_outputs, fr_scored *out)
{
    const uint64_t n = fr_unpack_u64(in), width = fr_unpack_u64(in);
    *out = (fr_scored){0};
    if (in->failed || width != n_outputs ||
        n > fr_unpack_left(in) / ((2 + n_outputs) * sizeof(float)))
        return FR_FAIL(FR_ERR_FORMAT, "predictions arrived incomplete");
    out->row = fr_alloc(n, sizeof *out->row);
    out->target = fr_alloc(n, sizeof *out->target);
    out->output = fr_alloc(n * n_outputs, sizeof *out->output);
    if (out->row == NULL || out->target == NULL || out->output == NULL) return FR_ERR_MEMORY;
    out->n = n;
    if (n == 0) return FR_OK;
    memcpy(out->row, fr_unpack_bytes(in, n * sizeof *out->row), n * sizeof *out->row);
    memcpy(out->target, fr_unpack_bytes(in, n * sizeof *out->target), n * sizeof *out->target);
    memcpy(out->output, fr_unpack_bytes(in, n * n_outputs * sizeof *out->output),
           n * n_outputs * sizeof *out->output);
    return FR_OK;
}
