/* SPDX-License-Identifier: BSD-3-Clause */
/* directory.h - directories of results. Local. */
#ifndef FR_DIRECTORY_H
#define FR_DIRECTORY_H

#include "foldrank/status.h"

/* Make a directory and those above it; those that are there are fine. Errors: FR_ERR_IO. */
FR_CHECKED fr_status fr_make_dir(const char *dir);

#endif
