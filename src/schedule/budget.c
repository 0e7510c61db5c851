/* SPDX-License-Identifier: BSD-3-Clause */
/* budget.c - the study's budgets on root: judged by results in the coordinator, by the clock
 * here. */
#include <math.h>

#include "foldrank/budget.h"
#include "foldrank/log.h"
#include "internal.h"
#include "nested.h"

static uint64_t epochs_of(const void *context, const double *point)
{
    return fr_study_epochs(context, point);
}

/* A directory may hold more than the study now asks for: all of it counts. */
static void tell_surplus(const fr_run_state *run, fr_history_work work)
{
    const fr_stop_options *stop = &run->study->stop;
    const struct {
        const char *key;
        uint64_t there, asked;
    } budgets[] = {
        {"search.trials", run->history->n, fr_search_trials(run->search)},
        {"stop.fits", work.fits, (uint64_t)stop->fits},
        {"stop.epochs", work.epochs, (uint64_t)stop->epochs},
    };
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++)
        if (budgets[i].asked > 0 && budgets[i].there > budgets[i].asked)
            fr_log(FR_LOG_WARN,
                   "schedule %s=%llu there=%llu: %s holds more than the study asks for; all of "
                   "it is finished and counts",
                   budgets[i].key, (unsigned long long)budgets[i].asked,
                   (unsigned long long)budgets[i].there, run->study->output);
}

fr_budget fr_run_make_budget(const fr_study *study)
{
    return (fr_budget){.options = &study->stop,
                       .concurrency = (uint64_t)study->search.concurrency,
                       .epochs_at_most = epochs_of,
                       .context = study};
}

void fr_run_start_budget(fr_run_state *run)
{
    run->budget = fr_run_make_budget(run->study);
    fr_coordinator_set_budget(run->coordinator, &run->budget);
    run->before = fr_journal_usage(run->journal);
    for (int i = 0; i < run->report->n_ranks; i++) run->cores += run->report->ranks[i].threads;
    const fr_history_work work = fr_history_all_work(run->history);
    run->fits_before = work.fits + fr_nested_fits(run);
    tell_surplus(run, work);
}

fr_usage fr_run_usage(const fr_run_state *run, double now)
{
    const double wall_s = now - run->loop_started;
    return (fr_usage){.wall_s = run->before.wall_s + wall_s,
                      .core_s = run->before.core_s + wall_s * run->cores};
}

void fr_run_watch_clock(fr_run_state *run, double now)
{
    const fr_stop_options *stop = &run->study->stop;
    const fr_usage usage = fr_run_usage(run, now);
    const double wall = stop->wall_s > 0 ? stop->wall_s - usage.wall_s : INFINITY;
    const double core =
        stop->core_hours > 0 ? (stop->core_hours * 3600 - usage.core_s) / run->cores : INFINITY;
    if (wall <= core)
        fr_coordinator_set_time_left(run->coordinator, wall, FR_END_WALL);
    else
        fr_coordinator_set_time_left(run->coordinator, core, FR_END_CORE_HOURS);
}
