/* SPDX-License-Identifier: BSD-3-Clause */
/* users.c - whose a row is, and whether he wanted it: what metrics and splits by user ask. */
#include <math.h>
#include <string.h>

#include "foldrank/data.h"

bool fr_dataset_has_users(const fr_dataset *dataset)
{
    return (dataset->schema.has_user && dataset->x != NULL) || dataset->group != NULL;
}

int64_t fr_dataset_user(const fr_dataset *dataset, size_t row)
{
    const fr_schema *schema = &dataset->schema;
    if (!schema->has_user || dataset->x == NULL)
        return dataset->group == NULL ? -1 : dataset->group[row];
    const size_t i = row * schema->cols + schema->user;
    switch (schema->cell) {
    case FR_CELL_U8:
        return ((const uint8_t *)dataset->x)[i];
    case FR_CELL_I16:
        return ((const int16_t *)dataset->x)[i];
    default: {
        const float level = ((const float *)dataset->x)[i];
        return isnan(level) ? -1 : (int64_t)level;
    }
    }
}

bool fr_schema_find_user(fr_schema *schema, const char *name)
{
    schema->has_user = false;
    for (size_t c = 0; name != NULL && c < schema->cols && !schema->has_user; c++) {
        schema->has_user = schema->columns[c].kind == FR_COLUMN_CATEGORICAL &&
                           strcmp(schema->columns[c].name, name) == 0;
        schema->user = c;
    }
    return schema->has_user;
}

bool fr_schema_relevant(const fr_schema *schema, double y)
{
    if (schema->learn == FR_LEARN_CLASSIFICATION) return y > 0;
    return schema->relevant == 0 ? y > 0 : y >= schema->relevant;
}
