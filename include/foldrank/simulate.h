/* SPDX-License-Identifier: BSD-3-Clause */
/* simulate.h - a run on as many ranks as one likes, without them: the coordinator, the history
 * and the search are the real ones and take the time that they take here; ranks, tasks and
 * messages are events. */
#ifndef FR_SIMULATE_H
#define FR_SIMULATE_H

#include <stddef.h>
#include <stdint.h>

#include "foldrank/status.h"
#include "foldrank/study.h"

typedef struct {
    const fr_study *study; /* whose space and search; nothing of it is evaluated */
    uint32_t folds, epochs;
    size_t ranks;
    double task_s;    /* mean time of a task [s] */
    double spread;    /* tasks take between 1 - spread and 1 + spread times that */
    double latency_s; /* from a rank to another [s] */
    double bytes_per_second;
} fr_simulation_options;

typedef struct {
    uint64_t tasks, messages;
    double wall_s;         /* until the last task ended [s], as are all times */
    double plenty_s;       /* until all tasks were handed out */
    double busy_share;     /* ranks' time in tasks / (ranks x wall_s) */
    double busy_in_plenty; /* the same until plenty_s: without the end, when work runs out */
    double root_share;     /* of its time that root's main thread is at work, until plenty_s */
    double suggest_share;  /* of it in the search */
    double queue_mean, queue_most;   /* messages that wait when root looks */
    double wait_mean_s, wait_most_s; /* of a message, until root has dealt with it */
} fr_simulation;

/* Errors: FR_ERR_MEMORY, those of the search. Local. */
FR_CHECKED fr_status fr_simulate(const fr_simulation_options *options, fr_simulation *out);

#endif
