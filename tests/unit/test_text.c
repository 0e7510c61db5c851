/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts as counts of n-grams, weighed: against scikit-learn's TfidfVectorizer, and what no text
 * is. */
#include "data_fixture.h"

#include <math.h>

#include "foldrank/preprocess.h"
#include "reference.h"

enum { TEXTS = 10, TRAIN = 6 };

static fr_preprocess_options tfidf(void)
{
    fr_preprocess_options o = {0};
    assert_int_equal(
        fr_option_defaults(fr_preprocess_option_table, fr_preprocess_option_count, &o), FR_OK);
    o.scale = FR_SCALE_TFIDF;
    o.drop_constant = false; /* scikit-learn keeps what all rows have */
    return o;
}

static void start_text(data_case *c, const char *csv)
{
    case_start(c);
    case_set(c, "text", "text");
    case_set(c, "target", "label");
    if (csv != NULL) case_text(c, "t.csv", csv);
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void expect_rows(const data_case *c, const fr_preprocess_options *options,
                        const char *setting)
{
    char head[64];
    fr_transform t;
    fr_sparse_block block = {0};
    const uint32_t rows[TEXTS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    snprintf(head, sizeof head, "width setting=%s", setting);
    assert_int_equal(fr_transform_fit(options, &c->set, rows, TRAIN, &t), FR_OK);
    assert_int_equal(t.width, (size_t)reference_find("sklearn_text.txt", head).value[0]);
    const size_t most = fr_transform_most_values(&t, &c->set, rows, TEXTS);
    assert_int_equal(fr_sparse_reserve(&block, TEXTS, TEXTS * most), FR_OK);
    fr_transform_apply_sparse(&t, &c->set, rows, TEXTS, &block);
    float dense[TEXTS * 512];
    assert_true(t.width <= 512);
    fr_transform_apply(&t, &c->set, rows, TEXTS, dense, t.width);
    for (size_t i = 0; i < TEXTS; i++) {
        snprintf(head, sizeof head, "row setting=%s row=%zu", setting, i);
        const reference want = reference_find("sklearn_text.txt", head);
        float *value = block.value + block.start[i];
        assert_int_equal(block.start[i + 1] - block.start[i], want.n);
        for (size_t k = 0; k < want.n; k++)
            assert_true(fabsf(value[k] -
                              dense[i * t.width + block.column[block.start[i] + k]]) < 1e-6f);
        qsort(value, want.n, sizeof *value, by_value);
        for (size_t k = 0; k < want.n; k++)
            assert_true(fabs((double)value[k] - want.value[k]) < 1e-6);
    }
    fr_sparse_clear(&block);
    fr_transform_clear(&t);
}

static void as_scikit_learn(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *words, *chars, *lower;
        bool sublinear;
        int64_t min_rows;
        double max_share;
    } cases[] = {
        {"words", "[1]", "[]", "true", false, 1, 1},
        {"pairs", "[1, 2]", "[]", "true", true, 1, 1},
        {"often", "[1, 2]", "[]", "true", false, 2, 1},
        {"common", "[1]", "[]", "true", false, 1, 0.3},
        {"letters", "[]", "[2, 3, 4]", "true", false, 1, 1},
        {"capitals", "[]", "[3]", "false", true, 1, 1},
        {"across", "[]", "[2, 3, 4]", "true", false, 1, 1},
        {"flat", "[1, 2]", "[]", "true", true, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        data_case c;
        start_text(&c, NULL);
        case_set(&c, "path", "tests/reference/text.csv");
        case_set(&c, "text_words", cases[i].words);
        case_set(&c, "text_chars", cases[i].chars);
        case_set(&c, "text_lower", cases[i].lower);
        if (strcmp(cases[i].setting, "across") == 0) case_set(&c, "text_across", "true");
        case_read(&c);
        fr_preprocess_options options = tfidf();
        options.idf = strcmp(cases[i].setting, "flat") != 0;
        options.sublinear = cases[i].sublinear;
        options.min_rows = cases[i].min_rows;
        options.max_share = cases[i].max_share;
        expect_rows(&c, &options, cases[i].setting);
        case_end(&c);
    }
}

/* Lengths that are searched among those that are counted: what counting these alone gives. */
static void lengths_are_taken_out(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *words, *chars;
        bool sublinear;
    } cases[] = {
        {"words", "[1]", "[]", false},
        {"pairs", "[1, 2]", "[]", true},
        {"letters", "[]", "[0]", false},
        {"long", "[]", "[4]", false},
    };
    data_case c;
    start_text(&c, NULL);
    case_set(&c, "path", "tests/reference/text.csv");
    case_set(&c, "text_words", "[1, 2]");
    case_set(&c, "text_chars", "[2, 3, 4]");
    case_read(&c);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fr_preprocess_options o = tfidf();
        const fr_option *rows = fr_preprocess_option_table;
        const size_t n = fr_preprocess_option_count;
        o.sublinear = cases[i].sublinear;
        assert_int_equal(
            fr_option_set(fr_option_find(rows, n, "text_words"), cases[i].words, &o), FR_OK);
        assert_int_equal(
            fr_option_set(fr_option_find(rows, n, "text_chars"), cases[i].chars, &o), FR_OK);
        expect_rows(&c, &o, cases[i].setting);
    }
    case_end(&c);
}

/* HashingVectorizer: the same terms in the same buckets, with the same signs. */
static void expect_buckets(const data_case *c, const fr_preprocess_options *options,
                           const char *setting)
{
    char head[64];
    fr_transform t;
    fr_sparse_block block = {0};
    const uint32_t rows[TEXTS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    assert_int_equal(fr_transform_fit(options, &c->set, rows, TRAIN, &t), FR_OK);
    assert_int_equal(t.width, c->options.text.buckets);
    const size_t most = fr_transform_most_values(&t, &c->set, rows, TEXTS);
    assert_int_equal(fr_sparse_reserve(&block, TEXTS, TEXTS * most), FR_OK);
    fr_transform_apply_sparse(&t, &c->set, rows, TEXTS, &block);
    for (size_t i = 0; i < TEXTS; i++) {
        snprintf(head, sizeof head, "bucket setting=%s row=%zu", setting, i);
        const reference bucket = reference_find("sklearn_text.txt", head);
        snprintf(head, sizeof head, "value setting=%s row=%zu", setting, i);
        const reference value = reference_find("sklearn_text.txt", head);
        assert_int_equal(block.start[i + 1] - block.start[i], value.n);
        for (size_t k = 0; k < value.n; k++) {
            const size_t at = (size_t)block.start[i] + k;
            assert_int_equal(block.column[at], (size_t)bucket.value[k]);
            assert_true(fabs((double)block.value[at] - value.value[k]) < 1e-6);
        }
    }
    fr_sparse_clear(&block);
    fr_transform_clear(&t);
}

static void buckets_as_scikit_learn(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *words, *chars, *across, *buckets, *alternate;
        int scale;
        bool idf;
    } cases[] = {
        {"signed", "[1, 2]", "[]", "false", "16", "true", FR_SCALE_TFIDF, false},
        {"counts", "[]", "[3]", "true", "13", "false", FR_SCALE_NONE, true},
        {"weighed", "[]", "[2, 3, 4]", "false", "20", "true", FR_SCALE_TFIDF, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        data_case c;
        start_text(&c, NULL);
        case_set(&c, "path", "tests/reference/text.csv");
        case_set(&c, "text_words", cases[i].words);
        case_set(&c, "text_chars", cases[i].chars);
        case_set(&c, "text_across", cases[i].across);
        case_set(&c, "text_buckets", cases[i].buckets);
        case_set(&c, "text_alternate_sign", cases[i].alternate);
        case_set(&c, "storage", "sparse");
        case_read(&c);
        assert_string_equal(c.set.schema.columns[1].name, "text#1");
        fr_preprocess_options options = tfidf();
        options.scale = cases[i].scale;
        options.idf = cases[i].idf;
        expect_buckets(&c, &options, cases[i].setting);
        case_end(&c);
    }
}

static bool has_column(const fr_schema *schema, const char *name)
{
    for (size_t j = 0; j < schema->cols; j++)
        if (strcmp(schema->columns[j].name, name) == 0) return true;
    return false;
}

/* Signs are words of their own; words of other scripts keep their letters. */
static void signs_are_words(void **state)
{
    (void)state;
    data_case c;
    start_text(&c, "label,text,other\n1,我爱北京。Über-Maß OK,7\n0,a 北京,9\n");
    case_set(&c, "text_words", "[1, 2]");
    case_set(&c, "text_chars", "[3]");
    case_read(&c);
    const fr_schema *s = &c.set.schema;
    assert_int_equal(s->cell, FR_CELL_SPARSE);
    assert_true(has_column(s, "text:我") && has_column(s, "text:北 京"));
    assert_true(has_column(s, "text:über") && has_column(s, "text:maß ok"));
    assert_true(has_column(s, "text~ ok") && has_column(s, "text~ a "));
    assert_false(has_column(s, "text:a") || has_column(s, "other") || has_column(s, "text:7"));
    case_end(&c);
}

/* New texts are counted as the model's were; words that it does not know do not count. */
static void new_texts(void **state)
{
    (void)state;
    data_case c;
    fr_source *source = NULL;
    start_text(&c, "label,text\nham,see you soon\nspam,win win now\n");
    case_read(&c);
    fr_schema model;
    assert_int_equal(fr_schema_copy(&c.set.schema, &model), FR_OK);
    assert_string_equal(model.text.column, "text");
    case_text(&c, "new.csv", "id,text\n1,WIN you nothing\n2,?\n");
    case_set(&c, "target", "0");
    assert_int_equal(fr_source_open_like(&c.options, &model, &source), FR_OK);
    const fr_schema *s = fr_source_schema(source);
    assert_true(s->rows == 2 && s->cols == 5 && s->stored == 2 && !s->has_target);
    void *block = fr_alloc(fr_schema_bytes(s), 1);
    assert_int_equal(fr_source_fill(source, block), FR_OK);
    fr_schema copy;
    fr_dataset set;
    assert_int_equal(fr_schema_copy(s, &copy), FR_OK);
    fr_dataset_attach(&copy, block, &set);
    for (uint64_t k = 0; k < set.sparse.start[2]; k++) {
        const char *name = model.columns[set.sparse.column[k]].name;
        assert_true(strcmp(name, "text:you") == 0 || strcmp(name, "text:win") == 0);
    }
    fr_dataset_clear(&set);
    free(block);
    fr_source_close(&source);
    fr_schema_clear(&model);
    case_end(&c);
}

/* What no training row has enough of is no feature; none at all is no model. */
static void no_word_is_left(void **state)
{
    (void)state;
    data_case c;
    fr_transform t;
    const uint32_t rows[] = {0, 1};
    start_text(&c, "label,text\n1,one two\n0,three\n");
    case_set(&c, "storage", "sparse");
    case_read(&c);
    fr_preprocess_options options = tfidf();
    options.min_rows = 2;
    assert_int_equal(fr_transform_fit(&options, &c.set, rows, 2, &t), FR_ERR_DATA);
    assert_non_null(strstr(fr_status_message(), "none of its 3 n-grams is left of 2 training"));
    options.min_rows = 1;
    assert_int_equal(fr_transform_fit(&options, &c.set, rows, 2, &t), FR_OK);
    assert_int_equal(t.width, 3);
    fr_transform_clear(&t);
    case_end(&c);
}

static void what_is_no_text(void **state)
{
    (void)state;
    static const struct {
        const char *csv, *key, *value, *say;
    } cases[] = {
        {"label,text\n1,good\n0,caf\xe9 bad\n", "text", "text", "t.csv:3: the text in column"},
        {"label,text\n1,good\n0,\xc0\xaf\n", "text", "text", "is not UTF-8"},
        {"label,text\n1,good\n0,\xed\xa0\x80\n", "text", "text", "is not UTF-8"},
        {"label,text\n1,good\n0,\xe5\x8c\n", "text", "text", "is not UTF-8"},
        {"label,text\n1,good\n0,bad\n", "text", "texts", "has no column `texts` (data.text)"},
        {"label,text\n1,?\n0,!\n", "text", "text", "column `text` has no words"},
        {"label,text\n1,a b\n0,c\n", "text_words", "[]", "are both empty"},
        {"label,text\n1,aa bb\n0,cc\n", "text_across", "true", "give their lengths"},
        {"label,text\n1,aa bb\n0,cc\n", "text_chars", "[3, 2]", "must ascend"},
        {"1 1:2\n0 3:4\n", "format", "svmlight", "needs a table of texts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        data_case c;
        start_text(&c, cases[i].csv);
        case_set(&c, cases[i].key, cases[i].value);
        case_fails(&c, FR_ERR_DATA, cases[i].say);
        case_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_scikit_learn),
        cmocka_unit_test(lengths_are_taken_out),
        cmocka_unit_test(buckets_as_scikit_learn),
        cmocka_unit_test(signs_are_words),
        cmocka_unit_test(new_texts),
        cmocka_unit_test(no_word_is_left),
        cmocka_unit_test(what_is_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
