/* SPDX-License-Identifier: BSD-3-Clause */
/* distribution.c - one setting: a plain value, or the distribution of a hyperparameter. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

static const double largest_integer = 0x1p53; /* up to here every integer is a double */

static const struct {
    const char *key;
    fr_param_kind kind;
} kinds[] = {
    {"float", FR_PARAM_FLOAT},     {"log", FR_PARAM_LOG},       {"int", FR_PARAM_INT},
    {"int_log", FR_PARAM_INT_LOG}, {"choice", FR_PARAM_CHOICE},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static const char *const known_keys[] = {"float",  "log",  "int",  "int_log",
                                         "choice", "step", "grid", "when"};

void fr_setting_place(const fr_setting *s, fr_text *out)
{
    const char *home = "train";
    if (s->row == NULL)
        home = "objective.parameters";
    else if (s->family >= 0)
        home = "models";
    else if (s->block == offsetof(fr_recipe, preprocess))
        home = "preprocess";
    fr_text_add(out, "%s.%s", home, s->name);
}

void fr_setting_refuse(fr_draft *draft, fr_setting *s, const fr_node *where, fr_status st)
{
    fr_text place = {0};
    fr_setting_place(s, &place);
    fr_faults_check(draft->faults, where, fr_text_get(&place), st);
    fr_text_clear(&place);
    s->broken = true;
}

fr_status fr_setting_canonical(const fr_setting *s, const char *text, fr_text *out)
{
    fr_recipe scratch;
    memset(&scratch, 0, sizeof scratch);
    if (s->row == NULL) {
        fr_text_add(out, "%s", text);
    } else {
        FR_TRY(fr_option_set(s->row, text, (char *)&scratch + s->block));
        fr_option_format(s->row, (char *)&scratch + s->block, out);
    }
    return out->failed ? FR_ERR_MEMORY : FR_OK;
}

/* The node's value in canonical form, a new string; NULL with a fault noted. */
static char *read_value(fr_draft *draft, fr_setting *s, const fr_node *node)
{
    fr_text raw = {0}, text = {0};
    fr_status st = FR_OK;
    if (node == NULL)
        fr_text_add(&raw, "%s", s->row->fallback);
    else if (node->kind == NODE_MAP)
        st = FR_FAIL(FR_ERR_USAGE, "a mapping is not a value");
    else
        fr_node_format(node, &raw);
    if (st == FR_OK) st = fr_setting_canonical(s, fr_text_get(&raw), &text);
    fr_text_clear(&raw);
    if (st == FR_OK) return text.data;
    fr_text_clear(&text);
    fr_setting_refuse(draft, s, node, st);
    return NULL;
}

static fr_status read_number(const fr_node *node, const char *what, double *out)
{
    const bool is_number = node->kind == NODE_SCALAR && fr_parse_double(node->text, out) &&
                           isfinite(*out) && fabs(*out) <= 1e300;
    if (!is_number) return FR_FAIL(FR_ERR_USAGE, "%s must be a number", what);
    return FR_OK;
}

static bool is_whole(double x)
{
    return x == rint(x) && fabs(x) <= largest_integer;
}

static fr_status check_bounds(const fr_param *p, const char *kind)
{
    char low[FR_NUMBER_SIZE], high[FR_NUMBER_SIZE];
    fr_format_double(p->low, low);
    fr_format_double(p->high, high);
    const bool is_log = p->kind == FR_PARAM_LOG || p->kind == FR_PARAM_INT_LOG;
    const bool is_int = p->kind == FR_PARAM_INT || p->kind == FR_PARAM_INT_LOG;
    if (!(p->low < p->high))
        return FR_FAIL(FR_ERR_USAGE, "%s [%s, %s] is empty: low must be below high", kind, low,
                       high);
    if (is_log && !(p->low > 0))
        return FR_FAIL(FR_ERR_USAGE, "%s [%s, %s]: low must be above 0", kind, low, high);
    if (is_int && (!is_whole(p->low) || !is_whole(p->high)))
        return FR_FAIL(FR_ERR_USAGE, "%s [%s, %s]: the bounds must be whole numbers", kind, low,
                       high);
    return FR_OK;
}

/* Both bounds must be values that the setting itself takes. */
static fr_status check_row(const fr_setting *s, const fr_param *p, const char *kind)
{
    char number[FR_NUMBER_SIZE];
    if (s->row == NULL) return FR_OK;
    const fr_option_type type = s->row->type;
    const bool is_int = p->kind == FR_PARAM_INT || p->kind == FR_PARAM_INT_LOG;
    if (type != FR_OPTION_INT && type != FR_OPTION_DOUBLE)
        return FR_FAIL(FR_ERR_USAGE, "%s is for numbers; use choice", kind);
    if (type == FR_OPTION_INT && !is_int)
        return FR_FAIL(FR_ERR_USAGE, "%s gives fractions; use int or int_log", kind);
    for (int end = 0; end < 2; end++) {
        fr_text ignored = {0};
        const fr_status st = fr_setting_canonical(
            s, fr_format_double(end == 0 ? p->low : p->high, number), &ignored);
        fr_text_clear(&ignored);
        FR_TRY(st);
    }
    return FR_OK;
}

static fr_status read_range(const fr_setting *s, const fr_node *node, fr_param *p)
{
    const char *kind = node->key;
    if (node->kind != NODE_LIST || node->n != 2)
        return FR_FAIL(FR_ERR_USAGE, "%s needs two numbers: %s: [low, high]", kind, kind);
    FR_TRY(read_number(node->child, "low", &p->low));
    FR_TRY(read_number(node->child->next, "high", &p->high));
    FR_TRY(check_bounds(p, kind));
    return check_row(s, p, kind);
}

static fr_status read_step(const fr_node *node, fr_param *p)
{
    const bool is_int = p->kind == FR_PARAM_INT || p->kind == FR_PARAM_INT_LOG;
    if (is_int) p->step = 1;
    if (node == NULL) return FR_OK;
    if (p->kind == FR_PARAM_LOG || p->kind == FR_PARAM_CHOICE)
        return FR_FAIL(FR_ERR_USAGE, "step goes with float, int and int_log only");
    FR_TRY(read_number(node, "step", &p->step));
    if (!(p->step > 0) || p->step > p->high - p->low)
        return FR_FAIL(FR_ERR_USAGE, "step must be above 0 and at most high - low");
    if (is_int && !is_whole(p->step))
        return FR_FAIL(FR_ERR_USAGE, "step must be a whole number");
    if (p->kind == FR_PARAM_INT_LOG && p->step >= 2 * p->low)
        return FR_FAIL(FR_ERR_USAGE, "step of int_log must be below 2 * low");
    return FR_OK;
}

static fr_status read_grid(const fr_node *node, fr_param *p)
{
    double number = 0;
    if (node == NULL) return FR_OK;
    if ((p->kind != FR_PARAM_FLOAT && p->kind != FR_PARAM_LOG) || p->step > 0)
        return FR_FAIL(FR_ERR_USAGE, "grid goes with float and log without step only");
    FR_TRY(read_number(node, "grid", &number));
    if (!is_whole(number) || number < 2 || number > 1e6)
        return FR_FAIL(FR_ERR_USAGE, "grid must be a whole number of values from 2 to 1000000");
    p->grid = (int64_t)number;
    return FR_OK;
}

static bool has_choice(const fr_param *p, const char *text)
{
    for (size_t i = 0; i < p->n_choices; i++)
        if (strcmp(p->choices[i], text) == 0) return true;
    return false;
}

static void read_choices(fr_draft *draft, fr_setting *s, const fr_node *node)
{
    fr_param *p = &s->param;
    if (node->kind != NODE_LIST || node->n == 0) {
        fr_setting_refuse(draft, s, node,
                          FR_FAIL(FR_ERR_USAGE, "choice needs a list of values"));
        return;
    }
    p->choices = fr_alloc(node->n, sizeof *p->choices);
    if (p->choices == NULL) {
        draft->faults->out_of_memory = true;
        return;
    }
    for (const fr_node *child = node->child; child != NULL; child = child->next) {
        char *text = read_value(draft, s, child);
        if (text == NULL) continue;
        if (has_choice(p, text)) {
            fr_setting_refuse(draft, s, child,
                              FR_FAIL(FR_ERR_USAGE, "choice has `%.60s` twice", text));
            free(text);
            continue;
        }
        p->choices[p->n_choices++] = text;
    }
    p->high = (double)p->n_choices - 1;
    p->step = 1;
}

/* The one entry that names the kind; NULL with a fault noted. */
static const fr_node *find_kind(fr_draft *draft, fr_setting *s)
{
    const fr_node *found = NULL;
    const size_t n_keys = sizeof known_keys / sizeof *known_keys;
    for (const fr_node *child = s->given->child; child != NULL; child = child->next) {
        size_t k = 0;
        while (k < n_keys && strcmp(known_keys[k], child->key) != 0) k++;
        if (k == n_keys) {
            fr_text place = {0};
            fr_setting_place(s, &place);
            fr_faults_unknown(draft->faults, child, fr_text_get(&place), known_keys, n_keys);
            fr_text_clear(&place);
            s->broken = true;
        }
        if (k >= N_KINDS) continue;
        if (found != NULL)
            fr_setting_refuse(
                draft, s, child,
                FR_FAIL(FR_ERR_USAGE, "%s and %s exclude each other", found->key, child->key));
        found = child;
    }
    if (found == NULL && !s->broken)
        fr_setting_refuse(
            draft, s, s->given,
            FR_FAIL(FR_ERR_USAGE,
                    "a hyperparameter needs one of float, log, int, int_log, choice"));
    return s->broken ? NULL : found;
}

static void read_distribution(fr_draft *draft, fr_setting *s)
{
    const fr_node *kind = find_kind(draft, s);
    const fr_node *step = fr_node_find(s->given, "step"),
                  *grid = fr_node_find(s->given, "grid");
    if (kind == NULL) return;
    for (size_t k = 0; k < N_KINDS; k++)
        if (strcmp(kinds[k].key, kind->key) == 0) s->param.kind = kinds[k].kind;
    s->when = fr_node_find(s->given, "when");
    fr_status st = FR_OK;
    if (s->param.kind == FR_PARAM_CHOICE)
        read_choices(draft, s, kind);
    else if ((st = read_range(s, kind, &s->param)) != FR_OK)
        fr_setting_refuse(draft, s, kind, st);
    if (!s->broken && (st = read_step(step, &s->param)) != FR_OK)
        fr_setting_refuse(draft, s, step, st);
    if (!s->broken && (st = read_grid(grid, &s->param)) != FR_OK)
        fr_setting_refuse(draft, s, grid, st);
}

void fr_draft_distribution(fr_draft *draft, fr_setting *s)
{
    if (s->given != NULL && s->given->kind == NODE_MAP)
        read_distribution(draft, s);
    else if (s->row != NULL)
        s->fixed = read_value(draft, s, s->given);
    else
        fr_setting_refuse(draft, s, s->given,
                          FR_FAIL(FR_ERR_USAGE,
                                  "a parameter needs a distribution; to fix it, write "
                                  "{choice: [value]}"));
}
