#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write sklearn_nested.csv and sklearn_nested.txt: nested cross-validation of kernel ridge regression by GridSearchCV inside outer folds.

The folds are those of the column `fold`: each value is an outer fold once, and the others are the inner folds of its search.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROWS, FOLDS = 160, 4
GAMMAS, RIDGES = [0.01, 0.03, 0.1], [0.3, 1.0, 3.0]


def main() -> None:
    """Write both files beside this one."""
    sklearn.set_config(enable_metadata_routing=True)
    here = Path(__file__).parent
    x, y = load_diabetes(return_X_y=True, scaled=False)
    x, y = x[:ROWS], y[:ROWS]
    fold = np.random.default_rng(3).permutation(np.arange(ROWS) % FOLDS)
    names = [f"x{j}" for j in range(x.shape[1])]
    lines = [",".join([*names, "y", "fold"])]
    lines += [",".join([*(f"{v:.10g}" for v in row), f"{t:.10g}", f"f{k}"]) for row, t, k in zip(x, y, fold, strict=True)]
    (here / "sklearn_nested.csv").write_text("\n".join(lines) + "\n")
    pipeline = make_pipeline(StandardScaler(), KernelRidge(kernel="rbf"))
    grid = {"kernelridge__gamma": GAMMAS, "kernelridge__alpha": RIDGES}
    inner = GridSearchCV(pipeline, grid, scoring="r2", cv=LeaveOneGroupOut())
    scores = cross_val_score(inner, x, y, cv=LeaveOneGroupOut(), params={"groups": fold})
    report = [f"# scikit-learn {sklearn.__version__}, made by sklearn_nested.py: outer fold, its r2, what its search thought, gamma, alpha"]
    for k, score in enumerate(scores):
        train = fold != k
        search = clone(inner).fit(x[train], y[train], groups=fold[train])
        best = search.best_params_
        report.append(f"{k} {score:.12g} {search.best_score_:.12g} {best['kernelridge__gamma']:g} {best['kernelridge__alpha']:g}")
    report.append(f"mean {np.mean(scores):.12g}")
    (here / "sklearn_nested.txt").write_text("\n".join(report) + "\n")


if __name__ == "__main__":
    main()
