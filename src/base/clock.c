/* SPDX-License-Identifier: BSD-3-Clause */
/* clock.c - POSIX clocks as seconds. */
#include "foldrank/clock.h"

#include <time.h>

static double read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double fr_clock_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double fr_clock_epoch(void)
{
    return read_clock(CLOCK_REALTIME);
}

double fr_clock_thread_cpu(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void fr_clock_sleep(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds};
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL); /* a signal may cut it short: callers look again anyway */
}
