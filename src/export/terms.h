/* SPDX-License-Identifier: BSD-3-Clause */
/* terms.h - the n-grams of a text that a model makes use of. All Local. */
#ifndef FR_EXPORT_TERMS_H
#define FR_EXPORT_TERMS_H

#include "foldrank/ensemble.h"
#include "foldrank/model.h"

typedef struct {
    const char *text; /* ":two words" or "~ lett"; the schema's */
    size_t column;    /* of the schema */
} fr_term;

typedef struct {
    fr_term *item; /* sorted by their bytes */
    size_t n;
    size_t longest; /* bytes */
} fr_terms;

/* Those of the model, or of any member when `together` is not NULL. Release with free(item).
 * FR_ERR_FORMAT when the model's features are no counts of n-grams; FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_terms_collect(const fr_model *model, const fr_ensemble *together,
                                      fr_terms *out);

#endif
