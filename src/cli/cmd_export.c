/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_export.c - `foldrank export`: the model and the tables of a results file in forms that
 * other programs read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "foldrank/export.h"
#include "foldrank/log.h"
#include "foldrank/store.h"
#include "foldrank/text.h"
#include "out_file.h"
#include "show.h"
#include "with.h"

typedef struct {
    char *onnx;
    int inputs; /* fr_export_inputs */
    char *c;
    char *card;
    char *csv;
    char *json;
    char *optuna;
    int with; /* fr_with */
} export_values;

#define AT(field) .offset = offsetof(export_values, field)

static const fr_cli_option options[] = {
    {.option = {.name = "onnx",
                .type = FR_OPTION_STRING,
                AT(onnx),
                .help = "the model as ONNX, with its card beside it"},
     .value = "FILE"},
    {.option = {.name = "inputs",
                .type = FR_OPTION_WORD,
                AT(inputs),
                .fallback = "auto",
                .words = fr_export_inputs_words,
                .help = "of the ONNX model; auto: a matrix unless a column is text"},
     .value = "FORM"},
    {.option = {.name = "c",
                .type = FR_OPTION_STRING,
                AT(c),
                .help = "the model as one C header, with its card beside it"},
     .value = "FILE"},
    {.option = {.name = "card",
                .type = FR_OPTION_STRING,
                AT(card),
                .help = "the model card, Markdown, there instead"},
     .value = "FILE"},
    {.option = {.name = "csv",
                .type = FR_OPTION_STRING,
                AT(csv),
                .help = "all tables as CSV files in this directory"},
     .value = "DIR"},
    {.option = {.name = "json",
                .type = FR_OPTION_STRING,
                AT(json),
                .help = "everything but the model as one JSON object"},
     .value = "FILE"},
    {.option = {.name = "optuna",
                .type = FR_OPTION_STRING,
                AT(optuna),
                .help = "the study as a journal of Optuna (JournalFileBackend)"},
     .value = "FILE"},
    FR_WITH_OPTION(offsetof(export_values, with)),
};

/* n bytes to `path`. */
static fr_status write_bytes(const fr_cli *cli, const char *path, const void *bytes, size_t n)
{
    fr_out_file file;
    FR_TRY(fr_out_open(path, cli->out, &file));
    if (n > 0) fwrite(bytes, 1, n, file.stream);
    FR_TRY(fr_out_close(&file, FR_OK));
    if (strcmp(path, "-") != 0) fr_log(FR_LOG_INFO, "export wrote file=%s bytes=%zu", path, n);
    return FR_OK;
}

static fr_status write_text(const fr_cli *cli, const char *path, fr_status st, fr_text *text)
{
    if (st == FR_OK) st = write_bytes(cli, path, fr_text_get(text), text->length);
    fr_text_clear(text);
    return st;
}

static fr_status write_onnx(const fr_cli *cli, const export_values *values,
                            const fr_results_file *results, const fr_ensemble *together)
{
    void *bytes = NULL;
    size_t n = 0;
    fr_status st =
        fr_export_onnx(results, together, (fr_export_inputs)values->inputs, &bytes, &n);
    if (st == FR_ERR_USAGE)
        st = FR_FAIL(st, "export: --onnx %s: %s", values->onnx, fr_status_message());
    if (st == FR_OK) st = write_bytes(cli, values->onnx, bytes, n);
    free(bytes);
    return st;
}

static fr_status write_c(const fr_cli *cli, const char *path, const fr_results_file *results,
                         const fr_ensemble *together)
{
    fr_text text = {0};
    const fr_status st = fr_export_c(results, together, &text);
    return write_text(cli, path, st, &text);
}

static fr_status write_card(const fr_cli *cli, const char *path, const fr_results_file *results,
                            const fr_ensemble *together)
{
    fr_text text = {0};
    const fr_status st = fr_export_card(results, together, &text);
    return write_text(cli, path, st, &text);
}

/* The card beside the model: model.onnx and model.h both have model.card.md. */
static fr_status write_cards(const fr_cli *cli, const export_values *values,
                             const fr_results_file *results, const fr_ensemble *together)
{
    if (values->card != NULL) return write_card(cli, values->card, results, together);
    const char *models[] = {values->onnx, values->c};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        if (models[i] == NULL || strcmp(models[i], "-") == 0) continue;
        const char *name = strrchr(models[i], '/');
        const char *dot = strrchr(name == NULL ? models[i] : name, '.');
        const size_t stem = dot == NULL ? strlen(models[i]) : (size_t)(dot - models[i]);
        fr_text path = {0};
        fr_text_add(&path, "%.*s.card.md", (int)stem, models[i]);
        const fr_status st = path.failed
                                 ? FR_ERR_MEMORY
                                 : write_card(cli, fr_text_get(&path), results, together);
        fr_text_clear(&path);
        FR_TRY(st);
    }
    return FR_OK;
}

static fr_status write_table(const fr_cli *cli, const char *dir, const fr_show_table *table,
                             const fr_results_file *results)
{
    fr_text path = {0};
    fr_out_file file;
    fr_text_add(&path, "%s/%s.csv", dir, table->name);
    fr_status st =
        path.failed ? FR_ERR_MEMORY : fr_out_open(fr_text_get(&path), cli->out, &file);
    if (st == FR_OK) {
        table->write(results, file.stream);
        st = fr_out_close(&file, FR_OK);
    }
    fr_text_clear(&path);
    return st;
}

static fr_status write_tables(const fr_cli *cli, const char *dir,
                              const fr_results_file *results)
{
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return FR_FAIL(FR_ERR_IO, "cannot make the directory %s: %s", dir, strerror(errno));
    for (size_t i = 0; i < fr_show_table_count; i++)
        if (fr_show_tables[i].is_there(results))
            FR_TRY(write_table(cli, dir, &fr_show_tables[i], results));
    fr_log(FR_LOG_INFO, "export wrote dir=%s", dir);
    return FR_OK;
}

static fr_status write_json(const fr_cli *cli, const char *path, const fr_results_file *results)
{
    fr_out_file file;
    FR_TRY(fr_out_open(path, cli->out, &file));
    fr_show_whole_json(results, file.stream);
    return fr_out_close(&file, FR_OK);
}

static fr_status write_optuna(const fr_cli *cli, const char *path,
                              const fr_results_file *results)
{
    fr_out_file file;
    FR_TRY(fr_out_open(path, cli->out, &file));
    const fr_status st = fr_export_optuna(results, file.stream);
    FR_TRY(fr_out_close(&file, st));
    if (strcmp(path, "-") != 0)
        fr_log(FR_LOG_INFO, "export wrote file=%s trials=%zu", path, results->history->n);
    return FR_OK;
}

static fr_status check_values(const export_values *values)
{
    if (values->onnx == NULL && values->c == NULL && values->card == NULL &&
        values->csv == NULL && values->json == NULL && values->optuna == NULL)
        return FR_FAIL(FR_ERR_USAGE,
                       "export: what? Give --onnx, --c, --card, --csv, --json or --optuna; "
                       "see: foldrank export --help");
    if (values->onnx == NULL && values->inputs != FR_INPUTS_AUTO)
        return FR_FAIL(FR_ERR_USAGE, "export: --inputs belongs to --onnx, which is missing");
    return FR_OK;
}

static fr_status run(const fr_cli *cli, void *parsed)
{
    const export_values *values = parsed;
    fr_results_file *results = NULL;
    FR_TRY(check_values(values));
    fr_results_quiet_exit();
    const bool model = values->onnx != NULL || values->c != NULL || values->card != NULL;
    FR_TRY(fr_results_open(cli->operands[0], model || values->csv != NULL, &results));
    const fr_ensemble *together = NULL;
    fr_status st = FR_OK;
    if (model) st = fr_with_choose((fr_with)values->with, results, &together);
    if (st == FR_OK && values->onnx != NULL) st = write_onnx(cli, values, results, together);
    if (st == FR_OK && values->c != NULL) st = write_c(cli, values->c, results, together);
    if (st == FR_OK && model) st = write_cards(cli, values, results, together);
    if (st == FR_OK && values->csv != NULL) st = write_tables(cli, values->csv, results);
    if (st == FR_OK && values->json != NULL) st = write_json(cli, values->json, results);
    if (st == FR_OK && values->optuna != NULL) st = write_optuna(cli, values->optuna, results);
    fr_results_close(&results);
    return st;
}

const fr_cli_command fr_cmd_export = {
    .name = "export",
    .operands = "RESULTS",
    .summary = "write model and tables for other programs",
    .details =
        "The model goes with its preprocessing: it takes the columns as they are in the\n"
        "data and gives what `foldrank predict` gives. An ONNX model has one input X\n"
        "(rows, columns), or with text columns one input for each column by its name; one\n"
        "that counts the words of a text takes the text (and runs in onnxruntime only). A\n"
        "C header has one function and needs C's library only. Beside each comes a model card\n"
        "(.card.md): data, search, scores with intervals, limits, seeds, versions. An\n"
        "ensemble goes as one model: the weighted mean of its members.\n"
        "FILE may be - for stdout. An Optuna journal has all trials, for optuna-dashboard\n"
        "and optuna.load_study(storage=JournalStorage(JournalFileBackend(FILE))).",
    .example = "  foldrank export results/digits --onnx digits.onnx\n"
               "  foldrank export results/digits --c digits.h\n"
               "  foldrank export results/digits --csv tables --json results.json\n"
               "  foldrank export results/digits --optuna journal.log",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .values_size = sizeof(export_values),
    .run = run,
};
