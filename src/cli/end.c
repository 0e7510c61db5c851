/* SPDX-License-Identifier: BSD-3-Clause */
/* end.c - what ended a study, in words. */
#include "cli.h"
#include "foldrank/text.h"

static void add_clock(fr_text *out, const char *key, double used_s, double most_s)
{
    char used[FR_NUMBER_SIZE], most[FR_NUMBER_SIZE];
    fr_text_add(out,
                "stop.%s: %s of %s are used; where the clock ends a study cannot be "
                "reproduced",
                key, fr_format_duration(used_s, used), fr_format_duration(most_s, most));
}

void fr_cli_describe_end(const fr_study *study, const fr_history *history, fr_end end,
                         fr_usage usage, fr_text *out)
{
    const fr_stop_options *stop = &study->stop;
    const fr_history_work work = fr_history_all_work(history);
    switch (end) {
    case FR_END_TRIALS:
        fr_text_add(out, "search.trials: all %zu trials are done", history->n);
        break;
    case FR_END_SPACE:
        fr_text_add(out, "all configurations were tried");
        break;
    case FR_END_SCORE:
        fr_text_add(out, "stop.score: a trial has reached %s", stop->score);
        break;
    case FR_END_FITS:
        fr_text_add(out, "stop.fits: %llu of %lld fits are used", (unsigned long long)work.fits,
                    (long long)stop->fits);
        break;
    case FR_END_EPOCHS:
        fr_text_add(out, "stop.epochs: %llu of %lld epochs are used",
                    (unsigned long long)work.epochs, (long long)stop->epochs);
        break;
    case FR_END_CORE_HOURS:
        add_clock(out, "core_hours", usage.core_s, stop->core_hours * 3600);
        break;
    case FR_END_WALL:
        add_clock(out, "wall", usage.wall_s, stop->wall_s);
        break;
    case FR_END_NOT_YET:
    case FR_END_COUNT:
        break;
    }
}
