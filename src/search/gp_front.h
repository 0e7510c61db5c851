/* SPDX-License-Identifier: BSD-3-Clause */
/* gp_front.h - gp with two objectives. All Local. */
#ifndef FR_SEARCH_GP_FRONT_H
#define FR_SEARCH_GP_FRONT_H

#include "internal.h"

typedef struct fr_gp_front fr_gp_front;

FR_CHECKED fr_status fr_gp_front_create(const fr_space *space, fr_gp_front **out);
void fr_gp_front_destroy(fr_gp_front **front);

/* At least two complete trials are visible. Errors: FR_ERR_NUMERIC, FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_gp_front_suggest(fr_gp_front *front, const fr_ask *ask, double *point);

#endif
