/* SPDX-License-Identifier: BSD-3-Clause */
/* last.c - splits that leave the future out: by time, and of each user his last rows. */
#include <stdlib.h>

#include "foldrank/memory.h"
#include "folds.h"

/* A listed row; `at` is its place in the list, which is the order of the file. */
typedef struct {
    int64_t user;
    int32_t time;
    uint32_t at;
} moment;

static int by_user_and_time(const void *a, const void *b)
{
    const moment *x = a, *y = b;
    if (x->user != y->user) return x->user < y->user ? -1 : 1;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* The rows by user, if users count, then by time, then as in the file. */
static fr_status sort_rows(const fr_dataset *dataset, const uint32_t *rows, size_t n,
                           bool by_user, moment **out)
{
    moment *list = *out = fr_alloc(n, sizeof **out);
    if (list == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const size_t row = rows == NULL ? i : rows[i];
        list[i] = (moment){.user = by_user ? fr_dataset_user(dataset, row) : 0,
                           .time = dataset->time == NULL ? 0 : dataset->time[row],
                           .at = (uint32_t)i};
    }
    qsort(list, n, sizeof *list, by_user_and_time);
    return FR_OK;
}

fr_status fr_count_earlier(const fr_dataset *dataset, const uint32_t *rows, size_t n,
                           uint32_t *earlier)
{
    moment *list;
    for (size_t i = 0; i < n; i++) earlier[i] = (uint32_t)i;
    if (dataset->time == NULL) return FR_OK;
    FR_TRY(sort_rows(dataset, rows, n, false, &list));
    for (size_t i = 0, first = 0; i < n; i++) {
        if (list[i].time != list[first].time) first = i;
        earlier[list[i].at] = (uint32_t)first;
    }
    free(list);
    return FR_OK;
}

fr_status fr_mark_last(const fr_dataset *dataset, const uint32_t *rows, size_t n, size_t last,
                       double fraction, uint32_t *mark)
{
    moment *list;
    FR_TRY(sort_rows(dataset, rows, n, true, &list));
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && list[end].user == list[first].user;) end++;
        const size_t own = end - first;
        size_t wanted = last > 0 ? last : fr_share_of(fraction, own);
        if (wanted >= own) wanted = own - 1;
        if (list[first].user < 0) wanted = 0;
        for (size_t i = first; i < end; i++) mark[list[i].at] = i >= end - wanted;
    }
    free(list);
    return FR_OK;
}

fr_status fr_need_users(const fr_dataset *dataset, const char *what)
{
    if (fr_dataset_has_users(dataset)) return FR_OK;
    return FR_FAIL(
        FR_ERR_DATA,
        "%s needs data.user, the column of the users, or data.group if it is to be no "
        "feature",
        what);
}
