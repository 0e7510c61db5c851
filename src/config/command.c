/* SPDX-License-Identifier: BSD-3-Clause */
/* command.c - `objective.run` cut into words and places. */
#include "foldrank/command.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "foldrank/memory.h"

const char *const fr_command_places[] = {"trial",      "fold",      "folds",      "seed",
                                         "steps",      "rank",      "local_rank", "gpus",
                                         "parameters", "directory", NULL};

/* The word that is being read. */
typedef struct {
    fr_command *command;
    bool shell;
    char quote;   /* that is open, or 0 */
    bool in_word; /* a word has begun, maybe with nothing but quotes in it */
    bool plain;   /* nothing of the word was quoted */
    fr_text text; /* of the piece */
    fr_command_word word;
} cutter;

static void clear_word(fr_command_word *word)
{
    for (size_t i = 0; i < word->n; i++) free(word->pieces[i].text);
    free(word->pieces);
    *word = (fr_command_word){0};
}

void fr_command_clear(fr_command *command)
{
    for (size_t w = 0; w < command->n; w++) clear_word(&command->words[w]);
    free(command->words);
    *command = (fr_command){0};
}

static fr_status add_piece(cutter *c, char *text, bool is_place)
{
    void *block = c->word.pieces;
    fr_status st = text == NULL ? FR_ERR_MEMORY
                                : fr_grow(&block, &c->word.capacity, c->word.n + 1,
                                          sizeof *c->word.pieces);
    c->word.pieces = block;
    if (st != FR_OK)
        free(text);
    else
        c->word.pieces[c->word.n++] =
            (fr_command_piece){text, is_place, is_place && c->quote == '"'};
    return st;
}

static fr_status end_piece(cutter *c)
{
    if (c->text.failed) return FR_ERR_MEMORY;
    if (c->text.length == 0) return FR_OK;
    char *text = c->text.data;
    c->text = (fr_text){0};
    return add_piece(c, text, false);
}

/* What a shell would not take for a name or a value. */
static bool is_operator(const char *word)
{
    static const char *const operators[] = {"|",  "||", "&&", ";",  "&",    ">",
                                            ">>", "<",  "<<", "2>", "2>&1", "&>"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i], word) == 0) return true;
    return false;
}

static fr_status end_word(cutter *c)
{
    if (!c->in_word) return FR_OK;
    FR_TRY(end_piece(c));
    const fr_command_word *w = &c->word;
    if (!c->shell && c->plain && w->n == 1 && !w->pieces[0].is_place &&
        is_operator(w->pieces[0].text))
        return FR_FAIL(FR_ERR_USAGE,
                       "`%s` is for a shell, and the command is started without one; add "
                       "`shell: true`, or quote it",
                       w->pieces[0].text);
    void *block = c->command->words;
    FR_TRY(
        fr_grow(&block, &c->command->capacity, c->command->n + 1, sizeof *c->command->words));
    c->command->words = block;
    c->command->words[c->command->n++] = c->word;
    c->word = (fr_command_word){0};
    c->in_word = false;
    return FR_OK;
}

/* Length of a name at `at` that `end` follows; 0 when there is none. */
static size_t name_before(const char *at, const char *end)
{
    size_t n = 0;
    if (!isalpha((unsigned char)*at) && *at != '_') return 0;
    while (isalnum((unsigned char)at[n]) || (at[n] != '\0' && strchr("_.-", at[n]) != NULL))
        n++;
    return strncmp(at + n, end, strlen(end)) == 0 ? n : 0;
}

static fr_status add_place(cutter *c, const char *name, size_t length)
{
    if (c->shell && c->quote == '\'')
        return FR_FAIL(FR_ERR_USAGE,
                       "{%.*s} stands in single quotes, in which a shell sees no values; use "
                       "double quotes, or {{%.*s}} for the braces themselves",
                       (int)length, name, (int)length, name);
    FR_TRY(end_piece(c));
    fr_text copy = {0};
    fr_text_append(&copy, name, length);
    return add_piece(c, copy.data, true);
}

/* Braces at *at, if they mean something; *at moves behind them. */
static fr_status read_braces(cutter *c, const char **at, bool *found)
{
    const char *text = *at;
    size_t length = strncmp(text, "{{", 2) == 0 ? name_before(text + 2, "}}") : 0;
    *found = true;
    if (length > 0) {
        fr_text_append(&c->text, text + 1, length + 2);
        *at = text + length + 4;
        return FR_OK;
    }
    length = *text == '{' ? name_before(text + 1, "}") : 0;
    if (length > 0) {
        *at = text + length + 2;
        return add_place(c, text + 1, length);
    }
    *found = false;
    return FR_OK;
}

/* A character that opens, closes or escapes; *at moves behind it. A shell gets all of them. */
static bool read_quoting(cutter *c, const char **at)
{
    const char byte = **at, next = (*at)[1];
    const bool opens = c->quote == 0 && (byte == '\'' || byte == '"');
    const bool closes = c->quote != 0 && byte == c->quote;
    const bool escapes = byte == '\\' && next != '\0' && c->quote != '\'' &&
                         (c->shell || c->quote == 0 || next == '"' || next == '\\');
    if (!opens && !closes && !escapes) return false;
    if (c->shell) fr_text_append(&c->text, *at, escapes ? 2 : 1);
    if (!c->shell && escapes) fr_text_append(&c->text, &next, 1);
    if (opens) c->quote = byte;
    if (closes) c->quote = 0;
    c->plain = false;
    *at += escapes ? 2 : 1;
    return true;
}

static fr_status read_text(cutter *c, const char *at)
{
    while (*at != '\0') {
        bool found = false;
        if (!c->shell && c->quote == 0 && isspace((unsigned char)*at)) {
            FR_TRY(end_word(c));
            at++;
            continue;
        }
        if (!c->in_word) c->plain = true;
        c->in_word = true;
        if (read_quoting(c, &at)) continue;
        if (c->shell && at[0] == '$' && at[1] == '{') { /* the shell's own */
            fr_text_append(&c->text, at, 2);
            at += 2;
            continue;
        }
        FR_TRY(read_braces(c, &at, &found));
        if (!found) fr_text_append(&c->text, at++, 1);
    }
    if (c->quote != 0) return FR_FAIL(FR_ERR_USAGE, "a quote (%c) does not close", c->quote);
    return end_word(c);
}

fr_status fr_command_parse(const char *text, bool shell, fr_command *out)
{
    cutter c = {.command = out, .shell = shell};
    *out = (fr_command){0};
    fr_status st = read_text(&c, text);
    if (st == FR_OK && strspn(text, " \t\r\n") == strlen(text))
        st = FR_FAIL(FR_ERR_USAGE, "is empty: name a program");
    clear_word(&c.word);
    fr_text_clear(&c.text);
    if (st != FR_OK) fr_command_clear(out);
    return st;
}

static bool is_known_place(const char *name, const fr_space *space)
{
    for (size_t i = 0; fr_command_places[i] != NULL; i++)
        if (strcmp(fr_command_places[i], name) == 0) return true;
    return fr_space_find(space, name) < space->n;
}

static fr_status refuse_place(const char *name, const fr_space *space)
{
    size_t n = 0;
    while (fr_command_places[n] != NULL) n++;
    const char **names = fr_alloc(n + space->n, sizeof *names);
    if (names == NULL) return FR_ERR_MEMORY;
    fr_text list = {0};
    for (size_t i = 0; i < space->n + n; i++) {
        names[i] = i < space->n ? space->params[i].name : fr_command_places[i - space->n];
        fr_text_add(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    const char *near = fr_nearest(name, names, n + space->n);
    const fr_status st =
        FR_FAIL(FR_ERR_USAGE,
                "{%.60s} is no parameter; allowed: %.600s%s%s%s; write {{%.60s}} for the "
                "braces themselves",
                name, fr_text_get(&list), near == NULL ? "" : " (did you mean ",
                near == NULL ? "" : near, near == NULL ? "" : "?)", name);
    fr_text_clear(&list);
    free(names);
    return st;
}

fr_status fr_command_check(const fr_command *command, const fr_space *space)
{
    for (size_t w = 0; w < command->n; w++) {
        const fr_command_word *word = &command->words[w];
        for (size_t i = 0; i < word->n; i++)
            if (word->pieces[i].is_place && !is_known_place(word->pieces[i].text, space))
                return refuse_place(word->pieces[i].text, space);
    }
    return FR_OK;
}

typedef enum { FOUND, NOWHERE, NOT_A_FILE, NOT_EXECUTABLE } finding;

static finding look_at(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) return NOWHERE;
    if (!S_ISREG(info.st_mode)) return NOT_A_FILE;
    return access(path, X_OK) == 0 ? FOUND : NOT_EXECUTABLE;
}

/* As execvp looks: a file that cannot be run does not end the search. */
static finding look_along_path(const char *program)
{
    const char *path = getenv("PATH");
    finding best = NOWHERE;
    for (const char *at = path == NULL ? "/bin:/usr/bin" : path; best != FOUND; at++) {
        fr_text file = {0};
        const size_t length = strcspn(at, ":");
        fr_text_append(&file, length == 0 ? "." : at, length == 0 ? 1 : length);
        fr_text_add(&file, "/%s", program);
        const finding here = look_at(fr_text_get(&file));
        fr_text_clear(&file);
        if (here != NOWHERE && (here == FOUND || best == NOWHERE)) best = here;
        at += length;
        if (*at == '\0') break;
    }
    return best;
}

fr_status fr_command_find_program(const fr_command *command)
{
    static const char *const sentences[] = {
        [NOWHERE] = "there is no program `%s`%s",
        [NOT_A_FILE] = "`%s`%s is not a file",
        [NOT_EXECUTABLE] = "`%s`%s cannot be run: no permission (chmod +x)",
    };
    const fr_command_word *word = &command->words[0];
    if (word->n == 0) return FR_FAIL(FR_ERR_USAGE, "the program's name is empty");
    for (size_t i = 0; i < word->n; i++)
        if (word->pieces[i].is_place) return FR_OK;
    const char *program = word->pieces[0].text;
    const bool is_path = strchr(program, '/') != NULL;
    const finding found = is_path ? look_at(program) : look_along_path(program);
    if (found == FOUND) return FR_OK;
    return FR_FAIL(FR_ERR_USAGE, sentences[found], program, is_path ? "" : " on the PATH");
}

void fr_command_variable(const char *name, fr_text *out)
{
    fr_text_add(out, "FOLDRANK_PARAM_");
    for (const char *c = name; *c != '\0'; c++)
        fr_text_append(out, isalnum((unsigned char)*c) ? c : "_", 1);
}
