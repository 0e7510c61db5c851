/* SPDX-License-Identifier: BSD-3-Clause */
/* trainer.c - everything a fit needs, allocated once before its first step; and scoring. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

/* Rows of a batch that is only scored: its levels stay in a core's second-level cache. */
enum { CHUNK = 128 };

/* Threads are worth their barriers, of which a step has about seven, when each has this many
 * operations between them: 0.1 ms of work. On idle cores less would do; on shared ones a thread
 * that is not running makes all the others wait. */
static const double FLOPS_PER_THREAD = 8e6;

static size_t outputs_of(const fr_schema *schema)
{
    return schema->learn == FR_LEARN_CLASSIFICATION ? schema->n_classes : 1;
}

static int useful_threads(const fr_trainer *t)
{
    const size_t processes = t->request->group == NULL ? 1 : t->request->group->size;
    const double flops =
        (double)(t->batch_rows / processes) *
        fr_model_flops_training(&t->request->recipe->model,
                                t->network.factorises
                                    ? t->network.row_values
                                    : fr_row_inputs(t->prepared, t->request->dataset),
                                t->network.width[t->network.n_layers]);
    int threads = t->request->threads < 1 ? 1 : t->request->threads;
    while (threads > 1 && flops < FLOPS_PER_THREAD * threads) threads--;
    return threads;
}

static fr_status create_params(fr_trainer *t)
{
    const size_t n = t->network.n_params, states = fr_optimizer_states(&t->options);
    const bool keep = t->options.keep_best || t->options.patience > 0;
    const size_t stride = (n + 15) / 16 * 16; /* whole cache lines */
    float *next = fr_alloc(stride * (1 + states + keep), sizeof *next);
    if (next == NULL) return FR_ERR_MEMORY;
    t->block = t->params = next;
    for (size_t k = 0; k < states; k++) t->state[k] = next += stride;
    if (keep) t->best = next + stride;
    for (size_t i = 0; states > 0 && i < n; i++)
        t->state[0][i] = fr_optimizer_start(&t->options);
    fr_network_draw(&t->network, t->request->recipe->model.init, t->request->seed,
                    t->request->trial, t->request->fold, t->params);
    return FR_OK;
}

static fr_status create_batches(fr_trainer *t)
{
    const fr_fit_request *r = t->request;
    const size_t capacity = t->network.factorises ? t->batch_rows : fr_pass_rows(t->batch_rows);
    FR_TRY(fr_batch_create(&t->network, capacity, true, &t->batch));
    t->batch.class_weight = t->class_weight;
    t->order = fr_alloc(r->n_train, sizeof *t->order);
    if (t->order == NULL) return FR_ERR_MEMORY;
    if (t->prepared->train_x == NULL || t->network.factorises) {
        t->gathered = fr_alloc(capacity, sizeof *t->gathered);
        if (t->gathered == NULL) return FR_ERR_MEMORY;
    }
    t->score_batches = fr_alloc((size_t)t->threads, sizeof *t->score_batches);
    if (t->score_batches == NULL) return FR_ERR_MEMORY;
    for (int k = 0; k < t->threads; k++) {
        FR_TRY(fr_batch_create(&t->network, CHUNK, false, &t->score_batches[k]));
        for (size_t i = 0; i < CHUNK; i++) t->score_batches[k].weight[i] = 1.0f;
    }
    return t->network.sparse ? fr_sparse_inputs_create(t, CHUNK) : FR_OK;
}

static fr_status create_validation(fr_trainer *t)
{
    const fr_fit_request *r = t->request;
    t->outputs = fr_alloc(r->n_valid * outputs_of(&r->dataset->schema), sizeof(float));
    t->valid_y = fr_alloc(r->n_valid, sizeof(float));
    if (t->outputs == NULL || t->valid_y == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < r->n_valid; i++) t->valid_y[i] = r->dataset->y[r->valid[i]];
    return FR_OK;
}

static fr_status create_all(fr_trainer *t)
{
    FR_TRY(create_params(t));
    FR_TRY(fr_weigh_rows(t->request, &t->class_weight, &t->row_weight));
    FR_TRY(fr_gradient_create(t));
    FR_TRY(create_batches(t));
    return create_validation(t);
}

static size_t most_values(const fr_fit_request *r, const fr_prepared *prepared)
{
    const fr_transform *t = &prepared->transform;
    const size_t train = fr_transform_most_values(t, r->dataset, r->train, r->n_train);
    const size_t valid = fr_transform_most_values(t, r->dataset, r->valid, r->n_valid);
    return train > valid ? train : valid;
}

fr_status fr_trainer_create(const fr_fit_request *request, const fr_prepared *prepared,
                            fr_trainer *out)
{
    const fr_recipe *recipe = request->recipe;
    const fr_schema *schema = &request->dataset->schema;
    fr_trainer *t = out;
    *t = (fr_trainer){.request = request,
                      .prepared = prepared,
                      .options = recipe->train,
                      .l1 = (float)recipe->model.l1,
                      .l2 = (float)recipe->model.l2};
    fr_train_options_settle(&t->options);
    fr_network_make(&recipe->model, schema->learn, prepared->transform.width,
                    outputs_of(schema), &t->network);
    t->network.sparse = prepared->sparse && !t->network.factorises;
    if (t->network.factorises) t->network.row_values = most_values(request, prepared);
    t->batch_rows = request->n_train;
    if (t->options.optimizer != FR_OPT_GD && (size_t)t->options.batch_size < t->batch_rows)
        t->batch_rows = (size_t)t->options.batch_size;
    t->steps_per_epoch = (request->n_train + t->batch_rows - 1) / t->batch_rows;
    t->threads = useful_threads(t);

    const fr_status st = create_all(t);
    if (st != FR_OK) fr_trainer_clear(t);
    return st;
}

void fr_trainer_clear(fr_trainer *trainer)
{
    fr_trainer *t = trainer;
    fr_gradient_clear(t);
    fr_sparse_inputs_clear(t);
    fr_batch_clear(&t->batch);
    for (int k = 0; t->score_batches != NULL && k < t->threads; k++)
        fr_batch_clear(&t->score_batches[k]);
    free(t->score_batches);
    free(t->block);
    free(t->order);
    free(t->gathered);
    free(t->row_weight);
    free(t->class_weight);
    free(t->outputs);
    free(t->valid_y);
    *t = (fr_trainer){0};
}
