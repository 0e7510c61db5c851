/* SPDX-License-Identifier: BSD-3-Clause */
/* plugin.c - a task that is a call into a shared object. */
#include "foldrank/plugin.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

enum { MESSAGE_SIZE = 512 };

struct fr_plugin_kit {
    const char *path; /* borrowed */
    void *library;
    const fr_plugin *table;
    void *state;
    bool ready; /* init has been called, and was content */
};

/* ---- loading ---- */

/* A name without a slash would be looked for elsewhere. */
static fr_status load(fr_plugin_kit *kit)
{
    fr_text path = {0};
    fr_text_add(&path, "%s%s", strchr(kit->path, '/') == NULL ? "./" : "", kit->path);
    if (path.failed) return FR_ERR_MEMORY;
    kit->library = dlopen(fr_text_get(&path), RTLD_NOW | RTLD_LOCAL);
    fr_text_clear(&path);
    if (kit->library == NULL)
        return FR_FAIL(FR_ERR_USAGE, "objective.path: cannot load %s: %s", kit->path,
                       dlerror());
    return FR_OK;
}

static fr_status find_table(fr_plugin_kit *kit)
{
    /* POSIX lets dlsym give functions; ISO C knows no cast for it. */
    union {
        void *object;
        const fr_plugin *(*function)(void);
    } symbol = {.object = dlsym(kit->library, "foldrank_plugin")};
    if (symbol.object == NULL)
        return FR_FAIL(FR_ERR_USAGE,
                       "objective.path: %s exports no function foldrank_plugin (see plugin.h): "
                       "%s",
                       kit->path, dlerror());
    kit->table = symbol.function();
    if (kit->table == NULL)
        return FR_FAIL(FR_ERR_USAGE, "objective.path: foldrank_plugin of %s gives NULL",
                       kit->path);
    if (kit->table->abi != FR_PLUGIN_ABI)
        return FR_FAIL(FR_ERR_USAGE,
                       "objective.path: %s is made for version %u of the plug-in interface, "
                       "this foldrank has version %d; compile it with foldrank's plugin.h",
                       kit->path, (unsigned)kit->table->abi, FR_PLUGIN_ABI);
    if (kit->table->evaluate == NULL)
        return FR_FAIL(FR_ERR_USAGE, "objective.path: %s has no function evaluate", kit->path);
    return FR_OK;
}

static void take_setup_message(const fr_plugin_setup *setup, const char *message)
{
    snprintf(setup->host, MESSAGE_SIZE, "%s", message);
}

static fr_status init(fr_plugin_kit *kit, const fr_external *x)
{
    char message[MESSAGE_SIZE] = "it does not say why";
    const fr_plugin_setup setup = {.options = x->study->objective.options,
                                   .rank = x->place.rank,
                                   .threads = x->place.threads,
                                   .gpus = fr_text_get(&x->gpus),
                                   .fail = take_setup_message,
                                   .host = message};
    if (kit->table->init != NULL && kit->table->init(&setup, &kit->state) != FR_PLUGIN_DONE)
        return FR_FAIL(FR_ERR_USAGE, "plug-in %s does not start: %s", kit->path, message);
    kit->ready = true;
    return FR_OK;
}

/* The function of the program that foldrank is a part of. */
static fr_status embed(fr_plugin_kit *kit, const fr_external *x)
{
    kit->table = x->place.embedded;
    kit->state = x->place.embedded_state;
    if (kit->table == NULL && x->place.local_ranks > 0)
        return FR_FAIL(FR_ERR_USAGE,
                       "objective.type embedded is a function of a program that links "
                       "libfoldrank (fr_tune_run in tune.h); run that program");
    return FR_OK;
}

fr_status fr_plugin_open(const fr_external *x, fr_plugin_kit **out)
{
    fr_plugin_kit *kit = fr_alloc(1, sizeof *kit);
    *out = kit;
    if (kit == NULL) return FR_ERR_MEMORY;
    if (x->study->objective.type == FR_OBJECTIVE_EMBEDDED) return embed(kit, x);
    kit->path = x->study->objective.path;
    FR_TRY(load(kit));
    FR_TRY(find_table(kit));
    return x->place.local_ranks == 0 ? FR_OK : init(kit, x);
}

void fr_plugin_close(fr_plugin_kit **kit)
{
    fr_plugin_kit *k = *kit;
    if (k == NULL) return;
    if (k->ready && k->table->finalize != NULL) k->table->finalize(k->state);
    if (k->library != NULL) dlclose(k->library);
    free(k);
    *kit = NULL;
}

/* ---- a task ---- */

typedef struct {
    const fr_external *external;
    const fr_task *task;
    const atomic_bool *stop;
    fr_reports reports;
    fr_text directory;
    bool told; /* that the run ends */
    char message[MESSAGE_SIZE];
    fr_status status; /* of memory and files */
} call_state;

static int should_stop(const fr_plugin_task *task)
{
    call_state *c = task->host;
    c->told = c->told || (c->stop != NULL && atomic_load(c->stop));
    return c->told;
}

static int take_report(const fr_plugin_task *task, int64_t step, double value, double loss)
{
    call_state *c = task->host;
    if (c->status == FR_OK) c->status = fr_reports_add(&c->reports, step, value, loss);
    return c->status != FR_OK || c->reports.verdict != FR_REPORT_GO_ON || should_stop(task);
}

static const char *make_directory(const fr_plugin_task *task)
{
    call_state *c = task->host;
    if (c->status == FR_OK && c->directory.length == 0)
        c->status = fr_external_directory(c->external, c->task, &c->directory);
    return c->status == FR_OK ? fr_text_get(&c->directory) : NULL;
}

static void take_message(const fr_plugin_task *task, const char *message)
{
    call_state *c = task->host;
    snprintf(c->message, sizeof c->message, "%s", message);
}

void fr_plugin_values_destroy(fr_plugin_value **values, size_t n)
{
    for (size_t j = 0; *values != NULL && j < n; j++) free((char *)(*values)[j].text);
    free(*values);
    *values = NULL;
}

fr_status fr_plugin_values_create(const fr_space *space, const double *point,
                                  fr_plugin_value **out)
{
    *out = fr_alloc(space->n, sizeof **out);
    if (*out == NULL) return FR_ERR_MEMORY;
    for (size_t j = 0; j < space->n; j++) {
        (*out)[j] = (fr_plugin_value){.name = space->params[j].name, .number = point[j]};
        if (isnan(point[j])) continue;
        fr_text text = {0};
        fr_value_text(&space->params[j], point[j], &text);
        if (!text.failed && text.data == NULL) text.data = fr_strdup(""); /* an empty choice */
        (*out)[j].text = text.data;
        if (text.failed || text.data == NULL) return FR_ERR_MEMORY;
    }
    return FR_OK;
}

static fr_status judge(call_state *c, int code, double value)
{
    fr_reports *r = &c->reports;
    if (c->status != FR_OK) return c->status;
    if (r->verdict == FR_REPORT_GO_ON && c->told) {
        r->result->state = FR_TRIAL_INTERRUPTED;
        return FR_OK;
    }
    if (code == FR_PLUGIN_DONE) FR_TRY(fr_reports_finish(r, value));
    if (code != FR_PLUGIN_DONE && code != FR_PLUGIN_REPORTED)
        FR_TRY(fr_reports_refuse(r, c->message));
    if (fr_reports_settle(r)) return FR_OK;
    return fr_task_fail(r->result, "no value: FR_PLUGIN_REPORTED was returned, and nothing was "
                                   "reported");
}

fr_status fr_plugin_evaluate(const fr_external *x, const fr_task *task, const atomic_bool *stop,
                             fr_fold_result *result)
{
    const fr_study *study = x->study;
    call_state c = {.external = x,
                    .task = task,
                    .stop = stop,
                    .message = "the plug-in failed and does not say why"};
    fr_plugin_value *values = NULL;
    double value = NAN;
    fr_reports_init(&c.reports, study, task, result);
    fr_status st = fr_plugin_values_create(&study->space, task->point, &values);
    const fr_plugin_task call = {.trial = task->trial,
                                 .fold = task->fold,
                                 .folds = (uint32_t)study->objective.folds,
                                 .seed = fr_external_seed(x, task),
                                 .steps = (uint32_t)study->objective.steps,
                                 .values = values,
                                 .n_values = study->space.n,
                                 .report = take_report,
                                 .should_stop = should_stop,
                                 .directory = make_directory,
                                 .fail = take_message,
                                 .host = &c};
    if (st == FR_OK) {
        const int code = x->plugin->table->evaluate(x->plugin->state, &call, &value);
        st = judge(&c, code, value);
    }
    fr_plugin_values_destroy(&values, study->space.n);
    fr_text_clear(&c.directory);
    return st;
}
