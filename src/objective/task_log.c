/* SPDX-License-Identifier: BSD-3-Clause */
/* task_log.c - a bounded file of output. */
#include "task_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "foldrank/memory.h"

fr_status fr_task_log_open(const char *path, fr_task_log *log)
{
    *log = (fr_task_log){.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    if (log->fd < 0) return FR_FAIL(FR_ERR_IO, "cannot write %s: %s", path, strerror(errno));
    return FR_OK;
}

static void put(fr_task_log *log, const char *bytes, size_t n)
{
    while (n > 0 && log->fd >= 0) {
        const ssize_t written = write(log->fd, bytes, n);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            close(log->fd);
            log->fd = -1;
            return;
        }
        bytes += written;
        n -= (size_t)written;
    }
}

/* Of many bytes only the last FR_TASK_LOG_TAIL can stay. */
static void put_tail(fr_task_log *log, const char *bytes, size_t n)
{
    if (log->tail == NULL) log->tail = fr_alloc(FR_TASK_LOG_TAIL, 1);
    const size_t skipped = n > FR_TASK_LOG_TAIL ? n - FR_TASK_LOG_TAIL : 0;
    log->rest += skipped;
    bytes += skipped;
    n -= skipped;
    const size_t at = log->rest % FR_TASK_LOG_TAIL, room = FR_TASK_LOG_TAIL - at;
    log->rest += n;
    if (log->tail == NULL) return;
    memcpy(log->tail + at, bytes, n < room ? n : room);
    if (n > room) memcpy(log->tail, bytes + room, n - room);
}

void fr_task_log_add(fr_task_log *log, const char *bytes, size_t n)
{
    if (log->fd < 0) return;
    const size_t room = FR_TASK_LOG_HEAD - log->head, head = n < room ? n : room;
    put(log, bytes, head);
    log->head += head;
    if (n > head) put_tail(log, bytes + head, n - head);
}

void fr_task_log_close(fr_task_log *log, const char *note)
{
    char line[96];
    if (log->rest > FR_TASK_LOG_TAIL) {
        const size_t at = log->rest % FR_TASK_LOG_TAIL;
        snprintf(line, sizeof line, "\n[foldrank: %llu bytes left out]\n",
                 (unsigned long long)(log->rest - FR_TASK_LOG_TAIL));
        put(log, line, strlen(line));
        if (log->tail != NULL) put(log, log->tail + at, FR_TASK_LOG_TAIL - at);
        if (log->tail != NULL) put(log, log->tail, at);
    } else if (log->tail != NULL) {
        put(log, log->tail, (size_t)log->rest);
    }
    if (note != NULL) put(log, note, strlen(note));
    if (log->fd >= 0) close(log->fd);
    free(log->tail);
    *log = (fr_task_log){.fd = -1};
}
