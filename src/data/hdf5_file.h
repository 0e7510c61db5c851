/* SPDX-License-Identifier: BSD-3-Clause */
/* hdf5_file.h - what the files that read and write HDF5 share. Only they include hdf5.h. */
#ifndef FR_DATA_HDF5_FILE_H
#define FR_DATA_HDF5_FILE_H

#include <hdf5.h>

#include "internal.h"

/* HDF5 prints a stack for every error, also for a question answered no. */
typedef struct {
    H5E_auto2_t print;
    void *context;
} fr_hdf5_quiet;
fr_hdf5_quiet fr_hdf5_hush(void);
void fr_hdf5_unhush(fr_hdf5_quiet quiet);

/* Strings of a data set or attribute, as new ones. `where` is for messages. */
FR_CHECKED fr_status fr_hdf5_strings(hid_t object, bool is_attribute, const char *where,
                                     char ***out, size_t *n);
FR_CHECKED fr_status fr_hdf5_write_strings(hid_t file, const char *name, char *const *items,
                                           size_t n);
/* "data sets: `X` (10 x 3), ..." of the top of a file. */
FR_CHECKED fr_status fr_hdf5_contents(hid_t file, char **out);

typedef struct {
    fr_reader base;
    hid_t file, x;
    size_t x_cols;
    hid_t *set; /* 1-D data sets: columns x_cols and on */
    size_t n_sets, sets_capacity;
    size_t row, batch; /* next row; rows in a batch */
    double *values;    /* (batch, cols) */
    double *scratch;
} fr_hdf5_reader;

/* Open X, the target and the side columns; sets cols, rows, cell and the default names. */
FR_CHECKED fr_status fr_hdf5_find_columns(fr_hdf5_reader *h, const fr_data_options *options);
/* Names of columns, classes and levels, where the file has them. */
FR_CHECKED fr_status fr_hdf5_find_names(fr_hdf5_reader *h);

#endif
