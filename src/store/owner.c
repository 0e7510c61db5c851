/* SPDX-License-Identifier: BSD-3-Clause */
/* owner.c - the process behind a lock, and whether it still lives.
 *
 * On this host the kernel knows: process number, start time and boot together name a process
 * for ever. On another host only Slurm can be asked about its job; without an answer the owner
 * is taken to be alive, because two runs in one directory are worse than a question to the
 * user. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "foldrank/ask.h"
#include "foldrank/clock.h"
#include "foldrank/text.h"
#include "internal.h"

const char *fr_store_iso_time(double epoch, char out[32])
{
    struct tm parts = {0};
    const time_t seconds = epoch > 0 && epoch < 2.5e11 ? (time_t)epoch : 0;
    gmtime_r(&seconds, &parts);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return out;
}

/* First line of a small file, without its end; "" when it cannot be read. */
static void read_line(const char *path, char *out, size_t size)
{
    out[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL) return;
    if (fgets(out, (int)size, file) == NULL) out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

/* /proc/PID/stat from the last ')' on, as a program's name may hold anything (proc(5)); NULL
 * when there is none. `line` has `size` bytes. */
static const char *read_stat(int64_t pid, char *line, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    read_line(path, line, size);
    return strrchr(line, ')');
}

/* Killed and not yet waited for: in a container without a proper init that may last for ever.
 */
static bool is_zombie(int64_t pid)
{
    char line[2048];
    const char *at = read_stat(pid, line, sizeof line);
    return at != NULL && strncmp(at, ") ", 2) == 0 && strchr("ZXx", at[2]) != NULL;
}

/* Field 22, start time in clock ticks; 0 when it cannot be told. */
static int64_t process_start(int64_t pid)
{
    char line[2048];
    const char *at = read_stat(pid, line, sizeof line);
    int64_t start = 0;
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
        if (at != NULL && field == 21) start = strtoll(at, NULL, 10);
    }
    return start;
}

static void copy_word(char *out, size_t size, const char *word)
{
    size_t n = 0;
    while (word != NULL && word[n] != '\0' && n + 1 < size) {
        const char c = word[n];
        out[n++] = c > ' ' && c < 0x7f ? c : '_'; /* one word a line: nothing to quote */
    }
    out[n] = '\0';
}

fr_owner fr_owner_self(void)
{
    fr_owner self = {.pid = getpid(), .started = process_start(getpid())};
    char host[sizeof self.host] = "";
    if (gethostname(host, sizeof host - 1) != 0) strcpy(host, "unknown");
    copy_word(self.host, sizeof self.host, host);
    read_line("/proc/sys/kernel/random/boot_id", self.boot, sizeof self.boot);
    copy_word(self.job, sizeof self.job, getenv("SLURM_JOB_ID"));
    const char *restarts = getenv("SLURM_RESTART_COUNT");
    if (restarts == NULL || !fr_parse_int(restarts, &self.restarts)) self.restarts = 0;
    fr_store_iso_time(fr_clock_epoch(), self.since);
    return self;
}

void fr_owner_format(const fr_owner *owner, fr_text *out)
{
    fr_text_add(out, "host %s\npid %lld\nstarted %lld\n", owner->host, (long long)owner->pid,
                (long long)owner->started);
    fr_text_add(out, "boot %s\njob %s\nrestarts %lld\nsince %s\nend\n", owner->boot, owner->job,
                (long long)owner->restarts, owner->since);
}

/* The value of the line `key value` in `text`. */
static bool find_value(const char *text, const char *key, char *out, size_t size)
{
    const size_t length = strlen(key);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        if (strncmp(line, key, length) != 0 || line[length] != ' ') continue;
        const char *value = line + length + 1;
        const size_t n = strcspn(value, "\n");
        if (value[n] != '\n' || n >= size) return false;
        memcpy(out, value, n);
        out[n] = '\0';
        return true;
    }
    return false;
}

bool fr_owner_parse(const char *text, fr_owner *out)
{
    char pid[32], started[32], restarts[32];
    *out = (fr_owner){0};
    return strstr(text, "\nend\n") != NULL &&
           find_value(text, "host", out->host, sizeof out->host) &&
           find_value(text, "pid", pid, sizeof pid) && fr_parse_int(pid, &out->pid) &&
           find_value(text, "started", started, sizeof started) &&
           fr_parse_int(started, &out->started) &&
           find_value(text, "boot", out->boot, sizeof out->boot) &&
           find_value(text, "job", out->job, sizeof out->job) &&
           find_value(text, "restarts", restarts, sizeof restarts) &&
           fr_parse_int(restarts, &out->restarts) &&
           find_value(text, "since", out->since, sizeof out->since);
}

/* A job that ended lately is not listed; one that ended longer ago (MinJobAge) is unknown. */
static bool job_has_ended(const char *job)
{
    char answer[512];
    if (job[0] == '\0' || strspn(job, "0123456789_") != strlen(job)) return false;
    const char *const question[] = {"squeue", "--noheader", "--format=%T", "--jobs", job, NULL};
    const int status = fr_ask(question, true, answer, sizeof answer);
    if (status == 0) return answer[strspn(answer, " \n")] == '\0';
    return status > 0 && strstr(answer, "Invalid job id") != NULL;
}

bool fr_owner_is_gone(const fr_owner *owner, const fr_owner *self)
{
    if (strcmp(owner->host, self->host) == 0) {
        if (strcmp(owner->boot, self->boot) != 0) return true;
        if (owner->pid <= 0 || (kill((pid_t)owner->pid, 0) != 0 && errno == ESRCH)) return true;
        if (is_zombie(owner->pid)) return true;
        const int64_t started = process_start(owner->pid);
        return started != 0 && owner->started != 0 && started != owner->started;
    }
    if (owner->job[0] == '\0') return false;
    if (strcmp(owner->job, self->job) == 0) return owner->restarts < self->restarts;
    return job_has_ended(owner->job);
}
