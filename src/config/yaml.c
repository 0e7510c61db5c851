/* SPDX-License-Identifier: BSD-3-Clause */
/* yaml.c - libyaml's events to a tree. The only file that includes yaml.h.
 *
 * Anchors copy what they name, so a small file could ask for a huge tree: the number of nodes
 * and the depth are limited. An anchor is known once its node is complete, so none can contain
 * itself. */
#include <yaml.h>

#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

typedef struct {
    char *name;
    const fr_node *node;
} anchor;

typedef struct {
    yaml_parser_t parser;
    fr_faults *faults;
    const char *origin;
    const char *text;
    size_t count; /* nodes made */
    anchor *anchors;
    size_t n_anchors, capacity;
} reader;

static fr_node place(const reader *r, yaml_mark_t mark)
{
    return (fr_node){.line = (long)mark.line + 1, .origin = r->origin};
}

/* The reader runs ahead of the parser and knows offsets only. */
static size_t line_of(const char *text, size_t offset)
{
    size_t line = 0;
    for (size_t i = 0; i < offset && text[i] != '\0'; i++) line += text[i] == '\n';
    return line;
}

/* The next event; false with a fault noted when the text is not YAML. */
static bool next_event(reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event)) return true;
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR) {
        r->faults->out_of_memory = true;
        return false;
    }
    const yaml_mark_t mark = {.line = p->error == YAML_READER_ERROR
                                          ? line_of(r->text, p->problem_offset)
                                          : p->problem_mark.line};
    const fr_node where = place(r, mark);
    fr_faults_add(r->faults, &where, "not YAML: %s%s%s",
                  p->problem == NULL ? "unknown problem" : p->problem,
                  p->context == NULL ? "" : " ", p->context == NULL ? "" : p->context);
    return false;
}

static fr_node *new_node(reader *r, fr_node_kind kind, const fr_node *where)
{
    if (++r->count > NODE_MAX_COUNT) {
        fr_faults_add(r->faults, where, "the study is too large: more than %d values",
                      NODE_MAX_COUNT);
        return NULL;
    }
    fr_node *node = fr_node_create(kind, where);
    if (node == NULL) r->faults->out_of_memory = true;
    return node;
}

static char *copy_text(reader *r, const yaml_char_t *text)
{
    char *copy = fr_strdup((const char *)text);
    if (copy == NULL) r->faults->out_of_memory = true;
    return copy;
}

static fr_node *copy_node(reader *r, const fr_node *from)
{
    fr_node *node = new_node(r, from->kind, from);
    if (node == NULL) return NULL;
    node->quoted = from->quoted;
    node->flow = from->flow;
    if (from->text != NULL && (node->text = fr_strdup(from->text)) == NULL) goto fail;
    for (const fr_node *child = from->child; child != NULL; child = child->next) {
        fr_node *copy = copy_node(r, child);
        if (copy == NULL) goto fail;
        fr_node_append(node, copy);
        copy->key = fr_strdup(child->key);
        if (copy->key == NULL && child->key != NULL) goto fail;
    }
    return node;
fail:
    fr_node_destroy(node);
    return NULL;
}

static fr_node *read_alias(reader *r, const yaml_event_t *event, const fr_node *where)
{
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t i = r->n_anchors; i-- > 0;)
        if (strcmp(r->anchors[i].name, name) == 0) return copy_node(r, r->anchors[i].node);
    fr_faults_add(r->faults, where, "the anchor &%.60s is not known here", name);
    return NULL;
}

static bool add_anchor(reader *r, const yaml_char_t *name, const fr_node *node)
{
    if (name == NULL) return true;
    void *block = r->anchors;
    if (fr_grow(&block, &r->capacity, r->n_anchors + 1, sizeof *r->anchors) != FR_OK) {
        r->faults->out_of_memory = true;
        return false;
    }
    r->anchors = block;
    char *copy = copy_text(r, name);
    if (copy == NULL) return false;
    r->anchors[r->n_anchors++] = (anchor){.name = copy, .node = node};
    return true;
}

static fr_node *read_scalar(reader *r, const yaml_event_t *event, const fr_node *where)
{
    const char *text = (const char *)event->data.scalar.value;
    if (strlen(text) != event->data.scalar.length) {
        fr_faults_add(r->faults, where, "a text must not contain the NUL character");
        return NULL;
    }
    fr_node *node = new_node(r, NODE_SCALAR, where);
    if (node == NULL) return NULL;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = copy_text(r, event->data.scalar.value);
    if (node->text != NULL) return node;
    fr_node_destroy(node);
    return NULL;
}

static fr_node *read_node(reader *r, const yaml_event_t *event, size_t depth);

static bool read_list(reader *r, fr_node *list, size_t depth)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(r, &event)) return false;
        const bool end = event.type == YAML_SEQUENCE_END_EVENT;
        fr_node *child = end ? NULL : read_node(r, &event, depth + 1);
        yaml_event_delete(&event);
        if (end) return true;
        if (child == NULL) return false;
        fr_node_append(list, child);
    }
}

/* The value of `key`, which starts at `where`; false when reading cannot go on. */
static bool read_entry(reader *r, fr_node *map, const char *key, const fr_node *where,
                       size_t depth)
{
    yaml_event_t event;
    if (!next_event(r, &event)) return false;
    fr_node *child = read_node(r, &event, depth + 1);
    yaml_event_delete(&event);
    if (child == NULL) return false;
    const fr_node *twin = fr_node_find(map, key);
    child->line = where->line;
    child->key = fr_strdup(key);
    if (twin == NULL && child->key != NULL) {
        fr_node_append(map, child);
        return true;
    }
    if (twin != NULL)
        fr_faults_add(r->faults, where, "key %.60s is there twice, first in line %ld", key,
                      twin->line);
    else
        r->faults->out_of_memory = true;
    fr_node_destroy(child);
    return twin != NULL;
}

static bool read_map(reader *r, fr_node *map, size_t depth)
{
    for (;;) {
        yaml_event_t event;
        bool good = false;
        if (!next_event(r, &event)) return false;
        const fr_node where = place(r, event.start_mark);
        const bool end = event.type == YAML_MAPPING_END_EVENT;
        if (event.type == YAML_SCALAR_EVENT &&
            strlen((const char *)event.data.scalar.value) == event.data.scalar.length)
            good = read_entry(r, map, (const char *)event.data.scalar.value, &where, depth);
        else if (!end)
            fr_faults_add(r->faults, &where, "a key must be a plain text");
        yaml_event_delete(&event);
        if (end) return true;
        if (!good) return false;
    }
}

static fr_node *read_collection(reader *r, const yaml_event_t *event, const fr_node *where,
                                size_t depth)
{
    const bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
    fr_node *node = new_node(r, is_list ? NODE_LIST : NODE_MAP, where);
    if (node == NULL) return NULL;
    node->flow = is_list ? event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
                         : event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    if (is_list ? read_list(r, node, depth) : read_map(r, node, depth)) return node;
    fr_node_destroy(node);
    return NULL;
}

/* The node that `event` starts; NULL with a fault noted when reading cannot go on. */
static fr_node *read_node(reader *r, const yaml_event_t *event, size_t depth)
{
    const fr_node where = place(r, event->start_mark);
    const yaml_char_t *name = NULL, *tag = NULL;
    fr_node *node = NULL;
    if (depth > NODE_MAX_DEPTH) {
        fr_faults_add(r->faults, &where, "nested more than %d deep", NODE_MAX_DEPTH);
        return NULL;
    }
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return read_alias(r, event, &where);
    case YAML_SCALAR_EVENT:
        name = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        node = read_scalar(r, event, &where);
        break;
    case YAML_SEQUENCE_START_EVENT:
        name = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        node = read_collection(r, event, &where, depth);
        break;
    case YAML_MAPPING_START_EVENT:
        name = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        node = read_collection(r, event, &where, depth);
        break;
    default:
        fr_faults_add(r->faults, &where, "not YAML: unexpected end");
    }
    if (node != NULL && tag != NULL)
        fr_faults_add(r->faults, &where, "the tag %.60s has no meaning here",
                      (const char *)tag);
    if (node == NULL || add_anchor(r, name, node)) return node;
    fr_node_destroy(node);
    return NULL;
}

/* Events up to the end of the first document; a second one is a fault. */
static fr_node *read_document(reader *r)
{
    fr_node *root = NULL;
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!next_event(r, &event)) break;
        const fr_node where = place(r, event.start_mark);
        const yaml_event_type_t type = event.type;
        if (type == YAML_STREAM_END_EVENT) {
            more = false;
        } else if (type == YAML_DOCUMENT_START_EVENT && root != NULL) {
            fr_faults_add(r->faults, &where, "a second document starts here; a study is one");
            more = false;
        } else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
                   type != YAML_DOCUMENT_END_EVENT) {
            root = read_node(r, &event, 0);
            more = root != NULL;
        }
        yaml_event_delete(&event);
    }
    return root;
}

fr_node *fr_node_parse(const char *text, const char *origin, fr_faults *faults)
{
    reader r = {.faults = faults, .origin = origin, .text = text};
    const size_t before = faults->n;
    if (!yaml_parser_initialize(&r.parser)) {
        faults->out_of_memory = true;
        return NULL;
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, strlen(text));
    fr_node *root = read_document(&r);
    if (root == NULL && faults->n == before && !faults->out_of_memory) {
        const fr_node where = {.line = 1, .origin = origin};
        root = new_node(&r, NODE_SCALAR, &where); /* an empty text is the null value */
        if (root != NULL && (root->text = copy_text(&r, (const yaml_char_t *)"")) == NULL) {
            fr_node_destroy(root);
            root = NULL;
        }
    }
    yaml_parser_delete(&r.parser);
    for (size_t i = 0; i < r.n_anchors; i++) free(r.anchors[i].name);
    free(r.anchors);
    return root;
}
