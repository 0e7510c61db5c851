/* SPDX-License-Identifier: BSD-3-Clause */
/* function.c - test functions with known minima, for tests of searches and of scheduling. The
 * classical ones are as in Surjanovic and Bingham, "Virtual library of simulation experiments";
 * x is the values of the numeric parameters in their order. */
#include <math.h>
#include <string.h>

#include "foldrank/random.h"
#include "foldrank/text.h"
#include "internal.h"

#define PI 3.14159265358979323846
enum { DIMENSIONS_MAX = 64 };

/* Minimum 0 at 0. */
static double sphere(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sum;
}

/* Minimum 0 at (1, ..., 1). */
static double rosenbrock(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        const double bend = x[i + 1] - x[i] * x[i], left = 1.0 - x[i];
        sum += 100.0 * bend * bend + left * left;
    }
    return sum;
}

/* Minimum 0 at 0. */
static double rastrigin(const double *x, size_t n)
{
    double sum = 10.0 * (double)n;
    for (size_t i = 0; i < n; i++) sum += x[i] * x[i] - 10.0 * cos(2.0 * PI * x[i]);
    return sum;
}

/* Minimum 0 at 0. */
static double ackley(const double *x, size_t n)
{
    double square = 0, wave = 0;
    for (size_t i = 0; i < n; i++) {
        square += x[i] * x[i] / (double)n;
        wave += cos(2.0 * PI * x[i]) / (double)n;
    }
    return 20.0 + exp(1.0) - 20.0 * exp(-0.2 * sqrt(square)) - exp(wave);
}

/* Minimum 0.397887 at (-pi, 12.275), (pi, 2.275), (9.42478, 2.475). */
static double branin(const double *x, size_t n)
{
    (void)n;
    const double bend = x[1] - 5.1 / (4.0 * PI * PI) * x[0] * x[0] + 5.0 / PI * x[0] - 6.0;
    return bend * bend + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * cos(x[0]) + 10.0;
}

/* Minimum -3.32237 at (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573). */
static double hartmann6(const double *x, size_t n)
{
    static const double alpha[4] = {1.0, 1.2, 3.0, 3.2};
    static const double a[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                                   {0.05, 10, 17, 0.1, 8, 14},
                                   {3, 3.5, 1.7, 10, 17, 8},
                                   {17, 8, 0.05, 10, 0.1, 14}};
    static const double p[4][6] = {{1312, 1696, 5569, 124, 8283, 5886},
                                   {2329, 4135, 8307, 3736, 1004, 9991},
                                   {2348, 1451, 3522, 2883, 3047, 6650},
                                   {4047, 8828, 8732, 5743, 1091, 381}};
    double sum = 0;
    for (size_t i = 0; i < 4; i++) {
        double inner = 0;
        for (size_t j = 0; j < n; j++) {
            const double off = x[j] - 1e-4 * p[i][j];
            inner += a[i][j] * off * off;
        }
        sum -= alpha[i] * exp(-inner);
    }
    return sum;
}

/* Minimum 0 at (1, ..., 1). */
static double levy(const double *x, size_t n)
{
    const double first = sin(PI * (1.0 + (x[0] - 1.0) / 4.0));
    double sum = first * first;
    for (size_t i = 0; i + 1 < n; i++) {
        const double w = 1.0 + (x[i] - 1.0) / 4.0, s = sin(PI * w + 1.0);
        sum += (w - 1.0) * (w - 1.0) * (1.0 + 10.0 * s * s);
    }
    const double w = 1.0 + (x[n - 1] - 1.0) / 4.0, s = sin(2.0 * PI * w);
    return sum + (w - 1.0) * (w - 1.0) * (1.0 + s * s);
}

/* Minimum 0 at 0. */
static double griewank(const double *x, size_t n)
{
    double sum = 0, product = 1;
    for (size_t i = 0; i < n; i++) {
        sum += x[i] * x[i] / 4000.0;
        product *= cos(x[i] / sqrt((double)i + 1.0));
    }
    return sum - product + 1.0;
}

/* Every active parameter counts by its place u in its range: numbers (u - 0.3)^2, integers and
 * choices 0.1 |u - 0.5|. */
static double mixed(const fr_space *space, const double *point)
{
    double sum = 0;
    for (size_t j = 0; j < space->n; j++) {
        const fr_param *param = &space->params[j];
        if (isnan(point[j])) continue;
        const double u = fr_param_to_unit(param, point[j]);
        if (param->kind == FR_PARAM_FLOAT || param->kind == FR_PARAM_LOG)
            sum += (u - 0.3) * (u - 0.3);
        else
            sum += 0.1 * fabs(u - 0.5);
    }
    return sum;
}

/* An active choice costs 0.1 times its index, so that the branch of the first ones is the best.
 * Numbers cost (u - t)^2, with t = 0.3 or 0.7 as the sum of these indices is even or odd: what
 * is good in one branch is not in another. */
static double conditional(const fr_space *space, const double *point)
{
    double indices = 0, sum = 0;
    for (size_t j = 0; j < space->n; j++)
        if (space->params[j].kind == FR_PARAM_CHOICE && !isnan(point[j])) indices += point[j];
    const double best = fmod(indices, 2.0) == 0.0 ? 0.3 : 0.7;
    for (size_t j = 0; j < space->n; j++) {
        if (space->params[j].kind == FR_PARAM_CHOICE || isnan(point[j])) continue;
        const double off = fr_param_to_unit(&space->params[j], point[j]) - best;
        sum += off * off;
    }
    return sum + 0.1 * indices;
}

static const fr_test_function functions[] = {
    {"sphere", 1, DIMENSIONS_MAX, .value = sphere, .best = 0.0, .width = 10.0},
    {"rosenbrock", 2, DIMENSIONS_MAX, .value = rosenbrock, .best = 1.0, .width = 15.0},
    {"rastrigin", 1, DIMENSIONS_MAX, .value = rastrigin, .best = 0.0, .width = 10.0},
    {"ackley", 1, DIMENSIONS_MAX, .value = ackley, .best = 0.0, .width = 60.0},
    {"branin", 2, 2, .value = branin, .minimum = 0.39788735772973816,
     .box = {{-5.0, 10.0}, {0.0, 15.0}}},
    {"hartmann6", 6, 6, .value = hartmann6, .minimum = -3.322368011391339,
     .box = {{0.0, 1.0}, {0.0, 1.0}}},
    {"levy", 1, DIMENSIONS_MAX, .value = levy, .best = 1.0, .width = 20.0},
    {"griewank", 1, DIMENSIONS_MAX, .value = griewank, .best = 0.0, .width = 1200.0},
    {"mixed", 0, DIMENSIONS_MAX, .whole = mixed},
    {"conditional", 0, DIMENSIONS_MAX, .whole = conditional},
    {"zdt1", 2, DIMENSIONS_MAX, .most_scores = 2, .values = fr_function_zdt1},
    {"zdt2", 2, DIMENSIONS_MAX, .most_scores = 2, .values = fr_function_zdt2},
    {"zdt3", 2, DIMENSIONS_MAX, .most_scores = 2, .values = fr_function_zdt3},
    {"dtlz2", FR_GOALS_MAX, DIMENSIONS_MAX, .most_scores = FR_GOALS_MAX,
     .values = fr_function_dtlz2},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

const fr_test_function *fr_test_function_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < FUNCTIONS; i++)
        if (strcmp(functions[i].name, name) == 0) return &functions[i];
    return NULL;
}

fr_status fr_test_function_unknown(const char *name)
{
    const char *names[FUNCTIONS];
    fr_text list = {0};
    for (size_t i = 0; i < FUNCTIONS; i++) {
        names[i] = functions[i].name;
        fr_text_add(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    const char *near = name == NULL ? NULL : fr_nearest(name, names, FUNCTIONS);
    const fr_status st = FR_FAIL(FR_ERR_USAGE, "`%s` is not a test function; allowed: %s%s%s%s",
                                 name == NULL ? "" : name, fr_text_get(&list),
                                 near == NULL ? "" : " (did you mean ",
                                 near == NULL ? "" : near, near == NULL ? "" : "?)");
    fr_text_clear(&list);
    return st;
}

static fr_status check_scores(const fr_test_function *f, size_t n)
{
    if (f->most_scores == 0 && n > 1)
        return FR_FAIL(FR_ERR_USAGE,
                       "objective.scores: %s has one score; allowed with several: zdt1, zdt2, "
                       "zdt3, dtlz2",
                       f->name);
    if (f->most_scores > 0 && (n < 2 || n > f->most_scores))
        return FR_FAIL(FR_ERR_USAGE,
                       "objective.scores: %s has 2%s scores, which need names, such as scores: "
                       "[f1, f2]",
                       f->name, f->most_scores > 2 ? " to 4" : "");
    return FR_OK;
}

fr_status fr_function_check(const fr_study *study)
{
    const fr_test_function *f = fr_test_function_find(study->objective.function);
    size_t numbers = 0;
    if (f == NULL) {
        const fr_status st = fr_test_function_unknown(study->objective.function);
        return FR_FAIL(st, "objective.function: %s", fr_status_message());
    }
    for (size_t j = 0; j < study->space.n; j++)
        numbers += study->space.params[j].kind != FR_PARAM_CHOICE;
    if (numbers < f->fewest || numbers > f->most)
        return FR_FAIL(FR_ERR_USAGE,
                       "objective.function: %s takes %zu to %zu numeric parameters, the study "
                       "has %zu",
                       f->name, f->fewest, f->most, numbers);
    return check_scores(f, study->n_goals);
}

bool fr_function_values(const fr_study *study, const double *point, double *out)
{
    const fr_test_function *f = fr_test_function_find(study->objective.function);
    const fr_space *space = &study->space;
    double x[DIMENSIONS_MAX];
    size_t n = 0;
    for (size_t j = 0; j < space->n && n < DIMENSIONS_MAX; j++)
        if (space->params[j].kind != FR_PARAM_CHOICE && !isnan(point[j])) x[n++] = point[j];
    if (n < f->fewest) return false;
    if (f->values != NULL)
        f->values(x, n, out, study->n_goals);
    else if (f->value != NULL)
        out[0] = f->value(x, n);
    else
        out[0] = f->whole(space, point);
    return true;
}

fr_status fr_function_evaluate(const fr_objective *objective, const fr_task *task,
                               const atomic_bool *stop, fr_fold_result *result)
{
    const fr_study *study = objective->study;
    double value[FR_GOALS_MAX];
    const bool enough = fr_function_values(study, task->point, value);
    if (!fr_pretend_to_work(study->objective.sleep, stop)) {
        result->state = FR_TRIAL_INTERRUPTED;
        return FR_OK;
    }
    if (!enough)
        return fr_task_fail(result, "too few numeric parameters are active for this function");
    for (uint32_t k = 0; k < study->n_goals; k++) {
        fr_rng rng =
            fr_rng_make((uint64_t)study->search.seed, FR_RNG_NOISE, task->trial, task->fold, k);
        value[k] += study->objective.noise * fr_rng_normal(&rng);
        if (k > 0) result->more[k - 1] = value[k];
    }
    result->score = result->loss = value[0];
    return FR_OK;
}
