/* SPDX-License-Identifier: BSD-3-Clause */
/* Text tables: dialects, kinds of columns, roles, and what is said of broken files. */
#include "data_fixture.h"

#include <math.h>

#include "foldrank/text_table.h"

static void reads(const char *text, const char *target, data_case *c)
{
    case_start(c);
    case_text(c, "t.csv", text);
    case_set(c, "target", target);
    case_read(c);
}

static void expect_cells(const data_case *c, size_t rows, size_t cols, const float *want)
{
    assert_int_equal(c->set.schema.rows, rows);
    assert_int_equal(c->set.schema.cols, cols);
    for (size_t i = 0; i < rows * cols; i++) {
        const float got = case_cell(c, i / cols, i % cols);
        if (isnan(want[i]) ? !isnan(got) : got != want[i])
            fail_msg("cell %zu is %g, not %g", i, got, want[i]);
    }
}

static void every_dialect_is_one_table(void **state)
{
    (void)state;
    static const char *const dialects[] = {
        "a,b,y\n1,2.5,p\n3,-4,q\n",
        "\xEF\xBB\xBF"
        "a,b,y\r\n1,2.5,p\r\n3,-4,q",
        "a;b;y\r1;2.5;p\r3;-4;q\r",
        "a\tb\ty\n\n1\t2.5\tp\n3\t-4\tq\n\n",
        "  a b   y\n 1  2.5 p \n3 \t-4 q\n",
        "\"a\" , \"b\",\"y\"\n \"1\",2.5 ,\"p\"\n3,\"-4\",  q\n",
        "a,b,y\n+1,25e-1,p\n3.0,-0.4E+1,q\n"};
    const float want[] = {1, 2.5f, 3, -4};
    for (size_t d = 0; d < sizeof dialects / sizeof *dialects; d++) {
        data_case c;
        reads(dialects[d], "y", &c);
        expect_cells(&c, 2, 2, want);
        assert_string_equal(c.set.schema.columns[1].name, "b");
        assert_string_equal(c.set.schema.target_name, "y");
        assert_int_equal(c.set.schema.n_classes, 2);
        assert_string_equal(c.set.schema.classes[1], "q");
        assert_true(c.set.y[0] == 0 && c.set.y[1] == 1);
        case_end(&c);
    }
}

static void quotes_hold_delimiters_lines_and_quotes(void **state)
{
    (void)state;
    data_case c;
    reads("name,v,y\n\"a,b\",1,0\n\"two\nlines\",2,1\n\"say \"\"hi\"\"\",3,1\n", "y", &c);
    const fr_column *column = &c.set.schema.columns[0];
    assert_int_equal(column->kind, FR_COLUMN_CATEGORICAL);
    assert_int_equal(column->n_levels, 3);
    assert_string_equal(column->levels[0], "a,b");
    assert_string_equal(column->levels[1], "say \"hi\"");
    assert_string_equal(column->levels[2], "two\nlines");
    const float want[] = {0, 1, 2, 2, 1, 3};
    expect_cells(&c, 3, 2, want);
    case_end(&c);
}

static void missing_cells_are_nan(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_text(&c, "t.csv", "a,b,y\n,NA,0\n?,nan,1\n7,x,0\nnull,-999,1\nN/A,u,1\n");
    case_set(&c, "target", "y");
    case_set(&c, "missing", "[\"-999\"]");
    case_read(&c);
    const float want[] = {NAN, NAN, NAN, NAN, 7, 1, NAN, NAN, NAN, 0};
    expect_cells(&c, 5, 2, want);
    assert_int_equal(c.set.schema.columns[0].kind, FR_COLUMN_NUMERIC);
    assert_int_equal(c.set.schema.columns[1].n_levels, 2);
    case_end(&c);
}

static void cells_are_as_narrow_as_values_allow(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        fr_cell cell;
    } cases[] = {
        {"a,y\n0,0\n255,1\n", FR_CELL_U8},       {"a,y\n0,0\n256,1\n", FR_CELL_I16},
        {"a,y\n-1,0\n5,1\n", FR_CELL_I16},       {"a,y\n-32768,0\n32767,1\n", FR_CELL_I16},
        {"a,y\n32768,0\n0,1\n", FR_CELL_F32},    {"a,y\n0.5,0\n0,1\n", FR_CELL_F32},
        {"a,y\n3.0,0\n1e2,1\n", FR_CELL_U8},     {"a,y\n1,0\n,1\n2,1\n", FR_CELL_F32},
        {"a,b,y\nu,1,0\nv,300,1\n", FR_CELL_I16}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        data_case c;
        reads(cases[i].text, "y", &c);
        assert_int_equal(c.set.schema.cell, cases[i].cell);
        case_end(&c);
    }
}

static void header_is_found_or_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *target, *header, *name;
        size_t rows;
    } cases[] = {{"1,2,0\n3,4,1\n", "-1", "auto", "c0", 2},
                 {"0,1,target\n3,4,1\n5,6,0\n", "target", "auto", "0", 2},
                 {"u,v,w\nu,x,w\nt,v,z\n", "-1", "auto", "c0", 3},
                 {"kind,tone,class\nu,x,w\nt,v,z\nu,v,w\n", "-1", "auto", "kind", 3},
                 {"1,2,3\n3,4,1\n5,6,0\n", "-1", "true", "1", 2},
                 {"a,b,c\n3,4,1\n5,6,0\n", "-1", "false", "c0", 3},
                 {",b,y\n3,4,1\n5,6,0\n", "y", "auto", "c0", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        data_case c;
        case_start(&c);
        case_text(&c, "t.csv", cases[i].text);
        case_set(&c, "target", cases[i].target);
        case_set(&c, "header", cases[i].header);
        case_read(&c);
        assert_int_equal(c.set.schema.rows, cases[i].rows);
        assert_string_equal(c.set.schema.columns[0].name, cases[i].name);
        case_end(&c);
    }
}

static void classes_are_numbers_or_texts_in_order(void **state)
{
    (void)state;
    data_case c;
    reads("a,y\n1,10\n2,9\n3,10.0\n4,-1\n", "y", &c);
    assert_int_equal(c.set.schema.n_classes, 3);
    assert_string_equal(c.set.schema.classes[0], "-1");
    assert_string_equal(c.set.schema.classes[1], "9");
    assert_string_equal(c.set.schema.classes[2], "10");
    assert_true(c.set.y[0] == 2 && c.set.y[2] == 2 && c.set.y[3] == 0);
    case_end(&c);
    reads("a,y\n1,ten\n2,9\n3,nine\n4,9\n", "1", &c);
    assert_string_equal(c.set.schema.classes[0], "9");
    assert_string_equal(c.set.schema.classes[1], "nine");
    assert_string_equal(c.set.schema.classes[2], "ten");
    case_end(&c);
}

static void columns_have_roles(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_text(
        &c, "t.csv",
        "id,g,f,w,t,k,x,y\n7,b,2,1,0,5,1,0.5\n8,a,1,0.5,1,6,2,1.5\n9,b,1,2,false,5,3,2\n");
    case_set(&c, "target", "y");
    case_set(&c, "task", "regression");
    case_set(&c, "drop", "[id]");
    case_set(&c, "group", "g");
    case_set(&c, "fold", "2");
    case_set(&c, "weight", "w");
    case_set(&c, "categorical", "[k]");
    case_set(&c, "test.column", "t");
    case_read(&c);
    const float want[] = {0, 1, 1, 2, 0, 3};
    expect_cells(&c, 3, 2, want);
    assert_true(c.set.y[1] == 1.5f && c.set.weight[1] == 0.5f);
    assert_true(c.set.group[0] == 1 && c.set.group[1] == 0 && c.set.fold[0] == 1);
    assert_true(c.set.test_mark[0] == 0 && c.set.test_mark[1] == 1 && c.set.test_mark[2] == 0);
    assert_string_equal(c.set.schema.columns[0].levels[1], "6");
    case_end(&c);
}

static void numbers_before_a_text_are_levels_too(void **state)
{
    (void)state;
    data_case c;
    reads("a,y\n3,0\n3,1\n1,0\nnone,1\n", "y", &c);
    assert_int_equal(c.set.schema.columns[0].n_levels, 3);
    const float want[] = {1, 1, 0, 2};
    expect_cells(&c, 4, 1, want);
    case_end(&c);
}

static void test_file_shares_the_schema(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_text(&c, "train.csv", "a,k,y\n1,u,no\n2,v,yes\n");
    case_test_text(&c, "test.csv", "y,k,a,extra\nyes,t,300,1\n");
    case_set(&c, "target", "y");
    case_read(&c);
    const float want[] = {1, 1, 2, 2, 300, 0};
    expect_cells(&c, 3, 2, want);
    assert_int_equal(c.set.schema.test_rows, 1);
    assert_true(c.set.y[2] == 1);
    case_test_text(&c, "test.csv", "y,k,a\nmaybe,t,3\n");
    case_fails(&c, FR_ERR_DATA, "test.csv:2: class `maybe` occurs in the test file only");
    case_test_text(&c, "test.csv", "y,a\nyes,3\n");
    case_fails(&c, FR_ERR_DATA, "test.csv: lacks 1 column: `k`");
    case_end(&c);
}

static void broken_files_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *target, *task, *say;
    } cases[] = {
        {"", "y", "classification", "t.csv: is empty"},
        {"\n \n", "y", "classification", "t.csv: is empty"},
        {"a,y\n", "y", "classification", "t.csv: has no rows"},
        {"a,b,y\n1,2,0\n1,2\n", "y", "classification",
         "t.csv:3: has 2 cells where line 1 has 3"},
        {"a,b,y\n1,2,0\n\n1,2,0,\n", "y", "classification",
         "t.csv:4: has 4 cells where line 1 has 3"},
        {"a,b,a\n1,2,0\n", "b", "classification",
         "t.csv:1: columns 1 and 3 are both called `a`"},
        {"a,target\n1,0\n2,1\n", "tagret", "classification", "did you mean `target`?"},
        {"a,y\n1,0\n2,1\n", "5", "classification", "has no column `5` (data.target)"},
        {"a,y\n1,0\n2,\n", "y", "classification",
         "t.csv:3: no value in column `y`, the target"},
        {"a,y\n1,0\n2,NaN\n", "y", "regression", "t.csv:3: no value in column `y`, the target"},
        {"a,y\n1,0\n2,high\n", "y", "regression",
         "t.csv:3: target `y` is `high`, not a number"},
        {"a,y\n1,0\n2,0\n", "y", "classification", "target `y` is `0` in all rows"},
        {"a,y\n1e39,0\n2,1\n", "y", "classification", "fit float32"},
        {"a,y\ninf,0\n2,1\n", "y", "classification", "t.csv:2: column `a` has inf"},
        {"a,y\n\"x,0\n2,1\n", "y", "classification", "the quote that opens cell 1"},
        {"a,y\n\"x\"z,0\n2,1\n", "y", "classification",
         "text after the closing quote of cell 1"},
        {"y\n0\n1\n", "y", "classification", "no column is left as a feature"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        data_case c;
        case_start(&c);
        case_text(&c, "t.csv", cases[i].text);
        case_set(&c, "target", cases[i].target);
        case_set(&c, "task", cases[i].task);
        case_fails(&c, FR_ERR_DATA, cases[i].say);
        case_end(&c);
    }
}

static void a_typing_error_in_a_column_of_numbers(void **state)
{
    (void)state;
    data_case c;
    fr_text text = {0};
    fr_text_add(&text, "a,y\n");
    for (int i = 0; i < 50; i++) fr_text_add(&text, "%s,%d\n", i == 31 ? "7" : "12.5", i % 2);
    fr_text_add(&text, "1o5,1\n");
    case_start(&c);
    case_text(&c, "t.csv", fr_text_get(&text));
    case_set(&c, "target", "y");
    case_fails(&c, FR_ERR_DATA,
               "t.csv:52: column `a` is `1o5`, where 50 other cells are numbers");
    case_set(&c, "missing", "[1o5]");
    case_read(&c);
    assert_true(isnan(case_cell(&c, 50, 0)));
    case_set(&c, "missing", "[]");
    case_set(&c, "categorical", "[a]");
    case_read(&c);
    assert_int_equal(c.set.schema.columns[0].n_levels, 3);
    fr_text_clear(&text);
    case_end(&c);
}

static void not_text_at_all(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_set(&c, "target", "y");
    case_bytes(&c, "path", "t.csv", "a,y\n1,0\n2\0,1\n", 14);
    case_fails(&c, FR_ERR_DATA, "NUL byte");
    case_set(&c, "path", "/nowhere/at/all.csv");
    case_fails(&c, FR_ERR_DATA, "/nowhere/at/all.csv: cannot be read: No such file");
    case_set(&c, "path", c.dir);
    case_fails(&c, FR_ERR_DATA, "is a folder without sounds (.wav ...) or images (.png)");
    case_end(&c);
}

/* More than the reader's buffer, in one line and in many; whole and cut off. */
static void long_files_and_cut_gzip(void **state)
{
    (void)state;
    data_case c;
    fr_text text = {0};
    const int cols = 120000;
    for (int i = 0; i < cols; i++) fr_text_add(&text, "%d,", i % 200);
    fr_text_add(&text, "yes\n");
    for (int i = 0; i < cols; i++) fr_text_add(&text, "%d,", i % 7);
    fr_text_add(&text, "no\n");
    case_start(&c);
    case_bytes(&c, "path", "t.csv.gz", text.data, text.length);
    case_set(&c, "target", "-1");
    case_read(&c);
    assert_int_equal(c.set.schema.cols, cols);
    assert_true(case_cell(&c, 0, 119999) == 119999 % 200 && case_cell(&c, 1, 9) == 2);
    char path[128], cut[192];
    snprintf(path, sizeof path, "%s/t.csv.gz", c.dir);
    snprintf(cut, sizeof cut, "truncate -s -1000 %s", path);
    assert_int_equal(system(cut), 0);
    case_fails(&c, FR_ERR_DATA, "t.csv.gz: the gzip file is cut off");
    fr_text_clear(&text);
    case_end(&c);
}

/* A line end in two halves of the buffer is one line end. */
static void line_end_across_the_buffer(void **state)
{
    (void)state;
    enum { BUFFER = 1 << 18 };
    for (size_t length = BUFFER - 2; length <= BUFFER + 1; length++) {
        data_case c;
        char *text = malloc(length + 32);
        memset(text, 'n', length);
        memcpy(text, "a,", 2);
        strcpy(text + length, "\r\n1,0\r\n2\r\n");
        case_start(&c);
        case_text(&c, "t.csv", text);
        case_set(&c, "target", "a");
        case_fails(&c, FR_ERR_DATA, "t.csv:3: has 1 cells where line 1 has 2");
        free(text);
        case_end(&c);
    }
}

/* Rows of replicates may be short. */
static void text_tables_are_texts(void **state)
{
    (void)state;
    data_case c;
    fr_text_table *table;
    size_t n;
    char **cells;
    uint64_t line;
    case_start(&c);
    case_text(&c, "t.csv.gz", "k,s0,s1\n0,1.5\n1,2,\"3\"\n");
    assert_int_equal(fr_text_table_open(c.options.path, &table), FR_OK);
    assert_string_equal(fr_text_table_names(table, &n)[2], "s1");
    assert_int_equal(n, 3);
    assert_int_equal(fr_text_table_next(table, &cells, &line), FR_OK);
    assert_string_equal(cells[1], "1.5");
    assert_string_equal(cells[2], "");
    assert_int_equal(fr_text_table_next(table, &cells, &line), FR_OK);
    assert_string_equal(cells[2], "3");
    assert_int_equal(line, 3);
    assert_int_equal(fr_text_table_next(table, &cells, &line), FR_OK);
    assert_null(cells);
    fr_text_table_close(&table);
    case_end(&c);
}

/* Any cut of a quoted table either reads or says why; sanitizers watch. */
static void every_prefix_ends_well(void **state)
{
    (void)state;
    static const char table[] =
        "\"n, m\",b,y\r\n\"a \"\"q\"\"\",1.5e3,u\r\n\"l\nl\",,v\r\nx,3,u\r\n";
    for (size_t n = 0; n <= sizeof table - 1; n++) {
        data_case c;
        case_start(&c);
        case_bytes(&c, "path", "t.csv", table, n);
        case_set(&c, "target", "-1");
        if (case_try(&c) != FR_OK) assert_true(strlen(fr_status_message()) > 10);
        case_end(&c);
    }
}

static void numbers_read_as_strtod_does(void **state)
{
    (void)state;
    static const char *const texts[] = {"0",
                                        "-0.0",
                                        "1e22",
                                        "1e-22",
                                        "9007199254740993",
                                        "123456789012345678",
                                        "1.1",
                                        "0.1e1",
                                        ".5",
                                        "5.",
                                        "1e-400",
                                        "3.4028234e38",
                                        "7e-320",
                                        "-1e+05",
                                        "00012",
                                        "8.5242999999",
                                        "179769313486231570000000000000000"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        data_case c;
        char text[128];
        snprintf(text, sizeof text, "a,y\n%s,0\n%s,1\n0.25,0\n", texts[i], texts[i]);
        reads(text, "y", &c);
        assert_int_equal(c.set.schema.columns[0].kind, FR_COLUMN_NUMERIC);
        assert_true(case_cell(&c, 1, 0) == (float)strtod(texts[i], NULL));
        case_end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dialect_is_one_table),
        cmocka_unit_test(quotes_hold_delimiters_lines_and_quotes),
        cmocka_unit_test(missing_cells_are_nan),
        cmocka_unit_test(cells_are_as_narrow_as_values_allow),
        cmocka_unit_test(header_is_found_or_told),
        cmocka_unit_test(classes_are_numbers_or_texts_in_order),
        cmocka_unit_test(columns_have_roles),
        cmocka_unit_test(numbers_before_a_text_are_levels_too),
        cmocka_unit_test(test_file_shares_the_schema),
        cmocka_unit_test(broken_files_are_named),
        cmocka_unit_test(a_typing_error_in_a_column_of_numbers),
        cmocka_unit_test(not_text_at_all),
        cmocka_unit_test(long_files_and_cut_gzip),
        cmocka_unit_test(line_end_across_the_buffer),
        cmocka_unit_test(text_tables_are_texts),
        cmocka_unit_test(every_prefix_ends_well),
        cmocka_unit_test(numbers_read_as_strtod_does),
    };
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
