/* SPDX-License-Identifier: BSD-3-Clause */
/* bench.h - the options of `foldrank bench`. */
#ifndef FR_BENCH_H
#define FR_BENCH_H

#include "cli.h"

typedef struct {
    double seconds;
    /* of `bench schedule` */
    int64_t ranks, folds, tasks_per_rank, concurrency;
    double task_s, spread, latency_s;
    char *method;
} fr_bench_values;

/* Simulate a run on many ranks and print how it went. On rank 0. */
FR_CHECKED fr_status fr_bench_schedule(const fr_cli *cli, const fr_bench_values *values);

#endif
