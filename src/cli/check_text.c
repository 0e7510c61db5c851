/* SPDX-License-Identifier: BSD-3-Clause */
/* check_text.c - the filled-in study with what each key is behind it, as comments. Lines at the
 * left margin stay bare: scripts take them as they are. */
#include <stdio.h>
#include <string.h>

#include "check.h"

enum { COMMENTS_AT = 40, WIDTH = 128 };

/* Where a line stands: "models.mlp". */
typedef struct {
    char top[64], home[128];
} place;

/* A family may have settings of train for itself. */
static const fr_option *find_row(const char *home, const char *key)
{
    fr_study_block block;
    const fr_option *row = NULL;
    for (size_t i = 0; row == NULL && fr_study_block_at(i, &block); i++)
        if (strcmp(block.name, home) == 0) row = fr_option_find(block.table, block.n, key);
    return row == NULL && strncmp(home, "models.", 7) == 0 ? find_row("train", key) : row;
}

/* Up to the first semicolon that is in no parentheses. */
static size_t first_part(const char *help)
{
    size_t i = 0;
    for (int depth = 0; help[i] != '\0' && (help[i] != ';' || depth > 0); i++)
        depth += (help[i] == '(') - (help[i] == ')');
    return i;
}

/* The help, or its first part where all of it is too long for the line. */
static void add_comment(const char *help, size_t at, fr_text *out)
{
    const size_t column = at + 2 > COMMENTS_AT ? at + 2 : COMMENTS_AT;
    size_t n = strlen(help);
    if (column + 2 + n > WIDTH) n = first_part(help);
    fr_text_add(out, "%*s# %.*s", (int)(column - at), "", (int)n, help);
}

static void add_line(const char *line, size_t n, place *where, fr_text *out)
{
    char key[64] = "";
    const size_t indent = strspn(line, " ");
    const char *colon = memchr(line, ':', n);
    fr_text_append(out, line, n);
    if (colon == NULL) return;
    snprintf(key, sizeof key, "%.*s", (int)(colon - line - (long)indent), line + indent);
    const bool opens = colon + 1 == line + n;
    if (indent == 0) {
        snprintf(where->top, sizeof where->top, "%s", key);
        snprintf(where->home, sizeof where->home, "%s", key);
        return;
    }
    if (opens) {
        snprintf(where->home, sizeof where->home, "%s.%s", where->top, key);
        return;
    }
    const fr_option *row = find_row(indent == 2 ? where->top : where->home, key);
    if (row != NULL) add_comment(row->help, n, out);
}

void fr_check_text(const fr_study *study, fr_text *out)
{
    place where = {0};
    for (const char *line = study->text; *line != '\0';) {
        const size_t n = strcspn(line, "\n");
        add_line(line, n, &where, out);
        fr_text_add(out, "\n");
        line += n + (line[n] == '\n');
    }
}
