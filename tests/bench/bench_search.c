/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_search.c - how fast samplers learn, and what a suggestion costs.
 *
 *   bench_search [--seeds 20] [--concurrency 1] [--method NAME]... PROBLEM...
 *   bench_search --time [--method NAME]... N...
 *
 * With --distribute-from N, --generation N: those keys of `search`; by default gp's model is
 * never shared.
 *
 * A PROBLEM is `max:FILE` or `min:FILE`, a complete grid of recorded trainings (CSV, plain or
 * gzip: index columns `*_idx`, then replicate scores), or `NAME:DIMENSIONS`, a test function.
 * Index columns whose name begins with a word of --choice are unordered choices, the others
 * integers. Printed: mean over seeds of log10 of the normalised regret
 * (best so far - optimum) / (median of the table - optimum), floor 1e-6, after 25, 50, 100 and
 * 200 trials; for functions the median is that of 1,000 random points.
 * With --time: milliseconds of the suggestion number N, 8 continuous parameters, and of the
 * first one of a search that has just been resumed there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "foldrank/clock.h"
#include "foldrank/linalg.h"
#include "foldrank/memory.h"
#include "foldrank/search.h"
#include "foldrank/text.h"

enum { MAX_LIST = 32, MAX_PARAMS = 32, LINE = 4096, N_MARKS = 4 };

static const size_t marks[N_MARKS] = {25, 50, 100, 200};

typedef struct {
    const char *methods[MAX_LIST], *problems[MAX_LIST], *choices[MAX_LIST];
    size_t n_methods, n_problems, n_choices;
    long seeds, concurrency, trials, distribute_from, generation;
    bool time;
} options;

typedef double function(const double *x, size_t n);

/* Either a table, or a function with its optimum. */
typedef struct {
    fr_space space;
    bool maximize;
    double *score; /* table: in mixed-radix order of the parameters */
    size_t n_scores;
    function *f;
    double optimum, median;
} problem;

static void stop(const char *what, const char *which)
{
    fprintf(stderr, "bench_search: %s %s: %s\n", what, which, fr_status_message());
    exit(EXIT_FAILURE);
}

/* ---- test functions; Surjanovic and Bingham, "Virtual library of simulation experiments" ----
 */

static double sphere(const double *x, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += (x[i] - 0.7) * (x[i] - 0.7);
    return sum;
}

static double rosenbrock(const double *x, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i + 1 < n; i++) {
        const double a = 15.0 * x[i] - 5.0, b = 15.0 * x[i + 1] - 5.0;
        sum += 100.0 * (b - a * a) * (b - a * a) + (1.0 - a) * (1.0 - a);
    }
    return sum;
}

static double rastrigin(const double *x, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double a = 10.24 * x[i] - 4.12;
        sum += a * a - 10.0 * cos(6.283185307179586 * a) + 10.0;
    }
    return sum;
}

static double ackley(const double *x, size_t n)
{
    double squares = 0.0, waves = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double a = 60.0 * x[i] - 25.0;
        squares += a * a / (double)n;
        waves += cos(6.283185307179586 * a) / (double)n;
    }
    return -20.0 * exp(-0.2 * sqrt(squares)) - exp(waves) + 20.0 + exp(1.0);
}

static double levy(const double *x, size_t n)
{
    const double pi = 3.141592653589793;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double w = 1.0 + (20.0 * x[i] - 11.0) / 4.0;
        if (i == 0) sum += sin(pi * w) * sin(pi * w);
        const double wave = i + 1 < n ? sin(pi * w + 1.0) : sin(2.0 * pi * w);
        sum += (w - 1.0) * (w - 1.0) * (1.0 + (i + 1 < n ? 10.0 : 1.0) * wave * wave);
    }
    return sum;
}

static double hartmann6(const double *x, size_t n)
{
    static const double alpha[4] = {1.0, 1.2, 3.0, 3.2};
    static const double a[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                                   {0.05, 10, 17, 0.1, 8, 14},
                                   {3, 3.5, 1.7, 10, 17, 8},
                                   {17, 8, 0.05, 10, 0.1, 14}};
    static const double p[4][6] = {{0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886},
                                   {0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991},
                                   {0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650},
                                   {0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381}};
    double sum = 0.0;
    for (size_t k = 0; k < 4; k++) {
        double distance = 0.0;
        for (size_t i = 0; i < 6 && i < n; i++)
            distance += a[k][i] * (x[i] - p[k][i]) * (x[i] - p[k][i]);
        sum -= alpha[k] * exp(-distance);
    }
    return sum;
}

static double branin(const double *x, size_t n)
{
    (void)n;
    const double a = 15.0 * x[0] - 5.0, b = 15.0 * x[1], pi = 3.141592653589793;
    const double square = b - 5.1 / (4.0 * pi * pi) * a * a + 5.0 / pi * a - 6.0;
    return square * square + 10.0 * (1.0 - 1.0 / (8.0 * pi)) * cos(a) + 10.0;
}

static const struct {
    const char *name;
    function *f;
    double optimum;
} functions[] = {{"sphere", sphere, 0.0},
                 {"rosenbrock", rosenbrock, 0.0},
                 {"rastrigin", rastrigin, 0.0},
                 {"ackley", ackley, 0.0},
                 {"levy", levy, 0.0},
                 {"hartmann6", hartmann6, -3.322368011391339},
                 {"branin", branin, 0.397887357729739}};

/* ---- problems ---- */

static void add_param(fr_space *space, const char *name, fr_param p)
{
    p.name = fr_strdup(name);
    if (fr_space_add(space, p) != FR_OK) stop("parameter", name);
}

static void add_index(problem *p, const char *name, size_t levels, bool choice)
{
    fr_param param = {.kind = FR_PARAM_INT, .high = (double)levels - 1.0, .step = 1.0};
    if (choice) {
        param.kind = FR_PARAM_CHOICE;
        param.n_choices = levels;
        param.choices = fr_alloc(levels, sizeof *param.choices);
        for (size_t i = 0; i < levels; i++) {
            char word[FR_NUMBER_SIZE];
            param.choices[i] = fr_strdup(fr_format_double((double)i, word));
        }
    }
    add_param(&p->space, name, param);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(const double *values, size_t n)
{
    double *sorted = fr_alloc(n, sizeof *sorted);
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_value);
    const double median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0;
    free(sorted);
    return median;
}

static bool starts_with_any(const char *name, const options *o)
{
    for (size_t i = 0; i < o->n_choices; i++)
        if (strncmp(name, o->choices[i], strlen(o->choices[i])) == 0) return true;
    return false;
}

/* Mean of the replicate scores of a row; the last index of each parameter is in `top` at the
 * end of the file, since rows are in mixed-radix order. */
static double read_row(char *line, size_t n_index, size_t *top)
{
    double sum = 0.0;
    size_t column = 0, n = 0;
    for (char *cell = line, *next = NULL; cell != NULL; cell = next, column++) {
        next = strchr(cell, ',');
        if (next != NULL) *next++ = '\0';
        double value;
        if (!fr_parse_double(cell, &value)) continue;
        if (column < n_index)
            top[column] = (size_t)value;
        else {
            sum += value;
            n++;
        }
    }
    return sum / (double)n;
}

static void trim(char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
}

static void read_table(const char *path, const options *o, problem *p)
{
    gzFile file = gzopen(path, "rb");
    char line[LINE], names[LINE];
    size_t top[MAX_PARAMS] = {0}, n_index = 0, capacity = 0;
    if (file == NULL || gzgets(file, names, LINE) == NULL) stop("cannot read", path);
    trim(names);
    for (const char *at = names; (at = strstr(at, "_idx")) != NULL; at++) n_index++;
    while (gzgets(file, line, LINE) != NULL) {
        trim(line);
        void *block = p->score;
        if (fr_grow(&block, &capacity, p->n_scores + 1, sizeof(double)) != FR_OK)
            stop("table", path);
        p->score = block;
        p->score[p->n_scores++] = read_row(line, n_index, top);
    }
    gzclose(file);
    char *name = strtok(names, ",");
    for (size_t j = 0; j < n_index && name != NULL; j++, name = strtok(NULL, ","))
        add_index(p, name, top[j] + 1, starts_with_any(name, o));
    if (fr_space_size(&p->space) != (double)p->n_scores) stop("not a complete grid", path);
    p->median = median_of(p->score, p->n_scores);
    p->optimum = p->score[0];
    for (size_t i = 1; i < p->n_scores; i++)
        if (p->maximize ? p->score[i] > p->optimum : p->score[i] < p->optimum)
            p->optimum = p->score[i];
}

static double evaluate(const problem *p, const double *point)
{
    if (p->f != NULL) return p->f(point, p->space.n);
    size_t index = 0;
    for (size_t j = 0; j < p->space.n; j++)
        index = index * (size_t)(p->space.params[j].high + 1.0) + (size_t)point[j];
    return p->score[index];
}

static void make_function(const char *name, const char *dims, problem *p)
{
    enum { SAMPLE = 1000 };
    const size_t n = (size_t)strtoul(dims, NULL, 10);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strncmp(name, functions[i].name, strlen(functions[i].name)) != 0) continue;
        p->f = functions[i].f;
        p->optimum = functions[i].optimum;
    }
    if (p->f == NULL || n == 0 || n > MAX_PARAMS) stop("no such problem", name);
    for (size_t j = 0; j < n; j++) {
        char label[FR_NUMBER_SIZE];
        add_param(&p->space, fr_format_double((double)j, label),
                  (fr_param){.kind = FR_PARAM_FLOAT, .high = 1.0});
    }
    double values[SAMPLE], point[MAX_PARAMS];
    fr_rng rng = fr_rng_make(1, FR_RNG_NOISE, 0, 0, 0);
    for (size_t i = 0; i < SAMPLE; i++) {
        fr_space_draw(&p->space, &rng, point);
        values[i] = evaluate(p, point);
    }
    p->median = median_of(values, SAMPLE);
}

static void open_problem(const char *text, const options *o, problem *p)
{
    *p = (problem){.maximize = strncmp(text, "max:", 4) == 0};
    const char *after = strchr(text, ':');
    if (after == NULL) stop("no such problem", text);
    if (p->maximize || strncmp(text, "min:", 4) == 0)
        read_table(after + 1, o, p);
    else
        make_function(text, after + 1, p);
}

static void close_problem(problem *p)
{
    fr_space_clear(&p->space);
    free(p->score);
}

/* ---- runs ---- */

static int method_index(const char *name)
{
    for (int m = 0; fr_search_methods[m] != NULL; m++)
        if (strcmp(fr_search_methods[m], name) == 0) return m;
    stop("no such method", name);
    return 0;
}

static double regret_log(const problem *p, double best)
{
    const double share = (best - p->optimum) / (p->median - p->optimum);
    return log10(fmax(share, 1e-6));
}

/* One study. Results arrive in order, as late as `concurrency` allows. */
static void run_study(const problem *p, const fr_search_options *so, double *at_marks)
{
    fr_search *search = NULL;
    fr_history *h = NULL;
    double point[MAX_PARAMS], best = NAN;
    if (fr_search_create(&p->space, so, NULL, 0, &search) != FR_OK ||
        fr_history_create(&p->space, 1, p->maximize, &h) != FR_OK)
        stop("study", "");
    for (int64_t t = 0; t < so->trials; t++) {
        bool found = true;
        while (h->settled < fr_search_needs(search, (uint64_t)t)) {
            fr_fold_result r = {.trial = h->settled, .state = FR_TRIAL_COMPLETE};
            r.score = evaluate(p, h->trials[h->settled].point);
            if (fr_history_add_fold(h, &r) != FR_OK) stop("result", "");
        }
        if (fr_search_suggest(search, h, point, &found) != FR_OK) stop("suggestion", "");
        if (!found) break;
        if (fr_history_add_trial(h, point) != FR_OK) stop("trial", "");
        const double score = evaluate(p, point);
        if (fr_history_better(h, score, best)) best = score;
        for (size_t m = 0; m < N_MARKS; m++)
            if ((size_t)t + 1 == marks[m]) at_marks[m] += regret_log(p, best);
    }
    fr_search_destroy(&search);
    fr_history_destroy(&h);
}

static void measure(const options *o, const char *method, double *overall)
{
    for (size_t i = 0; i < o->n_problems; i++) {
        problem p;
        double sum[N_MARKS] = {0};
        open_problem(o->problems[i], o, &p);
        const double start = fr_clock_now();
        for (long seed = 0; seed < o->seeds; seed++) {
            const fr_search_options so = {.method = method_index(method),
                                          .trials = o->trials,
                                          .seed = seed,
                                          .concurrency = o->concurrency,
                                          .distribute_from = o->distribute_from,
                                          .generation = o->generation};
            run_study(&p, &so, sum);
        }
        const double each = 1e3 * (fr_clock_now() - start) / (double)(o->seeds * o->trials);
        const char *name = strrchr(o->problems[i], '/');
        printf("%-8s %-36s", method, name != NULL ? name + 1 : o->problems[i]);
        for (size_t m = 0; m < N_MARKS && (long)marks[m] <= o->trials; m++) {
            printf(" %6.2f", sum[m] / (double)o->seeds);
            overall[m] += sum[m] / (double)o->seeds / (double)o->n_problems;
        }
        printf("   %.3f ms/trial\n", each);
        fflush(stdout);
        close_problem(&p);
    }
}

/* Cost of suggestion number n: the median of several, over a history of random points. */
static void measure_time(const options *o, const char *method)
{
    enum { DIMS = 8, REPEATS = 9 };
    problem p = {0};
    make_function("ackley", "8", &p);
    printf("%-8s", method);
    for (size_t i = 0; i < o->n_problems; i++) {
        const long n = strtol(o->problems[i], NULL, 10);
        const fr_search_options so = {.method = method_index(method),
                                      .trials = n + REPEATS,
                                      .concurrency = 1,
                                      .distribute_from = o->distribute_from,
                                      .generation = o->generation};
        fr_search *search = NULL;
        fr_history *h = NULL;
        double point[DIMS], ms[REPEATS];
        fr_rng rng = fr_rng_make(2, FR_RNG_NOISE, 0, 0, 0);
        if (fr_search_create(&p.space, &so, NULL, 0, &search) != FR_OK ||
            fr_history_create(&p.space, 1, false, &h) != FR_OK)
            stop("study", "");
        for (long t = 0; t < n + REPEATS; t++) {
            bool found;
            fr_space_draw(&p.space, &rng, point);
            const double start = fr_clock_thread_cpu();
            if (t >= n && fr_search_suggest(search, h, point, &found) != FR_OK)
                stop("suggestion", method);
            if (t >= n) ms[t - n] = 1e3 * (fr_clock_thread_cpu() - start);
            fr_fold_result r = {.trial = (uint64_t)t, .state = FR_TRIAL_COMPLETE};
            r.score = evaluate(&p, point);
            if (fr_history_add_trial(h, point) != FR_OK || fr_history_add_fold(h, &r) != FR_OK)
                stop("result", "");
        }
        printf("  n=%ld: %.3f ms (first %.0f)", n, median_of(ms + 1, REPEATS - 1), ms[0]);
        fflush(stdout);
        fr_search_destroy(&search);
        fr_history_destroy(&h);
    }
    printf("\n");
    close_problem(&p);
}

static void parse(int argc, char **argv, options *o)
{
    *o = (options){.seeds = 20, .concurrency = 1, .trials = 100, .generation = 64};
    for (int i = 1; i < argc; i++) {
        const bool more = i + 1 < argc;
        if (o->n_methods == MAX_LIST || o->n_problems == MAX_LIST || o->n_choices == MAX_LIST)
            stop("too many arguments at", argv[i]);
        if (strcmp(argv[i], "--time") == 0)
            o->time = true;
        else if (strcmp(argv[i], "--seeds") == 0 && more)
            o->seeds = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--trials") == 0 && more)
            o->trials = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--concurrency") == 0 && more)
            o->concurrency = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--distribute-from") == 0 && more)
            o->distribute_from = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--generation") == 0 && more)
            o->generation = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--method") == 0 && more)
            o->methods[o->n_methods++] = argv[++i];
        else if (strcmp(argv[i], "--choice") == 0 && more)
            o->choices[o->n_choices++] = argv[++i];
        else
            o->problems[o->n_problems++] = argv[i];
    }
}

int main(int argc, char **argv)
{
    options o;
    fr_linalg_init();
    parse(argc, argv, &o);
    for (int m = 0; o.n_methods == 0 && fr_search_methods[m] != NULL; m++)
        if (strcmp(fr_search_methods[m], "grid") != 0) o.methods[m - 1] = fr_search_methods[m];
    while (o.n_methods < MAX_LIST && o.methods[o.n_methods] != NULL) o.n_methods++;
    for (size_t m = 0; m < o.n_methods; m++) {
        double overall[N_MARKS] = {0};
        if (o.time) {
            measure_time(&o, o.methods[m]);
            continue;
        }
        measure(&o, o.methods[m], overall);
        printf("%-8s %-36s", o.methods[m], "mean");
        for (size_t k = 0; k < N_MARKS && (long)marks[k] <= o.trials; k++)
            printf(" %6.2f", overall[k]);
        printf("\n");
    }
    return EXIT_SUCCESS;
}
