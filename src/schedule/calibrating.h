/* SPDX-License-Identifier: BSD-3-Clause */
/* calibrating.h - what the chosen model learns after the selection. All on root. */
#ifndef FR_SCHEDULE_CALIBRATING_H
#define FR_SCHEDULE_CALIBRATING_H

#include "internal.h"

/* Whether the model has to learn, or to unlearn, what `calibrate` of the study says. */
bool fr_calibrate_is_due(const fr_run_state *run);

/* Whether it needs predictions of rows that it has not seen for that. */
bool fr_calibrate_learns(const fr_run_state *run);

/* Calibrate the model by these predictions, and score the test rows anew. `unseen` may be NULL
 * when nothing is learnt from them. Errors: FR_ERR_DATA, FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_calibrate_model(fr_run_state *run, const fr_scored *unseen);

#endif
