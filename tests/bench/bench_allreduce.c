/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_allreduce.c - what it costs to add the gradients of ranks that train together: the sum
 * of a group (src/schedule/group.c), whose bits do not depend on the number of ranks, beside
 * MPI_Allreduce.
 *
 *   mpirun -n RANKS bench_allreduce [SECONDS]    RANKS: 2, 4, 8 or 16
 *
 * Times are the best of as many rounds as fit into SECONDS (default 0.5) for each size, both in
 * turn, on the slowest rank: what others do on the machine only adds to them. A step of
 * training has one such sum; the sizes are those of 64-10, 64-128-10, 784-128-64-10,
 * 784-512-256-10 and a larger network. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../src/schedule/group.h"
#include "foldrank/clock.h"
#include "foldrank/memory.h"

static double slowest(double mine)
{
    double most = 0;
    MPI_Allreduce(&mine, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return most;
}

/* One sum of n floats [s]. */
static double measure(fr_group *group, float *values, size_t n, int by_mpi)
{
    const fr_fit_group *hooks = fr_group_hooks(group);
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = fr_clock_now();
    if (by_mpi)
        MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    else
        hooks->sum(hooks->context, values, n, hooks->size);
    return slowest(fr_clock_now() - start);
}

static void bench(fr_group *group, size_t n, double seconds, int rank, int ranks)
{
    float *values = fr_alloc(n, sizeof *values);
    double best[2] = {1e9, 1e9}, spent = 0;
    if (values == NULL) MPI_Abort(MPI_COMM_WORLD, 1);
    for (int round = 0; spent < seconds || round < 5; round++)
        for (int by_mpi = 0; by_mpi < 2; by_mpi++) {
            for (size_t i = 0; i < n; i++) values[i] = (float)(i % 7);
            const double took = measure(group, values, n, by_mpi);
            if (took < best[by_mpi]) best[by_mpi] = took;
            spent += took;
        }
    if (rank == 0)
        printf("| %d | %zu | %.1f | %.1f | %.2f |\n", ranks, n, 1e6 * best[0], 1e6 * best[1],
               best[0] / best[1]);
    free(values);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {650, 9610, 109386, 535818, 4000000};
    int rank = 0, ranks = 0;
    fr_group *group = NULL;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (fr_group_create(MPI_COMM_WORLD, ranks > sysconf(_SC_NPROCESSORS_ONLN), &group) !=
        FR_OK) {
        fprintf(stderr, "%s\n", fr_status_message());
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    if (rank == 0)
        printf("| ranks | parameters | a group's sum, us | MPI_Allreduce, us | ratio |\n"
               "|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        bench(group, sizes[i], argc > 1 ? atof(argv[1]) : 0.5, rank, ranks);
    fr_group_destroy(&group);
    MPI_Finalize();
    return 0;
}
