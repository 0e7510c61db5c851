/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_bench.c - `foldrank bench`: what this machine can do, and what foldrank makes of it. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "foldrank/clock.h"
#include "foldrank/linalg.h"
#include "foldrank/text.h"
#include "foldrank/train.h"

typedef struct {
    double seconds;
} bench_values;

#define FIELD(name) offsetof(bench_values, name)

static const fr_cli_option options[] = {
    {.option = {.name = "seconds",
                .type = FR_OPTION_DURATION,
                .offset = FIELD(seconds),
                .fallback = "10s",
                .low = 0.1,
                .high = 3600,
                .help = "time to measure, in all"},
     .letter = 's',
     .value = "TIME"},
};

/* Empty tasks that are sent through the scheduler. */
enum { DISPATCH_TASKS = 100000 };

/* Sum over the ranks, on root. Collective. */
static fr_status sum(const fr_cli *cli, double mine, double *total)
{
    FR_MPI(MPI_Reduce(&mine, total, 1, MPI_DOUBLE, MPI_SUM, 0, cli->comm));
    return FR_OK;
}

static void print_kernels(const fr_cli *cli)
{
    const char *best = NULL;
    const bool low = fr_linalg_kernel_is_low(&best);
    fprintf(cli->out, "ranks                     %d\n", cli->size);
    fprintf(cli->out, "BLAS kernels              %s", fr_linalg_kernel_name());
    if (low)
        fprintf(cli->out, ", but this processor can do %s: is OPENBLAS_CORETYPE set?", best);
    fprintf(cli->out, "\nown kernels               %s\n", fr_gemm_kernel_name());
}

/* All ranks at once, as in a run: they share caches, memory and clock rate. */
static fr_status bench_arithmetic(const fr_cli *cli, double seconds)
{
    fr_training_rate rates[FR_TRAINING_RATES];
    double peak = 0.0, total = 0.0;
    FR_MPI(MPI_Barrier(cli->comm));
    peak = fr_linalg_peak_gflops(seconds);
    FR_TRY(sum(cli, peak, &total));
    if (cli->rank == 0)
        fprintf(cli->out, "best sgemm, 1 thread      %.1f GFLOP/s, all ranks %.1f\n", peak,
                total);
    FR_MPI(MPI_Barrier(cli->comm));
    FR_TRY(fr_agree(cli->comm, fr_bench_training(seconds, rates)));
    for (size_t i = 0; cli->rank == 0 && i < FR_TRAINING_RATES; i++)
        fprintf(cli->out, "training %s: %.1f GFLOP/s, %.0f %% of sgemm, %.0f samples/s\n",
                rates[i].name, rates[i].gflops, 100.0 * rates[i].gflops / peak,
                rates[i].samples_per_second);
    return FR_OK;
}

static void remove_directory(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.') unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    rmdir(path);
}

/* A directory of its own for the study, made by root. Collective. */
static fr_status make_directory(const fr_cli *cli, char *path, size_t size)
{
    const char *parent = getenv("TMPDIR");
    fr_status st = FR_OK;
    if (cli->rank == 0) {
        const int length = snprintf(path, size, "%s/foldrank-bench-XXXXXX",
                                    parent != NULL && parent[0] != '\0' ? parent : "/tmp");
        if (length < 0 || (size_t)length >= size || mkdtemp(path) == NULL)
            st = FR_FAIL(FR_ERR_IO,
                         "cannot make the directory %s; set TMPDIR to one that can "
                         "be written",
                         path);
    }
    FR_TRY(fr_agree(cli->comm, st));
    FR_MPI(MPI_Bcast(path, (int)size, MPI_CHAR, 0, cli->comm));
    return FR_OK;
}

static fr_status make_study(const fr_cli *cli, const char *directory, fr_study **study)
{
    fr_text text = {0};
    fr_text_add(&text,
                "study: bench\n"
                "objective: {type: function, function: sphere, direction: minimize,\n"
                "            parameters: {x: {float: [-1, 1]}, y: {float: [-1, 1]}}}\n"
                "search: {method: random, trials: %d}\n"
                "output: %s\n",
                DISPATCH_TASKS, directory);
    fr_status st = text.failed ? FR_FAIL(FR_ERR_MEMORY, "out of memory for a study")
                               : fr_study_parse(fr_text_get(&text), "bench", NULL, 0, study);
    fr_text_clear(&text);
    return fr_agree(cli->comm, st);
}

static fr_status bench_dispatch(const fr_cli *cli)
{
    char directory[512] = "";
    fr_study *study = NULL;
    fr_run_report report = {0};
    const fr_run_options run_options = {.job_left_s = INFINITY,
                                        .log_every_s = 1e9,
                                        .command = cli->typed,
                                        .started = fr_clock_now()};
    FR_TRY(make_directory(cli, directory, sizeof directory));
    fr_status st = make_study(cli, directory, &study);
    if (st == FR_OK) st = fr_run(cli->comm, study, &run_options, &report);
    if (st == FR_OK && cli->rank == 0)
        fprintf(cli->out, "empty tasks dispatched    %.0f/s, root's share %.1f us each\n",
                DISPATCH_TASKS / report.wall_s, 1e6 * report.coordinating_s / DISPATCH_TASKS);
    fr_run_report_clear(&report);
    fr_study_destroy(&study);
    if (cli->rank == 0) remove_directory(directory);
    return st;
}

static fr_status bench(const fr_cli *cli, void *parsed)
{
    const bench_values *values = parsed;
    if (cli->n_operands > 0)
        return FR_FAIL(FR_ERR_USAGE,
                       "bench: there is no part '%s'; there are: schedule, search",
                       cli->operands[0]);
    if (cli->rank == 0) print_kernels(cli);
    FR_TRY(bench_arithmetic(cli, values->seconds / (1 + FR_TRAINING_RATES)));
    return bench_dispatch(cli);
}

const fr_cli_command fr_cmd_bench = {
    .name = "bench",
    .operands = "[schedule|search]",
    .summary = "measure the machine, and what training reaches of it",
    .details = "Names the kernels in use, measures the best matrix product of the BLAS, what\n"
               "training two networks reaches of it on one thread, and how many empty tasks a\n"
               "second the scheduler hands out. All ranks measure at once.\n\n"
               "foldrank bench schedule and foldrank bench search are commands of their own.",
    .example = "  foldrank bench --seconds 30\n"
               "  mpirun -n 4 foldrank bench",
    .max_operands = 1,
    .parallel = true,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .values_size = sizeof(bench_values),
    .run = bench,
};
