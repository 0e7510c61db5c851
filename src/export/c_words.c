/* SPDX-License-Identifier: BSD-3-Clause */
/* c_words.c - what cuts a text into n-grams and counts them, as C: what ngrams.c does, without
 * memory of its own. The letters' kinds are written as tables that come from its own functions.
 */
#include <string.h>

#include "foldrank/letters.h"
#include "internal.h"
#include "terms.h"

/* In these, @ is the name that every identifier begins with. */
static const char letters_code[] =
    "/* The letter at `at`; returns where the next one is, NULL: no UTF-8. */\n"
    "static inline const char *@_letter(const char *at, unsigned long *letter)\n{\n"
    "    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};\n"
    "    const unsigned char *s = (const unsigned char *)at;\n"
    "    const int n = s[0] < 0x80 ? 1 : s[0] >> 5 == 0x06 ? 2 : s[0] >> 4 == 0x0e ? 3\n"
    "                  : s[0] >> 3 == 0x1e ? 4 : 0;\n"
    "    unsigned long c = n == 1 ? s[0] : s[0] & (0x7fu >> n);\n"
    "    int i;\n"
    "    *letter = 0;\n"
    "    if (n == 0) return NULL;\n"
    "    for (i = 1; i < n; i++) {\n"
    "        if (s[i] >> 6 != 2) return NULL;\n"
    "        c = c << 6 | (s[i] & 0x3fu);\n"
    "    }\n"
    "    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return NULL;\n"
    "    *letter = @_small(c);\n"
    "    return at + n;\n}\n\n"
    "/* A letter behind the n bytes of a term, unless that is longer than any known one. */\n"
    "static inline int @_put(char *term, int n, unsigned long c)\n{\n"
    "    const int bytes = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;\n"
    "    int i;\n"
    "    if (n > @_LONGEST) return n;\n"
    "    for (i = bytes - 1; i > 0; i--, c >>= 6) term[n + i] = (char)(0x80 | (c & 0x3f));\n"
    "    term[n] = (char)(bytes == 1 ? c : ((0xf00ul >> bytes & 0xf0) | c));\n"
    "    return n + bytes;\n}\n\n";

static const char count_code[] =
    "    int low = 0, high = @_TERMS;\n"
    "    if (n > @_LONGEST) return;\n"
    "    term[n] = '\\0';\n"
    "    while (low < high) {\n"
    "        const int middle = low + (high - low) / 2, order = strcmp(term, terms[middle]);\n"
    "        if (order == 0) {\n"
    "            if (place[middle] >= 0) a[place[middle]] += 1.0f;\n"
    "            return;\n"
    "        }\n"
    "        if (order < 0)\n"
    "            high = middle;\n"
    "        else\n"
    "            low = middle + 1;\n"
    "    }\n}\n\n";

static const char words_code[] =
    "/* The first word at or behind `at`, of two letters or a sign; NULL: there is none. */\n"
    "static inline const char *@_word(const char *at, const char **end)\n{\n"
    "    while (*at != '\\0') {\n"
    "        unsigned long c;\n"
    "        const char *first = at, *next = @_letter(at, &c);\n"
    "        int n = 0;\n"
    "        if (@_kind(c) & 4) {\n"
    "            *end = next;\n"
    "            return first;\n"
    "        }\n"
    "        while (*at != '\\0' && (@_kind(c) & 6) == 2) {\n"
    "            n++;\n"
    "            at = next;\n"
    "            next = @_letter(at, &c);\n"
    "        }\n"
    "        if (n >= 2) {\n"
    "            *end = at;\n"
    "            return first;\n"
    "        }\n"
    "        if (n == 0) at = next;\n"
    "    }\n"
    "    return NULL;\n}\n\n"
    "/* Count each n words in a row. */\n"
    "static inline void @_words(const char *text, int n, const int *place, float *a)\n{\n"
    "    const char *next = text, *start;\n"
    "    while ((start = @_word(next, &next)) != NULL) {\n"
    "        char term[@_LONGEST + 5];\n"
    "        const char *word = start, *end = next;\n"
    "        int used = @_put(term, 0, ':'), k;\n"
    "        for (k = 0; k < n && word != NULL; k++) {\n"
    "            unsigned long c;\n"
    "            if (k > 0) used = @_put(term, used, ' ');\n"
    "            while (word < end) {\n"
    "                word = @_letter(word, &c);\n"
    "                used = @_put(term, used, c);\n"
    "            }\n"
    "            if (k + 1 < n) word = @_word(end, &end);\n"
    "        }\n"
    "        if (word != NULL) @_count(term, used, place, a);\n"
    "    }\n}\n\n";

static const char pieces_code[] =
    "/* Count each n letters in a row of a piece of m with a blank on either side; one that "
    "is\n"
    " * shorter is counted whole. */\n"
    "static inline void @_piece(const char *piece, int m, int n, const int *place, float *a)\n"
    "{\n"
    "    const int all = m + 2, length = n < all ? n : all;\n"
    "    int i, j;\n"
    "    for (i = 0; i + length <= all; i++) {\n"
    "        char term[@_LONGEST + 5];\n"
    "        const char *at = piece;\n"
    "        unsigned long c;\n"
    "        int used = @_put(term, 0, '~');\n"
    "        for (j = i; j < i + length; j++) {\n"
    "            c = ' ';\n"
    "            if (j > 0 && j < all - 1) at = @_letter(at, &c);\n"
    "            used = @_put(term, used, c);\n"
    "        }\n"
    "        @_count(term, used, place, a);\n"
    "        if (i > 0 && i < all - 1) piece = @_letter(piece, &c);\n"
    "    }\n}\n\n";

static const char text_code[] =
    "    for (at = text; at != NULL && *at != '\\0';) at = @_letter(at, &c);\n"
    "    if (at == NULL) return 0;\n";

/* Between blanks, all lengths. */
static const char split_code[] =
    "    for (at = text; *at != '\\0';) {\n"
    "        const char *piece = at, *next = @_letter(at, &c);\n"
    "        int m = 0;\n"
    "        while (*at != '\\0' && !(@_kind(c) & 1)) {\n"
    "            m++;\n"
    "            at = next;\n"
    "            next = @_letter(at, &c);\n"
    "        }\n"
    "        for (k = 0; k < @_LENGTHS && m > 0; k++) {\n"
    "            if (k > 0 && lengths[k - 1] >= m + 2) break; /* counted whole already */\n"
    "            @_piece(piece, m, lengths[k], place, a);\n"
    "        }\n"
    "        if (*at != '\\0') at = next;\n"
    "    }\n";

static void add_code(const char *code, const char *name, fr_text *out)
{
    for (const char *at = code; *at != '\0'; at++) {
        const size_t plain = strcspn(at, "@");
        fr_text_append(out, at, plain);
        at += plain;
        if (*at == '\0') return;
        fr_text_add(out, "%s", name);
    }
}

static uint32_t small_of(const fr_text_settings *settings, uint32_t c)
{
    return settings->lower ? fr_letter_small(c) : c;
}

/* Runs of letters that differ from their small ones by the same; steps of 1 or 2. */
static void write_small(const fr_text_settings *settings, const char *name, fr_text *out)
{
    size_t n = 0;
    fr_text_add(
        out, "/* A as a. */\nstatic inline unsigned long %s_small(unsigned long c)\n{\n", name);
    for (uint32_t c = 0; c < FR_LETTERS; c++) {
        const uint32_t add = small_of(settings, c) - c, first = c;
        uint32_t step = 0;
        if (add == 0) continue;
        for (uint32_t s = 1; step == 0 && s <= 2; s++)
            if (small_of(settings, c + s) - (c + s) == add) step = s;
        while (step > 0 && small_of(settings, c + step) - (c + step) == add) c += step;
        if (n++ == 0)
            fr_text_add(out, "    /* letters from, to, by, and how much is added */\n"
                             "    static const unsigned long runs[][4] = {\n");
        fr_text_add(out, "        {0x%x, 0x%x, %u, %u},\n", first, c, step == 0 ? 1 : step,
                    add);
    }
    if (n > 0)
        fr_text_add(out,
                    "    };\n    int i;\n"
                    "    for (i = 0; i < %zu && runs[i][0] <= c; i++)\n"
                    "        if (c <= runs[i][1] && (c - runs[i][0]) %% runs[i][2] == 0)\n"
                    "            return c + runs[i][3];\n",
                    n);
    fr_text_add(out, "    return c;\n}\n\n");
}

static void write_kind(const char *name, fr_text *out)
{
    size_t n = 0;
    fr_text_add(out,
                "/* 1: a blank; 2: part of a word; 4: a word by itself */\n"
                "static inline int %s_kind(unsigned long c)\n{\n"
                "    static const struct {\n        unsigned long last;\n        int kind;\n"
                "    } runs[] = {\n",
                name);
    for (uint32_t c = 0; c < FR_LETTERS; c++)
        if (c + 1 == FR_LETTERS || fr_letter_kind(c + 1) != fr_letter_kind(c)) {
            fr_text_add(out, "        {0x%x, %u},\n", c, fr_letter_kind(c));
            n++;
        }
    fr_text_add(out,
                "    };\n    int low = 0, high = %zu;\n    while (low < high) {\n"
                "        const int middle = low + (high - low) / 2;\n"
                "        if (runs[middle].last < c)\n            low = middle + 1;\n"
                "        else\n            high = middle;\n    }\n"
                "    return runs[low].kind;\n}\n\n",
                n - 1);
}

static void write_count(const fr_terms *terms, const char *name, fr_text *out)
{
    fr_text_add(out,
                "/* One more of a term, if it is known. */\n"
                "static inline void %s_count(char *term, int n, const int *place, float *a)\n"
                "{\n    static const char *const terms[%s_TERMS] = {\n",
                name, name);
    for (size_t t = 0; t < terms->n; t++) {
        fr_text_add(out, "        ");
        fr_c_quote(terms->item[t].text, out);
        fr_text_add(out, ",\n");
    }
    fr_text_add(out, "    };\n");
    add_code(count_code, name, out);
}

static void write_text(const fr_text_settings *settings, const char *name, fr_text *out)
{
    const fr_ints *words = &settings->words, *chars = &settings->chars;
    fr_text_add(out,
                "/* Adds to a how often the text has each term; 0: it is not UTF-8. */\n"
                "static inline int %s_text(const char *text, const int *place, float *a)\n{\n",
                name);
    for (size_t k = 0; k < chars->n; k++)
        fr_text_add(out, "%s%d%s", k == 0 ? "    static const int lengths[] = {" : ", ",
                    (int)chars->value[k], k + 1 == chars->n ? "};\n" : "");
    fr_text_add(out, "    const char *at;\n    unsigned long c;\n%s",
                chars->n > 0 ? "    int k;\n" : "");
    add_code(text_code, name, out);
    for (size_t k = 0; k < words->n; k++)
        fr_text_add(out, "    %s_words(text, %d, place, a);\n", name, (int)words->value[k]);
    if (chars->n > 0) add_code(split_code, name, out);
    fr_text_add(out, "    return 1;\n}\n");
}

void fr_c_words_functions(const fr_text_settings *settings, const fr_terms *terms,
                          const char *name, fr_text *out)
{
    fr_text_add(out, "\nenum { %s_TERMS = %zu, %s_LONGEST = %zu, %s_LENGTHS = %zu };\n\n", name,
                terms->n, name, terms->longest, name, settings->chars.n);
    write_small(settings, name, out);
    write_kind(name, out);
    add_code(letters_code, name, out);
    write_count(terms, name, out);
    if (settings->words.n > 0) add_code(words_code, name, out);
    if (settings->chars.n > 0) add_code(pieces_code, name, out);
    write_text(settings, name, out);
}

void fr_c_words_constants(const fr_model *model, const fr_terms *terms, fr_text *out)
{
    enum { A_LINE = 12 };
    const fr_feature *features = model->transform.features;
    fr_text_add(out, "    /* input of each term, -1: none; what its count is multiplied by */\n"
                     "    static const int place[] = {");
    for (size_t t = 0; t < terms->n; t++) {
        const fr_feature *f = &features[terms->item[t].column];
        fr_text_add(out, "%s%d,", t % A_LINE == 0 ? "\n        " : " ",
                    f->kind == FR_FEATURE_DROP ? -1 : (int)f->first);
    }
    fr_text_add(out, "\n    };\n    static const float weight[] = {");
    for (size_t c = 0, n = 0; c < model->transform.cols; c++) {
        if (features[c].kind == FR_FEATURE_DROP) continue;
        fr_text_add(out, n++ % A_LINE == 0 ? "\n        " : " ");
        fr_c_float(out, features[c].factor);
        fr_text_add(out, ",");
    }
    fr_text_add(out, "\n    };\n");
}

void fr_c_words(const fr_model *model, const char *name, fr_text *out)
{
    const fr_transform *t = &model->transform;
    const size_t n = fr_transform_features(t);
    fr_text_add(out, "    for (i = 0; i < %zu; i++) a[i] = 0.0f;\n", n);
    if (model->schema.learn == FR_LEARN_CLASSIFICATION)
        fr_text_add(out,
                    "    if (!%s_text(text, place, a)) {\n"
                    "        for (i = 0; i < %zu; i++) out[i] = NAN;\n"
                    "        return -1;\n    }\n",
                    name, model->n_outputs);
    else
        fr_text_add(out, "    if (!%s_text(text, place, a)) return NAN;\n", name);
    fr_text_add(
        out,
        "    for (i = 0; i < %zu; i++) {\n        v = a[i];\n%s"
        "        a[i] = v * weight[i];\n    }\n",
        n, t->sublinear ? "        if (v > 0.0f) v = (float)(1.0 + log((double)v));\n" : "");
}
