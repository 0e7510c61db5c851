/* SPDX-License-Identifier: BSD-3-Clause */
/* keeper.c - between a fit and its file: when it is saved, and under which key.
 *
 * A rank has the file of the fit it is at, and for a while that of the fit before: this goes
 * when the next one is written, long after root has filed what it led to. What is left then,
 * root sweeps away at the end of the run or at the start of the next. */
#include <stdatomic.h>
#include <stdlib.h>

#include "foldrank/checksum.h"
#include "foldrank/clock.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "foldrank/version.h"
#include "internal.h"

struct fr_keeper {
    fr_keeper_options options;
    fr_fit_keeper hooks;
    fr_fit_id fit;     /* the one at work */
    fr_fit_id written; /* of the last file */
    bool has_written;
    double due; /* fr_clock_now() */
    bool failed;
    atomic_bool closed;
};

static bool same_fit(const fr_fit_id *a, const fr_fit_id *b)
{
    return a->search == b->search && a->trial == b->trial && a->fold == b->fold &&
           a->key == b->key;
}

static bool load(void *context, void **bytes, size_t *size)
{
    const fr_keeper *k = context;
    if (!k->options.has_files) return false;
    if (fr_fit_file_read(k->options.dir, &k->fit, bytes, size) == FR_OK) return *bytes != NULL;
    fr_log_all(FR_LOG_WARN, "schedule saved_fit=ignored: %s; the fit starts anew",
               fr_status_message());
    return false;
}

static bool due(void *context)
{
    const fr_keeper *k = context;
    return k->options.every_s > 0.0 && fr_clock_now() >= k->due;
}

static void save(void *context, const fr_fit_part *parts, size_t n)
{
    fr_keeper *k = context;
    if (atomic_load(&k->closed)) return;
    if (k->has_written && !same_fit(&k->written, &k->fit))
        fr_fit_file_remove(k->options.dir, &k->written);
    k->written = k->fit;
    k->has_written = true;
    if (fr_fit_file_write(k->options.dir, &k->fit, parts, n) != FR_OK && !k->failed) {
        k->failed = true;
        fr_log_all(FR_LOG_WARN,
                   "schedule saved_fit=no: %s; if the run is stopped, this fit starts anew",
                   fr_status_message());
    }
    k->due = fr_clock_now() + k->options.every_s;
}

fr_status fr_keeper_create(const fr_keeper_options *options, fr_keeper **out)
{
    fr_keeper *k = fr_alloc(1, sizeof *k);
    *out = k;
    if (k == NULL) return FR_ERR_MEMORY;
    k->options = *options;
    k->hooks = (fr_fit_keeper){.context = k, .load = load, .due = due, .save = save};
    atomic_init(&k->closed, false);
    return FR_OK;
}

void fr_keeper_destroy(fr_keeper **keeper)
{
    free(*keeper);
    *keeper = NULL;
}

static fr_fit_id id_of(const fr_keeper *k, fr_assignment task, const double *point)
{
    uint64_t key = k->options.fingerprint;
    key = fr_fingerprint(key, FR_VERSION, sizeof FR_VERSION);
    key = fr_fingerprint(key, point, k->options.n_params * sizeof *point);
    if (task.search > 0) {
        key = fr_fingerprint(key, &k->options.plan, sizeof k->options.plan);
        key = fr_fingerprint(key, &task.search, sizeof task.search);
    }
    return (fr_fit_id){
        .search = task.search, .trial = task.trial, .fold = task.fold, .key = key};
}

const fr_fit_keeper *fr_keeper_begin(fr_keeper *k, const fr_task *task)
{
    if (k == NULL) return NULL;
    const fr_assignment which = {
        .search = task->search, .trial = task->trial, .fold = task->fold};
    k->fit = id_of(k, which, task->point);
    k->due = fr_clock_now() + k->options.every_s;
    return &k->hooks;
}

void fr_keeper_put(fr_keeper *k, uint64_t trial, uint32_t fold, const double *point,
                   const fr_fit_part *found)
{
    if (k == NULL) return;
    const fr_fit_id id = id_of(k, (fr_assignment){.trial = trial, .fold = fold}, point);
    if (fr_fit_file_write(k->options.dir, &id, found, 1) != FR_OK)
        fr_log_all(FR_LOG_WARN,
                   "schedule saved=no: %s; if the run is stopped, it is done again",
                   fr_status_message());
}

bool fr_keeper_fetch(const fr_keeper *k, uint64_t trial, uint32_t fold, const double *point,
                     fr_fit_part *found)
{
    void *bytes = NULL;
    if (k == NULL || !k->options.has_files) return false;
    const fr_fit_id id = id_of(k, (fr_assignment){.trial = trial, .fold = fold}, point);
    if (fr_fit_file_read(k->options.dir, &id, &bytes, &found->size) != FR_OK) {
        fr_log_all(FR_LOG_WARN, "schedule saved=ignored: %s", fr_status_message());
        return false;
    }
    found->data = bytes;
    return bytes != NULL;
}

void fr_keeper_close(fr_keeper *k)
{
    if (k != NULL) atomic_store(&k->closed, true);
}
