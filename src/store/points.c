/* SPDX-License-Identifier: BSD-3-Clause */
/* points.c - points of a space as a group of columns, one for each parameter: numbers with NaN
 * where it is inactive, choices as their texts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "foldrank/memory.h"
#include "internal.h"

/* One parameter of all points. */
typedef struct {
    const fr_space *space;
    const double *const *points;
    size_t param;
} param_source;

static double value_of(const param_source *from, size_t i)
{
    return from->points[i] == NULL ? NAN : from->points[i][from->param];
}

static void next_values(void *context, size_t first, size_t n, void *out)
{
    for (size_t i = 0; i < n; i++) ((double *)out)[i] = value_of(context, first + i);
}

static const char *choice_text(void *context, size_t i)
{
    const param_source *from = context;
    const double value = value_of(from, i);
    return isnan(value) ? "" : from->space->params[from->param].choices[(size_t)value];
}

void fr_points_put(fr_h5_out *out, const char *group, const fr_space *space,
                   const double *const *points, size_t n)
{
    fr_h5_put_group(out, group);
    for (size_t p = 0; p < space->n; p++) {
        const fr_param *param = &space->params[p];
        param_source from = {.space = space, .points = points, .param = p};
        fr_text path = {0};
        fr_text_add(&path, "%s/%s", group, param->name);
        if (path.failed)
            out->failed = true;
        else if (param->kind == FR_PARAM_CHOICE)
            fr_h5_put_texts(
                out, &(fr_h5_texts){
                         .path = path.data, .n = n, .text = choice_text, .context = &from});
        else
            fr_h5_put_column(out, &(fr_h5_column){.path = path.data,
                                                  .type = FR_H5_F64,
                                                  .n = n,
                                                  .next = next_values,
                                                  .context = &from});
        fr_text_clear(&path);
    }
}

/* points (n, space->n): column p from the file. */
static fr_status get_numbers(const fr_h5_in *in, const char *path, size_t n, size_t p,
                             size_t n_params, double *points)
{
    double *values = fr_alloc(n, sizeof *values);
    if (values == NULL) return FR_ERR_MEMORY;
    fr_status st = fr_h5_get_column(in, path, FR_H5_F64, n, values);
    for (size_t i = 0; st == FR_OK && i < n; i++) points[i * n_params + p] = values[i];
    free(values);
    return st;
}

static fr_status get_choices(const fr_h5_in *in, const char *path, size_t n, size_t p,
                             const fr_space *space, double *points)
{
    fr_h5_block block;
    const fr_param *param = &space->params[p];
    FR_TRY(fr_h5_get_texts(in, path, &block));
    fr_status st = FR_OK;
    if (block.n != n)
        st = FR_FAIL(FR_ERR_FORMAT,
                     "%s: a parameter has other rows (row %zu); the file is damaged", in->path,
                     n);
    for (size_t i = 0; st == FR_OK && i < n; i++) {
        const char *text = fr_h5_text(&block, i);
        double value = NAN;
        for (size_t c = 0; text[0] != '\0' && c < param->n_choices && isnan(value); c++)
            if (strcmp(text, param->choices[c]) == 0) value = (double)c;
        if (text[0] != '\0' && isnan(value))
            st = FR_FAIL(FR_ERR_FORMAT, "%s: %s: '%s' is no choice (row %zu)", in->path, path,
                         text, i);
        points[i * space->n + p] = value;
    }
    free(block.data);
    return st;
}

fr_status fr_points_get(const fr_h5_in *in, const char *group, const fr_space *space, size_t n,
                        double *points)
{
    fr_status st = FR_OK;
    for (size_t p = 0; st == FR_OK && p < space->n; p++) {
        fr_text path = {0};
        fr_text_add(&path, "%s/%s", group, space->params[p].name);
        if (path.failed)
            st = FR_ERR_MEMORY;
        else if (space->params[p].kind == FR_PARAM_CHOICE)
            st = get_choices(in, path.data, n, p, space, points);
        else
            st = get_numbers(in, path.data, n, p, space->n, points);
        fr_text_clear(&path);
    }
    return st;
}
