/* SPDX-License-Identifier: BSD-3-Clause */
/* trial.c - what a program's function is told of a trial, and what it may tell. */
#include <math.h>
#include <string.h>

#include "foldrank/clock.h"
#include "internal.h"

/* Between two looks for the next task [s]: members have no work until it is there. */
static const double look_seconds = 0.0005;

double fr_embed_number(const fr_plugin_value *values, size_t n, const char *name)
{
    for (size_t j = 0; j < n; j++)
        if (strcmp(values[j].name, name) == 0) return values[j].number;
    return NAN;
}

const char *fr_embed_text(const fr_plugin_value *values, size_t n, const char *name)
{
    for (size_t j = 0; j < n; j++)
        if (strcmp(values[j].name, name) == 0) return values[j].text;
    return NULL;
}

fr_status fr_embed_broadcast(const fr_embed_group *group, void *bytes, size_t n, bool patient)
{
    MPI_Request request;
    int arrived = 0;
    if (group->size == 1) return FR_OK;
    FR_MPI(MPI_Ibcast(bytes, (int)n, MPI_BYTE, 0, group->channel, &request));
    while (patient) {
        FR_MPI(MPI_Test(&request, &arrived, MPI_STATUS_IGNORE));
        if (arrived) return FR_OK;
        fr_clock_sleep(look_seconds);
    }
    FR_MPI(MPI_Wait(&request, MPI_STATUS_IGNORE));
    return FR_OK;
}

uint64_t fr_tune_trial_number(const fr_tune_trial *trial)
{
    return trial->task->trial;
}

int fr_tune_trial_fold(const fr_tune_trial *trial)
{
    return (int)trial->task->fold;
}

int fr_tune_trial_seed(const fr_tune_trial *trial)
{
    return (int)trial->task->seed;
}

void *fr_tune_trial_context(const fr_tune_trial *trial)
{
    return trial->group->function.context;
}

double fr_tune_get(const fr_tune_trial *trial, const char *name)
{
    return fr_embed_number(trial->task->values, trial->task->n_values, name);
}

const char *fr_tune_get_text(const fr_tune_trial *trial, const char *name)
{
    return fr_embed_text(trial->task->values, trial->task->n_values, name);
}

/* The leader's answer on all ranks; to end when it cannot be had. */
static int share_answer(const fr_tune_trial *trial, int answer)
{
    if (fr_embed_broadcast(trial->group, &answer, sizeof answer, false) != FR_OK) return 1;
    return answer;
}

int fr_tune_report(const fr_tune_trial *trial, int64_t step, double score)
{
    const fr_plugin_task *task = trial->task;
    const bool leads = trial->group->rank == 0;
    *trial->reported = true;
    return share_answer(trial, leads ? task->report(task, step, score, NAN) : 0);
}

int fr_tune_should_stop(const fr_tune_trial *trial)
{
    const fr_plugin_task *task = trial->task;
    return share_answer(trial, trial->group->rank == 0 ? task->should_stop(task) : 0);
}
