/* SPDX-License-Identifier: BSD-3-Clause */
/* process.h - a program that runs under a guard, as a rank sees it. */
#ifndef FR_PROCESS_H
#define FR_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "foldrank/guard.h"
#include "foldrank/status.h"

typedef struct {
    const char *guard; /* the foldrank program */
    char *const *argv, *const *envp;
    double grace; /* from SIGTERM to SIGKILL [s] */
} fr_process_request;

/* Takes what the program writes; stream 0: standard output, 1: standard error. */
typedef fr_status fr_process_sink(void *context, int stream, const char *bytes, size_t n);

typedef struct {
    pid_t guard;
    int control, report;
    int stream[2]; /* -1 once it has ended */
    double grace;
    bool told;       /* to end */
    double patience; /* fr_clock_now() until which the guard may take to do so */
    bool over;
    fr_guard_report outcome; /* when over */
} fr_process;

/* Standard input is empty. Errors: FR_ERR_STATE. Local, as all here. */
FR_CHECKED fr_status fr_process_start(const fr_process_request *request, fr_process *process);

/* End the program, and all that it has started, early. */
void fr_process_end(fr_process *process);

/* Wait up to `seconds` for output or the end, and pass the output on. When process->over, all
 * output has come and no process is left. Errors: those of `sink`, FR_ERR_STATE (the guard
 * itself was killed). */
FR_CHECKED fr_status fr_process_wait(fr_process *process, double seconds, fr_process_sink *sink,
                                     void *context);

/* Release everything; kills what still runs. */
void fr_process_close(fr_process *process);

#endif
