/* SPDX-License-Identifier: BSD-3-Clause */
/* h5_get.c - reading from an HDF5 file that anybody may have made.
 *
 * Nothing is read before it is known that its links are plain (no other file is opened through
 * them), that its filters are the three we use (no plug-in is loaded), and that the file is
 * large enough to hold what the header claims: deflate packs at most 1032 : 1 (zlib's technical
 * notes), so a small file cannot make us allocate a large block. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "foldrank/memory.h"
#include "internal.h"

enum {
    PACKING_MAX = 1100,
    CHUNK_BYTES_MAX = 64 << 20,
    TEXT_BYTES_MAX = 64 << 20, /* of one text */
    NAME_MAX_BYTES = 512
};

fr_status fr_h5_in_open(const char *path, fr_h5_in *out)
{
    *out = (fr_h5_in){.file = H5I_INVALID_HID, .path = path};
    struct stat info;
    if (stat(path, &info) != 0)
        return FR_FAIL(FR_ERR_DATA, "%s: there is no such results file: %s", path,
                       strerror(errno));
    if (!S_ISREG(info.st_mode))
        return FR_FAIL(FR_ERR_DATA, "%s: this is no regular file", path);
    out->bytes = (uint64_t)info.st_size;
    out->quiet = fr_h5_quiet_begin();
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    /* The writer renames whole files, so no lock is needed; and some file systems have none. */
    if (access >= 0 && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
        H5Pset_file_locking(access, false, true) >= 0)
        out->file = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (access >= 0) H5Pclose(access);
    if (out->file >= 0) return FR_OK;
    fr_h5_quiet_end(out->quiet);
    return FR_FAIL(FR_ERR_DATA, "%s: this is no HDF5 file, or it is damaged or unreadable",
                   path);
}

void fr_h5_in_close(fr_h5_in *in)
{
    if (in->file < 0) return;
    H5Fclose(in->file);
    in->file = H5I_INVALID_HID;
    fr_h5_quiet_end(in->quiet);
}

/* A path below the group that is read: HDF5 takes one with a slash from the top. */
static const char *below(const char *path)
{
    return path[1] == '\0' ? "." : path + 1;
}

/* Every step of the path is a hard link. */
bool fr_h5_has(const fr_h5_in *in, const char *path)
{
    char step[NAME_MAX_BYTES];
    const size_t n = strlen(path);
    if (n >= sizeof step) return false;
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        H5L_info_t info;
        memcpy(step, path, i);
        step[i] = '\0';
        if (H5Lexists(in->file, below(step), H5P_DEFAULT) <= 0 ||
            H5Lget_info(in->file, below(step), &info, H5P_DEFAULT) < 0 ||
            info.type != H5L_TYPE_HARD)
            return false;
    }
    return true;
}

static fr_status refuse(const fr_h5_in *in, const char *path, const char *why)
{
    return FR_FAIL(FR_ERR_FORMAT, "%s: %s %s; the file is damaged, or not one of foldrank's",
                   in->path, path, why);
}

fr_status fr_h5_in_enter(const fr_h5_in *in, const char *path, const char *name, fr_h5_in *out)
{
    *out = *in;
    out->path = name;
    out->file =
        fr_h5_has(in, path) ? H5Gopen2(in->file, below(path), H5P_DEFAULT) : H5I_INVALID_HID;
    return out->file >= 0 ? FR_OK : refuse(in, path, "is missing");
}

void fr_h5_in_leave(fr_h5_in *group)
{
    H5Gclose(group->file);
    group->file = H5I_INVALID_HID;
}

/* Layout and filters of a set are ours, and the file can hold `bytes` in it. */
static bool storage_is_sound(const fr_h5_in *in, hid_t set, uint64_t bytes)
{
    const hid_t plist = H5Dget_create_plist(set);
    if (plist < 0) return false;
    const uint64_t stored = H5Dget_storage_size(set);
    const H5D_layout_t layout = H5Pget_layout(plist);
    bool sound = stored <= in->bytes && H5Pget_external_count(plist) == 0;
    if (layout == H5D_CHUNKED) {
        hsize_t chunk = 0;
        sound = sound && H5Pget_chunk(plist, 1, &chunk) == 1 && chunk > 0 &&
                chunk <= CHUNK_BYTES_MAX && bytes / PACKING_MAX <= stored;
        const int n_filters = H5Pget_nfilters(plist);
        sound = sound && n_filters >= 0 && n_filters <= 4;
        for (int i = 0; sound && i < n_filters; i++) {
            size_t n_values = 0;
            unsigned flags = 0;
            const H5Z_filter_t filter =
                H5Pget_filter2(plist, (unsigned)i, &flags, &n_values, NULL, 0, NULL, NULL);
            sound = filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE ||
                    filter == H5Z_FILTER_FLETCHER32;
        }
    } else {
        sound = sound && (layout == H5D_CONTIGUOUS || layout == H5D_COMPACT) &&
                (bytes == 0 || stored == bytes);
    }
    H5Pclose(plist);
    return sound;
}

/* An open set with its shape; `rows` is 1 for a scalar. */
typedef struct {
    hid_t set, type;
    size_t rows, cols, size; /* size: bytes of an element */
} source;

static void close_source(source *s)
{
    if (s->type >= 0) H5Tclose(s->type);
    if (s->set >= 0) H5Dclose(s->set);
}

static bool find_shape(source *s)
{
    const hid_t space = H5Dget_space(s->set);
    if (space < 0) return false;
    hsize_t extent[2] = {1, 1};
    const int dimensions = H5Sget_simple_extent_ndims(space);
    const bool good = H5Sis_simple(space) > 0 && dimensions >= 0 && dimensions <= 2 &&
                      H5Sget_simple_extent_type(space) != H5S_NULL &&
                      H5Sget_simple_extent_dims(space, extent, NULL) == dimensions &&
                      extent[0] <= UINT32_MAX && extent[1] <= UINT32_MAX;
    H5Sclose(space);
    s->rows = (size_t)extent[0];
    s->cols = (size_t)extent[1];
    return good;
}

static bool is_plain(const source *s)
{
    const H5T_class_t class = H5Tget_class(s->type);
    if (class == H5T_STRING) return H5Tis_variable_str(s->type) == 0;
    return (class == H5T_INTEGER || class == H5T_FLOAT) && s->size <= sizeof(double);
}

static fr_status open_source(const fr_h5_in *in, const char *path, source *out)
{
    *out = (source){.set = H5I_INVALID_HID, .type = H5I_INVALID_HID};
    H5O_info_t info;
    if (!fr_h5_has(in, path)) return refuse(in, path, "is missing");
    if (H5Oget_info_by_name2(in->file, below(path), &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0 ||
        info.type != H5O_TYPE_DATASET)
        return refuse(in, path, "is no data set");
    fr_status st = FR_OK;
    if ((out->set = H5Dopen2(in->file, below(path), H5P_DEFAULT)) < 0 ||
        (out->type = H5Dget_type(out->set)) < 0)
        st = refuse(in, path, "cannot be opened");
    else if (!find_shape(out))
        st = refuse(in, path, "has a shape that cannot be right");
    else if ((out->size = H5Tget_size(out->type)) == 0 || !is_plain(out))
        st = refuse(in, path, "has a type that cannot be right");
    else if (out->size > TEXT_BYTES_MAX ||
             !storage_is_sound(in, out->set, (uint64_t)out->rows * out->cols * out->size))
        st = refuse(in, path, "claims more than the file holds, or is stored in a strange way");
    if (st == FR_OK) return FR_OK;
    close_source(out);
    return st;
}

/* No conversion that loses the meaning: integers from integers of the same sign, and numbers
 * that are not integers from such. */
static bool type_fits(hid_t stored, fr_h5_type type)
{
    const bool wants_float = type == FR_H5_F32 || type == FR_H5_F64;
    if (wants_float) return H5Tget_class(stored) == H5T_FLOAT;
    return H5Tget_class(stored) == H5T_INTEGER &&
           H5Tget_size(stored) <= fr_h5_type_size(type) &&
           (H5Tget_sign(stored) == H5T_SGN_NONE) == (type != FR_H5_I32);
}

static fr_status read_numbers(const fr_h5_in *in, const char *path, const source *s,
                              fr_h5_type type, void *out)
{
    if (!type_fits(s->type, type)) return refuse(in, path, "has a type that cannot be right");
    if (s->rows * s->cols == 0) return FR_OK;
    if (H5Dread(s->set, fr_h5_memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, out) < 0)
        return refuse(in, path, "cannot be read");
    return FR_OK;
}

fr_status fr_h5_get_count(const fr_h5_in *in, const char *path, size_t *n)
{
    source s;
    FR_TRY(open_source(in, path, &s));
    *n = s.rows;
    const bool column = s.cols == 1;
    close_source(&s);
    return column ? FR_OK : refuse(in, path, "has a shape that cannot be right");
}

fr_status fr_h5_get_matrix(const fr_h5_in *in, const char *path, size_t rows, size_t cols,
                           float *out)
{
    source s;
    FR_TRY(open_source(in, path, &s));
    fr_status st = s.rows == rows && s.cols == cols
                       ? read_numbers(in, path, &s, FR_H5_F32, out)
                       : FR_FAIL(FR_ERR_FORMAT, "%s: %s has shape (%zu, %zu), not (%zu, %zu)",
                                 in->path, path, s.rows, s.cols, rows, cols);
    close_source(&s);
    return st;
}

fr_status fr_h5_get_column(const fr_h5_in *in, const char *path, fr_h5_type type, size_t n,
                           void *out)
{
    source s;
    FR_TRY(open_source(in, path, &s));
    fr_status st = s.rows == n && s.cols == 1
                       ? read_numbers(in, path, &s, type, out)
                       : FR_FAIL(FR_ERR_FORMAT, "%s: %s has %zu rows; its table has %zu",
                                 in->path, path, s.rows * s.cols, n);
    close_source(&s);
    return st;
}

fr_status fr_h5_get_all(const fr_h5_in *in, const char *path, fr_h5_type type, void *out,
                        size_t *n)
{
    FR_TRY(fr_h5_get_count(in, path, n));
    void *block = fr_alloc(*n, fr_h5_type_size(type));
    if (block == NULL) return FR_ERR_MEMORY;
    const fr_status st = fr_h5_get_column(in, path, type, *n, block);
    if (st == FR_OK)
        memcpy(out, &block,
               sizeof block); /* a uint64_t * is not a void * to be written through */
    else
        free(block);
    return st;
}

/* Read with one byte more than stored, so that every text ends. */
static fr_status read_texts(const fr_h5_in *in, const char *path, const source *s,
                            fr_h5_block *out)
{
    const size_t n = s->rows * s->cols;
    if (H5Tget_class(s->type) != H5T_STRING)
        return refuse(in, path, "has a type that cannot be right");
    *out = (fr_h5_block){.width = s->size + 1, .n = n, .data = fr_alloc(n, s->size + 1)};
    if (out->data == NULL) return FR_ERR_MEMORY;
    const hid_t type = H5Tcopy(s->type);
    const bool good =
        n == 0 || (type >= 0 && H5Tset_size(type, out->width) >= 0 &&
                   H5Tset_strpad(type, H5T_STR_NULLTERM) >= 0 &&
                   H5Dread(s->set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out->data) >= 0);
    if (type >= 0) H5Tclose(type);
    if (good) return FR_OK;
    free(out->data);
    *out = (fr_h5_block){0};
    return refuse(in, path, "cannot be read");
}

fr_status fr_h5_get_texts(const fr_h5_in *in, const char *path, fr_h5_block *out)
{
    *out = (fr_h5_block){0};
    source s;
    FR_TRY(open_source(in, path, &s));
    fr_status st = s.cols == 1 ? read_texts(in, path, &s, out)
                               : refuse(in, path, "has a shape that cannot be right");
    close_source(&s);
    return st;
}

const char *fr_h5_text(const fr_h5_block *block, size_t i)
{
    return block->data + i * block->width;
}

fr_status fr_h5_get_scalar_text(const fr_h5_in *in, const char *path, char **out)
{
    fr_h5_block block;
    *out = NULL;
    FR_TRY(fr_h5_get_texts(in, path, &block));
    if (block.n != 1) {
        free(block.data);
        return refuse(in, path, "has a shape that cannot be right");
    }
    *out = fr_strdup(block.data);
    free(block.data);
    return *out == NULL ? FR_ERR_MEMORY : FR_OK;
}

bool fr_h5_has_attribute(const fr_h5_in *in, const char *path, const char *name)
{
    return H5Aexists_by_name(in->file, below(path), name, H5P_DEFAULT) > 0;
}

/* An open scalar attribute of a sound type. */
static fr_status open_attribute(const fr_h5_in *in, const char *path, const char *name,
                                source *out)
{
    *out = (source){.set = H5I_INVALID_HID, .type = H5I_INVALID_HID, .rows = 1, .cols = 1};
    if (strcmp(path, "/") != 0 && !fr_h5_has(in, path)) return refuse(in, path, "is missing");
    if (!fr_h5_has_attribute(in, path, name))
        return FR_FAIL(FR_ERR_FORMAT, "%s: attribute %s of %s is missing", in->path, name,
                       path);
    out->set = H5Aopen_by_name(in->file, below(path), name, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = out->set < 0 ? H5I_INVALID_HID : H5Aget_space(out->set);
    out->type = out->set < 0 ? H5I_INVALID_HID : H5Aget_type(out->set);
    const bool single = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    if (space >= 0) H5Sclose(space);
    if (single && out->type >= 0) {
        out->size = H5Tget_size(out->type);
        if (out->size > 0 && out->size <= CHUNK_BYTES_MAX && is_plain(out)) return FR_OK;
    }
    if (out->type >= 0) H5Tclose(out->type);
    if (out->set >= 0) H5Aclose(out->set);
    return FR_FAIL(FR_ERR_FORMAT, "%s: attribute %s of %s has a type that cannot be right",
                   in->path, name, path);
}

fr_status fr_h5_get_attribute(const fr_h5_in *in, const char *path, const char *name,
                              fr_h5_type type, void *out)
{
    source s;
    FR_TRY(open_attribute(in, path, name, &s));
    const bool good =
        type_fits(s.type, type) && H5Aread(s.set, fr_h5_memory_type(type), out) >= 0;
    H5Tclose(s.type);
    H5Aclose(s.set);
    if (good) return FR_OK;
    return FR_FAIL(FR_ERR_FORMAT, "%s: attribute %s of %s cannot be read", in->path, name,
                   path);
}

fr_status fr_h5_get_text_attribute(const fr_h5_in *in, const char *path, const char *name,
                                   char **out)
{
    source s;
    *out = NULL;
    FR_TRY(open_attribute(in, path, name, &s));
    fr_status st = FR_OK;
    char *text = fr_alloc(s.size + 1, 1);
    if (text == NULL)
        st = FR_ERR_MEMORY;
    else if (H5Tget_class(s.type) != H5T_STRING || H5Aread(s.set, s.type, text) < 0)
        st = FR_FAIL(FR_ERR_FORMAT, "%s: attribute %s of %s cannot be read", in->path, name,
                     path);
    H5Tclose(s.type);
    H5Aclose(s.set);
    if (st == FR_OK)
        *out = text;
    else
        free(text);
    return st;
}
