/* SPDX-License-Identifier: BSD-3-Clause */
/* loss.c - the head of a network: softmax, losses and their gradients, a row at a time. */
#include <math.h>
#include <string.h>

#include "internal.h"
#include "vmath.h"

/* Eight floats, one register of AVX2 or two of SSE: sums and maxima in lanes that are joined in
 * a fixed order have the same bits with vectors of any width. */
enum { LANES = 8, NARROW = 64 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t masks
    __attribute__((vector_size(LANES * sizeof(int32_t)), aligned(4), may_alias));

/* a where it is greater than b, else b: NaN in a is passed over, and comes up later in the
 * exponential. */
FR_HOT_INLINE void keep_greater(lanes *b, const lanes *a)
{
    const masks greater = *a > *b;
    *b = (lanes)(((masks)*a & greater) | ((masks)*b & ~greater));
}

/* Four columns of eight rows to four rows of eight lanes, or back: 4 x 4 turned in each half of
 * a register, where row r and row r + 4 share one. */
FR_HOT_INLINE void turn(lanes block[4])
{
    const lanes low01 = __builtin_shufflevector(block[0], block[1], 0, 8, 1, 9, 4, 12, 5, 13);
    const lanes low23 = __builtin_shufflevector(block[2], block[3], 0, 8, 1, 9, 4, 12, 5, 13);
    const lanes high01 =
        __builtin_shufflevector(block[0], block[1], 2, 10, 3, 11, 6, 14, 7, 15);
    const lanes high23 =
        __builtin_shufflevector(block[2], block[3], 2, 10, 3, 11, 6, 14, 7, 15);
    block[0] = __builtin_shufflevector(low01, low23, 0, 1, 8, 9, 4, 5, 12, 13);
    block[1] = __builtin_shufflevector(low01, low23, 2, 3, 10, 11, 6, 7, 14, 15);
    block[2] = __builtin_shufflevector(high01, high23, 0, 1, 8, 9, 4, 5, 12, 13);
    block[3] = __builtin_shufflevector(high01, high23, 2, 3, 10, 11, 6, 7, 14, 15);
}

/* Columns c .. c + 3 of LANES rows; missing rows repeat the last one. */
FR_HOT_INLINE void load_columns(const float *z, size_t rows, size_t stride, lanes column[4])
{
    for (size_t r = 0; r < 4; r++) {
        const quad low = *(const quad *)(z + (r < rows ? r : rows - 1) * stride);
        const quad high = *(const quad *)(z + (r + 4 < rows ? r + 4 : rows - 1) * stride);
        column[r] = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
    }
    turn(column);
}

FR_HOT_INLINE void store_columns(lanes column[4], size_t rows, size_t stride, float *p)
{
    turn(column);
    for (size_t r = 0; r < 4; r++) {
        if (r < rows)
            *(quad *)(p + r * stride) =
                __builtin_shufflevector(column[r], column[r], 0, 1, 2, 3);
        if (r + 4 < rows)
            *(quad *)(p + (r + 4) * stride) =
                __builtin_shufflevector(column[r], column[r], 4, 5, 6, 7);
    }
}

/* Up to LANES rows of at most NARROW classes, as columns of lanes: nothing is summed across a
 * register. Rows are padded to a multiple of four with FR_SCORE_PAD, whose probability is 0. */
FR_HOT_INLINE void softmax_narrow(const float *z, size_t rows, const size_t shape[2], float *p,
                                  float *log_sum)
{
    const size_t width = shape[0], stride = shape[1], padded = (width + 3) / 4 * 4;
    lanes t[NARROW];
    float out[LANES];
    lanes sum = {0};
    load_columns(z, rows, stride, t);
    for (size_t c = 4; c < padded; c += 4) load_columns(z + c, rows, stride, t + c);
    lanes top = t[0];
    for (size_t c = 1; c < width; c++) keep_greater(&top, t + c);
    for (size_t c = 0; c < width; c++) t[c] -= top;
    float *each = (float *)t;
    for (size_t i = 0; i < width * LANES; i++) each[i] = vexp_below(each[i]);
    for (size_t c = 0; c < width; c++) sum += t[c];
    const lanes inverse = 1.0f / sum;
    for (size_t c = 0; c < width; c++) t[c] *= inverse;
    for (size_t c = width; c < padded; c++) t[c] = (lanes){0};
    for (size_t c = 0; c < padded; c += 4) store_columns(t + c, rows, stride, p + c);
    for (size_t r = 0; r < LANES; r++) out[r] = vlog(sum[r]) + top[r];
    for (size_t r = 0; r < rows; r++) log_sum[r] = out[r];
}

/* One row of many classes, eight of them at a time. */
FR_HOT_INLINE void softmax_wide(const float *z, size_t stride, float *p, float *log_sum)
{
    lanes top = *(const lanes *)z, sum = {0};
    for (size_t j = LANES; j < stride; j += LANES) keep_greater(&top, (const lanes *)(z + j));
    float most = top[0], total = 0;
    for (size_t i = 1; i < LANES; i++) most = top[i] > most ? top[i] : most;
    for (size_t j = 0; j < stride; j++) p[j] = vexp_below(z[j] - most);
    for (size_t j = 0; j < stride; j += LANES) sum += *(const lanes *)(p + j);
    for (size_t i = 0; i < LANES; i++) total += sum[i];
    const float inverse = 1.0f / total;
    for (size_t j = 0; j < stride; j++) p[j] *= inverse;
    *log_sum = vlog(total) + most;
}

FR_HOT void fr_softmax(const float *z, size_t rows, const size_t shape[2], float *p,
                       float *log_sum)
{
    const size_t stride = shape[1];
    if (shape[0] > NARROW) {
        for (size_t r = 0; r < rows; r++)
            softmax_wide(z + r * stride, stride, p + r * stride, log_sum + r);
        return;
    }
    for (size_t r = 0; r < rows; r += LANES)
        softmax_narrow(z + r * stride, rows - r < LANES ? rows - r : LANES, shape,
                       p + r * stride, log_sum + r);
}

/* With smoothing s and class weights w, a row of class y costs
 *   (1 - s) w_y (L - z_y) + s / K sum_c w_c (L - z_c),  L = ln sum_c e^z_c,
 * as in torch.nn.CrossEntropyLoss; row weights v multiply it. batch->weight holds v w_y. */
static void smooth_row(const fr_batch *b, size_t r, float *delta, const float *z)
{
    const fr_network *net = b->network;
    const size_t k = net->width[net->n_layers], y = (size_t)b->y[r];
    const float *w = b->class_weight;
    const float w_y = w == NULL ? 1.0f : w[y];
    const float v = b->weight[r] / w_y, share = net->label_smoothing / (float)k;
    const float on_class = (1.0f - net->label_smoothing) * w_y;
    const float scale = v * (float)(1.0 / b->total_weight), log_sum = b->loss[r];
    float mass = on_class, loss = on_class * (log_sum - z[y]);
    for (size_t c = 0; c < k; c++) {
        const float on_other = share * (w == NULL ? 1.0f : w[c]);
        mass += on_other;
        loss += on_other * (log_sum - z[c]);
    }
    for (size_t c = 0; c < k; c++)
        delta[c] = scale * (mass * delta[c] - share * (w == NULL ? 1.0f : w[c]));
    delta[y] -= scale * on_class;
    b->loss[r] = v * loss;
}

FR_HOT static void scale_rows(float *delta, size_t rows, size_t stride,
                              const float *restrict weight, float scale)
{
    for (size_t r = 0; r < rows; r++) {
        float *restrict d = delta + r * stride;
        const float factor = scale * weight[r];
        for (size_t j = 0; j < stride; j++) d[j] *= factor;
    }
}

static void copy_rows(const float *from, size_t rows, size_t stride, size_t width, float *out)
{
    for (size_t r = 0; r < rows; r++)
        memcpy(out + r * width, from + r * stride, width * sizeof *out);
}

static void cross_entropy(fr_batch *b, size_t first, size_t rows, float *out)
{
    const fr_network *net = b->network;
    const size_t last = net->n_layers, stride = net->stride[last];
    const float *z = b->level[last] + first * stride;
    float *delta = b->delta[last] + first * stride;
    const float scale = (float)(1.0 / b->total_weight);

    fr_softmax(z, rows, (const size_t[2]){net->width[last], stride}, delta, b->loss + first);
    if (out != NULL) copy_rows(delta, rows, stride, net->width[last], out);
    if (net->label_smoothing > 0) {
        for (size_t r = 0; r < rows; r++)
            smooth_row(b, first + r, delta + r * stride, z + r * stride);
        return;
    }
    scale_rows(delta, rows, stride, b->weight + first, scale);
    for (size_t r = 0; r < rows; r++) {
        const size_t y = (size_t)b->y[first + r];
        const float weight = b->weight[first + r];
        b->loss[first + r] = weight * (b->loss[first + r] - z[r * stride + y]);
        delta[r * stride + y] -= scale * weight;
    }
}

/* One class against the rest: t = 1 for the row's class, else -1. */
static void hinge(fr_batch *b, size_t first, size_t rows)
{
    const fr_network *net = b->network;
    const size_t last = net->n_layers, k = net->width[last], stride = net->stride[last];
    const bool squared = net->head == FR_HEAD_SQUARED_HINGE;
    for (size_t r = first; r < first + rows; r++) {
        const float *z = b->level[last] + r * stride;
        float *delta = b->delta[last] + r * stride;
        const float scale = (float)(1.0 / b->total_weight) * b->weight[r];
        float loss = 0;
        for (size_t c = 0; c < k; c++) {
            const float t = (size_t)b->y[r] == c ? 1.0f : -1.0f;
            const float short_of = 1.0f - t * z[c];
            /* Not `short_of > 0`: NaN must reach the loss, where it is noticed. */
            const float gap = short_of <= 0 ? 0.0f : short_of;
            loss += squared ? gap * gap : gap;
            delta[c] = squared ? -2.0f * scale * t * gap : gap > 0 ? -scale * t : 0.0f;
        }
        b->loss[r] = b->weight[r] * loss;
    }
}

static void regression(fr_batch *b, size_t first, size_t rows)
{
    const fr_network *net = b->network;
    const float delta = net->huber_delta, scale = (float)(1.0 / b->total_weight);
    const float *restrict z = b->level[net->n_layers];
    float *restrict d = b->delta[net->n_layers];
    for (size_t r = first; r < first + rows; r++) {
        const float e = z[r] - b->y[r], size = fabsf(e), w = b->weight[r];
        const float sign = (float)(e > 0) - (float)(e < 0);
        if (net->head == FR_HEAD_SQUARED) {
            b->loss[r] = w * e * e;
            d[r] = scale * w * 2.0f * e;
        } else if (net->head == FR_HEAD_ABSOLUTE) {
            b->loss[r] = w * size;
            d[r] = scale * w * sign;
        } else {
            b->loss[r] = w * (size <= delta ? 0.5f * e * e : delta * (size - 0.5f * delta));
            d[r] = scale * w * (size <= delta ? e : delta * sign);
        }
    }
}

void fr_head_run(fr_batch *batch, size_t first, size_t rows, float *out)
{
    const fr_network *net = batch->network;
    const size_t last = net->n_layers, stride = net->stride[last];
    if (net->head == FR_HEAD_CROSS_ENTROPY) {
        cross_entropy(batch, first, rows, out);
        return;
    }
    if (net->head == FR_HEAD_HINGE || net->head == FR_HEAD_SQUARED_HINGE)
        hinge(batch, first, rows);
    else
        regression(batch, first, rows);
    if (out != NULL)
        copy_rows(batch->level[last] + first * stride, rows, stride, net->width[last], out);
}

void fr_head_output(fr_batch *batch, float *out)
{
    const fr_network *net = batch->network;
    const size_t last = net->n_layers, stride = net->stride[last];
    const float *from = batch->level[last];
    if (net->head == FR_HEAD_CROSS_ENTROPY) {
        fr_softmax(from, batch->rows, (const size_t[2]){net->width[last], stride},
                   batch->delta[last], batch->loss);
        from = batch->delta[last];
    }
    copy_rows(from, batch->rows, stride, net->width[last], out);
}

void fr_head_scores(const fr_batch *batch, float *out)
{
    const fr_network *net = batch->network;
    const size_t last = net->n_layers;
    copy_rows(batch->level[last], batch->rows, net->stride[last], net->width[last], out);
}
