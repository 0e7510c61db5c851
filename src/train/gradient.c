/* SPDX-License-Identifier: BSD-3-Clause */
/* gradient.c - from the batch's activations and deltas to new parameters, piece by piece.
 *
 * A piece belongs to one thread. Its gradient is summed over a fixed number of shards of the
 * batch in a fixed binary tree (DESIGN.md, Reproducibility), in that thread's scratch, and used
 * up there by the optimizer: unless it is to be clipped, or the batch needs several passes, the
 * whole gradient is never in memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/hot.h"
#include "foldrank/memory.h"
#include "internal.h"

/* A piece is at most 96 KiB of gradient, which stays in the second-level cache; its rows are
 * whole tiles of every kernel. Wider layers are cut into pieces of PIECE_COLS columns too. */
enum { PIECE_FLOATS = 24576, PIECE_ROWS = 24, PIECE_COLS = 1024, STRETCH = 4096 };
enum { MAX_PASS = 2048 };

size_t fr_pass_rows(size_t batch_rows)
{
    return batch_rows < MAX_PASS ? batch_rows : MAX_PASS;
}

/* Sums of 1, 2, 4 ... shards that wait for their partners, and one more. */
static size_t stack_height(size_t rows)
{
    size_t height = 1;
    for (size_t shards = fr_shard_count(rows); shards > 1; shards /= 2) height++;
    return height;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t piece_rows(size_t rows, size_t cols)
{
    const size_t fitting = PIECE_FLOATS / smaller(cols, PIECE_COLS);
    if (rows <= fitting) return rows;
    return fitting < PIECE_ROWS ? PIECE_ROWS : fitting / PIECE_ROWS * PIECE_ROWS;
}

/* Stretches of floats [first, end) of the convolutions' parameters. */
static size_t list_stretches(size_t first, size_t end, fr_piece_kind kind, fr_piece *pieces)
{
    size_t n = 0;
    for (; first < end; first += STRETCH, n++)
        if (pieces != NULL)
            pieces[n] = (fr_piece){.kind = kind,
                                   .tile = {0, 1, first, smaller(STRETCH, end - first)},
                                   .start = first};
    return n;
}

static size_t list_stem(const fr_stem *stem, fr_piece *pieces)
{
    size_t n = 0;
    for (size_t i = 0; i < stem->n; i++) {
        const fr_conv *c = &stem->conv[i];
        const size_t gains = stem->batch_norm ? c->out : 0;
        const size_t ends[] = {c->bias, c->bias + c->out + gains, c->bias + c->out + 3 * gains};
        static const fr_piece_kind kinds[] = {FR_PIECE_WEIGHTS, FR_PIECE_BIAS,
                                              FR_PIECE_STATISTIC};
        for (size_t k = 0, first = c->weights; k < 3; first = ends[k++])
            n += list_stretches(first, ends[k], kinds[k], pieces == NULL ? NULL : pieces + n);
    }
    return n;
}

/* List the pieces of all layers, and count them; `pieces` may be NULL. */
static size_t list_pieces(const fr_network *net, fr_piece *pieces)
{
    size_t n = list_stem(&net->stem, pieces), start = net->stem.n > 0 ? net->stem.n_params : 0;
    for (size_t l = 1; l <= net->n_layers; l++) {
        const size_t rows = net->width[l - 1], cols = net->width[l];
        const size_t high = piece_rows(rows, cols), wide = smaller(cols, PIECE_COLS);
        for (size_t i = 0; i < rows; i += high) {
            for (size_t j = 0; j < cols; j += wide, n++) {
                const fr_tile tile = {i, smaller(high, rows - i), j, smaller(wide, cols - j)};
                if (pieces != NULL)
                    pieces[n] = (fr_piece){.layer = l, .tile = tile, .start = start};
                start += tile.rows * tile.cols;
            }
        }
        if (pieces != NULL)
            pieces[n] = (fr_piece){l, FR_PIECE_BIAS, (fr_tile){0, 1, 0, cols}, start};
        start += cols;
        n++;
    }
    return n;
}

static size_t piece_floats(const fr_piece *p)
{
    return p->tile.rows * p->tile.cols;
}

FR_HOT static void add_to(float *restrict sum, const float *restrict other, size_t n)
{
    for (size_t i = 0; i < n; i++) sum[i] += other[i];
}

/* The batch's gradient of a piece, in scratch: shard after shard is put on a stack, and two
 * sums of equally many shards become one as soon as they meet. */
static void differentiate(const fr_trainer *t, const fr_piece *p, float *scratch)
{
    const size_t rows = t->batch.rows, shards = fr_shard_count(rows), n = piece_floats(p);
    const fr_part_of_pass own = fr_own_part(t, rows);
    float *top = scratch;
    for (size_t s = own.first; s < own.end; s++) {
        const size_t first = rows * s / shards, end = rows * (s + 1) / shards;
        if (p->layer == 0)
            fr_stem_gradient(&t->batch, p->tile.col, n, s, top);
        else if (p->kind == FR_PIECE_BIAS)
            fr_layer_bias_gradient(&t->batch, p->layer, first, end - first, top);
        else
            fr_layer_gradient(&t->batch, p->layer, &p->tile, first, end - first, top);
        top += n;
        for (size_t pairs = s - own.first + 1; pairs % 2 == 0; pairs /= 2) {
            top -= n;
            add_to(top - n, top, n);
        }
    }
}

/* Part of a piece that lies in a row in memory: all of it, or one row. */
static fr_slice slice_of(const fr_trainer *t, const fr_piece *p, size_t row, const float *g)
{
    const fr_network *net = &t->network;
    const size_t width = net->width[p->layer];
    const size_t start =
        p->layer == 0 ? p->tile.col
        : p->kind == FR_PIECE_BIAS
            ? net->bias[p->layer]
            : net->weights[p->layer] + (p->tile.row + row) * width + p->tile.col;
    fr_slice slice = {.w = t->params + start, .g = g, .n = p->tile.cols};
    for (size_t k = 0; k < FR_STATE_MAX; k++)
        slice.state[k] = t->state[k] == NULL ? NULL : t->state[k] + start;
    if (p->tile.cols == width) slice.n *= p->tile.rows;
    return slice;
}

/* A running statistic: PyTorch's momentum of 0.1. */
FR_HOT static void follow(float *restrict running, const float *restrict now, size_t n)
{
    for (size_t i = 0; i < n; i++) running[i] += 0.1f * (now[i] - running[i]);
}

/* One optimizer step of a piece whose gradient g (rows, cols) is dense. */
static void update_piece(const fr_trainer *t, const fr_piece *p, fr_update update,
                         const float *g)
{
    const bool penalised = p->kind == FR_PIECE_WEIGHTS;
    const float threshold = update.base_rate * t->l1;
    if (p->kind == FR_PIECE_STATISTIC) {
        follow(t->params + p->tile.col, g, p->tile.cols);
        return;
    }
    if (penalised && t->gradient == NULL) update.decay += t->l2;
    for (size_t done = 0; done < piece_floats(p);) {
        const fr_slice slice = slice_of(t, p, done / p->tile.cols, g + done);
        fr_update_run(&update, &slice);
        if (t->l1 > 0 && penalised) fr_soft_threshold(slice.w, slice.n, threshold);
        done += slice.n;
    }
}

/* Add a piece's gradient to the whole one, which is stored piece after piece. */
static void collect_piece(fr_trainer *t, size_t i, const float *g, bool first_pass)
{
    float *sum = t->gradient + t->pieces[i].start;
    if (first_pass)
        memcpy(sum, g, piece_floats(&t->pieces[i]) * sizeof *sum);
    else
        add_to(sum, g, piece_floats(&t->pieces[i]));
}

FR_HOT static void add_scaled(float *restrict sum, const float *restrict other, float factor,
                              size_t n)
{
    for (size_t i = 0; i < n; i++) sum[i] += factor * other[i];
}

static double squared_norm(const float *g, size_t n)
{
    enum { LANES = 8 };
    double lane[LANES] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++) lane[i % LANES] += (double)g[i] * (double)g[i];
    for (size_t k = 0; k < LANES; k++) sum += lane[k];
    return sum;
}

/* The ridge's part of a collected gradient, and its norm: PyTorch clips the gradient of the
 * whole loss, before the optimizer's weight decay. */
static void finish_piece(fr_trainer *t, size_t i)
{
    const fr_piece *p = &t->pieces[i];
    float *g = t->gradient + p->start;
    for (size_t done = 0; t->l2 > 0 && p->kind == FR_PIECE_WEIGHTS && done < piece_floats(p);) {
        const fr_slice slice = slice_of(t, p, done / p->tile.cols, NULL);
        add_scaled(g + done, slice.w, t->l2, slice.n);
        done += slice.n;
    }
    t->piece_norm[i] = p->kind == FR_PIECE_STATISTIC ? 0 : squared_norm(g, piece_floats(p));
}

FR_HOT static void scale(float *g, size_t n, float factor)
{
    for (size_t i = 0; i < n; i++) g[i] *= factor;
}

/* torch.nn.utils.clip_grad_norm_. */
static float clip_factor(const fr_trainer *t)
{
    double sum = 0;
    for (size_t i = 0; i < t->n_pieces; i++) sum += t->piece_norm[i];
    const double factor = t->options.clip_norm / (sqrt(sum) + 1e-6);
    return t->options.clip_norm > 0 && factor < 1.0 ? (float)factor : 1.0f;
}

void fr_gradient_finish(fr_trainer *t, fr_team team, const fr_update *update)
{
    for (size_t i = team.index; i < t->n_pieces; i += team.size) finish_piece(t, i);
    fr_team_wait(team);
    const float factor = clip_factor(t);
    for (size_t i = team.index; i < t->n_pieces; i += team.size) {
        const fr_piece *p = &t->pieces[i];
        if (factor < 1.0f && p->kind != FR_PIECE_STATISTIC)
            scale(t->gradient + p->start, piece_floats(p), factor);
        update_piece(t, p, *update, t->gradient + p->start);
    }
    fr_team_wait(team);
}

fr_status fr_gradient_create(fr_trainer *t)
{
    const size_t height = stack_height(fr_pass_rows(t->batch_rows));
    size_t largest = 0;
    if (t->network.factorises) return fr_factor_create(t);
    t->n_pieces = list_pieces(&t->network, NULL);
    t->pieces = fr_alloc(t->n_pieces, sizeof *t->pieces);
    t->piece_norm = fr_alloc(t->n_pieces, sizeof *t->piece_norm);
    t->scratch = fr_alloc((size_t)t->threads, sizeof *t->scratch);
    if (t->pieces == NULL || t->piece_norm == NULL || t->scratch == NULL) return FR_ERR_MEMORY;
    list_pieces(&t->network, t->pieces);
    for (size_t i = 0; i < t->n_pieces; i++)
        if (piece_floats(&t->pieces[i]) > largest) largest = piece_floats(&t->pieces[i]);
    for (int k = 0; k < t->threads; k++) {
        t->scratch[k] = fr_alloc(largest * height, sizeof(float));
        if (t->scratch[k] == NULL) return FR_ERR_MEMORY;
    }
    if (t->request->group != NULL) {
        t->pass = fr_alloc(t->network.n_params + fr_pass_rows(t->batch_rows), sizeof(float));
        if (t->pass == NULL) return FR_ERR_MEMORY;
    }
    if (t->options.clip_norm > 0 || t->batch_rows > MAX_PASS) {
        t->gradient = fr_alloc(t->network.n_params, sizeof(float));
        if (t->gradient == NULL) return FR_ERR_MEMORY;
    }
    return FR_OK;
}

void fr_gradient_clear(fr_trainer *t)
{
    for (int k = 0; t->scratch != NULL && k < t->threads; k++) free(t->scratch[k]);
    free(t->scratch);
    free(t->pieces);
    free(t->piece_norm);
    free(t->gradient);
    free(t->pass);
    fr_factor_clear(t);
}

/* Whether weights and state stay as they are where the gradient is 0. */
static bool rests_at_zero(const fr_trainer *t, const fr_update *update)
{
    const bool plain = update->kind == FR_OPT_GD || update->kind == FR_OPT_SGD
                           ? !update->has_momentum
                           : update->kind == FR_OPT_ADAGRAD;
    return plain && update->decay == 0 && t->l1 == 0 && t->l2 == 0;
}

/* Weights of sparse inputs: those of inputs that the batch does not have stay. */
static void update_touched(const fr_trainer *t, const fr_piece *p, float *scratch,
                           const fr_update *update)
{
    const fr_sparse_columns *x = &t->columns;
    fr_piece row = *p;
    row.tile.rows = 1;
    for (size_t c = fr_sparse_columns_find(x, p->tile.row);
         c < x->n && x->column[c] < p->tile.row + p->tile.rows; c++) {
        row.tile.row = x->column[c];
        differentiate(t, &row, scratch);
        update_piece(t, &row, *update, scratch);
    }
}

static void use_piece(fr_trainer *t, size_t i, const float *g, bool first_pass,
                      const fr_update *update)
{
    if (t->gradient == NULL)
        update_piece(t, &t->pieces[i], *update, g);
    else
        collect_piece(t, i, g, first_pass);
}

void fr_gradient_run(fr_trainer *t, fr_team team, bool first_pass, const fr_update *update)
{
    float *scratch = t->scratch[team.index];
    const bool touched =
        t->network.sparse && t->pass == NULL && t->gradient == NULL && rests_at_zero(t, update);
    for (size_t i = team.index; i < t->n_pieces; i += team.size) {
        const fr_piece *p = &t->pieces[i];
        if (touched && p->layer == 1 && p->kind == FR_PIECE_WEIGHTS) {
            update_touched(t, p, scratch, update);
            continue;
        }
        differentiate(t, p, scratch);
        if (t->pass == NULL)
            use_piece(t, i, scratch, first_pass, update);
        else
            memcpy(t->pass + t->pieces[i].start, scratch,
                   piece_floats(&t->pieces[i]) * sizeof *scratch);
    }
    fr_team_wait(team);
    if (t->pass == NULL) return;
    if (team.index == 0) fr_group_sum(t, t->pass, t->network.n_params);
    fr_team_wait(team);
    for (size_t i = team.index; i < t->n_pieces; i += team.size)
        use_piece(t, i, t->pass + t->pieces[i].start, first_pass, update);
    fr_team_wait(team);
}
