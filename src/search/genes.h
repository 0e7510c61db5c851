/* SPDX-License-Identifier: BSD-3-Clause */
/* genes.h - how numbers are inherited and changed, for nsga2: places in [0, 1], Deb's operators
 * with their usual index, 20. All Local. */
#ifndef FR_SEARCH_GENES_H
#define FR_SEARCH_GENES_H

#include "foldrank/random.h"

/* One of the two children of simulated binary crossover within [0, 1]: as near to its parent as
 * the parents are to each other (Deb and Agrawal, Complex Systems 9, 1995; bounds as in the
 * NSGA-II of 2002). */
double fr_gene_cross(fr_rng *rng, double a, double b);

/* Polynomial mutation within [0, 1]. */
double fr_gene_shift(fr_rng *rng, double x);

#endif
