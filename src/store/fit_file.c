/* SPDX-License-Identifier: BSD-3-Clause */
/* fit_file.c - states of fits that are under way, one file each, so that a stop costs at most
 * the epoch that is running. Format in data/FORMAT.md.
 *
 * Every rank writes for itself: a thousand models through one process would take minutes that a
 * job does not have before its end. Nothing depends on the files, only how long it takes; one
 * that cannot be read is as good as none. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "foldrank/checksum.h"
#include "foldrank/directory.h"
#include "foldrank/memory.h"
#include "foldrank/pack.h"
#include "internal.h"

enum { VERSION = 1, MOST_PARTS = 16, CRC_BYTES = 4, NAME_SIZE = 48 };

static const unsigned char magic[8] = {0x89, 'F', 'R', 'F', '\r', '\n', 0x1A, '\n'};

static void name_of(const fr_fit_id *id, char name[NAME_SIZE])
{
    const int at = id->search > 0 ? snprintf(name, NAME_SIZE, "%" PRIu32 "-", id->search) : 0;
    snprintf(name + at, NAME_SIZE - (size_t)at, "%" PRIu64 "-%" PRIu32, id->trial, id->fold);
}

static fr_status open_failed(const char *path)
{
    return FR_FAIL(FR_ERR_IO, "cannot read %s: %s", path, strerror(errno));
}

static void pack_head(const fr_fit_id *id, uint64_t size, fr_pack *out)
{
    fr_pack_bytes(out, magic, sizeof magic);
    fr_pack_u32(out, VERSION);
    fr_pack_u64(out, id->key);
    fr_pack_u64(out, id->trial);
    fr_pack_u32(out, id->fold);
    fr_pack_u64(out, size);
}

fr_status fr_fit_file_write(const char *dir, const fr_fit_id *id, const fr_fit_part *parts,
                            size_t n)
{
    fr_fit_part all[MOST_PARTS + 2];
    char name[NAME_SIZE];
    fr_pack head = {0}, tail = {0};
    uint64_t size = 0;
    uint32_t crc = 0;
    if (n > MOST_PARTS) return FR_FAIL(FR_ERR_ARG, "a state of %zu parts is too many", n);
    for (size_t i = 0; i < n; i++) size += parts[i].size;
    pack_head(id, size, &head);
    all[0] = (fr_fit_part){head.data, head.size};
    memcpy(all + 1, parts, n * sizeof *parts);
    for (size_t i = 0; i < n + 1 && !head.failed; i++)
        crc = fr_crc32c(crc, all[i].data, all[i].size);
    fr_pack_u32(&tail, crc);
    all[n + 1] = (fr_fit_part){tail.data, tail.size};

    char *fits = fr_store_path(dir, "fits");
    fr_status st = head.failed || tail.failed || fits == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) st = fr_make_dir(fits);
    name_of(id, name);
    if (st == FR_OK) st = fr_store_replace_parts(fits, name, all, n + 2);
    free(fits);
    fr_pack_clear(&head);
    fr_pack_clear(&tail);
    return st;
}

/* The state inside a file's bytes, moved to their beginning. */
static fr_status take_state(unsigned char *bytes, size_t *size, const fr_fit_id *id,
                            const char *path)
{
    fr_unpack in = fr_unpack_make(bytes, *size);
    const void *start = fr_unpack_bytes(&in, sizeof magic);
    const uint32_t version = fr_unpack_u32(&in);
    if (start == NULL || in.failed || memcmp(start, magic, sizeof magic) != 0)
        return FR_FAIL(FR_ERR_FORMAT, "%s is not the state of a fit", path);
    if (version != VERSION)
        return FR_FAIL(FR_ERR_FORMAT, "%s has version %u, this program knows %d", path, version,
                       VERSION);
    const uint64_t key = fr_unpack_u64(&in), trial = fr_unpack_u64(&in);
    const bool own = fr_unpack_u32(&in) == id->fold && key == id->key && trial == id->trial;
    const uint64_t length = fr_unpack_u64(&in);
    const size_t left = fr_unpack_left(&in);
    if (in.failed || left < CRC_BYTES || length != left - CRC_BYTES)
        return FR_FAIL(FR_ERR_FORMAT, "%s is torn", path);
    const void *state = fr_unpack_bytes(&in, length);
    if (fr_unpack_u32(&in) != fr_crc32c(0, bytes, *size - CRC_BYTES))
        return FR_FAIL(FR_ERR_FORMAT, "%s is damaged", path);
    if (!own) return FR_FAIL(FR_ERR_FORMAT, "%s is of another study or other data", path);
    memmove(bytes, state, length);
    *size = length;
    return FR_OK;
}

fr_status fr_fit_file_read(const char *dir, const fr_fit_id *id, void **bytes, size_t *size)
{
    char name[NAME_SIZE];
    unsigned char *whole = NULL;
    fr_text path = {0};
    *bytes = NULL;
    *size = 0;
    name_of(id, name);
    fr_text_add(&path, "%s/fits/%s", dir, name);
    if (path.failed) return FR_ERR_MEMORY;
    const int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    fr_status st = fd >= 0 || errno == ENOENT ? FR_OK : open_failed(path.data);
    if (fd >= 0) {
        st = fr_store_read_from(fd, path.data, 0, &whole, size);
        close(fd);
        if (st == FR_OK) st = take_state(whole, size, id, path.data);
    }
    fr_text_clear(&path);
    if (st == FR_OK)
        *bytes = whole;
    else
        free(whole);
    return st;
}

void fr_fit_file_remove(const char *dir, const fr_fit_id *id)
{
    char name[NAME_SIZE];
    fr_text path = {0};
    name_of(id, name);
    fr_text_add(&path, "%s/fits/%s", dir, name);
    if (!path.failed) unlink(path.data);
    fr_text_clear(&path);
}

/* Which fit a file name means, and whether it is a write that was not finished. */
static bool parse_name(const char *name, fr_fit_id *id, bool *partial)
{
    char exact[NAME_SIZE];
    const int n =
        sscanf(name, "%" SCNu32 "-%" SCNu64 "-%" SCNu32, &id->search, &id->trial, &id->fold);
    if (n < 2) return false;
    if (n == 2) {
        *id = (fr_fit_id){0};
        if (sscanf(name, "%" SCNu64 "-%" SCNu32, &id->trial, &id->fold) != 2) return false;
    }
    name_of(id, exact);
    const size_t length = strlen(exact);
    if (strncmp(name, exact, length) != 0) return false;
    *partial = strcmp(name + length, ".tmp") == 0;
    return *partial || name[length] == '\0';
}

/* The last number is that of the refit, which is in no history. */
static bool is_filed(const fr_history *const *histories, size_t n, const fr_fit_id *id)
{
    if (id->search >= n) return false;
    const fr_history *history = histories[id->search];
    return id->trial < history->n && id->fold < history->n_folds &&
           history->trials[id->trial].folds[id->fold] != NULL;
}

size_t fr_fit_files_sweep(const char *dir, const fr_history *const *histories, size_t n,
                          bool all)
{
    size_t left = 0;
    char *path = fr_store_path(dir, "fits");
    DIR *fits = path == NULL ? NULL : opendir(path);
    if (fits == NULL) {
        free(path);
        return 0;
    }
    for (const struct dirent *entry; (entry = readdir(fits)) != NULL;) {
        fr_fit_id id = {0};
        bool partial = false;
        if (!parse_name(entry->d_name, &id, &partial)) continue;
        if (all || partial || is_filed(histories, n, &id))
            unlinkat(dirfd(fits), entry->d_name, 0);
        else
            left++;
    }
    closedir(fits);
    if (left == 0) rmdir(path); /* unless a stranger's file is in it */
    free(path);
    return left;
}
