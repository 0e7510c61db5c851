/* SPDX-License-Identifier: BSD-3-Clause */
/* optimizer.c - steps as torch.optim defines them (PyTorch 2; the formulas are on the pages of
 * SGD, Adam, AdamW, RMSprop and Adagrad). One pass over parameters, gradient and state; a
 * square root and a division per element are most of its cost. */
#include <math.h>

#include "foldrank/hot.h"
#include "internal.h"

void fr_train_options_settle(fr_train_options *options)
{
    const bool adagrad = options->optimizer == FR_OPT_ADAGRAD;
    if (options->learning_rate == 0)
        options->learning_rate = adagrad || options->optimizer == FR_OPT_RMSPROP ? 1e-2 : 1e-3;
    if (options->epsilon == 0) options->epsilon = adagrad ? 1e-10 : 1e-8;
    if (options->weight_decay < 0)
        options->weight_decay = options->optimizer == FR_OPT_ADAMW ? 1e-2 : 0;
}

/* State arrays: momentum for sgd; m, v for adam; v, momentum, mean for rmsprop; sum. */
size_t fr_optimizer_states(const fr_train_options *options)
{
    switch (options->optimizer) {
    case FR_OPT_GD:
    case FR_OPT_SGD:
        return options->momentum > 0 ? 1 : 0;
    case FR_OPT_RMSPROP:
        return options->centered ? 3 : options->momentum > 0 ? 2 : 1;
    case FR_OPT_ADAGRAD:
        return 1;
    default:
        return 2;
    }
}

float fr_optimizer_start(const fr_train_options *options)
{
    return options->optimizer == FR_OPT_ADAGRAD ? (float)options->initial_accumulator : 0.0f;
}

static void make_adam(const fr_train_options *o, double rate, double step, fr_update *u)
{
    const double correct1 = 1.0 - pow(o->beta1, step), correct2 = 1.0 - pow(o->beta2, step);
    u->keep1 = (float)o->beta1;
    u->add1 = (float)(1.0 - o->beta1);
    u->keep2 = (float)o->beta2;
    u->add2 = (float)(1.0 - o->beta2);
    u->rate = (float)(rate / correct1);
    u->root_scale = (float)(1.0 / sqrt(correct2));
    if (o->optimizer == FR_OPT_ADAMW) {
        u->shrink = (float)(1.0 - rate * o->weight_decay);
        u->decay = 0;
    }
}

fr_update fr_update_make(const fr_train_options *options, double rate, uint64_t step)
{
    fr_update u = {.kind = (fr_optimizer_kind)options->optimizer,
                   .nesterov = options->nesterov,
                   .centered = options->centered,
                   .has_momentum = options->momentum > 0,
                   .rate = (float)rate,
                   .base_rate = (float)rate,
                   .epsilon = (float)options->epsilon,
                   .decay = (float)options->weight_decay,
                   .shrink = 1.0f};
    switch (u.kind) {
    case FR_OPT_GD:
    case FR_OPT_SGD: /* the first step's momentum is the gradient itself, undamped */
        u.keep1 = step == 1 ? 0.0f : (float)options->momentum;
        u.add1 = step == 1 ? 1.0f : (float)(1.0 - options->dampening);
        u.keep2 = (float)options->momentum;
        break;
    case FR_OPT_RMSPROP:
        u.keep1 = (float)options->momentum;
        u.keep2 = (float)options->alpha;
        u.add2 = (float)(1.0 - options->alpha);
        break;
    case FR_OPT_ADAGRAD:
        u.rate = (float)(rate / (1.0 + (double)(step - 1) * options->lr_decay));
        break;
    default:
        make_adam(options, rate, (double)step, &u);
        break;
    }
    return u;
}

FR_HOT static void run_sgd(const fr_update *u, float *restrict w, const float *restrict g,
                           size_t n)
{
    const float rate = u->rate, decay = u->decay;
    for (size_t i = 0; i < n; i++) w[i] -= rate * (g[i] + decay * w[i]);
}

FR_HOT static void run_momentum(const fr_update *u, float *restrict w, float *restrict m,
                                const float *restrict g, size_t n)
{
    const float rate = u->rate, decay = u->decay, keep = u->keep1, add = u->add1;
    if (u->nesterov) {
        const float ahead = u->keep2;
        for (size_t i = 0; i < n; i++) {
            const float d = g[i] + decay * w[i];
            m[i] = keep * m[i] + add * d;
            w[i] -= rate * (d + ahead * m[i]);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        m[i] = keep * m[i] + add * (g[i] + decay * w[i]);
        w[i] -= rate * m[i];
    }
}

FR_HOT static void run_adam(const fr_update *u, const fr_slice *s)
{
    float *restrict w = s->w, *restrict m = s->state[0], *restrict v = s->state[1];
    const float *restrict g = s->g;
    const float keep1 = u->keep1, add1 = u->add1, keep2 = u->keep2, add2 = u->add2;
    const float rate = u->rate, root_scale = u->root_scale, epsilon = u->epsilon;
    const float decay = u->decay, shrink = u->shrink;
    for (size_t i = 0; i < s->n; i++) {
        const float d = g[i] + decay * w[i];
        const float mean = keep1 * m[i] + add1 * d;
        const float square = keep2 * v[i] + add2 * d * d;
        m[i] = mean;
        v[i] = square;
        w[i] = shrink * w[i] - rate * mean / (sqrtf(square) * root_scale + epsilon);
    }
}

FR_HOT static void run_rmsprop(const fr_update *u, const fr_slice *s)
{
    float *restrict w = s->w, *restrict v = s->state[0];
    float *restrict momentum = s->state[1], *restrict centre = s->state[2];
    const float *restrict g = s->g;
    for (size_t i = 0; i < s->n; i++) {
        const float d = g[i] + u->decay * w[i];
        float variance = v[i] = u->keep2 * v[i] + u->add2 * d * d;
        if (u->centered) {
            centre[i] = u->keep2 * centre[i] + u->add2 * d;
            variance -= centre[i] * centre[i];
        }
        float move = d / (sqrtf(variance) + u->epsilon);
        if (u->has_momentum) move = momentum[i] = u->keep1 * momentum[i] + move;
        w[i] -= u->rate * move;
    }
}

FR_HOT static void run_adagrad(const fr_update *u, const fr_slice *s)
{
    float *restrict w = s->w, *restrict sum = s->state[0];
    const float *restrict g = s->g;
    const float rate = u->rate, decay = u->decay, epsilon = u->epsilon;
    for (size_t i = 0; i < s->n; i++) {
        const float d = g[i] + decay * w[i];
        sum[i] += d * d;
        w[i] -= rate * d / (sqrtf(sum[i]) + epsilon);
    }
}

void fr_update_run(const fr_update *update, const fr_slice *slice)
{
    switch (update->kind) {
    case FR_OPT_GD:
    case FR_OPT_SGD:
        if (update->has_momentum)
            run_momentum(update, slice->w, slice->state[0], slice->g, slice->n);
        else
            run_sgd(update, slice->w, slice->g, slice->n);
        break;
    case FR_OPT_RMSPROP:
        run_rmsprop(update, slice);
        break;
    case FR_OPT_ADAGRAD:
        run_adagrad(update, slice);
        break;
    default:
        run_adam(update, slice);
        break;
    }
}

FR_HOT void fr_soft_threshold(float *w, size_t n, float threshold)
{
    for (size_t i = 0; i < n; i++) {
        const float size = fabsf(w[i]) - threshold;
        w[i] = size > 0.0f ? copysignf(size, w[i]) : size <= 0.0f ? 0.0f : w[i];
    }
}
