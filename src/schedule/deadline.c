/* SPDX-License-Identifier: BSD-3-Clause */
/* deadline.c - how long a run may last, and what is not worth beginning any more. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/ask.h"
#include "foldrank/clock.h"
#include "foldrank/log.h"
#include "foldrank/text.h"
#include "internal.h"

/* A controller that does not answer keeps nobody waiting. squeue says "1-02:03:04". */
double fr_job_seconds_left(void)
{
    const char *end = getenv("SLURM_JOB_END_TIME"), *job = getenv("SLURM_JOB_ID");
    int64_t number = 0;
    double seconds = INFINITY;
    char answer[64];
    if (end != NULL && fr_parse_int(end, &number) && number > 0)
        return fmax((double)number - fr_clock_epoch(), 0.0);
    if (job == NULL || !fr_parse_int(job, &number) || number <= 0) return INFINITY;
    const char *const question[] = {"timeout", "10", "squeue", "-h", "-j",
                                    job,       "-o", "%L",     NULL};
    if (fr_ask(question, true, answer, sizeof answer) != 0) return INFINITY;
    answer[strcspn(answer, "\n")] = '\0';
    return fr_parse_duration(answer, &seconds) ? seconds : INFINITY;
}

/* Root alone knows the options of its process and the job. */
fr_status fr_run_set_deadline(fr_run_state *run)
{
    const fr_run_options *options = run->options;
    const double job_s = options->job_left_s;
    double left = isinf(job_s) ? INFINITY : job_s - fmin(60.0, job_s / 10.0);
    if (options->time_limit_s > 0.0) left = fmin(left, options->time_limit_s);
    left -= fr_clock_now() - options->started;
    FR_MPI(MPI_Bcast(&left, 1, MPI_DOUBLE, 0, run->comm));
    run->deadline = fr_clock_now() + left;
    if (isfinite(left))
        fr_log(FR_LOG_INFO, "schedule time_left_s=%.0f until this run stops, saved", left);
    return FR_OK;
}

fr_status fr_run_check_stop(const fr_run_state *run)
{
    const fr_run_options *options = run->options;
    const double now = fr_clock_now();
    if (fr_signals_raised()) return FR_FAIL(FR_STOPPED, "a signal came");
    if (now < run->deadline) return FR_OK;
    const double left = options->job_left_s - (now - options->started);
    if (options->time_limit_s > 0.0 && now - options->started >= options->time_limit_s)
        return FR_FAIL(FR_STOPPED, "the time limit of %.6g s has passed",
                       options->time_limit_s);
    return FR_FAIL(FR_STOPPED, "the batch job ends in %.0f s", fmax(left, 0.0));
}

bool fr_run_may_begin(const fr_run_state *run, int worker, double now)
{
    const fr_coordinator *c = run->coordinator;
    const double left = run->deadline - now;
    if (isinf(left)) return true;
    if (run->keeper != NULL) return fr_coordinator_seconds(c, true) <= left;
    const double tasks = 1.0 + (double)fr_coordinator_held(c, worker);
    return tasks * fr_coordinator_seconds(c, false) <= left;
}
