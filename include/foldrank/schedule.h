/* SPDX-License-Identifier: BSD-3-Clause */
/* schedule.h - trials x folds over the ranks of a communicator.
 *
 * On every rank the main thread speaks MPI and sleeps, one compute thread with its own OpenMP
 * team trains and never calls MPI. Root coordinates and trains too. Data lie once per node in
 * an MPI shared-memory window. */
#ifndef FR_SCHEDULE_H
#define FR_SCHEDULE_H

#include <mpi.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "foldrank/collective.h"
#include "foldrank/data.h"
#include "foldrank/history.h"
#include "foldrank/nested.h"
#include "foldrank/plugin.h"
#include "foldrank/status.h"
#include "foldrank/store.h"
#include "foldrank/study.h"

/* Root's study on every rank, parsed from its filled-in text; elsewhere *study is NULL before.
 * `mine` is root's status so far, elsewhere FR_OK. FR_ERR_STATE: a rank reads it differently.
 * Collective. */
FR_CHECKED fr_status fr_study_share(MPI_Comm comm, fr_status mine, fr_study **study);

/* One copy of a data set per node. */
typedef struct fr_shared_data fr_shared_data;

/* Root has opened `source` (NULL elsewhere); afterwards every rank has a data set over its
 * node's window. With the source's `options` on every rank, HDF5 files are read by several;
 * NULL: by root alone. Errors: those of fr_source_fill; FR_ERR_DATA: a node has too little
 * memory. Collective. */
FR_CHECKED fr_status fr_shared_data_create(MPI_Comm comm, fr_source *source,
                                           const fr_data_options *options,
                                           fr_shared_data **out);
const fr_dataset *fr_shared_data_get(const fr_shared_data *data);
void fr_shared_data_destroy(fr_shared_data **data); /* Collective. */

/* SIGINT, SIGTERM and SIGUSR1 raise a flag; before MPI_Init, may come twice. A third SIGINT
 * ends the program at once. SIGXFSZ is ignored: the write fails. Local. */
void fr_signals_install(void);
bool fr_signals_raised(void);

/* Time that the Slurm job around this process has left [s]: from SLURM_JOB_END_TIME or, as most
 * Slurms do not set it, from squeue, which is asked once. INFINITY outside a job, without a
 * limit, and when it cannot be had. Local. */
double fr_job_seconds_left(void);

typedef struct {
    double job_left_s;   /* until the end of the batch job, at `started`; INFINITY = no end */
    double time_limit_s; /* stop after so long; 0 = no limit */
    double log_every_s;  /* between two progress lines in a log */
    double snapshot_every_s;   /* between two results.h5 while running; 0 = none */
    double checkpoint_every_s; /* between two saves of a fit; 0 = only when it is stopped */
    const char *command;       /* as typed, for the results */
    double started;            /* fr_clock_now() at program start */
    const fr_plugin *embedded; /* objective.type embedded: what evaluates, and its state */
    void *embedded_state;
} fr_run_options;

typedef struct {
    fr_history *history;                /* root only, NULL elsewhere; owned */
    fr_selection selection;             /* root only */
    double test_score, train_score;     /* NaN: no model, no such rows, not defined on them */
    double test_more[FR_GOALS_MAX - 1]; /* in the further objectives, likewise */
    fr_calibration_report calibration;  /* of the model; settings "": there is none */
    size_t n_test_rows;                 /* root only */
    size_t n_members;                   /* root only: of the ensemble; 0: there is none */
    double ensemble_test_score;         /* as test_score */
    fr_nested nested;                   /* root only; n is 0 when it was not asked for */
    bool resumed;                       /* something was there already */
    fr_end end;            /* root only: what ended the study; not yet when stopped */
    fr_usage usage;        /* root only: what it has cost, all its runs */
    size_t n_saved;        /* root only: fits that the next run goes on with */
    fr_rank_record *ranks; /* root only, (n_ranks) */
    int n_ranks;
    uint64_t fits; /* root only: of this run, that count; see fr_history_work */
    uint64_t
        discarded; /* root only: trained in this run for trials that were beaten meanwhile */
    double wall_s;
    double coordinating_s; /* processor time of root's main thread */
} fr_run_report;

/* Run a study to its end, or until a signal or the time limit: FR_STOPPED then, with everything
 * saved. Every rank has parsed `study`. The same status on every rank. Collective. */
FR_CHECKED fr_status fr_run(MPI_Comm comm, const fr_study *study, const fr_run_options *options,
                            fr_run_report *report);
void fr_run_report_clear(fr_run_report *report);

#endif
