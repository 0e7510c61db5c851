/* SPDX-License-Identifier: BSD-3-Clause */
/* generation.h - gp with more results than one rank should factor: the model is made once for
 * some suggestions in a row. All Local but fr_generation_begin, which is what the solver is.
 *
 * A generation begins when the number of trials whose results may be looked at has grown by
 * `search.generation`. Then a list of candidates is drawn around the best trials and over the
 * whole space, and all ranks work out what the model says about them. Suggestions of the
 * generation are the best candidates, under what has become known of others since. The list
 * follows from the history alone; only the model's numbers depend, to rounding, on the solver.
 */
#ifndef FR_SEARCH_GENERATION_H
#define FR_SEARCH_GENERATION_H

#include "internal.h"

typedef struct fr_generation fr_generation;

FR_CHECKED fr_status fr_generation_create(const fr_space *space, fr_generation **out);
void fr_generation_destroy(fr_generation **generation);

/* Whether the last fr_generation_begin was for this history and this first trial. */
bool fr_generation_is_current(const fr_generation *generation, const fr_ask *ask,
                              uint64_t start);

/* What a generation learns from: trials before `start`, their scores to be minimised, best
 * first. Borrowed for the call. */
typedef struct {
    uint64_t start;
    const size_t *trials; /* (n) */
    const double *scores; /* (n) */
    size_t n;
    const double *theta; /* where learning begins, see matern.h */
} fr_generation_data;

/* A failure by numbers (FR_ERR_NUMERIC) lasts: the generation then is current, and gives none.
 * Errors: those of the ranks' solver; FR_ERR_NUMERIC, FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_generation_begin(fr_generation *generation, const fr_ask *ask,
                                         const fr_generation_data *data);

/* FR_ERR_NUMERIC when the generation's model could not be made. */
FR_CHECKED fr_status fr_generation_suggest(fr_generation *generation, const fr_ask *ask,
                                           double *point);

#endif
