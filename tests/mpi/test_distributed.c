/* SPDX-License-Identifier: BSD-3-Clause */
/* Distributed algebra against LAPACK on one rank, and the solver that rank 0 drives against the
 * local one. Started by distributed.sh under several numbers of ranks; rank 0 prints `ok NAME`
 * or `not ok NAME`. With the argument `large`: 5,000 observations, and a `# ` line of times;
 * `bench [N [single]]`: N observations, the best times of 3 runs, and inversion; `eigen [N]`:
 * eigenvectors of N rows. */
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/clock.h"
#include "foldrank/distributed.h"
#include "foldrank/gram.h"
#include "foldrank/linalg.h"
#include "foldrank/memory.h"
#include "foldrank/random.h"

enum { DIMENSIONS = 3, PARAMETERS = DIMENSIONS + 1, MANY = 300 };
static const double TOLERANCE = 1e-8;

static int rank_of(void)
{
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

static int ranks_of(void)
{
    int ranks = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    return ranks;
}

/* One result: it holds when it holds on every rank. */
static bool result(bool mine, const char *format, ...)
{
    int here = mine, everywhere = 0;
    char name[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    if (!mine) fprintf(stderr, "rank %d: %s: %s\n", rank_of(), name, fr_status_message());
    MPI_Allreduce(&here, &everywhere, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (rank_of() == 0) printf("%s %s\n", everywhere ? "ok" : "not ok", name);
    return everywhere;
}

/* The test cannot go on without memory. */
static double *numbers(size_t n)
{
    double *block = fr_alloc(n, sizeof *block);
    if (block == NULL) MPI_Abort(MPI_COMM_WORLD, 1);
    return block;
}

static double uniform(size_t i)
{
    return fmod((double)(i + 1) * 0.6180339887498949 + 1e-3 * sin((double)(i * i % 1009)), 1.0);
}

/* Squared exponential, a length scale for each dimension, noise: theta holds logarithms. */
static double rbf(const fr_gram *g, size_t i, size_t j)
{
    double square = 0;
    for (size_t k = 0; k < g->d; k++) {
        const double z = (g->x[i * g->d + k] - g->x[j * g->d + k]) / exp(g->theta[k]);
        square += z * z;
    }
    return exp(-square / 2);
}

static void rbf_fill(const fr_gram *g, size_t row, size_t col, const fr_matrix *tile)
{
    double scale[DIMENSIONS];
    for (size_t k = 0; k < g->d; k++) scale[k] = exp(-g->theta[k]);
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols; j++) {
            double square = 0;
            for (size_t k = 0; k < g->d; k++) {
                const double z =
                    (g->x[(row + i) * g->d + k] - g->x[(col + j) * g->d + k]) * scale[k];
                square += z * z;
            }
            const double noise = row + i == col + j ? exp(g->theta[g->d]) : 0;
            tile->data[i * tile->ld + j] = exp(-square / 2) + noise;
        }
}

static void rbf_derive(const fr_gram *g, size_t row, size_t col, const fr_matrix *weight,
                       double *sums)
{
    for (size_t i = 0; i < weight->rows; i++)
        for (size_t j = 0; j < weight->cols; j++) {
            const double w = weight->data[i * weight->ld + j];
            if (w == 0) continue;
            const double k = rbf(g, row + i, col + j);
            for (size_t p = 0; p < g->d; p++) {
                const double z = (g->x[(row + i) * g->d + p] - g->x[(col + j) * g->d + p]) /
                                 exp(g->theta[p]);
                sums[p] += w * k * z * z;
            }
            if (row + i == col + j) sums[g->d] += w * exp(g->theta[g->d]);
        }
}

/* A kernel whose matrix is not positive definite: -1 on the diagonal. */
static void negative_fill(const fr_gram *g, size_t row, size_t col, const fr_matrix *tile)
{
    (void)g;
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols; j++)
            tile->data[i * tile->ld + j] = row + i == col + j ? -1 : 0;
}

static const fr_kernel RBF = {rbf_fill, rbf_derive}, NEGATIVE = {negative_fill, rbf_derive},
                       UNKNOWN = {rbf_fill, rbf_derive};
static const fr_kernel *const KERNELS[] = {&NEGATIVE, &RBF};
enum { N_KERNELS = sizeof KERNELS / sizeof *KERNELS };
static const double THETA[PARAMETERS] = {-1.2, -0.9, -0.5, -4.0};

static fr_gram gram_create(size_t n)
{
    double *x = numbers(n * DIMENSIONS);
    for (size_t i = 0; i < n * DIMENSIONS; i++) x[i] = uniform(i * 7 + 3);
    return (fr_gram){
        .kernel = &RBF, .x = x, .theta = THETA, .n = n, .d = DIMENSIONS, .n_theta = PARAMETERS};
}

static void gram_clear(fr_gram *g)
{
    free((double *)(uintptr_t)g->x);
}

static fr_status fill(void *context, size_t row, size_t col, const fr_matrix *tile)
{
    const fr_gram *g = context;
    g->kernel->fill(g, row, col, tile);
    return FR_OK;
}

/* Largest difference in units of the largest expected value; NaN counts as infinite. */
static double distance(const double *a, const double *expected, size_t n)
{
    double worst = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        const double off = fabs(a[i] - expected[i]);
        if (!(off <= worst)) worst = isnan(off) ? INFINITY : off;
        if (fabs(expected[i]) > largest) largest = fabs(expected[i]);
    }
    return worst == 0 ? 0 : worst / largest;
}

/* Every rank holds the bits that rank 0 holds. */
static bool same_everywhere(const double *values, size_t n)
{
    double *roots = numbers(n);
    memcpy(roots, values, n * sizeof *roots);
    MPI_Bcast(roots, (int)n, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    const bool same = memcmp(roots, values, n * sizeof *roots) == 0;
    free(roots);
    return same;
}

/* b (n, r) of the numbers that both sides solve for; one column more than r stays untouched. */
static double *right_side(size_t n, size_t r)
{
    double *b = numbers(n * (r + 1));
    for (size_t i = 0; i < n * (r + 1); i++) b[i] = uniform(i) - 0.5;
    return b;
}

typedef struct {
    const double *expected; /* (n, n) */
    size_t n;
    double worst;
} inverse_check;

static fr_status inverse_visit(void *context, size_t row, size_t col, const fr_matrix *tile,
                               double *sums)
{
    inverse_check *check = context;
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->cols && col + j <= row + i; j++) {
            const double off = fabs(tile->data[i * tile->ld + j] -
                                    check->expected[(row + i) * check->n + col + j]);
            if (!(off <= check->worst)) check->worst = isnan(off) ? INFINITY : off;
            sums[0] += 1;
        }
    return FR_OK;
}

/* The inverse element by element, each seen exactly once; `local` (n, n) is LAPACK's factor. */
static void test_inverse(fr_dist_matrix *m, const fr_matrix *local)
{
    const size_t n = local->rows;
    inverse_check check = {.expected = local->data, .n = n};
    double seen = 0, *diagonal = numbers(n), largest = 0;
    bool good = fr_dist_cholesky_invert(m) == FR_OK && fr_cholesky_invert(local) == FR_OK;

    good = good && fr_dist_matrix_sum(m, inverse_visit, &check, &seen, 1) == FR_OK;
    good = good && fr_dist_matrix_diagonal(m, diagonal) == FR_OK;
    for (size_t i = 0; good && i < n; i++) {
        const double expected = local->data[i * n + i];
        good = fabs(diagonal[i] - expected) <= TOLERANCE * expected;
        if (expected > largest) largest = expected;
    }
    good =
        good && check.worst <= TOLERANCE * largest && seen == (double)n * (double)(n + 1) / 2;
    result(good, "n=%zu: the inverse equals LAPACK's", n);
    free(diagonal);
}

static void test_solve(fr_dist_matrix *m, const fr_matrix *local, size_t r)
{
    const size_t n = local->rows, ld = r + 1;
    double *here = right_side(n, r), *there = right_side(n, r), *again = right_side(n, r);
    const fr_matrix b = {here, n, r, ld}, x = {there, n, r, ld}, y = {again, n, r, ld};
    bool good = fr_cholesky_solve(local, &b) == FR_OK;

    good = good && fr_dist_cholesky_solve(m, &x) == FR_OK;
    good = good && fr_dist_cholesky_solve(m, &y) == FR_OK;
    good = good && distance(there, here, n * ld) <= TOLERANCE;
    good = good && memcmp(there, again, n * ld * sizeof *there) == 0;
    result(good && same_everywhere(there, n * ld),
           "n=%zu: %zu solutions equal LAPACK's, the same bits on all ranks", n, r);
    free(here);
    free(there);
    free(again);
}

static void test_size(size_t n)
{
    fr_gram g = gram_create(n);
    fr_dist_matrix *m = NULL;
    fr_matrix local = {.data = numbers(n * n), .rows = n, .cols = n, .ld = n};
    int rows = 0, cols = 0;
    bool good = fr_dist_matrix_create(MPI_COMM_WORLD, n, FR_PRECISION_DOUBLE, &m) == FR_OK;

    if (good) fr_dist_matrix_grid(m, &rows, &cols);
    good = good && cols >= 1 && cols <= rows && rows * cols <= ranks_of();
    good = good && fr_dist_matrix_size(m) == n;
    good = good && fr_dist_matrix_fill(m, fill, &g) == FR_OK;
    good = good && fr_dist_cholesky_factor(m) == FR_OK;
    rbf_fill(&g, 0, 0, &local);
    good = good && fr_cholesky_factor(&local) == FR_OK;
    const double expected = fr_cholesky_logdet(&local);
    const double logdet = good ? fr_dist_cholesky_logdet(m) : NAN;
    good = good && fabs(logdet - expected) <= TOLERANCE * fabs(expected);
    good = result(good && same_everywhere(&logdet, 1),
                  "n=%zu: factor on %d x %d ranks, log-determinant equals LAPACK's", n, rows,
                  cols);
    if (good) {
        test_solve(m, &local, 1);
        test_solve(m, &local, 5);
        if (n >= MANY) test_solve(m, &local, MANY);
        test_inverse(m, &local);
    }
    fr_dist_matrix_destroy(&m);
    free(local.data);
    gram_clear(&g);
}

/* Breaks one element, or fails, on whichever rank holds the tile at (row, col). */
typedef struct {
    fr_gram *gram;
    size_t row, col; /* an element on or below the diagonal */
    double value;
    bool fail;
} broken_fill;

static fr_status fill_broken(void *context, size_t row, size_t col, const fr_matrix *tile)
{
    const broken_fill *broken = context;
    FR_TRY(fill(broken->gram, row, col, tile));
    if (broken->row - row >= tile->rows || broken->col - col >= tile->cols) return FR_OK;
    if (broken->fail) return FR_FAIL(FR_ERR_DATA, "element %zu is missing", broken->row);
    tile->data[(broken->row - row) * tile->ld + broken->col - col] = broken->value;
    return FR_OK;
}

/* After the failure of one rank all have its status and message. */
static bool all_say(fr_status st, fr_status expected, const char *word)
{
    return st == expected && strstr(fr_status_message(), word) != NULL;
}

static void test_errors(void)
{
    enum { N = 200 };
    fr_gram g = gram_create(N);
    broken_fill broken = {.gram = &g, .row = 170, .col = 170, .value = -1};
    fr_dist_matrix *m = NULL;
    double *numbers_b = right_side(N, 1);
    const fr_matrix b = {numbers_b, N, 1, 2}, wrong = {numbers_b, N - 1, 1, 2};

    if (!result(fr_dist_matrix_create(MPI_COMM_WORLD, N, FR_PRECISION_DOUBLE, &m) == FR_OK,
                "errors: create"))
        return;
    result(all_say(fr_dist_cholesky_factor(m), FR_ERR_STATE, "filled"), "factor before fill");
    result(all_say(fr_dist_cholesky_solve(m, &b), FR_ERR_STATE, "factored") &&
               isnan(fr_dist_cholesky_logdet(m)),
           "solve before factor");
    result(fr_dist_matrix_fill(m, fill_broken, &broken) == FR_OK &&
               all_say(fr_dist_cholesky_factor(m), FR_ERR_NUMERIC, "definite: pivot 170"),
           "not positive definite on one rank is an error on all");
    result(all_say(fr_dist_cholesky_solve(m, &b), FR_ERR_STATE, "factored"),
           "no solution from a failed factor");
    broken = (broken_fill){.gram = &g, .row = 130, .col = 3, .value = NAN};
    result(fr_dist_matrix_fill(m, fill_broken, &broken) == FR_OK &&
               fr_dist_cholesky_factor(m) == FR_ERR_NUMERIC,
           "a NaN in one element is an error on all");
    broken.fail = true;
    result(all_say(fr_dist_matrix_fill(m, fill_broken, &broken), FR_ERR_DATA,
                   "element 130 is missing"),
           "a fill that fails on one rank is an error on all, with its message");
    result(fr_dist_matrix_fill(m, fill, &g) == FR_OK && fr_dist_cholesky_factor(m) == FR_OK &&
               all_say(fr_dist_cholesky_solve(m, &wrong), FR_ERR_ARG, "200 rows"),
           "a right-hand side of the wrong size");
    result(all_say(fr_dist_cholesky_factor(m), FR_ERR_STATE, "filled"), "factor twice");
    fr_dist_matrix_destroy(&m);
    fr_dist_matrix_destroy(&m);
    result(all_say(fr_dist_matrix_create(MPI_COMM_WORLD, (size_t)INT_MAX + 1,
                                         FR_PRECISION_DOUBLE, &m),
                   FR_ERR_ARG, "2147483648 rows") &&
               m == NULL,
           "more rows than ScaLAPACK counts");
    result(all_say(fr_dist_matrix_create(MPI_COMM_WORLD, 1000000, FR_PRECISION_DOUBLE, &m),
                   FR_ERR_ARG, "at least"),
           "more elements on a rank than ScaLAPACK counts");
    free(numbers_b);
    gram_clear(&g);
}

/* Rank 0 compares what two solvers say about g. */
static bool solvers_agree(const fr_gram_solver *a, const fr_gram_solver *b, const fr_gram *g)
{
    const size_t n = g->n;
    double logdet[2] = {0, 1}, gradient[2][PARAMETERS];
    double *x[2] = {right_side(n, MANY), right_side(n, MANY)}, *alpha = numbers(n);
    const fr_gram_solver *solvers[2] = {a, b};
    bool good = true;

    for (size_t s = 0; s < 2; s++) {
        const fr_gram_solver *solver = solvers[s];
        const fr_matrix all = {x[s], n, MANY, MANY + 1};
        good = good && solver->factor(solver->context, g, &logdet[s]) == FR_OK;
        good = good && solver->solve(solver->context, &all) == FR_OK;
        for (size_t i = 0; s == 0 && i < n; i++) alpha[i] = x[0][i * (MANY + 1)];
        good = good && solver->gradient(solver->context, alpha, gradient[s]) == FR_OK;
        good = good && solver->solve(solver->context, &all) == FR_ERR_STATE;
    }
    good = good && distance(&logdet[1], &logdet[0], 1) <= TOLERANCE;
    good = good && distance(x[1], x[0], n * (MANY + 1)) <= TOLERANCE;
    good = good && distance(gradient[1], gradient[0], PARAMETERS) <= TOLERANCE;
    free(x[0]);
    free(x[1]);
    free(alpha);
    return good;
}

/* The diagonal of the inverse is the local solver's. Solutions in single precision have
 * double's digits; the diagonal, which is not refined, has float's. */
static bool diagonals_agree(const fr_gram_solver *solver, const fr_gram_solver *local,
                            fr_precision precision)
{
    enum { N = 400 };
    const bool rough = precision == FR_PRECISION_SINGLE;
    double logdet[2] = {0, 1}, *diagonal[2] = {numbers(N), numbers(N)};
    double *x[2] = {right_side(N, 3), right_side(N, 3)};
    const fr_gram_solver *solvers[2] = {local, solver};
    fr_gram g = gram_create(N);
    bool good = true;

    g.precision = precision;
    for (size_t s = 0; s < 2; s++) {
        const fr_matrix all = {x[s], N, 3, 4};
        void *context = solvers[s]->context;
        good = good && solvers[s]->factor(context, &g, &logdet[s]) == FR_OK;
        good = good && solvers[s]->solve(context, &all) == FR_OK;
        good = good && solvers[s]->inverse_diagonal(context, diagonal[s]) == FR_OK;
        good = good && solvers[s]->solve(context, &all) == FR_ERR_STATE;
    }
    const double enough = rough ? 1e-4 : TOLERANCE;
    const double off = distance(diagonal[1], diagonal[0], N);
    good = good && distance(x[1], x[0], N * 4) <= TOLERANCE;
    good = good && off <= enough && (!rough || off > 0);
    good = good && distance(&logdet[1], &logdet[0], 1) <= enough;
    for (size_t s = 0; s < 2; s++) {
        free(x[s]);
        free(diagonal[s]);
    }
    gram_clear(&g);
    return good;
}

/* With next to no noise there is no solution in single precision. */
static bool single_says_no(const fr_gram_solver *solver)
{
    enum { N = 400 };
    double logdet, theta[PARAMETERS], *x = right_side(N, 3);
    const fr_matrix all = {x, N, 3, 4};
    fr_gram g = gram_create(N);
    memcpy(theta, THETA, sizeof theta);
    theta[DIMENSIONS] = -25;
    g.theta = theta;
    g.precision = FR_PRECISION_SINGLE;
    fr_status st = solver->factor(solver->context, &g, &logdet);
    if (st == FR_OK) st = solver->solve(solver->context, &all);
    free(x);
    gram_clear(&g);
    return st == FR_ERR_NUMERIC;
}

static void drive(const fr_gram_solver *solver, const fr_gram_solver *local, bool *good)
{
    static const size_t SIZES[] = {1, 127, 129, 500};
    double logdet = 0, one = 1;
    const fr_matrix b = {&one, 1, 1, 1};

    good[0] = solver->solve(solver->context, &b) == FR_ERR_STATE;
    good[1] = true;
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        fr_gram g = gram_create(SIZES[i]);
        good[1] = good[1] && solvers_agree(local, solver, &g);
        good[1] = good[1] && solvers_agree(local, solver, &g); /* the matrix is used again */
        gram_clear(&g);
    }
    fr_gram g = gram_create(100);
    good[2] = solver->factor(solver->context, &g, &logdet) == FR_OK;
    g.kernel = &NEGATIVE;
    good[2] = good[2] && solver->factor(solver->context, &g, &logdet) == FR_ERR_NUMERIC &&
              strstr(fr_status_message(), "pivot 0") != NULL;
    good[2] = good[2] && solver->solve(solver->context, &b) == FR_ERR_STATE;
    g.kernel = &UNKNOWN;
    good[3] = solver->factor(solver->context, &g, &logdet) == FR_ERR_ARG;
    fr_clock_sleep(0.05); /* the others fall asleep */
    g.kernel = &RBF;
    good[3] = good[3] && solver->factor(solver->context, &g, &logdet) == FR_OK;
    good[3] = good[3] && solver->solve(solver->context, &b) == FR_ERR_ARG;
    good[4] = diagonals_agree(solver, local, FR_PRECISION_DOUBLE) &&
              diagonals_agree(solver, local, FR_PRECISION_SINGLE) && single_says_no(solver);
    gram_clear(&g);
}

static void test_server(void)
{
    fr_gram_solver solver, local;
    bool good[5] = {true, true, true, true, true};
    fr_status st = FR_OK;

    if (rank_of() == 0) {
        st = fr_dist_solver_create(MPI_COMM_WORLD, KERNELS, N_KERNELS, &solver);
        if (st == FR_OK && (st = fr_gram_solver_local(&local)) == FR_OK) {
            drive(&solver, &local, good);
            local.destroy(local.context);
            solver.destroy(solver.context);
        }
    } else {
        st = fr_dist_serve(MPI_COMM_WORLD, KERNELS, N_KERNELS);
    }
    result(st == FR_OK, "server: starts, and ends when rank 0 says so");
    result(good[0], "server: no solution before a factor");
    result(good[1], "server: log-determinant, solutions and gradient equal the local solver's");
    result(good[2], "server: a matrix that is not definite is rank 0's error, nothing stays");
    result(good[3],
           "server: unknown kernels and wrong shapes are refused, the service goes on");
    result(good[4],
           "server: diagonal of the inverse; in single precision, solutions are double's");
}

/* ---- eigenvalues and eigenvectors ---- */

/* Rows of d numbers whose products the matrix has: of rank d at most. */
static fr_gram product_create(size_t n, size_t d)
{
    double *x = numbers(n * d);
    fr_rng rng = fr_rng_make(n, FR_RNG_FOURIER, d, 0, 0);
    for (size_t i = 0; i < n * d; i++) x[i] = fr_rng_normal(&rng);
    return (fr_gram){.kernel = &fr_kernel_product, .x = x, .n = n, .d = d};
}

/* Vectors (k, n) that are b's, each but for its sign: the largest difference. */
static double turned_apart(const double *a, const double *b, size_t k, size_t n)
{
    double worst = 0;
    for (size_t v = 0; v < k; v++) {
        double sign = 0;
        for (size_t i = 0; i < n; i++) sign += a[v * n + i] * b[v * n + i];
        for (size_t i = 0; i < n; i++) {
            const double off = fabs(a[v * n + i] - copysign(b[v * n + i], sign * b[v * n + i]));
            if (!(off <= worst)) worst = isnan(off) ? INFINITY : off;
        }
    }
    return worst;
}

typedef struct {
    size_t k; /* vectors */
    double *values, *vectors;
    double seconds;
} decomposition;

/* The k largest; the rows of `vectors` lie further apart than they are long. */
static bool decompose(const fr_gram_solver *s, const fr_gram *g, size_t k, decomposition *out)
{
    const double start = fr_clock_now();
    double *wide = numbers(k * (g->n + 2));
    const fr_matrix view = {wide, k, g->n, g->n + 2};
    *out = (decomposition){k, numbers(g->n), numbers(k * g->n), 0};
    bool good = s->decompose(s->context, g, out->values) == FR_OK;
    good = good && s->eigenvectors(s->context, g->n - k, &view) == FR_OK;
    for (size_t v = 0; good && v < k; v++)
        memcpy(out->vectors + v * g->n, wide + v * view.ld, g->n * sizeof *wide);
    out->seconds = fr_clock_now() - start;
    free(wide);
    return good;
}

static void decomposition_clear(decomposition *d)
{
    free(d->values);
    free(d->vectors);
}

/* Against LAPACK's; twice, for the same bits. */
static void compare_eigen(const fr_gram_solver *spread, size_t n, bool *good, double *seconds)
{
    fr_gram g = product_create(n, n / 2 + 3);
    const size_t half = n / 2 + 1, k = half < MANY ? half : MANY;
    decomposition here = {0}, there = {0}, again = {0};
    fr_gram_solver local;
    *good = fr_gram_solver_local(&local) == FR_OK;
    *good = *good && decompose(&local, &g, k, &here) && decompose(spread, &g, k, &there) &&
            decompose(spread, &g, k, &again);
    *good = *good && distance(there.values, here.values, n) <= TOLERANCE &&
            turned_apart(there.vectors, here.vectors, k, n) <= 1e-6 &&
            memcmp(there.values, again.values, n * sizeof(double)) == 0 &&
            memcmp(there.vectors, again.vectors, k * n * sizeof(double)) == 0;
    seconds[0] = here.seconds;
    seconds[1] = again.seconds;
    local.destroy(local.context);
    decomposition_clear(&here);
    decomposition_clear(&there);
    decomposition_clear(&again);
    gram_clear(&g);
}

static void refuse_eigen(const fr_gram_solver *s, bool *good)
{
    double out[8], values[4], logdet;
    const fr_matrix view = {out, 2, 4, 4}, narrow = {out, 2, 3, 4};
    fr_gram g = product_create(4, 6);
    *good = s->eigenvectors(s->context, 0, &view) == FR_ERR_STATE;
    *good = *good && s->factor(s->context, &g, &logdet) == FR_OK;
    *good = *good && s->eigenvectors(s->context, 0, &view) == FR_ERR_STATE;
    *good = *good && s->decompose(s->context, &g, values) == FR_OK;
    *good = *good && s->eigenvectors(s->context, 3, &view) == FR_ERR_ARG;
    *good = *good && s->eigenvectors(s->context, 0, &narrow) == FR_ERR_ARG;
    *good = *good && s->eigenvectors(s->context, 2, &view) == FR_OK;
    ((double *)(uintptr_t)g.x)[7] = NAN;
    *good = *good && s->decompose(s->context, &g, values) == FR_ERR_NUMERIC &&
            strstr(fr_status_message(), "is not finite") != NULL;
    *good = *good && s->eigenvectors(s->context, 0, &view) == FR_ERR_STATE;
    gram_clear(&g);
}

static void test_eigen(const size_t *sizes, size_t n_sizes)
{
    static const fr_kernel *const products[] = {&fr_kernel_product};
    fr_gram_solver solver;
    bool good[16] = {false};
    fr_status st = FR_OK;
    if (rank_of() == 0) {
        st = fr_dist_solver_create(MPI_COMM_WORLD, products, 1, &solver);
        if (st == FR_OK) {
            refuse_eigen(&solver, &good[n_sizes]);
            for (size_t i = 0; i < n_sizes; i++) {
                double seconds[2];
                compare_eigen(&solver, sizes[i], &good[i], seconds);
                if (sizes[i] > 1000)
                    printf("# ranks=%d n=%zu lapack_eigen_s=%.2f eigen_s=%.2f\n", ranks_of(),
                           sizes[i], seconds[0], seconds[1]);
            }
            solver.destroy(solver.context);
        }
    } else {
        st = fr_dist_serve(MPI_COMM_WORLD, products, 1);
    }
    result(st == FR_OK, "eigen: the service starts and ends");
    for (size_t i = 0; i < n_sizes; i++)
        result(rank_of() != 0 || good[i],
               "n=%zu: eigenvalues and vectors equal LAPACK's, twice the same bits", sizes[i]);
    result(rank_of() != 0 || good[n_sizes],
           "eigen: no vectors before a decomposition, wrong shapes and NaN are refused");
}

static void test_idle_server(void)
{
    enum { MILLISECONDS = 1000 };
    fr_gram_solver solver;
    fr_status st = FR_OK;
    const double start = fr_clock_thread_cpu();

    if (rank_of() == 0) {
        st = fr_dist_solver_create(MPI_COMM_WORLD, KERNELS, N_KERNELS, &solver);
        fr_clock_sleep(MILLISECONDS * 1e-3);
        if (st == FR_OK) solver.destroy(solver.context);
    } else {
        st = fr_dist_serve(MPI_COMM_WORLD, KERNELS, N_KERNELS);
    }
    const double used = fr_clock_thread_cpu() - start;
    result(st == FR_OK && used < MILLISECONDS * 1e-3 / 4,
           "server: an idle one leaves the core");
}

/* LAPACK's logdet and solution x (n) of g, computed on rank 0 and sent to all; its seconds to
 * fill and factor. */
static double reference(const fr_gram *g, double *x, double *logdet)
{
    const size_t n = g->n;
    const fr_matrix b = {x, n, 1, 1};
    double seconds = 0;
    fr_gram_solver local;

    if (rank_of() == 0) {
        fr_status st = fr_gram_solver_local(&local);
        if (st != FR_OK) MPI_Abort(MPI_COMM_WORLD, 1);
        const double start = fr_clock_now();
        st = local.factor(local.context, g, logdet);
        seconds = fr_clock_now() - start;
        if (st == FR_OK) st = local.solve(local.context, &b);
        if (st != FR_OK) MPI_Abort(MPI_COMM_WORLD, 1);
        local.destroy(local.context);
    }
    MPI_Bcast(x, (int)n, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    MPI_Bcast(logdet, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return seconds;
}

typedef enum { LAPACK, FILL, FACTOR, SOLVE, INVERT, N_PHASES } phase;

/* The phase that began at *last has ended on all ranks: keep its time if it is the best. */
static void lap(double *best, double *last)
{
    MPI_Barrier(MPI_COMM_WORLD);
    const double now = fr_clock_now();
    if (now - *last < *best) *best = now - *last;
    *last = now;
}

/* Largest relative difference from LAPACK's log-determinant and solution. */
static double run_large(const fr_gram *g, bool invert, double *best)
{
    const size_t n = g->n;
    double *x = right_side(n, 0), *y = right_side(n, 0), logdet = NAN, off = NAN;
    const fr_matrix b = {y, n, 1, 1};
    fr_dist_matrix *m = NULL;

    const double lapack_s = reference(g, x, &logdet);
    if (lapack_s < best[LAPACK]) best[LAPACK] = lapack_s;
    bool good = fr_dist_matrix_create(MPI_COMM_WORLD, n, g->precision, &m) == FR_OK;
    double last = fr_clock_now();
    good = good && fr_dist_matrix_fill(m, fill, (fr_gram *)(uintptr_t)g) == FR_OK;
    lap(&best[FILL], &last);
    good = good && fr_dist_cholesky_factor(m) == FR_OK;
    lap(&best[FACTOR], &last);
    good = good && fr_dist_cholesky_solve(m, &b) == FR_OK;
    lap(&best[SOLVE], &last);
    if (good) off = fmax(fabs(fr_dist_cholesky_logdet(m) / logdet - 1), distance(y, x, n));
    last = fr_clock_now();
    if (good && invert) {
        good = fr_dist_cholesky_invert(m) == FR_OK;
        lap(&best[INVERT], &last);
    }
    fr_dist_matrix_destroy(&m);
    free(x);
    free(y);
    return good ? off : NAN;
}

static void test_large(size_t n, int repeats, bool invert, fr_precision precision)
{
    const double enough = precision == FR_PRECISION_SINGLE ? 0.01 : TOLERANCE;
    fr_gram g = gram_create(n);
    double best[N_PHASES], off = 0;

    g.precision = precision;
    for (int p = 0; p < N_PHASES; p++) best[p] = INFINITY;
    for (int i = 0; i < repeats; i++) {
        const double now = run_large(&g, invert, best);
        if (!(now <= off)) off = now;
    }
    if (rank_of() == 0) {
        printf("# ranks=%d n=%zu lapack_s=%.2f fill_s=%.2f factor_s=%.2f solve_s=%.3f",
               ranks_of(), n, best[LAPACK], best[FILL], best[FACTOR], best[SOLVE]);
        if (invert) printf(" invert_s=%.2f", best[INVERT]);
        printf(" off=%.1e\n", off);
    }
    result(off <= enough, "n=%zu: log-determinant and solution equal LAPACK's", n);
    gram_clear(&g);
}

int main(int argc, char **argv)
{
    static const size_t SIZES[] = {0, 1, 7, 63, 64, 65, 127, 128, 129, 500};
    static const size_t EIGEN_SIZES[] = {1, 2, 129, 260};
    const char *mode = argc > 1 ? argv[1] : "";
    const size_t n = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 5000;
    const bool single = argc > 3 && strcmp(argv[3], "single") == 0;
    int provided = 0;

    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    fr_linalg_init();
    if (strcmp(mode, "large") == 0) {
        test_large(n, 1, false, FR_PRECISION_DOUBLE);
    } else if (strcmp(mode, "eigen") == 0) {
        test_eigen(&n, 1);
    } else if (strcmp(mode, "bench") == 0) {
        test_large(n, 3, true, single ? FR_PRECISION_SINGLE : FR_PRECISION_DOUBLE);
    } else {
        for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) test_size(SIZES[i]);
        test_errors();
        test_server();
        test_eigen(EIGEN_SIZES, sizeof EIGEN_SIZES / sizeof *EIGEN_SIZES);
        test_idle_server();
    }
    MPI_Finalize();
    return 0;
}
