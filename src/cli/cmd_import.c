/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_import.c - `foldrank import`: any data that a study can read, as one HDF5 file. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "foldrank/data.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"

typedef struct {
    char *target;
    fr_strings set;
    bool force;
} import_values;

static const fr_cli_option options[] = {
    {.option = {.name = "target",
                .type = FR_OPTION_STRING,
                .offset = offsetof(import_values, target),
                .help = "column to predict: a name, or a number from 0; -1 is the last"},
     .letter = 't',
     .value = "COLUMN"},
    {.option = {.name = "set",
                .type = FR_OPTION_STRINGS,
                .offset = offsetof(import_values, set),
                .fallback = "[]",
                .help = "a key of `data` as in a study: task=regression, test.path=FILE, "
                        "sound.rate=8000"},
     .letter = 's',
     .value = "KEY=VALUE"},
    {.option = {.name = "force",
                .type = FR_OPTION_BOOL,
                .offset = offsetof(import_values, force),
                .fallback = "false",
                .help = "replace FILE.h5 if it is there"}},
};

typedef struct {
    fr_data_options data;
    fr_test_options test;
} import_settings;

static fr_status fail_unknown(const char *key)
{
    enum { MAX_NAMES = 32 };
    const char *names[MAX_NAMES];
    size_t n = 0;
    while (n < fr_data_option_count && n < MAX_NAMES) {
        names[n] = fr_data_option_table[n].name;
        n++;
    }
    const char *near = fr_nearest(key, names, n);
    if (near != NULL)
        return FR_FAIL(FR_ERR_USAGE, "import: data has no key `%s`; did you mean `%s`?", key,
                       near);
    return FR_FAIL(FR_ERR_USAGE, "import: data has no key `%s`", key);
}

/* The row of `target` or of `sound.rate`; *values: the struct that it belongs to. */
static const fr_option *find_row(const char *key, fr_data_options *data, void **values)
{
    for (size_t i = 0; i < FR_DATA_BLOCKS; i++) {
        const fr_data_block *block = &fr_data_blocks[i];
        const size_t n = strlen(block->name);
        if (strncmp(key, block->name, n) != 0 || key[n] != '.') continue;
        *values = (char *)data + block->offset;
        return fr_option_find(block->table, block->n, key + n + 1);
    }
    *values = data;
    return fr_option_find(fr_data_option_table, fr_data_option_count, key);
}

/* One KEY=VALUE. A fraction of test rows is drawn by the study, not by the data. */
static fr_status apply_setting(const char *text, import_settings *settings)
{
    char key[64];
    const char *equals = strchr(text, '=');
    if (equals == NULL || (size_t)(equals - text) >= sizeof key)
        return FR_FAIL(FR_ERR_USAGE, "import: --set %s is not KEY=VALUE", text);
    memcpy(key, text, (size_t)(equals - text));
    key[equals - text] = '\0';
    const bool test = strncmp(key, "test.", 5) == 0;
    void *values = &settings->data;
    const fr_option *row =
        test ? fr_option_find(fr_test_option_table, fr_test_option_count, key + 5)
             : find_row(key, &settings->data, &values);
    if (row == NULL) return fail_unknown(key);
    if (test && (row->type == FR_OPTION_DOUBLE || row->type == FR_OPTION_INT))
        return FR_FAIL(FR_ERR_USAGE,
                       "import: %s belongs to a study, which draws test rows by it", key);
    if (fr_option_set(row, equals + 1, test ? &settings->test : values) != FR_OK)
        return FR_FAIL(FR_ERR_USAGE, "import: --set %s: %s", key, fr_status_message());
    return FR_OK;
}

static fr_status take_settings(const fr_cli *cli, const import_values *values,
                               import_settings *settings)
{
    FR_TRY(fr_data_options_defaults(&settings->data));
    FR_TRY(fr_option_defaults(fr_test_option_table, fr_test_option_count, &settings->test));
    for (size_t i = 0; i < values->set.n; i++)
        FR_TRY(apply_setting(values->set.item[i], settings));
    free(settings->data.path);
    if ((settings->data.path = fr_strdup(cli->operands[0])) == NULL) return FR_ERR_MEMORY;
    if (values->target != NULL) {
        free(settings->data.target);
        settings->data.target = fr_strdup(values->target);
        if (settings->data.target == NULL) return FR_ERR_MEMORY;
    }
    if (!values->force && access(cli->operands[1], F_OK) == 0)
        return FR_FAIL(FR_ERR_USAGE, "import: %s is there already; --force replaces it",
                       cli->operands[1]);
    return FR_OK;
}

static void print_result(const fr_cli *cli, const fr_dataset *set)
{
    static const char *const cells[] = {"bytes", "16-bit integers", "32-bit floats"};
    const fr_schema *schema = &set->schema;
    const char *path = cli->operands[1];
    struct stat about = {0};
    char size[FR_NUMBER_SIZE];
    size_t categorical = 0;
    for (size_t c = 0; c < schema->cols; c++)
        categorical += schema->columns[c].kind == FR_COLUMN_CATEGORICAL;
    if (stat(path, &about) != 0) about.st_size = 0;
    fprintf(cli->out, "%s: %zu rows x %zu columns (%zu categorical) of %s, %s\n", path,
            schema->rows, schema->cols, categorical, cells[schema->cell],
            fr_format_bytes((double)about.st_size, size));
    if (schema->learn == FR_LEARN_CLASSIFICATION)
        fprintf(cli->out, "target %s: %zu classes\n", schema->target_name, schema->n_classes);
    else
        fprintf(cli->out, "target %s: a number\n", schema->target_name);
    fprintf(cli->out, "In a study: data: {path: %s", path);
    if (schema->learn == FR_LEARN_REGRESSION) fprintf(cli->out, ", task: regression");
    if (set->group != NULL) fprintf(cli->out, ", group: group");
    if (set->fold != NULL) fprintf(cli->out, ", fold: fold");
    if (set->time != NULL) fprintf(cli->out, ", time: time");
    if (set->weight != NULL) fprintf(cli->out, ", weight: weight");
    if (set->test_mark != NULL || schema->test_rows > 0)
        fprintf(cli->out, ", test: {column: test}");
    fprintf(cli->out, "}\n");
}

static fr_status import(const fr_cli *cli, void *values)
{
    import_settings settings = {0};
    fr_dataset set = {0};
    void *block = NULL;
    fr_status st = take_settings(cli, values, &settings);
    if (st == FR_OK) st = fr_dataset_read(&settings.data, &settings.test, &block, &set);
    if (st == FR_OK) st = fr_dataset_write_hdf5(&set, cli->operands[1]);
    if (st == FR_OK) print_result(cli, &set);
    fr_dataset_clear(&set);
    free(block);
    fr_data_options_clear(&settings.data);
    fr_option_clear(fr_test_option_table, fr_test_option_count, &settings.test);
    return st;
}

const fr_cli_command fr_cmd_import = {
    .name = "import",
    .operands = "DATA FILE.h5",
    .summary = "read data in any format and write them as HDF5",
    .details =
        "HDF5 is read many times faster than text, and by Python, Julia and MATLAB too.\n"
        "Kinds of columns, names of levels and classes, groups, folds, weights and\n"
        "the test part of DATA go along.",
    .example = "foldrank import data/hpc_data.csv.gz hpc.h5 --target class\n"
               "foldrank import power.txt power.h5 -t -1 --set task=regression",
    .min_operands = 2,
    .max_operands = 2,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .values_size = sizeof(import_values),
    .run = import,
};
