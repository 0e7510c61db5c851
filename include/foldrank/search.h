/* SPDX-License-Identifier: BSD-3-Clause */
/* search.h - samplers: which configuration trial t tries.
 *
 * A suggestion is a function of (space, options, trial, the parameters of trials 0 .. t-1, the
 * results of trials 0 .. visible-1) and of nothing else: no clock, no shared stream, no order
 * of arrival. A configuration is never suggested twice. All functions are Local. */
#ifndef FR_SEARCH_H
#define FR_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/budget.h"
#include "foldrank/gram.h"
#include "foldrank/history.h"
#include "foldrank/option.h"
#include "foldrank/past.h"
#include "foldrank/space.h"
#include "foldrank/status.h"

typedef struct {
    int method;     /* index into fr_search_methods */
    int64_t trials; /* budget; 0 = the whole grid; with the other methods 100, or no limit */
    bool open;      /* which of these two: the study has budgets of another kind */
    int64_t seed;
    int64_t concurrency; /* L: trials in flight that an adaptive sampler allows for; 0 = free */
    bool repeats;        /* allow a configuration to be evaluated again */
    int64_t observations;    /* gp: most results in the model; 0 = all */
    int64_t distribute_from; /* gp: more results than this are all ranks' work; 0 = never */
    int64_t generation;      /* gp: trials from one model that all ranks made to the next */
    fr_strings warm_start;   /* results files of earlier studies, or their directories */
    int64_t population;      /* nsga2: trials that the next ones are bred from */
} fr_search_options;

extern const char
    *const fr_search_methods[]; /* "grid", "random", "sobol", ...; NULL-terminated */

/* Whether the method can follow so many objectives. */
bool fr_search_takes(int method, size_t n_goals);

extern const fr_option fr_search_option_table[];
extern const size_t fr_search_option_count;

/* As many trials as nobody will have. */
#define FR_TRIALS_OPEN UINT64_C(1000000000)

typedef struct fr_search fr_search;

/* `enqueued` holds n_enqueued points, (n_enqueued, space->n), that become trials 0, 1, ...
 * before the sampler is asked; copied. `space` and `options` are borrowed until destroy.
 * Errors: FR_ERR_USAGE (a grid with a continuous parameter that has no number of steps, and the
 * parameter's name), FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_search_create(const fr_space *space, const fr_search_options *options,
                                      const double *enqueued, size_t n_enqueued,
                                      fr_search **out);
void fr_search_destroy(fr_search **search);

/* A solver for kernel matrices that are too large for one rank, to be released by
 * out->destroy(out->context). It may be one of all ranks: its results then depend, to rounding,
 * on their number, and so do suggestions; between open and destroy the search does nothing
 * else. A status of it but FR_ERR_NUMERIC is that of fr_search_suggest. */
typedef fr_status fr_search_open_solver(void *context, fr_gram_solver *out);

/* Where such solvers come from, when a search wants one. Otherwise they compute on the calling
 * thread. `context` is borrowed until destroy. */
void fr_search_set_solver(fr_search *search, fr_search_open_solver *open, void *context);

/* The kernels that are used with such a solver, for ranks that serve it (distributed.h). */
extern const fr_kernel *const fr_search_kernels[];
extern const size_t fr_search_kernel_count;

/* Show it what earlier studies found, before the first suggestion; borrowed until destroy. A
 * method that does not learn from it (fr_search_method_learns) suggests the same without. */
void fr_search_set_past(fr_search *search, const fr_past *past);
bool fr_search_method_learns(int method);

/* Number of trials that this search will make in all: the budget, less when the space has fewer
 * different configurations. */
uint64_t fr_search_trials(const fr_search *search);

/* What bounds that number: FR_END_TRIALS or FR_END_SPACE. */
fr_end fr_search_end(const fr_search *search);

/* Whether suggestions depend on results. If not, all trials may be suggested at once. */
bool fr_search_adaptive(const fr_search *search);

/* Trials that must have settled before `trial` may be suggested: 0 for a non-adaptive sampler
 * and for concurrency free, else max(0, trial - L + 1). */
uint64_t fr_search_needs(const fr_search *search, uint64_t trial);

/* Configuration for trial number history->n. Looks at the results of trials
 * [0, fr_search_needs(trial)) only (concurrency free: of every settled trial), at the points of
 * all. *found is false when the space is exhausted. `point` has space->n entries. */
FR_CHECKED fr_status fr_search_suggest(fr_search *search, const fr_history *history,
                                       double *point, bool *found);

#endif
