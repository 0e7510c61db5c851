/* SPDX-License-Identifier: BSD-3-Clause */
/* scored.c - rows with known targets and what a model says of them: those that the search never
 * saw (/test), and out-of-fold ones (/explain/out_of_fold). */
#include <math.h>
#include <stdio.h>

#include "foldrank/memory.h"
#include "internal.h"

enum { OUTPUTS_MAX = FR_EXPLAIN_OUTPUTS_MAX, PATH_MAX_BYTES = 64 };

/* "group/name" */
static const char *path_in(const char *group, const char *name, char out[PATH_MAX_BYTES])
{
    snprintf(out, PATH_MAX_BYTES, "%s/%s", group, name);
    return out;
}

void fr_scored_put(fr_h5_out *out, const char *group, const fr_scored *scored, size_t n_outputs)
{
    char row[PATH_MAX_BYTES], target[PATH_MAX_BYTES], output[PATH_MAX_BYTES];
    if (scored->n == 0 || scored->n > OUTPUTS_MAX / n_outputs) return;
    const fr_h5_column columns[] = {
        {.path = path_in(group, "row", row),
         .type = FR_H5_U32,
         .n = scored->n,
         .data = scored->row,
         .about = "number of the row in the data"},
        {.path = path_in(group, "target", target),
         .type = FR_H5_F32,
         .n = scored->n,
         .data = scored->target,
         .about = "number of the class, or the value"},
    };
    fr_h5_put_group(out, group);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        fr_h5_put_column(out, &columns[i]);
    fr_h5_put_matrix(out, path_in(group, "output", output), scored->output, scored->n,
                     n_outputs);
}

/* Targets are classes of the model, or values. */
static bool targets_fit(const fr_scored *scored, const fr_model *model)
{
    const float n_classes = (float)model->schema.n_classes;
    for (size_t i = 0; i < scored->n; i++) {
        const float target = scored->target[i];
        const bool is_class = target >= 0 && target < n_classes && target == truncf(target);
        if (model->schema.learn == FR_LEARN_CLASSIFICATION ? !is_class : !isfinite(target))
            return false;
    }
    return true;
}

fr_status fr_scored_get(const fr_h5_in *in, const char *group, const fr_model *model,
                        fr_scored *out)
{
    const size_t n_outputs = model->n_outputs;
    char path[PATH_MAX_BYTES];
    *out = (fr_scored){0};
    if (!fr_h5_has(in, group)) return FR_OK;
    size_t n = 0;
    FR_TRY(fr_h5_get_all(in, path_in(group, "row", path), FR_H5_U32, &out->row, &n));
    if (n > OUTPUTS_MAX / n_outputs)
        return FR_FAIL(FR_ERR_FORMAT, "%s: %s has %zu rows; it never has so many", in->path,
                       group, n);
    out->target = fr_alloc(n, sizeof *out->target);
    out->output = fr_alloc(n * n_outputs, sizeof *out->output);
    if (out->target == NULL || out->output == NULL) return FR_ERR_MEMORY;
    out->n = n;
    FR_TRY(fr_h5_get_column(in, path_in(group, "target", path), FR_H5_F32, n, out->target));
    if (!targets_fit(out, model))
        return FR_FAIL(FR_ERR_FORMAT, "%s: %s/target has what is no class; the file is damaged",
                       in->path, group);
    return fr_h5_get_matrix(in, path_in(group, "output", path), n, n_outputs, out->output);
}
