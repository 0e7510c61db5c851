/* SPDX-License-Identifier: BSD-3-Clause */
/* plugin.h - an objective as a shared object: `objective: {type: plugin, path: ./libmy.so}`.
 *
 * This header needs nothing else of foldrank. The shared object exports one function,
 * foldrank_plugin, which gives a table; compile it with
 *
 *   cc -shared -fPIC -I PREFIX/include -o libmy.so my.c
 *
 * Every rank loads it and calls init once, evaluate for each of its tasks, finalize at the end:
 * never two at once, but not all from the same thread. A plug-in must not call MPI, and it runs
 * inside the rank: when it crashes or calls exit, the whole run ends, and goes on where it was
 * when it is started again. What may crash belongs into a program of its own (type command).
 *
 * A plug-in may use `threads` threads. Results are reproducible if what it computes depends on
 * the task alone: values, fold and seed. */
#ifndef FR_PLUGIN_H
#define FR_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a compiled plug-in would no longer be understood. */
#define FR_PLUGIN_ABI 1

/* What init and evaluate return. */
enum {
    FR_PLUGIN_DONE = 0,     /* init: all is well; evaluate: *value is the score */
    FR_PLUGIN_REPORTED = 1, /* evaluate: the last report is the score */
    FR_PLUGIN_FAILED =
        2, /* say why by `fail`; init: the run ends; evaluate: the trial failed */
};

typedef struct fr_plugin_setup fr_plugin_setup;
struct fr_plugin_setup {
    const char *options; /* the study's objective.options; NULL when it has none */
    int rank;            /* of the run */
    int threads;         /* for every task */
    const char *gpus;    /* of this rank, "2,3"; "" without resources.gpus */
    void (*fail)(const fr_plugin_setup *setup, const char *message);
    void *host; /* foldrank's own */
};

/* A parameter. All of the study's come in each task, in the same order. */
typedef struct {
    const char *name;
    double number;    /* its number; of a choice the index, from 0; NaN while inactive */
    const char *text; /* as a program would get it as argument; NULL while inactive */
} fr_plugin_value;

typedef struct fr_plugin_task fr_plugin_task;
struct fr_plugin_task {
    uint64_t trial;
    uint32_t fold, folds;          /* 0 <= fold < folds */
    uint32_t seed;                 /* of study, trial and fold: 0 .. 2^31 - 1 */
    uint32_t steps;                /* the study's objective.steps; 0: not said */
    const fr_plugin_value *values; /* (n_values) */
    size_t n_values;

    /* Tell the score after a step; steps count from 1 (or from 0) up to 100000. `loss` may be
     * NaN. Not 0: return from evaluate, with any value: the task is decided, or the run ends.
     */
    int (*report)(const fr_plugin_task *task, int64_t step, double value, double loss);

    /* Not 0: the run ends; return, and the task will be started anew. */
    int (*should_stop)(const fr_plugin_task *task);

    /* A directory of this task's own, made when it is asked for; NULL when it cannot be. */
    const char *(*directory)(const fr_plugin_task *task);

    void (*fail)(const fr_plugin_task *task, const char *message);
    void *host; /* foldrank's own */
};

typedef struct {
    uint32_t abi; /* FR_PLUGIN_ABI */
    /* *state is handed to the others. NULL: there is nothing to do. */
    int (*init)(const fr_plugin_setup *setup, void **state);
    /* *value is NaN before; a value that is not finite makes the trial diverged. */
    int (*evaluate)(void *state, const fr_plugin_task *task, double *value);
    void (*finalize)(void *state); /* NULL: there is nothing to do */
} fr_plugin;

/* The one function that a plug-in exports. */
const fr_plugin *foldrank_plugin(void);

#ifdef __cplusplus
}
#endif

#endif
