/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_projection.h - the nodes of a projection of features. */
#ifndef FR_EXPORT_ONNX_PROJECTION_H
#define FR_EXPORT_ONNX_PROJECTION_H

#include "foldrank/preprocess.h"
#include "onnx_build.h"

/* From the features `x` (N, in) to what it returns, (N, out), both float; x itself where there
 * is no projection. Inner names begin with `prefix` and "projection". Local. */
const char *fr_onnx_projection(fr_onnx *o, const fr_projection *projection, const char *prefix,
                               const char *x);

#endif
