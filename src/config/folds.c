/* SPDX-License-Identifier: BSD-3-Clause */
/* folds.c - the folds that a study asks for. */
#include <stdio.h>

#include "internal.h"

/* So many classes, and more than one in so many rows: they are numbers, not names. */
enum { MANY_CLASSES = 20, ROWS_PER_CLASS = 20 };

fr_status fr_study_make_folds(const fr_study *study, const fr_dataset *dataset, fr_folds **out)
{
    const fr_status st = fr_folds_create(dataset, &study->test, &study->validation, out);
    if (st != FR_ERR_DATA) return st;
    const fr_schema *schema = &dataset->schema;
    char hint[256] = "";
    if (schema->n_classes > MANY_CLASSES && schema->n_classes > schema->rows / ROWS_PER_CLASS)
        snprintf(hint, sizeof hint,
                 "; %.100s has %zu different values in %zu rows: if they are numbers, say "
                 "data.task: regression",
                 schema->target_name, schema->n_classes, schema->rows);
    char message[2048];
    snprintf(message, sizeof message, "%s", fr_status_message());
    return FR_FAIL(st, "%s: %s: %s%s", study->path, study->data.path, message, hint);
}
