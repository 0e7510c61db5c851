/* SPDX-License-Identifier: BSD-3-Clause */
/* export.h - the selected model leaves the house: as an ONNX file, as C source, and with a card
 * that says what it is, how it was found and what it is worth; and the study, for Optuna.
 *
 * Preprocessing goes along: what comes out takes the columns of the training data as they are
 * and gives what fr_model_predict gives, to rounding; or fr_ensemble_predict, where `together`
 * is the results' ensemble and not NULL. All functions but fr_export_optuna want results that
 * were opened with their model; all are Local. Errors: FR_ERR_STATE when there is no model;
 * FR_ERR_MEMORY. */
#ifndef FR_EXPORT_H
#define FR_EXPORT_H

#include <stddef.h>
#include <stdio.h>

#include "foldrank/status.h"
#include "foldrank/store.h"
#include "foldrank/text.h"

/* How an ONNX model takes a row. */
typedef enum {
    FR_INPUTS_AUTO,    /* a matrix when every column is made of numbers, else columns */
    FR_INPUTS_MATRIX,  /* one input X (N, columns), float32 */
    FR_INPUTS_COLUMNS, /* one input (N, 1) per column, by its name: float32, or string */
} fr_export_inputs;
extern const char *const fr_export_inputs_words[]; /* "auto", ...; NULL-terminated */

/* The model as ONNX: opset 13 of ai.onnx, 2 of ai.onnx.ml, IR version 7, which every
 * onnxruntime since 1.5 (2020) reads. Outputs: `label` (N) and `probabilities` (N, classes), of
 * an svm `decision_values`; of a regression `prediction` (N, 1). Labels are int64 when every
 * class is written as an integer, else strings. A number that is missing is NaN; a category
 * that is missing, or that the training data did not have, is any other text (or number). A
 * model that counts n-grams of a text has that text as its one input, and operators of
 * com.microsoft, which only onnxruntime has, to cut it.
 * *bytes is the caller's (free). Errors also: FR_ERR_USAGE when a matrix is wanted for columns
 * of text, or the model is larger than the 2 GB of a protobuf message. */
FR_CHECKED fr_status fr_export_onnx(const fr_results_file *results, const fr_ensemble *together,
                                    fr_export_inputs inputs, void **bytes, size_t *n);

/* The model as one C99 header (also good C++): one function with its weights in it, without
 * malloc, needing math.h and at most string.h; its opening comment says how to call it. A model
 * that counts n-grams takes a const char *, UTF-8. */
FR_CHECKED fr_status fr_export_c(const fr_results_file *results, const fr_ensemble *together,
                                 fr_text *out);

/* The model card, Markdown. */
FR_CHECKED fr_status fr_export_card(const fr_results_file *results, const fr_ensemble *together,
                                    fr_text *out);

/* All trials as Optuna's JournalStorage keeps a study, onto `out`; with or without a model,
 * finished or not. Whether everything could be written is for the caller to ask of the stream.
 * Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_export_optuna(const fr_results_file *results, FILE *out);

#endif
