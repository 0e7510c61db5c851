/* SPDX-License-Identifier: BSD-3-Clause */
/* grow_xgboost.c - trees by XGBoost's library.
 *
 * A booster lives for one tree: then nothing that it draws or remembers can depend on the trees
 * before, which a fit that goes on in another process would not know. The matrix, with its
 * quantiles, stays. What was grown is read from the text that the library describes a tree
 * with, which has not changed over its versions, with all digits of its float32 numbers. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xgboost/c_api.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "foldrank/train.h"
#include "grow.h"

struct fr_grower {
    const fr_boost_options *options;
    DMatrixHandle matrix;
    size_t n;
    fr_tree_node *node, *ordered; /* of the tree that is being read */
    size_t node_capacity, ordered_capacity;
    uint32_t *name; /* (nodes) theirs of each of ours */
    size_t name_capacity;
};

const char *fr_boost_library(void)
{
    static _Thread_local char text[48];
    int major, minor, patch;
    XGBoostVersion(&major, &minor, &patch);
    snprintf(text, sizeof text, "XGBoost %d.%d.%d", major, minor, patch);
    return text;
}

static fr_status refused(const char *doing)
{
    const char *why = XGBGetLastError();
    const char *end = strchr(why, '\n');
    return FR_FAIL(FR_ERR_STATE, "XGBoost cannot %s: %.*s", doing,
                   (int)(end == NULL ? strlen(why) : (size_t)(end - why)), why);
}

static bool make_dense(const fr_tree_inputs *in, DMatrixHandle *out)
{
    char array[160];
    snprintf(array, sizeof array,
             "{\"data\": [%zu, true], \"shape\": [%zu, %zu], \"typestr\": \"<f4\", "
             "\"version\": 3}",
             (size_t)(uintptr_t)in->x, in->n, in->width);
    return XGDMatrixCreateFromDense(array, "{\"missing\": NaN, \"nthread\": 1}", out) == 0;
}

static fr_status make_matrix(fr_grower *g, const fr_tree_inputs *in, const float *weight)
{
    bool made;
    if (in->x != NULL) {
        made = make_dense(in, &g->matrix);
    } else {
        const fr_sparse_block *s = &in->sparse;
        size_t *start = fr_alloc(in->n + 1, sizeof *start);
        if (start == NULL) return FR_ERR_MEMORY;
        for (size_t i = 0; i <= in->n; i++) start[i] = (size_t)s->start[i];
        made = XGDMatrixCreateFromCSREx(start, s->column, s->value, in->n + 1, start[in->n],
                                        in->width, &g->matrix) == 0;
        free(start);
    }
    if (made && weight != NULL)
        made = XGDMatrixSetFloatInfo(g->matrix, "weight", weight, in->n) == 0;
    return made ? FR_OK : refused("take the rows");
}

fr_status fr_grower_create(const fr_boost_options *options, const fr_tree_inputs *inputs,
                           const float *weight, fr_grower **out)
{
    fr_grower *g = *out = fr_alloc(1, sizeof *g);
    if (g == NULL) return FR_ERR_MEMORY;
    g->options = options;
    g->n = inputs->n;
    const fr_status st = XGBSetGlobalConfig("{\"verbosity\": 0}") == 0
                             ? make_matrix(g, inputs, weight)
                             : refused("be quiet");
    if (st != FR_OK) fr_grower_destroy(out);
    return st;
}

void fr_grower_destroy(fr_grower **grower)
{
    fr_grower *g = *grower;
    if (g == NULL) return;
    if (g->matrix != NULL) (void)XGDMatrixFree(g->matrix);
    free(g->node);
    free(g->ordered);
    free(g->name);
    free(g);
    *grower = NULL;
}

static bool set(BoosterHandle booster, const char *name, double value)
{
    char text[FR_NUMBER_SIZE];
    return XGBoosterSetParam(booster, name, fr_format_double(value, text)) == 0;
}

static bool set_options(BoosterHandle b, const fr_boost_options *o, uint32_t seed)
{
    const bool bins = o->tree_method == FR_TREE_HIST;
    return XGBoosterSetParam(b, "objective", "reg:squarederror") == 0 &&
           XGBoosterSetParam(b, "tree_method", bins ? "hist" : "exact") == 0 &&
           (!bins ||
            (XGBoosterSetParam(b, "grow_policy",
                               o->grow_policy == FR_GROW_LOSSGUIDE ? "lossguide"
                                                                   : "depthwise") == 0 &&
             set(b, "max_bin", (double)o->max_bin) &&
             set(b, "max_leaves", (double)o->max_leaves))) &&
           set(b, "nthread", 1) && set(b, "base_score", 0.5) &&
           set(b, "seed", (double)(seed >> 1)) && set(b, "eta", o->learning_rate) &&
           set(b, "max_depth", (double)o->max_depth) &&
           set(b, "min_child_weight", o->min_child_weight) && set(b, "gamma", o->gamma) &&
           set(b, "lambda", o->lambda) && set(b, "alpha", o->alpha) &&
           set(b, "max_delta_step", o->max_delta_step) &&
           set(b, "colsample_bytree", o->colsample_bytree) &&
           set(b, "colsample_bylevel", o->colsample_bylevel) &&
           set(b, "colsample_bynode", o->colsample_bynode);
}

/* ---- a tree from its text ---- */

/* The number behind `word` in a line; false when it is not there. */
static bool number_after(const char *line, const char *end, const char *word, double *out)
{
    char text[64];
    size_t n = 0;
    const char *at = strstr(line, word);
    if (at == NULL || at >= end) return false;
    for (at += strlen(word); at < end && n + 1 < sizeof text; at++) {
        if (!isalnum((unsigned char)*at) && strchr("+-.", *at) == NULL) break;
        text[n++] = *at;
    }
    text[n] = '\0';
    return fr_parse_double(text, out);
}

/* "5:leaf=0.25", or "0:[f3<1.5] yes=1,no=2,missing=2": the number, and the node with theirs. */
static bool read_line(const char *line, const char *end, double *number, fr_tree_node *out)
{
    double value, input, yes, no, missing;
    *out = (fr_tree_node){.input = -1};
    if (!number_after(line, end, "", number)) return false;
    if (number_after(line, end, ":leaf=", &value)) {
        out->value = (float)value;
        return true;
    }
    if (!number_after(line, end, ":[f", &input) || !number_after(line, end, "<", &value) ||
        !number_after(line, end, "yes=", &yes) || !number_after(line, end, "no=", &no) ||
        !number_after(line, end, "missing=", &missing) || no != yes + 1)
        return false;
    *out = (fr_tree_node){(int32_t)input, (float)value, (uint32_t)yes, (uint32_t)missing};
    return true;
}

/* g->node by the library's numbers, with its numbers for children. */
static fr_status read_lines(fr_grower *g, const char *text, size_t *n)
{
    void *block = g->node;
    *n = 0;
    for (const char *line = text; *line != '\0';) {
        const char *end = line + strcspn(line, "\n");
        double number;
        fr_tree_node node;
        while (*line == '\t') line++;
        if (!read_line(line, end, &number, &node) || number < 0 || number > INT32_MAX)
            return FR_FAIL(FR_ERR_STATE, "XGBoost describes a tree in unknown words: %.*s",
                           (int)(end - line), line);
        const size_t at = (size_t)number;
        const fr_status st = fr_grow(&block, &g->node_capacity, at + 1, sizeof *g->node);
        g->node = block;
        FR_TRY(st);
        g->node[at] = node;
        if (at >= *n) *n = at + 1;
        line = *end == '\0' ? end : end + 1;
    }
    return *n > 0 ? FR_OK : FR_FAIL(FR_ERR_STATE, "XGBoost has grown no tree");
}

/* Level by level, so that children follow their parents and one another: what was cut off
 * leaves no holes. `n` nodes of theirs become *n of ours. */
static fr_status order_nodes(fr_grower *g, size_t *n)
{
    const size_t theirs = *n;
    void *ordered = g->ordered, *name = g->name;
    fr_status st = fr_grow(&ordered, &g->ordered_capacity, theirs, sizeof *g->ordered);
    if (st == FR_OK) st = fr_grow(&name, &g->name_capacity, theirs, sizeof *g->name);
    g->ordered = ordered;
    g->name = name;
    FR_TRY(st);
    g->name[0] = 0;
    *n = 1;
    for (size_t i = 0; i < *n; i++) {
        const fr_tree_node *from = &g->node[g->name[i]];
        fr_tree_node *to = &g->ordered[i];
        *to = *from;
        if (from->input < 0) continue;
        if (from->child + 1 >= theirs || *n + 2 > theirs)
            return FR_FAIL(FR_ERR_STATE, "XGBoost describes a tree without its leaves");
        g->name[*n] = from->child;
        g->name[*n + 1] = from->child + 1;
        to->child = (uint32_t)*n;
        to->missing = to->child + (from->missing != from->child);
        *n += 2;
    }
    return FR_OK;
}

static fr_status read_tree(fr_grower *g, BoosterHandle booster, fr_trees *trees)
{
    bst_ulong n_trees = 0;
    const char **texts = NULL;
    size_t n;
    if (XGBoosterDumpModelEx(booster, "", 0, "text", &n_trees, &texts) != 0)
        return refused("describe a tree");
    if (n_trees != 1) return FR_FAIL(FR_ERR_STATE, "XGBoost has not grown one tree");
    FR_TRY(read_lines(g, texts[0], &n));
    FR_TRY(order_nodes(g, &n));
    return fr_trees_append(trees, g->ordered, n);
}

fr_status fr_grower_grow(fr_grower *g, uint32_t seed, const float *gradient,
                         const float *hessian, fr_trees *trees)
{
    BoosterHandle booster = NULL;
    fr_status st = FR_OK;
    /* The library declares both arrays writable and only reads them. */
    float *first = (float *)(uintptr_t)gradient, *second = (float *)(uintptr_t)hessian;
    if (XGBoosterCreate(&g->matrix, 1, &booster) != 0 ||
        !set_options(booster, g->options, seed) ||
        XGBoosterBoostOneIter(booster, g->matrix, first, second, (bst_ulong)g->n) != 0)
        st = refused("grow a tree");
    if (st == FR_OK) st = read_tree(g, booster, trees);
    if (booster != NULL) (void)XGBoosterFree(booster);
    return st;
}
