/* SPDX-License-Identifier: BSD-3-Clause */
/* tune.c - an example of libfoldrank inside an MPI program: how a linear system is best
 * relaxed.
 *
 *   mpicc tune.c $(pkg-config --cflags --libs foldrank) -lm -o tune
 *   mpirun -n 4 ./tune 2 results/relax        # two ranks solve together
 *
 * The ranks of a group share the points of -u'' = 1 on a line; each sweep of red-black
 * relaxation exchanges the points at the borders. Searched are the method and its factor. The
 * arithmetic does not depend on how the points are shared, so neither do the results. */
#include <foldrank/tune.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 48, SWEEPS = 40 };

typedef struct {
    MPI_Comm comm;
    int left, right;      /* neighbours, or MPI_PROC_NULL */
    int first, n;         /* my points */
    double u[POINTS + 2]; /* u[0] and u[n + 1]: the neighbours' */
    double was[POINTS + 2];
} line;

static void share_points(line *l, MPI_Comm comm)
{
    int rank, size;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    memset(l, 0, sizeof *l);
    l->comm = comm;
    l->left = rank > 0 ? rank - 1 : MPI_PROC_NULL;
    l->right = rank + 1 < size ? rank + 1 : MPI_PROC_NULL;
    l->first = POINTS * rank / size;
    l->n = POINTS * (rank + 1) / size - l->first;
}

static void exchange(line *l)
{
    MPI_Sendrecv(&l->u[1], 1, MPI_DOUBLE, l->left, 0, &l->u[l->n + 1], 1, MPI_DOUBLE, l->right,
                 0, l->comm, MPI_STATUS_IGNORE);
    MPI_Sendrecv(&l->u[l->n], 1, MPI_DOUBLE, l->right, 1, &l->u[0], 1, MPI_DOUBLE, l->left, 1,
                 l->comm, MPI_STATUS_IGNORE);
}

/* jacobi takes all neighbours from before the sweep, sor those of the other colour after. */
static void sweep(line *l, double factor, int is_sor)
{
    for (int colour = 0; colour < 2; colour++) {
        if (colour == 0 || is_sor) memcpy(l->was, l->u, sizeof l->u);
        for (int i = 1; i <= l->n; i++) {
            if ((l->first + i) % 2 != colour) continue;
            const double mean = 0.5 * (l->was[i - 1] + l->was[i + 1] + 1.0);
            l->u[i] = l->was[i] + factor * (mean - l->was[i]);
        }
        if (is_sor || colour == 1) exchange(l);
    }
}

/* The solution is a parabola, u = i (POINTS + 1 - i) / 2. */
static double largest_error(const line *l)
{
    double mine = 0, all = 0;
    for (int i = 1; i <= l->n; i++) {
        const int at = l->first + i;
        mine = fmax(mine, fabs(l->u[i] - 0.5 * at * (POINTS + 1 - at)));
    }
    MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_MAX, l->comm);
    return all;
}

static fr_status relax(const fr_tune_trial *trial, MPI_Comm group, double *score)
{
    line l;
    const int is_sor = strcmp(fr_tune_get_text(trial, "method"), "sor") == 0;
    const double factor = fr_tune_get(trial, is_sor ? "omega" : "damping");
    (void)score; /* the last report counts */
    share_points(&l, group);
    if (factor > 1.95) return FR_FAIL(FR_ERR_NUMERIC, "omega is too large");
    for (int s = 1; s <= SWEEPS; s++) {
        sweep(&l, factor, is_sor);
        if (fr_tune_report(trial, s, log10(largest_error(&l)))) break;
    }
    return FR_OK;
}

/* The first failure counts. */
static fr_status describe(fr_tune *tune, int ranks, const char *output)
{
    static const char *const methods[] = {"jacobi", "sor"};
    const char *const settings[][2] = {
        {"objective.parameters.omega.when", "{method: sor}"},
        {"objective.parameters.damping.when", "{method: jacobi}"},
        {"search.method", "tpe"},
        {"search.trials", "30"},
        {"search.concurrency", "4"},
        {"pruning", "{method: asha, first_epoch: 5}"},
        {"output", output},
    };
    fr_status st = fr_tune_add_choice(tune, "method", methods, 2);
    if (st == FR_OK) st = fr_tune_add_float(tune, "omega", 1, 2);
    if (st == FR_OK) st = fr_tune_add_float(tune, "damping", 0.2, 1);
    for (size_t i = 0; st == FR_OK && i < sizeof settings / sizeof *settings; i++)
        st = fr_tune_set(tune, settings[i][0], settings[i][1]);
    if (st == FR_OK) st = fr_tune_set_ranks_per_trial(tune, ranks);
    return st;
}

int main(int argc, char **argv)
{
    int level, rank;
    fr_tune *tune = NULL;
    fr_tune_catch_signals();
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    fr_status st = fr_tune_create(MPI_COMM_WORLD, "relax", &tune);
    if (st == FR_OK)
        st = describe(tune, argc > 1 ? atoi(argv[1]) : 1, argc > 2 ? argv[2] : "results/relax");
    if (st == FR_OK && argc > 3) fr_tune_set_time(tune, atof(argv[3]));
    if (st == FR_OK) st = fr_tune_run(tune, relax, NULL);
    if (st == FR_OK)
        printf("rank %d: trial %lld, method %s, omega %.6g, error 10^%.6g\n", rank,
               (long long)fr_tune_best_trial(tune), fr_tune_best_text(tune, "method"),
               fr_tune_best(tune, "omega"), fr_tune_best_score(tune));
    else if (rank == 0)
        fprintf(stderr, "tune: %s\n", fr_status_message());
    fr_tune_destroy(&tune);
    MPI_Finalize();
    return st == FR_OK ? 0 : st == FR_STOPPED ? 75 : 1;
}
