/* SPDX-License-Identifier: BSD-3-Clause */
/* hdf5_text.c - strings in HDF5 files, the list of what a file holds, quiet errors. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "hdf5_file.h"

fr_hdf5_quiet fr_hdf5_hush(void)
{
    fr_hdf5_quiet quiet = {0};
    H5Eget_auto2(H5E_DEFAULT, &quiet.print, &quiet.context);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return quiet;
}

void fr_hdf5_unhush(fr_hdf5_quiet quiet)
{
    H5Eset_auto2(H5E_DEFAULT, quiet.print, quiet.context);
}

static bool read_raw(hid_t object, bool is_attribute, hid_t type, void *out)
{
    return (is_attribute ? H5Aread(object, type, out)
                         : H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out)) >= 0;
}

static bool copy_variable(hid_t object, bool is_attribute, hid_t type, char **out, size_t n)
{
    char **items = fr_alloc(n, sizeof *items);
    if (items == NULL) return false;
    bool good = read_raw(object, is_attribute, type, items);
    for (size_t i = 0; good && i < n; i++) {
        out[i] = fr_strdup(items[i] == NULL ? "" : items[i]);
        good = out[i] != NULL;
    }
    for (size_t i = 0; i < n; i++) H5free_memory(items[i]);
    free(items);
    return good;
}

static bool copy_fixed(hid_t object, bool is_attribute, hid_t type, char **out, size_t n)
{
    const size_t size = H5Tget_size(type);
    char *bytes = fr_alloc(n, size);
    if (bytes == NULL) return false;
    bool good = read_raw(object, is_attribute, type, bytes);
    const bool padded = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
    for (size_t i = 0; good && i < n; i++) {
        const char *text = bytes + i * size;
        size_t length = strnlen(text, size);
        while (padded && length > 0 && text[length - 1] == ' ') length--;
        out[i] = malloc(length + 1);
        if ((good = out[i] != NULL)) {
            memcpy(out[i], text, length);
            out[i][length] = '\0';
        }
    }
    free(bytes);
    return good;
}

fr_status fr_hdf5_strings(hid_t object, bool is_attribute, const char *where, char ***out,
                          size_t *n)
{
    hid_t type = is_attribute ? H5Aget_type(object) : H5Dget_type(object);
    hid_t space = is_attribute ? H5Aget_space(object) : H5Dget_space(object);
    const hssize_t points = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    *out = NULL;
    *n = 0;
    fr_status st = FR_OK;
    if (type < 0 || points < 0 || H5Tget_class(type) != H5T_STRING)
        st = FR_FAIL(FR_ERR_DATA, "%s: is not a list of texts", where);
    if (st == FR_OK && (*out = fr_alloc((size_t)points, sizeof **out)) == NULL)
        st = FR_ERR_MEMORY;
    if (st == FR_OK && points > 0) {
        *n = (size_t)points;
        const bool good = H5Tis_variable_str(type) > 0
                              ? copy_variable(object, is_attribute, type, *out, *n)
                              : copy_fixed(object, is_attribute, type, *out, *n);
        if (!good) st = FR_FAIL(FR_ERR_DATA, "%s: the texts cannot be read", where);
    }
    if (st != FR_OK) {
        fr_names_free(*out, *n);
        *out = NULL;
        *n = 0;
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return st;
}

fr_status fr_hdf5_write_strings(hid_t file, const char *name, char *const *items, size_t n)
{
    const hsize_t extent = n;
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &extent, NULL), set = -1;
    fr_status st = FR_OK;
    if (type < 0 || space < 0 || H5Tset_size(type, H5T_VARIABLE) < 0 ||
        H5Tset_cset(type, H5T_CSET_UTF8) < 0 ||
        (set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)) <
            0 ||
        H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, items) < 0)
        st = FR_FAIL(FR_ERR_IO, "cannot write the texts `%s`", name);
    if (set >= 0) H5Dclose(set);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return st;
}

static void describe(hid_t set, const char *name, fr_text *out)
{
    hsize_t dims[H5S_MAX_RANK];
    hid_t space = H5Dget_space(set);
    const int rank = space < 0 ? 0 : H5Sget_simple_extent_dims(space, dims, NULL);
    fr_text_add(out, "%s`%s` (", out->length > 0 ? ", " : "", name);
    for (int d = 0; d < rank; d++)
        fr_text_add(out, "%s%llu", d > 0 ? " x " : "", (unsigned long long)dims[d]);
    fr_text_add(out, ")");
    if (space >= 0) H5Sclose(space);
}

fr_status fr_hdf5_contents(hid_t file, char **out)
{
    enum { SHOWN = 30 };
    H5G_info_t about;
    fr_text text = {0};
    if (H5Gget_info(file, &about) < 0) about.nlinks = 0;
    for (hsize_t i = 0; i < about.nlinks && i < SHOWN; i++) {
        char name[256];
        if (H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                               H5P_DEFAULT) < 0)
            continue;
        hid_t object = H5Oopen(file, name, H5P_DEFAULT);
        if (object < 0) continue;
        if (H5Iget_type(object) == H5I_DATASET) describe(object, name, &text);
        H5Oclose(object);
    }
    fr_text whole = {0};
    fr_text_add(&whole, "data sets: %s", text.length > 0 ? fr_text_get(&text) : "none");
    fr_text_clear(&text);
    if (whole.failed) return FR_ERR_MEMORY;
    *out = whole.data;
    return FR_OK;
}
