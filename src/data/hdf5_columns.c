/* SPDX-License-Identifier: BSD-3-Clause */
/* hdf5_columns.c - which data sets of an HDF5 file are columns, and what they are called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "hdf5_file.h"

/* Shape of a data set as rows and values in a row; rank 0 when it cannot be read. */
static int shape_of(hid_t set, size_t *rows, size_t *cols)
{
    hsize_t dims[H5S_MAX_RANK];
    hid_t space = H5Dget_space(set);
    const int rank = space < 0 ? 0 : H5Sget_simple_extent_dims(space, dims, NULL);
    if (space >= 0) H5Sclose(space);
    *rows = rank > 0 ? (size_t)dims[0] : 0;
    *cols = 1;
    for (int d = 1; d < rank; d++) {
        if (dims[d] != 0 && *cols > UINT32_MAX / dims[d]) return 0;
        *cols *= (size_t)dims[d];
    }
    return rank;
}

/* An enumeration of one byte is how h5py stores booleans. */
static bool holds_numbers(hid_t set, fr_cell *cell)
{
    hid_t type = H5Dget_type(set);
    const H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    const size_t size =
        class == H5T_FLOAT || class == H5T_NO_CLASS ? sizeof(float) : H5Tget_size(type);
    const bool is_signed = class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
    *cell = size == 1 && !is_signed  ? FR_CELL_U8
            : size <= 2 && is_signed ? FR_CELL_I16
                                     : FR_CELL_F32;
    if (type >= 0) H5Tclose(type);
    return class == H5T_INTEGER || class == H5T_FLOAT || (class == H5T_ENUM && size == 1);
}

static fr_status open_features(fr_hdf5_reader *h, const char *name)
{
    h->x = H5Dopen2(h->file, name, H5P_DEFAULT);
    if (h->x < 0)
        return FR_FAIL(FR_ERR_DATA, "%s: has no data set `%s` (data.features_dataset); %s",
                       h->base.path, name, h->base.contents);
    const int rank = shape_of(h->x, &h->base.rows, &h->x_cols);
    if (rank < 2)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: data set `%s` has %d dimension%s; features need 2, rows x "
                       "columns",
                       h->base.path, name, rank, rank == 1 ? "" : "s");
    if (!holds_numbers(h->x, &h->base.cell))
        return FR_FAIL(FR_ERR_DATA, "%s: data set `%s` holds no plain integers or floats",
                       h->base.path, name);
    if (h->x_cols == 0 || h->x_cols > FR_COLUMNS_MAX)
        return FR_FAIL(FR_ERR_DATA, "%s: data set `%s` has %zu columns; 1 to %d can be used",
                       h->base.path, name, h->x_cols, FR_COLUMNS_MAX);
    return FR_OK;
}

/* Append a 1-D data set as a column; its name goes to names[]. Takes over `set`. */
static fr_status add_column(fr_hdf5_reader *h, hid_t set, const char *name, fr_strings *names)
{
    void *block = h->set;
    fr_status st = fr_grow(&block, &h->sets_capacity, h->n_sets + 1, sizeof *h->set);
    h->set = block;
    if (st != FR_OK) {
        H5Dclose(set);
        return st;
    }
    h->set[h->n_sets++] = set;
    return fr_strings_add(names, name);
}

/* A target that cannot be used is an error only when no other is named. */
static fr_status open_target(fr_hdf5_reader *h, const char *name, bool needed,
                             fr_strings *names)
{
    size_t rows, cols;
    fr_cell cell;
    if (H5Lexists(h->file, name, H5P_DEFAULT) <= 0) return FR_OK;
    hid_t set = H5Dopen2(h->file, name, H5P_DEFAULT);
    if (set < 0) return FR_OK;
    const int rank = shape_of(set, &rows, &cols);
    fr_status st = FR_OK;
    if (rank < 1 || cols != 1)
        st = FR_FAIL(FR_ERR_DATA, "%s: data set `%s` has %d dimensions; a target has 1",
                     h->base.path, name, rank);
    else if (!holds_numbers(set, &cell))
        st = FR_FAIL(FR_ERR_DATA,
                     "%s: data set `%s` holds no numbers; store class numbers from 0, "
                     "and their names in `classes`",
                     h->base.path, name);
    else if (rows != h->base.rows)
        st = FR_FAIL(FR_ERR_DATA, "%s: data set `%s` has %zu rows, the features have %zu",
                     h->base.path, name, rows, h->base.rows);
    if (st != FR_OK) {
        H5Dclose(set);
        return needed ? st : FR_OK;
    }
    h->base.target = (ptrdiff_t)h->x_cols;
    return add_column(h, set, name, names);
}

/* Any other 1-D data set of numbers with as many rows. */
static fr_status open_side(fr_hdf5_reader *h, const fr_data_options *options, fr_strings *names)
{
    H5G_info_t about;
    if (H5Gget_info(h->file, &about) < 0) return FR_OK;
    for (hsize_t i = 0; i < about.nlinks; i++) {
        char name[256];
        size_t rows, cols;
        fr_cell cell;
        if (H5Lget_name_by_idx(h->file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                               H5P_DEFAULT) < 0)
            continue;
        const bool known = strcmp(name, options->features_dataset) == 0 ||
                           strcmp(name, options->target_dataset) == 0;
        hid_t set = known ? -1 : H5Dopen2(h->file, name, H5P_DEFAULT);
        if (set < 0) continue;
        if (shape_of(set, &rows, &cols) != 1 || rows != h->base.rows ||
            !holds_numbers(set, &cell)) {
            H5Dclose(set);
            continue;
        }
        FR_TRY(add_column(h, set, name, names));
        h->base.n_side++;
    }
    return FR_OK;
}

static fr_status name_sets(fr_hdf5_reader *h, const fr_strings *names)
{
    h->base.cols = h->x_cols + names->n;
    FR_TRY(fr_reader_number_columns(&h->base));
    for (size_t i = 0; i < names->n; i++) {
        char *name = fr_strdup(names->item[i]);
        if (name == NULL) return FR_ERR_MEMORY;
        free(h->base.names[h->x_cols + i]);
        h->base.names[h->x_cols + i] = name;
    }
    return FR_OK;
}

fr_status fr_hdf5_find_columns(fr_hdf5_reader *h, const fr_data_options *options)
{
    char features[] = "X", target[] = "y";
    fr_data_options named = *options;
    if (named.features_dataset == NULL) named.features_dataset = features;
    if (named.target_dataset == NULL) named.target_dataset = target;
    fr_strings names = {0};
    fr_status st = open_features(h, named.features_dataset);
    const bool needed = options->target == NULL && options->labels == NULL;
    if (st == FR_OK) st = open_target(h, named.target_dataset, needed, &names);
    if (st == FR_OK) st = open_side(h, &named, &names);
    if (st == FR_OK) st = name_sets(h, &names);
    fr_strings_clear(&names);
    return st;
}

/* Texts called `name`: an attribute of `owner`, or a data set of the file. None: *n = 0. */
static fr_status read_texts(const fr_hdf5_reader *h, hid_t owner, const char *name, char ***out,
                            size_t *n)
{
    char where[FR_PLACE_SIZE];
    snprintf(where, sizeof where, "%s: `%s`", h->base.path, name);
    const bool attribute = owner >= 0 && H5Aexists(owner, name) > 0;
    *n = 0;
    *out = NULL;
    if (!attribute && H5Lexists(h->file, name, H5P_DEFAULT) <= 0) return FR_OK;
    hid_t object =
        attribute ? H5Aopen(owner, name, H5P_DEFAULT) : H5Dopen2(h->file, name, H5P_DEFAULT);
    if (object < 0) return FR_OK;
    fr_status st = fr_hdf5_strings(object, attribute, where, out, n);
    if (attribute)
        H5Aclose(object);
    else
        H5Dclose(object);
    return st;
}

static fr_status find_column_names(fr_hdf5_reader *h)
{
    static const char *const keys[] = {"names", "columns", "feature_names"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys && !h->base.named; k++) {
        char **names;
        size_t n;
        FR_TRY(read_texts(h, h->x, keys[k], &names, &n));
        if (n > 0 && n != h->x_cols) {
            fr_names_free(names, n);
            return FR_FAIL(FR_ERR_DATA, "%s: `%s` has %zu names for %zu columns", h->base.path,
                           keys[k], n, h->x_cols);
        }
        for (size_t c = 0; c < n; c++) {
            free(h->base.names[c]);
            h->base.names[c] = names[c];
        }
        h->base.named = n > 0;
        free(names);
    }
    return FR_OK;
}

/* Name of the target, where the data set itself is just called y. */
static fr_status find_target_name(fr_hdf5_reader *h)
{
    char **name;
    size_t n;
    if (h->base.target < 0) return FR_OK;
    const hid_t target = h->set[0];
    FR_TRY(read_texts(h, target, "classes", &h->base.classes, &h->base.n_classes));
    if (H5Aexists(target, "name") <= 0) return FR_OK;
    FR_TRY(read_texts(h, target, "name", &name, &n));
    if (n == 1) {
        free(h->base.names[h->base.target]);
        h->base.names[h->base.target] = name[0];
        free(name);
    } else {
        fr_names_free(name, n);
    }
    return FR_OK;
}

static fr_status find_levels(fr_hdf5_reader *h)
{
    if (H5Lexists(h->file, "levels", H5P_DEFAULT) <= 0) return FR_OK;
    h->base.levels = fr_alloc(h->base.cols, sizeof *h->base.levels);
    if (h->base.levels == NULL) return FR_ERR_MEMORY;
    for (size_t c = 0; c < h->x_cols; c++) {
        char name[64];
        snprintf(name, sizeof name, "levels/%zu", c);
        FR_TRY(read_texts(h, -1, name, &h->base.levels[c].levels, &h->base.levels[c].n_levels));
    }
    return FR_OK;
}

fr_status fr_hdf5_find_names(fr_hdf5_reader *h)
{
    FR_TRY(find_column_names(h));
    FR_TRY(find_target_name(h));
    return find_levels(h);
}
