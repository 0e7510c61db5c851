/* SPDX-License-Identifier: BSD-3-Clause */
/* log.c - the only mutable file-scope state of the program: where and how much to log. */
#include "foldrank/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 4096 };

static struct {
    pthread_mutex_t mutex;
    int rank;
    fr_log_level level;
    char live[512];
} sink = {.mutex = PTHREAD_MUTEX_INITIALIZER, .level = FR_LOG_INFO};

static const char *const level_words[] = {"error", "warn", "info", "debug"};

void fr_log_setup(int rank, fr_log_level level)
{
    sink.rank = rank;
    sink.level = level;
}

bool fr_log_enabled(fr_log_level level)
{
    return level <= sink.level;
}

/* Whole lines in one write, so that ranks sharing a terminal do not mix inside a line. */
static void put_line(fr_log_level level, int shown_rank, const char *format, va_list args)
{
    char text[LINE_SIZE];
    int used = shown_rank >= 0
                   ? snprintf(text, sizeof text, "%s rank=%d ", level_words[level], shown_rank)
                   : snprintf(text, sizeof text, "%s ", level_words[level]);
    vsnprintf(text + used, sizeof text - (size_t)used, format, args);
    pthread_mutex_lock(&sink.mutex);
    if (sink.live[0] != '\0')
        fprintf(stderr, "\r\033[K%s\n%s", text, sink.live);
    else
        fprintf(stderr, "%s\n", text);
    fflush(stderr);
    pthread_mutex_unlock(&sink.mutex);
}

void fr_log(fr_log_level level, const char *format, ...)
{
    if (sink.rank != 0 || !fr_log_enabled(level)) return;
    va_list args;
    va_start(args, format);
    put_line(level, -1, format, args);
    va_end(args);
}

void fr_log_all(fr_log_level level, const char *format, ...)
{
    if (!fr_log_enabled(level)) return;
    va_list args;
    va_start(args, format);
    put_line(level, sink.rank, format, args);
    va_end(args);
}

bool fr_log_is_live(void)
{
    return sink.rank == 0 && fr_log_enabled(FR_LOG_INFO) && isatty(STDERR_FILENO);
}

void fr_log_live(const char *line)
{
    if (!fr_log_is_live()) return;
    pthread_mutex_lock(&sink.mutex);
    const bool shown = sink.live[0] != '\0';
    snprintf(sink.live, sizeof sink.live, "%s", line);
    if (line[0] != '\0')
        fprintf(stderr, "\r\033[K%s", sink.live);
    else if (shown)
        fputs("\r\033[K", stderr);
    fflush(stderr);
    pthread_mutex_unlock(&sink.mutex);
}
