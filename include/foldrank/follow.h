/* SPDX-License-Identifier: BSD-3-Clause */
/* follow.h - look on while a run is at work, from this machine or another that shares the file
 * system. Nothing is locked and nothing is written: the journal is read on from where the last
 * look ended, study.yaml and the snapshot results.h5 when they were replaced. All Local. */
#ifndef FR_FOLLOW_H
#define FR_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "foldrank/history.h"
#include "foldrank/status.h"
#include "foldrank/store.h"
#include "foldrank/study.h"

typedef struct fr_follow fr_follow;

/* What is known at the moment. */
typedef struct {
    const fr_study *study;     /* NULL before the run has written it */
    const fr_history *history; /* NULL before the journal is there; both until the next look */
    const fr_outer_log *outer; /* counted folds and judged outer folds of nested
                                * cross-validation, likewise; NULL: the study has none */
    uint64_t trials;           /* that the search will make; 0 = no number is set */
    double elapsed_s;          /* end of the last fold on the study's clock [s] */
    bool at_work;              /* a run holds the directory */
    const char *owner;         /* "node7, process 123, job 45"; "" when nobody does */
    bool finished;             /* the search is over and the model selected */
} fr_follow_view;

/* `path` is the directory of a run, or the results.h5 in it. The directory may still be empty.
 * Errors: FR_ERR_DATA: there is no such directory, or it holds results without a journal, which
 * nobody goes on with; FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_follow_open(const char *path, fr_follow **out);

/* Look again. A file that is being replaced, or of which only a part has come through the
 * network, is looked at again next time. Errors: FR_ERR_FORMAT: a file that is damaged and
 * stays so; FR_ERR_IO, FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_follow_look(fr_follow *follow, fr_follow_view *view);

void fr_follow_close(fr_follow **follow);

#endif
