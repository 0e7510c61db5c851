/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_report.c - `foldrank report`: hand over to the analysis package, which draws the page. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "foldrank/memory.h"

static const char program[] = "foldrank-report"; /* installed by `pip install ./analysis` */

typedef struct {
    char *output;
    char *data;
} report_values;

static const fr_cli_option options[] = {
    {.option = {.name = "output",
                .type = FR_OPTION_STRING,
                .offset = offsetof(report_values, output),
                .help = "the HTML file; without: report.html beside the results"},
     .letter = 'o',
     .value = "FILE"},
    {.option = {.name = "data",
                .type = FR_OPTION_STRING,
                .offset = offsetof(report_values, data),
                .help = "CSV: rows on which to look at the chosen model"},
     .value = "CSV"},
};

static fr_status run(const fr_cli *cli, void *values)
{
    enum { OTHERS = 7 }; /* the program, two options, their values, `--`, NULL */
    const report_values *wanted = values;
    const char **arguments = fr_alloc(cli->n_operands + OTHERS, sizeof *arguments);
    if (arguments == NULL) return FR_ERR_MEMORY;
    size_t n = 0;
    arguments[n++] = program;
    if (wanted->output != NULL) {
        arguments[n++] = "--output";
        arguments[n++] = wanted->output;
    }
    if (wanted->data != NULL) {
        arguments[n++] = "--data";
        arguments[n++] = wanted->data;
    }
    arguments[n++] = "--";
    for (size_t i = 0; i < cli->n_operands; i++) arguments[n++] = cli->operands[i];
    execvp(program, (char *const *)(void *)arguments);
    const int reason = errno;
    free(arguments);
    if (reason == ENOENT)
        return FR_FAIL(FR_ERR_STATE,
                       "report: %s is not on the path; it comes with foldrank's analysis "
                       "package: pip install ./analysis (in the source of foldrank), in the "
                       "Python environment that is active here",
                       program);
    return FR_FAIL(FR_ERR_IO, "report: cannot start %s: %s", program, strerror(reason));
}

const fr_cli_command fr_cmd_report = {
    .name = "report",
    .operands = "RESULTS [OTHER]...",
    .summary = "write results as one HTML page that needs no network",
    .details =
        "Summary, warnings, plots, a table of the trials, and how to reproduce them. Each\n"
        "OTHER is a further run of the study: with another seed, or on another number of\n"
        "cores. Needs the Python package: pip install ./analysis",
    .example = "  foldrank report results/digits -o digits.html",
    .min_operands = 1,
    .max_operands = 1000,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .values_size = sizeof(report_values),
    .run = run,
};
