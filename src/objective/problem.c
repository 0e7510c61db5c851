/* SPDX-License-Identifier: BSD-3-Clause */
/* problem.c - test functions as studies, and the scale on which searches of different problems
 * compare. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/random.h"
#include "internal.h"

enum { SAMPLE = 100000, NAME_SIZE = 32 };

static void add_range(fr_text *out, double low, double high)
{
    char a[FR_NUMBER_SIZE], b[FR_NUMBER_SIZE];
    fr_text_add(out, "{float: [%s, %s]}", fr_format_double(low, a), fr_format_double(high, b));
}

static void add_numbers(const fr_test_function *f, size_t dims, fr_text *out)
{
    for (size_t j = 1; j <= dims; j++) {
        const double place = 0.2 + 0.6 * fmod((double)j * 0.61803398874989485, 1.0);
        const double *fixed = f->box[j == 1 ? 0 : 1];
        const double low = f->best - place * f->width;
        fr_text_add(out, "    x%zu: ", j);
        if (f->width > 0.0)
            add_range(out, low, low + f->width);
        else
            add_range(out, fixed[0], fixed[1]);
        fr_text_add(out, "\n");
    }
}

static void add_mixed(size_t dims, fr_text *out)
{
    static const char *const kinds[] = {"float: [0, 1]", "int: [0, 10]",
                                        "choice: [a, b, c, d, e]", "log: [1.0e-4, 1]"};
    for (size_t j = 0; j < dims; j++) fr_text_add(out, "    x%zu: {%s}\n", j + 1, kinds[j % 4]);
}

static void add_branch(const char *name, const char *condition, size_t dims, fr_text *out)
{
    for (size_t j = 1; j <= dims; j++)
        fr_text_add(out, "    %s%zu: {float: [0, 1], when: {%s}}\n", name, j, condition);
}

static void add_conditional(size_t dims, fr_text *out)
{
    fr_text_add(out, "    family: {choice: [a, b]}\n    shared: {float: [0, 1]}\n");
    add_branch("a", "family: a", dims, out);
    fr_text_add(out, "    kind: {choice: [p, q], when: {family: b}}\n");
    add_branch("p", "kind: p", dims, out);
    add_branch("q", "kind: q", dims, out);
}

fr_status fr_problem_text(const char *problem, fr_text *out)
{
    char name[NAME_SIZE];
    int64_t dims = 0;
    const size_t length = strcspn(problem, ":");
    snprintf(name, sizeof name, "%.*s", (int)length, problem);
    const fr_test_function *f = fr_test_function_find(name);
    if (f == NULL) return fr_test_function_unknown(name);
    if (f->values != NULL)
        return FR_FAIL(FR_ERR_USAGE, "`%s` has several scores, and no minimum", name);
    const size_t fewest = f->fewest > 0 ? f->fewest : 1;
    if (problem[length] == '\0' || !fr_parse_int(problem + length + 1, &dims) ||
        dims < (int64_t)fewest || dims > (int64_t)f->most)
        return FR_FAIL(FR_ERR_USAGE, "`%s`: %s takes %zu to %zu dimensions; write %s:%zu",
                       problem, name, fewest, f->most, name, fewest);
    fr_text_add(out, "study: %s%d\nobjective:\n  type: function\n  function: %s\n", name,
                (int)dims, name);
    fr_text_add(out, "  direction: minimize\n  parameters:\n");
    if (f->value != NULL)
        add_numbers(f, (size_t)dims, out);
    else if (strcmp(name, "mixed") == 0)
        add_mixed((size_t)dims, out);
    else
        add_conditional((size_t)dims, out);
    return out->failed ? FR_FAIL(FR_ERR_MEMORY, "out of memory for a study") : FR_OK;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static fr_status sample(const fr_study *study, double **scores, size_t *n)
{
    double *point = fr_alloc(study->space.n, sizeof *point);
    fr_rng rng = fr_rng_make(0, FR_RNG_NOISE, UINT64_MAX, 0, 0);
    *n = 0;
    *scores = fr_alloc(SAMPLE, sizeof **scores);
    const fr_status st = point == NULL || *scores == NULL ? FR_ERR_MEMORY : FR_OK;
    for (size_t i = 0; i < SAMPLE && st == FR_OK; i++) {
        fr_space_draw(&study->space, &rng, point);
        double value[FR_GOALS_MAX];
        if (fr_function_values(study, point, value) && isfinite(value[0]))
            (*scores)[(*n)++] = value[0];
    }
    free(point);
    return st;
}

fr_status fr_problem_scale(fr_objective *objective, double *best, double *median)
{
    const fr_study *study = objective->study;
    double *scores = NULL;
    size_t n = 0;
    fr_status st = FR_OK;
    if (study->n_goals > 1)
        st = FR_FAIL(FR_ERR_USAGE, "%s: one score has a best value, several have not",
                     study->path);
    else if (study->objective.type == FR_OBJECTIVE_FUNCTION)
        st = sample(study, &scores, &n);
    else if (study->objective.type == FR_OBJECTIVE_TABLE)
        st = fr_score_table_scores(objective, &scores, &n);
    else
        st = FR_FAIL(FR_ERR_USAGE,
                     "%s: what there is to find is known of a function or a "
                     "table only, not of a training",
                     study->path);
    if (st == FR_OK && n == 0)
        st = FR_FAIL(FR_ERR_USAGE, "%s: no point of the space has a score", study->path);
    if (st == FR_OK) {
        qsort(scores, n, sizeof *scores, by_value);
        *median = 0.5 * (scores[(n - 1) / 2] + scores[n / 2]);
        *best = study->maximize ? scores[n - 1] : scores[0];
        if (study->objective.type == FR_OBJECTIVE_FUNCTION)
            *best = fr_test_function_find(study->objective.function)->minimum;
    }
    free(scores);
    return st;
}
