/* SPDX-License-Identifier: BSD-3-Clause */
/* c_columns.c - columns as they are in the data to a model's features, as statements of C. */
#include "internal.h"

/* Columns that are numbers to the model. */
static size_t count_numbers(const fr_transform *t)
{
    size_t n = 0;
    for (size_t c = 0; c < t->cols; c++)
        n += t->features[c].kind == FR_FEATURE_NUMERIC ||
             t->features[c].kind == FR_FEATURE_ORDINAL;
    return n;
}

/* Columns that become several inputs. */
static size_t count_onehot(const fr_transform *t)
{
    size_t n = 0;
    for (size_t c = 0; c < t->cols; c++) n += t->features[c].kind == FR_FEATURE_ONEHOT;
    return n;
}

static void write_numbers(const fr_transform *t, size_t n_numbers, fr_text *out)
{
    fr_text_add(out,
                "    /* a[to] = (x[from] - shift) * factor, with x = fill where missing */\n"
                "    static const struct {\n        int from, to;\n"
                "        float fill, shift, factor;\n    } numbers[%zu] = {\n",
                n_numbers);
    for (size_t c = 0; c < t->cols; c++) {
        const fr_feature *feature = &t->features[c];
        if (feature->kind != FR_FEATURE_NUMERIC && feature->kind != FR_FEATURE_ORDINAL)
            continue;
        const float values[] = {feature->fill, feature->shift, feature->factor};
        fr_text_add(out, "        {%zu, %zu", c, feature->first);
        for (size_t i = 0; i < 3; i++) {
            fr_text_add(out, ", ");
            fr_c_float(out, values[i]);
        }
        fr_text_add(out, "},\n");
    }
    fr_text_add(out, "    };\n");
}

static void write_onehot(const fr_transform *t, size_t n_onehot, fr_text *out)
{
    size_t at = 0;
    fr_text_add(out, "    /* input of each level of each category; -1: none */\n"
                     "    static const int place[] = {\n");
    for (size_t c = 0; c < t->cols; c++) {
        const fr_feature *feature = &t->features[c];
        for (size_t l = 0; l < feature->n_place; l++)
            fr_text_add(out, "%s%d,", l == 0 ? "        " : " ",
                        feature->place[l] < 0 ? -1 : (int)feature->first + feature->place[l]);
        if (feature->n_place > 0) fr_text_add(out, "\n");
    }
    fr_text_add(out,
                "    };\n    /* column, its levels, their places, the level of a missing one; "
                "-1: none */\n    static const int onehot[%zu][4] = {\n",
                n_onehot);
    for (size_t c = 0; c < t->cols; c++) {
        const fr_feature *feature = &t->features[c];
        if (feature->kind != FR_FEATURE_ONEHOT) continue;
        const bool filled = feature->fill >= 0 && feature->fill < (float)feature->n_place;
        fr_text_add(out, "        {%zu, %zu, %zu, %d},\n", c, feature->n_place, at,
                    filled ? (int)feature->fill : -1);
        at += feature->n_place;
    }
    fr_text_add(out, "    };\n");
}

void fr_c_columns_constants(const fr_transform *t, fr_text *out)
{
    const size_t n_numbers = count_numbers(t), n_onehot = count_onehot(t);
    if (n_numbers > 0) write_numbers(t, n_numbers, out);
    if (n_onehot > 0) write_onehot(t, n_onehot, out);
}

void fr_c_columns(const fr_transform *t, fr_text *out)
{
    const size_t n_numbers = count_numbers(t), n_onehot = count_onehot(t);
    fr_text_add(out, "    for (i = 0; i < %zu; i++) a[i] = 0.0f;\n", fr_transform_features(t));
    if (n_numbers > 0)
        fr_text_add(out,
                    "    for (i = 0; i < %zu; i++) {\n"
                    "        v = x[numbers[i].from];\n%s"
                    "        if (isnan(v)) v = numbers[i].fill;\n"
                    "        a[numbers[i].to] = (v - numbers[i].shift) * numbers[i].factor;\n"
                    "    }\n",
                    n_numbers,
                    t->sublinear ? "        if (v > 0.0f) v = (float)(1.0 + log((double)v));\n"
                                 : "");
    if (n_onehot > 0)
        fr_text_add(out,
                    "    for (i = 0; i < %zu; i++) {\n"
                    "        const int *c = onehot[i];\n"
                    "        int level = c[3];\n"
                    "        v = x[c[0]];\n"
                    "        if (v >= 0.0f && v < (float)c[1]) level = (int)v;\n"
                    "        if (level >= 0 && place[c[2] + level] >= 0)\n"
                    "            a[place[c[2] + level]] = 1.0f;\n"
                    "    }\n",
                    n_onehot);
}
