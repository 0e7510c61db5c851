/* SPDX-License-Identifier: BSD-3-Clause */
/* guard.c - `foldrank guard GRACE PROGRAM ARGUMENT...`: what stands between a rank and a
 * program that it runs; see guard.h. Not for people: ranks start it. One thread, no MPI. The
 * guard is a subreaper (prctl(2)): whatever loses its parent below becomes its child, so that
 * killing all children until there are none leaves nothing behind. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "foldrank/clock.h"
#include "foldrank/guard.h"

/* What a program leaves running gets so long after SIGTERM [s]; and what even SIGKILL does not
 * end, as in a read from a dead file server, is given up after so long. */
static const double left_behind_seconds = 1.0, immortal_seconds = 5.0;

enum { FAILURE = 125, SWEEP_MS = 20 };

typedef enum {
    RUNNING,
    ASKED,   /* SIGTERM was sent to the program's group */
    LEFT,    /* the program has ended, its descendants have had SIGTERM */
    KILLING, /* SIGKILL to all, until there are none */
} phase;

typedef struct {
    phase phase;
    double grace, deadline; /* of ASKED, LEFT and KILLING */
    pid_t program;          /* also its group */
    bool ended;
    fr_guard_report report;
} guard;

/* Parent of a process, from /proc/PID/stat; 0 when it is gone. */
static pid_t parent_of(const char *pid)
{
    char path[64], text[512];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%.32s/stat", pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    const ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *behind_name = strrchr(text, ')'); /* the name may have anything in it */
    if (behind_name == NULL || sscanf(behind_name, ") %*c %d", &parent) != 1) return 0;
    return parent;
}

/* Send a signal to the program's group and to all direct children; the number of children. */
static int signal_all(const guard *g, int number)
{
    int n = 0;
    DIR *dir = opendir("/proc");
    if (!g->ended) kill(-g->program, number);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        if (parent_of(entry->d_name) != getpid()) continue;
        n += kill(atoi(entry->d_name), number) == 0;
    }
    if (dir != NULL) closedir(dir);
    return n;
}

static void kill_all(guard *g)
{
    if (g->phase != KILLING) g->deadline = fr_clock_now() + immortal_seconds;
    g->phase = KILLING;
    signal_all(g, SIGKILL);
}

/* Wait for what has ended; true when a child is left. */
static bool reap_all(void)
{
    pid_t pid;
    do pid = waitpid(-1, NULL, WNOHANG);
    while (pid > 0);
    return pid == 0 || errno != ECHILD;
}

/* Its group may outlive it, but its number is safe only as long as it is not waited for. */
static void note_end(guard *g)
{
    siginfo_t info = {0};
    if (g->ended || waitid(P_PID, (id_t)g->program, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0)
        return;
    const bool exited = info.si_code == CLD_EXITED;
    g->report.outcome = exited ? FR_GUARD_EXIT : FR_GUARD_SIGNAL;
    g->report.number = info.si_status;
    kill(-g->program, g->phase == KILLING ? SIGKILL : SIGTERM);
    waitpid(g->program, NULL, 0);
    g->ended = true;
    /* The children of the dead are ours by now. */
    if (!reap_all() || g->phase == KILLING) return;
    g->phase = LEFT;
    g->deadline = fr_clock_now() + left_behind_seconds;
    g->report.left_behind = signal_all(g, SIGTERM);
}

/* True when no child is left. */
static bool reap(guard *g)
{
    note_end(g);
    return g->ended && !reap_all();
}

/* Adopted children while the program runs: only they are waited for. */
static void reap_adopted(const guard *g)
{
    siginfo_t info = {0};
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
           info.si_pid != g->program) {
        waitpid(info.si_pid, NULL, 0);
        info = (siginfo_t){0};
    }
}

static void listen_to_rank(guard *g)
{
    char byte = 0;
    const ssize_t n = read(FR_GUARD_CONTROL, &byte, 1);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
        kill_all(g); /* the rank is dead */
    } else if (n == 1 && g->phase == RUNNING) {
        g->phase = ASKED;
        g->deadline = fr_clock_now() + g->grace;
        kill(-g->program, SIGTERM);
    }
}

static int poll_ms(const guard *g)
{
    if (g->phase == RUNNING) return -1;
    if (g->phase == KILLING) return SWEEP_MS;
    const double left = g->deadline - fr_clock_now();
    return left > 0 ? (int)(left * 1e3) + 1 : 0;
}

static void check_deadline(guard *g)
{
    if (g->phase == RUNNING || (g->phase != KILLING && fr_clock_now() < g->deadline)) return;
    if (g->phase == KILLING && fr_clock_now() >= g->deadline) g->report.immortal = 1;
    kill_all(g);
}

static void watch(guard *g, int children)
{
    bool rank_is_there = true;
    while (!reap(g) && !g->report.immortal) {
        struct signalfd_siginfo ignored;
        struct pollfd fds[2] = {
            {.fd = children, .events = POLLIN},
            {.fd = rank_is_there ? FR_GUARD_CONTROL : -1, .events = POLLIN}};
        if (poll(fds, 2, poll_ms(g)) > 0) {
            if (fds[0].revents != 0)
                while (read(children, &ignored, sizeof ignored) > 0) continue;
            if (fds[1].revents != 0) listen_to_rank(g);
            if (g->phase == KILLING) rank_is_there = false;
        }
        if (!g->ended) reap_adopted(g);
        check_deadline(g);
    }
}

/* In the child: become the program. */
static void become(char *const argv[], pid_t guard_pid, int failure)
{
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a guard that is killed takes the program along */
    if (getppid() != guard_pid) _exit(FAILURE);
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(argv[0], argv);
    const int code = errno;
    if (write(failure, &code, sizeof code) != (ssize_t)sizeof code) _exit(FAILURE);
    _exit(FAILURE);
}

/* 0, or the error number of fork or exec. */
static int start(guard *g, char *const argv[])
{
    int failure[2], code = 0;
    const pid_t self = getpid();
    if (pipe2(failure, O_CLOEXEC) != 0) return errno;
    g->program = fork();
    if (g->program < 0) return errno;
    if (g->program == 0) become(argv, self, failure[1]);
    close(failure[1]);
    setpgid(g->program, g->program); /* whoever comes first */
    if (read(failure[0], &code, sizeof code) != (ssize_t)sizeof code) code = 0;
    close(failure[0]);
    if (code != 0) waitpid(g->program, NULL, 0);
    return code;
}

/* The rank decides when a program ends: what a terminal or a scheduler sends to everybody goes
 * past the guard. */
static int prepare(void)
{
    sigset_t children;
    static const int deaf_to[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE};
    for (size_t i = 0; i < sizeof deaf_to / sizeof *deaf_to; i++) signal(deaf_to[i], SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    return signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Nothing of the rank's but the pipes reaches the program. */
static void close_others(void)
{
    const int first = FR_GUARD_REPORT + 1;
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
    const long most = sysconf(_SC_OPEN_MAX);
    for (int fd = first; fd < (most > 0 && most < 65536 ? most : 65536); fd++) close(fd);
}

int fr_guard_main(int argc, char **argv)
{
    guard g = {.phase = RUNNING};
    if (argc < 2 || fcntl(FR_GUARD_CONTROL, F_GETFD) < 0 ||
        fcntl(FR_GUARD_REPORT, F_GETFD) < 0) {
        fprintf(stderr, "foldrank guard is started by foldrank run, not by people\n");
        return fr_status_exit_code(FR_ERR_USAGE);
    }
    g.grace = atof(argv[0]);
    close_others();
    fcntl(FR_GUARD_CONTROL, F_SETFD, FD_CLOEXEC);
    fcntl(FR_GUARD_REPORT, F_SETFD, FD_CLOEXEC);
    const int children = prepare();
    const int code = start(&g, argv + 1);
    if (code != 0)
        g.report = (fr_guard_report){.outcome = FR_GUARD_START, .number = code};
    else
        watch(&g, children);
    const ssize_t n = write(FR_GUARD_REPORT, &g.report, sizeof g.report);
    return n == (ssize_t)sizeof g.report ? 0 : FAILURE;
}
