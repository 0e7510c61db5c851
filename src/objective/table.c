/* SPDX-License-Identifier: BSD-3-Clause */
/* table.c - recorded trainings as an objective: each of a point's scores is the mean of its
 * row's replicates. Rows are found by the hash of their point; values are put on the grid of
 * the parameter's steps first, so that 0.3 in the file and 0.1 + 2 * 0.1 in the search are one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text_table.h"
#include "internal.h"

struct fr_score_table {
    const fr_space *space;
    const char *path; /* borrowed from the study */
    double *points;   /* (capacity, space->n) */
    size_t n_goals;
    double *sums;     /* (n, n_goals) of all replicates */
    uint64_t *counts; /* (n, n_goals) */
    size_t n, points_capacity, sums_capacity, counts_capacity;
    size_t *slots; /* row number + 1, 0 = free; open addressing */
    size_t n_slots;
};

enum { NO_GOAL = -1 };

/* Which column of the file is what. */
typedef struct {
    fr_text_table *file;
    size_t *param; /* (space->n) column of each parameter */
    int *goal;     /* (cols) whose replicate it is; NO_GOAL */
    size_t cols;
    double *point; /* (space->n) of the present row */
} table_reader;

void fr_score_table_destroy(fr_score_table **table)
{
    if (*table == NULL) return;
    free((*table)->points);
    free((*table)->sums);
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
    st = fr_grow(&block, &t->sums_capacity, n * t->n_goals, sizeof *t->sums);
    t->sums = block;
    FR_TRY(st);
    block = t->counts;
    st = fr_grow(&block, &t->counts_capacity, n * t->n_goals, sizeof *t->counts);
    t->counts = block;
    return st;
}

/* The row of a point, made when it is the first with it. */
static fr_status find_row(fr_score_table *t, const double *point, size_t *row)
{
    FR_TRY(grow_slots(t));
    const size_t slot = slot_of(t, point);
    if (t->slots[slot] == 0) {
        FR_TRY(grow_rows(t));
        memcpy(t->points + t->n * t->space->n, point, t->space->n * sizeof *point);
        for (size_t k = 0; k < t->n_goals; k++) {
            t->sums[t->n * t->n_goals + k] = 0;
            t->counts[t->n * t->n_goals + k] = 0;
        }
        t->slots[slot] = ++t->n;
    }
    *row = t->slots[slot] - 1;
    return FR_OK;
}

static size_t find_column(const fr_text_table *file, const char *name)
{
    size_t n;
    char *const *names = fr_text_table_names(file, &n);
    for (size_t c = 0; c < n; c++)
        if (strcmp(names[c], name) == 0) return c;
    return n;
}

static fr_status missing_column(const fr_text_table *file, const char *path, const char *what,
                                const char *name)
{
    size_t n;
    char *const *names = fr_text_table_names(file, &n);
    fr_text list = {0};
    for (size_t c = 0; c < n; c++) fr_text_add(&list, "%s%s", c > 0 ? ", " : "", names[c]);
    const fr_status st =
        FR_FAIL(FR_ERR_DATA, "%s:1: has no column for %s `%s`; its columns: %s", path, what,
                name, fr_text_get(&list));
    fr_text_clear(&list);
    return st;
}

static fr_status assign_value(const fr_study *study, const char *name, int goal,
                              table_reader *r)
{
    const char *path = study->objective.path;
    const size_t c = find_column(r->file, name);
    if (c == r->cols) return missing_column(r->file, path, "value", name);
    if (r->goal[c] != NO_GOAL && r->goal[c] != goal)
        return FR_FAIL(FR_ERR_DATA, "%s:1: column `%s` cannot be two scores", path, name);
    r->goal[c] = goal;
    return FR_OK;
}

/* One score: the columns that the study names. Several: a column or a list of columns of each,
 * or the columns of their own names. */
static fr_status assign_values(const fr_study *study, table_reader *r)
{
    const fr_objective_options *o = &study->objective;
    for (size_t i = 0; i < o->values.n; i++) {
        fr_strings columns = {0};
        if (o->scores.n == 0) {
            FR_TRY(assign_value(study, o->values.item[i], 0, r));
            continue;
        }
        fr_status st = fr_strings_parse(o->values.item[i], &columns);
        for (size_t c = 0; st == FR_OK && c < columns.n; c++)
            st = assign_value(study, columns.item[c], (int)i, r);
        fr_strings_clear(&columns);
        FR_TRY(st);
    }
    for (size_t k = 0; o->values.n == 0 && k < o->scores.n; k++)
        FR_TRY(assign_value(study, o->scores.item[k], (int)k, r));
    return FR_OK;
}

/* Parameters are found by name; without any word about values all other columns are. */
static fr_status assign_columns(const fr_study *study, table_reader *r)
{
    const fr_objective_options *o = &study->objective;
    const bool others = o->values.n == 0 && o->scores.n == 0;
    bool found[FR_GOALS_MAX] = {false};
    for (size_t c = 0; c < r->cols; c++) r->goal[c] = others ? 0 : NO_GOAL;
    for (size_t j = 0; j < study->space.n; j++) {
        const char *name = study->space.params[j].name;
        r->param[j] = find_column(r->file, name);
        if (r->param[j] == r->cols) return missing_column(r->file, o->path, "parameter", name);
        r->goal[r->param[j]] = NO_GOAL;
    }
    FR_TRY(assign_values(study, r));
    for (size_t c = 0; c < r->cols; c++)
        if (r->goal[c] != NO_GOAL) found[r->goal[c]] = true;
    for (size_t k = 0; k < study->n_goals; k++)
        if (!found[k])
            return others ? FR_FAIL(FR_ERR_DATA,
                                    "%s:1: every column is a parameter, none holds scores",
                                    o->path)
                          : FR_FAIL(FR_ERR_USAGE, "objective.values: no column for %s",
                                    study->goals[k].name);
    return FR_OK;
}

/* The row's point; false when it lies outside the space, where no search will look. */
static bool read_point(const fr_space *space, const table_reader *r, char **cells)
{
    for (size_t j = 0; j < space->n; j++) {
        const char *text = cells[r->param[j]];
        if (!fr_space_active(space, j, r->point)) {
            r->point[j] = NAN;
            continue;
        }
        if (fr_param_parse(&space->params[j], text, &r->point[j]) != FR_OK) return false;
        r->point[j] = fr_param_round(&space->params[j], r->point[j]);
    }
    return true;
}

static fr_status add_cells(fr_score_table *t, const table_reader *r, char **cells, size_t row,
                           uint64_t line)
{
    for (size_t c = 0; c < r->cols; c++) {
        double value;
        if (r->goal[c] == NO_GOAL || cells[c][0] == '\0') continue;
        if (!fr_parse_double(cells[c], &value))
            return FR_FAIL(FR_ERR_DATA, "%s:%llu: score `%s` is not a number", t->path,
                           (unsigned long long)line, cells[c]);
        t->sums[row * t->n_goals + (size_t)r->goal[c]] += value;
        t->counts[row * t->n_goals + (size_t)r->goal[c]]++;
    }
    return FR_OK;
}

static fr_status read_rows(fr_score_table *t, const table_reader *r)
{
    for (;;) {
        char **cells;
        uint64_t line;
        size_t row = 0;
        FR_TRY(fr_text_table_next(r->file, &cells, &line));
        if (cells == NULL) return FR_OK;
        if (!read_point(t->space, r, cells)) continue;
        FR_TRY(find_row(t, r->point, &row));
        FR_TRY(add_cells(t, r, cells, row, line));
    }
}

static fr_status read_file(const fr_study *study, table_reader *r, fr_score_table *t)
{
    FR_TRY(fr_text_table_open(study->objective.path, &r->file));
    fr_text_table_names(r->file, &r->cols);
    r->param = fr_alloc(study->space.n, sizeof *r->param);
    r->point = fr_alloc(study->space.n, sizeof *r->point);
    r->goal = fr_alloc(r->cols, sizeof *r->goal);
    if (r->param == NULL || r->point == NULL || r->goal == NULL) return FR_ERR_MEMORY;
    FR_TRY(assign_columns(study, r));
    FR_TRY(read_rows(t, r));
    if (t->n == 0)
        return FR_FAIL(FR_ERR_DATA, "%s: no row lies inside the study's space",
                       study->objective.path);
    return FR_OK;
}

fr_status fr_score_table_read(const fr_study *study, fr_score_table **out)
{
    table_reader reader = {0};
    fr_score_table *table = fr_alloc(1, sizeof *table);
    *out = NULL;
    if (table == NULL) return FR_ERR_MEMORY;
    table->space = &study->space;
    table->path = study->objective.path;
    table->n_goals = study->n_goals;
    const fr_status st = read_file(study, &reader, table);
    fr_text_table_close(&reader.file);
    free(reader.param);
    free(reader.point);
    free(reader.goal);
    if (st == FR_OK)
        *out = table;
    else
        fr_score_table_destroy(&table);
    return st;
}

fr_status fr_score_table_scores(const fr_score_table *table, double **scores, size_t *n)
{
    *n = 0;
    *scores = fr_alloc(table->n, sizeof **scores);
    if (*scores == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < table->n; i++) {
        const size_t at = i * table->n_goals;
        if (table->counts[at] > 0)
            (*scores)[(*n)++] = table->sums[at] / (double)table->counts[at];
    }
    return FR_OK;
}

static fr_status fail_without_row(const fr_score_table *t, const double *point,
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

fr_status fr_score_table_evaluate(const fr_score_table *table, const fr_task *task,
                                  fr_fold_result *result)
{
    const size_t n = table->space->n;
    double *point = fr_alloc(n, sizeof *point);
    if (point == NULL) return FR_ERR_MEMORY;
    for (size_t j = 0; j < n; j++)
        point[j] = isnan(task->point[j])
                       ? NAN
                       : fr_param_round(&table->space->params[j], task->point[j]);
    const size_t row = table->slots[slot_of(table, point)];
    free(point);
    double score[FR_GOALS_MAX];
    for (size_t k = 0; k < table->n_goals; k++) {
        const size_t at = (row - 1) * table->n_goals + k;
        if (row == 0 || table->counts[at] == 0)
            return fail_without_row(table, task->point, result);
        score[k] = table->sums[at] / (double)table->counts[at];
        if (k > 0) result->more[k - 1] = score[k];
    }
    result->score = result->loss = score[0];
    return FR_OK;
}
