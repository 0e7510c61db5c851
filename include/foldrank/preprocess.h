/* SPDX-License-Identifier: BSD-3-Clause */
/* preprocess.h - impute, scale, encode, select, project: fitted on the training rows of one
 * fold, applied while rows are gathered. Nothing is learned from validation or test rows. All
 * Local. */
#ifndef FR_PREPROCESS_H
#define FR_PREPROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "foldrank/data.h"
#include "foldrank/gram.h"
#include "foldrank/option.h"
#include "foldrank/pack.h"
#include "foldrank/status.h"

typedef enum {
    FR_IMPUTE_MEAN,
    FR_IMPUTE_MEDIAN,
    FR_IMPUTE_MOST_FREQUENT,
    FR_IMPUTE_CONSTANT
} fr_impute;
typedef enum {
    FR_SCALE_NONE,
    FR_SCALE_STANDARD,
    FR_SCALE_MINMAX,
    FR_SCALE_ROBUST,
    FR_SCALE_MAXABS,
    FR_SCALE_TFIDF /* sparse data: TfidfTransformer, rows of length 1 */
} fr_scale;
typedef enum { FR_ENCODE_ONEHOT, FR_ENCODE_ORDINAL } fr_encode;

typedef enum {
    FR_SELECT_ALL,
    FR_SELECT_VARIANCE,
    FR_SELECT_F_TEST,
    FR_SELECT_CHI2,
    FR_SELECT_MUTUAL_INFORMATION
} fr_select_features;

/* Study key `preprocess`. Any of these may be a hyperparameter. */
typedef struct {
    int impute; /* fr_impute */
    double fill_value;
    int scale;  /* fr_scale */
    int encode; /* fr_encode */
    bool drop_constant;
    bool sublinear; /* tfidf: 1 + ln(count) */
    bool idf;       /* tfidf: times 1 + ln((1 + rows) / (1 + rows that have it)) */
    fr_ints text_words, text_chars; /* lengths of a text's n-grams that are features, of those
                                     * that are counted; {0}: all */
    int64_t min_rows;               /* sparse: training rows that a feature must be in */
    double max_share;               /* sparse: share of them that it may be in at most */
    bool scale_target;    /* regression: train on the standardised target; predictions are given
                           * back in its own unit */
    int select_features;  /* fr_select_features */
    double keep_features; /* their number, below 1 their share */
    double pca;  /* principal components, below 1 the share of the variance that they explain;
                  * 0: none */
    bool whiten; /* pca: to variance 1 */
    int64_t pca_distribute_from; /* pca: a larger matrix is all ranks' work; 0 = never */
    int64_t fourier;             /* random Fourier features; 0: none */
    double fourier_gamma;        /* of the kernel exp(-gamma |x - y|^2); 0: 1 / inputs */
    bool fourier_orthogonal;     /* in orthogonal directions */
    int64_t fourier_seed;
} fr_preprocess_options;

extern const fr_option fr_preprocess_option_table[];
extern const size_t fr_preprocess_option_count;

typedef enum {
    FR_FEATURE_DROP,
    FR_FEATURE_NUMERIC,
    FR_FEATURE_ONEHOT,
    FR_FEATURE_ORDINAL
} fr_feature_kind;

/* What becomes of one column. NUMERIC and ORDINAL: out[first] = (x - shift) * factor with x =
 * fill where missing. ONEHOT: out[first + place[level]] = 1, the others 0; a level that the
 * training rows did not have is all zeros, and so is a missing one, unless impute is
 * most_frequent: then fill is the level that stands in for it, else -1. A fill of NaN leaves a
 * missing number missing. ORDINAL imputes the most frequent level whatever impute says: a mean
 * of levels means nothing. */
typedef struct {
    int kind;     /* fr_feature_kind */
    size_t first; /* index of its first output */
    size_t width; /* outputs: 0, 1, or the number of levels seen */
    float fill, shift, factor;
    int32_t *place; /* ONEHOT: (n_levels of the column), -1 = not seen; owned */
    size_t n_place;
} fr_feature;

/* What may follow the features: out = features weights + bias, and of random Fourier features
 * amplitude times the cosine of that. */
typedef struct {
    size_t in, out;
    float *weights;  /* (in, out); owned, as is bias */
    float *bias;     /* (out) */
    float amplitude; /* 0: no cosine */
} fr_projection;

typedef struct {
    fr_feature *features;               /* (cols) */
    size_t cols;                        /* inputs: columns of the data set */
    size_t width;                       /* outputs: of the features, or of the projection */
    fr_projection *projection;          /* NULL: none; owned */
    bool tfidf, sublinear;              /* rows get length 1; after 1 + ln(x) of cells > 0 */
    double target_shift, target_factor; /* trained value = (y - shift) * factor; 0 and 1 */
    struct fr_transform_plan *plan;     /* the same, laid out for fr_transform_apply; owned */
} fr_transform;

/* Learn from rows[0..n) of the data set, as scikit-learn's SimpleImputer, StandardScaler,
 * MinMaxScaler, RobustScaler, MaxAbsScaler and OneHotEncoder do: first impute, then scale what
 * came out. Sums run in row order, in double. A column without any value is constant. A
 * constant column that is not dropped has factor 1. Then features are selected, by scores as
 * scikit-learn's VarianceThreshold, f_classif, f_regression and chi2 have them, or by mutual
 * information. In the end they are projected: on principal components as scikit-learn's PCA,
 * the largest loading of each positive, or to random Fourier features as RBFSampler, or both,
 * one after the other.
 * Errors: FR_ERR_DATA without rows, or when the scaling would shift sparse data; FR_ERR_MEMORY.
 */
FR_CHECKED fr_status fr_transform_fit(const fr_preprocess_options *options,
                                      const fr_dataset *dataset, const uint32_t *rows, size_t n,
                                      fr_transform *out);
/* The same; principal components of more features, or rows if these are fewer, than
 * pca_distribute_from are computed by a solver of `solvers`, equal to rounding. NULL: none.
 * Errors: also those of the source and its solver. */
FR_CHECKED fr_status fr_transform_fit_shared(const fr_preprocess_options *options,
                                             const fr_dataset *dataset, const uint32_t *rows,
                                             size_t n, const fr_gram_source *solvers,
                                             fr_transform *out);
/* Whether that is so for so many rows and features. */
bool fr_components_are_shared(const fr_preprocess_options *options, size_t rows,
                              size_t features);

/* Of `width` features, how many the selection leaves; and what comes out of the projection, at
 * most. */
size_t fr_preprocess_kept(const fr_preprocess_options *options, size_t width);
size_t fr_preprocess_width(const fr_preprocess_options *options, size_t width);
/* Features before the projection: outputs of the columns. */
size_t fr_transform_features(const fr_transform *transform);
/* The first number below 0 in rows[0..n), which chi2 cannot take; false: none. */
typedef struct {
    uint32_t row;
    size_t column;
    float value;
} fr_negative;
bool fr_dataset_find_negative(const fr_dataset *dataset, const uint32_t *rows, size_t n,
                              fr_negative *out);
void fr_transform_clear(fr_transform *transform);
/* Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_transform_copy(const fr_transform *from, fr_transform *to);

/* out (n, stride) row-major, stride >= width; columns width .. stride-1 are set to 0. The data
 * set has the columns of the one that was fitted. Never fails; called in the training loop. */
void fr_transform_apply(const fr_transform *transform, const fr_dataset *dataset,
                        const uint32_t *rows, size_t n, float *out, size_t stride);

/* Take numbers as they are: no scaling, and what is missing stays so (NaN, and 0 in all of a
 * category's inputs). For models that split by order and know of missing values. Counts that
 * tfidf weighs within a row stay weighed, and what is projected stays as it is. */
void fr_transform_as_is(fr_transform *transform);

/* Whether a row of zeros stays one: then sparse data stay sparse. */
bool fr_transform_keeps_zeros(const fr_transform *transform);

/* The most outputs that any of rows[0..n) has that are not 0. */
size_t fr_transform_most_values(const fr_transform *transform, const fr_dataset *dataset,
                                const uint32_t *rows, size_t n);

/* The same as fr_transform_apply, without zeros: rows of `out`, which has room for n of
 * fr_transform_most_values each. Of a data set that is sparse itself the transform must keep
 * zeros; of a dense one it may be any. Never fails; called in the training loop. */
void fr_transform_apply_sparse(const fr_transform *transform, const fr_dataset *dataset,
                               const uint32_t *rows, size_t n, fr_sparse_block *out);

/* A projection of zeros; *projection NULL when it fails. FR_ERR_MEMORY. `out` is above 0. */
FR_CHECKED fr_status fr_projection_create(size_t in, size_t out, fr_projection **projection);
void fr_projection_destroy(fr_projection **projection);

/* Name of output feature j, "age", "protocol=tcp", "component_1" or "fourier_1", appended to
 * out. */
void fr_transform_name(const fr_transform *transform, const fr_schema *schema, size_t j,
                       fr_text *out);

void fr_transform_pack(const fr_transform *transform, fr_pack *out);
/* Errors: FR_ERR_FORMAT when the bytes do not describe a transform; FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_transform_unpack(fr_unpack *in, fr_transform *out);

#endif
