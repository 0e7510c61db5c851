/* SPDX-License-Identifier: BSD-3-Clause */
/* size.c - how many different points a conditional space has.
 *
 * Deciding the parameters one after the other would visit every point. Instead, parameters that
 * no undecided condition connects are counted apart and multiplied, and of a deciding
 * parameter's values only those that some condition names are told from each other. A tree of
 * conditions then costs about as many steps as it has parameters and named values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "foldrank/space.h"

/* A set of undecided parameters is an ascending array of their numbers. */
typedef struct {
    const fr_space *space;
    double *point; /* values of the decided ones */
    bool *decided;
    size_t *place; /* index in the set at hand */
    bool failed;   /* out of memory */
} counter;

static double count(counter *c, const size_t *ids, size_t n);

static bool allows(const fr_condition *condition, double value)
{
    for (size_t v = 0; v < condition->n_values; v++)
        if (condition->values[v] == value) return true;
    return false;
}

/* Some decided parent has switched parameter j off. */
static bool is_off(const counter *c, size_t j)
{
    const fr_param *p = &c->space->params[j];
    for (size_t k = 0; k < p->n_conditions; k++) {
        const fr_condition *condition = &p->conditions[k];
        if (c->decided[condition->parent] && !allows(condition, c->point[condition->parent]))
            return true;
    }
    return false;
}

static size_t root_of(size_t *group, size_t a)
{
    while (group[a] != a) a = group[a] = group[group[a]];
    return a;
}

/* group[a] leads to the first of the parameters that undecided conditions connect with ids[a].
 * A parameter that is off waits for nothing any more. */
static void connect(const counter *c, const size_t *ids, size_t n, size_t *group)
{
    for (size_t a = 0; a < n; a++) {
        c->place[ids[a]] = a;
        group[a] = a;
        if (is_off(c, ids[a])) continue;
        const fr_param *p = &c->space->params[ids[a]];
        for (size_t k = 0; k < p->n_conditions; k++) {
            if (c->decided[p->conditions[k].parent]) continue;
            const size_t x = root_of(group, a);
            const size_t y = root_of(group, c->place[p->conditions[k].parent]);
            group[x > y ? x : y] = x < y ? x : y;
        }
    }
}

/* All that decide on parameter j = ids[0] = `value` leaves open. */
static double count_with(counter *c, const size_t *ids, size_t n, double value)
{
    c->decided[ids[0]] = true;
    c->point[ids[0]] = value;
    const double total = count(c, ids + 1, n - 1);
    c->decided[ids[0]] = false;
    return total;
}

/* Whether an earlier (parameter, condition) among ids names `value` for parent j. */
static bool seen_before(const counter *c, const size_t *ids, size_t n, size_t j,
                        const double *value)
{
    for (size_t a = 1; a < n; a++) {
        const fr_param *p = &c->space->params[ids[a]];
        for (size_t k = 0; k < p->n_conditions; k++) {
            if (p->conditions[k].parent != j) continue;
            for (size_t v = 0; v < p->conditions[k].n_values; v++) {
                if (&p->conditions[k].values[v] == value) return false;
                if (p->conditions[k].values[v] == *value) return true;
            }
        }
    }
    return false;
}

/* ids[0] decides on others: one term per value that they name, one for all other values. */
static double count_branches(counter *c, const size_t *ids, size_t n)
{
    const size_t j = ids[0];
    double others = fr_space_cardinality(&c->space->params[j]), total = 0;
    for (size_t a = 1; a < n; a++) {
        const fr_param *p = &c->space->params[ids[a]];
        for (size_t k = 0; k < p->n_conditions; k++) {
            if (p->conditions[k].parent != j) continue;
            for (size_t v = 0; v < p->conditions[k].n_values; v++) {
                const double *value = &p->conditions[k].values[v];
                if (seen_before(c, ids, n, j, value)) continue;
                total += count_with(c, ids, n, *value);
                others -= 1;
            }
        }
    }
    /* NaN is in no list, like every value that no condition names. */
    if (others > 0) total += others * count_with(c, ids, n, (double)NAN);
    return total;
}

/* ids are connected. The first of them has no undecided parent: parents come first. */
static double count_connected(counter *c, const size_t *ids, size_t n)
{
    if (is_off(c, ids[0])) return count_with(c, ids, n, (double)NAN);
    if (n == 1) return fr_space_cardinality(&c->space->params[ids[0]]);
    return count_branches(c, ids, n);
}

static double count(counter *c, const size_t *ids, size_t n)
{
    double total = 1;
    if (n == 0 || c->failed) return total;
    size_t *group = fr_alloc(n, sizeof *group), *part = fr_alloc(n, sizeof *part);
    c->failed = group == NULL || part == NULL;
    if (!c->failed) connect(c, ids, n, group);
    for (size_t first = 0; first < n && !c->failed; first++) {
        size_t n_part = 0;
        if (group[first] != first) continue;
        for (size_t a = first; a < n; a++)
            if (root_of(group, a) == first) part[n_part++] = ids[a];
        total *= count_connected(c, part, n_part);
    }
    free(group);
    free(part);
    return total;
}

double fr_space_size(const fr_space *space)
{
    counter c = {.space = space};
    double total = (double)NAN;
    size_t *ids = fr_alloc(space->n, sizeof *ids);
    c.point = fr_alloc(space->n, sizeof *c.point);
    c.decided = fr_alloc(space->n, sizeof *c.decided);
    c.place = fr_alloc(space->n, sizeof *c.place);
    if (ids != NULL && c.point != NULL && c.decided != NULL && c.place != NULL) {
        for (size_t j = 0; j < space->n; j++) ids[j] = j;
        total = count(&c, ids, space->n);
        if (c.failed) total = (double)NAN;
    }
    free(ids);
    free(c.point);
    free(c.decided);
    free(c.place);
    return total;
}
