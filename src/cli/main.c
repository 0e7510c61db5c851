/* SPDX-License-Identifier: BSD-3-Clause */
/* main.c - the program. */
#include "cli.h"

int main(int argc, char **argv)
{
    return fr_cli_main(fr_cli_commands, argc, argv);
}
