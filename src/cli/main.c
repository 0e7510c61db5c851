/* SPDX-License-Identifier: BSD-3-Clause */
/* main.c - the program. */
#include <string.h>

#include "cli.h"

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "guard") == 0) return fr_guard_main(argc - 2, argv + 2);
    return fr_cli_main(fr_cli_commands, argc, argv);
}
