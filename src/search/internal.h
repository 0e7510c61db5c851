/* SPDX-License-Identifier: BSD-3-Clause */
/* internal.h - what search.c and the samplers share. All Local. */
#ifndef FR_SEARCH_INTERNAL_H
#define FR_SEARCH_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/history.h"
#include "foldrank/past.h"
#include "foldrank/search.h"
#include "foldrank/space.h"
#include "foldrank/status.h"

/* ---- the points of a history, hashed ---- */

/* An index and nothing more: what it answers follows from the history alone, and it is rebuilt
 * when another history is shown to it. Start with {0}. */
typedef struct {
    const fr_history *history; /* indexed last; borrowed */
    size_t n;                  /* trials indexed */
    size_t distinct;           /* different points among them */
    uint64_t last_hash;        /* of trial n - 1, to notice that the history was replaced */
    struct fr_seen_slot *slots;
    size_t n_slots;  /* a power of two, or 0 */
    uint64_t cursor; /* grid: so many cells of its order are in the history */
    uint64_t serial; /* goes up when the index is built anew: caches beside it are void then */
} fr_seen;

/* Take in the trials that are new since the last call. */
FR_CHECKED fr_status fr_seen_update(fr_seen *seen, const fr_history *history);
bool fr_seen_has(const fr_seen *seen, const double *point);
void fr_seen_clear(fr_seen *seen);

/* ---- the cells of a space, numbered ---- */

/* Every combination of allowed values as a rank in [0, size), in mixed-radix order: the last
 * parameter moves fastest, inactive ones are not multiplied. */
typedef struct {
    const fr_space *space; /* borrowed */
    struct fr_axis *axes;  /* (space->n) */
    uint64_t size;         /* 0 when infinite or above FR_CELLS_MAX */
} fr_cells;

#define FR_CELLS_MAX (UINT64_C(1) << 62)

/* With `grid` a range that says `grid: n` has n equally spaced values. FR_ERR_USAGE when a grid
 * cannot be made: the parameter's name. Without, a continuous parameter gives size 0. */
FR_CHECKED fr_status fr_cells_create(const fr_space *space, bool grid, fr_cells *out);
void fr_cells_clear(fr_cells *cells);

/* The rank of the i-th cell, i < size, in an order that `seed` shuffles: a bijection. */
uint64_t fr_cells_shuffled(const fr_cells *cells, uint64_t seed, uint64_t i);

void fr_cells_point(const fr_cells *cells, uint64_t rank, double *point);
bool fr_cells_contain(const fr_cells *cells, const double *point);

/* ---- earlier studies ---- */

/* A history with the trials of earlier studies before those of the study's own: copies whose
 * points are borrowed. Start with {.past = ...}. */
typedef struct {
    const fr_past *past; /* borrowed */
    fr_history history;
    size_t capacity;
} fr_view;

/* Bring it up to date; of the own trials the first `visible` may be looked at. O(n). */
FR_CHECKED fr_status fr_view_update(fr_view *view, const fr_history *own, size_t visible);
void fr_view_clear(fr_view *view);

/* ---- samplers ---- */

/* What a sampler may look at. */
typedef struct {
    const fr_space *space;
    const fr_search_options *options;
    const fr_history *history; /* begins with what earlier studies found, if the sampler learns
                                * from it: then trial `trial` is not row `trial` */
    const fr_history *own;     /* without them */
    const fr_past *past;       /* them; NULL: there are none in `history` */
    const fr_seen *seen;       /* of this study's trials */
    uint64_t trial;            /* to be suggested; of this study */
    uint64_t n_enqueued;
    uint64_t visible; /* results of rows [0, visible) may be used; with concurrency 0 those of
                       * every settled trial */
    fr_search_open_solver *open_solver; /* for kernel matrices too large for one rank */
    void *solver_context;
    uint32_t attempt; /* 0, then 1, 2, ... while the suggestion was a point tried before */
} fr_ask;

typedef struct {
    const char *name;
    bool adaptive;
    bool learns_from_past; /* it takes any history, whoever suggested what is in it */
    size_t most_goals;     /* objectives that it can follow; 0: any number */
    fr_status (*create)(const fr_space *space, const fr_search_options *options, void **state);
    void (*destroy)(void *state);
    fr_status (*suggest)(void *state, const fr_ask *ask, double *point);
} fr_sampler;

extern const fr_sampler fr_sampler_random, fr_sampler_sobol, fr_sampler_tpe, fr_sampler_gp,
    fr_sampler_cmaes, fr_sampler_nsga2, fr_sampler_auto;

/* Whether the result of trial t may be used, and is there. */
bool fr_ask_sees(const fr_ask *ask, size_t t);

/* Whether trial t has a cost (cost.h) that may be used. */
bool fr_ask_has_cost(const fr_ask *ask, size_t t);

#endif
