/* SPDX-License-Identifier: BSD-3-Clause */
/* test_option.c - setting tables: defaults, every type to and from text, messages, lists. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/option.h"
#include "foldrank/random.h"

typedef struct {
    bool flag;
    int64_t count;
    double rate, share, positive;
    int kind;
    char *name;
    char *absent;
    fr_strings names;
    fr_ints sizes;
    double time;
} settings;

static const char *const kinds[] = {"relu", "leaky_relu", "tanh", NULL};

#define ROW(field, kind_, ...)                                                                 \
    {                                                                                          \
        .name = #field, .type = kind_, .offset = offsetof(settings, field), __VA_ARGS__        \
    }

static const fr_option table[] = {
    ROW(flag, FR_OPTION_BOOL, .fallback = "true"),
    ROW(count, FR_OPTION_INT, .fallback = "10", .low = 1, .high = INFINITY),
    ROW(rate, FR_OPTION_DOUBLE, .fallback = "1e-3"),
    ROW(share, FR_OPTION_DOUBLE, .fallback = "0", .high = 1, .open_high = true),
    ROW(positive, FR_OPTION_DOUBLE, .fallback = "1", .high = INFINITY, .open_low = true),
    ROW(kind, FR_OPTION_WORD, .fallback = "tanh", .words = kinds),
    ROW(name, FR_OPTION_STRING, .fallback = "auto"),
    ROW(absent, FR_OPTION_STRING, .fallback = NULL),
    ROW(names, FR_OPTION_STRINGS, .fallback = "[NA, '?']"),
    ROW(sizes, FR_OPTION_INTS, .fallback = "[128, 64]", .low = 1, .high = 4096),
    ROW(time, FR_OPTION_DURATION, .fallback = "55m"),
};
enum { N_ROWS = sizeof table / sizeof *table };

static int make_defaults(void **state)
{
    settings *s = calloc(1, sizeof *s);
    *state = s;
    return s == NULL || fr_option_defaults(table, N_ROWS, s) != FR_OK;
}

static int free_settings(void **state)
{
    fr_option_clear(table, N_ROWS, *state);
    free(*state);
    return 0;
}

static fr_status set(settings *s, const char *name, const char *text)
{
    return fr_option_set(fr_option_find(table, N_ROWS, name), text, s);
}

static void assert_reads(settings *s, const char *name, const char *text, const char *expected)
{
    fr_text out = {0};
    if (set(s, name, text) != FR_OK) fail_msg("%s: %s", name, fr_status_message());
    fr_option_format(fr_option_find(table, N_ROWS, name), s, &out);
    assert_string_equal(fr_text_get(&out), expected);
    fr_text_clear(&out);
}

static void assert_refused(settings *s, const char *name, const char *text, const char *message)
{
    assert_int_equal(set(s, name, text), FR_ERR_USAGE);
    assert_string_equal(fr_status_message(), message);
}

static void defaults_come_from_the_table(void **state)
{
    const settings *s = *state;
    assert_true(s->flag);
    assert_int_equal(s->count, 10);
    assert_true(s->rate == 1e-3);
    assert_int_equal(s->kind, 2);
    assert_string_equal(s->name, "auto");
    assert_null(s->absent);
    assert_int_equal(s->names.n, 2);
    assert_string_equal(s->names.item[1], "?");
    assert_int_equal(s->sizes.n, 2);
    assert_int_equal(s->sizes.value[0], 128);
    assert_true(s->time == 3300);
}

static void every_type_reads_and_writes(void **state)
{
    settings *s = *state;
    assert_reads(s, "flag", "no", "false");
    assert_reads(s, "flag", "YES", "true");
    assert_reads(s, "count", "9007199254740993", "9007199254740993");
    assert_reads(s, "rate", "1e-4", "0.0001");
    assert_reads(s, "rate", "-2.5E3", "-2500");
    assert_reads(s, "share", "0.999", "0.999");
    assert_reads(s, "kind", "leaky_relu", "leaky_relu");
    assert_reads(s, "name", "results/a b", "\"results/a b\"");
    assert_reads(s, "name", "\"results/a b\"", "\"results/a b\"");
    assert_reads(s, "name", "\"null\"", "\"null\"");
    assert_reads(s, "name", "null", "null");
    assert_reads(s, "name", "''", "\"\"");
    assert_reads(s, "name", "-1", "-1");
    assert_reads(s, "names", "[]", "[]");
    assert_reads(s, "names", "one", "[one]");
    assert_reads(s, "names", "[a, \"b, c\", 'it''s', d e]", "[a, \"b, c\", \"it's\", \"d e\"]");
    assert_reads(s, "sizes", "64", "[64]");
    assert_reads(s, "sizes", "[ 1,2 , 4096 ]", "[1, 2, 4096]");
    assert_reads(s, "sizes", "[]", "[]");
    assert_reads(s, "time", "1h30m", "5400s");
}

static void refusals_say_what_is_allowed(void **state)
{
    settings *s = *state;
    assert_refused(s, "flag", "on", "`on` is not true or false; allowed: true, false");
    assert_refused(s, "count", "2.5", "`2.5` is not an integer; allowed: x >= 1");
    assert_refused(s, "count", "0", "`0` is not in range; allowed: x >= 1");
    assert_refused(s, "count", "99999999999999999999",
                   "`99999999999999999999` is not an integer; allowed: x >= 1");
    assert_refused(s, "rate", "fast", "`fast` is not a finite number; allowed: any");
    assert_refused(s, "rate", "nan", "`nan` is not a finite number; allowed: any");
    assert_refused(s, "rate", "1e999", "`1e999` is not a finite number; allowed: any");
    assert_refused(s, "share", "1", "`1` is not in range; allowed: 0 <= x < 1");
    assert_refused(s, "share", "-0.1", "`-0.1` is not in range; allowed: 0 <= x < 1");
    assert_refused(s, "positive", "0", "`0` is not in range; allowed: x > 0");
    assert_refused(s, "kind", "lekay_relu",
                   "`lekay_relu` is not known; allowed: relu, leaky_relu, tanh (did you mean "
                   "leaky_relu?)");
    assert_refused(s, "kind", "zzz", "`zzz` is not known; allowed: relu, leaky_relu, tanh");
    assert_refused(s, "name", "[a]", "`[a]` is not a text; allowed: one value");
    assert_refused(s, "names", "[a, b", "`[a, b` is not a list: expected , or ] before ``");
    assert_refused(s, "names", "[\"a]",
                   "`[\"a]` is not a list: a bracket or quote does not close");
    assert_refused(s, "names", "[a] b", "`[a] b` is not a list: something follows the ]");
    assert_refused(s, "sizes", "[0]", "`0` is not in range; allowed: 1 <= x <= 4096");
    assert_refused(s, "sizes", "[1, x]", "`x` is not an integer; allowed: 1 <= x <= 4096");
    assert_refused(s, "time", "soon",
                   "`soon` is not a time; allowed: a time such as 90s, 55m, 1h30m");
}

static void a_refused_value_changes_nothing(void **state)
{
    settings *s = *state;
    assert_int_equal(set(s, "sizes", "[1, 2, x]"), FR_ERR_USAGE);
    assert_int_equal(s->sizes.value[0], 128);
    assert_int_equal(set(s, "names", "[x"), FR_ERR_USAGE);
    assert_int_equal(s->names.n, 2);
    assert_int_equal(set(s, "sizes", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"),
                     FR_ERR_USAGE);
    assert_int_equal(s->sizes.n, 2);
}

static void long_values_are_cut_in_messages(void **state)
{
    settings *s = *state;
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(set(s, "count", text), FR_ERR_USAGE);
    assert_true(strlen(fr_status_message()) < 120);
    assert_non_null(strstr(fr_status_message(), "x...` is not an integer; allowed: x >= 1"));
}

static void nested_lists_keep_their_text(void **state)
{
    (void)state;
    fr_strings items = {0};
    assert_int_equal(fr_strings_parse("[[64], [128, 64], {a: \"]\"}, x]", &items), FR_OK);
    assert_int_equal(items.n, 4);
    assert_string_equal(items.item[0], "[64]");
    assert_string_equal(items.item[1], "[128, 64]");
    assert_string_equal(items.item[2], "{a: \"]\"}");
    assert_string_equal(items.item[3], "x");
    fr_strings_clear(&items);
}

/* Any bytes survive quoting, as an item and as a lone text. */
static void quoting_round_trips(void **state)
{
    settings *s = *state;
    fr_rng rng = fr_rng_make(1, FR_RNG_NOISE, 0, 0, 0);
    for (int round = 0; round < 5000; round++) {
        static const char alphabet[] = "ab,[]{}\"'\\ \n\t:#-?&*!|>%@`~null0.\x01\xc3\xa9";
        char raw[12] = "";
        const size_t n = fr_rng_below(&rng, sizeof raw);
        for (size_t i = 0; i < n; i++)
            raw[i] = alphabet[fr_rng_below(&rng, sizeof alphabet - 1)];
        fr_text list = {0}, lone = {0};
        fr_text_add(&list, "[x, ");
        fr_flow_quote(raw, &list);
        fr_text_add(&list, ", y]");
        fr_flow_quote(raw, &lone);
        fr_strings items = {0};
        assert_int_equal(fr_strings_parse(fr_text_get(&list), &items), FR_OK);
        assert_int_equal(items.n, 3);
        assert_string_equal(items.item[1], raw);
        assert_int_equal(set(s, "name", fr_text_get(&lone)), FR_OK);
        assert_string_equal(s->name, raw);
        fr_strings_clear(&items);
        fr_text_clear(&list);
        fr_text_clear(&lone);
    }
}

static void random_text_never_breaks_the_list_parser(void **state)
{
    (void)state;
    fr_rng rng = fr_rng_make(2, FR_RNG_NOISE, 0, 0, 0);
    for (int round = 0; round < 20000; round++) {
        static const char alphabet[] = "[]{},\"'\\ ax1";
        char raw[16] = "";
        const size_t n = fr_rng_below(&rng, sizeof raw);
        for (size_t i = 0; i < n; i++)
            raw[i] = alphabet[fr_rng_below(&rng, sizeof alphabet - 1)];
        fr_strings items = {0};
        const fr_status st = fr_strings_parse(raw, &items);
        assert_true(st == FR_OK || st == FR_ERR_USAGE);
        fr_strings_clear(&items);
    }
}

static void fields_are_copied_one_by_one(void **state)
{
    settings *s = *state, other = {0};
    fr_option_copy(fr_option_find(table, N_ROWS, "sizes"), s, &other);
    fr_option_copy(fr_option_find(table, N_ROWS, "kind"), s, &other);
    assert_int_equal(other.sizes.n, 2);
    assert_int_equal(other.kind, 2);
    assert_int_equal(other.count, 0);
    assert_null(fr_option_find(table, N_ROWS, "size"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_defaults, free_settings)
    const struct CMUnitTest tests[] = {
        TEST(defaults_come_from_the_table),
        TEST(every_type_reads_and_writes),
        TEST(refusals_say_what_is_allowed),
        TEST(a_refused_value_changes_nothing),
        TEST(long_values_are_cut_in_messages),
        TEST(nested_lists_keep_their_text),
        TEST(quoting_round_trips),
        TEST(random_text_never_breaks_the_list_parser),
        TEST(fields_are_copied_one_by_one),
    };
    return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
