/* SPDX-License-Identifier: BSD-3-Clause */
/* table_read.c - a file of recorded trainings: which of its columns is what, and its rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/text_table.h"
#include "internal.h"

enum { CELL_NONE = -1 };

typedef struct {
    const fr_study *study;
    fr_text_table *file;
    size_t *param; /* (space->n) column of each parameter */
    int64_t *cell; /* (cols) whose replicate it holds; CELL_NONE */
    size_t cols;
    size_t time;   /* column of the run time; cols: none */
    double *point; /* (space->n) of the present row */
} reader;

/* FR_ERR_DATA with all columns there are: this one is missing. */
static fr_status find_column(const reader *r, const char *what, const char *name, size_t *out)
{
    size_t cols = 0;
    char *const *names = fr_text_table_names(r->file, &cols);
    for (size_t c = 0; c < cols; c++) {
        if (strcmp(names[c], name) != 0) continue;
        *out = c;
        return FR_OK;
    }
    fr_text list = {0};
    for (size_t c = 0; c < cols; c++) fr_text_add(&list, "%s%s", c > 0 ? ", " : "", names[c]);
    const fr_status st =
        FR_FAIL(FR_ERR_DATA, "%s:1: has no column for %s `%s`; its columns: %s",
                r->study->objective.path, what, name, fr_text_get(&list));
    fr_text_clear(&list);
    return st;
}

static fr_status assign_parameters(reader *r)
{
    const fr_space *space = &r->study->space;
    for (size_t j = 0; j < space->n; j++) {
        FR_TRY(find_column(r, "parameter", space->params[j].name, &r->param[j]));
        r->cell[r->param[j]] = CELL_NONE;
    }
    return FR_OK;
}

/* The column of this name, or where there are steps those of NAME@1, NAME@2, ..., hold a score
 * of a fold. */
static fr_status assign_score(reader *r, const char *name, size_t fold, size_t goal)
{
    const fr_objective_options *o = &r->study->objective;
    const int64_t steps = o->steps > 0 ? o->steps : 1;
    for (int64_t step = 0; step < steps; step++) {
        size_t c = 0;
        fr_text full = {0};
        fr_text_add(&full, "%s", name);
        if (o->steps > 0) fr_text_add(&full, "@%lld", (long long)step + 1);
        const fr_status st =
            full.failed ? FR_ERR_MEMORY : find_column(r, "value", full.data, &c);
        fr_text_clear(&full);
        FR_TRY(st);
        const int64_t cell =
            ((int64_t)fold * steps + step) * (int64_t)r->study->n_goals + (int64_t)goal;
        if (r->cell[c] != CELL_NONE && r->cell[c] != cell)
            return FR_FAIL(FR_ERR_DATA, "%s:1: column `%s` cannot be two scores", o->path,
                           name);
        r->cell[c] = cell;
    }
    return FR_OK;
}

/* Replicates of a score: averaged, or each a fold. */
static fr_status assign_replicates(reader *r, const fr_strings *columns, size_t goal)
{
    const fr_objective_options *o = &r->study->objective;
    const size_t folds = (size_t)o->folds;
    if (folds > 1 && columns->n != folds)
        return FR_FAIL(FR_ERR_USAGE,
                       "objective.values: %zu columns of %s, but validation.folds is %zu: name "
                       "one for each fold",
                       columns->n, r->study->goals[goal].name, folds);
    for (size_t i = 0; i < columns->n; i++)
        FR_TRY(assign_score(r, columns->item[i], folds > 1 ? i : 0, goal));
    return FR_OK;
}

/* One score: the columns that the study names. Several: a column or a list of columns of each,
 * or the columns of their own names. */
static fr_status assign_scores(reader *r)
{
    const fr_objective_options *o = &r->study->objective;
    if (o->scores.n == 0) return assign_replicates(r, &o->values, 0);
    for (size_t k = 0; k < o->scores.n; k++) {
        fr_strings columns = {0};
        fr_status st = o->values.n > 0 ? fr_strings_parse(o->values.item[k], &columns)
                                       : fr_strings_add(&columns, o->scores.item[k]);
        if (st == FR_OK) st = assign_replicates(r, &columns, k);
        fr_strings_clear(&columns);
        FR_TRY(st);
    }
    return FR_OK;
}

/* Each score of each fold has a column. */
static fr_status check_scores(const reader *r)
{
    const fr_objective_options *o = &r->study->objective;
    const bool others = o->values.n == 0 && o->scores.n == 0;
    bool found[FR_GOALS_MAX] = {false};
    for (size_t c = 0; c < r->cols; c++)
        if (r->cell[c] >= 0) found[(size_t)r->cell[c] % r->study->n_goals] = true;
    for (size_t k = 0; k < r->study->n_goals; k++)
        if (!found[k])
            return others ? FR_FAIL(FR_ERR_DATA,
                                    "%s:1: every column is a parameter, none holds scores",
                                    o->path)
                          : FR_FAIL(FR_ERR_USAGE, "objective.values: no column for %s",
                                    r->study->goals[k].name);
    return FR_OK;
}

static fr_status assign_columns(reader *r)
{
    const fr_objective_options *o = &r->study->objective;
    const bool others = o->values.n == 0 && o->scores.n == 0;
    for (size_t c = 0; c < r->cols; c++) r->cell[c] = others ? 0 : CELL_NONE;
    FR_TRY(assign_parameters(r));
    r->time = r->cols;
    if (o->run_time != NULL) {
        FR_TRY(find_column(r, "run_time", o->run_time, &r->time));
        r->cell[r->time] = CELL_NONE;
    }
    FR_TRY(assign_scores(r));
    return check_scores(r);
}

/* The row's point; false when it lies outside the space, where no search will look. */
static bool read_point(const reader *r, char **cells)
{
    const fr_space *space = &r->study->space;
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

static fr_status read_time(fr_score_table *t, const char *cell, size_t row, uint64_t line)
{
    double seconds;
    if (cell[0] == '\0') return FR_OK;
    if (!fr_parse_double(cell, &seconds) || !(seconds >= 0 && seconds <= 1e9))
        return FR_FAIL(FR_ERR_DATA, "%s:%llu: run time `%s` is not a number of seconds",
                       t->path, (unsigned long long)line, cell);
    t->times[row] = seconds;
    return FR_OK;
}

static fr_status read_cells(const reader *r, fr_score_table *t, char **cells, uint64_t line)
{
    size_t row = 0;
    FR_TRY(fr_score_table_row(t, r->point, &row));
    if (r->time < r->cols) FR_TRY(read_time(t, cells[r->time], row, line));
    for (size_t c = 0; c < r->cols; c++) {
        double value;
        if (r->cell[c] == CELL_NONE || cells[c][0] == '\0') continue;
        if (!fr_parse_double(cells[c], &value))
            return FR_FAIL(FR_ERR_DATA, "%s:%llu: score `%s` is not a number", t->path,
                           (unsigned long long)line, cells[c]);
        t->sums[row * t->n_cells + (size_t)r->cell[c]] += value;
        t->counts[row * t->n_cells + (size_t)r->cell[c]]++;
    }
    return FR_OK;
}

static fr_status read_rows(const reader *r, fr_score_table *t)
{
    for (;;) {
        char **cells;
        uint64_t line;
        FR_TRY(fr_text_table_next(r->file, &cells, &line));
        if (cells == NULL) break;
        if (read_point(r, cells)) FR_TRY(read_cells(r, t, cells, line));
    }
    if (t->n > 0) return FR_OK;
    return FR_FAIL(FR_ERR_DATA, "%s: no row lies inside the study's space", t->path);
}

static fr_status read_file(reader *r, fr_score_table *t)
{
    FR_TRY(fr_text_table_open(r->study->objective.path, &r->file));
    fr_text_table_names(r->file, &r->cols);
    r->param = fr_alloc(r->study->space.n, sizeof *r->param);
    r->point = fr_alloc(r->study->space.n, sizeof *r->point);
    r->cell = fr_alloc(r->cols, sizeof *r->cell);
    if (r->param == NULL || r->point == NULL || r->cell == NULL) return FR_ERR_MEMORY;
    FR_TRY(assign_columns(r));
    return read_rows(r, t);
}

fr_status fr_score_table_read(const fr_study *study, fr_score_table **out)
{
    reader r = {.study = study};
    fr_status st = fr_score_table_create(study, out);
    if (st == FR_OK) st = read_file(&r, *out);
    fr_text_table_close(&r.file);
    free(r.param);
    free(r.point);
    free(r.cell);
    if (st != FR_OK) fr_score_table_destroy(out);
    return st;
}
