/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_watch.c - `foldrank watch`: look on while a run is at work, here or elsewhere. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "chart.h"
#include "cli.h"
#include "foldrank/clock.h"
#include "foldrank/follow.h"
#include "foldrank/memory.h"
#include "foldrank/text.h"
#include "show.h"

typedef struct {
    double every_s;
    double give_up_s;
    bool ascii;
} watch_values;

static const fr_cli_option options[] = {
    {.option = {.name = "every",
                .type = FR_OPTION_DURATION,
                .offset = offsetof(watch_values, every_s),
                .fallback = "2s",
                .low = 0.1,
                .high = 86400,
                .help = "between two looks"},
     .letter = 'e',
     .value = "TIME"},
    {.option = {.name = "give-up",
                .type = FR_OPTION_DURATION,
                .offset = offsetof(watch_values, give_up_s),
                .fallback = "10m",
                .low = 0,
                .high = 1e9,
                .help = "end when no run was at work for so long; 0: never"},
     .value = "TIME"},
    {.option = {.name = "ascii",
                .type = FR_OPTION_BOOL,
                .offset = offsetof(watch_values, ascii),
                .fallback = "false",
                .help = "charts without Unicode, as in a locale that is not UTF-8"}},
};

/* What a look gave, in numbers. */
typedef struct {
    uint64_t done, total; /* folds, those that pruning spared too; total 0: no end is set */
    uint64_t failed;
    double rate; /* folds per second lately; NaN */
    double left; /* at this rate [s]; NaN */
    size_t best; /* trial; history->n when none is complete */
} figures;

typedef struct {
    const fr_cli *cli;
    const watch_values *values;
    bool live; /* one screen instead of lines */
    bool unicode;
    char last[256]; /* line mode: what was said before, without the time */
    double idle_since;
} watcher;

/* Folds per second in the last minute of the study's clock. */
static double recent_rate(const fr_follow_view *view)
{
    const fr_history *history = view->history;
    const double window = fmin(60.0, view->elapsed_s);
    size_t n = 0;
    if (!(window > 0)) return NAN;
    for (size_t t = 0; t < history->n; t++)
        for (uint32_t f = 0; f < history->n_folds; f++) {
            const fr_fold_result *fold = history->trials[t].folds[f];
            n += fold != NULL && fold->state != FR_TRIAL_CANCELLED &&
                 fold->end_s > view->elapsed_s - window;
        }
    return (double)n / window;
}

static figures get_figures(const fr_follow_view *view)
{
    const fr_history *history = view->history;
    figures f = {.done = history->n_filed, .rate = recent_rate(view), .left = NAN};
    const uint64_t trials = view->trials > history->n ? view->trials : history->n;
    if (view->trials > 0) f.total = trials * history->n_folds;
    if (view->finished) f.total = f.done; /* also when a budget ended it */
    f.best = fr_history_best(history, history->n);
    for (size_t t = 0; t < history->n; t++)
        f.failed += history->trials[t].state == FR_TRIAL_FAILED ||
                    history->trials[t].state == FR_TRIAL_DIVERGED ||
                    history->trials[t].state == FR_TRIAL_TIMEOUT;
    /* How many folds the outer searches will take is not known here. */
    if (view->outer == NULL && f.rate > 0 && f.total >= f.done)
        f.left = (double)(f.total - f.done) / f.rate;
    return f;
}

static const char *state_words(const fr_follow_view *view)
{
    if (view->finished) return "finished";
    if (view->at_work) return view->owner;
    if (view->history == NULL) return "no run has begun here";
    return "no run is at work here; to go on, run the study again";
}

static void add_best(const fr_follow_view *view, const figures *f, fr_text *out)
{
    if (f->best == view->history->n) return;
    fr_text_add(out, "best %.5g (trial %zu)", view->history->trials[f->best].score_mean,
                f->best);
}

/* How many outer folds are judged, and the mean of their scores; NaN without one. */
static size_t count_judged(const fr_outer_log *outer, double *mean)
{
    size_t n = 0, n_scores = 0;
    double sum = 0;
    for (uint32_t search = 1; search <= outer->n; search++) {
        const fr_fold_result *last = NULL; /* a search that went on may have chosen anew */
        for (size_t i = 0; i < outer->n_judged; i++)
            if (outer->judged[i].search == search) last = &outer->judged[i];
        n += last != NULL;
        if (last == NULL || last->state != FR_TRIAL_COMPLETE) continue;
        sum += last->score;
        n_scores++;
    }
    *mean = n_scores > 0 ? sum / (double)n_scores : NAN;
    return n;
}

/* ---- lines for a log ---- */

static void add_outer_short(const fr_follow_view *view, fr_text *out)
{
    double mean;
    if (view->outer == NULL) return;
    const size_t n = count_judged(view->outer, &mean);
    fr_text_add(out, "  nested %zu/%u +%llu folds", n, (unsigned)view->outer->n,
                (unsigned long long)view->outer->n_counted);
}

static void print_line(watcher *w, const fr_follow_view *view)
{
    fr_text line = {0};
    char left[FR_NUMBER_SIZE], clock[16];
    if (view->history != NULL) {
        const figures f = get_figures(view);
        fr_text_add(&line, "%llu", (unsigned long long)f.done);
        if (f.total > 0) fr_text_add(&line, "/%llu", (unsigned long long)f.total);
        fr_text_add(&line, " folds  ");
        add_best(view, &f, &line);
        fr_text_add(&line, "%sfailed %llu", f.best == view->history->n ? "" : "  ",
                    (unsigned long long)f.failed);
        add_outer_short(view, &line);
        if (view->at_work && f.rate > 0) fr_text_add(&line, "  %.3g folds/s", f.rate);
        if (view->at_work && !isnan(f.left))
            fr_text_add(&line, "  ETA %s", fr_format_duration(f.left, left));
        fr_text_add(&line, "  ");
    }
    fr_text_add(&line, "%s", state_words(view));
    if (strncmp(fr_text_get(&line), w->last, sizeof w->last - 1) != 0) {
        const time_t now = time(NULL);
        struct tm parts = {0};
        localtime_r(&now, &parts);
        strftime(clock, sizeof clock, "%H:%M:%S", &parts);
        fprintf(w->cli->out, "%s  %s\n", clock, fr_text_get(&line));
        snprintf(w->last, sizeof w->last, "%s", fr_text_get(&line));
    }
    fr_text_clear(&line);
}

/* ---- one screen ---- */

static size_t screen_width(void)
{
    struct winsize size = {0};
    enum { USUAL = 80, LEAST = 40 };
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return USUAL;
    return size.ws_col < LEAST ? LEAST : size.ws_col;
}

static void add_states(const fr_follow_view *view, fr_text *out)
{
    const fr_show_sums sums = fr_show_sum(view->history);
    const char *before = ": ";
    fr_text_add(out, "trials    %zu", view->history->n);
    if (view->trials > 0) fr_text_add(out, " of %llu", (unsigned long long)view->trials);
    for (int s = FR_TRIAL_PENDING; s <= FR_TRIAL_CANCELLED; s++) {
        if (sums.states[s] == 0) continue;
        fr_text_add(out, "%s%zu %s", before, sums.states[s],
                    fr_trial_state_word((fr_trial_state)s));
        before = ", ";
    }
    fr_text_add(out, "\n");
}

static void add_outer(const fr_follow_view *view, fr_text *out)
{
    double mean;
    if (view->outer == NULL) return;
    const size_t n = count_judged(view->outer, &mean);
    fr_text_add(out, "nested    %zu of %u outer folds judged", n, (unsigned)view->outer->n);
    if (!isnan(mean)) fr_text_add(out, ", mean %.5g", mean);
    fr_text_add(out, "; %llu folds of their searches\n",
                (unsigned long long)view->outer->n_counted);
}

static fr_status add_history(const watcher *w, const fr_follow_view *view, size_t width,
                             fr_text *out)
{
    enum { LABEL = 10 };
    double *best = fr_alloc(view->history->n, sizeof *best);
    if (best == NULL) return FR_ERR_MEMORY;
    fr_chart_best_so_far(view->history, best);
    fr_text_add(out, "%-*s", LABEL, "history");
    fr_chart_line(best, view->history->n, width - LABEL - 1, w->unicode, out);
    fr_text_add(out, "\n");
    free(best);
    return FR_OK;
}

static fr_status add_progress(const watcher *w, const fr_follow_view *view, fr_text *out)
{
    enum { BAR = 24 };
    const figures f = get_figures(view);
    char left[FR_NUMBER_SIZE], elapsed[FR_NUMBER_SIZE];
    fr_text_add(out, "folds     ");
    if (f.total > 0) {
        const double share = (double)f.done / (double)f.total;
        fr_chart_bar(share, BAR, w->unicode, out);
        fr_text_add(out, " %llu of %llu (%.0f %%)\n", (unsigned long long)f.done,
                    (unsigned long long)f.total, 100 * share);
    } else {
        fr_text_add(out, "%llu\n", (unsigned long long)f.done);
    }
    fr_text_add(out, "time      %s", fr_format_duration(view->elapsed_s, elapsed));
    if (view->at_work && f.rate > 0) fr_text_add(out, ", %.3g folds/s", f.rate);
    if (view->at_work && !isnan(f.left))
        fr_text_add(out, ", %s to go", fr_format_duration(f.left, left));
    fr_text_add(out, "\n");
    add_states(view, out);
    add_outer(view, out);
    if (f.best == view->history->n) return FR_OK;
    const fr_trial *best = &view->history->trials[f.best];
    fr_text_add(out, "best      %.5g", best->score_mean);
    if (!isnan(best->score_se)) fr_text_add(out, " +- %.2g", best->score_se);
    fr_text_add(out, ", trial %zu: ", f.best);
    fr_space_format(&view->study->space, best->point, out);
    fr_text_add(out, "\n");
    return add_history(w, view, screen_width(), out);
}

/* From the top left corner; every line and the rest of the screen are wiped behind the text. */
static void put_screen(FILE *out, const char *text)
{
    fputs("\033[H", out);
    for (; *text != '\0'; text++) {
        if (*text == '\n') fputs("\033[K", out);
        fputc(*text, out);
    }
    fputs("\033[J", out);
}

static fr_status print_screen(const watcher *w, const fr_follow_view *view)
{
    fr_text text = {0};
    fr_status st = FR_OK;
    if (view->study != NULL)
        fr_text_add(&text, "%s: %s, %s is better\n", view->study->name,
                    fr_show_metric(view->study), view->study->maximize ? "more" : "less");
    fr_text_add(&text, "%-10s%s\n", "run", state_words(view));
    if (view->history != NULL) st = add_progress(w, view, &text);
    if (st == FR_OK) put_screen(w->cli->out, fr_text_get(&text));
    fr_text_clear(&text);
    return st;
}

/* ---- */

static fr_status print_look(watcher *w, const fr_follow_view *view)
{
    if (w->live)
        FR_TRY(print_screen(w, view));
    else
        print_line(w, view);
    return fflush(w->cli->out) == 0 ? FR_OK
                                    : FR_FAIL(FR_ERR_IO, "cannot write to standard output");
}

/* Whether there was no run for too long. */
static bool gives_up(watcher *w, const fr_follow_view *view)
{
    const double now = fr_clock_now();
    if (view->at_work) w->idle_since = now;
    return w->values->give_up_s > 0 && now - w->idle_since >= w->values->give_up_s;
}

static fr_status watch(watcher *w, fr_follow *follow)
{
    fr_follow_view view;
    if (w->live) fputs("\033[2J", w->cli->out);
    w->idle_since = fr_clock_now();
    for (;;) {
        FR_TRY(fr_follow_look(follow, &view));
        FR_TRY(print_look(w, &view));
        if (view.finished) {
            fprintf(w->cli->out, "next: foldrank show %s\n", w->cli->operands[0]);
            return FR_OK;
        }
        if (gives_up(w, &view)) {
            fprintf(w->cli->out, "the study is not finished, and no run goes on with it\n");
            return FR_FAIL(FR_STOPPED, "no run is at work");
        }
        fr_clock_sleep(w->values->every_s);
    }
}

static fr_status run(const fr_cli *cli, void *parsed)
{
    const watch_values *values = parsed;
    const char *terminal = getenv("TERM");
    fr_follow *follow = NULL;
    watcher w = {.cli = cli,
                 .values = values,
                 .live =
                     isatty(STDOUT_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0,
                 .unicode = !values->ascii && fr_chart_unicode()};
    fr_results_quiet_exit();
    FR_TRY(fr_follow_open(cli->operands[0], &follow));
    const fr_status st = watch(&w, follow);
    fr_follow_close(&follow);
    return st;
}

const fr_cli_command fr_cmd_watch = {
    .name = "watch",
    .operands = "RESULTS",
    .summary = "follow a run, here or on a compute node",
    .details =
        "RESULTS is the directory that `foldrank run` writes to, on this machine or on a\n"
        "file system that both share. Nothing is locked or written. On a terminal there\n"
        "is one screen, else a line when something has changed; of nested cross-validation\n"
        "how many outer folds are judged, and the folds of their searches so far. Ends\n"
        "with the study; with code 75 when no run was at work for --give-up, as after a\n"
        "time limit.",
    .example = "  foldrank watch results/digits\n"
               "  foldrank watch results/digits --every 30s >>digits.log &",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .values_size = sizeof(watch_values),
    .run = run,
};
