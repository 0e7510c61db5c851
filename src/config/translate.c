/* SPDX-License-Identifier: BSD-3-Clause */
/* translate.c - a configuration of one study as a point of another's space. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

typedef struct {
    const fr_study *there, *here;
    const double *from; /* a point there */
    fr_recipe recipe;   /* what it means there; unset for an objective */
    fr_rng rng;
} translation;

static bool trains(const fr_study *study)
{
    return study->objective.type == FR_OBJECTIVE_TRAINING;
}

/* The binding of parameter j of this study; NULL for `model` and an objective's parameters. */
static const fr_binding *binding_of(const fr_study *study, size_t j)
{
    for (size_t i = 0; i < study->n_bindings; i++)
        if (study->bindings[i].param == j) return &study->bindings[i];
    return NULL;
}

/* The value there of parameter j here, as text; nothing when there is none. What trains has a
 * value for every setting, fixed or searched; an objective knows its parameters only. */
static void value_there(const translation *t, size_t j, fr_text *out)
{
    const fr_param *param = &t->here->space.params[j];
    const fr_binding *b = binding_of(t->here, j);
    const fr_space *space = &t->there->space;
    const size_t k = fr_space_find(space, param->name);
    if (b != NULL && trains(t->there))
        fr_option_format(b->row, (const char *)&t->recipe + b->block, out);
    else if (b == NULL && trains(t->here) && trains(t->there))
        fr_text_add(out, "%s", fr_family_words[t->recipe.model.family]);
    else if (k < space->n && !isnan(t->from[k]))
        fr_param_format(&space->params[k], t->from[k], out);
}

static bool translate(translation *t, double *to)
{
    const fr_space *space = &t->here->space;
    bool fits = true;
    for (size_t j = 0; j < space->n && fits; j++) {
        const fr_param *param = &space->params[j];
        const double drawn = fr_param_from_unit(param, fr_rng_uniform(&t->rng));
        fr_text text = {0};
        to[j] = NAN;
        if (!fr_space_active(space, j, to)) continue;
        value_there(t, j, &text);
        if (text.length == 0 && !text.failed)
            to[j] = drawn;
        else
            fits = !text.failed && fr_param_parse(param, text.data, &to[j]) == FR_OK;
        fr_text_clear(&text);
    }
    return fits;
}

bool fr_study_translate(const fr_study *there, const double *from, fr_rng rng,
                        const fr_study *here, double *to)
{
    translation t = {.there = there, .here = here, .from = from, .rng = rng};
    if (!trains(there)) return translate(&t, to);
    fr_study_resolve(there, from, &t.recipe);
    return (!trains(here) || here->families[t.recipe.model.family]) && translate(&t, to);
}

/* How long an evaluation pretends to take, or may take, decides no score. */
static bool decides_scores(const fr_option *row)
{
    static const char *const times[] = {"sleep", "timeout", "grace", "run_time", "speed"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (strcmp(row->name, times[i]) == 0) return false;
    return true;
}

bool fr_study_same_objective(const fr_study *a, const fr_study *b)
{
    fr_text x = {0}, y = {0};
    if (a->objective.type != b->objective.type) return false;
    if (trains(a)) return true;
    for (size_t i = 0; i < fr_objective_option_count; i++) {
        const fr_option *row = &fr_objective_option_table[i];
        if (!decides_scores(row)) continue;
        fr_option_format(row, &a->objective, &x);
        fr_option_format(row, &b->objective, &y);
    }
    const bool same = strcmp(fr_text_get(&x), fr_text_get(&y)) == 0;
    fr_text_clear(&x);
    fr_text_clear(&y);
    return same;
}
