/* SPDX-License-Identifier: BSD-3-Clause */
/* constraint.c - "parameters <= 10000" as text and as a test; the reference point as text. */
#include <math.h>
#include <string.h>

#include "foldrank/text.h"
#include "internal.h"

static fr_status unknown_name(const char *name, const char *const names[], size_t n)
{
    fr_text list = {0};
    for (size_t i = 0; i < n; i++) fr_text_add(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
    const char *near = fr_nearest(name, names, n);
    const fr_status st =
        FR_FAIL(FR_ERR_USAGE, "`%s` can be no constraint; allowed: %s%s%s%s", name,
                fr_text_get(&list), near == NULL ? "" : " (did you mean ",
                near == NULL ? "" : near, near == NULL ? "" : "?)");
    fr_text_clear(&list);
    return st;
}

fr_status fr_constraint_parse(const char *text, const char *const names[], size_t n,
                              fr_constraint *out)
{
    char name[128] = "";
    const char *sign = strpbrk(text, "<>");
    size_t length = sign == NULL ? 0 : (size_t)(sign - text);
    *out = (fr_constraint){0};
    while (length > 0 && text[length - 1] == ' ') length--;
    if (length > 0 && length < sizeof name) memcpy(name, text, length);
    if (name[0] != '\0') {
        const char *bound = sign + 1;
        out->at_most = *sign == '<';
        out->strictly = *bound != '=';
        if (*bound == '=') bound++;
        bound += strspn(bound, " ");
        if (fr_parse_double(bound, &out->bound) && isfinite(out->bound)) {
            while (out->which < n && strcmp(names[out->which], name) != 0) out->which++;
            return out->which < n ? FR_OK : unknown_name(name, names, n);
        }
    }
    return FR_FAIL(FR_ERR_USAGE,
                   "`%.60s` is not a constraint; write a name, one of < <= > >= and a number, "
                   "such as %s <= 10000",
                   text, n > 0 ? names[n - 1] : "parameters");
}

bool fr_constraint_holds(const fr_constraint *c, double value)
{
    if (value == c->bound) return !c->strictly;
    return c->at_most ? value < c->bound : value > c->bound;
}

fr_status fr_select_reference(const fr_select_options *options, size_t n_goals,
                              double out[FR_GOALS_MAX], size_t *n)
{
    *n = options->reference.n;
    if (*n == 0) return FR_OK;
    if (*n != n_goals)
        return FR_FAIL(FR_ERR_USAGE, "%zu numbers for %zu objectives; allowed: one for each",
                       *n, n_goals);
    for (size_t k = 0; k < *n; k++)
        if (!fr_parse_double(options->reference.item[k], &out[k]) || !isfinite(out[k]))
            return FR_FAIL(FR_ERR_USAGE, "`%.60s` is not a finite number",
                           options->reference.item[k]);
    return FR_OK;
}
