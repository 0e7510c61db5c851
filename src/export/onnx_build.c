/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_build.c - nodes, tensors and ports of an ONNX graph. */
#include "onnx_build.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"

enum { OPSET = 13, ML_OPSET = 2, IR_VERSION = 7 };

void *fr_onnx_alloc(fr_onnx *o, size_t n, size_t size)
{
    void *list = o->blocks;
    if (o->failed) return NULL;
    o->failed = fr_grow(&list, &o->capacity, o->n_blocks + 1, sizeof *o->blocks) != FR_OK;
    o->blocks = list;
    if (o->failed) return NULL;
    void *block = fr_alloc(n, size);
    if (block == NULL)
        o->failed = true;
    else
        o->blocks[o->n_blocks++] = block;
    return block;
}

char *fr_onnx_text(fr_onnx *o, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *raw = n < 0 ? NULL : fr_onnx_alloc(o, (size_t)n + 1, 1);
    if (raw != NULL) vsnprintf(raw, (size_t)n + 1, format, again);
    va_end(again);
    fr_text clean = {0};
    if (raw != NULL) fr_utf8_clean(raw, &clean);
    char *text = fr_onnx_alloc(o, clean.length + 1, 1);
    if (text != NULL) memcpy(text, fr_text_get(&clean), clean.length + 1);
    o->failed = o->failed || clean.failed;
    fr_text_clear(&clean);
    return text;
}

/* A protobuf list of pointers and one item more; in the arena, twice as long when it is full.
 */
static void *extended(fr_onnx *o, void *list, size_t n, const void *item)
{
    char *grown = list;
    if (item == NULL) return list;
    if ((n & (n - 1)) == 0) {
        grown = fr_onnx_alloc(o, n == 0 ? 1 : 2 * n, sizeof item);
        if (grown == NULL) return list;
        if (n > 0) memcpy(grown, list, n * sizeof item);
    }
    memcpy(grown + n * sizeof item, &item, sizeof item);
    return grown;
}

static void use_domain(fr_onnx *o, const char *domain, int64_t version)
{
    Onnx__OperatorSetIdProto *set = fr_onnx_alloc(o, 1, sizeof *set);
    if (set == NULL) return;
    onnx__operator_set_id_proto__init(set);
    set->domain = fr_onnx_text(o, "%s", domain);
    set->has_version = 1;
    set->version = version;
    o->model.opset_import = extended(o, o->model.opset_import, o->model.n_opset_import, set);
    o->model.n_opset_import++;
}

void fr_onnx_init(fr_onnx *o)
{
    *o = (fr_onnx){0};
    onnx__model_proto__init(&o->model);
    onnx__graph_proto__init(&o->graph);
    o->model.graph = &o->graph;
    o->model.has_ir_version = 1;
    o->model.ir_version = IR_VERSION;
    use_domain(o, "", OPSET);
    use_domain(o, "ai.onnx.ml", ML_OPSET);
}

void fr_onnx_clear(fr_onnx *o)
{
    for (size_t i = 0; i < o->n_blocks; i++) free(o->blocks[i]);
    free(o->blocks);
    *o = (fr_onnx){0};
}

fr_status fr_onnx_pack(fr_onnx *o, void **bytes, size_t *n)
{
    *bytes = NULL;
    if (o->failed) return FR_FAIL(FR_ERR_MEMORY, "out of memory for the ONNX model");
    *n = onnx__model_proto__get_packed_size(&o->model);
    if (*n > INT_MAX)
        return FR_FAIL(FR_ERR_USAGE,
                       "the model takes %zu bytes; an ONNX file has at most %d: export it as C",
                       *n, INT_MAX);
    *bytes = fr_alloc(*n, 1);
    if (*bytes == NULL) return FR_ERR_MEMORY;
    onnx__model_proto__pack(&o->model, *bytes);
    return FR_OK;
}

static fr_onnx_node *add_node(fr_onnx *o, const char *op, const char *const inputs[],
                              const char *output)
{
    fr_onnx_node *node = fr_onnx_alloc(o, 1, sizeof *node);
    if (node == NULL) return NULL;
    onnx__node_proto__init(node);
    node->op_type = fr_onnx_text(o, "%s", op);
    node->name = fr_onnx_text(o, "%s:%s", op, output);
    node->output = extended(o, NULL, 0, fr_onnx_text(o, "%s", output));
    node->n_output = 1;
    for (size_t i = 0; inputs[i] != NULL; i++)
        node->input =
            extended(o, node->input, node->n_input++, fr_onnx_text(o, "%s", inputs[i]));
    o->graph.node = extended(o, o->graph.node, o->graph.n_node++, node);
    return node;
}

fr_onnx_node *fr_onnx_op(fr_onnx *o, const char *op, const char *const inputs[],
                         const char *output)
{
    return add_node(o, op, inputs, output);
}

fr_onnx_node *fr_onnx_ml_op(fr_onnx *o, const char *op, const char *input, const char *output)
{
    fr_onnx_node *node = add_node(o, op, (const char *const[]){input, NULL}, output);
    if (node != NULL) node->domain = fr_onnx_text(o, "ai.onnx.ml");
    return node;
}

fr_onnx_node *fr_onnx_runtime_op(fr_onnx *o, const char *op, const char *input,
                                 const char *output)
{
    fr_onnx_node *node = add_node(o, op, (const char *const[]){input, NULL}, output);
    if (node != NULL) node->domain = fr_onnx_text(o, "com.microsoft");
    if (!o->runtime_ops) use_domain(o, "com.microsoft", 1);
    o->runtime_ops = true;
    return node;
}

void fr_onnx_more(fr_onnx *o, fr_onnx_node *node, const char *output)
{
    if (node == NULL) return;
    node->output = extended(o, node->output, node->n_output++, fr_onnx_text(o, "%s", output));
}

/* A new attribute of the node, with name and type; NULL when there is no memory. */
static Onnx__AttributeProto *add_attribute(fr_onnx *o, fr_onnx_node *node, const char *name,
                                           Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *attribute =
        node == NULL ? NULL : fr_onnx_alloc(o, 1, sizeof *attribute);
    if (attribute == NULL) return NULL;
    onnx__attribute_proto__init(attribute);
    attribute->name = fr_onnx_text(o, "%s", name);
    attribute->has_type = 1;
    attribute->type = type;
    node->attribute = extended(o, node->attribute, node->n_attribute++, attribute);
    return attribute;
}

void fr_onnx_set_int(fr_onnx *o, fr_onnx_node *node, const char *name, int64_t value)
{
    Onnx__AttributeProto *a =
        add_attribute(o, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (a == NULL) return;
    a->has_i = 1;
    a->i = value;
}

void fr_onnx_set_float(fr_onnx *o, fr_onnx_node *node, const char *name, float value)
{
    Onnx__AttributeProto *a =
        add_attribute(o, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (a == NULL) return;
    a->has_f = 1;
    a->f = value;
}

void fr_onnx_set_ints(fr_onnx *o, fr_onnx_node *node, const char *name, const int64_t *values,
                      size_t n)
{
    Onnx__AttributeProto *a =
        add_attribute(o, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    if (a == NULL) return;
    a->n_ints = n;
    a->ints = (int64_t *)values;
}

void fr_onnx_set_floats(fr_onnx *o, fr_onnx_node *node, const char *name, const float *values,
                        size_t n)
{
    Onnx__AttributeProto *a =
        add_attribute(o, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS);
    if (a == NULL) return;
    a->n_floats = n;
    a->floats = (float *)values;
}

void fr_onnx_set_text(fr_onnx *o, fr_onnx_node *node, const char *name, const char *text)
{
    Onnx__AttributeProto *a =
        add_attribute(o, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    if (a == NULL) return;
    a->has_s = 1;
    a->s = (ProtobufCBinaryData){.len = strlen(text), .data = (uint8_t *)text};
}

/* Bytes of texts, as they are: protobuf's own kind of string list. */
static ProtobufCBinaryData *as_bytes(fr_onnx *o, char *const *texts, size_t n)
{
    ProtobufCBinaryData *bytes = fr_onnx_alloc(o, n, sizeof *bytes);
    for (size_t i = 0; bytes != NULL && i < n; i++)
        bytes[i] = (ProtobufCBinaryData){.len = strlen(texts[i]), .data = (uint8_t *)texts[i]};
    return bytes;
}

void fr_onnx_set_texts(fr_onnx *o, fr_onnx_node *node, const char *name, char *const *texts,
                       size_t n)
{
    Onnx__AttributeProto *a =
        add_attribute(o, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS);
    if (a == NULL) return;
    a->n_strings = n;
    a->strings = as_bytes(o, texts, n);
}

static Onnx__TensorProto *add_tensor(fr_onnx *o, const char *name, int32_t type,
                                     const size_t *dims, size_t n_dims)
{
    Onnx__TensorProto *tensor = fr_onnx_alloc(o, 1, sizeof *tensor);
    int64_t *held = fr_onnx_alloc(o, n_dims, sizeof *held);
    if (tensor == NULL || held == NULL) return NULL;
    onnx__tensor_proto__init(tensor);
    for (size_t i = 0; i < n_dims; i++) held[i] = (int64_t)dims[i];
    tensor->n_dims = n_dims;
    tensor->dims = held;
    tensor->has_data_type = 1;
    tensor->data_type = type;
    tensor->name = fr_onnx_text(o, "%s", name);
    o->graph.initializer = extended(o, o->graph.initializer, o->graph.n_initializer++, tensor);
    return tensor;
}

void fr_onnx_tensor(fr_onnx *o, const char *name, const float *values, const size_t *dims,
                    size_t n_dims)
{
    Onnx__TensorProto *tensor =
        add_tensor(o, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, dims, n_dims);
    if (tensor == NULL) return;
    tensor->n_float_data = 1;
    for (size_t i = 0; i < n_dims; i++) tensor->n_float_data *= dims[i];
    tensor->float_data = (float *)values;
}

void fr_onnx_floats(fr_onnx *o, const char *name, const float *values, size_t rows, size_t cols)
{
    fr_onnx_tensor(o, name, values, (size_t[]){rows, cols}, cols == 0 ? 1 : 2);
}

static void add_ints(fr_onnx *o, const char *name, const int64_t *values, const size_t dims[2],
                     size_t n_dims)
{
    Onnx__TensorProto *tensor =
        add_tensor(o, name, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, dims, n_dims);
    if (tensor == NULL) return;
    tensor->n_int64_data = n_dims == 1 ? dims[0] : dims[0] * dims[1];
    tensor->int64_data = (int64_t *)values;
}

void fr_onnx_ints(fr_onnx *o, const char *name, const int64_t *values, size_t n)
{
    add_ints(o, name, values, (size_t[]){n, 0}, 1);
}

void fr_onnx_int_matrix(fr_onnx *o, const char *name, const int64_t *values, size_t rows,
                        size_t cols)
{
    add_ints(o, name, values, (size_t[]){rows, cols}, 2);
}

void fr_onnx_texts(fr_onnx *o, const char *name, char *const *texts, size_t n)
{
    Onnx__TensorProto *tensor =
        add_tensor(o, name, ONNX__TENSOR_PROTO__DATA_TYPE__STRING, &n, 1);
    if (tensor == NULL) return;
    tensor->n_string_data = n;
    tensor->string_data = as_bytes(o, texts, n);
}

static Onnx__TensorShapeProto__Dimension *add_dimension(fr_onnx *o,
                                                        Onnx__TensorShapeProto *shape)
{
    Onnx__TensorShapeProto__Dimension *dimension = fr_onnx_alloc(o, 1, sizeof *dimension);
    if (dimension == NULL) return NULL;
    onnx__tensor_shape_proto__dimension__init(dimension);
    shape->dim = extended(o, shape->dim, shape->n_dim++, dimension);
    return dimension;
}

static Onnx__TypeProto *make_type(fr_onnx *o, int element, size_t cols)
{
    Onnx__TypeProto *type = fr_onnx_alloc(o, 1, sizeof *type);
    Onnx__TypeProto__Tensor *tensor = fr_onnx_alloc(o, 1, sizeof *tensor);
    Onnx__TensorShapeProto *shape = fr_onnx_alloc(o, 1, sizeof *shape);
    if (type == NULL || tensor == NULL || shape == NULL) return NULL;
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    Onnx__TensorShapeProto__Dimension *rows = add_dimension(o, shape);
    if (rows != NULL) {
        rows->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        rows->dim_param = fr_onnx_text(o, "N");
    }
    Onnx__TensorShapeProto__Dimension *columns = cols == 0 ? NULL : add_dimension(o, shape);
    if (columns != NULL) {
        columns->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        columns->dim_value = (int64_t)cols;
    }
    tensor->has_elem_type = 1;
    tensor->elem_type = element;
    tensor->shape = shape;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    return type;
}

const char *fr_onnx_name(fr_onnx *o, const char *prefix)
{
    const char *name = fr_onnx_text(o, "%sn%zu", prefix, o->n_names++);
    return name == NULL ? "" : name;
}

const char *fr_onnx_unary(fr_onnx *o, const char *prefix, const char *op, const char *a)
{
    const char *out = fr_onnx_name(o, prefix);
    add_node(o, op, (const char *const[]){a, NULL}, out);
    return out;
}

const char *fr_onnx_binary(fr_onnx *o, const char *prefix, const char *op, const char *a,
                           const char *b)
{
    const char *out = fr_onnx_name(o, prefix);
    add_node(o, op, (const char *const[]){a, b, NULL}, out);
    return out;
}

const char *fr_onnx_cast(fr_onnx *o, const char *prefix, const char *a, int type)
{
    const char *out = fr_onnx_name(o, prefix);
    fr_onnx_set_int(o, add_node(o, "Cast", (const char *const[]){a, NULL}, out), "to", type);
    return out;
}

const char *fr_onnx_constant(fr_onnx *o, const char *prefix, float value)
{
    const char *name = fr_onnx_name(o, prefix);
    float *held = fr_onnx_alloc(o, 1, sizeof *held);
    if (held != NULL) *held = value;
    fr_onnx_floats(o, name, held, 1, 0);
    return name;
}

void fr_onnx_port(fr_onnx *o, fr_onnx_side side, const char *name, int type, size_t cols)
{
    Onnx__ValueInfoProto *port = fr_onnx_alloc(o, 1, sizeof *port);
    if (port == NULL) return;
    onnx__value_info_proto__init(port);
    port->name = fr_onnx_text(o, "%s", name);
    port->type = make_type(o, type, cols);
    if (side == FR_ONNX_INPUT)
        o->graph.input = extended(o, o->graph.input, o->graph.n_input++, port);
    else
        o->graph.output = extended(o, o->graph.output, o->graph.n_output++, port);
}

void fr_onnx_hint(fr_onnx *o, const char *name, int type)
{
    Onnx__ValueInfoProto *value = fr_onnx_alloc(o, 1, sizeof *value);
    if (value == NULL) return;
    onnx__value_info_proto__init(value);
    value->name = fr_onnx_text(o, "%s", name);
    value->type = make_type(o, type, 0);
    if (o->failed) return;
    value->type->tensor_type->shape = NULL;
    o->graph.value_info = extended(o, o->graph.value_info, o->graph.n_value_info++, value);
}

void fr_onnx_say(fr_onnx *o, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *entry = fr_onnx_alloc(o, 1, sizeof *entry);
    if (entry == NULL) return;
    onnx__string_string_entry_proto__init(entry);
    entry->key = fr_onnx_text(o, "%s", key);
    entry->value = fr_onnx_text(o, "%s", value);
    o->model.metadata_props =
        extended(o, o->model.metadata_props, o->model.n_metadata_props++, entry);
}

void fr_onnx_say_list(fr_onnx *o, const char *key, char *const *names, size_t n, size_t step)
{
    fr_text list = {0};
    for (size_t i = 0; i < n; i++) {
        fr_text_add(&list, "%s", i == 0 ? "[" : ", ");
        fr_json_quote(*(char *const *)(const void *)((const char *)names + i * step), &list);
    }
    fr_text_add(&list, "%s", n == 0 ? "[]" : "]");
    o->failed = o->failed || list.failed;
    fr_onnx_say(o, key, fr_text_get(&list));
    fr_text_clear(&list);
}
