/* SPDX-License-Identifier: BSD-3-Clause */
/* command.c - a task that is a program of its own: started, listened to, ended when it is
 * beaten, too slow or no longer wanted, and judged by how it ended.
 *
 * In TASK, the directory output/trials/TRIAL/foldFOLD, are parameters.json and output.log. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "foldrank/clock.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "internal.h"
#include "process.h"
#include "task_log.h"

/* Between two looks at the stop flag [s]. */
static const double look_seconds = 0.05;

enum { LINE_SIZE = 4096, SHOWN = 300 };

typedef enum { NOT_ENDED, BY_REPORTS, BY_TIMEOUT, BY_STOP } ended_by;

/* Lines out of a stream of bytes; longer ones are nothing that is meant for us. */
typedef struct {
    char text[LINE_SIZE];
    size_t length;
    bool too_long;
} line_buffer;

typedef struct {
    const fr_external *external;
    const fr_task *task;
    fr_reports reports;
    fr_text directory, parameters;
    fr_strings argv, envp;
    char **argv_list, **envp_list; /* the same, NULL-terminated; entries borrowed */
    fr_process process;
    fr_task_log log;
    line_buffer line[2];
    char last_error[SHOWN]; /* last line on stderr that has something in it */
    char odd_line[SHOWN];   /* a line that began as ours, and had no value */
    ended_by ended;
} command_task;

/* ---- the start ---- */

static fr_status write_parameters(command_task *c)
{
    const char *path = fr_text_get(&c->parameters);
    fr_text json = {0};
    fr_point_json(&c->external->study->space, c->task->point, &json);
    if (json.failed) return FR_ERR_MEMORY;
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    const ssize_t n = fd < 0 ? -1 : write(fd, json.data, json.length);
    const int why = n < 0 ? errno : ENOSPC;
    if (fd >= 0) close(fd);
    const bool good = n == (ssize_t)json.length;
    fr_text_clear(&json);
    return good ? FR_OK : FR_FAIL(FR_ERR_IO, "cannot write %s: %s", path, strerror(why));
}

static fr_status terminate(const fr_strings *list, char ***out)
{
    *out = fr_alloc(list->n + 1, sizeof **out);
    if (*out == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < list->n; i++) (*out)[i] = list->item[i];
    return FR_OK;
}

/* What is run, as a person could type it. */
static void log_command(command_task *c)
{
    fr_text line = {0};
    fr_text_add(&line, "$");
    for (size_t i = 0; i < c->argv.n; i++) {
        const char *word = c->argv.item[i];
        const bool plain =
            *word != '\0' && strpbrk(word, " \t\n\"'\\$`&|;<>()*?[]{}#~") == NULL;
        fr_text_add(&line, plain ? " " : " '");
        for (const char *at = word; *at != '\0'; at++)
            fr_text_append(&line, *at == '\'' ? "'\\''" : at, *at == '\'' ? 4 : 1);
        fr_text_add(&line, plain ? "" : "'");
    }
    fr_text_add(&line, "\n");
    fr_task_log_add(&c->log, fr_text_get(&line), line.length);
    fr_text_clear(&line);
}

static fr_status prepare(command_task *c)
{
    FR_TRY(fr_external_directory(c->external, c->task, &c->directory));
    fr_text_add(&c->parameters, "%s/parameters.json", fr_text_get(&c->directory));
    FR_TRY(write_parameters(c));
    const fr_command_call call = {.external = c->external,
                                  .task = c->task,
                                  .directory = fr_text_get(&c->directory),
                                  .parameters = fr_text_get(&c->parameters)};
    FR_TRY(fr_command_arguments(&call, &c->argv));
    FR_TRY(fr_command_environment(&call, &c->envp));
    FR_TRY(terminate(&c->argv, &c->argv_list));
    FR_TRY(terminate(&c->envp, &c->envp_list));
    fr_text path = {0};
    fr_text_add(&path, "%s/output.log", fr_text_get(&c->directory));
    const fr_status st =
        path.failed ? FR_ERR_MEMORY : fr_task_log_open(fr_text_get(&path), &c->log);
    fr_text_clear(&path);
    if (st == FR_OK) log_command(c);
    return st;
}

static fr_status start(command_task *c)
{
    const char *guard = c->external->place.guard;
    const fr_process_request request = {.guard = guard != NULL ? guard : "/proc/self/exe",
                                        .argv = c->argv_list,
                                        .envp = c->envp_list,
                                        .grace = c->external->study->objective.grace};
    return fr_process_start(&request, &c->process);
}

/* ---- while it runs ---- */

static fr_status read_report(command_task *c, const char *line)
{
    bool understood = true;
    FR_TRY(
        fr_reports_read(&c->reports, line, c->external->study->objective.metric, &understood));
    if (!understood) snprintf(c->odd_line, sizeof c->odd_line, "%s", line);
    return FR_OK;
}

static fr_status end_line(command_task *c, int stream)
{
    line_buffer *buffer = &c->line[stream];
    buffer->text[buffer->length] = '\0';
    const bool has_text = strspn(buffer->text, " \t") < buffer->length && !buffer->too_long;
    fr_status st = FR_OK;
    if (has_text && stream == 0) st = read_report(c, buffer->text);
    if (has_text && stream == 1)
        snprintf(c->last_error, sizeof c->last_error, "%s", buffer->text);
    buffer->length = 0;
    buffer->too_long = false;
    return st;
}

static void add_to_line(line_buffer *buffer, const char *bytes, size_t n)
{
    const size_t room = LINE_SIZE - 1 - buffer->length;
    if (n > room) buffer->too_long = true;
    if (n > room) n = room;
    memcpy(buffer->text + buffer->length, bytes, n);
    buffer->length += n;
}

/* Progress bars end their lines with a carriage return. */
static size_t line_length(const char *bytes, size_t n, bool *ends)
{
    const char *feed = memchr(bytes, '\n', n);
    const size_t length = feed != NULL ? (size_t)(feed - bytes) : n;
    const char *back = memchr(bytes, '\r', length);
    *ends = feed != NULL || back != NULL;
    return back != NULL ? (size_t)(back - bytes) : length;
}

static fr_status take_output(void *context, int stream, const char *bytes, size_t n)
{
    command_task *c = context;
    fr_task_log_add(&c->log, bytes, n);
    while (n > 0) {
        bool ends;
        const size_t length = line_length(bytes, n, &ends);
        add_to_line(&c->line[stream], bytes, length);
        if (ends) FR_TRY(end_line(c, stream));
        bytes += length + ends;
        n -= length + ends;
    }
    return FR_OK;
}

/* The first reason to end it counts. */
static ended_by reason_to_end(const command_task *c, const atomic_bool *stop, double started)
{
    const double timeout = c->external->study->objective.timeout;
    if (c->reports.verdict != FR_REPORT_GO_ON) return BY_REPORTS;
    if (stop != NULL && atomic_load(stop)) return BY_STOP;
    if (timeout > 0 && fr_clock_now() - started >= timeout) return BY_TIMEOUT;
    return NOT_ENDED;
}

static fr_status run(command_task *c, const atomic_bool *stop)
{
    const double started = fr_clock_now();
    while (!c->process.over) {
        FR_TRY(fr_process_wait(&c->process, look_seconds, take_output, c));
        if (c->process.over || c->ended != NOT_ENDED) continue;
        c->ended = reason_to_end(c, stop, started);
        if (c->ended != NOT_ENDED) fr_process_end(&c->process);
    }
    for (int stream = 0; stream < 2; stream++) FR_TRY(end_line(c, stream));
    return FR_OK;
}

/* ---- the verdict ---- */

static fr_status fail(command_task *c, fr_trial_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static fr_status fail(command_task *c, fr_trial_state state, const char *format, ...)
{
    char text[3 * SHOWN];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    FR_TRY(fr_task_fail(c->reports.result, text));
    c->reports.result->state = state;
    return FR_OK;
}

static fr_status fail_to_start(const command_task *c)
{
    char host[64] = "";
    if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
    return FR_FAIL(FR_ERR_USAGE, "objective.run: cannot start `%s` on host %s: %s",
                   c->argv.item[0], host, strerror(c->process.outcome.number));
}

static fr_status time_out(command_task *c)
{
    char time[FR_NUMBER_SIZE];
    fr_format_duration(c->external->study->objective.timeout, time);
    if (c->reports.last_step == 0) return fail(c, FR_TRIAL_TIMEOUT, "no end after %s", time);
    return fail(c, FR_TRIAL_TIMEOUT, "no end after %s; the last report was of step %u", time,
                (unsigned)c->reports.last_step);
}

static fr_status judge_value(command_task *c)
{
    if (fr_reports_settle(&c->reports)) return FR_OK;
    if (c->odd_line[0] != '\0')
        return fail(c, FR_TRIAL_FAILED, "no value: the line `%.*s` has none", SHOWN,
                    c->odd_line);
    return fail(c, FR_TRIAL_FAILED,
                "no value: it printed no line `foldrank value=NUMBER` (output.log has what it "
                "did print)");
}

/* It ended by itself. */
static fr_status judge_end(command_task *c)
{
    const fr_guard_report *end = &c->process.outcome;
    const char *colon = c->last_error[0] != '\0' ? ": " : "";
    if (end->outcome == FR_GUARD_START) return fail_to_start(c);
    if (end->outcome == FR_GUARD_SIGNAL)
        return fail(c, FR_TRIAL_FAILED, "ended by signal %d (%s)%s%.*s", end->number,
                    strsignal(end->number), colon, SHOWN, c->last_error);
    if (end->number != 0)
        return fail(c, FR_TRIAL_FAILED, "exit status %d%s%.*s", end->number, colon, SHOWN,
                    c->last_error);
    return judge_value(c);
}

static fr_status judge(command_task *c)
{
    switch (c->ended) {
    case BY_STOP:
        c->reports.result->state = FR_TRIAL_INTERRUPTED;
        return FR_OK;
    case BY_TIMEOUT:
        /* Unless what it said before decides. */
        if (c->reports.verdict == FR_REPORT_GO_ON) return time_out(c);
        return judge_value(c);
    case BY_REPORTS:
        return judge_value(c);
    default:
        return c->reports.verdict == FR_REPORT_GO_ON ? judge_end(c) : judge_value(c);
    }
}

/* Appended to the log, for whoever looks there first. */
static void note_end(command_task *c)
{
    static const char *const reasons[] = {[NOT_ENDED] = "",
                                          [BY_REPORTS] = "its reports",
                                          [BY_TIMEOUT] = "the timeout",
                                          [BY_STOP] = "the end of the run"};
    const fr_guard_report *end = &c->process.outcome;
    const fr_fold_result *result = c->reports.result;
    fr_text note = {0};
    if (c->ended != NOT_ENDED)
        fr_text_add(&note, "[foldrank: ended early because of %s]\n", reasons[c->ended]);
    if (end->left_behind > 0)
        fr_text_add(&note, "[foldrank: ended %d processes that it had left behind]\n",
                    end->left_behind);
    fr_text_add(&note, "[foldrank: %s%s%s]\n", fr_trial_state_word(result->state),
                result->message == NULL ? "" : ": ",
                result->message == NULL ? "" : result->message);
    fr_task_log_close(&c->log, fr_text_get(&note));
    fr_text_clear(&note);
    if (end->immortal)
        fr_log_all(FR_LOG_WARN, "objective trial=%llu fold=%u: a process could not be killed",
                   (unsigned long long)c->task->trial, (unsigned)c->task->fold);
}

static void clear(command_task *c)
{
    fr_process_close(&c->process);
    fr_task_log_close(&c->log, NULL);
    fr_text_clear(&c->directory);
    fr_text_clear(&c->parameters);
    fr_strings_clear(&c->argv);
    fr_strings_clear(&c->envp);
    free(c->argv_list);
    free(c->envp_list);
    free(c);
}

fr_status fr_command_evaluate(const fr_external *external, const fr_task *task,
                              const atomic_bool *stop, fr_fold_result *result)
{
    command_task *c = fr_alloc(1, sizeof *c);
    if (c == NULL) return FR_ERR_MEMORY;
    c->external = external;
    c->task = task;
    c->log.fd = -1;
    c->process = (fr_process){.guard = -1, .control = -1, .report = -1, .stream = {-1, -1}};
    fr_reports_init(&c->reports, external->study, task, result);
    fr_status st = prepare(c);
    if (st == FR_OK) st = start(c);
    if (st == FR_OK) st = run(c, stop);
    if (st == FR_OK) st = judge(c);
    if (st == FR_OK) note_end(c);
    clear(c);
    return st;
}
