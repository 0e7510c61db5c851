/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON lines: the same data set as the same rows in CSV, texts with all that JSON can write,
 * and what no row is. */
#include "data_fixture.h"

#include <math.h>

static void same_as_csv(void **state)
{
    (void)state;
    static const char csv[] = "a,b,colour,ok,kind\n"
                              "1,0.5,red,true,x\n"
                              ",1e3,green,false,y\n"
                              "-2,,red,true,x\n"
                              "12345678901,7,,false,y\n";
    static const char lines[] =
        "\xEF\xBB\xBF{\"a\": 1, \"b\": 0.5, \"colour\": \"red\", \"ok\": true, \"kind\": "
        "\"x\"}\r\n"
        "\n"
        "{ \"kind\":\"y\", \"b\": 1000, \"colour\": \"gr\\u0065en\", \"ok\": false }\n"
        "{\"ok\": true, \"a\": -2.0, \"b\": null, \"colour\": \"red\", \"kind\": \"x\"}\n"
        "{\"a\": 12345678901, \"b\": 7, \"colour\": null, \"ok\": false, \"kind\": \"y\"}";
    static const char *const names[] = {"t.jsonl", "t.ndjson.gz", "no_ending"};
    data_case want;
    case_start(&want);
    case_set(&want, "target", "kind");
    case_text(&want, "t.csv", csv);
    case_read(&want);
    for (size_t i = 0; i < 3; i++) {
        data_case c;
        case_start(&c);
        case_set(&c, "target", "kind");
        case_text(&c, names[i], lines);
        case_read(&c);
        const fr_schema *s = &c.set.schema, *w = &want.set.schema;
        assert_true(s->rows == 4 && s->cols == 4 && s->n_classes == 2 && s->cell == w->cell);
        assert_memory_equal(c.set.x, want.set.x, 4 * 4 * sizeof(float));
        assert_memory_equal(c.set.y, want.set.y, 4 * sizeof(float));
        for (size_t j = 0; j < 4; j++) {
            assert_string_equal(s->columns[j].name, w->columns[j].name);
            assert_int_equal(s->columns[j].n_levels, w->columns[j].n_levels);
        }
        case_end(&c);
    }
    case_end(&want);
}

static bool has_column(const fr_schema *schema, const char *name)
{
    for (size_t j = 0; j < schema->cols; j++)
        if (strcmp(schema->columns[j].name, name) == 0) return true;
    return false;
}

/* Escapes and pairs of surrogates; a missing text has no n-grams; what nobody looks at may be
 * nested. */
static void texts(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_set(&c, "target", "label");
    case_set(&c, "text", "say");
    case_set(&c, "text_chars", "[3]");
    case_text(&c, "t.jsonl",
              "{\"say\": \"tab\\there \\\"said\\\" a\\\\b\\/c \\u4f60\\u597D\", \"label\": 1}\n"
              "{\"say\": \"x\\ud83d\\ude00y NA\", \"label\": 0, \"meta\": {\"deep\": [1, 2]}}\n"
              "{\"say\": null, \"label\": 0}\n"
              "{\"label\": 1}\n");
    case_read(&c);
    const fr_schema *s = &c.set.schema;
    assert_true(has_column(s, "say:tab") && has_column(s, "say:here") &&
                has_column(s, "say:said"));
    assert_true(has_column(s, "say:\xe4\xbd\xa0") && has_column(s, "say:\xe5\xa5\xbd"));
    assert_true(has_column(s, "say~x\xf0\x9f\x98\x80y") && has_column(s, "say~ \"s"));
    assert_true(has_column(s, "say~a\\b") && has_column(s, "say~b/c") &&
                has_column(s, "say:na"));
    assert_false(has_column(s, "meta") || has_column(s, "say:deep"));
    assert_true(c.set.sparse.start[2] == c.set.sparse.start[4]);
    assert_true(c.set.sparse.start[1] > 0 && c.set.sparse.start[2] > c.set.sparse.start[1]);
    case_end(&c);
}

static void what_is_no_row(void **state)
{
    (void)state;
    static const struct {
        const char *text, *say;
    } cases[] = {
        {"{\"a\": 1, \"kind\": 0}\n{\"a\": 2 \"kind\": 1}\n",
         "t.jsonl:2: is not JSON, at column"},
        {"{\"a\": 1, \"kind\": 0}\n{\"a\": 2, \"kind\": 1\n", "t.jsonl:2: is not JSON"},
        {"{\"a\": 1, \"kind\": 0}\n\n[1, 2]\n", "t.jsonl:3: is a list, not an object"},
        {"{\"a\": 1, \"kind\": 0}\n\"word\"\n", "t.jsonl:2: is a string, not an object"},
        {"{\"a\": NaN, \"kind\": 0}\n", "t.jsonl:1: is not JSON"},
        {"{\"a\": 1, \"a\": 2, \"kind\": 0}\n", "t.jsonl:1: is not JSON"},
        {"{\"a\": \"caf\xe9\", \"kind\": 0}\n", "t.jsonl:1: is not UTF-8"},
        {"{\"a\": \"\\ud83d\", \"kind\": 0}\n", "t.jsonl:1: is not JSON"},
        {"{\"a\": 1, \"kind\": 0}\n{\"a\": [3], \"kind\": 0}\n",
         "t.jsonl:2: `a` is a list; a cell is"},
        {"{\"a\": {\"b\": 1}, \"kind\": 0}\n", "t.jsonl:1: `a` is an object"},
        {"[{\"a\": 1}]\n", "is one list of JSON, not lines"},
        {"[\n{\"a\": 1}\n]\n", "is one list of JSON, not lines"},
        {"\n \n", "t.jsonl: is empty"},
        {"{\"a\": 1, \"kid\": 0}\n", "has no column `kind`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        data_case c;
        case_start(&c);
        case_set(&c, "target", "kind");
        case_text(&c, "t.jsonl", cases[i].text);
        case_fails(&c, FR_ERR_DATA, cases[i].say);
        case_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_csv),
        cmocka_unit_test(texts),
        cmocka_unit_test(what_is_no_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
