/* SPDX-License-Identifier: BSD-3-Clause */
/* auto.c - the Gaussian process where it learns faster, the Parzen estimator elsewhere; then
 * evolution from what they have found.
 *
 * The process is the better one on continuous functions; on recorded grids of integers both are
 * alike, and choices, conditions and wide spaces are no ground of its. Its price grows with the
 * cube of the trials, evolution costs the same for ever. The change goes by the number of the
 * trial and the space, not by the budget, so a study that is given more trials goes on as if it
 * had had them from the start.
 *
 * Several objectives, measured on ZDT3, ZDT6, Fonseca, Kursawe, DTLZ2 and DTLZ7: the estimator
 * is ahead of evolution for the first 500 to 1,000 trials and behind after 1,500; to change
 * after 400 is as good as the better one at 500, and at 1,500. The process, for two objectives,
 * is ahead of both by far where it has a ground. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "cmaes.h"
#include "foldrank/memory.h"
#include "internal.h"

enum {
    PROCESS_TRIALS = 500, /* a suggestion takes the process 30 ms then, with 8 parameters */
    PROCESS_PARAMS = 20,
    FRONT_TRIALS = 400, /* several objectives: before evolution */
    FRONT_PROCESS_TRIALS = 200,
};

typedef struct {
    void *process, *estimator;
    void *strategy; /* one objective: cmaes */
    void *front;    /* several: nsga2 */
    bool smooth;    /* the process may be asked */
} both;

static void destroy(void *state)
{
    both *b = state;
    if (b == NULL) return;
    fr_sampler_gp.destroy(b->process);
    fr_sampler_tpe.destroy(b->estimator);
    fr_sampler_cmaes.destroy(b->strategy);
    fr_sampler_nsga2.destroy(b->front);
    free(b);
}

/* Whether all parameters are continuous and always active. */
static bool is_smooth(const fr_space *space)
{
    bool smooth = space->n > 0 && space->n <= PROCESS_PARAMS;
    for (size_t j = 0; j < space->n; j++)
        smooth = smooth && space->params[j].n_conditions == 0 &&
                 isinf(fr_space_cardinality(&space->params[j]));
    return smooth;
}

static fr_status create(const fr_space *space, const fr_search_options *options, void **state)
{
    *state = NULL;
    both *b = fr_alloc(1, sizeof *b);
    if (b == NULL) return FR_ERR_MEMORY;
    b->smooth = is_smooth(space);
    fr_status st = fr_sampler_gp.create(space, options, &b->process);
    if (st == FR_OK) st = fr_sampler_tpe.create(space, options, &b->estimator);
    if (st == FR_OK) st = fr_cmaes_create(space, PROCESS_TRIALS, &b->strategy);
    if (st == FR_OK) st = fr_sampler_nsga2.create(space, options, &b->front);
    if (st != FR_OK)
        destroy(b);
    else
        *state = b;
    return st;
}

/* One objective. */
static fr_status suggest_best(const both *b, const fr_ask *ask, double *point)
{
    if (!b->smooth) return fr_sampler_tpe.suggest(b->estimator, ask, point);
    if (fr_cmaes_is_due(b->strategy, ask))
        return fr_sampler_cmaes.suggest(b->strategy, ask, point);
    return fr_sampler_gp.suggest(b->process, ask, point);
}

static fr_status suggest_front(const both *b, const fr_ask *ask, double *point)
{
    const bool smooth = b->smooth && ask->history->n_goals <= fr_sampler_gp.most_goals;
    if (ask->trial >= (smooth ? FRONT_PROCESS_TRIALS : FRONT_TRIALS))
        return fr_sampler_nsga2.suggest(b->front, ask, point);
    if (smooth) return fr_sampler_gp.suggest(b->process, ask, point);
    return fr_sampler_tpe.suggest(b->estimator, ask, point);
}

static fr_status suggest(void *state, const fr_ask *ask, double *point)
{
    if (ask->history->n_goals > 1) return suggest_front(state, ask, point);
    return suggest_best(state, ask, point);
}

const fr_sampler fr_sampler_auto = {.name = "auto",
                                    .adaptive = true,
                                    .learns_from_past = true,
                                    .create = create,
                                    .destroy = destroy,
                                    .suggest = suggest};
