/* SPDX-License-Identifier: BSD-3-Clause */
/* build.c - settings to a space, the fixed settings of each family, and what binds the two. */
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

void fr_draft_place(fr_draft *draft, fr_setting *s)
{
    if (s->visit == VISIT_DONE) return;
    if (s->visit == VISIT_RUNNING) {
        fr_setting_refuse(draft, s, s->when,
                          FR_FAIL(FR_ERR_USAGE, "when leads in a circle back to itself"));
        return;
    }
    s->visit = VISIT_RUNNING;
    if (s->fixed == NULL && !s->broken) fr_draft_conditions(draft, s);
    s->visit = VISIT_DONE;
    if (s->fixed != NULL || s->broken) return;
    s->param.name = fr_strdup(s->name);
    if (s->param.name == NULL) {
        draft->faults->out_of_memory = true;
        s->broken = true;
        return;
    }
    s->index = draft->study->space.n;
    const fr_status st = fr_space_add(&draft->study->space, s->param);
    s->param = (fr_param){0};
    if (st != FR_OK) fr_setting_refuse(draft, s, s->given, st);
}

static void set_base(fr_draft *draft, fr_setting *s, int family)
{
    const char *text = s->fixed != NULL ? s->fixed : s->row->fallback;
    char *block = (char *)&draft->study->base[family] + s->block;
    if (!s->broken && fr_option_set(s->row, text, block) == FR_ERR_MEMORY)
        draft->faults->out_of_memory = true;
}

/* What a family says itself comes last: it wins over train. */
static void fill_base(fr_draft *draft)
{
    for (int f = 0; f < FR_FAMILY_COUNT; f++) {
        if (!draft->study->families[f]) continue;
        draft->study->base[f].model.family = f;
        for (size_t i = 0; i < draft->n; i++)
            if (draft->settings[i].row != NULL && draft->settings[i].family == ALL_FAMILIES)
                set_base(draft, &draft->settings[i], f);
        for (size_t i = 0; i < draft->n; i++)
            if (draft->settings[i].family == f) set_base(draft, &draft->settings[i], f);
    }
}

static fr_status bind(const fr_setting *s, const fr_param *p, fr_binding *out)
{
    *out =
        (fr_binding){.param = s->index, .family = s->family, .row = s->row, .block = s->block};
    if (p->kind != FR_PARAM_CHOICE) return FR_OK;
    out->choices = fr_alloc(p->n_choices, sizeof *out->choices);
    if (out->choices == NULL) return FR_ERR_MEMORY;
    for (size_t i = 0; i < p->n_choices; i++)
        FR_TRY(fr_option_set(s->row, p->choices[i], (char *)&out->choices[i] + s->block));
    return FR_OK;
}

static void fill_bindings(fr_draft *draft)
{
    fr_study *study = draft->study;
    study->bindings = fr_alloc(study->space.n, sizeof *study->bindings);
    if (study->bindings == NULL) draft->faults->out_of_memory = true;
    for (size_t i = 0; i < draft->n && study->bindings != NULL; i++) {
        const fr_setting *s = &draft->settings[i];
        if (s->row == NULL || s->fixed != NULL || s->broken) continue;
        const fr_status st =
            bind(s, &study->space.params[s->index], &study->bindings[study->n_bindings++]);
        fr_faults_check(draft->faults, s->given, s->name, st);
    }
}

void fr_draft_build(fr_draft *draft)
{
    for (size_t i = 0; i < draft->n; i++) fr_draft_place(draft, &draft->settings[i]);
    fill_base(draft);
    fill_bindings(draft);
}

/* The family at `point`: the only one, or the one that parameter `model` chooses. */
static int family_at(const fr_study *study, const double *point)
{
    const size_t model = fr_space_find(&study->space, "model");
    size_t k = model == study->space.n ? 0 : (size_t)point[model];
    for (int f = 0; f < FR_FAMILY_COUNT; f++)
        if (study->families[f] && k-- == 0) return f;
    return FR_FAMILY_LINEAR; /* a study without models */
}

static void apply(const fr_binding *b, double value, fr_recipe *out)
{
    char *block = (char *)out + b->block;
    if (b->choices != NULL)
        fr_option_copy(b->row, (char *)&b->choices[(size_t)value] + b->block, block);
    else if (b->row->type == FR_OPTION_INT)
        *(int64_t *)(block + b->row->offset) = (int64_t)value;
    else
        *(double *)(block + b->row->offset) = value;
}

void fr_study_resolve(const fr_study *study, const double *point, fr_recipe *out)
{
    const int family = family_at(study, point);
    *out = study->base[family];
    for (size_t i = 0; i < study->n_bindings; i++) {
        const fr_binding *b = &study->bindings[i];
        const double value = point[b->param];
        const bool active = value == value; /* not NaN */
        if (active && (b->family == family || b->family == ALL_FAMILIES)) apply(b, value, out);
    }
    /* A round is what others call an epoch. */
    if (family == FR_FAMILY_XGBOOST) out->train.epochs = out->model.boost.rounds;
    /* The margin of a picture is constant, and a part of it. */
    if (family == FR_FAMILY_CNN) out->preprocess.drop_constant = false;
}

uint64_t fr_study_epochs(const fr_study *study, const double *point)
{
    fr_recipe recipe;
    if (study->objective.type != FR_OBJECTIVE_TRAINING) return (uint64_t)study->objective.steps;
    fr_study_resolve(study, point, &recipe);
    if (!fr_family_iterates((fr_family)recipe.model.family)) return 1;
    return (uint64_t)recipe.train.epochs;
}
