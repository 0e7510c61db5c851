/* SPDX-License-Identifier: BSD-3-Clause */
/* parcel.c - work and results as bytes. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

fr_parcel *fr_parcel_create(size_t n, size_t n_params)
{
    fr_parcel *parcel = fr_alloc(1, sizeof *parcel);
    if (parcel == NULL) return NULL;
    *parcel = (fr_parcel){.n = n,
                          .n_params = n_params,
                          .tasks = fr_alloc(n, sizeof *parcel->tasks),
                          .points = fr_alloc(n * n_params, sizeof *parcel->points),
                          .rungs = fr_alloc(n, sizeof *parcel->rungs),
                          .n_rungs = fr_alloc(n, sizeof *parcel->n_rungs)};
    if (parcel->tasks == NULL || parcel->points == NULL || parcel->rungs == NULL ||
        parcel->n_rungs == NULL)
        fr_parcel_destroy(&parcel);
    return parcel;
}

void fr_parcel_destroy(fr_parcel **parcel)
{
    if (*parcel == NULL) return;
    for (size_t i = 0; (*parcel)->rungs != NULL && i < (*parcel)->n; i++)
        free((*parcel)->rungs[i]);
    free((*parcel)->rungs);
    free((*parcel)->n_rungs);
    free((*parcel)->tasks);
    free((*parcel)->points);
    free(*parcel);
    *parcel = NULL;
}

static bool same_trial(const fr_parcel *parcel, size_t i)
{
    return i > 0 && parcel->tasks[i].trial == parcel->tasks[i - 1].trial &&
           parcel->tasks[i].search == parcel->tasks[i - 1].search;
}

void fr_parcel_pack(const fr_parcel *parcel, fr_pack *out)
{
    fr_pack_u32(out, (uint32_t)parcel->n);
    for (size_t i = 0; i < parcel->n; i++) {
        fr_pack_u64(out, parcel->tasks[i].trial);
        fr_pack_u32(out, parcel->tasks[i].fold);
        fr_pack_u32(out, parcel->tasks[i].search);
        if (!same_trial(parcel, i))
            fr_pack_doubles(out, parcel->points + i * parcel->n_params, parcel->n_params);
        fr_pack_u32(out, (uint32_t)parcel->n_rungs[i]);
        for (size_t r = 0; r < parcel->n_rungs[i]; r++) {
            fr_pack_u32(out, parcel->rungs[i][r].epoch);
            fr_pack_double(out, parcel->rungs[i][r].cutoff);
        }
    }
}

static fr_status unpack_rungs(fr_unpack *in, fr_parcel *parcel, size_t i)
{
    const size_t n = fr_unpack_u32(in), packed_bytes = 12;
    if (n == 0) return FR_OK;
    if (n > fr_unpack_left(in) / packed_bytes) {
        in->failed = true;
        return FR_OK;
    }
    parcel->rungs[i] = fr_alloc(n, sizeof *parcel->rungs[i]);
    if (parcel->rungs[i] == NULL) return FR_ERR_MEMORY;
    parcel->n_rungs[i] = n;
    for (size_t r = 0; r < n; r++) {
        parcel->rungs[i][r].epoch = fr_unpack_u32(in);
        parcel->rungs[i][r].cutoff = fr_unpack_double(in);
    }
    return FR_OK;
}

fr_status fr_parcel_unpack(fr_unpack *in, size_t n_params, fr_parcel **out)
{
    const size_t n = fr_unpack_u32(in);
    *out = fr_parcel_create(n <= FR_TASKS_MAX ? n : 0, n_params);
    if (*out == NULL) return FR_ERR_MEMORY;
    fr_parcel *parcel = *out;
    fr_status st = FR_OK;
    for (size_t i = 0; st == FR_OK && i < parcel->n; i++) {
        double *point = parcel->points + i * n_params;
        parcel->tasks[i].trial = fr_unpack_u64(in);
        parcel->tasks[i].fold = fr_unpack_u32(in);
        parcel->tasks[i].search = fr_unpack_u32(in);
        if (!same_trial(parcel, i))
            fr_unpack_doubles(in, point, n_params);
        else if (n_params > 0)
            memcpy(point, point - n_params, n_params * sizeof *point);
        st = unpack_rungs(in, parcel, i);
    }
    if (st == FR_OK && !in->failed && n == parcel->n) return FR_OK;
    fr_parcel_destroy(out);
    if (st != FR_OK) return st;
    return FR_FAIL(FR_ERR_MPI, "a message with %zu tasks is damaged", n);
}

fr_status fr_results_list_add(fr_results_list *list, fr_fold_result *result)
{
    void *block = list->items;
    fr_status st = fr_grow(&block, &list->capacity, list->n + 1, sizeof *list->items);
    list->items = block;
    if (st == FR_OK)
        list->items[list->n++] = *result;
    else
        fr_fold_result_clear(result);
    *result = (fr_fold_result){0};
    return st;
}

void fr_results_list_clear(fr_results_list *list)
{
    for (size_t i = 0; i < list->n; i++) fr_fold_result_clear(&list->items[i]);
    free(list->items);
    *list = (fr_results_list){0};
}

void fr_results_list_pack(const fr_results_list *list, fr_pack *out)
{
    fr_pack_u32(out, (uint32_t)list->n);
    for (size_t i = 0; i < list->n; i++) {
        fr_pack_u32(out, list->items[i].search);
        fr_fold_result_pack(&list->items[i], out);
    }
}

fr_status fr_results_list_unpack(fr_unpack *in, fr_results_list *out)
{
    const uint32_t n = fr_unpack_u32(in);
    for (uint32_t i = 0; i < n; i++) {
        fr_fold_result result = {0};
        const uint32_t search = fr_unpack_u32(in);
        fr_status st = fr_fold_result_unpack(in, &result);
        result.search = search;
        if (st != FR_OK) {
            fr_fold_result_clear(&result);
            return st;
        }
        FR_TRY(fr_results_list_add(out, &result));
    }
    return in->failed ? FR_FAIL(FR_ERR_MPI, "a message with %u results is damaged", (unsigned)n)
                      : FR_OK;
}

void fr_rank_record_pack(const fr_rank_record *record, fr_pack *out)
{
    fr_pack_bytes(out, record->host, sizeof record->host);
    fr_pack_u32(out, (uint32_t)record->threads);
    fr_pack_double(out, record->busy_s);
    fr_pack_double(out, record->idle_s);
    fr_pack_u64(out, record->fits);
    fr_pack_double(out, record->flops);
}

void fr_rank_record_unpack(fr_unpack *in, fr_rank_record *out)
{
    const void *host = fr_unpack_bytes(in, sizeof out->host);
    if (host != NULL) memcpy(out->host, host, sizeof out->host - 1);
    out->threads = (int)fr_unpack_u32(in);
    out->busy_s = fr_unpack_double(in);
    out->idle_s = fr_unpack_double(in);
    out->fits = fr_unpack_u64(in);
    out->flops = fr_unpack_double(in);
}
