# SPDX-License-Identifier: BSD-3-Clause
"""Permutation importance, calibration and quantile grids of scikit-learn and numpy; makes explain.txt."""

import numpy as np
import sklearn
from records import Records
from sklearn.calibration import calibration_curve
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression

ABOUT = f"""
scikit-learn {sklearn.__version__}, numpy {np.__version__}, made by explain.py; format: see records.py.
    x, y          rows of a regression; fitted by weights and bias (LinearRegression)
    importance    of each column, with the standard error of its mean over the repeats (permutation_importance)
    dependence    of column 0 at `grid` (partial_dependence, kind average, method brute)
    grid          of column 0: numpy.quantile, method lower, at 20 places from 0.05 to 0.95
    class_*       the same for a fixed logistic regression; importance by accuracy
    probability   n probabilities; came_true: 0 or 1
    curve         rows of predicted, observed (calibration_curve, strategy quantile) and how many; error: their mean
                  distance, weighted by rows
"""
REPEATS = 3000


def importance(records, name, model, x, y, scoring):
    found = permutation_importance(model, x, y, scoring=scoring, n_repeats=REPEATS, random_state=0)
    mean, error = found.importances_mean, found.importances.std(axis=1, ddof=1) / np.sqrt(REPEATS)
    records.add(name, np.column_stack([mean, error]), scoring=scoring)


def linear_model(records):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(80, 4)).astype(np.float32)
    y = (x @ [2.0, -1.0, 0.5, 0.0] + 0.3 * rng.normal(size=80) + 1.0).astype(np.float32)
    model = LinearRegression().fit(x, y)
    model.coef_, model.intercept_ = model.coef_.astype(np.float32), np.float32(model.intercept_)
    records.add("x", x, digits=9)
    records.add("y", y, digits=9)
    records.add("weights", model.coef_, digits=9)
    records.add("bias", [model.intercept_], digits=9)
    for scoring in ("r2", "neg_root_mean_squared_error"):
        importance(records, "importance", model, x, y, scoring)
    grid = np.unique(np.quantile(x[:, 0], np.linspace(0.05, 0.95, 20), method="lower"))
    records.add("grid", grid, digits=9)
    found = partial_dependence(model, x, [0], custom_values={0: grid}, kind="average", method="brute")
    records.add("dependence", found["average"][0])


def logistic_model(records):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(100, 3)).astype(np.float32)
    y = (x @ [2.0, 1.0, 0.0] + rng.normal(size=100) > 0).astype(int)
    model = LogisticRegression().fit(x, y)
    model.coef_, model.intercept_ = model.coef_.astype(np.float32), model.intercept_.astype(np.float32)
    records.add("class_x", x, digits=9)
    records.add("class_y", y)
    records.add("class_weights", model.coef_[0], digits=9)
    records.add("class_bias", model.intercept_, digits=9)
    importance(records, "class_importance", model, x, y, "accuracy")


def calibration(records):
    rng = np.random.default_rng(6)
    for case, (n, bins, ties) in enumerate([(300, 10, False), (200, 7, True), (12, 10, False)]):
        p = (np.round(rng.random(n), 1) if ties else rng.random(n)).astype(np.float32)
        y = (rng.random(n) < p**1.5).astype(int)
        observed, predicted = calibration_curve(y, p.astype(np.float64), n_bins=bins, strategy="quantile")
        edges = np.percentile(p.astype(np.float64), np.linspace(0, 1, bins + 1) * 100)
        counts = np.bincount(np.searchsorted(edges[1:-1], p.astype(np.float64)), minlength=bins)
        counts = counts[counts > 0]
        records.add("probability", p, digits=9, case=case)
        records.add("came_true", y, case=case)
        records.add("curve", np.column_stack([predicted, observed, counts]), case=case, bins=bins)
        records.add("error", [np.sum(np.abs(predicted - observed) * counts) / n], case=case)


def main():
    records = Records(ABOUT)
    linear_model(records)
    logistic_model(records)
    calibration(records)
    records.write(__file__)


main()
