/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_network.h - the nodes of a chain of dense layers, and of the convolutions below it. */
#ifndef FR_EXPORT_ONNX_NETWORK_H
#define FR_EXPORT_ONNX_NETWORK_H

#include "foldrank/model.h"
#include "onnx_build.h"

/* From the preprocessed inputs `x` (N, inputs) to the scores `out` (N, outputs), both float;
 * inner names begin with `prefix` and "net". Local. */
void fr_onnx_network(fr_onnx *o, const fr_model *model, const char *prefix, const char *x,
                     const char *out);

#endif
