/* SPDX-License-Identifier: BSD-3-Clause */
/* guard.h - what a rank and the guard of a program that it runs say to each other.
 *
 * Between a rank and the program it starts stands a guard: `foldrank guard`, a process that
 * does nothing but wait. It makes the program's process group, ends it when told to - SIGTERM,
 * then SIGKILL - and leaves none of its descendants behind, wherever they have gone: it adopts
 * those that lose their parents. When the rank dies, by whatever means, the socket from it
 * closes, and the guard kills all.
 *
 * An MPI process is no good parent: fork would copy its page tables, and memory that the
 * network hardware has registered must not be shared copy-on-write. The guard is started by
 * posix_spawn, which the C library does by vfork: nothing is copied, and nothing of the rank
 * runs in between.
 *
 * A byte on FR_GUARD_CONTROL asks for the end, its closing for the end at once. When nothing is
 * left, the guard writes one fr_guard_report to FR_GUARD_REPORT. */
#ifndef FR_GUARD_H
#define FR_GUARD_H

/* File descriptors of the guard. */
enum { FR_GUARD_CONTROL = 3, FR_GUARD_REPORT = 4 };

typedef enum {
    FR_GUARD_EXIT,   /* number: exit status */
    FR_GUARD_SIGNAL, /* number: signal that ended the program */
    FR_GUARD_START,  /* number: errno; it could not be started */
} fr_guard_outcome;

typedef struct {
    int outcome; /* fr_guard_outcome */
    int number;
    int left_behind; /* processes that outlived the program and were ended */
    int immortal;    /* something could not be killed */
} fr_guard_report;

#endif
