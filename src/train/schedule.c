/* SPDX-License-Identifier: BSD-3-Clause */
/* schedule.c - the learning rate of every step. */
#include <math.h>

#include "foldrank/train.h"

/* Half a cosine from `from` to `to` while `part` goes from 0 to 1. */
static double anneal(double from, double to, double part)
{
    return to + (from - to) * 0.5 * (1.0 + cos(3.14159265358979323846 * part));
}

/* torch.optim.lr_scheduler.OneCycleLR with two phases, `total` steps, numbered from 0. */
static double one_cycle(double peak, double step, double total)
{
    const double rise = 0.3, first = peak / 25.0, last = first / 1e4;
    const double top = rise * total - 1.0, end = total - 1.0;
    if (step <= top) return anneal(first, peak, top > 0 ? step / top : 1.0);
    return anneal(peak, last, (step - top) / (end - top));
}

double fr_learning_rate(const fr_train_options *options, uint64_t step, uint64_t per_epoch)
{
    const double base = options->learning_rate, length = (double)per_epoch;
    const double warmup = ceil(options->warmup_epochs * length);
    const double at = (double)step - warmup; /* in the schedule's own time */
    const double total = (double)options->epochs * length - warmup;
    if (at < 0) return base * ((double)step + 1.0) / warmup;

    const double epoch = floor(at / length);
    switch (options->schedule) {
    case FR_LR_STEP:
        return base * pow(options->gamma, floor(epoch / (double)options->step_epochs));
    case FR_LR_EXPONENTIAL:
        return base * pow(options->gamma, epoch);
    case FR_LR_COSINE:
        return anneal(base, base * options->final_factor, epoch / ceil(total / length));
    case FR_LR_ONE_CYCLE:
        return one_cycle(base, at, total);
    default:
        return base;
    }
}
