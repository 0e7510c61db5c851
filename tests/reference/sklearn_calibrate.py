#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write sklearn_calibrate.txt: sigmoids, temperatures and thresholds for fixed scores."""

from __future__ import annotations

import numpy as np
import scipy
import sklearn
from records import Records
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, softmax
from sklearn import metrics
from sklearn.calibration import _SigmoidCalibration

ABOUT = f"""
scikit-learn {sklearn.__version__} and scipy {scipy.__version__}, made by sklearn_calibrate.py; format: see records.py.
  scores       rows of scores s, one column for each class
  y            classes
  sklearn      slope and intercept of sklearn.calibration._SigmoidCalibration, which CalibratedClassifierCV fits, for each class against the
               rest (of two classes: the second, by s_1 - s_0); input `log_odds`: log p / (1 - p) of p = softmax(s); `margin`: s itself
  platt        the same by scipy.optimize.minimize to the last digits
  calibrated   probabilities: sigmoids divided by their sum
  temperature  by scipy.optimize.minimize_scalar, and `warmed`: softmax(s / temperature)
  threshold    `best`: the greatest score of y_pred = p > t over all t in p and just below, by scikit-learn's metric
  worth        log loss, Brier score of softmax(s) by scikit-learn
"""


def log_odds(scores):
    p = softmax(scores, axis=1)
    others = np.stack([np.delete(p, k, axis=1).sum(axis=1) for k in range(p.shape[1])], axis=1)
    return np.log(p) - np.log(others)


def platt(x, positive):
    """Platt's targets; Newton-polished minimum of the cross-entropy."""
    n1, n0 = positive.sum(), (~positive).sum()
    t = np.where(positive, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))

    def cost(ab):
        z = ab[0] * x + ab[1]
        d = expit(z) - t
        return np.sum(np.logaddexp(0, z) - t * z), np.array([d @ x, d.sum()])

    def hess(ab):
        p = expit(ab[0] * x + ab[1])
        w = p * (1 - p)
        return np.array([[w @ (x * x), w @ x], [w @ x, w.sum()]])

    found = minimize(cost, [0.0, 0.0], jac=True, hess=hess, method="trust-exact", options={"gtol": 1e-12}).x
    for _ in range(20):
        found = found - np.linalg.solve(hess(found), cost(found)[1])
    return found


def sklearn_platt(x, positive):
    fit = _SigmoidCalibration().fit(x, positive.astype(int))
    return [-fit.a_, -fit.b_]


def temperature(scores, y):
    def cost(log_t):
        return -log_softmax(scores / np.exp(log_t), axis=1)[np.arange(len(y)), y].sum()

    return np.exp(minimize_scalar(cost, bounds=(-6, 6), method="bounded", options={"xatol": 1e-12}).x)


def add(records, case, scores, y, features, kind):
    n_classes = scores.shape[1]
    which = [1] if n_classes == 2 else range(n_classes)
    own = np.array([platt(features[:, k], y == k) for k in which])
    records.add("scores", scores, digits=9, case=case)
    records.add("y", y, case=case)
    records.add("sklearn", [sklearn_platt(features[:, k], y == k) for k in which], case=case, input=kind)
    records.add("platt", own, case=case, input=kind)
    if n_classes == 2:
        p = expit(own[0, 0] * features[:, 1] + own[0, 1])
        records.add("calibrated", np.stack([1 - p, p], axis=1), case=case, input=kind)
    else:
        p = expit(own[:, 0] * features + own[:, 1])
        records.add("calibrated", p / p.sum(axis=1, keepdims=True), case=case, input=kind)


def warm(records, case, scores, y):
    t = temperature(scores, y)
    records.add("temperature", [t], case=case)
    records.add("warmed", softmax(scores / t, axis=1), case=case)
    p = softmax(scores, axis=1)
    brier = np.mean((p[:, 1] - y) ** 2) if p.shape[1] == 2 else np.mean(np.sum((p - np.eye(p.shape[1])[y]) ** 2, axis=1))
    assert np.isclose(brier, metrics.brier_score_loss(y, p[:, 1] if p.shape[1] == 2 else p))
    records.add("worth", [metrics.log_loss(y, p), brier], case=case)


def threshold(records, y, p):
    records.add("p", p, digits=9)
    records.add("p_class", y)
    scorers = {
        "accuracy": metrics.accuracy_score,
        "balanced_accuracy": metrics.balanced_accuracy_score,
        "f1_macro": lambda t, s: metrics.f1_score(t, s, average="macro", zero_division=0),
        "mcc": metrics.matthews_corrcoef,
    }
    for name, score in scorers.items():
        at = [score(y, p > t) for t in [*p, *(p - 1e-4)]]
        records.add("best", [max(at), score(y, p > 0.5)], metric=name)


def main():
    records = Records(ABOUT)
    rng = np.random.default_rng(8)
    x = rng.normal(size=120)
    y = (rng.random(120) < expit(1.3 * x - 1.0)).astype(int)
    scores = np.stack([-2.0 * x + rng.normal(size=120), 2.0 * x + rng.normal(size=120)], axis=1).astype(np.float32).astype(float)
    difference = scores[:, 1] - scores[:, 0]
    add(records, "two", scores, y, np.stack([-difference, difference], axis=1), "log_odds")
    warm(records, "two", scores, y)
    centers = rng.normal(size=(90, 3))
    y = np.array([rng.choice(3, p=softmax(row)) for row in centers])
    scores = (3.0 * centers + rng.normal(size=centers.shape)).astype(np.float32).astype(float)
    add(records, "three", scores, y, log_odds(scores), "log_odds")
    warm(records, "three", scores, y)
    add(records, "margins", 40.0 * scores, y, 40.0 * scores, "margin")
    p = np.round(rng.beta(1, 4, size=150), 3).astype(np.float32).astype(float)
    threshold(records, (rng.random(150) < p**0.7).astype(int), p)
    records.write(__file__)


if __name__ == "__main__":
    main()
