/* SPDX-License-Identifier: BSD-3-Clause */
/* arguments.c - a task as arguments and environment of a program. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* What a launcher tells its own processes. A program that is an MPI program itself, or starts
 * one, would take itself for a part of this job. */
static const char *const launcher_prefixes[] = {"OMPI_", "PMIX_",  "PMI_",     "ORTE_",
                                                "PRTE_", "HYDRA_", "MPI_LOCAL"};
static const char allowed_prefix[] = "OMPI_ALLOW_";
static const char parameter_prefix[] = "FOLDRANK_PARAM_";

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* ---- places ---- */

static const char *number(fr_text *out, unsigned long long value)
{
    fr_text_add(out, "%llu", value);
    return fr_text_get(out);
}

/* What foldrank says of the task, by the name of its place. */
static void add_place(const fr_command_call *call, const char *name, fr_text *out)
{
    const fr_external *x = call->external;
    const struct {
        const char *name;
        unsigned long long value;
    } numbers[] = {
        {"trial", call->task->trial},
        {"fold", call->task->fold},
        {"folds", (unsigned long long)x->study->objective.folds},
        {"seed", fr_external_seed(x, call->task)},
        {"steps", (unsigned long long)x->study->objective.steps},
        {"rank", (unsigned long long)x->place.rank},
        {"local_rank", (unsigned long long)x->place.local_rank},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(numbers[i].name, name) == 0) number(out, numbers[i].value);
    if (strcmp(name, "gpus") == 0) fr_text_add(out, "%s", fr_text_get(&x->gpus));
    if (strcmp(name, "parameters") == 0) fr_text_add(out, "%s", call->parameters);
    if (strcmp(name, "directory") == 0) fr_text_add(out, "%s", call->directory);
}

/* FOLDRANK_TRIAL for trial. */
static void add_place_variable(const char *name, fr_text *out)
{
    fr_text_add(out, "FOLDRANK_");
    for (const char *c = name; *c != '\0'; c++) {
        const char upper = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        fr_text_append(out, &upper, 1);
    }
}

/* ---- arguments ---- */

/* *inactive: the parameter has no value in this task. A parameter goes before a place of ours
 * with the same name. */
static void add_value(const fr_command_call *call, const char *name, fr_text *out,
                      bool *inactive)
{
    const fr_space *space = &call->external->study->space;
    const size_t j = fr_space_find(space, name);
    if (j == space->n)
        add_place(call, name, out);
    else if (isnan(call->task->point[j]))
        *inactive = true;
    else
        fr_value_text(&space->params[j], call->task->point[j], out);
}

static void add_word(const fr_command_call *call, const fr_command_word *word, fr_text *out,
                     bool *inactive)
{
    for (size_t i = 0; i < word->n; i++) {
        if (word->pieces[i].is_place)
            add_value(call, word->pieces[i].text, out, inactive);
        else
            fr_text_add(out, "%s", word->pieces[i].text);
    }
}

/* An option whose value would be the next word. */
static bool is_bare_option(const fr_command_word *word)
{
    return word->n == 1 && !word->pieces[0].is_place && word->pieces[0].text[0] == '-' &&
           strchr(word->pieces[0].text, '=') == NULL;
}

static void drop_last(fr_strings *list)
{
    free(list->item[--list->n]);
}

static fr_status split_arguments(const fr_command_call *call, fr_strings *out)
{
    const fr_command *command = &call->external->command;
    for (size_t w = 0; w < command->n; w++) {
        fr_text text = {0};
        bool inactive = false;
        add_word(call, &command->words[w], &text, &inactive);
        fr_status st = text.failed ? FR_ERR_MEMORY : FR_OK;
        if (st == FR_OK && !inactive) st = fr_strings_add(out, fr_text_get(&text));
        fr_text_clear(&text);
        FR_TRY(st);
        if (inactive && w > 1 && is_bare_option(&command->words[w - 1])) drop_last(out);
    }
    return FR_OK;
}

/* The text with references to variables: a shell puts their values in without reading them. */
static void shell_text(const fr_command_call *call, fr_text *out)
{
    const fr_space *space = &call->external->study->space;
    const fr_command_word *word = &call->external->command.words[0];
    for (size_t i = 0; i < word->n; i++) {
        const fr_command_piece *piece = &word->pieces[i];
        if (!piece->is_place) {
            fr_text_add(out, "%s", piece->text);
            continue;
        }
        fr_text_add(out, piece->quoted ? "${" : "\"${");
        if (fr_space_find(space, piece->text) < space->n)
            fr_command_variable(piece->text, out);
        else
            add_place_variable(piece->text, out);
        fr_text_add(out, piece->quoted ? "}" : "}\"");
    }
}

fr_status fr_command_arguments(const fr_command_call *call, fr_strings *out)
{
    if (!call->external->study->objective.shell) return split_arguments(call, out);
    fr_text text = {0};
    shell_text(call, &text);
    fr_status st = text.failed ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK) st = fr_strings_add(out, "/bin/sh");
    if (st == FR_OK) st = fr_strings_add(out, "-c");
    if (st == FR_OK) st = fr_strings_add(out, fr_text_get(&text));
    fr_text_clear(&text);
    return st;
}

/* ---- environment ---- */

static fr_status add_variable(fr_strings *out, const fr_text *entry)
{
    return entry->failed ? FR_ERR_MEMORY : fr_strings_add(out, fr_text_get(entry));
}

static fr_status add_places(const fr_command_call *call, fr_strings *out)
{
    fr_status st = FR_OK;
    for (size_t i = 0; fr_command_places[i] != NULL && st == FR_OK; i++) {
        fr_text entry = {0};
        add_place_variable(fr_command_places[i], &entry);
        fr_text_add(&entry, "=");
        add_place(call, fr_command_places[i], &entry);
        st = add_variable(out, &entry);
        fr_text_clear(&entry);
    }
    return st;
}

static fr_status add_parameters(const fr_command_call *call, fr_strings *out)
{
    const fr_space *space = &call->external->study->space;
    fr_status st = FR_OK;
    for (size_t j = 0; j < space->n && st == FR_OK; j++) {
        if (isnan(call->task->point[j])) continue;
        fr_text entry = {0};
        fr_command_variable(space->params[j].name, &entry);
        fr_text_add(&entry, "=");
        fr_value_text(&space->params[j], call->task->point[j], &entry);
        st = add_variable(out, &entry);
        fr_text_clear(&entry);
    }
    return st;
}

/* Threads as the study says, or the node's cores are used several times over; Python must not
 * keep reports in a buffer until the end. */
static fr_status add_settings(const fr_command_call *call, fr_strings *out)
{
    static const char *const visible[] = {"CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES",
                                          "ROCR_VISIBLE_DEVICES"};
    const fr_external *x = call->external;
    fr_text entry = {0};
    fr_text_add(&entry, "OMP_NUM_THREADS=%d", x->place.threads);
    fr_status st = add_variable(out, &entry);
    fr_text_clear(&entry);
    if (st == FR_OK) st = fr_strings_add(out, "PYTHONUNBUFFERED=1");
    for (size_t i = 0; x->gpus.length > 0 && st == FR_OK && i < 3; i++) {
        if (i > 0 && getenv(visible[i]) == NULL) continue;
        fr_text_add(&entry, "%s=%s", visible[i], fr_text_get(&x->gpus));
        st = add_variable(out, &entry);
        fr_text_clear(&entry);
    }
    return st;
}

/* The name of an entry is among those that are set already. */
static bool is_set(const fr_strings *ours, const char *entry)
{
    const size_t length = strcspn(entry, "=") + 1;
    for (size_t i = 0; i < ours->n; i++)
        if (strncmp(ours->item[i], entry, length) == 0) return true;
    return false;
}

static bool is_inherited(const char *entry)
{
    if (starts_with(entry, parameter_prefix)) return false;
    if (starts_with(entry, allowed_prefix)) return true;
    for (size_t i = 0; i < sizeof launcher_prefixes / sizeof *launcher_prefixes; i++)
        if (starts_with(entry, launcher_prefixes[i])) return false;
    return true;
}

fr_status fr_command_environment(const fr_command_call *call, fr_strings *out)
{
    FR_TRY(add_places(call, out));
    FR_TRY(add_parameters(call, out));
    FR_TRY(add_settings(call, out));
    for (char **entry = environ; *entry != NULL; entry++)
        if (is_inherited(*entry) && !is_set(out, *entry)) FR_TRY(fr_strings_add(out, *entry));
    return FR_OK;
}
