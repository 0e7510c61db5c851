/* SPDX-License-Identifier: BSD-3-Clause */
/* onnx_words.c - what ngrams.c does, as ONNX nodes.
 *
 * onnxruntime's Tokenizer cuts texts by a regular expression, or into letters; it alone can
 * take texts apart. Letters become numbers, A and a the same one: all Unicode letters whose
 * small one is in the vocabulary are listed. TfIdfVectorizer counts sequences of numbers:
 *
 * - of letters: the numbers themselves. A text begins and ends with a blank, and so does what
 *   fills the row up; so the sequences with a blank at an end are those of pieces with a blank
 *   on either side. Only for n-grams of one letter blanks would be counted wrongly: a blank
 *   stands twice for each place where a piece begins.
 * - of words: each different word becomes a fixed number of integers that hold its letters as
 *   digits, longer words than the vocabulary has by one digit too many. The first is below 0
 *   and the others are not, so a sequence cannot begin inside a word.
 *
 * A last row is added and taken away, so that no tensor is ever empty. */
#include "onnx_words.h"

#include <stdlib.h>
#include <string.h>

#include "foldrank/letters.h"
#include "onnx_counts.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Numbers of letters; those of the vocabulary follow. */
enum { NUMBER_NONE, NUMBER_OTHER, NUMBER_BLANK, NUMBER_FIRST };
enum { DIGIT_BITS = 62 };

typedef struct {
    fr_onnx *o;
    const fr_model *model;
    const fr_terms *terms;
    const char *prefix;
    const char *texts; /* (N + 1) */
    int32_t *number;   /* (FR_LETTERS) of small letters in the vocabulary; else 0 */
    int64_t n_numbers;
    size_t width; /* terms in use */
} writer;

/* Sequences of one length after the other. */
typedef struct {
    int64_t *pool, *start, *index;
    size_t n_pool, n_lengths, n;
} grams;

static const char *name(const writer *w)
{
    return fr_onnx_name(w->o, w->prefix);
}

static const char *ints(const writer *w, const int64_t *values, size_t n)
{
    const char *out = name(w);
    int64_t *held = fr_onnx_alloc(w->o, n, sizeof *held);
    if (held != NULL) memcpy(held, values, n * sizeof *held);
    fr_onnx_ints(w->o, out, held, n);
    return out;
}

static const char *op(const writer *w, const char *type, const char *const inputs[], int axis)
{
    const char *out = name(w);
    fr_onnx_node *node = fr_onnx_op(w->o, type, inputs, out);
    if (axis >= 0) fr_onnx_set_int(w->o, node, "axis", axis);
    return out;
}

/* The letter at *at, which goes on behind it. */
static uint32_t next(const char **at)
{
    uint32_t letter = 0;
    *at += fr_letter_decode(*at, strlen(*at), &letter);
    return letter;
}

static uint32_t small_of(const writer *w, uint32_t letter)
{
    return w->model->schema.text.lower ? fr_letter_small(letter) : letter;
}

static void number_letters(writer *w)
{
    w->number = fr_onnx_alloc(w->o, FR_LETTERS, sizeof *w->number);
    w->n_numbers = NUMBER_FIRST;
    for (size_t t = 0; w->number != NULL && t < w->terms->n; t++)
        for (const char *at = w->terms->item[t].text + 1; *at != '\0';) {
            const uint32_t letter = next(&at);
            if (letter != ' ' && w->number[letter] == 0)
                w->number[letter] = (int32_t)w->n_numbers++;
        }
    if (w->number != NULL) w->number[' '] = NUMBER_BLANK;
}

/* What is told apart: letters of words; those and blanks, with which rows are filled up; blanks
 * and all else. */
typedef enum { TELL_LETTERS, TELL_BLANKS_TOO, TELL_BLANKS_ONLY } tell;

/* 0: as all letters that are not known. */
static int64_t number_of(const writer *w, uint32_t letter, tell what)
{
    const uint32_t small = small_of(w, letter);
    if (what != TELL_LETTERS && (fr_letter_kind(small) & FR_LETTER_BLANK)) return NUMBER_BLANK;
    return what == TELL_BLANKS_ONLY ? 0 : w->number[small];
}

/* Numbers of letters (rows, letters). */
static const char *encode(const writer *w, const char *letters, tell what)
{
    size_t n = 1;
    char **keys = fr_onnx_alloc(w->o, FR_LETTERS, sizeof *keys);
    int64_t *values = fr_onnx_alloc(w->o, FR_LETTERS, sizeof *values);
    const char *out = name(w);
    if (w->o->failed) return out;
    keys[0] = fr_onnx_text(w->o, "%s", "");
    values[0] = what == TELL_LETTERS ? NUMBER_NONE : NUMBER_BLANK;
    for (uint32_t c = 1; c < FR_LETTERS; c++) {
        const int64_t number = number_of(w, c, what);
        if (number == 0) continue;
        char utf8[FR_LETTER_BYTES + 1] = {0};
        fr_letter_encode(c, utf8);
        keys[n] = fr_onnx_text(w->o, "%s", utf8);
        values[n++] = number;
    }
    fr_onnx_node *node = fr_onnx_ml_op(w->o, "LabelEncoder", letters, out);
    if (w->o->failed) return out;
    fr_onnx_set_texts(w->o, node, "keys_strings", keys, n);
    fr_onnx_set_ints(w->o, node, "values_int64s", values, n);
    fr_onnx_set_int(w->o, node, "default_int64", NUMBER_OTHER);
    return out;
}

/* What cuts texts (n); by what is to be set. */
static fr_onnx_node *tokenizer(const writer *w, const char *texts, const char *out)
{
    fr_onnx_node *node = fr_onnx_runtime_op(w->o, "Tokenizer", texts, out);
    fr_onnx_set_int(w->o, node, "mark", 0);
    fr_onnx_set_int(w->o, node, "mincharnum", 1);
    fr_onnx_set_text(w->o, node, "pad_value", "");
    fr_onnx_hint(w->o, out, ONNX__TENSOR_PROTO__DATA_TYPE__STRING);
    return node;
}

/* The letters of texts (n), one by one: (n, longest). */
static const char *split(const writer *w, const char *texts)
{
    const char *out = name(w);
    fr_onnx_node *node = tokenizer(w, texts, out);
    char **nothing = fr_onnx_alloc(w->o, 1, sizeof *nothing);
    if (nothing == NULL) return out;
    *nothing = fr_onnx_text(w->o, "%s", "");
    if (w->o->failed) return out;
    fr_onnx_set_texts(w->o, node, "separators", nothing, 1);
    return out;
}

/* ---- counting ---- */

static bool grams_make(const writer *w, size_t n, size_t ints_at_most, size_t lengths, grams *g)
{
    *g = (grams){.pool = fr_onnx_alloc(w->o, ints_at_most, sizeof *g->pool),
                 .start = fr_onnx_alloc(w->o, lengths, sizeof *g->start),
                 .index = fr_onnx_alloc(w->o, n, sizeof *g->index)};
    return !w->o->failed;
}

/* The feature that term t is. */
static int64_t place_of(const writer *w, size_t t)
{
    return (int64_t)w->model->transform.features[w->terms->item[t].column].first;
}

/* How often rows have the sequences, each at its feature: (rows, terms). */
static const char *count(const writer *w, const grams *g, const char *rows)
{
    const char *out = name(w);
    size_t least = 1, width = 0;
    for (size_t i = 0; i < g->n; i++)
        if ((size_t)g->index[i] >= width) width = (size_t)g->index[i] + 1;
    while (least < g->n_lengths && g->start[least] == 0) least++;
    fr_onnx_node *node = fr_onnx_op(w->o, "TfIdfVectorizer", LIST(rows), out);
    fr_onnx_set_text(w->o, node, "mode", "TF");
    fr_onnx_set_int(w->o, node, "min_gram_length", (int64_t)least);
    fr_onnx_set_int(w->o, node, "max_gram_length", (int64_t)g->n_lengths);
    fr_onnx_set_int(w->o, node, "max_skip_count", 0);
    fr_onnx_set_ints(w->o, node, "ngram_counts", g->start, g->n_lengths);
    fr_onnx_set_ints(w->o, node, "ngram_indexes", g->index, g->n);
    fr_onnx_set_ints(w->o, node, "pool_int64s", g->pool, g->n_pool);
    if (width == w->width) return out;
    const char *ends = ints(w, (int64_t[]){0, 0, 0, (int64_t)(w->width - width)}, 4);
    return op(w, "Pad", LIST(out, ends), -1);
}

/* ---- letters ---- */

static size_t length_of(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; n++) next(&text);
    return n;
}

static bool is_single_blank(const char *term)
{
    return strcmp(term, "~ ") == 0;
}

/* A blank in front and behind. */
static const char *surround(const writer *w, const char *numbers)
{
    const char *ends = ints(w, (int64_t[]){0, 1, 0, 1}, 4),
               *blank = ints(w, (int64_t[]){NUMBER_BLANK}, 1),
               *scalar = op(w, "Squeeze", LIST(blank), -1);
    return op(w, "Pad", LIST(numbers, ends, scalar), -1);
}

/* Twice the places where a piece begins, as term t. */
static const char *count_blanks(const writer *w, const char *letters, size_t t)
{
    grams g;
    const char *numbers = surround(w, encode(w, letters, TELL_BLANKS_ONLY));
    if (!grams_make(w, 1, 2, 2, &g)) return "";
    g.pool[0] = NUMBER_BLANK;
    g.pool[1] = NUMBER_OTHER;
    g.n_pool = g.n_lengths = 2;
    g.index[g.n++] = place_of(w, t);
    const char *places = count(w, &g, numbers);
    return fr_onnx_binary(w->o, w->prefix, "Add", places, places);
}

/* The sum of two counts, of which either may be NULL. */
static const char *both(const writer *w, const char *a, const char *b)
{
    return a == NULL ? b : b == NULL ? a : fr_onnx_binary(w->o, w->prefix, "Add", a, b);
}

/* What a term is as a sequence of letters; 0: it is none. */
static size_t letters_in(const fr_term *term)
{
    const bool counted = term->text[0] == '~' && !is_single_blank(term->text);
    return counted ? length_of(term->text + 1) : 0;
}

static const char *count_letters(const writer *w)
{
    grams g;
    size_t n = 0, all = 0, longest = 0, blank = w->terms->n;
    for (size_t t = 0; t < w->terms->n; t++) {
        const size_t length = letters_in(&w->terms->item[t]);
        if (is_single_blank(w->terms->item[t].text)) blank = t;
        n += length > 0;
        all += length;
        if (length > longest) longest = length;
    }
    if (n == 0 && blank == w->terms->n) return NULL;
    const char *letters = split(w, w->texts), *counted = NULL, *blanks = NULL;
    if (!grams_make(w, n + 1, all + 1, longest + 1, &g)) return "";
    for (size_t length = 1; length <= longest; length++) {
        g.start[g.n_lengths++] = (int64_t)g.n_pool;
        for (size_t t = 0; t < w->terms->n; t++) {
            if (letters_in(&w->terms->item[t]) != length) continue;
            for (const char *at = w->terms->item[t].text + 1; *at != '\0';)
                g.pool[g.n_pool++] = w->number[next(&at)];
            g.index[g.n++] = place_of(w, t);
        }
    }
    if (n > 0) counted = count(w, &g, surround(w, encode(w, letters, TELL_BLANKS_TOO)));
    if (blank < w->terms->n) blanks = count_blanks(w, letters, blank);
    return both(w, counted, blanks);
}

/* ---- words ---- */

/* "[\x{61}-\x{7a}...]" of letters whose kind has, of the bits `among`, just `bits`. */
static void add_class(const writer *w, unsigned among, unsigned bits, fr_text *out)
{
    fr_text_append(out, "[", 1);
    for (uint32_t c = 1; c < FR_LETTERS; c++) {
        const uint32_t first = c;
        while (c < FR_LETTERS && (fr_letter_kind(small_of(w, c)) & among) == bits) c++;
        if (c > first) fr_text_add(out, "\\x{%x}-\\x{%x}", first, c - 1);
    }
    fr_text_append(out, "]", 1);
}

/* The words of the texts: (N + 1, most). */
static const char *cut(const writer *w)
{
    const unsigned both = FR_LETTER_WORD | FR_LETTER_SIGN;
    fr_text pattern = {0};
    add_class(w, FR_LETTER_SIGN, FR_LETTER_SIGN, &pattern);
    fr_text_append(&pattern, "|", 1);
    add_class(w, both, FR_LETTER_WORD, &pattern);
    fr_text_add(&pattern, "{2,}");
    const char *held = fr_onnx_text(w->o, "%s", fr_text_get(&pattern)), *out = name(w);
    w->o->failed = w->o->failed || pattern.failed;
    fr_text_clear(&pattern);
    if (w->o->failed) return out;
    fr_onnx_set_text(w->o, tokenizer(w, w->texts, out), "tokenexp", held);
    return out;
}

/* How a word's letters become `parts` integers of `digits` digits each. */
typedef struct {
    size_t digits, parts;
} packing;

static packing choose_packing(const writer *w, size_t longest)
{
    packing p = {0};
    for (int64_t all = w->n_numbers; all < (INT64_C(1) << DIGIT_BITS) / w->n_numbers;
         all *= w->n_numbers)
        p.digits++;
    if (p.digits == 0) p.digits = 1;
    p.parts = (longest + 1 + p.digits - 1) / p.digits;
    return p;
}

/* (digits x parts, parts): what takes the letters' numbers of a word to its integers. */
static int64_t *packer(const writer *w, packing p)
{
    const size_t rows = p.digits * p.parts;
    int64_t *m = fr_onnx_alloc(w->o, rows * p.parts, sizeof *m);
    for (size_t part = 0; m != NULL && part < p.parts; part++) {
        int64_t power = part == 0 ? -1 : 1;
        for (size_t d = 0; d < p.digits; d++, power *= w->n_numbers)
            m[(part * p.digits + d) * p.parts + part] = power;
    }
    return m;
}

/* Words (n), each a fixed number of integers: (n, parts). */
static const char *pack(const writer *w, packing p, const char *words)
{
    const size_t rows = p.digits * p.parts;
    const char *matrix = name(w);
    fr_onnx_int_matrix(w->o, matrix, packer(w, p), rows, p.parts);
    const char *numbers = encode(w, split(w, words), TELL_LETTERS);
    const char *ends = ints(w, (int64_t[]){0, 0, 0, (int64_t)rows}, 4);
    const char *filled = op(w, "Pad", LIST(numbers, ends), -1);
    const char *from = ints(w, (int64_t[]){0}, 1),
               *end = ints(w, (int64_t[]){(int64_t)rows}, 1),
               *axis = ints(w, (int64_t[]){1}, 1);
    const char *cut_off = op(w, "Slice", LIST(filled, from, end, axis), -1);
    return op(w, "MatMul", LIST(cut_off, matrix), -1);
}

/* The integers of a term's words, onto the pool. */
static void put_words(const writer *w, packing p, const int64_t *matrix, const char *text,
                      grams *g)
{
    while (*text != '\0') {
        int64_t *to = g->pool + g->n_pool;
        for (size_t d = 0; *text != '\0' && *text != ' '; d++) {
            const int64_t number = w->number[next(&text)];
            for (size_t part = 0; part < p.parts; part++)
                to[part] += number * matrix[d * p.parts + part];
        }
        if (*text == ' ') text++;
        g->n_pool += p.parts;
    }
}

static size_t words_in(const char *text)
{
    size_t n = 1;
    for (; *text != '\0'; text++) n += *text == ' ';
    return n;
}

/* Rows of integers, those of one word after the other. */
static const char *word_rows(const writer *w, packing p)
{
    const char *words = cut(w), *flat = ints(w, (int64_t[]){-1}, 1);
    const char *different = name(w), *which = name(w);
    const char *list = op(w, "Reshape", LIST(words, flat), -1);
    fr_onnx_node *node = fr_onnx_op(w->o, "Unique", LIST(list), different);
    fr_onnx_more(w->o, node, "");
    fr_onnx_more(w->o, node, which);
    const char *shape = op(w, "Shape", LIST(words), -1);
    const char *places = op(w, "Reshape", LIST(which, shape), -1);
    const char *packed = op(w, "Gather", LIST(pack(w, p, different), places), 0);
    return op(w, "Reshape", LIST(packed, ints(w, (int64_t[]){0, -1}, 2)), -1);
}

static const char *count_words(const writer *w)
{
    grams g;
    size_t n = 0, all = 0, most = 0, longest = 0;
    for (size_t t = 0; t < w->terms->n; t++) {
        const char *text = w->terms->item[t].text + 1;
        if (text[-1] != ':') continue;
        const size_t words = words_in(text);
        n++;
        all += words;
        if (words > most) most = words;
        if (length_of(text) > longest) longest = length_of(text);
    }
    if (n == 0) return NULL;
    const packing p = choose_packing(w, longest);
    const int64_t *matrix = packer(w, p);
    if (!grams_make(w, n, all * p.parts, most * p.parts, &g) || matrix == NULL) return "";
    for (size_t length = 1; length <= most * p.parts; length++) {
        g.start[g.n_lengths++] = (int64_t)g.n_pool;
        for (size_t t = 0; length % p.parts == 0 && t < w->terms->n; t++) {
            const char *text = w->terms->item[t].text + 1;
            if (text[-1] != ':' || words_in(text) * p.parts != length) continue;
            put_words(w, p, matrix, text, &g);
            g.index[g.n++] = place_of(w, t);
        }
    }
    return count(w, &g, word_rows(w, p));
}

/* ---- all ---- */

/* Those that the model uses, of all members' terms. */
static fr_terms used_terms(fr_onnx *o, const fr_model *model, const fr_terms *terms)
{
    fr_terms used = {.item = fr_onnx_alloc(o, terms->n, sizeof *used.item)};
    for (size_t t = 0; used.item != NULL && t < terms->n; t++)
        if (model->transform.features[terms->item[t].column].kind != FR_FEATURE_DROP)
            used.item[used.n++] = terms->item[t];
    return used;
}

/* But for the rows' length. */
static const char *weigh(const writer *w, const char *counted)
{
    const fr_transform *t = &w->model->transform;
    float *weight = fr_onnx_alloc(w->o, w->width, sizeof *weight);
    const char *weights = name(w);
    for (size_t i = 0; weight != NULL && i < w->terms->n; i++)
        weight[place_of(w, i)] = t->features[w->terms->item[i].column].factor;
    fr_onnx_floats(w->o, weights, weight, w->width, 0);
    if (t->sublinear) counted = fr_onnx_sublinear_counts(w->o, w->prefix, counted);
    return fr_onnx_binary(w->o, w->prefix, "Mul", counted, weights);
}

const char *fr_onnx_words(fr_onnx *o, const fr_model *model, const fr_terms *terms,
                          const char *prefix)
{
    const fr_terms used = used_terms(o, model, terms);
    writer w = {.o = o, .model = model, .terms = &used, .prefix = prefix, .width = used.n};
    static char *const last[] = {"00"}; /* is a word, and letters */
    const char *row = fr_onnx_name(o, prefix), *any = ints(&w, (int64_t[]){-1}, 1);
    fr_onnx_texts(o, row, last, 1);
    const char *flat = op(&w, "Reshape", LIST(model->schema.text.column, any), -1);
    w.texts = op(&w, "Concat", LIST(flat, row), 0);
    number_letters(&w);
    if (o->failed) return "";
    const char *counted = both(&w, count_words(&w), count_letters(&w));
    const char *from = ints(&w, (int64_t[]){0}, 1), *end = ints(&w, (int64_t[]){-1}, 1);
    return weigh(&w, op(&w, "Slice", LIST(counted, from, end, from), -1));
}
