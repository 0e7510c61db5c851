/* SPDX-License-Identifier: BSD-3-Clause */
/* describe.c - values and distributions to text and back. */
#include <math.h>
#include <string.h>

#include "foldrank/space.h"

const char *const fr_param_kind_words[] = {
    [FR_PARAM_FLOAT] = "float",     [FR_PARAM_LOG] = "log",       [FR_PARAM_INT] = "int",
    [FR_PARAM_INT_LOG] = "int_log", [FR_PARAM_CHOICE] = "choice", [FR_PARAM_CHOICE + 1] = NULL,
};

void fr_param_format(const fr_param *p, double value, fr_text *out)
{
    char number[FR_NUMBER_SIZE];
    if (isnan(value)) return;
    if (p->kind == FR_PARAM_CHOICE)
        fr_text_add(out, "%s", p->choices[(size_t)fr_param_round(p, value)]);
    else
        fr_text_add(out, "%s", fr_format_double(value, number));
}

static void add_range(const fr_param *p, const char *kind, fr_text *out)
{
    char low[FR_NUMBER_SIZE], high[FR_NUMBER_SIZE], step[FR_NUMBER_SIZE];
    fr_text_add(out, "%s [%s, %s]", kind, fr_format_double(p->low, low),
                fr_format_double(p->high, high));
    const bool is_integer = p->kind == FR_PARAM_INT || p->kind == FR_PARAM_INT_LOG;
    if (p->step > 0 && !(is_integer && p->step == 1))
        fr_text_add(out, " step %s", fr_format_double(p->step, step));
    if (p->grid > 0) fr_text_add(out, " grid %lld", (long long)p->grid);
}

void fr_param_describe_choices(const fr_param *p, fr_text *out)
{
    for (size_t i = 0; i < p->n_choices; i++)
        fr_text_add(out, "%s%s", i == 0 ? "[" : ", ", p->choices[i]);
    if (p->n_choices > 0) fr_text_add(out, "]");
}

void fr_param_describe(const fr_param *p, fr_text *out)
{
    if (p->kind != FR_PARAM_CHOICE) {
        add_range(p, fr_param_kind_words[p->kind], out);
        return;
    }
    fr_text_add(out, "choice ");
    fr_param_describe_choices(p, out);
}

void fr_param_describe_conditions(const fr_space *space, const fr_param *p, fr_text *out)
{
    for (size_t c = 0; c < p->n_conditions; c++) {
        const fr_condition *condition = &p->conditions[c];
        const fr_param *parent = &space->params[condition->parent];
        fr_text_add(out, "%s%s %s ", c == 0 ? "" : " and ", parent->name,
                    condition->n_values == 1 ? "=" : "in");
        for (size_t v = 0; v < condition->n_values; v++) {
            if (v > 0) fr_text_add(out, ", ");
            fr_param_format(parent, condition->values[v], out);
        }
    }
}

static fr_status parse_choice(const fr_param *p, const char *text, double *value)
{
    for (size_t i = 0; i < p->n_choices; i++) {
        if (strcmp(p->choices[i], text) != 0) continue;
        *value = (double)i;
        return FR_OK;
    }
    fr_text allowed = {0};
    fr_param_describe(p, &allowed);
    const char *near = fr_nearest(text, (const char *const *)p->choices, p->n_choices);
    const fr_status st =
        FR_FAIL(FR_ERR_USAGE, "`%.60s` is not a choice of %s; allowed: %.400s%s%s%s", text,
                p->name, fr_text_get(&allowed), near == NULL ? "" : " (did you mean ",
                near == NULL ? "" : near, near == NULL ? "" : "?)");
    fr_text_clear(&allowed);
    return st;
}

fr_status fr_param_parse(const fr_param *p, const char *text, double *value)
{
    if (p->kind == FR_PARAM_CHOICE) return parse_choice(p, text, value);
    double number = 0;
    const bool is_number = fr_parse_double(text, &number) && isfinite(number);
    const double nearest = fr_param_round(p, number);
    const double slack = p->step > 0 ? 1e-9 * p->step : 0;
    if (is_number && fabs(nearest - number) <= slack) {
        *value = nearest;
        return FR_OK;
    }
    fr_text allowed = {0};
    fr_param_describe(p, &allowed);
    const fr_status st = FR_FAIL(FR_ERR_USAGE, "`%.60s` is not a value of %s; allowed: %s",
                                 text, p->name, fr_text_get(&allowed));
    fr_text_clear(&allowed);
    return st;
}

void fr_space_format(const fr_space *space, const double *point, fr_text *out)
{
    bool first = true;
    for (size_t j = 0; j < space->n; j++) {
        if (isnan(point[j])) continue;
        fr_text_add(out, "%s%s=", first ? "" : " ", space->params[j].name);
        fr_param_format(&space->params[j], point[j], out);
        first = false;
    }
}
