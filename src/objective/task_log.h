/* SPDX-License-Identifier: BSD-3-Clause */
/* task_log.h - what a program printed, in a file that cannot grow without end: the first
 * FR_TASK_LOG_HEAD bytes, then the last FR_TASK_LOG_TAIL, and between them a line on what is
 * left out. When the file cannot be written, the task goes on without. */
#ifndef FR_TASK_LOG_H
#define FR_TASK_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/status.h"

enum { FR_TASK_LOG_HEAD = 1 << 20, FR_TASK_LOG_TAIL = 64 << 10 };

typedef struct {
    int fd;        /* -1: none */
    size_t head;   /* bytes of it so far */
    char *tail;    /* (FR_TASK_LOG_TAIL) ring; NULL until the head is full */
    uint64_t rest; /* bytes after the head */
} fr_task_log;

/* Begin a file anew. Errors: FR_ERR_IO. Local. */
FR_CHECKED fr_status fr_task_log_open(const char *path, fr_task_log *log);
void fr_task_log_add(fr_task_log *log, const char *bytes, size_t n);

/* Write the tail, then `note` if it is not NULL, and close. */
void fr_task_log_close(fr_task_log *log, const char *note);

#endif
