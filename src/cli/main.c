/* SPDX-License-Identifier: BSD-3-Clause */
/* main.c - the table of commands. */
#include "cli.h"

int main(int argc, char **argv)
{
    static const fr_cli_command *const commands[] = {
        &fr_cmd_run,    &fr_cmd_check,  &fr_cmd_show,  &fr_cmd_predict,
        &fr_cmd_export, &fr_cmd_import, &fr_cmd_bench, NULL,
    };
    return fr_cli_main(commands, argc, argv);
}
