/* SPDX-License-Identifier: BSD-3-Clause */
/* grow_none.c - what a build without XGBoost says. */
#include "foldrank/train.h"
#include "grow.h"

const char *fr_boost_library(void)
{
    return NULL;
}

fr_status fr_grower_create(const fr_boost_options *options, const fr_tree_inputs *inputs,
                           const float *weight, fr_grower **out)
{
    (void)options;
    (void)inputs;
    (void)weight;
    *out = NULL;
    return FR_FAIL(FR_ERR_STATE, "model xgboost: %s", fr_boost_how_to_get);
}

void fr_grower_destroy(fr_grower **grower)
{
    *grower = NULL;
}

fr_status fr_grower_grow(fr_grower *grower, uint32_t seed, const float *gradient,
                         const float *hessian, fr_trees *trees)
{
    (void)grower;
    (void)seed;
    (void)gradient;
    (void)hessian;
    (void)trees;
    return FR_FAIL(FR_ERR_STATE, "model xgboost: %s", fr_boost_how_to_get);
}
