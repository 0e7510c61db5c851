/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - the parts of the select room. All Local. */
#ifndef FR_SELECT_INTERNAL_H
#define FR_SELECT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "foldrank/history.h"
#include "foldrank/select.h"
#include "foldrank/status.h"

/* Two-sided tail of Student's t: P(|T| >= |t|) with `freedom` degrees of freedom (> 0). */
double fr_student_tail(double t, double freedom);

/* The same as fr_expected_best, for scores sorted from best to worst. */
double fr_expected_best_sorted(const double *scores, size_t n, size_t k);

/* Rule dice: needs out->ranking; fills rounds, win shares, expected and the position in the
 * ranking of the winner. */
FR_CHECKED fr_status fr_dice_run(const fr_history *history, const fr_select_options *options,
                                 fr_selection *out, size_t *winner);

#endif
