/* SPDX-License-Identifier: BSD-3-Clause */
/* progress.c - one live line on a terminal, or a log line every so often. */
#include <math.h>

#include "foldrank/log.h"
#include "foldrank/text.h"
#include "internal.h"

static const double live_every_s = 0.2;

static void live_line(const fr_progress *p, const fr_history *history, uint64_t done,
                      uint64_t total, double now)
{
    const double wall = fmax(now - p->started, 1e-9);
    const double rate = (double)(done - p->done_before) / wall;
    const size_t best = fr_history_best(history, history->n);
    char eta[FR_NUMBER_SIZE] = "?";
    if (rate > 0.0) fr_format_duration((double)(total - done) / rate, eta);
    fr_text line = {0};
    fr_text_add(&line, "%llu/%llu fits", (unsigned long long)done, (unsigned long long)total);
    if (best < history->n)
        fr_text_add(&line, "  best %.5g (trial %zu)", history->trials[best].score_mean, best);
    fr_text_add(&line, "  failed %llu  %.4g fits/s  ETA %s  busy %.0f %%",
                (unsigned long long)p->failed, rate, eta,
                100.0 * p->busy_s / (wall * p->n_ranks));
    fr_log_live(fr_text_get(&line));
    fr_text_clear(&line);
}

static void log_line(const fr_progress *p, const fr_history *history, uint64_t done,
                     uint64_t total, double now)
{
    const double wall = fmax(now - p->started, 1e-9);
    const double rate = (double)(done - p->done_before) / wall;
    const size_t best = fr_history_best(history, history->n);
    fr_log(FR_LOG_INFO,
           "schedule progress done=%llu total=%llu best=%.6g failed=%llu fits_per_s=%.4g "
           "eta_s=%.0f busy_percent=%.0f",
           (unsigned long long)done, (unsigned long long)total,
           best < history->n ? history->trials[best].score_mean : NAN,
           (unsigned long long)p->failed, rate,
           rate > 0.0 ? (double)(total - done) / rate : NAN,
           100.0 * p->busy_s / (wall * p->n_ranks));
}

void fr_progress_show(fr_progress *p, const fr_coordinator *coordinator,
                      const fr_history *history, double now)
{
    const bool live = fr_log_is_live();
    double *next = live ? &p->next_live : &p->next_line;
    if (now < *next) return;
    *next = now + (live ? live_every_s : p->every_s);
    uint64_t done = 0, total = 0;
    fr_coordinator_progress(coordinator, &done, &total);
    if (live)
        live_line(p, history, done, total, now);
    else
        log_line(p, history, done, total, now);
}

void fr_progress_end(void)
{
    fr_log_live("");
}
