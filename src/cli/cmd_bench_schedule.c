/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_bench_schedule.c - `foldrank bench schedule`: what the scheduler would make of a machine
 * that is not here. */
#include "cli.h"
#include "foldrank/simulate.h"
#include "foldrank/text.h"

typedef struct {
    int64_t ranks, folds, tasks_per_rank, concurrency;
    double task_s, spread, latency_s;
    char *method;
} schedule_values;

#define FIELD(name) offsetof(schedule_values, name)

static const fr_cli_option options[] = {
    {.option = {.name = "ranks",
                .type = FR_OPTION_INT,
                .offset = FIELD(ranks),
                .fallback = "1000",
                .low = 1,
                .high = 1e6,
                .help = "ranks"},
     .letter = 'n',
     .value = "N"},
    {.option = {.name = "task-seconds",
                .type = FR_OPTION_DOUBLE,
                .offset = FIELD(task_s),
                .fallback = "1",
                .low = 1e-6,
                .high = 1e6,
                .help = "mean time of a task"},
     .value = "S"},
    {.option = {.name = "spread",
                .type = FR_OPTION_DOUBLE,
                .offset = FIELD(spread),
                .fallback = "0.3",
                .low = 0,
                .high = 1,
                .open_high = true,
                .help = "tasks take from 1 - X to 1 + X times that"},
     .value = "X"},
    {.option = {.name = "method",
                .type = FR_OPTION_STRING,
                .offset = FIELD(method),
                .fallback = "random",
                .help = "search.method"},
     .value = "NAME"},
    {.option = {.name = "folds",
                .type = FR_OPTION_INT,
                .offset = FIELD(folds),
                .fallback = "5",
                .low = 1,
                .high = 1000,
                .help = "tasks of a trial"},
     .value = "N"},
    {.option = {.name = "tasks-per-rank",
                .type = FR_OPTION_INT,
                .offset = FIELD(tasks_per_rank),
                .fallback = "30",
                .low = 1,
                .high = 1e6,
                .help = "how long it lasts"},
     .value = "N"},
    {.option = {.name = "concurrency",
                .type = FR_OPTION_INT,
                .offset = FIELD(concurrency),
                .fallback = "0",
                .low = 0,
                .high = 1e9,
                .help = "search.concurrency; 0: twice what occupies all ranks"},
     .value = "N"},
    {.option = {.name = "latency",
                .type = FR_OPTION_DOUBLE,
                .offset = FIELD(latency_s),
                .fallback = "5e-6",
                .low = 0,
                .high = 10,
                .help = "of a message [s]"},
     .value = "S"},
};

/* Trials in flight: twice what keeps all ranks at work, so that stragglers hold nobody up. */
static int64_t concurrency_of(const schedule_values *v)
{
    const int64_t enough = (2 * v->ranks + v->folds - 1) / v->folds;
    return v->concurrency > 0 ? v->concurrency : enough > 2 ? enough : 2;
}

static int64_t trials_of(const schedule_values *v)
{
    const int64_t trials = v->ranks * v->tasks_per_rank / v->folds;
    return trials > 0 ? trials : 1;
}

/* Five parameters of the kinds that a study has. */
static fr_status make_study(const schedule_values *v, fr_study **study)
{
    fr_text text = {0};
    fr_text_add(
        &text,
        "study: bench\n"
        "objective: {type: function, function: mixed, direction: minimize,\n"
        "  parameters: {a: {log: [1.0e-5, 1.0]}, b: {float: [0, 1]}, c: {float: [0, 1]},\n"
        "               d: {int: [1, 100]}, e: {choice: [u, v, w]}}}\n"
        "search: {method: %s, trials: %lld, concurrency: %lld}\n"
        "output: unused\n",
        v->method, (long long)trials_of(v), (long long)concurrency_of(v));
    fr_status st = text.failed ? FR_FAIL(FR_ERR_MEMORY, "out of memory for a study")
                               : fr_study_parse(fr_text_get(&text), "bench", NULL, 0, study);
    fr_text_clear(&text);
    return st;
}

static void print(const fr_cli *cli, const schedule_values *v, const fr_simulation *s)
{
    FILE *out = cli->out;
    fprintf(out,
            "simulated                 %lld ranks, tasks of %.6g s +- %.0f %%, %lld folds\n",
            (long long)v->ranks, v->task_s, 100.0 * v->spread, (long long)v->folds);
    fprintf(out, "search                    %s, %lld trials, %lld in flight\n", v->method,
            (long long)trials_of(v), (long long)concurrency_of(v));
    fprintf(out, "tasks                     %llu in %.1f s, %.0f a second, %llu messages\n",
            (unsigned long long)s->tasks, s->wall_s, (double)s->tasks / s->wall_s,
            (unsigned long long)s->messages);
    fprintf(out,
            "ranks at work             %.2f %% while there was work to hand out (%.1f s)\n",
            100.0 * s->busy_in_plenty, s->plenty_s);
    fprintf(out, "                          %.2f %% with the end, when work runs out\n",
            100.0 * s->busy_share);
    fprintf(out, "root's main thread        %.1f %% at work, %.1f %% in suggestions\n",
            100.0 * s->root_share, 100.0 * s->suggest_share);
    fprintf(out, "messages at a look        %.1f on average, %.0f at most\n", s->queue_mean,
            s->queue_most);
    fprintf(out, "from arrival to filed     %.2f ms on average, %.1f ms at most\n",
            1e3 * s->wait_mean_s, 1e3 * s->wait_most_s);
}

static fr_status bench_schedule(const fr_cli *cli, void *parsed)
{
    const schedule_values *v = parsed;
    fr_study *study = NULL;
    fr_simulation result;
    FR_TRY(make_study(v, &study));
    const fr_simulation_options simulation = {.study = study,
                                              .folds = (uint32_t)v->folds,
                                              .epochs = 30,
                                              .ranks = (size_t)v->ranks,
                                              .task_s = v->task_s,
                                              .spread = v->spread,
                                              .latency_s = v->latency_s,
                                              .bytes_per_second = 1e9};
    const fr_status st = fr_simulate(&simulation, &result);
    if (st == FR_OK) print(cli, v, &result);
    fr_study_destroy(&study);
    return st;
}

const fr_cli_command fr_cmd_bench_schedule = {
    .name = "bench schedule",
    .operands = "",
    .summary = "measure the scheduler on ranks that are not there",
    .details = "Root's part of the program runs and takes its time; ranks, tasks and messages\n"
               "are simulated.",
    .example = "  foldrank bench schedule --ranks 10000 --task-seconds 1 --method tpe",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .values_size = sizeof(schedule_values),
    .run = bench_schedule,
};
