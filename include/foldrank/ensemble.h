/* SPDX-License-Identifier: BSD-3-Clause */
/* ensemble.h - several of a study's models that predict together: the weighted mean of their
 * values, or of their probabilities.
 *
 * Which ones is found by greedy selection from a library of trained models (Caruana,
 * Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models", ICML 2004;
 * bags: Caruana, Munson and Niculescu-Mizil, ICDM 2006): begin with the best ones, then add
 * again and again the candidate with which the mean of all scores best out of fold. A candidate
 * may come several times, which makes its weight. Scores are means over folds, as those of
 * trials are, so an ensemble of one trial has that trial's score. No clock, no MPI; the same
 * library gives the same bits. All functions are Local. */
#ifndef FR_ENSEMBLE_H
#define FR_ENSEMBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "foldrank/data.h"
#include "foldrank/metric.h"
#include "foldrank/model.h"
#include "foldrank/option.h"
#include "foldrank/pack.h"
#include "foldrank/pareto.h"
#include "foldrank/status.h"

/* Study key `ensemble`. */
typedef struct {
    int64_t size;       /* members drawn, with repetition; 0 = no ensemble */
    int64_t candidates; /* best trials that they are drawn from */
    int64_t initial;    /* at most so many of the best to begin with */
    int64_t bags;       /* selections among random candidates, added up; 1 = one among all */
    double bag_share;   /* of the candidates, that a bag sees */
    int64_t seed;       /* of the bags */
} fr_ensemble_options;

extern const fr_option fr_ensemble_option_table[];
extern const size_t fr_ensemble_option_count;

/* ---- selection ---- */

/* What the candidates' fold models say of the rows that they have not seen. */
typedef struct {
    size_t n_candidates; /* best first */
    size_t n_folds, n_outputs;
    const fr_scored *scored; /* (n_candidates, n_folds); rows and targets of a fold are equal */
    const fr_dataset *dataset; /* of the rows; a metric that ranks looks whose they are */
    fr_metric metric;
    bool maximize;
    size_t n_others;      /* trials that cannot be members, but might be better alone */
    const double *others; /* (n_others, n_folds) their scores */
} fr_ensemble_library;

typedef struct {
    double *weight; /* (n_candidates) sum is 1; owned */
    double score;   /* on the folds by which the members were chosen: flatters */
    /* Chosen without a fold and scored on it, mean over folds: of the procedure, and in the
     * same way of the best single trial, the others included. A fold is left out together with
     * those that share rows with it, and many small ones in ten parts. NaN where nothing else
     * is left. */
    double honest_score, honest_single;
} fr_ensemble_choice;

/* Errors: FR_STOPPED when `stopped` (NULL: never) says so; FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_ensemble_select(const fr_ensemble_library *library,
                                        const fr_ensemble_options *options,
                                        bool (*stopped)(void), fr_ensemble_choice *out);
void fr_ensemble_choice_clear(fr_ensemble_choice *choice);

/* ---- the members together ---- */

typedef struct {
    uint64_t trial;
    double weight;
    fr_model model; /* of the trial, trained on all search rows */
} fr_ensemble_member;

/* Start with {0}; release with fr_ensemble_clear. */
typedef struct {
    size_t n;                   /* by weight, the largest first; ties to the better trial */
    fr_ensemble_member *member; /* (n) owned */
    double score, honest_score, honest_single; /* as in fr_ensemble_choice */
    double test_score;                         /* NaN without test rows */
    double test_more[FR_GOALS_MAX - 1];        /* in the further objectives, likewise */
    fr_scored test;                            /* what it says of the test rows; owned */
} fr_ensemble;

void fr_ensemble_clear(fr_ensemble *ensemble);

/* As fr_model_predict, by the members' weighted mean; one member alone gives its own bits.
 * n >= 1 members with the same schema and kind of output. Errors: FR_ERR_MEMORY. */
FR_CHECKED fr_status fr_ensemble_predict(const fr_ensemble *ensemble, const fr_dataset *dataset,
                                         const uint32_t *rows, size_t n, float *output);

/* Members with their weights, for messages between ranks of one program. Unpack: FR_ERR_FORMAT
 * when the bytes make no sense; the caller clears *out. */
void fr_ensemble_pack(const fr_ensemble *ensemble, fr_pack *out);
FR_CHECKED fr_status fr_ensemble_unpack(fr_unpack *in, fr_ensemble *out);

#endif
