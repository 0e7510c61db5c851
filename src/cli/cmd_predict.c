/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_predict.c - `foldrank predict`: new rows through the selected model. */
#include <errno.h>
#include <math.h>
#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "foldrank/schedule.h"
#include "foldrank/store.h"
#include "foldrank/text.h"
#include "out_file.h"
#include "predict.h"
#include "with.h"

typedef struct {
    char *output;
    char *format;
    char *labels;
    int with;
} predict_values;

static const fr_cli_option options[] = {
    {.option = {.name = "output",
                .type = FR_OPTION_STRING,
                .offset = offsetof(predict_values, output),
                .help = "write there: CSV, or HDF5 when it ends in .h5; not said: stdout"},
     .letter = 'o',
     .value = "FILE"},
    {.option = {.name = "format",
                .type = FR_OPTION_STRING,
                .offset = offsetof(predict_values, format),
                .help = "of DATA: auto, csv, jsonl, hdf5, idx, npy, svmlight"},
     .letter = 'f',
     .value = "FORMAT"},
    {.option = {.name = "labels",
                .type = FR_OPTION_STRING,
                .offset = offsetof(predict_values, labels),
                .help = "file with the true targets, for idx and npy"},
     .letter = 'l',
     .value = "FILE"},
    FR_WITH_OPTION(offsetof(predict_values, with)),
};

static bool is_hdf5(const char *path)
{
    const size_t n = path == NULL ? 0 : strlen(path);
    return (n > 3 && strcmp(path + n - 3, ".h5") == 0) ||
           (n > 5 && strcmp(path + n - 5, ".hdf5") == 0);
}

/* Root's models on every rank; the copies are the caller's. Collective. */
static fr_status share_models(const fr_cli *cli, const fr_ensemble *mine, fr_ensemble *copy)
{
    fr_pack pack = {0};
    if (cli->rank == 0) fr_ensemble_pack(mine, &pack);
    fr_status st = fr_broadcast_pack(cli->comm, &pack);
    if (st == FR_OK && cli->rank != 0) {
        fr_unpack in = fr_unpack_make(pack.data, pack.size);
        st = fr_ensemble_unpack(&in, copy);
    }
    if (st != FR_ERR_MPI) st = fr_agree(cli->comm, st);
    fr_pack_clear(&pack);
    return st;
}

/* Without OMP_NUM_THREADS every rank would take all cores it may run on. A launcher may bind
 * each to cores of its own: the node's are their union, as for training. */
static fr_status set_threads(const fr_cli *cli)
{
    cpu_set_t mine, all;
    MPI_Comm node = MPI_COMM_NULL;
    int n = 1;
    if (getenv("OMP_NUM_THREADS") != NULL) return FR_OK;
    FR_MPI(MPI_Comm_split_type(cli->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
    FR_MPI(MPI_Comm_size(node, &n));
    CPU_ZERO(&mine);
    if (sched_getaffinity(0, sizeof mine, &mine) != 0) CPU_SET(0, &mine);
    FR_MPI(MPI_Allreduce(&mine, &all, (int)sizeof mine, MPI_BYTE, MPI_BOR, node));
    FR_MPI(MPI_Comm_free(&node));
    const int share = CPU_COUNT(&all) / n;
    omp_set_num_threads(share > 1 ? share : 1);
    return FR_OK;
}

/* The study's settings, but for what names its own file. */
static fr_status open_data(const fr_cli *cli, const predict_values *values,
                           const fr_results_file *results, fr_source **out)
{
    fr_data_options data = results->study->data;
    data.path = cli->operands[1];
    data.labels = values->labels;
    data.format = 0;
    if (values->format != NULL) {
        const fr_option *row =
            fr_option_find(fr_data_option_table, fr_data_option_count, "format");
        if (fr_option_set(row, values->format, &data) != FR_OK)
            return FR_FAIL(FR_ERR_USAGE, "predict: --format: %s", fr_status_message());
    }
    return fr_source_open_like(&data, &results->model.schema, out);
}

/* On root: model and data, both checked before any other rank works. */
static fr_status open_all(const fr_cli *cli, const predict_values *values,
                          fr_results_file **results, const fr_ensemble **together,
                          fr_source **source)
{
    FR_TRY(fr_results_open(cli->operands[0], true, results));
    if (!(*results)->has_model)
        return FR_FAIL(FR_ERR_STATE, "%s: there is no model in it: %s", (*results)->path,
                       (*results)->study->objective.type == FR_OBJECTIVE_TRAINING
                           ? "the search is not over; `foldrank run` goes on with it"
                           : "its study trains nothing");
    FR_TRY(fr_with_choose((fr_with)values->with, *results, together));
    return open_data(cli, values, *results, source);
}

/* The score below is no test of the model when it was trained on the same file. */
static void warn_of_training_rows(const fr_cli *cli, const fr_results_file *results)
{
    char *here = realpath(cli->operands[1], NULL);
    char *there = realpath(results->study->data.path, NULL);
    if (here != NULL && there != NULL && strcmp(here, there) == 0)
        fr_log(FR_LOG_WARN,
               "predict %s is the file that the model was trained on: the honest figure is the "
               "test score that `foldrank show` prints",
               cli->operands[1]);
    free(here);
    free(there);
}

/* The rows whose target is known, moved to the front of y and row (rows) and of `known`, which
 * has n_outputs numbers for each. Returns how many. */
static size_t take_known(const fr_dataset *dataset, const float *outputs, size_t n_outputs,
                         float *y, float *known, uint32_t *row)
{
    size_t n = 0;
    for (size_t i = 0; i < dataset->schema.rows; i++) {
        const bool unknown_class = dataset->schema.learn == FR_LEARN_CLASSIFICATION &&
                                   !(dataset->y[i] >= 0 && dataset->y[i] < (float)n_outputs);
        if (isnan(dataset->y[i]) || unknown_class) continue;
        memcpy(known + n * n_outputs, outputs + i * n_outputs, n_outputs * sizeof *known);
        row[n] = (uint32_t)i;
        y[n++] = dataset->y[i];
    }
    return n;
}

/* The metrics of the study over the rows whose target is known. */
static fr_status report_score(const fr_cli *cli, const fr_results_file *results,
                              const fr_predict_job *job, const float *outputs, bool to_stdout)
{
    const fr_study *study = results->study;
    const fr_dataset *dataset = job->dataset;
    const fr_calibration *calibration = &job->model->calibration;
    const size_t n_outputs = results->model.n_outputs, rows = dataset->schema.rows;
    float *y = fr_alloc(rows, sizeof *y);
    float *known = fr_alloc(rows, n_outputs * sizeof *known);
    uint32_t *row = fr_alloc(rows, sizeof *row);
    fr_status st = y == NULL || known == NULL || row == NULL ? FR_ERR_MEMORY : FR_OK;
    const size_t n = st == FR_OK ? take_known(dataset, outputs, n_outputs, y, known, row) : 0;
    const fr_metric_rows all = {.y = y,
                                .output = known,
                                .n = n,
                                .n_outputs = n_outputs,
                                .dataset = dataset,
                                .row = row};
    if (st == FR_OK && n < rows)
        fr_log(FR_LOG_WARN,
               "predict unscored=%zu: rows without a target, or with a class that the model "
               "does not know",
               rows - n);
    if (n > 0) warn_of_training_rows(cli, results);
    for (size_t k = 0; st == FR_OK && n > 0 && k < study->n_goals; k++) {
        double score = NAN;
        if (study->goals[k].kind != FR_GOAL_METRIC) continue;
        if (fr_metric_ranks(study->goals[k].metric) && !dataset->schema.has_user) {
            fr_log(FR_LOG_WARN,
                   "predict metric=%s is not taken: whose the rows are is told by data.group, "
                   "which is no feature; name the column in data.user if it is to be one",
                   study->goals[k].name);
            continue;
        }
        st = fr_calibration_score_rows(calibration, study->goals[k].metric, &all, &score);
        if (st == FR_OK && to_stdout)
            fprintf(cli->out, "%s %.6g on %zu rows\n", study->goals[k].name, score, n);
        else if (st == FR_OK)
            fr_log(FR_LOG_INFO, "predict scored %s=%.6g rows=%zu", study->goals[k].name, score,
                   n);
    }
    free(y);
    free(known);
    free(row);
    return st;
}

static fr_status predict_to_stdout(const fr_cli *cli, const fr_predict_job *job,
                                   float **outputs)
{
    FR_TRY(fr_predict_rows(job, cli->out, outputs));
    const bool bad = cli->rank == 0 && (fflush(cli->out) != 0 || ferror(cli->out));
    return fr_agree(cli->comm, bad ? FR_FAIL(FR_ERR_IO, "cannot write to standard output: %s",
                                             strerror(errno))
                                   : FR_OK);
}

static fr_status predict_to_csv(const fr_cli *cli, const fr_predict_job *job, const char *path,
                                float **outputs)
{
    fr_out_file file = {0};
    fr_status st =
        fr_agree(cli->comm, cli->rank == 0 ? fr_out_open(path, cli->out, &file) : FR_OK);
    if (st != FR_OK) return st;
    st = fr_predict_rows(job, file.stream, outputs);
    if (cli->rank == 0) st = fr_out_close(&file, st);
    return st == FR_ERR_MPI ? st : fr_agree(cli->comm, st);
}

static fr_status predict_to_hdf5(const fr_cli *cli, const fr_predict_job *job, const char *path,
                                 float **outputs)
{
    FR_TRY(fr_predict_rows(job, NULL, outputs));
    const fr_predictions predictions = {
        .model = job->model, .outputs = *outputs, .rows = job->dataset->schema.rows};
    return fr_agree(cli->comm,
                    cli->rank == 0 ? fr_predictions_write(path, &predictions) : FR_OK);
}

static fr_status predict(const fr_cli *cli, const predict_values *values,
                         const fr_results_file *results, const fr_predict_job *job)
{
    float *outputs = NULL;
    fr_status st = values->output == NULL ? predict_to_stdout(cli, job, &outputs)
                   : is_hdf5(values->output)
                       ? predict_to_hdf5(cli, job, values->output, &outputs)
                       : predict_to_csv(cli, job, values->output, &outputs);
    if (st == FR_OK) {
        if (cli->rank == 0 && job->dataset->y != NULL)
            st = report_score(cli, results, job, outputs, values->output != NULL);
        st = fr_agree(cli->comm, st);
    }
    free(outputs);
    return st;
}

static fr_status predict_data(const fr_cli *cli, const predict_values *values,
                              const fr_results_file *results, const fr_ensemble *ensemble,
                              const fr_dataset *dataset)
{
    const bool hdf5 = is_hdf5(values->output);
    const fr_predict_job job = {.comm = cli->comm,
                                .rank = cli->rank,
                                .size = cli->size,
                                .ensemble = ensemble,
                                .model = &ensemble->member[0].model,
                                .dataset = dataset,
                                .want_csv = !hdf5,
                                .want_outputs = hdf5 || dataset->y != NULL};
    return predict(cli, values, results, &job);
}

static fr_status run(const fr_cli *cli, void *v)
{
    const predict_values *values = v;
    fr_results_file *results = NULL;
    fr_source *source = NULL;
    fr_shared_data *shared = NULL;
    fr_ensemble_member alone = {.weight = 1.0};
    fr_ensemble copy = {0}, one = {.n = 1, .member = &alone};
    const fr_ensemble *ensemble = &copy, *together = NULL;
    fr_results_quiet_exit();
    fr_status st =
        fr_agree(cli->comm,
                 cli->rank == 0 ? open_all(cli, values, &results, &together, &source) : FR_OK);
    if (st == FR_OK) st = set_threads(cli);
    if (st == FR_OK && cli->rank == 0) {
        alone.model = results->model; /* borrowed */
        ensemble = together != NULL ? together : &one;
    }
    if (st == FR_OK) st = share_models(cli, ensemble, &copy);
    if (st == FR_OK) st = fr_shared_data_create(cli->comm, source, NULL, &shared);
    if (st == FR_OK)
        st = predict_data(cli, values, results, ensemble, fr_shared_data_get(shared));
    fr_shared_data_destroy(&shared);
    fr_source_close(&source);
    fr_results_close(&results);
    fr_ensemble_clear(&copy);
    return st;
}

const fr_cli_command fr_cmd_predict = {
    .name = "predict",
    .operands = "RESULTS DATA",
    .summary = "predict new rows with the selected model, or with the ensemble",
    .details = "Columns of DATA are matched by name to those of the training data; others are\n"
               "ignored, a missing one is an error, a category that the training data did not\n"
               "have counts as missing. Classes come with the probability of each. When DATA\n"
               "has the target too, the score is printed as well. A study with an ensemble\n"
               "predicts by the weighted mean of its models where that scored better than the\n"
               "best trial, on folds that had no part in the choice; --with says otherwise.",
    .example = "  foldrank predict results/digits new.csv -o predicted.csv\n"
               "  mpirun -n 8 foldrank predict results/digits new.h5 -o predicted.h5",
    .min_operands = 2,
    .max_operands = 2,
    .parallel = true,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .values_size = sizeof(predict_values),
    .run = run,
};
