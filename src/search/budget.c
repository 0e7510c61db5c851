/* SPDX-License-Identifier: BSD-3-Clause */
/* budget.c - study key `stop`, and whether one more trial may begin. */
#include "foldrank/budget.h"

#include <math.h>

#include "foldrank/text.h"

const char *const fr_end_words[] = {
#define X(name, word) word,
    FR_END_LIST(X)
#undef X
        NULL};

fr_status fr_stop_target(const fr_stop_options *options, double *target)
{
    *target = NAN;
    if (options->score == NULL) return FR_OK;
    if (fr_parse_double(options->score, target) && isfinite(*target)) return FR_OK;
    return FR_FAIL(FR_ERR_USAGE, "score `%.60s` is not a finite number", options->score);
}

fr_status fr_stop_check(const fr_stop_options *options, uint32_t n_folds)
{
    if (options->fits == 0 || options->fits >= (int64_t)n_folds) return FR_OK;
    return FR_FAIL(FR_ERR_USAGE, "stop.fits: %lld is less than the %u folds of a single trial",
                   (long long)options->fits, n_folds);
}

bool fr_stop_is_budget(const fr_stop_options *options)
{
    return options->fits > 0 || options->epochs > 0 || options->core_hours > 0 ||
           options->wall_s > 0;
}

bool fr_budget_has_target(const fr_budget *budget)
{
    return budget->options->score != NULL;
}

static uint64_t epochs_at_most(const fr_budget *b, const fr_history *h, const double *point)
{
    return h->n_folds * b->epochs_at_most(b->context, point);
}

static void charge_new(fr_budget *b, const fr_history *h)
{
    for (; b->charged < h->n; b->charged++) {
        b->due_fits += h->n_folds;
        b->due_epochs += epochs_at_most(b, h, h->trials[b->charged].point);
    }
}

/* What a settled trial took takes the place of what it was charged with. */
static void count_settled(fr_budget *b, const fr_history *h)
{
    for (; b->counted < h->settled; b->counted++) {
        const fr_history_work work = fr_history_trial_work(h, b->counted);
        b->fits += work.fits;
        b->epochs += work.epochs;
        b->due_fits -= h->n_folds;
        b->due_epochs -= epochs_at_most(b, h, h->trials[b->counted].point);
    }
}

static bool reaches_target(fr_budget *b, const fr_history *h)
{
    double target;
    if (fr_stop_target(b->options, &target) != FR_OK || isnan(target)) return false;
    const uint64_t visible = fr_history_visible(h, b->concurrency, h->n);
    if (b->looked == 0) b->best = NAN;
    for (; b->looked < visible; b->looked++) {
        const fr_trial *trial = &h->trials[b->looked];
        if (trial->state == FR_TRIAL_COMPLETE &&
            fr_history_better(h, trial->score_mean, b->best))
            b->best = trial->score_mean;
    }
    return !isnan(b->best) && !fr_history_better(h, target, b->best);
}

fr_end fr_budget_judge(fr_budget *b, const fr_history *h, const double *point, bool *wait)
{
    const fr_stop_options *o = b->options;
    charge_new(b, h);
    count_settled(b, h);
    *wait = false;
    if (reaches_target(b, h)) return FR_END_SCORE;
    const uint64_t fits = b->fits + b->due_fits + h->n_folds;
    const uint64_t epochs = b->epochs + b->due_epochs + epochs_at_most(b, h, point);
    fr_end end = FR_END_NOT_YET;
    if (o->fits > 0 && fits > (uint64_t)o->fits)
        end = FR_END_FITS;
    else if (o->epochs > 0 && epochs > (uint64_t)o->epochs)
        end = FR_END_EPOCHS;
    *wait = end != FR_END_NOT_YET && b->counted < h->n;
    return *wait ? FR_END_NOT_YET : end;
}

#define FIELD(name) offsetof(fr_stop_options, name)

const fr_option fr_stop_option_table[] = {
    {.name = "score",
     .type = FR_OPTION_STRING,
     .offset = FIELD(score),
     .help = "target: no trial begins once a complete one has this mean score"},
    {.name = "fits",
     .type = FR_OPTION_INT,
     .offset = FIELD(fits),
     .fallback = "0",
     .low = 0,
     .high = 1e15,
     .help = "budget: folds trained in all; 0: no limit"},
    {.name = "epochs",
     .type = FR_OPTION_INT,
     .offset = FIELD(epochs),
     .fallback = "0",
     .low = 0,
     .high = 1e15,
     .help = "budget: epochs trained in all; 0: no limit"},
    {.name = "core_hours",
     .type = FR_OPTION_DOUBLE,
     .offset = FIELD(core_hours),
     .fallback = "0",
     .low = 0,
     .high = 1e12,
     .help = "budget: ranks x threads x hours, of all runs; by the clock; 0: no limit"},
    {.name = "wall",
     .type = FR_OPTION_DURATION,
     .offset = FIELD(wall_s),
     .fallback = "0",
     .low = 0,
     .high = 1e12,
     .help = "budget: time of all runs, such as 2h30m; by the clock; 0: no limit"},
};
const size_t fr_stop_option_count = sizeof fr_stop_option_table / sizeof *fr_stop_option_table;
