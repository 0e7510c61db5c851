/* SPDX-License-Identifier: BSD-3-Clause */
/* tune.c - a program's study: put together, run, and asked for its best trial. */
#include "foldrank/tune.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/clock.h"
#include "foldrank/linalg.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "foldrank/option.h"
#include "internal.h"

struct fr_tune {
    MPI_Comm comm; /* own duplicate */
    int rank, size;
    char *name;
    fr_text text; /* the study so far, YAML */
    fr_strings overrides;
    int ranks_per_trial;
    double time_s;
    fr_log_level log_level;

    /* of the last run */
    fr_study *study;
    int64_t best_trial; /* -1: none */
    double best_score;
    fr_plugin_value *best; /* (study->space.n) */
};

/* ---- before the run ---- */

static fr_status create(MPI_Comm comm, const char *name, fr_tune *tune)
{
    *tune = (fr_tune){.comm = MPI_COMM_NULL,
                      .ranks_per_trial = 1,
                      .log_level = FR_LOG_WARN,
                      .best_trial = -1,
                      .best_score = NAN};
    FR_MPI(MPI_Comm_dup(comm, &tune->comm));
    FR_MPI(MPI_Comm_set_errhandler(tune->comm, MPI_ERRORS_RETURN));
    FR_MPI(MPI_Comm_rank(tune->comm, &tune->rank));
    FR_MPI(MPI_Comm_size(tune->comm, &tune->size));
    tune->name = fr_strdup(name);
    return tune->name == NULL ? FR_ERR_MEMORY : FR_OK;
}

static fr_status open_tune(MPI_Comm comm, const char *name, fr_tune **out)
{
    int is_running = 0;
    *out = NULL;
    if (MPI_Initialized(&is_running) != MPI_SUCCESS || !is_running)
        return FR_FAIL(FR_ERR_USAGE, "MPI_Init_thread comes before foldrank");
    *out = fr_alloc(1, sizeof **out);
    if (*out == NULL) return FR_ERR_MEMORY;
    const fr_status st = create(comm, name, *out);
    if (st != FR_OK) fr_tune_destroy(out);
    return st;
}

fr_status fr_tune_create(MPI_Comm comm, const char *name, fr_tune **out)
{
    FR_TRY(open_tune(comm, name, out));
    fr_text *text = &(*out)->text;
    fr_text_add(text, "study: ");
    fr_flow_quote(name, text);
    fr_text_add(text, "\nobjective:\n  type: embedded\n  parameters:\n");
    const fr_status st = fr_agree((*out)->comm, text->failed ? FR_ERR_MEMORY : FR_OK);
    if (st != FR_OK) fr_tune_destroy(out);
    return st;
}

fr_status fr_tune_parse(MPI_Comm comm, const char *text, fr_tune **out)
{
    FR_TRY(open_tune(comm, "study", out));
    fr_text_add(&(*out)->text, "%s", text);
    const fr_status st = fr_agree((*out)->comm, (*out)->text.failed ? FR_ERR_MEMORY : FR_OK);
    if (st != FR_OK) fr_tune_destroy(out);
    return st;
}

static void clear_run(fr_tune *tune)
{
    if (tune->study != NULL) fr_plugin_values_destroy(&tune->best, tune->study->space.n);
    fr_study_destroy(&tune->study);
    tune->best_trial = -1;
    tune->best_score = NAN;
}

void fr_tune_destroy(fr_tune **tune)
{
    if (tune == NULL || *tune == NULL) return;
    fr_tune *t = *tune;
    clear_run(t);
    fr_strings_clear(&t->overrides);
    fr_text_clear(&t->text);
    free(t->name);
    if (t->comm != MPI_COMM_NULL) MPI_Comm_free(&t->comm);
    free(t);
    *tune = NULL;
}

static fr_status end_line(fr_tune *tune)
{
    fr_text_add(&tune->text, "]}\n");
    return tune->text.failed ? FR_ERR_MEMORY : FR_OK;
}

static void begin_line(fr_tune *tune, const char *name, const char *kind)
{
    fr_text_add(&tune->text, "    ");
    fr_flow_quote(name, &tune->text);
    fr_text_add(&tune->text, ": {%s: [", kind);
}

static fr_status add_range(fr_tune *tune, const char *name, const char *kind, double low,
                           double high)
{
    char a[FR_NUMBER_SIZE], b[FR_NUMBER_SIZE];
    begin_line(tune, name, kind);
    fr_text_add(&tune->text, "%s, %s", fr_format_double(low, a), fr_format_double(high, b));
    return end_line(tune);
}

fr_status fr_tune_add_float(fr_tune *tune, const char *name, double low, double high)
{
    return add_range(tune, name, "float", low, high);
}

fr_status fr_tune_add_log(fr_tune *tune, const char *name, double low, double high)
{
    return add_range(tune, name, "log", low, high);
}

fr_status fr_tune_add_int(fr_tune *tune, const char *name, int64_t low, int64_t high)
{
    return add_range(tune, name, "int", (double)low, (double)high);
}

fr_status fr_tune_add_int_log(fr_tune *tune, const char *name, int64_t low, int64_t high)
{
    return add_range(tune, name, "int_log", (double)low, (double)high);
}

fr_status fr_tune_add_choice(fr_tune *tune, const char *name, const char *const values[],
                             size_t n)
{
    begin_line(tune, name, "choice");
    for (size_t i = 0; i < n; i++) {
        fr_text_add(&tune->text, "%s", i > 0 ? ", " : "");
        fr_flow_quote(values[i], &tune->text);
    }
    return end_line(tune);
}

fr_status fr_tune_set(fr_tune *tune, const char *key, const char *value)
{
    fr_text text = {0};
    fr_text_add(&text, "%s=%s", key, value);
    const fr_status st =
        text.failed ? FR_ERR_MEMORY : fr_strings_add(&tune->overrides, fr_text_get(&text));
    fr_text_clear(&text);
    return st;
}

fr_status fr_tune_set_ranks_per_trial(fr_tune *tune, int ranks)
{
    if (ranks < 1 || ranks > tune->size)
        return FR_FAIL(FR_ERR_ARG, "%d ranks for each trial; allowed: 1 to %d, those there are",
                       ranks, tune->size);
    tune->ranks_per_trial = ranks;
    return FR_OK;
}

void fr_tune_set_time(fr_tune *tune, double seconds)
{
    tune->time_s = seconds;
}

void fr_tune_set_log(fr_tune *tune, int level)
{
    tune->log_level = level < FR_LOG_ERROR   ? FR_LOG_ERROR
                      : level > FR_LOG_DEBUG ? FR_LOG_DEBUG
                                             : (fr_log_level)level;
}

void fr_tune_catch_signals(void)
{
    fr_signals_install();
}

/* ---- the run ---- */

/* Of the settings those of rank 0 count. */
static fr_status share_settings(fr_tune *tune)
{
    struct {
        int ranks_per_trial, log_level;
        double time_s;
    } s = {tune->ranks_per_trial, (int)tune->log_level, tune->time_s};
    FR_MPI(MPI_Bcast(&s, (int)sizeof s, MPI_BYTE, 0, tune->comm));
    tune->ranks_per_trial = s.ranks_per_trial;
    tune->log_level = (fr_log_level)s.log_level;
    tune->time_s = s.time_s;
    fr_log_setup(tune->rank, tune->log_level);
    return FR_OK;
}

static fr_status check_threads(const fr_tune *tune)
{
    int level = MPI_THREAD_SINGLE, is_main = 0;
    FR_MPI(MPI_Query_thread(&level));
    FR_MPI(MPI_Is_thread_main(&is_main));
    if (level < MPI_THREAD_FUNNELED || !is_main)
        return FR_FAIL(FR_ERR_USAGE,
                       "foldrank needs MPI_Init_thread with MPI_THREAD_FUNNELED, and the main "
                       "thread");
    if (tune->ranks_per_trial > 1 && level < MPI_THREAD_MULTIPLE)
        return FR_FAIL(FR_ERR_USAGE,
                       "%d ranks for each trial need MPI_Init_thread with MPI_THREAD_MULTIPLE",
                       tune->ranks_per_trial);
    return FR_OK;
}

static fr_status read_study(fr_tune *tune)
{
    fr_status st = FR_OK;
    if (tune->rank == 0)
        st = fr_study_parse(fr_text_get(&tune->text), tune->name,
                            (const char *const *)tune->overrides.item, tune->overrides.n,
                            &tune->study);
    if (st == FR_OK && tune->rank == 0 && tune->study->objective.type != FR_OBJECTIVE_EMBEDDED)
        st = FR_FAIL(FR_ERR_USAGE,
                     "%s: a study that a program runs has `objective: {type: embedded, "
                     "parameters: ...}`",
                     tune->name);
    return fr_study_share(tune->comm, st, &tune->study);
}

/* The selected trial, or the best so far. */
static int64_t pick_best(const fr_run_report *report)
{
    if (report->history == NULL) return -1;
    if (report->selection.ranking != NULL) return (int64_t)report->selection.chosen;
    const size_t best = fr_history_best(report->history, report->history->n);
    return best < report->history->n ? (int64_t)best : -1;
}

static fr_status share_best(fr_tune *tune, const fr_run_report *report)
{
    const size_t n = tune->study->space.n;
    struct {
        int64_t trial;
        double score;
    } found = {.trial = pick_best(report), .score = NAN};
    if (found.trial >= 0) found.score = report->history->trials[found.trial].score_mean;
    FR_MPI(MPI_Bcast(&found, (int)sizeof found, MPI_BYTE, 0, tune->comm));
    if (found.trial < 0) return FR_OK;
    double *point = fr_alloc(n, sizeof *point);
    FR_TRY(fr_agree(tune->comm, point == NULL ? FR_ERR_MEMORY : FR_OK));
    if (tune->rank == 0)
        memcpy(point, report->history->trials[found.trial].point, n * sizeof *point);
    MPI_Bcast(point, (int)n, MPI_DOUBLE, 0, tune->comm);
    const fr_status st = fr_plugin_values_create(&tune->study->space, point, &tune->best);
    free(point);
    tune->best_trial = found.trial;
    tune->best_score = found.score;
    return fr_agree(tune->comm, st);
}

/* Leaders run the study among themselves, members serve their leaders. */
static fr_status run_groups(fr_tune *tune, fr_embed_group *group, bool in,
                            fr_run_report *report)
{
    MPI_Comm leaders = MPI_COMM_NULL;
    const bool leads = in && group->rank == 0;
    const fr_run_options options = {.job_left_s =
                                        tune->rank == 0 ? fr_job_seconds_left() : INFINITY,
                                    .time_limit_s = tune->time_s,
                                    .log_every_s = 30,
                                    .snapshot_every_s = 60,
                                    .command = tune->name,
                                    .started = fr_clock_now(),
                                    .embedded = &fr_embed_plugin,
                                    .embedded_state = group};
    FR_MPI(MPI_Comm_split(tune->comm, leads ? 0 : MPI_UNDEFINED, tune->rank, &leaders));
    if (!in) return FR_OK;
    if (!leads) return fr_embed_serve(group);
    fr_status st = fr_run(leaders, tune->study, &options, report);
    if (st == FR_ERR_MPI) return st;
    char *message = fr_strdup(fr_status_message());
    if (fr_embed_dismiss(group) != FR_OK) st = FR_ERR_MPI;
    if (st != FR_OK && st != FR_ERR_MPI && message != NULL) fr_status_set(st, message);
    free(message);
    MPI_Comm_free(&leaders);
    return st;
}

static fr_status run(fr_tune *tune, const fr_embed_function *function)
{
    fr_embed_group group = {.comm = MPI_COMM_NULL, .channel = MPI_COMM_NULL};
    fr_run_report report = {0};
    bool in = false;
    clear_run(tune);
    FR_TRY(share_settings(tune));
    FR_TRY(fr_agree(tune->comm, check_threads(tune)));
    FR_TRY(read_study(tune));
    FR_TRY(fr_embed_group_create(tune->comm, tune->ranks_per_trial, &group, &in));
    group.function = *function;
    group.study = tune->study;
    group.point = fr_alloc(tune->study->space.n, sizeof *group.point);
    FR_TRY(fr_agree(tune->comm, group.point == NULL ? FR_ERR_MEMORY : FR_OK));
    const int idle = tune->size % tune->ranks_per_trial;
    if (idle > 0)
        fr_log(FR_LOG_WARN, "embed ranks=%d ranks_per_trial=%d idle=%d", tune->size,
               tune->ranks_per_trial, idle);
    const int threads = fr_linalg_init();
    fr_status st = run_groups(tune, &group, in, &report);
    fr_linalg_end(threads);
    if (st == FR_ERR_MPI) return st;
    st = fr_agree(tune->comm, st);
    if (st == FR_OK || st == FR_STOPPED) {
        char *message = fr_strdup(fr_status_message());
        const fr_status shared = share_best(tune, &report);
        if (shared == FR_OK && message != NULL) fr_status_set(st, message);
        if (shared != FR_OK) st = shared;
        free(message);
    }
    fr_run_report_clear(&report);
    fr_embed_group_clear(&group);
    return st;
}

fr_status fr_tune_run(fr_tune *tune, fr_tune_function *function, void *context)
{
    return run(tune, &(fr_embed_function){.c = function, .context = context});
}

/* ---- after the run ---- */

int64_t fr_tune_best_trial(const fr_tune *tune)
{
    return tune->best_trial;
}

double fr_tune_best_score(const fr_tune *tune)
{
    return tune->best_score;
}

double fr_tune_best(const fr_tune *tune, const char *name)
{
    return tune->best == NULL ? NAN : fr_embed_number(tune->best, tune->study->space.n, name);
}

const char *fr_tune_best_text(const fr_tune *tune, const char *name)
{
    return tune->best == NULL ? NULL : fr_embed_text(tune->best, tune->study->space.n, name);
}

/* ---- for Fortran ---- */

int fr_tune_create_f(MPI_Fint comm, const char *name, fr_tune **out)
{
    return (int)fr_tune_create(MPI_Comm_f2c(comm), name, out);
}

int fr_tune_parse_f(MPI_Fint comm, const char *text, fr_tune **out)
{
    return (int)fr_tune_parse(MPI_Comm_f2c(comm), text, out);
}

int fr_tune_run_f(fr_tune *tune, fr_tune_function_f *function, void *context)
{
    return (int)run(tune, &(fr_embed_function){.fortran = function, .context = context});
}
