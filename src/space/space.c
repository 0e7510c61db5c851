/* SPDX-License-Identifier: BSD-3-Clause */
/* space.c - the list of parameters and points over it. */
#include "foldrank/space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/checksum.h"
#include "foldrank/memory.h"

static void clear_param(fr_param *param)
{
    for (size_t i = 0; i < param->n_choices; i++) free(param->choices[i]);
    free(param->choices);
    for (size_t i = 0; i < param->n_conditions; i++) free(param->conditions[i].values);
    free(param->conditions);
    free(param->name);
    *param = (fr_param){0};
}

static bool is_integer_kind(fr_param_kind kind)
{
    return kind == FR_PARAM_INT || kind == FR_PARAM_INT_LOG || kind == FR_PARAM_CHOICE;
}

static fr_status check_range(const fr_param *p)
{
    const bool is_log = p->kind == FR_PARAM_LOG || p->kind == FR_PARAM_INT_LOG;
    const char *wrong = NULL;
    if (!isfinite(p->low) || !isfinite(p->high) || p->low > p->high)
        wrong = "has an empty or endless range";
    else if (p->kind == FR_PARAM_CHOICE && p->n_choices == 0)
        wrong = "has no choices";
    else if (is_log && !(p->low > 0))
        wrong = "has a log range that reaches 0";
    else if (!(p->step >= 0) || (p->kind == FR_PARAM_LOG && p->step > 0))
        wrong = "cannot have this step";
    else if (is_integer_kind(p->kind) &&
             (p->low != rint(p->low) || p->step != rint(p->step) || p->step < 1))
        wrong = "needs whole numbers and a step of at least 1";
    else if (p->kind == FR_PARAM_INT_LOG && p->step >= 2 * p->low)
        wrong = "has a step that reaches 0";
    if (wrong != NULL) return FR_FAIL(FR_ERR_ARG, "parameter %s %s", p->name, wrong);
    return FR_OK;
}

static fr_status check_condition(const fr_space *space, const fr_param *p, size_t c)
{
    const fr_condition *condition = &p->conditions[c];
    if (condition->parent >= space->n)
        return FR_FAIL(FR_ERR_ARG, "parameter %s depends on one that does not come before",
                       p->name);
    const fr_param *parent = &space->params[condition->parent];
    for (size_t v = 0; v < condition->n_values; v++)
        if (fr_param_round(parent, condition->values[v]) != condition->values[v])
            return FR_FAIL(FR_ERR_ARG, "parameter %s waits for a value that %s never has",
                           p->name, parent->name);
    return FR_OK;
}

static fr_status check_param(const fr_space *space, const fr_param *p)
{
    if (p->name == NULL || *p->name == '\0' || strchr(p->name, '/') != NULL)
        return FR_FAIL(FR_ERR_ARG, "a parameter needs a name without /");
    if (fr_space_find(space, p->name) != space->n)
        return FR_FAIL(FR_ERR_ARG, "there are two parameters called %s", p->name);
    for (size_t c = 0; c < p->n_conditions; c++) FR_TRY(check_condition(space, p, c));
    return check_range(p);
}

fr_status fr_space_add(fr_space *space, fr_param param)
{
    if (param.kind == FR_PARAM_CHOICE) {
        param.low = 0;
        param.high = (double)param.n_choices - 1;
    }
    if (is_integer_kind(param.kind) && param.step == 0) param.step = 1;
    fr_status st = check_param(space, &param);
    void *block = space->params;
    if (st == FR_OK) st = fr_grow(&block, &space->capacity, space->n + 1, sizeof param);
    space->params = block;
    if (st == FR_OK)
        space->params[space->n++] = param;
    else
        clear_param(&param);
    return st;
}

void fr_space_clear(fr_space *space)
{
    for (size_t j = 0; j < space->n; j++) clear_param(&space->params[j]);
    free(space->params);
    *space = (fr_space){0};
}

size_t fr_space_find(const fr_space *space, const char *name)
{
    size_t j = 0;
    while (j < space->n && strcmp(space->params[j].name, name) != 0) j++;
    return j;
}

static bool condition_holds(const fr_condition *condition, const double *point)
{
    for (size_t v = 0; v < condition->n_values; v++)
        if (point[condition->parent] == condition->values[v]) return true;
    return false; /* also when the parent is inactive: NaN equals nothing */
}

bool fr_space_active(const fr_space *space, size_t j, const double *point)
{
    const fr_param *p = &space->params[j];
    for (size_t c = 0; c < p->n_conditions; c++)
        if (!condition_holds(&p->conditions[c], point)) return false;
    return true;
}

void fr_space_from_unit(const fr_space *space, const double *unit, double *point)
{
    for (size_t j = 0; j < space->n; j++)
        point[j] = fr_space_active(space, j, point)
                       ? fr_param_from_unit(&space->params[j], unit[j])
                       : (double)NAN;
}

/* One number per parameter, active or not, so that a parameter's draw never depends on
 * another's value. */
void fr_space_draw(const fr_space *space, fr_rng *rng, double *point)
{
    for (size_t j = 0; j < space->n; j++) point[j] = fr_rng_uniform(rng);
    fr_space_from_unit(space, point, point);
}

bool fr_space_equal(const fr_space *space, const double *a, const double *b)
{
    for (size_t j = 0; j < space->n; j++)
        if (a[j] != b[j] && !(isnan(a[j]) && isnan(b[j]))) return false;
    return true;
}

uint64_t fr_space_hash(const fr_space *space, const double *point)
{
    uint64_t hash = FR_FINGERPRINT_START;
    for (size_t j = 0; j < space->n; j++) {
        double value = isnan(point[j]) ? (double)NAN : point[j];
        if (value == 0) value = 0; /* -0 equals 0 but has other bits */
        hash = fr_fingerprint(hash, &value, sizeof value);
    }
    return hash;
}

fr_status fr_space_check(const fr_space *space, const double *point)
{
    for (size_t j = 0; j < space->n; j++) {
        const fr_param *p = &space->params[j];
        const bool active = fr_space_active(space, j, point);
        if (!active && isnan(point[j])) continue;
        if (!active)
            return FR_FAIL(FR_ERR_ARG, "parameter %s has a value but its condition fails",
                           p->name);
        if (fr_param_round(p, point[j]) != point[j]) /* true for NaN, too */
            return FR_FAIL(FR_ERR_ARG, "parameter %s: %.17g is not an allowed value", p->name,
                           point[j]);
    }
    return FR_OK;
}
