/* SPDX-License-Identifier: BSD-3-Clause */
/* cmaes.h - the evolution strategy behind another sampler, for auto. */
#ifndef FR_SEARCH_CMAES_H
#define FR_SEARCH_CMAES_H

#include "internal.h"

/* As fr_sampler_cmaes.create, but the first distribution is fitted to the results of the first
 * `start` trials, whoever suggested them; until they may be seen its suggestions are random. */
FR_CHECKED fr_status fr_cmaes_create(const fr_space *space, uint64_t start, void **state);

#endif
