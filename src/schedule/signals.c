/* SPDX-License-Identifier: BSD-3-Clause */
/* signals.c - a flag that signals raise. A handler can reach nothing but file-scope state, so
 * this is one of the few places that has some. */
#include <signal.h>

#include "foldrank/schedule.h"

enum { IMPATIENCE = 3 }; /* so many interrupts end the program on the spot */

static volatile sig_atomic_t raised;
static volatile sig_atomic_t interrupts;

static void on_signal(int number)
{
    raised = 1;
    if (number != SIGINT || ++interrupts < IMPATIENCE) return;
    signal(SIGINT, SIG_DFL);
    raise(SIGINT);
}

void fr_signals_install(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    /* A file that outgrows a limit (ulimit -f) is then a failed write, and the run is saved. */
    action.sa_handler = SIG_IGN;
    sigaction(SIGXFSZ, &action, NULL);
}

bool fr_signals_raised(void)
{
    return raised != 0;
}
