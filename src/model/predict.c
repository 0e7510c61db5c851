/* SPDX-License-Identifier: BSD-3-Clause */
/* predict.c - a trained model: what it costs, and what it says about new rows. */
#include <omp.h>
#include <stdlib.h>

#include "foldrank/kernel_ridge.h"
#include "foldrank/memory.h"
#include "internal.h"

enum { CHUNK = 128 }; /* rows of a batch: their levels stay in a core's second-level cache */

void fr_model_clear(fr_model *model)
{
    fr_schema_clear(&model->schema);
    fr_transform_clear(&model->transform);
    fr_calibration_clear(&model->calibration);
    free(model->params);
    fr_trees_clear(&model->trees);
    *model = (fr_model){0};
}

void fr_scored_clear(fr_scored *scored)
{
    free(scored->row);
    free(scored->target);
    free(scored->output);
    *scored = (fr_scored){0};
}

size_t fr_model_count_params(const fr_model_options *options, size_t inputs, size_t outputs)
{
    fr_network network;
    fr_network_make(options, FR_LEARN_CLASSIFICATION, inputs, outputs, &network);
    return network.n_params - (network.stem.n > 0 ? network.stem.n_statistics : 0);
}

double fr_model_flops_predict(const fr_model_options *options, size_t inputs, size_t outputs)
{
    fr_network network;
    fr_network_make(options, FR_LEARN_CLASSIFICATION, inputs, outputs, &network);
    if (network.factorises) return fr_factor_flops(&network, false);
    double flops = fr_stem_flops_predict(&network.stem);
    for (size_t l = 1; l <= network.n_layers; l++)
        flops += 2.0 * (double)network.width[l - 1] * (double)network.width[l];
    return flops;
}

/* Forward, gradient of the weights, and gradient of the level below where that is no input. */
double fr_model_flops_training(const fr_model_options *options, size_t inputs, size_t outputs)
{
    fr_network network;
    fr_network_make(options, FR_LEARN_CLASSIFICATION, inputs, outputs, &network);
    if (network.factorises) return fr_factor_flops(&network, true);
    const double convolutions = fr_stem_flops_predict(&network.stem);
    const double dense = fr_model_flops_predict(options, inputs, outputs) - convolutions;
    const double first = 2.0 * (double)network.width[0] * (double)network.width[1];
    return 3.0 * dense - (network.stem.n > 0 ? 0 : first) +
           fr_stem_flops_training(&network.stem);
}

double fr_model_flops(const fr_model *model)
{
    const size_t outputs = model->n_outputs;
    const size_t inputs =
        model->options.family == FR_FAMILY_FM ? model->schema.cols : model->transform.width;
    if (model->options.family == FR_FAMILY_XGBOOST) return fr_trees_flops(&model->trees);
    return model->options.family == FR_FAMILY_KERNEL
               ? fr_kernel_flops_predict(model->n_rows, inputs, outputs)
               : fr_model_flops_predict(&model->options, inputs, outputs);
}

bool fr_model_has_probabilities(const fr_model *model)
{
    return model->schema.learn == FR_LEARN_CLASSIFICATION &&
           (fr_family_has_probabilities((fr_family)model->options.family) ||
            model->calibration.method != FR_CALIBRATE_NONE);
}

/* What one thread predicts with. */
typedef struct {
    fr_batch batch;
    fr_sparse_block input; /* sparse network: its rows */
} predictor;

static fr_status create_predictor(const fr_network *network, size_t rows, size_t most_values,
                                  predictor *out)
{
    FR_TRY(fr_batch_create(network, rows, false, &out->batch));
    return network->sparse ? fr_sparse_reserve(&out->input, rows, rows * most_values) : FR_OK;
}

static void predict_chunk(const fr_model *model, const fr_dataset *dataset,
                          const uint32_t *rows, predictor *p, float *output)
{
    const fr_transform *t = &model->transform;
    fr_batch *batch = &p->batch;
    if (batch->network->sparse) {
        fr_transform_apply_sparse(t, dataset, rows, batch->rows, &p->input);
        batch->input = fr_sparse_view(&p->input);
    } else {
        fr_batch_load(batch, t, dataset, rows);
    }
    fr_batch_forward(batch, model->params);
    if (model->calibration.method == FR_CALIBRATE_NONE) {
        fr_head_output(batch, output);
    } else {
        fr_head_scores(batch, output);
        fr_calibration_apply(&model->calibration, output, batch->rows, model->n_outputs);
    }
    if (model->schema.learn == FR_LEARN_REGRESSION)
        for (size_t i = 0; i < batch->rows; i++)
            output[i] = (float)((double)output[i] / t->target_factor + t->target_shift);
}

/* Threads for n rows: none is called for work of less than about a millisecond. Where ranks
 * share processors, waiting for another thread costs more than that. */
static size_t team_for(const fr_model *model, size_t n, size_t n_chunks)
{
    const double least_flops = 4e7;
    const double flops =
        (double)n *
        fr_model_flops_predict(&model->options, model->transform.width, model->n_outputs);
    size_t team = (size_t)omp_get_max_threads();
    if (team > n_chunks) team = n_chunks;
    if ((double)team > flops / least_flops) team = (size_t)(flops / least_flops);
    return team > 0 ? team : 1;
}

fr_status fr_model_predict(const fr_model *model, const fr_dataset *dataset,
                           const uint32_t *rows, size_t n, float *output)
{
    const size_t n_chunks = (n + CHUNK - 1) / CHUNK, n_outputs = model->n_outputs;
    const size_t team = team_for(model, n, n_chunks);
    fr_network network;
    fr_status st = FR_OK;
    if (n == 0) return FR_OK;
    if (model->options.family == FR_FAMILY_KERNEL) {
        FR_TRY(fr_kernel_predict(model, dataset, rows, n, output));
        fr_calibration_apply(&model->calibration, output, n, n_outputs);
        return FR_OK;
    }
    if (model->options.family == FR_FAMILY_XGBOOST)
        return fr_trees_predict(model, dataset, rows, n, output);
    fr_network_make(&model->options, model->schema.learn, model->transform.width, n_outputs,
                    &network);
    network.sparse = !network.factorises && network.stem.n == 0 &&
                     dataset->schema.cell == FR_CELL_SPARSE &&
                     fr_transform_keeps_zeros(&model->transform);
    const size_t most = fr_transform_most_values(&model->transform, dataset, rows, n);
    if (network.factorises) network.row_values = most;
    predictor *own = fr_alloc(team, sizeof *own);
    if (own == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < team && st == FR_OK; i++)
        st = create_predictor(&network, n < CHUNK ? n : CHUNK, most, &own[i]);
    if (st != FR_OK) goto out;

#pragma omp parallel num_threads((int)team) if (team > 1) default(none) shared(own)            \
    firstprivate(model, dataset, rows, n, output, n_chunks, n_outputs)
    {
        predictor *p = &own[omp_get_thread_num()];
#pragma omp for schedule(static)
        for (size_t c = 0; c < n_chunks; c++) {
            const size_t first = c * CHUNK;
            p->batch.rows = n - first < CHUNK ? n - first : CHUNK;
            predict_chunk(model, dataset, rows + first, p, output + first * n_outputs);
        }
    }
out:
    for (size_t i = 0; i < team; i++) {
        fr_batch_clear(&own[i].batch);
        fr_sparse_clear(&own[i].input);
    }
    free(own);
    return st;
}
