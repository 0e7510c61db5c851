#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write sklearn_select.txt: which features scikit-learn keeps of small fixed inputs."""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.feature_selection import SelectKBest, chi2, f_classif, f_regression

from records import Records

ABOUT = f"""
scikit-learn {sklearn.__version__}, made by sklearn_select.py; format: see records.py. All in float64.

`x` (40, 8) are counts; `classes` (40) of 3 classes and `y` (40) depend on some of the columns. kept select=... features=...: the columns, ascending,
that SelectKBest keeps by f_classif and chi2 for the classes, by f_regression for y; by variance: those of the largest variance.
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
    out.write(__file__)


if __name__ == "__main__":
    main()
