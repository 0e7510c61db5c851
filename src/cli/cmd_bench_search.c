/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_bench_search.c - `foldrank bench search`: how fast samplers learn, and what a suggestion
 * costs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cli.h"
#include "foldrank/memory.h"

typedef struct {
    fr_strings samplers, set;
    int64_t seeds, trials, concurrency;
    bool cost;
} search_values;

#define FIELD(name) offsetof(search_values, name)

static const fr_cli_option options[] = {
    {.option = {.name = "sampler",
                .type = FR_OPTION_STRINGS,
                .offset = FIELD(samplers),
                .fallback = "[]",
                .help = "search.method to measure [all but grid]"},
     .letter = 'm',
     .value = "NAME"},
    {.option = {.name = "seeds",
                .type = FR_OPTION_INT,
                .offset = FIELD(seeds),
                .fallback = "20",
                .low = 1,
                .high = 1e6,
                .help = "studies of each problem, whose results are averaged"},
     .letter = 's',
     .value = "N"},
    {.option = {.name = "trials",
                .type = FR_OPTION_INT,
                .offset = FIELD(trials),
                .fallback = "100",
                .low = 1,
                .high = 1e7,
                .help = "trials of a study"},
     .letter = 't',
     .value = "N"},
    {.option = {.name = "concurrency",
                .type = FR_OPTION_INT,
                .offset = FIELD(concurrency),
                .fallback = "1",
                .low = 1,
                .high = 1e6,
                .help = "trials in flight: a result comes so many trials later"},
     .letter = 'c',
     .value = "N"},
    {.option = {.name = "set",
                .type = FR_OPTION_STRINGS,
                .offset = FIELD(set),
                .fallback = "[]",
                .help = "set another key of `search`, as repeats=true"},
     .value = "KEY=VALUE"},
    {.option = {.name = "cost",
                .type = FR_OPTION_BOOL,
                .offset = FIELD(cost),
                .fallback = "false",
                .help = "measure time and memory of a suggestion instead"}},
};

/* Taken when no problem is named. */
static const char *const usual_problems[] = {
    "branin:2",     "ackley:2",   "rosenbrock:4", "levy:4",       "hartmann6:6",
    "rastrigin:5",  "griewank:5", "sphere:10",    "ackley:10",    "levy:20",
    "rosenbrock:8", "ackley:20",  "mixed:8",      "conditional:3"};

/* Trials after which regrets are shown; the last trial is one more. */
static const size_t usual_marks[] = {25, 50, 100, 200, 500, 1000, 2000, 5000, 10000};
enum { MARKS_MAX = sizeof usual_marks / sizeof usual_marks[0] + 1 };

typedef struct {
    size_t at[MARKS_MAX];
    size_t n;
} marks;

static marks marks_until(size_t trials)
{
    marks m = {.n = 0};
    while (m.n + 1 < MARKS_MAX && usual_marks[m.n] < trials) {
        m.at[m.n] = usual_marks[m.n];
        m.n++;
    }
    m.at[m.n++] = trials;
    return m;
}

/* log10 of (best so far - best of all) / (median - best of all); without any score 1. */
static double regret(const fr_bench_problem *p, double best)
{
    const double share = (best - p->best) / (p->median - p->best);
    return isnan(share) ? 0.0 : log10(fmax(share, 1e-6));
}

/* The options of a study: their defaults, then what --set says, then those of this command. */
static fr_status search_options(const search_values *v, const char *sampler,
                                fr_search_options *out)
{
    FR_TRY(fr_option_defaults(fr_search_option_table, fr_search_option_count, out));
    for (size_t i = 0; i < v->set.n; i++) {
        char name[64];
        const char *text = v->set.item[i];
        const size_t length = strcspn(text, "=");
        snprintf(name, sizeof name, "%.*s", (int)length, text);
        const fr_option *row =
            fr_option_find(fr_search_option_table, fr_search_option_count, name);
        if (row == NULL || text[length] == '\0')
            return FR_FAIL(
                FR_ERR_USAGE,
                "bench search: --set %s: wanted is a key of `search` and a value, as "
                "repeats=true",
                text);
        FR_TRY(fr_option_set(row, text + length + 1, out));
    }
    out->trials = v->trials;
    out->concurrency = v->concurrency;
    out->seed = 0;
    return fr_bench_method(sampler, &out->method);
}

/* One row: means over the seeds, standard error of the last, time of a suggestion. The means
 * are added to `total`. */
static fr_status measure(const fr_cli *cli, const search_values *v, const char *sampler,
                         const fr_bench_problem *p, double *total)
{
    const marks m = marks_until((size_t)v->trials);
    double mean[MARKS_MAX] = {0}, squares = 0.0, seconds = 0.0;
    fr_search_options search = {0};
    FR_TRY(search_options(v, sampler, &search));
    for (; search.seed < v->seeds; search.seed++) {
        double best[MARKS_MAX];
        FR_TRY(fr_bench_search(p, &search, m.at, m.n, best, &seconds));
        const double last = regret(p, best[m.n - 1]);
        const double off = last - mean[m.n - 1], count = (double)(search.seed + 1);
        for (size_t k = 0; k < m.n; k++) mean[k] += (regret(p, best[k]) - mean[k]) / count;
        squares += off * (last - mean[m.n - 1]);
    }
    const double n = (double)v->seeds;
    fprintf(cli->out, "%-8s %-28s", sampler, p->name);
    for (size_t k = 0; k < m.n; k++) fprintf(cli->out, " %7.2f", mean[k]);
    fprintf(cli->out, " +-%.2f %9.3f ms\n", n > 1.0 ? sqrt(squares / (n - 1.0) / n) : 0.0,
            1e3 * seconds / (n * (double)v->trials));
    fflush(cli->out);
    for (size_t k = 0; k < m.n; k++) total[k] += mean[k];
    return FR_OK;
}

static fr_status measure_all(const fr_cli *cli, const search_values *v,
                             const fr_bench_problems *problems)
{
    const marks m = marks_until((size_t)v->trials);
    fprintf(
        cli->out,
        "mean log10 of the normalised regret, (best so far - optimum) / (median - optimum), "
        "floor 1e-6;\n%lld seeds, %lld in flight; standard error of the last; processor "
        "time a suggestion\n\n%-8s %-28s",
        (long long)v->seeds, (long long)v->concurrency, "sampler", "after trials");
    for (size_t k = 0; k < m.n; k++) fprintf(cli->out, " %7zu", m.at[k]);
    fprintf(cli->out, "\n");
    for (size_t i = 0; i < v->samplers.n; i++) {
        double total[MARKS_MAX] = {0};
        for (size_t p = 0; p < problems->n; p++)
            FR_TRY(measure(cli, v, v->samplers.item[i], &problems->item[p], total));
        fprintf(cli->out, "%-8s %-28s", v->samplers.item[i], "mean");
        for (size_t k = 0; k < m.n; k++)
            fprintf(cli->out, " %7.2f", total[k] / (double)problems->n);
        fprintf(cli->out, "\n");
    }
    return FR_OK;
}

static fr_status bench_search(const fr_cli *cli, void *parsed)
{
    search_values *v = parsed;
    fr_bench_problems problems = {0};
    fr_status st = FR_OK;
    int method;
    for (size_t i = 0; i < v->samplers.n; i++)
        FR_TRY(fr_bench_method(v->samplers.item[i], &method));
    const bool all = v->samplers.n == 0;
    for (int m = 0; all && fr_search_methods[m] != NULL; m++)
        if (strcmp(fr_search_methods[m], "grid") != 0)
            FR_TRY(fr_strings_add(&v->samplers, fr_search_methods[m]));
    if (v->cost) return fr_bench_cost(cli->out, &v->samplers);
    for (size_t i = 0; i < cli->n_operands && st == FR_OK; i++)
        st = fr_bench_problems_add(&problems, cli->operands[i]);
    const size_t usual = sizeof usual_problems / sizeof usual_problems[0];
    for (size_t i = 0; cli->n_operands == 0 && i < usual && st == FR_OK; i++)
        st = fr_bench_problems_add(&problems, usual_problems[i]);
    if (st == FR_OK) st = measure_all(cli, v, &problems);
    fr_bench_problems_clear(&problems);
    return st;
}

const fr_cli_command fr_cmd_bench_search = {
    .name = "bench search",
    .operands = "[PROBLEM]...",
    .summary = "measure how fast samplers learn, and what a suggestion costs",
    .details =
        "A problem is a test function, NAME:DIMENSIONS, a study file whose objective is\n"
        "a function or a table of recorded trainings, or a directory with such files;\n"
        "without any, functions in 2 to 20 dimensions. Shown is how much of the way from\n"
        "the median to the optimum is left after 25, 50, 100, ... trials.",
    .example = "  foldrank bench search --sampler tpe --sampler gp hartmann6:6 ackley:10\n"
               "  foldrank bench search --concurrency 16 recorded/car.yaml\n"
               "  foldrank bench search --cost",
    .max_operands = 1000,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .values_size = sizeof(search_values),
    .run = bench_search,
};
