/* SPDX-License-Identifier: BSD-3-Clause */
/* man.c - the manual, made of the tables that also parse and print --help. */
#include <ctype.h>
#include <string.h>

#include "cli.h"
#include "foldrank/text.h"
#include "foldrank/version.h"

/* Text as roff: a minus that can be copied, no request by accident. */
static void add_words(fr_text *out, const char *text, size_t wrap)
{
    bool starts = out->length == 0 || out->data[out->length - 1] == '\n';
    size_t column = 0;
    for (; *text != '\0'; text++, column++) {
        const bool breaks = *text == '\n' || (*text == ' ' && column >= wrap);
        if (starts && (*text == '.' || *text == '\'')) fr_text_add(out, "\\&");
        if (*text == '\\')
            fr_text_add(out, "\\e");
        else if (*text == '-')
            fr_text_add(out, "\\-");
        else
            fr_text_append(out, breaks ? "\n" : text, 1);
        if (breaks) column = 0;
        starts = breaks;
    }
}

/* As it stands. */
static void add_text(fr_text *out, const char *text)
{
    add_words(out, text, SIZE_MAX);
}

/* Running text: the source of a page has short lines, too. */
static void add_flow(fr_text *out, const char *text)
{
    add_words(out, text, 60);
    fr_text_add(out, "\n");
}

static void add_title(fr_text *out, const char *name, int section, const char *date)
{
    fr_text upper = {0};
    for (; *name != '\0'; name++) fr_text_add(&upper, "%c", toupper((unsigned char)*name));
    fr_text_add(out, ".TH \"");
    add_text(out, fr_text_get(&upper));
    fr_text_add(out, "\" %d \"%s\" \"foldrank %s\" \"foldrank manual\"\n", section, date,
                FR_VERSION);
    fr_text_clear(&upper);
}

static void add_name(fr_text *out, const char *name, const char *summary)
{
    fr_text_add(out, ".SH NAME\n");
    add_text(out, name);
    fr_text_add(out, " \\- ");
    add_text(out, summary);
    fr_text_add(out, "\n");
}

/* Lines of running text; an empty line begins a paragraph. */
static void add_paragraphs(fr_text *out, const char *text)
{
    for (bool gap = false; *text != '\0';) {
        const size_t n = strcspn(text, "\n");
        fr_text line = {0};
        fr_text_append(&line, text, n);
        if (n > 0 && gap) fr_text_add(out, ".PP\n");
        gap = n == 0;
        if (n > 0) {
            add_flow(out, fr_text_get(&line));
        }
        fr_text_clear(&line);
        text += n + (text[n] == '\n');
    }
}

static void add_example(fr_text *out, const char *text)
{
    fr_text_add(out, ".SH EXAMPLES\n.nf\n");
    add_text(out, text);
    fr_text_add(out, "\n.fi\n");
}

static void add_exit_status(fr_text *out)
{
    fr_text_add(out, ".SH EXIT STATUS\n"
                     ".TP\n.B 0\nDone.\n"
                     ".TP\n.B 1\nFailed.\n"
                     ".TP\n.B 2\nThe command line, the study or the data are wrong.\n"
                     ".TP\n.B 75\nStopped early with everything saved: run the same command "
                     "again.\n");
}

static void add_option(fr_text *out, const fr_cli_option *row)
{
    fr_text help = {0};
    fr_text_add(out, ".TP\n");
    if (row->letter != 0) fr_text_add(out, "\\fB\\-%c\\fR, ", row->letter);
    fr_text_add(out, "\\fB\\-\\-");
    add_text(out, row->option.name);
    fr_text_add(out, "\\fR");
    if (row->value != NULL) {
        fr_text_add(out, " \\fI");
        add_text(out, row->value);
        fr_text_add(out, "\\fR");
    }
    fr_text_add(out, "\n");
    fr_cli_describe_option(row, &help);
    add_flow(out, fr_text_get(&help));
    fr_text_clear(&help);
}

void fr_cli_man_name(const fr_cli_command *command, fr_text *out)
{
    fr_text_add(out, "foldrank-");
    for (const char *c = command->name; *c != '\0'; c++)
        fr_text_add(out, "%c", *c == ' ' ? '-' : *c);
}

/* A reference to the page of a command. */
static void add_reference(fr_text *out, const fr_cli_command *command)
{
    fr_text name = {0};
    fr_cli_man_name(command, &name);
    fr_text_add(out, ".BR ");
    add_text(out, fr_text_get(&name));
    fr_text_add(out, " (1)");
    fr_text_clear(&name);
}

void fr_cli_man(const fr_cli_command *command, const char *date, fr_text *out)
{
    fr_text name = {0};
    fr_cli_man_name(command, &name);
    add_title(out, fr_text_get(&name), 1, date);
    add_name(out, fr_text_get(&name), command->summary);
    fr_text_add(out, ".SH SYNOPSIS\n.B foldrank %s\n[\\fIOPTION\\fR]...\n", command->name);
    if (command->operands[0] != '\0') {
        fr_text_add(out, "\\fI");
        add_text(out, command->operands);
        fr_text_add(out, "\\fR\n");
    }
    if (command->details != NULL) {
        fr_text_add(out, ".SH DESCRIPTION\n");
        add_paragraphs(out, command->details);
    }
    fr_text_add(out, ".SH OPTIONS\n");
    const fr_cli_option *row = NULL;
    for (size_t i = 0; (row = fr_cli_option_at(command, i)) != NULL; i++) add_option(out, row);
    add_exit_status(out);
    add_example(out, command->example);
    fr_text_add(out, ".SH SEE ALSO\n.BR foldrank (1),\n.BR foldrank\\-study (5)\n");
    fr_text_clear(&name);
}

static void add_files(fr_text *out)
{
    static const char *const files[][2] = {
        {"journal.bin",
         "Every finished fit, written as it ends: the truth, from which a stopped "
         "run goes on."},
        {"results.h5", "Everything in one HDF5 file, replaced whole at checkpoints and at the "
                       "end: study, trials, folds, curves, selection, model."},
        {"study.yaml", "The study with every default filled in."},
        {"lock", "The host and process at work here."},
    };
    fr_text_add(out, ".SH FILES\nThe output directory of a study has:\n");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        fr_text_add(out, ".TP\n.I %s\n", files[i][0]);
        add_flow(out, files[i][1]);
    }
}

void fr_cli_man_overview(const fr_cli_command *const commands[], const char *date, fr_text *out)
{
    add_title(out, "foldrank", 1, date);
    add_name(out, "foldrank", "find and train the best model for a data set, in parallel");
    fr_text_add(out, ".SH SYNOPSIS\n.B foldrank\n\\fICOMMAND\\fR\n[\\fIOPTION\\fR]...\n"
                     "[\\fIARGUMENT\\fR]...\n.br\n.B mpirun\n\\-n \\fIRANKS\\fR\n.B foldrank\n"
                     "\\fICOMMAND\\fR ...\n.SH DESCRIPTION\n");
    add_paragraphs(
        out, "MPI ranks split the hyperparameter space and the cross-validation folds; every "
             "rank trains\nwith its own threads; all scores gather in one HDF5 file; the "
             "model is selected, trained\nonce more on all rows, and ready to predict.\n\n"
             "stdout carries results only, stderr the log.");
    fr_text_add(out, ".SH COMMANDS\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        fr_text_add(out, ".TP\n");
        add_reference(out, commands[i]);
        fr_text_add(out, "\n");
        add_flow(out, commands[i]->summary);
    }
    add_files(out);
    add_exit_status(out);
    add_example(out, "  mpirun -n 4 foldrank run jobs/digits.yaml\n"
                     "  foldrank show results/digits");
    fr_text_add(out, ".SH SEE ALSO\n.BR foldrank\\-study (5)");
    for (size_t i = 0; commands[i] != NULL; i++) {
        fr_text_add(out, ",\n");
        add_reference(out, commands[i]);
    }
    fr_text_add(out, "\n");
}

static void add_key(fr_text *out, const fr_option *row)
{
    fr_text allowed = {0}, help = {0};
    fr_option_describe(row, &allowed);
    fr_text_add(out, ".TP\n\\fB");
    add_text(out, row->name);
    fr_text_add(out, "\\fR");
    if (allowed.length > 0) {
        fr_text_add(out, " (");
        add_text(out, fr_text_get(&allowed));
        fr_text_add(out, ")");
    }
    fr_text_add(out, "\n");
    fr_text_add(&help, "%s", row->help);
    if (row->fallback != NULL && row->fallback[0] != '\0')
        fr_text_add(&help, ". Default: %s", row->fallback);
    add_flow(out, fr_text_get(&help));
    fr_text_clear(&help);
    fr_text_clear(&allowed);
}

static void add_distributions(fr_text *out)
{
    static const char *const kinds[][2] = {
        {"float: [LOW, HIGH]", "a number, uniform"},
        {"log: [LOW, HIGH]", "a number above 0, uniform in its logarithm"},
        {"int: [LOW, HIGH]", "an integer"},
        {"int_log: [LOW, HIGH]", "an integer above 0, uniform in its logarithm"},
        {"choice: [VALUE, ...]", "one of these; a value may be a list"},
        {"step: NUMBER", "beside a range: values are LOW, LOW + NUMBER, ..."},
        {"grid: NUMBER", "beside a range: how many values a grid search takes"},
        {"when: {NAME: VALUE}",
         "beside any: searched only while another one has this value, or "
         "one of a list of values"},
    };
    fr_text_add(out, ".SH DISTRIBUTIONS\n");
    add_flow(out, "A plain value is fixed, a mapping with one of these is searched. Any key of "
                  "preprocess, models and train may be one.");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        fr_text_add(out, ".TP\n.B \"");
        add_text(out, kinds[i][0]);
        fr_text_add(out, "\"\n");
        add_flow(out, kinds[i][1]);
    }
}

void fr_cli_man_study(const char *date, fr_text *out)
{
    fr_study_block block;
    add_title(out, "foldrank-study", 5, date);
    add_name(out, "foldrank-study", "a search for foldrank to do");
    fr_text_add(out, ".SH DESCRIPTION\n");
    add_paragraphs(
        out, "A study is a YAML file. `foldrank check STUDY` tells everything that is "
             "wrong with one, and with --text\nprints it with every key and default "
             "filled in, and what it is. A key may be changed from the command line: --set "
             "train.epochs=5.");
    add_distributions(out);
    for (size_t i = 0; fr_study_block_at(i, &block); i++) {
        fr_text_add(out, ".SH \"%s%s\"\n", block.name[0] == '\0' ? "TOP" : "KEY ", block.name);
        add_flow(out, block.about);
        for (size_t k = 0; k < block.n; k++) add_key(out, &block.table[k]);
    }
    add_example(out,
                "study: digits\n"
                "data: {path: data/digits.csv.gz, target: digit, task: classification,\n"
                "       test: {fraction: 0.2}}\n"
                "models:\n"
                "  softmax: {l2: {log: [1.0e-6, 1.0e-1]}}\n"
                "  mlp: {hidden: {choice: [[64], [128, 64]]}, dropout: {float: [0.0, 0.5]}}\n"
                "train: {learning_rate: {log: [1.0e-4, 1.0e-1]}, epochs: 30}\n"
                "search: {trials: 40, seed: 1}");
    fr_text_add(out, ".SH SEE ALSO\n.BR foldrank (1),\n.BR foldrank\\-check (1),\n"
                     ".BR foldrank\\-run (1)\n");
}
