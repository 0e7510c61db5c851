/* SPDX-License-Identifier: BSD-3-Clause */
/* store.h - the output directory: journal.bin (the truth), results.h5 (format 1, a snapshot),
 * study.yaml, lock, and fits under way. Formats: data/FORMAT.md. Only the root rank calls this
 * room, but for the files of fits, which each rank has for its own; all functions are Local.
 * What is read is untrusted: sizes and types are checked before use. */
#ifndef FR_STORE_H
#define FR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/ensemble.h"
#include "foldrank/explain.h"
#include "foldrank/history.h"
#include "foldrank/model.h"
#include "foldrank/nested.h"
#include "foldrank/past.h"
#include "foldrank/select.h"
#include "foldrank/status.h"
#include "foldrank/study.h"
#include "foldrank/train.h"

/* ---- lock ---- */

typedef struct fr_lock fr_lock;

/* Make `dir` (with parents) if needed and take its lock: a file with host, pid, start time of
 * the process and job id. A lock whose process is gone (same host), or whose Slurm job has
 * ended, is taken over with a warning. FR_ERR_LOCKED names host, pid and job of the living
 * owner; FR_ERR_IO: the directory cannot be made or written. */
FR_CHECKED fr_status fr_lock_take(const char *dir, fr_lock **out);
void fr_lock_release(fr_lock **lock);

/* ---- journal ---- */

typedef struct fr_journal fr_journal;

/* Open dir/journal.bin for appending, creating it with a header (magic, version, fingerprint of
 * study and data, the filled-in study) and what earlier studies found when absent. An existing
 * one is replayed into `history` (empty before): trials and folds come back as they were filed;
 * *elapsed_s is the end of its last fold, on the study's clock. What was not on the disk yet
 * when the machine stopped is cut off and logged: everything from the first broken record on,
 * if no mark follows it. Errors: FR_ERR_USAGE when the journal belongs to another study or
 * other data: the first difference in words; FR_ERR_FORMAT: a broken record, with its offset,
 * or a newer version; FR_ERR_IO; when it is created those of fr_past_read. */
FR_CHECKED fr_status fr_journal_open(const char *dir, const fr_study *study,
                                     uint64_t data_fingerprint, fr_history *history,
                                     double *elapsed_s, fr_journal **out);

/* The searches without the outer folds of nested cross-validation, for the journal. Their
 * records name `plan`, what they depend on besides study and data: records of another plan stay
 * in the file and are passed over. */
typedef struct {
    uint64_t plan;
    uint32_t n;             /* outer folds */
    fr_history **histories; /* (n) of searches 1 .. n; borrowed, empty before the journal is
                             * opened; NULL: their folds are only counted */
    uint64_t n_counted;     /* folds without a history */
    fr_fold_result *judged; /* (n_judged) what came of their last tasks; owned */
    size_t n_judged, capacity;
} fr_outer_log;

/* The plan of such a study. */
uint64_t fr_outer_log_plan(const fr_nested_options *options);
/* Takes over the result's memory, also on failure. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_outer_log_add(fr_outer_log *log, fr_fold_result *result);
/* The one of this search's trial; NULL when there is none. */
const fr_fold_result *fr_outer_log_find(const fr_outer_log *log, uint32_t search,
                                        uint64_t trial);
void fr_outer_log_clear(fr_outer_log *log);

/* fr_journal_open with those searches: also their records come back. NULL: all their
 * records are passed over. */
FR_CHECKED fr_status fr_journal_open_nested(const char *dir, const fr_study *study,
                                            uint64_t data_fingerprint, fr_history *history,
                                            fr_outer_log *outer, double *elapsed_s,
                                            fr_journal **out);

/* Whether dir has a journal: the study there goes on with what is in it. */
bool fr_journal_exists(const char *dir);

/* What earlier studies found (search.warm_start), as it was when the journal was made: a study
 * that goes on sees the same, whatever became of the files. Owned by the journal. */
const fr_past *fr_journal_past(const fr_journal *journal);

/* When the study's first run began: seconds since 1970 [s]. */
double fr_journal_created(const fr_journal *journal);

/* What a study has cost so far, all its runs together. */
typedef struct {
    double wall_s; /* time that they took once all ranks were ready [s] */
    double core_s; /* the same times ranks times threads [s] */
} fr_usage;

/* As the journal knows it: of the runs before, until fr_journal_use says more. The next mark
 * keeps it; while nothing else is journalled there is a mark every ten seconds. */
fr_usage fr_journal_usage(const fr_journal *journal);
void fr_journal_use(fr_journal *journal, fr_usage usage);

/* Append a suggestion of a search, a fold result. Buffered; see fr_journal_sync. */
FR_CHECKED fr_status fr_journal_trial(fr_journal *journal, uint32_t search, uint64_t trial,
                                      const double *point, size_t n);
FR_CHECKED fr_status fr_journal_fold(fr_journal *journal, const fr_fold_result *result);

/* Write what is buffered, at once: a process that dies loses nothing that was written. And
 * bring it to the disk (fdatasync) when `now` (fr_clock_now) is a second or more after the last
 * time, or with force: that is what a machine that dies may lose. A mark then says that all
 * before it is safe. On failure (disk full)
 * nothing buffered is lost: the file is cut back to its last whole record and the next call
 * tries again. */
FR_CHECKED fr_status fr_journal_sync(fr_journal *journal, double now, bool force);

/* Sync and close. */
FR_CHECKED fr_status fr_journal_close(fr_journal **journal);

/* ---- fits under way: dir/fits/TRIAL-FOLD, those of outer searches SEARCH-TRIAL-FOLD ---- */

/* Which fit. `key` is a fingerprint of all that decides it, so that the file of another study
 * or of other data is never taken for its own. */
typedef struct {
    uint64_t trial, key;
    uint32_t fold, search;
} fr_fit_id;

/* Keep a state under a temporary name, sync, rename. FR_ERR_IO leaves the earlier one. */
FR_CHECKED fr_status fr_fit_file_write(const char *dir, const fr_fit_id *id,
                                       const fr_fit_part *parts, size_t n);

/* What was kept: *bytes is the caller's (free); NULL when there is no file. FR_ERR_FORMAT:
 * torn, damaged, or not of this fit; FR_ERR_IO. */
FR_CHECKED fr_status fr_fit_file_read(const char *dir, const fr_fit_id *id, void **bytes,
                                      size_t *size);
void fr_fit_file_remove(const char *dir, const fr_fit_id *id);

/* Remove the files of folds that the histories have, (n) one for each search; with `all`, those
 * of all fits and the directory. Returns how many are left. While no rank writes one. */
size_t fr_fit_files_sweep(const char *dir, const fr_history *const *histories, size_t n,
                          bool all);

/* ---- results.h5 ---- */

/* Per rank, for /ranks. */
typedef struct {
    char host[64];
    int threads;
    double busy_s, idle_s;
    uint64_t fits;
    double flops;
} fr_rank_record;

typedef struct {
    const fr_study *study;
    const fr_history *history;
    const fr_selection *selection;      /* NULL before the end */
    const fr_model *model;              /* NULL before the refit */
    double test_score;                  /* NaN when there is none */
    double test_more[FR_GOALS_MAX - 1]; /* in the further objectives, likewise */
    const fr_scored *test;              /* what the model says of the test rows; may be NULL */
    const fr_calibration_report *calibration; /* of the model; may be NULL */
    const fr_explanation *explanation;        /* of the model; may be NULL */
    const fr_ensemble *ensemble;              /* beside the model; may be NULL */
    const fr_nested *nested;                  /* NULL: not asked for */
    const fr_rank_record *ranks;              /* (n_ranks), NULL while unknown */
    int n_ranks;                              /* also known without `ranks` */
    const char *command;                      /* as typed */
    const char *mpi_version; /* the MPI library's own words; NULL = not known */
    double created;          /* fr_journal_created(): seconds since 1970 [s] */
    fr_usage usage;
    fr_end end;                /* what ended the study */
    uint64_t data_fingerprint; /* 0 without data */
    uint64_t n_past;           /* earlier trials that the search learned from */
    uint64_t rows, test_rows;  /* of the data set: all, and those kept from the search */
    double valid_share;        /* validation rows / training rows of fold 0; NaN without */
} fr_results;

/* Write dir/results.h5 under a temporary name, sync, rename. FR_ERR_IO leaves the old one. */
FR_CHECKED fr_status fr_results_write(const char *dir, const fr_results *results);

/* A results file read back; `path` is the file or its directory. Parts that the file does not
 * have are NULL or empty. Everything inside is owned; release with fr_results_close.
 * Errors: FR_ERR_DATA (no such file, not HDF5, not ours), FR_ERR_FORMAT (newer, inconsistent).
 */
typedef struct {
    fr_study *study;
    fr_history *history;
    fr_selection selection;
    bool has_selection, has_model;
    fr_model model;
    double test_score;
    double test_more[FR_GOALS_MAX - 1]; /* in the further objectives, likewise */
    fr_end end;
    fr_usage usage;
    fr_scored test;                    /* with the model, and when the file has them */
    fr_calibration_report calibration; /* of the model; settings "" if it has none */
    fr_explanation explanation;
    bool has_explanation; /* likewise */
    fr_ensemble ensemble; /* without the model: its members have none either */
    bool has_ensemble;
    fr_nested nested; /* n is 0 when the file has none */
    fr_rank_record *ranks;
    int n_ranks;
    char *path, *created, *version, *command;
    char *git, *hosts, *hdf5, *mpi, *blas,
        *kernels;                               /* attributes of the root; "" if not there */
    uint64_t data_fingerprint, rows, test_rows; /* 0 = not known, or no data */
    double valid_share;                         /* NaN = not known, or no data */
} fr_results_file;

FR_CHECKED fr_status fr_results_open(const char *path, bool want_model, fr_results_file **out);
void fr_results_close(fr_results_file **results);

/* Whether the ensemble is to predict rather than the single model: it is there, and was better
 * than the best trial on folds that had no part in the choice; without such, than the chosen
 * trial on all. */
bool fr_results_prefer_ensemble(const fr_results_file *results);

/* The trials of study->search.warm_start, as points of the study's own space: complete ones
 * with their mean score, pruned and diverged ones without. Those outside the space are left out
 * and counted in the log. Files of the same data and objective are of group 0 (past.h), every
 * other one of its own. The caller clears *out, also on failure. Errors: FR_ERR_USAGE: another
 * metric or direction, too many trials; those of fr_results_open. */
FR_CHECKED fr_status fr_past_read(const fr_study *study, uint64_t data_fingerprint,
                                  fr_past *out);

/* What a model says of new rows. */
typedef struct {
    const fr_model *model;
    const float *outputs; /* (rows, model->n_outputs) row-major, of fr_model_predict */
    size_t rows;
} fr_predictions;

/* Write predictions as HDF5 (data/FORMAT.md) under a temporary name, sync, rename. The file is
 * built in memory. */
FR_CHECKED fr_status fr_predictions_write(const char *path, const fr_predictions *predictions);

/* For programs that only look into files: leave out HDF5's clean-up at exit, which complains on
 * stderr once a damaged file was opened. Before anything else that uses HDF5. */
void fr_results_quiet_exit(void);

/* Write text to dir/name under a temporary name, sync, rename. */
FR_CHECKED fr_status fr_store_write_text(const char *dir, const char *name, const char *text);

#endif
