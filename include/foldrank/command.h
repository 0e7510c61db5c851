/* SPDX-License-Identifier: BSD-3-Clause */
/* command.h - the command line of an external objective: words with places for values.
 *
 * `python3 train.py --lr {learning_rate}` is cut into words first, by blanks and quotes as a
 * shell would, and values are put in afterwards: a value with blanks or quotes in it stays one
 * argument. {name} in braces is a place when `name` is made of letters, digits and _ . - and
 * starts with a letter or _; {{name}} stands for the text {name}; other braces are text. With
 * `shell` the whole text is one word for /bin/sh, and places become references to environment
 * variables. All functions are Local. */
#ifndef FR_COMMAND_H
#define FR_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "foldrank/space.h"
#include "foldrank/status.h"
#include "foldrank/text.h"

typedef struct {
    char *text;
    bool is_place; /* a value called `text` goes here */
    bool quoted;   /* shell: the place is between double quotes */
} fr_command_piece;

typedef struct {
    fr_command_piece *pieces; /* (n); none: an empty word */
    size_t n, capacity;
} fr_command_word;

/* Start with {0}; release with fr_command_clear. */
typedef struct {
    fr_command_word *words; /* (n) */
    size_t n, capacity;
} fr_command;

/* Cut `text` into words. Errors: FR_ERR_USAGE (a quote that does not close, nothing at all,
 * an operator of the shell as a word of its own, a place where a shell sees none),
 * FR_ERR_MEMORY; `out` is empty then. */
FR_CHECKED fr_status fr_command_parse(const char *text, bool shell, fr_command *out);
void fr_command_clear(fr_command *command);

/* Places that are no parameters: what foldrank says of a task. NULL-terminated. */
extern const char *const fr_command_places[];

/* FR_ERR_USAGE when a place is neither a parameter nor one of fr_command_places. */
FR_CHECKED fr_status fr_command_check(const fr_command *command, const fr_space *space);

/* FR_ERR_USAGE when the program, the first word, is not there or cannot be run; FR_OK when its
 * name depends on a value. */
FR_CHECKED fr_status fr_command_find_program(const fr_command *command);

/* Append the environment variable of a parameter: FOLDRANK_PARAM_ and the name, with _ for
 * whatever a variable's name cannot have. */
void fr_command_variable(const char *name, fr_text *out);

#endif
