#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write sklearn_select.txt: which features scikit-learn keeps of small fixed inputs, and the weights of its lasso."""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.feature_selection import SelectKBest, chi2, f_classif, f_regression, mutual_info_classif
from sklearn.linear_model import Lasso, LogisticRegression

from records import Records

ABOUT = f"""
scikit-learn {sklearn.__version__}, made by sklearn_select.py; format: see records.py. All in float64.

`x` (40, 8) are counts; `classes` (40) of 3 classes and `y` (40) depend on some of the columns. kept select=... features=...: the columns, ascending,
that SelectKBest keeps by f_classif and chi2 for the classes, by f_regression for y; by variance: those of the largest variance.
kept select=mutual_information: by mutual_info_classif(min(x, 12), classes, discrete_features=True), whose values are the record `information`.
lasso l1=...: coefficients and intercept of Lasso(alpha=l1 / 2) on the standardised columns for y, that is of mean squared error + l1 |w|.
logistic l1=...: of LogisticRegression(solver="saga", l1_ratio=1, C=1/(40 l1), tol=1e-10) on them for classes, that is of mean cross-entropy + l1 |w|:
weights (columns, classes), then the intercepts less their mean.
"""


def main() -> None:
    """Write the file."""
    out = Records(ABOUT)
    rng = np.random.default_rng(3)
    classes = rng.integers(0, 3, size=40)
    x = rng.poisson(np.outer(np.ones(40), [2, 9, 4, 6, 1, 12, 3, 5]) + np.outer(classes, [1, 2, 0, 4, 1, 0.5, 0.2, 3])).astype(float)
    y = np.round(4 * (x[:, 1] - 0.5 * x[:, 6] + 0.3 * x[:, 4] + rng.normal(size=40))) / 4
    out.add("x", x)
    out.add("classes", classes)
    out.add("y", y)
    for k in range(1, 8):
        for name, score, target in (("f_test", f_classif, classes), ("chi2", chi2, classes), ("regression", f_regression, y)):
            kept = SelectKBest(score, k=k).fit(x, target).get_support(indices=True)
            out.add("kept", kept, select=name, features=k)
        out.add("kept", np.sort(np.argsort(-x.var(axis=0), kind="stable")[:k]), select="variance", features=k)
    few = np.minimum(x, 12)
    information = mutual_info_classif(few, classes, discrete_features=True)
    out.add("information", information)
    for k in range(1, 8):
        out.add("kept", np.sort(np.argsort(-information, kind="stable")[:k]), select="mutual_information", features=k)
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    for l1 in (0.5, 2.0):
        lasso = Lasso(alpha=l1 / 2, tol=1e-12, max_iter=100000).fit(standard, y)
        out.add("lasso", [*lasso.coef_, lasso.intercept_], l1=l1)
    for l1 in (0.02, 0.08):
        logistic = LogisticRegression(solver="saga", l1_ratio=1.0, C=1 / (40 * l1), tol=1e-10, max_iter=1000000).fit(standard, classes)
        out.add("logistic", [*logistic.coef_.T.ravel(), *(logistic.intercept_ - logistic.intercept_.mean())], l1=l1)
    out.write(__file__)


if __name__ == "__main__":
    main()
