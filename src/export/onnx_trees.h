/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_trees.h - the nodes of a sum of trees. */
#ifndef FR_EXPORT_ONNX_TREES_H
#define FR_EXPORT_ONNX_TREES_H

#include "foldrank/model.h"
#include "onnx_build.h"

/* From the preprocessed inputs `x` (N, inputs) to the scores `out` (N, outputs), both float;
 * inner names begin with `prefix` and "tree". Local. */
void fr_onnx_trees(fr_onnx *o, const fr_model *model, const char *prefix, const char *x,
                   const char *out);

#endif
