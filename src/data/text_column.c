/* SPDX-License-Identifier: BSD-3-Clause */
/* text_column.c - a table with a column of text: its n-grams are counted, each different one is
 * a sparse column behind those of the table, or they share a number of columns by their hash.
 *
 * The list of n-grams comes from all rows of the file. Nothing is learned by that: one that the
 * training rows of a fold do not have is constant there and left out (transform_sparse.c), so
 * that the inputs of a fold are what a vocabulary of its training rows would give. Buckets need
 * no list, nor the pass over the file that makes it. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/checksum.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "ngrams.h"

typedef struct {
    fr_reader base;
    fr_reader *table;
    size_t column; /* the text's */
    fr_text_settings settings;
    fr_ngrams ngrams;
    fr_dict terms;
    bool complete; /* all terms are known */
    size_t *found; /* of a row's terms: twice the number, and 1 more where it counts as -1 */
    size_t n_found, max_found;
    size_t start[2], *columns; /* as in fr_rows */
    double *values;
    size_t max_columns, max_values;
} text_reader;

/* As FeatureHasher has it: by the size of a signed hash of the term alone, and by its sign. */
static size_t hash_term(const text_reader *t, fr_span term)
{
    const size_t name = strlen(t->settings.column) + 1;
    const uint32_t hash = fr_murmur3(0, term.text + name, term.length - name);
    const bool negative = hash >> 31 != 0;
    const uint32_t size = negative ? 0 - hash : hash;
    return 2 * (size % (size_t)t->settings.buckets) + (negative && t->settings.alternate);
}

static fr_status find_term(text_reader *t, fr_span term, size_t *out)
{
    uint32_t index = 0;
    const fr_key key = {.text = term};
    if (!t->complete)
        FR_TRY(fr_dict_add(&t->terms, key, &index));
    else if (!fr_dict_find(&t->terms, key, &index))
        return FR_FAIL(FR_ERR_DATA, "%s: changed while it was read; run again", t->base.path);
    *out = 2 * (size_t)index;
    return FR_OK;
}

static fr_status note_term(void *context, fr_span term)
{
    text_reader *t = context;
    FR_TRY(fr_grow((void **)&t->found, &t->max_found, t->n_found + 1, sizeof *t->found));
    if (t->settings.buckets > 0)
        t->found[t->n_found] = hash_term(t, term);
    else
        FR_TRY(find_term(t, term, &t->found[t->n_found]));
    t->n_found++;
    return FR_OK;
}

static int by_number(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* How often each term occurs; those of a bucket that cancel out are not there. */
static fr_status count_terms(text_reader *t)
{
    size_t n = 0;
    FR_TRY(fr_grow((void **)&t->columns, &t->max_columns, t->n_found, sizeof *t->columns));
    FR_TRY(fr_grow((void **)&t->values, &t->max_values, t->n_found, sizeof *t->values));
    if (t->n_found > 0) qsort(t->found, t->n_found, sizeof *t->found, by_number);
    for (size_t i = 0; i < t->n_found; i++) {
        const size_t column = t->table->cols + t->found[i] / 2;
        const double count = t->found[i] % 2 == 0 ? 1 : -1;
        if (n > 0 && t->columns[n - 1] == column) {
            t->values[n - 1] += count;
            continue;
        }
        if (n > 0 && t->values[n - 1] == 0) n--;
        t->columns[n] = column;
        t->values[n++] = count;
    }
    t->start[1] = n > 0 && t->values[n - 1] == 0 ? n - 1 : n;
    return FR_OK;
}

static fr_status text_next(fr_reader *reader, fr_rows *rows)
{
    text_reader *t = (text_reader *)reader;
    bool good = true;
    FR_TRY(t->table->ops->next(t->table, rows));
    if (rows->n == 0) return FR_OK;
    t->n_found = 0;
    FR_TRY(fr_ngrams_run(&t->ngrams, rows->texts[t->column], note_term, t, &good));
    if (!good)
        return FR_FAIL(FR_ERR_DATA,
                       "%s:%llu: the text in column `%s` is not UTF-8; convert the file (iconv "
                       "-f LATIN1 -t UTF-8)",
                       reader->path, (unsigned long long)rows->where, t->settings.column);
    FR_TRY(count_terms(t));
    rows->start = t->start;
    rows->column = t->columns;
    rows->values = t->values;
    return FR_OK;
}

static fr_status text_rewind(fr_reader *reader)
{
    text_reader *t = (text_reader *)reader;
    for (size_t c = 0; c < reader->n_plain; c++) t->table->wanted[c] = reader->wanted[c];
    t->table->wanted[t->column] = true;
    return t->table->ops->rewind(t->table);
}

static void text_close(fr_reader *reader)
{
    text_reader *t = (text_reader *)reader;
    fr_reader_close(&t->table);
    fr_ngrams_clear(&t->ngrams);
    fr_dict_clear(&t->terms);
    free(t->settings.column);
    free(t->found);
    free(t->columns);
    free(t->values);
}

static fr_status learn_terms(text_reader *t)
{
    fr_rows rows;
    FR_TRY(text_rewind(&t->base));
    do {
        FR_TRY(text_next(&t->base, &rows));
    } while (rows.n > 0);
    t->complete = true;
    if (t->terms.n == 0)
        return FR_FAIL(FR_ERR_DATA, "%s: column `%s` has no words", t->base.path,
                       t->settings.column);
    if (t->terms.n >= FR_COLUMNS_MAX)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: column `%s` has %zu different n-grams; up to %d can be used: "
                       "shorten data.text_words or data.text_chars",
                       t->base.path, t->settings.column, t->terms.n, FR_COLUMNS_MAX - 1);
    return FR_OK;
}

static fr_status name_columns(text_reader *t)
{
    fr_reader *r = &t->base;
    const bool hashes = t->settings.buckets > 0;
    r->n_plain = t->table->cols;
    r->cols = r->n_plain + (hashes ? (size_t)t->settings.buckets : t->terms.n);
    FR_TRY(fr_reader_number_columns(r));
    for (size_t c = 0; c < r->cols; c++) {
        fr_text bucket = {0};
        if (hashes) fr_text_add(&bucket, "%s#%zu", t->settings.column, c - r->n_plain);
        const char *name = c < r->n_plain ? t->table->names[c]
                           : hashes       ? fr_text_get(&bucket)
                                          : t->terms.entry[c - r->n_plain].text.text;
        free(r->names[c]);
        r->names[c] = bucket.failed ? NULL : fr_strdup(name);
        fr_text_clear(&bucket);
        if (r->names[c] == NULL) return FR_ERR_MEMORY;
    }
    return FR_OK;
}

static fr_status open_table(text_reader *t, const fr_data_options *options, const char *path)
{
    fr_data_options plain = *options;
    plain.text.column = NULL;
    FR_TRY(fr_reader_open(&plain, path, &t->table));
    if (t->table->typed || t->table->sparse)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: data.text needs a table of texts: CSV, TSV or JSON lines", path);
    FR_TRY(fr_reader_find_column(t->table, "data.text", options->text.column, &t->column));
    t->settings = options->text;
    t->settings.column = fr_strdup(t->table->names[t->column]);
    t->base.path = fr_strdup(path);
    if (t->settings.column == NULL || t->base.path == NULL) return FR_ERR_MEMORY;
    if (t->settings.words.n + t->settings.chars.n == 0)
        return FR_FAIL(FR_ERR_DATA, "data.text_words and data.text_chars are both empty; give "
                                    "lengths of n-grams, such as text_words: [1, 2]");
    if (t->settings.across && t->settings.chars.n == 0)
        return FR_FAIL(FR_ERR_DATA, "data.text_across is about n-grams of letters; give their "
                                    "lengths, such as text_chars: [3, 4]");
    for (size_t k = 1; k < t->settings.chars.n; k++)
        if (t->settings.chars.value[k] <= t->settings.chars.value[k - 1])
            return FR_FAIL(FR_ERR_DATA, "data.text_chars must ascend, such as [2, 3, 4]");
    t->ngrams.settings = &t->settings;
    return FR_OK;
}

fr_status fr_text_open(const fr_data_options *options, const char *path, fr_reader **out)
{
    static const fr_reader_ops ops = {text_rewind, text_next, NULL, NULL, text_close};
    *out = NULL;
    text_reader *t = fr_alloc(1, sizeof *t);
    if (t == NULL) return FR_ERR_MEMORY;
    t->base = (fr_reader){.ops = &ops, .sparse = true, .named = true, .target = -1};
    fr_reader *reader = &t->base;
    fr_status st = open_table(t, options, path);
    if (st == FR_OK && t->settings.buckets == 0) st = learn_terms(t);
    if (st == FR_OK) st = name_columns(t);
    if (st != FR_OK) fr_reader_close(&reader);
    *out = reader;
    return st;
}
