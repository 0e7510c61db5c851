/* SPDX-License-Identifier: BSD-3-Clause */
/* chart.c - sparklines and bars. */
#include "chart.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <string.h>

enum { HEIGHTS = 8 };

/* The program itself runs in the C locale, whose numbers all files need: only asked, not set.
 */
bool fr_chart_unicode(void)
{
    const locale_t user = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (user == (locale_t)0) return false;
    const bool utf8 = strcmp(nl_langinfo_l(CODESET, user), "UTF-8") == 0;
    freelocale(user);
    return utf8;
}

void fr_chart_line(const double *value, size_t n, size_t width, bool unicode, fr_text *out)
{
    static const char *const blocks[HEIGHTS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[HEIGHTS] = {"_", ".", ":", "-", "=", "+", "*", "#"};
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(value[i])) continue;
        low = fmin(low, value[i]);
        high = fmax(high, value[i]);
    }
    if (width > n) width = n;
    for (size_t c = 0; c < width; c++) {
        const double v = value[(c + 1) * n / width - 1];
        if (!isfinite(v)) {
            fr_text_add(out, " ");
            continue;
        }
        size_t height = high > low ? (size_t)((v - low) / (high - low) * HEIGHTS) : 0;
        if (height == HEIGHTS) height--;
        fr_text_add(out, "%s", unicode ? blocks[height] : plain[height]);
    }
}

void fr_chart_bar(double share, size_t width, bool unicode, fr_text *out)
{
    static const char *const parts[HEIGHTS] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const double length = fmin(fmax(share, 0.0), 1.0) * (double)width * HEIGHTS;
    const size_t eighths = (size_t)(length + 0.5);
    size_t used = 0;
    for (; used < (unicode ? eighths : eighths + HEIGHTS / 2) / HEIGHTS; used++)
        fr_text_add(out, "%s", unicode ? "█" : "#");
    if (unicode && eighths % HEIGHTS > 0) {
        fr_text_add(out, "%s", parts[eighths % HEIGHTS]);
        used++;
    }
    fr_text_add(out, "%*s", (int)(width - used), "");
}

void fr_chart_best_so_far(const fr_history *history, double *best)
{
    double so_far = NAN;
    for (size_t t = 0; t < history->n; t++) {
        const fr_trial *trial = &history->trials[t];
        if (trial->state == FR_TRIAL_COMPLETE &&
            fr_history_better(history, trial->score_mean, so_far))
            so_far = trial->score_mean;
        best[t] = so_far;
    }
}
