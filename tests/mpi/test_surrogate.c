/* SPDX-License-Identifier: BSD-3-Clause */
/* gp's large model computed by all ranks against the same by one: likelihood, length scales,
 * posterior and decisions. Started by surrogate.sh under several numbers of ranks; rank 0
 * prints `ok NAME` or `not ok NAME`. */
#include <math.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/search/posterior.h"
#include "foldrank/distributed.h"
#include "foldrank/linalg.h"
#include "foldrank/memory.h"
#include "foldrank/search.h"

enum { D = 4, OBSERVED = 300, POINTS = 400, LATER = 10, N_THETA = D + 2 };
static const double TOLERANCE = 1e-8;

static void result(bool good, const char *name)
{
    if (!good) fprintf(stderr, "rank 0: %s: %s\n", name, fr_status_message());
    printf("%s %s\n", good ? "ok" : "not ok", name);
}

/* The test cannot go on. */
static void need(bool good)
{
    if (!good) MPI_Abort(MPI_COMM_WORLD, 1);
}

/* ---- the ranks ---- */

static fr_status open_all(void *context, fr_gram_solver *out)
{
    int *sessions = context, serve = 1;
    ++*sessions;
    MPI_Bcast(&serve, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return fr_dist_solver_create(MPI_COMM_WORLD, fr_search_kernels, fr_search_kernel_count,
                                 out);
}

static void serve_all(void)
{
    int serve = 0;
    for (;;) {
        MPI_Bcast(&serve, 1, MPI_INT, 0, MPI_COMM_WORLD);
        if (!serve) return;
        need(fr_dist_serve(MPI_COMM_WORLD, fr_search_kernels, fr_search_kernel_count) == FR_OK);
    }
}

/* ---- a space, a function ---- */

static fr_space make_space(void)
{
    static const char *const names[D] = {"a", "b", "c", "d"};
    fr_space s = {0};
    for (size_t j = 0; j < D; j++) {
        fr_param p = {.kind = j == 3 ? FR_PARAM_INT : FR_PARAM_FLOAT, .high = 1.0};
        if (j == 3) p.high = 100.0, p.step = 1.0;
        p.name = fr_strdup(names[j]);
        need(fr_space_add(&s, p) == FR_OK);
    }
    return s;
}

static double score(const double *x)
{
    const double d = x[3] / 100.0;
    return sin(5.0 * x[0]) * cos(3.0 * x[1]) + (x[2] - 0.4) * (x[2] - 0.4) + 0.3 * d * d +
           0.02 * sin(40.0 * x[0] * x[2]);
}

/* ---- the posterior ---- */

typedef struct {
    double likelihood, theta[N_THETA], mean[POINTS], variance[POINTS];
} numbers;

static void take_numbers(const fr_posterior *p, numbers *out)
{
    out->likelihood = fr_posterior_likelihood(p);
    memcpy(out->theta, fr_posterior_theta(p), sizeof out->theta);
    memcpy(out->mean, fr_posterior_mean(p), sizeof out->mean);
    memcpy(out->variance, fr_posterior_variance(p), sizeof out->variance);
}

/* Largest difference relative to the largest number; NaN counts as infinite. */
static double distance(const double *a, const double *b, size_t n)
{
    double worst = 0.0, largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double off = fabs(a[i] - b[i]);
        if (!(off <= worst)) worst = isnan(off) ? INFINITY : off;
        largest = fmax(largest, fabs(b[i]));
    }
    return worst == 0.0 ? 0.0 : worst / largest;
}

static bool same_numbers(const numbers *a, const numbers *b)
{
    const double off[] = {
        distance(&a->likelihood, &b->likelihood, 1), distance(a->theta, b->theta, N_THETA),
        distance(a->mean, b->mean, POINTS), distance(a->variance, b->variance, POINTS)};
    printf("# off: likelihood %.1e, theta %.1e, mean %.1e, variance %.1e\n", off[0], off[1],
           off[2], off[3]);
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        if (!(off[i] <= TOLERANCE)) return false;
    return true;
}

/* Before and after news; by `evaluations` of learning. */
static void compute(const fr_space *space, const double *x, const double *y, int evaluations,
                    bool all_ranks, numbers out[2])
{
    static const double start[N_THETA] = {0.1, 0.3, 0.2, 0.5, -6.0, 0.0};
    const fr_posterior_data data = {.x = x,
                                    .y = y,
                                    .n = OBSERVED,
                                    .points = x + OBSERVED * D,
                                    .m = POINTS,
                                    .theta = start,
                                    .evaluations = evaluations};
    fr_posterior_news news[LATER];
    fr_posterior *p = NULL;
    fr_gram_solver solver;
    int sessions = 0;
    need((all_ranks ? open_all(&sessions, &solver) : fr_gram_solver_local(&solver)) == FR_OK);
    need(fr_posterior_create(space, &p) == FR_OK);
    need(fr_posterior_begin(p, &solver, &data) == FR_OK);
    solver.destroy(solver.context);
    take_numbers(p, &out[0]);
    for (size_t j = 0; j < LATER; j++)
        news[j] = (fr_posterior_news){.point = 3 * j,
                                      .score = j < LATER / 2 ? y[OBSERVED + 3 * j] : NAN};
    need(fr_posterior_condition(p, news, LATER) == FR_OK);
    take_numbers(p, &out[1]);
    fr_posterior_destroy(&p);
}

static void test_posterior(void)
{
    static double x[(OBSERVED + POINTS) * D], y[OBSERVED + POINTS];
    static numbers one[2], all[2];
    fr_space space = make_space();
    fr_rng rng = fr_rng_make(3, FR_RNG_NOISE, 0, 0, 0);
    for (size_t i = 0; i < OBSERVED + POINTS; i++) {
        fr_space_draw(&space, &rng, x + i * D);
        y[i] = score(x + i * D);
    }
    for (int evaluations = 0; evaluations <= 12; evaluations += 12) {
        compute(&space, x, y, evaluations, false, one);
        compute(&space, x, y, evaluations, true, all);
        result(same_numbers(&all[0], &one[0]),
               evaluations == 0 ? "likelihood and posterior equal those of one rank"
                                : "what is learned equals what one rank learns");
        result(same_numbers(&all[1], &one[1]),
               evaluations == 0 ? "the same after news" : "the same, learned, after news");
    }
    fr_space_clear(&space);
}

/* ---- decisions ---- */

/* Two searches look at one history; one of them computes on all ranks. */
static void test_decisions(void)
{
    enum { TRIALS = 110, FROM = 60, EVERY = 8 };
    fr_space space = make_space();
    fr_search_options options = {.trials = TRIALS,
                                 .seed = 5,
                                 .concurrency = 3,
                                 .distribute_from = FROM,
                                 .generation = EVERY};
    fr_search *one = NULL, *all = NULL;
    fr_history *h = NULL;
    double point[D], other[D], worst = 0.0;
    int sessions = 0;
    bool found;
    while (strcmp(fr_search_methods[options.method], "gp") != 0) options.method++;
    need(fr_search_create(&space, &options, NULL, 0, &one) == FR_OK);
    need(fr_search_create(&space, &options, NULL, 0, &all) == FR_OK);
    fr_search_set_solver(all, open_all, &sessions);
    need(fr_history_create(&space, 1, false, &h) == FR_OK);
    for (uint64_t t = 0; t < TRIALS; t++) {
        while (h->settled < fr_search_needs(one, t)) {
            fr_fold_result r = {.trial = h->settled, .state = FR_TRIAL_COMPLETE};
            r.score = score(h->trials[h->settled].point);
            need(fr_history_add_fold(h, &r) == FR_OK);
        }
        need(fr_search_suggest(one, h, point, &found) == FR_OK && found);
        need(fr_search_suggest(all, h, other, &found) == FR_OK && found);
        worst = fmax(worst, distance(other, point, D));
        need(fr_history_add_trial(h, point) == FR_OK);
    }
    printf("# decisions: %d sessions, off %.1e\n", sessions, worst);
    result(sessions >= 5, "all ranks are asked once in a generation");
    result(worst <= TOLERANCE, "decisions equal those of one rank");
    fr_search_destroy(&one);
    fr_search_destroy(&all);
    fr_history_destroy(&h);
    fr_space_clear(&space);
}

int main(int argc, char **argv)
{
    int provided = 0, rank = 0, serve = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    fr_linalg_init();
    if (rank == 0) {
        test_posterior();
        test_decisions();
        MPI_Bcast(&serve, 1, MPI_INT, 0, MPI_COMM_WORLD);
    } else {
        serve_all();
    }
    MPI_Finalize();
    return 0;
}
