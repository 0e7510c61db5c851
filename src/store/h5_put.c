/* SPDX-License-Identifier: BSD-3-Clause */
/* h5_put.c - building a results file in memory.
 *
 * HDF5's core driver holds the whole file; our own code then writes it (file.c). So a full disk
 * is an errno of ours, not a failed flush inside a library that keeps the file half open. The
 * structures are those of HDF5 1.8: checksummed headers, readable everywhere. Groups keep their
 * links in the header whatever their number, which makes them deterministic and simple to
 * check.
 *
 * Every function does nothing after the first failure, which fr_h5_out_close reports. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

enum {
    SLAB_ROWS = 16384,      /* rows of a chunk, and handed to HDF5 at once */
    PLAIN_BYTES = 64 << 10, /* shorter columns stay contiguous and uncompressed */
    TEXT_SLAB_BYTES = 4 << 20,
    DEFLATE_LEVEL = 2, /* higher ones cost several times the time for a few per cent */
    MANY_LINKS = 65535 /* before HDF5 would move a group's links out of its header */
};

fr_h5_quiet fr_h5_quiet_begin(void)
{
    fr_h5_quiet quiet = {0};
    H5Eget_auto2(H5E_DEFAULT, &quiet.handler, &quiet.context);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return quiet;
}

void fr_h5_quiet_end(fr_h5_quiet quiet)
{
    H5Eset_auto2(H5E_DEFAULT, quiet.handler, quiet.context);
}

/* A path below the group that is written into: HDF5 takes one with a slash from the top. */
static const char *below(const char *path)
{
    return path[1] == '\0' ? "." : path + 1;
}

static void fail(fr_h5_out *out, const char *what)
{
    if (!out->failed) snprintf(out->what, sizeof out->what, "%s", what);
    out->failed = true;
}

static hid_t disk_type(fr_h5_type type)
{
    const hid_t types[] = {H5T_STD_U32LE, H5T_STD_U64LE, H5T_STD_I32LE, H5T_IEEE_F32LE,
                           H5T_IEEE_F64LE};
    return types[type];
}

hid_t fr_h5_memory_type(fr_h5_type type)
{
    const hid_t types[] = {H5T_NATIVE_UINT32, H5T_NATIVE_UINT64, H5T_NATIVE_INT32,
                           H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE};
    return types[type];
}

size_t fr_h5_type_size(fr_h5_type type)
{
    static const size_t sizes[] = {4, 8, 4, 4, 8};
    return sizes[type];
}

/* Fixed length, zero-padded, UTF-8. */
static hid_t text_type(size_t length)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0) return type;
    if (H5Tset_size(type, length > 0 ? length : 1) < 0 ||
        H5Tset_strpad(type, H5T_STR_NULLPAD) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

/* The core driver's memory comes from here. When the file is closed, and only then has it the
 * superblock of a file that nobody writes any more, the memory passes to us.
 * (H5Fget_file_image clears the mark of a writer, but not its part of the checksum.) */
static void *image_resize(void *image, size_t size, H5FD_file_image_op_t op, void *out)
{
    (void)op;
    (void)out;
    return realloc(image, size);
}

static herr_t image_keep(void *image, H5FD_file_image_op_t op, void *out)
{
    if (op == H5FD_FILE_IMAGE_OP_FILE_CLOSE)
        ((fr_h5_out *)out)->image = image;
    else
        free(image);
    return 0;
}

static void *borrow(void *out)
{
    return out;
}

static herr_t keep_borrowed(void *out)
{
    (void)out;
    return 0;
}

fr_status fr_h5_out_open(fr_h5_out *out)
{
    *out = (fr_h5_out){.file = H5I_INVALID_HID, .quiet = fr_h5_quiet_begin()};
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE);
    H5FD_file_image_callbacks_t memory = {.image_realloc = image_resize,
                                          .image_free = image_keep,
                                          .udata_copy = borrow,
                                          .udata_free = keep_borrowed,
                                          .udata = out};
    const bool ready = access >= 0 && create >= 0 &&
                       H5Pset_fapl_core(access, 4 << 20, false) >= 0 &&
                       H5Pset_file_image_callbacks(access, &memory) >= 0 &&
                       H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0 &&
                       H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
                       H5Pset_link_phase_change(create, MANY_LINKS, 0) >= 0 &&
                       H5Pset_attr_phase_change(create, MANY_LINKS, 0) >= 0 &&
                       H5Pset_obj_track_times(create, false) >= 0;
    if (ready) out->file = H5Fcreate("results.h5", H5F_ACC_TRUNC, create, access);
    if (access >= 0) H5Pclose(access);
    if (create >= 0) H5Pclose(create);
    out->at = out->file;
    if (out->file >= 0) return FR_OK;
    fr_h5_quiet_end(out->quiet);
    return FR_FAIL(FR_ERR_IO, "HDF5 cannot start a results file");
}

fr_status fr_h5_out_close(fr_h5_out *out, void **bytes, size_t *n)
{
    if (!out->failed && H5Fflush(out->file, H5F_SCOPE_GLOBAL) < 0) fail(out, "the end");
    const ssize_t size = out->failed ? -1 : H5Fget_file_image(out->file, NULL, 0);
    if (H5Fclose(out->file) < 0 || size <= 0 || out->image == NULL) fail(out, "the end");
    out->file = H5I_INVALID_HID;
    fr_h5_quiet_end(out->quiet);
    *bytes = out->failed ? NULL : out->image;
    *n = out->failed ? 0 : (size_t)size;
    if (!out->failed) return FR_OK;
    free(out->image);
    return FR_FAIL(FR_ERR_IO, "HDF5 cannot write %s of the results: out of memory?", out->what);
}

void fr_h5_put_group(fr_h5_out *out, const char *path)
{
    if (out->failed) return;
    const hid_t create = H5Pcreate(H5P_GROUP_CREATE);
    hid_t group = H5I_INVALID_HID;
    if (create >= 0 && H5Pset_link_phase_change(create, MANY_LINKS, 0) >= 0 &&
        H5Pset_attr_phase_change(create, MANY_LINKS, 0) >= 0 &&
        H5Pset_obj_track_times(create, false) >= 0)
        group = H5Gcreate2(out->at, below(path), H5P_DEFAULT, create, H5P_DEFAULT);
    if (group < 0)
        fail(out, path);
    else
        H5Gclose(group);
    if (create >= 0) H5Pclose(create);
}

void fr_h5_put_enter(fr_h5_out *out, const char *path)
{
    fr_h5_put_group(out, path);
    if (out->failed) return;
    const hid_t group = H5Gopen2(out->file, path, H5P_DEFAULT);
    if (group < 0)
        fail(out, path);
    else
        out->at = group;
}

void fr_h5_put_leave(fr_h5_out *out)
{
    if (out->at != out->file) H5Gclose(out->at);
    out->at = out->file;
}

/* A data set of this type; chunked and compressed from PLAIN_BYTES on, `chunk` rows each. */
static hid_t create_set(fr_h5_out *out, const char *path, hid_t type, hid_t space, size_t rows,
                        size_t chunk)
{
    const hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    hid_t set = H5I_INVALID_HID;
    bool good = create >= 0 && H5Pset_obj_track_times(create, false) >= 0 &&
                H5Pset_attr_phase_change(create, MANY_LINKS, 0) >= 0;
    if (good && H5Tget_size(type) * rows > PLAIN_BYTES) {
        const hsize_t extent = chunk < rows ? chunk : rows;
        good = H5Pset_chunk(create, 1, &extent) >= 0 &&
               (H5Tget_class(type) == H5T_STRING || H5Pset_shuffle(create) >= 0) &&
               H5Pset_deflate(create, DEFLATE_LEVEL) >= 0 && H5Pset_fletcher32(create) >= 0;
    }
    if (good)
        set = H5Dcreate2(out->at, below(path), type, space, H5P_DEFAULT, create, H5P_DEFAULT);
    if (create >= 0) H5Pclose(create);
    if (set < 0) fail(out, path);
    return set;
}

/* Rows first .. first + n - 1 of an open set. */
static bool write_slab(hid_t set, hid_t memory, hid_t file_space, size_t first, size_t n,
                       const void *data)
{
    const hsize_t start = first, count = n;
    const hid_t slab = H5Screate_simple(1, &count, NULL);
    const bool good =
        slab >= 0 &&
        H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
        H5Dwrite(set, memory, slab, file_space, H5P_DEFAULT, data) >= 0;
    if (slab >= 0) H5Sclose(slab);
    return good;
}

static void gather(const fr_h5_column *column, size_t first, size_t n, void *out)
{
    const size_t size = fr_h5_type_size(column->type);
    const size_t stride = column->stride > 0 ? column->stride : size;
    if (column->next != NULL) {
        column->next(column->context, first, n, out);
        return;
    }
    for (size_t i = 0; i < n; i++)
        memcpy((char *)out + i * size, (const char *)column->data + (first + i) * stride, size);
}

void fr_h5_put_column(fr_h5_out *out, const fr_h5_column *column)
{
    if (out->failed) return;
    const hsize_t extent = column->n;
    const size_t slab = column->n < SLAB_ROWS ? column->n : SLAB_ROWS;
    const hid_t space = H5Screate_simple(1, &extent, NULL);
    void *buffer = fr_alloc(slab, fr_h5_type_size(column->type));
    hid_t set = H5I_INVALID_HID;
    bool good = space >= 0 && buffer != NULL;
    if (good)
        set =
            create_set(out, column->path, disk_type(column->type), space, column->n, SLAB_ROWS);
    good = good && set >= 0;
    for (size_t first = 0; good && first < column->n; first += slab) {
        const size_t n = column->n - first < slab ? column->n - first : slab;
        gather(column, first, n, buffer);
        good = write_slab(set, fr_h5_memory_type(column->type), space, first, n, buffer);
    }
    if (!good) fail(out, column->path);
    if (set >= 0) H5Dclose(set);
    if (space >= 0) H5Sclose(space);
    free(buffer);
    if (column->unit != NULL) fr_h5_put_text_attribute(out, column->path, "unit", column->unit);
    if (column->about != NULL)
        fr_h5_put_text_attribute(out, column->path, "about", column->about);
}

const char *fr_h5_text_of_array(void *texts, size_t i)
{
    return ((char *const *)texts)[i];
}

/* Bytes of `text` that are stored: whole UTF-8 characters only. */
static size_t stored_length(const fr_h5_texts *texts, const char *text)
{
    size_t n = text == NULL ? 0 : strlen(text);
    if (texts->limit == 0 || n <= texts->limit) return n;
    n = texts->limit;
    while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) n--;
    return n;
}

static bool write_texts(const fr_h5_texts *texts, hid_t set, hid_t type, hid_t space,
                        size_t slab)
{
    const size_t width = H5Tget_size(type);
    char *buffer = fr_alloc(slab, width);
    bool good = buffer != NULL;
    for (size_t first = 0; good && first < texts->n; first += slab) {
        const size_t n = texts->n - first < slab ? texts->n - first : slab;
        memset(buffer, 0, n * width);
        for (size_t i = 0; i < n; i++) {
            const char *text = texts->text(texts->context, first + i);
            const size_t length = stored_length(texts, text);
            if (length > 0) memcpy(buffer + i * width, text, length);
        }
        good = write_slab(set, type, space, first, n, buffer);
    }
    free(buffer);
    return good;
}

void fr_h5_put_texts(fr_h5_out *out, const fr_h5_texts *texts)
{
    if (out->failed) return;
    size_t width = 1;
    for (size_t i = 0; i < texts->n; i++) {
        const size_t length = stored_length(texts, texts->text(texts->context, i));
        if (length > width) width = length;
    }
    size_t slab = TEXT_SLAB_BYTES / width;
    slab = slab < 1 ? 1 : slab > SLAB_ROWS ? SLAB_ROWS : slab;
    const hsize_t extent = texts->n;
    const hid_t type = text_type(width), space = H5Screate_simple(1, &extent, NULL);
    hid_t set = H5I_INVALID_HID;
    if (type >= 0 && space >= 0)
        set = create_set(out, texts->path, type, space, texts->n, slab);
    if (set < 0 || !write_texts(texts, set, type, space, slab)) fail(out, texts->path);
    if (set >= 0) H5Dclose(set);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (texts->about != NULL) fr_h5_put_text_attribute(out, texts->path, "about", texts->about);
}

void fr_h5_put_matrix(fr_h5_out *out, const char *path, const float *data, size_t rows,
                      size_t cols)
{
    if (out->failed) return;
    const hsize_t extent[2] = {rows, cols};
    const hid_t space = H5Screate_simple(2, extent, NULL);
    const hid_t set =
        space < 0 ? H5I_INVALID_HID : create_set(out, path, H5T_IEEE_F32LE, space, 0, 0);
    if (set < 0 || H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        fail(out, path);
    if (set >= 0) H5Dclose(set);
    if (space >= 0) H5Sclose(space);
}

static void put_single(fr_h5_out *out, const char *path, hid_t disk, hid_t memory,
                       const void *value)
{
    if (out->failed) return;
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t set = space < 0 ? H5I_INVALID_HID : create_set(out, path, disk, space, 0, 0);
    if (set < 0 || H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) < 0)
        fail(out, path);
    if (set >= 0) H5Dclose(set);
    if (space >= 0) H5Sclose(space);
}

void fr_h5_put_scalar(fr_h5_out *out, const char *path, fr_h5_type type, const void *value)
{
    put_single(out, path, disk_type(type), fr_h5_memory_type(type), value);
}

/* The text type of exactly `text`; HDF5 wants at least one byte, which "" has: its end. */
void fr_h5_put_scalar_text(fr_h5_out *out, const char *path, const char *text)
{
    const hid_t type = text_type(strlen(text));
    if (type < 0) {
        fail(out, path);
        return;
    }
    put_single(out, path, type, type, text);
    H5Tclose(type);
}

static void put_attribute(fr_h5_out *out, const char *path, const char *name, hid_t disk,
                          hid_t memory, const void *value)
{
    if (out->failed) return;
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = space < 0
                                ? H5I_INVALID_HID
                                : H5Acreate_by_name(out->at, below(path), name, disk, space,
                                                    H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, memory, value) < 0) fail(out, path);
    if (attribute >= 0) H5Aclose(attribute);
    if (space >= 0) H5Sclose(space);
}

void fr_h5_put_attribute(fr_h5_out *out, const char *path, const char *name, fr_h5_type type,
                         const void *value)
{
    put_attribute(out, path, name, disk_type(type), fr_h5_memory_type(type), value);
}

/* An attribute lives in its object's header, which holds 64 KiB: long texts are cut. */
void fr_h5_put_text_attribute(fr_h5_out *out, const char *path, const char *name,
                              const char *text)
{
    enum { ATTRIBUTE_MAX = 8192 };
    const fr_h5_texts limit = {.limit = ATTRIBUTE_MAX};
    const hid_t type = text_type(stored_length(&limit, text));
    if (type < 0) {
        fail(out, path);
        return;
    }
    put_attribute(out, path, name, type, type, text);
    H5Tclose(type);
}
