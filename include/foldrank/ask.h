/* SPDX-License-Identifier: BSD-3-Clause */
/* ask.h - what another program says: squeue, sbatch. Local. */
#ifndef FR_ASK_H
#define FR_ASK_H

#include <stdbool.h>
#include <stddef.h>

/* Run arguments[0] (found on PATH; the list ends with NULL) to its end, and put what it prints
 * into `answer`, at most size - 1 bytes; with `errors` also what it prints on stderr, which
 * else goes where ours goes. Returns its exit status; -1 when it could not be started or was
 * killed. The process is not copied on the way, which some networks do not bear. */
int fr_ask(const char *const arguments[], bool errors, char *answer, size_t size);

#endif
