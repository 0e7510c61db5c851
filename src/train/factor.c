/* SPDX-License-Identifier: BSD-3-Clause */
/* factor.c - a step of a factorisation machine: only the inputs that its batch has.
 *
 * A batch of 256 ratings has 500 inputs out of 10,000 or a million, so a step must not touch
 * the others. What that means for an optimizer: the inputs of the batch make the step that
 * torch.optim defines, with the step number that the whole fit is at; the others rest, and so
 * do their moments, momenta and weight decay. That is torch.optim.SparseAdam for adam (but for
 * where epsilon is added, which is as in Adam). For sgd without momentum and for adagrad it is
 * the step over all parameters, bit for bit: without a gradient they do not move.
 *
 * The batch is turned around first: for each input that it has, its rows in ascending order.
 * One thread then sums the input's gradient over the shards of the batch, in the same binary
 * tree as gradient.c, and updates it, in one go: all that it reads of others are the rows'
 * sums. A shard without the input adds nothing, also no operation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

enum { TREE = 8 }; /* sums that wait for their partners: more than there are levels of shards */

fr_status fr_factor_create(fr_trainer *t)
{
    fr_factor_work *w = &t->factor;
    const size_t inputs = t->network.width[0], cols = 1 + t->network.factors;
    const size_t entries = t->batch_rows * t->network.row_values;
    const size_t slots = entries < inputs ? entries : inputs;
    const bool collects = t->options.clip_norm > 0 || t->request->group != NULL;
    w->slot = fr_alloc(inputs, sizeof *w->slot);
    w->input = fr_alloc(slots, sizeof *w->input);
    w->first = fr_alloc(slots + 1, sizeof *w->first);
    w->row = fr_alloc(entries, sizeof *w->row);
    w->value = fr_alloc(entries, sizeof *w->value);
    if (collects) w->gradient = fr_alloc(slots * cols + 1 + t->batch_rows, sizeof(float));
    if (w->slot == NULL || w->input == NULL || w->first == NULL || w->row == NULL ||
        w->value == NULL || (collects && w->gradient == NULL))
        return FR_ERR_MEMORY;
    t->scratch = fr_alloc((size_t)t->threads, sizeof *t->scratch);
    for (int k = 0; t->scratch != NULL && k < t->threads; k++) {
        t->scratch[k] = fr_alloc(TREE * cols, sizeof(float));
        if (t->scratch[k] == NULL) return FR_ERR_MEMORY;
    }
    return t->scratch == NULL ? FR_ERR_MEMORY : FR_OK;
}

void fr_factor_clear(fr_trainer *t)
{
    free(t->factor.slot);
    free(t->factor.input);
    free(t->factor.first);
    free(t->factor.row);
    free(t->factor.value);
    free(t->factor.gradient);
}

/* Rows first .. first + rows of the epoch's order become the batch. */
static void gather(fr_trainer *t, size_t first, size_t rows)
{
    fr_batch *b = &t->batch;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t place = t->order[first + i];
        b->y[i] = t->prepared->train_y[place];
        b->weight[i] = t->row_weight == NULL ? 1.0f : t->row_weight[place];
        t->gathered[i] = t->request->train[place];
    }
    b->rows = rows;
    fr_batch_load(b, &t->prepared->transform, t->request->dataset, t->gathered);
}

/* Number the inputs that the batch has as they come, and count the rows of each. An old number
 * in `slot` is told from one of this batch by what `input` has there. */
static void number_inputs(fr_factor_work *w, const fr_sparse_rows *x)
{
    w->n = 0;
    for (size_t e = x->start[0]; e < x->start[x->n]; e++) {
        const uint32_t j = x->column[e];
        uint32_t s = w->slot[j];
        if (s >= w->n || w->input[s] != j) {
            s = w->slot[j] = (uint32_t)w->n++;
            w->input[s] = j;
            w->first[s] = 0;
        }
        w->first[s]++;
    }
}

/* The batch by inputs: those of slot s are [first[s], first[s + 1]) of row and value. */
static void turn_around(fr_factor_work *w, const fr_sparse_rows *x)
{
    number_inputs(w, x);
    size_t end = 0;
    for (size_t s = 0; s < w->n; s++) w->first[s] = end += w->first[s];
    w->first[w->n] = end;
    for (size_t r = x->n; r-- > 0;) {
        for (size_t e = x->start[r]; e < x->start[r + 1]; e++) {
            const size_t at = --w->first[w->slot[x->column[e]]];
            w->row[at] = (uint32_t)r;
            w->value[at] = x->value[e];
        }
    }
}

/* Part [begin, end) of the places that lies in rows below `row`: where it ends. */
static size_t split_at(const uint32_t *rows, size_t begin, size_t end, size_t row)
{
    while (begin < end && rows[begin] < row) begin++;
    return begin;
}

/* A branch of the tree: shards [low, high), and the places in their rows. */
typedef struct {
    size_t low, high, begin, end;
} branch;

/* Sum a branch that has places into out; behind it is room for the branches below. */
static void sum_branch(const fr_trainer *t, size_t slot, branch b, float *out)
{
    const fr_factor_work *w = &t->factor;
    const size_t rows = t->batch.rows, shards = fr_shard_count(rows);
    const size_t cols = 1 + t->network.factors;
    while (b.high - b.low > 1) {
        const size_t middle = (b.low + b.high) / 2;
        const size_t cut = split_at(w->row, b.begin, b.end, rows * middle / shards);
        const branch left = {b.low, middle, b.begin, cut}, right = {middle, b.high, cut, b.end};
        if (cut > b.begin && cut < b.end) {
            sum_branch(t, slot, left, out);
            sum_branch(t, slot, right, out + cols);
            for (size_t k = 0; k < cols; k++) out[k] += out[cols + k];
            return;
        }
        b = cut > b.begin ? left : right;
    }
    const fr_occurrences places = {w->row + b.begin, w->value + b.begin, b.end - b.begin};
    fr_factor_gradient(&t->batch, t->params, w->input[slot], &places, out);
}

/* What this process has of the gradient of a slot's weight and factors. */
static void differentiate(const fr_trainer *t, size_t slot, float *out)
{
    const fr_factor_work *w = &t->factor;
    const fr_part_of_pass own = fr_own_part(t, t->batch.rows);
    const size_t begin = split_at(w->row, w->first[slot], w->first[slot + 1], own.from);
    const size_t end = split_at(w->row, begin, w->first[slot + 1], own.to);
    if (begin == end)
        memset(out, 0, (1 + t->network.factors) * sizeof *out);
    else
        sum_branch(t, slot, (branch){own.first, own.end, begin, end}, out);
}

static float sum_deltas(const fr_trainer *t, size_t low, size_t high)
{
    const size_t rows = t->batch.rows, shards = fr_shard_count(rows);
    float sum = 0;
    if (high - low > 1) {
        const size_t middle = (low + high) / 2;
        return sum_deltas(t, low, middle) + sum_deltas(t, middle, high);
    }
    for (size_t r = rows * low / shards; r < rows * high / shards; r++)
        sum += fr_factor_delta(&t->batch, r);
    return sum;
}

/* This process's part of the bias's gradient. */
static float differentiate_bias(const fr_trainer *t)
{
    const fr_part_of_pass own = fr_own_part(t, t->batch.rows);
    return own.first < own.end ? sum_deltas(t, own.first, own.end) : 0;
}

static void update_at(const fr_trainer *t, size_t start, size_t n, const float *g,
                      const fr_update *update)
{
    fr_slice slice = {.w = t->params + start, .g = g, .n = n};
    for (size_t k = 0; k < FR_STATE_MAX; k++)
        slice.state[k] = t->state[k] == NULL ? NULL : t->state[k] + start;
    fr_update_run(update, &slice);
}

/* torch.nn.utils.clip_grad_norm_: inputs that the batch does not have have no gradient. */
static float clip_factor(const fr_trainer *t)
{
    const size_t n = t->factor.n * (1 + t->network.factors) + 1;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)t->factor.gradient[i] * (double)t->factor.gradient[i];
    const double factor = t->options.clip_norm / (sqrt(sum) + 1e-6);
    return t->options.clip_norm > 0 && factor < 1.0 ? (float)factor : 1.0f;
}

/* Through the whole gradient, which a group sums or a norm bounds. */
static void collect_and_update(fr_trainer *t, fr_team team, const fr_update *update)
{
    fr_factor_work *w = &t->factor;
    const size_t cols = 1 + t->network.factors, n = w->n * cols;
    const size_t low = w->n * team.index / team.size,
                 high = w->n * (team.index + 1) / team.size;
    for (size_t s = low; s < high; s++) {
        differentiate(t, s, t->scratch[team.index]);
        memcpy(w->gradient + s * cols, t->scratch[team.index], cols * sizeof(float));
    }
    if (team.index == 0) w->gradient[n] = differentiate_bias(t);
    fr_team_wait(team);
    if (team.index == 0) {
        if (t->request->group != NULL) fr_group_sum(t, w->gradient, n + 1);
        w->clip = clip_factor(t);
    }
    fr_team_wait(team);
    for (size_t i = low * cols; w->clip < 1.0f && i < high * cols; i++)
        w->gradient[i] *= w->clip;
    for (size_t s = low; s < high; s++)
        update_at(t, w->input[s] * cols, cols, w->gradient + s * cols, update);
    if (team.index != 0) return;
    const float bias = w->gradient[n] * w->clip;
    update_at(t, t->network.bias[1], 1, &bias, update);
}

static void update_at_once(fr_trainer *t, fr_team team, const fr_update *update)
{
    const fr_factor_work *w = &t->factor;
    const size_t cols = 1 + t->network.factors;
    const size_t low = w->n * team.index / team.size,
                 high = w->n * (team.index + 1) / team.size;
    for (size_t s = low; s < high; s++) {
        differentiate(t, s, t->scratch[team.index]);
        update_at(t, w->input[s] * cols, cols, t->scratch[team.index], update);
    }
    if (team.index != 0) return;
    const float bias = differentiate_bias(t);
    update_at(t, t->network.bias[1], 1, &bias, update);
}

void fr_factor_step(fr_trainer *t, fr_team team, size_t first, size_t rows,
                    const fr_update *update)
{
    if (team.index == 0) {
        gather(t, first, rows);
        const fr_sparse_rows x = fr_sparse_view(&t->batch.sparse);
        turn_around(&t->factor, &x);
    }
    fr_team_wait(team);
    const fr_part_of_pass own = fr_own_part(t, rows);
    const size_t mine = own.to - own.from;
    const size_t from = own.from + mine * team.index / team.size;
    const size_t to = own.from + mine * (team.index + 1) / team.size;
    if (from < to) {
        fr_factor_forward(&t->batch, t->params, from, to - from);
        fr_head_run(&t->batch, from, to - from, NULL);
    }
    fr_team_wait(team);
    if (team.index == 0 && t->request->group == NULL)
        for (size_t i = 0; i < rows; i++) t->loss_sum += (double)t->batch.loss[i];
    if (t->factor.gradient != NULL)
        collect_and_update(t, team, update);
    else
        update_at_once(t, team, update);
    fr_team_wait(team);
}
