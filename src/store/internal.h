/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - what the files of the store share: whole-file writes, and HDF5 in two small
 * layers. Writing (h5_put.c) collects its first failure and is checked once at the end; reading
 * (h5_get.c) believes nothing and checks link, type, shape, storage and filters before a byte
 * is read. All Local. */
#ifndef FR_STORE_INTERNAL_H
#define FR_STORE_INTERNAL_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "foldrank/status.h"
#include "foldrank/stem.h"
#include "foldrank/store.h"

enum { FR_RESULTS_FORMAT = 1, FR_JOURNAL_VERSION = 3, FR_STORE_MESSAGE_MAX = 1024 };

/* What was built: `git describe`, when the Makefile can tell. */
#ifndef FR_GIT
#define FR_GIT "unknown"
#endif

#define FR_RESULTS_CONTENT "foldrank results"

/* In file.c. */

/* "dir/name", owned by the caller; NULL when memory is short. */
char *fr_store_path(const char *dir, const char *name);

/* All n bytes at offset `at`; false with errno. */
bool fr_store_write_at(int fd, const void *bytes, size_t n, off_t at);

/* Write dir/name whole: temporary name, sync, rename, sync of the directory. On failure the old
 * file stays. */
FR_CHECKED fr_status fr_store_replace(const char *dir, const char *name, const void *bytes,
                                      size_t n);
FR_CHECKED fr_status fr_store_replace_parts(const char *dir, const char *name,
                                            const fr_fit_part *parts, size_t n);

/* In owner.c: who holds a lock. */

typedef struct {
    char host[256];
    int64_t pid;
    int64_t started;  /* clock ticks since boot: tells a reused pid apart; 0 = not known */
    char boot[64];    /* of the host; "" = not known */
    char job[64];     /* Slurm's number; "" outside */
    int64_t restarts; /* how often Slurm has put that job back in the queue */
    char since[32];   /* ISO 8601 UTC */
} fr_owner;

/* This process. */
fr_owner fr_owner_self(void);
void fr_owner_format(const fr_owner *owner, fr_text *out);
/* False when the text names no owner: a lock that is just being written. */
bool fr_owner_parse(const char *text, fr_owner *out);
/* Whether the owner has certainly ended; when in doubt it lives. */
bool fr_owner_is_gone(const fr_owner *owner, const fr_owner *self);

/* "2026-11-23T13:22:00Z" of seconds since 1970. */
const char *fr_store_iso_time(double epoch, char out[32]);

/* In journal_read.c. */

/* Where a journal stands after reading. */
typedef struct {
    uint64_t study_fingerprint, data_fingerprint;
    uint32_t version;
    double created;
    fr_usage usage;
    fr_past past; /* owned, as these */
    char *study_path, *study_text;
    fr_outer_log *outer; /* borrowed; NULL: records of outer searches are passed over */
    size_t records_at;   /* offset of the first record */
    size_t end;          /* offset after the last whole record */
} fr_journal_state;

void fr_journal_state_clear(fr_journal_state *state);

/* Header of the `size` bytes of a journal. FR_ERR_FORMAT. The caller clears *out. */
FR_CHECKED fr_status fr_journal_read_header(const unsigned char *bytes, size_t size,
                                            const char *path, fr_journal_state *out);

/* Replay all records into `history`; sets state->end, usage, past and *elapsed_s. */
FR_CHECKED fr_status fr_journal_replay(const unsigned char *bytes, size_t size,
                                       const char *path, fr_history *history,
                                       fr_journal_state *state, double *elapsed_s);

/* All bytes of the open file from `at` on; *bytes is the caller's. */
FR_CHECKED fr_status fr_store_read_from(int fd, const char *path, off_t at,
                                        unsigned char **bytes, size_t *size);

/* CRC of a record: its length, then its payload. */
uint32_t fr_journal_record_crc(uint32_t length, const void *payload);

enum {
    FR_JOURNAL_FRAME = 8, /* bytes before a payload */
    FR_JOURNAL_TRIAL = 1, /* types of record */
    FR_JOURNAL_FOLD = 2,
    FR_JOURNAL_MARK = 3,
    FR_JOURNAL_PAST = 4,
    FR_JOURNAL_OUTER = 5,        /* a suggestion or a fold of an outer search */
    FR_JOURNAL_PAYLOAD_MIN = 13, /* a suggestion in a space without parameters */
    FR_JOURNAL_PAYLOAD_MAX = 1 << 28,
};
extern const unsigned char fr_journal_magic[8];

/* In h5_put.c: writing. */

/* HDF5 prints its error stack unless told not to; the host program's setting comes back. */
typedef struct {
    H5E_auto2_t handler;
    void *context;
} fr_h5_quiet;

fr_h5_quiet fr_h5_quiet_begin(void);
void fr_h5_quiet_end(fr_h5_quiet quiet);

/* A file image being built; nothing reaches the disk before it is whole. Stays where it is
 * while open: HDF5 knows its address. */
typedef struct {
    hid_t file;
    hid_t at;    /* paths begin here: the file, or a group of it */
    void *image; /* of the closed file; free */
    fr_h5_quiet quiet;
    bool failed;
    char what[160]; /* path of the first thing that could not be written */
} fr_h5_out;

FR_CHECKED fr_status fr_h5_out_open(fr_h5_out *out);

/* Make the group, and let all paths begin there until fr_h5_put_leave. */
void fr_h5_put_enter(fr_h5_out *out, const char *path);
void fr_h5_put_leave(fr_h5_out *out);

/* Check, and take the finished image: *bytes is the caller's (free). Closes in any case. */
FR_CHECKED fr_status fr_h5_out_close(fr_h5_out *out, void **bytes, size_t *n);

typedef enum { FR_H5_U32, FR_H5_U64, FR_H5_I32, FR_H5_F32, FR_H5_F64 } fr_h5_type;

hid_t fr_h5_memory_type(fr_h5_type type); /* borrowed */
size_t fr_h5_type_size(fr_h5_type type);

/* A column of `n` numbers that lie `stride` bytes apart, or that `next` hands over in ascending
 * slabs: fill out[0 .. n) with the packed elements first .. first + n - 1. */
typedef struct {
    const char *path;
    fr_h5_type type;
    size_t n;
    const void *data;
    size_t stride; /* 0 = packed */
    void (*next)(void *context, size_t first, size_t n, void *out);
    void *context;
    const char *unit, *about; /* may be NULL */
} fr_h5_column;

/* A column of `n` texts; text(context, i) is valid until the next call. NULL stands for "". */
typedef struct {
    const char *path;
    size_t n;
    const char *(*text)(void *context, size_t i);
    void *context;
    size_t limit; /* longer ones are cut at a character's boundary; 0 = no limit */
    const char *about;
} fr_h5_texts;

void fr_h5_put_group(fr_h5_out *out, const char *path);
void fr_h5_put_column(fr_h5_out *out, const fr_h5_column *column);
void fr_h5_put_texts(fr_h5_out *out, const fr_h5_texts *texts);
/* texts[i] of an array of pointers: the usual `text` of fr_h5_texts. */
const char *fr_h5_text_of_array(void *texts, size_t i);
void fr_h5_put_matrix(fr_h5_out *out, const char *path, const float *data, size_t rows,
                      size_t cols);
void fr_h5_put_scalar(fr_h5_out *out, const char *path, fr_h5_type type, const void *value);
void fr_h5_put_scalar_text(fr_h5_out *out, const char *path, const char *text);
void fr_h5_put_attribute(fr_h5_out *out, const char *path, const char *name, fr_h5_type type,
                         const void *value);
void fr_h5_put_text_attribute(fr_h5_out *out, const char *path, const char *name,
                              const char *text);

/* In h5_get.c: reading. */

typedef struct {
    hid_t file;
    fr_h5_quiet quiet;
    const char *path; /* for messages; borrowed */
    uint64_t bytes;   /* size of the file: what it can hold at most follows from this */
} fr_h5_in;

FR_CHECKED fr_status fr_h5_in_open(const char *path, fr_h5_in *out);
void fr_h5_in_close(fr_h5_in *in);

/* A group as a file of its own, paths beginning there; `name` is borrowed, for messages. */
FR_CHECKED fr_status fr_h5_in_enter(const fr_h5_in *in, const char *path, const char *name,
                                    fr_h5_in *out);
void fr_h5_in_leave(fr_h5_in *group);

/* Whether a hard link of this name is there. */
bool fr_h5_has(const fr_h5_in *in, const char *path);

/* Length of a column (0 dimensions count as one element). */
FR_CHECKED fr_status fr_h5_get_count(const fr_h5_in *in, const char *path, size_t *n);

/* Exactly n numbers, converted to `type`. Integers are read from integers only. */
FR_CHECKED fr_status fr_h5_get_column(const fr_h5_in *in, const char *path, fr_h5_type type,
                                      size_t n, void *out);
/* The same into new memory, for a column of any length; `out` is the address of a pointer to
 * the C type. */
FR_CHECKED fr_status fr_h5_get_all(const fr_h5_in *in, const char *path, fr_h5_type type,
                                   void *out, size_t *n);
FR_CHECKED fr_status fr_h5_get_matrix(const fr_h5_in *in, const char *path, size_t rows,
                                      size_t cols, float *out);

/* n texts in one block, each `width` bytes with its terminator. */
typedef struct {
    char *data; /* owned; free */
    size_t width, n;
} fr_h5_block;

FR_CHECKED fr_status fr_h5_get_texts(const fr_h5_in *in, const char *path, fr_h5_block *out);
const char *fr_h5_text(const fr_h5_block *block, size_t i);
/* A scalar text; owned by the caller. */
FR_CHECKED fr_status fr_h5_get_scalar_text(const fr_h5_in *in, const char *path, char **out);
/* `path` is there; files of before may lack the attribute. */
bool fr_h5_has_attribute(const fr_h5_in *in, const char *path, const char *name);
FR_CHECKED fr_status fr_h5_get_attribute(const fr_h5_in *in, const char *path, const char *name,
                                         fr_h5_type type, void *out);
FR_CHECKED fr_status fr_h5_get_text_attribute(const fr_h5_in *in, const char *path,
                                              const char *name, char **out);

/* In tables.c: the columns that writer and reader share. */

typedef struct {
    const char *path;
    fr_h5_type type;
    size_t offset; /* of the field in the row's struct */
    const char *unit, *about;
} fr_table_column;

/* A table: an array of structs on our side, a group of columns in the file. */
typedef struct {
    const char *path; /* of the group */
    const fr_table_column *columns;
    size_t n_columns;
    size_t n_always; /* columns that every file has; the rest came later */
    size_t row_size; /* bytes of the struct */
} fr_table;

/* One row of /trials. */
typedef struct {
    uint64_t id, epochs;
    uint32_t folds_done, folds_cancelled;
    double score_mean, score_se, seconds;
    fr_trial_state state;
    const char *message; /* borrowed */
} fr_trial_row;

/* One row of /model/preprocessing. */
typedef struct {
    uint32_t first, width, places;
    float fill, shift, factor;
} fr_feature_row;

extern const fr_table fr_trial_table; /* of fr_trial_row */
extern const fr_table fr_fold_table;  /* of fr_fold_result */
extern const fr_table fr_rank_table;  /* of fr_rank_record, but for the host */
extern const fr_table fr_feature_table;

/* The numeric columns of n structs; rows[i] points to the i-th. */
void fr_table_put(fr_h5_out *out, const fr_table *table, const void *const rows[], size_t n);
/* The same back into zeroed rows, all columns of n. */
FR_CHECKED fr_status fr_table_get(const fr_h5_in *in, const fr_table *table, void *rows,
                                  size_t n);
/* Rows of the table; refuses more than a file of this size can mean. */
FR_CHECKED fr_status fr_table_count(const fr_h5_in *in, const char *path, size_t *n);

/* What /trials says of trial i. */
fr_trial_row fr_trial_row_make(const fr_history *history, size_t i);

extern const char *const fr_feature_kind_words[]; /* by fr_feature_kind; NULL-terminated */
extern const char *const fr_column_kind_words[];  /* by fr_column_kind; NULL-terminated */
extern const char *const fr_learn_words[];        /* by fr_learn; NULL-terminated */

/* The parts of a results file, in NAME_put.c and NAME_get.c. */

void fr_history_put(fr_h5_out *out, const fr_history *history);
/* /trials, /folds and /curves into an empty history of the study. */
FR_CHECKED fr_status fr_history_get(const fr_h5_in *in, const fr_study *study,
                                    fr_history *history);

/* In scores.c: /study/objectives; what several objectives add to /trials, /folds, /selection.
 */
void fr_goals_put(fr_h5_out *out, const fr_study *study);
void fr_scores_put(fr_h5_out *out, const fr_results *results);
void fr_fronts_put(fr_h5_out *out, const fr_results *results);
FR_CHECKED fr_status fr_scores_get_folds(const fr_h5_in *in, const fr_study *study,
                                         fr_fold_result *folds, size_t n);
FR_CHECKED fr_status fr_scores_compare(const fr_h5_in *in, const fr_study *study,
                                       const fr_history *history);
FR_CHECKED fr_status fr_fronts_get(const fr_h5_in *in, fr_results_file *results);

/* In points.c: points[i] of a space, or NULL, as columns of a group; back as (n, space->n), not
 * checked. */
void fr_points_put(fr_h5_out *out, const char *group, const fr_space *space,
                   const double *const *points, size_t n);
FR_CHECKED fr_status fr_points_get(const fr_h5_in *in, const char *group, const fr_space *space,
                                   size_t n, double *points);

/* The state with this word, in history_get.c. */
bool fr_trial_state_find(const char *word, fr_trial_state *out);

/* /nested; empty when it is not there. The caller clears *out, also on failure. */
void fr_nested_put(fr_h5_out *out, const fr_study *study, const fr_nested *nested);
FR_CHECKED fr_status fr_nested_get(const fr_h5_in *in, const fr_study *study, fr_nested *out);

void fr_model_put(fr_h5_out *out, const fr_model *model);

/* What a convolution has beside its weights, (out) each: names in the file and offsets in the
 * block of parameters; returns how many. */
enum { FR_CONV_COLUMNS = 4 };
typedef struct {
    const char *name;
    size_t at;
} fr_conv_column;
size_t fr_conv_columns(const fr_stem *stem, const fr_conv *conv,
                       fr_conv_column out[FR_CONV_COLUMNS]);

/* model_counts.c: its part that concerns texts and counts. */
void fr_counts_put(fr_h5_out *out, const fr_model *model);
FR_CHECKED fr_status fr_counts_get(const fr_h5_in *in, fr_model *model);
/* model_projection.c: a projection, if it has one; the width is that of the features before. */
void fr_projection_put(fr_h5_out *out, const fr_projection *projection);
FR_CHECKED fr_status fr_projection_get(const fr_h5_in *in, fr_transform *transform);
/* The caller clears *out, also on failure. */
FR_CHECKED fr_status fr_model_get(const fr_h5_in *in, fr_model *out);

/* In trees.c: /model/trees. The caller clears *out, also on failure. */
void fr_trees_put(fr_h5_out *out, const fr_trees *trees);
FR_CHECKED fr_status fr_trees_get(const fr_h5_in *in, size_t n_scores, size_t width,
                                  fr_trees *out);

/* /ensemble. Its members are read when `single` is the model beside them, NULL: only what they
 * are and score. The caller clears *out, also on failure. */
void fr_ensemble_put(fr_h5_out *out, const fr_study *study, const fr_ensemble *ensemble);
FR_CHECKED fr_status fr_ensemble_get(const fr_h5_in *in, const fr_study *study,
                                     const fr_model *single, fr_ensemble *out);

/* A group with row, target and output, /test; nothing when there are no rows, or so many
 * outputs that they would outgrow the file. */
void fr_scored_put(fr_h5_out *out, const char *group, const fr_scored *scored,
                   size_t n_outputs);
/* Empty when it is not there. The caller clears *out, also on failure. */
FR_CHECKED fr_status fr_scored_get(const fr_h5_in *in, const char *group, const fr_model *model,
                                   fr_scored *out);

/* /model/calibration; nothing when the model has learnt nothing. In calibration.c. */
void fr_calibration_put(fr_h5_out *out, const fr_calibration *calibration);
/* Into a model whose family and classes are known. */
FR_CHECKED fr_status fr_calibration_get(const fr_h5_in *in, fr_model *model);
/* /calibration: what it was worth; nothing when the settings are "". */
void fr_calibration_report_put(fr_h5_out *out, const fr_calibration_report *report);
FR_CHECKED fr_status fr_calibration_report_get(const fr_h5_in *in, fr_calibration_report *out);

/* /explain, of the model that stands beside it. */
void fr_explanation_put(fr_h5_out *out, const fr_explanation *explanation,
                        const fr_model *model);
/* The caller clears *out, also on failure. */
FR_CHECKED fr_status fr_explanation_get(const fr_h5_in *in, const fr_model *model,
                                        fr_explanation *out);

#endif
