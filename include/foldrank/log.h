/* SPDX-License-Identifier: BSD-3-Clause */
/* log.h - the log on stderr: `level module event key=value ...`, units in the keys (wall_s=).
 *
 * stdout belongs to results. By default only the root rank logs; fr_log_all is for what a
 * single rank has to say, and names the rank. Safe to call from several threads. Local. */
#ifndef FR_LOG_H
#define FR_LOG_H

#include <stdbool.h>

typedef enum {
    FR_LOG_ERROR, /* the run or the command fails */
    FR_LOG_WARN,  /* goes on, but the user should know */
    FR_LOG_INFO,  /* a few lines per phase */
    FR_LOG_DEBUG, /* per trial and message */
} fr_log_level;

/* Set once at start: this process's rank and the most talkative level that is printed. */
void fr_log_setup(int rank, fr_log_level level);

bool fr_log_enabled(fr_log_level level);

/* One line, on the root rank only. */
void fr_log(fr_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line from whichever rank calls, with its number in front. */
void fr_log_all(fr_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The live progress line: rewritten in place, taken away before any log line and drawn again
 * after it. "" ends it. Only on the root rank and only when stderr is a terminal. */
void fr_log_live(const char *line);

/* True when this is the root rank, stderr is a terminal, and progress is to be shown. */
bool fr_log_is_live(void);

#endif
