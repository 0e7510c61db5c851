/* SPDX-License-Identifier: BSD-3-Clause */
/* climb.h - the last steps to the largest expected improvement, for gp. Local. */
#ifndef FR_SEARCH_CLIMB_H
#define FR_SEARCH_CLIMB_H

#include "foldrank/space.h"
#include "foldrank/status.h"
#include "gaussian.h"

/* Parameters that can be climbed along: numbers of so many values that steps between them do
 * not matter. */
bool fr_can_climb(const fr_space *space);

/* Move `point` along the gradient of the logarithm of the expected improvement below `bar`;
 * what is not climbed along stays. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_climb(const fr_gaussian *model, const fr_space *space, double bar,
                              double *point);

#endif
