/* SPDX-License-Identifier: BSD-3-Clause */
/* c_trees.c - a sum of trees as one C function of preprocessed inputs. */
#include "internal.h"

static void write_nodes(const fr_trees *trees, fr_text *out)
{
    fr_text_add(out,
                "    /* a[input] below value: child, else child + 1; a missing one: missing; "
                "input -1: a leaf,\n     * which adds value */\n"
                "    static const struct {\n        int input;\n        float value;\n"
                "        int child, missing;\n    } nodes[%zu] = {\n",
                trees->n_nodes);
    for (size_t i = 0; i < trees->n_nodes; i++) {
        const fr_tree_node *node = &trees->node[i];
        fr_text_add(out, "        {%d, ", (int)node->input);
        fr_c_float(out, node->value);
        fr_text_add(out, ", %u, %u},\n", node->child, node->missing);
    }
    fr_text_add(out, "    };\n    static const int roots[%zu] = {", trees->n_trees);
    for (size_t t = 0; t < trees->n_trees; t++)
        fr_text_add(out, "%s%u,", t % 12 == 0 ? "\n        " : " ", trees->root[t]);
    fr_text_add(out, "\n    };\n");
}

void fr_c_trees(const fr_model *model, const char *name, fr_text *out)
{
    const fr_trees *trees = &model->trees;
    const bool zero = model->options.boost.missing == FR_MISSING_ZERO;
    const bool odds = trees->n_scores < model->n_outputs;
    fr_text_add(out,
                "\n/* b = base + sum over the trees of the leaf that a comes to */\n"
                "static inline void %s_trees(const float *a, float *b)\n{\n",
                name);
    write_nodes(trees, out);
    fr_c_floats(out, "base", trees->base, trees->n_scores);
    fr_text_add(
        out,
        "    float z[%zu];\n    int t, k;\n"
        "    for (k = 0; k < %zu; k++) z[k] = base[k];\n"
        "    for (t = 0; t < %zu; t++) {\n"
        "        int at = roots[t];\n"
        "        while (nodes[at].input >= 0) {\n"
        "            const float v = a[nodes[at].input];\n"
        "            at = isnan(v)%s ? nodes[at].missing\n"
        "                 : v < nodes[at].value ? nodes[at].child : nodes[at].child + 1;\n"
        "        }\n"
        "        z[t %% %zu] += nodes[at].value;\n    }\n",
        trees->n_scores, trees->n_scores, trees->n_trees, zero ? " || v == 0.0f" : "",
        trees->n_scores);
    if (odds)
        fr_text_add(out, "    b[0] = 0.0f; /* the first class; the second: log odds */\n");
    fr_text_add(out, "    for (k = 0; k < %zu; k++) b[k%s] = z[k];\n}\n", trees->n_scores,
                odds ? " + 1" : "");
}
