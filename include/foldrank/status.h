/* SPDX-License-Identifier: BSD-3-Clause */
/* status.h - what a fallible function returns, and the words that go with it.
 *
 * Every function that can fail returns an fr_status. FR_FAIL records code, place and a sentence
 * for people in a thread-local slot; the caller passes the status up, and the command line
 * prints fr_status_message() once. FR_TRY is for places that hold nothing; whoever holds
 * something uses one exit label and releases there.
 *
 * A failed trial is not a failed program: see fr_trial_state in history.h. */
#ifndef FR_STATUS_H
#define FR_STATUS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* name, exit code of the program, word for logs */
#define FR_STATUS_LIST(X)                                                                      \
    X(FR_OK, 0, "ok")                                                                          \
    X(FR_ERR_USAGE, 2, "usage")  /* command line or study file */                              \
    X(FR_ERR_DATA, 2, "data")    /* a data file, or what stands in it */                       \
    X(FR_ERR_ARG, 1, "argument") /* a library caller's mistake */                              \
    X(FR_ERR_MEMORY, 1, "memory")                                                              \
    X(FR_ERR_IO, 1, "io")           /* the file system refused */                              \
    X(FR_ERR_FORMAT, 1, "format")   /* one of our own files is damaged or newer than we are */ \
    X(FR_ERR_LOCKED, 1, "locked")   /* another run owns the directory */                       \
    X(FR_ERR_NUMERIC, 1, "numeric") /* NaN, overflow, a matrix that is not definite */         \
    X(FR_ERR_MPI, 1, "mpi")                                                                    \
    X(FR_ERR_STATE, 1, "state")  /* nothing to do it with: no finished trial, no model */      \
    X(FR_STOPPED, 75, "stopped") /* stopped early, everything saved */

typedef enum {
#define X(name, exit_code, word) name,
    FR_STATUS_LIST(X)
#undef X
} fr_status;

#define FR_CHECKED __attribute__((warn_unused_result))

/* What the shared library exports; everything else is hidden. */
#define FR_PUBLIC __attribute__((visibility("default")))

/* Record a failure and give its code. The message is one sentence: what, which value, what is
 * allowed, what to do. */
#define FR_FAIL(code, ...) fr_status_record((code), __FILE__, __LINE__, __VA_ARGS__)

#define FR_TRY(call)                                                                           \
    do {                                                                                       \
        fr_status fr_try_status_ = (call);                                                     \
        if (fr_try_status_ != FR_OK) return fr_try_status_;                                    \
    } while (0)

FR_PUBLIC fr_status fr_status_record(fr_status code, const char *file, int line,
                                     const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The calling thread's last recorded sentence; "" when there is none. Valid until the thread's
 * next failure. Local. */
FR_PUBLIC const char *fr_status_message(void);

/* Source place of that record, "src/x/y.c:123", for debug logs. Local. */
const char *fr_status_place(void);

/* Put `message` in the calling thread's slot, as a rank does that learns of another's failure.
 * Returns `code`. Local. */
fr_status fr_status_set(fr_status code, const char *message);

FR_PUBLIC const char *fr_status_word(fr_status code);
int fr_status_exit_code(fr_status code);

#ifdef __cplusplus
}
#endif

#endif
