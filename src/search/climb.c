/* SPDX-License-Identifier: BSD-3-Clause */
/* climb.c - quasi-Newton steps from a good point, in the unit coordinates of the numbers that
 * are active there. In many dimensions no number of random mutations replaces them. */
#include "climb.h"

#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

#include "acquire.h"
#include "foldrank/memory.h"
#include "matern.h"

enum { EVALUATIONS = 60, LEAST_CELLS = 32 };

typedef struct {
    const fr_gaussian *model;
    double bar;
    size_t d;
    size_t *axis;  /* (n): parameters that are climbed along */
    double *z;     /* (d): encoded point */
    double *slope; /* (2, d) */
    double *work;  /* (2, rows) */
    fr_status status;
} slope_data;

static bool climbs_along(const fr_param *param)
{
    return param->kind != FR_PARAM_CHOICE && fr_space_cardinality(param) >= LEAST_CELLS;
}

bool fr_can_climb(const fr_space *space)
{
    for (size_t j = 0; j < space->n; j++)
        if (climbs_along(&space->params[j])) return true;
    return false;
}

static double improvement(unsigned n, const double *x, double *gradient, void *data)
{
    slope_data *s = data;
    double mean, variance, by_mean, by_variance;
    for (unsigned i = 0; i < n; i++) s->z[s->axis[i]] = x[i];
    s->status = fr_gaussian_slope(s->model, s->z, &mean, &variance, s->slope, s->work);
    if (s->status != FR_OK) return -INFINITY;
    const double value =
        fr_log_improvement_slope(s->bar, mean, variance, &by_mean, &by_variance);
    for (unsigned i = 0; i < n && gradient != NULL; i++)
        gradient[i] =
            by_mean * s->slope[s->axis[i]] + by_variance * s->slope[s->d + s->axis[i]];
    return value;
}

static fr_status run(slope_data *s, unsigned n, double *x)
{
    double value = -INFINITY;
    nlopt_opt opt = nlopt_create(NLOPT_LD_LBFGS, n);
    if (opt == NULL) return FR_FAIL(FR_ERR_MEMORY, "out of memory for an optimiser");
    nlopt_set_max_objective(opt, improvement, s);
    nlopt_set_lower_bounds1(opt, 0.0);
    nlopt_set_upper_bounds1(opt, 1.0);
    nlopt_set_ftol_abs(opt, 1e-4);
    nlopt_set_xtol_abs1(opt, 1e-7);
    nlopt_set_maxeval(opt, EVALUATIONS);
    /* Whatever the stop was for, x is the best place it has seen. */
    const nlopt_result result = nlopt_optimize(opt, x, &value);
    nlopt_destroy(opt);
    if (result == NLOPT_OUT_OF_MEMORY) return FR_FAIL(FR_ERR_MEMORY, "out of memory to climb");
    return s->status;
}

fr_status fr_climb(const fr_gaussian *model, const fr_space *space, double bar, double *point)
{
    const size_t d = space->n;
    slope_data s = {.model = model, .bar = bar, .d = d};
    double *x = fr_alloc(4 * d, sizeof *x);
    unsigned n = 0;
    s.axis = fr_alloc(d, sizeof *s.axis);
    s.work = fr_alloc(2 * fr_gaussian_rows(model), sizeof *s.work);
    fr_status st = x == NULL || s.axis == NULL || s.work == NULL ? FR_ERR_MEMORY : FR_OK;
    if (st != FR_OK) goto out;
    s.z = x + d;
    s.slope = x + 2 * d;
    fr_matern_encode(space, point, 1, s.z);
    for (size_t j = 0; j < d; j++) {
        if (isnan(point[j]) || !climbs_along(&space->params[j])) continue;
        x[n] = s.z[j];
        s.axis[n++] = j;
    }
    if (n == 0) goto out;
    st = run(&s, n, x);
    for (unsigned i = 0; i < n && st == FR_OK; i++)
        point[s.axis[i]] = fr_param_from_unit(&space->params[s.axis[i]], x[i]);
out:
    free(x);
    free(s.axis);
    free(s.work);
    return st;
}
