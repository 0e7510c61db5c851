/* SPDX-License-Identifier: BSD-3-Clause */
/* options.c - arguments to values and help pages, both from a command's table. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};

static const fr_cli_option common_table[] = {
    {.option = {.name = "log-level",
                .type = FR_OPTION_WORD,
                .offset = offsetof(fr_cli_common, log_level),
                .fallback = "info",
                .words = log_levels,
                .help = "how much to log on stderr"},
     .value = "LEVEL"},
    {.option = {.name = "help",
                .type = FR_OPTION_BOOL,
                .offset = offsetof(fr_cli_common, help),
                .fallback = "false",
                .help = "show this page"},
     .letter = 'h'},
};
enum { N_COMMON = sizeof common_table / sizeof common_table[0] };

/* Row number i of the command's own rows followed by the common ones; NULL after the last. */
static const fr_cli_option *row_at(const fr_cli_command *command, size_t i)
{
    if (i < command->n_options) return &command->options[i];
    i -= command->n_options;
    return i < N_COMMON ? &common_table[i] : NULL;
}

static bool is_common(const fr_cli_option *row)
{
    return row >= common_table && row < common_table + N_COMMON;
}

static const fr_cli_option *find_row(const fr_cli_command *command, const char *name,
                                     size_t length)
{
    const fr_cli_option *row = NULL;
    for (size_t i = 0; (row = row_at(command, i)) != NULL; i++)
        if (strlen(row->option.name) == length && strncmp(row->option.name, name, length) == 0)
            return row;
    return NULL;
}

static const fr_cli_option *find_letter(const fr_cli_command *command, char letter)
{
    const fr_cli_option *row = NULL;
    for (size_t i = 0; (row = row_at(command, i)) != NULL; i++)
        if (row->letter == letter) return row;
    return NULL;
}

static fr_status fail_unknown(const fr_cli_command *command, const char *argument)
{
    enum { MAX_NAMES = 64 };
    const char *names[MAX_NAMES];
    size_t n = 0;
    const fr_cli_option *row = NULL;
    while (n < MAX_NAMES && (row = row_at(command, n)) != NULL) names[n++] = row->option.name;
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(argument, "="), argument);
    const char *nearest = fr_nearest(word + strspn(word, "-"), names, n);
    if (nearest != NULL)
        return FR_FAIL(FR_ERR_USAGE, "%s: there is no option %s; did you mean --%s?",
                       command->name, word, nearest);
    return FR_FAIL(FR_ERR_USAGE, "%s: there is no option %s; see: foldrank %s --help",
                   command->name, word, command->name);
}

/* The row that `argument` names, and the value glued to it (--name=value, -xvalue) or NULL. */
static fr_status find_option(const fr_cli_command *command, const char *argument,
                             const fr_cli_option **row, const char **glued)
{
    *glued = NULL;
    if (argument[1] == '-') {
        const char *name = argument + 2;
        const size_t length = strcspn(name, "=");
        *row = find_row(command, name, length);
        if (name[length] == '=') *glued = name + length + 1;
    } else {
        *row = find_letter(command, argument[1]);
        if (argument[2] != '\0') *glued = argument + 2;
    }
    if (*row == NULL) return fail_unknown(command, argument);
    if ((*row)->option.type == FR_OPTION_BOOL && *glued != NULL)
        return FR_FAIL(FR_ERR_USAGE, "%s: --%s takes no value, but got '%s'", command->name,
                       (*row)->option.name, *glued);
    return FR_OK;
}

static fr_status store_value(const fr_cli_command *command, const fr_cli_option *row,
                             const char *text, fr_cli_arguments *out)
{
    const fr_option *option = &row->option;
    void *values = is_common(row) ? (void *)&out->common : out->values;
    fr_status st = FR_OK;
    if (option->type == FR_OPTION_STRINGS)
        st = fr_strings_add((fr_strings *)(void *)((char *)values + option->offset), text);
    else
        st = fr_option_set(option, text, values);
    if (st == FR_ERR_USAGE)
        st = FR_FAIL(st, "%s: --%s: %s", command->name, option->name, fr_status_message());
    return st;
}

/* Take the option at argv[*i] with its value, and leave *i at the last argument used. */
static fr_status take_option(const fr_cli_command *command, int argc, char **argv, int *i,
                             fr_cli_arguments *out)
{
    const fr_cli_option *row = NULL;
    const char *text = NULL;
    FR_TRY(find_option(command, argv[*i], &row, &text));
    if (row->option.type == FR_OPTION_BOOL) {
        text = "true";
    } else if (text == NULL) {
        if (*i + 1 == argc)
            return FR_FAIL(FR_ERR_USAGE, "%s: a value is missing after %s; usage: --%s %s",
                           command->name, argv[*i], row->option.name, row->value);
        text = argv[++*i];
    }
    return store_value(command, row, text, out);
}

static fr_status check_operands(const fr_cli_command *command, const fr_cli_arguments *given)
{
    if (given->n_operands < command->min_operands)
        return FR_FAIL(FR_ERR_USAGE, "%s: an argument is missing; usage: foldrank %s %s",
                       command->name, command->name, command->operands);
    if (given->n_operands > command->max_operands)
        return FR_FAIL(FR_ERR_USAGE, "%s: '%s' is one argument too many; usage: foldrank %s %s",
                       command->name, given->operands[command->max_operands], command->name,
                       command->operands);
    return FR_OK;
}

static fr_status set_defaults(const fr_cli_command *command, fr_cli_arguments *out)
{
    const fr_cli_option *row = NULL;
    for (size_t i = 0; (row = row_at(command, i)) != NULL; i++)
        FR_TRY(fr_option_defaults(&row->option, 1,
                                  is_common(row) ? (void *)&out->common : out->values));
    return FR_OK;
}

fr_status fr_cli_parse(const fr_cli_command *command, int argc, char **argv,
                       fr_cli_arguments *out)
{
    out->values = fr_alloc(1, command->values_size);
    out->operands = fr_alloc((size_t)argc, sizeof *out->operands);
    if (out->values == NULL || out->operands == NULL) return FR_ERR_MEMORY;
    FR_TRY(set_defaults(command, out));
    bool options_over = false;
    for (int i = 0; i < argc; i++) {
        const bool is_option = !options_over && argv[i][0] == '-' && argv[i][1] != '\0';
        if (!is_option)
            out->operands[out->n_operands++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            options_over = true;
        else
            FR_TRY(take_option(command, argc, argv, &i, out));
        if (out->common.help) return FR_OK;
    }
    return check_operands(command, out);
}

void fr_cli_arguments_clear(const fr_cli_command *command, fr_cli_arguments *arguments)
{
    for (size_t i = 0; arguments->values != NULL && i < command->n_options; i++)
        fr_option_clear(&command->options[i].option, 1, arguments->values);
    free(arguments->values);
    free(arguments->operands);
    *arguments = (fr_cli_arguments){0};
}

const fr_cli_option *fr_cli_option_at(const fr_cli_command *command, size_t i)
{
    return row_at(command, i);
}

void fr_cli_describe_option(const fr_cli_option *row, fr_text *out)
{
    const fr_option *option = &row->option;
    fr_text_add(out, "%s", option->help);
    for (size_t i = 0; option->type == FR_OPTION_WORD && option->words[i] != NULL; i++)
        fr_text_add(out, "%s%s", i == 0 ? ": " : ", ", option->words[i]);
    const bool has_default = option->fallback != NULL && option->fallback[0] != '\0' &&
                             strcmp(option->fallback, "[]") != 0;
    if (option->type != FR_OPTION_BOOL && has_default)
        fr_text_add(out, " [%s]", option->fallback);
    if (option->type == FR_OPTION_STRINGS) fr_text_add(out, "; may be repeated");
}

static void help_option(const fr_cli_option *row, fr_text *out)
{
    enum { HELP_COLUMN = 26 };
    char left[96];
    const char letter[] = {'-', row->letter, ',', ' ', '\0'};
    snprintf(left, sizeof left, "  %s--%s %s", row->letter != 0 ? letter : "    ",
             row->option.name, row->value != NULL ? row->value : "");
    fr_text_add(out, "%-*s", HELP_COLUMN, left);
    if (strlen(left) >= HELP_COLUMN) fr_text_add(out, "\n%*s", HELP_COLUMN, "");
    fr_cli_describe_option(row, out);
    fr_text_add(out, "\n");
}

void fr_cli_help(const fr_cli_command *command, fr_text *out)
{
    fr_text_add(out, "foldrank %s - %s\n\nusage: foldrank %s [OPTION]...%s%s\n", command->name,
                command->summary, command->name, command->operands[0] != '\0' ? " " : "",
                command->operands);
    if (command->details != NULL) fr_text_add(out, "\n%s\n", command->details);
    fr_text_add(out, "\noptions:\n");
    const fr_cli_option *row = NULL;
    for (size_t i = 0; (row = row_at(command, i)) != NULL; i++) help_option(row, out);
    fr_text_add(out, "\nexample:\n%s\n", command->example);
}

void fr_cli_overview(const fr_cli_command *const commands[], fr_text *out)
{
    fr_text_add(out,
                "foldrank - finds and trains the best model for a data set, in parallel\n\n"
                "usage: foldrank COMMAND [OPTION]... [ARGUMENT]...\n"
                "       mpirun -n RANKS foldrank COMMAND ...\n\ncommands:\n");
    for (size_t i = 0; commands[i] != NULL; i++)
        fr_text_add(out, "  %-14s  %s\n", commands[i]->name, commands[i]->summary);
    fr_text_add(out, "\nfoldrank COMMAND --help explains a command; foldrank --version names "
                     "the versions.\n\nexample:\n"
                     "  mpirun -n 4 foldrank run jobs/digits.yaml\n"
                     "  foldrank show results/digits\n");
}

fr_status fr_cli_set_output(fr_strings *set, const char *output)
{
    if (output == NULL) return FR_OK;
    fr_text text = {0};
    fr_text_add(&text, "output=\"");
    for (const char *c = output; *c != '\0'; c++)
        fr_text_add(&text, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
    fr_text_add(&text, "\"");
    fr_status st = text.failed ? FR_FAIL(FR_ERR_MEMORY, "out of memory for --output")
                               : fr_strings_add(set, fr_text_get(&text));
    fr_text_clear(&text);
    return st;
}
