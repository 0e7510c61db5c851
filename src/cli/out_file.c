/* SPDX-License-Identifier: BSD-3-Clause */
/* out_file.c - files of results, whole or not at all. */
#include "out_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "foldrank/text.h"

fr_status fr_out_open(const char *path, FILE *standard_output, fr_out_file *out)
{
    struct stat info;
    *out = (fr_out_file){.path = path};
    if (strcmp(path, "-") == 0) {
        out->stream = standard_output;
        return FR_OK;
    }
    const bool special = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
    if (!special) {
        fr_text part = {0};
        fr_text_add(&part, "%s.tmp", path);
        if (part.failed) return FR_ERR_MEMORY;
        out->part = part.data;
    }
    out->stream = fopen(special ? path : out->part, "we");
    if (out->stream != NULL) return FR_OK;
    const int why = errno;
    free(out->part);
    out->part = NULL;
    return FR_FAIL(FR_ERR_IO, "cannot write %s: %s", path, strerror(why));
}

fr_status fr_out_close(fr_out_file *out, fr_status so_far)
{
    fr_status st = so_far;
    const bool is_file = out->part != NULL, standard = strcmp(out->path, "-") == 0;
    bool bad = fflush(out->stream) != 0 || ferror(out->stream) ||
               (is_file && fsync(fileno(out->stream)) != 0);
    int why = errno;
    if (!standard && fclose(out->stream) != 0 && !bad) {
        bad = true;
        why = errno;
    }
    if (st == FR_OK && !bad && is_file && rename(out->part, out->path) != 0) {
        bad = true;
        why = errno;
    }
    if (st == FR_OK && bad)
        st = FR_FAIL(FR_ERR_IO, "cannot write %s: %s",
                     standard ? "to standard output" : out->path, strerror(why));
    if (is_file && st != FR_OK) unlink(out->part);
    free(out->part);
    *out = (fr_out_file){0};
    return st;
}
