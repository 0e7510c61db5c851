/* SPDX-License-Identifier: BSD-3-Clause */
/* bench.c - the rate of training, measured on what users run: fr_fit. */
#include <stdlib.h>

#include "foldrank/clock.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "internal.h"

typedef struct {
    const char *name;
    size_t rows, inputs, classes;
    int64_t hidden, batch, epochs;
} bench_case;

static const bench_case cases[FR_TRAINING_RATES] = {
    {"64-128-10, batch 32, adam", 1440, 64, 10, 128, 32, 5},
    {"784-512-10, batch 128, adam", 1280, 784, 10, 512, 128, 1},
};

/* A data set of bytes in memory, as the digits and the images are that these networks are for.
 */
typedef struct {
    fr_dataset dataset;
    fr_column *columns;
    uint8_t *x;
    float *y;
    uint32_t *rows;
} bench_data;

static void clear_data(bench_data *data)
{
    free(data->columns);
    free(data->x);
    free(data->y);
    free(data->rows);
}

/* Short fits, of which the best counts: the machine may have other things to do. Classes are
 * told apart by one feature each, so that the loss falls as it does on real data.
 */
static fr_status make_data(const bench_case *c, bench_data *out)
{
    bench_data d = {.columns = fr_alloc(c->inputs, sizeof *d.columns),
                    .x = fr_alloc(c->rows * c->inputs, sizeof *d.x),
                    .y = fr_alloc(c->rows, sizeof *d.y),
                    .rows = fr_alloc(c->rows, sizeof *d.rows)};
    if (d.columns == NULL || d.x == NULL || d.y == NULL || d.rows == NULL) {
        clear_data(&d);
        return FR_ERR_MEMORY;
    }
    fr_rng rng = fr_rng_make(1, FR_RNG_NOISE, 0, 0, 0);
    for (size_t i = 0; i < c->rows; i++) {
        d.rows[i] = (uint32_t)i;
        d.y[i] = (float)fr_rng_below(&rng, c->classes);
        for (size_t j = 0; j < c->inputs; j++)
            d.x[i * c->inputs + j] =
                (uint8_t)(fr_rng_below(&rng, 128) + (j == (size_t)d.y[i] ? 127 : 0));
    }
    d.dataset = (fr_dataset){.schema = {.rows = c->rows,
                                        .cols = c->inputs,
                                        .cell = FR_CELL_U8,
                                        .columns = d.columns,
                                        .learn = FR_LEARN_CLASSIFICATION,
                                        .n_classes = c->classes,
                                        .has_target = true},
                             .x = d.x,
                             .y = d.y};
    *out = d;
    return FR_OK;
}

static fr_status make_recipe(const bench_case *c, fr_recipe *out)
{
    size_t n;
    const fr_option *rows = fr_model_option_table(FR_FAMILY_MLP, &n);
    *out = (fr_recipe){.model.family = FR_FAMILY_MLP};
    FR_TRY(fr_option_defaults(rows, n, &out->model));
    FR_TRY(fr_option_defaults(fr_train_option_table, fr_train_option_count, &out->train));
    FR_TRY(fr_option_defaults(fr_preprocess_option_table, fr_preprocess_option_count,
                              &out->preprocess));
    out->model.hidden = (fr_ints){.value = {c->hidden}, .n = 1};
    out->train.optimizer = FR_OPT_ADAM;
    out->train.batch_size = c->batch;
    out->train.epochs = c->epochs;
    return FR_OK;
}

static fr_status run_case(const bench_case *c, double seconds, fr_training_rate *out)
{
    bench_data data;
    fr_recipe recipe;
    fr_prepared prepared = {0};
    const size_t n[2] = {c->rows, 0};
    const double start = fr_clock_now();
    FR_TRY(make_recipe(c, &recipe));
    FR_TRY(make_data(c, &data));
    const uint32_t *const rows[2] = {data.rows, NULL};
    fr_status st = fr_prepare(&recipe.preprocess, &data.dataset, rows, n, NULL, &prepared);
    const fr_fit_request request = {.dataset = &data.dataset,
                                    .train = data.rows,
                                    .n_train = c->rows,
                                    .recipe = &recipe,
                                    .prepared = &prepared,
                                    .metric = FR_METRIC_ACCURACY,
                                    .threads = 1};
    *out = (fr_training_rate){.name = c->name};
    while (st == FR_OK) {
        fr_fold_result result;
        st = fr_fit(&request, &result, NULL);
        if (st != FR_OK) break;
        if (result.samples_per_second > out->samples_per_second)
            out->samples_per_second = result.samples_per_second;
        free(result.curve);
        free(result.message);
        if (fr_clock_now() - start >= seconds) break;
    }
    out->gflops = 1e-9 * out->samples_per_second *
                  fr_model_flops_training(&recipe.model, c->inputs, c->classes);
    fr_prepared_clear(&prepared);
    clear_data(&data);
    return st;
}

fr_status fr_bench_training(double seconds, fr_training_rate out[FR_TRAINING_RATES])
{
    for (size_t i = 0; i < FR_TRAINING_RATES; i++)
        FR_TRY(run_case(&cases[i], seconds, &out[i]));
    return FR_OK;
}
