/* SPDX-License-Identifier: BSD-3-Clause */
/* model_counts.c - how a model's inputs are counted in a text, and how counts are weighed; only
 * in files whose model needs it. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/text.h"
#include "internal.h"

typedef struct {
    fr_text_settings text;
    bool tfidf, sublinear;
} counts;

#define AT(field) .offset = offsetof(counts, field)
static const fr_option table[] = {
    {"text", FR_OPTION_STRING, AT(text.column), .help = "column of text"},
    {"text_words", FR_OPTION_INTS, AT(text.words), "[]", .low = 1, .high = 8,
     .help = "lengths of n-grams in words"},
    {"text_chars", FR_OPTION_INTS, AT(text.chars), "[]", .low = 1, .high = 32,
     .help = "lengths of n-grams in letters"},
    {"text_lower", FR_OPTION_BOOL, AT(text.lower), "true", .help = "A and a are one letter"},
    {"tfidf", FR_OPTION_BOOL, AT(tfidf), "false", .help = "rows get length 1"},
    {"sublinear", FR_OPTION_BOOL, AT(sublinear), "false", .help = "1 + ln(count)"},
    {"text_across", FR_OPTION_BOOL, AT(text.across), "false", .help = "over ends of words"},
    {"text_buckets", FR_OPTION_INT, AT(text.buckets), "0", .high = FR_TEXT_BUCKETS_MAX,
     .help = "columns that n-grams share"},
    {"text_alternate_sign", FR_OPTION_BOOL, AT(text.alternate), "true",
     .help = "half of them count as -1"},
};
#undef AT
enum { ROWS = sizeof table / sizeof *table, ALWAYS = 6 }; /* others where they are not usual */

static void put_list(fr_h5_out *out, const char *path, const fr_strings *list,
                     const char *about)
{
    fr_h5_put_texts(out, &(fr_h5_texts){.path = path,
                                        .n = list->n,
                                        .text = fr_h5_text_of_array,
                                        .context = list->item,
                                        .about = about});
}

void fr_counts_put(fr_h5_out *out, const fr_model *model)
{
    counts values = {model->schema.text, model->transform.tfidf, model->transform.sublinear};
    fr_strings names = {0}, texts = {0};
    if (values.text.column == NULL && !values.tfidf) return;
    if (values.text.buckets == 0) values.text.alternate = true; /* says nothing */
    for (size_t i = 0; i < ROWS; i++) {
        fr_text value = {0};
        if (i == 0)
            fr_text_add(&value, "%s", values.text.column == NULL ? "" : values.text.column);
        else
            fr_option_format(&table[i], &values, &value);
        if (i >= ALWAYS && strcmp(fr_text_get(&value), table[i].fallback) == 0) {
            fr_text_clear(&value);
            continue;
        }
        if (value.failed || fr_strings_add(&names, table[i].name) != FR_OK ||
            fr_strings_add(&texts, fr_text_get(&value)) != FR_OK)
            out->failed = true;
        fr_text_clear(&value);
    }
    fr_h5_put_group(out, "/model/counts");
    put_list(out, "/model/counts/name", &names, "how a text is counted, and counts weighed");
    put_list(out, "/model/counts/value", &texts, "as in a study file");
    fr_strings_clear(&names);
    fr_strings_clear(&texts);
}

static fr_status set_counts(const fr_h5_in *in, const fr_h5_block *names,
                            const fr_h5_block *texts, counts *values)
{
    if (names->n != texts->n)
        return FR_FAIL(FR_ERR_FORMAT,
                       "%s: /model/counts: lists differ in length; the file is "
                       "damaged",
                       in->path);
    for (size_t i = 0; i < names->n; i++) {
        const fr_option *row = fr_option_find(table, ROWS, fr_h5_text(names, i));
        const char *text = fr_h5_text(texts, i);
        if (row == &table[0] && *text == '\0') continue;
        if (row == NULL || fr_option_set(row, text, values) != FR_OK)
            return FR_FAIL(FR_ERR_FORMAT,
                           "%s: /model/counts/%s: `%s` cannot be; the file is "
                           "damaged",
                           in->path, fr_h5_text(names, i), text);
    }
    return FR_OK;
}

fr_status fr_counts_get(const fr_h5_in *in, fr_model *model)
{
    fr_h5_block names = {0}, texts = {0};
    counts values = {0};
    if (!fr_h5_has(in, "/model/counts/name")) return FR_OK;
    fr_status st = fr_h5_get_texts(in, "/model/counts/name", &names);
    if (st == FR_OK) st = fr_h5_get_texts(in, "/model/counts/value", &texts);
    if (st == FR_OK) st = fr_option_defaults(table, ROWS, &values);
    if (st == FR_OK) st = set_counts(in, &names, &texts, &values);
    free(names.data);
    free(texts.data);
    if (st != FR_OK) {
        fr_option_clear(table, ROWS, &values);
        return st;
    }
    model->schema.text = values.text;
    model->transform.tfidf = values.tfidf;
    model->transform.sublinear = values.sublinear;
    return FR_OK;
}
