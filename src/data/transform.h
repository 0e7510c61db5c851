/* SPDX-License-Identifier: BSD-3-Clause */
/* transform.h - between the files that fit, apply and store a transform. */
#ifndef FR_DATA_TRANSFORM_H
#define FR_DATA_TRANSFORM_H

#include "foldrank/preprocess.h"

/* Neighbouring columns that become neighbouring outputs. */
typedef struct {
    size_t from, to, n; /* first column, first output, how many */
} fr_run;

/* All numbers by runs; then the one-hot columns. */
struct fr_transform_plan {
    float *fill, *shift, *factor; /* (cols) */
    int32_t *to;                  /* (cols) output of a column of numbers, or -1 */
    fr_run *runs;
    size_t n_runs;
    size_t *onehot; /* their columns */
    size_t n_onehot;
};

/* Lay out the features; an earlier layout is replaced. */
FR_CHECKED fr_status fr_transform_make_plan(fr_transform *transform);

/* Keep the features of a fitted transform that the options ask for. Errors: FR_ERR_DATA (chi2
 * of values below 0), FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_transform_select(const fr_preprocess_options *options,
                                         const fr_dataset *dataset, const uint32_t *rows,
                                         size_t n, fr_transform *transform);

/* score (width): what each feature says about the target, looked at alone [nats]. Errors:
 * FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_mutual_information(const fr_transform *transform,
                                           const fr_dataset *dataset, const uint32_t *rows,
                                           size_t n, double *score);

/* Project the features of a fitted transform, if the options say so. Errors: FR_ERR_DATA (they
 * do not vary), FR_ERR_NUMERIC, FR_ERR_MEMORY, and those of `solvers`, which may be NULL. */
FR_CHECKED fr_status fr_projection_fit(const fr_preprocess_options *options,
                                       const fr_dataset *dataset, const uint32_t *rows,
                                       size_t n, const fr_gram_source *solvers,
                                       fr_transform *transform);

/* A projection of `width` features, or none (NULL), as bytes. Errors: FR_ERR_FORMAT,
 * FR_ERR_MEMORY. */
void fr_projection_pack(const fr_projection *projection, fr_pack *out);
FR_CHECKED fr_status fr_projection_unpack(fr_unpack *in, size_t width, fr_projection **out);

/* fr_transform_apply through the projection. */
void fr_transform_project(const fr_transform *transform, const fr_dataset *dataset,
                          const uint32_t *rows, size_t n, float *out, size_t stride);

/* Columns [from, from + n) of dense rows as if all were numbers: out (n_rows, n). */
void fr_transform_numbers(const fr_transform *transform, const fr_dataset *dataset,
                          const uint32_t *rows, size_t n_rows, const fr_run *columns,
                          float *out);

/* What becomes of a cell: the output and its value; false: all its outputs are 0. */
bool fr_transform_cell(const fr_feature *feature, float cell, size_t *output, float *value);
/* A cell as tfidf counts it. */
float fr_transform_weigh(const fr_transform *transform, float cell);
/* Whether the features of a row of zeros are zeros. */
bool fr_transform_features_keep_zeros(const fr_transform *transform);

/* Cell number i = row * cols + column of dense data. */
float fr_dense_cell(const fr_dataset *dataset, size_t i);

/* fr_transform_fit of the columns of a sparse data set. */
FR_CHECKED fr_status fr_transform_fit_sparse(const fr_preprocess_options *options,
                                             const fr_dataset *dataset, const uint32_t *rows,
                                             size_t n, fr_transform *out);
/* Whether the options make a feature of the n-gram in the column `name`; of all. */
bool fr_transform_has_term(const fr_preprocess_options *options, const fr_text_settings *text,
                           const char *name);
bool fr_transform_has_all_terms(const fr_preprocess_options *options);
extern const char fr_transform_no_shift[]; /* why it refuses some scalings, and what to do */

/* fr_transform_apply of a dense data set by a transform that was fitted to a sparse one. */
void fr_transform_apply_tfidf(const fr_transform *transform, const fr_dataset *dataset,
                              const uint32_t *rows, size_t n, float *out, size_t stride);

/* fr_transform_apply of a sparse data set. */
void fr_transform_expand(const fr_transform *transform, const fr_dataset *dataset,
                         const uint32_t *rows, size_t n, float *out, size_t stride);

/* The training rows' cells of one column: as how often each value occurs (narrow integers), or
 * as values. */
typedef struct {
    const uint32_t *count; /* (bins) of the values low, low + 1, ...; or NULL */
    size_t bins;
    int low;
    float *values; /* (n): those that are not missing, in row order; get overwritten */
    size_t n_values;
    size_t n;         /* rows */
    uint32_t *key[2]; /* (n) scratch, with values */
} fr_cells;

/* What a column of numbers looks like after imputing. */
typedef struct {
    bool constant;
    double fill;
    double low, high, mean, deviation; /* of all rows, filled */
    double q25, q50, q75;              /* for robust scaling; as numpy's linear quantiles */
} fr_summary;

void fr_cells_summarise(const fr_cells *cells, const fr_preprocess_options *options,
                        fr_summary *out);
/* n > 0 values; q in [0, 1]. */
double fr_quantile(const fr_cells *cells, size_t n, double q);

#endif
