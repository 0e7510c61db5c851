/* SPDX-License-Identifier: BSD-3-Clause */
/* transform_select.c - keep the features that say most, each looked at alone: by its variance,
 * by the F statistic of its regression or of the classes' means, by chi-squared of counts, or
 * by mutual information (mutual_information.c). The others' scores are those of scikit-learn's
 * VarianceThreshold, f_regression, f_classif and chi2.
 *
 * A feature is an output of the fitted transform: a number, or one level of a one-hot column.
 * What is not kept is a dropped column, or a level without a place; so whoever stores, applies
 * or exports a transform need not know of selection. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "transform.h"

enum { ROWS = 128 }; /* transformed at a time */

typedef struct {
    const fr_preprocess_options *options;
    const fr_dataset *dataset;
    const uint32_t *rows;
    size_t n;
    const fr_transform *transform;
    size_t width, classes;
    float *block;          /* (ROWS, width) */
    double *factor;        /* (width) of the output, and */
    double *shift;         /* what to add to the output / factor: the column's own unit,
                            * or that of TF-IDF */
    double *mean, *square; /* (width) of all rows; sum of squares around the mean */
    double *product;       /* (width) regression: sum of x y, both around their means */
    double *class_mean;    /* (classes, width) */
    size_t *class_rows;    /* (classes) */
} survey;

static fr_status survey_create(survey *s)
{
    const size_t w = s->width;
    s->block = fr_alloc(ROWS * w, sizeof *s->block);
    s->factor = fr_alloc(w, sizeof *s->factor);
    s->shift = fr_alloc(w, sizeof *s->shift);
    s->mean = fr_alloc(w, sizeof *s->mean);
    s->square = fr_alloc(w, sizeof *s->square);
    s->product = fr_alloc(w, sizeof *s->product);
    s->class_mean = fr_alloc(s->classes * w, sizeof *s->class_mean);
    s->class_rows = fr_alloc(s->classes, sizeof *s->class_rows);
    const bool good = s->block != NULL && s->factor != NULL && s->shift != NULL &&
                      s->mean != NULL && s->square != NULL && s->product != NULL &&
                      s->class_mean != NULL && s->class_rows != NULL;
    for (size_t c = 0; good && c < s->transform->cols; c++) {
        const fr_feature *f = &s->transform->features[c];
        const bool scaled = f->kind != FR_FEATURE_ONEHOT && !s->transform->tfidf;
        for (size_t j = f->first; j < f->first + f->width; j++) {
            s->factor[j] = scaled ? (double)f->factor : 1;
            s->shift[j] = scaled ? (double)f->shift : 0;
        }
    }
    return good ? FR_OK : FR_ERR_MEMORY;
}

static void survey_clear(survey *s)
{
    free(s->block);
    free(s->factor);
    free(s->shift);
    free(s->mean);
    free(s->square);
    free(s->product);
    free(s->class_mean);
    free(s->class_rows);
}

/* Transform rows [first, ...) into the block; returns how many. */
static size_t next_rows(const survey *s, size_t first)
{
    const size_t n = s->n - first < ROWS ? s->n - first : ROWS;
    fr_transform_apply(s->transform, s->dataset, s->rows + first, n, s->block, s->width);
    return n;
}

static size_t class_of(const survey *s, size_t i)
{
    return s->classes > 0 ? (size_t)s->dataset->y[s->rows[i]] : 0;
}

/* Means of all rows and of each class. */
static void find_means(survey *s)
{
    const size_t w = s->width;
    for (size_t first = 0, n; first < s->n; first += n) {
        n = next_rows(s, first);
        for (size_t i = 0; i < n; i++) {
            const float *x = s->block + i * w;
            const size_t k = class_of(s, first + i);
            for (size_t j = 0; j < w; j++) s->mean[j] += (double)x[j];
            if (s->classes == 0) continue;
            s->class_rows[k]++;
            for (size_t j = 0; j < w; j++) s->class_mean[k * w + j] += (double)x[j];
        }
    }
    for (size_t j = 0; j < w; j++) s->mean[j] /= (double)s->n;
    for (size_t k = 0; k < s->classes; k++)
        for (size_t j = 0; j < w && s->class_rows[k] > 0; j++)
            s->class_mean[k * w + j] /= (double)s->class_rows[k];
}

/* Squares around the mean - for F of classes around that of the class - and products with y. */
static void find_squares(survey *s, bool within, double y_mean)
{
    const size_t w = s->width;
    for (size_t first = 0, n; first < s->n; first += n) {
        n = next_rows(s, first);
        for (size_t i = 0; i < n; i++) {
            const float *x = s->block + i * w;
            const double *mean = within ? s->class_mean + class_of(s, first + i) * w : s->mean;
            const double y = (double)s->dataset->y[s->rows[first + i]] - y_mean;
            for (size_t j = 0; j < w; j++) {
                const double d = (double)x[j] - mean[j];
                s->square[j] += d * d;
                s->product[j] += d * y;
            }
        }
    }
}

static void score_variance(survey *s, double *score)
{
    find_squares(s, false, 0);
    for (size_t j = 0; j < s->width; j++)
        score[j] = s->square[j] / (double)s->n / (s->factor[j] * s->factor[j]);
}

/* Between classes over within: (B / (k - 1)) / (W / (n - k)). */
static void score_classes(survey *s, double *score)
{
    size_t present = 0;
    find_squares(s, true, 0);
    for (size_t k = 0; k < s->classes; k++) present += s->class_rows[k] > 0;
    for (size_t j = 0; j < s->width; j++) {
        double between = 0;
        for (size_t k = 0; k < s->classes; k++) {
            const double d = s->class_mean[k * s->width + j] - s->mean[j];
            if (s->class_rows[k] > 0) between += (double)s->class_rows[k] * d * d;
        }
        score[j] =
            between * ((double)s->n - (double)present) / (((double)present - 1) * s->square[j]);
    }
}

/* r^2 / (1 - r^2) (n - 2), r the correlation with the target. */
static void score_regression(survey *s, double *score)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < s->n; i++) mean += (double)s->dataset->y[s->rows[i]];
    mean /= (double)s->n;
    for (size_t i = 0; i < s->n; i++) {
        const double d = (double)s->dataset->y[s->rows[i]] - mean;
        square += d * d;
    }
    find_squares(s, false, mean);
    for (size_t j = 0; j < s->width; j++) {
        const double r2 = s->product[j] * s->product[j] / (s->square[j] * square);
        score[j] = r2 / (1 - r2) * ((double)s->n - 2);
    }
}

/* Sums of a class against its share of the sum of all: counts, in the column's own unit. */
static void score_chi2(const survey *s, double *score)
{
    for (size_t j = 0; j < s->width; j++) {
        const double total = s->mean[j] / s->factor[j] + s->shift[j];
        score[j] = 0;
        for (size_t k = 0; k < s->classes; k++) {
            const double rows = (double)s->class_rows[k];
            const double mean = s->class_mean[k * s->width + j] / s->factor[j] + s->shift[j];
            const double observed = rows * mean, expected = rows * total;
            if (rows > 0) score[j] += (observed - expected) * (observed - expected) / expected;
        }
    }
}

static bool note_negative(const fr_dataset *dataset, fr_negative cell, fr_negative *out)
{
    *out = cell;
    return cell.value < 0 && dataset->schema.columns[cell.column].kind == FR_COLUMN_NUMERIC;
}

bool fr_dataset_find_negative(const fr_dataset *dataset, const uint32_t *rows, size_t n,
                              fr_negative *out)
{
    const fr_sparse_rows *x = &dataset->sparse;
    const size_t cols = dataset->schema.cols;
    for (size_t i = 0; i < n; i++) {
        const uint32_t r = rows[i];
        if (dataset->schema.cell == FR_CELL_SPARSE) {
            for (uint64_t k = x->start[r]; k < x->start[r + 1]; k++)
                if (note_negative(dataset, (fr_negative){r, x->column[k], x->value[k]}, out))
                    return true;
            continue;
        }
        for (size_t c = 0; c < cols; c++) {
            const float value = fr_dense_cell(dataset, r * cols + c);
            if (note_negative(dataset, (fr_negative){r, c, value}, out)) return true;
        }
    }
    return false;
}

/* Chi-squared means nothing of values below 0. */
static fr_status check_counts(const survey *s)
{
    for (size_t first = 0, n; first < s->n; first += n) {
        n = next_rows(s, first);
        for (size_t i = 0; i < n * s->width; i++) {
            const size_t j = i % s->width;
            const double x = (double)s->block[i] / s->factor[j] + s->shift[j];
            if (x >= -1e-6 / s->factor[j]) continue;
            fr_text name = {0};
            fr_transform_name(s->transform, &s->dataset->schema, j, &name);
            const fr_status st = FR_FAIL(
                FR_ERR_DATA,
                "preprocess.select_features chi2 is for counts and categories; column %s has "
                "%.6g, which is below 0: take f_test or mutual_information",
                fr_text_get(&name), x);
            fr_text_clear(&name);
            return st;
        }
    }
    return FR_OK;
}

static fr_status find_scores(survey *s, double *score)
{
    find_means(s);
    switch (s->options->select_features) {
    case FR_SELECT_VARIANCE:
        score_variance(s, score);
        return FR_OK;
    case FR_SELECT_CHI2:
        FR_TRY(check_counts(s));
        score_chi2(s, score);
        return FR_OK;
    case FR_SELECT_MUTUAL_INFORMATION:
        return fr_mutual_information(s->transform, s->dataset, s->rows, s->n, score);
    default:
        if (s->classes > 0)
            score_classes(s, score);
        else
            score_regression(s, score);
        return FR_OK;
    }
}

typedef struct {
    double score;
    size_t output;
} candidate;

/* Best first; of equal ones the first; what has no score last. */
static int by_score(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->output > y->output) - (x->output < y->output);
}

static void drop_feature(fr_feature *f)
{
    free(f->place);
    f->place = NULL;
    f->n_place = f->width = 0;
    f->kind = FR_FEATURE_DROP;
}

/* Outputs close ranks. */
static void keep_outputs(fr_transform *t, const bool *kept)
{
    size_t width = 0;
    for (size_t c = 0; c < t->cols; c++) {
        fr_feature *f = &t->features[c];
        const bool *of = kept + f->first;
        int32_t places = 0;
        for (size_t l = 0; l < f->n_place; l++) {
            const int32_t place = f->place[l];
            f->place[l] = place >= 0 && of[place] ? places++ : -1;
        }
        if (f->kind == FR_FEATURE_ONEHOT) f->width = (size_t)places;
        const bool none = f->kind == FR_FEATURE_ONEHOT ? places == 0 : f->width == 1 && !of[0];
        if (none) drop_feature(f);
        f->first = width;
        width += f->width;
    }
    t->width = width;
}

size_t fr_preprocess_kept(const fr_preprocess_options *options, size_t width)
{
    const double wanted = options->keep_features;
    if (options->select_features == FR_SELECT_ALL) return width;
    const double n = wanted < 1 ? ceil(wanted * (double)width) : wanted;
    return n < (double)width ? (size_t)n : width;
}

size_t fr_preprocess_width(const fr_preprocess_options *options, size_t width)
{
    const size_t kept = fr_preprocess_kept(options, width);
    if (options->fourier > 0 && kept > 0) return (size_t)options->fourier;
    return options->pca >= 1 && options->pca < (double)kept ? (size_t)options->pca : kept;
}

fr_status fr_transform_select(const fr_preprocess_options *options, const fr_dataset *dataset,
                              const uint32_t *rows, size_t n, fr_transform *transform)
{
    const size_t width = transform->width, keep = fr_preprocess_kept(options, width);
    const bool classes = dataset->schema.learn == FR_LEARN_CLASSIFICATION;
    survey s = {.options = options,
                .dataset = dataset,
                .rows = rows,
                .n = n,
                .transform = transform,
                .width = width,
                .classes = classes ? dataset->schema.n_classes : 0};
    if (keep == width) return FR_OK;
    double *score = fr_alloc(width, sizeof *score);
    candidate *order = fr_alloc(width, sizeof *order);
    bool *kept = fr_alloc(width, sizeof *kept);
    fr_status st =
        score == NULL || order == NULL || kept == NULL ? FR_ERR_MEMORY : survey_create(&s);
    if (st == FR_OK) st = find_scores(&s, score);
    if (st == FR_OK) {
        for (size_t j = 0; j < width; j++)
            order[j] = (candidate){isnan(score[j]) ? -INFINITY : score[j], j};
        qsort(order, width, sizeof *order, by_score);
        for (size_t i = 0; i < keep; i++) kept[order[i].output] = true;
        keep_outputs(transform, kept);
        st = fr_transform_make_plan(transform);
    }
    survey_clear(&s);
    free(score);
    free(order);
    free(kept);
    return st;
}
