/* SPDX-License-Identifier: BSD-3-Clause */
/* grow.h - trees from gradients: all that foldrank asks of XGBoost's library.
 *
 * Built in one of two forms, by the Makefile: grow_xgboost.c, the only file that knows that
 * library, or grow_none.c, which says how to get it. Losses, weights, row sampling, scores and
 * predictions are foldrank's own, so that they follow from counters like everything else. A
 * tree is grown by one thread: sums over rows would depend on the number of threads. */
#ifndef FR_TRAIN_GROW_H
#define FR_TRAIN_GROW_H

#include <stdint.h>

#include "foldrank/model.h"
#include "foldrank/status.h"
#include "foldrank/trees.h"

typedef struct fr_grower fr_grower;

/* Over these rows, of which it keeps a copy; `weight` (n) of the rows counts for quantiles,
 * NULL: all 1. The options are borrowed. Errors: FR_ERR_STATE without the library,
 * FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_grower_create(const fr_boost_options *options,
                                      const fr_tree_inputs *inputs, const float *weight,
                                      fr_grower **out);
void fr_grower_destroy(fr_grower **grower);

/* Append one tree to `trees`, grown from first and second derivatives (n) of the loss by the
 * rows' scores. Columns are drawn by `seed`. Errors: FR_ERR_MEMORY; FR_ERR_STATE when the
 * library refuses. */
FR_CHECKED fr_status fr_grower_grow(fr_grower *grower, uint32_t seed, const float *gradient,
                                    const float *hessian, fr_trees *trees);

#endif
