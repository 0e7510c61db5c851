/* SPDX-License-Identifier: BSD-3-Clause */
/* group.c - a few ranks of one node that train a model together, through memory they share.
 *
 * Their compute threads meet here, which never call MPI: each puts a piece of its array into
 * its slot, all meet, and each adds one part of all slots, or copies what the others have put.
 * There are two sets of slots in turn, so that a rank may fill the next piece while others
 * still read the last. Who waits spins for as long as a piece takes, then sleeps in the kernel:
 * between two trials a rank may wait for minutes. Where there are more ranks than cores it
 * lets others run at once. */
#include "group.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "foldrank/clock.h"
#include "foldrank/memory.h"
#include "foldrank/schedule.h"

/* 256 KiB of each rank are in the second-level caches when they are added. */
enum { SLOT_BYTES = 1 << 18, SLOT_FLOATS = SLOT_BYTES / (int)sizeof(float), SETS = 2 };
static const double spin_s = 1e-4;

/* In the shared memory, which begins with zeros. */
typedef struct {
    _Alignas(FR_ALIGNMENT) atomic_uint arrived;
    _Alignas(FR_ALIGNMENT) atomic_uint meeting; /* number of meetings so far; waited for */
    atomic_uint asleep;
    atomic_bool closed;
} shared_head;

struct fr_group {
    fr_fit_group hooks;
    MPI_Comm comm;
    MPI_Win window;
    shared_head *head;
    char *slots;   /* (SETS, size, SLOT_BYTES) */
    unsigned turn; /* pieces so far, the same on all */
    bool crowded;  /* more ranks than cores */
};

static void sleep_until_changed(atomic_uint *word, unsigned seen)
{
    syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static void wake_all(atomic_uint *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static bool is_over(const shared_head *h, unsigned meeting)
{
    return atomic_load(&h->meeting) != meeting || atomic_load(&h->closed);
}

/* Whether the meeting is over before it is time to sleep. */
static bool spin(const fr_group *g, unsigned meeting)
{
    enum { LOOKS = 64 };
    const double end = fr_clock_now() + (g->crowded ? 0.0 : spin_s);
    do {
        for (int i = 0; i < LOOKS; i++)
            if (is_over(g->head, meeting)) return true;
    } while (fr_clock_now() < end);
    if (g->crowded) sched_yield();
    return is_over(g->head, meeting);
}

static void meet(fr_group *g)
{
    shared_head *h = g->head;
    const unsigned meeting = atomic_load(&h->meeting);
    if (atomic_fetch_add(&h->arrived, 1) + 1 == g->hooks.size) {
        atomic_store(&h->arrived, 0);
        atomic_fetch_add(&h->meeting, 1);
        if (atomic_load(&h->asleep) > 0) wake_all(&h->meeting);
        return;
    }
    if (spin(g, meeting)) return;
    atomic_fetch_add(&h->asleep, 1);
    while (!is_over(h, meeting)) sleep_until_changed(&h->meeting, meeting);
    atomic_fetch_sub(&h->asleep, 1);
}

static char *slot(const fr_group *g, size_t rank)
{
    return g->slots + ((size_t)(g->turn % SETS) * g->hooks.size + rank) * SLOT_BYTES;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Floats [from, to) of the first `active` slots: neighbours are added, then pairs of them. */
static void add_slots(const fr_group *g, size_t from, size_t to, size_t active)
{
    for (size_t step = 1; step < active; step *= 2)
        for (size_t k = 0; k + step < active; k += 2 * step) {
            float *restrict a = (float *)(void *)slot(g, k);
            const float *restrict b = (const float *)(void *)slot(g, k + step);
            for (size_t i = from; i < to; i++) a[i] += b[i];
        }
}

static void sum(void *context, float *values, size_t n, size_t active)
{
    fr_group *g = context;
    const size_t size = g->hooks.size, index = g->hooks.index;
    for (size_t at = 0; at < n; at += SLOT_FLOATS, g->turn++) {
        const size_t piece = smaller(n - at, SLOT_FLOATS);
        if (index < active) memcpy(slot(g, index), values + at, piece * sizeof *values);
        meet(g);
        add_slots(g, piece * index / size, piece * (index + 1) / size, active);
        meet(g);
        memcpy(values + at, slot(g, 0), piece * sizeof *values);
    }
}

static size_t longest(const size_t *bounds, size_t size)
{
    size_t most = 0;
    for (size_t k = 0; k < size; k++)
        if (bounds[k + 1] - bounds[k] > most) most = bounds[k + 1] - bounds[k];
    return most;
}

static void share(void *context, void *bytes, const size_t *bounds)
{
    fr_group *g = context;
    const size_t size = g->hooks.size, index = g->hooks.index, most = longest(bounds, size);
    for (size_t at = 0; at < most; at += SLOT_BYTES, g->turn++) {
        for (int writes = 1; writes >= 0; writes--) {
            for (size_t k = 0; k < size; k++) {
                const size_t n = bounds[k + 1] - bounds[k];
                if ((k == index) != writes || at >= n) continue;
                char *own = (char *)bytes + bounds[k] + at;
                memcpy(writes ? slot(g, k) : own, writes ? own : slot(g, k),
                       smaller(n - at, SLOT_BYTES));
            }
            if (writes) meet(g);
        }
    }
}

static fr_status open_window(fr_group *g)
{
    int rank = 0, size = 0, unit = 0;
    MPI_Aint bytes = 0;
    char *base = NULL;
    FR_MPI(MPI_Comm_rank(g->comm, &rank));
    FR_MPI(MPI_Comm_size(g->comm, &size));
    g->hooks = (fr_fit_group){g, (size_t)rank, (size_t)size, sum, share};
    const size_t wanted =
        sizeof(shared_head) + (size_t)SETS * (size_t)size * SLOT_BYTES + FR_ALIGNMENT;
    FR_MPI(MPI_Win_allocate_shared(rank == 0 ? (MPI_Aint)wanted : 0, 1, MPI_INFO_NULL, g->comm,
                                   &base, &g->window));
    FR_MPI(MPI_Win_shared_query(g->window, 0, &bytes, &unit, &base));
    uint64_t skip = (FR_ALIGNMENT - (uintptr_t)base % FR_ALIGNMENT) % FR_ALIGNMENT;
    FR_MPI(MPI_Bcast(&skip, 1, MPI_UINT64_T, 0, g->comm));
    g->head = (shared_head *)(void *)(base + skip);
    g->slots = (char *)(g->head + 1);
    if (rank == 0) memset(g->head, 0, sizeof *g->head);
    FR_MPI(MPI_Barrier(g->comm));
    return FR_OK;
}

fr_status fr_group_create(MPI_Comm comm, bool crowded, fr_group **out)
{
    fr_group *g = fr_alloc(1, sizeof *g);
    *out = g;
    FR_TRY(fr_agree(comm, g == NULL ? FR_ERR_MEMORY : FR_OK));
    *g = (fr_group){.comm = MPI_COMM_NULL, .window = MPI_WIN_NULL, .crowded = crowded};
    FR_MPI(MPI_Comm_dup(comm, &g->comm));
    FR_MPI(MPI_Comm_set_errhandler(g->comm, MPI_ERRORS_RETURN));
    if (open_window(g) != FR_OK)
        return FR_FAIL(
            FR_ERR_MEMORY,
            "the ranks of a group cannot share memory (is /dev/shm large enough?): %s",
            fr_status_message());
    return FR_OK;
}

const fr_fit_group *fr_group_hooks(const fr_group *g)
{
    return g == NULL ? NULL : &g->hooks;
}

void fr_group_broadcast(fr_group *g, void *bytes, size_t n)
{
    size_t bounds[FR_GROUP_MAX + 1] = {0};
    for (size_t k = 1; k <= g->hooks.size; k++) bounds[k] = n;
    share(g, bytes, bounds);
}

void fr_group_close(fr_group *g)
{
    if (g == NULL || g->head == NULL) return;
    atomic_store(&g->head->closed, true);
    /* A sleeper looks for another meeting number, which a closed group has no use for. */
    atomic_fetch_add(&g->head->meeting, 1);
    wake_all(&g->head->meeting);
}

bool fr_group_is_closed(const fr_group *g)
{
    return atomic_load(&g->head->closed);
}

void fr_group_destroy(fr_group **group)
{
    fr_group *g = *group;
    if (g == NULL) return;
    if (g->window != MPI_WIN_NULL) MPI_Win_free(&g->window);
    if (g->comm != MPI_COMM_NULL) MPI_Comm_free(&g->comm);
    free(g);
    *group = NULL;
}
