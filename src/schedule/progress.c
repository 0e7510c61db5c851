/* SPDX-License-Identifier: BSD-3-Clause */
/* progress.c - one live line on a terminal, or a log line every so often. */
#include <math.h>
#include <stdio.h>

#include "foldrank/log.h"
#include "foldrank/text.h"
#include "internal.h"

static const double live_every_s = 0.2;

typedef struct {
    uint64_t done, total;
    double rate;  /* tasks per second in this run */
    double left;  /* at this rate, or by the clock's budget [s]; NaN: not known */
    double busy;  /* share of the ranks' time, tasks that still run included [%] */
    size_t best;  /* trial; history->n when none is complete */
    double score; /* of the best; NaN */
} figures;

static figures get_figures(const fr_progress *p, double now)
{
    figures f = {.left = NAN, .score = NAN};
    const double wall = fmax(now - p->started, 1e-9);
    double busy = p->busy_s;
    for (int worker = 0; worker < p->n_workers; worker++)
        if (fr_coordinator_held(p->coordinator, worker) > 0)
            busy += fmax(now - p->last_end[worker], 0.0);
    f.busy = fmin(100.0 * busy / (wall * p->n_workers), 100.0);
    fr_coordinator_progress(p->coordinator, &f.done, &f.total);
    f.rate = (double)(f.done - p->done_before) / wall;
    if (f.rate > 0.0 && f.total > 0) f.left = (double)(f.total - f.done) / f.rate;
    const double by_clock = fmax(fr_coordinator_time_left(p->coordinator), 0.0);
    if (isfinite(by_clock))
        f.left = fmin(f.left, by_clock); /* of NaN and a number: the number */
    f.best = fr_history_best(p->history, p->history->n);
    if (f.best < p->history->n) f.score = p->history->trials[f.best].score_mean;
    return f;
}

static void live_line(const fr_progress *p, const figures *f)
{
    char left[FR_NUMBER_SIZE] = "?";
    if (!isnan(f->left)) fr_format_duration(f->left, left);
    fr_text line = {0};
    fr_text_add(&line, "%llu", (unsigned long long)f->done);
    if (f->total > 0) fr_text_add(&line, "/%llu", (unsigned long long)f->total);
    fr_text_add(&line, " folds");
    if (!isnan(f->score)) fr_text_add(&line, "  best %.5g (trial %zu)", f->score, f->best);
    fr_text_add(&line, "  failed %llu  %.4g folds/s  ETA %s  busy %.0f %%",
                (unsigned long long)p->failed, f->rate, left, f->busy);
    fr_log_live(fr_text_get(&line));
    fr_text_clear(&line);
}

static void log_line(const fr_progress *p, const figures *f)
{
    char total[FR_NUMBER_SIZE] = "open";
    if (f->total > 0) snprintf(total, sizeof total, "%llu", (unsigned long long)f->total);
    fr_log(FR_LOG_INFO,
           "schedule progress done=%llu total=%s best=%.6g failed=%llu folds_per_s=%.4g "
           "eta_s=%.0f busy_percent=%.0f",
           (unsigned long long)f->done, total, f->score, (unsigned long long)p->failed, f->rate,
           f->left, f->busy);
}

void fr_progress_show(fr_progress *p, double now)
{
    const bool live = fr_log_is_live();
    double *next = live ? &p->next_live : &p->next_line;
    if (now < *next) return;
    *next = now + (live ? live_every_s : p->every_s);
    const figures f = get_figures(p, now);
    if (live)
        live_line(p, &f);
    else
        log_line(p, &f);
}

void fr_progress_end(void)
{
    fr_log_live("");
}
