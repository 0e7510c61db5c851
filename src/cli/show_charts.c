/* SPDX-License-Identifier: BSD-3-Clause */
/* show_charts.c - under the table of `foldrank show`: how the search went, what mattered. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "foldrank/importance.h"
#include "foldrank/memory.h"
#include "show.h"

enum { LINE = 60, BAR = 24, SHOWN = 8 };
static const double worth_showing = 0.005; /* what prints as 0.01 */

static fr_status print_history(const fr_history *history, bool unicode, FILE *out)
{
    fr_text line = {0};
    size_t first = 0;
    double *best = fr_alloc(history->n, sizeof *best);
    if (best == NULL) return FR_ERR_MEMORY;
    fr_chart_best_so_far(history, best);
    while (first < history->n && isnan(best[first])) first++;
    if (first + 1 < history->n) {
        fr_chart_line(best, history->n, LINE, unicode, &line);
        fprintf(out, "\nbest so far, trials 0 to %zu: %.5g to %.5g\n  %s\n", history->n - 1,
                best[first], best[history->n - 1], fr_text_get(&line));
    }
    fr_text_clear(&line);
    free(best);
    return FR_OK;
}

typedef struct {
    double share;
    size_t param;
} entry;

static int by_share(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->share != y->share) return x->share > y->share ? -1 : 1;
    return (x->param > y->param) - (x->param < y->param);
}

/* The largest first; those that chance could be are only counted. */
static void print_bars(const fr_space *space, const entry *entries, bool unicode, FILE *out)
{
    size_t shown = 0;
    int name_width = 0;
    while (shown < space->n && shown < SHOWN && entries[shown].share >= worth_showing) {
        const size_t length = strlen(space->params[entries[shown++].param].name);
        if ((int)length > name_width) name_width = (int)length;
    }
    for (size_t i = 0; i < shown; i++) {
        fr_text bar = {0};
        fr_chart_bar(entries[i].share, BAR, unicode, &bar);
        fprintf(out, "  %-*s  %s %.2f\n", name_width, space->params[entries[i].param].name,
                fr_text_get(&bar), entries[i].share);
        fr_text_clear(&bar);
    }
    if (shown == 0)
        fprintf(out, "  none: no parameter explains more than chance would\n");
    else if (shown < space->n)
        fprintf(out, "  and %zu more with less\n", space->n - shown);
}

static fr_status print_importance(const fr_history *history, bool unicode, FILE *out)
{
    const fr_space *space = history->space;
    size_t n = 0, n_best = 0;
    double *share = fr_alloc(space->n, sizeof *share);
    entry *entries = fr_alloc(space->n, sizeof *entries);
    fr_status st = share == NULL || entries == NULL
                       ? FR_ERR_MEMORY
                       : fr_importance(history, share, &n, &n_best);
    if (st == FR_OK && n_best > 0 && space->n > 1) {
        for (size_t j = 0; j < space->n; j++) entries[j] = (entry){share[j], j};
        qsort(entries, space->n, sizeof *entries, by_share);
        fprintf(
            out,
            "\nimportance: share of the variance of being among the best %zu of %zu trials\n",
            n_best, n);
        print_bars(space, entries, unicode, out);
    }
    free(share);
    free(entries);
    return st;
}

fr_status fr_show_charts(const fr_results_file *results, bool ascii, FILE *out)
{
    const bool unicode = !ascii && fr_chart_unicode();
    FR_TRY(print_history(results->history, unicode, out));
    return print_importance(results->history, unicode, out);
}
