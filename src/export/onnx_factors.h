/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_factors.h - the nodes of a factorisation machine. Local. */
#ifndef FR_EXPORT_ONNX_FACTORS_H
#define FR_EXPORT_ONNX_FACTORS_H

#include "foldrank/model.h"
#include "onnx_build.h"

/* From inputs x (N, width) to scores `out`; inner names begin with `prefix`. */
void fr_onnx_factors(fr_onnx *o, const fr_model *model, const char *prefix, const char *x,
                     const char *out);

#endif
