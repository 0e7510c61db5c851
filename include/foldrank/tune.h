/* SPDX-License-Identifier: BSD-3-Clause */
/* tune.h - foldrank inside another MPI program: hand over a communicator, a space and a
 * function, and get the best point back.
 *
 *   fr_tune *tune;
 *   fr_tune_create(MPI_COMM_WORLD, "demo", &tune);
 *   fr_tune_add_log(tune, "rate", 1e-4, 1.0);
 *   fr_tune_set(tune, "search.trials", "100");
 *   if (fr_tune_run(tune, evaluate, NULL) != FR_OK) puts(fr_status_message());
 *   printf("%g\n", fr_tune_best(tune, "rate"));
 *   fr_tune_destroy(&tune);
 *
 * A run is a run of foldrank as any other: journal and results.h5 in the directory `output`,
 * pruning, folds, the same results for any number of ranks, and the next run of the program
 * goes on where this one was stopped.
 *
 * Threads. MPI must have been initialised with MPI_THREAD_FUNNELED at least, and fr_tune_run be
 * called by the main thread. The function is called by another thread of foldrank's: it may
 * call MPI, and a group may have more than one rank, only with MPI_THREAD_MULTIPLE.
 *
 * Functions return FR_OK or an error whose sentence is fr_status_message(). Collective
 * functions are called by all ranks of the communicator in the same order and return the same
 * status on all. All others are Local; of the settings those of rank 0 count. */
#ifndef FR_TUNE_H
#define FR_TUNE_H

#include <mpi.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fr_tune fr_tune;
typedef struct fr_tune_trial fr_tune_trial;

/* Evaluate a trial (one fold of it). *score is NaN before: a score that is not finite makes the
 * trial diverged, but when the function has reported steps and leaves it, the last of them is
 * the score. Any status but FR_OK makes the trial failed, with fr_status_message() when the
 * function used FR_FAIL; the search goes on. Called on all ranks of `group` together; the score
 * of its rank 0 counts. */
typedef fr_status fr_tune_function(const fr_tune_trial *trial, MPI_Comm group, double *score);

/* ---- before the run ---- */

/* A study with this name and no parameters yet. The handle keeps a duplicate of `comm`.
 * Collective. */
FR_PUBLIC FR_CHECKED fr_status fr_tune_create(MPI_Comm comm, const char *name, fr_tune **out);

/* A study from the text of a study file: its `objective` has `type: embedded` and `parameters`.
 * Faults are found by fr_tune_run. Collective. */
FR_PUBLIC FR_CHECKED fr_status fr_tune_parse(MPI_Comm comm, const char *text, fr_tune **out);

/* NULL and *tune == NULL are no-ops. Collective. */
FR_PUBLIC void fr_tune_destroy(fr_tune **tune);

/* Add a parameter: uniform or log-uniform on [low, high], integers low .. high, or one of
 * values[0..n). Errors: FR_ERR_MEMORY; an empty range is found by fr_tune_run. */
FR_PUBLIC FR_CHECKED fr_status fr_tune_add_float(fr_tune *tune, const char *name, double low,
                                                 double high);
FR_PUBLIC FR_CHECKED fr_status fr_tune_add_log(fr_tune *tune, const char *name, double low,
                                               double high);
FR_PUBLIC FR_CHECKED fr_status fr_tune_add_int(fr_tune *tune, const char *name, int64_t low,
                                               int64_t high);
FR_PUBLIC FR_CHECKED fr_status fr_tune_add_int_log(fr_tune *tune, const char *name, int64_t low,
                                                   int64_t high);
FR_PUBLIC FR_CHECKED fr_status fr_tune_add_choice(fr_tune *tune, const char *name,
                                                  const char *const values[], size_t n);

/* Any setting of a study, as `--set` of the command line: "search.trials" and "100",
 * "objective.direction" and "maximize", "objective.steps", "validation.folds", "output",
 * "pruning" and "[asha, racing]", "objective.parameters.momentum.when" and "{method: sgd}". */
FR_PUBLIC FR_CHECKED fr_status fr_tune_set(fr_tune *tune, const char *key, const char *value);

/* Ranks that evaluate a trial together: consecutive ranks of the communicator. 1 before. Ranks
 * that are left over do nothing. Errors: FR_ERR_ARG. */
FR_PUBLIC FR_CHECKED fr_status fr_tune_set_ranks_per_trial(fr_tune *tune, int ranks);

/* Stop after so long, saved [s]; 0, as before: no limit. */
FR_PUBLIC void fr_tune_set_time(fr_tune *tune, double seconds);

/* What rank 0 says on stderr: 0 errors, 1 warnings (as before), 2 progress, 3 all. */
FR_PUBLIC void fr_tune_set_log(fr_tune *tune, int level);

/* Let SIGINT, SIGTERM and SIGUSR1 end the run, saved, with FR_STOPPED. Before MPI_Init, and
 * only if the program has no handlers of its own. */
FR_PUBLIC void fr_tune_catch_signals(void);

/* ---- the run ---- */

/* Search. Errors: FR_ERR_USAGE (the study, with all its faults, or the level of threads),
 * FR_STOPPED (time or a signal; saved), FR_ERR_STATE (no trial is complete), FR_ERR_LOCKED,
 * FR_ERR_IO. After FR_ERR_MPI only MPI_Abort is left. Collective. */
FR_PUBLIC FR_CHECKED fr_status fr_tune_run(fr_tune *tune, fr_tune_function *function,
                                           void *context);

/* ---- inside the function, by any rank of the group ---- */

FR_PUBLIC uint64_t fr_tune_trial_number(const fr_tune_trial *trial);
FR_PUBLIC int fr_tune_trial_fold(const fr_tune_trial *trial); /* from 0 */
FR_PUBLIC int fr_tune_trial_seed(const fr_tune_trial *trial); /* of study, trial and fold */
FR_PUBLIC void *fr_tune_trial_context(const fr_tune_trial *trial);

/* The number of a parameter; of a choice the index, from 0. NaN while its condition fails, or
 * when there is none of this name. */
FR_PUBLIC double fr_tune_get(const fr_tune_trial *trial, const char *name);

/* The same as text, "0.1" or "relu"; NULL where fr_tune_get gives NaN. Valid until the function
 * returns. */
FR_PUBLIC const char *fr_tune_get_text(const fr_tune_trial *trial, const char *name);

/* Tell the score after a step (counted from 1, or from 0); that of the group's rank 0 counts.
 * Not 0: return, with any status: the trial is decided, or the run ends. Collective over the
 * group. */
FR_PUBLIC int fr_tune_report(const fr_tune_trial *trial, int64_t step, double score);

/* Not 0: the run ends; return, the trial will be started anew. Collective over the group. */
FR_PUBLIC int fr_tune_should_stop(const fr_tune_trial *trial);

/* ---- after the run, on every rank ---- */

/* The selected trial; after FR_STOPPED the best so far. -1 and NaN when there is none. */
FR_PUBLIC int64_t fr_tune_best_trial(const fr_tune *tune);
FR_PUBLIC double fr_tune_best_score(const fr_tune *tune); /* mean over its folds */

/* As fr_tune_get and fr_tune_get_text, of that trial; valid until destroy or the next run. */
FR_PUBLIC double fr_tune_best(const fr_tune *tune, const char *name);
FR_PUBLIC const char *fr_tune_best_text(const fr_tune *tune, const char *name);

/* ---- for Fortran (foldrank.f90): communicators as Fortran has them ---- */

typedef int fr_tune_function_f(const fr_tune_trial *trial, MPI_Fint group, double *score);

FR_PUBLIC int fr_tune_create_f(MPI_Fint comm, const char *name, fr_tune **out);
FR_PUBLIC int fr_tune_parse_f(MPI_Fint comm, const char *text, fr_tune **out);
FR_PUBLIC int fr_tune_run_f(fr_tune *tune, fr_tune_function_f *function, void *context);

#ifdef __cplusplus
}
#endif

#endif
