#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write sklearn_metrics.txt: metrics, preprocessing and the corrected t-test on small fixed inputs."""

from __future__ import annotations

import itertools

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import metrics
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from records import Records

ABOUT = f"""
scikit-learn {sklearn.__version__} and scipy {scipy.__version__}, made by sklearn_metrics.py; format: see records.py. All in float64.

Metrics: first the inputs of a task (y_true, then proba, score or y_pred), then one record per metric with `task` and `average`.
  multi       40 rows, 3 classes 0 1 2; probabilities are multiples of 1/20, with ties; y_pred is the first maximum, never 2
  binary      30 rows, classes 0 1 (1 is positive); scores with ties; y_pred is score >= 0.5
  constant    y_pred is always 1: the MCC is 0 by convention, and so is a class's F1 when it is neither predicted nor hit
  regression  12 rows
Preprocessing: `matrix` with nan for missing; column 3 (from 0) is constant but for a nan, column 4 has ties; statistics per column, then
`transformed` = (matrix - center) / spread. Spread is the population deviation (n), the range, or the 25 % to 75 % range (linear quantiles; center
is the median), and 1 where it would be 0. The scalers skip nan and leave it in place.
Corrected t-test (Nadeau and Bengio 2003): `scores` has one row per model, one column per fold of all repeats; with d = scores of model a - scores
of model b, K folds in all, and v the variance of d with K - 1: t = mean(d) / sqrt((1/K + n_test/n_train) v), K - 1 degrees of freedom.
`corrected_t` has t, the two-sided p, and the one-sided p of "a is better than b" (higher is better).
"""

MULTI_TRUE = [0, 1, 2, 0, 1, 0, 2, 1, 0, 0, 1, 2, 0, 1, 1, 0, 2, 0, 1, 0,
              2, 1, 0, 1, 0, 2, 0, 1, 1, 0, 0, 2, 1, 0, 1, 0, 2, 0, 1, 0]
# The first two probabilities of each row, in twentieths.
MULTI_PROBA = [(14, 4), (3, 12), (8, 6), (9, 9), (7, 7), (16, 3), (5, 9), (9, 6), (12, 5), (6, 10),
               (4, 13), (10, 4), (18, 1), (2, 15), (7, 8), (11, 8), (7, 7), (13, 4), (6, 9), (8, 8),
               (7, 8), (10, 7), (15, 3), (4, 14), (9, 9), (9, 2), (10, 6), (5, 13), (9, 9), (7, 10),
               (12, 2), (1, 10), (6, 12), (14, 4), (8, 7), (11, 6), (8, 5), (17, 2), (3, 12), (9, 8)]
BINARY_TRUE = [0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0]
BINARY_SCORE = [0.1, 0.8, 0.5, 0.5, 0.9, 0.2, 0.35, 0.35, 0.05, 0.6, 0.75, 0.4, 0.6, 0.15, 0.45, 0.25, 0.95, 0.1, 0.3, 0.7,
                0.55, 0.2, 0.5, 0.45, 0.01, 0.99, 0.35, 0.65, 0.5, 0.3]
REAL_TRUE = [3.0, -0.5, 2.0, 7.0, 4.25, -1.75, 0.0, 5.5, 10.0, -3.0, 1.0, 2.5]
REAL_PRED = [2.5, 0.0, 2.0, 8.0, 4.0, -1.0, 0.5, 5.0, 8.5, -2.0, 1.25, 3.0]
NAN = np.nan
MATRIX = np.array([[1.5, 200.0, -3.0, 7.0, 1.0], [2.25, NAN, 0.5, 7.0, 2.0], [NAN, 180.0, 4.0, 7.0, 2.0],
                   [4.0, 1500.0, NAN, 7.0, 3.0], [-0.75, 210.0, 2.5, NAN, 3.0], [1.5, 190.0, 2.5, 7.0, NAN],
                   [3.125, NAN, -1.0, 7.0, 1.0], [0.0, 205.0, NAN, 7.0, 2.0], [1.0, 195.0, 6.5, 7.0, 3.0],
                   [5.5, 220.0, 0.0, 7.0, NAN], [NAN, 185.0, 2.5, 7.0, 5.0]])
# Two repeats of five folds; model 3 is a poor one, model 2 close to model 0.
FOLD_SCORES = np.array([[0.971, 0.968, 0.975, 0.962, 0.979, 0.973, 0.966, 0.970, 0.977, 0.964],
                        [0.965, 0.969, 0.968, 0.958, 0.972, 0.970, 0.961, 0.971, 0.969, 0.960],
                        [0.970, 0.969, 0.974, 0.964, 0.977, 0.973, 0.967, 0.969, 0.976, 0.967],
                        [0.921, 0.934, 0.940, 0.915, 0.938, 0.929, 0.933, 0.918, 0.941, 0.926]])


def add_classification(out: Records, task: str, y_true: np.ndarray, y_pred: np.ndarray) -> None:
    """Add the metrics that need predicted classes only."""
    out.add("accuracy", metrics.accuracy_score(y_true, y_pred), task=task)
    out.add("balanced_accuracy", metrics.balanced_accuracy_score(y_true, y_pred), task=task)
    for average in ("macro", "weighted"):
        out.add("f1", metrics.f1_score(y_true, y_pred, average=average, zero_division=0.0), task=task, average=average)
    out.add("mcc", metrics.matthews_corrcoef(y_true, y_pred), task=task)


def add_metrics(out: Records) -> None:
    """Add all metrics with their inputs."""
    out.comment("multi")
    y_true = np.array(MULTI_TRUE)
    proba = np.array([(a, b, 20 - a - b) for a, b in MULTI_PROBA]) / 20.0
    y_pred = proba.argmax(axis=1)
    out.add("y_true", y_true, task="multi")
    out.add("proba", proba, task="multi")
    out.add("y_pred", y_pred, task="multi")
    add_classification(out, "multi", y_true, y_pred)
    out.add("log_loss", metrics.log_loss(y_true, proba), task="multi")
    for average in ("macro", "weighted"):
        auc = metrics.roc_auc_score(y_true, proba, multi_class="ovr", average=average)
        out.add("roc_auc_ovr", auc, task="multi", average=average)

    out.comment("binary")
    y_true, score = np.array(BINARY_TRUE), np.array(BINARY_SCORE)
    y_pred = (score >= 0.5).astype(int)
    out.add("y_true", y_true, task="binary")
    out.add("score", score, task="binary")
    out.add("y_pred", y_pred, task="binary")
    add_classification(out, "binary", y_true, y_pred)
    out.add("f1", metrics.f1_score(y_true, y_pred), task="binary", average="positive")
    out.add("log_loss", metrics.log_loss(y_true, score), task="binary")
    out.add("roc_auc", metrics.roc_auc_score(y_true, score), task="binary")

    out.comment("constant")
    out.add("y_true", y_true, task="constant")
    out.add("y_pred", np.ones_like(y_true), task="constant")
    add_classification(out, "constant", y_true, np.ones_like(y_true))

    out.comment("regression")
    y_true, y_pred = np.array(REAL_TRUE), np.array(REAL_PRED)
    out.add("y_true", y_true, task="regression")
    out.add("y_pred", y_pred, task="regression")
    out.add("rmse", metrics.root_mean_squared_error(y_true, y_pred), task="regression")
    out.add("mae", metrics.mean_absolute_error(y_true, y_pred), task="regression")
    out.add("r2", metrics.r2_score(y_true, y_pred), task="regression")
    out.add("explained_variance", metrics.explained_variance_score(y_true, y_pred), task="regression")


def add_preprocessing(out: Records) -> None:
    """Add imputers' and scalers' statistics and what they make of the matrix."""
    out.comment("preprocessing")
    out.add("matrix", MATRIX)
    for strategy in ("mean", "median", "most_frequent"):
        imputer = SimpleImputer(strategy=strategy).fit(MATRIX)
        out.add("fill", imputer.statistics_, impute=strategy)
        out.add("transformed", imputer.transform(MATRIX), impute=strategy)
    standard, minmax, robust = StandardScaler().fit(MATRIX), MinMaxScaler().fit(MATRIX), RobustScaler().fit(MATRIX)
    out.add("center", standard.mean_, scale="standard")
    out.add("spread", standard.scale_, scale="standard")
    out.add("transformed", standard.transform(MATRIX), scale="standard")
    out.add("center", minmax.data_min_, scale="minmax")
    out.add("spread", 1.0 / minmax.scale_, scale="minmax")
    out.add("transformed", minmax.transform(MATRIX), scale="minmax")
    out.add("center", robust.center_, scale="robust")
    out.add("spread", robust.scale_, scale="robust")
    out.add("transformed", robust.transform(MATRIX), scale="robust")


def add_corrected_t(out: Records, n_train: int = 1150, n_test: int = 287) -> None:
    """Add the corrected resampled t-test of every pair of models.

    Parameters
    ----------
    out : Records
        Receives the records.
    n_train, n_test : int
        Rows that a fold trains and scores on.
    """
    out.comment("corrected resampled t-test")
    out.add("scores", FOLD_SCORES, n_train=n_train, n_test=n_test)
    folds = FOLD_SCORES.shape[1]
    for a, b in itertools.combinations(range(len(FOLD_SCORES)), 2):
        d = FOLD_SCORES[a] - FOLD_SCORES[b]
        t = d.mean() / np.sqrt((1.0 / folds + n_test / n_train) * d.var(ddof=1))
        one_sided = stats.t.sf(t, folds - 1)
        two_sided = 2.0 * stats.t.sf(abs(t), folds - 1)
        out.add("corrected_t", [t, two_sided, one_sided], a=a, b=b)


def main() -> None:
    """Write the file."""
    out = Records(ABOUT)
    add_metrics(out)
    add_preprocessing(out)
    add_corrected_t(out)
    out.write(__file__)


if __name__ == "__main__":
    main()
