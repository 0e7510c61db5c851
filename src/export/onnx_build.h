/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_build.h - an ONNX model under construction: a small layer over the structs that protoc-c
 * makes of onnx.proto.
 *
 * Everything that is added lives in one arena and goes with it. When memory runs out `failed`
 * is set and nothing more is added; fr_onnx_pack tells. Texts are copied, tensors' numbers are
 * borrowed until the model is packed. All Local. */
#ifndef FR_EXPORT_ONNX_BUILD_H
#define FR_EXPORT_ONNX_BUILD_H

#include <onnx.pb-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/status.h"

typedef Onnx__NodeProto fr_onnx_node;

typedef struct {
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    void **blocks; /* the arena */
    size_t n_blocks, capacity;
    size_t n_names;
    bool runtime_ops; /* there are some of com.microsoft */
    bool failed;
} fr_onnx;

void fr_onnx_init(fr_onnx *o);
void fr_onnx_clear(fr_onnx *o);

/* The message's bytes; *bytes is the caller's (free). FR_ERR_MEMORY, or FR_ERR_USAGE beyond the
 * 2 GB that a protobuf message may have. */
FR_CHECKED fr_status fr_onnx_pack(fr_onnx *o, void **bytes, size_t *n);

/* n zeroed elements in the arena; NULL when there is no memory. */
void *fr_onnx_alloc(fr_onnx *o, size_t n, size_t size);
/* A text in the arena; what is no UTF-8 in it becomes U+FFFD. */
char *fr_onnx_text(fr_onnx *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A node of the standard operators or of ai.onnx.ml; `inputs` ends with NULL. The result is for
 * adding attributes, and may be NULL. */
fr_onnx_node *fr_onnx_op(fr_onnx *o, const char *op, const char *const inputs[],
                         const char *output);
fr_onnx_node *fr_onnx_ml_op(fr_onnx *o, const char *op, const char *input, const char *output);
/* Of onnxruntime's own operators (com.microsoft), which only it has. */
fr_onnx_node *fr_onnx_runtime_op(fr_onnx *o, const char *op, const char *input,
                                 const char *output);
/* A further output of a node; "": one that is not wanted. */
void fr_onnx_more(fr_onnx *o, fr_onnx_node *node, const char *output);

/* A name that begins with `prefix` and that nothing else has; nodes of one or two inputs and
 * constants that get such a name, which is returned. */
const char *fr_onnx_name(fr_onnx *o, const char *prefix);
const char *fr_onnx_unary(fr_onnx *o, const char *prefix, const char *op, const char *a);
const char *fr_onnx_binary(fr_onnx *o, const char *prefix, const char *op, const char *a,
                           const char *b);
const char *fr_onnx_cast(fr_onnx *o, const char *prefix, const char *a, int type);
const char *fr_onnx_constant(fr_onnx *o, const char *prefix, float value);

/* Attributes. Arrays are borrowed, texts copied. */
void fr_onnx_set_int(fr_onnx *o, fr_onnx_node *node, const char *name, int64_t value);
void fr_onnx_set_float(fr_onnx *o, fr_onnx_node *node, const char *name, float value);
void fr_onnx_set_ints(fr_onnx *o, fr_onnx_node *node, const char *name, const int64_t *values,
                      size_t n);
void fr_onnx_set_floats(fr_onnx *o, fr_onnx_node *node, const char *name, const float *values,
                        size_t n);
void fr_onnx_set_text(fr_onnx *o, fr_onnx_node *node, const char *name, const char *text);
void fr_onnx_set_texts(fr_onnx *o, fr_onnx_node *node, const char *name, char *const *texts,
                       size_t n);

/* Constant tensors. Shape (rows, cols), or (rows) when cols is 0; or of any rank. */
void fr_onnx_tensor(fr_onnx *o, const char *name, const float *values, const size_t *dims,
                    size_t n_dims);
void fr_onnx_floats(fr_onnx *o, const char *name, const float *values, size_t rows,
                    size_t cols);
void fr_onnx_ints(fr_onnx *o, const char *name, const int64_t *values, size_t n);
/* Shape (rows, cols). */
void fr_onnx_int_matrix(fr_onnx *o, const char *name, const int64_t *values, size_t rows,
                        size_t cols);
void fr_onnx_texts(fr_onnx *o, const char *name, char *const *texts, size_t n);

/* An input or output of the graph: (N, cols), or (N) when cols is 0. */
typedef enum { FR_ONNX_INPUT, FR_ONNX_OUTPUT } fr_onnx_side;
void fr_onnx_port(fr_onnx *o, fr_onnx_side side, const char *name, int type, size_t cols);

/* The type of an inner result, of which no shape is said: for operators that are not known to
 * who infers types. */
void fr_onnx_hint(fr_onnx *o, const char *name, int type);

/* A line of the model's metadata. */
void fr_onnx_say(fr_onnx *o, const char *key, const char *value);

/* The same of `["a", "b"]`: names[0..n), `step` bytes apart. */
void fr_onnx_say_list(fr_onnx *o, const char *key, char *const *names, size_t n, size_t step);

#endif
