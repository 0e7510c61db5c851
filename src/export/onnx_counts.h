/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_counts.h - how counts are weighed, as ONNX nodes; `prefix` begins all inner names. All
 * Local. */
#ifndef FR_EXPORT_ONNX_COUNTS_H
#define FR_EXPORT_ONNX_COUNTS_H

#include "onnx_build.h"

/* 1 + ln(x) where x > 0, else x. */
const char *fr_onnx_sublinear(fr_onnx *o, const char *prefix, const char *x);
/* The same of whole numbers >= 0, which takes less time. */
const char *fr_onnx_sublinear_counts(fr_onnx *o, const char *prefix, const char *x);
/* Rows of length 1; those without a length (of zeros) stay. */
const char *fr_onnx_unit_rows(fr_onnx *o, const char *prefix, const char *x);

#endif
