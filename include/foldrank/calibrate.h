/* SPDX-License-Identifier: BSD-3-Clause */
/* calibrate.h - probabilities that come true as often as they say, and where a class is said.
 *
 * Both are learnt from predictions of rows that the predicting model has not seen (those of the
 * folds of the chosen trial) and belong to the model from then on. The scores s of a row are,
 * of a family with probabilities, the logarithms of these up to a constant; of another its
 * decision values.
 *   platt        Platt (1999): the probability of the second of two classes is
 *                sigmoid(slope (s_1 - s_0) + intercept), fitted by maximum likelihood to
 * targets (N+ + 1) / (N+ + 2) and 1 / (N- + 2); of several classes each against the rest, by
 * its log odds or its decision value, divided by their sum (Zadrozny and Elkan 2002)
 *   temperature  Guo et al. (ICML 2017): softmax(s / temperature), by maximum likelihood
 * All functions are Local. */
#ifndef FR_CALIBRATE_H
#define FR_CALIBRATE_H

#include <stdbool.h>
#include <stddef.h>

#include "foldrank/metric.h"
#include "foldrank/option.h"
#include "foldrank/pack.h"
#include "foldrank/status.h"
#include "foldrank/text.h"

typedef enum {
    FR_CALIBRATE_NONE,
    FR_CALIBRATE_PLATT,
    FR_CALIBRATE_TEMPERATURE
} fr_calibrate_method;
extern const char *const fr_calibrate_words[]; /* NULL-terminated */

/* Study key `calibrate`. */
typedef struct {
    int method;      /* fr_calibrate_method */
    char *threshold; /* tune, or a probability; owned */
    int metric;      /* that tuning maximises; 0: the study's; see fr_calibrate_metric */
} fr_calibrate_options;

extern const fr_option fr_calibrate_option_table[];
extern const size_t fr_calibrate_option_count;

/* What options.threshold says: *tunes, or *threshold, 0 for one half. Errors: FR_ERR_USAGE. */
FR_CHECKED fr_status fr_calibrate_threshold(const fr_calibrate_options *options,
                                            float *threshold, bool *tunes);

/* What tuning maximises in a study of this metric. */
fr_metric fr_calibrate_metric(const fr_calibrate_options *options, fr_metric of_study);

/* Whether a score depends on the predicted classes alone: then a threshold moves it. */
bool fr_metric_is_of_classes(fr_metric metric);

/* The options in words, to compare two runs by; "" when they leave a model as it is. */
void fr_calibrate_describe(const fr_calibrate_options *options, fr_metric of_study,
                           fr_text *out);

/* What a model has learnt. {0} leaves it as it is. */
typedef struct {
    int method;
    bool log_scores;    /* scores are logarithms of probabilities, not decision values */
    size_t n;           /* platt: sigmoids: 1 of two classes, else one for each */
    double *sigmoid;    /* (n, 2) {slope, intercept}; owned */
    double temperature; /* of method temperature */
    float threshold;    /* of two classes the second is said above it; 0: at one half */
} fr_calibration;

void fr_calibration_clear(fr_calibration *calibration);
void fr_calibration_pack(const fr_calibration *calibration, fr_pack *out);
/* Errors: FR_ERR_FORMAT, FR_ERR_MEMORY. The caller clears *out. */
FR_CHECKED fr_status fr_calibration_unpack(fr_unpack *in, fr_calibration *out);

/* Rows that the model, or its like, has not seen. */
typedef struct {
    const float *target; /* (n) classes */
    const float *output; /* (n, n_classes) probabilities or decision values */
    size_t n, n_classes;
    bool probable; /* which of them */
} fr_unseen;

/* Learn to calibrate by `method`; rows whose outputs are not finite are left out. Temperatures
 * lie between 1e-3 and 1e3. Errors: FR_ERR_DATA without rows, FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_calibration_fit(fr_calibrate_method method, const fr_unseen *rows,
                                        fr_calibration *out);

/* Scores (n, n_classes) become probabilities, in place; nothing with method none. */
void fr_calibration_apply(const fr_calibration *calibration, float *scores, size_t n,
                          size_t n_classes);

/* The same of what the model says without its calibration: probabilities, or decision values.
 */
void fr_calibration_correct(const fr_calibration *calibration, float *output, size_t n,
                            size_t n_classes);

/* The threshold that gives the greatest score by `metric` when the second class is said above
 * it: halfway between two probabilities (n) that occur, of equally good ones the one nearest to
 * one half. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_threshold_tune(fr_metric metric, const float *target,
                                       const float *probability, size_t n, float *threshold);

/* fr_predicted_class, by the calibration's threshold where it has one. */
size_t fr_calibration_class(const fr_calibration *calibration, const float *output, size_t n);

/* fr_metric_score of what the calibration makes of the outputs: where only classes count, those
 * that are said. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_calibration_score(const fr_calibration *calibration, fr_metric metric,
                                          const float *target, const float *output, size_t n,
                                          size_t n_outputs, double *score);

/* The same of any metric: one that ranks goes by the outputs themselves. */
FR_CHECKED fr_status fr_calibration_score_rows(const fr_calibration *calibration,
                                               fr_metric metric, const fr_metric_rows *rows,
                                               double *score);

#endif
