/* SPDX-License-Identifier: BSD-3-Clause */
/* fit_fixture.h - made-up data sets and fits on them. */
#ifndef TEST_FIT_FIXTURE_H
#define TEST_FIT_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "foldrank/train.h"

typedef struct {
    fr_dataset dataset;
    float *x, *y, *weight;
    uint32_t *rows;
} made;

/* Classes around corners of a cube, or a linear function of the features, both with noise. */
static inline made make_data(size_t rows, size_t cols, size_t classes)
{
    made d = {.x = fr_alloc(rows * cols, sizeof(float)),
              .y = fr_alloc(rows, sizeof(float)),
              .weight = fr_alloc(rows, sizeof(float)),
              .rows = fr_alloc(rows, sizeof(uint32_t))};
    fr_rng rng = fr_rng_make(3, FR_RNG_NOISE, rows, 0, 0);
    d.dataset.schema =
        (fr_schema){.rows = rows,
                    .cols = cols,
                    .cell = FR_CELL_F32,
                    .columns = fr_alloc(cols, sizeof(fr_column)),
                    .learn = classes > 0 ? FR_LEARN_CLASSIFICATION : FR_LEARN_REGRESSION,
                    .n_classes = classes,
                    .has_target = true};
    for (size_t j = 0; j < cols; j++) {
        char name[32];
        snprintf(name, sizeof name, "x%zu", j);
        d.dataset.schema.columns[j].name = fr_strdup(name);
    }
    d.dataset.schema.target_name = fr_strdup("y");
    d.dataset.schema.classes = fr_alloc(classes, sizeof(char *));
    for (size_t c = 0; c < classes; c++) d.dataset.schema.classes[c] = fr_strdup("class");
    for (size_t i = 0; i < rows; i++) {
        const size_t k = classes > 0 ? fr_rng_below(&rng, classes) : 0;
        double sum = 0.5;
        d.rows[i] = (uint32_t)i;
        d.weight[i] = 1.0f;
        for (size_t j = 0; j < cols; j++) {
            const double corner = classes > 0 && (k >> j % 4 & 1) ? 1.0 : -1.0;
            const double x = fr_rng_normal(&rng) + (classes > 0 ? corner : 0);
            d.x[i * cols + j] = (float)x;
            sum += x * ((double)j - 1.5);
        }
        d.y[i] = classes > 0 ? (float)k : (float)(sum + 0.1 * fr_rng_normal(&rng));
    }
    d.dataset.x = d.x;
    d.dataset.y = d.y;
    return d;
}

/* Ratings: column 0 is one of `users`, column 1 one of `items`, column 2 a number; the target
 * is a mean, what each likes and is liked, and a product of two factors each, with noise; or
 * whether it is above the mean. */
static inline made make_ratings(size_t rows, size_t users, size_t items, bool classes)
{
    made d = make_data(rows, 3, classes ? 2 : 0);
    const size_t levels[2] = {users, items};
    for (size_t j = 0; j < 2; j++) {
        fr_column *c = &d.dataset.schema.columns[j];
        c->kind = FR_COLUMN_CATEGORICAL;
        c->n_levels = levels[j];
        c->levels = fr_alloc(levels[j], sizeof *c->levels);
        for (size_t l = 0; l < levels[j]; l++) {
            char name[32];
            snprintf(name, sizeof name, "level%zu", l);
            c->levels[l] = fr_strdup(name);
        }
    }
    fr_rng rng = fr_rng_make(5, FR_RNG_NOISE, rows, 0, 0);
    for (size_t i = 0; i < rows; i++) {
        const size_t u = fr_rng_below(&rng, users), v = fr_rng_below(&rng, items);
        const double a = (double)u, b = (double)v;
        double y = sin(a) + cos(b) + sin(2 * a + 1) * sin(3 * b) + cos(5 * a) * cos(2 * b);
        y += 0.05 * fr_rng_normal(&rng);
        d.x[3 * i] = (float)u;
        d.x[3 * i + 1] = (float)v;
        d.y[i] = classes ? y > 0 : (float)(3 + y);
    }
    return d;
}

static inline void free_data(made *d)
{
    fr_schema_clear(&d->dataset.schema);
    free(d->x);
    free(d->y);
    free(d->weight);
    free(d->rows);
}

static inline fr_recipe make_recipe(fr_family family)
{
    size_t n;
    fr_recipe r;
    memset(&r, 0, sizeof r);
    const fr_option *table = fr_model_option_table(family, &n);
    assert_int_equal(fr_option_defaults(table, n, &r.model), FR_OK);
    assert_int_equal(fr_option_defaults(fr_train_option_table, fr_train_option_count, &r.train),
                     FR_OK);
    assert_int_equal(fr_option_defaults(fr_preprocess_option_table, fr_preprocess_option_count,
                                        &r.preprocess),
                     FR_OK);
    r.model.family = family;
    r.preprocess.scale = FR_SCALE_NONE;
    r.preprocess.scale_target = false;
    return r;
}

/* The first `n_train` rows train, the others validate. */
static inline fr_fit_request request_for(const made *d, const fr_recipe *recipe, size_t n_train,
                                         fr_metric metric)
{
    return (fr_fit_request){.dataset = &d->dataset,
                            .train = d->rows,
                            .valid = d->rows + n_train,
                            .n_train = n_train,
                            .n_valid = d->dataset.schema.rows - n_train,
                            .recipe = recipe,
                            .metric = metric,
                            .seed = 11,
                            .trial = 4,
                            .fold = 2,
                            .threads = 1};
}

static inline void free_result(fr_fold_result *r)
{
    free(r->curve);
    free(r->message);
}

/* Parameters after a fit, to be freed. */
static inline float *fit_params(const fr_fit_request *request, fr_fold_result *result)
{
    fr_model model;
    fr_fold_result own;
    assert_int_equal(fr_fit(request, &own, &model), FR_OK);
    float *params = model.params;
    model.params = NULL;
    fr_model_clear(&model);
    if (result != NULL)
        *result = own;
    else
        free_result(&own);
    return params;
}

#endif
