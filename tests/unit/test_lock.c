/* SPDX-License-Identifier: BSD-3-Clause */
/* test_lock.c - one run at a time, whoever starts, dies or comes back, on whichever host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/store/internal.h"
#include "foldrank/clock.h"
#include "foldrank/log.h"
#include "foldrank/text.h"

static char base[64];
static bool without_kernel_locks;

/* In the place of the C library's: a file system that knows no locks. */
int fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (without_kernel_locks && command == F_OFD_SETLK) {
        errno = ENOLCK;
        return -1;
    }
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

static const char *in_base(const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", base, name);
    return path[turn];
}

static int setup(void **state)
{
    (void)state;
    fr_log_setup(0, FR_LOG_ERROR);
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
    strcpy(base, "/dev/shm/fr_lock_XXXXXX"); /* no waiting for disks: more attempts */
    if (mkdtemp(base) != NULL) return 0;
    strcpy(base, "/tmp/fr_lock_XXXXXX");
    return mkdtemp(base) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", base);
    return system(command);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void write_lock(const fr_owner *owner)
{
    fr_text text = {0};
    fr_owner_format(owner, &text);
    write_file(in_base("lock"), text.data, 0644);
    fr_text_clear(&text);
}

static fr_status take(void)
{
    fr_lock *lock = NULL;
    const fr_status st = fr_lock_take(base, &lock);
    assert_int_equal(st == FR_OK, lock != NULL);
    fr_lock_release(&lock);
    assert_null(lock);
    return st;
}

static void test_takes_and_releases(void **state)
{
    (void)state;
    fr_lock *lock = NULL, *second = NULL;
    char deep[512];
    snprintf(deep, sizeof deep, "%s/a/b/c/", base);
    assert_int_equal(fr_lock_take(deep, &lock), FR_OK);
    assert_int_equal(fr_lock_take(deep, &second), FR_ERR_LOCKED);
    assert_null(second);
    char pid[64];
    snprintf(pid, sizeof pid, "process %d ", (int)getpid());
    assert_non_null(strstr(fr_status_message(), pid));
    assert_int_equal(fr_lock_take(deep, &second),
                     FR_ERR_LOCKED); /* the refusal broke nothing */
    fr_lock_release(&lock);
    assert_int_equal(access(in_base("a/b/c/lock"), F_OK), -1);
    assert_int_equal(fr_lock_take(deep, &lock), FR_OK);
    fr_lock_release(&lock);
    fr_lock_release(&lock);
}

/* A child that takes the lock, says so, and sleeps. */
static pid_t start_holder(void)
{
    int ends[2];
    char ready = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fr_lock *lock = NULL;
        ready = fr_lock_take(base, &lock) == FR_OK;
        if (write(ends[1], &ready, 1) != 1) _exit(1);
        for (;;) pause();
    }
    assert_int_equal(read(ends[0], &ready, 1), 1);
    assert_int_equal(ready, 1);
    close(ends[0]);
    close(ends[1]);
    return child;
}

static void test_living_owner_refuses_dead_one_does_not(void **state)
{
    (void)state;
    const pid_t child = start_holder();
    char pid[64];
    snprintf(pid, sizeof pid, "process %d ", (int)child);
    assert_int_equal(take(), FR_ERR_LOCKED);
    assert_non_null(strstr(fr_status_message(), pid));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(access(in_base("lock"), F_OK), 0);
    assert_int_equal(take(), FR_OK);
}

/* Killed, and its parent (this program) has not waited for it yet. */
static void test_zombie_owner_is_gone(void **state)
{
    (void)state;
    const pid_t child = start_holder();
    siginfo_t info;
    kill(child, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(kill(child, 0), 0); /* there is still such a process */
    assert_int_equal(take(), FR_OK);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* Many want it at once, again and again for a while: while one holds the lock no other may. The
 * witness file is there exactly while somebody holds it. */
static int contend(int start)
{
    char go;
    int taken = 0;
    if (read(start, &go, 1) < 0) return 100;
    const double end = fr_clock_now() + 1.0;
    while (fr_clock_now() < end) {
        fr_lock *lock = NULL;
        if (fr_lock_take(base, &lock) != FR_OK) continue;
        const int witness = open(in_base("witness"), O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (witness < 0) return 101;
        close(witness);
        if (taken % 4 == 0) usleep(500);
        if (unlink(in_base("witness")) != 0) return 102;
        fr_lock_release(&lock);
        if (taken < 99) taken++;
    }
    return taken;
}

static void expect_one_of_many_at_once(void)
{
    enum { N = 8 };
    int start[2], taken = 0;
    pid_t child[N];
    assert_int_equal(pipe(start), 0);
    for (int i = 0; i < N; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (child[i] == 0) {
            close(start[1]);
            _exit(contend(start[0]));
        }
    }
    close(start[0]);
    close(start[1]); /* end of file for all: go */
    for (int i = 0; i < N; i++) {
        int status = 0;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_true(WIFEXITED(status));
        assert_in_range(WEXITSTATUS(status), 0, 99);
        taken += WEXITSTATUS(status);
    }
    assert_true(taken >= N);
    assert_int_equal(take(), FR_OK);
}

static void test_only_one_of_many_at_once(void **state)
{
    (void)state;
    expect_one_of_many_at_once();
}

static void test_file_system_without_locks(void **state)
{
    (void)state;
    without_kernel_locks = true;
    const pid_t child = start_holder();
    assert_int_equal(take(), FR_ERR_LOCKED);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(take(), FR_OK);
    expect_one_of_many_at_once();
    assert_int_equal(access(in_base("lock.guard"), F_OK), -1);
    write_file(in_base("lock.guard"), "", 0644); /* of a run that died while it started */
    assert_int_equal(take(), FR_ERR_LOCKED);
    assert_non_null(strstr(fr_status_message(), "remove"));
    without_kernel_locks = false;
}

static void test_same_host(void **state)
{
    (void)state;
    fr_owner owner = fr_owner_self();
    assert_true(owner.started > 0);
    owner.started++; /* our number, but another process had it */
    write_lock(&owner);
    assert_int_equal(take(), FR_OK);

    owner = fr_owner_self();
    strcpy(owner.boot, "before-the-reboot");
    write_lock(&owner);
    assert_int_equal(take(), FR_OK);

    owner = fr_owner_self();
    write_lock(&owner);
    assert_int_equal(take(), FR_ERR_LOCKED);

    owner.pid = 0x3ffffff; /* above any pid_max */
    write_lock(&owner);
    assert_int_equal(take(), FR_OK);
}

static void fake_squeue(const char *script)
{
    write_file(in_base("bin/squeue"), script, 0755);
}

static void test_other_host(void **state)
{
    (void)state;
    char path[4096];
    const char *before = getenv("PATH");
    fr_owner owner = fr_owner_self();
    strcpy(owner.host, "elsewhere");
    write_lock(&owner);
    assert_int_equal(take(), FR_ERR_LOCKED);
    assert_non_null(strstr(fr_status_message(), "elsewhere"));
    assert_non_null(strstr(fr_status_message(), "remove that file"));

    strcpy(owner.job, "4711");
    write_lock(&owner);
    assert_int_equal(mkdir(in_base("bin"), 0755), 0);
    snprintf(path, sizeof path, "%s:%s", in_base("bin"), before);
    setenv("PATH", path, 1);
    fake_squeue("#!/bin/sh\n[ \"$3\" = --jobs ] && [ \"$4\" = 4711 ] && echo RUNNING\n");
    assert_int_equal(take(), FR_ERR_LOCKED);
    assert_non_null(strstr(fr_status_message(), "4711"));
    fake_squeue("#!/bin/sh\necho 'slurm_load_jobs error: Unable to contact controller' >&2\n"
                "exit 1\n");
    assert_int_equal(take(), FR_ERR_LOCKED);
    fake_squeue("#!/bin/sh\nyes RUNNING | head -c 100000\n");
    assert_int_equal(take(), FR_ERR_LOCKED);
    fake_squeue("#!/bin/sh\nexit 0\n");
    assert_int_equal(take(), FR_OK);
    write_lock(&owner);
    fake_squeue("#!/bin/sh\necho 'slurm_load_jobs error: Invalid job id specified' >&2\n"
                "exit 1\n");
    assert_int_equal(take(), FR_OK);

    strcpy(owner.job, "4711;touch pwned"); /* not a job number: nobody is asked */
    write_lock(&owner);
    fake_squeue("#!/bin/sh\nexit 0\n");
    assert_int_equal(take(), FR_ERR_LOCKED);
    setenv("PATH", before, 1);
}

static void test_job_put_back_in_the_queue(void **state)
{
    (void)state;
    setenv("SLURM_JOB_ID", "12", 1);
    fr_owner owner = fr_owner_self();
    strcpy(owner.host, "elsewhere");
    write_lock(&owner);
    assert_int_equal(take(), FR_ERR_LOCKED); /* another step of our own job */
    setenv("SLURM_RESTART_COUNT", "1", 1);
    assert_int_equal(take(), FR_OK);
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
}

static void test_strange_files(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n\n\n", "host\npid\n", "host a\npid x\n",
                                        "host a\npid 1\nstarted 1\nboot b\njob \n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file(in_base("lock"), texts[i], 0644);
        assert_int_equal(take(), FR_OK);
    }
    fr_lock *lock = NULL;
    write_file(in_base("file"), "", 0644);
    assert_int_equal(fr_lock_take(in_base("file/sub"), &lock), FR_ERR_IO);
    assert_int_equal(fr_lock_take(in_base("file"), &lock), FR_ERR_IO);
    assert_int_equal(fr_lock_take("", &lock), FR_ERR_IO);
    assert_null(lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_takes_and_releases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_living_owner_refuses_dead_one_does_not, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_zombie_owner_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_one_of_many_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_system_without_locks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_host, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_host, setup, teardown),
        cmocka_unit_test_setup_teardown(test_job_put_back_in_the_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strange_files, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
