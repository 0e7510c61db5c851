/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_words.h - the nodes that cut texts into n-grams and count them. Local. */
#ifndef FR_EXPORT_ONNX_WORDS_H
#define FR_EXPORT_ONNX_WORDS_H

#include "onnx_build.h"
#include "terms.h"

/* From the column of texts, an input (N, 1), to the weighed counts of the terms that the model
 * uses, float (N, terms), in the order of its features; inner names begin with `prefix`. */
const char *fr_onnx_words(fr_onnx *o, const fr_model *model, const fr_terms *terms,
                          const char *prefix);

#endif
