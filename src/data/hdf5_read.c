/* SPDX-License-Identifier: BSD-3-Clause */
/* hdf5_read.c - the reader of HDF5 files: a 2-D data set of features, a 1-D one for the target,
 * and other 1-D ones of the same length beside them.
 *
 * Columns: those of X, then the target if there is one, then the side columns, used only when
 * an option names them. Names, classes and levels may be there as hdf5_write.c leaves them. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "hdf5_file.h"

enum { BATCH_VALUES = 1 << 18 };

static fr_status hdf5_rewind(fr_reader *reader)
{
    ((fr_hdf5_reader *)reader)->row = 0;
    return FR_OK;
}

/* The type to read numbers in: `wanted`, but one-byte enumerations are not converted. */
static hid_t memory_type(hid_t set, hid_t wanted, bool *is_enum)
{
    hid_t type = H5Dget_type(set);
    *is_enum = type >= 0 && H5Tget_class(type) == H5T_ENUM;
    hid_t memory = *is_enum ? H5Tget_native_type(type, H5T_DIR_ASCEND) : H5Tcopy(wanted);
    if (type >= 0) H5Tclose(type);
    return memory;
}

/* Rows [row, row + n) of a data set of any rank, as doubles, one after the other. */
static fr_status read_rows(const fr_hdf5_reader *h, hid_t set, size_t n, double *out)
{
    hsize_t start[H5S_MAX_RANK] = {0}, count[H5S_MAX_RANK], values = 1;
    bool is_enum;
    hid_t space = H5Dget_space(set), memory = -1;
    hid_t type = memory_type(set, H5T_NATIVE_DOUBLE, &is_enum);
    const int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, count, NULL);
    fr_status st = FR_OK;
    start[0] = h->row;
    count[0] = n;
    for (int d = 0; d < rank; d++) values *= count[d];
    /* Memory has the file's shape: the library is slow to map one shape to another. */
    if (rank < 1 || type < 0 || (memory = H5Screate_simple(rank, count, NULL)) < 0 ||
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dread(set, type, memory, space, H5P_DEFAULT, out) < 0)
        st = FR_FAIL(FR_ERR_DATA, "%s: rows %zu to %zu cannot be read; the file is damaged",
                     h->base.path, h->row, h->row + n - 1);
    /* Bytes become doubles in place, from the end so that none is lost. */
    for (size_t i = values; is_enum && st == FR_OK && i-- > 0;)
        out[i] = ((const signed char *)out)[i];
    if (memory >= 0) H5Sclose(memory);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    return st;
}

static fr_status read_column(const fr_hdf5_reader *h, size_t column, size_t n)
{
    FR_TRY(read_rows(h, h->set[column - h->x_cols], n, h->scratch));
    for (size_t r = 0; r < n; r++) h->values[r * h->base.cols + column] = h->scratch[r];
    return FR_OK;
}

static fr_status read_features(const fr_hdf5_reader *h, size_t n)
{
    const size_t cols = h->base.cols, x_cols = h->x_cols;
    bool wanted = false;
    for (size_t c = 0; c < x_cols; c++) wanted |= h->base.wanted[c];
    if (!wanted) return FR_OK;
    FR_TRY(read_rows(h, h->x, n, h->scratch));
    for (size_t r = 0; r < n; r++)
        memcpy(h->values + r * cols, h->scratch + r * x_cols, x_cols * sizeof *h->values);
    return FR_OK;
}

static fr_status hdf5_next(fr_reader *reader, fr_rows *rows)
{
    fr_hdf5_reader *h = (fr_hdf5_reader *)reader;
    const size_t left = reader->rows - h->row, n = left < h->batch ? left : h->batch;
    *rows = (fr_rows){.n = n, .values = h->values, .where = h->row};
    if (n == 0) return FR_OK;
    fr_hdf5_quiet quiet = fr_hdf5_hush();
    fr_status st = read_features(h, n);
    for (size_t c = h->x_cols; c < reader->cols && st == FR_OK; c++)
        if (reader->wanted[c]) st = read_column(h, c, n);
    fr_hdf5_unhush(quiet);
    h->row += n;
    return st;
}

/* The library converts and, for compressed files, visits every chunk once. */
static herr_t read_cells(const fr_hdf5_reader *h, hid_t type, size_t first, size_t n, void *x)
{
    hsize_t start[H5S_MAX_RANK] = {0}, count[H5S_MAX_RANK];
    herr_t code = -1;
    hid_t space = H5Dget_space(h->x), memory = -1;
    const int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, count, NULL);
    start[0] = first;
    count[0] = n;
    if (rank > 0 && (memory = H5Screate_simple(rank, count, NULL)) >= 0 &&
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0)
        code = H5Dread(h->x, type, memory, space, H5P_DEFAULT, x);
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    return code;
}

static fr_status hdf5_cells(fr_reader *reader, fr_cell cell, size_t first, size_t n, void *x)
{
    const fr_hdf5_reader *h = (const fr_hdf5_reader *)reader;
    const hid_t wanted = cell == FR_CELL_U8    ? H5T_NATIVE_UINT8
                         : cell == FR_CELL_I16 ? H5T_NATIVE_INT16
                                               : H5T_NATIVE_FLOAT;
    bool is_enum;
    fr_hdf5_quiet quiet = fr_hdf5_hush();
    const hid_t type = memory_type(h->x, wanted, &is_enum);
    const herr_t code = type < 0 ? -1 : read_cells(h, type, first, n, x);
    if (type >= 0) H5Tclose(type);
    fr_hdf5_unhush(quiet);
    if (code >= 0) return FR_OK;
    return FR_FAIL(FR_ERR_DATA, "%s: the features cannot be read; the file is damaged",
                   reader->path);
}

/* A chunk that two read would be unpacked twice. */
static size_t hdf5_together(const fr_reader *reader)
{
    const fr_hdf5_reader *h = (const fr_hdf5_reader *)reader;
    hsize_t chunk[H5S_MAX_RANK] = {1};
    fr_hdf5_quiet quiet = fr_hdf5_hush();
    hid_t list = H5Dget_create_plist(h->x);
    const bool chunked = list >= 0 && H5Pget_layout(list) == H5D_CHUNKED &&
                         H5Pget_chunk(list, H5S_MAX_RANK, chunk) > 0;
    if (list >= 0) H5Pclose(list);
    fr_hdf5_unhush(quiet);
    return chunked && chunk[0] > 0 ? (size_t)chunk[0] : 1;
}

static void hdf5_close(fr_reader *reader)
{
    fr_hdf5_reader *h = (fr_hdf5_reader *)reader;
    fr_hdf5_quiet quiet = fr_hdf5_hush();
    for (size_t i = 0; i < h->n_sets; i++) H5Dclose(h->set[i]);
    if (h->x >= 0) H5Dclose(h->x);
    if (h->file >= 0) H5Fclose(h->file);
    fr_hdf5_unhush(quiet);
    free(h->set);
    free(h->values);
    free(h->scratch);
}

static fr_status get_buffers(fr_hdf5_reader *h)
{
    const size_t batch = BATCH_VALUES / h->base.cols;
    h->batch = batch > 0 ? batch : 1;
    h->values = fr_alloc(h->batch * h->base.cols, sizeof *h->values);
    h->scratch = fr_alloc(h->batch * h->base.cols, sizeof *h->scratch);
    return h->values == NULL || h->scratch == NULL ? FR_ERR_MEMORY : FR_OK;
}

static fr_status open_file(fr_hdf5_reader *h, const char *path)
{
    fr_stream probe; /* says why a file cannot be opened; the library does not */
    FR_TRY(fr_stream_open(path, &probe));
    fr_stream_close(&probe);
    h->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (h->file >= 0) return fr_hdf5_contents(h->file, &h->base.contents);
    if (H5Fis_hdf5(path) > 0)
        return FR_FAIL(FR_ERR_DATA,
                       "%s: is an HDF5 file, but damaged, cut off or being written", path);
    return FR_FAIL(FR_ERR_DATA, "%s: is not an HDF5 file", path);
}

fr_status fr_hdf5_open(const fr_data_options *options, const char *path, fr_reader **out)
{
    static const fr_reader_ops ops = {hdf5_rewind, hdf5_next, hdf5_cells, hdf5_together,
                                      hdf5_close};
    *out = NULL;
    fr_hdf5_reader *h = fr_alloc(1, sizeof *h);
    if (h == NULL) return FR_ERR_MEMORY;
    h->base = (fr_reader){.ops = &ops, .path = fr_strdup(path), .typed = true, .target = -1};
    h->x = h->file = -1;
    fr_reader *reader = &h->base;
    fr_hdf5_quiet quiet = fr_hdf5_hush();
    fr_status st = h->base.path == NULL ? FR_ERR_MEMORY : open_file(h, path);
    if (st == FR_OK) st = fr_hdf5_find_columns(h, options);
    if (st == FR_OK) st = fr_hdf5_find_names(h);
    if (st == FR_OK) st = get_buffers(h);
    if (st != FR_OK) fr_reader_close(&reader);
    fr_hdf5_unhush(quiet);
    *out = reader;
    return st;
}
