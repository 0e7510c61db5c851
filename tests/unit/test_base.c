/* SPDX-License-Identifier: BSD-3-Clause */
/* test_base.c - the ground floor: random numbers, text, numbers, packing, checksums. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/checksum.h"
#include "foldrank/memory.h"
#include "foldrank/pack.h"
#include "foldrank/random.h"
#include "foldrank/status.h"
#include "foldrank/text.h"

/* Known answers of philox4x32-10 published with the Random123 library (kat_vectors). */
static void philox_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        fr_rng rng = {.used = 4};
        memcpy(rng.counter, cases[c].counter, sizeof rng.counter);
        memcpy(rng.key, cases[c].key, sizeof rng.key);
        for (int i = 0; i < 4; i++) assert_int_equal(fr_rng_u32(&rng), cases[c].out[i]);
    }
}

static void every_coordinate_of_a_generator_counts(void **state)
{
    (void)state;
    fr_rng rng[] = {fr_rng_make(1, FR_RNG_INIT, 2, 3, 4),
                    fr_rng_make(2, FR_RNG_INIT, 2, 3, 4),
                    fr_rng_make(1, FR_RNG_SHUFFLE, 2, 3, 4),
                    fr_rng_make(1, FR_RNG_INIT, 3, 3, 4),
                    fr_rng_make(1, FR_RNG_INIT, 2, 4, 4),
                    fr_rng_make(1, FR_RNG_INIT, 2, 3, 5),
                    fr_rng_make(UINT64_C(1) << 40 | 1, FR_RNG_INIT, 2, 3, 4)};
    const size_t n = sizeof rng / sizeof *rng;
    uint64_t draw[sizeof rng / sizeof *rng];
    for (size_t i = 0; i < n; i++) draw[i] = fr_rng_u64(&rng[i]);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) assert_true(draw[i] != draw[j]);
    fr_rng same = fr_rng_make(1, FR_RNG_INIT, 2, 3, 4);
    assert_true(draw[0] == fr_rng_u64(&same));
}

static void draws_have_the_right_moments(void **state)
{
    (void)state;
    enum { N = 200000 };
    fr_rng rng = fr_rng_make(7, FR_RNG_SUGGEST, 0, 0, 0);
    double mean = 0, normal_mean = 0, normal_square = 0;
    size_t die[6] = {0};
    for (int i = 0; i < N; i++) {
        const double u = fr_rng_uniform(&rng), z = fr_rng_normal(&rng);
        assert_true(u >= 0 && u < 1 && isfinite(z));
        mean += u / N;
        normal_mean += z / N;
        normal_square += z * z / N;
        die[fr_rng_below(&rng, 6)]++;
    }
    assert_true(fabs(mean - 0.5) < 5 * 0.2887 / sqrt(N)); /* five standard errors */
    assert_true(fabs(normal_mean) < 5 / sqrt(N));
    assert_true(fabs(normal_square - 1) < 5 * sqrt(2.0 / N));
    for (int i = 0; i < 6; i++) assert_true(fabs((double)die[i] - N / 6.0) < 5 * sqrt(N / 6.0));
}

static void shuffle_is_a_uniform_permutation(void **state)
{
    (void)state;
    enum { N = 60000 };
    size_t seen[24] = {0};
    for (uint32_t i = 0; i < N; i++) {
        uint32_t idx[4] = {0, 1, 2, 3};
        fr_rng rng = fr_rng_make(3, FR_RNG_SHUFFLE, i, 0, 0);
        fr_rng_shuffle(&rng, idx, 4);
        assert_int_equal(1u << idx[0] | 1u << idx[1] | 1u << idx[2] | 1u << idx[3], 15);
        /* Lehmer code of the permutation */
        size_t code = 0;
        for (size_t a = 0; a < 4; a++) {
            size_t smaller = 0;
            for (size_t b = a + 1; b < 4; b++) smaller += idx[b] < idx[a];
            code = code * (4 - a) + smaller;
        }
        seen[code]++;
    }
    for (int i = 0; i < 24; i++)
        assert_true(fabs((double)seen[i] - N / 24.0) < 5 * sqrt(N / 24.0));
}

static void block_fill_equals_the_stream(void **state)
{
    (void)state;
    fr_rng rng = fr_rng_make(5, FR_RNG_DROPOUT, 1, 2, 3);
    uint32_t whole[64], piece[16];
    fr_rng_block_fill(&rng, 0, whole, 64);
    fr_rng_block_fill(&rng, 8, piece, 16);
    assert_memory_equal(whole + 32, piece, sizeof piece);
    for (int i = 0; i < 64; i++) assert_int_equal(whole[i], fr_rng_u32(&rng));
}

static void numbers_parse_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   " 1",  "1 ",    "1,5", "0x10",
                                      "1e", "--1", "1e999", "abc", "."};
    double value;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(fr_parse_double(bad[i], &value));
    assert_true(fr_parse_double("-1.5e-3", &value) && value == -1.5e-3);
    assert_true(fr_parse_double(".5", &value) && value == 0.5);
    assert_true(fr_parse_double("NaN", &value) && isnan(value));
    assert_true(fr_parse_double("-inf", &value) && value == -INFINITY);
    int64_t integer;
    assert_true(fr_parse_int("-12", &integer) && integer == -12);
    assert_false(fr_parse_int("1.0", &integer) ||
                 fr_parse_int("9223372036854775808", &integer));
}

static void numbers_round_trip(void **state)
{
    (void)state;
    char text[FR_NUMBER_SIZE];
    assert_string_equal(fr_format_double(0.1, text), "0.1");
    assert_string_equal(fr_format_double(100000, text), "100000");
    assert_string_equal(fr_format_double(1e-6, text), "1e-06");
    fr_rng rng = fr_rng_make(11, FR_RNG_SUGGEST, 0, 0, 0);
    for (int i = 0; i < 20000; i++) {
        const uint64_t bits = fr_rng_u64(&rng);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        assert_true(fr_parse_double(fr_format_double(value, text), &back));
        assert_memory_equal(&value, &back, sizeof value);
    }
}

static void texts_are_quoted(void **state)
{
    (void)state;
    static const struct {
        const char *text, *csv, *json, *clean;
    } cases[] = {
        {"", "", "\"\"", ""},
        {"plain text", "plain text", "\"plain text\"", "plain text"},
        {"a,b", "\"a,b\"", "\"a,b\"", "a,b"},
        {"say \"a\"", "\"say \"\"a\"\"\"", "\"say \\\"a\\\"\"", "say \"a\""},
        {"two\nlines", "\"two\nlines\"", "\"two\\u000alines\"", "two\nlines"},
        {"back\\slash", "back\\slash", "\"back\\\\slash\"", "back\\slash"},
        {"\xC3\xA9", "\xC3\xA9", "\"\xC3\xA9\"", "\xC3\xA9"},
        {"\xE9t\xC3", "\xE9t\xC3", "\"\\ufffdt\\ufffd\"", "\xEF\xBF\xBDt\xEF\xBF\xBD"},
        /* overlong, a surrogate, beyond the last */
        {"\xC0\x80", "\xC0\x80", "\"\\ufffd\\ufffd\"", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xED\xA0\x80", "\xED\xA0\x80", "\"\\ufffd\\ufffd\\ufffd\"", NULL},
        {"\xF4\x90\x80\x80", "\xF4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"", NULL},
        {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80", "\"\xF0\x9F\x98\x80\"", "\xF0\x9F\x98\x80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fr_text csv = {0}, json = {0}, clean = {0};
        fr_csv_quote(cases[i].text, &csv);
        fr_json_quote(cases[i].text, &json);
        fr_utf8_clean(cases[i].text, &clean);
        assert_string_equal(fr_text_get(&csv), cases[i].csv);
        assert_string_equal(fr_text_get(&json), cases[i].json);
        if (cases[i].clean != NULL) assert_string_equal(fr_text_get(&clean), cases[i].clean);
        fr_text_clear(&csv);
        fr_text_clear(&json);
        fr_text_clear(&clean);
    }
}

static void floats_round_trip(void **state)
{
    (void)state;
    char text[FR_NUMBER_SIZE];
    assert_string_equal(fr_format_float(0.1f, text), "0.1");
    assert_string_equal(fr_format_float(3, text), "3");
    assert_string_equal(fr_format_float(NAN, text), "nan");
    assert_string_equal(fr_format_float(-INFINITY, text), "-inf");
    fr_rng rng = fr_rng_make(1, FR_RNG_NOISE, 0, 0, 0);
    for (int i = 0; i < 10000; i++) {
        const uint32_t bits = fr_rng_u32(&rng);
        float value;
        memcpy(&value, &bits, sizeof value);
        if (isnan(value)) continue;
        assert_true(strtof(fr_format_float(value, text), NULL) == value);
    }
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } good[] = {{"90", 90},        {"55m", 3300},         {"1h30m", 5400},
                {"2d", 172800},    {"01:30:00", 5400},    {"10:00", 600},
                {"0.5s", 0.5},     {"1h0.5m2s", 3632},    {"2-12", 216000},
                {"1-0:01", 86460}, {"7-23:59:59", 691199}};
    static const char *const bad[] = {"",      "m",     "5x",     "1:2:3:4",   "-5",
                                      "1h:3",  ":30",   "1.2.3s", "1-2:3:4:5", "1-",
                                      "1:2-3", "1-2-3", "3h-2"};
    double seconds;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(fr_parse_duration(good[i].text, &seconds));
        assert_true(fabs(seconds - good[i].seconds) < 1e-9);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(fr_parse_duration(bad[i], &seconds));
}

static void nearest_word(void **state)
{
    (void)state;
    static const char *const words[] = {"learning_rate", "momentum", "epochs", "lr"};
    assert_string_equal(fr_nearest("learning_rat", words, 4), "learning_rate");
    assert_string_equal(fr_nearest("Momentmu", words, 4), "momentum");
    assert_string_equal(fr_nearest("epoch", words, 4), "epochs");
    assert_null(fr_nearest("dropout", words, 4));
    assert_null(fr_nearest("xy", words, 4));
}

static void packing_round_trips_and_never_reads_beyond(void **state)
{
    (void)state;
    fr_pack pack = {0};
    const double numbers[3] = {0.1, NAN, -INFINITY};
    fr_pack_u8(&pack, 200);
    fr_pack_u32(&pack, 0xdeadbeef);
    fr_pack_u64(&pack, UINT64_MAX - 1);
    fr_pack_string(&pack, "fold");
    fr_pack_doubles(&pack, numbers, 3);
    assert_false(pack.failed);
    for (size_t size = 0; size <= pack.size; size++) {
        fr_unpack in = fr_unpack_make(pack.data, size);
        double back[3];
        const uint8_t byte = fr_unpack_u8(&in);
        const uint32_t word = fr_unpack_u32(&in);
        const uint64_t wide = fr_unpack_u64(&in);
        char *text = fr_unpack_string(&in);
        fr_unpack_doubles(&in, back, 3);
        assert_int_equal(in.failed, size < pack.size);
        if (!in.failed) {
            assert_true(byte == 200 && word == 0xdeadbeef && wide == UINT64_MAX - 1);
            assert_string_equal(text, "fold");
            assert_memory_equal(back, numbers, sizeof back);
        }
        free(text);
    }
    fr_pack_clear(&pack);
}

static void checksums(void **state)
{
    (void)state;
    assert_int_equal(fr_crc32c(0, "123456789", 9), 0xe3069283); /* RFC 3720, B.4's polynomial */
    assert_int_equal(fr_crc32c(fr_crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
    const char a[] = "0123456789abcdef0123456789abcdef";
    char b[sizeof a];
    for (size_t i = 0; i < sizeof a; i++) {
        memcpy(b, a, sizeof a);
        b[i] ^= 0x40;
        assert_true(fr_fingerprint(FR_FINGERPRINT_START, a, sizeof a) !=
                    fr_fingerprint(FR_FINGERPRINT_START, b, sizeof b));
    }
}

static void allocation_checks_its_product(void **state)
{
    (void)state;
    volatile size_t half = SIZE_MAX / 2; /* volatile: gcc knows better than to call it */
    assert_null(fr_alloc(half, 4));
    assert_non_null(strstr(fr_status_message(), "out of memory"));
    unsigned char *block = fr_alloc(3, 100);
    assert_int_equal((uintptr_t)block % FR_ALIGNMENT, 0);
    for (int i = 0; i < 300; i++) assert_int_equal(block[i], 0);
    free(block);
    int *grown = NULL;
    void *raw = NULL;
    size_t capacity = 0;
    assert_int_equal(fr_grow(&raw, &capacity, 5, sizeof *grown), FR_OK);
    grown = raw;
    grown[4] = 42;
    assert_int_equal(fr_grow(&raw, &capacity, 1000, sizeof *grown), FR_OK);
    grown = raw;
    assert_true(capacity >= 1000 && grown[4] == 42 && grown[999] == 0);
    assert_int_equal(fr_grow(&raw, &capacity, SIZE_MAX, sizeof *grown), FR_ERR_MEMORY);
    assert_int_equal(grown[4], 42);
    free(raw);
}

static void a_message_may_quote_the_one_before(void **state)
{
    (void)state;
    assert_int_equal(FR_FAIL(FR_ERR_IO, "inner %d", 1), FR_ERR_IO);
    assert_int_equal(FR_FAIL(FR_ERR_DATA, "outer: %s", fr_status_message()), FR_ERR_DATA);
    assert_string_equal(fr_status_message(), "outer: inner 1");
    assert_int_equal(fr_status_exit_code(FR_ERR_DATA), 2);
    assert_int_equal(fr_status_exit_code(FR_STOPPED), 75);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),
        cmocka_unit_test(every_coordinate_of_a_generator_counts),
        cmocka_unit_test(draws_have_the_right_moments),
        cmocka_unit_test(shuffle_is_a_uniform_permutation),
        cmocka_unit_test(block_fill_equals_the_stream),
        cmocka_unit_test(numbers_parse_strictly),
        cmocka_unit_test(numbers_round_trip),
        cmocka_unit_test(texts_are_quoted),
        cmocka_unit_test(floats_round_trip),
        cmocka_unit_test(durations),
        cmocka_unit_test(nearest_word),
        cmocka_unit_test(packing_round_trips_and_never_reads_beyond),
        cmocka_unit_test(checksums),
        cmocka_unit_test(allocation_checks_its_product),
        cmocka_unit_test(a_message_may_quote_the_one_before),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
