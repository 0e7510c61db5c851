/* SPDX-License-Identifier: BSD-3-Clause */
/* IDX, NPY, SVMlight and HDF5; data for prediction; schemas as bytes. */
#include "data_fixture.h"

#include <hdf5.h>
#include <math.h>

static void expect(const data_case *c, size_t rows, size_t cols, fr_cell cell,
                   const float *want)
{
    assert_int_equal(c->set.schema.rows, rows);
    assert_int_equal(c->set.schema.cols, cols);
    assert_int_equal(c->set.schema.cell, cell);
    for (size_t i = 0; i < rows * cols; i++) {
        const float got = case_cell(c, i / cols, i % cols);
        if (isnan(want[i]) ? !isnan(got) : got != want[i])
            fail_msg("cell %zu is %g, not %g", i, got, want[i]);
    }
}

static const unsigned char images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2,
                                       0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 255};
static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 9, 7};

static void idx_images_are_rows(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_bytes(&c, "path", "images.gz", images, sizeof images);
    case_bytes(&c, "labels", "labels", labels, sizeof labels);
    case_read(&c);
    const float want[] = {1, 2, 3, 4, 5, 6, 7, 255};
    expect(&c, 2, 4, FR_CELL_U8, want);
    assert_string_equal(c.set.schema.classes[1], "9");
    assert_true(c.set.y[0] == 1 && c.set.y[1] == 0);
    case_bytes(&c, "path", "images", images, sizeof images - 1);
    case_fails(&c, FR_ERR_DATA, "too short for 2 rows x 4 columns of 1 bytes");
    case_bytes(&c, "path", "images", images, 7);
    case_fails(&c, FR_ERR_DATA, "too early");
    case_bytes(&c, "path", "images", images, sizeof images);
    case_bytes(&c, "labels", "labels", "\0\0\x08\x01\0\0\0\x03\x09\x07\x01", 11);
    case_fails(&c, FR_ERR_DATA, "has 3 labels for the 2 rows");
    case_bytes(&c, "labels", "labels", images, sizeof images);
    case_fails(&c, FR_ERR_DATA, "has 4 columns; a file of labels has one");
    const unsigned char wide[] = {0, 0, 0x0C, 2,    0,    0,    0, 2, 0, 0,
                                  0, 1, 0xff, 0xff, 0xff, 0xfe, 0, 1, 0, 0};
    case_bytes(&c, "path", "images", wide, sizeof wide);
    case_bytes(&c, "labels", "labels", labels, sizeof labels);
    case_read(&c);
    const float wide_want[] = {-2, 65536};
    expect(&c, 2, 1, FR_CELL_F32, wide_want);
    case_end(&c);
}

static void put_npy(data_case *c, int version, const char *dictionary, const void *cells,
                    size_t n)
{
    unsigned char bytes[512] = "\x93NUMPY";
    const size_t length = strlen(dictionary), at = version == 1 ? 10 : 12;
    bytes[6] = (unsigned char)version;
    bytes[8] = (unsigned char)length;
    memcpy(bytes + at, dictionary, length);
    memcpy(bytes + at + length, cells, n);
    case_bytes(c, "path", "x.npy", bytes, at + length + n);
}

static void npy_in_every_order(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_set(&c, "target", "-1");
    case_set(&c, "task", "regression");
    const double rows[] = {1, 2, 3, 4, 5, 6.5};
    const float want[] = {1, 2, 4, 5};
    put_npy(&c, 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", rows, 48);
    case_read(&c);
    expect(&c, 2, 2, FR_CELL_F32, want);
    assert_true(c.set.y[1] == 6.5f);
    const double columns[] = {1, 4, 2, 5, 3, 6};
    put_npy(&c, 2, "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }", columns, 48);
    case_read(&c);
    expect(&c, 2, 2, FR_CELL_F32, want);
    assert_true(c.set.y[1] == 6);
    put_npy(&c, 3, "{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3), }",
            "\0\1\0\2\0\3\0\4\0\5\0\6", 12);
    case_read(&c);
    expect(&c, 2, 2, FR_CELL_I16, want);
    put_npy(&c, 1, "{'descr': '|b1', 'fortran_order': False, 'shape': (2, 2), }", "\1\0\0\1",
            4);
    case_read(&c);
    const float bools[] = {1, 0};
    expect(&c, 2, 1, FR_CELL_U8, bools);
    case_end(&c);
}

static void npy_that_cannot_be_used(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary, *say;
    } cases[] = {
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3), }", "elements must be"},
        {"{'descr': [('a','<f8')], 'fortran_order': False, 'shape': (2, 3), }",
         "elements must be"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (), }", "the shape is not"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 99999999999999999999), }",
         "the shape is not"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3", "the shape is not"},
        {"{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3, 4), }", "more than two"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4), }",
         "too short for 2 rows x 4 columns of 8 bytes"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4000000000), }",
         "4000000000 columns"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000, 3), }", "too short"},
        {"", "elements must be"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        data_case c;
        const double cells[6] = {1, 2, 3, 4, 5, 6};
        case_start(&c);
        case_set(&c, "target", "-1");
        case_set(&c, "task", "regression");
        put_npy(&c, 1, cases[i].dictionary, cells, sizeof cells);
        case_fails(&c, FR_ERR_DATA, cases[i].say);
        case_end(&c);
    }
}

static void svmlight_becomes_dense(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_text(&c, "t.svm", "# made by hand\n+1 qid:3 1:2 3:0.5 # note\n\n-1 2:7\r\n1\n");
    case_read(&c);
    const float want[] = {2, 0, 0.5f, 0, 7, 0, 0, 0, 0};
    expect(&c, 3, 3, FR_CELL_F32, want);
    assert_string_equal(c.set.schema.columns[0].name, "f1");
    assert_string_equal(c.set.schema.classes[0], "-1");
    assert_true(c.set.y[1] == 0);
    case_test_text(&c, "u.svm", "-1 5:1\n");
    case_read(&c);
    assert_int_equal(c.set.schema.cols, 5);
    assert_true(case_cell(&c, 3, 4) == 1 && case_cell(&c, 0, 0) == 2);
    case_test_text(&c, "u.svm", "-1 0:4\n");
    case_read(&c);
    assert_string_equal(c.set.schema.columns[0].name, "f0");
    assert_true(case_cell(&c, 3, 0) == 4 && case_cell(&c, 0, 1) == 2);
    case_end(&c);
}

static void svmlight_that_cannot_be_used(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"1 1:2\n2 x:3\n", "t.svm:2: `x:3` is not index:value"},
        {"1 1:2\n2 3\n", "t.svm:2: `3` is not index:value"},
        {"1 1:2\n\n#\nyes 1:3\n", "t.svm:4: label `yes` is not a number"},
        {"1 1:2\n2 99999999999:3\n", "is too large"},
        {"1 1:2\n2 1:nan\n", "t.svm:2: `1:nan`"},
        {"1\n2\n", "no row has an index:value pair"},
        {"# nothing\n", "has no rows"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        data_case c;
        case_start(&c);
        case_text(&c, "t.svm", cases[i][0]);
        case_set(&c, "format", "svmlight");
        case_fails(&c, FR_ERR_DATA, cases[i][1]);
        case_end(&c);
    }
}

static const char mixed[] =
    "a,k,g,f,w,y\n1.5,u,p,1,1,no\n,v,q,2,0.5,yes\n3,,p,1,2,no\n-4,w,r,2,1,yes\n";

static void read_mixed(data_case *c)
{
    case_start(c);
    case_text(c, "t.csv", mixed);
    case_set(c, "target", "y");
    case_set(c, "group", "g");
    case_set(c, "fold", "f");
    case_set(c, "weight", "w");
    case_test_text(c, "u.csv", "a,k,g,f,w,y\n9,u,q,1,1,no\n");
    case_read(c);
}

static void expect_same(const fr_dataset *a, const fr_dataset *b)
{
    const fr_schema *s = &a->schema, *t = &b->schema;
    assert_int_equal(s->rows, t->rows);
    assert_int_equal(s->cols, t->cols);
    assert_int_equal(s->cell, t->cell);
    assert_int_equal(s->n_classes, t->n_classes);
    assert_string_equal(s->target_name, t->target_name);
    for (size_t i = 0; i < s->n_classes; i++) assert_string_equal(s->classes[i], t->classes[i]);
    for (size_t c = 0; c < s->cols; c++) {
        assert_string_equal(s->columns[c].name, t->columns[c].name);
        assert_int_equal(s->columns[c].kind, t->columns[c].kind);
        assert_int_equal(s->columns[c].n_levels, t->columns[c].n_levels);
        for (size_t l = 0; l < s->columns[c].n_levels; l++)
            assert_string_equal(s->columns[c].levels[l], t->columns[c].levels[l]);
    }
    const size_t n = s->rows, size = s->cell == FR_CELL_U8 ? 1 : s->cell == FR_CELL_I16 ? 2 : 4;
    for (size_t i = 0; i < n * s->cols; i++) /* NaN may have any sign */
        if (s->cell != FR_CELL_F32 || !isnan(((const float *)a->x)[i]))
            assert_memory_equal((const char *)a->x + i * size, (const char *)b->x + i * size,
                                size);
        else
            assert_true(isnan(((const float *)b->x)[i]));
    assert_memory_equal(a->y, b->y, n * sizeof *a->y);
    if (a->group != NULL) assert_memory_equal(a->group, b->group, n * sizeof *a->group);
    if (a->fold != NULL) assert_memory_equal(a->fold, b->fold, n * sizeof *a->fold);
    if (a->weight != NULL) assert_memory_equal(a->weight, b->weight, n * sizeof *a->weight);
}

static void hdf5_reads_back_what_was_written(void **state)
{
    (void)state;
    data_case c, d;
    char path[128];
    read_mixed(&c);
    snprintf(path, sizeof path, "%s/t.h5", c.dir);
    assert_int_equal(fr_dataset_write_hdf5(&c.set, path), FR_OK);
    case_start(&d);
    case_set(&d, "path", path);
    case_set(&d, "group", "group");
    case_set(&d, "fold", "fold");
    case_set(&d, "weight", "weight");
    case_set(&d, "test.column", "test");
    case_read(&d);
    expect_same(&c.set, &d.set);
    assert_true(d.set.test_mark[3] == 0 && d.set.test_mark[4] == 1);
    case_end(&d);
    case_start(&d); /* what is not named stays beside */
    case_set(&d, "path", path);
    case_read(&d);
    assert_int_equal(d.set.schema.cols, 2);
    assert_null(d.set.group);
    case_end(&d);
    assert_int_equal(fr_dataset_write_hdf5(&c.set, "/nowhere/t.h5"), FR_ERR_IO);
    case_end(&c);
}

static void put_array(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims,
                      hid_t memory, const void *values)
{
    hid_t space = H5Screate_simple(rank, dims, NULL);
    hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Sclose(space);
}

static void hdf5_of_any_type(void **state)
{
    (void)state;
    const hid_t types[] = {H5T_STD_U8BE,  H5T_STD_I8LE,   H5T_STD_I16BE,  H5T_STD_U16LE,
                           H5T_STD_I64BE, H5T_IEEE_F64BE, H5T_IEEE_F32LE, H5T_STD_I32LE};
    const fr_cell cells[] = {FR_CELL_U8,  FR_CELL_I16, FR_CELL_I16, FR_CELL_F32,
                             FR_CELL_F32, FR_CELL_F32, FR_CELL_F32, FR_CELL_F32};
    const double x[] = {1, 2, 3, 4, 5, 100}, y[] = {0, 1, 0};
    const float want[] = {1, 2, 3, 4, 5, 100}, last[] = {2, 4, 100};
    for (size_t i = 0; i < 8; i++) {
        data_case c;
        char path[128];
        case_start(&c);
        snprintf(path, sizeof path, "%s/t.h5", c.dir);
        hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        put_array(file, "X", types[i], 2, (const hsize_t[]){3, 2}, H5T_NATIVE_DOUBLE, x);
        put_array(file, "y", H5T_STD_I64LE, 1, (const hsize_t[]){3}, H5T_NATIVE_DOUBLE, y);
        put_array(file, "long", H5T_STD_I64LE, 1, (const hsize_t[]){6}, H5T_NATIVE_DOUBLE, x);
        put_array(file, "wide", H5T_STD_I64LE, 2, (const hsize_t[]){3, 2}, H5T_NATIVE_DOUBLE,
                  x);
        H5Fclose(file);
        case_set(&c, "path", path);
        case_read(&c);
        expect(&c, 3, 2, cells[i], want);
        case_set(&c, "drop", "[0]"); /* no longer straight into the block */
        case_read(&c);
        expect(&c, 3, 1, cells[i], last);
        case_set(&c, "target_dataset", "long");
        case_fails(&c, FR_ERR_DATA, "`long` has 6 rows, the features have 3");
        case_set(&c, "target_dataset", "wide");
        case_fails(&c, FR_ERR_DATA, "`wide` has 2 dimensions; a target has 1");
        case_set(&c, "target_dataset", "absent");
        case_fails(&c, FR_ERR_DATA, "`X` (3 x 2), `long` (6), `wide` (3 x 2), `y` (3)");
        case_set(&c, "features_dataset", "features");
        case_fails(&c, FR_ERR_DATA, "has no data set `features`");
        case_set(&c, "features_dataset", "long");
        case_fails(&c, FR_ERR_DATA, "`long` has 1 dimension; features need 2");
        case_end(&c);
    }
}

/* A file of a few KiB that promises 3 TB: told before a cell is read. */
static void hdf5_larger_than_memory(void **state)
{
    (void)state;
    data_case c;
    char path[128];
    const hsize_t rows[2] = {3000000000, 1000}, chunk[2] = {1000, 1000};
    case_start(&c);
    snprintf(path, sizeof path, "%s/huge.h5", c.dir);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (int rank = 2; rank >= 1; rank--) {
        hid_t space = H5Screate_simple(rank, rows, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
        assert_true(H5Pset_chunk(list, rank, chunk) >= 0);
        hid_t set = H5Dcreate2(file, rank == 2 ? "X" : "y", H5T_STD_U8LE, space, H5P_DEFAULT,
                               list, H5P_DEFAULT);
        assert_true(set >= 0);
        H5Dclose(set);
        H5Pclose(list);
        H5Sclose(space);
    }
    H5Fclose(file);
    case_set(&c, "path", path);
    case_fails(&c, FR_ERR_DATA,
               "3000000000 rows x 1000 columns, stored dense, need 2.7 TiB; there are");
    case_end(&c);
}

static void hdf5_that_is_none(void **state)
{
    (void)state;
    data_case c, d;
    char path[128], cut[192];
    case_start(&c);
    case_text(&c, "t.h5", "a,y\n1,0\n2,1\n");
    case_set(&c, "format", "hdf5");
    case_fails(&c, FR_ERR_DATA, "t.h5: is not an HDF5 file");
    case_set(&c, "path", "/nowhere/t.h5");
    case_fails(&c, FR_ERR_DATA, "cannot be read: No such file");
    read_mixed(&d);
    snprintf(path, sizeof path, "%s/t.h5", d.dir);
    assert_int_equal(fr_dataset_write_hdf5(&d.set, path), FR_OK);
    snprintf(cut, sizeof cut, "truncate -s 2500 %s", path);
    assert_int_equal(system(cut), 0);
    case_set(&c, "path", path);
    case_fails(&c, FR_ERR_DATA, "damaged, cut off or being written");
    case_end(&d);
    case_end(&c);
}

static fr_status predict_from(const fr_schema *schema, const char *text, data_case *c)
{
    fr_source *source;
    fr_schema copy;
    case_text(c, "new.csv", text);
    fr_status st = fr_source_open_like(&c->options, schema, &source);
    if (st != FR_OK) return st;
    case_forget(c);
    c->block = fr_alloc(fr_schema_bytes(fr_source_schema(source)), 1);
    assert_int_equal(fr_source_fill(source, c->block), FR_OK);
    assert_int_equal(fr_schema_copy(fr_source_schema(source), &copy), FR_OK);
    fr_dataset_attach(&copy, c->block, &c->set);
    fr_source_close(&source);
    return FR_OK;
}

static void new_data_fit_the_model(void **state)
{
    (void)state;
    data_case c, d;
    read_mixed(&c);
    case_start(&d);
    const fr_schema *schema = &c.set.schema;
    assert_int_equal(predict_from(schema, "z,k,y,a\nq,w,yes,5\nq,new,,300\nq,u,maybe,7\n", &d),
                     FR_OK);
    const float want[] = {5, 2, 300, NAN, 7, 0};
    expect(&d, 3, 2, FR_CELL_F32, want);
    assert_true(d.set.y[0] == 1 && isnan(d.set.y[1]) && isnan(d.set.y[2]));
    assert_int_equal(d.set.schema.n_classes, 2);
    assert_int_equal(predict_from(schema, "k,a\nv,5\nu,6\n", &d), FR_OK);
    const float bare[] = {5, 1, 6, 0};
    expect(&d, 2, 2, FR_CELL_U8, bare);
    assert_null(d.set.y);
    assert_int_equal(predict_from(schema, "k,b\nv,5\n", &d), FR_ERR_DATA);
    assert_non_null(strstr(fr_status_message(), "lacks 1 column: `a`; it has 2: `k`, `b`"));
    assert_int_equal(predict_from(schema, "k,a\nv,old\n", &d), FR_ERR_DATA);
    assert_non_null(
        strstr(fr_status_message(), "new.csv:2: column `a` is `old`, not a number"));
    case_end(&d);
    case_end(&c);
}

static void nameless_data_go_by_position(void **state)
{
    (void)state;
    data_case c, d;
    case_start(&c);
    case_text(&c, "t.csv", "7,1,2\n8,3,4\n7,5,6\n");
    case_set(&c, "target", "0");
    case_read(&c);
    case_start(&d);
    assert_int_equal(predict_from(&c.set.schema, "8,10,20\n", &d), FR_OK);
    assert_true(case_cell(&d, 0, 0) == 10 && case_cell(&d, 0, 1) == 20 && d.set.y[0] == 1);
    assert_int_equal(predict_from(&c.set.schema, "10,20\n30,40\n", &d), FR_OK);
    assert_true(case_cell(&d, 1, 0) == 30 && case_cell(&d, 1, 1) == 40);
    assert_null(d.set.y);
    assert_int_equal(predict_from(&c.set.schema, "1\n2\n", &d), FR_ERR_DATA);
    case_end(&d);
    case_end(&c);
}

/* A test file that has the features only, of a file with more columns. */
static void test_file_of_features_only(void **state)
{
    (void)state;
    data_case c;
    case_start(&c);
    case_text(&c, "t.csv", "9,1,2\n9,3,4\n");
    case_set(&c, "drop", "[0]");
    case_bytes(&c, "labels", "y.csv", "u\nv\n", 4);
    case_test_text(&c, "u.csv", "5,6\n");
    case_bytes(&c, "test.labels", "z.csv", "v\n", 2);
    case_read(&c);
    const float want[] = {1, 2, 3, 4, 5, 6};
    expect(&c, 3, 2, FR_CELL_U8, want);
    assert_true(c.set.y[0] == 0 && c.set.y[2] == 1);
    case_end(&c);
}

static void fingerprints_tell_data_apart(void **state)
{
    (void)state;
    static const char *const texts[] = {"a,y\n1,0\n2,1\n", "a,y\n1,0\n3,1\n",
                                        "b,y\n1,0\n2,1\n", "a,y\n1,1\n2,0\n",
                                        "a,z\n1,0\n2,1\n", "a,y\n1,p\n2,q\n"};
    uint64_t seen[6];
    for (int i = 0; i < 6; i++) {
        data_case c;
        case_start(&c);
        case_text(&c, "t.csv", texts[i]);
        case_set(&c, "target", "1");
        case_read(&c);
        seen[i] = c.set.schema.fingerprint;
        assert_true(seen[i] != 0);
        for (int k = 0; k < i; k++) assert_true(seen[k] != seen[i]);
        case_read(&c);
        assert_true(c.set.schema.fingerprint == seen[i]);
        case_end(&c);
    }
}

/* Unpacked it is the same; damaged or cut it is refused or harmless. */
static void schemas_survive_damage(void **state)
{
    (void)state;
    data_case c;
    fr_schema copy;
    fr_pack pack = {0}, again = {0};
    read_mixed(&c);
    fr_schema_pack(&c.set.schema, &pack);
    assert_int_equal(fr_schema_copy(&c.set.schema, &copy), FR_OK);
    fr_schema_pack(&copy, &again);
    assert_int_equal(pack.size, again.size);
    assert_memory_equal(pack.data, again.data, pack.size);
    fr_schema_clear(&copy);
    for (size_t at = 0; at < pack.size; at++)
        for (int damage = 0; damage < 4; damage++) {
            static const unsigned char mask[] = {1, 0x40, 0xff, 0};
            pack.data[at] ^= mask[damage];
            fr_unpack in = fr_unpack_make(pack.data, damage == 3 ? at : pack.size);
            const fr_status st = fr_schema_unpack(&in, &copy);
            if (damage == 3) assert_int_equal(st, FR_ERR_FORMAT);
            if (st == FR_OK) assert_true(fr_schema_bytes(&copy) >= copy.rows * copy.cols);
            fr_schema_clear(&copy);
            pack.data[at] ^= mask[damage];
        }
    fr_pack_clear(&pack);
    fr_pack_clear(&again);
    case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx_images_are_rows),
        cmocka_unit_test(npy_in_every_order),
        cmocka_unit_test(npy_that_cannot_be_used),
        cmocka_unit_test(svmlight_becomes_dense),
        cmocka_unit_test(svmlight_that_cannot_be_used),
        cmocka_unit_test(hdf5_reads_back_what_was_written),
        cmocka_unit_test(hdf5_of_any_type),
        cmocka_unit_test(hdf5_larger_than_memory),
        cmocka_unit_test(hdf5_that_is_none),
        cmocka_unit_test(new_data_fit_the_model),
        cmocka_unit_test(nameless_data_go_by_position),
        cmocka_unit_test(test_file_of_features_only),
        cmocka_unit_test(fingerprints_tell_data_apart),
        cmocka_unit_test(schemas_survive_damage),
    };
    return cmocka_run_group_tests_name("readers", tests, NULL, NULL);
}
