/* SPDX-License-Identifier: BSD-3-Clause */
/* chart.h - charts of one line, in Unicode blocks or in ASCII. All Local. */
#ifndef FR_CHART_H
#define FR_CHART_H

#include <stdbool.h>
#include <stddef.h>

#include "foldrank/history.h"
#include "foldrank/text.h"

/* Whether the user's locale (LC_ALL, LC_CTYPE, LANG) is one of UTF-8. */
bool fr_chart_unicode(void);

/* value[0..n) as at most `width` columns of eight heights, the last value of each column; a
 * blank for NaN. Equal values lie on the ground. */
void fr_chart_line(const double *value, size_t n, size_t width, bool unicode, fr_text *out);

/* A bar of a share in [0, 1], padded with blanks to `width` columns. */
void fr_chart_bar(double share, size_t width, bool unicode, fr_text *out);

/* The best mean score of the complete trials among 0 .. t, for every t; NaN before the first.
 */
void fr_chart_best_so_far(const fr_history *history, double *best);

#endif
