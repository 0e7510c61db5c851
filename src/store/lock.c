/* SPDX-License-Identifier: BSD-3-Clause */
/* lock.c - one run at a time in an output directory.
 *
 * Two locks in one file. A kernel lock (open file description, fcntl(2)) on it is held while we
 * live: two runs that start in the same instant cannot both get it, and it is gone with the
 * process, however that ends. But some network file systems keep kernel locks to one node or
 * have none, so the file also says who the owner is, and a lock that the kernel would give is
 * taken only from an owner who is gone. Where there are no kernel locks at all, a guard file
 * made with O_EXCL keeps takers apart for the moment of looking and writing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "foldrank/clock.h"
#include "foldrank/directory.h"
#include "foldrank/log.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "internal.h"

struct fr_lock {
    int fd;
    char *path, *guard;
};

enum { OWNER_TEXT_MAX = 1024, ATTEMPTS = 20 };

typedef enum { KERNEL_HELD, KERNEL_BUSY, KERNEL_NONE } kernel_answer;

static kernel_answer kernel_lock(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0) return KERNEL_HELD;
    return errno == EAGAIN || errno == EACCES ? KERNEL_BUSY : KERNEL_NONE;
}

static bool guard_take(const char *guard)
{
    for (int i = 0; i < 50; i++) {
        const int fd = open(guard, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            close(fd);
            return true;
        }
        if (errno != EEXIST) return false;
        fr_clock_sleep(0.1);
    }
    return false;
}

static bool read_owner(int fd, fr_owner *owner)
{
    char text[OWNER_TEXT_MAX];
    const ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return fr_owner_parse(text, owner);
}

static fr_status refuse(const fr_lock *lock, const fr_owner *owner, const fr_owner *self)
{
    const bool here = strcmp(owner->host, self->host) == 0;
    return FR_FAIL(
        FR_ERR_LOCKED,
        "another run is at work here: %s is held by process %lld on host %s%s%s since "
        "%s; wait for it, or stop it%s",
        lock->path, (long long)owner->pid, owner->host, owner->job[0] != '\0' ? ", job " : "",
        owner->job, owner->since, here ? "" : " (if it is gone for certain, remove that file)");
}

/* Somebody holds the kernel lock. Between taking it and writing the name is a short moment. */
static fr_status refuse_busy(const fr_lock *lock, const fr_owner *self)
{
    fr_owner owner;
    for (int i = 0; i < 10; i++) {
        if (read_owner(lock->fd, &owner)) return refuse(lock, &owner, self);
        fr_clock_sleep(0.05);
    }
    return FR_FAIL(FR_ERR_LOCKED, "another run is at work here: it holds %s", lock->path);
}

/* The owner of before removes the file when it leaves: then ours is a file without a name. */
static bool is_linked(const fr_lock *lock)
{
    struct stat mine, named;
    return fstat(lock->fd, &mine) == 0 && stat(lock->path, &named) == 0 &&
           mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
}

static fr_status write_owner(const fr_lock *lock, const fr_owner *self)
{
    fr_text text = {0};
    fr_owner_format(self, &text);
    fr_status st = text.failed ? FR_ERR_MEMORY : FR_OK;
    if (st == FR_OK &&
        (ftruncate(lock->fd, 0) != 0 ||
         !fr_store_write_at(lock->fd, text.data, text.length, 0) || fsync(lock->fd) != 0)) {
        st = FR_FAIL(FR_ERR_IO, "cannot write %s: %s", lock->path, strerror(errno));
        unlink(lock->path);
    }
    fr_text_clear(&text);
    return st;
}

/* With takers kept apart: look who was there, and write our name. *again: the file lost its
 * name meanwhile. */
static fr_status claim(const fr_lock *lock, const fr_owner *self, bool *again)
{
    fr_owner owner;
    if ((*again = !is_linked(lock))) return FR_OK;
    if (read_owner(lock->fd, &owner)) {
        if (!fr_owner_is_gone(&owner, self)) return refuse(lock, &owner, self);
        fr_log(FR_LOG_WARN, "store lock taken_over=%s from_host=%s from_pid=%lld from_job=%s",
               lock->path, owner.host, (long long)owner.pid, owner.job);
    }
    FR_TRY(write_owner(lock, self));
    *again = !is_linked(lock);
    return FR_OK;
}

static fr_status try_take(fr_lock *lock, const fr_owner *self, bool *again)
{
    lock->fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock->fd < 0)
        return FR_FAIL(FR_ERR_IO, "cannot write in the output directory: %s: %s", lock->path,
                       strerror(errno));
    const kernel_answer answer = kernel_lock(lock->fd);
    if (answer == KERNEL_BUSY) return refuse_busy(lock, self);
    if (answer == KERNEL_NONE && !guard_take(lock->guard))
        return FR_FAIL(
            FR_ERR_LOCKED,
            "another run is starting here, or died while it did; when there is none, "
            "remove %s",
            lock->guard);
    fr_status st = claim(lock, self, again);
    if (answer == KERNEL_NONE) unlink(lock->guard);
    return st;
}

static void discard(fr_lock *lock)
{
    if (lock->fd >= 0) close(lock->fd);
    free(lock->path);
    free(lock->guard);
    free(lock);
}

fr_status fr_lock_take(const char *dir, fr_lock **out)
{
    *out = NULL;
    FR_TRY(fr_make_dir(dir));
    fr_lock *lock = fr_alloc(1, sizeof *lock);
    if (lock == NULL) return FR_ERR_MEMORY;
    lock->fd = -1;
    lock->path = fr_store_path(dir, "lock");
    lock->guard = fr_store_path(dir, "lock.guard");
    fr_status st = lock->path == NULL || lock->guard == NULL ? FR_ERR_MEMORY : FR_OK;
    const fr_owner self = fr_owner_self();
    bool again = true;
    for (int i = 0; st == FR_OK && again && i < ATTEMPTS; i++) {
        if (lock->fd >= 0) close(lock->fd);
        again = false;
        st = try_take(lock, &self, &again);
    }
    if (st == FR_OK && again)
        st = FR_FAIL(FR_ERR_LOCKED, "other runs keep taking and leaving %s; try again",
                     lock->path);
    if (st != FR_OK)
        discard(lock);
    else
        *out = lock;
    return st;
}

/* Name first, kernel lock after: whoever gets the lock in between sees that the name is gone.
 */
void fr_lock_release(fr_lock **lock)
{
    if (*lock == NULL) return;
    if (is_linked(*lock)) unlink((*lock)->path);
    discard(*lock);
    *lock = NULL;
}
