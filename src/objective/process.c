/* SPDX-License-Identifier: BSD-3-Clause */
/* process.c - the rank's side of a guarded program. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "foldrank/clock.h"
#include "foldrank/memory.h"

enum { PIPES = 4, FIRST_FREE = 16, PIECE = 64 << 10, DRAIN_PIECES = 64 };

/* Beyond the grace: for a guard that is busy killing. */
static const double spare_seconds = 10.0;

static const int guard_end[PIPES] = {1, 1, 0, 1}; /* which end of the pipe is the guard's */
static const int guard_fd[PIPES] = {STDOUT_FILENO, STDERR_FILENO, FR_GUARD_CONTROL,
                                    FR_GUARD_REPORT};

static void close_pipes(int pipes[PIPES][2], bool mine, bool the_guards)
{
    for (int p = 0; p < PIPES; p++) {
        for (int end = 0; end < 2; end++) {
            const bool is_guards = end == guard_end[p];
            if (pipes[p][end] < 0 || !(is_guards ? the_guards : mine)) continue;
            close(pipes[p][end]);
            pipes[p][end] = -1;
        }
    }
}

/* Both ends above the numbers that the guard will use, and closed in whatever else is started.
 * Writing to a guard that has ended raises no signal on a socket. */
static bool open_pipe(int ends[2], bool is_control)
{
    int raw[2];
    if (is_control ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, raw) != 0
                   : pipe2(raw, O_CLOEXEC) != 0)
        return false;
    for (int end = 0; end < 2; end++) {
        ends[end] = fcntl(raw[end], F_DUPFD_CLOEXEC, FIRST_FREE);
        close(raw[end]);
    }
    return ends[0] >= 0 && ends[1] >= 0;
}

/* Returns an error number. */
static int spawn(const fr_process_request *request, int pipes[PIPES][2], pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char grace[32];
    size_t n = 0;
    while (request->argv[n] != NULL) n++;
    char **argv = fr_alloc(n + 4, sizeof *argv);
    if (argv == NULL) return ENOMEM;
    snprintf(grace, sizeof grace, "%.3f", request->grace);
    argv[0] = (char *)request->guard;
    argv[1] = "guard";
    argv[2] = grace;
    memcpy(argv + 3, request->argv, (n + 1) * sizeof *argv);
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    for (int p = 0; p < PIPES; p++)
        posix_spawn_file_actions_adddup2(&files, pipes[p][guard_end[p]], guard_fd[p]);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    const int code = posix_spawn(pid, request->guard, &files, &attributes, argv, request->envp);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    free(argv);
    return code;
}

fr_status fr_process_start(const fr_process_request *request, fr_process *process)
{
    int pipes[PIPES][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    *process = (fr_process){.guard = -1, .control = -1, .report = -1, .stream = {-1, -1}};
    int code = 0;
    for (int p = 0; p < PIPES && code == 0; p++)
        if (!open_pipe(pipes[p], guard_fd[p] == FR_GUARD_CONTROL)) code = errno;
    if (code == 0) code = spawn(request, pipes, &process->guard);
    close_pipes(pipes, code != 0, true);
    if (code != 0)
        return FR_FAIL(FR_ERR_STATE, "cannot start %s, which starts commands: %s",
                       request->guard, strerror(code));
    for (int s = 0; s < 2; s++) {
        process->stream[s] = pipes[s][0];
        fcntl(process->stream[s], F_SETFL, O_NONBLOCK);
    }
    process->control = pipes[2][1];
    process->report = pipes[3][0];
    process->grace = request->grace;
    return FR_OK;
}

void fr_process_end(fr_process *process)
{
    if (process->told) return;
    process->told = true;
    process->patience = fr_clock_now() + process->grace + spare_seconds;
    if (send(process->control, "T", 1, MSG_NOSIGNAL) != 1) return; /* it has ended already */
}

/* What is there, piece by piece; *empty when there is no more for now. */
static fr_status read_piece(fr_process *process, int stream, fr_process_sink *sink,
                            void *context, bool *empty)
{
    char bytes[PIECE];
    int *fd = &process->stream[stream];
    *empty = true;
    if (*fd < 0) return FR_OK;
    const ssize_t n = read(*fd, bytes, sizeof bytes);
    if (n > 0) {
        *empty = false;
        return sink(context, stream, bytes, (size_t)n);
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
    return FR_OK;
}

/* The program is gone: what is left in the pipes. A process out of the guard's reach may hold
 * one open, or fill it, for ever: nobody waits for its end. */
static fr_status drain(fr_process *process, fr_process_sink *sink, void *context)
{
    for (int stream = 0; stream < 2; stream++) {
        bool empty = false;
        for (int piece = 0; !empty && piece < DRAIN_PIECES; piece++)
            FR_TRY(read_piece(process, stream, sink, context, &empty));
    }
    return FR_OK;
}

static fr_status take_report(fr_process *process, fr_process_sink *sink, void *context)
{
    ssize_t n;
    do n = read(process->report, &process->outcome, sizeof process->outcome);
    while (n < 0 && errno == EINTR);
    FR_TRY(drain(process, sink, context));
    process->over = true;
    if (n == (ssize_t)sizeof process->outcome) return FR_OK;
    process->outcome = (fr_guard_report){.outcome = FR_GUARD_SIGNAL, .number = SIGKILL};
    if (process->told) return FR_OK;
    return FR_FAIL(FR_ERR_STATE, "the guard of a command was killed");
}

fr_status fr_process_wait(fr_process *process, double seconds, fr_process_sink *sink,
                          void *context)
{
    struct pollfd fds[3] = {{.fd = process->stream[0], .events = POLLIN},
                            {.fd = process->stream[1], .events = POLLIN},
                            {.fd = process->report, .events = POLLIN}};
    bool empty;
    if (process->over) return FR_OK;
    if (process->told && fr_clock_now() > process->patience) {
        kill(process->guard, SIGKILL);
        process->patience = fr_clock_now() + spare_seconds;
    }
    if (poll(fds, 3, (int)(seconds * 1e3) + 1) <= 0) return FR_OK;
    for (int stream = 0; stream < 2; stream++)
        if (fds[stream].revents != 0)
            FR_TRY(read_piece(process, stream, sink, context, &empty));
    return fds[2].revents != 0 ? take_report(process, sink, context) : FR_OK;
}

void fr_process_close(fr_process *process)
{
    /* Without the rank's end of the pipe the guard kills all and ends. */
    if (process->control >= 0) close(process->control);
    if (process->report >= 0) {
        char ignored[sizeof(fr_guard_report)];
        struct pollfd report = {.fd = process->report, .events = POLLIN};
        if (!process->over && poll(&report, 1, (int)(spare_seconds * 1e3)) > 0)
            while (read(process->report, ignored, sizeof ignored) > 0) continue;
        close(process->report);
    }
    for (int stream = 0; stream < 2; stream++)
        if (process->stream[stream] >= 0) close(process->stream[stream]);
    if (process->guard > 0) {
        if (!process->over) kill(process->guard, SIGKILL);
        while (waitpid(process->guard, NULL, 0) < 0 && errno == EINTR) continue;
    }
    *process = (fr_process){.guard = -1, .control = -1, .report = -1, .stream = {-1, -1}};
}
