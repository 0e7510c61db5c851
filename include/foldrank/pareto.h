/* SPDX-License-Identifier: BSD-3-Clause */
/* pareto.h - several objectives at once: dominance, fronts, crowding, hypervolume.
 *
 * Everything is to be made small here; who maximises turns the sign. All Local. */
#ifndef FR_PARETO_H
#define FR_PARETO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/status.h"

enum { FR_GOALS_MAX = 4 }; /* objectives of a study */

/* What one trial costs in each objective: finite, 0 beyond the study's number of them. */
typedef struct {
    double v[FR_GOALS_MAX];
} fr_costs;

/* a is nowhere worse than b and somewhere better. */
bool fr_pareto_dominates(const fr_costs *a, const fr_costs *b);

/* rank[i] = 1 for the rows that none dominates, 2 for those that only rows of rank 1 dominate,
 * and so on (Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE
 * Trans. Evol. Comput. 6, 2002, section III-A). Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_pareto_ranks(const fr_costs *costs, size_t n, size_t d, uint32_t *rank);

/* Crowding distance of each of n rows of one front (Deb et al., section III-B): how far its
 * neighbours are apart, relative to the front's extent, summed over d objectives; INFINITY for
 * the ends. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_pareto_crowding(const fr_costs *costs, size_t n, size_t d,
                                        double *distance);

/* Best and worst value of each of d objectives over n >= 1 rows. */
void fr_pareto_range(const fr_costs *costs, size_t n, size_t d, fr_costs *best,
                     fr_costs *worst);

/* ---- hypervolume ---- */

/* Work space for sets of at most `capacity` rows of d objectives. */
typedef struct fr_volume fr_volume;

FR_CHECKED fr_status fr_volume_create(size_t d, size_t capacity, fr_volume **out);
void fr_volume_destroy(fr_volume **volume);

/* Volume of what at least one of n rows dominates, up to `reference`: exact for any number of
 * objectives (While, Bradstreet and Barone, "A fast way of calculating exact hypervolumes",
 * IEEE Trans. Evol. Comput. 16, 2012). Rows that are dominated or beyond the reference add
 * nothing. */
double fr_volume_of(fr_volume *volume, const fr_costs *costs, size_t n,
                    const fr_costs *reference);

/* By how much `added` would enlarge it. */
double fr_volume_gain(fr_volume *volume, const fr_costs *costs, size_t n, const fr_costs *added,
                      const fr_costs *reference);

#endif
