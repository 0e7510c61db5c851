/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_calibration.h - the nodes of a classifier behind its scores. All Local. */
#ifndef FR_EXPORT_ONNX_CALIBRATION_H
#define FR_EXPORT_ONNX_CALIBRATION_H

#include "foldrank/calibrate.h"
#include "onnx_build.h"

/* From scores (N, classes) to probabilities `out`: by softmax where nothing is calibrated;
 * inner names begin with `prefix` and "calibrate". */
void fr_onnx_probabilities(fr_onnx *o, const fr_calibration *calibration, const char *prefix,
                           const char *scores, const char *out);

/* From outputs (N, classes) to the number of the class that is said, `out` (N), int64; inner
 * names begin with `prefix` and "threshold". */
void fr_onnx_decide(fr_onnx *o, const fr_calibration *calibration, const char *prefix,
                    const char *values, const char *out);

#endif
