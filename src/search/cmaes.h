/* SPDX-License-Identifier: BSD-3-Clause */
/* cmaes.h - the evolution strategy behind another sampler, for auto. */
#ifndef FR_SEARCH_CMAES_H
#define FR_SEARCH_CMAES_H

#include "internal.h"

/* As fr_sampler_cmaes.create, but the first distribution is fitted to the results of the first
 * `start` trials of the study, whoever suggested them; until then it may not be asked. */
FR_CHECKED fr_status fr_cmaes_create(const fr_space *space, uint64_t start, void **state);

/* Whether so many results may be seen. */
bool fr_cmaes_is_due(const void *state, const fr_ask *ask);

#endif
