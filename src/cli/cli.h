/* SPDX-License-Identifier: BSD-3-Clause */
/* cli.h - what a command is, and the frame that all commands share.
 *
 * A command is one file cmd_NAME.c that exports one fr_cli_command: its texts, its table of
 * options and a function. Everything else is done here, from the tables: parsing, ranges, "did
 * you mean", --help, exit codes, MPI. A command file looks like this:
 *
 *     typedef struct {
 *         int64_t top;
 *     } show_values;
 *
 *     static const fr_cli_option options[] = {
 *         {.option = {.name = "top",
 *                     .type = FR_OPTION_INT,
 *                     .offset = offsetof(show_values, top),
 *                     .fallback = "10",
 *                     .low = 1,
 *                     .high = 1e9,
 *                     .help = "trials in the table"},
 *          .letter = 'n',
 *          .value = "N"},
 *     };
 *     static fr_status show(const fr_cli *cli, void *values);
 *     const fr_cli_command fr_cmd_show = {.name = "show", ..., .run = show};
 */
#ifndef FR_CLI_H
#define FR_CLI_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "foldrank/option.h"
#include "foldrank/schedule.h"
#include "foldrank/status.h"
#include "foldrank/study.h"

/* One option of a command: `--name VALUE`, `--name=VALUE`, `-x VALUE`. A FR_OPTION_BOOL is a
 * flag without value; a FR_OPTION_STRINGS may be repeated, each time adding one item. */
typedef struct {
    fr_option option;  /* name, type, field, default, range and help as in option.h */
    char letter;       /* short form; 0 = none */
    const char *value; /* stands for the value in the help ("N", "FILE"); NULL for a flag */
} fr_cli_option;

/* What the frame hands to a command. */
typedef struct {
    MPI_Comm comm;   /* all ranks; MPI_COMM_NULL when the command is not parallel */
    int rank;        /* 0 .. size-1; a command that is not parallel runs on rank 0 only */
    int size;        /* ranks that were started, also known without MPI */
    char **operands; /* arguments that are no options */
    size_t n_operands;
    const char *typed; /* the whole command line, for the results */
    double started;    /* fr_clock_now() at program start */
    FILE *out;         /* results go here; print on rank 0 only */
} fr_cli;

typedef struct {
    const char *name;     /* "show"; "bench search": two arguments */
    const char *operands; /* as in the usage line: "RESULTS" */
    const char *summary;  /* one line for the list of commands */
    const char *details;  /* a paragraph for --help, lines <= 78 characters; may be NULL */
    const char *example;  /* command lines with a word on each, for --help */
    size_t min_operands, max_operands;
    bool parallel; /* needs MPI: runs on every rank. Otherwise on rank 0, without MPI_Init. */
    bool stops;    /* parallel: looks at fr_signals_raised(); else signals end it at once */
    const fr_cli_option *options;
    size_t n_options;
    size_t values_size; /* bytes of the struct that the table describes; 0 without options */
    /* `values` holds the parsed options; the frame releases them. FR_ERR_USAGE and FR_ERR_DATA
     * make the program exit 2, FR_STOPPED 75, other errors 1; the frame prints the message.
     * Parallel: the same status on every rank. */
    fr_status (*run)(const fr_cli *cli, void *values);
} fr_cli_command;

extern const fr_cli_command fr_cmd_run;
extern const fr_cli_command fr_cmd_check;
extern const fr_cli_command fr_cmd_show;
extern const fr_cli_command fr_cmd_watch;
extern const fr_cli_command fr_cmd_predict;
extern const fr_cli_command fr_cmd_export;
extern const fr_cli_command fr_cmd_import;
extern const fr_cli_command fr_cmd_bench;
extern const fr_cli_command fr_cmd_bench_schedule;
extern const fr_cli_command fr_cmd_bench_search;
extern const fr_cli_command fr_cmd_submit;
extern const fr_cli_command fr_cmd_report;

/* All of them; ends with NULL. */
extern const fr_cli_command *const fr_cli_commands[];

/* The program: find the command, parse, run, report. `commands` ends with NULL. Returns the
 * exit code. */
int fr_cli_main(const fr_cli_command *const commands[], int argc, char **argv);

/* `foldrank guard GRACE PROGRAM ARGUMENT...`, started by ranks; see guard.h. argv[0..argc) is
 * what follows its name. Returns the exit code. */
int fr_guard_main(int argc, char **argv);

/* Options that every command takes. */
typedef struct {
    bool help;
    int log_level; /* fr_log_level */
} fr_cli_common;

/* A parsed command line. Start with {0}; release with fr_cli_arguments_clear. */
typedef struct {
    void *values;    /* the command's struct; owned, as are the strings inside */
    char **operands; /* the list is owned, the strings are argv's */
    size_t n_operands;
    fr_cli_common common;
} fr_cli_arguments;

/* Parse argv[0..argc), what follows the command's name. With --help among it, parsing ends
 * there. Errors: FR_ERR_USAGE, in one sentence; the caller clears `out` in any case. Local. */
FR_CHECKED fr_status fr_cli_parse(const fr_cli_command *command, int argc, char **argv,
                                  fr_cli_arguments *out);
void fr_cli_arguments_clear(const fr_cli_command *command, fr_cli_arguments *arguments);

/* An --output, or NULL, becomes one more --set, so that the filled-in study says where the
 * results really go. Local. */
FR_CHECKED fr_status fr_cli_set_output(fr_strings *set, const char *output);

/* Append the help page of a command, of the program. Local. */
void fr_cli_help(const fr_cli_command *command, fr_text *out);
void fr_cli_overview(const fr_cli_command *const commands[], fr_text *out);

/* Append what ended a study, "stop.epochs: 19950 of 20000 epochs are used"; nothing when it has
 * not ended. Local. */
void fr_cli_describe_end(const fr_study *study, const fr_history *history, fr_end end,
                         fr_usage usage, fr_text *out);

/* Append what nested cross-validation says the whole search is worth, lines of text; nothing
 * without outer folds. Local. */
void fr_cli_describe_nested(const fr_study *study, const fr_nested *nested, fr_text *out);

/* Append what calibration did to the chosen model, in lines; nothing where there is none.
 * Local.
 */
void fr_cli_describe_calibration(const fr_calibration_report *report, fr_text *out);

/* Row number i of the command's own options followed by those of all; NULL after the last. What
 * a row does, may be and is without being said, in one line. */
const fr_cli_option *fr_cli_option_at(const fr_cli_command *command, size_t i);
void fr_cli_describe_option(const fr_cli_option *row, fr_text *out);

/* Manual pages (roff, man macros): of a command, of the program, of study files. `date` is that
 * of the manual. */
void fr_cli_man(const fr_cli_command *command, const char *date, fr_text *out);
/* Append the name of a command's page: "foldrank-bench-search". */
void fr_cli_man_name(const fr_cli_command *command, fr_text *out);
void fr_cli_man_overview(const fr_cli_command *const commands[], const char *date,
                         fr_text *out);
void fr_cli_man_study(const char *date, fr_text *out);

/* What `run` prints at its end, or when it was stopped: the best trials, the chosen model, what
 * it is worth, where everything is, what to type next. `status` is the run's. Root only. */
void fr_cli_print_summary(const fr_cli *cli, const fr_study *study, const fr_run_report *report,
                          fr_status status);

#endif
