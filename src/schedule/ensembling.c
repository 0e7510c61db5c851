/* SPDX-License-Identifier: BSD-3-Clause */
/* ensembling.c - after the search: the folds of the best trials are trained once more for what
 * they say out of fold, members are chosen by it, and trained on all rows.
 *
 * During a search nobody knows which trials will be among the best, and the predictions of all
 * of them would be a journal many times as large as the data; training gives the same bits
 * again, and the candidates are few. A task is a fold of a candidate, later a member; a worker
 * has one at a time. What is found is kept in files of fits, so that a run which was killed
 * meanwhile goes on where it was. The choice goes by predictions alone: it is the same for any
 * number of ranks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "internal.h"

struct fr_ensembling {
    size_t n_candidates, n_outputs;
    uint32_t n_folds;
    uint64_t *trial;   /* (n_candidates) best first */
    fr_scored *scored; /* (n_candidates, n_folds) */
    size_t n_others;
    double *others; /* (n_others, n_folds) scores of trials that are left out */
    bool chosen;    /* tasks are members now */
    bool failed;
    size_t n_tasks, next, n_there, n_busy;
    bool *there; /* (n_tasks) */
    bool *busy;  /* (n_workers) */
};

/* ---- whether, and from which trials ---- */

static bool same_options(const fr_study *a, const fr_study *b)
{
    bool same = true;
    for (size_t i = 0; same && i < fr_ensemble_option_count; i++) {
        fr_text one = {0}, other = {0};
        fr_option_format(&fr_ensemble_option_table[i], &a->ensemble, &one);
        fr_option_format(&fr_ensemble_option_table[i], &b->ensemble, &other);
        same =
            !one.failed && !other.failed && strcmp(fr_text_get(&one), fr_text_get(&other)) == 0;
        fr_text_clear(&one);
        fr_text_clear(&other);
    }
    return same;
}

/* The file will say the study's own options. */
bool fr_ensembling_may_stay(const fr_run_state *run)
{
    return run->earlier->has_ensemble && same_options(run->earlier->study, run->study);
}

bool fr_ensembling_is_there(const fr_run_state *run)
{
    const fr_results_file *earlier = run->earlier;
    const fr_selection *now = &run->report->selection;
    if (!run->reuses_model || !fr_ensembling_may_stay(run) ||
        earlier->selection.n_ranking != now->n_ranking)
        return false;
    return memcmp(earlier->selection.ranking, now->ranking,
                  now->n_ranking * sizeof *now->ranking) == 0;
}

/* Whether its predictions can be averaged with others'. */
static bool is_candidate(const fr_run_state *run, uint64_t trial)
{
    fr_recipe recipe;
    if (fr_shared_data_get(run->data)->schema.learn == FR_LEARN_REGRESSION) return true;
    fr_study_resolve(run->study, run->history->trials[trial].point, &recipe);
    return fr_family_has_probabilities((fr_family)recipe.model.family);
}

/* The best of those that can be members, and of those that cannot. */
static void choose_candidates(const fr_run_state *run, fr_ensembling *e)
{
    const fr_selection *selection = &run->report->selection;
    const size_t most = (size_t)run->study->ensemble.candidates;
    for (size_t i = 0; i < selection->n_ranking; i++) {
        const uint64_t trial = selection->ranking[i];
        const bool can = is_candidate(run, trial);
        if (can && e->n_candidates < most) e->trial[e->n_candidates++] = trial;
        if (can || e->n_others == most) continue;
        for (uint32_t f = 0; f < e->n_folds; f++)
            e->others[e->n_others * e->n_folds + f] =
                run->history->trials[trial].folds[f]->score;
        e->n_others++;
    }
    if (e->n_others > 0)
        fr_log(FR_LOG_INFO,
               "schedule ensemble left_out=%zu: trials whose models have decision values "
               "instead of probabilities",
               e->n_others);
}

/* ---- tasks ---- */

static uint64_t trial_of(const fr_run_state *run, size_t task)
{
    const fr_ensembling *e = run->ensembling;
    return e->chosen ? run->ensemble.member[task].trial : e->trial[task / e->n_folds];
}

static uint32_t fold_of(const fr_ensembling *e, size_t task)
{
    return e->chosen ? e->n_folds : (uint32_t)(task % e->n_folds);
}

/* Number of the task; n_tasks when there is no such one. */
static size_t find_task(const fr_run_state *run, uint64_t trial, uint32_t fold)
{
    const fr_ensembling *e = run->ensembling;
    size_t task = 0;
    while (task < e->n_tasks &&
           (trial_of(run, task) != trial || fold_of(e, task) != fold || e->there[task]))
        task++;
    return task;
}

static bool fits(const fr_run_state *run, const fr_scored *scored)
{
    const size_t rows = fr_shared_data_get(run->data)->schema.rows;
    for (size_t i = 0; i < scored->n; i++)
        if (scored->row[i] >= rows) return false;
    return scored->n > 0;
}

/* What a worker or a file says was found; `task` is its number. */
static fr_status file_found(fr_run_state *run, fr_unpack *in, size_t *task)
{
    fr_ensembling *e = run->ensembling;
    const uint64_t trial = fr_unpack_u64(in);
    const uint32_t fold = fr_unpack_u32(in);
    const bool good = fr_unpack_u8(in) != 0;
    *task = find_task(run, trial, fold);
    if (in->failed || *task == e->n_tasks)
        return FR_FAIL(FR_ERR_MPI, "a part of an ensemble that nobody asked for");
    if (!good) {
        e->failed = true;
    } else if (e->chosen) {
        FR_TRY(fr_model_unpack(in, &run->ensemble.member[*task].model));
    } else {
        FR_TRY(fr_scored_unpack(in, e->n_outputs, &e->scored[*task]));
        if (!fits(run, &e->scored[*task]))
            return FR_FAIL(FR_ERR_MPI, "predictions of rows that are not there");
    }
    e->there[*task] = true;
    e->n_there++;
    return FR_OK;
}

static fr_status take_found(fr_run_state *run, int worker, fr_unpack *in)
{
    fr_ensembling *e = run->ensembling;
    size_t task;
    if (e == NULL) return FR_OK;
    FR_TRY(file_found(run, in, &task));
    e->n_busy -= e->busy[worker];
    e->busy[worker] = false;
    if (e->failed) return FR_OK;
    const uint64_t trial = trial_of(run, task);
    const fr_fit_part found = {.data = in->data, .size = in->size};
    fr_keeper_put(run->keeper, trial, fr_member_file_of(fold_of(e, task), e->n_folds, true),
                  run->history->trials[trial].point, &found);
    return FR_OK;
}

fr_status fr_ensembling_take(fr_run_state *run, int worker, fr_unpack *in)
{
    if (worker < 0) return FR_FAIL(FR_ERR_MPI, "a rank without work makes ensembles");
    return take_found(run, worker, in);
}

/* Begin with n tasks; those that an earlier run has finished are done. */
static fr_status begin_tasks(fr_run_state *run, size_t n)
{
    fr_ensembling *e = run->ensembling;
    free(e->there);
    e->there = fr_alloc(n, sizeof *e->there);
    if (e->there == NULL) return FR_ERR_MEMORY;
    e->n_tasks = n;
    e->next = e->n_there = 0;
    for (size_t task = 0; task < n; task++) {
        const uint64_t trial = trial_of(run, task);
        const uint32_t file = fr_member_file_of(fold_of(e, task), e->n_folds, true);
        fr_fit_part found;
        size_t which;
        if (e->chosen && trial == run->report->selection.chosen) {
            e->there[task] = true; /* the single model is trained anyway */
            e->n_there++;
            continue;
        }
        if (!fr_keeper_fetch(run->keeper, trial, file, run->history->trials[trial].point,
                             &found))
            continue;
        fr_unpack in = fr_unpack_make(found.data, found.size);
        const fr_status st = file_found(run, &in, &which);
        free((void *)(uintptr_t)found.data);
        FR_TRY(st);
    }
    return FR_OK;
}

fr_status fr_ensembling_begin(fr_run_state *run)
{
    const fr_schema *schema = &fr_shared_data_get(run->data)->schema;
    const size_t n_ranking = run->report->selection.n_ranking;
    fr_ensembling *e = fr_alloc(1, sizeof *e);
    run->ensembling = e;
    if (e == NULL) return FR_ERR_MEMORY;
    e->n_folds = run->history->n_folds;
    e->n_outputs = schema->learn == FR_LEARN_CLASSIFICATION ? schema->n_classes : 1;
    e->trial = fr_alloc(n_ranking, sizeof *e->trial);
    e->busy = fr_alloc((size_t)run->n_workers, sizeof *e->busy);
    e->others = fr_alloc(n_ranking * e->n_folds, sizeof *e->others);
    if (e->trial == NULL || e->busy == NULL || e->others == NULL) return FR_ERR_MEMORY;
    choose_candidates(run, e);
    const size_t n = e->n_candidates * e->n_folds;
    e->scored = fr_alloc(n, sizeof *e->scored);
    if (e->scored == NULL) return FR_ERR_MEMORY;
    e->failed = n == 0;
    if (e->failed)
        fr_log(FR_LOG_WARN,
               "schedule ensemble=no: no complete trial has probabilities that could be "
               "averaged");
    return begin_tasks(run, n);
}

void fr_ensembling_destroy(fr_ensembling **ensembling)
{
    fr_ensembling *e = *ensembling;
    if (e == NULL) return;
    for (size_t i = 0; e->scored != NULL && i < e->n_candidates * e->n_folds; i++)
        fr_scored_clear(&e->scored[i]);
    free(e->scored);
    free(e->others);
    free(e->trial);
    free(e->there);
    free(e->busy);
    free(e);
    *ensembling = NULL;
}

/* ---- the choice ---- */

/* The heaviest first; of equal ones the better trial. */
static fr_status list_members(fr_run_state *run, const fr_ensemble_choice *choice)
{
    const fr_ensembling *e = run->ensembling;
    fr_ensemble *out = &run->ensemble;
    *out = (fr_ensemble){.score = choice->score,
                         .honest_score = choice->honest_score,
                         .honest_single = choice->honest_single,
                         .test_score = NAN};
    out->member = fr_alloc(e->n_candidates, sizeof *out->member);
    if (out->member == NULL) return FR_ERR_MEMORY;
    for (size_t c = 0; c < e->n_candidates; c++) {
        const double weight = choice->weight[c];
        if (!(weight > 0)) continue;
        size_t at = out->n++;
        for (; at > 0 && out->member[at - 1].weight < weight; at--)
            out->member[at] = out->member[at - 1];
        out->member[at] = (fr_ensemble_member){.trial = e->trial[c], .weight = weight};
    }
    return FR_OK;
}

static fr_status choose_members(fr_run_state *run)
{
    fr_ensembling *e = run->ensembling;
    const fr_ensemble_library library = {.n_candidates = e->n_candidates,
                                         .n_folds = e->n_folds,
                                         .n_outputs = e->n_outputs,
                                         .scored = e->scored,
                                         .dataset = fr_shared_data_get(run->data),
                                         .metric = run->study->metric,
                                         .maximize = run->study->maximize,
                                         .n_others = e->n_others,
                                         .others = e->others};
    fr_ensemble_choice choice;
    FR_TRY(fr_ensemble_select(&library, &run->study->ensemble, fr_signals_raised, &choice));
    fr_status st = list_members(run, &choice);
    fr_ensemble_choice_clear(&choice);
    e->chosen = true;
    return st == FR_OK ? begin_tasks(run, run->ensemble.n) : st;
}

/* ---- the run ---- */

/* Task number `task` to a worker. */
static fr_status give(fr_run_state *run, int worker, size_t task)
{
    fr_member_order order;
    FR_TRY(fr_member_order_make(run->history, trial_of(run, task),
                                fold_of(run->ensembling, task), &order));
    if (worker == 0) {
        fr_errand *errand = NULL;
        FR_TRY(fr_member_errand_create(&order, &errand));
        fr_worker_push_errand(run->worker, errand);
        return FR_OK;
    }
    fr_pack pack = {0};
    fr_member_order_pack(&order, run->study->space.n, &pack);
    fr_member_order_clear(&order);
    return fr_mail_send(&run->mail, run->leader_of[worker], FR_TAG_MEMBER, &pack);
}

static fr_status hand_out(fr_run_state *run)
{
    fr_ensembling *e = run->ensembling;
    const bool refits = !run->has_model && !run->reuses_model;
    for (int worker = refits ? 1 : 0; worker < run->n_workers; worker++) {
        while (e->next < e->n_tasks && e->there[e->next]) e->next++;
        if (e->failed || e->next == e->n_tasks) return FR_OK;
        if (e->busy[worker]) continue;
        FR_TRY(give(run, worker, e->next++));
        e->busy[worker] = true;
        e->n_busy++;
    }
    return FR_OK;
}

static fr_status take_own(fr_run_state *run)
{
    fr_errand *own = fr_worker_errand(run->worker);
    if (own == NULL) return FR_OK;
    const fr_pack *found = fr_member_errand_found(own);
    fr_unpack in = fr_unpack_make(found->data, found->size);
    const fr_status st = take_found(run, 0, &in);
    own->destroy(own);
    return st;
}

fr_status fr_ensembling_advance(fr_run_state *run, bool *done)
{
    fr_ensembling *e = run->ensembling;
    FR_TRY(take_own(run));
    if (!e->failed && !e->chosen && e->n_there == e->n_tasks) FR_TRY(choose_members(run));
    FR_TRY(hand_out(run));
    *done = e->failed ? e->n_busy == 0 : e->chosen && e->n_there == e->n_tasks;
    return FR_OK;
}

/* The single model, also when it is of an earlier run, once more; without its calibration: it
 * was chosen by what the trials say without one. */
static fr_status copy_single(const fr_run_state *run, fr_model *out)
{
    fr_pack pack = {0};
    fr_model_pack(run->has_model ? &run->refit.model : &run->earlier->model, &pack);
    fr_unpack in = fr_unpack_make(pack.data, pack.size);
    const fr_status st = pack.failed ? FR_ERR_MEMORY : fr_model_unpack(&in, out);
    fr_calibration_clear(&out->calibration);
    fr_pack_clear(&pack);
    return st;
}

static fr_status put_together(fr_run_state *run)
{
    fr_ensemble *ensemble = &run->ensemble;
    double scores[FR_GOALS_MAX];
    for (size_t m = 0; m < ensemble->n; m++)
        if (ensemble->member[m].trial == run->report->selection.chosen)
            FR_TRY(copy_single(run, &ensemble->member[m].model));
    FR_TRY(fr_objective_test(run->objective, ensemble, &ensemble->test, scores));
    ensemble->test_score = scores[0];
    memcpy(ensemble->test_more, scores + 1, sizeof ensemble->test_more);
    return FR_OK;
}

void fr_ensembling_conclude(fr_run_state *run)
{
    if (!run->ensembling->failed) {
        run->has_ensemble = put_together(run) == FR_OK;
        if (!run->has_ensemble)
            fr_log(FR_LOG_WARN, "schedule ensemble=no: %s", fr_status_message());
    }
    fr_ensembling_destroy(&run->ensembling);
}

fr_status fr_ensembling_accept(fr_run_state *run, fr_unpack *in)
{
    fr_member_order order;
    fr_errand *errand = NULL;
    const fr_status st = fr_member_order_unpack(in, run->study->space.n, &order);
    if (st == FR_OK && !in->failed && order.n_folds == fr_folds_count(run->folds)) {
        FR_TRY(fr_member_errand_create(&order, &errand));
        fr_worker_push_errand(run->worker, errand);
        return FR_OK;
    }
    fr_member_order_clear(&order);
    return st != FR_OK ? st
                       : FR_FAIL(FR_ERR_MPI, "a message with an ensemble's task is damaged");
}

fr_status fr_ensembling_send(fr_run_state *run)
{
    fr_errand *own = fr_worker_errand(run->worker);
    fr_pack pack = {0};
    if (own == NULL) return FR_OK;
    const fr_pack *found = fr_member_errand_found(own);
    fr_pack_bytes(&pack, found->data, found->size);
    own->destroy(own);
    return fr_mail_send(&run->mail, 0, FR_TAG_MEMBER_DONE, &pack);
}
