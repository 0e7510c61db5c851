/* SPDX-License-Identifier: BSD-3-Clause */
/* run.c - a run from its parts: prepare on all ranks, loop, save, clean up. Whatever may fail
 * on one rank is agreed upon before the next collective step. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "foldrank/checksum.h"
#include "foldrank/clock.h"
#include "foldrank/linalg.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "internal.h"
#include "nested.h"

static fr_status open_communicator(fr_run_state *run, MPI_Comm comm)
{
    FR_MPI(MPI_Comm_dup(comm, &run->comm));
    FR_MPI(MPI_Comm_set_errhandler(run->comm, MPI_ERRORS_RETURN));
    FR_MPI(MPI_Comm_rank(run->comm, &run->rank));
    FR_MPI(MPI_Comm_size(run->comm, &run->size));
    run->mail.comm = run->comm;
    FR_TRY(fr_run_place(run->comm, run->study->resources.threads, &run->place));
    return FR_OK;
}

/* The data on every node, and the folds, which every rank makes by itself. */
static fr_status open_data(fr_run_state *run)
{
    const fr_study *study = run->study;
    if (study->objective.type != FR_OBJECTIVE_TRAINING) return FR_OK;
    fr_status st = FR_OK;
    if (run->rank == 0) st = fr_source_open(&study->data, &study->test, &run->source);
    FR_TRY(fr_agree(run->comm, st));
    FR_TRY(fr_shared_data_create(run->comm, run->source, &study->data, &run->data));
    fr_source_close(&run->source);
    st = fr_study_make_folds(study, fr_shared_data_get(run->data), &run->folds);
    if (st == FR_OK) st = fr_nested_open(run);
    return fr_agree(run->comm, st);
}

static fr_status journal_trial(void *context, uint64_t trial, const double *point)
{
    fr_run_state *run = context;
    return fr_journal_trial(run->journal, 0, trial, point, run->study->space.n);
}

/* What the last run left, for its choice and model. A damaged file is no loss, the journal has
 * all that they are made from. */
static void open_earlier(fr_run_state *run)
{
    fr_text path = {0};
    fr_text_add(&path, "%s/results.h5", run->study->output);
    if (access(fr_text_get(&path), F_OK) == 0 &&
        fr_results_open(fr_text_get(&path), true, &run->earlier) != FR_OK)
        fr_log(FR_LOG_WARN, "schedule results.h5 is made anew: %s", fr_status_message());
    fr_text_clear(&path);
}

static size_t sweep(const fr_run_state *run, bool all)
{
    return fr_fit_files_sweep(run->study->output, (const fr_history *const *)run->histories,
                              (size_t)run->n_outer + 1, all);
}

/* Root's own: the output directory, what is known already, what is still to do. */
static fr_status open_study(fr_run_state *run)
{
    const fr_study *study = run->study;
    const uint64_t fingerprint =
        run->data != NULL ? fr_shared_data_get(run->data)->schema.fingerprint : 0;
    const uint32_t n_folds =
        run->folds != NULL ? fr_folds_count(run->folds) : (uint32_t)study->objective.folds;
    FR_TRY(fr_stop_check(&study->stop, n_folds));
    FR_TRY(fr_lock_take(study->output, &run->lock));
    FR_TRY(fr_study_history(study, n_folds, &run->history));
    FR_TRY(fr_conclude_valid_share(study, run->folds, &run->valid_share));
    fr_run_start_race(study, run->valid_share, &run->race, run->history);
    FR_TRY(fr_nested_open_searches(run));
    FR_TRY(fr_search_create(&study->space, &study->search, study->enqueued, study->n_enqueued,
                            &run->search));
    fr_search_set_solver(run->search, fr_service_open, run);
    FR_TRY(fr_journal_open_nested(study->output, study, fingerprint, run->history,
                                  &run->outer_log, &run->elapsed_s, &run->journal));
    fr_search_set_past(run->search, fr_journal_past(run->journal));
    run->report->resumed = run->history->n > 0;
    FR_TRY(fr_coordinator_create(run->search, run->history, run->n_workers, journal_trial, run,
                                 &run->coordinator));
    FR_TRY(fr_nested_begin(run));
    if (study->prune_methods & FR_PRUNE_COMPARING)
        fr_coordinator_set_pruning(run->coordinator, (uint64_t)study->search.concurrency);
    fr_run_start_budget(run);
    FR_TRY(fr_store_write_text(study->output, "study.yaml", study->text));
    run->n_saved = sweep(run, false);
    open_earlier(run);
    return FR_OK;
}

/* Of a group only the first rank, which has the tasks, saves. */
static bool leads(const fr_run_state *run)
{
    return run->group == NULL || fr_group_hooks(run->group)->index == 0;
}

static fr_status open_keeper(fr_run_state *run)
{
    if (run->data == NULL || !leads(run)) return FR_OK;
    const uint64_t parts[2] = {run->study->fingerprint,
                               fr_shared_data_get(run->data)->schema.fingerprint};
    const fr_keeper_options options = {
        .dir = run->study->output,
        .fingerprint = fr_fingerprint(FR_FINGERPRINT_START, parts, sizeof parts),
        .plan = run->outer_log.plan,
        .n_params = run->study->space.n,
        .has_files = run->n_saved > 0,
        .every_s = run->options->checkpoint_every_s};
    return fr_keeper_create(&options, &run->keeper);
}

/* What the objective is made from: root reads, all get it. */
static fr_status share_files(fr_run_state *run, fr_pack *files)
{
    FR_TRY(fr_agree(run->comm,
                    run->rank == 0 ? fr_objective_read_files(run->study, files) : FR_OK));
    return fr_broadcast_pack(run->comm, files);
}

static fr_status open_worker(fr_run_state *run, const fr_pack *files)
{
    const fr_dataset *dataset = run->data != NULL ? fr_shared_data_get(run->data) : NULL;
    const fr_objective_place place = {.files = files,
                                      .threads = run->place.threads,
                                      .rank = run->rank,
                                      .local_rank = run->place.local_rank,
                                      .local_ranks = run->place.local_ranks,
                                      .embedded = run->options->embedded,
                                      .embedded_state = run->options->embedded_state};
    FR_TRY(fr_objective_create(run->study, dataset, run->folds, &place, &run->objective));
    FR_TRY(fr_nested_open_objectives(run, &place));
    FR_TRY(open_keeper(run));
    FR_TRY(fr_desk_create(&run->desk));
    const fr_worker_options options = {.objective = run->objective,
                                       .outer = run->outer_objectives,
                                       .n_outer = run->n_outer,
                                       .keeper = run->keeper,
                                       .group = run->group,
                                       .desk = run->desk,
                                       .n_params = run->study->space.n,
                                       .rank = (uint32_t)run->rank,
                                       .clock_offset_s = run->elapsed_s - run->loop_started,
                                       .deadline = run->deadline};
    FR_TRY(fr_worker_create(&options, &run->worker));
    return run->rank == 0 ? fr_root_create(run, &run->root) : FR_OK;
}

/* Who runs where, for the results: busy times come with the work. */
static fr_status gather_ranks(fr_run_state *run)
{
    fr_run_report *report = run->report;
    fr_rank_record mine = {.threads = run->place.threads};
    if (gethostname(mine.host, sizeof mine.host - 1) != 0) mine.host[0] = '\0';
    fr_status st = FR_OK;
    if (run->rank == 0) {
        report->ranks = fr_alloc((size_t)run->size, sizeof *report->ranks);
        report->n_ranks = run->size;
        if (report->ranks == NULL) st = FR_ERR_MEMORY;
    }
    FR_TRY(fr_agree(run->comm, st));
    FR_MPI(MPI_Gather(&mine, (int)sizeof mine, MPI_BYTE, report->ranks, (int)sizeof mine,
                      MPI_BYTE, 0, run->comm));
    return FR_OK;
}

static void log_start(const fr_run_state *run)
{
    const char *best = NULL;
    uint64_t done = 0, total = 0;
    fr_coordinator_progress(run->coordinator, &done, &total);
    fr_log(FR_LOG_INFO,
           "schedule start study=%s ranks=%d threads=%d hosts=%d blas=%s kernels=%s",
           run->study->name, run->size, run->place.threads, run->place.n_hosts,
           fr_linalg_kernel_name(), fr_gemm_kernel_name());
    if (fr_linalg_kernel_is_low(&best))
        fr_log(FR_LOG_WARN,
               "linalg kernels=%s possible=%s: the BLAS is held below what this processor can "
               "do; is OPENBLAS_CORETYPE set?",
               fr_linalg_kernel_name(), best);
    if (run->place.threads > run->place.own_cores)
        fr_log(FR_LOG_WARN,
               "schedule threads=%d cores=%d: a rank may use fewer cores than it has threads; "
               "with Open MPI, mpirun --bind-to none lets it use them all",
               run->place.threads, run->place.own_cores);
    if (run->data != NULL) {
        const fr_schema *schema = &fr_shared_data_get(run->data)->schema;
        size_t n_test = 0;
        fr_folds_test_rows(run->folds, &n_test);
        fr_log(FR_LOG_INFO, "data rows=%zu test_rows=%zu features=%zu classes=%zu",
               schema->rows, n_test, schema->cols, schema->n_classes);
    }
    char tasks[FR_NUMBER_SIZE] = "open";
    if (total > 0) snprintf(tasks, sizeof tasks, "%llu", (unsigned long long)total);
    fr_log(FR_LOG_INFO,
           "schedule tasks=%s folds=%u outer_folds=%u done_before=%llu begun_before=%llu "
           "output=%s",
           tasks, (unsigned)run->history->n_folds, (unsigned)run->n_outer,
           (unsigned long long)done, (unsigned long long)run->n_saved, run->study->output);
}

/* When all that can be wrong with the study and its files is known. */
static fr_status open_rest(fr_run_state *run, const fr_pack *files)
{
    FR_TRY(fr_agree(run->comm, run->rank == 0 ? open_study(run) : FR_OK));
    FR_MPI(MPI_Bcast(&run->elapsed_s, 1, MPI_DOUBLE, 0, run->comm));
    FR_MPI(MPI_Bcast(&run->n_saved, 1, MPI_UINT64_T, 0, run->comm));
    FR_TRY(fr_run_set_deadline(run));
    run->loop_started = fr_clock_now();
    return fr_agree(run->comm, open_worker(run, files));
}

static fr_status prepare(fr_run_state *run)
{
    FR_TRY(gather_ranks(run));
    FR_TRY(fr_run_form_groups(run));
    FR_TRY(open_data(run));
    fr_pack files = {0};
    fr_status st = share_files(run, &files);
    if (st == FR_OK) st = open_rest(run, &files);
    fr_pack_clear(&files);
    if (st == FR_OK && run->rank == 0) log_start(run);
    return st;
}

/* Root's last duty: whatever the loop said, what is known is saved. The first failure counts.
 */
static fr_status save(fr_run_state *run, fr_status loop)
{
    char message[4096];
    snprintf(message, sizeof message, "%s", fr_status_message());
    const double now = fr_clock_now();
    fr_journal_use(run->journal, fr_run_usage(run, now));
    fr_status st = fr_journal_sync(run->journal, now, true);
    if (st == FR_OK && !run->unchanged) st = fr_conclude_write(run);
    if (st == FR_OK) run->report->n_saved = sweep(run, loop == FR_OK);
    if (loop != FR_OK && loop != FR_STOPPED) return fr_status_set(loop, message);
    if (st != FR_OK) return st;
    return loop == FR_OK ? FR_OK : fr_status_set(loop, message);
}

static void log_end(const fr_run_state *run)
{
    const fr_run_report *report = run->report;
    double busy = 0.0, flops = 0.0;
    for (int i = 0; i < report->n_ranks; i++) {
        busy += report->ranks[i].busy_s;
        flops += report->ranks[i].flops;
    }
    fr_log(FR_LOG_INFO,
           "schedule end wall_s=%.3f fits=%llu discarded=%llu fits_per_s=%.4g "
           "busy_percent=%.1f coordinating_percent=%.2f gflop_per_s=%.4g",
           report->wall_s, (unsigned long long)report->fits,
           (unsigned long long)report->discarded, (double)report->fits / report->wall_s,
           100.0 * busy / (report->wall_s * report->n_ranks),
           100.0 * report->coordinating_s / report->wall_s, flops * 1e-9 / report->wall_s);
}

/* What the ranks trained but the history did not take was for folds that had been cancelled. */
static void count_fits(fr_run_state *run)
{
    fr_run_report *report = run->report;
    uint64_t trained = 0;
    for (int i = 0; i < report->n_ranks; i++) trained += report->ranks[i].fits;
    report->fits =
        fr_history_all_work(run->history).fits + fr_nested_fits(run) - run->fits_before;
    report->discarded = trained > report->fits ? trained - report->fits : 0;
}

static void fill_report(fr_run_state *run)
{
    fr_run_report *report = run->report;
    if (run->has_model || run->reuses_model)
        report->calibration = run->has_model ? run->calibration : run->earlier->calibration;
    if (run->has_model) {
        report->test_score = run->refit.test_score;
        report->train_score = run->refit.train_score;
        memcpy(report->test_more, run->refit.test_more, sizeof report->test_more);
    } else if (run->reuses_model) {
        report->test_score = run->earlier->test_score;
        memcpy(report->test_more, run->earlier->test_more, sizeof report->test_more);
    }
    if (run->folds != NULL) fr_folds_test_rows(run->folds, &report->n_test_rows);
    const fr_ensemble *ensemble = run->has_ensemble      ? &run->ensemble
                                  : run->reuses_ensemble ? &run->earlier->ensemble
                                                         : NULL;
    if (ensemble != NULL) {
        report->n_members = ensemble->n;
        report->ensemble_test_score = ensemble->test_score;
    }
    report->usage = fr_journal_usage(run->journal);
    count_fits(run);
    report->history = run->history;
    run->history = NULL;
}

static fr_status loop(fr_run_state *run)
{
    const double cpu = fr_clock_thread_cpu();
    fr_status st = run->rank == 0 ? fr_root_run(run->root) : fr_follower_run(run);
    run->report->wall_s = fr_clock_now() - run->loop_started;
    run->report->coordinating_s = fr_clock_thread_cpu() - cpu;
    if (st == FR_ERR_MPI) return st;
    if (run->rank == 0) st = save(run, st);
    st = fr_agree(run->comm, st);
    if (run->rank == 0) {
        fill_report(run);
        log_end(run);
    }
    return st;
}

/* Without the collective parts after an error of MPI itself: nobody may be left to meet. */
static void clean_up(fr_run_state *run, bool collective)
{
    fr_root_destroy(&run->root);
    fr_group_close(run->group);
    fr_worker_destroy(&run->worker);
    fr_desk_destroy(&run->desk);
    fr_keeper_destroy(&run->keeper);
    fr_coordinator_destroy(&run->coordinator);
    fr_nested_close(run);
    fr_objective_destroy(&run->objective);
    fr_refit_clear(&run->refit);
    fr_explaining_destroy(&run->explaining);
    fr_explanation_clear(&run->explanation);
    fr_ensembling_destroy(&run->ensembling);
    fr_ensemble_clear(&run->ensemble);
    fr_results_close(&run->earlier);
    fr_search_destroy(&run->search);
    fr_history_destroy(&run->history);
    if (run->journal != NULL && fr_journal_close(&run->journal) != FR_OK)
        fr_log(FR_LOG_WARN, "schedule journal: %s", fr_status_message());
    fr_lock_release(&run->lock);
    free(run->leader_of);
    free(run->worker_of);
    free(run->calls);
    fr_folds_destroy(&run->folds);
    fr_source_close(&run->source);
    if (!collective) return;
    fr_group_destroy(&run->group);
    fr_shared_data_destroy(&run->data);
    if (run->comm != MPI_COMM_NULL) MPI_Comm_free(&run->comm);
}

fr_status fr_run(MPI_Comm comm, const fr_study *study, const fr_run_options *options,
                 fr_run_report *report)
{
    fr_run_state run = {
        .comm = MPI_COMM_NULL, .study = study, .options = options, .report = report};
    *report =
        (fr_run_report){.test_score = NAN, .train_score = NAN, .test_more = {NAN, NAN, NAN}};
    fr_status st = open_communicator(&run, comm);
    if (st == FR_OK) st = prepare(&run);
    if (st == FR_OK) st = loop(&run);
    char message[4096];
    snprintf(message, sizeof message, "%s", fr_status_message());
    clean_up(&run, st != FR_ERR_MPI);
    return st == FR_OK ? FR_OK : fr_status_set(st, message);
}

void fr_run_report_clear(fr_run_report *report)
{
    fr_history_destroy(&report->history);
    fr_selection_clear(&report->selection);
    fr_nested_clear(&report->nested);
    free(report->ranks);
    *report = (fr_run_report){0};
}
