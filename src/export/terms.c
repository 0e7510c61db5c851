/* SPDX-License-Identifier: BSD-3-Clause */
/* terms.c - the n-grams of a text that a model makes use of. */
#include "terms.h"

#include <stdlib.h>
#include <string.h>

#include "foldrank/letters.h"
#include "foldrank/memory.h"

static bool uses(const fr_model *model, size_t column)
{
    return model->transform.features[column].kind != FR_FEATURE_DROP;
}

static bool any_uses(const fr_model *model, const fr_ensemble *together, size_t column)
{
    if (together == NULL) return uses(model, column);
    for (size_t m = 0; m < together->n; m++)
        if (uses(&together->member[m].model, column)) return true;
    return false;
}

/* The term behind the name of the column of text; NULL: it is none. */
static const char *term_of(const fr_schema *schema, size_t column)
{
    const char *name = schema->columns[column].name;
    const size_t n = strlen(schema->text.column);
    uint32_t letter;
    if (strncmp(name, schema->text.column, n) != 0 || (name[n] != ':' && name[n] != '~') ||
        name[n + 1] == '\0')
        return NULL;
    for (const char *at = name + n; *at != '\0';) {
        const size_t used = fr_letter_decode(at, strlen(at), &letter);
        if (used == 0) return NULL;
        at += used;
    }
    return name + n;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const fr_term *)a)->text, ((const fr_term *)b)->text);
}

fr_status fr_terms_collect(const fr_model *model, const fr_ensemble *together, fr_terms *out)
{
    const fr_schema *schema = &model->schema;
    *out = (fr_terms){.item = fr_alloc(schema->cols, sizeof *out->item)};
    if (out->item == NULL) return FR_ERR_MEMORY;
    for (size_t c = 0; c < schema->cols; c++) {
        if (!any_uses(model, together, c)) continue;
        const char *text = term_of(schema, c);
        const fr_feature *feature = &model->transform.features[c];
        if (text == NULL || feature->kind == FR_FEATURE_ONEHOT || feature->shift != 0) {
            free(out->item);
            *out = (fr_terms){0};
            return FR_FAIL(FR_ERR_FORMAT, "the model's input %s is no n-gram of column %s",
                           schema->columns[c].name, schema->text.column);
        }
        const size_t bytes = strlen(text);
        if (bytes > out->longest) out->longest = bytes;
        out->item[out->n++] = (fr_term){text, c};
    }
    qsort(out->item, out->n, sizeof *out->item, by_text);
    return FR_OK;
}
