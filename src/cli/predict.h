/* SPDX-License-Identifier: BSD-3-Clause */
/* predict.h - the two halves of `foldrank predict`: getting model and data to all ranks
 * (cmd_predict.c), and rows through them and out in order (predict_rows.c). */
#ifndef FR_PREDICT_H
#define FR_PREDICT_H

#include <mpi.h>
#include <stdio.h>

#include "foldrank/data.h"
#include "foldrank/ensemble.h"
#include "foldrank/model.h"
#include "foldrank/status.h"

/* What every rank has. */
typedef struct {
    MPI_Comm comm;
    int rank, size;
    const fr_ensemble *ensemble; /* one member: a single model */
    const fr_model *model;       /* its first member: all speak of the same outputs */
    const fr_dataset *dataset;
    bool want_csv;     /* else only the outputs */
    bool want_outputs; /* root gathers all outputs: for a metric or an HDF5 file */
} fr_predict_job;

/* Predict all rows. Root writes the CSV to `out` and gets the outputs, (rows, n_outputs), in
 * *outputs (owned by the caller; NULL when not wanted); both are NULL on the other ranks. The
 * result does not depend on the number of ranks. Collective. */
FR_CHECKED fr_status fr_predict_rows(const fr_predict_job *job, FILE *out, float **outputs);

#endif
