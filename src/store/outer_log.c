/* SPDX-License-Identifier: BSD-3-Clause */
/* outer_log.c - what came of the last tasks of outer searches. There is one for every trial
 * that such a search has ever chosen: with more trials it may be another. */
#include <stdlib.h>

#include "foldrank/checksum.h"
#include "foldrank/memory.h"
#include "foldrank/store.h"

uint64_t fr_outer_log_plan(const fr_nested_options *options)
{
    const uint64_t parts[2] = {(uint64_t)options->outer_folds, (uint64_t)options->seed};
    return fr_fingerprint(FR_FINGERPRINT_START, parts, sizeof parts);
}

fr_status fr_outer_log_add(fr_outer_log *log, fr_fold_result *result)
{
    void *block = log->judged;
    const fr_status st =
        fr_grow(&block, &log->capacity, log->n_judged + 1, sizeof *log->judged);
    log->judged = block;
    if (st == FR_OK)
        log->judged[log->n_judged++] = *result;
    else
        fr_fold_result_clear(result);
    *result = (fr_fold_result){0};
    return st;
}

const fr_fold_result *fr_outer_log_find(const fr_outer_log *log, uint32_t search,
                                        uint64_t trial)
{
    for (size_t i = 0; i < log->n_judged; i++)
        if (log->judged[i].search == search && log->judged[i].trial == trial)
            return &log->judged[i];
    return NULL;
}

void fr_outer_log_clear(fr_outer_log *log)
{
    for (size_t i = 0; i < log->n_judged; i++) fr_fold_result_clear(&log->judged[i]);
    free(log->judged);
    *log = (fr_outer_log){0};
}
