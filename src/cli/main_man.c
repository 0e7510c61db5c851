/* SPDX-License-Identifier: BSD-3-Clause */
/* main_man.c - a program of the build: `foldrank-man DIR DATE` writes the manual to DIR/man1
 * and DIR/man5, which exist. */
#include <stdio.h>

#include "cli.h"
#include "foldrank/text.h"

static bool write_page(const char *dir, const char *name, int section, fr_text *page)
{
    fr_text path = {0};
    fr_text_add(&path, "%s/man%d/%s.%d", dir, section, name, section);
    FILE *file = path.failed || page->failed ? NULL : fopen(fr_text_get(&path), "w");
    bool good = file != NULL && fputs(fr_text_get(page), file) >= 0;
    if (file != NULL) good = fclose(file) == 0 && good;
    if (!good) fprintf(stderr, "cannot write %s\n", fr_text_get(&path));
    fr_text_clear(&path);
    fr_text_clear(page);
    return good;
}

int main(int argc, char **argv)
{
    fr_text page = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: foldrank-man DIR DATE\n");
        return 2;
    }
    fr_cli_man_overview(fr_cli_commands, argv[2], &page);
    bool good = write_page(argv[1], "foldrank", 1, &page);
    fr_cli_man_study(argv[2], &page);
    good = write_page(argv[1], "foldrank-study", 5, &page) && good;
    for (size_t i = 0; fr_cli_commands[i] != NULL; i++) {
        fr_text name = {0};
        fr_cli_man_name(fr_cli_commands[i], &name);
        fr_cli_man(fr_cli_commands[i], argv[2], &page);
        good = write_page(argv[1], fr_text_get(&name), 1, &page) && good;
        fr_text_clear(&name);
    }
    return good ? 0 : 1;
}
