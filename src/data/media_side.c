/* SPDX-License-Identifier: BSD-3-Clause */
/* media_side.c - what is known of the files besides their content, as columns of numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media.h"

static fr_span value_at(const fr_media_list *list, size_t row, size_t column)
{
    const char *text = list->value[row * list->column.n + column];
    return text == NULL ? (fr_span){"", 0} : (fr_span){text, strlen(text)};
}

/* Numbers as they are; false: there is a text among them. */
static bool take_numbers(const fr_media_list *list, const fr_strings *missing, size_t column,
                         double *values)
{
    for (size_t i = 0; i < list->n; i++) {
        const fr_span span = value_at(list, i, column);
        double *value = &values[i * list->column.n + column];
        *value = NAN;
        if (!fr_span_missing(span, missing) && !fr_span_number(span, value)) return false;
    }
    return true;
}

static fr_status take_texts(const fr_media_list *list, const fr_strings *missing, size_t column,
                            double *values, fr_dict *dict)
{
    for (size_t i = 0; i < list->n; i++) {
        const fr_span span = value_at(list, i, column);
        uint32_t index;
        double *value = &values[i * list->column.n + column];
        *value = NAN;
        if (fr_span_missing(span, missing)) continue;
        FR_TRY(fr_dict_add(dict, fr_key_of_text(span), &index));
        *value = index;
    }
    FR_TRY(fr_dict_order(dict));
    for (size_t i = 0; i < list->n; i++) {
        double *value = &values[i * list->column.n + column];
        if (!isnan(*value)) *value = dict->rank[(size_t)*value];
    }
    return FR_OK;
}

fr_status fr_media_side(const fr_media_list *list, const fr_strings *missing, double *values,
                        fr_column *levels)
{
    for (size_t c = 0; c < list->column.n; c++) {
        fr_dict dict = {0};
        if (take_numbers(list, missing, c, values)) continue;
        fr_status st = take_texts(list, missing, c, values, &dict);
        if (st == FR_OK) st = fr_dict_names(&dict, &levels[c].levels);
        if (st == FR_OK) levels[c].n_levels = dict.n;
        fr_dict_clear(&dict);
        FR_TRY(st);
    }
    return FR_OK;
}
