/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_problem.c - problems to search, and one search of one of them. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"
#include "foldrank/clock.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"

static void clear_problem(fr_bench_problem *p)
{
    fr_objective_destroy(&p->objective);
    fr_study_destroy(&p->study);
    free(p->name);
}

void fr_bench_problems_clear(fr_bench_problems *problems)
{
    for (size_t i = 0; i < problems->n; i++) clear_problem(&problems->item[i]);
    free(problems->item);
    *problems = (fr_bench_problems){0};
}

static fr_status load(const char *operand, bool is_file, fr_bench_problem *p)
{
    if (is_file) return fr_study_load(operand, NULL, 0, &p->study);
    fr_text text = {0};
    fr_status st = fr_problem_text(operand, &text);
    if (st == FR_OK) st = fr_study_parse(fr_text_get(&text), operand, NULL, 0, &p->study);
    fr_text_clear(&text);
    return st;
}

/* `operand` is the path of a study file, or else a test function. */
static fr_status add_one(fr_bench_problems *problems, const char *operand, bool is_file)
{
    const fr_objective_place place = {.threads = 1};
    fr_bench_problem p = {0};
    void *block = problems->item;
    FR_TRY(fr_grow(&block, &problems->capacity, problems->n + 1, sizeof p));
    problems->item = block;
    fr_status st = load(operand, is_file, &p);
    if (st == FR_OK && p.study->objective.type == FR_OBJECTIVE_TRAINING)
        st = FR_FAIL(
            FR_ERR_USAGE,
            "bench search: %s trains models; a study with an objective of type function "
            "or table is wanted",
            operand);
    if (st == FR_OK) { /* nothing pretends to take its time */
        p.study->objective.sleep = 0.0;
        p.study->objective.speed = INFINITY;
    }
    if (st == FR_OK) st = fr_objective_create(p.study, NULL, NULL, &place, &p.objective);
    if (st == FR_OK) st = fr_problem_scale(p.objective, &p.best, &p.median);
    if (st == FR_OK) {
        p.name = fr_strdup(is_file ? p.study->name : operand);
        if (p.name == NULL) st = FR_ERR_MEMORY;
    }
    if (st != FR_OK)
        clear_problem(&p);
    else
        problems->item[problems->n++] = p;
    return st;
}

static int is_study(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

static fr_status add_directory(fr_bench_problems *problems, const char *path)
{
    struct dirent **entries = NULL;
    const int n = scandir(path, &entries, is_study, alphasort);
    fr_status st = FR_OK;
    if (n <= 0) st = FR_FAIL(FR_ERR_USAGE, "bench search: no study file *.yaml in %s", path);
    for (int i = 0; i < n; i++) {
        fr_text file = {0};
        fr_text_add(&file, "%s/%s", path, entries[i]->d_name);
        if (st == FR_OK) st = add_one(problems, fr_text_get(&file), true);
        fr_text_clear(&file);
        free(entries[i]);
    }
    free(entries);
    return st;
}

fr_status fr_bench_problems_add(fr_bench_problems *problems, const char *operand)
{
    struct stat info;
    if (stat(operand, &info) == 0 && S_ISDIR(info.st_mode))
        return add_directory(problems, operand);
    const bool function = strchr(operand, ':') != NULL && stat(operand, &info) != 0;
    return add_one(problems, operand, !function);
}

fr_status fr_bench_method(const char *name, int *method)
{
    size_t n = 0;
    for (; fr_search_methods[n] != NULL; n++) {
        *method = (int)n;
        if (strcmp(fr_search_methods[n], name) == 0) return FR_OK;
    }
    const char *near = fr_nearest(name, fr_search_methods, n);
    return FR_FAIL(FR_ERR_USAGE, "bench search: there is no sampler %s; %s%s%s", name,
                   near != NULL ? "did you mean " : "see search.method in the README",
                   near != NULL ? near : "", near != NULL ? "?" : "");
}

/* All folds of a trial. */
static fr_status evaluate(const fr_bench_problem *p, fr_history *h, uint64_t trial)
{
    for (uint32_t f = 0; f < h->n_folds; f++) {
        fr_fold_result result;
        const fr_task task = {.trial = trial, .fold = f, .point = h->trials[trial].point};
        FR_TRY(fr_objective_evaluate(p->objective, &task, NULL, &result));
        FR_TRY(fr_history_add_fold(h, &result));
    }
    return FR_OK;
}

/* Ask for the next trial and evaluate it and those before it, as far as the one after may know
 * them. */
static fr_status step(fr_search *search, const fr_bench_problem *p, fr_history *h,
                      double *point, bool *found, double *seconds)
{
    const double start = fr_clock_thread_cpu();
    FR_TRY(fr_search_suggest(search, h, point, found));
    *seconds += fr_clock_thread_cpu() - start;
    if (*found) FR_TRY(fr_history_add_trial(h, point));
    while (h->settled < fr_search_needs(search, h->n) && h->settled < h->n)
        FR_TRY(evaluate(p, h, h->settled));
    return FR_OK;
}

/* Best score among the first marks[i] trials. */
static void best_at(const fr_history *h, const size_t *marks, size_t n_marks, double *best)
{
    for (size_t m = 0; m < n_marks; m++) {
        const size_t t = fr_history_best(h, marks[m]);
        best[m] = t < h->n ? h->trials[t].score_mean : NAN;
    }
}

fr_status fr_bench_search(const fr_bench_problem *problem, const fr_search_options *options,
                          const size_t *marks, size_t n_marks, double *best, double *seconds)
{
    const fr_study *study = problem->study;
    fr_search *search = NULL;
    fr_history *h = NULL;
    bool found = true;
    double *point = fr_alloc(study->space.n, sizeof *point);
    fr_status st = point == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) st = fr_search_create(&study->space, options, NULL, 0, &search);
    if (st == FR_OK)
        st = fr_history_create(&study->space, (uint32_t)study->objective.folds, study->maximize,
                               &h);
    for (int64_t t = 0; t < options->trials && found && st == FR_OK; t++)
        st = step(search, problem, h, point, &found, seconds);
    while (st == FR_OK && h->settled < h->n) st = evaluate(problem, h, h->settled);
    if (st == FR_OK) best_at(h, marks, n_marks, best);
    fr_search_destroy(&search);
    fr_history_destroy(&h);
    free(point);
    return st;
}
