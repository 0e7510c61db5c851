/* SPDX-License-Identifier: BSD-3-Clause */
/* directory.c - mkdir -p. */
#include "foldrank/directory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "foldrank/memory.h"

static fr_status make_one(const char *path, const char *whole)
{
    struct stat info;
    if (mkdir(path, 0777) == 0) return FR_OK;
    const int why = errno;
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode)) return FR_OK;
        return FR_FAIL(FR_ERR_IO, "cannot make the output directory %s: %s is a file", whole,
                       path);
    }
    return FR_FAIL(FR_ERR_IO, "cannot make the output directory %s: %s: %s", whole, path,
                   strerror(why));
}

fr_status fr_make_dir(const char *dir)
{
    char *path = fr_strdup(dir);
    if (path == NULL) return FR_ERR_MEMORY;
    fr_status st = FR_OK;
    for (char *at = path + 1; st == FR_OK && *path != '\0' && *at != '\0'; at++) {
        if (*at != '/') continue;
        *at = '\0';
        st = make_one(path, dir);
        *at = '/';
    }
    if (st == FR_OK) st = make_one(path, dir);
    free(path);
    return st;
}
