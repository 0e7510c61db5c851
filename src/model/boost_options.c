/* SPDX-License-Identifier: BSD-3-Clause */
/* boost_options.c - the settings of family xgboost: names, defaults and ranges are XGBoost's.
 */
#include "foldrank/model.h"
#include "internal.h"

static const char *const tree_method_words[] = {"hist", "exact", NULL};
static const char *const grow_policy_words[] = {"depthwise", "lossguide", NULL};
static const char *const loss_words[] = {"squared", "absolute", NULL}; /* fr_regression_loss */
static const char *const missing_words[] = {"nan", "zero", NULL};

#define AT(field) .offset = offsetof(fr_model_options, boost.field)
#define SHARE(field, text)                                                                     \
    {                                                                                          \
        .name = #field, .type = FR_OPTION_DOUBLE, AT(field), .fallback = "1", .low = 0,        \
        .high = 1, .open_low = true, .help = text                                              \
    }
#define PENALTY(field, standard, text)                                                         \
    {                                                                                          \
        .name = #field, .type = FR_OPTION_DOUBLE, AT(field), .fallback = standard, .low = 0,   \
        .high = 1e12, .help = text                                                             \
    }

const fr_option fr_boost_option_table[] = {
    {.name = "rounds",
     .type = FR_OPTION_INT,
     AT(rounds),
     .fallback = "100",
     .low = 1,
     .high = 1000000,
     .help =
         "of boosting: each adds a tree, of several classes a tree for each; a round counts "
         "as an epoch for pruning and for patience"},
    {.name = "learning_rate",
     .type = FR_OPTION_DOUBLE,
     AT(learning_rate),
     .fallback = "0.3",
     .low = 0,
     .high = 1,
     .open_low = true,
     .help = "share of a new tree that is added (eta)"},
    {.name = "max_depth",
     .type = FR_OPTION_INT,
     AT(max_depth),
     .fallback = "6",
     .low = 1,
     .high = 30,
     .help = "splits between a tree's root and a leaf, at most"},
    PENALTY(min_child_weight, "1",
            "least sum of second derivatives in a leaf: rows, of a regression"),
    PENALTY(gamma, "0", "least gain of a split"),
    PENALTY(lambda, "1", "ridge penalty on what leaves add"),
    PENALTY(alpha, "0", "lasso penalty on what leaves add"),
    PENALTY(max_delta_step, "0", "most that a leaf may add, before learning_rate; 0: any"),
    SHARE(subsample, "share of the rows, drawn for each round"),
    SHARE(colsample_bytree, "share of the inputs, drawn for each tree"),
    SHARE(colsample_bylevel, "share of those, drawn for each level of a tree"),
    SHARE(colsample_bynode, "share of those, drawn for each split"),
    {.name = "tree_method",
     .type = FR_OPTION_WORD,
     AT(tree_method),
     .fallback = "hist",
     .words = tree_method_words,
     .help = "where splits are looked for; hist: between max_bin quantiles of an input; exact: "
             "between all of its values"},
    {.name = "max_bin",
     .type = FR_OPTION_INT,
     AT(max_bin),
     .fallback = "256",
     .low = 2,
     .high = 65536,
     .help = "tree_method hist: quantiles of an input"},
    {.name = "grow_policy",
     .type = FR_OPTION_WORD,
     AT(grow_policy),
     .fallback = "depthwise",
     .words = grow_policy_words,
     .help = "what is split next; lossguide: the leaf with the largest gain"},
    {.name = "max_leaves",
     .type = FR_OPTION_INT,
     AT(max_leaves),
     .fallback = "0",
     .low = 0,
     .high = 65536,
     .help = "leaves of a tree, at most; 0: as many as max_depth allows"},
    {.name = "missing",
     .type = FR_OPTION_WORD,
     AT(missing),
     .fallback = "nan",
     .words = missing_words,
     .help = "which inputs have no value, for which every split learns a direction; nan: empty "
             "cells; zero: also those that are 0, as always in data stored sparse"},
    {.name = "loss",
     .type = FR_OPTION_WORD,
     .offset = offsetof(fr_model_options, loss),
     .fallback = "squared",
     .words = loss_words,
     .help =
         "what a regression minimises (reg:squarederror, reg:absoluteerror); classes: their "
         "log loss"},
    {.name = "class_weight",
     .type = FR_OPTION_WORD,
     .offset = offsetof(fr_model_options, class_weight),
     .fallback = "none",
     .words = fr_class_weight_words,
     .help = "balanced: classes weigh the same, however many rows they have"},
};
const size_t fr_boost_option_count =
    sizeof fr_boost_option_table / sizeof *fr_boost_option_table;
