/* SPDX-License-Identifier: BSD-3-Clause */
/* clock.h - time for measuring and for stopping; never for deciding what to compute. Local. */
#ifndef FR_CLOCK_H
#define FR_CLOCK_H

/* Monotonic time [s]; only differences mean anything. */
double fr_clock_now(void);

/* Seconds since 1970 [s]. */
double fr_clock_epoch(void);

/* Processor time used by the calling thread [s]. */
double fr_clock_thread_cpu(void);

void fr_clock_sleep(double seconds);

#endif
