/* SPDX-License-Identifier: BSD-3-Clause */
/* space.h - hyperparameters, their conditions, and points.
 *
 * A point is an array of space->n doubles in the order of the parameters: the value itself for
 * numbers, the index for a choice, NaN where the parameter is inactive. Parents come before
 * their children, so one pass in order settles what is active. All functions are Local. */
#ifndef FR_SPACE_H
#define FR_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/random.h"
#include "foldrank/status.h"
#include "foldrank/text.h"

typedef enum {
    FR_PARAM_FLOAT,   /* uniform on [low, high] */
    FR_PARAM_LOG,     /* log-uniform on [low, high], low > 0 */
    FR_PARAM_INT,     /* integers low .. high */
    FR_PARAM_INT_LOG, /* the same, log-uniform */
    FR_PARAM_CHOICE,  /* index into choices */
} fr_param_kind;
extern const char *const fr_param_kind_words[]; /* "float", ...; NULL-terminated */

/* Active only while an earlier parameter has one of these values. */
typedef struct {
    size_t parent;
    double *values; /* numbers, or choice indices */
    size_t n_values;
} fr_condition;

typedef struct {
    char *name; /* "learning_rate", "mlp.hidden": unique, no '/' */
    fr_param_kind kind;
    double low, high; /* choice: 0 and n_choices - 1 */
    double step;      /* grid of the values low, low + step, ...; 0 = none; integers: >= 1 */
    int64_t grid; /* number of values a grid search takes of a continuous range; 0 = not said */
    char **choices; /* flow text of each value, e.g. "relu", "[128, 64]" */
    size_t n_choices;
    fr_condition *conditions; /* all must hold */
    size_t n_conditions;
} fr_param;

/* Start with {0}; release with fr_space_clear. */
typedef struct {
    fr_param *params;
    size_t n, capacity;
} fr_space;

/* Append a parameter. The strings and arrays in `param` become the space's own, also on
 * failure. Errors: FR_ERR_ARG (an empty range, a log range that reaches 0, a step that is not
 * one, a name that is taken, a condition on a parameter that does not come before),
 * FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_space_add(fr_space *space, fr_param param);
void fr_space_clear(fr_space *space);

/* Index of the parameter called `name`; space->n when there is none. */
size_t fr_space_find(const fr_space *space, const char *name);

/* Whether parameter j is active, given the values of the parameters before it. */
bool fr_space_active(const fr_space *space, size_t j, const double *point);

/* Number of different values of parameter j; INFINITY for a continuous one. */
double fr_space_cardinality(const fr_param *param);

/* Number of different points, conditions included; INFINITY with a continuous parameter that
 * can be active. Exact up to 2^53. */
double fr_space_size(const fr_space *space);

/* [0, 1) -> value and back, uniform in the parameter's own measure: log where log; every step,
 * integer or choice an equal cell; int_log on the log axis, where the cell of a value reaches
 * half a step to both sides. to_unit gives the middle of the cell, NaN for NaN. from_unit
 * clamps. */
double fr_param_from_unit(const fr_param *param, double unit);
double fr_param_to_unit(const fr_param *param, double value);

/* The unit coordinates that stand for the same value as `unit` does: *low to *high. Of a
 * continuous parameter that is `unit` itself, clamped. */
void fr_param_cell(const fr_param *param, double unit, double *low, double *high);

/* Nearest allowed value: clamped, on the grid of the steps. */
double fr_param_round(const fr_param *param, double value);

/* Turn unit coordinates into a point: inactive parameters become NaN. unit and point may be the
 * same array; both have space->n entries. */
void fr_space_from_unit(const fr_space *space, const double *unit, double *point);

/* Independent uniform draw. */
void fr_space_draw(const fr_space *space, fr_rng *rng, double *point);

/* NaN equals NaN. The hash agrees with equality. */
bool fr_space_equal(const fr_space *space, const double *a, const double *b);
uint64_t fr_space_hash(const fr_space *space, const double *point);

/* FR_ERR_ARG naming the parameter when a value is out of range, off its grid, or active where
 * it must not be. */
FR_CHECKED fr_status fr_space_check(const fr_space *space, const double *point);

/* Append the value as text: choice text, number; "" for NaN. */
void fr_param_format(const fr_param *param, double value, fr_text *out);

/* The value written as `text`: a choice by its text or a number in range and, to 1e-9 of a
 * step, on the grid. FR_ERR_USAGE says what is allowed. */
FR_CHECKED fr_status fr_param_parse(const fr_param *param, const char *text, double *value);

/* "learning_rate=0.01 optimizer=adam": active parameters only. */
void fr_space_format(const fr_space *space, const double *point, fr_text *out);

/* The values of a choice as a YAML list, "[relu, tanh]"; nothing for a number. */
void fr_param_describe_choices(const fr_param *param, fr_text *out);

/* One line on the distribution, "log [0.0001, 0.1]"; and its conditions, "optimizer = sgd",
 * "model in softmax, svm and scale = none". */
void fr_param_describe(const fr_param *param, fr_text *out);
void fr_param_describe_conditions(const fr_space *space, const fr_param *param, fr_text *out);

#endif
