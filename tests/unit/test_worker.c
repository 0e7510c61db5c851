/* SPDX-License-Identifier: BSD-3-Clause */
/* test_worker.c - the compute thread of a rank, with an objective of known behaviour in the
 * place of the library's. Meant for ThreadSanitizer as well (BUILD=tsan). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/schedule/internal.h"
#include "foldrank/clock.h"
#include "foldrank/memory.h"

enum { N_PARAMS = 3, FAILING_TRIAL = 1000 };

struct fr_objective {
    double seconds; /* of a task */
    double left_s;  /* from the worker's start to its deadline; 0: no deadline */
};

fr_status fr_objective_evaluate(fr_objective *objective, const fr_task *task,
                                const atomic_bool *stop, fr_fold_result *result)
{
    if (task->trial == FAILING_TRIAL)
        return FR_FAIL(FR_ERR_MEMORY, "out of memory in trial %d", FAILING_TRIAL);
    const double start = fr_clock_now();
    while (fr_clock_now() - start < objective->seconds && !atomic_load(stop))
        fr_clock_sleep(0.001);
    result->state = atomic_load(stop) ? FR_TRIAL_INTERRUPTED : FR_TRIAL_COMPLETE;
    result->score = task->point[0] + task->point[N_PARAMS - 1];
    result->flops = 2.0;
    return FR_OK;
}

fr_status fr_objective_refit(fr_objective *objective, const fr_task *task,
                             const fr_trial *trial, const atomic_bool *stop, fr_refit *out)
{
    (void)stop;
    (void)objective;
    out->test_score = trial->score_mean;
    out->epochs = (uint32_t)task->trial;
    return FR_OK;
}

fr_status fr_objective_explain(fr_objective *unused, const fr_task *task,
                               const fr_explain_part *part, const atomic_bool *stop,
                               fr_fold_explanation *out)
{
    (void)unused;
    (void)stop;
    if (part->parts == 13) return FR_FAIL(FR_ERR_NUMERIC, "it cannot be explained");
    *out = (fr_fold_explanation){.fold = task->fold, .part = part->part, .parts = part->parts};
    return FR_OK;
}

void fr_refit_clear(fr_refit *refit)
{
    *refit = (fr_refit){0};
}

static fr_worker *open_worker(fr_objective *objective)
{
    const fr_worker_options options = {
        .objective = objective,
        .n_params = N_PARAMS,
        .rank = 4,
        .clock_offset_s = 100.0,
        .deadline = objective->left_s > 0 ? fr_clock_now() + objective->left_s : INFINITY};
    fr_worker *worker = NULL;
    assert_int_equal(fr_worker_create(&options, &worker), FR_OK);
    return worker;
}

/* Tasks first .. first+n-1 as trials with one fold, point = (trial, 0, 0.5). */
static void push(fr_worker *worker, uint64_t first, size_t n)
{
    fr_parcel *parcel = fr_parcel_create(n, N_PARAMS);
    assert_non_null(parcel);
    for (size_t i = 0; i < n; i++) {
        parcel->tasks[i] = (fr_assignment){.trial = first + i, .fold = 7};
        parcel->points[i * N_PARAMS] = (double)(first + i);
        parcel->points[i * N_PARAMS + N_PARAMS - 1] = 0.5;
    }
    fr_worker_push(worker, parcel);
}

/* Collect until `n` results are there; they come in the order of the work. */
static void expect(fr_worker *worker, uint64_t first, size_t n)
{
    const double end = fr_clock_now() + 20.0;
    size_t have = 0;
    while (have < n && fr_clock_now() < end) {
        fr_results_list list = {0};
        assert_int_equal(fr_worker_collect(worker, false, &list), FR_OK);
        for (size_t i = 0; i < list.n; i++, have++) {
            assert_int_equal(list.items[i].trial, first + have);
            assert_int_equal(list.items[i].fold, 7);
            assert_int_equal(list.items[i].rank, 4);
            assert_true(list.items[i].score == (double)(first + have) + 0.5);
            assert_true(list.items[i].end_s >= list.items[i].start_s);
        }
        fr_results_list_clear(&list);
        if (have < n) fr_worker_wait(worker, 0.01);
    }
    assert_int_equal(have, n);
}

static void does_all_work_in_order(void **state)
{
    (void)state;
    fr_objective objective = {.seconds = 0.0};
    fr_worker *worker = open_worker(&objective);
    push(worker, 0, 1);
    expect(worker, 0, 1);
    for (uint64_t i = 0; i < 50; i++) push(worker, 1 + 17 * i, 17);
    expect(worker, 1, 50 * 17);
    push(worker, 900, 0);
    fr_worker_stop(worker, false);
    fr_rank_record record = {0};
    fr_worker_get_record(worker, &record);
    assert_int_equal(record.fits, 1 + 50 * 17);
    assert_true(record.flops == 2.0 * (1 + 50 * 17));
    fr_worker_destroy(&worker);
    assert_null(worker);
}

/* The main thread is woken for a message's worth of work, before all of it is done. */
static void wakes_the_main_thread(void **state)
{
    (void)state;
    fr_objective objective = {.seconds = 0.03};
    fr_worker *worker = open_worker(&objective);
    push(worker, 0, 10);
    const double start = fr_clock_now();
    fr_worker_wait(worker, 0.9);
    const double woken = fr_clock_now() - start;
    assert_true(woken > 0.05 && woken < 0.5);
    fr_results_list list = {0};
    assert_int_equal(fr_worker_collect(worker, false, &list), FR_OK);
    assert_in_range(list.n, 2, 5);
    fr_results_list_clear(&list);
    fr_worker_destroy(&worker);
}

static void stops_at_once(void **state)
{
    (void)state;
    fr_objective objective = {.seconds = 30.0};
    fr_worker *worker = open_worker(&objective);
    push(worker, 0, 5);
    fr_clock_sleep(0.02);
    const double start = fr_clock_now();
    fr_worker_stop(worker, true);
    assert_true(fr_clock_now() - start < 5.0);
    fr_results_list list = {0};
    assert_int_equal(fr_worker_collect(worker, true, &list), FR_OK);
    assert_in_range(list.n, 0, 1);
    if (list.n == 1) assert_int_equal(list.items[0].state, FR_TRIAL_INTERRUPTED);
    fr_results_list_clear(&list);
    fr_worker_destroy(&worker);
}

/* What would not end in time comes back as it is, and soon. */
static void does_not_begin_in_vain(void **state)
{
    (void)state;
    fr_objective objective = {.seconds = 0.2, .left_s = 0.5};
    fr_worker *worker = open_worker(&objective);
    push(worker, 0, 6);
    fr_results_list list = {0};
    size_t done = 0, returned = 0;
    for (int i = 0; i < 1000 && done + returned < 6; i++) {
        fr_worker_wait(worker, 0.01);
        assert_int_equal(fr_worker_collect(worker, true, &list), FR_OK);
        for (size_t k = 0; k < list.n; k++) {
            assert_int_equal(list.items[k].trial, done + returned);
            const bool complete = list.items[k].state == FR_TRIAL_COMPLETE;
            assert_true(complete || list.items[k].state == FR_TRIAL_INTERRUPTED);
            assert_true(!complete || returned == 0);
            done += complete;
            returned += !complete;
        }
        fr_results_list_clear(&list);
    }
    assert_in_range(done, 1, 2);
    assert_int_equal(returned, 6 - done);
    fr_worker_destroy(&worker);
}

static void a_failure_reaches_the_main_thread(void **state)
{
    (void)state;
    fr_objective objective = {.seconds = 0.0};
    fr_worker *worker = open_worker(&objective);
    push(worker, FAILING_TRIAL - 2, 5);
    fr_results_list list = {0};
    size_t have = 0;
    fr_status st = FR_OK;
    for (int i = 0; i < 1000 && st == FR_OK; i++) {
        fr_worker_wait(worker, 0.01);
        st = fr_worker_collect(worker, true, &list);
        have += list.n;
        fr_results_list_clear(&list);
    }
    assert_int_equal(st, FR_ERR_MEMORY);
    assert_string_equal(fr_status_message(), "out of memory in trial 1000");
    assert_int_equal(have, 2);
    /* Told once, it does not keep the main thread awake. */
    const double start = fr_clock_now();
    fr_worker_wait(worker, 0.05);
    assert_true(fr_clock_now() - start > 0.03);
    fr_worker_destroy(&worker);
}

static fr_fold_explanation explanation_of(fr_worker *worker, uint32_t parts)
{
    double *point = fr_alloc(N_PARAMS, sizeof *point);
    const fr_explain_order order = {
        .trial = 3, .fold = 2, .part = {.part = 1, .parts = parts}, .point = point};
    fr_fold_explanation found = {0};
    assert_non_null(point);
    assert_false(fr_worker_explanation(worker, &found));
    fr_worker_push_explain(worker, &order);
    for (int i = 0; i < 1000 && !fr_worker_explanation(worker, &found); i++)
        fr_worker_wait(worker, 0.01);
    assert_false(fr_worker_explanation(worker, &found));
    return found;
}

/* One after the other; one that cannot be had has no parts, and the worker goes on. */
static void explains(void **state)
{
    (void)state;
    fr_objective objective = {0};
    fr_worker *worker = open_worker(&objective);
    fr_fold_explanation found = explanation_of(worker, 4);
    assert_true(found.fold == 2 && found.part == 1 && found.parts == 4);
    assert_int_equal(explanation_of(worker, 13).parts, 0);
    assert_int_equal(explanation_of(worker, 5).parts, 5);
    fr_worker_destroy(&worker);
}

static void refits(void **state)
{
    (void)state;
    fr_objective objective = {.seconds = 0.0};
    fr_worker *worker = open_worker(&objective);
    const fr_trial trial = {.score_mean = 0.25};
    fr_refit refit = {0};
    assert_false(fr_worker_refit_result(worker, &refit));
    fr_worker_push_refit(worker, &trial, 9, 5);
    bool there = false;
    for (int i = 0; i < 1000 && !there; i++) {
        fr_worker_wait(worker, 0.01);
        there = fr_worker_refit_result(worker, &refit);
    }
    assert_true(there);
    assert_true(refit.test_score == 0.25);
    assert_int_equal(refit.epochs, 9);
    assert_false(fr_worker_refit_result(worker, &refit));
    fr_worker_destroy(&worker);
}

static void work_survives_packing(void **state)
{
    (void)state;
    static const fr_assignment tasks[] = {{5, 0, 0}, {5, 1, 0}, {6, 0, 0}, {5, 2, 3}};
    fr_parcel *parcel = fr_parcel_create(4, N_PARAMS), *back = NULL;
    assert_non_null(parcel);
    for (size_t i = 0; i < 4 * N_PARAMS; i++)
        parcel->points[i] = (double)tasks[i / N_PARAMS].trial + 0.25 * (double)(i % N_PARAMS);
    for (size_t i = 0; i < 4; i++) parcel->tasks[i] = tasks[i];
    fr_pack pack = {0};
    fr_parcel_pack(parcel, &pack);
    fr_unpack in = fr_unpack_make(pack.data, pack.size);
    assert_int_equal(fr_parcel_unpack(&in, N_PARAMS, &back), FR_OK);
    assert_int_equal(fr_unpack_left(&in), 0);
    assert_int_equal(back->n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(back->tasks[i].trial, tasks[i].trial);
        assert_int_equal(back->tasks[i].fold, tasks[i].fold);
        assert_int_equal(back->tasks[i].search, tasks[i].search);
    }
    assert_memory_equal(back->points, parcel->points, 4 * N_PARAMS * sizeof(double));
    fr_parcel_destroy(&back);
    for (size_t cut = 0; cut < pack.size; cut++) {
        in = fr_unpack_make(pack.data, cut);
        assert_int_equal(fr_parcel_unpack(&in, N_PARAMS, &back), FR_ERR_MPI);
        assert_null(back);
    }
    fr_pack_clear(&pack);
    fr_parcel_destroy(&parcel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_all_work_in_order),
        cmocka_unit_test(wakes_the_main_thread),
        cmocka_unit_test(stops_at_once),
        cmocka_unit_test(does_not_begin_in_vain),
        cmocka_unit_test(a_failure_reaches_the_main_thread),
        cmocka_unit_test(refits),
        cmocka_unit_test(explains),
        cmocka_unit_test(work_survives_packing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
