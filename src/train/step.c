/* SPDX-License-Identifier: BSD-3-Clause */
/* step.c - an epoch: gather a batch, forward, loss, backward, gradient and update.
 *
 * All threads of the team run through the same steps; in each, a thread takes the tiles, pieces
 * or rows that are its own, and what one thread computes no other adds to, so that the bits do
 * not depend on their number. A team of one meets no barrier and opens no parallel region: for
 * a step of 20 us either would be felt. */
#include <omp.h>
#include <stdint.h>

#include "foldrank/hot.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "internal.h"

void fr_team_wait(fr_team team)
{
    if (team.size > 1) {
#pragma omp barrier
    }
}

/* This thread's part of what lies in [from, to): [first, end). */
static void share(fr_team team, size_t from, size_t to, size_t *first, size_t *end)
{
    *first = from + (to - from) * team.index / team.size;
    *end = from + (to - from) * (team.index + 1) / team.size;
}

/* Rows of whole tiles that this process computes: those of its shards, and what else is in
 * their tiles. */
static void own_rows(const fr_trainer *t, size_t rows, size_t *from, size_t *to)
{
    const fr_part_of_pass own = fr_own_part(t, rows);
    *from = own.from / FR_TILE_ROWS * FR_TILE_ROWS;
    *to = (own.to + FR_TILE_ROWS - 1) / FR_TILE_ROWS * FR_TILE_ROWS;
    if (*to > rows) *to = rows;
}

static double total_weight(const fr_trainer *t, size_t first, size_t rows)
{
    if (t->row_weight == NULL) return (double)rows;
    double sum = 0;
    for (size_t i = first; i < first + rows; i++) sum += (double)t->row_weight[t->order[i]];
    return sum > 0 ? sum : 1.0;
}

/* Rows of `from` in the order of `place`, to (rows, stride), with their padding: whole vectors.
 * The rows lie no nearer than the second-level cache: one is asked for before its turn. */
FR_HOT static void copy_rows(const float *restrict from, const uint32_t *place, size_t rows,
                             size_t stride, float *restrict to)
{
    enum { AHEAD = 4, LINE = FR_ALIGNMENT / sizeof(float) };
    for (size_t i = 0; i < rows; i++, to += stride) {
        const float *row = from + place[i] * stride;
        const float *later = from + place[i + AHEAD < rows ? i + AHEAD : i] * stride;
        for (size_t j = 0; j < stride; j += LINE) __builtin_prefetch(later + j);
        for (size_t j = 0; j < stride; j++) to[j] = row[j];
    }
}

/* Rows first .. first + rows of the epoch's order become the batch. */
static void gather(fr_trainer *t, fr_team team, size_t first, size_t rows)
{
    fr_batch *b = &t->batch;
    const size_t stride = t->network.input_stride;
    size_t from, to;
    own_rows(t, rows, &from, &to);
    share(team, from, to, &from, &to);
    for (size_t i = from; i < to; i++) {
        const uint32_t place = t->order[first + i];
        b->y[i] = t->prepared->train_y[place];
        b->weight[i] = t->row_weight == NULL ? 1.0f : t->row_weight[place];
        if (t->gathered != NULL && !t->network.sparse)
            t->gathered[i] = t->request->train[place];
    }
    if (t->network.sparse) {
        if (team.index == 0) fr_sparse_gather(t, first, rows);
    } else if (t->gathered != NULL)
        fr_transform_apply(&t->prepared->transform, t->request->dataset, t->gathered + from,
                           to - from, b->x + from * stride, stride);
    else
        copy_rows(t->prepared->train_x, t->order + first + from, to - from, stride,
                  b->x + from * stride);
}

typedef void stem_phase(fr_batch *batch, const float *params, size_t phase, size_t tile);

/* All phases of the convolutions, one way, over the tiles of this process's shards. Rows of
 * others that share a tile of a dense layer with its own keep what they had. */
static void run_stem(fr_trainer *t, fr_team team, stem_phase *run)
{
    const fr_stem *stem = &t->network.stem;
    const size_t rows = t->batch.rows;
    const size_t tiles = stem->n == 0 ? 0 : fr_stem_tiles(rows, fr_shard_count(rows));
    const fr_part_of_pass own = fr_own_part(t, rows);
    for (size_t phase = 0; stem->n > 0 && phase < fr_stem_phases(stem); phase++) {
        for (size_t i = own.first * tiles + team.index; i < own.end * tiles; i += team.size)
            run(&t->batch, t->params, phase, i);
        fr_team_wait(team);
    }
}

static void forward(fr_trainer *t, fr_team team)
{
    const fr_network *net = &t->network;
    size_t from, to;
    own_rows(t, t->batch.rows, &from, &to);
    if (net->stem.n > 0) run_stem(t, team, fr_stem_forward);
    for (size_t l = 1; l <= net->n_layers; l++) {
        const size_t rows = t->batch.rows, cols = net->width[l];
        const size_t depth = fr_layer_depth(net, l);
        const size_t n = fr_tile_count(rows, cols, depth);
        for (size_t i = team.index; i < n; i += team.size) {
            const fr_tile tile = fr_tile_at(rows, cols, depth, i);
            if (tile.row < from || tile.row >= to) continue;
            fr_layer_forward(&t->batch, t->params, l, &tile, true);
        }
        fr_team_wait(team);
    }
    share(team, from, to, &from, &to);
    fr_head_run(&t->batch, from, to - from, NULL);
    fr_team_wait(team);
}

static void backward(fr_trainer *t, fr_team team)
{
    const fr_network *net = &t->network;
    size_t from, to;
    own_rows(t, t->batch.rows, &from, &to);
    const size_t lowest = net->stem.n > 0 ? 0 : 1; /* whose delta is needed */
    for (size_t l = net->n_layers; l > lowest; l--) {
        const size_t rows = t->batch.rows, cols = net->width[l - 1], depth = net->width[l];
        const size_t n = fr_tile_count(rows, cols, depth);
        for (size_t i = team.index; i < n; i += team.size) {
            const fr_tile tile = fr_tile_at(rows, cols, depth, i);
            if (tile.row < from || tile.row >= to) continue;
            fr_layer_backward(&t->batch, t->params, l, &tile);
        }
        fr_team_wait(team);
    }
    if (net->stem.n > 0) run_stem(t, team, fr_stem_backward);
}

/* One pass over rows that fit into the batch. */
static void run_pass(fr_trainer *t, fr_team team, size_t first, size_t rows)
{
    gather(t, team, first, rows);
    if (team.index == 0) {
        t->batch.rows = rows;
        t->batch.first_row = first;
    }
    fr_team_wait(team);
    forward(t, team);
    if (team.index == 0 && t->pass == NULL)
        for (size_t i = 0; i < rows; i++) t->loss_sum += (double)t->batch.loss[i];
    backward(t, team);
}

/* One optimizer step on rows first .. first + rows of the epoch's order. */
static void run_step(fr_trainer *t, fr_team team, size_t first, size_t rows, uint64_t step)
{
    const double rate = fr_learning_rate(&t->options, step, t->steps_per_epoch);
    const fr_update update = fr_update_make(&t->options, rate, step + 1);
    const size_t capacity = t->batch.capacity;
    if (team.index == 0) {
        t->batch.total_weight = total_weight(t, first, rows);
        t->weight_sum += t->batch.total_weight;
        t->batch.step_rows = (double)rows;
    }
    if (t->network.factorises) {
        fr_factor_step(t, team, first, rows, &update);
        return;
    }
    for (size_t done = 0; done < rows; done += capacity) {
        const size_t pass = rows - done < capacity ? rows - done : capacity;
        run_pass(t, team, first + done, pass);
        fr_gradient_run(t, team, done == 0, &update);
    }
    if (t->gradient != NULL) fr_gradient_finish(t, team, &update);
}

static void run_epoch(fr_trainer *t, fr_team team)
{
    const size_t n = t->request->n_train;
    for (size_t first = 0, s = 0; first < n; first += t->batch_rows, s++)
        run_step(t, team, first, n - first < t->batch_rows ? n - first : t->batch_rows,
                 t->step + s);
}

double fr_trainer_epoch(fr_trainer *t, uint32_t epoch)
{
    const fr_fit_request *r = t->request;
    for (size_t i = 0; i < r->n_train; i++) t->order[i] = (uint32_t)i;
    if (t->options.shuffle) {
        fr_rng rng = fr_rng_make(r->seed, FR_RNG_SHUFFLE, r->trial, r->fold, epoch);
        fr_rng_shuffle(&rng, t->order, r->n_train);
    }
    fr_rng rng = fr_rng_make(r->seed, FR_RNG_DROPOUT, r->trial, r->fold, epoch);
    t->batch.dropout_key = fr_rng_u64(&rng);
    rng = fr_rng_make(r->seed, FR_RNG_AUGMENT, r->trial, r->fold, epoch);
    t->batch.augment_key = fr_rng_u64(&rng);
    t->loss_sum = t->weight_sum = 0;

    if (t->threads == 1) {
        run_epoch(t, (fr_team){0, 1});
    } else {
#pragma omp parallel num_threads(t->threads) default(none) firstprivate(t)
        run_epoch(t, (fr_team){(size_t)omp_get_thread_num(), (size_t)omp_get_num_threads()});
    }
    t->step += t->steps_per_epoch;
    return t->loss_sum / t->weight_sum;
}
