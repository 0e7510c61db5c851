/* SPDX-License-Identifier: BSD-3-Clause */
/* test_groups.c - what the ranks of a group add and share out in memory: of any length, many
 * times in a row, against what one rank makes of the same numbers. Prints "ok NAME" or "not ok
 * NAME" on rank 0. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/schedule/group.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"

static int rank, ranks, failures;

static void report(const char *name, bool good)
{
    const int mine = good;
    int all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (rank == 0) printf("%s %s\n", all ? "ok" : "not ok", name);
    failures += !all;
}

/* Number i of a rank, of many magnitudes: sums in another order have other bits. */
static float number(int of, size_t i, int round)
{
    fr_rng rng = fr_rng_make((uint64_t)round, FR_RNG_NOISE, (uint64_t)of, (uint32_t)i, 0);
    return (float)(fr_rng_normal(&rng) * (i % 3 == 0 ? 1e-4 : 1e3));
}

static float tree(size_t i, int round, int first, int n)
{
    return n == 1 ? number(first, i, round)
                  : tree(i, round, first, n / 2) + tree(i, round, first + n / 2, n / 2);
}

static bool adds(const fr_fit_group *g, size_t n, size_t active, int round)
{
    bool good = true;
    float *values = fr_alloc(n, sizeof *values);
    for (size_t i = 0; i < n; i++) values[i] = number(rank, i, round);
    g->sum(g->context, values, n, active);
    for (size_t i = 0; i < n && good; i++) {
        const float want = tree(i, round, 0, (int)active);
        good = memcmp(&values[i], &want, sizeof want) == 0;
    }
    free(values);
    return good;
}

/* Rank k has `each` * (k % 3) bytes. */
static bool shares(const fr_fit_group *g, size_t each, int round)
{
    size_t bounds[FR_GROUP_MAX + 1] = {0};
    bool good = true;
    for (size_t k = 0; k < g->size; k++) bounds[k + 1] = bounds[k] + each * (k % 3);
    unsigned char *bytes = fr_alloc(bounds[g->size], 1);
    for (size_t k = 0; k < g->size; k++)
        for (size_t i = bounds[k]; i < bounds[k + 1] && k == g->index; i++)
            bytes[i] = (unsigned char)(i * 31 + k + (size_t)round);
    g->share(g->context, bytes, bounds);
    for (size_t k = 0; k < g->size; k++)
        for (size_t i = bounds[k]; i < bounds[k + 1]; i++)
            good = good && bytes[i] == (unsigned char)(i * 31 + k + (size_t)round);
    free(bytes);
    return good;
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1, 3, 1000, 65535, 65536, 65537, 200001};
    fr_group *group = NULL;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (fr_group_create(MPI_COMM_WORLD, true, &group) != FR_OK) MPI_Abort(MPI_COMM_WORLD, 1);
    const fr_fit_group *g = fr_group_hooks(group);
    bool good = true;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t active = 1; active <= g->size; active *= 2)
            good = adds(g, sizes[s], active, (int)s) && good;
    report("sums of any length, of some ranks or all", good);
    good = true;
    for (int round = 0; round < 400; round++)
        good = adds(g, (size_t)(1 + round % 50), g->size, round) &&
               shares(g, (size_t)(round % 7), round) && good;
    report("many in a row", good);
    good = true;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        good = shares(g, 4 * sizes[s], (int)s) && good;
    report("bytes of any length", good);
    fr_group_destroy(&group);
    MPI_Finalize();
    return failures > 0;
}
