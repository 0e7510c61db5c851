/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_check.c - `foldrank check`: all that can be wrong with a study before a rank trains, and
 * what it would take to run it. */
#include "check.h"
#include "cli.h"

typedef struct {
    fr_strings set;
    int64_t ranks;
    int64_t nodes;
    bool text;
} check_values;

#define FIELD(name) offsetof(check_values, name)

static const fr_cli_option options[] = {
    {.option = {.name = "set",
                .type = FR_OPTION_STRINGS,
                .offset = FIELD(set),
                .fallback = "[]",
                .help = "change a setting of the study, as search.trials=100"},
     .letter = 's',
     .value = "KEY=VALUE"},
    {.option = {.name = "ranks",
                .type = FR_OPTION_INT,
                .offset = FIELD(ranks),
                .fallback = "0",
                .low = 0,
                .high = 1e7,
                .help = "ranks of the run to come; 0: as many as this command has"},
     .letter = 'n',
     .value = "N"},
    {.option = {.name = "nodes",
                .type = FR_OPTION_INT,
                .offset = FIELD(nodes),
                .fallback = "1",
                .low = 1,
                .high = 1e6,
                .help = "nodes that they share"},
     .letter = 'N',
     .value = "N"},
    {.option = {.name = "text",
                .type = FR_OPTION_BOOL,
                .offset = FIELD(text),
                .fallback = "false",
                .help = "print the study with every default filled in, and what each key is"}},
};

static void print_text(const fr_cli *cli, const fr_study *study)
{
    fr_text text = {0};
    fr_check_text(study, &text);
    fprintf(cli->out, "%s", text.failed ? study->text : fr_text_get(&text));
    fr_text_clear(&text);
}

static fr_status check(const fr_cli *cli, void *parsed)
{
    const check_values *values = parsed;
    fr_check c = {.ranks = values->ranks > 0 ? (size_t)values->ranks : (size_t)cli->size,
                  .nodes = (size_t)values->nodes};
    fr_study *study = NULL;
    fr_status st = fr_study_load(cli->operands[0], (const char *const *)values->set.item,
                                 values->set.n, &study);
    c.study = study;
    /* Without --ranks, as many as make one group. */
    if (st == FR_OK && values->ranks == 0 && c.ranks < (size_t)study->resources.ranks_per_trial)
        c.ranks = (size_t)study->resources.ranks_per_trial;
    if (st == FR_OK) st = fr_check_open(&c);
    if (st == FR_OK && values->text) print_text(cli, study);
    if (st == FR_OK && !values->text) st = fr_check_print(&c, cli->out);
    fr_check_close(&c);
    fr_study_destroy(&study);
    return st;
}

const fr_cli_command fr_cmd_check = {
    .name = "check",
    .operands = "STUDY",
    .summary = "validate a study and its data, and say what a run would do",
    .details =
        "Finds every fault of the study file at once, with its line, then reads the data\n"
        "and makes the folds, as a run would. Prints the search space, the number of\n"
        "fits, the memory of a rank and a node, and how many ranks would have nothing\n"
        "to do. Exits with 2 when the study or the data is wrong.",
    .example = "  foldrank check jobs/digits.yaml\n"
               "  foldrank check jobs/digits.yaml -n 512 -N 4\n"
               "  foldrank check jobs/digits.yaml --set search.method=grid --text",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .values_size = sizeof(check_values),
    .run = check,
};
