/* SPDX-License-Identifier: BSD-3-Clause */
/* ask.c - a pipe from a spawned program. */
#include "foldrank/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

/* All that comes, of which `answer` keeps the beginning: a program without room would block. */
static void read_answer(int from, char *answer, size_t size)
{
    size_t have = 0;
    char rest[256];
    for (ssize_t n = 1; n > 0;) {
        const bool room = have + 1 < size;
        n = read(from, room ? answer + have : rest, room ? size - 1 - have : sizeof rest);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0 && room)
            have += (size_t)n;
    }
    answer[have] = '\0';
}

int fr_ask(const char *const arguments[], bool errors, char *answer, size_t size)
{
    int ends[2], status = 0;
    pid_t child = 0;
    posix_spawn_file_actions_t actions;
    answer[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (errors) posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    const int failed = posix_spawnp(&child, arguments[0], &actions, NULL,
                                    (char *const *)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (failed == 0) read_answer(ends[0], answer, size);
    close(ends[0]);
    if (failed != 0) return -1;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
