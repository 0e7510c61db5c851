/* SPDX-License-Identifier: BSD-3-Clause */
/* table.c - recorded trainings as an objective: each of a point's scores is the mean of its
 * row's replicates. Rows are found by the hash of their point; values are put on the grid of
 * the parameter's steps first, so that 0.3 in the file and 0.1 + 2 * 0.1 in the search are one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

fr_status fr_score_table_create(const fr_study *study, fr_score_table **out)
{
    const fr_objective_options *o = &study->objective;
    fr_score_table *table = fr_alloc(1, sizeof *table);
    *out = table;
    if (table == NULL) return FR_ERR_MEMORY;
    table->space = &study->space;
    table->path = o->path;
    table->steps = o->steps > 0 ? (size_t)o->steps : 1;
    table->n_goals = study->n_goals;
    table->n_cells = (size_t)o->folds * table->steps * table->n_goals;
    return FR_OK;
}

void fr_score_table_destroy(fr_score_table **table)
{
    if (*table == NULL) return;
    free((*table)->points);
    free((*table)->sums);
    free((*table)->times);
    free((*table)->counts);
    free((*table)->slots);
    free(*table);
    *table = NULL;
}

/* Slot that holds `point`, or the free one where it belongs. */
static size_t slot_of(const fr_score_table *t, const double *point)
{
    size_t slot = (size_t)fr_space_hash(t->space, point) & (t->n_slots - 1);
    while (t->slots[slot] != 0 &&
           !fr_space_equal(t->space, t->points + (t->slots[slot] - 1) * t->space->n, point))
        slot = (slot + 1) & (t->n_slots - 1);
    return slot;
}

/* Keep at least half of the slots free. */
static fr_status grow_slots(fr_score_table *t)
{
    if (2 * (t->n + 1) <= t->n_slots) return FR_OK;
    const size_t wanted = t->n_slots == 0 ? 1024 : 2 * t->n_slots;
    size_t *slots = fr_alloc(wanted, sizeof *slots);
    if (slots == NULL) return FR_ERR_MEMORY;
    free(t->slots);
    t->slots = slots;
    t->n_slots = wanted;
    for (size_t i = 0; i < t->n; i++) t->slots[slot_of(t, t->points + i * t->space->n)] = i + 1;
    return FR_OK;
}

static fr_status grow_rows(fr_score_table *t)
{
    const size_t n = t->n + 1;
    void *block = t->points;
    fr_status st = fr_grow(&block, &t->points_capacity, n * t->space->n, sizeof *t->points);
    t->points = block;
    FR_TRY(st);
    block = t->sums;
    st = fr_grow(&block, &t->sums_capacity, n * t->n_cells, sizeof *t->sums);
    t->sums = block;
    FR_TRY(st);
    block = t->times;
    st = fr_grow(&block, &t->times_capacity, n, sizeof *t->times);
    t->times = block;
    FR_TRY(st);
    block = t->counts;
    st = fr_grow(&block, &t->counts_capacity, n * t->n_cells, sizeof *t->counts);
    t->counts = block;
    return st;
}

fr_status fr_score_table_row(fr_score_table *t, const double *point, size_t *row)
{
    FR_TRY(grow_slots(t));
    const size_t slot = slot_of(t, point);
    if (t->slots[slot] == 0) {
        FR_TRY(grow_rows(t));
        memcpy(t->points + t->n * t->space->n, point, t->space->n * sizeof *point);
        memset(t->sums + t->n * t->n_cells, 0, t->n_cells * sizeof *t->sums);
        memset(t->counts + t->n * t->n_cells, 0, t->n_cells * sizeof *t->counts);
        t->times[t->n] = 0;
        t->slots[slot] = ++t->n;
    }
    *row = t->slots[slot] - 1;
    return FR_OK;
}

void fr_score_table_pack(const fr_score_table *t, fr_pack *out)
{
    fr_pack_u64(out, t->n);
    fr_pack_doubles(out, t->points, t->n * t->space->n);
    fr_pack_doubles(out, t->sums, t->n * t->n_cells);
    fr_pack_doubles(out, t->times, t->n);
    for (size_t i = 0; i < t->n * t->n_cells; i++) fr_pack_u32(out, t->counts[i]);
}

static fr_status unpack_rows(fr_unpack *in, fr_score_table *t)
{
    const uint64_t n = fr_unpack_u64(in);
    const size_t d = t->space->n, row_bytes = 8 * (d + t->n_cells + 1) + 4 * t->n_cells;
    size_t row = 0;
    if (in->failed || n > fr_unpack_left(in) / row_bytes)
        return FR_FAIL(FR_ERR_FORMAT, "%s arrived incomplete", t->path);
    double *points = fr_alloc((size_t)n, d * sizeof *points);
    if (points == NULL) return FR_ERR_MEMORY;
    fr_unpack_doubles(in, points, (size_t)n * d);
    fr_status st = FR_OK;
    for (size_t i = 0; st == FR_OK && i < n; i++)
        st = fr_score_table_row(t, points + i * d, &row);
    free(points);
    FR_TRY(st);
    fr_unpack_doubles(in, t->sums, t->n * t->n_cells);
    fr_unpack_doubles(in, t->times, t->n);
    for (size_t i = 0; i < t->n * t->n_cells; i++) t->counts[i] = fr_unpack_u32(in);
    return FR_OK;
}

fr_status fr_score_table_unpack(const fr_pack *pack, const fr_study *study,
                                fr_score_table **out)
{
    fr_unpack in = fr_unpack_make(pack->data, pack->size);
    fr_status st = fr_score_table_create(study, out);
    if (st == FR_OK) st = unpack_rows(&in, *out);
    if (st != FR_OK) fr_score_table_destroy(out);
    return st;
}

/* ---- evaluation ---- */

static fr_status fail_without_score(const fr_score_table *t, const double *point,
                                    fr_fold_result *result)
{
    fr_text where = {0}, text = {0};
    fr_space_format(t->space, point, &where);
    fr_text_add(&text, "%s has no score for %s", t->path, fr_text_get(&where));
    const fr_status st = fr_task_fail(result, fr_text_get(&text));
    fr_text_clear(&where);
    fr_text_clear(&text);
    return st;
}

/* The row that holds the point; t->n when there is none. */
static fr_status find_row(const fr_score_table *t, const double *point, size_t *row)
{
    const size_t n = t->space->n;
    double *rounded = fr_alloc(n, sizeof *rounded);
    if (rounded == NULL) return FR_ERR_MEMORY;
    for (size_t j = 0; j < n; j++)
        rounded[j] =
            isnan(point[j]) ? (double)NAN : fr_param_round(&t->space->params[j], point[j]);
    *row = t->slots[slot_of(t, rounded)];
    *row = *row == 0 ? t->n : *row - 1;
    free(rounded);
    return FR_OK;
}

/* Mean of the replicates of a fold's score after a step, from 1; NaN when nothing is recorded.
 */
static double recorded(const fr_score_table *t, size_t row, uint32_t fold, size_t step,
                       size_t goal)
{
    const size_t place = (fold * t->steps + step - 1) * t->n_goals + goal;
    const size_t cell = row * t->n_cells + place;
    return t->counts[cell] == 0 ? (double)NAN : t->sums[cell] / t->counts[cell];
}

/* Mean over the folds of the first score after the last recorded step; NaN when a fold has
 * none.
 */
static double final_score(const fr_score_table *t, size_t row, uint32_t n_folds)
{
    double sum = 0.0;
    for (uint32_t f = 0; f < n_folds; f++) {
        double last = (double)NAN;
        for (size_t step = 1; step <= t->steps; step++) {
            const double score = recorded(t, row, f, step, 0);
            if (isnan(score)) break;
            last = score;
        }
        sum += last;
    }
    return sum / n_folds;
}

fr_status fr_score_table_scores(const fr_objective *objective, double **scores, size_t *n)
{
    const fr_score_table *t = objective->table;
    *n = 0;
    *scores = fr_alloc(t->n, sizeof **scores);
    if (*scores == NULL) return FR_ERR_MEMORY;
    for (size_t row = 0; row < t->n; row++) {
        const double score = final_score(t, row, (uint32_t)objective->study->objective.folds);
        if (!isnan(score)) (*scores)[(*n)++] = score;
    }
    return FR_OK;
}

/* Recorded steps as if they were reported one by one; a curve may end early. */
static fr_status play_steps(const fr_objective *objective, size_t row, const fr_task *task,
                            const atomic_bool *stop, fr_fold_result *result)
{
    const fr_score_table *t = objective->table;
    const double seconds = t->times[row] / (double)t->steps / objective->study->objective.speed;
    fr_reports reports;
    fr_reports_init(&reports, objective->study, task, result);
    for (size_t step = 1; step <= t->steps && reports.verdict == FR_REPORT_GO_ON; step++) {
        const double score = recorded(t, row, task->fold, step, 0);
        if (isnan(score)) break;
        if (!fr_pretend_to_work(seconds, stop)) {
            result->state = FR_TRIAL_INTERRUPTED;
            return FR_OK;
        }
        FR_TRY(fr_reports_add(&reports, (int64_t)step, score, NAN));
    }
    if (!fr_reports_settle(&reports)) return fail_without_score(t, task->point, result);
    result->loss = result->score;
    return FR_OK;
}

fr_status fr_score_table_evaluate(const fr_objective *objective, const fr_task *task,
                                  const atomic_bool *stop, fr_fold_result *result)
{
    const fr_objective_options *o = &objective->study->objective;
    const fr_score_table *t = objective->table;
    size_t row = 0;
    FR_TRY(find_row(t, task->point, &row));
    if (row == t->n) return fail_without_score(t, task->point, result);
    if (o->steps > 0) return play_steps(objective, row, task, stop, result);
    double score[FR_GOALS_MAX] = {0};
    for (size_t k = 0; k < t->n_goals; k++) {
        score[k] = recorded(t, row, task->fold, 1, k);
        if (isnan(score[k])) return fail_without_score(t, task->point, result);
    }
    result->score = result->loss = score[0];
    for (size_t k = 1; k < t->n_goals; k++) result->more[k - 1] = score[k];
    if (!fr_pretend_to_work(t->times[row] / o->speed, stop))
        result->state = FR_TRIAL_INTERRUPTED;
    return FR_OK;
}
