/* SPDX-License-Identifier: BSD-3-Clause */
/* commands.c - the table of commands, in the order of the overview. */
#include "cli.h"

/* clang-format off */
const fr_cli_command *const fr_cli_commands[] = {
    &fr_cmd_run,
    &fr_cmd_check,
    &fr_cmd_show,
    &fr_cmd_watch,
    &fr_cmd_predict,
    &fr_cmd_report,
    &fr_cmd_export,
    &fr_cmd_import,
    &fr_cmd_submit,
    &fr_cmd_bench,
    &fr_cmd_bench_schedule,
    &fr_cmd_bench_search,
    NULL,
};
/* clang-format on */
