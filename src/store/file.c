/* SPDX-License-Identifier: BSD-3-Clause */
/* file.c - files that appear whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

char *fr_store_path(const char *dir, const char *name)
{
    const size_t n = strlen(dir) + strlen(name) + 2;
    char *path = fr_alloc(n, 1);
    if (path != NULL) snprintf(path, n, "%s/%s", dir, name);
    return path;
}

bool fr_store_write_at(int fd, const void *bytes, size_t n, off_t at)
{
    const char *from = bytes;
    while (n > 0) {
        const ssize_t written = pwrite(fd, from, n, at);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            if (written == 0) errno = ENOSPC;
            return false;
        }
        from += written;
        at += written;
        n -= (size_t)written;
    }
    return true;
}

fr_status fr_store_read_from(int fd, const char *path, off_t at, unsigned char **bytes,
                             size_t *size)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return FR_FAIL(FR_ERR_IO, "cannot look at %s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode)) return FR_FAIL(FR_ERR_FORMAT, "%s is not a regular file", path);
    const size_t wanted = info.st_size > at ? (size_t)(info.st_size - at) : 0;
    unsigned char *block = fr_alloc(wanted, 1);
    if (block == NULL) return FR_ERR_MEMORY;
    size_t have = 0;
    while (have < wanted) {
        const ssize_t n = pread(fd, block + have, wanted - have, at + (off_t)have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            free(block);
            return FR_FAIL(FR_ERR_IO, "cannot read %s: %s", path, strerror(errno));
        }
        if (n == 0) break;
        have += (size_t)n;
    }
    *bytes = block;
    *size = have;
    return FR_OK;
}

/* The rename itself is safe only once the directory is on disk. Some network file systems
 * cannot sync a directory and say EINVAL; they order renames on their own. */
static bool sync_directory(const char *dir)
{
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool ok = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP;
    const int why = errno;
    close(fd);
    errno = why;
    return ok;
}

static bool write_new(const char *path, const fr_fit_part *parts, size_t n)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return false;
    bool ok = true;
    off_t at = 0;
    for (size_t i = 0; ok && i < n; at += (off_t)parts[i++].size)
        ok = fr_store_write_at(fd, parts[i].data, parts[i].size, at);
    ok = ok && fsync(fd) == 0;
    const int why = errno;
    if (close(fd) != 0 && ok) return false; /* NFS reports a full disk here */
    errno = why;
    return ok;
}

/* One fixed temporary name: the lock, or a task that is one rank's alone, makes us the only
 * writer, and what a killed run left is
 * overwritten instead of piling up. */
fr_status fr_store_replace_parts(const char *dir, const char *name, const fr_fit_part *parts,
                                 size_t n)
{
    fr_status st = FR_OK;
    fr_text part = {0};
    char *path = fr_store_path(dir, name);
    fr_text_add(&part, "%s/%s.tmp", dir, name);
    if (path == NULL || part.failed) {
        st = FR_ERR_MEMORY;
        goto out;
    }
    if (!write_new(part.data, parts, n) || rename(part.data, path) != 0) {
        st = FR_FAIL(FR_ERR_IO, "cannot write %s: %s", path, strerror(errno));
        unlink(part.data);
        goto out;
    }
    if (!sync_directory(dir))
        st = FR_FAIL(FR_ERR_IO, "cannot sync the directory %s: %s", dir, strerror(errno));
out:
    fr_text_clear(&part);
    free(path);
    return st;
}

fr_status fr_store_replace(const char *dir, const char *name, const void *bytes, size_t n)
{
    return fr_store_replace_parts(dir, name, &(fr_fit_part){bytes, n}, 1);
}

fr_status fr_store_write_text(const char *dir, const char *name, const char *text)
{
    return fr_store_replace(dir, name, text, strlen(text));
}
