/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_cost.c - what a suggestion costs, in time and in memory, over histories of random
 * points in 8 continuous parameters. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "foldrank/clock.h"
#include "foldrank/memory.h"

enum { DIMS = 8, SUGGESTIONS = 9, N_LENGTHS = 5 };

static const size_t lengths[N_LENGTHS] = {100, 500, 1000, 10000, 100000};

static fr_status add_random(const fr_bench_problem *p, fr_history *h, fr_rng *rng)
{
    double point[DIMS];
    fr_fold_result result;
    fr_space_draw(&p->study->space, rng, point);
    const fr_task task = {.trial = h->n, .point = point};
    FR_TRY(fr_history_add_trial(h, point));
    FR_TRY(fr_objective_evaluate(p->objective, &task, NULL, &result));
    return fr_history_add_fold(h, &result);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median time of suggestions number n + 1, n + 2, ...: the one before them takes in the
 * history.
 */
static fr_status measure(const fr_bench_problem *p, int method, fr_history *h, fr_rng *rng,
                         double *ms)
{
    fr_search *search = NULL;
    fr_search_options options = {0};
    double point[DIMS], times[SUGGESTIONS];
    bool found = false;
    FR_TRY(fr_option_defaults(fr_search_option_table, fr_search_option_count, &options));
    options.method = method;
    options.trials = (int64_t)h->n + SUGGESTIONS + 1;
    options.concurrency = 1;
    FR_TRY(fr_search_create(&p->study->space, &options, NULL, 0, &search));
    fr_status st = fr_search_suggest(search, h, point, &found);
    for (size_t i = 0; i < SUGGESTIONS && st == FR_OK; i++) {
        st = add_random(p, h, rng);
        const double start = fr_clock_thread_cpu();
        if (st == FR_OK) st = fr_search_suggest(search, h, point, &found);
        times[i] = 1e3 * (fr_clock_thread_cpu() - start);
    }
    qsort(times, SUGGESTIONS, sizeof *times, by_value);
    *ms = times[SUGGESTIONS / 2];
    fr_search_destroy(&search);
    return st;
}

static fr_status print_row(FILE *out, const fr_bench_problem *p, const char *name)
{
    fr_history *h = NULL;
    fr_rng rng = fr_rng_make(2, FR_RNG_NOISE, 0, 0, 0);
    int method;
    FR_TRY(fr_bench_method(name, &method));
    FR_TRY(fr_history_create(&p->study->space, 1, false, &h));
    fr_status st = FR_OK;
    fprintf(out, "%-8s", name);
    for (size_t i = 0; i < N_LENGTHS && st == FR_OK; i++) {
        double ms = 0.0;
        while (h->n < lengths[i] && st == FR_OK) st = add_random(p, h, &rng);
        if (st == FR_OK) st = measure(p, method, h, &rng, &ms);
        fprintf(out, " %9.3f", ms);
        fflush(out);
    }
    fprintf(out, "\n");
    fr_history_destroy(&h);
    return st;
}

/* Memory of this process [bytes]; NaN where the system does not tell. */
static double resident(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    const bool told = file != NULL && fscanf(file, "%*u %llu", &pages) == 1;
    if (file != NULL) fclose(file);
    return told ? (double)pages * (double)sysconf(_SC_PAGESIZE) : (double)NAN;
}

/* Of a history of the greatest length [bytes a trial and parameter]. */
static fr_status measure_memory(const fr_bench_problem *p, double *bytes)
{
    fr_history *h = NULL;
    fr_rng rng = fr_rng_make(2, FR_RNG_NOISE, 0, 0, 0);
    const double before = resident();
    const size_t n = lengths[N_LENGTHS - 1];
    fr_status st = fr_history_create(&p->study->space, 1, false, &h);
    while (st == FR_OK && h->n < n) st = add_random(p, h, &rng);
    *bytes = (resident() - before) / ((double)n * DIMS);
    fr_history_destroy(&h);
    return st;
}

fr_status fr_bench_cost(FILE *out, const fr_strings *samplers)
{
    fr_bench_problems problems = {0};
    fr_status st = fr_bench_problems_add(&problems, "ackley:8");
    double bytes = 0.0;
    if (st == FR_OK) st = measure_memory(&problems.item[0], &bytes);
    if (st == FR_OK) {
        fprintf(out,
                "milliseconds of processor time a suggestion after so many trials, "
                "%d continuous parameters\n\n%-8s",
                DIMS, "sampler");
        for (size_t i = 0; i < N_LENGTHS; i++) fprintf(out, " %9zu", lengths[i]);
        fprintf(out, "\n");
    }
    for (size_t i = 0; i < samplers->n && st == FR_OK; i++)
        st = print_row(out, &problems.item[0], samplers->item[i]);
    if (st == FR_OK)
        fprintf(out, "\nhistory of %zu trials: %.1f bytes a trial and parameter\n",
                lengths[N_LENGTHS - 1], bytes);
    fr_bench_problems_clear(&problems);
    return st;
}
