/* SPDX-License-Identifier: BSD-3-Clause */
/* hdf5_write.c - a data set as HDF5, for h5py and for ourselves:
 *   X (rows, cols) cells; y (rows), attribute `name`; names (cols) and classes, texts;
 *   levels/<column number>, texts, for categorical columns; group, fold, weight, test (rows).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "hdf5_file.h"

static fr_status write_numbers(hid_t file, const char *name, hid_t type, const hsize_t dims[2],
                               const void *values)
{
    hid_t space = H5Screate_simple(dims[1] == 0 ? 1 : 2, dims, NULL), set = -1;
    fr_status st = FR_OK;
    if (space < 0 ||
        (set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)) <
            0 ||
        H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        st = FR_FAIL(FR_ERR_IO, "cannot write the data set `%s`", name);
    if (set >= 0) H5Dclose(set);
    if (space >= 0) H5Sclose(space);
    return st;
}

static fr_status write_target_name(hid_t file, const char *name)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR), attribute = -1;
    fr_status st = FR_OK;
    if (type < 0 || space < 0 || H5Tset_size(type, H5T_VARIABLE) < 0 ||
        H5Tset_cset(type, H5T_CSET_UTF8) < 0 ||
        (attribute = H5Acreate_by_name(file, "y", "name", type, space, H5P_DEFAULT, H5P_DEFAULT,
                                       H5P_DEFAULT)) < 0 ||
        H5Awrite(attribute, type, &name) < 0)
        st = FR_FAIL(FR_ERR_IO, "cannot write the name of the target");
    if (attribute >= 0) H5Aclose(attribute);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return st;
}

/* Class numbers as integers, values as they are. */
static fr_status write_target(hid_t file, const fr_dataset *dataset)
{
    const fr_schema *schema = &dataset->schema;
    const hsize_t dims[2] = {schema->rows, 0};
    if (dataset->y == NULL) return FR_OK;
    if (schema->learn == FR_LEARN_REGRESSION) {
        FR_TRY(write_numbers(file, "y", H5T_NATIVE_FLOAT, dims, dataset->y));
    } else {
        int32_t *class = fr_alloc(schema->rows, sizeof *class);
        if (class == NULL) return FR_ERR_MEMORY;
        for (size_t r = 0; r < schema->rows; r++) class[r] = (int32_t)dataset->y[r];
        fr_status st = write_numbers(file, "y", H5T_NATIVE_INT32, dims, class);
        free(class);
        FR_TRY(st);
        FR_TRY(fr_hdf5_write_strings(file, "classes", schema->classes, schema->n_classes));
    }
    return write_target_name(file, schema->target_name);
}

static fr_status write_names(hid_t file, const fr_schema *schema)
{
    char **names = fr_alloc(schema->cols, sizeof *names);
    if (names == NULL) return FR_ERR_MEMORY;
    bool categorical = false;
    for (size_t c = 0; c < schema->cols; c++) {
        names[c] = schema->columns[c].name;
        categorical |= schema->columns[c].n_levels > 0;
    }
    fr_status st = fr_hdf5_write_strings(file, "names", names, schema->cols);
    free(names);
    FR_TRY(st);
    if (!categorical) return FR_OK;
    hid_t group = H5Gcreate2(file, "levels", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0) return FR_FAIL(FR_ERR_IO, "cannot write the group `levels`");
    H5Gclose(group);
    for (size_t c = 0; c < schema->cols; c++) {
        char name[64];
        if (schema->columns[c].n_levels == 0) continue;
        snprintf(name, sizeof name, "levels/%zu", c);
        FR_TRY(fr_hdf5_write_strings(file, name, schema->columns[c].levels,
                                     schema->columns[c].n_levels));
    }
    return FR_OK;
}

/* Rows of a separate test file are marked, so that one file keeps the split. */
static fr_status write_test(hid_t file, const fr_dataset *dataset)
{
    const size_t n = dataset->schema.rows, first = n - dataset->schema.test_rows;
    const hsize_t dims[2] = {n, 0};
    if (dataset->test_mark == NULL && first == n) return FR_OK;
    int32_t *mark = fr_alloc(n, sizeof *mark);
    if (mark == NULL) return FR_ERR_MEMORY;
    for (size_t r = 0; r < n; r++)
        mark[r] = r >= first || (dataset->test_mark != NULL && dataset->test_mark[r] != 0);
    fr_status st = write_numbers(file, "test", H5T_NATIVE_INT32, dims, mark);
    free(mark);
    return st;
}

static fr_status write_all(hid_t file, const fr_dataset *dataset)
{
    const fr_schema *schema = &dataset->schema;
    const hsize_t table[2] = {schema->rows, schema->cols}, list[2] = {schema->rows, 0};
    const hid_t cell = schema->cell == FR_CELL_U8    ? H5T_NATIVE_UINT8
                       : schema->cell == FR_CELL_I16 ? H5T_NATIVE_INT16
                                                     : H5T_NATIVE_FLOAT;
    FR_TRY(write_numbers(file, "X", cell, table, dataset->x));
    FR_TRY(write_target(file, dataset));
    FR_TRY(write_names(file, schema));
    if (dataset->group != NULL)
        FR_TRY(write_numbers(file, "group", H5T_NATIVE_INT32, list, dataset->group));
    if (dataset->fold != NULL)
        FR_TRY(write_numbers(file, "fold", H5T_NATIVE_INT32, list, dataset->fold));
    if (dataset->time != NULL)
        FR_TRY(write_numbers(file, "time", H5T_NATIVE_INT32, list, dataset->time));
    if (dataset->weight != NULL)
        FR_TRY(write_numbers(file, "weight", H5T_NATIVE_FLOAT, list, dataset->weight));
    return write_test(file, dataset);
}

/* Nobody sees half a file: it gets its name when it is whole. */
fr_status fr_dataset_write_hdf5(const fr_dataset *dataset, const char *path)
{
    fr_text temporary = {0};
    if (dataset->schema.cell == FR_CELL_SPARSE)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: sparse data are not written as HDF5: use the SVMlight file itself",
                       path);
    fr_text_add(&temporary, "%s.tmp", path);
    if (temporary.failed) return FR_FAIL(FR_ERR_MEMORY, "out of memory");
    fr_hdf5_quiet quiet = fr_hdf5_hush();
    hid_t file = H5Fcreate(temporary.data, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    fr_status st = file < 0 ? FR_FAIL(FR_ERR_IO, "%s: cannot be created", temporary.data)
                            : write_all(file, dataset);
    if (st != FR_OK && file >= 0)
        st = FR_FAIL(st, "%s: %s (disk full?)", path, fr_status_message());
    if (file >= 0 && H5Fclose(file) < 0 && st == FR_OK)
        st = FR_FAIL(FR_ERR_IO, "%s: cannot be completed (disk full?)", path);
    fr_hdf5_unhush(quiet);
    if (st == FR_OK && rename(temporary.data, path) != 0)
        st = FR_FAIL(FR_ERR_IO, "%s: cannot be renamed: %s", path, strerror(errno));
    if (st != FR_OK && file >= 0) unlink(temporary.data);
    fr_text_clear(&temporary);
    return st;
}
