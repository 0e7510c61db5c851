/* SPDX-License-Identifier: BSD-3-Clause */
/* out_file.h - a file of results that a user named: it appears under its name when it is whole,
 * and the old one stays when it cannot be written. "-" is standard output. What is no regular
 * file (a pipe, /dev/null) is written as it is. All Local. */
#ifndef FR_OUT_FILE_H
#define FR_OUT_FILE_H

#include <stdio.h>

#include "foldrank/status.h"

typedef struct {
    FILE *stream;     /* write here */
    const char *path; /* borrowed */
    char *part;       /* name until it is whole; NULL: none */
} fr_out_file;

/* Errors: FR_ERR_IO. */
FR_CHECKED fr_status fr_out_open(const char *path, FILE *standard_output, fr_out_file *out);

/* Flush, sync, rename. `so_far` is the status of the writing: when it is none, or anything
 * fails here, the unfinished file is removed. Closes in any case. */
FR_CHECKED fr_status fr_out_close(fr_out_file *out, fr_status so_far);

#endif
